"""poll(2), select(2) and their kin over objects of several components.

The descriptors of a call are put together by owner, and each owner is asked in one message (`rumpuser.readiness`).
Where there are several, all are first asked for what is ready now; if nothing is, all are asked to answer as soon as
something is, and the first answer ends the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.kqueue import KqueueDescription
from rumpgateway.core.signals import under_mask
from rumpgateway.core.waiting import find_devices, timeout_ns
from rumpuser.component import Entry
from rumpuser.pending import Begun, Channel, Pending, any_of
from rumpuser.readiness import ALWAYS, IN
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Pollfd, PollResult, PolltsResult, PselectResult, SelectResult, Timespec

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

MAX_BEYOND = 1000
"""poll takes so many entries more than there can be descriptors."""
_SETS = (
    const.POLLRDNORM | const.POLLHUP | const.POLLERR,
    const.POLLWRNORM | const.POLLHUP | const.POLLERR,
    const.POLLRDBAND,
)
"""What makes a descriptor ready in each of select's sets."""
_ASKED = (const.POLLRDNORM, const.POLLWRNORM, const.POLLRDBAND)


class _Group:
    """What one owner is asked: objects, parts of kqueues, and for which entries of the call."""

    __slots__ = ("entries", "events", "handles", "queue_entries", "queues")

    def __init__(self) -> None:
        self.handles: list[int] = []
        self.events: list[int] = []
        self.queues: list[int] = []
        self.entries: list[int] = []
        self.queue_entries: list[int] = []

    def ask(self, gateway: Gateway, p: Process, owner: str, *, wait: bool) -> Begun[Sequence[int]]:
        args = (self.handles, self.events, self.queues, wait)
        return Begun(lambda: gateway.peer(owner).call(p.context, calls.POLL_OBJECTS, args))


class _Plan:
    """A call of poll: its entries by owner. ``revents`` has what is known without asking."""

    def __init__(self, p: Process, fds: Sequence[tuple[int, int]]) -> None:
        self.groups: dict[str, _Group] = {}
        self.revents = [0] * len(fds)
        self.kqueues: list[KqueueDescription] = []
        for entry, (fd, events) in enumerate(fds):
            if fd >= 0:
                self._add(entry, p.fds.find(fd), events)

    def _add(self, entry: int, found: Description | None, events: int) -> None:
        if found is None:
            self.revents[entry] = const.POLLNVAL
        elif found.owner == "lost":
            self.revents[entry] = const.POLLERR | const.POLLHUP
        elif isinstance(found, KqueueDescription):
            self.kqueues.append(found)
            for owner in found.parts:
                group = self.groups.setdefault(owner, _Group())
                group.queues.append(found.handle)
                group.queue_entries.append(entry)
                self.revents[entry] |= events & IN if found.left else 0
        else:
            group = self.groups.setdefault("dev" if found.device else found.owner, _Group())
            group.handles.append(found.device or found.handle)
            group.events.append(events)
            group.entries.append(entry)

    def take(self, owner: str, outcome: Pending[Sequence[int]], fds: Sequence[tuple[int, int]]) -> None:
        """What an owner answered. When it cannot be asked, its objects have an error."""
        group = self.groups[owner]
        entries = group.entries + group.queue_entries
        try:
            answer: Sequence[int] = outcome.result()
        except KernelError:
            answer = (const.POLLERR,) * len(entries)
        for entry, revents in zip(entries, answer, strict=True):
            self.revents[entry] |= revents & (fds[entry][1] | ALWAYS)


async def wait_for(gateway: Gateway, p: Process, fds: Sequence[tuple[int, int]], timeout_ns: int | None) -> list[int]:
    """The events of (descriptor, events) pairs, all 0 when the time is over. EINTR."""
    await find_devices(gateway, (p.fds.find(fd) for fd, _ in fds))
    deadline = None if timeout_ns is None else gateway.host.monotonic_ns() + timeout_ns
    while True:
        plan = _Plan(p, fds)
        if len(plan.groups) > 1 or timeout_ns == 0 or any(plan.revents):
            await _scan(gateway, p, fds, plan)
        if any(plan.revents) or timeout_ns == 0:
            return plan.revents
        if await _wait(gateway, p, fds, plan, deadline):
            return plan.revents


async def _scan(gateway: Gateway, p: Process, fds: Sequence[tuple[int, int]], plan: _Plan) -> None:
    begun = {owner: group.ask(gateway, p, owner, wait=False) for owner, group in plan.groups.items()}
    for owner, call in begun.items():
        if not call.outcome.done:
            await any_of([call.outcome])
        plan.take(owner, call.outcome, fds)


async def _wait(
    gateway: Gateway, p: Process, fds: Sequence[tuple[int, int]], plan: _Plan, deadline: int | None
) -> bool:
    """Waits for the first owner that has something; False when a kqueue reaches further than the plan knows."""
    bells = [kqueue.changed.wait() for kqueue in plan.kqueues]
    clock = Channel(gateway.host).wait(deadline)
    begun = {owner: group.ask(gateway, p, owner, wait=True) for owner, group in plan.groups.items()}
    try:
        await any_of([clock, *bells, *(call.outcome for call in begun.values())])
        answered = [owner for owner, call in begun.items() if call.outcome.done]
        rung = any(bell.done for bell in bells)
    finally:
        for call in begun.values():
            call.cancel()
        for bell in (clock, *bells):
            bell.resolve(False)
    for owner in answered:
        plan.take(owner, begun[owner].outcome, fds)
    return any(plan.revents) or not rung


# -- the calls


async def poll(gateway: Gateway, p: Process, fds: Sequence[Pollfd], timeout: int) -> PollResult:  # noqa: ASYNC109
    """EINVAL for too many entries and for a negative time other than INFTIM, EINTR."""
    if timeout < -1:
        raise KernelError(Errno.EINVAL, f"a timeout of {timeout} ms")
    return PollResult(*await _poll(gateway, p, fds, None if timeout == -1 else timeout * 10**6))


async def pollts(
    gateway: Gateway, p: Process, fds: Sequence[Pollfd], ts: Timespec | None, mask: int | None
) -> PolltsResult:
    wait_ns = timeout_ns(ts)
    return PolltsResult(*await under_mask(p, mask, lambda: _poll(gateway, p, fds, wait_ns)))


async def _poll(gateway: Gateway, p: Process, fds: Sequence[Pollfd], wait_ns: int | None) -> tuple[int, list[Pollfd]]:
    if len(fds) > p.fds.limit + MAX_BEYOND:
        raise KernelError(Errno.EINVAL, f"{len(fds)} entries; {p.fds.limit + MAX_BEYOND} are the most")
    revents = await wait_for(gateway, p, [(entry.fd, entry.events) for entry in fds], wait_ns)
    answer = [Pollfd(entry.fd, entry.events, found) for entry, found in zip(fds, revents, strict=True)]
    return sum(map(bool, revents)), answer


async def select(
    gateway: Gateway,
    p: Process,
    nd: int,
    in_fds: Sequence[int],
    out_fds: Sequence[int],
    ex_fds: Sequence[int],
    timeout: Timespec | None,  # noqa: ASYNC109
) -> SelectResult:
    """EINVAL, EBADF, EINTR."""
    return SelectResult(*await _select(gateway, p, nd, (in_fds, out_fds, ex_fds), timeout_ns(timeout)))


async def pselect(
    gateway: Gateway,
    p: Process,
    nd: int,
    in_fds: Sequence[int],
    out_fds: Sequence[int],
    ex_fds: Sequence[int],
    ts: Timespec | None,
    mask: int | None,
) -> PselectResult:
    wait_ns = timeout_ns(ts)
    sets = (in_fds, out_fds, ex_fds)
    return PselectResult(*await under_mask(p, mask, lambda: _select(gateway, p, nd, sets, wait_ns)))


async def _select(
    gateway: Gateway, p: Process, nd: int, sets: Sequence[Sequence[int]], wait_ns: int | None
) -> tuple[int, list[int], list[int], list[int]]:
    """As poll, of the descriptors below ``nd`` in the sets; how many bits are set in all three together."""
    if nd < 0:
        raise KernelError(Errno.EINVAL, f"select of {nd} descriptors")
    wanted: dict[int, int] = {}
    for fds, events in zip(sets, _ASKED, strict=True):
        for fd in fds:
            if fd < nd:
                p.fds.get(fd)
                wanted[fd] = wanted.get(fd, 0) | events
    entries = list(wanted.items())
    revents = dict(zip(wanted, await wait_for(gateway, p, entries, wait_ns), strict=True))
    ready = [[fd for fd in fds if revents.get(fd, 0) & events] for fds, events in zip(sets, _SETS, strict=True)]
    return sum(map(len, ready)), ready[0], ready[1], ready[2]


def paccept(gateway: Gateway, p: Process, s: int, mask: int | None, flags: int) -> Any:
    """accept with a signal mask. As accept; EINTR."""
    args = (s, None, flags)
    if mask is None:
        return gateway.route(p, calls.PACCEPT, args)
    return under_mask(p, mask, lambda: gateway.route(p, calls.PACCEPT, args))


POLL_CALLS: dict[str, Entry] = {
    "poll": Entry(poll),
    "pollts": Entry(pollts),
    "select": Entry(select),
    "paccept": Entry(paccept),
    "pselect": Entry(pselect),
}

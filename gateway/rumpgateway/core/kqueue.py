"""kqueue(2) over objects of several components.

Interests are in descriptors, which the gateway alone knows, so the kqueue is an object of the gateway; what is watched
and how far it fired is with the owners of the objects, each of which has a *part* of the kqueue (`rumpuser.kqueue`).
The gateway has a part itself, for the console, for events of users and for kqueues in kqueues. A change goes to the
owner of what it is about; events come from all parts.

A knote on another kqueue is in every part that the other one has, since what is ready there may be so in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.waiting import find_devices, timeout_ns
from rumpuser.component import KERNEL, Entry
from rumpuser.kqueue import ALL, DESCRIPTOR_FILTERS, Filter, Knote
from rumpuser.pending import Begun, Channel, Pending, Timers, any_of, value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import FcntlResult, Kevent, KnoteSpec, Stat, Timespec

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

HERE = "gateway"
_OWNERS = {
    const.EVFILT_PROC: "kern",
    const.EVFILT_TIMER: "kern",
    const.EVFILT_SIGNAL: "kern",
    const.EVFILT_FS: "vfs",
    const.EVFILT_USER: HERE,
}
"""Who watches what is no descriptor."""
_KEPT = const.EV_CLEAR | const.EV_ONESHOT | const.EV_DISPATCH
"""Events with these flags are told once: what was taken and could not be told has to be told later."""


class KqueueDescription(Description):
    """A kqueue. ``parts`` are the components that have one, ``fds`` which of them watch a descriptor.

    ``outer`` are the kqueues that watch this one, with the changes that made them do so.
    """

    __slots__ = ("changed", "fds", "flags", "left", "outer", "parts")

    inherited = False

    def __init__(self, timers: Timers, number: int, flags: int) -> None:
        super().__init__(HERE, number)
        self.flags = flags
        self.parts: dict[str, None] = {HERE: None}
        self.fds: dict[int, set[str]] = {}
        self.outer: dict[KqueueDescription, dict[tuple[int, bool], KnoteSpec]] = {}
        self.changed = Channel(timers)
        self.left: list[Kevent] = []


class UserFilter(Filter):
    """EVFILT_USER: an event that the program itself triggers."""

    def attach(self, ctx: Any, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        self._take(knote, spec)
        return lambda: None

    def touch(self, knote: Knote, spec: KnoteSpec) -> None:
        self._take(knote, spec)
        if spec.flags & const.EV_ADD:
            knote.sdata = spec.data

    def holds(self, knote: Knote, hint: int) -> bool:
        knote.fflags, knote.data = knote.sfflags & const.NOTE_FFLAGSMASK, knote.sdata
        return bool(knote.sfflags & const.NOTE_TRIGGER)

    def told(self, knote: Knote) -> None:
        super().told(knote)
        knote.sfflags &= ~const.NOTE_TRIGGER

    def _take(self, knote: Knote, spec: KnoteSpec) -> None:
        """The operation on the 24 flags of the user's that fflags names; NOTE_TRIGGER triggers."""
        old, new = knote.sfflags & const.NOTE_FFLAGSMASK, spec.fflags & const.NOTE_FFLAGSMASK
        how = spec.fflags & const.NOTE_FFCTRLMASK
        flags = {const.NOTE_FFAND: old & new, const.NOTE_FFOR: old | new, const.NOTE_FFCOPY: new}.get(how, old)
        knote.sfflags = flags | (knote.sfflags | spec.fflags) & const.NOTE_TRIGGER


class Kqueues:
    """All kqueues of the kernel, and the calls on them."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._all: dict[int, KqueueDescription] = {}
        self._last = 0

    # -- making and closing

    def make(self, p: Process, flags: int) -> int:
        """EINVAL, EMFILE."""
        if flags & ~(const.O_CLOEXEC | const.O_NONBLOCK | const.O_NOSIGPIPE):
            raise KernelError(Errno.EINVAL, f"flags {flags:#x}: O_CLOEXEC, O_NONBLOCK and O_NOSIGPIPE are possible")
        p.fds.room(1)
        self._last += 1
        made = KqueueDescription(self._gateway.host, self._last, const.O_RDWR | flags & const.O_NONBLOCK)
        self._all[made.handle] = made
        p.kqueues.append(made)
        return p.fds.install(made, cloexec=bool(flags & const.O_CLOEXEC))

    async def close(self, ctx: Any, handle: int) -> None:
        kqueue = self._all.pop(handle)
        for owner in kqueue.parts:
            await self._quietly(owner, calls.KNOTE_DETACH, (handle, ALL))
        for other in self._all.values():
            other.outer.pop(kqueue, None)
        kqueue.changed.wake()

    async def descriptor_closed(self, p: Process, fd: int) -> None:
        """Nothing watches a descriptor any more that its process has closed."""
        for kqueue in p.kqueues:
            owners = kqueue.fds.pop(fd, None)
            if owners is None:
                continue
            kqueue.left = [e for e in kqueue.left if e.ident != fd or e.filter not in DESCRIPTOR_FILTERS]
            for other in self._all.values():
                specs = other.outer.get(kqueue, {})
                specs.pop((fd, True), None)
                specs.pop((fd, False), None)
            for owner in owners:
                await self._quietly(owner, calls.KNOTE_DETACH, (kqueue.handle, fd))

    def lost(self, owner: str) -> None:
        """A component has ended, and its parts with it."""
        for kqueue in self._all.values():
            kqueue.parts.pop(owner, None)
            for owners in kqueue.fds.values():
                owners.discard(owner)

    async def _quietly(self, owner: str, op: calls.Op, args: tuple[Any, ...]) -> None:
        try:
            await value_of(self._gateway.peer(owner).call(KERNEL, op, args))
        except KernelError:
            return  # the owner is gone, and its part with it

    # -- what other calls find at the descriptor

    def get(self, handle: int) -> KqueueDescription:
        """EBADF."""
        if handle not in self._all:
            raise KernelError(Errno.EBADF, f"there is no kqueue {handle}")
        return self._all[handle]

    def fstat(self, ctx: Any, handle: int) -> Stat:
        self.get(handle)
        return Stat(st_mode=const.S_IFIFO, st_nlink=1, st_ino=handle, st_blksize=32)

    def fcntl(self, ctx: Any, handle: int, cmd: int, arg: int | None, lock: Any) -> FcntlResult:
        kqueue = self.get(handle)
        if cmd == const.F_GETFL:
            return FcntlResult(kqueue.flags)
        if cmd == const.F_SETFL:
            kqueue.flags = const.O_RDWR | (arg or 0) & const.O_NONBLOCK
            return FcntlResult()
        raise KernelError(Errno.EINVAL, f"fcntl command {cmd} is not for kqueues")

    def refuse(self, ctx: Any, handle: int, *args: Any) -> None:
        raise KernelError(Errno.ENXIO, "a kqueue is read with kevent")

    def no_ioctl(self, ctx: Any, handle: int, *args: Any) -> None:
        raise KernelError(Errno.ENOTTY, "kqueues have no ioctls")

    def table(self) -> dict[str, Callable[..., Any]]:
        reading = dict.fromkeys(("read", "readv", "write", "writev"), self.refuse)
        return {**reading, "fstat": self.fstat, "fcntl": self.fcntl, "ioctl": self.no_ioctl, "close": self.close}

    # -- kevent

    async def kevent(
        self, p: Process, fd: int, changelist: Sequence[Kevent], nevents: int, timeout_ns: int | None
    ) -> list[Kevent]:
        """EBADF for what is no kqueue, what changes fail with when there is no room for events, EINTR."""
        kqueue = p.fds.get(fd)
        if not isinstance(kqueue, KqueueDescription):
            raise KernelError(Errno.EBADF, f"descriptor {fd} is no kqueue")
        outcomes = await self._change(p, kqueue, changelist, nevents) if changelist else []
        if outcomes or not nevents:
            return outcomes
        deadline = None if timeout_ns is None else self._gateway.host.monotonic_ns() + timeout_ns
        events = await self._collect(p, kqueue, nevents)
        while not events and timeout_ns != 0:
            bell = kqueue.changed.wait(deadline)
            events = await self._wait(p, kqueue, nevents, bell)
            if kqueue.handle not in self._all:
                raise KernelError(Errno.EBADF, "the kqueue was closed")
            if not events and not bell.result():
                break
        return events

    # -- changes

    async def _change(
        self, p: Process, kqueue: KqueueDescription, changes: Sequence[Kevent], room: int
    ) -> list[Kevent]:
        """Does changes in order, as many as have one owner in one message."""
        await find_devices(self._gateway, (p.fds.find(c.ident) for c in changes if c.filter in DESCRIPTOR_FILTERS))
        outcomes: list[Kevent] = []
        run: list[KnoteSpec] = []
        owner = HERE
        for change in changes:
            try:
                owners, spec = self._place(p, kqueue, change)
            except KernelError as error:
                outcomes += await self._send(p, kqueue, owner, run, room - len(outcomes))
                run = []
                if len(outcomes) >= room:
                    raise
                outcomes.append(change._replace(flags=change.flags | const.EV_ERROR, data=error.errno))
                continue
            if run and owners != [owner]:
                outcomes += await self._send(p, kqueue, owner, run, room - len(outcomes))
                run = []
            if not spec.queue:
                owner = owners[0]
                run.append(spec)
                continue
            outcomes += await self._send(p, kqueue, owner, run, room - len(outcomes))
            run = []
            outcomes += await self._spread(p, kqueue, owners, spec, room - len(outcomes))
        return outcomes + await self._send(p, kqueue, owner, run, room - len(outcomes))

    def _place(self, p: Process, kqueue: KqueueDescription, change: Kevent) -> tuple[list[str], KnoteSpec]:
        """The components that a change concerns, and what they are told. EBADF, EINVAL."""
        ident, kind, flags, fflags, data, udata = change
        if flags & const.EV_DELETE:
            kqueue.left = [event for event in kqueue.left if (event.ident, event.filter) != (ident, kind)]
        if kind in _OWNERS:
            return [_OWNERS[kind]], KnoteSpec(ident, 0, 0, kind, flags, fflags, data, udata)
        if kind not in DESCRIPTOR_FILTERS:
            raise KernelError(Errno.EINVAL, f"there is no filter {kind}")
        found = p.fds.get(ident)
        if isinstance(found, KqueueDescription):
            spec = KnoteSpec(ident, 0, found.handle, kind, flags, fflags, data, udata)
            owners = list(found.parts)
        else:
            spec = KnoteSpec(ident, found.device or found.handle, 0, kind, flags, fflags, data, udata)
            owners = ["dev" if found.device else found.owner]
            self._gateway.peer(owners[0])
        kqueue.fds.setdefault(ident, set()).update(owners)
        return owners, spec

    async def _send(
        self, p: Process, kqueue: KqueueDescription, owner: str, specs: Sequence[KnoteSpec], room: int
    ) -> list[Kevent]:
        if not specs:
            return []
        if owner not in kqueue.parts:
            await self._extend(p, kqueue, owner)
        args = (kqueue.handle, specs, max(0, room))
        outcomes: list[Kevent] = await value_of(self._gateway.peer(owner).call(p.context, calls.KNOTE_CHANGE, args))
        return outcomes

    async def _spread(
        self, p: Process, kqueue: KqueueDescription, owners: Sequence[str], spec: KnoteSpec, room: int
    ) -> list[Kevent]:
        """The same change at several owners; the gateway's own part, which comes first, says whether it can be done."""
        outcomes = await self._send(p, kqueue, owners[0], [spec], room)
        if not any(outcome.data for outcome in outcomes):
            self._remember(kqueue, spec)
            for owner in owners[1:]:
                await self._send(p, kqueue, owner, [spec], 1)
        return outcomes

    def _remember(self, kqueue: KqueueDescription, spec: KnoteSpec) -> None:
        """What parts that the inner kqueue gets later have to be told: the last EV_ADD, and what was switched since."""
        specs = self._all[spec.queue].outer.setdefault(kqueue, {})
        add = bool(spec.flags & const.EV_ADD)
        if add or spec.flags & const.EV_DELETE:
            specs.pop((spec.ident, True), None)
            specs.pop((spec.ident, False), None)
        if not spec.flags & const.EV_DELETE:
            specs[spec.ident, add] = spec

    async def _extend(self, p: Process, kqueue: KqueueDescription, owner: str) -> None:
        """A new part, in which those that watch the kqueue are told of what happens there."""
        self._gateway.peer(owner)
        kqueue.parts[owner] = None
        kqueue.changed.wake()
        for outer, specs in list(kqueue.outer.items()):
            for spec in list(specs.values()):
                outer.fds.setdefault(spec.ident, set()).add(owner)
                await self._send(p, outer, owner, [spec._replace(flags=spec.flags & ~const.EV_RECEIPT)], 1)

    # -- events

    async def _collect(self, p: Process, kqueue: KqueueDescription, nevents: int) -> list[Kevent]:
        """What all parts have now."""
        begun = self._ask(p, kqueue, [Step(calls.KNOTE_COLLECT, (kqueue.handle, nevents, False))])
        try:
            for call in begun:
                if not call.outcome.done:
                    await any_of([call.outcome])
        except BaseException:
            self._keep(kqueue, begun)
            raise
        return await self._told(p, kqueue, begun, nevents)

    async def _wait(self, p: Process, kqueue: KqueueDescription, nevents: int, bell: Pending[bool]) -> list[Kevent]:
        """What the first part has that has anything; nothing when the bell rings before."""
        poll = Step(calls.POLL_OBJECTS, ([], [], [kqueue.handle], True))
        begun = self._ask(p, kqueue, [poll, Step(calls.KNOTE_COLLECT, (kqueue.handle, nevents, False))])
        try:
            await any_of([bell, *(call.outcome for call in begun)])
        except BaseException:
            self._keep(kqueue, begun)
            raise
        finally:
            bell.resolve(True)
        self._keep(kqueue, [call for call in begun if not call.outcome.done])
        return await self._told(p, kqueue, [call for call in begun if call.outcome.done], nevents)

    def _ask(self, p: Process, kqueue: KqueueDescription, steps: Sequence[Step]) -> list[Begun[Any]]:
        def asking(owner: str) -> Callable[[], Any]:
            return lambda: self._gateway.peer(owner).run(p.context, steps, False)

        return [Begun(asking(owner)) for owner in kqueue.parts]

    def _keep(self, kqueue: KqueueDescription, begun: Sequence[Begun[Any]]) -> None:
        """Ends calls; what they took out of their parts all the same is told the next time."""

        def late(call: Begun[Any]) -> Callable[[], None]:
            return lambda: self._leave(kqueue, _events(call))

        for call in begun:
            call.cancel()
            call.outcome.when_done(late(call))

    @staticmethod
    def _leave(kqueue: KqueueDescription, events: Sequence[Kevent]) -> None:
        """Keeps events that their parts would not give again."""
        kqueue.left += [event for event in events if event.flags & _KEPT]
        if kqueue.left:
            kqueue.changed.wake()

    async def _told(
        self, p: Process, kqueue: KqueueDescription, begun: Sequence[Begun[Any]], nevents: int
    ) -> list[Kevent]:
        """At most so many of the events, those that were left before first."""
        events, kqueue.left = kqueue.left, []
        for call in begun:
            events += _events(call)
        merged = _merged(events)
        self._leave(kqueue, merged[nevents:])
        for event in merged[:nevents]:
            if event.flags & (const.EV_ONESHOT | const.EV_DISPATCH) and len(kqueue.fds.get(event.ident, ())) > 1:
                await self._once(p, kqueue, event)
        return merged[:nevents]

    async def _once(self, p: Process, kqueue: KqueueDescription, event: Kevent) -> None:
        """A knote with parts at several owners has fired at one: the others must not."""
        flags = const.EV_DELETE if event.flags & const.EV_ONESHOT else const.EV_DISABLE
        spec = KnoteSpec(event.ident, 0, 0, event.filter, flags)
        for owner in kqueue.fds[event.ident]:
            await self._quietly(owner, calls.KNOTE_CHANGE, (kqueue.handle, [spec], 1))


def _events(call: Begun[Any]) -> list[Kevent]:
    """What a part answered; nothing when the call was ended, or its component is gone."""
    try:
        outcomes = call.outcome.result()
    except KernelError:
        return []
    return [] if isinstance(outcomes[-1], KernelError) else list(outcomes[-1])


def _merged(events: Sequence[Kevent]) -> list[Kevent]:
    """Events of one knote in several parts as one."""
    found: dict[tuple[int, int], Kevent] = {}
    for event in events:
        key = event.filter, event.ident
        old = found.get(key)
        found[key] = event if old is None else event._replace(data=old.data + event.data)
    return list(found.values())


def kqueue(gateway: Gateway, p: Process) -> int:
    return gateway.kqueues.make(p, 0)


def kqueue1(gateway: Gateway, p: Process, flags: int) -> int:
    return gateway.kqueues.make(p, flags)


def kevent(
    gateway: Gateway, p: Process, fd: int, changelist: Sequence[Kevent], nevents: int, timeout: Timespec | None
) -> Any:
    return gateway.kqueues.kevent(p, fd, changelist, nevents, timeout_ns(timeout))


KQUEUE_CALLS: dict[str, Entry] = {"kqueue": Entry(kqueue), "kqueue1": Entry(kqueue1), "kevent": Entry(kevent)}

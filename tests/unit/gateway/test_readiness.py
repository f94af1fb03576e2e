"""poll and kqueue over peers of a few lines: messages that are sent, peers that die, a clock that is turned by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rumpgateway.core.descriptors import Description
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpuser.component import ROOT_CRED, Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.kqueue import Watching
from rumpuser.pending import Pending, Running, start
from rumpuser.readiness import IN, OUT, Measure, Selectable, Selinfo
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Kevent, Pollfd, PollResult, ProcessInfo, Timespec


class Thing(Selectable):
    """Holds a number of bytes."""

    def __init__(self) -> None:
        self.count = 0
        self._selinfo = Selinfo()

    @property
    def selinfo(self) -> Selinfo:
        return self._selinfo

    def poll(self) -> int:
        return IN if self.count else 0

    def measure(self, filter: int) -> Measure | None:
        return Measure(self.count) if filter == const.EVFILT_READ else None

    def add(self, count: int) -> None:
        self.count += count
        self._selinfo.notify(IN)


class Owner(Component):
    """A component with one object, handle 1, whose answers can be held up or made to fail."""

    def __init__(self, name: str, host: ManualHost) -> None:
        self.name = name
        super().__init__()
        self.thing = Thing()
        self.asked: list[str] = []
        self.held: Pending[None] | None = None
        self.dead = False
        self.table |= Watching(host, self.find).table()
        self.table["close"] = Entry(lambda ctx, handle: None)
        self.table["device_of"] = Entry(lambda ctx, handles: [0] * len(handles))

    def find(self, handle: int) -> Thing:
        if handle != 1:
            raise KernelError(Errno.EBADF)
        return self.thing

    def call(self, ctx: Context, op: calls.Op, args: tuple[Any, ...]) -> Any:
        self.asked.append(op.name)
        if self.dead:
            raise KernelError(Errno.ENOTCONN, f"{self.name} is gone")
        return super().call(ctx, op, args)

    def run(self, ctx: Context, steps: Sequence[Any], keep_going: bool) -> Any:
        done = super().run(ctx, steps, keep_going)
        return self._late(done) if self.held is not None else done

    async def _late(self, done: Any) -> Any:
        """The answer is under way, and cannot be called back."""
        assert self.held is not None
        self.held.interruptible = False
        with contextlib.suppress(KernelError):
            await self.held
        return done


class World:
    def __init__(self) -> None:
        self.host = ManualHost()
        self.owners = {name: Owner(name, self.host) for name in ("kern", "net")}
        self.gateway = Gateway(self.host, self, Parameters(), lambda text: None)
        self.p = self.gateway.processes[7] = Process(ProcessInfo(7, 1, "test", ROOT_CRED))
        self.fds = {name: self.p.fds.install(Description(name, 1)) for name in self.owners}

    def peer(self, name: str) -> Component:
        if name not in self.owners:
            raise KernelError(Errno.ENOSYS)
        return self.owners[name]

    def __call__(self, op: calls.Op, *args: Any) -> Any:
        return start(self.gateway.call(self.p, op, args))

    def watch(self, *names: str, flags: int = const.EV_ADD) -> int:
        fd: int = self(calls.KQUEUE)
        self(calls.KEVENT, fd, [Kevent(self.fds[n], const.EVFILT_READ, flags) for n in names], 0, None)
        for owner in self.owners.values():
            owner.asked.clear()
        return fd


@pytest.fixture
def w() -> World:
    return World()


def result(running: Any) -> Any:
    return running.outcome.result() if isinstance(running, Running) else running


def test_one_owner_is_one_message(w: World) -> None:
    waiting = w(calls.POLL, [Pollfd(w.fds["net"], IN)], -1)
    w.owners["net"].thing.add(1)
    assert result(waiting).nready == 1
    assert (w.owners["net"].asked, w.owners["kern"].asked) == (["poll_objects"], [])


def test_several_owners_are_asked_at_once_and_then_waited_for(w: World) -> None:
    fds = [Pollfd(fd, IN) for fd in w.fds.values()]
    waiting = w(calls.POLL, fds, 1000)
    assert all(owner.asked == ["poll_objects"] * 2 for owner in w.owners.values())
    w.host.advance(0.999)
    assert not waiting.outcome.done
    w.owners["kern"].thing.add(1)
    assert [fd.revents for fd in result(waiting).fds] == [IN, 0]
    assert not w.owners["net"].thing.selinfo, "nobody listens any more"


def test_time_is_the_hosts(w: World) -> None:
    fds = [Pollfd(fd, IN) for fd in w.fds.values()]
    q = w.watch("kern", "net")
    for op, *args in ((calls.POLL, fds, 50), (calls.KEVENT, q, [], 1, Timespec(0, 50_000_000))):
        waiting = w(op, *args)
        w.host.advance(0.049)
        assert not waiting.outcome.done
        w.host.advance(0.002)
        assert result(waiting) in (PollResult(0, fds), [])


@pytest.mark.parametrize("names", [["net"], ["kern", "net"]])
def test_a_dead_owner_is_an_error_of_its_objects(w: World, names: list[str]) -> None:
    w.owners["net"].dead = True
    answer = result(w(calls.POLL, [Pollfd(w.fds[name], OUT) for name in names], -1))
    assert {fd.fd: fd.revents for fd in answer.fds}[w.fds["net"]] == const.POLLERR
    q = w(calls.KQUEUE)
    changes = [Kevent(w.fds["net"], const.EVFILT_READ, const.EV_ADD)]
    with pytest.raises(KernelError, match="gone"):
        result(w(calls.KEVENT, q, changes, 0, None))


def test_a_part_that_dies_takes_its_events_along(w: World) -> None:
    q = w.watch("kern", "net")
    w.owners["net"].dead = True
    w.gateway.lost("net")
    w.owners["kern"].thing.add(1)
    assert [e.ident for e in result(w(calls.KEVENT, q, [], 5, None))] == [w.fds["kern"]]
    assert result(w(calls.POLL, [Pollfd(w.fds["net"], IN)], -1)).fds[0].revents == const.POLLERR | const.POLLHUP


def test_cancelled_calls_leave_nothing_behind(w: World) -> None:
    fds = [Pollfd(fd, IN) for fd in w.fds.values()]
    q = w.watch("kern", "net")
    for waiting in (w(calls.POLL, fds, -1), w(calls.KEVENT, q, [], 1, None)):
        waiting.cancel()
        with pytest.raises(KernelError) as caught:
            result(waiting)
        assert caught.value.errno == Errno.EINTR
    w(calls.CLOSE, q)
    assert not any(owner.thing.selinfo for owner in w.owners.values())


@pytest.mark.parametrize("give_up", [lambda w, waiting: waiting.cancel(), lambda w, waiting: w.host.advance(2)])
def test_what_was_taken_out_of_a_part_too_late_is_told_the_next_time(
    w: World, give_up: Callable[[World, Any], None]
) -> None:
    q = w.watch("net", flags=const.EV_ADD | const.EV_CLEAR)
    net = w.owners["net"]
    net.held = Pending()
    net.thing.add(3)
    waiting = w(calls.KEVENT, q, [], 1, Timespec(1, 0))
    give_up(w, waiting)
    net.held.resolve(None)
    net.held = None
    try:
        found = result(waiting)
    except KernelError:
        found = []
    found += result(w(calls.KEVENT, q, [], 1, Timespec()))
    assert [(e.ident, e.data) for e in found] == [(w.fds["net"], 3)]
    assert result(w(calls.KEVENT, q, [], 1, Timespec())) == []


def test_fewer_events_than_there_are(w: World) -> None:
    q = w.watch("kern", "net", flags=const.EV_ADD | const.EV_ONESHOT)
    for owner in w.owners.values():
        owner.thing.add(1)
    seen = [e.ident for _ in range(3) for e in result(w(calls.KEVENT, q, [], 1, Timespec()))]
    assert sorted(seen) == sorted(w.fds.values())


def test_an_end_of_a_process_ends_its_kqueues(w: World) -> None:
    w.watch("kern", "net")
    start(w.gateway.exit(w.p))
    assert not any(owner.thing.selinfo for owner in w.owners.values())
    assert w.gateway.watching.queues == {}

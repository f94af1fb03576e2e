"""The system call layer over a component of a few lines: routing, descriptors, runs of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rumpgateway.core.descriptors import Description, DescriptorTable
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpuser.component import ROOT_CRED, Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import Pending, Running, start
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step
from rumpwire.values import ProcessInfo, Stat


class FakeFiles(Component):
    """Serves open, read, fstat, close; counts the messages that it gets."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()
        self.open_handles: set[int] = set()
        self.runs: list[list[str]] = []
        self.last = 100
        self.waiting: Pending[bytes] = Pending()
        self.table |= {
            "open": Entry(self.open),
            "pipe": Entry(lambda ctx: (self.open(ctx, b"", 0, None), self.open(ctx, b"", 0, None))),
            "read": Entry(self.read),
            "fstat": Entry(lambda ctx, handle: Stat(st_size=self.check(handle))),
            "close": Entry(self.close),
            "recvmsg": Entry(self.wait),
            "proc_exit": Entry(lambda ctx, pid, status: None),
        }

    def open(self, ctx: Context, path: bytes, flags: int, mode: int | None) -> int:
        if path == b"/none":
            raise KernelError(Errno.ENOENT)
        self.last += 1
        self.open_handles.add(self.last)
        return self.last

    def check(self, handle: int) -> int:
        assert handle in self.open_handles
        return handle

    def read(self, ctx: Context, handle: int, nbyte: int) -> bytes:
        return b"%d:%d" % (self.check(handle), nbyte)

    def close(self, ctx: Context, handle: int) -> None:
        self.open_handles.remove(handle)

    async def wait(self, ctx: Context, handle: int, *_: Any) -> bytes:
        return await self.waiting

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        self.runs.append([step.op.name for step in steps])
        return super().run(ctx, steps, keep_going)


class Peers(dict[str, Component]):
    def peer(self, name: str) -> Component:
        if name not in self:
            raise KernelError(Errno.ENOSYS, f"{name} is not running")
        return self[name]


@pytest.fixture
def peers() -> Peers:
    return Peers(kern=FakeFiles("kern"), vfs=FakeFiles("vfs"))


@pytest.fixture
def gateway(peers: Peers) -> Gateway:
    return Gateway(ManualHost(), peers, Parameters(), lambda text: None)


def process() -> Process:
    return Process(ProcessInfo(pid=7, ppid=1, comm="test", cred=ROOT_CRED))


def outcomes(result: Any) -> Any:
    value = start(result)
    assert not isinstance(value, Running)
    return value


def test_a_call_of_a_missing_faction_is_enosys(gateway: Gateway) -> None:
    with pytest.raises(KernelError) as caught:
        gateway.call(process(), calls.SOCKET, (1, 1, 0))
    assert caught.value.errno == Errno.ENOSYS


def test_calls_between_components_are_not_for_clients(gateway: Gateway) -> None:
    with pytest.raises(KernelError) as caught:
        gateway.call(process(), calls.PROC_EXIT, (1, 0))
    assert caught.value.errno == Errno.ENOSYS


def test_open_read_close_is_one_message(gateway: Gateway, peers: Peers) -> None:
    p = process()
    steps = [
        Step(calls.OPEN, (b"/x", 0, None)),
        Step(calls.FSTAT, (0,), [Reference(0, 0)]),
        Step(calls.READ, (0, 0), [Reference(0, 0), Reference(1, 1, ("sb", "st_size"))]),
        Step(calls.CLOSE, (0,), [Reference(0, 0, ("fd",))]),
        Step(calls.GETPID, ()),
    ]
    got = outcomes(gateway.run(p, steps, keep_going=False))
    assert got[0] == 0
    assert got[1].st_size == 101
    assert got[2] == b"101:101"
    assert got[4].pid == 7
    vfs = peers["vfs"]
    assert isinstance(vfs, FakeFiles)
    assert vfs.runs == [["open", "fstat", "read", "close"]]
    assert not vfs.open_handles
    assert len(p.fds) == 0


def test_a_failed_open_fails_what_needs_it(gateway: Gateway, peers: Peers) -> None:
    p = process()
    steps = [
        Step(calls.OPEN, (b"/none", 0, None)),
        Step(calls.READ, (0, 1), [Reference(0, 0)]),
        Step(calls.CLOSE, (0,), [Reference(0, 0)]),
        Step(calls.OPEN, (b"/x", 0, None)),
    ]
    assert [o.errno for o in outcomes(gateway.run(p, steps, keep_going=False))] == [Errno.ENOENT]
    going = outcomes(gateway.run(p, steps, keep_going=True))
    assert [getattr(o, "errno", o) for o in going] == [Errno.ENOENT, Errno.ECANCELED, Errno.ECANCELED, 0]


def test_runs_end_where_the_owner_changes(gateway: Gateway, peers: Peers) -> None:
    p = process()
    fd = p.fds.install(Description("vfs", peers["vfs"].call(p.context, calls.OPEN, (b"", 0, None))))
    steps = [
        Step(calls.PIPE, ()),
        Step(calls.READ, (0, 5), [Reference(0, 0, ("rfd",))]),
        Step(calls.READ, (fd, 5)),
        Step(calls.READ, (fd, 6)),
        Step(calls.CLOSE, (0,), [Reference(0, 0, ("wfd",))]),
        Step(calls.DUP, (fd,)),
    ]
    got = outcomes(gateway.run(p, steps, keep_going=False))
    assert got[0] == (1, 2)
    assert got[1] == b"101:5"
    assert got[2:4] == [b"101:5", b"101:6"]
    assert got[5] == 2
    kern, vfs = peers["kern"], peers["vfs"]
    assert isinstance(kern, FakeFiles)
    assert isinstance(vfs, FakeFiles)
    assert kern.runs == [["pipe", "read"]]
    assert vfs.runs == [["read", "read"]]


def test_use_after_close_in_one_batch(gateway: Gateway, peers: Peers) -> None:
    p = process()
    fd = p.fds.install(Description("vfs", peers["vfs"].call(p.context, calls.OPEN, (b"", 0, None))))
    steps = [
        Step(calls.CLOSE, (fd,)),
        Step(calls.READ, (fd, 1)),
        Step(calls.OPEN, (b"/x", 0, None)),
        Step(calls.READ, (fd, 1)),
    ]
    got = outcomes(gateway.run(p, steps, keep_going=True))
    assert got[0] is None
    assert got[1].errno == Errno.EBADF
    assert got[2:] == [fd, b"102:1"]


@pytest.mark.parametrize(
    "references",
    [[Reference(0, 0)], [Reference(5, 0)], [Reference(1, 0, ("nothing",))]],
)
def test_references_that_lead_nowhere(gateway: Gateway, references: list[Reference]) -> None:
    steps = [Step(calls.GETPPID, ()), Step(calls.GETPID, ()), Step(calls.READ, (0, 1), references)]
    got = outcomes(gateway.run(process(), steps, keep_going=True))
    assert got[2].errno in (Errno.EINVAL, Errno.EBADF)


def test_what_a_dead_component_held_is_gone(gateway: Gateway, peers: Peers) -> None:
    p = process()
    gateway.processes[p.pid] = p
    fd = gateway.call(p, calls.OPEN, (b"/x", 0, None))
    p.cwd = 5
    gateway.lost("vfs")
    for call, args in ((calls.READ, (fd, 1)), (calls.FSTAT, (fd,)), (calls.LSEEK, (fd, 0, 0))):
        with pytest.raises(KernelError) as caught:
            gateway.call(p, call, args)
        assert caught.value.errno == Errno.EIO
    assert p.context.cwd not in (0, 5)
    assert gateway.call(p, calls.CLOSE, (fd,)) is None


def test_exit_closes_everything_once(gateway: Gateway, peers: Peers) -> None:
    p = process()
    for _ in range(3):
        gateway.call(p, calls.OPEN, (b"/x", 0, None))
    gateway.call(p, calls.DUP, (1,))
    outcomes(gateway.exit(p))
    vfs = peers["vfs"]
    assert isinstance(vfs, FakeFiles)
    assert not vfs.open_handles
    outcomes(gateway.exit(p))


class Tables(RuleBasedStateMachine):
    """A descriptor table against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.table = DescriptorTable(limit=12)
        self.model: dict[int, Description] = {}

    def lowest(self, start: int = 0) -> int:
        return next(n for n in range(start, 1000) if n not in self.model)

    @rule(start=st.integers(0, 11))
    def install(self, start: int) -> None:
        wanted, made = self.lowest(start), Description("x", 1)
        if wanted >= 12:
            with pytest.raises(KernelError) as caught:
                self.table.install(made, lowest=start)
            assert caught.value.errno == Errno.EMFILE
        else:
            assert self.table.install(made, lowest=start) == wanted
            self.model[wanted] = made

    @rule(fd=st.integers(-1, 13))
    def remove(self, fd: int) -> None:
        if fd not in self.model:
            with pytest.raises(KernelError) as caught:
                self.table.remove(fd)
            assert caught.value.errno == Errno.EBADF
        else:
            gone = self.table.remove(fd)
            was = self.model.pop(fd)
            assert (gone is was) == (was not in self.model.values())

    @rule(fd=st.integers(0, 11), to=st.integers(0, 11))
    def dup2(self, fd: int, to: int) -> None:
        if fd in self.model and fd != to:
            self.table.replace(to, self.model[fd])
            self.model[to] = self.model[fd]

    @rule()
    def fork_and_exit(self) -> None:
        child = self.table.copy()
        assert dict(child.items()) == self.model
        for fd, _ in list(child.items()):
            assert child.remove(fd) is None

    @invariant()
    def same(self) -> None:
        assert dict(self.table.items()) == self.model
        assert len(self.table) == len(self.model)
        for description in self.model.values():
            assert description.refs == sum(d is description for d in self.model.values())


TestTables = Tables.TestCase

"""Calls that are passed on: what clients see of them is what the long way through the gateway gives."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.passing import Passing
from rumpgateway.replies import Replies, Room
from rumpgateway.statistics import Statistics
from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import Running, start
from rumpuser.transport.grpc_server import ComponentService
from rumpuser.transport.peer import RemotePeer
from rumpuser.transport.wire import ContextCache, encode_outcomes, encode_passed, encode_run
from rumpuser.url import parse
from rumpwire import calls, const, rump_sp_pb2
from rumpwire import rump_bus_pb2 as bus_pb
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Credentials, FcntlResult, ProcessInfo, Stat
from rumpwire.wire import decode_results, encode_one
from tests.unit.gateway.test_gateway import FakeFiles

sp: Any = rump_sp_pb2
pb: Any = bus_pb


class Files(FakeFiles):
    def __init__(self) -> None:
        super().__init__("vfs")
        self.table["stat"] = Entry(self.stat)
        self.table["open"] = Entry(
            lambda ctx, path, flags, mode: -1 if path == b"/dev/fd/0" else self.open(ctx, path, flags, mode)
        )
        self.table["fcntl"] = Entry(lambda ctx, handle, cmd, arg, lock: FcntlResult(const.O_RDWR))
        self.table["write"] = Entry(self.write)

    def stat(self, ctx: Context, path: bytes) -> Stat:
        if path != b"/there":
            raise KernelError(Errno.ENOENT, f"no {path!r}")
        return Stat(st_size=len(path), st_uid=ctx.cred.uid)

    def write(self, ctx: Context, handle: int, data: bytes) -> int:
        raise KernelError(Errno.EFBIG)


class Wired(RemotePeer):
    """A component behind messages, which arrive when that is said."""

    def __init__(self, component: Component) -> None:
        super().__init__(parse("unix:///nowhere"), component.name)
        self.service = ComponentService(component)
        self.sent: list[bytes] = []
        self.running: dict[int, Running[Any]] = {}

    def _post(self, data: bytes) -> None:
        self.sent.append(data)

    def deliver(self) -> None:
        """What was sent arrives, and so do the answers."""
        sent, self.sent = self.sent, []
        for data in sent:
            request, ctx = self.service.take(data)
            if request.cancel:
                self.running[request.id].cancel()
                continue
            begun = self.service.begin(request, ctx)
            if isinstance(begun, bytes):
                self._arrived(begun)
                continue
            number, steps, running = begun
            self.running[number] = running
            running.outcome.when_done(partial(self._answer, number, steps, running))

    def _answer(self, number: int, steps: list[Step], running: Running[Any]) -> None:
        self._arrived(self.service.answer(number, steps, running))

    def lose(self, link: str | None) -> None:
        self._gone("went away", link)


class OneBus:
    def __init__(self, peer: Any) -> None:
        self._peer = peer

    def peer(self, name: str) -> Any:
        return self._peer

    blocking = peer


class World:
    """A gateway, a process and one component, behind messages or not."""

    def __init__(self, *, wired: bool) -> None:
        self.files = Files()
        self.peer: Any = Wired(self.files) if wired else self.files
        self.gateway = Gateway(ManualHost(), OneBus(self.peer), Parameters(), lambda text: None)
        self.process = Process(ProcessInfo(7, 1, "test", Credentials(uid=3, groups=[])))
        self.gateway.processes[7] = self.process
        self.statistics = Statistics()
        self.passing = Passing(self.gateway, self.statistics)
        self.answers: list[Any] = []
        self.moved: list[Any] = []
        self.stream = SimpleNamespace(put=lambda data: self.answers.append(sp.StreamResponse.FromString(data)))
        self.session = SimpleNamespace(
            process=self.process, calls={}, replies=Replies(Room()), quota=None, doubtful=0, stream=self.stream,
            goes_on=self.goes_on,
)  # fmt: skip
        self.stream.session = self.session
        self.last = 0

    def goes_on(self, number: int, call: Any) -> bool:
        self.moved.append((number, call))
        return True

    def begin(self, op: Op, *args: Any, lasting: bool = True) -> bool:
        self.last += 1
        request = sp.StreamRequest(id=self.last, acked=1)
        encode_one(op, args, request.calls.add())
        before = request.SerializeToString()
        begun = self.passing.begin(self.stream, request, self.last, lasting)
        assert begun or request.SerializeToString() == before, "nothing has changed"
        return begun

    def do(self, op: Op, *args: Any) -> Any:
        """The outcome of a call."""
        if isinstance(self.peer, Wired) and self.begin(op, *args):
            while self.peer.sent:
                self.peer.deliver()
            (reply,) = self.answers
            self.answers.clear()
            assert reply.id == self.last
            return decode_results([Step(op, args)], reply.results)[0]
        try:
            return start(self.gateway.call(self.process, op, args))
        except KernelError as error:
            return error

    @property
    def descriptors(self) -> list[tuple[int, str, int, bool]]:
        fds = self.process.fds
        return [(fd, d.owner, d.handle, fd in fds.cloexec) for fd, d in fds.items()]


CALLS: list[tuple[Any, ...]] = [
    (calls.STAT, b"/there"),
    (calls.STAT, b"/none"),
    (calls.OPEN, b"/there", const.O_RDWR, None),
    (calls.OPEN, b"/there", const.O_RDONLY | const.O_CLOEXEC, None),
    (calls.OPEN, b"/none", 0, None),
    (calls.PIPE,),
    (calls.READ, 0, 10),
    (calls.READ, 1, 10),
    (calls.FSTAT, 0),
    (calls.WRITE, 0, b"x"),
    (calls.CLOSE, 0),
    (calls.CLOSE, 2),
    (calls.DUP, 1),
    (calls.GETPID,),
    (calls.RENAME, b"/a", b"/b"),
]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, KernelError):
        return isinstance(other, KernelError) and (one.errno, one.text) == (other.errno, other.text)
    return bool(one == other)


@given(st.lists(st.sampled_from(CALLS), max_size=30))
def test_both_ways_give_the_same(sequence: list[tuple[Any, ...]]) -> None:
    short, long = World(wired=True), World(wired=False)
    for op, *args in sequence:
        one, other = short.do(op, *args), long.do(op, *args)
        assert same(one, other), (op.name, args)
        assert short.descriptors == long.descriptors
        assert short.files.open_handles == long.files.open_handles
    assert not short.session.calls
    assert not short.process.waiting
    kept = [short.session.replies.get(number) for number in range(1, short.last + 1)]
    assert len(short.session.replies) == sum(answer is not None for answer in kept)
    assert sum(row.count for row in short.statistics.rows.values()) == len(short.session.replies)


def test_what_takes_the_long_way() -> None:
    w = World(wired=True)
    assert w.do(calls.OPEN, b"/there", 0, None) == 0
    assert not w.begin(calls.GETPID), "the gateway answers"
    assert not w.begin(calls.READ, 5, 10), "no such descriptor"
    assert not w.begin(calls.READ, 0, 1 << 16), "contents go through memory"
    assert not w.begin(calls.LISTEN, 0, 5), "no socket"
    w.process.fds.limit = 1
    assert not w.begin(calls.OPEN, b"/there", 0, None), "no room"
    w.process.fds.limit = 10
    assert w.do(calls.DUP, 0) == 1
    assert not w.begin(calls.CLOSE, 0), "others have it"
    w.process.in_exec = True
    assert not w.begin(calls.STAT, b"/there")
    assert not w.session.calls


def test_open_that_leads_to_a_descriptor() -> None:
    w = World(wired=True)
    assert w.do(calls.OPEN, b"/there", 0, None) == 0
    assert w.do(calls.OPEN, b"/dev/fd/0", 0, None) == 1
    assert w.process.fds.get(0) is w.process.fds.get(1)


def waiting(w: World) -> Any:
    """A read that waits for its component."""
    w.files.table["read"] = Entry(lambda ctx, handle, nbyte: w.files.wait(ctx, handle, nbyte, 0))
    assert w.do(calls.OPEN, b"/there", 0, None) == 0
    assert w.begin(calls.READ, 0, 10)
    w.peer.deliver()
    assert not w.answers
    return w.session.calls[w.last]


def test_a_call_that_waits_is_answered_or_cancelled() -> None:
    w = World(wired=True)
    call = waiting(w)
    assert w.process.waiting == {call: None}
    w.files.waiting.resolve(b"late")
    assert [reply.results[0].read.data for reply in w.answers] == [b"late"]
    w = World(wired=True)
    call = waiting(w)
    call.running.cancel()
    call.running.cancel()
    assert len(w.peer.sent) == 1, "asked once"
    w.peer.deliver()
    assert [reply.results[0].error.errno for reply in w.answers] == [Errno.EINTR]
    assert not w.session.calls
    assert not w.process.waiting
    call.running.cancel()


def test_an_answer_that_nobody_wants_is_not_kept() -> None:
    w = World(wired=True)
    call = waiting(w)
    kept = len(w.session.replies)
    call.wanted = False
    w.files.waiting.resolve(b"late")
    assert not w.answers
    assert len(w.session.replies) == kept


def test_what_is_to_go_on_elsewhere_is_as_its_client_asked_it() -> None:
    w = World(wired=True)
    w.files.last = 500
    call = waiting(w)
    call.moving = True
    call.running.cancel()
    w.peer.deliver()
    assert w.moved == [(w.last, call)]
    assert call.work.steps == [Step(calls.READ, (0, 10))], "with the descriptor, not the handle"
    assert call.work.outcomes(call.running) == []
    assert not w.answers


@pytest.mark.parametrize(
    ("op", "args", "repeated"), [(calls.STAT, (b"/there",), True), (calls.WRITE, (0, b"x"), False)]
)
@pytest.mark.parametrize("successor", [True, False])
def test_the_component_goes(op: Op, args: tuple[Any, ...], repeated: bool, successor: bool) -> None:
    w = World(wired=True)
    w.do(calls.OPEN, b"/there", 0, None)
    asked: list[Op] = []

    def call(ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        asked.append(op)
        return 1 << 62 if op is calls.RUN_SEEN else Stat(st_size=9)

    async def following(before: RemotePeer) -> Any:
        return SimpleNamespace(call=call)

    w.peer.next = following if successor else None
    assert w.begin(op, *args)
    w.peer.lose("link")
    (reply,) = w.answers
    if not successor:
        assert reply.results[0].error.errno == Errno.ENOTCONN
    elif repeated:
        assert reply.results[0].stat.sb.st_size == 9
        assert asked == [op]
    else:
        assert reply.results[0].error.errno == Errno.ENOLINK
    assert not w.session.calls
    assert not w.process.waiting


def test_an_answer_that_is_none() -> None:
    w = World(wired=True)
    for response in (
        pb.RunResponse(id=1),
        pb.RunResponse(id=2, results=[pb.BusResult(sys=sp.Result(getpid={"pid": 3}))]),
        pb.RunResponse(id=3, results=[pb.BusResult()] * 2),
        pb.RunResponse(id=4, moved=True),
    ):
        assert w.begin(calls.STAT, b"/there")
        w.peer._arrived(response.SerializeToString())
        assert w.answers.pop().results[0].error.errno in (Errno.EBADRPC, Errno.ENOTCONN)
    assert not w.session.calls


# -- the messages


@given(st.integers(0, 1 << 60), st.binary(max_size=300), st.integers(-1, 1 << 31))
def test_a_message_that_is_passed_on_is_that_of_the_step(number: int, path: bytes, uid: int) -> None:
    ctx = Context(5, Credentials(uid=uid & 0xFFFF, groups=[1, 2]), umask=0)
    context = ContextCache().encode(ctx)
    call = sp.Call()
    encode_one(calls.STAT, (path,), call)
    passed = pb.RunRequest.FromString(encode_passed(number, context, call.SerializeToString()))
    assert passed == pb.RunRequest.FromString(encode_run(number, context, [Step(calls.STAT, (path,))], False))


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=20))
def test_contexts_are_known_again(seen: list[tuple[int, bool]]) -> None:
    here, there = ContextCache(), ContextCache()
    for pid, twice in seen:
        ctx = Context(pid, Credentials(uid=pid, groups=[]))
        data = here.encode(ctx) + pb.RunRequest(id=9).SerializeToString()
        if twice:  # protobuf merges what comes twice
            data += pb.RunRequest(context={"umask": 7}).SerializeToString()
        service = ComponentService(Files())
        service._contexts = there
        request, found = service.take(data)
        assert request.id == 9
        assert found == (Context(pid, ctx.cred, umask=7) if twice else ctx)


def test_an_outcome_that_does_not_fit_is_told() -> None:
    service = ComponentService(Files(), max_message=200)
    long = pb.RunRequest(id=1)
    encode_one(calls.STAT, (b"/" * 100,), long.calls.add().sys)
    answer = pb.RunResponse.FromString(service.begin(long, Context()))
    assert answer.results[0].sys.error.errno == Errno.ENOENT
    assert encode_outcomes(1, [Step(calls.STAT, ())], [KernelError(Errno.ENOENT)], 200)

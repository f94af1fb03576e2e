"""The protocol of sessions as a client without our SDK speaks it: docs/sessions.md is what is tested here."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

import rump
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from rumpwire.errno import Errno, KernelError
from rumpwire.status import error_of
from tests.live import LiveKernel, eventually, live_kernel

sp: Any = rump_sp_pb2
kern: Any = rump_kern_pb2
vfs: Any = rump_vfs_pb2


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server") as live:
        yield live


def channel(kernel: LiveKernel) -> grpc.Channel:
    return grpc.insecure_channel(kernel.url.replace("unix://", "unix:"), [("grpc.max_receive_message_length", -1)])


class Raw:
    """A session, spoken by hand."""

    def __init__(self, kernel: LiveKernel, **attach: Any) -> None:
        self.channel = channel(kernel)
        self.attached = self.unary("Session", "Attach", sp.AttachRequest(**attach), session="")
        self.streams: list[Any] = []

    def unary(self, service: str, name: str, request: Any, *, session: str | None = None, **options: Any) -> Any:
        """``call``, ``acked``: metadata. Raises KernelError."""
        token = self.attached.session if session is None else session
        metadata = [("rump-session", token)] if token else []
        metadata += [(f"rump-{key}", str(options.pop(key))) for key in ("call", "acked") if key in options]
        reply = getattr(kern if service == "Kern" else sp, f"{name}Response")
        method: Any = self.channel.unary_unary(
            f"/rump.sp.v1.{service}/{name}", type(request).SerializeToString, reply.FromString
        )
        try:
            return method(request, metadata=metadata, **options)
        except grpc.RpcError as error:
            raise error_of(error) from None

    def stream(self) -> Stream:
        self.streams.append(Stream(self.channel, self.attached.session))
        return self.streams[-1]

    def close(self) -> None:
        for stream in self.streams:
            stream.call.cancel()
        self.channel.close()


class Stream:
    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self.outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", sp.StreamRequest.SerializeToString, sp.StreamResponse.FromString
        )
        self.call = method(iter(self.outgoing.get, None), metadata=[("rump-session", token)])

    def send(self, id: int, *calls: Any, **fields: Any) -> None:
        self.outgoing.put(sp.StreamRequest(id=id, calls=calls, **fields))

    def receive(self) -> Any:
        """Raises KernelError."""
        try:
            return next(self.call)
        except grpc.RpcError as error:
            raise error_of(error) from None

    def ask(self, id: int, *calls: Any, **fields: Any) -> Any:
        self.send(id, *calls, **fields)
        reply = self.receive()
        assert reply.id == id
        return reply


@pytest.fixture
def raw(kernel: LiveKernel) -> Iterator[Raw]:
    made = Raw(kernel, comm="raw", lease_ms=5000)
    yield made
    made.unary("Session", "Detach", sp.DetachRequest())
    made.close()


def dup(fd: int = 0) -> Any:
    return sp.Call(dup=kern.DupRequest(fd=fd))


def pipe() -> Any:
    return sp.Call(pipe=kern.PipeRequest())


def read(fd: int, nbyte: int = 9) -> Any:
    return sp.Call(read=kern.ReadRequest(fd=fd, nbyte=nbyte))


def write(fd: int, data: bytes = b"x") -> Any:
    return sp.Call(write=kern.WriteRequest(fd=fd, data=data))


def fd_of(reply: Any) -> int:
    return int(reply.results[0].dup.fd)


def errno_of(reply: Any) -> int:
    return int(reply.results[0].error.errno)


def test_a_request_that_is_sent_again_is_answered_and_not_done(raw: Raw) -> None:
    stream = raw.stream()
    first = stream.ask(1, dup(), acked=1)
    assert stream.ask(1, dup(), acked=1) == first
    assert fd_of(stream.ask(2, dup(), acked=1)) == fd_of(first) + 1
    assert stream.ask(1, dup(), acked=1) == first
    assert errno_of(stream.ask(1, dup(), acked=2)) == Errno.EBADRPC  # it was said that its answer has come
    assert errno_of(stream.ask(2, dup(), acked=3, answered=[7])) == Errno.EBADRPC
    assert fd_of(stream.ask(3, dup(), acked=3)) == fd_of(first) + 2


def test_without_acknowledgements_ids_may_come_again(raw: Raw) -> None:
    stream = raw.stream()
    assert [fd_of(stream.ask(1, dup())) for _ in range(3)] == [3, 4, 5]


def test_answers_above_the_lowest_are_acknowledged_by_name(raw: Raw) -> None:
    """One call that waits for ever keeps no others."""
    stream = raw.stream()
    made = stream.ask(1, pipe(), acked=1).results[0].pipe
    stream.send(2, read(made.rfd), acked=2)
    for number in range(3, 1500):
        assert not stream.ask(number, dup(99), acked=2, answered=[number - 1]).busy
    stream.send(1500, write(made.wfd), acked=2, answered=[1499])
    assert {stream.receive().id for _ in range(2)} == {2, 1500}


def test_too_many_answers_that_are_not_acknowledged(raw: Raw) -> None:
    stream = raw.stream()
    for number in range(1, 1025):
        assert not stream.ask(number, dup(99), acked=1).busy
    refused = stream.ask(1025, dup(), acked=1)
    assert (refused.busy, len(refused.results)) == (True, 0)
    assert errno_of(stream.ask(1000, dup(), acked=1)) == Errno.EBADF  # none was lost
    stream.send(0, acked=1025)
    assert fd_of(stream.ask(1025, dup(), acked=1)) == 3


def test_too_many_bytes_that_are_not_acknowledged(raw: Raw, kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/large", os.O_CREAT | os.O_WRONLY, 0o644)
        k.sys.ftruncate(fd, 8 << 20)
    stream = raw.stream()
    call = sp.Call()
    call.open.path, call.open.flags = b"/tmp/large", 0
    fd = stream.ask(1, call, acked=1).results[0].open.fd
    answers = []
    for number in range(2, 9):
        answers.append(stream.ask(number, sp.Call(pread=vfs.PreadRequest(fd=fd, nbyte=8 << 20)), acked=2))
        if answers[-1].busy:
            break
    assert [answer.busy for answer in answers] == [False] * 4 + [True]


def test_the_newer_stream_takes_over(raw: Raw) -> None:
    older = raw.stream()
    made = older.ask(1, pipe(), acked=1).results[0].pipe
    older.send(2, read(made.rfd), acked=2)
    older.ask(3, dup(), acked=2)
    newer = raw.stream()
    newer.send(0, resume=True, acked=2, waiting=[2])
    with pytest.raises(KernelError, match="a newer stream") as caught:
        older.receive()
    assert caught.value.errno == Errno.ECONNABORTED
    assert newer.receive().id == 0
    newer.send(2, read(made.rfd), acked=2)
    newer.send(4, write(made.wfd, b"for the newer"), acked=2)
    got = {reply.id: reply for reply in (newer.receive(), newer.receive())}
    assert got[2].results[0].read.data == b"for the n"


def test_what_is_not_waited_for_is_ended(raw: Raw, kernel: LiveKernel) -> None:
    stream = raw.stream()
    made = stream.ask(1, pipe(), acked=1).results[0].pipe
    stream.send(2, read(made.rfd), acked=2)
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] == 1, 5, "the call waits")
        newer = raw.stream()
        assert newer.ask(0, resume=True, acked=3).id == 0
        eventually(lambda: k.statistics()["in_flight"] == 0, 5, "the call is ended")


def test_an_answer_waits_for_the_next_stream(raw: Raw, kernel: LiveKernel) -> None:
    made = raw.unary("Kern", "Pipe", kern.PipeRequest())
    stream = raw.stream()
    stream.send(1, read(made.rfd), acked=1)
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] == 1, 20, "the call waits")
        stream.call.cancel()
        raw.unary("Kern", "Write", kern.WriteRequest(fd=made.wfd, data=b"once"))
        eventually(lambda: k.statistics()["in_flight"] == 0, 20, "the call is done, with no stream")
    newer = raw.stream()
    newer.ask(0, resume=True, acked=1, waiting=[1])
    assert newer.ask(1, read(made.rfd), acked=1).results[0].read.data == b"once"  # done again it would wait for ever


def sleep(seconds: float) -> Any:
    request = kern.NanosleepRequest()
    request.rqtp.tv_sec, request.rqtp.tv_nsec = divmod(int(seconds * 10**9), 10**9)
    return request


def test_a_deadline_travels_with_the_call(raw: Raw) -> None:
    stream = raw.stream()
    made = stream.ask(1, pipe(), acked=1).results[0].pipe
    assert errno_of(stream.ask(2, read(made.rfd), acked=2, timeout_ms=50)) == Errno.ETIMEDOUT
    assert not errno_of(stream.ask(3, dup(), acked=3, timeout_ms=1))


# -- unary calls


def test_a_unary_call_with_an_id_is_done_once(raw: Raw) -> None:
    def ask(call: int, acked: int = 1) -> int:
        return int(raw.unary("Kern", "Dup", kern.DupRequest(fd=0), call=call, acked=acked).fd)

    assert [ask(1), ask(2), ask(1), ask(2), ask(3)] == [3, 4, 3, 4, 5]
    with pytest.raises(KernelError, match="acknowledged"):
        ask(2, 3)
    assert raw.unary("Kern", "Dup", kern.DupRequest(fd=0)).fd == 6
    with pytest.raises(KernelError) as caught:
        raw.unary("Kern", "Dup", kern.DupRequest(fd=99), call=4, acked=4)
    assert caught.value.errno == Errno.EBADF
    with pytest.raises(KernelError) as caught:
        raw.unary("Kern", "Dup", kern.DupRequest(fd=0), call=4, acked=4)
    assert caught.value.errno == Errno.EBADF
    for bad in (("x", 1), (1, "x"), (0, 1), (5, 0)):
        with pytest.raises(KernelError, match="rump-call"):
            raw.unary("Kern", "Dup", kern.DupRequest(fd=0), call=bad[0], acked=bad[1])


def test_fork_and_batch_are_done_once(raw: Raw, kernel: LiveKernel) -> None:
    children = [raw.unary("Session", "Fork", sp.ForkRequest(), call=1, acked=1) for _ in range(3)]
    assert len({child.pid for child in children}) == 1
    batches = [raw.unary("Session", "Batch", sp.BatchRequest(calls=[dup(), dup()]), call=2, acked=2) for _ in range(3)]
    assert [[result.dup.fd for result in batch.results] for batch in batches] == [[3, 4]] * 3
    raw.unary("Session", "Detach", sp.DetachRequest(), session=children[0].session)


def test_a_unary_call_that_is_cut_goes_on(raw: Raw, kernel: LiveKernel) -> None:
    made = raw.unary("Kern", "Pipe", kern.PipeRequest(), call=1, acked=1)
    method: Any = raw.channel.unary_unary(
        "/rump.sp.v1.Kern/Read", kern.ReadRequest.SerializeToString, kern.ReadResponse.FromString
    )
    metadata = [("rump-session", raw.attached.session), ("rump-call", "2"), ("rump-acked", "2")]
    cut = method.future(kern.ReadRequest(fd=made.rfd, nbyte=9), metadata=metadata)
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] == 1 or cut.done(), 5, "the call waits")
        cut.cancel()
    raw.unary("Kern", "Write", kern.WriteRequest(fd=made.wfd, data=b"once"), call=3, acked=2)
    raw.unary("Kern", "Write", kern.WriteRequest(fd=made.wfd, data=b"twice"), call=4, acked=2)
    assert raw.unary("Kern", "Read", kern.ReadRequest(fd=made.rfd, nbyte=9), call=2, acked=2).data == b"once"


def test_a_deadline_ends_a_unary_call(raw: Raw, kernel: LiveKernel) -> None:
    made = raw.unary("Kern", "Pipe", kern.PipeRequest())
    for named in ({}, {"call": 1, "acked": 1}):
        with pytest.raises(KernelError) as caught:
            raw.unary("Kern", "Read", kern.ReadRequest(fd=made.rfd, nbyte=1), timeout=0.1, **named)
        assert caught.value.errno == Errno.ETIMEDOUT
    raw.unary("Kern", "Write", kern.WriteRequest(fd=made.wfd, data=b"x"))
    assert raw.unary("Kern", "Read", kern.ReadRequest(fd=made.rfd, nbyte=1)).data == b"x"  # nobody else waits for it


# -- sessions


def test_attach_with_a_nonce_is_done_once(kernel: LiveKernel) -> None:
    nonce = os.urandom(16)
    first, again = Raw(kernel, nonce=nonce), Raw(kernel, nonce=nonce)
    assert first.attached == again.attached
    with pytest.raises(KernelError, match="16 bytes"):
        Raw(kernel, nonce=b"short")
    for each in (first, again):
        each.unary("Session", "Detach", sp.DetachRequest())  # and once more, as when the answer is lost
        each.close()
    with pytest.raises(KernelError, match="detached") as caught:
        Raw.unary(first_of(kernel, first), "Kern", "Getpid", kern.GetpidRequest())
    assert caught.value.errno == Errno.ESTALE


def first_of(kernel: LiveKernel, raw: Raw) -> Raw:
    """The same session over a channel that is open."""
    raw.channel = channel(kernel)
    return raw


def test_leases_are_granted_within_bounds(kernel: LiveKernel) -> None:
    for asked, granted in ((0, 60_000), (5000, 5000), (1 << 31, 3_600_000)):
        raw = Raw(kernel, lease_ms=asked)
        assert raw.attached.lease_ms == granted
        raw.unary("Session", "Detach", sp.DetachRequest())
        raw.close()


def test_a_unary_call_that_waits_holds_the_session(kernel: LiveKernel) -> None:
    raw = Raw(kernel, lease_ms=200)
    raw.unary("Kern", "Nanosleep", sleep(1.5))
    raw.unary("Session", "Detach", sp.DetachRequest())
    raw.close()


def test_one_that_never_opens_its_stream_is_not_waited_for_long(kernel: LiveKernel) -> None:
    first, other = Raw(kernel, streams=True), Raw(kernel)
    child = first.unary("Session", "Fork", sp.ForkRequest())
    with rump.connect(kernel.url) as k:
        gone = {first.attached.pid, child.pid}
        eventually(
            lambda: not gone & {p["pid"] for p in k.processes()}, 30, "its process, and that of its child, are gone"
        )
        assert other.attached.pid in {p["pid"] for p in k.processes()}
    other.unary("Session", "Detach", sp.DetachRequest())
    for each in (first, other):
        each.close()

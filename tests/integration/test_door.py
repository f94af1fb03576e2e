"""Frames between clients and the gateway (docs/transport.md): what is documented, who falls back, and hostile peers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

import rump
import rump.aio
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from rumpwire.errno import Errno
from tests.live import LiveKernel, eventually, live_kernel

sp: Any = rump_sp_pb2
kern: Any = rump_kern_pb2
vfs: Any = rump_vfs_pb2
DOCS = Path(__file__).parents[2] / "docs" / "transport.md"


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server") as live:
        yield live


def attach(kernel: LiveKernel, request: Any = None) -> Any:
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        method: Any = channel.unary_unary(
            "/rump.sp.v1.Session/Attach", sp.AttachRequest.SerializeToString, sp.AttachResponse.FromString
        )
        return method(request or sp.AttachRequest(comm="raw", lease_ms=5000))


class Raw:
    """The protocol by hand."""

    def __init__(self, kernel: LiveKernel, hello: str | bytes | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(kernel.url.removeprefix("unix://") + ".frames")
        if hello is not None:
            self.send(hello.encode() if isinstance(hello, str) else hello)

    def send(self, data: bytes) -> None:
        self.socket.sendall(len(data).to_bytes(4, "little") + data)

    def exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def frame(self) -> bytes:
        return self.exactly(int.from_bytes(self.exactly(4), "little"))

    def receive(self) -> Any:
        return sp.StreamResponse.FromString(self.frame())

    def attached(self) -> Any:
        found = self.frame()
        assert found.startswith(b"attached\n")
        return sp.AttachResponse.FromString(found.removeprefix(b"attached\n"))

    def end(self) -> Any:
        """What the connection ends with."""
        try:
            found = self.receive().end
            with contextlib.suppress(ConnectionResetError):  # when something of ours was left unread
                assert self.socket.recv(1) == b""
            return found
        finally:
            self.socket.close()


def request(id: int, **fields: Any) -> bytes:
    data: bytes = sp.StreamRequest(
        id=id, acked=1, calls=[sp.Call(getpid=kern.GetpidRequest())], **fields
    ).SerializeToString()
    return data


def vectors() -> dict[str, tuple[str, str]]:
    found = re.findall(r"^(\w+) ([0-9a-f]{8}) ([0-9a-f]+)$", DOCS.read_text(), re.MULTILINE)
    return {name: (length, data) for name, length, data in found}


def test_the_vectors_of_the_documentation(kernel: LiveKernel) -> None:
    found = vectors()
    assert list(found) == ["attach", "attached", "hello", "request", "reply", "end"]
    for length, data in found.values():
        assert int.from_bytes(bytes.fromhex(length), "little") == len(data) // 2
    assert bytes.fromhex(found["hello"][1]) == b"0123456789abcdef" * 2
    reply = sp.StreamResponse(id=1, results=[sp.Result(getpid=kern.GetpidResponse(pid=7))])
    assert sp.StreamResponse.FromString(bytes.fromhex(found["reply"][1])) == reply
    last = sp.StreamResponse.FromString(bytes.fromhex(found["end"][1])).end
    assert (last.errno, last.name, last.text, last.origin) == (Errno.ESTALE, "ESTALE", "gone", "gateway")

    answer = b"attached\n" + sp.AttachResponse(session="0123456789abcdef" * 2, pid=7).SerializeToString()
    assert bytes.fromhex(found["attached"][1]) == answer

    attached = attach(kernel)
    assert attached.frames == ".frames"
    raw = Raw(kernel, bytes.fromhex(found["attach"][1]))
    attached = raw.attached()
    raw.send(attached.session.encode())
    raw.socket.sendall(bytes.fromhex("".join(found["request"])))
    assert raw.receive().results[0].getpid.pid == attached.pid
    raw.socket.close()


def test_a_session_that_is_not_there(kernel: LiveKernel) -> None:
    assert Raw(kernel, "0" * 32).end().errno == Errno.EAUTH
    assert Raw(kernel, "").end().errno == Errno.EAUTH


def test_a_newer_stream_takes_over(kernel: LiveKernel) -> None:
    token = attach(kernel).session
    older = Raw(kernel, token)
    older.send(request(1))
    older.receive()
    newer = Raw(kernel, token)
    assert older.end().errno == Errno.ECONNABORTED
    newer.send(request(1))
    assert newer.receive().id == 1, "what was answered on the older one is answered again, from what is kept"
    newer.socket.close()


@pytest.mark.parametrize(
    ("sent", "errno"),
    [
        (b"\xff\xff\xff\xff", Errno.EMSGSIZE),
        ((1 << 25).to_bytes(4, "little"), Errno.EMSGSIZE),
        (b"\x03\0\0\0\xff\xff\xff", Errno.EINVAL),
        (os.urandom(1 << 16) + b"\xff" * 8, None),
    ],
    ids=["longest", "too long", "no message", "noise"],
)
def test_what_is_no_request_ends_its_own_connection(kernel: LiveKernel, sent: bytes, errno: int | None) -> None:
    with rump.connect(kernel.url) as k:
        raw = Raw(kernel, attach(kernel).session)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            raw.socket.sendall(sent)
        found = raw.end()
        assert found.errno == errno or errno is None
        assert k.sys.getpid() == k.pid


def test_a_hello_that_is_too_long(kernel: LiveKernel) -> None:
    raw = Raw(kernel, "x" * 300)
    assert raw.end().errno == Errno.EMSGSIZE


@pytest.mark.parametrize(
    ("hello", "errno"),
    [
        (b"attach\n\xff\xff\xff", Errno.EINVAL),
        (b"attach\n" + b"x" * (1 << 14), Errno.EMSGSIZE),
        (b"attached\n", Errno.EAUTH),
        (b"attach\n" + sp.AttachRequest(nonce=b"short").SerializeToString(), Errno.EINVAL),
        (b"attach\n" + sp.AttachRequest(cookie=b"0" * 16).SerializeToString(), Errno.ESRCH),
    ],
    ids=["no message", "too long", "no request", "nonce", "cookie"],
)
def test_what_attaches_nobody(kernel: LiveKernel, hello: bytes, errno: int) -> None:
    assert Raw(kernel, hello).end().errno == errno


def test_who_attaches_waits_for_the_answer(kernel: LiveKernel) -> None:
    raw = Raw(kernel)
    raw.socket.sendall(2 * b"\x07\0\0\0attach\n")
    assert raw.end().errno == Errno.EBADRPC


def test_who_attaches_and_goes_leaves_no_process(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        for _ in range(20):
            raw = Raw(kernel, b"attach\n" + sp.AttachRequest(comm="hasty", streams=True).SerializeToString())
            raw.socket.close()
        eventually(lambda: not [p for p in k.processes() if p["comm"] == "hasty"], 30, "nothing of them is left")


def test_an_attach_that_is_sent_again_by_the_other_way_is_the_same(kernel: LiveKernel) -> None:
    request = sp.AttachRequest(comm="raw", lease_ms=5000, nonce=os.urandom(16))
    raw = Raw(kernel, b"attach\n" + request.SerializeToString())
    assert raw.attached().session == attach(kernel, request).session
    raw.socket.close()


def test_a_request_that_is_cut_off_is_not_done(kernel: LiveKernel) -> None:
    token = attach(kernel).session
    raw = Raw(kernel, token)
    pipe = sp.StreamRequest(id=1, acked=1, calls=[sp.Call(pipe=kern.PipeRequest())]).SerializeToString()
    raw.socket.sendall(len(pipe).to_bytes(4, "little") + pipe[:-1])
    raw.socket.close()
    again = Raw(kernel, token)
    again.send(sp.StreamRequest(resume=True, acked=1, waiting=[1]).SerializeToString())
    assert again.receive().id == 0
    again.send(pipe)
    assert again.receive().results[0].pipe.rfd == 3, "nothing has been opened before"
    again.socket.close()


def test_a_client_that_stops_reading_holds_up_nobody(kernel: LiveKernel) -> None:
    raw = Raw(kernel, attach(kernel).session)
    raw.socket.settimeout(2)
    raw.send(sp.StreamRequest(id=1, calls=[sp.Call(open=vfs.OpenRequest(path=b"/dev/zero"))]).SerializeToString())
    fd = raw.receive().results[0].open.fd
    read = sp.StreamRequest(calls=[sp.Call(read=kern.ReadRequest(fd=fd, nbyte=1 << 20))])
    sent = 0
    with rump.connect(kernel.url) as k:
        with contextlib.suppress(TimeoutError):
            for number in range(2, 100_000):
                read.id = number
                raw.send(read.SerializeToString())
                sent = number
        assert 0 < sent < 50_000, "it is not read from any more"
        assert k.sys.getpid() == k.pid
    raw.socket.close()


def wire_of(k: Any) -> str:
    line = k._connection._stream if hasattr(k._connection, "_stream") else k._connection
    wire = line._wire
    return "RingWire" if getattr(wire, "_ring", None) is not None else type(wire).__name__


def test_the_quickest_way_is_taken_that_is_there_and_wanted(
    kernel: LiveKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s").symlink_to(kernel.url.removeprefix("unix://"))
    big = os.urandom(3 << 20)
    for transport, kind in (("ring", "RingWire"), ("frames", "FrameWire"), ("", "GrpcWire"), ("grpc", "GrpcWire")):
        url = kernel.url if transport else f"unix://{tmp_path}/s"
        monkeypatch.setenv("RUMP_TRANSPORT", transport)
        with rump.connect(url) as k:
            assert wire_of(k) == kind
            with k.open("/tmp/big", "wb") as file:
                file.write(big)
            with k.open("/tmp/big", "rb") as file:
                assert file.read() == big
            with k.fork() as child:
                assert wire_of(child) == kind
                assert child.sys.getpid() == child.pid

        async def use(url: str, kind: str) -> None:
            async with rump.aio.connect(url) as a:
                assert wire_of(a) == kind
                assert await asyncio.gather(*(a.sys.getpid() for _ in range(100))) == [a.pid] * 100

        asyncio.run(use(url, kind))


def test_more_is_sent_than_a_socket_holds(kernel: LiveKernel) -> None:
    """Nobody reads meanwhile: whoever posts does not wait for those who read the answers."""
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/posted", os.O_CREAT | os.O_RDWR, 0o644)
        batches = []
        for index in range(20):
            batch = k.batch()
            batch.pwrite(fd, bytes([index]) * (1 << 20), index << 20)
            batch.pread(fd, 1 << 20, index << 20)
            batches.append(k._connection.post(batch._steps, False))
        assert [outcomes()[1][:1] for outcomes in batches] == [bytes([index]) for index in range(20)]

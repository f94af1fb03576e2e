"""What comes in at the ports of a kernel, from garbage to half-open connections: everything goes on serving."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

import rump
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from tests.live import LiveKernel, live_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--url", "tcp+plain://127.0.0.1:0") as live:
        yield live


@pytest.fixture
def channel(kernel: LiveKernel) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(kernel.url.split("://")[1], [("grpc.max_send_message_length", -1)]) as found:
        yield found


def ports(kernel: LiveKernel) -> list[Any]:
    """All addresses on which processes of the kernel listen."""
    host, port = kernel.url.split("://")[1].rsplit(":", 1)
    return [(host, int(port)), *(str(path) for path in Path(kernel.folder / "run").glob("*.sock*"))]


def connect(address: Any) -> socket.socket:
    kind = socket.SOCK_SEQPACKET if str(address).endswith(".memory") else socket.SOCK_STREAM
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, kind)
    s.settimeout(5)
    s.connect(address)
    return s


def serves(kernel: LiveKernel) -> None:
    """Every component answers, and is the process that it was."""
    with rump.connect(kernel.url) as k:
        assert {c["name"]: (c["state"], c["restarts"]) for c in k.status()["components"]} == dict.fromkeys(
            ("gateway", "kern", "vfs", "net", "dev"), ("serving", 0)
        )
        fd = k.sys.open("/dev/null", os.O_RDWR)
        assert k.sys.write(fd, b"x") == 1
        k.sys.close(fd)
        k.sys.close(k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0))


def attach(channel: grpc.Channel) -> tuple[tuple[str, str], ...]:
    call: Any = channel.unary_unary(
        "/rump.sp.v1.Session/Attach", rump_sp_pb2.AttachRequest.SerializeToString, rump_sp_pb2.AttachResponse.FromString
    )
    return (("rump-session", call(rump_sp_pb2.AttachRequest(comm="hostile")).session),)


def test_garbage_on_every_port(kernel: LiveKernel) -> None:
    rng = random.Random(7)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert len(ports(kernel)) >= 10
    for address in ports(kernel):
        for garbage in (
            b"GET / HTTP/1.1\r\n\r\n",
            rng.randbytes(4096),
            preface + rng.randbytes(4096),
            preface + b"\xff" * 9,
        ):
            with connect(address) as s:
                s.sendall(garbage)
                try:
                    while s.recv(65536):
                        pass
                except (TimeoutError, ConnectionError):
                    pass
    serves(kernel)


def test_half_open_connections(kernel: LiveKernel) -> None:
    held = [connect(address) for address in ports(kernel) for _ in range(20)]
    for s in held[::2]:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    serves(kernel)
    for s in held:
        s.close()
    serves(kernel)


def test_unknown_sessions(kernel: LiveKernel, channel: grpc.Channel) -> None:
    getpid: Any = channel.unary_unary("/rump.sp.v1.Kern/Getpid")
    for metadata in ((), (("rump-session", ""),), (("rump-session", "0" * 32),), (("rump-session", "x" * 4000),)):
        with pytest.raises(grpc.RpcError) as caught:
            getpid(b"", metadata=metadata)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
        assert "attach" in caught.value.details()  # type: ignore[attr-defined]
    serves(kernel)


def test_messages_that_are_no_messages(kernel: LiveKernel, channel: grpc.Channel) -> None:
    metadata = attach(channel)
    rng = random.Random(8)
    for method in ("Kern/Write", "Vfs/Open", "Net/Sendto", "Session/Batch"):
        call: Any = channel.unary_unary(f"/rump.sp.v1.{method}")
        for _ in range(10):
            with pytest.raises(grpc.RpcError):
                call(b"\xff" + rng.randbytes(200), metadata=metadata)
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/rump.sp.v1.Kern/NoSuchCall")(b"", metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]
    serves(kernel)


def test_over_long_messages_are_refused(kernel: LiveKernel, channel: grpc.Channel) -> None:
    metadata = attach(channel)
    write: Any = channel.unary_unary("/rump.sp.v1.Kern/Write")
    message = rump_kern_pb2.WriteRequest(fd=1, data=bytes(17 << 20)).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        write(message, metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    assert "larger than max" in caught.value.details()  # type: ignore[attr-defined]
    serves(kernel)


def literal(name: str, value: str) -> bytes:
    """A header field of HPACK (RFC 7541, 6.2.2): not indexed, its name in full."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def test_an_announced_length_is_not_believed(kernel: LiveKernel) -> None:
    """The prefix of a message announces 4 GiB; nothing of the kind is allocated, and the call is refused at once."""
    head = [(":method", "POST"), (":scheme", "http"), (":path", "/rump.sp.v1.Session/Attach"), (":authority", "x"),
            ("content-type", "application/grpc"), ("te", "trailers")]  # fmt: skip
    host, port = kernel.url.split("://")[1].rsplit(":", 1)
    before = resident(kernel)
    with connect((host, int(port))) as s:
        s.settimeout(20)
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        s.sendall(frame(1, 4, 1, b"".join(literal(*field) for field in head)) + frame(0, 0, 1, b"\0\xff\xff\xff\xff"))
        received = s.makefile("rb")
        while True:
            start = received.read(9)
            assert len(start) == 9, "the connection ends before the call is answered"
            received.read(int.from_bytes(start[:3], "big"))
            if start[5:] == b"\0\0\0\1" and (start[3] == 3 or start[4] & 1):  # RST_STREAM, or the end of the stream
                break
        received.close()
    assert resident(kernel) < before + (1 << 30)
    serves(kernel)


def resident(kernel: LiveKernel) -> int:
    """Memory of the gateway, in bytes."""
    with rump.connect(kernel.url) as k:
        return next(u["resident_bytes"] for u in k.statistics()["usage"] if u["name"] == "gateway")


@pytest.mark.parametrize("comm", ["", "x" * 100_000, "a\0b", "\x1b[31m"])
def test_names_in_handshakes(kernel: LiveKernel, channel: grpc.Channel, comm: str) -> None:
    """Without a body, without an end, with bytes that are none of a name: a process whose name can be shown."""
    call: Any = channel.unary_unary(
        "/rump.sp.v1.Session/Attach", rump_sp_pb2.AttachRequest.SerializeToString, rump_sp_pb2.AttachResponse.FromString
    )
    reply = call(rump_sp_pb2.AttachRequest(comm=comm))
    with rump.connect(kernel.url) as k:
        (name,) = (p["comm"] for p in k.processes() if p["pid"] == reply.pid)
    assert len(name) <= 16
    assert name.isprintable()
    serves(kernel)


def test_bodies_that_are_cut_off(kernel: LiveKernel, channel: grpc.Channel) -> None:
    """Each beginning of a request is another request or none, and never more than was sent."""
    metadata = attach(channel)
    path = b"/tmp/cut off"
    write = rump_kern_pb2.WriteRequest(fd=1, data=b"0123456789").SerializeToString()
    mkdir = rump_vfs_pb2.MkdirRequest(path=path, mode=0o755).SerializeToString()
    for method, body in (("Kern/Write", write), ("Vfs/Mkdir", mkdir)):
        call: Any = channel.unary_unary(f"/rump.sp.v1.{method}")
        for length in range(len(body)):
            reply = call.future(body[:length], metadata=metadata, timeout=20)
            assert reply.code() != grpc.StatusCode.UNKNOWN, length
    with rump.connect(kernel.url) as k:
        assert k.sys.stat(path).st_mode & 0o777 == 0, "all but the mode has arrived"
    serves(kernel)


@pytest.mark.parametrize(
    ("path", "expected"), [(b"/" + b"x" * 256, "ENAMETOOLONG"), (b"/x" * 600, "ENAMETOOLONG"), (b"/tmp/a\0b", "EINVAL")]
)
def test_paths_that_are_none(kernel: LiveKernel, path: bytes, expected: str) -> None:
    with rump.connect(kernel.url) as k, pytest.raises(OSError, match=r".") as caught:
        k.sys.open(path, os.O_RDONLY)
    assert getattr(caught.value, "name", "") == expected
    serves(kernel)


def test_streams_of_nonsense(kernel: LiveKernel, channel: grpc.Channel) -> None:
    metadata = attach(channel)
    stream: Any = channel.stream_stream(
        "/rump.sp.v1.Session/Stream", rump_sp_pb2.StreamRequest.SerializeToString, rump_sp_pb2.StreamResponse.FromString
    )
    nonsense = [
        rump_sp_pb2.StreamRequest(id=1),
        rump_sp_pb2.StreamRequest(id=2, calls=[rump_sp_pb2.Call()]),
        rump_sp_pb2.StreamRequest(id=3, cancel=True),
        rump_sp_pb2.StreamRequest(
            id=4,
            calls=[
                rump_sp_pb2.Call(
                    read=rump_kern_pb2.ReadRequest(fd=0, nbyte=1 << 63),
                    references=[rump_sp_pb2.Reference(call=9, field=77, path=[1, 2, 3])],
                )
            ],
        ),
        rump_sp_pb2.StreamRequest(id=5, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())] * 5000),
        rump_sp_pb2.StreamRequest(id=6, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())]),
    ]
    replies = {reply.id: reply for reply in stream(iter(nonsense), metadata=metadata)}
    assert replies[2].results[0].error.name in ("EINVAL", "ENOSYS")
    assert replies[4].results[0].error.name == "EINVAL"
    assert replies[5].results[0].error.name == "E2BIG"
    assert replies[6].results[0].getpid.pid > 1
    serves(kernel)


@pytest.mark.parametrize("size", [1 << 40, (1 << 64) - 1])
def test_sizes_that_nobody_has(kernel: LiveKernel, size: int) -> None:
    with rump.connect(kernel.url) as k:
        r, w = k.sys.pipe()
        k.sys.write(w, b"abc")
        fd = k.sys.open("/dev/zero", os.O_RDONLY)
        with k.batch(keep_going=True) as b:
            one, two = b.read(r, size), b.read(fd, size)
        assert one.result() == b"abc"
        assert len(two.result()) <= 16 << 20
    serves(kernel)


def test_a_refused_component(kernel: LiveKernel) -> None:
    """Nobody joins the kernel, or calls its components, without the bus token."""
    from rumpwire import rump_bus_pb2

    run = Path(kernel.folder / "run")
    with grpc.insecure_channel(f"unix:{run}/bus.sock") as bus:
        join: Any = bus.stream_stream(
            "/rump.sp.v1.Registry/Join",
            rump_bus_pb2.JoinRequest.SerializeToString,
            rump_bus_pb2.JoinResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as caught:
            list(join(iter([rump_bus_pb2.JoinRequest(name="vfs", url="unix:///tmp/x", token="guess")])))
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    with grpc.insecure_channel(f"unix:{run}/vfs.sock") as vfs:
        with pytest.raises(grpc.RpcError) as caught:
            vfs.unary_unary("/rump.sp.v1.Component/Run")(b"", metadata=(("rump-bus-token", "guess"),))
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    serves(kernel)

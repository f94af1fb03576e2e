"""rump.forward between this machine and the loopback of a kernel."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpclients import forward
from rumpclients.forward import Endpoint
from tests.forwards import forwarding
from tests.live import LiveKernel, eventually, live_kernel

DATA = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(40_000))
RESET = struct.pack("ii", 1, 0)


@pytest.mark.parametrize(
    ("text", "protocol", "listen", "target"),
    [
        ("80:10.0.0.1:8080", "tcp", ("127.0.0.1", 80), ("10.0.0.1", 8080)),
        ("0:10.0.0.1:53/udp", "udp", ("127.0.0.1", 0), ("10.0.0.1", 53)),
        (":80:10.0.0.1:80/tcp", "tcp", ("*", 80), ("10.0.0.1", 80)),
        ("*:80:10.0.0.1:80", "tcp", ("*", 80), ("10.0.0.1", 80)),
        ("[::1]:80:[fe80::1%virt0]:81", "tcp", ("::1", 80), ("fe80::1%virt0", 81)),
    ],
)
def test_specifications(text: str, protocol: str, listen: Endpoint, target: Endpoint) -> None:
    found = forward.parse(text, reverse=False)
    assert (found.protocol, found.listen, found.target) == (protocol, listen, target)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-L", "80"],
        ["-L", "80:x"],
        ["-L", "a:10.0.0.1:80"],
        ["-L", "80:10.0.0.1:0"],
        ["-L", "70000:10.0.0.1:80"],
        ["-R", "80:10.0.0.1:80/sctp"],
        ["-R", "::1:80:10.0.0.1:80"],
        ["-L", "80:10.0.0.1:80", "-m", "0"],
        ["-L", "80:10.0.0.1:80", "--udp-timeout", "0"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert forward.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net", "--placement", "server") as kernel:
        yield kernel


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[rump.Client]:
    with rump.connect(kernel.url) as client:
        yield client


Maker = Callable[..., Any]


def listener(make: Maker, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> Any:
    """A server's socket, of the kernel or of this machine."""
    s = make(family, kind)
    s.settimeout(20)
    s.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    if kind == socket.SOCK_STREAM:
        s.listen(16)
    return s


@contextlib.contextmanager
def pipe(k: rump.Client, kernel: LiveKernel, way: str, *more: str, v6: bool = False) -> Iterator[Any]:
    """A forwarded port: the process, a function that connects to it, and the server's socket."""
    there, here = (k.socket, socket.socket) if way == "-L" else (socket.socket, k.socket)
    family, host = (socket.AF_INET6, "[::1]") if v6 else (socket.AF_INET, "127.0.0.1")
    with listener(there, family) as server:
        spec = f"{host}:0:{host}:{server.getsockname()[1]}"
        with forwarding(kernel.url, way, spec, *more) as running:

            def connected() -> Any:
                s = here(family, socket.SOCK_STREAM)
                s.settimeout(20)
                s.connect((host.strip("[]"), running.port()))
                return s

            yield running, connected, server


def read_all(s: Any) -> bytes:
    pieces = []
    while piece := s.recv(1 << 16):
        pieces.append(bytes(piece))
    return b"".join(pieces)


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("way", ["-L", "-R"])
def test_both_ways_with_half_close(k: rump.Client, kernel: LiveKernel, way: str, v6: bool) -> None:
    """The client ends its direction first; the server answers after it has seen that."""
    with pipe(k, kernel, way, v6=v6) as (running, connected, server):
        client = connected()
        accepted, _ = server.accept()
        got: list[bytes] = []

        def serve() -> None:
            got.append(read_all(accepted))
            accepted.sendall(DATA[::-1])
            accepted.close()

        thread = threading.Thread(target=serve)
        thread.start()
        client.sendall(DATA)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == DATA[::-1]
        thread.join()
        client.close()
        assert got == [DATA]
        (row,) = running.totals()
        assert (row["connections"], row["bytes_to_target"], row["bytes_from_target"]) == (1, len(DATA), len(DATA))


@pytest.mark.parametrize("way", ["-L", "-R"])
def test_the_server_ends_first(k: rump.Client, kernel: LiveKernel, way: str) -> None:
    with pipe(k, kernel, way) as (_, connected, server):
        client = connected()
        accepted, _ = server.accept()
        accepted.sendall(b"that is all")
        accepted.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"that is all"
        client.sendall(b"thanks")
        client.close()
        assert read_all(accepted) == b"thanks"
        accepted.close()


@pytest.mark.parametrize("way", ["-L", "-R"])
@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_is_a_reset_there_too(k: rump.Client, kernel: LiveKernel, way: str, who: str) -> None:
    with pipe(k, kernel, way) as (_, connected, server):
        client = connected()
        accepted, _ = server.accept()
        client.sendall(b"x")
        assert accepted.recv(1) == b"x"
        one, other = (client, accepted) if who == "client" else (accepted, client)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.close()
        with pytest.raises(ConnectionResetError):
            other.recv(1)
        other.close()


@pytest.mark.parametrize("way", ["-L", "-R"])
def test_nobody_there(k: rump.Client, kernel: LiveKernel, way: str, tmp_path: Path) -> None:
    """Who connects gets a reset, and the reason is told once."""
    make = k.socket if way == "-L" else socket.socket
    with listener(make) as s:
        port = s.getsockname()[1]
    here = socket.socket if way == "-L" else k.socket
    with (
        (tmp_path / "errors").open("w") as errors,
        forwarding(kernel.url, way, f"127.0.0.1:0:127.0.0.1:{port}", errors=errors) as running,
    ):
        for _ in range(2):
            with here(socket.AF_INET, socket.SOCK_STREAM) as s:
                s.settimeout(20)
                s.connect(("127.0.0.1", running.port()))
                with pytest.raises(ConnectionResetError):
                    s.recv(1)
    (said,) = (tmp_path / "errors").read_text().splitlines()
    assert said.startswith("rump.forward: tcp ")
    assert "Connection refused" in said


def rss(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("way", ["-L", "-R"])
def test_back_pressure(k: rump.Client, kernel: LiveKernel, way: str) -> None:
    """Who sends to a reader that sleeps has to stop; then all of it arrives."""
    with pipe(k, kernel, way) as (running, connected, server):
        client = connected()
        accepted, _ = server.accept()
        client.setblocking(False)
        before, sent = rss(running.process.pid), 0
        while sent < 16 << 20 and (taken := send_if_ready(k, client)):
            sent += taken
        assert sent < 16 << 20
        assert rss(running.process.pid) - before < 8 << 20
        client.settimeout(20)
        client.shutdown(socket.SHUT_WR)
        assert len(read_all(accepted)) == sent
        client.close()
        accepted.close()


def send_if_ready(k: rump.Client, s: Any) -> int:
    """Sends a piece; 0 when nothing was taken for half a second."""
    wait = k.select if isinstance(s, rump.Socket) else select.select
    return int(s.send(bytes(1 << 16))) if wait([], [s], [], 0.5)[1] else 0


def test_numbers_are_not_waited_for() -> None:
    """A look-up in a thread would let connections overtake one another."""

    async def connecting() -> None:
        loop = asyncio.get_running_loop()
        loop.getaddrinfo = None  # type: ignore[method-assign, assignment]
        for host in ("127.0.0.1", "::1"):
            s, name = await forward._host_socket(Endpoint(host, 9), socket.SOCK_STREAM)
            s.close()
            assert name[:2] == (host, 9)

    asyncio.run(connecting())


@pytest.mark.parametrize("way", ["-L", "-R"])
def test_connections_keep_their_order(k: rump.Client, kernel: LiveKernel, way: str) -> None:
    """Those that are begun without waiting for one another."""
    with pipe(k, kernel, way) as (running, _, server):
        for _ in range(3):
            clients = [(socket.socket if way == "-L" else k.socket)() for _ in range(8)]
            for s in clients:
                s.setblocking(False)
            for s in clients:
                s.connect_ex(("127.0.0.1", running.port()))
            for n, s in enumerate(clients):
                s.settimeout(20)
                s.sendall(b"%d" % n)
            served = [server.accept()[0] for _ in clients]
            assert [s.recv(1) for s in served] == [b"%d" % n for n in range(8)]
            for s in clients + served:
                s.close()


def test_many_at_a_time(k: rump.Client, kernel: LiveKernel) -> None:
    """More connections than there may be at a time: the others wait."""
    with pipe(k, kernel, "-L", "-m", "8") as (running, connected, server):
        clients = [connected() for _ in range(12)]
        served = [server.accept()[0] for _ in range(8)]
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.accept()
        server.settimeout(20)
        for s in served:
            s.close()
        for s in clients[:8]:
            s.close()
        served += [server.accept()[0] for _ in range(4)]
        for n, s in enumerate(clients[8:]):
            s.sendall(b"%d" % n)
        assert sorted(s.recv(1) for s in served[8:]) == [b"0", b"1", b"2", b"3"]
        for s in clients[8:] + served[8:]:
            s.close()
        assert running.totals()[0]["connections"] == 12


def roomy(s: Any) -> None:
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        s.setsockopt(socket.SOL_SOCKET, option, 1 << 17)


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("way", ["-L", "-R"])
def test_datagrams(k: rump.Client, kernel: LiveKernel, way: str, v6: bool) -> None:
    """Each sender gets the answers to its own, whole, up to the largest; an empty one is one."""
    there, here = (k.socket, socket.socket) if way == "-L" else (socket.socket, k.socket)
    family, host = (socket.AF_INET6, "[::1]") if v6 else (socket.AF_INET, "127.0.0.1")
    with listener(there, family, socket.SOCK_DGRAM) as server:
        roomy(server)
        spec = f"{host}:0:{host}:{server.getsockname()[1]}/udp"
        with forwarding(kernel.url, way, spec) as running:
            senders = [here(family, socket.SOCK_DGRAM) for _ in range(5)]
            for n, s in enumerate(senders):
                s.settimeout(20)
                roomy(s)
                s.connect((host.strip("[]"), running.port()))
                for size in (0, 1, 1472, 60_000):
                    s.send(bytes([n]) * size)
                    data, name = server.recvfrom(65535)
                    assert data == bytes([n]) * size
                    server.sendto(b"re:" + data, name)
                    assert s.recv(65535) == b"re:" + bytes([n]) * size
            assert running.totals()[0]["connections"] == 5
            for s in senders:
                s.close()


def descriptors(k: rump.Client, pid: int) -> int:
    return next(p["nfd"] for p in k.processes() if p["pid"] == pid)


def test_idle_flows_go(k: rump.Client, kernel: LiveKernel) -> None:
    with listener(k.socket, kind=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as s:
        spec = f"0:127.0.0.1:{server.getsockname()[1]}/udp"
        with forwarding(kernel.url, "-L", spec, "--udp-timeout", "0.2", "-m", "1") as running:
            pid = max(p["pid"] for p in k.processes() if p["comm"] == "rump.forward")
            before = descriptors(k, pid)
            s.connect(("127.0.0.1", running.port()))
            s.send(b"a")
            first = server.recvfrom(10)[1]
            eventually(lambda: descriptors(k, pid) == before, 10, "the flow went")
            s.send(b"b")
            data, second = server.recvfrom(10)
            assert data == b"b"
            assert second != first


def test_a_new_sender_takes_the_place_of_the_idlest(k: rump.Client, kernel: LiveKernel) -> None:
    with listener(k.socket, kind=socket.SOCK_DGRAM) as server:
        spec = f"0:127.0.0.1:{server.getsockname()[1]}/udp"
        with forwarding(kernel.url, "-L", spec, "-m", "2") as running:
            senders = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(4)]
            server.settimeout(0.1)
            for n, s in enumerate(senders):
                s.connect(("127.0.0.1", running.port()))
                got = False
                for _ in range(100):  # the first of a sender without a place is lost
                    s.send(b"%d" % n)
                    with contextlib.suppress(TimeoutError):
                        got = server.recvfrom(10)[0] == b"%d" % n
                    if got:
                        break
                assert got
            assert running.totals()[0]["dropped"] > 0
            for s in senders:
                s.close()


@pytest.mark.parametrize("way", ["-L", "-R"])
def test_a_port_that_is_taken(
    k: rump.Client,
    kernel: LiveKernel,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RUMP_SERVER", kernel.url)
    with listener(socket.socket if way == "-L" else k.socket) as s:
        assert forward.main([way, f"127.0.0.1:{s.getsockname()[1]}:127.0.0.1:9"]) == 1
    assert "Address already in use" in capsys.readouterr().err


def test_the_kernel_goes_away(tmp_path: Path) -> None:
    with live_kernel("--factions", "net", "--placement", "server") as kernel:
        with (
            (tmp_path / "errors").open("w") as errors,
            forwarding(
                kernel.url, "-R", "0:127.0.0.1:9", "-L", "0:127.0.0.1:9", "-L", "0:127.0.0.1:9/udp", errors=errors
            ) as running,
        ):
            kernel.stop()
            assert running.process.wait(20) == 1
        (said,) = (tmp_path / "errors").read_text().splitlines()
        assert "connection" in said

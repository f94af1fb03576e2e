"""net: local sockets and UDP over lo0, over all placements."""

from __future__ import annotations

import stat
import threading
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code


def test_socketpair(k: Any) -> None:
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    k.sys.write(one, b"ping")
    assert k.sys.read(two, 10) == b"ping"
    k.sys.close(one)
    assert k.sys.read(two, 10) == b""
    assert code(k.sys.write, two, b"x") == "EPIPE"


def test_local_stream_by_name(k: Any, connect: Any, folder: str) -> None:
    server = k.socket(rump.AF_UNIX, rump.SOCK_STREAM)
    server.bind(f"{folder}/sock")
    server.listen(5)
    answers: list[bytes] = []
    other = connect()

    def client() -> None:
        s = other.socket(rump.AF_UNIX, rump.SOCK_STREAM)
        s.connect(f"{folder}/sock")
        s.sendall(b"question")
        answers.append(s.recv(100))
        s.close()

    thread = threading.Thread(target=client)
    thread.start()
    connection, _ = server.accept()
    assert connection.recv(100) == b"question"
    connection.sendall(b"answer")
    thread.join(10)
    assert answers == [b"answer"]
    assert connection.recv(10) == b""
    again = k.socket(rump.AF_UNIX, rump.SOCK_STREAM)
    assert code(again.bind, f"{folder}/sock") == "EADDRINUSE"
    connection.close()
    server.close()
    assert code(again.connect, f"{folder}/sock") == "ECONNREFUSED"
    assert code(again.connect, f"{folder}/none") == "ENOENT"


def test_local_datagrams_keep_their_bounds(k: Any, folder: str) -> None:
    server = k.socket(rump.AF_UNIX, rump.SOCK_DGRAM)
    server.bind(f"{folder}/dgram")
    client = k.socket(rump.AF_UNIX, rump.SOCK_DGRAM)
    client.bind(f"{folder}/client")
    client.sendto(b"one", f"{folder}/dgram")
    client.sendto(b"two", f"{folder}/dgram")
    assert server.recvfrom(100)[0] == b"one"
    data, name = server.recvfrom(2)
    assert data == b"tw"
    assert name in (f"{folder}/client", f"{folder}/client".encode())


def test_udp_over_lo0(k: Any, connect: Any) -> None:
    server = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    port = server.getsockname()[1]
    assert port >= 49152
    other = connect()
    client = other.socket(rump.AF_INET, rump.SOCK_DGRAM)
    client.sendto(b"over lo0", ("127.0.0.1", port))
    data, sender = server.recvfrom(2000)
    assert data == b"over lo0"
    assert sender[0] == "127.0.0.1"
    server.sendto(b"back", sender)
    assert client.recvfrom(2000) == (b"back", ("127.0.0.1", port))
    big = bytes(range(256)) * 30
    client.sendto(big, ("127.0.0.1", port))
    assert server.recvfrom(65536)[0] == big


def test_udp_refusals(k: Any) -> None:
    one = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    one.bind(("127.0.0.1", 5353))
    two = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    assert code(two.bind, ("127.0.0.1", 5353)) == "EADDRINUSE"
    assert code(two.bind, ("10.9.8.7", 1)) == "EADDRNOTAVAIL"
    two.connect(("127.0.0.1", 9))
    two.send(b"nobody there")
    assert code(two.recv, 10) == "ECONNREFUSED"
    one.close()


def test_lo0_is_there(k: Any) -> None:
    lo = {i.name: i for i in k.pub.netconfig_ifaddrs()}["lo0"]
    assert lo.flags & rump.IFF_UP
    assert any(a.addr.sin_addr == bytes([127, 0, 0, 1]) for a in lo.addresses)


def test_what_is_not_there(k: Any) -> None:
    assert code(k.sys.socket, 99, rump.SOCK_STREAM, 0) == "EAFNOSUPPORT"


def test_receive_timeouts(k: Any) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(0.05)
    with pytest.raises(TimeoutError):
        s.recv(10)


def test_a_socket_that_mknod_made_has_nobody_behind_it(k: Any, folder: str) -> None:
    k.sys.mknod(f"{folder}/s", stat.S_IFSOCK | 0o666, 0)
    assert stat.S_ISSOCK(k.sys.stat(f"{folder}/s").st_mode)
    with k.socket(rump.AF_UNIX, rump.SOCK_STREAM) as s, pytest.raises(ConnectionRefusedError):
        s.connect(f"{folder}/s")
    k.sys.unlink(f"{folder}/s")

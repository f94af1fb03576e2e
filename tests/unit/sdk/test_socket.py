"""Sockets of a kernel as objects."""

from __future__ import annotations

import array
import errno
import os
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import rump
from rumpwire import const, values
from rumpwire.errno import Errno
from tests.unit.sdk.fakes import failing, fake


@pytest.fixture(scope="module")
def kernel() -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs", "net")) as k:
        yield k


def test_a_pair(kernel: rump.Kernel) -> None:
    a, b = kernel.socketpair()
    with a, b:
        data = os.urandom(5000)
        a.sendall(data)
        target = bytearray(5000)
        assert b.recv_into(target) == 5000
        assert target == data
        assert a.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        assert a.fileno() != b.fileno()
        a.shutdown(socket.SHUT_WR)
        assert b.recv(1) == b""
    assert a.fileno() == -1


def test_timeouts(kernel: rump.Kernel) -> None:
    a, b = kernel.socketpair()
    with a, b:
        a.settimeout(0.05)
        assert a.gettimeout() == 0.05
        with pytest.raises(TimeoutError):
            a.recv(1)
        a.setblocking(False)
        assert not a.getblocking()
        with pytest.raises(BlockingIOError):
            a.recv(1)
        a.settimeout(None)
        assert a.getblocking()
        b.send(b"x")
        assert a.recv(1) == b"x"
        with pytest.raises(ValueError, match="range"):
            a.settimeout(-1)


def test_a_file_on_a_socket_keeps_it_open(kernel: rump.Kernel) -> None:
    a, b = kernel.socketpair()
    with a.makefile("rw") as f, b.makefile("rb") as g:
        a.close()
        b.close()
        f.write("a line\n")
        f.flush()
        assert g.readline() == b"a line\n"
    assert a.fileno() == -1
    for mode in ("x", "", "b"):
        with pytest.raises(ValueError, match="mode"):
            a.makefile(mode)


def test_local_names(kernel: rump.Kernel) -> None:
    with kernel.socket(rump.AF_UNIX) as server, kernel.socket(rump.AF_UNIX) as client:
        server.bind("/tmp/name")
        server.listen()
        client.connect("/tmp/name")
        accepted, _ = server.accept()
        with accepted:
            assert client.getpeername() == "/tmp/name"
            client.send(b"hello")
            assert accepted.recv(99) == b"hello"
    with kernel.socket(rump.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect("/tmp/none")


def test_datagrams_over_the_loopback(kernel: rump.Kernel) -> None:
    with kernel.socket(rump.AF_INET, rump.SOCK_DGRAM) as a, kernel.socket(type=rump.SOCK_DGRAM) as b:
        a.bind(("", 0))
        port = a.getsockname()[1]
        b.bind(("127.0.0.1", 0))
        assert b.sendto(b"one", ("127.0.0.1", port)) == 3
        assert a.recvfrom(99) == (b"one", b.getsockname())
        b.connect(("127.0.0.1", port))
        assert b.getpeername() == ("127.0.0.1", port)
        assert b.send(b"two") == 3
        assert a.recv(99) == b"two"
        assert b.sendmsg([b"th", b"ree"]) == 5
        data, ancillary, _, address = a.recvmsg(99)
        assert (data, ancillary, address) == (b"three", [], b.getsockname())


# -- what this kernel need not have, against a kernel that records


def test_connect_in_time() -> None:
    k, c = fake(
        {
            "socket": 3,
            "fcntl": values.FcntlResult(const.O_RDWR),
            "connect": failing(Errno.EINPROGRESS),
            "poll": values.PollResult(1, [rump.Pollfd(3, 0, const.POLLOUT)]),
            "getsockopt": values.SockoptInteger(0),
        }
    )
    s = k.socket()
    s.settimeout(2.5)
    s.connect(("10.0.0.1", 80))
    assert ("connect", (3, rump.SockaddrIn(b"\x0a\0\0\1", 80))) in c.asked
    assert ("poll", ([rump.Pollfd(3, select.POLLOUT)], 2500)) in c.asked
    c.answers["getsockopt"] = values.SockoptInteger(int(Errno.ECONNREFUSED))
    with pytest.raises(ConnectionRefusedError):
        s.connect(("10.0.0.1", 80))
    c.answers["poll"] = values.PollResult(0, [])
    with pytest.raises(TimeoutError):
        s.connect(("10.0.0.1", 80))
    assert s.connect_ex(("10.0.0.1", 80)) == errno.ETIMEDOUT


@pytest.mark.parametrize(
    ("family", "address", "wire"),
    [
        (socket.AF_INET, ("1.2.3.4", 5), rump.SockaddrIn(b"\1\2\3\4", 5)),
        (socket.AF_INET, ("", 5), rump.SockaddrIn(bytes(4), 5)),
        (socket.AF_INET, ("<broadcast>", 5), rump.SockaddrIn(b"\xff" * 4, 5)),
        (socket.AF_INET6, ("::1", 5), rump.SockaddrIn6(bytes(15) + b"\1", 5)),
        (socket.AF_INET6, ("", 5, 6, 7), rump.SockaddrIn6(bytes(16), 5, 6, 7)),
        (socket.AF_UNIX, "/a/b", rump.SockaddrUn(b"/a/b")),
    ],
)
def test_addresses(family: int, address: Any, wire: Any) -> None:
    k, c = fake({"socket": 3})
    s = k.socket(family)
    s.bind(address)
    assert c.last == ("bind", (3, wire))


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_that_are_none(port: int) -> None:
    with pytest.raises(OSError, match="port"):
        fake({"socket": 3})[0].sys.bind(3, ("1.2.3.4", port))


def test_descriptors_in_messages() -> None:
    k, c = fake({"socket": 3, "sendmsg": 2})
    s = k.socket(rump.AF_UNIX)
    s.sendmsg([b"f", b"d"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [5, 6]))])
    msg = c.last[1][1]
    assert msg.data == b"fd"
    assert msg.control == [rump.Cmsg(const.SOL_SOCKET, const.SCM_RIGHTS, b"", [5, 6])]
    c.answers["recvmsg"] = msg
    data, ancillary, flags, _ = s.recvmsg(10, 100)
    assert (data, flags) == (b"fd", 0)
    assert ancillary == [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [5, 6]).tobytes())]


def test_options_as_c_programs_have_them() -> None:
    import struct

    k, c = fake({"socket": 3, "getsockopt": rump.Linger(1, 9)})
    s = k.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 9))
    assert c.last[1][3] == rump.Linger(1, 9)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 1, 9)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 500_000))
    assert c.last[1][3] == rump.Timespec(1, 500_000_000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    assert c.last[1][3] == values.SockoptInteger(1)


def test_detach_and_dup() -> None:
    k, c = fake({"socket": 3, "dup": 4})
    s = k.socket()
    other = s.dup()
    assert (s.detach(), s.fileno(), other.fileno()) == (3, -1, 4)
    s.close()
    assert c.last[0] == "dup"
    other.close()
    assert c.last == ("close", (4,))


def test_accepted_sockets_wait_for_ever(kernel: rump.Kernel) -> None:
    """The kernel hands on what a listening socket has; Python does not."""
    with kernel.socket(rump.AF_INET, rump.SOCK_STREAM) as s, kernel.socket(rump.AF_INET, rump.SOCK_STREAM) as c:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        s.settimeout(7)
        c.connect(s.getsockname())
        a, _ = s.accept()
        with a:
            assert a.gettimeout() is None
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                assert a.getsockopt(socket.SOL_SOCKET, option, 16) == bytes(16)

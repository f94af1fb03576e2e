"""sockin: sockets of the host in a kernel, against plain sockets of this machine, in all placements.

The kernels are the tests' own, since sockin stands in the place of the kernel's stack.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.conformance.test_poll import later, state
from tests.live import live_kernel

LOOPBACK = ("127.0.0.1", 0)
IN, OUT = select.POLLIN, select.POLLOUT


@pytest.fixture(scope="module", params=["local", "server", "split"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A function that gives a client of a kernel with sockin."""
    with on_the_host(request.param) as connect:
        yield connect


@contextmanager
def on_the_host(placement: str) -> Iterator[Any]:
    """What connects to a kernel whose sockets are the host's."""
    if placement == "local":
        with rump.Kernel(factions=("net", "vfs")) as k:
            use_the_host(k)
            yield k.attach
        return
    with live_kernel("--placement", placement) as live, rump.connect(live.url) as k:
        use_the_host(k)
        yield lambda: rump.connect(live.url)


def use_the_host(k: Any) -> None:
    assert code(k.sys.modctl_load, "sockin") == "EBUSY"
    for name in ("npf", "netinet6", "netinet"):
        if name in {module.name for module in k.sys.modctl_stat()}:
            k.sys.modctl_unload(name)
    k.sys.modctl_load("sockin")


@pytest.fixture
def k(kernel: Any) -> Iterator[Any]:
    with kernel() as client:
        yield client


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(LOOPBACK) as s:
        s.settimeout(10)
        yield s


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_client(k: Any, family: int) -> None:
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=family) as server:
        s = k.socket(family, rump.SOCK_STREAM)
        s.connect(server.getsockname()[:2])
        theirs, name = server.accept()
        with theirs:
            assert s.getsockname() == name
            assert s.getpeername() == server.getsockname()
            big = bytes(range(256)) * 8192
            writer = threading.Thread(target=s.sendall, args=(big,))
            writer.start()
            assert receive(theirs, len(big)) == big
            writer.join()
            theirs.sendall(big[:1000])
            assert s.recv(1000, socket.MSG_WAITALL) == big[:1000]
            theirs.shutdown(socket.SHUT_WR)
            assert s.recv(10) == b""
        s.close()


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def receive(s: socket.socket, length: int) -> bytes:
    out = bytearray()
    while len(out) < length:
        out += s.recv(65536)
    return bytes(out)


def test_a_server(k: Any) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.setsockopt(rump.SOL_SOCKET, rump.SO_REUSEADDR, 1)
    s.bind(LOOPBACK)
    s.listen(5)
    assert state(k, s.fileno()) == 0
    thread = later(lambda: clients.append(socket.create_connection(s.getsockname())))
    clients: list[socket.socket] = []
    connection, name = s.accept()
    thread.join()
    with clients[0] as client:
        assert name == client.getsockname()
        assert connection.getpeername() == client.getsockname()
        client.sendall(b"hello")
        assert connection.recv(10) == b"hello"
        connection.sendall(b"and back")
        assert client.recv(20) == b"and back"
        connection.shutdown(socket.SHUT_WR)
        assert client.recv(20) == b""
    connection.close()
    s.setblocking(False)
    assert code(k.sys.accept, s.fileno()) == "EAGAIN"
    s.close()


def test_datagrams(k: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
        theirs.bind(LOOPBACK)
        theirs.settimeout(10)
        s = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
        s.sendto(b"one", theirs.getsockname())
        data, name = theirs.recvfrom(10)
        assert data == b"one"
        theirs.sendto(b"a longer one", name)
        message = k.sys.recvmsg(s.fileno(), 4, 0)
        assert message.data == b"a lo"
        assert message.msg_flags & socket.MSG_TRUNC
        assert message.msg_name.sin_port == theirs.getsockname()[1]
        theirs.sendto(b"", name)
        assert s.recv(10) == b""
        s.connect(theirs.getsockname())
        s.send(b"connected")
        assert theirs.recv(20) == b"connected"
        k.sys.connect(s.fileno(), None)
        assert code(s.getpeername) == "ENOTCONN"


def test_not_waiting(k: Any, server: socket.socket) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.setblocking(False)
    name = rump.SockaddrIn(socket.inet_aton("127.0.0.1"), server.getsockname()[1])
    assert code(k.sys.connect, s.fileno(), name) == "EINPROGRESS"
    assert k.sys.poll([(s.fileno(), OUT)], 5000).fds[0].revents == OUT
    assert s.getsockopt(rump.SOL_SOCKET, rump.SO_ERROR) == 0
    assert code(k.sys.connect, s.fileno(), name) == "EISCONN"
    assert code(k.sys.read, s.fileno(), 10) == "EAGAIN"
    theirs, _ = server.accept()
    with theirs:
        assert k.select([s], [], [], 0) == ([], [], [])
        thread = later(lambda: theirs.sendall(b"x"))
        assert k.select([s], [], [], 5) == ([s], [], [])
        thread.join()
        assert k.sys.read(s.fileno(), 10) == b"x"
        sent = fill(s)
        assert state(k, s.fileno()) == 0
        thread = threading.Thread(target=receive, args=(theirs, sent))
        thread.start()
        assert k.select([], [s], [], 5) == ([], [s], [])
        thread.join()


def fill(s: Any) -> int:
    """Sends until nothing more can be sent; how much that was."""
    sent = 0
    while True:
        try:
            sent += s.send(bytes(1 << 16))
        except BlockingIOError:
            return sent


def test_kqueue(k: Any, server: socket.socket) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.connect(server.getsockname())
    theirs, _ = server.accept()
    with theirs, k.kqueue() as q:
        q.control([rump.Kevent(s.fileno(), rump.EVFILT_READ, rump.EV_ADD | rump.EV_CLEAR)], 0)
        for text, data in ((b"abc", 3), (b"de", 5)):
            thread = later(lambda text=text: theirs.sendall(text))
            assert [event.data for event in q.control(None, 1, 5)] == [data]
            thread.join()
        assert q.control(None, 1, 0) == []
        theirs.close()
        (event,) = q.control(None, 1, 5)
        assert event.flags & rump.EV_EOF


def test_errors_are_the_hosts(k: Any, server: socket.socket) -> None:
    with socket.create_server(LOOPBACK) as gone:
        name = gone.getsockname()
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(s.connect, name) == "ECONNREFUSED"
    taken = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(taken.bind, server.getsockname()) == "EADDRINUSE"
    assert code(taken.bind, ("192.0.2.1", 0)) == "EADDRNOTAVAIL"
    assert code(k.sys.bind, taken.fileno(), rump.SockaddrUn(b"/x")) == "EAFNOSUPPORT"
    assert code(k.sys.bind, taken.fileno(), rump.SockaddrIn(b"abc", 1)) == "EINVAL"
    fresh = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(fresh.send, b"x") in ("EPIPE", "ENOTCONN")
    assert code(fresh.getpeername) == "ENOTCONN"
    assert code(k.sys.shutdown, fresh.fileno(), 2) == "ENOTCONN"
    assert code(k.sys.shutdown, fresh.fileno(), 7) == "EINVAL"
    assert code(k.sys.listen, k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0), 1) == "EOPNOTSUPP"
    assert code(k.sys.socketpair, rump.AF_INET, rump.SOCK_STREAM, 0) == "EOPNOTSUPP"
    assert code(k.sys.socket, rump.AF_INET, 77, 0) == "EINVAL"
    client = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    client.connect(server.getsockname())
    theirs, _ = server.accept()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    assert code(client.recv, 10) == "ECONNRESET"


def test_options_by_name(k: Any) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.setsockopt(rump.SOL_SOCKET, rump.SO_KEEPALIVE, 1)
    assert s.getsockopt(rump.SOL_SOCKET, rump.SO_KEEPALIVE) == 1
    s.setsockopt(rump.IPPROTO_IP, rump.IP_TTL, 33)
    assert s.getsockopt(rump.IPPROTO_IP, rump.IP_TTL) == 33
    s.setsockopt(rump.SOL_SOCKET, rump.SO_RCVBUF, 40000)
    assert s.getsockopt(rump.SOL_SOCKET, rump.SO_RCVBUF) == 40000
    assert s.getsockopt(rump.SOL_SOCKET, rump.SO_TYPE) == rump.SOCK_STREAM
    assert code(k.sys.getsockopt, s.fileno(), rump.SOL_SOCKET, 0x7777) == "ENOPROTOOPT"
    assert code(k.sys.getsockopt, s.fileno(), 99, 1) == "ENOPROTOOPT"
    s.settimeout(0.02)
    s.bind(LOOPBACK)
    s.listen(1)
    with pytest.raises(TimeoutError):
        s.accept()


def test_urgent_data(k: Any, server: socket.socket) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.connect(server.getsockname())
    theirs, _ = server.accept()
    with theirs:
        theirs.send(b"!", socket.MSG_OOB)
        assert k.sys.poll([(s.fileno(), select.POLLPRI)], 5000).fds[0].revents & select.POLLPRI
        assert s.recv(1, socket.MSG_OOB) == b"!"
        s.send(b"?", socket.MSG_OOB)
        assert select.select([], [], [theirs], 5)[2]
        assert theirs.recv(1, socket.MSG_OOB) == b"?"


def test_calls_that_wait_end_with_the_socket(k: Any, server: socket.socket) -> None:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.connect(server.getsockname())
    fd = s.fileno()
    thread = later(lambda: k.sys.close(fd))
    assert code(k.sys.read, fd, 10) == "EBADF"
    thread.join()


def test_users_get_no_raw_sockets_and_low_ports(k: Any) -> None:
    user = k.fork()
    user.sys.setuid(1000)
    assert code(user.sys.socket, rump.AF_INET, rump.SOCK_RAW, 1) == "EPERM"
    s = user.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(s.bind, ("127.0.0.1", 80)) == "EACCES"
    user.close()


def open_files() -> set[str]:
    """What this process has open, as far as the host tells; what other tests have left may go at any time."""
    found = set()
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # the descriptor that lists them
            found.add(str(link.readlink()))
    return found


def test_the_module_goes_when_nothing_is_open() -> None:
    before = open_files()
    with rump.Kernel(factions=("net",)) as k:
        use_the_host(k)
        s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
        assert code(k.sys.modctl_unload, "sockin") == "EBUSY"
        s.close()
        k.sys.modctl_unload("sockin")
        assert code(k.sys.socket, rump.AF_INET, rump.SOCK_STREAM, 0) == "EAFNOSUPPORT"
        k.sys.modctl_load("netinet", rump.MODCTL_LOAD_FORCE)
        assert code(k.sys.modctl_load, "sockin") == "EBUSY"
    assert open_files() <= before

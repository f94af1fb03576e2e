"""TCP over lo0, over all placements: what t_tcp of NetBSD asserts, and what programs count on."""

from __future__ import annotations

import contextlib
import itertools
import queue
import select
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import rump
from rumpwire import const
from rumpwire.values import TcpInfo
from tests.conformance.test_descriptors import code

_ports = itertools.count(20000)
HOST = "127.0.0.1"


def listening(k: Any, backlog: int = 5) -> Any:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.bind((HOST, next(_ports)))
    s.listen(backlog)
    return s


def client_of(k: Any, server: Any) -> Any:
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.connect(server.getsockname())
    return s


@pytest.fixture
def pair(k: Any) -> Iterator[tuple[Any, Any]]:
    """Both ends of a connection."""
    server = listening(k)
    one = client_of(k, server)
    two, name = server.accept()
    assert name == one.getsockname()
    assert one.getpeername() == two.getsockname() == server.getsockname()
    server.close()
    yield one, two
    one.close()
    two.close()


def test_ends_and_half_close(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.sendall(b"question")
    assert two.recv(100) == b"question"
    one.shutdown(socket.SHUT_WR)
    assert two.recv(100) == b""
    assert two.recv(100) == b""
    assert code(one.send, b"x") == "EPIPE"
    two.sendall(b"answer")
    assert one.recv(3) == b"ans"
    assert one.recv(100) == b"wer"
    two.close()
    assert one.recv(100) == b""


def test_much_both_ways(k: Any, connect: Any) -> None:
    server = listening(k)
    data = bytes(range(256)) * 12_000
    other = connect()
    got: list[bytes] = []

    def client() -> None:
        s = other.socket(rump.AF_INET, rump.SOCK_STREAM)
        s.connect(server.getsockname())
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        with s.makefile("rb") as f:
            got.append(f.read())
        sender.join()
        s.close()

    thread = threading.Thread(target=client)
    thread.start()
    s, _ = server.accept()
    echoed = 0
    while part := s.recv(1 << 20):
        s.sendall(part)
        echoed += len(part)
    s.close()
    thread.join(60)
    assert echoed == len(data)
    assert got == [data]


def test_refusals(k: Any, pair: tuple[Any, Any]) -> None:
    one, _ = pair
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(s.connect, (HOST, 9)) == "ECONNREFUSED"
    assert code(s.connect, (HOST, 9)) == "ECONNREFUSED", "and may be tried again"
    assert code(s.connect, (HOST, 0)) == "EADDRNOTAVAIL"
    assert code(s.connect, ("224.0.0.1", 9)) == "EAFNOSUPPORT"
    assert code(s.connect, ("203.0.113.1", 9)) == "ENETUNREACH"
    assert code(s.recv, 1) == "ENOTCONN"
    assert code(s.send, b"x") == "ENOTCONN"
    assert code(s.getpeername) == "ENOTCONN"
    assert code(s.shutdown, socket.SHUT_WR) == "ENOTCONN"
    assert code(s.accept) == "EINVAL"
    assert code(one.connect, (HOST, 9)) == "EISCONN"
    assert code(one.listen, 5) == "EINVAL"
    assert code(one.bind, (HOST, 0)) == "EINVAL"
    server = listening(k)
    assert code(server.connect, (HOST, 9)) == "EOPNOTSUPP"
    assert code(s.bind, server.getsockname()) == "EADDRINUSE"
    assert code(k.sys.socketpair, rump.AF_INET, rump.SOCK_STREAM, 0) == "EOPNOTSUPP"


def test_a_connect_that_may_not_wait(k: Any) -> None:
    """Over lo0 the answer is there at once, so there is nothing to be in progress."""
    server = listening(k)
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.setblocking(False)
    assert s.connect_ex(server.getsockname()) == 0
    assert code(s.connect, server.getsockname()) == "EISCONN"
    assert code(s.recv, 1) == "EAGAIN"


@pytest.mark.parametrize("how", ["accept", "paccept"])
def test_accept_hands_the_mode_of_the_listener_on(k: Any, how: str) -> None:
    server = listening(k)
    first, second = client_of(k, server), client_of(k, server)
    flags = k.sys.fcntl(server.fileno(), rump.F_GETFL).value
    k.sys.fcntl(server.fileno(), rump.F_SETFL, flags | rump.O_NONBLOCK)
    if how == "accept":
        fd = k.sys.accept(server.fileno()).s
        assert k.sys.fcntl(fd, rump.F_GETFL).value & rump.O_NONBLOCK
    else:
        fd = k.sys.paccept(server.fileno(), None, 0).s
        assert not k.sys.fcntl(fd, rump.F_GETFL).value & rump.O_NONBLOCK
    k.sys.close(fd)
    fd = k.sys.accept(server.fileno()).s
    assert code(k.sys.accept, server.fileno()) == "EAGAIN"
    k.sys.close(fd)
    first.close()
    second.close()


def test_flags_of_receive(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.sendall(b"abcdef")
    assert two.recv(3, socket.MSG_PEEK) == b"abc"
    assert two.recv(6, socket.MSG_WAITALL) == b"abcdef"
    assert code(two.recv, 1, socket.MSG_DONTWAIT) == "EAGAIN"
    sender = threading.Thread(target=lambda: [one.sendall(b"12345") for _ in range(4)])
    sender.start()
    assert two.recv(20, socket.MSG_WAITALL) == b"12345" * 4
    sender.join()
    one.shutdown(socket.SHUT_WR)
    assert two.recv(20, socket.MSG_WAITALL) == b""


def test_urgent_data(k: Any, pair: tuple[Any, Any]) -> None:
    one, two = pair
    assert code(two.recv, 1, socket.MSG_OOB) == "EINVAL"
    one.sendall(b"before")
    one.send(b"!", socket.MSG_OOB)
    one.sendall(b"after")
    assert two.recv(100) == b"before", "a read stops at the mark"
    assert k.sys.ioctl(two.fileno(), rump.SIOCATMARK, None).data.integer == 1
    assert two.recv(1, socket.MSG_OOB) == b"!"
    assert two.recv(100) == b"after"
    assert k.sys.ioctl(two.fileno(), rump.SIOCATMARK, None).data.integer == 0
    two.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    one.send(b"in line?", socket.MSG_OOB)
    assert two.recv(100) == b"in line"
    assert two.recv(100) == b"?"
    assert code(two.recv, 1, socket.MSG_OOB) == "EINVAL"


def test_a_close_that_resets(k: Any) -> None:
    server = listening(k)
    one = client_of(k, server)
    two, _ = server.accept()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    assert code(two.recv, 1) == "ECONNRESET"
    assert two.recv(1) == b""
    assert code(two.send, b"x") == "EPIPE"
    one = client_of(k, server)
    two, _ = server.accept()
    two.sendall(b"never read")
    one.close()
    assert code(two.recv, 1) == "ECONNRESET"
    gone = client_of(k, server)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    assert code(server.accept) == "ECONNABORTED"


def test_closing_a_listener_resets_who_waits(k: Any) -> None:
    server = listening(k)
    one = client_of(k, server)
    server.close()
    assert code(one.recv, 1) == "ECONNRESET"


def test_a_port_in_time_wait(k: Any) -> None:
    server = listening(k)
    name = server.getsockname()
    one = client_of(k, server)
    two, _ = server.accept()
    two.close()
    assert one.recv(1) == b""
    one.close()
    server.close()
    again = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(again.bind, name) == "EADDRINUSE"
    again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    again.bind(name)
    again.listen(1)
    client_of(k, again).close()


def test_options(k: Any, pair: tuple[Any, Any]) -> None:
    one, _ = pair
    level = socket.IPPROTO_TCP
    assert one.getsockopt(level, socket.TCP_NODELAY) == 0
    one.setsockopt(level, socket.TCP_NODELAY, 1)
    assert one.getsockopt(level, socket.TCP_NODELAY) == 1
    for name, value in [
        (socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3), (socket.TCP_CORK, 1),
        (socket.TCP_USER_TIMEOUT, 5000), (rump.TCP_KEEPINIT, 20),
    ]:  # fmt: skip
        one.setsockopt(level, name, value)
        assert one.getsockopt(level, name) == value
    assert one.getsockopt(level, socket.TCP_MAXSEG) > 1000
    assert code(one.setsockopt, level, socket.TCP_MAXSEG, 1) == "EINVAL"
    assert code(one.setsockopt, level, 999, 1) == "ENOPROTOOPT"
    one.setsockopt(level, socket.TCP_CONGESTION, b"cubic")
    assert one.getsockopt(level, socket.TCP_CONGESTION, 16).rstrip(b"\0") == b"cubic"
    assert code(one.setsockopt, level, socket.TCP_CONGESTION, b"vegas!") == "ENOENT"
    info = k.sys.getsockopt(one.fileno(), level, socket.TCP_INFO)
    assert isinstance(info, TcpInfo)
    assert info.tcpi_state == 4
    assert info.tcpi_snd_cwnd > 0
    raw = one.getsockopt(level, socket.TCP_INFO, 104)
    assert raw[0] == 1, "TCP_ESTABLISHED, as C programs on Linux have it"
    assert one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM


def test_more_and_records(pair: tuple[Any, Any]) -> None:
    """MSG_MORE holds a small segment back until a send without it; TCP_INQ says how much is left."""
    one, two = pair
    level = socket.IPPROTO_TCP
    one.setsockopt(level, socket.TCP_NODELAY, 1)
    two.setsockopt(level, rump.TCP_INQ, 1)
    two.setblocking(False)
    assert one.send(b"head", socket.MSG_MORE) == 4
    assert code(two.recv, 100) == "EAGAIN"
    assert one.send(b"body", socket.MSG_EOR) == 4
    item = (level, rump.TCP_INQ, (3).to_bytes(4, "little"))
    data, control, flags, _ = two.recvmsg(5, 100)
    assert (data, control, flags) == (b"headb", [item], 0)
    assert code(one.setsockopt, level, rump.TCP_INQ, 2) == "EINVAL"
    one.close()
    assert two.recvmsg(100, 100)[:2] == (b"ody", [(level, rump.TCP_INQ, (1).to_bytes(4, "little"))])
    assert two.recv(10) == b""


def test_fast_open(k: Any) -> None:
    """With TCP_FASTOPEN_CONNECT the second connection waits for its first data, and takes them along; so does
    MSG_FASTOPEN."""
    server = listening(k)
    level = socket.IPPROTO_TCP
    server.setsockopt(level, socket.TCP_FASTOPEN, 5)

    def connecting() -> Any:
        s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
        s.setsockopt(level, rump.TCP_FASTOPEN_CONNECT, 1)
        s.connect(server.getsockname())
        return s

    def early(s: Any) -> bool:
        return bool(k.sys.getsockopt(s.fileno(), level, socket.TCP_INFO).tcpi_options & const.TCPI_OPT_SYN_DATA)

    first = connecting()
    server.accept()[0].close()
    assert not early(first)
    server.setblocking(False)
    second = connecting()
    assert code(server.accept) == "EAGAIN"
    assert second.send(b"early") == 5
    assert early(second)
    assert server.accept()[0].recv(10) == b"early"
    third = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert third.sendto(b"at once", socket.MSG_FASTOPEN, server.getsockname()) == 7
    assert early(third)
    assert server.accept()[0].recv(10) == b"at once"
    assert third.sendto(b" and on", socket.MSG_FASTOPEN, server.getsockname()) == 7
    k.sysctl("net.inet.tcp.fastopen.client_enable", 0)
    fourth = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    assert code(fourth.sendto, b"x", socket.MSG_FASTOPEN, server.getsockname()) == "EOPNOTSUPP"
    assert code(fourth.setsockopt, level, rump.TCP_FASTOPEN_CONNECT, 1) == "EOPNOTSUPP"


def test_unsent_low_water(k: Any, pair: tuple[Any, Any]) -> None:
    """With TCP_NOTSENT_LOWAT no more waits in the socket than was asked for, beside what is under way."""
    one, two = pair
    one.setsockopt(socket.IPPROTO_TCP, rump.TCP_NOTSENT_LOWAT, 3000)
    one.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 1 << 24:
            sent += one.send(bytes(100_000))
    info = k.sys.getsockopt(one.fileno(), socket.IPPROTO_TCP, socket.TCP_INFO)
    assert 0 < info.tcpi_notsent_bytes <= 3000
    one.setblocking(True)
    writer = threading.Thread(target=one.sendall, args=(bytes(500_000),))
    writer.start()
    got = 0
    while got < sent + 500_000:
        got += len(two.recv(1 << 16))
    writer.join()


def test_largest_buffer(k: Any) -> None:
    """kern.sbmax bounds SO_SNDBUF and SO_RCVBUF."""
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    most = k.sysctl("kern.sbmax")
    assert code(s.setsockopt, socket.SOL_SOCKET, socket.SO_RCVBUF, most + 1) == "ENOBUFS"
    k.sysctl("kern.sbmax", most * 2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, most + 1)
    assert code(k.sysctl, "kern.sbmax", 1) == "EINVAL"
    s.close()


def test_receive_low_water_and_timeouts(pair: tuple[Any, Any]) -> None:
    one, two = pair
    two.settimeout(0.05)
    with pytest.raises(TimeoutError):
        two.recv(10)
    one.sendall(b"abc")
    assert two.recv(10) == b"abc"


def test_a_full_pipe(pair: tuple[Any, Any]) -> None:
    """Who does not read holds the sender up; then everything goes on."""
    one, two = pair
    one.setblocking(False)
    sent = 0
    while True:
        try:
            sent += one.send(bytes(65536))
        except BlockingIOError:
            break
    assert sent > 65536
    got = 0
    while got < sent:
        got += len(two.recv(1 << 20))
    assert one.send(b"more") == 4
    assert two.recv(10) == b"more"


def test_many_connections(k: Any) -> None:
    server = listening(k, backlog=128)
    with k.batch() as b:
        fds = [b.socket(rump.AF_INET, rump.SOCK_STREAM, 0) for _ in range(100)]
    for fd in fds:
        k.sys.connect(fd.result(), server.getsockname())
    accepted = [k.sys.accept(server.fileno()).s for _ in fds]
    for fd, other in zip(fds, accepted, strict=True):
        k.sys.write(fd.result(), b"%d" % other)
    for other in accepted:
        assert k.sys.read(other, 100) == b"%d" % other
        k.sys.close(other)
    for fd in fds:
        assert k.sys.read(fd.result(), 1) == b""
        k.sys.close(fd.result())


def test_sysctl(k: Any) -> None:
    assert k.sysctl("net.inet.tcp.congctl.available").split() == ["newreno", "cubic"]
    old = k.sysctl("net.inet.tcp.congctl.selected", "cubic")
    try:
        server = listening(k)
        with client_of(k, server) as s:
            assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") == b"cubic"
        assert code(k.sysctl, "net.inet.tcp.congctl.selected", "vegas") == "ENOENT"
    finally:
        k.sysctl("net.inet.tcp.congctl.selected", old)
    assert k.sysctl("net.inet.tcp.keepidle") == k.sysctl("net.inet6.tcp6.keepidle") == 14400
    assert code(k.sysctl, "net.inet.tcp.keepcnt", 0) == "EINVAL"


def test_over_ipv6_and_mapped_addresses(k: Any) -> None:
    server = k.socket(rump.AF_INET6, rump.SOCK_STREAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", next(_ports)))
    server.listen(5)
    port = server.getsockname()[1]
    for family, host, seen in [(rump.AF_INET6, "::1", "::1"), (rump.AF_INET, HOST, f"::ffff:{HOST}")]:
        with k.socket(family, rump.SOCK_STREAM) as s:
            s.connect((host, port))
            peer, name = server.accept()
            assert name[0] == seen
            s.sendall(b"six or four")
            assert peer.recv(100) == b"six or four"
            peer.close()
    server.close()


def test_poll(k: Any, pair: tuple[Any, Any]) -> None:
    one, two = pair
    events = select.POLLIN | select.POLLOUT | select.POLLPRI

    def poll(s: Any) -> int:
        return int(k.sys.poll([(s.fileno(), events)], 0).fds[0].revents)

    assert poll(two) == select.POLLOUT
    one.sendall(b"x")
    assert poll(two) == select.POLLIN | select.POLLOUT
    two.recv(10)
    one.send(b"!", socket.MSG_OOB)
    assert poll(two) & select.POLLPRI
    assert two.recv(1, socket.MSG_OOB) == b"!"
    one.close()
    assert poll(two) & select.POLLIN


def test_sigurg_goes_to_the_owner(k: Any, pair: tuple[Any, Any]) -> None:
    one, two = pair
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    k.on_signal(lambda number: got.put(int(number)))
    one.send(b"!", socket.MSG_OOB)  # which tells nobody
    assert two.recv(1, socket.MSG_OOB) == b"!"
    k.sys.fcntl(two.fileno(), rump.F_SETOWN, k.pid)
    one.send(b"!", socket.MSG_OOB)
    assert got.get(timeout=20) == signal.SIGURG
    assert k.select([], [], [two], 20)[2] == [two]
    k.on_signal(None)

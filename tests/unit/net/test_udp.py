"""UDP over lo0: addresses, ports, connections, errors that come back."""

from __future__ import annotations

import pytest

from rumpnet.core.udp import UdpSocket
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import IoctlArgsInteger, SockaddrIn, SockoptInteger
from tests.unit.net.kit import LOCALHOST, Kit, fails, lo, un, waits

ANY = bytes(4)


@pytest.fixture
def n() -> Kit:
    return Kit()


def port_of(n: Kit, s: int) -> int:
    return int(n("getsockname", s).sin_port)


def test_there_and_back(n: Kit) -> None:
    server, client = n.udp(5353), n.udp()
    assert n("sendto", client, b"question", None, lo(5353)) == 8
    data, sender = n("recvfrom", server, 100, None)
    assert (data, sender.sin_addr) == (b"question", LOCALHOST)
    assert 49152 <= sender.sin_port <= 65535
    assert n("getsockname", client) == SockaddrIn(ANY, sender.sin_port)
    n("sendto", server, b"answer", None, sender)
    assert n("recvfrom", client, 100, None) == (b"answer", lo(5353))


def test_a_reader_waits(n: Kit) -> None:
    server, client = n.udp(5353), n.udp()
    read = waits(n("recvfrom", server, 100, None))
    n("sendto", client, b"", None, lo(5353))
    assert read.outcome.result() == (b"", lo(port_of(n, client)))


def test_datagrams_are_cut_and_counted(n: Kit) -> None:
    server, client = n.udp(5353), n.udp()
    n("sendto", client, b"abcdef", None, lo(5353))
    assert n("ioctl", server, const.FIONREAD, None).data == IoctlArgsInteger(6)
    message = n("recvmsg", server, 3, 0, const.MSG_PEEK)
    assert (message.data, message.msg_flags) == (b"abc", const.MSG_TRUNC)
    assert n("recvfrom", server, 6, None).data == b"abcdef"


@pytest.mark.parametrize("size", [0, 1, 1471, 9216, 33596, 33597, 50_001, 65507])
def test_all_sizes(n: Kit, size: int) -> None:
    server, client = n.udp(5353), n.udp()
    n.option(client, const.SO_SNDBUF, 70_000)
    n.option(server, const.SO_RCVBUF, 70_000)
    data = bytes(i * 7 & 0xFF for i in range(size))
    assert n("sendto", client, data, None, lo(5353)) == size
    assert n("recvfrom", server, 70_000, None).data == data
    assert len(n.inet.ip.reassembly) == 0
    assert not n.inet.udp.stats["dropped: badchecksum"]


def test_too_long(n: Kit) -> None:
    client = n.udp()
    assert fails(n, "sendto", client, bytes(9217), None, lo(5353)) == "EMSGSIZE"
    n.option(client, const.SO_SNDBUF, 70_000)
    assert fails(n, "sendto", client, bytes(65508), None, lo(5353)) == "EMSGSIZE"


def test_a_full_socket_drops(n: Kit) -> None:
    server, client = n.udp(5353), n.udp()
    for _ in range(10):
        n("sendto", client, bytes(9000), None, lo(5353))
    assert n.inet.udp.stats["dropped due to full socket buffers"] == 6
    for _ in range(4):
        assert len(n("recvfrom", server, 10_000, None).data) == 9000
    waits(n("read", server, 1))


def test_ports(n: Kit) -> None:
    one = n.udp(5353)
    two = n.udp()
    assert fails(n, "bind", two, lo(5353)) == "EADDRINUSE"
    assert fails(n, "bind", two, SockaddrIn(ANY, 5353)) == "EADDRINUSE"
    assert fails(n, "bind", two, SockaddrIn(bytes([10, 9, 8, 7]), 1)) == "EADDRNOTAVAIL"
    assert fails(n, "bind", two, un(b"/x")) == "EAFNOSUPPORT"
    assert fails(n, "bind", two, None) == "EAFNOSUPPORT"
    assert fails(n, "bind", two, SockaddrIn(b"abc", 1)) == "EINVAL"
    assert fails(n.user, "bind", two, lo(1023)) == "EACCES"
    n("bind", two, SockaddrIn(b"", 0))
    assert fails(n, "bind", two, lo(9999)) == "EINVAL"
    assert 49152 <= port_of(n, two) <= 65535
    n("close", one)
    n.udp(5353)
    n.udp(80)


def test_sharing_ports(n: Kit) -> None:
    one, two, three = n.udp(), n.udp(), n.udp()
    for s in (one, two):
        n.option(s, const.SO_REUSEADDR, 1)
    n("bind", one, SockaddrIn(ANY, 53))
    n("bind", two, lo(53))
    assert fails(n, "bind", three, lo(53)) == "EADDRINUSE"
    client = n.udp()
    n("sendto", client, b"to the best fit", None, lo(53))
    assert n("recvfrom", two, 100, None).data == b"to the best fit"
    n("close", two)
    n("sendto", client, b"to what is left", None, lo(53))
    assert n("recvfrom", one, 100, None).data == b"to what is left"
    four, five = n.udp(), n.udp()
    for s in (four, five):
        n.option(s, const.SO_REUSEPORT, 1)
        n("bind", s, lo(54))


def test_all_ephemeral_ports_in_use(n: Kit) -> None:
    layer = n.inet.udp
    so = n.component.net.socket(n.udp())
    assert isinstance(so, UdpSocket)
    layer.pcbs.by_port.update({port: {so: None} for port in range(49152, 65536)})
    assert fails(n, "sendto", n.udp(), b"x", None, lo(5353)) == "EAGAIN"


def test_connections(n: Kit) -> None:
    server, client, stranger = n.udp(5353), n.udp(), n.udp()
    n("connect", client, lo(5353))
    assert n("getpeername", client) == lo(5353)
    own = n("getsockname", client)
    assert own.sin_addr == LOCALHOST
    assert n("write", client, b"x") == 1
    assert n("recvfrom", server, 5, None) == (b"x", own)
    assert fails(n, "sendto", client, b"x", None, lo(5353)) == "EISCONN"
    n("sendto", stranger, b"not from the peer", None, own)
    n("sendto", server, b"from the peer", None, own)
    assert n("recvfrom", client, 100, None) == (b"from the peer", lo(5353))
    n("connect", client, None)
    assert fails(n, "getpeername", client) == "ENOTCONN"
    assert fails(n, "write", client, b"x") == "EDESTADDRREQ"
    assert n("getsockname", client) == SockaddrIn(ANY, own.sin_port)
    n("sendto", stranger, b"anybody", None, own)
    assert n("recvfrom", client, 100, None).data == b"anybody"


def test_nobody_there(n: Kit) -> None:
    client = n.udp()
    n("sendto", client, b"x", None, lo(9))
    assert n("getsockopt", client, const.SOL_SOCKET, const.SO_ERROR) == SockoptInteger(0), "not connected, not told"
    n("connect", client, lo(9))
    read = waits(n("recvfrom", client, 10, None))
    n("write", client, b"x")
    with pytest.raises(KernelError) as caught:
        read.outcome.result()
    assert caught.value.name == "ECONNREFUSED"
    n("write", client, b"x")
    assert fails(n, "write", client, b"x") == "ECONNREFUSED"
    n("write", client, b"x")
    assert n("getsockopt", client, const.SOL_SOCKET, const.SO_ERROR) == SockoptInteger(61)
    assert n("getsockopt", client, const.SOL_SOCKET, const.SO_ERROR) == SockoptInteger(0)


def test_destinations(n: Kit) -> None:
    client, server = n.udp(), n.udp(5353)
    assert fails(n, "sendto", client, b"x", None, lo(0)) == "EADDRNOTAVAIL"
    assert fails(n, "sendto", client, b"x", None, SockaddrIn(bytes([10, 0, 0, 1]), 5)) == "ENETUNREACH"
    assert fails(n, "connect", client, SockaddrIn(bytes([10, 0, 0, 1]), 5)) == "ENETUNREACH"
    broadcast = SockaddrIn(b"\xff" * 4, 5)
    assert fails(n, "sendto", client, b"x", None, broadcast) == "EACCES"
    n.option(client, const.SO_BROADCAST, 1)
    assert fails(n, "sendto", client, b"x", None, broadcast) == "ENETUNREACH"
    n("sendto", client, b"to ourselves", None, SockaddrIn(ANY, 5353))
    assert n("recvfrom", server, 100, None).data == b"to ourselves"
    n("sendto", client, b"not ours", None, SockaddrIn(bytes([127, 9, 9, 9]), 5353))
    assert n.inet.ip.stats["packets not forwardable"] == 1


def test_shutdown_and_close(n: Kit) -> None:
    client = n.udp()
    assert fails(n, "shutdown", client, const.SHUT_WR) == "ENOTCONN"
    n("connect", client, lo(9))
    read = waits(n("read", client, 1))
    n("shutdown", client, const.SHUT_RDWR)
    assert read.outcome.result() == b""
    assert fails(n, "write", client, b"x") == "EPIPE"
    n("close", client)
    assert not n.inet.udp.pcbs.by_port


def test_options_of_ip(n: Kit) -> None:
    s = n.udp()
    assert n("getsockopt", s, const.IPPROTO_IP, const.IP_TTL) == SockoptInteger(64)
    n("setsockopt", s, const.IPPROTO_IP, const.IP_TTL, SockoptInteger(3))
    n("setsockopt", s, const.IPPROTO_IP, const.IP_TOS, SockoptInteger(0x10))
    assert n("getsockopt", s, const.IPPROTO_IP, const.IP_TTL) == SockoptInteger(3)
    assert n("getsockopt", s, const.IPPROTO_IP, const.IP_TOS) == SockoptInteger(0x10)
    for bad in (0, 256, -1):
        assert fails(n, "setsockopt", s, const.IPPROTO_IP, const.IP_TTL, SockoptInteger(bad)) == "EINVAL"
    assert fails(n, "setsockopt", s, const.IPPROTO_IP, 99, SockoptInteger(1)) == "ENOPROTOOPT"
    assert fails(n, "getsockopt", s, 41, 1) == "ENOPROTOOPT"


def test_what_there_is(n: Kit) -> None:
    for kind, protocol, errno in [
        (const.SOCK_STREAM, 17, "EPROTOTYPE"),
        (const.SOCK_DGRAM, 6, "EPROTOTYPE"),
        (const.SOCK_SEQPACKET, 0, "EPROTONOSUPPORT"),
        (const.SOCK_RAW, 256, "EPROTONOSUPPORT"),
    ]:
        assert fails(n, "socket", const.AF_INET, kind, protocol) == errno
    assert fails(n.user, "socket", const.AF_INET, const.SOCK_RAW, 1) == "EPERM"

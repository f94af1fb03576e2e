"""Interfaces, options, sysctl and modules."""

from __future__ import annotations

import pytest

from rumpnet.core.iface import IPV4, Iface
from rumpnet.core.packet import Packet
from rumpwire import const
from rumpwire.values import (
    InterfaceAddress,
    Linger,
    SockaddrIn,
    SockaddrIn6,
    SockoptInteger,
    SockoptRaw,
    SysctlValueInteger,
    SysctlValueText,
    Timespec,
)
from tests.unit.net.kit import LOCALHOST, Kit, fails, lo

SOL = const.SOL_SOCKET


@pytest.fixture
def n() -> Kit:
    return Kit()


# -- interfaces


def test_lo0(n: Kit) -> None:
    (lo0,) = n("netconfig_ifaddrs", None)
    assert n("netconfig_ifaddrs", "lo0") == [lo0]
    assert lo0.flags == const.IFF_UP | const.IFF_RUNNING | const.IFF_LOOPBACK | const.IFF_MULTICAST
    assert (lo0.name, lo0.ifindex, lo0.mtu, lo0.lladdr) == ("lo0", 1, 33624, b"")
    assert lo0.addresses == [
        InterfaceAddress(SockaddrIn(LOCALHOST), 8),
        InterfaceAddress(SockaddrIn6(bytes(15) + b"\1"), 128),
        InterfaceAddress(SockaddrIn6(b"\xfe\x80" + bytes(13) + b"\1", 0, 0, 1), 64),
    ]


def test_more_loopback_interfaces(n: Kit) -> None:
    n("netconfig_ifcreate", "lo1")
    assert not n("netconfig_ifaddrs", "lo1")[0].flags & const.IFF_UP
    n("netconfig_ipv4_ifaddr", "lo1", "10.1.2.3", "255.255.255.0")
    server, client = n("socket", const.AF_INET, const.SOCK_DGRAM, 0), n.udp()
    n("bind", server, SockaddrIn(bytes([10, 1, 2, 3]), 7))
    n("sendto", client, b"x", None, SockaddrIn(bytes([10, 1, 2, 3]), 7))
    assert n("recvfrom", server, 5, None).from_addr.sin_addr == bytes([10, 1, 2, 3])
    n("netconfig_ifdestroy", "lo1")
    assert fails(n, "sendto", client, b"x", None, SockaddrIn(bytes([10, 1, 2, 3]), 7)) == "ENETUNREACH"


def test_refusals_of_netconfig(n: Kit) -> None:
    assert fails(n, "netconfig_ifaddrs", "nope0") == "ENXIO"
    for call in ("ifup", "ifdown", "ifdestroy"):
        assert fails(n, f"netconfig_{call}", "nope0") == "ENXIO"
    for name in ("nope0", "lo", "", "lo01", "lo999999", "0", "lo-1", "x" * 1000):
        assert fails(n, "netconfig_ifcreate", name) == "EINVAL"
    assert fails(n, "netconfig_ifcreate", "lo0") == "EEXIST"
    assert fails(n, "netconfig_ifdestroy", "lo0") == "EPERM"
    none = ("", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", "0x7f.0.0.1", "1.2.3.-4", "\u0661.2.3.4")
    for addr in (*none, "224.0.0.1", "0.0.0.0"):
        assert fails(n, "netconfig_ipv4_ifaddr_cidr", "lo0", addr, 8) == "EINVAL"
    assert fails(n, "netconfig_ipv4_ifaddr_cidr", "lo0", "10.0.0.1", 33) == "EINVAL"
    assert fails(n, "netconfig_ipv4_ifaddr", "lo0", "10.0.0.1", "255.0.255.0") == "EINVAL"
    roots = (("ifup", "lo0"), ("ifdown", "lo0"), ("ifcreate", "lo1"), ("ipv4_ifaddr_cidr", "lo0", "1.2.3.4", 8))
    for call, *args in roots:
        assert fails(n.user, f"netconfig_{call}", *args) == "EPERM"
    assert fails(n, "netconfig_bradd", "bridge0", "lo0") == "ENXIO"


def test_the_longest_prefix_wins(n: Kit) -> None:
    n("netconfig_ipv4_ifaddr_cidr", "lo0", "10.0.0.1", 8)
    n("netconfig_ipv4_ifaddr_cidr", "lo0", "10.1.0.1", 16)
    s = n.udp()
    n("connect", s, SockaddrIn(bytes([10, 1, 9, 9]), 5))
    assert n("getsockname", s).sin_addr == bytes([10, 1, 0, 1])
    n("netconfig_ipv4_ifaddr_cidr", "lo0", "10.1.0.1", 24)
    assert [a.prefixlen for a in n("netconfig_ifaddrs", "lo0")[0].addresses if isinstance(a.addr, SockaddrIn)] == [
        8,
        8,
        24,
    ]


# -- options of sockets


@pytest.mark.parametrize("name", ["REUSEADDR", "KEEPALIVE", "BROADCAST", "REUSEPORT", "DONTROUTE", "DEBUG"])
def test_switches(n: Kit, name: str) -> None:
    s, option = n.udp(), getattr(const, f"SO_{name}")
    assert n("getsockopt", s, SOL, option) == SockoptInteger(0)
    n.option(s, option, 1)
    assert n("getsockopt", s, SOL, option) == SockoptInteger(option)
    n("setsockopt", s, SOL, option, SockoptRaw(bytes(4)))
    assert n("getsockopt", s, SOL, option) == SockoptInteger(0)


def test_values(n: Kit) -> None:
    s = n.local(path=b"/s")
    assert n("getsockopt", s, SOL, const.SO_TYPE) == SockoptInteger(const.SOCK_STREAM)
    assert n("getsockopt", s, SOL, const.SO_ACCEPTCONN) == SockoptInteger(0)
    n("listen", s, 1)
    assert n("getsockopt", s, SOL, const.SO_ACCEPTCONN) == SockoptInteger(const.SO_ACCEPTCONN)
    n("setsockopt", s, SOL, const.SO_LINGER, Linger(1, 5))
    assert n("getsockopt", s, SOL, const.SO_LINGER) == Linger(1, 5)
    n("setsockopt", s, SOL, const.SO_RCVTIMEO, Timespec(1, 5))
    assert n("getsockopt", s, SOL, const.SO_RCVTIMEO) == Timespec(1, 5)
    assert n("getsockopt", s, SOL, const.SO_SNDTIMEO) == Timespec(0, 0)
    n.option(s, const.SO_SNDBUF, 1000)
    n.option(s, const.SO_RCVBUF, 2000)
    assert n("getsockopt", s, SOL, const.SO_SNDBUF) == SockoptInteger(1000)
    assert n("getsockopt", s, SOL, const.SO_RCVBUF) == SockoptInteger(2000)


def test_small_buffers_still_move_data(n: Kit) -> None:
    one, two = n.pair()
    for s in (one, two):
        n.option(s, const.SO_SNDBUF, 1)
        n.option(s, const.SO_RCVBUF, 1)
    write = n("write", one, b"abc")
    assert [bytes(n("read", two, 10)) for _ in range(3)] == [b"a", b"b", b"c"]
    assert write.outcome.result() == 3


@pytest.mark.parametrize(
    ("name", "value", "errno"),
    [
        (const.SO_TYPE, SockoptInteger(1), "ENOPROTOOPT"),
        (const.SO_ERROR, SockoptInteger(1), "ENOPROTOOPT"),
        (const.SO_ACCEPTCONN, SockoptInteger(1), "ENOPROTOOPT"),
        (0x7777, SockoptInteger(1), "ENOPROTOOPT"),
        (const.SO_REUSEADDR, None, "EINVAL"),
        (const.SO_REUSEADDR, SockoptRaw(b"abc"), "EINVAL"),
        (const.SO_LINGER, SockoptInteger(1), "EINVAL"),
        (const.SO_LINGER, Linger(1, -1), "EINVAL"),
        (const.SO_SNDBUF, SockoptInteger(0), "EINVAL"),
        (const.SO_RCVBUF, SockoptInteger(1 << 40), "ENOBUFS"),
        (const.SO_RCVTIMEO, SockoptInteger(1), "EINVAL"),
        (const.SO_RCVTIMEO, Timespec(-1, 0), "EDOM"),
        (const.SO_RCVTIMEO, Timespec(1 << 40, 0), "EDOM"),
        (const.SO_RCVTIMEO, Timespec(0, 10**9), "EDOM"),
    ],
)
def test_values_that_are_none(n: Kit, name: int, value: object, errno: str) -> None:
    assert fails(n, "setsockopt", n.udp(), SOL, name, value) == errno


def test_unknown_options(n: Kit) -> None:
    assert fails(n, "getsockopt", n.udp(), SOL, 0x7777) == "ENOPROTOOPT"
    assert fails(n, "getsockopt", n.local(), 0, 99) == "ENOPROTOOPT"


# -- sysctl


def test_nodes_have_the_original_numbers(n: Kit) -> None:
    numbers = {node.path: list(node.number) for node in n("sysctl_export")}
    assert numbers["net.inet.ip.forwarding"] == [4, 2, 0, 1]
    assert numbers["net.inet.ip.ttl"] == [4, 2, 0, 3]
    assert numbers["net.inet.udp.checksum"] == [4, 2, 17, 1]
    assert numbers["net.inet.udp.recvspace"] == [4, 2, 17, 3]
    assert numbers["net.local.stream.sendspace"][:3] == [4, 1, 1]
    assert len({tuple(number) for number in numbers.values()}) == len(numbers)
    types = {node.path: node.type for node in n("sysctl_export")}
    kinds = {const.CTLTYPE_STRING: SysctlValueText, const.CTLTYPE_INT: SysctlValueInteger}
    for path, kind in types.items():
        value = n("sysctl_value", path, None)
        assert isinstance(value, kinds[kind]) if kind in kinds else type(value) not in kinds.values(), path


def test_setting_nodes(n: Kit) -> None:
    assert n("sysctl_value", "net.inet.ip.ttl", SysctlValueInteger(9)) == SysctlValueInteger(64)
    assert n("getsockopt", n.udp(), const.IPPROTO_IP, const.IP_TTL) == SockoptInteger(9)
    for bad in (0, 256):
        assert fails(n, "sysctl_value", "net.inet.ip.ttl", SysctlValueInteger(bad)) == "EINVAL"
    assert fails(n, "sysctl_value", "net.inet.ip.ttl", SysctlValueText("x")) == "EINVAL"
    assert fails(n, "sysctl_value", "net.inet.ip.ifq.len", SysctlValueInteger(1)) == "EPERM"
    assert fails(n, "sysctl_value", "net.nope", None) == "ENOENT"
    n("sysctl_value", "net.local.stream.sendspace", SysctlValueInteger(100))
    assert n("getsockopt", n.local(), SOL, const.SO_SNDBUF) == SockoptInteger(100)


@pytest.mark.parametrize(("knob", "summed"), [(None, True), ("checksum", False), ("do_loopback_cksum", False)])
def test_checksums_can_be_left_out(n: Kit, knob: str | None, *, summed: bool) -> None:
    if knob:
        n("sysctl_value", f"net.inet.udp.{knob}", SysctlValueInteger(0))
    seen: list[bytes] = []

    def deliver(iface: Iface, packet: Packet) -> None:
        seen.append(bytes(packet.view()))
        n.inet.ip.input(iface, packet)

    n.inet.ip.queue.protocols[IPV4] = deliver
    server, client = n.udp(5353), n.udp()
    n("sendto", client, b"x", None, lo(5353))
    assert (seen[0][26:28] != bytes(2)) == summed
    assert n("recvfrom", server, 5, None).data == b"x"


# -- modules


@pytest.mark.parametrize(
    ("name", "family", "kind"),
    [("local", const.AF_LOCAL, const.SOCK_STREAM), ("netinet6", const.AF_INET6, const.SOCK_DGRAM)],
)
def test_domains_come_and_go(n: Kit, name: str, family: int, kind: int) -> None:
    assert [m.name for m in n("module_list")] == ["local", "netinet", "netinet6", "npf"]
    assert fails(n, "module_load", name, {}) == "EEXIST"
    s = n("socket", family, kind, 0)
    assert fails(n, "module_unload", name) == "EBUSY"
    n("close", s)
    nodes = len(n("sysctl_export"))
    n("module_unload", name)
    assert fails(n, "socket", family, kind, 0) == "EAFNOSUPPORT"
    assert len(n("sysctl_export")) < nodes
    n("module_load", name, {})
    n("socket", family, kind, 0)
    assert len(n("sysctl_export")) == nodes


def test_without_netinet_there_are_no_interfaces(n: Kit) -> None:
    n("module_unload", "netinet6")
    n("module_unload", "netinet")
    assert fails(n, "netconfig_ifaddrs", None) == "EAFNOSUPPORT"
    assert fails(n, "netconfig_ifup", "lo0") == "EAFNOSUPPORT"


def test_stopping_ends_what_waits(n: Kit) -> None:
    one, _ = n.pair()
    read = n("read", one, 1)
    n.component.stop()
    assert read.outcome.done
    assert fails(n, "read", one, 1) == "EBADF"

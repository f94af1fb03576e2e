"""IPv6 among several kernels: addresses and their duplicates, neighbours, routers, errors, groups, sockets."""

from __future__ import annotations

import socket
import struct

import pytest

from rumpnet.core.iface import DEPRECATED, DETACHED, DUPLICATED, TENTATIVE
from rumpnet.core.inet6domain import Inet6Domain
from rumpnet.core.neighbour import State
from rumpnet.core.wire import ethernet, icmp6, ipv6, udp
from rumpnet.core.zone import link_local, with_zone
from rumpwire import const
from rumpwire.values import (
    Cmsg,
    Ifaliasreq,
    Ifreq,
    Mreq,
    Msghdr,
    Nbrinfo,
    Ndireq,
    SockaddrIn,
    SockaddrIn6,
    SockoptInteger,
    SockoptRaw,
)
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Port, Wire
from tests.unit.net.test_inet import eth

IP6 = const.IPPROTO_IPV6
GROUP = socket.inet_pton(socket.AF_INET6, "ff05::1234")


def a6(text: str, machine: Machine | None = None) -> bytes:
    addr = socket.inet_pton(socket.AF_INET6, text)
    return with_zone(addr, eth(machine).index) if machine is not None else addr


ONE, TWO, NINE = a6("fd00::1"), a6("fd00::2"), a6("fd00::9")


@pytest.fixture
def lab() -> Lab:
    return Lab()


def inet6(machine: Machine) -> Inet6Domain:
    domain = machine.net.domains[const.AF_INET6]
    assert isinstance(domain, Inet6Domain)
    return domain


def two(lab: Lab) -> tuple[Machine, Machine, Wire]:
    """fd00::1 and fd00::2 on one wire, their addresses found to be their own."""
    one, other, wire = lab.machine(), lab.machine(), Wire()
    one.plug(wire, "fd00::1/64")
    other.plug(wire, "fd00::2/64")
    lab.host.advance(5)
    wire.frames.clear()
    return one, other, wire


def packets(wire: Wire) -> list[ipv6.Packet]:
    frames = [ethernet.Packet(frame) for frame in wire.frames]
    return [ipv6.Packet(f.payload) for f in frames if f.type == 0x86DD]


def messages(wire: Wire, kind: int) -> list[ipv6.Packet]:
    return [p for p in packets(wire) if p.protocol == 58 and p.payload[0] == kind]


def ping6(machine: Machine, dst: bytes, size: int = 56, zone: int = 0) -> int:
    s: int = machine("socket", const.AF_INET6, const.SOCK_RAW, 58)
    machine.nonblocking(s)
    passed = bytearray(32)
    passed[icmp6.ECHO_REPLY >> 3] = 1 << (icmp6.ECHO_REPLY & 7)
    machine("setsockopt", s, const.IPPROTO_ICMPV6, const.ICMP6_FILTER, SockoptRaw(bytes(passed)))
    message = bytes([icmp6.ECHO, 0, 0, 0, 0, 1, 0, 1]) + bytes(size)
    machine("sendto", s, message, None, SockaddrIn6(dst, 0, 0, zone))
    return s


def answered(machine: Machine, s: int) -> int:
    return len(machine("recvfrom", s, 70_000, None).data) - 8


def udp6(machine: Machine, port: int = 0) -> int:
    s: int = machine("socket", const.AF_INET6, const.SOCK_DGRAM, 0)
    machine.nonblocking(s)
    if port:
        machine("bind", s, SockaddrIn6(bytes(16), port))
    return s


def inject(wire: Wire, to: Port, packet: bytes, lladdr: bytes = b"") -> None:
    wire.inject(ethernet.Ethernet(lladdr or to.lladdr, b"\2\0\0\0\0\x09", 0x86DD).emit() + packet)


def icmp(src: bytes, dst: bytes, kind: int, rest: int = 0, payload: bytes = b"", hops: int = 255) -> bytes:
    pseudo = sum(struct.unpack("!16H", src + dst)) + 58 + 8 + len(payload)
    message = icmp6.Icmp6(kind, 0, rest, payload).emit(pseudo)
    return ipv6.emit(src, dst, 58, len(message), hops) + message


# -- echo, fragments


@pytest.mark.parametrize("size", [0, 56, 1452, 1453, 9000, 65527])
def test_ping(lab: Lab, size: int) -> None:
    one, _, wire = two(lab)
    s = ping6(one, TWO, size)
    assert answered(one, s) == size
    assert max(map(len, wire.frames)) <= 1514


def test_loopback_and_link_local(lab: Lab) -> None:
    one, other, _ = two(lab)
    assert answered(one, ping6(one, a6("::1"))) == 56
    local = next(a.addr for a in eth(other).ipv6() if link_local(a.addr))
    bare = local[:2] + b"\0\0" + local[4:]
    assert answered(one, ping6(one, bare, zone=eth(one).index)) == 56
    own = next(a.addr for a in eth(one).ipv6() if link_local(a.addr))
    assert answered(one, ping6(one, own[:2] + b"\0\0" + own[4:], zone=eth(one).index)) == 56
    assert fails(one, "sendto", udp6(one), b"x", None, SockaddrIn6(bare, 5)) == "EHOSTUNREACH"


def test_without_a_link_local_address_neighbours_are_asked_from_a_global_one() -> None:
    """RFC 6724, 4: ::1 never leaves, and is of no use to those on the link."""
    lab, wire = Lab(linklocal=False), Wire()
    one, other = lab.machine(), lab.machine()
    one.plug(wire, "fd00::1/64")
    other.plug(wire, "fd00::2/64")
    lab.host.advance(5)
    assert answered(one, ping6(one, a6("fd00::2"))) == 56


def test_overlapping_fragments_are_dropped(lab: Lab) -> None:
    _, other, wire = two(lab)
    echo = icmp(ONE, TWO, icmp6.ECHO, payload=bytes(40))[40:]
    for begin, more in ((0, 1), (8, 1), (24, 0)):
        part = echo[begin : begin + 16]
        head = ipv6.FRAGMENT_HEADER.pack(58, 0, begin | more, 7)
        inject(wire, eth(other), ipv6.emit(ONE, TWO, 44, 8 + len(part), 64) + head + part)
    assert not messages(wire, icmp6.ECHO_REPLY)
    assert len(inet6(other).ip6.reassembly) == 1
    lab.host.advance(61)
    assert len(inet6(other).ip6.reassembly) == 0


@pytest.mark.parametrize(
    ("chain", "code", "pointer"),
    [
        (bytes([58, 0, 0, 1]) + bytes(4), ipv6.BAD_FIELD, 42),  # routing header of type 0
        (bytes([58, 0, 0x80, 0]) + bytes(4), ipv6.BAD_OPTION, 42),
        (bytes([58, 0, 0x40, 0]) + bytes(4), None, 0),
        (bytes([58, 0, 1, 4]) + bytes(4), -1, 0),
    ],
    ids=["routing", "unknown option that tells", "unknown option that does not", "padding"],
)
def test_extension_headers(lab: Lab, chain: bytes, code: int | None, pointer: int) -> None:
    _, other, wire = two(lab)
    kind = ipv6.ROUTING if code == ipv6.BAD_FIELD else ipv6.DESTINATION
    echo = icmp(ONE, TWO, icmp6.ECHO)[40:]
    inject(wire, eth(other), ipv6.emit(ONE, TWO, kind, len(chain + echo), 64) + chain + echo)
    lab.host.advance(1)
    problems = [(p.payload[1], int.from_bytes(p.payload[4:8], "big")) for p in messages(wire, icmp6.PARAMETER_PROBLEM)]
    assert problems == ([(code, pointer)] if code is not None and code >= 0 else [])
    assert bool(messages(wire, icmp6.ECHO_REPLY)) == (code == -1)


def test_unknown_protocols_are_told_of(lab: Lab) -> None:
    _, other, wire = two(lab)
    inject(wire, eth(other), ipv6.emit(ONE, TWO, 99, 8, 64) + bytes(8))
    (problem,) = messages(wire, icmp6.PARAMETER_PROBLEM)
    assert (problem.payload[1], problem.payload[7]) == (ipv6.BAD_NEXT_HEADER, 6)
    inject(wire, eth(other), ipv6.emit(ONE, TWO, ipv6.NO_NEXT, 0, 64))
    assert len(messages(wire, icmp6.PARAMETER_PROBLEM)) == 1


# -- duplicates


def test_new_addresses_are_tentative(lab: Lab) -> None:
    one, wire = lab.machine(), Wire()
    port = one.plug(wire, "fd00::1/64")
    assert all(a.flags & TENTATIVE for a in port.ipv6())
    assert {p.src for p in messages(wire, icmp6.NEIGHBOUR_SOLICIT)} == {bytes(16)}
    assert fails(one, "bind", udp6(one), SockaddrIn6(ONE, 5)) == "EADDRNOTAVAIL"
    lab.host.advance(2)
    assert not any(a.flags & TENTATIVE for a in port.ipv6())
    assert [link_local(a.addr) for a in port.ipv6()] == [True, False]
    one("netconfig_ifdown", "eth0")
    one("netconfig_ifup", "eth0")
    one("bind", udp6(one), SockaddrIn6(ONE, 5))


def test_addresses_on_a_link_without_carrier(lab: Lab) -> None:
    one, _, _ = two(lab)
    eth(one).set_link(False)
    assert all(a.flags & DETACHED for a in eth(one).ipv6())
    eth(one).set_link(True)
    assert all(a.flags & TENTATIVE for a in eth(one).ipv6())
    lab.host.advance(2)
    assert not any(a.flags for a in eth(one).ipv6())


def test_what_comes_up_has_a_link_local_address(lab: Lab) -> None:
    """It is looked for duplicates, and is there once, however often the interface comes up."""
    one, wire = lab.machine(), Wire()
    port = one.plug(wire)
    (address,) = port.ipv6()
    assert address.addr == with_zone(b"\xfe\x80" + bytes(6) + eui64(port.lladdr), port.index)
    assert address.flags & TENTATIVE
    lab.host.advance(2)
    assert not address.flags & TENTATIVE
    one("netconfig_ifdown", "eth0")
    one("netconfig_ifup", "eth0")
    assert [a.addr for a in port.ipv6()] == [address.addr]


def eui64(mac: bytes) -> bytes:
    return bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def test_duplicates_of_link_local_addresses_are_found(lab: Lab) -> None:
    one, other, wire = lab.machine(), lab.machine(), Wire()
    first = one.plug(wire)
    lab.host.advance(2)
    other("netconfig_ifcreate", "eth0")
    second = eth(other)
    assert isinstance(second, Port)
    second.plug(wire)
    second.lladdr = first.lladdr
    other("netconfig_ifup", "eth0")
    lab.host.advance(2)
    assert [a.flags for a in (*first.ipv6(), *second.ipv6())] == [0, DUPLICATED]


def test_link_local_addresses_only_where_they_are_wanted() -> None:
    lab = Lab(linklocal=False)
    one, wire = lab.machine(), Wire()
    assert not one.plug(wire).ipv6()
    one = Lab().machine()
    one("netconfig_ifcreate", "bridge0")
    one("netconfig_ifup", "bridge0")
    assert not one.net.interfaces.get("bridge0").ipv6()
    one("netconfig_ifcreate", "eth7")
    s = one("socket", const.AF_INET6, const.SOCK_DGRAM, 0)
    one("ioctl", s, const.SIOCSIFINFO_FLAGS, Ndireq("eth7", flags=0))
    one("netconfig_ifup", "eth7")
    assert not one.net.interfaces.get("eth7").ipv6()


def test_duplicates_are_found(lab: Lab) -> None:
    _, _, wire = two(lab)
    three = lab.machine()
    port = three.plug(wire, "fd00::1/64")
    lab.host.advance(3)
    flags = {a.addr: a.flags for a in port.ipv6()}
    assert flags[ONE] == DUPLICATED
    assert fails(three, "bind", udp6(three), SockaddrIn6(ONE, 5)) == "EADDRNOTAVAIL"
    four = lab.machine()
    five = lab.machine()
    both = [m.plug(wire, "fd00::7/64") for m in (four, five)]
    lab.host.advance(3)
    assert [a.flags for p in both for a in p.ipv6() if not link_local(a.addr)] == [DUPLICATED, 0]


# -- neighbours


def test_states_of_neighbours(lab: Lab) -> None:
    one, other, wire = two(lab)
    answered(one, ping6(one, TWO))
    entry = eth(one).neighbours.entries[TWO]
    assert entry.state is State.REACHABLE
    lab.host.advance(31)
    assert entry.state is State.STALE
    answered(one, ping6(one, TWO))
    assert entry.state is State.DELAY
    lab.host.advance(6)
    assert entry.state is State.REACHABLE
    wire.lose = lambda frame: True
    lab.host.advance(31)
    ping6(one, TWO)
    lab.host.advance(6)
    assert entry.state is State.PROBE
    lab.host.advance(4)
    assert TWO not in eth(one).neighbours.entries
    wire.lose = lambda frame: False
    assert answered(one, ping6(one, TWO)) == 56
    assert eth(other).neighbours.entries[ONE].lladdr == eth(one).lladdr


def test_who_waits_in_vain_is_told(lab: Lab) -> None:
    one, _, wire = two(lab)
    s = udp6(one)
    one("connect", s, SockaddrIn6(NINE, 7))
    one("write", s, b"x")
    lab.host.advance(4)
    assert len(messages(wire, icmp6.NEIGHBOUR_SOLICIT)) == 3
    assert fails(one, "write", s, b"x") == "EHOSTUNREACH"


def test_neighbours_are_bounded(lab: Lab) -> None:
    one, _, _ = two(lab)
    inet6(one).nd.gcthresh.put(3)
    for last in range(10, 20):
        one("sendto", udp6(one), b"x", None, SockaddrIn6(ONE[:15] + bytes([last]), 5))
    assert [entry.addr[15] for entry in eth(one).neighbours] == [17, 18, 19]


def test_old_addresses_are_not_sent_from(lab: Lab) -> None:
    one, _, _ = two(lab)
    one(
        "ioctl",
        udp6(one),
        const.SIOCAIFADDR_IN6,
        Ifaliasreq("eth0", SockaddrIn6(a6("fd00::5")), 64, ifra_pltime=1, ifra_vltime=99),
    )
    one("netconfig_ifaddrdel", "eth0", "fd00::1")
    lab.host.advance(2)
    layer = one.net.layers[16]
    assert layer.source_for(TWO) == a6("fd00::5")
    inet6(one).ip6.use_deprecated.put(0)
    assert link_local(layer.source_for(TWO))


def test_link_addresses_that_change(lab: Lab) -> None:
    one, other, _ = two(lab)
    answered(one, ping6(one, TWO))
    eth(other).set_lladdr(b"\2\0\0\0\0\x77")
    assert eth(one).neighbours.entries[TWO].lladdr == b"\2\0\0\0\0\x77"
    assert answered(one, ping6(one, TWO)) == 56


def test_what_does_not_come_from_neighbours_is_dropped(lab: Lab) -> None:
    one, _, wire = two(lab)
    before = len(eth(one).neighbours)
    link = icmp6.link_option(icmp6.SOURCE_LINK, b"\2\0\0\0\0\x09")
    for packet in (
        icmp(NINE, ONE, icmp6.NEIGHBOUR_SOLICIT, 0, ONE + link, hops=64),
        icmp(NINE, ONE, icmp6.NEIGHBOUR_SOLICIT, 0, ONE + b"\1\0" + bytes(6)),
        icmp(NINE, ONE, icmp6.NEIGHBOUR_SOLICIT, 0, a6("ff02::1") + link),
        icmp(NINE, ONE, icmp6.NEIGHBOUR_SOLICIT, 0, ONE[:8]),
        icmp(NINE, ONE, icmp6.NEIGHBOUR_ADVERT, icmp6.SOLICITED, NINE + link),
        icmp(a6("2001:db8::1"), ONE, icmp6.NEIGHBOUR_SOLICIT, 0, ONE + link),
    ):
        inject(wire, eth(one), packet)
    assert len(eth(one).neighbours) == before
    inject(wire, eth(one), icmp(NINE, ONE, icmp6.NEIGHBOUR_SOLICIT, 0, ONE + link))
    assert len(eth(one).neighbours) == before + 1


# -- groups


def test_groups(lab: Lab) -> None:
    one, other, wire = two(lab)
    server, client = udp6(other, 5353), udp6(one)
    other("setsockopt", server, IP6, const.IPV6_JOIN_GROUP, Mreq(GROUP, b"", eth(other).index))
    reports = messages(wire, icmp6.LISTENER_REPORT2) or [p for p in packets(wire) if p.next_header == 0]
    assert reports
    one("setsockopt", client, IP6, const.IPV6_MULTICAST_IF, SockoptInteger(eth(one).index))
    one("sendto", client, b"all", None, SockaddrIn6(GROUP, 5353))
    data, sender = other("recvfrom", server, 100, None)
    assert (data, sender.sin6_addr) == (b"all", ONE)
    assert ethernet.Packet(wire.frames[-1]).dst == b"\x33\x33\0\0\x12\x34"
    raw = SockoptRaw(GROUP + eth(other).index.to_bytes(4, "little"))
    other("setsockopt", server, IP6, const.IPV6_LEAVE_GROUP, raw)
    one("sendto", client, b"all", None, SockaddrIn6(GROUP, 5353))
    assert fails(other, "recvfrom", server, 100, None) == "EAGAIN"
    assert answered(one, ping6(one, a6("ff02::1"), zone=eth(one).index)) == 56


# -- sockets


def test_udp(lab: Lab) -> None:
    one, other, wire = two(lab)
    server, client = udp6(other, 53), udp6(one)
    for size in (0, 1, 1452, 9000):
        one("sendto", client, bytes(size), None, SockaddrIn6(TWO, 53))
        data, sender = other("recvfrom", server, 70_000, None)
        assert (len(data), sender.sin6_addr, sender.sin6_scope_id) == (size, ONE, 0)
    first = next(p for p in packets(wire) if p.protocol == 17)
    udp.Packet(first.payload).check(ONE, TWO)
    one("connect", client, SockaddrIn6(TWO, 9))
    one("write", client, b"x")
    assert fails(one, "write", client, b"x") == "ECONNREFUSED"
    inject(wire, eth(other), ipv6.emit(ONE, TWO, 17, 9, 64) + udp.HEADER.pack(1, 53, 9, 0) + b"x")
    assert fails(other, "recvfrom", server, 10, None) == "EAGAIN"


def test_one_socket_for_both_families(lab: Lab) -> None:
    one = lab.machine()
    client = one.udp()
    only, dual = udp6(one), udp6(one)
    assert one("getsockopt", only, IP6, const.IPV6_V6ONLY) == SockoptInteger(1)
    one("setsockopt", dual, IP6, const.IPV6_V6ONLY, SockoptInteger(0))
    one("bind", only, SockaddrIn6(bytes(16), 53))
    one("sendto", client, b"x", None, SockaddrIn(b"\x7f\0\0\1", 53))
    assert fails(one, "recvfrom", only, 10, None) == "EAGAIN"
    mapped = bytes(10) + b"\xff\xff\x7f\0\0\1"
    assert fails(one, "sendto", only, b"x", None, SockaddrIn6(mapped, 53)) == "EADDRNOTAVAIL"
    one("bind", dual, SockaddrIn6(bytes(16), 54))
    one("sendto", client, b"x", None, SockaddrIn(b"\x7f\0\0\1", 54))
    data, sender = one("recvfrom", dual, 10, None)
    assert (data, sender.sin6_addr) == (b"x", mapped)
    one("sendto", dual, b"back", None, sender)
    assert one("recvfrom", client, 10, None) == (b"back", SockaddrIn(b"\x7f\0\0\1", 54))
    assert fails(one, "setsockopt", dual, IP6, const.IPV6_V6ONLY, SockoptInteger(1)) == "EINVAL"
    assert fails(one, "bind", one.udp(), SockaddrIn(bytes(4), 54)) == "EADDRINUSE"
    one("bind", one.udp(), SockaddrIn(bytes(4), 53))


def test_receivers_are_told_of_packets(lab: Lab) -> None:
    one, other, _ = two(lab)
    server, client = udp6(other, 53), udp6(one)
    for name in (const.IPV6_RECVPKTINFO, const.IPV6_RECVHOPLIMIT, const.IPV6_RECVTCLASS):
        other("setsockopt", server, IP6, name, SockoptInteger(1))
    control = [
        Cmsg(IP6, const.IPV6_HOPLIMIT, struct.pack("<i", 7), []),
        Cmsg(IP6, const.IPV6_TCLASS, struct.pack("<i", 9), []),
    ]
    one("sendmsg", client, Msghdr(SockaddrIn6(TWO, 53), b"x", control, 0), 0)
    told = {c.cmsg_type: bytes(c.data) for c in other("recvmsg", server, 100, 500, 0).control}
    assert told == {
        const.IPV6_PKTINFO: TWO + struct.pack("<I", eth(other).index),
        const.IPV6_HOPLIMIT: struct.pack("<i", 7),
        const.IPV6_TCLASS: struct.pack("<i", 9),
    }
    wrong = [Cmsg(IP6, const.IPV6_PKTINFO, NINE + bytes(4), [])]
    assert fails(one, "sendmsg", client, Msghdr(SockaddrIn6(TWO, 53), b"x", wrong, 0), 0) == "EADDRNOTAVAIL"


def test_extension_headers_of_programs(lab: Lab) -> None:
    one, other, wire = two(lab)
    server, client = udp6(other, 53), udp6(one)
    other("setsockopt", server, IP6, const.IPV6_RECVDSTOPTS, SockoptInteger(1))
    header = bytes([0, 0, 0x1E, 4]) + b"opts"
    one("setsockopt", client, IP6, const.IPV6_DSTOPTS, SockoptRaw(header))
    assert one("getsockopt", client, IP6, const.IPV6_DSTOPTS) == SockoptRaw(header)
    for size in (5, 4000):
        one("sendto", client, bytes(size), None, SockaddrIn6(TWO, 53))
        message = other("recvmsg", server, 9000, 500, 0)
        assert len(message.data) == size
        (told,) = message.control
        assert (told.cmsg_type, bytes(told.data[1:])) == (const.IPV6_DSTOPTS, header[1:])
    for bad in (header[:7], header + bytes(8), bytes(4)):
        assert fails(one, "setsockopt", client, IP6, const.IPV6_DSTOPTS, SockoptRaw(bad)) == "EINVAL"
    assert fails(one, "setsockopt", client, IP6, const.IPV6_HOPOPTS, SockoptRaw(header)) == "EPERM"
    raw = one("socket", const.AF_INET6, const.SOCK_RAW, 89)
    control = [Cmsg(IP6, const.IPV6_HOPOPTS, header, [])]
    wire.frames.clear()
    one("sendmsg", raw, Msghdr(SockaddrIn6(TWO), b"x", control, 0), 0)
    assert packets(wire)[0].next_header == ipv6.HOP_BY_HOP


def test_raw_sockets(lab: Lab) -> None:
    one, other, _ = two(lab)
    server = other("socket", const.AF_INET6, const.SOCK_RAW, 89)
    client = one("socket", const.AF_INET6, const.SOCK_RAW, 89)
    for s, machine in ((server, other), (client, one)):
        machine("setsockopt", s, IP6, const.IPV6_CHECKSUM, SockoptInteger(2))
        machine.nonblocking(s)
    one("sendto", client, b"ab\0\0data", None, SockaddrIn6(TWO))
    data = other("recvfrom", server, 100, None).data
    assert (data[:2], data[4:]) == (b"ab", b"data")
    one("setsockopt", client, IP6, const.IPV6_CHECKSUM, SockoptInteger(-1))
    one("sendto", client, b"ab\0\0data", None, SockaddrIn6(TWO))
    assert fails(other, "recvfrom", server, 100, None) == "EAGAIN"
    assert fails(one, "setsockopt", client, IP6, const.IPV6_CHECKSUM, SockoptInteger(3)) == "EINVAL"


def test_addresses_go_with_their_routes(lab: Lab) -> None:
    one, _, _ = two(lab)
    one("netconfig_ipv6_ifaddr", "eth0", "fd00::3", 64)
    lab.host.advance(2)
    one("netconfig_ifaddrdel", "eth0", "fd00::1")
    assert answered(one, ping6(one, TWO)) == 56
    one("netconfig_ifaddrdel", "eth0", "fd00::3")
    assert fails(one, "sendto", udp6(one), b"x", None, SockaddrIn6(TWO, 5)) == "ENETUNREACH"
    one("netconfig_ifdestroy", "eth0")
    assert {r.iface.name for r in one.net.routes} == {"lo0"}
    lab.host.advance(100)


def test_requests_of_ifconfig_and_ndp(lab: Lab) -> None:
    one, _, _ = two(lab)
    s = udp6(one)
    answered(one, ping6(one, TWO))
    found = one("ioctl", s, const.SIOCGNBRINFO_IN6, Nbrinfo("eth0", SockaddrIn6(TWO))).data
    assert (found.state, found.expire, len(found.lladdr.sdl_addr)) == (const.ND6_LLINFO_REACHABLE, 30, 6)
    one("ioctl", s, const.SIOCSNDFLUSH_IN6, Ifreq("eth0"))
    assert fails(one, "ioctl", s, const.SIOCGNBRINFO_IN6, Nbrinfo("eth0", SockaddrIn6(TWO))) == "EINVAL"
    info = one("ioctl", s, const.SIOCGIFINFO_IN6, Ndireq("eth0")).data
    assert (info.linkmtu, info.basereachable, info.retrans) == (1500, 30_000, 1000)
    assert not info.flags & const.ND6_IFF_ACCEPT_RTADV
    changed = info._replace(linkmtu=1280, retrans=500, flags=info.flags | const.ND6_IFF_ACCEPT_RTADV)
    one("ioctl", s, const.SIOCSIFINFO_IN6, changed)
    assert one("ioctl", s, const.SIOCGIFINFO_IN6, Ndireq("eth0")).data == changed
    assert fails(one, "ioctl", s, const.SIOCSIFINFO_IN6, Ndireq("eth0", 100)) == "EINVAL"
    old = Ifaliasreq("eth0", SockaddrIn6(a6("fd00::5")), 64, ifra_vltime=1000, ifra_pltime=10)
    one("ioctl", s, const.SIOCAIFADDR_IN6, old)
    lab.host.advance(11)
    shown = one("ioctl", s, const.SIOCGIFALIFETIME_IN6, old).data
    assert (shown.ifra_flags, shown.ifra_vltime) == (DEPRECATED, 989)
    lab.host.advance(1000)
    assert fails(one, "ioctl", s, const.SIOCGIFALIFETIME_IN6, old) == "EADDRNOTAVAIL"
    bad = old._replace(ifra_pltime=2000)
    assert fails(one, "ioctl", s, const.SIOCAIFADDR_IN6, bad) == "EINVAL"


def test_without_the_module(lab: Lab) -> None:
    one, _, _ = two(lab)
    assert fails(one, "module_unload", "netinet") == "EBUSY"
    one("module_unload", "netinet6")
    assert fails(one, "socket", const.AF_INET6, const.SOCK_DGRAM, 0) == "EAFNOSUPPORT"
    assert not [r for r in one.net.routes if len(r.dst) == 16]
    lab.host.advance(100)
    one("module_load", "netinet6", {})
    assert answered(one, ping6(one, a6("::1"))) == 56

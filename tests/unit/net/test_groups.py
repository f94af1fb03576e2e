"""Multicast and broadcast of IPv4: who hears what, and what routers are told."""

from __future__ import annotations

import pytest

from rumpnet.core.wire import ethernet, icmp, igmp, ipv4
from rumpwire import const
from rumpwire.values import Mreq, SockaddrIn, SockoptInteger, SockoptRaw
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab
from tests.unit.net.test_ether import ONE, TWO, answer, ping
from tests.unit.net.test_inet import GROUP, IP, NINE, packets, routed


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_groups(lab: Lab) -> None:
    one, two, wire = lab.two()
    server, client = two.udp(), one.udp()
    two("bind", server, SockaddrIn(bytes(4), 5353))
    two.nonblocking(server)
    one("setsockopt", client, IP, const.IP_MULTICAST_IF, SockoptRaw(ONE))
    one("sendto", client, b"early", None, SockaddrIn(GROUP, 5353))
    two("setsockopt", server, IP, const.IP_ADD_MEMBERSHIP, Mreq(GROUP, TWO))
    member = SockoptRaw(GROUP + TWO)
    assert fails(two, "setsockopt", server, IP, const.IP_ADD_MEMBERSHIP, member) == "EADDRINUSE"
    one("sendto", client, b"now", None, SockaddrIn(GROUP, 5353))
    assert two("recvfrom", server, 100, None).data == b"now"
    assert packets(wire)[-1].hop_limit == 1
    assert ethernet.Packet(wire.frames[-1]).dst == b"\1\0\x5e\1\2\3"
    two("setsockopt", server, IP, const.IP_DROP_MEMBERSHIP, member)
    one("sendto", client, b"late", None, SockaddrIn(GROUP, 5353))
    assert fails(two, "recvfrom", server, 100, None) == "EAGAIN"
    assert fails(two, "setsockopt", server, IP, const.IP_DROP_MEMBERSHIP, member) == "EADDRNOTAVAIL"
    told = [bytes(p.payload) for p in packets(wire) if p.protocol == igmp.PROTOCOL and p.src == TWO]
    assert told == [igmp.report3([(igmp.TO_EXCLUDE, GROUP)]), igmp.report3([(igmp.TO_INCLUDE, GROUP)])]


def test_senders_hear_themselves_unless_they_say_not(lab: Lab) -> None:
    one, _, _ = lab.two()
    s = one.udp()
    one("bind", s, SockaddrIn(bytes(4), 5353))
    one.nonblocking(s)
    one("setsockopt", s, IP, const.IP_ADD_MEMBERSHIP, Mreq(GROUP, ONE))
    one("setsockopt", s, IP, const.IP_MULTICAST_IF, SockoptRaw(ONE))
    one("sendto", s, b"me", None, SockaddrIn(GROUP, 5353))
    assert one("recvfrom", s, 100, None).data == b"me"
    one("setsockopt", s, IP, const.IP_MULTICAST_LOOP, SockoptInteger(0))
    one("sendto", s, b"me", None, SockaddrIn(GROUP, 5353))
    assert fails(one, "recvfrom", s, 100, None) == "EAGAIN"


def test_routers_are_answered_in_their_version(lab: Lab) -> None:
    one, _, wire = lab.two()
    s = one.udp()
    one("setsockopt", s, IP, const.IP_ADD_MEMBERSHIP, Mreq(GROUP, ONE))
    lab.host.advance(2)
    for code, kind in ((0, igmp.REPORT_V1), (100, igmp.REPORT_V2)):
        wire.frames.clear()
        query = igmp.Igmp(igmp.QUERY, code, bytes(4)).emit()
        head = ipv4.Ipv4(NINE, bytes([224, 0, 0, 1]), 2, ttl=1).emit(len(query))
        wire.inject(ethernet.Ethernet(b"\1\0\x5e\0\0\1", b"\2\0\0\0\0\1", 0x0800).emit() + head + query)
        lab.host.advance(11)
        reports = [igmp.Packet(p.payload) for p in packets(wire) if p.src == ONE]
        assert [(r.type, r.group) for r in reports] == [(kind, GROUP)]
    one("close", s)
    assert igmp.Packet(packets(wire)[-1].payload).type == igmp.LEAVE


def test_broadcasts(lab: Lab) -> None:
    one, two, _ = lab.two()
    servers = [two.udp(), two.udp()]
    for s in servers:
        two.option(s, const.SO_REUSEPORT, 1)
        two("bind", s, SockaddrIn(bytes(4), 5353))
    client = one.udp()
    for addr in (bytes([10, 0, 0, 255]), b"\xff" * 4):
        one.option(client, const.SO_BROADCAST, 0)
        assert fails(one, "sendto", client, b"x", None, SockaddrIn(addr, 5353)) == "EACCES"
        one.option(client, const.SO_BROADCAST, 1)
        one("sendto", client, b"all", None, SockaddrIn(addr, 5353))
        assert [two("recvfrom", s, 100, None).data for s in servers] == [b"all", b"all"]


def test_broadcasts_for_other_networks(lab: Lab) -> None:
    one, router, two = routed(lab)
    server, client = two.udp(), one.udp()
    two("bind", server, SockaddrIn(bytes(4), 7))
    two.nonblocking(server)
    to = SockaddrIn(bytes([10, 0, 1, 255]), 7)
    one("sendto", client, b"x", None, to)
    assert fails(two, "recvfrom", server, 10, None) == "EAGAIN"
    router.inet.ip.directed_broadcast.put(1)
    one("sendto", client, b"x", None, to)
    assert two("recvfrom", server, 10, None).data == b"x"


def test_addresses_of_other_interfaces(lab: Lab) -> None:
    one, router, _ = routed(lab)
    far = bytes([10, 0, 1, 254])
    assert answer(one, ping(one, far)).type == icmp.ECHO_REPLY
    router.inet.ip.checkinterface.put(1)
    s = ping(one, far)
    assert fails(one, "recvfrom", s, 100, None) == "EAGAIN"

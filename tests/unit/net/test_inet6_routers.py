"""IPv6 and its routers: what they advertise, tell and forward."""

from __future__ import annotations

import struct

import pytest

from rumpnet.core.iface import AUTOCONF, DEPRECATED, TEMPORARY
from rumpnet.core.wire import icmp6, ipv6
from rumpnet.core.zone import link_local
from rumpwire import const
from rumpwire.values import SockaddrIn6, SockoptInteger
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.test_inet import eth
from tests.unit.net.test_inet6 import IP6, TWO, a6, answered, icmp, inet6, inject, messages, packets, ping6, two, udp6


@pytest.fixture
def lab() -> Lab:
    return Lab()


def routed(lab: Lab, mtu: int = 1500) -> tuple[Machine, Machine, Machine, Wire, Wire]:
    """A host, a router that advertises fd01::/64 and fd02::/64, and fd02::2 behind it."""
    host, router, far = lab.machine(), lab.machine(), lab.machine()
    left, right = Wire(), Wire()
    router.plug(left, "fd01::1/64")
    router.plug(right, "fd02::1/64").set_mtu(mtu)
    far.plug(right, "fd02::2/64").set_mtu(mtu)
    inet6(router).ip6.forwarding.put(1)
    lab.host.advance(2)
    inet6(router).rtadv.put(1)
    far("netconfig_ipv6_gw", "fd02::1")
    host.plug(left)
    host("netconfig_auto_ipv6", "eth0")
    lab.host.advance(6)
    return host, router, far, left, right


def test_addresses_are_made_of_what_routers_say(lab: Lab) -> None:
    host, router, _, _, _ = routed(lab)
    port = eth(host)
    (made,) = [a for a in port.ipv6() if a.flags & AUTOCONF]
    assert made.addr[:8] == a6("fd01::")[:8]
    assert made.addr[11:13] == b"\xff\xfe"
    (default,) = [r for r in host.net.routes if len(r.dst) == 16 and not r.prefixlen]
    assert link_local(default.gateway)
    assert answered(host, ping6(host, a6("fd02::2"), 3000)) == 3000
    (known,) = inet6(host).slaac.routers.values()
    assert known.addr == default.gateway
    inet6(router).rtadv.put(0)
    assert not [r for r in host.net.routes if len(r.dst) == 16 and not r.prefixlen]


def test_lifetimes(lab: Lab) -> None:
    one, wire = lab.machine(), Wire()
    one.plug(wire)
    one("netconfig_auto_ipv6", "eth0")
    lab.host.advance(3)
    port = eth(one)

    def advertise(valid: int, preferred: int, lifetime: int = 30) -> None:
        prefix = icmp6.PREFIX_INFORMATION.pack(64, 0xC0, valid, preferred, 0, a6("fd07::"))
        payload = bytes(8) + icmp6.option(icmp6.PREFIX, prefix) + icmp6.option(icmp6.MTU, struct.pack("!HI", 0, 1400))
        source, dst = a6("fe80::9"), a6("ff02::1")
        packet = icmp(source, dst, icmp6.ROUTER_ADVERT, 64 << 24 | lifetime, payload)
        inject(wire, port, packet, b"\x33\x33\0\0\0\1")

    advertise(10_000, 100)
    lab.host.advance(2)
    (made,) = [a for a in port.ipv6() if a.flags & AUTOCONF]
    layer = one.net.layers[16]
    assert layer.path_mtu(layer.route(a6("fd07::9")), a6("fd07::9")) == 1400
    lab.host.advance(31)
    assert not inet6(one).slaac.routers
    assert not one.net.routes.find(bytes(16), 0)
    lab.host.advance(100)
    assert made.flags & DEPRECATED
    advertise(1, 0)
    lab.host.advance(60)
    assert made in port.addresses
    lab.host.advance(7300)
    assert made not in port.addresses
    assert one.net.routes.find(a6("fd07::"), 64) is None


def test_identifiers_that_tell_nothing(lab: Lab) -> None:
    one, wire = lab.machine(), Wire()
    inet6(one).slaac.stable_iid.put(1)
    inet6(one).slaac.use_tempaddr.put(1)
    port = one.plug(wire)
    one("netconfig_auto_ipv6", "eth0")
    lab.host.advance(3)
    prefix = icmp6.PREFIX_INFORMATION.pack(64, 0xC0, 9000, 9000, 0, a6("fd07::"))
    payload = bytes(8) + icmp6.option(icmp6.PREFIX, prefix)
    inject(wire, port, icmp(a6("fe80::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, payload), b"\x33\x33\0\0\0\1")
    assert not any(a.addr[11:13] == b"\xff\xfe" for a in port.ipv6())
    assert len([a for a in port.ipv6() if a.flags & TEMPORARY]) == 1
    lab.host.advance(2)
    inet6(one).ip6.prefer_tempaddr.put(1)
    layer = one.net.layers[16]
    chosen = layer.source_for(a6("fd07::9"))
    assert next(a for a in port.ipv6() if a.addr == chosen).flags & TEMPORARY


def test_advertisements_are_not_believed_unasked(lab: Lab) -> None:
    one, _, wire = two(lab)
    packet = icmp(a6("fe80::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, bytes(8))
    inject(wire, eth(one), packet, b"\x33\x33\0\0\0\1")
    assert not inet6(one).slaac.routers
    inet6(one).slaac.accept_rtadv.put(1)
    inject(wire, eth(one), packet, b"\x33\x33\0\0\0\1")
    assert inet6(one).slaac.routers
    inet6(one).slaac.routers.clear()
    for bad in (
        icmp(a6("fd00::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, bytes(8)),
        icmp(a6("fe80::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, bytes(8), hops=64),
        icmp(a6("fe80::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, bytes(8) + b"\3\0"),
    ):
        inject(wire, eth(one), bad, b"\x33\x33\0\0\0\1")
    assert not inet6(one).slaac.routers


def test_routers_of_one_link_have_no_say_about_another_s(lab: Lab) -> None:
    one, _, _ = two(lab)
    beside = Wire()
    inet6(one).slaac.accept_rtadv.put(1)
    port = one.plug(beside, "fd09::1/64")
    for lifetime in (100, 0):
        prefix = icmp6.PREFIX_INFORMATION.pack(64, icmp6.ON_LINK, lifetime, 0, 0, a6("fd00::"))
        body = bytes(8) + icmp6.option(icmp6.PREFIX, prefix)
        inject(beside, port, icmp(a6("fe80::9"), a6("ff02::1"), icmp6.ROUTER_ADVERT, 30, body), b"\x33\x33\0\0\0\1")
        assert bool(inet6(one).slaac.prefixes) == bool(lifetime)
    assert one.net.routes.lookup(TWO).iface is eth(one)
    assert answered(one, ping6(one, TWO)) == 56


def test_path_mtu(lab: Lab) -> None:
    host, _, far, left, _ = routed(lab, mtu=1300)
    dst = a6("fd02::2")
    s = ping6(host, dst, 1400)
    layer = host.net.layers[16]
    assert layer.path_mtu(layer.route(dst), dst) == 1300
    assert messages(left, icmp6.TOO_BIG)
    assert fails(host, "recvfrom", s, 10, None) == "EAGAIN"
    assert answered(host, ping6(host, dst, 1400)) == 1400
    assert inet6(far).ip6.stats["packets reassembled ok"] == 1
    lab.host.advance(601)
    assert layer.path_mtu(layer.route(dst), dst) == 1500


def test_programs_are_told_of_narrow_paths(lab: Lab) -> None:
    host, _, _, _, _ = routed(lab, mtu=1300)
    s = udp6(host)
    host("setsockopt", s, IP6, const.IPV6_RECVPATHMTU, SockoptInteger(1))
    host("connect", s, SockaddrIn6(a6("fd02::2"), 7))
    host("write", s, bytes(1400))
    (told,) = host("recvmsg", s, 100, 100, 0).control
    assert (told.cmsg_type, len(told.data)) == (const.IPV6_PATHMTU, 32)
    assert struct.unpack("<I", told.data[28:])[0] == 1300


def test_packets_that_go_through_everywhere(lab: Lab) -> None:
    one, _, wire = two(lab)
    s = udp6(one)
    one("setsockopt", s, IP6, const.IPV6_USE_MIN_MTU, SockoptInteger(1))
    one("sendto", s, bytes(1400), None, SockaddrIn6(TWO, 5))
    fragments = [p for p in packets(wire) if p.next_header == ipv6.FRAGMENT]
    assert len(fragments) == 2
    assert max(len(p.view) for p in fragments) <= 1280
    one("setsockopt", s, IP6, const.IPV6_DONTFRAG, SockoptInteger(1))
    assert fails(one, "sendto", s, bytes(1400), None, SockaddrIn6(TWO, 5)) == "EMSGSIZE"


def test_routers_tell_of_what_they_do_not_forward(lab: Lab) -> None:
    host, _, _, left, _ = routed(lab)
    s = udp6(host)
    host("setsockopt", s, IP6, const.IPV6_UNICAST_HOPS, SockoptInteger(1))
    host("sendto", s, b"x", None, SockaddrIn6(a6("fd02::2"), 5))
    assert messages(left, icmp6.TIME_EXCEEDED)
    host("sendto", udp6(host), b"x", None, SockaddrIn6(a6("fd99::2"), 5))
    (unreachable,) = messages(left, icmp6.UNREACHABLE)
    assert unreachable.payload[1] == icmp6.NO_ROUTE


def test_redirects(lab: Lab) -> None:
    wire, host, near, far = Wire(), lab.machine(), lab.machine(), lab.machine()
    host.plug(wire, "fd00::1/64")
    near.plug(wire, "fd00::fe/64")
    far.plug(wire, "fd00::fd/64")
    far.plug(Wire(), "fd09::1/64")
    for machine in (near, far):
        inet6(machine).ip6.forwarding.put(1)
    lab.host.advance(3)

    def local(machine: Machine) -> bytes:
        return next(a.addr for a in eth(machine).ipv6() if link_local(a.addr))

    gateway = local(near)[:2] + eth(host).index.to_bytes(2, "big") + local(near)[4:]
    host.net.routes.add(bytes(16), 0, eth(host), gateway=gateway)
    near.net.routes.add(
        a6("fd09::"), 64, eth(near), gateway=local(far)[:2] + eth(near).index.to_bytes(2, "big") + local(far)[4:]
    )
    assert answered(host, ping6(host, a6("fd09::1"))) == 56
    learned = host.net.routes.lookup(a6("fd09::1"))
    assert learned.gateway[4:] == local(far)[4:]
    assert learned.flags & const.RTF_DYNAMIC

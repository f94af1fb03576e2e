"""IPv4 among several kernels: addresses, ARP, routes, ICMP, groups, options, requests about interfaces."""

from __future__ import annotations

import struct

import pytest

from rumpnet.core.iface import DUPLICATED, TENTATIVE
from rumpnet.core.wire import arp, ethernet, icmp, igmp, ipv4, udp
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import (
    Cmsg,
    Ifaliasreq,
    Ifreq,
    Mreq,
    Msghdr,
    SockaddrDl,
    SockaddrIn,
    SockoptInteger,
    SockoptRaw,
)
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Port, Wire
from tests.unit.net.test_ether import ONE, TWO, answer, ping

IP = const.IPPROTO_IP
NINE = bytes([10, 0, 0, 9])
MAC = b"\2\0\0\0\0\x01"
GROUP = bytes([239, 1, 2, 3])


@pytest.fixture
def lab() -> Lab:
    return Lab(linklocal=False)


def eth(machine: Machine, unit: int = 0) -> Port:
    port = machine.net.interfaces.by_name[f"eth{unit}"]
    assert isinstance(port, Port)
    return port


def arps(wire: Wire) -> list[arp.Arp]:
    frames = [ethernet.Packet(frame) for frame in wire.frames]
    return [arp.Packet(f.payload).parse() for f in frames if f.type == arp.ETHERTYPE]


def packets(wire: Wire) -> list[ipv4.Packet]:
    frames = [ethernet.Packet(frame) for frame in wire.frames]
    return [ipv4.Packet(f.payload) for f in frames if f.type == 0x0800]


def routed(lab: Lab, mtu: int = 1500) -> tuple[Machine, Machine, Machine]:
    """One at 10.0.0.1, a router, and two at 10.0.1.2 behind it, over a link of ``mtu``."""
    one, router, two = lab.machine(), lab.machine(), lab.machine()
    left, right = Wire(), Wire()
    one.plug(left, "10.0.0.1/24")
    router.plug(left, "10.0.0.254/24")
    router.plug(right, "10.0.1.254/24").set_mtu(mtu)
    two.plug(right, "10.0.1.2/24").set_mtu(mtu)
    router.inet.ip.forwarding.put(1)
    one("netconfig_ipv4_gw", "10.0.0.254")
    two("netconfig_ipv4_gw", "10.0.1.254")
    return one, router, two


# -- ARP


def test_new_addresses_are_announced_and_probed_for(lab: Lab) -> None:
    one, wire = lab.machine(), Wire()
    one.plug(wire, "10.0.0.1/24")
    (announced,) = arps(wire)
    assert (announced.operation, announced.sender, announced.target) == (arp.REQUEST, ONE, ONE)
    two = lab.machine()
    two.inet.ip.dad_count.put(2)
    port = two.plug(wire, "10.0.0.2/24")
    assert port.addresses[0].flags & TENTATIVE
    lab.host.advance(3)
    assert [(a.sender, a.target) for a in arps(wire)[1:]] == [(bytes(4), TWO)] * 2 + [(TWO, TWO)]
    assert not port.addresses[0].flags & TENTATIVE
    lab.host.advance(60)
    three = lab.machine()
    three.inet.ip.dad_count.put(2)
    port = three.plug(wire, "10.0.0.1/24")
    assert port.addresses[0].flags & DUPLICATED


def test_our_addresses_are_defended_now_and_then(lab: Lab) -> None:
    one, wire = lab.machine(), Wire()
    one.plug(wire, "10.0.0.1/24")
    wire.frames.clear()
    claim = arp.Arp(arp.REQUEST, b"\2\0\0\0\0\1", ONE, bytes(6), ONE).emit()
    for _ in range(5):
        wire.inject(ethernet.Ethernet(ethernet.BROADCAST, b"\2\0\0\0\0\1", arp.ETHERTYPE).emit() + claim)
    assert [a.sender_lladdr for a in arps(wire) if a.sender_lladdr == eth(one).lladdr] == [eth(one).lladdr]


def test_permanent_and_published_entries(lab: Lab) -> None:
    one, two, _ = lab.two()
    cache = eth(one).neighbours
    cache.set(NINE, b"\2\0\0\0\0\x09", permanent=True, published=True)
    with pytest.raises(KernelError, match="permanent"):
        cache.set(NINE, b"\2\0\0\0\0\1", permanent=False)
    eth(two).neighbours.purge()
    two("sendto", two.udp(), b"x", None, SockaddrIn(NINE, 5))
    assert eth(two).neighbours.entries[NINE].lladdr == b"\2\0\0\0\0\x09"
    lab.host.advance(5000)
    assert NINE in cache.entries
    one("netconfig_ifdown", "eth0")
    assert [e.addr for e in cache] == [NINE]


def test_a_router_may_answer_for_all_behind_it(lab: Lab) -> None:
    one, router, two = routed(lab)
    one("netconfig_ifaddrdel", "eth0", "10.0.0.1")
    one("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.1", 8)
    dst = SockaddrIn(bytes([10, 0, 1, 2]), 7)
    one("sendto", one.udp(), b"x", None, dst)
    lab.host.advance(60)
    router.inet.arp.proxy_all.put(1)
    server = two.udp()
    two("bind", server, SockaddrIn(bytes(4), 7))
    one("sendto", one.udp(), b"x", None, dst)
    assert two("recvfrom", server, 10, None).data == b"x"
    assert eth(one).neighbours.entries[bytes([10, 0, 1, 2])].lladdr == eth(router).lladdr
    assert bytes([10, 0, 0, 77]) not in eth(one).neighbours.entries


def test_who_waits_in_vain_is_told(lab: Lab) -> None:
    one, _, _ = lab.two()
    s = one.udp()
    one("connect", s, SockaddrIn(NINE, 7))
    one("write", s, b"x")
    lab.host.advance(6)
    assert fails(one, "write", s, b"x") == "EHOSTUNREACH"
    assert fails(one, "write", s, b"x") == "EHOSTDOWN"
    one("netconfig_ipv4_gw", "10.0.0.9")
    assert fails(one, "sendto", one.udp(), b"x", None, SockaddrIn(bytes([99, 0, 0, 1]), 7)) == "EHOSTUNREACH"


def test_a_new_link_address_is_told(lab: Lab) -> None:
    one, two, _ = lab.two()
    answer(one, ping(one, TWO))
    s = two.udp()
    new = b"\2\0\0\0\0\7"
    two("ioctl", s, const.SIOCALIFADDR, Ifreq("eth0", SockaddrDl(sdl_addr=new)))
    assert eth(one).neighbours.entries[TWO].lladdr == new
    assert fails(two, "ioctl", s, const.SIOCDLIFADDR, Ifreq("eth0", SockaddrDl(sdl_addr=new))) == "EBUSY"
    answer(one, ping(one, TWO))


def test_who_speaks_last_has_the_address(lab: Lab) -> None:
    """Unless the entry is permanent; and who is of no network here leaves no entry."""
    one, two, wire = lab.two()
    answer(one, ping(one, TWO))
    cache = eth(one).neighbours
    wire.ports.remove(eth(two))  # which would defend itself

    def claim(addr: bytes) -> None:
        message = arp.Arp(arp.REQUEST, MAC, addr, bytes(6), ONE).emit()
        wire.inject(ethernet.Ethernet(ethernet.BROADCAST, MAC, arp.ETHERTYPE).emit() + message)

    claim(TWO)
    assert cache.entries[TWO].lladdr == MAC
    cache.set(NINE, b"\2\0\0\0\0\x77", permanent=True)
    claim(NINE)
    assert cache.entries[NINE].lladdr == b"\2\0\0\0\0\x77"
    claim(bytes([99, 0, 0, 1]))
    claim(bytes([224, 0, 0, 1]))
    assert {entry.addr for entry in cache} == {TWO, NINE}


def test_neighbours_go_with_their_network(lab: Lab) -> None:
    one, _, _ = lab.two()
    cache = eth(one).neighbours
    answer(one, ping(one, TWO))
    one.net.routes.remove(one.net.routes.lookup(TWO))
    assert len(cache) == 0
    one.net.routes.add(bytes([10, 0, 0, 0]), 24, eth(one), src=ONE)
    answer(one, ping(one, TWO))
    found = one.net.routes.find(bytes([10, 0, 0, 0]), 24)
    assert found is not None
    one.net.routes.change(found, mtu=1000)
    assert len(cache) == 0


def test_what_comes_up_announces_itself(lab: Lab) -> None:
    one, two, wire = lab.two()
    answer(two, ping(two, ONE))
    s = one.udp()
    one("setsockopt", s, IP, const.IP_ADD_MEMBERSHIP, Mreq(GROUP, ONE))
    eth(one).set_link(False)
    wire.frames.clear()
    eth(one).set_link(True)
    assert [(a.sender, a.target) for a in arps(wire)] == [(ONE, ONE)]
    assert [p.protocol for p in packets(wire)] == [igmp.PROTOCOL]


def test_straight_to_the_link_alone(lab: Lab) -> None:
    one, _, _ = lab.two()
    one("netconfig_ipv4_gw", "10.0.0.2")
    s = one.udp()
    one.option(s, const.SO_DONTROUTE, 1)
    one("sendto", s, b"x", None, SockaddrIn(TWO, 5))
    assert fails(one, "sendto", s, b"x", None, SockaddrIn(bytes([99, 0, 0, 1]), 5)) == "ENETUNREACH"


# -- ICMP


def test_path_mtu_is_learned_and_forgotten(lab: Lab) -> None:
    one, _, _ = routed(lab, mtu=1000)
    dst = bytes([10, 0, 1, 2])
    layer = one.net.layers[4]
    s = one("socket", const.AF_INET, const.SOCK_RAW, const.IPPROTO_RAW)
    big = ipv4.Ipv4(bytes(4), dst, 17, fragment=ipv4.DONT_FRAGMENT).emit(1200) + bytes(1200)
    one("sendto", s, big, None, SockaddrIn(dst))
    assert layer.path_mtu(layer.route(dst), dst) == 1000
    assert answer(one, ping(one, dst, 3000)).type == icmp.ECHO_REPLY
    lab.host.advance(601)
    assert layer.path_mtu(layer.route(dst), dst) == 1500


def test_mtus_that_are_not_believed(lab: Lab) -> None:
    one, _, wire = lab.two()
    layer = one.net.layers[4]
    for mtu, believed in ((60, 296), (0, 1006)):
        quote = ipv4.Ipv4(ONE, TWO, 17).emit(1200)[:20] + bytes(8)
        message = icmp.Icmp(icmp.UNREACHABLE, icmp.NEEDS_FRAGMENTATION, mtu, quote).emit()
        frame = ethernet.Ethernet(eth(one).lladdr, b"\2\0\0\0\0\1", 0x0800).emit()
        wire.inject(frame + ipv4.Ipv4(TWO, ONE, 1).emit(len(message)) + message)
        assert layer.path_mtu(layer.route(TWO), TWO) == believed
        one.net.routes.remove_where(lambda r: bool(r.flags & const.RTF_DYNAMIC))


def test_redirects(lab: Lab) -> None:
    wire, one, near, far = Wire(), lab.machine(), lab.machine(), lab.machine()
    one.plug(wire, "10.0.0.1/24")
    near.plug(wire, "10.0.0.254/24")
    far.plug(wire, "10.0.0.253/24")
    far.plug(Wire(), "10.0.9.1/24")
    near.inet.ip.forwarding.put(1)
    far.inet.ip.forwarding.put(1)
    one("netconfig_ipv4_gw", "10.0.0.254")
    port = eth(near)
    near.net.routes.add(bytes([10, 0, 9, 0]), 24, port, gateway=bytes([10, 0, 0, 253]))
    s = ping(one, bytes([10, 0, 9, 1]))
    assert [answer(one, s).type for _ in range(2)] == [icmp.REDIRECT, icmp.ECHO_REPLY]
    learned = one.net.routes.lookup(bytes([10, 0, 9, 1]))
    assert learned.gateway == bytes([10, 0, 0, 253])
    assert learned.flags & const.RTF_DYNAMIC
    lab.host.advance(601)
    assert one.net.routes.lookup(bytes([10, 0, 9, 1])).gateway == bytes([10, 0, 0, 254])
    one.inet.icmp.rediraccept.put(0)
    ping(one, bytes([10, 0, 9, 1]))
    assert not one.net.routes.lookup(bytes([10, 0, 9, 1])).flags & const.RTF_DYNAMIC


@pytest.mark.parametrize("amount", [8, 64, 512])
def test_errors_quote_as_much_as_they_are_told(lab: Lab, amount: int) -> None:
    one, two, wire = lab.two()
    two.inet.icmp.returndatabytes.put(amount)
    one("sendto", one.udp(), bytes(1000), None, SockaddrIn(TWO, 9))
    quoted = icmp.Packet(packets(wire)[-1].payload).payload
    assert len(quoted) == 20 + amount
    assert ipv4.HEADER.unpack_from(quoted)[-2:] == (ONE, TWO)


def test_a_flood_of_pings(lab: Lab) -> None:
    one, two, _ = lab.two()
    for _ in range(2000):
        one("close", ping(one, TWO, 0))
        two("close", ping(two, ONE, 0))
    assert one.inet.icmp.stats["input type 0"] == two.inet.icmp.stats["input type 0"] == 2000


def test_timestamps_and_masks(lab: Lab) -> None:
    one, two, _ = lab.two()
    s = one("socket", const.AF_INET, const.SOCK_RAW, 1)
    one("sendto", s, icmp.Icmp(icmp.TIMESTAMP_REQUEST, 0, 7, bytes(12)).emit(), None, SockaddrIn(TWO))
    reply = answer(one, s)
    assert reply.type == icmp.TIMESTAMP_REPLY
    assert struct.unpack("!III", reply.payload)[1:] == (lab.host.realtime_ns() // 10**6 % 86_400_000,) * 2
    two.inet.icmp.maskrepl.put(1)
    one("sendto", s, icmp.Icmp(icmp.MASK_REQUEST, 0, 7, bytes(4)).emit(), None, SockaddrIn(TWO))
    assert answer(one, s) == icmp.Icmp(icmp.MASK_REPLY, 0, 7, bytes([255, 255, 255, 0]))


def test_pings_of_all_are_answered_when_asked_to(lab: Lab) -> None:
    one, two, _ = lab.two()
    s = one("socket", const.AF_INET, const.SOCK_RAW, 1)
    one.option(s, const.SO_BROADCAST, 1)
    one.nonblocking(s)
    echo = icmp.Icmp(icmp.ECHO).emit()
    one("sendto", s, echo, None, SockaddrIn(bytes([10, 0, 0, 255])))
    assert fails(one, "recvfrom", s, 100, None) == "EAGAIN"
    two.inet.icmp.bmcastecho.put(1)
    one("sendto", s, echo, None, SockaddrIn(bytes([10, 0, 0, 255])))
    assert one("recvfrom", s, 100, None).from_addr == SockaddrIn(TWO)


# -- options of packets


def test_routes_are_recorded(lab: Lab) -> None:
    one, router, two = routed(lab)
    s = one("socket", const.AF_INET, const.SOCK_RAW, 1)
    one("setsockopt", s, IP, const.IP_OPTIONS, SockoptRaw(bytes([7, 39, 4]) + bytes(36)))
    one("sendto", s, icmp.Icmp(icmp.ECHO).emit(), None, SockaddrIn(bytes([10, 0, 1, 2])))
    packet = ipv4.Packet(one("recvfrom", s, 200, None).data)
    seen = [bytes(packet.options[at : at + 4]) for at in range(3, packet.options[2] - 1, 4)]
    assert seen == [bytes([10, 0, 1, 254]), bytes([10, 0, 1, 2]), bytes([10, 0, 0, 254]), ONE]
    assert not router.inet.ip.stats["packets with bad or refused options"]
    assert not two.inet.ip.stats["packets with bad or refused options"]


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        (bytes([131, 7, 4, 10, 0, 0, 2, 0]), icmp.UNREACHABLE, icmp.SOURCE_ROUTE_FAILED),
        (bytes([7, 0, 0, 0]), icmp.PARAMETER_PROBLEM, 0),
        (bytes([7, 9, 4, 0]), icmp.PARAMETER_PROBLEM, 0),
        (bytes([7, 3, 1, 0]), icmp.PARAMETER_PROBLEM, 0),
    ],
)
def test_options_that_are_refused(lab: Lab, options: bytes, kind: int, code: int) -> None:
    one, _, wire = lab.two()
    answer(one, ping(one, TWO))
    wire.frames.clear()
    header = ipv4.Ipv4(TWO, ONE, 17, options=options).emit(8)
    wire.inject(ethernet.Ethernet(eth(one).lladdr, b"\2\0\0\0\0\1", 0x0800).emit() + header + bytes(8))
    error = icmp.Packet(packets(wire)[-1].payload)
    assert (error.type, error.code) == (kind, code)
    s = one("socket", const.AF_INET, const.SOCK_RAW, 1)
    assert fails(one, "setsockopt", s, IP, const.IP_OPTIONS, SockoptRaw(options)) == "EINVAL"


# -- sockets


def test_receivers_are_told_of_packets(lab: Lab) -> None:
    one, two, _ = lab.two()
    server, client = two.udp(), one.udp()
    two("bind", server, SockaddrIn(bytes(4), 53))
    for name in (const.IP_RECVDSTADDR, const.IP_RECVTTL, const.IP_RECVPKTINFO, const.IP_RECVIF):
        two("setsockopt", server, IP, name, SockoptInteger(1))
    control = [Cmsg(IP, const.IP_TTL, b"\7", [])]
    one("sendmsg", client, Msghdr(SockaddrIn(TWO, 53), b"x", control, 0), 0)
    told = {c.cmsg_type: bytes(c.data) for c in two("recvmsg", server, 100, 500, 0).control}
    assert told[const.IP_RECVDSTADDR] == TWO
    assert told[const.IP_RECVTTL] == b"\7"
    assert told[const.IP_PKTINFO] == TWO + eth(two).index.to_bytes(4, "little")
    assert eth(two).lladdr in told[const.IP_RECVIF]
    one("sendto", client, b"x", None, SockaddrIn(TWO, 53))
    assert two("recvmsg", server, 100, 0, 0).msg_flags == const.MSG_CTRUNC
    wrong = [Cmsg(IP, const.IP_PKTINFO, NINE + bytes(4), [])]
    assert fails(one, "sendmsg", client, Msghdr(SockaddrIn(TWO, 53), b"x", wrong, 0), 0) == "EADDRNOTAVAIL"


def test_senders_choose_the_interface(lab: Lab) -> None:
    """And the gateway there, where the destination is behind one."""
    one, _, wire = lab.two()
    other = Wire()
    one.plug(other, "10.5.0.1/24")
    one.net.routes.add(bytes([99, 0, 0, 0]), 8, eth(one), gateway=TWO)
    one.net.routes.add(bytes(4), 0, eth(one, 1), gateway=bytes([10, 5, 0, 2]))
    for port, index in ((wire, eth(one).index), (other, eth(one, 1).index)):
        wire.frames.clear()
        other.frames.clear()
        info = [Cmsg(IP, const.IP_PKTINFO, bytes(4) + index.to_bytes(4, "little"), [])]
        one("sendmsg", one.udp(), Msghdr(SockaddrIn(bytes([99, 0, 0, 1]), 5), b"x", info, 0), 0)
        asked = [a.target for a in arps(port) if a.operation == arp.REQUEST]
        assert asked == ([bytes([10, 5, 0, 2])] if port is other else [TWO])


def test_raw_sockets_of_any_protocol(lab: Lab) -> None:
    one, two, _ = lab.two()
    server = two("socket", const.AF_INET, const.SOCK_RAW, 89)
    client = one("socket", const.AF_INET, const.SOCK_RAW, 89)
    one("sendto", client, b"hello", None, SockaddrIn(TWO))
    packet = ipv4.Packet(two("recvfrom", server, 100, None).data)
    assert (packet.protocol, bytes(packet.payload), packet.hop_limit) == (89, b"hello", 255)
    one("setsockopt", client, IP, const.IP_HDRINCL, SockoptInteger(1))
    one("sendto", client, ipv4.Ipv4(bytes(4), TWO, 89, ttl=3).emit(2) + b"hi", None, SockaddrIn(TWO))
    packet = ipv4.Packet(two("recvfrom", server, 100, None).data)
    assert (packet.src, packet.hop_limit, bytes(packet.payload)) == (ONE, 3, b"hi")
    for bad in (b"", b"\x45", b"\x4f" + bytes(30), b"\x65" + bytes(30)):
        assert fails(one, "sendto", client, bad, None, SockaddrIn(TWO)) == "EINVAL"
    assert fails(one.user, "socket", const.AF_INET, const.SOCK_RAW, 89) == "EPERM"


def test_low_ports(lab: Lab) -> None:
    one = lab.machine()
    s = one.udp()
    one("setsockopt", s, IP, const.IP_PORTRANGE, SockoptInteger(const.IP_PORTRANGE_LOW))
    one("bind", s, SockaddrIn(bytes(4), 0))
    assert 600 <= one("getsockname", s).sin_port <= 1023


# -- routes and addresses


def test_reject_and_blackhole(lab: Lab) -> None:
    one, _, _ = lab.two()
    lo0 = one.net.interfaces.by_name["lo0"]
    one.net.routes.add(bytes([99, 0, 0, 0]), 8, lo0, flags=const.RTF_REJECT)
    one.net.routes.add(bytes([99, 0, 0, 1]), 32, lo0, flags=const.RTF_REJECT)
    one.net.routes.add(bytes([98, 0, 0, 0]), 8, lo0, flags=const.RTF_BLACKHOLE)
    s = one.udp()
    assert fails(one, "sendto", s, b"x", None, SockaddrIn(bytes([99, 0, 0, 2]), 5)) == "ENETUNREACH"
    assert fails(one, "sendto", s, b"x", None, SockaddrIn(bytes([99, 0, 0, 1]), 5)) == "EHOSTUNREACH"
    assert one("sendto", s, b"x", None, SockaddrIn(bytes([98, 0, 0, 1]), 5)) == 1


def test_gateways_are_on_the_link(lab: Lab) -> None:
    one, _, _ = lab.two()
    assert fails(one, "netconfig_ipv4_gw", "99.0.0.1") == "ENETUNREACH"
    assert fails(one, "netconfig_ipv4_gw", "10.0.0.1") == "ENETUNREACH"
    one("netconfig_ipv4_gw", "10.0.0.2")
    assert fails(one, "netconfig_ipv4_gw", "10.0.0.2") == "EEXIST"
    assert fails(one.user, "netconfig_ipv4_gw", "10.0.0.2") == "EPERM"


def test_addresses_go_with_their_routes(lab: Lab) -> None:
    one, _, _ = lab.two()
    one("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.3", 24)
    one("netconfig_ifaddrdel", "eth0", "10.0.0.1")
    assert one.net.routes.lookup(TWO).src == bytes([10, 0, 0, 3])
    assert answer(one, ping(one, TWO)).type == icmp.ECHO_REPLY
    one("netconfig_ifaddrdel", "eth0", "10.0.0.3")
    assert fails(one, "sendto", one.udp(), b"x", None, SockaddrIn(TWO, 5)) == "ENETUNREACH"
    assert fails(one, "netconfig_ifaddrdel", "eth0", "10.0.0.3") == "EADDRNOTAVAIL"
    assert [r for r in one.net.routes if r.iface is eth(one)] == []


def test_all_of_it_goes_with_the_interface(lab: Lab) -> None:
    one, _, _ = lab.two()
    answer(one, ping(one, TWO))
    one("netconfig_ifdestroy", "eth0")
    assert {r.iface.name for r in one.net.routes} == {"lo0"}
    assert one.net.interfaces.owner(ONE) is None
    lab.host.advance(2000)


def test_requests(lab: Lab) -> None:
    one, _, _ = lab.two()
    s = one.udp()

    def ask(com: int, data: object = None) -> object:
        return one("ioctl", s, com, data).data

    assert ask(const.SIOCGIFMTU, Ifreq("eth0")).ifr_value == 1500  # type: ignore[attr-defined]
    one("ioctl", s, const.SIOCSIFMTU, Ifreq("eth0", None, 1280))
    assert eth(one).mtu == 1280
    assert "eth" in ask(const.SIOCIFGCLONERS).cloners  # type: ignore[attr-defined]
    assert [i.name for i in ask(const.SIOCGIFCONF).interfaces] == ["lo0", "eth0"]  # type: ignore[attr-defined]
    alias = Ifaliasreq("eth0", SockaddrIn(bytes([10, 7, 0, 1])), 16)
    one("ioctl", s, const.SIOCAIFADDR, alias)
    found = ask(const.SIOCGIFALIAS, alias)
    assert (found.ifra_prefixlen, found.ifra_broadaddr) == (16, SockaddrIn(bytes([10, 7, 255, 255])))  # type: ignore[attr-defined]
    one("ioctl", s, const.SIOCDIFADDR, Ifreq("eth0", SockaddrIn(bytes([10, 7, 0, 1]))))
    assert fails(one, "ioctl", s, const.SIOCGIFALIAS, alias) == "EADDRNOTAVAIL"
    flags = ask(const.SIOCGIFFLAGS, Ifreq("eth0")).ifr_value  # type: ignore[attr-defined]
    one("ioctl", s, const.SIOCSIFFLAGS, Ifreq("eth0", None, flags & ~const.IFF_UP))
    assert not eth(one).up
    assert fails(one.user, "ioctl", s, const.SIOCSIFMTU, Ifreq("eth0", None, 1280)) == "EPERM"
    assert fails(one, "ioctl", s, const.SIOCGIFMTU, Ifreq("nope0")) == "ENXIO"
    assert fails(one, "ioctl", s, const.SIOCSIFMTU, Ifreq("eth0", None, 10)) == "EINVAL"
    assert fails(one, "ioctl", s, const.SIOCGIFMTU, None) == "EINVAL"
    assert fails(one, "ioctl", s, const.SIOCSLINKSTR, Ifreq("eth0", None, 0, "x")) == "ENOTTY"
    assert fails(one, "ioctl", s, 0x12345, None) == "ENOTTY"


def test_udp_checksums_on_the_wire(lab: Lab) -> None:
    one, two, wire = lab.two()
    server = two.udp()
    two("bind", server, SockaddrIn(TWO, 53))
    for size in (1, 1472, 5000):
        one("sendto", one.udp(), bytes(size), None, SockaddrIn(TWO, 53))
        assert len(two("recvfrom", server, 9000, None).data) == size
    first = next(p for p in packets(wire) if p.protocol == 17)
    udp.Packet(first.payload).check(ONE, TWO)

"""Against the Linux kernel: it pings us and we it, and its decoder (tcpdump) finds nothing wrong with what we send."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumpnet.core.iface import AUTOCONF, DUPLICATED
from rumpnet.core.neighbour import State
from rumpnet.core.wire import icmp, icmp6, ipv4
from rumpwire import const
from rumpwire.values import Mreq, SockaddrIn, SockaddrIn6
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.linux import Linux, decoded, linux
from tests.unit.net.test_ether import ping
from tests.unit.net.test_inet import eth
from tests.unit.net.test_inet6 import a6, inet6, ping6, udp6

ONE = bytes([10, 0, 0, 1])
SIZES = [0, 1, 56, 1452, 1472, 1473, 4000, 20_001, 65_507]


@pytest.fixture
def pair() -> Iterator[tuple[Linux, Machine]]:
    with linux() as made:
        yield made


def test_a_decoder_finds_nothing_wrong(tmp_path: Path) -> None:
    """All kinds of messages that a kernel sends by itself, in tcpdump's words."""
    lab, wire = Lab(), Wire()
    router, host = lab.machine(), lab.machine()
    router.plug(wire, "10.0.0.254/24", "fd00::fe/64")
    router.plug(Wire(), "10.9.0.1/24", "fd09::1/64").set_mtu(1300)
    host.plug(wire, "10.0.0.1/24")
    router.inet.ip.forwarding.put(1)
    inet6(router).ip6.forwarding.put(1)
    lab.host.advance(2)
    inet6(router).rtadv.put(1)
    host("netconfig_auto_ipv6", "eth0")
    host("netconfig_ipv4_gw", "10.0.0.254")
    lab.host.advance(8)
    s, s6 = host.udp(), udp6(host)
    host("setsockopt", s, const.IPPROTO_IP, const.IP_ADD_MEMBERSHIP, Mreq(bytes([239, 1, 2, 3]), ONE))
    host("setsockopt", s6, const.IPPROTO_IPV6, const.IPV6_JOIN_GROUP, Mreq(a6("ff05::77"), b"", eth(host).index))
    for size in (10, 3000):
        host("sendto", s, bytes(size), None, SockaddrIn(bytes([10, 0, 0, 254]), 9))
        host("sendto", s6, bytes(size), None, SockaddrIn6(a6("fd00::fe"), 9))
        host("sendto", s6, bytes(size), None, SockaddrIn6(a6("fd09::77"), 9))
        host("sendto", s, bytes(size), None, SockaddrIn(bytes([10, 9, 0, 77]), 9))
    lab.host.advance(30)
    host("close", s)
    host("close", s6)
    text = decoded(wire.frames, tmp_path / "wire.pcap")
    for said in (
        "Request who-has", "Reply 10.0.0.254 is-at", "udp port 9 unreachable", "igmp v3 report",
        "neighbor solicitation", "neighbor advertisement", "router solicitation", "router advertisement",
        "prefix info option", "multicast listener report v2", "unreachable port", "packet too big, mtu 1300",
        "unreachable address", "host 10.9.0.77 unreachable", "frag (",
    ):  # fmt: skip
        assert said in text, said


def test_it_pings_us(pair: tuple[Linux, Machine]) -> None:
    peer, _ = pair
    for size in SIZES:
        for address in ("10.0.0.2", "fd00::2"):
            out = peer.talk("ping", "-n", "-c", "1", "-W", "3", "-s", str(size), address)
            assert " 0% packet loss" in out, (size, address, out)
    seen = peer.run("ip", "neigh")
    assert len(re.findall(rf"lladdr {eth(pair[1]).lladdr.hex(':')}", seen)) >= 2


def test_we_ping_it(pair: tuple[Linux, Machine], tmp_path: Path) -> None:
    peer, ours = pair
    for size in SIZES:
        four, six = ping(ours, ONE, size), ping6(ours, a6("fd00::1"), size)
        peer.pump(lambda s=(four, six): all(ours.net.socket(each).rcv for each in s))  # type: ignore[misc]
        message = ipv4.Packet(ours("recvfrom", four, 70_000, None).data).payload
        assert (message[0], len(message)) == (icmp.ECHO_REPLY, size + 8)
        message = ours("recvfrom", six, 70_000, None).data
        assert (message[0], len(message)) == (icmp6.ECHO_REPLY, size + 8)
        ours("close", four)
        ours("close", six)
    mac = re.search(r"link/ether (\S+)", peer.run("ip", "link", "show", "tap0"))
    assert mac is not None
    for addr in (ONE, a6("fd00::1")):
        entry = eth(ours).neighbours.entries[addr]
        assert (entry.lladdr.hex(":"), entry.state) == (mac[1], State.REACHABLE)
    assert len(decoded(peer.wire.frames, tmp_path / "wire.pcap").splitlines()) > len(peer.wire.frames)


@pytest.mark.parametrize("size", [0, 1, 1472, 1473, 9000])
def test_datagrams_both_ways(pair: tuple[Linux, Machine], size: int) -> None:
    peer, ours = pair
    data = bytes(i * 7 & 0xFF for i in range(size))
    for family, host, us in ((socket.AF_INET, "10.0.0.1", "10.0.0.2"), (socket.AF_INET6, "fd00::1", "fd00::2")):
        theirs = peer.socket(family, socket.SOCK_DGRAM)
        theirs.bind((host, 5353))
        name: SockaddrIn | SockaddrIn6
        if family == socket.AF_INET:
            s, name = ours.nonblocking(ours.udp()), SockaddrIn(ONE, 5353)
        else:
            s, name = udp6(ours), SockaddrIn6(a6(host), 5353)
        ours("sendto", s, data, None, name)
        peer.pump(lambda: True)
        theirs.setblocking(False)
        received: list[bytes] = []

        def arrived(so: socket.socket = theirs, found: list[bytes] = received) -> bool:
            try:
                found.append(so.recv(10_000))
            except BlockingIOError:
                return False
            return True

        peer.pump(arrived)
        assert received == [data]
        port = ours("getsockname", s)[1]
        theirs.sendto(data, (us, port))
        peer.pump(lambda s=s: bool(ours.net.socket(s).rcv))  # type: ignore[misc]
        assert ours("recvfrom", s, 10_000, None) == (data, name)
        theirs.close()


def test_nobody_listens(pair: tuple[Linux, Machine]) -> None:
    peer, ours = pair
    for family, us in ((socket.AF_INET, "10.0.0.2"), (socket.AF_INET6, "fd00::2")):
        theirs = peer.socket(family, socket.SOCK_DGRAM)
        theirs.connect((us, 9))
        theirs.send(b"x")
        error: list[int] = []

        def refused(so: socket.socket = theirs, found: list[int] = error) -> bool:
            found[:] = [so.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
            return bool(found[0])

        peer.pump(refused)
        assert error == [111]
        theirs.close()
    s = ours.udp()
    ours("connect", s, SockaddrIn(ONE, 9))
    ours("write", s, b"x")
    peer.pump(lambda: bool(ours.net.socket(s).error))
    assert ours.net.socket(s).error == 61  # ECONNREFUSED there


def behind(ours: Machine, mtu: int) -> None:
    """A host behind our kernel, which is a router now."""
    wire, far = Wire(), Machine(ours.host)
    ours.plug(wire, "10.9.0.1/24", "fd09::1/64").set_mtu(mtu)
    far.plug(wire, "10.9.0.2/24", "fd09::2/64").set_mtu(mtu)
    ours.inet.ip.forwarding.put(1)
    inet6(ours).ip6.forwarding.put(1)
    far("netconfig_ipv4_gw", "10.9.0.1")
    far("netconfig_ipv6_gw", "fd09::1")


def test_we_are_its_router(pair: tuple[Linux, Machine]) -> None:
    peer, ours = pair
    behind(ours, mtu=1300)
    peer.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
    peer.run("ip", "-6", "route", "add", "fd09::/64", "via", "fd00::2")
    ours.inet.arp.tries.put(1)
    for address in ("10.9.0.2", "fd09::2"):
        out = peer.talk("ping", "-n", "-c", "2", "-i", "0.2", "-W", "3", "-M", "do", "-s", "1300", address)
        assert re.search(r"mtu[ =:]+1300", out), out
        out = peer.talk("ping", "-n", "-c", "2", "-W", "3", "-i", "0.2", "-s", "3000", address)
        assert " 0% packet loss" in out, out
        out = peer.talk("ping", "-n", "-c", "1", "-W", "3", "-t", "1", address)
        assert re.search(r"Time to live exceeded|Hop limit", out), out
        assert "mtu 1300" in peer.run("ip", "route", "get", address)
    out = peer.talk("ping", "-n", "-c", "1", "-W", "5", "10.9.0.77")
    assert "Destination Host Unreachable" in out


def test_it_is_configured_by_us(pair: tuple[Linux, Machine]) -> None:
    peer, ours = pair
    inet6(ours).ip6.forwarding.put(1)
    inet6(ours).rtadv.put(1)
    ours("netconfig_ipv6_ifaddr", "eth0", "fd55::1", 64)
    inet6(ours).rtadv.advertise(eth(ours))
    peer.pump(lambda: "fd55::" in peer.run("ip", "-6", "addr", "show", "dev", "tap0"))
    routes = peer.run("ip", "-6", "route")
    assert re.search(r"default via fe80::\S+ dev tap0 proto ra", routes)
    assert "fd55::/64" in routes


def test_duplicates_are_found(pair: tuple[Linux, Machine]) -> None:
    peer, ours = pair
    ours.inet.ip.dad_count.put(2)
    inet6(ours).nd.dad_count.put(1)
    ours("netconfig_ifaddrdel", "eth0", "10.0.0.2")
    ours("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.1", 24)
    ours("netconfig_ipv6_ifaddr", "eth0", "fd00::1", 64)
    port = eth(ours)
    peer.pump(lambda: sum(bool(a.flags & DUPLICATED) for a in port.addresses) == 2)
    peer.run("ip", "-6", "addr", "add", "fd00::2/64", "dev", "tap0")
    peer.pump(lambda: "dadfailed" in peer.run("ip", "-6", "addr", "show", "dev", "tap0"))


def test_groups(pair: tuple[Linux, Machine]) -> None:
    peer, ours = pair
    theirs = peer.socket(socket.AF_INET, socket.SOCK_DGRAM)
    theirs.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, bytes([239, 1, 2, 3]) + ONE)
    theirs.bind(("239.1.2.3", 5353))
    theirs.setblocking(False)
    s = ours.nonblocking(ours.udp())
    ours("setsockopt", s, const.IPPROTO_IP, const.IP_MULTICAST_IF, Mreq(ifindex=eth(ours).index))
    ours("sendto", s, b"all", None, SockaddrIn(bytes([239, 1, 2, 3]), 5353))
    peer.pump(lambda: True)
    assert theirs.recv(100) == b"all"
    theirs.close()


def test_advertised_by_linux_like_ours(pair: tuple[Linux, Machine]) -> None:
    """Linux has no daemon for advertisements here, so one is made by hand and sent through its kernel."""
    peer, ours = pair
    ours("netconfig_auto_ipv6", "eth0")
    peer.pump(lambda: "tentative" not in peer.run("ip", "-6", "addr", "show", "dev", "tap0"))
    so = peer.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    index = socket_index(peer)
    so.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    so.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    prefix = icmp6.option(icmp6.PREFIX, icmp6.PREFIX_INFORMATION.pack(64, 0xC0, 900, 900, 0, a6("fd66::")))
    so.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 60, 0, 0) + prefix, ("ff02::1", 0, 0, index))
    peer.pump(lambda: any(a.flags == AUTOCONF for a in eth(ours).ipv6()))
    so.close()


def socket_index(peer: Linux) -> int:
    found = re.search(r"^(\d+): tap0", peer.run("ip", "-o", "link", "show", "tap0"))
    assert found is not None
    return int(found[1])

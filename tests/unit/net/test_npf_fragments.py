"""Fragments of IPv6 and the packet filter: rules see ports, whatever the pieces; they leave as they came."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpclients import _npf_conf
from rumpnet.core.route import ANY6
from rumpwire.values import SockaddrIn6
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.linux import decoded, linux
from tests.unit.net.npf_packets import ip, udp
from tests.unit.net.test_inet6 import a6, udp6

RULES = """
group "public" on eth0 {
  pass in final proto ipv6-icmp all
  pass stateful in final proto udp to any port 5300
  block in all
}
group default { pass all }
"""
HOST, SERVER = "2001:db8:1::9", "2001:db8:2::9"


class Site:
    """A router between the networks 2001:db8:1::/64, where the test sends in a host's name, and 2001:db8:2::/64."""

    def __init__(self) -> None:
        self.lab = Lab(linklocal=False)
        self.outer, self.inner = Wire(), Wire()
        self.router, self.server, host = (self.lab.machine() for _ in range(3))
        host.plug(self.outer, f"{HOST}/64")
        self.outside = self.router.plug(self.outer, "2001:db8:1::1/64")
        self.inside = self.router.plug(self.inner, "2001:db8:2::1/64")
        port = self.server.plug(self.inner, f"{SERVER}/64")
        self.server.net.routes.add(ANY6, 0, port, gateway=a6("2001:db8:2::1"))
        self.router.inet6.ip6.forwarding.value = 1
        self.lab.host.advance(5)
        self.router("npf_load", _npf_conf.parse(RULES))
        self.router("npf_switch", True)
        self.service = bound(self.server, 5300)
        self.other = bound(self.server, 2222)
        self.inner.frames.clear()

    def send(self, packet: bytes) -> None:
        self.outer.inject(self.outside.lladdr + b"\2\0\0\0\0\7\x86\xdd" + packet)

    def arrived(self) -> list[bytes]:
        """What came to port 5300; nothing may come to the other one."""
        assert not self.server.net.socket(self.other).rcv
        found = []
        while self.server.net.socket(self.service).rcv:
            found.append(bytes(self.server("recvfrom", self.service, 70_000, None).data))
        return found

    def pieces_inside(self) -> list[bytes]:
        """The packets that the router sent on, without the link layer."""
        return [frame[14:] for frame in self.inner.frames if frame[12:14] == b"\x86\xdd" and frame[20] in (17, 44)]


def bound(machine: Machine, port: int) -> int:
    s = udp6(machine)
    machine("bind", s, SockaddrIn6(ANY6, port))
    return s


def piece(packet: bytes, begin: int, end: int, *, more: bool, ident: int = 7, before: bytes = b"") -> bytes:
    """Bytes ``begin`` to ``end`` of the payload of a packet as a fragment, ``before`` being headers ahead of it."""
    protocol, part = packet[6], packet[40:][begin:end]
    head = before + struct.pack("!BBHI", protocol, 0, begin | more, ident)
    first = 60 if before else 44
    return packet[:4] + struct.pack("!HBB", len(head) + len(part), first, 64) + packet[8:40] + head + part


def cut(packet: bytes, step: int, ident: int = 7) -> list[bytes]:
    length = len(packet) - 40
    return [
        piece(packet, begin, begin + step, more=begin + step < length, ident=ident) for begin in range(0, length, step)
    ]


@pytest.mark.parametrize("backwards", [False, True])
def test_rules_see_the_ports_of_what_comes_in_pieces(backwards: bool) -> None:
    site = Site()
    data = bytes(range(256)) * 12
    for port in (5300, 2222):
        pieces = cut(udp(HOST, 4000, SERVER, port, data), 1232, ident=port)
        for each in reversed(pieces) if backwards else pieces:
            site.send(each)
    assert site.arrived() == [data]
    assert len(site.router("npf_connections")) == 1


def test_they_leave_as_long_as_they_came_under_the_same_identification() -> None:
    site = Site()
    for each in cut(udp(HOST, 4000, SERVER, 5300, bytes(4000)), 1304, ident=0xABCDEF):
        site.send(each)
    left = site.pieces_inside()
    assert [len(each) for each in left] == [1352, 1352, 1352, 144]
    assert {each[44:48] for each in left} == {b"\0\xab\xcd\xef"}
    assert site.arrived() == [bytes(4000)]


def test_a_router_cuts_no_packet_that_does_not_fit() -> None:
    site = Site()
    site.inside.set_mtu(1300)
    for each in cut(udp(HOST, 4000, SERVER, 5300, bytes(4000)), 1448):
        site.send(each)
    assert not site.pieces_inside()
    told = [frame[54:] for frame in site.outer.frames if frame[20] == 58 and frame[54] == 2]
    assert [int.from_bytes(each[4:8], "big") for each in told] == [1300]


def test_an_atomic_fragment_passes_as_it_is() -> None:
    site = Site()
    packet = udp(HOST, 4000, SERVER, 5300, b"hello")
    site.send(piece(packet, 0, 100, more=False))
    assert site.arrived() == [b"hello"]
    site.send(piece(udp(HOST, 4000, SERVER, 2222, b"hello"), 0, 100, more=False))
    assert site.arrived() == []


def test_pieces_that_overlap_end_the_datagram_also_for_those_that_come_later() -> None:
    """RFC 5722, 4: the port must not be written over behind the filter's back."""
    site = Site()
    good, evil = (udp(HOST, 4000, SERVER, port, bytes(100)) for port in (5300, 2222))
    site.send(piece(good, 0, 56, more=True))
    site.send(piece(evil, 0, 16, more=True))
    for each in cut(good, 56):  # as if nothing had been
        site.send(each)
    assert site.arrived() == []
    assert not site.pieces_inside()
    site.lab.host.advance(61)
    for each in cut(good, 56):
        site.send(each)
    assert site.arrived() == [bytes(100)]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(lambda p: [piece(p, 0, 56, more=True, before=bytes([44, 40, 1, 4, 0, 0, 0, 0]))], id="chain"),
        pytest.param(lambda p: [piece(p, 0, 4, more=True)], id="headers beyond the first"),
        pytest.param(lambda p: [piece(p, 0, 60, more=True), piece(p, 60, 200, more=False)], id="odd"),
        pytest.param(lambda p: [piece(p, 0, 56, more=True), piece(p, 65528, 65536, more=False)], id="empty"),
        pytest.param(lambda p: [piece(p, 0, 56, more=True)[:50]], id="cut off"),
        pytest.param(lambda p: [each for one in cut(p, 56) for each in cut(one, 32, 99)], id="within one another"),
    ],
)  # fmt: skip
def test_what_is_wrong_goes_nowhere(pieces: object) -> None:
    site = Site()
    packet = udp(HOST, 4000, SERVER, 5300, bytes(100))
    for each in pieces(packet):  # type: ignore[operator]
        site.send(each)
    assert site.arrived() == []
    assert not site.pieces_inside()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_hostile_pieces_never_bring_another_port(data: st.DataObject) -> None:
    """Whatever mixture of pieces of an allowed and a refused datagram comes: nothing reaches the refused port."""
    site = _SHARED
    ident = data.draw(st.integers(0, 2**32 - 1))
    sources = [udp(HOST, 4000, SERVER, port, fill * 80) for port, fill in ((5300, b"\1"), (2222, b"\2"))]
    for _ in range(data.draw(st.integers(1, 8))):
        begin = data.draw(st.integers(0, 10)) * 8
        end = begin + data.draw(st.integers(0, 5)) * 8
        site.send(
            piece(data.draw(st.sampled_from(sources)), begin, end, more=data.draw(st.booleans()), ident=ident)
        )  # fmt: skip
    assert all(set(got) <= {1} for got in site.arrived())


_SHARED = Site()


def test_what_linux_cuts_passes_and_it_takes_what_we_cut(tmp_path: Path) -> None:
    data = bytes(range(251)) * 36
    with linux() as (peer, router):
        inner, server = Wire(), Machine(peer.host)
        router.plug(inner, "2001:db8:2::1/64")
        end = server.plug(inner, f"{SERVER}/64")
        server.net.routes.add(ANY6, 0, end, gateway=a6("2001:db8:2::1"))
        router.inet6.ip6.forwarding.value = 1
        peer.run("ip", "-6", "route", "add", "2001:db8:2::/64", "via", "fd00::2")
        router("npf_load", _npf_conf.parse(RULES))
        router("npf_switch", True)
        services = {port: bound(server, port) for port in (5300, 2222)}
        theirs = peer.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        theirs.bind(("fd00::1", 4000))
        theirs.sendto(data, (SERVER, 2222))
        theirs.sendto(data, (SERVER, 5300))
        peer.pump(lambda: bool(server.net.socket(services[5300]).rcv))
        got = server("recvfrom", services[5300], 70_000, None)
        assert (bytes(got.data), got.from_addr.sin6_addr) == (data, ip("fd00::1"))
        assert not server.net.socket(services[2222]).rcv
        server("sendto", services[5300], data[::-1], 0, got.from_addr)
        theirs.setblocking(False)
        answers: list[bytes] = []

        def answered() -> bool:
            try:
                answers.append(theirs.recv(70_000))
            except BlockingIOError:
                return False
            return True

        peer.pump(answered)
        assert answers == [data[::-1]]
        theirs.close()
        assert "frag (" in decoded(peer.wire.frames, tmp_path / "wire.pcap")

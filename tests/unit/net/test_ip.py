"""IP, ICMP and fragments, on the wire of lo0."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.iface import IPV4, Iface, InputQueue
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.reassembly import DATAGRAMS_MAX, PIECES_MAX, Reassembly
from rumpnet.core.wire import Malformed, icmp, ipv4, udp
from rumpuser.host import ManualHost
from rumpwire import const
from rumpwire.values import SockaddrIn
from tests.unit.net.kit import LOCALHOST, Kit, fails, lo

FAR = bytes([10, 0, 0, 9])


@pytest.fixture
def n() -> Kit:
    return Kit()


class Wire(Iface):
    """An interface whose packets a test looks at."""

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, 1500, 0)
        self.sent: list[ipv4.Packet] = []

    def output(self, packet: Packet, hop: bytes) -> None:
        self.sent.append(ipv4.Packet(packet.view()))


def wire(n: Kit, addr: str) -> Wire:
    n.inet.ip.interfaces.kinds["wire"] = Wire
    name = f"wire{len(n.inet.ip.interfaces.by_name)}"
    n("netconfig_ifcreate", name)
    n("netconfig_ipv4_ifaddr_cidr", name, addr, 24)
    iface = n.inet.ip.interfaces.by_name[name]
    assert isinstance(iface, Wire)
    return iface


def receive(n: Kit, iface: Iface, packet: bytes) -> None:
    n.inet.ip.queue.put(iface, Packet(packet))


def datagram(src: bytes, dst: bytes, payload: bytes, ttl: int = 64, fragment: int = 0) -> bytes:
    header = udp.Udp(1000, 9).emit(src, dst, payload)
    return ipv4.Ipv4(src, dst, 17, ttl, fragment=fragment).emit(len(header) + len(payload)) + header + payload


# -- echo and errors


def test_the_kernel_answers_pings(n: Kit) -> None:
    s = n("socket", const.AF_INET, const.SOCK_RAW, 1)
    other = n("socket", const.AF_INET, const.SOCK_RAW, 1)
    n("connect", other, SockaddrIn(bytes([127, 0, 0, 1])))
    for size in (0, 56, 1473, 60_000):
        message = icmp.Icmp(icmp.ECHO, 0, 0x10001 + size, bytes(size))
        n("sendto", s, message.emit(), None, SockaddrIn(LOCALHOST))
        data, sender = n("recvfrom", s, 65536, None)
        packet = ipv4.Packet(data)
        assert sender == SockaddrIn(LOCALHOST)
        assert packet.parse().src == LOCALHOST
        assert icmp.Packet(packet.payload).parse() == icmp.Icmp(icmp.ECHO_REPLY, 0, 0x10001 + size, bytes(size))
        assert n("recvfrom", other, 65536, None).data == data


def test_errors_quote_the_packet_and_are_limited(n: Kit) -> None:
    out = wire(n, "10.0.0.1")
    packet = datagram(FAR, bytes([10, 0, 0, 1]), b"nobody there")
    for _ in range(150):
        receive(n, out, packet)
    assert len(out.sent) == 100
    answer = icmp.Packet(out.sent[0].payload).parse()
    assert (answer.type, answer.code) == (icmp.UNREACHABLE, icmp.PORT_UNREACHABLE)
    assert answer.payload == packet[:28]
    n.host.advance(1)
    receive(n, out, packet)
    assert len(out.sent) == 101


@pytest.mark.parametrize(
    ("src", "dst", "protocol"),
    [
        (bytes(4), bytes([10, 0, 0, 1]), 99),
        (b"\xe0\0\0\1", bytes([10, 0, 0, 1]), 99),
        (FAR, b"\xff" * 4, 99),
    ],
    ids=["from nobody", "from a group", "to all"],
)
def test_of_whom_nobody_is_told(n: Kit, src: bytes, dst: bytes, protocol: int) -> None:
    out = wire(n, "10.0.0.1")
    receive(n, out, ipv4.Ipv4(src, dst, protocol).emit(8) + bytes(8))
    assert out.sent == []
    assert n.inet.icmp.stats["errors not generated"] == 1


def test_unknown_protocols_are_told_of(n: Kit) -> None:
    out = wire(n, "10.0.0.1")
    receive(n, out, ipv4.Ipv4(FAR, bytes([10, 0, 0, 1]), 99).emit(8) + bytes(8))
    assert icmp.Packet(out.sent[0].payload).code == icmp.PROTOCOL_UNREACHABLE


def test_errors_about_errors_are_not_sent(n: Kit) -> None:
    out = wire(n, "10.0.0.1")
    message = icmp.Icmp(icmp.UNREACHABLE, 3, 0, bytes(28)).emit()
    receive(n, out, ipv4.Ipv4(FAR, FAR, 1).emit(len(message)) + message)
    n.inet.ip.forwarding.value = 1
    receive(n, out, ipv4.Ipv4(FAR, bytes([99, 0, 0, 1]), 1, ttl=1).emit(len(message)) + message)
    assert out.sent == []


# -- forwarding


def test_a_router(n: Kit) -> None:
    one, two = wire(n, "10.0.0.1"), wire(n, "10.0.1.1")
    packet = datagram(FAR, bytes([10, 0, 1, 7]), b"x" * 3000)
    receive(n, one, packet)
    assert two.sent == []
    n("sysctl_value", "net.inet.ip.forwarding", n("sysctl_value", "net.inet.ip.ttl", None)._replace(integer=1))
    receive(n, one, packet)
    assert [p.hop_limit for p in two.sent] == [63, 63, 63]
    assert [(p.offset, p.more) for p in two.sent] == [(0, True), (1480, True), (2960, False)]
    assert b"".join(bytes(p.payload) for p in two.sent) == packet[20:]
    receive(n, one, datagram(FAR, bytes([10, 0, 1, 7]), b"", ttl=1))
    assert icmp.Packet(one.sent[-1].payload).type == icmp.TIME_EXCEEDED
    receive(n, one, datagram(FAR, bytes([10, 0, 1, 7]), b"x" * 3000, fragment=ipv4.DONT_FRAGMENT))
    assert icmp.Packet(one.sent[-1].payload).code == icmp.NEEDS_FRAGMENTATION
    receive(n, one, datagram(FAR, bytes([99, 0, 1, 7]), b""))
    assert icmp.Packet(one.sent[-1].payload).code == icmp.HOST_UNREACHABLE
    receive(n, one, datagram(FAR, bytes([127, 0, 0, 7]), b""))
    assert len(one.sent) == 3


def test_a_packet_that_goes_round_ends(n: Kit) -> None:
    n.inet.ip.forwarding.value = 1
    n("netconfig_ipv4_ifaddr_cidr", "lo0", "10.0.0.1", 24)
    n("sendto", n.udp(), b"x", None, SockaddrIn(FAR, 5))
    assert n.inet.ip.stats["packets forwarded"] == 63


# -- the input queue


def test_the_queue_is_bounded_and_not_recursive() -> None:
    queue = InputQueue(limit=8)
    iface = Kit().inet.ip.interfaces.by_name["lo0"]
    depth = deepest = handled = 0

    def deliver(source: Iface, packet: Packet) -> None:
        nonlocal depth, deepest, handled
        depth, handled = depth + 1, handled + 1
        deepest = max(deepest, depth)
        if handled < 1000:
            queue.put(iface, packet, IPV4)
            queue.put(iface, packet, IPV4)
        depth -= 1

    queue.protocols[IPV4] = deliver
    queue.put(iface, Packet(b"x"), IPV4)
    assert deepest == 1
    assert len(queue) == 0
    assert queue.drops > 900


# -- reassembly


def pieces(payload: bytes, size: int, ident: int = 1) -> list[bytes]:
    """A datagram in fragments of ``size`` bytes."""
    found = []
    for at in range(0, len(payload), size):
        part = payload[at : at + size]
        more = ipv4.MORE_FRAGMENTS if at + size < len(payload) else 0
        found.append(ipv4.Ipv4(FAR, LOCALHOST, 17, ident=ident, fragment=at // 8 | more).emit(len(part)) + part)
    return found


@given(st.binary(min_size=9, max_size=300), st.integers(1, 6), st.randoms(use_true_random=False))
def test_in_any_order_and_twice(payload: bytes, units: int, order: random.Random) -> None:
    host = ManualHost()
    reassembly = Reassembly(host)
    fragments = pieces(payload, units * 8)
    order.shuffle(fragments)
    last = fragments.pop()
    for fragment in fragments + fragments:
        assert reassembly.add(ipv4.Packet(fragment)) is None
    whole = reassembly.add(ipv4.Packet(last))
    assert whole is not None
    assert bytes(ipv4.Packet(whole).payload) == payload
    assert not ipv4.Packet(whole).is_fragment
    assert len(reassembly) == 0


def test_what_never_becomes_whole_goes(n: Kit) -> None:
    host = ManualHost()
    reassembly = Reassembly(host)
    for ident in range(DATAGRAMS_MAX * 3):
        reassembly.add(ipv4.Packet(pieces(bytes(100), 48, ident)[0]))
    assert len(reassembly) == DATAGRAMS_MAX
    host.advance(31)
    assert len(reassembly) == 0
    assert reassembly.expired == DATAGRAMS_MAX * 3
    *many, last = pieces(bytes(8 * (PIECES_MAX + 2)), 8)[1:-1] + pieces(bytes(16), 8)[:1]
    for fragment in many:
        assert reassembly.add(ipv4.Packet(fragment)) is None
    with pytest.raises(Malformed):
        reassembly.add(ipv4.Packet(last))


def hand(offset: int, length: int, *, more: bool) -> ipv4.Packet:
    word = offset // 8 | (ipv4.MORE_FRAGMENTS if more else 0)
    return ipv4.Packet(ipv4.Ipv4(FAR, LOCALHOST, 17, fragment=word).emit(length) + bytes([offset & 0xFF]) * length)


@pytest.mark.parametrize(
    "fragments",
    [
        [(65528, 8, False)],
        [(8, 0, False)],
        [(0, 12, True)],
        [(0, 16, True), (8, 16, True)],
        [(8, 8, True), (0, 24, True)],
        [(16, 8, False), (32, 8, False)],
        [(16, 8, False), (24, 8, True)],
        [(0, 8, True), (0, 16, True)],
    ],
    ids=["ping of death", "empty", "odd", "overlap", "cover", "two ends", "behind the end", "longer twin"],
)
def test_fragments_that_contradict(fragments: list[tuple[int, int, bool]]) -> None:
    reassembly = Reassembly(ManualHost())
    *good, bad = [hand(offset, length, more=more) for offset, length, more in fragments]
    for fragment in good:
        assert reassembly.add(fragment) is None
    with pytest.raises(Malformed):
        reassembly.add(bad)
    assert len(reassembly) == 0


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40), st.booleans()), max_size=12))
def test_any_fragments(fragments: list[tuple[int, int, bool]]) -> None:
    """A whole comes out only where the pieces cover it exactly."""
    reassembly = Reassembly(ManualHost())
    for (unit, length, more), _ in zip(fragments, itertools.count(), strict=False):
        try:
            whole = reassembly.add(hand(unit * 8, length, more=more))
        except Malformed:
            continue
        if whole is not None:
            assert ipv4.Packet(whole).view.nbytes <= ipv4.MAX_LEN


# -- lo0


def test_an_interface_that_is_down(n: Kit) -> None:
    n("netconfig_ifdown", "lo0")
    assert fails(n, "sendto", n.udp(), b"x", None, lo(5)) == "ENETDOWN"
    assert fails(n, "connect", n.udp(), lo(5)) == "ENETDOWN"
    assert fails(n, "sendto", n.udp(), b"x", None, SockaddrIn(bytes([127, 1, 1, 1]), 5)) == "ENETUNREACH"
    n("netconfig_ifup", "lo0")
    n("sendto", n.udp(), b"x", None, lo(5))

"""Hostile frames on the wire of a whole kernel: nothing escapes, memory stays bounded, and it serves on."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.neighbour import NEIGHBOURS_MAX, WAITING_BYTES_MAX
from rumpnet.core.reassembly import DATAGRAMS_MAX
from rumpnet.core.wire import arp, ethernet, icmp, icmp6, igmp, ipv4, ipv6
from rumpnet.core.wire.checksum import ones_sum
from rumpwire import const
from rumpwire.values import SockaddrIn6
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.test_ether import answer, ping
from tests.unit.net.test_inet import eth
from tests.unit.net.test_inet6 import a6, answered, inet6, ping6

MAC = b"\2\0\0\0\0\x01"
byte = st.integers(0, 255)
word = st.integers(0, 0xFFFFFFFF)
addresses4 = st.sampled_from(
    [bytes([10, 0, 0, n]) for n in (1, 2, 9, 255)]
    + [bytes(4), b"\xff" * 4, bytes([224, 0, 0, 1]), bytes([127, 0, 0, 1])]
)
addresses6 = st.sampled_from(
    [
        a6(text)
        for text in ("fd00::1", "fd00::2", "fe80::9", "ff02::1", "ff02::2", "ff02::1:ff00:1", "::", "::1", "fd07::5")
    ]
)
macs = st.sampled_from([MAC, b"\xff" * 6, b"\1\0\x5e\0\0\1", bytes(6)])
links = st.builds(icmp6.link_option, st.integers(1, 2), macs)
prefixes = st.builds(
    lambda plen, flags, valid, preferred, prefix: icmp6.option(
        icmp6.PREFIX, icmp6.PREFIX_INFORMATION.pack(plen, flags, valid, preferred, 0, prefix)
    ),
    byte, byte, word, word, addresses6 | st.binary(min_size=16, max_size=16),
)  # fmt: skip
others = st.builds(icmp6.option, st.integers(0, 40), st.binary(min_size=1, max_size=40))
options = st.lists(links | prefixes | others, max_size=4).map(b"".join)


@st.composite
def icmp6_packets(draw: st.DrawFn) -> bytes:
    """Of all types, with a checksum that is right."""
    src, dst = draw(addresses6), draw(addresses6)
    kind = draw(st.sampled_from([1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143]))
    fixed = draw(st.binary(max_size=8) | addresses6 | st.tuples(addresses6, addresses6).map(b"".join))
    payload = fixed + draw(options | st.binary(max_size=60))
    pseudo = ones_sum(src + dst) + 58 + 8 + len(payload)
    message = icmp6.Icmp6(kind, draw(st.sampled_from([0, 0, 0, 1])), draw(word), payload).emit(pseudo)
    return ipv6.emit(src, dst, 58, len(message), draw(st.sampled_from([255, 255, 1]))) + message


@st.composite
def extended(draw: st.DrawFn) -> bytes:
    """Chains of extension headers and fragments."""
    kinds = draw(st.lists(st.sampled_from([0, 43, 44, 60]), min_size=1, max_size=9))
    last = draw(st.sampled_from([6, 17, 58, 59, 99]))
    body = b""
    for kind, following in zip(kinds, [*kinds[1:], last], strict=True):
        if kind == ipv6.FRAGMENT:
            body += ipv6.FRAGMENT_HEADER.pack(following, 0, draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 3)))
        else:
            body += bytes([following, draw(st.sampled_from([0, 0, 0, 1, 255]))]) + draw(
                st.binary(min_size=6, max_size=14)
            )
    body += draw(st.binary(max_size=40))
    src, dst = draw(addresses6), draw(addresses6)
    return ipv6.emit(src, dst, kinds[0], len(body), draw(byte)) + body


@st.composite
def ipv4_packets(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from([1, 2, 17, 99]))
    body = draw(st.binary(max_size=60))
    if kind == icmp.PROTOCOL:
        quote = draw(st.just(b"") | st.builds(lambda d: ipv4.Ipv4(d, d, 17).emit(8) + bytes(8), addresses4))
        body = icmp.Icmp(
            draw(st.sampled_from([0, 3, 5, 8, 11, 12, 13, 17])), draw(byte), draw(word), quote + body
        ).emit()
    elif kind == igmp.PROTOCOL:
        body = igmp.Igmp(draw(st.sampled_from([0x11, 0x12, 0x16, 0x17, 0x22])), draw(byte), draw(addresses4)).emit()
    option = draw(
        st.sampled_from([b"", b"", bytes([7, 7, 4, 0, 0, 0, 0, 0]), bytes([68, 8, 5, 1]) + bytes(4)])
        | st.binary(max_size=40)
    )
    option = option[: len(option) // 4 * 4]
    header = ipv4.Ipv4(
        draw(addresses4),
        draw(addresses4),
        kind,
        draw(byte),
        0,
        draw(st.integers(0, 3)),
        draw(st.sampled_from([0, 0, 0x2000, 0x2001, 1, 0x1FFF])),
        option,
    )
    return header.emit(len(body)) + body


arps = st.builds(
    lambda operation, lladdr, sender, target_lladdr, target: arp.FORMAT.pack(
        1, 0x0800, 6, 4, operation, lladdr, sender, target_lladdr, target
    ),
    st.integers(0, 3), macs, addresses4, macs, addresses4,
)  # fmt: skip
contents = st.one_of(
    st.tuples(st.just(0x86DD), icmp6_packets() | extended() | st.binary(max_size=80)),
    st.tuples(st.just(0x0800), ipv4_packets() | st.binary(max_size=60)),
    st.tuples(st.just(arp.ETHERTYPE), arps | st.binary(max_size=40)),
    st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)),
)
to = st.sampled_from([b"", b"\xff" * 6, b"\x33\x33\0\0\0\1", b"\x33\x33\xff\0\0\1", b"\1\0\x5e\0\0\1"])
frames = st.tuples(to, contents)


def machine(lab: Lab, wire: Wire, number: int) -> Machine:
    made = lab.machine()
    made.plug(wire, f"10.0.0.{number}/24", f"fd00::{number}/64")
    return made


@settings(max_examples=150, deadline=None)
@given(st.lists(frames, max_size=25), st.booleans(), st.booleans())
def test_the_stack_survives(hostile: list[tuple[bytes, tuple[int, bytes]]], router: bool, believing: bool) -> None:
    lab = Lab()
    wire = Wire()
    one, two = machine(lab, wire, 1), machine(lab, wire, 2)
    lab.host.advance(3)
    one.inet.ip.forwarding.value = inet6(one).ip6.forwarding.value = int(router)
    inet6(one).rtadv.put(int(router))
    inet6(one).slaac.accept_rtadv.value = int(believing)
    one("socket", const.AF_INET, const.SOCK_RAW, 1)
    one("socket", const.AF_INET6, const.SOCK_RAW, 58)
    port = eth(one)
    wire.ports.remove(eth(two))
    for dst, (kind, content) in hostile:
        wire.inject((dst or port.lladdr) + MAC + struct.pack("!H", kind) + content)
    lab.host.advance(2)
    assert len(one.net.queue) == 0
    assert len(port.neighbours) <= NEIGHBOURS_MAX
    for layer in (one.inet.ip, inet6(one).ip6):
        assert len(layer.reassembly) <= DATAGRAMS_MAX
    assert len(inet6(one).slaac.routers) <= 16
    assert len(inet6(one).slaac.prefixes) <= 16
    assert len(port.addresses) <= 40
    lab.host.advance(100)
    assert not len(one.inet.ip.reassembly) + len(inet6(one).ip6.reassembly)
    wire.ports.append(eth(two))
    _serves(lab, one, two)


def test_full_tables_are_no_accident() -> None:
    """Senders for whom there is no room are dropped and counted."""
    lab, wire = Lab(), Wire()
    one = machine(lab, wire, 1)
    lab.host.advance(3)
    port = eth(one)
    inet6(one).nd.gcthresh.put(1)
    port.neighbours.set(a6("fd00::5"), MAC, permanent=True)
    payload = a6("fd00::1") + icmp6.link_option(icmp6.SOURCE_LINK, MAC)
    pseudo = ones_sum(a6("fd00::9") + a6("fd00::1")) + 58 + 8 + len(payload)
    message = icmp6.Icmp6(icmp6.NEIGHBOUR_SOLICIT, 0, 0, payload).emit(pseudo)
    packet = ipv6.emit(a6("fd00::9"), a6("fd00::1"), 58, len(message), 255) + message
    wire.inject(ethernet.HEADER.pack(port.lladdr, MAC, 0x86DD) + packet)
    assert inet6(one).ip6.stats["dropped: enobufs"] == 1
    assert len(port.neighbours) == 1


def _serves(lab: Lab, one: Machine, two: Machine) -> None:
    """What was learned of others may be wrong; what is known of two is found out anew."""
    for m in (one, two):
        eth(m).neighbours.purge()
        m.net.routes.remove_where(lambda r: bool(r.flags & const.RTF_DYNAMIC))
    two("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.77", 24)
    two("netconfig_ipv6_ifaddr", "eth0", "fd00::77", 64)
    lab.host.advance(3)
    if not any(a.flags for a in eth(one).ipv4()):
        s = ping(one, bytes([10, 0, 0, 77]))
        assert answer(one, s).type == icmp.ECHO_REPLY
    if not any(a.flags & 4 for a in eth(one).ipv6()) and inet6(one).nd.link(eth(one)).hop_limit in range(65):
        assert answered(one, ping6(one, a6("fd00::77"))) == 56


def test_many_neighbours_are_few() -> None:
    """A flood of senders does not make the cache grow without end."""
    lab = Lab()
    wire = Wire()
    one = machine(lab, wire, 1)
    lab.host.advance(3)
    port = eth(one)
    for number in range(NEIGHBOURS_MAX + 500):
        source = a6("fd00::")[:12] + number.to_bytes(4, "big")
        payload = a6("fd00::1") + icmp6.link_option(icmp6.SOURCE_LINK, MAC)
        pseudo = ones_sum(source + a6("fd00::1")) + 58 + 8 + len(payload)
        message = icmp6.Icmp6(icmp6.NEIGHBOUR_SOLICIT, 0, 0, payload).emit(pseudo)
        packet = ipv6.emit(source, a6("fd00::1"), 58, len(message), 255) + message
        wire.inject(ethernet.HEADER.pack(port.lladdr, MAC, 0x86DD) + packet)
    assert len(port.neighbours) == NEIGHBOURS_MAX


def test_packets_for_nobody_do_not_fill_the_memory() -> None:
    """Each of many neighbours that are not there may keep some packets, but not all of them at once."""
    lab = Lab()
    wire = Wire()
    one = machine(lab, wire, 1)
    lab.host.advance(3)
    port = eth(one)
    s = one("socket", const.AF_INET6, const.SOCK_DGRAM, 0)
    for number in range(200):
        for _ in range(10):
            one("sendto", s, bytes(1400), 0, SockaddrIn6(a6(f"fd00::99:{number:x}"), 9))
    assert port.neighbours.held <= WAITING_BYTES_MAX
    assert port.neighbours.held == sum(p.length for entry in port.neighbours for p in entry.waiting)
    assert port.neighbours.held > WAITING_BYTES_MAX - 1500
    lab.host.advance(10)
    assert not port.neighbours.held

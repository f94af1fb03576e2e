"""IPv6, ICMPv6, ARP, IGMP and Ethernet as bytes: what is emitted is parsed, and what is parsed raises nothing else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.wire import BadChecksum, Malformed, arp, ethernet, icmp6, igmp, ipv6
from rumpnet.core.wire.checksum import ones_sum

addresses = st.binary(min_size=16, max_size=16)
macs = st.binary(min_size=6, max_size=6)
byte = st.integers(0, 255)
headers = st.builds(ipv6.Ipv6, addresses, addresses, byte, byte, byte, st.integers(0, 0xFFFFF))
LOOPBACK = bytes(15) + b"\1"


@given(headers, st.binary(max_size=60), st.binary(max_size=8))
def test_headers(header: ipv6.Ipv6, payload: bytes, padding: bytes) -> None:
    packet = ipv6.Packet(header.emit(len(payload)) + payload + padding)
    assert packet.parse() == header
    assert bytes(packet.payload) == payload


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFFFFFF), st.binary(max_size=60))
def test_icmp6(kind: int, code: int, rest: int, payload: bytes) -> None:
    message = icmp6.Icmp6(kind, code, rest, payload)
    pseudo = ones_sum(LOOPBACK * 2) + 58 + 8 + len(payload)
    emitted = message.emit(pseudo)
    assert icmp6.Packet(emitted, pseudo).parse() == message
    bad = bytearray(emitted)
    bad[-1] ^= 1
    with pytest.raises(BadChecksum):
        icmp6.Packet(bytes(bad), pseudo)


@given(st.lists(st.tuples(byte, st.binary(min_size=1, max_size=40)), max_size=6))
def test_options_of_neighbour_discovery(options: list[tuple[int, bytes]]) -> None:
    data = b"".join(icmp6.option(kind, body) for kind, body in options)
    found = [(kind, bytes(body)) for kind, body in icmp6.options(memoryview(data))]
    assert [(kind, body.rstrip(b"\0")) for kind, body in found] == [(k, b.rstrip(b"\0")) for k, b in options]


@given(st.sampled_from([arp.REQUEST, arp.REPLY]), macs, st.binary(min_size=4, max_size=4), st.binary(max_size=20))
def test_arp(operation: int, mac: bytes, addr: bytes, padding: bytes) -> None:
    message = arp.Arp(operation, mac, addr, mac[::-1], addr[::-1])
    assert arp.Packet(message.emit() + padding).parse() == message


@given(macs, macs, st.integers(0, 0xFFFF), st.binary(max_size=20))
def test_ethernet(dst: bytes, src: bytes, kind: int, payload: bytes) -> None:
    frame = ethernet.Packet(ethernet.Ethernet(dst, src, kind).emit() + payload)
    assert frame.parse() == ethernet.Ethernet(dst, src, kind)
    assert bytes(frame.payload) == payload


@given(byte, byte, st.binary(min_size=4, max_size=4), st.binary(max_size=12))
def test_igmp(kind: int, code: int, group: bytes, rest: bytes) -> None:
    message = igmp.Igmp(kind, code, group, rest)
    assert igmp.Packet(message.emit()).parse() == message


def test_groups_on_ethernet() -> None:
    assert ethernet.group_address(bytes([224, 129, 2, 3])) == bytes([1, 0, 0x5E, 1, 2, 3])
    assert ethernet.group_address(b"\xff\x02" + bytes(10) + b"\1\2\3\4") == b"\x33\x33\1\2\3\4"


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14])
def test_padding_of_options(length: int) -> None:
    header = ipv6.hop_by_hop(bytes([0x1E, length]) + bytes(length))
    assert len(header) % 8 == 0
    packet = ipv6.Packet(ipv6.emit(LOOPBACK, LOOPBACK, 0, len(header), 64) + b"\x3b" + header[1:])
    assert packet.walk() is None
    assert packet.protocol == ipv6.NO_NEXT


extension = st.tuples(st.sampled_from([0, 43, 44, 60, 60, 59, 17, 58]), byte, st.binary(min_size=6, max_size=30))


@given(st.sampled_from([0, 43, 44, 60]), st.lists(extension, max_size=12), st.binary(max_size=20))
def test_chains_end(first: int, chain: list[tuple[int, int, bytes]], rest: bytes) -> None:
    data = b"".join(bytes([kind, length & 3]) + body for kind, length, body in chain) + rest
    packet = ipv6.Packet(ipv6.emit(LOOPBACK, LOOPBACK, first, len(data), 64) + data)
    with contextlib.suppress(Malformed):
        fragment = packet.walk()
        assert packet.header_len <= len(packet.view)
        if fragment is not None:
            assert len(fragment.whole(bytes(fragment.payload))) <= len(packet.view)


@given(st.binary(max_size=120))
def test_parsers_raise_malformed_alone(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        ipv6.Packet(data).walk()
    with contextlib.suppress(Malformed):
        icmp6.Packet(data, 0, verified=True).parse()
    with contextlib.suppress(Malformed):
        list(icmp6.options(memoryview(data)))
    for parser in (arp.Packet, igmp.Packet, ethernet.Packet):
        with contextlib.suppress(Malformed):
            parser(data).parse()

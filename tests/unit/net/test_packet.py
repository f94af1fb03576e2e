"""Packets in parts, and what is done for interfaces that cannot."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.offload import finish_checksum, segments
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ipv4, udp
from rumpnet.core.wire.checksum import ones_sum

SRC, DST = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
SRC6, DST6 = b"\xfd" + bytes(14) + b"\1", b"\xfd" + bytes(14) + b"\2"


def pseudo(src: bytes, dst: bytes, protocol: int, length: int) -> int:
    return ones_sum(src + dst) + protocol + length


def ip(src: bytes, dst: bytes, protocol: int, length: int) -> bytes:
    if len(src) == 4:
        return ipv4.emit(src, dst, protocol, length, 64, 0, 7, ipv4.DONT_FRAGMENT)
    return struct.pack("!IHBB16s16s", 6 << 28, length, protocol, 64, src, dst)


def tcp(payload: bytes, flags: int, seq: int = 0xFFFFFF00) -> bytes:
    return struct.pack("!HHIIBBHHH", 1, 2, seq, 5, 5 << 4, flags, 512, 0, 0) + payload


def test_parts() -> None:
    packet = Packet(b"data")
    packet.csum_offset = 6
    packet.prepend(b"udp-udp-")
    packet.prepend(b"ip" * 10)
    assert (packet.length, packet.csum_start) == (32, 28)
    assert bytes(packet.view()) == b"ip" * 10 + b"udp-udp-data"
    assert bytes(packet.strip(20)) == b"udp-udp-data"
    packet.trim(9)
    assert (bytes(packet.view()), len(packet), packet.csum_start) == (b"udp-udp-d", 9, 8)


@given(st.binary(max_size=100))
def test_checksums_are_finished(payload: bytes) -> None:
    length = 8 + len(payload)
    head = udp.HEADER.pack(7, 9, length, udp.pseudo(SRC, DST, length) % 0xFFFF)
    packet = Packet(head, payload)
    packet.csum_offset = udp.CHECKSUM_OFFSET
    packet.prepend(ip(SRC, DST, 17, length))
    finish_checksum(packet)
    whole = ipv4.Packet(packet.view())
    assert udp.Packet(whole.payload).checksum
    udp.Packet(whole.payload).check(SRC, DST)


@pytest.mark.parametrize(("src", "dst"), [(SRC, DST), (SRC6, DST6)], ids=["v4", "v6"])
@pytest.mark.parametrize("link", [0, 14])
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(100, 1460))
def test_segments(src: bytes, dst: bytes, link: int, length: int, size: int) -> None:
    payload = bytes(i * 7 & 0xFF for i in range(length))
    segment = tcp(payload, flags=0x99)
    packet = Packet(bytes(link), ip(src, dst, 6, len(segment)), segment)
    packet.gso_size = size
    cut = [bytes(p.view())[link:] for p in segments(packet, link=link)]
    head = 20 if len(src) == 4 else 40
    assert b"".join(p[head + 20 :] for p in cut) == payload
    assert len(cut) == -(-length // size)
    flags = [p[head + 13] for p in cut]
    assert flags[-1] & 0x09 == 0x09
    assert flags[0] & 0x80
    assert not any(f & 0x80 for f in flags[1:])
    assert not any(f & 0x09 for f in flags[:-1])
    for number, p in enumerate(cut):
        (seq,) = struct.unpack_from("!I", p, head + 4)
        assert seq == 0xFFFFFF00 + number * size & 0xFFFFFFFF
        assert (pseudo(src, dst, 6, len(p) - head) + ones_sum(p[head:])) % 0xFFFF == 0
        if len(src) == 4:
            assert ipv4.Packet(p).ident == 7 + number


def test_what_needs_no_cutting_comes_as_it_is() -> None:
    for data in (b"", b"\x45", ip(SRC, DST, 1, 4) + b"ping", ip(SRC, DST, 6, 4) + b"ping"):
        packet = Packet(data)
        packet.gso_size = 1
        assert [bytes(p.view()) for p in segments(packet)] == [data]
        assert not packet.gso_size, "nobody tries again"

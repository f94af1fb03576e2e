"""UDP headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.udp import MAX_PAYLOAD, Packet, Udp

SRC, DST = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
ports = st.integers(1, 0xFFFF)


@given(st.integers(0, 0xFFFF), ports, st.binary(max_size=50), st.booleans(), st.binary(max_size=4))
def test_what_is_emitted_is_parsed(src: int, dst: int, payload: bytes, summed: bool, padding: bytes) -> None:
    header = Udp(src, dst)
    packet = Packet(header.emit(SRC, DST, payload, with_checksum=summed) + payload + padding)
    packet.check(SRC, DST)
    assert packet.parse() == header
    assert bytes(packet.payload) == payload
    assert bool(packet.checksum) == summed


@given(st.binary(max_size=30), st.data())
def test_one_wrong_bit_is_found(payload: bytes, data: st.DataObject) -> None:
    bad = bytearray(Udp(1, 2).emit(SRC, DST, payload) + payload)
    bit = data.draw(st.integers(0, len(bad) * 8 - 1))
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Malformed):
        Packet(bytes(bad)).check(SRC, DST)


def test_the_addresses_are_in_the_sum() -> None:
    with pytest.raises(BadChecksum):
        Packet(Udp(1, 2).emit(SRC, DST, b"")).check(SRC, bytes(4))


def test_a_sum_of_zero_is_sent_as_ones() -> None:
    """RFC 768: zero would say that there is none."""
    bare = Udp(0, 1)
    payload = next(
        p for p in (n.to_bytes(2, "big") for n in range(1 << 16)) if bare.emit(SRC, DST, p)[6:] == b"\xff\xff"
    )
    Packet(bare.emit(SRC, DST, payload) + payload).check(SRC, DST)


@pytest.mark.parametrize("raw", ["", "00010002000800", "0001000200070000", "0001000200090000", "0001000000080000"])
def test_malformed(raw: str) -> None:
    with pytest.raises(Malformed):
        Packet(bytes.fromhex(raw))


def test_too_long() -> None:
    assert len(Udp(1, 2).emit(SRC, DST, bytes(MAX_PAYLOAD))) == 8
    with pytest.raises(ValueError, match="datagram"):
        Udp(1, 2).emit(SRC, DST, bytes(MAX_PAYLOAD + 1))

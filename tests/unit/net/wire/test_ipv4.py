"""IPv4 headers: published ones, hostile ones, and those of the host's kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.ipv4 import DONT_FRAGMENT, MAX_LEN, Ipv4, Packet

# An often printed example: UDP from 192.168.0.1 to 192.168.0.199 with header checksum b861.
EXAMPLE = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")

addresses = st.binary(min_size=4, max_size=4)
byte = st.integers(0, 255)
headers = st.builds(
    Ipv4, addresses, addresses, byte, byte, byte, st.integers(0, 0xFFFF), st.integers(0, 0x7FFF),
    st.integers(0, 10).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n)),
)  # fmt: skip


def test_published_example() -> None:
    header = Packet(EXAMPLE + bytes(0x73 - 20)).parse()
    assert header == Ipv4(bytes([192, 168, 0, 1]), bytes([192, 168, 0, 199]), 17, 64, 0, 0, DONT_FRAGMENT)
    assert header.emit(0x73 - 20) == EXAMPLE


@given(headers, st.binary(max_size=40), st.binary(max_size=8))
def test_what_is_emitted_is_parsed(header: Ipv4, payload: bytes, padding: bytes) -> None:
    packet = Packet(header.emit(len(payload)) + payload + padding)
    assert packet.parse() == header
    assert bytes(packet.payload) == payload


@given(headers, st.data())
def test_one_wrong_bit_is_found(header: Ipv4, data: st.DataObject) -> None:
    bad = bytearray(header.emit(0))
    bit = data.draw(st.integers(0, len(bad) * 8 - 1))
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Malformed):
        Packet(bytes(bad))


@pytest.mark.parametrize("length", range(20))
def test_cut_headers(length: int) -> None:
    with pytest.raises(Malformed):
        Packet(EXAMPLE[:length])


@pytest.mark.parametrize(
    "changes",
    [{0: 0x65}, {0: 0x44}, {0: 0x4F, 3: 59}, {2: 0xFF}, {3: 0x13}],
    ids=["version", "header too short", "header too long", "packet too long", "packet too short"],
)
def test_lengths_that_lie(changes: dict[int, int]) -> None:
    bad = bytearray(EXAMPLE + bytes(0x73 - 20))
    for at, value in changes.items():
        bad[at] = value
    with pytest.raises(Malformed) as caught:
        Packet(bytes(bad))
    assert not isinstance(caught.value, BadChecksum)


def test_what_cannot_be_emitted() -> None:
    with pytest.raises(ValueError, match="a packet of"):
        Ipv4(bytes(4), bytes(4), 17).emit(MAX_LEN)
    with pytest.raises(ValueError, match="4 bytes"):
        Ipv4(bytes(3), bytes(4), 17)

"""The Internet checksum against the examples of its RFC and a plain loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.wire.checksum import checksum, ones_sum, verifies


def plain(data: bytes) -> int:
    """RFC 1071, 4.1, word by word."""
    total = 0
    for i in range(0, len(data), 2):
        total += data[i] << 8 | (data[i + 1] if i + 1 < len(data) else 0)
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_example_of_rfc_1071() -> None:
    assert ones_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


@given(st.binary(max_size=70))
def test_as_the_plain_loop(data: bytes) -> None:
    assert ones_sum(data) == plain(data)


@given(st.lists(st.binary(max_size=9).filter(lambda b: len(b) % 2 == 0), max_size=4))
def test_parts_are_as_one(parts: list[bytes]) -> None:
    assert ones_sum(*parts) == ones_sum(b"".join(parts))


@given(st.binary(min_size=2, max_size=40).filter(lambda b: len(b) % 2 == 0))
def test_data_with_their_checksum_verify(data: bytes) -> None:
    assert verifies(data, checksum(data).to_bytes(2, "big"))


def test_all_zeros_do_not_verify() -> None:
    assert ones_sum(bytes(20)) == 0
    assert not verifies(bytes(20))

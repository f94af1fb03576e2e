"""ICMP messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.icmp import quoted
from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.icmp import ECHO, Icmp, Packet
from rumpnet.core.wire.ipv4 import Ipv4

byte = st.integers(0, 255)
messages = st.builds(Icmp, byte, byte, st.integers(0, 0xFFFFFFFF), st.binary(max_size=40))


@given(messages)
def test_what_is_emitted_is_parsed(message: Icmp) -> None:
    assert Packet(message.emit()).parse() == message


def test_malformed() -> None:
    good = Icmp(ECHO, 0, 7, b"abc").emit()
    for length in range(8):
        with pytest.raises(Malformed):
            Packet(good[:length])
    with pytest.raises(BadChecksum):
        Packet(good[:-1] + b"x")


@given(st.binary(max_size=80))
def test_quotations_are_hostile(payload: bytes) -> None:
    try:
        header, rest = quoted(payload)
    except Malformed:
        return
    assert len(rest) >= 8
    assert len(header.src) == 4


def test_a_quotation_is_cut_short() -> None:
    packet = Ipv4(bytes([1, 2, 3, 4]), bytes([5, 6, 7, 8]), 17).emit(1000) + bytes(range(8))
    header, rest = quoted(packet)
    assert header.dst == bytes([5, 6, 7, 8])
    assert bytes(rest) == bytes(range(8))

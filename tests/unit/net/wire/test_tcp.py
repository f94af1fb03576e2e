"""Segments and their options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.wire import Malformed, tcp

# A SYN byte by byte, with the options that Linux sends, in its order.
WHOLE = bytes.fromhex("d2f0 0050 8d3a4c11 00000000 a002 faf0 fe30 0000 020405b4 0402080a 5d6c9f3e00000000 01030307")


def test_a_syn_byte_by_byte() -> None:
    seg = tcp.Segment(WHOLE)
    assert (seg.src_port, seg.dst_port, seg.seq, seg.flags, seg.window) == (54000, 80, 0x8D3A4C11, tcp.SYN, 64240)
    assert (seg.mss, seg.sack_permitted, seg.wscale, seg.tsval, seg.tsecr) == (1460, True, 7, 0x5D6C9F3E, 0)
    options = tcp.syn_options(1460, wscale=7, sack_permitted=True, stamps=(0x5D6C9F3E, 0))
    assert tcp.emit((54000, 80), 0x8D3A4C11, 0, tcp.SYN, 64240, 0xFE30, 0, options) == WHOLE


number = st.integers(0, 0xFFFFFFFF)


@given(
    seq=number, ack=number, flags=st.integers(0, 255), window=st.integers(0, 65535), urgent=st.integers(0, 65535),
    blocks=st.lists(st.tuples(number, number), max_size=3), stamps=st.none() | st.tuples(number, number),
    payload=st.binary(max_size=50),
)  # fmt: skip
def test_what_is_emitted_is_parsed(
    seq: int, ack: int, flags: int, window: int, urgent: int, blocks: list[tuple[int, int]],
    stamps: tuple[int, int] | None, payload: bytes,
) -> None:  # fmt: skip
    options = (tcp.timestamps(*stamps) if stamps else b"") + (tcp.sack(blocks) if blocks else b"")
    seg = tcp.Segment(tcp.emit((1, 2), seq, ack, flags, window, 7, urgent, options) + payload)
    assert (seg.seq, seg.ack, seg.flags, seg.window, seg.urgent) == (seq, ack, flags, window, urgent)
    assert tuple(seg.sack) == tuple(blocks)
    assert (seg.tsval, seg.tsecr) == (stamps or (-1, 0))
    assert seg.payload == payload
    assert seg.length == len(payload) + bool(flags & tcp.SYN) + bool(flags & tcp.FIN)


@pytest.mark.parametrize("data", [b"", bytes(19), tcp.HEADER.pack(1, 2, 3, 4, 0x4000, 0, 0, 0), WHOLE[:39]])
def test_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        tcp.Segment(data)


def test_options_that_are_cut_short_end_the_list() -> None:
    for options in (
        b"\x02\x04\x05\xb4\x08\x0a\x00\x00",
        b"\x02\x04\x05\xb4\x08\x01\x01\x01",
        b"\x02\x04\x05\xb4\x00\x08\x0a\x01",
    ):
        seg = tcp.Segment(tcp.emit((1, 2), 0, 0, tcp.SYN, 0, 0, 0, options))
        assert (seg.mss, seg.tsval) == (1460, -1)


def test_cookies() -> None:
    options = tcp.syn_options(1460, wscale=7, sack_permitted=True, stamps=(1, 2), cookie=b"12345678")
    assert len(options) <= tcp.OPTIONS_MAX
    assert tcp.Segment(tcp.emit((1, 2), 0, 0, tcp.SYN, 0, 0, 0, options)).cookie == b"12345678"
    asked = tcp.syn_options(1460, cookie=b"")
    assert tcp.Segment(tcp.emit((1, 2), 0, 0, tcp.SYN, 0, 0, 0, asked)).cookie == b""
    old = b"\xfe\x0c\xf9\x8912345678"
    assert tcp.Segment(tcp.emit((1, 2), 0, 0, tcp.SYN, 0, 0, 0, old)).cookie == b"12345678"

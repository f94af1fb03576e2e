"""Captures as files (draft-ietf-opsawg-pcapng): what tcpdump, Wireshark and others read."""

from __future__ import annotations

import struct

from rumpuser.host import Buffer

SECTION = 0x0A0D0D0A
INTERFACE = 1
PACKET = 6
STATISTICS = 5
_MAGIC = 0x1A2B3C4D
_INBOUND, _OUTBOUND = 1, 2
_OPT_END, _OPT_FLAGS, _OPT_NAME, _OPT_TSRESOL, _OPT_USERAPPL = 0, 2, 2, 9, 4
_NANOSECONDS = 9


def block(kind: int, body: bytes) -> bytes:
    """A block: type and length, the body padded to 32 bits, the length once more."""
    padded = body + bytes(-len(body) % 4)
    length = len(padded) + 12
    return struct.pack("<II", kind, length) + padded + struct.pack("<I", length)


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def header(name: str, dlt: int, snaplen: int) -> bytes:
    """What a file with packets of one interface begins with; times are in nanoseconds."""
    section = struct.pack("<IHHq", _MAGIC, 1, 0, -1) + option(_OPT_USERAPPL, b"rumpnet") + option(_OPT_END, b"")
    options = option(_OPT_NAME, name.encode()) + option(_OPT_TSRESOL, bytes([_NANOSECONDS])) + option(_OPT_END, b"")
    return block(SECTION, section) + block(INTERFACE, struct.pack("<HHI", dlt, 0, snaplen) + options)


def packet(time_ns: int, data: Buffer, length: int, *, out: bool) -> bytes:
    """An enhanced packet block; ``length`` is what it had before it was cut to ``data``."""
    head = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(data), length)
    flags = option(_OPT_FLAGS, struct.pack("<I", _OUTBOUND if out else _INBOUND)) + option(_OPT_END, b"")
    return block(PACKET, head + bytes(data) + bytes(-len(data) % 4) + flags)

"""Ethernet II."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

# Offsets: destination 0, source 6, type 12.
HEADER = struct.Struct("!6s6sH")
HEADER_LEN = HEADER.size
ADDR_LEN = 6
BROADCAST = b"\xff" * ADDR_LEN
TYPE_VLAN = 0x8100
VLAN = b"\x81\x00"
"""A tag of IEEE 802.1Q: priority and VLAN in two bytes, then the type that the frame had."""
TAG = struct.Struct("!HH")
TAG_LEN = TAG.size
TYPE_MIN = 0x600
"""What is less is a length (IEEE 802.3), not a type."""


class Packet:
    """A checked view."""

    __slots__ = ("dst", "src", "type", "view")

    def __init__(self, data: Buffer) -> None:
        """Malformed."""
        self.view = memoryview(data)
        if len(self.view) < HEADER_LEN:
            raise Malformed(f"{len(self.view)} bytes are no Ethernet header")
        self.dst, self.src, self.type = HEADER.unpack_from(self.view)

    @property
    def payload(self) -> memoryview:
        return self.view[HEADER_LEN:]

    def parse(self) -> Ethernet:
        return Ethernet(self.dst, self.src, self.type)


@dataclass(frozen=True, slots=True)
class Ethernet:
    """A header."""

    dst: bytes
    src: bytes
    type: int

    def emit(self) -> bytes:
        return HEADER.pack(self.dst, self.src, self.type)


def group_address(group: bytes) -> bytes:
    """Where packets of a multicast group go (RFC 1112, 6.4; RFC 2464, 7)."""
    if len(group) == 4:
        return bytes([0x01, 0x00, 0x5E, group[1] & 0x7F]) + group[2:]
    return b"\x33\x33" + group[12:]


def text(lladdr: bytes) -> str:
    return lladdr.hex(":")

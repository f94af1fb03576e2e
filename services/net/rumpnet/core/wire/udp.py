"""UDP (RFC 768) over IPv4."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import checksum, verifies
from rumpuser.host import Buffer

# Offsets: source port 0, destination port 2, length 4, checksum 6.
HEADER = struct.Struct("!HHHH")
HEADER_LEN = HEADER.size
PSEUDO = struct.Struct("!4s4sBBH")
PROTOCOL = 17
MAX_PAYLOAD = 0xFFFF - 20 - HEADER_LEN
"""What fits into a packet without IP options: 65507 bytes."""


def pseudo_header(src: bytes, dst: bytes, length: int) -> bytes:
    """What the checksum covers of IP."""
    return PSEUDO.pack(src, dst, 0, PROTOCOL, length)


class Packet:
    """A checked view. Bytes behind the length that the header tells are cut off."""

    __slots__ = ("checksum", "dst_port", "src_port", "view")

    def __init__(self, data: bytes | memoryview) -> None:
        """Malformed."""
        view = memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no UDP header")
        self.src_port, self.dst_port, length, self.checksum = HEADER.unpack_from(view)
        if not HEADER_LEN <= length <= len(view):
            raise Malformed(f"length {length} of {len(view)} bytes")
        if not self.dst_port:
            raise Malformed("destination port 0")
        self.view = view[:length]

    @property
    def payload(self) -> memoryview:
        return self.view[HEADER_LEN:]

    def check(self, src: bytes, dst: bytes) -> None:
        """BadChecksum. A checksum of 0 says that the sender made none."""
        if self.checksum and not verifies(pseudo_header(src, dst, len(self.view)), self.view):
            raise BadChecksum("UDP")

    def parse(self) -> Udp:
        return Udp(self.src_port, self.dst_port)


@dataclass(frozen=True, slots=True)
class Udp:
    """A header without its length and checksum."""

    src_port: int
    dst_port: int

    def emit(self, src: bytes, dst: bytes, payload: Buffer, *, with_checksum: bool = True) -> bytes:
        """The header in front of the payload. ValueError when that is too long."""
        length = HEADER_LEN + len(payload)
        if length > MAX_PAYLOAD + HEADER_LEN:
            raise ValueError(f"a datagram of {len(payload)} bytes")
        found = 0
        if with_checksum:
            bare = HEADER.pack(self.src_port, self.dst_port, length, 0)
            found = checksum(pseudo_header(src, dst, length), bare, payload) or 0xFFFF
        return HEADER.pack(self.src_port, self.dst_port, length, found)

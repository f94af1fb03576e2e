"""UDP (RFC 768) over IPv4 and IPv6."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import ones_sum
from rumpuser.host import Buffer

# Offsets: source port 0, destination port 2, length 4, checksum 6.
HEADER = struct.Struct("!HHHH")
HEADER_LEN = HEADER.size
CHECKSUM_OFFSET = 6
PROTOCOL = 17
MAX_PAYLOAD = 0xFFFF - 20 - HEADER_LEN
"""What fits into a packet without IP options: 65507 bytes."""
MAX_PAYLOAD6 = 0xFFFF - HEADER_LEN
"""IPv6's header does not count."""


def pseudo(src: bytes, dst: bytes, length: int) -> int:
    """The sum of what the checksum covers of IP."""
    return ones_sum(src + dst) + PROTOCOL + length


class Packet:
    """A checked view. Bytes behind the length that the header tells are cut off."""

    __slots__ = ("checksum", "dst_port", "src_port", "view")

    def __init__(self, data: Buffer) -> None:
        """Malformed."""
        view = data if type(data) is memoryview else memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no UDP header")
        self.src_port, self.dst_port, length, self.checksum = HEADER.unpack_from(view)
        if not HEADER_LEN <= length <= len(view):
            raise Malformed(f"length {length} of {len(view)} bytes")
        if not self.dst_port:
            raise Malformed("destination port 0")
        self.view = view if length == len(view) else view[:length]

    @property
    def payload(self) -> memoryview:
        return self.view[HEADER_LEN:]

    def check(self, src: bytes, dst: bytes) -> None:
        """BadChecksum. A checksum of 0 says that the sender made none."""
        self.verify(pseudo(src, dst, len(self.view)))

    def verify(self, pseudo: int) -> None:
        """`check` for who has the sum of the pseudo header."""
        if self.checksum and (pseudo + ones_sum(self.view)) % 0xFFFF:
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
        if length > 0xFFFF or (len(src) == 4 and len(payload) > MAX_PAYLOAD):
            raise ValueError(f"a datagram of {len(payload)} bytes")
        found = 0
        if with_checksum:
            bare = HEADER.pack(self.src_port, self.dst_port, length, 0)
            found = summed(pseudo(src, dst, length), bare, payload)
        return HEADER.pack(self.src_port, self.dst_port, length, found)


def summed(pseudo: int, bare: bytes, payload: Buffer) -> int:
    """The checksum of a datagram, which is never 0."""
    total = pseudo + ones_sum(bare, payload)
    return ~(total % 0xFFFF or 0xFFFF) & 0xFFFF or 0xFFFF

"""IPv4 (RFC 791)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import checksum, verifies

# Offsets: version and header length 0, type of service 1, total length 2, identification 4, flags and fragment
# offset 6, time to live 8, protocol 9, header checksum 10, source 12, destination 16, options 20.
HEADER = struct.Struct("!BBHHHBBH4s4s")
HEADER_LEN = HEADER.size
CHECKSUM = slice(10, 12)
DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
OFFSET_MASK = 0x1FFF
MAX_LEN = 0xFFFF
UNIT = 8
"""Fragment offsets count these many bytes."""


class Packet:
    """A checked view: the header is whole and consistent, its checksum right. Padding behind the packet is cut off."""

    __slots__ = ("_fields", "header_len", "view")

    def __init__(self, data: bytes | memoryview) -> None:
        """Malformed, BadChecksum."""
        view = memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no IPv4 header")
        self._fields = HEADER.unpack_from(view)
        self.header_len = (self._fields[0] & 0xF) * 4
        total = self._fields[2]
        if self._fields[0] >> 4 != 4:
            raise Malformed(f"version {self._fields[0] >> 4}")
        if self.header_len < HEADER_LEN or self.header_len > total or total > len(view):
            raise Malformed(f"header of {self.header_len}, total of {total}, {len(view)} bytes there")
        if not verifies(view[: self.header_len]):
            raise BadChecksum("IPv4 header")
        self.view = view[:total]

    @property
    def header(self) -> memoryview:
        return self.view[: self.header_len]

    @property
    def options(self) -> memoryview:
        return self.view[HEADER_LEN : self.header_len]

    @property
    def payload(self) -> memoryview:
        return self.view[self.header_len :]

    @property
    def offset(self) -> int:
        """Where the payload stands in the whole datagram, in bytes."""
        word: int = self._fields[4]
        return (word & OFFSET_MASK) * UNIT

    @property
    def more(self) -> bool:
        return bool(self._fields[4] & MORE_FRAGMENTS)

    @property
    def is_fragment(self) -> bool:
        return bool(self._fields[4] & (MORE_FRAGMENTS | OFFSET_MASK))

    def parse(self) -> Ipv4:
        _, tos, _, ident, fragment, ttl, protocol, _, src, dst = self._fields
        return Ipv4(src, dst, protocol, ttl, tos, ident, fragment & ~0x8000, bytes(self.options))


@dataclass(frozen=True, slots=True)
class Ipv4:
    """A header without lengths and checksum, which `emit` fills in. ``fragment`` is the word of flags and offset."""

    src: bytes
    dst: bytes
    protocol: int
    ttl: int = 64
    tos: int = 0
    ident: int = 0
    fragment: int = 0
    options: bytes = b""

    def __post_init__(self) -> None:
        if len(self.src) != 4 or len(self.dst) != 4 or len(self.options) > 40 or len(self.options) % 4:
            raise ValueError("addresses are 4 bytes, options up to 40 in steps of 4")

    @property
    def header_len(self) -> int:
        return HEADER_LEN + len(self.options)

    def emit(self, length: int) -> bytes:
        """The header in front of ``length`` bytes of payload. ValueError when that is too much for a packet."""
        total = self.header_len + length
        if total > MAX_LEN:
            raise ValueError(f"a packet of {total} bytes")
        header = bytearray(
            HEADER.pack(
                0x40 | self.header_len // 4, self.tos, total, self.ident, self.fragment, self.ttl, self.protocol, 0,
                self.src, self.dst,
            )
            + self.options
        )  # fmt: skip
        header[CHECKSUM] = checksum(header).to_bytes(2, "big")
        return bytes(header)

"""IPv4 (RFC 791)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from rumpnet.core.wire import BadChecksum, Malformed
from rumpuser.host import Buffer

# Offsets: version and header length 0, type of service 1, total length 2, identification 4, flags and fragment
# offset 6, time to live 8, protocol 9, header checksum 10, source 12, destination 16, options 20.
HEADER = struct.Struct("!BBHHHBBH4s4s")
HEADER_LEN = HEADER.size
DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
OFFSET_MASK = 0x1FFF
MAX_LEN = 0xFFFF
END_OF_OPTIONS = 0
NO_OPERATION = 1
RECORD_ROUTE = 7
TIMESTAMP = 68
LOOSE_SOURCE_ROUTE = 131
STRICT_SOURCE_ROUTE = 137
ROUTER_ALERT = 148
UNIT = 8
"""Fragment offsets count these many bytes."""


class Packet:
    """A checked view: the header is whole and consistent, its checksum right. Padding behind the packet is cut off.

    ``hop_limit`` and ``tclass`` are named as in IPv6, so that upper layers need not know the family.
    """

    __slots__ = ("dst", "fragment", "header_len", "hop_limit", "ident", "protocol", "src", "tclass", "view")

    def __init__(self, data: Buffer) -> None:
        """Malformed, BadChecksum."""
        view = data if type(data) is memoryview else memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no IPv4 header")
        (
            first, self.tclass, total, self.ident, self.fragment, self.hop_limit, self.protocol, _, self.src, self.dst,
        ) = HEADER.unpack_from(view)  # fmt: skip
        self.header_len = length = (first & 0xF) * 4
        if first >> 4 != 4:
            raise Malformed(f"version {first >> 4}")
        if length < HEADER_LEN or length > total or total > len(view):
            raise Malformed(f"header of {length}, total of {total}, {len(view)} bytes there")
        if int.from_bytes(view[:length], "big") % 0xFFFF:
            raise BadChecksum("IPv4 header")
        self.view = view if total == len(view) else view[:total]

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
        word: int = self.fragment
        return (word & OFFSET_MASK) * UNIT

    @property
    def more(self) -> bool:
        return bool(self.fragment & MORE_FRAGMENTS)

    @property
    def is_fragment(self) -> bool:
        return bool(self.fragment & (MORE_FRAGMENTS | OFFSET_MASK))

    @property
    def key(self) -> tuple[bytes, bytes, int, int]:
        """What the fragments of a datagram have in common."""
        return self.src, self.dst, self.protocol, self.ident

    def whole(self, payload: bytes) -> bytes:
        """The datagram with all of its payload in place of this piece. ValueError when it is too long."""
        return replace(self.parse(), fragment=0).emit(len(payload)) + payload

    def parse(self) -> Ipv4:
        return Ipv4(
            self.src, self.dst, self.protocol, self.hop_limit, self.tclass, self.ident, self.fragment & ~0x8000,
            bytes(self.options),
        )  # fmt: skip


def emit(
    src: bytes,
    dst: bytes,
    protocol: int,
    length: int,
    ttl: int,
    tos: int,
    ident: int,
    fragment: int,
    options: bytes = b"",
) -> bytes:
    """A header in front of ``length`` bytes, the quick way. The fields are as in `Ipv4`, and must be right."""
    total = HEADER_LEN + len(options) + length
    first = 0x45 + len(options) // 4
    bare = HEADER.pack(first, tos, total, ident, fragment, ttl, protocol, 0, src, dst)
    found = ~(int.from_bytes(bare + options, "big") % 0xFFFF or 0xFFFF) & 0xFFFF
    return HEADER.pack(first, tos, total, ident, fragment, ttl, protocol, found, src, dst) + options


def copied(options: bytes) -> bytes:
    """Those that every fragment carries (RFC 791, 3.1: the copied flag), padded to whole words."""
    found, at = b"", 0
    while at < len(options) and options[at] != END_OF_OPTIONS:
        length = 1 if options[at] == NO_OPERATION else options[at + 1] if at + 1 < len(options) else 0
        if not length or at + length > len(options):
            break
        if options[at] & 0x80:
            found += options[at : at + length]
        at += length
    return found + bytes(-len(found) % 4)


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
        return emit(
            self.src, self.dst, self.protocol, length, self.ttl, self.tos, self.ident, self.fragment, self.options
        )

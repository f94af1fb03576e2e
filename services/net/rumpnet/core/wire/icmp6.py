"""ICMPv6 (RFC 4443) with neighbour discovery (RFC 4861) and multicast listeners (RFC 2710, RFC 3810)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import ones_sum
from rumpuser.host import Buffer

# Offsets: type 0, code 1, checksum 2, rest of the header 4.
HEADER = struct.Struct("!BBHI")
HEADER_LEN = HEADER.size
PROTOCOL = 58
CHECKSUM_OFFSET = 2
UNREACHABLE = 1
TOO_BIG = 2
TIME_EXCEEDED = 3
PARAMETER_PROBLEM = 4
ECHO = 128
ECHO_REPLY = 129
LISTENER_QUERY = 130
LISTENER_REPORT = 131
LISTENER_DONE = 132
ROUTER_SOLICIT = 133
ROUTER_ADVERT = 134
NEIGHBOUR_SOLICIT = 135
NEIGHBOUR_ADVERT = 136
REDIRECT = 137
LISTENER_REPORT2 = 143
INFORMATIONAL = 0x80
"""Types from there on are no errors."""
NO_ROUTE = 0
PROHIBITED = 1
BEYOND_SCOPE = 2
ADDRESS_UNREACHABLE = 3
PORT_UNREACHABLE = 4
HOPS_IN_TRANSIT = 0
HOPS_IN_REASSEMBLY = 1

# Flags of neighbour advertisements, in the first byte of the rest of the header.
ROUTER = 0x80000000
SOLICITED = 0x40000000
OVERRIDE = 0x20000000
# Options of neighbour discovery: type 0, length 1 in units of 8 bytes.
SOURCE_LINK = 1
TARGET_LINK = 2
PREFIX = 3
REDIRECTED = 4
MTU = 5
ROUTE_INFORMATION = 24
RDNSS = 25
DNSSL = 31
OPTIONS_MAX = 64
# Prefix information behind type and length: prefix length, flags, valid and preferred lifetime, reserved, prefix.
PREFIX_INFORMATION = struct.Struct("!BBIII16s")
ON_LINK = 0x80
AUTONOMOUS = 0x40
FOREVER = 0xFFFFFFFF
# A router advertisement behind the checksum: hop limit, flags, lifetime, reachable time, retransmission timer.
ADVERTISEMENT = struct.Struct("!BBHII")
MANAGED = 0x80
OTHER = 0x40
# Kinds of records of MLDv2.
IS_EXCLUDE = 2
TO_INCLUDE = 3
TO_EXCLUDE = 4
QUERY2_LEN = 28
"""A query from there on is of version 2."""


class Packet:
    """A checked view: the header is whole and the checksum right."""

    __slots__ = ("code", "rest", "type", "view")

    def __init__(self, data: Buffer, pseudo: int, *, verified: bool = False) -> None:
        """Malformed, BadChecksum unless somebody vouches for it. ``pseudo`` is the sum of the pseudo header."""
        self.view = data if type(data) is memoryview else memoryview(data)
        if len(self.view) < HEADER_LEN:
            raise Malformed(f"{len(self.view)} bytes are no ICMPv6 header")
        self.type, self.code, _, self.rest = HEADER.unpack_from(self.view)
        if not verified and (pseudo + ones_sum(self.view)) % 0xFFFF:
            raise BadChecksum("ICMPv6")

    @property
    def payload(self) -> memoryview:
        return self.view[HEADER_LEN:]

    def parse(self) -> Icmp6:
        return Icmp6(self.type, self.code, self.rest, bytes(self.payload))


@dataclass(frozen=True, slots=True)
class Icmp6:
    """A message. ``rest`` is the second word of the header."""

    type: int
    code: int = 0
    rest: int = 0
    payload: bytes = b""

    def emit(self, pseudo: int) -> bytes:
        """With its checksum, given the sum of the pseudo header."""
        bare = HEADER.pack(self.type, self.code, 0, self.rest) + self.payload
        found = ~((pseudo + ones_sum(bare)) % 0xFFFF or 0xFFFF) & 0xFFFF or 0xFFFF
        return bare[:2] + found.to_bytes(2, "big") + bare[4:]


def options(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Types and bodies, without type and length. Malformed (RFC 4861, 4.6: a length of 0 spoils the packet)."""
    at = 0
    for _ in range(OPTIONS_MAX):
        if at == len(data):
            return
        if at + 8 > len(data) or not data[at + 1] or at + data[at + 1] * 8 > len(data):
            raise Malformed("an option of neighbour discovery that is cut off or empty")
        yield data[at], data[at + 2 : at + data[at + 1] * 8]
        at += data[at + 1] * 8
    if at != len(data):
        raise Malformed(f"more than {OPTIONS_MAX} options")


def option(kind: int, body: bytes) -> bytes:
    """Padded to whole units."""
    length = -(-(len(body) + 2) // 8)
    return bytes([kind, length]) + body + bytes(length * 8 - len(body) - 2)


def link_option(kind: int, lladdr: bytes) -> bytes:
    return option(kind, lladdr) if lladdr else b""


def report2(records: list[tuple[int, bytes]]) -> tuple[int, bytes]:
    """Rest of the header and payload of an MLDv2 report: kinds of records and their groups, from any source."""
    return len(records), b"".join(struct.pack("!BBH", kind, 0, 0) + group for kind, group in records)

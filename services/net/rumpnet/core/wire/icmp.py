"""ICMP (RFC 792): echo, and errors that quote the packet they are about."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import checksum, verifies
from rumpuser.host import Buffer

# Offsets: type 0, code 1, checksum 2, rest of the header 4 (identifier and sequence number of echo, unused of errors).
HEADER = struct.Struct("!BBHI")
HEADER_LEN = HEADER.size
CHECKSUM = slice(2, 4)
PROTOCOL = 1
ECHO_REPLY = 0
UNREACHABLE = 3
REDIRECT = 5
ECHO = 8
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12
ERRORS = frozenset({UNREACHABLE, 4, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM})
"""Messages that are about another packet; nobody answers them with an error (RFC 1122, 3.2.2)."""
NET_UNREACHABLE = 0
HOST_UNREACHABLE = 1
PROTOCOL_UNREACHABLE = 2
PORT_UNREACHABLE = 3
NEEDS_FRAGMENTATION = 4
SOURCE_ROUTE_FAILED = 5
HOST_UNKNOWN = 7
NET_PROHIBITED = 9
HOST_PROHIBITED = 10
PROHIBITED = 13
TIMESTAMP_REQUEST = 13
TIMESTAMP_REPLY = 14
MASK_REQUEST = 17
MASK_REPLY = 18
ADVERTISEMENT = 9
SOLICITATION = 10
REDIRECT_HOST = 1
TTL_IN_TRANSIT = 0
TTL_IN_REASSEMBLY = 1


class Packet:
    """A checked view: the header is whole and the checksum right."""

    __slots__ = ("code", "rest", "type", "view")

    def __init__(self, data: Buffer, *, verified: bool = False) -> None:
        """Malformed, BadChecksum, unless somebody vouches for it."""
        view = data if type(data) is memoryview else memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no ICMP header")
        self.type, self.code, _, self.rest = HEADER.unpack_from(view)
        if not verified and not verifies(view):
            raise BadChecksum("ICMP")
        self.view = view

    @property
    def payload(self) -> memoryview:
        return self.view[HEADER_LEN:]

    def reply_header(self) -> bytes:
        """Of the answer to an echo request: it differs in the type, and its checksum by just that (RFC 1624)."""
        found = (self.view[2] << 8 | self.view[3]) + (ECHO << 8)
        found = (found & 0xFFFF) + (found >> 16)
        return HEADER.pack(ECHO_REPLY, self.code, found, self.rest)

    def parse(self) -> Icmp:
        return Icmp(self.type, self.code, self.rest, bytes(self.payload))


@dataclass(frozen=True, slots=True)
class Icmp:
    """A message. ``rest`` is the second word of the header."""

    type: int
    code: int = 0
    rest: int = 0
    payload: bytes = b""

    def emit(self) -> bytes:
        message = bytearray(HEADER.pack(self.type, self.code, 0, self.rest) + self.payload)
        message[CHECKSUM] = checksum(message).to_bytes(2, "big")
        return bytes(message)

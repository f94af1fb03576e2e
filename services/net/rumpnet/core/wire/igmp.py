"""IGMP, versions 1 to 3 (RFC 1112, 2236, 3376)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import BadChecksum, Malformed
from rumpnet.core.wire.checksum import checksum, verifies
from rumpuser.host import Buffer

# Offsets: type 0, maximum response time 1 (tenths of seconds), checksum 2, group 4. A report of version 3 has the
# number of its records at 6 instead, and records from 8 on: type 0, length of auxiliary data 1, number of sources 2,
# group 4.
HEADER = struct.Struct("!BBH4s")
HEADER_LEN = HEADER.size
REPORT3 = struct.Struct("!BBHHH")
RECORD = struct.Struct("!BBH4s")
PROTOCOL = 2
QUERY = 0x11
REPORT_V1 = 0x12
REPORT_V2 = 0x16
LEAVE = 0x17
REPORT_V3 = 0x22
V3_QUERY_LEN = 12
IS_EXCLUDE = 2
TO_INCLUDE = 3
TO_EXCLUDE = 4


class Packet:
    """A checked view."""

    __slots__ = ("code", "group", "type", "view")

    def __init__(self, data: Buffer) -> None:
        """Malformed, BadChecksum."""
        self.view = memoryview(data)
        if len(self.view) < HEADER_LEN:
            raise Malformed(f"{len(self.view)} bytes are no IGMP message")
        if not verifies(self.view):
            raise BadChecksum("IGMP")
        self.type, self.code, _, self.group = HEADER.unpack_from(self.view)

    @property
    def version(self) -> int:
        """Of a query (RFC 3376, 7.1)."""
        if len(self.view) >= V3_QUERY_LEN:
            return 3
        return 2 if self.code else 1

    def parse(self) -> Igmp:
        return Igmp(self.type, self.code, self.group, bytes(self.view[HEADER_LEN:]))


@dataclass(frozen=True, slots=True)
class Igmp:
    """A message."""

    type: int
    code: int
    group: bytes
    rest: bytes = b""

    def emit(self) -> bytes:
        bare = HEADER.pack(self.type, self.code, 0, self.group) + self.rest
        return bare[:2] + checksum(bare).to_bytes(2, "big") + bare[4:]


def report3(records: list[tuple[int, bytes]]) -> bytes:
    """A report of version 3: kinds of records and their groups, from any source."""
    bare = REPORT3.pack(REPORT_V3, 0, 0, 0, len(records))
    bare += b"".join(RECORD.pack(kind, 0, 0, group) for kind, group in records)
    return bare[:2] + checksum(bare).to_bytes(2, "big") + bare[4:]

"""Descriptor tags, identifiers, strings and times (ECMA-167 sections 1/7 and 3/7.2; OSTA UDF section 2.1)."""

from __future__ import annotations

import binascii
import datetime as dt
import struct

from rumpwire.errno import Errno, KernelError

PRIMARY, ANCHOR, POINTER, PARTITION, LOGICAL_VOLUME, TERMINATING, INTEGRITY = 1, 2, 3, 5, 6, 8, 9
FILE_SET, FILE_IDENTIFIER, ALLOCATION_EXTENT, INDIRECT, FILE_ENTRY, EXTENDED_FILE_ENTRY = 256, 257, 258, 259, 261, 266
ATTRIBUTE_HEADER = 262
TAG_BYTES = 16

_TAG = struct.Struct("<HHBxHHHI")
_TIME = struct.Struct("<HhBBBBBBBB")
_EPOCH = dt.date(1970, 1, 1).toordinal()
_END = (1 << 63) - 1_000_000_000
_NO_ZONE = -2047


def bad(text: str) -> KernelError:
    return KernelError(Errno.EIO, text, "udf")


def identify(raw: memoryview, location: int | None) -> int:
    """Which descriptor this is, its checksum, CRC and place verified; 0 when it is none that is sound."""
    if len(raw) < TAG_BYTES:
        return 0
    ident, _, checksum, _, crc, crc_length, where = _TAG.unpack_from(raw)
    if (sum(raw[:TAG_BYTES]) - checksum) & 0xFF != checksum or (location is not None and where != location):
        return 0
    if crc_length > len(raw) - TAG_BYTES or binascii.crc_hqx(raw[TAG_BYTES : TAG_BYTES + crc_length], 0) != crc:
        return 0
    return int(ident)


def expect(raw: memoryview, location: int | None, *idents: int) -> int:
    """As `identify`. EIO for another descriptor than those."""
    found = identify(raw, location)
    if found not in idents:
        raise bad(f"no sound descriptor {' or '.join(map(str, idents))} at block {location}, but {found}")
    return found


def entity(raw: memoryview, at: int) -> bytes:
    """The name in an entity identifier (regid)."""
    return bytes(raw[at + 1 : at + 24]).rstrip(b"\0")


def text(raw: bytes | memoryview) -> bytes:
    """A string of compressed Unicode (OSTA CS0) as UTF-8. EIO for an unknown compression."""
    if not len(raw):
        return b""
    kind, rest = raw[0], bytes(raw[1:])
    if kind == 8:
        return rest.decode("latin-1").encode()
    if kind == 16:
        return rest.decode("utf-16-be", "replace").encode("utf-8", "replace")
    raise bad(f"a string with compression {kind}")


def dstring(raw: memoryview) -> bytes:
    """A string in a field of fixed length; its last byte says how long it is."""
    return text(raw[: min(raw[-1], len(raw) - 1)])


def time_ns(raw: memoryview) -> int:
    """A timestamp as nanoseconds since 1970; 0 for what is no date."""
    zone, year, month, day, hour, minute, second, centi, hundred_micro, micro = _TIME.unpack_from(raw)
    offset = zone & 0xFFF
    offset -= (offset & 0x800) << 1
    if zone >> 12 != 1 or offset == _NO_ZONE:
        offset = 0
    try:
        days = dt.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return 0
    seconds = days * 86400 + hour * 3600 + (minute - offset) * 60 + second
    moment = seconds * 1_000_000_000 + centi * 10_000_000 + hundred_micro * 100_000 + micro * 1000
    return moment if moment < _END else 0

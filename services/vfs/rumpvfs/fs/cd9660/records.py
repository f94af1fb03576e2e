"""Directory records, and the numbers and dates in them (ECMA-119 sections 7, 8.4.26 and 9.1).

Numbers are recorded in both byte orders; the little-endian half is the one that is read.
"""

from __future__ import annotations

import datetime as dt
import struct
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

SECTOR = 2048
HIDDEN = 0x01
DIRECTORY = 0x02
ASSOCIATED = 0x04
MULTI_EXTENT = 0x80
SELF = b"\0"
PARENT = b"\1"
RECORD_MAX = 254

_FIXED = struct.Struct("<BBI4xI4x7sBBB4xB")
_EPOCH = dt.date(1970, 1, 1).toordinal()
_QUARTER = 15 * 60
# Times are 64 bits of nanoseconds: the year 2262.
_END = (1 << 63) - 1_000_000_000


def bad(text: str) -> KernelError:
    return KernelError(Errno.EIO, text, "cd9660")


class Record(NamedTuple):
    """A directory record. ``at`` is its byte on the volume; ``extent`` is the first block, that of the extended
    attribute record of ``xar`` blocks where there is one. ``unit`` and ``gap`` are not 0 in interleaved files."""

    at: int
    length: int
    xar: int
    extent: int
    size: int
    time_ns: int
    flags: int
    unit: int
    gap: int
    name: bytes
    system_use: memoryview

    @property
    def is_directory(self) -> bool:
        return bool(self.flags & DIRECTORY)

    @property
    def data_block(self) -> int:
        return self.extent + self.xar


def parse(raw: memoryview, at: int) -> Record:
    """The record at the beginning of ``raw``, which ends where no record may reach. EIO."""
    if len(raw) < _FIXED.size:
        raise bad(f"a directory record at {at} reaches over the end of its sector")
    length, xar, extent, size, date, flags, unit, gap, name_length = _FIXED.unpack_from(raw)
    begin = _FIXED.size + name_length
    if length > len(raw) or begin > length or not name_length:
        raise bad(f"a directory record of {length} bytes at {at} with a name of {name_length}")
    name = bytes(raw[_FIXED.size : begin])
    use = raw[begin + (begin & 1) : length]
    return Record(at, length, xar, extent, size, short_date(date), flags, unit, gap, name, use)


def short_date(raw: bytes | memoryview) -> int:
    """Seven bytes of date and time as nanoseconds since 1970; 0 for what is no date."""
    year, month, day, hour, minute, second, zone = raw
    return _moment(1900 + year, month, day, hour, minute, second, zone)


def long_date(raw: bytes | memoryview) -> int:
    """Seventeen bytes, sixteen of them digits, as nanoseconds since 1970; 0 for what is no date."""
    text = bytes(raw[:16])
    if not text.isdigit() or not int(text):
        return 0
    year, rest = int(text[:4]), [int(text[at : at + 2]) for at in range(4, 16, 2)]
    month, day, hour, minute, second, hundredths = rest
    return _moment(year, month, day, hour, minute, second, raw[16]) + hundredths * 10_000_000


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: int) -> int:
    try:
        days = dt.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return 0
    if zone > 127:
        zone -= 256
    moment = (days * 86400 + hour * 3600 + minute * 60 + second - zone * _QUARTER) * 1_000_000_000
    return moment if moment < _END else 0

"""The up-case table: for each of 65,536 UTF-16 units what it is compared as.

On the disk a run of units that stay as they are is 0xFFFF and its length.
"""

from __future__ import annotations

import sys
from array import array

from rumpvfs.fs.msdosfs.names import upper
from rumpwire.errno import Errno, KernelError

UNITS = 65536
_RUN = 0xFFFF
BYTES_MAX = 2 * UNITS + 4


class UpCase:
    """``fold`` is what names are compared by."""

    __slots__ = ("_changes",)

    def __init__(self, changes: dict[int, int]) -> None:
        self._changes = changes

    def fold(self, text: str) -> str:
        return text.translate(self._changes)


def checksum(raw: bytes) -> int:
    total = 0
    for byte in raw:
        total = ((total & 1) << 31) + (total >> 1) + byte & 0xFFFFFFFF
    return total


def parse(raw: bytes, expected: int) -> UpCase:
    """EIO when the checksum is another, or the table too long."""
    if checksum(raw) != expected:
        raise KernelError(Errno.EIO, "the up-case table has another checksum", "exfat")
    units = array("H", raw[: len(raw) & ~1])
    if sys.byteorder == "big":
        units.byteswap()
    changes: dict[int, int] = {}
    at = unit = 0
    while at < len(units) and unit < UNITS:
        value = units[at]
        at += 1
        if value == _RUN and at < len(units):
            unit += units[at]
            at += 1
            continue
        if value != unit:
            changes[unit] = value
        unit += 1
    return UpCase(changes)


def make() -> bytes:
    """A table of the upper case that Unicode gives to single characters of the first plane."""
    units = array("H")
    same = 0
    for unit in range(UNITS):
        value = _upper(unit)
        if value == unit:
            same += 1
            continue
        _run(units, unit - same, same)
        same = 0
        units.append(value)
    _run(units, UNITS - same, same)
    if sys.byteorder == "big":
        units.byteswap()
    return units.tobytes()


def _upper(unit: int) -> int:
    found = ord(upper(chr(unit)))
    return found if found < UNITS else unit


def _run(units: array[int], first: int, count: int) -> None:
    """Units that stay: as they are when that is shorter."""
    if count > 2 or _RUN in range(first, first + count):
        units.extend((_RUN, count))
    else:
        units.extend(range(first, first + count))

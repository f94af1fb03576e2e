"""The master boot record: four primary partitions and, in an extended one, a chain of logical ones."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .device import BlockDevice
from .table import SECTOR, Partition, damaged

PROTECTIVE = 0xEE
EXTENDED = (0x05, 0x0F, 0x85)
MAX_LOGICAL = 256
_TABLE, _SIGNATURE = 446, b"\x55\xaa"
_ENTRY = struct.Struct("<B3xB3xII")
_FIRST_LOGICAL = 5


class Entry(NamedTuple):
    """``status`` is 0x80 in the active partition; ``start`` and ``sectors`` are sectors."""

    status: int
    type: int
    start: int
    sectors: int


def entries(device: BlockDevice, sector: int = 0) -> list[Entry]:
    """The four entries of a boot record. None when it is no boot record, or that of a file system without table."""
    if (sector + 1) * SECTOR > device.size:
        return []
    raw = device.view(sector * SECTOR, SECTOR)
    if bytes(raw[510:512]) != _SIGNATURE:
        return []
    found = [Entry(*_ENTRY.unpack_from(raw, _TABLE + number * _ENTRY.size)) for number in range(4)]
    return found if all(entry.status in (0, 0x80) for entry in found) else []


def read(device: BlockDevice) -> list[Partition]:
    """Primary partitions by their places 1 to 4, logical ones from 5 on. EIO for a chain that makes no sense."""
    found = []
    extended: Entry | None = None
    for number, entry in enumerate(entries(device), 1):
        if entry.type and entry.sectors:
            found.append(_partition(number, entry, entry.start))
            if entry.type in EXTENDED and extended is None:
                extended = entry
    if extended is not None:
        found += _logical(device, extended.start)
    return found


def _partition(number: int, entry: Entry, start: int) -> Partition:
    return Partition(str(number), start * SECTOR, entry.sectors * SECTOR, f"{entry.type:#04x}")


def _logical(device: BlockDevice, first: int) -> Iterator[Partition]:
    """Each record has a partition relative to itself, and the next record relative to the extended partition."""
    at, number, seen = first, _FIRST_LOGICAL, set[int]()
    while True:
        if at in seen or number - _FIRST_LOGICAL >= MAX_LOGICAL:
            raise damaged("the chain of logical partitions has no end")
        seen.add(at)
        record = entries(device, at)
        if not record:
            if at == first:
                return  # an extended partition that was never filled
            raise damaged(f"no boot record at sector {at}")
        data, following = record[:2]
        if data.type and data.sectors:
            yield _partition(number, data, at + data.start)
            number += 1
        if following.type not in EXTENDED or not following.sectors:
            return
        at = first + following.start

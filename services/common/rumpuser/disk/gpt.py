"""The GUID partition table (UEFI specification, chapter 5). The backup at the end serves when the first is damaged."""

from __future__ import annotations

import struct
import uuid
import zlib
from typing import NamedTuple

from . import mbr
from .device import BlockDevice
from .table import Partition, damaged

MAX_TABLE = 4 << 20
_SIGNATURE = b"EFI PART"
_SECTORS = (512, 4096)
_HEADER = struct.Struct("<8s4xII4xQ40xQIII")
_ENTRY_MIN = 128
_UNUSED = bytes(16)


class Header(NamedTuple):
    sector: int
    entries: int
    number: int
    entry_size: int
    checksum: int


def is_gpt(device: BlockDevice) -> bool:
    """A protective MBR, or a sound header where the first one should be."""
    if any(entry.type == mbr.PROTECTIVE for entry in mbr.entries(device)):
        return True
    return any(_header(device, sector, 1) is not None for sector in _SECTORS)


def read(device: BlockDevice) -> list[Partition]:
    """EIO when neither table is sound."""
    for sector in _SECTORS:
        for place in (1, device.size // sector - 1):
            header = _header(device, sector, place)
            table = None if header is None else _table(device, header)
            if header is not None and table is not None:
                return _partitions(table, header)
    raise damaged("neither GPT is sound")


def _header(device: BlockDevice, sector: int, place: int) -> Header | None:
    if place < 1 or (place + 1) * sector > device.size:
        return None
    raw = device.view(place * sector, sector)
    signature, length, checksum, here, entries, count, size, table_checksum = _HEADER.unpack_from(raw)
    if signature != _SIGNATURE or not _HEADER.size <= length <= sector or here != place:
        return None
    if zlib.crc32(bytes(raw[:16]) + bytes(4) + bytes(raw[20:length])) != checksum:
        return None
    return Header(sector, entries, count, size, table_checksum)


def _table(device: BlockDevice, header: Header) -> memoryview | None:
    length, begin = header.number * header.entry_size, header.entries * header.sector
    if header.entry_size < _ENTRY_MIN or header.entry_size % 8 or length > MAX_TABLE or begin + length > device.size:
        return None
    raw = device.view(begin, length)
    return raw if zlib.crc32(raw) == header.checksum else None


def _partitions(table: memoryview, header: Header) -> list[Partition]:
    found = []
    for number in range(header.number):
        raw = table[number * header.entry_size :][:_ENTRY_MIN]
        first, last = struct.unpack_from("<QQ", raw, 32)
        if bytes(raw[:16]) == _UNUSED or last < first:
            continue
        kind = str(uuid.UUID(bytes_le=bytes(raw[:16]))).upper()
        label = bytes(raw[56:128]).decode("utf-16-le", "replace").split("\0", 1)[0]
        size = (last - first + 1) * header.sector
        found.append(Partition(str(number + 1), first * header.sector, size, kind, label))
    return found

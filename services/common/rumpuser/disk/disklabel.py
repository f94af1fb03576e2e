"""The disklabel of the BSDs (disklabel(5)), in either byte order."""

from __future__ import annotations

import struct
from functools import reduce
from operator import xor
from typing import NamedTuple

from .device import BlockDevice
from .table import Partition

MAGIC = 0x82564557
MAX_PARTITIONS = 22
AREA = 65536
"""A label is looked for in so many bytes."""
_FIXED, _ENTRY = 148, struct.Struct("IIIBBH")
_FREEBSD, _OPENBSD, _NETBSD = "0xa5", "0xa6", "0xa9"
_RAW = 2
_TYPES = (
    "unused", "swap", "Version 6", "Version 7", "System V", "4.1BSD", "Eighth Edition", "4.2BSD", "MSDOS", "4.4LFS",
    "unknown", "HPFS", "ISO9660", "boot", "ADOS", "HFS", "FILECORE", "Linux Ext2", "NTFS", "RAID", "ccd", "jfs",
    "Apple UFS", "vinum", "UDF", "SysVBFS", "EFS", "NiLFS", "cgd", "MINIX FSv3", "VMware VMKCORE", "VMware VMFS", "ZFS",
)  # fmt: skip


class Label(NamedTuple):
    """``at`` is the byte of the device where the label is. The partitions are by place; absent ones have size 0."""

    at: int
    sector: int
    name: str
    partitions: list[Partition]


def find(device: BlockDevice, begin: int = 0) -> Label | None:
    """The first sound label in the 64 KiB from ``begin`` on."""
    length = min(AREA, device.size - begin)
    if length < _FIXED:
        return None
    area = bytes(device.view(begin, length))
    for order in "<>":
        magic = struct.pack(order + "I", MAGIC)
        at = area.find(magic)
        while at >= 0:
            label = _parse(area[at:], order, begin + at) if at % 4 == 0 else None
            if label is not None:
                return label
            at = area.find(magic, at + 1)
    return None


def _parse(raw: bytes, order: str, at: int) -> Label | None:
    if len(raw) < _FIXED:
        return None
    sector, magic, count = *struct.unpack_from(order + "I", raw, 40), *struct.unpack_from(order + "I2xH", raw, 132)
    length = _FIXED + count * 16
    if magic != MAGIC or not 0 < count <= MAX_PARTITIONS or length > len(raw):
        return None
    if sector < 128 or sector & (sector - 1) or sector > AREA:
        return None
    if reduce(xor, struct.unpack_from(f"{order}{length // 2}H", raw)):
        return None
    found = []
    for number in range(count):
        size, offset, _, kind, _, _ = struct.unpack_from(order + _ENTRY.format, raw, _FIXED + number * 16)
        name = _TYPES[kind] if kind < len(_TYPES) else str(kind)
        found.append(Partition(chr(ord("a") + number), offset * sector, size * sector, name))
    return Label(at, sector, raw[24:40].split(b"\0", 1)[0].decode("latin-1"), found)


def read(device: BlockDevice) -> list[Partition]:
    """The partitions of the label at the beginning of a disk, none where there is no label."""
    label = find(device)
    return [] if label is None else [partition for partition in label.partitions if partition.size]


def inside(device: BlockDevice, outer: Partition) -> list[Partition]:
    """The partitions of the label in an MBR partition of a BSD.

    Offsets are those of the whole disk, but FreeBSD's are relative to what its label says of partition c.
    """
    if outer.type not in (_FREEBSD, _OPENBSD, _NETBSD):
        return []
    label = find(device, outer.start)
    if label is None:
        return []
    move = 0
    if outer.type == _FREEBSD and len(label.partitions) > _RAW:
        move = outer.start - label.partitions[_RAW].start
    return [
        partition._replace(name=outer.name + partition.name, start=max(partition.start + move, 0))
        for partition in label.partitions
        if partition.size
    ]

"""Directory entries in their blocks.

Format: "ext4 Data Structures and Algorithms", Directory Entries. A block is a chain of records that fills it; with
metadata_csum the last record is a checksum in disguise. The inner nodes of an index look like one unused record.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpvfs.core.vnode import VType
from rumpwire.errno import Errno, KernelError

from .checksum import crc32c

# inode, record length, name length, file type (or the high half of the name length)
_RECORD = struct.Struct("<IH2B")
_TAIL = struct.Struct("<IH2BI")
_TAIL_TYPE = 0xDE
TAIL_SIZE = 12
# An index node: count and limit, then records of hash and block; where the tail has its checksum.
_COUNT_LIMIT = struct.Struct("<2H")
NODE_OFFSET = 8
ROOT_OFFSET = 32

KINDS = (None, VType.REG, VType.DIR, VType.CHR, VType.BLK, VType.FIFO, VType.SOCK, VType.LNK)


class Record(NamedTuple):
    """One name; where its record begins and ends is counted from the beginning of the directory."""

    start: int
    end: int
    inode: int
    vtype: VType | None
    name: bytes


class Names:
    """The names of one block, in order and by name."""

    __slots__ = ("by_name", "records")

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.by_name = {record.name: record for record in reversed(records)}


class Layout(NamedTuple):
    """What of the superblock matters here."""

    block_size: int
    inodes_count: int
    file_types: bool


def parse(layout: Layout, raw: Buffer, base: int) -> Names:
    """The records of a block (or of a piece of inline data) that begins at ``base``. EIO for a broken chain."""
    data = bytes(raw)
    size = len(data)
    wide = layout.block_size >= 65536
    file_types = layout.file_types
    inodes_count = layout.inodes_count
    unpack = _RECORD.unpack_from
    kinds = KINDS
    make = Record
    records: list[Record] = []
    at = 0
    while at < size:
        if size - at < 8:
            raise _broken(base + at)
        inode, length, name_length, kind = unpack(data, at)
        if wide:
            length = length & 0xFFFC | (length & 3) << 16 if length not in (0, 0xFFFF) else 65536
        if not file_types:
            name_length |= kind << 8
            kind = 0
        end = at + length
        if length < name_length + 8 or length & 3 or end > size or length < 12:
            raise _broken(base + at)
        if inode:
            name = data[at + 8 : at + 8 + name_length]
            if inode > inodes_count or not name or name_length > 255 or b"/" in name or b"\0" in name:
                raise _broken(base + at)
            records.append(make(base + at, base + end, inode, kinds[kind] if kind < 8 else None, name))
        at = end
    return Names(records)


def _broken(offset: int) -> KernelError:
    return KernelError(Errno.EIO, f"broken directory entry at byte {offset}", "ext2fs")


def node_offset(raw: Buffer, *, first: bool) -> int | None:
    """Where count and limit are if a block of an indexed directory is a node of the index, else None."""
    inode, length, _, _ = _RECORD.unpack_from(raw)
    if first:
        return ROOT_OFFSET
    return NODE_OFFSET if inode == 0 and length in (len(raw) & 0xFFFF, 0xFFFF if len(raw) >= 65536 else -1) else None


def verify(seed: int, raw: memoryview, node: int | None) -> None:
    """Checks the checksum of a block, ``node`` as `node_offset` gives it. EIO."""
    if not (_names_checksum(seed, raw) if node is None else _node_checksum(seed, raw, node)):
        raise KernelError(Errno.EIO, "wrong checksum of a directory block", "ext2fs")


def _names_checksum(seed: int, raw: memoryview) -> bool:
    end = len(raw) - TAIL_SIZE
    inode, length, name_length, kind, stored = _TAIL.unpack_from(raw, end)
    if (inode, length, name_length, kind) != (0, TAIL_SIZE, 0, _TAIL_TYPE):
        return False
    return crc32c(seed, raw[:end]) == int(stored)


def _node_checksum(seed: int, raw: memoryview, offset: int) -> bool:
    """Covers the records in use, then the tail behind the last possible one with the checksum taken as zero."""
    limit, count = _COUNT_LIMIT.unpack_from(raw, offset)
    tail = offset + limit * 8
    if count > limit or tail + 8 > len(raw):
        return False
    covered = bytes(raw[: offset + count * 8]) + bytes(raw[tail : tail + 4]) + bytes(4)
    return crc32c(seed, covered) == int.from_bytes(raw[tail + 4 : tail + 8], "little")

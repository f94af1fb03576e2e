"""Group descriptors: where each block group keeps its bitmaps and inodes, and how much of it is free.

Format: "ext4 Data Structures and Algorithms", Block Group Descriptors.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .checksum import crc16, crc32c
from .superblock import INCOMPAT_META_BG, RO_COMPAT_GDT_CSUM, Superblock

FLAG_INODE_UNINIT = 0x1
FLAG_BLOCK_UNINIT = 0x2
FLAG_INODE_ZEROED = 0x4

# block bitmap, inode bitmap, inode table, free blocks, free inodes, directories, flags
_LOW = struct.Struct("<3I4H")
_HIGH = struct.Struct("<3I3H")
# The same from the free blocks on, with the checksums of both bitmaps and the inodes that were never used.
_LOW_COUNTS = struct.Struct("<4H4x3H")
_HIGH_COUNTS = struct.Struct("<4H4x2H")
_LOW_COUNTS_OFFSET = 0xC
_HIGH_COUNTS_OFFSET = 0x2C
_HIGH_OFFSET = 32
_CHECKSUM = 0x1E


class Group(NamedTuple):
    """One group descriptor; positions are blocks, free blocks count clusters."""

    block_bitmap: int
    inode_bitmap: int
    inode_table: int
    free_blocks: int
    free_inodes: int
    directories: int
    flags: int


def locate(sb: Superblock, number: int) -> tuple[int, int]:
    """(block, offset in it) of a group's descriptor."""
    per_block = sb.block_size // sb.descriptor_size
    index, slot = divmod(number, per_block)
    superblock = 1 if sb.block_size == 1024 else 0
    if not sb.incompat & INCOMPAT_META_BG or index < sb.first_meta_group:
        return superblock + 1 + index, slot * sb.descriptor_size
    first = index * per_block
    block = sb.first_data_block + first * sb.blocks_per_group + sb.has_backup(first)
    if sb.block_size == 1024 and index == 0 and sb.first_data_block == 0:
        block += 1
    return block, slot * sb.descriptor_size


def parse(sb: Superblock, number: int, raw: Buffer) -> Group:
    """EIO for a wrong checksum or a table outside of the file system."""
    data = bytes(raw)
    _check(sb, number, data)
    fields = _LOW.unpack_from(data)
    if sb.descriptor_size > _HIGH_OFFSET:
        high = _HIGH.unpack_from(data, _HIGH_OFFSET)
        shifts = (32, 32, 32, 16, 16, 16)
        wide = (low | up << shift for low, up, shift in zip(fields[:6], high, shifts, strict=True))
        group = Group._make((*wide, fields[6]))
    else:
        group = Group._make(fields)
    if not sb.first_data_block < group.inode_table <= sb.blocks_count - sb.inode_blocks_per_group:
        raise KernelError(Errno.EIO, f"group {number}: inode table at block {group.inode_table}", "ext2fs")
    return group


@lru_cache(maxsize=1024)
def _seed(seed: int, number: int) -> int:
    return crc32c(seed, number.to_bytes(4, "little"))


def _checksum(sb: Superblock, number: int, data: bytes) -> int:
    """Of a descriptor, by the features of the file system; 0 where it has none."""
    if sb.metadata_csum:
        zeroed = data[:_CHECKSUM] + b"\0\0" + data[_CHECKSUM + 2 :]
        return crc32c(_seed(sb.checksum_seed, number), zeroed) & 0xFFFF
    if sb.ro_compat & RO_COMPAT_GDT_CSUM:
        return crc16(crc16(0xFFFF, sb.uuid + number.to_bytes(4, "little")), data[:_CHECKSUM] + data[_CHECKSUM + 2 :])
    return 0


def _check(sb: Superblock, number: int, data: bytes) -> None:
    stored = int.from_bytes(data[_CHECKSUM : _CHECKSUM + 2], "little")
    if (sb.metadata_csum or sb.ro_compat & RO_COMPAT_GDT_CSUM) and _checksum(sb, number, data) != stored:
        raise KernelError(Errno.EIO, f"group {number}: wrong checksum of its descriptor", "ext2fs")


class Counts(NamedTuple):
    """What changes in a descriptor; ``unused`` are the inodes at the end of the table that were never used."""

    free_blocks: int
    free_inodes: int
    directories: int
    flags: int
    block_checksum: int
    inode_checksum: int
    unused: int


def counts(sb: Superblock, raw: Buffer) -> Counts:
    """What of a checked descriptor changes."""
    low = _LOW_COUNTS.unpack_from(raw, _LOW_COUNTS_OFFSET)
    if sb.descriptor_size <= _HIGH_OFFSET:
        return Counts(*low)
    free, inodes, directories, unused, blocks_sum, inodes_sum = _HIGH_COUNTS.unpack_from(raw, _HIGH_COUNTS_OFFSET)
    high = (free, inodes, directories, 0, blocks_sum, inodes_sum, unused)
    return Counts(*(a | b << 16 for a, b in zip(low, high, strict=True)))


def store(sb: Superblock, number: int, raw: bytearray, at: int, new: Counts) -> None:
    """Puts new counts into the descriptor at ``at`` of a block and makes its checksum right."""
    _LOW_COUNTS.pack_into(raw, at + _LOW_COUNTS_OFFSET, *(value & 0xFFFF for value in new))
    if sb.descriptor_size > _HIGH_OFFSET:
        free, inodes, directories, _, blocks_sum, inodes_sum, unused = (value >> 16 for value in new)
        _HIGH_COUNTS.pack_into(raw, at + _HIGH_COUNTS_OFFSET, free, inodes, directories, unused, blocks_sum, inodes_sum)
    data = bytes(raw[at : at + sb.descriptor_size])
    raw[at + _CHECKSUM : at + _CHECKSUM + 2] = _checksum(sb, number, data).to_bytes(2, "little")

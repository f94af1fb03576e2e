"""Group descriptors: where each block group keeps its bitmaps and inodes, and how much of it is free.

Format: "ext4 Data Structures and Algorithms", Block Group Descriptors.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .checksum import crc16, crc32c
from .superblock import INCOMPAT_META_BG, RO_COMPAT_GDT_CSUM, Superblock

# block bitmap, inode bitmap, inode table, free blocks, free inodes, directories, flags
_LOW = struct.Struct("<3I4H")
_HIGH = struct.Struct("<3I3H")
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


def _check(sb: Superblock, number: int, data: bytes) -> None:
    stored = int.from_bytes(data[_CHECKSUM : _CHECKSUM + 2], "little")
    if sb.metadata_csum:
        zeroed = data[:_CHECKSUM] + b"\0\0" + data[_CHECKSUM + 2 :]
        found = crc32c(crc32c(sb.checksum_seed, number.to_bytes(4, "little")), zeroed) & 0xFFFF
    elif sb.ro_compat & RO_COMPAT_GDT_CSUM:
        found = crc16(crc16(0xFFFF, sb.uuid + number.to_bytes(4, "little")), data[:_CHECKSUM] + data[_CHECKSUM + 2 :])
    else:
        return
    if found != stored:
        raise KernelError(Errno.EIO, f"group {number}: wrong checksum of its descriptor", "ext2fs")

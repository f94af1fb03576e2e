"""Extended attributes behind the inode and in a block of their own.

Format: "ext4 Data Structures and Algorithms", Extended Attributes. Names are kept without their prefix, for which a
number stands; values lie at the end of the same area, large ones in an inode of their own.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

from .checksum import crc32c
from .inode import GOOD_OLD_SIZE, Inode

MAGIC = 0xEA020000
BLOCK_HEADER_SIZE = 32
_BLOCK_CHECKSUM = 0x10
_BLOCK_HEADER = struct.Struct("<5I")
# name length, prefix, value offset, value inode, value size, hash
_ENTRY = struct.Struct("<2BH3I")
# As Linux: values of their own inode are not larger.
MAX_VALUE = 1 << 16

INDEX_ACL = 2
INDEX_ACL_DEFAULT = 3
_PREFIXES = {
    0: b"",
    1: b"user.",
    INDEX_ACL: b"system.posix_acl_access",
    INDEX_ACL_DEFAULT: b"system.posix_acl_default",
    4: b"trusted.",
    6: b"security.",
    7: b"system.",
    8: b"system.richacl",
}
INLINE_DATA = b"system.data"


class Attribute(NamedTuple):
    """One attribute: its value, or the inode that has it (``inode`` > 0) and its size."""

    prefix: int
    value: bytes
    inode: int
    size: int


def in_inode(inode: Inode) -> dict[bytes, Attribute]:
    """The attributes behind the inode's fields. EIO."""
    start = GOOD_OLD_SIZE + inode.extra_size
    raw = inode.raw
    if inode.extra_size == 0 or len(raw) < start + 8 or int.from_bytes(raw[start : start + 4], "little") != MAGIC:
        return {}
    area = raw[start + 4 :]
    return _parse(inode.number, area, 0, area)


def in_block(inode: Inode, raw: memoryview, seed: int | None) -> dict[bytes, Attribute]:
    """The attributes of the block at ``inode.file_acl``. ``seed`` is None without metadata_csum. EIO."""
    data = bytes(raw)
    magic, _references, blocks, _hash, stored = _BLOCK_HEADER.unpack_from(data)
    if magic != MAGIC or blocks != 1:
        raise _bad(inode.number, "bad header of their block")
    if seed is not None:
        zeroed = data[:_BLOCK_CHECKSUM] + bytes(4) + data[_BLOCK_CHECKSUM + 4 :]
        if crc32c(crc32c(seed, inode.file_acl.to_bytes(8, "little")), zeroed) != stored:
            raise _bad(inode.number, "wrong checksum of their block")
    return _parse(inode.number, data, BLOCK_HEADER_SIZE, data)


def _bad(inode: int, text: str) -> KernelError:
    return KernelError(Errno.EIO, f"inode {inode}: extended attributes: {text}", "ext2fs")


def _parse(inode: int, area: bytes, at: int, values: bytes) -> dict[bytes, Attribute]:
    """The list of entries from ``at`` on; values are counted from the beginning of ``values``."""
    found: dict[bytes, Attribute] = {}
    while area[at : at + 4] != bytes(4):
        if at + _ENTRY.size > len(area):
            raise _bad(inode, "the list has no end")
        length, index, offset, value_inode, size, _hash = _ENTRY.unpack_from(area, at)
        name = area[at + _ENTRY.size : at + _ENTRY.size + length]
        at += (_ENTRY.size + length + 3) & ~3
        if at + 4 > len(area) or b"\0" in name:
            raise _bad(inode, "bad name")
        if size > MAX_VALUE or (not value_inode and offset + size > len(values)):
            raise _bad(inode, f"value of {size} bytes at {offset}")
        if index in _PREFIXES:
            value = b"" if value_inode else values[offset : offset + size]
            found[_PREFIXES[index] + name] = Attribute(index, value, value_inode, size)
    return found


_ACL_DISK_VERSION = 1
_ACL_VERSION = 2
_ACL_ENTRY = struct.Struct("<2HI")
# The entries that name a user or a group, and the number that stands for none.
_ACL_NAMED = (0x02, 0x08)
_ACL_NO_ID = 0xFFFFFFFF


def presented(inode: int, attribute: Attribute, value: bytes) -> bytes:
    """The value as programs know it: access lists are kept in a shorter form than that of getxattr(2). EIO."""
    if attribute.prefix not in (INDEX_ACL, INDEX_ACL_DEFAULT):
        return value
    if len(value) < 4 or int.from_bytes(value[:4], "little") != _ACL_DISK_VERSION:
        raise _bad(inode, "access list of an unknown version")
    out = bytearray(_ACL_VERSION.to_bytes(4, "little"))
    at = 4
    while at < len(value):
        named = int.from_bytes(value[at : at + 2], "little") in _ACL_NAMED
        size = 8 if named else 4
        if at + size > len(value):
            raise _bad(inode, "access list cut short")
        tag, permissions = struct.unpack_from("<2H", value, at)
        who = int.from_bytes(value[at + 4 : at + 8], "little") if named else _ACL_NO_ID
        out += _ACL_ENTRY.pack(tag, permissions, who)
        at += size
    return bytes(out)

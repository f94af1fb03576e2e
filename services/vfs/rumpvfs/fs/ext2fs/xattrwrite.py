"""Changing extended attributes; `xattr` has the format.

All attributes of an inode are laid out anew on every change: first behind the inode, the inline data of a file before
all others, and what does not fit there in a block. A block that other inodes share is left to them.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from rumpvfs.core import acl
from rumpwire.errno import Errno, KernelError

from . import xattr
from .checksum import crc32c
from .inode import GOOD_OLD_SIZE
from .xattr import BLOCK_HEADER_SIZE, INDEX_ACL, INDEX_ACL_DEFAULT, INLINE_DATA, MAGIC

if TYPE_CHECKING:
    from .inode import Inode
    from .writer import Writer

_ENTRY = struct.Struct("<2BH3I")
_HEADER = struct.Struct("<5I12x")
_CHECKSUM = 0x10
_REFERENCES = 4
_MASK = 0xFFFFFFFF
_PREFIXES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6), (b"system.", 7))
_WHOLE = {b"system.posix_acl_access": INDEX_ACL, b"system.posix_acl_default": INDEX_ACL_DEFAULT, b"system.richacl": 8}

Values = dict[bytes, bytes]


def _split(name: bytes) -> tuple[int, bytes]:
    """The number of a name's prefix and the rest. EOPNOTSUPP for a namespace that has none."""
    if name in _WHOLE:
        return _WHOLE[name], b""
    for prefix, index in _PREFIXES:
        if name.startswith(prefix):
            return index, name[len(prefix) :]
    raise KernelError(Errno.EOPNOTSUPP, f"attributes named {name[:40]!r} are not kept", "ext2fs")


def _order(name: bytes) -> tuple[int, int, bytes]:
    index, rest = _split(name)
    return index, len(rest), rest


def _size(name: bytes, value: bytes) -> int:
    return ((_ENTRY.size + len(_split(name)[1]) + 3) & ~3) + ((len(value) + 3) & ~3)


def _hash(name: bytes, value: bytes) -> int:
    found = 0
    for byte in name:
        found = ((found << 5) ^ (found >> 27) ^ byte) & _MASK
    for (word,) in struct.iter_unpack("<I", value.ljust((len(value) + 3) & ~3, b"\0")):
        found = ((found << 16) ^ (found >> 16) ^ word) & _MASK
    return found


def _pack(values: Values, room: int, base: int) -> tuple[bytes, list[int]]:
    """Entries from the beginning, values from the end of ``room`` bytes; offsets count from ``base`` before it."""
    area = bytearray(room)
    at, end = 0, room
    hashes = []
    for name in sorted(values, key=_order):
        value = values[name]
        index, rest = _split(name)
        end -= (len(value) + 3) & ~3
        found = _hash(rest, value)
        hashes.append(found)
        offset = end + base if value else 0
        area[at : at + _ENTRY.size + len(rest)] = _ENTRY.pack(len(rest), index, offset, 0, len(value), found) + rest
        area[end : end + len(value)] = value
        at += (_ENTRY.size + len(rest) + 3) & ~3
    return bytes(area), hashes


class AttributeWriter:
    """The attributes of the inodes of one mount. Callers are inside of an operation."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._volume = writer.volume
        self._seed = writer.volume.sb.checksum_seed if writer.volume.sb.metadata_csum else None

    def inline_room(self, inode: Inode, *, without: bytes = b"") -> int:
        """How long a value behind the inode may be for the inline data, all others staying there."""
        values = self._in_inode(inode)
        values.pop(INLINE_DATA, None)
        taken = sum(_size(name, value) for name, value in values.items())
        return max(self._room(inode) - taken - _size(INLINE_DATA, b""), 0) & ~3

    def _room(self, inode: Inode) -> int:
        """Bytes behind the inode for entries and values."""
        if not inode.extra_size:
            return 0
        return max(len(inode.raw) - GOOD_OLD_SIZE - inode.extra_size - 8, 0)

    def _in_inode(self, inode: Inode) -> Values:
        return {name: found.value for name, found in xattr.in_inode(inode).items()}

    def _in_block(self, inode: Inode) -> Values:
        if not inode.file_acl:
            return {}
        storage = self._volume.storage
        seed = None if inode.file_acl in storage.unsealed else self._seed
        found = xattr.in_block(inode, storage.block(inode.file_acl), seed)
        return {name: attribute.value for name, attribute in found.items()}

    # -- changing

    def set(self, inode: Inode, name: bytes, value: bytes | None) -> None:
        """Sets or (None) takes away. ENOSPC when there is no room, ENOATTR, EOPNOTSUPP, EIO."""
        _split(name)
        inside, behind = self._in_inode(inode), self._in_block(inode)
        if value is None and name not in inside and name not in behind:
            raise KernelError(Errno.ENOATTR)
        stays = name in inside
        inside.pop(name, None)
        behind_before = dict(behind)
        behind.pop(name, None)
        if value is not None:
            room = self._room(inode) - sum(_size(n, v) for n, v in inside.items())
            if name == INLINE_DATA or _size(name, value) <= room:
                inside[name] = value
            else:
                behind[name] = value
        self._check_room(inode, inside, behind)
        if stays or value is not None or name in inside:
            self._store_inside(inode, inside)
        if behind != behind_before:
            self._store_behind(inode, behind)

    def _check_room(self, inode: Inode, inside: Values, behind: Values) -> None:
        size = self._volume.sb.block_size
        if sum(_size(n, v) for n, v in inside.items()) > self._room(inode):
            raise KernelError(Errno.ENOSPC, "no room for extended attributes behind the inode", "ext2fs")
        if sum(_size(n, v) for n, v in behind.items()) > size - BLOCK_HEADER_SIZE - 4:
            raise KernelError(Errno.ENOSPC, "no room for more extended attributes", "ext2fs")

    def _store_inside(self, inode: Inode, values: Values) -> None:
        start = GOOD_OLD_SIZE + inode.extra_size
        room = len(inode.raw) - start
        if not inode.extra_size or room < 8:
            return
        area = bytes(room)
        if values:
            area = MAGIC.to_bytes(4, "little") + _pack(values, room - 4, 0)[0]
        self._writer.transaction.touch(inode)
        inode.raw = inode.raw[:start] + area

    def _store_behind(self, inode: Inode, values: Values) -> None:
        transaction = self._writer.transaction
        if inode.file_acl and (self._shared(inode) or not values):
            self.release(inode)
        if not values:
            return
        block = inode.file_acl
        if not block:
            transaction.touch(inode)
            block, _ = self._writer.blocks(inode).allocate(0, 1)
            inode.file_acl = block
            raw = transaction.fresh(block)
        else:
            raw = transaction.modify(block)
        area, hashes = _pack(values, len(raw) - BLOCK_HEADER_SIZE, BLOCK_HEADER_SIZE)
        total = 0
        for found in hashes:
            total = ((total << 16) ^ (total >> 16) ^ found) & _MASK
        raw[:] = _HEADER.pack(MAGIC, 1, 1, total if all(hashes) else 0, 0) + area
        self._seal(block)

    def _seal(self, block: int) -> None:
        if self._seed is not None:
            self._writer.transaction.seals[block] = partial(_seal, self._seed, block)

    def _references(self, inode: Inode) -> int:
        return int.from_bytes(self._volume.storage.block(inode.file_acl)[_REFERENCES : _REFERENCES + 4], "little")

    def _shared(self, inode: Inode) -> bool:
        return self._references(inode) > 1

    def release(self, inode: Inode) -> None:
        """The inode has no block of attributes any more. EIO."""
        if not inode.file_acl:
            return
        transaction = self._writer.transaction
        block, references = inode.file_acl, self._references(inode)
        transaction.touch(inode)
        if references > 1:
            transaction.modify(block)[_REFERENCES : _REFERENCES + 4] = (references - 1).to_bytes(4, "little")
            self._seal(block)
            self._writer.blocks(inode).lost(self._volume.sb.block_size >> 9)
        else:
            self._writer.blocks(inode).free_node(block)
        inode.file_acl = 0


def _seal(seed: int, block: int, raw: bytearray) -> None:
    raw[_CHECKSUM : _CHECKSUM + 4] = bytes(4)
    found = crc32c(crc32c(seed, block.to_bytes(8, "little")), raw)
    raw[_CHECKSUM : _CHECKSUM + 4] = found.to_bytes(4, "little")


# -- access lists


def packed_acl(entries: acl.Acl) -> bytes:
    """The shorter form that is kept: only entries that name somebody have an id."""
    named = (acl.USER, acl.GROUP)
    parts = (struct.pack("<2HI", *e) if e.tag in named else struct.pack("<2H", *e[:2]) for e in entries)
    return (1).to_bytes(4, "little") + b"".join(parts)

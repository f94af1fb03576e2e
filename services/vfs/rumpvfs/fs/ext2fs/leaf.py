"""A block of names that is changed: where its records are, and how much room is behind each.

Names are looked up, added and taken away without parsing the block again. A name that goes leaves its room to the
record before it, so the others stay where they are and readers of the directory do not miss one.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right

from rumpuser.host import Buffer
from rumpvfs.core.vnode import VType
from rumpwire.errno import Errno, KernelError

from .checksum import crc32c
from .dirent import KINDS, NODE_OFFSET, TAIL_SIZE, Layout

_RECORD = struct.Struct("<IH2B")
_TAIL = struct.Struct("<IH2BI")
_TAIL_TYPE = 0xDE
_CODES = {kind: code for code, kind in enumerate(KINDS) if kind is not None}


def needed(name: bytes) -> int:
    """The length of a record."""
    return (len(name) + 11) & ~3


def packed_length(length: int) -> int:
    """A record's length as the disk has it: 64 KiB and more do not fit as they are."""
    return length if length < 65536 else length & 0xFFFC | length >> 16 & 3 if length != 65536 else 0xFFFF


def _unpacked_length(length: int, wide: bool) -> int:
    if not wide:
        return length
    return length & 0xFFFC | (length & 3) << 16 if length not in (0, 0xFFFF) else 65536


def record(shape: Layout, inode: int, length: int, name: bytes, vtype: VType | None) -> bytes:
    """The fields and the name of a record."""
    if shape.file_types:
        kind = _CODES[vtype] if vtype is not None else 0
    else:
        kind = len(name) >> 8
    return _RECORD.pack(inode, packed_length(length), len(name) & 0xFF, kind) + name


def format_block(raw: bytearray, *, checksum: bool) -> None:
    """Makes a block of no names."""
    end = len(raw) - (TAIL_SIZE if checksum else 0)
    _RECORD.pack_into(raw, 0, 0, packed_length(end), 0, 0)
    if checksum:
        _TAIL.pack_into(raw, end, 0, TAIL_SIZE, 0, _TAIL_TYPE, 0)


def seal(seed: int, raw: bytearray) -> None:
    """The checksum of a block of names."""
    end = len(raw) - TAIL_SIZE
    raw[end + 8 : end + 12] = crc32c(seed, memoryview(raw)[:end]).to_bytes(4, "little")


def seal_node(seed: int, offset: int, raw: bytearray) -> None:
    """The checksum of a node of the index, ``offset`` being where its count and limit are."""
    limit, count = struct.unpack_from("<2H", raw, offset)
    tail = offset + limit * 8
    covered = bytes(raw[: offset + count * 8]) + bytes(raw[tail : tail + 4]) + bytes(4)
    raw[tail + 4 : tail + 8] = crc32c(seed, covered).to_bytes(4, "little")


def format_node(raw: bytearray) -> None:
    """What makes a node of the index look like one unused record."""
    _RECORD.pack_into(raw, 0, 0, packed_length(len(raw)), 0, 0)
    assert _RECORD.size == NODE_OFFSET


class Leaf:
    """The records of a piece of a directory from ``begin`` to ``end`` of its buffer; ``hashes`` are those known."""

    __slots__ = ("begin", "end", "hashes", "names", "shape", "spare", "starts", "wide")

    def __init__(self, shape: Layout, raw: Buffer, begin: int, end: int) -> None:
        """EIO for a broken chain."""
        self.shape = shape
        self.begin = begin
        self.end = end
        self.wide = shape.block_size >= 65536
        self.starts: list[int] = []
        self.names: dict[bytes, int] = {}
        self.spare: dict[int, int] = {}
        self.hashes: dict[bytes, int] = {}
        data = bytes(raw)
        at = begin
        while at < end:
            at = self._parse(data, at)

    def _parse(self, data: bytes, at: int) -> int:
        if self.end - at < 8:
            raise _broken(at)
        inode, length, size, kind = _RECORD.unpack_from(data, at)
        if self.wide:
            length = _unpacked_length(length, wide=True)
        if not self.shape.file_types:
            size |= kind << 8
        if length < 12 or length & 3 or length < size + 8 or at + length > self.end:
            raise _broken(at)
        self.starts.append(at)
        used = 0
        if inode:
            name = data[at + 8 : at + 8 + size]
            if inode > self.shape.inodes_count or not name or size > 255 or b"/" in name or b"\0" in name:
                raise _broken(at)
            self.names.setdefault(name, at)
            used = (size + 11) & ~3
        if length - used >= 12:
            self.spare[at] = length - used
        return at + int(length)

    def room(self, need: int) -> int:
        """The record behind which (or in which, if it is unused) there is room; -1 when there is none."""
        for at, free in self.spare.items():
            if free >= need:
                return at
        return -1

    def inode(self, raw: Buffer, name: bytes) -> int:
        return int(_RECORD.unpack_from(raw, self.names[name])[0])

    def _length(self, raw: Buffer, at: int) -> int:
        return _unpacked_length(int.from_bytes(raw[at + 4 : at + 6], "little"), self.wide)

    def _as_parsed(self, raw: bytearray, at: int, name: bytes = b"") -> int:
        """The length of a record. EIO when it is not what it was: another directory has the block too."""
        length = self._length(raw, at)
        if not len(name) + 8 <= length <= self.end - at or raw[at + 8 : at + 8 + len(name)] != name:
            raise _shared(at)
        return length

    def _set_length(self, raw: bytearray, at: int, length: int) -> None:
        raw[at + 4 : at + 6] = packed_length(length).to_bytes(2, "little")

    def add(self, raw: bytearray, at: int, name: bytes, inode: int, vtype: VType | None) -> None:
        """Puts a name where `room` said."""
        free = self.spare.pop(at)
        length = self._as_parsed(raw, at)
        if length - _used(raw, at, self.shape) != free:
            raise _shared(at)
        if free < length:
            self._set_length(raw, at, length - free)
            at += length - free
            self.starts.insert(bisect_right(self.starts, at), at)
        need = needed(name)
        packed = record(self.shape, inode, free, name, vtype)
        raw[at : at + len(packed)] = packed
        self.names[name] = at
        if free - need >= 12:
            self.spare[at] = free - need

    def remove(self, raw: bytearray, name: bytes) -> None:
        at = self.names[name]
        length = self._as_parsed(raw, at, name)
        index = bisect_left(self.starts, at)
        if index and self._length(raw, self.starts[index - 1]) != at - self.starts[index - 1]:
            raise _shared(at)
        del self.names[name]
        self.hashes.pop(name, None)
        raw[at : at + 4] = bytes(4)
        if index == 0:
            self.spare[at] = length
            return
        before = self.starts[index - 1]
        joined = self._length(raw, before) + length
        self._set_length(raw, before, joined)
        del self.starts[index]
        self.spare.pop(at, None)
        used = _used(raw, before, self.shape)
        if joined - used >= 12:
            self.spare[before] = joined - used

    def replace(self, raw: bytearray, name: bytes, inode: int, vtype: VType | None) -> None:
        """The name is of another file from now on."""
        at = self.names[name]
        packed = record(self.shape, inode, self._as_parsed(raw, at, name), name, vtype)
        raw[at : at + len(packed)] = packed


def _used(raw: bytearray, at: int, shape: Layout) -> int:
    inode, _, size, kind = _RECORD.unpack_from(raw, at)
    return (size + (0 if shape.file_types else kind << 8) + 11) & ~3 if inode else 0


def _shared(at: int) -> KernelError:
    return KernelError(Errno.EIO, f"the directory entry at byte {at} of its block has changed: two have it", "ext2fs")


def _broken(at: int) -> KernelError:
    return KernelError(Errno.EIO, f"broken directory entry at byte {at} of its block", "ext2fs")

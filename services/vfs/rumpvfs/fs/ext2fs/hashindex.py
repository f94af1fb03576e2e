"""Changing the index of a directory; `htree` has the format and finds names.

A node that is full is split in half; a full root gets one more level below it, up to what the file system may have.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rumpwire.errno import Errno, KernelError

from . import hashes
from .dirent import NODE_OFFSET, ROOT_OFFSET
from .htree import Broken, HashTree, parse_root
from .leaf import format_node, packed_length
from .superblock import INCOMPAT_LARGEDIR, Superblock

if TYPE_CHECKING:
    from .entries import Entries

_COUNT_LIMIT = struct.Struct("<2H")
_RECORD = struct.Struct("<2I")
_INFO = struct.Struct("<I4B")
_INFO_OFFSET = 24
_INFO_LENGTH = 8
_BLOCK_MASK = 0x0FFFFFFF


class Frame(NamedTuple):
    """A node on the way down: its block, where its records are, how many there are and may be, which was taken."""

    block: int
    offset: int
    used: int
    limit: int
    at: int
    child: int


def _limit(size: int, offset: int, *, checksum: bool) -> int:
    return (size - offset) // 8 - checksum


def make_root(entries: Entries) -> None:
    """Turns a directory of one block into one with an index; the caller has checked ``.`` and ``..``."""
    size, _, checksum = entries.parts
    sb = entries._writer.volume.sb
    block, _ = entries.move_all()
    entries.mark_indexed()
    raw = entries.modify_node(0, ROOT_OFFSET)
    raw[16:18] = packed_length(size - 12).to_bytes(2, "little")
    raw[_INFO_OFFSET:] = bytes(size - _INFO_OFFSET)
    version = sb.hash_version if sb.hash_version <= hashes.TEA else hashes.HALF_MD4
    _INFO.pack_into(raw, _INFO_OFFSET, 0, version, _INFO_LENGTH, 0, 0)
    _COUNT_LIMIT.pack_into(raw, ROOT_OFFSET, _limit(size, ROOT_OFFSET, checksum=checksum), 1)
    struct.pack_into("<I", raw, ROOT_OFFSET + 4, block)


class HashIndex:
    """The index of one directory, to be changed."""

    def __init__(self, entries: Entries, sb: Superblock) -> None:
        self._entries = entries
        self._sb = sb
        self._levels_max = 3 if sb.incompat & INCOMPAT_LARGEDIR else 2
        self._root = parse_root(entries.raw(0), self._levels_max)
        self._tree: HashTree | None = None

    def hash(self, name: bytes) -> int:
        return hashes.name_hash(name, self._root.version, self._sb.hash_seed, unsigned=self._sb.unsigned_hash)

    def leaves(self, name: bytes) -> Iterator[int]:
        """`Broken`."""
        if self._tree is None:
            self._tree = HashTree(
                self._raw,
                self._entries.count,
                seed=self._sb.hash_seed,
                unsigned=self._sb.unsigned_hash,
                max_levels=self._levels_max,
            )
        return self._tree.leaves(name)

    def _raw(self, block: int) -> memoryview:
        if not 0 <= block < self._entries.count:
            raise Broken
        return self._entries.raw(block)

    def _path(self, wanted: int) -> list[Frame]:
        frames = []
        block, offset = 0, self._root.offset
        for _ in range(self._root.levels + 1):
            frame = self._frame(block, offset, wanted)
            frames.append(frame)
            block, offset = frame.child, NODE_OFFSET
        return frames

    def _frame(self, block: int, offset: int, wanted: int) -> Frame:
        raw = self._entries.raw(block)
        limit, count = _COUNT_LIMIT.unpack_from(raw, offset)
        if not 0 < count <= limit or offset + limit * 8 > len(raw):
            raise Broken
        words = struct.unpack_from(f"<{count * 2}I", raw, offset)
        at = bisect_right(words[2::2], wanted)
        child = words[at * 2 + 1] & _BLOCK_MASK
        if not 0 < child < self._entries.count:
            raise Broken
        return Frame(block, offset, count, limit, at, child)

    def leaf_of(self, wanted: int) -> int:
        """The block that names of a hash go to. `Broken`."""
        return self._path(wanted)[-1].child

    # -- changing

    def make_room(self, wanted: int) -> None:
        """Sees to it that the lowest node on the way to a hash takes one more record. ENOSPC, `Broken`."""
        for _ in range(4):
            frames = self._path(wanted)
            full = [frame for frame in frames if frame.used >= frame.limit]
            if not full or full[-1] is not frames[-1]:
                return
            # The highest of the full ones just above the lowest: what is above it has room.
            level = len(frames) - 1
            while level > 0 and frames[level - 1].used >= frames[level - 1].limit:
                level -= 1
            if level == 0:
                self._deepen(frames[0])
            else:
                self._split_node(frames[level - 1], frames[level], wanted)
        raise Broken

    def _deepen(self, root: Frame) -> None:
        """The records of the root move to a node of their own."""
        if self._root.levels + 1 >= self._levels_max:
            raise KernelError(Errno.ENOSPC, "the index of the directory is full", "ext2fs")
        size, _, checksum = self._entries.parts
        block = self._entries.append()
        raw = self._entries.modify_node(0, ROOT_OFFSET)
        records = bytes(raw[root.offset : root.offset + root.used * 8])
        self._fill(block, records)
        _COUNT_LIMIT.pack_into(raw, root.offset, root.limit, 1)
        struct.pack_into("<I", raw, root.offset + 4, block)
        raw[root.offset + 8 : size - 8 * checksum] = bytes(size - 8 * checksum - root.offset - 8)
        raw[_INFO_OFFSET + 6] = self._root.levels + 1
        self._changed()

    def _fill(self, block: int, records: bytes) -> None:
        """A new node with some records, the hash of the first of which is not kept in it."""
        size, _, checksum = self._entries.parts
        raw = self._entries.modify_node(block, NODE_OFFSET)
        format_node(raw)
        raw[NODE_OFFSET : NODE_OFFSET + len(records)] = records
        _COUNT_LIMIT.pack_into(raw, NODE_OFFSET, _limit(size, NODE_OFFSET, checksum=checksum), len(records) // 8)

    def _split_node(self, parent: Frame, node: Frame, wanted: int) -> None:
        half = node.used // 2
        block = self._entries.append()
        raw = self._entries.modify_node(node.block, node.offset)
        begin = node.offset + half * 8
        records = bytes(raw[begin : node.offset + node.used * 8])
        split = int.from_bytes(records[:4], "little")
        self._fill(block, records)
        _COUNT_LIMIT.pack_into(raw, node.offset, node.limit, half)
        self._insert(parent, split, block)

    def insert(self, wanted: int, split: int, block: int) -> None:
        """A record for a new leaf behind the one for ``wanted``. `Broken`."""
        self._insert(self._path(wanted)[-1], split, block)

    def _insert(self, frame: Frame, split: int, block: int) -> None:
        assert frame.used < frame.limit
        raw = self._entries.modify_node(frame.block, frame.offset)
        at = frame.offset + (frame.at + 1) * 8
        end = frame.offset + frame.used * 8
        raw[at + 8 : end + 8] = raw[at:end]
        _RECORD.pack_into(raw, at, split, block)
        _COUNT_LIMIT.pack_into(raw, frame.offset, frame.limit, frame.used + 1)
        self._changed()

    def _changed(self) -> None:
        self._tree = None
        self._root = parse_root(self._entries.raw(0), self._levels_max)

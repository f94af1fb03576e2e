"""The file of one quota type: the inodes 3 (users) and 4 (groups) of a file system with the feature ``quota``.

Format: "vfsv1" of the Linux quota utilities (quotaio_v2.h, revision 1), little-endian, in blocks of 1 KiB. Block 0 is
the header. From block 1 on an id is looked up byte by byte, the highest first, in four levels of blocks with 256
numbers of blocks each; the last one leads to a block of entries, in which the ids are in no order. Blocks of entries
with room for more are a list, and so are blocks that are not in use.

Entries are not taken away: that of an id without limits and files says nothing, and is there when the id comes back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from .inode import Inode
    from .volume import Volume
    from .writer import Writer

MAGICS = (0xD9C01F11, 0xD9C01927)
"""Of users and of groups."""
VERSION = 1
SIZE = 1024
ROOT = 1
_LEVELS = 4
_FAN_OUT = SIZE // 4
# magic, version; grace of blocks, grace of files, flags, blocks, first free block, first block with room
HEADER = struct.Struct("<8I")
# next and previous block with room, entries
_LEAF = struct.Struct("<2IH6x")
# id; hard and soft limit and use of files, the same of blocks (limits in KiB, use in bytes), times of both
_ENTRY = struct.Struct("<I4x8Q")
_SLOTS = (SIZE - _LEAF.size) // _ENTRY.size
_WORD = struct.Struct("<I")
_UNUSED = bytes(_ENTRY.size)
_BLOCKS, _FREE, _ROOMY = 20, 24, 28
_NEXT, _PREVIOUS, _COUNT = 0, 4, 8


class Record(NamedTuple):
    """An entry as it is on the disk. Limits are 0 where there is none; blocks are KiB but for the use: bytes."""

    id: int
    files_hard: int
    files_soft: int
    files: int
    blocks_hard: int
    blocks_soft: int
    space: int
    blocks_time: int
    files_time: int


class QuotaFile:
    """One quota file. It is changed inside of operations of the ``writer``; without one it is only read."""

    def __init__(self, volume: Volume, writer: Writer | None, number: int, kind: int) -> None:
        """EIO for what is no quota file."""
        self._volume = volume
        self._writer = writer
        self._places: dict[int, int] = {}
        self._blocks: int
        self.inode: Inode = volume.inode(number)
        magic, version, *self.graces, _, self._blocks, _, _ = HEADER.unpack_from(self._view(0))
        if magic != MAGICS[kind] or version != VERSION:
            raise self._bad(f"magic {magic:#x}, version {version}")
        if self._blocks <= ROOT or self._blocks * SIZE > self.inode.size:
            raise self._bad(f"{self._blocks} blocks in {self.inode.size} bytes")

    def _bad(self, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"inode {self.inode.number}: quota file: {text}: run e2fsck", "ext2fs")

    # -- blocks

    def _place(self, block: int) -> tuple[int, int]:
        """Block of the device and byte in it. EIO."""
        index, at = divmod(block * SIZE, self._volume.sb.block_size)
        found = self._places.get(index)
        if not found:
            start, _ = self._volume.data(self.inode).segment(index * self._volume.sb.block_size)
            if start <= 0 or block * SIZE >= self.inode.size:
                raise self._bad(f"no block {block}")
            found = self._places[index] = start // self._volume.sb.block_size
        return found, at

    def _view(self, block: int) -> memoryview:
        place, at = self._place(block)
        return self._volume.storage.block(place)[at : at + SIZE]

    def modify(self, block: int) -> memoryview:
        """A block to be changed in place."""
        assert self._writer is not None
        place, at = self._place(block)
        return memoryview(self._writer.transaction.modify(place))[at : at + SIZE]

    def _word(self, block: int, at: int) -> int:
        return int(_WORD.unpack_from(self._view(block), at)[0])

    def _set_word(self, block: int, at: int, value: int) -> None:
        _WORD.pack_into(self.modify(block), at, value)

    def _checked(self, block: int) -> int:
        if block and not ROOT < block < self._blocks:
            raise self._bad(f"block {block} of {self._blocks}")
        return block

    # -- reading

    def records(self) -> Iterator[tuple[int, Record]]:
        """All entries, each with its place. EIO for a broken tree."""
        leaves: set[int] = set()
        level = {ROOT}
        for depth in range(_LEVELS):
            below: set[int] = set()
            for block in level:
                words = {word for (word,) in _WORD.iter_unpack(self._view(block)) if word}
                if depth + 1 < _LEVELS and not words.isdisjoint(below):
                    raise self._bad("two ways to a block")
                below |= words
            level = {self._checked(block) for block in below}
        leaves = level
        for block in sorted(leaves):
            yield from self._entries(block)

    def _entries(self, block: int) -> Iterator[tuple[int, Record]]:
        view = self._view(block)
        for slot in range(_SLOTS):
            at = _LEAF.size + slot * _ENTRY.size
            if view[at : at + _ENTRY.size] != _UNUSED:
                yield block * SIZE + at, Record(*_ENTRY.unpack_from(view, at))

    # -- changing

    def touch(self, place: int) -> None:
        """An entry is about to change: `store` follows before the end of the transaction."""
        self.modify(place // SIZE)

    def store(self, place: int, record: Record) -> None:
        if not any(record):
            record = record._replace(files_time=1)  # an entry of zeros alone is none
        block, at = divmod(place, SIZE)
        _ENTRY.pack_into(self.modify(block), at, *record)

    def store_graces(self, blocks: int, files: int) -> None:
        struct.pack_into("<2I", self.modify(0), 8, min(blocks, 0xFFFFFFFF), min(files, 0xFFFFFFFF))

    def add(self, id: int) -> int:
        """A place for the entry of an id that has none. ENOSPC, EIO."""
        leaf = self._roomy()
        block = ROOT
        for level in range(_LEVELS):
            at = (id >> 8 * (_LEVELS - 1 - level) & 0xFF) * 4
            below = self._checked(self._word(block, at))
            if level + 1 == _LEVELS:
                self._set_word(block, at, leaf)
            elif not below:
                below = self._new()
                self._set_word(block, at, below)
            block = below
        return self._take(leaf, id)

    def _roomy(self) -> int:
        """A block of entries that has room for one more."""
        block = self._checked(self._word(0, _ROOMY))
        if not block:
            block = self._new()
            self._set_word(0, _ROOMY, block)
        return block

    def _take(self, block: int, id: int) -> int:
        view = self.modify(block)
        following, previous, count = (int(word) for word in _LEAF.unpack_from(view))
        places = range(_LEAF.size, _LEAF.size + _SLOTS * _ENTRY.size, _ENTRY.size)
        at = next((at for at in places if view[at : at + _ENTRY.size] == _UNUSED), 0)
        if not at:
            raise self._bad(f"block {block} has no room, though it says so")
        if count + 1 >= _SLOTS:
            self._unlist(block, self._checked(following), self._checked(previous))
            following = previous = 0
        _LEAF.pack_into(self.modify(block), 0, following, previous, count + 1)
        place = block * SIZE + at
        self.store(place, Record(id, *[0] * 8))
        return place

    def _unlist(self, block: int, following: int, previous: int) -> None:
        """A block of entries is full."""
        if following:
            self._set_word(following, _PREVIOUS, previous)
        if previous:
            self._set_word(previous, _NEXT, following)
        else:
            self._set_word(0, _ROOMY, following)

    def _new(self) -> int:
        """A block of zeros: one that is free, or a new one at the end."""
        block = self._checked(self._word(0, _FREE))
        if block:
            view = self.modify(block)
            self._set_word(0, _FREE, self._checked(self._word(block, _NEXT)))
            view[:] = bytes(SIZE)
            return block
        block = self._blocks
        self._grow(block)
        self._set_word(0, _BLOCKS, block + 1)
        return block

    def _grow(self, block: int) -> None:
        writer = self._writer
        assert writer is not None
        index, at = divmod(block * SIZE, self._volume.sb.block_size)
        before = self._blocks
        if at == 0 and index * self._volume.sb.block_size >= self.inode.size:
            goal = self._place(block - 1)[0] + 1
            place, _ = writer.blocks(self.inode).allocate(goal, 1)
            writer.file_map(self.inode).insert(index, 1, place)
            writer.transaction.fresh(place)
            self._places[index] = place
            writer.transaction.on_undo(lambda: self._shrink(before, index))
        else:
            writer.transaction.on_undo(lambda: self._shrink(before, -1))
        if (block + 1) * SIZE > self.inode.size:
            writer.resize(self.inode, (block + 1) * SIZE)
        self._blocks = block + 1
        self.modify(block)[:] = bytes(SIZE)

    def _shrink(self, blocks: int, index: int) -> None:
        self._blocks = blocks
        self._places.pop(index, None)


def empty(kind: int, grace: int) -> bytes:
    """The contents of a file without entries."""
    return HEADER.pack(MAGICS[kind], VERSION, grace, grace, 0, 2, 0, 0).ljust(2 * SIZE, b"\0")

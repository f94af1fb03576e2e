"""Directories: names found, entered and taken away.

When a directory is first asked for a name, all its records are read into an index: names, and for each block of 512
bytes the largest piece of free space in it, so that neither lookups nor new names search the blocks. Records never
move: what a reader of the directory remembers as its place stays right.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

from .contents import Contents
from .dinode import bad
from .dirent import BLOCK, DT_WHT, Format, Record, needed
from .volume import Volume


class Found(NamedTuple):
    """Where a name is in the directory, and what it names."""

    offset: int
    inode: int
    kind: int


class Index:
    """What is known of all records: ``rooms`` has for each block the largest free piece, in words of 4 bytes."""

    __slots__ = ("names", "rooms", "weight", "whiteouts")

    def __init__(self) -> None:
        self.names: dict[bytes, Found] = {}
        self.whiteouts: dict[bytes, int] = {}
        self.rooms = bytearray()
        self.weight = 2000  # the directory itself


@cache
def _fits(words: int) -> bytes:
    """For each size of a free piece whether so many words go into it."""
    return bytes(size >= words for size in range(256))


def room(records: list[Record]) -> int:
    return max(record.length - record.used for record in records) // 4


class Directory:
    """The records of one directory."""

    __slots__ = ("__weakref__", "contents", "format", "index", "volume")

    def __init__(self, volume: Volume, contents: Contents) -> None:
        self.volume = volume
        self.contents = contents
        sb = volume.sb
        self.format = Format(sb.order, sb.maxsymlinklen > 0)
        self.index: Index | None = None

    @property
    def size(self) -> int:
        size: int = self.contents.inode.size
        return size

    # -- reading

    def _place(self, offset: int) -> tuple[int, int]:
        """Frag and byte in it of a block of records. EIO."""
        sb = self.volume.sb
        block, inside = divmod(offset, sb.bsize)
        place = self.contents.map.get(block)
        if place == 0:
            raise bad(self.contents.inode.number, f"directory with a hole at {offset}")
        return place + inside // sb.fsize, inside % sb.fsize

    def records(self, offset: int) -> list[Record]:
        """The records of the block at an offset. EIO."""
        frag, at = self._place(offset)
        return self.format.parse(self.volume.dirs.block(frag)[at : at + BLOCK], self._where(offset))

    def _where(self, offset: int) -> str:
        return f"directory {self.contents.inode.number}, block at {offset}"

    def _check_size(self) -> None:
        sb = self.volume.sb
        if self.size % BLOCK or self.size > sb.size * sb.fsize:
            raise bad(self.contents.inode.number, f"directory of {self.size} bytes")

    def entries(self, cookie: int) -> Iterator[tuple[int, Record]]:
        """(where to go on, record) of the names from a place on. EIO."""
        self._check_size()
        offset = cookie // BLOCK * BLOCK
        while offset < self.size:
            for record in self.records(offset):
                if record.inode and record.kind != DT_WHT and offset + record.at >= cookie:
                    yield offset + record.at + record.length, record
            offset += BLOCK

    def open(self) -> Index:
        """The index, made if need be. EIO."""
        if self.index is None:
            self._check_size()
            index = Index()
            for offset in range(0, self.size, BLOCK):
                records = self.records(offset)
                index.rooms.append(room(records))
                for record in records:
                    if record.inode:
                        self._remember(index, offset, record)
            self.index = index
        return self.index

    def _remember(self, index: Index, offset: int, record: Record) -> None:
        if record.kind == DT_WHT:
            index.whiteouts[record.name] = offset + record.at
        else:
            index.names[record.name] = Found(offset + record.at, record.inode, record.kind)
        index.weight += len(record.name) + 200

    def find(self, name: bytes) -> Found | None:
        index = self.index
        return (index if index is not None else self.open()).names.get(name)

    def frag_of(self, name: bytes) -> int:
        """Where on the disk the record of a name is that is there. EIO."""
        return self._place(self.open().names[name].offset)[0]

    def is_empty(self) -> bool:
        return self.open().names.keys() <= {b".", b".."}

    # -- changing

    def _modify(self, offset: int) -> memoryview:
        frag, at = self._place(offset)
        return memoryview(self.volume.dirs.modify(frag))[at : at + BLOCK]

    def prepare(self, name: bytes) -> None:
        """Makes room for a name, so that `insert` cannot fail. ENOSPC, EFBIG, EIO."""
        index = self.open()
        number = index.rooms.translate(_fits(needed(len(name)) // 4)).find(1)
        if number < 0:
            self._extend(index)
        elif index.rooms[number] != room(self.records(number * BLOCK)):
            raise KernelError(Errno.EIO, f"{self._where(number * BLOCK)}: the block is another file's too", "ffs")

    def insert(self, name: bytes, inode: int, kind: int) -> None:
        """Enters a name that is not there, after `prepare`. EIO."""
        index = self.open()
        if name in index.whiteouts:
            self._take(index, index.whiteouts.pop(name))
        size = needed(len(name))
        number = index.rooms.translate(_fits(size // 4)).find(1)
        offset = number * BLOCK
        records = self.records(offset)
        rooms = [record.length - record.used for record in records]
        chosen = next(n for n, free in enumerate(rooms) if free >= size)
        record = records[chosen]
        rooms[chosen] -= size
        block = self._modify(offset)
        at = record.at
        if record.inode:
            self.format.set_length(block, at, record.used)
            at += record.used
        self.format.put(block, at, inode, record.length - record.used, kind, name)
        block.release()
        index.names[name] = Found(offset + at, inode, kind)
        index.weight += len(name) + 200
        index.rooms[number] = max(rooms) // 4

    def remove(self, name: bytes) -> None:
        """Takes a name away that is there. EIO."""
        index = self.open()
        self._take(index, index.names[name].offset)
        del index.names[name]
        index.weight -= len(name) + 200

    def _take(self, index: Index, place: int) -> None:
        offset = place // BLOCK * BLOCK
        before: Record | None = None
        for record in self.records(offset):
            if record.at == place - offset:
                break
            before = record
        else:
            raise KernelError(Errno.EIO, f"{self._where(offset)}: no record at {place - offset}", "ffs")
        block = self._modify(offset)
        if before is None:
            self.format.set_inode(block, record.at, 0)
        else:
            self.format.set_length(block, before.at, before.length + record.length)
        block.release()
        index.rooms[offset // BLOCK] = room(self.records(offset))

    def replace(self, name: bytes, inode: int, kind: int) -> None:
        """Lets a name that is there lead elsewhere. EIO."""
        index = self.open()
        place = index.names[name].offset
        block = self._modify(place // BLOCK * BLOCK)
        self.format.set_inode(block, place % BLOCK, inode)
        self.format.set_kind(block, place % BLOCK, kind)
        block.release()
        index.names[name] = Found(place, inode, kind)

    def _extend(self, index: Index) -> None:
        """One more block of records."""
        contents, sb = self.contents, self.volume.sb
        size = self.size
        if size + BLOCK > sb.maxfilesize:
            raise KernelError(Errno.EFBIG)
        block, inside = divmod(size, sb.bsize)
        place = contents.map.get(block)
        if place and contents.block_bytes(block, size) > inside:
            frag, at = place + inside // sb.fsize, inside % sb.fsize
            self.volume.dirs.modify(frag)[at : at + BLOCK] = self.format.empty()
            contents.inode.size = size + BLOCK
        else:
            contents.put(block, inside, memoryview(self.format.empty()))
        self.volume.touch(contents.inode)
        index.rooms.append(BLOCK // 4)

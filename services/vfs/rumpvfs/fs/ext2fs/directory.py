"""Directories: finding a name and listing the names.

A cookie is the byte of the directory where the next record begins. Records may be joined with the one before them when
names go, so a listing goes on with the first record at or behind the cookie. In an indexed directory the nodes of the
index are met as blocks without names.

An inline directory is its parent's number, then records in the block area of the inode (from byte 4 on) and in an
attribute (counted from byte 60 on). It has no records for ``.`` and ``..``: they get the bytes before 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from rumpvfs.core.vnode import Entry, VType
from rumpwire.errno import Errno, KernelError

from . import dirent
from .dirent import Names, Record
from .htree import Broken, HashTree
from .inode import BLOCK_AREA_SIZE, FLAG_ENCRYPT, FLAG_INDEX, Inode
from .storage import Cache
from .superblock import COMPAT_DIR_INDEX, INCOMPAT_FILETYPE, INCOMPAT_LARGEDIR
from .volume import Volume

# Bytes of directory blocks whose names are kept (some ten times that when parsed).
NAME_BYTES = 4 << 20
# Smaller directories are not worth a hash: all their blocks are parsed soon anyway.
INDEX_BLOCKS = 8
DOTS = (b".", b"..")
"""No index has these: they are in the first block."""
_DOT_END = 1
_INLINE_PARENT = 4

NameCache = Cache[tuple[int, int], Names]


def layout(volume: Volume) -> dirent.Layout:
    sb = volume.sb
    return dirent.Layout(sb.block_size, sb.inodes_count, bool(sb.incompat & INCOMPAT_FILETYPE))


def open_directory(volume: Volume, cache: NameCache, inode: Inode) -> Directory | InlineDirectory:
    """EIO, EOPNOTSUPP for an encrypted one."""
    if inode.flags & FLAG_ENCRYPT:
        raise KernelError(Errno.EOPNOTSUPP, f"directory {inode.number} is encrypted", "ext2fs")
    kind = InlineDirectory if volume.is_inline(inode) else Directory
    return kind(volume, cache, inode)


class Directory:
    """A directory in blocks."""

    __slots__ = ("_blocks", "_cache", "_data", "_indexed", "_inode", "_layout", "_linear", "_seed", "_tree", "_volume")

    def __init__(self, volume: Volume, cache: NameCache, inode: Inode) -> None:
        self._volume = volume
        self._cache = cache
        self._inode = inode
        self._layout = layout(volume)
        self._data = volume.data(inode)
        self._seed = volume.seed(inode)
        self._blocks = inode.size // volume.sb.block_size
        if self._blocks > volume.sb.blocks_count:
            raise KernelError(Errno.EIO, f"directory {inode.number} of {inode.size} bytes", "ext2fs")
        self._indexed = bool(inode.flags & FLAG_INDEX and volume.sb.compat & COMPAT_DIR_INDEX)
        # A broken index is not used again; its blocks keep being checked as what they are.
        self._linear = not self._indexed or self._blocks <= INDEX_BLOCKS
        self._tree: HashTree | None = None

    @property
    def size(self) -> int:
        return self._blocks * self._layout.block_size

    def find(self, name: bytes) -> Record | None:
        if not self._linear and name not in DOTS:
            try:
                return self._find_in(name, self._leaves(name))
            except Broken:
                self._linear = True
        return self._find_in(name, range(self._blocks))

    def _leaves(self, name: bytes) -> Iterator[int]:
        if self._tree is None:
            sb = self._volume.sb
            levels = 3 if sb.incompat & INCOMPAT_LARGEDIR else 2
            self._tree = HashTree(
                self._checked, self._blocks, seed=sb.hash_seed, unsigned=sb.unsigned_hash, max_levels=levels
            )
        for block in self._tree.leaves(name):
            if not 0 < block < self._blocks:
                raise Broken
            yield block

    def _find_in(self, name: bytes, blocks: Iterator[int] | range) -> Record | None:
        for block in blocks:
            found = self._names(block).by_name.get(name)
            if found is not None:
                return found
        return None

    def entries(self, cookie: int) -> Iterator[Entry]:
        """From a cookie on. EIO."""
        size = self._layout.block_size
        for block in range(cookie // size, self._blocks):
            for record in self._names(block).records:
                if record.start >= cookie:
                    yield Entry(record.end, record.inode, record.vtype, record.name)

    def _names(self, block: int) -> Names:
        key = (self._inode.number, block)
        found = self._cache.get(key)
        if found is None:
            raw = self._checked(block)
            found = dirent.parse(self._layout, raw, block * self._layout.block_size)
            self._cache.put(key, found, len(raw))
        return found

    def _checked(self, block: int) -> memoryview:
        """A block of the directory, its checksum verified. EIO."""
        if block >= self._blocks:
            raise Broken
        storage = self._volume.storage
        place = self._data.place(block)
        raw = storage.block(place)
        if self._seed is not None and place not in storage.unsealed:
            node = dirent.node_offset(raw, first=block == 0) if self._indexed else None
            dirent.verify(self._seed, raw, node)
        return raw


class InlineDirectory:
    """A small directory inside of its inode."""

    __slots__ = ("_names", "size")

    def __init__(self, volume: Volume, _cache: NameCache, inode: Inode) -> None:
        overflow = volume.inline_overflow(inode)
        parent = int.from_bytes(inode.area[:_INLINE_PARENT], "little")
        self.size = BLOCK_AREA_SIZE + len(overflow)
        shape = layout(volume)
        records = [
            Record(0, _DOT_END, inode.number, VType.DIR, b"."),
            Record(_DOT_END, _INLINE_PARENT, parent, VType.DIR, b".."),
            *dirent.parse(shape, inode.area[_INLINE_PARENT:], _INLINE_PARENT).records,
            *dirent.parse(shape, overflow, BLOCK_AREA_SIZE).records,
        ]
        self._names = Names(records)

    def find(self, name: bytes) -> Record | None:
        return self._names.by_name.get(name)

    def entries(self, cookie: int) -> Iterator[Entry]:
        for record in self._names.records:
            if record.start >= cookie:
                yield Entry(record.end, record.inode, record.vtype, record.name)

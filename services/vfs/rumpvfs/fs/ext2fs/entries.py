"""Directories that are changed: names are found, added, taken away.

`directory` lists names, this finds and changes them. A directory without index is a row of blocks; one that outgrows
its first block gets an index (`hashindex`) where the file system has them. Blocks are added, never given back.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core.vnode import VType
from rumpwire.errno import Errno, KernelError

from . import leaf as leaves
from .directory import DOTS, INDEX_BLOCKS, layout
from .dirent import KINDS, ROOT_OFFSET, TAIL_SIZE, node_offset, verify
from .hashindex import HashIndex, make_root
from .htree import Broken
from .inode import FLAG_INDEX
from .leaf import Leaf
from .superblock import COMPAT_DIR_INDEX

if TYPE_CHECKING:
    from .inode import Inode
    from .writer import Writer

_DOT = 0
_DOT_DOT = 12


class Entries:
    """A directory in blocks. Changes are made inside of an operation."""

    def __init__(self, writer: Writer, inode: Inode) -> None:
        self._writer = writer
        self._inode = inode
        self._map = writer.file_map(inode)
        self._shape = layout(writer.volume)
        self._seed = writer.volume.seed(inode)
        self._size = writer.volume.sb.block_size
        self._end = self._size - (TAIL_SIZE if self._seed is not None else 0)
        if inode.size > writer.volume.sb.blocks_count * self._size:
            raise self._bad(f"directory of {inode.size} bytes")
        self._places: dict[int, int] = {}
        self._roomy = 0
        self._index: HashIndex | None = None
        self._index_broken = False

    def _bad(self, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"inode {self._inode.number}: {text}", "ext2fs")

    @property
    def count(self) -> int:
        return self._inode.size // self._size

    @property
    def indexed(self) -> bool:
        return bool(self._inode.flags & FLAG_INDEX and self._writer.volume.sb.compat & COMPAT_DIR_INDEX)

    # -- blocks

    def place(self, block: int) -> int:
        """Where a block of the directory is on the device. EIO for a hole."""
        found = self._places.get(block)
        if found is None:
            run = self._map.find(block)
            if not run.block or run.unwritten:
                raise self._bad(f"block {block} of a directory is a hole")
            for at in range(min(run.length, 64)):
                self._places[block + at] = run.block + at
            found = run.block
        return found

    def raw(self, block: int) -> memoryview:
        """A block, its checksum verified. EIO."""
        if not 0 <= block < self.count:
            raise self._bad(f"no block {block} in the directory")
        storage = self._writer.volume.storage
        place = self.place(block)
        raw = storage.block(place)
        if self._seed is not None and place not in storage.unsealed:
            verify(self._seed, raw, node_offset(raw, first=block == 0) if self.indexed else None)
        return raw

    def leaf(self, block: int) -> Leaf:
        key = (self._inode.number, block)
        found = self._writer.leaves.get(key)
        if found is None:
            raw = self.raw(block)
            end = self._size if self.indexed and node_offset(raw, first=block == 0) is not None else self._end
            found = Leaf(self._shape, raw, 0, end)
            self._writer.leaves.put(key, found, self._size)
        return found

    def modify(self, block: int) -> bytearray:
        """A block of names, to be changed."""
        place = self.place(block)
        transaction = self._writer.transaction
        raw = transaction.modify(place)
        if self._seed is not None and place not in transaction.seals:
            transaction.seals[place] = partial(leaves.seal, self._seed)
        self._writer.names.discard((self._inode.number, block))
        return raw

    def modify_node(self, block: int, offset: int) -> bytearray:
        """A node of the index, to be changed."""
        place = self.place(block)
        transaction = self._writer.transaction
        raw = transaction.modify(place)
        self.seal_as_node(block, offset)
        return raw

    def seal_as_node(self, block: int, offset: int) -> None:
        self._writer.names.discard((self._inode.number, block))
        self._writer.leaves.discard((self._inode.number, block))
        if self._seed is not None:
            seals = self._writer.transaction.seals
            seals[self.place(block)] = partial(leaves.seal_node, self._seed, offset)

    def append(self) -> int:
        """One more block, all zeros; its number in the directory. ENOSPC, EFBIG."""
        block = self.count
        if block >= self._map.blocks_max:
            raise KernelError(Errno.EFBIG)
        blocks = self._writer.blocks(self._inode)
        before = self._map.find(block - 1).block if block else 0
        place, _ = blocks.allocate(before + 1 if before else 0, 1)
        self._map.insert(block, 1, place)
        self._writer.transaction.fresh(place)
        # An earlier directory with this number may have had such a block.
        self._writer.leaves.discard((self._inode.number, block))
        self._writer.resize(self._inode, (block + 1) * self._size)
        self._places[block] = place
        return block

    def append_leaf(self) -> tuple[int, Leaf]:
        """One more block for names."""
        block = self.append()
        leaves.format_block(self.modify(block), checksum=self._seed is not None)
        return block, self.leaf(block)

    # -- finding

    def _find(self, name: bytes) -> tuple[int, Leaf] | None:
        for block in self._candidates(name):
            found = self.leaf(block)
            if name in found.names:
                return block, found
        return None

    def _candidates(self, name: bytes) -> Iterable[int]:
        count = self.count
        if count > INDEX_BLOCKS and self.indexed and not self._index_broken and name not in DOTS:
            try:
                found = list(self.index().leaves(name))
                if all(0 < block < count for block in found):
                    return found
            except Broken:
                pass
            self._index_broken = True
        return range(count)

    def index(self) -> HashIndex:
        """`Broken`."""
        if self._index is None:
            self._index = HashIndex(self, self._writer.volume.sb)
        return self._index

    def find(self, name: bytes) -> int:
        """The number of the inode of a name, 0 when there is none. EIO."""
        found = self._find(name)
        return found[1].inode(self._verified(found[0]), name) if found else 0

    def _verified(self, block: int) -> memoryview:
        """A block whose leaf is known: its checksum was right then, or it is ours."""
        return self._writer.volume.storage.block(self.place(block))

    def is_empty(self) -> bool:
        """Whether there is no name but ``.`` and ``..``. EIO."""
        for block in range(self.count):
            names = self.leaf(block).names
            if len(names) > 2 or any(name not in DOTS for name in names):
                return False
        return True

    # -- changing

    def start(self, parent: int) -> None:
        """The first block of a new directory."""
        block = self.append()
        raw = self.modify(block)
        leaves.format_block(raw, checksum=self._seed is not None)
        dot = leaves.record(self._shape, self._inode.number, _DOT_DOT, b".", VType.DIR)
        dots = leaves.record(self._shape, parent, self._end - _DOT_DOT, b"..", VType.DIR)
        raw[_DOT : _DOT + len(dot)] = dot
        raw[_DOT_DOT : _DOT_DOT + len(dots)] = dots

    def set_parent(self, parent: int) -> None:
        """What ``..`` is. EIO."""
        found = self.leaf(0)
        if b".." not in found.names:
            raise self._bad("directory without ..")
        raw = self.modify_node(0, ROOT_OFFSET) if self.indexed else self.modify(0)
        found.replace(raw, b"..", parent, VType.DIR)

    def add(self, name: bytes, inode: int, vtype: VType | None) -> None:
        """A name that is not there. ENOSPC, EIO."""
        if self.indexed:
            try:
                self._add_by_index(name, inode, vtype)
            except Broken:
                raise self._bad("the index of the directory is broken: run fsck") from None
            return
        if self._inode.flags & FLAG_INDEX:
            self._writer.transaction.touch(self._inode)
            self._inode.flags &= ~FLAG_INDEX
        self._add_in_line(name, inode, vtype)

    def _put(self, block: int, found: Leaf, name: bytes, inode: int, vtype: VType | None) -> bool:
        at = found.room(leaves.needed(name))
        if at < 0:
            return False
        found.add(self.modify(block), at, name, inode, vtype)
        return True

    def _put_new(self, block: int, found: Leaf, name: bytes, inode: int, vtype: VType | None) -> None:
        """A new block has room, unless it is used twice. EIO."""
        if not self._put(block, found, name, inode, vtype):
            raise self._bad(f"no room in block {block} of the directory, which should be empty: run fsck")

    def _add_in_line(self, name: bytes, inode: int, vtype: VType | None) -> None:
        count = self.count
        for step in range(count):
            block = (self._roomy + step) % count
            if self._put(block, self.leaf(block), name, inode, vtype):
                self._roomy = block
                return
        if count == 1 and self._writer.volume.sb.compat & COMPAT_DIR_INDEX and self._may_index():
            make_root(self)
            self._add_by_index(name, inode, vtype)
            return
        block, found = self.append_leaf()
        self._roomy = block
        self._put_new(block, found, name, inode, vtype)

    def _may_index(self) -> bool:
        """An index stands where ``.`` and ``..`` are as they should be."""
        starts = self.leaf(0)
        return starts.names.get(b".") == _DOT and starts.names.get(b"..") == _DOT_DOT

    def move_all(self) -> tuple[int, Leaf]:
        """Takes the names out of the first block, which gets the index, into a new one behind it."""
        old = self.leaf(0)
        before = bytes(self.raw(0))
        block, found = self.append_leaf()
        for name, at in sorted(old.names.items(), key=lambda item: item[1]):
            if name not in DOTS:
                number = int.from_bytes(before[at : at + 4], "little")
                self._put_new(block, found, name, number, KINDS[self._kind(before, at)])
        return block, found

    def _kind(self, raw: Buffer, at: int) -> int:
        return raw[at + 7] & 7 if self._shape.file_types else 0

    def mark_indexed(self) -> None:
        self._writer.transaction.touch(self._inode)
        self._inode.flags |= FLAG_INDEX

    @property
    def parts(self) -> tuple[int, int, bool]:
        """Block size, number of the inode, whether there are checksums."""
        return self._size, self._inode.number, self._seed is not None

    def _add_by_index(self, name: bytes, inode: int, vtype: VType | None) -> None:
        index = self.index()
        wanted = index.hash(name)
        block = index.leaf_of(wanted)
        found = self.leaf(block)
        found.hashes[name] = wanted
        if self._put(block, found, name, inode, vtype):
            return
        block = self._split(index, wanted)
        found = self.leaf(block)
        found.hashes[name] = wanted
        if not self._put(block, found, name, inode, vtype):
            self._compact(block)
            if not self._put(block, self.leaf(block), name, inode, vtype):
                raise self._bad("no room in a directory block after it was split")

    def _split(self, index: HashIndex, wanted: int) -> int:
        """Moves the half of the names with the higher hashes to a new block; gives the one for ``wanted``."""
        index.make_room(wanted)
        block = index.leaf_of(wanted)
        found = self.leaf(block)
        hashes = found.hashes
        ordered = sorted((hashes[n] if n in hashes else index.hash(n), n) for n in found.names)
        if len(ordered) < 2:
            raise Broken
        half = _middle(ordered)
        split = ordered[half][0]
        raw = self.modify(block)
        new_block, new = self.append_leaf()
        new_raw = self.modify(new_block)
        for value, name in ordered[half:]:
            at = found.names[name]
            number, kind = int.from_bytes(raw[at : at + 4], "little"), self._kind(raw, at)
            found.remove(raw, name)
            new.add(new_raw, new.room(leaves.needed(name)), name, number, KINDS[kind])
            new.hashes[name] = value
        for value, name in ordered[:half]:
            hashes[name] = value
        continued = ordered[half - 1][0] == split
        index.insert(wanted, split | continued, new_block)
        return index.leaf_of(wanted)

    def _compact(self, block: int) -> None:
        """Joins the room in a block. Readers that are inside of it may miss names: for when nothing else helps."""
        old = self.leaf(block)
        raw = self.modify(block)
        before = bytes(raw)
        leaves.format_block(raw, checksum=self._seed is not None)
        new = Leaf(self._shape, raw, 0, self._end)
        new.hashes = old.hashes
        for name, at in sorted(old.names.items(), key=lambda item: item[1]):
            number = int.from_bytes(before[at : at + 4], "little")
            new.add(raw, new.room(leaves.needed(name)), name, number, KINDS[self._kind(before, at)])
        self._writer.leaves.put((self._inode.number, block), new, self._size)

    def remove(self, name: bytes) -> None:
        """ENOENT, EIO."""
        block, found = self._found(name)
        found.remove(self.modify(block), name)
        self._roomy = min(self._roomy, block)

    def replace(self, name: bytes, inode: int, vtype: VType) -> None:
        """ENOENT, EIO."""
        block, found = self._found(name)
        found.replace(self.modify(block), name, inode, vtype)

    def _found(self, name: bytes) -> tuple[int, Leaf]:
        found = self._find(name)
        if found is None or (self.indexed and node_offset(self.raw(found[0]), first=found[0] == 0) is not None):
            raise KernelError(Errno.ENOENT)
        return found


def _middle(ordered: list[tuple[int, bytes]]) -> int:
    """Where half of the bytes are passed."""
    total = sum(leaves.needed(name) for _, name in ordered)
    at, passed = 0, 0
    while at < len(ordered) - 1 and (passed < total // 2 or at == 0):
        passed += leaves.needed(ordered[at][1])
        at += 1
    return at

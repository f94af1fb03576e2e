"""Contents and names that are in the inode itself, while they are changed.

The first 60 bytes are where other inodes have their map, the rest is the value of an attribute behind the inode. What
does not fit any more moves to a block, and never back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpvfs.core.vnode import VType
from rumpwire.errno import Errno, KernelError

from . import leaf as leaves
from .directory import layout
from .dirent import KINDS
from .entries import Entries
from .extenttree import empty_root
from .inode import BLOCK_AREA_SIZE, FLAG_EXTENTS, FLAG_INLINE_DATA
from .leaf import Leaf
from .xattr import INLINE_DATA

if TYPE_CHECKING:
    from .inode import Inode
    from .writer import Writer

_PARENT = 4


def room(writer: Writer, inode: Inode) -> int:
    """How many bytes may stay inline."""
    return BLOCK_AREA_SIZE + writer.attributes.inline_room(inode)


def store(writer: Writer, inode: Inode, data: bytes) -> None:
    """New inline contents; the caller saw that there is room, and sets the size."""
    writer.transaction.touch(inode)
    inode.area = data[:BLOCK_AREA_SIZE].ljust(BLOCK_AREA_SIZE, b"\0")
    writer.attributes.set(inode, INLINE_DATA, data[BLOCK_AREA_SIZE:])


def move_out(writer: Writer, inode: Inode) -> None:
    """The inode gets an empty map in place of the inline data."""
    writer.transaction.touch(inode)
    if INLINE_DATA in writer.volume.attributes(inode):
        writer.attributes.set(inode, INLINE_DATA, None)
    inode.flags &= ~FLAG_INLINE_DATA
    inode.area = bytes(BLOCK_AREA_SIZE)
    if writer.with_extents:
        inode.flags |= FLAG_EXTENTS
        inode.area = empty_root()


class InlineEntries:
    """The names of a directory that is inline; the same methods as `Entries`."""

    def __init__(self, writer: Writer, inode: Inode) -> None:
        self._writer = writer
        self._inode = inode
        self._raw = bytearray(inode.area + writer.volume.inline_overflow(inode))
        self._leaves = self._parse()

    def _parse(self) -> list[Leaf]:
        shape = layout(self._writer.volume)
        found = [Leaf(shape, self._raw, _PARENT, BLOCK_AREA_SIZE)]
        if len(self._raw) > BLOCK_AREA_SIZE:
            found.append(Leaf(shape, self._raw, BLOCK_AREA_SIZE, len(self._raw)))
        return found

    def _save(self) -> None:
        store(self._writer, self._inode, bytes(self._raw))

    def _find(self, name: bytes) -> Leaf | None:
        return next((found for found in self._leaves if name in found.names), None)

    def find(self, name: bytes) -> int:
        found = self._find(name)
        return found.inode(self._raw, name) if found else 0

    def is_empty(self) -> bool:
        return not any(found.names for found in self._leaves)

    def set_parent(self, parent: int) -> None:
        self._raw[:_PARENT] = parent.to_bytes(4, "little")
        self._save()

    def add(self, name: bytes, inode: int, vtype: VType) -> Entries | None:
        """Gives the directory in blocks that it has become, when it has."""
        for found in self._leaves:
            at = found.room(leaves.needed(name))
            if at >= 0:
                found.add(self._raw, at, name, inode, vtype)
                self._save()
                return None
        moved = self._move_out()
        moved.add(name, inode, vtype)
        return moved

    def _move_out(self) -> Entries:
        parent = int.from_bytes(self._raw[:_PARENT], "little")
        move_out(self._writer, self._inode)
        self._writer.resize(self._inode, 0)
        moved = Entries(self._writer, self._inode)
        moved.start(parent)
        for found in self._leaves:
            for name, at in found.names.items():
                kind = KINDS[self._raw[at + 7] & 7] if found.shape.file_types else None
                moved.add(name, found.inode(self._raw, name), kind)
        return moved

    def _found(self, name: bytes) -> Leaf:
        found = self._find(name)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return found

    def remove(self, name: bytes) -> None:
        self._found(name).remove(self._raw, name)
        self._save()

    def replace(self, name: bytes, inode: int, vtype: VType) -> None:
        self._found(name).replace(self._raw, name, inode, vtype)
        self._save()

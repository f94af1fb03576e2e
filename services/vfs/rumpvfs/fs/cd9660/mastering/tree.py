"""The tree that a volume is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rumpvfs.core.vnode import Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

MAX_DEPTH = 1000
MAX_FILES = 1 << 22


@dataclass(slots=True, eq=False)
class Inode:
    """A file with one or several names. ``block`` is where its contents will be."""

    vnode: Vnode
    stat: Stat
    serial: int
    target: bytes = b""
    links: int = 0
    block: int = 0

    @property
    def vtype(self) -> VType:
        return self.vnode.vtype

    @property
    def size(self) -> int:
        return self.stat.st_size if self.vtype is VType.REG else 0


@dataclass(slots=True)
class Extent:
    """Where the records of a directory are in one of the trees; continuation areas follow in ``areas`` bytes."""

    block: int = 0
    size: int = 0
    areas: int = 0


@dataclass(slots=True, eq=False)
class Item:
    """A name in a directory. ``iso`` and ``joliet`` are its identifiers, without version."""

    name: bytes
    inode: Inode
    iso: bytes = b""
    joliet: bytes = b""

    @property
    def is_directory(self) -> bool:
        return isinstance(self, Directory)


@dataclass(slots=True, eq=False)
class Directory(Item):
    up: Directory | None = None
    depth: int = 0
    children: list[Item] = field(default_factory=list)
    iso_extent: Extent = field(default_factory=Extent)
    joliet_extent: Extent = field(default_factory=Extent)

    def directories(self) -> Iterator[Directory]:
        return (child for child in self.children if isinstance(child, Directory))


class Tree:
    """All of it. Errors of the source; ELOOP for a directory that is met twice, EFBIG for too many files."""

    def __init__(self, source: Vnode) -> None:
        self.inodes: dict[int, Inode] = {}
        self._files = 0
        self._entered = {source.fileno}
        self.root = Directory(b"", self._inode(source))
        stack = [self.root]
        while stack:
            directory = stack.pop()
            self._fill(directory)
            stack.extend(directory.directories())

    def _inode(self, vnode: Vnode) -> Inode:
        found = self.inodes.get(vnode.fileno)
        if found is None:
            target = vnode.readlink() if vnode.vtype is VType.LNK else b""
            found = self.inodes[vnode.fileno] = Inode(vnode, vnode.getattr(), len(self.inodes) + 1, target)
        found.links += 1
        return found

    def _fill(self, directory: Directory) -> None:
        vnode = directory.inode.vnode
        names = sorted(entry.name for entry in vnode.readdir(0) if entry.name not in (b".", b".."))
        self._files += len(names)
        if self._files > MAX_FILES:
            raise KernelError(Errno.EFBIG, f"more than {MAX_FILES} files", "cd9660")
        directory.children = [self._item(directory, name, vnode.lookup(name)) for name in names]
        # Its own record and those of the directories in it are names of a directory too.
        directory.inode.links = 2 + sum(1 for _ in directory.directories())

    def _item(self, up: Directory, name: bytes, vnode: Vnode) -> Item:
        if vnode.vtype is not VType.DIR:
            return Item(name, self._inode(vnode))
        if vnode.fileno in self._entered or up.depth >= MAX_DEPTH:
            raise KernelError(Errno.ELOOP, f"the directory {name!r} is met twice or too deep", "cd9660")
        self._entered.add(vnode.fileno)
        return Directory(name, self._inode(vnode), up=up, depth=up.depth + 1)

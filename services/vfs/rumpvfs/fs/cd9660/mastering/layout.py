"""Where everything lies: descriptors, path tables, directories, contents. Blocks are 2048 bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rumpvfs.core.vnode import VType
from rumpvfs.fs.cd9660.descriptors import FIRST
from rumpvfs.fs.cd9660.records import DIRECTORY, MULTI_EXTENT, PARENT, SECTOR, SELF
from rumpwire.errno import Errno, KernelError

from . import encode, naming
from .tree import Directory, Extent, Inode, Item, Tree

SECTION_MAX = 0xFFFFF800
MAX_DIRECTORIES = 65535
"""Path tables number the directories in 16 bits."""
_VERSION = b";1"


@dataclass(slots=True)
class View:
    """One of the trees of a volume: the primary or the Joliet one."""

    directories: list[Directory]
    joliet: bool
    rock_ridge: bool
    tables: tuple[int, int] = (0, 0)
    table_size: int = 0

    def extent(self, directory: Directory) -> Extent:
        return directory.joliet_extent if self.joliet else directory.iso_extent

    def identifier(self, item: Item) -> bytes:
        if not self.joliet:
            return item.iso if item.is_directory else item.iso + _VERSION
        return item.joliet if item.is_directory else item.joliet + _VERSION.decode().encode("utf-16-be")

    def shows(self, item: Item) -> bool:
        """Joliet and plain ISO 9660 have only directories and regular files."""
        return self.rock_ridge or item.inode.vtype in (VType.DIR, VType.REG)


def make_view(tree: Tree, *, joliet: bool, rock_ridge: bool) -> View:
    """Directories level by level, each level by parent and name: the order of path tables. EFBIG."""
    order: Callable[[Item], object] = naming.joliet_order if joliet else naming.iso_order
    directories = [tree.root]
    for directory in directories:  # grows on the way
        directories.extend(sorted(directory.directories(), key=order))  # type: ignore[arg-type]
    if len(directories) > MAX_DIRECTORIES:
        raise KernelError(Errno.EFBIG, f"more than {MAX_DIRECTORIES} directories", "cd9660")
    return View(directories, joliet, rock_ridge)


def directory_records(view: View, directory: Directory) -> encode.Records:
    """A directory as it will be written; the sizes are right even before anything has its place."""
    extent = view.extent(directory)
    found = encode.Records(extent.block + extent.size // SECTOR)
    up = directory.up or directory
    for name, which in ((SELF, directory), (PARENT, up)):
        use = encode.attributes(which.inode) if view.rock_ridge else []
        if use and name == SELF and directory.up is None:
            use = [encode.sp(), *use, encode.er()]
        place = view.extent(which)
        found.add(name, place.block, place.size, which.inode.stat.st_mtime_ns, DIRECTORY, use)
    order: Callable[[Item], object] = naming.joliet_order if view.joliet else naming.iso_order
    for item in sorted(directory.children, key=order):  # type: ignore[arg-type]
        if view.shows(item):
            _add(view, found, item)
    found.finish()
    return found


def _add(view: View, found: encode.Records, item: Item) -> None:
    inode = item.inode
    use = [*encode.attributes(inode), *encode.name(item.name)] if view.rock_ridge else []
    identifier, time = view.identifier(item), inode.stat.st_mtime_ns
    if isinstance(item, Directory):
        place = view.extent(item)
        found.add(identifier, place.block, place.size, time, DIRECTORY, use)
        return
    block, rest = inode.block, inode.size
    while rest > SECTION_MAX:
        found.add(identifier, block, SECTION_MAX, time, MULTI_EXTENT, use)
        block, rest = block + SECTION_MAX // SECTOR, rest - SECTION_MAX
    found.add(identifier, block, rest, time, 0, use)


def path_table(view: View, order: str) -> Iterator[bytes]:
    """The records of a path table (section 9.4), numbers in ``<`` or ``>`` order."""
    numbers = {id(directory): number for number, directory in enumerate(view.directories, 1)}
    for directory in view.directories:
        name = view.identifier(directory) or SELF
        up = numbers[id(directory.up or directory)]
        yield struct.pack(order + "BBIH", len(name), 0, view.extent(directory).block, up)
        yield name + bytes(len(name) % 2)


def _blocks(size: int) -> int:
    return -(-size // SECTOR)


class Layout:
    """Gives everything its block. EFBIG for more than 2^32 blocks."""

    def __init__(self, tree: Tree, views: list[View]) -> None:
        self.tree = tree
        self.views = views
        self._next = FIRST + len(views) + 1
        for view in views:
            view.table_size = sum(map(len, path_table(view, "<")))
            view.tables = self._take(view.table_size), self._take(view.table_size)
        for view in views:
            self._place_directories(view)
        for inode in self.files():
            inode.block = self._take(inode.size)
        self.blocks = self._next
        if self.blocks >> 32:
            raise KernelError(Errno.EFBIG, "more blocks than a volume can have", "cd9660")

    def files(self) -> Iterator[Inode]:
        """Those with contents, in the order of the tree."""
        return (inode for inode in self.tree.inodes.values() if inode.size)

    def _take(self, size: int) -> int:
        block = self._next
        self._next += _blocks(size)
        return block

    def _place_directories(self, view: View) -> None:
        for directory in view.directories:
            made = directory_records(view, directory)
            extent = view.extent(directory)
            extent.size, extent.areas = len(made.data), len(made.areas)
        for directory in view.directories:
            extent = view.extent(directory)
            extent.block = self._take(extent.size + extent.areas)

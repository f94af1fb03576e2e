"""The file system as vfs sees it."""

from __future__ import annotations

import struct
from weakref import WeakValueDictionary

from rumpvfs.core.vnode import BlockDevice, Environment, FileSystem, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs

from . import bpb, dirent, options, times
from .bpb import SLOT
from .directory import Tables
from .dirent import Parser, Record
from .dirnode import DirectoryNode, RootNode
from .filenode import FileNode
from .names import UNITS_MAX
from .node import Node
from .numbers import ROOT, Numbers
from .volume import Volume

_UTF8_MAX = 3
"""Bytes of UTF-8 for one unit of UTF-16."""
_TICK = 10_000_000


class MsdosFileSystem(FileSystem):
    """One mounted FAT. ``orphans`` are files without a name that somebody still uses."""

    type_name = "msdos"
    name_max = UNITS_MAX * _UTF8_MAX
    cache_names = False
    folds_names = True
    flags_kept = True

    def __init__(self, volume: Volume, chosen: options.Options, env: Environment, *, readonly: bool) -> None:
        """EIO."""
        self.volume = volume
        self.options = chosen
        self.env = env
        self.parser = Parser(chosen.code_page, long_names=chosen.long_names)
        self.tables = Tables()
        self.numbers = Numbers()
        self.orphans: set[Node] = set()
        self.readonly = readonly
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._directories: WeakValueDictionary[int, DirectoryNode] = WeakValueDictionary()
        self._now = (-1, (0, 0, 0), b"")
        self._today = (-1, 0)
        entry = bytes((0,)) * 11 + bytes((dirent.DIRECTORY,)) + bytes(SLOT - 12)
        self._root = RootNode(self, ROOT, VType.DIR, None, None, entry)
        self._root.directory().slots()
        if not readonly:
            volume.open_for_writing()

    # -- vnodes

    def root(self) -> Vnode:
        return self._root

    def node(self, up: DirectoryNode, record: Record) -> Node:
        """The vnode of a name. EIO for a directory that is there twice."""
        place = up.directory().place(record.slot) // SLOT
        found = self._nodes.get(place)
        if found is None:
            found = self._make(up, record, up.directory().read(record.slot), place, self.numbers.of(place))
        return found

    def created(self, up: DirectoryNode, record: Record, raw: bytes) -> Node:
        """The vnode of a name that was just made."""
        place = up.directory().place(record.slot) // SLOT
        return self._make(up, record, raw, place, self.numbers.created(place))

    def _make(self, up: DirectoryNode, record: Record, raw: bytes, place: int, number: int) -> Node:
        node: Node
        if record.attributes & dirent.DIRECTORY:
            node = DirectoryNode(self, number, VType.DIR, up, record, raw)
            first = node.first
            if first == self._root.first or first in self._directories:
                raise KernelError(Errno.EIO, f"two names for the directory at cluster {first}", "msdos")
            if first:
                self._directories[first] = node
        else:
            node = FileNode(self, number, VType.REG, up, record, raw)
        self._nodes[place] = node
        return node

    def forget_directory(self, node: DirectoryNode) -> None:
        """Its first cluster may become that of another."""
        if self._directories.get(node.first) is node:
            del self._directories[node.first]
        if self.volume.claims is not None:
            self.volume.claims.counted.discard(node.first)

    def place_of(self, node: Node) -> int:
        assert node.record is not None
        assert node.up is not None
        return node.up.directory().place(node.record.slot) // SLOT

    def unlinked(self, node: Node, place: int) -> None:
        self._nodes.pop(place, None)
        self.numbers.unlinked(place)
        node.unlinked()

    def moved(self, node: Node, before: int) -> None:
        place = self.place_of(node)
        self._nodes.pop(before, None)
        self._nodes[place] = node
        self.numbers.moved(before, place)

    # -- the clock

    def now(self) -> tuple[int, int, int]:
        """Date, time and 10 ms units."""
        self._look()
        return self._now[1]

    def stamp(self) -> bytes:
        """Time and date, as entries have them."""
        self._look()
        return self._now[2]

    def _look(self) -> None:
        ns = self.env.now_ns()
        tick = ns // _TICK
        if tick != self._now[0]:
            found = times.to_dos(ns, self.options.gmtoff)
            self._now = (tick, found, struct.pack("<HH", found[1], found[0]))

    def today(self) -> int:
        """The date."""
        day = (self.env.now_ns() // times.SECOND + self.options.gmtoff) // times.DAY
        if day != self._today[0]:
            self._today = (day, self.now()[0])
        return self._today[1]

    def keeps_atime(self) -> bool:
        """Whether reading a file changes when it was accessed."""
        return self.options.atime and not self.readonly and not self.noatime

    # -- the whole

    def statvfs(self) -> Statvfs:
        geometry = self.volume.geometry
        free = self.volume.free_clusters()
        return Statvfs(
            f_bsize=geometry.cluster,
            f_frsize=geometry.cluster,
            f_iosize=geometry.cluster,
            f_blocks=geometry.clusters,
            f_bfree=free,
            f_bavail=free,
            f_files=geometry.root_size // SLOT,
            f_ffree=0,
            f_favail=0,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def sync(self) -> None:
        self.volume.sync()

    def remount(self, *, readonly: bool) -> None:
        """EBUSY while files without a name are open, EROFS, EIO, ENOSPC."""
        if readonly:
            if self.orphans:
                raise KernelError(Errno.EBUSY, "files without a name are open", "msdos")
            self.volume.close_for_writing()
        else:
            self.volume.open_for_writing()
        self.readonly = readonly

    def unmount(self, *, force: bool) -> None:
        for node in list(self.orphans):
            node.inactive()
        self.volume.close_for_writing()

    def pathconf(self, name: int) -> int | None:
        return {const.PC_LINK_MAX: 1, const.PC_FILESIZEBITS: 33, const.PC_NAME_MAX: self.name_max}.get(name)


def probe(device: BlockDevice) -> bool:
    """Whether the boot sector is that of a FAT."""
    try:
        bpb.parse(device.view(0, bpb.SIZE), device.size)
    except KernelError:
        return False
    return True


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image and for options that are wrong, EROFS, EIO."""
    device = request.device
    if device is None or device.size < bpb.SIZE:
        raise KernelError(Errno.EINVAL, "no FAT file system without a disk", "msdos")
    chosen = options.parse(request)
    geometry = _geometry(device, env, readonly=request.readonly)
    return MsdosFileSystem(Volume(device, geometry, env), chosen, env, readonly=request.readonly)


def _geometry(device: BlockDevice, env: Environment, *, readonly: bool) -> bpb.Geometry:
    """From the boot sector; for reading, where that is spoilt, from the copy that FAT32 has. EINVAL."""
    try:
        return bpb.parse(device.view(0, bpb.SIZE), device.size)
    except KernelError:
        if not readonly or device.size < (bpb.BACKUP_SECTOR + 1) * bpb.SIZE:
            raise
        try:
            found = bpb.parse(device.view(bpb.BACKUP_SECTOR * bpb.SIZE, bpb.SIZE), device.size)
        except KernelError:
            found = None
        if found is None or found.bits != 32:
            raise
    env.log(f"msdos: {device.name}: the boot sector is spoilt, its copy is used")
    return found

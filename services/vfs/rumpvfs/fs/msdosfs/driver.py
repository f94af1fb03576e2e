"""The file system as vfs sees it."""

from __future__ import annotations

import struct

from rumpvfs.core.vnode import BlockDevice, Environment, FileSystem, MountRequest, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import bpb, dirent, options, times
from .bpb import SLOT
from .common import FatFileSystem
from .directory import Tables
from .dirent import Parser, Record
from .dirnode import DirectoryNode, RootNode
from .filenode import FileNode
from .names import UNITS_MAX
from .node import Node
from .numbers import ROOT
from .volume import Volume

_UTF8_MAX = 3
"""Bytes of UTF-8 for one unit of UTF-16."""
_TICK = 10_000_000


class MsdosFileSystem(FatFileSystem):
    """One mounted FAT."""

    type_name = "msdos"
    name_max = UNITS_MAX * _UTF8_MAX
    volume: Volume

    def __init__(self, volume: Volume, chosen: options.Options, env: Environment, *, readonly: bool) -> None:
        """EIO."""
        super().__init__(volume, chosen, env, readonly=readonly)
        self.parser = Parser(chosen.code_page, long_names=chosen.long_names)
        self.tables = Tables()
        self._now = (-1, (0, 0, 0), b"")
        self._today = (-1, 0)
        entry = bytes((0,)) * 11 + bytes((dirent.DIRECTORY,)) + bytes(SLOT - 12)
        self._root = RootNode(self, ROOT, VType.DIR, None, None, entry)
        self._root.directory().slots()
        if not readonly:
            volume.open_for_writing()

    def entry_of(self, up: DirectoryNode, record: Record) -> bytes:
        return up.directory().read(record.slot)

    def make(self, vtype: VType, number: int, up: DirectoryNode, record: Record, raw: bytes | bytearray) -> Node:
        kind = DirectoryNode if vtype is VType.DIR else FileNode
        return kind(self, number, vtype, up, record, raw)

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

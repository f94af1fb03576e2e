"""Vnodes: what files and directories have in common. What is known of one is its short entry (``raw``)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rumpvfs.core.vnode import VType

from . import times
from .chain import Chain
from .common import FatNode
from .dirent import Record

if TYPE_CHECKING:
    from .dirnode import DirectoryNode
    from .driver import MsdosFileSystem

FILE_MAX = 0xFFFFFFFF
_BORN = 13
_ACCESSED = 18
_HIGH = 20
_CHANGED = 22
_LOW = 26
_SIZE = 28


class Node(FatNode):
    """``record`` is its name in ``up``."""

    __slots__ = ()

    fs: MsdosFileSystem
    _ATTRIBUTES = 11

    def __init__(
        self,
        fs: MsdosFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes | bytearray,
    ) -> None:
        super().__init__(fs, fileno, vtype, up, record, raw)
        self.size = int.from_bytes(raw[_SIZE:], "little")

    @property
    def first(self) -> int:
        low = self.raw[_LOW] | self.raw[_LOW + 1] << 8
        return low | (self.raw[_HIGH] | self.raw[_HIGH + 1] << 8) << 16 if self.fs.volume.geometry.bits == 32 else low

    def chain(self) -> Chain:
        chain: Chain | None = self._chain
        if chain is None:
            chain = self._chain = self.fs.volume.chain(self.first)
        return chain

    def set_first(self, cluster: int) -> None:
        self.raw[_LOW : _LOW + 2] = (cluster & 0xFFFF).to_bytes(2, "little")
        if self.fs.volume.geometry.bits == 32:
            self.raw[_HIGH : _HIGH + 2] = (cluster >> 16).to_bytes(2, "little")

    def write_entry(self) -> None:
        self.up.directory().write(self.record.slot, self.raw)

    def changed_now(self) -> bool:
        """Whether that says something new: the clock of FAT ticks every two seconds."""
        now = self.fs.stamp()
        if self.raw[_CHANGED:_LOW] == now:
            return False
        self.raw[_CHANGED:_LOW] = now
        return True

    def times(self) -> tuple[int, int, int]:
        gmtoff = self.fs.options.gmtoff
        units, born, birthday, accessed, _, changed, changeday = struct.unpack_from("<BHHHHHH", self.raw, _BORN)
        mtime = times.from_dos(changeday, changed, 0, gmtoff)
        atime = times.from_dos(accessed, 0, 0, gmtoff) if accessed else mtime
        return atime, mtime, times.from_dos(birthday, born, units, gmtoff)

    def set_times(self, atime_ns: int | None, mtime_ns: int | None) -> None:
        gmtoff = self.fs.options.gmtoff
        if atime_ns is not None:
            struct.pack_into("<H", self.raw, _ACCESSED, times.to_dos(atime_ns, gmtoff)[0])
        if mtime_ns is not None:
            date, time, _ = times.to_dos(mtime_ns, gmtoff)
            struct.pack_into("<HH", self.raw, _CHANGED, time, date)

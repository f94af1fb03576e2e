"""Inodes on the disk: struct ufs1_dinode and ufs2_dinode of <ufs/ufs/dinode.h>."""

from __future__ import annotations

import struct

from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from .superblock import DIRECT, Superblock

ROOT = 2
WHITEOUT = 1
INDIRECT = 3
POINTERS = DIRECT + INDIRECT
SECOND = 1_000_000_000

# mode, links, old user and group, size, (seconds, nanoseconds) of atime, mtime, ctime, pointers, flags, blocks,
# generation, user, group.
_UFS1 = {order: struct.Struct(order + "Hh2HQ6i60s2IIII") for order in "<>"}
# mode, links, user, group, block size, size, blocks, seconds of atime, mtime, ctime, birth, nanoseconds of mtime,
# atime, ctime, birth, generation, kernel flags, flags, size of attributes, their blocks, pointers.
_UFS2 = {order: struct.Struct(order + "Hh3I2Q4q4iIIIi2q120s") for order in "<>"}
_POINTERS1 = {order: struct.Struct(order + "15i") for order in "<>"}
_POINTERS2 = {order: struct.Struct(order + "15q") for order in "<>"}
_BLOCKS_MAX = {1: (1 << 32) - 1, 2: (1 << 64) - 1}
_SECONDS32 = (-(1 << 31), (1 << 31) - 1)


class Inode:
    """One inode in memory. ``area`` is where the block pointers are, or the target of a short link, or a device.

    ``pointers`` is the area taken apart; who changes it leaves ``area`` alone, and the other way round: `emit` takes
    the pointers of files that have blocks.
    """

    __slots__ = (
        "__weakref__",
        "area",
        "atime_ns",
        "birthtime_ns",
        "blocks",
        "ctime_ns",
        "extb",
        "extsize",
        "flags",
        "generation",
        "gid",
        "links",
        "mode",
        "mtime_ns",
        "number",
        "pointers",
        "raw",
        "size",
        "uid",
    )

    mode: int
    links: int
    size: int
    blocks: int
    flags: int
    generation: int
    uid: int
    gid: int

    def __init__(self, sb: Superblock, number: int, raw: Buffer) -> None:
        """EIO for nonsense."""
        self.number = number
        self.raw = bytearray(raw)
        self.extsize = 0
        self.extb = [0, 0]
        (self._parse1 if sb.version == 1 else self._parse2)(sb)
        if self.size >> 63:
            raise bad(number, f"size {self.size}")
        table = _POINTERS1 if sb.version == 1 else _POINTERS2
        self.pointers: list[int] = list(table[sb.order].unpack(self.area))

    def _parse1(self, sb: Superblock) -> None:
        (
            self.mode, self.links, old_uid, old_gid, self.size, atime, atime_part, mtime, mtime_part, ctime, ctime_part,
            area, self.flags, self.blocks, self.generation, self.uid, self.gid,
        ) = _UFS1[sb.order].unpack_from(self.raw)  # fmt: skip
        if sb.old_inodes:
            self.uid, self.gid = old_uid, old_gid
            atime_part = mtime_part = ctime_part = 0
        self.area: bytes = area
        self.atime_ns = atime * SECOND + atime_part
        self.mtime_ns = mtime * SECOND + mtime_part
        self.ctime_ns = ctime * SECOND + ctime_part
        self.birthtime_ns = 0

    def _parse2(self, sb: Superblock) -> None:
        (
            self.mode, self.links, self.uid, self.gid, _blksize, self.size, self.blocks, atime, mtime, ctime, birth,
            mtime_part, atime_part, ctime_part, birth_part, self.generation, _kernel, self.flags, self.extsize,
            ext0, ext1, self.area,
        ) = _UFS2[sb.order].unpack_from(self.raw)  # fmt: skip
        self.extb = [ext0, ext1]
        self.atime_ns = atime * SECOND + atime_part
        self.mtime_ns = mtime * SECOND + mtime_part
        self.ctime_ns = ctime * SECOND + ctime_part
        self.birthtime_ns = birth * SECOND + birth_part

    @property
    def kind(self) -> int:
        return self.mode & const.S_IFMT

    def took(self, frags: int, sb: Superblock) -> None:
        """Counts fragments that the file got, or with a minus gave back, as far as the disk can say it."""
        self.blocks = min(max(self.blocks + frags * (sb.fsize >> 9), 0), _BLOCKS_MAX[sb.version])

    def is_fast(self, sb: Superblock) -> bool:
        """Whether a symbolic link has its target where others have their pointers."""
        if sb.maxsymlinklen:
            return self.size < sb.maxsymlinklen
        return self.blocks == 0 and self.size <= len(self.area)

    def mapped(self, sb: Superblock) -> bool:
        """Whether the area holds pointers."""
        kind = self.kind
        return kind in (const.S_IFREG, const.S_IFDIR) or (kind == const.S_IFLNK and not self.is_fast(sb))

    def rdev(self, sb: Superblock) -> int:
        """The number of a device, as it stands in the first pointer."""
        return self.pointers[0] & 0xFFFFFFFF if sb.version == 1 else self.pointers[0] & (1 << 64) - 1

    def emit(self, sb: Superblock) -> bytearray:
        """The inode as it goes to the disk; what is not known here stays as it was."""
        if self.mapped(sb):
            table = _POINTERS1 if sb.version == 1 else _POINTERS2
            self.area = table[sb.order].pack(*self.pointers)
        (self._emit1 if sb.version == 1 else self._emit2)(sb)
        return self.raw

    def _emit1(self, sb: Superblock) -> None:
        times = [*_split(self.atime_ns), *_split(self.mtime_ns), *_split(self.ctime_ns)]
        old = struct.unpack_from(sb.order + "2H", self.raw, 4)
        _UFS1[sb.order].pack_into(
            self.raw, 0, self.mode, self.links, *old, self.size, *times, self.area, self.flags, self.blocks,
            self.generation, self.uid, self.gid,
        )  # fmt: skip

    def _emit2(self, sb: Superblock) -> None:
        whole, parts = zip(
            *(divmod(t, SECOND) for t in (self.atime_ns, self.mtime_ns, self.ctime_ns, self.birthtime_ns)), strict=True
        )
        blksize, kernel = (struct.unpack_from(sb.order + "I", self.raw, at)[0] for at in (12, 84))
        _UFS2[sb.order].pack_into(
            self.raw, 0, self.mode, self.links, self.uid, self.gid, blksize, self.size, self.blocks, *whole, parts[1],
            parts[0], parts[2], parts[3], self.generation, kernel, self.flags, self.extsize, *self.extb, self.area,
        )  # fmt: skip


def _split(time_ns: int) -> tuple[int, int]:
    """UFS1 has 32 bits for the seconds: what is later or earlier is the last or first time that it can tell."""
    seconds, part = divmod(time_ns, SECOND)
    low, high = _SECONDS32
    return (seconds, part) if low <= seconds <= high else (low if seconds < low else high, 0)


def bad(number: int, text: str) -> KernelError:
    return KernelError(Errno.EIO, f"inode {number}: {text}", "ffs")

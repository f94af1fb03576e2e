"""Vnodes: what files and directories have in common, and files. What is known of one is its short entry (``raw``)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from . import dirent, times
from .chain import Chain
from .dirent import Record

if TYPE_CHECKING:
    from .dirnode import DirectoryNode
    from .driver import MsdosFileSystem

FILE_MAX = 0xFFFFFFFF
_ATTRIBUTES = 11
_BORN = 13
_ACCESSED = 18
_HIGH = 20
_CHANGED = 22
_LOW = 26
_SIZE = 28
_WRITE = 0o222


class Node(Vnode):
    """``up`` is the directory that it is in, None at the root; ``record`` its name there, None when that is gone."""

    __slots__ = ("_chain", "_stat", "raw", "record", "size", "up")

    fs: MsdosFileSystem

    def __init__(
        self,
        fs: MsdosFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes,
    ) -> None:
        super().__init__(fs, fileno, vtype)
        self.up = up
        self.record = record
        self.raw = bytearray(raw)
        self.size = int.from_bytes(raw[_SIZE:], "little")
        self._chain: Chain | None = None
        self._stat: Stat | None = None

    # -- the entry

    @property
    def first(self) -> int:
        """The first cluster that the entry names, 0 for none."""
        low = self.raw[_LOW] | self.raw[_LOW + 1] << 8
        return low | (self.raw[_HIGH] | self.raw[_HIGH + 1] << 8) << 16 if self.fs.volume.geometry.bits == 32 else low

    def chain(self) -> Chain:
        """EIO when the entry names no cluster."""
        if self._chain is None:
            self._chain = self.fs.volume.chain(self.first)
        return self._chain

    def set_first(self, cluster: int) -> None:
        self.raw[_LOW : _LOW + 2] = (cluster & 0xFFFF).to_bytes(2, "little")
        if self.fs.volume.geometry.bits == 32:
            self.raw[_HIGH : _HIGH + 2] = (cluster >> 16).to_bytes(2, "little")

    def vet(self) -> None:
        """Before its clusters are changed. EIO when they are another's too."""
        chain = self.chain()
        if chain.known:
            if self.up is not None:
                self.up.directory().open()
            self.fs.volume.vet(chain)

    def store(self) -> None:
        """What was changed goes into the directory. EIO."""
        self._stat = None
        if self.record is not None and self.up is not None:
            self.up.vet()
            self.up.directory().write(self.record.slot, self.raw)

    def changed_now(self) -> bool:
        """Whether that says something new: the clock of FAT ticks every two seconds."""
        now = self.fs.stamp()
        if self.raw[_CHANGED:_LOW] == now:
            return False
        self.raw[_CHANGED:_LOW] = now
        return True

    # -- attributes

    @property
    def permissions(self) -> int:
        options = self.fs.options
        if self.vtype is VType.DIR:
            return options.dirmask
        return options.mask & ~_WRITE if self.raw[_ATTRIBUTES] & dirent.READONLY else options.mask

    def owner(self) -> tuple[int, int, int]:
        return self.permissions | self.vtype, self.fs.options.uid, self.fs.options.gid

    def getattr(self) -> Stat:
        if self._stat is None:
            self._stat = self._make_stat()
        return self._stat

    def extent(self) -> tuple[int, int]:
        """Size, and bytes of the disk that it takes. EIO."""
        cluster = self.fs.volume.geometry.cluster
        return self.size, -(-self.size // cluster) * cluster

    def _make_stat(self) -> Stat:
        options = self.fs.options
        units, born, birthday, accessed, _, changed, changeday = struct.unpack_from("<BHHHHHH", self.raw, _BORN)
        mtime = times.from_dos(changeday, changed, 0, options.gmtoff)
        size, space = self.extent()
        return Stat(
            st_dev=self.fs.dev,
            st_mode=self.permissions | self.vtype,
            st_ino=self.fileno,
            st_nlink=0 if self.record is None and self.up is not None else 1,
            st_uid=options.uid,
            st_gid=options.gid,
            st_rdev=0,
            st_atime_ns=times.from_dos(accessed, 0, 0, options.gmtoff) if accessed else mtime,
            st_mtime_ns=mtime,
            st_ctime_ns=mtime,
            st_birthtime_ns=times.from_dos(birthday, born, units, options.gmtoff),
            st_size=size,
            st_blocks=space >> 9,
            st_blksize=self.fs.volume.geometry.cluster,
            st_flags=self.file_flags(),
        )

    def file_flags(self) -> int:
        return 0 if self.raw[_ATTRIBUTES] & dirent.ARCHIVE or self.vtype is VType.DIR else const.SF_ARCHIVED

    def setattr(self, changes: Changes) -> None:
        """EINVAL for another owner, EOPNOTSUPP for flags that FAT has not, EFBIG, ENOSPC, EIO. As mount_msdos does,
        of a mode only whether the owner may write is kept, and for files alone."""
        self.fs.volume.begin()
        options = self.fs.options
        if changes.uid not in (None, options.uid) or changes.gid not in (None, options.gid):
            raise KernelError(Errno.EINVAL, "the owner of all files is that of the mount", "msdos")
        if changes.flags is not None and changes.flags & ~const.SF_ARCHIVED:
            raise KernelError(Errno.EOPNOTSUPP, "no file flags but arch", "msdos")
        if changes.size is not None:
            self.resize(changes.size)
        self._set_bits(changes)
        gmtoff = options.gmtoff
        if changes.atime_ns is not None:
            struct.pack_into("<H", self.raw, _ACCESSED, times.to_dos(changes.atime_ns, gmtoff)[0])
        if changes.mtime_ns is not None:
            date, time, _ = times.to_dos(changes.mtime_ns, gmtoff)
            struct.pack_into("<HH", self.raw, _CHANGED, time, date)
        self.store()

    def _set_bits(self, changes: Changes) -> None:
        if self.vtype is VType.DIR:
            return
        bits = self.raw[_ATTRIBUTES]
        if changes.mode is not None:
            bits = bits & ~dirent.READONLY if changes.mode & 0o200 else bits | dirent.READONLY
        if changes.flags is not None:
            bits = bits & ~dirent.ARCHIVE if changes.flags & const.SF_ARCHIVED else bits | dirent.ARCHIVE
        self.raw[_ATTRIBUTES] = bits

    def resize(self, size: int) -> None:
        raise KernelError(Errno.EISDIR)

    def fsync(self, *, data_only: bool) -> None:
        self.fs.volume.sync()

    # -- life

    def unlinked(self) -> None:
        """Its name is gone."""
        self.record = None
        self._stat = None
        self.fs.orphans.add(self)

    def inactive(self) -> None:
        if self in self.fs.orphans:
            self.fs.orphans.discard(self)
            self.fs.numbers.freed(self.fileno)
            self.free()

    def free(self) -> None:
        """Gives back its clusters. What cannot be given back is left for a check."""
        if not self.fs.volume.readonly:
            try:
                self.fs.volume.shorten(self.chain(), 0)
            except KernelError as error:
                self.fs.volume.env.log(f"msdos: {error.text}")

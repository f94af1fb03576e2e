"""Vnodes: what files and directories have in common, and files. What is known of one is its entry set (``raw``)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from . import entry
from .volume import ExfatChain

if TYPE_CHECKING:
    from .dirnode import DirectoryNode, Record
    from .driver import ExfatFileSystem

FILE_MAX = (1 << 63) - 1
_WRITE = 0o222


class Node(Vnode):
    """``up`` is the directory that it is in, None at the root; ``record`` its name there, None when that is gone."""

    __slots__ = ("_chain", "_stat", "raw", "record", "size", "up", "valid")

    fs: ExfatFileSystem

    def __init__(
        self,
        fs: ExfatFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes | bytearray,
    ) -> None:
        """``valid`` bytes of ``size`` were written, the rest reads as zeros."""
        super().__init__(fs, fileno, vtype)
        self.up = up
        self.record = record
        self.raw = bytearray(raw)
        self.size = int.from_bytes(raw[entry.SIZE : entry.SIZE + 8], "little")
        self.valid = min(int.from_bytes(raw[entry.VALID : entry.VALID + 8], "little"), self.size)
        self._chain: ExfatChain | None = None
        self._stat: Stat | None = None

    # -- the entry set

    @property
    def first(self) -> int:
        return int.from_bytes(self.raw[entry.FIRST : entry.FIRST + 4], "little")

    def clusters(self) -> int:
        """As many as the size needs."""
        return -(-self.size // self.fs.volume.geometry.cluster)

    def chain(self) -> ExfatChain:
        """EIO when the entry names no cluster."""
        if self._chain is None:
            adjacent = self.raw[entry.FLAGS] & entry.CONTIGUOUS
            self._chain = self.fs.volume.chain(self.first, self.clusters() if adjacent else None)
        return self._chain

    def vet(self) -> None:
        """Before its clusters are changed. EIO when they are another's too."""
        if self.up is not None:
            self.up.open()
        self.fs.volume.vet(self.chain())

    def store(self) -> None:
        """What was changed goes into the directory. EIO."""
        self._stat = None
        if self.record is not None and self.up is not None:
            self.up.vet()
            self.up.write_slots(self.record.slot, entry.sealed(self.raw))

    def store_extent(self) -> None:
        """Sizes and first cluster, as they are now, into the set."""
        chain = self.chain()
        adjacent = chain.known and not chain.linked
        self.raw[entry.FLAGS] = entry.ALLOCATED | (entry.CONTIGUOUS if adjacent else 0)
        struct.pack_into("<Q", self.raw, entry.VALID, self.valid)
        struct.pack_into("<IQ", self.raw, entry.FIRST, chain.first, self.size)

    def changed_now(self) -> None:
        entry.set_time(self.raw, entry.CHANGED, self.fs.env.now_ns())

    # -- attributes

    @property
    def attributes(self) -> int:
        return self.raw[entry.ATTRIBUTES]

    @property
    def permissions(self) -> int:
        options = self.fs.options
        if self.vtype is VType.DIR:
            return options.dirmask
        return options.mask & ~_WRITE if self.attributes & entry.READONLY else options.mask

    def owner(self) -> tuple[int, int, int]:
        return self.permissions | self.vtype, self.fs.options.uid, self.fs.options.gid

    def file_flags(self) -> int:
        return 0 if self.attributes & entry.ARCHIVE or self.vtype is VType.DIR else const.SF_ARCHIVED

    def getattr(self) -> Stat:
        if self._stat is None:
            self._stat = self._make_stat()
        return self._stat

    def _make_stat(self) -> Stat:
        options, cluster = self.fs.options, self.fs.volume.geometry.cluster
        mtime = entry.get_time(self.raw, entry.CHANGED, options.gmtoff)
        return Stat(
            st_dev=self.fs.dev,
            st_mode=self.permissions | self.vtype,
            st_ino=self.fileno,
            st_nlink=0 if self.record is None and self.up is not None else 1,
            st_uid=options.uid,
            st_gid=options.gid,
            st_rdev=0,
            st_atime_ns=entry.get_time(self.raw, entry.ACCESSED, options.gmtoff),
            st_mtime_ns=mtime,
            st_ctime_ns=mtime,
            st_birthtime_ns=entry.get_time(self.raw, entry.CREATED, options.gmtoff),
            st_size=self.size,
            st_blocks=self.clusters() * cluster >> 9,
            st_blksize=cluster,
            st_flags=self.file_flags(),
        )

    def setattr(self, changes: Changes) -> None:
        """EINVAL for another owner, EOPNOTSUPP for flags that exFAT has not, EFBIG, ENOSPC, EIO. As for FAT, of a mode
        only whether the owner may write is kept, and for files alone."""
        self.fs.volume.begin()
        options = self.fs.options
        if changes.uid not in (None, options.uid) or changes.gid not in (None, options.gid):
            raise KernelError(Errno.EINVAL, "the owner of all files is that of the mount", "exfat")
        if changes.flags is not None and changes.flags & ~const.SF_ARCHIVED:
            raise KernelError(Errno.EOPNOTSUPP, "no file flags but arch", "exfat")
        if changes.size is not None:
            self.resize(changes.size)
        self._set_bits(changes)
        if changes.atime_ns is not None:
            entry.set_time(self.raw, entry.ACCESSED, changes.atime_ns)
        if changes.mtime_ns is not None:
            entry.set_time(self.raw, entry.CHANGED, changes.mtime_ns)
        self.store()

    def _set_bits(self, changes: Changes) -> None:
        if self.vtype is VType.DIR:
            return
        bits = self.attributes
        if changes.mode is not None:
            bits = bits & ~entry.READONLY if changes.mode & 0o200 else bits | entry.READONLY
        if changes.flags is not None:
            bits = bits & ~entry.ARCHIVE if changes.flags & const.SF_ARCHIVED else bits | entry.ARCHIVE
        self.raw[entry.ATTRIBUTES] = bits

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
                self.fs.volume.env.log(f"exfat: {error.text}")


class FileNode(Node):
    """A regular file."""

    __slots__ = ()

    def read(self, offset: int, length: int) -> Buffer:
        """What was never written is zeros."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if self.fs.keeps_atime():
            self._accessed_now()
        written = min(max(self.valid - offset, 0), length)
        if written == length:
            return self.fs.volume.view(self.chain(), offset, length)
        head = self.fs.volume.view(self.chain(), offset, written) if written else b""
        return b"".join((head, bytes(length - written)))

    def _accessed_now(self) -> None:
        """Once a day, as it is with FAT: reading is not to write all the time."""
        day = self.fs.today()
        if self.raw[entry.ACCESSED + 2 : entry.ACCESSED + 4] != day:
            entry.set_time(self.raw, entry.ACCESSED, self.fs.env.now_ns())
            self.store()

    def write(self, offset: int, data: Buffer) -> int:
        """All or nothing."""
        length = len(data)
        if length == 0:
            return 0
        end = offset + length
        if end > FILE_MAX:
            raise KernelError(Errno.EFBIG)
        volume = self.fs.volume
        volume.begin()
        chain = self._sound_chain()
        new = volume.extend(chain, -(-end // volume.geometry.cluster))
        try:
            volume.clear(chain, self.valid, offset)
            volume.write(chain, offset, data)
        except KernelError:
            if new:
                volume.undo(chain, chain.known - new)
            raise
        self.valid = max(self.valid, end)
        self.size = max(self.size, end)
        self._written()
        return length

    def _sound_chain(self) -> ExfatChain:
        """EIO when there are fewer clusters than the size says, or when some are another's too."""
        chain = self.chain()
        if not chain.reach(self.clusters()):
            raise KernelError(Errno.EIO, f"the chain from cluster {chain.first} is shorter than its file", "exfat")
        self.vet()
        return chain

    def _written(self) -> None:
        self.store_extent()
        self.raw[entry.ATTRIBUTES] |= entry.ARCHIVE
        self.changed_now()
        self.store()

    def resize(self, size: int) -> None:
        """A file that grows gets clusters; its new bytes are not written but known to be zeros."""
        if size > FILE_MAX:
            raise KernelError(Errno.EFBIG)
        volume = self.fs.volume
        count = -(-size // volume.geometry.cluster)
        if size > self.size:
            volume.extend(self._sound_chain(), count)
        else:
            chain = self.chain()
            if not chain.reach(count):
                raise KernelError(Errno.EIO, f"the chain from cluster {chain.first} is shorter than its file", "exfat")
            if self.up is not None:
                self.up.open()
            volume.shorten(chain, count)
        self.size = size
        self.valid = min(self.valid, size)
        self._written()

    def allocate(self, offset: int, length: int) -> None:
        """EFBIG, ENOSPC, EIO."""
        if offset + length > self.size:
            self.fs.volume.begin()
            self.resize(offset + length)

"""Vnodes: what files and directories have in common, and files. What is known of one is its entry set (``raw``)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core.vnode import VType
from rumpvfs.fs.msdosfs.common import FatNode
from rumpwire.errno import Errno, KernelError

from . import entry
from .volume import ExfatChain

if TYPE_CHECKING:
    from .dirnode import DirectoryNode, Record
    from .driver import ExfatFileSystem

FILE_MAX = (1 << 63) - 1


class Node(FatNode):
    """``record`` is its name in ``up``; ``valid`` bytes of ``size`` were written, the rest reads as zeros."""

    __slots__ = ("valid",)

    fs: ExfatFileSystem
    _ATTRIBUTES = entry.ATTRIBUTES

    def __init__(
        self,
        fs: ExfatFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes | bytearray,
    ) -> None:
        super().__init__(fs, fileno, vtype, up, record, raw)
        self.size = int.from_bytes(raw[entry.SIZE : entry.SIZE + 8], "little")
        self.valid = min(int.from_bytes(raw[entry.VALID : entry.VALID + 8], "little"), self.size)

    @property
    def first(self) -> int:
        return int.from_bytes(self.raw[entry.FIRST : entry.FIRST + 4], "little")

    def clusters(self) -> int:
        """As many as the size needs."""
        return -(-self.size // self.fs.volume.geometry.cluster)

    def chain(self) -> ExfatChain:
        chain: ExfatChain | None = self._chain
        if chain is None:
            adjacent = self.raw[entry.FLAGS] & entry.CONTIGUOUS
            chain = self._chain = self.fs.volume.chain(self.first, self.clusters() if adjacent else None)
        return chain

    def write_entry(self) -> None:
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

    def times(self) -> tuple[int, int, int]:
        gmtoff = self.fs.options.gmtoff
        accessed, changed, created = (
            entry.get_time(self.raw, at, gmtoff) for at in (entry.ACCESSED, entry.CHANGED, entry.CREATED)
        )
        return accessed, changed, created

    def set_times(self, atime_ns: int | None, mtime_ns: int | None) -> None:
        if atime_ns is not None:
            entry.set_time(self.raw, entry.ACCESSED, atime_ns)
        if mtime_ns is not None:
            entry.set_time(self.raw, entry.CHANGED, mtime_ns)


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
                self.up.directory().open()
            volume.shorten(chain, count)
        self.size = size
        self.valid = min(self.valid, size)
        self._written()

    def allocate(self, offset: int, length: int) -> None:
        """EFBIG, ENOSPC, EIO."""
        if offset + length > self.size:
            self.fs.volume.begin()
            self.resize(offset + length)

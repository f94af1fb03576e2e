"""An exFAT on its device: bitmap, FAT, buffers of directories, and in which order they are written.

As with FAT, clusters are taken on the disk before directories name them, and can be taken again only when the
directories that named them are written (`rumpvfs.fs.msdosfs.volume`). An entry set that a crash cuts in
two is lost with its file: that the format does not prevent.
"""

from __future__ import annotations

from rumpvfs.core.vnode import BlockDevice, Environment
from rumpvfs.fs.msdosfs.bpb import Geometry
from rumpvfs.fs.msdosfs.chain import Chain
from rumpvfs.fs.msdosfs.clusters import Clusters
from rumpvfs.fs.msdosfs.fat import Fat, Run
from rumpwire.errno import Errno, KernelError

from . import boot
from .bitmap import Bitmap

END = 0xFFFFFFFF
_STEP = 1024
"""So many clusters of a chain are looked at in one go."""


class ExfatTable(Fat):
    """The FAT: all 32 bits of an entry count, and what is free only the bitmap knows."""

    __slots__ = ()

    def __init__(self, device: BlockDevice, geometry: Geometry) -> None:
        super().__init__(device, geometry, free=None, hint=2)
        self.mask = END
        self.end = 0xFFFFFFF8


class ExfatChain(Chain):
    """The clusters of a file. ``linked``: the FAT has them; else they are adjacent."""

    __slots__ = ("linked",)

    def __init__(self, fat: Fat, first: int, stops: set[int], contiguous: int | None) -> None:
        """``contiguous``: how many there are without the FAT. EIO for what is outside of the disk."""
        super().__init__(fat, first, stops)
        self.linked = contiguous is None
        if contiguous is not None and first:
            if first + contiguous > fat.limit or not contiguous:
                raise KernelError(Errno.EIO, f"{contiguous} clusters from {first} on of {fat.limit}", "exfat")
            self.known = contiguous
            self.tail = first + contiguous - 1
            self.ended = True


class Volume(Clusters):
    """``system`` are the chains of the root, of the bitmap and of the up-case table."""

    __slots__ = ("bitmap", "flags", "system")

    type_name = "exfat"
    bitmap: Bitmap

    def __init__(self, device: BlockDevice, found: boot.Boot, env: Environment) -> None:
        """`bitmap` is set by who finds it in the root."""
        super().__init__(device, found.geometry, env)
        self.flags = found.flags
        self.dirty_before = bool(found.flags & boot.DIRTY)
        self.fat = ExfatTable(device, found.geometry)
        self.system: list[ExfatChain] = []

    # -- life

    def open_for_writing(self) -> None:
        """From now on the disk says that it is in use. EROFS, EIO."""
        if self.device.readonly:
            raise KernelError(Errno.EROFS, f"{self.device.name} is read-only", "exfat")
        if self.dirty_before:
            self.env.log(f"exfat: {self.device.name} was not unmounted; it should be checked")
        self._mark(self.flags | boot.DIRTY)
        self.readonly = False

    def close_for_writing(self) -> None:
        """Writes everything; the disk says that it is clean, unless it was not before. EIO, ENOSPC."""
        if self.readonly:
            return
        self.sync()
        used = self.geometry.clusters - self.bitmap.count_free()
        self.device.write(boot.PERCENT_OFFSET, bytes((used * 100 // self.geometry.clusters,)))
        if not self.dirty_before:
            self._mark(self.flags & ~boot.DIRTY)
        self.device.flush()
        self.readonly = True

    def _mark(self, flags: int) -> None:
        self.device.write(boot.FLAGS_OFFSET, flags.to_bytes(2, "little"))
        self.flags = flags

    @property
    def _over(self) -> bool:
        return super()._over or self.bitmap.over

    def write_back(self, *, barrier: bool = False) -> None:
        """Writes all that waits, in order; with barriers in between for a sync. EIO, ENOSPC: what is left stays."""
        wrote = self.bitmap.write_back()
        if (self.fat.write_back() or wrote) and barrier:
            self.device.flush()
        if self.buffers.dirty:
            self.buffers.write_back()
            if barrier:
                self.device.flush()
        if self.later or self.stops:
            for last in self.stops:
                self.fat.put(last, END)
            self.stops.clear()
            self.release(self.later)
            self.later.clear()
            self.fat.write_back()
            self.bitmap.write_back()

    # -- clusters

    def free_clusters(self) -> int:
        return self.bitmap.count_free() + sum(length for _, length in self.later)

    def chain(self, first: int, contiguous: int | None = None) -> ExfatChain:
        """EIO when ``first`` is no cluster."""
        return ExfatChain(self.fat, first, self.stops, contiguous)

    def extend(self, chain: ExfatChain, count: int) -> int:
        """Makes a chain have ``count`` clusters at least: how many are new. ENOSPC, EIO; then nothing is changed."""
        if chain.reach(count):
            return 0
        missing = count - chain.known
        runs = self.allocate(missing, chain.tail + 1 if chain.tail else 0)
        adjacent = len(runs) == 1 and (not chain.known or runs[0][0] == chain.tail + 1)
        if not chain.known:
            chain.linked = not adjacent
        if chain.linked or not adjacent:
            self._link(chain, runs)
        chain.append(runs)
        return missing

    def _link(self, chain: ExfatChain, runs: list[Run]) -> None:
        """The FAT has the new clusters, and the old ones if it had not."""
        if chain.known and not chain.linked:
            self.fat.link(chain.first, chain.known, runs[0][0])
        elif chain.known:
            if chain.tail in self.stops:
                self.write_back()
            self.fat.put(chain.tail, runs[0][0])
        chain.linked = True
        then = END
        for start, length in reversed(runs):
            self.fat.link(start, length, then)
            then = start

    def _references(self) -> bytearray:
        """None yet: an entry of the FAT counts only where a file says so (`claim_file`)."""
        return bytearray(self.fat.limit)

    def _system(self) -> list[Run]:
        return [run for chain in self.system for run in chain.runs()]

    def claim_file(self, first: int, count: int, *, linked: bool) -> None:
        """What a name says of its clusters. Of a chain that is broken so much counts as can be followed."""
        try:
            if linked:
                self._claim_chain(self.chain(first), count)
            else:
                self.claim(self.chain(first, count).first, count)
        except KernelError as error:
            self.spoilt(error.text)

    def _claim_chain(self, chain: ExfatChain, count: int) -> None:
        """Up to a cluster that is claimed already: what is behind it is so too, so this ends soon."""
        at = 0
        while at < count and self.claims is not None:
            chain.reach(min(at + _STEP, count))
            if at == chain.known:
                return
            start, length = chain.run(at)
            free = self.claims.unclaimed(start, length)
            self.claim(start, min(free + 1, length))
            if free < length:
                return
            at += length

    def _take_free(self, start: int, length: int) -> bool:
        return self.bitmap.take(start, length)

    def _allocate_near(self, count: int, near: int) -> list[Run]:
        return self.bitmap.allocate(count, near)

    def _free(self, runs: list[Run]) -> None:
        self.bitmap.release(runs)

    def undo(self, chain: ExfatChain, keep: int) -> None:
        """Gives back clusters that `extend` took and nobody knows of yet."""
        self.release(chain.cut(keep))
        if keep and chain.linked:
            self.fat.put(chain.tail, END)

"""A FAT file system on its device: the FAT, the buffers of directories, FSInfo, and in which order they are written.

A crash at any moment must leave at worst clusters that belong to nobody. So the FAT with the clusters that were taken
is written before the directories that name them, and clusters that were let go of stay taken (`later`, `stops`) until
the directories that do not name them any more are written; only then can they be taken again.
"""

from __future__ import annotations

import struct

from rumpvfs.core.vnode import BlockDevice, Environment
from rumpwire.errno import Errno, KernelError

from . import bpb
from .chain import Chain
from .clusters import Clusters
from .fat import Fat, Run

# of the entry of cluster 1: unmounted cleanly, no error met
_CLEAN = {16: 0x8000, 32: 0x08000000}
INFO_LEAD, INFO_BODY, INFO_TRAIL = 0x41615252, 0x61417272, 0xAA550000
_UNKNOWN = 0xFFFFFFFF


class Volume(Clusters):
    """A FAT and what goes with it."""

    __slots__ = ("info",)

    type_name = "msdos"

    def __init__(self, device: BlockDevice, geometry: bpb.Geometry, env: Environment) -> None:
        super().__init__(device, geometry, env)
        self.info = self._has_info()
        free, hint = self._read_info()
        self.dirty_before = self._is_dirty()
        self.fat = Fat(device, geometry, free=None if self.dirty_before else free, hint=hint)

    # -- life

    def open_for_writing(self) -> None:
        """From now on the disk says that it is in use. EROFS, EIO."""
        if self.device.readonly:
            raise KernelError(Errno.EROFS, f"{self.device.name} is read-only", "msdos")
        if self.dirty_before:
            self.env.log(f"msdos: {self.device.name} was not unmounted; it should be checked")
        self._mark(dirty=True)
        self.readonly = False

    def close_for_writing(self) -> None:
        """Writes everything; the disk says that it is clean, unless it was not before. EIO, ENOSPC."""
        if self.readonly:
            return
        self.sync()
        if not self.dirty_before:
            self._mark(dirty=False)
            self.device.flush()
        self.readonly = True

    def _is_dirty(self) -> bool:
        state = self.device.view(self.geometry.state_offset, 1)[0]
        clean = _CLEAN.get(self.geometry.bits, 0)
        return bool(state & bpb.STATE_DIRTY) or self._entry1() & clean != clean

    def _entry1(self) -> int:
        width = self.geometry.bits // 8
        if self.geometry.bits == 12:
            return 0
        return int.from_bytes(self.device.view(self._entry1_offset(self.geometry.fats[0]), width), "little")

    def _entry1_offset(self, copy: int) -> int:
        return self.geometry.fat_offset + copy * self.geometry.fat_size + self.geometry.bits // 8

    def _mark(self, *, dirty: bool) -> None:
        offset, bits = self.geometry.state_offset, self.geometry.bits
        state = self.device.view(offset, 1)[0] & ~bpb.STATE_DIRTY
        self.device.write(offset, bytes((state | bpb.STATE_DIRTY if dirty else state,)))
        if bits != 12:
            entry = self.fat.get(1) & ~_CLEAN[bits] | (0 if dirty else _CLEAN[bits])
            self.fat.put(1, entry)
            self.fat.write_back()

    # -- FSInfo

    def _has_info(self) -> bool:
        offset = self.geometry.info_offset
        if offset is None:
            return False
        raw = bytes(self.device.view(offset, bpb.SIZE))
        marks = (
            struct.unpack_from("<I", raw)[0],
            *struct.unpack_from("<I", raw, 484),
            *struct.unpack_from("<I", raw, 508),
        )
        return marks == (INFO_LEAD, INFO_BODY, INFO_TRAIL)

    def _read_info(self) -> tuple[int | None, int]:
        """How many clusters are free, where the next may be."""
        if not self.info or self.geometry.info_offset is None:
            return None, 2
        free, hint = struct.unpack("<II", self.device.view(self.geometry.info_offset + 488, 8))
        return None if free == _UNKNOWN else free, hint

    def _write_info(self) -> None:
        if self.info and self.geometry.info_offset is not None:
            counts = struct.pack("<II", self.fat.count_free(), self.fat.hint)
            self.device.write(self.geometry.info_offset + 488, counts)

    # -- writing back

    def write_back(self, *, barrier: bool = False) -> None:
        """Writes all that waits, in order; with barriers in between for a sync. EIO, ENOSPC: what is left stays."""
        flush = self.device.flush if barrier else _nothing
        if not (self.fat.changed or self.buffers.dirty or self.later or self.stops):
            return
        if self.fat.write_back():
            flush()
        if self.buffers.dirty:
            self.buffers.write_back()
            flush()
        if self.later or self.stops:
            for last in self.stops:
                self.fat.put(last, self.fat.mask)
            self.stops.clear()
            self.release(self.later)
            self.later.clear()
            self.fat.write_back()
        self._write_info()

    # -- clusters

    def free_clusters(self) -> int:
        return self.fat.count_free() + sum(length for _, length in self.later)

    def chain(self, first: int) -> Chain:
        """EIO when ``first`` is no cluster."""
        return Chain(self.fat, first, self.stops)

    def _references(self) -> bytearray:
        """Free clusters that others lead to are taken: they are the ends of files that were cut off."""
        counts = self.fat.references()
        dangling = self.fat.dangling(counts)
        if dangling:
            self.spoilt(f"{len(dangling)} clusters, the first {dangling[0]}, are free, and of chains")
        for cluster in dangling:
            self.fat.link(cluster, 1, self.fat.mask)
        return counts

    def _system(self) -> list[Run]:
        root = self.geometry.root_cluster
        return [(root, 1)] if root else []

    def _take_free(self, start: int, length: int) -> bool:
        if self.fat.get(start):
            return False
        self.fat.link(start, length, self.fat.mask)
        return True

    def _allocate_near(self, count: int, near: int) -> list[Run]:
        return self.fat.allocate(count, near)

    def _free(self, runs: list[Run]) -> None:
        self.fat.release(runs)

    def extend(self, chain: Chain, count: int) -> list[Run]:
        """Makes a chain have ``count`` clusters at least: the new ones. ENOSPC, EIO; then nothing is changed."""
        if chain.reach(count):
            return []
        runs = self.allocate(count - chain.known, chain.tail + 1 if chain.tail else 0)
        if chain.tail:
            if chain.tail in self.stops:
                self.write_back()
            self.fat.put(chain.tail, runs[0][0])
        chain.append(runs)
        return runs

    def undo(self, chain: Chain, keep: int) -> None:
        """Gives back clusters that `extend` took and nobody knows of yet."""
        runs = chain.cut(keep)
        if keep:
            self.fat.put(chain.tail, self.fat.mask)
        self.release(runs)


def _nothing() -> None: ...

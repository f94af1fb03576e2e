"""Counting anew how often each cluster is used: what an image needs whose dirty bit is set.

Such an image was written with lazy reference counts and not closed; its tables are right and its counts may not be.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator

from rumpwire.errno import Errno, KernelError

from .header import DIRTY, INCOMPATIBLE_AT, MAX_L1_BYTES
from .image import COMPRESSED, OFFSET, Qcow2
from .refcounts import broken

MAX_CLUSTERS = 1 << 26
"""Counts take 4 bytes each while they are counted: 256 MiB."""
MAX_WORDS = 1 << 27
"""Entries of tables that are looked at: 8 TiB of disk and snapshots with clusters of 64 KiB."""
_SNAPSHOT = struct.Struct(">QIHH20xI")
_SNAPSHOT_FIXED = 40


def repair(image: Qcow2) -> None:
    """Makes all counts right and takes the dirty bit away. EIO for tables that make no sense, EFBIG, ENOSPC."""
    counts = _Counter(image).count()
    refcounts = image.refcounts
    for cluster, count in enumerate(counts):
        if refcounts.get(cluster) != count:
            refcounts.set(cluster, count)
    image.device.flush()
    image.header.incompatible &= ~DIRTY
    image.device.write(INCOMPATIBLE_AT, image.header.incompatible.to_bytes(8, "big"))
    image.device.flush()


class _Counter:
    """Walks all that names clusters."""

    def __init__(self, image: Qcow2) -> None:
        clusters = image.refcounts.top
        if clusters > MAX_CLUSTERS:
            raise KernelError(Errno.EFBIG, f"qcow2: {clusters} clusters are too many to be counted")
        self.image = image
        self.header = image.header
        self.device = image.device
        self.counts = array("I", bytes(4 * clusters))
        self.words = 0

    def count(self) -> array[int]:
        header = self.header
        self._use(0, header.cluster_size)
        table = header.refcount_table_offset, header.refcount_table_clusters * header.cluster_size
        self._use(*table)
        for entry in self._words(*table):
            self._use(entry & OFFSET, header.cluster_size)
        self._tree(header.l1_offset, header.l1_size)
        for offset, size in self._snapshots():
            self._tree(offset, size)
        return self.counts

    def _use(self, offset: int, length: int) -> None:
        if not offset and length == self.header.cluster_size and self.counts[0]:
            return  # an entry that names nothing
        bits = self.header.cluster_bits
        last = offset + length - 1 >> bits
        if last >= len(self.counts):
            raise broken(f"{length} bytes at {offset} are behind the end of the file")
        for cluster in range(offset >> bits, last + 1):
            self.counts[cluster] += 1

    def _words(self, offset: int, length: int) -> Iterator[int]:
        self.words += length // 8
        if self.words > MAX_WORDS:
            raise KernelError(Errno.EFBIG, "qcow2: the tables are too many to be counted, or refer to one another")
        for (word,) in struct.iter_unpack(">Q", self.device.view(offset, length)):
            if word:
                yield word

    def _tree(self, offset: int, entries: int) -> None:
        """An L1 table and all below it."""
        if not entries:
            return
        size = self.header.cluster_size
        self._use(offset, entries * 8)
        for entry in self._words(offset, entries * 8):
            table = entry & OFFSET
            if not table:
                continue
            self._use(table, size)
            for word in self._words(table, size):
                if word & COMPRESSED:
                    self._use(*self.image.compressed_range(word))
                elif word & OFFSET:
                    self._use(word & OFFSET, size)

    def _snapshots(self) -> Iterator[tuple[int, int]]:
        """The L1 table of each snapshot, and the use of the table that lists them."""
        at = begin = self.header.snapshots_offset
        for _ in range(self.header.snapshots):
            offset, size, id_length, name_length, extra = _SNAPSHOT.unpack(self.device.view(at, _SNAPSHOT_FIXED))
            if size * 8 > MAX_L1_BYTES:
                raise broken(f"a snapshot with {size} entries in its L1 table")
            at += _SNAPSHOT_FIXED + extra + id_length + name_length
            at += -at % 8
            yield offset, size
        if at > begin:
            self._use(begin, at - begin)

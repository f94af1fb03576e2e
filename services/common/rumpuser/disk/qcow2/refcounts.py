"""Reference counts: how often each cluster of the file is used, and finding one that is not.

The header names a table, and that blocks of counts. Counts are read from the file every time: it is mapped. New
clusters are those that are free in blocks that were looked through, one more each time none is left, then those at
the end of the file. A block of counts that is needed and not there is put at the end too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from rumpuser.disk.device import BlockDevice
from rumpwire.errno import Errno, KernelError

from .header import MAX_REFCOUNT_TABLE_BYTES, REFCOUNT_TABLE_AT, Header

MAX_SEARCH = 1 << 20
"""Clusters behind the end of a file that may be counted: those that were set aside."""
_KINDS = {8: "B", 16: ">H", 32: ">I", 64: ">Q"}
_OFFSET = 0xFFFFFFFFFFFFFE00


def broken(text: str) -> KernelError:
    return KernelError(Errno.EIO, f"qcow2: {text}")


class Refcounts:
    """The reference counts of an image. ``top`` is the first cluster that nothing is in or behind."""

    def __init__(self, device: BlockDevice, header: Header) -> None:
        self.device = device
        self.header = header
        self.bits = 1 << header.refcount_order
        self.maximum = (1 << self.bits) - 1
        self.per_block = header.cluster_size * 8 // self.bits
        self.top = -(-device.size // header.cluster_size)
        self._freed: list[int] = []
        self._searched = 0

    # -- counts

    def get(self, cluster: int) -> int:
        block = self._block(cluster // self.per_block)
        return self._value(block, cluster) if block else 0

    def set(self, cluster: int, value: int) -> None:
        """EIO, ENOSPC; EFBIG for more than the width of a count allows."""
        if not 0 <= value <= self.maximum:
            raise KernelError(Errno.EFBIG, f"qcow2: a cluster would be used {value} times")
        block = self._block(cluster // self.per_block) or self._make_block(cluster // self.per_block)
        at, raw = self._field(cluster, value, lambda at: self.device.view(block + at, 1)[0])
        self.device.write(block + at, raw)

    def _field(self, cluster: int, value: int, byte: Callable[[int], int]) -> tuple[int, bytes]:
        """Where in its block a count is, and the bytes that hold it; ``byte`` reads what it may share a byte with."""
        bit = cluster % self.per_block * self.bits
        if self.bits >= 8:
            return bit // 8, value.to_bytes(self.bits // 8, "big")
        shift = bit % 8
        return bit // 8, bytes((byte(bit // 8) & ~(self.maximum << shift) | value << shift,))

    def _value(self, block: int, cluster: int) -> int:
        bit = cluster % self.per_block * self.bits
        raw = self.device.view(block + bit // 8, max(self.bits // 8, 1))
        if self.bits >= 8:
            return int.from_bytes(raw, "big")
        return raw[0] >> bit % 8 & self.maximum

    # -- taking and freeing

    def take(self) -> int:
        """A cluster that nobody uses, now with a count of 1: where it begins."""
        if not self._freed:
            self._search()
        while self._freed:
            cluster = self._freed.pop()
            if not self.get(cluster):
                self.set(cluster, 1)
                return cluster << self.header.cluster_bits
        for _ in range(MAX_SEARCH):
            cluster, self.top = self.top, self.top + 1
            if not self.get(cluster):
                self.set(cluster, 1)
                return cluster << self.header.cluster_bits
        raise broken("the clusters behind the end of the file are counted as used")

    def _search(self) -> None:
        """Adds what is free in the next block of counts, each of which is looked through once."""
        first = self._searched * self.per_block
        if first >= self.top:
            return
        block = self._block(self._searched)
        self._searched += 1
        if block:
            counts = self.device.view(block, self.header.cluster_size)
            end = min(first + self.per_block, self.top)
            self._freed += reversed([cluster for cluster in self._zeros(counts, first) if 0 < cluster < end])

    def _zeros(self, counts: memoryview, first: int) -> Iterator[int]:
        """Clusters whose count is 0; of counts that share a byte only where all of it is 0."""
        if self.bits >= 8:
            kind = _KINDS[self.bits]
            yield from (first + at for (at, (count,)) in enumerate(struct.iter_unpack(kind, counts)) if not count)
            return
        shared = 8 // self.bits
        for at, byte in enumerate(counts):
            if not byte:
                yield from range(first + at * shared, first + (at + 1) * shared)

    def drop(self, offset: int, length: int) -> None:
        """One use less of the clusters of a range."""
        bits = self.header.cluster_bits
        for cluster in range(offset >> bits, (offset + length - 1 >> bits) + 1):
            count = self.get(cluster)
            if not count:
                raise broken(f"cluster {cluster} is used and not counted")
            self.set(cluster, count - 1)
            if count == 1:
                self._freed.append(cluster)

    # -- the table and its blocks

    @property
    def _entries(self) -> int:
        return self.header.refcount_table_clusters * self.header.cluster_size // 8

    def _block(self, number: int) -> int:
        """Where a block of counts is, 0 when there is none. EIO."""
        if number >= self._entries:
            return 0
        raw = self.device.view(self.header.refcount_table_offset + number * 8, 8)
        offset = int.from_bytes(raw, "big") & _OFFSET
        if offset & (self.header.cluster_size - 1):
            raise broken(f"a block of reference counts at {offset}")
        return offset

    def _make_block(self, number: int) -> int:
        """The block is filled before the table names it, so that what is counted never seems free."""
        if number >= self._entries:
            self._grow(number + 1)
            found = self._block(number)
            if found:
                return found
        cluster, self.top = self.top, self.top + 1
        offset = cluster << self.header.cluster_bits
        raw = bytearray(self.header.cluster_size)
        if cluster // self.per_block == number:
            at, own = self._field(cluster, 1, lambda at: 0)
            raw[at : at + len(own)] = own
        else:
            self.set(cluster, 1)
        self.device.write(offset, raw)
        place = self.header.refcount_table_offset + number * 8
        self.device.write(place, offset.to_bytes(8, "big"))
        return offset

    def _grow(self, entries: int) -> None:
        """A larger table at the end of the file; the header names it when it is complete."""
        size = self.header.cluster_size
        clusters = -(-max(entries + 4, self._entries * 2) * 8 // size)
        if clusters * size > MAX_REFCOUNT_TABLE_BYTES:
            raise KernelError(Errno.EFBIG, "qcow2: the table of reference counts cannot be larger")
        old_offset, old_clusters = self.header.refcount_table_offset, self.header.refcount_table_clusters
        first, self.top = self.top, self.top + clusters
        table = bytearray(self.device.view(old_offset, old_clusters * size))
        self.device.write(first * size, table + bytes(clusters * size - len(table)))
        self.header.refcount_table_offset, self.header.refcount_table_clusters = first * size, clusters
        for cluster in range(first, first + clusters):
            self.set(cluster, 1)
        self.device.write(REFCOUNT_TABLE_AT, struct.pack(">QI", first * size, clusters))
        self.drop(old_offset, old_clusters * size)

"""The bytes of a file: in its entry, or in extents of partitions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice

from . import allocation
from .allocation import RECORDED, Address, Extent
from .entry import Entry
from .partitions import Partition
from .tags import bad


class Source(Protocol):
    """Where extents lie."""

    def pieces(self, partition: int, block: int, offset: int, length: int) -> Iterator[memoryview]:
        """The bytes of a range that begins ``offset`` bytes behind a block. EIO."""
        ...

    def block(self, address: Address) -> memoryview:
        """The first block at an address. EIO."""
        ...


class OnePartition:
    """One partition, whatever number addresses have: that of the files which other partitions are made of."""

    def __init__(self, device: BlockDevice, partition: Partition, block_size: int) -> None:
        self.device = device
        self.partition = partition
        self.block_size = block_size

    def pieces(self, partition: int, block: int, offset: int, length: int) -> Iterator[memoryview]:
        for at, take in self.partition.runs(block, offset, length):
            yield self.device.view(at, take)

    def block(self, address: Address) -> memoryview:
        return joined(list(self.pieces(0, address.block, 0, self.block_size)))


def joined(pieces: list[memoryview]) -> memoryview:
    return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))


class Embedded:
    """A file inside of its entry."""

    __slots__ = ("_area", "size")

    def __init__(self, area: memoryview) -> None:
        self._area = area
        self.size = len(area)

    def read(self, offset: int, length: int) -> Buffer:
        return self._area[offset : offset + length]


class Extents:
    """A file in extents. Where none is recorded it reads as zeros."""

    __slots__ = ("_begins", "_source", "extents", "size")

    def __init__(self, source: Source, extents: list[Extent], size: int) -> None:
        self._source = source
        self.extents = extents
        self._begins = [extent.begin for extent in extents]
        self.size = size

    def read(self, offset: int, length: int) -> Buffer:
        """A view where the range is in one piece. EIO."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        pieces = list(self._pieces(offset, length))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pieces(self, offset: int, length: int) -> Iterator[Buffer]:
        end = offset + length
        for number in range(max(bisect_right(self._begins, offset) - 1, 0), len(self.extents)):
            if offset >= end:
                return
            extent = self.extents[number]
            take = min(end, extent.end) - offset
            if take > 0:
                yield from self._piece(extent, offset - extent.begin, take)
                offset += take
        if offset < end:
            yield bytes(end - offset)  # a file may be longer than what is allocated

    def _piece(self, extent: Extent, offset: int, length: int) -> Iterator[Buffer]:
        address = extent.address
        if address.kind == RECORDED:
            return self._source.pieces(address.partition, address.block, offset, length)
        return iter((bytes(length),))


Data = Embedded | Extents


def contents(source: Source, found: Entry, partition: int) -> Data:
    """The contents of a file whose entry is in a partition. EIO, EOPNOTSUPP."""
    if found.allocation == allocation.EMBEDDED:
        if found.size > len(found.area):
            raise bad(f"a file of {found.size} bytes in {len(found.area)} of its entry")
        return Embedded(found.area[: found.size])
    extents = allocation.extents(found.area, found.allocation, partition, found.size, source.block)
    return Extents(source, extents, found.size)

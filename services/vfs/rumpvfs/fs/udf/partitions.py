"""Partitions: from a logical block to bytes of the device (UDF sections 2.2.8 to 2.2.11).

Four kinds: *physical* ones lie on the device as they are; *sparable* ones (CD-RW) have packets moved elsewhere;
*virtual* ones (write-once discs) have a table, the VAT, that says where each block is now; *metadata* partitions (UDF
2.50) are the contents of a file in a physical one.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from rumpvfs.core.vnode import BlockDevice

from . import tags
from .allocation import RECORDED, Extent
from .tags import bad

_MAX_TABLES = 4
_AVAILABLE = 0xFFFFFFF0


class Partition(Protocol):
    """``length`` is in blocks."""

    length: int

    def runs(self, block: int, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """(byte of the device, length) of each piece of a range that begins ``offset`` bytes behind a block. EIO."""
        ...


class Physical:
    """Blocks from ``start`` on."""

    def __init__(self, start: int, length: int, block_size: int) -> None:
        self.start = start
        self.length = length
        self.block_size = block_size

    def check(self, block: int, end: int) -> None:
        """EIO when the bytes up to ``end`` behind the block are not all in the partition."""
        if block * self.block_size + end > self.length * self.block_size:
            raise bad(f"block {block} and {end} bytes are not in a partition of {self.length} blocks")

    def runs(self, block: int, offset: int, length: int) -> Iterator[tuple[int, int]]:
        self.check(block, offset + length)
        yield (self.start + block) * self.block_size + offset, length


class Sparable(Physical):
    """Packets that wore out are elsewhere. ``moved``: first block of a packet -> block of the device."""

    def __init__(self, plain: Physical, packet: int, moved: dict[int, int]) -> None:
        super().__init__(plain.start, plain.length, plain.block_size)
        self.packet = packet
        self.moved = moved

    def runs(self, block: int, offset: int, length: int) -> Iterator[tuple[int, int]]:
        if not self.moved:
            yield from super().runs(block, offset, length)
            return
        self.check(block, offset + length)
        size = self.packet * self.block_size
        at, end = block * self.block_size + offset, block * self.block_size + offset + length
        while at < end:
            first = at // size * self.packet
            take = min(end, (first + self.packet) * self.block_size) - at
            begin = self.moved.get(first, self.start + first)
            yield begin * self.block_size + at % size, take
            at += take


def sparing_table(device: BlockDevice, block_size: int, places: list[int], size: int) -> dict[int, int]:
    """The first table that is sound. EIO when none is."""
    for place in places[:_MAX_TABLES]:
        begin = place * block_size
        if size > 1 << 20 or begin + size > device.size or size < 56:
            continue
        raw = device.view(begin, size)
        # The tag of a sparing table has number 0, so `identify` cannot tell it from a bad one.
        if tags.entity(raw, 16) != b"*UDF Sparing Table":
            continue
        count = int.from_bytes(raw[48:50], "little")
        pairs = struct.iter_unpack("<II", raw[56 : 56 + min(count, (size - 56) // 8) * 8])
        return {original: mapped for original, mapped in pairs if original < _AVAILABLE}
    raise bad("no sparing table is sound")


class Virtual:
    """``table`` (the VAT) says for each block where it is in the partition below."""

    def __init__(self, below: Partition, table: memoryview, block_size: int) -> None:
        self.below = below
        self.table = table
        self.block_size = block_size
        self.length = len(table)

    def runs(self, block: int, offset: int, length: int) -> Iterator[tuple[int, int]]:
        at, end = block * self.block_size + offset, block * self.block_size + offset + length
        if end > self.length * self.block_size:
            raise bad(f"virtual block {block} of {self.length}")
        while at < end:
            number, skip = divmod(at, self.block_size)
            take = min(end - at, self.block_size - skip)
            yield from self.below.runs(self.table[number], skip, take)
            at += take


class Metadata:
    """The contents of the metadata file, which ``extents`` are."""

    def __init__(self, below: Partition, extents: list[Extent], block_size: int) -> None:
        self.below = below
        self.extents = [extent for extent in extents if extent.address.kind == RECORDED]
        self._begins = [extent.begin for extent in self.extents]
        self.block_size = block_size
        self.length = extents[-1].end // block_size if extents else 0

    def runs(self, block: int, offset: int, length: int) -> Iterator[tuple[int, int]]:
        at, end = block * self.block_size + offset, block * self.block_size + offset + length
        number = bisect_right(self._begins, at) - 1
        while at < end:
            extent = self.extents[number] if 0 <= number < len(self.extents) else None
            if extent is None or not extent.begin <= at < extent.end:
                raise bad(f"metadata block {block} is not recorded")
            take = min(end, extent.end) - at
            yield from self.below.runs(extent.address.block, at - extent.begin, take)
            at += take
            number += 1

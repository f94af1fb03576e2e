"""Blocks of the device, with what the journal has over them, and the memory that parsed metadata may take."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The values used last, up to a total weight. An image decides how much there is, this decides what is kept."""

    __slots__ = ("_items", "_limit", "_weight")

    def __init__(self, limit: int) -> None:
        self._items: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._limit = limit
        self._weight = 0

    def get(self, key: Key) -> Value | None:
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, weight: int = 1) -> None:
        before = self._items.pop(key, None)
        self._weight += weight - (before[1] if before else 0)
        self._items[key] = (value, weight)
        while self._weight > self._limit and len(self._items) > 1:
            self._weight -= self._items.popitem(last=False)[1][1]

    def discard(self, key: Key) -> None:
        before = self._items.pop(key, None)
        self._weight -= before[1] if before else 0

    def clear(self) -> None:
        self._items.clear()
        self._weight = 0


@dataclass(slots=True)
class Overlay:
    """Committed blocks that only the journal has: block -> block of the log, or its restored contents."""

    moved: dict[int, int] = field(default_factory=dict)
    restored: dict[int, bytes] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)

    def settle(self) -> None:
        self.order = sorted(self.moved.keys() | self.restored.keys())

    def touches(self, first: int, last: int) -> bool:
        at = bisect_left(self.order, first)
        return at < len(self.order) and self.order[at] <= last


class Storage:
    """Reads by block or by byte. Blocks are counted from the beginning of the device.

    A mount for writing has its changed metadata in ``changed`` (block -> contents); ``unsealed`` are those of them
    whose checksums are due when the transaction is committed, ``kept`` those that are no metadata but contents of
    files. `block` is for metadata, `view` for contents.
    """

    __slots__ = ("block_size", "blocks_count", "changed", "device", "kept", "overlay", "unsealed")

    def __init__(self, device: BlockDevice, block_size: int, blocks_count: int) -> None:
        self.device = device
        self.block_size = block_size
        self.blocks_count = blocks_count
        self.overlay: Overlay | None = None
        self.changed: Mapping[int, bytearray] = {}
        self.unsealed: Collection[int] = ()
        self.kept: AbstractSet[int] = frozenset()

    def block(self, number: int) -> memoryview:
        """One block. EIO for one that the file system does not have; block 0 is never one of a file."""
        if not 0 < number < self.blocks_count:
            raise KernelError(Errno.EIO, f"block {number} of {self.blocks_count}", "ext2fs")
        found = self.changed.get(number)
        if found is not None:
            return memoryview(found).toreadonly()
        return self.view(number * self.block_size, self.block_size)

    def view(self, offset: int, length: int) -> memoryview:
        """Bytes of the device as they are after recovery, and with what is kept of files."""
        if self.overlay is None and not self.kept:
            return self.device.view(offset, length)
        size = self.block_size
        first, last = offset // size, (offset + length - 1) // size
        if not self._elsewhere(first, last):
            return self.device.view(offset, length)
        if first == last:
            return self.current(first)[offset % size : offset % size + length]
        whole = memoryview(b"".join(self.current(number) for number in range(first, last + 1)))
        return whole[offset - first * size : offset - first * size + length]

    def _elsewhere(self, first: int, last: int) -> bool:
        """Whether some of these blocks are not where they belong."""
        if self.overlay is not None and self.overlay.touches(first, last):
            return True
        return not self.kept.isdisjoint(range(first, last + 1))

    def current(self, number: int) -> memoryview:
        """One block of contents, wherever it is."""
        overlay = self.overlay
        if number in self.kept:
            return memoryview(self.changed[number]).toreadonly()
        if overlay is None:
            return self.device.view(number * self.block_size, self.block_size)
        if number in overlay.restored:
            return memoryview(overlay.restored[number])
        return self.device.view(overlay.moved.get(number, number) * self.block_size, self.block_size)

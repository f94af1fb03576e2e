"""The buffer cache (buffercache(9)) of one mounted disk: blocks that were changed and are not yet written.

It is for what a file system keeps about its files: bitmaps, inodes, directories, tables. What is not dirty is read out
of the device's mapping, so nothing is held twice. Contents of files do not pass through here: a driver writes them to
the device at once, where the host's page cache holds them back, and reads them from the device's mapping. A block that
changes between the two roles must be forgotten first (`BufferCache.forget`).

A driver changes buffers in the middle of an operation and lets them go (`write_back`) only between operations, when
they are consistent; `over` says when that is due. `flush` makes everything written stay: it is the barrier that
ordering stands on.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

DIRTY_MAX = 8 << 20
"""Bytes of dirty buffers from which on a driver should write back."""
JOIN_MAX = 1 << 20
"""Adjacent blocks are joined into writes of at most so many bytes."""


class BufferCache:
    """Blocks of ``block_size`` bytes of a device, counted from byte ``origin``. ``dirty`` maps number to contents.

    With ``reserve`` (`Environment.reserve`) what is dirty counts as memory of the kernel, and is ``over`` when there is
    none left.
    """

    __slots__ = ("block_size", "count", "device", "dirty", "limit", "origin", "reserve", "reserved")

    def __init__(
        self,
        device: BlockDevice,
        block_size: int,
        *,
        origin: int = 0,
        limit: int = DIRTY_MAX,
        reserve: Callable[[int], bool] | None = None,
    ) -> None:
        self.device = device
        self.block_size = block_size
        self.origin = origin
        self.count = (device.size - origin) // block_size
        self.limit = limit
        self.dirty: dict[int, bytearray] = {}
        self.reserve = reserve
        self.reserved = 0

    @property
    def over(self) -> bool:
        """Whether so much is dirty that it should be written back after this operation."""
        return not self._account() or len(self.dirty) * self.block_size > self.limit

    def _account(self) -> bool:
        """Has the kernel count what is dirty now: whether it has the memory for it."""
        held = len(self.dirty) * self.block_size
        if self.reserve is None or held == self.reserved:
            return True
        enough = self.reserve(held - self.reserved)
        if enough:
            self.reserved = held
        return enough

    def block(self, number: int) -> memoryview:
        """A block as it is now, not to be changed. EIO outside of the device."""
        found = self.dirty.get(number)
        if found is not None:
            return memoryview(found).toreadonly()
        self._check(number)
        return self.device.view(self.origin + number * self.block_size, self.block_size)

    def modify(self, number: int) -> bytearray:
        """A block to be changed in place; it is dirty from now on. EIO, EROFS."""
        found = self.dirty.get(number)
        if found is None:
            found = bytearray(self.block(number))
            self._keep(number, found)
        return found

    def fresh(self, number: int) -> bytearray:
        """A block of zeros to be filled in, whatever the device holds there. EIO, EROFS."""
        self._check(number)
        made = bytearray(self.block_size)
        self._keep(number, made)
        return made

    def forget(self, number: int, count: int = 1) -> None:
        """Drops what was changed in blocks that are not in use any more."""
        if count < len(self.dirty):
            for n in range(number, number + count):
                self.dirty.pop(n, None)
        else:
            for n in [n for n in self.dirty if number <= n < number + count]:
                del self.dirty[n]

    def write_back(self) -> None:
        """Writes what is dirty, in ascending order. What a failure (EIO, ENOSPC) kept from that stays dirty."""
        numbers = sorted(self.dirty)
        start = 0
        while start < len(numbers):
            end = start + 1
            while (
                end < len(numbers)
                and numbers[end] == numbers[end - 1] + 1
                and (end - start + 1) * self.block_size <= JOIN_MAX
            ):
                end += 1
            run = numbers[start:end]
            data = self.dirty[run[0]] if len(run) == 1 else b"".join(self.dirty[n] for n in run)
            self.device.write(self.origin + run[0] * self.block_size, data)
            for n in run:
                del self.dirty[n]
            start = end
        self._account()

    def flush(self) -> None:
        """Writes what is dirty and waits until all that was written is where it stays. EIO, ENOSPC."""
        self.write_back()
        self.device.flush()

    def _keep(self, number: int, data: bytearray) -> None:
        if self.device.readonly:
            raise KernelError(Errno.EROFS, f"{self.device.name} is read-only")
        self.dirty[number] = data

    def _check(self, number: int) -> None:
        if not 0 <= number < self.count:
            raise KernelError(Errno.EIO, f"{self.device.name}: block {number} of {self.count}")

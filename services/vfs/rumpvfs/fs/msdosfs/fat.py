"""The file allocation table: for each cluster the next one of its chain, 0 for a free one.

It is read in pages of 16,384 entries when they are needed, and only so many are kept, so that its size does not matter.
Free clusters are looked for by the page, at the speed of memory; a page that has none is passed by. What was changed
is written to all the copies by `write_back`. The upper four bits of FAT32 entries are nobody's: they stay as they are
until the cluster is freed.
"""

from __future__ import annotations

import sys
from array import array
from itertools import compress

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from .bpb import Geometry

SHIFT = 14
PAGE = 1 << SHIFT
KEPT = 64
"""Pages kept in memory; more only while they are dirty."""
EAGER = 64
"""The free clusters of a FAT of up to so many pages are counted, whatever FSInfo says."""

Run = tuple[int, int]
"""First cluster, number of clusters."""


def _no_space() -> KernelError:
    return KernelError(Errno.ENOSPC, "no free clusters", "fat")


class Fat:
    """``limit`` is the first number that is no cluster; ``free`` the number of free ones, None when not yet known."""

    __slots__ = (
        "_base", "_code", "_dirty", "_free_in", "_hint", "_pages", "_tail", "device", "end", "free", "geometry",
        "limit", "mask",
    )  # fmt: skip

    def __init__(self, device: BlockDevice, geometry: Geometry, *, free: int | None, hint: int) -> None:
        """``free`` and ``hint`` are what FSInfo says, if anything."""
        self.device = device
        self.geometry = geometry
        self.limit = geometry.clusters + 2
        self.mask = 0x0FFFFFFF if geometry.bits == 32 else (1 << geometry.bits) - 1
        self.end = self.mask - 7
        self._code = "I" if geometry.bits == 32 else "H"
        self._base = geometry.fat_offset + geometry.fats[0] * geometry.fat_size
        self._pages: dict[int, array[int]] = {}
        self._dirty: dict[int, Run] = {}
        pages = (self.limit - 1 >> SHIFT) + 1
        self._free_in = [-1] * pages
        self._hint = hint if 2 <= hint < self.limit else 2
        self._tail = 0
        self.free = free if pages > EAGER and free is not None and free <= geometry.clusters else None

    # -- pages

    def _page(self, number: int) -> array[int]:
        found = self._pages.get(number)
        return found if found is not None else self._load(number)

    def _load(self, number: int) -> array[int]:
        first = number << SHIFT
        count = min(PAGE, self.limit - first)
        if self.geometry.bits == 12:
            page = self._load12(count)
        else:
            page = array(self._code)
            page.frombytes(self.device.view(self._base + first * page.itemsize, count * page.itemsize))
            if sys.byteorder == "big":
                page.byteswap()
        self._shrink(KEPT - 1)
        self._pages[number] = page
        return page

    def _shrink(self, most: int) -> None:
        """Forgets pages that are not dirty, those that were read first."""
        while len(self._pages) > most:
            old = next((n for n in self._pages if n not in self._dirty), None)
            if old is None:
                break
            del self._pages[old]

    def _load12(self, count: int) -> array[int]:
        """All of a FAT12; of an odd number of entries the half byte behind it is remembered."""
        raw = bytes(self.device.view(self._base, (count * 3 + 1) // 2))
        self._tail = raw[-1] & 0xF0 if count & 1 else 0
        raw += bytes(-len(raw) % 3)
        page = array("H")
        for at in range(0, len(raw), 3):
            pair = int.from_bytes(raw[at : at + 3], "little")
            page.append(pair & 0xFFF)
            page.append(pair >> 12)
        del page[count:]
        return page

    def _touch(self, number: int, low: int, high: int) -> None:
        """Entries ``low`` to ``high`` of a page differ from what is on disk."""
        before = self._dirty.get(number)
        if before is not None:
            low, high = min(low, before[0]), max(high, before[1])
        self._dirty[number] = (low, high)

    @property
    def over(self) -> bool:
        """Whether so much is dirty that it should be written back."""
        return len(self._dirty) > KEPT

    def write_back(self) -> bool:
        """Writes what was changed into all FATs that are kept; whether there was any. EIO, ENOSPC."""
        wrote = bool(self._dirty)
        for number in sorted(self._dirty):
            offset, data = self._encoded(number, *self._dirty[number])
            for copy in self.geometry.fats:
                self.device.write(self.geometry.fat_offset + copy * self.geometry.fat_size + offset, data)
            del self._dirty[number]
        self._shrink(KEPT)
        return wrote

    def _encoded(self, number: int, low: int, high: int) -> tuple[int, bytes]:
        """Where in a FAT changed entries are, and their bytes."""
        page = self._pages[number]
        if self.geometry.bits == 12:
            return 0, self._encoded12(page)
        part = page[low:high]
        if sys.byteorder == "big":
            part.byteswap()
        return ((number << SHIFT) + low) * page.itemsize, part.tobytes()

    def _encoded12(self, page: array[int]) -> bytes:
        raw = bytearray()
        for at in range(0, len(page) - 1, 2):
            raw += (page[at] | page[at + 1] << 12).to_bytes(3, "little")
        if len(page) & 1:
            raw += bytes((page[-1] & 0xFF, page[-1] >> 8 | self._tail))
        return bytes(raw)

    # -- entries

    def get(self, cluster: int) -> int:
        """The entry of a number below `limit`."""
        return self._page(cluster >> SHIFT)[cluster & PAGE - 1] & self.mask

    def put(self, cluster: int, value: int) -> None:
        """A new value for an entry that is not and does not become free."""
        page, at = self._page(cluster >> SHIFT), cluster & PAGE - 1
        page[at] = page[at] & ~self.mask | value
        self._touch(cluster >> SHIFT, at, at + 1)

    def next(self, cluster: int) -> int:
        """The cluster behind one in its chain, 0 at the end. EIO when it leads nowhere."""
        value = self._page(cluster >> SHIFT)[cluster & PAGE - 1] & self.mask
        if 2 <= value < self.limit:
            return value
        if value >= self.end:
            return 0
        raise KernelError(Errno.EIO, f"cluster {cluster} of a file leads to {value:#x}", "fat")

    def check(self, cluster: int) -> int:
        """A number from a directory. EIO when it is no cluster."""
        if not 2 <= cluster < self.limit:
            raise KernelError(Errno.EIO, f"a file begins at cluster {cluster} of {self.limit}", "fat")
        return cluster

    def references(self) -> bytearray:
        """For each number below `limit` how many entries lead to it, 255 for more."""
        counts = bytearray(self.limit)
        for number in range(len(self._free_in)):
            page = self._page(number)[2:] if number == 0 else self._page(number)
            for value in filter(None, page):
                value &= self.mask
                if 2 <= value < self.limit and counts[value] < 255:
                    counts[value] += 1
        return counts

    def dangling(self, counts: bytearray) -> list[int]:
        """Free clusters that others lead to, as `references` has counted."""
        found = []
        for number in range(len(self._free_in)):
            page, first = self._page(number), number << SHIFT
            if page.count(0):
                used = compress(range(len(page)), counts[first : first + len(page)])
                found += [first + at for at in used if not page[at] & self.mask]
        return found

    # -- free ones

    def count_free(self) -> int:
        if self.free is None:
            self.free = sum(self._count(number) for number in range(len(self._free_in)))
        return self.free

    def _count(self, number: int) -> int:
        """Free clusters of a page."""
        if self._free_in[number] < 0:
            page = self._page(number)
            self._free_in[number] = page.count(0) - (page[:2].count(0) if number == 0 else 0)
        return self._free_in[number]

    def allocate(self, count: int, near: int = 0) -> list[Run]:
        """A chain of ``count`` clusters, near a number where that can be. ENOSPC, then nothing is changed."""
        if count > self.count_free():
            self.free = None  # FSInfo may have been wrong
            if count > self.count_free():
                raise _no_space()
        near = near if 2 <= near < self.limit else self._hint
        page, at = self._page(near >> SHIFT), near & PAGE - 1
        runs = [(near, 1)] if count == 1 and page[at] == 0 else self._find(count, near)
        then = self.mask
        for start, length in reversed(runs):
            self.link(start, length, then)
            then = start
        start, length = runs[-1]
        self._hint = start + length if start + length < self.limit else 2
        return runs

    def _find(self, count: int, near: int) -> list[Run]:
        """Runs of free clusters from a number on, around the end."""
        runs: list[Run] = []
        pages = len(self._free_in)
        begin = near >> SHIFT
        for step in range(pages + 1):
            number = (begin + step) % pages
            low = near & PAGE - 1 if step == 0 else 0
            high = near & PAGE - 1 if step == pages else PAGE
            count = self._find_in(number, max(low, 2) if number == 0 else low, high, count, runs)
            if count == 0:
                return runs
        raise _no_space()

    def _find_in(self, number: int, low: int, high: int, count: int, runs: list[Run]) -> int:
        """Adds free runs of a page's entries ``low`` to ``high`` to ``runs``; how many clusters are still missing."""
        if self._count(number) == 0:
            return count
        page = self._page(number)
        size = page.itemsize
        high = min(high, len(page))
        while count:
            try:
                low = page.index(0, low, high)
            except ValueError:
                break
            raw = page[low : min(low + count, high)].tobytes()
            length = (len(raw) - len(raw.lstrip(b"\0"))) // size
            first = (number << SHIFT) + low
            if runs and sum(runs[-1]) == first:
                runs[-1] = (runs[-1][0], runs[-1][1] + length)
            else:
                runs.append((first, length))
            low += length
            count -= length
        return count

    def link(self, start: int, length: int, then: int) -> None:
        """Makes a run of clusters, free until now, a chain that goes on with ``then``."""
        for number, low, high in self._parts(start, length):
            page = self._page(number)
            first = (number << SHIFT) + low
            page[low:high] = array(self._code, range(first + 1, first + 1 + high - low))
            if first + high - low == start + length:
                page[high - 1] = then
            self._account(number, low, high, low - high)

    def release(self, runs: list[Run]) -> None:
        """Frees clusters."""
        for start, length in runs:
            for number, low, high in self._parts(start, length):
                page = self._page(number)
                used = high - low - page[low:high].count(0)
                page[low:high] = array(self._code, bytes((high - low) * page.itemsize))
                self._account(number, low, high, used)

    def _parts(self, start: int, length: int) -> list[tuple[int, int, int]]:
        """A run as page, first and end entry."""
        end = start + length
        parts = []
        while start < end:
            number = start >> SHIFT
            stop = min(end, number + 1 << SHIFT)
            parts.append((number, start & PAGE - 1, stop - (number << SHIFT)))
            start = stop
        return parts

    def _account(self, number: int, low: int, high: int, freed: int) -> None:
        self._touch(number, low, high)
        if self._free_in[number] >= 0:
            self._free_in[number] += freed
        if self.free is not None:
            self.free += freed

    @property
    def changed(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._dirty)

    @property
    def hint(self) -> int:
        """Where the next free cluster is looked for."""
        return self._hint

"""The allocation bitmap: a bit for each cluster, set where it is in use. Bit 0 is cluster 2.

It is read in pages of 32,768 bits when they are needed; a page is one number, so looking for free clusters and for how
many are adjacent is arithmetic of whole pages.
"""

from __future__ import annotations

from rumpvfs.fs.msdosfs.chain import Chain
from rumpvfs.fs.msdosfs.contents import Contents
from rumpvfs.fs.msdosfs.fat import Run
from rumpwire.errno import Errno, KernelError

SHIFT = 15
PAGE = 1 << SHIFT
_BYTES = PAGE // 8
KEPT = 4096
"""Pages in memory (16 MiB); more only while they are dirty."""


class Bitmap:
    """``count`` clusters. The bitmap's own clusters are those of ``chain``."""

    __slots__ = ("_chain", "_contents", "_dirty", "_free", "_hint", "_pages", "count")

    def __init__(self, contents: Contents, chain: Chain) -> None:
        self._contents = contents
        self._chain = chain
        self._pages: dict[int, int] = {}
        self._dirty: set[int] = set()
        self._free: int | None = None
        self._hint = 0
        self.count = contents.geometry.clusters

    # -- pages

    def _size(self, number: int) -> int:
        """Bits of a page."""
        return min(PAGE, self.count - (number << SHIFT))

    def _page(self, number: int) -> int:
        found = self._pages.get(number)
        if found is None:
            self._shrink(KEPT - 1)
            size = self._size(number)
            raw = self._contents.view(self._chain, number * _BYTES, (size + 7) // 8)
            found = self._pages[number] = int.from_bytes(raw, "little") & (1 << size) - 1
        return found

    def _shrink(self, most: int) -> None:
        while len(self._pages) > most:
            old = next((n for n in self._pages if n not in self._dirty), None)
            if old is None:
                break
            del self._pages[old]

    def _store(self, number: int, page: int) -> None:
        self._pages[number] = page
        self._dirty.add(number)

    @property
    def changed(self) -> bool:
        return bool(self._dirty)

    @property
    def over(self) -> bool:
        return len(self._dirty) > KEPT

    def write_back(self) -> bool:
        """Writes what was changed; whether there was any. EIO, ENOSPC."""
        wrote = bool(self._dirty)
        for number in sorted(self._dirty):
            raw = self._pages[number].to_bytes((self._size(number) + 7) // 8, "little")
            self._contents.write(self._chain, number * _BYTES, raw)
            self._dirty.discard(number)
        self._shrink(KEPT)
        return wrote

    # -- clusters

    def count_free(self) -> int:
        if self._free is None:
            pages = range((self.count - 1 >> SHIFT) + 1)
            self._free = self.count - sum(self._page(number).bit_count() for number in pages)
        return self._free

    def in_use(self, cluster: int) -> bool:
        at = cluster - 2
        return bool(self._page(at >> SHIFT) >> (at & PAGE - 1) & 1)

    def allocate(self, count: int, near: int) -> list[Run]:
        """Takes clusters, near a number where that can be. ENOSPC, then nothing is changed."""
        if count > self.count_free():
            raise KernelError(Errno.ENOSPC, "no free clusters", "exfat")
        runs = self._find(count, near - 2 if 2 <= near < self.count + 2 else self._hint)
        for first, length in runs:
            self._change(first - 2, length, used=True)
        self._hint = sum(runs[-1]) - 2
        return runs

    def _find(self, count: int, near: int) -> list[Run]:
        """Runs of free clusters from a bit on, around the end."""
        runs: list[Run] = []
        pages = (self.count - 1 >> SHIFT) + 1
        begin, inside = near >> SHIFT, near & PAGE - 1
        for step in range(pages + 1):
            number = (begin + step) % pages
            low = inside if step == 0 else 0
            high = inside if step == pages else self._size(number)
            count = self._find_in(number, low, high, count, runs)
            if count == 0:
                return runs
        raise KernelError(Errno.ENOSPC, "no free clusters", "exfat")

    def _find_in(self, number: int, low: int, high: int, count: int, runs: list[Run]) -> int:
        """Adds free runs among the bits of a page from ``low`` on, below ``high``; how many clusters are missing."""
        page = self._page(number)
        while count and low < high:
            free = ~(page >> low) & (1 << high - low) - 1
            if not free:
                break
            low += (free & -free).bit_length() - 1
            rest = page >> low
            length = (rest & -rest).bit_length() - 1 if rest else high - low
            length = min(length, high - low, count)
            first = (number << SHIFT) + low + 2
            if runs and sum(runs[-1]) == first:
                runs[-1] = (runs[-1][0], runs[-1][1] + length)
            else:
                runs.append((first, length))
            low += length
            count -= length
        return count

    def release(self, runs: list[Run]) -> None:
        for first, length in runs:
            self._change(first - 2, length, used=False)

    def take(self, first: int, length: int) -> bool:
        """Marks clusters as in use; whether one of them was free."""
        before = self.count_free()
        self._change(first - 2, length, used=True)
        return self.count_free() != before

    def _change(self, at: int, length: int, *, used: bool) -> None:
        end = at + length
        while at < end:
            number, low = at >> SHIFT, at & PAGE - 1
            bits = min(end - at, PAGE - low)
            mask = (1 << bits) - 1 << low
            page = self._page(number)
            if self._free is not None:
                self._free += (page & mask).bit_count() - (bits if used else 0)
            if page & mask != (mask if used else 0):
                self._store(number, page | mask if used else page & ~mask)
            at += bits

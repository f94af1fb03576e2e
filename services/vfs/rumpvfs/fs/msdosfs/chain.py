"""The clusters of one file: its chain, followed as far as it was needed, as runs of adjacent clusters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from rumpwire.errno import Errno, KernelError

from .fat import Fat, Run


class Chain:
    """``known`` clusters of the file are in the runs: run i begins at cluster ``starts[i]`` of the file and at
    ``firsts[i]`` of the disk. ``stops`` are clusters that end their chains although the FAT does not say so yet.
    The first ``vetted`` clusters are this file's alone, as was known at ``version`` (see `Claims.own`).
    """

    __slots__ = ("_fat", "_stops", "ended", "first", "firsts", "known", "starts", "tail", "version", "vetted")

    linked = True
    """Whether the FAT says what belongs to it."""

    def __init__(self, fat: Fat, first: int, stops: set[int]) -> None:
        """``first`` is 0 for a file without clusters. EIO when it is no cluster."""
        self._fat = fat
        self._stops = stops
        self.vetted, self.version = 0, -1
        self._begin(first)

    def _begin(self, first: int) -> None:
        self.first = first and self._fat.check(first)
        self.starts = [0] if first else []
        self.firsts = [first] if first else []
        self.known = 1 if first else 0
        self.tail = first
        self.ended = not first

    def reach(self, count: int) -> bool:
        """Follows the chain until ``count`` clusters are known; False when there are not as many. EIO."""
        fat, stops, limit = self._fat, self._stops, self._fat.geometry.clusters
        while self.known < count and not self.ended:
            tail = self.tail
            following = 0 if stops and tail in stops else fat.next(tail)
            if not following:
                self.ended = True
            elif self.known >= limit:
                raise KernelError(Errno.EIO, f"the chain from cluster {self.first} has no end", "fat")
            else:
                if following != tail + 1:
                    self.starts.append(self.known)
                    self.firsts.append(following)
                self.tail = following
                self.known += 1
        return self.known >= count

    def all(self) -> int:
        """Follows it to its end: how many clusters it has. EIO for one without end."""
        self.reach(self._fat.geometry.clusters + 1)
        return self.known

    def run(self, index: int) -> Run:
        """From a cluster of the file on (below `known`): its number on the disk, how many are adjacent."""
        if len(self.starts) == 1:
            return self.firsts[0] + index, self.known - index
        at = bisect_right(self.starts, index) - 1
        end = self.starts[at + 1] if at + 1 < len(self.starts) else self.known
        return self.firsts[at] + index - self.starts[at], end - index

    def runs(self) -> list[Run]:
        """All that is known."""
        ends = [*self.starts[1:], self.known] if self.known else []
        return [(first, end - start) for first, start, end in zip(self.firsts, self.starts, ends, strict=True)]

    def pieces(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Bytes of the file as ranges (offset, length) of the device; the clusters are known."""
        geometry = self._fat.geometry
        size = geometry.cluster
        while length:
            cluster, count = self.run(offset // size)
            inside = offset % size
            piece = min(count * size - inside, length)
            yield geometry.offset(cluster) + inside, piece
            offset += piece
            length -= piece

    def append(self, runs: list[Run]) -> None:
        """Takes over clusters that were linked behind the end (or are the first)."""
        for start, length in runs:
            if not self.first:
                self.first = start
            if not self.known or start != self.tail + 1:
                self.starts.append(self.known)
                self.firsts.append(start)
            self.known += length
            self.tail = start + length - 1
        self.ended = True

    def cut(self, keep: int) -> list[Run]:
        """Forgets all clusters from number ``keep`` on: those of them that are known."""
        gone: list[Run] = []
        kept: list[Run] = []
        for (first, length), start in zip(self.runs(), self.starts, strict=True):
            stay = min(max(keep - start, 0), length)
            if stay:
                kept.append((first, stay))
            if stay < length:
                gone.append((first + stay, length - stay))
        self._begin(0)
        self.vetted = min(self.vetted, keep)
        self.append(kept)
        return gone

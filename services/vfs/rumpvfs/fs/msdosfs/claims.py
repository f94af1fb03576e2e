"""Whose clusters are whose: found out so that a change of one file does no harm to another that has its clusters too.

For each cluster it is counted how many lead to it: the clusters before it in chains, and names whose file begins there.
In a sound file every cluster has one. The counts are made when something is to be changed for the first time, of the
chains in one pass of the FAT, of the names in directories that are in use; other directories follow when they are used.
So what names say in directories that nobody uses is not known, and on a disk of more than `CLUSTERS_MAX` nothing is
counted. FAT and exFAT have this in common.
"""

from __future__ import annotations

from collections.abc import Iterable

from .chain import Chain
from .fat import Run

CLUSTERS_MAX = 1 << 20
"""A byte for each; the FAT of so many is in memory anyway."""
_MORE = bytes([*range(1, 256), 255])
_LESS = bytes([0, *range(255)])


class Claims:
    """``counted`` are the directories, by their first clusters, whose names are among the claims. When ``version`` is
    another, what was vetted may be shared."""

    __slots__ = ("_named", "counted", "counts", "version")

    def __init__(self, counts: bytearray) -> None:
        """``counts`` has a byte for each number of a cluster."""
        self.counts = counts
        self.counted: set[int] = set()
        self.version = 0
        self._named = 0

    def add(self, start: int, length: int = 1) -> None:
        """A name leads to a run of clusters. When names have more than there are, all are taken for shared."""
        end = start + length
        if self._named > len(self.counts):
            return
        self._named += length
        if self._named > len(self.counts):
            start, end, length = 0, len(self.counts), 0
            self.counts[:] = b"\xff" * end
        self.counts[start:end] = self.counts[start:end].translate(_MORE)
        if self.counts.count(1, start, end) != length:
            self.version += 1

    def unclaimed(self, start: int, length: int) -> int:
        """How many of a run, from the first on, nothing leads to."""
        return length - len(self.counts[start : start + length].lstrip(b"\0"))

    def leave(self, runs: list[Run], *, linked: bool) -> None:
        """A file has these clusters, some of which others have too, no more. What is behind the first one in a chain
        others are led to by it."""
        for start, length in runs[:1] if linked else runs:
            end = start + 1 if linked else start + length
            self.counts[start:end] = self.counts[start:end].translate(_LESS)
        self.version += 1

    def taken(self, runs: Iterable[Run]) -> None:
        """Clusters that were free have one owner now."""
        for start, length in runs:
            self.counts[start : start + length] = b"\1" * length

    def freed(self, runs: Iterable[Run]) -> None:
        for start, length in runs:
            self.counts[start : start + length] = bytes(length)

    def own(self, chain: Chain) -> int:
        """How many of the known clusters, from the first on, are this file's alone."""
        at = chain.vetted if chain.version == self.version else 0
        while at < chain.known:
            cluster, length = chain.run(at)
            part = self.counts[cluster : cluster + length]
            sound = len(part) - len(part.lstrip(b"\1"))
            at += sound
            if sound < length:
                break
        chain.vetted, chain.version = at, self.version
        return at

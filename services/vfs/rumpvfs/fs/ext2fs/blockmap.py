"""Where the blocks of a file are: what both kinds of maps share, and the old map of indirect blocks.

A map answers with runs: from a block of the file on, so many blocks lie behind one another on the device, or there is a
hole. Nodes are parsed when they are needed and kept in a cache of bounded size, so neither a large file nor an image
that uses one block as a thousand subtrees costs more than what is looked at.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rumpwire.errno import Errno, KernelError

from .storage import Cache, Storage

DIRECT = 12
_POINTERS = struct.Struct("<15I")
# Blocks of a file are numbered with 32 bits.
MAX_BLOCKS = 1 << 32


class Run(NamedTuple):
    """``length`` blocks from the asked one on, at ``block`` of the device; 0 is a hole."""

    block: int
    length: int


class Runs:
    """Runs of one node, ascending: first block of the file, first behind it, first on the device."""

    __slots__ = ("ends", "starts", "targets")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.targets: list[int] = []

    def add(self, start: int, count: int, target: int) -> None:
        if self.ends and self.ends[-1] == start and self.targets[-1] + start - self.starts[-1] == target:
            self.ends[-1] += count
        else:
            self.starts.append(start)
            self.ends.append(start + count)
            self.targets.append(target)

    def find(self, block: int, end: int) -> Run:
        """The run of a block; a hole behind the last one goes up to ``end``."""
        at = bisect_right(self.starts, block)
        if at and block < self.ends[at - 1]:
            return Run(self.targets[at - 1] + block - self.starts[at - 1], self.ends[at - 1] - block)
        return Run(0, (self.starts[at] if at < len(self.starts) else end) - block)


NodeCache = Cache[tuple[int, int, int], object]


class BlockMap(Protocol):
    def find(self, block: int) -> Run:
        """The run of a block of the file. EIO."""
        ...


class IndirectMap:
    """Twelve direct blocks, then trees of one, two and three levels of indirect blocks."""

    __slots__ = ("_cache", "_direct", "_inode", "_per", "_roots", "_storage")

    def __init__(self, storage: Storage, cache: NodeCache, inode: int, area: bytes) -> None:
        pointers = _POINTERS.unpack(area)
        self._storage = storage
        self._cache = cache
        self._inode = inode
        self._per = storage.block_size // 4
        self._direct = self._runs(pointers[:DIRECT])
        self._roots = pointers[DIRECT:]

    def find(self, block: int) -> Run:
        if block < DIRECT:
            return self._direct.find(block, DIRECT)
        block -= DIRECT
        for level, root in enumerate(self._roots, 1):
            span = self._per**level
            if block < span:
                return self._find_in(root, level, block)
            block -= span
        return Run(0, max(MAX_BLOCKS - block, 1))

    def _find_in(self, node: int, level: int, block: int) -> Run:
        """Goes down from a node of ``level``; ``block`` counts from the first one below it."""
        while True:
            span = self._per**level
            if node == 0:
                return Run(0, span - block)
            if level == 1:
                return self._leaf(node).find(block, span)
            span //= self._per
            node = self._pointers(node)[block // span]
            block %= span
            level -= 1

    def _pointers(self, node: int) -> array[int]:
        key = (0, node, 0)
        found = self._cache.get(key)
        if not isinstance(found, array):
            found = self._load(node)
            self._cache.put(key, found, self._storage.block_size)
        return found

    def _leaf(self, node: int) -> Runs:
        key = (0, node, 1)
        found = self._cache.get(key)
        if not isinstance(found, Runs):
            found = self._runs(self._load(node))
            self._cache.put(key, found, self._storage.block_size)
        return found

    def _load(self, node: int) -> array[int]:
        return array("I", struct.unpack(f"<{self._per}I", self._storage.block(node)))

    def _runs(self, pointers: Sequence[int]) -> Runs:
        runs = Runs()
        first = pointers[0]
        if first and pointers[-1] == first + len(pointers) - 1 and _ascending(pointers):
            runs.add(0, len(pointers), first)
        else:
            for at, target in enumerate(pointers):
                if target:
                    runs.add(at, 1, target)
        self._check(runs)
        return runs

    def _check(self, runs: Runs) -> None:
        count = self._storage.blocks_count
        for start, end, target in zip(runs.starts, runs.ends, runs.targets, strict=True):
            if target + end - start > count:
                raise KernelError(Errno.EIO, f"inode {self._inode}: block {target} of {count}", "ext2fs")


def _ascending(pointers: Sequence[int]) -> bool:
    return list(pointers) == list(range(pointers[0], pointers[0] + len(pointers)))

"""Extent trees: the map of a file since ext4.

Format: "ext4 Data Structures and Algorithms", Extent Tree. The root is in the inode; a node is a header and records of
twelve bytes, index records above, extents in the leaves; blocks end in a checksum.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .blockmap import MAX_BLOCKS, NodeCache, Run, Runs
from .checksum import crc32c
from .storage import Storage

MAGIC = 0xF30A
MAX_DEPTH = 5
HEADER = struct.Struct("<4H4x")
RECORD_SIZE = 12
# first block, length, start high, start low
EXTENT = struct.Struct("<I2HI")
# first block, node low, node high
INDEX = struct.Struct("<2IH2x")
# Longer extents are allocated, but not written: they read as zeros.
MAX_WRITTEN = 32768


class Header(NamedTuple):
    entries: int
    limit: int
    depth: int


class Index:
    """An inner node: the first blocks of its children and where they are."""

    __slots__ = ("children", "starts")

    def __init__(self, starts: list[int], children: list[int]) -> None:
        self.starts = starts
        self.children = children


Node = Runs | Index


class ExtentMap:
    """The tree of one inode. ``seed`` is where its checksums start, None without metadata_csum."""

    __slots__ = ("_cache", "_depth", "_inode", "_root", "_seed", "_storage")

    def __init__(self, storage: Storage, cache: NodeCache, inode: int, seed: int | None, area: bytes) -> None:
        self._storage = storage
        self._cache = cache
        self._inode = inode
        self._seed = seed
        self._depth = self._header(area).depth
        self._root = self._parse(area, self._depth, 0, MAX_BLOCKS)

    def find(self, block: int) -> Run:
        node = self._root
        low, end = 0, MAX_BLOCKS
        depth = self._depth
        while isinstance(node, Index):
            at = bisect_right(node.starts, block) - 1
            if at < 0:
                return Run(0, node.starts[0] - block)
            low = node.starts[at]
            end = node.starts[at + 1] if at + 1 < len(node.starts) else end
            depth -= 1
            node = self._node(node.children[at], depth, low, end)
        return node.find(block, end)

    def _node(self, number: int, depth: int, low: int, end: int) -> Node:
        # The range belongs to the key: a node is checked against each place that it is used in.
        key = (self._inode, number, low)
        found = self._cache.get(key)
        if not isinstance(found, Runs | Index):
            found = self._load(number, depth, low, end)
            self._cache.put(key, found, self._storage.block_size)
        return found

    def _load(self, number: int, depth: int, low: int, end: int) -> Node:
        raw = self._storage.block(number)
        header = self._header(raw)
        if header.depth != depth or header.entries == 0:
            raise self._bad(f"node {number} of depth {header.depth} with {header.entries} entries")
        if self._seed is not None and number not in self._storage.unsealed:
            tail = HEADER.size + header.limit * RECORD_SIZE
            stored = raw[tail : tail + 4]
            if len(stored) < 4 or crc32c(self._seed, raw[:tail]) != int.from_bytes(stored, "little"):
                raise self._bad(f"wrong checksum of node {number}")
        return self._parse(raw, depth, low, end)

    def _header(self, raw: Buffer) -> Header:
        magic, entries, limit, depth = HEADER.unpack_from(raw)
        if magic != MAGIC or entries > limit or HEADER.size + limit * RECORD_SIZE > len(raw) or depth > MAX_DEPTH:
            raise self._bad("bad header of a node")
        return Header(entries, limit, depth)

    def _parse(self, raw: Buffer, depth: int, low: int, end: int) -> Node:
        count = self._header(raw).entries
        records = memoryview(raw)[HEADER.size : HEADER.size + count * RECORD_SIZE]
        return self._parse_index(records, low, end) if depth else self._parse_leaf(records, low, end)

    def _parse_leaf(self, records: memoryview, low: int, end: int) -> Runs:
        runs = Runs()
        blocks_count = self._storage.blocks_count
        for start, length, high, target in EXTENT.iter_unpack(records):
            target |= high << 32
            written = length <= MAX_WRITTEN
            if not written:
                length -= MAX_WRITTEN
            if start < low or start + length > end or length == 0 or not 0 < target <= blocks_count - length:
                raise self._bad(f"extent of {length} blocks from {start} at {target}")
            low = start + length
            if written:
                runs.add(start, length, target)
        return runs

    def _parse_index(self, records: memoryview, low: int, end: int) -> Index:
        starts, children = [], []
        for start, child, high in INDEX.iter_unpack(records):
            if start < low or start >= end:
                raise self._bad(f"index record for {start}")
            low = start + 1
            starts.append(start)
            children.append(child | high << 32)
        if not starts:
            raise self._bad("empty index")
        return Index(starts, children)

    def _bad(self, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"inode {self._inode}: extent tree: {text}", "ext2fs")

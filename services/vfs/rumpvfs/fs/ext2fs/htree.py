"""The index of large directories: a tree of hashes in front of the blocks with the names.

Format: "ext4 Data Structures and Algorithms", Hash Tree Directories. The root is the first block, behind the entries
``.`` and ``..``. Names with one hash may go on in the next leaf, whose record then has the lowest bit of its hash set.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from . import hashes
from .dirent import NODE_OFFSET

ReadBlock = Callable[[int], memoryview]
_ROOT_INFO = struct.Struct("<I4B")
_ROOT_INFO_OFFSET = 24
_COUNT_LIMIT = struct.Struct("<2H")
_RECORD = struct.Struct("<2I")
_BLOCK_MASK = 0x0FFFFFFF
_CONTINUED = 1
# Nodes kept per directory; some hundred names per leaf and some hundred leaves per node make that millions of names.
_MAX_NODES = 256


class Broken(Exception):  # noqa: N818 - not an error: the directory is then read in line
    """The index makes no sense."""


class Root(NamedTuple):
    """How names are hashed, how many levels of nodes are below the root, where its records are."""

    version: int
    levels: int
    offset: int


class Node:
    """Records of a node; the hash of the first one is that of its parent."""

    __slots__ = ("blocks", "hashes")

    def __init__(self, raw: memoryview, offset: int) -> None:
        if offset + 8 > len(raw):
            raise Broken
        limit, count = _COUNT_LIMIT.unpack_from(raw, offset)
        if not 0 < count <= limit or offset + limit * 8 > len(raw):
            raise Broken
        pairs = list(_RECORD.iter_unpack(raw[offset : offset + count * 8]))
        self.hashes = [0, *(pair[0] for pair in pairs[1:])]
        self.blocks = [pair[1] & _BLOCK_MASK for pair in pairs]


def parse_root(raw: memoryview, max_levels: int) -> Root:
    reserved, version, length, levels, flags = _ROOT_INFO.unpack_from(raw, _ROOT_INFO_OFFSET)
    if reserved or flags & 1 or length != 8 or version > 2 or levels >= max_levels:
        raise Broken
    return Root(version, levels, _ROOT_INFO_OFFSET + length)


class HashTree:
    """A directory's index. ``read`` gives a checked block of the directory."""

    __slots__ = ("_nodes", "_read", "_root", "_seed", "_unsigned", "_visits")

    def __init__(self, read: ReadBlock, blocks: int, *, seed: tuple[int, ...], unsigned: bool, max_levels: int) -> None:
        self._read = read
        raw = read(0)
        self._root = parse_root(raw, max_levels)
        self._nodes: dict[int, Node] = {0: Node(raw, self._root.offset)}
        self._seed = seed
        self._unsigned = unsigned
        # Every block is named once by a sound index.
        self._visits = blocks

    def leaves(self, name: bytes) -> Iterator[int]:
        """The blocks of the directory where a name may be, in order. `Broken`."""
        wanted = hashes.name_hash(name, self._root.version, self._seed, unsigned=self._unsigned)
        for visits, block in enumerate(self._below(0, self._root.levels, wanted)):
            if visits >= self._visits:
                raise Broken
            yield block

    def _below(self, block: int, levels: int, wanted: int) -> Iterator[int]:
        node = self._node(block)
        at = bisect_right(node.hashes, wanted) - 1
        for index in range(at, len(node.blocks)):
            if index > at and node.hashes[index] != wanted | _CONTINUED:
                return
            child = node.blocks[index]
            if levels:
                yield from self._below(child, levels - 1, wanted)
            else:
                yield child

    def _node(self, block: int) -> Node:
        node = self._nodes.get(block)
        if node is None:
            if len(self._nodes) >= _MAX_NODES:
                self._nodes.clear()
            node = self._nodes[block] = Node(self._read(block), NODE_OFFSET)
        return node

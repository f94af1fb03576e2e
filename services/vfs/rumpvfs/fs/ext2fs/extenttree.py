"""Changing extent trees; `extents` has the format, and the map that is read with.

A node is read whole, changed as a list of records, and stored whole. One that overflows is split: in half, or, where a
file grows at its end, so that the new record alone goes to the new node. When the root in the inode is full, its
records move to a block and the tree is one level deeper. The key of an index record is always the first block of what
is below.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property, partial
from operator import itemgetter

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .blockmap import MAX_BLOCKS
from .checksum import crc32c
from .extents import EXTENT, HEADER, INDEX, MAGIC, MAX_DEPTH, MAX_WRITTEN, RECORD_SIZE
from .inode import owner_seed
from .mapping import Blocks, Extent

_MAX_UNWRITTEN = MAX_WRITTEN - 1
_ROOT_LIMIT = 4
# Records that one step of a removal looks at: each may be in other groups, and a transaction is bounded.
_STEP = 64
_first = itemgetter(0)

Record = tuple[int, int, int, bool]
"""First block of the file, length, first block of the device, unwritten. In an index: first block, 0, child, False."""


class Node:
    """A node on the way down: where it is (0: in the inode), its records, which was taken, where its range begins."""

    __slots__ = ("at", "block", "depth", "low", "records")

    def __init__(self, block: int, depth: int, low: int, records: list[Record]) -> None:
        self.block = block
        self.depth = depth
        self.low = low
        self.records = records
        self.at = 0


def empty_root() -> bytes:
    """The block area of an inode whose tree has nothing."""
    return HEADER.pack(MAGIC, 0, _ROOT_LIMIT, 0).ljust(60, b"\0")


def seal(seed: int, raw: bytearray) -> None:
    """The checksum at the end of a node."""
    tail = HEADER.size + int.from_bytes(raw[4:6], "little") * RECORD_SIZE
    raw[tail : tail + 4] = crc32c(seed, memoryview(raw)[:tail]).to_bytes(4, "little")


class ExtentTree:
    """The tree of one inode, to be changed."""

    blocks_max = MAX_BLOCKS - 1

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._inode = blocks.inode
        self._storage = blocks.volume.storage
        self._sealed = blocks.volume.sb.metadata_csum
        self._limit = (self._storage.block_size - HEADER.size) // RECORD_SIZE
        if self._sealed and (self._storage.block_size - HEADER.size) % RECORD_SIZE < 4:
            self._limit -= 1

    @cached_property
    def _seed(self) -> int:
        """Where the checksums of nodes start."""
        return owner_seed(self._blocks.volume.sb, self._inode)

    # -- reading

    def find(self, block: int) -> Extent:
        path = self._descend(block)
        leaf = path[-1]
        records = leaf.records
        at = bisect_right(records, block, key=_first) - 1
        if at >= 0:
            start, length, target, unwritten = records[at]
            if block < start + length:
                return Extent(target + block - start, start + length - block, unwritten)
        if at + 1 < len(records):
            return Extent(0, records[at + 1][0] - block)
        return Extent(0, self._end(path) - block)

    def _end(self, path: list[Node]) -> int:
        """Where the range of the last node of a path ends."""
        for node in reversed(path[:-1]):
            if node.at + 1 < len(node.records):
                return node.records[node.at + 1][0]
        return MAX_BLOCKS

    def _descend(self, block: int) -> list[Node]:
        node = self._root()
        path = [node]
        end = MAX_BLOCKS
        while node.depth:
            node.at = max(bisect_right(node.records, block, key=_first) - 1, 0)
            low, _, child, _ = node.records[node.at]
            if node.at + 1 < len(node.records):
                end = node.records[node.at + 1][0]
            node = self._load(child, node.depth - 1, low, end)
            path.append(node)
        return path

    def _root(self) -> Node:
        area = self._inode.area
        _, _, depth = self._header(area)
        return Node(0, depth, 0, self._parse(area, depth, 0, MAX_BLOCKS))

    def _load(self, number: int, depth: int, low: int, end: int) -> Node:
        raw = self._storage.block(number)
        entries, limit, found = self._header(raw)
        if found != depth or entries == 0:
            raise self._bad(f"node {number} of depth {found} with {entries} entries")
        if self._sealed and number not in self._storage.unsealed:
            tail = HEADER.size + limit * RECORD_SIZE
            stored = raw[tail : tail + 4]
            if len(stored) < 4 or crc32c(self._seed, raw[:tail]) != int.from_bytes(stored, "little"):
                raise self._bad(f"wrong checksum of node {number}")
        return Node(number, depth, low, self._parse(raw, depth, low, end))

    def _header(self, raw: Buffer) -> tuple[int, int, int]:
        magic, entries, limit, depth = HEADER.unpack_from(raw)
        if magic != MAGIC or entries > limit or HEADER.size + limit * RECORD_SIZE > len(raw) or depth > MAX_DEPTH:
            raise self._bad("bad header of a node")
        return entries, limit, depth

    def _parse(self, raw: Buffer, depth: int, low: int, end: int) -> list[Record]:
        count = HEADER.unpack_from(raw)[1]
        data = memoryview(raw)[HEADER.size : HEADER.size + count * RECORD_SIZE]
        return self._parse_index(data, low, end) if depth else self._parse_leaf(data, low, end)

    def _parse_leaf(self, data: memoryview, low: int, end: int) -> list[Record]:
        records: list[Record] = []
        count = self._storage.blocks_count
        for start, length, high, target in EXTENT.iter_unpack(data):
            target |= high << 32
            unwritten = length > MAX_WRITTEN
            if unwritten:
                length -= MAX_WRITTEN
            if start < low or start + length > end or length == 0 or not 0 < target <= count - length:
                raise self._bad(f"extent of {length} blocks from {start} at {target}")
            low = start + length
            records.append((start, length, target, unwritten))
        return records

    def _parse_index(self, data: memoryview, low: int, end: int) -> list[Record]:
        records: list[Record] = []
        for start, child, high in INDEX.iter_unpack(data):
            if start < low or start >= end:
                raise self._bad(f"index record for {start}")
            low = start + 1
            records.append((start, 0, child | high << 32, False))
        if not records:
            raise self._bad("empty index")
        return records

    def _bad(self, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"inode {self._inode.number}: extent tree: {text}", "ext2fs")

    # -- storing

    def _store(self, path: list[Node], level: int) -> None:
        """Stores a node that fits; the keys above follow its first record."""
        node = path[level]
        if node.block:
            self._store_block(node)
        else:
            self._blocks.set_area(self._packed(node, _ROOT_LIMIT).ljust(60, b"\0"))
        if level and node.records:
            parent = path[level - 1]
            first = node.records[0][0]
            if parent.records[parent.at][0] != first:
                parent.records[parent.at] = (first, 0, node.block, False)
                self._store(path, level - 1)

    def _store_block(self, node: Node) -> None:
        packed = self._packed(node, self._limit)
        transaction = self._blocks.transaction
        transaction.modify(node.block)[: len(packed)] = packed
        if self._sealed:
            transaction.seals[node.block] = partial(seal, self._seed)
        for low in {node.low, node.records[0][0]}:
            self._blocks.node_changed(node.block, low, self._inode.number)

    def _packed(self, node: Node, limit: int) -> bytes:
        parts = [HEADER.pack(MAGIC, len(node.records), limit, node.depth)]
        if node.depth:
            parts += [INDEX.pack(s, child & 0xFFFFFFFF, child >> 32) for s, _, child, _ in node.records]
        else:
            parts += [
                EXTENT.pack(s, length + (MAX_WRITTEN if unwritten else 0), t >> 32, t & 0xFFFFFFFF)
                for s, length, t, unwritten in node.records
            ]
        return b"".join(parts)

    def _store_grown(self, path: list[Node], level: int, *, at_end: bool) -> None:
        """Stores a node that has got one record more."""
        node = path[level]
        limit = self._limit if node.block else _ROOT_LIMIT
        if len(node.records) <= limit:
            self._store(path, level)
        elif node.block:
            self._split(path, level, at_end=at_end)
        else:
            self._deepen(node)

    def _deepen(self, root: Node) -> None:
        if root.depth >= MAX_DEPTH:
            raise KernelError(Errno.EFBIG, f"inode {self._inode.number}: the extent tree is too deep", "ext2fs")
        block = self._new_node(root.records)
        child = Node(block, root.depth, 0, root.records)
        root.depth += 1
        root.records = [(child.records[0][0], 0, block, False)]
        self._store([root], 0)
        self._store_block(child)

    def _split(self, path: list[Node], level: int, *, at_end: bool) -> None:
        node, parent = path[level], path[level - 1]
        half = len(node.records) - 1 if at_end else len(node.records) // 2
        moved = node.records[half:]
        block = self._new_node(moved)
        del node.records[half:]
        self._store(path, level)
        self._store_block(Node(block, node.depth, moved[0][0], moved))
        parent.records.insert(parent.at + 1, (moved[0][0], 0, block, False))
        self._store_grown(path, level - 1, at_end=parent.at + 2 == len(parent.records))

    def _new_node(self, records: list[Record]) -> int:
        block, _ = self._blocks.allocate(records[0][2], 1)
        self._blocks.transaction.fresh(block)
        return block

    # -- changing

    def insert(self, start: int, count: int, target: int, *, unwritten: bool = False) -> None:
        limit = _MAX_UNWRITTEN if unwritten else MAX_WRITTEN
        while count > limit:
            self._insert((start, limit, target, unwritten))
            start, count, target = start + limit, count - limit, target + limit
        self._insert((start, count, target, unwritten))

    def _insert(self, record: Record) -> None:
        path = self._descend(record[0])
        records = path[-1].records
        at = bisect_right(records, record[0], key=_first)
        if at and (joined := _joined(records[at - 1], record)):
            records[at - 1] = joined
            if at < len(records) and (joined := _joined(joined, records[at])):
                records[at - 1 : at + 1] = [joined]
            self._store(path, len(path) - 1)
        elif at < len(records) and (joined := _joined(record, records[at])):
            records[at] = joined
            self._store(path, len(path) - 1)
        else:
            records.insert(at, record)
            self._store_grown(path, len(path) - 1, at_end=at + 1 == len(records))

    def mark_written(self, start: int, count: int) -> None:
        while count:
            path = self._descend(start)
            records = path[-1].records
            at = bisect_right(records, start, key=_first) - 1
            first, length, _, unwritten = records[at] if at >= 0 else (0, 0, 0, False)
            if not unwritten or start >= first + length:
                raise self._bad(f"block {start} is not unwritten")
            done = min(count, first + length - start)
            self._mark(path, at, start, done)
            start += done
            count -= done

    def _mark(self, path: list[Node], at: int, start: int, count: int) -> None:
        """Of one unwritten extent: what is before, the part itself, what is behind."""
        records = path[-1].records
        first, length, target, _ = records[at]
        written = (start, count, target + start - first, False)
        behind = (start + count, first + length - start - count, target + start + count - first, True)
        rest = [behind] if behind[1] else []
        if start > first:
            records[at] = (first, start - first, target, True)
            rest.insert(0, written)
        elif at and (joined := _joined(records[at - 1], written)):
            records[at - 1] = joined
            records[at : at + 1] = rest
            rest = []
        else:
            records[at] = written
        self._store(path, len(path) - 1)
        for record in rest:
            self._insert(record)

    def remove(self, first: int, last: int) -> int:
        path = self._descend(last)
        leaf = path[-1]
        records = leaf.records
        end = bisect_right(records, last, key=_first)
        begin = max(bisect_right(records, first, key=_first) - 1, 0, end - _STEP)
        leftmost = begin == 0 and not any(node.at for node in path[:-1])
        left: list[Record] = []
        for start, length, target, unwritten in records[begin:end]:
            low, high = max(start, first), min(start + length, last + 1)
            if low >= high:
                left.append((start, length, target, unwritten))
                continue
            self._blocks.free(target + low - start, high - low)
            if start < low:
                left.append((start, low - start, target, unwritten))
            if high < start + length:
                left.append((high, start + length - high, target + high - start, unwritten))
        low_block = records[begin][0] if begin < end else leaf.low
        records[begin:end] = left
        self._store_shrunk(path)
        reached = low_block if begin else leaf.low
        return reached - 1 if reached > first and not leftmost else -1

    def _store_shrunk(self, path: list[Node]) -> None:
        """A leaf of which records were taken; a hole in the middle of an extent may have made it larger by one."""
        if path[-1].records:
            self._store_grown(path, len(path) - 1, at_end=False)
            return
        while len(path) > 1 and not path[-1].records:
            self._blocks.free_node(path.pop().block)
            del path[-1].records[path[-1].at]
        if not path[-1].records:
            path[-1].depth = 0
        path[-1].at = 0
        self._store(path, len(path) - 1)


def _joined(left: Record, right: Record) -> Record | None:
    """Two extents as one, where they lie behind one another in the file and on the device."""
    if left[0] + left[1] != right[0] or left[2] + left[1] != right[2] or left[3] != right[3]:
        return None
    length = left[1] + right[1]
    return (left[0], length, left[2], left[3]) if length <= (_MAX_UNWRITTEN if left[3] else MAX_WRITTEN) else None

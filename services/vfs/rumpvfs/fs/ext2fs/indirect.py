"""Changing the old map of indirect blocks; `blockmap` has the format, and the map that is read with."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from rumpwire.errno import Errno, KernelError

from .blockmap import DIRECT
from .mapping import Blocks, Extent

_WORD = struct.Struct("<I")
# Blocks of a file that one step of a removal looks at.
_STEP = 16384


class IndirectTree:
    """The map of one inode, to be changed. There are no unwritten blocks in it."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._inode = blocks.inode
        self._storage = blocks.volume.storage
        self._per = self._storage.block_size // 4
        most = DIRECT + self._per + self._per**2 + self._per**3
        # st_blocks has 32 bits of half kilobytes where huge_file is not; Linux's bound leaves room for the map itself.
        self.blocks_max = min(most, (1 << 32) - 1)

    # -- where a block is told

    def _slot(self, block: int) -> list[int]:
        """The place in the inode, then the index in each indirect block on the way."""
        if block < DIRECT:
            return [block]
        block -= DIRECT
        for level in range(1, 4):
            span = self._per**level
            if block < span:
                return [DIRECT + level - 1, *(block // self._per**at % self._per for at in reversed(range(level)))]
            block -= span
        raise KernelError(Errno.EFBIG, f"inode {self._inode.number}: no block {block}", "ext2fs")

    def _pointer(self, at: int) -> int:
        return int.from_bytes(self._inode.area[at * 4 : at * 4 + 4], "little")

    def _set_pointer(self, at: int, target: int) -> None:
        area = self._inode.area
        self._blocks.set_area(area[: at * 4] + _WORD.pack(target) + area[at * 4 + 4 :])

    def _checked(self, target: int, count: int = 1) -> int:
        if target and not 0 < target <= self._storage.blocks_count - count:
            raise KernelError(Errno.EIO, f"inode {self._inode.number}: block {target}", "ext2fs")
        return target

    def find(self, block: int) -> Extent:
        slots = self._slot(block)
        node = self._pointer(slots[0])
        if len(slots) == 1:
            words = [self._pointer(at) for at in range(block, DIRECT)]
            return self._run(words, 0)
        for level, at in enumerate(slots[1:], 1):
            if node == 0:
                return Extent(0, self._hole(slots, level))
            raw = self._storage.block(self._checked(node))
            if level == len(slots) - 1:
                return self._run(struct.unpack_from(f"<{self._per - at}I", raw, at * 4), 0)
            (node,) = _WORD.unpack_from(raw, at * 4)
        raise AssertionError

    def _span(self, level: int) -> int:
        """Blocks of the file below an indirect block of a level."""
        return int(self._per**level)

    def _hole(self, slots: list[int], level: int) -> int:
        """From a block up to the end of the missing indirect block of a level."""
        depth = len(slots) - 1
        below = slots[level:]
        inside = sum(at * self._span(depth - level - index) for index, at in enumerate(below))
        return self._span(depth - level + 1) - inside

    def _run(self, words: Sequence[int], at: int) -> Extent:
        first = words[at]
        count = 1
        step = 1 if first else 0
        while at + count < len(words) and words[at + count] == first + count * step:
            count += 1
        self._checked(first, count)
        return Extent(first, count)

    # -- changing

    def insert(self, start: int, count: int, target: int, *, unwritten: bool = False) -> None:
        if unwritten:
            raise KernelError(Errno.EOPNOTSUPP, "allocation without contents needs extents", "ext2fs")
        while count:
            done = self._insert(start, count, target)
            start, count, target = start + done, count - done, target + done

    def _insert(self, start: int, count: int, target: int) -> int:
        """Maps as many blocks as one indirect block tells of."""
        slots = self._slot(start)
        if len(slots) == 1:
            count = min(count, DIRECT - start)
            for at in range(count):
                self._set_pointer(start + at, target + at)
            return count
        node = self._pointer(slots[0])
        if not node:
            node = self._new_node(target)
            self._set_pointer(slots[0], node)
        for at in slots[1:-1]:
            (child,) = _WORD.unpack_from(self._storage.block(self._checked(node)), at * 4)
            if not child:
                child = self._new_node(target)
                _WORD.pack_into(self._modify(node), at * 4, child)
            node = child
        at = slots[-1]
        count = min(count, self._per - at)
        raw = self._modify(node)
        struct.pack_into(f"<{count}I", raw, at * 4, *range(target, target + count))
        return count

    def _new_node(self, goal: int) -> int:
        block, _ = self._blocks.allocate(goal, 1)
        self._blocks.transaction.fresh(block)
        return block

    def _modify(self, node: int) -> bytearray:
        for kind in (0, 1):
            self._blocks.node_changed(node, kind)
        return self._blocks.transaction.modify(self._checked(node))

    def mark_written(self, start: int, count: int) -> None:
        raise KernelError(Errno.EIO, f"inode {self._inode.number}: nothing is unwritten in it", "ext2fs")

    def remove(self, first: int, last: int) -> int:
        last = min(last, self.blocks_max - 1)
        begin = self._step_begin(first, last)
        self._remove_direct(begin, last)
        base = DIRECT
        for level in range(1, 4):
            span = self._per**level
            low, high = max(begin - base, 0), min(last - base, span - 1)
            if low <= high:
                at = DIRECT + level - 1
                node = self._pointer(at)
                if node and self._remove_below(node, level, low, high):
                    self._blocks.free_node(node)
                    self._set_pointer(at, 0)
            base += span
        return begin - 1 if begin > first else -1

    def _step_begin(self, first: int, last: int) -> int:
        """A step ends where a missing indirect block or the limit of a step says; holes are passed at once."""
        if last < DIRECT:
            return first
        slots = self._slot(last)
        node = self._pointer(slots[0])
        depth = len(slots) - 1
        base = DIRECT + sum(self._span(level) for level in range(1, depth))
        if not node:
            return max(first, base)
        at = base
        for level, slot in enumerate(slots[1:-1], 1):
            at += slot * self._span(depth - level)
            (node,) = _WORD.unpack_from(self._storage.block(self._checked(node)), slot * 4)
            if not node:
                return max(first, at)
        return max(first, last - _STEP + 1)

    def _remove_direct(self, first: int, last: int) -> None:
        for at in range(first, min(last + 1, DIRECT)):
            target = self._checked(self._pointer(at))
            if target:
                self._blocks.free(target, 1)
                self._set_pointer(at, 0)

    def _remove_below(self, node: int, level: int, low: int, high: int) -> bool:
        """Frees from ``low`` to ``high`` below a node, counted from its first block; whether nothing is left in it."""
        raw = self._modify(node)
        if level == 1:
            self._remove_leaf(raw, low, high)
        else:
            span = self._per ** (level - 1)
            for at in range(low // span, high // span + 1):
                (child,) = _WORD.unpack_from(raw, at * 4)
                if child and self._remove_below(
                    child, level - 1, max(low - at * span, 0), min(high - at * span, span - 1)
                ):
                    self._blocks.free_node(child)
                    _WORD.pack_into(raw, at * 4, 0)
        return not any(raw)

    def _remove_leaf(self, raw: bytearray, low: int, high: int) -> None:
        words = struct.unpack_from(f"<{high + 1}I", raw)
        at = low
        while at <= high:
            run = self._run(words, at)
            if run.block:
                self._blocks.free(run.block, run.length)
            at += run.length
        raw[low * 4 : high * 4 + 4] = bytes((high - low + 1) * 4)

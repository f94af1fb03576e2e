"""Which blocks a file has: twelve direct pointers and trees of one, two and three levels of indirect blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .dinode import INDIRECT, Inode
from .superblock import DIRECT
from .volume import Volume, bad

NewBlock = Callable[[], int]


class BlockMap:
    """The map of one inode. Blocks of the file are numbered from 0; 0 as a place on the disk is a hole."""

    __slots__ = ("inode", "volume")

    def __init__(self, volume: Volume, inode: Inode) -> None:
        self.volume = volume
        self.inode = inode

    def _path(self, block: int) -> list[int]:
        """Indices from the pointers of the inode down to a block. EIO for what no file can have."""
        if block < DIRECT:
            return [block]
        block -= DIRECT
        per = self.volume.sb.nindir
        for level in range(INDIRECT):
            span = per ** (level + 1)
            if block < span:
                return [DIRECT + level, *(block // per**up % per for up in range(level, -1, -1))]
            block -= span
        raise bad(self.inode.number, "a block behind the last one that a file can have")

    def _leaf(self, block: int) -> tuple[Sequence[int], int, int]:
        """Pointers around a block, the index of it there, and how many blocks a hole from it on has at least."""
        path = self._path(block)
        pointers: Sequence[int] = self.inode.pointers
        for depth, index in enumerate(path[:-1]):
            place = pointers[index]
            if place == 0:
                per = self.volume.sb.nindir
                below = len(path) - 1 - depth
                offset = 0
                for step in path[depth + 1 :]:
                    offset = offset * per + step
                return (), 0, per**below - offset
            pointers = self.volume.node(place)
        return pointers, path[-1], 1

    def find(self, block: int, most: int = 1 << 30) -> tuple[int, int]:
        """(place, count): that many blocks from ``block`` on lie in a row there, or are a hole. EIO."""
        pointers, index, hole = self._leaf(block)
        if not pointers:
            return 0, hole
        end = min(len(pointers) if block >= DIRECT else DIRECT, index + most)
        place = pointers[index]
        at = index + 1
        if place == 0:
            while at < end and pointers[at] == 0:
                at += 1
            return 0, at - index
        frag = self.volume.sb.frag
        expected = place + frag
        while at < end and pointers[at] == expected:
            expected += frag
            at += 1
        if place < 0 or (place + (at - index - 1) * frag) >= self.volume.sb.size:
            raise bad(self.inode.number, f"block {block} is at {place} of {self.volume.sb.size}")
        return place, at - index

    def search(self, block: int, last: int, *, hole: bool) -> int | None:
        """The first block from one on that is a hole, or none, and before ``last``. EIO."""
        left = self.volume.sb.size
        while block < last:
            pointers, index, missing = self._leaf(block)
            end = DIRECT if block < DIRECT else len(pointers)
            if not pointers:
                if hole:
                    return block
                block += missing
                continue
            found = next((at for at in range(index, end) if (pointers[at] == 0) == hole), None)
            if found is not None:
                return block + found - index if block + found - index < last else None
            block += end - index
            left -= end - index if hole else 1
            if left < 0:
                raise bad(self.inode.number, "more blocks than the disk has; run fsck")
        return None

    def get(self, block: int) -> int:
        return self.find(block, 1)[0]

    def prepare(self, block: int, new_node: NewBlock) -> int:
        """Makes the indirect blocks above a block: how many from it on have the same. ENOSPC, EIO."""
        path = self._path(block)
        if len(path) == 1:
            return DIRECT - block
        self._descend(path, new_node)
        return self.volume.sb.nindir - path[-1]

    def set(self, block: int, place: int, new_node: NewBlock) -> None:
        """Enters a block; ``new_node`` gives zeroed blocks for the indirect ones that are missing. ENOSPC, EIO."""
        path = self._path(block)
        if len(path) == 1:
            self.inode.pointers[block] = place
        else:
            self.volume.set_pointer(self._descend(path, new_node), path[-1], place)

    def _descend(self, path: list[int], new_node: NewBlock) -> int:
        """The last indirect block of a path."""
        node = self.inode.pointers[path[0]]
        if node == 0:
            node = self.inode.pointers[path[0]] = new_node()
        for index in path[1:-1]:
            below = self.volume.node(node)[index]
            if below == 0:
                below = new_node()
                self.volume.set_pointer(node, index, below)
            node = below
        return node

    def trim(self, keep: int, drop: Callable[[int], None]) -> None:
        """Frees all blocks behind the first ``keep`` but direct ones; ``drop`` frees a whole block. EIO."""
        base, per = DIRECT, self.volume.sb.nindir
        pointers = self.inode.pointers
        for level in range(INDIRECT):
            span = per ** (level + 1)
            node = pointers[DIRECT + level]
            if node and keep <= base:
                self._trim_node(node, level, 0, drop)
                pointers[DIRECT + level] = 0
                drop(node)
            elif node and keep < base + span:
                self._trim_node(node, level, keep - base, drop)
            base += span

    def _trim_node(self, node: int, level: int, keep: int, drop: Callable[[int], None]) -> None:
        """Frees what is below a node but for its first ``keep`` blocks; the node itself stays."""
        span = self.volume.sb.nindir**level
        first, rest = divmod(keep, span)
        pointers = self.volume.node(node).tolist()
        if rest and pointers[first]:
            self._trim_node(pointers[first], level - 1, rest, drop)
        for index in range(first + bool(rest), len(pointers)):
            below = pointers[index]
            if below:
                if level:
                    self._trim_node(below, level - 1, 0, drop)
                self.volume.set_pointer(node, index, 0)
                drop(below)

"""What both maps of a file's blocks are to who changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from rumpwire import const

if TYPE_CHECKING:
    from .allocator import Allocator
    from .inode import Inode
    from .quotas import Space
    from .transaction import Transaction
    from .volume import Volume


class Extent(NamedTuple):
    """``length`` blocks from the asked one on lie at ``block`` of the device; 0 is a hole. Unwritten reads as zeros."""

    block: int
    length: int
    unwritten: bool = False


class Blocks:
    """The blocks of one inode: how many it has (for st_blocks), and where new ones come from."""

    __slots__ = ("allocator", "inode", "sectors", "space", "transaction", "volume")

    def __init__(
        self, volume: Volume, transaction: Transaction, allocator: Allocator, space: Space, inode: Inode
    ) -> None:
        self.volume = volume
        self.transaction = transaction
        self.allocator = allocator
        self.space = space
        self.inode = inode
        self.sectors = volume.sb.block_size >> 9

    def allocate(self, goal: int, wanted: int) -> tuple[int, int]:
        """ENOSPC, EDQUOT, EIO. A goal of 0 is the inode's group."""
        start, count = self.space.allocate(self.inode, goal, wanted)
        self.transaction.touch(self.inode)
        self.inode.blocks += count * self.sectors
        return start, count

    def free(self, block: int, count: int) -> None:
        self.allocator.free(block, count)
        self.transaction.touch(self.inode)
        if self.inode.kind == const.S_IFDIR:
            for number in range(block, block + count):
                self.transaction.forget(number)
        else:
            self.transaction.forget_contents(block, count)
        self.lost(count * self.sectors)

    def lost(self, sectors: int) -> None:
        """The inode has so much less, or nothing any more."""
        sectors = min(sectors, self.inode.blocks)
        self.inode.blocks -= sectors
        self.space.gave_back(self.inode, sectors)

    def free_node(self, block: int) -> None:
        """A block of the map itself."""
        self.free(block, 1)
        self.transaction.forget(block)
        self.node_changed(block, 0)
        self.node_changed(block, 1)

    def node_changed(self, block: int, low: int, inode: int = 0) -> None:
        """What readers keep of a node is old. By what it is kept: see `blockmap` and `extents`."""
        self.volume.forget_node(inode, block, low)

    def set_area(self, area: bytes) -> None:
        """The part of the map that is in the inode."""
        self.transaction.touch(self.inode)
        self.inode.area = area


class FileMap(Protocol):
    """The map of a file, to be changed. All of it may raise EIO, what adds blocks also ENOSPC and EFBIG."""

    blocks_max: int

    def find(self, block: int) -> Extent:
        """What is at a block of the file."""
        ...

    def insert(self, start: int, count: int, target: int, *, unwritten: bool = False) -> None:
        """Maps blocks that are a hole."""
        ...

    def mark_written(self, start: int, count: int) -> None:
        """Unwritten blocks have contents from now on."""
        ...

    def remove(self, first: int, last: int) -> int:
        """Frees blocks of a range, from its end on; gives the last block that may be left, -1 when none is."""
        ...

"""Which blocks and inodes are free: the bitmaps and counts of the block groups.

A group has two maps of its blocks. The one on the disk is a buffer of the transaction. The other, ``busy``, is what is
allocated from: blocks that were freed stay set there until the transaction is committed, since the state before it
still has them. Searches work on whole bytes (`bitmap`), so a large file gets its blocks in long runs.
"""

from __future__ import annotations

from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

from . import bitmap
from .checksum import crc32c
from .group import FLAG_BLOCK_UNINIT, FLAG_INODE_UNINIT, FLAG_INODE_ZEROED, Counts, Group, counts, locate, store
from .superblock import INCOMPAT_META_BG, RO_COMPAT_GDT_CSUM, STATE_VALID
from .transaction import Transaction
from .volume import Volume

_LONG = 64


def _full(what: str) -> KernelError:
    return KernelError(Errno.ENOSPC, f"no free {what}", "ext2fs")


class Freed(NamedTuple):
    """Blocks that are free when the transaction is committed."""

    group: int
    start: int
    length: int


class GroupState:
    """One group as it is now. ``available`` blocks may be allocated, ``free_blocks`` are free on the disk."""

    __slots__ = (
        "available",
        "block_sum",
        "busy",
        "directories",
        "flags",
        "free_blocks",
        "free_inodes",
        "hint",
        "inode_hint",
        "inode_sum",
        "number",
        "size",
        "stale",
        "tables",
        "unused",
    )

    def __init__(self, number: int, tables: Group, now: Counts, size: int) -> None:
        self.number = number
        self.tables = tables
        self.size = size
        self.busy: bytearray | None = None
        self.hint = self.inode_hint = 0
        self.stale = 0
        self.restore((*now, now.free_blocks))

    def state(self) -> tuple[int, ...]:
        return (
            self.free_blocks,
            self.free_inodes,
            self.directories,
            self.flags,
            self.block_sum,
            self.inode_sum,
            self.unused,
            self.available,
        )

    def restore(self, state: tuple[int, ...]) -> None:
        (
            self.free_blocks,
            self.free_inodes,
            self.directories,
            self.flags,
            self.block_sum,
            self.inode_sum,
            self.unused,
            self.available,
        ) = state


_STALE_BLOCKS, _STALE_INODES, _STALE_COUNTS = 1, 2, 4


class Allocator:
    """All groups of a file system that is mounted for writing."""

    def __init__(self, volume: Volume, transaction: Transaction) -> None:
        self._volume = volume
        self._sb = volume.sb
        self._transaction = transaction
        self._groups: dict[int, GroupState] = {}
        self._stale: dict[int, GroupState] = {}
        self._freed: list[Freed] = []
        self._full_groups: set[int] = set()
        # Not kept up by all who write: what the groups have is what counts when there was no clean end.
        clean = volume.recovery is None and self._sb.state & STATE_VALID
        counted = (self._sb.free_blocks, self._sb.free_inodes) if clean else volume.free_counts()
        self._free_blocks, self._free_inodes = counted
        self._sums = bool(self._sb.ro_compat & RO_COMPAT_GDT_CSUM or self._sb.metadata_csum)

    # -- groups

    def group(self, number: int) -> GroupState:
        found = self._groups.get(number)
        if found is None:
            sb = self._sb
            tables = self._volume.group(number)
            block, at = locate(sb, number)
            now = counts(sb, self._volume.storage.block(block)[at : at + sb.descriptor_size])
            if max(now.unused, now.free_inodes) > sb.inodes_per_group or now.free_blocks > sb.blocks_per_group:
                raise self._bad(number, "counts that cannot be")
            size = min(sb.blocks_per_group, sb.blocks_count - self._first(number))
            found = self._groups[number] = GroupState(number, tables, now, size)
        return found

    def _first(self, number: int) -> int:
        return self._sb.first_data_block + number * self._sb.blocks_per_group

    def group_of_inode(self, number: int) -> int:
        return (number - 1) // self._sb.inodes_per_group

    def home(self, inode: int) -> int:
        """Where the blocks of an inode are best begun."""
        number = self.group_of_inode(inode)
        return self._first(number) + self.group(number).hint

    def free_counts(self) -> tuple[int, int]:
        """(free blocks, free inodes) over all groups; within what there can be, though a superblock may have lied."""
        blocks, inodes = self._sb.blocks_count, self._sb.inodes_count
        return min(max(self._free_blocks, 0), blocks), min(max(self._free_inodes, 0), inodes)

    def _count(self, blocks: int, inodes: int) -> None:
        """So many more are free."""
        self._free_blocks += blocks
        self._free_inodes += inodes
        self._transaction.on_undo(lambda: self._uncount(blocks, inodes))

    def _uncount(self, blocks: int, inodes: int) -> None:
        self._free_blocks -= blocks
        self._free_inodes -= inodes

    def _change(self, group: GroupState, what: int) -> None:
        """A group is about to change."""
        state, stale = group.state(), group.stale
        self._transaction.on_undo(lambda: self._undo(group, state, stale))
        group.stale |= what | _STALE_COUNTS
        self._stale[group.number] = group

    def _undo(self, group: GroupState, state: tuple[int, ...], stale: int) -> None:
        group.restore(state)
        group.stale = stale
        group.inode_hint = 0
        self._full_groups.discard(group.number)

    # -- the maps

    def _busy(self, group: GroupState) -> bytearray:
        if group.busy is None:
            if group.flags & FLAG_BLOCK_UNINIT and self._sums:
                bits = self._untouched(group)
            else:
                bits = self._checked(group.tables.block_bitmap, self._sb.blocks_per_group, group.block_sum)
            if group.size < len(bits) * 8:
                bitmap.fill(bits, group.size, len(bits) * 8 - group.size, value=True)
            self._check_tables(group, bits)
            if len(bits) * 8 - bitmap.ones(bits) != group.free_blocks:
                raise self._bad(group.number, "free blocks are not as many as its descriptor says")
            group.busy = bits
        return group.busy

    def _check_tables(self, group: GroupState, bits: bytearray) -> None:
        first = self._first(group.number)
        tables = group.tables
        parts = (
            (tables.block_bitmap, 1),
            (tables.inode_bitmap, 1),
            (tables.inode_table, self._sb.inode_blocks_per_group),
        )
        for block, count in parts:
            inside = first <= block and block + count <= first + group.size
            if inside and not bitmap.all_set(bits, block - first, count):
                raise self._bad(group.number, "its own tables are marked free")

    def _checked(self, block: int, size: int, stored: int) -> bytearray:
        """A map, its checksum verified. EIO."""
        raw = self._volume.storage.block(block)
        if self._sb.metadata_csum and block not in self._transaction.running:
            found = crc32c(self._sb.checksum_seed, raw[: size // 8])
            mask = 0xFFFFFFFF if self._sb.descriptor_size > 32 else 0xFFFF
            if found & mask != stored & mask:
                raise KernelError(Errno.EIO, f"wrong checksum of the bitmap at block {block}", "ext2fs")
        return bytearray(raw[: -(-size // 8)])

    def _bad(self, number: int, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"group {number}: {text}", "ext2fs")

    def _untouched(self, group: GroupState) -> bytearray:
        """The map of a group that has nothing but its own tables."""
        sb = self._sb
        first = self._first(group.number)
        bits = bytearray(-(-sb.blocks_per_group // 8))
        backup = sb.has_backup(group.number)
        per_block = sb.block_size // sb.descriptor_size
        if sb.incompat & INCOMPAT_META_BG and group.number // per_block >= sb.first_meta_group:
            table = int(group.number % per_block in (0, 1, per_block - 1))
        else:
            table = -(-sb.groups // per_block) + sb.reserved_gdt_blocks if backup else 0
        if backup + table:
            bitmap.fill(bits, 0, min(backup + table, group.size), value=True)
        tables = group.tables
        for block, count in (
            (tables.block_bitmap, 1),
            (tables.inode_bitmap, 1),
            (tables.inode_table, sb.inode_blocks_per_group),
        ):
            begin, end = max(block - first, 0), min(block + count - first, group.size)
            if begin < end:
                bitmap.fill(bits, begin, end - begin, value=True)
        return bits

    def _block_map(self, group: GroupState) -> bytearray:
        """The map on the disk, to be changed."""
        if group.flags & FLAG_BLOCK_UNINIT and self._sums:
            raw = self._transaction.fresh(group.tables.block_bitmap)
            raw[:] = b"\xff" * len(raw)
            busy = self._busy(group)
            raw[: len(busy)] = busy
            group.flags &= ~FLAG_BLOCK_UNINIT
            return raw
        return self._transaction.modify(group.tables.block_bitmap)

    # -- blocks

    def allocate(self, goal: int, wanted: int) -> tuple[int, int]:
        """(first block, count) of a run of free blocks, best at ``goal`` and ``wanted`` long. ENOSPC, EIO."""
        sb = self._sb
        if not sb.first_data_block <= goal < sb.blocks_count:
            goal = sb.first_data_block
        home, bit = divmod(goal - sb.first_data_block, sb.blocks_per_group)
        wanted = min(wanted, sb.blocks_per_group)
        for least in (min(wanted, _LONG), 1):
            for step in range(sb.groups):
                number = (home + step) % sb.groups
                if number in self._full_groups:
                    continue
                group = self.group(number)
                if group.available >= least:
                    start, count = bitmap.find_run(self._busy(group), bit if step == 0 else 0, wanted)
                    if count >= min(least, group.available >> 3) and count:
                        self._take(group, start, count)
                        return self._first(number) + start, count
                elif group.available == 0:
                    self._full_groups.add(number)
        raise _full("blocks")

    def _take(self, group: GroupState, start: int, count: int) -> None:
        busy = self._busy(group)
        self._change(group, _STALE_BLOCKS)
        disk = self._block_map(group)
        if group.free_blocks < count:
            raise self._bad(group.number, "more free blocks than its descriptor says")
        bitmap.fill(busy, start, count, value=True)
        self._transaction.on_undo(lambda: bitmap.fill(busy, start, count, value=False))
        bitmap.fill(disk, start, count, value=True)
        group.free_blocks -= count
        group.available -= count
        self._count(-count, 0)
        group.hint = start + count if start + count < group.size else 0

    def free(self, block: int, count: int) -> None:
        """Gives back a run of blocks. EIO for blocks that are free, or never of a file."""
        sb = self._sb
        if block < sb.first_data_block or block + count > sb.blocks_count:
            raise KernelError(Errno.EIO, f"blocks {block} to {block + count} are freed", "ext2fs")
        while count:
            number, start = divmod(block - sb.first_data_block, sb.blocks_per_group)
            part = min(count, sb.blocks_per_group - start)
            self._give(self.group(number), start, part)
            block += part
            count -= part

    def _give(self, group: GroupState, start: int, count: int) -> None:
        first, tables = self._first(group.number) + start, group.tables
        own = (tables.block_bitmap, tables.inode_bitmap)
        table = range(tables.inode_table, tables.inode_table + self._sb.inode_blocks_per_group)
        if any(first <= b < first + count for b in own) or (first < table.stop and table.start < first + count):
            raise self._bad(group.number, "its tables are freed")
        self._busy(group)
        self._change(group, _STALE_BLOCKS)
        disk = self._block_map(group)
        if not bitmap.all_set(disk, start, count):
            raise self._bad(group.number, "blocks are freed that are free")
        bitmap.fill(disk, start, count, value=False)
        group.free_blocks += count
        self._count(count, 0)
        self._freed.append(Freed(group.number, start, count))
        length = len(self._freed) - 1
        self._transaction.on_undo(lambda: self._freed.__delitem__(slice(length, None)))

    # -- inodes

    def allocate_inode(self, parent: int, *, directory: bool) -> int:
        """The number of a free inode, near its parent. ENOSPC, EIO."""
        home = self.group_of_inode(parent)
        if directory and parent == 2:
            home = self._emptiest(home)
        for step in range(self._sb.groups):
            group = self.group((home + step) % self._sb.groups)
            if group.free_inodes:
                found = self._take_inode(group, directory=directory)
                if found:
                    return found
        raise _full("inodes")

    def _emptiest(self, home: int) -> int:
        """The group for a directory of the root: they are spread."""
        count = min(self._sb.groups, 64)
        numbers = [(home + step) % self._sb.groups for step in range(count)]
        groups = [self.group(number) for number in numbers]
        return max(groups, key=lambda g: (g.free_inodes > 0, -g.directories, g.available)).number

    def _inode_map(self, group: GroupState) -> bytearray:
        """The map of the inodes, to be changed; made when the group had none so far."""
        block, size = group.tables.inode_bitmap, self._sb.inodes_per_group
        if group.flags & FLAG_INODE_UNINIT and self._sums:
            raw = self._transaction.fresh(block)
            raw[size // 8 :] = b"\xff" * (len(raw) - size // 8)
            group.flags &= ~FLAG_INODE_UNINIT
            return raw
        if block not in self._transaction.cache.dirty:
            self._checked(block, size, group.inode_sum)
        return self._transaction.modify(block)

    def _take_inode(self, group: GroupState, *, directory: bool) -> int:
        self._change(group, _STALE_INODES)
        if group.flags & FLAG_BLOCK_UNINIT and self._sums:
            group.stale |= _STALE_BLOCKS
            self._block_map(group)
        raw = self._inode_map(group)
        size = self._sb.inodes_per_group
        index = bitmap.first_clear(raw, group.inode_hint)
        if not 0 <= index < size:
            index = bitmap.first_clear(raw, 0)
        number = group.number * size + index + 1
        if not 0 <= index < size or number < self._sb.first_inode:
            raise self._bad(group.number, "fewer free inodes than its descriptor says")
        bitmap.fill(raw, index, 1, value=True)
        group.free_inodes -= 1
        self._count(0, -1)
        group.directories += directory
        group.inode_hint = index + 1
        if self._sums and index >= size - group.unused:
            self._open_table(group, size - group.unused, index)
        return number

    def _open_table(self, group: GroupState, used: int, index: int) -> None:
        """Inodes up to ``index`` count as used once from now on: those that were not written yet become zeros."""
        group.unused = self._sb.inodes_per_group - index - 1
        if group.flags & FLAG_INODE_ZEROED:
            return
        size = self._sb.inode_size
        per_block = self._sb.block_size // size
        for at in range(used, index + 1):
            raw = self._transaction.modify(group.tables.inode_table + at // per_block)
            raw[at % per_block * size : (at % per_block + 1) * size] = bytes(size)

    def free_inode(self, number: int, *, directory: bool) -> None:
        """Gives back an inode. EIO when it is free."""
        group = self.group(self.group_of_inode(number))
        self._change(group, _STALE_INODES)
        raw = self._inode_map(group)
        index = (number - 1) % self._sb.inodes_per_group
        if not bitmap.all_set(raw, index, 1) or number < self._sb.first_inode:
            raise self._bad(group.number, f"inode {number} is freed, which is free")
        bitmap.fill(raw, index, 1, value=False)
        group.free_inodes += 1
        self._count(0, 1)
        group.directories = max(group.directories - directory, 0)
        group.inode_hint = min(group.inode_hint, index)

    def in_use(self, number: int) -> bool:
        """Whether the map says that an inode is in use. EIO."""
        group = self.group(self.group_of_inode(number))
        if group.flags & FLAG_INODE_UNINIT and self._sums:
            return False
        raw = self._checked(group.tables.inode_bitmap, self._sb.inodes_per_group, group.inode_sum)
        return bitmap.all_set(raw, (number - 1) % self._sb.inodes_per_group, 1)

    # -- commits

    @property
    def waiting(self) -> bool:
        """Whether a commit would set blocks free."""
        return bool(self._freed)

    def seal(self) -> bool:
        """Puts counts and checksums of what changed into the descriptors; whether anything did."""
        sb = self._sb
        changed = bool(self._stale)
        for group in self._stale.values():
            if group.stale:
                self._seal_maps(group)
                block, at = locate(sb, group.number)
                now = Counts(*group.state()[:-1])
                store(sb, group.number, self._transaction.modify(block), at, now)
                group.stale = 0
        self._stale.clear()
        return changed

    def _seal_maps(self, group: GroupState) -> None:
        sb = self._sb
        if not sb.metadata_csum:
            return
        block = self._volume.storage.block
        if group.stale & _STALE_BLOCKS:
            group.block_sum = crc32c(sb.checksum_seed, block(group.tables.block_bitmap)[: sb.blocks_per_group // 8])
        if group.stale & _STALE_INODES:
            group.inode_sum = crc32c(sb.checksum_seed, block(group.tables.inode_bitmap)[: sb.inodes_per_group // 8])

    def committed(self) -> None:
        """What was freed may be allocated."""
        for number, start, count in self._freed:
            group = self._groups[number]
            assert group.busy is not None
            bitmap.fill(group.busy, start, count, value=False)
            group.available += count
            self._full_groups.discard(number)
        self._freed.clear()

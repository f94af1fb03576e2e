"""Cylinder groups: which inodes and which fragments are free.

Format: struct cg of <ufs/ffs/fs.h>. A group in memory holds one byte for each block, a mask of its free fragments,
however many fragments a block has. That makes all searches searches for bytes. What the format keeps besides (cg_frsum,
the summary and the map of clusters, the counts) follows from the masks and is computed when the group is written, so it
cannot drift.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from functools import cache

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .superblock import FRAGS_MAX, Superblock

MAGIC = 0x090255
SPACE = 168
"""Where the maps may begin."""

# firstfield, magic, old time, number, old cylinders, old inodes, frags; ndir, nbfree, nifree, nffree; rotors of blocks,
# fragments, inodes; frsum; offsets: old totals, old positions, inode map, fragment map, next free, cluster sums,
# cluster map; cluster blocks, inodes, initialized inodes.
_HEAD = "4i2hi4i3i8i7i3i"
_HEADS = {order: struct.Struct(order + _HEAD) for order in "<>"}
_TIME = 136
_CHECK_HASH = 132

_FREE_INODE = re.compile(rb"[^\xff]")


def runs(mask: int) -> list[int]:
    """Lengths of the runs of set bits."""
    return [len(run) for run in bin(mask)[2:].split("0") if run]


@cache
def run_table(frag: int, length: int) -> bytes:
    """For every mask 1 where it has a run of just this length and is no whole free block."""
    full = (1 << frag) - 1
    return bytes(mask < full and length in runs(mask) for mask in range(256))


@cache
def _clusters(frag: int) -> re.Pattern[bytes]:
    return re.compile(re.escape(bytes([(1 << frag) - 1])) + b"+")


def unpack_masks(raw: Buffer, frag: int) -> bytearray:
    """A map of bits as one mask for each block."""
    if frag == FRAGS_MAX:
        return bytearray(raw)
    parts = FRAGS_MAX // frag
    full = (1 << frag) - 1
    masks = bytearray(len(raw) * parts)
    data = bytes(raw)
    for part in range(parts):
        masks[part::parts] = data.translate(bytes(byte >> part * frag & full for byte in range(256)))
    return masks


def pack_masks(masks: bytearray, frag: int) -> bytes:
    if frag == FRAGS_MAX:
        return bytes(masks)
    parts = FRAGS_MAX // frag
    padded = bytes(masks) + bytes(-len(masks) % parts)
    packed = 0
    for part in range(parts):
        packed |= int.from_bytes(padded[part::parts], "little") << part * frag
    return packed.to_bytes(len(padded) // parts, "little")


class Group:
    """One group. Frags, blocks and inodes are counted from its beginning."""

    __slots__ = (
        "blocks",
        "dirty",
        "frag",
        "full",
        "inited",
        "inodes",
        "irotor",
        "masks",
        "nbfree",
        "ndir",
        "nffree",
        "nifree",
        "number",
        "raw",
        "rotor",
        "sb",
        "used",
    )

    def __init__(self, sb: Superblock, number: int, raw: Buffer) -> None:
        """EIO for what is no sound cylinder group."""
        self.sb = sb
        self.number = number
        self.raw = bytearray(raw)
        self.frag = sb.frag
        self.full = (1 << sb.frag) - 1
        self.dirty = False
        head = _HEADS[sb.order].unpack_from(self.raw)
        if head[1] != MAGIC or head[3] != number:
            raise self._bad(f"magic {head[1]:#x}, number {head[3]}")
        if head[6] != sb.group_frags(number):
            raise self._bad(f"{head[6]} fragments instead of {sb.group_frags(number)}")
        self.ndir, self.nbfree, self.nifree, self.nffree, self.rotor, _frotor, self.irotor = head[7:14]
        self.inodes, self.inited = (sb.ipg, sb.ipg) if sb.version == 1 else head[30:32]
        if not 0 < self.inodes <= sb.ipg or not 0 <= self.inited <= self.inodes:
            raise self._bad(f"{self.inited} of {self.inodes} inodes initialized")
        self._check_maps(head[24], head[25], head[27], head[28])
        self.used = self.raw[head[24] : head[24] + -(-sb.ipg // 8)]
        self.blocks = -(-sb.group_frags(number) // sb.frag)
        bits = self.raw[head[25] : head[25] + -(-sb.fpg // 8)]
        self.masks = unpack_masks(bits, sb.frag)[: self.blocks]
        self._check_counts()
        self.rotor = self.rotor if 0 <= self.rotor < head[6] else 0
        self.irotor = self.irotor if 0 <= self.irotor < self.inodes else 0

    def _bad(self, text: str) -> KernelError:
        return KernelError(Errno.EIO, f"cylinder group {self.number}: {text}; run fsck", "ffs")

    def _check_maps(self, used_at: int, free_at: int, sums_at: int, clusters_at: int) -> None:
        """The maps are inside and apart from one another."""
        sb = self.sb
        parts = [(used_at, -(-sb.ipg // 8)), (free_at, -(-sb.fpg // 8))]
        if sb.contigsumsize:
            parts += [(sums_at + 4, 4 * sb.contigsumsize), (clusters_at, -(-(sb.fpg // sb.frag) // 8))]
        end = SPACE
        for at, length in sorted(parts):
            if at < end:
                raise self._bad("maps that lie over one another")
            end = at + length
        if end > min(sb.cgsize + 4, sb.bsize):  # how much it says to need is sometimes a word too little
            raise self._bad(f"maps up to {end} of {sb.cgsize} bytes")

    def _check_counts(self) -> None:
        spare = self.blocks * self.frag - self.sb.group_frags(self.number)
        if spare and self.masks[-1] >> (self.frag - spare):
            raise self._bad("free fragments behind its end")
        first, end = self.sb.metadata_range(self.number)
        base = self.frag
        if any(self.masks[-(-first // base) : end // base]):
            raise self._bad("its own structures are marked as free")
        found = self.count()
        free_inodes = self.inodes - sum(byte.bit_count() for byte in self.used[: -(-self.inodes // 8)])
        if found != (self.nbfree, self.nffree) or free_inodes != self.nifree or not 0 <= self.ndir <= self.inodes:
            raise self._bad("counts that are not those of its maps")

    def count(self) -> tuple[int, int]:
        """Free blocks and free fragments outside of them, counted."""
        blocks = self.masks.count(self.full)
        bits = int.from_bytes(self.masks, "little").bit_count()
        return blocks, bits - blocks * self.frag

    # -- blocks and fragments

    def _set(self, block: int, mask: int) -> None:
        old, full = self.masks[block], self.full
        if old == full:
            self.nbfree -= 1
        else:
            self.nffree -= old.bit_count()
        if mask == full:
            self.nbfree += 1
        else:
            self.nffree += mask.bit_count()
        self.masks[block] = mask
        self.dirty = True

    def take_block(self, near: int) -> int | None:
        """A free block, the one at frag ``near`` or the next behind it: its first frag."""
        start = min(max(near, 0) // self.frag, self.blocks)
        found = self.masks.find(self.full, start)
        if found < 0:
            found = self.masks.find(self.full)
            if found < 0:
                return None
        self._set(found, 0)
        self.rotor = found * self.frag
        return found * self.frag

    def take_frags(self, count: int, near: int) -> int | None:
        """So many fragments in a row: of the smallest piece that has them, else of a free block."""
        if self.nffree >= count:
            for length in range(count, self.frag):
                table = run_table(self.frag, length)
                found = self.masks.translate(table).find(1, 0)
                if found >= 0:
                    return self._cut(found, length, count)
        start = self.take_block(near)
        if start is not None:
            self._set(start // self.frag, self.full & ~((1 << count) - 1))
        return start

    def _cut(self, block: int, length: int, count: int) -> int:
        """Takes from the run of a length."""
        mask = self.masks[block]
        at = 0
        while True:
            run = 0
            while mask >> (at + run) & 1:
                run += 1
            if run == length:
                break
            at += run + 1
        self._set(block, mask & ~(((1 << count) - 1) << at))
        return block * self.frag + at

    def extend(self, start: int, old: int, new: int) -> bool:
        """Takes the fragments behind ``old`` ones, when they are free and in the same block."""
        block, inside = divmod(start, self.frag)
        if inside + new > self.frag:
            return False
        wanted = ((1 << (new - old)) - 1) << (inside + old)
        if self.masks[block] & wanted != wanted:
            return False
        self._set(block, self.masks[block] & ~wanted)
        return True

    def give(self, start: int, count: int) -> None:
        """Frees fragments of one block. EIO when one is free."""
        block, inside = divmod(start, self.frag)
        self.give_mask(block, ((1 << count) - 1) << inside)

    def give_range(self, start: int, end: int) -> None:
        """Frees many fragments in a row."""
        while start < end:
            inside = start % self.frag
            whole = (end - start) // self.frag
            if inside or not whole:
                count = min(self.frag - inside, end - start)
                self.give(start, count)
            else:
                count = whole * self.frag
                first = start // self.frag
                self.masks[first : first + whole] = bytes([self.full]) * whole
                self.nbfree += whole
            start += count
        self.dirty = True

    def give_mask(self, block: int, bits: int) -> None:
        if self.masks[block] & bits:
            raise self._bad(f"freeing free fragments of block {block}")
        self._set(block, self.masks[block] | bits)

    # -- inodes

    def take_inode(self, directory: bool) -> int | None:
        """A free inode, searched from where the last one was found."""
        found = _FREE_INODE.search(self.used, self.irotor // 8) or _FREE_INODE.search(self.used)
        if found is None or self.nifree == 0:
            return None
        at = found.start()
        byte = self.used[at]
        index = at * 8 + ((~byte & (byte + 1)).bit_length() - 1)
        if index >= self.inodes:
            return None
        self.used[at] |= 1 << index % 8
        self.irotor = index
        self.nifree -= 1
        self.ndir += directory
        self.dirty = True
        return index

    def give_inode(self, index: int, directory: bool) -> None:
        """EIO when it is free."""
        if not self.used[index // 8] >> index % 8 & 1:
            raise self._bad(f"freeing free inode {index}")
        self.used[index // 8] &= ~(1 << index % 8)
        self.irotor = min(self.irotor, index)
        self.nifree += 1
        self.ndir -= directory
        self.dirty = True

    # -- out

    def emit(self, now: int) -> bytearray:
        """The group as it goes to the disk."""
        head = list(_HEADS[self.sb.order].unpack_from(self.raw))
        if self.sb.version == 1:
            head[2] = min(now, 0x7FFFFFFF)
        else:
            struct.pack_into(self.sb.order + "q", self.raw, _TIME, now)
            head[31] = self.inited
        head[7:14] = [self.ndir, self.nbfree, self.nifree, self.nffree, self.rotor, head[12], self.irotor]
        head[14:22] = self._fragment_sums()
        _HEADS[self.sb.order].pack_into(self.raw, 0, *head)
        self.raw[head[24] : head[24] + len(self.used)] = self.used
        bits = pack_masks(self.masks, self.frag)
        self.raw[head[25] : head[25] + len(bits)] = bits
        if self.sb.contigsumsize:
            self._emit_clusters(head[27], head[28])
        struct.pack_into("4x", self.raw, _CHECK_HASH)
        return self.raw

    def _fragment_sums(self) -> list[int]:
        """cg_frsum: how many pieces of each length there are in blocks that are not free as a whole."""
        sums = [0] * FRAGS_MAX
        for mask, count in Counter(self.masks).items():
            if mask != self.full:
                for length in runs(mask):
                    sums[length] += count
        return sums

    def _emit_clusters(self, sums_at: int, map_at: int) -> None:
        """Free blocks as a map, and how many clusters of each length they form; long ones count as the longest."""
        limit = self.sb.contigsumsize
        sums = [0] * (limit + 1)
        for found in _clusters(self.frag).finditer(self.masks):
            sums[min(found.end() - found.start(), limit)] += 1
        struct.pack_into(f"{self.sb.order}{limit}i", self.raw, sums_at + 4, *sums[1:])
        bits = pack_masks(self.masks.translate(bytes(mask == self.full for mask in range(256))), 1)
        self.raw[map_at : map_at + len(bits)] = bits

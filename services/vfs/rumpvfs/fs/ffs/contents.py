"""The contents of a file: reading in runs, writing, growing and shrinking.

Only the last block of a file may be less than a block, and only among the direct ones: it has as many fragments as the
size needs, the same rule that fsck knows. So before a file grows past its last block that block becomes a whole one,
and the size says so at once. Fragments of a file are zero behind its end.

New space is filled before a pointer leads to it.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .alloc import Allocator
from .blockmap import BlockMap
from .dinode import Inode
from .superblock import DIRECT
from .volume import Volume

JOIN_LIMIT = 16 << 20
"""What a read of several runs, or of a hole, answers with at most: it has to be put together in memory."""
BULK = 256
"""Blocks that are allocated together."""
_zeros = memoryview(bytes(1 << 20))


def zeros(length: int) -> memoryview:
    return _zeros[:length] if length <= len(_zeros) else memoryview(bytes(length))


class Contents:
    """The bytes of one inode. ``cached``: blocks are in the cache of directories, not only on the device."""

    __slots__ = ("_delta", "_end", "_start", "alloc", "cached", "inode", "map", "volume")

    def __init__(self, volume: Volume, alloc: Allocator, inode: Inode, *, cached: bool = False) -> None:
        self.volume = volume
        self.alloc = alloc
        self.inode = inode
        self.cached = cached
        self.map = BlockMap(volume, inode)
        self._start = self._end = self._delta = 0

    def block_bytes(self, block: int, size: int) -> int:
        """How many bytes the last block, or one before it, has on the disk."""
        sb = self.volume.sb
        if block >= DIRECT or size >= (block + 1) * sb.bsize:
            return sb.bsize
        return max(0, -(-(size - block * sb.bsize) // sb.fsize) * sb.fsize)

    # -- reading

    def read(self, offset: int, length: int) -> Buffer:
        """At most ``length`` bytes, as one view where they lie together. EIO."""
        end = min(offset + length, self.inode.size)
        if self._start <= offset and end <= self._end and offset < end:
            return self.volume.device.view(offset + self._delta, end - offset)
        return self._join(offset, end) if offset < end else b""

    def _segment(self, offset: int, end: int) -> tuple[int, int]:
        """(place on the device in bytes, or -1; length) of what begins at ``offset``."""
        sb = self.volume.sb
        block, inside = divmod(offset, sb.bsize)
        place, count = self.map.find(block, -(-end // sb.bsize) - block)
        return (place * sb.fsize + inside if place else -1), count * sb.bsize - inside

    def _join(self, offset: int, end: int) -> Buffer:
        place, length = self._segment(offset, end)
        if length >= end - offset:
            if place < 0:
                return zeros(min(end - offset, JOIN_LIMIT))
            self._start, self._end, self._delta = offset, end, place - offset
            return self.volume.device.view(place, end - offset)
        end = min(end, offset + JOIN_LIMIT)
        pieces: list[memoryview] = []
        at = offset
        while at < end:
            place, length = self._segment(at, end)
            length = min(length, end - at)
            pieces.append(zeros(length) if place < 0 else self.volume.device.view(place, length))
            at += length
        return b"".join(pieces)

    def seek(self, offset: int, *, hole: bool) -> int:
        """The next data or hole from ``offset`` < size on; the size counts as a hole. ENXIO."""
        bsize, size = self.volume.sb.bsize, self.inode.size
        found = self.map.search(offset // bsize, -(-size // bsize), hole=hole)
        if found is not None:
            return min(max(offset, found * bsize), size)
        if hole:
            return size
        raise KernelError(Errno.ENXIO, "no data behind this offset", "ffs")

    # -- writing

    def write(self, offset: int, data: Buffer) -> int:
        """How many bytes were written. ENOSPC, EFBIG, EIO; then the file is as long as it was."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        end = offset + len(view)
        if end > self.volume.sb.maxfilesize:
            raise KernelError(Errno.EFBIG)
        before = self.inode.size
        self.alloc.room_for(len(view) // self.volume.sb.fsize)
        at = offset
        self.forget_run()
        try:
            while at < end:
                at += self._some_again(at, view[at - offset :])
        except KernelError:
            self.shorten(max(before, at if at > offset else 0))
            if at == offset:
                raise
        self.volume.touch(self.inode)
        return at - offset

    def _some_again(self, at: int, data: memoryview) -> int:
        return self.again(lambda: self._some(at, data))

    def again(self, work: Callable[[], int]) -> int:
        """When the disk is full but for what was freed a moment ago, that is taken back into use."""
        try:
            return work()
        except KernelError as error:
            if error.errno != Errno.ENOSPC or not self.volume.freed_frags:
                raise
            self.volume.touch(self.inode)
            self.volume.settle()
            return work()

    def _some(self, at: int, data: memoryview) -> int:
        """Writes the beginning of the data: how much it was."""
        sb, size = self.volume.sb, self.inode.size
        block, inside = divmod(at, sb.bsize)
        self.reach(block)
        place, count = self.map.find(block, (inside + len(data)) // sb.bsize + 1)
        if place:
            last = size // sb.bsize
            there = min((block + count) * sb.bsize, last * sb.bsize + self.block_bytes(last, size)) - at
            if there >= min(len(data), sb.bsize - inside):
                return self._over(place * sb.fsize + inside, at, data[:there])
        elif inside == 0 and len(data) >= sb.bsize:
            return self.bulk(block, min(count, len(data) // sb.bsize, BULK), data)
        piece = data[: sb.bsize - inside]
        self.put(block, inside, piece)
        return len(piece)

    def _over(self, place: int, at: int, data: memoryview) -> int:
        """Over what is allocated; between the end of the file and the data there are zeros."""
        inode = self.inode
        if at > inode.size:
            gap = min(at - inode.size, at % self.volume.sb.bsize)
            if any(self.volume.device.view(place - gap, gap)):
                self.volume.device.write(place - gap, zeros(gap))
        self.volume.device.write(place, data)
        inode.size = max(inode.size, at + len(data))
        return len(data)

    def reach(self, block: int) -> None:
        """Before something is put into a block: the one that was the last so far becomes a whole one. ENOSPC, EIO."""
        inode, bsize = self.inode, self.volume.sb.bsize
        last = inode.size // bsize
        if last < min(block, DIRECT) and inode.size % bsize and inode.pointers[last]:
            have = self.block_bytes(last, inode.size)
            if have < bsize:
                self._grow(last, have, bsize, 0, memoryview(b""))
            inode.size = (last + 1) * bsize

    def put(self, block: int, inside: int, piece: memoryview) -> None:
        """Writes into one block, which gets the fragments that it needs. ENOSPC, EIO."""
        sb, inode = self.volume.sb, self.inode
        start = block * sb.bsize
        end = max(inside + len(piece), min(inode.size - start, sb.bsize))
        want = self.block_bytes(block, max(start + end, inode.size))
        place = self.map.get(block)
        have = self.block_bytes(block, inode.size) if place else 0
        if have >= want:
            self._over(place * sb.fsize + inside, start + inside, piece)
        elif have:
            self._grow(block, have, want, inside, piece)
        else:
            self._new(block, want, inside, piece)
        inode.size = max(inode.size, start + inside + len(piece))

    def _near(self, block: int) -> int:
        before = self.map.get(block - 1) if block else 0
        return self.alloc.preference(self.inode, block, before)

    def _new(self, block: int, want: int, inside: int, piece: memoryview) -> None:
        sb, volume = self.volume.sb, self.volume
        count = want // sb.fsize
        place = self.alloc.frags(self.inode, count, self._near(block))
        try:
            volume.device.write(place * sb.fsize, _padded(b"", want, inside, piece))
            self.map.set(block, place, self.new_node)
        except KernelError:
            volume.release(place, count)
            raise
        self._count(count)

    def _grow(self, block: int, have: int, want: int, inside: int, piece: memoryview) -> None:
        """Gives a direct block more fragments, where it is or elsewhere."""
        sb, volume = self.volume.sb, self.volume
        old, new = have // sb.fsize, want // sb.fsize
        place = self.map.get(block)
        volume.check(place, old)
        whole = _padded(self._piece(place, old), want, inside, piece)
        if self.alloc.extend(self.inode, place, old, new):
            first = min(inside // sb.fsize, old) if piece and not self.cached else old
            try:
                volume.device.write((place + first) * sb.fsize, memoryview(whole)[first * sb.fsize :])
            except KernelError:
                volume.release(place + old, new - old)
                raise
        else:
            self._move(block, place, old, new, whole)
        self._count(new - old)

    def _move(self, block: int, place: int, old: int, new: int, whole: bytearray) -> None:
        volume = self.volume
        near = self.alloc.preference(self.inode, block, self.map.get(block - 1) if block else 0)
        moved = self.alloc.frags(self.inode, new, near, instead_of=old)
        try:
            if self.cached:
                volume.write_inodes()  # what a directory names must be there before the directory is
            volume.device.write(moved * volume.sb.fsize, whole)
            volume.free(place, old)
        except KernelError:
            volume.release(moved, new)
            raise
        self.inode.pointers[block] = moved

    def _piece(self, place: int, count: int) -> bytes:
        if self.cached:
            return b"".join(self.volume.dirs.block(place + n) for n in range(count))
        size = self.volume.sb.fsize
        return bytes(self.volume.device.view(place * size, count * size))

    def bulk(self, block: int, count: int, data: memoryview) -> int:
        """Whole blocks where there are none, as many as there is space for: how many bytes. ENOSPC, EIO."""
        sb, volume, inode = self.volume.sb, self.volume, self.inode
        places: list[int] = []
        before = self.map.get(block - 1) if block else 0
        count = min(count, self.map.prepare(block, self.new_node))
        count = max(1, min(count, self.alloc.room(inode) // sb.frag))
        try:
            for n in range(count):
                before = self.alloc.block(inode, self.alloc.preference(inode, block + n, before))
                places.append(before)
        except KernelError as error:
            if error.errno != Errno.ENOSPC or not places:
                self._release_blocks(places)
                raise
        done = 0
        try:
            self._write_blocks(places, data)
            for place in places:
                self.map.set(block + done, place, self.new_node)
                self._count(sb.frag)
                done += 1
        except KernelError:
            self._release_blocks(places[done:])
            if not done:
                raise
        inode.size = max(inode.size, (block + done) * sb.bsize)
        volume.touch(inode)
        return done * sb.bsize

    def _release_blocks(self, places: list[int]) -> None:
        for place in places:
            self.volume.release(place, self.volume.sb.frag)

    def _write_blocks(self, places: list[int], data: memoryview) -> None:
        """Neighbours in one write."""
        sb, device = self.volume.sb, self.volume.device
        start = 0
        for end in range(1, len(places) + 1):
            if end == len(places) or places[end] != places[end - 1] + sb.frag:
                device.write(places[start] * sb.fsize, data[start * sb.bsize : end * sb.bsize])
                start = end

    def new_node(self) -> int:
        """A zeroed indirect block."""
        sb = self.volume.sb
        place = self.alloc.block(self.inode, self.alloc.preference(self.inode, 0, 0))
        try:
            self.volume.device.write(place * sb.fsize, zeros(sb.bsize))
        except KernelError:
            self.volume.release(place, sb.frag)
            raise
        self._count(sb.frag)
        return place

    def _count(self, frags: int) -> None:
        self.alloc.count(self.inode, frags)

    def forget_run(self) -> None:
        self._start = self._end = 0

    # -- size

    def resize(self, size: int) -> None:
        """EFBIG, ENOSPC, EIO."""
        self.forget_run()
        if size > self.inode.size:
            self._lengthen(size)
        elif size < self.inode.size:
            if size and not self.map.get((size - 1) // self.volume.sb.bsize):
                self._last_block(size)
            self.shorten(size)
        self.volume.touch(self.inode)

    def _lengthen(self, size: int) -> None:
        if size > self.volume.sb.maxfilesize:
            raise KernelError(Errno.EFBIG)
        before = self.inode.size
        self.alloc.room_for(2 * self.volume.sb.frag)
        try:
            self.reach((size - 1) // self.volume.sb.bsize)
            self._last_block(size)
        except KernelError:
            self.shorten(before)
            raise

    def _last_block(self, size: int) -> None:
        """The last block of a file is never a hole."""
        block, inside = divmod(size - 1, self.volume.sb.bsize)
        self.put(block, inside, zeros(1))

    def shorten(self, size: int) -> None:
        """Frees what is behind a size, also what an operation that failed left there. EIO."""
        sb, inode, volume = self.volume.sb, self.inode, self.volume
        if size == 0 and not any(inode.pointers):
            inode.size = 0
            return
        before = inode.size
        keep = -(-size // sb.bsize)
        self._clear_tail(size)
        self.map.trim(keep, self.drop_block)
        for block in range(min(keep, DIRECT), DIRECT):
            place = inode.pointers[block]
            if place:
                inode.pointers[block] = 0
                self.drop(place, self.block_bytes(block, before))
        if 0 < keep <= DIRECT and inode.pointers[keep - 1]:
            have, want = self.block_bytes(keep - 1, before), self.block_bytes(keep - 1, size)
            if want < have:
                self.drop(inode.pointers[keep - 1] + want // sb.fsize, have - want)
        inode.size = size
        volume.touch(inode)

    def _clear_tail(self, size: int) -> None:
        """Zeros behind the new end, in what stays allocated."""
        sb = self.volume.sb
        block, inside = divmod(size, sb.bsize)
        if inside == 0 or self.cached:
            return
        place = self.map.get(block)
        end = min(self.block_bytes(block, size), self.block_bytes(block, self.inode.size))
        if place and end > inside and any(self.volume.device.view(place * sb.fsize + inside, end - inside)):
            self.volume.device.write(place * sb.fsize + inside, zeros(end - inside))

    def drop(self, place: int, length: int) -> None:
        count = length // self.volume.sb.fsize
        if count:
            self.volume.free(place, count)
            self._count(-count)

    def drop_block(self, place: int) -> None:
        self.volume.free(place, self.volume.sb.frag)
        self._count(-self.volume.sb.frag)


def _padded(old: bytes, length: int, inside: int, piece: memoryview) -> bytearray:
    """A block of a length: what was there, then zeros, and a piece put into it."""
    whole = bytearray(length)
    whole[: len(old)] = old
    whole[inside : inside + len(piece)] = piece
    return whole

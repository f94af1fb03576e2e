"""Writing the contents of regular files: blocks are found or allocated, and data go straight to the device.

Bytes of a block that a file does not reach are zeros on the disk: what begins or ends inside of a new block is filled
up with them, and what a file grows over is zeroed first. A block is never mapped as written before its data are on
their way to the device, or in the transaction (`Transaction.keep`), and the barrier of the commit comes behind both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.host import Buffer

from .mapping import FileMap

if TYPE_CHECKING:
    from .inode import Inode
    from .writer import Writer

# Zeros are written in pieces of this size; data that are not longer than it are joined with the zeros around them.
_ZEROS = bytes(1 << 16)


class Content:
    """The contents of one file that is not inline. Callers are inside of an operation."""

    __slots__ = ("_goal", "_size", "_write", "inode", "map", "transaction", "writer")

    def __init__(self, writer: Writer, inode: Inode) -> None:
        self.writer = writer
        self.transaction = writer.transaction
        self.inode = inode
        self.map: FileMap = writer.file_map(inode)
        self._size = writer.volume.sb.block_size
        self._write = writer.device.write
        self._goal = 0

    @property
    def size_max(self) -> int:
        return min(self.map.blocks_max * self._size, (1 << 63) - 1)

    # -- writing

    def write(self, offset: int, data: Buffer) -> None:
        """Writes, and extends the file. ENOSPC, EIO."""
        view = memoryview(data)
        end = offset + len(view)
        if offset > self.inode.size:
            self._zero_tail(min(offset, self._up(self.inode.size)))
        at = offset
        while at < end:
            at += self._write_run(at, view[at - offset :])
        if at > self.inode.size:
            self.writer.resize(self.inode, at)

    def _write_run(self, at: int, data: memoryview) -> int:
        """Writes what lies in one extent or is to lie in a new one."""
        size = self._size
        block, inside = divmod(at, size)
        wanted = -(-(inside + len(data)) // size)
        run = self.map.find(block)
        count = min(run.length, wanted)
        length = min(count * size - inside, len(data))
        if run.block and not run.unwritten:
            self._store(run.block * size + inside, data[:length], ordered=at + length > self.inode.size)
            return length
        if run.block:
            place = run.block
            self.map.mark_written(block, count)
        else:
            place, count = self._allocate(block, count)
            length = min(count * size - inside, len(data))
        self._write_new(place * size, inside, data[:length], count * size)
        return length

    def _allocate(self, block: int, count: int, *, unwritten: bool = False) -> tuple[int, int]:
        writer = self.writer
        goal = self._goal
        if block:
            before = self.map.find(block - 1)
            goal = before.block + 1 if before.block else goal
        place, count = writer.blocks(self.inode).allocate(goal, count)
        self.map.insert(block, count, place, unwritten=unwritten)
        self._goal = place + count
        return place, count

    def _store(self, place: int, data: memoryview, *, ordered: bool) -> None:
        """Into blocks in use: to the device, but for what is kept; ``ordered``: it must not come after the commit."""
        transaction, size = self.transaction, self._size
        blocks = range(place // size, -(-(place + len(data)) // size))
        keep = ordered and transaction.keep(len(blocks) * size)
        if not keep and (not transaction.contents or transaction.contents.isdisjoint(blocks)):
            transaction.ordered |= ordered
            self._write(place, data)
            return
        for number in blocks:
            begin, end = max(place, number * size), min(place + len(data), (number + 1) * size)
            part = data[begin - place : end - place]
            if keep or number in transaction.contents:
                transaction.modify(number)[begin - number * size : end - number * size] = part
                transaction.contents.add(number)
            else:
                transaction.ordered |= ordered
                self._write(begin, part)

    def _write_new(self, place: int, inside: int, data: memoryview, room: int) -> None:
        """Data into blocks that were not in use: zeros around them."""
        transaction, size = self.transaction, self._size
        behind = room - inside - len(data)
        if transaction.keep(room):
            whole = b"".join((bytes(inside), data, bytes(behind)))
            for at in range(0, room, size):
                transaction.fresh((place + at) // size)[:] = whole[at : at + size]
                transaction.contents.add((place + at) // size)
            return
        transaction.ordered = True
        if not inside and not behind:
            self._write(place, data)
        elif room <= len(_ZEROS):
            self._write(place, b"".join((bytes(inside), data, bytes(behind))))
        else:
            self._zero(place, inside)
            self._write(place + inside, data)
            self._zero(place + inside + len(data), behind)

    def _zero(self, place: int, length: int) -> None:
        zeros = memoryview(_ZEROS)
        while length:
            part = min(length, len(zeros))
            self._write(place, zeros[:part])
            place += part
            length -= part

    def _up(self, offset: int) -> int:
        return -(-offset // self._size) * self._size

    def _zero_tail(self, end: int) -> None:
        """Zeros from the end of the file to ``end`` in the same block."""
        self._zero_range(self.inode.size, end)

    def _zero_range(self, begin: int, end: int) -> None:
        """Zeros inside of one block, where it has contents."""
        block, inside = divmod(begin, self._size)
        if begin < end:
            run = self.map.find(block)
            if run.block and not run.unwritten:
                self._store(run.block * self._size + inside, memoryview(_ZEROS)[: end - begin], ordered=True)

    # -- the size

    def truncate(self, size: int) -> None:
        """Cuts off or extends with a hole. EIO."""
        old = self.inode.size
        if size > old:
            self._zero_tail(min(size, self._up(old)))
            self.writer.resize(self.inode, size)
            return
        self._zero_range(size, self._up(size))
        self.writer.resize(self.inode, size)
        self.drop(self._up(size) // self._size)

    def drop(self, first: int) -> None:
        """Frees all blocks from one on, in steps; between them the inode is known as being cut."""
        self.writer.cut(self.inode, first)
        self._goal = 0

    # -- holes and room

    def allocate(self, offset: int, length: int) -> None:
        """Gives holes unwritten blocks (zeros where the map has no such thing), and extends the file. ENOSPC, EIO.

        Blocks behind the end may be unwritten only. So others make the file an orphan, to be cut to its size, until
        they are not behind it any more, and after a failure `undo_allocate` is due.
        """
        size, orphans = self._size, self.writer.orphans
        block, last = offset // size, -(-(offset + length) // size)
        unwritten = self.writer.has_extents(self.inode)
        if offset + length > self.inode.size:
            self._zero_tail(min(offset + length, self._up(self.inode.size)))
        while block < last:
            run = self.map.find(block)
            count = min(run.length, last - block)
            if not run.block:
                place, count = self._allocate(block, count, unwritten=unwritten)
                if not unwritten:
                    self.transaction.ordered = True
                    self._zero(place * size, count * size)
            block += count
            if not unwritten and block * size > self.inode.size:
                orphans.add(self.inode)
            self.transaction.part_done()
        if offset + length > self.inode.size:
            self.writer.resize(self.inode, offset + length)
        if self.inode.links:
            orphans.remove(self.inode)

    def undo_allocate(self) -> None:
        """Frees what is behind the end. EIO."""
        self.drop(self._up(self.inode.size) // self._size)
        if self.inode.links:
            self.writer.orphans.remove(self.inode)

    def discard(self, offset: int, length: int) -> None:
        """Makes a hole: whole blocks are freed, parts of blocks zeroed. EIO."""
        size = self._size
        end = offset + length
        first, last = -(-offset // size), end // size - 1
        if first > last + 1 or offset // size == end // size:
            self._zero_range(offset, end)
            return
        at = last
        while at >= first:
            at = self.map.remove(first, at)
            if at >= first:
                self.writer.transaction.part_done()
        # Last, since it is not undone.
        self._zero_range(offset, first * size)
        self._zero_range(end // size * size, end)

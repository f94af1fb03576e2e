"""What has arrived beyond a gap, and the blocks of it that are reported (RFC 2018, RFC 2883).

The queue is bounded by the window, since nothing outside of it gets here, and by ``limit`` bytes of memory, which each
piece rounds up; else single bytes with gaps between would take more memory than the socket buffer may.
"""

from __future__ import annotations

from bisect import bisect_left

from rumpnet.core.buffer import PIECE
from rumpuser.host import Buffer

BLOCKS = 4
Block = tuple[int, int]


class Reassembly:
    """Pieces that do not overlap, in order, and the newest blocks first."""

    __slots__ = ("_data", "_starts", "blocks", "count", "dsack")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._data: list[bytes] = []
        self.count = 0
        self.blocks: list[Block] = []
        self.dsack: Block | None = None
        """A range that came twice, to be reported once."""

    def __bool__(self) -> bool:
        return bool(self._starts)

    @property
    def kept(self) -> int:
        return self.count + PIECE * len(self._starts)

    def add(self, seq: int, data: Buffer, limit: int) -> None:
        """Takes what is new of a segment; what is there already is the duplicate to report."""
        begin, end = seq, seq + len(data)
        view = memoryview(data)
        index = bisect_left(self._starts, seq)
        if index and self._end(index - 1) > seq:
            index -= 1
        duplicate: Block | None = None
        while seq < end and self.kept < limit:
            if index < len(self._starts) and self._starts[index] <= seq:
                stop = min(self._end(index), end)
                if stop > seq:
                    duplicate = duplicate or (seq, stop)
                seq, index = max(seq, stop), index + 1
                continue
            stop = min(end, self._starts[index]) if index < len(self._starts) else end
            self._insert(index, seq, view[seq - begin : stop - begin])
            seq, index = stop, index + 1
        self.dsack = duplicate or self.dsack
        if seq > begin:
            self._report(begin, seq)

    def _insert(self, index: int, seq: int, data: memoryview) -> None:
        self._starts.insert(index, seq)
        self._data.insert(index, bytes(data))
        self.count += len(data)

    def _end(self, index: int) -> int:
        return self._starts[index] + len(self._data[index])

    def _report(self, begin: int, end: int) -> None:
        """Puts the block that a segment belongs to in front; blocks that it touches grow into one."""
        others = []
        for low, high in self.blocks:
            if low <= end and begin <= high:
                begin, end = min(begin, low), max(end, high)
            else:
                others.append((low, high))
        self.blocks = [(begin, end), *others[: BLOCKS - 1]]

    def take(self, rcv_nxt: int) -> list[Buffer]:
        """What follows ``rcv_nxt`` without a gap, which it gives up; blocks that are reached are no longer reported."""
        found: list[Buffer] = []
        taken = 0
        for start, data in zip(self._starts, self._data, strict=True):
            if start > rcv_nxt:
                break
            taken += 1
            self.count -= len(data)
            if start + len(data) > rcv_nxt:
                found.append(data[rcv_nxt - start :] if start < rcv_nxt else data)
                rcv_nxt = start + len(data)
        del self._starts[:taken], self._data[:taken]
        self.blocks = [block for block in self.blocks if block[1] > rcv_nxt]
        return found

    def clear(self) -> None:
        self._starts.clear()
        self._data.clear()
        self.blocks.clear()
        self.count = 0
        self.dsack = None

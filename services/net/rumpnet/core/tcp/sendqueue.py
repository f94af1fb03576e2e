"""The send queue: what was written and not yet acknowledged, as views by sequence number.

Pieces stay where they were written. A segment takes views of them, a retransmission takes views again, an
acknowledgment lets whole pieces go. Small writes are gathered in an open piece, which is closed as soon as a view of it
was given out, since bytes on their way must not move.
"""

from __future__ import annotations

from bisect import bisect_right

from rumpnet.core.buffer import PIECE, SMALL, owned
from rumpuser.host import Buffer

COMPACT = 64
"""Pieces that are gone stay in the lists until there are as many as this."""


class SendQueue:
    """Bytes from ``begin`` (oldest kept) to ``end`` (next to be written)."""

    __slots__ = ("_first", "_pieces", "_starts", "begin", "end", "kept")

    def __init__(self, begin: int) -> None:
        self.begin = self.end = begin
        self.kept = 0
        self._first = 0
        self._pieces: list[bytes | bytearray] = []
        self._starts: list[int] = []

    def __len__(self) -> int:
        return self.end - self.begin

    def append(self, data: Buffer) -> None:
        length = len(data)
        last = self._pieces[-1] if self._first < len(self._pieces) else None
        if type(last) is bytearray and len(last) + length <= SMALL:
            last += data
            self.kept += length
        else:
            self._pieces.append(bytearray(data) if length < SMALL else owned(data))
            self._starts.append(self.end)
            self.kept += length + PIECE
        self.end += length

    def views(self, seq: int, length: int) -> list[Buffer]:
        """The bytes from ``seq`` on, which must be there."""
        found: list[Buffer] = []
        index = bisect_right(self._starts, seq, self._first) - 1
        while length:
            piece = self._closed(index)
            offset = seq - self._starts[index]
            part = memoryview(piece)[offset : offset + length]
            found.append(part)
            length -= len(part)
            seq += len(part)
            index += 1
        return found

    def _closed(self, index: int) -> bytes:
        """A piece that does not grow any more."""
        piece = self._pieces[index]
        if type(piece) is bytearray:
            piece = self._pieces[index] = bytes(piece)
        return piece  # type: ignore[return-value]

    def drop(self, seq: int) -> None:
        """Lets go of what is before ``seq``."""
        self.begin = min(max(seq, self.begin), self.end)
        pieces, first = self._pieces, self._first
        while first < len(pieces) and self._starts[first] + len(pieces[first]) <= self.begin:
            self.kept -= len(pieces[first]) + PIECE
            pieces[first] = b""
            first += 1
        self._first = first
        if first == len(pieces) or first >= COMPACT:
            del pieces[:first], self._starts[:first]
            self._first = 0

    def clear(self) -> None:
        self._pieces.clear()
        self._starts.clear()
        self.begin = self.end
        self._first = self.kept = 0

"""Socket buffers: what has arrived and was not read yet (sbappend(9) and its kin).

A buffer is bounded in two ways: ``count`` bytes of data by ``hiwat``, and ``kept`` bytes of memory, which each piece
rounds up, by twice as much; else many empty datagrams would take memory without end. Data are kept as they came and
given out as views of that; only small pieces of a stream are joined.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.values import Cmsg, Sockaddr

PIECE = 256
"""Memory that a piece takes beside its data."""
SMALL = 2048
"""Pieces of a stream below this are joined while they fit into it."""


class Record(NamedTuple):
    """A datagram and who sent it, or what a stream has. ``flags`` are MSG_ flags for the receiver, ``control`` is
    for those who call recvmsg."""

    data: Buffer = b""
    name: Sockaddr | None = None
    flags: int = 0
    control: Sequence[Cmsg] = ()


def owned(data: Buffer) -> bytes:
    """The data as something that its sender cannot change any more."""
    return data if type(data) is bytes else bytes(data)


class SocketBuffer:
    """What both kinds have alike."""

    def __init__(self, hiwat: int) -> None:
        self.hiwat = hiwat
        self.count = 0
        self.kept = 0

    @property
    def space(self) -> int:
        """Bytes that still fit."""
        return max(0, min(self.hiwat - self.count, 2 * self.hiwat - self.kept))

    def fits(self, length: int) -> bool:
        """Whether a record does; into an empty buffer one of ``hiwat`` bytes always."""
        return self.count + length <= self.hiwat and self.kept + length <= 2 * self.hiwat

    def _grow(self, length: int) -> None:
        self.count += length
        self.kept += length + PIECE

    def _shrink(self, length: int) -> None:
        self.count -= length
        self.kept -= length + PIECE


class RecordBuffer(SocketBuffer):
    """Datagrams and records: each is read whole or cut short."""

    def __init__(self, hiwat: int) -> None:
        super().__init__(hiwat)
        self._records: deque[Record] = deque()

    def __bool__(self) -> bool:
        return bool(self._records)

    @property
    def first(self) -> int:
        """Length of the record that is read next."""
        return len(self._records[0].data) if self._records else 0

    def append(self, record: Record) -> None:
        self._records.append(record)
        self._grow(len(record.data))

    def take(self, *, peek: bool = False) -> Record:
        """The next record; there must be one."""
        if peek:
            return self._records[0]
        record = self._records.popleft()
        self._shrink(len(record.data))
        return record

    def control(self) -> Iterator[Cmsg]:
        """That of all records."""
        return (cmsg for record in self._records for cmsg in record.control)

    def clear(self) -> None:
        self._records.clear()
        self.count = self.kept = 0


class StreamBuffer(SocketBuffer):
    """Bytes without bounds between them. ``_begin`` bytes of the first piece have been read.

    Control data stand at a place in the stream (``_marks``, counted in bytes since its beginning): they are read with
    the byte there, and no read goes on over such a place.
    """

    def __init__(self, hiwat: int) -> None:
        super().__init__(hiwat)
        self._pieces: deque[bytes | bytearray] = deque()
        self._begin = 0
        self._taken = 0
        self._marks: deque[tuple[int, Sequence[Cmsg]]] = deque()

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def first(self) -> int:
        return self.count

    def append(self, data: Buffer) -> None:
        """Pieces are bytes, or a bytearray while small ones are gathered; no views are taken of those."""
        length = len(data)
        last = self._pieces[-1] if self._pieces else None
        if type(last) is bytearray and len(last) + length <= SMALL:
            last += data
            self.count += length
            self.kept += length
            return
        self._pieces.append(bytearray(data) if length < SMALL else owned(data))
        self._grow(length)

    def mark(self, control: Sequence[Cmsg]) -> None:
        """Control data for the byte that is appended next."""
        self._marks.append((self._taken + self.count, control))

    @property
    def at_mark(self) -> bool:
        """Whether there are control data for the byte that is read next."""
        return bool(self._marks) and self._marks[0][0] == self._taken

    def take_mark(self, *, peek: bool = False) -> Sequence[Cmsg]:
        """The control data of the byte that is read next."""
        if not self.at_mark:
            return ()
        return self._marks[0][1] if peek else self._marks.popleft()[1]

    def control(self) -> Iterator[Cmsg]:
        return (cmsg for _, control in self._marks for cmsg in control)

    def take(self, length: int, *, peek: bool = False) -> Buffer:
        """At most ``length`` bytes: as much of the first piece or, where there is room for more, of all."""
        length = min(length, self.count)
        if self._marks:
            bounds = (place - self._taken for place, _ in self._marks)
            length = min(length, next((bound for bound in bounds if bound > 0), length))
        parts: list[Buffer] = []
        begin = self._begin
        for piece in self._pieces:
            part = _part(piece, begin, length)
            parts.append(part)
            length -= len(part)
            begin = 0
            if not length:
                break
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if not peek:
            self._drop(len(data))
        return data

    def clear(self) -> None:
        self._pieces.clear()
        self._marks.clear()
        self._begin = self.count = self.kept = 0

    def _drop(self, length: int) -> None:
        self.count -= length
        self._taken += length
        length += self._begin
        while self._pieces and length >= len(self._pieces[0]):
            gone = len(self._pieces.popleft())
            length -= gone
            self.kept -= gone + PIECE
        self._begin = length


def _part(piece: bytes | bytearray, begin: int, length: int) -> Buffer:
    if type(piece) is bytes:
        return piece if not begin and length >= len(piece) else memoryview(piece)[begin : begin + length]
    return bytes(memoryview(piece)[begin : begin + length])

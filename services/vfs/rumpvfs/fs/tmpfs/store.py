"""The contents of a tmpfs file: chunks by number; a chunk that is not there is a hole.

A chunk holds at most `CHUNK` bytes and may be shorter (small files take what they need); what is missing behind its
end is zero. A chunk never changes its length, since somebody may look at it through a memoryview; one that grows is
replaced.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.host import Buffer
from rumpuser.landing import buffer_for
from rumpwire.errno import Errno, KernelError

SHIFT = 16
CHUNK = 1 << SHIFT
SMALLEST = 512
READ_MAX = 64 << 20
"""A read of more is answered in part: a file may be a hole of any size."""

_ZEROS = memoryview(bytes(CHUNK))


class Store:
    """Bytes with holes. ``reserve`` is asked for memory, and told when some is free (negative)."""

    __slots__ = ("_reserve", "allocated", "chunks", "size")

    def __init__(self, reserve: Callable[[int], bool]) -> None:
        self.chunks: dict[int, bytearray] = {}
        self.size = 0
        self.allocated = 0
        self._reserve = reserve

    def read(self, offset: int, length: int) -> Buffer:
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        index, start = offset >> SHIFT, offset & CHUNK - 1
        stop = start + end - offset
        if stop <= CHUNK:
            return self._piece(index, start, stop)
        end = min(end, offset + READ_MAX)
        out = buffer_for(length, end - offset)
        at, total = 0, end - offset
        while at < total:
            stop = min(CHUNK, start + total - at)
            chunk = self.chunks.get(index, b"")
            found = min(len(chunk), stop) - start
            if found > 0:
                out[at : at + found] = memoryview(chunk)[start : start + found]
            at += max(found, 0)
            missing = stop - start - max(found, 0)
            out[at : at + missing] = _ZEROS[:missing]
            at += missing
            index, start = index + 1, 0
        return out

    def _piece(self, index: int, start: int, stop: int) -> Buffer:
        chunk = self.chunks.get(index)
        if chunk is None:
            return _ZEROS[start:stop]
        if stop <= len(chunk):
            return memoryview(chunk)[start:stop].toreadonly()
        return bytes(chunk[start:stop]).ljust(stop - start, b"\0")

    def write(self, offset: int, data: Buffer) -> None:
        """All or nothing. ENOSPC."""
        view = memoryview(data)
        end = offset + len(view)
        if offset >> SHIFT == (end - 1) >> SHIFT:
            start = offset & CHUNK - 1
            self._chunk(offset >> SHIFT, start + len(view))[start : start + len(view)] = view
        else:
            self._write_many(offset, view)
        self.size = max(self.size, end)

    def _write_many(self, offset: int, view: memoryview) -> None:
        grown = self._missing(offset, offset + len(view))
        if not self._reserve(grown):
            raise KernelError(Errno.ENOSPC)
        self._reserve(-grown)
        at = 0
        while at < len(view):
            index, start = (offset + at) >> SHIFT, (offset + at) & CHUNK - 1
            length = min(CHUNK - start, len(view) - at)
            self._chunk(index, start + length)[start : start + length] = view[at : at + length]
            at += length

    def _missing(self, offset: int, end: int) -> int:
        """How many bytes of memory a write would take."""
        total = 0
        for index in range(offset >> SHIFT, ((end - 1) >> SHIFT) + 1):
            chunk = self.chunks.get(index)
            need = _capacity(min(end - (index << SHIFT), CHUNK))
            total += max(0, need - (len(chunk) if chunk is not None else 0))
        return total

    def _chunk(self, index: int, length: int) -> bytearray:
        """A chunk of at least a length. ENOSPC."""
        chunk = self.chunks.get(index)
        if chunk is not None and len(chunk) >= length:
            return chunk
        capacity = _capacity(length)
        grown = capacity - (len(chunk) if chunk is not None else 0)
        if not self._reserve(grown):
            raise KernelError(Errno.ENOSPC)
        self.allocated += grown
        new = self.chunks[index] = bytearray(capacity)
        if chunk is not None:
            new[: len(chunk)] = chunk
        return new

    def truncate(self, size: int) -> None:
        if size < self.size:
            self.discard(size, self.size - size)
        self.size = size

    def discard(self, offset: int, length: int) -> None:
        """Makes a hole; the size stays."""
        end = offset + length
        first = -(-offset >> SHIFT)
        last = end >> SHIFT if end < self.size else (max(end, self.size) >> SHIFT) + 1
        if last - first > len(self.chunks):
            whole = [index for index in self.chunks if first <= index < last]
        else:
            whole = [index for index in range(first, last) if index in self.chunks]
        for index in whole:
            gone = len(self.chunks.pop(index))
            self.allocated -= gone
            self._reserve(-gone)
        for index in {offset >> SHIFT, end >> SHIFT}:
            self._clear(index, max(offset - (index << SHIFT), 0), end - (index << SHIFT))

    def _clear(self, index: int, start: int, stop: int) -> None:
        chunk = self.chunks.get(index)
        if chunk is not None and start < stop:
            stop = min(stop, len(chunk))
            if start < stop:
                chunk[start:stop] = _ZEROS[: stop - start]

    def allocate(self, offset: int, length: int, limit: int) -> None:
        """Fills the holes of a range with zeros. ENOSPC, before anything is done."""
        first, last = offset >> SHIFT, (offset + length - 1) >> SHIFT
        if last - first >= limit >> SHIFT:
            raise KernelError(Errno.ENOSPC)
        missing = [index for index in range(first, last + 1) if len(self.chunks.get(index, b"")) < CHUNK]
        if not self._reserve(len(missing) << SHIFT):
            raise KernelError(Errno.ENOSPC)
        self._reserve(-(len(missing) << SHIFT))
        for index in missing:
            self._chunk(index, CHUNK)
        self.size = max(self.size, offset + length)

    def seek(self, offset: int, *, hole: bool) -> int:
        """Where data, or a hole, begin from an offset below the size on. ENXIO when there are no more data."""
        index = offset >> SHIFT
        if hole:
            while index in self.chunks:
                index += 1
            return min(max(offset, index << SHIFT), self.size)
        if index in self.chunks:
            return offset
        later = [i for i in self.chunks if i > index]
        if not later:
            raise KernelError(Errno.ENXIO)
        return min(later) << SHIFT

    def clear(self) -> None:
        self._reserve(-self.allocated)
        self.chunks.clear()
        self.size = self.allocated = 0


def _capacity(length: int) -> int:
    """Powers of two, so that a file that grows by appending is copied a few times only."""
    return CHUNK if length > CHUNK // 2 else max(SMALLEST, 1 << (length - 1).bit_length())

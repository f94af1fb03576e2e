"""A disk that remembers in which order it was written, and what may be left of that when the power goes."""

from __future__ import annotations

import random
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError


class MemoryDisk:
    """A block device in memory. ``fail`` says (from outside) which writes and flushes fail with EIO."""

    readonly = False
    name = "disk"

    def __init__(self, contents: Buffer) -> None:
        self.contents = bytearray(contents)
        self._view = memoryview(self.contents)
        self.size = len(self.contents)
        self.fail = False

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return self._view[offset : offset + length].toreadonly()

    def write(self, offset: int, data: Buffer) -> None:
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{len(data)} bytes at {offset} of {self.size}")
        if self.fail:
            raise KernelError(Errno.EIO, "the disk fails")
        self._view[offset : offset + len(data)] = data

    def flush(self) -> None:
        if self.fail:
            raise KernelError(Errno.EIO, "the disk fails")

    def close(self) -> None: ...


class Write(NamedTuple):
    """One write, or (with no data) a flush."""

    offset: int
    data: bytes


class RecordingDisk(MemoryDisk):
    """Remembers all writes and flushes from a first state on."""

    def __init__(self, contents: Buffer) -> None:
        super().__init__(contents)
        self.first = bytes(contents)
        self.log: list[Write] = []

    def write(self, offset: int, data: Buffer) -> None:
        super().write(offset, data)
        self.log.append(Write(offset, bytes(data)))

    def flush(self) -> None:
        super().flush()
        self.log.append(Write(0, b""))


class Cuts:
    """The states that a disk may be found in. What was written before a flush is there; of what came behind the last
    one any part may be, in pieces of ``unit`` bytes."""

    def __init__(self, disk: RecordingDisk, unit: int) -> None:
        self._log = disk.log
        self._unit = unit
        self._stable = bytearray(disk.first)
        self._at = 0

    def state(self, end: int, generator: random.Random) -> bytearray:
        """After ``end`` entries of the log; ``end`` grows from call to call."""
        begin = max((i + 1 for i in range(self._at, end) if not self._log[i].data), default=self._at)
        for write in self._log[self._at : begin]:
            self._stable[write.offset : write.offset + len(write.data)] = write.data
        self._at = begin
        image = bytearray(self._stable)
        pieces = [piece for write in self._log[begin:end] for piece in self._pieces(write)]
        kind = generator.randrange(4)
        if kind == 1:
            pieces = [piece for piece in pieces if generator.random() < 0.5]
        elif kind == 2 and pieces:
            del pieces[generator.randrange(len(pieces))]
        elif kind == 3:
            pieces = pieces[-1:]
        for offset, data in pieces:
            image[offset : offset + len(data)] = data
        return image

    def _pieces(self, write: Write) -> list[Write]:
        """Up to the borders of units on the disk."""
        pieces, at = [], 0
        while at < len(write.data):
            length = min(self._unit - (write.offset + at) % self._unit, len(write.data) - at)
            pieces.append(Write(write.offset + at, write.data[at : at + length]))
            at += length
        return pieces

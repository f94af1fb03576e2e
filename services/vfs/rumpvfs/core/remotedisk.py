"""Disks of the device faction whose bytes are nowhere to be mapped: cgd, raid, and what other drivers compute.

File system drivers are synchronous, so calls of a file system on such a disk run in a worker, which waits for dev while
the rest of vfs goes on (`rumpvfs.core.gates`). The cache has pieces of 64 KiB, the least recently used go first;
reading on where the last read ended fetches more and more of them at once. Writes go to dev at once and change the
cache with it. What others write to the device meanwhile is not seen: a mounted disk belongs to its mount.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rumpuser.host import Buffer
from rumpvfs.core.disk import Disk
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError

PIECE = 1 << 16
PIECES = 256
"""What the cache of one disk holds: 16 MiB."""
WINDOW_MAX = 16
"""Pieces that are fetched at once, 1 MiB: far below what a message holds."""
TRANSFER = PIECE * WINDOW_MAX
"""Bytes that are written at once."""
PASSED_ON = (Errno.EIO, Errno.ENOSPC, Errno.EROFS)
"""What a driver may say of its medium; everything else means that the disk is gone, which is EIO to a file system."""

Ask = Callable[..., Any]
_PREAD, _PWRITE, _FSYNC, _CLOSE = OPS["pread"], OPS["pwrite"], OPS["fsync"], OPS["close"]


class RemoteDisk(Disk):
    """The disk behind ``handle`` of dev, which is closed with it."""

    slow = True

    def __init__(self, ask: Ask, handle: int, name: str, size: int, *, readonly: bool) -> None:
        """``ask`` is `Gates.ask`, or the like."""
        super().__init__()
        self.name = name
        self.size = size
        self.readonly = readonly
        self._dev = ask
        self._handle = handle
        self._pieces: OrderedDict[int, bytearray] = OrderedDict()
        self._next = -1
        self._window = 1
        self._hung = False

    def view(self, offset: int, length: int) -> memoryview:
        self.check(offset, length)
        if not length:
            return memoryview(b"")
        first, last = offset // PIECE, (offset + length - 1) // PIECE
        at = offset - first * PIECE
        if first == last:
            return memoryview(self._piece(first, last))[at : at + length].toreadonly()
        gathered = bytearray(length)
        have = 0
        for index in range(first, last + 1):
            part = memoryview(self._piece(index, last))[at : at + length - have]
            gathered[have : have + len(part)] = part
            have, at = have + len(part), 0
        return memoryview(gathered).toreadonly()

    def write(self, offset: int, data: Buffer) -> None:
        source = memoryview(data).cast("B")
        self.check_write(offset, len(source))
        while source:
            try:
                count = self._ask(_PWRITE, source[:TRANSFER], offset)
                if not 0 < count <= len(source):
                    raise KernelError(Errno.EIO, f"{self.name}: {count} of {len(source)} bytes were written")
            except KernelError:
                self._forget(offset, min(len(source), TRANSFER))  # nobody knows what is there now
                raise
            self._change(offset, source[:count])
            offset, source = offset + count, source[count:]

    def flush(self) -> None:
        if not self.readonly:
            self._ask(_FSYNC)

    def changed_behind(self) -> None:
        self._pieces.clear()
        self._next = -1

    def close(self) -> None:
        self._pieces.clear()
        with contextlib.suppress(KernelError):  # with dev the handle is gone too
            self._ask(_CLOSE)
        super().close()

    # -- the cache

    def _piece(self, index: int, last: int) -> bytearray:
        """One piece; ``last`` is the last one that will be asked for."""
        piece = self._pieces.get(index)
        if piece is None:
            return self._fetch(index, last)
        self._pieces.move_to_end(index)
        return piece

    def _fetch(self, index: int, last: int) -> bytearray:
        self._window = min(self._window * 2, WINDOW_MAX) if index == self._next else 1
        count = min(max(self._window, last - index + 1), WINDOW_MAX)
        data = memoryview(self._read(index * PIECE, min(count * PIECE, self.size - index * PIECE)))
        for number in range(-(-len(data) // PIECE)):
            self._pieces[index + number] = bytearray(data[number * PIECE : (number + 1) * PIECE])
            self._pieces.move_to_end(index + number)
        self._next = index + count
        found = self._pieces[index]
        while len(self._pieces) > PIECES:
            self._pieces.popitem(last=False)
        return found

    def _read(self, offset: int, length: int) -> Buffer:
        data: Buffer = self._ask(_PREAD, length, offset)
        while len(data) < length:
            more = self._ask(_PREAD, length - len(data), offset + len(data))
            if not len(more):
                raise KernelError(Errno.EIO, f"{self.name}: the device is shorter than it was")
            data = b"".join((data, more))
        return data

    def _change(self, offset: int, data: memoryview) -> None:
        while data:
            index, at = divmod(offset, PIECE)
            part = data[: PIECE - at]
            piece = self._pieces.get(index)
            if piece is not None:
                piece[at : at + len(part)] = part
            offset, data = offset + len(part), data[len(part) :]

    def _forget(self, offset: int, length: int) -> None:
        for index in range(offset // PIECE, (offset + length - 1) // PIECE + 1):
            self._pieces.pop(index, None)

    # -- dev

    def _ask(self, op: Any, *args: Any) -> Any:
        """EIO, ENOSPC, EROFS. A dev that did not answer once is not asked again: what it still does is unknown."""
        if self._hung:
            raise KernelError(Errno.EIO, f"{self.name}: the device faction did not answer in time", "vfs")
        try:
            return self._dev("dev", op, self._handle, *args)
        except KernelError as error:
            self._hung = error.errno == Errno.ETIMEDOUT
            if error.errno in PASSED_ON:
                raise
            raise KernelError(Errno.EIO, f"{self.name}: {error.text or error.name}", "vfs") from error

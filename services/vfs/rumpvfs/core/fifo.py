"""Fifos (mkfifo(2)): a byte queue between those who opened the node for reading and those who opened it for writing.

Opening waits for the other side, unless O_NONBLOCK says otherwise (then a writer without readers gets ENXIO). Writes
of at most PIPE_BUF bytes are done whole or not at all.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.pending import Channel, Timers
from rumpuser.readiness import ANY, IN, OUT, Measure, Measured, Selinfo
from rumpvfs.core.file import OpenFile
from rumpvfs.core.vnode import Vnode
from rumpwire import const
from rumpwire.errno import Errno, KernelError

CAPACITY = 16384
"""What fits between writer and reader (PIPE_SIZE of NetBSD)."""


class Fifo:
    """The queue of a node, while anybody has it open. ``opens`` counts all openings of a side, ever."""

    __slots__ = ("changed", "data", "opens", "readers", "selinfo", "writers")

    def __init__(self, timers: Timers) -> None:
        self.selinfo = Selinfo()
        self.data = bytearray()
        self.readers = 0
        self.writers = 0
        self.opens = [0, 0]
        self.changed = Channel(timers)

    def count(self, file: FifoFile, by: int) -> None:
        if file.readable:
            self.readers += by
            self.opens[0] += by > 0
        if file.writable:
            self.writers += by
            self.opens[1] += by > 0
        self.changed.wake()
        self.selinfo.notify(ANY)


class FifoFile(Measured, OpenFile):
    """One end of a fifo, or both."""

    __slots__ = ("fifo", "fifos")

    def __init__(self, vnode: Vnode, flags: int, fifos: dict[Vnode, Fifo], timers: Timers) -> None:
        fifo = fifos.get(vnode.base())
        mode = flags & const.O_ACCMODE
        if mode == const.O_WRONLY and flags & const.O_NONBLOCK and (fifo is None or not fifo.readers):
            raise KernelError(Errno.ENXIO, "nobody reads")
        if fifo is None:
            fifo = fifos[vnode.base()] = Fifo(timers)
        super().__init__(vnode, flags)
        self.fifo = fifo
        self.fifos = fifos
        fifo.count(self, 1)

    @property
    def alone(self) -> bool:
        """Whether opening has to wait for the other side."""
        if self.flags & const.O_NONBLOCK or (self.readable and self.writable):
            return False
        return not (self.fifo.writers if self.readable else self.fifo.readers)

    async def meet(self, ctx: Context) -> None:
        """Waits for the other side, also for one that is gone again by the time we look. EINTR."""
        side = 1 if self.readable else 0
        before = self.fifo.opens[side]
        try:
            while self.alone and self.fifo.opens[side] == before:
                await self.fifo.changed.wait()
        except BaseException:
            self.close(ctx)
            raise

    def close(self, ctx: Context) -> None:
        fifo = self.fifo
        fifo.count(self, -1)
        if not fifo.readers and not fifo.writers:
            for key in [key for key, value in self.fifos.items() if value is fifo]:
                del self.fifos[key]
        super().close(ctx)

    # -- data

    def read(self, ctx: Context, length: int) -> Buffer | Coroutine[Any, Any, Buffer]:
        self.need_read()
        if self.fifo.data or not length or not self.fifo.writers:
            return self._take(length)
        if self.flags & const.O_NONBLOCK:
            raise KernelError(Errno.EAGAIN)
        return self._read(length)

    async def _read(self, length: int) -> Buffer:
        while not self.fifo.data and self.fifo.writers:
            await self.fifo.changed.wait()
        return self._take(length)

    def _take(self, length: int) -> bytes:
        data = self.fifo.data
        taken = bytes(data[:length])
        del data[:length]
        if taken:
            self.fifo.changed.wake()
            self.fifo.selinfo.notify(OUT)
        return taken

    def write(self, ctx: Context, data: Buffer) -> int | Coroutine[Any, Any, int]:
        self.need_write()
        if not len(data):
            return 0
        count = self._put(data)
        if count == len(data):
            return count
        if self.flags & const.O_NONBLOCK:
            if not count:
                raise KernelError(Errno.EAGAIN)
            return count
        return self._write(memoryview(data), count)

    async def _write(self, data: memoryview, count: int) -> int:
        while count < len(data):
            try:
                await self.fifo.changed.wait()
                count += self._put(data[count:])
            except KernelError:
                if count:
                    return count
                raise
        return count

    def _put(self, data: Buffer) -> int:
        """As much as fits, all or nothing for a short write. EPIPE."""
        if not self.fifo.readers:
            raise KernelError(Errno.EPIPE)
        room = CAPACITY - len(self.fifo.data)
        if room < len(data) <= const.PIPE_BUF:
            return 0
        count = min(room, len(data))
        self.fifo.data += memoryview(data)[:count]
        if count:
            self.fifo.changed.wake()
            self.fifo.selinfo.notify(IN)
        return count

    def available(self) -> int:
        return len(self.fifo.data)

    # -- readiness

    @property
    def selinfo(self) -> Selinfo:
        return self.fifo.selinfo

    def measure(self, filter: int) -> Measure | None:
        fifo = self.fifo
        if filter == const.EVFILT_READ and self.readable:
            return Measure(len(fifo.data), eof=not fifo.writers)
        if filter == const.EVFILT_WRITE and self.writable:
            return Measure(CAPACITY - len(fifo.data), const.PIPE_BUF, eof=not fifo.readers)
        return None

"""Connections: two copies, one for each direction, which end apart. One piece under way for each is what they take."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import os
import socket
from typing import Any

import rump
from rumpclients._ends import PIECE, gone
from rumpclients.hijack.endpoint import Endpoint, Network, Shape, number_of
from rumpclients.hijack.task import Task

_FILLING = bytes(1 << 19)


class State(enum.Enum):
    NEW = enum.auto()
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    LISTENING = enum.auto()
    DEAD = enum.auto()
    """An attempt to connect that the program did not wait for has failed."""


class Stream(Endpoint):
    def __init__(self, net: Network, fd: int, shape: Shape) -> None:
        super().__init__(net, fd, shape)
        self.state = State.NEW
        self.attempt: asyncio.Task[int] | None = None
        self._filled = 0
        self._gone = False
        self._sent_all = False

    # -- connecting

    def connect(self, task: Task, fd: int, name: Any, *, blocking: bool) -> asyncio.Task[int]:
        """Begins to connect: a task that ends with 0 or an errno.

        Who does not wait for it asks whether the socket is writable, which it must not be until then: it is filled up.
        """
        self.state = State.CONNECTING
        if not blocking:
            self._fill(task, fd)
        self.attempt = self.net.spawn(self._connect(name), self)
        return self.attempt

    def _fill(self, task: Task, fd: int) -> None:
        theirs = task.duplicate(fd)
        if theirs is None:
            return
        with theirs:
            try:
                while True:
                    self._filled += theirs.send(_FILLING, socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass

    def _drain(self) -> None:
        while self._filled:
            self._filled -= len(self.ours.recv(self._filled))

    async def _connect(self, name: Any) -> int:
        try:
            await self.net.sys.connect(self.fd, name)
        except OSError as error:
            return self._refused(number_of(error))
        if self.ours.fileno() >= 0:
            self._drain()
            self.begin()
        return 0

    def _refused(self, number: int) -> int:
        self.state = State.NEW
        if self._filled and self.ours.fileno() >= 0:
            self.state = State.DEAD
            self.error = number
            self.close_ours()  # with what is unread in it, which makes poll tell of an error
        return number

    async def renew(self, *, blocking: bool) -> socket.socket:
        """Another pair, and another socket of the kernel, after an attempt that failed: the program's new end."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            with gone():
                await self.net.sys.close(fd)
        self.net.endpoints.pop(self.inode, None)
        self.fd = await self.net.sys.socket(*self.shape)
        self.state, self._filled, self.error = State.NEW, 0, 0
        return self.pair(blocking=blocking)

    # -- carrying

    def begin(self) -> None:
        """It is connected."""
        self.state = State.CONNECTED
        self.tasks = [self.net.spawn(work, self) for work in (self._outgoing(), self._incoming())]

    def hung_up(self) -> None:
        """Closed by the program, or ended both ways. What the program has sent before is still sent on."""
        self._gone = True
        if self.state != State.CONNECTED or self._sent_all:
            self.finish()

    async def _outgoing(self) -> None:
        try:
            while data := await self._read():
                view = memoryview(data)
                while view:
                    view = view[await self.net.sys.write(self.fd, view) :]
        except OSError as error:
            self._broken(error)
            return
        if self.ours.fileno() >= 0 and self.closed():  # not in two steps: SO_LINGER may make a reset of it
            self.finish()
            return
        with gone():
            await self.net.sys.shutdown(self.fd, socket.SHUT_WR)
        self._sent_all = True
        if self._gone:
            self.finish()

    async def _read(self) -> bytes:
        try:
            return self.ours.recv(PIECE)
        except BlockingIOError:
            return await self.net.loop.sock_recv(self.ours, PIECE)

    async def _incoming(self) -> None:
        sys, fd = self.net.sys, self.fd
        try:
            data = await sys.read(fd, PIECE)
            while data:
                sent = self._send(data)
                if sent == len(data):
                    data = await sys.read(fd, PIECE)
                else:  # the program has enough for now: meanwhile the next piece is on its way
                    ahead = self.net.loop.create_task(sys.read(fd, PIECE))
                    try:
                        await self.net.loop.sock_sendall(self.ours, memoryview(data)[sent:])
                        data = await ahead
                    finally:
                        ahead.cancel()
            self.ours.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._broken(error)

    def _send(self, data: bytes) -> int:
        try:
            return self.ours.send(data)
        except BlockingIOError:
            return 0

    def _broken(self, error: OSError) -> None:
        """A direction has failed, on the kernel's side or on the program's."""
        if isinstance(error, rump.RumpError):
            self.error = number_of(error)
            if self.error != errno.EPIPE:
                self._tell_reset()
            self.finish()
        elif error.errno == errno.EPIPE and not self._gone:
            self.net.spawn(self._not_read(), self)
        elif self.ours.fileno() >= 0:
            self.finish(reset=True)

    def fail(self) -> None:
        if self.ours.fileno() >= 0:
            self.error = errno.ECONNRESET
            self._tell_reset()
        super().fail()

    async def _not_read(self) -> None:
        """The program has shut down reading; what still comes is the kernel's to throw away."""
        with gone():
            await self.net.sys.shutdown(self.fd, socket.SHUT_RD)

    def _tell_reset(self) -> None:
        """Has reads and writes of the program fail with ECONNRESET: an end that is closed with data unread does so."""
        theirs = self.held()
        if theirs is not None:
            with theirs, contextlib.suppress(OSError):
                theirs.send(b"\0", socket.MSG_DONTWAIT)

    async def shut_down(self, how: int) -> None:
        """ENOTCONN, of one that is not connected. Connected ones are shut down by Linux, and we see it."""
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

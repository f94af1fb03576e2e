"""Listening sockets. The kernel's connections are taken as they come; for each the program's end has a byte to read."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections import deque

from rumpclients._ends import end_if_lost
from rumpclients.hijack.endpoint import Network
from rumpclients.hijack.stream import State, Stream
from rumpclients.hijack.task import Task

PAUSE_S = 0.1
MOST = 1024


class Backlog:
    """``put_back`` is for those that the program could not take."""

    def __init__(self, net: Network, stream: Stream, length: int) -> None:
        self._net = net
        self._stream = stream
        self._queue: deque[tuple[Stream, socket.socket]] = deque()
        self._some = asyncio.Condition()
        self._space = asyncio.Semaphore(max(1, min(length, MOST)))
        stream.tasks.append(net.spawn(self._run(), stream))

    async def _run(self) -> None:
        while True:
            await self._space.acquire()
            fd, name = await self._accepted()
            peer = Stream(self._net, fd, self._stream.shape)
            peer.peer = name
            theirs = peer.pair(blocking=True)
            peer.begin()
            self._queue.append((peer, theirs))
            with contextlib.suppress(OSError):
                self._stream.ours.send(b"\0")
            async with self._some:
                self._some.notify()

    async def _accepted(self) -> tuple[int, object]:
        while True:
            try:
                return await self._net.sys.accept(self._stream.fd)
            except OSError as error:
                end_if_lost(error)
                if error.errno != errno.ECONNABORTED:
                    await asyncio.sleep(PAUSE_S)

    def __bool__(self) -> bool:
        return bool(self._queue)

    async def wait(self) -> None:
        async with self._some:
            await self._some.wait_for(lambda: self._queue)

    def take(self, task: Task, fd: int) -> tuple[Stream, socket.socket]:
        """The next connection and the program's end of it."""
        found = self._queue.popleft()
        self._space.release()
        theirs = task.duplicate(fd)
        if theirs is not None:
            with theirs, contextlib.suppress(OSError):
                theirs.recv(1, socket.MSG_DONTWAIT)
        return found

    def put_back(self, found: tuple[Stream, socket.socket]) -> None:
        self._queue.appendleft(found)
        with contextlib.suppress(OSError):
            self._stream.ours.send(b"\0")

    def close(self) -> None:
        """Resets those that nobody took."""
        while self._queue:
            peer, theirs = self._queue.popleft()
            theirs.close()
            peer.finish(reset=True)


class Listening(Stream):
    """A stream that may listen."""

    backlog: Backlog | None = None

    async def listen(self, length: int) -> None:
        await self.net.sys.listen(self.kernel(), length)
        if self.backlog is None:
            self.state = State.LISTENING
            self.backlog = Backlog(self.net, self, length)

    def finish(self, *, reset: bool = False) -> None:
        if self.backlog is not None:
            self.backlog.close()
        super().finish(reset=reset)

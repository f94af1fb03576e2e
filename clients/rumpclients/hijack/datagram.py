"""Sockets for datagrams. The pair is SEQPACKET: it keeps messages apart, and tells when the program closes its end.

What is sent to nobody in particular goes natively. What has an address is trapped: sent at once; received out of the
pair by us, since its sender is not in there. Senders stand in a queue of ours beside the datagrams in the pair's; how
many of those a native read has taken meanwhile is seen by the memory that is still charged to our end.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import functools
import os
import socket
import struct
import termios
from collections import deque
from typing import Any, NamedTuple

import rump
from rumpclients._ends import DATAGRAM, MANY, gone
from rumpclients.hijack.endpoint import Endpoint, Network, Shape, number_of
from rumpclients.hijack.task import Task

_INT = struct.Struct("i")
_BUFFER = 1 << 18


class Received(NamedTuple):
    data: bytes
    name: Any


class Waiting(NamedTuple):
    """A datagram in the pair. ``error``: it is an empty one that stands for an error."""

    charge: int
    name: Any
    error: int = 0


def _charged(s: socket.socket) -> int:
    """Bytes of memory that what was sent and not yet received takes."""
    found: int = _INT.unpack(fcntl.ioctl(s, termios.TIOCOUTQ, bytes(_INT.size)))[0]
    return found


@functools.lru_cache(4096)
def charge(length: int) -> int:
    """What a datagram of that length is charged for."""
    one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, two:
        one.send(bytes(length))
        return _charged(one)


class Datagram(Endpoint):
    pair_kind = socket.SOCK_SEQPACKET

    def __init__(self, net: Network, fd: int, shape: Shape) -> None:
        super().__init__(net, fd, shape)
        self._waiting: deque[Waiting] = deque()
        self._some = asyncio.Condition()
        self.delivered = 0
        self._receiving = False
        self._connected = False

    def pair(self, *, blocking: bool) -> socket.socket:
        theirs = super().pair(blocking=blocking)
        for end in (self.ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.tasks.append(self.net.spawn(self._outgoing(), self))
        return theirs

    def receive_from_now(self) -> None:
        """It has an address, so that something may come."""
        if not self._receiving:
            self._receiving = True
            self.tasks.append(self.net.spawn(self._incoming(), self))

    async def bind(self, name: Any) -> None:
        await super().bind(name)
        self.receive_from_now()

    async def connect(self, name: Any) -> None:
        """With None: to nobody any more."""
        await self.net.sys.connect(self.kernel(), name)
        self._connected = name is not None
        self.peer = self.local = None
        self.receive_from_now()

    # -- from the program

    async def _outgoing(self) -> None:
        while True:
            many = [await self._read()]
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                while len(many) < MANY and many[-1]:
                    many.append(self.ours.recv(DATAGRAM))
            if not many[-1] and self.closed():
                many.pop()
                await self._send_many(many)
                self.finish()
                return
            await self._send_many(many)

    def hung_up(self) -> None:
        """What was sent before is still to be sent on: the copy sees the end."""

    async def _read(self) -> bytes:
        try:
            return await self.net.loop.sock_recv(self.ours, DATAGRAM)
        except ConnectionResetError:  # closed by the program, with datagrams that it has not read
            return b""

    async def _send_many(self, many: list[bytes]) -> None:
        while many and self._connected:
            try:
                count = await self.net.sys.sendmmsg(self.fd, [rump.Msghdr(None, data) for data in many])
            except OSError as error:
                await self._failed(number_of(error))
                count = 1
            many = many[count:]

    async def send(self, data: bytes, name: Any, flags: int) -> int:
        """One with an address. As sendto."""
        sent = await self.net.sys.sendto(self.kernel(), data, flags, name)
        self.receive_from_now()
        return sent

    # -- to the program

    async def _incoming(self) -> None:
        while True:
            try:
                many = await self.net.sys.recvmmsg(self.fd, MANY, DATAGRAM, rump.MSG_WAITFORONE)
            except OSError as error:
                if error.errno != errno.ENOLINK:  # net was replaced while this waited; the socket has come back
                    await self._failed(number_of(error))
                continue
            for message in many:
                self._deliver(message.data, Waiting(charge(len(message.data)), message.msg_name))
            await self.tell()

    async def tell(self) -> None:
        """Those who wait for datagrams look again."""
        async with self._some:
            self._some.notify_all()

    def _deliver(self, data: bytes, waiting: Waiting) -> None:
        """When there is no room, or the program does not want it, it is lost, as datagrams are."""
        with contextlib.suppress(OSError):
            self.ours.send(data)
            self._waiting.append(waiting)
            self.delivered += 1

    async def _failed(self, number: int) -> None:
        """An error that came back (ICMP). Who polls sees something to read."""
        self.error = number
        self._deliver(b"", Waiting(charge(0), None, number))
        await self.tell()

    def _forget_taken(self) -> None:
        """Leaves out what native reads have taken."""
        charged, ours = sum(w.charge for w in self._waiting), _charged(self.ours)
        while self._waiting and charged > ours:
            charged -= self._waiting.popleft().charge

    def take(self, task: Task, fd: int, flags: int) -> Received | None:
        """The next datagram, None if there is none. OSError: an error that came back."""
        self._forget_taken()
        theirs = task.duplicate(fd) if self._waiting else None
        if theirs is None:
            return None
        first = self._waiting[0]
        with theirs:
            try:
                data = theirs.recv(DATAGRAM, flags & socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
        if not flags & socket.MSG_PEEK:
            self._waiting.popleft()
        if first.error:
            self.error = 0
            raise OSError(first.error, os.strerror(first.error))
        return Received(data, first.name)

    async def wait(self, seen: int) -> None:
        """Until more have been delivered than ``seen``: some may have come since somebody looked."""
        async with self._some:
            await self._some.wait_for(lambda: self.delivered != seen)

    async def shut_down(self, how: int) -> None:
        with gone():
            await self.net.sys.shutdown(self.kernel(), how)

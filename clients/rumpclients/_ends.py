"""The two sides of what is forwarded, in one shape: connections and datagrams, of the kernel and of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Any, Protocol

import rump
import rump.aio

PIECE = 1 << 18
"""Bytes of a read at most."""
MANY = 64
"""Datagrams in a call at most."""
DATAGRAM = 65535
WAITING = 1 << 18
"""Bytes of a flow that wait to be sent on; what is more is dropped."""
_RESET = struct.pack("ii", 1, 0)


class Stream(Protocol):
    async def read(self) -> bytes: ...
    async def write(self, data: bytes) -> None: ...
    async def end(self) -> None: ...
    async def close(self, *, reset: bool) -> None: ...


Datagram = tuple[bytes, Any]


class Port(Protocol):
    async def receive(self) -> list[Datagram]: ...
    async def send(self, datagrams: list[Datagram]) -> int: ...
    async def close(self, *, reset: bool = False) -> None: ...


class KernelStream:
    """A connection of the kernel."""

    def __init__(self, k: rump.aio.Client, fd: int) -> None:
        self._k = k
        self._fd = fd

    async def read(self) -> bytes:
        return await self._k.sys.read(self._fd, PIECE)

    async def write(self, data: bytes) -> None:
        while data:
            data = data[await self._k.sys.write(self._fd, data) :]

    async def end(self) -> None:
        with gone():
            await self._k.sys.shutdown(self._fd, socket.SHUT_WR)

    async def close(self, *, reset: bool) -> None:
        b = self._k.batch(keep_going=True)
        if reset:
            b.setsockopt(self._fd, socket.SOL_SOCKET, socket.SO_LINGER, rump.Linger(1, 0))
        b.close(self._fd)
        await b.run()


class HostStream:
    """A connection of this machine."""

    def __init__(self, s: socket.socket) -> None:
        self._s = s
        self._loop = asyncio.get_running_loop()

    async def read(self) -> bytes:
        return await self._loop.sock_recv(self._s, PIECE)

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._s, data)

    async def end(self) -> None:
        with gone():
            self._s.shutdown(socket.SHUT_WR)

    async def close(self, *, reset: bool) -> None:
        if reset:
            self._s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._s.close()


class KernelPort:
    """A socket of the kernel for datagrams. ``connected``: all are from and to one peer."""

    def __init__(self, k: rump.aio.Client, fd: int, *, connected: bool) -> None:
        self._k = k
        self._fd = fd
        self._connected = connected

    async def receive(self) -> list[Datagram]:
        messages = await self._k.sys.recvmmsg(self._fd, MANY, DATAGRAM, rump.MSG_WAITFORONE)
        return [(m.data, m.msg_name) for m in messages]

    async def send(self, datagrams: list[Datagram]) -> int:
        """How many were taken: the first that fails is left out."""
        messages = [rump.Msghdr(None if self._connected else name, data) for data, name in datagrams]
        taken = done = 0
        while done < len(messages):
            try:
                count = await self._k.sys.sendmmsg(self._fd, messages[done : done + MANY])
            except OSError as error:
                end_if_lost(error)
                count, taken = 1, taken - 1
            taken, done = taken + count, done + count
        return taken

    async def close(self, *, reset: bool = False) -> None:
        with gone():
            await self._k.sys.close(self._fd)


class HostPort:
    """A socket of this machine for datagrams."""

    def __init__(self, s: socket.socket, *, connected: bool) -> None:
        self._s = s
        self._connected = connected
        self._loop = asyncio.get_running_loop()

    async def receive(self) -> list[Datagram]:
        found: list[Datagram] = []
        while not found:
            found = [await self._loop.sock_recvfrom(self._s, DATAGRAM)]
            with contextlib.suppress(BlockingIOError):
                while len(found) < MANY:
                    found.append(self._s.recvfrom(DATAGRAM))
        return found

    async def send(self, datagrams: list[Datagram]) -> int:
        taken = 0
        for data, name in datagrams:
            with contextlib.suppress(OSError):  # a full buffer too: it is lost, as datagrams are
                self._s.send(data) if self._connected else self._s.sendto(data, name)
                taken += 1
        return taken

    async def close(self, *, reset: bool = False) -> None:
        self._s.close()


@contextlib.contextmanager
def gone() -> Iterator[None]:
    """A peer that has gone is no error for those who end a connection."""
    try:
        yield
    except OSError as error:
        end_if_lost(error)


def end_if_lost(error: BaseException) -> None:
    """Raises what means that the kernel has gone, or that the object has."""
    if kernel_lost(error) or (isinstance(error, rump.RumpError) and error.name == "EIO"):
        raise error


def kernel_lost(error: BaseException) -> bool:
    return isinstance(error, rump.RumpError) and error.origin == "connection"


class Flow:
    """Datagrams of one sender that are to be sent on."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._some = asyncio.Event()

    def put(self, data: bytes) -> bool:
        if self._bytes + len(data) > WAITING:
            return False
        self._waiting.append(data)
        self._bytes += len(data)
        self._some.set()
        return True

    async def take(self) -> list[bytes]:
        await self._some.wait()
        taken, self._waiting, self._bytes = self._waiting, [], 0
        self._some.clear()
        return taken

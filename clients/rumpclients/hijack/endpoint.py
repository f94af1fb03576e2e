"""A socket of the program: one end of a pair of sockets is the program's, the other ours, behind which is the kernel's.

Nobody here holds the program's end, so that our end tells when its last descriptor is closed, wherever those have gone
by dup, fork, exec and messages. The socket is known by the number of its inode, which all descriptors share.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import select
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import rump
import rump.aio
from rumpclients._command import reason
from rumpclients._ends import end_if_lost, gone, kernel_lost
from rumpclients.hijack.task import Task, duplicate

FINISHED = 4096
"""So many sockets whose connection is over are remembered for programs that still ask for their names."""


class Shape(NamedTuple):
    family: int
    kind: int
    protocol: int


class Hangups:
    """Calls back once when the program's end of a pair is closed, or both directions have ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        self._callbacks[fd] = callback
        self._epoll.register(fd, 0)

    def forget(self, fd: int) -> None:
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def _look(self) -> None:
        for fd, _ in self._epoll.poll(0):
            callback = self._callbacks.get(fd)
            self.forget(fd)
            if callback is not None:
                callback()


class Network:
    """What all sockets share: the kernel's process, the loop, and the table of sockets."""

    def __init__(self, k: rump.aio.Client) -> None:
        self.k = k
        self.sys = k.sys
        self.loop = asyncio.get_running_loop()
        self.hangups = Hangups(self.loop)
        self.endpoints: dict[int, Endpoint] = {}
        self.lost: asyncio.Future[BaseException] = self.loop.create_future()
        self._finished: OrderedDict[int, Endpoint] = OrderedDict()
        self._works: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], of: Endpoint | None = None) -> asyncio.Task[Any]:
        """A failure ends the socket that it is work ``of`` and no other, unless the kernel is lost."""
        task = self.loop.create_task(work)
        self._works.add(task)
        task.add_done_callback(functools.partial(self._worked, of))
        return task

    def _worked(self, of: Endpoint | None, task: asyncio.Task[Any]) -> None:
        self._works.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if of is None or kernel_lost(error):
            if not self.lost.done():
                self.lost.set_result(error)
            return
        complain(f"a socket ends: {reason(error) if isinstance(error, OSError) else repr(error)}")
        of.fail()

    async def idle(self) -> None:
        """Waits until all that programs have sent is on its way."""
        while self._works and not self.lost.done():
            await asyncio.wait((*self._works, self.lost), return_when=asyncio.FIRST_COMPLETED)

    def drop(self) -> None:
        """The kernel has gone: all sockets of programs end."""
        for endpoint in self.endpoints.values():
            if endpoint.ours.fileno() >= 0:
                endpoint.close_ours()

    def finished(self, endpoint: Endpoint) -> None:
        """Its connection is over; the program may still have descriptors."""
        if self.endpoints.pop(endpoint.inode, None) is not None:
            self._finished[endpoint.inode] = endpoint
            if len(self._finished) > FINISHED:
                self._finished.popitem(last=False)

    def find(self, task: Task, fd: int) -> tuple[Endpoint | None, int]:
        """The socket behind a descriptor, and the flags of the open file."""
        inode, flags = task.descriptor(fd)
        found = self.endpoints.get(inode) or self._finished.get(inode)
        if found is not None:
            found.holder = (task.tid, fd)
        return found, flags


class Endpoint:
    """``fd``: the kernel's descriptor, -1 when it is closed. ``error``: the errno that SO_ERROR is to tell."""

    pair_kind = socket.SOCK_STREAM

    def __init__(self, net: Network, fd: int, shape: Shape) -> None:
        self.net = net
        self.fd = fd
        self.shape = shape
        self.error = 0
        self.holder = (0, -1)
        self.peer: Any = None
        self.local: Any = None
        self.tasks: list[asyncio.Task[Any]] = []

    def pair(self, *, blocking: bool) -> socket.socket:
        """Makes the pair: the program's end."""
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, self.pair_kind)
        self.ours.setblocking(False)
        theirs.setblocking(blocking)
        self.inode = os.fstat(theirs.fileno()).st_ino
        self.net.endpoints[self.inode] = self
        self.net.hangups.watch(self.ours.fileno(), self.hung_up)
        return theirs

    def hung_up(self) -> None:
        """The program has closed it."""
        self.finish()

    def closed(self) -> bool:
        """Whether the program has closed it, or both directions have ended."""
        poll = select.poll()
        poll.register(self.ours, 0)
        return bool(poll.poll(0))

    def finish(self, *, reset: bool = False) -> None:
        """Ends all of it. With ``reset`` the peer is told that something was lost."""
        if self.ours.fileno() < 0:
            return
        self.close_ours()
        for task in self.tasks:
            task.cancel()
        self.net.finished(self)
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self.net.spawn(_close(self.net, fd, reset=reset), self)

    def fail(self) -> None:
        """Something went wrong, which must not look like an end."""
        self.finish(reset=True)

    def close_ours(self) -> None:
        self.net.hangups.forget(self.ours.fileno())
        self.net.loop.remove_reader(self.ours.fileno())
        self.net.loop.remove_writer(self.ours.fileno())
        self.ours.close()

    # -- what is the same for all kinds

    def take_error(self) -> int:
        number, self.error = self.error, 0
        return number

    async def bind(self, name: Any) -> None:
        await self.net.sys.bind(self.kernel(), name)
        self.local = None

    async def name(self) -> Any:
        if self.fd >= 0 and (self.peer is None or self.local is None):
            self.local = await self.net.sys.getsockname(self.fd)
        return self.local

    async def peer_name(self) -> Any:
        """ENOTCONN."""
        if self.peer is None:
            self.peer = await self.net.sys.getpeername(self.kernel())
        return self.peer

    def kernel(self) -> int:
        """The kernel's descriptor. ENOTCONN when the connection is over."""
        if self.fd < 0:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self.fd

    def held(self) -> socket.socket | None:
        """The program's end, by one who has it."""
        for tid, fd in (self.holder, *_holders(self.inode)):
            found = duplicate(tid, fd)
            if found is not None:
                if os.fstat(found.fileno()).st_ino == self.inode:
                    return found
                found.close()
        return None


async def _close(net: Network, fd: int, *, reset: bool) -> None:
    b = net.k.batch(keep_going=True)
    if reset:
        b.setsockopt(fd, socket.SOL_SOCKET, socket.SO_LINGER, rump.Linger(1, 0))
    b.close(fd)
    with gone():
        await b.run()


def _holders(inode: int) -> list[tuple[int, int]]:
    """Who has a socket open, of those that we may look at."""
    found = []
    name = f"socket:[{inode}]"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found += [(int(pid), int(fd)) for fd in os.listdir(f"/proc/{pid}/fd") if _link(pid, fd) == name]
    return found


def _link(pid: str, fd: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return ""


def complain(text: str) -> None:
    print(f"rumphijack: {text}", file=sys.stderr, flush=True)


def number_of(error: OSError) -> int:
    """Its errno; what means that the kernel, or its socket, has gone is raised."""
    end_if_lost(error)
    return error.errno or errno.EIO

"""Advisory locks of files, shared by the programs of the host and other clients of the kernel.

A lock of fcntl(2) belongs to a process. So each owner that the host tells of is, for each file that it locks, a process
of the kernel: a child of the mount's that has just that file open, until the owner has closed it. A lock of flock(2)
belongs to an open file, which a child shares with the mount; it is needed only where the lock is waited for.

Whatever may wait is done by a loop in a thread of its own, so that the mount serves others meanwhile; an interrupted
wait is given up in the kernel, too.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import fcntl
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, NamedTuple

import rump
import rump.aio
from rumpclients.fuse.device import Device
from rumpclients.fuse.protocol import FLUSH_IN, INTERRUPT_IN, LK_FLOCK, LK_IN, LK_OUT, Request
from rumpclients.fuse.volume import Reply

_END = (1 << 63) - 1
_FILE = 0
"""The descriptor that a child has."""
_FLOCK = {fcntl.F_RDLCK: fcntl.LOCK_SH, fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_UNLCK: fcntl.LOCK_UN}


class Wish(NamedTuple):
    """What the host asks for. ``fh`` is the mount's descriptor, ``owner`` the host's name for who asks."""

    fh: int
    owner: int
    start: int
    end: int
    kind: int
    pid: int
    flock: bool
    nodeid: int

    @classmethod
    def parse(cls, request: Request) -> Wish:
        fh, owner, start, end, kind, pid, flags, _ = LK_IN.unpack_from(request.body)
        return cls(fh, owner, start, end, kind, pid, bool(flags & LK_FLOCK), request.nodeid)

    @property
    def key(self) -> tuple[int, int]:
        return self.owner, self.nodeid

    def lock(self, kind: int | None = None) -> rump.Flock:
        length = 0 if self.end >= _END else self.end - self.start + 1
        return rump.Flock(self.start, length, 0, self.kind if kind is None else kind, os.SEEK_SET)


class Holder:
    """A process of the kernel that holds the locks of one owner in one file. ``holds``: it may have some."""

    def __init__(self, prepared: rump.Prepared, pid: int) -> None:
        self.kernel_pid = prepared.pid
        self.pid = pid
        self.holds = False
        self.client: asyncio.Task[rump.aio.Client]


class Locks:
    """Handlers by operation; what they answer later themselves is None at first."""

    def __init__(self, k: rump.Client, device: Device, url: str | None = None, retry: float | None = None) -> None:
        self._k = k
        self._device = device
        self._where = url, retry
        self._holders: dict[tuple[int, int], Holder] = {}
        self._waiting: dict[int, concurrent.futures.Future[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- what the host asks for

    def getlk(self, request: Request) -> Reply | None:
        wish = Wish.parse(request)
        holder = self._holders.get(wish.key)
        if holder is not None:
            return self._later(request.unique, self._get(holder, wish))
        return [self._told(self._k.sys.fcntl(wish.fh, fcntl.F_GETLK, lock=wish.lock()).lock)]

    def setlk(self, request: Request) -> Reply | None:
        wish = Wish.parse(request)
        if wish.flock:
            self._k.sys.flock(wish.fh, _FLOCK[wish.kind] | fcntl.LOCK_NB)
            return []
        return self._set(request.unique, wish, fcntl.F_SETLK)

    def setlkw(self, request: Request) -> Reply | None:
        wish = Wish.parse(request)
        if not wish.flock:
            return self._set(request.unique, wish, fcntl.F_SETLKW)
        try:
            self._k.sys.flock(wish.fh, _FLOCK[wish.kind] | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._hold(wish)
            return self._later(request.unique, self._flock(holder, wish))
        return []

    def flush(self, request: Request) -> Reply | None:
        """A descriptor was closed, and with it go all locks of its owner in the file."""
        _, _, _, owner = FLUSH_IN.unpack_from(request.body)
        holder = self._holders.pop((owner, request.nodeid), None)
        return [] if holder is None else self._later(request.unique, self._let_go(holder))

    def interrupt(self, request: Request) -> None:
        future = self._waiting.get(INTERRUPT_IN.unpack_from(request.body)[0])
        if future is not None:
            future.cancel()

    # -- in the kernel

    def _set(self, unique: int, wish: Wish, command: int) -> Reply | None:
        holder = self._holders.get(wish.key)
        if holder is None:
            if wish.kind == fcntl.F_UNLCK:
                return []
            holder = self._holders[wish.key] = self._hold(wish)
        return self._later(unique, self._lock(holder, wish, command))

    def _hold(self, wish: Wish) -> Holder:
        """A child with the descriptors of now; it keeps the one."""
        prepared = self._k.prefork(rump.RFFDG)
        holder = Holder(prepared, wish.pid)
        asyncio.run_coroutine_threadsafe(self._attach(holder, prepared, wish.fh), self._running()).result()
        return holder

    async def _attach(self, holder: Holder, prepared: rump.Prepared, fh: int) -> None:
        holder.client = asyncio.get_running_loop().create_task(self._attached(prepared, fh))

    async def _attached(self, prepared: rump.Prepared, fh: int) -> rump.aio.Client:
        url, retry = self._where
        client = await rump.aio.connect(url, comm="rump_fuse", retry=retry, fork=prepared)
        b = client.batch()
        b.dup2(fh, _FILE)
        b.fcntl(_FILE + 1, rump.F_CLOSEM)
        await b.run()
        return client

    async def _lock(self, holder: Holder, wish: Wish, command: int) -> Reply:
        try:
            client = await asyncio.shield(holder.client)
            await client.sys.fcntl(_FILE, command, lock=wish.lock())
        except asyncio.CancelledError:
            if not holder.holds:  # it may have got the lock just now, which the host does not know of
                self._holders.pop(wish.key, None)
                await self._let_go(holder)
            raise
        except OSError as error:
            if error.errno == errno.ESTALE:  # the process is gone, and its locks
                self._holders.pop(wish.key, None)
                raise OSError(errno.EIO, os.strerror(errno.EIO)) from None
            raise
        holder.holds = True
        return []

    async def _get(self, holder: Holder, wish: Wish) -> Reply:
        client = await asyncio.shield(holder.client)
        return [self._told((await client.sys.fcntl(_FILE, fcntl.F_GETLK, lock=wish.lock())).lock)]

    def _told(self, found: rump.Flock | None) -> bytes:
        """Processes of the kernel that are none of the host's have the number 0."""
        if found is None or found.l_type == fcntl.F_UNLCK:
            return LK_OUT.pack(0, _END, fcntl.F_UNLCK, 0)
        pid = next((h.pid for h in list(self._holders.values()) if h.kernel_pid == found.l_pid), 0)
        end = found.l_start + found.l_len - 1 if found.l_len else _END
        return LK_OUT.pack(found.l_start, end, found.l_type, pid)

    async def _flock(self, holder: Holder, wish: Wish) -> Reply:
        """The lock is the open file's, which the child shares: it is not needed any more."""
        try:
            client = await asyncio.shield(holder.client)
            await client.sys.flock(_FILE, _FLOCK[wish.kind])
        finally:
            await self._let_go(holder)
        return []

    async def _let_go(self, holder: Holder) -> Reply:
        """Its locks are free when this is over. A child that was lost has none any more."""
        with contextlib.suppress(OSError):
            client = await asyncio.shield(holder.client)
            with contextlib.suppress(OSError):
                await client.sys.close(_FILE)
            await client.close()
        return []

    # -- the loop

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="locks", daemon=True).start()
        return self._loop

    def _later(self, unique: int, work: Coroutine[Any, Any, Reply]) -> Reply | None:
        """None: the answer comes later."""
        future = asyncio.run_coroutine_threadsafe(self._answer(unique, work), self._running())
        self._waiting[unique] = future
        future.add_done_callback(lambda _: self._waiting.pop(unique, None))
        return None

    async def _answer(self, unique: int, work: Coroutine[Any, Any, Reply]) -> None:
        try:
            reply = await work
        except asyncio.CancelledError:
            self._device.fail(unique, errno.EINTR)
        except OSError as error:
            self._device.fail(unique, error.errno or errno.EIO)
        except Exception as error:  # noqa: BLE001  one request fails, the others are served
            print(f"rump_fuse: a lock: {error!r}", file=sys.stderr)
            self._device.fail(unique, errno.EIO)
        else:
            self._device.reply(unique, reply)

    def close(self) -> None:
        """Lets go of all; whoever still waits is interrupted."""
        if self._loop is None:
            return
        for future in list(self._waiting.values()):
            future.cancel()
        ending = [asyncio.run_coroutine_threadsafe(self._let_go(h), self._loop) for h in self._holders.values()]
        concurrent.futures.wait(ending, 5)
        self._loop.call_soon_threadsafe(self._loop.stop)

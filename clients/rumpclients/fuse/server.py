"""The loop: a request, its handler, a reply."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from rumpclients.fuse.attributes import AttributeOps
from rumpclients.fuse.device import Device
from rumpclients.fuse.files import Files
from rumpclients.fuse.locks import Locks
from rumpclients.fuse.names import Names
from rumpclients.fuse.protocol import (
    INIT_IN,
    INIT_OUT,
    MAJOR,
    MAX_PAGES,
    MAX_WRITE,
    MINOR,
    Init,
    Op,
    Request,
)  # fmt: skip
from rumpclients.fuse.volume import Reply, Volume

SYNC_S = 5.0
"""Changes go to stable storage at the latest when nothing was asked for so long."""
_AWAKE_NS = 60_000
_LONGEST = 256
"""So many requests go by until it is tried again to wait awake."""
READ_AHEAD_KIB = 4096
_WANTED = (
    Init.ASYNC_READ | Init.ATOMIC_O_TRUNC | Init.BIG_WRITES | Init.DO_READDIRPLUS | Init.READDIRPLUS_AUTO
    | Init.ASYNC_DIO | Init.PARALLEL_DIROPS | Init.MAX_PAGES
)  # fmt: skip
LOCKS = Init.POSIX_LOCKS | Init.FLOCK_LOCKS
SHARED = _WANTED | Init.AUTO_INVAL_DATA | LOCKS
"""What is wanted of the host for files that others change as well."""
_CHANGING = {
    Op.SETATTR, Op.SYMLINK, Op.MKNOD, Op.MKDIR, Op.UNLINK, Op.RMDIR, Op.RENAME, Op.LINK, Op.WRITE, Op.SETXATTR,
    Op.REMOVEXATTR, Op.CREATE, Op.FALLOCATE, Op.RENAME2,
}  # fmt: skip
_SILENT = {Op.FORGET, Op.BATCH_FORGET, Op.INTERRUPT}


def greeting(request: Request, wanted: int = SHARED) -> Reply:
    """The answer to the first request of a mount, whoever serves it from then on. EPROTO."""
    major, minor, readahead, flags = INIT_IN.unpack_from(request.body)
    if major > MAJOR:
        return [INIT_OUT.pack(MAJOR, MINOR, 0, 0, 0, 0, 0, 0, 0, 0, 0)]  # it asks again, with ours
    if major < MAJOR or minor < 28:
        raise OSError(errno.EPROTO, f"the host speaks version {major}.{minor} of FUSE; 7.28 is needed")
    ahead = max(readahead, MAX_WRITE)
    return [INIT_OUT.pack(MAJOR, MINOR, ahead, flags & wanted, 16, 12, MAX_WRITE, 1, MAX_PAGES, 0, 0)]


class Patience:
    """Waits awake for who asks often: to be woken up takes longer than he takes to ask again.

    That is so where he has another processor, and it is idle otherwise. When nothing came in time it is tried again
    after a while only, each time after a longer one.
    """

    def __init__(self) -> None:
        self._rest = 0
        self._pause = 1

    def wait(self, receive: Callable[[], Request | None]) -> Request | None:
        if self._rest:
            self._rest -= 1
            return None
        until = time.monotonic_ns() + _AWAKE_NS
        while True:
            os.sched_yield()
            request = receive()
            if time.monotonic_ns() > until:
                self._pause = min(2 * self._pause, _LONGEST)
                self._rest = self._pause
                return request
            if request is not None:
                self._pause = 1
                return request


class Server:
    """Serves one mount until it is unmounted.

    ``locks``: those of files that others lock as well; without it they are the host's alone.
    """

    def __init__(self, device: Device, volume: Volume, *, locks: Locks | None = None, debug: bool = False) -> None:
        self._device = device
        self._volume = volume
        self._debug = debug
        self._files = Files(volume)
        self._locks = locks
        self._names = Names(volume)
        self._patience = Patience()
        self._ends = 0
        self._handlers = self._table()

    def _table(self) -> dict[int, Callable[[Request], Reply | None]]:
        names, files, attributes = self._names, self._files, AttributeOps(self._volume)
        found: dict[int, Callable[[Request], Reply | None]] = {}
        for op in Op:
            for owner in (self._locks, names, files, attributes, self):
                handler = getattr(owner, op.name.lower(), None)
                if handler is not None:
                    found[op] = handler
                    break
        return found

    def init(self, request: Request) -> Reply:
        flags = INIT_IN.unpack_from(request.body)[3]
        wanted = SHARED if self._locks is not None else SHARED & ~LOCKS
        if self._volume.policy.keep_pages:
            wanted = _WANTED | Init.CACHE_SYMLINKS
            if flags & Init.NO_OPEN_SUPPORT:
                # Not ATOMIC_O_TRUNC: who opens without asking truncates before.
                wanted = wanted & ~Init.ATOMIC_O_TRUNC | Init.NO_OPEN_SUPPORT
                self._names.kept = self._files.keep()
                self._names.ahead = self._files.ahead
        return greeting(request, wanted)

    def interrupt(self, request: Request) -> None:
        """Nothing but locks waits here for long."""

    def destroy(self, request: Request) -> Reply:
        return []

    # -- the loop

    def run(self) -> None:
        """Until nothing is mounted any more."""
        while self._ends < 2:
            try:
                request = self._next()
            except EOFError:
                break
            if request is not None:
                self._serve(request)
        if self._locks is not None:
            self._locks.close()
        self._files.close()

    def _next(self) -> Request | None:
        """The next request; None when changes went to stable storage meanwhile."""
        while (request := self._device.receive()) is None:
            if self._files.ahead is not None and self._files.ahead.step():
                continue
            if (request := self._patience.wait(self._device.receive)) is not None:
                return request
            if not self._device.wait(SYNC_S if self._volume.dirty else None):
                self._sync()
                return None
        return request

    def _sync(self) -> None:
        self._volume.dirty = False
        try:
            self._volume.tree.sync()
        except OSError as error:
            print(f"rump_fuse: sync: {error}", file=sys.stderr)

    def _serve(self, request: Request) -> None:
        handler = self._handlers.get(request.op)
        if handler is None:
            self._device.fail(request.unique, errno.ENOSYS)
            return
        if request.op in _CHANGING:
            self._volume.dirty = True
            self._volume.epoch += 1
            self._changed(request)
        elif request.op == Op.READ and self._volume.policy.atimes:
            self._volume.epoch += 1
        try:
            reply = handler(request)
        except OSError as error:
            self._fail(request, error.errno or errno.EIO)
        except KeyError:
            self._fail(request, errno.ESTALE)
        except Exception as error:  # noqa: BLE001  one request fails, the others are served
            print(f"rump_fuse: {_name(request.op)}: {error!r}", file=sys.stderr)
            self._fail(request, errno.EIO)
        else:
            self._tell(request, 0)
            if reply is not None and request.op not in _SILENT:
                self._device.reply(request.unique, reply)
            if request.op == Op.INIT:
                self._device.read_ahead(READ_AHEAD_KIB)

    def _changed(self, request: Request) -> None:
        """What was read ahead of a file is not what is in it any more."""
        if self._files.ahead is not None:
            if request.op == Op.CREATE:
                self._files.ahead.changed_any()
            else:
                self._files.ahead.changed(request.nodeid)

    def _fail(self, request: Request, number: int) -> None:
        self._tell(request, number)
        if request.op not in _SILENT:
            self._device.fail(request.unique, number)

    def _tell(self, request: Request, number: int) -> None:
        if self._debug:
            outcome = errno.errorcode.get(number, str(number)) if number else "ok"
            print(f"rump_fuse: {_name(request.op)} node {request.nodeid}: {outcome}", file=sys.stderr)

    # -- ending

    def end_on_signals(self) -> None:
        """The first signal unmounts, in order; a second one ends although files are open."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._signal)

    def _signal(self, number: int, frame: FrameType | None) -> None:
        self._ends += 1
        if self._ends == 1:
            # Not here: unmounting waits for replies that this thread gives.
            threading.Thread(target=self._unmount, daemon=True).start()
        else:
            raise EndOfService

    def _unmount(self) -> None:
        try:
            self._device.unmount()
        except OSError:
            self._device.unmount(lazy=True)


class EndOfService(Exception):  # noqa: N818  no error
    """Somebody does not want to wait until all files are closed."""


def _name(op: int) -> str:
    try:
        return Op(op).name
    except ValueError:
        return f"operation {op}"

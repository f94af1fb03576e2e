"""flock(2), and F_GETLK, F_SETLK, F_SETLKW of fcntl(2), on whatever vfs has open."""

from __future__ import annotations

from collections.abc import Coroutine, Hashable
from typing import Any

from rumpuser.component import Context
from rumpuser.pending import Channel
from rumpvfs.core.file import OFFSET_MAX, OpenFile
from rumpvfs.core.locks import END, Lock, LockTable, Waits
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import FcntlResult, Flock

COMMANDS = (const.F_GETLK, const.F_SETLK, const.F_SETLKW)
_KINDS = (const.F_RDLCK, const.F_WRLCK, const.F_UNLCK)


class Locking:
    """The calls on locks. ``channels`` has those who wait, by file."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs
        self.table = LockTable(vfs.recorder.locked)
        self.waits = Waits()
        self.channels: dict[Vnode, Channel] = {}
        vfs.when_killed.append(self.forget)
        vfs.when_moved.append(self.move)

    # -- fcntl

    def fcntl(self, ctx: Context, handle: int, cmd: int, flock: Flock | None) -> Any:
        """EBADF (not open for that), EINVAL, EOVERFLOW, EAGAIN (F_SETLK), EDEADLK, EINTR (F_SETLKW), ENOLCK."""
        file = self._lockable(handle)
        if flock is None or flock.l_type not in _KINDS:
            raise KernelError(Errno.EINVAL, "no lock, or no such kind of lock")
        start, end = span(file, flock)
        wanted = Lock(ctx.pid, start, end, flock.l_type == const.F_WRLCK, ctx.pid, ctx.cred.uid)
        vnode = file.vnode.base()
        if cmd == const.F_GETLK:
            if flock.l_type == const.F_UNLCK:
                raise KernelError(Errno.EINVAL, "F_GETLK asks for F_RDLCK or F_WRLCK")
            return FcntlResult(0, described(flock, self.table.conflict(vnode, wanted)))
        if flock.l_type == const.F_UNLCK:
            self._clear(vnode, ctx.pid, start, end)
            return FcntlResult()
        (file.need_write if wanted.exclusive else file.need_read)()
        if self.table.conflict(vnode, wanted) is None:
            self._set(vnode, wanted)
            return FcntlResult()
        if cmd == const.F_SETLK:
            raise KernelError(Errno.EAGAIN, "somebody else has the range locked")
        return self._wait_range(handle, file, wanted)

    async def _wait_range(self, handle: int, file: OpenFile, wanted: Lock) -> FcntlResult:
        await self._wait(handle, file, wanted, circles=True)
        return FcntlResult()

    # -- flock

    def flock(self, ctx: Context, fd: int, how: int) -> Any:
        """EBADF, EINVAL, EAGAIN (LOCK_NB), EINTR, ENOLCK, EOPNOTSUPP for what has no locks."""
        file = self._lockable(fd)
        kind = how & ~const.LOCK_NB
        if kind == const.LOCK_UN:
            self._clear(file.vnode.base(), file)
            return None
        if kind not in (const.LOCK_SH, const.LOCK_EX):
            raise KernelError(Errno.EINVAL, "one of LOCK_SH, LOCK_EX, LOCK_UN")
        return self.lock(ctx, fd, exclusive=kind == const.LOCK_EX, wait=not how & const.LOCK_NB)

    def lock(self, ctx: Context, handle: int, *, exclusive: bool, wait: bool) -> Coroutine[Any, Any, None] | None:
        """Locks an open file as a whole. EAGAIN, ENOLCK, EINTR."""
        file = self._lockable(handle)
        vnode = file.vnode.base()
        wanted = Lock(file, 0, END, exclusive, -1, ctx.cred.uid)
        if self.table.conflict(vnode, wanted) is None:
            self._set(vnode, wanted)
            return None
        if not wait:
            raise KernelError(Errno.EAGAIN, "somebody else has the file locked")
        self._clear(vnode, file)  # two that hold it shared and want it alone must not wait for one another
        return self._wait(handle, file, wanted, circles=False)

    # -- ends

    def closed(self, ctx: Context, file: OpenFile) -> None:
        """An open file goes: the lock of the description with it, and what the process has locked in that file."""
        if self.table.total or self.channels:
            vnode = file.vnode.base()
            self._clear(vnode, file)
            self._clear(vnode, ctx.pid)
            self._wake(vnode)  # whoever waits by this description is told that it is closed

    def release(self, ctx: Context, handle: int) -> None:
        """A process closed one of several descriptors: its ranges of that file go. 0: the process ends."""
        if handle:
            file = self.vfs.files.get(handle)
            vnodes = [file.vnode.base()] if file is not None else []
        else:
            vnodes = self.table.files_of(ctx.pid)
        for vnode in vnodes:
            self._clear(vnode, ctx.pid)

    def forget(self, vnode: Vnode) -> None:
        """The file is gone (revoked, unmounted by force): nobody has a lock of it any more."""
        for lock in self.table.of(vnode):
            self.table.clear(vnode, lock.owner)
        self._wake(vnode)

    def move(self, old: Vnode, new: Vnode) -> None:
        """The file has another vnode from now on. Who waits for a lock of it begins again (EBADF)."""
        for lock in list(self.table.of(old)):
            self.table.clear(old, lock.owner, lock.start, lock.end)
            self.table.set(new, lock)
        self._wake(old)

    # -- waiting

    async def _wait(self, handle: int, file: OpenFile, wanted: Lock, *, circles: bool) -> None:
        vnode = file.vnode.base()
        while self.table.conflict(vnode, wanted) is not None:
            if circles and self.waits.circle(self.table, vnode, wanted):
                raise KernelError(Errno.EDEADLK, "the holder waits for a lock of this process")
            channel = self.channels.setdefault(vnode, Channel(self.vfs.host))
            self.waits.begin(vnode, wanted)
            try:
                await channel.wait()
            finally:
                self.waits.end(vnode, wanted)
            if self.vfs.files.get(handle) is not file or file.vnode.base() is not vnode:
                raise KernelError(Errno.EBADF, "the file was closed meanwhile")
        self._set(vnode, wanted)

    def _lockable(self, handle: int) -> OpenFile:
        file = self.vfs.file(handle)
        if file.vnode.vtype is VType.FIFO:
            raise KernelError(Errno.EOPNOTSUPP, "a fifo has no locks")
        return file

    def _set(self, vnode: Vnode, wanted: Lock) -> None:
        """In place of an exclusive lock there may be a shared one now, for which others wait."""
        self.table.set(vnode, wanted)
        if not wanted.exclusive:
            self._wake(vnode)

    def _clear(self, vnode: Vnode, owner: Hashable, start: int = 0, end: int = END) -> None:
        if self.table.clear(vnode, owner, start, end):
            self._wake(vnode)

    def _wake(self, vnode: Vnode) -> None:
        channel = self.channels.pop(vnode, None)
        if channel is not None:
            channel.wake()


def span(file: OpenFile, flock: Flock) -> tuple[int, int]:
    """First and last byte that a struct flock means. EINVAL before the beginning, EOVERFLOW behind the last offset."""
    start = flock.l_start
    if flock.l_whence == const.SEEK_CUR:
        start += file.offset
    elif flock.l_whence == const.SEEK_END:
        start += file.vnode.getattr().st_size
    elif flock.l_whence != const.SEEK_SET:
        raise KernelError(Errno.EINVAL)
    if flock.l_len == 0:
        end = END
    elif flock.l_len > 0:
        end = start + flock.l_len - 1
    else:
        start, end = start + flock.l_len, start - 1
    if start < 0:
        raise KernelError(Errno.EINVAL)
    if start > OFFSET_MAX or end > OFFSET_MAX:
        raise KernelError(Errno.EOVERFLOW)
    return start, end


def described(asked: Flock, lock: Lock | None) -> Flock:
    """What F_GETLK answers: the lock that is in the way, else the question with F_UNLCK."""
    if lock is None:
        return asked._replace(l_type=const.F_UNLCK)
    length = 0 if lock.end == END else lock.end - lock.start + 1
    kind = const.F_WRLCK if lock.exclusive else const.F_RDLCK
    return Flock(lock.start, length, lock.pid, kind, const.SEEK_SET)

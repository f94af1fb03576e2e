"""Semaphores (ksem of sem_init(3) and sem_open(3)): a count that is taken down and put up, with or without a name.

They are objects behind descriptors, so fork, exec and the end of a process do with them what they do with all
descriptors. A semaphore without a name is gone with its last descriptor; one with a name stays until it is unlinked,
and then until nobody has it open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rumpkern.core.clock import Clocks, nanoseconds
from rumpkern.core.proc import ProcessTable
from rumpuser.component import Context, Entry
from rumpuser.host import Host
from rumpuser.kauth import Action
from rumpuser.pending import Channel
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import FcntlResult, Timespec

VALUE_MAX = (1 << 32) - 1
NAME_MAX = 14
"""Of a name, its slash included."""
SEM_MAX = 128
"""Semaphores at a time (kern.posix.semmax)."""
FIRST = 1 << 30
"""Handles from here on are semaphores': those below are pipes'."""
READ, WRITE = 4, 2


@dataclass(slots=True, eq=False)
class Semaphore:
    value: int
    changed: Channel
    name: bytes = b""
    named: bool = False
    """Whether it was made with a name, which it may have lost."""
    uid: int = 0
    gid: int = 0
    mode: int = 0
    handles: int = 0
    waiters: int = 0


class Semaphores:
    """All semaphores, by the handles of their descriptors, and by name."""

    def __init__(self, host: Host, processes: ProcessTable, clocks: Clocks) -> None:
        self._host = host
        self._processes = processes
        self._clocks = clocks
        self._handles: dict[int, Semaphore] = {}
        self._named: dict[bytes, Semaphore] = {}
        self._last = FIRST
        self.most = SEM_MAX
        clocks.when_set.append(self._clock_set)

    @property
    def count(self) -> int:
        """Semaphores that there are (kern.posix.semcnt)."""
        return len({id(sem) for sem in (*self._handles.values(), *self._named.values())})

    def set_most(self, value: int) -> None:
        """EINVAL."""
        if not 0 <= value <= 1 << 20:
            raise KernelError(Errno.EINVAL, f"kern.posix.semmax: {value} is not in 0..{1 << 20}")
        self.most = value

    # -- making and ending

    def init(self, ctx: Context, value: int) -> int:
        """One without a name. EINVAL, ENFILE."""
        return self._open(self._new(value))

    def open(self, ctx: Context, name: bytes, oflag: int, mode: int, value: int) -> int:
        """EINVAL, ENAMETOOLONG, EEXIST, ENOENT, EACCES, ENFILE."""
        name = _checked(name)
        if oflag & ~(const.O_CREAT | const.O_EXCL):
            raise KernelError(Errno.EINVAL, f"flags {oflag:#x}: O_CREAT and O_EXCL are possible")
        sem = self._named.get(name)
        if sem is None:
            if not oflag & const.O_CREAT:
                raise KernelError(Errno.ENOENT, f"there is no semaphore {name.decode(errors='replace')}")
            cred = self._processes.cred(ctx)
            sem = self._new(value)
            sem.name, sem.named = name, True
            sem.uid, sem.gid, sem.mode = cred.euid, cred.egid, mode & 0o777 & ~ctx.umask
            self._named[name] = sem
        elif oflag & const.O_CREAT and oflag & const.O_EXCL:
            raise KernelError(Errno.EEXIST, f"there is a semaphore {name.decode(errors='replace')}")
        else:
            self._may_open(ctx, sem)
        return self._open(sem)

    def unlink(self, ctx: Context, name: bytes) -> None:
        """The name is free for another; who has it open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES."""
        name = _checked(name)
        sem = self._named.get(name)
        if sem is None:
            raise KernelError(Errno.ENOENT, f"there is no semaphore {name.decode(errors='replace')}")
        cred = self._processes.cred(ctx)
        if cred.euid != sem.uid and not self._processes.permitted(ctx, Action.SYSTEM_SEMAPHORE):
            raise KernelError(Errno.EACCES, f"the semaphore is that of uid {sem.uid}")
        del self._named[name]
        sem.name = b""

    def close_id(self, ctx: Context, handle: int) -> None:
        """_ksem_close: may the gateway close it? EINVAL for one that never had a name."""
        if not self._find(handle).named:
            raise KernelError(Errno.EINVAL, "a semaphore without a name is destroyed, not closed")

    def destroy(self, ctx: Context, handle: int) -> None:
        """EINVAL for one with a name, EBUSY while somebody waits."""
        sem = self._find(handle)
        if sem.named:
            raise KernelError(Errno.EINVAL, "a semaphore with a name is closed, not destroyed")
        if sem.waiters:
            raise KernelError(Errno.EBUSY, f"{sem.waiters} wait for the semaphore")

    def close(self, ctx: Context, handle: int) -> None:
        """The last descriptor is gone. EBADF."""
        sem = self._handles.pop(handle, None)
        if sem is None:
            raise KernelError(Errno.EBADF, f"there is no semaphore {handle}")
        sem.handles -= 1
        sem.changed.wake()

    def restart_handles(self, last: int) -> None:
        """Handles that a predecessor gave out do not come again."""
        self._last = max(self._last, last)

    # -- counting

    def post(self, ctx: Context, handle: int) -> None:
        """EINVAL, EOVERFLOW."""
        sem = self._find(handle)
        if sem.value == VALUE_MAX:
            raise KernelError(Errno.EOVERFLOW, f"a semaphore counts to {VALUE_MAX}")
        sem.value += 1
        if sem.waiters:
            sem.changed.wake()

    def trywait(self, ctx: Context, handle: int) -> None:
        """EINVAL, EAGAIN."""
        sem = self._find(handle)
        if not sem.value:
            raise KernelError(Errno.EAGAIN, "the semaphore is at 0")
        sem.value -= 1

    def wait(self, ctx: Context, handle: int) -> Any:
        """EINVAL, EINTR."""
        return self._take(handle, lambda: None)

    def timedwait(self, ctx: Context, handle: int, abstime: Timespec | None) -> Any:
        """Until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT."""
        end = nanoseconds(abstime)
        return self._take(handle, lambda: self._clocks.until(const.CLOCK_REALTIME, end))

    def getvalue(self, ctx: Context, handle: int) -> int:
        """EINVAL."""
        return self._find(handle).value

    def _take(self, handle: int, left: Callable[[], int | None]) -> Any:
        sem = self._find(handle)
        if sem.value:
            sem.value -= 1
            return None
        return self._wait(sem, handle, left)

    async def _wait(self, sem: Semaphore, handle: int, left: Callable[[], int | None]) -> None:
        sem.waiters += 1
        try:
            while not sem.value:
                rest = left()
                if rest == 0:
                    raise KernelError(Errno.ETIMEDOUT, "the semaphore was not put up in time")
                await sem.changed.wait(None if rest is None else self._host.monotonic_ns() + rest)
                if handle not in self._handles:
                    raise KernelError(Errno.EINVAL, "the semaphore was closed meanwhile")
            sem.value -= 1
        finally:
            sem.waiters -= 1

    # -- help

    def _clock_set(self) -> None:
        """Who waits until a time may be past it now."""
        for sem in {id(sem): sem for sem in self._handles.values() if sem.waiters}.values():
            sem.changed.wake()

    def _new(self, value: int) -> Semaphore:
        if not 0 <= value <= VALUE_MAX:
            raise KernelError(Errno.EINVAL, f"a semaphore counts to {VALUE_MAX}, not {value}")
        if self.count >= self.most:
            raise KernelError(Errno.ENFILE, f"there are {self.most} semaphores (kern.posix.semmax)")
        return Semaphore(value, Channel(self._host))

    def _open(self, sem: Semaphore) -> int:
        self._last += 1
        self._host.records.last("semaphores", self._last)
        sem.handles += 1
        self._handles[self._last] = sem
        return self._last

    def _find(self, handle: int) -> Semaphore:
        sem = self._handles.get(handle)
        if sem is None:
            raise KernelError(Errno.EINVAL, "the descriptor is no semaphore")
        return sem

    def _may_open(self, ctx: Context, sem: Semaphore) -> None:
        cred = self._processes.cred(ctx)
        shift = 6 if cred.euid == sem.uid else 3 if sem.gid in (cred.egid, *cred.groups) else 0
        may = (sem.mode >> shift) & (READ | WRITE) == READ | WRITE
        if not may and not self._processes.permitted(ctx, Action.SYSTEM_SEMAPHORE):
            raise KernelError(Errno.EACCES, f"the semaphore has mode {sem.mode:04o}")

    # -- as descriptors

    def beside(self, name: str, pipe: Entry) -> Entry:
        """A call on any descriptor of kern's: on a semaphore what it does there, else what it does on a pipe."""
        known: dict[str, Callable[..., Any]] = {"close": self.close, "fcntl": _fcntl}
        mine: Callable[..., Any] = known.get(name, _not_for_semaphores)
        other = pipe.handler

        def handler(ctx: Context, handle: int, *args: Any) -> Any:
            return mine(ctx, handle, *args) if handle >= FIRST else other(ctx, handle, *args)

        return pipe._replace(handler=handler)


def _fcntl(ctx: Context, handle: int, cmd: int, *args: Any) -> FcntlResult:
    return FcntlResult()


def _not_for_semaphores(ctx: Context, *args: Any) -> Any:
    raise KernelError(Errno.EOPNOTSUPP, "the descriptor is a semaphore")


def _checked(name: bytes) -> bytes:
    """A name: a slash, and no further one. EINVAL, ENAMETOOLONG."""
    name = bytes(name)
    if len(name) > NAME_MAX:
        raise KernelError(Errno.ENAMETOOLONG, f"a semaphore's name has at most {NAME_MAX} bytes")
    if re.fullmatch(rb"/[^/\0]+", name) is None:
        raise KernelError(Errno.EINVAL, "a semaphore's name is a slash and no further one")
    return name

"""Threads of the host as threads of a kernel in their process (rump_lwproc(3)).

A thread of the host has one lwp of the kernel at a time, or none: then it is *implicit*, and what it calls is done by
init, pid 1. An lwp that is no thread's stays where it is until one switches to it; so does one whose thread has ended.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpgateway.core import life
from rumpwire.const import RFSHARE
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Siginfo

if TYPE_CHECKING:
    from rumpgateway.core.process import Process
    from rumpgateway.local import LocalKernel, LocalSession


class Lwp:
    """A thread of the kernel. ``thread`` is the thread of the host that it is now, if any."""

    __slots__ = ("lid", "owner", "released", "session", "thread")

    def __init__(self, owner: Lwps, lid: int, session: LocalSession) -> None:
        self.owner = owner
        self.lid = lid
        self.session = session
        self.thread: threading.Thread | None = None
        self.released = False

    @property
    def pid(self) -> int:
        return self.session.pid

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def __repr__(self) -> str:
        return f"<Lwp {self.lid} of pid {self.pid}>"


class _Here(threading.local):
    lwp: Lwp | None = None


class Lwps:
    """The lwps of one kernel. ``on_signal`` takes the signals of the processes that are made here."""

    def __init__(self, kernel: LocalKernel) -> None:
        self._kernel = kernel
        self._here = _Here()
        self._init: LocalSession | None = None
        self._made: set[Process] = set()
        """Processes that end with their last lwp; others have a client."""
        self._lids = itertools.count(1)
        self.on_signal: Callable[[Siginfo], None] = lambda info: None

    def session(self) -> LocalSession:
        """What the calling thread calls through."""
        lwp = self._here.lwp
        return (self._init or self._borrow()) if lwp is None else lwp.session

    def curlwp(self) -> Lwp | None:
        """The lwp of the calling thread; None when it is implicit."""
        return self._here.lwp

    def rfork(self, flags: int) -> Lwp:
        """A child of the caller's process, and its first lwp, which the caller is from now on. 0: as RFSHARE.

        EINVAL, EAGAIN.
        """
        with self._kernel.turn:
            session = self._take_signals(self.session().fork(flags or RFSHARE))
            self._made.add(session.process)
            return self._enter(session)

    def newlwp(self, pid: int) -> Lwp:
        """A further lwp of a process, 0 and 1 being init, which the caller is from now on. ESRCH, EBUSY, EAGAIN."""
        with self._kernel.turn:
            return self._enter(self._borrow() if pid in (0, life.INIT) else self._kernel.session(pid))

    def switch(self, lwp: Lwp | None) -> None:
        """The caller is another lwp from now on, or implicit.

        EINVAL, ESRCH for one that was released, EBUSY for one that runs.
        """
        with self._kernel.turn:
            before = self._here.lwp
            if lwp is before:
                return
            if lwp is not None:
                self._check(lwp)
                lwp.thread = threading.current_thread()
            if before is not None:
                before.thread = None
            self._here.lwp = lwp

    def releaselwp(self) -> None:
        """Frees the caller's lwp, with the last one a process that `rfork` made. EINVAL for an implicit thread."""
        with self._kernel.turn:
            lwp = self._here.lwp
            if lwp is None:
                raise KernelError(
                    Errno.EINVAL, "this thread has no lwp of its own to release: rfork and newlwp give one"
                )
            self.switch(None)
            lwp.released = True
            p = lwp.session.process
            p.lwps -= 1
            if not p.lwps and p in self._made:
                self._made.remove(p)
                lwp.session.close()

    def _enter(self, session: LocalSession) -> Lwp:
        life.add_lwp(self._kernel.gateway, session.process)
        lwp = Lwp(self, next(self._lids), session)
        self.switch(lwp)
        return lwp

    def _check(self, lwp: Lwp) -> None:
        if lwp.owner is not self:
            raise KernelError(Errno.EINVAL, f"{lwp} is of another kernel")
        if lwp.released:
            raise KernelError(Errno.ESRCH, f"{lwp} has been released")
        if lwp.running:
            assert lwp.thread is not None
            raise KernelError(Errno.EBUSY, f"{lwp} is what {lwp.thread.name} runs as")

    def _borrow(self) -> LocalSession:
        with self._kernel.turn:
            if self._init is None:
                self._init = self._take_signals(self._kernel.init())
            return self._init

    def _take_signals(self, session: LocalSession) -> LocalSession:
        session.on_signal = self._signal
        return session

    def _signal(self, info: Siginfo) -> None:
        self.on_signal(info)

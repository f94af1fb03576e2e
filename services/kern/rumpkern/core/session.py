"""Process groups, sessions and login names (setpgid(2), setsid(2), getlogin(2)), and resource limits (setrlimit(2))."""

from __future__ import annotations

import contextlib
from typing import Any

from rumpkern.core.proc import MAXPROC, Process, ProcessTable, Session
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.kauth import Action
from rumpuser.pending import value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Rlimit

LOGIN_MAX = 16
"""Longest login name (MAXLOGNAME less its NUL)."""
CEILINGS = {const.RLIMIT_NPROC: MAXPROC, const.RLIMIT_NOFILE: const.OPEN_MAX}
"""What the kernel has of a resource; a limit above it is lowered to it, as in NetBSD."""


TOLD = (const.RLIMIT_NOFILE, const.RLIMIT_FSIZE, const.RLIMIT_NTHR, const.RLIMIT_SBSIZE)
"""Limits that others than kern see to, in the order of limits_set."""


class SessionCalls:
    """The calls about where a process belongs and how much it may use."""

    def __init__(self, bus: Bus, processes: ProcessTable) -> None:
        self._bus = bus
        self._processes = processes

    # -- groups and sessions

    def getpgrp(self, ctx: Context) -> int:
        return self._processes.of(ctx).pgid

    def getpgid(self, ctx: Context, pid: int) -> int:
        return self._processes.of_pid(ctx, pid).pgid

    def getsid(self, ctx: Context, pid: int) -> int:
        return self._processes.of_pid(ctx, pid).session.sid

    def setpgid(self, ctx: Context, pid: int, pgid: int) -> None:
        """EINVAL, ESRCH for one that is no descendant, EACCES for one that has called exec.

        EPERM for a session leader, another session or a foreign id.
        """
        if pgid < 0:
            raise KernelError(Errno.EINVAL, f"process group {pgid}")
        caller = self._processes.of(ctx)
        process = self._processes.of_pid(ctx, pid)
        pgid = pgid or process.pid
        member = self._processes.in_group(pgid)
        self._may_join(caller, process, member, pgid)
        process.pgid = pgid

    def _may_join(self, caller: Process, process: Process, member: Process | None, pgid: int) -> None:
        if not process.inferior_of(caller):
            raise KernelError(Errno.ESRCH, f"process {process.pid} is no child of {caller.pid}")
        if process is not caller and process.execed:
            raise KernelError(Errno.EACCES, f"process {process.pid} has a program of its own by now (exec)")
        if process.session is not caller.session:
            raise KernelError(Errno.EPERM, f"process {process.pid} is in another session")
        if member is not None and member.session is not process.session:
            raise KernelError(Errno.EPERM, f"process group {pgid} is in another session")
        if process.session_leader and process.pgid != pgid:
            raise KernelError(Errno.EPERM, f"process {process.pid} leads a session")
        if member is None and pgid != process.pid:
            raise KernelError(Errno.EPERM, f"there is no process group {pgid}, and it is not that of {process.pid}")

    def setsid(self, ctx: Context) -> int:
        """EPERM for the leader of a process group."""
        process = self._processes.of(ctx)
        if self._processes.in_group(process.pid) is not None:
            raise KernelError(Errno.EPERM, f"there is a process group {process.pid}")
        process.session = Session(process.pid, process.session.login)
        process.pgid = process.pid
        return process.pid

    def getlogin(self, ctx: Context) -> bytes:
        return self._processes.of(ctx).session.login

    def setlogin(self, ctx: Context, namebuf: bytes) -> None:
        """EPERM; EINVAL for a name that is too long."""
        self._processes.authorize(ctx, Action.PROCESS_SETLOGIN)
        name = bytes(namebuf).partition(b"\0")[0]
        if len(name) > LOGIN_MAX:
            raise KernelError(Errno.EINVAL, f"a login name of {len(name)} bytes, {LOGIN_MAX} are possible")
        self._processes.of(ctx).session.login = name

    # -- limits

    def getrlimit(self, ctx: Context, which: int) -> Rlimit:
        return self._limits(ctx, which)[which]

    def setrlimit(self, ctx: Context, which: int, rlp: Rlimit | None) -> Any:
        """EINVAL for an unknown resource or soft above hard; EPERM for raising the hard limit without being root."""
        limits = self._limits(ctx, which)
        if rlp is None or not 0 <= rlp.rlim_cur <= rlp.rlim_max <= const.RLIM_INFINITY:
            raise KernelError(Errno.EINVAL, f"not a limit, soft being at most hard: {rlp}")
        if rlp.rlim_max > limits[which].rlim_max:
            self._processes.authorize(ctx, Action.PROCESS_RLIMIT_SET)
        ceiling = CEILINGS.get(which, const.RLIM_INFINITY)
        limits[which] = Rlimit(min(rlp.rlim_cur, ceiling), min(rlp.rlim_max, ceiling))
        return self._tell(self._processes.of(ctx)) if which in TOLD else None

    async def _tell(self, process: Process) -> None:
        """The gateway sees to limits of descriptors and threads, and tells others those of files and sockets."""
        soft = [process.limits[which].rlim_cur for which in TOLD]
        with contextlib.suppress(KernelError):  # without a gateway there are no clients
            await value_of(self._bus.peer("gateway").call(KERNEL, calls.LIMITS_SET, (process.pid, *soft)))

    def _limits(self, ctx: Context, which: int) -> dict[int, Rlimit]:
        limits = self._processes.of(ctx).limits
        if which not in limits:
            raise KernelError(Errno.EINVAL, f"there is no resource {which}")
        return limits

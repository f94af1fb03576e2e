"""Processes: who is there, whose child, in which group and session, with which credentials and limits.

init (pid 1) is there from the start and adopts orphans; pid 0 stands for the kernel itself, which may do anything. A
guest comes into being as a child of init (`ProcessTable.create`) or by fork, and is gone at its exit: there is no wait,
so there are no zombies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rumpuser import kauth
from rumpuser.component import ROOT_CRED, Context
from rumpuser.kauth import Action
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, GetpidResult, ProcessInfo, Rlimit

MAXPROC = 4096
"""Processes at a time, init among them."""
PID_MAX = 30000
"""Highest process id, as in NetBSD. Ids are given out upward and come again only after this one."""
MAXCOMLEN = 16
"""Longest command name that is kept (sys/param.h)."""
INIT = 1
RESERVED = 5
"""The last slots of the table are the superuser's."""

DEFAULT_LIMITS = dict.fromkeys(range(const.RLIMIT_NTHR + 1), const.RLIM_INFINITY) | {
    const.RLIMIT_NPROC: MAXPROC,
    const.RLIMIT_NOFILE: const.OPEN_MAX,
}


@dataclass(slots=True, eq=False)
class Session:
    """A session: its id, and the login name its processes share (setlogin(2))."""

    sid: int
    login: bytes = b""


@dataclass(slots=True, eq=False)
class Process:
    """One process. ``sugid`` is set by a change of credentials and asked for by issetugid(2)."""

    pid: int
    parent: Process | None
    comm: str
    cred: Credentials
    session: Session
    pgid: int
    limits: dict[int, Rlimit]
    sugid: bool = False
    execed: bool = False
    """Has a new program since it was forked: its parent may no more move it to another group."""
    stopfork: int = 0
    """Whether its children begin with a SIGSTOP (proc.curproc.stopfork)."""
    stopexec: int = 0
    """Whether it gets one when it has a new program."""
    pending: int = 0
    """Recorded signals, bit signo - 1 each."""
    children: dict[int, Process] = field(default_factory=dict)

    @property
    def ppid(self) -> int:
        return self.parent.pid if self.parent else 0

    @property
    def session_leader(self) -> bool:
        return self.session.sid == self.pid

    def info(self) -> ProcessInfo:
        return ProcessInfo(self.pid, self.ppid, self.comm, self.cred)

    def inferior_of(self, other: Process) -> bool:
        """Whether it is the other one, or descends from it."""
        p: Process | None = self
        while p is not None and p is not other:
            p = p.parent
        return p is other


class ProcessTable:
    """All processes of the kernel; the authority on credentials."""

    def __init__(self) -> None:
        limits = {which: Rlimit(value, value) for which, value in DEFAULT_LIMITS.items()}
        self.init = Process(INIT, None, "init", ROOT_CRED, Session(INIT), INIT, limits)
        self._table = {INIT: self.init}
        self.when_forked: list[Callable[[Process, Process], None]] = []
        self.when_exited: list[Callable[[Process, int], None]] = []
        self.when_execed: list[Callable[[Process], None]] = []
        self._last = INIT
        self._again = False

    @property
    def last(self) -> int:
        """The number that was given out last."""
        return self._last

    @last.setter
    def last(self, number: int) -> None:
        self._last = number

    def adopt(self, pid: int, session: Session) -> Process:
        """A process that a kern before this one knew; the rest of it is filled in by the caller."""
        parent = self.init
        process = Process(pid, parent, "", parent.cred, session, pid, dict(parent.limits))
        self._table[pid] = process
        return process

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Process]:
        return iter(self._table.values())

    def get(self, pid: int) -> Process:
        """ESRCH."""
        try:
            return self._table[pid]
        except KeyError:
            raise KernelError(Errno.ESRCH, f"there is no process {pid}") from None

    def of(self, ctx: Context) -> Process:
        """The calling process. ESRCH."""
        return self.get(ctx.pid)

    def of_pid(self, ctx: Context, pid: int) -> Process:
        """A process by number, 0 for the calling one. ESRCH."""
        return self.get(pid or ctx.pid)

    def cred(self, ctx: Context) -> Credentials:
        """What the caller may do now, whatever snapshot it came with. ESRCH."""
        return ROOT_CRED if ctx.pid == 0 else self.of(ctx).cred

    def permitted(self, ctx: Context, action: Action) -> bool:
        return kauth.permitted(self.cred(ctx), action)

    def authorize(self, ctx: Context, action: Action) -> None:
        """`kauth.authorize` by what the caller may do now. EPERM."""
        kauth.check(self.cred(ctx), action, pid=ctx.pid)

    def in_group(self, pgid: int) -> Process | None:
        """Some process of a process group."""
        return next((p for p in self if p.pgid == pgid), None)

    # -- life

    def create(self, ctx: Context, comm: str) -> ProcessInfo:
        """A new child of init, with init's identity. EAGAIN."""
        return self._spawn(self.init, comm).info()

    def admit(self, ctx: Context, comm: str, cred: Credentials | None, processes: int, descriptors: int) -> ProcessInfo:
        """A new child of init with the credentials of an identity, and its limits. EPROCLIM, EAGAIN."""
        assert cred is not None
        if processes and sum(p.cred.subject == cred.subject for p in self) >= processes:
            kauth.met(cred.subject, "processes")
            raise KernelError(Errno.EPROCLIM, f"{cred.subject} has {processes} processes, as many as it may")
        child = self._spawn(self.init, comm)
        child.cred = cred
        for which, most in ((const.RLIMIT_NPROC, processes), (const.RLIMIT_NOFILE, descriptors)):
            if most:
                child.limits[which] = Rlimit(most, most)
        return child.info()

    def fork(self, ctx: Context) -> ProcessInfo:
        """A child of the caller. ESRCH, EPERM, EAGAIN."""
        parent = self.of(ctx)
        kauth.check(parent.cred, Action.PROCESS_FORK, pid=parent.pid)
        child = self._spawn(parent, parent.comm)
        for told in self.when_forked:
            told(parent, child)
        return child.info()

    def exec(self, ctx: Context, comm: str) -> ProcessInfo:
        """The caller has a new program, which issetugid(2) warns only when its ids differ. ESRCH."""
        process = self.of(ctx)
        cred = process.cred
        process.comm = _command(comm)
        process.execed = True
        process.sugid = (cred.euid, cred.egid) != (cred.uid, cred.gid)
        for told in self.when_execed:
            told(process)
        return process.info()

    def exit(self, ctx: Context, pid: int, status: int) -> None:
        """Frees a process; its children become those of init. ESRCH, EINVAL for init."""
        process = self.get(pid)
        if process.parent is None:
            raise KernelError(Errno.EINVAL, "init does not exit")
        for child in process.children.values():
            child.parent = self.init
        self.init.children |= process.children
        process.children = {}
        del process.parent.children[pid]
        del self._table[pid]
        for told in self.when_exited:
            told(process, status)

    def list(self, ctx: Context) -> list[ProcessInfo]:
        return [p.info() for p in sorted(self, key=lambda p: p.pid)]

    def _spawn(self, parent: Process, comm: str) -> Process:
        self._room(parent)
        pid = self._new_pid()
        child = Process(
            pid, parent, _command(comm), parent.cred, parent.session, parent.pgid, dict(parent.limits), parent.sugid
        )
        self._table[pid] = parent.children[pid] = child
        return child

    def _room(self, parent: Process) -> None:
        """EAGAIN when the table, or what the user may have of it, is used up."""
        free = MAXPROC - len(self._table)
        bypass = kauth.permitted(parent.cred, Action.PROCESS_RLIMIT_BYPASS)
        if free <= (0 if bypass else RESERVED):
            raise KernelError(Errno.EAGAIN, f"{len(self._table)} of {MAXPROC} processes are there")
        if bypass:
            return
        limit = parent.limits[const.RLIMIT_NPROC].rlim_cur
        subject, uid = parent.cred.subject, parent.cred.uid
        count = sum(p.cred.subject == subject if subject else p.cred.uid == uid for p in self)
        if count >= limit:
            who = subject or f"uid {uid}"
            if subject:
                kauth.met(subject, "processes")
            raise KernelError(Errno.EAGAIN, f"{who} has {count} of {limit} processes (RLIMIT_NPROC)")

    def _new_pid(self) -> int:
        """The next number that is no process's and, once ids come again, no group's or session's."""
        while True:
            if self._last == PID_MAX:
                self._last, self._again = INIT, True
            self._last += 1
            if self._last not in self._table and not (self._again and self._named(self._last)):
                return self._last

    def _named(self, number: int) -> bool:
        return any(number in (p.pgid, p.session.sid) for p in self)

    # -- numbers of the caller

    def getpid(self, ctx: Context) -> GetpidResult:
        process = self.of(ctx)
        return GetpidResult(process.pid, process.ppid)

    def getppid(self, ctx: Context) -> int:
        return self.of(ctx).ppid


def _command(comm: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in comm[:MAXCOMLEN])

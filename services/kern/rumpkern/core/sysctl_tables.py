"""kern's tables in the sysctl tree: processes, descriptors, what is counted, what is in use (kern.proc2 and others)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rumpkern.core.proc import MAXPROC, Process, ProcessTable
from rumpkern.core.signals import Signals
from rumpkern.core.sysctl import CURPROC, Node, Selector, Tree
from rumpkern.core.sysctl_nodes import Nodes
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.pending import value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    KinfoFile,
    KinfoProc,
    NetCounter,
    SysctlCounters,
    SysctlFiles,
    SysctlProcs,
    SysctlTexts,
    SysctlValueInteger,
)

FLAGS = const.CTLFLAG_PERMANENT | const.CTLFLAG_READONLY
_PROCESSES: Mapping[int, Callable[[Process, int], bool]] = {
    const.KERN_PROC_ALL: lambda p, arg: True,
    const.KERN_PROC_PID: lambda p, arg: p.pid == arg,
    const.KERN_PROC_PGRP: lambda p, arg: p.pgid == arg,
    const.KERN_PROC_SESSION: lambda p, arg: p.session.sid == arg,
    const.KERN_PROC_UID: lambda p, arg: p.cred.euid == arg,
    const.KERN_PROC_RUID: lambda p, arg: p.cred.uid == arg,
    const.KERN_PROC_GID: lambda p, arg: p.cred.egid == arg,
    const.KERN_PROC_RGID: lambda p, arg: p.cred.gid == arg,
}
"""Which processes are meant, by KERN_PROC_*. KERN_PROC_TTY is not there: whose terminal is whose, dev knows."""


def row(p: Process) -> KinfoProc:
    cred = p.cred
    return KinfoProc(
        p.pid, p.ppid, p.pgid, p.session.sid, p.comm, cred.euid, cred.egid, cred.uid, cred.gid, cred.svuid, cred.svgid,
        list(cred.groups), p.session.login, p.pending,
    )  # fmt: skip


class EventCounters:
    """What has happened to processes (kern.evcnt)."""

    def __init__(self, processes: ProcessTable, signals: Signals) -> None:
        self._counts = Counter(fork=0, exec=0, exit=0, signal=0)
        processes.when_forked.append(lambda parent, child: self._count("fork"))
        processes.when_execed.append(lambda process: self._count("exec"))
        processes.when_exited.append(lambda process, status: self._count("exit"))
        signals.when_sent.append(lambda process, signo: self._count("signal"))

    def _count(self, name: str) -> None:
        self._counts[name] += 1

    def rows(self) -> SysctlCounters:
        return SysctlCounters([NetCounter("proc", name, count) for name, count in self._counts.items()])


class Stopping:
    """proc.curproc.stopfork and stopexec: who debugs gets a process in hand before it runs on.

    Nothing is stopped by the kernel: the process gets a SIGSTOP, with which its client stops (`Signals`). Children
    have what their parents have.
    """

    def __init__(self, nodes: Nodes, processes: ProcessTable, signals: Signals) -> None:
        self._processes = processes
        self._signals = signals
        for number, name, when in ((3, "stopfork", "a new child"), (4, "stopexec", "it, with a new program,")):
            self._node(nodes, number, name, f"Whether {when} is stopped before it runs")
        processes.when_forked.append(self._forked)
        processes.when_execed.append(self._execed)

    def _node(self, nodes: Nodes, number: int, name: str, description: str) -> None:
        def write(ctx: Context, value: int) -> None:
            setattr(self._processes.of(ctx), name, int(bool(value)))

        numbers = (const.CTL_PROC, CURPROC, number)
        nodes.own(
            f"proc.curproc.{name}", numbers, description, lambda ctx: getattr(self._processes.of(ctx), name), write
        )

    def _forked(self, parent: Process, child: Process) -> None:
        child.stopfork, child.stopexec = parent.stopfork, parent.stopexec
        if parent.stopfork:
            self._signals.post(child.pid, const.SIGSTOP)

    def _execed(self, process: Process) -> None:
        if process.stopexec:
            self._signals.post(process.pid, const.SIGSTOP)


class Tables:
    """Puts them into a tree."""

    def __init__(self, tree: Tree, bus: Bus, processes: ProcessTable) -> None:
        self._tree = tree
        self._bus = bus
        self._processes = processes
        self._selected("kern.proc", (1, 14), "System-wide process information", self.procs)
        self._selected("kern.proc2", (1, 47), "Machine-independent process information", self.procs)
        self._selected("kern.proc_args", (1, 48), "Process argument information", self.proc_args)
        self._selected("kern.file", (1, 15), "System open file table", self.files)
        self._selected("kern.file2", (1, 77), "System open file table", self.files)

    def _selected(self, path: str, numbers: tuple[int, ...], description: str, select: Selector) -> None:
        flags = FLAGS | const.CTLFLAG_ANYNUMBER
        self._tree.add(Node(path, 0, const.CTLTYPE_STRUCT, flags, description, select=select), numbers)

    def counters(
        self, path: str, numbers: tuple[int, ...], description: str, rows: Callable[[], SysctlCounters]
    ) -> None:
        self._tree.add(Node(path, 0, const.CTLTYPE_STRUCT, FLAGS, description, read=lambda ctx: rows()), numbers)

    def pools(self, others: Mapping[str, tuple[Callable[[], int], Callable[[], int]]]) -> None:
        """kern.pool: of each kind of object how many there are, and may be."""
        kinds: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
            "proc": (lambda: len(self._processes), lambda: MAXPROC),
            **others,
        }

        def rows() -> SysctlCounters:
            return SysctlCounters(
                [
                    NetCounter(kind, name, get())
                    for kind, (inuse, most) in kinds.items()
                    for name, get in (("inuse", inuse), ("max", most))
                ]
            )

        self.counters("kern.pool", (), "Objects in use, and how many there may be", rows)

    # -- processes

    def procs(self, ctx: Context, behind: tuple[int, ...]) -> SysctlProcs:
        """KERN_PROC_*, its argument, and of kern.proc2 a size that is not looked at and how many at most. EINVAL."""
        op, arg, _, most = _filled(behind, (const.KERN_PROC_ALL, 0, 0, 0))
        wanted = _PROCESSES.get(op)
        if wanted is None:
            raise KernelError(Errno.EINVAL, f"kern.proc has no selection {op}")
        found = [row(p) for p in sorted(self._processes, key=lambda p: p.pid) if wanted(p, arg)]
        return SysctlProcs(found[: most or None])

    def proc_args(self, ctx: Context, behind: tuple[int, ...]) -> Any:
        """A process and KERN_PROC_ARGV or its kin. Of a client the kernel knows its command alone. EINVAL, ESRCH."""
        if not behind:
            return SysctlTexts([])
        pid, what = _filled(behind, (0, const.KERN_PROC_ARGV))
        argv = [self._processes.get(pid).comm.encode()]
        answers: dict[int, Any] = {
            const.KERN_PROC_ARGV: SysctlTexts(argv),
            const.KERN_PROC_NARGV: SysctlValueInteger(len(argv)),
            const.KERN_PROC_ENV: SysctlTexts([]),
            const.KERN_PROC_NENV: SysctlValueInteger(0),
        }
        if what not in answers:
            raise KernelError(Errno.EINVAL, f"kern.proc_args has no {what}: the programs of processes are elsewhere")
        return answers[what]

    # -- descriptors

    async def files(self, ctx: Context, behind: tuple[int, ...]) -> SysctlFiles:
        """KERN_FILE_*, its argument (a process, below 0 all), and as of `procs`. EINVAL."""
        op, arg, _, most = _filled(behind, (const.KERN_FILE_BYFILE, 0, 0, 0))
        if op not in (const.KERN_FILE_BYFILE, const.KERN_FILE_BYPID):
            raise KernelError(Errno.EINVAL, f"kern.file2 has no selection {op}")
        one = op == const.KERN_FILE_BYPID and arg >= 0
        found = [file for file in await self._files() if not one or file.ki_pid == arg]
        return SysctlFiles(found[: most or None])

    async def _files(self) -> Iterable[KinfoFile]:
        """Without a gateway there are no descriptors."""
        try:
            peer = self._bus.peer("gateway")
        except KernelError:
            return []
        found: list[KinfoFile] = await value_of(peer.call(KERNEL, calls.FD_TABLE, ()))
        return found


def _filled(given: tuple[int, ...], usual: tuple[int, ...]) -> tuple[int, ...]:
    """EINVAL for too many."""
    if len(given) > len(usual):
        raise KernelError(Errno.EINVAL, f"at most {len(usual)} numbers stand behind the node, not {len(given)}")
    return (*given, *usual[len(given) :])

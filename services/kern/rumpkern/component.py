"""kern: the base of every kernel, put together out of its parts."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rumpkern.core.aio import AioLimits
from rumpkern.core.clock import Clocks
from rumpkern.core.cred import CredentialCalls
from rumpkern.core.events import ProcessFilter, SignalFilter, TimerFilter
from rumpkern.core.ksem import Semaphores
from rumpkern.core.modules import FACTIONS, Modules
from rumpkern.core.pipe import MAX_PIPES, Pipes
from rumpkern.core.proc import MAXPROC, ProcessTable
from rumpkern.core.restoring import Recorder, keep, restore
from rumpkern.core.session import SessionCalls
from rumpkern.core.signals import Signals
from rumpkern.core.sysctl import Tree
from rumpkern.core.sysctl_call import SysctlCalls
from rumpkern.core.sysctl_nodes import Identity, Nodes, fill
from rumpkern.core.sysctl_tables import EventCounters, Stopping, Tables
from rumpkern.core.timers import TIMERS_MAX, Timers
from rumpkern.syscalls import syscalls
from rumpuser.component import Bus, Component, Context, Parameters
from rumpuser.host import Host
from rumpuser.kqueue import Watching
from rumpuser.module import GROUP
from rumpuser.quota import limited
from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import KernelError
from rumpwire.values import Siginfo

MACHINES = {"x86_64": "amd64", "i686": "i386", "aarch64": "evbarm", "armv7l": "evbarm", "riscv64": "riscv"}
"""NetBSD's port for a machine of the host, where it is called otherwise."""


class KernComponent(Component):
    """Processes, identities, limits, clocks, pipes, the sysctl tree and the module table."""

    name = "kern"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.processes = ProcessTable()
        self.credentials = CredentialCalls(self.processes)
        self.sessions = SessionCalls(bus, self.processes)
        self.signals = Signals(bus, self.processes, parameters.extra.get("sigmodel", ""))
        self.processes.when_exited.append(self.signals.exited)
        self.clocks = Clocks(host, self.processes)
        self.timers = Timers(host, self.clocks, self.processes, self._post)
        self.pipes = Pipes(host, self.processes)
        self.semaphores = Semaphores(host, self.processes, self.clocks)
        self.modules = Modules(self, host, bus, self.processes, find_installed, parameters.module_keys)
        self.modules.settings.verbose = parameters.verbose
        self.modules.settings.path = parameters.extra.get("modulebase", "")
        self.identity = identity(host, parameters)
        tree = Tree()
        nodes = Nodes(tree)
        fill(
            nodes,
            self.identity,
            parameters,
            host,
            self.clocks,
            self.pipes,
            self.semaphores,
            AioLimits(bus),
            self.sessions,
            self.signals,
            self.modules.settings,
        )
        tables = Tables(tree, bus, self.processes)
        tables.counters("kern.evcnt", (), "Event counters", EventCounters(self.processes, self.signals).rows)
        tables.pools(
            {
                "pipe": (lambda: len(self.pipes), lambda: MAX_PIPES),
                "ksem": (lambda: self.semaphores.count, lambda: self.semaphores.most),
                "ptimer": (lambda: len(self.timers), lambda: MAXPROC * TIMERS_MAX),
            }
        )
        self.stopping = Stopping(nodes, self.processes, self.signals)
        self.sysctl = SysctlCalls(tree, bus, self.processes, host.records)
        self.watching = Watching(host, self.pipes.end)
        self.watching.filters[const.EVFILT_TIMER] = TimerFilter(host, self.clocks)
        self.watching.filters[const.EVFILT_PROC] = ProcessFilter(self.processes)
        self.watching.filters[const.EVFILT_SIGNAL] = SignalFilter(self.processes, self.signals)
        self.table |= syscalls(self)
        limited(self, bus, "pipes", "pipe", "pipe2")
        limited(self, bus, "kqueues", "knote_change")
        self.host = host
        self.recorder = Recorder(self, host.records)
        if self.recorder.on:
            self.modules.changed = self.recorder.modules

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        value = super().call(ctx, op, args)
        if self.recorder.on:
            self.recorder.done(ctx, op.name, args, value)
        return value

    def start(self) -> None:
        """What a predecessor left, if there was one."""
        if self.host.records.inherited:
            restore(self, self.host.records)
        self.clocks.record()

    def keep(self, handles: Sequence[int], directories: Sequence[int]) -> Any:
        """Of kern these are pipes, which are gone, and the processes that the gateway knows."""
        keep(self, list(directories))
        return [], list(directories)

    def holding(self) -> Iterable[tuple[str, str, int]]:
        yield from super().holding()
        yield from ((subject, "pipes", count) for subject, count in self.pipes.held())

    def _post(self, pid: int, signo: int, value: int) -> None:
        """A signal of a timer; its process may have ended meanwhile."""
        with contextlib.suppress(KernelError):
            self.signals.post(pid, signo, Siginfo(si_code=const.SI_TIMER, si_value=value))


def identity(host: Host, parameters: Parameters) -> Identity:
    machine = os.uname().machine
    hostname = parameters.hostname or f"rump-{int.from_bytes(host.entropy(4), 'little') % 100_000:05d}"
    return Identity(hostname, _release, MACHINES.get(machine, machine), machine, sys.byteorder == "big")


@functools.cache
def _release() -> str:
    try:
        return importlib.metadata.version("anykernel")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def find_installed(name: str) -> str | None:
    """The faction of an installed module."""
    points = importlib.metadata.entry_points(name=name)
    return next((faction for faction in FACTIONS if points.select(group=GROUP + faction)), None)

"""What kern leaves to its successor, and how that takes it over: processes, settings, clocks, the module table.

A process is written down after each call that may have changed it, field by field, whatever fields it has; so a new
field that is plain data comes back by itself. Pipes and semaphores are not among it: what is in them would have to be
written with every call. Their descriptors are lost with kern (EIO), rather than come back empty without a word.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from rumpkern.core.modules import Record
from rumpkern.core.proc import Process, Session
from rumpuser.component import KERNEL, Context
from rumpuser.plain import flat, whole
from rumpuser.records import Records
from rumpwire.errno import KernelError
from rumpwire.values import ProcessInfo

if TYPE_CHECKING:
    from rumpkern.component import KernComponent

log = logging.getLogger(__name__)

_APART = ("pid", "parent", "children", "session")
_FIELDS = tuple(field.name for field in dataclasses.fields(Process) if field.name not in _APART)
_READING = frozenset({
    "read", "readv", "write", "writev", "getpid", "getppid", "cred_get", "clock_gettime", "gettimeofday", "nanosleep",
    "poll_objects", "knote_collect", "ping", "run_seen", "module_list", "fstat", "fcntl", "close",
    "ksem_post", "ksem_wait", "ksem_trywait", "ksem_timedwait", "ksem_getvalue",
})  # fmt: skip
"""Frequent calls that leave processes as they are."""


class Recorder:
    """Writes it down."""

    def __init__(self, kern: KernComponent, records: Records) -> None:
        self._kern = kern
        self._records = records
        self._known: dict[int, Any] = {}
        self.on = records.on

    def done(self, ctx: Context, name: str, args: tuple[Any, ...], value: Any) -> None:
        """A call is done, or begun if it waits: the processes that it is about may have changed."""
        if name in _READING:
            return
        pids = {ctx.pid, *args[:1]} if args and type(args[0]) is int else {ctx.pid}
        if isinstance(value, ProcessInfo):
            pids.add(value.pid)
        for pid in pids:
            self.process(pid)

    def process(self, pid: int) -> None:
        table = self._kern.processes
        try:
            process = table.get(pid)
        except KernelError:
            if self._known.pop(pid, None) is not None:
                self._records.delete("processes", pid)
            return
        session = process.session
        state = (process.ppid, session.sid, session.login, *(flat(getattr(process, name)) for name in _FIELDS))
        if self._known.get(pid) != state:
            self._known[pid] = state
            try:
                self._records.put("processes", pid, state)
            except ValueError:
                log.exception("process %d cannot be written down", pid)
        self._records.last("last pid", table.last)

    def modules(self) -> None:
        """The module table, which a load or an unload has changed."""
        rows = [[flat(row.stat), row.flags, row.brought] for row in self._kern.modules.rows()]
        disabled = [[flat(row.stat), row.flags, row.brought] for row in self._kern.modules.disabled()]
        self._records.put("modules of the kernel", 0, (rows, disabled))


def restore(kern: KernComponent, records: Records) -> None:
    """For the successor of a kern."""
    processes = {pid: state for pid, state, _ in records.items("processes")}
    _restore_processes(kern, processes)
    for _, _, last in records.items("last pid"):
        kern.processes.last = last
    for _, _, last in records.items("pipes"):
        kern.pipes.restart_handles(last)
    for _, _, last in records.items("semaphores"):
        kern.semaphores.restart_handles(last)
    for _, (offset, boottime, begun, slew), start in records.items("clocks"):
        kern.clocks.restore(offset, boottime, begun, slew, start)
    kern.timers.restore()
    for path, state, _ in sorted(records.items("sysctl made")):
        kern.sysctl.made.restore(path, state)
    _restore_sysctl(kern, [(path, value) for path, value, _ in records.items("sysctl")])
    for pid in processes:
        kern.recorder.process(pid)
    for _, (rows, disabled), _ in records.items("modules of the kernel"):
        kern.modules.restore(*([Record(whole(stat), *rest) for stat, *rest in part] for part in (rows, disabled)))


def _restore_sysctl(kern: KernComponent, values: list[tuple[str, Any]]) -> None:
    """What one may be can depend on what another is (kern.aio_max): those that are refused are set after the others."""
    while values:
        refused = []
        for path, value in values:
            try:
                kern.sysctl.restore(path, whole(value))
            except (KernelError, ValueError) as error:
                refused.append((path, value, error))
        if len(refused) == len(values):
            for path, _, why in refused:
                log.warning("sysctl %s does not come back: %s", path, why)
            return
        values = [(path, value) for path, value, _ in refused]


def _restore_processes(kern: KernComponent, states: dict[int, Any]) -> None:
    table = kern.processes
    sessions: dict[int, Session] = {table.init.session.sid: table.init.session}
    for pid, (_, sid, login, *fields) in states.items():
        session = sessions.setdefault(sid, Session(sid))
        session.login = login
        process = table.init if pid == table.init.pid else table.adopt(pid, session)
        for name, value in zip(_FIELDS, fields, strict=False):
            setattr(process, name, whole(value))
    for pid, (ppid, *_) in states.items():
        if pid != table.init.pid:
            process = table.get(pid)
            process.parent = table.get(ppid) if ppid in states else table.init
            process.parent.children[pid] = process


def keep(kern: KernComponent, pids: list[int]) -> None:
    """Ends processes whose birth or end was under way, so that the gateway does not know them."""
    for process in list(kern.processes):
        if process.parent is not None and process.pid not in pids:
            kern.processes.exit(KERNEL, process.pid, 0)
            kern.recorder.process(process.pid)

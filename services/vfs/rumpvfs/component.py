"""The file system faction as a component: file systems, files, mounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import CoroutineType
from typing import Any

from rumpuser.component import Bus, Component, Context, Entry, Parameters
from rumpuser.host import Host
from rumpuser.leases import Page
from rumpuser.pending import value_of
from rumpuser.quota import limited
from rumpuser.transport.memory import Pool
from rumpvfs.core.gates import Slow
from rumpvfs.core.leases import QUIET, Leases
from rumpvfs.core.questions import ASKED_MAX, Again, Question
from rumpvfs.core.restoring import Restoring, keep
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import FileSystemType
from rumpvfs.fs.tmpfs import FILE_SYSTEM as TMPFS
from rumpvfs.syscalls import syscalls
from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError


class VfsComponent(Component):
    """vfs. Its root file system is a tmpfs with ``/dev`` and ``/tmp``."""

    name = "vfs"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.vfs = Vfs(host, bus, parameters, TMPFS)
        self.watching = self.vfs.watching
        self.restoring: Restoring
        self.table.update(syscalls(self))
        limited(self, bus, "kqueues", "knote_change")
        self.leases = Leases(self.vfs, self.watching.table())

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """As `Component.call`; what it changes is counted where somebody wants to know."""
        leases = self.leases
        if leases.page is None:
            value = self._call(ctx, op, args)
            return leases.found(op.name, args, value) if type(value) is CoroutineType else value
        kind = leases.kind(op.name, args)
        if kind == QUIET:
            return self._call(ctx, op, args)
        file, value = leases.begin(kind, args), None
        try:
            value = self._call(ctx, op, args)
        finally:
            if type(value) is not CoroutineType:
                leases.end(kind, file, value)
        return leases.later(kind, file, value) if type(value) is CoroutineType else value

    def _call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """When a driver asks another faction something, the call is done again with the answer."""
        self.vfs.environment.cred = ctx.cred
        entry = self.entry(op)
        if ctx.memory:
            self.vfs.environment.bounded.add(ctx.cred.subject)
        try:
            value = entry.handler(ctx, *args)
        except Again as again:
            value = self._again(ctx, entry, args, again)
        except Slow:
            return self._slowly(ctx, entry, args)
        if type(value) is CoroutineType and self.vfs.gates.used:
            return self._watched(ctx, entry, args, value)
        return value

    async def _watched(self, ctx: Context, entry: Entry, args: tuple[Any, ...], value: Any) -> Any:
        """A handler that awaits, and may come to a slow mount only then."""
        try:
            return await value
        except Slow:
            return await value_of(self._slowly(ctx, entry, args))

    def _slowly(self, ctx: Context, entry: Entry, args: tuple[Any, ...]) -> Any:
        """Does a call in a worker."""
        gates = self.vfs.gates

        def work() -> Any:
            self.vfs.environment.cred = ctx.cred
            try:
                return entry.handler(ctx, *args)
            except Again as again:
                return self._again(ctx, entry, args, again)

        return self.vfs.host.offload(lambda: gates.visit(work))

    async def _again(self, ctx: Context, entry: Entry, args: tuple[Any, ...], again: Again) -> Any:
        questions, answers = self.vfs.questions, dict[Question, Any]()
        while len(answers) < ASKED_MAX:
            answers[again.question] = await questions.find_out(ctx, again.question)
            questions.answers = answers
            self.vfs.environment.cred = ctx.cred
            try:
                value = entry.handler(ctx, *args)
            except Again as another:
                again = another
                continue
            finally:
                questions.answers = None
            return await value_of(value)
        raise KernelError(Errno.EIO, "a file system asks without end", self.name)

    def holding(self) -> Iterable[tuple[str, str, int]]:
        yield from super().holding()
        yield from ((subject, "files", count) for subject, count in self.vfs.environment.held.items() if count)

    def add_filesystem(self, kind: FileSystemType) -> None:
        """For modules: a type that mount knows from now on. EEXIST."""
        self.vfs.mounts.add_type(kind)

    def remove_filesystem(self, name: str) -> None:
        """ENOENT, EBUSY while one is mounted."""
        self.vfs.mounts.remove_type(name)

    def count(self, pool: Pool, *, on: bool) -> None:
        if on:
            self.leases.share(Page(pool))
        elif self.leases.page is not None and self.leases.page.pool is pool:
            self.leases.share(None)

    def start(self) -> Any:
        """What a predecessor left, if there was one."""
        return self.restoring.restore() if self.vfs.host.records.inherited else None

    def keep(self, handles: Sequence[int], directories: Sequence[int]) -> Any:
        return keep(self.vfs, handles, directories)

    def stop(self) -> Any:
        """Writes everything out and unmounts it, closes the host files. EIO when something could not be written.

        With RB_NOSYNC file systems stay as they are, as if the machine had stopped.
        """
        if self.howto & const.RB_NOSYNC:
            self.vfs.etfs.close()
            return None
        gates = self.vfs.gates
        return self.vfs.host.offload(lambda: gates.visit(self._stop)) if gates.used else self._stop()

    def _stop(self) -> None:
        for mount in self.vfs.mounts.list:
            if mount.fs.gates:
                self.vfs.gates.enter(mount.fs.gates)
        self.vfs.files.clear()
        failure = self.vfs.mounts.stop()
        self.vfs.etfs.close()
        if failure is not None:
            raise failure

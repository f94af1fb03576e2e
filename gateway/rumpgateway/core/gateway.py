"""The system call layer: looks descriptors up, routes each call to its owner, installs new descriptors.

The way of a call: `Gateway.call` answers it from what the gateway owns (`core.calls`), or `Gateway.route` puts handles
in the place of descriptors, hands it to the component that owns the object (else to the faction of the call), and puts
descriptors in the place of new handles. Batches go the same way, in runs of calls with one owner (`core.batch`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import CoroutineType
from typing import Any

from rumpgateway.core import life, signals
from rumpgateway.core.aio import AIO_CALLS, AsynchronousIO
from rumpgateway.core.calls import (
    GATEWAY_CALLS,
    IDENTITY_CALLS,
    change_identity,
    duplicate,
    fd_list,
    fd_stat,
    fd_table,
    open_elsewhere,
)
from rumpgateway.core.console import CONSOLE
from rumpgateway.core.cookies import Cookies
from rumpgateway.core.descriptors import Description, misplaced
from rumpgateway.core.kqueue import KQUEUE_CALLS, KqueueDescription, Kqueues, UserFilter
from rumpgateway.core.ktrace import KTRACE_CALLS, Ktrace
from rumpgateway.core.memory import Memory
from rumpgateway.core.polling import POLL_CALLS
from rumpgateway.core.process import Process
from rumpgateway.core.rights import RIGHTS_CALLS, Rights
from rumpgateway.core.sigio import Asynchronous
from rumpuser.component import KERNEL, Bus, Component, Context, Entry, Parameters
from rumpuser.host import Host
from rumpuser.kqueue import Watching
from rumpuser.pending import start, value_of
from rumpuser.policy import Identity
from rumpuser.quota import limited
from rumpuser.readiness import Selectable
from rumpuser.run import ELSEWHERE, device_of, diverted
from rumpwire import calls, const, values
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

LOST = "lost"
"""Owner of objects whose component has ended."""

NO_DIRECTORY = (1 << 31) - 1
"""A directory handle that vfs never gives out: a process that was in a directory that is gone must not end up in /."""

OWN_CALLS = GATEWAY_CALLS | POLL_CALLS | KQUEUE_CALLS | RIGHTS_CALLS | KTRACE_CALLS | AIO_CALLS
"""The calls of clients that the gateway answers itself, or puts together out of the answers of several components."""

CLOEXEC = {
    "open": (1, const.O_CLOEXEC),
    "openat": (2, const.O_CLOEXEC),
    "fhopen": (1, const.O_CLOEXEC),
    "pipe2": (0, const.O_CLOEXEC),
    "socket": (1, const.SOCK_CLOEXEC),
    "socketpair": (1, const.SOCK_CLOEXEC),
    "paccept": (2, const.SOCK_CLOEXEC),
}

_SEEKING = {"lseek", "pread", "pwrite", "preadv", "pwritev"}

_RESULTS: dict[str, Any] = {
    op.name: getattr(values, "".join(part.capitalize() for part in op.name.split("_")) + "Result")
    for op in OPS.values()
    if len(op.results) > 1
}


class Gateway(Component):
    """The gateway of one kernel; as a component it serves its peers (``faction_start``) and owns the console."""

    name = "gateway"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters, log: Callable[[str], None]) -> None:
        super().__init__()
        self.host = host
        self.bus = bus
        self.parameters = parameters
        self.processes: dict[int, Process] = {}
        self.resting = False
        self.own: dict[str, Callable[..., Any]] = {n: partial(e.handler, self) for n, e in OWN_CALLS.items()}
        self.own |= {name: self._identity_call(OPS[name]) for name in IDENTITY_CALLS}
        self.memory = Memory(self)
        self.kqueues = Kqueues(self)
        self.ktrace = Ktrace(self)
        self.log = log
        self.cookies = Cookies(self)
        self.asynchronous = Asynchronous(self)
        self.aio = AsynchronousIO(self)
        self.rights = Rights(self)
        self.watching = Watching(host, self._console)
        self.watching.filters[const.EVFILT_USER] = UserFilter()
        self.table |= self.watching.table() | _own_objects(CONSOLE.table(log), self.kqueues.table())
        self.table["rights_drop"] = Entry(lambda ctx, tokens: self.rights.drop(tokens))
        self.table["faction_start"] = Entry(lambda ctx, faction: self.start_faction(faction))
        self.table["signal_deliver"] = Entry(partial(signals.deliver, self))
        self.table["limits_set"] = Entry(self._set_limits)
        self.table["socket_urgent"] = Entry(partial(signals.urgent, self))
        self.table["memory_room"] = Entry(lambda ctx, *what: self.memory.room(*what))
        limited(self, bus, "kqueues", "knote_change")
        self.table["aio_limits_set"] = Entry(self.aio.set_limits)
        self.table["fd_list"] = Entry(partial(fd_list, self))
        self.table["fd_table"] = Entry(partial(fd_table, self))
        self.table["fd_stat"] = Entry(partial(fd_stat, self))
        self.start_faction: Callable[[str], Any] = _cannot_start
        self.halt: Callable[[int], None] = lambda opt: None
        self.panic: Callable[[str], None] = lambda text: None
        self.restart: Callable[[str, bool, bool], Any] = _cannot_restart

    def holding(self) -> Iterable[tuple[str, str, int]]:
        yield from super().holding()
        yield from ((subject, "aio", count) for subject, count in self.aio.held())
        yield from self.memory.shared()

    def _console(self, handle: int) -> Selectable:
        if handle:
            raise KernelError(Errno.EBADF, f"there is no object {handle}")
        return CONSOLE

    def _identity_call(self, op: Op) -> Callable[..., Any]:
        return lambda p, *args: change_identity(self, p, op, args)

    # -- processes

    async def attach(self, comm: str, identity: Identity | None = None) -> Process:
        """A guest process: root's, as in the original, unless an identity of a policy is given. EPROCLIM, EAGAIN."""
        return await life.attach(self, comm, identity)

    async def fork(self, parent: Process, flags: int) -> Process:
        """A child of a process, RFFDG, RFCFDG or RFSHARE. EINVAL, EAGAIN."""
        return await life.fork(self, parent, flags)

    async def execute(self, p: Process, comm: str) -> None:
        """exec. EBUSY."""
        await life.execute(self, p, comm)

    async def exit(self, p: Process, status: int = 0) -> None:
        """Frees a process and all it holds."""
        await life.leave(self, p, status)

    def _set_limits(self, ctx: Context, pid: int, nofile: int, fsize: int, nthr: int, sbsize: int) -> None:
        p = self.processes.get(pid)
        if p is not None:
            p.limits = nofile, fsize, nthr, sbsize

    def rest(self) -> None:
        """Begins nothing by itself, so that all that it is can go to a successor."""
        self.resting = True
        self.aio.rest()
        self.asynchronous.rest()

    def go_on(self) -> None:
        self.resting = False
        self.aio.go_on()
        self.asynchronous.go_on()

    async def release_directory(self, p: Process, handle: int) -> None:
        if handle:
            await value_of(self.bus.peer("vfs").call(p.context, calls.DIR_RELEASE, (handle,)))

    # -- calls

    def call(self, p: Any, op: Op, args: tuple[Any, ...]) -> Any:
        """Does a call of a process: the value, or a coroutine that gives it.

        Called by a peer with a Context in place of the process, it is a call to the gateway as a component.
        """
        if type(p) is not Process:
            return super().call(p, op, args)
        if p.trace is not None:
            return self.ktrace.call(p, op, args)
        own = self.own.get(op.name)
        return self.route(p, op, args) if own is None else own(p, *args)

    def run(self, p: Any, steps: Sequence[Step], keep_going: bool) -> Any:
        """Does a batch of a process: the outcomes, or a coroutine that gives them."""
        if type(p) is not Process:
            return super().run(p, steps, keep_going)
        from rumpgateway.core.batch import run_batch

        return run_batch(self, p, steps, keep_going)

    def route(self, p: Process, op: Op, args: tuple[Any, ...]) -> Any:
        """Hands a call to its owner."""
        if op.internal:
            raise KernelError(Errno.ENOSYS, f"{op.cname} is between components", self.name)
        owner, original = op.faction, args
        if op.descriptors or op.directories:
            owner, args = self.translate(p, op, args)
        if op.new:
            p.fds.room(len(op.new))
        try:
            value = self.peer(owner).call(p.context, op, args)
        except KernelError as error:
            if op.name in signals.WRITING:
                return signals.failed(self, p, op, args, owner, args[0], error)
            raise
        if type(value) is CoroutineType:
            return self.finish(p, op, args, owner, value, original)
        if op.new and diverted(op, value):
            return self.duplicate(p, op, args, value)
        return self.install(p, op, args, owner, value)

    async def finish(
        self, p: Process, op: Op, args: tuple[Any, ...], owner: str, value: Any, original: tuple[Any, ...]
    ) -> Any:
        """Brings a call to its end of which ``value`` awaits what its owner says; ``original``: with descriptors."""
        try:
            value = await value
        except KernelError as error:
            if op.name in signals.WRITING:
                await signals.signalled(self, p, op, args, owner, args[0], error)
            raise (self._lost_meanwhile(p, op, original) if error.errno == Errno.EBADF else None) or error from None
        if diverted(op, value):
            return await self.duplicate(p, op, args, value)
        return self.install(p, op, args, owner, value)

    def _lost_meanwhile(self, p: Process, op: Op, args: tuple[Any, ...]) -> KernelError | None:
        """EIO, when a call waited for the successor of a component that has not got the object any more."""
        found = [p.fds.find(args[position]) for position in op.descriptors]
        return _lost() if any(d is not None and d.owner == LOST for d in found) else None

    async def duplicate(self, p: Process, op: Op, args: tuple[Any, ...], value: int) -> int:
        """open of a name of fdesc: what is to be opened is descriptor -1 - value of the caller, or a device of net."""
        at, flag = CLOEXEC[op.name]
        number, cloexec = -1 - value, bool(args[at] & flag)
        if number < ELSEWHERE:
            return await duplicate(self, p, number, args[at], cloexec=cloexec)
        return await open_elsewhere(self, p, device_of(number), args[at], cloexec=cloexec)

    def peer(self, owner: str) -> Any:
        if owner == LOST:
            raise _lost()
        return self if owner == self.name else self.bus.peer(owner)

    async def inherit(self, owner: str, peer: Any) -> None:
        """A component has a successor: what that has of what is held goes on, the rest is lost, and more is closed."""
        held = [d for d in self._descriptions() if d.owner == owner]
        directories = {h for p in self.processes.values() for h in (p.cwd, p.root) if h} if owner == "vfs" else ()
        if owner == "kern":  # which tells its processes from those that were being born, or ended
            directories = set(self.processes)
        asked = sorted({d.handle for d in held}), sorted(directories)
        kept, kept_directories = await value_of(peer.call(KERNEL, calls.HANDLES_KEPT, asked))
        kept = set(kept)
        for description in held:
            description.device = None if owner == "vfs" or description.device is None else description.device
            if description.handle not in kept:
                description.owner = LOST
        for p in self.processes.values():
            if owner == "vfs":
                p.cwd = p.cwd if p.cwd in (0, *kept_directories) else NO_DIRECTORY
                p.root = p.root if p.root in (0, *kept_directories) else NO_DIRECTORY
            p.fds.write_down()
        dropping: Any = self.rights.drop(self.rights.lost(owner))
        start(dropping)

    def _descriptions(self) -> set[Description]:
        """All open objects, those in messages on their way and those that traces go to among them."""
        held = {d for p in self.processes.values() for d in p.fds.descriptions()}
        return held.union(self.rights.descriptions(), self.ktrace.descriptions())

    def lost(self, owner: str) -> None:
        """A component has ended: what it held is gone, and must not be taken for what its successor makes."""
        self.kqueues.lost(owner)
        self.ktrace.lost(owner)
        self.asynchronous.lost(owner)
        dropping: Any = self.rights.drop(self.rights.lost(owner))
        start(dropping)
        for p in self.processes.values():
            for fd, description in p.fds.items():
                if description.owner == owner:
                    description.owner = LOST
                if description.owner == LOST:
                    p.fds.write_down(fd)
            if owner == "vfs":
                p.cwd = NO_DIRECTORY if p.cwd else 0
                p.root = NO_DIRECTORY if p.root else 0

    def translate(self, p: Process, op: Op, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """The owner of the objects behind a call's descriptors, and the arguments with handles.

        EBADF; ENOTSOCK, ESPIPE, EINVAL or ENOTDIR for a descriptor of another kind than the call is for.
        """
        translated = list(args)
        owner = op.faction
        for position in op.descriptors:
            description = p.fds.get(args[position])
            owner = description.owner
            translated[position] = description.handle
            if owner != LOST and misplaced(op, owner):
                raise _wrong_kind(op, args[position])
        for position in op.directories:
            if args[position] != const.AT_FDCWD:
                description = p.fds.get(args[position])
                if description.owner != "vfs":
                    raise KernelError(Errno.ENOTDIR, f"descriptor {args[position]} is no directory")
                translated[position] = description.handle
        return owner, tuple(translated)

    def install(self, p: Process, op: Op, args: tuple[Any, ...], owner: str, value: Any) -> Any:
        """The value of a call as the client sees it: with descriptors in the place of new handles."""
        many = len(op.results) > 1
        if many and type(value) is tuple:
            value = _RESULTS[op.name](*value)
        if not op.new:
            return value
        where = CLOEXEC.get(op.name)
        cloexec = where is not None and bool(args[where[0]] & where[1])
        if not many:
            return p.fds.install(Description(owner, value), cloexec=cloexec)
        fds = {op.results[i]: p.fds.install(Description(owner, value[i]), cloexec=cloexec) for i in op.new}
        return value._replace(**fds)

    def closed(self, p: Process, fd: int, description: Description, gone: Description | None) -> Any:
        """Tells the owner that a descriptor was closed: the last one (``gone``), or one by which there may be locks."""
        if gone is not None and gone.asynchronous:
            return self._closed_and_forgotten(p, fd, description, gone)
        if p.watches_closing:
            return self._closed_and_forgotten(p, fd, description, gone)
        return self._closed(p, description, gone)

    async def _closed_and_forgotten(
        self, p: Process, fd: int, description: Description, gone: Description | None
    ) -> Any:
        await self.aio.descriptor_closed(p, fd)
        if gone is not None and gone.asynchronous:
            await self.asynchronous.forget(gone)
        if p.kqueues:
            await self.kqueues.descriptor_closed(p, fd)
        if isinstance(gone, KqueueDescription):
            p.kqueues.remove(gone)
        return await value_of(self._closed(p, description, gone))

    def _closed(self, p: Process, description: Description, gone: Description | None) -> Any:
        if description.owner == LOST:
            return None
        if gone is not None:
            return self.peer(description.owner).call(p.context, calls.CLOSE, (description.handle,))
        if description.flying == description.refs and description.owner == "net":
            return self.rights.collect()
        if p.locks and description.owner == "vfs":
            return self.peer("vfs").call(p.context, calls.LOCK_RELEASE, (description.handle,))
        return None


def _own_objects(console: dict[str, Entry], kqueues: dict[str, Callable[..., Any]]) -> dict[str, Entry]:
    """The calls on the gateway's own objects: handle 0 is the console, the others are kqueues."""

    def either(name: str) -> Entry:
        first, other = console.get(name), kqueues[name]
        return Entry(
            lambda ctx, handle, *args: (other if handle or first is None else first.handler)(ctx, handle, *args)
        )

    return console | {name: either(name) for name in kqueues}


def _lost() -> KernelError:
    return KernelError(Errno.EIO, "the component that held this object has ended", "gateway")


def _wrong_kind(op: Op, fd: int) -> KernelError:
    if op.faction == "net":
        return KernelError(Errno.ENOTSOCK, f"descriptor {fd} is no socket")
    if op.name in _SEEKING:
        return KernelError(Errno.ESPIPE, f"descriptor {fd} cannot seek")
    return KernelError(Errno.EINVAL, f"descriptor {fd} is no {'semaphore' if op.faction == 'kern' else 'file'}")


def _cannot_restart(name: str, crash: bool, fresh: bool) -> Any:
    raise KernelError(Errno.EOPNOTSUPP, "the components of this kernel are no processes of their own")


def _cannot_start(faction: str) -> Any:
    raise KernelError(Errno.ENOSYS, f"the {faction} faction is not running and cannot be started here")

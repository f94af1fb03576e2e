"""ktrace(2): the calls of processes, written down as they pass, for kdump(1) or who reads along.

A process that is traced has a `Trace`: which facilities, and the `Sink` that its records go to, an open object of
the kernel: a file, or a pipe that somebody reads. `Gateway.call` asks one attribute, and brings the calls of such a
process here. A sink holds its object itself, as a descriptor would. What is not written yet waits in it, in order; when
it holds too much, records are dropped, and a record says how many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rumpgateway.core import ktrecords
from rumpgateway.core.descriptors import Description
from rumpgateway.core.kqueue import KqueueDescription
from rumpuser.component import Context, Entry
from rumpuser.kauth import Action, authorize, permitted
from rumpuser.pending import Pending, start, value_of
from rumpwire import calls, const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

BUFFER = 1 << 20
"""Bytes that may wait in a sink."""
PIECE = 1 << 16
"""Bytes of one write, unless a record has more."""
EMULATION = b"netbsd"

Key = tuple[Any, ...]
Header = tuple[int, int, int, str, int]
"""Version, type, pid, name and time of a record."""


class Sink:
    """Where records go: an open object, written to one write at a time. ``key`` is the same for the same object."""

    def __init__(self, ktrace: Ktrace, ctx: Context, description: Description, key: Key) -> None:
        self.description = description
        self.key = key
        self.users = 0
        self._ktrace = ktrace
        self._ctx = ctx
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._last: Header = (0, const.KTR_USER, 0, "", 0)
        self._idle: Pending[None] | None = None
        """Finished when all is written; None while nothing waits."""
        description.refs += 1

    def put(self, record: bytes, header: Header) -> None:
        """Takes a record, or drops it. ``header``: that of a record of the same moment which tells what was dropped."""
        if self._size + len(record) > BUFFER:
            self._dropped += 1
            self._last = header
            return
        self._tell()
        self._append(record)
        if self._idle is None:
            self._idle = Pending()
            writing: Any = self._write()
            start(writing)

    def _append(self, record: bytes) -> None:
        self._waiting.append(record)
        self._size += len(record)

    def _tell(self) -> None:
        """How many records are missing here."""
        if self._dropped:
            text = str(self._dropped).encode()
            self._append(ktrecords.record(*self._last, ktrecords.user(ktrecords.DROPPED, text)))
            self._dropped = 0

    def now_ns(self) -> int:
        return self._ktrace.gateway.host.realtime_ns()

    async def drained(self) -> None:
        """Waits until all is written; not for who reads a pipe or socket when it likes."""
        if self._idle is not None and self.description.owner == "vfs":
            await self._idle

    async def release(self) -> None:
        """Nobody is traced into it any more: closed when all is written."""
        if self._idle is None:
            await self._close()
        else:
            await self.drained()

    async def _write(self) -> None:
        assert self._idle is not None
        try:
            while self._waiting:
                piece = self._piece()
                while piece:
                    done = await value_of(self._peer().call(self._ctx, calls.WRITE, (self.description.handle, piece)))
                    piece = piece[done:]
                if not self._waiting:
                    self._tell()
        except KernelError as error:
            self._waiting.clear()
            self._size = 0
            self._ktrace.stopped(self, error)
        idle, self._idle = self._idle, None
        if not self.users:
            await self._close()
        idle.resolve(None)

    def _piece(self) -> memoryview:
        found = [self._waiting.popleft()]
        size = len(found[0])
        while self._waiting and size + len(self._waiting[0]) <= PIECE:
            found.append(self._waiting.popleft())
            size += len(found[-1])
        self._size -= size
        return memoryview(b"".join(found))

    def _peer(self) -> Any:
        return self._ktrace.gateway.peer(self.description.owner)

    async def _close(self) -> None:
        if self._ktrace.sinks.pop(self.key, None) is None:
            return
        self.description.refs -= 1
        if not self.description.refs:
            try:
                await value_of(self._peer().call(self._ctx, calls.CLOSE, (self.description.handle,)))
            except KernelError:
                return  # nobody is there to be told


class Trace:
    """Of one process. ``flags``: KTRFAC_*; ``version`` of the records' headers."""

    __slots__ = ("flags", "sink", "version")

    def __init__(self, sink: Sink, flags: int, version: int) -> None:
        self.sink = sink
        self.flags = flags
        self.version = version
        sink.users += 1

    def put(self, p: Process, type: int, payload: bytes, now_ns: int) -> None:
        record = ktrecords.record(self.version, type, p.pid, p.comm, now_ns, payload)
        self.sink.put(record, (self.version, const.KTR_USER, p.pid, p.comm, now_ns))

    def signal(self, p: Process, signo: int) -> None:
        """A signal goes to the client."""
        if self.flags & const.KTRFAC_PSIG:
            self.put(p, const.KTR_PSIG, ktrecords.psig(signo), self.sink.now_ns())


class Ktrace:
    """All tracing of one kernel."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.sinks: dict[Key, Sink] = {}

    # -- calls of processes that are traced

    def call(self, p: Process, op: Op, args: tuple[Any, ...]) -> Any:
        """Does a call as `Gateway.call`, and writes down what it was and what came of it."""
        gateway = self.gateway
        self._begun(p, op, args)
        own = gateway.own.get(op.name)
        try:
            value = gateway.route(p, op, args) if own is None else own(p, *args)
        except KernelError as error:
            self._done(p, op, args, error)
            raise
        if type(value) is CoroutineType:
            return self._finish(p, op, args, value)
        self._done(p, op, args, value)
        return value

    async def _finish(self, p: Process, op: Op, args: tuple[Any, ...], value: Any) -> Any:
        try:
            value = await value
        except KernelError as error:
            self._done(p, op, args, error)
            raise
        self._done(p, op, args, value)
        return value

    def _begun(self, p: Process, op: Op, args: tuple[Any, ...]) -> None:
        trace, now = p.trace, self.gateway.host.realtime_ns()
        assert trace is not None
        flags = trace.flags
        if flags & const.KTRFAC_SYSCALL:
            trace.put(p, const.KTR_SYSCALL, ktrecords.syscall(op, args), now)
        if flags & const.KTRFAC_CALL:
            trace.put(p, const.KTR_CALL, ktrecords.call(op, args), now)
        if flags & const.KTRFAC_NAMEI:
            for name in ktrecords.names(op, args):
                trace.put(p, const.KTR_NAMEI, name, now)
        if flags & const.KTRFAC_MIB and op is calls.SYSCTL and args[0]:
            trace.put(p, const.KTR_MIB, ktrecords.mib(args[0]), now)

    def _done(self, p: Process, op: Op, args: tuple[Any, ...], outcome: Any) -> None:
        trace = p.trace
        if trace is None:  # not any more
            return
        now, flags = self.gateway.host.realtime_ns(), trace.flags
        if flags & const.KTRFAC_GENIO and not isinstance(outcome, KernelError):
            for payload in ktrecords.transfer(op, args, outcome):
                trace.put(p, const.KTR_GENIO, payload, now)
        if flags & const.KTRFAC_SYSRET:
            trace.put(p, const.KTR_SYSRET, ktrecords.sysret(op, outcome), now)
        if flags & const.KTRFAC_RESULT:
            trace.put(p, const.KTR_RESULT, ktrecords.result(op, outcome), now)

    def utrace(self, p: Process, label: str, data: Any) -> None:
        """EINVAL for more than KTR_USER_MAXLEN bytes."""
        if len(data) > const.KTR_USER_MAXLEN:
            raise KernelError(Errno.EINVAL, f"{len(data)} bytes of data; {const.KTR_USER_MAXLEN} are the most")
        trace = p.trace
        if trace is not None and trace.flags & const.KTRFAC_USER:
            now = self.gateway.host.realtime_ns()
            trace.put(p, const.KTR_USER, ktrecords.user(label, bytes(data)), now)

    # -- who is traced

    async def by_name(self, p: Process, fname: bytes, ops: int, facs: int, pid: int) -> None:
        """ENOENT and its kin for the file, EACCES unless it is a regular one; EINVAL, ESRCH, EPERM."""
        if ops & const.KTROP_MASK == const.KTROP_CLEAR:
            await self._change(p, None, ops, facs, pid)
            return
        vfs = self.gateway.peer("vfs")
        handle = await value_of(vfs.call(p.context, calls.OPEN, (fname, const.O_RDWR | const.O_APPEND, 0)))
        description = Description("vfs", handle)
        description.refs += 1
        try:
            stat = await value_of(vfs.call(p.context, calls.FSTAT, (handle,)))
            if stat.st_mode & const.S_IFMT != const.S_IFREG:
                raise KernelError(Errno.EACCES, "only a regular file can be traced to by its name")
            await self._change(p, (description, ("vfs", stat.st_dev, stat.st_ino)), ops, facs, pid)
        finally:
            description.refs -= 1
            if not description.refs:
                await value_of(vfs.call(p.context, calls.CLOSE, (handle,)))

    async def by_descriptor(self, p: Process, fd: int, ops: int, facs: int, pid: int) -> None:
        """EBADF unless the descriptor is open for writing; EINVAL, ESRCH, EPERM."""
        description = p.fds.get(fd)
        if isinstance(description, KqueueDescription):
            raise KernelError(Errno.EBADF, f"descriptor {fd} is a kqueue")
        peer, handle = self.gateway.peer(description.owner), description.handle
        have = await value_of(peer.call(p.context, calls.FCNTL, (handle, const.F_GETFL, 0, None)))
        if have.value & const.O_ACCMODE == const.O_RDONLY:
            raise KernelError(Errno.EBADF, f"descriptor {fd} is not open for writing")
        key: Key = (description.owner, handle)
        if description.owner == "vfs":
            stat = await value_of(peer.call(p.context, calls.FSTAT, (handle,)))
            if stat.st_mode & const.S_IFMT == const.S_IFREG:
                key = ("vfs", stat.st_dev, stat.st_ino)
        await self._change(p, (description, key), ops, facs, pid)

    async def _change(self, p: Process, where: tuple[Description, Key] | None, ops: int, facs: int, pid: int) -> None:
        operation, version = ops & const.KTROP_MASK, (ops & const.KTRFAC_VER_MASK) >> const.KTRFAC_VER_SHIFT
        if operation > const.KTROP_CLEARFILE or version >= ktrecords.VERSIONS:
            raise KernelError(Errno.EINVAL, f"ops {ops:#x} are none of KTROP_SET, KTROP_CLEAR and KTROP_CLEARFILE")
        if operation == const.KTROP_CLEARFILE:
            assert where is not None
            await self._clear_file(p, where[1])
            return
        facs &= const.KTRFAC_MASK | const.KTRFAC_INHERIT
        if not facs:
            raise KernelError(Errno.EINVAL, "no facility is named")
        found = await self._targets(p, pid, descend=bool(ops & const.KTRFLAG_DESCEND))
        allowed = [target for target in found if self._may(p, target)]
        if not allowed:
            authorize(p.context, Action.PROCESS_KTRACE)
        for target in allowed or found:
            if operation == const.KTROP_CLEAR:
                await self._clear(target, facs)
            elif where is not None:
                await self._set(p, target, self._sink(p, *where), facs, version)

    async def _targets(self, p: Process, pid: int, *, descend: bool) -> list[Process]:
        """A process, or those of the group -``pid``, and all that descend from them. ESRCH."""
        everybody = self.gateway.processes
        if pid < 0:
            kern = self.gateway.peer("kern")
            groups = {n: await value_of(kern.call(p.context, calls.GETPGID, (n,))) for n in list(everybody)}
            found = [everybody[n] for n, group in groups.items() if group == -pid and n in everybody]
        else:
            found = [everybody[pid]] if pid in everybody else []
        if not found:
            raise KernelError(Errno.ESRCH, f"there is no process {'group ' if pid < 0 else ''}{abs(pid)}")
        return _with_children(found, everybody.values()) if descend else found

    def _may(self, p: Process, target: Process) -> bool:
        """The superuser may trace everybody; others what runs as themselves and was not set by the superuser."""
        if permitted(p.cred, Action.PROCESS_KTRACE):
            return True
        own, other = p.cred, target.cred
        if own.limited:
            return p is target
        same = own.euid == other.uid == other.svuid and own.gid == other.gid == other.svgid
        return same and not (target.trace is not None and target.trace.flags & const.KTRFAC_PERSISTENT)

    def _sink(self, p: Process, description: Description, key: Key) -> Sink:
        sink = self.sinks.get(key)
        if sink is None:
            sink = self.sinks[key] = Sink(self, p.context, description, key)
        return sink

    async def _set(self, p: Process, target: Process, sink: Sink, facs: int, version: int) -> None:
        if target.trace is None or target.trace.sink is not sink:
            older, target.trace = target.trace, Trace(sink, 0, version)
            await self._unused(older)
        trace = target.trace
        trace.version = version
        trace.flags |= facs
        if permitted(p.cred, Action.PROCESS_KTRACE_PERSISTENT):
            trace.flags |= const.KTRFAC_PERSISTENT
        if trace.flags & const.KTRFAC_EMUL:
            trace.put(target, const.KTR_EMUL, EMULATION, self.gateway.host.realtime_ns())

    async def _clear(self, target: Process, facs: int) -> None:
        trace = target.trace
        if trace is None:
            return
        trace.flags &= ~facs
        if not trace.flags & const.KTRFAC_MASK:
            await self.leave(target)

    async def _clear_file(self, p: Process, key: Key) -> None:
        """EPERM when one of those that are traced to the file is none of the caller's; the others are cleared."""
        found = [t for t in self.gateway.processes.values() if t.trace is not None and t.trace.sink.key == key]
        for target in found:
            if self._may(p, target):
                await self.leave(target)
        if any(target.trace is not None for target in found):
            authorize(p.context, Action.PROCESS_KTRACE)

    # -- processes come and go

    def inherit(self, parent: Process, child: Process) -> None:
        """A child is traced as its parent, if that was asked for."""
        trace = parent.trace
        if trace is not None and trace.flags & const.KTRFAC_INHERIT:
            child.trace = Trace(trace.sink, trace.flags, trace.version)
            if trace.flags & const.KTRFAC_EMUL:
                child.trace.put(child, const.KTR_EMUL, EMULATION, self.gateway.host.realtime_ns())

    def adopt(self, pid: int, newcomer: Process) -> None:
        """A new process wants to be traced as if it were a child of another; nothing where that cannot be."""
        parent = self.gateway.processes.get(pid)
        if parent is not None and newcomer.trace is None and self._may(parent, newcomer):
            self.inherit(parent, newcomer)

    async def leave(self, p: Process) -> None:
        """A process is traced no more. What was written down of it is in the file."""
        trace, p.trace = p.trace, None
        await self._unused(trace)

    async def _unused(self, trace: Trace | None) -> None:
        if trace is None:
            return
        trace.sink.users -= 1
        await (trace.sink.drained() if trace.sink.users else trace.sink.release())

    # -- objects come and go

    def descriptions(self) -> Iterable[Description]:
        return (sink.description for sink in self.sinks.values())

    def lost(self, owner: str) -> None:
        """A component has ended: what it held must not be taken for what its successor makes."""
        for sink in list(self.sinks.values()):
            if sink.description.owner == owner:
                self.stopped(sink, KernelError(Errno.EIO, f"{owner} has ended"))
                self.sinks.pop(sink.key, None)

    def stopped(self, sink: Sink, error: KernelError) -> None:
        """A write failed: nobody is traced to that any more."""
        for p in self.gateway.processes.values():
            if p.trace is not None and p.trace.sink is sink:
                p.trace = None
        sink.users = 0
        if error.errno != Errno.EPIPE:
            self.gateway.log(f"ktrace write failed, errno {int(error.errno)}, tracing stopped")


def _with_children(found: list[Process], everybody: Iterable[Process]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for p in everybody:
        children.setdefault(p.ppid, []).append(p)
    out, todo = [], list(found)
    while todo:
        p = todo.pop(0)
        if p not in out:
            out.append(p)
            todo += children.get(p.pid, ())
    return out


# -- the calls


def ktrace(gateway: Gateway, p: Process, fname: bytes, ops: int, facs: int, pid: int) -> Any:
    return gateway.ktrace.by_name(p, fname, ops, facs, pid)


def fktrace(gateway: Gateway, p: Process, fd: int, ops: int, facs: int, pid: int) -> Any:
    return gateway.ktrace.by_descriptor(p, fd, ops, facs, pid)


def utrace(gateway: Gateway, p: Process, label: str, data: Any) -> None:
    gateway.ktrace.utrace(p, label, data)


KTRACE_CALLS: dict[str, Entry] = {"ktrace": Entry(ktrace), "fktrace": Entry(fktrace), "utrace": Entry(utrace)}

"""Pipes (pipe(2)).

A `Pipe` is a bounded queue of bytes with a reading and a writing end, each a handle of its own. Long pieces are queued
as views of the message they came in; short ones are gathered, so that many tiny writes cost no more memory than one.
The queue holds 16 KiB, and 64 KiB once a longer write finds it empty, for as many pipes as ``maxbigpipes`` says.

Writes of at most PIPE_BUF bytes are done whole or not at all. A longer one goes in as room comes up; with O_NONBLOCK
it is done in part. Interrupted in its middle, a write gives what was done; when the reader goes, it is EPIPE.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rumpkern.core.proc import ProcessTable
from rumpuser import quota
from rumpuser.component import Context
from rumpuser.host import Buffer, Host
from rumpuser.pending import Channel
from rumpuser.readiness import ANY, IN, OUT, Measure, Measured, Selinfo
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import FcntlResult, Flock, IoctlArgs, IoctlArgsInteger, IoctlResult, Pipe2Result, PipeResult, Stat

PIPE_SIZE = 16384
BIG_PIPE_SIZE = 65536
MAX_PIPES = 1024
"""Pipes at a time (ENFILE): 64 MiB when all are full."""
GATHER = 2048
"""Pieces below are copied to the end of the one before."""
KEEP_SHARE = 4
"""A piece keeps its whole message alive, so it is copied when it is less than this part of it."""
SETTABLE = const.O_NONBLOCK | const.O_APPEND | const.O_ASYNC | const.O_NOSIGPIPE | const.O_SYNC | const.O_DSYNC
SETTABLE |= const.O_RSYNC | const.O_ALT_IO | const.O_DIRECT
"""Flags that F_SETFL changes (FCNTLFLAGS)."""


class Queue:
    """Bytes in order: views of messages, and byte arrays of which short pieces are gathered."""

    __slots__ = ("_pieces", "length")

    def __init__(self) -> None:
        self._pieces: deque[memoryview | bytearray] = deque()
        self.length = 0

    def put(self, data: memoryview, *, keep: bool) -> None:
        """Appends; ``keep`` says that the bytes behind the view never change and may stay where they are."""
        self.length += len(data)
        if keep and len(data) >= GATHER:
            self._pieces.append(data)
        elif self._pieces and isinstance(self._pieces[-1], bytearray):
            self._pieces[-1].extend(data)
        elif len(data):
            self._pieces.append(bytearray(data))

    def take(self, length: int) -> Buffer:
        """Removes up to ``length`` bytes from the front: a view when they are one piece."""
        length = min(length, self.length)
        self.length -= length
        if not length:
            return b""
        first = self._take_piece(length)
        if len(first) == length:
            return first
        pieces, missing = [first], length - len(first)
        while missing:
            pieces.append(self._take_piece(missing))
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _take_piece(self, length: int) -> Buffer:
        piece = self._pieces[0]
        if len(piece) <= length:
            self._pieces.popleft()
            return piece
        if isinstance(piece, memoryview):
            self._pieces[0] = piece[length:]
            return piece[:length]
        taken = bytes(piece[:length])
        del piece[:length]
        return taken


@dataclass(slots=True, eq=False)
class Pipe:
    """The queue between two ends, and what fstat tells of it."""

    number: int
    changed: Channel
    uid: int
    gid: int
    born: int
    queue: Queue = field(default_factory=Queue)
    readers: Selinfo = field(default_factory=Selinfo)
    writers: Selinfo = field(default_factory=Selinfo)
    capacity: int = PIPE_SIZE
    reader: bool = True
    writer: bool = True
    read_at: int = 0
    written_at: int = 0
    subject: str = ""


@dataclass(slots=True, eq=False)
class End(Measured):
    """One end of a pipe: what a handle stands for."""

    pipe: Pipe
    flags: int
    open: bool = True

    @property
    def nonblocking(self) -> bool:
        return bool(self.flags & const.O_NONBLOCK)

    @property
    def selinfo(self) -> Selinfo:
        return self.pipe.writers if _writing(self) else self.pipe.readers

    def measure(self, filter: int) -> Measure | None:
        pipe = self.pipe
        if filter == const.EVFILT_READ and not _writing(self):
            return Measure(pipe.queue.length, eof=not pipe.writer)
        if filter == const.EVFILT_WRITE and _writing(self):
            return Measure(pipe.capacity - pipe.queue.length, const.PIPE_BUF, eof=not pipe.reader)
        return None


class Pipes:
    """All pipes of the kernel, by the handles of their ends."""

    def __init__(self, host: Host, processes: ProcessTable) -> None:
        self._host = host
        self._processes = processes
        self._ends: dict[int, End] = {}
        self._last = 0
        self.maxbig = 32
        self.big = 0

    def __len__(self) -> int:
        return len({end.pipe for end in self._ends.values()})

    @property
    def memory(self) -> int:
        """Bytes that may be queued in all pipes together."""
        return sum(pipe.capacity for pipe in {end.pipe for end in self._ends.values()})

    # -- making and closing

    def make(self, ctx: Context) -> PipeResult:
        return PipeResult(*self._make(ctx, 0))

    def make2(self, ctx: Context, flags: int) -> Pipe2Result:
        """EINVAL, ENFILE, ENOMEM."""
        if flags & ~(const.O_CLOEXEC | const.O_NONBLOCK | const.O_NOSIGPIPE):
            raise KernelError(Errno.EINVAL, f"flags {flags:#x}: O_CLOEXEC, O_NONBLOCK and O_NOSIGPIPE are possible")
        return Pipe2Result(*self._make(ctx, flags & ~const.O_CLOEXEC))

    def _make(self, ctx: Context, flags: int) -> tuple[int, int]:
        if len(self._ends) >= 2 * MAX_PIPES:
            raise KernelError(Errno.ENFILE, f"{MAX_PIPES} pipes are open")
        cred, now = self._processes.cred(ctx), self._host.realtime_ns()
        if ctx.memory:
            self._reserve(cred.subject, ctx.memory)
        pipe = Pipe(self._last // 2 + 1, Channel(self._host), cred.euid, cred.egid, now, read_at=now, written_at=now)
        pipe.subject = cred.subject
        return self._handle(End(pipe, const.O_RDONLY | flags)), self._handle(End(pipe, const.O_WRONLY | flags))

    def held(self) -> Iterator[tuple[str, int]]:
        """Whose identity each pipe is, and what it may hold."""
        return ((pipe.subject, pipe.capacity) for pipe in {end.pipe for end in self._ends.values()})

    def _reserve(self, subject: str, most: int) -> None:
        """ENOMEM."""
        held = sum(capacity for whose, capacity in self.held() if whose == subject)
        quota.check(subject, "pipes", held, PIPE_SIZE, most, Errno.ENOMEM)

    def restart_handles(self, last: int) -> None:
        """Handles that a predecessor gave out do not come again."""
        self._last = max(self._last, last)

    def _handle(self, end: End) -> int:
        self._last += 1
        self._host.records.last("pipes", self._last)
        self._ends[self._last] = end
        return self._last

    def end(self, handle: int) -> End:
        """EBADF."""
        try:
            return self._ends[handle]
        except KeyError:
            raise KernelError(Errno.EBADF, f"there is no pipe {handle}") from None

    def close(self, ctx: Context, handle: int) -> None:
        """The other end meets end of file, or EPIPE."""
        end = self.end(handle)
        del self._ends[handle]
        end.open = False
        pipe = end.pipe
        if _writing(end):
            pipe.writer = False
        else:
            pipe.reader = False
            pipe.queue = Queue()
        if not pipe.reader and not pipe.writer and pipe.capacity == BIG_PIPE_SIZE:
            self.big -= 1
        pipe.changed.wake()
        pipe.readers.notify(ANY)
        pipe.writers.notify(ANY)

    # -- reading

    def read(self, ctx: Context, handle: int, nbyte: int) -> Buffer | Coroutine[Any, Any, Buffer]:
        """What is there, up to ``nbyte``; waits when nothing is; nothing at the end of file. EBADF, EAGAIN, EINTR."""
        end = self.end(handle)
        if _writing(end):
            raise KernelError(Errno.EBADF, "the writing end of a pipe")
        pipe = end.pipe
        if pipe.queue.length or not nbyte or not pipe.writer:
            return self._take(pipe, nbyte)
        if end.nonblocking:
            raise KernelError(Errno.EAGAIN, "the pipe is empty")
        return self._read(end, nbyte)

    async def _read(self, end: End, nbyte: int) -> Buffer:
        pipe = end.pipe
        while not pipe.queue.length and pipe.writer:
            await pipe.changed.wait()
            if not end.open:
                raise KernelError(Errno.EBADF, "the pipe was closed during the read")
        return self._take(pipe, nbyte)

    def _take(self, pipe: Pipe, nbyte: int) -> Buffer:
        data = pipe.queue.take(nbyte)
        if len(data):
            pipe.read_at = self._host.realtime_ns()
            pipe.changed.wake()
            pipe.writers.notify(OUT)
        return data

    def readv(self, ctx: Context, handle: int, iov: Sequence[int]) -> Buffer | Coroutine[Any, Any, Buffer]:
        _check_vector(iov)
        return self.read(ctx, handle, sum(iov))

    # -- writing

    def write(self, ctx: Context, handle: int, data: Buffer) -> int | Coroutine[Any, Any, int]:
        """The number of bytes written. EBADF, EPIPE, EAGAIN, EINTR before the first byte."""
        end = self.end(handle)
        if not _writing(end):
            raise KernelError(Errno.EBADF, "the reading end of a pipe")
        count = self._put(end.pipe, data, 0)
        if count == len(data):
            return count
        if end.nonblocking:
            if not count:
                raise KernelError(Errno.EAGAIN, "the pipe is full")
            return count
        return self._write(end, data, count)

    async def _write(self, end: End, data: Buffer, count: int) -> int:
        while count < len(data):
            try:
                await end.pipe.changed.wait()
            except KernelError:
                if count:
                    return count
                raise
            if not end.open:
                raise KernelError(Errno.EBADF, "the pipe was closed during the write")
            count += self._put(end.pipe, data, count)
        return count

    def writev(self, ctx: Context, handle: int, iov: Sequence[Buffer]) -> int | Coroutine[Any, Any, int]:
        """One write: what is atomic together stays together."""
        _check_vector(iov)
        return self.write(ctx, handle, iov[0] if len(iov) == 1 else b"".join(iov))

    def _put(self, pipe: Pipe, data: Buffer, start: int) -> int:
        """Queues as much from ``start`` on as fits, a short write whole or not at all. EPIPE."""
        if not pipe.reader:
            raise KernelError(Errno.EPIPE, "nobody has the reading end")
        wanted = len(data) - start
        if wanted > PIPE_SIZE and not pipe.queue.length:
            self._grow(pipe)
        count = min(pipe.capacity - pipe.queue.length, wanted)
        if count < len(data) <= const.PIPE_BUF or not count:
            return 0
        keep = type(data) is bytes and count * KEEP_SHARE >= len(data)
        pipe.queue.put(memoryview(data)[start : start + count], keep=keep)
        pipe.written_at = self._host.realtime_ns()
        pipe.changed.wake()
        pipe.readers.notify(IN)
        return count

    def _grow(self, pipe: Pipe) -> None:
        if pipe.capacity == PIPE_SIZE and self.big < self.maxbig:
            pipe.capacity = BIG_PIPE_SIZE
            self.big += 1

    # -- everything else

    def fstat(self, ctx: Context, handle: int) -> Stat:
        pipe = self.end(handle).pipe
        return Stat(
            st_mode=const.S_IFIFO | 0o600,
            st_ino=pipe.number,
            st_nlink=1,
            st_uid=pipe.uid,
            st_gid=pipe.gid,
            st_atime_ns=pipe.read_at,
            st_mtime_ns=pipe.written_at,
            st_ctime_ns=pipe.born,
            st_birthtime_ns=pipe.born,
            st_size=pipe.queue.length,
            st_blocks=(pipe.queue.length + 511) // 512,
            st_blksize=pipe.capacity,
        )

    def fcntl(self, ctx: Context, handle: int, cmd: int, arg: int | None, lock: Flock | None) -> FcntlResult:
        """EINVAL for locks, which are for files, and for commands that are not there."""
        end = self.end(handle)
        match cmd:
            case const.F_GETFL:
                return FcntlResult(end.flags)
            case const.F_SETFL:
                end.flags = end.flags & ~SETTABLE | (arg or 0) & SETTABLE
            case const.F_GETNOSIGPIPE:
                return FcntlResult(int(bool(end.flags & const.O_NOSIGPIPE)))
            case const.F_SETNOSIGPIPE:
                end.flags = _with(end.flags, const.O_NOSIGPIPE, on=bool(arg))
            case const.F_GETLK | const.F_SETLK | const.F_SETLKW:
                raise KernelError(Errno.EINVAL, "a pipe has no record locks")
            case _:
                raise KernelError(Errno.EINVAL, f"fcntl command {cmd} is not for pipes")
        return FcntlResult()

    def ioctl(self, ctx: Context, handle: int, com: int, data: IoctlArgs | None) -> IoctlResult:
        """FIONREAD, FIONWRITE and FIONSPACE of the queue; FIONBIO and FIOASYNC set a flag. ENOTTY, EINVAL."""
        end = self.end(handle)
        pipe = end.pipe
        if com in (const.FIONREAD, const.FIONWRITE):
            return IoctlResult(0, IoctlArgsInteger(pipe.queue.length))
        if com == const.FIONSPACE:
            return IoctlResult(0, IoctlArgsInteger(pipe.capacity - pipe.queue.length))
        if com not in (const.FIONBIO, const.FIOASYNC):
            raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} is not for pipes")
        if not isinstance(data, IoctlArgsInteger):
            raise KernelError(Errno.EINVAL, "FIONBIO and FIOASYNC take a number")
        flag = const.O_NONBLOCK if com == const.FIONBIO else const.O_ASYNC
        end.flags = _with(end.flags, flag, on=bool(data.integer))
        return IoctlResult()

    def fpathconf(self, ctx: Context, handle: int, name: int) -> int:
        self.end(handle)
        if name != const.PC_PIPE_BUF:
            raise KernelError(Errno.EINVAL, f"a pipe has no limit {name}, only _PC_PIPE_BUF")
        return const.PIPE_BUF

    def flock(self, ctx: Context, handle: int, how: int) -> None:
        self.end(handle)
        raise KernelError(Errno.EOPNOTSUPP, "a pipe has no locks")

    def cannot_seek(self, ctx: Context, handle: int, *args: Any) -> None:
        self.end(handle)
        raise KernelError(Errno.ESPIPE, "a pipe cannot seek")


def _writing(end: End) -> bool:
    return end.flags & const.O_ACCMODE == const.O_WRONLY


def _with(flags: int, flag: int, *, on: bool) -> int:
    return flags | flag if on else flags & ~flag


def _check_vector(iov: Sequence[Any]) -> None:
    if not 0 < len(iov) <= const.IOV_MAX:
        raise KernelError(Errno.EINVAL, f"{len(iov)} buffers, 1 to {const.IOV_MAX} are possible")

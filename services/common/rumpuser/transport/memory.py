"""Memory that both sides of a connection map, for the contents of long reads and writes (docs/transport.md).

A `Pool` is a memfd that its maker has sealed against being made shorter, so that nobody who maps it can be killed by
whoever else does. What is in it may change at any time under the eyes of who reads it: it is contents and nothing else,
and is copied before anybody looks at it. Messages name places in it (``Shared``); the owner of a pool lends a place to
one call at a time.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from rumpuser.descriptor import Descriptor
from rumpuser.landing import Landing
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

LONG = 1 << 16
"""Contents from this length on go through memory."""
SLOT = 1 << 20
SLOTS = 8
LARGEST = 64 << 20
"""Bytes of a pool that is taken from others."""
READS = frozenset(("read", "pread"))
WRITES = frozenset(("write", "pwrite"))
LONG_CALLS = READS | WRITES
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL

_pools: WeakValueDictionary[int, Pool] = WeakValueDictionary()


class Pool:
    """A mapping of memory that is shared with others. ``fd`` is its own."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, size)
        self.view = memoryview(self._map)
        self.at = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.closing: list[Callable[[], None]] = []
        """Called when it is closed: whoever it was handed on to lets go of it."""
        _pools[id(self._map)] = self

    def __reduce__(self) -> Any:
        """For whoever takes the place of this process: the same memory."""
        return attach, (Descriptor(self.fd),)

    @property
    def size(self) -> int:
        return len(self._map)

    def part(self, offset: int, length: int) -> memoryview:
        """EINVAL for what does not lie in it."""
        if not 0 <= offset <= offset + length <= len(self.view):
            raise KernelError(Errno.EINVAL, f"{length} bytes at {offset} of {len(self.view)} that are shared")
        return self.view[offset : offset + length]

    def place(self, part: memoryview) -> int:
        """Where a part of it begins."""
        return ctypes.addressof(ctypes.c_char.from_buffer(part)) - self.at

    def close(self) -> None:
        """Gives the descriptor back; the mapping goes when the last part of it does."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        closing, self.closing = self.closing, []
        for close in closing:
            close()

    def __del__(self) -> None:
        self.close()


def create(size: int = SLOT * SLOTS, name: str = "rump-bulk") -> Pool:
    """A new one; ``name`` is what /proc shows. OSError where the host has no such memory."""
    if not hasattr(os, "memfd_create"):
        raise OSError(Errno.ENOSYS, "no memfd_create(2)")
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        return Pool(fd, size)
    except BaseException:
        os.close(fd)
        raise


def attach(fd: int) -> Pool:
    """One that somebody else has made; takes the descriptor. EINVAL for anything but sealed memory of common pages."""
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
        found = os.fstat(fd)
        if seals & fcntl.F_SEAL_SHRINK and 0 < found.st_size <= LARGEST and found.st_blksize == mmap.PAGESIZE:
            return Pool(fd, found.st_size)
    except (OSError, ValueError):
        pass
    os.close(fd)
    raise KernelError(Errno.EINVAL, "what is to be shared is no sealed memory")


def pool_of(part: Any) -> Pool | None:
    """The pool that a buffer is part of."""
    return _pools.get(id(part.obj)) if type(part) is memoryview else None


class Room(Landing):
    """How many bytes a read wants, and where they may be put."""

    pool: Pool
    offset: int

    @classmethod
    def at(cls, pool: Pool, offset: int, length: int, wanted: int) -> Room:
        length = min(length, wanted)
        pool.part(offset, length)
        room = cls(length)
        room.pool, room.offset = pool, offset
        return room

    def filled(self, length: int) -> memoryview:
        """What was put there. EINVAL."""
        return self.pool.part(self.offset, length)

    def fill(self, data: Any) -> int:
        """Puts the result of a read there, unless it is there already; its length, 0 where it is not put there."""
        if pool_of(data) is self.pool:
            return len(data) if self.pool.place(data) == self.offset else 0
        if not isinstance(data, (bytes, bytearray, memoryview)) or not 0 < len(data) <= self:
            return 0
        self.filled(len(data))[:] = memoryview(data).cast("B")
        return len(data)


# -- the side that is asked


def borrowed(pool: Pool | None, places: Iterable[Any], steps: Sequence[Step], *, copy: bool) -> list[Step]:
    """The steps of a message with what it says of shared memory put into their arguments.

    ``copy``: what is to be written is copied first, for those who look at it or keep it. EFAULT when there is no such
    memory, EINVAL for a place that is not in it, or for a call that has nothing to do with memory.
    """
    if pool is None:
        raise KernelError(Errno.EFAULT, "no such memory is shared", "memory")
    out = list(steps)
    for place in places:
        if place.call >= len(out):
            raise KernelError(Errno.EINVAL, f"memory for call {place.call}, which is not there")
        step = out[place.call]
        args = list(step.args)
        if step.op.name in READS:
            args[1] = Room.at(pool, place.offset, place.length, args[1])
        elif step.op.name in WRITES:
            part = pool.part(place.offset, place.length)
            args[1] = bytes(part) if copy or not part else part
        else:
            raise KernelError(Errno.EINVAL, f"{step.op.cname} takes no memory")
        out[place.call] = step._replace(args=tuple(args))
    return out


def own(step: Step) -> Step:
    """A step whose contents to be written are its own: not in a pool, nor a part of something else."""
    if step.op.name not in WRITES or type(step.args[1]) is not memoryview:
        return step
    return step._replace(args=(step.args[0], bytes(step.args[1]), *step.args[2:]))


def put(steps: Sequence[Step], outcomes: Sequence[Any], places: Any) -> Sequence[Any]:
    """Puts results where there is room for them: the outcomes without those, and ``places`` says where they are."""
    out: list[Any] | None = None
    for index, (step, outcome) in enumerate(zip(steps, outcomes, strict=False)):
        if step.op.name not in READS or type(step.args[1]) is not Room:
            continue
        room = step.args[1]
        if length := room.fill(outcome):
            places.add(call=index, offset=room.offset, length=length)
            out = list(outcomes) if out is None else out
            out[index] = b""
    return outcomes if out is None else out


# -- the side that asks


def pool_in(steps: Sequence[Step]) -> Pool | None:
    """The pool that arguments of steps are in."""
    for op, args, _ in steps:
        if op.name in READS or op.name in WRITES:
            found = args[1].pool if type(args[1]) is Room else pool_of(args[1])
            if found is not None:
                return found
    return None


def lent(pool: Pool, steps: Sequence[Step], places: Any) -> Sequence[Step]:
    """Steps without what is in a pool, as they go into a message: ``places`` says where it is."""
    out = list(steps)
    for index, (op, args, references) in enumerate(steps):
        if op.name in READS and type(args[1]) is Room and args[1].pool is pool:
            places.add(call=index, offset=args[1].offset, length=args[1])
        elif op.name in WRITES and pool_of(args[1]) is pool:
            places.add(call=index, offset=pool.place(args[1]), length=len(args[1]))
            out[index] = Step(op, (args[0], b"", *args[2:]), references)
    return out


def taken(steps: Sequence[Step], outcomes: list[Any], places: Iterable[Any]) -> list[Any]:
    """Outcomes with those in their places that are in the memory that was lent. EBADRPC."""
    for place in places:
        room = steps[place.call].args[1] if place.call < min(len(steps), len(outcomes)) else None
        if type(room) is not Room or place.offset != room.offset or place.length > room:
            raise KernelError(Errno.EBADRPC, "an answer in memory that was not lent")
        outcomes[place.call] = room.filled(place.length)
    return outcomes


class Lending:
    """Places in a pool, lent to one call each. The last that was given back is lent first: it is in the caches."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._free = [slot * SLOT for slot in range(len(pool.view) // SLOT)]

    def lend(self, steps: Sequence[Step]) -> tuple[int, Sequence[Step]] | None:
        """The steps with their long arguments in a slot, and the slot, which is given back when the answer was read.

        None when all is lent.
        """
        try:
            slot = self._free.pop()
        except IndexError:
            return None
        out = list(steps)
        at, end = slot, slot + SLOT
        for index, step in enumerate(steps):
            length = _length(step)
            if length < LONG or at + length > end:
                continue
            what: Any = step.args[1]
            if step.op.name in READS:
                what = Room.at(self.pool, at, length, length)
            else:
                part = self.pool.view[at : at + length]
                part[:] = memoryview(what).cast("B")
                what = part
            out[index] = step._replace(args=(step.args[0], what, *step.args[2:]))
            at += -(-length // mmap.PAGESIZE) * mmap.PAGESIZE
        return slot, out

    def give_back(self, slot: int) -> None:
        self._free.append(slot)


def _length(step: Step) -> int:
    """How long the contents of a call may be."""
    name = step.op.name
    if name in READS:
        wanted = step.args[1]
        return wanted if type(wanted) is int else 0
    if name in WRITES:
        return len(step.args[1]) if pool_of(step.args[1]) is None else 0
    return 0


def is_long(step: Step) -> bool:
    """Whether its contents are to go through memory, unless they are there already."""
    return LONG <= _length(step) <= SLOT


def read_out(outcome: Any) -> Any:
    """A result as the caller keeps it: what is in a pool is copied, since its place will be lent again."""
    return bytes(outcome) if pool_of(outcome) is not None else outcome

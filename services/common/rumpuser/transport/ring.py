"""Two byte pipes in memory that two processes of one host share, for the frames of a connection. docs/transport.md has
the layout.

Each word is written by one side alone. Who writes, in this order: the bytes, *tail*, and then, if the reader sleeps, a
bell; who reads: tail, the bytes, *head*. All of it may be written by a hostile peer: a word is read once and checked
before it is used, bytes are copied out before anybody looks at them. The bell is the connection's socket. No waiting
here, and no threads: one thread at a time writes, and one reads.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

from rumpuser.fence import TSO, full_fence
from rumpwire.errno import Errno, KernelError

MAGIC = b"rumpring"
VERSION = 1
PAGE = 4096
SIZE = 1 << 17
"""Bytes of each pipe; a longer frame goes through in pieces."""
_LARGEST = 1 << 30
_HEADER = struct.Struct("<8sII")  # magic, version, bytes of a pipe
_UP, _DOWN = (16, 32), (48, 64)
"""Of the pipe to the server and that to the client: which word its writer's are at (tail, starved), and its reader's
(head, asleep). Each pair has two cache lines of its own, since processors fetch two at a time."""
_WORDS = 80
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


class Writer:
    """The end of a pipe where bytes go in."""

    __slots__ = (
        "_asleep",
        "_base",
        "_fence",
        "_limit",
        "_memory",
        "_ours",
        "_position",
        "_rung",
        "_size",
        "_starved",
        "_theirs",
        "_words",
    )

    def __init__(self, memory: mmap.mmap, words: memoryview, lines: tuple[int, int], base: int, size: int) -> None:
        self._memory, self._words, self._base, self._size = memory, words, base, size
        self._ours, self._theirs = lines
        self._asleep = self._theirs + 1
        self._fence = full_fence()
        self._position = 0
        self._limit = size
        """How far it may write, as far as it is known."""
        self._rung = 0
        self._starved = 0

    def write(self, data: bytes | memoryview) -> int:
        """Puts in as much as there is room for: how many bytes. EBADRPC for a head that cannot be."""
        begin, length = self._position, len(data)
        end = begin + length
        if end > self._limit:
            end = min(end, self._look())
            length = end - begin
            data = memoryview(data)[:length]
        at = begin & self._size - 1
        if at + length <= self._size:
            at += self._base
            self._memory[at : at + length] = data
        else:
            self._wrap(at, memoryview(data))
        if not TSO:
            self._fence()
        self._position = self._words[self._ours] = end
        return length

    def _look(self) -> int:
        """How far it may write by now."""
        head, position = self._words[self._theirs], self._position
        if not 0 <= position - head <= self._size:
            raise KernelError(Errno.EBADRPC, f"a ring whose head is {head}, with {position} written")
        self._limit = head + self._size
        return self._limit

    def _wrap(self, at: int, data: memoryview) -> None:
        first, base = self._size - at, self._base
        self._memory[base + at : base + self._size] = data[:first]
        self._memory[base : base + len(data) - first] = data[first:]

    def rings(self) -> bool:
        """Whether the reader sleeps, and has not been rung for yet. After `write`."""
        self._fence()
        asleep = self._words[self._asleep]
        if not asleep or asleep == self._rung:
            return False
        self._rung = asleep
        return True

    def starve(self) -> bool:
        """Asks for a bell when there is room. False when there is some already."""
        self._starved += 1
        self._words[self._ours + 1] = self._starved
        self._fence()
        return not self.room

    @property
    def room(self) -> bool:
        """Whether more can be written."""
        return self._look() != self._position


class Reader:
    """The end of a pipe where bytes come out."""

    __slots__ = (
        "_base",
        "_fence",
        "_memory",
        "_ours",
        "_position",
        "_rung",
        "_size",
        "_sleeps",
        "_theirs",
        "_words",
        "rings",
    )

    def __init__(self, memory: mmap.mmap, words: memoryview, lines: tuple[int, int], base: int, size: int) -> None:
        self._memory, self._words, self._base, self._size = memory, words, base, size
        self._theirs, self._ours = lines
        self._fence = full_fence()
        self._position = 0
        self._sleeps = 0
        self._rung = 0
        self.rings = False
        """Whether the writer waited for room that there is now, and is to be woken. Whoever does that sets it back."""

    @property
    def ready(self) -> bool:
        return self._words[self._theirs] != self._position

    def read(self) -> bytes:
        """All that is there. EBADRPC for a tail that cannot be."""
        begin, end = self._position, self._words[self._theirs]
        if end == begin:
            return b""
        length = end - begin
        if not 0 < length <= self._size:
            raise KernelError(Errno.EBADRPC, f"a ring whose tail is {end}, with {begin} read")
        if not TSO:
            self._fence()
        at = (begin & self._size - 1) + self._base
        last = self._base + self._size
        if at + length <= last:
            data = self._memory[at : at + length]
        else:
            data = self._memory[at:last] + self._memory[self._base : at + length - self._size]
        if not TSO:
            self._fence()
        self._position = self._words[self._ours] = end
        if length >= self._size >> 2:
            self._made_room()
        return data

    def _made_room(self) -> None:
        """A writer that waits just now may be overlooked here, but not in `arm`."""
        starved = self._words[self._theirs + 1]
        if starved != self._rung:
            self._rung = starved
            self.rings = True

    def arm(self) -> bool:
        """Asks for a bell when something is written. False when something is there already; then it does not."""
        words = self._words
        self._sleeps += 1
        words[self._ours + 1] = self._sleeps
        self._fence()
        if words[self._theirs + 1] != self._rung:
            self._made_room()
        if words[self._theirs] == self._position:
            return True
        self._words[self._ours + 1] = 0
        return False

    def disarm(self) -> None:
        self._words[self._ours + 1] = 0


class Ring:
    """One end of both pipes."""

    __slots__ = ("incoming", "outgoing")

    def __init__(self, memory: mmap.mmap, size: int, *, server: bool) -> None:
        words = memoryview(memory)[: 8 * _WORDS].cast("Q")
        up, down = (_UP, PAGE), (_DOWN, PAGE + size)
        ours, theirs = (down, up) if server else (up, down)
        self.incoming = Reader(memory, words, *theirs, size)
        self.outgoing = Writer(memory, words, *ours, size)


def create(size: int = SIZE) -> tuple[int, Ring]:
    """Memory for a connection: a descriptor, to give to the client and to close, and our end. Raises OSError."""
    fd = os.memfd_create("rump-ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, PAGE + 2 * size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS | fcntl.F_SEAL_SEAL)
        memory = mmap.mmap(fd, PAGE + 2 * size)
    except BaseException:
        os.close(fd)
        raise
    memory[: _HEADER.size] = _HEADER.pack(MAGIC, VERSION, size)
    return fd, Ring(memory, size, server=True)


def attach(fd: int) -> Ring:
    """The client's end; the descriptor stays the caller's. EBADRPC for what is no ring, or could be cut short."""
    try:
        if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
            raise KernelError(Errno.EBADRPC, "the memory of a ring could be cut short: it is not sealed")
        length = os.fstat(fd).st_size
        memory = mmap.mmap(fd, length)
    except (OSError, ValueError) as error:
        raise KernelError(Errno.EBADRPC, f"a ring that is no memory: {error}") from None
    if length < PAGE:
        raise KernelError(Errno.EBADRPC, f"a ring of {length} bytes")
    magic, version, size = _HEADER.unpack_from(memory)
    if (magic, version) != (MAGIC, VERSION):
        raise KernelError(Errno.EBADRPC, f"memory that begins with {magic!r}, version {version}, is no ring we know")
    if not 0 < size <= _LARGEST or size & size - 1 or length != PAGE + 2 * size:
        raise KernelError(Errno.EBADRPC, f"a ring with pipes of {size} bytes in {length}")
    return Ring(memory, size, server=False)

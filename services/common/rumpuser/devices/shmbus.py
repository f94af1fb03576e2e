"""An Ethernet in a file of the host that its members map (shmif of rump(7)); the format is in docs/net/shmif.md.

Each member owns one slot: a ring that nobody else writes to, so there is no lock on the way of a frame, and whoever
dies in the middle of one has published nothing. Readers keep their own positions and detect that a writer has lapped
them (loss, as on any Ethernet). A slot is held by a lock of the host's kernel (F_OFD_SETLK), which ends with its
holder.

Who sends, in this order: *reserve* (what may be overwritten), the record, *tail* (what can be read), and then, if the
receiver sleeps, its bell. Who reads, in this order: tail, the record, reserve; the copy is good when reserve is not
more than a ring ahead. All of a file may be hostile: numbers are copied out once, and checked before they are used.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import stat
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from rumpuser.descriptor import Descriptor, refilled
from rumpuser.devices.bell import Bells
from rumpuser.devices.port import FRAME_MAX, PLAIN, Offload, Receive
from rumpuser.fence import TSO, full_fence
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError, from_host

log = logging.getLogger(__name__)

MAGIC = b"rumpbus\n"
VERSION = 1
SLOTS = 128
"""Members of a bus at most."""
RING = 1 << 20
"""Bytes of each member's ring: more than a TCP window that is not tuned, and it stays in the cache."""
PAGE = 4096

_HEADER = struct.Struct("<8sIIII")  # magic, version, slots in use, bytes of a ring, slots at most
_ASLEEP_AT = 64
_MACS_AT = 256
_TAILS_AT = 2048
_RESERVES_AT = 3072
_COUNT_AT = 12
_RECORD = struct.Struct("<IIHHHH")  # stamp, length, flags, gso_size, csum_start, csum_offset
# Records begin at multiples of its 16 bytes, so that it always fits before the end of the ring.
_WRAP = 0xFFFFFFFF
"""As a length: the ring goes on at its begin."""
_CSUM_VALID = 1
_PROMISCUOUS = 1
_LOCKS_AT = 1 << 40
"""Locks of slots lie beyond what a file holds; the lock of the table is the byte before them."""
_BATCH = 64
"""Frames that are taken at a time, so that the timers of the stack have their turn."""
_TRIES = 200
_U64 = struct.Struct("<Q")


class ShmBus:
    """A member of a bus; implements `FramePort` and `rumpuser.polling.Polled`."""

    offloads = True

    def __init__(self, path: bytes, receive: Receive) -> None:
        """ENOEXEC, ENFILE, EBUSY, ENAMETOOLONG, and what open(2), ftruncate(2), mkfifo(2) and mmap(2) give."""
        self.path = path
        self.drops = self.overruns = self.malformed = 0
        self._receive = receive
        self.on_close: Callable[[], None] = lambda: None
        self._lladdr: bytes | None = None
        self._closed = False
        self._fence = full_fence()
        self._fd = _open(path)
        try:
            self._join()
        except BaseException:
            os.close(self._fd)
            raise

    # -- coming and going

    def __reduce__(self) -> Any:
        here = ("_mapped", "_tails", "_reserves", "_counter", "_fence")
        state = {name: value for name, value in self.__dict__.items() if name not in here}
        return refilled(self, {**state, "_fd": Descriptor(self._fd)})

    def _fill(self, state: dict[str, Any]) -> None:
        """The slot is held by the open file, which a predecessor and its successor share."""
        self.__dict__.update(state)
        self._fence = full_fence()
        if not self._closed:
            self._map()

    def _join(self) -> None:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            raise KernelError(Errno.ENOEXEC, f"{os.fsdecode(self.path)}: not a file, so not a bus")
        self._lock_table()
        try:
            self._check_header()
            self.slot = self._claim()
            self._map()
            self._base = PAGE + self.slot * RING
            self._bells = Bells(self.path, self.slot, stat.S_IMODE(os.fstat(self._fd).st_mode) & 0o666)
            self._bells.sweep(slot for slot in range(self._count()) if not self._held(slot))
        except OSError as error:
            _refuse(self.path, error)
        finally:
            self._lock(_LOCKS_AT - 1, fcntl.F_UNLCK)
        self._begin()

    def _lock_table(self) -> None:
        """Held by others for as long as they join; who holds it for longer makes joining EBUSY, and nothing else."""
        for _ in range(_TRIES):
            if self._lock(_LOCKS_AT - 1, fcntl.F_WRLCK):
                return
            threading.Event().wait(0.001)
        raise KernelError(Errno.EBUSY, f"{os.fsdecode(self.path)}: somebody holds the lock of the bus")

    def _lock(self, at: int, kind: int) -> bool:
        request = struct.pack("hhqqixxxx", kind, os.SEEK_SET, at, 1, 0)
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, request)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _held(self, slot: int) -> bool:
        """Whether somebody else has the slot."""
        request = struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, _LOCKS_AT + slot, 1, 0)
        answer: bytes = fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, request)
        return slot == self.slot or struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK

    def _check_header(self) -> None:
        """Makes an empty file a bus. ENOEXEC for a file that is something else."""
        if os.fstat(self._fd).st_size == 0:
            os.ftruncate(self._fd, PAGE)
            os.pwrite(self._fd, _HEADER.pack(MAGIC, VERSION, 0, RING, SLOTS), 0)
        found = os.pread(self._fd, PAGE, 0)
        if len(found) < PAGE or found[:8] != MAGIC:
            raise KernelError(Errno.ENOEXEC, f"{os.fsdecode(self.path)}: not a bus")
        _, version, _, ring, slots = _HEADER.unpack_from(found)
        if (version, ring, slots) != (VERSION, RING, SLOTS):
            text = f"a bus of version {version} with {slots} rings of {ring} bytes; this is version {VERSION}"
            raise KernelError(Errno.ENOEXEC, f"{os.fsdecode(self.path)}: {text}")

    def _claim(self) -> int:
        """The first slot that nobody holds. ENFILE."""
        for slot in range(SLOTS):
            if self._lock(_LOCKS_AT + slot, fcntl.F_WRLCK):
                break
        else:
            raise KernelError(Errno.ENFILE, f"{os.fsdecode(self.path)}: the bus has {SLOTS} members")
        count = min(SLOTS, int.from_bytes(os.pread(self._fd, 4, _COUNT_AT), "little"))
        size = PAGE + max(count, slot + 1) * RING
        if os.fstat(self._fd).st_size < size:
            os.ftruncate(self._fd, size)
        if count <= slot:
            os.pwrite(self._fd, (slot + 1).to_bytes(4, "little"), _COUNT_AT)
        return slot

    def _map(self) -> None:
        """Maps the bus as far as it goes. Views of a mapping before stay good until they are gone."""
        size = os.lseek(self._fd, 0, os.SEEK_END)
        if size < PAGE + RING:
            raise KernelError(Errno.EIO, f"{os.fsdecode(self.path)}: the bus was cut short")
        self._mapped = mmap.mmap(self._fd, size)
        view = memoryview(self._mapped)
        self._tails = view[_TAILS_AT : _TAILS_AT + 8 * SLOTS].cast("Q")
        self._reserves = view[_RESERVES_AT : _RESERVES_AT + 8 * SLOTS].cast("Q")
        self._counter = view[_COUNT_AT : _COUNT_AT + 4].cast("I")
        self._rings = (size - PAGE) // RING

    def _count(self) -> int:
        """Slots to look at: what the header says, within what there is."""
        count = self._counter[0]
        if count > self._rings:
            self._map()
        return min(count, self._rings, SLOTS)

    def _begin(self) -> None:
        """Takes the slot over from whoever had it: all that was in its ring has been read, or never will be."""
        tail = self._tails[self.slot]
        self._tail = tail if tail % 16 == 0 and tail < 1 << 62 else 0
        self._reserves[self.slot] = self._tail
        self._tails[self.slot] = self._tail
        self._mapped[_ASLEEP_AT + self.slot] = 0
        self.set_filter(None)
        self._counted = self._counter[0]
        self._set_count(max(self._count(), self.slot + 1))
        self._seen = bytearray(self._snapshot())
        """The tails as of the last look; one's own is always up to date, so that nobody wakes himself."""
        self._positions = list(self._unpack(self._seen))

    def _set_count(self, count: int) -> None:
        """How many slots are looked at."""
        self._n = count
        self._tails_end = _TAILS_AT + 8 * count
        self._unpack = struct.Struct(f"<{count}Q").unpack

    def close(self) -> None:
        """Leaves the bus; the slot is free for others when the descriptor is."""
        if self._closed:
            return
        self._closed = True
        if os.lseek(self._fd, 0, os.SEEK_END) >= PAGE:
            self._mapped[_ASLEEP_AT + self.slot] = 0
            at = _MACS_AT + 8 * self.slot
            self._mapped[at : at + 8] = bytes(8)
        self.on_close()
        self._bells.close()
        self._lock(_LOCKS_AT + self.slot, fcntl.F_UNLCK)  # a mapping keeps a descriptor, and so its locks
        os.close(self._fd)

    def set_filter(self, lladdr: bytes | None) -> None:
        self._lladdr = lladdr
        at = _MACS_AT + 8 * self.slot
        self._mapped[at : at + 8] = (lladdr or bytes(6)) + bytes([_PROMISCUOUS if lladdr is None else 0, 0])

    # -- sending

    def send(self, parts: Sequence[Buffer], length: int, offload: Offload = PLAIN) -> bool:
        """False only for what is longer than `FRAME_MAX`: a writer never waits for readers."""
        if length > FRAME_MAX or length < 14 or self._closed:
            self.drops += 1
            return False
        size = 16 + length + 15 & ~15
        position = self._tail
        at = position & RING - 1
        skip = RING - at if at + size > RING else 0
        end = position + skip + size
        slot, mapped, base = self.slot, self._mapped, self._base
        self._reserves[slot] = end
        if not TSO:
            self._fence()
        if skip:
            _RECORD.pack_into(mapped, base + at, position >> 4 & 0xFFFFFFFF, _WRAP, 0, 0, 0, 0)
            position, at = position + skip, 0
        gso_size, csum_start, csum_offset, valid = offload
        at += base
        stamp = position >> 4 & 0xFFFFFFFF
        _RECORD.pack_into(mapped, at, stamp, length, _CSUM_VALID if valid else 0, gso_size, csum_start, csum_offset)
        at += 16
        for part in parts:
            to = at + len(part)
            mapped[at:to] = part
            at = to
        if not TSO:
            self._fence()
        self._tail = self._positions[slot] = self._tails[slot] = end
        _U64.pack_into(self._seen, 8 * slot, end)
        self._fence()
        asleep = mapped.find(b"\1", _ASLEEP_AT, _ASLEEP_AT + SLOTS)
        if asleep >= 0:
            self._ring(bytes(parts[0][:6]), asleep)
        return True

    def _ring(self, dst: bytes, asleep: int) -> None:
        """Wakes those who sleep and want a frame for this address. A bell that nobody hears is not rung again."""
        mapped = self._mapped
        while asleep >= 0:
            slot = asleep - _ASLEEP_AT
            at = _MACS_AT + 8 * slot
            if slot != self.slot and (dst[0] & 1 or mapped[at : at + 6] == dst or mapped[at + 6] & _PROMISCUOUS):
                mapped[asleep] = 0
                self._bells.ring(slot)
            asleep = mapped.find(b"\1", asleep + 1, _ASLEEP_AT + SLOTS)

    # -- receiving (rumpuser.polling.Polled)

    def fileno(self) -> int:
        return self._bells.own.fd

    def hush(self) -> None:
        self._bells.own.clear()

    def ready(self) -> bool:
        """Whether there may be something to take."""
        return self._mapped[_TAILS_AT : self._tails_end] != self._seen or self._counter[0] != self._counted

    def take(self) -> bool:
        """Hands over what has come in, a batch at most; whether there was anything."""
        if self._closed or not self.ready() or not self._whole():
            return False
        if self._counter[0] != self._counted:
            self._look_for_members()
        seen = self._snapshot()
        budget = _BATCH
        positions = self._positions
        for slot, tail in enumerate(self._unpack(seen)):
            if tail != positions[slot]:
                budget = self._drain(slot, tail, budget)
                if budget <= 0 or self._closed:
                    return True  # `_seen` stays as it was, so there is still something to take
        self._seen[:] = seen
        _U64.pack_into(self._seen, 8 * self.slot, self._positions[self.slot])
        return True

    def _look_for_members(self) -> None:
        """Members that are new, with what they have sent since."""
        self._counted = self._counter[0]
        count = max(self._n, self._count())
        for slot in range(self._n, count):
            self._positions.append(0 if self._tails[slot] <= RING else self._tails[slot])
        self._set_count(count)

    def _whole(self) -> bool:
        """Touching a mapping beyond the end of its file kills the process: a bus that was cut short is left."""
        if os.lseek(self._fd, 0, os.SEEK_END) >= len(self._mapped):
            return True
        log.warning("%s was cut short: its link is down", os.fsdecode(self.path))
        self.close()
        return False

    def arm(self) -> bool:
        """Asks for the bell. False when something has come in already."""
        if self._closed or not self._whole():
            return True
        self._mapped[_ASLEEP_AT + self.slot] = 1
        self._fence()
        if self.ready():
            self.disarm()
            return False
        return True

    def ring(self) -> None:
        self._bells.own.ring()

    def disarm(self) -> None:
        self._mapped[_ASLEEP_AT + self.slot] = 0

    def _snapshot(self) -> bytes:
        return self._mapped[_TAILS_AT : self._tails_end]

    def _drain(self, slot: int, tail: int, budget: int) -> int:
        """Takes what is in a ring; what is left of the budget. A ring that makes no sense is skipped to its end."""
        position = self._positions[slot]
        if slot == self.slot:
            self._positions[slot] = tail
            return budget
        if not 0 < tail - position <= RING or (tail | position) % 16:
            self._lost(slot, tail, overrun=tail > position)
            return budget
        mapped, base, lladdr = self._mapped, PAGE + slot * RING, self._lladdr
        while position != tail and budget > 0 and not self._closed:
            at = position & RING - 1
            stamp, length, flags, gso_size, csum_start, csum_offset = _RECORD.unpack_from(mapped, base + at)
            size = RING - at if length == _WRAP else 16 + length + 15 & ~15
            good = stamp == position >> 4 & 0xFFFFFFFF and position + size <= tail
            frame = b""
            if good and length != _WRAP:
                good = 14 <= length <= FRAME_MAX and at + size <= RING
                begin = base + at + 16
                if good and (lladdr is None or mapped[begin : begin + 6] == lladdr or mapped[begin] & 1):
                    frame = mapped[begin : begin + length]
            overrun = self._reserves[slot] - position > RING
            if overrun or not good:
                self._lost(slot, tail, overrun=overrun)
                return budget
            self._positions[slot] = position = position + size
            budget -= 1
            if frame:
                offload = PLAIN
                if flags or gso_size or csum_start or csum_offset:
                    offload = Offload(gso_size, csum_start, csum_offset, bool(flags & _CSUM_VALID))
                self._hand_over(frame, offload)
        return budget

    def _hand_over(self, frame: bytes, offload: Offload) -> None:
        if offload is PLAIN or offload.fits(len(frame)):
            self._receive(memoryview(frame), offload)
        else:
            self.malformed += 1

    def _lost(self, slot: int, tail: int, *, overrun: bool) -> None:
        self._positions[slot] = tail
        if overrun:
            self.overruns += 1
        else:
            self.malformed += 1


def _open(path: bytes) -> int:
    """Opens the file, which is made if it is not there: hosts may refuse O_CREAT for files of others in /tmp."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags)
        return os.open(path, flags | os.O_CREAT, 0o666)
    except (OSError, ValueError) as error:
        _refuse(path, error)


def _refuse(path: bytes, error: OSError | ValueError) -> NoReturn:
    if isinstance(error, OSError):
        raise KernelError(from_host(error.errno or 0), f"{os.fsdecode(path)}: {error.strerror}") from None
    raise KernelError(Errno.EINVAL, f"{path[:80]!r}: {error}") from None

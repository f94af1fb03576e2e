"""seccomp(2): a filter for this process and all it starts, and the descriptor at which its traps arrive."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import select
import struct
from typing import Any, NamedTuple

from rumpclients.hijack.numbers import machine

_RECV, _SEND, _ID_VALID, _ADDFD, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103, 0x40082104
_NOTIF = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_NEW_FD = struct.Struct("=QIIII")
_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
_CONTINUE = 1
_SETFD, _SEND_TOO = 1, 2
_SYNC_WAKE_UP = 1
_NO_NEW_PRIVS = 38
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


@functools.cache
def _numbers() -> dict[str, int]:
    return machine()[1]


def syscall(name: str, *args: Any) -> int:
    """A system call that has no function in Python. -1 with errno in ctypes."""
    # Whole words: the sixth argument goes over the stack, where the rest of a word would be what was there.
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result: int = libc.syscall(ctypes.c_long(_numbers()[name]), *words)
    return result


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def raise_errno(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), what)


def install(code: bytes, *, privileged: bool) -> int:
    """Puts a filter on this process for ever: the descriptor of its traps. EBUSY: there is one with traps already.

    Without privilege the process, and what it starts, gains none by set-uid programs any more.
    """
    if not privileged and libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise_errno("no_new_privs")
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):  # before Linux 5.19 signals make calls trap again
        fd = syscall("seccomp", _FILTER, flags, ctypes.byref(program))
        if fd >= 0:
            return fd
        if ctypes.get_errno() != errno.EINVAL:
            break
    raise_errno("seccomp")
    raise AssertionError


class Trap(NamedTuple):
    """A call that waits for its answer. ``tid``: the thread that made it."""

    id: int
    tid: int
    number: int
    args: tuple[int, ...]


class Listener:
    """Traps, and answers to them. An answer to somebody who has died meanwhile is no error."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._room = bytearray(_NOTIF.size)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        with contextlib.suppress(OSError):  # Linux has it since 6.6
            fcntl.ioctl(fd, _SET_FLAGS, _SYNC_WAKE_UP)

    def over(self) -> bool:
        """Whether nobody is left whose calls could be trapped."""
        return any(events & select.POLLHUP and not events & select.POLLIN for _, events in self._poll.poll(0))

    def receive(self) -> Trap | None:
        """The next trap; None when whoever made it has died, or there is none."""
        if not any(events & select.POLLIN for _, events in self._poll.poll(0)):
            return None
        self._room[:] = bytes(_NOTIF.size)
        try:
            fcntl.ioctl(self.fd, _RECV, self._room)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        number, tid, _, call, _, _, *args = _NOTIF.unpack(self._room)
        return Trap(number, tid, call, tuple(args))

    def answer(self, trap: Trap, value: int, error: int = 0) -> None:
        """``error``: an errno above 0."""
        self._request(_SEND, _RESPONSE.pack(trap.id, value, -error, 0))

    def go_on(self, trap: Trap) -> None:
        """Lets Linux do the call."""
        self._request(_SEND, _RESPONSE.pack(trap.id, 0, 0, _CONTINUE))

    def hand_over(self, trap: Trap, fd: int, *, close_on_exec: bool, number: int | None = None) -> int:
        """Gives the caller a duplicate of a descriptor, at a number if one is named; answers with it if not.

        The number there, -1 if the caller has died. EMFILE.
        """
        flags = _SEND_TOO if number is None else _SETFD
        record = _NEW_FD.pack(trap.id, flags, fd, number or 0, os.O_CLOEXEC if close_on_exec else 0)
        return self._request(_ADDFD, record)

    def valid(self, trap: Trap) -> bool:
        """Whether the caller still waits: else its thread may be anybody's by now."""
        try:
            fcntl.ioctl(self.fd, _ID_VALID, struct.pack("=Q", trap.id))
        except OSError:
            return False
        return True

    def _request(self, number: int, record: bytes) -> int:
        try:
            done: int = fcntl.ioctl(self.fd, number, bytearray(record))  # of bytes it would give a copy
            return done
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINPROGRESS):
                return -1
            raise

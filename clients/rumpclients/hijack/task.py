"""The thread that waits for an answer: its memory, its descriptors, its signals."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct

from rumpclients.hijack.seccomp import Listener, Trap, raise_errno, syscall

_THREAD = os.O_EXCL
"""PIDFD_THREAD, which Linux has since 6.9."""
_LONG = struct.Struct("i")


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _transfer(name: str, tid: int, address: int, ours: ctypes.Array[ctypes.c_char], length: int) -> None:
    """EFAULT when the memory is not there as a whole."""
    near = _Piece(ctypes.addressof(ours), length)
    far = _Piece(address, length)
    done = syscall(name, tid, ctypes.byref(near), 1, ctypes.byref(far), 1, 0)
    if done < 0:
        raise_errno(name)
    if done != length:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))


class Task:
    def __init__(self, listener: Listener, trap: Trap) -> None:
        self.tid = trap.tid
        self.trap = trap
        self._listener = listener

    # -- memory

    def read(self, address: int, length: int) -> bytes:
        """EFAULT."""
        room = ctypes.create_string_buffer(length)
        if length:
            _transfer("process_vm_readv", self.tid, address, room, length)
        return room.raw

    def write(self, address: int, data: bytes | memoryview) -> None:
        """EFAULT. Nothing is written when the thread has died."""
        if data and self._listener.valid(self.trap):
            room = ctypes.create_string_buffer(bytes(data), len(data))
            _transfer("process_vm_writev", self.tid, address, room, len(data))

    def integer(self, address: int) -> int:
        found: int = _LONG.unpack(self.read(address, _LONG.size))[0]
        return found

    def path(self, address: int) -> bytes:
        """A text of at most 4095 bytes. It is read up to the end of a page each time: the next may not be there."""
        found = b""
        while b"\0" not in found and len(found) < 4096:
            found += self.read(address + len(found), 4096 - (address + len(found)) % 4096)
        return found.partition(b"\0")[0]

    # -- descriptors

    def descriptor(self, fd: int) -> tuple[int, int]:
        """Number of the inode and flags of an open file; (0, 0) if there is none, or it is not ours to see."""
        try:
            with open(f"/proc/{self.tid}/fdinfo/{fd}", "rb", buffering=0) as info:
                words = info.read(512).split()
        except OSError:
            return 0, 0
        fields = dict(zip(words[::2], words[1::2], strict=False))
        return int(fields.get(b"ino:", 0)), int(fields.get(b"flags:", b"0"), 8)

    def duplicate(self, fd: int) -> socket.socket | None:
        """A socket of the task, as one of ours; None when it has none there any more."""
        return duplicate(self.tid, fd)

    # -- signals

    def signalled(self) -> bool:
        """Whether a signal waits that would have ended a call that sleeps.

        Of those that are sent to the process as a whole the first thread takes care, as Linux prefers it.
        """
        status = _status(self.tid)
        pending = int(status.get("SigPnd", "0"), 16)
        if status.get("Tgid") == str(self.tid):
            pending |= int(status.get("ShdPnd", "0"), 16)
        return bool(pending & ~int(status.get("SigBlk", "0"), 16) & ~int(status.get("SigIgn", "0"), 16))


def _status(tid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{tid}/status") as status:
            pairs = (line.partition(":") for line in status)
            return {name: value.strip() for name, _, value in pairs}
    except OSError:
        return {}


def _open_process(tid: int) -> int:
    """A pidfd of a thread, or else of its process. -1 when it has gone."""
    fd = syscall("pidfd_open", tid, _THREAD)
    if fd < 0 and (process := _status(tid).get("Tgid")):
        fd = syscall("pidfd_open", int(process), 0)
    return fd


def duplicate_file(tid: int, fd: int) -> int | None:
    """A descriptor of a thread, as one of ours; None when it has none there, or we may not look."""
    process = _open_process(tid)
    if process < 0:
        return None
    try:
        found = syscall("pidfd_getfd", process, fd, 0)
    finally:
        os.close(process)
    return found if found >= 0 else None


def duplicate(tid: int, fd: int) -> socket.socket | None:
    """A socket of a thread, as one of ours; None when it has none there."""
    found = duplicate_file(tid, fd)
    if found is None:
        return None
    try:
        return socket.socket(fileno=found)
    except OSError:
        os.close(found)
        return None

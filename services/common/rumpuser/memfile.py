"""Memory that other processes of the host can map: a file without a name (memfd_create(2), else an unlinked one).

The memory lives for as long as anybody holds it open or mapped, whoever closes it first.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

from rumpuser.descriptor import Descriptor, Mapped
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError, from_host


class MemFile:
    """``size`` bytes of zeros, as a `rumpuser.host.HostFile`. Pages take memory when they are first written."""

    def __init__(self, size: int, name: str = "rump") -> None:
        """EINVAL for a size that is not positive, ENOMEM when the host has not got as much."""
        if size <= 0:
            raise KernelError(Errno.EINVAL, f"{size} bytes of memory")
        self.size = size
        self.readonly = False
        self._fd = _anonymous(name)
        try:
            os.ftruncate(self._fd, size)
            self._map = memoryview(Mapped.of(self._fd, size))
        except (OSError, OverflowError, ValueError) as error:
            os.close(self._fd)
            raise KernelError(Errno.ENOMEM, f"{size} bytes of memory: {error}") from None

    def __reduce__(self) -> Any:
        return _again, (Descriptor(self._fd), self.size)

    @property
    def path(self) -> bytes:
        """What others on the host, of the same user, open to get at the memory."""
        return b"/proc/%d/fd/%d" % (os.getpid(), self._fd)

    def view(self, offset: int, length: int) -> memoryview:
        """EINVAL for negative numbers. The view outlives the file's closing."""
        if offset < 0 or length < 0:
            raise KernelError(Errno.EINVAL, f"offset {offset}, length {length}")
        return self._map[offset : min(offset + length, self.size)].toreadonly()

    def write(self, offset: int, data: Buffer) -> int:
        """ENOSPC past the end: the memory does not grow."""
        source = memoryview(data).cast("B")
        if offset < 0 or offset + len(source) > self.size:
            raise KernelError(Errno.ENOSPC, f"{len(source)} bytes at {offset} of {self.size}")
        self._map[offset : offset + len(source)] = source
        return len(source)

    def truncate(self, length: int) -> None:
        if length != self.size:
            raise KernelError(Errno.EINVAL, "memory keeps its size")

    def sync(self) -> None:
        """There is nothing behind memory to write it to."""

    def close(self) -> None:
        """Gives the descriptor back; the mapping goes when the last view of it does."""
        fd, self._fd = self._fd, -1
        self._map = memoryview(b"")
        self.size = 0
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)


def _anonymous(name: str) -> int:
    try:
        if hasattr(os, "memfd_create"):
            return os.memfd_create(name, os.MFD_CLOEXEC)
        fd, path = tempfile.mkstemp(prefix=name)
        os.unlink(path)
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"memory file: {error.strerror}") from None
    return fd


def _again(fd: int, size: int) -> MemFile:
    """The memory of a predecessor, not a copy of it."""
    file = MemFile.__new__(MemFile)
    file.size, file.readonly, file._fd = size, False, fd
    file._map = memoryview(Mapped.of(fd, size)) if fd >= 0 else memoryview(b"")
    return file

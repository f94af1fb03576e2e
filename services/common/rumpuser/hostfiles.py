"""Files of the host: read through a shared mapping, written with pwrite.

The kernel of the host keeps both coherent (mmap(2), MAP_SHARED). A page of a mapping whose file was cut short raises
SIGBUS when it is touched, so every view is checked against the present size first.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from typing import Any

from rumpuser.descriptor import Descriptor, Mapped
from rumpuser.host import Buffer, HostFile
from rumpuser.hostnode import SystemNode, failure
from rumpwire.errno import Errno, KernelError, from_host

_READONLY = (Errno.EACCES, Errno.EROFS, Errno.EPERM, Errno.ETXTBSY)
"""With these a file is opened for reading when it cannot be for writing."""
_KINDS = {stat.S_IFREG: "reg", stat.S_IFBLK: "blk", stat.S_IFCHR: "chr", stat.S_IFDIR: "dir"}
_EMPTY = memoryview(b"")


class SystemFiles:
    """Implements `rumpuser.host.HostFiles`."""

    def open(self, path: bytes, *, write: bool) -> HostFile:
        """ENOENT, EACCES, EISDIR, EOPNOTSUPP for pipes, sockets and terminals. Falls back to reading alone."""
        fd, readonly = _open(path, write=write)
        try:
            return SystemFile(fd, path, readonly=readonly)
        except BaseException:
            os.close(fd)
            raise

    def create(self, path: bytes) -> HostFile:
        """EEXIST, ENOENT, EACCES and others of open(2)."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except (OSError, ValueError) as error:
            raise _named(error, path) from None
        return SystemFile(fd, path, readonly=False)

    def kind(self, path: bytes) -> str:
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            raise _named(error, path) from None
        return _KINDS.get(stat.S_IFMT(mode), "other")

    def listdir(self, path: bytes) -> list[bytes]:
        try:
            return sorted(os.listdir(path))
        except (OSError, ValueError) as error:
            raise _named(error, path) from None

    def node(self, path: bytes) -> SystemNode:
        """ENOENT, ENOTDIR, EACCES."""
        try:
            return SystemNode(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), path)
        except (OSError, ValueError) as error:
            raise _named(error, path) from None


def _open(path: bytes, *, write: bool) -> tuple[int, bool]:
    """A descriptor, and whether it is for reading alone. Never waits for the other end of a pipe."""
    flags = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        if write:
            try:
                return os.open(path, flags | os.O_RDWR), False
            except OSError as error:
                if from_host(error.errno or 0) not in _READONLY:
                    raise
        return os.open(path, flags | os.O_RDONLY), True
    except (OSError, ValueError) as error:
        raise _named(error, path) from None


def _named(error: OSError | ValueError, path: bytes) -> KernelError:
    if isinstance(error, OSError):
        return failure(error, path)
    return KernelError(Errno.ENOENT, f"{path[:80]!r}: {error}")  # a name with a null byte in it


class SystemFile:
    """Implements `rumpuser.host.HostFile` for regular files and block devices."""

    def __init__(self, fd: int, path: bytes, *, readonly: bool) -> None:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise KernelError(Errno.EISDIR, f"{os.fsdecode(path)}: is a directory")
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            raise KernelError(Errno.EOPNOTSUPP, f"{os.fsdecode(path)}: neither a file nor a disk")
        self.path = path
        self.readonly = readonly
        self.size = os.lseek(fd, 0, os.SEEK_END)
        self._fd = fd
        self._map: memoryview = _EMPTY

    def __reduce__(self) -> Any:
        return _again, (Descriptor(self._fd), self.path, self.readonly, self.size)

    def view(self, offset: int, length: int) -> memoryview:
        """EINVAL for negative numbers; EIO when the file was cut short. The view outlives the file's closing."""
        if offset < 0 or length < 0:
            raise KernelError(Errno.EINVAL, f"offset {offset}, length {length}")
        end = min(offset + length, self.size)
        if end <= offset:
            return _EMPTY
        present = self._present()
        if end > present:
            raise KernelError(Errno.EIO, f"{self._name} was cut short: {present} of {self.size} bytes are left")
        if end > len(self._map):
            self._remap()
        return self._map[offset:end]

    def write(self, offset: int, data: Buffer) -> int:
        """EROFS, EINVAL, ENOSPC, EFBIG, EIO."""
        self._writable()
        if offset < 0:
            raise KernelError(Errno.EINVAL, f"offset {offset}")
        rest = memoryview(data).cast("B")
        length = len(rest)
        try:
            while rest:
                done = os.pwrite(self._fd, rest, offset)
                offset += done
                if offset > self.size:
                    self.size = offset
                if done == len(rest):
                    break
                rest = rest[done:]
        except (OSError, OverflowError) as error:
            raise self._failure(error) from None
        return length

    def truncate(self, length: int) -> None:
        """EROFS, EINVAL (also for disks), EFBIG."""
        self._writable()
        try:
            os.ftruncate(self._fd, length)
        except (OSError, OverflowError) as error:
            raise self._failure(error) from None
        self.size = length

    def sync(self) -> None:
        if self.readonly:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failure(error) from None

    def close(self) -> None:
        """Gives the descriptor back; the mapping goes when the last view of it does."""
        fd, self._fd = self._fd, -1
        self._map = _EMPTY
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    @property
    def _name(self) -> str:
        return os.fsdecode(self.path)

    def _present(self) -> int:
        try:
            return os.lseek(self._fd, 0, os.SEEK_END)  # quicker than fstat, and right for disks as well
        except OSError as error:
            raise self._failure(error) from None

    def _remap(self) -> None:
        """Views of the mapping before it stay good: it lives until the last of them is gone."""
        try:
            mapped = Mapped.of(self._fd, self.size, mmap.PROT_READ)
        except (OSError, ValueError) as error:
            raise self._failure(error) from None
        self._map = memoryview(mapped)

    def _writable(self) -> None:
        if self._fd < 0:
            raise KernelError(Errno.EBADF, f"{self._name} is closed")
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self._name} is open for reading only")

    def _failure(self, error: Exception) -> KernelError:
        if self._fd < 0:
            return KernelError(Errno.EBADF, f"{self._name} is closed")
        if isinstance(error, OSError):
            return failure(error, self.path)
        return KernelError(Errno.EFBIG if isinstance(error, OverflowError) else Errno.EIO, f"{self._name}: {error}")


def _again(fd: int, path: bytes, readonly: bool, size: int) -> SystemFile:
    """A file of a predecessor, as it was; also one that is closed."""
    file = SystemFile.__new__(SystemFile)
    file.path, file.readonly, file.size = path, readonly, size
    file._fd, file._map = fd, _EMPTY
    return file

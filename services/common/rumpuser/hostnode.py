"""Files and directories of the host, held by a descriptor that opens nothing (O_PATH in open(2)).

Such a descriptor stands for the file itself: its attributes are read and set, it is opened and linked, whatever its
names are meanwhile. ``/proc/self/fd`` leads to it without a walk along any path. Directories are entered one name at a
time and links are never followed, so nobody who plants links or moves directories gets out of a tree.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Any

from rumpuser.descriptor import Descriptor
from rumpuser.host import Buffer, HostNode, HostStat
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.values import Statvfs

_HOLD = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_PERMISSIONS = 0o7777


def failure(error: OSError, path: bytes) -> KernelError:
    """The error of the host by its NetBSD number."""
    return KernelError(from_host(error.errno or 0), f"{os.fsdecode(path)}: {error.strerror or error}")


class SystemNode:
    """Implements `rumpuser.host.HostNode`. The descriptors go with the object."""

    def __init__(self, fd: int, path: bytes) -> None:
        """``path`` is for the texts of errors."""
        self.path = path
        self._fd = fd
        self._file = -1
        self._writable = False

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return _again, (Descriptor(self._fd), self.path, Descriptor(self._file), self._writable)

    def close(self) -> None:
        self.idle()
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    # -- attributes

    def stat(self) -> HostStat:
        with self._errors():
            st = os.fstat(self._fd)
        times = st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns
        owner = st.st_nlink, st.st_uid, st.st_gid, st.st_rdev
        return HostStat(st.st_dev, st.st_ino, st.st_mode, *owner, *times, st.st_size, st.st_blocks, st.st_blksize)

    def statvfs(self) -> Statvfs:
        with self._errors():
            st = os.statvfs(self._fd)
        return Statvfs(
            f_bsize=st.f_bsize,
            f_frsize=st.f_frsize,
            f_iosize=st.f_bsize,
            f_blocks=st.f_blocks,
            f_bfree=st.f_bfree,
            f_bavail=st.f_bavail,
            f_bresvd=st.f_bfree - st.f_bavail,
            f_files=st.f_files,
            f_ffree=st.f_ffree,
            f_favail=st.f_favail,
            f_fresvd=st.f_ffree - st.f_favail,
        )

    def set_mode(self, mode: int) -> None:
        """EPERM for set-id bits of a file of somebody else than the host user: they would hold on the host as well."""
        st = self.stat()
        if mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISDIR(st.mode) and st.uid != os.geteuid():
            raise KernelError(Errno.EPERM, f"{os.fsdecode(self.path)}: set-id bits for uid {st.uid} of the host")
        with self._errors():
            os.chmod(self._itself, mode)

    def set_owner(self, uid: int, gid: int) -> None:
        with self._errors():
            os.chown(self._itself, uid, gid)

    def set_times(self, atime_ns: int, mtime_ns: int) -> None:
        with self._errors():
            os.utime(self._itself, ns=(atime_ns, mtime_ns))

    def readlink(self) -> bytes:
        with self._errors():
            return os.readlink(b"", dir_fd=self._fd)

    # -- directories

    def child(self, name: bytes) -> SystemNode:
        with self._errors(name):
            return SystemNode(os.open(_checked(name), _HOLD, dir_fd=self._fd), self.path + b"/" + name)

    def names(self, most: int) -> list[tuple[bytes, int, int]]:
        """EFBIG for a directory of more names than ``most``."""
        found: list[tuple[bytes, int, int]] = []
        with self._errors():
            fd = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            with self._errors(), os.scandir(fd) as entries:
                for entry in entries:
                    if len(found) == most:
                        raise KernelError(Errno.EFBIG, f"{os.fsdecode(self.path)}: more than {most} names")
                    found.append((os.fsencode(entry.name), entry.inode(), _kind(entry)))
        finally:
            os.close(fd)
        return found

    def create(self, name: bytes, mode: int, uid: int, gid: int, target: bytes = b"") -> SystemNode:
        """Owner and permissions are set when nobody but the host user can have opened it."""
        private = stat.S_IFMT(mode) | mode & 0o700
        with self._errors(name):
            if stat.S_ISDIR(mode):
                os.mkdir(_checked(name), 0o700, dir_fd=self._fd)
            elif stat.S_ISLNK(mode):
                os.symlink(target, _checked(name), dir_fd=self._fd)
            else:
                os.mknod(_checked(name), private, dir_fd=self._fd)
        node = self.child(name)
        node._settle(mode, uid, gid)
        return node

    def _settle(self, mode: int, uid: int, gid: int) -> None:
        """What a new file is to be. Whose it is, the host may not let be changed: then it is the host user's."""
        st = self.stat()
        for owner in ((uid if uid != st.uid else -1, -1), (-1, gid if gid != st.gid else -1)):
            if owner != (-1, -1):
                with contextlib.suppress(KernelError):
                    self.set_owner(*owner)
        if not stat.S_ISLNK(mode) and st.mode & _PERMISSIONS != mode & _PERMISSIONS:
            with contextlib.suppress(KernelError):  # file systems without modes
                self.set_mode(mode & _PERMISSIONS)

    def link(self, name: bytes, node: HostNode) -> None:
        with self._errors(name):
            os.link(_system(node)._itself, _checked(name), dst_dir_fd=self._fd, follow_symlinks=True)

    def remove(self, name: bytes, *, directory: bool) -> None:
        with self._errors(name):
            (os.rmdir if directory else os.unlink)(_checked(name), dir_fd=self._fd)

    def rename(self, name: bytes, to: HostNode, to_name: bytes) -> None:
        with self._errors(name):
            os.rename(_checked(name), _checked(to_name), src_dir_fd=self._fd, dst_dir_fd=_system(to)._fd)

    # -- contents

    def ready(self, *, write: bool) -> None:
        """EOPNOTSUPP for anything but regular files and directories: opening others has effects."""
        if self._file >= 0 and (self._writable or not write):
            return
        mode = self.stat().mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise KernelError(Errno.EOPNOTSUPP, f"{os.fsdecode(self.path)}: neither a file nor a directory")
        with self._errors():
            fd = os.open(self._itself, _OPEN | (os.O_RDWR if write else os.O_RDONLY))
        self.idle()
        self._file, self._writable = fd, write

    def idle(self) -> None:
        fd, self._file = self._file, -1
        if fd >= 0:
            os.close(fd)

    def read(self, offset: int, length: int) -> bytes:
        self.ready(write=False)
        with self._errors():
            return os.pread(self._file, length, offset)

    def write(self, offset: int, data: Buffer) -> int:
        """How many bytes were taken, when some were; else ENOSPC, EFBIG, EIO."""
        self.ready(write=True)
        rest = memoryview(data).cast("B")
        done = 0
        with self._errors():
            while done < len(rest):
                try:
                    done += os.pwrite(self._file, rest[done:], offset + done)
                except OSError:
                    if not done:
                        raise
                    break
        return done

    def truncate(self, length: int) -> None:
        self.ready(write=True)
        with self._errors():
            os.ftruncate(self._file, length)

    def sync(self) -> None:
        self.ready(write=False)
        with self._errors():
            os.fsync(self._file)

    # -- names

    @property
    def _itself(self) -> str:
        """A name of the file that leads through no directory."""
        return f"/proc/self/fd/{self._fd}"

    @contextlib.contextmanager
    def _errors(self, name: bytes = b"") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise failure(error, self.path + b"/" + name if name else self.path) from None
        except OverflowError as error:
            raise KernelError(Errno.EFBIG, f"{os.fsdecode(self.path)}: {error}") from None


def _checked(name: bytes) -> bytes:
    """EINVAL for what is no name of one component."""
    if not name or b"/" in name or b"\0" in name or name in (b".", b".."):
        raise KernelError(Errno.EINVAL, f"{name[:80]!r} is no name in a directory")
    return name


def _system(node: HostNode) -> SystemNode:
    assert isinstance(node, SystemNode)
    return node


def _kind(entry: os.DirEntry[str]) -> int:
    """What the directory says of it, without looking at the file."""
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0


def _again(fd: int, path: bytes, file: int, writable: bool) -> SystemNode:
    """A node of a predecessor, as it was."""
    node = SystemNode(fd, path)
    node._file, node._writable = file, writable
    return node

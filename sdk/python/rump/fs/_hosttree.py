"""Trees of the host, to copy from and to."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from rump._errors import error_of
from rump.fs._node import CHUNK, SMALL, Copied, Kept, Node, Pieces, Report, is_sparse
from rump.fs._places import Places, joined
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

_LONGEST = 2048
_NO_XATTR = {errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ENOSYS}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def kernel_stat(st: os.stat_result) -> Stat:
    """Attributes of a file of the host, as those of a kernel are."""
    rdev = const.makedev(os.major(st.st_rdev), os.minor(st.st_rdev))
    return Stat(
        st.st_dev, st.st_mode, st.st_ino, st.st_nlink, st.st_uid, st.st_gid, rdev, st.st_atime_ns, st.st_mtime_ns,
        st.st_ctime_ns, 0, st.st_size, st.st_blocks, st.st_blksize,
    )  # fmt: skip


class _HostTree:
    def __init__(self, root: bytes) -> None:
        self._root = root
        self._places = Places(lambda fd, path: os.open(path, _FOLDER, dir_fd=_at(fd)), os.close, -1, _LONGEST)

    def _at(self, path: bytes) -> tuple[int | None, bytes]:
        fd, rest = self._places.at(joined(self._root, path))
        return _at(fd), rest

    def close(self) -> None:
        self._places.close()


def _at(fd: int) -> int | None:
    return None if fd == -1 else fd


# -- from


class HostSource(_HostTree):
    """A tree of the host that is read. ``follow``: a symbolic link at its top is taken for what it leads to."""

    def __init__(self, root: bytes, kept: Kept, report: Report, *, follow: bool = False) -> None:
        super().__init__(root)
        self._kept = kept
        self._report = report
        self._follow = follow

    def top(self) -> Node:
        return self._node(b"", follow=self._follow)

    def children(self, node: Node) -> Iterator[Node]:
        fd, path = self._at(node.path)
        folder = os.open(path, _FOLDER if node.path or not self._follow else _FOLDER & ~os.O_NOFOLLOW, dir_fd=fd)
        try:
            names = sorted(map(os.fsencode, os.listdir(folder)))
        finally:
            os.close(folder)
        for name in names:
            below = joined(node.path, name)
            try:
                child = self._node(below)
            except OSError as error:
                self._report(below, error)
                continue
            yield child

    def _node(self, path: bytes, *, follow: bool = False) -> Node:
        fd, rest = self._at(path)
        st = kernel_stat(os.stat(rest, dir_fd=fd, follow_symlinks=follow))
        node = Node(path, st)
        if node.kind == stat.S_IFLNK:
            node.target = os.readlink(rest, dir_fd=fd)
        elif node.kind == stat.S_IFREG and st.st_size <= SMALL and not is_sparse(st):
            self._load(node)
        elif self._kept.xattrs and node.kind in (stat.S_IFREG, stat.S_IFDIR):
            with self._opened(node) as handle:
                node.xattrs = read_xattrs(handle)
        return node

    def _load(self, node: Node) -> None:
        with self._opened(node) as handle:
            node.data = os.read(handle, SMALL + 1)
            if len(node.data) > SMALL:  # it has grown
                node.data = None
            if self._kept.xattrs:
                node.xattrs = read_xattrs(handle)

    @contextlib.contextmanager
    def _opened(self, node: Node) -> Iterator[int]:
        fd, rest = self._at(node.path)
        links = 0 if self._follow and not node.path else os.O_NOFOLLOW
        handle = os.open(rest, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | links, dir_fd=fd)
        try:
            yield handle
        finally:
            os.close(handle)

    def pieces(self, node: Node) -> Pieces:
        with self._opened(node) as handle:
            size = os.fstat(handle).st_size
            for start, end in host_extents(handle, size):
                while start < end and (data := os.pread(handle, min(CHUNK, end - start), start)):
                    yield start, data
                    start += len(data)


def host_extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file of the host has data."""
    start = 0
    while start < size:
        try:
            start = os.lseek(fd, start, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            end = size  # no such call there: all is data
        yield start, min(end, size)
        start = end


def read_xattrs(fd: int) -> dict[bytes, bytes]:
    """Attributes that may be read."""
    out: dict[bytes, bytes] = {}
    try:
        for name in os.listxattr(fd):
            with contextlib.suppress(OSError):
                out[os.fsencode(name)] = os.getxattr(fd, name)
    except OSError as error:
        if error.errno not in _NO_XATTR:
            raise
    return out


# -- to


class HostTarget(_HostTree):
    """A tree of the host that is made. Files appear under their names when they are complete.

    What is in an image may be hostile: no link is followed, and no name leads out of its directory.
    """

    def __init__(self, root: bytes, kept: Kept, copied: Copied, report: Report) -> None:
        super().__init__(root)
        self._kept = kept
        self._copied = copied
        self._report = report
        self._umask = os.umask(0o022)
        os.umask(self._umask)

    def directory(self, node: Node) -> None:
        check_name(node.path)
        fd, path = self._at(node.path)
        try:
            os.mkdir(path, 0o700, dir_fd=fd)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(path, dir_fd=fd, follow_symlinks=not node.path).st_mode):
                raise
            with contextlib.suppress(PermissionError):  # somebody else's: what goes in will tell
                os.chmod(path, stat.S_IMODE(os.stat(path, dir_fd=fd).st_mode) | 0o700, dir_fd=fd)

    def leave(self, node: Node) -> None:
        try:
            fd, path = self._at(node.path)
            handle = os.open(path, _FOLDER if node.path else _FOLDER & ~os.O_NOFOLLOW, dir_fd=fd)
            try:
                self._attributes(handle, node)
            finally:
                os.close(handle)
        except OSError as error:
            self._report(node.path, error)

    def file(self, node: Node, pieces: Pieces | None) -> None:
        with self._replacing(node) as (fd, path):
            handle = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=fd
            )
            try:
                self._fill(handle, node, pieces)
                self._attributes(handle, node)
            finally:
                os.close(handle)

    def _fill(self, handle: int, node: Node, pieces: Pieces | None) -> None:
        end = 0
        for offset, data in pieces if pieces is not None else [(0, node.data or b"")]:
            view, end = memoryview(data), offset + len(data)
            while view:
                done = os.pwrite(handle, view, end - len(view))
                view = view[done:]
        if pieces is not None and end < node.st.st_size:
            os.ftruncate(handle, node.st.st_size)

    def symlink(self, node: Node) -> None:
        with self._replacing(node) as (fd, path):
            os.symlink(node.target, path, dir_fd=fd)
            self._link_attributes(fd, path, node)

    def special(self, node: Node) -> None:
        rdev = os.makedev(const.major(node.st.st_rdev), const.minor(node.st.st_rdev))
        with self._replacing(node) as (fd, path):
            os.mknod(path, node.kind | 0o600, rdev, dir_fd=fd)
            self._link_attributes(fd, path, node)
            os.chmod(path, self._mode(node), dir_fd=fd)

    def link(self, node: Node, first: bytes) -> None:
        with Places(lambda fd, path: os.open(path, _FOLDER, dir_fd=_at(fd)), os.close, -1, _LONGEST) as places:
            from_fd, from_path = places.at(joined(self._root, first))
            with self._replacing(node) as (fd, path):
                os.link(from_path, path, src_dir_fd=_at(from_fd), dst_dir_fd=fd, follow_symlinks=False)

    def flush(self) -> None:
        """All is done at once."""

    @contextlib.contextmanager
    def _replacing(self, node: Node) -> Iterator[tuple[int | None, bytes]]:
        """A name in the same directory under which to make a file that then takes its place."""
        check_name(node.path)
        fd, path = self._at(node.path)
        folder = path.rpartition(b"/")[0]
        part = b".rump-part-" + os.urandom(6).hex().encode()
        made = joined(folder or (b"/" if path.startswith(b"/") else b""), part)
        try:
            yield fd, made
            os.rename(made, path, src_dir_fd=fd, dst_dir_fd=fd)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(made, dir_fd=fd)
            raise

    # -- attributes

    def _mode(self, node: Node) -> int:
        mode = stat.S_IMODE(node.st.st_mode)
        if not self._kept.modes:
            mode = mode & 0o777 & ~self._umask
        # A file that is now somebody else's must not run with its rights.
        return mode if self._kept.owners else mode & ~(stat.S_ISUID | stat.S_ISGID)

    def _attributes(self, handle: int, node: Node) -> None:
        mode = self._mode(node)
        if self._kept.owners and not self._chown(node, handle):
            mode &= ~(stat.S_ISUID | stat.S_ISGID)
        for name, value in node.xattrs.items():
            try:
                os.setxattr(handle, name, value)
            except OSError as error:
                if error.errno not in _NO_XATTR | {errno.EINVAL, errno.ENOSPC, errno.E2BIG}:
                    raise
                self._copied.lost.add("xattr")
        os.chmod(handle, mode)
        if self._kept.times:
            os.utime(handle, ns=(node.st.st_atime_ns, node.st.st_mtime_ns))

    def _chown(self, node: Node, where: int | bytes, fd: int | None = None, *, follow: bool = True) -> bool:
        """False where the host does not let its user give files away."""
        try:
            os.chown(where, node.st.st_uid, node.st.st_gid, dir_fd=fd, follow_symlinks=follow)
        except PermissionError:
            if os.geteuid() == 0:
                raise
            self._copied.lost.add("owner")
            return False
        return True

    def _link_attributes(self, fd: int | None, path: bytes, node: Node) -> None:
        if self._kept.owners:
            self._chown(node, path, fd, follow=False)
        if self._kept.times:
            times = (node.st.st_atime_ns, node.st.st_mtime_ns)
            os.utime(path, ns=times, dir_fd=fd, follow_symlinks=False)


def check_name(path: bytes) -> None:
    """EIO for a name that leads elsewhere, which only a damaged image has."""
    name = path.rpartition(b"/")[2]
    if path and (name in (b"", b".", b"..") or b"\0" in name):
        raise error_of(KernelError(Errno.EIO, "a name that no directory may hold"))

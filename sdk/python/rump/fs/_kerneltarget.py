"""A tree of a kernel that is made: calls are gathered, and done many in one message."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rump import _host
from rump._base import Future
from rump._client import Batch
from rump.fs._hosttree import check_name
from rump.fs._kernelsource import FOLDER, NOFOLLOW, kernel_places
from rump.fs._node import CHUNK, Copied, Kept, Node, Pieces, Report
from rump.fs._places import LONGEST, Places, joined
from rumpwire import const
from rumpwire.values import Timespec

if TYPE_CHECKING:
    from rump._client import Client

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _host.OPEN.names["O_NOFOLLOW"]
_STEPS = 240
"""Calls of one message; the gateway hands over 256 in one go."""
_NOT_KEPT = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM, errno.EINVAL, errno.ENOSYS}
"""What a file system says to an attribute that it does not have."""

Check = Callable[[], None]


class KernelTarget:
    """``root`` is a path of the kernel.

    A tree that is new is written as it comes. Where something is there already, files are made under other names and
    take their places when they are complete.
    """

    def __init__(self, k: Client, root: bytes, kept: Kept, copied: Copied, report: Report) -> None:
        self._k = k
        self._root = root
        self._kept = kept
        self._copied = copied
        self._report = report
        self._places = Places(self._open_folder, k.sys.close, const.AT_FDCWD, LONGEST)
        self._places.before_close = self.flush
        self._fresh = False
        self._umask = k.sys.umask(0o022)
        k.sys.umask(self._umask)
        self._begin()

    def _begin(self) -> None:
        self._batch = self._k.batch(keep_going=True)
        self._checks: list[Check] = []
        self._room = CHUNK * 2

    def _at(self, path: bytes) -> tuple[int, bytes]:
        return self._places.at(joined(self._root, path))

    def _open_folder(self, fd: int, path: bytes) -> int:
        self.flush()  # it may be one of those that are still to be made
        return self._k.sys.openat(fd, path, FOLDER)

    def close(self) -> None:
        self._places.before_close = None
        self._places.close()

    def flush(self) -> None:
        """Does what was gathered, and reports what failed."""
        batch, checks = self._batch, self._checks
        self._begin()
        if not len(batch):
            return
        batch.run()
        for check in checks:
            check()

    def _need(self, steps: int, size: int = 0) -> Batch:
        if len(self._batch) + steps > _STEPS or size > self._room:
            self.flush()
        self._room -= size
        return self._batch

    def _later(self, node: Node, *futures: Future[Any], then: Check | None = None) -> None:
        """When the batch is done: reports the first that failed."""

        def check() -> None:
            failed = next((f.exception() for f in futures if f.exception() is not None), None)
            if failed is not None:
                self._failed(node, failed)
            elif then is not None:
                then()

        self._checks.append(check)

    def _failed(self, node: Node, error: OSError) -> None:
        if self._fresh:  # it has been counted when it was gathered
            self._copied.directories -= node.kind == stat.S_IFDIR
            self._copied.files -= node.kind != stat.S_IFDIR
            self._copied.size -= len(node.data or b"")
        self._report(node.path, error)

    def _maybe(self, what: str, future: Future[Any], node: Node, made: Future[Any] | None = None) -> None:
        """An attribute that the file system may not be able to keep. ``made``: what has to have gone well before."""

        def check() -> None:
            error = future.exception()
            if error is None or error.errno == errno.ECANCELED or (made is not None and made.exception() is not None):
                return  # what went before has been reported
            if error.errno in _NOT_KEPT:
                self._copied.lost.add(what)
            else:
                self._report(node.path, error)

        self._checks.append(check)

    # -- directories

    def directory(self, node: Node) -> None:
        check_name(node.path)
        fd, path = self._at(node.path)
        if self._fresh:
            self._later(node, self._need(1).mkdirat(fd, path, 0o700))
            return
        self.flush()
        try:
            self._k.sys.mkdirat(fd, path, 0o700)
            self._fresh = not node.path
        except FileExistsError:
            if not stat.S_ISDIR(self._k.sys.fstatat(fd, path, 0 if not node.path else NOFOLLOW).st_mode):
                raise

    def leave(self, node: Node) -> None:
        fd, path = self._at(node.path)
        batch = self._need(5 + len(node.xattrs))
        if node.xattrs:
            handle = batch.openat(fd, path, FOLDER)
            for name, value in node.xattrs.items():
                self._maybe("xattr", batch.fsetxattr(handle, name, value), node)
            batch.close(handle)
        self._by_path(batch, fd, path, node)

    def _by_path(self, batch: Batch, fd: int, path: bytes, node: Node, made: Future[Any] | None = None) -> None:
        if self._kept.owners:
            self._maybe("owner", batch.fchownat(fd, path, node.st.st_uid, node.st.st_gid, NOFOLLOW), node, made)
        if node.kind != stat.S_IFLNK:
            self._maybe("mode", batch.fchmodat(fd, path, self._mode(node), NOFOLLOW), node, made)
        if self._kept.times:
            self._maybe("times", batch.utimensat(fd, path, *_times(node), NOFOLLOW), node, made)

    def _mode(self, node: Node) -> int:
        mode = stat.S_IMODE(node.st.st_mode)
        if not self._kept.modes:
            mode = mode & 0o777 & ~self._umask
        return mode if self._kept.owners else mode & ~(stat.S_ISUID | stat.S_ISGID)

    # -- files

    def file(self, node: Node, pieces: Pieces | None) -> None:
        with self._placed(node, whole=pieces is None) as (fd, path):
            if pieces is None:
                self._small(self._need(9 + len(node.xattrs), len(node.data or b"")), node, fd, path)
            else:
                self._large(node, fd, path, pieces)

    def _small(self, batch: Batch, node: Node, fd: int, path: bytes) -> None:
        handle = batch.openat(fd, path, _NEW, 0o600)
        futures: list[Future[Any]] = [handle]
        if node.data:
            futures.append(batch.write(handle, node.data))
        self._by_handle(batch, handle, node)
        futures.append(batch.close(handle))
        self._later(node, *futures, then=lambda: self._whole(node, futures))

    def _whole(self, node: Node, futures: list[Future[Any]]) -> None:
        if node.data and futures[1].result() < len(node.data):
            self._failed(node, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _by_handle(self, batch: Batch, handle: Future[int] | int, node: Node) -> None:
        fd: Any = handle
        if self._kept.owners:
            self._maybe("owner", batch.fchown(fd, node.st.st_uid, node.st.st_gid), node)
        for name, value in node.xattrs.items():
            self._maybe("xattr", batch.fsetxattr(fd, name, value), node)
        self._maybe("mode", batch.fchmod(fd, self._mode(node)), node)
        if self._kept.times:
            self._maybe("times", batch.futimens(fd, *_times(node)), node)

    def _large(self, node: Node, fd: int, path: bytes, pieces: Pieces) -> None:
        sys = self._k.sys
        handle = sys.openat(fd, path, _NEW, 0o600)
        try:
            end = 0
            for offset, data in pieces:
                end = offset + len(data)
                done = sys.pwrite(handle, data, offset)
                if done < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if end < node.st.st_size:
                sys.ftruncate(handle, node.st.st_size)
            self._by_handle(self._need(9 + len(node.xattrs)), handle, node)
            self.flush()
        finally:
            sys.close(handle)

    # -- the rest

    def symlink(self, node: Node) -> None:
        with self._placed(node) as (fd, path):
            batch = self._need(4)
            made = batch.symlinkat(node.target, fd, path)
            self._later(node, made)
            self._by_path(batch, fd, path, node, made)

    def special(self, node: Node) -> None:
        with self._placed(node) as (fd, path):
            batch = self._need(5)
            made = batch.mknodat(fd, path, node.kind | 0o600, node.st.st_rdev)
            self._later(node, made)
            self._by_path(batch, fd, path, node, made)

    def link(self, node: Node, first: bytes) -> None:
        self.flush()
        with kernel_places(self._k) as places:
            from_fd, from_path = places.at(joined(self._root, first))
            with self._placed(node) as (fd, path):
                self._k.sys.linkat(from_fd, from_path, fd, path)

    @contextlib.contextmanager
    def _placed(self, node: Node, *, whole: bool = True) -> Iterator[tuple[int, bytes]]:
        """The name under which to make a file: its own in a new tree, else one that is renamed when all went well."""
        check_name(node.path)
        if self._fresh and whole:
            yield self._at(node.path)
            return
        self.flush()
        fd, path = self._at(node.path)
        made = path[: path.rfind(b"/") + 1] + b".rump-part-" + os.urandom(6).hex().encode()
        failed: list[OSError] = []
        report, self._report = self._report, lambda _, error: failed.append(error)
        try:
            yield fd, made
            self.flush()
            if failed:
                raise failed[0]
            self._k.sys.renameat(fd, made, fd, path)
        except BaseException:
            self._begin()
            with contextlib.suppress(OSError):
                self._k.sys.unlinkat(fd, made)
            raise
        finally:
            self._report = report


def _times(node: Node) -> tuple[Timespec, Timespec]:
    st = node.st
    return Timespec(*divmod(st.st_atime_ns, 10**9)), Timespec(*divmod(st.st_mtime_ns, 10**9))

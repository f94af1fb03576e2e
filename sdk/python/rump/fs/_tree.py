"""Files of a mounted file system by path: no descriptors, few messages."""

from __future__ import annotations

import contextlib
import errno
import os
import stat as modes
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, AnyStr

from rump._arguments import Buffer, PathArg
from rump._base import Future
from rump.fs import _transfer, _walk
from rump.fs._kernelsource import (
    NOFOLLOW,
    directory_stats,
    kernel_places,
    read_directory,
    read_names,
    read_with_stats,
)
from rump.fs._node import CHUNK, Copied, Kept, Tell
from rump.fs._places import LONGEST, joined
from rump.fs._walk import DirEntry
from rumpwire import const
from rumpwire.values import Stat, Statvfs, Timespec

if TYPE_CHECKING:
    from rump._client import Client

_CREATE = os.O_WRONLY | os.O_CREAT
OnError = Callable[[OSError], Any]


class Tree:
    """A tree of files of a kernel: all of it, or what is below ``root`` (where a file system is mounted).

    Paths are text or bytes and need no slash at their beginning. They may be longer than system calls take, except for
    `open`, file flags and extended attributes. Names that are no UTF-8 are as `os.fsdecode` makes them. Errors are
    those of `os`: FileNotFoundError and its kin, with the path.
    """

    def __init__(self, k: Client, root: PathArg = "/") -> None:
        self.k = k
        self.root = os.fsencode(root).rstrip(b"/")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {os.fsdecode(self.root) or '/'}>"

    # -- where a path is

    def path(self, path: PathArg) -> bytes:
        """A path of the kernel."""
        name = os.fsencode(path)
        return name if name.startswith(b"/") and not self.root else joined(self.root + b"/", name.lstrip(b"/"))

    @contextlib.contextmanager
    def at(self, *paths: PathArg) -> Iterator[list[Any]]:
        """Descriptor and path of each, for calls such as openat. Errors bear the paths that were asked for."""
        try:
            names = [self.path(path) for path in paths]
            with contextlib.ExitStack() as stack:
                out: list[Any] = []
                for name in names:
                    if len(name) <= LONGEST:
                        out += [const.AT_FDCWD, name]
                    else:
                        out += stack.enter_context(kernel_places(self.k)).at(name)
                yield out
        except OSError as error:
            error.filename = paths[0]
            if len(paths) > 1:
                error.filename2 = paths[1]
            elif error.filename2 is not None:
                del error.filename2  # None would be shown
            raise

    # -- contents

    def open(
        self, path: PathArg, mode: str = "r", buffering: int = -1, encoding: str | None = None,
        errors: str | None = None, newline: str | None = None,
    ) -> Any:  # fmt: skip
        """An io object, as the builtin open gives."""
        name = self.path(path)
        if len(name) <= LONGEST:
            with self.at(path):
                return self.k.open(name, mode, buffering, encoding, errors, newline)
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)

    def read_bytes(self, path: PathArg) -> bytes:
        """All of a file. ENOENT, EISDIR, EACCES, EIO."""
        with self.at(path) as (fd, name):
            with self.k.batch() as b:
                handle = b.openat(fd, name, os.O_RDONLY)
                first = b.read(handle, CHUNK)
                b.close(handle)
            data = self._after(handle, first)
            if len(data) < CHUNK:
                return bytes(data)
            return b"".join(self._pieces(fd, name))

    def _pieces(self, fd: int, name: bytes) -> Iterator[bytes]:
        handle = self.k.sys.openat(fd, name, os.O_RDONLY)
        try:
            while data := self.k.sys.read(handle, 4 * CHUNK):
                yield data
        finally:
            self.k.sys.close(handle)

    def _after(self, handle: Future[int], call: Future[Any]) -> Any:
        """The result of a call behind an open. A batch stops at the first failure: its close was left out then."""
        fd = handle.result()
        if call.exception() is not None:
            self.k.sys.close(fd)
        return call.result()

    def read_text(self, path: PathArg, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self.read_bytes(path).decode(encoding, errors)

    def write_bytes(self, path: PathArg, data: Buffer, *, mode: int = 0o666, append: bool = False) -> int:
        """Makes or overwrites a file. ENOENT, EISDIR, EACCES, EROFS, ENOSPC, EIO."""
        flags = _CREATE | (os.O_APPEND if append else os.O_TRUNC)
        view = memoryview(data).cast("B") if len(memoryview(data)) else memoryview(b"")
        with self.at(path) as (fd, name):
            with self.k.batch() as b:
                handle = b.openat(fd, name, flags, mode)
                first = b.write(handle, view[:CHUNK])
                b.close(handle) if len(view) <= CHUNK else None
            done: int = self._after(handle, first)
            if len(view) > CHUNK:
                try:
                    done += self.k.sys.write(handle.result(), view[done:])
                finally:
                    self.k.sys.close(handle.result())
            if done < len(view):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return done

    def write_text(self, path: PathArg, text: str, encoding: str = "utf-8") -> int:
        return self.write_bytes(path, text.encode(encoding))

    def truncate(self, path: PathArg, length: int) -> None:
        """ENOENT, EISDIR, EINVAL, EFBIG, ENOSPC, EROFS."""
        with self.at(path) as (fd, name):
            handle = self.k.sys.openat(fd, name, os.O_WRONLY)
            try:
                self.k.sys.ftruncate(handle, length)
            finally:
                self.k.sys.close(handle)

    # -- attributes

    def stat(self, path: PathArg, *, follow_symlinks: bool = True) -> Stat:
        with self.at(path) as (fd, name):
            return self.k.sys.fstatat(fd, name, 0 if follow_symlinks else NOFOLLOW)

    def lstat(self, path: PathArg) -> Stat:
        return self.stat(path, follow_symlinks=False)

    def exists(self, path: PathArg) -> bool:
        return self._mode(path) is not None

    def lexists(self, path: PathArg) -> bool:
        return self._mode(path, follow=False) is not None

    def isdir(self, path: PathArg) -> bool:
        return modes.S_ISDIR(self._mode(path) or 0)

    def isfile(self, path: PathArg) -> bool:
        return modes.S_ISREG(self._mode(path) or 0)

    def islink(self, path: PathArg) -> bool:
        return modes.S_ISLNK(self._mode(path, follow=False) or 0)

    def _mode(self, path: PathArg, *, follow: bool = True) -> int | None:
        try:
            return self.stat(path, follow_symlinks=follow).st_mode
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise

    def chmod(self, path: PathArg, mode: int, *, follow_symlinks: bool = True) -> None:
        with self.at(path) as (fd, name):
            self.k.sys.fchmodat(fd, name, mode, 0 if follow_symlinks else NOFOLLOW)

    def chown(self, path: PathArg, uid: int = -1, gid: int = -1, *, follow_symlinks: bool = True) -> None:
        with self.at(path) as (fd, name):
            self.k.sys.fchownat(fd, name, uid, gid, 0 if follow_symlinks else NOFOLLOW)

    def utime(
        self, path: PathArg, times: tuple[float, float] | None = None, *, ns: tuple[int, int] | None = None,
        follow_symlinks: bool = True,
    ) -> None:  # fmt: skip
        """Access and modification time: ``times`` in seconds, ``ns`` in nanoseconds, neither: now."""
        if times is not None and ns is not None:
            raise ValueError("either times or ns")
        if times is not None:
            ns = (round(times[0] * 1e9), round(times[1] * 1e9))
        both = (None, None) if ns is None else tuple(Timespec(*divmod(t, 10**9)) for t in ns)
        with self.at(path) as (fd, name):
            self.k.sys.utimensat(fd, name, both[0], both[1], 0 if follow_symlinks else NOFOLLOW)

    def chflags(self, path: PathArg, flags: int, *, follow_symlinks: bool = True) -> None:
        """The st_flags of 4.4BSD. EOPNOTSUPP where files have none."""
        with self.at(path):
            (self.k.sys.chflags if follow_symlinks else self.k.sys.lchflags)(self.path(path), flags)

    # -- extended attributes

    def getxattr(self, path: PathArg, name: str | bytes, *, follow_symlinks: bool = True) -> bytes:
        with self.at(path):
            return (self.k.sys.getxattr if follow_symlinks else self.k.sys.lgetxattr)(self.path(path), name)

    def setxattr(
        self, path: PathArg, name: str | bytes, value: Buffer, flags: int = 0, *, follow_symlinks: bool = True
    ) -> None:
        with self.at(path):
            (self.k.sys.setxattr if follow_symlinks else self.k.sys.lsetxattr)(self.path(path), name, value, flags)

    def listxattr(self, path: PathArg, *, follow_symlinks: bool = True) -> list[str]:
        with self.at(path):
            names = (self.k.sys.listxattr if follow_symlinks else self.k.sys.llistxattr)(self.path(path))
        return [os.fsdecode(name) for name in names]

    def removexattr(self, path: PathArg, name: str | bytes, *, follow_symlinks: bool = True) -> None:
        with self.at(path):
            (self.k.sys.removexattr if follow_symlinks else self.k.sys.lremovexattr)(self.path(path), name)

    # -- directories

    def listdir(self, path: AnyStr | os.PathLike[AnyStr] = "/") -> list[AnyStr]:  # type: ignore[assignment]
        """Names in a directory."""
        with self.at(path) as (fd, name):
            entries = read_directory(self.k, fd, name)
        return [_like(path, entry.d_name) for entry in entries]

    def scandir(
        self, path: AnyStr | os.PathLike[AnyStr] = "/", *, attributes: bool = False  # type: ignore[assignment]
    ) -> list[DirEntry[AnyStr]]:  # fmt: skip
        """Names in a directory, with what kind of file each is; attributes of all in a few messages when asked for.

        With ``attributes`` those come along with the names, in the same messages.
        """
        folder: AnyStr = os.fspath(path)
        with self.at(path) as (fd, name):
            found = (read_with_stats if attributes else read_names)(self.k, fd, name)
        names = [_like(path, each.name) for each in found]
        cached: dict[AnyStr, Future[Stat]] = {}

        def statted() -> dict[AnyStr, Future[Stat]]:
            if not cached:
                with self.at(path) as (fd, name):
                    asked = directory_stats(self.k, fd, name, [each.name for each in found])
                cached.update(zip(names, asked, strict=True))
            return cached

        return [DirEntry(self, folder, name, seen, statted) for name, seen in zip(names, found, strict=True)]

    def walk(
        self, top: AnyStr = "/", *, topdown: bool = True, onerror: OnError | None = None  # type: ignore[assignment]
    ) -> Iterator[tuple[AnyStr, list[AnyStr], list[AnyStr]]]:  # fmt: skip
        """As `os.walk`; links are not followed."""
        return _walk.walk(self, top, topdown, onerror)

    def glob(self, pattern: str) -> Iterator[str]:
        """Paths that match a pattern of the shell; ``**`` stands for any directories."""
        return _walk.glob(self, pattern)

    def mkdir(self, path: PathArg, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
        """EEXIST, ENOENT, ENOTDIR, EROFS, ENOSPC."""
        try:
            with self.at(path) as (fd, name):
                self.k.sys.mkdirat(fd, name, mode)
        except FileNotFoundError:
            above = os.path.dirname(os.fsencode(path).rstrip(b"/"))
            if not parents or not above.strip(b"/"):
                raise
            self.mkdir(above, 0o777, parents=True, exist_ok=True)
            self.mkdir(path, mode, exist_ok=exist_ok)
        except FileExistsError:
            if not exist_ok or not self.isdir(path):
                raise

    def rmdir(self, path: PathArg) -> None:
        with self.at(path) as (fd, name):
            self.k.sys.unlinkat(fd, name, const.AT_REMOVEDIR)

    # -- names

    def remove(self, path: PathArg) -> None:
        with self.at(path) as (fd, name):
            self.k.sys.unlinkat(fd, name)

    unlink = remove

    def rename(self, old: PathArg, new: PathArg) -> None:
        """Takes the place of what is there."""
        with self.at(old, new) as place:
            self.k.sys.renameat(*place)

    replace = rename

    def link(self, old: PathArg, new: PathArg, *, follow_symlinks: bool = False) -> None:
        with self.at(old, new) as (fd, name, to_fd, to_name):
            flags = const.AT_SYMLINK_FOLLOW if follow_symlinks else 0
            self.k.sys.linkat(fd, name, to_fd, to_name, flags)

    def symlink(self, target: PathArg, path: PathArg) -> None:
        """Makes the link ``path`` with the text ``target``."""
        with self.at(path) as (fd, name):
            self.k.sys.symlinkat(target, fd, name)

    def readlink(self, path: AnyStr | os.PathLike[AnyStr]) -> AnyStr:
        with self.at(path) as (fd, name):
            return _like(path, self.k.sys.readlinkat(fd, name, const.PATH_MAX))

    def mkfifo(self, path: PathArg, mode: int = 0o666) -> None:
        with self.at(path) as (fd, name):
            self.k.sys.mkfifoat(fd, name, mode)

    def mknod(self, path: PathArg, mode: int = 0o600 | modes.S_IFREG, device: int = 0) -> None:
        """``device`` as `rump.makedev` makes it."""
        with self.at(path) as (fd, name):
            self.k.sys.mknodat(fd, name, mode, device)

    def touch(self, path: PathArg, mode: int = 0o666) -> None:
        """Makes an empty file, or sets its times to now."""
        with self.at(path) as (fd, name):
            with self.k.batch() as b:
                handle = b.openat(fd, name, _CREATE | os.O_NONBLOCK, mode)
                b.futimens(handle)
                b.close(handle)
            handle.result()

    # -- trees

    def rmtree(self, path: PathArg, *, ignore_errors: bool = False, onerror: OnError | None = None) -> None:
        """Removes a directory and all below it."""
        _transfer.rmtree(self, path, (lambda error: None) if ignore_errors else onerror)

    def copy_in(
        self, source: PathArg, dest: PathArg, *, recursive: bool = True, progress: Tell | None = None,
        onerror: OnError | None = None, owners: bool | None = None, kept: Kept | None = None, follow: bool = False,
    ) -> Copied:  # fmt: skip
        """Copies a file or a tree of the host to ``dest``, which is its new name. See `rump.fs` for what is kept."""
        return _transfer.copy_in(
            self, source, dest, _transfer.Wishes(recursive, progress, onerror, owners, kept, follow)
        )

    def copy_out(
        self, source: PathArg, dest: PathArg, *, recursive: bool = True, progress: Tell | None = None,
        onerror: OnError | None = None, owners: bool | None = None, kept: Kept | None = None, follow: bool = False,
    ) -> Copied:  # fmt: skip
        """Copies a file or a tree to the host; as `copy_in`."""
        return _transfer.copy_out(
            self, source, dest, _transfer.Wishes(recursive, progress, onerror, owners, kept, follow)
        )

    def copytree(
        self, source: PathArg, dest: PathArg, *, to: Tree | None = None, recursive: bool = True,
        progress: Tell | None = None, onerror: OnError | None = None, owners: bool | None = None,
        kept: Kept | None = None, follow: bool = False,
    ) -> Copied:  # fmt: skip
        """Copies a file or a tree to another place of this tree, or to another tree; as `copy_in`."""
        wishes = _transfer.Wishes(recursive, progress, onerror, owners, kept, follow)
        return _transfer.copy_between(self, source, to or self, dest, wishes)

    # -- the file system

    def statvfs(self, path: PathArg = "/") -> Statvfs:
        with self.at(path):
            return self.k.sys.statvfs1(self.path(path))

    def df(self, path: PathArg = "/") -> dict[str, int]:
        """Bytes and files: size, used, available, files, files_free."""
        s = self.statvfs(path)
        return {
            "size": s.f_blocks * s.f_frsize,
            "used": (s.f_blocks - s.f_bfree) * s.f_frsize,
            "available": s.f_bavail * s.f_frsize,
            "files": s.f_files,
            "files_free": s.f_ffree,
        }

    def sync(self) -> None:
        """Brings all that was written to stable storage."""
        self.k.sys.sync()


def _like(path: AnyStr | os.PathLike[AnyStr], name: bytes) -> AnyStr:
    """A name as bytes where the path is bytes, as text where it is text."""
    out: Any = name if isinstance(os.fspath(path), bytes) else os.fsdecode(name)
    return out  # type: ignore[no-any-return]

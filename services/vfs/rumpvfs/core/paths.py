"""Calls that make, take away and move names: mkdir, mknod, symlink, link, unlink, rmdir, rename and their *at kin."""

from __future__ import annotations

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpvfs.core import access
from rumpvfs.core.mount import settle
from rumpvfs.core.namei import DEPTH_MAX, TARGET_MAX, Place, check_path
from rumpvfs.core.notes import note
from rumpvfs.core.opening import Opening
from rumpvfs.core.state import Vfs, socket_key
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.const import AT_FDCWD
from rumpwire.errno import Errno, KernelError

_DOTS = (b".", b"..")
_NODES = {
    0: VType.REG,
    const.S_IFREG: VType.REG,
    const.S_IFIFO: VType.FIFO,
    const.S_IFCHR: VType.CHR,
    const.S_IFBLK: VType.BLK,
    const.S_IFSOCK: VType.SOCK,
}
"""What mknod makes. A socket that it makes is a name without anybody behind it, as those in an image are."""


class Paths:
    """The calls on names."""

    def __init__(self, vfs: Vfs, opening: Opening) -> None:
        self.vfs = vfs
        self.names = vfs.names
        self.create = opening.create

    # -- making

    def mkdir(self, ctx: Context, path: bytes, mode: int) -> None:
        self.mkdirat(ctx, AT_FDCWD, path, mode)

    def mkdirat(self, ctx: Context, fd: int, path: bytes, mode: int) -> None:
        """Errors of namei, EEXIST, EROFS, EACCES, EMLINK, ENOSPC."""
        place = self.names.locate(ctx, path, dirfd=fd)
        place.vacant()
        self.create(ctx, place, VType.DIR, mode & (0o777 | const.S_ISVTX))

    def mknod(self, ctx: Context, path: bytes, mode: int, dev: int) -> None:
        self.mknodat(ctx, AT_FDCWD, path, mode, dev)

    def mknodat(self, ctx: Context, fd: int, path: bytes, mode: int, dev: int) -> None:
        """Fifos, sockets and regular files for everybody, devices for system.mknod (EPERM). EINVAL for other kinds."""
        vtype = _NODES.get(mode & const.S_IFMT)
        if vtype is None:
            raise KernelError(Errno.EINVAL)
        if vtype in (VType.CHR, VType.BLK):
            authorize(ctx, Action.SYSTEM_MKNOD)
        self._make(ctx, fd, path, vtype, mode, dev)

    def mkfifo(self, ctx: Context, path: bytes, mode: int) -> None:
        self._make(ctx, AT_FDCWD, path, VType.FIFO, mode)

    def mkfifoat(self, ctx: Context, fd: int, path: bytes, mode: int) -> None:
        self._make(ctx, fd, path, VType.FIFO, mode)

    def _make(
        self, ctx: Context, fd: int, path: bytes, vtype: VType, mode: int, rdev: int = 0, target: bytes = b""
    ) -> Vnode:
        place = self.names.locate(ctx, path, dirfd=fd)
        place.vacant()
        if place.slashed:
            raise KernelError(Errno.ENOENT)
        return self.create(ctx, place, vtype, mode, rdev, target)

    def symlink(self, ctx: Context, path: bytes, link: bytes) -> None:
        self.symlinkat(ctx, path, AT_FDCWD, link)

    def symlinkat(self, ctx: Context, path1: bytes, fd: int, path2: bytes) -> None:
        """A link at path2 that leads to path1."""
        check_path(path1, TARGET_MAX)
        self._make(ctx, fd, path2, VType.LNK, 0o777, target=path1)

    def readlink(self, ctx: Context, path: bytes, count: int) -> bytes:
        return self.readlinkat(ctx, AT_FDCWD, path, count)

    def readlinkat(self, ctx: Context, fd: int, path: bytes, bufsize: int) -> bytes:
        """EINVAL when it is no symbolic link."""
        vnode = self.names.lookup(ctx, path, dirfd=fd, follow=False)
        if vnode.vtype is not VType.LNK:
            raise KernelError(Errno.EINVAL)
        return vnode.readlink()[:bufsize]

    def bind_socket(self, ctx: Context, path: bytes, mode: int, socket: int) -> None:
        """The node of a local-domain socket. EADDRINUSE when the name is taken."""
        try:
            vnode = self._make(ctx, AT_FDCWD, path, VType.SOCK, mode)
        except KernelError as error:
            if error.errno == Errno.EEXIST:
                raise KernelError(Errno.EADDRINUSE) from error
            raise
        self.vfs.sockets[socket_key(vnode)] = socket
        self.vfs.recorder.bound(socket_key(vnode), socket)

    def find_socket(self, ctx: Context, path: bytes) -> int:
        """ENOTSOCK, EACCES without write permission, ECONNREFUSED when its socket is gone."""
        vnode = self.names.lookup(ctx, path)
        if vnode.vtype is not VType.SOCK:
            raise KernelError(Errno.ENOTSOCK)
        access.check(vnode, ctx.cred, access.WRITE)
        socket = self.vfs.sockets.get(socket_key(vnode))
        if socket is None:
            raise KernelError(Errno.ECONNREFUSED)
        return socket

    # -- hard links

    def link(self, ctx: Context, path: bytes, link: bytes) -> None:
        self.linkat(ctx, AT_FDCWD, path, AT_FDCWD, link, const.AT_SYMLINK_FOLLOW)

    def linkat(self, ctx: Context, fd1: int, name1: bytes, fd2: int, name2: bytes, flags: int) -> None:
        """EINVAL, errors of namei, EPERM (directories, `LinkRules`), EEXIST, EXDEV, EROFS, EACCES, EMLINK."""
        if flags & ~const.AT_SYMLINK_FOLLOW:
            raise KernelError(Errno.EINVAL)
        vnode = self.names.lookup(ctx, name1, dirfd=fd1, follow=bool(flags & const.AT_SYMLINK_FOLLOW))
        place = self.names.locate(ctx, name2, dirfd=fd2)
        place.vacant()
        if vnode.vtype is VType.DIR:
            raise KernelError(Errno.EPERM, "a directory")
        if place.slashed:
            raise KernelError(Errno.ENOENT)
        if place.directory.fs is not vnode.fs:
            raise KernelError(Errno.EXDEV)
        check_length(place)
        access.check(place.directory, ctx.cred, access.WRITE | access.EXEC)
        access.check_flags(vnode, access.IMMUTABLE | access.APPEND)
        self.vfs.link_rules.check(vnode, ctx.cred)
        place.directory.link(place.name, vnode)
        self.names.cache.forget(place.directory, place.name)
        note(place.directory, const.NOTE_WRITE)
        note(vnode, const.NOTE_LINK)
        settle(vnode.fs)

    # -- taking away

    def unlink(self, ctx: Context, path: bytes) -> None:
        self._unlink(ctx, AT_FDCWD, path)

    def rmdir(self, ctx: Context, path: bytes) -> None:
        self._rmdir(ctx, AT_FDCWD, path)

    def unlinkat(self, ctx: Context, fd: int, path: bytes, flag: int) -> None:
        if flag & ~const.AT_REMOVEDIR:
            raise KernelError(Errno.EINVAL)
        (self._rmdir if flag else self._unlink)(ctx, fd, path)

    def _unlink(self, ctx: Context, fd: int, path: bytes) -> None:
        """Errors of namei, EPERM for directories, ENOTDIR (trailing slash), EROFS, EACCES, EBUSY."""
        place = self.names.locate(ctx, path, dirfd=fd)
        vnode = place.existing()
        if place.name in _DOTS:
            raise KernelError(Errno.EPERM, "a directory")
        access.check_remove(place.directory, vnode, ctx.cred)
        if vnode.vtype is VType.DIR:
            raise KernelError(Errno.EPERM, "a directory")
        if place.slashed:
            raise KernelError(Errno.ENOTDIR)
        place.directory.unlink(place.name, vnode)
        self.names.cache.forget(place.directory, place.name)
        note(place.directory, const.NOTE_WRITE)
        self.vfs.name_gone(vnode)
        settle(vnode.fs)

    def _rmdir(self, ctx: Context, fd: int, path: bytes) -> None:
        """Errors of namei, ENOTDIR, EINVAL for ``.``, ENOTEMPTY, EBUSY for roots, EROFS, EACCES."""
        place = self.names.locate(ctx, path, dirfd=fd)
        vnode = place.existing()
        check_root(vnode)
        if place.name in _DOTS:
            raise KernelError(Errno.EINVAL if place.name == b"." else Errno.ENOTEMPTY)
        access.check_remove(place.directory, vnode, ctx.cred)
        if vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        place.directory.rmdir(place.name, vnode)
        self.names.cache.forget(place.directory, place.name)
        note(place.directory, const.NOTE_WRITE | const.NOTE_LINK)
        self.vfs.name_gone(vnode)
        settle(vnode.fs)

    # -- renaming

    def rename(self, ctx: Context, from_path: bytes, to_path: bytes) -> None:
        self._rename(ctx, AT_FDCWD, from_path, AT_FDCWD, to_path, posix=False)

    def posix_rename(self, ctx: Context, from_path: bytes, to_path: bytes) -> None:
        self._rename(ctx, AT_FDCWD, from_path, AT_FDCWD, to_path, posix=True)

    def renameat(self, ctx: Context, fromfd: int, from_path: bytes, tofd: int, to_path: bytes) -> None:
        self._rename(ctx, fromfd, from_path, tofd, to_path, posix=False)

    def _rename(self, ctx: Context, fromfd: int, from_path: bytes, tofd: int, to_path: bytes, *, posix: bool) -> None:
        """Errors of namei; EINVAL for ``.``, ``..`` and a directory into itself; EBUSY for roots; EXDEV; ENOTEMPTY;
        ENOTDIR; EISDIR; EROFS; EACCES; EPERM.

        Two names of one file: rename(2) takes the old one away, POSIX leaves both.
        """
        source = self.names.locate(ctx, from_path, dirfd=fromfd)
        vnode = source.existing()
        target = self.names.locate(ctx, to_path, dirfd=tofd)
        replaced = target.vnode
        check_rename(source, target, vnode)
        if replaced is vnode and vnode.fs.folds_names and source.name != target.name:
            replaced = target.vnode = None  # a new spelling of its only name
        if replaced is vnode:
            same = source.directory is target.directory and source.name == target.name
            if not posix and not same:
                self._unlink(ctx, fromfd, from_path)
            return
        self._check_rights(ctx, source, target, vnode)
        source.directory.rename(source.name, vnode, target.directory, target.name, replaced)
        self.names.cache.forget(source.directory, source.name)
        self.names.cache.forget(target.directory, target.name)
        if vnode.vtype is VType.DIR:
            self.names.cache.forget_directory(vnode)
        note(vnode, const.NOTE_RENAME)
        for directory in {source.directory, target.directory}:
            note(directory, const.NOTE_WRITE)
        if replaced is not None:
            self.vfs.name_gone(replaced)
        settle(vnode.fs)

    def _check_rights(self, ctx: Context, source: Place, target: Place, vnode: Vnode) -> None:
        access.check_remove(source.directory, vnode, ctx.cred)
        if target.vnode is not None:
            access.check_remove(target.directory, target.vnode, ctx.cred)
        else:
            access.check(target.directory, ctx.cred, access.WRITE | access.EXEC)
        check_kinds(vnode, target.vnode)
        if vnode.vtype is VType.DIR and source.directory is not target.directory:
            access.check(vnode, ctx.cred, access.WRITE)


def check_length(place: Place) -> None:
    """ENAMETOOLONG."""
    if len(place.name) > place.directory.fs.name_max:
        raise KernelError(Errno.ENAMETOOLONG)


def check_root(vnode: Vnode) -> None:
    """EBUSY for the root of a mount."""
    if vnode is vnode.fs.mount.root:
        raise KernelError(Errno.EBUSY, "the root of a file system")


def check_rename(source: Place, target: Place, vnode: Vnode) -> None:
    """Where the names are; permissions and kinds come after it."""
    replaced = target.vnode
    if target.overlaid:
        raise KernelError(Errno.EOPNOTSUPP)
    for place in (source, target):
        if place.vnode is not None:
            check_root(place.vnode)
        if place.name in _DOTS:
            raise KernelError(Errno.EINVAL)
    if source.directory.fs is not target.directory.fs:
        raise KernelError(Errno.EXDEV)
    directory = vnode.vtype is VType.DIR
    if not directory and (source.slashed or target.slashed):
        raise KernelError(Errno.ENOTDIR)
    check_length(target)
    if directory and is_under(target.directory, vnode):
        raise KernelError(Errno.EINVAL, "a directory does not go into itself")
    over = replaced is not None and replaced is not vnode and replaced.vtype is VType.DIR
    if over and is_under(source.directory, replaced):
        raise KernelError(Errno.ENOTEMPTY)


def check_kinds(vnode: Vnode, replaced: Vnode | None) -> None:
    """A directory replaces only a directory, anything else none."""
    if replaced is None:
        return
    if replaced.vtype is VType.DIR and vnode.vtype is not VType.DIR:
        raise KernelError(Errno.EISDIR)
    if replaced.vtype is not VType.DIR and vnode.vtype is VType.DIR:
        raise KernelError(Errno.ENOTDIR)


def is_under(directory: Vnode, ancestor: Vnode | None) -> bool:
    """Whether a directory is another one or below it, on one file system. EIO where it has no end."""
    root = directory.fs.mount.root
    for _ in range(DEPTH_MAX):
        if directory is ancestor:
            return True
        if directory is root:
            return False
        directory = directory.parent()
    raise KernelError(Errno.EIO, "directories without end")

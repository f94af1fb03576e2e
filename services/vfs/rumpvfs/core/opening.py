"""open(2): from a path and flags to an open file."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from rumpuser.component import Context
from rumpuser.kauth import Action, permitted
from rumpuser.pending import value_of
from rumpuser.run import elsewhere
from rumpvfs.core import access, acl
from rumpvfs.core.etfs import HostVnode
from rumpvfs.core.fifo import FifoFile
from rumpvfs.core.file import OpenFile, truncate
from rumpvfs.core.locking import Locking
from rumpvfs.core.mount import hold, release, settle
from rumpvfs.core.namei import Place
from rumpvfs.core.notes import note
from rumpvfs.core.specfs import open_device
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import NewNode, Vnode, VType
from rumpwire import const
from rumpwire.const import AT_FDCWD, O_ACCMODE, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_REGULAR, O_TRUNC
from rumpwire.errno import Errno, KernelError

LOCKED = const.O_EXLOCK | const.O_SHLOCK
_SPECIAL = O_CREAT | O_TRUNC | O_DIRECTORY | O_NOFOLLOW | LOCKED
_WANT = (access.READ, access.WRITE, access.READ | access.WRITE)

Opened = int | Coroutine[Any, Any, int]


class Opening:
    """The calls that open by path."""

    def __init__(self, vfs: Vfs, locking: Locking) -> None:
        self.vfs = vfs
        self.locking = locking

    def open(self, ctx: Context, path: bytes, flags: int, mode: int | None) -> Opened:
        return self.openat(ctx, AT_FDCWD, path, flags, mode)

    def openat(self, ctx: Context, fd: int, path: bytes, oflags: int, mode: int | None) -> Opened:
        """A handle.

        EINVAL, errors of namei, EEXIST, EISDIR, ENOTDIR, EFTYPE (O_NOFOLLOW on a link, O_REGULAR on what is no regular
        file), EROFS, EACCES, EOPNOTSUPP (sockets), ENXIO, ENOSPC; with O_SHLOCK or O_EXLOCK EAGAIN, ENOLCK.
        """
        vfs = self.vfs
        if not oflags & _SPECIAL:
            vnode = vfs.names.lookup(ctx, path, dirfd=fd)
            return self.opened(ctx, vnode, oflags)
        if oflags & O_ACCMODE == O_ACCMODE or oflags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY:
            raise KernelError(Errno.EINVAL)
        if oflags & LOCKED:
            return self.locked(ctx, self.openat(ctx, fd, path, oflags & ~LOCKED, mode), oflags)
        if oflags & O_CREAT:
            vnode, fresh = self._find_or_create(ctx, fd, path, oflags, mode)
            return self._installed(ctx, vnode, oflags) if fresh else self.opened(ctx, vnode, oflags)
        vnode = vfs.names.lookup(ctx, path, dirfd=fd, follow=not oflags & O_NOFOLLOW)
        return self.opened(ctx, vnode, oflags)

    async def locked(self, ctx: Context, opened: Opened, flags: int) -> int:
        """O_SHLOCK and O_EXLOCK: an open file that is locked from the start. EAGAIN with O_NONBLOCK, EINTR, ENOLCK."""
        handle = opened if isinstance(opened, int) else await opened
        if handle < 0:
            return handle  # a descriptor, which is locked with flock
        try:
            exclusive, wait = bool(flags & const.O_EXLOCK), not flags & const.O_NONBLOCK
            waiting = self.locking.lock(ctx, handle, exclusive=exclusive, wait=wait)
            if waiting is not None:
                await waiting
        except BaseException:
            file = self.vfs.take_file(handle)
            self.locking.closed(ctx, file)
            await value_of(file.close(ctx))
            raise
        return handle

    def _find_or_create(self, ctx: Context, fd: int, path: bytes, flags: int, mode: int | None) -> tuple[Vnode, bool]:
        names = self.vfs.names
        follow = not flags & (O_EXCL | O_NOFOLLOW)
        place = names.locate_followed(ctx, path, dirfd=fd) if follow else names.locate(ctx, path, dirfd=fd)
        if place.vnode is None:
            if place.slashed or place.name in (b".", b".."):
                raise KernelError(Errno.EISDIR)
            return self.create(ctx, place, VType.REG, 0o666 if mode is None else mode), True
        if flags & O_EXCL:
            raise KernelError(Errno.EEXIST)
        if place.slashed and place.vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        if place.vnode.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        return place.vnode, False

    def create(self, ctx: Context, place: Place, vtype: VType, mode: int, rdev: int = 0, target: bytes = b"") -> Vnode:
        """Makes a file at a vacant place: owner is the effective user, group that of the directory.

        Where the directory has a default access list, that stands in for the umask.

        ENAMETOOLONG, EROFS, EACCES, and what the driver's ``create`` raises.
        """
        directory, cred = place.directory, ctx.cred
        if len(place.name) > directory.fs.name_max:
            raise KernelError(Errno.ENAMETOOLONG)
        access.check(directory, cred, access.WRITE | access.EXEC)
        gid = directory.owner()[2]
        mode &= 0o7777
        default = directory.acl(default=True) if vtype is not VType.LNK else None
        list_ = None
        if default is not None:
            mode, list_ = acl.inherited(default, mode)
        else:
            mode &= ~ctx.umask
        if vtype is not VType.DIR and not permitted(cred, Action.VNODE_ADMIN):
            mode &= ~const.S_ISVTX
            if mode & const.S_ISGID and not access.member(cred, gid):
                mode &= ~const.S_ISGID
        inherited = default if vtype is VType.DIR else None
        vnode = directory.create(place.name, NewNode(vtype, mode, cred.euid, gid, rdev, target, list_, inherited))
        if directory.fs.cache_names:
            self.vfs.names.cache.forget(directory, place.name)
        note(directory, const.NOTE_WRITE | (const.NOTE_LINK if vtype is VType.DIR else 0))
        settle(directory.fs)
        return vnode

    # -- an existing file

    def opened(self, ctx: Context, vnode: Vnode, flags: int) -> Opened:
        """Opens what is there already, with all checks.

        The name of a descriptor is the gateway's to open: -1 - N for descriptor N of the caller.
        """
        vtype = vnode.vtype
        mode = flags & O_ACCMODE
        if mode == O_ACCMODE:
            raise KernelError(Errno.EINVAL)
        if vnode.descriptor is not None and not flags & (O_DIRECTORY | O_REGULAR):
            return -1 - vnode.descriptor
        if vtype is VType.LNK:
            raise KernelError(Errno.EFTYPE, "a symbolic link, and O_NOFOLLOW")
        if vtype is VType.SOCK:
            raise KernelError(Errno.EOPNOTSUPP, "sockets are not opened but connected to")
        if flags & O_DIRECTORY and vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        if flags & O_REGULAR and vtype is not VType.REG:
            raise KernelError(Errno.EFTYPE, "no regular file, and O_REGULAR")
        want = _WANT[mode]
        if flags & O_TRUNC:
            want |= access.WRITE
        if want & access.WRITE and vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        if want != access.READ or not access.superuser(ctx.cred):
            self._check(ctx, vnode, want, flags)
        if flags & O_TRUNC and vtype is VType.REG:
            access.check_flags(vnode, access.APPEND)
            truncate(vnode, 0)
        return self._installed(ctx, vnode, flags)

    def _check(self, ctx: Context, vnode: Vnode, want: int, flags: int) -> None:
        access.check(vnode, ctx.cred, want)
        if want & access.WRITE and not flags & const.O_APPEND:
            access.check_flags(vnode, access.APPEND)

    def _installed(self, ctx: Context, vnode: Vnode, flags: int) -> Opened:
        vtype = vnode.vtype
        if vtype is VType.REG or vtype is VType.DIR:
            vnode.opening(write=flags & O_ACCMODE != const.O_RDONLY)
            return self.vfs.install(self.vfs.open_data(vnode, flags))
        if vtype is VType.FIFO:
            return self._fifo(ctx, vnode, flags)
        if vnode.fs.mount.flags & const.MNT_NODEV:
            raise KernelError(Errno.ENXIO, "the mount allows no devices")
        if isinstance(vnode, HostVnode):
            return self.vfs.install(self.vfs.open_data(vnode, flags))
        rdev = vnode.getattr().st_rdev
        if vtype is VType.CHR and const.major(rdev) in (const.MAJOR_BPF, const.MAJOR_TAP, const.MAJOR_TUN):
            return elsewhere(rdev)
        return self._device(ctx, vnode, flags)

    def _fifo(self, ctx: Context, vnode: Vnode, flags: int) -> Opened:
        file = FifoFile(vnode, flags, self.vfs.fifos, self.vfs.host)
        return self._meet(ctx, file) if file.alone else self.vfs.install(file)

    async def _meet(self, ctx: Context, file: FifoFile) -> int:
        await file.meet(ctx)
        return self.vfs.install(file)

    async def _device(self, ctx: Context, vnode: Vnode, flags: int) -> int:
        hold(vnode)
        try:
            file: OpenFile = await open_device(self.vfs.bus, ctx, vnode, flags)
        finally:
            release(vnode)
        return self.vfs.install(file)

"""Calls that read and change attributes: stat, access, chmod, chown, chflags, utimes, truncate, pathconf and kin."""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize, permitted
from rumpvfs.core import access
from rumpvfs.core.file import truncate
from rumpvfs.core.mount import settle
from rumpvfs.core.namei import TARGET_MAX
from rumpvfs.core.notes import note
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire import const
from rumpwire.const import AT_FDCWD, AT_SYMLINK_NOFOLLOW
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Timespec

_LIMITS = {
    const.PC_LINK_MAX: 32767,
    const.PC_MAX_CANON: 255,
    const.PC_MAX_INPUT: 255,
    const.PC_PATH_MAX: const.PATH_MAX,
    const.PC_PIPE_BUF: const.PIPE_BUF,
    const.PC_CHOWN_RESTRICTED: 1,
    const.PC_NO_TRUNC: 1,
    const.PC_VDISABLE: 255,
    const.PC_SYNC_IO: 1,
    const.PC_FILESIZEBITS: 64,
    const.PC_SYMLINK_MAX: TARGET_MAX,
    const.PC_2_SYMLINKS: 1,
}


class Attributes:
    """The calls on attributes, by path and by handle."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs
        self.names = vfs.names

    def _at(self, ctx: Context, fd: int, path: bytes, flag: int) -> Vnode:
        if flag & ~AT_SYMLINK_NOFOLLOW:
            raise KernelError(Errno.EINVAL)
        return self.names.lookup(ctx, path, dirfd=fd, follow=not flag)

    def _open(self, handle: int) -> Vnode:
        return self.vfs.file(handle).vnode

    # -- reading

    def stat(self, ctx: Context, path: bytes) -> Stat:
        return self.vfs.stat(self.names.lookup(ctx, path))

    def lstat(self, ctx: Context, path: bytes) -> Stat:
        return self.vfs.stat(self.names.lookup(ctx, path, follow=False))

    def fstatat(self, ctx: Context, fd: int, path: bytes, flag: int) -> Stat:
        return self.vfs.stat(self._at(ctx, fd, path, flag))

    def fstat(self, ctx: Context, fd: int) -> Stat:
        return self.vfs.stat(self._open(fd))

    def access(self, ctx: Context, path: bytes, flags: int) -> None:
        self.faccessat(ctx, AT_FDCWD, path, flags, 0)

    def faccessat(self, ctx: Context, fd: int, path: bytes, amode: int, flag: int) -> None:
        """By the real ids, with AT_EACCESS by the effective ones. EINVAL, errors of namei, EROFS, EACCES."""
        if amode & ~7 or flag & ~(const.AT_EACCESS | AT_SYMLINK_NOFOLLOW):
            raise KernelError(Errno.EINVAL)
        cred = ctx.cred
        if not flag & const.AT_EACCESS:
            cred = cred._replace(euid=cred.uid, egid=cred.gid)
        ctx = Context(ctx.pid, cred, ctx.cwd, ctx.root, ctx.umask)
        vnode = self._at(ctx, fd, path, flag & AT_SYMLINK_NOFOLLOW)
        if amode:
            access.check(vnode, cred, amode)

    def pathconf(self, ctx: Context, path: bytes, name: int) -> int:
        return _limit(self.names.lookup(ctx, path), name)

    def fpathconf(self, ctx: Context, fd: int, name: int) -> int:
        return _limit(self._open(fd), name)

    # -- mode

    def chmod(self, ctx: Context, path: bytes, mode: int) -> None:
        change_mode(ctx, self.names.lookup(ctx, path), mode)

    def lchmod(self, ctx: Context, path: bytes, mode: int) -> None:
        change_mode(ctx, self.names.lookup(ctx, path, follow=False), mode)

    def fchmodat(self, ctx: Context, fd: int, path: bytes, mode: int, flag: int) -> None:
        change_mode(ctx, self._at(ctx, fd, path, flag), mode)

    def fchmod(self, ctx: Context, fd: int, mode: int) -> None:
        change_mode(ctx, self._open(fd), mode)

    # -- owner

    def chown(self, ctx: Context, path: bytes, uid: int, gid: int) -> None:
        change_owner(ctx, self.names.lookup(ctx, path), uid, gid)

    def lchown(self, ctx: Context, path: bytes, uid: int, gid: int) -> None:
        change_owner(ctx, self.names.lookup(ctx, path, follow=False), uid, gid)

    def fchownat(self, ctx: Context, fd: int, path: bytes, owner: int, group: int, flag: int) -> None:
        change_owner(ctx, self._at(ctx, fd, path, flag), owner, group)

    def fchown(self, ctx: Context, fd: int, uid: int, gid: int) -> None:
        change_owner(ctx, self._open(fd), uid, gid)

    def posix_chown(self, ctx: Context, path: bytes, uid: int, gid: int) -> None:
        change_owner(ctx, self.names.lookup(ctx, path), uid, gid, posix=True)

    def posix_lchown(self, ctx: Context, path: bytes, uid: int, gid: int) -> None:
        change_owner(ctx, self.names.lookup(ctx, path, follow=False), uid, gid, posix=True)

    def posix_fchown(self, ctx: Context, fd: int, uid: int, gid: int) -> None:
        change_owner(ctx, self._open(fd), uid, gid, posix=True)

    # -- flags

    def chflags(self, ctx: Context, path: bytes, flags: int) -> None:
        change_flags(ctx, self.names.lookup(ctx, path), flags)

    def lchflags(self, ctx: Context, path: bytes, flags: int) -> None:
        change_flags(ctx, self.names.lookup(ctx, path, follow=False), flags)

    def fchflags(self, ctx: Context, fd: int, flags: int) -> None:
        change_flags(ctx, self._open(fd), flags)

    # -- times

    def utimes(self, ctx: Context, path: bytes, atime: Timespec | None, mtime: Timespec | None) -> None:
        self._times(ctx, self.names.lookup(ctx, path), atime, mtime)

    def lutimes(self, ctx: Context, path: bytes, atime: Timespec | None, mtime: Timespec | None) -> None:
        self._times(ctx, self.names.lookup(ctx, path, follow=False), atime, mtime)

    def utimensat(
        self, ctx: Context, fd: int, path: bytes, atime: Timespec | None, mtime: Timespec | None, flag: int
    ) -> None:
        self._times(ctx, self._at(ctx, fd, path, flag), atime, mtime)

    def futimes(self, ctx: Context, fd: int, atime: Timespec | None, mtime: Timespec | None) -> None:
        self._times(ctx, self._open(fd), atime, mtime)

    def _times(self, ctx: Context, vnode: Vnode, atime: Timespec | None, mtime: Timespec | None) -> None:
        """Absent times are now. The owner sets any (EPERM), who may write sets both to now (EACCES)."""
        times = [nanoseconds(t, self.vfs.host.realtime_ns) for t in (atime, mtime)]
        if times == [None, None]:
            return
        if all(t is None or t.tv_nsec == const.UTIME_NOW for t in (atime, mtime)):
            if ctx.cred.euid != vnode.owner()[1]:
                access.check(vnode, ctx.cred, access.WRITE)
        else:
            access.check_owner(vnode, ctx.cred)
        access.check_mount(vnode)
        access.check_flags(vnode, access.IMMUTABLE)
        vnode.setattr(Changes(atime_ns=times[0], mtime_ns=times[1]))
        note(vnode, const.NOTE_ATTRIB)
        settle(vnode.fs)

    # -- size

    def truncate(self, ctx: Context, path: bytes, length: int) -> None:
        """EINVAL, errors of namei, EISDIR, EROFS, EACCES, EPERM, EFBIG, ENOSPC."""
        vnode = self.names.lookup(ctx, path)
        if vnode.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        access.check(vnode, ctx.cred, access.WRITE)
        access.check_flags(vnode, access.APPEND)
        truncate(vnode, length)


def _limit(vnode: Vnode, name: int) -> int:
    """EINVAL for a name that is not known."""
    value = vnode.fs.pathconf(name)
    if value is not None:
        return value
    if name == const.PC_NAME_MAX:
        return vnode.fs.name_max
    if name not in _LIMITS:
        raise KernelError(Errno.EINVAL, f"pathconf name {name}")
    return _LIMITS[name]


def change_mode(ctx: Context, vnode: Vnode, mode: int) -> None:
    """EPERM, EROFS, EFTYPE for the sticky bit of a file that is no directory."""
    access.check_mount(vnode)
    access.check_owner(vnode, ctx.cred)
    access.check_flags(vnode, access.IMMUTABLE | access.APPEND)
    mode &= 0o7777
    if not permitted(ctx.cred, Action.VNODE_ADMIN):
        if mode & const.S_ISVTX and vnode.vtype is not VType.DIR:
            raise KernelError(Errno.EFTYPE)
        if mode & const.S_ISGID and not access.member(ctx.cred, vnode.owner()[2]):
            raise KernelError(Errno.EPERM, "not a member of the file's group")
    vnode.setattr(Changes(mode=mode))
    note(vnode, const.NOTE_ATTRIB)
    settle(vnode.fs)


def change_owner(ctx: Context, vnode: Vnode, uid: int, gid: int, *, posix: bool = False) -> None:
    """-1 leaves an id alone. EPERM, EROFS, EINVAL.

    The set-id bits: chown(2) clears those of the ids that it was given; the POSIX calls clear both, unless the caller
    is the superuser.
    """
    cred = ctx.cred
    access.check_mount(vnode)
    mode, old_uid, old_gid = vnode.owner()
    new_uid, new_gid = (checked_id(new, old) for new, old in ((uid, old_uid), (gid, old_gid)))
    taken = new_gid != old_gid and not access.member(cred, new_gid)
    if cred.euid != old_uid or new_uid != old_uid or taken:
        authorize(ctx, Action.VNODE_CHOWN)
    access.check_flags(vnode, access.IMMUTABLE | access.APPEND)
    if posix:
        clear = 0 if permitted(cred, Action.VNODE_RETAIN_SETID) else const.S_ISUID | const.S_ISGID
    else:
        clear = (const.S_ISUID if _given(uid) else 0) | (const.S_ISGID if _given(gid) else 0)
    mode &= 0o7777
    vnode.setattr(Changes(uid=new_uid, gid=new_gid, mode=mode & ~clear if mode & clear else None))
    note(vnode, const.NOTE_ATTRIB)
    settle(vnode.fs)


def _given(new: int) -> bool:
    return new not in (-1, 0xFFFFFFFF)


def checked_id(new: int, old: int) -> int:
    """EINVAL for what is no id."""
    if not _given(new):
        return old
    if not 0 <= new <= 0xFFFFFFFF:
        raise KernelError(Errno.EINVAL)
    return new


def change_flags(ctx: Context, vnode: Vnode, flags: int) -> None:
    """EPERM, EROFS, EOPNOTSUPP. The upper half belongs to the superuser."""
    access.check_mount(vnode)
    if not vnode.fs.flags_kept:
        raise KernelError(Errno.EOPNOTSUPP, "files of this file system have no flags")
    access.check_owner(vnode, ctx.cred)
    old = vnode.getattr().st_flags
    system = old & (const.SF_IMMUTABLE | const.SF_APPEND) or (old ^ flags) & access.SUPERUSER_FLAGS
    if system:
        authorize(ctx, Action.SYSTEM_CHSYSFLAGS)
    vnode.setattr(Changes(flags=flags & 0xFFFFFFFF))
    note(vnode, const.NOTE_ATTRIB)
    settle(vnode.fs)


def nanoseconds(time: Timespec | None, now: Callable[[], int]) -> int | None:
    """None for a time that stays. EINVAL."""
    if time is None or time.tv_nsec == const.UTIME_NOW:
        return now()
    if time.tv_nsec == const.UTIME_OMIT:
        return None
    if not 0 <= time.tv_nsec < 1_000_000_000 or abs(time.tv_sec) > 9_000_000_000:
        raise KernelError(Errno.EINVAL)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec

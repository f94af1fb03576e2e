"""Open files: what a handle of vfs stands for.

`OpenFile` is what is the same for all kinds: flags, the offset that all descriptors of one description share, and the
refusals; `DataFile` serves regular files and directories. Fifos and devices have their own (`fifo`, `specfs`).
Methods that may have to wait return a coroutine instead of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, permitted
from rumpuser.readiness import Measure, Selectable, Selinfo
from rumpvfs.core.access import APPEND, check_mount
from rumpvfs.core.mount import hold, release, settle
from rumpvfs.core.namei import below_union
from rumpvfs.core.notes import note, notes_of
from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Dirent, FcntlResult, IoctlArgs, IoctlArgsInteger, IoctlResult

IO_MAX = 64 << 20
"""One read gives at most this much; a file may be a hole of any size."""
OFFSET_MAX = (1 << 63) - 1
SETTABLE = (
    const.O_APPEND | const.O_NONBLOCK | const.O_ASYNC | const.O_SYNC | const.O_DSYNC | const.O_RSYNC | const.O_DIRECT
)
SHOWN = const.O_ACCMODE | SETTABLE | const.O_NOSIGPIPE


class OpenFile(Selectable):
    """An open file description.

    ``unsafe``: something was written that no fsync has made safe. ``failed``: that was so when the vfs before this one
    ended. Each fsync tells it until something is written again, so that one whose answer was lost can be repeated.
    """

    __slots__ = ("failed", "flags", "offset", "readable", "told", "unsafe", "vnode", "writable")

    seekable = False

    def __init__(self, vnode: Vnode, flags: int) -> None:
        self.vnode = hold(vnode)
        self.flags = flags
        self.offset = 0
        self.unsafe = self.failed = self.told = False
        mode = flags & const.O_ACCMODE
        self.readable = mode != const.O_WRONLY
        self.writable = mode != const.O_RDONLY

    def close(self, ctx: Context) -> Any:
        release(self.vnode)

    # -- data

    def read(self, ctx: Context, length: int) -> Any:
        raise KernelError(Errno.EOPNOTSUPP)

    def write(self, ctx: Context, data: Buffer) -> Any:
        raise KernelError(Errno.EOPNOTSUPP)

    def pread(self, ctx: Context, length: int, offset: int) -> Any:
        raise KernelError(Errno.ESPIPE)

    def pwrite(self, ctx: Context, data: Buffer, offset: int) -> Any:
        raise KernelError(Errno.ESPIPE)

    def seek(self, ctx: Context, offset: int, whence: int) -> Any:
        raise KernelError(Errno.ESPIPE)

    def truncate(self, length: int) -> None:
        raise KernelError(Errno.EINVAL)

    def getdents(self, count: int) -> list[Dirent]:
        raise KernelError(Errno.ENOTDIR)

    def sync(self, *, data_only: bool) -> Any:
        """EIO, also when what was written before may be lost."""
        self.vnode.fsync(data_only=data_only)
        if self.failed:
            self.told = True
            raise KernelError(Errno.EIO, "what was written before vfs ended may be lost", "vfs")
        self.unsafe = False

    def written(self) -> None:
        """What is to be written is not safe. Who writes after he was told that something may be lost has seen to it."""
        self.unsafe = True
        if self.told:
            self.failed = self.told = False

    # -- control

    def available(self) -> int:
        """FIONREAD."""
        return 0

    def fcntl(self, ctx: Context, cmd: int, arg: int) -> Any:
        if cmd == const.F_GETFL:
            return FcntlResult(self.flags & SHOWN)
        if cmd == const.F_SETFL:
            self.flags = self.flags & ~SETTABLE | arg & SETTABLE
            return FcntlResult(0)
        if cmd == const.F_GETNOSIGPIPE:
            return FcntlResult(int(bool(self.flags & const.O_NOSIGPIPE)))
        if cmd == const.F_SETNOSIGPIPE:
            self.flags = self.flags | const.O_NOSIGPIPE if arg else self.flags & ~const.O_NOSIGPIPE
            return FcntlResult()
        raise KernelError(Errno.EINVAL, f"fcntl command {cmd}")

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        if com == const.FIONREAD:
            return IoctlResult(0, IoctlArgsInteger(self.available()))
        if com == const.FIONBIO:
            on = isinstance(data, IoctlArgsInteger) and data.integer
            self.flags = self.flags | const.O_NONBLOCK if on else self.flags & ~const.O_NONBLOCK
            return IoctlResult()
        if com == const.FIOASYNC:
            return IoctlResult()
        raise KernelError(Errno.ENOTTY)

    def need_read(self) -> None:
        if not self.readable:
            raise KernelError(Errno.EBADF, "not open for reading")

    def need_write(self) -> None:
        if not self.writable:
            raise KernelError(Errno.EBADF, "not open for writing")


class DataFile(OpenFile):
    """A regular file or a directory.

    ``append_only``: the file had an append-only flag when it was opened. ``below``: how many directories have been read
    to their ends, of those that MNT_UNION puts under one another.
    """

    __slots__ = ("append_only", "below")

    seekable = True

    def __init__(self, vnode: Vnode, flags: int) -> None:
        super().__init__(vnode, flags)
        self.below = 0
        self.append_only = bool(vnode.fs.flags_kept and self.writable and vnode.file_flags() & APPEND)

    def read(self, ctx: Context, length: int) -> Buffer:
        if not self.readable:
            raise KernelError(Errno.EBADF, "not open for reading")
        vnode = self.vnode
        if vnode.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        offset = self.offset
        data = vnode.read(offset, length if length < IO_MAX else IO_MAX)
        self.offset = offset + len(data)
        return data

    def pread(self, ctx: Context, length: int, offset: int) -> Buffer:
        self.need_read()
        if self.vnode.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        if offset < 0:
            raise KernelError(Errno.EINVAL)
        return self.vnode.read(offset, min(length, IO_MAX))

    def write(self, ctx: Context, data: Buffer) -> int:
        self.need_write()
        if self.flags & const.O_APPEND:
            self.offset = self.vnode.getattr().st_size
        count = self._put(ctx, data, self.offset)
        self.offset += count
        return count

    @property
    def selinfo(self) -> Selinfo:
        return notes_of(self.vnode).changed

    def measure(self, filter: int) -> Measure | None:
        """A file is read until its end, and counts as ready when the offset is elsewhere; it can always be written."""
        if filter == const.EVFILT_READ and self.vnode.vtype is VType.REG:
            left = self.vnode.getattr().st_size - self.offset
            return Measure(left, lowat=None if left == 0 else left)
        return super().measure(filter)

    def pwrite(self, ctx: Context, data: Buffer, offset: int) -> int:
        self.need_write()
        if offset < 0:
            raise KernelError(Errno.EINVAL)
        if self.flags & const.O_APPEND:
            offset = self.vnode.getattr().st_size
        return self._put(ctx, data, offset)

    def _put(self, ctx: Context, data: Buffer, offset: int) -> int:
        vnode = self.vnode
        check_mount(vnode)
        if offset + len(data) > OFFSET_MAX:
            raise KernelError(Errno.EFBIG)
        if offset + len(data) > ctx.fsize and vnode.vtype is VType.REG:
            raise KernelError(Errno.EFBIG, f"a file of more than {ctx.fsize} bytes (RLIMIT_FSIZE)")
        if self.append_only and offset < vnode.getattr().st_size:
            raise KernelError(Errno.EPERM, "the file is append-only")
        self.written()
        notes = vnode.base().notes
        if notes is None:
            count = vnode.write(offset, data)
        else:
            size = vnode.getattr().st_size
            count = vnode.write(offset, data)
            notes.happened(const.NOTE_WRITE | (const.NOTE_EXTEND if offset + count > size else 0))
        if count and not permitted(ctx.cred, Action.VNODE_RETAIN_SETID):
            clear_set_id(vnode)
        if self.flags & (const.O_SYNC | const.O_DSYNC) or vnode.fs.mount.flags & const.MNT_SYNCHRONOUS:
            vnode.fsync(data_only=not self.flags & const.O_SYNC)
            self.unsafe = self.failed
        return count

    def seek(self, ctx: Context, offset: int, whence: int) -> int:
        if whence == const.SEEK_SET:
            new = offset
        elif whence == const.SEEK_CUR:
            new = self.offset + offset
        elif whence == const.SEEK_END:
            new = self.vnode.getattr().st_size + offset
        elif whence in (const.SEEK_DATA, const.SEEK_HOLE):
            if offset < 0 or offset >= self.vnode.getattr().st_size:
                raise KernelError(Errno.ENXIO)
            new = self.vnode.seek(offset, hole=whence == const.SEEK_HOLE)
        else:
            raise KernelError(Errno.EINVAL)
        if new < 0:
            raise KernelError(Errno.EINVAL)
        if new > OFFSET_MAX:
            raise KernelError(Errno.EOVERFLOW)
        if new == 0:
            self.below = 0
        self.offset = new
        return new

    def truncate(self, length: int) -> None:
        if not self.writable:
            raise KernelError(Errno.EINVAL, "not open for writing")
        if self.append_only:
            raise KernelError(Errno.EPERM, "the file is append-only")
        self.written()
        truncate(self.vnode, length)

    def getdents(self, count: int) -> list[Dirent]:
        """Entries from the offset on. With MNT_UNION those of the directory below follow, without doubles."""
        self.need_read()
        if self.vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        while True:
            stack = union_stack(self.vnode)
            entries, more = self._entries(stack[: self.below + 1], count)
            if entries or more or self.below + 1 >= len(stack):
                return entries
            self.below += 1
            self.offset = 0

    def _entries(self, stack: Sequence[Vnode], count: int) -> tuple[list[Dirent], bool]:
        """Entries of the last directory that fit, and whether there are more. EINVAL when not even one fits."""
        *above, directory = stack
        entries: list[Dirent] = []
        room = count
        for cookie, fileno, vtype, name in directory.readdir(self.offset):
            if above and (name in (b".", b"..") or any(has_name(upper, name) for upper in above)):
                continue
            room -= (len(name) + 21) & ~7
            if room < 0:
                break
            entries.append(Dirent(fileno, vtype >> 12 if vtype is not None else const.DT_UNKNOWN, name, cookie))
        if entries:
            self.offset = entries[-1].d_off
        elif room < 0:
            raise KernelError(Errno.EINVAL, "the buffer holds no entry")
        return entries, room < 0

    def available(self) -> int:
        if self.vnode.vtype is VType.DIR:
            return 0
        return max(0, self.vnode.getattr().st_size - self.offset)


def union_stack(directory: Vnode) -> list[Vnode]:
    """A directory and those below it whose names are seen through it (MNT_UNION)."""
    stack = [directory]
    while (below := below_union(stack[-1])) is not None:
        stack.append(below)
    return stack


def has_name(directory: Vnode, name: bytes) -> bool:
    try:
        directory.lookup(name)
    except KernelError as error:
        if error.errno == Errno.ENOENT:
            return False
        raise
    return True


def clear_set_id(vnode: Vnode) -> None:
    """A file that somebody else than the superuser writes to is no longer set-id."""
    mode = vnode.owner()[0]
    if mode & (const.S_ISUID | const.S_ISGID):
        vnode.setattr(Changes(mode=mode & 0o7777 & ~(const.S_ISUID | const.S_ISGID)))
        note(vnode, const.NOTE_ATTRIB)


def truncate(vnode: Vnode, length: int) -> None:
    """Permissions are checked. EINVAL, EISDIR, EROFS, EFBIG."""
    if length < 0:
        raise KernelError(Errno.EINVAL)
    if vnode.vtype is VType.DIR:
        raise KernelError(Errno.EISDIR)
    if vnode.vtype is not VType.REG:
        raise KernelError(Errno.EINVAL)
    check_mount(vnode)
    grows = vnode.base().notes is not None and length > vnode.getattr().st_size
    vnode.setattr(Changes(size=length))
    note(vnode, const.NOTE_ATTRIB | (const.NOTE_EXTEND if grows else 0))
    settle(vnode.fs)


def joined(iov: Sequence[Buffer]) -> Buffer:
    """The data of a gathering write as one."""
    if len(iov) > const.IOV_MAX:
        raise KernelError(Errno.EINVAL)
    return iov[0] if len(iov) == 1 else b"".join(iov)


def total(iov: Sequence[int]) -> int:
    """The room of a scattering read. EINVAL."""
    if len(iov) > const.IOV_MAX or sum(iov) > OFFSET_MAX:
        raise KernelError(Errno.EINVAL)
    return sum(iov)

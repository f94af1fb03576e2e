"""Calls on handles of open files."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action
from rumpuser.pending import value_of
from rumpvfs.core import access
from rumpvfs.core.file import IO_MAX, OFFSET_MAX, OpenFile, joined, total
from rumpvfs.core.locking import COMMANDS, Locking
from rumpvfs.core.mount import Dead
from rumpvfs.core.namei import check_path
from rumpvfs.core.specfs import DeviceFile
from rumpvfs.core.state import Vfs
from rumpvfs.core.terminals import TERMINALS, Terminals
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Dirent, Flock, IoctlArgs


def same_file(vnode: Vnode, other: Vnode) -> bool:
    """Devices are one by their number, whichever node leads to them."""
    if vnode.base() is other.base():
        return True
    kinds = (VType.CHR, VType.BLK)
    return vnode.vtype in kinds and vnode.vtype is other.vtype and rdev_of(vnode) == rdev_of(other)


def rdev_of(vnode: Vnode) -> int:
    return -1 if isinstance(vnode, Dead) else vnode.getattr().st_rdev


class Descriptors:
    """The calls on handles; EBADF for an unknown one."""

    def __init__(self, vfs: Vfs, locking: Locking) -> None:
        self.vfs = vfs
        self.locking = locking
        self.files = vfs.files
        self.file = vfs.file
        self.recording, self.moved = vfs.recorder.on, vfs.recorder.moved
        self.terminals = Terminals(vfs)

    # -- data

    def read(self, ctx: Context, fd: int, nbyte: int) -> Any:
        file = self.file(fd)
        data = file.read(ctx, nbyte)
        if self.recording:
            self.moved(fd, file)
        return data

    def write(self, ctx: Context, fd: int, data: Buffer) -> Any:
        file = self.file(fd)
        count = file.write(ctx, data)
        if self.recording:
            self.moved(fd, file)
        return count

    def pread(self, ctx: Context, fd: int, nbyte: int, offset: int) -> Any:
        return self.file(fd).pread(ctx, nbyte, offset)

    def pwrite(self, ctx: Context, fd: int, data: Buffer, offset: int) -> Any:
        file = self.file(fd)
        return self._done(fd, file, file.pwrite(ctx, data, offset))

    def readv(self, ctx: Context, fd: int, iov: Sequence[int]) -> Any:
        return self.read(ctx, fd, total(iov))

    def writev(self, ctx: Context, fd: int, iov: Sequence[Buffer]) -> Any:
        return self.write(ctx, fd, joined(iov))

    def preadv(self, ctx: Context, fd: int, iov: Sequence[int], offset: int) -> Any:
        return self.file(fd).pread(ctx, total(iov), offset)

    def pwritev(self, ctx: Context, fd: int, iov: Sequence[Buffer], offset: int) -> Any:
        return self.pwrite(ctx, fd, joined(iov), offset)

    def lseek(self, ctx: Context, fd: int, offset: int, whence: int) -> Any:
        file = self.file(fd)
        return self._done(fd, file, file.seek(ctx, offset, whence))

    def getdents(self, ctx: Context, fd: int, count: int) -> list[Dirent]:
        file = self.file(fd)
        entries: list[Dirent] = self._done(fd, file, file.getdents(count))
        return entries

    def _done(self, fd: int, file: OpenFile, value: Any) -> Any:
        """Offset and safety of the file may have changed."""
        if self.recording:
            self.moved(fd, file)
        return value

    # -- control

    def close(self, ctx: Context, fd: int) -> Any:
        file = self.vfs.take_file(fd)
        self.locking.closed(ctx, file)
        return file.close(ctx)

    def fcntl(self, ctx: Context, fd: int, cmd: int, arg: int, lock: Flock | None) -> Any:
        if cmd in COMMANDS:
            return self.locking.fcntl(ctx, fd, cmd, lock)
        file = self.file(fd)
        result = file.fcntl(ctx, cmd, arg)
        if cmd == const.F_SETFL and self.recording:
            self.vfs.recorder.flags(fd, file)
        return result

    def ioctl(self, ctx: Context, fd: int, com: int, data: IoctlArgs | None) -> Any:
        file = self.file(fd)
        if com in TERMINALS and isinstance(file, DeviceFile):
            return self.terminals.ioctl(ctx, file, com)
        return file.ioctl(ctx, com, data)

    # -- size and storage

    def ftruncate(self, ctx: Context, fd: int, length: int) -> None:
        if length < 0:
            raise KernelError(Errno.EINVAL)
        file = self.file(fd)
        file.truncate(length)
        self._done(fd, file, None)

    def fsync(self, ctx: Context, fd: int) -> Any:
        return self._sync(fd, data_only=False)

    def _sync(self, fd: int, *, data_only: bool) -> Any:
        file = self.file(fd)
        try:
            return file.sync(data_only=data_only)
        finally:
            self._done(fd, file, None)

    def fdatasync(self, ctx: Context, fd: int) -> Any:
        """EBADF unless open for writing."""
        file = self.file(fd)
        file.need_write()
        return self._sync(fd, data_only=True)

    def fsync_range(self, ctx: Context, fd: int, flags: int, start: int, length: int) -> Any:
        """EINVAL unless it is just one of FDATASYNC and FFILESYNC, and for a bad range. The whole file is written."""
        if bool(flags & const.FDATASYNC) == bool(flags & const.FFILESYNC):
            raise KernelError(Errno.EINVAL, "either FDATASYNC or FFILESYNC")
        if start < 0 or length < 0 or start + length > OFFSET_MAX:
            raise KernelError(Errno.EINVAL)
        file = self.file(fd)
        file.need_write()
        return self._sync(fd, data_only=bool(flags & const.FDATASYNC))

    def posix_fallocate(self, ctx: Context, fd: int, pos: int, len: int) -> None:
        """EINVAL, EBADF, EFBIG, ESPIPE, ENODEV, ENOSPC, EOPNOTSUPP."""
        self._range(fd, pos, len).allocate(pos, len)

    def fdiscard(self, ctx: Context, fd: int, pos: int, len: int) -> None:
        """EINVAL, EBADF, EFBIG, ESPIPE, ENODEV, EOPNOTSUPP."""
        self._range(fd, pos, len).discard(pos, len)

    def _range(self, fd: int, pos: int, length: int) -> Any:
        file = self.file(fd)
        file.need_write()
        if pos < 0 or length <= 0:
            raise KernelError(Errno.EINVAL)
        if pos + length > OFFSET_MAX:
            raise KernelError(Errno.EFBIG)
        if file.vnode.vtype is not VType.REG:
            raise KernelError(Errno.ESPIPE if file.vnode.vtype is VType.FIFO else Errno.ENODEV)
        access.check_mount(file.vnode)
        return file.vnode

    # -- where we are

    def getcwd(self, ctx: Context, length: int) -> bytes:
        """EINVAL, ERANGE, ENOENT when the directory is removed or outside of the root directory."""
        if length == 0:
            raise KernelError(Errno.EINVAL)
        names = self.vfs.names
        path = names.path_of(names.cwd_of(ctx), names.root_of(ctx))
        if len(path) + 1 > length:
            raise KernelError(Errno.ERANGE)
        return path

    def revoke(self, ctx: Context, path: bytes) -> Any:
        """Makes all that is open on a file dead, and closes devices. Errors of namei, EPERM unless owner or root."""
        check_path(path)
        vnode = self.vfs.names.lookup(ctx, path)
        access.check_owner(vnode, ctx.cred, Action.VNODE_REVOKE)
        revoked = [file for file in self.files.values() if same_file(file.vnode, vnode)]
        self.vfs.kill(revoked)
        devices = [file for file in revoked if isinstance(file, DeviceFile)]
        return self._disconnect(ctx, devices) if devices else None

    async def _disconnect(self, ctx: Context, devices: Sequence[DeviceFile]) -> None:
        for device in devices:
            with contextlib.suppress(KernelError):  # there is nobody any more whom it would tell something
                await value_of(device.disconnect(ctx))

    def file_read(self, ctx: Context, path: bytes, offset: int, length: int) -> tuple[Buffer, int]:
        """A range of a regular file, and the file's size. Errors of namei, EISDIR, EINVAL, EACCES, EIO."""
        vnode = self.vfs.names.lookup(ctx, path)
        if vnode.vtype is not VType.REG:
            raise KernelError(Errno.EISDIR if vnode.vtype is VType.DIR else Errno.EINVAL)
        access.check(vnode, ctx.cred, access.READ)
        return vnode.read(offset, min(length, IO_MAX)), vnode.getattr().st_size

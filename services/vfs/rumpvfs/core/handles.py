"""File handles (getfh(2), fhopen(2)): a file by its mount, number and generation, without a path.

A handle is 24 bytes, big-endian: st_dev of the mount, file number, generation. It dies with its file and its mount.
"""

from __future__ import annotations

import struct

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpvfs.core.opening import LOCKED, Opened, Opening
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import FileSystem, Vnode
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

LAYOUT = struct.Struct(">QQQ")


class FileHandles:
    """The calls on file handles, all for system.filehandle (EPERM)."""

    def __init__(self, vfs: Vfs, opening: Opening) -> None:
        self.vfs = vfs
        self.opening = opening

    def getfh(self, ctx: Context, fname: bytes) -> bytes:
        """Errors of namei, EOPNOTSUPP where the file system has no handles."""
        authorize(ctx, Action.SYSTEM_FILEHANDLE)
        vnode = self.vfs.names.lookup(ctx, fname)
        if type(vnode.fs).vget is FileSystem.vget:
            raise KernelError(Errno.EOPNOTSUPP, "this file system has no file handles")
        st = vnode.getattr()
        return LAYOUT.pack(vnode.fs.dev, vnode.fileno, st.st_gen)

    def fhopen(self, ctx: Context, fhp: bytes, flags: int) -> Opened:
        """EINVAL (no handle, O_CREAT), ESTALE, and what open gives for a file that is there."""
        authorize(ctx, Action.SYSTEM_FILEHANDLE)
        if flags & const.O_CREAT:
            raise KernelError(Errno.EINVAL)
        opened = self.opening.opened(ctx, self._find(fhp), flags & ~LOCKED)
        return self.opening.locked(ctx, opened, flags) if flags & LOCKED else opened

    def fhstat(self, ctx: Context, fhp: bytes) -> Stat:
        """EINVAL, ESTALE."""
        authorize(ctx, Action.SYSTEM_FILEHANDLE)
        return self.vfs.stat(self._find(fhp))

    def fhstatvfs1(self, ctx: Context, fhp: bytes, flags: int) -> Statvfs:
        """EINVAL, ESTALE."""
        authorize(ctx, Action.SYSTEM_FILEHANDLE)
        return self._find(fhp).fs.mount.statvfs()

    def _find(self, handle: bytes) -> Vnode:
        """EINVAL for what cannot be a handle, ESTALE for one of a mount or file that is gone, EOPNOTSUPP."""
        if len(handle) != LAYOUT.size:
            raise KernelError(Errno.EINVAL, f"a file handle has {LAYOUT.size} bytes, not {len(handle)}")
        dev, fileno, generation = LAYOUT.unpack(handle)
        for mount in self.vfs.mounts.list:
            if mount.dev == dev:
                if mount.fs.gates:
                    self.vfs.gates.enter(mount.fs.gates)
                if mount.dead:
                    break
                return mount.fs.vget(fileno, generation)
        raise KernelError(Errno.ESTALE, "its file system is not mounted any more")

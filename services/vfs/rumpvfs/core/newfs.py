"""newfs over the contract: a new file system on a block device, empty or with the tree of a directory in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpvfs.core import access
from rumpvfs.core.autoload import find_type
from rumpvfs.core.copying import copy_tree
from rumpvfs.core.disks import Disks
from rumpvfs.core.mount import hold, release
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import BlockDevice, FileSystemType, NewfsRequest, Vnode, VType
from rumpwire.errno import Errno, KernelError

MAX_OPTIONS = 64
MAX_OPTION = 4096
"""Bytes of one option, name and value."""


class Newfs:
    """The call newfs."""

    def __init__(self, vfs: Vfs, disks: Disks) -> None:
        self.vfs = vfs
        self.disks = disks

    def newfs(self, ctx: Context, type: str, fspec: bytes, options: Mapping[str, str], source: bytes) -> Any:
        """How many bytes of the device are in use.

        EPERM; EINVAL (no device, too many options); errors of namei and ENOTDIR (source); ENODEV (type); EOPNOTSUPP
        when it cannot be made, or not with such files; ENOTBLK, ENXIO, EBUSY (device); and the driver's own: EINVAL,
        ENOSPC, EROFS, EIO.
        """
        authorize(ctx, Action.SYSTEM_NEWFS)
        if not fspec:
            raise KernelError(Errno.EINVAL, "newfs needs a device")
        if len(options) > MAX_OPTIONS or any(len(n) + len(v) > MAX_OPTION for n, v in options.items()):
            raise KernelError(Errno.EINVAL, f"more than {MAX_OPTIONS} options, or one of more than {MAX_OPTION} bytes")
        self.vfs.gates.enter()  # the disk may be one that has to be waited for
        return self._newfs(ctx, type, fspec, options, source)

    async def _newfs(self, ctx: Context, type: str, fspec: bytes, options: Mapping[str, str], source: bytes) -> int:
        tree = hold(self._source(ctx, source)) if source else None
        try:
            kind = await find_type(self.vfs, type)
            return await self._make(ctx, kind, fspec, dict(options), tree)
        finally:
            if tree is not None:
                release(tree)

    def _source(self, ctx: Context, path: bytes) -> Vnode:
        vnode = self.vfs.names.lookup(ctx, path)
        if vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        access.check(vnode, ctx.cred, access.READ | access.EXEC)
        return vnode

    async def _make(
        self, ctx: Context, kind: FileSystemType, fspec: bytes, options: dict[str, str], tree: Vnode | None
    ) -> int:
        if kind.newfs is None:
            raise KernelError(Errno.EOPNOTSUPP, f"{kind.name} cannot be made, only mounted")
        device = await self.disks.open(ctx, fspec, readonly=False)
        self.vfs.environment.cred = ctx.cred  # others were called for meanwhile
        try:
            used = kind.newfs(NewfsRequest(device, options, tree), self.vfs.environment)
            if tree is not None and not kind.newfs_fills:
                self._fill(kind, device, tree)
            device.flush()
        finally:
            device.close()
        return used

    def _fill(self, kind: FileSystemType, device: BlockDevice, tree: Vnode) -> None:
        """Copies a tree into a new file system, through a mount that nobody else sees."""
        mount = self.vfs.mounts.aside(kind, device)
        failed = True
        try:
            copy_tree(tree, mount.root)
            mount.fs.sync()
            failed = False
        finally:
            mount.fs.unmount(force=failed)

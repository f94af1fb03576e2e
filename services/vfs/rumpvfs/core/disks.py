"""Block devices under file systems: found by path, opened for one mount (or newfs) at a time."""

from __future__ import annotations

from rumpuser.component import Context
from rumpvfs.core.blkfail import Faults, FaultyDisk
from rumpvfs.core.disk import HostDisk
from rumpvfs.core.etfs import HostVnode, disk_of
from rumpvfs.core.mount import hold, release
from rumpvfs.core.specfs import map_disk
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import BlockDevice, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError


class Disks:
    """The block devices that are in use."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs
        self.faults = Faults.from_parameters(vfs.parameters.extra, vfs.host.entropy)
        if self.faults is not None:
            vfs.environment.log(f"RUMP_BLKFAIL: {self.faults.rate} of 10000, RUMP_BLKFAIL_SEED={self.faults.seed}")
        self._used: set[Vnode] = set()

    async def open(self, ctx: Context, fspec: bytes, *, readonly: bool) -> BlockDevice:
        """The disk of a path; ``close`` gives it back. Errors of namei, ENOTBLK, ENXIO, EBUSY while it is in use."""
        vnode = self.vfs.names.lookup(ctx, fspec)
        if vnode.vtype is not VType.BLK:
            raise KernelError(Errno.ENOTBLK, f"{fspec.decode(errors='replace')} is no block device")
        if vnode.fs.mount.flags & const.MNT_NODEV:
            raise KernelError(Errno.ENXIO)
        if vnode in self._used:
            raise KernelError(Errno.EBUSY, "the device is mounted already")
        name = fspec.decode(errors="replace")
        hold(vnode)
        self._used.add(vnode)
        try:
            disk = await self._open(ctx, vnode, name, readonly=readonly)
        except BaseException:
            self._let_go(vnode)
            raise
        disk.when_closed(lambda: self._let_go(vnode))
        return disk if self.faults is None else FaultyDisk(disk, self.faults)

    async def _open(self, ctx: Context, vnode: Vnode, name: str, *, readonly: bool) -> HostDisk:
        if isinstance(vnode, HostVnode):
            return disk_of(vnode, name, readonly=readonly)
        rdev = vnode.getattr().st_rdev
        return await map_disk(self.vfs.bus, ctx, self.vfs.host.files, rdev, name, readonly=readonly)

    def _let_go(self, vnode: Vnode) -> None:
        self._used.discard(vnode)
        release(vnode)

"""mount(2), unmount(2), statvfs(2), sync(2), and the devices under mounts."""

from __future__ import annotations

from rumpuser.component import Context
from rumpvfs.core.disk import HostDisk
from rumpvfs.core.etfs import HostVnode, disk_of
from rumpvfs.core.mount import Mount, hold, release
from rumpvfs.core.specfs import map_disk
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import BlockDevice, FileSystemType, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import MountArgs, Statvfs, TmpfsArgs


class Mounting:
    """The calls on mounts."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs
        self.mounts = vfs.mounts
        self._disks: set[Vnode] = set()

    async def mount(self, ctx: Context, type: str, path: bytes, flags: int, data: MountArgs | None) -> None:
        """EPERM, errors of namei, ENODEV (type), ENOTDIR, EBUSY, EINVAL, ENOTBLK, ENXIO, and the driver's own."""
        superuser(ctx)
        if flags & (const.MNT_GETARGS | const.MNT_RELOAD | const.MNT_UNION):
            raise KernelError(Errno.EOPNOTSUPP, "MNT_GETARGS, MNT_RELOAD and MNT_UNION are not implemented")
        covered = self.vfs.names.lookup(ctx, path)
        if flags & const.MNT_UPDATE:
            self.mounts.update(mount_at(covered), flags)
            return
        kind = self.mounts.type(type)
        if covered.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        if covered is self.vfs.names.root:
            raise KernelError(Errno.EBUSY, "the root is mounted")
        hold(covered)  # finding the device may take a while
        try:
            device, source = await self._device(ctx, kind, flags, data)
            try:
                if covered.mounted is not None:
                    raise KernelError(Errno.EBUSY)
                full = self.vfs.names.path_of(covered, self.vfs.names.root)
                self.mounts.attach(
                    kind, covered, full, flags, device=device, source=source, args=data, owner=ctx.cred.euid
                )
            except BaseException:
                if device is not None:
                    device.close()
                raise
        finally:
            release(covered)

    async def _device(
        self, ctx: Context, kind: FileSystemType, flags: int, data: MountArgs | None
    ) -> tuple[BlockDevice | None, bytes]:
        """The disk that the arguments name. EINVAL, errors of namei, ENOTBLK, EBUSY, ENXIO."""
        fspec = b"" if data is None or isinstance(data, TmpfsArgs) else data.fspec
        if not kind.needs_device:
            return None, fspec or kind.name.encode()
        if not fspec:
            raise KernelError(Errno.EINVAL, f"{kind.name} needs a device (fspec)")
        vnode = self.vfs.names.lookup(ctx, fspec)
        if vnode.vtype is not VType.BLK:
            raise KernelError(Errno.ENOTBLK, f"{fspec.decode(errors='replace')} is no block device")
        if vnode.fs.mount.flags & const.MNT_NODEV:
            raise KernelError(Errno.ENXIO)
        if vnode in self._disks:
            raise KernelError(Errno.EBUSY, "the device is mounted already")
        return await self._disk(ctx, vnode, fspec, readonly=bool(flags & const.MNT_RDONLY)), fspec

    async def _disk(self, ctx: Context, vnode: Vnode, fspec: bytes, *, readonly: bool) -> BlockDevice:
        name = fspec.decode(errors="replace")
        hold(vnode)
        self._disks.add(vnode)
        try:
            disk = await self._open_disk(ctx, vnode, name, readonly=readonly)
        except BaseException:
            self._let_go(vnode)
            raise
        disk.when_closed(lambda: self._let_go(vnode))
        return disk

    async def _open_disk(self, ctx: Context, vnode: Vnode, name: str, *, readonly: bool) -> HostDisk:
        if isinstance(vnode, HostVnode):
            return disk_of(vnode, name, readonly=readonly)
        rdev = vnode.getattr().st_rdev
        return await map_disk(self.vfs.bus, ctx, self.vfs.host.files, rdev, name, readonly=readonly)

    def _let_go(self, vnode: Vnode) -> None:
        self._disks.discard(vnode)
        release(vnode)

    def unmount(self, ctx: Context, path: bytes, flags: int) -> None:
        """EPERM, errors of namei, EINVAL when no file system is mounted there, EBUSY, EIO."""
        superuser(ctx)
        mount = mount_at(self.vfs.names.lookup(ctx, path))
        self.mounts.detach(mount, self.vfs.names, force=bool(flags & const.MNT_FORCE), bury=self.vfs.bury)

    # -- what is mounted

    def sync(self, ctx: Context) -> None:
        self.mounts.sync()

    def getvfsstat(self, ctx: Context, flags: int) -> list[Statvfs]:
        return [mount.statvfs() for mount in self.mounts.list]

    def statvfs1(self, ctx: Context, path: bytes, flags: int) -> Statvfs:
        return self.vfs.names.lookup(ctx, path).fs.mount.statvfs()

    def fstatvfs1(self, ctx: Context, fd: int, flags: int) -> Statvfs:
        return self.vfs.file(fd).vnode.fs.mount.statvfs()

    # -- host files

    def etfs_register(self, ctx: Context, key: bytes, hostpath: bytes, type: int) -> None:
        superuser(ctx)
        self.vfs.etfs.register(key, hostpath, type)

    def etfs_register_withsize(
        self, ctx: Context, key: bytes, hostpath: bytes, type: int, begin: int, size: int | None
    ) -> None:
        """``size`` None: to the end (RUMP_ETFS_SIZE_ENDOFF)."""
        superuser(ctx)
        self.vfs.etfs.register(key, hostpath, type, begin, size)

    def etfs_remove(self, ctx: Context, key: bytes) -> None:
        superuser(ctx)
        self.vfs.etfs.remove(key)


def superuser(ctx: Context) -> None:
    """EPERM."""
    if ctx.cred.euid != 0:
        raise KernelError(Errno.EPERM, "for the superuser")


def mount_at(vnode: Vnode) -> Mount:
    """EINVAL when the vnode is not the root of a mount."""
    if vnode is not vnode.fs.mount.root:
        raise KernelError(Errno.EINVAL, "no file system is mounted there")
    return vnode.fs.mount

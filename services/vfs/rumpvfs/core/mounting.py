"""mount(2), unmount(2), statvfs(2), sync(2), and the devices under mounts."""

from __future__ import annotations

from typing import Any

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpvfs.core.autoload import find_type
from rumpvfs.core.disk import Disk
from rumpvfs.core.disks import Disks
from rumpvfs.core.file import OpenFile
from rumpvfs.core.mount import Mount, hold, release
from rumpvfs.core.reloading import reload
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import BlockDevice, FileSystemType, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import MountArgs, Statvfs, TmpfsArgs


class Mounting:
    """The calls on mounts."""

    def __init__(self, vfs: Vfs, disks: Disks) -> None:
        self.vfs = vfs
        self.mounts = vfs.mounts
        self.disks = disks

    def mount(self, ctx: Context, type: str, path: bytes, flags: int, data: MountArgs | None) -> Any:
        """EPERM, errors of namei, ENODEV (type), ENOTDIR, EBUSY, EINVAL, ENOTBLK, ENXIO, and the driver's own.

        MNT_GETARGS stands alone (EINVAL) and is for everybody: the arguments of the file system that is mounted there.
        """
        covered = self.vfs.names.lookup(ctx, path)
        if flags & const.MNT_GETARGS:
            if flags != const.MNT_GETARGS:
                raise KernelError(Errno.EINVAL, "MNT_GETARGS with other flags")
            authorize(ctx, Action.SYSTEM_MOUNT_GET)
            return mount_at(covered).args
        authorize(ctx, Action.SYSTEM_MOUNT_UPDATE if flags & const.MNT_UPDATE else Action.SYSTEM_MOUNT_NEW)
        if flags & const.MNT_RELOAD and not flags & const.MNT_UPDATE:
            raise KernelError(Errno.EINVAL, "MNT_RELOAD goes with MNT_UPDATE")
        self.vfs.gates.enter()  # drivers read the disk, and some have to wait for it
        if flags & const.MNT_UPDATE:
            return self._update(mount_at(covered), flags)
        return self._mount(ctx, type, covered, flags, data)

    async def _mount(self, ctx: Context, type: str, covered: Vnode, flags: int, data: MountArgs | None) -> None:
        hold(covered)  # finding the module and the device may take a while
        try:
            kind = await find_type(self.vfs, type)
            if covered.vtype is not VType.DIR:
                raise KernelError(Errno.ENOTDIR)
            if covered is self.vfs.names.root:
                raise KernelError(Errno.EBUSY, "the root is mounted")
            device, source = await self._device(ctx, kind, flags, data)
            directory = self._directory(ctx, source) if kind.needs_directory else None
            try:
                if covered.mounted is not None:
                    raise KernelError(Errno.EBUSY)
                full = self.vfs.names.path_of(covered, self.vfs.names.root)
                self.mounts.attach(
                    kind,
                    covered,
                    full,
                    flags,
                    device=device,
                    source=source,
                    args=data,
                    owner=ctx.cred.euid,
                    directory=directory,
                    names=self.vfs.names.cache,
                )
                self.vfs.mounted.notify(const.VQ_MOUNT)
            except BaseException:
                if device is not None:
                    device.close()
                raise
        finally:
            release(covered)

    def _directory(self, ctx: Context, fspec: bytes) -> Vnode:
        """The tree that a file system is to stand on. Errors of namei, ENOTDIR."""
        vnode = self.vfs.names.lookup(ctx, fspec)
        if vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR, f"{fspec.decode(errors='replace')} is no directory")
        return vnode

    def _update(self, mount: Mount, flags: int) -> None:
        """MNT_UPDATE. EBUSY for read-only while files are open for writing; MNT_FORCE makes those dead.

        With MNT_RELOAD the disk is read again first, see `reloading`.
        """
        if flags & const.MNT_RELOAD:
            reload(self.vfs, mount)
        if flags & const.MNT_RDONLY and not mount.readonly:
            writers = [file for file in self.vfs.files.values() if stands_on(file, mount) and writes(file)]
            if writers and not flags & const.MNT_FORCE:
                raise KernelError(Errno.EBUSY, f"{len(writers)} files are open for writing, or unlinked and still open")
            self.vfs.kill(writers)
        elif mount.readonly and not flags & const.MNT_RDONLY and isinstance(mount.device, Disk):
            mount.device.want_writing()
        self.mounts.update(mount, flags)

    async def _device(
        self, ctx: Context, kind: FileSystemType, flags: int, data: MountArgs | None
    ) -> tuple[BlockDevice | None, bytes]:
        """The disk that the arguments name. EINVAL, errors of namei, ENOTBLK, EBUSY, ENXIO."""
        fspec = b"" if data is None or isinstance(data, TmpfsArgs) else data.fspec
        if kind.needs_directory and not fspec:
            raise KernelError(Errno.EINVAL, f"{kind.name} needs a directory (fspec)")
        if not kind.needs_device or kind.needs_directory:
            return None, fspec or kind.name.encode()
        if not fspec:
            raise KernelError(Errno.EINVAL, f"{kind.name} needs a device (fspec)")
        return await self.disks.open(ctx, fspec, readonly=bool(flags & const.MNT_RDONLY)), fspec

    def unmount(self, ctx: Context, path: bytes, flags: int) -> None:
        """EPERM, errors of namei, EINVAL when no file system is mounted there, EBUSY, EIO."""
        authorize(ctx, Action.SYSTEM_MOUNT_UNMOUNT)
        mount = mount_at(self.vfs.names.lookup(ctx, path))
        self.mounts.detach(mount, self.vfs.names, force=bool(flags & const.MNT_FORCE), bury=self.vfs.bury)
        self.vfs.mounted.notify(const.VQ_UNMOUNT)

    # -- what is mounted

    def sync(self, ctx: Context) -> None:
        for mount in self.mounts.list:
            if mount.fs.gates:
                self.vfs.gates.enter(mount.fs.gates)
        self.mounts.sync()

    def getvfsstat(self, ctx: Context, flags: int) -> list[Statvfs]:
        """Of the mounts that the process sees: in a root directory of its own those below it, by paths from there."""
        root = self.vfs.names.root_of(ctx)
        for mount in self.mounts.list:
            if mount.fs.gates:
                self.vfs.gates.enter(mount.fs.gates)
        if root is self.vfs.names.root:
            return [mount.statvfs() for mount in self.mounts.list]
        base = self.vfs.names.path_of(root, self.vfs.names.root)
        return [stat for mount in self.mounts.list if (stat := seen_from(base, mount.statvfs())) is not None]

    def statvfs1(self, ctx: Context, path: bytes, flags: int) -> Statvfs:
        return self.vfs.names.lookup(ctx, path).fs.mount.statvfs()

    def fstatvfs1(self, ctx: Context, fd: int, flags: int) -> Statvfs:
        return self.vfs.file(fd).vnode.fs.mount.statvfs()

    # -- host files

    def etfs_register(self, ctx: Context, key: bytes, hostpath: bytes, type: int) -> None:
        authorize(ctx, Action.SYSTEM_ETFS)
        self.vfs.etfs.register(key, hostpath, type)
        self.vfs.recorder.registered(key, hostpath, type, 0, None)

    def etfs_register_withsize(
        self, ctx: Context, key: bytes, hostpath: bytes, type: int, begin: int, size: int | None
    ) -> None:
        """``size`` None: to the end (RUMP_ETFS_SIZE_ENDOFF)."""
        authorize(ctx, Action.SYSTEM_ETFS)
        self.vfs.etfs.register(key, hostpath, type, begin, size)
        self.vfs.recorder.registered(key, hostpath, type, begin, size)

    def etfs_remove(self, ctx: Context, key: bytes) -> None:
        authorize(ctx, Action.SYSTEM_ETFS)
        self.vfs.etfs.remove(key)
        self.vfs.recorder.removed(key)


def stands_on(file: OpenFile, mount: Mount) -> bool:
    """Whether an open file is of a file system, or of one that stands on it."""
    vnode = file.vnode
    return mount.fs in (vnode.fs, vnode.base().fs) or mount.fs in vnode.fs.below()


def writes(file: OpenFile) -> bool:
    """Whether a file system must stay writable for an open file: one without a name is taken off it at the end."""
    data = file.vnode.vtype is VType.REG or file.vnode.vtype is VType.DIR
    return data and (file.writable or file.vnode.getattr().st_nlink == 0)


def seen_from(base: bytes, stat: Statvfs) -> Statvfs | None:
    """The statistics of a mount with its path from a root directory; None when it is not below that."""
    path = stat.f_mntonname
    if path != base and not path.startswith(base + b"/"):
        return None
    return stat._replace(f_mntonname=path[len(base) :] or b"/")


def mount_at(vnode: Vnode) -> Mount:
    """EINVAL when the vnode is not the root of a mount."""
    if vnode is not vnode.fs.mount.root:
        raise KernelError(Errno.EINVAL, "no file system is mounted there")
    return vnode.fs.mount

"""Block devices under file systems, and under disks of dev: found by path, for one user at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from rumpuser.component import Context
from rumpuser.disk import FileDevice, Slice
from rumpuser.disk.layers import beside, open_layers
from rumpuser.kauth import Action, authorize
from rumpvfs.core.access import check_mount
from rumpvfs.core.blkfail import Faults, FaultyDisk
from rumpvfs.core.disk import Disk, HostDisk, LayeredDisk, VnodeDisk
from rumpvfs.core.etfs import HostVnode, disk_of
from rumpvfs.core.file import DataFile, OpenFile
from rumpvfs.core.mount import hold, release
from rumpvfs.core.remotedisk import RemoteDisk
from rumpvfs.core.specfs import ask
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import BlockDevice, Vnode, VType
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevMapResult, DiskTakeResult, IoctlArgsInteger

_OPEN, _MAP, _IOCTL, _CLOSE = OPS["dev_open"], OPS["dev_map"], OPS["ioctl"], OPS["close"]

Key = Vnode | int
"""What may be in use: a file, or a device by its number, whichever node led to it."""
KERNEL_ROOT = Context(pid=0, umask=0)
WHOLE = (0, 1 << 63)


@dataclass(slots=True, eq=False)
class Use:
    """Bytes ``begin`` to ``end`` of a file or device, which one at a time may have. Partitions lie side by side."""

    vnode: Vnode
    key: Key
    begin: int
    end: int


@dataclass(slots=True)
class Taken:
    """A disk that dev uses. ``file`` is there for files that are no host files."""

    done: Callable[[], None]
    file: OpenFile | None = None


class Disks:
    """The block devices that are in use."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs
        self.faults = Faults.from_parameters(vfs.parameters.extra, vfs.host.entropy)
        if self.faults is not None:
            vfs.environment.log(f"RUMP_BLKFAIL: {self.faults.rate} of 10000, RUMP_BLKFAIL_SEED={self.faults.seed}")
        self._uses: dict[Key, list[Use]] = {}
        self._taken: dict[int, Taken] = {}

    async def open(self, ctx: Context, fspec: bytes, *, readonly: bool) -> BlockDevice:
        """The disk of a path, or in it (``/dev/disk@qcow2@p1``); ``close`` gives it back.

        Errors of namei, ENOTBLK, ENXIO, EBUSY while it is in use, and what `layers.open_layers` raises.
        """
        vnode, layers = self._find(ctx, fspec)
        name = fspec.decode(errors="replace")
        if vnode.vtype is not VType.BLK:
            raise KernelError(Errno.ENOTBLK, f"{name} is no block device")
        use = self._use(vnode, self._span(vnode, layers))
        try:
            disk = await self._open(ctx, vnode, name, readonly=readonly)
        except BaseException:
            self._let_go(use)
            raise
        disk.when_closed(lambda: self._let_go(use))
        try:
            if disk.gates:
                self.vfs.gates.enter(disk.gates)
        except BaseException:
            disk.close()
            raise
        device: BlockDevice = disk if self.faults is None else FaultyDisk(disk, self.faults)
        return self._layered(device, vnode, layers, readonly=readonly) if layers else device

    def _find(self, ctx: Context, fspec: bytes) -> tuple[Vnode, list[str]]:
        """The file of a name, and the layers named behind it. A file whose own name has an @ goes before that."""
        try:
            return self.vfs.names.lookup(ctx, fspec), []
        except KernelError as error:
            path, at, rest = fspec.partition(b"@")
            if error.errno != Errno.ENOENT or not at or not path:
                raise
            return self.vfs.names.lookup(ctx, path), rest.decode(errors="replace").split("@")

    def _span(self, vnode: Vnode, layers: list[str]) -> tuple[int, int]:
        """The bytes of a host file that a partition is; everything else is used as a whole. Errors of the tables."""
        if not layers or "qcow2" in layers or not isinstance(vnode, HostVnode):
            return WHOLE
        parts = open_layers(disk_of(vnode, "", readonly=True), layers)
        begin = sum(part.begin for part in parts if isinstance(part, Slice))
        return begin, begin + parts[-1].size

    def _layered(self, device: BlockDevice, vnode: Vnode, layers: list[str], *, readonly: bool) -> BlockDevice:
        """What the layers make of a disk. An image may grow, where it is a file of the host."""
        below = device
        if layers[0] == "qcow2" and isinstance(vnode, HostVnode) and vnode.whole and self.faults is None:
            below = FileDevice(vnode.file, device.name, readonly=device.readonly)
        opener = beside(self.vfs.host.files, vnode.hostpath) if isinstance(vnode, HostVnode) else None
        try:
            opened = open_layers(below, layers, opener, readonly=readonly or device.readonly)
        except BaseException:
            device.close()
            raise
        return LayeredDisk(device, opened)

    async def _open(self, ctx: Context, vnode: Vnode, name: str, *, readonly: bool) -> Disk:
        if isinstance(vnode, HostVnode):
            return disk_of(vnode, name, readonly=readonly)
        rdev = vnode.getattr().st_rdev
        handle, readonly = await self._open_device(ctx, rdev, readonly=readonly)
        try:
            return await self._disk(ctx, rdev, handle, name, readonly=readonly)
        except BaseException:
            with contextlib.suppress(KernelError):
                await ask(self.vfs.bus, ctx, _CLOSE, (handle,))
            raise

    async def _open_device(self, ctx: Context, rdev: int, *, readonly: bool) -> tuple[int, bool]:
        """A handle of dev, for reading alone where the device is read-only."""
        if not readonly:
            try:
                return await ask(self.vfs.bus, ctx, _OPEN, (True, rdev, const.O_RDWR)), False
            except KernelError as error:
                if error.errno not in (Errno.EROFS, Errno.EACCES):
                    raise
        return await ask(self.vfs.bus, ctx, _OPEN, (True, rdev, const.O_RDONLY)), True

    async def _disk(self, ctx: Context, rdev: int, handle: int, name: str, *, readonly: bool) -> Disk:
        """The way to an opened device: its mapping, the file that it stands on, else dev itself."""
        bus = self.vfs.bus
        try:
            where: DevMapResult = await ask(bus, ctx, _MAP, (rdev,))
        except KernelError as error:
            if error.errno != Errno.EOPNOTSUPP:
                raise
            _, size = await ask(bus, ctx, _IOCTL, (handle, const.DIOCGMEDIASIZE, None))
            assert isinstance(size, IoctlArgsInteger)
            return RemoteDisk(self.vfs.gates.ask, handle, name, size.integer, readonly=readonly)
        disk = self._mapped(where, name, readonly=readonly)
        disk.when_closed(lambda: self._close(handle))
        return disk

    def _mapped(self, where: DevMapResult, name: str, *, readonly: bool) -> Disk:
        if where.file:
            taken = self._taken.get(where.file)
            if taken is None or taken.file is None:
                raise KernelError(Errno.ENXIO, f"{name}: the file that it stands on is gone")
            return VnodeDisk(taken.file, name, where.size, readonly=readonly)
        try:
            file = self.vfs.host.files.open(where.hostpath, write=not readonly)
        except KernelError as error:
            if error.errno != Errno.ENOENT:
                raise
            raise KernelError(Errno.ENXIO, f"{name}: its bytes are not on this host", "vfs") from error
        disk = HostDisk(file, name, where.begin, where.size, readonly=readonly)
        disk.when_closed(file.close)
        return disk

    def _close(self, handle: int) -> None:
        with contextlib.suppress(KernelError):  # with dev the handle is gone too
            self.vfs.gates.ask("dev", _CLOSE, handle)

    # -- who uses what

    def _use(self, vnode: Vnode, span: tuple[int, int] = WHOLE) -> Use:
        """Holds a disk or file. ENXIO, EBUSY."""
        if vnode.vtype is VType.BLK and vnode.fs.mount.flags & const.MNT_NODEV:
            raise KernelError(Errno.ENXIO, "the mount allows no devices")
        device = vnode.vtype is VType.BLK and not isinstance(vnode, HostVnode)
        key: Key = vnode.getattr().st_rdev if device else vnode.base()
        use = Use(vnode, key, *span)
        others = self._uses.setdefault(key, [])
        if any(other.begin < use.end and use.begin < other.end for other in others):
            raise KernelError(Errno.EBUSY, "the device is in use: mounted, or part of another disk")
        hold(vnode)
        others.append(use)
        return use

    def _let_go(self, use: Use) -> None:
        self._uses[use.key].remove(use)
        if not self._uses[use.key]:
            del self._uses[use.key]
        release(use.vnode)

    # -- for dev

    def disk_take(self, ctx: Context, path: bytes, readonly: bool, files: bool) -> DiskTakeResult:
        """As `take`, on record."""
        result = self.take(ctx, path, readonly, files)
        self.vfs.recorder.taken(result.handle, path, readonly, files)
        return result

    def take_again(self, handle: int, path: bytes, readonly: bool, files: bool) -> None:
        """For the successor of a vfs: dev knows a disk by its handle."""
        result = self.take(KERNEL_ROOT, path, readonly, files)
        self._taken[handle] = self._taken.pop(result.handle)
        file = self.vfs.forget_file(result.handle)
        if file is not None:
            self.vfs.files[handle] = file

    def take(self, ctx: Context, path: bytes, readonly: bool, files: bool) -> DiskTakeResult:
        """A disk, or with ``files`` a file, for a disk of dev.

        EPERM; errors of namei; ENOTBLK, EISDIR, EINVAL for what is neither; EOPNOTSUPP for images in it; ENXIO; EROFS;
        EBUSY while it is in use.
        """
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        vnode, layers = self._find(ctx, path)
        self._check_kind(vnode, path, files=files)
        if layers and ("qcow2" in layers or not isinstance(vnode, HostVnode)):
            raise KernelError(Errno.EOPNOTSUPP, "disks of dev stand on partitions of host files, on no other layers")
        begin, end = self._span(vnode, layers)
        readonly = readonly or (isinstance(vnode, HostVnode) and vnode.file.readonly)
        if not readonly and vnode.vtype is VType.REG:
            check_mount(vnode)
        use = self._use(vnode, (begin, end))
        st = self.vfs.stat(vnode)
        if isinstance(vnode, HostVnode):
            handle = self._keep(Taken(lambda: self._let_go(use)))
            place = (vnode.begin + begin, min(vnode.size, end) - begin)
            return DiskTakeResult(handle, vnode.hostpath, *place, 0, readonly, st.st_dev, st.st_ino)
        if vnode.vtype is VType.BLK:
            handle = self._keep(Taken(lambda: self._let_go(use)))
            return DiskTakeResult(handle, rdev=st.st_rdev, readonly=readonly, dev=st.st_dev, ino=st.st_ino)
        return self._take_file(ctx, use, readonly=readonly)

    def _check_kind(self, vnode: Vnode, path: bytes, *, files: bool) -> None:
        if vnode.vtype is VType.BLK or (files and vnode.vtype is VType.REG):
            return
        name = path.decode(errors="replace")
        if not files:
            raise KernelError(Errno.ENOTBLK, f"{name} is no block device")
        if vnode.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR, f"{name} is a directory")
        raise KernelError(Errno.EINVAL, f"{name} is neither a file nor a block device")

    def _take_file(self, ctx: Context, use: Use, *, readonly: bool) -> DiskTakeResult:
        """The handle is one of vfs's open files: dev reads and writes it by the ordinary calls."""
        vnode = use.vnode
        file = DataFile(vnode, const.O_RDONLY if readonly else const.O_RDWR)
        handle = self.vfs.install(file)

        def done() -> None:
            self._let_go(use)
            for number in [number for number, found in self.vfs.files.items() if found is file]:
                self.vfs.forget_file(number)
            file.close(ctx)

        self._taken[handle] = Taken(done, file)
        st = self.vfs.stat(vnode)
        return DiskTakeResult(handle, b"", 0, st.st_size, 0, readonly, st.st_dev, st.st_ino)

    def _keep(self, taken: Taken) -> int:
        handle = self.vfs.handle()
        self._taken[handle] = taken
        return handle

    def disk_give(self, ctx: Context, handle: int) -> None:
        """EBADF. 0 is everything, for a dev that begins anew."""
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        if handle == 0:
            for one in list(self._taken):
                self._taken.pop(one).done()
                self.vfs.recorder.given(one)
            return
        taken = self._taken.pop(handle, None)
        self.vfs.recorder.given(handle)
        if taken is None:
            raise KernelError(Errno.EBADF, f"no disk {handle} has been taken")
        taken.done()

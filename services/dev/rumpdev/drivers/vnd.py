"""Files as disks (vnd(4)): vnd0d, ... and the raw rvnd0d, ...

A unit stands on a block device or on a regular file of the kernel. Of a host file (rump_etfs(3)) and of a memory disk
the bytes are a mapping, which a file system on the unit uses directly; a file of another file system is read and
written through vfs, and a mount on the unit has vfs use it itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpdev.core.pseudodisk import PARTITIONS, RAW_PART, PseudoDriver, Unit
from rumpdev.core.storage import SECTOR, DeviceStorage, FileStorage, HostStorage, Storage
from rumpdev.core.taking import Taken
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.module import Manifest, Module
from rumpuser.plain import flat
from rumpuser.records import Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevMapResult, IoctlArgs, IoctlResult, VndIoctl, VndUser

if TYPE_CHECKING:
    from rumpdev.component import DevComponent


class Whole(Storage):
    """What a unit stands on, without what is left over of its last sector."""

    def __init__(self, below: Storage, *, readonly: bool) -> None:
        self.below = below
        self.size = below.size - below.size % SECTOR
        self.align = below.align
        self.readonly = readonly or below.readonly

    def read(self, offset: int, length: int) -> Any:
        return self.below.read(offset, length)

    def write(self, offset: int, data: Buffer) -> Any:
        return self.below.write(offset, data)

    def flush(self) -> Any:
        return self.below.flush()


class VndUnit(Unit):
    """One vnd."""

    taken: Taken | None = None

    @property
    def _records(self) -> Records:
        return self.driver.host.records

    @property
    def _rdev(self) -> int:
        """The raw device by which a successor configures it."""
        return const.makedev(const.MAJOR_VND_CHR, self.number * PARTITIONS + RAW_PART)

    def clear(self, ctx: Context) -> Any:
        return self.ioctl(ctx, const.VNDIOCCLR, VndIoctl())

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """VNDIOCSET, VNDIOCCLR (superuser), VNDIOCGET. ENOTTY, EINVAL for other arguments than theirs."""
        if com == const.VNDIOCGET:
            return IoctlResult(0, self._user())
        if com not in (const.VNDIOCSET, const.VNDIOCCLR):
            return super().ioctl(ctx, com, data)
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        if not isinstance(data, VndIoctl):
            raise KernelError(Errno.EINVAL, "a VndIoctl is needed")
        return self._set(ctx, data) if com == const.VNDIOCSET else self._clear(data)

    def _user(self) -> VndUser:
        if self.taken is None:
            return VndUser(self.number)
        return VndUser(self.number, self.taken.answer.dev, self.taken.answer.ino, self.taken.path)

    async def _set(self, ctx: Context, data: VndIoctl) -> IoctlResult:
        """EBUSY, EPERM, errors of namei, EISDIR, EINVAL (smaller than a sector), EROFS, ENXIO."""
        self.check_free()
        self.begin_change()
        taking = self.driver.taking
        try:
            readonly = bool(data.vnd_flags & const.VNDIOF_READONLY)
            taken = await taking.take(ctx, data.vnd_file, readonly=readonly, files=True)
            storage = Whole(taken.storage, readonly=readonly)
            if not storage.size:
                await taking.give(taken)
                raise KernelError(Errno.EINVAL, f"{taken.storage.size} bytes are less than a sector")
            self.taken = taken
            self.set(storage)
            self._records.put("disks", self._rdev, (const.VNDIOCSET, flat(data)))
        finally:
            self.end_change()
        return IoctlResult(0, data._replace(vnd_size=storage.size))

    async def _clear(self, data: VndIoctl) -> IoctlResult:
        """ENXIO, EBUSY while others have it open, unless forced."""
        self.configured()
        if not data.vnd_flags & const.VNDIOF_FORCE:
            self.check_idle()
        self.begin_change()
        try:
            taken, self.taken = self.taken, None
            self.set(None)
            self._records.delete("disks", self._rdev)
            assert taken is not None
            await self.driver.taking.give(taken)
        finally:
            self.end_change()
        return IoctlResult(0, data)

    def stop(self) -> None:
        if self.taken is not None:
            self.taken.storage.close()


class VndDriver(PseudoDriver):
    """Majors 14 (block) and 41 (character)."""

    name = "vnd"
    bmajor = const.MAJOR_VND_BLK
    cmajor = const.MAJOR_VND_CHR
    unit_class = VndUnit

    def waits(self, unit: Unit) -> bool:
        return isinstance(unit, VndUnit) and unit.taken is not None and isinstance(unit.taken.storage, FileStorage)

    def map(self, minor: int) -> DevMapResult:
        unit = self.unit(minor)
        size = unit.configured().size
        assert isinstance(unit, VndUnit)
        assert unit.taken is not None
        below = unit.taken.storage
        if isinstance(below, HostStorage):
            return DevMapResult(below.hostpath, size, below.begin)
        if isinstance(below, FileStorage):
            return DevMapResult(size=size, file=below.handle)
        assert isinstance(below, DeviceStorage)
        return super().map(minor)


class VndModule(Module):
    """The driver as a module."""

    manifest = Manifest("vnd", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        component.attach(VndDriver(component.host, component.taking))

    def fini(self, component: DevComponent) -> None:
        """EBUSY while a unit is configured or open."""
        component.detach_disks("vnd")


MODULE = VndModule()

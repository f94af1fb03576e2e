"""What a driver is (driver(9)), and what it gives when one of its units is opened."""

from __future__ import annotations

from typing import Any

from rumpuser.autoload import MissingModuleError
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.readiness import Selectable
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevMapResult, IoctlArgs, NetCounter

NO_MAJOR = -1
"""The driver has no devices of that kind."""
_MODULES = {
    (True, const.MAJOR_VND_BLK): "vnd",
    (False, const.MAJOR_VND_CHR): "vnd",
    (True, const.MAJOR_MD_BLK): "md",
    (False, const.MAJOR_MD_CHR): "md",
    (True, const.MAJOR_RAID_BLK): "raid",
    (False, const.MAJOR_RAID_CHR): "raid",
    (True, const.MAJOR_CGD_BLK): "cgd",
    (False, const.MAJOR_CGD_CHR): "cgd",
    (False, const.MAJOR_RND): "rnd",
    (False, const.MAJOR_DRVCTL): "drvctl",
    (False, const.MAJOR_PTM): "pty",
    (False, const.MAJOR_PTS): "pty",
    (False, const.MAJOR_PTC): "pty",
}
"""Modules that bring the drivers of devices."""


class Device(Selectable):
    """An opened unit. Offsets count for disks alone, which have a ``size``; other devices are streams.

    Reads may be shorter than asked for, writes are done whole or raise. What has to wait for another component is a
    coroutine that gives the value. A unit is always ready unless it says otherwise (`rumpuser.readiness`).
    """

    @property
    def size(self) -> int | None:
        return None

    @property
    def sector(self) -> int:
        return 512

    @property
    def age(self) -> int:
        """Changes when the unit becomes another disk while it is open."""
        return 0

    @property
    def waits(self) -> bool:
        """Whether reads and writes are coroutines."""
        return False

    def read(self, offset: int, length: int) -> Any:
        """EIO; for disks EINVAL for what is not aligned."""
        raise KernelError(Errno.EOPNOTSUPP)

    def write(self, offset: int, data: Buffer) -> Any:
        """ENOSPC past the end, EROFS, EIO; for disks EINVAL for what is not aligned."""
        raise KernelError(Errno.EOPNOTSUPP)

    def read_for(self, ctx: Context, flags: int, offset: int, length: int) -> Any:
        """As `read`, where it matters who reads, or with which flags the description is open (O_NONBLOCK). EAGAIN."""
        return self.read(offset, length)

    def write_for(self, ctx: Context, flags: int, offset: int, data: Buffer) -> Any:
        return self.write(offset, data)

    def available(self) -> int:
        """Bytes that can be read without waiting (FIONREAD)."""
        return 0

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """Commands of the driver alone. ENOTTY."""
        raise KernelError(Errno.ENOTTY, f"ioctl {com:#x}")

    def flush(self) -> Any:
        """Everything written is where it stays. EIO."""

    def close(self) -> None:
        """Called once, for the last descriptor of an open."""


class Transfers:
    """What a disk has read and written for others (hw.iostats). What they have mapped is not seen."""

    __slots__ = ("rbytes", "rxfer", "wbytes", "wxfer")

    def __init__(self) -> None:
        self.rxfer = self.rbytes = self.wxfer = self.wbytes = 0

    def read(self, length: int) -> None:
        self.rxfer += 1
        self.rbytes += length

    def wrote(self, length: int) -> None:
        self.wxfer += 1
        self.wbytes += length

    def rows(self, disk: str) -> list[NetCounter]:
        return [NetCounter(disk, name, getattr(self, name)) for name in ("rxfer", "rbytes", "wxfer", "wbytes")]


class Driver:
    """A row of the device switch. ``bmajor`` and ``cmajor`` are the majors of block and character devices."""

    name: str
    bmajor: int = NO_MAJOR
    cmajor: int = NO_MAJOR

    def units(self) -> list[str]:
        """Names of the units that there are."""
        raise NotImplementedError

    def disks(self) -> list[str]:
        """Those of the units that are disks (hw.disknames)."""
        return []

    def transfers(self) -> dict[str, Transfers]:
        """Of each of `disks`."""
        return {}

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO for a unit that is not there, EACCES, EBUSY."""
        raise NotImplementedError

    def open_for(self, ctx: Context, minor: int, flags: int, *, block: bool) -> Any:
        """As `open`, where it matters who opens; may be a coroutine."""
        return self.open(minor, flags, block=block)

    def detach_unit(self, ctx: Context, name: str) -> Any:
        """Takes one of `disks` away (drvctl); may be a coroutine. EBUSY while it is in use, EOPNOTSUPP."""
        raise KernelError(Errno.EOPNOTSUPP, f"{name} cannot be taken away")

    def map(self, minor: int) -> DevMapResult:
        """Where the bytes of a disk are a mapping. ENXIO, EOPNOTSUPP."""
        raise KernelError(Errno.EOPNOTSUPP, f"{self.name}: the bytes of this device cannot be mapped")


class DeviceSwitch:
    """(block or character, major) -> driver (devsw(9))."""

    def __init__(self) -> None:
        self.drivers: dict[str, Driver] = {}
        self._rows: dict[tuple[bool, int], Driver] = {}

    def attach(self, driver: Driver) -> None:
        """EEXIST when the name or a major is taken."""
        rows = [(block, major) for block, major in ((True, driver.bmajor), (False, driver.cmajor)) if major != NO_MAJOR]
        if driver.name in self.drivers or any(row in self._rows for row in rows):
            raise KernelError(Errno.EEXIST, f"driver {driver.name}: its name or one of its majors is taken")
        self.drivers[driver.name] = driver
        self._rows.update(dict.fromkeys(rows, driver))

    def detach(self, driver: Driver) -> None:
        del self.drivers[driver.name]
        self._rows = {row: other for row, other in self._rows.items() if other is not driver}

    def find(self, rdev: int, *, block: bool) -> Driver:
        """ENXIO."""
        driver = self._rows.get((block, const.major(rdev)))
        if driver is None:
            kind = "block" if block else "character"
            text = f"no driver for {kind} device {const.major(rdev)}, {const.minor(rdev)}"
            module = _MODULES.get((block, const.major(rdev)))
            if module is not None:
                raise MissingModuleError(Errno.ENXIO, text, module)
            raise KernelError(Errno.ENXIO, text)
        return driver

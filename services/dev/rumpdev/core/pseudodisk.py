"""Pseudo disks: units that are there before they stand on anything, configured and cleared by ioctl (vnd, cgd, raid).

A minor is 16 times the unit plus the partition; partitions a and d are both the whole disk. The character device wants
whole sectors; the block device takes any range, as if the buffer cache of the original were in between.
"""

from __future__ import annotations

from types import CoroutineType
from typing import Any

from rumpdev.core.device import Device, Driver, Transfers
from rumpdev.core.storage import SECTOR, Storage
from rumpdev.core.taking import Taking
from rumpuser.component import Context
from rumpuser.host import Buffer, Host
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs

PARTITIONS = 16
RAW_PART = 3
WHOLE = (0, RAW_PART)
"""Partitions a and d."""
UNITS_MAX = 32
"""Disks may stand on one another; so many levels are far from the depth of the interpreter's stack."""
READ_MAX = 4 << 20
"""One read gives at most this much: it travels in one message."""


class Unit:
    """One disk of a driver. ``age`` tells what is configured now from what was before."""

    def __init__(self, driver: PseudoDriver, number: int) -> None:
        self.driver = driver
        self.number = number
        self.name = f"{driver.name}{number}"
        self.storage: Storage | None = None
        self.transfers = Transfers()
        self.opens = 0
        self.age = 0
        self.changing = False

    def configured(self) -> Storage:
        """ENXIO."""
        if self.storage is None:
            raise KernelError(Errno.ENXIO, f"{self.name} is not configured")
        return self.storage

    def begin_change(self) -> None:
        """EBUSY: a configuration is under way already. Ends with `end_change`."""
        if self.changing:
            raise KernelError(Errno.EBUSY, f"{self.name} is being configured")
        self.changing = True

    def end_change(self) -> None:
        self.changing = False

    def set(self, storage: Storage | None) -> None:
        self.storage = storage
        self.age += 1

    def check_free(self) -> None:
        """EBUSY."""
        if self.storage is not None:
            raise KernelError(Errno.EBUSY, f"{self.name} is configured")

    def check_idle(self) -> None:
        """EBUSY while others than the caller, who has it open too, have it open."""
        if self.opens > 1:
            raise KernelError(Errno.EBUSY, f"{self.name} is open, mounted or part of another disk")

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """ENOTTY."""
        raise KernelError(Errno.ENOTTY, f"ioctl {com:#x}")

    def clear(self, ctx: Context) -> Any:
        """What the ioctl of the driver does that takes the disk away. EBUSY."""
        raise KernelError(Errno.EOPNOTSUPP, f"{self.name} cannot be taken away")

    def stop(self) -> None:
        """The kernel ends."""


class PseudoDisk(Device):
    """An opened unit."""

    def __init__(self, unit: Unit, *, raw: bool) -> None:
        self._unit = unit
        self._raw = raw
        unit.opens += 1

    @property
    def size(self) -> int | None:
        return None if self._unit.storage is None else self._unit.storage.size

    @property
    def sector(self) -> int:
        return SECTOR if self._unit.storage is None else max(SECTOR, self._unit.storage.align)

    @property
    def age(self) -> int:
        return self._unit.age

    @property
    def waits(self) -> bool:
        return self._unit.driver.waits(self._unit)

    def read(self, offset: int, length: int) -> Any:
        """Shorter at the end, empty behind it. ENXIO, EINVAL, EIO."""
        storage = self._unit.configured()
        self._check(offset, length)
        length = min(length, READ_MAX, storage.size - offset)
        if length <= 0:
            return b""
        self._unit.transfers.read(length)
        align = storage.align
        begin, end = offset - offset % align, -(-(offset + length) // align) * align
        data = storage.read(begin, end - begin)
        if end - begin == length or type(data) is CoroutineType:
            return data
        return memoryview(data)[offset - begin : offset - begin + length]

    def write(self, offset: int, data: Buffer) -> Any:
        """ENXIO, EINVAL, EROFS, ENOSPC when it does not fit, EIO."""
        storage = self._unit.configured()
        length = len(data)
        self._check(offset, length)
        if storage.readonly:
            raise KernelError(Errno.EROFS, f"{self._unit.name} is read-only")
        if offset + length > storage.size:
            raise KernelError(Errno.ENOSPC, f"{length} bytes at {offset} of {storage.size}")
        if not length:
            return 0
        self._unit.transfers.wrote(length)
        written = storage.write(*_widened(storage, offset, memoryview(data).cast("B")))
        return _counted(written, length) if type(written) is CoroutineType else length

    def available(self) -> int:
        return self.size or 0

    def flush(self) -> Any:
        return None if self._unit.storage is None else self._unit.storage.flush()

    def close(self) -> None:
        self._unit.opens -= 1

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """ENOTTY, EPERM, and the driver's own. ENXIO for the size of a unit that is not configured."""
        if com in (const.DIOCGMEDIASIZE, const.DIOCGSECTORSIZE):
            self._unit.configured()
        return self._unit.ioctl(ctx, com, data)

    def _check(self, offset: int, length: int) -> None:
        if self._raw and (offset % self.sector or length % self.sector):
            raise KernelError(Errno.EINVAL, f"{length} bytes at {offset}: not whole sectors of {self.sector}")


def _widened(storage: Storage, offset: int, data: memoryview) -> tuple[int, Buffer]:
    """A range in whole units, what is around it filled in."""
    align, end = storage.align, offset + len(data)
    head, tail = offset % align, -end % align
    if not head and not tail:
        return offset, data
    before = bytes(storage.read(offset - head, align))[:head] if head else b""
    after = bytes(storage.read(end + tail - align, align))[align - tail :] if tail else b""
    return offset - head, b"".join((before, data, after))


async def _counted(written: Any, length: int) -> int:
    await written
    return length


class PseudoDriver(Driver):
    """The units of one kind; any number up to `UNITS_MAX` can be opened. ``unit_class`` makes them."""

    unit_class: type[Unit] = Unit

    def __init__(self, host: Host, taking: Taking) -> None:
        self.host = host
        self.taking = taking
        self._units: dict[int, Unit] = {}

    def units(self) -> list[str]:
        return [unit.name for _, unit in sorted(self._units.items()) if unit.storage is not None]

    def disks(self) -> list[str]:
        return self.units()

    def transfers(self) -> dict[str, Transfers]:
        return {unit.name: unit.transfers for unit in self._units.values() if unit.storage is not None}

    def detach_unit(self, ctx: Context, name: str) -> Any:
        """EBUSY while somebody has it open."""
        unit = next(unit for unit in self._units.values() if unit.name == name)
        if unit.opens:
            raise KernelError(Errno.EBUSY, f"{name} is open, mounted or part of another disk")
        return unit.clear(ctx)

    def waits(self, unit: Unit) -> bool:
        """Whether reading and writing have to wait for another component."""
        return False

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO, EROFS."""
        unit = self.unit(minor)
        if unit.storage is not None and unit.storage.readonly and block and flags & const.O_ACCMODE != const.O_RDONLY:
            raise KernelError(Errno.EROFS, f"{unit.name} is read-only")
        return PseudoDisk(unit, raw=not block)

    def unit(self, minor: int) -> Unit:
        number, partition = divmod(minor, PARTITIONS)
        if number >= UNITS_MAX or partition not in WHOLE:
            raise KernelError(Errno.ENXIO, f"there is no {self.name}{number}{chr(ord('a') + partition)}")
        if number not in self._units:
            self._units[number] = self.unit_class(self, number)
        return self._units[number]

    def stop(self) -> None:
        """The kernel ends."""
        for unit in self._units.values():
            unit.stop()

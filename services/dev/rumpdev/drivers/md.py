"""Memory disks (md(4)): units of memory that md_create makes, as block devices md0d, ... and raw devices rmd0d, ...

A minor is 16 times the unit plus the partition. There are no labels: partitions a and d are both the whole disk. The
memory is a file of the host without a name, so that a file system in another process can map it (dev_map).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rumpdev.core.device import Device, Driver, Transfers
from rumpuser.component import Context, Entry
from rumpuser.host import Buffer, HostFile
from rumpuser.kauth import Action, authorize
from rumpuser.memfile import MemFile
from rumpuser.module import Manifest, Module
from rumpuser.records import NoRecords, Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevMapResult

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

PARTITIONS = 16
WHOLE = (0, 3)
"""Partitions a and d (RAW_PART)."""
SECTOR = 512
UNITS_MAX = 256
"""Every unit holds a descriptor of the host."""
READ_MAX = 64 << 20
"""One read gives at most this much: it travels in one message."""


class Memory(HostFile, Protocol):
    """A host file that others can find."""

    @property
    def path(self) -> bytes: ...


class Unit:
    """A memory disk; ``opens`` counts who has it open."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.opens = 0
        self.transfers = Transfers()


class MemoryDisk(Device):
    """An opened unit. ``raw`` demands whole sectors, as character devices of disks do."""

    def __init__(self, unit: Unit, *, raw: bool) -> None:
        self._unit = unit
        self._raw = raw
        unit.opens += 1

    @property
    def size(self) -> int:
        return self._unit.memory.size

    def read(self, offset: int, length: int) -> Buffer:
        """Shorter at the end, empty behind it. EINVAL."""
        self._check(offset, length)
        data = self._unit.memory.view(offset, min(length, READ_MAX))
        self._unit.transfers.read(len(data))
        return data

    def write(self, offset: int, data: Buffer) -> int:
        """EINVAL, ENOSPC when it does not fit."""
        self._check(offset, len(data))
        written = self._unit.memory.write(offset, data)
        self._unit.transfers.wrote(written)
        return written

    def available(self) -> int:
        return self.size

    def close(self) -> None:
        self._unit.opens -= 1

    def _check(self, offset: int, length: int) -> None:
        if self._raw and (offset % SECTOR or length % SECTOR):
            raise KernelError(Errno.EINVAL, f"{length} bytes at {offset}: not whole sectors of {SECTOR}")


class MdDriver(Driver):
    """Majors 17 (block) and 24 (character)."""

    name = "md"
    bmajor = const.MAJOR_MD_BLK
    cmajor = const.MAJOR_MD_CHR

    def __init__(
        self, limit: int | None, memory: Callable[[int], Memory] = MemFile, records: Records | None = None
    ) -> None:
        self._disks: dict[int, Unit] = {}
        self._limit = limit
        self._memory = memory
        self._records = records if records is not None else NoRecords()

    def units(self) -> list[str]:
        return [f"md{unit}" for unit in sorted(self._disks)]

    def disks(self) -> list[str]:
        return self.units()

    def transfers(self) -> dict[str, Transfers]:
        return {f"md{unit}": disk.transfers for unit, disk in sorted(self._disks.items())}

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        return MemoryDisk(self._unit(minor), raw=not block)

    def map(self, minor: int) -> DevMapResult:
        memory = self._unit(minor).memory
        return DevMapResult(memory.path, memory.size)

    def md_create(self, ctx: Context, unit: int, size: int) -> None:
        """A disk of zeros. EPERM, EINVAL for odd sizes and units, EEXIST, ENOMEM above RUMP_MEMLIMIT."""
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        if not 0 <= unit < UNITS_MAX:
            raise KernelError(Errno.EINVAL, f"unit {unit} is not in 0..{UNITS_MAX - 1}")
        if size <= 0 or size % SECTOR:
            raise KernelError(Errno.EINVAL, f"{size} bytes are no whole sectors of {SECTOR}")
        if unit in self._disks:
            raise KernelError(Errno.EEXIST, f"md{unit} is there already")
        used = sum(disk.memory.size for disk in self._disks.values())
        if self._limit is not None and used + size > self._limit:
            raise KernelError(Errno.ENOMEM, f"{size} bytes and the {used} in use are above the limit of {self._limit}")
        self._disks[unit] = Unit(self._memory(size))
        self._records.put("memory disks", unit, size)

    def md_destroy(self, ctx: Context, unit: int) -> None:
        """EPERM, ENXIO, EBUSY while somebody has it open."""
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        disk = self._disks.get(unit)
        if disk is None:
            raise KernelError(Errno.ENXIO, f"there is no md{unit}")
        if disk.opens:
            raise KernelError(Errno.EBUSY, f"md{unit} is open")
        del self._disks[unit]
        self._records.delete("memory disks", unit)
        disk.memory.close()

    def detach_unit(self, ctx: Context, name: str) -> None:
        """EPERM, EBUSY."""
        self.md_destroy(ctx, int(name.removeprefix(self.name)))

    def _unit(self, minor: int) -> Unit:
        unit, partition = divmod(minor, PARTITIONS)
        if unit not in self._disks or partition not in WHOLE:
            raise KernelError(Errno.ENXIO, f"there is no md{unit}{chr(ord('a') + partition)}")
        return self._disks[unit]


class MdModule(Module):
    """The driver as a module, with the calls that make units."""

    manifest = Manifest("md", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        driver = MdDriver(component.parameters.memlimit, records=component.host.records)
        component.attach(driver)
        component.add_calls({"md_create": Entry(driver.md_create), "md_destroy": Entry(driver.md_destroy)})

    def fini(self, component: DevComponent) -> None:
        """EBUSY while there are units."""
        units = component.switch.drivers["md"].units()
        if units:
            raise KernelError(Errno.EBUSY, f"there are disks: {', '.join(units)}")
        component.detach("md")
        component.remove_calls(["md_create", "md_destroy"])


MODULE = MdModule()

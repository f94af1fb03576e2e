"""null, zero and full (null(4), zero(4), full(4)): always there, offsets mean nothing."""

from __future__ import annotations

from rumpdev.core.device import Device, Driver
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError

MINOR_NULL = 2
MINOR_FULL = 11
MINOR_ZERO = 12
READ_MAX = 1 << 20
"""One read of zeros gives at most this much, out of one piece of memory that all share."""
_ZEROS = memoryview(bytes(READ_MAX))


class Null(Device):
    """Empty to readers, bottomless to writers."""

    def read(self, offset: int, length: int) -> Buffer:
        return b""

    def write(self, offset: int, data: Buffer) -> int:
        return memoryview(data).nbytes


class Zero(Null):
    """Zeros without end."""

    def read(self, offset: int, length: int) -> Buffer:
        return _ZEROS[:length]

    def available(self) -> int:
        return READ_MAX


class Full(Zero):
    """Zeros to readers, a full disk to writers."""

    def write(self, offset: int, data: Buffer) -> int:
        if not len(data):
            return 0
        raise KernelError(Errno.ENOSPC, "the device is full, and always was")


class MemDriver(Driver):
    """Major 2."""

    name = "mem"
    cmajor = const.MAJOR_NULL
    _devices: dict[int, tuple[str, type[Device]]] = {  # noqa: RUF012  a constant
        MINOR_NULL: ("null", Null),
        MINOR_FULL: ("full", Full),
        MINOR_ZERO: ("zero", Zero),
    }

    def units(self) -> list[str]:
        return [name for name, _ in self._devices.values()]

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        if minor not in self._devices:
            raise KernelError(Errno.ENXIO, f"there is no memory device {minor}")
        return self._devices[minor][1]()

"""What disks stand on: bytes that are read and written in whole units of ``align`` bytes, within ``size``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpdev.core.device import Device
from rumpuser.component import KERNEL, Bus
from rumpuser.host import Buffer, HostFile
from rumpuser.pending import value_of
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskTakeResult

SECTOR = 512

_PREAD, _PWRITE, _FSYNC = OPS["pread"], OPS["pwrite"], OPS["fsync"]


class Storage:
    """Who reads and writes has checked the range, the alignment and that it is not read-only."""

    size: int
    align: int = 1
    readonly: bool = False

    def read(self, offset: int, length: int) -> Any:
        """Exactly ``length`` bytes. EIO."""
        raise NotImplementedError

    def write(self, offset: int, data: Buffer) -> Any:
        """EIO, ENOSPC."""
        raise NotImplementedError

    def flush(self) -> Any:
        """EIO."""

    def close(self) -> None:
        """The last call."""


class HostStorage(Storage):
    """A range of a host file."""

    def __init__(self, file: HostFile, hostpath: bytes, begin: int, size: int) -> None:
        self.file = file
        self.hostpath = hostpath
        self.begin = begin
        self.size = size
        self.readonly = file.readonly

    def read(self, offset: int, length: int) -> Buffer:
        view = self.file.view(self.begin + offset, length)
        if len(view) != length:
            raise KernelError(Errno.EIO, "the host file is shorter than it was")
        return view

    def write(self, offset: int, data: Buffer) -> None:
        if self.file.write(self.begin + offset, data) != len(data):
            raise KernelError(Errno.EIO, "short write to the host file")

    def flush(self) -> None:
        if not self.readonly:
            self.file.sync()

    def close(self) -> None:
        self.file.close()


class DeviceStorage(Storage):
    """Another disk of dev, opened as a block device. ``same`` says whether it still is the disk that was opened."""

    def __init__(self, device: Device, size: int, *, readonly: bool, same: Callable[[], bool]) -> None:
        self._device = device
        self._same = same
        self.size = size
        self.readonly = readonly

    def read(self, offset: int, length: int) -> Buffer:
        self._check()
        data: Buffer = self._device.read(offset, length)
        if len(data) == length:
            return data
        parts, have = [bytes(data)], len(data)
        while have < length:
            data = self._device.read(offset + have, length - have)
            if not len(data):
                raise KernelError(Errno.EIO, "the disk below is shorter than it was")
            parts.append(bytes(data))
            have += len(data)
        return b"".join(parts)

    def write(self, offset: int, data: Buffer) -> None:
        self._check()
        self._device.write(offset, data)

    def flush(self) -> None:
        self._check()
        self._device.flush()

    def close(self) -> None:
        self._device.close()

    def _check(self) -> None:
        if not self._same():
            raise KernelError(Errno.EIO, "the disk below is gone")


class FileStorage(Storage):
    """A file of the kernel, which vfs reads and writes: every call has to wait."""

    def __init__(self, bus: Bus, taken: DiskTakeResult) -> None:
        self._bus = bus
        self.handle = taken.handle
        self.size = taken.size
        self.readonly = taken.readonly

    async def read(self, offset: int, length: int) -> Buffer:
        parts: list[Buffer] = []
        while length:
            data: Buffer = await self._ask(_PREAD, length, offset)
            if not len(data):
                raise KernelError(Errno.EIO, "the file is shorter than it was")
            parts.append(data)
            offset, length = offset + len(data), length - len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def write(self, offset: int, data: Buffer) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            count = await self._ask(_PWRITE, rest, offset)
            offset, rest = offset + count, rest[count:]

    async def flush(self) -> None:
        if not self.readonly:
            await self._ask(_FSYNC)

    async def _ask(self, op: Any, *args: Any) -> Any:
        return await value_of(self._bus.peer("vfs").call(KERNEL, op, (self.handle, *args)))

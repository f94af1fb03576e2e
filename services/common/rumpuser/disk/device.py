"""Block devices that stand on others: files of the host that may grow, and ranges of a device."""

from __future__ import annotations

from typing import Protocol

from rumpuser.host import Buffer, HostFile
from rumpwire.errno import Errno, KernelError


class BlockDevice(Protocol):
    """A disk, as drivers of file systems and other disks stand on it."""

    readonly: bool
    name: str

    @property
    def size(self) -> int: ...

    def view(self, offset: int, length: int) -> memoryview:
        """Exactly ``length`` bytes, without a copy where the device is mapped. EIO past the end or on failure."""
        ...

    def write(self, offset: int, data: Buffer) -> None:
        """EROFS, EIO, ENOSPC. A device that can grow does so when it is written past its end; others say EIO."""
        ...

    def flush(self) -> None:
        """Brings what was written to stable storage."""
        ...

    def close(self) -> None: ...


class FileDevice:
    """A host file as a device that grows."""

    def __init__(self, file: HostFile, name: str, *, readonly: bool = False) -> None:
        self.file = file
        self.name = name
        self.readonly = readonly or file.readonly

    @property
    def size(self) -> int:
        return self.file.size

    def view(self, offset: int, length: int) -> memoryview:
        check_range(self, offset, length)
        view = self.file.view(offset, length)
        if len(view) != length:
            raise KernelError(Errno.EIO, f"{self.name}: the host file is shorter than it was")
        return view

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        if self.file.write(offset, data) != len(data):
            raise KernelError(Errno.EIO, f"{self.name}: short write")

    def flush(self) -> None:
        if not self.readonly:
            self.file.sync()

    def close(self) -> None:
        self.file.close()


class Slice:
    """``size`` bytes of another device from ``begin`` on. Closing it leaves the other open."""

    def __init__(self, device: BlockDevice, begin: int, size: int, name: str = "") -> None:
        """EINVAL when the range is not in the device."""
        if begin < 0 or size < 0 or begin + size > device.size:
            raise KernelError(Errno.EINVAL, f"{size} bytes from {begin} on are not in {device.name}")
        self.device = device
        self.begin = begin
        self.size = size
        self.readonly = device.readonly
        self.name = name or device.name

    def view(self, offset: int, length: int) -> memoryview:
        check_range(self, offset, length)
        return self.device.view(self.begin + offset, length)

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        check_range(self, offset, len(data))
        self.device.write(self.begin + offset, data)

    def flush(self) -> None:
        self.device.flush()

    def close(self) -> None: ...


def check_range(device: BlockDevice, offset: int, length: int) -> None:
    """EIO for bytes that the device does not have."""
    if offset < 0 or length < 0 or offset + length > device.size:
        raise KernelError(Errno.EIO, f"{device.name}: {length} bytes at {offset} are past the end of {device.size}")

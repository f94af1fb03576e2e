"""Disks: a range of a host file as the block device under a file system."""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.host import Buffer, HostFile
from rumpwire.errno import Errno, KernelError

SECTOR = 512


class HostDisk:
    """``size`` bytes of a host file from ``begin`` on."""

    def __init__(self, file: HostFile, name: str, begin: int, size: int, *, readonly: bool) -> None:
        self.file = file
        self.name = name
        self.begin = begin
        self.size = size
        self.readonly = readonly or file.readonly
        self._done: list[Callable[[], None]] = []

    def when_closed(self, done: Callable[[], None]) -> None:
        """``done`` is called when the device is let go of."""
        self._done.append(done)

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{self.name}: {length} bytes at {offset} are past the end of the disk")
        view = self.file.view(self.begin + offset, length)
        if len(view) != length:
            raise KernelError(Errno.EIO, f"{self.name}: the host file is shorter than it was")
        return view

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{self.name}: {len(data)} bytes at {offset} are past the end of the disk")
        if self.file.write(self.begin + offset, data) != len(data):
            raise KernelError(Errno.EIO, f"{self.name}: short write")

    def flush(self) -> None:
        if not self.readonly:
            self.file.sync()

    def close(self) -> None:
        callbacks, self._done = self._done, []
        for done in callbacks:
            done()

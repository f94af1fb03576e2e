"""Opened devices: what a handle of dev stands for, and the calls on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from rumpdev.core.device import Device, DeviceSwitch
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.records import NoRecords, Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevMapResult, FcntlResult, Flock, IoctlArgs, IoctlArgsInteger, IoctlResult, Stat

OFFSET_MAX = (1 << 63) - 1
SETTABLE = const.O_APPEND | const.O_NONBLOCK | const.O_ASYNC | const.O_SYNC | const.O_DSYNC
BLKSIZE = 65536
"""What st_blksize recommends."""


@dataclass(slots=True)
class OpenDevice:
    """An open file description of a device; ``offset`` moves for disks alone."""

    device: Device
    name: str
    block: bool
    rdev: int
    flags: int
    offset: int = 0


class Handles:
    """The table of opened devices."""

    def __init__(self, switch: DeviceSwitch, first: int = 0) -> None:
        """Handles follow ``first``: those of a dev that died must not be taken for those of its successor."""
        self.switch = switch
        self.records: Records = NoRecords()
        self._open: dict[int, OpenDevice] = {}
        self._handle = first

    def opened(self, driver: str) -> int:
        """How many handles of a driver there are."""
        return sum(entry.name == driver for entry in self._open.values())

    def close_all(self) -> None:
        for handle in list(self._open):
            self.close(_NOBODY, handle)

    # -- opening

    def dev_open(self, ctx: Context, block: bool, rdev: int, flags: int) -> Any:
        """A handle. ENXIO, and what the driver says."""
        driver = self.switch.find(rdev, block=block)
        device = driver.open_for(ctx, const.minor(rdev), flags, block=block)
        if type(device) is CoroutineType:
            return self._opened(device, driver.name, block, rdev, flags)
        return self._install(OpenDevice(device, driver.name, block, rdev, flags))

    async def _opened(self, device: Any, name: str, block: bool, rdev: int, flags: int) -> int:
        return self._install(OpenDevice(await device, name, block, rdev, flags))

    def install(self, device: Device, name: str, rdev: int) -> int:
        """A handle of a character device that a driver has opened itself."""
        return self._install(OpenDevice(device, name, block=False, rdev=rdev, flags=const.O_RDWR))

    def _install(self, entry: OpenDevice) -> int:
        self._handle += 1
        self._open[self._handle] = entry
        self.records.put("devices", self._handle, (entry.block, entry.rdev, entry.flags))
        return self._handle

    def reopen(self, handle: int, block: bool, rdev: int, flags: int) -> Any:
        """At a successor: a device that somebody has open. ENXIO, and what the driver says."""
        driver = self.switch.find(rdev, block=block)
        device = driver.open_for(_NOBODY, const.minor(rdev), flags, block=block)
        if type(device) is CoroutineType:
            raise KernelError(Errno.ENXIO, f"{driver.name} has lost what was open")
        self._open[handle] = OpenDevice(device, driver.name, block, rdev, flags)
        self._handle = max(self._handle, handle)

    def dev_map(self, ctx: Context, rdev: int) -> DevMapResult:
        """ENXIO, EOPNOTSUPP."""
        return self.switch.find(rdev, block=True).map(const.minor(rdev))

    def close(self, ctx: Context, fd: int) -> None:
        """EBADF. What was lost with another dev can be closed."""
        if fd not in self._open and self.records.inherited:
            return
        device = self._get(fd).device
        del self._open[fd]
        self.records.delete("devices", fd)
        device.close()

    # -- data

    def read(self, ctx: Context, fd: int, nbyte: int) -> Any:
        entry = self._readable(fd)
        result = entry.device.read_for(ctx, entry.flags, entry.offset, nbyte)
        return _then(result, lambda data: _moved(entry, len(data)))

    def readv(self, ctx: Context, fd: int, iov: Sequence[int]) -> Any:
        return self.read(ctx, fd, _total(iov))

    def pread(self, ctx: Context, fd: int, nbyte: int, offset: int) -> Any:
        return self._readable(fd).device.read(_position(offset), nbyte)

    def preadv(self, ctx: Context, fd: int, iov: Sequence[int], offset: int) -> Any:
        return self.pread(ctx, fd, _total(iov), offset)

    def write(self, ctx: Context, fd: int, data: Buffer) -> Any:
        entry = self._writable(fd)
        result = entry.device.write_for(ctx, entry.flags, entry.offset, data)
        return _then(result, lambda count: _moved(entry, count))

    def writev(self, ctx: Context, fd: int, iov: Sequence[Buffer]) -> Any:
        return self.write(ctx, fd, _joined(iov))

    def pwrite(self, ctx: Context, fd: int, data: Buffer, offset: int) -> Any:
        return self._writable(fd).device.write(_position(offset), data)

    def pwritev(self, ctx: Context, fd: int, iov: Sequence[Buffer], offset: int) -> Any:
        return self.pwrite(ctx, fd, _joined(iov), offset)

    def lseek(self, ctx: Context, fd: int, offset: int, whence: int) -> int:
        """EINVAL. Devices without a size stay at 0."""
        entry = self._get(fd)
        if whence not in (const.SEEK_SET, const.SEEK_CUR, const.SEEK_END):
            raise KernelError(Errno.EINVAL, f"whence {whence}")
        size = entry.device.size
        if size is None:
            return 0
        entry.offset = _position(offset + (0, entry.offset, size)[whence])
        return entry.offset

    def fsync(self, ctx: Context, fd: int) -> Any:
        return self._get(fd).device.flush()

    # -- control

    def fstat(self, ctx: Context, fd: int) -> Stat:
        """What vfs does not know of it: to clients it answers itself, with the node's owner and times."""
        entry = self._get(fd)
        kind = const.S_IFBLK if entry.block else const.S_IFCHR
        return Stat(st_mode=kind, st_nlink=1, st_rdev=entry.rdev, st_size=entry.device.size or 0, st_blksize=BLKSIZE)

    def fcntl(self, ctx: Context, fd: int, cmd: int, arg: int | None, lock: Flock | None) -> FcntlResult:
        """F_GETFL and F_SETFL, which vfs passes on; to clients it answers itself. EINVAL for others."""
        entry = self._get(fd)
        if cmd == const.F_GETFL:
            return FcntlResult(entry.flags & (const.O_ACCMODE | SETTABLE))
        if cmd == const.F_SETFL:
            entry.flags = entry.flags & ~SETTABLE | (arg or 0) & SETTABLE
            return FcntlResult()
        raise KernelError(Errno.EINVAL, f"fcntl command {cmd}")

    def ioctl(self, ctx: Context, fd: int, com: int, data: IoctlArgs | None) -> Any:
        """FIONREAD, FIONBIO, FIOASYNC, of disks DIOCGMEDIASIZE and DIOCGSECTORSIZE, and the driver's own. ENOTTY."""
        entry = self._get(fd)
        device = entry.device
        if com == const.FIONREAD:
            return IoctlResult(0, IoctlArgsInteger(device.available()))
        if com in (const.FIONBIO, const.FIOASYNC):
            flag = const.O_NONBLOCK if com == const.FIONBIO else const.O_ASYNC
            on = isinstance(data, IoctlArgsInteger) and data.integer
            entry.flags = entry.flags | flag if on else entry.flags & ~flag
            return IoctlResult()
        if device.size is not None and com == const.DIOCGMEDIASIZE:
            return IoctlResult(0, IoctlArgsInteger(device.size))
        if device.size is not None and com == const.DIOCGSECTORSIZE:
            return IoctlResult(0, IoctlArgsInteger(device.sector))
        return device.ioctl(ctx, com, data)

    # -- the table

    def has(self, fd: int) -> bool:
        return fd in self._open

    def device(self, fd: int) -> Device:
        """EBADF."""
        return self._get(fd).device

    def _get(self, fd: int) -> OpenDevice:
        entry = self._open.get(fd)
        if entry is None:
            if self.records.inherited:
                raise KernelError(Errno.EIO, "the component that held this device has ended")
            raise KernelError(Errno.EBADF, f"no open device {fd}")
        return entry

    def _readable(self, fd: int) -> OpenDevice:
        entry = self._get(fd)
        if entry.flags & const.O_ACCMODE == const.O_WRONLY:
            raise KernelError(Errno.EBADF, "not open for reading")
        return entry

    def _writable(self, fd: int) -> OpenDevice:
        entry = self._get(fd)
        if entry.flags & const.O_ACCMODE == const.O_RDONLY:
            raise KernelError(Errno.EBADF, "not open for writing")
        return entry


_NOBODY = Context(pid=0)


def _moved(entry: OpenDevice, count: int) -> None:
    if entry.device.size is not None:
        entry.offset += count


def _then(result: Any, done: Callable[[Any], None]) -> Any:
    """The value of a device's call, or a coroutine that gives it; ``done`` is told of it."""
    if type(result) is CoroutineType:
        return _after(result, done)
    done(result)
    return result


async def _after(result: Any, done: Callable[[Any], None]) -> Any:
    value = await result
    done(value)
    return value


def _position(offset: int) -> int:
    if not 0 <= offset <= OFFSET_MAX:
        raise KernelError(Errno.EINVAL, f"offset {offset}")
    return offset


def _total(iov: Sequence[int]) -> int:
    if len(iov) > const.IOV_MAX or sum(iov) > OFFSET_MAX:
        raise KernelError(Errno.EINVAL, "too much to read into")
    return sum(iov)


def _joined(iov: Sequence[Buffer]) -> Buffer:
    if len(iov) > const.IOV_MAX:
        raise KernelError(Errno.EINVAL, f"{len(iov)} buffers")
    return iov[0] if len(iov) == 1 else b"".join(iov)

"""How disks of dev get at what they stand on: vfs knows the names, holds what they lead to, and says where it is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from rumpdev.core.device import Device, DeviceSwitch
from rumpdev.core.storage import DeviceStorage, FileStorage, HostStorage, Storage
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.host import HostFiles
from rumpuser.pending import value_of
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskTakeResult

_TAKE, _GIVE = OPS["disk_take"], OPS["disk_give"]
EVERYTHING = 0


@dataclass(slots=True)
class Taken:
    """A disk or file that nobody else can have now."""

    path: bytes
    storage: Storage
    answer: DiskTakeResult


class Taking:
    """Takes and gives back."""

    def __init__(self, bus: Bus, files: HostFiles, switch: DeviceSwitch) -> None:
        self._bus = bus
        self._files = files
        self._switch = switch

    async def take(self, ctx: Context, path: bytes, *, readonly: bool = False, files: bool = False) -> Taken:
        """A disk by its name in the kernel, with ``files`` a file. Always comes back through `give`.

        EPERM, errors of namei, ENOTBLK, EROFS, EBUSY, ENXIO (also: on another host), and the driver's own.
        """
        try:
            vfs = self._bus.peer("vfs")
        except KernelError as error:
            raise KernelError(Errno.ENXIO, "the file system faction is not running", "dev") from error
        answer: DiskTakeResult = await value_of(vfs.call(ctx, _TAKE, (path, readonly, files)))
        try:
            return Taken(path, self._storage(answer), answer)
        except BaseException:
            await self._give(answer.handle)
            raise

    async def give(self, taken: Taken) -> None:
        taken.storage.close()
        await self._give(taken.answer.handle)

    async def begin(self) -> None:
        """What a dev before this one had taken is free."""
        await self._give(EVERYTHING)

    async def _give(self, handle: int) -> None:
        with contextlib.suppress(KernelError):  # a vfs that is gone holds nothing
            await value_of(self._bus.peer("vfs").call(KERNEL, _GIVE, (handle,)))

    def _storage(self, answer: DiskTakeResult) -> Storage:
        if answer.hostpath:
            return self._host(answer)
        if answer.rdev:
            return self._device(answer.rdev, readonly=answer.readonly)
        return FileStorage(self._bus, answer)

    def _host(self, answer: DiskTakeResult) -> Storage:
        try:
            file = self._files.open(answer.hostpath, write=not answer.readonly)
        except KernelError as error:
            if error.errno != Errno.ENOENT:
                raise
            text = f"{answer.hostpath.decode(errors='replace')} is not on the host of the device faction"
            raise KernelError(Errno.ENXIO, text, "dev") from error
        if answer.begin + answer.size > file.size:
            file.close()
            raise KernelError(Errno.ENXIO, "the host file is another one on the host of the device faction")
        return HostStorage(file, answer.hostpath, answer.begin, answer.size)

    def _device(self, rdev: int, *, readonly: bool) -> Storage:
        driver = self._switch.find(rdev, block=True)
        try:
            device = driver.open(const.minor(rdev), const.O_RDONLY if readonly else const.O_RDWR, block=True)
        except KernelError as error:
            if readonly or error.errno != Errno.EROFS:
                raise
            return self._device(rdev, readonly=True)
        try:
            return _below(device, readonly=readonly)
        except BaseException:
            device.close()
            raise


def _below(device: Device, *, readonly: bool) -> Storage:
    """ENXIO, EOPNOTSUPP."""
    size = device.size
    if size is None:
        raise KernelError(Errno.ENXIO, "the disk below is not configured")
    if device.waits:
        raise KernelError(Errno.EOPNOTSUPP, "a vnd on a file of the kernel cannot be under another disk")
    age = device.age
    return DeviceStorage(device, size, readonly=readonly, same=lambda: device.age == age)

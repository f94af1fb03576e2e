"""Device nodes (specfs): what is opened there is an object of the device faction, reached over the bus."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from rumpuser.component import KERNEL, Bus, Context
from rumpuser.host import Buffer
from rumpuser.pending import value_of
from rumpvfs.core.file import OpenFile
from rumpvfs.core.mount import Dead
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsInteger

_OPEN, _FSYNC = OPS["dev_open"], OPS["fsync"]
_READ, _WRITE, _PREAD, _PWRITE = OPS["read"], OPS["write"], OPS["pread"], OPS["pwrite"]
_LSEEK, _IOCTL, _FCNTL, _CLOSE = OPS["lseek"], OPS["ioctl"], OPS["fcntl"], OPS["close"]


async def ask(bus: Bus, ctx: Context, op: Any, args: tuple[Any, ...]) -> Any:
    """A call of the device faction; ENXIO when it is not running."""
    try:
        peer = bus.peer("dev")
    except KernelError as error:
        raise KernelError(Errno.ENXIO, "the device faction is not running", "vfs") from error
    return await value_of(peer.call(ctx, op, args))


async def open_device(bus: Bus, ctx: Context, vnode: Vnode, flags: int) -> DeviceFile:
    """Opens a device node, which the caller holds. ENXIO, ENODEV, EBUSY and what the driver says."""
    rdev = vnode.getattr().st_rdev
    handle = await ask(bus, ctx, _OPEN, (vnode.vtype is VType.BLK, rdev, flags))
    return DeviceFile(vnode, flags, bus, handle)


class DeviceFile(OpenFile):
    """A device, opened; ``handle`` is that of the device faction, None when that was taken away (revoke)."""

    __slots__ = ("_bus", "handle")

    def __init__(self, vnode: Vnode, flags: int, bus: Bus, handle: int) -> None:
        super().__init__(vnode, flags)
        self._bus = bus
        self.handle: int | None = handle

    def _ask(self, ctx: Context, op: Any, *args: Any) -> Coroutine[Any, Any, Any]:
        """EIO when it was revoked, or its file system unmounted by force."""
        if self.handle is None or isinstance(self.vnode, Dead):
            raise KernelError(Errno.EIO, "the device was taken away (revoke, or unmount by force)", "vfs")
        return ask(self._bus, ctx, op, (self.handle, *args))

    def close(self, ctx: Context) -> Any:
        super().close(ctx)
        return self.disconnect(ctx)

    def disconnect(self, ctx: Context) -> Any:
        """Closes the device; a second time nothing is done."""
        handle, self.handle = self.handle, None
        return ask(self._bus, ctx, _CLOSE, (handle,)) if handle is not None else None

    def read(self, ctx: Context, length: int) -> Any:
        self.need_read()
        return self._ask(ctx, _READ, length)

    def write(self, ctx: Context, data: Buffer) -> Any:
        self.need_write()
        return self._ask(ctx, _WRITE, data)

    def pread(self, ctx: Context, length: int, offset: int) -> Any:
        self.need_read()
        return self._ask(ctx, _PREAD, length, offset)

    def pwrite(self, ctx: Context, data: Buffer, offset: int) -> Any:
        self.need_write()
        return self._ask(ctx, _PWRITE, data, offset)

    def seek(self, ctx: Context, offset: int, whence: int) -> Any:
        return self._ask(ctx, _LSEEK, offset, whence)

    def fcntl(self, ctx: Context, cmd: int, arg: int) -> Any:
        """The device knows the flags too: O_NONBLOCK is for it."""
        result = super().fcntl(ctx, cmd, arg)
        return self._tell_flags(ctx, result) if cmd == const.F_SETFL else result

    async def _tell_flags(self, ctx: Context, result: Any) -> Any:
        await self._ask(ctx, _FCNTL, const.F_SETFL, self.flags, None)
        return result

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        if com == const.FIONBIO:
            on = isinstance(data, IoctlArgsInteger) and data.integer
            self.flags = self.flags | const.O_NONBLOCK if on else self.flags & ~const.O_NONBLOCK
        return self._ask(ctx, _IOCTL, com, data)

    def sync(self, *, data_only: bool) -> Any:
        return self._ask(KERNEL, _FSYNC)

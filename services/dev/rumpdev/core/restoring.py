"""What dev leaves to its successor: which disks were configured how, and which devices are open.

Disks that stand on something are configured again by the ioctls that did it before, in their order. The key of a cgd is
a secret and is not written down: after dev has ended, somebody who knows it has to configure the disk again, and what
is open on it is lost until then. A memory disk comes back with its size, and empty: nothing else is lost without a word
than what was only in memory, and a file system that is mounted on it goes on with the memory that it has mapped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rumpuser.component import KERNEL
from rumpuser.pending import then, value_of
from rumpuser.plain import flat, whole
from rumpwire import const
from rumpwire.calls import OPS, Op
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

log = logging.getLogger(__name__)

RECORDED = frozenset({"ioctl"})
_SETS = {const.VNDIOCSET: const.VNDIOCCLR}
"""Ioctls that configure a disk, and those that take it away."""
_CLEARS = frozenset(_SETS.values())


def record(dev: DevComponent, op: Op, args: tuple[Any, ...], value: Any) -> Any:
    """The value of an ioctl; a configuration is written down when it has succeeded."""
    if args[1] not in _SETS and args[1] not in _CLEARS:
        return value
    return then(value, lambda _: _write(dev, args))


def _write(dev: DevComponent, args: tuple[Any, ...]) -> None:
    rdev = dev.handles.of_pseudo(args[0]).rdev
    if args[1] in _SETS:
        dev.host.records.put("disks", rdev, (args[1], flat(args[2])))
    else:
        dev.host.records.delete("disks", rdev)


async def restore(dev: DevComponent) -> None:
    records = dev.host.records
    for rdev, (com, data), _ in records.items("disks"):
        try:
            handle = await value_of(dev.call(KERNEL, OPS["dev_open"], (False, rdev, const.O_RDWR)))
            await value_of(dev.call(KERNEL, OPS["ioctl"], (handle, com, whole(data))))
            await value_of(dev.call(KERNEL, OPS["close"], (handle,)))
        except (KernelError, ValueError) as error:
            log.error("disk %#x is not configured again: %s", rdev, error)
    for handle, value, _ in records.items("devices"):
        try:
            dev.handles.reopen(handle, *value)
        except KernelError as error:
            records.delete("devices", handle)
            log.warning("device %d does not come back: %s", handle, error)

"""What dev leaves to its successor: which disks were configured how, and which devices are open.

A vnd is configured again as it was before, by its ioctl. The key of a cgd is a secret and is not written down: after
dev has ended, somebody who knows it has to configure the disk again, and what is open on it is lost until then. A
memory disk comes back with its size, and empty, so whoever has it open is told (EIO); a file system that is mounted on
it goes on with the memory that it has mapped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rumpuser.component import KERNEL
from rumpuser.pending import value_of
from rumpuser.plain import whole
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

log = logging.getLogger(__name__)


async def restore(dev: DevComponent) -> None:
    records = dev.host.records
    for unit, size, _ in records.items("memory disks"):
        try:
            dev.call(KERNEL, OPS["md_create"], (unit, size))
        except KernelError as error:
            log.error("md%d is not made again: %s", unit, error)
    for rdev, (com, data), _ in records.items("disks"):
        try:
            handle = await value_of(dev.call(KERNEL, OPS["dev_open"], (False, rdev, const.O_RDWR)))
            await value_of(dev.call(KERNEL, OPS["ioctl"], (handle, com, whole(data))))
            await value_of(dev.call(KERNEL, OPS["close"], (handle,)))
        except (KernelError, ValueError) as error:
            log.error("disk %#x is not configured again: %s", rdev, error)
    for handle, (block, rdev, flags), _ in records.items("devices"):
        try:
            if const.major(rdev) == (const.MAJOR_MD_BLK if block else const.MAJOR_MD_CHR):
                raise KernelError(Errno.EIO, "what was on the memory disk is lost")
            dev.handles.reopen(handle, block, rdev, flags)
        except KernelError as error:
            records.delete("devices", handle)
            log.warning("device %d does not come back: %s", handle, error)

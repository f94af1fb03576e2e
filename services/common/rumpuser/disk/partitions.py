"""Finding partitions, whichever table a disk has.

GPT goes before MBR, which every GPT disk has too; an MBR's partitions of the BSDs are looked into for their disklabel;
a disklabel alone is looked for in the first 64 KiB.
"""

from __future__ import annotations

from rumpwire.errno import Errno, KernelError

from . import disklabel, gpt, mbr
from .device import BlockDevice, Slice
from .table import Partition

__all__ = ["Partition", "find", "open_partition"]


def find(device: BlockDevice) -> list[Partition]:
    """All partitions, none where there is no table. EIO for a table that is damaged.

    Names are ``1``, ``2``, ... in GPT and MBR (logical ones from ``5`` on), ``a``, ``b``, ... in a disklabel, and
    ``1a`` for a in the disklabel of MBR partition 1. A partition may reach over the end of a disk that was cut short.
    """
    if gpt.is_gpt(device):
        return gpt.read(device)
    found = mbr.read(device)
    for outer in [*found]:
        found += disklabel.inside(device, outer)
    return found or disklabel.read(device)


def open_partition(device: BlockDevice, name: str) -> Slice:
    """A partition as a device. ENXIO when there is none of that name, EINVAL when it is not all there, EIO."""
    for partition in find(device):
        if partition.name == name:
            return Slice(device, partition.start, partition.size, f"{device.name}{name}")
    raise KernelError(Errno.ENXIO, f"{device.name} has no partition {name}")

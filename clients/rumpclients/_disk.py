"""What the programs for disks of dev share: names of devices, and ioctl."""

from __future__ import annotations

import os
from typing import Any

import rump
from rumpclients._command import CommandError


def raw(name: str) -> str:
    """The raw device of a disk: ``cgd0``, ``cgd0d`` and ``/dev/cgd0d`` are ``/dev/rcgd0d``."""
    folder, base = os.path.split(name)
    if not base[-1:].isalpha():
        base += "d"
    return f"{folder or '/dev'}/{base if base.startswith(('rcgd', 'rvnd', 'rraid')) else 'r' + base}"


def block(name: str) -> str:
    """The block device of a disk that bears a short name."""
    return name if "/" in name else f"/dev/{name}"


def ioctl(k: rump.Client, device: str, com: int, data: Any = None, *, write: bool = True) -> Any:
    """What a command gives."""
    fd = k.sys.open(device, os.O_RDWR if write else os.O_RDONLY)
    try:
        return k.sys.ioctl(fd, com, data).data
    finally:
        k.sys.close(fd)


def units(k: rump.Client, driver: str) -> list[str]:
    """The units of a driver that are configured."""
    found = [row for row in k.pub.dev_list() if row.name == driver]
    if not found:
        raise CommandError(f"the kernel has no driver {driver}")
    return list(found[0].units)


def read_host(path: str) -> str:
    """A text file of this machine."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def media_size(k: rump.Client, fd: int) -> int:
    """Bytes of a disk that is open."""
    data: Any = k.sys.ioctl(fd, rump.DIOCGMEDIASIZE).data
    return int(getattr(data, "integer", data))

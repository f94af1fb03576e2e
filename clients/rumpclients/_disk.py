"""What the programs for disks of dev share: names of devices, and ioctl."""

from __future__ import annotations

import contextlib
import os
import stat
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


def block_of(k: rump.Client, name: str) -> str:
    """The block device of a disk: ``/dev/vnd0d``, also by ``vnd0d`` and ``/dev/rvnd0d``."""
    path = block(name)
    folder, base = os.path.split(path)
    other = f"{folder}/{base[1:]}"
    with contextlib.suppress(OSError):
        if base.startswith("r") and _is(k, path, stat.S_IFCHR) and _is(k, other, stat.S_IFBLK):
            return other
    return path


def _is(k: rump.Client, path: str, kind: int) -> bool:
    return stat.S_IFMT(k.sys.stat(path).st_mode) == kind


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

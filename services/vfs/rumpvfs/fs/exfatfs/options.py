"""Options of a mount: those of FAT that mean something here."""

from __future__ import annotations

from dataclasses import dataclass

from rumpvfs.core.vnode import MountRequest
from rumpvfs.fs.msdosfs.options import GMTOFF_MAX, IDS_MAX, flag, number
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, OptionArgs


@dataclass(frozen=True, slots=True)
class Options:
    """``gmtoff`` is for times that do not tell their offset from UTC."""

    uid: int
    gid: int
    mask: int
    dirmask: int
    gmtoff: int
    atime: bool


def parse(request: MountRequest) -> Options:
    """EINVAL for options that are not known, and arguments of another file system."""
    if request.args is not None and not isinstance(request.args, DiskArgs | OptionArgs):
        raise KernelError(Errno.EINVAL, "the arguments are those of another file system", "exfat")
    options = dict(request.options)
    mask = number(options, "mask", 0o755, 0, 0o777, 8)
    found = Options(
        uid=number(options, "uid", 0, 0, IDS_MAX),
        gid=number(options, "gid", 0, 0, IDS_MAX),
        mask=mask,
        dirmask=number(options, "dirmask", mask, 0, 0o777, 8),
        gmtoff=number(options, "gmtoff", 0, -GMTOFF_MAX, GMTOFF_MAX),
        atime=not flag(options, "noatime"),
    )
    if options:
        raise KernelError(Errno.EINVAL, f"{', '.join(sorted(options))}: no option of exfat", "exfat")
    return found

"""Options of a mount, by the names that mount_msdos(8) and Linux have for them."""

from __future__ import annotations

from dataclasses import dataclass

from rumpvfs.core.vnode import MountRequest
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, OptionArgs

from .names import CODE_PAGES

IDS_MAX = 0xFFFFFFFE
GMTOFF_MAX = 14 * 3600


@dataclass(frozen=True, slots=True)
class Options:
    """``mask`` and ``dirmask`` are what permissions files and directories may have at most."""

    uid: int = 0
    gid: int = 0
    mask: int = 0o755
    dirmask: int = 0o755
    gmtoff: int = 0
    long_names: bool = True
    code_page: str = "cp437"
    atime: bool = True


def number(options: dict[str, str], name: str, default: int, low: int, high: int, base: int = 10) -> int:
    """Takes an option out of the others. EINVAL."""
    text = options.pop(name, None)
    if text is None:
        return default
    try:
        value = int(text, base)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise KernelError(Errno.EINVAL, f"{name}={text}: not a number that it may be")
    return value


def flag(options: dict[str, str], name: str) -> bool:
    """Takes an option without a value out of the others. EINVAL."""
    text = options.pop(name, "false")
    if text not in ("true", "false", "1", "0", ""):
        raise KernelError(Errno.EINVAL, f"{name} takes no value")
    return text not in ("false", "0")


def parse(request: MountRequest) -> Options:
    """EINVAL for options that are not known, and arguments of another file system."""
    if request.args is not None and not isinstance(request.args, DiskArgs | OptionArgs):
        raise KernelError(Errno.EINVAL, "the arguments are those of another file system", "msdos")
    options = dict(request.options)
    mask = number(options, "mask", 0o755, 0, 0o777, 8)
    page = number(options, "codepage", 437, 0, 9999)
    if page not in CODE_PAGES:
        raise KernelError(Errno.EINVAL, f"code page {page} is not known", "msdos")
    short = [flag(options, name) for name in ("shortnames", "nowin95")]
    long_names = flag(options, "longnames")
    if long_names and any(short):
        raise KernelError(Errno.EINVAL, "longnames and shortnames exclude one another", "msdos")
    found = Options(
        uid=number(options, "uid", 0, 0, IDS_MAX),
        gid=number(options, "gid", 0, 0, IDS_MAX),
        mask=mask,
        dirmask=number(options, "dirmask", mask, 0, 0o777, 8),
        gmtoff=number(options, "gmtoff", 0, -GMTOFF_MAX, GMTOFF_MAX),
        long_names=not any(short),
        code_page=f"cp{page}",
        atime=not flag(options, "noatime"),
    )
    if options:
        raise KernelError(Errno.EINVAL, f"{', '.join(sorted(options))}: no option of msdos", "msdos")
    return found

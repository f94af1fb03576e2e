"""ptyfs (mount_ptyfs(8)): a node for each pseudo-terminal that is in use, with its owner and mode.

dev is asked which are in use, at the time of the call. Who takes a terminal (TIOCPTMGET, TIOCGRANTPT) gets its node;
owner and mode are kept here for as long as the terminal is in use. Master sides have no nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rumpvfs.core.terminals import TTY_GROUP, TTY_MODE
from rumpvfs.core.vnode import Changes, Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpvfs.fs.layerfs.layer import accepts
from rumpvfs.fs.synthetic import ROOT, Folder, Made, SyntheticFileSystem
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Driver, Stat

FIRST = 3
"""File number of terminal 0."""
PREFIX = "pts"


@dataclass(slots=True)
class Owned:
    """Attributes of a node."""

    uid: int
    gid: int
    mode: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int


class Ptyfs(SyntheticFileSystem):
    type_name = "ptyfs"

    def __init__(self, env: Environment, gid: int, mode: int) -> None:
        super().__init__(env)
        self.gid = gid
        self.mode = mode
        self._owned: dict[int, Owned] = {}
        self._root = Root(self, ROOT, None)

    def root(self) -> Vnode:
        return self._root

    def in_use(self) -> list[int]:
        """Numbers of terminals; what was known of others is forgotten. ENOSYS when dev is not running."""
        drivers: list[Driver] = self.env.ask("dev", "dev_list")
        names = [name for driver in drivers if driver.name == PREFIX for name in driver.units]
        units = sorted(int(name.removeprefix(PREFIX)) for name in names)
        for unit in self._owned.keys() - set(units):
            del self._owned[unit]
        return units

    def owned(self, unit: int) -> Owned:
        if unit not in self._owned:
            now = self.env.now_ns()
            self._owned[unit] = Owned(0, self.gid, self.mode, now, now, now)
        return self._owned[unit]

    # -- for ptm

    def slave(self, unit: int) -> Vnode:
        return self.keep(FIRST + unit, lambda: Terminal(self, unit, self._root))

    def granted(self) -> tuple[int, int]:
        return self.gid, self.mode


class Root(Folder):
    __slots__ = ()

    fs: Ptyfs

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        return ((FIRST + unit, VType.CHR, b"%d" % unit) for unit in self.fs.in_use())

    def lookup(self, name: bytes) -> Vnode:
        if not name.isdigit() or len(name) > 6 or name != b"%d" % int(name) or int(name) not in self.fs.in_use():
            raise KernelError(Errno.ENOENT)
        return self.fs.slave(int(name))


class Terminal(Made):
    """The slave side of a terminal."""

    __slots__ = ("unit",)

    fs: Ptyfs

    def __init__(self, fs: Ptyfs, unit: int, up: Made) -> None:
        super().__init__(fs, FIRST + unit, VType.CHR, 0, up)
        self.unit = unit

    def getattr(self) -> Stat:
        owned = self.fs.owned(self.unit)
        return Stat(
            st_dev=self.fs.dev,
            st_mode=self.vtype | owned.mode,
            st_ino=self.fileno,
            st_nlink=1,
            st_uid=owned.uid,
            st_gid=owned.gid,
            st_rdev=const.makedev(const.MAJOR_PTS, self.unit),
            st_atime_ns=owned.atime_ns,
            st_mtime_ns=owned.mtime_ns,
            st_ctime_ns=owned.ctime_ns,
            st_birthtime_ns=owned.ctime_ns,
            st_blksize=512,
        )

    def owner(self) -> tuple[int, int, int]:
        owned = self.fs.owned(self.unit)
        return owned.mode, owned.uid, owned.gid

    def setattr(self, changes: Changes) -> None:
        """EOPNOTSUPP for flags."""
        if changes.flags is not None:
            raise KernelError(Errno.EOPNOTSUPP, "terminals have no flags")
        owned = self.fs.owned(self.unit)
        for name in ("uid", "gid", "mode", "atime_ns", "mtime_ns"):
            value = getattr(changes, name)
            if value is not None:
                setattr(owned, name, value)
        owned.ctime_ns = self.fs.env.now_ns()


def number(options: dict[str, str], name: str, default: int, base: int, most: int) -> int:
    """An option that is a number. EINVAL."""
    text = options.pop(name, None)
    if text is None:
        return default
    try:
        value = int(text, base)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise KernelError(Errno.EINVAL, f"{name}={text}: a number up to {most:#o} in base {base}")
    return value


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    options = dict(request.options)
    gid = number(options, "gid", TTY_GROUP, 10, 0xFFFFFFFE)
    mode = number(options, "mode", TTY_MODE, 8, 0o777)
    if options or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "ptyfs has the options gid and mode")
    return Ptyfs(environment, gid, mode)


FILE_SYSTEM = FileSystemType("ptyfs", mount, needs_device=False)

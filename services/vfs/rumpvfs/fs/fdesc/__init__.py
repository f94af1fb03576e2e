"""fdesc (mount_fdesc(8)): the descriptors of the calling process as files.

``fd`` has one for each, ``stdin``, ``stdout`` and ``stderr`` lead to the first three, and ``tty`` is the controlling
terminal. The gateway owns descriptors: it is asked which there are and what they are, and opening one gives back only
which it is, for the gateway to duplicate (`Vnode.descriptor`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rumpvfs.core.vnode import Changes, Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpvfs.fs.layerfs.layer import accepts
from rumpvfs.fs.synthetic import ROOT, Folder, Link, Made, SyntheticFileSystem
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

LINKS = {b"stdin": 0, b"stdout": 1, b"stderr": 2}
NUMBERS = {b"fd": 3, b"stdin": 4, b"stdout": 5, b"stderr": 6, b"tty": 7}
KINDS = {b"fd": VType.DIR, b"tty": VType.CHR}
FIRST = 10
"""File number of descriptor 0."""


class Fdesc(SyntheticFileSystem):
    type_name = "fdesc"

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._root = Root(self, ROOT, None)

    def root(self) -> Vnode:
        return self._root

    def descriptors(self) -> list[int]:
        """Those of the caller. ESRCH."""
        found: list[int] = self.env.ask("gateway", "fd_list", self.env.caller())
        return found

    def stat(self, number: int) -> Stat:
        """EBADF, and what the owner of the object says."""
        st: Stat = self.env.ask("gateway", "fd_stat", self.env.caller(), number)
        return st


class Root(Folder):
    __slots__ = ()

    fs: Fdesc

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        return ((number, KINDS.get(name, VType.LNK), name) for name, number in NUMBERS.items())

    def lookup(self, name: bytes) -> Vnode:
        if name not in NUMBERS:
            raise KernelError(Errno.ENOENT)
        return self.fs.keep(NUMBERS[name], lambda: self._make(name))

    def _make(self, name: bytes) -> Made:
        number = NUMBERS[name]
        if name == b"fd":
            return Descriptors(self.fs, number, self)
        if name == b"tty":
            return ControllingTerminal(self.fs, number, VType.CHR, 0o666, self)
        return Link(self.fs, number, self, _to(LINKS[name]))


def _to(number: int) -> Callable[[], bytes]:
    return lambda: b"fd/%d" % number


class ControllingTerminal(Made):
    """/dev/tty."""

    __slots__ = ()

    def getattr(self) -> Stat:
        return super().getattr()._replace(st_rdev=const.makedev(const.MAJOR_CTTY, 0))


class Descriptors(Folder):
    __slots__ = ()

    fs: Fdesc

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        return ((FIRST + number, VType.CHR, b"%d" % number) for number in self.fs.descriptors())

    def lookup(self, name: bytes) -> Vnode:
        """ENOENT for what is no number, EBADF for one that is not open."""
        if not name.isdigit() or len(name) > 9 or name != b"%d" % int(name):
            raise KernelError(Errno.ENOENT)
        number = int(name)
        if number not in self.fs.descriptors():
            raise KernelError(Errno.EBADF, f"descriptor {number} is not open")
        return self.fs.keep(FIRST + number, lambda: Descriptor(self.fs, number, self))


class Descriptor(Made):
    """One number. What stands behind it is another thing for every process."""

    __slots__ = ("number",)

    fs: Fdesc

    def __init__(self, fs: Fdesc, number: int, up: Made) -> None:
        super().__init__(fs, FIRST + number, VType.CHR, 0o666, up)
        self.number = number

    @property
    def descriptor(self) -> int:  # type: ignore[override]
        return self.number

    def getattr(self) -> Stat:
        """Of what is open there, but for which file it is here."""
        return self.fs.stat(self.number)

    def owner(self) -> tuple[int, int, int]:
        st = self.getattr()
        return st.st_mode, st.st_uid, st.st_gid

    def setattr(self, changes: Changes) -> None:
        """EACCES: attributes are changed through the descriptor."""
        raise KernelError(Errno.EACCES, "change it by its descriptor")


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    if request.options or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "fdesc has no options")
    return Fdesc(environment)


FILE_SYSTEM = FileSystemType("fdesc", mount, needs_device=False)

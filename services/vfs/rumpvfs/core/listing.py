"""getdents_stat and getdents_packed: entries of a directory with their attributes, for whoever walks a tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rumpuser.component import Context
from rumpvfs.core.access import EXEC, check
from rumpvfs.core.attributes import Attributes
from rumpvfs.core.descriptors import Descriptors
from rumpvfs.core.file import DataFile
from rumpvfs.core.gates import Slow
from rumpvfs.core.mount import Dead
from rumpvfs.core.questions import Again
from rumpvfs.core.vnode import Vnode
from rumpwire.const import AT_SYMLINK_NOFOLLOW, MNT_UNION
from rumpwire.errno import KernelError
from rumpwire.packed import pack
from rumpwire.values import Dirent, DirentStat, Stat

MOST = 1024
"""Entries that are given at a time, so that one caller does not keep vfs from the others for long."""
_ENTRY = 32
"""Bytes of an entry with a short name."""
T = TypeVar("T")


class Listing:
    """The calls getdents_stat and getdents_packed."""

    def __init__(self, files: Descriptors, attributes: Attributes) -> None:
        self._files = files
        self._attributes = attributes

    def getdents_stat(self, ctx: Context, fd: int, count: int) -> list[DirentStat]:
        """As getdents; an entry whose file cannot be looked at has no attributes."""
        return self._listed(ctx, fd, count, DirentStat)

    def getdents_packed(self, ctx: Context, fd: int, count: int) -> bytes:
        """The same as records (`rumpwire.packed`)."""
        return b"".join(self._listed(ctx, fd, count, _packed))

    def _listed(self, ctx: Context, fd: int, count: int, make: Callable[[Dirent, Stat | None], T]) -> list[T]:
        file = self._files.file(fd)
        before = file.offset, file.below if isinstance(file, DataFile) else 0
        entries = self._files.getdents(ctx, fd, min(count, MOST * _ENTRY))
        near = _searchable(ctx, file.vnode)
        try:
            return [make(entry, (near and _near(file.vnode, entry)) or self._stat(ctx, fd, entry)) for entry in entries]
        except (Again, Slow):  # the call is done again, from the beginning
            file.offset = before[0]
            if isinstance(file, DataFile):
                file.below = before[1]
            raise

    def _stat(self, ctx: Context, fd: int, entry: Dirent) -> Stat | None:
        if b"/" in entry.d_name:  # on a damaged disk: it would lead elsewhere
            return None
        try:
            return self._attributes.fstatat(ctx, fd, entry.d_name, AT_SYMLINK_NOFOLLOW)
        except (Again, Slow):
            raise
        except KernelError:
            return None


def _packed(entry: Dirent, st: Stat | None) -> bytes:
    return pack(entry.d_fileno, entry.d_type, entry.d_name, entry.d_off, st)


def _searchable(ctx: Context, directory: Vnode) -> bool:
    """Whether names in it need not be looked up one by one, with all that may be in the way."""
    if isinstance(directory, Dead) or directory.fs.mount.flags & MNT_UNION:
        return False
    try:
        check(directory, ctx.cred, EXEC)
    except KernelError:
        return False
    return True


def _near(directory: Vnode, entry: Dirent) -> Stat | None:
    """The attributes of a file that can be had without walking; None: it has to be looked up."""
    name = entry.d_name
    if name == b"." or name == b"..":
        return None
    known = directory.names
    child = known.get(name) if known is not None else None
    try:
        st = directory.glance(entry.d_fileno) if child is None else None if child.mounted else child.getattr()
    except KernelError:
        return None
    return st if st is not None and st[0] == directory.fs.dev else None

"""getdents_stat: entries of a directory with the attributes of their files, for whoever walks a tree."""

from __future__ import annotations

from rumpuser.component import Context
from rumpvfs.core.attributes import Attributes
from rumpvfs.core.descriptors import Descriptors
from rumpvfs.core.file import DataFile
from rumpvfs.core.gates import Slow
from rumpvfs.core.questions import Again
from rumpwire.const import AT_SYMLINK_NOFOLLOW
from rumpwire.errno import KernelError
from rumpwire.values import Dirent, DirentStat, Stat

MOST = 1024
"""Entries that are given at a time, so that one caller does not keep vfs from the others for long."""
_ENTRY = 32
"""Bytes of an entry with a short name."""


class Listing:
    """The call getdents_stat."""

    def __init__(self, files: Descriptors, attributes: Attributes) -> None:
        self._files = files
        self._attributes = attributes

    def getdents_stat(self, ctx: Context, fd: int, count: int) -> list[DirentStat]:
        """As getdents; an entry whose file cannot be looked at has no attributes."""
        file = self._files.file(fd)
        before = file.offset, file.below if isinstance(file, DataFile) else 0
        entries = self._files.getdents(ctx, fd, min(count, MOST * _ENTRY))
        try:
            return [DirentStat(entry, self._stat(ctx, fd, entry)) for entry in entries]
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

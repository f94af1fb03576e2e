"""Counts what calls change, in a page that clients of this host read (`rumpuser.leases`).

What a call may change follows from its name: those that are not known to leave everything alone count as a change of
names. vfs is one thread, and each step of a call is counted before anybody gets to see its answer.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

from rumpuser.leases import NAMES, OTHERS, Page, attributes_of, contents_of
from rumpvfs.core.file import OpenFile
from rumpvfs.core.state import Vfs
from rumpwire import const
from rumpwire.values import Stat

_QUIET = (
    "fstat lseek fcntl flock fsync fdatasync fsync_range sync getcwd getvfsstat statvfs1 fstatvfs1 pathconf fpathconf "
    "getfh fhstat fhstatvfs1 device_of dir_hold dir_dup dir_release socket_lookup lock_release sysctl_export ping "
    "hand_over run_seen module_list memory_held getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"
)
_LOOKS = "stat lstat fstatat access faccessat readlink readlinkat"
"""What is asked of a path: their answers are kept."""
_OPENS = {"open": 1, "openat": 2}
"""Where the flags are."""
_READS = "read pread readv preadv getdents"
_LISTS = "getdents_stat getdents_packed"
_WRITES = "write pwrite writev pwritev ftruncate posix_fallocate fdiscard futimes futimens"
_CLOSES = "close"
QUIET, LOOK, READ, LIST, WRITE, CLOSE, CHANGE = range(7)
_KINDS = {
    name: kind
    for kind, names in (
        (QUIET, _QUIET),
        (LOOK, _LOOKS),
        (READ, _READS),
        (LIST, _LISTS),
        (WRITE, _WRITES),
        (CLOSE, _CLOSES),
    )
    for name in names.split()
}


class Leases:
    """The page of this vfs, if there is one, and what is under way."""

    def __init__(self, vfs: Vfs, quiet: Iterable[str] = ()) -> None:
        self._vfs = vfs
        self._kinds = _KINDS | dict.fromkeys(quiet, QUIET)
        self._changing = 0
        self.page: Page | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For a successor, which gets a page of its own, and has no call that waits."""
        return {**self.__dict__, "page": None, "_changing": 0}

    def share(self, page: Page | None) -> None:
        """Counts in this page from now on, or in none."""
        before, self.page = self.page, page
        if before is not None:
            before.void()
        if page is not None:
            page.words[NAMES] = 2 + (self._changing > 0)
            page.open()

    def kind(self, name: str, args: tuple[Any, ...]) -> int:
        at = _OPENS.get(name)
        if at is not None:
            return CHANGE if args[at] & (const.O_CREAT | const.O_TRUNC) else LOOK
        return self._kinds.get(name, CHANGE)

    def begin(self, kind: int, args: tuple[Any, ...]) -> OpenFile | None:
        """A call begins that is not quiet; the file that it reads or changes."""
        if kind == CHANGE:
            self._changing += 1
            if self._changing == 1 and self.page is not None:
                self.page.words[NAMES] += 1
            return None
        self._vfs.names.strayed = False
        return None if kind == LOOK else self._vfs.files.get(args[0])

    def end(self, kind: int, file: OpenFile | None, value: Any, *, waited: bool = False) -> None:
        """A call has ended; ``waited``: others have run meanwhile."""
        if kind == CHANGE:
            self._changing -= 1
            if not self._changing and self.page is not None:
                self.page.words[NAMES] += 1
            return
        self.touch(kind, file)
        if kind in (LOOK, LIST) and (waited or self._vfs.names.strayed):
            self._spoil(value)

    def found(self, name: str, args: tuple[Any, ...], value: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The same call, which waits, and may be at work yet when there is a page."""
        if self.kind(name, args) != CHANGE:
            return value
        return self.later(CHANGE, self.begin(CHANGE, args), value)

    async def later(self, kind: int, file: OpenFile | None, value: Coroutine[Any, Any, Any]) -> Any:
        """The value of a call that waits, counted when it is there."""
        self.touch(kind, file)
        found = None
        try:
            found = await value
        finally:
            self.end(kind, file, found, waited=True)
        return found

    def touch(self, kind: int, file: OpenFile | None) -> None:
        """A file that is open was read or changed."""
        page = self.page
        if file is None or page is None:
            return
        vnode = file.vnode
        fs = vnode.fs
        if kind == WRITE:
            page.words[contents_of(fs.dev, vnode.fileno)] += 1
        elif kind == CLOSE:
            if not file.writable:
                return
        elif fs.noatime:
            return
        page.words[attributes_of(fs.dev, vnode.fileno)] += 1

    def _spoil(self, value: Any) -> None:
        """The answer came by ways on which something may change unseen: it is not to be kept."""
        page = self.page
        if page is None:
            return
        page.words[OTHERS] += 1
        if type(value) is Stat:
            page.words[attributes_of(value.st_dev, value.st_ino)] += 1

"""Paths of any length. A path of a system call has an end (PATH_MAX); a tree has not.

A long path is cut: descriptors of directories on its way are opened, and the rest is named from the last of them on.
In a walk through a tree the descriptors stay open as long as the paths asked for lie below them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rumpwire import const

Place = tuple[int, bytes]
"""A descriptor of a directory, or none (AT_FDCWD), and a path from there."""


class Places:
    """Turns paths into places."""

    def __init__(
        self, openat: Callable[[int, bytes], int], close: Callable[[int], None], none: int, longest: int
    ) -> None:
        self._openat = openat
        self._close = close
        self._none = none
        self._longest = longest
        self._open: list[tuple[bytes, int]] = []
        self.before_close: Callable[[], None] | None = None
        """Called before a descriptor is closed: calls that name it may still be waiting to be done."""

    def at(self, path: bytes) -> Place:
        """Where a path is. Errors of openat."""
        if len(path) <= self._longest and not self._open:
            return self._none, path
        while self._open and not path.startswith(self._open[-1][0] + b"/"):
            self._drop()
        start, fd = self._open[-1] if self._open else (b"", self._none)
        rest = path[len(start) + 1 :] if start else path
        while len(rest) > self._longest:
            cut = rest.rfind(b"/", 1, self._longest)
            if cut < 0:
                break  # one name that is too long: the call will say so
            start = start + b"/" + rest[:cut] if start else rest[:cut]
            fd = self._openat(fd, rest[:cut])
            self._open.append((start, fd))
            rest = rest[cut + 1 :].lstrip(b"/")
        return fd, rest

    def _drop(self) -> None:
        if self.before_close is not None:
            self.before_close()
        self._close(self._open.pop()[1])

    def close(self) -> None:
        while self._open:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


LONGEST = const.PATH_MAX // 2
"""Names in directories are at most half as long again, so that a name may be put behind any place."""


def joined(folder: bytes, name: bytes) -> bytes:
    """The path of a name in a directory; either may be empty."""
    if not name:
        return folder
    return folder + name if not folder or folder.endswith(b"/") else folder + b"/" + name

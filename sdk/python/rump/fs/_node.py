"""What is carried from one tree to another."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from rumpwire.values import Stat

SMALL = 64 << 10
"""Contents up to this length travel with the attributes, so that many files go in one message."""
CHUNK = 1 << 20
GROUP = 128
"""Files that are looked at in one go."""
AHEAD = 2
"""Groups of `FEW` files that are asked for ahead of those at work."""
FEW = 32


@dataclass(slots=True)
class Node:
    """A file of a tree. ``path`` is that below the top, which itself is ``b""``; st_rdev is a number of the kernel."""

    path: bytes
    st: Stat
    target: bytes = b""
    xattrs: dict[bytes, bytes] = field(default_factory=dict)
    data: bytes | None = None
    """All of a small file; None where it has to be asked for in pieces."""

    @property
    def kind(self) -> int:
        return stat.S_IFMT(self.st.st_mode)

    @property
    def identity(self) -> tuple[int, int]:
        return self.st.st_dev, self.st.st_ino


Pieces = Iterator[tuple[int, bytes]]
"""Offsets and data; what lies between them is a hole."""
Report = Callable[[bytes, OSError], None]
"""Told of what could not be done, and with which path below the top."""


class Progress(NamedTuple):
    """How far a copy is: the path below its top, and files and bytes so far."""

    path: bytes
    files: int
    size: int


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Kept:
    """What a copy keeps of its files besides their contents."""

    owners: bool = False
    modes: bool = True
    times: bool = True
    xattrs: bool = True
    links: bool = True
    """Names of one file stay names of one file."""


@dataclass(slots=True)
class Copied:
    """What was copied. ``lost`` is what the file system cannot keep: "owner", "mode", "times", "xattr", "link"."""

    files: int = 0
    directories: int = 0
    size: int = 0
    failed: int = 0
    lost: set[str] = field(default_factory=set)


class Source(Protocol):
    """A tree that is read."""

    def top(self) -> Node: ...

    def children(self, node: Node) -> Iterator[Node]:
        """What is in a directory; files that could not be looked at are reported."""
        ...

    def pieces(self, node: Node) -> Pieces:
        """The contents of a regular file."""
        ...

    def close(self) -> None: ...


class Target(Protocol):
    """A tree that is made. Errors are reported, now or at the next `flush`."""

    def directory(self, node: Node) -> None: ...

    def leave(self, node: Node) -> None:
        """All that belongs into a directory is there: it gets its attributes."""
        ...

    def file(self, node: Node, pieces: Pieces | None) -> None:
        """A regular file; without pieces its data are in the node."""
        ...

    def symlink(self, node: Node) -> None: ...

    def special(self, node: Node) -> None:
        """A device, a fifo, or the name of a socket."""
        ...

    def link(self, node: Node, first: bytes) -> None:
        """One more name of a file that was copied to ``first``."""
        ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


def is_sparse(st: Stat) -> bool:
    return st.st_size >= 4096 and st.st_blocks * 512 < st.st_size

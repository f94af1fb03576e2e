"""Descriptors of files that the host opens without asking.

Where nobody else changes the files, the host need not tell of every open and close. A file is opened when it is read
or written first, and closed when others were used more recently, or when the host forgets it. One that lost its last
name stays open until then: that is the only way that leads to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import OrderedDict

from rumpclients.fuse.nodes import Node
from rumpclients.fuse.volume import Volume

_LIMIT = 128
"""Open files that have names."""
_READONLY = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ETXTBSY}


class Kept:
    """The least recently used first."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._sys = volume.k.sys
        self._open: OrderedDict[int, Node] = OrderedDict()
        self._named = 0
        volume.nodes.dropped = self.drop

    def known(self, node: Node, *, writable: bool = False) -> int | None:
        """A descriptor that is open."""
        fd = node.handle(writable=writable)
        if fd is not None:
            self._open.move_to_end(fd)
        return fd

    def of(self, node: Node, *, writable: bool = False) -> int:
        """A descriptor. ESTALE for a file that has no name any more, and was not held."""
        fd = self.known(node, writable=writable)
        if fd is None:
            with self._volume.at(node) as place:
                flags = os.O_RDWR if writable else os.O_RDONLY
                fd = self._sys.openat(*place, flags | os.O_NONBLOCK)
            self.add(node, fd, writable=writable)
        return fd

    def read(self, node: Node, size: int, offset: int) -> memoryview | bytes:
        return self._sys.pread(self.of(node), size, offset)

    def add(self, node: Node, fd: int, *, writable: bool) -> None:
        node.handles[fd] = writable
        self._open[fd] = node
        self._named += 1
        if self._named > 2 * _LIMIT:
            self._evict()

    def _evict(self) -> None:
        """Closes those that are used least, but not what has no name."""
        named = [fd for fd, node in self._open.items() if node.names]
        for fd in named[: max(0, len(named) - _LIMIT)]:
            self.close(fd)
        self._named = _LIMIT

    def remove(self, node: Node, place: tuple[int, bytes]) -> None:
        """Takes a name of a file away, which the host may have open: it is held until the host forgets it."""
        self.hold(node)
        self._sys.unlinkat(*place)

    def hold(self, node: Node) -> None:
        """Before its name is gone: whoever has it open may go on to write."""
        with contextlib.suppress(FileNotFoundError):
            try:
                self.of(node, writable=True)
            except OSError as error:
                if error.errno not in _READONLY:
                    raise
                self.of(node)

    def close(self, fd: int) -> None:
        node = self._open.pop(fd, None)
        if node is not None:
            del node.handles[fd]
            self._sys.close(fd)

    def drop(self, node: Node) -> None:
        """The host has forgotten it."""
        for fd in list(node.handles):
            self.close(fd)

    def close_all(self) -> None:
        for fd in list(self._open):
            self.close(fd)

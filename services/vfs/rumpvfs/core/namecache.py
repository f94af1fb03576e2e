"""The name cache: what lookups in directories gave, kept in the directories themselves (`Vnode.names`).

Positive entries hold the vnode, negative ones None. The number of entries is bounded; when there are too many, the
directory that has been in the cache for longest loses all of its own. Whoever changes names says so with `forget`.
"""

from __future__ import annotations

from rumpvfs.core.vnode import FileSystem, Vnode


class NameCache:
    """Names of all mounts whose file system wants them cached, at most ``limit``."""

    __slots__ = ("_directories", "count", "entered", "evicted", "forgotten", "limit", "misses")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.misses = self.entered = self.forgotten = self.evicted = 0
        """Lookups that asked a file system; names put in, taken out again, and thrown out for room."""
        self._directories: dict[Vnode, dict[bytes, Vnode | None]] = {}

    def enter(self, directory: Vnode, name: bytes, vnode: Vnode | None) -> None:
        names = directory.names
        if names is None:
            names = directory.names = self._directories[directory] = {}
        if name not in names:
            self.count += 1
            self.entered += 1
        names[name] = vnode
        if self.count > self.limit:
            self._shrink(directory)

    def forget(self, directory: Vnode, name: bytes) -> None:
        names = self._directories.get(directory)
        if names is not None and name in names:
            del names[name]
            self.count -= 1
            self.forgotten += 1

    def forget_directory(self, directory: Vnode) -> None:
        names = self._directories.pop(directory, None)
        if names is not None:
            self.count -= len(names)
            directory.names = None

    def purge(self, fs: FileSystem) -> None:
        """Forgets all names of a file system."""
        for directory in [d for d in self._directories if d.fs is fs]:
            self.forget_directory(directory)

    def resize(self, limit: int) -> None:
        self.limit = limit
        self._shrink(None)

    def _shrink(self, keep: Vnode | None) -> None:
        """Drops directories, oldest first; the one that is being filled last."""
        while self.count > self.limit and self._directories:
            oldest = next(iter(self._directories))
            if oldest is keep and len(self._directories) > 1:
                self._directories[oldest] = self._directories.pop(oldest)
                continue
            self.evicted += len(self._directories[oldest])
            self.forget_directory(oldest)

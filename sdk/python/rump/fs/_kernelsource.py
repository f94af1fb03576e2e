"""A tree of a kernel that is read: directories, attributes and small files in few messages."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rump import _host
from rump._base import Future
from rump._errors import error_of
from rump.fs._node import CHUNK, GROUP, SMALL, Kept, Node, Pieces, Report, is_sparse
from rump.fs._places import LONGEST, Places, joined
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Dirent, Stat

if TYPE_CHECKING:
    from rump._client import Client

NOFOLLOW = const.AT_SYMLINK_NOFOLLOW
FOLDER = os.O_RDONLY | _host.OPEN.names["O_DIRECTORY"]
_READ = os.O_RDONLY | os.O_NONBLOCK
_DENTS = 64 << 10
_LINK = const.PATH_MAX
_WINDOW = 4
"""Pieces of a large file that are asked for in one message."""


def kernel_places(k: Client) -> Places:
    return Places(lambda fd, path: k.sys.openat(fd, path, FOLDER), k.sys.close, const.AT_FDCWD, LONGEST)


def read_directory(k: Client, fd: int, path: bytes) -> list[Dirent]:
    """Entries without ``.`` and ``..``. EIO for a name that no directory may hold."""
    with k.batch() as b:
        handle = b.openat(fd, path, FOLDER)
        first, second = b.getdents(handle, _DENTS), b.getdents(handle, _DENTS)
        b.close(handle)
    if handle.exception() is None and first.exception() is not None:
        k.sys.close(handle.result())  # the batch stopped before it came to that
    found = first.result() if handle.result() is not None else []
    if second.result():
        found = _long_directory(k, fd, path)
    return [entry for entry in found if _is_proper(entry.d_name)]


def _long_directory(k: Client, fd: int, path: bytes) -> list[Dirent]:
    found: list[Dirent] = []
    handle = k.sys.openat(fd, path, FOLDER)
    try:
        while entries := k.sys.getdents(handle, _DENTS * 4):
            found += entries
    finally:
        k.sys.close(handle)
    return found


def _is_proper(name: bytes) -> bool:
    if name in (b".", b".."):
        return False
    if not name or b"/" in name or b"\0" in name:
        raise error_of(KernelError(Errno.EIO, "a name that no directory may hold"))
    return True


def stats(k: Client, places: Sequence[tuple[int, bytes]]) -> list[Future[Stat]]:
    """Attributes of files themselves, not of what links lead to."""
    out: list[Future[Stat]] = []
    for at in range(0, len(places), GROUP * 2):
        with k.batch(keep_going=True) as b:
            out += [b.fstatat(fd, path, NOFOLLOW) for fd, path in places[at : at + GROUP * 2]]
    return out


class KernelSource:
    """``root`` is a path of the kernel. ``follow``: a link at the top is taken for what it leads to."""

    def __init__(self, k: Client, root: bytes, kept: Kept, report: Report, *, follow: bool = False) -> None:
        self._k = k
        self._root = root
        self._kept = kept
        self._report = report
        self._follow = follow
        self._places = kernel_places(k)

    def close(self) -> None:
        self._places.close()

    def _at(self, path: bytes) -> tuple[int, bytes]:
        return self._places.at(joined(self._root, path))

    def top(self) -> Node:
        fd, path = self._at(b"")
        node = Node(b"", self._k.sys.fstatat(fd, path, 0 if self._follow else NOFOLLOW))
        self._load([node])
        return node

    def children(self, node: Node) -> Iterator[Node]:
        fd, path = self._at(node.path)
        try:
            names = sorted(entry.d_name for entry in read_directory(self._k, fd, path))
        except OSError as error:
            self._report(node.path, error)
            return
        for start in range(0, len(names), GROUP):
            yield from self._group([joined(node.path, name) for name in names[start : start + GROUP]])

    def _group(self, paths: list[bytes]) -> Iterator[Node]:
        nodes = []
        for path, found in zip(paths, stats(self._k, [self._at(path) for path in paths]), strict=True):
            try:
                nodes.append(Node(path, found.result()))
            except OSError as error:
                self._report(path, error)
        start = size = 0
        for at, node in enumerate(nodes):
            size += min(node.st.st_size, SMALL)
            if size > 2 * CHUNK:
                yield from self._loaded(nodes[start:at])
                start, size = at, min(node.st.st_size, SMALL)
        yield from self._loaded(nodes[start:])

    def _loaded(self, nodes: list[Node]) -> list[Node]:
        bad = self._load(nodes)
        return [node for node in nodes if id(node) not in bad]

    # -- what a node carries

    def _load(self, nodes: list[Node]) -> set[int]:
        """Fetches targets, small files and the names of attributes. The nodes for which it failed: that is reported."""
        asked: list[tuple[Node, Future[bytes] | None, Future[list[bytes]] | None]] = []
        with self._k.batch(keep_going=True) as b:
            for node in nodes:
                fd, path = self._at(node.path)
                data: Future[bytes] | None = None
                names: Future[list[bytes]] | None = None
                small = node.st.st_size <= SMALL and not is_sparse(node.st)
                if node.kind == stat.S_IFLNK:
                    data = b.readlinkat(fd, path, _LINK)
                elif node.kind == stat.S_IFREG and (small or self._kept.xattrs):
                    handle = b.openat(fd, path, _READ)
                    data = b.pread(handle, max(node.st.st_size, 1), 0) if small else None
                    names = b.flistxattr(handle) if self._kept.xattrs else None
                    b.close(handle)
                elif node.kind == stat.S_IFDIR and self._kept.xattrs:
                    handle = b.openat(fd, path, FOLDER)
                    names = b.flistxattr(handle)
                    b.close(handle)
                asked.append((node, data, names))
        bad = {id(node) for node, data, _ in asked if data is not None and not self._take(node, data)}
        self._load_xattrs([(node, names) for node, _, names in asked if names is not None and id(node) not in bad])
        return bad

    def _take(self, node: Node, data: Future[bytes]) -> bool:
        try:
            value = data.result()
        except OSError as error:
            self._report(node.path, error)
            return False
        if node.kind == stat.S_IFLNK:
            node.target = value
        else:
            node.data = value
        return True

    def _load_xattrs(self, found: list[tuple[Node, Future[list[bytes]]]]) -> None:
        wanted = [(node, names.result()) for node, names in found if names.exception() is None and names.result()]
        for node, names in wanted:
            fd, path = self._at(node.path)
            with self._k.batch(keep_going=True) as b:
                handle = b.openat(fd, path, FOLDER if node.kind == stat.S_IFDIR else _READ)
                values = [b.fgetxattr(handle, name) for name in names]
                b.close(handle)
            pairs = zip(names, values, strict=True)
            node.xattrs = {name: value.result() for name, value in pairs if value.exception() is None}

    # -- large files

    def pieces(self, node: Node) -> Pieces:
        fd, path = self._at(node.path)
        handle = self._k.sys.openat(fd, path, _READ)
        try:
            size = node.st.st_size
            for start, end in kernel_extents(self._k, handle, size) if is_sparse(node.st) else [(0, size)]:
                yield from self._range(handle, start, end)
        finally:
            with contextlib.suppress(OSError):
                self._k.sys.close(handle)

    def _range(self, handle: int, start: int, end: int) -> Pieces:
        while start < end:
            with self._k.batch() as b:
                wanted = range(start, min(end, start + _WINDOW * CHUNK), CHUNK)
                found = [(offset, b.pread(handle, min(CHUNK, end - offset), offset)) for offset in wanted]
            for offset, future in found:
                data = future.result()
                if data:
                    yield offset, data
                if len(data) < min(CHUNK, end - offset):
                    return  # it has become shorter
            start = found[-1][0] + CHUNK


def kernel_extents(k: Client, fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file of a kernel has data."""
    start = 0
    while start < size:
        try:
            start = k.sys.lseek(fd, start, const.SEEK_DATA)
            end = k.sys.lseek(fd, start, const.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            end = size
        yield start, min(end, size)
        start = end

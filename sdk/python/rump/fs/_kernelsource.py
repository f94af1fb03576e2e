"""A tree of a kernel that is read: directories, attributes and small files in few messages."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rump import _host
from rump._base import Future, known
from rump._errors import error_of
from rump.fs._node import AHEAD, CHUNK, FEW, GROUP, SMALL, Kept, Node, Pieces, Report, is_sparse
from rump.fs._places import LONGEST, Places, joined
from rumpuser.leases import OTHERS, attributes_of
from rumpwire import calls, const, packed
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Dirent, Stat

if TYPE_CHECKING:
    from rump._client import Batch, Client

Bytes = Future[bytes]
Names = Future[list[bytes]]

NOFOLLOW = const.AT_SYMLINK_NOFOLLOW
FOLDER = os.O_RDONLY | _host.OPEN.names["O_DIRECTORY"]
_READ = os.O_RDONLY | os.O_NONBLOCK
_DENTS = 64 << 10
_NOFOLLOW = _host.OPEN.names["O_NOFOLLOW"]
_LINK = const.PATH_MAX
_LIST, _STATS = "names", "attributes"
_WINDOW = 4
"""Pieces of a large file that are asked for in one message."""


class Seen(NamedTuple):
    """An entry of a directory, and where its attributes are; ``at`` is -1 where they have to be asked for."""

    fileno: int
    dtype: int
    name: bytes
    data: bytes
    at: int

    def attributes(self) -> Stat:
        return packed.attributes(self.data, self.at)


def kernel_places(k: Client) -> Places:
    return Places(lambda fd, path: k.sys.openat(fd, path, FOLDER), k.sys.close, const.AT_FDCWD, LONGEST)


def read_directory(k: Client, fd: int, path: bytes) -> list[Dirent]:
    """Entries without ``.`` and ``..``. EIO for a name that no directory may hold."""
    leases = k.leases
    if leases is None or fd != const.AT_FDCWD:
        return _read_directory(k, fd, path)
    return list(leases.remember((_LIST, path), lambda: _read_directory(k, fd, path), lambda _: (OTHERS,)))


def _read_directory(k: Client, fd: int, path: bytes) -> list[Dirent]:
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


def read_with_stats(k: Client, fd: int, path: bytes) -> list[Seen]:
    """What `read_directory` gives, with the attributes of those names that have some."""
    leases = k.leases
    if leases is None or fd != const.AT_FDCWD:
        return _read_all_with_stats(k, fd, path)
    return leases.remember((_STATS, path), lambda: _read_all_with_stats(k, fd, path), _words)


def read_names(k: Client, fd: int, path: bytes) -> list[Seen]:
    """The same without attributes."""
    return [Seen(e.d_fileno, e.d_type, e.d_name, b"", -1) for e in read_directory(k, fd, path)]


def _words(listing: list[Seen]) -> set[int]:
    """What of the page of leases a directory with attributes depends on."""
    return {OTHERS, *(attributes_of(*packed.identity(each.data, each.at)) for each in listing if each.at >= 0)}


def _read_all_with_stats(k: Client, fd: int, path: bytes) -> list[Seen]:
    try:
        found = _read_packed(k, fd, path)
    except OSError as error:
        if error.errno != errno.ENOSYS:  # of an older kernel
            raise
        return read_names(k, fd, path)
    make = tuple.__new__
    try:
        return [
            make(Seen, (fileno, dtype, name, data, at))
            for data in found
            for fileno, dtype, name, at in packed.records(data)
            if _is_proper(name)
        ]
    except KernelError as error:
        raise error_of(error, path) from None


def directory_stats(k: Client, fd: int, path: bytes, names: Sequence[bytes]) -> list[Future[Stat]]:
    """The attributes of names in one directory, some hundred in a message. Those that have none are asked for."""
    found: dict[bytes, Seen] = {}
    with contextlib.suppress(OSError):  # it may be gone, or closed to us by now: each name tells
        found = {each.name: each for each in read_with_stats(k, fd, path) if each.at >= 0}
    missing = [name for name in names if name not in found]
    asked = dict(zip(missing, stats(k, [(fd, joined(path, name)) for name in missing]), strict=True))
    return [asked.get(name) or known(calls.FSTATAT, found[name].attributes()) for name in names]


def _read_packed(k: Client, fd: int, path: bytes) -> list[bytes]:
    """A directory of usual length in one message."""
    with k.batch() as b:
        handle = b.openat(fd, path, FOLDER)
        first, second = b.getdents_packed(handle, _DENTS), b.getdents_packed(handle, _DENTS)
        b.close(handle)
    if handle.exception() is None and first.exception() is not None:
        k.sys.close(handle.result())
    found = [first.result()] if handle.result() is not None else []
    if second.result():
        again = k.sys.openat(fd, path, FOLDER)
        try:
            found = []
            while entries := k.pub.getdents_packed(again, _DENTS):
                found.append(entries)
        finally:
            k.sys.close(again)
    return found


class _Asked(NamedTuple):
    """What was asked of one file."""

    path: bytes
    dtype: int
    st: Future[Stat]
    data: Bytes | None
    names: Names | None


class _Group(NamedTuple):
    """Files that are asked for in one message."""

    batch: Batch
    asked: list[_Asked]


class KernelSource:
    """``root`` is a path of the kernel. ``follow``: a link at the top is taken for what it leads to."""

    def __init__(self, k: Client, root: bytes, kept: Kept, report: Report, *, follow: bool = False) -> None:
        self._k = k
        self._root = root
        self._kept = kept
        self._report = report
        self._follow = follow
        self._places = kernel_places(k)
        self._places.before_close = self._settle
        self._asked: deque[_Group] = deque()

    def close(self) -> None:
        self._places.close()

    def _at(self, path: bytes) -> tuple[int, bytes]:
        return self._places.at(joined(self._root, path))

    def top(self) -> Node:
        fd, path = self._at(b"")
        st = self._k.sys.fstatat(fd, path, 0 if self._follow else NOFOLLOW)
        return self._node(self._collected(self._ask([(b"", stat.S_IFMT(st.st_mode) >> 12)]))[0])

    def children(self, node: Node) -> Iterator[Node]:
        fd, path = self._at(node.path)
        try:
            entries = sorted(read_directory(self._k, fd, path), key=lambda entry: entry.d_name)
        except OSError as error:
            self._report(node.path, error)
            return
        groups: deque[_Group] = deque()
        for start in range(0, len(entries), FEW):
            groups.append(self._ask([(joined(node.path, e.d_name), e.d_type) for e in entries[start : start + FEW]]))
            if len(groups) > AHEAD:
                yield from self._answered(groups.popleft())
        while groups:
            yield from self._answered(groups.popleft())

    # -- what a node carries

    def _ask(self, wanted: list[tuple[bytes, int]]) -> _Group:
        """Asks for files by path and type: attributes, targets, what small ones hold, names of extended attributes."""
        b = self._k.batch(keep_going=True)
        group = _Group(b, [_Asked(path, dtype, *self._ask_for(b, path, dtype)) for path, dtype in wanted])
        b.post()
        self._asked.append(group)
        return group

    def _ask_for(self, b: Batch, path: bytes, dtype: int) -> tuple[Future[Stat], Bytes | None, Names | None]:
        fd, rest = self._at(path)
        followed = self._follow and not path
        if dtype == const.DT_REG or (dtype == const.DT_DIR and self._kept.xattrs):
            flags = _READ if dtype == const.DT_REG else FOLDER
            handle = b.openat(fd, rest, flags if followed else flags | _NOFOLLOW)
            st = b.fstat(handle)
            data = b.pread(handle, SMALL, 0) if dtype == const.DT_REG else None
            names = b.flistxattr(handle) if self._kept.xattrs else None
            b.close(handle)
            return st, data, names
        st = b.fstatat(fd, rest, 0 if followed else NOFOLLOW)
        return st, b.readlinkat(fd, rest, _LINK) if dtype == const.DT_LNK else None, None

    def _answered(self, group: _Group) -> list[Node]:
        """The nodes of a group. What failed is reported and left out."""
        found = self._collected(group)
        unknown = [(asked.path, kind) for asked in found if (kind := self._untold(asked))]
        again = {asked.path: asked for asked in self._collected(self._ask(unknown))} if unknown else {}
        nodes: list[Node] = []
        for asked in found:
            try:
                nodes.append(self._node(again.get(asked.path, asked)))
            except OSError as error:
                self._report(asked.path, error)
        return nodes

    def _collected(self, group: _Group) -> list[_Asked]:
        self._asked.remove(group)
        group.batch.run()
        return group.asked

    def _untold(self, asked: _Asked) -> int:
        """The type of a file of which only the attributes were asked for, since the directory does not say types."""
        if asked.dtype != const.DT_UNKNOWN or asked.st.exception() is not None:
            return 0
        return stat.S_IFMT(asked.st.result().st_mode) >> 12

    def _node(self, asked: _Asked) -> Node:
        node = Node(asked.path, asked.st.result())
        if node.kind == stat.S_IFLNK and asked.data is not None:
            node.target = asked.data.result()
        elif asked.data is not None and node.st.st_size <= SMALL and not is_sparse(node.st):
            node.data = asked.data.result()
        if asked.names is not None and asked.names.exception() is None and asked.names.result():
            self._load_xattrs(node, asked.names.result())
        return node

    def _settle(self) -> None:
        """Waits for all that was asked for; the answers are kept."""
        for group in self._asked:
            group.batch.run()

    def _load_xattrs(self, node: Node, names: list[bytes]) -> None:
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

"""Operations on names: lookup, what makes, takes away and moves files, and directories."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

import rump
from rumpclients.fuse.ahead import Ahead
from rumpclients.fuse.kept import Kept
from rumpclients.fuse.nodes import Node
from rumpclients.fuse.protocol import (
    CACHE_DIR,
    FORGET_IN,
    FORGET_ONE,
    KEEP_CACHE,
    LINK_IN,
    MKDIR_IN,
    MKNOD_IN,
    NOREPLACE,
    OPEN_OUT,
    READ_IN,
    RELEASE_IN,
    RENAME2_IN,
    RENAME_IN,
    Request,
    dirent,
)  # fmt: skip
from rumpclients.fuse.volume import NOFOLLOW, Reply, Volume, done

_ASKED, _UNASKED = 2, 16
_DIRECTORY = stat.S_IFDIR >> 12
_DENTS = 1 << 16
_FRACTION = 160
"""Least room of an entry with attributes."""
NEGATIVE = bytes(128)


class Listing:
    """An open directory: its entries as they were when it was read from the beginning.

    ``fd`` is open on it while it is listed, ``plus`` says whether attributes go with the entries.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.entries: list[tuple[bytes, int, int]] = []
        self.fd: int | None = None
        self.plus = False


class Curiosity:
    """Whether the host wants attributes of what it lists.

    That is not said, but seen: who wants them, and was not given them, looks names up. He gets them unasked for some
    directories then, and for the next one not, to see whether he still wants them.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._left = 0

    def looked_up(self) -> None:
        self._asked += 1

    def wants(self) -> bool:
        if self._asked >= _ASKED:
            self._left = _UNASKED
        self._asked = 0
        self._left -= 1
        return self._left >= 0


class Names:
    """Handlers by operation."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.nodes = volume.nodes
        self.sys = volume.k.sys
        self.kept: Kept | None = None
        self.ahead: Ahead | None = None
        self._curiosity = Curiosity()
        self._listings: dict[int, Listing] = {}
        self._last = 0

    # -- finding

    def lookup(self, request: Request) -> Reply:
        parent, name = self.nodes[request.nodeid], request.name()
        try:
            with self.volume.at(parent, name) as (fd, path):
                st = self.sys.fstatat(fd, path, NOFOLLOW)
        except FileNotFoundError:
            self.nodes.lost(parent, name)
            raise
        if not stat.S_ISDIR(st.st_mode):
            self._curiosity.looked_up()
        return self.volume.found(parent, name, st)

    def forget(self, request: Request) -> None:
        self.nodes.forget(request.nodeid, FORGET_IN.unpack_from(request.body)[0])

    def batch_forget(self, request: Request) -> None:
        for nodeid, lookups in FORGET_ONE.iter_unpack(request.body[8:]):
            self.nodes.forget(nodeid, lookups)

    def readlink(self, request: Request) -> Reply:
        with self.volume.at(self.nodes[request.nodeid]) as (fd, path):
            return [self.sys.readlinkat(fd, path, 4096)]

    # -- making

    def mkdir(self, request: Request) -> Reply:
        mode, _ = MKDIR_IN.unpack_from(request.body)
        return self._make(request, request.name(MKDIR_IN.size), stat.S_IFDIR | mode & 0o7777)

    def mknod(self, request: Request) -> Reply:
        mode, rdev, _, _ = MKNOD_IN.unpack_from(request.body)
        return self._make(request, request.name(MKNOD_IN.size), mode, rdev)

    def symlink(self, request: Request) -> Reply:
        name, target = request.names()
        return self._make(request, name, stat.S_IFLNK | 0o777, target=target)

    def _make(self, request: Request, name: bytes, mode: int, rdev: int = 0, target: bytes = b"") -> Reply:
        """In one message, unless it is to have another owner than the kernel gives it."""
        parent = self.nodes[request.nodeid]
        with self.volume.at(parent) as (at, folder), self.volume.at(parent, name) as (fd, path):
            kind = stat.S_IFMT(mode)
            b = self.volume.k.batch()
            above = b.fstatat(at, folder, NOFOLLOW)
            if kind == stat.S_IFDIR:
                b.mkdirat(fd, path, mode & 0o7777)
            elif kind == stat.S_IFLNK:
                b.symlinkat(target, fd, path)
            else:
                b.mknodat(fd, path, mode, rdev)
            st = done(b, b.fstatat(fd, path, NOFOLLOW))
            st = self.volume.given(request, (fd, path), st, above.result(), mode)
        return self.volume.found(parent, name, st)

    def link(self, request: Request) -> Reply:
        (oldid,) = LINK_IN.unpack_from(request.body)
        parent, name, old = self.nodes[request.nodeid], request.name(LINK_IN.size), self.nodes[oldid]
        with self.volume.at(old) as (from_fd, from_path), self.volume.at(parent, name) as (fd, path):
            self.sys.linkat(from_fd, from_path, fd, path)
            return self.volume.found(parent, name, self.sys.fstatat(fd, path, NOFOLLOW))

    # -- taking away, moving

    def unlink(self, request: Request, flag: int = 0) -> Reply:
        parent, name = self.nodes[request.nodeid], request.name()
        node = self.nodes.at(parent, name)
        with self.volume.at(parent, name) as (fd, path):
            if self.kept is not None and node is not None and node.kind == stat.S_IFREG and not flag:
                self.kept.remove(node, (fd, path))
            else:
                self.sys.unlinkat(fd, path, flag)
        self.nodes.lost(parent, name)
        if node is not None and not node.names:
            self._last_name(node)
        return []

    def rmdir(self, request: Request) -> Reply:
        return self.unlink(request, rump.AT_REMOVEDIR)

    def _last_name(self, node: Node) -> None:
        """The file may have names that were never looked up; only when it has none is its number free."""
        handle = node.handle()
        if handle is None or node.kind == stat.S_IFDIR or not self.sys.fstat(handle).st_nlink:
            self.nodes.gone(node)

    def rename(self, request: Request) -> Reply:
        (newid,) = RENAME_IN.unpack_from(request.body)
        return self._rename(request, newid, RENAME_IN.size, 0)

    def rename2(self, request: Request) -> Reply:
        newid, flags, _ = RENAME2_IN.unpack_from(request.body)
        return self._rename(request, newid, RENAME2_IN.size, flags)

    def _rename(self, request: Request, newid: int, at: int, flags: int) -> Reply:
        if flags & ~NOREPLACE:
            raise OSError(errno.EINVAL, "an exchange is no call of the kernel")
        name, to_name = request.names(at)
        parent, to = self.nodes[request.nodeid], self.nodes[newid]
        with self.volume.at(parent, name) as (fd, path), self.volume.at(to, to_name) as (to_fd, to_path):
            if flags and self._exists(to_fd, to_path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            replaced = self.nodes.at(to, to_name)
            if self.kept is not None and replaced is not None and replaced.kind == stat.S_IFREG:
                self.kept.hold(replaced)
            self.sys.renameat(fd, path, to_fd, to_path)
        self.nodes.moved(parent, name, to, to_name)
        if replaced is not None and not replaced.names:
            self._last_name(replaced)
        return []

    def _exists(self, fd: int, path: bytes) -> bool:
        try:
            self.sys.fstatat(fd, path, NOFOLLOW)
        except FileNotFoundError:
            return False
        return True

    # -- directories

    def opendir(self, request: Request) -> Reply:
        self._last += 1
        self._listings[self._last] = Listing(self.nodes[request.nodeid])
        return [OPEN_OUT.pack(self._last, CACHE_DIR | KEEP_CACHE if self.volume.policy.keep_pages else 0, 0)]

    def releasedir(self, request: Request) -> Reply:
        listing = self._listings.pop(RELEASE_IN.unpack_from(request.body)[0], None)
        if listing is not None and listing.fd is not None:
            self.sys.close(listing.fd)
        return []

    def readdir(self, request: Request) -> Reply:
        listing, at, room = self._listed(request)
        out = []
        for index, (name, ino, kind) in enumerate(listing.entries[at:], at + 1):
            entry = dirent(ino, index, kind, name)
            room -= len(entry)
            if room < 0:
                break
            out.append(entry)
        return [b"".join(out)]

    def readdirplus(self, request: Request) -> Reply:
        """Entries with attributes, which saves the lookups; of files only where somebody is curious."""
        listing, at, room = self._listed(request)
        part = listing.entries[at : at + max(1, room // _FRACTION)]
        out: list[bytes] = []
        files: list[Node] = []
        for index, ((name, ino, kind), st) in enumerate(self._with_stats(listing, part), at + 1):
            if (room := room - 128 - (len(name) + 31 & ~7)) < 0:
                break
            if st is None:
                out += [NEGATIVE, dirent(ino, index, kind, name)]
            else:
                node = self.nodes.found(listing.node, name, st)
                self.volume.remember(node, st)
                if node.kind == stat.S_IFREG:
                    files.append(node)
                out += [self.volume.entry(node, st), dirent(ino, index, kind, name)]
        if self.ahead is not None:
            self.ahead.listed(listing.node, files, first=at == 0)
        return [b"".join(out)]

    def _listed(self, request: Request) -> tuple[Listing, int, int]:
        handle, offset, size, *_ = READ_IN.unpack_from(request.body)
        listing = self._listings[handle]
        if offset == 0:
            self._list(listing)
            listing.plus = self._curiosity.wants()
        return listing, offset, size

    def _list(self, listing: Listing) -> None:
        """Reads a directory from its beginning."""
        node = listing.node
        if not node.names and node is not self.nodes.root:
            listing.entries = []  # it was removed
            return
        parent = next(iter(node.names))[0] if node.names else node
        dots = [(b".", node.key[1], _DIRECTORY), (b"..", parent.key[1], _DIRECTORY)]
        found = self._entries(listing)
        listing.entries = [
            *dots, *((e.d_name, e.d_fileno, e.d_type) for e in found if e.d_name not in (b".", b".."))
        ]  # fmt: skip

    def _entries(self, listing: Listing) -> list[rump.Dirent]:
        """With a descriptor of its own, which goes on to be good for the attributes."""
        if listing.fd is not None:
            self.sys.close(listing.fd)
            listing.fd = None
        with self.volume.at(listing.node) as (at, path):
            b = self.volume.k.batch()
            fd = b.openat(at, path, os.O_RDONLY | os.O_DIRECTORY)
            first, second = b.getdents(fd, _DENTS), b.getdents(fd, _DENTS)
            b.run()
        listing.fd = fd.result()
        found = [*first.result(), *second.result()]
        more = bool(second.result())
        while more:
            entries = self.sys.getdents(listing.fd, 4 * _DENTS)
            found += entries
            more = bool(entries)
        return found

    def _with_stats(
        self, listing: Listing, part: list[tuple[bytes, int, int]]
    ) -> Iterator[tuple[tuple[bytes, int, int], rump.Stat | None]]:
        """Attributes of entries in one message; none of ``.`` and ``..``, which the host does not want."""
        plus, fd = listing.plus, listing.fd
        wanted = [e for e in part if (plus or e[2] in (_DIRECTORY, 0)) and e[0] not in (b".", b"..")]
        if not wanted or fd is None:
            yield from ((entry, None) for entry in part)
            return
        found = dict(zip(wanted, self.volume.stats(fd, [name for name, _, _ in wanted]), strict=True))
        yield from ((entry, found.get(entry)) for entry in part)

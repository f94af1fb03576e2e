"""Directories of the host as file systems (rump_etfs(3), types DIR and DIR_SUBDIRS).

Each registered directory is a file system of its own, in no list of mounts: names are made, taken away and changed on
the host, whose errors come through. The permissions of the kernel are checked first, against the owners and modes that
the host tells; then those that the host gives to the user as whom vfs runs. A vnode holds its host file, so it stays
the same whatever the host does to its name. ``..`` is what was entered, never the host's.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from weakref import WeakValueDictionary

from rumpuser.host import Buffer, HostNode, HostStat
from rumpvfs.core.mount import Mount
from rumpvfs.core.vnode import Changes, Entry, FileSystem, FileSystemType, NewNode, Vnode, VType, unsupported
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

NAMES_MAX = 1 << 20
"""Names of one directory; one with more cannot be listed (EFBIG)."""
COOKIE_BITS = 62
DEV_SHIFT = 56
"""Files of further file systems of the host, mounted below the directory, get numbers from here on."""


class HostTreeNode(Vnode):
    """A file of the tree."""

    __slots__ = ("listing", "name", "node", "up")

    fs: HostTree

    def __init__(self, fs: HostTree, node: HostNode, st: HostStat, up: HostTreeNode | None, name: bytes) -> None:
        super().__init__(fs, fs.number(st), VType(stat.S_IFMT(st.mode)))
        self.node = node
        self.up = up
        self.name = name
        self.listing: list[Entry] | None = None

    def inactive(self) -> None:
        self.node.idle()
        self.listing = None

    def opening(self, *, write: bool) -> None:
        """EACCES, EROFS, ETXTBSY of the host."""
        self.node.ready(write=write)

    # -- attributes

    def getattr(self) -> Stat:
        st = self.node.stat()
        return Stat(
            st_dev=self.fs.dev,
            st_mode=st.mode,
            st_ino=self.fileno,
            st_nlink=st.nlink,
            st_uid=st.uid,
            st_gid=st.gid,
            st_rdev=st.rdev,
            st_atime_ns=st.atime_ns,
            st_mtime_ns=st.mtime_ns,
            st_ctime_ns=st.ctime_ns,
            st_birthtime_ns=min(st.mtime_ns, st.ctime_ns),
            st_size=st.size,
            st_blocks=st.blocks,
            st_blksize=st.blksize,
        )

    def owner(self) -> tuple[int, int, int]:
        st = self.node.stat()
        return st.mode, st.uid, st.gid

    def setattr(self, changes: Changes) -> None:
        """What the host lets the user do as whom vfs runs. EPERM, EACCES, EFBIG, ENOSPC, EOPNOTSUPP for flags."""
        if changes.flags is not None:
            raise unsupported("file flags")
        if changes.size is not None:
            self.node.truncate(changes.size)
        if changes.uid is not None or changes.gid is not None:
            self._set_owner(changes)
        if changes.mode is not None:
            self.node.set_mode(changes.mode)
        if changes.atime_ns is not None or changes.mtime_ns is not None:
            st = self.node.stat()
            atime, mtime = changes.atime_ns, changes.mtime_ns
            self.node.set_times(st.atime_ns if atime is None else atime, st.mtime_ns if mtime is None else mtime)

    def _set_owner(self, changes: Changes) -> None:
        st = self.node.stat()
        uid = -1 if changes.uid in (None, st.uid) else changes.uid
        gid = -1 if changes.gid in (None, st.gid) else changes.gid
        if (uid, gid) != (-1, -1):
            self.node.set_owner(-1 if uid is None else uid, -1 if gid is None else gid)

    # -- directories

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self

    def leads_to(self, below: HostTreeNode | None) -> bool:
        """Whether another one was entered through it (the host may show a directory below itself once more)."""
        while below is not None and below is not self:
            below = below.up
        return below is self

    def own_name(self) -> bytes | None:
        """The host may have changed it."""
        if self.up is not None:
            try:
                if self.up.lookup(self.name) is self:
                    return self.name
            except KernelError:
                pass
        return None

    def lookup(self, name: bytes) -> Vnode:
        return self.fs.enter(self, name, self.node.child(name))

    def readdir(self, cookie: int) -> Iterator[Entry]:
        """In the order of hashes of the names: a place among them stays, whatever comes and goes."""
        if cookie < 1:
            self.listing = self._listed()
            yield Entry(1, self.fileno, VType.DIR, b".")
        if cookie < 2:
            yield Entry(2, self.parent().fileno, VType.DIR, b"..")
        if self.listing is None:
            self.listing = self._listed()
        yield from (entry for entry in self.listing if entry.cookie > cookie)
        self.listing = None

    def _listed(self) -> list[Entry]:
        found = self.node.names(NAMES_MAX)
        shown = [(n, ino, kind) for n, ino, kind in found if self.fs.deep or kind != stat.S_IFDIR]
        entries = [Entry(place_of(n), ino, VType(kind) if kind else None, n) for n, ino, kind in shown]
        return sorted(entries, key=lambda entry: entry.cookie)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        """EOPNOTSUPP for devices, and for directories in one that is shown without those below it."""
        if new.vtype in (VType.CHR, VType.BLK) or (new.vtype is VType.DIR and not self.fs.deep):
            raise unsupported(f"making a {new.vtype.name} in a directory of the host")
        return self.fs.enter(
            self, name, self.node.create(name, new.vtype | new.mode & 0o7777, new.uid, new.gid, new.target)
        )

    def link(self, name: bytes, target: Vnode) -> None:
        assert isinstance(target, HostTreeNode)
        self.node.link(name, target.node)

    def unlink(self, name: bytes, target: Vnode) -> None:
        self.node.remove(name, directory=False)

    def rmdir(self, name: bytes, target: Vnode) -> None:
        self.node.remove(name, directory=True)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        assert isinstance(target, HostTreeNode)
        assert isinstance(to, HostTreeNode)
        self.node.rename(name, to.node, to_name)
        target.up, target.name = to, to_name

    # -- contents

    def read(self, offset: int, length: int) -> Buffer:
        return self.node.read(offset, min(length, max(0, self.node.stat().size - offset)))

    def write(self, offset: int, data: Buffer) -> int:
        return self.node.write(offset, data)

    def readlink(self) -> bytes:
        return self.node.readlink()

    def fsync(self, *, data_only: bool) -> None:
        if self.vtype in (VType.REG, VType.DIR):
            self.node.sync()


class HostTree(FileSystem):
    """A registered directory. ``deep``: the directories below it are shown too."""

    type_name = "hostfs"
    cache_names = False

    def __init__(self, node: HostNode, *, deep: bool) -> None:
        self.deep = deep
        self._nodes: WeakValueDictionary[tuple[int, int], HostTreeNode] = WeakValueDictionary()
        self._devices: dict[int, int] = {}
        st = node.stat()
        self._root = self._nodes[st.dev, st.ino] = HostTreeNode(self, node, st, None, b"")

    def number(self, st: HostStat) -> int:
        """The file number here: that of the host, made different for each of its file systems."""
        return st.ino ^ self._devices.setdefault(st.dev, len(self._devices)) << DEV_SHIFT

    def enter(self, up: HostTreeNode, name: bytes, node: HostNode) -> Vnode:
        """The one vnode of a file. ENOENT for a directory where those are not shown."""
        st = node.stat()
        if not self.deep and stat.S_ISDIR(st.mode):
            node.close()
            raise KernelError(Errno.ENOENT, "registered without the directories below it (dir_subdirs)")
        found = self._nodes.get((st.dev, st.ino))
        if found is None:
            found = self._nodes[st.dev, st.ino] = HostTreeNode(self, node, st, up, name)
        else:
            node.close()
            if found is not self._root and not found.leads_to(up):
                found.up, found.name = up, name
        return found

    def root(self) -> Vnode:
        return self._root

    def statvfs(self) -> Statvfs:
        return self._root.node.statvfs()

    def remount(self, *, readonly: bool) -> None:
        """Nothing has to be done for it."""

    def close(self) -> None:
        for node in list(self._nodes.values()):
            node.node.close()


class Anchor(Vnode):
    """What a host directory is mounted on: a place below the root that is in no directory."""

    __slots__ = ("key",)

    def __init__(self, fs: FileSystem, key: bytes) -> None:
        super().__init__(fs, 0, VType.DIR)
        self.key = key

    def parent(self) -> Vnode:
        return self.fs.root()

    def own_name(self) -> bytes:
        return self.key


KIND = FileSystemType("hostfs", lambda request, environment: _refuse(), needs_device=False)
FLAGS = const.MNT_NODEV | const.MNT_NOSUID


def _refuse() -> FileSystem:
    raise unsupported("mounting of host directories, other than by etfs_register,")


def attach(root: Mount, node: HostNode, key: bytes, hostpath: bytes, dev: int, *, deep: bool) -> HostTree:
    """A host directory, mounted at a key of etfs."""
    fs = HostTree(node, deep=deep)
    fs.dev = dev
    anchor = Anchor(root.fs, key)
    fs.mount = Mount(fs, KIND, fs.root(), anchor, FLAGS, dev, b"/" + key, hostpath, 0)
    anchor.mounted = fs.mount
    return fs


def place_of(name: bytes) -> int:
    """Where a name is in the order of its directory; behind the two dots."""
    return 3 + (int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 64 - COOKIE_BITS)

"""tmpfs: a file system in memory (tmpfs(5)), also the root file system of a kernel.

A directory keeps its names in one dict, which namei looks into itself, and remembers under which number (cookie) each
name was made, so that a reader of the directory goes on at the right place whatever changed meanwhile. The order of
the numbers is that of the dict; ``listing`` is made of it when somebody reads, for finding the place without counting.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import cast

from rumpuser.host import Buffer
from rumpvfs.core.quota import IDTYPES, Quotas, Table
from rumpvfs.core.vnode import (
    Changes,
    Entry,
    Environment,
    FileSystem,
    FileSystemType,
    MountRequest,
    NewNode,
    Vnode,
    VType,
)
from rumpvfs.fs.tmpfs.store import Store
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs, TmpfsArgs

PAGE = 4096
NODE_SIZE = 1024
"""What a node without contents is taken to cost: its object, its name, the target of a link."""
LINK_MAX = 32767
XATTR_MAX = 65536
"""Names and values of one file's extended attributes together."""
DEFAULT_SIZE = 16 << 30
"""When nothing else limits a mount: what cannot be meant seriously in memory."""
DEFAULT_NODES = 1 << 24
FILE_MAX = (1 << 63) - 1

_REG, _DIR, _LNK = VType.REG, VType.DIR, VType.LNK


class Node(Vnode):
    """A file of any kind but regular files and directories."""

    __slots__ = ("atime", "birth", "ctime", "flags", "gid", "mode", "mtime", "nlink", "rdev", "target", "uid", "xattrs")

    fs: Tmpfs

    def __init__(self, fs: Tmpfs, fileno: int, new: NewNode) -> None:
        super().__init__(fs, fileno, new.vtype)
        self.mode = new.mode & 0o7777
        self.uid = new.uid
        self.gid = new.gid
        self.rdev = new.rdev
        self.target = new.target
        self.nlink = 0
        self.flags = 0
        self.xattrs: dict[bytes, bytes] | None = None
        self.atime = self.mtime = self.ctime = self.birth = fs.env.now_ns()

    def getattr(self) -> Stat:
        size, space = self.space()
        return Stat(
            self.fs.dev,
            self.mode | self.vtype,
            self.fileno,
            self.nlink,
            self.uid,
            self.gid,
            self.rdev,
            self.atime,
            self.mtime,
            self.ctime,
            self.birth,
            size,
            space >> 9,
            PAGE,
            self.flags,
        )

    def owner(self) -> tuple[int, int, int]:
        return self.mode, self.uid, self.gid

    def space(self) -> tuple[int, int]:
        """Size and bytes allocated."""
        return len(self.target), 0

    def resize(self, size: int) -> None:
        raise KernelError(Errno.EINVAL)

    def setattr(self, changes: Changes) -> None:
        now = self.fs.env.now_ns()
        if changes.size is not None:
            self.resize(changes.size)
            self.mtime = now
        owner = (self.uid if changes.uid is None else changes.uid, self.gid if changes.gid is None else changes.gid)
        if owner != (self.uid, self.gid):
            self.fs.quotas.transfer((self.uid, self.gid), owner, blocks=self.space()[1] >> 9)
        for name in ("mode", "uid", "gid", "flags"):
            value = getattr(changes, name)
            if value is not None:
                setattr(self, name, value & 0o7777 if name == "mode" else value)
        if changes.atime_ns is not None:
            self.atime = changes.atime_ns
        if changes.mtime_ns is not None:
            self.mtime = changes.mtime_ns
        self.ctime = now

    def readlink(self) -> bytes:
        if self.vtype is not _LNK:
            raise KernelError(Errno.EINVAL)
        return self.target

    def inactive(self) -> None:
        if self.nlink == 0:
            self.fs.free(self)

    def contents_gone(self) -> None:
        """Lets go of what the file holds, for good."""
        for name, value in (self.xattrs or {}).items():
            self.fs.reserve(-len(name) - len(value))
        self.xattrs = None

    # -- extended attributes

    def getxattr(self, name: bytes) -> bytes:
        try:
            return (self.xattrs or {})[name]
        except KeyError:
            raise KernelError(Errno.ENOATTR) from None

    def setxattr(self, name: bytes, value: bytes) -> None:
        attributes = self.xattrs if self.xattrs is not None else {}
        others = sum(len(n) + len(v) for n, v in attributes.items() if n != name)
        if others + len(name) + len(value) > XATTR_MAX:
            raise KernelError(Errno.ENOSPC, f"more than {XATTR_MAX} bytes of extended attributes")
        self._account(name, value)
        attributes[name] = bytes(value)
        self.xattrs = attributes
        self.ctime = self.fs.env.now_ns()

    def removexattr(self, name: bytes) -> None:
        self.fs.reserve(-len(name) - len(self.getxattr(name)))
        cast("dict[bytes, bytes]", self.xattrs).pop(name)
        self.ctime = self.fs.env.now_ns()

    def listxattr(self) -> list[bytes]:
        return list(self.xattrs or ())

    def _account(self, name: bytes, value: bytes) -> None:
        """Takes the memory of a new attribute, gives back that of the old one. ENOSPC."""
        old = (self.xattrs or {}).get(name)
        grown = len(name) + len(value) - (len(name) + len(old) if old is not None else 0)
        if not self.fs.reserve(grown):
            raise KernelError(Errno.ENOSPC)


class File(Node):
    """A regular file."""

    __slots__ = ("store",)

    def __init__(self, fs: Tmpfs, fileno: int, new: NewNode) -> None:
        super().__init__(fs, fileno, new)
        self.store = Store(self._reserve)

    def _reserve(self, size: int) -> bool:
        """Takes memory, for the owner of the file, or gives it back (negative). EDQUOT."""
        quotas = self.fs.quotas
        if not quotas.tables:
            return self.fs.reserve(size)
        if size > 0:
            quotas.check(self.uid, self.gid, blocks=size >> 9)
        if not self.fs.reserve(size):
            return False
        quotas.count(self.uid, self.gid, blocks=size >> 9)
        return True

    def space(self) -> tuple[int, int]:
        return self.store.size, self.store.allocated

    def read(self, offset: int, length: int) -> Buffer:
        if not self.fs.noatime:
            self.atime = self.fs.env.now_ns()
        return self.store.read(offset, length)

    def write(self, offset: int, data: Buffer) -> int:
        length = len(data)
        if length:
            if offset + length > FILE_MAX:
                raise KernelError(Errno.EFBIG)
            self.store.write(offset, data)
            self.mtime = self.ctime = self.fs.env.now_ns()
        return length

    def resize(self, size: int) -> None:
        self.store.truncate(size)

    def allocate(self, offset: int, length: int) -> None:
        self.store.allocate(offset, length, self.fs.size_max)
        self.ctime = self.fs.env.now_ns()

    def discard(self, offset: int, length: int) -> None:
        self.store.discard(offset, min(length, max(0, self.store.size - offset)))
        self.mtime = self.ctime = self.fs.env.now_ns()

    def seek(self, offset: int, *, hole: bool) -> int:
        if offset >= self.store.size:
            raise KernelError(Errno.ENXIO)
        return self.store.seek(offset, hole=hole)

    def contents_gone(self) -> None:
        super().contents_gone()
        self.store.clear()


class Directory(Node):
    """A directory. ``up`` is None once it is removed."""

    __slots__ = ("cookie", "cookies", "entries", "listing", "up")

    def __init__(self, fs: Tmpfs, fileno: int, new: NewNode, up: Directory | None) -> None:
        super().__init__(fs, fileno, new)
        self.entries: dict[bytes, Node] = {}
        self.names = cast("dict[bytes, Vnode | None]", self.entries)
        self.cookies: dict[bytes, int] = {}
        self.listing: list[tuple[int, bytes]] | None = None
        self.cookie = 2
        self.up: Directory | None = up if up is not None else self
        self.nlink = 2

    def space(self) -> tuple[int, int]:
        return 32 * (2 + len(self.entries)), 0

    def lookup(self, name: bytes) -> Vnode:
        try:
            return self.entries[name]
        except KeyError:
            raise KernelError(Errno.ENOENT) from None

    def parent(self) -> Vnode:
        if self.up is None:
            raise KernelError(Errno.ENOENT)
        return self.up

    def readdir(self, cookie: int) -> Iterator[Entry]:
        if self.up is None:
            return
        if not self.fs.noatime:
            self.atime = self.fs.env.now_ns()
        if cookie < 1:
            yield Entry(1, self.fileno, _DIR, b".")
        if cookie < 2:
            yield Entry(2, self.up.fileno, _DIR, b"..")
        entries, listing = self.entries, self.listing
        if listing is None:
            listing = self.listing = [(at, name) for name, at in self.cookies.items()]
        for index in range(bisect_right(listing, cookie, key=itemgetter(0)), len(listing)):
            at, name = listing[index]
            node = entries[name]
            yield Entry(at, node.fileno, node.vtype, name)

    # -- names

    def create(self, name: bytes, new: NewNode) -> Vnode:
        self._open_for(name)
        if new.vtype is _DIR and self.nlink >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        node = self.fs.make(new, self)
        if new.vtype is _DIR:
            self.nlink += 1
        else:
            node.nlink = 1
        self._put(name, node)
        return node

    def link(self, name: bytes, target: Vnode) -> None:
        node = cast("Node", target)
        self._open_for(name)
        if node.nlink >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        if node.nlink == 0:
            raise KernelError(Errno.ENOENT)
        node.nlink += 1
        self._put(name, node)
        node.ctime = self.mtime

    def unlink(self, name: bytes, target: Vnode) -> None:
        node = cast("Node", target)
        self._take(name)
        node.nlink -= 1
        node.ctime = self.mtime

    def rmdir(self, name: bytes, target: Vnode) -> None:
        directory = cast("Directory", target)
        if directory.entries:
            raise KernelError(Errno.ENOTEMPTY)
        self._take(name)
        self._orphan(directory)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        node, there, victim = cast("Node", target), cast("Directory", to), cast("Node | None", replaced)
        if isinstance(victim, Directory) and victim.entries:
            raise KernelError(Errno.ENOTEMPTY)
        if victim is None:
            there._open_for(to_name)
        joins = isinstance(node, Directory) and there is not self and not isinstance(victim, Directory)
        if joins and there.nlink >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        if victim is not None:
            there._take(to_name)
            if isinstance(victim, Directory):
                there._orphan(victim)
            else:
                victim.nlink -= 1
                victim.ctime = there.mtime
        self._take(name)
        there._put(to_name, node)
        node.ctime = there.mtime
        if isinstance(node, Directory):
            self.nlink -= 1
            there.nlink += 1
            node.up = there

    def _open_for(self, name: bytes) -> None:
        if self.up is None:
            raise KernelError(Errno.ENOENT, "the directory is removed")
        if name in self.entries:
            raise KernelError(Errno.EEXIST)

    def _put(self, name: bytes, node: Node) -> None:
        self.cookie += 1
        self.entries[name] = node
        self.cookies[name] = self.cookie
        self.listing = None
        self.mtime = self.ctime = self.fs.env.now_ns()

    def _take(self, name: bytes) -> None:
        del self.entries[name], self.cookies[name]
        self.listing = None
        self.mtime = self.ctime = self.fs.env.now_ns()

    def _orphan(self, directory: Directory) -> None:
        directory.nlink = 0
        directory.up = None
        directory.ctime = self.mtime
        self.nlink -= 1


class TmpfsQuotas(Quotas):
    """Quotas of a tmpfs: counted from the first QUOTACTL_QUOTAON on, in memory as all of it."""

    name = "tmpfs quota"

    def __init__(self, fs: Tmpfs) -> None:
        super().__init__(fs.env)
        self.fs = fs

    def on(self, idtype: int) -> None:
        if idtype in range(len(IDTYPES)) and idtype not in self.tables:
            self.tables[idtype] = self._counted(idtype)
        super().on(idtype)

    def _counted(self, idtype: int) -> Table:
        """What there is already."""
        counting = Quotas(self.env, [Table(idtype)])
        for node in self.fs.all():
            counting.count(node.uid, node.gid, blocks=node.space()[1] >> 9, files=1)
        return counting.tables[idtype]


class Tmpfs(FileSystem):
    """One mounted tmpfs. ``size_max`` bounds the memory of all contents, ``nodes_max`` the number of files."""

    type_name = "tmpfs"
    cache_names = False
    flags_kept = True
    quotas: TmpfsQuotas

    def __init__(self, env: Environment, args: TmpfsArgs, *, readonly: bool = False, noatime: bool = False) -> None:
        self.env = env
        self.readonly = readonly
        self.noatime = noatime  # the caller sets it again from the flags of the mount
        self.size_max = args.size_max or DEFAULT_SIZE
        self.nodes_max = args.nodes_max or DEFAULT_NODES
        self.used = 0
        self.nodes = 0
        self._last = 1
        self._numbers: dict[int, Node] = {}
        self.quotas = TmpfsQuotas(self)
        mode = 0o755 if args.root_mode is None else args.root_mode
        self._root = self.make(NewNode(_DIR, mode, args.root_uid, args.root_gid), None)

    def make(self, new: NewNode, parent: Directory | None) -> Node:
        """A new node without a name. EDQUOT, ENOSPC."""
        if self.quotas.tables:
            self.quotas.check(new.uid, new.gid, files=1)
        if self.nodes >= self.nodes_max or not self.env.reserve(NODE_SIZE):
            raise KernelError(Errno.ENOSPC, "no more files")
        if self.quotas.tables:
            self.quotas.count(new.uid, new.gid, files=1)
        self.nodes += 1
        self._last += 1
        if new.vtype is _DIR:
            node: Node = Directory(self, self._last, new, parent)
        else:
            node = File(self, self._last, new) if new.vtype is _REG else Node(self, self._last, new)
        self._numbers[self._last] = node
        return node

    def free(self, node: Node) -> None:
        """A node without names that nobody uses."""
        if node.nlink == 0:
            node.nlink = -1
            del self._numbers[node.fileno]
            node.contents_gone()
            self.quotas.count(node.uid, node.gid, files=-1)
            self.nodes -= 1
            self.env.reserve(-NODE_SIZE)

    def reserve(self, size: int) -> bool:
        if size > 0 and (self.used + size > self.size_max or not self.env.reserve(size)):
            return False
        if size < 0:
            self.env.reserve(size)
        self.used += size
        return True

    def root(self) -> Vnode:
        return self._root

    def all(self) -> list[Node]:
        """All nodes, also those without names that are in use."""
        return list(self._numbers.values())

    def vget(self, fileno: int, generation: int) -> Vnode:
        """Numbers are not used again, so the generation is always 0."""
        node = self._numbers.get(fileno)
        if node is None or generation != 0 or node.nlink == 0:
            raise KernelError(Errno.ESTALE)
        return node

    def statvfs(self) -> Statvfs:
        used, room = -(-self.used // PAGE), self.env.room
        free, nodes = max(0, self.size_max // PAGE - used), max(0, self.nodes_max - self.nodes)
        if room is not None:
            free = min(free, room // PAGE)
        return Statvfs(
            f_bsize=PAGE,
            f_frsize=PAGE,
            f_iosize=PAGE,
            f_blocks=used + free,
            f_bfree=free,
            f_bavail=free,
            f_files=self.nodes_max,
            f_ffree=nodes,
            f_favail=nodes,
        )

    def remount(self, *, readonly: bool) -> None:
        self.readonly = readonly

    def unmount(self, *, force: bool) -> None:
        self.env.reserve(-self.used - self.nodes * NODE_SIZE)
        self.used = self.nodes = 0
        self._numbers.clear()


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL for arguments that are those of another file system."""
    args = request.args if request.args is not None else TmpfsArgs()
    if not isinstance(args, TmpfsArgs):
        raise KernelError(Errno.EINVAL, "tmpfs takes its own arguments")
    return Tmpfs(environment, args, readonly=request.readonly)


FILE_SYSTEM = FileSystemType("tmpfs", mount, needs_device=False)

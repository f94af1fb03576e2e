"""Files of a tmpfs, as vnodes.

A directory keeps its names in one dict, which namei looks into itself, and remembers under which number (cookie) each
name was made, so that a reader of the directory goes on at the right place whatever changed meanwhile. The order of
the numbers is that of the dict; ``listing`` is made of it when somebody reads, for finding the place without counting.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from rumpuser.host import Buffer
from rumpvfs.core import acl
from rumpvfs.core.acl import Acl
from rumpvfs.core.vnode import Changes, Entry, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from .store import Store

if TYPE_CHECKING:
    from .tmpfs import Tmpfs

PAGE = 4096
LINK_MAX = 32767
XATTR_MAX = 65536
"""Names and values of one file's extended attributes together."""
FILE_MAX = (1 << 63) - 1

_REG, _DIR, _LNK = VType.REG, VType.DIR, VType.LNK


class Node(Vnode):
    """A file of any kind but regular files and directories."""

    __slots__ = (
        "acls",
        "atime",
        "birth",
        "ctime",
        "flags",
        "gid",
        "mode",
        "mtime",
        "nlink",
        "rdev",
        "subject",
        "target",
        "uid",
        "xattrs",
    )

    fs: Tmpfs

    def __init__(self, fs: Tmpfs, fileno: int, new: NewNode) -> None:
        super().__init__(fs, fileno, new.vtype)
        self.mode = new.mode & 0o7777
        self.uid = new.uid
        self.gid = new.gid
        self.acls: dict[bytes, Acl] | None = None
        self.rdev = new.rdev
        self.target = new.target
        self.subject = ""
        """The identity of a policy on whose account it is: that of its creator, whoever writes to it."""
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
        if changes.mode is not None and self.acls is not None and acl.ACCESS in self.acls:
            self._put_acl(acl.ACCESS, acl.of_mode(self.acls[acl.ACCESS], changes.mode))
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

    def take(self, size: int) -> bool:
        """Takes memory for the file, or gives it back (negative); whether there was any. EDQUOT."""
        return self.fs.reserve(size, self.subject)

    def contents_gone(self) -> None:
        """Lets go of what the file holds, for good."""
        for name, value in (self.xattrs or {}).items():
            self.take(-len(name) - len(value))
        self.xattrs = None

    # -- extended attributes

    def acl(self, *, default: bool = False) -> Acl | None:
        return self.acls.get(acl.DEFAULT if default else acl.ACCESS) if self.acls is not None else None

    def _put_acl(self, name: bytes, new: Acl | None) -> None:
        """Keeps an access list, parsed and as the attribute, or takes it away. ENOSPC."""
        kept = self.acls or {}
        if new is not None:
            self._keep(name, acl.emit(new))
            kept[name] = new
        elif kept.pop(name, None) is not None:
            self._drop(name)
        self.acls = kept or None

    def _set_acl(self, name: bytes, value: bytes) -> None:
        """EINVAL, EACCES (a default list of what is no directory), ENOSPC."""
        new = acl.parse(value)
        if name == acl.DEFAULT:
            if self.vtype is not _DIR:
                raise KernelError(Errno.EACCES, "only directories have a default access list", "tmpfs")
            self._put_acl(name, new or None)
            return
        self._put_acl(name, None if not new or acl.is_minimal(new) else new)
        if new:
            self.mode = acl.mode_of(new, self.mode)

    def born(self, new: NewNode) -> None:
        """The access lists that come from the directory. ENOSPC."""
        for name, list_ in ((acl.ACCESS, new.acl), (acl.DEFAULT, new.default_acl)):
            if list_ is not None:
                self._put_acl(name, list_)

    def getxattr(self, name: bytes) -> bytes:
        try:
            return (self.xattrs or {})[name]
        except KeyError:
            raise KernelError(Errno.ENOATTR) from None

    def setxattr(self, name: bytes, value: bytes) -> None:
        if name in acl.NAMES:
            self._set_acl(name, value)
        else:
            self._keep(name, value)
        self.ctime = self.fs.env.now_ns()

    def _keep(self, name: bytes, value: bytes) -> None:
        attributes = self.xattrs if self.xattrs is not None else {}
        others = sum(len(n) + len(v) for n, v in attributes.items() if n != name)
        if others + len(name) + len(value) > XATTR_MAX:
            raise KernelError(Errno.ENOSPC, f"more than {XATTR_MAX} bytes of extended attributes")
        self._account(name, value)
        attributes[name] = bytes(value)
        self.xattrs = attributes

    def removexattr(self, name: bytes) -> None:
        self._drop(name)
        if self.acls is not None and self.acls.pop(name, None) is not None and not self.acls:
            self.acls = None
        self.ctime = self.fs.env.now_ns()

    def _drop(self, name: bytes) -> None:
        self.take(-len(name) - len(self.getxattr(name)))
        cast("dict[bytes, bytes]", self.xattrs).pop(name)

    def listxattr(self) -> list[bytes]:
        return list(self.xattrs or ())

    def _account(self, name: bytes, value: bytes) -> None:
        """Takes the memory of a new attribute, gives back that of the old one. ENOSPC."""
        old = (self.xattrs or {}).get(name)
        grown = len(name) + len(value) - (len(name) + len(old) if old is not None else 0)
        if not self.take(grown):
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
            return self.take(size)
        if size > 0:
            quotas.check(self.uid, self.gid, blocks=size >> 9)
        if not self.take(size):
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

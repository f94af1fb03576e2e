"""Vnodes: files, directories, links and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, Entry, NewNode, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from .contents import Contents
from .dinode import Inode, bad
from .directory import Directory
from .room import allocate, discard

if TYPE_CHECKING:
    from .driver import FastFileSystem

LINK_MAX = 32767
_KINDS = {member.dirent_type: member for member in VType}
_DEVICES = (VType.BLK, VType.CHR)


class Node(Vnode):
    """A file of any kind."""

    __slots__ = ("contents", "inode")
    fs: FastFileSystem

    def __init__(self, fs: FastFileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode.number, vtype)
        self.inode = inode
        self.contents = Contents(fs.volume, fs.alloc, inode, cached=vtype is VType.DIR)

    def getattr(self) -> Stat:
        inode, fs = self.inode, self.fs
        return Stat(
            fs.dev,
            inode.mode,
            inode.number,
            inode.links,
            inode.uid,
            inode.gid,
            inode.rdev(fs.sb) if self.vtype in _DEVICES else 0,
            inode.atime_ns,
            inode.mtime_ns,
            inode.ctime_ns,
            inode.birthtime_ns,
            inode.size,
            inode.blocks,
            fs.sb.bsize,
            inode.flags,
            inode.generation,
        )

    def owner(self) -> tuple[int, int, int]:
        inode = self.inode
        return inode.mode, inode.uid, inode.gid

    def setattr(self, changes: Changes) -> None:
        inode, now = self.inode, self.fs.now()
        self.fs.change_owner(inode, changes)
        if changes.size is not None:
            self.contents.resize(changes.size)
            inode.mtime_ns = now
        if changes.mode is not None:
            inode.mode = (inode.mode & const.S_IFMT) | (changes.mode & 0o7777)
        inode.flags = inode.flags if changes.flags is None else changes.flags
        inode.atime_ns = inode.atime_ns if changes.atime_ns is None else changes.atime_ns
        inode.mtime_ns = inode.mtime_ns if changes.mtime_ns is None else changes.mtime_ns
        self.changed(now)
        self.fs.done()

    def changed(self, now: int) -> None:
        self.inode.ctime_ns = now
        self.fs.volume.touch(self.inode)

    def accessed(self) -> None:
        fs = self.fs
        if not fs.readonly and not fs.noatime:
            self.inode.atime_ns = fs.now()
            fs.volume.touch(self.inode)

    def fsync(self, *, data_only: bool) -> None:
        if not self.fs.readonly:
            self.fs.volume.settle()

    def inactive(self) -> None:
        if self.inode.links <= 0 and not self.fs.readonly:
            self.fs.reclaim(self)

    # -- extended attributes

    def getxattr(self, name: bytes) -> bytes:
        found = self.fs.attributes(self.inode).get(name)
        if found is None:
            raise KernelError(Errno.ENOATTR)
        return found

    def listxattr(self) -> list[bytes]:
        return list(self.fs.attributes(self.inode))

    def setxattr(self, name: bytes, value: bytes) -> None:
        self.fs.set_attribute(self.inode, name, bytes(value))
        self.changed(self.fs.now())
        self.fs.done()

    def removexattr(self, name: bytes) -> None:
        self.getxattr(name)
        self.fs.set_attribute(self.inode, name, None)
        self.changed(self.fs.now())
        self.fs.done()


class RegularFile(Node):
    """A file with contents."""

    __slots__ = ()

    def read(self, offset: int, length: int) -> Buffer:
        self.accessed()
        return self.contents.read(offset, length)

    def write(self, offset: int, data: Buffer) -> int:
        if not len(data):
            return 0
        count = self.contents.write(offset, data)
        now = self.fs.now()
        self.inode.mtime_ns = now
        self.changed(now)
        self.fs.done()
        return count

    def allocate(self, offset: int, length: int) -> None:
        allocate(self.contents, offset, length)
        self.changed(self.fs.now())
        self.fs.done()

    def discard(self, offset: int, length: int) -> None:
        discard(self.contents, offset, length)
        self.inode.mtime_ns = now = self.fs.now()
        self.changed(now)
        self.fs.done()

    def seek(self, offset: int, *, hole: bool) -> int:
        if offset >= self.inode.size:
            raise KernelError(Errno.ENXIO)
        return self.contents.seek(offset, hole=hole)


class SymbolicLink(Node):
    """A symbolic link; a short target is where other inodes have their pointers."""

    __slots__ = ()

    def readlink(self) -> bytes:
        inode, sb = self.inode, self.fs.sb
        if not 0 < inode.size <= const.PATH_MAX:
            raise bad(self.fileno, f"symbolic link of {inode.size} bytes")
        if inode.is_fast(sb):
            return inode.area[: inode.size]
        return bytes(self.contents.read(0, inode.size))


class DirectoryNode(Node):
    """A directory."""

    __slots__ = ("directory",)

    def __init__(self, fs: FastFileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self.directory = Directory(fs.volume, self.contents)

    # -- reading

    def lookup(self, name: bytes) -> Vnode:
        found = self.directory.find(name)
        self.fs.keep(self.directory)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(found.inode)

    def parent(self) -> Vnode:
        found = self.directory.find(b"..")
        if self.inode.links <= 0:
            raise KernelError(Errno.ENOENT, "the directory is removed")
        if found is None:
            raise bad(self.fileno, "directory without ..")
        node = self.fs.node(found.inode)
        if node.vtype is not VType.DIR:
            raise bad(self.fileno, "its .. is no directory")
        return node

    def readdir(self, cookie: int) -> Iterator[Entry]:
        if not 0 <= cookie <= max(self.inode.size, 0):
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory of {self.inode.size} bytes", "ffs")
        self.accessed()
        return self._entries(cookie)

    def _entries(self, cookie: int) -> Iterator[Entry]:
        if self.inode.links > 0:
            for at, record in self.directory.entries(cookie):
                yield Entry(at, record.inode, _KINDS.get(record.kind), record.name)

    # -- names

    def _open_for(self, name: bytes) -> None:
        """Makes room for a name. ENOENT, EEXIST, ENOSPC, EIO."""
        if self.inode.links <= 0:
            raise KernelError(Errno.ENOENT, "the directory is removed")
        if self.directory.find(name) is not None:
            raise KernelError(Errno.EEXIST)
        self.fs.alloc.room_for(4 * self.fs.sb.frag)
        self.directory.prepare(name)

    def _put(self, name: bytes, node: Node) -> None:
        self.directory.insert(name, node.fileno, node.vtype.dirent_type)
        self._names_changed()

    def _names_changed(self) -> None:
        self.inode.mtime_ns = now = self.fs.now()
        self.changed(now)
        self.fs.keep(self.directory)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        self._open_for(name)
        directory = new.vtype is VType.DIR
        if directory and self.inode.links >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        node = self.fs.make(self.inode, new)
        if directory:
            self.inode.links += 1
        self._put(name, node)
        self.fs.done()
        return node

    def link(self, name: bytes, target: Vnode) -> None:
        node = cast("Node", target)
        self._open_for(name)
        if node.inode.links >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        if node.inode.links <= 0:
            raise KernelError(Errno.ENOENT)
        node.inode.links += 1
        node.changed(self.fs.now())
        self._put(name, node)
        self.fs.done()

    def unlink(self, name: bytes, target: Vnode) -> None:
        self._check_name(name, target)
        self.directory.remove(name)
        self._names_changed()
        self.fs.drop_link(cast("Node", target))
        self.fs.done()

    def rmdir(self, name: bytes, target: Vnode) -> None:
        self._check_name(name, target)
        victim = cast("DirectoryNode", target)
        if not victim.directory.is_empty():
            raise KernelError(Errno.ENOTEMPTY)
        self.directory.remove(name)
        self._names_changed()
        self._orphan(victim)
        self.fs.done()

    def _check_name(self, name: bytes, target: Vnode) -> None:
        """EIO when the name leads elsewhere, which only a broken disk can bring about."""
        found = self.directory.find(name)
        if found is None or found.inode != target.fileno:
            raise bad(self.fileno, "a name that leads elsewhere")

    def _orphan(self, victim: DirectoryNode) -> None:
        """A directory below this one has lost its name."""
        self.inode.links -= 1
        self.changed(self.fs.now())
        victim.inode.links = 1
        self.fs.drop_link(victim)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        node, there, victim = cast("Node", target), cast("DirectoryNode", to), cast("Node | None", replaced)
        self._check_name(name, target)
        joins = isinstance(node, DirectoryNode) and there is not self
        if isinstance(victim, DirectoryNode) and not victim.directory.is_empty():
            raise KernelError(Errno.ENOTEMPTY)
        if joins and victim is None and there.inode.links >= LINK_MAX:
            raise KernelError(Errno.EMLINK)
        if joins and cast("DirectoryNode", node).directory.find(b"..") is None:
            raise bad(node.fileno, "a directory without ..")
        if victim is None:
            there._open_for(to_name)
            there._put(to_name, node)
            self._settle_new_name(name, there, to_name)
        else:
            there._check_name(to_name, victim)
            there.directory.replace(to_name, node.fileno, node.vtype.dirent_type)
            there._names_changed()
        self.directory.remove(name)
        self._names_changed()
        if joins:
            self._moved(cast("DirectoryNode", node), there)
        if isinstance(victim, DirectoryNode):
            there._orphan(victim)
        elif victim is not None:
            self.fs.drop_link(victim)
        node.changed(self.fs.now())
        self.fs.done()

    def _settle_new_name(self, name: bytes, there: DirectoryNode, to_name: bytes) -> None:
        """Brings the new name to the disk before the old one goes: a crash leaves two names rather than none. EIO."""
        if there.directory.frag_of(to_name) == self.directory.frag_of(name):
            return
        try:
            self.fs.volume.write_names()
        except KernelError:
            there.directory.remove(to_name)
            raise

    def _moved(self, node: DirectoryNode, there: DirectoryNode) -> None:
        """A directory has another parent: its .. and both link counts."""
        node.directory.replace(b"..", there.fileno, VType.DIR.dirent_type)
        self.inode.links -= 1
        there.inode.links += 1
        self.changed(self.fs.now())
        there.changed(self.fs.now())

"""Directories as vnodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core import acl
from rumpvfs.core.vnode import Entry, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from . import superblock
from .content import Content
from .directory import Directory, InlineDirectory, open_directory
from .entries import Entries
from .extenttree import empty_root
from .inlinedata import InlineEntries
from .inode import BLOCK_AREA_SIZE, FLAG_EXTENTS, FLAG_INDEX, Inode
from .nodes import LINK_MAX, LINK_MAX_OLD, Node, bad
from .superblock import RO_COMPAT_DIR_NLINK
from .writer import Writer
from .xattrwrite import packed_acl

if TYPE_CHECKING:
    from .driver import Ext2FileSystem


class DirectoryNode(Node):
    """A directory."""

    __slots__ = ("_directory", "_entries")

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self.forget()

    def forget(self) -> None:
        self._directory: Directory | InlineDirectory | None = None
        self._entries: Entries | InlineEntries | None = None

    def read(self, offset: int, length: int) -> Buffer:
        raise KernelError(Errno.EISDIR)

    def _find(self, name: bytes) -> int:
        """The number of the inode of a name, 0 when there is none. EIO."""
        if self.fs.writer is not None and name != b"..":
            return self._changeable().find(name)
        found = self._open().find(name)
        return found.inode if found is not None else 0

    def lookup(self, name: bytes) -> Vnode:
        found = self._find(name)
        if not found:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(found)

    def glance(self, fileno: int) -> Stat | None:
        return self.fs.glance(fileno)

    def parent(self) -> Vnode:
        found = self._find(b"..")
        if not found:
            raise bad(self.fileno, "directory without ..")
        node = self.fs.node(found)
        if node.vtype is not VType.DIR:
            raise bad(self.fileno, "its .. is no directory")
        return node

    def readdir(self, cookie: int) -> Iterator[Entry]:
        if self.inode.links == 0:
            return iter(())
        directory = self._open()
        if not 0 <= cookie <= directory.size:
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory of {directory.size} bytes", "ext2fs")
        if self.fs.writer is not None and not self.fs.noatime:
            self.fs.writer.accessed(self.inode)
        return directory.entries(cookie)

    def _open(self) -> Directory | InlineDirectory:
        if self._directory is None:
            self._directory = open_directory(self._volume, self.fs.names, self.inode)
        return self._directory

    # -- changing

    def _changeable(self) -> Entries | InlineEntries:
        """EOPNOTSUPP for an encrypted one, ENOENT for one that is removed, EIO."""
        self._refuse_encrypted()
        if self.inode.links == 0:
            raise KernelError(Errno.ENOENT, "the directory is removed")
        if self._entries is None:
            kind = InlineEntries if self._volume.is_inline(self.inode) else Entries
            self._entries = kind(self._writer(), self.inode)
        return self._entries

    def _add(self, name: bytes, inode: int, vtype: VType) -> None:
        moved = self._changeable().add(name, inode, vtype)
        if moved is not None:
            self._entries = moved

    def _changed(self, writer: Writer) -> None:
        """Its names are others: the time says so."""
        self._directory = None
        writer.transaction.touch(self.inode)
        self.inode.mtime_ns = self.inode.ctime_ns = writer.env.now_ns()

    def _vacant(self, name: bytes) -> None:
        if self._changeable().find(name):
            raise KernelError(Errno.EEXIST)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        writer = self._writer()
        inode = writer.run(lambda: self._create(writer, name, new))
        return self.fs.node_of(inode)

    def _create(self, writer: Writer, name: bytes, new: NewNode) -> Inode:
        self._vacant(name)
        if new.vtype is VType.DIR:
            self._link_up(writer)
        inode = writer.new_inode(self.inode, new)
        if new.vtype is VType.DIR:
            inode.links = 2
            Entries(writer, inode).start(self.fileno)
        elif new.vtype is VType.LNK:
            self._set_target(writer, inode, new.target)
        for attribute, entries in ((acl.ACCESS, new.acl), (acl.DEFAULT, new.default_acl)):
            if entries is not None:
                writer.attributes.set(inode, attribute, packed_acl(entries))
        self._add(name, inode.number, new.vtype)
        self._changed(writer)
        return inode

    def _set_target(self, writer: Writer, inode: Inode, target: bytes) -> None:
        if len(target) >= self._volume.sb.block_size:
            raise KernelError(Errno.ENAMETOOLONG)
        if len(target) < BLOCK_AREA_SIZE:
            inode.area = target.ljust(BLOCK_AREA_SIZE, b"\0")
            inode.size = len(target)
            return
        if writer.with_extents:
            inode.flags |= FLAG_EXTENTS
            inode.area = empty_root()
        Content(writer, inode).write(0, target)

    def _link_up(self, writer: Writer) -> None:
        """One more ``..`` that leads here. EMLINK."""
        inode, sb = self.inode, self._volume.sb
        uncounted = bool(sb.ro_compat & RO_COMPAT_DIR_NLINK and inode.flags & FLAG_INDEX)
        most = LINK_MAX if sb.incompat & superblock.INCOMPAT_EXTENTS else LINK_MAX_OLD
        if inode.links >= most and not uncounted:
            raise KernelError(Errno.EMLINK)
        writer.transaction.touch(inode)
        # With so many that they are not counted any more the number is 1, and stays.
        inode.links = 1 if (uncounted and inode.links in (1, most)) or inode.links > most else inode.links + 1

    def _link_down(self, writer: Writer) -> None:
        writer.transaction.touch(self.inode)
        if self.inode.links > 2:
            self.inode.links -= 1

    def link(self, name: bytes, target: Vnode) -> None:
        writer = self._writer()
        assert isinstance(target, Node)

        def work() -> None:
            self._vacant(name)
            inode = target.inode
            if inode.links == 0:
                raise KernelError(Errno.ENOENT)
            if inode.links >= self.fs.link_max:
                raise KernelError(Errno.EMLINK)
            self._add(name, inode.number, target.vtype)
            self._changed(writer)
            writer.transaction.touch(inode)
            inode.links += 1
            inode.ctime_ns = self.inode.ctime_ns

        writer.run(work)

    def unlink(self, name: bytes, target: Vnode) -> None:
        writer = self._writer()
        assert isinstance(target, Node)

        if target.inode.links == 1 and target.uses == 0 and self._unlink_and_free(writer, name, target):
            return

        def work() -> None:
            self._changeable().remove(name)
            self._changed(writer)
            self._unlinked(writer, target)

        writer.run(work)

    def _unlink_and_free(self, writer: Writer, name: bytes, target: Node) -> bool:
        """The last name of a file that nobody uses: both steps in one. False when it cannot be freed: damaged."""

        def work() -> None:
            self._changeable().remove(name)
            self._changed(writer)
            writer.transaction.touch(target.inode)
            target.inode.links = 0
            target.inode.ctime_ns = self.inode.ctime_ns
            target.forget()
            writer.free_within(target.inode)

        try:
            writer.run(work)
        except KernelError:
            if target.inode.links == 0:
                raise
            return False
        self.fs.gone(target)
        return True

    def _unlinked(self, writer: Writer, target: Node) -> None:
        """A file has one name less; with the last one it is an orphan until nobody uses it."""
        inode = target.inode
        if inode.links == 0:
            raise bad(inode.number, "it has a name though all its names are gone")
        writer.transaction.touch(inode)
        inode.links -= 1
        inode.ctime_ns = self.inode.ctime_ns
        if inode.links == 0:
            writer.orphans.add(inode)

    def rmdir(self, name: bytes, target: Vnode) -> None:
        writer = self._writer()
        assert isinstance(target, DirectoryNode)

        def work() -> None:
            self._need_empty(target)
            self._changeable().remove(name)
            self._changed(writer)
            self._removed(writer, target)

        writer.run(work)

    def _need_empty(self, target: DirectoryNode) -> None:
        if not target._changeable().is_empty():
            raise KernelError(Errno.ENOTEMPTY)

    def _removed(self, writer: Writer, target: DirectoryNode) -> None:
        inode = target.inode
        writer.transaction.touch(inode)
        inode.links = 0
        inode.ctime_ns = self.inode.ctime_ns
        writer.orphans.add(inode)
        self._link_down(writer)
        target.forget()

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        writer = self._writer()
        assert isinstance(target, Node)
        assert isinstance(to, DirectoryNode)
        assert replaced is None or isinstance(replaced, Node)
        writer.run(lambda: self._rename(writer, name, target, to, to_name, replaced))

    def _rename(
        self, writer: Writer, name: bytes, target: Node, to: DirectoryNode, to_name: bytes, replaced: Node | None
    ) -> None:
        if isinstance(replaced, DirectoryNode):
            self._need_empty(replaced)
        if isinstance(target, DirectoryNode) and to is not self:
            to._link_up(writer)
            target._changeable().set_parent(to.fileno)
            target._changed_parent()
            self._link_down(writer)
        if replaced is not None:
            to._changeable().replace(to_name, target.fileno, target.vtype)
            to._changed(writer)
            if isinstance(replaced, DirectoryNode):
                to._removed(writer, replaced)
            else:
                to._unlinked(writer, replaced)
        else:
            to._vacant(to_name)
            to._add(to_name, target.fileno, target.vtype)
            to._changed(writer)
        self._changeable().remove(name)
        self._changed(writer)
        target._touched(writer)

    def _changed_parent(self) -> None:
        self._directory = None

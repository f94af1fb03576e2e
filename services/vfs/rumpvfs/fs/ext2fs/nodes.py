"""Vnodes over the inodes of a `Volume`, and over its `Writer` where the mount is for writing.

Whoever changes an inode says so first (`Transaction.touch`), which also drops the attributes that are kept in `stat`.
What a vnode keeps besides (`forget`) goes when an operation was undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, Entry, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from . import inlinedata, superblock, xattr, xattrwrite
from .content import Content
from .directory import Directory, InlineDirectory, open_directory
from .entries import Entries
from .extenttree import empty_root
from .inlinedata import InlineEntries
from .inode import BLOCK_AREA_SIZE, FLAG_ENCRYPT, FLAG_EXTENTS, FLAG_INDEX, Inode, flags_of_bsd
from .superblock import RO_COMPAT_DIR_NLINK
from .volume import FileData
from .writer import Writer

if TYPE_CHECKING:
    from .driver import Ext2FileSystem

LINK_MAX = 65000
LINK_MAX_OLD = 32000
# A call that writes more is done in several operations.
_CHUNK = 16 << 20
_ACL_NAMES = {xattr.INDEX_ACL: b"system.posix_acl_access", xattr.INDEX_ACL_DEFAULT: b"system.posix_acl_default"}
_ACCESS, _DEFAULT = _ACL_NAMES[xattr.INDEX_ACL], _ACL_NAMES[xattr.INDEX_ACL_DEFAULT]


def bad(number: int, text: str) -> KernelError:
    return KernelError(Errno.EIO, f"inode {number}: {text}", "ext2fs")


class Node(Vnode):
    """A file of any kind; devices, fifos and sockets have nothing more than this."""

    __slots__ = ("_volume", "inode")

    fs: Ext2FileSystem

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode.number, vtype)
        self.inode = inode
        self._volume = fs.volume

    def forget(self) -> None:
        """Drops what is kept besides the inode."""

    def getattr(self) -> Stat:
        stat = self.inode.stat
        if stat is None:
            stat = self.inode.stat = self._make_stat()
        return stat

    def owner(self) -> tuple[int, int, int]:
        inode = self.inode
        return inode.mode, inode.uid, inode.gid

    def _make_stat(self) -> Stat:
        inode = self.inode
        return Stat(
            self.fs.dev,
            inode.mode,
            inode.number,
            inode.links,
            inode.uid,
            inode.gid,
            inode.rdev if self.vtype in (VType.CHR, VType.BLK) else 0,
            inode.atime_ns,
            inode.mtime_ns,
            inode.ctime_ns,
            inode.birthtime_ns,
            inode.size,
            inode.blocks,
            self._volume.sb.block_size,
            inode.bsd_flags,
            inode.generation,
        )

    def getxattr(self, name: bytes) -> bytes:
        found = self._volume.attributes(self.inode).get(name)
        if found is None or name == xattr.INLINE_DATA:
            raise KernelError(Errno.ENOATTR)
        return xattr.presented(self.fileno, found, self._volume.attribute_value(self.inode, found))

    def listxattr(self) -> list[bytes]:
        return [name for name in self._volume.attributes(self.inode) if name != xattr.INLINE_DATA]

    # -- changing

    def _writer(self) -> Writer:
        """EROFS."""
        writer = self.fs.writer
        if writer is None:
            raise KernelError(Errno.EROFS)
        return writer

    def setattr(self, changes: Changes) -> None:
        writer = self._writer()
        flags = flags_of_bsd(changes.flags) if changes.flags is not None else None

        def work() -> None:
            if changes.size is not None:
                self.truncate(writer, changes.size)
            self._change(writer, changes, flags)

        writer.run(work)

    def truncate(self, writer: Writer, size: int) -> None:
        raise KernelError(Errno.EINVAL)

    def _change(self, writer: Writer, changes: Changes, flags: int | None) -> None:
        inode = self.inode
        writer.transaction.touch(inode)
        now = writer.env.now_ns()
        if changes.size is not None:
            inode.mtime_ns = now
        if changes.mode is not None:
            inode.mode = inode.kind | changes.mode & 0o7777
            self._change_acl(writer)
        if changes.uid is not None:
            inode.uid = changes.uid
        if changes.gid is not None:
            inode.gid = changes.gid
        if flags is not None:
            inode.flags = inode.flags & ~0x70 | flags
        if changes.atime_ns is not None:
            inode.atime_ns = changes.atime_ns
        if changes.mtime_ns is not None:
            inode.mtime_ns = changes.mtime_ns
        inode.ctime_ns = now

    def _change_acl(self, writer: Writer) -> None:
        """The access list follows the permission bits."""
        found = self._volume.attributes(self.inode).get(_ACCESS)
        if found is not None:
            value = xattr.presented(self.fileno, found, self._volume.attribute_value(self.inode, found))
            entries = xattrwrite.acl_of_mode(xattrwrite.parse_acl(value), self.inode.mode)
            writer.attributes.set(self.inode, _ACCESS, xattrwrite.packed_acl(entries))

    def setxattr(self, name: bytes, value: bytes) -> None:
        writer = self._writer()
        if name == xattr.INLINE_DATA:
            raise KernelError(Errno.EPERM)
        acl = xattrwrite.parse_acl(value) if name in (_ACCESS, _DEFAULT) else None
        if name == _DEFAULT and self.vtype is not VType.DIR:
            raise KernelError(Errno.EACCES, "only directories have a default access list", "ext2fs")

        def work() -> None:
            kept: bytes | None = bytes(value)
            if acl is not None:
                kept = self._acl_value(writer, name, acl)
                if kept is None and name not in self._volume.attributes(self.inode):
                    return
            writer.attributes.set(self.inode, name, kept)
            self._touched(writer)

        writer.run(work)

    def _acl_value(self, writer: Writer, name: bytes, acl: list[tuple[int, int, int]]) -> bytes | None:
        """How an access list is kept; None for one that says no more than the permission bits."""
        if name == _ACCESS and acl:
            writer.transaction.touch(self.inode)
            self.inode.mode = xattrwrite.mode_of_acl(acl, self.inode.mode)
        return xattrwrite.packed_acl(acl) if len(acl) > (3 if name == _ACCESS else 0) else None

    def removexattr(self, name: bytes) -> None:
        writer = self._writer()
        if name == xattr.INLINE_DATA:
            raise KernelError(Errno.EPERM)

        def work() -> None:
            writer.attributes.set(self.inode, name, None)
            self._touched(writer)

        writer.run(work)

    def _touched(self, writer: Writer) -> None:
        writer.transaction.touch(self.inode)
        self.inode.ctime_ns = writer.env.now_ns()

    def fsync(self, *, data_only: bool) -> None:
        if self.fs.writer is not None:
            self.fs.writer.sync()

    def inactive(self) -> None:
        writer = self.fs.writer
        if writer is not None and self.inode.links == 0 and self.inode.number in writer.orphans:
            self.forget()
            writer.free(self.inode)
            self.fs.gone(self)

    def _refuse_encrypted(self) -> None:
        if self.inode.flags & FLAG_ENCRYPT:
            raise KernelError(Errno.EOPNOTSUPP, f"inode {self.fileno} is encrypted", "ext2fs")


class RegularFile(Node):
    """A file with contents in blocks or, small ones, in the inode."""

    __slots__ = ("_content", "_data", "_inline")

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self.forget()

    def forget(self) -> None:
        self._data: FileData | None = None
        self._inline: bytes | None = None
        self._content: Content | None = None

    def read(self, offset: int, length: int) -> Buffer:
        data = self._data
        if data is not None:
            return data.read(offset, length)
        self._open()
        if self._inline is not None:
            return memoryview(self._inline)[offset : offset + length]
        return self.read(offset, length)

    def seek(self, offset: int, *, hole: bool) -> int:
        self._open()
        if self._data is None or offset >= self._data.size:
            return super().seek(offset, hole=hole)
        return self._data.seek(offset, hole=hole)

    def _open(self) -> None:
        if self._data is not None or self._inline is not None:
            return
        self._refuse_encrypted()
        if self._volume.is_inline(self.inode):
            self._inline = self._volume.inline_contents(self.inode)
        else:
            self._data = self._volume.data(self.inode)

    # -- changing

    def _writable(self, writer: Writer) -> Content:
        """The contents in blocks, to be changed; what is inline moves to a block first."""
        self._refuse_encrypted()
        self._data = self._inline = None
        if self._volume.is_inline(self.inode):
            self._content = None
            contents = self._volume.inline_contents(self.inode)
            inlinedata.move_out(writer, self.inode)
            writer.resize(self.inode, 0)
            self._content = Content(writer, self.inode)
            self._content.write(0, contents)
        elif self._content is None:
            self._content = Content(writer, self.inode)
        return self._content

    def write(self, offset: int, data: Buffer) -> int:
        writer = self._writer()
        view = memoryview(data)
        end = offset + len(view)
        if end > (1 << 63) - 1:
            raise KernelError(Errno.EFBIG)
        at = offset
        while at < end:
            part = view[at - offset : at - offset + _CHUNK]
            try:
                at += writer.run(lambda at=at, part=part: self._write(writer, at, part))  # type: ignore[misc]
            except KernelError:
                if at == offset:
                    raise
                break
        return at - offset

    def _write(self, writer: Writer, offset: int, data: memoryview) -> int:
        inode = self.inode
        if self._volume.is_inline(inode) and max(offset + len(data), inode.size) <= inlinedata.room(writer, inode):
            self._write_inline(writer, offset, data)
            written = len(data)
        else:
            content = self._writable(writer)
            if offset + len(data) > content.size_max:
                raise KernelError(Errno.EFBIG)
            written = content.write(offset, data)
        writer.transaction.touch(inode)
        inode.mtime_ns = inode.ctime_ns = writer.env.now_ns()
        return written

    def _write_inline(self, writer: Writer, offset: int, data: memoryview) -> None:
        old = self._volume.inline_contents(self.inode)
        new = old[:offset].ljust(offset, b"\0") + bytes(data) + old[offset + len(data) :]
        self._store_inline(writer, new)

    def _store_inline(self, writer: Writer, new: bytes) -> None:
        self.forget()
        inlinedata.store(writer, self.inode, new)
        writer.resize(self.inode, len(new))

    def truncate(self, writer: Writer, size: int) -> None:
        inode = self.inode
        if self._volume.is_inline(inode) and size <= inlinedata.room(writer, inode):
            self._refuse_encrypted()
            self._store_inline(writer, self._volume.inline_contents(inode)[:size].ljust(size, b"\0"))
            return
        content = self._writable(writer)
        if size > content.size_max:
            raise KernelError(Errno.EFBIG)
        content.truncate(size)

    def allocate(self, offset: int, length: int) -> None:
        writer = self._writer()

        def work() -> None:
            content = self._writable(writer)
            if offset + length > content.size_max:
                raise KernelError(Errno.EFBIG)
            content.allocate(offset, length)
            self._touched(writer)

        writer.run(work)

    def discard(self, offset: int, length: int) -> None:
        writer = self._writer()
        length = min(length, self.inode.size - offset)
        if length <= 0:
            return

        def work() -> None:
            if self._volume.is_inline(self.inode):
                self._write_inline(writer, offset, memoryview(bytes(length)))
            else:
                self._writable(writer).discard(offset, length)
            self._touched(writer)
            self.inode.mtime_ns = self.inode.ctime_ns

        writer.run(work)


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

        def work() -> None:
            self._changeable().remove(name)
            self._changed(writer)
            self._unlinked(writer, target)

        writer.run(work)

    def _unlinked(self, writer: Writer, target: Node) -> None:
        """A file has one name less; with the last one it is an orphan until nobody uses it."""
        inode = target.inode
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


class SymbolicLink(Node):
    """A symbolic link; a short target is where other inodes have their map."""

    __slots__ = ()

    def readlink(self) -> bytes:
        self._refuse_encrypted()
        inode, volume = self.inode, self._volume
        if not 0 < inode.size <= volume.sb.block_size:
            raise bad(self.fileno, f"symbolic link of {inode.size} bytes")
        if volume.is_inline(inode):
            target = volume.inline_contents(inode)
        elif self._is_fast():
            target = inode.area[: inode.size]
        else:
            target = bytes(volume.data(inode).read(0, inode.size))
        return target.split(b"\0", 1)[0]

    def _is_fast(self) -> bool:
        """As Linux decides: by the size where attributes may have blocks of their own, else by the blocks."""
        inode, sb = self.inode, self._volume.sb
        if sb.incompat & superblock.INCOMPAT_EA_INODE:
            return inode.size < BLOCK_AREA_SIZE and not inode.flags & FLAG_EXTENTS
        of_attributes = sb.cluster_blocks * (sb.block_size >> 9) if inode.file_acl else 0
        fast = inode.blocks == of_attributes
        if fast and inode.size > BLOCK_AREA_SIZE:
            raise bad(self.fileno, f"symbolic link of {inode.size} bytes without blocks")
        return fast

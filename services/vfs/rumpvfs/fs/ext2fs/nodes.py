"""Vnodes over the inodes of a `Volume`, and over its `Writer` where the mount is for writing.

Whoever changes an inode says so first (`Transaction.touch`), which also drops the attributes that are kept in `stat`.
What a vnode keeps besides (`forget`) goes when an operation was undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpvfs.core import acl
from rumpvfs.core.acl import Acl
from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from . import superblock, xattr, xattrwrite
from .inode import BLOCK_AREA_SIZE, FLAG_ENCRYPT, FLAG_EXTENTS, Inode, flags_of_bsd
from .writer import Writer

if TYPE_CHECKING:
    from .driver import Ext2FileSystem

LINK_MAX = 65000
LINK_MAX_OLD = 32000


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
        return self.fs.stat_of(self.inode) if stat is None else stat

    def owner(self) -> tuple[int, int, int]:
        inode = self.inode
        return inode.mode, inode.uid, inode.gid

    def acl(self, *, default: bool = False) -> Acl | None:
        name = acl.DEFAULT if default else acl.ACCESS
        found = self._volume.attributes(self.inode).get(name)
        if found is None:
            return None
        value = xattr.presented(self.fileno, found, self._volume.attribute_value(self.inode, found))
        try:
            return acl.parse(value) or None
        except KernelError as error:
            raise bad(self.fileno, error.text) from None

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
        if changes.uid is not None or changes.gid is not None:
            uid = inode.uid if changes.uid is None else changes.uid
            gid = inode.gid if changes.gid is None else changes.gid
            writer.space.change_owner(inode, uid, gid)
            inode.uid, inode.gid = uid, gid
        if flags is not None:
            inode.flags = inode.flags & ~0x70 | flags
        if changes.atime_ns is not None:
            inode.atime_ns = changes.atime_ns
        if changes.mtime_ns is not None:
            inode.mtime_ns = changes.mtime_ns
        inode.ctime_ns = now

    def _change_acl(self, writer: Writer) -> None:
        """The access list follows the permission bits."""
        found = self.acl()
        if found is not None:
            new = acl.of_mode(found, self.inode.mode)
            writer.attributes.set(self.inode, acl.ACCESS, xattrwrite.packed_acl(new))

    def setxattr(self, name: bytes, value: bytes) -> None:
        writer = self._writer()
        if name == xattr.INLINE_DATA:
            raise KernelError(Errno.EPERM)
        entries = acl.parse(value) if name in acl.NAMES else None
        if name == acl.DEFAULT and self.vtype is not VType.DIR:
            raise KernelError(Errno.EACCES, "only directories have a default access list", "ext2fs")

        def work() -> None:
            kept: bytes | None = bytes(value)
            if entries is not None:
                kept = self._acl_value(writer, name, entries)
                if kept is None and name not in self._volume.attributes(self.inode):
                    return
            writer.attributes.set(self.inode, name, kept)
            self._touched(writer)

        writer.run(work)

    def _acl_value(self, writer: Writer, name: bytes, entries: Acl) -> bytes | None:
        """How an access list is kept; None for one that says no more than the permission bits."""
        if name == acl.ACCESS and entries:
            writer.transaction.touch(self.inode)
            self.inode.mode = acl.mode_of(entries, self.inode.mode)
        none = not entries or (name == acl.ACCESS and acl.is_minimal(entries))
        return None if none else xattrwrite.packed_acl(entries)

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

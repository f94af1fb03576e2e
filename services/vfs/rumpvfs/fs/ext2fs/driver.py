"""The file system as vfs sees it: vnodes over a `Volume`. Reading only for now."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakValueDictionary

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Entry, Environment, FileSystem, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

from . import superblock, xattr
from .directory import NAME_BYTES, Directory, InlineDirectory, NameCache, open_directory
from .inode import BLOCK_AREA_SIZE, FLAG_EA_INODE, FLAG_ENCRYPT, FLAG_EXTENTS, Inode
from .storage import Cache
from .superblock import ROOT_INODE
from .volume import FileData, Volume

_KINDS = {member.value: member for member in VType}
_LINK_MAX = 65000
_LINK_MAX_OLD = 32000


def _bad(number: int, text: str) -> KernelError:
    return KernelError(Errno.EIO, f"inode {number}: {text}", "ext2fs")


class Node(Vnode):
    """A file of any kind; devices, fifos and sockets have nothing more than this."""

    __slots__ = ("_stat", "_volume", "inode")

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode.number, vtype)
        self.inode = inode
        self._volume = fs.volume
        self._stat: Stat | None = None

    def getattr(self) -> Stat:
        if self._stat is None:
            self._stat = self._make_stat()
        return self._stat

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

    def _refuse_encrypted(self) -> None:
        if self.inode.flags & FLAG_ENCRYPT:
            raise KernelError(Errno.EOPNOTSUPP, f"inode {self.fileno} is encrypted", "ext2fs")


class RegularFile(Node):
    """A file with contents in blocks or, small ones, in the inode."""

    __slots__ = ("_data", "_inline")

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self._data: FileData | None = None
        self._inline: bytes | None = None

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


class DirectoryNode(Node):
    """A directory."""

    __slots__ = ("_directory",)
    fs: Ext2FileSystem

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self._directory: Directory | InlineDirectory | None = None

    def read(self, offset: int, length: int) -> Buffer:
        raise KernelError(Errno.EISDIR)

    def lookup(self, name: bytes) -> Vnode:
        found = self._open().find(name)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(found.inode)

    def parent(self) -> Vnode:
        found = self._open().find(b"..")
        if found is None:
            raise _bad(self.fileno, "directory without ..")
        node = self.fs.node(found.inode)
        if node.vtype is not VType.DIR:
            raise _bad(self.fileno, "its .. is no directory")
        return node

    def readdir(self, cookie: int) -> Iterator[Entry]:
        directory = self._open()
        if not 0 <= cookie <= directory.size:
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory of {directory.size} bytes", "ext2fs")
        return directory.entries(cookie)

    def _open(self) -> Directory | InlineDirectory:
        if self._directory is None:
            self._directory = open_directory(self._volume, self.fs.names, self.inode)
        return self._directory


class SymbolicLink(Node):
    """A symbolic link; a short target is where other inodes have their map."""

    __slots__ = ()

    def readlink(self) -> bytes:
        self._refuse_encrypted()
        inode, volume = self.inode, self._volume
        if not 0 < inode.size <= volume.sb.block_size:
            raise _bad(self.fileno, f"symbolic link of {inode.size} bytes")
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
            raise _bad(self.fileno, f"symbolic link of {inode.size} bytes without blocks")
        return fast


_CLASSES = {VType.REG: RegularFile, VType.DIR: DirectoryNode, VType.LNK: SymbolicLink}


class Ext2FileSystem(FileSystem):
    """One mounted ext2, ext3 or ext4."""

    type_name = "ext2fs"
    readonly = True
    flags_kept = True

    def __init__(self, volume: Volume) -> None:
        """EIO without a sound root directory."""
        self.volume = volume
        self.names: NameCache = Cache(NAME_BYTES)
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._root = self.node(ROOT_INODE)
        if self._root.vtype is not VType.DIR:
            raise _bad(ROOT_INODE, "the root is no directory")

    def root(self) -> Vnode:
        return self._root

    def node(self, number: int) -> Node:
        """The vnode of an inode that a directory names. EIO."""
        found = self._nodes.get(number)
        return found if found is not None else self._make(number)

    def _make(self, number: int) -> Node:
        if number < self.volume.sb.first_inode and number != ROOT_INODE:
            raise _bad(number, "a reserved inode has a name")
        inode = self.volume.inode(number)
        vtype = _KINDS.get(inode.kind)
        if vtype is None or inode.links == 0 or inode.flags & FLAG_EA_INODE:
            raise _bad(number, f"mode {inode.mode:#o} with {inode.links} links has a name")
        node = _CLASSES.get(vtype, Node)(self, inode, vtype)
        self._nodes[number] = node
        return node

    def statvfs(self) -> Statvfs:
        sb = self.volume.sb
        free_blocks, free_inodes = self.volume.free_counts()
        return Statvfs(
            f_bsize=sb.block_size,
            f_frsize=sb.block_size,
            f_iosize=sb.block_size,
            f_blocks=sb.blocks_count - self.volume.overhead(),
            f_bfree=free_blocks,
            f_bavail=max(free_blocks - sb.reserved_blocks, 0),
            f_bresvd=sb.reserved_blocks,
            f_files=sb.inodes_count,
            f_ffree=free_inodes,
            f_favail=free_inodes,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def remount(self, *, readonly: bool) -> None:
        if not readonly:
            raise _not_writable()

    def pathconf(self, name: int) -> int | None:
        if name == const.PC_LINK_MAX:
            extents = self.volume.sb.incompat & superblock.INCOMPAT_EXTENTS
            return _LINK_MAX if extents else _LINK_MAX_OLD
        return self.name_max if name == const.PC_NAME_MAX else None

    def vget(self, fileno: int, generation: int) -> Vnode:
        try:
            node = self.node(fileno)
        except KernelError as error:
            raise KernelError(Errno.ESTALE, error.text, "ext2fs") from None
        if node.inode.generation != generation:
            raise KernelError(Errno.ESTALE)
        return node


def _not_writable() -> KernelError:
    return KernelError(Errno.EROFS, "writing ext2fs is not there yet; mount read-only", "ext2fs")


def probe(device: BlockDevice) -> bool:
    """Whether the device has an ext2, ext3 or ext4 superblock."""
    if device.size < superblock.OFFSET + superblock.SIZE:
        return False
    return superblock.has_magic(device.view(superblock.OFFSET, superblock.SIZE))


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image, EROFS for a mount that is not read-only, EIO, EOPNOTSUPP for unknown features."""
    device = request.device
    if device is None or not probe(device):
        raise KernelError(Errno.EINVAL, "not an ext2/3/4 file system", "ext2fs")
    if not request.readonly:
        raise _not_writable()
    return Ext2FileSystem(Volume(device, env))

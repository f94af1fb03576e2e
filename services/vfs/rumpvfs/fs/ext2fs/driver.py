"""The file system as vfs sees it: mounting, vnodes by their numbers, counts."""

from __future__ import annotations

from weakref import WeakValueDictionary

from rumpvfs.core.vnode import BlockDevice, Environment, FileSystem, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

from . import superblock
from .directory import NAME_BYTES, NameCache
from .dirnode import DirectoryNode
from .filenode import RegularFile
from .inode import FLAG_EA_INODE, Inode
from .nodes import LINK_MAX, LINK_MAX_OLD, Node, SymbolicLink, bad
from .quotas import ExtQuotas
from .storage import Cache
from .superblock import ROOT_INODE
from .volume import Volume
from .writer import Writer, open_writer

_KINDS = {member.value: member for member in VType}

_CLASSES = {VType.REG: RegularFile, VType.DIR: DirectoryNode, VType.LNK: SymbolicLink}


class Ext2FileSystem(FileSystem):
    """One mounted ext2, ext3 or ext4."""

    type_name = "ext2fs"
    leased = True
    flags_kept = True

    def __init__(self, volume: Volume, env: Environment) -> None:
        """Read-only at first. EIO without a sound root directory."""
        self.volume = volume
        self.writer: Writer | None = None
        self.readonly = True
        self._env = env
        self.names: NameCache = Cache(NAME_BYTES)
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._root = self.node(ROOT_INODE)
        if self._root.vtype is not VType.DIR:
            raise bad(ROOT_INODE, "the root is no directory")

    def look_at_quotas(self) -> None:
        """What there is to be asked for on a mount that is only read."""
        self.quotas = None
        if any(self.volume.sb.quota_inodes):
            try:
                self.quotas = ExtQuotas(self.volume, None, self._env)
            except KernelError as error:
                self._env.log(f"ext2fs: {self.volume.device.name}: {error.text}")

    def root(self) -> Vnode:
        return self._root

    def node(self, number: int) -> Node:
        """The vnode of an inode that a directory names. EIO."""
        found = self._nodes.get(number)
        return found if found is not None else self._make(number)

    def _make(self, number: int) -> Node:
        if number < self.volume.sb.first_inode and number != ROOT_INODE:
            raise bad(number, "a reserved inode has a name")
        inode = self.volume.inode(number)
        if inode.links == 0 and self.writer is not None:
            raise bad(number, "no name leads to it any more")
        return self.node_of(inode)

    def node_of(self, inode: Inode) -> Node:
        """The vnode of an inode. EIO."""
        number = inode.number
        vtype = _KINDS.get(inode.kind)
        if vtype is None or inode.links == 0 or inode.flags & FLAG_EA_INODE:
            raise bad(number, f"mode {inode.mode:#o} with {inode.links} links has a name")
        node = _CLASSES.get(vtype, Node)(self, inode, vtype)
        self._nodes[number] = node
        return node

    def stat_of(self, inode: Inode) -> Stat:
        """Its attributes, which it keeps."""
        stat = inode.stat = Stat(
            self.dev,
            inode.mode,
            inode.number,
            inode.links,
            inode.uid,
            inode.gid,
            inode.rdev if inode.kind in (const.S_IFCHR, const.S_IFBLK) else 0,
            inode.atime_ns,
            inode.mtime_ns,
            inode.ctime_ns,
            inode.birthtime_ns,
            inode.size,
            inode.blocks,
            self.volume.sb.block_size,
            inode.bsd_flags,
            inode.generation,
        )
        return stat

    def glance(self, number: int) -> Stat | None:
        """The attributes of an inode that a directory names; None where it takes a vnode to tell. EIO."""
        node = self._nodes.get(number)
        if node is not None:
            return None if node.mounted else node.getattr()
        if number < self.volume.sb.first_inode:
            return None
        inode = self.volume.inode(number)
        if inode.links == 0 or inode.kind not in _KINDS or inode.flags & FLAG_EA_INODE:
            return None
        return inode.stat or self.stat_of(inode)

    def statvfs(self) -> Statvfs:
        sb = self.volume.sb
        free_blocks, free_inodes = (self.writer.allocator if self.writer else self.volume).free_counts()
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

    # -- writing

    def begin_writing(self) -> None:
        """EROFS, EIO, EOPNOTSUPP."""
        writer = open_writer(self.volume, self._env)
        writer.names = self.names
        writer.transaction.undone = self._undone
        self.writer = writer
        self.quotas = writer.space.quotas
        self.readonly = False
        self._forget()

    def _undone(self) -> None:
        """An operation failed: what was parsed of the disk meanwhile may be wrong."""
        assert self.writer is not None
        self.writer.leaves.clear()
        self.volume.forget_nodes()
        self.names.clear()
        self._forget()

    def _forget(self) -> None:
        for node in list(self._nodes.values()):
            node.forget()

    def gone(self, node: Node) -> None:
        """The inode of a vnode is free, and may be another file's soon."""
        if self._nodes.get(node.fileno) is node:
            del self._nodes[node.fileno]

    def sync(self) -> None:
        if self.writer is not None:
            self.writer.write_access_times()
            self.writer.sync()

    def remount(self, *, readonly: bool) -> None:
        if readonly:
            if self.writer is not None and self.writer.orphans.unnamed():
                raise KernelError(Errno.EBUSY, "files without a name are in use", "ext2fs")
            self._end_writing()
            self.look_at_quotas()
        elif self.writer is None:
            self.begin_writing()

    def _end_writing(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
            self.readonly = True
            self._forget()

    def unmount(self, *, force: bool) -> None:
        self._end_writing()

    @property
    def link_max(self) -> int:
        return LINK_MAX if self.volume.sb.incompat & superblock.INCOMPAT_EXTENTS else LINK_MAX_OLD

    def pathconf(self, name: int) -> int | None:
        if name == const.PC_LINK_MAX:
            return self.link_max
        return self.name_max if name == const.PC_NAME_MAX else None

    def vget(self, fileno: int, generation: int) -> Vnode:
        try:
            node = self.node(fileno)
        except KernelError as error:
            raise KernelError(Errno.ESTALE, error.text, "ext2fs") from None
        if node.inode.generation != generation:
            raise KernelError(Errno.ESTALE)
        return node


def probe(device: BlockDevice) -> bool:
    """Whether the device has an ext2, ext3 or ext4 superblock."""
    if device.size < superblock.OFFSET + superblock.SIZE:
        return False
    return superblock.has_magic(device.view(superblock.OFFSET, superblock.SIZE))


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image, EROFS where it cannot be written, EIO, EOPNOTSUPP for unknown features."""
    device = request.device
    if device is None or not probe(device):
        raise KernelError(Errno.EINVAL, "not an ext2/3/4 file system", "ext2fs")
    fs = Ext2FileSystem(Volume(device, env), env)
    if request.readonly:
        fs.look_at_quotas()
    else:
        fs.begin_writing()
    return fs

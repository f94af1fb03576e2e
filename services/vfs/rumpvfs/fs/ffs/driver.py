"""The file system as vfs sees it: mounting, nodes by number, and what creates and reclaims inodes."""

from __future__ import annotations

from collections import OrderedDict
from weakref import WeakValueDictionary

from rumpvfs.core.vnode import (
    BlockDevice,
    Changes,
    Environment,
    FileSystem,
    FileSystemType,
    MountRequest,
    NewNode,
    Vnode,
    VType,
)
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs

from . import extattr, quota2, superblock, wapbl
from .alloc import Allocator
from .contents import Contents
from .dinode import ROOT, SECOND, Inode, bad
from .directory import Directory
from .dirent import Format
from .extattr1 import DISABLE, ENABLE, START, STOP, BackingFiles
from .newfs import newfs
from .nodes import LINK_MAX, DirectoryNode, Node, RegularFile, SymbolicLink
from .superblock import CLEAN, Superblock
from .volume import Volume

_KINDS = {member.value: member for member in VType}
_CLASSES = {VType.REG: RegularFile, VType.DIR: DirectoryNode, VType.LNK: SymbolicLink}
_INDEX_BYTES = 64 << 20
"""What the indexes of directories may take together."""


class FastFileSystem(FileSystem):
    """One mounted ffs."""

    type_name = "ffs"
    leased = True
    flags_kept = True

    def __init__(self, volume: Volume, log: wapbl.Log | None, *, readonly: bool, force: bool = False) -> None:
        """EIO without a sound root directory, EROFS where it may not be written. ``log`` was replayed."""
        self.volume = volume
        self.sb: Superblock = volume.sb
        self.alloc = Allocator(volume)
        self.readonly = True
        self.force = force
        self.orphans: dict[int, Node] = {}
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._indexes: OrderedDict[int, Directory] = OrderedDict()
        self._kept = 0
        self.backing = BackingFiles(self)
        self._root = self.node(ROOT)
        if self._root.vtype is not VType.DIR:
            raise bad(ROOT, "the root is no directory")
        if readonly:
            self._look_at_quotas()
        else:
            self._begin_writing(log)

    def _begin_writing(self, log: wapbl.Log | None = None) -> None:
        refuse_writing(self.volume, force=self.force, replayed=log is not None)
        forget_hashes(self.sb, self.now())
        self.volume.begin_writing()
        self.readonly = False
        self._open_quotas()
        if log is not None:
            self._free_nameless(log)

    def _look_at_quotas(self) -> None:
        """What there is to be asked for on a mount that is only read."""
        if all(quota2.files_of(self.sb).values()):
            try:
                self._open_quotas()
            except KernelError as error:
                self.volume.env.log(f"ffs: {self.volume.device.name}: {error.text}")

    def _open_quotas(self) -> None:
        """EIO for broken quota files."""
        numbers = quota2.files_of(self.sb)
        if numbers:
            self.alloc.own = frozenset(numbers.values())
            self.quotas = quotas = quota2.FfsQuotas(self.volume, self.alloc, self.volume.env)
            self.alloc.quotas = quotas
            self.volume.before_inodes = quotas.store

    def _free_nameless(self, log: wapbl.Log) -> None:
        """Frees the files without names that were in use when the machine crashed. EIO."""
        for number, mode in dict(log.inodes).items():
            inode = self.volume.inode(number)
            used = self.volume.group(number // self.sb.ipg).used
            if inode.links > 0 or not used[number % self.sb.ipg // 8] >> number % self.sb.ipg % 8 & 1:
                continue
            vtype = _KINDS.get(inode.kind)
            if vtype is None:
                self.volume.free_inode(inode, mode & const.S_IFMT == const.S_IFDIR)
            else:
                self.orphans[number] = node = self._adopt(inode, vtype)
                self.reclaim(node)
        self.volume.settle()

    def now(self) -> int:
        return self.volume.env.now_ns()

    def root(self) -> Vnode:
        return self._root

    # -- nodes

    def node(self, number: int) -> Node:
        """The vnode of an inode that a directory names. EIO."""
        found = self._nodes.get(number)
        return found if found is not None else self._make(number)

    def _make(self, number: int) -> Node:
        inode = self.volume.inode(number)
        vtype = _KINDS.get(inode.kind)
        if vtype is None or inode.links <= 0:
            raise bad(number, f"mode {inode.mode:#o} with {inode.links} links has a name; run fsck")
        return self._adopt(inode, vtype)

    def _adopt(self, inode: Inode, vtype: VType) -> Node:
        node = _CLASSES.get(vtype, Node)(self, inode, vtype)
        self._nodes[inode.number] = node
        return node

    def keep(self, directory: Directory) -> None:
        """Remembers that an index was used; the ones not used for long go when there are too many."""
        indexes = self._indexes
        number = directory.contents.inode.number
        if indexes.get(number) is not directory:
            indexes[number] = directory
        indexes.move_to_end(number)
        self._kept += 1
        if self._kept & 0xFF == 0:
            total = sum(d.index.weight for d in indexes.values() if d.index)
            while total > _INDEX_BYTES and len(indexes) > 1:
                oldest = indexes.popitem(last=False)[1]
                total -= oldest.index.weight if oldest.index else 0
                oldest.index = None

    # -- quotas

    def count_file(self, inode: Inode, sign: int) -> None:
        """A file more, or less, for its owner. EIO."""
        if self.quotas is not None:
            self.quotas.count(inode.uid, inode.gid, files=sign)

    def change_owner(self, inode: Inode, changes: Changes) -> None:
        """EDQUOT, ENOSPC, EIO; then it is as it was."""
        uid = inode.uid if changes.uid is None else changes.uid
        gid = inode.gid if changes.gid is None else changes.gid
        if self.quotas is not None:
            self.quotas.transfer((inode.uid, inode.gid), (uid, gid), blocks=inode.blocks)
        inode.uid, inode.gid = uid, gid

    # -- making and taking away

    def make(self, parent: Inode, new: NewNode) -> Node:
        """A file that has no name yet. ENOSPC, EDQUOT, EIO."""
        directory = new.vtype is VType.DIR
        if self.quotas is not None:
            self.quotas.check(new.uid, new.gid, files=1)
        number = self.alloc.inode(parent, directory=directory)
        inode = self._new_inode(number, new)
        self.count_file(inode, 1)
        try:
            self._fill(inode, parent, new)
        except KernelError:
            self._undo(inode, directory=directory)
            raise
        self.volume.adopt(inode)
        return self._adopt(inode, new.vtype)

    def _new_inode(self, number: int, new: NewNode) -> Inode:
        inode = Inode(self.sb, number, bytes(self.sb.inode_size))
        inode.mode = new.vtype | (new.mode & 0o7777)
        inode.uid, inode.gid = new.uid, new.gid
        inode.links = 2 if new.vtype is VType.DIR else 1
        inode.generation = int.from_bytes(self.volume.env.entropy(4), "little") & 0x7FFFFFFF
        inode.atime_ns = inode.mtime_ns = inode.ctime_ns = inode.birthtime_ns = self.now()
        return inode

    def _fill(self, inode: Inode, parent: Inode, new: NewNode) -> None:
        """What a file is born with: names, a target, a device number."""
        if new.vtype is VType.DIR:
            contents = Contents(self.volume, self.alloc, inode, cached=True)
            format_ = Format(self.sb.order, self.sb.maxsymlinklen > 0)
            contents.put(0, 0, memoryview(format_.first(inode.number, parent.number)))
        elif new.vtype is VType.LNK:
            self._fill_link(inode, new.target)
        elif new.vtype in (VType.BLK, VType.CHR):
            size = self.sb.pointer_size
            order = self.sb.byteorder
            raw = (new.rdev & (1 << size * 8) - 1).to_bytes(size, order)
            inode.pointers[0] = int.from_bytes(raw, order, signed=True)
            inode.area = raw.ljust(len(inode.area), b"\0")

    def _fill_link(self, inode: Inode, target: bytes) -> None:
        """Longer ones than NetBSD can read are refused."""
        if len(target) >= const.PATH_MAX:
            raise KernelError(Errno.ENAMETOOLONG)
        if len(target) < self.sb.maxsymlinklen:
            inode.size = len(target)
            inode.area = target.ljust(len(inode.area), b"\0")
        else:
            Contents(self.volume, self.alloc, inode).write(0, target)
            if inode.size != len(target):
                raise KernelError(Errno.ENOSPC, "no more space", "ffs")

    def _undo(self, inode: Inode, *, directory: bool) -> None:
        """An inode that did not come to be."""
        if inode.mapped(self.sb):
            Contents(self.volume, self.alloc, inode, cached=True).resize(0)
        self.count_file(inode, -1)
        self.volume.free_inode(inode, directory)

    def drop_link(self, node: Node) -> None:
        """A name is gone; with the last one the file goes when nobody uses it."""
        node.inode.links -= 1
        node.changed(self.now())
        if node.inode.links <= 0:
            self.orphans[node.fileno] = node

    def reclaim(self, node: Node) -> None:
        """Frees a file without names. EIO."""
        if self.orphans.pop(node.fileno, None) is None:
            return
        inode = node.inode
        try:
            if inode.mapped(self.sb):
                node.contents.resize(0)
            self.set_attributes(inode, {})
        except KernelError as error:
            raise self.volume.failed(error) from None
        self._nodes.pop(inode.number, None)
        self._indexes.pop(inode.number, None)
        self.count_file(inode, -1)
        self.volume.free_inode(inode, node.vtype is VType.DIR)
        if self.volume.over:
            self.volume.settle()

    def done(self) -> None:
        """The end of an operation: what waits is written when there is much, or at once on a synchronous mount."""
        if self.volume.over or self.mount.flags & const.MNT_SYNCHRONOUS:
            self.volume.settle()

    # -- extended attributes

    def attributes(self, inode: Inode) -> dict[bytes, bytes]:
        """All of them by full name. EOPNOTSUPP on UFS1 without files for them, EIO."""
        if self.sb.version == 1:
            return self.backing.load(inode)
        return extattr.load(self.volume, inode)

    def set_attribute(self, inode: Inode, name: bytes, value: bytes | None) -> None:
        if self.sb.version == 1:
            self.backing.store(inode, name, value)
            return
        found = self.attributes(inode)
        if value is None:
            del found[name]
        else:
            found[name] = value
        self.set_attributes(inode, found)

    def set_attributes(self, inode: Inode, attributes: dict[bytes, bytes]) -> None:
        if self.sb.version == 2 and (attributes or inode.extsize):
            extattr.store(self.volume, self.alloc, inode, attributes)

    def extattrctl(self, cmd: int, file: Vnode | None, name: bytes) -> None:
        if self.sb.version != 1:
            raise KernelError(Errno.EOPNOTSUPP, "UFS2 has attributes in the inodes: nothing is to be started", "ffs")
        if (file is not None) != (cmd == ENABLE) or bool(name) != (cmd in (ENABLE, DISABLE)):
            raise KernelError(Errno.EINVAL)
        if cmd == START:
            self.backing.start()
        elif cmd == STOP:
            self.backing.stop()
        elif cmd == DISABLE:
            self.backing.disable(name)
        elif isinstance(file, RegularFile):
            self.backing.enable(name, file)
        else:
            raise KernelError(Errno.EINVAL, "no regular file, or no such command", "ffs")

    # -- the whole

    def statvfs(self) -> Statvfs:
        sb = self.sb
        free = sb.free_frags() + self.volume.freed_frags
        inodes = sb.nifree + self.volume.freed_inodes
        return Statvfs(
            f_bsize=sb.bsize,
            f_frsize=sb.fsize,
            f_iosize=sb.bsize,
            f_blocks=sb.dsize,
            f_bfree=free,
            f_bavail=max(free - sb.reserve(), 0),
            f_bresvd=sb.reserve(),
            f_files=sb.ncg * sb.ipg - ROOT,
            f_ffree=inodes,
            f_favail=inodes,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def sync(self) -> None:
        if not self.readonly:
            self.volume.settle()

    def remount(self, *, readonly: bool) -> None:
        if readonly == self.readonly:
            return
        if not readonly:
            self._begin_writing()
        elif self.orphans:
            raise KernelError(Errno.EBUSY, "files without names are in use", "ffs")
        else:
            self.volume.end_writing()
            self.readonly = True

    def unmount(self, *, force: bool) -> None:
        if self.readonly:
            return
        try:
            for node in list(self.orphans.values()):
                self.reclaim(node)
            self.volume.end_writing()
        except KernelError:
            if force:
                self.volume.forget_changes()
            raise
        self.readonly = True

    def pathconf(self, name: int) -> int | None:
        return LINK_MAX if name == const.PC_LINK_MAX else None

    def vget(self, fileno: int, generation: int) -> Vnode:
        try:
            node = self.node(fileno)
        except KernelError as error:
            raise KernelError(Errno.ESTALE, error.text, "ffs") from None
        if node.inode.generation != generation:
            raise KernelError(Errno.ESTALE)
        return node


def refuse_writing(volume: Volume, *, force: bool, replayed: bool) -> None:
    """EROFS for what must not be written, or not yet."""
    sb, device = volume.sb, volume.device
    get = sb.fields.get

    def refuse(text: str) -> KernelError:
        return KernelError(Errno.EROFS, f"{device.name}: {text}; mount read-only", "ffs")

    if device.readonly:
        raise refuse("the device is read-only")
    if not sb.updated or sb.old_inodes or sb.maxsymlinklen <= 0:
        raise refuse("the format of 4.3BSD and early 4.4BSD is only read")
    if get("snapshot"):
        raise refuse("it has snapshots, which writing would spoil")
    if sb.flags & superblock.FLAG_GJOURNAL:
        raise refuse("it has a gjournal, which is not written here")
    if wapbl.in_use(sb) and not replayed:
        raise refuse("its log was read into memory: unmount it first")
    if get("quota_magic") not in (0, superblock.QUOTA_MAGIC):
        raise refuse("it keeps quotas of a kind that is not known")
    if 0 in quota2.files_of(sb).values():
        raise refuse("it is to keep quotas: run fsck, which counts them")
    clean = replayed or sb.clean & CLEAN
    if not clean or sb.flags & superblock.FLAG_NEEDS_FSCK or get("pendingblocks") or get("pendinginodes"):
        if not force:
            raise refuse("not clean: run fsck, or mount it with the option force")
        volume.env.log(f"ffs: {device.name} is written though it is not clean: run fsck")
        volume.damaged = True


def forget_hashes(sb: Superblock, now: int) -> None:
    """What a writer does that keeps neither a log, FreeBSD's check hashes, nor the journal of soft updates: it says so.

    A journal counts only for the time of mounting that it was written under.
    """
    if wapbl.in_use(sb):
        sb.flags &= ~superblock.FLAG_LOG
        sb.fields.put("flags", sb.flags)
    if sb.flags & superblock.FLAG_JOURNALED_SOFTDEP:
        sb.fields.put("mtime", now // SECOND)
    if sb.flags & superblock.FLAG_HASHES and not sb.keeps_quotas:
        sb.fields.put("metackhash", 0)
        sb.flags &= ~superblock.FLAG_HASHES
        sb.fields.put("flags", sb.flags)


def probe(device: BlockDevice) -> bool:
    """Whether the device has the superblock of an ffs."""
    return superblock.has_magic(device)


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image, EROFS for one that cannot be written as it is, EIO."""
    device = request.device
    if device is None:
        raise KernelError(Errno.EINVAL, "ffs needs a device", "ffs")
    sb = superblock.find(device)
    log = None
    if wapbl.in_use(sb):
        log = wapbl.read(device, sb)
        env.log(f"ffs: {device.name}: replaying {len(log.blocks)} blocks of the log")
        device = _replayed(device, log, readonly=request.readonly)
        sb = superblock.find(device)
    elif request.readonly and not sb.clean & CLEAN:
        env.log(f"ffs: {device.name} is not clean: run fsck")
    fs = FastFileSystem(Volume(device, env, sb), log, readonly=request.readonly, force="force" in request.options)
    if "extattr" in request.options and sb.version == 1:
        try:
            fs.backing.start()
        except KernelError as error:
            env.log(f"ffs: {device.name}: no extended attributes: {error}")
    return fs


def _replayed(device: BlockDevice, log: wapbl.Log, *, readonly: bool) -> BlockDevice:
    """The device with what its log has: for good, or only to be looked at. EROFS, EIO."""
    if readonly:
        return wapbl.Overlay(log)
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} has a log to be replayed and is read-only", "ffs")
    log.replay()
    return device


FILE_SYSTEM = FileSystemType("ffs", mount, probe=probe, newfs=newfs)

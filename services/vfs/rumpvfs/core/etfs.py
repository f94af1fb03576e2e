"""Host files in the name space (rump_etfs(3)).

A registered key is found at the root of the name space before any real name and is in no directory: readdir does not
show it. The rest of the key is taken as it stands, so ``/dev/disk0`` needs no directory ``dev``. Directories of the
host are file systems of their own (`hostfs`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rumpuser.host import Buffer, HostFile, HostFiles
from rumpvfs.core.disk import SECTOR, HostDisk
from rumpvfs.core.file import DataFile
from rumpvfs.core.hostfs import HostTree, attach
from rumpvfs.core.mount import Mount
from rumpvfs.core.vnode import Changes, FileSystem, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsInteger, IoctlResult, Stat, Statvfs

BLOCK_DEVICES = 16
"""RUMPBLK_SIZE of the original."""
MAX_KEY = const.PATH_MAX - 1
KINDS = {const.RUMP_ETFS_REG: VType.REG, const.RUMP_ETFS_BLK: VType.BLK, const.RUMP_ETFS_CHR: VType.CHR}
TREES_MAJOR = 254
"""Of the st_dev of host directories."""
DIRECTORIES = (const.RUMP_ETFS_DIR, const.RUMP_ETFS_DIR_SUBDIRS)


class EtfsFileSystem(FileSystem):
    """The file system that registered files belong to; shares the mount of the root."""

    type_name = "rumpfs"
    cache_names = False

    def __init__(self, mount: Mount, files: HostFiles, now_ns: Callable[[], int]) -> None:
        self.mount = mount
        self.dev = mount.dev
        self.files = files
        self.now_ns = now_ns
        self.last = 1 << 32  # clear of the numbers of the files in the root

    def number(self) -> int:
        self.last += 1
        return self.last

    def root(self) -> Vnode:
        return self.mount.root

    def statvfs(self) -> Statvfs:
        return self.mount.fs.statvfs()


class HostVnode(Vnode):
    """A host file as regular file or device: the range from ``begin`` on, to its end when ``limit`` is None.

    ``whole`` says that no range was asked for: an image in the file may grow.
    """

    __slots__ = ("begin", "file", "hostpath", "limit", "rdev", "registered", "whole")

    fs: EtfsFileSystem

    def __init__(
        self,
        fs: EtfsFileSystem,
        vtype: VType,
        file: HostFile,
        begin: int,
        limit: int | None,
        rdev: int = 0,
        hostpath: bytes = b"",
    ) -> None:
        super().__init__(fs, fs.number(), vtype)
        self.file = file
        self.begin = begin
        self.limit = limit
        self.rdev = rdev
        self.hostpath = hostpath
        self.whole = False
        self.registered = fs.now_ns()

    @property
    def size(self) -> int:
        return self.limit if self.limit is not None else max(0, self.file.size - self.begin)

    def getattr(self) -> Stat:
        mode = self.vtype | (0o444 if self.file.readonly else 0o666)
        at = self.registered
        size = self.size
        return Stat(
            self.fs.dev, mode, self.fileno, 1, 0, 0, self.rdev, at, at, at, at, size, -(-size // SECTOR), SECTOR
        )

    def setattr(self, changes: Changes) -> None:
        """The size of a whole regular file, which is that of the host file. EROFS, EFBIG, EOPNOTSUPP for the rest."""
        if changes != Changes(size=changes.size) or self.vtype is not VType.REG or self.limit is not None or self.begin:
            raise KernelError(Errno.EOPNOTSUPP, "attributes of host files stay as they are")
        if changes.size is not None:
            self.file.truncate(changes.size)

    def read(self, offset: int, length: int) -> Buffer:
        length = min(length, self.size - offset)
        return self.file.view(self.begin + offset, length) if length > 0 else b""

    def write(self, offset: int, data: Buffer) -> int:
        if self.file.readonly:
            raise KernelError(Errno.EROFS)
        end = self.size if self.vtype is not VType.REG or self.limit is not None else None
        if end is not None and offset + len(data) > end:
            data = memoryview(data)[: max(0, end - offset)]
            if not len(data):
                raise KernelError(Errno.ENOSPC)
        return self.file.write(self.begin + offset, data)

    def fsync(self, *, data_only: bool) -> None:
        if not self.file.readonly:
            self.file.sync()


class DiskFile(DataFile):
    """A registered block or character device, opened."""

    __slots__ = ()

    def ioctl(self, ctx: object, com: int, data: IoctlArgs | None) -> IoctlResult:
        if com == const.DIOCGMEDIASIZE:
            return IoctlResult(0, IoctlArgsInteger(self.vnode.getattr().st_size))
        if com == const.DIOCGSECTORSIZE:
            return IoctlResult(0, IoctlArgsInteger(SECTOR))
        raise KernelError(Errno.ENOTTY)


def open_host(files: HostFiles, path: bytes) -> HostFile:
    """For writing where that can be had."""
    try:
        return files.open(path, write=True)
    except KernelError as error:
        if error.errno not in (Errno.EACCES, Errno.EPERM, Errno.EROFS, Errno.ETXTBSY):
            raise
        return files.open(path, write=False)


class Etfs:
    """All registered keys."""

    def __init__(self, files: HostFiles, mount: Mount, now_ns: Callable[[], int]) -> None:
        self.files = files
        self.fs = EtfsFileSystem(mount, files, now_ns)
        self.entries: dict[bytes, HostVnode] = {}
        self.trees: dict[bytes, HostTree] = {}
        self._devices = 0

    def __bool__(self) -> bool:
        return bool(self.entries or self.trees)

    def find(self, key: bytes) -> tuple[Vnode, bytes] | None:
        """The file of a path below the root, without leading slashes, and what of the path goes on in a directory."""
        found = self.entries.get(key)
        if found is not None:
            return found, b""
        end = len(key)
        while self.trees and end > 0:
            tree = self.trees.get(key[:end])
            if tree is not None:
                return tree.root(), key[end:].lstrip(b"/")
            end = key.rfind(b"/", 0, end)
        return None

    def register(self, key: bytes, hostpath: bytes, kind: int, begin: int = 0, size: int | None = None) -> None:
        """EINVAL, ENAMETOOLONG, EEXIST, ENOTDIR, EISDIR, EBUSY, and the errors of the host file."""
        name = self.key(key)
        if name in self.entries or name in self.trees:
            raise KernelError(Errno.EEXIST)
        if not name or (kind not in KINDS and kind not in DIRECTORIES):
            raise KernelError(Errno.EINVAL)
        host_kind = self.files.kind(hostpath)
        if kind in DIRECTORIES:
            if host_kind != "dir":
                raise KernelError(Errno.ENOTDIR)
            if begin or size is not None:
                raise KernelError(Errno.EISDIR)
            self.trees[name] = self._tree(name, hostpath, deep=kind == const.RUMP_ETFS_DIR_SUBDIRS)
            return
        if host_kind == "dir":
            raise KernelError(Errno.EISDIR)
        if KINDS[kind] is VType.BLK and host_kind not in ("reg", "blk", "chr"):
            raise KernelError(Errno.EINVAL, "block devices stand on files, block and character devices only")
        self.entries[name] = self._file(hostpath, KINDS[kind], begin, size)

    def identity(self, key: bytes) -> tuple[int, ...]:
        """What makes a registered file the one that it is to programs, besides its key: numbers, and when it came."""
        name = self.key(key)
        if name in self.trees:
            return (const.minor(self.trees[name].dev),)
        vnode = self.entries[name]
        return vnode.fileno, vnode.rdev, vnode.registered

    def register_again(
        self, key: bytes, hostpath: bytes, kind: int, begin: int, size: int | None, identity: Sequence[int]
    ) -> None:
        """What another process had registered, as what it was there."""
        number, *rest = identity
        devices = self._devices
        if not rest:
            self._devices = number - 1
        try:
            self.register(key, hostpath, kind, begin, size)
        finally:
            self._devices = max(self._devices, devices)
        if rest:
            vnode = self.entries[self.key(key)]
            vnode.fileno, vnode.rdev, vnode.registered = number, *rest
            self.fs.last = max(self.fs.last, number)

    def _file(self, hostpath: bytes, vtype: VType, begin: int, size: int | None) -> HostVnode:
        rdev = 0
        if vtype is not VType.REG:
            rdev = const.makedev(const.MAJOR_RUMPBLK, self._minor(vtype))
        file = open_host(self.files, hostpath)
        if begin > file.size or (size is not None and begin + size > file.size):
            file.close()
            raise KernelError(Errno.EINVAL, "the range is beyond the end of the host file")
        whole = begin == 0 and size is None
        if size is None and vtype is not VType.REG:
            size = file.size - begin
        vnode = HostVnode(self.fs, vtype, file, begin, size, rdev, hostpath)
        vnode.whole = whole
        return vnode

    def _tree(self, key: bytes, hostpath: bytes, *, deep: bool) -> HostTree:
        self._devices += 1
        dev = const.makedev(TREES_MAJOR, self._devices)
        return attach(self.fs.mount, self.files.node(hostpath), key, hostpath, dev, deep=deep)

    def _minor(self, vtype: VType) -> int:
        used = {const.minor(v.rdev) for v in self.entries.values() if v.rdev}
        blocks = sum(v.vtype is VType.BLK for v in self.entries.values())
        if vtype is VType.BLK and blocks >= BLOCK_DEVICES:
            raise KernelError(Errno.EBUSY, f"more than {BLOCK_DEVICES} block devices")
        return next(minor for minor in range(1 << 20) if minor not in used)

    def remove(self, key: bytes) -> None:
        """EINVAL, ENOENT, EBUSY."""
        name = self.key(key)
        if name in self.trees:
            self._remove_tree(name)
            return
        entry = self.entries.get(name)
        if entry is None:
            raise KernelError(Errno.ENOENT)
        if entry.uses or entry.mounted is not None:
            raise KernelError(Errno.EBUSY)
        del self.entries[name]
        entry.file.close()

    def _remove_tree(self, name: bytes) -> None:
        tree = self.trees[name]
        if tree.mount.uses:
            raise KernelError(Errno.EBUSY, f"{tree.mount.uses} open files and held directories")
        del self.trees[name]
        tree.close()

    def key(self, key: bytes) -> bytes:
        """A key as it is found: without the slashes before it. EINVAL, ENAMETOOLONG."""
        if not key.startswith(b"/"):
            raise KernelError(Errno.EINVAL, "the key is no absolute path")
        if len(key) > MAX_KEY:
            raise KernelError(Errno.ENAMETOOLONG)
        return key.lstrip(b"/")

    def close(self) -> None:
        """Closes all host files."""
        for entry in self.entries.values():
            entry.file.close()
        for tree in self.trees.values():
            tree.close()
        self.entries.clear()
        self.trees.clear()


def disk_of(vnode: HostVnode, name: str, *, readonly: bool) -> HostDisk:
    """A registered block device as the disk of a mount."""
    return HostDisk(vnode.file, name, vnode.begin, vnode.size, readonly=readonly)

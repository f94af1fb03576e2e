"""Host files in the name space (rump_etfs(3)).

A registered key is found at the root of the name space before any real name and is in no directory: readdir does not
show it. The rest of the key is taken as it stands, so ``/dev/disk0`` needs no directory ``dev``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rumpuser.host import Buffer, HostFile, HostFiles
from rumpvfs.core.disk import SECTOR, HostDisk
from rumpvfs.core.file import DataFile
from rumpvfs.core.mount import Mount
from rumpvfs.core.vnode import Changes, Entry, FileSystem, NewNode, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsInteger, IoctlResult, Stat, Statvfs

BLOCK_DEVICES = 16
"""RUMPBLK_SIZE of the original."""
MAX_KEY = const.PATH_MAX - 1
KINDS = {const.RUMP_ETFS_REG: VType.REG, const.RUMP_ETFS_BLK: VType.BLK, const.RUMP_ETFS_CHR: VType.CHR}
KNOWN_MAX = 64
"""Files of one host directory that are kept open on the host though nobody has them open here."""
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


class HostDirectory(Vnode):
    """A host directory, read-only; ``deep`` shows its subdirectories too."""

    __slots__ = ("deep", "hostpath", "known", "up")

    fs: EtfsFileSystem

    def __init__(self, fs: EtfsFileSystem, hostpath: bytes, up: HostDirectory | None, *, deep: bool) -> None:
        super().__init__(fs, fs.number(), VType.DIR)
        self.hostpath = hostpath
        self.deep = deep
        self.up = up
        self.known: dict[bytes, Vnode] = {}

    def getattr(self) -> Stat:
        return Stat(st_dev=self.fs.dev, st_mode=self.vtype | 0o555, st_ino=self.fileno, st_nlink=2, st_blksize=SECTOR)

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self.fs.root()

    def lookup(self, name: bytes) -> Vnode:
        if name not in self.known:
            if len(self.known) >= KNOWN_MAX:
                self._drop_unused()
            self.known[name] = self._make(name)
        return self.known[name]

    def _drop_unused(self) -> None:
        for name, vnode in list(self.known.items()):
            if isinstance(vnode, HostVnode) and not vnode.uses:
                vnode.file.close()
                del self.known[name]

    def _make(self, name: bytes) -> Vnode:
        path = self.hostpath + b"/" + name
        kind = self.fs.files.kind(path)
        if kind == "dir" and self.deep:
            return HostDirectory(self.fs, path, self, deep=True)
        if kind != "reg":
            raise KernelError(Errno.ENOENT)
        return HostVnode(self.fs, VType.REG, open_host(self.fs.files, path), 0, None, hostpath=path)

    def readdir(self, cookie: int) -> Iterator[Entry]:
        names = [b".", b"..", *sorted(self.fs.files.listdir(self.hostpath))]
        for at, name in enumerate(names[cookie:], cookie + 1):
            yield Entry(at, self.fileno if at <= 2 else at, VType.DIR if at <= 2 else None, name)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        raise KernelError(Errno.EROFS)

    def files(self) -> Iterator[HostVnode]:
        for vnode in self.known.values():
            if isinstance(vnode, HostVnode):
                yield vnode
            elif isinstance(vnode, HostDirectory):
                yield from vnode.files()


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
        self.entries: dict[bytes, HostVnode | HostDirectory] = {}
        self._trees = 0

    def __bool__(self) -> bool:
        return bool(self.entries)

    def find(self, key: bytes) -> Vnode | None:
        """The file of a path below the root, without leading slashes."""
        found = self.entries.get(key)
        if found is not None or not self._trees:
            return found
        head = key
        while (at := head.rfind(b"/")) > 0:
            head = key[:at]
            found = self.entries.get(head)
            if isinstance(found, HostDirectory):
                return self._below(found, key[at:])
        return None

    def _below(self, directory: Vnode, rest: bytes) -> Vnode:
        for name in rest.split(b"/"):
            if name == b"..":
                directory = directory.parent()
            elif name not in (b"", b"."):
                directory = directory.lookup(name)
        return directory

    def register(self, key: bytes, hostpath: bytes, kind: int, begin: int = 0, size: int | None = None) -> None:
        """EINVAL, ENAMETOOLONG, EEXIST, ENOTDIR, EISDIR, EBUSY, and the errors of the host file."""
        name = self._key(key)
        if name in self.entries:
            raise KernelError(Errno.EEXIST)
        if not name or (kind not in KINDS and kind not in DIRECTORIES):
            raise KernelError(Errno.EINVAL)
        host_kind = self.files.kind(hostpath)
        if kind in DIRECTORIES:
            if host_kind != "dir":
                raise KernelError(Errno.ENOTDIR)
            if begin or size is not None:
                raise KernelError(Errno.EISDIR)
            self.entries[name] = HostDirectory(self.fs, hostpath, None, deep=kind == const.RUMP_ETFS_DIR_SUBDIRS)
            self._trees += 1
            return
        if host_kind == "dir":
            raise KernelError(Errno.EISDIR)
        if KINDS[kind] is VType.BLK and host_kind not in ("reg", "blk", "chr"):
            raise KernelError(Errno.EINVAL, "block devices stand on files, block and character devices only")
        self.entries[name] = self._file(hostpath, KINDS[kind], begin, size)

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

    def _minor(self, vtype: VType) -> int:
        used = {const.minor(v.rdev) for v in self.entries.values() if isinstance(v, HostVnode) and v.rdev}
        blocks = sum(v.vtype is VType.BLK for v in self.entries.values())
        if vtype is VType.BLK and blocks >= BLOCK_DEVICES:
            raise KernelError(Errno.EBUSY, f"more than {BLOCK_DEVICES} block devices")
        return next(minor for minor in range(1 << 20) if minor not in used)

    def remove(self, key: bytes) -> None:
        """EINVAL, ENOENT, EBUSY."""
        name = self._key(key)
        entry = self.entries.get(name)
        if entry is None:
            raise KernelError(Errno.ENOENT)
        files = list(entry.files()) if isinstance(entry, HostDirectory) else [entry]
        if entry.uses or entry.mounted is not None or any(file.uses for file in files):
            raise KernelError(Errno.EBUSY)
        del self.entries[name]
        self._trees -= isinstance(entry, HostDirectory)
        for file in files:
            file.file.close()

    def _key(self, key: bytes) -> bytes:
        if not key.startswith(b"/"):
            raise KernelError(Errno.EINVAL, "the key is no absolute path")
        if len(key) > MAX_KEY:
            raise KernelError(Errno.ENAMETOOLONG)
        return key.lstrip(b"/")

    def close(self) -> None:
        """Closes all host files."""
        for entry in self.entries.values():
            for vnode in entry.files() if isinstance(entry, HostDirectory) else [entry]:
                vnode.file.close()
        self.entries.clear()


def disk_of(vnode: HostVnode, name: str, *, readonly: bool) -> HostDisk:
    """A registered block device as the disk of a mount."""
    return HostDisk(vnode.file, name, vnode.begin, vnode.size, readonly=readonly)

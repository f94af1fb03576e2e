"""The file system as vfs sees it: vnodes over a `Volume`. Reading only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from weakref import WeakValueDictionary

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Entry, Environment, FileSystem, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

from . import directory, entry, recognition
from .allocation import Address
from .contents import Data
from .directory import Identifier
from .tags import bad
from .volume import Volume

# Bytes of directories whose names are kept (some ten times that when parsed). A larger one is read for every lookup.
NAME_BYTES = 4 << 20
MAX_TARGET = 8192
NOBODY = 0xFFFFFFFF
_SELF_END, _PARENT_END = 1, 2


class Options(NamedTuple):
    """``uid`` and ``gid`` own what nobody does on the volume."""

    uid: int = 0
    gid: int = 0


class Node(Vnode):
    """A file of any kind; devices, fifos and sockets have nothing more than this."""

    __slots__ = ("_data", "entry", "partition")
    fs: UdfFileSystem

    def __init__(self, fs: UdfFileSystem, number: int, vtype: VType, found: entry.Entry, partition: int) -> None:
        super().__init__(fs, number, vtype)
        self.entry = found
        self.partition = partition
        self._data: Data | None = None

    def data(self) -> Data:
        if self._data is None:
            self._data = self.fs.volume.data(self.entry, self.partition)
        return self._data

    def getattr(self) -> Stat:
        found, options, block = self.entry, self.fs.options, self.fs.volume.block_size
        device = found.device if self.vtype in (VType.BLK, VType.CHR) else (0, 0)
        return Stat(
            self.fs.dev,
            self.vtype | found.mode,
            self.fileno,
            found.links,
            options.uid if found.uid == NOBODY else found.uid,
            options.gid if found.gid == NOBODY else found.gid,
            const.makedev(*device),
            found.atime_ns,
            found.mtime_ns,
            found.ctime_ns,
            found.birthtime_ns,
            self.size(),
            found.blocks * (block >> 9),
            block,
            0,
            0,
        )

    def size(self) -> int:
        return self.entry.size


class RegularFile(Node):
    """A file with contents."""

    __slots__ = ()

    def read(self, offset: int, length: int) -> Buffer:
        return self.data().read(offset, length)


class SymbolicLink(Node):
    """A symbolic link; its contents are path components, so its size is found only by reading it."""

    __slots__ = ()

    def size(self) -> int:
        return len(self.readlink())

    def readlink(self) -> bytes:
        if self.entry.size > MAX_TARGET:
            raise bad(f"a symbolic link of {self.entry.size} bytes")
        return directory.target(memoryview(self.data().read(0, self.entry.size)))


class Directory(Node):
    """A directory."""

    __slots__ = ()

    def read(self, offset: int, length: int) -> Buffer:
        raise KernelError(Errno.EISDIR)

    def lookup(self, name: bytes) -> Vnode:
        if name == b"..":
            return self.fs.directory(self._above())
        found = self._find(name)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(found.address)

    def _find(self, name: bytes) -> Identifier | None:
        names = self.fs.names(self)
        if names is not None:
            return names.get(name)
        return next((found for found in self.scan(0) if found.name == name), None)

    def _above(self) -> Address:
        """The descriptor of the directory above is the first one."""
        for found in self.scan(0, above=True):
            if found.flags & directory.PARENT:
                return found.address
            break
        raise bad(f"the directory {self.fileno} has no ..")

    def scan(self, offset: int, *, above: bool = False) -> Iterator[Identifier]:
        size = self.entry.size
        if size > self.fs.volume.device.size:
            raise bad(f"a directory of {size} bytes")
        for found in directory.scan(self.data(), offset):
            if above or not found.flags & directory.PARENT:
                yield found

    def readdir(self, cookie: int) -> Iterator[Entry]:
        """Cookies are bytes of the directory, but 1 behind itself and 2 behind the one above."""
        if not 0 <= cookie <= max(self.entry.size + 3, _PARENT_END):
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory of {self.entry.size} bytes", "udf")
        return self._entries(cookie)

    def _entries(self, cookie: int) -> Iterator[Entry]:
        if cookie < _SELF_END:
            yield Entry(_SELF_END, self.fileno, VType.DIR, b".")
        if cookie < _PARENT_END:
            yield Entry(_PARENT_END, number_of(self._above()), VType.DIR, b"..")
        for found in self.scan(0 if cookie <= _PARENT_END else cookie):
            kind = VType.DIR if found.flags & directory.DIRECTORY else None
            yield Entry(found.end, number_of(found.address), kind, found.name)


_CLASSES = {VType.REG: RegularFile, VType.DIR: Directory, VType.LNK: SymbolicLink}


def number_of(address: Address) -> int:
    """The number of an inode: the place of its file entry, counted from 1."""
    return (address.partition << 32 | address.block) + 1


class UdfFileSystem(FileSystem):
    """One mounted volume."""

    type_name = "udf"
    leased = True
    readonly = True

    def __init__(self, volume: Volume, options: Options) -> None:
        """EIO without a sound root directory."""
        self.volume = volume
        self.options = options
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._names: OrderedDict[int, tuple[dict[bytes, Identifier], int]] = OrderedDict()
        self._named_bytes = 0
        self._root = self.directory(volume.root)

    def root(self) -> Vnode:
        return self._root

    def directory(self, address: Address) -> Node:
        node = self.node(address)
        if node.vtype is not VType.DIR:
            raise bad(f"the file entry at block {address.block} is of no directory")
        return node

    def node(self, address: Address) -> Node:
        """The vnode of a file entry. EIO."""
        found = self._nodes.get(number_of(address))
        return found if found is not None else self._make(address)

    def _make(self, address: Address) -> Node:
        found = self.volume.entry(address.partition, address.block)
        vtype = found.vtype
        if vtype is None:
            raise bad(f"a file of type {found.file_type} has a name")
        number = number_of(address)
        node = self._nodes[number] = _CLASSES.get(vtype, Node)(self, number, vtype, found, address.partition)
        return node

    def names(self, node: Directory) -> dict[bytes, Identifier] | None:
        """The names of a directory, those of the directories used last kept; None for a large one. EIO."""
        known = self._names.get(node.fileno)
        if known is not None:
            self._names.move_to_end(node.fileno)
            return known[0]
        size = node.entry.size
        if size > NAME_BYTES:
            return None
        index = {found.name: found for found in node.scan(0)}
        self._names[node.fileno] = index, size
        self._named_bytes += size
        while self._named_bytes > NAME_BYTES and len(self._names) > 1:
            self._named_bytes -= self._names.popitem(last=False)[1][1]
        return index

    def statvfs(self) -> Statvfs:
        size = self.volume.block_size
        blocks, free, files = self.volume.counts()
        return Statvfs(
            f_bsize=size,
            f_frsize=size,
            f_iosize=size,
            f_blocks=blocks,
            f_bfree=free,
            f_bavail=free,
            f_files=files,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def remount(self, *, readonly: bool) -> None:
        if not readonly:
            raise _not_writable()

    def pathconf(self, name: int) -> int | None:
        if name == const.PC_LINK_MAX:
            return 0xFFFF
        return self.name_max if name == const.PC_NAME_MAX else None

    def vget(self, fileno: int, generation: int) -> Vnode:
        if generation or fileno < 1:
            raise KernelError(Errno.ESTALE)
        partition, block = divmod(fileno - 1, 1 << 32)
        try:
            return self.node(Address(self.volume.block_size, block, partition))
        except KernelError as error:
            raise KernelError(Errno.ESTALE, error.text, "udf") from None


def _not_writable() -> KernelError:
    return KernelError(Errno.EROFS, "writing UDF is not there; mount read-only", "udf")


def parse_options(given: Mapping[str, str]) -> Options:
    """EINVAL."""
    for name, value in given.items():
        if name not in Options._fields or not value.isdecimal() or int(value) > NOBODY:
            raise KernelError(Errno.EINVAL, f"{name}={value!r} is no mount option of UDF", "udf")
    return Options(**{name: int(value) for name, value in given.items()})


def probe(device: BlockDevice) -> bool:
    """Whether the device has the volume recognition sequence of UDF."""
    return recognition.is_volume(device)


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image or bad options, EROFS for a mount that is not read-only, EIO, EOPNOTSUPP."""
    device = request.device
    options = parse_options(request.options)
    if device is None or not probe(device):
        raise KernelError(Errno.EINVAL, "not a UDF volume", "udf")
    volume = Volume(device)
    if not request.readonly:
        raise _not_writable()
    return UdfFileSystem(volume, options)

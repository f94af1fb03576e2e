"""The file system as vfs sees it: vnodes over a `Volume`. A volume is only ever read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from weakref import WeakValueDictionary

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Entry, Environment, FileSystem, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

from . import attributes, descriptors, options
from .contents import Deflated, Sections
from .records import Record, bad
from .susp import RockRidge
from .volume import Found, Volume

# Bytes of directories whose names are kept (some ten times that when parsed). A larger one is read for every lookup.
NAME_BYTES = 4 << 20
_PARENT_END = 2


class Node(Vnode):
    """A file of any kind; devices, fifos and sockets have nothing more than this."""

    __slots__ = ("record", "rock")
    fs: Cd9660FileSystem

    def __init__(self, fs: Cd9660FileSystem, number: int, vtype: VType, record: Record, rock: RockRidge | None) -> None:
        super().__init__(fs, number, vtype)
        self.record = record
        self.rock = rock

    @property
    def size(self) -> int:
        return 0

    def getattr(self) -> Stat:
        return attributes.stat(self.fs.volume, self.fileno, self.vtype, self.record, self.rock, self.size, self.fs.dev)


class RegularFile(Node):
    """A file with contents."""

    __slots__ = ("_data", "_sections")

    def __init__(self, fs: Cd9660FileSystem, found: Found) -> None:
        super().__init__(fs, found.number, VType.REG, found.record, found.rock)
        self._sections = found.sections
        self._data: Sections | Deflated | None = None

    @property
    def size(self) -> int:
        if self.rock is not None and self.rock.compressed is not None:
            return self.rock.compressed[3]
        return sum(length for _, length in self._sections)

    def read(self, offset: int, length: int) -> Buffer:
        """EOPNOTSUPP for what is interleaved or sparse."""
        data = self._data
        if data is None:
            data = self._data = self._open()
        return data.read(offset, length)

    def _open(self) -> Sections | Deflated:
        if self.record.unit or self.record.gap:
            raise KernelError(Errno.EOPNOTSUPP, "an interleaved file", "cd9660")
        if self.rock is not None and self.rock.sparse:
            raise KernelError(Errno.EOPNOTSUPP, "a sparse file of Rock Ridge", "cd9660")
        stored = Sections(self.fs.volume.device, self._sections)
        if self.rock is None or self.rock.compressed is None:
            return stored
        return Deflated(stored, *self.rock.compressed)


class SymbolicLink(Node):
    """A symbolic link; its target is in the directory record."""

    __slots__ = ()

    @property
    def size(self) -> int:
        return 0 if self.rock is None else len(self.rock.target)

    def readlink(self) -> bytes:
        if self.rock is None or not self.rock.target:
            raise bad(f"the symbolic link {self.fileno} has no target")
        return self.rock.target


class Directory(Node):
    """A directory. ``fileno`` is the byte of the volume where it begins."""

    __slots__ = ()

    @property
    def size(self) -> int:
        return self.record.size

    def read(self, offset: int, length: int) -> Buffer:
        raise KernelError(Errno.EISDIR)

    def lookup(self, name: bytes) -> Vnode:
        if name == b"..":
            return self.fs.directory(self.fs.volume.above(self.fileno))
        found = self._find(name)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(found)

    def _find(self, name: bytes) -> Found | None:
        fold = self.fs.volume.folds_case
        places = self.fs.places(self)
        if places is None:
            return next(self._matches(name, fold=fold), None)
        place = places.get(name, places.get(name.lower()) if fold else None)
        return None if place is None else next(self._files(place), None)

    def _matches(self, name: bytes, *, fold: bool) -> Iterator[Found]:
        wanted = name.lower() if fold else name
        for found in self._files(0):
            if name in _keys(found.name) or (fold and wanted == found.name.lower()):
                yield found

    def _files(self, offset: int) -> Iterator[Found]:
        volume = self.fs.volume
        return volume.files(self.fileno, volume.directory_size(self.record), offset)

    def index(self) -> dict[bytes, int]:
        """Where in the directory each name is: exact names win over those that differ in case or version."""
        fold = self.fs.volume.folds_case
        exact: dict[bytes, int] = {}
        others: dict[bytes, int] = {}
        for found in self._files(0):
            place = found.record.at - self.fileno
            exact.setdefault(found.name, place)
            for key in _keys(found.name):
                others.setdefault(key.lower() if fold else key, place)
        return others | exact

    def readdir(self, cookie: int) -> Iterator[Entry]:
        """Cookies are bytes of the directory, but 1 behind itself and 2 behind the one above."""
        size = self.fs.volume.directory_size(self.record)
        if not 0 <= cookie <= size:
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory of {size} bytes", "cd9660")
        return self._entries(cookie)

    def _entries(self, cookie: int) -> Iterator[Entry]:
        if cookie < 1:
            yield Entry(1, self.fileno, VType.DIR, b".")
        if cookie < _PARENT_END:
            above = self.fileno if self is self.fs.root() else self.fs.volume.above(self.fileno)
            yield Entry(_PARENT_END, above, VType.DIR, b"..")
            cookie = 0
        for found in self._files(0 if cookie == _PARENT_END else cookie):
            yield Entry(found.end, found.number, attributes.kind(found.record, found.rock), found.name)


def _keys(name: bytes) -> tuple[bytes, ...]:
    """The name as it is listed and, when that bears a version, without it."""
    plain, mark, version = name.rpartition(b";")
    if mark and version.isdigit():
        return name, plain, plain.removesuffix(b".")
    return (name,)


class Cd9660FileSystem(FileSystem):
    """One mounted volume."""

    type_name = "cd9660"
    leased = True
    readonly = True

    def __init__(self, volume: Volume) -> None:
        """EIO without a sound root directory."""
        self.volume = volume
        # Other names than those listed find a file too, and one name more or less is of no use to the caller.
        self.cache_names = not volume.folds_case
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._places: OrderedDict[int, tuple[dict[bytes, int], int]] = OrderedDict()
        self._named_bytes = 0
        self._root = self.directory(volume.root)

    def root(self) -> Vnode:
        return self._root

    def directory(self, begin: int) -> Node:
        """The directory that begins at a byte of the volume. EIO."""
        found = self._nodes.get(begin)
        if found is None:
            record = self.volume.itself(begin)
            found = Directory(self, begin, VType.DIR, record, self.volume.attributes(record))
            self._nodes[begin] = found
        if found.vtype is not VType.DIR:
            raise bad(f"a file that is no directory is where a directory begins, byte {begin}")
        return found

    def node(self, found: Found) -> Node:
        """The vnode of what a directory names. EIO."""
        if found.rock is not None and found.rock.broken:
            raise bad(found.rock.broken)
        if found.is_directory:
            return self.directory(found.number)
        node = self._nodes.get(found.number)
        if node is None:
            node = self._nodes[found.number] = self._make(found)
        return node

    def _make(self, found: Found) -> Node:
        vtype = attributes.kind(found.record, found.rock)
        if vtype is VType.REG:
            return RegularFile(self, found)
        kind = SymbolicLink if vtype is VType.LNK else Node
        return kind(self, found.number, vtype, found.record, found.rock)

    def places(self, directory: Directory) -> dict[bytes, int] | None:
        """The index of a directory, those of the directories used last kept; None for a large one. EIO."""
        known = self._places.get(directory.fileno)
        if known is not None:
            self._places.move_to_end(directory.fileno)
            return known[0]
        if directory.size > NAME_BYTES:
            return None
        index = directory.index()
        self._places[directory.fileno] = index, directory.size
        self._named_bytes += directory.size
        while self._named_bytes > NAME_BYTES and len(self._places) > 1:
            self._named_bytes -= self._places.popitem(last=False)[1][1]
        return index

    def statvfs(self) -> Statvfs:
        size = self.volume.block_size
        return Statvfs(
            f_bsize=size,
            f_frsize=size,
            f_iosize=size,
            f_blocks=self.volume.blocks,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def remount(self, *, readonly: bool) -> None:
        if not readonly:
            raise KernelError(Errno.EROFS, "an ISO 9660 volume is only ever read", "cd9660")

    def pathconf(self, name: int) -> int | None:
        """Links are counted in 32 bits by Rock Ridge, else there are none."""
        if name == const.PC_LINK_MAX:
            return 0x7FFFFFFF if self.volume.rock_ridge else 1
        return self.name_max if name == const.PC_NAME_MAX else None

    def vget(self, fileno: int, generation: int) -> Vnode:
        """Of what is in use, and of directories, which alone can be told from their number."""
        try:
            node = self._nodes.get(fileno) or self.directory(fileno)
        except KernelError as error:
            raise KernelError(Errno.ESTALE, error.text, "cd9660") from None
        if generation:
            raise KernelError(Errno.ESTALE)
        return node


def probe(device: BlockDevice) -> bool:
    """Whether the device has an ISO 9660 volume descriptor."""
    return descriptors.is_volume(device)


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image or bad options, EROFS for a mount that is not read-only, EIO."""
    if request.device is None:
        raise KernelError(Errno.EINVAL, "cd9660 needs a device", "cd9660")
    chosen = options.parse(request.options)
    volume = Volume(request.device, chosen)
    if not request.readonly:
        raise KernelError(Errno.EROFS, "mount an ISO 9660 volume read-only", "cd9660")
    return Cd9660FileSystem(volume)

"""What FAT and exFAT have in common: files and directories that are known by their entries, and the mount of them.

An entry (``raw``) says everything of a file: attributes, times, size, where its clusters begin. What it looks like is
the matter of each; permissions, lookups, removal and the life of vnodes are here.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Protocol, cast
from weakref import WeakValueDictionary

from rumpvfs.core.vnode import Changes, Entry, Environment, FileSystem, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

from .bpb import SLOT
from .chain import Chain
from .clusters import Clusters
from .numbers import Numbers

READONLY, DIRECTORY, ARCHIVE = 0x01, 0x10, 0x20
_WRITE = 0o222
_FIRST_COOKIE = 3
"""1 and 2 are ``.`` and ``..``; slot n is n + 3, so going on is with the slot behind it."""


class Options(Protocol):
    """Of a mount."""

    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def mask(self) -> int: ...
    @property
    def dirmask(self) -> int: ...
    @property
    def atime(self) -> bool: ...


class Named(Protocol):
    """A name in a directory; ``slot`` is that of its entry."""

    slot: int
    name: bytes
    attributes: int


class Names(Protocol):
    """A directory that was parsed."""

    @property
    def by_slot(self) -> Mapping[int, Named]: ...
    def slots(self) -> list[int]: ...


class Slots(Protocol):
    """A directory as a file of slots."""

    def open(self) -> Names: ...
    def find(self, name: bytes) -> Any: ...
    def place(self, slot: int) -> int: ...
    def take(self, record: Any) -> None: ...


class FatNode(Vnode):
    """``up`` is the directory that it is in, None at the root; ``record`` its name there, None when that is gone."""

    __slots__ = ("_chain", "_stat", "raw", "record", "size", "up")

    fs: FatFileSystem
    raw: bytearray
    _ATTRIBUTES: ClassVar[int]
    """Where they are in an entry."""

    def __init__(
        self, fs: FatFileSystem, fileno: int, vtype: VType, up: Any, record: Any, raw: bytes | bytearray
    ) -> None:
        super().__init__(fs, fileno, vtype)
        self.up = up
        self.record = record
        self.raw = bytearray(raw)
        self.size = 0
        self._chain: Any = None
        self._stat: Stat | None = None

    # -- the entry

    @property
    @abstractmethod
    def first(self) -> int:
        """The first cluster that the entry names, 0 for none."""

    @abstractmethod
    def chain(self) -> Any:
        """EIO when the entry names no cluster."""

    @abstractmethod
    def times(self) -> tuple[int, int, int]:
        """Of access, change and birth, in nanoseconds since 1970."""

    @abstractmethod
    def set_times(self, atime_ns: int | None, mtime_ns: int | None) -> None: ...

    @abstractmethod
    def write_entry(self) -> None:
        """Puts it into the directory. EIO."""

    def store(self) -> None:
        """What was changed goes into the directory. EIO."""
        self._stat = None
        if self.record is not None and self.up is not None:
            self.up.vet()
            self.write_entry()

    def vet(self) -> None:
        """Before its clusters are changed. EIO when they are another's too."""
        chain: Chain = self.chain()
        claims = self.fs.volume.claims
        if claims is None or (chain.vetted == chain.known and chain.version == claims.version):
            return
        if self.up is not None:
            self.up.directory().open()
        self.fs.volume.vet(chain)

    # -- attributes

    @property
    def permissions(self) -> int:
        options: Options = self.fs.options
        if self.vtype is VType.DIR:
            return options.dirmask
        return options.mask & ~_WRITE if self.raw[self._ATTRIBUTES] & READONLY else options.mask

    def owner(self) -> tuple[int, int, int]:
        return self.permissions | self.vtype, self.fs.options.uid, self.fs.options.gid

    def file_flags(self) -> int:
        return 0 if self.vtype is VType.DIR or self.raw[self._ATTRIBUTES] & ARCHIVE else const.SF_ARCHIVED

    def getattr(self) -> Stat:
        if self._stat is None:
            self._stat = self._make_stat()
        return self._stat

    def extent(self) -> tuple[int, int]:
        """Size, and bytes of the disk that it takes. EIO."""
        cluster = self.fs.volume.geometry.cluster
        return self.size, -(-self.size // cluster) * cluster

    def _make_stat(self) -> Stat:
        atime, mtime, birth = self.times()
        size, space = self.extent()
        return Stat(
            st_dev=self.fs.dev,
            st_mode=self.permissions | self.vtype,
            st_ino=self.fileno,
            st_nlink=0 if self.record is None and self.up is not None else 1,
            st_uid=self.fs.options.uid,
            st_gid=self.fs.options.gid,
            st_rdev=0,
            st_atime_ns=atime,
            st_mtime_ns=mtime,
            st_ctime_ns=mtime,
            st_birthtime_ns=birth,
            st_size=size,
            st_blocks=space >> 9,
            st_blksize=self.fs.volume.geometry.cluster,
            st_flags=self.file_flags(),
        )

    def setattr(self, changes: Changes) -> None:
        """EINVAL for another owner, EOPNOTSUPP for flags that there are not, EFBIG, ENOSPC, EIO. As mount_msdos does,
        of a mode only whether the owner may write is kept, and for files alone."""
        self.fs.volume.begin()
        options, name = self.fs.options, self.fs.type_name
        if changes.uid not in (None, options.uid) or changes.gid not in (None, options.gid):
            raise KernelError(Errno.EINVAL, "the owner of all files is that of the mount", name)
        if changes.flags is not None and changes.flags & ~const.SF_ARCHIVED:
            raise KernelError(Errno.EOPNOTSUPP, "no file flags but arch", name)
        if changes.size is not None:
            self.resize(changes.size)
        self._set_bits(changes)
        self.set_times(changes.atime_ns, changes.mtime_ns)
        self.store()

    def _set_bits(self, changes: Changes) -> None:
        if self.vtype is VType.DIR:
            return
        bits = self.raw[self._ATTRIBUTES]
        if changes.mode is not None:
            bits = bits & ~READONLY if changes.mode & 0o200 else bits | READONLY
        if changes.flags is not None:
            bits = bits & ~ARCHIVE if changes.flags & const.SF_ARCHIVED else bits | ARCHIVE
        self.raw[self._ATTRIBUTES] = bits

    def resize(self, size: int) -> None:
        raise KernelError(Errno.EISDIR)

    def fsync(self, *, data_only: bool) -> None:
        self.fs.volume.sync()

    # -- life

    def unlinked(self) -> None:
        """Its name is gone."""
        self.record = None
        self._stat = None
        self.fs.orphans.add(self)

    def inactive(self) -> None:
        if self in self.fs.orphans:
            self.fs.orphans.discard(self)
            self.fs.numbers.freed(self.fileno)
            self.free()

    def free(self) -> None:
        """Gives back its clusters. What cannot be given back is left for a check."""
        if not self.fs.volume.readonly:
            try:
                self.fs.volume.shorten(self.chain(), 0)
            except KernelError as error:
                self.fs.volume.env.log(f"{self.fs.type_name}: {error.text}")


class FatDirectory(FatNode):
    """A directory. Its entries' vnodes hold it, so there is one only, and ``up`` leads to the root."""

    __slots__ = ()

    _SLOTS_MAX: ClassVar[int]

    @abstractmethod
    def directory(self) -> Any:
        """Its `Slots`. EIO for one that names no cluster."""

    @abstractmethod
    def touched(self) -> None:
        """Its names have changed."""

    def _living(self) -> Any:
        """ENOENT when it is removed."""
        if self.record is None and self.up is not None:
            raise KernelError(Errno.ENOENT, "the directory is removed", self.fs.type_name)
        return self.directory()

    def _changing(self) -> Any:
        """Before names are changed. ENOENT when it is removed, EROFS, EIO, ENOSPC."""
        directory = self._living()
        self.fs.volume.begin()
        self.vet()
        return directory

    def lookup(self, name: bytes) -> Vnode:
        record = self._living().find(name)
        if record is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(self, record)

    def parent(self) -> Vnode:
        if self.up is None:
            return self
        if self.record is None:
            raise KernelError(Errno.ENOENT)
        return cast("Vnode", self.up)

    def readdir(self, cookie: int) -> Iterator[Entry]:
        if not 0 <= cookie < _FIRST_COOKIE + self._SLOTS_MAX:
            raise KernelError(Errno.EINVAL, f"no place {cookie} in a directory", self.fs.type_name)
        if self.record is None and self.up is not None:
            return iter(())
        return self._entries(cookie, self.directory())

    def _entries(self, cookie: int, directory: Slots) -> Iterator[Entry]:
        if cookie < 1:
            yield Entry(1, self.fileno, VType.DIR, b".")
        if cookie < 2:
            yield Entry(2, self.parent().fileno, VType.DIR, b"..")
        table, numbers = directory.open(), self.fs.numbers
        slots = table.slots()
        for slot in slots[bisect_right(slots, cookie - _FIRST_COOKIE) :]:
            record = table.by_slot.get(slot)
            if record is None:  # taken away meanwhile
                continue
            kind = VType.DIR if record.attributes & DIRECTORY else VType.REG
            yield Entry(slot + _FIRST_COOKIE, numbers.of(directory.place(slot) // SLOT), kind, record.name)

    def _own(self, directory: Slots, name: bytes) -> Any:
        """The entry of a name that was found before. EIO when it is not there any more: the disk contradicts itself."""
        record = directory.find(name)
        if record is None:
            raise KernelError(Errno.EIO, f"{name!r} is gone from its directory", self.fs.type_name)
        return record

    def unlink(self, name: bytes, target: Vnode) -> None:
        directory = self._changing()
        record = self._own(directory, name)
        place = directory.place(record.slot) // SLOT
        directory.take(record)
        self.fs.unlinked(cast("FatNode", target), place)
        self.touched()

    def rmdir(self, name: bytes, target: Vnode) -> None:
        if cast("FatDirectory", target).directory().open().by_slot:
            raise KernelError(Errno.ENOTEMPTY)
        self.unlink(name, target)


class FatFileSystem(FileSystem):
    """One mounted file system. ``orphans`` are files without a name that somebody still uses."""

    cache_names = False
    leased = True
    folds_names = True
    flags_kept = True
    volume: Clusters

    def __init__(self, volume: Clusters, chosen: Options, env: Environment, *, readonly: bool) -> None:
        self.volume = volume
        self.options: Any = chosen
        self.env = env
        self.numbers = Numbers()
        self.orphans: set[FatNode] = set()
        self.readonly = readonly
        self._nodes: WeakValueDictionary[int, FatNode] = WeakValueDictionary()
        self._directories: WeakValueDictionary[int, FatDirectory] = WeakValueDictionary()
        self._root: FatDirectory
        volume.claim_names = self._claim_names

    def _claim_names(self) -> None:
        """Has the names count of all directories that somebody knows."""
        for node in [self._root, *self._directories.values()]:
            with suppress(KernelError):
                node.directory().open()

    # -- vnodes

    def root(self) -> Vnode:
        return self._root

    @abstractmethod
    def entry_of(self, up: Any, record: Any) -> bytes:
        """What the disk says of a name. EIO."""

    @abstractmethod
    def make(self, vtype: VType, number: int, up: Any, record: Any, raw: bytes | bytearray) -> FatNode: ...

    def node(self, up: FatDirectory, record: Named) -> FatNode:
        """The vnode of a name. EIO for a directory that is there twice."""
        place = up.directory().place(record.slot) // SLOT
        found = self._nodes.get(place)
        if found is None:
            found = self._enter(up, record, self.entry_of(up, record), place, self.numbers.of(place))
        return found

    def created(self, up: FatDirectory, record: Named, raw: bytes | bytearray) -> FatNode:
        """The vnode of a name that was just made."""
        place = up.directory().place(record.slot) // SLOT
        return self._enter(up, record, raw, place, self.numbers.created(place))

    def _enter(self, up: FatDirectory, record: Named, raw: bytes | bytearray, place: int, number: int) -> FatNode:
        vtype = VType.DIR if record.attributes & DIRECTORY else VType.REG
        node = self.make(vtype, number, up, record, raw)
        if vtype is VType.DIR:
            first = node.first
            if first == self._root.first or first in self._directories:
                raise KernelError(Errno.EIO, f"two names for the directory at cluster {first}", self.type_name)
            if first:
                self._directories[first] = cast("FatDirectory", node)
        self._nodes[place] = node
        return node

    def forget_directory(self, node: FatDirectory) -> None:
        """It is gone, and its first cluster may become that of another."""
        if self._directories.get(node.first) is node:
            del self._directories[node.first]
        if self.volume.claims is not None:
            self.volume.claims.counted.discard(node.first)

    def place_of(self, node: FatNode) -> int:
        assert node.record is not None
        assert node.up is not None
        return int(node.up.directory().place(node.record.slot)) // SLOT

    def unlinked(self, node: FatNode, place: int) -> None:
        self._nodes.pop(place, None)
        self.numbers.unlinked(place)
        node.unlinked()

    def moved(self, node: FatNode, before: int) -> None:
        place = self.place_of(node)
        self._nodes.pop(before, None)
        self._nodes[place] = node
        self.numbers.moved(before, place)

    def keeps_atime(self) -> bool:
        """Whether reading a file changes when it was accessed."""
        return bool(self.options.atime) and not self.readonly and not self.noatime

    # -- the whole

    def statvfs(self) -> Statvfs:
        geometry = self.volume.geometry
        free = self.volume.free_clusters()
        return Statvfs(
            f_bsize=geometry.cluster,
            f_frsize=geometry.cluster,
            f_iosize=geometry.cluster,
            f_blocks=geometry.clusters,
            f_bfree=free,
            f_bavail=free,
            f_files=geometry.root_size // SLOT,
            f_ffree=0,
            f_favail=0,
            f_namemax=self.name_max,
            f_fstypename=self.type_name,
        )

    def sync(self) -> None:
        self.volume.sync()

    def remount(self, *, readonly: bool) -> None:
        """EBUSY while files without a name are open, EROFS, EIO, ENOSPC."""
        if readonly:
            if self.orphans:
                raise KernelError(Errno.EBUSY, "files without a name are open", self.type_name)
            self.volume.close_for_writing()
        else:
            self.volume.open_for_writing()
        self.readonly = readonly

    def unmount(self, *, force: bool) -> None:
        for node in list(self.orphans):
            node.inactive()
        self.volume.close_for_writing()

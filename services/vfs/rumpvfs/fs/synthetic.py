"""File systems whose files are made up when they are looked at: the base of kernfs and procfs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from weakref import WeakValueDictionary

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, Entry, Environment, FileSystem, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

BLOCK = 512
ROOT = 2


class Made(Vnode):
    """A file that has no storage. Its times are now."""

    __slots__ = ("gid", "mode", "uid", "up")

    fs: SyntheticFileSystem

    def __init__(self, fs: SyntheticFileSystem, fileno: int, vtype: VType, mode: int, up: Made | None) -> None:
        super().__init__(fs, fileno, vtype)
        self.mode = mode
        self.uid = self.gid = 0
        self.up = up

    def getattr(self) -> Stat:
        now = self.fs.env.now_ns()
        size = self.size()
        links = 2 if self.vtype is VType.DIR else 1
        return Stat(
            self.fs.dev,
            self.mode | self.vtype,
            self.fileno,
            links,
            self.uid,
            self.gid,
            0,
            now,
            now,
            now,
            now,
            size,
            -(-size // BLOCK),
            BLOCK,
        )

    def owner(self) -> tuple[int, int, int]:
        return self.mode, self.uid, self.gid

    def size(self) -> int:
        return 0

    def setattr(self, changes: Changes) -> None:
        """Opening with O_TRUNC, and times, do nothing; nothing else can be changed."""
        if changes.mode is not None or changes.uid is not None or changes.gid is not None or changes.flags is not None:
            raise KernelError(Errno.EPERM, "attributes stay as they are")


class Text(Made):
    """A file whose contents are text, made anew for each call. ``write`` takes what is written, whole."""

    __slots__ = ("make", "take")

    def __init__(
        self,
        fs: SyntheticFileSystem,
        fileno: int,
        up: Made,
        make: Callable[[], bytes],
        take: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(fs, fileno, VType.REG, 0o444 if take is None else 0o644, up)
        self.make = make
        self.take = take

    def size(self) -> int:
        return len(self.make())

    def read(self, offset: int, length: int) -> Buffer:
        return memoryview(self.make())[offset : offset + length]

    def write(self, offset: int, data: Buffer) -> int:
        """EINVAL unless it is one write from the beginning on; what ``take`` says."""
        if self.take is None:
            raise KernelError(Errno.EROFS)
        if offset != 0 or len(data) > BLOCK:
            raise KernelError(Errno.EINVAL, "written as a whole, from the beginning on")
        self.take(bytes(data))
        return len(data)


class Link(Made):
    """A symbolic link to wherever ``make`` says."""

    __slots__ = ("make",)

    def __init__(self, fs: SyntheticFileSystem, fileno: int, up: Made, make: Callable[[], bytes]) -> None:
        super().__init__(fs, fileno, VType.LNK, 0o777, up)
        self.make = make

    def readlink(self) -> bytes:
        return self.make()


class Folder(Made):
    """A directory. ``entries`` are (number, kind, name), in ascending order of the numbers, which are from 3 on."""

    __slots__ = ()

    def __init__(self, fs: SyntheticFileSystem, fileno: int, up: Made | None) -> None:
        super().__init__(fs, fileno, VType.DIR, 0o555, up)

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        raise NotImplementedError

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self

    def readdir(self, cookie: int) -> Iterator[Entry]:
        """The number of a file is its position as well."""
        if cookie < 1:
            yield Entry(1, self.fileno, VType.DIR, b".")
        if cookie < 2:
            yield Entry(2, self.parent().fileno, VType.DIR, b"..")
        for number, vtype, name in self.entries():
            if number > max(cookie, 2):
                yield Entry(number, number, vtype, name)

    def create(self, name: bytes, new: object) -> Vnode:
        raise KernelError(Errno.EPERM, "nothing is made here")

    link = unlink = rmdir = rename = create  # type: ignore[assignment]


class SyntheticFileSystem(FileSystem):
    """Vnodes are kept while they are in use, so that two lookups give the same."""

    cache_names = False
    makes_names = False

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.nodes: WeakValueDictionary[int, Made] = WeakValueDictionary()

    def keep(self, fileno: int, make: Callable[[], Made]) -> Made:
        """The vnode of a number."""
        node = self.nodes.get(fileno)
        if node is None:
            node = self.nodes[fileno] = make()
        return node

    def statvfs(self) -> Statvfs:
        return Statvfs(f_bsize=BLOCK, f_frsize=BLOCK, f_iosize=BLOCK, f_blocks=2)

    def remount(self, *, readonly: bool) -> None:
        """EROFS for one that is only ever read."""
        if self.readonly and not readonly:
            raise KernelError(Errno.EROFS, f"{self.type_name} is only ever read", "vfs")

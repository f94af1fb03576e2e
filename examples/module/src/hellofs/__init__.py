"""A kernel module: ``hellofs``, a read-only file system without a disk that greets.

=============  ===============================================================
``greeting``   a greeting, to ``world`` or to the mount option ``name``
``counter``    how often ``greeting`` was read from its start, by anybody
``uptime``     seconds since the file system was mounted
``latest``     a symbolic link to ``greeting``
``docs/``      a directory with a ``README``
=============  ===============================================================

A file system of the kernel is one `FileSystem` per mount and one `Vnode` per file. Their defaults refuse with the right
errno whatever is not overridden here, and the kernel itself does paths, permissions and the read-only check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rumpuser.module import Manifest, Module
from rumpvfs.core.vnode import Entry, Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

BLOCK = 512
MAX_NAME = 255


class Node(Vnode):
    """What all files here have in common: they belong to root, and nobody changes them."""

    __slots__ = ("mode",)

    fs: HelloFs

    def __init__(self, fs: HelloFs, fileno: int, vtype: VType, mode: int) -> None:
        super().__init__(fs, fileno, vtype)
        self.mode = mode

    def size(self) -> int:
        return 0

    def links(self) -> int:
        return 1

    def getattr(self) -> Stat:
        born = self.fs.mounted_ns
        return Stat(
            st_mode=self.vtype | self.mode,
            st_ino=self.fileno,
            st_nlink=self.links(),
            st_atime_ns=born,
            st_mtime_ns=born,
            st_ctime_ns=born,
            st_birthtime_ns=born,
            st_size=self.size(),
            st_blksize=BLOCK,
        )


class File(Node):
    """A file whose contents a function makes anew each time somebody reads it from its start."""

    __slots__ = ("_contents", "_make", "reads")

    def __init__(self, fs: HelloFs, fileno: int, make: Callable[[], str]) -> None:
        super().__init__(fs, fileno, VType.REG, 0o444)
        self._make = make
        self._contents = b""
        self.reads = 0

    def size(self) -> int:
        return len(self._make().encode())

    def read(self, offset: int, length: int) -> bytes:
        if offset == 0:
            self._contents = self._make().encode()
            self.reads += 1
        return self._contents[offset : offset + length]


class Link(Node):
    """A symbolic link."""

    __slots__ = ("_target",)

    def __init__(self, fs: HelloFs, fileno: int, target: bytes) -> None:
        super().__init__(fs, fileno, VType.LNK, 0o777)
        self._target = target

    def size(self) -> int:
        return len(self._target)

    def readlink(self) -> bytes:
        return self._target


class Directory(Node):
    """A directory. The cookie of an entry is its place in the listing, counted from 1."""

    __slots__ = ("_parent", "children")

    def __init__(self, fs: HelloFs, fileno: int, parent: Directory | None) -> None:
        super().__init__(fs, fileno, VType.DIR, 0o555)
        self._parent = parent or self
        self.children: dict[bytes, Node] = {}

    def links(self) -> int:
        return 2 + sum(child.vtype is VType.DIR for child in self.children.values())

    def parent(self) -> Vnode:
        return self._parent

    def lookup(self, name: bytes) -> Vnode:
        try:
            return self.children[name]
        except KeyError:
            raise KernelError(Errno.ENOENT) from None

    def readdir(self, cookie: int) -> Iterator[Entry]:
        listing: list[tuple[bytes, Node]] = [(b".", self), (b"..", self._parent), *self.children.items()]
        if not 0 <= cookie <= len(listing):
            raise KernelError(Errno.EINVAL, f"no entry {cookie}")
        for place in range(cookie, len(listing)):
            name, node = listing[place]
            yield Entry(place + 1, node.fileno, node.vtype, name)


class HelloFs(FileSystem):
    """One mount."""

    type_name = "hellofs"
    name_max = MAX_NAME
    readonly = True

    def __init__(self, env: Environment, name: str) -> None:
        self.mounted_ns = env.now_ns()
        self._root = Directory(self, 2, None)
        docs = Directory(self, 3, self._root)
        docs.children[b"README"] = File(self, 4, lambda: __doc__ or "")
        greeting = File(self, 5, lambda: f"hello, {name}\n")
        self._root.children |= {
            b"greeting": greeting,
            b"counter": File(self, 6, lambda: f"{greeting.reads}\n"),
            b"uptime": File(self, 7, lambda: f"{(env.now_ns() - self.mounted_ns) // 1_000_000_000}\n"),
            b"latest": Link(self, 8, b"greeting"),
            b"docs": docs,
        }

    def root(self) -> Vnode:
        return self._root

    def statvfs(self) -> Statvfs:
        return Statvfs(f_bsize=BLOCK, f_frsize=BLOCK, f_iosize=BLOCK, f_files=7)


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EROFS when it is not mounted read-only, EINVAL for options that are not there."""
    if not request.readonly:
        raise KernelError(Errno.EROFS, "hellofs can be mounted read-only alone")
    unknown = set(request.options) - {"name"}
    if unknown:
        raise KernelError(Errno.EINVAL, f"hellofs: no such options: {', '.join(sorted(unknown))}")
    return HelloFs(env, request.options.get("name", "world"))


class HelloModule(Module):
    """Registers the file system type with vfs; its end is refused with EBUSY while one is mounted."""

    manifest = Manifest("hellofs", "vfs", "vfs", version="1.0")

    def init(self, component: Any, props: dict[str, str]) -> None:
        component.add_filesystem(FileSystemType("hellofs", mount, needs_device=False))

    def fini(self, component: Any) -> None:
        component.remove_filesystem("hellofs")


MODULE = HelloModule()

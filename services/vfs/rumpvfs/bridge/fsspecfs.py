"""fsspecfs: whatever fsspec has a URL for (zip, tar, file, memory, http, s3, ...), mounted read-only.

What is mounted is taken to stand still: a directory is listed once. The library is asked aside, so while it waits for
a server the kernel goes on, but for other calls on the same mount.
"""

from __future__ import annotations

import calendar
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar, cast

from rumpuser.host import Buffer
from rumpuser.module import Manifest, Module
from rumpvfs.core.vnode import Entry, Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.values import Stat, Statvfs

T = TypeVar("T")

BLOCK = 512
NAME_MAX = 255
ENTRY_SIZE = 512
"""What an entry is taken to cost in memory: its name, its attributes, its vnode."""
READ_MAX = 16 << 20
ROOT = 2
_LATEST = 1 << 33
"""Seconds; times beyond it are taken to be wrong."""


def asked(env: Environment, what: str, call: Callable[[], T]) -> T:
    """What a library answers; its errors by their errno, EIO for those that have none."""
    try:
        return cast(T, env.aside(call))
    except KernelError:
        raise
    except FileNotFoundError as error:
        raise KernelError(Errno.ENOENT, f"{what}: {error}", "vfs") from None
    except OSError as error:
        number = from_host(error.errno) if error.errno else Errno.EIO
        raise KernelError(number, f"{what}: {error}", "vfs") from None
    except Exception as error:  # noqa: BLE001  libraries raise what they like
        raise KernelError(Errno.EIO, f"{what}: {type(error).__name__}: {error}", "vfs") from None


class Node(Vnode):
    """A file of any kind. ``info`` is what fsspec says of it, ``path`` its name there."""

    __slots__ = ("children", "file", "info", "listing", "path", "up")

    fs: FsspecFileSystem

    def __init__(self, fs: FsspecFileSystem, fileno: int, path: str, info: dict[str, Any], up: Node | None) -> None:
        super().__init__(fs, fileno, kind_of(info))
        self.path = path
        self.info = info
        self.up = up
        self.file: Any = None
        self.children: dict[bytes, Node] | None = None
        self.listing: list[bytes] = []

    # -- attributes

    def getattr(self) -> Stat:
        size = number(self.info.get("size"), (1 << 63) - 1) if self.vtype is not VType.DIR else 0
        at = time_of(self.info, self.fs.mounted_ns)
        mode, uid, gid = self.owner()
        return Stat(
            self.fs.dev,
            mode | self.vtype,
            self.fileno,
            2 if self.vtype is VType.DIR else 1,
            uid,
            gid,
            0,
            at,
            at,
            at,
            at,
            size,
            -(-size // BLOCK),
            BLOCK,
        )

    def owner(self) -> tuple[int, int, int]:
        default = 0o555 if self.vtype is VType.DIR else 0o444
        mode = self.info.get("mode")
        mode = stat.S_IMODE(mode) & 0o777 if isinstance(mode, int) else default
        return mode, number(self.info.get("uid"), 0xFFFFFFFE), number(self.info.get("gid"), 0xFFFFFFFE)

    # -- directories

    def names_below(self) -> dict[bytes, Node]:
        """The files of a directory, listed the first time. ENOTDIR, EIO, ENOMEM and what the library says."""
        if self.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        if self.children is None:
            self.children = self.fs.list(self)
            self.listing = list(self.children)
        return self.children

    def lookup(self, name: bytes) -> Vnode:
        found = self.names_below().get(name)
        if found is None:
            raise KernelError(Errno.ENOENT)
        return found

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self

    def readdir(self, cookie: int) -> Iterator[Entry]:
        children = self.names_below()
        if cookie < 1:
            yield Entry(1, self.fileno, VType.DIR, b".")
        if cookie < 2:
            yield Entry(2, self.parent().fileno, VType.DIR, b"..")
        for at in range(max(0, cookie - 2), len(self.listing)):
            name = self.listing[at]
            yield Entry(at + 3, children[name].fileno, children[name].vtype, name)

    # -- contents

    def read(self, offset: int, length: int) -> Buffer:
        if self.vtype is not VType.REG:
            raise KernelError(Errno.EISDIR if self.vtype is VType.DIR else Errno.EINVAL)
        return asked(self.fs.env, self.path, lambda: self._read(offset, min(length, READ_MAX)))

    def _read(self, offset: int, length: int) -> bytes:
        if self.file is None:
            self.file = self.fs.library.open(self.path, "rb")
        if self.file.tell() != offset:
            self.file.seek(offset)
        data: bytes = self.file.read(length)
        return data

    def readlink(self) -> bytes:
        if self.vtype is not VType.LNK:
            raise KernelError(Errno.EINVAL)
        return encode(str(self.info.get("destination", "")))

    def inactive(self) -> None:
        file, self.file = self.file, None
        if file is not None:
            file.close()


class FsspecFileSystem(FileSystem):
    """One mounted URL. ``library`` is a file system of fsspec."""

    type_name = "fsspecfs"
    name_max = NAME_MAX
    readonly = True
    cache_names = False

    def __init__(self, library: Any, path: str, env: Environment) -> None:
        """ENOTDIR when the URL names a single file."""
        self.library = library
        self.env = env
        self.mounted_ns = env.now_ns()
        self.reserved = 0
        self._last = ROOT
        info = {"type": "directory"} if path in ("", "/") else asked(env, path, lambda: library.info(path))
        self._root = Node(self, ROOT, path, info, None)
        self._root.names_below()

    def root(self) -> Vnode:
        return self._root

    def list(self, directory: Node) -> dict[bytes, Node]:
        """What a directory holds. Names that no path can have are left out. ENOMEM."""
        found = asked(self.env, directory.path, lambda: self.library.ls(directory.path, detail=True))
        size = ENTRY_SIZE * len(found)
        if not self.env.reserve(size):
            raise KernelError(Errno.ENOMEM, f"{directory.path} has {len(found)} entries")
        self.reserved += size
        nodes: dict[bytes, Node] = {}
        for info in sorted(found, key=lambda info: str(info.get("name", ""))):
            path = str(info.get("name", ""))
            name = encode(path.rstrip("/").rpartition("/")[2])
            if name not in (b"", b".", b"..") and b"\0" not in name and len(name) <= NAME_MAX and name not in nodes:
                self._last += 1
                nodes[name] = Node(self, self._last, path, info, directory)
        return nodes

    def statvfs(self) -> Statvfs:
        return Statvfs(f_bsize=BLOCK, f_frsize=BLOCK, f_iosize=BLOCK, f_files=self._last)

    def unmount(self, *, force: bool) -> None:
        self.env.reserve(-self.reserved)
        self.reserved = 0

    def remount(self, *, readonly: bool) -> None:
        if not readonly:
            raise KernelError(Errno.EROFS, "what fsspec shows is only read")


def kind_of(info: dict[str, Any]) -> VType:
    if info.get("islink") or info.get("type") == "link":
        return VType.LNK
    return VType.DIR if info.get("type") == "directory" else VType.REG


def number(value: object, most: int) -> int:
    return value if isinstance(value, int) and 0 <= value <= most else 0


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def time_of(info: dict[str, Any], otherwise: int) -> int:
    """The time of the last change, in whichever of the forms that file systems of fsspec have it."""
    for key in ("mtime", "LastModified", "last_modified", "created", "date_time"):
        value = info.get(key)
        if isinstance(value, datetime):
            value = value.timestamp()
        elif isinstance(value, tuple) and len(value) == 6:
            value = calendar.timegm((*value, 0, 0, 0))
        if isinstance(value, (int, float)) and 0 <= value <= _LATEST:
            return int(value * 1_000_000_000)
    return otherwise


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL without a URL or for one that is not known, EROFS unless read-only, ENOTDIR, EIO."""
    from fsspec.core import url_to_fs

    url = bytes(getattr(request.args, "fspec", b"")).decode("utf-8", "surrogateescape")
    if not url:
        raise KernelError(Errno.EINVAL, "fsspecfs needs a URL (fspec)")
    if not request.readonly:
        raise KernelError(Errno.EROFS, "what fsspec shows is only read: mount it read-only")
    try:
        library, path = environment.aside(lambda: url_to_fs(url, **request.options))
    except (ValueError, TypeError, ImportError) as error:
        raise KernelError(Errno.EINVAL, f"{url}: {error}", "vfs") from None
    except Exception as error:  # noqa: BLE001  libraries raise what they like

        def again(error: Exception = error) -> None:
            raise error

        asked(environment, url, again)
    return FsspecFileSystem(library, path, environment)


FILE_SYSTEM = FileSystemType("fsspecfs", mount, needs_device=False, slow=True)


class FsspecModule(Module):
    """The module; needs the package fsspec (``pip install anykernel[fsspec]``)."""

    manifest = Manifest("fsspecfs", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        """ENOENT without fsspec."""
        try:
            import fsspec.core  # noqa: F401  a mount would be late for finding out
        except ImportError as error:
            raise KernelError(Errno.ENOENT, f"fsspecfs needs the package fsspec: {error}") from None
        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem("fsspecfs")


MODULE = FsspecModule()

"""What is done to a file system that may say anything: all of it is read, and everything in it is changed.

Every call ends in an answer or in a KernelError that is among those which its interface names.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeVar

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, FileSystem, FileSystemType, MountRequest, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import Environment

READING = {Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOENT, Errno.ENOATTR, Errno.ENXIO}
WRITING = READING | {
    Errno.EROFS, Errno.ENOSPC, Errno.EEXIST, Errno.ENOTEMPTY, Errno.EMLINK, Errno.EFBIG, Errno.ENOTDIR, Errno.EPERM,
    Errno.EBUSY, Errno.E2BIG,
}  # fmt: skip
_READ = 100_000
_NODES = 400
_DOTS = (b".", b"..")
Found = tuple[Vnode, bytes, Vnode]
T = TypeVar("T")


class Device:
    """A device in memory, without a copy of what it is given."""

    name = "hostile"

    def __init__(self, data: bytearray, *, readonly: bool = False) -> None:
        self.size = len(data)
        self.readonly = readonly
        self._view = memoryview(data)
        self._seen = self._view.toreadonly()

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return self._seen[offset : offset + length]

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS)
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{len(data)} bytes at {offset} of {self.size}")
        self._view[offset : offset + len(data)] = data

    def flush(self) -> None: ...

    def close(self) -> None: ...


def mounted(kind: FileSystemType, data: bytearray, *, readonly: bool, **options: str) -> FileSystem | None:
    """None where the image is refused."""
    request = MountRequest(Device(data, readonly=readonly), readonly, options)
    fs = attempt(READING | {Errno.EROFS}, kind.mount, request, Environment())
    if fs is not None:
        fs.mount = SimpleNamespace(flags=0)  # type: ignore[assignment]
    return fs


def attempt(allowed: set[Errno], action: Callable[..., T], *args: object, **named: object) -> T | None:
    """The answer, or None for a refusal that is allowed."""
    try:
        return action(*args, **named)
    except KernelError as error:
        if error.errno not in allowed:
            raise
        return None


def read_everything(fs: FileSystem) -> list[Found]:
    """Walks, reads, asks for all attributes. A file is looked at once, a walk is not endless."""
    root = fs.root()
    found: list[Found] = []
    stack, seen = [root], set[int]()
    while stack and len(found) < _NODES:
        node = stack.pop()
        if node.fileno in seen:
            continue
        seen.add(node.fileno)
        _read_one(node)
        if node.vtype is VType.DIR:
            children = _children(node)
            found += children
            stack += [child for _, _, child in children]
    attempt(READING, fs.statvfs)
    return found


def _read_one(node: Vnode) -> None:
    st = attempt(READING, node.getattr)
    for name in attempt(READING, node.listxattr) or ():
        attempt(READING, node.getxattr, name)
    if node.vtype is VType.REG and st is not None:
        for offset in (0, 5000, 70_000, max(st.st_size - 100, 0)):
            data = attempt(READING, node.read, offset, _READ)
            assert data is None or len(data) <= _READ
        attempt(READING, node.seek, 0, hole=True)
        attempt(READING, node.seek, 0, hole=False)
    elif node.vtype is VType.LNK:
        attempt(READING, node.readlink)


def _children(directory: Vnode) -> list[Found]:
    attempt(READING, directory.parent)
    attempt(READING, directory.lookup, b"no such name")
    entries = attempt(READING, lambda: list(directory.readdir(0))) or ()
    names = [entry.name for entry in entries if entry.name not in _DOTS]
    assert not any(b"/" in name or b"\0" in name or not name for name in names), names
    found = [(directory, name, attempt(READING, directory.lookup, name)) for name in names[:_NODES]]
    return [(directory, name, node) for directory, name, node in found if node is not None]


def write_everything(fs: FileSystem, found: list[Found], generator: random.Random) -> None:
    """Changes files and directories, makes some, moves some, takes some away; then sync and unmount."""
    root = fs.root()
    generator.shuffle(found)
    for number, (directory, name, node) in enumerate(found[:16]):
        if attempt(WRITING, directory.lookup, name) is node:
            _change(root, directory, name, node, number, generator)
    _make(root, 99, generator)
    attempt(WRITING, fs.sync)
    attempt(WRITING, fs.statvfs)
    attempt(WRITING, fs.unmount, force=True)


def _make(directory: Vnode, number: int, generator: random.Random) -> None:
    for kind in (VType.REG, VType.DIR, VType.LNK):
        name = b"new %d %d" % (number, kind) + b"n" * generator.randrange(200)
        new = NewNode(kind, 0o755, 0, 0, 0, b"t" * generator.randrange(1, 300))
        made = attempt(WRITING, directory.create, name, new)
        if made is not None and kind is VType.REG:
            attempt(WRITING, made.write, 0, b"x" * generator.randrange(9000))


def _change(root: Vnode, directory: Vnode, name: bytes, node: Vnode, number: int, generator: random.Random) -> None:
    what = generator.randrange(8)
    attempt(WRITING, node.setattr, Changes(mode=0o600, uid=what, mtime_ns=number << 30))
    if node.vtype is VType.REG:
        _change_file(node, what, generator)
    elif node.vtype is VType.DIR and what < 5:
        _make(node, number, generator)
    if what < 3:
        to = root if what else directory
        attempt(WRITING, directory.rename, name, node, to, b"renamed %d" % number + name[:200], None)
    elif what == 3 and node.vtype is not VType.DIR:
        attempt(WRITING, root.link, b"link %d" % number, node)
    elif what > 4:
        attempt(WRITING, directory.rmdir if node.vtype is VType.DIR else directory.unlink, name, node)
        attempt(WRITING, node.inactive)


def _change_file(node: Vnode, what: int, generator: random.Random) -> None:
    st = attempt(WRITING, node.getattr)
    size = 0 if st is None else min(st.st_size, 1 << 33)
    attempt(WRITING, node.write, generator.choice((0, size, size // 2, 30_000)), b"w" * 3000)
    if what % 2:
        attempt(WRITING, node.setattr, Changes(size=generator.choice((0, size // 2, size + 5000, 100))))
    if what > 5:
        attempt(WRITING, node.setxattr, b"user.x%d" % what, b"v" * generator.randrange(300))
        attempt(WRITING, node.allocate, generator.randrange(50_000), 9_000)
        attempt(WRITING, node.discard, generator.randrange(50_000), 9_000)
    attempt(WRITING, node.fsync, data_only=False)


class Growing:
    """A device in memory that grows, up to a limit."""

    name = "hostile"
    LIMIT = 1 << 22

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.readonly = False

    @property
    def size(self) -> int:
        return len(self.data)

    @size.setter
    def size(self, length: int) -> None:
        del self.data[length:]

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > len(self.data):
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {len(self.data)}")
        return memoryview(bytes(self.data[offset : offset + length]))

    def write(self, offset: int, data: Buffer) -> None:
        end = offset + len(data)
        if end > self.LIMIT:
            raise KernelError(Errno.ENOSPC)
        self.data += bytes(max(end - len(self.data), 0))
        self.data[offset:end] = data

    def flush(self) -> None: ...

    def close(self) -> None: ...

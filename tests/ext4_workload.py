"""A random workload on a mounted file system that may be written, with a model of what it leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import ClassVar

from rumpvfs.core.vnode import Changes, FileSystem, MountRequest, NewNode, Vnode, VType
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpvfs.fs.ext2fs.driver import Ext2FileSystem
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import MemoryDisk
from tests.ext4_images import Environment, walk

State = dict[str, bytes | None]
OWNERS = (0, 1000, 1001, 70_000)


def mount_disk(disk: MemoryDisk, env: Environment | None = None, *, readonly: bool = False) -> FileSystem:
    """For writing, unless it is said otherwise."""
    return FILE_SYSTEM.mount(MountRequest(disk, readonly), env or Environment())


def make(directory: Vnode, name: str, vtype: VType = VType.REG, target: bytes = b"", rdev: int = 0) -> Vnode:
    mode = 0o755 if vtype is VType.DIR else 0o644
    return directory.create(name.encode(), NewNode(vtype, mode, 0, 0, rdev, target))


def remove(directory: Vnode, name: str, node: Vnode) -> None:
    """As vfs does it for a file that nobody uses."""
    (directory.rmdir if node.vtype is VType.DIR else directory.unlink)(name.encode(), node)
    node.inactive()


def contents(node: Vnode) -> bytes:
    """All of a regular file."""
    size, data = node.getattr().st_size, bytearray()
    while len(data) < size:
        part = node.read(len(data), 1 << 20)
        assert part
        data += part
    assert not node.read(size, 1)
    return bytes(data)


def contents_of(fs: FileSystem) -> State:
    found: State = {}
    for path, node in walk(fs):
        if path != "/" and not path.startswith("/lost+found"):
            found[path] = contents(node) if node.vtype is VType.REG else None
    return found


class Workload:
    """Random operations on a mounted file system, and what they leave. None in a state is no regular file."""

    def __init__(self, fs: FileSystem, seed: str, *, writes: Sequence[object] = (), top: Vnode | None = None) -> None:
        self.fs = fs
        self.writes = writes
        self.random = random.Random(seed)
        self.nodes: dict[str, Vnode] = {"": top or fs.root()}
        self.now: State = {}
        # (how many ``writes`` there were, names) after each operation; the same with contents at each fsync.
        self.names: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
        self.stable: list[tuple[int, int, State]] = [(0, 0, {})]
        self.touched: list[tuple[int, str]] = []

    def run(self, count: int) -> None:
        for _ in range(count):
            number = len(self.names)
            action = self.random.choice(self.ACTIONS)
            self.touched_now: list[str] = []
            begun = len(self.writes)
            try:
                action(self, f"{action.__name__[1:]}{number}" + "n" * self.random.choice((0, 0, 30, 120)))
            except KernelError as error:
                if error.errno != Errno.ENOSPC:
                    raise
            self.touched += [(begun, path) for path in self.touched_now]
            self.names.append((len(self.writes), frozenset(self.now)))

    # -- what is chosen

    def _folder(self) -> str:
        return self.random.choice([path for path, node in self.nodes.items() if node.vtype is VType.DIR])

    def _file(self) -> str | None:
        found = [path for path, contents in self.now.items() if contents is not None]
        return self.random.choice(found) if found else None

    def _new(self, name: str, vtype: VType, target: bytes = b"") -> str:
        folder = self._folder()
        path = f"{folder}/{name}"
        self.touched_now.append(path)
        mode = 0o755 if vtype is VType.DIR else 0o644
        new = NewNode(vtype, mode, self._owner(), self._owner() // 2, 0, target)
        self.nodes[path] = self.nodes[folder].create(name.encode(), new)
        self.now[path] = b"" if vtype is VType.REG else None
        return path

    def _owner(self) -> int:
        return OWNERS[len(self.names) % len(OWNERS)]

    # -- operations

    def _create(self, name: str) -> None:
        path = self._new(name, VType.REG)
        self._put(path, 0, self.random.randbytes(self.random.choice((10, 700, 5000))))

    def _put(self, path: str, offset: int, data: bytes) -> None:
        self.touched_now.append(path)
        old = self.now[path]
        assert old is not None
        count = self.nodes[path].write(offset, data)
        self.now[path] = old[:offset].ljust(offset, b"\0") + data[:count] + old[offset + count :]

    def _mkdir(self, name: str) -> None:
        self._new(name, VType.DIR)

    def _symlink(self, name: str) -> None:
        self._new(name, VType.LNK, b"x" * self.random.choice((10, 59, 60, 500)))

    def _write(self, name: str) -> None:
        path = self._file()
        if path:
            size = len(self.now[path] or b"")
            offset = self.random.choice((0, size, self.random.randrange(60_000)))
            self._put(path, offset, self.random.randbytes(self.random.choice((1, 3000, 40_000))))

    def _truncate(self, name: str) -> None:
        path = self._file()
        if path:
            self.touched_now.append(path)
            old = self.now[path] or b""
            size = self.random.choice((0, len(old) // 2, len(old) + 3000))
            self.nodes[path].setattr(Changes(size=size))
            self.now[path] = old[:size].ljust(size, b"\0")

    def _attribute(self, name: str) -> None:
        path = self._file()
        if path:
            value = self.random.randbytes(self.random.choice((5, 60, 400)))
            self.nodes[path].setxattr(b"user.x%d" % self.random.randrange(3), value)

    def _chown(self, name: str) -> None:
        path = self._file()
        if path:
            self.nodes[path].setattr(Changes(uid=self._owner(), gid=7))

    def _unlink(self, name: str) -> None:
        path = self._file()
        if path:
            self.touched_now.append(path)
            folder, _, last = path.rpartition("/")
            node = self.nodes[path]
            self.nodes[folder].unlink(last.encode(), node)
            del self.nodes[path], self.now[path]
            self.names.append((len(self.writes), frozenset(self.now)))
            node.inactive()

    def _rmdir(self, name: str) -> None:
        empty = [p for p, n in self.nodes.items() if p and n.vtype is VType.DIR and not self._below(p)]
        if empty:
            path = self.random.choice(empty)
            self.touched_now.append(path)
            folder, _, last = path.rpartition("/")
            node = self.nodes[path]
            self.nodes[folder].rmdir(last.encode(), node)
            del self.nodes[path], self.now[path]
            self.names.append((len(self.writes), frozenset(self.now)))
            node.inactive()

    def _below(self, path: str) -> list[str]:
        return [other for other in self.now if other.startswith(path + "/")]

    def _rename(self, name: str) -> None:
        path, folder = self._file(), self._folder()
        if not path:
            return
        over = [other for other, contents in self.now.items() if contents is not None and other != path]
        target = self.random.choice(over) if over and self.random.random() < 0.4 else f"{folder}/{name}"
        self.touched_now += [path, target]
        (old_folder, _, old), (new_folder, _, new) = path.rpartition("/"), target.rpartition("/")
        replaced = self.nodes.get(target)
        node = self.nodes[path]
        self.nodes[old_folder].rename(old.encode(), node, self.nodes[new_folder], new.encode(), replaced)
        del self.nodes[path]
        self.nodes[target] = node
        self.now[target] = self.now.pop(path)
        if replaced is not None:
            self.names.append((len(self.writes), frozenset(self.now)))
            replaced.inactive()

    def _rename_folder(self, name: str) -> None:
        path, folder = self._folder(), self._folder()
        if not path or folder == path or folder.startswith(path + "/"):
            return
        target = f"{folder}/{name}"
        (old_folder, _, old), (new_folder, _, new) = path.rpartition("/"), target.rpartition("/")
        self.nodes[old_folder].rename(old.encode(), self.nodes[path], self.nodes[new_folder], new.encode(), None)
        for other in [path, *self._below(path)]:
            self.touched_now += [other, target + other[len(path) :]]
            self.nodes[target + other[len(path) :]] = self.nodes.pop(other)
            self.now[target + other[len(path) :]] = self.now.pop(other)

    def _fsync(self, name: str) -> None:
        self.nodes[self._file() or ""].fsync(data_only=False)
        self.stable.append((len(self.writes), len(self.names), dict(self.now)))

    def _allocate(self, name: str) -> None:
        path = self._file()
        if path:
            offset, length = self.random.randrange(50_000), self.random.randrange(1, 30_000)
            self.touched_now.append(path)
            try:
                self.nodes[path].allocate(offset, length)
            except KernelError as error:
                if error.errno != Errno.ENOSPC:
                    raise
                return
            self.now[path] = (self.now[path] or b"").ljust(offset + length, b"\0")

    def _discard(self, name: str) -> None:
        path = self._file()
        if path and self.now[path]:
            old = self.now[path] or b""
            offset = self.random.randrange(len(old))
            length = self.random.randrange(1, 30_000)
            self.touched_now.append(path)
            self.nodes[path].discard(offset, length)
            end = min(offset + length, len(old))
            self.now[path] = old[:offset] + bytes(end - offset) + old[end:]

    ACTIONS: ClassVar[tuple[Callable[[Workload, str], None], ...]] = (
        *[_create] * 4, *[_write] * 4, *[_unlink] * 2, *[_fsync] * 3,
        _mkdir, _symlink, _truncate, _attribute, _rmdir, _rename, _rename, _rename_folder, _chown, _allocate, _discard,
    )  # fmt: skip


class Usage:
    """Blocks and inodes in use beyond what files and quotas have; no operation changes these numbers."""

    def __init__(self, fs: FileSystem) -> None:
        assert isinstance(fs, Ext2FileSystem)
        found = {node.fileno: node.getattr() for _, node in walk(fs)}
        space = fs.statvfs()
        size = space.f_bsize >> 9
        hidden = [fs.volume.inode(number).blocks for number in fs.volume.sb.quota_inodes if number]
        used = sum(st.st_blocks for st in found.values()) + sum(hidden)
        self.blocks = space.f_blocks - space.f_bfree - used // size
        self.inodes = space.f_files - space.f_ffree - len(found)

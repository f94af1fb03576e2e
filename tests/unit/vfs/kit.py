"""A vfs on its own: a host with a hand-turned clock, a bus with stand-ins, and calls by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.host import Buffer, ManualHost
from rumpuser.pending import Running, start
from rumpvfs.component import VfsComponent
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, DevMapResult, Stat

CALLER = Context(umask=0o022)


def user(uid: int, gid: int = 100, *groups: int, umask: int = 0o022, **more: Any) -> Context:
    cred = Credentials(uid=uid, euid=uid, svuid=uid, gid=gid, egid=gid, svgid=gid, groups=[gid, *groups])
    return Context(pid=7, cred=cred, umask=umask, **more)


class MemoryFile:
    """A host file in memory."""

    def __init__(self, data: bytearray, *, readonly: bool) -> None:
        self.data = data
        self.readonly = readonly
        self.closed = False
        self.syncs = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(bytes(self.data[offset : offset + length]))

    def write(self, offset: int, data: Buffer) -> int:
        if len(self.data) < offset:
            self.data += bytes(offset - len(self.data))
        self.data[offset : offset + len(data)] = data
        return len(data)

    def truncate(self, length: int) -> None:
        del self.data[length:]

    def sync(self) -> None:
        self.syncs += 1

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class MemoryFiles:
    """Host files in memory. A name in ``readonly`` cannot be opened for writing, one that ends in / is a directory."""

    def __init__(self, **files: bytes) -> None:
        self.files = {name.encode(): bytearray(data) for name, data in files.items()}
        self.readonly: set[bytes] = set()
        self.kinds: dict[bytes, str] = {}
        self.opened: list[MemoryFile] = []

    def open(self, path: bytes, *, write: bool) -> MemoryFile:
        if path not in self.files:
            raise KernelError(Errno.ENOENT)
        if write and path in self.readonly:
            raise KernelError(Errno.EACCES)
        file = MemoryFile(self.files[path], readonly=not write)
        self.opened.append(file)
        return file

    def kind(self, path: bytes) -> str:
        if path in self.kinds:
            return self.kinds[path]
        if path in self.files:
            return "reg"
        if any(name.startswith(path + b"/") for name in self.files):
            return "dir"
        raise KernelError(Errno.ENOENT)

    def listdir(self, path: bytes) -> list[bytes]:
        prefix = path + b"/"
        return sorted({name[len(prefix) :].split(b"/")[0] for name in self.files if name.startswith(prefix)})


class FakeBus:
    """Peers by name; those that are not there are not running."""

    def __init__(self) -> None:
        self.peers: dict[str, Component] = {}

    def peer(self, name: str) -> Component:
        if name not in self.peers:
            raise KernelError(Errno.ENOSYS, f"{name} is not running")
        return self.peers[name]

    blocking = peer


class FakeDev(Component):
    """A device faction with one device that gives what was written to it, and one disk."""

    name = "dev"

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.open: dict[int, tuple[bool, int, int]] = {}
        rows: dict[str, Callable[..., Any]] = {
            "dev_open": self.dev_open,
            "dev_map": self.dev_map,
            "read": lambda ctx, fd, nbyte: self.data[:nbyte],
            "write": self.write,
            "ioctl": lambda ctx, fd, com, data: (com, data),
            "close": lambda ctx, fd: self.open.pop(fd) and None,
            "fsync": lambda ctx, fd: None,
        }
        self.table.update({name: Entry(handler) for name, handler in rows.items()})

    def dev_open(self, ctx: Context, block: bool, rdev: int, flags: int) -> int:
        if const.major(rdev) == 99:
            raise KernelError(Errno.ENXIO)
        handle = len(self.open) + 1
        self.open[handle] = (block, rdev, flags)
        return handle

    def write(self, ctx: Context, fd: int, data: bytes) -> int:
        self.data = bytes(data)
        return len(data)

    def dev_map(self, ctx: Context, rdev: int) -> DevMapResult:
        return DevMapResult(b"md0", 4096)


class Kit:
    """A vfs and its surroundings. Attributes are the calls, done for `ctx`."""

    def __init__(self, files: MemoryFiles | None = None, **parameters: Any) -> None:
        self.files = files or MemoryFiles()
        self.host = ManualHost(files=self.files)
        self.bus = FakeBus()
        self.component = VfsComponent(self.host, self.bus, Parameters(**parameters))
        self.vfs = self.component.vfs
        self.ctx = CALLER

    def start(self, name: str, *args: Any) -> Any:
        """The value of a call, or the call on its way."""
        return start(self.component.call(self.ctx, OPS[name], args))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in OPS:
            raise AttributeError(name)

        def call(*args: Any) -> Any:
            value = self.start(name, *args)
            assert not isinstance(value, Running), f"{name} waits"
            return value

        return call

    @contextmanager
    def as_(self, ctx: Context) -> Iterator[None]:
        before, self.ctx = self.ctx, ctx
        try:
            yield
        finally:
            self.ctx = before

    # -- shorter

    def put(self, path: bytes, data: bytes = b"", mode: int = 0o644) -> None:
        fd = self.open(path, const.O_WRONLY | const.O_CREAT | const.O_TRUNC, mode)
        assert self.write(fd, data) == len(data)
        self.close(fd)

    def get(self, path: bytes) -> bytes:
        fd = self.open(path, const.O_RDONLY, None)
        data = bytes(self.read(fd, 1 << 20))
        self.close(fd)
        return data

    def ls(self, path: bytes) -> list[bytes]:
        fd = self.open(path, const.O_RDONLY | const.O_DIRECTORY, None)
        names: list[bytes] = []
        while entries := self.getdents(fd, 4096):
            names += [e.d_name for e in entries]
        self.close(fd)
        return names

    def attributes(self, path: bytes) -> Stat:
        st = self.lstat(path)
        assert isinstance(st, Stat)
        return st


@contextmanager
def fails(errno: Errno) -> Iterator[None]:
    with pytest.raises(KernelError) as caught:
        yield
    assert caught.value.name == errno.name, str(caught.value)

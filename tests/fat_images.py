"""Images of FAT made by the tools of the host, and devices in memory that fail when they are told to."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rumpuser.host import Buffer
from rumpvfs.core.vnode import FileSystem, MountRequest, NewNode, Vnode, VType
from rumpvfs.fs.msdosfs import FILE_SYSTEM
from rumpvfs.fs.msdosfs.driver import MsdosFileSystem
from rumpwire.errno import Errno, KernelError
from tests.tools import need

SMALL = {12: "1M", 16: "5M", 32: "36M"}
"""Sizes that each kind can have with clusters of one sector."""


class MemoryDevice:
    """A block device in memory. After ``room`` writes it fails; ``log`` holds all writes."""

    name = "memory"

    def __init__(self, data: bytes | bytearray, *, readonly: bool = False) -> None:
        self.data = bytearray(data)
        self.size = len(data)
        self.readonly = readonly
        self.room: int | None = None
        self.log: list[tuple[int, bytes]] | None = None
        self.writes = 0
        self.flushes = 0

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return memoryview(self.data)[offset : offset + length].toreadonly()

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS)
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{len(data)} bytes at {offset} of {self.size}")
        if self.room is not None and self.writes >= self.room:
            raise KernelError(Errno.EIO, "the device fails")
        self.writes += 1
        if self.log is not None:
            self.log.append((offset, bytes(data)))
        self.data[offset : offset + len(data)] = data

    def flush(self) -> None:
        self.flushes += 1

    def close(self) -> None: ...


class Environment:
    """A clock that a test turns, and a console."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ns = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def entropy(self, length: int) -> bytes:
        return bytes(range(1, length + 1))

    def reserve_buffers(self, size: int) -> bool:
        return self.reserve(size)

    def reserve(self, size: int) -> bool:
        return True

    def log(self, text: str) -> None:
        self.lines.append(text)


def run(*command: str | Path, check: bool = True, codes: tuple[int, ...] = (0,)) -> str:
    """Runs a host program; what it says."""
    words = [need(str(command[0])), *map(str, command[1:])]
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(words, capture_output=True, check=False, timeout=100, env=environment)
    text = (done.stdout + done.stderr).decode(errors="replace")
    assert not check or done.returncode in codes, f"{command}: {done.returncode}: {text}"
    return text


def mkfs(path: Path, bits: int, size: str | None = None, *options: str) -> Path:
    """An image of mkfs.fat."""
    path.unlink(missing_ok=True)
    run("truncate", "-s", size or SMALL[bits], path)
    run("mkfs.fat", "-F", str(bits), *(options or ("-s", "1")), path)
    return path


def image(bits: int, size: str | None = None, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return mkfs(Path(folder) / "image", bits, size, *options).read_bytes()


def fsck(data: bytes | bytearray | Path, *, codes: tuple[int, ...] = (0,)) -> str:
    """What fsck.fat says, which changes nothing. It must be content, unless ``codes`` say otherwise."""
    if isinstance(data, Path):
        return run("fsck.fat", "-n", "-v", data, codes=codes)
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
        file.write(data)
        file.flush()
        return run("fsck.fat", "-n", "-v", file.name, codes=codes)


def mount(
    device: MemoryDevice, env: Environment | None = None, *, readonly: bool = False, **options: str
) -> MsdosFileSystem:
    fs = FILE_SYSTEM.mount(MountRequest(device, readonly, options), env or Environment())
    assert isinstance(fs, MsdosFileSystem)
    return fs


def fresh(bits: int, size: str | None = None, *options: str) -> tuple[MsdosFileSystem, MemoryDevice]:
    device = MemoryDevice(image(bits, size, *options))
    return mount(device), device


# -- what vfs does around a driver


def make(directory: Vnode, name: str, data: bytes = b"", *, mode: int = 0o644) -> Vnode:
    node = directory.create(name.encode(), NewNode(VType.REG, mode, 0, 0))
    if data:
        assert node.write(0, data) == len(data)
    return node


def mkdir(directory: Vnode, name: str) -> Vnode:
    return directory.create(name.encode(), NewNode(VType.DIR, 0o755, 0, 0))


def remove(directory: Vnode, name: str) -> None:
    node = directory.lookup(name.encode())
    (directory.rmdir if node.vtype is VType.DIR else directory.unlink)(name.encode(), node)
    if node.uses == 0:
        node.inactive()


def names(directory: Vnode) -> list[str]:
    return [entry.name.decode() for entry in directory.readdir(0) if entry.name not in (b".", b"..")]


def contents(node: Vnode) -> bytes:
    return bytes(node.read(0, 1 << 30))


def tree(node: Vnode, path: str = "") -> dict[str, bytes | None]:
    """Everything below a directory: contents of files, None for directories."""
    found: dict[str, bytes | None] = {}
    for name in names(node):
        child = node.lookup(name.encode())
        if child.vtype is VType.DIR:
            found[f"{path}/{name}"] = None
            found |= tree(child, f"{path}/{name}")
        else:
            found[f"{path}/{name}"] = contents(child)
    return found


def unmount(fs: FileSystem) -> None:
    fs.sync()
    fs.unmount(force=False)


def refused(errno: Errno, action: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(KernelError) as caught:
        action(*arguments)
    assert caught.value.name == errno.name, caught.value

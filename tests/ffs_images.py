"""Images of ffs for tests: made here and by makefs, on devices that remember and that fail, and judged by checkers."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, FileSystem, MountRequest, NewfsRequest, NewNode, Vnode, VType
from rumpvfs.fs.ffs import FILE_SYSTEM
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import Environment, run
from tests.unit.vfs.ffs_check import check

VARIANTS = {
    "UFS1 le": {"version": "1", "byteorder": "le"},
    "UFS1 be": {"version": "1", "byteorder": "be"},
    "UFS2 le": {"version": "2", "byteorder": "le"},
    "UFS2 be": {"version": "2", "byteorder": "be"},
}
GEOMETRIES = [(4096, 512), (8192, 1024), (16384, 2048), (8192, 8192), (8192, 4096), (16384, 4096), (65536, 8192)]


class Disk:
    """A disk in memory. ``writes`` are kept when asked for; after ``room`` more writes it fails."""

    name = "disk"

    def __init__(self, data: Buffer | int, *, readonly: bool = False) -> None:
        self.data = bytearray(data)
        self.size = len(self.data)
        self.readonly = readonly
        self.writes: list[tuple[int, bytes]] | None = None
        self.room: int | None = None
        self.flushes = 0

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return memoryview(self.data).toreadonly()[offset : offset + length]

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS)
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{len(data)} bytes at {offset} of {self.size}")
        if self.room is not None:
            if self.room == 0:
                raise KernelError(Errno.EIO, "the disk fails")
            self.room -= 1
        if self.writes is not None:
            self.writes.append((offset, bytes(data)))
        self.data[offset : offset + len(data)] = data

    def flush(self) -> None:
        self.flushes += 1

    def close(self) -> None: ...


class Clock(Environment):
    """A clock that goes on by a millisecond whenever somebody looks, and entropy that repeats itself."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000_000_000_000
        self.seed = 1

    def now_ns(self) -> int:
        self.now += 1_000_000
        return self.now

    def entropy(self, length: int) -> bytes:
        self.seed = self.seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        return (self.seed >> 16).to_bytes(8, "little")[:length].ljust(length, b"\0")


def newfs(size: int, **options: str) -> Disk:
    disk = Disk(size)
    assert FILE_SYSTEM.newfs is not None
    FILE_SYSTEM.newfs(NewfsRequest(disk, options), Clock())
    return disk


def makefs(image: Path, source: Path, *options: str) -> Path:
    run("makefs", "-t", "ffs", *options, image, source)
    return image


def mount(disk: Disk | Buffer, env: Environment | None = None, *, readonly: bool = False, **options: str) -> FileSystem:
    device = disk if isinstance(disk, Disk) else Disk(disk)
    fs = FILE_SYSTEM.mount(MountRequest(device, readonly, options), env or Clock())
    fs.mount = SimpleNamespace(flags=0)  # type: ignore[assignment]
    return fs


def sound(disk: Disk, tmp: Path | None = None, *, clean: bool = True) -> None:
    """Asserts that nothing is wrong: by the checker of these tests, and by NetBSD's fsck_ffs where it is installed."""
    problems = check(disk.data, clean=clean)
    assert not problems, problems
    fsck = shutil.which("fsck_ffs")
    if fsck and tmp is not None:
        image = tmp / "to check"
        image.write_bytes(disk.data)
        done = subprocess.run([fsck, "-F", "-f", "-n", image], capture_output=True, text=True, check=False, timeout=60)
        lines = [
            line for line in done.stdout.splitlines() if line and not line.startswith("**") and " files, " not in line
        ]
        assert (done.returncode, lines) == (0, []), lines


# -- shorter calls


def put(directory: Vnode, name: bytes, data: bytes = b"", uid: int = 0) -> Vnode:
    node = directory.create(name, NewNode(VType.REG, 0o644, uid, 0))
    if data:
        count = node.write(0, data)
        assert count == len(data), f"{count} of {len(data)} bytes written"
    return node


def mkdir(directory: Vnode, name: bytes) -> Vnode:
    return directory.create(name, NewNode(VType.DIR, 0o755, 0, 0))


def symlink(directory: Vnode, name: bytes, target: bytes) -> Vnode:
    return directory.create(name, NewNode(VType.LNK, 0o777, 0, 0, 0, target))


def remove(directory: Vnode, name: bytes) -> None:
    """As the system calls do."""
    node = directory.lookup(name)
    (directory.rmdir if node.vtype is VType.DIR else directory.unlink)(name, node)
    if node.uses == 0:
        node.inactive()


def resize(node: Vnode, size: int) -> None:
    node.setattr(Changes(size=size))


def contents(node: Vnode) -> bytes:
    size = node.getattr().st_size
    parts = []
    at = 0
    while at < size:
        part = bytes(node.read(at, 1 << 20))
        assert part
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def names(directory: Vnode) -> list[bytes]:
    return [entry.name for entry in directory.readdir(0)]


def refused(errno: Errno, call: Callable[..., Any], *args: Any, **named: Any) -> str:
    try:
        call(*args, **named)
    except KernelError as error:
        if error.errno != errno:
            raise
        return error.text
    raise AssertionError(f"{errno.name} was expected")


def work(fs: FileSystem, rng: random.Random, steps: int) -> dict[bytes, bytes]:
    """A bit of everything in a directory of its own; gives what the files hold."""
    top = mkdir(fs.root(), b"work")
    model: dict[bytes, bytes] = {}
    sizes = (0, 1, 511, 512, 513, 4000, 8192, 12_000, 70_000, 120_000)
    for step in range(steps):
        name = b"file %d" % rng.randrange(20)
        action = rng.randrange(6)
        if name not in model:
            model[name] = rng.randbytes(rng.choice(sizes))
            put(top, name, model[name])
            continue
        node = top.lookup(name)
        if action == 0:
            remove(top, name)
            del model[name]
        elif action == 1:
            size = rng.choice(sizes)
            resize(node, size)
            model[name] = model[name][:size].ljust(size, b"\0")
        elif action == 2:
            new = b"file %d" % rng.randrange(20)
            replaced = top.lookup(new) if new in model else None
            if replaced is not node:
                top.rename(name, node, top, new, replaced)
                if replaced is not None:
                    replaced.inactive()
                model[new] = model.pop(name)
        else:
            data = rng.randbytes(rng.choice(sizes))
            at = rng.choice((0, len(model[name]), rng.randrange(60_000)))
            assert node.write(at, data) == len(data)
            if data:
                before = model[name].ljust(at, b"\0")
                model[name] = before[:at] + data + before[at + len(data) :]
        if step % 40 == 0:
            fs.sync()
    return model

"""Images of exFAT made by the tools of the host."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rumpvfs.core.vnode import MountRequest, NewfsRequest
from rumpvfs.fs.exfatfs import FILE_SYSTEM
from rumpvfs.fs.exfatfs.driver import ExfatFileSystem
from tests.fat_images import Environment, MemoryDevice, run
from tests.tools import need


def mkfs(path: Path, size: str = "8M", *options: str) -> Path:
    """An image of mkfs.exfat."""
    path.unlink(missing_ok=True)
    run("truncate", "-s", size, path)
    run("mkfs.exfat", *options, path)
    return path


def image(size: str = "8M", *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return mkfs(Path(folder) / "image", size, *options).read_bytes()


def small(size: int, **options: str) -> bytes:
    """One of our own, since mkfs.exfat makes none so small."""
    device = MemoryDevice(bytes(size))
    assert FILE_SYSTEM.newfs is not None
    FILE_SYSTEM.newfs(NewfsRequest(device, options), Environment())
    return bytes(device.data)


def fsck(data: bytes | bytearray | Path, *, codes: tuple[int, ...] = (0,)) -> str:
    """What fsck.exfat says, which changes nothing. It must be content, unless ``codes`` say otherwise."""
    if isinstance(data, Path):
        return run("fsck.exfat", "-n", data, codes=codes)
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
        file.write(data)
        file.flush()
        return run("fsck.exfat", "-n", file.name, codes=codes)


def mount(
    device: MemoryDevice, env: Environment | None = None, *, readonly: bool = False, **options: str
) -> ExfatFileSystem:
    fs = FILE_SYSTEM.mount(MountRequest(device, readonly, options), env or Environment())
    assert isinstance(fs, ExfatFileSystem)
    return fs


def fresh(size: str = "8M", *options: str) -> tuple[ExfatFileSystem, MemoryDevice]:
    device = MemoryDevice(image(size, *options))
    return mount(device), device


@contextmanager
def fuse_mount(disk: Path, where: Path) -> Iterator[Path]:
    """The image mounted by exfat-fuse, over a loop device; skips where that may not be done."""
    program = need("mount.exfat-fuse")
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("exfat-fuse needs root and /dev/fuse")
    where.mkdir(exist_ok=True)
    loop = subprocess.run(["losetup", "-f", "--show", disk], capture_output=True, text=True, check=False)
    if loop.returncode:
        pytest.skip(f"no loop device: {loop.stderr.strip()}")
    device = loop.stdout.strip()
    try:
        done = subprocess.run([program, device, where], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"exfat-fuse does not mount here: {done.stderr.strip()}")
        try:
            yield where
        finally:
            subprocess.run(["umount", where], check=True)
            settle(device)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def settle(device: str) -> None:
    """The file system's process writes the last of it after umount came back: until then the device is held."""
    subprocess.run(["blockdev", "--flushbufs", device], check=False)

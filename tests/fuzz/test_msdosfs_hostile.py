"""Damaged and made-up FATs: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import struct
import time
from functools import cache

import pytest

from rumpvfs.core.vnode import Changes, FileSystem
from rumpwire.errno import Errno
from tests.fat_images import MemoryDevice, fresh, image, make, mkdir, mount, refused, unmount
from tests.fuzz.exercise import READING, attempt

SECONDS = 5.0


@cache
def filled(bits: int) -> bytes:
    if bits == 32:
        device = MemoryDevice(image(32, "2M", "-s", "1"))
        fs = mount(device)
    else:
        fs, device = fresh(bits, "1M" if bits == 12 else "4M", "-s", "1")
    for number in range(6):
        folder = mkdir(fs.root(), f"Folder number {number}")
        for file in range(12):
            make(folder, f"file with a long name {file}", bytes([file]) * (number * 700))
        mkdir(mkdir(folder, "below"), "deeper")
    unmount(fs)
    return bytes(device.data)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_changed_boot_sectors(bits: int) -> None:
    clean = filled(bits)
    generator = random.Random(3)
    for at in range(90):
        for value in (0, 1, 0xFF, generator.randrange(256)):
            data = bytearray(clean)
            data[at] = value
            fs = attempt(READING, mount, MemoryDevice(data), readonly=True)
            if isinstance(fs, FileSystem):
                attempt(READING, fs.statvfs)
                attempt(READING, lambda fs=fs: list(fs.root().readdir(0)))


def entry_of(data: bytes, name: bytes) -> int:
    return data.index(name.ljust(11))


def test_chains_without_an_end() -> None:
    """A file, a directory and the root whose last cluster leads to their first."""
    fs, device = fresh(16)
    node = make(fs.root(), "FILE", bytes(5000))
    folder = mkdir(fs.root(), "FOLDER")
    make(folder, "X")
    first, geometry = node.chain().first, fs.volume.geometry  # type: ignore[attr-defined]
    unmount(fs)
    at = geometry.fat_offset
    struct.pack_into("<H", device.data, at + 2 * (first + 9), first)
    below = int.from_bytes(device.data[entry_of(device.data, b"FOLDER") + 26 :][:2], "little")
    struct.pack_into("<H", device.data, at + 2 * below, below)
    struct.pack_into("<I", device.data, entry_of(device.data, b"FILE") + 28, 0xFFFFFFFF)
    begun = time.process_time()
    fs = mount(device)
    refused(Errno.EIO, fs.root().lookup(b"FILE").read, 4_000_000_000, 10)
    assert len(fs.root().lookup(b"FILE").read(0, 100_000)) == 100_000
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").lookup, b"Y")
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").getattr)
    file = fs.root().lookup(b"FILE")
    fs.root().unlink(b"FILE", file)
    file.inactive()
    unmount(fs)
    assert time.process_time() - begun < SECONDS


def test_sizes_and_clusters_that_lie() -> None:
    fs, device = fresh(12)
    for name in ("LIES", "NOWHERE", "BADMARK", "FREE"):
        make(fs.root(), name, b"x" * 600)
    geometry = fs.volume.geometry
    unmount(fs)
    struct.pack_into("<I", device.data, entry_of(device.data, b"LIES") + 28, 100_000)
    struct.pack_into("<H", device.data, entry_of(device.data, b"NOWHERE") + 26, 0xFF0)
    struct.pack_into("<H", device.data, entry_of(device.data, b"BADMARK") + 26, 1)
    free = geometry.clusters
    struct.pack_into("<H", device.data, entry_of(device.data, b"FREE") + 26, free)
    fs = mount(device)
    root = fs.root()
    assert bytes(root.lookup(b"LIES").read(0, 1024))[:600] == b"x" * 600
    for name in (b"NOWHERE", b"BADMARK", b"FREE"):
        refused(Errno.EIO, root.lookup(name).read, 0, 600)
        refused(Errno.EIO, root.lookup(name).write, 600, b"x")
    refused(Errno.EIO, root.lookup(b"LIES").read, 0, 100_000)
    refused(Errno.EIO, root.lookup(b"LIES").write, 100_000, b"x")
    root.lookup(b"LIES").setattr(Changes(size=600))
    assert bytes(root.lookup(b"LIES").read(0, 1000)) == b"x" * 600


def test_directories_in_one_another() -> None:
    """A directory that names an ancestor, and one that two names lead to."""
    fs, device = fresh(16)
    one = mkdir(fs.root(), "ONE")
    mkdir(one, "TWO")
    mkdir(fs.root(), "THREE")
    first = one.first  # type: ignore[attr-defined]
    unmount(fs)
    for name in (b"TWO", b"THREE"):
        struct.pack_into("<H", device.data, entry_of(device.data, name) + 26, first)
    fs = mount(device)
    held = fs.root().lookup(b"ONE")
    refused(Errno.EIO, held.lookup, b"TWO")
    refused(Errno.EIO, fs.root().lookup, b"THREE")


def test_a_directory_longer_than_it_may_be() -> None:
    fs, device = fresh(32, "40M", "-s", "1")
    folder = mkdir(fs.root(), "FOLDER")
    node = make(fs.root(), "FILE", bytes(5 << 20))
    first = node.chain().first  # type: ignore[attr-defined]
    del folder
    unmount(fs)
    struct.pack_into("<HH", device.data, at := entry_of(device.data, b"FOLDER") + 20, first >> 16, 0)
    struct.pack_into("<H", device.data, at + 6, first & 0xFFFF)
    fs = mount(device, readonly=True)
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").lookup, b"X")


def test_names_that_paths_cannot_hold() -> None:
    fs, device = fresh(12)
    for name in ("A", "B", "C", "D"):
        make(fs.root(), name)
    unmount(fs)
    device.data[entry_of(device.data, b"A") + 1] = ord("/")
    device.data[entry_of(device.data, b"C")] = 0
    assert [entry.name for entry in mount(device).root().readdir(0)] == [b".", b"..", b"B"]

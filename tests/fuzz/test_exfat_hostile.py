"""Damaged and made-up exFATs: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import struct
import time
from functools import cache

import pytest

from rumpvfs.core.vnode import Changes, FileSystem
from rumpvfs.fs.exfatfs import boot, entry
from rumpwire.errno import Errno
from tests.exfat_images import mount, small
from tests.fat_images import MemoryDevice, make, mkdir, refused, unmount
from tests.fuzz.exercise import READING, attempt
from tests.fuzz.seeds import seal_boot

SECONDS = 5.0
_SLOT = 32


@cache
def filled() -> bytes:
    device = MemoryDevice(small(1 << 20, cluster="512"))
    fs = mount(device)
    for number in range(5):
        folder = mkdir(fs.root(), f"Folder number {number}")
        for file in range(10):
            make(folder, f"file with a long name {file}", bytes([file]) * (number * 700))
        folder.lookup(b"file with a long name 1").write(number * 700, b"in pieces" * 200)
        mkdir(mkdir(folder, "below"), "deeper")
    unmount(fs)
    return bytes(device.data)


@pytest.mark.parametrize("sealed", [True, False])
def test_changed_boot_sectors(sealed: bool) -> None:
    clean = filled()
    generator = random.Random(3)
    mounted = 0
    for at in [*range(12), *range(62, 130), 510]:
        for value in (0, 1, 0xFF, generator.randrange(256)):
            data = bytearray(clean)
            data[at] = value
            if sealed:
                seal_boot(data)
            fs = attempt(READING, mount, MemoryDevice(data))
            if isinstance(fs, FileSystem):
                mounted += 1
                attempt(READING, fs.statvfs)
                attempt(READING, lambda fs=fs: list(fs.root().readdir(0)))
    assert mounted > 20


def set_of(data: bytes, name: str) -> int:
    """Where the set of a file is."""
    return data.index(name.encode("utf-16-le")) - 2 - 2 * _SLOT


def patched(data: bytearray, name: str, at: int, form: str, *values: int) -> None:
    start = set_of(data, name)
    struct.pack_into(form, data, start + at, *values)
    end = start + (data[start + 1] + 1) * _SLOT
    data[start:end] = entry.sealed(data[start:end])


def test_sizes_and_clusters_that_lie() -> None:
    device = MemoryDevice(small(1 << 20, cluster="4096"))
    fs = mount(device)
    for name in ("HUGE", "LONG", "NOWHERE", "NOTHING", "VALID"):
        make(fs.root(), name, b"x" * 1200)
    folder = mkdir(fs.root(), "FOLDER")
    make(folder, "file")
    del folder
    unmount(fs)
    data = device.data
    patched(data, "HUGE", entry.SIZE, "<Q", 1 << 62)
    patched(data, "LONG", entry.SIZE, "<Q", 100_000)
    patched(data, "LONG", entry.FLAGS, "<B", entry.ALLOCATED)
    patched(data, "NOWHERE", entry.FIRST, "<I", 0xFFFFFFF0)
    patched(data, "NOTHING", entry.FIRST, "<I", 0)
    patched(data, "VALID", entry.VALID, "<Q", 1 << 63)
    patched(data, "FOLDER", entry.SIZE, "<Q", 1 << 40)
    begun = time.process_time()
    fs = mount(device)
    for name in (b"HUGE", b"NOWHERE", b"NOTHING"):
        refused(Errno.EIO, fs.root().lookup(name).read, 0, 1200)
        refused(Errno.EIO, fs.root().lookup(name).write, 1000, b"x")
        refused(Errno.EIO, fs.root().lookup(name).setattr, Changes(size=10**6))
    refused(Errno.EIO, fs.root().lookup(b"LONG").write, 99_000, b"x")
    assert bytes(fs.root().lookup(b"VALID").read(0, 5000)) == b"x" * 1200
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").lookup, b"file")
    unmount(fs)
    assert time.process_time() - begun < SECONDS


def test_chains_without_an_end_and_directories_in_one_another() -> None:
    device = MemoryDevice(small(1 << 20, cluster="512"))
    fs = mount(device)
    node = make(fs.root(), "FILE", b"x" * 1200)
    one = mkdir(fs.root(), "ONE")
    mkdir(one, "TWO")
    first, geometry = node.first, fs.volume.geometry  # type: ignore[attr-defined]
    top = one.first  # type: ignore[attr-defined]
    del node, one
    unmount(fs)
    struct.pack_into("<II", device.data, geometry.fat_offset + 4 * first, first + 1, first)
    patched(device.data, "FILE", entry.FLAGS, "<B", entry.ALLOCATED)
    patched(device.data, "FILE", entry.VALID, "<Q", 1 << 40)
    patched(device.data, "FILE", entry.SIZE, "<Q", 1 << 40)
    patched(device.data, "TWO", entry.FIRST, "<I", top)
    fs = mount(device)
    begun = time.process_time()
    refused(Errno.EIO, fs.root().lookup(b"FILE").read, 1 << 39, 10)
    held = fs.root().lookup(b"ONE")
    refused(Errno.EIO, held.lookup, b"TWO")
    file = fs.root().lookup(b"FILE")
    fs.root().unlink(b"FILE", file)
    file.inactive()
    unmount(fs)
    assert time.process_time() - begun < SECONDS


def test_without_bitmap_or_table_nothing_is_mounted() -> None:
    clean = filled()
    geometry = boot.parse(clean[:512], len(clean)).geometry
    root = geometry.offset(geometry.root_cluster)
    for at in (_SLOT, 2 * _SLOT):
        data = bytearray(clean)
        data[root + at] &= 0x7F
        refused(Errno.EIO, mount, MemoryDevice(data))
        for offset in (20, 24):
            data = bytearray(clean)
            struct.pack_into("<I", data, root + at + offset, 0)
            refused(Errno.EIO, mount, MemoryDevice(data))

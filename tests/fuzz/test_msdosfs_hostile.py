"""Damaged and made-up FATs: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import struct
import time
from functools import cache

import pytest

from rumpvfs.core.vnode import Changes, FileSystem, NewNode, Vnode, VType
from rumpvfs.fs.msdosfs import bpb
from rumpwire.errno import Errno, KernelError
from tests.fat_images import MemoryDevice, fresh, image, make, mkdir, mount, refused, unmount
from tests.fuzz.rounds import rounds

ROUNDS = rounds(120)
ALLOWED = {Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOENT, Errno.ENOSPC, Errno.EEXIST, Errno.ENOTEMPTY,
           Errno.EFBIG, Errno.EBUSY, Errno.ENXIO}  # fmt: skip
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


def attempt(action: object, *args: object, **named: object) -> object:
    """The answer, or None for a refusal that is allowed."""
    try:
        return action(*args, **named)  # type: ignore[operator]
    except KernelError as error:
        if error.errno not in ALLOWED:
            raise
        return None


def look_at_everything(fs: FileSystem) -> list[tuple[Vnode, bytes, Vnode]]:
    """Walks and reads: all names that were found."""
    found: list[tuple[Vnode, bytes, Vnode]] = []
    stack = [fs.root()]
    seen: set[int] = set()
    while stack and len(found) < 2000:
        node = stack.pop()
        attempt(node.getattr)
        if node.vtype is VType.REG:
            size = node.getattr().st_size
            for offset in (0, 700, size - 100):
                data = attempt(node.read, max(offset, 0), 300_000)
                assert data is None or len(data) <= 300_000  # type: ignore[arg-type]
        elif node.fileno not in seen:
            seen.add(node.fileno)
            attempt(node.parent)
            attempt(node.lookup, b"no such name")
            for entry in attempt(lambda node=node: list(node.readdir(0))) or []:  # type: ignore[attr-defined]
                child = attempt(node.lookup, entry.name) if entry.name not in (b".", b"..") else None
                if isinstance(child, Vnode):
                    found.append((node, entry.name, child))
                    stack.append(child)
    attempt(fs.statvfs)
    return found


def change_everything(found: list[tuple[Vnode, bytes, Vnode]], fs: FileSystem, generator: random.Random) -> None:
    """Writes, renames and removes."""
    generator.shuffle(found)
    for number, (directory, name, node) in enumerate(found[:60]):
        kind = number % 6
        if attempt(directory.lookup, name) is not node:
            continue
        if node.vtype is VType.DIR:
            attempt(node.create, b"A new name %d" % number, NewNode(VType.REG, 0o644, 0, 0))
            attempt(node.create, b"A new directory", NewNode(VType.DIR, 0o755, 0, 0))
            if kind == 0:
                attempt(directory.rename, name, node, fs.root(), b"moved %d" % number, None)
            elif attempt(directory.rmdir, name, node) is not None:
                node.inactive()
        elif kind < 2:
            attempt(node.write, generator.randrange(5000), bytes(3000))
        elif kind == 2:
            attempt(node.setattr, Changes(size=generator.randrange(6000)))
        elif kind == 3:
            attempt(directory.rename, name, node, fs.root(), b"moved file %d" % number, None)
        else:
            attempt(directory.unlink, name, node)
            node.inactive()
    attempt(fs.sync)
    attempt(fs.unmount, force=True)


def change(data: bytearray, places: list[int], generator: random.Random) -> None:
    at = generator.choice(places) + generator.randrange(512)
    kind = generator.randrange(4)
    if kind == 0:
        data[at] ^= 1 << generator.randrange(8)
    elif kind == 1:
        data[at] = generator.choice((0, 1, 0x0F, 0x2E, 0x7F, 0xE5, 0xF7, 0xFF))
    elif kind == 2:
        struct.pack_into("<H", data, at & ~1, generator.choice((0, 1, 2, 3, 0xFFF7, 0xFFFF, generator.randrange(4000))))
    else:
        other = generator.choice(places) + generator.randrange(16) * 32
        data[at & ~31 : (at & ~31) + 32] = data[other : other + 32]


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_changed_metadata_never_does_more_than_fail(bits: int) -> None:
    clean = filled(bits)
    geometry = bpb.parse(clean[:512], len(clean))
    places = [0, *range(geometry.fat_offset, geometry.fat_offset + 1024, 512)]
    places += list(range(geometry.fat_offset + geometry.fat_size, geometry.fat_offset + geometry.fat_size + 1024, 512))
    places += list(range(geometry.data_offset - min(geometry.root_size, 1024), geometry.data_offset + 120 * 512, 512))
    generator = random.Random(bits)
    mounted = 0
    for number in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20, 200))):
            change(data, places, generator)
        if number % 3:
            data[:512] = clean[:512]
        begun = time.monotonic()
        fs = attempt(mount, MemoryDevice(data))
        if isinstance(fs, FileSystem):
            mounted += 1
            change_everything(look_at_everything(fs), fs, generator)
        assert time.monotonic() - begun < SECONDS, f"round {number}"
    assert mounted > ROUNDS // 2


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_changed_boot_sectors(bits: int) -> None:
    clean = filled(bits)
    generator = random.Random(3)
    for at in range(90):
        for value in (0, 1, 0xFF, generator.randrange(256)):
            data = bytearray(clean)
            data[at] = value
            fs = attempt(mount, MemoryDevice(data), readonly=True)
            if isinstance(fs, FileSystem):
                attempt(fs.statvfs)
                attempt(lambda fs=fs: list(fs.root().readdir(0)))


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
    begun = time.monotonic()
    fs = mount(device)
    refused(Errno.EIO, fs.root().lookup(b"FILE").read, 4_000_000_000, 10)
    assert len(fs.root().lookup(b"FILE").read(0, 100_000)) == 100_000
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").lookup, b"Y")
    refused(Errno.EIO, fs.root().lookup(b"FOLDER").getattr)
    file = fs.root().lookup(b"FILE")
    fs.root().unlink(b"FILE", file)
    file.inactive()
    unmount(fs)
    assert time.monotonic() - begun < SECONDS


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

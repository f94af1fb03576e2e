"""ffs: making, mounting and refusing, crashes, failing disks, and older layouts."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rumpvfs.core.vnode import FileSystem, NewfsRequest, NewNode, Vnode, VType
from rumpvfs.fs.ffs import FILE_SYSTEM
from rumpvfs.fs.ffs import newfs as newfs_module
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.ffs_images import (
    VARIANTS,
    Clock,
    Disk,
    contents,
    mkdir,
    mount,
    names,
    newfs,
    put,
    refused,
    remove,
    resize,
    sound,
    symlink,
    work,
)
from tests.unit.vfs.ffs_check import Checker, check


@pytest.fixture(params=VARIANTS)
def options(request: pytest.FixtureRequest) -> dict[str, str]:
    return VARIANTS[request.param]


# -- mounting


def test_the_clean_flag(options: dict[str, str]) -> None:
    disk = newfs(4 << 20, **options)
    fs = mount(disk)
    text = refused(Errno.EROFS, mount, Disk(disk.data))
    assert "fsck" in text
    env = Clock()
    mount(Disk(disk.data), env, readonly=True)
    mount(Disk(disk.data), env, force="")
    assert len(env.lines) == 2
    fs.remount(readonly=True)
    sound(disk)
    fs.remount(readonly=False)
    put(fs.root(), b"x")
    fs.unmount(force=False)
    sound(disk)


@pytest.mark.parametrize(
    ("at", "kind", "value", "text"),
    [
        (1312, "I", 0x40, "gjournal"),
        (1116, "I", 7, "snapshots"),
        (904, "I", 0xF8AFD421, "quotas"),
        (1104, "q", 5, "fsck"),
    ],
)
def test_what_is_not_written(at: int, kind: str, value: int, text: str) -> None:
    disk = newfs(4 << 20)
    struct.pack_into("<" + kind, disk.data, 65536 + at, value)
    assert text in refused(Errno.EROFS, mount, disk)
    mount(disk, readonly=True)


def test_readonly_disks() -> None:
    disk = newfs(4 << 20)
    disk.readonly = True
    refused(Errno.EROFS, mount, disk)
    fs = mount(disk, readonly=True)
    fs.root().read  # noqa: B018
    refused(Errno.EROFS, fs.remount, readonly=False)
    fs.sync()
    fs.unmount(force=False)


def test_what_is_no_ffs() -> None:
    refused(Errno.EINVAL, mount, bytes(1 << 20))
    refused(Errno.EINVAL, mount, bytes(100))


# -- crashes and failing disks


def test_a_crash_at_any_time_leaves_nothing_that_fsck_cannot_repair(options: dict[str, str]) -> None:
    disk = newfs(3 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    fs.root().create(b"old", NewNode(VType.DIR, 0o755, 0, 0))
    fs.sync()
    before = bytes(disk.data)
    disk.writes = []
    work(fs, random.Random(11), 200)
    old = fs.root().lookup(b"old")
    for n in range(120):
        put(old, b"name %d" % n)
    fs.sync()
    for n in range(120):
        remove(old, b"name %d" % n)
    fs.unmount(force=False)
    image = bytearray(before)
    writes = disk.writes
    assert len(writes) > 100
    for number, (offset, data) in enumerate(writes):
        image[offset : offset + len(data)] = data
        if number % 7 == 0 or number > len(writes) - 20:
            assert check(image, crashed=True) == [], f"after write {number} of {len(writes)}"
    sound(disk)


def test_a_crash_leaves_a_renamed_file_a_name(options: dict[str, str]) -> None:
    disk = newfs(3 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    directories = [mkdir(fs.root(), b"%d" % n) for n in range(3)]
    for directory in directories:
        for n in range(60):
            put(directory, b"a file among others %d" % n)
    node = put(directories[0], b"precious")
    fs.sync()
    image = bytearray(disk.data)
    disk.writes = []
    at, name = 0, b"precious"
    for n in range(24):
        new = b"%d precious" % n * (1 + n % 9)
        directories[at].rename(name, node, directories[n % 3], new, None)
        at, name = n % 3, new
        if n % 5 == 0:
            fs.sync()
    for number, (offset, data) in enumerate(disk.writes):
        image[offset : offset + len(data)] = data
        checker = Checker(image)
        checker.phase1()
        checker.phase2()
        assert checker.links[node.fileno]
        assert number % 5 or check(image, crashed=True) == []
    fs.sync()
    sound(disk, clean=False)


def everything(fs: FileSystem, root: Vnode, top: Vnode, n: int) -> list[Callable[[], object]]:
    name = b"%d" % n
    return [
        lambda: put(root, name).write(0, b"x" * 700 * n),
        lambda: root.rename(name, root.lookup(name), top, name, None),
        lambda: remove(root, b"%d" % (n - 3)),
        lambda: mkdir(root, b"directory %d" % n),
        lambda: remove(top, b"%d" % (n - 5)),
        lambda: resize(root.lookup(b"before"), 20_000 + 1000 * n),
        fs.sync,
    ]


def test_failing_disks(options: dict[str, str], tmp_path: Path) -> None:
    """Whenever the disk begins to fail and is well again later, nothing is worse than what was not written."""
    for room in range(0, 60, 3):
        disk = newfs(2 << 20, bsize="4096", fsize="512", **options)
        fs = mount(disk)
        root = fs.root()
        put(root, b"before", b"b" * 30_000)
        top = mkdir(root, b"top")
        fs.sync()
        disk.room = room
        errors = set()
        for n in range(30):
            for call in everything(fs, root, top, n):
                try:
                    call()
                except KernelError as error:
                    errors.add(error.errno)
        assert Errno.EIO in errors
        assert errors <= {Errno.EIO, Errno.ENOENT, Errno.EEXIST}
        refused(Errno.EIO, fs.unmount, force=False)
        disk.room = None
        fs.unmount(force=False)
        sound(disk, tmp_path if room % 12 == 0 else None)
        assert contents(mount(disk, readonly=True).root().lookup(b"before"))[:20_000] == b"b" * 20_000


# -- newfs


@pytest.mark.parametrize("size", [1 << 20, 3_000_000, 60 << 20])
def test_newfs(size: int, options: dict[str, str], tmp_path: Path) -> None:
    disk = Disk(bytes(random.Random(1).randbytes(1 << 16)) * (size >> 16) + bytes(size & 0xFFFF))
    assert FILE_SYSTEM.newfs is not None
    assert FILE_SYSTEM.probe is not None
    used = FILE_SYSTEM.newfs(NewfsRequest(disk, {**options, "label": "a label", "density": "16k"}), Clock())
    assert size * 0.8 < used <= size
    assert FILE_SYSTEM.probe(disk)
    sound(disk, tmp_path)
    root = mount(disk, readonly=True).root()
    assert (root.getattr().st_mode, names(root)) == (const.S_IFDIR | 0o755, [b".", b".."])


@pytest.mark.parametrize(
    "options",
    [
        {"bsize": "3000"},
        {"bsize": "131072"},
        {"bsize": "8192", "fsize": "512"},
        {"fsize": "256"},
        {"version": "3"},
        {"byteorder": "pdp"},
        {"density": "x"},
        {"minfree": "100"},
        {"label": "x" * 32},
        {"nosuch": "1"},
    ],
)
def test_newfs_refuses(options: dict[str, Any]) -> None:
    refused(Errno.EINVAL, newfs, 4 << 20, **options)


def test_newfs_of_too_little() -> None:
    refused(Errno.ENOSPC, newfs, 60_000)
    disk = Disk(1 << 20, readonly=True)
    assert FILE_SYSTEM.newfs is not None
    refused(Errno.EROFS, FILE_SYSTEM.newfs, NewfsRequest(disk), Clock())


# -- older layouts


@pytest.mark.parametrize("order", ["le", "be"])
def test_staggered_groups(order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """UFS1 of old put the structures of each group on another platter."""
    geometry = newfs_module._geometry
    monkeypatch.setattr(newfs_module, "_geometry", lambda made: geometry(made) | {"cgoffset": 16, "cgmask": ~7})
    disk = newfs(24 << 20, version="1", byteorder=order, bsize="4096", fsize="512")
    sound(disk, tmp_path)
    fs = mount(disk)
    assert len({fs.sb.cgstart(n) % fs.sb.fpg for n in range(fs.sb.ncg)}) > 2  # type: ignore[attr-defined]
    model = work(fs, random.Random(1), 150)
    for n in range(30):
        put(mkdir(fs.root(), b"%d" % n), b"file", b"x" * 150_000)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    top = mount(disk, readonly=True).root().lookup(b"work")
    assert {name: contents(top.lookup(name)) for name in names(top)[2:]} == model


@pytest.mark.parametrize("order", ["le", "be"])
def test_disks_of_4_2_bsd_are_read(order: str) -> None:
    """No kinds in directories, no short links, 16 bits for users, 32 for everything else."""
    disk = newfs(4 << 20, version="1", byteorder=order, bsize="4096", fsize="512")
    fs = mount(disk)
    directory = mkdir(fs.root(), b"directory")
    for n in range(60):
        put(directory, b"file %d" % n, b"%d" % n)
    target = b"t" * 70
    symlink(fs.root(), b"link", target)
    numbers = [fs.root().fileno, *(directory.lookup(name).fileno for name in names(directory))]
    places = [directory.inode.pointers[0], fs.root().inode.pointers[0]]  # type: ignore[attr-defined]
    inodes = [fs.sb.inode_place(number) for number in numbers]  # type: ignore[attr-defined]
    size = directory.getattr().st_size
    del directory
    fs.unmount(force=False)
    e = "<" if order == "le" else ">"
    for place, length in zip(places, (size, 512), strict=True):
        at = place * 512
        while at < place * 512 + length:
            record, name_length = struct.unpack_from(e + "4xHxB", disk.data, at)
            struct.pack_into(e + "H", disk.data, at + 6, name_length)
            at += record
    for frag, at in inodes:
        struct.pack_into(e + "2H", disk.data, frag * 512 + at + 4, 17, 18)
    for at, kind, value in ((1320, "i", 0), (1324, "i", -1), (211, "B", 0), (1080, "q", -1), (1096, "q", -1)):
        struct.pack_into(e + kind, disk.data, 8192 + at, value)
    fs = mount(disk, readonly=True)
    directory = fs.root().lookup(b"directory")
    assert sorted(names(directory)) == sorted([b".", b"..", *(b"file %d" % n for n in range(60))])
    assert all(entry.vtype is None for entry in directory.readdir(0))
    assert contents(directory.lookup(b"file 59")) == b"59"
    assert fs.root().lookup(b"link").readlink() == target
    assert directory.owner()[1:] == (17, 18)
    assert fs.statvfs().f_blocks > 7000
    assert "only read" in refused(Errno.EROFS, fs.remount, readonly=False)

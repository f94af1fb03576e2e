"""FAT and its disk: what is written in which order, what a crash or a failing disk leaves, marks, and newfs."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import pytest

from rumpvfs.core.vnode import Changes, NewfsRequest, Vnode, VType
from rumpvfs.fs.msdosfs import FILE_SYSTEM, bpb, fat
from rumpvfs.fs.msdosfs.driver import MsdosFileSystem
from rumpwire.errno import Errno, KernelError
from tests.fat_images import (
    Environment,
    MemoryDevice,
    contents,
    fresh,
    fsck,
    image,
    make,
    mkdir,
    mount,
    names,
    refused,
    remove,
    run,
    tree,
    unmount,
)

# What fsck.fat says of damage. That clusters are in no file, or in one behind its end, is none.
_DAMAGE = re.compile(r"free cluster \(|beyond limit|bad cluster|chain length is [1-9]|Bad |Start does|Illegal")


def workload(fs: MsdosFileSystem, seed: int, steps: int = 60) -> None:
    """Everything that changes a disk."""
    generator = random.Random(seed)
    folders = [fs.root()]
    for step in range(steps):
        folder = generator.choice(folders)
        found = names(folder)
        kind = generator.randrange(8)
        if kind <= 2 or not found:
            make(folder, f"file number {step}", bytes([step]) * generator.randrange(4000))
        elif kind == 3:
            folders.append(mkdir(folder, f"d{step}"))
        elif kind == 4:
            name = generator.choice(found)
            if folder.lookup(name.encode()).vtype is VType.REG:
                remove(folder, name)
        elif kind == 5:
            node = folder.lookup(generator.choice(found).encode())
            if node.vtype is VType.REG:
                node.setattr(Changes(size=generator.randrange(5000)))
        elif kind == 6:
            name = generator.choice(found).encode()
            node, to = folder.lookup(name), generator.choice(folders)
            if node.vtype is VType.REG:
                folder.rename(name, node, to, f"renamed in step {step}".encode(), None)
        elif generator.random() < 0.5:
            fs.sync()
        else:
            fs.volume.write_back()


@pytest.mark.parametrize(("bits", "seed"), [(12, 1), (16, 2), (32, 3)])
def test_a_crash_leaves_lost_clusters_at_worst(bits: int, seed: int) -> None:
    """The disk after each of its writes: no cluster in two files, none of a file free, and no chain that is too short.

    A renamed file may have both names; they are one file's then.
    """
    device = MemoryDevice(image(bits))
    fs = mount(device)
    fs.sync()
    before = bytes(device.data)
    device.log = []
    workload(fs, seed)
    unmount(fs)
    log, device.log = device.log, None
    assert len(log) > 80
    state = MemoryDevice(before)
    for number, (offset, data) in enumerate(log):
        state.write(offset, data)
        check(state)
        if number % 16 == 0:
            assert not _DAMAGE.search(fsck(state.data, codes=(0, 1)))
    assert state.data == device.data
    fsck(state.data)


def check(device: MemoryDevice) -> None:
    """No file names a cluster that is free or another's."""
    fs = mount(device, readonly=True)
    owners: dict[int, tuple[str, int]] = {}
    stack: list[tuple[str, Vnode]] = [("", fs.root())]
    while stack:
        path, node = stack.pop()
        if node.vtype is VType.DIR:
            assert isinstance(node.directory().slots(), int)  # type: ignore[attr-defined]
            chain = node.directory().chain  # type: ignore[attr-defined]
            stack += [(f"{path}/{name}", node.lookup(name.encode())) for name in names(node)]
        else:
            chain = node.chain()  # type: ignore[attr-defined]
            chain.all()
            assert chain.known * fs.volume.geometry.cluster >= node.getattr().st_size, path
        for first, count in chain.runs() if chain is not None else ():
            for cluster in range(first, first + count):
                other = owners.setdefault(cluster, (path, chain.first))
                assert other[1] == chain.first, f"cluster {cluster} is in {path} and {other[0]}"


@pytest.mark.parametrize("bits", [12, 32])
def test_a_disk_that_fails_is_reported_and_nothing_is_lost_later(bits: int) -> None:
    """EIO from what was asked to be kept; when the disk works again, all of it can be written."""
    device = MemoryDevice(image(bits))
    fs = mount(device)
    generator = random.Random(bits)
    expected: dict[str, bytes] = {}
    failures = 0
    for step in range(300):
        device.room = device.writes + generator.randrange(4) if step % 3 else None
        name, data = f"file {step % 40}", generator.randbytes(generator.randrange(3000))
        try:
            if name in expected and generator.random() < 0.5:
                remove(fs.root(), name)
                del expected[name]
            elif name not in expected:
                node = make(fs.root(), name)
                expected[name] = b""
                node.write(0, data)
                expected[name] = data
            if step % 5 == 0:
                fs.sync()
        except KernelError as error:
            if error.errno != Errno.EIO:
                raise
            failures += 1
        assert {n: contents(fs.root().lookup(n.encode())) for n in names(fs.root())} == expected
    assert failures > 20
    device.room = None
    unmount(fs)
    fsck(device.data)
    assert {path[1:]: data for path, data in tree(mount(device).root()).items()} == expected


def test_sync_means_it() -> None:
    fs, device = fresh(16)
    node = make(fs.root(), "file", b"data")
    flushes = device.flushes
    node.fsync(data_only=False)
    assert device.flushes >= flushes + 2
    assert tree(mount(MemoryDevice(device.data, readonly=True), readonly=True).root()) == {"/file": b"data"}


# -- marks


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_disk_in_use_says_so(bits: int) -> None:
    fs, device = fresh(bits)
    make(fs.root(), "file", b"x")
    fs.sync()
    assert "Dirty bit is set" in fsck(device.data, codes=(0, 1))
    fs.remount(readonly=True)
    assert "irty" not in fsck(device.data)
    refused(Errno.EROFS, make, fs.root(), "another")
    fs.remount(readonly=False)
    assert "Dirty bit is set" in fsck(device.data, codes=(0, 1))
    unmount(fs)
    assert "irty" not in fsck(device.data)


def test_a_disk_that_was_not_unmounted_stays_dirty() -> None:
    fs, device = fresh(16)
    make(fs.root(), "file", b"x")
    fs.sync()
    env = Environment()
    again = mount(MemoryDevice(device.data), env)
    assert "not unmounted" in env.lines[0]
    make(again.root(), "more")
    unmount(again)
    assert again.volume.dirty_before
    assert "Dirty bit is set" in fsck(again.volume.device.data, codes=(0, 1))  # type: ignore[attr-defined]


def test_a_mount_for_reading_writes_nothing() -> None:
    device = MemoryDevice(image(32), readonly=True)
    refused(Errno.EROFS, mount, device)
    fs = mount(device, readonly=True)
    refused(Errno.EROFS, make, fs.root(), "file")
    refused(Errno.EROFS, fs.root().setattr, Changes(mtime_ns=0))
    refused(Errno.EROFS, lambda: fs.remount(readonly=False))
    fs.sync()
    fs.unmount(force=False)
    assert device.writes == 0


def test_fsinfo_is_kept(tmp_path: Path) -> None:
    fs, device = fresh(32)
    make(fs.root(), "file", bytes(100_000))
    unmount(fs)
    free, following = struct.unpack_from("<II", device.data, 512 + 488)
    assert (free, following) == (fs.statvfs().f_bfree, 3 + 196)
    assert free == fs.volume.geometry.clusters - 1 - 196


def test_all_fats_or_the_active_one_are_written() -> None:
    data = bytearray(image(32, "36M", "-s", "1", "-f", "3"))
    struct.pack_into("<H", data, 40, bpb.NO_MIRROR | 1)
    device = MemoryDevice(data)
    geometry = bpb.parse(data[:512], len(data))
    fs = mount(device)
    make(fs.root(), "file", bytes(100_000))
    unmount(fs)
    starts = range(geometry.fat_offset, geometry.data_offset, geometry.fat_size)
    fats = [bytes(device.data[at : at + geometry.fat_size]) for at in starts]
    assert len(fats) == 3
    assert fats[0] == fats[2] != fats[1]
    assert tree(mount(device).root()) == {"/file": bytes(100_000)}
    struct.pack_into("<H", device.data, 40, 0)
    device.data[geometry.fat_offset : geometry.fat_offset + geometry.fat_size] = fats[1]
    fs = mount(device)
    remove(fs.root(), "file")
    make(fs.root(), "file", bytes(1000))
    unmount(fs)
    changed = [device.data[geometry.fat_offset + n * geometry.fat_size :][: 12 + 4 * 250] for n in range(3)]
    assert changed[0][12:] == changed[1][12:] == changed[2][12:]


def test_the_copy_of_a_spoilt_boot_sector() -> None:
    fs, device = fresh(32)
    make(fs.root(), "file", b"x")
    unmount(fs)
    device.data[:512] = bytes(512)
    refused(Errno.EINVAL, mount, device)
    env = Environment()
    assert names(mount(device, env, readonly=True).root()) == ["file"]
    assert "spoilt" in env.lines[0]


def test_a_large_fat_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not needed is not read or kept, and a fragmented file of many clusters is found again."""
    monkeypatch.setattr(fat, "KEPT", 3)
    monkeypatch.setattr(fat, "EAGER", 0)
    fs, device = fresh(32, "60M", "-s", "1")
    node = make(fs.root(), "first", bytes(3_000_000))
    other = make(fs.root(), "second", bytes(700))
    node.write(3_000_000, b"x" * 40_000_000)
    assert contents(other) == bytes(700)
    make(fs.root(), "third")
    assert len(fs.volume.fat._pages) <= 3 + 1
    unmount(fs)
    fsck(device.data)
    again = mount(device)
    assert again.statvfs().f_bfree == fs.statvfs().f_bfree
    assert len(again.volume.fat._pages) <= 1
    node = again.root().lookup(b"first")
    assert contents(node) == bytes(3_000_000) + b"x" * 40_000_000
    assert node.chain().starts == [0, 5860]  # type: ignore[attr-defined]
    assert len(again.volume.fat._pages) <= 3


# -- newfs


@pytest.mark.parametrize(
    ("size", "options", "bits"),
    [
        (1_474_560, {}, 12),
        (737_280, {}, 12),
        (2_949_120, {"label": "floppy"}, 12),
        (40 << 10, {}, 12),
        (4 << 20, {"serial": "1234abcd"}, 12),
        (9 << 20, {}, 16),
        (40 << 20, {"type": "16", "cluster": "1024", "root": "224"}, 16),
        (520 << 20, {"label": "Big One"}, 32),
        (150 << 20, {"type": "32", "fats": "1"}, 32),
        (64 << 20, {"type": "32", "cluster": "512", "hidden": "63"}, 32),
        (270 << 20, {"type": "32", "sector": "4096"}, 32),
        (100 << 20, {"size": str(50 << 20), "sector": "1024"}, 16),
    ],
)
def test_newfs_makes_what_the_tools_take(size: int, options: dict[str, str], bits: int, tmp_path: Path) -> None:
    device = MemoryDevice(b"\xa5" * min(size, 8 << 20) + bytes(max(size - (8 << 20), 0)))
    used = FILE_SYSTEM.newfs(NewfsRequest(device, options), Environment())  # type: ignore[misc]
    assert used == int(options.get("size", size))
    fs = mount(device)
    assert fs.volume.geometry.bits == bits
    for number in range(5):
        make(fs.root(), f"some file {number}", bytes(1500))
    unmount(fs)
    (tmp_path / "disk").write_bytes(device.data)
    fsck(tmp_path / "disk")
    text = run("mdir", "-i", tmp_path / "disk", "::")
    assert "5 files" in text
    if "label" in options:
        assert f"is {options['label'].upper()}" in text
    serial = options.get("serial", "04030201").upper()
    assert f"{serial[:4]}-{serial[4:]}" in text


@pytest.mark.parametrize(
    "options",
    [{"type": "8"}, {"cluster": "700"}, {"label": "much too long"}, {"label": "a*b"}, {"serial": "xyz"}, {"what": "1"},
     {"type": "32"}, {"type": "12", "cluster": "512"}, {"root": "7"}, {"size": "999999999999"}, {"fats": "9"}],
)  # fmt: skip
def test_newfs_refuses(options: dict[str, str]) -> None:
    device = MemoryDevice(bytes(10 << 20))
    with pytest.raises(KernelError) as caught:
        FILE_SYSTEM.newfs(NewfsRequest(device, options), Environment())  # type: ignore[misc]
    assert caught.value.name in ("EINVAL", "ENOSPC")
    assert device.writes == 0


def test_newfs_needs_room() -> None:
    refused(Errno.ENOSPC, FILE_SYSTEM.newfs, NewfsRequest(MemoryDevice(bytes(1024)), {"root": "16"}), Environment())  # type: ignore[arg-type]
    readonly = MemoryDevice(bytes(1 << 20), readonly=True)
    refused(Errno.EROFS, FILE_SYSTEM.newfs, NewfsRequest(readonly), Environment())  # type: ignore[arg-type]

"""Clusters that two files of a FAT have: neither is changed through the other, and the disk stays marked as dirty."""

from __future__ import annotations

import random
import struct

import pytest

from rumpvfs.core.vnode import Changes, VType
from rumpvfs.fs.msdosfs import directory
from rumpvfs.fs.msdosfs.driver import MsdosFileSystem
from rumpwire.errno import Errno
from tests.fat_images import MemoryDevice, contents, fresh, fsck, make, mkdir, mount, names, refused, remove, unmount

ONE, TWO = b"1" * 2000, b"2" * 3000


class Disk:
    """Two files and a directory with one; clusters have 512 bytes."""

    def __init__(self, bits: int) -> None:
        fs, self.device = fresh(bits)
        make(fs.root(), "ONE", ONE)
        make(fs.root(), "TWO", TWO)
        make(mkdir(fs.root(), "FOLDER"), "THREE", b"3" * 600)
        self.geometry = fs.volume.geometry
        unmount(fs)

    def entry(self, name: bytes) -> int:
        return self.device.data.index(name.ljust(11))

    def first(self, name: bytes) -> int:
        at = self.entry(name)
        low, high = (int.from_bytes(self.device.data[at + n : at + n + 2], "little") for n in (26, 20))
        return low | high << 16

    def begin_at(self, name: bytes, cluster: int) -> None:
        at = self.entry(name)
        struct.pack_into("<H", self.device.data, at + 26, cluster & 0xFFFF)
        struct.pack_into("<H", self.device.data, at + 20, cluster >> 16)

    def link(self, cluster: int, to: int) -> None:
        """In all copies of the FAT."""
        geometry, data = self.geometry, self.device.data
        for copy in geometry.fats:
            at = geometry.fat_offset + copy * geometry.fat_size + cluster * geometry.bits // 8
            if geometry.bits == 12:
                word = int.from_bytes(data[at : at + 2], "little")
                word = word & 0xF | to << 4 if cluster & 1 else word & 0xF000 | to & 0xFFF
                struct.pack_into("<H", data, at, word)
            else:
                struct.pack_into("<H" if geometry.bits == 16 else "<I", data, at, to)


def assert_refused(fs: MsdosFileSystem, name: bytes) -> None:
    """Everything that would change what another has."""
    node = fs.root().lookup(name)
    before = contents(node)
    for offset in (0, node.getattr().st_size):
        refused(Errno.EIO, node.write, offset, b"changed")
    refused(Errno.EIO, node.setattr, Changes(size=9000))
    refused(Errno.EIO, node.allocate, 0, 9000)
    assert contents(node) == before


def assert_dirty(disk: Disk, fs: MsdosFileSystem) -> None:
    fs.unmount(force=False)
    assert mount(MemoryDevice(disk.device.data), readonly=True).volume.dirty_before


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_two_names_for_the_same_clusters(bits: int) -> None:
    disk = Disk(bits)
    disk.begin_at(b"TWO", disk.first(b"ONE"))
    struct.pack_into("<I", disk.device.data, disk.entry(b"TWO") + 28, len(ONE))
    assert "share clusters" in fsck(disk.device.data, codes=(1,))
    fs = mount(disk.device)
    assert contents(fs.root().lookup(b"ONE")) == ONE
    assert_refused(fs, b"ONE")
    assert_refused(fs, b"TWO")
    remove(fs.root(), "TWO")
    one = fs.root().lookup(b"ONE")
    assert contents(one) == ONE
    assert one.write(0, b"mine") == 4
    assert_dirty(disk, fs)
    assert "share clusters" not in fsck(disk.device.data, codes=(0, 1))


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_chain_that_leads_into_another(bits: int) -> None:
    disk = Disk(bits)
    disk.link(disk.first(b"TWO") + 1, disk.first(b"ONE") + 2)
    struct.pack_into("<I", disk.device.data, disk.entry(b"TWO") + 28, 2048)
    fs = mount(disk.device)
    assert_refused(fs, b"TWO")
    assert_refused(fs, b"ONE")
    refused(Errno.EIO, fs.root().lookup(b"TWO").setattr, Changes(size=1536))
    fs.root().lookup(b"TWO").setattr(Changes(size=1024))
    assert contents(fs.root().lookup(b"ONE")) == ONE
    for name in (b"ONE", b"TWO"):
        fs.root().lookup(name).write(1024, b"mine")
    assert contents(fs.root().lookup(b"TWO")) == TWO[:1024] + b"mine"
    assert contents(fs.root().lookup(b"ONE"))[:1030] == ONE[:1024] + b"mine11"
    assert_dirty(disk, fs)
    assert "share clusters" not in fsck(disk.device.data, codes=(0, 1))


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_name_that_leads_into_the_middle_of_another_file(bits: int) -> None:
    disk = Disk(bits)
    disk.begin_at(b"TWO", disk.first(b"ONE") + 1)
    struct.pack_into("<I", disk.device.data, disk.entry(b"TWO") + 28, 1000)
    fs = mount(disk.device)
    assert_refused(fs, b"ONE")
    assert_refused(fs, b"TWO")
    remove(fs.root(), "ONE")
    assert contents(fs.root().lookup(b"TWO")) == ONE[512:1512]
    make(fs.root(), "NEW", b"n" * 20_000)
    assert fs.root().lookup(b"TWO").write(0, b"mine") == 4
    assert contents(fs.root().lookup(b"TWO")) == b"mine" + ONE[516:1512]
    assert_dirty(disk, fs)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_file_with_the_clusters_of_a_directory(bits: int) -> None:
    disk = Disk(bits)
    disk.begin_at(b"TWO", disk.first(b"FOLDER"))
    struct.pack_into("<I", disk.device.data, disk.entry(b"TWO") + 28, 512)
    fs = mount(disk.device)
    folder = fs.root().lookup(b"FOLDER")
    three = folder.lookup(b"THREE")
    assert_refused(fs, b"TWO")
    refused(Errno.EIO, make, folder, "NEW")
    refused(Errno.EIO, folder.unlink, b"THREE", three)
    refused(Errno.EIO, folder.rename, b"THREE", three, fs.root(), b"MOVED", None)
    refused(Errno.EIO, three.setattr, Changes(mode=0o444))
    assert names(folder) == ["THREE"]
    remove(fs.root(), "TWO")
    make(folder, "NEW", b"new")
    assert contents(three) == b"3" * 600
    assert_dirty(disk, fs)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_free_cluster_that_a_name_leads_to_is_given_to_nobody(bits: int) -> None:
    disk = Disk(bits)
    fs = mount(disk.device)
    make(fs.root(), "GAP", b"g" * 512)
    gap = fs.root().lookup(b"GAP").chain().first  # type: ignore[attr-defined]
    unmount(fs)
    disk.link(gap, 0)
    fs = mount(disk.device)
    size = fs.statvfs().f_bfree * 512
    assert make(fs.root(), "ALL", b"a" * (size - 512)).getattr().st_size == size - 512
    assert contents(fs.root().lookup(b"GAP")) == b"g" * 512
    refused(Errno.ENOSPC, make, fs.root(), "MORE", b"m")
    assert_dirty(disk, fs)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_nothing_is_suspected_on_a_sound_disk(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are parsed again and again, files and directories move, end, and come back."""
    monkeypatch.setattr(directory, "RECORDS_KEPT", 40)
    fs, device = fresh(bits)
    generator = random.Random(bits)
    for number in range(6):
        mkdir(fs.root(), f"folder {number}")
    unmount(fs)
    fs = mount(device)
    for step in range(600):
        folder = fs.root().lookup(b"folder %d" % generator.randrange(6))
        name = f"a name {generator.randrange(9)}"
        kind = generator.randrange(6)
        if name not in names(folder):
            (make if kind else mkdir)(folder, name, *([b"x" * generator.randrange(4000)] if kind else []))
            continue
        node, other = folder.lookup(name.encode()), fs.root().lookup(b"folder %d" % generator.randrange(6))
        if kind == 0 and names(other).count(name) == 0:
            folder.rename(name.encode(), node, other, name.encode(), None)
        elif kind == 1:
            remove(folder, name)
        elif node.vtype is VType.DIR:
            make(node, f"file {step}", b"y" * 700)
            remove(node, f"file {step}")
        else:
            node.write(generator.randrange(3000), b"w" * 900)
            node.setattr(Changes(size=generator.randrange(5000)))
        if step % 100 == 50:
            fs.remount(readonly=True)
            fs.remount(readonly=False)
        del folder, node, other
    fs.unmount(force=False)
    assert not mount(MemoryDevice(device.data), readonly=True).volume.dirty_before
    fsck(device.data)

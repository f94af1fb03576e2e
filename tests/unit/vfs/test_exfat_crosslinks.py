"""Clusters that two files of an exFAT have: neither is changed through the other, and the disk stays marked dirty."""

from __future__ import annotations

import random
import struct

import pytest

from rumpvfs.core.vnode import Changes, VType
from rumpvfs.fs.exfatfs import entry
from rumpvfs.fs.exfatfs.driver import ExfatFileSystem
from rumpvfs.fs.msdosfs import directory
from rumpwire.errno import Errno
from tests.exfat_images import fsck, mount, small
from tests.fat_images import MemoryDevice, contents, make, mkdir, names, refused, remove, unmount
from tests.fuzz.test_exfat_hostile import patched, set_of

ONE, TWO = b"1" * 2000, b"2" * 3000


class Disk:
    """Two files and a directory with one; clusters have 512 bytes."""

    def __init__(self, size: int = 1 << 20) -> None:
        self.device = MemoryDevice(small(size, cluster="512"))
        fs = mount(self.device)
        make(fs.root(), "ONE", ONE)
        make(fs.root(), "TWO", TWO)
        make(mkdir(fs.root(), "FOLDER"), "THREE", b"3" * 600)
        self.geometry = fs.volume.geometry
        unmount(fs)

    def first(self, name: str) -> int:
        at = set_of(self.device.data, name) + entry.FIRST
        return int.from_bytes(self.device.data[at : at + 4], "little")

    def put(self, name: str, first: int, size: int, *, adjacent: bool = True) -> None:
        patched(self.device.data, name, entry.FIRST, "<I", first)
        patched(self.device.data, name, entry.SIZE, "<Q", size)
        patched(self.device.data, name, entry.VALID, "<Q", size)
        patched(self.device.data, name, entry.FLAGS, "<B", entry.ALLOCATED | (entry.CONTIGUOUS if adjacent else 0))

    def chain(self, *clusters: int) -> None:
        for cluster, following in zip(clusters, (*clusters[1:], 0xFFFFFFFF), strict=True):
            struct.pack_into("<I", self.device.data, self.geometry.fat_offset + 4 * cluster, following)


def assert_refused(fs: ExfatFileSystem, name: bytes) -> None:
    """Everything that would change what another has."""
    node = fs.root().lookup(name)
    before = contents(node)
    for offset in (0, node.getattr().st_size):
        refused(Errno.EIO, node.write, offset, b"changed")
    refused(Errno.EIO, node.setattr, Changes(size=9000))
    refused(Errno.EIO, node.allocate, 0, 9000)
    assert contents(node) == before


def assert_dirty(disk: Disk, fs: ExfatFileSystem) -> None:
    fs.unmount(force=False)
    assert mount(MemoryDevice(disk.device.data), readonly=True).volume.dirty_before


def test_two_names_for_the_same_clusters() -> None:
    disk = Disk()
    disk.put("TWO", disk.first("ONE"), len(ONE))
    fs = mount(disk.device)
    assert_refused(fs, b"ONE")
    assert_refused(fs, b"TWO")
    remove(fs.root(), "TWO")
    one = fs.root().lookup(b"ONE")
    assert contents(one) == ONE
    assert one.write(0, b"mine") == 4
    assert_dirty(disk, fs)


def test_ranges_that_overlap() -> None:
    disk = Disk()
    disk.put("TWO", disk.first("ONE") + 2, 3000)
    fs = mount(disk.device)
    assert_refused(fs, b"ONE")
    assert_refused(fs, b"TWO")
    refused(Errno.EIO, fs.root().lookup(b"ONE").setattr, Changes(size=1536))
    fs.root().lookup(b"ONE").setattr(Changes(size=1024))
    make(fs.root(), "NEW", b"n" * 20_000)
    assert fs.root().lookup(b"TWO").write(0, b"mine") == 4
    assert contents(fs.root().lookup(b"TWO"))[:976] == b"mine" + ONE[1028:]
    assert fs.root().lookup(b"ONE").write(0, b"o" * 1024) == 1024
    assert_dirty(disk, fs)


def test_a_chain_that_leads_into_another_file() -> None:
    disk = Disk()
    one, two = disk.first("ONE"), disk.first("TWO")
    disk.chain(two, two + 1, one + 2, one + 3)
    disk.put("TWO", two, 2048, adjacent=False)
    fs = mount(disk.device)
    assert_refused(fs, b"TWO")
    assert_refused(fs, b"ONE")
    remove(fs.root(), "TWO")
    make(fs.root(), "NEW", b"n" * 20_000)
    assert contents(fs.root().lookup(b"ONE")) == ONE
    assert fs.root().lookup(b"ONE").write(1024, b"mine") == 4
    assert_dirty(disk, fs)


@pytest.mark.parametrize("what", ["FOLDER", "bitmap"])
def test_a_file_with_the_clusters_of_others(what: str) -> None:
    disk = Disk()
    disk.put("TWO", disk.first("FOLDER") if what == "FOLDER" else 2, 512)
    fs = mount(disk.device)
    assert_refused(fs, b"TWO")
    folder = fs.root().lookup(b"FOLDER")
    three = folder.lookup(b"THREE")
    if what == "FOLDER":
        refused(Errno.EIO, make, folder, "NEW")
        refused(Errno.EIO, folder.unlink, b"THREE", three)
        refused(Errno.EIO, folder.rename, b"THREE", three, fs.root(), b"MOVED", None)
        refused(Errno.EIO, three.setattr, Changes(mode=0o444))
        assert names(folder) == ["THREE"]
    remove(fs.root(), "TWO")
    make(folder, "NEW", b"new" * 5000)
    assert contents(three) == b"3" * 600
    assert_dirty(disk, fs)
    assert sorted(names(mount(disk.device).root().lookup(b"FOLDER"))) == ["NEW", "THREE"]


def test_free_clusters_that_a_name_leads_to_are_given_to_nobody() -> None:
    disk = Disk()
    at = disk.geometry.data_offset + (disk.first("TWO") - 2) // 8
    disk.device.data[at] = 0
    fs = mount(disk.device)
    make(fs.root(), "NEW", b"n" * fs.statvfs().f_bfree * 256)
    assert contents(fs.root().lookup(b"TWO")) == TWO
    assert_dirty(disk, fs)


def test_names_that_claim_everything_are_counted_soon() -> None:
    disk = Disk(4 << 20)
    fs = mount(disk.device)
    for number in range(300):
        make(fs.root(), f"HUGE{number}", b"h")
    unmount(fs)
    clusters = disk.geometry.clusters
    disk.chain(*range(1000, clusters), 1000)
    for number in range(300):
        disk.put(f"HUGE{number}", 1000, (clusters - 1100) * 512, adjacent=number % 2 == 0)
    fs = mount(disk.device)
    refused(Errno.EIO, make, fs.root(), "NEW")
    for name in (b"HUGE0", b"HUGE299", b"ONE"):
        refused(Errno.EIO, fs.root().lookup(name).write, 0, b"changed")
    assert_dirty(disk, fs)


def test_nothing_is_suspected_on_a_sound_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are parsed again and again, files and directories move, end, and come back."""
    monkeypatch.setattr(directory, "RECORDS_KEPT", 40)
    device = MemoryDevice(small(4 << 20, cluster="512"))
    fs = mount(device)
    generator = random.Random(7)
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
        if step % 250 == 249:
            fs.unmount(force=False)
            fs = mount(device)
        del folder, node, other
    fs.unmount(force=False)
    assert not mount(MemoryDevice(device.data), readonly=True).volume.dirty_before
    fsck(device.data)

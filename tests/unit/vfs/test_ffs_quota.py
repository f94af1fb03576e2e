"""Quotas in the file system of ffs, on the disk: the checker of these tests counts all files and reads all lists."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from rumpvfs.core.quota import BLOCKS, DEFAULT, FILES, GROUP, NOLIMIT, NOTIME, USER
from rumpvfs.core.vnode import FileSystem, NewNode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, QuotaKey, QuotaValue
from tests.ffs_images import VARIANTS, Clock, contents, mount, newfs, put, refused, remove, sound, work
from tests.unit.vfs.ffs_check import check


def limit(fs: FileSystem, owner: int, objtype: int, hard: int, soft: int = NOLIMIT) -> None:
    assert fs.quotas is not None
    fs.quotas.put(QuotaKey(USER, owner, objtype), QuotaValue(hard, soft, grace=NOTIME))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sizes", ["4096/512", "16384/2048"])
def test_many_ids_and_random_work(variant: str, sizes: str, tmp_path: Path) -> None:
    bsize, fsize = sizes.split("/")
    disk = newfs(16 << 20, quota="both", bsize=bsize, fsize=fsize, **VARIANTS[variant])
    sound(disk, tmp_path)
    fs = mount(disk)
    owners = [*range(1000, 1300), 5, (1 << 32) - 2]
    for owner in owners:
        node = fs.root().create(b"%d" % owner, NewNode(VType.REG, 0o644, owner, owner // 3))
        node.write(0, b"x" * (owner % 3000))
    limit(fs, 7, BLOCKS, 100)
    model = work(fs, random.Random(variant), 150)
    top = fs.root().lookup(b"work")
    assert {name: contents(top.lookup(name)) for name in model} == model
    fs.unmount(force=False)
    sound(disk, tmp_path)
    fs = mount(disk)
    assert fs.quotas is not None
    assert fs.quotas.get(QuotaKey(USER, 7, BLOCKS)).hardlimit == 100
    assert fs.quotas.get(QuotaKey(GROUP, 5 // 3, FILES)).usage == 1
    fs.quotas.delete(QuotaKey(USER, 7, BLOCKS))
    for owner in owners:
        remove(fs.root(), b"%d" % owner)
        fs.quotas.delete(QuotaKey(USER, owner, BLOCKS))
    assert set(fs.quotas.tables[USER].dquots) == {0}
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_a_large_write_goes_as_far_as_it_may(tmp_path: Path) -> None:
    disk, env = newfs(16 << 20, quota="user"), Clock()
    fs = mount(disk, env)
    node = put(fs.root(), b"file", uid=1000)
    limit(fs, 1000, BLOCKS, 2000)
    env.cred = Credentials(uid=1000, euid=1000)
    taken = node.write(0, b"x" * (4 << 20))
    assert 900 << 10 < taken <= 1000 << 10
    assert contents(node) == b"x" * taken
    refused(Errno.EDQUOT, put, fs.root(), b"other", b"y" * 100_000, 1000)
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_new_ids_get_the_default(tmp_path: Path) -> None:
    disk = newfs(4 << 20, quota="both")
    fs = mount(disk)
    limit(fs, DEFAULT, FILES, 3, 2)
    fs.unmount(force=False)
    fs = mount(disk)
    put(fs.root(), b"file", uid=9)
    assert fs.quotas is not None
    assert fs.quotas.get(QuotaKey(USER, 9, FILES))[:3] == (3, 2, 1)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    fs = mount(disk, readonly=True)
    assert fs.quotas is not None
    assert fs.quotas.get(QuotaKey(USER, 9, FILES))[:3] == (3, 2, 1)


def test_after_a_crash_an_open_file_without_a_name_is_counted_by_fsck() -> None:
    """The use of it is on the disk as its inode is; what fsck frees, it takes off."""
    disk = newfs(4 << 20, quota="user")
    fs = mount(disk)
    node = put(fs.root(), b"file", b"x" * 50_000, 1000)
    node.uses = 1
    fs.sync()
    assert not [text for text in check(disk.data, clean=False) if "quota" in text]
    fs.root().unlink(b"file", node)
    fs.sync()
    assert not [text for text in check(disk.data, clean=False) if "quota" in text]
    node.uses = 0
    node.inactive()
    fs.unmount(force=False)
    sound(disk)


def test_what_is_refused() -> None:
    disk = newfs(4 << 20, quota="both")
    struct.pack_into("<Q", disk.data, 65536 + 912, 0)
    assert "run fsck" in refused(Errno.EROFS, mount, disk)
    assert mount(disk, readonly=True).quotas is None
    disk = newfs(4 << 20, quota="group")
    assert struct.unpack_from("<2Q", disk.data, 65536 + 912) == (0, 3)
    struct.pack_into("<Q", disk.data, 65536 + 920, 2)
    refused(Errno.EIO, mount, disk)
    assert mount(disk, readonly=True).quotas is None
    refused(Errno.EINVAL, newfs, 4 << 20, quota="no")


@pytest.mark.parametrize("seed", range(40))
def test_broken_quota_files(seed: int) -> None:
    generator = random.Random(seed)
    disk = newfs(4 << 20, quota="user", bsize="4096", fsize="512")
    fs = mount(disk)
    for owner in range(30):
        put(fs.root(), b"%d" % owner, uid=owner)
    fs.unmount(force=False)
    at = disk.data.index(struct.pack("<I", 0xB746915E), 70_000)
    for _ in range(generator.randrange(1, 6)):
        place = at + 8 * generator.randrange(512)
        struct.pack_into("<Q", disk.data, place, generator.choice((0, 1, 96, 4096, 1 << 40, (1 << 64) - 1)))
    mount(disk, readonly=True)
    try:
        fs = mount(disk)
        for owner in range(20, 200):
            put(fs.root(), b"n%d" % owner, uid=owner)
        fs.unmount(force=False)
    except KernelError as error:
        assert error.errno in (Errno.EIO, Errno.EDQUOT)  # noqa: PT017  either way is right


@pytest.mark.parametrize("variant", VARIANTS)
def test_storage_for_a_range_and_none_for_it_any_more(variant: str, tmp_path: Path) -> None:
    disk, env = newfs(8 << 20, quota="user", bsize="8192", fsize="1024", **VARIANTS[variant]), Clock()
    fs = mount(disk, env)
    node = put(fs.root(), b"file", b"x" * 3000, 1000)
    free = fs.statvfs().f_bfree
    node.allocate(100_000, 1_500_001)
    assert node.getattr().st_size == 1_600_001
    assert fs.statvfs().f_bfree <= free - 1_500_000 // 1024
    assert contents(node) == (b"x" * 3000).ljust(1_600_001, b"\0")
    assert (node.seek(3000, hole=True), node.seek(50_000, hole=False)) == (8192, 98_304)
    before = node.getattr().st_blocks
    node.allocate(0, 3000)
    assert node.getattr().st_blocks == before
    node.write(700_000, b"y" * 500_000)
    node.discard(600_000, 550_000)
    data = (b"x" * 3000).ljust(1_150_000, b"\0") + b"y" * 50_000
    assert contents(node) == data.ljust(1_600_001, b"\0")
    assert node.getattr().st_blocks < before - 1000
    node.discard(0, 1 << 40)
    assert contents(node) == bytes(1_600_001)
    assert node.getattr().st_blocks <= 2 * 16 + 4
    limit(fs, 1000, BLOCKS, 1000)
    env.cred = Credentials(uid=1000, euid=1000)
    refused(Errno.EDQUOT, node.allocate, 0, 1_600_001)
    assert node.getattr().st_size == 1_600_001
    env.cred = Credentials()
    refused(Errno.ENOSPC, node.allocate, 0, 16 << 20)
    refused(Errno.EFBIG, node.allocate, 0, 1 << 62)
    assert node.getattr().st_size == 1_600_001
    fs.unmount(force=False)
    sound(disk, tmp_path)

"""Quotas of ext4 on the disk: e2fsck finds the same usage, debugfs reads the same entries."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from rumpvfs.core.quota import BLOCKS, FILES, GROUP, NOLIMIT, NOTIME, USER
from rumpvfs.core.vnode import Changes, FileSystem, NewfsRequest, NewNode, VType
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, QuotaKey, QuotaValue
from tests.crash.disk import MemoryDisk
from tests.ext4_images import Environment, make_image, run
from tests.ext4_workload import Workload, mount_disk

QUOTA = ("-t", "ext4", "-O", "quota")
IMAGES = {"1k": ("-b", "1024"), "4k": ("-b", "4096"), "no extents": ("-b", "1024", "-O", "^extents,^64bit")}


def new(tmp: Path, *options: str, size: str = "16M") -> MemoryDisk:
    return MemoryDisk(make_image(tmp / "new", size, *QUOTA, *options).read_bytes())


def entries(disk: MemoryDisk, tmp: Path, kind: str) -> dict[int, list[int]]:
    """What debugfs shows by id: space, soft and hard limit, files, soft and hard limit."""
    image = tmp / "shown"
    image.write_bytes(disk.contents)
    text = run("debugfs", "-R", f"list_quota {kind}", image)
    rows = [[int(word) for word in line.split()] for line in text.splitlines() if re.match(r" *\d", line)]
    return {row[0]: row[1:] for row in rows}


def fsck(disk: MemoryDisk, tmp: Path) -> None:
    image = tmp / "checked"
    image.write_bytes(disk.contents)
    run("e2fsck", "-fn", image)


def put(fs: FileSystem, owner: int, objtype: int, hard: int, soft: int = NOLIMIT) -> None:
    assert fs.quotas is not None
    fs.quotas.put(QuotaKey(USER, owner, objtype), QuotaValue(hard, soft, grace=NOTIME))


@pytest.mark.parametrize("variant", IMAGES)
def test_many_ids(variant: str, tmp_path: Path) -> None:
    disk = new(tmp_path, *IMAGES[variant])
    fs = mount_disk(disk)
    generator = random.Random(variant)
    owners = [*range(1000, 1200), *(generator.randrange(1 << 32) for _ in range(100)), (1 << 32) - 2]
    for owner in owners:
        node = fs.root().create(b"%d" % owner, NewNode(VType.REG, 0o644, owner, owner // 3))
        node.write(0, b"x" * (owner % 5000))
    put(fs, 1005, BLOCKS, 4000, 2000)
    put(fs, 1005, FILES, 7, 5)
    put(fs, 77, FILES, 9)
    fs.unmount(force=False)
    fsck(disk, tmp_path)
    found = entries(disk, tmp_path, "user")
    assert set(owners) <= found.keys()
    assert found[1005][1:] == [1000 << 10, 2000 << 10, 1, 5, 7] or found[1005][1:3] == [1000, 2000]
    assert found[77][-1] == 9
    groups = entries(disk, tmp_path, "group")
    assert sum(row[3] for row in groups.values()) == len(owners) + 2
    fs = mount_disk(disk)
    for owner in owners:
        fs.root().unlink(b"%d" % owner, fs.root().lookup(b"%d" % owner))
    fs.unmount(force=False)
    fsck(disk, tmp_path)


@pytest.mark.parametrize("variant", IMAGES)
def test_random_work(variant: str, tmp_path: Path) -> None:
    disk = new(tmp_path, *IMAGES[variant])
    fs = mount_disk(disk)
    Workload(fs, variant).run(300)
    fs.sync()
    shown = MemoryDisk(disk.contents)
    mount_disk(shown).unmount(force=False)
    fsck(shown, tmp_path)
    fs.unmount(force=False)
    fsck(disk, tmp_path)


def test_a_large_write_goes_as_far_as_it_may(tmp_path: Path) -> None:
    disk, env = new(tmp_path, "-b", "1024"), Environment()
    fs = mount_disk(disk, env)
    node = fs.root().create(b"file", NewNode(VType.REG, 0o644, 1000, 1000))
    put(fs, 1000, BLOCKS, 600)
    env.cred = Credentials(uid=1000, euid=1000, gid=1000, egid=1000)
    assert 250 << 10 < node.write(0, b"x" * (1 << 20)) <= 300 << 10
    with pytest.raises(KernelError) as caught:
        node.allocate(0, 1 << 20)
    assert caught.value.errno == Errno.EDQUOT
    node.setattr(Changes(size=0))
    assert node.write(0, b"x" * 100_000) == 100_000
    fs.unmount(force=False)
    fsck(disk, tmp_path)


def test_limits_survive_a_failed_operation(tmp_path: Path) -> None:
    disk = new(tmp_path, "-b", "1024", size="4M")
    fs = mount_disk(disk)
    put(fs, 5, BLOCKS, 100)
    node = fs.root().create(b"file", NewNode(VType.REG, 0o644, 6, 6))
    taken = 64 << 10
    while taken == 64 << 10:
        taken = node.write(node.getattr().st_size + (1 << 20), b"x" * taken)
    with pytest.raises(KernelError):
        node.allocate(0, 8 << 20)
    fs.unmount(force=False)
    fsck(disk, tmp_path)
    assert entries(disk, tmp_path, "user")[5][2] in (50, 50 << 10)


def test_a_mount_for_reading_tells_what_there_is(tmp_path: Path) -> None:
    disk = new(tmp_path)
    fs = mount_disk(disk)
    put(fs, 1005, BLOCKS, 4000)
    fs.unmount(force=False)
    fs = mount_disk(disk, readonly=True)
    assert fs.quotas is not None
    assert fs.quotas.get(QuotaKey(USER, 1005, BLOCKS)).hardlimit == 4000
    assert fs.quotas.get(QuotaKey(GROUP, 0, FILES)).usage == 2
    fs.remount(readonly=False)
    put(fs, 1005, BLOCKS, 5000)
    fs.remount(readonly=True)
    assert fs.quotas is not None
    assert fs.quotas.get(QuotaKey(USER, 1005, BLOCKS)).hardlimit == 5000


@pytest.mark.parametrize(("given", "kinds"), [("user", (1, 0)), ("group", (0, 1)), ("both", (1, 1))])
def test_newfs(given: str, kinds: tuple[int, int], tmp_path: Path) -> None:
    disk = MemoryDisk(bytes(8 << 20))
    assert FILE_SYSTEM.newfs is not None
    FILE_SYSTEM.newfs(NewfsRequest(disk, {"quota": given}), Environment())
    fsck(disk, tmp_path)
    fs = mount_disk(disk)
    assert fs.quotas is not None
    assert sorted(fs.quotas.tables) == [kind for kind, there in enumerate(kinds) if there]
    for bad in ({"quota": "all"}, {"quota": "user", "type": "ext2"}):
        with pytest.raises(KernelError) as caught:
            FILE_SYSTEM.newfs(NewfsRequest(MemoryDisk(bytes(8 << 20)), bad), Environment())
        assert caught.value.errno == Errno.EINVAL


@pytest.mark.parametrize("seed", range(40))
def test_broken_quota_files(seed: int, tmp_path: Path) -> None:
    """What is in them is checked: EIO at the latest when it is used, and nothing else goes wrong."""
    generator = random.Random(seed)
    disk = MemoryDisk(_sample(tmp_path))
    at = disk.contents.index((0xD9C01F11).to_bytes(4, "little"))
    for _ in range(generator.randrange(1, 6)):
        place = at + generator.choice((0, 1, 2, 3, 4, 5, 6, 7)) * 1024 + 4 * generator.randrange(256)
        disk.contents[place : place + 4] = generator.choice((0, 1, 2, 7, 0xFFFF, 1 << 31)).to_bytes(4, "little")
    mount_disk(MemoryDisk(disk.contents), readonly=True)
    try:
        fs = mount_disk(disk)
        for owner in range(3000, 3020):
            fs.root().create(b"%d" % owner, NewNode(VType.REG, 0o644, owner, owner)).write(0, b"x" * 3000)
        fs.unmount(force=False)
    except KernelError as error:
        assert error.errno in (Errno.EIO, Errno.ENOSPC)  # noqa: PT017  either way is right


def _sample(tmp: Path) -> bytes:
    disk = new(tmp, "-b", "1024", size="4M")
    fs = mount_disk(disk)
    for owner in range(30):
        fs.root().create(b"%d" % owner, NewNode(VType.REG, 0o644, owner, 0))
    fs.unmount(force=False)
    return bytes(disk.contents)

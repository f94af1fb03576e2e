"""Times of access: set by reading, kept over a remount, left alone by noatime; for ext4 not a commit each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rumpvfs.fs.ext2fs import FILE_SYSTEM as EXT2FS
from rumpvfs.fs.ffs import FILE_SYSTEM as FFS
from rumpwire import const
from rumpwire.values import DiskArgs
from tests.ext4_images import run
from tests.unit.vfs.kit import Kit, MemoryFiles

KINDS = {"ext2fs": EXT2FS, "ffs": FFS}
DISK, MNT = b"/dev/disk", b"/mnt"


@pytest.fixture(params=["tmpfs", *KINDS])
def k(request: pytest.FixtureRequest) -> Iterator[Kit]:
    kit = Kit(MemoryFiles(image=bytes(4 << 20)))
    kit.mkdir(MNT, 0o755)
    if request.param in KINDS:
        kit.component.add_filesystem(KINDS[request.param])
        kit.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
        kit.newfs(request.param, DISK, {}, b"")
    kit.mount(request.param, MNT, 0, DiskArgs(DISK) if request.param in KINDS else None)
    kit.mkdir(b"/mnt/dir", 0o755)
    kit.put(b"/mnt/dir/file", b"contents")
    yield kit
    kit.component.stop()


def test_reading_sets_it(k: Kit) -> None:
    before = k.stat(b"/mnt/dir/file")
    k.host.advance(10)
    k.get(b"/mnt/dir/file")
    k.ls(b"/mnt/dir")
    now = k.host.realtime_ns()
    after = k.stat(b"/mnt/dir/file")
    assert (after.st_atime_ns, after.st_mtime_ns) == (now, before.st_mtime_ns)
    assert after.st_ctime_ns == before.st_ctime_ns
    assert k.stat(b"/mnt/dir").st_atime_ns == now
    kind = k.statvfs1(MNT, 0).f_fstypename
    if kind in KINDS:
        k.unmount(MNT, 0)
        k.mount(kind, MNT, const.MNT_RDONLY, DiskArgs(DISK))
        assert k.stat(b"/mnt/dir/file").st_atime_ns == now
        k.host.advance(10)
        k.get(b"/mnt/dir/file")
        assert k.stat(b"/mnt/dir/file").st_atime_ns == now


def test_noatime_leaves_it_alone(k: Kit) -> None:
    k.mount("", MNT, const.MNT_UPDATE | const.MNT_NOATIME, None)
    before = k.stat(b"/mnt/dir/file")
    k.host.advance(10)
    k.get(b"/mnt/dir/file")
    k.ls(b"/mnt/dir")
    assert k.stat(b"/mnt/dir/file") == before
    k.mount("", MNT, const.MNT_UPDATE, None)
    k.get(b"/mnt/dir/file")
    assert k.stat(b"/mnt/dir/file").st_atime_ns > before.st_atime_ns


@pytest.mark.parametrize("k", ["ext2fs"], indirect=True)
def test_many_readers_write_nothing_until_the_syncer_does(k: Kit, tmp_path: Path) -> None:
    for n in range(200):
        k.put(b"/mnt/dir/%d" % n, b"x")
    k.sync()
    before = bytes(k.files.files[b"image"])
    k.host.advance(1)
    for n in range(200):
        k.get(b"/mnt/dir/%d" % n)
    assert k.files.files[b"image"] == before
    k.host.advance(31)
    assert k.files.files[b"image"] != before
    expected = [k.stat(b"/mnt/dir/%d" % n).st_atime_ns for n in range(200)]
    k.unmount(MNT, 0)
    (tmp_path / "image").write_bytes(k.files.files[b"image"])
    run("e2fsck", "-fn", tmp_path / "image")
    k.mount("ext2fs", MNT, 0, DiskArgs(DISK))
    assert [k.stat(b"/mnt/dir/%d" % n).st_atime_ns for n in range(200)] == expected

"""What a file system keeps back for the superuser: ENOSPC for others, while root goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rumpvfs.fs.ext2fs import FILE_SYSTEM as EXT2FS
from rumpvfs.fs.ext2fs.superblock import seal_raw
from rumpvfs.fs.ffs import FILE_SYSTEM as FFS
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs
from tests.unit.vfs.kit import Kit, MemoryFiles, fails, user

KINDS = {"ext2fs": EXT2FS, "ffs": FFS}
DISK, MNT = b"/dev/disk", b"/mnt"
SOMEBODY = user(1000)


@pytest.fixture(params=KINDS)
def k(request: pytest.FixtureRequest) -> Iterator[Kit]:
    kit = Kit(MemoryFiles(image=bytes(4 << 20)))
    kit.component.add_filesystem(KINDS[request.param])
    kit.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
    kit.newfs(request.param, DISK, {"minfree": "10"}, b"")
    kit.mkdir(MNT, 0o755)
    kit.mount(request.param, MNT, 0, DiskArgs(DISK))
    kit.chmod(MNT, 0o777)
    yield kit
    kit.component.stop()


def fill(k: Kit, path: bytes) -> None:
    fd = k.open(path, const.O_CREAT | const.O_WRONLY | const.O_APPEND, 0o666)
    try:
        while True:
            k.write(fd, bytes(20_000))
    except KernelError as error:
        if error.errno != Errno.ENOSPC:
            raise
    finally:
        k.close(fd)


def test_root_goes_on(k: Kit) -> None:
    with k.as_(SOMEBODY):
        fill(k, b"/mnt/theirs")
        left = k.statvfs1(MNT, 0)
        assert left.f_bavail * left.f_frsize < 16 << 10
        assert left.f_bfree > left.f_bresvd * 0.8
        with fails(Errno.ENOSPC):
            fd = k.open(b"/mnt/theirs", const.O_WRONLY | const.O_APPEND, None)
            k.write(fd, bytes(64 << 10))
    before = k.stat(b"/mnt/theirs").st_size
    fill(k, b"/mnt/theirs")  # not whose file it is counts, but who writes
    assert k.stat(b"/mnt/theirs").st_size > before + (200 << 10)
    left = k.statvfs1(MNT, 0)
    assert left.f_bfree * left.f_frsize < 32 << 10
    assert left.f_bavail == 0
    with k.as_(SOMEBODY):
        k.truncate(b"/mnt/theirs", 0)
        k.sync()
        fill(k, b"/mnt/again")
        assert k.stat(b"/mnt/again").st_size > 2 << 20


@pytest.mark.parametrize("k", ["ext2fs"], indirect=True)
def test_the_user_that_the_superblock_names_may_go_on(k: Kit) -> None:
    k.unmount(MNT, 0)
    image = k.files.files[b"image"]
    image[1024 + 0x50 : 1024 + 0x52] = (1000).to_bytes(2, "little")
    raw = bytearray(image[1024:2048])
    seal_raw(raw)
    image[1024:2048] = raw
    k.mount("ext2fs", MNT, 0, DiskArgs(DISK))
    with k.as_(SOMEBODY):
        fill(k, b"/mnt/theirs")
        left = k.statvfs1(MNT, 0)
        assert left.f_bfree * left.f_frsize < 32 << 10

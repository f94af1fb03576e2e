"""extattrctl and the extended attributes of UFS1, which are files beside the tree."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from rumpvfs.fs.ffs import FILE_SYSTEM as FFS
from rumpwire import const
from rumpwire.const import EXTATTR_NAMESPACE_SYSTEM as SYSTEM
from rumpwire.const import EXTATTR_NAMESPACE_USER as USER
from rumpwire.const import UFS_EXTATTR_CMD_DISABLE as DISABLE
from rumpwire.const import UFS_EXTATTR_CMD_ENABLE as ENABLE
from rumpwire.const import UFS_EXTATTR_CMD_START as START
from rumpwire.const import UFS_EXTATTR_CMD_STOP as STOP
from rumpwire.errno import Errno
from rumpwire.values import DiskArgs, OptionArgs
from tests.unit.vfs.ffs_check import check
from tests.unit.vfs.kit import Kit, MemoryFiles, fails, user

DISK, MNT = b"/dev/disk", b"/mnt"


@pytest.fixture(params=["le", "be"])
def k(request: pytest.FixtureRequest) -> Iterator[Kit]:
    kit = Kit(MemoryFiles(image=bytes(4 << 20)))
    kit.component.add_filesystem(FFS)
    kit.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
    kit.newfs("ffs", DISK, {"version": "1", "byteorder": request.param}, b"")
    kit.mkdir(MNT, 0o755)
    kit.mount("ffs", MNT, 0, DiskArgs(DISK))
    kit.put(b"/mnt/file", b"x")
    yield kit
    kit.unmount(MNT, 0)
    assert check(kit.files.files[b"image"]) == []
    kit.component.stop()


def make_folders(k: Kit) -> None:
    for name in (b"/mnt/.attribute", b"/mnt/.attribute/user", b"/mnt/.attribute/system"):
        k.mkdir(name, 0o700)


def test_started_with_the_directories(k: Kit) -> None:
    with fails(Errno.EOPNOTSUPP):
        k.setxattr(b"/mnt/file", b"user.x", b"1", 0)
    with fails(Errno.ENOENT):
        k.extattrctl(MNT, START, b"", 0, b"")
    make_folders(k)
    k.extattrctl(MNT, START, b"", 0, b"")
    with fails(Errno.EBUSY):
        k.extattrctl(MNT, START, b"", 0, b"")
    k.setxattr(b"/mnt/file", b"user.x", b"value", 0)
    k.extattr_set_file(b"/mnt/file", SYSTEM, b"y", b"other")
    k.setxattr(b"/mnt", b"user.x", b"", 0)
    assert k.getxattr(b"/mnt/file", b"user.x", 0) == b"value"
    assert k.getxattr(b"/mnt", b"user.x", 0) == b""
    assert k.listxattr(b"/mnt/file", 0) == [b"user.x", b"system.y"]
    assert k.ls(b"/mnt/.attribute/user") == [b".", b"..", b"x"]
    with fails(Errno.ENXIO):
        k.setxattr(b"/mnt/file", b"user.x", b"v" * 1025, 0)
    with fails(Errno.ENOATTR):
        k.setxattr(b"/mnt/file", b"trusted.x", b"v", 0)
    k.removexattr(b"/mnt/file", b"user.x")
    with fails(Errno.ENOATTR):
        k.getxattr(b"/mnt/file", b"user.x", 0)
    with fails(Errno.ENOATTR):
        k.removexattr(b"/mnt/file", b"user.x")
    k.extattrctl(MNT, STOP, b"", 0, b"")
    with fails(Errno.EOPNOTSUPP):
        k.listxattr(b"/mnt/file", 0)
    k.unmount(MNT, 0)
    k.mount("ffs", MNT, 0, OptionArgs(DISK, {"extattr": ""}))
    assert k.getxattr(b"/mnt/file", b"system.y", 0) == b"other"


def test_a_new_file_with_an_old_number_has_none(k: Kit) -> None:
    make_folders(k)
    k.extattrctl(MNT, START, b"", 0, b"")
    k.setxattr(b"/mnt/file", b"user.x", b"value", 0)
    number = k.stat(b"/mnt/file").st_ino
    k.unlink(b"/mnt/file")
    k.sync()
    for n in range(20):
        k.put(b"/mnt/new%d" % n)
        if k.stat(b"/mnt/new%d" % n).st_ino == number:
            break
    else:
        pytest.fail("the number does not come back")
    assert k.listxattr(b"/mnt/new%d" % n, 0) == []


def test_enabled_one_by_one(k: Kit) -> None:
    order = ">" if k.files.files[b"image"][8192 + 1372] == 0 else "<"
    k.put(b"/mnt/backing", struct.pack(order + "3I", 0x00B5D5EC, 3, 16))
    k.put(b"/mnt/old", struct.pack(order + "3I", 0x00B5D5EC, 2, 16))
    with fails(Errno.EOPNOTSUPP):
        k.extattrctl(MNT, ENABLE, b"/mnt/backing", USER, b"short")
    make_folders(k)
    k.extattrctl(MNT, START, b"", 0, b"")
    for file, name in ((b"/mnt/old", b"x"), (b"/mnt/file", b"x"), (b"/mnt", b"x"), (b"/mnt/backing", b"n" * 65)):
        with fails(Errno.EINVAL):
            k.extattrctl(MNT, ENABLE, file, USER, name)
    k.extattrctl(MNT, ENABLE, b"/mnt/backing", USER, b"short")
    with fails(Errno.EEXIST):
        k.extattrctl(MNT, ENABLE, b"/mnt/backing", USER, b"short")
    k.setxattr(b"/mnt/file", b"user.short", b"0123456789abcdef", 0)
    with fails(Errno.ENXIO):
        k.setxattr(b"/mnt/file", b"user.short", b"0123456789abcdefg", 0)
    k.unlink(b"/mnt/backing")  # it lasts as long as it is enabled
    k.sync()
    assert k.getxattr(b"/mnt/file", b"user.short", 0) == b"0123456789abcdef"
    k.extattrctl(MNT, DISABLE, b"", USER, b"short")
    with fails(Errno.ENOATTR):
        k.extattrctl(MNT, DISABLE, b"", USER, b"short")
    assert k.listxattr(b"/mnt/file", 0) == []


def test_refusals(k: Kit) -> None:
    with k.as_(user(5)), fails(Errno.EPERM):
        k.extattrctl(MNT, START, b"", 0, b"")
    with fails(Errno.EOPNOTSUPP):
        k.extattrctl(b"/", START, b"", 0, b"")
    with fails(Errno.EXDEV):
        k.extattrctl(MNT, ENABLE, b"/tmp", USER, b"x")
    for cmd, file, name in (
        (START, b"/mnt/file", b""), (STOP, b"", b"x"), (ENABLE, b"", b"x"), (ENABLE, b"/mnt/file", b""), (9, b"", b""),
    ):  # fmt: skip
        with fails(Errno.EINVAL):
            k.extattrctl(MNT, cmd, file, USER, name)
    with fails(Errno.EINVAL):
        k.extattrctl(MNT, DISABLE, b"", 7, b"x")

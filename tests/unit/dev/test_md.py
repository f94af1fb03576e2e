"""Memory disks, and the memory behind them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.hostfiles import SystemFiles
from rumpuser.memfile import MemFile
from rumpwire import const
from rumpwire.values import IoctlArgsInteger, SysctlValueInteger, SysctlValueText
from tests.unit.dev.kit import Kit, fails

KIB = 1024
BLOCK = const.makedev(const.MAJOR_MD_BLK, 3)


@pytest.fixture
def d() -> Kit:
    kit = Kit()
    kit("md_create", 0, 64 * KIB)
    return kit


def test_what_is_written_is_read(d: Kit) -> None:
    s = d.md()
    assert bytes(d("pread", s, 4, 0)) == bytes(4)
    assert d("pwrite", s, b"abc", 511) == 3
    assert bytes(d("pread", s, 5, 510)) == b"\0abc\0"
    assert d("write", s, b"first") == 5
    assert d("write", s, b"second") == 6
    assert d("lseek", s, 0, const.SEEK_SET) == 0
    assert bytes(d("readv", s, [5, 6])) == b"firstsecond"
    assert d("lseek", s, -3, const.SEEK_CUR) == 8
    assert d("fsync", s) is None
    assert bytes(d("pread", d.md(block=False), 512, 0))[:5] == b"first"


def test_the_end(d: Kit) -> None:
    s = d.md()
    assert d("lseek", s, -2, const.SEEK_END) == 64 * KIB - 2
    assert len(d("read", s, 100)) == 2
    assert d("read", s, 100) == b""
    assert d("pread", s, 1, 1 << 62) == b""
    assert fails(d, "write", s, b"x") == "ENOSPC"
    assert fails(d, "pwrite", s, b"xy", 64 * KIB - 1) == "ENOSPC"
    assert fails(d, "lseek", s, -1, const.SEEK_SET) == "EINVAL"
    assert fails(d, "pread", s, 1, -1) == "EINVAL"


def test_raw_disks_want_whole_sectors(d: Kit) -> None:
    s = d.md(block=False)
    assert d("pwrite", s, bytes(1024), 512) == 1024
    assert len(d("pread", s, 512, 1024)) == 512
    odd = (("pread", 100, 0), ("pread", 512, 1), ("pwrite", b"x", 0), ("pwrite", bytes(512), 3), ("read", 3))
    for call, *args in odd:
        assert fails(d, call, s, *args) == "EINVAL"


def test_sizes(d: Kit) -> None:
    s = d.md()
    assert d("ioctl", s, const.DIOCGMEDIASIZE, None).data == IoctlArgsInteger(64 * KIB)
    assert d("ioctl", s, const.DIOCGSECTORSIZE, None).data == IoctlArgsInteger(512)
    assert d("ioctl", s, const.FIONREAD, None).data == IoctlArgsInteger(64 * KIB)
    assert fails(d, "ioctl", s, 0x1234, None) == "ENOTTY"
    stat = d("fstat", s)
    assert (stat.st_mode & const.S_IFMT, stat.st_rdev, stat.st_size) == (const.S_IFBLK, BLOCK, 64 * KIB)


def test_others_map_it(d: Kit) -> None:
    hostpath, size, _, _ = d("dev_map", BLOCK)
    assert size == 64 * KIB
    file = SystemFiles().open(hostpath, write=True)
    s = d.md()
    d("pwrite", s, b"from dev", 4096)
    assert bytes(file.view(4096, 8)) == b"from dev"
    file.write(8192, b"from elsewhere")
    assert bytes(d("pread", s, 14, 8192)) == b"from elsewhere"
    d("close", s)
    d("md_destroy", 0)
    assert bytes(file.view(8192, 14)) == b"from elsewhere", "it lives while somebody has it"
    file.close()


@pytest.mark.parametrize(
    ("unit", "size", "errno"),
    [(0, 512, "EEXIST"), (1, 0, "EINVAL"), (1, 511, "EINVAL"), (256, 512, "EINVAL"), (1, 1 << 62, "ENOMEM")],
)
def test_what_cannot_be_made(d: Kit, unit: int, size: int, errno: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    assert fails(d, "md_create", unit, size) == errno
    assert len(os.listdir("/proc/self/fd")) <= before


def test_the_limit_of_memory() -> None:
    d = Kit(memlimit=100 * KIB)
    d("md_create", 0, 60 * KIB)
    assert fails(d, "md_create", 1, 60 * KIB) == "ENOMEM"
    d("md_destroy", 0)
    d("md_create", 1, 60 * KIB)


def test_destroying(d: Kit) -> None:
    s = d.md()
    assert fails(d, "md_destroy", 0) == "EBUSY"
    d("close", s)
    d("md_destroy", 0)
    assert fails(d, "md_destroy", 0) == "ENXIO"
    assert fails(d.md) == "ENXIO"
    assert fails(d, "dev_map", BLOCK) == "ENXIO"
    assert fails(d, "dev_map", const.makedev(2, 2)) == "ENXIO"


def test_root_alone(d: Kit) -> None:
    assert fails(d.user, "md_create", 1, 512) == "EPERM"
    assert fails(d.user, "md_destroy", 0) == "EPERM"


def test_partitions(d: Kit) -> None:
    d("md_create", 5, 512)
    for minor in (0, 3, 80, 83):
        d.open(const.MAJOR_MD_BLK, minor, block=True)
    for minor in (1, 15, 16, 81):
        assert fails(lambda m: d.open(const.MAJOR_MD_BLK, m, block=True), minor) == "ENXIO"


def test_as_a_module(d: Kit) -> None:
    assert [m.name for m in d("module_list")] == ["rnd", "drvctl", "pty", "md", "vnd", "cgd", "raid"]
    assert fails(d, "module_unload", "md") == "EBUSY"
    d("md_destroy", 0)
    d("module_unload", "md")
    assert fails(d, "md_create", 0, 512) == "ENOSYS"
    d("module_load", "md", {})
    d("md_create", 0, 512)


def test_names_of_disks(d: Kit) -> None:
    assert d("sysctl_value", "hw.disknames", None) == SysctlValueText("md0")
    d("md_create", 2, 512)
    assert d("sysctl_value", "hw.disknames", None) == SysctlValueText("md0 md2")
    assert fails(d, "sysctl_value", "hw.disknames", SysctlValueInteger(1)) == "EPERM"
    assert fails(d, "sysctl_value", "hw.nope", None) == "ENOENT"
    node = next(node for node in d("sysctl_export") if node.path == "hw.disknames")
    assert (node.path, list(node.number)) == ("hw.disknames", [6, 8])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=600), st.booleans()), max_size=20))
def test_beside_a_bytearray(writes: list[tuple[int, bytes, bool]]) -> None:
    d = Kit()
    d("md_create", 0, 3072)
    s, raw, model = d.md(), d.md(block=False), bytearray(3072)
    for offset, data, aligned in writes:
        if aligned:
            offset, data = offset // 512 * 512, data.ljust(1024, b".")[: len(data) // 512 * 512]
        handle = raw if aligned else s
        if offset + len(data) > 3072:
            assert fails(d, "pwrite", handle, data, offset) == "ENOSPC"
        else:
            assert d("pwrite", handle, data, offset) == len(data)
            model[offset : offset + len(data)] = data
    assert bytes(d("pread", s, 4000, 0)) == model
    d("close", s)
    d("close", raw)
    d("md_destroy", 0)


# -- the memory itself


def test_memory_files() -> None:
    file = MemFile(1000)
    assert file.write(990, b"0123456789") == 10
    view = file.view(995, 100)
    assert bytes(view) == b"56789"
    assert view.readonly
    for call, *args in ((file.view, -1, 1), (file.view, 0, -1), (file.truncate, 5), (MemFile, 0)):
        assert fails(call, *args) == "EINVAL"
    assert fails(file.write, 999, b"xx") == "ENOSPC"
    assert fails(file.write, -1, b"x") == "ENOSPC"
    file.truncate(1000)
    file.sync()
    file.close()
    file.close()
    assert bytes(view) == b"56789", "views outlive the file"
    assert bytes(file.view(0, 5)) == b""

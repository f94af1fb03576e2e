"""null, zero, full, random, and what all devices have alike."""

from __future__ import annotations

import pytest

from rumpwire import const
from rumpwire.values import FcntlResult, IoctlArgsInteger
from tests.unit.dev.kit import Kit, fails

NULL, ZERO, FULL = ((const.MAJOR_NULL, minor) for minor in (2, 12, 11))
RANDOM, URANDOM = ((const.MAJOR_RND, minor) for minor in (0, 1))
MIB = 1 << 20


@pytest.fixture
def d() -> Kit:
    return Kit()


def test_null(d: Kit) -> None:
    s = d.open(*NULL)
    assert d("read", s, 100) == b""
    assert d("write", s, bytes(MIB)) == MIB
    assert d("writev", s, [b"ab", b"c"]) == 3
    assert d("ioctl", s, const.FIONREAD, None).data == IoctlArgsInteger(0)


def test_zero(d: Kit) -> None:
    s = d.open(*ZERO)
    assert bytes(d("read", s, 5)) == bytes(5)
    assert bytes(d("readv", s, [3, 4])) == bytes(7)
    assert bytes(d("pread", s, 3, 1 << 60)) == bytes(3)
    assert len(d("read", s, 1 << 60)) == MIB
    assert d("write", s, b"abc") == 3


def test_zeros_cannot_be_changed(d: Kit) -> None:
    with pytest.raises(TypeError):
        d("read", d.open(*ZERO), 5)[0] = 1


def test_full(d: Kit) -> None:
    s = d.open(*FULL)
    assert bytes(d("read", s, 5)) == bytes(5)
    assert fails(d, "write", s, b"x") == "ENOSPC"
    assert d("write", s, b"") == 0


@pytest.mark.parametrize("device", [RANDOM, URANDOM])
def test_random(d: Kit, device: tuple[int, int]) -> None:
    s = d.open(*device)
    one, two = d("read", s, 32), d("read", s, 32)
    assert len(one) == len(two) == 32
    assert one != two
    assert len(d("read", s, 1 << 40)) == MIB
    assert d("write", s, b"seed") == 4


@pytest.mark.parametrize(
    ("block", "major", "minor"),
    [
        (False, 2, 0),
        (True, 2, 2),
        (False, 46, 2),
        (False, 99, 0),
        (True, 17, 3),
        (False, 24, 3),
        (False, 4095, 1 << 19),
    ],
)
def test_no_such_device(d: Kit, block: bool, major: int, minor: int) -> None:
    assert fails(d, "dev_open", block, const.makedev(major, minor), 0) == "ENXIO"


def test_access_modes(d: Kit) -> None:
    assert fails(d, "write", d.open(*NULL, const.O_RDONLY), b"x") == "EBADF"
    assert fails(d, "pwrite", d.open(*NULL, const.O_RDONLY), b"x", 0) == "EBADF"
    assert fails(d, "read", d.open(*NULL, const.O_WRONLY), 1) == "EBADF"
    assert fails(d, "pread", d.open(*NULL, const.O_WRONLY), 1, 0) == "EBADF"


def test_streams_stay_at_offset_0(d: Kit) -> None:
    s = d.open(*ZERO)
    d("read", s, 10)
    for whence in (const.SEEK_SET, const.SEEK_CUR, const.SEEK_END):
        assert d("lseek", s, 100, whence) == 0
    assert fails(d, "lseek", s, 0, 9) == "EINVAL"


def test_handles(d: Kit) -> None:
    s = d.open(*NULL)
    d("close", s)
    assert d.open(*NULL) != s
    calls = (("read", 1), ("write", b""), ("lseek", 0, 0), ("fstat",), ("close",), ("fsync",), ("pread", 1, 0))
    for name, *args in calls:
        assert fails(d, name, s, *args) == "EBADF"


def test_control(d: Kit) -> None:
    s = d.open(*URANDOM, const.O_RDONLY | const.O_NONBLOCK)
    assert d("fcntl", s, const.F_GETFL, None, None) == FcntlResult(const.O_NONBLOCK)
    d("fcntl", s, const.F_SETFL, 0, None)
    assert d("fcntl", s, const.F_GETFL, None, None) == FcntlResult(0)
    d("ioctl", s, const.FIONBIO, IoctlArgsInteger(1))
    assert d("fcntl", s, const.F_GETFL, None, None) == FcntlResult(const.O_NONBLOCK)
    assert fails(d, "fcntl", s, const.F_GETLK, None, None) == "EINVAL"
    assert fails(d, "ioctl", s, const.DIOCGMEDIASIZE, None) == "ENOTTY"
    assert d("fsync", s) is None
    st = d("fstat", s)
    assert (st.st_mode & const.S_IFMT, st.st_rdev) == (const.S_IFCHR, const.makedev(46, 1))


def test_vectors_that_are_too_long(d: Kit) -> None:
    s = d.open(*NULL)
    assert fails(d, "readv", s, [1] * 1025) == "EINVAL"
    assert fails(d, "readv", s, [1 << 63, 1]) == "EINVAL"
    assert fails(d, "writev", s, [b"x"] * 1025) == "EINVAL"
    assert fails(d, "preadv", s, [1], -1) == "EINVAL"


def test_the_list_of_drivers(d: Kit) -> None:
    rows = {row.name: row for row in d("dev_list")}
    assert rows["mem"].units == ["null", "full", "zero"]
    assert (rows["mem"].bmajor, rows["mem"].cmajor) == (-1, 2)
    assert (rows["md"].bmajor, rows["md"].cmajor, rows["md"].units) == (17, 24, [])
    assert rows["rnd"].cmajor == 46


def test_rnd_as_a_module(d: Kit) -> None:
    s = d.open(*URANDOM)
    assert fails(d, "module_unload", "rnd") == "EBUSY"
    d("close", s)
    d("module_unload", "rnd")
    assert fails(d.open, *URANDOM) == "ENXIO"
    d("module_load", "rnd", {})
    assert fails(d, "module_load", "rnd", {}) == "EEXIST"
    d.open(*URANDOM)


def test_stop_closes_everything(d: Kit) -> None:
    s = d.open(*NULL)
    d.component.stop()
    assert fails(d, "read", s, 1) == "EBADF"

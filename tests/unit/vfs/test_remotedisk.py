"""Disks without a mapping: the cache against a plain disk, and what goes wrong in dev."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.component import Component, Context, Entry
from rumpuser.host import ManualHost
from rumpvfs.core.gates import Gates
from rumpvfs.core.remotedisk import PIECE, PIECES, RemoteDisk
from rumpwire.errno import Errno, KernelError
from tests.unit.vfs.kit import FakeBus

SIZE = 5 * PIECE + 700


class DiskDev(Component):
    """A dev with one disk."""

    name = "dev"

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.data = bytearray(size)
        self.asked: list[tuple[int, int]] = []
        self.most = 1 << 20
        self.error: Errno | None = None
        rows = {"pread": self.pread, "pwrite": self.pwrite, "fsync": self.nothing, "close": self.nothing}
        self.table.update({name: Entry(handler) for name, handler in rows.items()})

    def pread(self, ctx: Context, fd: int, nbyte: int, offset: int) -> bytes:
        self._check()
        self.asked.append((offset, nbyte))
        return bytes(self.data[offset : offset + min(nbyte, self.most)])

    def pwrite(self, ctx: Context, fd: int, data: bytes, offset: int) -> int:
        self._check()
        part = bytes(data)[: self.most]
        self.data[offset : offset + len(part)] = part
        return len(part)

    def nothing(self, ctx: Context, fd: int) -> None:
        self._check()

    def _check(self) -> None:
        if self.error is not None:
            raise KernelError(self.error)


def make(size: int = SIZE, **options: Any) -> tuple[DiskDev, RemoteDisk]:
    bus, dev = FakeBus(), DiskDev(size)
    bus.peers["dev"] = dev
    return dev, RemoteDisk(Gates(ManualHost(), bus).ask, 1, "disk", size, **{"readonly": False, **options})


def ranges() -> Any:
    return st.tuples(st.integers(0, SIZE), st.integers(0, 3 * PIECE))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["view", "write"]), ranges(), st.integers(0, 255)), max_size=15),
    st.sampled_from([1 << 20, PIECE - 1, 5000]),
)
def test_it_is_like_a_disk(steps: list[tuple[str, tuple[int, int], int]], most: int) -> None:
    dev, disk = make()
    dev.most = most
    model = bytearray(SIZE)
    for what, (offset, length), value in steps:
        length = min(length, SIZE - offset)
        if what == "write":
            data = bytes([value]) * length
            disk.write(offset, data)
            model[offset : offset + length] = data
        assert disk.view(offset, length) == model[offset : offset + length]
    assert dev.data == model
    assert disk.view(0, SIZE) == model


def test_the_end() -> None:
    _, disk = make()
    for offset, length in ((SIZE, 1), (0, SIZE + 1), (-1, 1), (0, -1)):
        with pytest.raises(KernelError):
            disk.view(offset, length)
    with pytest.raises(KernelError):
        disk.write(SIZE - 1, b"xy")
    assert disk.view(SIZE, 0) == b""


def test_what_is_known_is_not_asked_for() -> None:
    dev, disk = make()
    disk.view(100, 10)
    disk.view(200, 5000)
    assert dev.asked == [(0, PIECE)]
    disk.write(150, b"x" * 100)
    assert disk.view(140, 20) == bytes(10) + b"x" * 10
    assert dev.asked == [(0, PIECE)]


def test_reading_on_fetches_more_at_once() -> None:
    dev, disk = make(64 * PIECE)
    for index in range(64):
        disk.view(index * PIECE, PIECE)
    assert [length // PIECE for _, length in dev.asked] == [1, 2, 4, 8, 16, 16, 16, 1]
    assert sum(length for _, length in dev.asked) == 64 * PIECE


def test_the_cache_is_bounded() -> None:
    size = (PIECES + 50) * PIECE
    _, disk = make(size)
    disk.view(0, size)
    assert len(disk._pieces) == PIECES


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (Errno.ENOTCONN, "EIO"),
        (Errno.EBADF, "EIO"),
        (Errno.EDEADLK, "EIO"),
        (Errno.EIO, "EIO"),
        (Errno.ENOSPC, "ENOSPC"),
        (Errno.EROFS, "EROFS"),
    ],
)
def test_what_dev_says(raised: Errno, seen: str) -> None:
    dev, disk = make()
    dev.error = raised
    for access in (lambda: disk.view(0, 1), lambda: disk.write(0, b"x"), disk.flush):
        with pytest.raises(KernelError) as caught:
            access()
        assert caught.value.name == seen
    dev.error = None
    assert disk.view(0, 1) == b"\0", "it may come back"


def test_a_dev_that_hung_is_not_asked_again() -> None:
    dev, disk = make()
    dev.error = Errno.ETIMEDOUT
    with pytest.raises(KernelError):
        disk.write(0, b"x")
    dev.error = None
    with pytest.raises(KernelError) as caught:
        disk.view(0, 1)
    assert caught.value.name == "EIO"
    disk.close()


def test_after_a_write_that_failed_the_disk_is_asked() -> None:
    dev, disk = make()
    disk.view(0, 1)
    dev.error = Errno.EIO
    with pytest.raises(KernelError):
        disk.write(0, b"x")
    dev.error = None
    dev.data[0] = 9
    assert disk.view(0, 1) == b"\x09"


def test_read_only() -> None:
    dev, disk = make(readonly=True)
    with pytest.raises(KernelError) as caught:
        disk.write(0, b"x")
    assert caught.value.name == "EROFS"
    dev.error = Errno.EIO
    disk.flush()


def test_closing() -> None:
    dev, disk = make()
    told: list[int] = []
    disk.when_closed(lambda: told.append(1))
    dev.error = Errno.ENOTCONN
    disk.close()
    assert told == [1]

"""Reads of more than a message holds: in order, a few asked for ahead where the kernel is on another host."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import rump
from rump._connection import CHUNK
from rump._sys import AHEAD, Sys
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Stat
from tests.unit.sdk.fakes import FakeConnection


class Far(FakeConnection):
    """A kernel on another host that has a file; what is asked is done in the order of asking."""

    def __init__(self, data: bytes, *, mode: int = stat.S_IFREG, broken: int | None = None) -> None:
        super().__init__({"fstat": Stat(st_mode=mode), "read": self.read, "pread": self.pread}, same_host=False)
        self.data = data
        self.offset = 0
        self.broken = broken
        self.under_way = self.most = 0

    def read(self, fd: int, nbyte: int) -> bytes:
        found = self.pread(fd, nbyte, self.offset)
        self.offset += len(found)
        return found

    def pread(self, fd: int, nbyte: int, offset: int) -> bytes:
        if self.broken is not None and offset <= self.broken < offset + nbyte:
            raise KernelError(Errno.EIO)
        return self.data[offset : offset + nbyte]

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        outcomes = self.run(steps, keep_going)
        self.under_way += 1
        self.most = max(self.most, self.under_way)

        def collect() -> list[Any]:
            self.under_way -= 1
            return outcomes

        return collect


DATA = b"".join(number.to_bytes(4, "little") for number in range((6 * CHUNK + 100) // 4))


@pytest.mark.parametrize("wanted", [CHUNK + 1, 3 * CHUNK, 6 * CHUNK + 100, 9 * CHUNK])
def test_pieces_come_together_in_order(wanted: int) -> None:
    far = Far(DATA)
    assert Sys(far).read(3, wanted) == DATA[:wanted]
    assert far.most == min(AHEAD, -(-wanted // CHUNK))
    assert Sys(far).read(3, wanted) == DATA[wanted : 2 * wanted], "the offset is where the last read ended"
    assert Sys(far).pread(3, wanted, 77) == DATA[77 : 77 + wanted]


def test_a_failure_ends_what_was_read_before_it() -> None:
    far = Far(DATA, broken=2 * CHUNK + 5)
    assert Sys(far).read(3, 6 * CHUNK) == DATA[: 2 * CHUNK]
    assert Sys(far).pread(3, 6 * CHUNK, 5) == DATA[5 : 5 + 2 * CHUNK]
    far = Far(DATA, broken=0)
    with pytest.raises(rump.RumpError) as caught:
        Sys(far).read(3, 2 * CHUNK)
    assert caught.value.errno == errno.EIO


def test_what_could_wait_is_not_read_on() -> None:
    far = Far(DATA, mode=stat.S_IFIFO)
    assert Sys(far).read(3, 5 * CHUNK) == DATA[:CHUNK]
    assert [name for name, _ in far.asked] == ["fstat", "read"]


def test_a_lost_connection_is_told_as_it_is() -> None:
    far = Far(DATA)

    def lost(steps: Sequence[Step], keep_going: bool) -> Any:
        raise KernelError(Errno.ENOTCONN, "gone", "connection")

    far.post = lost  # type: ignore[method-assign]
    with pytest.raises(rump.RumpError) as caught:
        Sys(far).read(3, 2 * CHUNK)
    assert caught.value.errno == errno.ENOTCONN

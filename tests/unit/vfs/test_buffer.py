"""The buffer cache: what is dirty is seen, written once, in order, and not lost by a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpuser.host import Buffer, ManualHost
from rumpvfs.core.buffer import BufferCache
from rumpvfs.core.questions import Questions
from rumpvfs.core.state import Environment
from rumpwire.errno import Errno, KernelError

BLOCK = 16
COUNT = 12


class RecordedDisk:
    """A device in memory that notes its writes and fails those beyond ``room``."""

    name = "disk"

    def __init__(self, *, readonly: bool = False) -> None:
        self.data = bytearray(range(BLOCK * COUNT % 256)) + bytearray(BLOCK * COUNT - BLOCK * COUNT % 256)
        self.size = BLOCK * COUNT
        self.readonly = readonly
        self.writes: list[tuple[int, int]] = []
        self.flushes = 0
        self.room = 1 << 30

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.data)[offset : offset + length].toreadonly()

    def write(self, offset: int, data: Buffer) -> None:
        if len(self.writes) >= self.room:
            raise KernelError(Errno.EIO)
        self.writes.append((offset, len(data)))
        self.data[offset : offset + len(data)] = data

    def flush(self) -> None:
        self.flushes += 1

    def close(self) -> None: ...


def test_nothing_is_written_before_it_is_asked_for() -> None:
    disk = RecordedDisk()
    cache = BufferCache(disk, BLOCK)
    cache.modify(3)[:2] = b"hi"
    assert bytes(cache.block(3)[:2]) == b"hi"
    assert not disk.writes
    cache.flush()
    assert disk.writes == [(3 * BLOCK, BLOCK)]
    assert disk.flushes == 1
    assert disk.data[3 * BLOCK : 3 * BLOCK + 2] == b"hi"
    assert not cache.dirty


def test_adjacent_blocks_are_one_write_in_order() -> None:
    disk = RecordedDisk()
    cache = BufferCache(disk, BLOCK, origin=BLOCK)
    for number in (7, 2, 3, 1):
        cache.fresh(number)
    cache.write_back()
    assert disk.writes == [(2 * BLOCK, 3 * BLOCK), (8 * BLOCK, BLOCK)]


def test_a_failure_loses_nothing() -> None:
    disk = RecordedDisk()
    disk.room = 1
    cache = BufferCache(disk, BLOCK)
    for number in (1, 5):
        cache.modify(number)[:] = b"x" * BLOCK
    with pytest.raises(KernelError) as caught:
        cache.flush()
    assert caught.value.errno == Errno.EIO
    assert list(cache.dirty) == [5]
    assert disk.flushes == 0
    disk.room = 9
    cache.flush()
    assert disk.data[5 * BLOCK : 6 * BLOCK] == b"x" * BLOCK


def test_limits() -> None:
    cache = BufferCache(RecordedDisk(), BLOCK, limit=2 * BLOCK)
    cache.fresh(0)
    cache.fresh(1)
    assert not cache.over
    cache.fresh(2)
    assert cache.over
    for number in (-1, COUNT):
        with pytest.raises(KernelError):
            cache.block(number)
    with pytest.raises(KernelError) as caught:
        BufferCache(RecordedDisk(readonly=True), BLOCK).modify(0)
    assert caught.value.errno == Errno.EROFS


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["modify", "fresh", "forget", "write_back"]), st.integers(0, COUNT - 1), st.integers(1, 255)
        )
    )
)
def test_is_a_disk_with_a_memory(steps: list[tuple[str, int, int]]) -> None:
    disk = RecordedDisk()
    cache = BufferCache(disk, BLOCK)
    stable = [bytes(disk.view(n * BLOCK, BLOCK)) for n in range(COUNT)]
    now = list(stable)
    for action, number, value in steps:
        if action == "modify":
            cache.modify(number)[0] = value
            now[number] = bytes([value]) + now[number][1:]
        elif action == "fresh":
            cache.fresh(number)[0] = value
            now[number] = bytes([value]).ljust(BLOCK, b"\0")
        elif action == "forget":
            cache.forget(number, 2)
            now[number : number + 2] = stable[number : number + 2]
        else:
            cache.write_back()
            stable = list(now)
        assert [bytes(cache.block(n)) for n in range(COUNT)] == now
        assert [bytes(disk.view(n * BLOCK, BLOCK)) for n in range(COUNT)] == stable


def test_what_is_dirty_is_memory_of_the_kernel() -> None:
    left = 3 * BLOCK

    def reserve(size: int) -> bool:
        nonlocal left
        if size > left:
            return False
        left -= size
        return True

    cache = BufferCache(RecordedDisk(), BLOCK, reserve=reserve)
    for number in range(3):
        cache.modify(number)
        assert not cache.over
    assert left == 0
    cache.modify(3)
    assert cache.over
    cache.write_back()
    assert left == 3 * BLOCK
    assert not cache.over


def test_dirty_blocks_are_counted_and_bounded() -> None:
    env = Environment(ManualHost(), None, Questions({}))  # type: ignore[arg-type]
    env.bufmem_hiwater = 3 * BLOCK
    one, two = (BufferCache(RecordedDisk(), BLOCK, reserve=env.reserve_buffers) for _ in range(2))
    for number in range(2):
        one.modify(number)
    assert not one.over
    assert (env.buffered, env.used) == (2 * BLOCK, 2 * BLOCK)
    for number in range(2):
        two.modify(number)
    assert two.over
    env.bufmem_hiwater = 4 * BLOCK
    assert not two.over
    one.write_back()
    two.write_back()
    assert (env.buffered, env.used) == (0, 0)

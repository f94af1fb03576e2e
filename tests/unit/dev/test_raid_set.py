"""RAID sets against a plain disk, with failures, rebuilds and repairs in between."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpdev.core.storage import Storage
from rumpdev.drivers.raid_assembly import Assembly, Member
from rumpdev.drivers.raid_label import DATA, OFFSET, Label, read_label
from rumpdev.drivers.raid_set import Component, Geometry, RaidSet
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

UNIT = 1024
STRIPES = 5


class Memory(Storage):
    """A disk that can be told to fail, at once or after so many accesses."""

    def __init__(self, size: int = DATA + STRIPES * UNIT) -> None:
        self.data = bytearray(size)
        self.size = size
        self.left: int | None = None

    def _access(self) -> None:
        if self.left is not None:
            if not self.left:
                raise KernelError(Errno.EIO, "broken")
            self.left -= 1

    def read(self, offset: int, length: int) -> Buffer:
        self._access()
        assert offset + length <= self.size
        return bytes(self.data[offset : offset + length])

    def write(self, offset: int, data: Buffer) -> None:
        self._access()
        assert offset + len(data) <= self.size
        self.data[offset : offset + len(data)] = data


def make(level: int, columns: int) -> RaidSet:
    geometry = Geometry(level, columns, UNIT, STRIPES)
    geometry.check()
    components = [Component(b"%d" % number, Memory(), STRIPES) for number in range(columns)]
    return RaidSet(geometry, components, align=512, clean=False)


def writes(size: int) -> Any:
    return st.tuples(st.just("write"), st.integers(0, size - 1), st.integers(1, 5 * UNIT), st.integers(1, 255))


def operations(size: int, columns: int) -> Any:
    column = st.integers(0, columns - 1)
    return st.lists(
        st.one_of(
            writes(size),
            writes(size),
            st.tuples(st.just("fail"), column),
            st.tuples(st.just("break"), column, st.integers(0, 6)),
            st.tuples(st.just("replace"), column),
            st.tuples(st.just("rebuild"), st.integers(1, STRIPES)),
            st.tuples(st.just("repair")),
        ),
        max_size=25,
    )


def whole(raid: RaidSet) -> bool:
    return all(c.storage is not None and c.done == STRIPES and c.storage.left is None for c in raid.components)


class Run:
    """A set and the disk that it should be like."""

    def __init__(self, raid: RaidSet) -> None:
        self.raid = raid
        self.model = bytearray(raid.size)

    def write(self, offset: int, length: int, value: int) -> None:
        data = bytes((value + i) % 256 for i in range(min(length, self.raid.size - offset)))
        self.raid.write(offset, data)
        self.model[offset : offset + len(data)] = data

    def fail(self, column: int) -> None:
        """Not while another one is about to break."""
        others = [c.storage for number, c in enumerate(self.raid.components) if number != column]
        if all(storage is None or storage.left is None for storage in others):
            self.raid.fail(column)

    def break_(self, column: int, after: int) -> None:
        """The disk of a component breaks, when nothing else is missing or about to be."""
        component = self.raid.components[column]
        if whole(self.raid):
            component.storage.left = after

    def replace(self, column: int) -> None:
        if self.raid.components[column].storage is None:
            self.raid.components[column] = Component(b"new", Memory(), 0)

    def rebuild(self, stripes: int) -> None:
        for column, component in enumerate(self.raid.components):
            for _ in range(stripes):
                if component.storage is not None and component.done < STRIPES:
                    self.raid.rebuild_stripe(column, component.done)

    def repair(self) -> None:
        if whole(self.raid):
            assert all(self.raid.parity_right(stripe, repair=False) for stripe in range(STRIPES))

    def check(self) -> None:
        assert self.raid.read(0, self.raid.size) == bytes(self.model)


def play(raid: RaidSet, steps: list[tuple[Any, ...]]) -> None:
    run = Run(raid)
    for name, *args in steps:
        getattr(run, "break_" if name == "break" else name)(*args)
        run.check()


@settings(max_examples=150, deadline=None)
@given(operations(STRIPES * UNIT * 3, 4))
def test_level_5_is_like_a_disk(steps: list[tuple[Any, ...]]) -> None:
    play(make(5, 4), steps)


@settings(max_examples=60, deadline=None)
@given(operations(STRIPES * UNIT, 2))
def test_level_1_is_like_a_disk(steps: list[tuple[Any, ...]]) -> None:
    play(make(1, 2), steps)


@settings(max_examples=30, deadline=None)
@given(st.lists(writes(STRIPES * UNIT * 3), max_size=10))
def test_level_0_is_like_a_disk(steps: list[tuple[Any, ...]]) -> None:
    play(make(0, 3), steps)


def test_wrong_parity_is_found_and_repaired() -> None:
    raid = make(5, 3)
    raid.write(0, bytes(range(256)) * (raid.size // 256))
    storage = raid.components[raid.geometry.parity(2)].storage
    assert isinstance(storage, Memory)
    storage.data[DATA + 2 * UNIT] ^= 1
    assert [raid.parity_right(stripe, repair=False) for stripe in range(STRIPES)] == [True, True, False, True, True]
    assert not raid.parity_right(2, repair=True)
    assert raid.parity_right(2, repair=False)


def test_too_much_is_gone() -> None:
    raid = make(5, 3)
    told: list[int] = []
    raid.failed = told.append
    assert raid.fail(0)
    assert not raid.fail(1)
    assert told == [0]
    for number in (1, 2):
        storage = raid.components[number].storage
        assert isinstance(storage, Memory)
        storage.left = 0
    with pytest.raises(KernelError) as caught:
        raid.read(0, raid.size)
    assert caught.value.name == "EIO"
    with pytest.raises(KernelError):
        raid.write(0, bytes(UNIT))


# -- labels


def assemble(level: int, disks: list[Memory | None], spares: list[Memory] | None = None) -> Assembly:
    members = [Member(b"%d" % number, disk) for number, disk in enumerate(disks)]
    return Assembly(level, UNIT // 512, members, [Member(b"s%d" % i, disk) for i, disk in enumerate(spares or [])])


def labelled(counters: list[int], present: int = 7) -> list[Memory]:
    disks = [Memory() for _ in counters]
    for column, (disk, counter) in enumerate(zip(disks, counters, strict=True)):
        label = Label(99, counter, 5, 3, column, UNIT // 512, STRIPES, 1, present)
        disk.write(OFFSET, label.emit())
    return disks


def lost(raid: RaidSet) -> list[int]:
    return [column for column, component in enumerate(raid.components) if component.storage is None]


def test_a_component_that_missed_a_change_is_left_out() -> None:
    assert lost(assemble(5, list(labelled([7, 7, 7]))).again()[0]) == []
    assert lost(assemble(5, list(labelled([7, 5, 7]))).again()[0]) == [1]
    assert lost(assemble(5, list(labelled([7, 6, 7], present=5))).again()[0]) == [1]


def test_a_kernel_that_ended_between_two_labels_loses_nothing() -> None:
    assert lost(assemble(5, list(labelled([8, 7, 7]))).again()[0]) == []


def test_labels_that_do_not_fit() -> None:
    disks: list[Memory | None] = list(labelled([7, 7, 7]))
    twice = labelled([7, 7, 7])[0]
    for wrong in ([twice, disks[0], disks[2]], [Memory(), Memory(), Memory()], disks[:2], [*disks, Memory()]):
        with pytest.raises(KernelError) as caught:
            assemble(5, wrong).again()
        assert caught.value.name == "EINVAL"
    with pytest.raises(KernelError) as caught:
        assemble(5, [disks[0], None, None]).again()
    assert caught.value.name == "EIO"
    assert lost(assemble(5, [disks[0], Memory(), disks[2]]).again()[0]) == [1], "an empty disk in the place of one"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_are_too_odd_for_a_label(data: bytes) -> None:
    disk = Memory()
    disk.write(OFFSET, data)
    assert read_label(disk) is None


@pytest.mark.parametrize(("level", "columns"), [(0, 1), (1, 3), (5, 2), (4, 3)])
def test_shapes_that_there_are_not(level: int, columns: int) -> None:
    with pytest.raises(KernelError) as caught:
        make(level, columns)
    assert caught.value.name == "EINVAL"

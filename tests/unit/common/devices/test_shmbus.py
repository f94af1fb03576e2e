"""The bus in a file: frames between members, members that come, go and die, and files that lie."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.devices.bell import bell_path
from rumpuser.devices.port import FRAME_MAX, PLAIN, Offload
from rumpuser.devices.shmbus import PAGE, RING, SLOTS, ShmBus
from rumpwire.errno import KernelError

A, B, C = (bytes([2, 0, 0, 0, 0, n]) for n in (1, 2, 3))
ALL = b"\xff" * 6


class Member:
    """A member and what it has got."""

    def __init__(self, path: bytes, lladdr: bytes | None = None) -> None:
        self.got: list[tuple[bytes, Offload]] = []
        self.bus = ShmBus(path, lambda frame, offload: self.got.append((bytes(frame), offload)))
        self.bus.set_filter(lladdr)

    def take(self) -> list[bytes]:
        while self.bus.take():
            pass
        frames = [frame for frame, _ in self.got]
        self.got.clear()
        return frames

    def send(self, dst: bytes, payload: bytes, offload: Offload = PLAIN) -> bool:
        header = dst + (self.bus._lladdr or C) + b"\x08\0"
        return self.bus.send((header, payload), len(header) + len(payload), offload)


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path / "bus")


@pytest.fixture
def join(path: bytes) -> Iterator[Callable[..., Member]]:
    members: list[Member] = []

    def make(lladdr: bytes | None = None) -> Member:
        members.append(Member(path, lladdr))
        return members[-1]

    yield make
    for member in members:
        member.bus.close()


def refused(path: bytes) -> str:
    with pytest.raises(KernelError) as caught:
        ShmBus(path, lambda frame, offload: None)
    return caught.value.name


def test_frames_reach_all_others_in_order_and_not_their_sender(join: Callable[..., Member]) -> None:
    a, b, c = join(A), join(B), join(C)
    for number in range(300):
        assert a.send(ALL, b"%d" % number)
    expected = [ALL + A + b"\x08\0%d" % number for number in range(300)]
    assert b.take() == c.take() == expected
    assert a.take() == []


def test_what_a_member_sends_is_no_news_to_itself(join: Callable[..., Member]) -> None:
    a, b = join(A), join(B)
    a.take()
    a.send(B, b"1")
    assert not a.bus.ready()
    assert not a.bus.take()
    b.send(A, b"2")
    assert a.bus.ready()
    a.send(B, b"3")
    assert len(a.take()) == 1
    assert not a.bus.ready()
    assert len(b.take()) == 2


def test_an_answer_from_within_a_look_is_no_news_either(join: Callable[..., Member]) -> None:
    a, b = join(A), join(B)
    a.take()
    a.bus._receive = lambda frame, offload: a.send(B, b"answer") and None
    b.send(A, b"1")
    assert a.bus.take()
    assert not a.bus.ready()
    assert len(b.take()) == 1


def test_unicast_is_for_its_receiver_and_for_who_listens_to_all(join: Callable[..., Member]) -> None:
    a, b, c, promiscuous = join(A), join(B), join(C), join()
    a.send(B, b"for b")
    assert b.take() == promiscuous.take() == [B + A + b"\x08\0for b"]
    assert c.take() == []


def test_long_frames_cross_whole_with_what_is_still_to_do(join: Callable[..., Member]) -> None:
    a, b = join(A), join(B)
    offload = Offload(1448, 34, 16, csum_valid=True)
    payload = random.Random(1).randbytes(FRAME_MAX - 14)
    for _ in range(100):  # around the ring several times
        assert a.send(B, payload, offload)
        assert b.bus.take()
        assert b.got.pop() == (B + A + b"\x08\0" + payload, offload)
    assert not a.send(B, payload + b"x")
    assert (a.bus.drops, b.bus.overruns, b.bus.malformed) == (1, 0, 0)


def test_frames_of_all_lengths_around_the_ring(join: Callable[..., Member]) -> None:
    a, b = join(A), join(B)
    rng = random.Random(3)
    for _ in range(3000):
        payload = bytes(rng.choice((rng.randrange(100), rng.randrange(2000), rng.randrange(FRAME_MAX - 14))))
        assert a.send(B, payload)
        assert b.take() == [B + A + b"\x08\0" + payload]
    for room in range(16, 200, 16):  # what is left before the ring's end, to the byte
        at = a.bus._tail % RING
        while RING - at > FRAME_MAX:
            a.send(B, bytes(FRAME_MAX - 1000))
            assert len(b.take()) == 1
            at = a.bus._tail % RING
        if RING - at > room + 46:
            a.send(B, bytes(RING - at - room - 30))
            assert a.bus._tail % RING == RING - room
            assert len(b.take()) == 1
        for length in (0, 1, 50):
            a.send(B, bytes(length))
            assert b.take() == [B + A + b"\x08\0" + bytes(length)]
    assert (b.bus.overruns, b.bus.malformed) == (0, 0)


def test_who_is_too_slow_loses_frames_and_knows(join: Callable[..., Member]) -> None:
    a, b = join(A), join(B)
    for number in range(3 * RING // 1000):
        a.send(B, b"%d" % number + bytes(1000))
    lost = b.take()
    assert b.bus.overruns == 1
    assert lost == []
    a.send(B, b"after that")
    assert b.take() == [B + A + b"\x08\0after that"]


def test_a_slot_is_free_when_its_member_leaves(join: Callable[..., Member], path: bytes) -> None:
    a, b = join(A), join(B)
    a.send(B, b"1")
    slot = a.bus.slot
    a.bus.close()
    assert not os.path.exists(bell_path(path, slot))
    c = join(C)
    assert c.bus.slot == slot
    c.send(B, b"2")
    assert b.take() == [B + A + b"\x08\x001", B + C + b"\x08\x002"]


def test_a_bus_has_128_members_at_most(join: Callable[..., Member], path: bytes) -> None:
    members = [join(bytes([2, 0, 0, 0, 1, n])) for n in range(SLOTS)]
    assert refused(path) == "ENFILE"
    members[0].send(ALL, b"hello")
    assert all(len(member.take()) == 1 for member in members[1:])


def test_sleepers_are_rung_once_and_only_if_the_frame_concerns_them(join: Callable[..., Member]) -> None:
    a, b, c = join(A), join(B), join(C)
    assert b.take() == c.take() == []
    assert b.bus.arm()
    assert c.bus.arm()
    a.send(B, b"1")
    a.send(B, b"2")
    assert os.read(b.bus.fileno(), 100) == b"\1"
    with pytest.raises(BlockingIOError):
        os.read(c.bus.fileno(), 100)
    assert not b.bus.arm(), "there is something to take first"
    assert len(b.take()) == 2
    assert b.bus.arm()
    b.bus.disarm()
    a.send(B, b"3")
    with pytest.raises(BlockingIOError):
        os.read(b.bus.fileno(), 100)


_DIES = """
import os, sys
from rumpuser.devices.shmbus import ShmBus
bus = ShmBus(os.fsencode(sys.argv[1]), lambda frame, offload: None)
bus.set_filter(bytes([2, 0, 0, 0, 0, 3]))
bus.arm()
if sys.argv[2] == "locked":
    bus._lock_table()
    bus._reserves[bus.slot] += 5000   # in the middle of a frame
print("ready", flush=True)
os.read(0, 1)
"""


@pytest.mark.parametrize("how", ["asleep", "locked"])
def test_who_dies_does_not_stop_the_bus(join: Callable[..., Member], path: bytes, how: str) -> None:
    a, b = join(A), join(B)
    child = subprocess.Popen(
        [sys.executable, "-c", _DIES, os.fsdecode(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    if how == "locked":
        assert refused(path) == "EBUSY"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    bell = bell_path(path, 2)
    assert os.path.exists(bell)
    for number in range(2000):
        a.send(ALL, bytes(1000) + b"%d" % number)
        assert len(b.take()) == 1
    c = join(C)
    assert c.bus.slot == 2, "its place is free"
    c.send(A, b"hello")
    assert len(a.take()) == 1


def test_bells_of_the_dead_are_removed(path: bytes, join: Callable[..., Member]) -> None:
    join(A)
    os.truncate(path, PAGE + 4 * RING)
    with open(path, "r+b") as file:
        file.seek(12)
        file.write(struct.pack("<I", 4))
    os.mkfifo(bell_path(path, 3))
    join(B)
    assert not os.path.exists(bell_path(path, 3))
    assert os.path.exists(bell_path(path, 0))


def test_files_that_are_no_busses(path: bytes, tmp_path: Path) -> None:
    for content in (b"x", bytes(PAGE), b"rumpbus\n" + struct.pack("<IIII", 2, 0, RING, SLOTS) + bytes(PAGE)):
        Path(os.fsdecode(path)).write_bytes(content)
        assert refused(path) == "ENOEXEC"
        assert Path(os.fsdecode(path)).read_bytes() == content
    assert refused(os.fsencode(tmp_path)) == "EISDIR"
    assert refused(os.fsencode(tmp_path / "no" / "such")) == "ENOENT"
    os.mkfifo(tmp_path / "fifo")
    assert refused(os.fsencode(tmp_path / "fifo")) == "ENOEXEC"
    assert refused(b"a\0b") == "EINVAL"
    assert refused(os.fsencode(tmp_path / ("n" * 300))) == "ENAMETOOLONG"


def test_a_bus_that_is_cut_short_ends(join: Callable[..., Member], path: bytes) -> None:
    a, b = join(A), join(B)
    a.send(B, b"1")
    os.truncate(path, PAGE)
    assert b.take() == []
    assert not b.send(A, b"1")
    assert b.bus.arm()


def test_a_tail_between_records_is_not_followed(join: Callable[..., Member], path: bytes) -> None:
    b = join(B)
    with open(path, "r+b") as file:
        for slots, tail in ((2, RING - 8), (2, RING + 8), (3, 8)):
            file.seek(12)
            file.write(struct.pack("<I", slots))
            file.truncate(PAGE + slots * RING)
            for at in (2048, 3072):
                file.seek(at + 8 * (slots - 1))
                file.write(struct.pack("<Q", tail))
            file.flush()
            assert b.take() == []
            file.seek(2048 + 8 * (slots - 1))
            file.write(struct.pack("<Q", RING))
            file.flush()
            assert b.take() == []


_CELLS = st.sampled_from([12, *range(64, 64 + 3), *range(2048, 2048 + 24, 8), *range(3072, 3072 + 24, 8)])


@settings(max_examples=150, deadline=None)
@given(
    writes=st.lists(
        st.tuples(
            st.one_of(_CELLS, st.integers(0, 200).map(lambda n: PAGE + RING + n), st.integers(0, PAGE + 3 * RING)),
            st.one_of(
                st.integers(0, (1 << 64) - 1), st.integers(0, 1 << 20), st.sampled_from([0xFFFFFFFF, 1 << 63, 8, 16])
            ),
        ),
        max_size=8,
    ),
    seed=st.integers(0, 99),
)
def test_a_hostile_file_can_neither_crash_nor_hang_a_reader(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int]], seed: int
) -> None:
    path = os.fsencode(tmp_path_factory.mktemp("bus") / "bus")
    a, b, c = Member(path, A), Member(path, B), Member(path)
    try:
        for number in range(seed):
            b.send(A, bytes(number))
        with open(path, "r+b") as file:
            for at, number in writes:
                file.seek(at)
                file.write(struct.pack("<Q", number)[: max(1, min(8, PAGE + 3 * RING - at))])
        for member in (a, c):
            for _ in range(50):
                member.bus.take()
            assert all(14 <= len(frame) <= FRAME_MAX for frame, _ in member.got)
            assert all(offload.fits(len(frame)) for frame, offload in member.got)
            member.got.clear()
        for _ in range(3):  # the one who lied may not be heard again; others are
            a.send(ALL, b"later")
            a.take()
        assert os.path.getsize(path) >= PAGE + 3 * RING
    finally:
        for member in (a, b, c):
            member.bus.close()


def test_the_format_is_as_documented(path: bytes, join: Callable[..., Member]) -> None:
    """The vector of docs/net/shmif.md."""
    a = join(A)
    a.send(B, bytes(range(20)), Offload(1000, 34, 16, csum_valid=True))
    a.send(ALL, b"x" * 8)
    content = Path(os.fsdecode(path)).read_bytes()
    assert content[:24] == b"rumpbus\n" + struct.pack("<IIII", 1, 1, RING, 128)
    assert content[256:264] == A + bytes(2)
    assert content[2048:2056] == content[3072:3080] == struct.pack("<Q", 112)
    assert content[PAGE : PAGE + 50].hex() == (
        "00000000220000000100e803220010000200000000020200000000010800000102030405060708090a0b0c0d0e0f10111213"
    )
    assert content[PAGE + 64 : PAGE + 102].hex() == (
        "04000000160000000000000000000000ffffffffffff02000000000108007878787878787878"
    )

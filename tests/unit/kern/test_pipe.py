"""Pipes: waiting, ends of file, atomic writes, bounded memory, and a model with any order of calls."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpkern.core.pipe import BIG_PIPE_SIZE, MAX_PIPES, PIPE_SIZE, Queue
from rumpuser.pending import Running
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgsInteger
from tests.unit.kern.kernel import Kern, fails


@pytest.fixture
def k() -> Kern:
    return Kern()


def pipe(k: Kern, flags: int = 0) -> tuple[int, int]:
    r, w = k.call(1, "pipe2", flags)
    return r, w


def test_handles_are_never_used_twice(k: Kern) -> None:
    r, w = k.call(1, "pipe")
    k.call(1, "close", r)
    k.call(1, "close", w)
    assert not set(k.call(1, "pipe")) & {r, w}
    assert fails(k.call, 1, "read", r, 1) == "EBADF"
    assert fails(k.call, 1, "close", r) == "EBADF"


def test_bytes_go_through_in_order(k: Kern) -> None:
    r, w = pipe(k)
    assert k.call(1, "write", w, b"abc") == 3
    assert k.call(1, "writev", w, [b"de", b"", b"f"]) == 3
    assert bytes(k.call(1, "read", r, 2)) == b"ab"
    assert bytes(k.call(1, "readv", r, [1, 100])) == b"cdef"
    assert bytes(k.call(1, "read", r, 0)) == b""


def test_a_read_waits_for_bytes(k: Kern) -> None:
    r, w = pipe(k)
    read = k.call(1, "read", r, 10)
    assert isinstance(read, Running)
    k.call(1, "write", w, b"x")
    assert bytes(read.outcome.result()) == b"x"


def test_a_read_ends_with_the_last_writer(k: Kern) -> None:
    r, w = pipe(k)
    k.call(1, "write", w, b"rest")
    k.call(1, "close", w)
    assert bytes(k.call(1, "read", r, 10)) == b"rest"
    assert bytes(k.call(1, "read", r, 10)) == b""
    r, w = pipe(k)
    read = k.call(1, "read", r, 10)
    k.call(1, "close", w)
    assert bytes(read.outcome.result()) == b""


def test_a_write_without_reader_is_epipe(k: Kern) -> None:
    r, w = pipe(k)
    write = k.call(1, "write", w, bytes(BIG_PIPE_SIZE + 1))
    k.call(1, "close", r)
    assert fails(write.outcome.result) == "EPIPE"
    assert fails(k.call, 1, "write", w, b"x") == "EPIPE"
    assert fails(k.call, 1, "write", w, b"") == "EPIPE"


def test_calls_that_wait_on_an_end_that_is_closed(k: Kern) -> None:
    r, w = pipe(k)
    read = k.call(1, "read", r, 1)
    k.call(1, "close", r)
    assert fails(read.outcome.result) == "EBADF"
    r, w = pipe(k)
    write = k.call(1, "write", w, bytes(BIG_PIPE_SIZE + 1))
    k.call(1, "close", w)
    assert fails(write.outcome.result) == "EBADF"


def test_wrong_ends_and_seeking(k: Kern) -> None:
    r, w = pipe(k)
    assert fails(k.call, 1, "read", w, 1) == "EBADF"
    assert fails(k.call, 1, "write", r, b"x") == "EBADF"
    assert fails(k.call, 1, "lseek", r, 0, 0) == "ESPIPE"
    assert fails(k.call, 1, "pread", r, 1, 0) == "ESPIPE"
    assert fails(k.call, 1, "posix_fadvise", r, 0, 0, 0) == "ESPIPE"
    assert fails(k.call, 1, "flock", r, const.LOCK_EX) == "EOPNOTSUPP"
    assert fails(k.call, 1, "readv", r, []) == "EINVAL"
    assert fails(k.call, 1, "writev", w, [b""] * 1025) == "EINVAL"
    assert fails(k.call, 1, "pipe2", const.O_APPEND) == "EINVAL"


def test_non_blocking(k: Kern) -> None:
    r, w = pipe(k, const.O_NONBLOCK)
    assert fails(k.call, 1, "read", r, 1) == "EAGAIN"
    assert k.call(1, "write", w, bytes(PIPE_SIZE)) == PIPE_SIZE
    assert fails(k.call, 1, "write", w, b"x") == "EAGAIN"
    k.call(1, "read", r, const.PIPE_BUF - 1)
    assert fails(k.call, 1, "write", w, bytes(const.PIPE_BUF)) == "EAGAIN"
    assert k.call(1, "write", w, bytes(const.PIPE_BUF + 1)) == const.PIPE_BUF - 1


def test_an_interrupted_write_tells_what_it_did(k: Kern) -> None:
    _, w = pipe(k)
    write = k.call(1, "write", w, bytes(BIG_PIPE_SIZE + 5))
    write.cancel()
    assert write.outcome.result() == BIG_PIPE_SIZE
    write = k.call(1, "write", w, b"x")
    write.cancel()
    assert fails(write.outcome.result) == "EINTR"
    read = k.call(1, "read", pipe(k)[0], 1)
    read.cancel()
    assert fails(read.outcome.result) == "EINTR"


def test_short_writes_are_not_mixed(k: Kern) -> None:
    r, w = pipe(k)
    k.call(1, "write", w, bytes(PIPE_SIZE))
    writes = [k.call(1, "write", w, bytes([n]) * const.PIPE_BUF) for n in range(1, 60)]
    assert all(isinstance(write, Running) for write in writes)
    got = b""
    while len(got) < PIPE_SIZE + 59 * const.PIPE_BUF:
        got += bytes(k.call(1, "read", r, 700))
    assert all(write.outcome.result() == const.PIPE_BUF for write in writes)
    runs = [(value, len(list(run))) for value, run in itertools.groupby(got[PIPE_SIZE:])]
    assert sorted(runs) == [(n, const.PIPE_BUF) for n in range(1, 60)]


def test_the_buffer_grows_for_long_writes_of_few_pipes(k: Kern) -> None:
    flags = const.O_NONBLOCK
    k.component.pipes.maxbig = 1
    r, w = pipe(k, flags)
    assert k.call(1, "write", w, bytes(1 << 20)) == BIG_PIPE_SIZE
    assert k.call(1, "ioctl", w, const.FIONSPACE, None) == (0, IoctlArgsInteger(0))
    _, other = pipe(k, flags)
    assert k.call(1, "write", other, bytes(1 << 20)) == PIPE_SIZE
    k.call(1, "close", r)
    k.call(1, "close", w)
    _, other = pipe(k, flags)
    assert k.call(1, "write", other, bytes(1 << 20)) == BIG_PIPE_SIZE


def test_the_number_of_pipes_is_bounded(k: Kern) -> None:
    made = [pipe(k) for _ in range(MAX_PIPES)]
    assert fails(k.call, 1, "pipe") == "ENFILE"
    for handle in made[0]:
        k.call(1, "close", handle)
    pipe(k)


def test_long_pieces_are_not_copied(k: Kern) -> None:
    r, w = pipe(k)
    data = bytes(10_000)
    k.call(1, "write", w, data)
    got = k.call(1, "read", r, 10_000)
    assert isinstance(got, memoryview)
    assert got.obj is data


def test_what_the_writer_changes_later_does_not_show(k: Kern) -> None:
    r, w = pipe(k)
    data = bytearray(b"a" * 10_000)
    k.call(1, "write", w, data)
    data[:] = b"b" * 10_000
    assert bytes(k.call(1, "read", r, 10_000)) == b"a" * 10_000


def test_tiny_writes_are_gathered_and_short_ends_let_go_of_their_message() -> None:
    queue = Queue()
    for _ in range(50_000):
        queue.put(memoryview(b"x"), keep=True)
    assert len(queue._pieces) == 1
    assert queue.take(1 << 20) == b"x" * 50_000


def test_fstat_fcntl_ioctl_fpathconf(k: Kern) -> None:
    r, w = k.call(k.user(33), "pipe")
    k.call(1, "write", w, b"12345")
    st_ = k.call(1, "fstat", r)
    assert (st_.st_mode, st_.st_size, st_.st_uid, st_.st_blksize) == (const.S_IFIFO | 0o600, 5, 33, PIPE_SIZE)
    assert k.call(1, "fstat", w).st_ino == st_.st_ino
    assert k.call(1, "ioctl", r, const.FIONREAD, None) == (0, IoctlArgsInteger(5))
    assert k.call(1, "fpathconf", r, const.PC_PIPE_BUF) == const.PIPE_BUF
    assert fails(k.call, 1, "fpathconf", r, const.PC_NAME_MAX) == "EINVAL"
    assert k.call(1, "fcntl", w, const.F_GETFL, None, None).value == const.O_WRONLY
    k.call(1, "fcntl", w, const.F_SETFL, const.O_NONBLOCK | const.O_RDWR, None)
    assert k.call(1, "fcntl", w, const.F_GETFL, None, None).value == const.O_WRONLY | const.O_NONBLOCK
    k.call(1, "ioctl", w, const.FIONBIO, IoctlArgsInteger(0))
    assert k.call(1, "fcntl", w, const.F_GETFL, None, None).value == const.O_WRONLY
    assert fails(k.call, 1, "ioctl", w, const.FIONBIO, None) == "EINVAL"
    assert fails(k.call, 1, "ioctl", w, 0x1234, None) == "ENOTTY"
    assert fails(k.call, 1, "fcntl", w, const.F_SETLK, None, None) == "EINVAL"
    assert fails(k.call, 1, "fcntl", w, 99, None, None) == "EINVAL"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 100_000)),
        st.tuples(st.just("write"), st.integers(1, const.PIPE_BUF)),
        st.tuples(st.just("read"), st.integers(1, 80_000)),
        st.tuples(st.just("cancel"), st.integers(0, 100)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_what_goes_in_comes_out(steps: list[tuple[str, int]], nonblocking: bool) -> None:
    """Each write has a letter of its own: all that it says it wrote comes out, in order, short writes in one piece."""
    k = Kern()
    r, w = pipe(k, const.O_NONBLOCK if nonblocking else 0)
    writes: list[tuple[int, int, Any]] = []
    reads: list[Any] = []
    for letter, (what, n) in enumerate(steps, 1):
        if what == "write":
            writes.append((letter, n, attempt(k, 0, "write", w, bytes([letter]) * n)))
        elif what == "read":
            reads.append(attempt(k, b"", "read", r, n))
        else:
            waiting = [c for c in (*reads, *(c for _, _, c in writes)) if isinstance(c, Running)]
            if waiting:
                waiting[n % len(waiting)].cancel()
        pipe_ = k.component.pipes._ends[r].pipe
        assert pipe_.queue.length <= pipe_.capacity <= BIG_PIPE_SIZE
    while any(isinstance(c, Running) and not c.outcome.done for _, _, c in writes):
        reads.append(k.call(1, "read", r, 60_000))
    k.call(1, "close", w)
    reads.append(k.call(1, "read", r, 1 << 20))
    got = b"".join(outcome(c, b"") for c in reads)
    for letter, length, call in writes:
        count = outcome(call, 0)
        assert got.count(letter) == count
        if length <= const.PIPE_BUF:
            assert count in (0, length)
            assert bytes([letter]) * count in got


def attempt(k: Kern, nothing: Any, *call: Any) -> Any:
    """The value or the waiting call; nothing when it would have to wait and may not."""
    try:
        return k.call(1, *call)
    except KernelError as error:
        if error.errno != Errno.EAGAIN:
            raise
        return nothing


def outcome(call: Any, when_interrupted: Any) -> Any:
    value = call
    if isinstance(call, Running):
        try:
            value = call.outcome.result()
        except KernelError as error:
            if error.errno != Errno.EINTR:
                raise
            return when_interrupted
    return bytes(value) if isinstance(value, memoryview | bytearray) else value

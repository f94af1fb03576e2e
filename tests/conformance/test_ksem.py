"""Semaphores (ksem), as sem_init(3) and sem_open(3) have them."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from typing import Any

import pytest

import rump


@pytest.fixture
def name(k: Any) -> Any:
    """A name that nobody has."""
    found = f"/t{os.getpid() % 10000}x{next(_numbers)}"
    yield found
    with contextlib.suppress(FileNotFoundError):
        k.sys.ksem_unlink(found)


_numbers = iter(range(1_000_000))


def fails(number: int, function: Any, *args: Any) -> None:
    with pytest.raises(rump.RumpError) as caught:
        function(*args)
    assert caught.value.errno == number, caught.value


def test_counting(k: Any) -> None:
    sem = k.sys.ksem_init(2)
    assert k.sys.ksem_getvalue(sem) == 2
    k.sys.ksem_wait(sem)
    k.sys.ksem_trywait(sem)
    fails(errno.EAGAIN, k.sys.ksem_trywait, sem)
    k.sys.ksem_post(sem)
    assert k.sys.ksem_getvalue(sem) == 1
    k.sys.ksem_destroy(sem)
    fails(errno.EBADF, k.sys.ksem_getvalue, sem)


def test_the_highest_count(k: Any) -> None:
    sem = k.sys.ksem_init((1 << 32) - 1)
    fails(errno.EOVERFLOW, k.sys.ksem_post, sem)
    k.sys.ksem_destroy(sem)


def test_names(k: Any, name: str) -> None:
    fails(errno.ENOENT, k.sys.ksem_open, name)
    first = k.sys.ksem_open(name, os.O_CREAT, 0o600, 3)
    second = k.sys.ksem_open(name)
    assert first != second
    k.sys.ksem_wait(first)
    assert k.sys.ksem_getvalue(second) == 2
    fails(errno.EEXIST, k.sys.ksem_open, name, os.O_CREAT | os.O_EXCL)
    assert k.sys.ksem_getvalue(k.sys.ksem_open(name, os.O_CREAT, 0o600, 9)) == 2
    k.sys.ksem_close(first)
    fails(errno.EBADF, k.sys.ksem_post, first)
    k.sys.ksem_unlink(name)
    fails(errno.ENOENT, k.sys.ksem_unlink, name)
    k.sys.ksem_post(second)
    assert k.sys.ksem_getvalue(second) == 3, "it goes on without its name"
    other = k.sys.ksem_open(name, os.O_CREAT, 0o600, 7)
    assert (k.sys.ksem_getvalue(other), k.sys.ksem_getvalue(second)) == (7, 3)


@pytest.mark.parametrize(
    ("bad", "number"),
    [
        ("x", errno.EINVAL), ("/a/b", errno.EINVAL), ("/", errno.EINVAL), ("", errno.EINVAL),
        ("/" + 14 * "a", errno.ENAMETOOLONG),
    ],
)  # fmt: skip
def test_bad_names(k: Any, bad: str, number: int) -> None:
    fails(number, k.sys.ksem_open, bad, os.O_CREAT)
    fails(number, k.sys.ksem_unlink, bad)


def test_which_end_is_for_which_kind(k: Any, name: str) -> None:
    plain, named = k.sys.ksem_init(0), k.sys.ksem_open(name, os.O_CREAT)
    fails(errno.EINVAL, k.sys.ksem_close, plain)
    fails(errno.EINVAL, k.sys.ksem_destroy, named)
    k.sys.ksem_close(named)
    k.sys.ksem_destroy(plain)


def test_a_mode_of_nothing_is_no_lack_of_a_name(k: Any, name: str) -> None:
    named = k.sys.ksem_open(name, os.O_CREAT, 0)
    fails(errno.EINVAL, k.sys.ksem_destroy, named)
    k.sys.ksem_close(named)


def test_what_is_no_semaphore(k: Any) -> None:
    file = k.sys.open("/dev/null", os.O_RDWR)
    reader, writer = k.sys.pipe()
    sem = k.sys.ksem_init(0)
    for fd in (file, reader, writer, 0):
        fails(errno.EINVAL, k.sys.ksem_post, fd)
        fails(errno.EINVAL, k.sys.ksem_getvalue, fd)
    fails(errno.EBADF, k.sys.ksem_post, 77)
    fails(errno.EOPNOTSUPP, k.sys.read, sem, 1)
    fails(errno.EOPNOTSUPP, k.sys.write, sem, b"x")
    for fd in (file, reader, writer, sem):
        k.sys.close(fd)


def test_who_may_open(k: Any, connect: Any, name: str) -> None:
    k.sys.ksem_open(name, os.O_CREAT, 0o640, 1)
    other = connect()
    other.sys.setgid(100)
    other.sys.setuid(1000)
    fails(errno.EACCES, other.sys.ksem_open, name)
    fails(errno.EACCES, other.sys.ksem_unlink, name)


def test_a_wait_ends_with_a_post_of_another(k: Any, connect: Any, name: str) -> None:
    sem, other = k.sys.ksem_open(name, os.O_CREAT), connect()
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(k.sys.ksem_wait(sem) or "woken"))
    waiting.start()
    theirs = other.sys.ksem_open(name)
    waiting.join(0.05)
    assert waiting.is_alive()
    other.sys.ksem_post(theirs)
    waiting.join(20)
    assert got == ["woken"]
    assert k.sys.ksem_getvalue(sem) == 0


def test_a_wait_until(k: Any) -> None:
    sem = k.sys.ksem_init(0)
    now = k.sys.clock_gettime(time.CLOCK_REALTIME)
    begun = time.monotonic()
    fails(errno.ETIMEDOUT, k.sys.ksem_timedwait, sem, now._replace(tv_sec=now.tv_sec - 1))
    late = now.tv_sec * 10**9 + now.tv_nsec + 50_000_000
    fails(errno.ETIMEDOUT, k.sys.ksem_timedwait, sem, rump.Timespec(*divmod(late, 10**9)))
    assert 0.03 < time.monotonic() - begun < 10
    k.sys.ksem_post(sem)
    k.sys.ksem_timedwait(sem, rump.Timespec(0, 0))
    k.sys.ksem_destroy(sem)


def test_a_child_has_it_too_and_the_last_to_close_ends_it(k: Any) -> None:
    before = k.sysctl("kern.posix.semcnt")
    sem = k.sys.ksem_init(5)
    child = k.fork()
    child.sys.ksem_wait(sem)
    assert k.sys.ksem_getvalue(sem) == 4
    k.sys.close(sem)
    assert child.sys.ksem_getvalue(sem) == 4
    assert k.sysctl("kern.posix.semcnt") == before + 1
    child.close()
    deadline = time.monotonic() + 20
    while k.sysctl("kern.posix.semcnt") != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert k.sysctl("kern.posix.semcnt") == before


def test_there_are_not_more_than_may_be(k: Any) -> None:
    most = k.sysctl("kern.posix.semmax")
    k.sysctl("kern.posix.semmax", k.sysctl("kern.posix.semcnt") + 1)
    try:
        sem = k.sys.ksem_init(0)
        fails(errno.ENFILE, k.sys.ksem_init, 0)
        k.sys.ksem_destroy(sem)
        k.sys.ksem_destroy(k.sys.ksem_init(0))
    finally:
        k.sysctl("kern.posix.semmax", most)

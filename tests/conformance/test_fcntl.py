"""fcntl(2) and pipe(2): commands on numbers and on pipes, and what pipes promise."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code


def open_numbers(k: Any) -> list[int]:
    return [fd for fd in range(64) if code_or_none(k, fd) is None]


def code_or_none(k: Any, fd: int) -> str | None:
    try:
        k.sys.fcntl(fd, rump.F_GETFD)
    except OSError as error:
        return type(error).__name__
    return None


def test_dupfd(k: Any) -> None:
    r, _ = k.sys.pipe()
    high = k.sys.fcntl(r, rump.F_DUPFD, 40).value
    again = k.sys.fcntl(r, rump.F_DUPFD, 40).value
    assert (high, again) == (40, 41)
    closing = k.sys.fcntl(r, rump.F_DUPFD_CLOEXEC, 40).value
    assert closing == 42
    assert k.sys.fcntl(closing, rump.F_GETFD).value == rump.FD_CLOEXEC
    assert k.sys.fcntl(again, rump.F_GETFD).value == 0
    for lowest in (-1, 1 << 20):
        assert code(k.sys.fcntl, r, rump.F_DUPFD, lowest) == "EINVAL"
        assert code(k.sys.fcntl, r, rump.F_DUPFD_CLOEXEC, lowest) == "EINVAL"
    assert code(k.sys.fcntl, 60, rump.F_DUPFD, 0) == "EBADF"


def test_maxfd_and_closem(k: Any) -> None:
    r, w = k.sys.pipe()
    k.sys.dup2(r, 50)
    assert k.sys.fcntl(0, rump.F_MAXFD).value == 50
    assert code(k.sys.fcntl, -1, rump.F_CLOSEM) == "EBADF"
    k.sys.fcntl(w, rump.F_CLOSEM)
    assert open_numbers(k) == [*range(w)]
    assert k.sys.fcntl(0, rump.F_MAXFD).value == r
    k.sys.fcntl(30, rump.F_CLOSEM)
    assert r in open_numbers(k)
    k.sys.fcntl(0, rump.F_CLOSEM)
    assert open_numbers(k) == []
    assert k.sys.fcntl(0, rump.F_MAXFD).value == -1


def test_status_flags_are_of_the_description(k: Any) -> None:
    r, _ = k.sys.pipe()
    other = k.sys.dup(r)
    k.sys.fcntl(r, rump.F_SETFL, os.O_NONBLOCK)
    assert k.sys.fcntl(other, rump.F_GETFL).value & os.O_NONBLOCK
    assert code(k.sys.read, other, 1) == "EAGAIN"
    k.sys.ioctl(other, rump.FIONBIO, 0)
    assert not k.sys.fcntl(r, rump.F_GETFL).value & os.O_NONBLOCK
    assert code(k.sys.fcntl, r, 99) == "EINVAL"
    assert code(k.sys.fcntl, 60, rump.F_GETFL) == "EBADF"


def test_what_waits_in_a_pipe(k: Any) -> None:
    r, w = k.sys.pipe()
    room = k.sys.ioctl(w, rump.FIONSPACE).data.integer
    k.sys.write(w, bytes(100))
    assert k.sys.ioctl(r, rump.FIONREAD).data.integer == 100
    assert k.sys.ioctl(w, rump.FIONWRITE).data.integer == 100
    assert k.sys.ioctl(w, rump.FIONSPACE).data.integer == room - 100
    assert k.sys.fstat(r).st_size == 100
    assert k.sys.fpathconf(w, rump.PC_PIPE_BUF) == 512
    assert code(k.sys.lseek, r, 0, 0) == "ESPIPE"
    assert code(k.sys.pread, r, 1, 0) == "ESPIPE"


def test_short_writes_stay_whole(k: Any) -> None:
    """As many writers as there are letters, each message shorter than PIPE_BUF: none is torn."""
    r, w = k.sys.pipe()

    def write(letter: int) -> None:
        for _ in range(40):
            assert k.sys.write(w, bytes([letter]) * 300) == 300

    writers = [threading.Thread(target=write, args=(letter,)) for letter in b"abcd"]
    for writer in writers:
        writer.start()
    got = b""
    while len(got) < 4 * 40 * 300:
        got += k.sys.read(r, 1000)
    for writer in writers:
        writer.join(30)
    assert all(len(set(got[at : at + 300])) == 1 for at in range(0, len(got), 300))


def test_a_write_that_does_not_fit_is_all_or_nothing_up_to_pipe_buf(k: Any) -> None:
    r, w = k.sys.pipe2(os.O_NONBLOCK)
    room = k.sys.ioctl(w, rump.FIONSPACE).data.integer
    k.sys.write(w, bytes(room - 100))
    assert code(k.sys.write, w, bytes(101)) == "EAGAIN"
    assert k.sys.write(w, bytes(600)) == 100
    assert code(k.sys.write, w, b"x") == "EAGAIN"
    assert len(k.sys.read(r, room)) == room


@pytest.mark.parametrize("placement", ["local"])
def test_big_pipes_are_counted(k: Any) -> None:
    before = k.sysctl("kern.pipe.nbigpipes")
    r, w = k.sys.pipe2(os.O_NONBLOCK)
    memory = k.sysctl("kern.pipe.kvasize")
    k.sys.write(w, bytes(60000))
    assert k.sysctl("kern.pipe.nbigpipes") == before + 1
    assert k.sysctl("kern.pipe.kvasize") > memory
    k.sys.close(r)
    k.sys.close(w)
    assert k.sysctl("kern.pipe.nbigpipes") == before
    old = k.sysctl("kern.pipe.maxbigpipes", 0)
    r, w = k.sys.pipe2(os.O_NONBLOCK)
    assert k.sys.write(w, bytes(60000)) == 16384
    k.sysctl("kern.pipe.maxbigpipes", old)

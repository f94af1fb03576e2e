"""Descriptor tables: lowest free numbers, sharing, close-on-exec, kinds: open(2), dup(2), fcntl(2)."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

import rump


def code(call: Any, *args: Any, **kwargs: Any) -> str:
    """Name of the error that a call ends with, as NetBSD has it."""
    with pytest.raises(rump.RumpError) as caught:
        call(*args, **kwargs)
    assert isinstance(caught.value, OSError)
    return str(caught.value.name)


def write_file(k: Any, path: str, data: bytes) -> None:
    fd = k.sys.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    assert k.sys.write(fd, data) == len(data)
    k.sys.close(fd)


def test_a_new_process_has_the_console_on_0_1_2(k: Any, folder: str) -> None:
    assert k.sys.open(f"{folder}", os.O_RDONLY) == 3
    assert k.sys.write(1, b"hello console") == 13
    assert k.sys.read(0, 10) == b""


def test_numbers_are_the_lowest_free(k: Any, folder: str) -> None:
    fds = [k.sys.open(folder, os.O_RDONLY) for _ in range(4)]
    assert fds == [3, 4, 5, 6]
    k.sys.close(4)
    k.sys.close(3)
    assert [k.sys.dup(5), k.sys.open(folder, os.O_RDONLY), k.sys.dup(5)] == [3, 4, 7]


def test_dup_shares_the_offset_and_outlives_the_first(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"abcdef")
    fd = k.sys.open(f"{folder}/f", os.O_RDONLY)
    second = k.sys.dup(fd)
    assert k.sys.read(fd, 2) == b"ab"
    assert k.sys.read(second, 2) == b"cd"
    k.sys.close(fd)
    assert k.sys.read(second, 2) == b"ef"
    assert code(k.sys.read, fd, 1) == "EBADF"


def test_two_opens_have_offsets_of_their_own(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"abcdef")
    one, two = (k.sys.open(f"{folder}/f", os.O_RDONLY) for _ in range(2))
    assert k.sys.read(one, 3) == b"abc"
    assert k.sys.read(two, 3) == b"abc"


def test_dup2(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"abcdef")
    fd = k.sys.open(f"{folder}/f", os.O_RDONLY)
    assert k.sys.dup2(fd, 40) == 40
    assert k.sys.dup2(fd, fd) == fd
    assert k.sys.read(40, 3) == b"abc"
    other = k.sys.open(folder, os.O_RDONLY)
    assert k.sys.dup2(40, other) == other
    assert k.sys.read(other, 3) == b"def"
    assert code(k.sys.dup2, 999, 5) == "EBADF"
    assert code(k.sys.dup2, fd, -1) == "EBADF"
    assert code(k.sys.dup2, fd, 1 << 20) == "EBADF"


def test_dup3(k: Any, folder: str) -> None:
    fd = k.sys.open(folder, os.O_RDONLY)
    assert code(k.sys.dup3, fd, fd, 0) == "EINVAL"
    assert k.sys.dup3(fd, 20, os.O_CLOEXEC) == 20
    assert k.sys.fcntl(20, rump.F_GETFD).value == rump.FD_CLOEXEC


def test_fcntl_on_numbers(k: Any, folder: str) -> None:
    fd = k.sys.open(folder, os.O_RDONLY)
    assert k.sys.fcntl(fd, rump.F_GETFD).value == 0
    k.sys.fcntl(fd, rump.F_SETFD, rump.FD_CLOEXEC)
    assert k.sys.fcntl(fd, rump.F_GETFD).value == rump.FD_CLOEXEC
    high = k.sys.fcntl(fd, rump.F_DUPFD, 30).value
    assert high == 30
    assert k.sys.fcntl(high, rump.F_GETFD).value == 0
    assert code(k.sys.fcntl, fd, rump.F_DUPFD, -1) == "EINVAL"


def test_close_on_exec_from_open(k: Any, folder: str) -> None:
    fd = k.sys.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    assert k.sys.fcntl(fd, rump.F_GETFD).value == rump.FD_CLOEXEC


@pytest.mark.parametrize("fd", [-1, 3, 1000, 1 << 30])
def test_bad_descriptors(k: Any, fd: int) -> None:
    for call in (
        lambda: k.sys.read(fd, 1),
        lambda: k.sys.write(fd, b"x"),
        lambda: k.sys.close(fd),
        lambda: k.sys.fstat(fd),
        lambda: k.sys.dup(fd),
        lambda: k.sys.lseek(fd, 0, 0),
        lambda: k.sys.fchdir(fd),
    ):
        assert code(call) == "EBADF"


def test_calls_for_another_kind_of_object(k: Any, folder: str) -> None:
    file = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    pipe = k.sys.pipe()
    one, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    assert code(k.sys.getsockname, file) == "ENOTSOCK"
    assert code(k.sys.getsockname, pipe[0]) == "ENOTSOCK"
    assert code(k.sys.lseek, pipe[0], 0, 0) == "ESPIPE"
    assert code(k.sys.lseek, one, 0, 0) == "ESPIPE"
    assert code(k.sys.pread, one, 1, 0) == "ESPIPE"
    assert code(k.sys.ftruncate, pipe[0], 0) == "EINVAL"
    assert code(k.sys.fchdir, pipe[0]) == "ENOTDIR"
    assert code(k.sys.openat, one, "x", os.O_RDONLY) == "ENOTDIR"


def test_too_many(connect: Any, folder: str) -> None:
    k = connect()
    fds = [k.sys.open(folder, os.O_RDONLY) for _ in range(1024 - 3)]
    assert code(k.sys.open, folder, os.O_RDONLY) == "EMFILE"
    assert code(k.sys.pipe) == "EMFILE"
    k.sys.close(fds[7])
    assert k.sys.open(folder, os.O_RDONLY) == fds[7]


def test_fork_copies_descriptors_that_share_offsets(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"abcdef")
    fd = k.sys.open(f"{folder}/f", os.O_RDONLY)
    k.sys.chdir(folder)
    child = k.fork()
    try:
        assert child.sys.getpid() != k.sys.getpid()
        assert child.sys.getppid() == k.sys.getpid()
        assert child.sys.read(fd, 3) == b"abc"
        assert k.sys.read(fd, 3) == b"def"
        assert child.sys.getcwd() == k.sys.getcwd()
        child.sys.close(fd)
        assert k.sys.lseek(fd, 0, os.SEEK_CUR) == 6
    finally:
        child.close()


def test_what_a_client_held_goes_with_it(connect: Any, folder: str) -> None:
    k, other = connect(), connect()
    r, w = k.sys.pipe()
    child = k.fork()
    k.sys.close(w)
    child.close()
    assert k.sys.read(r, 1) == b"", "the writing end went with the child"
    assert other.sys.getpid() != k.sys.getpid()


def test_descriptors_of_all_processes_are_listed(k: Any) -> None:
    """With the component whose object it is, whichever processes share it."""
    s = k.sys.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    with k.fork() as child:
        again = child.sys.dup(s)
        rows = {(row.ki_pid, row.ki_fd): row for row in k.pub.file_list()}
        own = rows[k.pid, s]
        assert own.component == "net"
        assert {rows[key].handle for key in ((child.pid, s), (child.pid, again))} == {own.handle}
        assert rows[k.pid, 0].component == "gateway"
    assert not [row for row in k.pub.file_list() if row.ki_pid == child.pid]
    k.sys.close(s)
    assert (k.pid, s) not in [(row.ki_pid, row.ki_fd) for row in k.pub.file_list()]

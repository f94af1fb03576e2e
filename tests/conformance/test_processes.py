"""Processes over all placements: fork, exec, exit, orphans, groups and sessions, limits."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code


def pids(k: Any) -> set[int]:
    return {process["pid"] for process in k.processes()}


def process(k: Any, pid: int) -> Any:
    return next(found for found in k.processes() if found["pid"] == pid)


# -- fork


def test_a_forked_child_is_another_process(k: Any) -> None:
    with k.fork() as child:
        assert child.sys.getpid() != k.sys.getpid()
        assert child.sys.getppid() == k.sys.getpid()


def test_fork_copies_descriptors_and_a_pipe_joins_both(k: Any) -> None:
    r, w = k.sys.pipe()
    with k.fork() as child:
        child.sys.close(r)
        assert child.sys.write(w, b"to the parent") == 13
        assert k.sys.read(r, 100) == b"to the parent"
        k.sys.close(w)
        child.sys.close(w)
        assert k.sys.read(r, 100) == b"", "all writing ends are closed"


def test_fork_copies_the_offset_along(k: Any, folder: str) -> None:
    fd = k.sys.open(f"{folder}/f", os.O_CREAT | os.O_RDWR, 0o644)
    with k.fork(rump.RFFDG) as child:
        child.sys.write(fd, b"12345")
        assert k.sys.lseek(fd, 0, os.SEEK_CUR) == 5


def test_fork_with_cleared_descriptors(k: Any) -> None:
    r, _ = k.sys.pipe()
    with k.fork(rump.RFCFDG) as child:
        assert code(child.sys.read, r, 1) == "EBADF"
        assert child.sys.write(1, b"the console is there") == 20


def test_fork_with_a_shared_table(k: Any) -> None:
    with k.fork(rump.RFSHARE) as child:
        r, w = child.sys.pipe()
        k.sys.write(w, b"same numbers")
        assert child.sys.read(r, 100) == b"same numbers"
        k.sys.close(r)
        assert code(child.sys.read, r, 1) == "EBADF"
    assert k.sys.fcntl(w, rump.F_GETFD).value == 0, "the child's end closes nothing of the parent's"


@pytest.mark.parametrize("flags", [rump.RFFDG | rump.RFCFDG, rump.RFSHARE | rump.RFCFDG, 8, 1 << 20])
def test_fork_flags_that_mean_nothing(k: Any, flags: int) -> None:
    before = pids(k)
    assert code(k.fork, flags) == "EINVAL"
    assert pids(k) == before


def test_a_child_inherits_identity_directory_mask_and_limits(connect: Any, folder: str) -> None:
    k = connect()
    k.sys.chdir(folder)
    k.sys.umask(0o077)
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (7, 7))
    k.sys.setuid(1000)
    with k.fork() as child:
        assert child.sys.getuid() == 1000
        assert child.sys.getcwd() == folder.encode()
        assert child.sys.umask(0) == 0o077
        assert [child.sys.dup(1) for _ in range(4)] == [3, 4, 5, 6]
        assert code(child.sys.dup, 1) == "EMFILE"


# -- prefork


def claim(k: Any, connect: Any, prepared: Any, running: Any, placement: str) -> Any:
    kernel = running[placement]
    return kernel.attach(fork=prepared) if placement == "local" else rump.connect(kernel.url, fork=prepared)


def test_a_prepared_child_is_claimed_once(k: Any, connect: Any, running: Any, placement: str) -> None:
    r, w = k.sys.pipe()
    prepared = k.prefork()
    assert prepared.pid in pids(k)
    assert prepared.cookie.hex() not in repr(prepared)
    k.sys.close(w)  # the child has had its copy since prefork
    child = claim(k, connect, prepared, running, placement)
    assert child.sys.getpid() == prepared.pid
    assert child.sys.getppid() == k.pid
    child.sys.write(w, b"kept")
    assert k.sys.read(r, 10) == b"kept"
    assert code(claim, k, connect, prepared, running, placement) == "ESRCH"
    child.close()


@pytest.mark.parametrize("cookie", [bytes(16), b"short", bytes(10_000)])
def test_a_wrong_cookie_is_nobody(k: Any, connect: Any, running: Any, placement: str, cookie: bytes) -> None:
    prepared = k.prefork()
    before = pids(k)
    assert code(claim, k, connect, cookie, running, placement) == "ESRCH"
    assert pids(k) == before
    k.fork_cancel(prepared)


def test_a_prepared_child_can_be_cancelled(k: Any, connect: Any, running: Any, placement: str) -> None:
    r, w = k.sys.pipe()
    prepared = k.prefork()
    k.fork_cancel(prepared)
    assert prepared.pid not in pids(k)
    assert code(k.fork_cancel, prepared) == "ESRCH"
    assert code(claim, k, connect, prepared, running, placement) == "ESRCH"
    k.sys.close(w)
    assert k.sys.read(r, 1) == b""


def test_an_unclaimed_child_expires(k: Any, connect: Any, running: Any, placement: str) -> None:
    r, w = k.sys.pipe()
    prepared = k.prefork(wait=0.05)
    k.sys.close(w)
    assert k.sys.read(r, 1) == b"", "the end comes when the child is freed"
    assert prepared.pid not in pids(k)
    assert code(claim, k, connect, prepared, running, placement) == "ESRCH"
    assert code(k.prefork, wait=10_000) == "EINVAL"


# -- exec


def test_exec_closes_what_is_marked_and_keeps_the_rest(k: Any) -> None:
    r, w = k.sys.pipe2(os.O_CLOEXEC)
    kept = k.sys.dup(w)
    pid = k.sys.getpid()
    k.exec("newprogram")
    assert code(k.sys.write, w, b"x") == "EBADF"
    assert code(k.sys.read, r, 1) == "EBADF"
    assert k.sys.getpid() == pid
    assert process(k, pid)["comm"] == "newprogram"
    assert code(k.sys.write, kept, b"x") == "EPIPE", "the reading end was marked"


def test_exec_interrupts_calls_that_wait(k: Any, connect: Any) -> None:
    r, w = k.sys.pipe()
    ends: list[str] = []
    threads = [threading.Thread(target=lambda: ends.append(code(k.sys.read, r, 1))) for _ in range(4)]
    threads += [threading.Thread(target=lambda: ends.append(code(k.sys.nanosleep, 100.0)))]
    for thread in threads:
        thread.start()
    other = connect()
    deadline = time.monotonic() + 20
    while process(other, k.pid)["nlwps"] < 5:
        assert time.monotonic() < deadline
    k.exec("newprogram")
    for thread in threads:
        thread.join(10)
    assert ends == ["EINTR"] * 5
    assert process(other, k.pid)["nlwps"] == 1
    k.sys.write(w, b"y")
    assert k.sys.read(r, 1) == b"y"


def test_exec_unshares_a_table(k: Any) -> None:
    fd = k.sys.fcntl(1, rump.F_DUPFD_CLOEXEC, 10).value
    with k.fork(rump.RFSHARE) as child:
        child.exec("other")
        assert code(child.sys.dup, fd) == "EBADF"
        assert k.sys.dup(fd) > 0


def test_exec_and_issetugid(connect: Any) -> None:
    k = connect()
    assert k.sys.issetugid() == 0
    k.sys.setuid(1000)
    assert k.sys.issetugid() == 1
    k.exec("clean")
    assert k.sys.issetugid() == 0


# -- exit, orphans, groups


def test_orphans_go_to_init(connect: Any) -> None:
    parent = connect()
    child = parent.fork()
    parent.close()
    assert child.sys.getppid() == 1
    child.close()


def test_setpgid_rules_after_exec(k: Any) -> None:
    with k.fork() as child:
        k.sys.setpgid(child.pid, child.pid)
        assert child.sys.getpgrp() == child.pid
        child.exec("own")
        assert code(k.sys.setpgid, child.pid, 0) == "EACCES"
        child.sys.setpgid(0, 0)


# -- limits


def test_nofile_acts(connect: Any) -> None:
    k = connect()
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (4, 100))
    assert k.sys.dup(1) == 3
    assert code(k.sys.dup, 1) == "EMFILE"
    assert code(k.sys.pipe) == "EMFILE"
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (5, 100))
    assert k.sys.dup(1) == 4


def test_nproc_stops_a_fork_bomb(connect: Any) -> None:
    k = connect()
    k.sys.setrlimit(rump.RLIMIT_NPROC, (3, 3))
    k.sys.setuid(4242)
    children = [k.fork(), k.fork()]
    assert code(k.fork) == "EAGAIN"
    assert code(k.prefork) == "EAGAIN"
    assert code(children[0].fork) == "EAGAIN"
    children.pop().close()
    children.append(k.fork())
    for child in children:
        child.close()


def test_sbsize_acts(connect: Any) -> None:
    """sbreserve: what the buffers of all sockets of a user may hold, full or not."""
    k = connect()
    k.sys.seteuid(5151)
    a = k.sys.socket(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    receive = k.sys.getsockopt(a, rump.SOL_SOCKET, rump.SO_RCVBUF).integer
    size = receive + k.sys.getsockopt(a, rump.SOL_SOCKET, rump.SO_SNDBUF).integer
    k.sys.setrlimit(rump.RLIMIT_SBSIZE, (2 * size + 100, 2 * size + 100))
    b = k.sys.socket(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    assert code(k.sys.socket, rump.AF_LOCAL, rump.SOCK_STREAM, 0) == "ENOBUFS"
    assert code(k.sys.socketpair, rump.AF_LOCAL, rump.SOCK_STREAM, 0) == "ENOBUFS"
    k.sys.setsockopt(a, rump.SOL_SOCKET, rump.SO_RCVBUF, receive + 100)
    assert code(k.sys.setsockopt, a, rump.SOL_SOCKET, rump.SO_RCVBUF, receive + 101) == "ENOBUFS"
    assert code(k.sys.setsockopt, b, rump.SOL_SOCKET, rump.SO_SNDBUF, size) == "ENOBUFS"
    with k.fork() as child:
        assert code(child.sys.socket, rump.AF_LOCAL, rump.SOCK_STREAM, 0) == "ENOBUFS"
    k.sys.close(b)
    k.sys.close(k.sys.socket(rump.AF_LOCAL, rump.SOCK_STREAM, 0))
    with connect() as other:
        other.sys.close(other.sys.socket(rump.AF_LOCAL, rump.SOCK_STREAM, 0))  # of another user


def test_fsize_acts(connect: Any, folder: str) -> None:
    k = connect()
    seen: list[int] = []
    k.on_signal(seen.append)
    k.sys.setrlimit(rump.RLIMIT_FSIZE, (1000, 2000))
    fd = k.sys.open(f"{folder}/f", os.O_CREAT | os.O_RDWR, 0o644)
    assert k.sys.write(fd, bytes(1000)) == 1000
    assert code(k.sys.write, fd, b"x") == "EFBIG"
    assert code(k.sys.pwrite, fd, b"xx", 999) == "EFBIG"
    assert k.sys.fstat(fd).st_size == 1000
    deadline = time.monotonic() + 10
    while seen != [rump.SIGXFSZ] * 2:
        assert time.monotonic() < deadline, seen
        time.sleep(0.005)
    k.sys.setrlimit(rump.RLIMIT_FSIZE, (2000, 2000))
    assert k.sys.write(fd, b"x") == 1

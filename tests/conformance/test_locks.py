"""Advisory locks between processes, in every placement: who holds them, who waits, and how they end."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from typing import Any

import pytest

import rump
from rump import Flock
from tests.conformance.test_descriptors import code, write_file


def lock(k: Any, fd: int, kind: int, start: int = 0, length: int = 0, cmd: int = fcntl.F_SETLK) -> Any:
    return k.sys.fcntl(fd, cmd, lock=Flock(start, length, 0, kind, os.SEEK_SET))


def holder(k: Any, fd: int) -> int:
    found = lock(k, fd, fcntl.F_WRLCK, cmd=fcntl.F_GETLK).lock
    return 0 if found.l_type == fcntl.F_UNLCK else int(found.l_pid)


@pytest.fixture
def pair(connect: Any, folder: str) -> tuple[Any, int, Any, int]:
    """Two processes with one file open each for itself."""
    a, b = connect(), connect()
    write_file(a, f"{folder}/f", bytes(100))
    return a, a.sys.open(f"{folder}/f", os.O_RDWR), b, b.sys.open(f"{folder}/f", os.O_RDWR)


def in_thread(call: Any) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_ranges_and_their_owner(pair: tuple[Any, int, Any, int]) -> None:
    a, f, b, g = pair
    lock(a, f, fcntl.F_WRLCK, 0, 50)
    assert code(lock, b, g, fcntl.F_RDLCK, 49, 1) == "EAGAIN"
    lock(b, g, fcntl.F_RDLCK, 50, 10)
    assert holder(b, g) == a.sys.getpid()
    assert holder(a, f) == b.sys.getpid()


def test_waiting_for_a_range(pair: tuple[Any, int, Any, int]) -> None:
    a, f, b, g = pair
    lock(a, f, fcntl.F_WRLCK)
    thread = in_thread(lambda: lock(b, g, fcntl.F_WRLCK, cmd=fcntl.F_SETLKW))
    lock(a, f, fcntl.F_UNLCK)
    thread.join(20)
    assert holder(a, f) == b.sys.getpid()


def test_closing_another_descriptor_of_the_file(pair: tuple[Any, int, Any, int]) -> None:
    a, f, b, g = pair
    other = a.sys.dup(f)
    for close in (
        lambda: a.sys.close(a.sys.dup(f)),
        lambda: a.sys.dup2(f, other),
        lambda: a.sys.close(f),
    ):
        lock(a, f, fcntl.F_WRLCK)
        close()
        assert holder(b, g) == 0


def test_a_process_ends(pair: tuple[Any, int, Any, int]) -> None:
    a, f, b, g = pair
    lock(a, f, fcntl.F_WRLCK)
    thread = in_thread(lambda: lock(b, g, fcntl.F_WRLCK, cmd=fcntl.F_SETLKW))
    a.close()
    thread.join(20)
    assert not thread.is_alive()


def test_flock_belongs_to_the_description(pair: tuple[Any, int, Any, int]) -> None:
    a, f, b, g = pair
    a.sys.flock(f, fcntl.LOCK_EX)
    copy = a.sys.dup(f)
    a.sys.close(f)
    assert code(b.sys.flock, g, fcntl.LOCK_SH | fcntl.LOCK_NB) == "EAGAIN"
    thread = in_thread(lambda: b.sys.flock(g, fcntl.LOCK_EX))
    a.sys.close(copy)
    thread.join(20)
    assert not thread.is_alive()
    reader, writer = a.sys.pipe()
    assert code(a.sys.flock, reader, fcntl.LOCK_EX) == "EOPNOTSUPP"
    a.sys.close(writer)


def test_open_with_a_lock(pair: tuple[Any, int, Any, int], folder: str) -> None:
    a, _, b, g = pair
    fd = a.sys.open(f"{folder}/f", os.O_RDWR | rump.O_EXLOCK)
    assert code(b.sys.flock, g, fcntl.LOCK_SH | fcntl.LOCK_NB) == "EAGAIN"
    with pytest.raises(BlockingIOError) as caught:
        b.sys.open(f"{folder}/f", os.O_RDONLY | os.O_NONBLOCK | rump.O_SHLOCK)
    assert caught.value.errno == errno.EAGAIN
    a.sys.close(fd)
    b.sys.flock(g, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_the_arguments_of_a_mount(k: Any, folder: str) -> None:
    assert k.sys.mount("tmpfs", folder, size_max=1 << 20) is None
    assert k.sys.mount("tmpfs", folder, rump.MNT_GETARGS).size_max == 1 << 20
    k.sys.unmount(folder)
    assert code(k.sys.mount, "tmpfs", folder, rump.MNT_GETARGS) == "EINVAL"


def test_read_only_while_a_file_is_open_for_writing(k: Any, folder: str) -> None:
    k.sys.mount("tmpfs", folder, size_max=1 << 20)
    fd = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.fsync(fd)
    k.sys.fdatasync(fd)
    k.sys.fsync_range(fd, rump.FDATASYNC)
    assert code(k.sys.mount, "tmpfs", folder, rump.MNT_UPDATE | rump.MNT_RDONLY) == "EBUSY"
    k.sys.close(fd)
    k.sys.mount("tmpfs", folder, rump.MNT_UPDATE | rump.MNT_RDONLY)
    assert code(k.sys.mkdir, f"{folder}/d") == "EROFS"
    k.sys.unmount(folder)
    k.sys.sync()

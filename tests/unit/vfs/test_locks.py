"""Advisory locks: flock, ranges of fcntl, waiting, circles, bounds, and how locks end."""

from __future__ import annotations

from typing import Any

import pytest

from rumpuser.component import Context
from rumpuser.pending import Running
from rumpvfs.core import locks
from rumpwire import const
from rumpwire.const import F_GETLK, F_RDLCK, F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Flock
from tests.unit.vfs.kit import Kit, fails, user

ONE, TWO, THREE = Context(pid=1), Context(pid=2), Context(pid=3)


@pytest.fixture
def k() -> Kit:
    kit = Kit()
    kit.put(b"/f", bytes(100))
    return kit


def lock(kind: int, start: int = 0, length: int = 0, whence: int = const.SEEK_SET) -> Flock:
    return Flock(start, length, 0, kind, whence)


class Process:
    """One process with the file open."""

    def __init__(self, k: Kit, ctx: Context, flags: int = const.O_RDWR, path: bytes = b"/f") -> None:
        self.k = k
        self.ctx = ctx
        with k.as_(ctx):
            self.fd = k.open(path, flags, None)

    def fcntl(self, cmd: int, *args: int) -> Any:
        with self.k.as_(self.ctx):
            return self.k.start("fcntl", self.fd, cmd, 0, lock(*args))

    def flock(self, how: int) -> Any:
        with self.k.as_(self.ctx):
            return self.k.start("flock", self.fd, how)

    def close(self) -> None:
        with self.k.as_(self.ctx):
            self.k.close(self.fd)

    def sees(self, *args: int) -> tuple[int, int, int, int]:
        """F_GETLK: kind, start, length and owner of what is in the way."""
        found = self.fcntl(F_GETLK, *args).lock
        return found.l_type, found.l_start, found.l_len, found.l_pid


def outcome(running: Running[Any]) -> Any:
    assert running.outcome.done
    return running.outcome.result()


def test_ranges_of_processes(k: Kit) -> None:
    a, b = Process(k, ONE), Process(k, TWO)
    a.fcntl(F_SETLK, F_WRLCK, 10, 20)
    assert b.sees(F_RDLCK) == (F_WRLCK, 10, 20, 1)
    assert b.sees(F_WRLCK, 30, 0)[0] == F_UNLCK
    assert a.sees(F_WRLCK)[0] == F_UNLCK
    with fails(Errno.EAGAIN):
        b.fcntl(F_SETLK, F_RDLCK, 29, 1)
    b.fcntl(F_SETLK, F_WRLCK, 30, 1)
    a.fcntl(F_SETLK, F_UNLCK, 15, 5)
    assert b.sees(F_RDLCK, 15) == (F_WRLCK, 20, 10, 1)
    b.fcntl(F_SETLK, F_RDLCK, 15, 5)
    a.fcntl(F_SETLK, F_RDLCK, 0, 20)
    assert a.sees(F_WRLCK, 0, 20) == (F_RDLCK, 15, 5, 2)


def test_what_a_struct_flock_means(k: Kit) -> None:
    a, b = Process(k, ONE), Process(k, TWO)
    k.lseek(a.fd, 40, const.SEEK_SET)
    a.fcntl(F_SETLK, F_WRLCK, -10, 5, const.SEEK_CUR)
    assert b.sees(F_WRLCK)[1:3] == (30, 5)
    a.fcntl(F_SETLK, F_UNLCK)
    a.fcntl(F_SETLK, F_WRLCK, 0, -10, const.SEEK_END)
    assert b.sees(F_WRLCK)[1:3] == (90, 10)
    for args, errno in [
        ((F_WRLCK, -1), Errno.EINVAL),
        ((F_WRLCK, 5, -6), Errno.EINVAL),
        ((F_WRLCK, 0, 0, 9), Errno.EINVAL),
        ((9, 0), Errno.EINVAL),
        ((F_WRLCK, (1 << 63) - 1, 2), Errno.EOVERFLOW),
    ]:
        with fails(errno):
            a.fcntl(F_SETLK, *args)
    with fails(Errno.EINVAL):
        a.fcntl(F_GETLK, F_UNLCK)
    with fails(Errno.EINVAL):
        k.fcntl(a.fd, F_SETLK, 0, None)
    with fails(Errno.EBADF):
        Process(k, ONE, const.O_RDONLY).fcntl(F_SETLK, F_WRLCK)
    with fails(Errno.EBADF):
        Process(k, ONE, const.O_WRONLY).fcntl(F_SETLK, F_RDLCK)


def test_waiting(k: Kit) -> None:
    a, b, c = Process(k, ONE), Process(k, TWO), Process(k, THREE)
    a.fcntl(F_SETLK, F_WRLCK, 0, 10)
    waiting, other = b.fcntl(F_SETLKW, F_WRLCK, 5, 10), c.fcntl(F_SETLKW, F_RDLCK, 0, 2)
    assert isinstance(waiting, Running)
    a.fcntl(F_SETLK, F_UNLCK, 0, 3)
    assert outcome(other).value == 0
    assert not waiting.outcome.done
    a.fcntl(F_SETLK, F_RDLCK, 3, 7)
    assert not waiting.outcome.done
    a.fcntl(F_SETLK, F_UNLCK)
    outcome(waiting)
    assert a.sees(F_WRLCK, 3) == (F_WRLCK, 5, 10, 2)


def test_a_wait_is_cancelled(k: Kit) -> None:
    a, b = Process(k, ONE), Process(k, TWO)
    a.fcntl(F_SETLK, F_WRLCK)
    waiting = b.fcntl(F_SETLKW, F_WRLCK)
    waiting.cancel()
    with fails(Errno.EINTR):
        outcome(waiting)
    a.fcntl(F_SETLK, F_UNLCK)
    assert a.sees(F_WRLCK)[0] == F_UNLCK


def test_circles(k: Kit) -> None:
    a, b, c = Process(k, ONE), Process(k, TWO), Process(k, THREE)
    for at, process in enumerate((a, b, c)):
        process.fcntl(F_SETLK, F_WRLCK, at, 1)
    first, second = a.fcntl(F_SETLKW, F_WRLCK, 1, 1), b.fcntl(F_SETLKW, F_WRLCK, 2, 1)
    with fails(Errno.EDEADLK):
        c.fcntl(F_SETLKW, F_RDLCK, 0, 1)
    c.fcntl(F_SETLK, F_UNLCK)
    outcome(second)
    b.fcntl(F_SETLK, F_UNLCK)
    outcome(first)


def test_any_close_of_the_file_ends_the_ranges_of_the_process(k: Kit) -> None:
    a, again, b = Process(k, ONE), Process(k, ONE), Process(k, TWO)
    a.fcntl(F_SETLK, F_WRLCK)
    waiting = b.fcntl(F_SETLKW, F_WRLCK)
    again.close()
    outcome(waiting)
    b.close()
    a.fcntl(F_SETLK, F_WRLCK)
    with k.as_(TWO):
        k.lock_release(a.fd)  # of another process: nothing to do with it
    assert Process(k, TWO).sees(F_WRLCK)[3] == 1
    with k.as_(ONE):
        k.lock_release(a.fd)
    assert Process(k, TWO).sees(F_WRLCK)[0] == F_UNLCK
    a.fcntl(F_SETLK, F_WRLCK)
    with k.as_(ONE):
        k.lock_release(0)
    assert Process(k, TWO).sees(F_WRLCK)[0] == F_UNLCK


def test_closed_while_waiting(k: Kit) -> None:
    a, b = Process(k, ONE), Process(k, TWO)
    a.fcntl(F_SETLK, F_WRLCK)
    waiting = b.fcntl(F_SETLKW, F_WRLCK)
    b.close()
    with fails(Errno.EBADF):
        outcome(waiting)


def test_flock(k: Kit) -> None:
    a, b = Process(k, ONE, const.O_RDONLY), Process(k, ONE, const.O_RDONLY)
    a.flock(LOCK_SH)
    b.flock(LOCK_SH | LOCK_NB)
    with fails(Errno.EAGAIN):
        b.flock(LOCK_EX | LOCK_NB)
    waiting = b.flock(LOCK_EX)
    assert not waiting.outcome.done
    a.flock(LOCK_EX)  # its own lock is not in the way, and that of b was given up
    a.flock(LOCK_UN)
    outcome(waiting)
    with fails(Errno.EAGAIN):
        a.flock(LOCK_SH | LOCK_NB)
    b.flock(LOCK_SH)
    a.flock(LOCK_SH | LOCK_NB)
    for how in (0, LOCK_SH | LOCK_EX, LOCK_NB, 99):
        with fails(Errno.EINVAL):
            a.flock(how)


def test_flock_and_ranges_exclude_one_another(k: Kit) -> None:
    a, b = Process(k, ONE), Process(k, TWO)
    a.flock(LOCK_EX)
    assert b.sees(F_RDLCK) == (F_WRLCK, 0, 0, -1)
    waiting = b.fcntl(F_SETLKW, F_RDLCK, 5, 5)
    a.close()
    outcome(waiting)


def test_locked_from_the_start(k: Kit) -> None:
    a = Process(k, ONE, const.O_RDWR | const.O_EXLOCK)
    files = len(k.vfs.files)
    with fails(Errno.EAGAIN):
        Process(k, TWO, const.O_RDONLY | const.O_SHLOCK | const.O_NONBLOCK)
    assert len(k.vfs.files) == files
    waiting = k.start("open", b"/f", const.O_RDWR | const.O_EXLOCK, None)
    a.close()
    assert outcome(waiting) in k.vfs.files
    fresh = k.open(b"/new", const.O_CREAT | const.O_RDWR | const.O_EXLOCK, 0o600)
    with fails(Errno.EAGAIN):
        Process(k, TWO, const.O_RDWR, b"/new").flock(LOCK_SH | LOCK_NB)
    k.close(fresh)


def test_bounds(k: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    k.chmod(b"/f", 0o666)
    common = Process(k, user(100))
    for at in range(locks.PER_USER):
        common.fcntl(F_SETLK, F_WRLCK, 2 * at, 1)
    with fails(Errno.ENOLCK):
        common.fcntl(F_SETLK, F_WRLCK, 9999, 1)
    root = Process(k, ONE)
    root.fcntl(F_SETLK, F_WRLCK, 9999, 1)
    monkeypatch.setattr(locks, "TOTAL", 100)
    with fails(Errno.ENOLCK):
        root.fcntl(F_SETLK, F_WRLCK, 9997, 1)
    common.fcntl(F_SETLK, F_UNLCK)
    root.fcntl(F_SETLK, F_WRLCK, 9997, 1)


def test_revoked_and_unmounted_files_have_no_locks(k: Kit) -> None:
    k.mkdir(b"/mnt", 0o755)
    k.mount("tmpfs", b"/mnt", 0, None)
    k.put(b"/mnt/f")
    a, b = Process(k, ONE, path=b"/mnt/f"), Process(k, TWO, path=b"/mnt/f")
    a.fcntl(F_SETLK, F_WRLCK)
    waiting = b.fcntl(F_SETLKW, F_WRLCK)
    k.unmount(b"/mnt", const.MNT_FORCE)
    with pytest.raises(KernelError):
        outcome(waiting)
    a.close()
    b.close()


def test_what_has_no_locks(k: Kit) -> None:
    k.mkfifo(b"/p", 0o600)
    fd = k.open(b"/p", const.O_RDONLY | const.O_NONBLOCK, None)
    with fails(Errno.EOPNOTSUPP):
        k.flock(fd, LOCK_EX)
    with fails(Errno.EBADF):
        k.flock(99, LOCK_EX)

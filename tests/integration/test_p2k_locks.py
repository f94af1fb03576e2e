"""Locks of files on mounts of a kernel: one and the same for programs of the host, other mounts, and clients."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need
from tests.unit.clients.test_fuse import fuse, mounted, root

_WAITS = ("72", "73", "25", "32")
"""fcntl and flock, on x86-64 and aarch64."""
_LOCK = struct.Struct("hhqqi4x")


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs", "--placement", "server") as kernel:
        with rump.connect(kernel.url) as k:
            k.sys.mkdir("/mnt", 0o755)
            k.sys.mount("tmpfs", "/mnt")
        yield kernel


@pytest.fixture(scope="module")
def mnt(kernel: LiveKernel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with mounted(f"{kernel.url}:/mnt", tmp_path_factory.mktemp("locks") / "mnt") as mnt:
        yield mnt


@pytest.fixture
def both(kernel: LiveKernel, mnt: Path) -> Iterator[tuple[int, Any, int]]:
    """A file that is open here, and for a client of the kernel."""
    (mnt / "file").write_bytes(bytes(100))
    with rump.connect(kernel.url) as k, (mnt / "file").open("r+b") as file:
        yield file.fileno(), k, k.sys.open("/mnt/file", os.O_RDWR)


def far(k: Any, fd: int, kind: int, start: int = 0, length: int = 0, command: int = fcntl.F_SETLK) -> Any:
    return k.sys.fcntl(fd, command, lock=rump.Flock(start, length, 0, kind, os.SEEK_SET)).lock


def asked(fd: int, start: int = 0, length: int = 0) -> tuple[int, int, int, int, int]:
    """What keeps this program from a lock for writing: kind, whence, start, length, process."""
    wish = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    return _LOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, wish))


def locked_out(act: Any, *words: Any) -> bool:
    try:
        act(*words)
    except (BlockingIOError, PermissionError):
        return True
    return False


@fuse
def test_ranges(both: tuple[int, Any, int]) -> None:
    fd, k, theirs = both
    fcntl.lockf(fd, fcntl.LOCK_EX, 50, 10)
    assert locked_out(far, k, theirs, fcntl.F_RDLCK, 59, 1)
    far(k, theirs, fcntl.F_WRLCK, 60, 40)
    found = far(k, theirs, fcntl.F_WRLCK, command=fcntl.F_GETLK)
    assert (found.l_start, found.l_len, found.l_type) == (10, 50, fcntl.F_WRLCK)
    assert locked_out(fcntl.lockf, fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 99)
    assert asked(fd) == (fcntl.F_WRLCK, os.SEEK_SET, 60, 40, 0)
    assert asked(fd, 0, 60)[0] == fcntl.F_UNLCK  # its own lock is in nobody's way
    fcntl.lockf(fd, fcntl.LOCK_UN, 20, 20)
    far(k, theirs, fcntl.F_RDLCK, 20, 20)
    assert locked_out(far, k, theirs, fcntl.F_RDLCK, 19, 1)
    assert locked_out(far, k, theirs, fcntl.F_RDLCK, 40, 1)


@fuse
def test_to_the_end_of_the_file_and_beyond(both: tuple[int, Any, int]) -> None:
    fd, k, theirs = both
    fcntl.lockf(fd, fcntl.LOCK_SH)
    assert locked_out(far, k, theirs, fcntl.F_WRLCK, 1 << 40, 1)
    far(k, theirs, fcntl.F_RDLCK)
    assert locked_out(fcntl.lockf, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


@fuse
@pytest.mark.parametrize("end", ["close another descriptor", "kill"])
def test_locks_end_with_their_owner(both: tuple[int, Any, int], mnt: Path, end: str) -> None:
    fd, k, theirs = both
    code = (
        "import fcntl, os, sys\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.lockf(fd, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\n"
        "sys.stdin.readline()\n"
        "os.close(os.open(sys.argv[1], os.O_RDWR))\n"  # which ends its locks, says POSIX
        "print('closed', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    words = [sys.executable, "-c", code, str(mnt / "file")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "locked\n"
        assert asked(fd)[4] == program.pid
        assert locked_out(far, k, theirs, fcntl.F_WRLCK)
        if end == "kill":
            program.kill()
            program.wait(60)
        else:
            program.stdin.write("\n")
            program.stdin.flush()
            assert program.stdout.readline() == "closed\n"
        eventually(lambda: not locked_out(far, k, theirs, fcntl.F_WRLCK), 20, "free")
        program.kill()


@fuse
def test_who_waits_here(both: tuple[int, Any, int], mnt: Path) -> None:
    """Meanwhile the mount serves others."""
    fd, k, theirs = both
    far(k, theirs, fcntl.F_WRLCK)
    waiting = threading.Thread(target=fcntl.lockf, args=(fd, fcntl.LOCK_EX), daemon=True)
    waiting.start()
    (mnt / "other").write_text("served")
    assert (mnt / "other").read_text() == "served"
    assert waiting.is_alive()
    far(k, theirs, fcntl.F_UNLCK)
    waiting.join(20)
    assert not waiting.is_alive()
    assert locked_out(far, k, theirs, fcntl.F_RDLCK)


@fuse
def test_who_waits_there(both: tuple[int, Any, int]) -> None:
    fd, k, theirs = both
    fcntl.lockf(fd, fcntl.LOCK_EX)
    waiting = threading.Thread(
        target=far, args=(k, theirs, fcntl.F_WRLCK), kwargs={"command": fcntl.F_SETLKW}, daemon=True
    )
    waiting.start()
    fcntl.lockf(fd, fcntl.LOCK_UN)
    waiting.join(20)
    assert not waiting.is_alive()
    assert locked_out(fcntl.lockf, fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


@fuse
@pytest.mark.parametrize("lock", ["lockf", "flock"])
def test_a_wait_that_is_interrupted(both: tuple[int, Any, int], mnt: Path, lock: str) -> None:
    """It is over in the kernel, too: the lock goes to the next."""
    _, k, theirs = both
    code = (
        "import fcntl, signal, sys\n"
        "class Late(Exception): pass\n"
        "def late(*_): raise Late\n"
        "signal.signal(signal.SIGUSR1, late)\n"
        "file = open(sys.argv[1], 'r+b')\n"
        "print('waits', flush=True)\n"
        "try: getattr(fcntl, sys.argv[2])(file, fcntl.LOCK_EX)\n"
        "except Late: print('interrupted', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    _ = far(k, theirs, fcntl.F_WRLCK) if lock == "lockf" else k.sys.flock(theirs, fcntl.LOCK_EX)
    words = [sys.executable, "-c", code, str(mnt / "file"), lock]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "waits\n"
        call = Path(f"/proc/{program.pid}/syscall")
        eventually(lambda: call.read_text().split()[0] in _WAITS, 20, "asleep")
        program.send_signal(signal.SIGUSR1)
        assert program.stdout.readline() == "interrupted\n"
        _ = far(k, theirs, fcntl.F_UNLCK) if lock == "lockf" else k.sys.flock(theirs, fcntl.LOCK_UN)
        with (mnt / "file").open("r+b") as file:
            getattr(fcntl, lock)(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        program.kill()


@fuse
def test_flock(both: tuple[int, Any, int], mnt: Path) -> None:
    fd, k, theirs = both
    fcntl.flock(fd, fcntl.LOCK_SH)
    k.sys.flock(theirs, fcntl.LOCK_SH)
    assert locked_out(k.sys.flock, theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    k.sys.flock(theirs, fcntl.LOCK_UN)
    with (mnt / "file").open("rb") as other:
        waiting = threading.Thread(target=fcntl.flock, args=(other, fcntl.LOCK_EX), daemon=True)
        waiting.start()
        fcntl.flock(fd, fcntl.LOCK_UN)
        waiting.join(20)
        assert not waiting.is_alive()
        assert locked_out(k.sys.flock, theirs, fcntl.LOCK_SH | fcntl.LOCK_NB)
    # Linux tells of a closed file later.
    eventually(lambda: not locked_out(k.sys.flock, theirs, fcntl.LOCK_EX | fcntl.LOCK_NB), 20, "free")


@fuse
def test_a_file_without_a_name(kernel: LiveKernel, mnt: Path) -> None:
    with (mnt / "gone").open("w+b") as file:
        (mnt / "gone").unlink()
        fcntl.lockf(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_UN)


@fuse
def test_nothing_is_left_behind(kernel: LiveKernel, mnt: Path) -> None:
    with rump.connect(kernel.url) as k:
        before = len(k.processes())
        for number in range(10):
            with (mnt / f"f{number}").open("w+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
        eventually(lambda: len(k.processes()) <= before, 20, "gone")


@fuse
def test_files_that_others_replace(kernel: LiveKernel, mnt: Path) -> None:
    """A name that the host still knows leads to what is there now, or may be made anew."""
    with rump.connect(kernel.url) as k:
        tree = rump.fs.Tree(k, "/mnt")
        for number in range(20):
            (mnt / "config").write_text("old")
            tree.write_text("new", f"{number}")
            tree.rename("new", "config")
            assert (mnt / "config").read_text() == f"{number}"
            tree.remove("config")
            with (mnt / "config").open("x" if number % 2 else "w") as file:
                file.write("mine")
            assert tree.read_text("config") == "mine"


@fuse
@root
def test_sqlite_on_two_mounts(kernel: LiveKernel, tmp_path: Path) -> None:
    """Two programs on each mount write to one data base: none of their rows is lost. For that no names are kept."""
    sqlite = need("sqlite3")
    with contextlib.ExitStack() as stack:
        words = (f"{kernel.url}:/mnt", "-o", "attr_timeout=0,entry_timeout=0")
        folders = [stack.enter_context(mounted(words[0], tmp_path / f"m{n}", *words[1:])) for n in range(2)]
        base = [str(folder / "base") for folder in folders]
        subprocess.run([sqlite, base[0], "create table t(a integer primary key, b text)"], check=True)
        insert = "pragma busy_timeout=50000; " + "".join(f"insert into t(b) values('{n}');" for n in range(5))
        programs = [subprocess.Popen([sqlite, path, insert], stdout=subprocess.DEVNULL) for path in base * 2]
        assert [program.wait(120) for program in programs] == [0] * 4
        query = "select count(*) from t; pragma integrity_check"
        found = subprocess.run([sqlite, base[1], query], check=True, capture_output=True, text=True).stdout
        assert found.split() == ["20", "ok"]

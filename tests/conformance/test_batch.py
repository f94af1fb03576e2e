"""Batches: many calls in one message, later ones with results of earlier ones."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

import rump


def test_open_fstat_read_close_in_one_batch(k: Any, folder: str) -> None:
    data = os.urandom(65536)
    with k.batch() as b:
        f = b.open(f"{folder}/big", os.O_RDWR | os.O_CREAT, 0o644)
        n = b.write(f, data)
        b.close(f)
    assert n.result() == len(data)
    with k.batch() as b:
        f = b.open(f"{folder}/big", os.O_RDONLY)
        s = b.fstat(f)
        d = b.pread(f, s.st_size, 0)
        b.close(f)
    assert s.result().st_size == len(data)
    assert d.result() == data
    assert f.result() == 3
    with pytest.raises(OSError):  # noqa: PT011
        k.sys.read(3, 1)


def test_the_same_as_one_by_one(k: Any, folder: str) -> None:
    with k.batch() as b:
        one = b.open(folder, os.O_RDONLY)
        two = b.open(folder, os.O_RDONLY)
        b.close(one)
        three = b.open(folder, os.O_RDONLY)
        pid = b.getpid()
        four = b.dup(two)
        b.close(two)
        five = b.open(folder, os.O_RDONLY)
    assert [f.result() for f in (one, two, three, four, five)] == [3, 4, 3, 5, 4]
    assert pid.result() == k.sys.getpid()


def test_stops_at_the_first_error(k: Any, folder: str) -> None:
    b = k.batch()
    with b:
        b.mkdir(f"{folder}/a", 0o755)
        bad = b.open(f"{folder}/none", os.O_RDONLY)
        late = b.mkdir(f"{folder}/b", 0o755)
    with pytest.raises(FileNotFoundError):
        bad.result()
    with pytest.raises(OSError, match="left out") as caught:
        late.result()
    assert caught.value.errno == errno.ECANCELED
    assert k.sys.stat(f"{folder}/a").st_nlink >= 2
    with pytest.raises(FileNotFoundError):
        k.sys.stat(f"{folder}/b")


def test_goes_on_when_asked(k: Any, folder: str) -> None:
    with k.batch(keep_going=True) as b:
        bad = b.open(f"{folder}/none", os.O_RDONLY)
        needs = b.read(bad, 10)
        good = b.getpid()
        made = b.mkdir(f"{folder}/c", 0o755)
    with pytest.raises(FileNotFoundError):
        bad.result()
    with pytest.raises(OSError, match="needs the result of call 0"):
        needs.result()
    assert good.result() == k.sys.getpid()
    assert made.result() is None
    assert k.sys.open(folder, os.O_RDONLY) == 3


def test_runs_over_several_owners(k: Any, folder: str) -> None:
    with k.batch() as b:
        p = b.pipe()
        f = b.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o600)
        b.write(p.wfd, b"through the pipe")
        b.write(f, b"into the file")
        got = b.read(p.rfd, 100)
        b.lseek(f, 0, os.SEEK_SET)
        back = b.read(f, 100)
        s = b.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
        b.write(s.s1, b"and the socket")
        sock = b.read(s.s2, 100)
    assert (got.result(), back.result(), sock.result()) == (b"through the pipe", b"into the file", b"and the socket")


def test_many_calls(k: Any) -> None:
    with k.batch() as b:
        pids = [b.getpid() for _ in range(256)]
    assert {p.result() for p in pids} == {k.sys.getpid()}


def test_a_batch_that_waits_is_ended_by_another_process(k: Any, connect: Any) -> None:
    r, w = k.sys.pipe()
    child = k.fork()
    try:
        child.sys.write(w, b"x")
        with k.batch() as b:
            first = b.read(r, 1)
            pid = b.getpid()
        assert first.result() == b"x"
        assert pid.result() == k.sys.getpid()
    finally:
        child.close()

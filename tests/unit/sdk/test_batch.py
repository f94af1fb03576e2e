"""Batches: steps, references, outcomes."""

from __future__ import annotations

import errno
import os

import pytest

import rump
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference
from rumpwire.values import AcceptResult, PipeResult
from tests.unit.sdk.fakes import failing, fake


def test_a_result_as_an_argument_is_a_reference() -> None:
    k, c = fake({"open": 3, "fstat": rump.Stat(st_size=9), "pread": b"123456789"})
    with k.batch() as b:
        f = b.open("/big", os.O_RDONLY)
        s = b.fstat(f)
        d = b.pread(f, s.st_size, 0)
        b.close(f)
    steps = c.batches[0]
    assert [step.op.name for step in steps] == ["open", "fstat", "pread", "close"]
    assert steps[0].args == (b"/big", 0, None)
    assert list(steps[1].references) == [Reference(0, 0)]
    assert list(steps[2].references) == [Reference(0, 0), Reference(1, 1, ("sb", "st_size"))]
    assert steps[2].args[2] == 0
    assert (f.result(), s.result().st_size, d.result()) == (3, 9, b"123456789")


def test_fields_of_results_by_name_index_and_unpacking() -> None:
    k, c = fake({"pipe": PipeResult(3, 4), "accept": AcceptResult(5, rump.SockaddrIn(b"\1\2\3\4", 6))})
    with k.batch() as b:
        p = b.pipe()
        b.write(p.wfd, b"x")
        b.read(p[0], 1)
        r, w = p
        b.close(r)
        a = b.accept(w)
        b.lseek(a.s, a.name.sin_port)
    references = [list(step.references) for step in c.batches[0]]
    assert references[1:] == [
        [Reference(0, 0, ("wfd",))],
        [Reference(0, 0, ("rfd",))],
        [Reference(0, 0, ("rfd",))],
        [Reference(0, 0, ("wfd",))],
        [Reference(4, 0, ("s",)), Reference(4, 1, ("name", "sin_port"))],
    ]
    assert p.result() == (3, 4)


def test_what_follows_an_error_is_left_out() -> None:
    k, _ = fake({"open": failing(Errno.ENOENT, "no such name"), "getpid": (7, 1)})
    with k.batch() as b:
        f = b.open("/none")
        pid = b.getpid()
    with pytest.raises(FileNotFoundError) as caught:
        f.result()
    assert caught.value.filename == "/none"
    assert isinstance(f.exception(), FileNotFoundError)
    with pytest.raises(OSError, match="left out") as late:
        pid.result()
    assert late.value.errno == errno.ECANCELED


def test_going_on() -> None:
    k, _ = fake({"open": failing(Errno.ENOENT), "geteuid": 7})
    with k.batch(keep_going=True) as b:
        b.open("/none")
        uid = b.geteuid()
    assert uid.result() == 7


def test_nothing_is_there_before_the_end() -> None:
    k, c = fake({"geteuid": 7})
    with k.batch() as b:
        uid = b.geteuid()
        assert not uid.done()
        with pytest.raises(RuntimeError, match="not been done"):
            uid.result()
    assert uid.done()
    assert len(b) == 1
    with pytest.raises(ZeroDivisionError), k.batch() as b:
        b.lseek(3, 1 // 0)
    assert len(c.batches) == 1, "a block that fails sends nothing"


def test_bad_arguments_and_foreign_references_are_told_at_once() -> None:
    k, _ = fake()
    with k.batch() as one:
        f = one.open("/x")
    with k.batch() as b:
        with pytest.raises(OSError, match="no such flags"):
            b.open("/x", 1 << 60)
        with pytest.raises(ValueError, match="another batch"):
            b.close(f)
        with pytest.raises(AttributeError, match="rfd"):
            _ = b.pipe().nothing
        with pytest.raises(TypeError, match="one value"):
            _, _ = b.geteuid()
        with pytest.raises(TypeError, match="indexed"):
            b.geteuid()[0]


def test_a_batch_that_cannot_be_sent() -> None:
    k, c = fake()

    def refuse(steps: object, keep_going: bool) -> list[object]:
        raise KernelError(Errno.EMSGSIZE, "too long", "connection")

    c.run = refuse  # type: ignore[method-assign]
    b = k.batch()
    b.geteuid()
    with pytest.raises(OSError, match="too long"):
        b.run()

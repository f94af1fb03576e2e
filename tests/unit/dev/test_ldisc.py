"""The line discipline where the kernel of the host cannot say (see tests/property/test_ldisc_kernel.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpdev.core.tty.ldisc import INPUT_MAX, LineDiscipline
from rumpdev.core.tty.output import ECHO_MAX, OUTPUT_MAX
from rumpdev.core.tty.settings import DEFAULTS, Signal
from rumpwire import const
from rumpwire.errno import KernelError

RAW = DEFAULTS._replace(c_iflag=0, c_oflag=0, c_lflag=0)


@pytest.fixture
def tty() -> LineDiscipline:
    return LineDiscipline()


def shown(tty: LineDiscipline, typed: bytes) -> bytes:
    """What appears when this is typed."""
    assert tty.receive(typed) == len(typed)
    return tty.transmit(1 << 16)


def test_signals_flush_and_are_echoed(tty: LineDiscipline) -> None:
    tty.receive(b"line\nunfinished")
    tty.write(b"printed")
    assert shown(tty, b"\x03") == b"^C"
    assert (tty.signals, tty.finished, tty.available) == ([Signal.INT], False, 0)
    tty.receive(b"\x1c")
    tty.write(b"kept")
    tty.receive(b"gone\x1a")
    assert tty.signals == [Signal.INT, Signal.QUIT, Signal.TSTP]
    assert tty.transmit(100) == b"^\\keptgone^Z"  # VSUSP drops only what was typed
    assert shown(tty, b"\n") == b"\r\n"
    assert tty.read(100) == b"\n"


def test_end_of_file(tty: LineDiscipline) -> None:
    assert shown(tty, b"ab\x04") == b"ab^D\b\b"
    tty.receive(b"\x04\x16\x04\n")
    assert [tty.read(100), tty.read(100), tty.read(100)] == [b"ab", b"", b"\x04\n"]
    assert not tty.finished
    tty.receive(b"ab\x04c\n")
    assert [tty.read(2), tty.read(1), tty.read(9)] == [b"ab", b"c", b"\n"]  # no empty read for an end that was met


def test_a_line_longer_than_the_queue_is_cut(tty: LineDiscipline) -> None:
    shown(tty, b"x" * INPUT_MAX)
    assert shown(tty, b"yyy") == b"\a\a\a"
    tty.receive(b"\x7f\n")
    assert len(tty.read(1 << 16)) == INPUT_MAX


def test_what_can_be_read_is_not_cut(tty: LineDiscipline) -> None:
    tty.receive(b"line\n")
    done = tty.receive(b"x" * 4000)
    assert done < INPUT_MAX
    assert tty.full
    assert tty.read(100) == b"line\n"
    assert not tty.full


def test_printing_is_bounded(tty: LineDiscipline) -> None:
    assert tty.write(b"x" * 10000) == OUTPUT_MAX
    assert tty.write(b"x") == 0
    for _ in range(20):
        tty.receive(b"y" * 1000 + b"\x15")
    assert len(tty.output) <= ECHO_MAX
    assert len(tty.transmit(1 << 20)) <= ECHO_MAX
    tty.set(RAW)
    assert tty.write(b"\n" * 10000) == OUTPUT_MAX


def test_stop_and_start(tty: LineDiscipline) -> None:
    tty.receive(b"\x13")
    assert tty.write(b"later") == 5
    assert tty.transmit(100) == b""
    tty.receive(b"\x11")
    assert tty.transmit(100) == b"later"
    tty.receive(b"\x13z")  # IXANY is among the defaults
    assert tty.transmit(100) == b"z"
    tty.set(DEFAULTS._replace(c_iflag=const.IXON))
    tty.receive(b"\x13z")
    assert tty.transmit(100) == b""
    assert tty.events == const.TIOCPKT_STOP
    one = bytearray(DEFAULTS.c_cc)
    one[const.VSTART] = one[const.VSTOP]
    tty.set(DEFAULTS._replace(c_cc=bytes(one)))
    tty.receive(b"\x13")
    assert tty.transmit(100) == b"z"


def test_the_terminal_is_asked_to_wait(tty: LineDiscipline) -> None:
    tty.set(RAW._replace(c_iflag=const.IXOFF))
    tty.receive(b"x" * (INPUT_MAX // 2))
    assert tty.transmit(100) == b"\x13"
    tty.read(INPUT_MAX // 4)
    assert tty.transmit(100) == b""
    tty.read(INPUT_MAX)
    assert tty.transmit(100) == b"\x11"


def test_discarding_output(tty: LineDiscipline) -> None:
    tty.write(b"before")
    assert shown(tty, b"\x0f") == b"^O"
    assert tty.write(b"dropped") == 7
    assert tty.transmit(100) == b""
    assert tty.termios.c_lflag & const.FLUSHO
    tty.receive(b"\x0f")
    tty.write(b"after")
    assert tty.transmit(100) == b"after"


def test_editing_behind_what_a_program_printed(tty: LineDiscipline) -> None:
    """The line is printed anew, and so it is for VREPRINT, with the finished lines before it."""
    shown(tty, b"abc")
    tty.write(b"\nnews")
    assert tty.transmit(100) == b"\r\nnews"
    assert shown(tty, b"\x7f") == b"^R\r\nab"
    assert shown(tty, b"d\x12") == b"d^R\r\nabd"
    tty.receive(b"\n")
    assert tty.read(100) == b"abd\n"


def test_paper_terminals(tty: LineDiscipline) -> None:
    tty.set(DEFAULTS._replace(c_lflag=DEFAULTS.c_lflag & ~const.ECHOE | const.ECHOPRT))
    assert shown(tty, b"abc\x7f\x7fd\n") == b"abc\\cb/d\r\n"
    assert tty.read(9) == b"ad\n"


@pytest.mark.parametrize(("flag", "left"), [(0, b"one "), (const.ALTWERASE, b"one two.")])
def test_words(tty: LineDiscipline, flag: int, left: bytes) -> None:
    tty.set(DEFAULTS._replace(c_lflag=DEFAULTS.c_lflag | flag))
    tty.receive(b"one two.three\x17\n")
    assert tty.read(100) == left + b"\n"


def test_delayed_suspend(tty: LineDiscipline) -> None:
    tty.receive(b"a\x19b\n")
    assert not tty.signals
    assert tty.read(100) == b"ab\n"
    assert tty.signals == [Signal.TSTP]


def test_from_lines_to_none_and_back(tty: LineDiscipline) -> None:
    tty.receive(b"line\nrest")
    tty.set(RAW)
    assert tty.available == 9
    assert tty.read(5) == b"line\n"
    tty.receive(b"\x7f\nmore")
    tty.set(DEFAULTS)
    assert tty.read(100) == b"res\n"
    tty.receive(b"\n")
    assert tty.read(100) == b"more\n"


def test_settings_are_checked(tty: LineDiscipline) -> None:
    with pytest.raises(KernelError, match="EINVAL"):
        tty.set(DEFAULTS._replace(c_cc=b"\0"))


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40), st.integers(0, 0xFFFFFFFF)), max_size=40))
def test_whatever_comes(steps: list[tuple[int, bytes, int]]) -> None:
    """Any settings and any input: the queues stay bounded and nothing is raised."""
    tty = LineDiscipline()
    for what, data, flags in steps:
        if what == 0:
            cc = (data + DEFAULTS.c_cc)[: const.NCCS]
            tty.set(DEFAULTS._replace(c_iflag=flags, c_oflag=flags >> 8, c_lflag=flags ^ 0xFFFF, c_cc=cc))
        elif what == 1:
            assert 0 <= tty.receive(data * 30) <= len(data) * 30
        elif what == 2:
            assert 0 <= tty.write(data * 30) <= len(data) * 30
        else:
            tty.read(flags % 100)
            tty.transmit(flags % 5000)
        assert tty.available <= INPUT_MAX
        assert len(tty.output) <= ECHO_MAX + 16

"""The line discipline against that of the Linux kernel: a pty with the same settings, typed to and printed on alike.

Where the two differ on purpose it is not tried: Linux redraws only the line that is edited and not finished ones, takes
other characters as parts of words, flushes what a pty's other side has not fetched yet, and knows no VDISCARD.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpdev.core.tty.ldisc import LineDiscipline
from rumpdev.core.tty.settings import DEFAULTS
from rumpwire import const
from rumpwire.values import Termios

INPUT = ("ICRNL", "INLCR", "IGNCR", "ISTRIP", "IXON", "IXANY")
OUTPUT = ("OPOST", "ONLCR", "OCRNL", "ONOCR", "ONLRET", "OXTABS")
LOCAL = ("ECHO", "ECHOE", "ECHOK", "ECHOKE", "ECHONL", "ECHOCTL", "IEXTEN", "ISIG")
KEYS = {"VEOF": 4, "VEOL": 0x7C, "VERASE": 0x7F, "VWERASE": 23, "VKILL": 21, "VREPRINT": 18, "VLNEXT": 22}
KEYS |= {"VINTR": 3, "VQUIT": 28, "VSUSP": 26, "VSTART": 17, "VSTOP": 19}
SPECIAL = [bytes((c,)) for c in (*KEYS.values(), 9, 10, 13, 8, 0, 0xE9, 0xFF)]
END = b"<the end>"
PATIENCE_S = 10

words = st.text("abz09_", min_size=1, max_size=6).map(str.encode)
typed = st.one_of(words, st.just(b" "), st.sampled_from(SPECIAL), st.just(b"\n"), st.just(b"\x7f"))
printed = st.lists(st.one_of(words, st.sampled_from([b"\t", b"\n", b"\r", b"\b", b" ", b"\x1b["]))).map(b"".join)
steps = st.lists(st.tuples(st.sampled_from(("type", "type", "type", "print")), typed, printed), max_size=20)


def alike(names: set[str], text: bytes) -> bool:
    """Whether a key means the same to both. Where not, ours is that of NetBSD."""
    drawn = {"ECHO", "ECHOE", "ECHOCTL"} <= names or "ECHO" not in names
    if text == b"\x04":
        return "ECHO" not in names  # ^D and back over it; nothing
    if text == b"\x16":
        return drawn and "ICANON" in names
    if text == b"\x17":
        return drawn
    if text == b"\x12":
        return "ECHO" in names  # there is a new line all the same; nothing
    if text in (b"\n", b"\r") and "ICANON" not in names:
        return "ECHOCTL" not in names  # a new line; ^J
    if text == b"\x15":
        rubbed = {"ECHOE", "ECHOK"} <= names or "ECHOKE" not in names
        return rubbed if "ECHO" in names else "ECHONL" not in names
    return True


def usual(names: set[str]) -> set[str]:
    """In which column the cursor is when CR has become NL and NL is more than that, the two see differently."""
    return names - {"ONLCR"} if "OCRNL" in names else names


def flags(names: set[str]) -> Termios:
    """Without flushing by signals, which on Linux depends on what the other side has fetched."""
    i, o, el = (sum(vars(const)[name] for name in names & set(group)) for group in (INPUT, OUTPUT, (*LOCAL, "ICANON")))
    cc = bytearray(DEFAULTS.c_cc)
    for name, c in KEYS.items():
        cc[vars(const)[name]] = c
    for name in ("VEOL2", "VSTATUS", "VDSUSP", "VDISCARD"):
        cc[vars(const)[name]] = const.POSIX_VDISABLE
    return DEFAULTS._replace(c_iflag=i, c_oflag=o, c_lflag=el | const.NOFLSH, c_cc=bytes(cc))


@contextmanager
def pty(names: set[str]) -> Iterator[tuple[int, int]]:
    """Both sides of a pty of the host, set alike."""
    master, slave = os.openpty()
    try:
        attributes = termios.tcgetattr(slave)
        attributes[0] = sum(getattr(termios, name) for name in names & set(INPUT))
        attributes[1] = sum(termios.TAB3 if n == "OXTABS" else getattr(termios, n) for n in names & set(OUTPUT))
        attributes[3] = termios.NOFLSH | sum(getattr(termios, n) for n in names & {*LOCAL, "ICANON"})
        attributes[6] = [b"\0"] * len(attributes[6])
        for name, c in KEYS.items():
            attributes[6][getattr(termios, name)] = bytes((c,))
        attributes[6][termios.VMIN] = 1 if "ICANON" not in names else attributes[6][termios.VMIN]
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.set_blocking(slave, False)
        os.set_blocking(master, False)
        yield master, slave
    finally:
        os.close(master)
        os.close(slave)


def fetch(fd: int, out: bytearray, length: int) -> None:
    """Reads until so much is there."""
    deadline = time.monotonic() + PATIENCE_S
    while len(out) < length:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{bytes(out)!r}")
        if select.select([fd], [], [], 0.05)[0]:
            out += os.read(fd, 65536)


def waiting(fd: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]


def lines_of_host(slave: int) -> list[bytes]:
    lines = []
    while select.select([slave], [], [], 0)[0]:
        try:
            lines.append(os.read(slave, 4096))
        except BlockingIOError:
            break
    return lines


@settings(max_examples=150, deadline=None)
@given(st.sets(st.sampled_from(INPUT + OUTPUT + LOCAL)), steps)
def test_lines(names: set[str], script: list[tuple[str, bytes, bytes]]) -> None:
    """Printing comes between lines only: how an unfinished one is redrawn then is everybody's own."""
    names = usual(names) | {"ICANON"}
    ours = LineDiscipline()
    ours.set(flags(names))
    out, expected = bytearray(), bytearray()
    with pty(names) as (master, slave):

        def both_print(data: bytes) -> None:
            assert ours.write(data) == len(data)
            assert os.write(slave, data) == len(data)

        def both_type(data: bytes) -> None:
            assert ours.receive(data) == len(data)
            assert os.write(master, data) == len(data)

        fresh = True
        for what, text, text2 in script:
            if what == "type" and alike(names, text) and not (text == b"\x12" and ours.finished):
                both_type({b"\x15": b"k", b"\x17": b"x ab"}.get(text, b"") + text)  # there is something to take off
                fresh = False
            elif fresh and text2:
                both_print(text2)
            expected += ours.transmit(1 << 16)
            fetch(master, out, len(expected))
        both_type(b"\x11")  # goes on, if it was stopped
        both_type(b"z\n")  # and is what has to be there when all of the rest has been taken
        both_type(b"|\n")
        expected += ours.transmit(1 << 16)
        fetch(master, out, len(expected))
        assert select.select([slave], [], [], PATIENCE_S)[0]
        deadline = time.monotonic() + PATIENCE_S
        while waiting(slave) < ours.available and time.monotonic() < deadline:
            time.sleep(0.001)
        mine = []
        while ours.finished:
            mine.append(ours.read(4096))
        assert lines_of_host(slave) == mine
        both_print(END)
        expected += ours.transmit(1 << 16)
        fetch(master, out, len(expected))
    assert bytes(out) == bytes(expected)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(INPUT + OUTPUT + LOCAL)), steps)
def test_raw(names: set[str], script: list[tuple[str, bytes, bytes]]) -> None:
    names = usual(names)
    ours = LineDiscipline()
    ours.set(flags(names))
    out, expected = bytearray(), bytearray()
    with pty(names) as (master, slave):
        for what, text, text2 in script:
            if what == "type" and alike(names, text):
                assert ours.receive(text) == len(text) == os.write(master, text)
            elif text2 and not ours.stopped:
                assert ours.write(text2) == len(text2) == os.write(slave, text2)
            expected += ours.transmit(1 << 16)
            fetch(master, out, len(expected))
            deadline = time.monotonic() + PATIENCE_S
            while waiting(slave) < ours.available:
                assert time.monotonic() < deadline
                time.sleep(0.001)
        assert b"".join(lines_of_host(slave)) == ours.read(4096)
        ours.receive(b"\x11")
        os.write(master, b"\x11")
        expected += ours.transmit(1 << 16)
        fetch(master, out, len(expected))
    assert bytes(out) == bytes(expected)


def test_settings_of_the_host_are_named_alike() -> None:
    for name in (*INPUT, *LOCAL, "ICANON"):
        assert hasattr(termios, name)
        assert name in vars(const)


@pytest.fixture(autouse=True)
def _ptys() -> None:
    if not os.path.exists("/dev/ptmx"):
        pytest.skip("the host has no ptys")

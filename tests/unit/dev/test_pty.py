"""Pairs of terminals: both sides, waiting and not waiting, job control, with a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rumpdev.core.tty.control import NO_GROUP
from rumpdev.core.tty.settings import DEFAULTS
from rumpuser.component import Component, Context, Entry
from rumpuser.pending import Running, start
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgsInteger, IoctlArgsText, ProcessInfo, Termios, Winsize
from tests.unit.dev.kit import USER, Kit

RAW = DEFAULTS._replace(c_iflag=0, c_oflag=0, c_lflag=0)
NONBLOCK = const.O_RDWR | const.O_NONBLOCK


class Kern(Component):
    """Processes by number: session and group."""

    name = "kern"

    def __init__(self) -> None:
        super().__init__()
        self.processes = {1: (1, 1), 10: (10, 10), 11: (10, 11), 12: (10, 11), 20: (20, 20)}
        self.table["getsid"] = Entry(lambda ctx, pid: self.find(pid)[0])
        self.table["getpgid"] = Entry(lambda ctx, pid: self.find(pid)[1])
        self.table["proc_list"] = Entry(lambda ctx: [ProcessInfo(pid) for pid in self.processes])

    def find(self, pid: int) -> tuple[int, int]:
        if pid not in self.processes:
            raise KernelError(Errno.ESRCH)
        return self.processes[pid]


class Terminals(Kit):
    """dev with a kern. Calls give their value, or the call on its way."""

    def __init__(self) -> None:
        self.kern = Kern()
        super().__init__()

    def peer(self, name: str) -> Any:
        return self.kern if name == "kern" else super().peer(name)

    def __call__(self, name: str, *args: Any, pid: int = 1, cred: Any = None) -> Any:
        ctx = Context(pid=pid) if cred is None else Context(pid=pid, cred=cred)
        return start(self.component.call(ctx, OPS[name], args))

    def node(self, major: int, unit: int = 0, flags: int = const.O_RDWR, **who: Any) -> Any:
        return self("dev_open", False, const.makedev(major, unit), flags, **who)

    def pair(self, unit: int = 0) -> tuple[int, int]:
        return self.node(const.MAJOR_PTC, unit), self.node(const.MAJOR_PTS, unit)

    def set(self, side: int, termios: Termios) -> None:
        self("ioctl", side, const.TIOCSETA, termios)

    def get(self, side: int, com: int, **who: Any) -> Any:
        data = self("ioctl", side, com, None, **who).data
        return data.integer if isinstance(data, IoctlArgsInteger) else data

    @property
    def clock(self) -> Any:
        return self.component.host


@pytest.fixture
def t() -> Terminals:
    return Terminals()


@contextmanager
def fails(errno: Errno) -> Iterator[None]:
    with pytest.raises(KernelError) as caught:
        yield
    assert caught.value.name == errno.name, str(caught.value)


def waits(value: Any) -> Running[Any]:
    assert isinstance(value, Running), f"it does not wait: {value!r}"
    assert not value.outcome.done
    return value


def of(call: Any) -> Any:
    """What a call that waited has given."""
    assert call.outcome.done
    return call.outcome.result()


def test_lines_there_and_back(t: Terminals) -> None:
    master, slave = t.pair()
    reader = waits(t("read", slave, 100))
    assert t("write", master, b"ls") == 2
    assert not reader.outcome.done
    assert t("write", master, b" -l\n") == 4
    assert of(reader) == b"ls -l\n"
    assert t("read", master, 100) == b"ls -l\r\n"
    reader = waits(t("read", master, 100))
    assert t("write", slave, b"total 0\n") == 8
    assert of(reader) == b"total 0\r\n"
    assert t.get(slave, const.FIONREAD) == 0
    t("write", master, b"a\n")
    assert (t.get(slave, const.FIONREAD), t.get(master, const.FIONREAD), t.get(slave, const.TIOCOUTQ)) == (2, 3, 3)


def test_without_waiting(t: Terminals) -> None:
    master, slave = t.node(const.MAJOR_PTC, 0, NONBLOCK), t.node(const.MAJOR_PTS, 0, NONBLOCK)
    for side in (master, slave):
        with fails(Errno.EAGAIN):
            t("read", side, 1)
    assert t("write", slave, b"x" * 10000) == 4096
    with fails(Errno.EAGAIN):
        t("write", slave, b"x")
    t.set(slave, RAW)
    done = t("write", master, b"y" * 5000)
    assert 1000 < done < 5000
    with fails(Errno.EAGAIN):
        t("write", master, b"y")
    t("fcntl", master, const.F_SETFL, 0, None)
    waits(t("write", master, b"y")).cancel()
    assert t("write", master, b"") == 0


def test_writers_wait_for_room(t: Terminals) -> None:
    master, slave = t.pair()
    writer = waits(t("write", slave, b"x" * 10000))
    got = b""
    while len(got) < 10000:
        got += t("read", master, 3000)
    assert of(writer) == 10000
    t.set(slave, RAW)
    writer = waits(t("write", master, bytes(3000)))
    got = b""
    while len(got) < 3000:
        got += t("read", slave, 700)
    assert of(writer) == 3000
    writer = waits(t("write", slave, b"x" * 10000))
    writer.cancel()
    assert of(writer) == 4096


def test_vmin_and_vtime(t: Terminals) -> None:
    master, slave = t.pair()

    def timed(least: int, tenths: int) -> None:
        cc = bytearray(DEFAULTS.c_cc)
        cc[const.VMIN], cc[const.VTIME] = least, tenths
        t.set(slave, RAW._replace(c_cc=bytes(cc)))

    timed(0, 0)
    assert t("read", slave, 10) == b""
    timed(3, 0)
    reader = waits(t("read", slave, 10))
    t("write", master, b"ab")
    t.clock.advance(100)
    assert not reader.outcome.done
    t("write", master, b"c")
    assert of(reader) == b"abc"
    reader = waits(t("read", slave, 2))
    t("write", master, b"de")
    assert of(reader) == b"de"
    timed(0, 5)
    reader = waits(t("read", slave, 10))
    t.clock.advance(0.4)
    assert not reader.outcome.done
    t.clock.advance(0.2)
    assert of(reader) == b""
    timed(10, 5)
    reader = waits(t("read", slave, 10))
    t.clock.advance(100)
    t("write", master, b"a")
    t.clock.advance(0.4)
    t("write", master, b"b")
    t.clock.advance(0.4)
    assert not reader.outcome.done
    t.clock.advance(0.2)
    assert of(reader) == b"ab"


def test_the_master_closes(t: Terminals) -> None:
    master, slave = t.pair()
    reader = waits(t("read", slave, 10))
    t("write", master, b"typed\nand not read\n")
    assert of(reader) == b"typed\n"
    writer = waits(t("write", slave, b"x" * 10000))
    t("close", master)
    assert of(writer) == 4096 - len(b"typed\r\nand not read\r\n")
    assert t("read", slave, 10) == b""
    with fails(Errno.EIO):
        t("write", slave, b"x")
    again, fresh = t.pair()
    t("write", again, b"of others\n")
    assert t("read", slave, 100) == b""
    assert t("read", fresh, 100) == b"of others\n"
    t("close", slave)
    assert [row.units for row in t("dev_list") if row.name == "pts"] == [["pts0"]]
    t("close", again)
    t("close", fresh)
    assert [row.units for row in t("dev_list") if row.name == "pts"] == [[]]


def test_the_slave_closes(t: Terminals) -> None:
    master, slave = t.pair()
    t("write", slave, b"last words")
    t.set(slave, RAW)
    t("close", slave)
    assert [t("read", master, 100), t("read", master, 100)] == [b"last words", b""]
    with fails(Errno.EIO):
        t("write", master, b"x")
    slave = t.node(const.MAJOR_PTS)
    assert t.get(slave, const.TIOCGETA) == DEFAULTS
    waits(t("read", master, 100)).cancel()


def test_opening(t: Terminals) -> None:
    opening = waits(t.node(const.MAJOR_PTS, 3))
    master = t.node(const.MAJOR_PTC, 3)
    slave = of(opening)
    t("write", master, b"\n")
    assert t("read", slave, 9) == b"\n"
    with fails(Errno.EIO):
        t.node(const.MAJOR_PTC, 3)
    for major, unit in ((const.MAJOR_PTC, 992), (const.MAJOR_PTS, 100000), (const.MAJOR_PTM, 2)):
        with fails(Errno.ENXIO):
            t.node(major, unit)
    t("ioctl", slave, const.TIOCEXCL, None)
    with fails(Errno.EBUSY):
        t.node(const.MAJOR_PTS, 3, cred=USER)
    t("ioctl", slave, const.TIOCNXCL, None)
    t("close", t.node(const.MAJOR_PTS, 3, cred=USER))
    waits(t.node(const.MAJOR_PTS, 4)).cancel()
    assert [row.units for row in t("dev_list") if row.name == "pts"] == [["pts3"]]


def test_new_pairs(t: Terminals) -> None:
    ptm = t.node(const.MAJOR_PTM, 1)
    made = [t("ioctl", ptm, const.TIOCPTMGET, None).data for _ in range(3)]
    assert [pair.unit for pair in made] == [0, 1, 2]
    t("write", made[1].cfd, b"x\n")
    assert t("read", made[1].sfd, 9) == b"x\n"
    master = t.node(const.MAJOR_PTM, 0)
    assert t.get(master, const.TIOCPTSNAME).unit == 3
    with fails(Errno.ENOTTY):
        t("ioctl", ptm, const.TIOCGETA, None)
    for _ in range(988):
        t("ioctl", ptm, const.TIOCPTMGET, None)
    with fails(Errno.ENOENT):
        t("ioctl", ptm, const.TIOCPTMGET, None)


def test_packets(t: Terminals) -> None:
    master, slave = t.pair()
    with fails(Errno.ENOTTY):
        t("ioctl", slave, const.TIOCPKT, IoctlArgsInteger(1))
    t("ioctl", master, const.TIOCPKT, IoctlArgsInteger(1))
    t("write", slave, b"x")
    assert t("read", master, 100) == b"\0x"
    t("write", master, b"\x13")
    assert t("read", master, 100) == bytes([const.TIOCPKT_STOP])
    t("write", master, b"\x11")
    assert t("read", master, 100) == bytes([const.TIOCPKT_START])
    t("ioctl", slave, const.TIOCFLUSH, IoctlArgsInteger(const.FWRITE))
    assert t("read", master, 100) == bytes([const.TIOCPKT_FLUSHWRITE])
    t.set(slave, RAW)
    assert t("read", master, 100) == bytes([const.TIOCPKT_NOSTOP])
    t.set(slave, DEFAULTS)
    assert t("read", master, 100) == bytes([const.TIOCPKT_DOSTOP])
    waits(t("read", master, 100)).cancel()
    t("ioctl", master, const.TIOCPKT, IoctlArgsInteger(0))
    t("write", slave, b"x")
    assert t("read", master, 100) == b"x"


def test_setting_when_all_is_printed(t: Terminals) -> None:
    master, slave = t.pair()
    t("write", master, b"typed\n")
    setting = waits(t("ioctl", slave, const.TIOCSETAF, RAW))
    draining = waits(t("ioctl", slave, const.TIOCDRAIN, None))
    assert t("read", master, 100) == b"typed\r\n"
    of(setting)
    of(draining)
    assert (t.get(slave, const.TIOCGETA), t.get(slave, const.FIONREAD)) == (RAW, 0)
    t("ioctl", slave, const.TIOCSETAW, DEFAULTS)
    for wrong in (IoctlArgsInteger(1), DEFAULTS._replace(c_cc=b"x"), None):
        with fails(Errno.EINVAL):
            t("ioctl", slave, const.TIOCSETA, wrong)
    with fails(Errno.ENOTTY):
        t("ioctl", slave, 12345, None)
    assert t.get(slave, const.TIOCGLINED) == IoctlArgsText("termios")
    t("ioctl", slave, const.TIOCSTOP, None)
    t("write", slave, b"x")
    reader = waits(t("read", master, 9))
    t("ioctl", slave, const.TIOCSTART, None)
    assert of(reader) == b"x"


def test_job_control(t: Terminals) -> None:
    master, slave = t.pair()
    assert t.get(master, const.TIOCGPGRP) == NO_GROUP
    with fails(Errno.EPERM):
        t("ioctl", slave, const.TIOCSCTTY, None, pid=11)
    with fails(Errno.ENXIO):
        t.node(const.MAJOR_CTTY, pid=10)
    t("ioctl", slave, const.TIOCSCTTY, None, pid=10)
    with fails(Errno.EPERM):
        t("ioctl", slave, const.TIOCSCTTY, None, pid=20)
    assert t.get(master, const.TIOCGPGRP) == t.get(slave, const.TIOCGSID, pid=11) == 10
    with fails(Errno.ENOTTY):
        t.get(slave, const.TIOCGPGRP, pid=20)
    with fails(Errno.EIO):
        t("read", slave, 9, pid=11)
    for group in (20, 999):
        with fails(Errno.EPERM):
            t("ioctl", slave, const.TIOCSPGRP, IoctlArgsInteger(group), pid=10)
    t("ioctl", slave, const.TIOCSPGRP, IoctlArgsInteger(11), pid=10)
    assert t.get(slave, const.TIOCGPGRP, pid=12) == 11
    front, other = waits(t("read", slave, 9, pid=12)), waits(t("read", slave, 9, pid=20))
    t("write", master, b"\x03")
    with fails(Errno.EINTR):
        of(front)
    assert not other.outcome.done
    with fails(Errno.EIO):
        t("read", slave, 9, pid=10)
    t("write", slave, b"x", pid=10)
    t.set(slave, DEFAULTS._replace(c_lflag=DEFAULTS.c_lflag | const.TOSTOP))
    with fails(Errno.EIO):
        t("write", slave, b"x", pid=10)
    tty = t.node(const.MAJOR_CTTY, pid=11)
    t("ioctl", tty, const.TIOCSWINSZ, Winsize(24, 80), pid=11)
    assert t.get(master, const.TIOCGWINSZ) == Winsize(24, 80)
    with fails(Errno.EINVAL):
        t("ioctl", tty, const.TIOCNOTTY, None, pid=10)
    t("ioctl", tty, const.TIOCNOTTY, None, pid=11)
    with fails(Errno.ENXIO):
        t.node(const.MAJOR_CTTY, pid=11)
    with fails(Errno.EPERM):
        t("ioctl", slave, const.TIOCSTI, IoctlArgsInteger(ord("x")), cred=USER)
    t("ioctl", slave, const.TIOCSTI, IoctlArgsInteger(ord("\n")))
    assert of(other) == b"\n"
    posted = [signal.name for _, signal in t.component.switch.drivers["ptc"]._pairs.get(0).posted]  # type: ignore[attr-defined]
    assert posted == ["INT", "WINCH"]
    del t.kern.processes[10]
    t("ioctl", slave, const.TIOCSCTTY, None, pid=20)  # its session has ended


def test_as_a_module(t: Terminals) -> None:
    master = t.node(const.MAJOR_PTC)
    with fails(Errno.EBUSY):
        t("module_unload", "pty")
    t("close", master)
    t("module_unload", "pty")
    with fails(Errno.ENXIO):
        t.node(const.MAJOR_PTC)
    t("module_load", "pty", {})
    t.node(const.MAJOR_PTC)

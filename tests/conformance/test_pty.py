"""Terminals (pty(4), ptm(4), mount_ptyfs(8)), in every placement."""

from __future__ import annotations

import os
import select
import signal
import stat
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import rump
from tests.conformance.test_descriptors import code

BLINK_S = 0.05


def new(k: Any) -> Any:
    ptm = k.sys.open("/dev/ptm", os.O_RDWR)
    pair = k.sys.ioctl(ptm, rump.TIOCPTMGET).data
    k.sys.close(ptm)
    return pair


def test_a_new_pair(k: Any) -> None:
    before = k.sys.open("/dev/null", os.O_RDONLY)
    pair = new(k)
    assert (pair.cfd, pair.sfd) == (before + 2, before + 3)
    assert k.sys.write(pair.cfd, b"date\n") == 5
    assert k.sys.read(pair.sfd, 100) == b"date\n"
    assert k.sys.write(pair.sfd, b"today\n") == 6
    assert k.sys.read(pair.cfd, 100) == b"date\r\ntoday\r\n"
    st = k.sys.fstat(pair.sfd)
    assert stat.S_ISCHR(st.st_mode)
    assert stat.S_IMODE(st.st_mode) == 0o620
    termios = k.sys.ioctl(pair.sfd, rump.TIOCGETA).data
    assert termios.c_lflag & rump.ECHO
    k.sys.ioctl(pair.sfd, rump.TIOCSETA, termios._replace(c_lflag=termios.c_lflag & ~rump.ECHO))
    k.sys.ioctl(pair.cfd, rump.TIOCSWINSZ, rump.Winsize(25, 80))
    assert k.sys.ioctl(pair.sfd, rump.TIOCGWINSZ).data == rump.Winsize(25, 80, 0, 0)
    k.sys.write(pair.cfd, b"quiet\n")
    assert k.sys.read(pair.sfd, 3) + k.sys.read(pair.sfd, 100) == b"quiet\n"
    k.sys.close(pair.cfd)
    assert k.sys.read(pair.sfd, 10) == b""
    assert code(k.sys.write, pair.sfd, b"x") == "EIO"
    k.sys.close(pair.sfd)


def test_readers_wait(connect: Any) -> None:
    """Two processes on the two sides of a terminal."""
    k = connect()
    pair = new(k)
    child = k.fork()
    child.sys.close(pair.cfd)
    with ThreadPoolExecutor(1) as pool:
        line = pool.submit(child.sys.read, pair.sfd, 100)
        k.sys.write(pair.cfd, b"one")
        assert not line.done()
        k.sys.write(pair.cfd, b" line\n")
        assert line.result(10) == b"one line\n"
        end = pool.submit(child.sys.read, pair.sfd, 100)
        k.sys.close(pair.cfd)
        assert end.result(10) == b""
    child.close()
    k.sys.close(pair.sfd)


def test_without_waiting(k: Any) -> None:
    pair = new(k)
    for fd in (pair.cfd, pair.sfd):
        k.sys.fcntl(fd, rump.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
        assert code(k.sys.read, fd, 1) == "EAGAIN"
        k.sys.ioctl(fd, rump.FIONBIO, 0)
        k.sys.ioctl(fd, rump.FIONBIO, 1)
        assert code(k.sys.read, fd, 1) == "EAGAIN"
    k.sys.close(pair.cfd)
    k.sys.close(pair.sfd)


def test_the_controlling_terminal(connect: Any) -> None:
    k = connect()
    shell = k.fork()
    shell.sys.setsid()
    assert code(shell.sys.open, "/dev/tty", os.O_RDWR) == "ENXIO"
    pair = new(shell)
    shell.sys.ioctl(pair.sfd, rump.TIOCSCTTY)
    tty = shell.sys.open("/dev/tty", os.O_RDWR)
    shell.sys.write(tty, b"prompt")
    assert shell.sys.read(pair.cfd, 100) == b"prompt"
    job = shell.fork()
    job.sys.setpgid(0, 0)
    raised: list[int] = []
    job.on_signal(raised.append)
    shell.on_signal(raised.append)
    assert code(job.sys.read, pair.sfd, 10) == "EIO"
    shell.sys.ioctl(pair.sfd, rump.TIOCSPGRP, job.sys.getpid())
    assert job.sys.ioctl(pair.sfd, rump.TIOCGPGRP).data.integer == job.sys.getpid()
    assert job.sys.fcntl(pair.sfd, rump.F_GETOWN).value == -job.sys.getpid()
    shell.sys.fcntl(pair.sfd, rump.F_SETOWN, shell.pid)
    assert job.sys.fcntl(pair.sfd, rump.F_GETOWN).value == -shell.pid
    shell.sys.fcntl(pair.sfd, rump.F_SETOWN, -job.sys.getpid())
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(code, job.sys.read, pair.sfd, 10)
        for _ in range(100):  # until the reader is there to be interrupted
            shell.sys.write(pair.cfd, b"\x03")
            if wait([reading], BLINK_S).done:
                break
        shell.sys.write(pair.cfd, b"\n")
        assert reading.result(10) == "EINTR"
    assert set(raised) <= {signal.SIGINT}
    for process in (job, shell):
        process.close()


def test_by_name(k: Any) -> None:
    master = k.sys.open("/dev/ptmx", os.O_RDWR)
    k.sys.ioctl(master, rump.TIOCGRANTPT)
    name = k.sys.ioctl(master, rump.TIOCPTSNAME).data
    assert name.sn.startswith(b"/dev/ttyp")
    slave = k.sys.open(name.sn, os.O_RDWR)
    k.sys.write(slave, b"x")
    assert k.sys.read(master, 9) == b"x"
    assert code(k.sys.open, name.cn, os.O_RDWR) == "EIO"
    k.sys.revoke(name.sn)
    assert code(k.sys.write, slave, b"x") == "EIO"
    assert k.sys.read(master, 9) == b""
    k.sys.close(slave)
    k.sys.close(master)


def test_readiness(k: Any) -> None:
    pair = new(k)

    def ready() -> list[int]:
        both = [(pair.cfd, select.POLLIN | select.POLLOUT), (pair.sfd, select.POLLIN | select.POLLOUT)]
        return [fd.revents for fd in k.sys.poll(both, 0).fds]

    assert ready() == [select.POLLOUT, select.POLLOUT]
    k.sys.write(pair.cfd, b"no line yet")
    assert ready() == [select.POLLIN | select.POLLOUT, select.POLLOUT]
    k.sys.write(pair.cfd, b"\n")
    assert ready()[1] == select.POLLIN | select.POLLOUT
    k.sys.read(pair.cfd, 100)
    k.sys.read(pair.sfd, 100)
    queue = k.sys.kqueue1(0)
    k.sys.kevent(queue, [rump.Kevent(pair.sfd, rump.EVFILT_READ, rump.EV_ADD, 0, 0, 7)], 0, None)
    assert k.sys.kevent(queue, [], 4, 0) == []
    with ThreadPoolExecutor(1) as pool:
        event = pool.submit(k.sys.kevent, queue, [], 4, 10)
        k.sys.write(pair.cfd, b"four\n")
        (seen,) = event.result(10)
    assert (seen.ident, seen.data, seen.udata) == (pair.sfd, 5, 7)
    k.sys.close(pair.cfd)
    assert k.sys.poll([(pair.sfd, 0)], 0).fds[0].revents == select.POLLHUP
    k.sys.close(pair.sfd)
    k.sys.close(queue)

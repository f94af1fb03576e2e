"""Signals over all placements: who may send them, what raises them, what they interrupt."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code


class Seen(list[int]):
    """Takes the signals of a process."""

    def __init__(self, k: Any, signo: int | None = None) -> None:
        super().__init__()
        k.on_signal(self.append, signo)

    def becomes(self, wanted: list[int]) -> None:
        until(lambda: len(self) >= len(wanted), f"{wanted} of {self}")
        assert self == wanted


def until(check: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


def nlwps(k: Any, pid: int) -> int:
    return int(next(p["nlwps"] for p in k.processes() if p["pid"] == pid))


def test_kill_and_its_errors(k: Any, connect: Any) -> None:
    other = connect()
    seen = Seen(other)
    k.pub.kill(other.pid, signal.SIGUSR1)
    k.pub.kill(other.pid, 0)
    seen.becomes([signal.SIGUSR1])
    assert code(k.pub.kill, 29999, signal.SIGUSR1) == "ESRCH"
    assert code(k.pub.kill, -29999, signal.SIGUSR1) == "ESRCH"
    for wrong in (-1, 65, 1 << 30):
        assert code(k.pub.kill, other.pid, wrong) == "EINVAL"


def test_a_signal_of_a_process_to_itself(k: Any) -> None:
    seen = Seen(k)
    k.pub.kill(k.pid, signal.SIGUSR2)
    seen.becomes([signal.SIGUSR2])


def test_users_may_not_signal_one_another(connect: Any) -> None:
    root, one, two = connect(), connect(), connect()
    one.sys.setuid(10)
    two.sys.setuid(20)
    seen = Seen(two)
    assert code(one.pub.kill, two.pid, signal.SIGTERM) == "EPERM"
    assert code(one.pub.kill, root.pid, 0) == "EPERM"
    root.pub.kill(two.pid, signal.SIGUSR1)
    with two.fork() as child:
        own = Seen(child)
        two.pub.kill(child.pid, signal.SIGTERM)
        own.becomes([signal.SIGTERM])
    seen.becomes([signal.SIGUSR1])


def test_a_group_gets_it_whole(k: Any) -> None:
    with k.fork() as one, k.fork() as two, k.fork() as three:
        k.sys.setpgid(one.pid, one.pid)
        k.sys.setpgid(two.pid, one.pid)
        taken = [Seen(one), Seen(two), Seen(three)]
        k.pub.kill(-one.pid, signal.SIGUSR1)
        taken[0].becomes([signal.SIGUSR1])
        taken[1].becomes([signal.SIGUSR1])
        assert taken[2] == []


def test_sigpipe_of_a_pipe_and_its_flags(k: Any) -> None:
    seen = Seen(k)
    r, w = k.sys.pipe()
    k.sys.close(r)
    assert code(k.sys.write, w, b"x") == "EPIPE"
    seen.becomes([signal.SIGPIPE])
    k.sys.fcntl(w, rump.F_SETNOSIGPIPE, 1)
    assert code(k.sys.write, w, b"x") == "EPIPE"
    r, w = k.sys.pipe2(rump.O_NOSIGPIPE)
    k.sys.close(r)
    assert code(k.sys.writev, w, [b"x"]) == "EPIPE"
    k.pub.kill(k.pid, signal.SIGUSR1)  # after whatever may have come
    seen.becomes([signal.SIGPIPE, signal.SIGUSR1])


def test_sigpipe_of_a_socket_and_in_a_batch(k: Any) -> None:
    seen = Seen(k)
    a, b = k.socketpair()
    b.close()
    assert code(a.send, b"x", rump.MSG_NOSIGNAL) == "EPIPE"
    assert code(a.send, b"x") == "EPIPE"
    seen.becomes([signal.SIGPIPE])
    with k.batch(keep_going=True) as batch:
        first = batch.write(a.fileno(), b"x")
        second = batch.write(a.fileno(), b"y")
    for future in (first, second):
        assert isinstance(future.exception(), BrokenPipeError)
    seen.becomes([signal.SIGPIPE] * 3)


def test_sigpipe_of_a_write_that_waits(k: Any, connect: Any) -> None:
    seen = Seen(k)
    r, w = k.sys.pipe()
    ends: list[str] = []
    writer = threading.Thread(target=lambda: ends.append(code(k.sys.write, w, bytes(200_000))))
    writer.start()
    other = connect()
    until(lambda: nlwps(other, k.pid) >= 1 and k.sys.fstat(r).st_size > 0, "data in the pipe")
    k.sys.close(r)
    writer.join(20)
    k.pub.kill(k.pid, signal.SIGUSR1)
    until(lambda: signal.SIGUSR1 in seen, "the last")
    assert (ends, list(seen)) == (["EPIPE"], [signal.SIGPIPE, signal.SIGUSR1])


@pytest.mark.parametrize("kind", ["pipe", "socketpair", "udp"])
def test_sigio_tells_of_data(k: Any, kind: str) -> None:
    seen = Seen(k)
    if kind == "pipe":
        fd, w = k.sys.pipe()
        send: Callable[[], object] = lambda: k.sys.write(w, b"x")  # noqa: E731
    elif kind == "socketpair":
        a, b = k.socketpair()
        fd, send = a.fileno(), lambda: b.send(b"x")
    else:
        a, b = k.socket(rump.AF_INET, rump.SOCK_DGRAM), k.socket(rump.AF_INET, rump.SOCK_DGRAM)
        a.bind(("127.0.0.1", 0))
        fd, send = a.fileno(), lambda: b.sendto(b"x", a.getsockname())
    k.sys.fcntl(fd, rump.F_SETOWN, k.pid)
    assert k.sys.fcntl(fd, rump.F_GETOWN).value == k.pid
    send()
    k.sys.ioctl(fd, rump.FIOASYNC, 1)
    assert seen == []
    send()
    until(lambda: seen, "SIGIO")
    assert set(seen) == {signal.SIGIO}
    k.sys.ioctl(fd, rump.FIOASYNC, 0)
    k.pub.kill(k.pid, signal.SIGUSR1)
    until(lambda: signal.SIGUSR1 in seen, "the mark")
    count = len(seen)
    send()
    k.pub.kill(k.pid, signal.SIGUSR2)
    until(lambda: signal.SIGUSR2 in seen, "the mark")
    assert len(seen) == count + 1


def test_sigio_by_fcntl_goes_to_a_group_and_ends_with_the_descriptor(k: Any) -> None:
    with k.fork() as child:
        k.sys.setpgid(child.pid, child.pid)
        seen = Seen(child)
        r, w = k.sys.pipe()
        k.sys.fcntl(r, rump.F_SETOWN, -child.pid)
        k.sys.fcntl(r, rump.F_SETFL, rump.O_ASYNC)
        k.sys.write(w, b"x")
        seen.becomes([signal.SIGIO])
        k.sys.close(r)
        k.sys.close(w)
        assert code(k.sys.fcntl, r, rump.F_GETOWN) == "EBADF"


def test_a_fifo_has_an_owner_and_o_nosigpipe_as_a_pipe_has(k: Any, folder: str) -> None:
    seen = Seen(k)
    k.sys.mkfifo(f"{folder}/fifo", 0o600)
    r = k.sys.open(f"{folder}/fifo", rump.O_RDONLY | rump.O_NONBLOCK)
    w = k.sys.open(f"{folder}/fifo", rump.O_WRONLY | rump.O_NOSIGPIPE)
    assert k.sys.fcntl(r, rump.F_GETOWN).value == 0
    k.sys.fcntl(r, rump.F_SETOWN, k.pid)
    assert k.sys.fcntl(r, rump.F_GETOWN).value == k.pid
    assert code(k.sys.fcntl, r, rump.F_SETOWN, 29999) == "ESRCH"
    k.sys.fcntl(r, rump.F_SETFL, rump.O_ASYNC | rump.O_NONBLOCK)
    k.sys.write(w, b"x")
    seen.becomes([signal.SIGIO])
    assert k.sys.fcntl(w, rump.F_GETNOSIGPIPE).value == 1
    k.sys.close(r)
    assert code(k.sys.write, w, b"x") == "EPIPE"
    k.sys.fcntl(w, rump.F_SETNOSIGPIPE, 0)
    assert code(k.sys.write, w, b"x") == "EPIPE"
    until(lambda: signal.SIGPIPE in seen, "SIGPIPE, once it is wanted")
    assert list(seen).count(signal.SIGPIPE) == 1
    file = k.sys.open(f"{folder}/file", rump.O_RDWR | rump.O_CREAT, 0o600)
    assert code(k.sys.fcntl, file, rump.F_GETOWN) == "ENOTTY"
    assert code(k.sys.fcntl, file, rump.F_SETOWN, k.pid) == "ENOTTY"


@pytest.mark.parametrize("call", ["pselect", "pollts", "paccept"])
def test_a_signal_through_the_mask_ends_a_call(k: Any, connect: Any, call: str) -> None:
    other = connect()
    seen = Seen(k)
    r, w = k.sys.pipe()
    listener = k.socket(rump.AF_UNIX, rump.SOCK_STREAM)
    listener.bind(f"/tmp/masked{k.pid}")
    listener.listen(1)
    mask = [signal.SIGUSR1]
    calls = {
        "pselect": lambda: k.sys.pselect(r + 1, [r], [], [], None, mask),
        "pollts": lambda: k.sys.pollts([(r, rump.POLLIN)], None, mask),
        "paccept": lambda: k.sys.paccept(listener.fileno(), mask),
    }
    ends: list[str] = []
    thread = threading.Thread(target=lambda: ends.append(code(calls[call])))
    reader = threading.Thread(target=lambda: k.sys.read(r, 1))
    thread.start()
    reader.start()
    until(lambda: nlwps(other, k.pid) == 2, "both calls wait")
    other.pub.kill(k.pid, signal.SIGUSR1)
    assert seen == [], "the mask keeps it out"
    assert thread.is_alive()
    other.pub.kill(k.pid, signal.SIGUSR2)
    thread.join(20)
    assert ends == ["EINTR"]
    assert reader.is_alive(), "a call without a mask goes on"
    k.sys.close(w)
    reader.join(20)
    until(lambda: len(seen) == 2, "both signals")
    assert sorted(seen) == sorted([signal.SIGUSR1, signal.SIGUSR2])


def test_a_mask_without_signals_changes_nothing(k: Any) -> None:
    r, w = k.sys.pipe()
    assert k.sys.pollts([(r, rump.POLLIN)], 0.01, [signal.SIGUSR1]).nready == 0
    k.sys.write(w, b"x")
    assert k.sys.pselect(r + 1, [r], [], [], None, 0).in_fds == [r]
    assert code(k.sys.pselect, 1000, [999], [], [], 0, 0) == "EBADF"


def test_signals_are_events_of_a_kqueue(k: Any) -> None:
    seen = Seen(k)
    with k.kqueue() as q:
        q.control([rump.Kevent(30, rump.EVFILT_SIGNAL, rump.EV_ADD)], 0)
        k.pub.kill(k.pid, signal.SIGUSR1)  # 30 in the kernel
        k.pub.kill(k.pid, signal.SIGUSR1)
        (event,) = q.control(None, 1, 10)
        assert (event.ident, event.data) == (30, 2)
        assert code(q.control, [rump.Kevent(99, rump.EVFILT_SIGNAL, rump.EV_ADD)], 0) == "EINVAL"
    seen.becomes([signal.SIGUSR1] * 2)


def test_a_terminal_signals_its_foreground(k: Any) -> None:
    with k.fork() as child:
        seen = Seen(child)
        ptm = k.sys.open("/dev/ptm", os.O_RDWR)
        pair = k.sys.ioctl(ptm, rump.TIOCPTMGET).data
        with k.fork() as leader:
            own = Seen(leader)
            leader.sys.setsid()
            leader.sys.ioctl(pair.sfd, rump.TIOCSCTTY)
            k.sys.write(pair.cfd, b"\x03")
            own.becomes([signal.SIGINT])
            leader.sys.ioctl(pair.sfd, rump.TIOCSWINSZ, rump.Winsize(50, 100, 0, 0))
            own.becomes([signal.SIGINT, signal.SIGWINCH])
        assert seen == []


def test_the_leader_of_a_session_takes_its_terminal_along(k: Any) -> None:
    ptm = k.sys.open("/dev/ptm", os.O_RDWR)
    pair = k.sys.ioctl(ptm, rump.TIOCPTMGET).data
    leader = k.fork()
    leader.sys.setsid()
    leader.sys.ioctl(pair.sfd, rump.TIOCSCTTY)
    with leader.fork() as member:
        seen = Seen(member)
        leader.close()
        seen.becomes([signal.SIGHUP])
        assert code(member.sys.open, "/dev/tty", os.O_RDWR) == "ENXIO"


# -- what comes with a signal


def facts(info: Any) -> tuple[int, int, int, int]:
    return info.si_code, info.si_pid, info.si_uid, info.si_value


def test_who_sent_it_comes_with_a_signal(k: Any, connect: Any) -> None:
    other = connect()
    seen = Seen(k)
    other.sys.seteuid(0)
    other.pub.kill(k.pid, signal.SIGUSR1)
    seen.becomes([signal.SIGUSR1])
    assert facts(seen[0]) == (rump.SI_USER, other.pid, 0, 0)
    assert seen[0].si_signo == signal.SIGUSR1


def test_a_signal_with_a_value(k: Any, connect: Any) -> None:
    other = connect()
    seen = Seen(k)
    other.pub.sigqueue(k.pid, signal.SIGUSR2, 1 << 63)
    other.pub.sigqueue(k.pid, 0, 5)
    seen.becomes([signal.SIGUSR2])
    assert facts(seen[0]) == (rump.SI_QUEUE, other.pid, 0, 1 << 63)
    assert code(other.pub.sigqueue, 29999, signal.SIGUSR2, 0) == "ESRCH"
    assert code(other.pub.sigqueue, -k.pid, signal.SIGUSR2, 0) == "ESRCH"
    assert code(other.pub.sigqueue, k.pid, 99, 0) == "EINVAL"
    other.sys.setuid(10)
    assert code(other.pub.sigqueue, k.pid, signal.SIGUSR2, 0) == "EPERM"


def test_the_real_user_is_told(k: Any, connect: Any) -> None:
    other = connect()
    k.sys.setuid(10)
    other.sys.setreuid(10, 20)
    seen = Seen(k)
    other.pub.kill(k.pid, signal.SIGUSR1)
    seen.becomes([signal.SIGUSR1])
    assert facts(seen[0]) == (rump.SI_USER, other.pid, 10, 0)


def test_timers_tell_their_value(k: Any) -> None:
    seen = Seen(k)
    event = rump.Sigevent(rump.SIGEV_SIGNAL, signal.SIGUSR1, 0xC0FFEE)
    timer = k.sys.timer_create(rump.CLOCK_MONOTONIC, event)
    k.sys.timer_settime(timer, 0, 0.01)
    seen.becomes([signal.SIGUSR1])
    assert facts(seen[0]) == (rump.SI_TIMER, 0, 0, 0xC0FFEE)
    plain = k.sys.timer_create(rump.CLOCK_MONOTONIC, None)
    k.sys.timer_settime(plain, 0, 0.01)
    until(lambda: len(seen) > 1, "SIGALRM")
    assert facts(seen[1]) == (rump.SI_TIMER, 0, 0, plain)


def test_asynchronous_io_tells_its_value(k: Any) -> None:
    seen = Seen(k)
    r, w = k.sys.pipe()
    event = rump.Sigevent(rump.SIGEV_SIGNAL, signal.SIGUSR1, 77)
    k.sys.aio_write(rump.Aiocb(aiocbp=1, aio_fildes=w, aio_buf=b"x", aio_sigevent=event))
    seen.becomes([signal.SIGUSR1])
    assert facts(seen[0]) == (rump.SI_ASYNCIO, 0, 0, 77)
    assert k.sys.read(r, 1) == b"x"


def test_sigio_tells_which_way_and_the_kernel_s_own_tell_nothing(k: Any) -> None:
    seen = Seen(k, signal.SIGIO)
    a, b = k.socketpair()
    k.sys.fcntl(a.fileno(), rump.F_SETOWN, k.pid)
    k.sys.ioctl(a.fileno(), rump.FIOASYNC, 1)
    b.send(b"x")
    until(lambda: any(info.si_code == rump.POLL_IN for info in seen), "SIGIO for data")
    assert next(info for info in seen if info.si_code == rump.POLL_IN).si_band & rump.POLLIN
    others = Seen(k)
    b.close()
    assert code(a.send, b"x") == "EPIPE"
    until(lambda: others, "SIGPIPE")
    assert (others[0], *facts(others[0])) == (signal.SIGPIPE, rump.SI_NOINFO, 0, 0, 0)

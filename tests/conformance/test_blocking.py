"""Every call that may wait, ended by its caller and by its deadline, wherever it waits; nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

import rump
from rump._sys import Pub, Sys
from rumpwire import rump_sp_pb2
from rumpwire.calls import OPS, Op
from rumpwire.step import Step
from rumpwire.values import Flock, Kevent, Msghdr
from rumpwire.wire import encode_call
from tests.live import eventually

Wait = Callable[[Any], object]
"""Of something like a client, with ``sys`` and ``pub``: makes a call that waits."""


def empty_pipe(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    return lambda k, other, folder: (lambda fd: lambda c: call(c, fd))(k.sys.pipe()[0])


def full_pipe(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        _, w = k.sys.pipe()
        fill(k, w, k.sys.write)
        return lambda c: call(c, w)

    return make


def fill(k: Any, fd: int, write: Callable[[int, bytes], int]) -> None:
    k.sys.fcntl(fd, rump.F_SETFL, os.O_NONBLOCK)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while write(fd, bytes(size)):
                pass
    k.sys.fcntl(fd, rump.F_SETFL, 0)


def empty_socket(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        a, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
        return lambda c: call(c, a)

    return make


def full_socket(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        a, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
        fill(k, a, k.sys.write)
        return lambda c: call(c, a)

    return make


def listening(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        return lambda c: call(c, s.fileno())

    return make


def connecting(k: Any, other: Any, folder: str) -> Wait:
    """To somebody whose queue is full, so that there is no answer."""
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    s.bind(("127.0.0.1", 0))
    s.listen(0)
    address = s.getsockname()
    for _ in range(4):
        waiting = k.socket(rump.AF_INET, rump.SOCK_STREAM)
        waiting.setblocking(False)
        waiting.connect_ex(address)
    late = [k.socket(rump.AF_INET, rump.SOCK_STREAM) for _ in range(2)]  # one that is interrupted goes on by itself
    return lambda c: c.sys.connect(late.pop().fileno(), address)


def locked(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        fds = [each.sys.open(f"{folder}/locked", os.O_CREAT | os.O_RDWR, 0o644) for each in (other, k)]
        call(other, fds[0])
        return lambda c: call(c, fds[1])

    return make


def fifo(call: Callable[[Any, str], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        path = f"{folder}/fifo"
        k.sys.mkfifo(path, 0o600)
        return lambda c: call(c, path)

    return make


def fifo_by_handle(k: Any, other: Any, folder: str) -> Wait:
    k.sys.mkfifo(f"{folder}/fifo", 0o600)
    handle = k.sys.getfh(f"{folder}/fifo")
    return lambda c: c.sys.fhopen(handle, os.O_RDONLY)


def kevent(k: Any, other: Any, folder: str) -> Wait:
    kq, (r, _) = k.sys.kqueue(), k.sys.pipe()
    s, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    events = [Kevent(fd, rump.EVFILT_READ, rump.EV_ADD) for fd in (r, s)]
    k.sys.kevent(kq, events, 0, None)
    return lambda c: c.sys.kevent(kq, [], 4, None)


def polled(call: Callable[[Any, int, int], object]) -> Callable[..., Wait]:
    """A pipe of kern's and a socket of net's: the gateway waits for both."""

    def make(k: Any, other: Any, folder: str) -> Wait:
        (r, _), (s, _) = k.sys.pipe(), k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
        return lambda c: call(c, r, s)

    return make


def undrained(k: Any, other: Any, folder: str) -> Wait:
    master = k.sys.open("/dev/ptmx", os.O_RDWR)
    name = k.sys.ioctl(master, rump.TIOCPTSNAME, None)
    slave = k.sys.open(name.data.sn, os.O_RDWR)
    k.sys.write(slave, b"to be printed")
    return lambda c: c.sys.ioctl(slave, rump.TIOCDRAIN, None)


def routes(k: Any, other: Any, folder: str) -> Wait:
    s = k.sys.socket(rump.AF_ROUTE, rump.SOCK_RAW, 0)
    return lambda c: c.pub.route_recv(s, 0)


def semaphore(call: Callable[[Any, int], object]) -> Callable[..., Wait]:
    def make(k: Any, other: Any, folder: str) -> Wait:
        fd = k.sys.ksem_init(0)
        return lambda c: call(c, fd)

    return make


def suspended(k: Any, other: Any, folder: str) -> Wait:
    r, _ = k.sys.pipe()
    k.sys.aio_read(rump.Aiocb(1, r, aio_nbytes=1))
    return lambda c: c.sys.aio_suspend([1])


def listed(k: Any, other: Any, folder: str) -> Wait:
    """Requests of a list that is interrupted go on."""
    r, _ = k.sys.pipe()
    reads = [rump.Aiocb(number, r, aio_nbytes=1, aio_lio_opcode=rump.LIO_READ) for number in (1, 2)]
    return lambda c: c.sys.lio_listio(rump.LIO_WAIT, [reads.pop()])


WAITS: dict[str, Callable[..., Wait]] = {
    "read": empty_pipe(lambda c, fd: c.sys.read(fd, 1)),
    "readv": empty_pipe(lambda c, fd: c.sys.readv(fd, [1, 1])),
    "write": full_pipe(lambda c, fd: c.sys.write(fd, b"x")),
    "writev": full_pipe(lambda c, fd: c.sys.writev(fd, [b"x", b"y"])),
    "ioctl": undrained,
    "fcntl": locked(lambda c, fd: c.sys.fcntl(fd, rump.F_SETLKW, lock=Flock(l_type=rump.F_WRLCK))),
    "flock": locked(lambda c, fd: c.sys.flock(fd, rump.LOCK_EX)),
    "poll": polled(lambda c, r, s: c.sys.poll([(r, 1), (s, 1)], -1)),
    "pollts": polled(lambda c, r, s: c.sys.pollts([(r, 1), (s, 1)], None, None)),
    "select": polled(lambda c, r, s: c.sys.select(max(r, s) + 1, [r, s], [], [], None)),
    "pselect": polled(lambda c, r, s: c.sys.pselect(max(r, s) + 1, [r, s], [], [], None, None)),
    "kevent": kevent,
    "nanosleep": lambda k, other, folder: lambda c: c.sys.nanosleep(1000),
    "clock_nanosleep": lambda k, other, folder: lambda c: c.sys.clock_nanosleep(rump.CLOCK_MONOTONIC, 0, 1000),
    "open": fifo(lambda c, path: c.sys.open(path, os.O_RDONLY)),
    "openat": fifo(lambda c, path: c.sys.openat(rump.AT_FDCWD, path, os.O_RDONLY)),
    "fhopen": fifo_by_handle,
    "recvfrom": empty_socket(lambda c, fd: c.sys.recvfrom(fd, 1)),
    "recvmsg": empty_socket(lambda c, fd: c.sys.recvmsg(fd, 1)),
    "recvmmsg": empty_socket(lambda c, fd: c.sys.recvmmsg(fd, 2, 1)),
    "sendto": full_socket(lambda c, fd: c.sys.sendto(fd, b"x")),
    "sendmsg": full_socket(lambda c, fd: c.sys.sendmsg(fd, Msghdr(data=b"x"))),
    "sendmmsg": full_socket(lambda c, fd: c.sys.sendmmsg(fd, [Msghdr(data=b"x")])),
    "accept": listening(lambda c, fd: c.sys.accept(fd)),
    "paccept": listening(lambda c, fd: c.sys.paccept(fd)),
    "connect": connecting,
    "route_recv": routes,
    "ksem_wait": semaphore(lambda c, fd: c.sys.ksem_wait(fd)),
    "aio_suspend": suspended,
    "lio_listio": listed,
    "ksem_timedwait": semaphore(lambda c, fd: c.sys.ksem_timedwait(fd, 4_000_000_000)),
}
DISKS = "waits for a disk or a server of files only; of NFS see tests/conformance/test_nfs.py"
OTHERS = dict.fromkeys(
    ["unmount", "fsync", "fdatasync", "fsync_range", "pread", "pwrite", "preadv", "pwritev", "mount"], DISKS
) | {
    "netconfig_dhcp_ipv4_oneshot": "gives up by itself",
    "aio_cancel": "waits for what it ends to have ended",
    "component_restart": "waits for a process to start, which has a bound",
}


def test_every_call_that_may_wait_is_here() -> None:
    blocking = {op.name for op in OPS.values() if op.blocking and not op.internal}
    assert blocking == set(WAITS) | set(OTHERS)


@pytest.fixture
def other(connect: Any) -> Any:
    return connect()


@pytest.fixture(params=WAITS)
def wait(request: pytest.FixtureRequest, k: Any, other: Any, folder: str) -> Wait:
    return WAITS[request.param](k, other, folder)


@pytest.fixture
def in_flight(k: Any, other: Any, placement: str) -> Callable[[], int]:
    """How many calls wait."""
    if placement == "local":
        return lambda: len(k._connection._session.process.waiting)
    return lambda: int(other.statistics()["in_flight"])


def test_deadlines(k: Any, wait: Wait, in_flight: Callable[[], int]) -> None:
    k.timeout = 0.02
    for _ in range(2):
        with pytest.raises(TimeoutError):
            wait(k)
    k.timeout = None
    assert k.sys.getpid() == k.pid
    assert in_flight() == 0


def test_control_c(k: Any, wait: Wait, in_flight: Callable[[], int]) -> None:
    def interrupt() -> None:
        with contextlib.suppress(AssertionError):
            eventually(lambda: in_flight() > 0, 20, "the call waits")
        os.kill(os.getpid(), signal.SIGINT)

    def interrupted() -> None:
        threading.Timer(0.02, interrupt).start()
        wait(k)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert k.sys.getpid() == k.pid
    eventually(lambda: in_flight() == 0, 20, "the call is ended")


def test_control_c_just_before_the_wait(k: Any, in_flight: Callable[[], int]) -> None:
    """Another thread is given the signal, so that it does not break off the wait: as when it comes a moment earlier."""

    def interrupt() -> None:
        eventually(lambda: in_flight() > 0, 20, "the call waits")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        with pytest.raises(KeyboardInterrupt):
            k.sys.nanosleep(1000)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    thread.join(20)
    assert k.sys.getpid() == k.pid


class Recorder:
    """Takes a call down instead of making it."""

    step: Step

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        self.step = Step(op, args)
        raise KeyboardInterrupt


class Recording:
    def __init__(self) -> None:
        self.recorder: Any = Recorder()
        self.sys, self.pub = Sys(self.recorder), Pub(self.recorder)


def test_cancellation(k: Any, wait: Wait, placement: str, in_flight: Callable[[], int]) -> None:
    """As the kernel answers it."""
    (cancelled_here if placement == "local" else cancelled_afar)(k, wait, in_flight)
    assert in_flight() == 0


def cancelled_here(k: Any, wait: Wait, in_flight: Callable[[], int]) -> None:
    session = k._connection._session

    def interrupt() -> None:
        eventually(lambda: in_flight() > 0, 20, "the call waits")
        with session._turn:
            session.process.interrupt("a test")

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(InterruptedError):
        wait(k)


def cancelled_afar(k: Any, wait: Wait, in_flight: Callable[[], int]) -> None:
    recording = Recording()
    with pytest.raises(KeyboardInterrupt):
        wait(recording)
    request: Any = rump_sp_pb2.StreamRequest()
    encode_call(recording.recorder.step, request.calls.add())
    line = k._connection._stream
    waiter = line.post(request)
    eventually(lambda: in_flight() == 1, 5, "the call waits")
    line.cancel(waiter.id)
    assert [result.error.name for result in line.collect(waiter).results] == ["EINTR"]

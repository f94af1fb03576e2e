"""poll(2), select(2) over pipes, fifos, files, devices, sockets and kqueues at once, over all placements.

Where NetBSD and Linux agree, the same steps are done with the host's own objects and poll: see `test_as_on_linux`.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code

IN, OUT = select.POLLIN, select.POLLOUT
HUP, ERR, NVAL = select.POLLHUP, select.POLLERR, select.POLLNVAL


def state(k: Any, fd: int, events: int = IN | OUT) -> int:
    return int(k.sys.poll([(fd, events)], 0).fds[0].revents)


def ready(k: Any, *pairs: tuple[int, int], timeout: int = 0) -> list[int]:
    answer = k.sys.poll(list(pairs), timeout)
    assert answer.nready == sum(bool(fd.revents) for fd in answer.fds)
    return [fd.revents for fd in answer.fds]


def later(call: Callable[[], Any]) -> threading.Thread:
    """Does something in a while, when the caller waits already."""

    def run() -> None:
        time.sleep(0.05)
        call()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_objects_of_all_owners_in_one_call(k: Any, folder: str) -> None:
    r, w = k.sys.pipe()
    file = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    null = k.sys.open("/dev/null", os.O_RDWR)
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    udp = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    fds = [(fd, IN | OUT) for fd in (r, w, file, null, one, udp, 0)]
    assert ready(k, *fds) == [0, OUT, IN | OUT, IN | OUT, OUT, OUT, IN | OUT]
    k.sys.write(w, b"x")
    k.sys.write(two, b"y")
    assert ready(k, *fds) == [IN, OUT, IN | OUT, IN | OUT, IN | OUT, OUT, IN | OUT]


def test_rules_of_entries(k: Any) -> None:
    r, w = k.sys.pipe()
    assert ready(k, (-1, IN), (r, IN), (999, IN)) == [0, 0, NVAL]
    k.sys.write(w, b"x")
    assert ready(k, (r, OUT), (r, IN), (r, 0)) == [0, IN, 0]
    assert code(k.sys.poll, [(r, IN)], -2) == "EINVAL"
    assert code(k.sys.poll, [(-1, 0)] * 5000, 0) == "EINVAL"
    k.sys.close(w)
    assert ready(k, (r, 0)) == [HUP], "an end is told of without being asked for"


def test_waits_for_whichever_owner_comes_first(k: Any, connect: Any, folder: str) -> None:
    other = connect()
    path = f"{folder}/fifo"
    k.sys.mkfifo(path, 0o600)
    fifo = k.sys.open(path, os.O_RDWR)
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_DGRAM, 0)
    fds = [(fifo, IN), (r, IN), (one, IN)]
    for number, (write, fd) in enumerate([(w, r), (two, one)]):
        thread = later(lambda write=write: k.sys.write(write, b"x"))
        assert ready(k, *fds, timeout=5000) == [0, *(IN if i == number else 0 for i in range(2))]
        thread.join()
        k.sys.read(fd, 10)

    def by_name() -> None:
        fd = other.sys.open(path, os.O_WRONLY)
        other.sys.write(fd, b"x")

    thread = later(by_name)
    assert ready(k, *fds, timeout=5000) == [IN, 0, 0]
    thread.join()


def test_time(k: Any) -> None:
    r, _ = k.sys.pipe()
    one, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    for fds in ([], [(r, IN)], [(r, IN), (one, IN)]):
        begin = time.monotonic()
        assert k.sys.poll(fds, 30).nready == 0
        assert 0.03 <= time.monotonic() - begin < 20
    assert k.sys.pollts([(r, IN)], 0.01).nready == 0
    assert k.sys.pollts([(r, IN)], 0.01, 1 << 3).nready == 0, "there are no signals for a mask to hold back"
    assert code(k.sys.pollts, [(r, IN)], rump.Timespec(0, 10**9)) == "EINVAL"
    assert code(k.sys.pollts, [(r, IN)], rump.Timespec(-1, 0)) == "EINVAL"


def test_select(k: Any) -> None:
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    top = max(r, w, one, two) + 1
    assert k.sys.select(top, [r, one], [w, one], [r], 0) == (2, [], [w, one], [])
    k.sys.write(two, b"x")
    assert k.sys.select(top, [r, one], [w, one], [], 0) == (3, [one], [w, one], [])
    assert k.sys.select(one, [r, one], [], [], 0) == (0, [], [], []), "only descriptors below the first argument count"
    thread = later(lambda: k.sys.close(w))
    assert k.sys.pselect(top, [r], [], [], 5, None) == (1, [r], [], [])
    thread.join()
    assert code(k.sys.select, top + 100, [top + 50], [], [], 0) == "EBADF"
    assert code(k.sys.select, -1, [], [], [], 0) == "EINVAL"
    assert k.sys.select(0, [], [], [], 0.01).nready == 0


def test_a_descriptor_that_is_closed_meanwhile(k: Any) -> None:
    one, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    r, _ = k.sys.pipe()
    for fd in (one, r):
        thread = later(lambda fd=fd: k.sys.close(fd))
        assert ready(k, (fd, IN), timeout=5000) == [NVAL]
        thread.join()


def test_listening_and_connecting(k: Any, folder: str) -> None:
    server = k.socket(rump.AF_UNIX, rump.SOCK_STREAM)
    server.bind(f"{folder}/s")
    server.listen(1)
    client = k.socket(rump.AF_UNIX, rump.SOCK_STREAM)
    assert state(k, server.fileno()) == 0
    assert state(k, client.fileno()) == 0
    client.connect(f"{folder}/s")
    assert state(k, server.fileno()) == IN
    assert state(k, client.fileno()) == OUT
    server.close()
    assert state(k, client.fileno()) & (IN | HUP | ERR) == IN | HUP | ERR


@pytest.mark.parametrize("placement", ["server", "split"])
def test_a_wait_that_is_given_up(connect: Any) -> None:
    k = connect()
    r, w = k.sys.pipe()
    one, _ = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    k.timeout = 0.05
    for fds in ([(r, IN)], [(r, IN), (one, IN)]):
        with pytest.raises(TimeoutError):
            k.sys.poll(fds, -1)
    k.timeout = None
    k.sys.write(w, b"x")
    assert ready(k, (r, IN), (one, IN)) == [IN, 0]


# -- the Linux kernel as the yardstick


class Linux:
    """The calls of ``k.sys`` with objects of the host."""

    def __init__(self) -> None:
        self.kept: list[socket.socket] = []

    def pipe(self) -> tuple[int, int]:
        return os.pipe()

    def socketpair(self, family: int, kind: int, protocol: int) -> tuple[int, int]:
        pair = socket.socketpair(family, kind, protocol)
        return pair[0].detach(), pair[1].detach()

    def socket(self, family: int, kind: int, protocol: int) -> int:
        return socket.socket(family, kind, protocol).detach()

    def shutdown(self, fd: int, how: int) -> None:
        with socket.socket(fileno=os.dup(fd)) as s:
            s.shutdown(how)

    def tcp(self) -> tuple[int, int, int]:
        """A listening socket, and the two ends of a connection."""
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        return server.detach(), client.detach(), -1

    def accept(self, fd: int) -> int:
        with socket.socket(fileno=os.dup(fd)) as s:
            return s.accept()[0].detach()

    read, write, close = staticmethod(os.read), staticmethod(os.write), staticmethod(os.close)

    def state(self, fd: int) -> int:
        poller = select.poll()
        poller.register(fd, IN | OUT)
        return dict(poller.poll(0)).get(fd, 0)


class Kernel:
    def __init__(self, k: Any) -> None:
        self.k = k

    def __getattr__(self, name: str) -> Any:
        return getattr(self.k.sys, name)

    def tcp(self) -> tuple[int, int, int]:
        server = self.k.socket(rump.AF_INET, rump.SOCK_STREAM)
        server.bind(("127.0.0.1", 0))
        server.listen(5)
        client = self.k.socket(rump.AF_INET, rump.SOCK_STREAM)
        client.connect(server.getsockname())
        return server.detach(), client.detach(), -1

    def accept(self, fd: int) -> int:
        return int(self.k.sys.accept(fd).s)

    def state(self, fd: int) -> int:
        return state(self.k, fd)


def pipe_states(s: Any) -> list[int]:
    r, w = s.pipe()
    out = [s.state(r), s.state(w)]
    s.write(w, b"abc")
    out += [s.state(r), s.state(w)]
    s.close(w)
    out.append(s.state(r))
    s.read(r, 10)
    out.append(s.state(r))
    s.close(r)
    return out


def full_pipe(s: Any) -> list[int]:
    r, w = s.pipe()
    s.write(w, bytes(1 << 16))
    out = [s.state(w)]
    while out[-1] == 0:
        s.read(r, 1 << 12)
        out.append(s.state(w))
    s.close(r), s.close(w)
    return out[:1] + out[-1:]


def stream_states(s: Any) -> list[int]:
    one, two = s.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
    out = [s.state(one)]
    s.write(two, b"abc")
    out.append(s.state(one))
    s.read(one, 10)
    out.append(s.state(one))
    s.shutdown(two, socket.SHUT_WR)
    out.append(s.state(one))
    s.shutdown(two, socket.SHUT_RD)
    out += [s.state(one), s.state(two)]
    s.close(two), s.close(one)
    return out


def closed_stream(s: Any) -> list[int]:
    one, two = s.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
    s.write(two, b"abc")
    s.close(two)
    out = [s.state(one)]
    s.read(one, 10)
    out.append(s.state(one))
    s.close(one)
    return out


def datagrams(s: Any) -> list[int]:
    one, two = s.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
    out = [s.state(one)]
    s.write(two, b"")
    out.append(s.state(one))
    s.read(one, 10)
    out.append(s.state(one))
    udp = s.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    out.append(s.state(udp))
    for fd in (one, two, udp):
        s.close(fd)
    return out


def tcp_states(s: Any) -> list[int]:
    server, client, _ = s.tcp()
    out = [settled(s, server, IN), s.state(client)]
    one = s.accept(server)
    out += [s.state(server), s.state(one)]
    s.write(client, b"abc")
    out.append(settled(s, one, IN | OUT))
    s.read(one, 10)
    out.append(s.state(one))
    s.shutdown(client, socket.SHUT_WR)
    out += [settled(s, one, IN | OUT), s.state(client)]
    s.close(one)
    out.append(settled(s, client, IN | OUT | HUP))
    s.close(client), s.close(server)
    return out


def settled(s: Any, fd: int, wanted: int) -> int:
    """The state once packets have arrived."""
    for _ in range(200):
        if s.state(fd) == wanted:
            break
        time.sleep(0.01)
    return int(s.state(fd))


@pytest.mark.parametrize("steps", [pipe_states, full_pipe, stream_states, closed_stream, datagrams, tcp_states])
def test_as_on_linux(k: Any, steps: Callable[[Any], list[int]]) -> None:
    ours, theirs = steps(Kernel(k)), steps(Linux())
    if steps is pipe_states:
        assert theirs.pop() == HUP
        assert ours.pop() == IN | HUP, "in BSD the end of a pipe is something to read"
    assert ours == theirs

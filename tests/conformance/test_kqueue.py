"""kqueue(2): filters and flags over pipes, sockets, files, timers, processes, other kqueues, in all placements."""

from __future__ import annotations

import itertools
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import rump
from rump import Kevent
from tests.conformance.test_poll import later, ready

ADD, DELETE, ONESHOT, CLEAR = rump.EV_ADD, rump.EV_DELETE, rump.EV_ONESHOT, rump.EV_CLEAR
READ, WRITE = rump.EVFILT_READ, rump.EVFILT_WRITE


class Queue:
    """A kqueue of a kernel."""

    def __init__(self, k: Any) -> None:
        self.k = k
        self.fd = k.sys.kqueue()

    def change(self, ident: int, which: int, flags: int = ADD, fflags: int = 0, data: int = 0, udata: int = 0) -> None:
        assert self.k.sys.kevent(self.fd, [Kevent(ident, which, flags, fflags, data, udata)]) == []

    def events(self, nevents: int = 10, timeout: float | None = 0) -> list[Kevent]:
        found: list[Kevent] = self.k.sys.kevent(self.fd, [], nevents, timeout)
        return found

    def idents(self, timeout: float | None = 0) -> list[int]:
        return [event.ident for event in self.events(timeout=timeout)]


@pytest.fixture
def q(k: Any) -> Queue:
    return Queue(k)


def failure(call: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(rump.RumpError) as caught:
        call(*args)
    return str(caught.value.name)


def test_level_and_edge(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    edge = Queue(k)
    for queue, flags in ((q, ADD), (edge, ADD | CLEAR)):
        queue.change(r, READ, flags, udata=11)
        queue.change(one, READ, flags, udata=22)
        assert queue.events() == []
    for writer, reader, udata in ((w, r, 11), (two, one, 22)):
        k.sys.write(writer, b"abc")
        for _ in range(2):
            assert q.events() == [Kevent(reader, READ, q.events()[0].flags, 0, 3, udata)]
        assert [(e.ident, e.data, e.udata) for e in edge.events()] == [(reader, 3, udata)]
        assert edge.events() == [], "once for each arrival"
        k.sys.write(writer, b"de")
        assert [(e.ident, e.data) for e in edge.events()] == [(reader, 5)]
        k.sys.read(reader, 100)
        assert q.events() == edge.events() == [], "nothing is left to read"
        k.sys.write(writer, b"f")
        k.sys.read(reader, 100)
        assert edge.events() == [], "somebody was quicker"


def test_end_of_file(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    for fd in (r, one):
        q.change(fd, READ)
    q.change(w, WRITE)
    (event,) = q.events()
    assert (event.ident, event.flags & rump.EV_EOF) == (w, 0)
    assert event.data >= 512, "the room in the pipe"
    q.change(w, WRITE, DELETE)
    k.sys.write(two, b"ab")
    k.sys.close(w)
    k.sys.close(two)
    found = {e.ident: e for e in q.events()}
    assert {fd: (e.data, bool(e.flags & rump.EV_EOF)) for fd, e in found.items()} == {r: (0, True), one: (2, True)}


def test_oneshot_dispatch_disable(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    k.sys.write(w, b"x")
    q.change(r, READ, ADD | ONESHOT)
    assert q.idents() == [r]
    assert q.idents() == []
    assert failure(q.change, r, READ, DELETE) == "ENOENT"
    q.change(r, READ, ADD | rump.EV_DISPATCH)
    assert q.idents() == [r]
    assert q.idents() == [], "disabled when it was told"
    q.change(r, READ, rump.EV_ENABLE)
    assert q.idents() == [r]
    q.change(r, READ, ADD | rump.EV_DISABLE)
    assert q.idents() == []
    q.change(r, READ, ADD | rump.EV_ENABLE)
    assert q.idents() == [r] == q.idents()
    q.change(r, READ, DELETE)
    assert q.idents() == []


def test_changes_that_fail(k: Any, q: Queue, folder: str) -> None:
    r, w = k.sys.pipe()
    k.sys.write(w, b"x")
    file = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    changes = [
        Kevent(r, READ, ADD | rump.EV_RECEIPT),
        Kevent(999, READ, ADD),
        Kevent(r, WRITE, ADD),
        Kevent(r, 77, ADD),
        Kevent(file, WRITE, DELETE),
        Kevent(r, rump.EVFILT_VNODE, ADD),
    ]
    found = k.sys.kevent(q.fd, changes, 10, 0)
    assert all(event.flags & rump.EV_ERROR for event in found)
    errors = [(event.ident, event.filter, event.data) for event in found]
    assert errors == [
        (r, READ, 0),
        (999, READ, 9),
        (r, WRITE, 22),
        (r, 77, 22),
        (file, WRITE, 2),
        (r, rump.EVFILT_VNODE, 22),
    ], "and nothing but errors is told of"
    assert q.idents() == [r]
    assert failure(k.sys.kevent, q.fd, changes[1:]) == "EBADF"
    for ident in (1 << 31, (1 << 64) - 1):
        assert failure(q.change, ident, READ) == "EBADF"
    assert failure(q.change, r, (1 << 32) - 1) == "EINVAL"
    assert failure(k.sys.kevent, r, [], 1, 0) == "EBADF"
    assert failure(k.sys.kevent, 999, [], 1, 0) == "EBADF"
    assert failure(k.sys.kevent, q.fd, [], 1, rump.Timespec(0, -1)) == "EINVAL"
    assert k.sys.kevent(q.fd, [], 0, 5) == [], "no room for events is no reason to wait"


def test_waits_over_owners(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    q.change(r, READ, ADD | CLEAR)
    q.change(one, READ, ADD | CLEAR)
    for writer, reader in ((w, r), (two, one)) * 2:
        thread = later(lambda writer=writer: k.sys.write(writer, b"x"))
        assert q.idents(5) == [reader]
        thread.join()
    k.sys.write(w, b"x")
    k.sys.write(two, b"x")
    assert len(q.events(1)) == 1
    assert len(q.events(5)) == 1, "what there was no room for is told the next time"
    thread = later(lambda: k.sys.write(w, b"x"))
    assert k.sys.kevent(q.fd, [], 1 << 31, rump.Timespec(1 << 62, 0))[0].ident == r, "more patience than clocks have"
    thread.join()
    begin = time.monotonic()
    assert q.idents(0.03) == []
    assert 0.03 <= time.monotonic() - begin < 20


def test_a_change_wakes_who_waits(k: Any, q: Queue) -> None:
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    k.sys.write(two, b"x")
    thread = later(lambda: q.change(one, READ))
    assert q.idents(5) == [one]
    thread.join()


def test_timers(k: Any, q: Queue) -> None:
    begin = time.monotonic()
    q.change(1, rump.EVFILT_TIMER, ADD | ONESHOT, data=30)
    q.change(2, rump.EVFILT_TIMER, data=10)
    seen: dict[int, int] = {1: 0, 2: 0}
    while seen[1] == 0 or seen[2] < 3:
        for event in q.events(timeout=5):
            seen[event.ident] += event.data
    assert time.monotonic() - begin >= 0.03
    assert seen[1] == 1
    q.change(2, rump.EVFILT_TIMER, DELETE)
    q.change(3, rump.EVFILT_TIMER, ADD | ONESHOT, rump.NOTE_USECONDS, 500)
    assert q.idents(5) == [3]
    now = time.time_ns() // 1_000_000
    q.change(4, rump.EVFILT_TIMER, ADD, rump.NOTE_ABSTIME, now + 20)
    assert q.idents(5) == [4]
    assert time.time_ns() // 1_000_000 >= now + 20
    assert failure(q.change, 5, rump.EVFILT_TIMER, ADD, 0, -1) == "EINVAL"
    assert failure(q.change, 5, rump.EVFILT_TIMER, ADD, 0x8000, 1) == "EINVAL"
    assert q.idents(0.02) == []


def test_processes(k: Any, q: Queue) -> None:
    proc = rump.EVFILT_PROC
    child = k.fork()
    q.change(child.pid, proc, ADD, rump.NOTE_FORK | rump.NOTE_EXIT | rump.NOTE_TRACK, udata=5)
    grandchild = child.fork()
    events = {e.ident: e for e in q.events()}
    assert events[child.pid].fflags == rump.NOTE_FORK
    assert (events[grandchild.pid].fflags, events[grandchild.pid].data) == (rump.NOTE_CHILD, child.pid)
    thread = later(grandchild.close)
    (event,) = q.events(timeout=5)
    assert (event.ident, event.fflags, event.udata) == (grandchild.pid, rump.NOTE_EXIT, 5)
    assert event.flags & rump.EV_EOF
    thread.join()
    child.close()
    assert q.idents(5) == [child.pid]
    assert failure(q.change, child.pid, proc, ADD, rump.NOTE_EXIT) == "ESRCH"
    user = k.fork()
    user.sys.setuid(1000)
    assert failure(Queue(user).change, k.pid, proc, ADD, rump.NOTE_EXIT) == "EACCES"
    user.close()


def test_events_of_the_program(k: Any, q: Queue) -> None:
    user = rump.EVFILT_USER
    q.change(7, user, ADD | CLEAR, rump.NOTE_FFCOPY | 0b1100)
    assert q.events() == []
    thread = later(lambda: q.change(7, user, 0, rump.NOTE_TRIGGER | rump.NOTE_FFOR | 1))
    (event,) = q.events(timeout=5)
    assert (event.ident, event.fflags) == (7, 0b1101)
    thread.join()
    assert q.events() == []
    q.change(7, user, 0, rump.NOTE_TRIGGER | rump.NOTE_FFAND | 0b101)
    assert [e.fflags for e in q.events()] == [0b101]
    assert failure(q.change, 8, user, 0, rump.NOTE_TRIGGER) == "ENOENT"


def test_what_happens_to_files(k: Any, q: Queue, folder: str) -> None:
    vnode = rump.EVFILT_VNODE
    every = 0x7F
    fd = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    directory = k.sys.open(folder, os.O_RDONLY)
    q.change(fd, vnode, ADD | CLEAR, every)
    q.change(directory, vnode, ADD | CLEAR, every)

    def happened() -> dict[str, int]:
        names = {fd: "file", directory: "directory"}
        return {names[e.ident]: e.fflags for e in q.events()}

    k.sys.write(fd, b"abc")
    assert happened() == {"file": rump.NOTE_WRITE | rump.NOTE_EXTEND}
    k.sys.pwrite(fd, b"x", 0)
    assert happened() == {"file": rump.NOTE_WRITE}
    k.sys.chmod(f"{folder}/f", 0o600)
    assert happened() == {"file": rump.NOTE_ATTRIB}
    k.sys.link(f"{folder}/f", f"{folder}/g")
    assert happened() == {"file": rump.NOTE_LINK, "directory": rump.NOTE_WRITE}
    k.sys.unlink(f"{folder}/g")
    assert happened() == {"file": rump.NOTE_LINK, "directory": rump.NOTE_WRITE}
    k.sys.rename(f"{folder}/f", f"{folder}/h")
    assert happened() == {"file": rump.NOTE_RENAME, "directory": rump.NOTE_WRITE}
    k.sys.mkdir(f"{folder}/d", 0o755)
    assert happened() == {"directory": rump.NOTE_WRITE | rump.NOTE_LINK}
    k.sys.unlink(f"{folder}/h")
    assert happened() == {"file": rump.NOTE_DELETE, "directory": rump.NOTE_WRITE}
    k.sys.rmdir(f"{folder}/d")
    k.sys.rmdir(folder)
    assert happened() == {"directory": rump.NOTE_WRITE | rump.NOTE_LINK | rump.NOTE_DELETE}


def test_a_file_that_grows(k: Any, connect: Any, q: Queue, folder: str) -> None:
    fd = k.sys.open(f"{folder}/log", os.O_RDONLY | os.O_CREAT, 0o644)
    q.change(fd, READ)
    assert q.events() == []
    other = connect()
    writer = other.sys.open(f"{folder}/log", os.O_WRONLY | os.O_APPEND)
    thread = later(lambda: other.sys.write(writer, b"a line\n"))
    assert [(e.ident, e.data) for e in q.events(timeout=5)] == [(fd, 7)]
    thread.join()
    k.sys.read(fd, 100)
    assert q.events() == []


def test_mounts(k: Any, q: Queue, folder: str) -> None:
    q.change(0, rump.EVFILT_FS)
    k.sys.mount("tmpfs", folder)
    assert [e.fflags for e in q.events()] == [rump.VQ_MOUNT]
    k.sys.unmount(folder)
    assert [e.fflags for e in q.events()] == [rump.VQ_UNMOUNT]


def test_fifos_and_devices(k: Any, q: Queue, folder: str) -> None:
    k.sys.mkfifo(f"{folder}/fifo", 0o600)
    r = k.sys.open(f"{folder}/fifo", os.O_RDONLY | os.O_NONBLOCK)
    w = k.sys.open(f"{folder}/fifo", os.O_WRONLY)
    null = k.sys.open("/dev/null", os.O_RDWR)
    q.change(r, READ, ADD | CLEAR)
    assert q.idents() == []
    k.sys.write(w, b"x")
    assert q.idents() == [r]
    q.change(null, WRITE)
    assert q.idents() == [null]


def test_kqueue_in_kqueue_and_in_poll(k: Any, q: Queue) -> None:
    inner = Queue(k)
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    inner.change(r, READ)
    q.change(inner.fd, READ, udata=3)
    assert q.events() == []
    inner.change(one, READ)  # after the other one began to watch
    for writer, reader in ((two, one), (w, r)):
        thread = later(lambda writer=writer: k.sys.write(writer, b"x"))
        assert [(e.ident, e.data, e.udata) for e in q.events(timeout=5)] == [(inner.fd, 1, 3)]
        thread.join()
        assert ready(k, (inner.fd, select.POLLIN), (q.fd, select.POLLIN)) == [select.POLLIN] * 2
        assert inner.idents() == [reader]
        k.sys.read(reader, 10)
        assert q.events() == []
        assert ready(k, (inner.fd, select.POLLIN), (q.fd, select.POLLIN)) == [0, 0]
    thread = later(lambda: k.sys.write(two, b"x"))
    assert ready(k, (q.fd, select.POLLIN), timeout=5000) == [select.POLLIN]
    thread.join()
    assert failure(inner.change, q.fd, READ) == "ELOOP"
    assert failure(q.change, q.fd, READ) == "ELOOP"
    assert failure(q.change, inner.fd, WRITE) == "EINVAL"


def test_what_was_refused_is_not_tried_again_elsewhere(k: Any, q: Queue) -> None:
    inner = Queue(k)
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    q.change(inner.fd, READ)
    assert failure(inner.change, q.fd, READ) == "ELOOP"
    q.change(one, READ)
    inner.change(two, READ)
    k.sys.write(one, b"x")
    assert q.idents(5) == [inner.fd]
    q.change(inner.fd, READ, rump.EV_DISABLE)
    r, w = k.sys.pipe()
    inner.change(r, READ)
    k.sys.write(w, b"x")
    assert q.events() == [], "disabled in the parts that came later as well"
    q.change(inner.fd, READ, DELETE)
    q.change(inner.fd, READ)
    assert q.idents(5) == [inner.fd]


def test_nested_and_oneshot(k: Any, q: Queue) -> None:
    inner = Queue(k)
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    inner.change(r, READ)
    inner.change(one, READ)
    q.change(inner.fd, READ, ADD | ONESHOT)
    k.sys.write(w, b"x")
    assert q.idents() == [inner.fd]
    k.sys.write(two, b"x")
    assert q.idents() == [], "once, not once in each component"


def test_how_deep_kqueues_may_stand_in_one_another(k: Any) -> None:
    r, w = k.sys.pipe()
    chain = [Queue(k) for _ in range(9)]
    chain[0].change(r, READ)
    for inner, outer in itertools.pairwise(chain[:8]):
        outer.change(inner.fd, READ)
    assert failure(chain[8].change, chain[7].fd, READ) == "ELOOP"
    assert failure(chain[0].change, chain[8].fd, READ) == "ELOOP"
    k.sys.write(w, b"x")
    assert chain[7].idents(5) == [chain[6].fd]


def test_closing_ends_the_watch(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    q.change(r, READ)
    copy = k.sys.dup(r)
    k.sys.write(w, b"x")
    assert q.idents() == [r]
    k.sys.close(r)
    assert q.idents() == [], "the pipe is open still, but not by the number that was watched"
    assert k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)[0] == r
    assert failure(q.change, r, READ, DELETE) == "ENOENT"
    q.change(copy, READ)
    assert k.sys.dup2(w, copy) == copy
    assert q.idents() == []
    thread = later(lambda: k.sys.close(q.fd))
    assert failure(q.events, 1, 5) == "EBADF"
    thread.join()


def test_children_do_not_have_it(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    q.change(r, READ)
    child = k.fork()
    assert failure(child.sys.kevent, q.fd, [], 1, 0) == "EBADF"
    assert child.sys.dup(r) == q.fd, "the number is free in the child"
    child.sys.write(w, b"x")
    child.close()
    assert q.idents() == [r]


def test_what_else_can_be_done_with_it(k: Any) -> None:
    fd = k.sys.kqueue1(os.O_CLOEXEC | os.O_NONBLOCK)
    assert k.sys.fcntl(fd, rump.F_GETFD).value == rump.FD_CLOEXEC
    assert k.sys.fcntl(fd, rump.F_GETFL).value & os.O_NONBLOCK
    assert failure(k.sys.read, fd, 1) == "ENXIO"
    assert failure(k.sys.lseek, fd, 0, 0) == "ESPIPE"
    assert failure(k.sys.getsockname, fd) == "ENOTSOCK"
    assert failure(k.sys.kqueue1, os.O_APPEND) == "EINVAL"


def test_many_threads_wait_on_one(k: Any, q: Queue) -> None:
    r, w = k.sys.pipe()
    q.change(r, READ, ADD | CLEAR)
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.extend(q.idents(5))) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(seen) < 3:
        k.sys.write(w, b"x")
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert set(seen) == {r}


def test_tcp(k: Any, q: Queue) -> None:
    server = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    q.change(server.fileno(), READ)
    assert q.events() == []
    client = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    thread = later(lambda: client.connect(server.getsockname()))
    assert [(e.ident, e.data) for e in q.events(timeout=5)] == [(server.fileno(), 1)]
    thread.join()
    connection, _ = server.accept()
    assert q.events() == []
    q.change(connection.fileno(), READ, ADD | CLEAR)
    for text, data in ((b"abc", 3), (b"de", 5)):
        client.send(text)
        assert [(e.ident, e.data) for e in q.events(timeout=5)] == [(connection.fileno(), data)]
    assert q.events() == []
    client.close()
    (event,) = q.events(timeout=5)
    assert (event.ident, event.data, bool(event.flags & rump.EV_EOF)) == (connection.fileno(), 5, True)

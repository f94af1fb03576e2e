"""The network is cut at every frame of a session: each call has happened once, and the process is the same."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
import rump.aio
from rump._retry import Policy
from tests.cutter import DOWN, UP, Cutter
from tests.live import LiveKernel, eventually, live_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server") as live:
        yield live


@pytest.fixture(params=["grpc", "frames"])
def cutter(
    request: pytest.FixtureRequest, kernel: LiveKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cutter]:
    """Before a kernel whose clients have gRPC alone, or before the frames that they move over to."""
    monkeypatch.setenv("RUMP_TRANSPORT", request.param)
    made = [Cutter(tmp_path, kernel.url)]
    if request.param == "frames":
        made.append(Cutter(tmp_path, kernel.url, suffix=".frames"))
    yield made[-1]
    for each in made:
        each.close()


def script(k: rump.Client, path: str) -> list[object]:
    """Calls of which none may be left out, or done twice, without its being seen."""
    seen: list[object] = [k.sys.getpid() == k.pid]
    fd = k.sys.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o644)
    seen += [fd, k.sys.write(fd, b"first,"), k.sys.write(fd, b"second,")]
    k.sys.mkdir(path + ".d", 0o755)
    k.sys.chdir(path + ".d")
    r, w = k.sys.pipe()
    seen += [r, w, k.sys.write(w, b"0123456789"), k.sys.read(r, 4), k.sys.read(r, 4)]
    with k.batch() as batch:
        extra = batch.dup(fd)
        batch.write(extra, b"third,")
    seen += [extra.result(), k.sys.dup(fd)]
    a, b = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_DGRAM, 0)
    seen += [a, b, k.sys.sendto(a, b"one"), k.sys.sendto(a, b"two"), k.sys.recvfrom(b, 9).data]
    with k.fork() as child:
        seen.append(child.sys.write(fd, b"child,"))
    k.sys.close(extra.result())
    k.sys.mkdir("made here", 0o755)
    seen += [k.sys.dup(fd), k.sys.recvfrom(b, 9).data, k.sys.read(r, 9)]
    k.sys.lseek(fd, 0, os.SEEK_SET)
    seen += [k.sys.read(fd, 99), k.sys.read(fd, 99)]
    return seen


EXPECTED = [
    True, 3, 6, 7, 4, 5, 10, b"0123", b"4567", 6, 7, 8, 9, 3, 3, b"one",
    6, 6, b"two", b"89", b"first,second,third,child,", b"",
]  # fmt: skip

CUTS = 25
_names = iter(range(10**9))


def run(kernel: LiveKernel, url: str) -> None:
    path = f"/tmp/once{next(_names)}"
    with rump.connect(url, retry=30) as k:
        pid = k.pid
        assert script(k, path) == EXPECTED
        assert k.pid == pid
        assert k.listdir(path + ".d") == ["made here"]


def test_cuts_at_every_frame(kernel: LiveKernel, cutter: Cutter) -> None:
    run(kernel, cutter.url)
    frames = cutter.seen[0]
    with rump.connect(kernel.url) as watcher:
        before = len(watcher.processes())
        for direction in (UP, DOWN):
            for wanted in range(frames[direction]):
                first = len(cutter.seen)
                part = (0.0, 0.5, 1.0)[wanted % 3]

                def decide(connection: int, way: str, index: int) -> float | None:
                    return part if (connection, way, index) == (first, direction, wanted) else None  # noqa: B023

                cutter.decide = decide
                run(kernel, cutter.url)
        cutter.decide = lambda connection, direction, index: None
        assert cutter.cuts > 0.8 * sum(frames.values())
        eventually(lambda: len(watcher.processes()) == before, 3, "what was attached is gone")


def test_cuts_of_what_takes_up_the_session(kernel: LiveKernel, cutter: Cutter) -> None:
    """Cuts again at the first frames of the connection that follows one, and of the one after it."""
    chance = random.Random(5)
    for _ in range(12):
        first = len(cutter.seen)
        cuts = {first: (UP, chance.randrange(8, 60))} | {
            first + n: (chance.choice((UP, DOWN)), chance.randrange(10)) for n in range(1, chance.randrange(2, 5))
        }

        def decide(connection: int, way: str, index: int) -> float | None:
            return chance.choice((0.0, 0.5, 1.0)) if cuts.get(connection) == (way, index) else None  # noqa: B023

        cutter.decide = decide
        run(kernel, cutter.url)


class Cutting:
    """Cuts everything at random times while the block runs."""

    def __init__(self, cutter: Cutter, seed: int = 1) -> None:
        self._cutter = cutter
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._cut)

    def _cut(self) -> None:
        while not self._over.wait(self._chance.uniform(0.01, 0.06)):
            self._cutter.cut_all()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_four_workers_and_a_cutter(kernel: LiveKernel, cutter: Cutter) -> None:
    """As t_sp's reconnect has it, but that here nothing is lost: pid, descriptors and what was written."""
    wrong: list[object] = []
    with rump.connect(cutter.url, retry="inftime") as k:
        pid, name = k.pid, k.sysctl("kern.hostname")
        r, w = k.sys.pipe()
        fd = k.sys.open("/tmp/workers", os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND, 0o644)

        done = [0] * 4

        def work(number: int) -> None:
            try:
                for count in itertools.count():
                    if cutter.cuts >= CUTS and count > CUTS:
                        break
                    found = k.sys.getpid(), k.sysctl("kern.hostname")
                    if found != (pid, name):
                        wrong.append(found)
                    k.sys.write(fd, b"%d:%d\n" % (number, count))
                    done[number] += 1
            except BaseException as error:  # noqa: BLE001  the test shows it
                wrong.append(error)

        got: list[bytes] = []
        waiting = threading.Thread(target=lambda: got.append(k.sys.read(r, 9)))  # one call lasts through all the cuts
        waiting.start()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        with Cutting(cutter):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(100)
            k.sys.write(w, b"at last")
            waiting.join(20)
        assert (wrong, got) == ([], [b"at last"])
        lines = k.sys.pread(fd, 1 << 20, 0).split()
        for number, count in enumerate(done):
            mine = [line for line in lines if line.startswith(b"%d:" % number)]
            assert mine == [b"%d:%d" % (number, c) for c in range(count)]
        assert len(lines) == sum(done) > 100


def test_tasks_and_a_cutter(kernel: LiveKernel, cutter: Cutter) -> None:
    async def work(k: rump.aio.Client, fd: int, number: int) -> int:
        count = 0
        while cutter.cuts < CUTS:
            assert await k.sys.getpid() == k.pid
            await k.sys.write(fd, b"%d:%d\n" % (number, count))
            count += 1
        return count

    async def main() -> None:
        async with rump.aio.connect(cutter.url, retry=60) as k:
            pid = k.pid
            fd = await k.sys.open("/tmp/tasks", os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND, 0o644)
            r, w = await k.sys.pipe()
            waiting = asyncio.create_task(k.sys.read(r, 9))
            given_up = asyncio.create_task(k.sys.read(r, 9))
            with Cutting(cutter, 2):
                done = await asyncio.gather(*(work(k, fd, number) for number in range(4)))
                given_up.cancel()
                children = [await k.fork() for _ in range(5)]
            await asyncio.wait([given_up])
            await k.sys.write(w, b"at last")
            assert await waiting == b"at last"
            lines = (await k.sys.pread(fd, 1 << 20, 0)).split()
            assert sorted(lines) == sorted(b"%d:%d" % (n, c) for n in range(4) for c in range(done[n]))
            assert k.pid == pid
            found = [p["pid"] for p in await k.processes() if p["ppid"] == pid]
            assert found == [child.pid for child in children]
            for child in children:
                await child.close()

    asyncio.run(main())


def test_signals_that_come_meanwhile_are_told(kernel: LiveKernel, cutter: Cutter) -> None:
    """While there is no stream they are kept, and they come before what takes up the session is answered."""
    with rump.connect(kernel.url) as watcher, rump.connect(cutter.url, retry=60) as k:
        seen: list[Any] = []
        k._connection.signals.take(None, seen.append)  # type: ignore[attr-defined]  # without a call that brings signals alone
        _signal_while_cut(watcher, cutter, k.pid)
        k.sys.getpid()
        assert seen[-1].si_code == rump.SI_QUEUE
        assert seen[-1].si_pid == watcher.pid


def test_signals_that_come_meanwhile_are_told_to_tasks(kernel: LiveKernel, cutter: Cutter) -> None:
    async def main(watcher: rump.Client) -> None:
        async with rump.aio.connect(cutter.url, retry=60) as k:
            seen: list[Any] = []
            k.on_signal(seen.append)
            await k.sys.getpid()
            await asyncio.to_thread(_signal_while_cut, watcher, cutter, k.pid)
            await k.sys.getpid()
            assert seen[-1].si_pid == watcher.pid

    with rump.connect(kernel.url) as watcher:
        asyncio.run(main(watcher))


def _signal_while_cut(watcher: rump.Client, cutter: Cutter, pid: int) -> None:
    cutter.shut = True
    cutter.cut_all()
    for value in range(50):  # by the last the gateway has noticed
        watcher.pub.sigqueue(pid, signal.SIGUSR1, value)
    cutter.shut = False


def test_a_session_that_nobody_uses_is_taken_up_again(kernel: LiveKernel, cutter: Cutter) -> None:
    with rump.connect(cutter.url, retry="once") as k:
        fd = k.sys.dup(0)
        connections = len(cutter.seen)
        cutter.cut_all()
        eventually(lambda: len(cutter.seen) > connections, 5, "the client is back")
        assert k.sys.dup(fd) == fd + 1


def test_lost_connections_leave_no_threads(kernel: LiveKernel, cutter: Cutter) -> None:
    with rump.connect(cutter.url, retry=30) as k:
        k.sys.getpid()
        before = threading.active_count()
        for _ in range(8):
            cutter.cut_all()
            k.sys.getpid()
        eventually(lambda: threading.active_count() <= before, 10, "the threads of lost streams have ended")


def test_the_end_of_a_lease_is_told_once(
    kernel: LiveKernel, cutter: Cutter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Policy, "lease_ms", 300)
    with rump.connect(kernel.url) as watcher, rump.connect(cutter.url, retry=20) as k:
        pid = k.pid
        r, w = k.sys.pipe()
        errors: list[int | None] = []

        def read() -> None:
            try:
                k.sys.read(r, 1)
            except OSError as error:
                errors.append(error.errno)

        thread = threading.Thread(target=read)
        thread.start()
        eventually(lambda: len(k._connection._stream._ledger.waiting) == 1, 5, "a call waits")  # type: ignore[attr-defined]
        cutter.shut = True
        cutter.cut_all()
        eventually(lambda: pid not in {p["pid"] for p in watcher.processes()}, 5, "its process is gone")
        cutter.shut = False
        thread.join(10)
        assert errors == [errno.ESTALE]
        assert k.sys.getpid() not in (0, pid)  # from here on as another process
        with pytest.raises(OSError, match="Bad file descriptor"):
            k.sys.write(w, b"x")
    assert [record.message.split(" unix:")[0] for record in caplog.records] == ["connection to", "attached to"]
    assert watcher_statistics(kernel) == 0


def watcher_statistics(kernel: LiveKernel) -> int:
    with rump.connect(kernel.url) as k:
        return k.statistics()["in_flight"]


def test_the_end_of_a_lease_is_told_to_who_comes_later(
    kernel: LiveKernel, cutter: Cutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Policy, "lease_ms", 100)
    with rump.connect(kernel.url) as watcher, rump.connect(cutter.url, retry=20) as k:
        pid = k.sys.getpid()  # the stream is there, all the way
        cutter.shut = True
        cutter.cut_all()
        eventually(lambda: pid not in {p["pid"] for p in watcher.processes()}, 5, "its process is gone")
        cutter.shut = False
        with pytest.raises(OSError, match=r"not heard of for 0\.1 s") as caught:
            k.sys.getpid()
        assert caught.value.errno == errno.ESTALE
        assert k.sys.getpid() == k.pid != pid

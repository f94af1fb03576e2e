"""Descriptors that are watched and devices that are looked at, on both hosts."""

from __future__ import annotations

import asyncio
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rump
from rumpuser.devices.port import FramePort
from rumpuser.devices.shmbus import ShmBus
from rumpuser.pending import Pending, run_blocking
from rumpuser.polling import Turn
from rumpuser.systemhost import LocalHost, SystemHost

FRAME = b"\xff" * 12 + b"\x08\0"


@pytest.fixture
def turn() -> Turn:
    return Turn()


@pytest.fixture
def host(turn: Turn) -> Iterator[LocalHost]:
    host = LocalHost(turn)
    yield host
    host.close()


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path / "bus")


@pytest.fixture
def far(path: bytes) -> Iterator[ShmBus]:
    bus = ShmBus(path, lambda frame, offload: None)
    yield bus
    bus.close()


async def _wait(pending: Pending[None]) -> None:
    await pending


def test_a_pipe_is_watched_under_the_lock_until_that_is_ended(host: LocalHost, turn: Turn) -> None:
    read, write = os.pipe()
    got: list[tuple[bytes, str]] = []
    done: Pending[None] = Pending()

    def readable() -> None:
        assert turn._is_owned()  # type: ignore[attr-defined]
        got.append((os.read(read, 1), threading.current_thread().name))
        if len(got) == 3:
            done.resolve(None)

    with turn:
        end = host.watch(read, readable)
        os.write(write, b"abc")
        run_blocking(_wait(done), turn)
        assert got == [(bytes([c]), "rump-poller") for c in b"abc"]
        end()
        end()
        os.write(write, b"d")
    time.sleep(0.02)
    assert len(got) == 3
    os.close(read)
    os.close(write)


def test_a_call_that_waits_looks_at_devices_itself(host: LocalHost, turn: Turn, path: bytes, far: ShmBus) -> None:
    threads: list[str] = []
    done: list[Pending[None]] = [Pending()]

    def receive(frame: memoryview, offload: object) -> None:
        threads.append(threading.current_thread().name)
        done[0].resolve(None)

    with turn:
        port = host.ports.open_bus(path, receive)
        for _ in range(200):
            done[0] = Pending()
            far.send((FRAME,), 14)
            run_blocking(_wait(done[0]), turn)
        port.close()
    assert len(threads) == 200
    assert "MainThread" in threads


def test_without_calls_the_poller_thread_takes_what_comes(
    host: LocalHost, turn: Turn, path: bytes, far: ShmBus
) -> None:
    got = threading.Semaphore(0)
    with turn:
        port = host.ports.open_bus(path, lambda frame, offload: got.release())
    for _ in range(20):
        far.send((FRAME,), 14)
        assert got.acquire(timeout=10)
        time.sleep(0.001)  # longer than devices linger: it is asleep and must be rung
    with turn:
        port.close()


def test_two_callers_and_a_device_lose_no_wakeup(host: LocalHost, turn: Turn, path: bytes, far: ShmBus) -> None:
    waiting: list[Pending[None]] = []

    def receive(frame: memoryview, offload: object) -> None:
        for pending in waiting:
            pending.resolve(None)
        waiting.clear()

    def caller() -> None:
        for _ in range(100):
            with turn:
                pending: Pending[None] = Pending()
                waiting.append(pending)
                run_blocking(_wait(pending), turn)

    with turn:
        port = host.ports.open_bus(path, receive)
    callers = [threading.Thread(target=caller) for _ in range(2)]
    for thread in callers:
        thread.start()
    end = time.monotonic() + 30
    while any(thread.is_alive() for thread in callers) and time.monotonic() < end:
        far.send((FRAME,), 14)
        time.sleep(0.0005)
    assert not any(thread.is_alive() for thread in callers)
    with turn:
        port.close()


class Device:
    """Does something with each look at it, and has never anything."""

    def __init__(self, look: Callable[[], object]) -> None:
        self.look = look
        self.looks = self.armed = 0

    def take(self) -> bool:
        self.looks += 1
        self.look()
        return False

    def arm(self) -> bool:
        self.armed += 1
        return True

    def disarm(self) -> None: ...

    def fileno(self) -> int:
        return -1

    def hush(self) -> None: ...

    def ring(self) -> None: ...


def test_a_call_looks_until_it_need_not_wait(turn: Turn) -> None:
    there: list[int] = []
    device = Device(lambda: there.append(1) if device.looks == 5 else None)
    turn.devices.append(device)
    with turn:
        while not turn.linger(lambda: there):
            pass
    assert (device.looks, device.armed) == (5, 1), "and what comes now rings"


def test_a_call_that_looked_in_vain_goes_to_sleep(turn: Turn) -> None:
    """It does not look for as long again."""
    device = Device(lambda: None)
    turn.devices.append(device)
    with turn:
        assert not turn.linger(lambda: False)
        before = device.looks
        waker = threading.Thread(target=lambda: _notify(turn))
        waker.start()
        turn.wait()
    waker.join()
    assert device.looks == before + 1
    assert device.armed == 1


def _notify(turn: Turn) -> None:
    with turn:
        turn.notify_all()


def test_who_looks_lets_others_into_the_kernel(turn: Turn) -> None:
    inside = threading.Event()
    turn.devices.append(Device(lambda: None))

    def other() -> None:
        with turn:
            inside.set()

    thread = threading.Thread(target=other)
    with turn:
        thread.start()
        while not turn.linger(inside.is_set):
            pass
    thread.join()


def test_a_call_ends_while_it_looks() -> None:
    """By a signal of its process, or by somebody who closes the descriptor."""
    with rump.Kernel(factions=("net",)) as k:
        fd = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
        process = k._kernel.gateway.processes[k.sys.getpid()]
        device = Device(lambda: process.interrupt("a test") if device.looks == 1 else None)
        k._kernel.turn.devices.append(device)
        with pytest.raises(InterruptedError):
            k.sys.recvfrom(fd, 10)
        device.look = lambda: k.sys.close(fd) if process.fds.get(fd) is not None else None
        with pytest.raises(OSError, match="closed"):
            k.sys.recvfrom(fd, 10)
        k._kernel.turn.devices.clear()


def _busy(seconds: float) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_an_idle_bus_uses_no_processor(host: LocalHost, turn: Turn, path: bytes, far: ShmBus) -> None:
    with turn:
        port = host.ports.open_bus(path, lambda frame, offload: None)
    far.send((FRAME,), 14)
    time.sleep(0.05)
    assert _busy(0.3) < 0.05
    with turn:
        port.close()


def test_a_defect_costs_a_frame_and_no_device(
    host: LocalHost, turn: Turn, path: bytes, far: ShmBus, caplog: pytest.LogCaptureFixture
) -> None:
    got = threading.Semaphore(0)

    def receive(frame: memoryview, offload: object) -> None:
        got.release()
        raise ZeroDivisionError

    with turn:
        port = host.ports.open_bus(path, receive)
    for _ in range(5):
        far.send((FRAME,), 14)
        assert got.acquire(timeout=10)
    with turn:
        port.close()
    assert sum("internal error" in record.message for record in caplog.records) == 5

    async def main() -> None:
        ports = SystemHost(asyncio.get_running_loop()).ports
        port = ports.open_bus(path, receive)
        for _ in range(5):
            far.send((FRAME,), 14)
            await _until(lambda: got.acquire(blocking=False))
        port.close()

    asyncio.run(main())


def test_on_a_loop(path: bytes, far: ShmBus) -> None:
    async def main() -> None:
        host = SystemHost(asyncio.get_running_loop())
        got: list[int] = []
        ports: list[FramePort] = []
        ports.append(host.ports.open_bus(path, lambda frame, offload: got.append(len(frame))))
        for number in range(50):
            far.send((FRAME,), 14)
            await _until(lambda number=number: len(got) == number + 1)  # type: ignore[misc]
            if number % 10 == 0:
                await asyncio.sleep(0.002)  # it falls asleep
        before = time.process_time()
        await asyncio.sleep(0.2)
        assert time.process_time() - before < 0.05
        read, write = os.pipe()
        readable: list[bytes] = []
        end = host.watch(read, lambda: readable.append(os.read(read, 1)))
        os.write(write, b"x")
        await _until(lambda: readable == [b"x"])
        end()
        os.close(read)
        os.close(write)
        ports[0].close()

    asyncio.run(main())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


def test_a_defect_in_what_a_timer_calls_ends_no_other_timer(
    host: LocalHost, turn: Turn, caplog: pytest.LogCaptureFixture
) -> None:
    done: Pending[None] = Pending()
    with turn:
        now = host.monotonic_ns()
        host.call_at(now, [].pop)
        host.call_at(now + 1_000_000, lambda: done.resolve(None))
        run_blocking(_wait(done), turn)
    assert "internal error in what a timer woke" in caplog.text


def test_a_defect_in_one_that_waits_keeps_no_other_waiting(caplog: pytest.LogCaptureFixture) -> None:
    pending: Pending[int] = Pending()
    got: list[int] = []
    pending.when_done(lambda: got.append(pending.result()))
    pending.when_done([].pop)
    pending.when_done(lambda: got.append(pending.result()))
    pending.resolve(7)
    assert got == [7, 7]
    assert "internal error in what waited" in caplog.text

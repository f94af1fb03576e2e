"""Timers of both hosts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from rumpuser.pending import Channel, Pending, run_blocking
from rumpuser.polling import Turn
from rumpuser.systemhost import LocalHost, SystemHost

MS = 1_000_000


@pytest.fixture
def turn() -> Turn:
    return Turn()


@pytest.fixture
def host(turn: Turn) -> Iterator[LocalHost]:
    host = LocalHost(turn)
    yield host
    host.close()


def callouts() -> int:
    return sum(thread.name == "rump-callout" for thread in threading.enumerate())


def test_no_thread_without_a_timer(turn: Turn) -> None:
    others = callouts()  # kernels of other tests in this process
    host = LocalHost(turn)
    assert callouts() == others
    with turn:
        host.call_at(host.monotonic_ns() + 10**12, lambda: None)
    assert callouts() == others + 1
    host.close()
    assert callouts() == others


def test_in_order_under_the_lock_and_not_early(host: LocalHost, turn: Turn) -> None:
    fired: list[tuple[int, int, str]] = []
    done: Pending[None] = Pending()
    with turn:
        now = host.monotonic_ns()
        for delay in (30, 10, 20):
            due = now + delay * MS

            def fire(due: int = due, delay: int = delay) -> None:
                assert turn._is_owned()  # type: ignore[attr-defined]
                fired.append((delay, host.monotonic_ns() - due, threading.current_thread().name))
                if len(fired) == 3:
                    done.resolve(None)

            host.call_at(due, fire)
        run_blocking(_wait(done), turn)
    assert [delay for delay, _, _ in fired] == [10, 20, 30]
    assert all(late >= 0 and name == "rump-callout" for _, late, name in fired)


async def _wait(pending: Pending[None]) -> None:
    await pending


def test_disarmed_under_the_lock_it_never_fires(host: LocalHost, turn: Turn) -> None:
    fired: list[int] = []
    done: Pending[None] = Pending()
    with turn:
        disarm = host.call_at(host.monotonic_ns() + MS, lambda: fired.append(1))
        time.sleep(0.02)  # it is due, and its thread waits for the lock
        disarm()
        host.call_at(host.monotonic_ns() + 5 * MS, lambda: done.resolve(None))
        run_blocking(_wait(done), turn)
    assert fired == []


def test_deadline_of_a_channel(host: LocalHost, turn: Turn) -> None:
    channel = Channel(host)

    async def sleep(ms: int) -> bool:
        return await channel.wait(host.monotonic_ns() + ms * MS)

    with turn:
        assert run_blocking(sleep(5), turn) is False
        host.call_at(host.monotonic_ns() + 5 * MS, channel.wake)
        assert run_blocking(sleep(60_000), turn) is True


def test_threads_wait_side_by_side(host: LocalHost, turn: Turn) -> None:
    woken: list[int] = []

    def sleeper(ms: int) -> None:
        async def sleep() -> None:
            await Channel(host).wait(host.monotonic_ns() + ms * MS)

        with turn:
            run_blocking(sleep(), turn)
            woken.append(ms)

    threads = [threading.Thread(target=sleeper, args=(ms,)) for ms in (120, 60, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert woken == [1, 60, 120]


def test_loop_timers() -> None:
    async def main() -> None:
        host = SystemHost(asyncio.get_running_loop())
        fired: list[int] = []
        done = asyncio.Event()
        now = host.monotonic_ns()
        host.call_at(now + 5 * MS, lambda: fired.append(1))()
        for _ in range(50):
            host.call_at(now + 10 * MS, lambda: fired.append(host.monotonic_ns() - now - 10 * MS))
        host.call_at(now + 11 * MS, done.set)
        await done.wait()
        assert len(fired) == 50
        assert min(fired) >= 0

    asyncio.run(main())


def test_clocks_and_entropy(host: LocalHost) -> None:
    assert abs(host.realtime_ns() - time.time_ns()) < 10**10
    assert host.monotonic_ns() <= time.monotonic_ns()
    assert len(host.entropy(33)) == 33
    assert host.entropy(16) != host.entropy(16)

"""The SDK for asyncio."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import rump
import rump.aio
from rump.aio import Client


def on(url: str, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(30), rump.aio.connect(url, comm="aio") as k:
            await work(k)

    asyncio.run(main())


def test_calls_and_batches(url: str) -> None:
    async def work(k: Client) -> None:
        assert await k.sys.getpid() == k.pid
        r, w = await k.sys.pipe()
        waiting = asyncio.create_task(k.sys.read(r, 10))
        assert (await k.sys.getppid()) == 1
        await k.sys.write(w, b"abc")
        assert await waiting == b"abc"
        async with k.batch() as b:
            p = b.pipe()
            b.write(p[1], b"q")
            got = b.read(p[0], 1)
        assert got.result() == b"q"
        with pytest.raises(OSError, match="Function not implemented"):
            await k.sys.open("/x")
        assert "aio" in [p["comm"] for p in await k.processes()]
        assert (await k.status())["components"][0]["name"] == "gateway"

    on(url, work)


def test_many_at_once(url: str) -> None:
    async def work(k: Client) -> None:
        found = await asyncio.gather(*(k.sys.fcntl(1, rump.F_DUPFD, 100 + n) for n in range(50)))
        assert len({f.value for f in found}) == 50

    on(url, work)


def test_a_cancelled_call_ends_in_the_kernel(url: str) -> None:
    async def work(k: Client) -> None:
        r, w = await k.sys.pipe()
        waiting = asyncio.create_task(k.sys.read(r, 10))
        await k.sys.geteuid()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await k.sys.write(w, b"for the next one")
        assert await k.sys.read(r, 99) == b"for the next one"

    on(url, work)


def test_cancelled_calls_never_break_the_stream(url: str) -> None:
    """Whether a call is waiting to be sent, being sent or waiting for its answer when it is cancelled."""

    async def work(k: Client) -> None:
        r, w = await k.sys.pipe()
        for round_ in range(60):
            waiting = [asyncio.create_task(k.sys.read(r, 10)) for _ in range(3)]
            for _ in range(round_ % 6):
                await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        await k.sys.write(w, b"for the next one")
        assert await k.sys.read(r, 99) == b"for the next one"

    on(url, work)


def test_fork(url: str) -> None:
    async def work(k: Client) -> None:
        async with await k.fork() as child:
            assert await child.sys.getppid() == k.pid

    on(url, work)


def test_nothing_listens(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await rump.aio.connect(f"unix://{tmp_path}/none")

    asyncio.run(main())


def test_asynchronous_io(url: str) -> None:
    async def work(k: Client) -> None:
        r, w = await k.sys.pipe()
        first, second = await k.aio.read(r, 1), await k.aio.read(r, 1)
        assert not await first.done()
        assert await second.cancel()
        with pytest.raises(OSError, match="ancel"):
            await second
        assert await (await k.aio.write(w, b"xy")) == 2
        assert await first == b"x"

    on(url, work)


def test_exec(url: str) -> None:
    async def work(k: Client) -> None:
        r, _ = await k.sys.pipe2(os.O_CLOEXEC)
        waiting = asyncio.create_task(k.sys.read(r, 1))
        await k.sys.getppid()
        await k.exec("other")
        with pytest.raises(InterruptedError):
            await waiting
        with pytest.raises(OSError, match="Bad file"):
            await k.sys.read(r, 1)
        assert [p["comm"] for p in await k.processes() if p["pid"] == k.pid] == ["other"]

    on(url, work)


def test_signals_go_to_a_handler(url: str) -> None:
    async def work(k: Client) -> None:
        got: asyncio.Queue[int] = asyncio.Queue()
        one = asyncio.Event()
        k.on_signal(got.put_nowait)
        k.on_signal(lambda signo: one.set(), signal.SIGUSR2)
        await k.pub.kill(k.pid, signal.SIGUSR2)
        await one.wait()
        await k.pub.kill(k.pid, signal.SIGUSR1)
        assert await got.get() == signal.SIGUSR1
        k.on_signal(None, signal.SIGUSR2)
        await k.pub.kill(k.pid, signal.SIGUSR2)
        assert await got.get() == signal.SIGUSR2

    on(url, work)

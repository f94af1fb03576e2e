"""The process that components are forked from: whoever connects to it, gateways come one after another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rumpgateway.zygote import Spawner, Zygote

HELLO = b"rump gateway\n"
NOBODY = ["kern", "--no-such-flag"]


@contextlib.asynccontextmanager
async def spawner(path: Path) -> AsyncIterator[Spawner]:
    found = Spawner((), os.environ, str(path), os.getpid())
    try:
        yield found
    finally:
        await found.close()


async def forks(spawner: Spawner) -> int:
    """The zygote's pid, when it has forked a process, which ends at once."""
    process = await spawner.spawn(NOBODY[0], NOBODY[1:])
    await process.wait()
    assert isinstance(spawner._zygote, Zygote)
    return spawner._zygote.process.pid


def stranger(path: Path, *said: bytes) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(str(path))
    for each in said:
        s.sendall(each)
    return s


def test_strangers(tmp_path: Path) -> None:
    """They get nothing, and hold up neither the gateway that is served nor the next one."""
    path = tmp_path / "zygote.sock"

    async def run() -> None:
        async with spawner(path) as first:
            pid = await forks(first)
            silent = [stranger(path) for _ in range(100)]
            for said in (b"GET / HTTP/1.1\r\n\r\n", bytes(100_000), HELLO[:-1] + b"x", HELLO + b"[]\n"):
                with contextlib.suppress(ConnectionError), stranger(path, said) as mad:
                    assert mad.recv(100) == b"", said
            half = stranger(path, HELLO[:5])
            assert await forks(first) == pid
            first.leave()
            async with spawner(path) as second:
                second._inherits = True
                assert await forks(second) == pid
            for each in (*silent, half):
                each.close()

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize("said", [b"{\n", b"7\n", b"[]\n", b"[" * 100_000 + b"\n", b"\xff\n", bytes(2 << 20)])
def test_a_gateway_that_says_nonsense_is_let_go(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "zygote.sock"

    def says_nonsense(pid: int) -> None:
        with stranger(path, HELLO) as mad:
            assert int(mad.recv(100)) == pid
            with contextlib.suppress(ConnectionError):
                mad.sendall(said)
                assert mad.recv(100) == b""

    async def run() -> None:
        async with spawner(path) as first:
            pid = await forks(first)
            first.leave()
            await asyncio.to_thread(says_nonsense, pid)
            async with spawner(path) as second:
                second._inherits = True
                assert await forks(second) == pid

    asyncio.run(asyncio.wait_for(run(), 60))


def test_the_one_that_came_last_is_served(tmp_path: Path) -> None:
    path = tmp_path / "zygote.sock"

    async def run() -> None:
        async with spawner(path) as first:
            pid = await forks(first)
            heirs = [stranger(path, HELLO) for _ in range(3)]
            assert await forks(first) == pid
            first.leave()
            heirs[2].sendall(json.dumps(NOBODY).encode() + b"\n")
            with heirs[2].makefile("rb") as lines:
                assert int(await asyncio.to_thread(lines.readline)) == pid
                assert int(await asyncio.to_thread(lines.readline)) != pid
            for heir in heirs:
                heir.close()

    asyncio.run(asyncio.wait_for(run(), 60))

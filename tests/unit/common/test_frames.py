"""Callers over frames: none waits for a component that has been left, those least who have a successor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rumpuser.aio import settle
from rumpuser.component import Context
from rumpuser.systemhost import SystemHost
from rumpuser.transport.frames import FramePeer
from rumpuser.transport.grpc_server import ComponentServer
from rumpuser.transport.succession import Succession
from rumpuser.url import parse
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from tests.unit.common.echo import Echo


async def ask(peer: FramePeer) -> Any:
    return await settle(peer.call(Context(), OPS["close"], (1,)))


async def errno(asked: Any) -> int:
    with pytest.raises(KernelError) as caught:
        await asked
    return caught.value.errno


def test_a_peer_that_is_left_while_it_connects(tmp_path: Path) -> None:
    url = parse(f"unix://{tmp_path}/s")

    async def body() -> None:
        server = ComponentServer(Echo(SystemHost(asyncio.get_running_loop())), url)
        await server.start()
        peer = FramePeer(url, "vfs")
        first = asyncio.ensure_future(ask(peer))
        await asyncio.sleep(0)  # it has begun to connect, and not more
        await peer.close()
        assert await errno(first) == Errno.ENOTCONN
        assert await errno(ask(peer)) == Errno.ENOTCONN
        again = FramePeer(url, "vfs")
        assert await ask(again) is None
        await again.close()
        assert await errno(ask(again)) == Errno.ENOTCONN
        await server.stop(0)

    asyncio.run(asyncio.wait_for(body(), 10))


def test_who_holds_a_peer_of_before_gets_its_successor(tmp_path: Path) -> None:
    """A call of a client may be two at a component (setuid, chdir), which ends in between."""
    url = parse(f"unix://{tmp_path}/s")

    async def body() -> None:
        server = ComponentServer(Echo(SystemHost(asyncio.get_running_loop())), url)
        await server.start()
        succession = Succession()
        before = FramePeer(url, "vfs")
        succession.serves("vfs", before)
        first = asyncio.ensure_future(ask(before))
        await asyncio.sleep(0)
        succession.restarts("vfs")
        await before.close()
        after = FramePeer(url, "vfs")
        succession.serves("vfs", after)
        assert await first is None
        assert await ask(before) is None
        await after.close()
        await server.stop(0)

    asyncio.run(asyncio.wait_for(body(), 10))

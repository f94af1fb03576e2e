"""Peers that hold their caller up: the same outcomes as of those that do not, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rumpuser.component import Context
from rumpuser.pending import at_once
from rumpuser.systemhost import SystemHost
from rumpuser.transport.blocking import BlockingFramePeer, BlockingGrpcPeer, BlockingPeer, BlockingPeers
from rumpuser.transport.frames import SUFFIX
from rumpuser.transport.grpc_server import ComponentServer
from rumpuser.transport.inprocess import LocalBus
from rumpuser.url import Url, parse
from rumpwire.calls import OPS
from rumpwire.errno import KernelError
from rumpwire.step import Reference, Step
from tests.unit.common.echo import Echo

TOKEN = "secret"


class Server:
    """An echo in a thread of its own, which can be stopped and started again."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.url = url
        self.start()

    def start(self) -> None:
        self._do(self._start())

    async def _start(self) -> None:
        component = Echo(SystemHost(asyncio.get_running_loop()))
        self._server = ComponentServer(component, self._url, token=TOKEN)
        await self._server.start()
        self._server.service.started.resolve(None)
        self.url = self._url = self._server.url

    def stop(self) -> None:
        self._do(self._server.stop(0))

    def end(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)


@contextmanager
def serving(url: str) -> Iterator[Server]:
    server = Server(parse(url, server=True))
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(params=["frames", "grpc"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, BlockingPeer]]:
    url = f"unix://{tmp_path}/s" if request.param == "frames" else "tcp+plain://127.0.0.1:0"
    with serving(url) as made:
        kind = BlockingFramePeer if request.param == "frames" else BlockingGrpcPeer
        peer = kind(made.url, "vfs", token=TOKEN)
        yield made, peer
        peer.close()


def call(peer: Any, name: str, *args: Any) -> Any:
    return peer.call(Context(), OPS[name], args)


def code(peer: Any, name: str, *args: Any) -> str:
    with pytest.raises(KernelError) as caught:
        call(peer, name, *args)
    return caught.value.name


def test_calls(server: tuple[Server, BlockingPeer]) -> None:
    _, peer = server
    assert bytes(call(peer, "read", 3, 5)) == b"\3" * 5
    assert call(peer, "write", 3, b"hello") == 5
    assert len(call(peer, "read", 1, 3 << 20)) == 3 << 20
    assert call(peer, "fstat", 8).st_size == 8
    assert code(peer, "unlink", b"x") == "ENOENT"
    steps = [Step(OPS["open"], (b"x", 0, None)), Step(OPS["close"], (0,), (Reference(0, 0, ()),))]
    assert peer.run(Context(), steps, False) == [7, None]


def test_too_long(server: tuple[Server, BlockingPeer]) -> None:
    _, peer = server
    assert code(peer, "write", 3, bytes(17 << 20)) == "EMSGSIZE"
    assert call(peer, "write", 3, b"x") == 1


def test_no_answer_in_time(server: tuple[Server, BlockingPeer]) -> None:
    """The late answer is not taken for that of the next call."""
    _, peer = server
    peer.answer_s = 0.2
    assert code(peer, "flock", 1, 2) == "ETIMEDOUT"
    peer.answer_s = 10.0
    assert bytes(call(peer, "read", 4, 2)) == b"\4\4"


def test_it_goes_and_comes_back(server: tuple[Server, BlockingPeer]) -> None:
    made, peer = server
    call(peer, "close", 1)
    made.stop()
    assert code(peer, "close", 1) == "ENOTCONN"
    made.start()
    assert call(peer, "close", 1) is None


def test_a_wrong_token(tmp_path: Path) -> None:
    with serving(f"unix://{tmp_path}/s") as made:
        for kind in (BlockingFramePeer, BlockingGrpcPeer):
            peer = kind(made.url, "vfs", token="wrong")
            assert code(peer, "close", 1) == "ENOTCONN"
            peer.close()


@pytest.mark.parametrize("answer", [b"\xff\xff\xff\xff", b"\x02\0\0\0\xff\xff", b"\x02\0\0\0\x08\x63", b"\x05\0"])
def test_nonsense_for_an_answer(tmp_path: Path, answer: bytes) -> None:
    """Too long, no message, the answer to something else, and cut short."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/s{SUFFIX}")
        listening.listen()

        def serve() -> None:
            link, _ = listening.accept()
            with link:
                link.recv(1 << 16)
                link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        peer = BlockingFramePeer(parse(f"unix://{tmp_path}/s"), "vfs")
        assert code(peer, "close", 1) in ("EBADRPC", "ENOTCONN")
        thread.join()


def test_the_peers_of_a_bus(tmp_path: Path) -> None:
    with serving(f"unix://{tmp_path}/s") as made:
        peers = BlockingPeers()
        peer = peers.get("vfs", str(made.url), token=TOKEN)
        assert isinstance(peer, BlockingFramePeer)
        assert peers.get("vfs", str(made.url), token=TOKEN) is peer
        assert call(peer, "close", 1) is None
        assert isinstance(peers.get("vfs", "tcp+plain://127.0.0.1:1"), BlockingGrpcPeer)
        peers.close()


def test_in_this_process() -> None:
    with asyncio.Runner() as runner:
        echo = Echo(SystemHost(runner.get_loop()))
        bus = LocalBus({"vfs": echo})
        peer = bus.blocking("vfs")
        assert bytes(call(peer, "read", 1, 2)) == b"\1\1"
        assert code(peer, "flock", 1, 2) == "EDEADLK"
        with pytest.raises(KernelError) as caught:
            bus.blocking("net")
        assert caught.value.name == "ENOSYS"


def test_at_once() -> None:
    async def ready() -> int:
        return 3

    assert at_once(ready()) == 3
    assert at_once(4) == 4

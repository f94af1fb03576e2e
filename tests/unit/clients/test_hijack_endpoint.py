"""What becomes of a hijacked program's sockets when the work for one of them fails."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

import rump
from rumpclients.hijack.endpoint import Network, Shape
from rumpclients.hijack.stream import Stream


class Batch:
    """Calls that nobody waits for."""

    def setsockopt(self, *words: Any) -> None: ...

    def close(self, fd: int) -> None: ...

    async def run(self) -> None: ...


class Kernel:
    """``read`` fails with ``error`` at descriptor 1, and waits at others; all that is written comes to ``written``."""

    def __init__(self, error: Exception) -> None:
        self.sys = self
        self.error = error
        self.written = b""

    async def read(self, fd: int, size: int) -> bytes:
        if fd == 1:
            raise self.error
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def write(self, fd: int, data: memoryview) -> int:
        self.written += data
        return len(data)

    def batch(self, *, keep_going: bool) -> Batch:
        return Batch()


def connection(net: Network, fd: int) -> tuple[Stream, socket.socket]:
    stream = Stream(net, fd, Shape(socket.AF_INET, socket.SOCK_STREAM, 0))
    theirs = stream.pair(blocking=False)
    stream.begin()
    return stream, theirs


async def _serve(kernel: Kernel) -> tuple[bytes, bool]:
    """Has the program read from a socket whose work fails: what its other one has sent, and whether all is over."""
    net = Network(kernel)  # type: ignore[arg-type]
    (_, broken), (_, sound) = connection(net, 1), connection(net, 2)
    with broken, sound:
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(net.loop.sock_recv(broken, 9), 20)
        sound.send(b"goes on")
        while not kernel.written and not net.lost.done():
            await asyncio.sleep(0.01)
        net.drop()
        return kernel.written, net.lost.done()


def test_a_defect_ends_one_connection_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(_serve(Kernel(ValueError("no such thing")))) == (b"goes on", False)
    assert capfd.readouterr().err == "rumphijack: a socket ends: ValueError('no such thing')\n"


def test_a_lost_object_ends_one_connection_alone() -> None:
    gone = rump.RumpError(errno.EIO, "Input/output error")
    gone.name, gone.origin, gone.text = "EIO", "net", "the component that held this object has ended"
    assert asyncio.run(_serve(Kernel(gone))) == (b"goes on", False)


def test_the_loss_of_the_kernel_ends_all() -> None:
    net_lost = rump.RumpError(errno.ENOTCONN, "Transport endpoint is not connected")
    net_lost.name, net_lost.origin, net_lost.text = "ENOTCONN", "connection", "the kernel has gone"

    async def lost() -> BaseException:
        net = Network(Kernel(net_lost))  # type: ignore[arg-type]
        _, theirs = connection(net, 1)
        with theirs:
            error = await asyncio.wait_for(net.lost, 20)
        net.drop()
        return error

    assert asyncio.run(lost()) is net_lost

"""A link with a delay: a process that listens on TCP and hands bytes on, each so many milliseconds after it came.

Run as a process: ``python -m bench.relay MS PORT`` says at which port it listens and goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class _End(asyncio.Protocol):
    """One end of a connection; what it is given leaves on the other after the delay."""

    def __init__(self, delay_s: float, target: int | None) -> None:
        self._delay = delay_s
        self._target = target
        self._late: deque[tuple[float, bytes]] = deque()
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._target is not None:
            self._dialling = asyncio.get_running_loop().create_task(self._dial(self._target))

    async def _dial(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        _, end = await loop.create_connection(lambda: _End(self._delay, None), "127.0.0.1", port)
        self.other, end.other = end, self
        self._leave()

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._late.append((loop.time() + self._delay, data))
        if len(self._late) == 1:
            loop.call_later(self._delay, self._leave)

    def _leave(self) -> None:
        loop = asyncio.get_running_loop()
        while self._late and self.other is not None:
            due, data = self._late[0]
            if due > loop.time():
                loop.call_at(due, self._leave)
                return
            self._late.popleft()
            if self.other.transport is not None:
                self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def _serve(delay_s: float, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _End(delay_s, port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def link(round_trip_ms: float, port: int) -> Iterator[int]:
    """A port that leads to ``port`` of this host over a link that takes so long there and back."""
    command = [sys.executable, "-m", "bench.relay", str(round_trip_ms / 2), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1e3, int(sys.argv[2])))

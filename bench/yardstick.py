"""A bare grpcio echo: what a remote call costs when nothing is done.

Run as a process: ``python -m bench.yardstick SOCKET``.
"""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc


async def _unary(request: bytes, context: Any) -> bytes:
    return request


async def _stream(requests: Any, context: Any) -> None:
    while (message := await context.read()) is not grpc.aio.EOF:
        await context.write(message)


async def _serve(path: str) -> None:
    server = grpc.aio.server()
    methods: Any = {
        "Unary": grpc.unary_unary_rpc_method_handler(_unary),  # type: ignore[arg-type]
        "Stream": grpc.stream_stream_rpc_method_handler(_stream),  # type: ignore[arg-type]
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", methods),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


@contextmanager
def echo(path: str) -> Iterator[grpc.Channel]:
    """A channel to a bare echo server in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "bench.yardstick", path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    channel = grpc.insecure_channel(f"unix:{path}")
    grpc.channel_ready_future(channel).result(10)
    try:
        yield channel
    finally:
        channel.close()
        process.kill()
        process.wait()
        process.stdout.close()


def unary(channel: grpc.Channel, payload: bytes) -> Callable[[], object]:
    call = channel.unary_unary("/bench.Echo/Unary")
    return lambda: call(payload)


@contextmanager
def stream(
    channel: grpc.Channel, method: str = "/bench.Echo/Stream", **kwargs: Any
) -> Iterator[Callable[[bytes], bytes]]:
    """A function that sends one message on a stream and waits for one."""
    sending: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    replies: Any = channel.stream_stream(method)(iter(sending.get, None), **kwargs)

    def exchange(message: bytes) -> bytes:
        sending.put(message)
        reply: bytes = next(replies)
        return reply

    try:
        yield exchange
    finally:
        sending.put(None)
        replies.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))

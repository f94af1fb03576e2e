"""What a remote call costs when nothing is done: a bare grpcio echo, and protobuf in frames over a pair of sockets.

Run as a process: ``python -m bench.yardstick SOCKET`` or, for frames, with the number of a descriptor.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from rumpuser.transport.framing import HEADER, framed
from rumpwire import rump_kern_pb2, rump_sp_pb2


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


@contextmanager
def frames() -> Iterator[Callable[[], object]]:
    """A function that sends a call in a frame to another process and gets the answer: parsed and built at both ends."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "bench.yardstick", str(theirs.fileno())]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]):
        theirs.close()

        def exchange() -> object:
            request = rump_sp_pb2.StreamRequest(id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())])
            ours.sendall(framed(request.SerializeToString()))
            return rump_sp_pb2.StreamResponse.FromString(ours.recv(1 << 16)[HEADER:])

        yield exchange
        ours.shutdown(socket.SHUT_RDWR)


def _answer(link: socket.socket) -> None:
    while data := link.recv(1 << 16):
        request = rump_sp_pb2.StreamRequest.FromString(data[HEADER:])
        response = rump_sp_pb2.StreamResponse(id=request.id)
        response.results.add().getpid.pid = 1
        link.sendall(framed(response.SerializeToString()))


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        _answer(socket.socket(fileno=int(sys.argv[1])))
    else:
        asyncio.run(_serve(sys.argv[1]))

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
from dataclasses import dataclass
from typing import Any

import grpc

from bench.measure import Side
from rumpuser.transport.framing import HEADER, framed
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2

LONGEST = 1 << 20
"""Bytes of what is sent for its length."""
_PAYLOAD = bytes(LONGEST)


async def _unary(request: bytes, context: Any) -> bytes:
    return request


async def _sized(request: bytes, context: Any) -> bytes:
    return _PAYLOAD[: int.from_bytes(request[:HEADER], "little")]


async def _stream(requests: Any, context: Any) -> None:
    while (message := await context.read()) is not grpc.aio.EOF:
        await context.write(message)


async def _serve(path: str) -> None:
    limits = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    server = grpc.aio.server(options=[(limit, 4 * LONGEST) for limit in limits])
    methods: Any = {
        "Unary": grpc.unary_unary_rpc_method_handler(_unary),  # type: ignore[arg-type]
        "Sized": grpc.unary_unary_rpc_method_handler(_sized),  # type: ignore[arg-type]
        "Stream": grpc.stream_stream_rpc_method_handler(_stream),  # type: ignore[arg-type]
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", methods),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


@dataclass(frozen=True, slots=True)
class Echo:
    """A bare server of grpcio in a process of its own."""

    channel: grpc.Channel
    pid: int

    def unary(self, payload: bytes) -> Side:
        """Sends so many bytes and gets them back."""
        call = self.channel.unary_unary("/bench.Echo/Unary")
        return Side(lambda: call(payload), [self.pid])

    def sized(self, there: int, back: int) -> Side:
        """Sends so many bytes and gets so many back."""
        call = self.channel.unary_unary("/bench.Echo/Sized")
        message = back.to_bytes(HEADER, "little") + bytes(max(0, there - HEADER))
        return Side(lambda: call(message), [self.pid])


@contextmanager
def echo(path: str) -> Iterator[Echo]:
    process = subprocess.Popen([sys.executable, "-m", "bench.yardstick", path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    channel = grpc.insecure_channel(f"unix:{path}")
    grpc.channel_ready_future(channel).result(10)
    try:
        yield Echo(channel, process.pid)
    finally:
        channel.close()
        process.kill()
        process.wait()
        process.stdout.close()


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
def frames() -> Iterator[Side]:
    """Sends a call in a frame to another process and gets the answer: parsed and built at both ends."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "bench.yardstick", str(theirs.fileno())]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()

        def exchange() -> object:
            request = rump_sp_pb2.StreamRequest(id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())])
            ours.sendall(framed(request.SerializeToString()))
            return rump_sp_pb2.StreamResponse.FromString(ours.recv(1 << 16)[HEADER:])

        yield Side(exchange, [process.pid])
        ours.shutdown(socket.SHUT_RDWR)


@contextmanager
def transfer(there: int, back: int) -> Iterator[Side]:
    """Sends a frame with so many bytes to another process and gets one with so many back: parsed and built as well."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "bench.yardstick", str(theirs.fileno()), "transfer"]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()

        def exchange() -> object:
            write = rump_vfs_pb2.PwriteRequest(offset=back, data=_PAYLOAD[:there])
            message = rump_sp_pb2.Call(pwrite=write).SerializeToString()
            ours.sendall(len(message).to_bytes(HEADER, "little"))
            ours.sendall(message)
            return rump_sp_pb2.Result.FromString(_frame(ours))

        yield Side(exchange, [process.pid])
        ours.shutdown(socket.SHUT_RDWR)


def _frame(link: socket.socket) -> bytes:
    """The next frame; nothing when the other has ended."""
    head = link.recv(HEADER, socket.MSG_WAITALL)
    return link.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)


def _give_and_take(link: socket.socket) -> None:
    while data := _frame(link):
        request = rump_sp_pb2.Call.FromString(data).pwrite
        message = rump_sp_pb2.Result(
            pread=rump_vfs_pb2.PreadResponse(data=_PAYLOAD[: request.offset])
        ).SerializeToString()
        link.sendall(len(message).to_bytes(HEADER, "little"))
        link.sendall(message)


def _answer(link: socket.socket) -> None:
    while data := link.recv(1 << 16):
        request = rump_sp_pb2.StreamRequest.FromString(data[HEADER:])
        response = rump_sp_pb2.StreamResponse(id=request.id)
        response.results.add().getpid.pid = 1
        link.sendall(framed(response.SerializeToString()))


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        link = socket.socket(fileno=int(sys.argv[1]))
        _give_and_take(link) if sys.argv[2:] else _answer(link)
    else:
        asyncio.run(_serve(sys.argv[1]))

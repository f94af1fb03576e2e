"""What a gateway that has been replaced still does: it passes on what comes by the connections that are there.

gRPC's connections cannot be given to another process. So the predecessor stays until its last client has gone, and
knows nothing of the kernel any more. A stream goes on in frames on a pair of sockets, whose other end the successor
has; calls by themselves are made again there, with word of who has made them (`CARRIED`).
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio

from rumpgateway.admission import PeerId, peer_of
from rumpuser.transport.connection import Frames
from rumpwire import rump_sp_pb2
from rumpwire.wire import decode_error

CARRIED = "rump-carried"
"""Metadata: the token of the kernel, who has made the call, and under which id it goes on, as JSON."""
LONGEST = (1 << 32) - 1
_ID = b"\x08"
"""The tag of an id, with which an answer begins."""


class MovedError(Exception):
    """The call goes on at the successor, where it has this id."""

    def __init__(self, id: int) -> None:
        super().__init__("the call goes on at the successor")
        self.id = id


class Relay(Frames):
    """One stream, as it leads to the successor."""

    def __init__(self, stream: Any) -> None:
        super().__init__(LONGEST)
        self._stream = stream
        self._ended = False
        self.waiting: set[int] = set()
        """Requests that have no answer yet."""

    def pass_on(self, request: Any) -> None:
        if request.id and not request.cancel:
            self.waiting.add(request.id)
        self.send(request.SerializeToString())

    def frame(self, data: bytes) -> None:
        if data[:1] != _ID:
            last = rump_sp_pb2.StreamResponse.FromString(data)
            if last.HasField("end"):
                self._ended = True
                self._stream.end(decode_error(last.end))
                return
        else:
            self.waiting.discard(_number(data, 1))
        self._stream.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self._ended:
            self._ended = True
            self._stream.cut()

    def close(self) -> None:
        """The client has gone."""
        self._ended = True
        super().close()


def _number(data: bytes, at: int) -> int:
    """The varint there."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift, at = shift + 7, at + 1


class _Carried:
    """The context of a call that a predecessor passes on."""

    def __init__(self, context: Any, peer: PeerId, moved: int) -> None:
        self._context = context
        self.carried = peer
        self.moved = moved

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class Carrier(grpc.aio.ServerInterceptor):
    """Stands before all handlers: holds calls while all goes to a successor, and then passes them on."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._open = asyncio.Event()
        self._open.set()
        self._successor: grpc.aio.Channel | None = None
        self.active = 0
        """Calls by themselves that are in their handlers."""

    def hold(self) -> None:
        self._open.clear()

    def go_on(self, successor: grpc.aio.Channel | None = None) -> None:
        self._successor = successor
        self._open.set()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None:
            return None
        serialize = handler.response_serializer or bytes
        settings = (handler.request_deserializer, lambda r: r if isinstance(r, bytes) else serialize(r))
        name = details.method
        if handler.request_streaming and handler.response_streaming:
            streams = self._streaming(name, handler.stream_stream, "stream_stream")
            return grpc.stream_stream_rpc_method_handler(streams, *settings)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(name, handler.unary_stream, "unary_stream"), *settings
            )
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                self._single(name, handler.stream_unary, "stream_unary"), *settings
            )
        return grpc.unary_unary_rpc_method_handler(self._single(name, handler.unary_unary, "unary_unary"), *settings)

    def _single(self, name: str, handler: Any, kind: str) -> Callable[[Any, Any], Any]:
        async def serve(request: Any, context: Any) -> Any:
            await self._open.wait()
            moved = 0
            if self._successor is None:
                self.active += 1
                try:
                    return await handler(request, self._context(context))
                except MovedError as error:
                    moved = error.id
                finally:
                    self.active -= 1
            return await self._asking(self._call(name, kind, request, context, moved), context)

        return serve

    def _streaming(self, name: str, handler: Any, kind: str) -> Callable[[Any, Any], Any]:
        async def serve(request: Any, context: Any) -> None:
            await self._open.wait()
            if self._successor is None:
                try:
                    answering = handler(request, self._context(context))
                    if not inspect.isasyncgen(answering):
                        await answering
                        return
                    async for answer in answering:
                        await context.write(answer)
                    return
                except MovedError:
                    pass
            answers = self._call(name, kind, request, context, 0)
            try:
                while (answer := await answers.read()) is not grpc.aio.EOF:
                    await context.write(answer)
            except grpc.aio.AioRpcError as error:
                await _end_as(error, context)
            finally:
                answers.cancel()

        return serve

    def _call(self, name: str, kind: str, request: Any, context: Any, moved: int) -> Any:
        assert self._successor is not None
        given = [(k, v) for k, v in context.invocation_metadata() or () if not k.startswith(("grpc-", "user-agent"))]
        peer = peer_of(context)
        about = json.dumps([self._token, list(peer.subjects), peer.where, moved])
        data = _passed(request) if kind.startswith("stream") else _bytes(request)
        make = getattr(self._successor, kind)(name)
        return make(data, metadata=[*given, (CARRIED, about)], timeout=context.time_remaining())

    async def _asking(self, call: Any, context: Any) -> Any:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            await _end_as(error, context)

    def _context(self, context: Any) -> Any:
        """That of the client, where a predecessor of this gateway has passed the call on."""
        about = next((v for k, v in context.invocation_metadata() or () if k == CARRIED), None)
        if about is None:
            return context
        token, subjects, where, moved = json.loads(about)
        if not hmac.compare_digest(str(token).encode(), self._token.encode()):
            return context
        return _Carried(context, PeerId(tuple(subjects), where), moved)


async def _passed(requests: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield _bytes(request)


def _bytes(request: Any) -> bytes:
    return request if isinstance(request, bytes) else bytes(request.SerializeToString())


async def _end_as(error: grpc.aio.AioRpcError, context: Any) -> None:
    """Ends a call as the successor has ended it."""
    await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))

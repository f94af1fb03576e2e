"""One stream of a session, for asyncio: as `rump._wire`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import grpc
import grpc.aio

from rump._wire import LONGEST, RESUME_S, attached, cut, lost, no_answer, reply_of
from rumpuser.transport.connection import Frames, dial
from rumpuser.transport.framing import ATTACH, HEADER, framed
from rumpuser.transport.offer import hello
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import KernelError


class Wire(Protocol):
    """A stream."""

    def send(self, payload: bytes) -> None:
        """Sends a request. That the stream is broken `serve` tells."""

    async def resume(self, first: bytes) -> None:
        """Takes up where another stream was cut. ESTALE, EAUTH, ENOTCONN."""

    async def serve(self, deliver: Callable[[Any], None]) -> KernelError:
        """Hands in replies until the stream ends: why it did. When the task is cancelled the stream ends."""


class GrpcWire:
    """`Session.Stream`."""

    def __init__(self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        self._stream = method(metadata=metadata)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self.send = self._outgoing.put_nowait
        self._early: list[Any] = []
        """Signals that came before the answer to `resume`."""

    async def resume(self, first: bytes) -> None:
        try:
            async with asyncio.timeout(RESUME_S):
                await self._stream.write(first)
                while (reply := await self._stream.read()) is not grpc.aio.EOF and reply.signal:
                    self._early.append(reply)
                if reply is grpc.aio.EOF:
                    raise asyncio.InvalidStateError
        except TimeoutError:
            self._stream.cancel()
            raise cut("no answer") from None
        except (grpc.RpcError, asyncio.InvalidStateError):
            raise await self._why() from None

    async def serve(self, deliver: Callable[[Any], None]) -> KernelError:
        writer = asyncio.get_running_loop().create_task(self._write())
        for reply in self._early:
            deliver(reply)
        try:
            while (reply := await self._stream.read()) is not grpc.aio.EOF:
                deliver(reply)
            return lost(StopAsyncIteration())
        except grpc.RpcError as error:
            return lost(error)
        finally:
            writer.cancel()
            self._stream.cancel()

    async def _write(self) -> None:
        with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
            while True:
                await self._stream.write(await self._outgoing.get())

    async def _why(self) -> KernelError:
        try:
            await self._stream.read()
        except grpc.RpcError as error:
            return lost(error)
        except asyncio.InvalidStateError:
            pass
        return lost(StopAsyncIteration())


async def attach(path: str, request: Any, seconds: float) -> Any:
    """As `rump._wire.attach`."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(framed(ATTACH + request.SerializeToString()))
        async with asyncio.timeout(seconds):
            length = int.from_bytes(await reader.readexactly(HEADER), "little")
            return attached(await reader.readexactly(length), length)
    except asyncio.IncompleteReadError:
        raise ConnectionResetError from None
    except TimeoutError:
        raise no_answer(path) from None
    finally:
        writer.close()


class FrameWire(Frames):
    """Frames on a socket or a ring."""

    def __init__(self) -> None:
        super().__init__(LONGEST)
        self._early: list[Any] = []
        self._deliver: Callable[[Any], None] = self._early.append
        self._lost: asyncio.Future[KernelError] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, path: str, session: str) -> FrameWire:
        """Raises OSError when nobody listens there."""
        return await dial(path, lambda ring: hello(session, ring=ring), cls)

    def frame(self, data: bytes) -> None:
        self._deliver(reply_of(data))

    def refuse(self, why: KernelError) -> None:
        self._end(why)
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end(cut(str(exc or "the kernel has ended the connection")))

    def _end(self, why: KernelError) -> None:
        if not self._lost.done():
            self._lost.set_result(why)

    async def resume(self, first: bytes) -> None:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def early(reply: Any) -> None:
            if answer.done() or reply.signal:
                self._early.append(reply)
            else:
                answer.set_result(reply)

        self._deliver = early
        self.send(first)
        await asyncio.wait((answer, self._lost), timeout=RESUME_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self.refuse(cut("no answer"))
            raise self._lost.result()

    async def serve(self, deliver: Callable[[Any], None]) -> KernelError:
        for reply in self._early:
            deliver(reply)
        self._deliver = deliver
        try:
            return await asyncio.shield(self._lost)
        finally:
            if self.transport is not None:
                self.transport.abort()

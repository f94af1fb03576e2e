"""A component behind gRPC: a `Peer` over one Serve stream with any number of runs in flight.

`call` and `run` await nothing but `Pending`, so components may use them. The stream belongs to one asyncio task, which
is started by the first call and again by the first call after the stream broke; gRPC spaces out attempts to connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any

import grpc
import grpc.aio

from rumpuser.transport import channel
from rumpuser.transport.names import TOKEN_KEY
from rumpuser.transport.peer import RemotePeer
from rumpuser.url import Url
from rumpwire.errno import Errno, KernelError

log = logging.getLogger(__name__)

SERVE = "/rump.sp.v1.Component/Serve"
_REFUSALS = {
    grpc.StatusCode.UNAUTHENTICATED: Errno.EAUTH,
    grpc.StatusCode.PERMISSION_DENIED: Errno.EACCES,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Errno.EMSGSIZE,
    grpc.StatusCode.UNIMPLEMENTED: Errno.ENOSYS,
}

REFUSAL_S = 1.0
"""How long to wait for the reason of a refusal."""


class GrpcPeer(RemotePeer):
    """A component at a URL."""

    def __init__(self, url: Url, name: str, **settings: Any) -> None:
        super().__init__(url, name, **settings)
        self._metadata = ((TOKEN_KEY, self._token),) if self._token else ()
        self._channel: grpc.aio.Channel | None = None
        self._task: asyncio.Task[None] | None = None
        self._outbox: deque[bytes] = deque()
        self._more: asyncio.Future[None] | None = None
        self._wrote = False
        self._closed = False

    async def close(self) -> None:
        """Ends the stream; what is in flight fails with ENOTCONN."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._channel is not None:
            await self._channel.close()

    def _post(self, data: bytes) -> None:
        self._outbox.append(data)
        if self._more is not None:
            if not self._more.done():
                self._more.set_result(None)
        elif self._task is None:
            self._begin()

    def _begin(self) -> None:
        if self._closed:
            self._gone("has been left", None)
            return
        self._task = asyncio.get_running_loop().create_task(self._talk())

    async def _talk(self) -> None:
        """One life of the stream."""
        error = KernelError(Errno.ENOTCONN, f"the {self.name} component went away")
        stream: Any = None
        writer: asyncio.Task[None] | None = None
        self._wrote = False
        try:
            if self._channel is None:
                self._channel = channel.connect(self.url, self._tls, self._max_message)
            stream = self._channel.stream_stream(SERVE)(metadata=self._metadata)
            writer = asyncio.get_running_loop().create_task(self._write(self._channel, stream))
            await self._read(stream)
        except grpc.aio.AioRpcError as failure:
            error = self._reason(await self._whole(failure))
        except KernelError as failure:
            error = failure
        finally:
            if writer is not None:
                stream.cancel()
                writer.cancel()
                await asyncio.wait((writer,))
            self._task = self._more = None
            self._outbox.clear()
            if error.errno == Errno.ENOTCONN:
                why = error.text.removeprefix(f"the {self.name} component ")
                self._gone(why, "" if self._wrote else None)
            else:
                self._fail(error)

    async def _whole(self, failure: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """gRPC tells nothing but INTERNAL when a refusal crosses with what is being written: it is asked again."""
        if failure.code() is not grpc.StatusCode.INTERNAL or self._channel is None:
            return failure
        try:
            describe: Any = self._channel.unary_unary("/rump.sp.v1.Component/Describe")
            await describe(b"", metadata=self._metadata, timeout=REFUSAL_S)
        except grpc.aio.AioRpcError as known:
            return known
        return failure

    def _reason(self, failure: grpc.aio.AioRpcError) -> KernelError:
        errno = _REFUSALS.get(failure.code(), Errno.ENOTCONN)
        what = "cannot be reached" if errno is Errno.ENOTCONN else "refused"
        return KernelError(errno, f"the {self.name} component {what}: {failure.details() or failure.code().name}")

    async def _write(self, link: grpc.aio.Channel, stream: Any) -> None:
        """Nothing is handed to gRPC before there is a connection: what has not been, was certainly not done."""
        loop = asyncio.get_running_loop()
        try:
            while (state := link.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                await link.wait_for_state_change(state)
            self._wrote = True
            while True:
                self._more = loop.create_future()
                while self._outbox:
                    await stream.write(self._outbox.popleft())
                if not self._more.done():
                    await self._more
        except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
            pass  # the stream is broken; its reader says how

    async def _read(self, stream: Any) -> None:
        while (data := await stream.read()) is not grpc.aio.EOF:
            self._arrived(data)

"""A component behind a transport, for callers that cannot wait: `call` holds the thread until the answer is there.

For file systems on disks of another component, whose drivers are plain synchronous code. The caller's whole component
stands still meanwhile, so an answer that takes longer than `ANSWER_S` is given up. Over a unix socket the frames of
`rumpuser.transport.frames` are spoken, else gRPC's ``Component/Run``. One call is under way at a time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from rumpuser.component import Context
from rumpuser.transport.framing import HEADER, SUFFIX, framed
from rumpuser.transport.names import MAX_MESSAGE, TOKEN_KEY, Tls
from rumpuser.transport.wire import ContextCache, decode_outcome, decode_outcomes, encode_run
from rumpuser.url import Url
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

ANSWER_S = 10.0
"""A component that does not answer by then counts as broken."""
_PIECE = 1 << 18
"""Bytes that are received at once."""


class BlockingPeer:
    """A component at a URL. ETIMEDOUT, ENOTCONN; after either the next call connects anew."""

    def __init__(
        self, url: Url, name: str, *, token: str = "", tls: Tls | None = None, max_message: int = MAX_MESSAGE
    ) -> None:
        self.url = url
        self.name = name
        self.answer_s = ANSWER_S
        self._token = token
        self._tls = tls or Tls()
        self._max_message = max_message
        self._contexts = ContextCache()
        self._last_id = 0

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """The value of one call."""
        step = Step(op, args)
        return decode_outcome(step, self._exchange(ctx, (step,), keep_going=False))

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return decode_outcomes(steps, self._exchange(ctx, steps, keep_going=keep_going))

    def close(self) -> None:
        """Ends the connection."""

    def _exchange(self, ctx: Context, steps: Sequence[Step], *, keep_going: bool) -> Any:
        self._last_id = run_id = self._last_id + 1
        data = encode_run(run_id, self._contexts.encode(ctx), steps, keep_going)
        if len(data) > self._max_message:
            raise KernelError(Errno.EMSGSIZE, f"{len(data)} bytes; a message to {self.name} holds {self._max_message}")
        try:
            response = pb.RunResponse.FromString(self._post(data))
        except DecodeError:
            self.close()
            raise KernelError(Errno.EBADRPC, f"the {self.name} component sent something that is no answer") from None
        if response.id != run_id:
            self.close()
            raise KernelError(Errno.EBADRPC, f"the {self.name} component answered something else")
        return response

    def _post(self, data: bytes) -> bytes:
        """Sends a message and waits for the one that answers it."""
        raise NotImplementedError

    def _late(self) -> KernelError:
        return KernelError(Errno.ETIMEDOUT, f"the {self.name} component did not answer within {self.answer_s:.0f} s")


class BlockingFramePeer(BlockingPeer):
    """A component on this host."""

    def __init__(self, url: Url, name: str, **settings: Any) -> None:
        super().__init__(url, name, **settings)
        self._socket: socket.socket | None = None

    def close(self) -> None:
        link, self._socket = self._socket, None
        if link is not None:
            link.close()

    def _post(self, data: bytes) -> bytes:
        try:
            link = self._socket or self._connect()
            deadline = time.monotonic() + self.answer_s
            link.settimeout(self.answer_s)
            link.sendall(framed(data))
            length = int.from_bytes(self._receive(link, HEADER, deadline), "little")
            if length > self._max_message:
                raise KernelError(Errno.EBADRPC, f"the {self.name} component sent {length} bytes at once")
            return bytes(self._receive(link, length, deadline))
        except TimeoutError:
            self.close()  # the answer may still come, and must not be taken for that of the next call
            raise self._late() from None
        except OSError as error:
            self.close()
            why = error.strerror or str(error)
            raise KernelError(Errno.ENOTCONN, f"the {self.name} component went away: {why}") from None
        except BaseException:
            self.close()
            raise

    def _connect(self) -> socket.socket:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.settimeout(self.answer_s)
            link.connect(self.url.path + SUFFIX)
            link.sendall(framed(self._token.encode()))
        except BaseException:
            link.close()
            raise
        self._socket = link
        return link

    def _receive(self, link: socket.socket, length: int, deadline: float) -> bytearray:
        data = bytearray(length)
        view, have = memoryview(data), 0
        while have < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
            count = link.recv_into(view[have:], min(length - have, _PIECE))
            if not count:
                raise ConnectionResetError(0, "the connection ended")
            have += count
        return data


class BlockingGrpcPeer(BlockingPeer):
    """A component on another host, or one that serves no frames."""

    def __init__(self, url: Url, name: str, **settings: Any) -> None:
        super().__init__(url, name, **settings)
        self._channel: Any = None
        self._run: Any = None

    def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _post(self, data: bytes) -> bytes:
        import grpc

        if self._channel is None:
            from rumpuser.transport import channel

            self._channel = channel.connect_blocking(self.url, self._tls, self._max_message)
            self._run = self._channel.unary_unary("/rump.sp.v1.Component/Run")
        metadata = ((TOKEN_KEY, self._token),) if self._token else ()
        try:
            answer: bytes = self._run(data, timeout=self.answer_s, metadata=metadata)
        except grpc.RpcError as failure:
            self.close()
            if failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise self._late() from None
            why = failure.details() or failure.code().name
            raise KernelError(Errno.ENOTCONN, f"the {self.name} component cannot be reached: {why}") from None
        return answer


def blocking_peer_at(url: Url, name: str, **settings: Any) -> BlockingPeer:
    """The quickest way to a component; see `rumpuser.transport.frames.peer_at`."""
    if url.scheme == "unix" and os.path.exists(url.path + SUFFIX):
        return BlockingFramePeer(url, name, **settings)
    return BlockingGrpcPeer(url, name, **settings)


class BlockingPeers:
    """The blocking peers of a bus, each made when it is first asked for."""

    def __init__(self) -> None:
        self._peers: dict[str, BlockingPeer] = {}

    def get(self, name: str, url: str, **settings: Any) -> BlockingPeer:
        """The peer at a URL; one that was elsewhere before is let go of."""
        from rumpuser.url import parse

        where = parse(url)
        peer = self._peers.get(name)
        if peer is None or peer.url != where:
            self.forget(name)
            peer = self._peers[name] = blocking_peer_at(where, name, **settings)
        return peer

    def forget(self, name: str) -> None:
        peer = self._peers.pop(name, None)
        if peer is not None:
            with contextlib.suppress(OSError):
                peer.close()

    def close(self) -> None:
        for name in list(self._peers):
            self.forget(name)

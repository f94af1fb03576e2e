"""Where clients of this host come in without gRPC: the stream of a session, in frames on a unix socket beside gRPC's.

The first frame is the token of a session, which Attach gave; after it the client sends StreamRequest messages and gets
StreamResponse messages, those of `Session.Stream`. docs/transport.md has it in full.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from google.protobuf.message import DecodeError

from rumpgateway.sessions import Session, Sessions
from rumpgateway.statistics import Statistics
from rumpgateway.streams import Begin, Stream
from rumpuser import audit
from rumpuser.transport.frames import HELLO_S, FrameServer, Guest
from rumpuser.transport.framing import SUFFIX
from rumpuser.transport.memory import Pool
from rumpuser.transport.sharing import MemoryServer
from rumpuser.url import Url
from rumpwire import rump_sp_pb2
from rumpwire.errno import Errno, KernelError
from rumpwire.wire import encode_error

_LOOK_S = 0.02


class _Client(Guest):
    """A connection, which becomes the stream of a session."""

    def __init__(self, door: Door, guests: set[Guest]) -> None:
        super().__init__(guests)
        self._door = door
        self.stream: _FrameStream | None = None

    def hello(self, data: bytes) -> int:
        session = self._door.session(data)
        self.stream = _FrameStream(self, session, self._door)
        session.opened(self.stream)
        return self._door.max_message

    def message(self, data: bytes) -> None:
        assert self.stream is not None
        try:
            request = rump_sp_pb2.StreamRequest.FromString(data)
        except DecodeError:
            raise KernelError(Errno.EINVAL, "not a StreamRequest", "gateway") from None
        reply = self.stream.take(request)
        if reply is not None:
            self.send(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.stream is not None:
            self.stream.session.closed(self.stream)

    def refuse(self, why: KernelError) -> None:
        """Says why it ends. Who does not take even that is cut off."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        last = rump_sp_pb2.StreamResponse()
        encode_error(why, last.end)
        self.send(last.SerializeToString())
        transport.close()
        asyncio.get_running_loop().call_later(HELLO_S, transport.abort)


class _FrameStream(Stream):
    def __init__(self, client: _Client, session: Session, door: Door) -> None:
        super().__init__(door.begin, session, door.statistics)
        self._client = client

    def put(self, data: bytes) -> None:
        self._client.send(data)

    def end(self, why: KernelError) -> None:
        self._client.refuse(why)


class Door:
    """The sockets of a kernel on which frames are served, one beside each unix socket of gRPC's."""

    def __init__(self, begin: Begin, statistics: Statistics, sessions: Sessions, max_message: int) -> None:
        self.begin = begin
        self.statistics = statistics
        self.max_message = max_message
        self._sessions = sessions
        self._servers: list[FrameServer] = []
        self._memory: list[MemoryServer] = []

    async def open(self, urls: list[Url]) -> str:
        """Serves; the suffix of the sockets, empty where there are none."""
        for url in urls:
            server = FrameServer(url, lambda guests: _Client(self, guests))
            if url.scheme == "unix" and await server.start():
                self._servers.append(server)
                memory = MemoryServer(url, self._shares)
                memory.start()
                self._memory.append(memory)
        return SUFFIX if self._servers else ""

    async def close(self, grace: float) -> None:
        """Lets nobody in, and ends connections when no call of them waits, or when the grace is over."""
        for server in self._servers:
            server.refuse_more()
        end = time.monotonic() + grace
        while time.monotonic() < end and any(map(_busy, self._servers)):  # noqa: ASYNC110  once in the life of a kernel
            await asyncio.sleep(_LOOK_S)
        for server in self._servers:
            await server.stop()
        for memory in self._memory:
            memory.stop()

    def _shares(self, token: bytes) -> Callable[[Pool | None], None]:
        """See `rumpuser.transport.sharing.Welcome`. EAUTH, ESTALE."""
        session = self.session(token)
        return lambda pool: setattr(session, "memory", pool)

    def session(self, token: bytes) -> Session:
        """The session that a client names. EAUTH, ESTALE."""
        session = self._sessions.find(token.decode(errors="replace"))
        if session is None:
            text = "no such session: attach first and send its token in the first frame"
            raise KernelError(Errno.EAUTH, text, "gateway")
        if session.peer is not None and not session.peer.local:
            audit.tell(granted=False, who="unix", action="session", pid=session.process.pid)
            raise KernelError(Errno.EAUTH, "the session is that of another client", "gateway")
        return session


def _busy(server: FrameServer) -> bool:
    """Whether somebody waits for an answer."""
    return any(isinstance(g, _Client) and g.stream is not None and g.stream.session.calls for g in server.guests)

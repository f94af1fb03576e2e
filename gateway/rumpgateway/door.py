"""Where clients of this host come in without gRPC: the stream of a session, in frames on a unix socket beside gRPC's.

The first frame is the token of a session, which Attach gave; after it the client sends StreamRequest messages and gets
StreamResponse messages, those of `Session.Stream`. Before it a client may attach here, where the host tells who it is,
as it does not over gRPC. docs/transport.md has it in full.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError

from rumpgateway.admission import PeerId, unix_peer
from rumpgateway.passing import Passing
from rumpgateway.session import Session
from rumpgateway.sessions import Sessions
from rumpgateway.streams import Begin, Stream, failure
from rumpuser import audit
from rumpuser.transport.frames import FrameServer, Guest
from rumpuser.transport.framing import ATTACH, ATTACHED, MAX_ATTACH, MAX_HELLO, SUFFIX
from rumpuser.transport.offer import HELLO_S, read_hello
from rumpuser.transport.sharing import MemoryServer, Told
from rumpuser.url import Url
from rumpwire import rump_sp_pb2
from rumpwire.errno import Errno, KernelError
from rumpwire.wire import encode_error

_LOOK_S = 0.02
EACH = 4
"""Pools that a session may share at a time: one, and those of connections whose end has not been seen yet."""

Attach = Callable[[Any, PeerId], Awaitable[Any]]
"""The answer to an AttachRequest of a client of whom the connection proves this."""


class _Client(Guest):
    """A connection, which becomes the stream of a session."""

    def __init__(self, door: Door, path: str, guests: set[Guest]) -> None:
        super().__init__(guests, MAX_ATTACH)
        self._door = door
        self._path = path
        self._attaching: asyncio.Task[None] | None = None
        self.stream: _FrameStream | None = None

    @property
    def peer(self) -> PeerId:
        assert self.transport is not None
        return unix_peer(self.transport.get_extra_info("socket"), self._path)

    def hello(self, data: bytes) -> int | None:
        if self._attaching is not None:
            raise KernelError(Errno.EBADRPC, "the answer to the AttachRequest has not come yet", "gateway")
        if data.startswith(ATTACH):
            request = _parsed(rump_sp_pb2.AttachRequest, data[len(ATTACH) :])
            self._attaching = asyncio.get_running_loop().create_task(self._attach(request, self.peer))
            return None
        if len(data) > MAX_HELLO:
            raise KernelError(Errno.EMSGSIZE, f"a token of {len(data)} bytes", "gateway")
        token, _, self.wants_ring = read_hello(data)
        session = self._door.session(token, self.peer)
        self.stream = _FrameStream(self, session, self._door)
        return self._door.max_message

    def admitted(self) -> None:
        assert self.stream is not None
        self.stream.session.opened(self.stream)

    async def _attach(self, request: Any, peer: PeerId) -> None:
        try:
            reply = await self._door.attach(request, peer)
        except Exception as error:  # noqa: BLE001  a defect ends one connection
            self.refuse(failure(error))
            return
        self._attaching = None
        self.send(ATTACHED + reply.SerializeToString())
        self.expect()

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
        if self._attaching is not None:
            self._attaching.cancel()
        if self.stream is not None:
            self.stream.closed()

    def belong_to(self, session: Session) -> None:
        """It is that of a session whose stream has come in at a predecessor."""
        self.know(self._door.max_message)
        self.stream = _FrameStream(self, session, self._door)
        session.opened(self.stream)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.stream is not None and self.stream.relay is not None:
            self.stream.relay.hold()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.stream is not None and self.stream.relay is not None:
            self.stream.relay.go_on()

    def refuse(self, why: KernelError) -> None:
        """Says why it ends. Who does not take even that is cut off."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        last = rump_sp_pb2.StreamResponse()
        encode_error(why, last.end)
        self.send(last.SerializeToString())
        self.close()
        asyncio.get_running_loop().call_later(HELLO_S, transport.abort)


class _FrameStream(Stream):
    def __init__(self, client: _Client, session: Session, door: Door) -> None:
        super().__init__(door.begin, session, door.statistics, door.passing)
        self._client = client

    def put(self, data: bytes) -> None:
        self._client.send(data)

    def end(self, why: KernelError) -> None:
        self._client.refuse(why)

    def cut(self) -> None:
        if self._client.transport is not None:
            self._client.transport.abort()


class Door:
    """The sockets of a kernel on which frames are served, one beside each unix socket of gRPC's."""

    def __init__(
        self,
        begin: Begin,
        attach: Attach,
        passing: Passing,
        sessions: Sessions,
        max_message: int,
        page: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``page``: that of leases (`rumpgateway.leases`)."""
        self._page = page
        self.begin = begin
        self.attach = attach
        self.passing = passing
        self.statistics = passing.statistics
        self.max_message = max_message
        self._sessions = sessions
        self._servers: list[FrameServer] = []
        self._relayed: set[Guest] = set()
        self._memory: list[MemoryServer] = []

    async def open(self, urls: list[Url], mode: int, before: Mapping[str, int] = MappingProxyType({})) -> str:
        """Serves, on sockets of this mode; their suffix, empty where there are none. ``before``: the sockets at which
        a predecessor listens."""
        for url in urls:
            server = FrameServer(url, partial(_Client, self, url.path), mode)
            if url.scheme == "unix" and await server.start(before.get(url.path)):
                self._servers.append(server)
                memory = MemoryServer(url, partial(self._shares, url.path), mode, EACH, self._page)
                memory.start()
                self._memory.append(memory)
        return SUFFIX if self._servers else ""

    # -- when another process takes the place of this one

    @property
    def listening(self) -> dict[str, int]:
        """The sockets at which it listens, by the paths of gRPC's."""
        return {server.url.path: server.fileno() for server in self._servers}

    @property
    def undecided(self) -> bool:
        """Whether somebody has connected of whom nobody knows yet who it is."""
        return any(not guest.known for server in self._servers for guest in server.guests)

    @property
    def guests(self) -> int:
        return len(self._relayed) + sum(len(server.guests) for server in self._servers)

    def rest(self) -> None:
        """Lets those who connect wait."""
        for server in self._servers:
            server.rest()

    async def go_on(self) -> None:
        for server in self._servers:
            await server.start(server.detach())

    def refuse_more(self) -> None:
        for server in self._servers:
            server.refuse_more()

    def drop_undecided(self) -> None:
        for server in self._servers:
            for guest in [guest for guest in server.guests if not guest.known]:
                guest.refuse(KernelError(Errno.ETIMEDOUT, "no token was shown", "gateway"))

    async def take(self, fd: int, session: Session) -> None:
        """The end of a stream that comes in at a predecessor."""
        guest = _Client(self, "", self._relayed)
        link = socket.socket(fileno=fd)
        link.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: guest, link)
        guest.belong_to(session)

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

    def _shares(self, path: str, token: bytes, connection: Any) -> Told:
        """See `rumpuser.transport.sharing.Welcome`. EAUTH, ESTALE."""
        return self.session(token, unix_peer(connection, path)).shares

    def session(self, token: bytes, peer: PeerId) -> Session:
        """The session that a client names. EAUTH, ESTALE."""
        session = self._sessions.find(token.decode(errors="replace"))
        if session is None:
            text = "no such session: attach first and send its token in the first frame"
            raise KernelError(Errno.EAUTH, text, "gateway")
        if not session.may_be_used_by(peer):
            audit.tell(granted=False, who=str(peer), action="session", pid=session.process.pid)
            raise KernelError(Errno.EAUTH, "the session is that of another client", "gateway")
        return session


def _parsed(kind: Any, data: bytes) -> Any:
    """A message. EINVAL."""
    try:
        return kind.FromString(data)
    except DecodeError:
        raise KernelError(Errno.EINVAL, f"not a {kind.DESCRIPTOR.name}", "gateway") from None


def _busy(server: FrameServer) -> bool:
    """Whether somebody waits for an answer."""
    return any(isinstance(g, _Client) and g.stream is not None and g.stream.session.calls for g in server.guests)

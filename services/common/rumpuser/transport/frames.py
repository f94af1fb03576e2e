"""The same runs on a plain unix socket, for components on one host: gRPC costs several times as much for each message.

A component that serves gRPC on ``x.sock`` serves frames (`rumpuser.transport.framing`) on ``x.sock.frames``. The first
frame of a connection is the token of the kernel; after it the caller sends RunRequest messages and gets RunResponse
messages, those of `Component.Serve`. What does not fit ends the connection, nothing else. Behind the token, after a
line feed, the caller may name the connection (`rumpuser.transport.links`). The gateway serves clients in the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from rumpuser.component import Context
from rumpuser.pending import Running
from rumpuser.transport import sharing
from rumpuser.transport.connection import Frames, Offers, dial
from rumpuser.transport.framing import MAX_HELLO, SUFFIX
from rumpuser.transport.grpc_client import GrpcPeer
from rumpuser.transport.grpc_server import ComponentService
from rumpuser.transport.memory import LONG_CALLS, Lending, Pool, create, is_long, pool_in, read_out
from rumpuser.transport.offer import HELLO_S, hello, read_hello
from rumpuser.transport.peer import RemotePeer
from rumpuser.transport.sharing import offer
from rumpuser.transport.wire import cancellation, encode_failure
from rumpuser.url import MAX_PATH, Url
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

_offers = Offers()


class Guest(Frames):
    """Who has connected to a `FrameServer`: says first who it is, and is read from as fast as it takes answers."""

    def __init__(self, guests: set[Guest], limit: int = MAX_HELLO) -> None:
        super().__init__(limit)
        self._guests = guests
        self.known = False
        """Whether it has said who it is."""
        self.wants_ring = False
        self._offers: Offers | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._guests.add(self)
        self.expect()

    def expect(self) -> None:
        """Who shows no token from now on is sent away."""
        late = KernelError(Errno.ETIMEDOUT, "no token was shown")
        self._timer = asyncio.get_running_loop().call_later(HELLO_S, self.refuse, late)

    def expect_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._guests.discard(self)
        if self._offers is not None:
            self._offers.count -= 1
        self.expect_nothing()

    def pause_writing(self) -> None:
        self.hold()

    def resume_writing(self) -> None:
        self.go_on()

    def frame(self, data: bytes) -> None:
        if self.known:
            self.message(data)
            return
        self.expect_nothing()
        limit = self.hello(data)
        if limit is None:
            return
        self.know(limit)
        if self.wants_ring:
            self._give_ring()
        self.admitted()

    def know(self, limit: int) -> None:
        """It has said who it is, and its frames may be so long."""
        self.expect_nothing()
        self.cutter.limit = limit
        self.known = True

    def _give_ring(self) -> None:
        assert self.transport is not None
        ring = _offers.give(self.transport)
        if ring is not None:
            self._offers = _offers
            self.begin(ring)

    def hello(self, data: bytes) -> int | None:
        """The first frame: how long the others may be, None when the next one is to say who it is. EAUTH."""
        raise NotImplementedError

    def admitted(self) -> None:
        """The guest may be sent something from now on."""

    def message(self, data: bytes) -> None:
        """Each later one."""
        raise NotImplementedError


class _Caller(Guest):
    """A caller of a component, as the component sees it."""

    def __init__(self, service: ComponentService, guests: set[Guest]) -> None:
        super().__init__(guests)
        self._service = service
        self._name = ""
        self._waiting: dict[int, Running[list[Any]]] = {}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for running in list(self._waiting.values()):
            running.cancel()

    def hello(self, data: bytes) -> int:
        token, name, self.wants_ring = read_hello(data)
        if not self._service.admits(token):
            raise KernelError(Errno.EAUTH, "the token of this kernel is needed")
        self._name = name
        if name:
            self._service.links.begin(name)
        return self._service.max_message

    def message(self, data: bytes) -> None:
        request, ctx = self._service.take(data)
        if request.cancel:
            if running := self._waiting.get(request.id):
                running.cancel(cancellation(request))
        elif request.id in self._waiting:
            self.send(encode_failure(request.id, KernelError(Errno.EBADRPC, "id of a run under way")))
        else:
            self._run(request, ctx)

    def _run(self, request: Any, ctx: Context) -> None:
        if self._name and not self._service.moving:
            self._service.links.saw(self._name, request.id)
        begun = self._service.begin(request, ctx)
        if isinstance(begun, bytes):
            self.send(begun)
            return
        number, steps, running = begun
        self._waiting[number] = running
        running.outcome.when_done(lambda: self._answer(number, steps, running))

    def _answer(self, number: int, steps: list[Step], running: Running[list[Any]]) -> None:
        self._waiting.pop(number, None)
        self.send(self._service.answer(number, steps, running))


def callers(service: ComponentService) -> Callable[[set[Guest]], Guest]:
    """The callers of a component, for a `FrameServer`."""
    return lambda guests: _Caller(service, guests)


class FrameServer:
    """Serves frames beside the socket at ``url`` on which gRPC is served. ``welcome`` makes a guest of a connection."""

    def __init__(self, url: Url, welcome: Callable[[set[Guest]], Guest], mode: int = 0o600) -> None:
        self._welcome = welcome
        self.url = url
        self._mode = mode
        self._path = url.path + SUFFIX
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self.guests: set[Guest] = set()

    async def start(self, listening: int | None = None) -> bool:
        """False where the path of the socket would be too long: callers use gRPC. ``listening``: the descriptor of a
        predecessor's socket."""
        if listening is not None:
            self._socket = socket.socket(fileno=listening)
        elif len(os.fsencode(self._path)) > MAX_PATH:
            return False
        else:
            self._socket = self._bound()
        settings: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: self._welcome(self.guests), sock=self._socket, **settings
        )
        return True

    def _bound(self) -> socket.socket:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)  # of a process that was killed: the gRPC socket beside it is ours
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o777 & ~self._mode)
        try:
            made.bind(self._path)
        except BaseException:
            made.close()
            raise
        finally:
            os.umask(before)
        return made

    def fileno(self) -> int:
        """The socket that it listens at, for a successor."""
        assert self._socket is not None
        return self._socket.fileno()

    def detach(self) -> int:
        """The same, as the caller's."""
        assert self._socket is not None
        return self._socket.detach()

    def rest(self) -> None:
        """Lets those who connect wait, until somebody starts with this socket again: this process or a successor."""
        assert self._socket is not None
        self._socket = self._socket.dup()
        self.refuse_more()

    def refuse_more(self) -> None:
        """Lets nobody in from now on; who is here stays."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        if self._server is None:
            return
        self.refuse_more()
        for guest in list(self.guests):
            guest.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


class _Link(Frames):
    """The connection of a `FramePeer`."""

    def __init__(self, peer: FramePeer, limit: int, name: str) -> None:
        super().__init__(limit)
        self._peer = peer
        self.name = name

    def frame(self, data: bytes) -> None:
        self._peer.arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._peer.lost(self)


class FramePeer(RemotePeer):
    """A component on this host."""

    def __init__(self, url: Url, name: str, **settings: Any) -> None:
        super().__init__(url, name, **settings)
        self._link: _Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._outbox: list[bytes] = []
        self._closed = False
        self._numbers: WeakKeyDictionary[Pool, int] = WeakKeyDictionary()
        self._sharing: set[asyncio.Task[None]] = set()
        self._own: Lending | None = None

    def _number(self, pool: Pool) -> int:
        """Memory that the component does not know yet is handed over, for the calls that come then."""
        number = self._numbers.get(pool)
        if number is None:
            number = self._numbers[pool] = 0
            task = asyncio.get_running_loop().create_task(self._share(pool))
            self._sharing.add(task)
            task.add_done_callback(self._sharing.discard)
        return number

    async def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """As `RemotePeer.call`. Long contents that are in no memory yet go through some of our own."""
        if op.name in LONG_CALLS and is_long(step := Step(op, args)) and pool_in((step,)) is None:
            loan = self._lend(step)
            if loan is not None:
                return await self._call_lent(ctx, op, *loan)
        return await super().call(ctx, op, args)

    def _lend(self, step: Step) -> tuple[Lending, int, tuple[Any, ...]] | None:
        with contextlib.suppress(OSError):
            self._own = self._own or Lending(create(name="rump-hop"))
            if self._number(self._own.pool) and (loan := self._own.lend((step,))) is not None:
                return self._own, loan[0], loan[1][0].args
        return None

    async def _call_lent(self, ctx: Context, op: Op, lending: Lending, slot: int, args: tuple[Any, ...]) -> Any:
        try:
            value = read_out(await super().call(ctx, op, args))
        except KernelError as error:
            if error.errno not in (Errno.ENOTCONN, Errno.ENOLINK):  # who is gone may go on writing for a while
                lending.give_back(slot)
            raise
        lending.give_back(slot)
        return value

    async def _share(self, pool: Pool) -> None:
        with contextlib.suppress(OSError, TimeoutError):  # then contents go on in messages
            link, number = await offer(self.url.path + sharing.SUFFIX, self._token.encode(), pool)
            pool.closing.append(link.close)
            self._numbers[pool] = number

    def _post(self, data: bytes) -> None:
        if self._link is not None:
            self._link.send(data)
            return
        self._outbox.append(data)
        if self._connecting is None:
            if self._closed:
                self.lost(None, "has been left")
                return
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        name = secrets.token_hex(8)
        try:
            link = await dial(
                self.url.path + SUFFIX,
                lambda ring: hello(self._token, name, ring=ring),
                lambda: _Link(self, self._max_message, name),
            )
        except OSError as error:
            self._connecting = None
            self.lost(None, f"cannot be reached: {error.strerror or 'it does not answer'}")
            return
        self._connecting = None
        if link.transport is None:
            self.lost(None, "went away")
            return
        self._link = link
        outbox, self._outbox = self._outbox, []
        for data in outbox:
            link.send(data)

    def arrived(self, data: bytes) -> None:
        self._arrived(data)

    def lost(self, link: _Link | None, why: str = "went away") -> None:
        """The connection is gone; the next call makes another."""
        if link is self._link:
            self._link = None
            self._numbers.clear()
        self._outbox.clear()
        self._gone(why, None if link is None else link.name)

    async def close(self) -> None:
        """Ends the connection; what is in flight fails with ENOTCONN."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
            self._connecting = None  # or what is asked from now on would wait for it
        if self._link is not None and self._link.transport is not None:
            self._link.transport.abort()
        self.lost(self._link)


def peer_at(url: Url, name: str, **settings: Any) -> RemotePeer:
    """The quickest way to a component: frames where it is on this host and serves them, else gRPC."""
    if url.scheme == "unix" and os.path.exists(url.path + SUFFIX):
        return FramePeer(url, name, **settings)
    return GrpcPeer(url, name, **settings)

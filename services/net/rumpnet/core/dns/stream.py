"""DNS over TCP (RFC 7766): hosts that ask by connections, and questions to servers by one.

Each message has its length in front. Answers leave in the order in which they come, and hosts tell them apart by their
identifiers. A connection on which nothing happens is closed, and so is the one that is idle longest when there are too
many. The sockets here are the kernel's own: they have no handles. Who reads and writes them does not go over to a
successor, which closes them: hosts ask again (RFC 7766, 6.2.3), and a question to a server has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.net import Net
from rumpnet.core.tcp.socket import TcpSocket
from rumpnet.core.tcp.tcb import Connection
from rumpnet.core.wire import dns
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.pending import Begun, Channel, value_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError

CLIENTS_MAX = 64
PIPELINE_MAX = 32
"""Questions of one connection that wait for their answers; the next ones are not read before."""
IDLE_NS = 10 * 10**9
LENGTH = 2
BACKLOG = 16
ANY_OF = {const.AF_INET: bytes(4), const.AF_INET6: bytes(16)}

Asked = Callable[["Client", bytes], None]


class Listener(TcpSocket):
    """Gives its connections to a function instead of a queue."""

    def __init__(self, domain: InetDomain, family: int, begin: Callable[[TcpSocket], None]) -> None:
        super().__init__(domain.tcp, family)
        self.own = self.v6only = True
        self.options |= const.SO_REUSEADDR
        self._begin = begin

    def adopt(self, c: Connection) -> None:
        assert isinstance(c.user, TcpSocket)
        self._begin(c.user)


class Client:
    """A connection of a host."""

    def __init__(self, net: Net, so: TcpSocket) -> None:
        so.rcvtimeo_ns = so.sndtimeo_ns = IDLE_NS
        self.so = so
        self.waiting = 0
        self._over = False
        self._answered = Channel(net.host)

    async def serve(self, asked: Asked) -> None:
        """Reads questions until there are no more; closes when the last one is answered."""
        try:
            while data := await receive(self.so):
                self.waiting += 1
                asked(self, data)
                while self.waiting >= PIPELINE_MAX:
                    await self._answered.wait()
        except KernelError as error:
            if error.errno != Errno.EAGAIN:
                self.waiting = 0
        self._over = True
        self._perhaps_close()

    def answer(self, data: bytes) -> None:
        Begun[None](lambda: self._send(data))

    def ignore(self) -> None:
        """There will be no answer to one of the questions."""
        self.waiting -= 1
        self._answered.wake()
        self._perhaps_close()

    def close(self) -> None:
        self.waiting, self._over = 0, True
        self._perhaps_close()
        self._answered.wake()

    async def _send(self, data: bytes) -> None:
        try:
            await send(self.so, data)
        except KernelError:
            self.close()
        else:
            self.ignore()

    def _perhaps_close(self) -> None:
        if self._over and self.waiting <= 0 and not self.so.closed:
            self.so.close()


class Service:
    """Port 53 of TCP, for either family."""

    def __init__(self, net: Net, domain: InetDomain, asked: Asked) -> None:
        """EADDRINUSE when a program has the port."""
        self._net = net
        self._host = net.host
        self._asked = asked
        self.clients: dict[Client, None] = {}
        """In the order in which they were last heard of."""
        self._listeners: list[Listener] = []
        try:
            for family in ANY_OF.keys() & net.domains.keys():
                self._listen(Listener(domain, family, self._begin), ANY_OF[family])
        except KernelError:
            self.close()
            raise

    def __setstate__(self, state: dict[str, Any]) -> None:
        """At a successor, before all of its objects are there."""
        self.__dict__.update(state)
        self._host.call_at(self._host.monotonic_ns(), self._close_clients)

    def _listen(self, listener: Listener, addr: bytes) -> None:
        listener.bind(Context(), sockaddr(addr, dns.PORT))
        listener.listen(BACKLOG)
        self._listeners.append(listener)

    def _begin(self, so: TcpSocket) -> None:
        if len(self.clients) >= CLIENTS_MAX:
            next((c for c in self.clients if not c.waiting), next(iter(self.clients))).close()
        client = Client(self._net, so)
        self.clients[client] = None
        Begun[None](lambda: self._serve(client))

    async def _serve(self, client: Client) -> None:
        await client.serve(self._heard)
        self.clients.pop(client, None)

    def _heard(self, client: Client, data: bytes) -> None:
        self.clients.pop(client, None)
        self.clients[client] = None
        self._asked(client, data)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._close_clients()

    def _close_clients(self) -> None:
        clients, self.clients = self.clients, {}
        for client in clients:
            client.close()


async def receive(so: TcpSocket) -> bytes:
    """The next message; empty at the end. EAGAIN when none comes for too long, errors of the connection."""
    length = int.from_bytes(await _exactly(so, LENGTH), "big")
    return await _exactly(so, length) if length else b""


async def _exactly(so: TcpSocket, count: int) -> bytes:
    """Empty at the end, also at one that comes too early."""
    record = await value_of(so.receive(count, const.MSG_WAITALL))
    return bytes(record.data) if len(record.data) == count else b""


async def send(so: TcpSocket, data: bytes) -> None:
    """EPIPE, ECONNRESET, ETIMEDOUT; EAGAIN when it is not taken for too long."""
    data = len(data).to_bytes(LENGTH, "big") + data
    if await value_of(so.send(Context(), data, 0, None)) != len(data):
        raise KernelError(Errno.EAGAIN, "the peer does not read")


class Question:
    """One question to a server by a connection. ``done`` is told the message that came, empty when none did."""

    def __init__(self, domain: InetDomain, server: bytes, data: bytes, done: Callable[[bytes], None]) -> None:
        family = const.AF_INET if len(server) == 4 else const.AF_INET6
        self._host = domain.net.host
        self._so = TcpSocket(domain.tcp, family)
        self._so.own = True
        self._so.rcvtimeo_ns = self._so.sndtimeo_ns = IDLE_NS
        self._done: Callable[[bytes], None] | None = done
        self._name = sockaddr(server, dns.PORT)
        self._data = data

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As of `Service`."""
        self.__dict__.update(state)
        self._host.call_at(self._host.monotonic_ns(), self._end)

    def begin(self) -> None:
        Begun[None](self._ask)

    def close(self) -> None:
        """Nobody wants to know any more."""
        self._done = None
        if not self._so.closed:
            self._so.close()

    async def _ask(self) -> None:
        try:
            await value_of(self._so.connect(Context(), self._name))
            await send(self._so, self._data)
            found = await receive(self._so)
        except KernelError:
            found = b""
        self._end(found)

    def _end(self, found: bytes = b"") -> None:
        done = self._done
        self.close()
        if done is not None:
            done(found)

"""A forwarder of DNS questions: asks servers on behalf of the hosts behind us, and remembers the answers.

Each question goes out from a port and under an identifier of its own, both random (RFC 5452), and an answer must come
from the server, to that port, with that identifier and question. One that was truncated is asked for again by TCP (RFC
7766), and hosts may ask by TCP, too; who asked by UDP gets as much as he takes in one datagram.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rumpnet.core.dns import stream
from rumpnet.core.dns.stream import Client
from rumpnet.core.iface import Iface
from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.net import Net
from rumpnet.core.udp import UdpLayer, UdpSocket
from rumpnet.core.wire import Malformed, dns, udp
from rumpnet.core.wire.dns import Message, Question
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, Sockaddr

SERVERS_MAX = 8
IN_FLIGHT_MAX = 512
ASKERS_MAX = 64
"""Hosts that may wait for one question."""
CACHE_MAX = 2048
CACHED_BYTES_MAX = 1 << 20
LIFETIME_MAX_S = 86_400
NEGATIVE_MAX_S = 900
RETRY_NS = 2 * 10**9
TRIES = 4
"""Each server in turn, this often in all."""
STREAM_NS = 5 * 10**9
"""For an answer over TCP, its connection included."""
SECOND_NS = 10**9


class Asker(NamedTuple):
    """Who asked, and of which of our addresses."""

    src: bytes
    sport: int
    dst: bytes
    ident: int
    raw_question: bytes
    """As it was written: resolvers tell answers to them by the case of its letters."""
    edns: int = 0
    client: Client | None = None
    """The connection, when it was asked over TCP."""


@dataclass(slots=True)
class Cached:
    data: bytes
    ttls: list[int]
    came_ns: int
    until_ns: int


@dataclass(slots=True)
class Query:
    """A question under way."""

    question: Question
    data: bytes
    askers: list[Asker] = field(default_factory=list)
    socket: UdpSocket | None = None
    stream: stream.Question | None = None
    truncated: bytes = b""
    """An answer that was, which is better than none."""
    ident: int = 0
    tries: int = 0
    disarm: Callable[[], None] | None = None


class Upstream(UdpSocket):
    """A socket whose datagrams go to a function instead of a buffer."""

    def __init__(self, layer: UdpLayer, family: int, taken: Callable[[bytes], None]) -> None:
        super().__init__(layer, family)
        self._taken = taken

    def deliver(self, data: Buffer, name: Sockaddr, control: Sequence[Cmsg] = ()) -> bool:
        self._taken(bytes(data))
        return True


class Forwarder:
    """The forwarder of a stack, and its call."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.servers: list[bytes] = []
        self._queries: dict[Question, Query] = {}
        self._cache: OrderedDict[Question, Cached] = OrderedDict()
        self._cached_bytes = 0
        self.streams: stream.Service | None = None

    def dns_forward(self, ctx: Context, servers: list[bytes]) -> None:
        """EPERM, EINVAL, EAFNOSUPPORT, EADDRINUSE when a program listens to TCP there."""
        authorize(ctx, Action.NETWORK_RESOLVER)
        if len(servers) > SERVERS_MAX or any(len(s) not in (4, 16) for s in servers):
            raise KernelError(Errno.EINVAL, f"at most {SERVERS_MAX} addresses of 4 or 16 bytes")
        domain = self._domain()
        if servers and self.streams is None:
            self.streams = stream.Service(self.net, domain, self.asked_by_stream)
        for query in list(self._queries.values()):
            self._finish(query, None)
        self.servers = list(servers)
        if servers:
            domain.udp.services[dns.PORT] = self.asked
        else:
            domain.udp.services.pop(dns.PORT, None)
            self._end_streams()
            self._cache.clear()
            self._cached_bytes = 0

    def _end_streams(self) -> None:
        streams, self.streams = self.streams, None
        if streams is not None:
            streams.close()

    # -- questions

    def asked(self, iface: Iface, src: bytes, sport: int, dst: bytes, data: memoryview) -> None:
        """A datagram to port 53. What makes no sense is not answered."""
        try:
            message = dns.parse(data)
        except Malformed:
            return
        if not message.is_response:
            asker = Asker(src, sport, dst, message.ident, message.raw_question, message.edns)
            self._asked(message, bytes(data), asker)

    def asked_by_stream(self, client: Client, data: bytes) -> None:
        """A message over TCP. One that makes no sense ends the connection."""
        try:
            message = dns.parse(data)
        except Malformed:
            client.close()
            return
        if message.is_response:
            client.close()
            return
        so = client.so
        asker = Asker(so.faddr, so.fport, so.laddr, message.ident, message.raw_question, message.edns, client)
        self._asked(message, data, asker)

    def _asked(self, message: Message, data: bytes, asker: Asker) -> None:
        if message.flags & dns.OPCODE_MASK:
            self._answer(asker, dns.failure(message, dns.NOT_IMPLEMENTED))
            return
        known = self._known(message.question)
        if known:
            self._answer(asker, known)
            return
        self._ask(message, data, asker)

    def _ask(self, message: Message, data: bytes, asker: Asker) -> None:
        query = self._queries.get(message.question)
        if query is not None:
            if asker in query.askers and asker.client is None:
                return
            if len(query.askers) < ASKERS_MAX:
                query.askers.append(asker)
            else:
                self._answer(asker, dns.failure(message, dns.SERVER_FAILURE))
        elif len(self._queries) >= IN_FLIGHT_MAX:
            self._answer(asker, dns.failure(message, dns.SERVER_FAILURE))
        else:
            query = self._queries[message.question] = Query(message.question, data, [asker])
            self._try(query)

    def _try(self, query: Query) -> None:
        """Sends a question to the next server, from a new port."""
        self._end_try(query)
        if query.tries >= TRIES:
            self._finish(query, query.truncated or dns.failure(dns.parse(query.data), dns.SERVER_FAILURE))
            return
        server = self.servers[query.tries % len(self.servers)]
        query.tries += 1
        query.ident = int.from_bytes(self.net.host.entropy(2), "big")
        family = const.AF_INET if len(server) == 4 else const.AF_INET6
        host = self.net.host
        query.disarm = host.call_at(host.monotonic_ns() + RETRY_NS, lambda: self._try(query))
        try:
            query.socket = Upstream(self._domain().udp, family, lambda data: self._answered(query, server, data))
            query.socket.connect(Context(), sockaddr(server, dns.PORT))
            query.socket.send(Context(), dns.with_ident(query.data, query.ident), 0, None)
        except KernelError:
            return  # the next try is for another server

    def _answered(self, query: Query, server: bytes, data: bytes) -> None:
        message = _answer_to(query, data)
        if message is None:
            return
        if message.flags & dns.TRUNCATED:
            query.truncated = dns.truncated(data, message.raw_question, edns=message.edns > 0)
            self._ask_again(query, server)
            return
        self._remember(query.question, message, data)
        self._finish(query, data)

    def _ask_again(self, query: Query, server: bytes) -> None:
        """By TCP, since the answer was too long for a datagram."""
        self._end_try(query)
        host = self.net.host
        query.disarm = host.call_at(host.monotonic_ns() + STREAM_NS, lambda: self._try(query))
        data = dns.with_ident(query.data, query.ident)
        query.stream = stream.Question(self._domain(), server, data, lambda found: self._read(query, found))
        query.stream.begin()

    def _read(self, query: Query, data: bytes) -> None:
        """What came by TCP; nothing, or nonsense, is as bad as silence."""
        message = _answer_to(query, data)
        if message is None or message.flags & dns.TRUNCATED:
            self._try(query)
            return
        self._remember(query.question, message, data)
        self._finish(query, data)

    def _finish(self, query: Query, data: bytes | None) -> None:
        self._end_try(query)
        self._queries.pop(query.question, None)
        for asker in query.askers:
            if data is not None:
                self._answer(asker, data)
            elif asker.client is not None:
                asker.client.ignore()

    def _end_try(self, query: Query) -> None:
        if query.disarm is not None:
            query.disarm()
        if query.socket is not None:
            query.socket.close()
        if query.stream is not None:
            query.stream.close()
        query.disarm = query.socket = query.stream = None

    def _answer(self, asker: Asker, data: bytes) -> None:
        """From the address that was asked. Who waits asks again."""
        said = dns.as_asked(data, asker.ident, asker.raw_question)
        if asker.client is not None:
            asker.client.answer(said)
            return
        if len(said) > min(asker.edns, dns.UDP_MAX) and len(said) > dns.UDP_LEAST:
            said = dns.truncated(said, asker.raw_question, edns=asker.edns > 0)
        self._answer_by_datagram(asker, said)

    def _answer_by_datagram(self, asker: Asker, said: bytes) -> None:
        layer = self.net.layers.get(len(asker.src))
        if layer is None:
            return
        try:
            route = layer.route(asker.src)
            src = asker.dst if asker.dst in self.net.interfaces.owners else layer.source_for(asker.src)
            packet = self._domain().udp.packet(route, src, asker.src, dns.PORT, asker.sport, said)
            layer.send(route, src, asker.src, udp.PROTOCOL, packet)
        except KernelError:
            return

    # -- the cache

    def _known(self, question: Question) -> bytes:
        """An answer that still holds, as old as it is by now; empty when there is none."""
        cached, now = self._cache.get(question), self.net.host.monotonic_ns()
        if cached is None:
            return b""
        if cached.until_ns <= now:
            self._drop(question)
            return b""
        self._cache.move_to_end(question)
        return dns.aged(cached.data, cached.ttls, (now - cached.came_ns) // SECOND_NS)

    def _remember(self, question: Question, message: Message, data: bytes) -> None:
        code = message.flags & dns.RCODE_MASK
        if message.flags & dns.TRUNCATED or code not in (0, dns.NAME_ERROR) or not message.lifetime:
            return
        negative = code == dns.NAME_ERROR or not int.from_bytes(data[6:8], "big")
        lifetime = min(message.lifetime, NEGATIVE_MAX_S if negative else LIFETIME_MAX_S)
        now = self.net.host.monotonic_ns()
        self._drop(question)
        self._cache[question] = Cached(data, message.ttls, now, now + lifetime * SECOND_NS)
        self._cached_bytes += len(data)
        while len(self._cache) > CACHE_MAX or self._cached_bytes > CACHED_BYTES_MAX:
            self._drop(next(iter(self._cache)))

    def _drop(self, question: Question) -> None:
        cached = self._cache.pop(question, None)
        if cached is not None:
            self._cached_bytes -= len(cached.data)

    def _domain(self) -> InetDomain:
        """EAFNOSUPPORT."""
        domain = self.net.domain(const.AF_INET)
        assert isinstance(domain, InetDomain)
        return domain


def _answer_to(query: Query, data: bytes) -> Message | None:
    """The message, if it is what was asked for."""
    try:
        message = dns.parse(data)
    except Malformed:
        return None
    asked, said = query.question, message.question
    same = (asked.name, asked.type, asked.cls) == (said.name, said.type, said.cls)
    return message if message.is_response and message.ident == query.ident and same else None

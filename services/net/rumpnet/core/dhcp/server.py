"""A server: leases addresses of a range (RFC 2131, section 4.3). It keeps what it promised in memory, in bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from rumpnet.core.wire import Malformed, dhcp
from rumpnet.core.wire.dhcp import Dhcp
from rumpuser.host import Host

SECOND_NS = 10**9
OFFER_S = 60
"""How long an offer stands."""
DECLINED_S = 600
"""How long an address is left alone that somebody found in use."""
FOREVER = 0xFFFFFFFF


@dataclass(slots=True)
class Pool:
    """What is leased: addresses from ``first`` to ``last``, as numbers, and what clients are told besides."""

    server: bytes
    first: int
    last: int
    mask: int
    lease_s: int = 3600
    router: bytes = b""
    dns: list[bytes] = field(default_factory=list)
    domain: bytes = b""
    mtu: int = 0
    fixed: dict[bytes, bytes] = field(default_factory=dict)
    """Addresses of clients that always get the same, by link-level address."""


@dataclass(slots=True)
class Binding:
    """An address that is promised."""

    addr: bytes
    client: bytes
    chaddr: bytes
    hostname: bytes
    until_ns: int
    bound: bool


Send = Callable[[bytes, bytes, bytes], None]
"""A message, the address it goes to (255.255.255.255 for all), and the client's link-level address."""
EVERYBODY = b"\xff\xff\xff\xff"


class Server:
    """Of one interface."""

    def __init__(self, host: Host, pool: Pool, send: Send) -> None:
        self._host = host
        self._pool = pool
        self._send = send
        self._by_client: dict[bytes, Binding] = {}
        self._by_addr: OrderedDict[bytes, Binding] = OrderedDict()

    def leases(self) -> list[Binding]:
        """Those that are in force."""
        now = self._host.monotonic_ns()
        return [b for b in self._by_addr.values() if b.bound and b.until_ns > now]

    def receive(self, data: bytes | memoryview) -> None:
        """Takes a message to port 67."""
        try:
            message = Dhcp.parse(data)
        except Malformed:
            return
        handlers = {
            dhcp.DISCOVER: self._discover, dhcp.REQUEST_LEASE: self._request, dhcp.DECLINE: self._decline,
            dhcp.RELEASE: self._release, dhcp.INFORM: self._inform,
        }  # fmt: skip
        handler = handlers.get(message.type)
        if message.op == dhcp.REQUEST and handler is not None:
            handler(message)

    # -- messages

    def _discover(self, message: Dhcp) -> None:
        addr = self._choose(message)
        if addr:
            self._promise(message, addr, OFFER_S, bound=False)
            self._answer(message, dhcp.OFFER, addr)

    def _request(self, message: Dhcp) -> None:
        """In answer to an offer, to verify an address after a restart, or to have more time (table 4 of RFC 2131)."""
        server = message.address(dhcp.SERVER_ID)
        wanted = message.address(dhcp.REQUESTED)
        if server not in (dhcp.NO_ADDR, self._pool.server):
            self._forget(message.client, offered=True)
            return
        addr = wanted if wanted != dhcp.NO_ADDR else message.ciaddr
        binding = self._by_client.get(message.client)
        known = binding is not None and binding.addr == addr
        if not known and (server != dhcp.NO_ADDR or not self._may_have(message, addr)):
            self._answer(message, dhcp.NAK, dhcp.NO_ADDR)
            return
        self._promise(message, addr, self._pool.lease_s, bound=True)
        self._answer(message, dhcp.ACK, addr)

    def _decline(self, message: Dhcp) -> None:
        addr = message.address(dhcp.REQUESTED)
        binding = self._by_client.get(message.client)
        if binding is not None and binding.addr == addr:
            self._forget(message.client)
            until = self._host.monotonic_ns() + DECLINED_S * SECOND_NS
            self._by_addr[addr] = Binding(addr, b"", b"", b"", until, bound=False)

    def _release(self, message: Dhcp) -> None:
        binding = self._by_client.get(message.client)
        if binding is not None and binding.addr == message.ciaddr:
            self._forget(message.client)

    def _inform(self, message: Dhcp) -> None:
        self._answer(message, dhcp.ACK, dhcp.NO_ADDR)

    # -- addresses

    def _choose(self, message: Dhcp) -> bytes:
        """The client's own, the one it asks for, one that was never given, the one that has been free longest."""
        pool, now = self._pool, self._host.monotonic_ns()
        fixed = pool.fixed.get(message.chaddr)
        if fixed is not None:
            return fixed
        binding = self._by_client.get(message.client)
        if binding is not None:
            return binding.addr
        wanted = message.address(dhcp.REQUESTED)
        if self._may_have(message, wanted):
            return wanted
        for number in range(pool.first, pool.last + 1):
            addr = number.to_bytes(4, "big")
            if addr not in self._by_addr and addr not in pool.fixed.values() and addr != pool.server:
                return addr
        return next((addr for addr, b in self._by_addr.items() if b.until_ns <= now), b"")

    def _may_have(self, message: Dhcp, addr: bytes) -> bool:
        """Whether an address is ours to give, and nobody else's now."""
        pool, number = self._pool, int.from_bytes(addr, "big")
        if pool.fixed.get(message.chaddr) == addr:
            return True
        if not pool.first <= number <= pool.last or addr == pool.server or addr in pool.fixed.values():
            return False
        binding = self._by_addr.get(addr)
        return binding is None or binding.client == message.client or binding.until_ns <= self._host.monotonic_ns()

    def _promise(self, message: Dhcp, addr: bytes, seconds: int, *, bound: bool) -> None:
        known = self._by_client.get(message.client)
        if known is not None and known.addr != addr:
            self._forget(message.client)
        other = self._by_addr.pop(addr, None)
        if other is not None and other.client != message.client:
            self._by_client.pop(other.client, None)
        if known is not None and known.bound and not bound:
            bound, seconds = True, 0  # an offer does not shorten the lease that the client has
        until = self._host.monotonic_ns() + seconds * SECOND_NS
        until = max(until, known.until_ns) if known is not None and not seconds else until
        hostname = message.options.get(dhcp.HOSTNAME, b"")[:64]
        self._by_addr[addr] = self._by_client[message.client] = Binding(
            addr, message.client, message.chaddr, hostname, until, bound
        )

    def _forget(self, client: bytes, *, offered: bool = False) -> None:
        binding = self._by_client.get(client)
        if binding is not None and not (offered and binding.bound):
            del self._by_client[client]
            self._by_addr.pop(binding.addr, None)

    # -- out

    def _answer(self, message: Dhcp, kind: int, addr: bytes) -> None:
        pool = self._pool
        answer = Dhcp(
            dhcp.REPLY, message.xid, message.chaddr, {dhcp.TYPE: bytes((kind,))}, yiaddr=addr, giaddr=message.giaddr
        )
        answer.options[dhcp.SERVER_ID] = pool.server
        answer.flags = message.flags
        if kind != dhcp.NAK:
            answer.ciaddr = message.ciaddr if kind == dhcp.ACK else dhcp.NO_ADDR
            answer.options |= self._options(with_lease=addr != dhcp.NO_ADDR)
        self._send(answer.emit(), self._destination(message, kind, addr), message.chaddr)

    def _destination(self, message: Dhcp, kind: int, addr: bytes) -> bytes:
        """RFC 2131, 4.1: a relay, the address that the client has, all, or the address that it gets."""
        if message.giaddr != dhcp.NO_ADDR:
            return message.giaddr
        if kind == dhcp.NAK or message.flags & dhcp.BROADCAST_FLAG:
            return EVERYBODY
        return message.ciaddr if message.ciaddr != dhcp.NO_ADDR else addr

    def _options(self, *, with_lease: bool) -> dict[int, bytes]:
        pool = self._pool
        options = {dhcp.MASK: pool.mask.to_bytes(4, "big")}
        if with_lease and pool.lease_s != FOREVER:
            times = {dhcp.LEASE_TIME: 1.0, dhcp.RENEWAL_TIME: 0.5, dhcp.REBINDING_TIME: 0.875}
            options |= {n: int(pool.lease_s * part).to_bytes(4, "big") for n, part in times.items()}
        elif with_lease:
            options[dhcp.LEASE_TIME] = FOREVER.to_bytes(4, "big")
        if pool.router:
            options[dhcp.ROUTERS] = pool.router
        if pool.dns:
            options[dhcp.DNS] = b"".join(pool.dns)
        if pool.domain:
            options[dhcp.DOMAIN] = pool.domain
        if pool.mtu:
            options[dhcp.MTU] = pool.mtu.to_bytes(2, "big")
        return options

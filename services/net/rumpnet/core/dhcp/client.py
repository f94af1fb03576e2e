"""A client: gets a lease for an interface, keeps it, gives it back (RFC 2131, section 4.4, figure 5).

The states are INIT (no lease is wanted), SELECTING, REQUESTING, BOUND, RENEWING, REBINDING. INIT-REBOOT is left out:
who starts again asks anew, for the same address.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from rumpnet.core.wire import Malformed, dhcp
from rumpnet.core.wire.dhcp import Dhcp
from rumpuser.host import Host

SECOND_NS = 10**9
FIRST_WAIT_S, LONGEST_WAIT_S = 4, 64
FOREVER = 0xFFFFFFFF
RENEW_WAIT_MIN_S = 60
WANTED = bytes((dhcp.MASK, dhcp.CLASSLESS_ROUTES, dhcp.ROUTERS, dhcp.DNS, dhcp.DOMAIN, dhcp.BROADCAST, dhcp.MTU,
                dhcp.RENEWAL_TIME, dhcp.REBINDING_TIME))  # fmt: skip
MESSAGE_MAX = (1500).to_bytes(2, "big")


class State(enum.Enum):
    INIT = "init"
    SELECTING = "selecting"
    REQUESTING = "requesting"
    BOUND = "bound"
    RENEWING = "renewing"
    REBINDING = "rebinding"


@dataclass(slots=True)
class Lease:
    """What a server gave. Times are those of the monotonic clock."""

    addr: bytes
    prefixlen: int
    server: bytes
    routes: list[tuple[bytes, int, bytes]] = field(default_factory=list)
    dns: list[bytes] = field(default_factory=list)
    domain: bytes = b""
    mtu: int = 0
    renew_ns: int = 0
    rebind_ns: int = 0
    expires_ns: int = 0
    """0 for a lease that does not end."""


Send = Callable[[bytes, bytes], None]
"""A message, and the server's address or 255.255.255.255."""
EVERYBODY = b"\xff\xff\xff\xff"


class Client:
    """The lease of one interface. ``changed`` gets it when it is new, and None when it is lost."""

    def __init__(
        self, host: Host, chaddr: bytes, send: Send, changed: Callable[[Lease | None], None], hostname: bytes = b""
    ) -> None:
        self._host = host
        self._chaddr = chaddr
        self._send = send
        self._changed = changed
        self._hostname = hostname
        self._disarm: Callable[[], None] | None = None
        self._xid = 0
        self._began_ns = self._asked_ns = 0
        self._tries = 0
        self._offer: Dhcp | None = None
        self.state = State.INIT
        self.lease: Lease | None = None
        self._last = dhcp.NO_ADDR
        self.refusals = 0
        """How often a server said no."""

    def start(self) -> None:
        """Looks for a server."""
        self._xid = int.from_bytes(self._host.entropy(4), "big")
        self._began_ns = self._host.monotonic_ns()
        self._tries = 0
        self._enter(State.SELECTING)
        self._discover()

    def renew(self) -> None:
        """Asks for more time at once. Nothing without a lease."""
        if self.lease is not None:
            self._tries = 0
            self._enter(State.RENEWING)
            self._extend()

    def release(self) -> None:
        """Gives the lease back and stops."""
        lease = self.lease
        if lease is not None:
            self._emit(dhcp.RELEASE, {dhcp.SERVER_ID: lease.server}, ciaddr=lease.addr, to=lease.server)
        self._lose(again=False)

    def stop(self) -> None:
        """Stops; the address stays, until somebody takes it away."""
        self._enter(State.INIT)

    def decline(self) -> None:
        """Somebody else has the address: the server is told, and after 10 seconds it begins anew (RFC 2131, 3.1.5)."""
        lease = self.lease
        if lease is not None:
            self._emit(dhcp.DECLINE, {dhcp.REQUESTED: lease.addr, dhcp.SERVER_ID: lease.server})
            self._lose(again=False)
            self._arm(10 * SECOND_NS, self.start)

    # -- in

    def receive(self, data: bytes | memoryview) -> None:
        """Takes a message to port 68. Those of others and such that make no sense are nothing."""
        try:
            message = Dhcp.parse(data)
            if message.op != dhcp.REPLY or message.xid != self._xid or message.chaddr != self._chaddr:
                return
            self._receive(message)
        except Malformed:
            return

    def _receive(self, message: Dhcp) -> None:
        asking = self.state in (State.REQUESTING, State.RENEWING, State.REBINDING)
        if (
            self.state == State.SELECTING
            and message.type == dhcp.OFFER
            and message.address(dhcp.SERVER_ID) != dhcp.NO_ADDR
        ):
            if message.yiaddr != dhcp.NO_ADDR:
                self._offer, self._tries = message, 0
                self._enter(State.REQUESTING)
                self._request()
        elif asking and message.type == dhcp.ACK and message.yiaddr != dhcp.NO_ADDR:
            self._bind(message)
        elif asking and message.type == dhcp.NAK:
            self.refusals += 1
            self._lose(again=True)

    def _bind(self, message: Dhcp) -> None:
        known = self.lease
        lease = self.lease = _lease(message, self._asked_ns, known.server if known else dhcp.NO_ADDR)
        self._last = lease.addr
        self._enter(State.BOUND)
        if lease.expires_ns:
            self._arm(max(0, lease.renew_ns - self._host.monotonic_ns()), self.renew)
        self._changed(lease)

    def _lose(self, *, again: bool) -> None:
        had, self.lease = self.lease, None
        self._enter(State.INIT)
        if had is not None:
            self._changed(None)
        if again:
            self._arm(SECOND_NS, self.start)

    # -- out, again and again until there is an answer. That may come before `_emit` returns: the timer is set first.

    def _discover(self) -> None:
        options = {dhcp.PARAMETERS: WANTED, dhcp.MAX_SIZE: MESSAGE_MAX}
        if self._last != dhcp.NO_ADDR:
            options[dhcp.REQUESTED] = self._last
        self._arm(self._wait_ns(), self._discover)
        self._emit(dhcp.DISCOVER, options)

    def _request(self) -> None:
        """After some tries without an answer the server is given up."""
        offer = self._offer
        assert offer is not None
        if self._tries >= 4:
            self.start()
            return
        self._arm(self._wait_ns(), self._request)
        self._emit(
            dhcp.REQUEST_LEASE,
            {dhcp.REQUESTED: offer.yiaddr, dhcp.SERVER_ID: offer.address(dhcp.SERVER_ID), dhcp.PARAMETERS: WANTED,
             dhcp.MAX_SIZE: MESSAGE_MAX},
        )  # fmt: skip

    def _extend(self) -> None:
        """Asks the server that gave the lease, and when that does not answer (T2) anyone."""
        lease = self.lease
        assert lease is not None
        now = self._host.monotonic_ns()
        if lease.expires_ns and now >= lease.expires_ns:
            self._lose(again=True)
            return
        if lease.expires_ns and now >= lease.rebind_ns:
            self.state = State.REBINDING
        to = lease.server if self.state == State.RENEWING else EVERYBODY
        until = lease.rebind_ns if self.state == State.RENEWING else lease.expires_ns
        half = max(RENEW_WAIT_MIN_S * SECOND_NS, (until - now) // 2)
        self._arm(min(half, max(SECOND_NS, until - now)) if lease.expires_ns else self._wait_ns(), self._extend)
        self._emit(dhcp.REQUEST_LEASE, {dhcp.PARAMETERS: WANTED, dhcp.MAX_SIZE: MESSAGE_MAX}, ciaddr=lease.addr, to=to)

    def _emit(
        self, kind: int, options: dict[int, bytes], *, ciaddr: bytes = dhcp.NO_ADDR, to: bytes = EVERYBODY
    ) -> None:
        now = self._host.monotonic_ns()
        self._asked_ns = now
        message = Dhcp(dhcp.REQUEST, self._xid, self._chaddr, {dhcp.TYPE: bytes((kind,))}, ciaddr)
        message.options |= {dhcp.CLIENT_ID: bytes((dhcp.ETHERNET,)) + self._chaddr, **options}
        if self._hostname and kind in (dhcp.DISCOVER, dhcp.REQUEST_LEASE):
            message.options[dhcp.HOSTNAME] = self._hostname[:255]
        message.secs = min(0xFFFF, (now - self._began_ns) // SECOND_NS)
        # Without an address we cannot be reached by it: servers are to answer by broadcast.
        message.flags = dhcp.BROADCAST_FLAG if ciaddr == dhcp.NO_ADDR else 0
        self._send(message.emit(), to)

    # -- time

    def _enter(self, state: State) -> None:
        self.state = state
        if self._disarm is not None:
            self._disarm()
            self._disarm = None

    def _arm(self, wait_ns: int, callback: Callable[[], None]) -> None:
        if self._disarm is not None:
            self._disarm()
        self._disarm = self._host.call_at(self._host.monotonic_ns() + wait_ns, callback)

    def _wait_ns(self) -> int:
        """4, 8, ... 64 seconds, each a second more or less at random (RFC 2131, 4.1)."""
        wait = min(FIRST_WAIT_S << min(self._tries, 5), LONGEST_WAIT_S)
        self._tries += 1
        jitter = int.from_bytes(self._host.entropy(4), "big") * 2 * SECOND_NS >> 32
        return (wait - 1) * SECOND_NS + jitter


def _lease(message: Dhcp, asked_ns: int, server: bytes) -> Lease:
    """Malformed for a mask with holes, or routes that are cut off. Times count from when it was asked for."""
    mask = int.from_bytes(message.address(dhcp.MASK), "big") or _class_mask(message.yiaddr)
    prefixlen = mask.bit_count()
    if mask != 0xFFFFFFFF << 32 - prefixlen & 0xFFFFFFFF:
        raise Malformed("a network mask with holes")
    classless = message.options.get(dhcp.CLASSLESS_ROUTES)
    router = message.address(dhcp.ROUTERS)
    routes = [(dhcp.NO_ADDR, 0, router)] if router != dhcp.NO_ADDR else []
    if classless:
        routes = dhcp.classless_routes(classless)
    names = message.options.get(dhcp.DNS, b"")
    lease = Lease(
        message.yiaddr, prefixlen, message.address(dhcp.SERVER_ID) if dhcp.SERVER_ID in message.options else server,
        routes, [names[at : at + 4] for at in range(0, len(names) - 3, 4)],
        message.options.get(dhcp.DOMAIN, b"").rstrip(b"\0"),
        int.from_bytes(message.options.get(dhcp.MTU, b"")[:2], "big"),
    )  # fmt: skip
    seconds = message.seconds(dhcp.LEASE_TIME, FOREVER)
    if seconds != FOREVER:
        renew = min(message.seconds(dhcp.RENEWAL_TIME, seconds // 2), seconds)
        rebind = min(max(message.seconds(dhcp.REBINDING_TIME, seconds * 7 // 8), renew), seconds)
        times = (asked_ns + s * SECOND_NS for s in (renew, rebind, seconds))
        lease.renew_ns, lease.rebind_ns, lease.expires_ns = times
    return lease


def _class_mask(addr: bytes) -> int:
    """That of the class, as before CIDR, for servers that give none."""
    bits = 8 if addr[0] < 128 else 16 if addr[0] < 192 else 24
    return 0xFFFFFFFF << 32 - bits & 0xFFFFFFFF

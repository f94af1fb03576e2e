"""Who has which link-level address: one cache and one state machine for both families (RFC 4861, 7.3; RFC 826).

A resolver (ARP, neighbour discovery) asks and hears; the cache keeps what was heard, the packets that wait for an
answer (the newest few), and when to ask again. With ARP an entry is good for as long as net.inet.arp.keep says and then
goes; neighbour discovery lets it grow stale, and has it confirmed once it is used again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rumpnet.core.packet import Packet
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.ifaces.ether import Ethernet

NEIGHBOURS_MAX = 2048
"""Entries of one interface; the one that was used longest ago goes for a new one (neighborgcthresh)."""
WAITING_MAX = 48
"""Packets that wait for one neighbour; the oldest goes. All fragments of a datagram of 64 KiB find room."""
WAITING_BYTES_MAX = 1 << 20
"""Of all packets that wait on one interface, whoever they are for; what comes on top is dropped. Else somebody who
sends to addresses that nobody has would fill the memory."""
SECOND = 10**9


class State(Enum):
    INCOMPLETE = "incomplete"
    REACHABLE = "reachable"
    STALE = "stale"
    DELAY = "delay"
    PROBE = "probe"
    FAILED = "failed"


class Policy(NamedTuple):
    """Times in nanoseconds. What a family asks how often."""

    tries: int
    retransmit_ns: int
    reachable_ns: int
    down_ns: int
    """How long nobody is asked for again after they did not answer."""
    delay_ns: int = 0
    """From the use of a stale entry to the first probe."""
    grow_stale: bool = False
    """Whether an entry whose time is over stays until it is used, or goes."""
    stale_ns: int = 0
    """How long a stale one stays unused."""
    most: int = NEIGHBOURS_MAX


class Resolver(Protocol):
    """ARP or neighbour discovery."""

    ethertype: int

    def policy(self, iface: Ethernet) -> Policy: ...

    def solicit(self, iface: Ethernet, addr: bytes, lladdr: bytes | None, waiting: Packet | None) -> None:
        """Asks who has an address: everybody, or the one who had it."""
        ...

    def undeliverable(self, iface: Ethernet, packet: Packet) -> None:
        """Nobody answered, and this packet waited for it."""
        ...

    def changed(self, iface: Ethernet, entry: Neighbour, *, gone: bool) -> None:
        """An entry was resolved, changed, or went."""
        ...


class Neighbour:
    """An entry."""

    __slots__ = (
        "addr", "asked", "disarm", "expires_ns", "header", "is_router", "lladdr", "permanent", "proxy", "published",
        "state", "waiting",
    )  # fmt: skip

    def __init__(self, addr: bytes) -> None:
        self.addr = addr
        self.lladdr = b""
        self.header = b""
        """The Ethernet header of packets to it, once they may be sent."""
        self.state = State.INCOMPLETE
        self.is_router = False
        self.permanent = False
        self.published = False
        """We answer for it."""
        self.proxy = False
        """Only that; it is not sent to by this entry."""
        self.asked = 0
        self.expires_ns: int | None = None
        self.disarm: Callable[[], None] | None = None
        self.waiting: deque[Packet] = deque()


class Neighbours:
    """The cache of one interface, keyed by addresses of both families."""

    def __init__(self, iface: Ethernet) -> None:
        self.iface = iface
        self.host = iface.net.host
        self.entries: dict[bytes, Neighbour] = {}
        self.held = 0
        """Bytes of packets that wait."""

    def __iter__(self) -> Iterator[Neighbour]:
        return iter(list(self.entries.values()))

    def __len__(self) -> int:
        return len(self.entries)

    # -- use

    def resolve(self, addr: bytes, packet: Packet) -> bytes:
        """The Ethernet header for a packet; empty when the packet has to wait, and is kept. EHOSTDOWN."""
        entry = self.entries.get(addr)
        if entry is None:
            entry = self._new(addr)
            self._hold(entry, packet)
            self._ask(entry)
            return b""
        if entry.state is State.STALE:
            self._set(entry, State.DELAY, self._policy(addr).delay_ns)
        elif entry.state is State.FAILED:
            raise KernelError(Errno.EHOSTDOWN, "nobody answers for the address")
        elif not entry.header:
            self._hold(entry, packet)
        return entry.header

    def _hold(self, entry: Neighbour, packet: Packet) -> None:
        if len(entry.waiting) >= WAITING_MAX:
            self.held -= entry.waiting.popleft().length
        if self.held + packet.length <= WAITING_BYTES_MAX:
            entry.waiting.append(packet)
            self.held += packet.length

    def _release(self, entry: Neighbour) -> list[Packet]:
        """The packets that have waited."""
        waiting = list(entry.waiting)
        entry.waiting.clear()
        self.held -= sum(packet.length for packet in waiting)
        return waiting

    # -- what was heard

    def learn(self, addr: bytes, lladdr: bytes, *, confirmed: bool, create: bool = True) -> Neighbour | None:
        """Somebody said that they have an address: as the answer to a question, or by the way (not ``confirmed``).

        None when there is no entry and none is to be made. Permanent entries stay as they are.
        """
        entry = self.entries.get(addr)
        if entry is None:
            if not create:
                return None
            entry = self._new(addr)
        if entry.permanent:
            return entry
        changed = entry.lladdr != lladdr
        if changed or not entry.header:
            self._take(entry, lladdr)
        policy = self._policy(addr)
        if confirmed or not policy.grow_stale:
            self.confirm(entry)
        elif changed or entry.state in (State.INCOMPLETE, State.FAILED):
            self._set(entry, State.STALE, policy.stale_ns)
        self._flush(entry)
        if changed:
            self._resolver(addr).changed(self.iface, entry, gone=False)
        return entry

    def confirm(self, entry: Neighbour) -> None:
        """The neighbour was heard of, or an upper layer made progress with it."""
        if entry.header and not entry.permanent:
            entry.asked = 0
            self._set(entry, State.REACHABLE, self._policy(entry.addr).reachable_ns)

    def reached(self, addr: bytes) -> None:
        """What upper layers know: packets of ours arrive there (RFC 4861, 7.3.1)."""
        entry = self.entries.get(addr)
        if entry is not None and entry.state is not State.REACHABLE:
            self.confirm(entry)

    def suspect(self, entry: Neighbour) -> None:
        """It may have gone: to be confirmed when it is used next."""
        if not entry.permanent and entry.header:
            self._set(entry, State.STALE, self._policy(entry.addr).stale_ns)

    def set(self, addr: bytes, lladdr: bytes, *, permanent: bool, published: bool = False, proxy: bool = False) -> None:
        """By hand. EEXIST over a permanent entry."""
        entry = self.entries.get(addr)
        if entry is not None and entry.permanent:
            raise KernelError(Errno.EEXIST, "there is a permanent entry")
        entry = entry or self._new(addr)
        entry.permanent, entry.published, entry.proxy = permanent, published, proxy
        self._take(entry, lladdr)
        self._set(entry, State.REACHABLE, 0 if permanent else self._policy(addr).reachable_ns)
        self._flush(entry)
        self._resolver(addr).changed(self.iface, entry, gone=False)

    def delete(self, addr: bytes) -> None:
        """ENOENT."""
        if addr not in self.entries:
            raise KernelError(Errno.ENOENT, "no such entry")
        self._drop(self.entries[addr])

    def purge(self, length: int = 0, *, permanent: bool = False) -> None:
        """Forgets what was learned (in one family), as when the link goes."""
        for entry in self:
            if (permanent or not entry.permanent) and length in (0, len(entry.addr)):
                self._drop(entry)

    def purge_network(self, dst: bytes, prefixlen: int) -> None:
        """Forgets what was learned of a network that is not on the link any more."""
        shift = len(dst) * 8 - prefixlen
        number = int.from_bytes(dst, "big") >> shift
        for entry in self:
            same = len(entry.addr) == len(dst) and int.from_bytes(entry.addr, "big") >> shift == number
            if same and not entry.permanent:
                self._drop(entry)

    # -- the machine

    def _policy(self, addr: bytes) -> Policy:
        return self._resolver(addr).policy(self.iface)

    def _resolver(self, addr: bytes) -> Resolver:
        return self.iface.net.resolvers[len(addr)]

    def _new(self, addr: bytes) -> Neighbour:
        if len(self.entries) >= self._policy(addr).most:
            oldest = next((e for e in self.entries.values() if not e.permanent), None)
            if oldest is None:
                raise KernelError(Errno.ENOBUFS, f"there are {len(self.entries)} permanent neighbours")
            self._drop(oldest)
        entry = self.entries[addr] = Neighbour(addr)
        return entry

    def _take(self, entry: Neighbour, lladdr: bytes) -> None:
        entry.lladdr = lladdr
        entry.header = b"" if entry.proxy else self.iface.header(lladdr, self._resolver(entry.addr).ethertype)

    def _flush(self, entry: Neighbour) -> None:
        for packet in self._release(entry):
            self.iface.send(packet, entry.header)

    def _set(self, entry: Neighbour, state: State, after_ns: int) -> None:
        """A state, for so long; 0 is for ever."""
        if entry.disarm is not None:
            entry.disarm()
            entry.disarm = None
        entry.state = state
        entry.expires_ns = self.host.monotonic_ns() + after_ns if after_ns else None
        if entry.expires_ns is not None:
            entry.disarm = self.host.call_at(entry.expires_ns, lambda: self._timeout(entry))

    def _timeout(self, entry: Neighbour) -> None:
        entry.disarm = None
        if self.entries.get(entry.addr) is not entry:
            return
        if entry.state in (State.INCOMPLETE, State.PROBE, State.DELAY):
            self._ask(entry)
        elif entry.state is State.REACHABLE and self._policy(entry.addr).grow_stale:
            self._set(entry, State.STALE, self._policy(entry.addr).stale_ns)
        else:
            self._drop(entry)

    def _ask(self, entry: Neighbour) -> None:
        """Once more, or never again."""
        policy, resolver = self._policy(entry.addr), self._resolver(entry.addr)
        if entry.asked >= policy.tries:
            self._fail(entry, policy)
            return
        entry.asked += 1
        state = State.PROBE if entry.header else State.INCOMPLETE
        self._set(entry, state, policy.retransmit_ns)
        waiting = entry.waiting[0] if entry.waiting else None
        resolver.solicit(self.iface, entry.addr, entry.lladdr if entry.header else None, waiting)

    def _fail(self, entry: Neighbour, policy: Policy) -> None:
        waiting = self._release(entry)
        entry.asked = 0
        if policy.down_ns and not entry.header:
            self._set(entry, State.FAILED, policy.down_ns)
        else:
            self._drop(entry)
        for packet in waiting:
            self._resolver(entry.addr).undeliverable(self.iface, packet)

    def _drop(self, entry: Neighbour) -> None:
        if entry.disarm is not None:
            entry.disarm()
            entry.disarm = None  # it holds the entry, and would leave it to the garbage collector
        self.entries.pop(entry.addr, None)
        self._release(entry)
        resolver = self.iface.net.resolvers.get(len(entry.addr))  # gone when the stack ends before its interfaces
        if entry.lladdr and resolver is not None:
            resolver.changed(self.iface, entry, gone=True)

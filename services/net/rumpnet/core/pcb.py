"""Ends of connections (inpcb): which socket a packet is for, and which ports are free.

One table serves both families: an IPv4 address has 4 bytes, an IPv6 one 16. A socket of AF_INET6 that is not for IPv6
alone and bound to no address takes packets of either; its IPv4 ends have 4 bytes here, and are shown as mapped ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from rumpnet.core.portalgo import PortAlgorithms, Wanted
from rumpnet.core.route import ANY, ANY6, text
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.net import Knob
    from rumpuser.host import Host

RESERVED = 1024
"""Ports below are root's."""
SHARED = const.SO_REUSEADDR | const.SO_REUSEPORT
WILD = (ANY, ANY6)


class Pcb(Protocol):
    """What the table has to know of a socket or connection. ``options`` are those of SOL_SOCKET."""

    domain: int
    laddr: bytes
    lport: int
    faddr: bytes
    fport: int
    v6only: bool
    options: int


P = TypeVar("P", bound=Pcb)
K = TypeVar("K")


class Ports(Protocol):
    """From where to where ephemeral ports are (net.inet.ip.anonportmin, and so on)."""

    anonportmin: Knob
    anonportmax: Knob
    lowportmin: Knob
    lowportmax: Knob
    portalgo: PortAlgorithms


class PcbTable(Generic[P]):
    """The ends of one protocol. ``lookup`` takes the addresses of a packet that came in."""

    def __init__(self, host: Host, ports: Ports) -> None:
        self.host = host
        self.ports = ports
        self.by_port: dict[int, dict[P, None]] = {}
        """All that have a port."""
        self._bound: dict[int, list[P]] = {}
        """Those of them that are not connected."""
        self._connected: dict[tuple[bytes, int, bytes, int], list[P]] = {}

    def __iter__(self) -> Iterator[P]:
        return (pcb for pcbs in list(self.by_port.values()) for pcb in list(pcbs))

    # -- finding

    def lookup(self, laddr: bytes, lport: int, faddr: bytes, fport: int) -> P | None:
        """The one that fits best: connected to the sender, else bound to the address, else to the port alone."""
        found = self._connected.get((laddr, lport, faddr, fport))
        return found[0] if found else self.listener(laddr, lport)

    def listener(self, laddr: bytes, lport: int) -> P | None:
        """Of those that are not connected. Of several alike the first; one of the family itself before a dual one."""
        best, best_rank = None, 0
        for pcb in self._bound.get(lport, ()):
            rank = rank_of(pcb, laddr)
            if rank > best_rank:
                best, best_rank = pcb, rank
        return best

    def all_for(self, laddr: bytes, lport: int, faddr: bytes, fport: int) -> list[P]:
        """All that a broadcast or multicast is for."""
        bound = [pcb for pcb in self._bound.get(lport, ()) if rank_of(pcb, laddr)]
        connected = [
            pcb
            for (_, port, addr, other), pcbs in list(self._connected.items())
            if (port, addr, other) == (lport, faddr, fport)
            for pcb in pcbs
        ]
        return connected + bound

    def connected_to(self, laddr: bytes, lport: int, faddr: bytes, fport: int) -> list[P]:
        return list(self._connected.get((laddr, lport, faddr, fport), ()))

    # -- changing

    def bind(self, ctx: Context, pcb: P, addr: bytes, port: int, *, low: bool = False) -> None:
        """Gives it an address and a port, an ephemeral one for 0. EACCES below 1024, EADDRINUSE, EAGAIN."""
        low = low and not port
        privileged = low or 0 < port < RESERVED
        authorize(ctx, Action.NETWORK_BIND_PRIVPORT if privileged else Action.NETWORK_BIND_PORT, Errno.EACCES)
        if port:
            self.check_port(pcb, addr, port)
        self.enter(pcb, addr, port or self.free_port(addr, low=low))

    def check_port(self, pcb: P, laddr: bytes, lport: int) -> None:
        """EADDRINUSE. SO_REUSEADDR lets an address and any address share a port, SO_REUSEPORT of both all.

        For groups SO_REUSEADDR is as good as SO_REUSEPORT.
        """
        group = is_group(laddr)
        wanted = pcb.options | (const.SO_REUSEPORT if group and pcb.options & SHARED else 0)
        for other in self.rivals(pcb, lport):
            if other is pcb or not _overlap(pcb, laddr, other, wild=not wanted & SHARED):
                continue
            has = other.options | (const.SO_REUSEPORT if group and other.options & SHARED else 0)
            if not wanted & has & const.SO_REUSEPORT:
                raise KernelError(Errno.EADDRINUSE, f"port {lport} is taken")

    def rivals(self, pcb: P, lport: int) -> Iterable[P]:
        """Those that may be in the way of a new one on a port."""
        return self.by_port.get(lport, ())

    def free_port(self, laddr: bytes, faddr: bytes = b"", fport: int = 0, *, low: bool = False) -> int:
        """An ephemeral port, as the algorithm of net.inet.ip.anonportalgo finds one. EAGAIN."""
        ports = self.ports
        least, most = (ports.lowportmin, ports.lowportmax) if low else (ports.anonportmin, ports.anonportmax)
        first, count = least.value, most.value - least.value + 1
        for port in ports.portalgo.ports(Wanted(first, count, laddr, faddr, fport)):
            if port not in self.by_port:
                return port
        raise KernelError(Errno.EAGAIN, "all ephemeral ports are in use")

    def enter(self, pcb: P, laddr: bytes, lport: int) -> None:
        """Puts it in, bound and not connected."""
        pcb.laddr, pcb.lport = laddr, lport
        self.by_port.setdefault(lport, {})[pcb] = None
        self._bound.setdefault(lport, []).append(pcb)

    def connect(self, pcb: P, laddr: bytes, faddr: bytes, fport: int) -> None:
        """Connects one that has a port."""
        self._unlink(pcb)
        pcb.laddr, pcb.faddr, pcb.fport = laddr, faddr, fport
        self.by_port.setdefault(pcb.lport, {})[pcb] = None
        self._connected.setdefault((laddr, pcb.lport, faddr, fport), []).append(pcb)

    def disconnect(self, pcb: P, laddr: bytes) -> None:
        """Back to being bound to ``laddr`` alone."""
        self._unlink(pcb)
        pcb.laddr, pcb.faddr, pcb.fport = laddr, wild_of(pcb), 0
        if pcb.lport:
            self._bound.setdefault(pcb.lport, []).append(pcb)

    def remove(self, pcb: P) -> None:
        """Takes it out. It keeps its ends."""
        self._unlink(pcb)
        there = self.by_port.get(pcb.lport)
        if there is not None:
            there.pop(pcb, None)
            if not there:
                del self.by_port[pcb.lport]

    def _unlink(self, pcb: P) -> None:
        _forget(self._connected, (pcb.laddr, pcb.lport, pcb.faddr, pcb.fport), pcb)
        _forget(self._bound, pcb.lport, pcb)


def _forget(table: dict[K, list[P]], key: K, pcb: P) -> None:
    there = table.get(key)
    if there is not None and pcb in there:
        there.remove(pcb)
        if not there:
            del table[key]


def wild_of(pcb: Pcb) -> bytes:
    return ANY6 if pcb.domain == const.AF_INET6 else ANY


def is_group(addr: bytes) -> bool:
    """Whether an address is a multicast group's."""
    return 224 <= addr[0] < 240 if len(addr) == 4 else addr[0] == 0xFF


def rank_of(pcb: Pcb, laddr: bytes) -> int:
    """How well an unconnected one fits packets to an address: 0 not at all."""
    if pcb.laddr == laddr:
        return 3
    if pcb.laddr not in WILD:
        return 0
    if len(pcb.laddr) == len(laddr):
        return 2
    return 1 if len(laddr) == 4 and not pcb.v6only else 0


def _overlap(pcb: Pcb, laddr: bytes, other: Pcb, *, wild: bool) -> bool:
    """Whether both would get packets to the same address; ``wild``: as far as one takes any address, too."""
    if other.laddr == laddr:
        return True
    if not wild or not (laddr in WILD or other.laddr in WILD):
        return False
    if len(laddr) == len(other.laddr):
        return True
    dual, single = (pcb, other) if len(laddr) == 16 else (other, pcb)
    six = laddr if dual is pcb else other.laddr
    return six == ANY6 and not dual.v6only and (single.laddr in WILD or wild)


def describe(addr: bytes, port: int) -> str:
    return f"{text(addr)}.{port}"

"""What is going on, for netstat(1) and its kin: sockets, counters, routers and prefixes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rumpnet.core.inet import InetSocket
from rumpnet.core.inet6domain import Inet6Domain
from rumpnet.core.neighbour import SECOND
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpwire import const
from rumpwire.values import Inpcb, NdListResult, NdPrefix, NdRouter, NetCounter

if TYPE_CHECKING:
    from rumpnet.core.net import Net
    from rumpnet.core.slaac import Prefix


class Netstat:
    """The calls."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def net_pcblist(self, ctx: Context) -> list[Inpcb]:
        """Sockets of UDP and raw ones; TCP adds its connections (``Net.pcblists``)."""
        sockets = (so for so in self.net.sockets.values() if isinstance(so, InetSocket))
        found = [_pcb(so) for so in sockets if so.type != const.SOCK_STREAM]
        return [*found, *(pcb for rows in self.net.pcblists for pcb in rows())]

    def net_counters(self, ctx: Context) -> list[NetCounter]:
        return [
            NetCounter(protocol, name, value)
            for protocol, counter in sorted(self.net.counters.items())
            for name, value in sorted(counter.items())
        ]

    def nd_list(self, ctx: Context) -> NdListResult:
        """EAFNOSUPPORT."""
        domain = self.net.domain(const.AF_INET6)
        assert isinstance(domain, Inet6Domain)
        now = self.net.host.monotonic_ns()

        def left(until: int | None) -> int:
            return max(1, -(-(until - now) // SECOND)) if until is not None else 0

        routers = [
            NdRouter(sockaddr(r.addr), r.iface.name, left(r.expires_ns), r.flags, r.preference)
            for r in domain.slaac.routers.values()
        ]
        return NdListResult(routers, [*self._prefixes(domain.slaac.prefixes.values(), left)])

    def _prefixes(self, advertised: Iterable[Prefix], left: Callable[[int | None], int]) -> list[NdPrefix]:
        return [
            NdPrefix(
                sockaddr(p.prefix), p.prefixlen, p.iface.name, left(p.valid_ns), left(p.preferred_ns), p.onlink,
                p.autonomous,
            )
            for p in advertised
        ]  # fmt: skip


def _pcb(so: InetSocket) -> Inpcb:
    six = "6" if so.domain == const.AF_INET6 else ""
    kind = "udp" if so.type == const.SOCK_DGRAM else "raw"
    foreign = so.peername() if so.connected else sockaddr(so.any)
    return Inpcb(kind + six, so.sockname(), foreign, so.rcv.count, 0, "", so.handle)

"""What is going on, for netstat(1) and its kin: sockets, counters, routers and prefixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.inet6domain import Inet6Domain
from rumpnet.core.tables import nd_prefixes, nd_routers, pcbs_of
from rumpuser.component import Context
from rumpwire import const
from rumpwire.values import Inpcb, NdListResult, NetCounter

if TYPE_CHECKING:
    from rumpnet.core.net import Net


class Netstat:
    """The calls."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def net_pcblist(self, ctx: Context) -> list[Inpcb]:
        return pcbs_of(self.net)

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
        return NdListResult(nd_routers(domain.slaac), nd_prefixes(domain.slaac))

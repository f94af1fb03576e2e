"""What rump.ifconfig knows of single kinds of interfaces: vlan, gif, lagg and bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import rump
from rumpclients._command import UsageError
from rumpclients._net import Requests, address, lladdr

LAGG_PROTOS = {"none": rump.LAGG_PROTO_NONE, "failover": rump.LAGG_PROTO_FAILOVER,
               "loadbalance": rump.LAGG_PROTO_LOADBALANCE}  # fmt: skip


class KindWords:
    """The words of ``rump.ifconfig IF ...`` about kinds. ``take`` gives the next word, ``parse`` reads an address."""

    def __init__(self, asks: Requests, ifname: str, take: Callable[[str], str], parse: Callable[[str], Any]) -> None:
        self._asks = asks
        self._ifname = ifname
        self._take = take
        self._parse = parse
        self._tag = 0

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "vlan": self._vlan, "vlanif": self._vlanif, "-vlanif": self._no_vlanif, "tunnel": self._tunnel,
            "deletetunnel": self._no_tunnel, "laggport": lambda: self._laggport(add=True),
            "-laggport": lambda: self._laggport(add=False), "laggproto": self._laggproto,
            "addm": lambda: self._bridge(rump.BRDGADD, member=self._take("addm")),
            "deletem": lambda: self._bridge(rump.BRDGDEL, member=self._take("deletem")),
            "maxaddr": lambda: self._bridge(rump.BRDGSCACHE, value=self._number("maxaddr")),
            "timeout": lambda: self._bridge(rump.BRDGSTO, value=self._number("timeout")),
            "flush": lambda: self._bridge(rump.BRDGFLUSH),
        }  # fmt: skip

    def _number(self, what: str) -> int:
        text = self._take(what)
        if not text.isdecimal():
            raise UsageError(f"{what} {text}: not a number")
        return int(text[:10])

    def _vlan(self) -> None:
        self._tag = self._number("vlan")

    def _vlanif(self) -> None:
        parent = self._take("vlanif")
        self._asks.ask(rump.SIOCSETVLAN, rump.VlanReq(self._ifname, self._tag, parent))

    def _no_vlanif(self) -> None:
        self._asks.ask(rump.SIOCSETVLAN, rump.VlanReq(self._ifname))

    def _tunnel(self) -> None:
        ends = self._parse(self._take("tunnel")), self._parse(self._take("tunnel"))
        self._asks.ask(rump.SIOCSLIFPHYADDR, rump.IfPhyAddr(self._ifname, *ends))

    def _no_tunnel(self) -> None:
        self._asks.ask(rump.SIOCDIFPHYADDR, rump.IfPhyAddr(self._ifname))

    def _laggport(self, *, add: bool) -> None:
        port = self._take("laggport")
        now = self._asks.ask(rump.SIOCGLAGG, rump.LaggReq(self._ifname))
        ports = [p for p in now.ports if p != port] + ([port] if add else [])
        self._asks.ask(rump.SIOCSLAGG, rump.LaggReq(self._ifname, now.proto, ports))

    def _laggproto(self) -> None:
        name = self._take("laggproto")
        if name not in LAGG_PROTOS:
            raise UsageError(f"laggproto {name}: one of {', '.join(LAGG_PROTOS)}")
        now = self._asks.ask(rump.SIOCGLAGG, rump.LaggReq(self._ifname))
        self._asks.ask(rump.SIOCSLAGG, now._replace(proto=LAGG_PROTOS[name]))

    def _bridge(self, command: int, *, member: str = "", value: int = 0) -> None:
        self._asks.ask(rump.SIOCSDRVSPEC, rump.BridgeReq(self._ifname, command, member, value=value))


def lines(asks: Requests, ifname: str) -> Iterator[tuple[str, str]]:
    """What an interface of such a kind has to say, as rows."""
    kind = ifname.rstrip("0123456789")
    if kind == "vlan":
        vlan = asks.ask(rump.SIOCGETVLAN, rump.VlanReq(ifname))
        yield "vlan", f"{vlan.vlr_tag} parent: {vlan.vlr_parent or '<none>'}"
    elif kind == "gif":
        yield from _tunnel(asks, ifname)
    elif kind == "lagg":
        lagg = asks.ask(rump.SIOCGLAGG, rump.LaggReq(ifname))
        names = {number: name for name, number in LAGG_PROTOS.items()}
        yield "laggproto", names.get(lagg.proto, str(lagg.proto))
        for port in lagg.ports:
            yield "laggport", f"{port}{' active' if port in lagg.active else ''}"
    elif kind == "bridge":
        found = asks.ask(rump.SIOCGDRVSPEC, rump.BridgeReq(ifname, rump.BRDGGIFS))
        for member in found.members:
            yield "member", f"{member.ifname}{' blocked: it closed a loop' if member.blocked else ''}"
        for known in asks.ask(rump.SIOCGDRVSPEC, rump.BridgeReq(ifname, rump.BRDGRTS)).addrs:
            yield "cached", f"{lladdr(known.addr)} {known.ifname} {known.expire}"


def _tunnel(asks: Requests, ifname: str) -> Iterator[tuple[str, str]]:
    try:
        found = asks.ask(rump.SIOCGLIFPHYADDR, rump.IfPhyAddr(ifname))
    except OSError:
        return
    yield "tunnel", f"{address(found.addr)} --> {address(found.dstaddr)}"

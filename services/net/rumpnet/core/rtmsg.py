"""What a routing socket says (route(4)): routes, neighbours, interfaces and addresses as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.iface import Iface, InterfaceAddr
from rumpnet.core.ifioctl import address_row, counters, link_address, row
from rumpnet.core.neighbour import SECOND, Neighbour
from rumpnet.core.route import Route
from rumpnet.core.zone import sockaddr
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Rtmsg, SockaddrDl

if TYPE_CHECKING:
    from rumpnet.core.net import Net


class Messages:
    """Makes them."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def dump(self, family: int, op: int, arg: int) -> list[Rtmsg]:
        """EINVAL."""
        length = {0: 0, const.AF_INET: 4, const.AF_INET6: 16}.get(family, -1)
        if length < 0 or op not in (const.NET_RT_DUMP, const.NET_RT_FLAGS, const.NET_RT_IFLIST):
            raise KernelError(Errno.EINVAL, f"no table {op} of family {family}")
        if op == const.NET_RT_IFLIST:
            return self._interfaces(length, arg)
        if op == const.NET_RT_FLAGS and arg & const.RTF_LLDATA:
            return self._neighbours(length)
        wanted = arg if op == const.NET_RT_FLAGS else 0
        return [
            self.route(route)
            for route in self.net.routes
            if length in (0, len(route.dst)) and route.flags & wanted == wanted
        ]

    def _interfaces(self, length: int, index: int) -> list[Rtmsg]:
        found = []
        for iface in self.net.interfaces.by_name.values():
            if index not in (0, iface.index):
                continue
            found.append(self.interface(const.RTM_IFINFO, iface))
            found += [self.address(const.RTM_NEWADDR, iface, a) for a in iface.addresses if length in (0, len(a.addr))]
        return found

    def _neighbours(self, length: int) -> list[Rtmsg]:
        return [
            self.neighbour(const.RTM_GET, iface, entry)
            for iface in self.net.interfaces.by_name.values()
            for entry in getattr(iface, "neighbours", ())
            if length in (0, len(entry.addr))
        ]

    def route(self, route: Route, kind: int = const.RTM_GET) -> Rtmsg:
        """A route as it is shown."""
        left = 0
        if route.expires_ns is not None:
            left = max(1, -(-(route.expires_ns - self.net.host.monotonic_ns()) // SECOND))
        gateway = sockaddr(route.gateway) if route.gateway else link_address(route.iface)
        return Rtmsg(
            kind, route.flags, route.iface.index, 0, 0, 0, route.use, sockaddr(route.dst), route.prefixlen, gateway,
            route.iface.name, sockaddr(route.src) if route.src else None, None, route.mtu, left,
        )  # fmt: skip

    def interface(self, kind: int, iface: Iface, what: int = 0) -> Rtmsg:
        return Rtmsg(
            rtm_type=kind, rtm_flags=iface.flags, rtm_index=iface.index, ifname=iface.name,
            interface=row(self.net, iface), data=counters(iface), what=what,
        )  # fmt: skip

    def address(self, kind: int, iface: Iface, address: InterfaceAddr) -> Rtmsg:
        shown = address_row(self.net, address)
        return Rtmsg(
            rtm_type=kind, rtm_index=iface.index, ifname=iface.name, dst=sockaddr(address.addr),
            prefixlen=address.prefixlen, ifa=sockaddr(address.addr), address=shown,
        )  # fmt: skip

    def neighbour(self, kind: int, iface: Iface, entry: Neighbour) -> Rtmsg:
        flags = const.RTF_UP | const.RTF_HOST | const.RTF_LLDATA
        flags |= const.RTF_STATIC if entry.permanent else 0
        flags |= const.RTF_ANNOUNCE if entry.published else 0
        left = 0
        if entry.expires_ns is not None:
            left = max(1, -(-(entry.expires_ns - self.net.host.monotonic_ns()) // SECOND))
        return Rtmsg(
            rtm_type=kind, rtm_flags=flags, rtm_index=iface.index, dst=sockaddr(entry.addr),
            prefixlen=len(entry.addr) * 8, gateway=SockaddrDl(iface.index, iface.if_type, iface.name, entry.lladdr),
            ifname=iface.name, rmx_expire=left,
        )  # fmt: skip

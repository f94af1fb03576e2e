"""Groups that sockets are in (ip(4), ip6(4): Multicast Options)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.iface import Iface
from rumpnet.core.pcb import is_group
from rumpnet.core.zone import scoped, with_zone
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Mreq, Sockopt, SockoptRaw

if TYPE_CHECKING:
    from rumpnet.core.net import Net

MEMBERSHIPS_MAX = 256
"""Of one socket (IP_MAX_MEMBERSHIPS is 20 in the original)."""


class Memberships:
    """Of one socket. ``interface`` is the one that groups are sent to, when it is set."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.interface: Iface | None = None
        self.hops = 1
        self.loop = True
        self.joined: list[tuple[Iface, bytes]] = []

    def join(self, value: Sockopt | None, length: int) -> None:
        """EINVAL, EADDRNOTAVAIL, ENXIO, EADDRINUSE when it is in already, ETOOMANYREFS."""
        iface, group = self._find(value, length)
        if (iface, group) in self.joined:
            raise KernelError(Errno.EADDRINUSE, "the socket is in that group already")
        if len(self.joined) >= MEMBERSHIPS_MAX:
            raise KernelError(Errno.ETOOMANYREFS, f"{MEMBERSHIPS_MAX} groups are the most")
        self.net.layers[length].join(iface, group)
        self.joined.append((iface, group))

    def leave(self, value: Sockopt | None, length: int) -> None:
        """EINVAL, EADDRNOTAVAIL when it is not in."""
        iface, group = self._find(value, length, leaving=True)
        if (iface, group) not in self.joined:
            raise KernelError(Errno.EADDRNOTAVAIL, "the socket is not in that group")
        self.joined.remove((iface, group))
        self.net.layers[length].leave(iface, group)

    def close(self) -> None:
        for iface, group in self.joined:
            if len(group) in self.net.layers:
                self.net.layers[len(group)].leave(iface, group)
        self.joined.clear()

    def _find(self, value: Sockopt | None, length: int, *, leaving: bool = False) -> tuple[Iface, bytes]:
        request = _request(value, length)
        group = request.multiaddr
        if len(group) != length or not is_group(group):
            raise KernelError(Errno.EINVAL, "not a multicast group")
        iface = self._iface(request, group)
        if iface is None:
            joined = (i for i, g in self.joined if leaving and g[:2] + g[4:] == group[:2] + group[4:])
            iface = next(joined, None) or self._default(group)
        if not iface.flags & const.IFF_MULTICAST:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{iface.name} has no multicast")
        return iface, with_zone(group, iface.index) if length == 16 else group

    def _iface(self, request: Mreq, group: bytes) -> Iface | None:
        interfaces = self.net.interfaces
        if request.ifindex:
            found = interfaces.by_index.get(request.ifindex)
            if found is None:
                raise KernelError(Errno.ENXIO, f"there is no interface {request.ifindex}")
            return found
        if any(request.interface):
            found = interfaces.owner(request.interface)
            if found is None:
                raise KernelError(Errno.EADDRNOTAVAIL, "no interface has that address")
            return found
        return None

    def _default(self, group: bytes) -> Iface:
        """By the route, else the first that can."""
        if len(group) == 4 or not scoped(group):
            for route in self.net.routes.matches(group):
                if route.owner.up and route.iface.flags & const.IFF_MULTICAST:
                    return route.iface
        candidates = [i for i in self.net.interfaces.by_name.values() if i.up and i.flags & const.IFF_MULTICAST]
        for iface in sorted(candidates, key=lambda i: i.loopback):
            return iface
        raise KernelError(Errno.EADDRNOTAVAIL, "no interface has multicast")


def _request(value: Sockopt | None, length: int) -> Mreq:
    if isinstance(value, Mreq):
        return Mreq(bytes(value.multiaddr), bytes(value.interface), value.ifindex)
    if isinstance(value, SockoptRaw):
        raw = bytes(value.raw)
        if length == 4 and len(raw) == 8:
            return Mreq(raw[:4], raw[4:], 0)
        if length == 4 and len(raw) == 12:
            return Mreq(raw[:4], raw[4:8], int.from_bytes(raw[8:], "little"))
        if length == 16 and len(raw) == 20:
            return Mreq(raw[:16], b"", int.from_bytes(raw[16:], "little"))
    raise KernelError(Errno.EINVAL, "the option takes a group and an interface (mreq)")

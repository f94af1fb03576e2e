"""The routes that were made by hand: what is written down of them is what there is, not what was done.

So a route that was changed comes back as it was last, by whichever call, and one that was deleted, has expired, or went
with its interface does not. The next hop is written down as it was found; interfaces by their names, since the numbers
that stand in link-local addresses may be others afterwards.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rumpnet.core.journal import connected
from rumpnet.core.route import Route
from rumpnet.core.zone import with_zone, without_zone, zone_of
from rumpuser.records import Records
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.net import Net

log = logging.getLogger(__name__)

KEPT = const.RTF_STATIC | const.RTF_REJECT | const.RTF_BLACKHOLE | const.RTF_PROTO1 | const.RTF_PROTO2
"""Flags that a route is made with; the others say what it is."""


class RouteRecords:
    """A listener of the table (`rumpnet.core.route.Listener`)."""

    def __init__(self, net: Net, records: Records) -> None:
        self._net = net
        self._records = records

    def watch(self) -> None:
        self._net.routes.listeners.append(self)

    def route_new(self, route: Route) -> None:
        if route.flags & const.RTF_STATIC:
            self._records.put("routes", _key(route), self._plain(route))
        else:
            self._forget(route)

    def route_changed(self, route: Route) -> None:
        if route.flags & const.RTF_STATIC:
            self._records.put("routes", _key(route), self._plain(route))

    def route_gone(self, route: Route) -> None:
        if route.flags & const.RTF_STATIC:
            self._records.delete("routes", _key(route))
        else:
            self._forget(route)

    def route_missed(self, dst: bytes) -> None:
        """Nothing changes."""

    def route_redirected(self, route: Route, author: bytes) -> None:
        """Told before, as a change."""

    def _forget(self, route: Route) -> None:
        """What was done to a route that is there by itself ends with it."""
        self._records.delete("configuration", connected(_bare(route.dst), route.prefixlen, route.iface.name))

    def _plain(self, route: Route) -> tuple[Any, ...]:
        zone = self._name(zone_of(route.dst)), self._name(zone_of(route.gateway))
        what = _bare(route.gateway), route.flags & KEPT, route.src, route.mtu, route.expires_ns
        return route.iface.name, zone, *what

    def _name(self, index: int) -> str:
        return next((iface.name for iface in self._net.interfaces.by_name.values() if iface.index == index), "")

    # -- the successor

    def restore(self) -> None:
        """Routes whose interfaces are not there any more are forgotten."""
        now = self._net.host.monotonic_ns()
        kept = self._records.items("routes")
        for key, _, _ in kept:
            self._records.delete("routes", key)
        for (dst, prefixlen, _), value, _ in kept:
            try:
                route = self._add(dst, prefixlen, now, *value)
            except KernelError as error:
                log.warning("a route does not come back: %s", error)
            else:
                if route is not None:
                    self.route_new(route)

    def _add(
        self, dst: bytes, prefixlen: int, now: int, ifname: str, zones: tuple[str, str], gateway: bytes, flags: int,
        src: bytes, mtu: int, expires_ns: int | None,
    ) -> Route | None:  # fmt: skip
        if expires_ns is not None and expires_ns <= now:
            return None
        return self._net.routes.add(
            self._zoned(dst, zones[0]), prefixlen, self._net.interfaces.get(ifname),
            gateway=self._zoned(gateway, zones[1]), flags=flags, src=src if src in self._net.interfaces.owners else b"",
            mtu=mtu, expires_ns=expires_ns,
        )  # fmt: skip

    def _zoned(self, addr: bytes, ifname: str) -> bytes:
        return with_zone(addr, self._net.interfaces.get(ifname).index) if ifname else addr


def _key(route: Route) -> tuple[bytes, int, int]:
    return _bare(route.dst), route.prefixlen, zone_of(route.dst)


def _bare(addr: bytes) -> bytes:
    return without_zone(addr) if len(addr) == 16 else addr

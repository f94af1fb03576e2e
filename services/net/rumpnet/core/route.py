"""Where packets go (route(4)): the routing table of both families, longest prefix first.

Own addresses are host routes to the loopback interface, networks of interfaces are connected routes, everything else
was added by somebody: by hand, by a router that advertised itself, by a redirect, or as the memory of a path's MTU.
Routes out of interfaces that are down are not seen. What lookups found is cached until something changes;
``generation`` counts the changes, so that sockets can keep a route as long as it stands still.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.iface import Iface
    from rumpnet.core.net import Net

ANY = b"\0\0\0\0"
ANY6 = bytes(16)
CACHE_MAX = 1024
"""Destinations whose route is remembered."""
ROUTES_MAX = 16384
DYNAMIC_MAX = 4096
"""Routes that others make us keep: redirects, path MTUs (net.inet6.ip6.maxdynroutes)."""
REFUSED = const.RTF_REJECT | const.RTF_BLACKHOLE


class Route:
    """An entry. Who is handed one must not change it; `Routes.change` does."""

    __slots__ = ("disarm", "dst", "expires_ns", "flags", "gateway", "iface", "mtu", "owner", "prefixlen", "src", "use")

    def __init__(self, dst: bytes, prefixlen: int, iface: Iface, gateway: bytes, flags: int, src: bytes) -> None:
        self.dst = dst
        self.prefixlen = prefixlen
        self.iface = iface
        self.gateway = gateway
        """The next hop, or empty when the destination itself is."""
        self.flags = flags
        self.src = src
        """The address to send from, as far as the sender has not said."""
        self.mtu = 0
        """Of the path, or 0 for the interface's."""
        self.owner = iface
        """Whose address or network this is: the interface that must be up."""
        self.use = 0
        self.expires_ns: int | None = None
        self.disarm: Callable[[], None] | None = None

    def __repr__(self) -> str:
        via = text(self.gateway) if self.gateway else self.iface.name
        return f"<Route {text(self.dst)}/{self.prefixlen} via {via}>"


class Listener(Protocol):
    """Who is told of changes: the routing socket, caches of neighbours."""

    def route_new(self, route: Route) -> None: ...

    def route_gone(self, route: Route) -> None: ...

    def route_changed(self, route: Route) -> None: ...

    def route_missed(self, dst: bytes) -> None: ...

    def route_redirected(self, route: Route, author: bytes) -> None: ...


class Routes:
    """The table."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.generation = 0
        self.listeners: list[Listener] = []
        self.dynamic = 0
        self.most_dynamic = DYNAMIC_MAX
        self._count = 0
        self._tables: dict[int, dict[int, dict[int, Route]]] = {4: {}, 16: {}}
        self._cache: dict[bytes, Route] = {}

    def __iter__(self) -> Iterator[Route]:
        for tables in self._tables.values():
            for prefixlen in sorted(tables):
                for number in sorted(tables[prefixlen]):
                    yield tables[prefixlen][number]

    def touch(self) -> None:
        """Something changed that lookups depend on."""
        self.generation += 1
        self._cache.clear()

    # -- finding

    def lookup(self, dst: bytes) -> Route:
        """The route to an address. ENETDOWN, ENETUNREACH, EHOSTUNREACH. One with RTF_BLACKHOLE swallows."""
        route = self._cache.get(dst)
        if route is None:
            route = self._search(dst)
            if len(self._cache) >= CACHE_MAX:
                self._cache.clear()
            self._cache[dst] = route
        return route

    def _search(self, dst: bytes) -> Route:
        for route in self.matches(dst):
            if route.flags & const.RTF_LOCAL and not route.owner.up:
                raise KernelError(Errno.ENETDOWN, f"interface {route.owner.name} is down")
            if route.flags & const.RTF_REJECT:
                host = route.flags & const.RTF_HOST
                raise KernelError(Errno.EHOSTUNREACH if host else Errno.ENETUNREACH, f"{text(dst)} is rejected")
            if route.owner.up or route.flags & const.RTF_BLACKHOLE:
                return route
        for listener in self.listeners:
            listener.route_missed(dst)
        raise KernelError(Errno.ENETUNREACH, f"no route to {text(dst)}")

    def matches(self, dst: bytes) -> Iterator[Route]:
        """All entries that fit, the longest prefix first."""
        number, bits = int.from_bytes(dst, "big"), len(dst) * 8
        for prefixlen, routes in self._tables[len(dst)].items():
            route = routes.get(number >> bits - prefixlen)
            if route is not None:
                yield route

    def find(self, dst: bytes, prefixlen: int) -> Route | None:
        """The entry of just this network."""
        routes = self._tables[len(dst)].get(prefixlen, {})
        return routes.get(int.from_bytes(dst, "big") >> len(dst) * 8 - prefixlen)

    # -- changing

    def add(
        self, dst: bytes, prefixlen: int, iface: Iface, *, gateway: bytes = b"", flags: int = 0, src: bytes = b"",
        mtu: int = 0, owner: Iface | None = None, expires_ns: int | None = None,
    ) -> Route:  # fmt: skip
        """EEXIST, ENOBUFS. Bits of ``dst`` behind the prefix do not count."""
        bits = len(dst) * 8
        number = int.from_bytes(dst, "big") >> bits - prefixlen
        if self.find(dst, prefixlen) is not None:
            raise KernelError(Errno.EEXIST, f"there is a route to {text(dst)}/{prefixlen}")
        if self._count >= ROUTES_MAX:
            raise KernelError(Errno.ENOBUFS, f"there are {ROUTES_MAX} routes")
        network = (number << bits - prefixlen).to_bytes(len(dst), "big")
        flags |= const.RTF_UP | (const.RTF_HOST if prefixlen == bits else 0) | (const.RTF_GATEWAY if gateway else 0)
        route = Route(network, prefixlen, iface, gateway, flags, src)
        route.mtu, route.owner = mtu, owner or iface
        self._enter(route, number)
        self._expire(route, expires_ns)
        for listener in self.listeners:
            listener.route_new(route)
        return route

    def _enter(self, route: Route, number: int) -> None:
        tables = self._tables[len(route.dst)]
        if route.prefixlen not in tables:
            tables[route.prefixlen] = {}
            self._tables[len(route.dst)] = tables = dict(sorted(tables.items(), reverse=True))
        tables[route.prefixlen][number] = route
        self._count += 1
        self.dynamic += bool(route.flags & const.RTF_DYNAMIC)
        self.touch()

    def remove(self, route: Route) -> None:
        """ESRCH."""
        number = int.from_bytes(route.dst, "big") >> len(route.dst) * 8 - route.prefixlen
        tables = self._tables[len(route.dst)]
        routes = tables.get(route.prefixlen, {})
        if routes.get(number) is not route:
            raise KernelError(Errno.ESRCH, f"no such route: {route!r}")
        del routes[number]
        if not routes:
            del tables[route.prefixlen]
        self._count -= 1
        self.dynamic -= bool(route.flags & const.RTF_DYNAMIC)
        route.flags &= ~const.RTF_UP
        self._expire(route, None)
        self.touch()
        for listener in self.listeners:
            listener.route_gone(route)

    def change(
        self, route: Route, *, iface: Iface | None = None, gateway: bytes | None = None, flags: int | None = None,
        src: bytes | None = None, mtu: int | None = None, expires_ns: int | None = None,
    ) -> None:  # fmt: skip
        """Changes what is given."""
        route.iface = iface or route.iface
        route.owner = iface or route.owner
        route.src = route.src if src is None else src
        route.mtu = route.mtu if mtu is None else mtu
        route.flags = route.flags if flags is None else flags
        if gateway is not None:
            route.gateway = gateway
            route.flags = route.flags | const.RTF_GATEWAY if gateway else route.flags & ~const.RTF_GATEWAY
        if expires_ns is not None:
            self._expire(route, expires_ns)
        self.touch()
        for listener in self.listeners:
            listener.route_changed(route)

    def _expire(self, route: Route, expires_ns: int | None) -> None:
        if route.disarm is not None:
            route.disarm()
            route.disarm = None
        route.expires_ns = expires_ns
        if expires_ns is not None:
            route.disarm = self.net.host.call_at(expires_ns, lambda: self._expired(route))

    def _expired(self, route: Route) -> None:
        route.disarm = None
        self.remove(route)

    def remove_where(self, condition: Callable[[Route], bool]) -> None:
        for route in [r for r in self if condition(r)]:
            if route.flags & const.RTF_UP:
                self.remove(route)

    def remove_iface(self, iface: Iface) -> None:
        """All that goes out of an interface, or belongs to it."""
        self.remove_where(lambda route: iface in (route.iface, route.owner))

    # -- what others make us remember

    def host(self, dst: bytes) -> Route | None:
        """A host route of our own for an address, as a copy of the one it takes now; None where none is right."""
        route = self.lookup(dst)
        bits = len(dst) * 8
        if route.prefixlen == bits:
            return None if route.flags & (const.RTF_LOCAL | REFUSED) else route
        if route.flags & REFUSED or self.dynamic >= self.most_dynamic:
            return None
        return self.add(
            dst, bits, route.iface, gateway=route.gateway, flags=const.RTF_DYNAMIC, src=route.src, mtu=route.mtu
        )

    def redirect(self, dst: bytes, gateway: bytes, author: bytes, expires_ns: int) -> None:
        """A router has told of a better one: a host route of its own, or the one there is changed."""
        found, bits = self.find(dst, len(dst) * 8), len(dst) * 8
        if found is not None and found.flags & const.RTF_GATEWAY:
            flags = found.flags | (0 if found.flags & const.RTF_DYNAMIC else const.RTF_MODIFIED)
            self.change(found, gateway=gateway, flags=flags)
        elif found is None and self.dynamic < self.most_dynamic:
            now = self.lookup(dst)
            found = self.add(
                dst, bits, now.iface, gateway=gateway, flags=const.RTF_DYNAMIC, src=now.src, expires_ns=expires_ns
            )
        for listener in self.listeners:
            if found is not None:
                listener.route_redirected(found, author)


def text(addr: bytes) -> str:
    """An address as people write it. The zone of a link-local one stands within it here, and behind it in the text."""
    if len(addr) != 16:
        return ".".join(map(str, addr))
    zone = int.from_bytes(addr[2:4], "big") if (addr[0] == 0xFE and addr[1] & 0xC0 == 0x80) or addr[0] == 0xFF else 0
    bare = addr[:2] + b"\0\0" + addr[4:] if zone and (addr[0] != 0xFF or addr[1] & 0xF in (1, 2)) else addr
    return f"{ipaddress.IPv6Address(bare)}%{zone}" if bare is not addr else str(ipaddress.IPv6Address(addr))

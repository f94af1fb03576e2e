"""Routers and the addresses that they let us make (RFC 4861, 6.3; RFC 4862; RFC 4191).

Routers are believed on links where that is wanted (netconfig_auto_ipv6, net.inet6.ip6.accept_rtadv) and when we are no
router ourselves. The best of them is the default route, prefixes become connected routes and addresses, each for as
long as it was advertised. Interface identifiers come from the link-level address or, with net.inet6.ip6.stable_iid,
from a secret (RFC 7217); use_tempaddr makes a second, random address of each prefix (RFC 8981).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core.iface import (
    AUTOCONF,
    DEPRECATED,
    DUPLICATED,
    TEMPORARY,
    TENTATIVE,
    Iface,
    InterfaceAddr,
)  # fmt: skip
from rumpnet.core.neighbour import SECOND, State
from rumpnet.core.net import Knob, Node
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.zone import link_local
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.nd import Nd

ROUTERS_MAX = 16
"""Of one interface (maxifdefrouters)."""
PREFIXES_MAX = 16
"""Of one interface (maxifprefixes)."""
SERVERS_MAX = 8
SOLICITATIONS = 3
SOLICIT_NS = 4 * SECOND
TWO_HOURS_NS = 7200 * SECOND
PREFERENCES = {0: 0, 1: 1, 3: -1, 2: 0}


class Router:
    """One that has advertised itself."""

    __slots__ = ("addr", "expires_ns", "flags", "iface", "preference")

    def __init__(self, iface: Iface, addr: bytes) -> None:
        self.iface = iface
        self.addr = addr
        self.flags = 0
        self.preference = 0
        self.expires_ns = 0


class Prefix:
    """One that was advertised."""

    __slots__ = ("autonomous", "iface", "onlink", "preferred_ns", "prefix", "prefixlen", "valid_ns")

    def __init__(self, iface: Iface, prefix: bytes, prefixlen: int) -> None:
        self.iface = iface
        self.prefix = prefix
        self.prefixlen = prefixlen
        self.onlink = self.autonomous = False
        self.valid_ns: int | None = None
        self.preferred_ns: int | None = None


class Slaac:
    """The lists."""

    def __init__(self, nd: Nd) -> None:
        self.nd = nd
        self.ip6 = nd.ip6
        self.host = nd.host
        self.routers: dict[tuple[Iface, bytes], Router] = {}
        self.prefixes: dict[tuple[Iface, bytes, int], Prefix] = {}
        self.servers: dict[tuple[Iface, bytes], int] = {}
        """Name servers (RFC 8106), and until when they are good."""
        self.accept_rtadv = Knob(0, 0, 1)
        self.stable_iid = Knob(0, 0, 1)
        self.use_tempaddr = Knob(0, 0, 1)
        self.temppltime = Knob(86400, 1, 1 << 30)
        self.tempvltime = Knob(604800, 1, 1 << 30)
        self.maxifprefixes = Knob(PREFIXES_MAX, 0, 1024)
        self.maxifdefrouters = Knob(ROUTERS_MAX, 0, 1024)
        self._secret = nd.host.entropy(16)
        self._timers: dict[object, Callable[[], None]] = {}
        self._default: Router | None = None
        nd.slaac = self
        nd.icmp.handlers[icmp6.ROUTER_ADVERT] = self.advertised

    def nodes(self) -> list[Node]:
        ip6 = [4, 24, 41]
        return [
            self.accept_rtadv.node("net.inet6.ip6.accept_rtadv", [*ip6, 12], "Accept router advertisements"),
            self.use_tempaddr.node("net.inet6.ip6.use_tempaddr", [*ip6, 33], "Use temporary addresses"),
            self.temppltime.node("net.inet6.ip6.temppltime", [*ip6, 34], "Preferred lifetime of a temporary address"),
            self.tempvltime.node("net.inet6.ip6.tempvltime", [*ip6, 38], "Valid lifetime of a temporary address"),
            self.maxifprefixes.node("net.inet6.ip6.maxifprefixes", [*ip6, 43], "Prefixes of an interface"),
            self.maxifdefrouters.node("net.inet6.ip6.maxifdefrouters", [*ip6, 44], "Default routers of an interface"),
            self.stable_iid.node("net.inet6.ip6.stable_iid", [*ip6, 1200], "Identifiers as of RFC 7217, not EUI-64"),
        ]

    def accepts(self, iface: Iface) -> bool:
        told = self.nd.link(iface).accept
        wanted = bool(self.accept_rtadv.value) if told is None else told
        return wanted and not self.ip6.forwarding.value and not iface.loopback

    # -- advertisements

    def advertised(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """A router is there (RFC 4861, 6.1.2, 6.3.4). Malformed."""
        short = len(message.payload) < 8
        if header.hop_limit != 255 or message.code or short or not link_local(header.src):
            raise Malformed("a router advertisement from elsewhere, or cut off")
        options = [(kind, bytes(body)) for kind, body in icmp6.options(message.payload[8:])]
        if not self.accepts(iface) or not isinstance(iface, Ethernet):
            return
        self._stop(("solicit", iface))
        hops, flags, lifetime = message.rest >> 24, message.rest >> 16 & 0xFF, message.rest & 0xFFFF
        self._parameters(iface, hops, message)
        self._router(iface, header.src, flags, lifetime)
        for kind, body in options:
            self._option(iface, header.src, kind, body)
        entry = iface.neighbours.entries.get(header.src)
        if entry is not None:
            entry.is_router = True

    def _parameters(self, iface: Iface, hops: int, message: icmp6.Packet) -> None:
        info = self.nd.link(iface)
        reachable, retransmit = int.from_bytes(message.payload[:4], "big"), int.from_bytes(message.payload[4:8], "big")
        if hops:
            info.hop_limit = hops
        if 0 < reachable <= 3_600_000:
            info.reachable_ns = reachable * 10**6
        if 0 < retransmit <= 60_000:
            info.retransmit_ns = max(retransmit, 100) * 10**6

    def _option(self, iface: Ethernet, router: bytes, kind: int, body: bytes) -> None:
        if kind == icmp6.SOURCE_LINK and not body[0] & 1:
            entry = iface.neighbours.learn(router, body[:6], confirmed=False)
            if entry is not None:
                entry.is_router = True
        elif kind == icmp6.MTU and len(body) >= 6:
            mtu = int.from_bytes(body[2:6], "big")
            if ipv6.MIN_MTU <= mtu <= iface.mtu:
                self.nd.link(iface).mtu = mtu
        elif kind == icmp6.PREFIX and len(body) >= icmp6.PREFIX_INFORMATION.size:
            self._prefix(iface, body)
        elif kind == icmp6.ROUTE_INFORMATION and len(body) >= 6:
            self._route(iface, router, body)
        elif kind == icmp6.RDNSS and len(body) >= 22:
            self._servers(iface, body)

    # -- routers

    def _router(self, iface: Iface, addr: bytes, flags: int, lifetime: int) -> None:
        key = iface, addr
        if not lifetime:
            self.router_gone(iface, addr)
            return
        if (
            key not in self.routers
            and sum(r.iface is iface for r in self.routers.values()) >= self.maxifdefrouters.value
        ):
            return
        router = self.routers.setdefault(key, Router(iface, addr))
        router.flags, router.preference = flags, PREFERENCES[flags >> 3 & 3]
        router.expires_ns = self.host.monotonic_ns() + lifetime * SECOND
        self._at(("router", key), router.expires_ns, lambda: self.router_gone(iface, addr))
        self._choose()

    def router_gone(self, iface: Iface, addr: bytes) -> None:
        """It said so, was not heard of for too long, or is no router any more."""
        self._stop(("router", (iface, addr)))
        if self.routers.pop((iface, addr), None) is not None:
            self.ip6.routes.remove_where(
                lambda r: r.gateway == addr and r.iface is iface and bool(r.flags & const.RTF_DYNAMIC)
            )
            self._choose()

    def reconsider(self, iface: Iface) -> None:
        """A router may have become unreachable."""
        self._choose()

    def _choose(self) -> None:
        """The default route goes to the best router: reachable before unknown, then as they are preferred."""
        best = max(self.routers.values(), key=self._rank, default=None)
        table = self.ip6.routes
        there = table.find(bytes(16), 0)
        if there is not None and there.flags & const.RTF_STATIC:
            self._default = None
            return
        if best is None:
            if there is not None and self._default is not None:
                table.remove(there)
        elif there is None:
            table.add(bytes(16), 0, best.iface, gateway=best.addr)
        elif (there.gateway, there.iface) != (best.addr, best.iface):
            table.change(there, iface=best.iface, gateway=best.addr)
        self._default = best

    def _rank(self, router: Router) -> tuple[int, int, int]:
        neighbours = router.iface.neighbours if isinstance(router.iface, Ethernet) else None
        entry = neighbours.entries.get(router.addr) if neighbours is not None else None
        known = entry is not None and entry.state is not State.INCOMPLETE
        return int(known), router.preference, int(router is self._default)

    def _route(self, iface: Iface, router: bytes, body: bytes) -> None:
        """RFC 4191, 2.3."""
        prefixlen, lifetime = body[0], int.from_bytes(body[2:6], "big")
        if prefixlen > 128 or len(body) < 6 + -(-prefixlen // 64) * 8:
            return
        prefix = body[6:22] + bytes(22 - len(body[:22]))
        table = self.ip6.routes
        there = table.find(prefix, prefixlen) if prefixlen else None
        until = None if lifetime == icmp6.FOREVER else self.host.monotonic_ns() + lifetime * SECOND
        if there is not None and there.flags & const.RTF_DYNAMIC and there.gateway == router:
            table.remove(there)
            there = None
        if there is None and lifetime and prefixlen and table.dynamic < 256:
            table.add(prefix, prefixlen, iface, gateway=router, flags=const.RTF_DYNAMIC, expires_ns=until)

    def _servers(self, iface: Iface, body: bytes) -> None:
        lifetime = int.from_bytes(body[2:6], "big")
        until = self.host.monotonic_ns() + lifetime * SECOND
        for at in range(6, len(body) - 15, 16):
            key = iface, body[at : at + 16]
            if not lifetime:
                self.servers.pop(key, None)
            elif key in self.servers or len(self.servers) < SERVERS_MAX:
                self.servers[key] = until

    # -- prefixes

    def _prefix(self, iface: Ethernet, body: bytes) -> None:
        """RFC 4861, 6.3.4; RFC 4862, 5.5.3."""
        prefixlen, flags, valid, preferred, _, prefix = icmp6.PREFIX_INFORMATION.unpack_from(body)
        if prefixlen > 128 or prefix[0] == 0xFF or link_local(prefix) or preferred > valid:
            return
        network = (int.from_bytes(prefix, "big") >> 128 - prefixlen << 128 - prefixlen).to_bytes(16, "big")
        if flags & icmp6.ON_LINK:
            self._on_link(iface, network, prefixlen, valid, preferred, flags)
        if flags & icmp6.AUTONOMOUS and prefixlen == 64:
            self._autonomous(iface, network, valid, preferred)

    def _on_link(self, iface: Iface, prefix: bytes, prefixlen: int, valid: int, preferred: int, flags: int) -> None:
        key = iface, prefix, prefixlen
        if not valid:
            self._prefix_gone(key)
            return
        if (
            key not in self.prefixes
            and sum(p.iface is iface for p in self.prefixes.values()) >= self.maxifprefixes.value
        ):
            return
        entry = self.prefixes.setdefault(key, Prefix(iface, prefix, prefixlen))
        entry.onlink, entry.autonomous = True, bool(flags & icmp6.AUTONOMOUS)
        entry.valid_ns, entry.preferred_ns = self._until(valid), self._until(preferred)
        if self.ip6.routes.find(prefix, prefixlen) is None:
            self.ip6.routes.add(prefix, prefixlen, iface, flags=const.RTF_CONNECTED)
        self._stop(("prefix", key))
        if entry.valid_ns is not None:
            self._at(("prefix", key), entry.valid_ns, lambda: self._prefix_gone(key))

    def _prefix_gone(self, key: tuple[Iface, bytes, int]) -> None:
        self._stop(("prefix", key))
        iface, prefix, prefixlen = key
        route = self.ip6.routes.find(prefix, prefixlen)
        known = self.prefixes.pop(key, None) is not None
        used = any(a.holds(prefix) and a.prefixlen == prefixlen for a in iface.ipv6())
        if known and not used and route is not None and not route.gateway and route.iface is iface:
            self.ip6.routes.remove(route)

    def _autonomous(self, iface: Ethernet, prefix: bytes, valid: int, preferred: int) -> None:
        own = [a for a in iface.ipv6() if a.flags & AUTOCONF and a.addr[:8] == prefix[:8]]
        for address in own:
            self._prolong(iface, address, valid, preferred)
        if not any(not a.flags & TEMPORARY for a in own) and valid:
            self._make(iface, prefix[:8] + self.interface_id(iface, prefix[:8]), valid, preferred)
        if self.use_tempaddr.value and valid and not any(a.flags & TEMPORARY and not a.flags & DEPRECATED for a in own):
            temporary = prefix[:8] + self.host.entropy(8)
            valid, preferred = min(valid, self.tempvltime.value), min(preferred, self.temppltime.value)
            self._make(iface, temporary, valid, preferred, TEMPORARY)

    def _make(self, iface: Iface, addr: bytes, valid: int, preferred: int, flags: int = 0) -> None:
        address = InterfaceAddr(addr, 64, flags=AUTOCONF | flags)
        if addr in self.ip6.interfaces.owners:
            return
        try:
            self._lifetimes(iface, address, self._until(valid), self._until(preferred))
            self.ip6.enter_address(iface, address)
        except KernelError:
            self.nd.stats["addresses that could not be made"] += 1

    def _prolong(self, iface: Iface, address: InterfaceAddr, valid: int, preferred: int) -> None:
        """One advertisement cannot cut the time short to less than two hours (RFC 4862, 5.5.3 e)."""
        if address.flags & TEMPORARY:
            return
        now = self.host.monotonic_ns()
        left = address.valid_ns - now if address.valid_ns is not None else None
        until = self._until(valid)
        if until is not None and until - now <= TWO_HOURS_NS and (left is None or until - now < left):
            until = now + TWO_HOURS_NS if left is None or left > TWO_HOURS_NS else address.valid_ns
        self._lifetimes(iface, address, until, self._until(preferred))

    def _lifetimes(self, iface: Iface, address: InterfaceAddr, valid: int | None, preferred: int | None) -> None:
        now = self.host.monotonic_ns()
        address.valid_ns, address.preferred_ns = valid, preferred
        expired = preferred is not None and preferred <= now
        address.flags = address.flags | DEPRECATED if expired else address.flags & ~DEPRECATED
        self.watch(iface, address)

    def watch(self, iface: Iface, address: InterfaceAddr) -> None:
        """Has an address grow old when its time comes."""
        self._stop(("valid", address))
        self._stop(("preferred", address))
        if address.preferred_ns is not None and not address.flags & DEPRECATED:
            self._at(("preferred", address), address.preferred_ns, lambda: self._deprecate(iface, address))
        if address.valid_ns is not None:
            self._at(("valid", address), address.valid_ns, lambda: self._invalidate(iface, address))

    def _deprecate(self, iface: Iface, address: InterfaceAddr) -> None:
        address.flags |= DEPRECATED
        if address in iface.addresses:
            self.ip6.interfaces.changed_address(iface, address)

    def _invalidate(self, iface: Iface, address: InterfaceAddr) -> None:
        if address in iface.addresses:
            self.ip6.remove_address(iface, address)

    def forget(self, address: InterfaceAddr) -> None:
        self._stop(("valid", address))
        self._stop(("preferred", address))

    def interface_id(self, iface: Iface, prefix: bytes) -> bytes:
        """The lower half of addresses: EUI-64 (RFC 4291, appendix A) or as of RFC 7217."""
        mac = iface.lladdr or hashlib.sha256(self._secret + iface.name.encode()).digest()[:6]
        if not self.stable_iid.value:
            return bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:6]
        return hashlib.sha256(prefix + iface.name.encode() + mac + self._secret).digest()[:8]

    # -- asking for routers

    def look_for_routers(self, iface: Iface, left: int = SOLICITATIONS) -> None:
        """Asks at most three times, until one answers (RFC 4861, 6.3.7)."""
        own = [a for a in iface.ipv6() if link_local(a.addr)]
        if not left or not self.accepts(iface) or not iface.up:
            return
        if any(a.flags & TENTATIVE for a in own):
            return
        if own and not own[0].flags & DUPLICATED:
            payload = icmp6.link_option(icmp6.SOURCE_LINK, iface.lladdr)
            group = b"\xff\x02" + iface.index.to_bytes(2, "big") + bytes(11) + b"\2"
            self.nd.send(iface, own[0].addr, group, icmp6.ROUTER_SOLICIT, 0, payload)
        after = self.host.monotonic_ns() + SOLICIT_NS
        self._at(("solicit", iface), after, lambda: self.look_for_routers(iface, left - 1))

    def address_ready(self, iface: Iface, address: InterfaceAddr) -> None:
        if link_local(address.addr):
            self.look_for_routers(iface)

    def iface_changed(self, iface: Iface) -> None:
        if iface.up and not any(r.iface is iface for r in self.routers.values()):
            self.look_for_routers(iface)
        elif not iface.up:
            self._stop(("solicit", iface))
            for router in [r for r in self.routers.values() if r.iface is iface]:
                self.router_gone(iface, router.addr)

    def iface_gone(self, iface: Iface) -> None:
        self._stop(("solicit", iface))
        for router in [r for r in self.routers.values() if r.iface is iface]:
            self.router_gone(iface, router.addr)
        for key in [key for key in self.prefixes if key[0] is iface]:
            self._prefix_gone(key)
        self.servers = {key: until for key, until in self.servers.items() if key[0] is not iface}

    def stop(self) -> None:
        for disarm in self._timers.values():
            disarm()
        self._timers.clear()

    # -- timers

    def _until(self, seconds: int) -> int | None:
        return None if seconds == icmp6.FOREVER else self.host.monotonic_ns() + seconds * SECOND

    def _at(self, key: object, when_ns: int, callback: Callable[[], None]) -> None:
        self._stop(key)

        def fire() -> None:
            self._timers.pop(key, None)
            callback()

        self._timers[key] = self.host.call_at(when_ns, fire)

    def _stop(self, key: object) -> None:
        disarm = self._timers.pop(key, None)
        if disarm is not None:
            disarm()

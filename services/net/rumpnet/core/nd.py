"""Neighbour discovery (RFC 4861): who has which link-level address, whether they are still there, and whose address is
a duplicate (RFC 4862, 5.4). Routers and prefixes are in `rumpnet.core.slaac`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core.iface import DETACHED, DUPLICATED, IPV6, NODAD, TENTATIVE, Iface, InterfaceAddr, Listener
from rumpnet.core.neighbour import NEIGHBOURS_MAX, SECOND, Neighbour, Policy, State
from rumpnet.core.net import Knob, Node
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY6, Route
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.zone import link_local, with_zone, without_zone
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.icmp6 import Icmp6Layer
    from rumpnet.core.slaac import Slaac

NUMBER = [4, 24, icmp6.PROTOCOL]
"""net.inet6.icmp6"""
ALL_NODES = b"\xff\x02" + bytes(13) + b"\1"
ALL_ROUTERS = b"\xff\x02" + bytes(13) + b"\2"
SOLICITED_NODE = b"\xff\x02" + bytes(9) + b"\1\xff"
IFT_BRIDGE = 209
"""Bridges have no addresses of IPv6 of their own."""
HOPS = 255
"""What neighbours send arrives with all of its hops (RFC 4861, 3.1)."""
REACHABLE_NS = 30 * SECOND


class LinkInfo:
    """What is known of a link: by its routers, or by hand."""

    __slots__ = ("accept", "auto_linklocal", "hop_limit", "mtu", "reachable_ns", "retransmit_ns")

    def __init__(self) -> None:
        self.hop_limit = 0
        self.mtu = 0
        """0: what the link and the interface have."""
        self.reachable_ns = REACHABLE_NS
        self.retransmit_ns = SECOND
        self.accept: bool | None = None
        """Whether routers configure us; None: as net.inet6.ip6.accept_rtadv says."""
        self.auto_linklocal: bool | None = None


class Nd(Listener):
    """The protocol."""

    ethertype = IPV6

    def __init__(self, icmp: Icmp6Layer) -> None:
        self.icmp = icmp
        self.ip6 = icmp.ip6
        self.net = self.ip6.net
        self.host = self.ip6.host
        self.slaac: Slaac
        self.stats: Counter[str] = Counter()
        self.links: dict[Iface, LinkInfo] = {}
        self.dad_count = Knob(1, 0, 100)
        self.delay = Knob(5, 1, 1 << 20)
        self.umaxtries = Knob(3, 1, 255)
        self.mmaxtries = Knob(3, 1, 255)
        self.gcthresh = Knob(NEIGHBOURS_MAX, 1, 1 << 20)
        self.gctimer = Knob(86400, 1, 1 << 30)
        self.auto_linklocal = Knob(1, 0, 1)
        self._ready: set[Iface] = set()
        self._probing: dict[InterfaceAddr, Callable[[], None]] = {}
        self.ip6.nd = self
        icmp.handlers[icmp6.NEIGHBOUR_SOLICIT] = self.solicited
        icmp.handlers[icmp6.NEIGHBOUR_ADVERT] = self.advertised
        icmp.handlers[icmp6.REDIRECT] = self.redirected

    def nodes(self) -> list[Node]:
        ip6 = [4, 24, 41]
        return [
            self.dad_count.node("net.inet6.ip6.dad_count", [*ip6, 16], "Solicitations sent for a new address"),
            self.auto_linklocal.node("net.inet6.ip6.auto_linklocal", [*ip6, 35], "Make link-local addresses"),
            self.gcthresh.node("net.inet6.ip6.neighborgcthresh", [*ip6, 42], "Neighbours of an interface"),
            self.delay.node("net.inet6.icmp6.nd6_delay", [*NUMBER, 8], "First probe delay time"),
            self.umaxtries.node("net.inet6.icmp6.nd6_umaxtries", [*NUMBER, 9], "Unicast discovery attempts"),
            self.mmaxtries.node("net.inet6.icmp6.nd6_mmaxtries", [*NUMBER, 10], "Multicast discovery attempts"),
            self.gctimer.node("net.inet6.icmp6.nd6_gctimer", [*NUMBER, 22], "Seconds that stale neighbours are kept"),
        ]

    def link(self, iface: Iface) -> LinkInfo:
        info = self.links.get(iface)
        if info is None:
            info = self.links[iface] = LinkInfo()
        return info

    # -- in

    def solicited(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """Somebody asks for an address (RFC 4861, 7.2.3, 7.2.4), or whether it is free. Malformed."""
        target, options = self._checked(iface, header, message)
        link = options.get(icmp6.SOURCE_LINK)
        unspecified = header.src == ANY6
        if unspecified and (link is not None or header.dst[:13] != _grouped(target, iface)[:13]):
            raise Malformed("a question of nobody that names a link address")
        if not isinstance(iface, Ethernet):
            return
        if not unspecified and not self._on_link(iface, header.src):
            raise Malformed("a question from somebody who is no neighbour")
        ours = next((a for a in iface.ipv6() if a.addr == target), None)
        entry = iface.neighbours.entries.get(target)
        proxy = ours is None and entry is not None and entry.published
        if ours is not None and ours.flags & TENTATIVE:
            if unspecified:
                self._duplicate(iface, ours)
            return
        if (ours is None or not ours.usable) and not proxy:
            return
        if unspecified:
            self.advertise(iface, target, ALL_NODES, solicited=False)
            return
        if link is not None:
            iface.neighbours.learn(header.src, link, confirmed=False)
        lladdr = entry.lladdr if proxy and entry is not None else iface.lladdr
        self.advertise(iface, target, header.src, solicited=True, lladdr=lladdr, override=not proxy)

    def _on_link(self, iface: Iface, addr: bytes) -> bool:
        """Whether an address is a neighbour's: others could make us send their packets here (CVE-2008-2476)."""
        if link_local(addr):
            return True
        return any(
            route.iface is iface and not route.gateway and bool(route.prefixlen)
            for route in self.ip6.routes.matches(addr)
        )

    def advertised(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """Somebody has an address (RFC 4861, 7.2.5). Malformed."""
        target, options = self._checked(iface, header, message)
        flags = message.rest
        if header.dst[0] == 0xFF and flags & icmp6.SOLICITED:
            raise Malformed("an answer to all")
        if not isinstance(iface, Ethernet):
            return
        ours = next((a for a in iface.ipv6() if a.addr == target), None)
        if ours is not None:
            self._claimed(iface, ours)
            return
        entry = iface.neighbours.entries.get(target)
        if entry is not None and not entry.permanent:
            self._update(iface, entry, flags, options.get(icmp6.TARGET_LINK))

    def _update(self, iface: Ethernet, entry: Neighbour, flags: int, lladdr: bytes | None) -> None:
        cache = iface.neighbours
        solicited = bool(flags & icmp6.SOLICITED)
        was_router, is_router = entry.is_router, bool(flags & icmp6.ROUTER)
        if not entry.header:
            if lladdr is None:
                return
            cache.learn(entry.addr, lladdr, confirmed=solicited)
        elif lladdr is not None and lladdr != entry.lladdr and not flags & icmp6.OVERRIDE:
            if entry.state is State.REACHABLE:
                cache.suspect(entry)
            return
        elif lladdr is not None and lladdr != entry.lladdr:
            cache.learn(entry.addr, lladdr, confirmed=solicited)
        elif solicited:
            cache.confirm(entry)
        entry.is_router = is_router
        if was_router and not is_router:
            self.slaac.router_gone(iface, entry.addr)

    def _claimed(self, iface: Iface, ours: InterfaceAddr) -> None:
        if ours.flags & TENTATIVE:
            self._duplicate(iface, ours)
        elif ours.usable:
            self.stats["advertisements of our addresses by others"] += 1

    def _checked(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> tuple[bytes, dict[int, bytes]]:
        """Target and link-level options of a solicitation or advertisement. Malformed."""
        if header.hop_limit != HOPS or message.code or len(message.payload) < 16:
            raise Malformed("neighbour discovery from elsewhere, or cut off")
        target = bytes(message.payload[:16])
        if target[0] == 0xFF:
            raise Malformed("a group as the target")
        return with_zone(target, iface.index), link_options(message.payload[16:])

    # -- out

    def advertise(
        self, iface: Ethernet, target: bytes, dst: bytes, *, solicited: bool, lladdr: bytes = b"", override: bool = True
    ) -> None:
        """Tells who has an address of ours."""
        flags = icmp6.SOLICITED if solicited else 0
        flags |= icmp6.OVERRIDE if override else 0
        flags |= icmp6.ROUTER if self.ip6.forwarding.value else 0
        payload = without_zone(target) + icmp6.link_option(icmp6.TARGET_LINK, lladdr or iface.lladdr)
        src = target if target in self.ip6.interfaces.owners else b""
        self.send(iface, src, with_zone(dst, iface.index), icmp6.NEIGHBOUR_ADVERT, flags, payload)

    def ask(self, iface: Ethernet, src: bytes, target: bytes, *, unicast: bool = False) -> None:
        """Asks who has an address; from nobody while we are looking for duplicates."""
        payload = without_zone(target)
        if src != ANY6:
            payload += icmp6.link_option(icmp6.SOURCE_LINK, iface.lladdr)
        dst = target if unicast else _grouped(target, iface)
        self.send(iface, src, dst, icmp6.NEIGHBOUR_SOLICIT, 0, payload)

    def send(self, iface: Iface, src: bytes, dst: bytes, kind: int, rest: int, payload: bytes) -> None:
        """A message to a neighbour, straight out of an interface; one that cannot be sent is counted."""
        try:
            route = self.ip6.route_via(iface, dst)
            src = src or self.ip6.select_source(route, dst)
            pseudo = self.ip6.pseudo(src, dst, icmp6.PROTOCOL, icmp6.HEADER_LEN + len(payload))
            packet = Packet(icmp6.Icmp6(kind, 0, rest, payload).emit(pseudo))
            self.ip6.send(route, src, dst, icmp6.PROTOCOL, packet, hop_limit=HOPS, loop=False)
            self.icmp.stats[f"output type {kind}"] += 1
        except KernelError:
            self.icmp.stats["messages that could not be sent"] += 1

    # -- the cache asks

    def policy(self, iface: Ethernet) -> Policy:
        info = self.link(iface)
        return Policy(
            self.mmaxtries.value, info.retransmit_ns, info.reachable_ns, 0, self.delay.value * SECOND, True,
            self.gctimer.value * SECOND, self.gcthresh.value,
        )  # fmt: skip

    def solicit(self, iface: Ethernet, addr: bytes, lladdr: bytes | None, waiting: Packet | None) -> None:
        src = b""
        if waiting is not None:
            view = waiting.view()
            wanted = with_zone(bytes(view[8:24]), iface.index) if len(view) >= ipv6.HEADER_LEN else b""
            src = wanted if any(a.addr == wanted and a.usable for a in iface.addresses) else b""
        self.ask(iface, src, addr, unicast=lladdr is not None)

    def undeliverable(self, iface: Ethernet, packet: Packet) -> None:
        self.stats["packets dropped: nobody answers"] += 1
        self.ip6.host_down(iface, packet)

    def changed(self, iface: Ethernet, entry: Neighbour, *, gone: bool) -> None:
        if gone and entry.is_router:
            self.slaac.reconsider(iface)
        self.net.neighbour_changed(iface, entry, gone=gone)

    # -- our addresses

    def begin(self, iface: Iface, address: InterfaceAddr) -> None:
        """A new address: its groups, and the search for duplicates where there can be any."""
        if iface.flags & const.IFF_MULTICAST:
            for group in (with_zone(ALL_NODES, iface.index), _grouped(address.addr, iface)):
                if group not in iface.groups or group[13:14] == b"\xff":
                    self.ip6.join(iface, group)
        if iface.loopback or not isinstance(iface, Ethernet) or address.flags & (NODAD | DUPLICATED):
            address.flags &= ~NODAD
            return
        if not self.dad_count.value:
            address.flags &= ~TENTATIVE
            return
        address.flags |= TENTATIVE
        if iface.up:
            self._probe(iface, address, self.dad_count.value)

    def _probe(self, iface: Ethernet, address: InterfaceAddr, left: int) -> None:
        self._stop_probing(address)
        if address not in iface.addresses or not address.flags & TENTATIVE or not iface.up:
            return
        if not left:
            address.flags &= ~TENTATIVE
            self.ip6.interfaces.changed_address(iface, address)
            self.slaac.address_ready(iface, address)
            return
        self.ask(iface, ANY6, address.addr)
        after = self.host.monotonic_ns() + self.link(iface).retransmit_ns
        self._probing[address] = self.host.call_at(after, lambda: self._probe(iface, address, left - 1))

    def _stop_probing(self, address: InterfaceAddr) -> None:
        disarm = self._probing.pop(address, None)
        if disarm is not None:
            disarm()

    def _duplicate(self, iface: Iface, address: InterfaceAddr) -> None:
        self._stop_probing(address)
        address.flags = address.flags & ~TENTATIVE | DUPLICATED
        self.stats["addresses found to be duplicates"] += 1
        self.ip6.interfaces.changed_address(iface, address)

    def end(self, iface: Iface, address: InterfaceAddr) -> None:
        """An address has gone."""
        self._stop_probing(address)
        group = _grouped(address.addr, iface)
        if group in iface.groups:
            self.ip6.leave(iface, group)

    def need_link_local(self, iface: Iface) -> None:
        """Every interface with IPv6 has a link-local address (RFC 4291, 2.8)."""
        info = self.link(iface)
        wanted = self.auto_linklocal.value if info.auto_linklocal is None else info.auto_linklocal
        if iface.loopback or not wanted or any(link_local(a.addr) for a in iface.ipv6()):
            return
        ident = self.slaac.interface_id(iface, _LINK_PREFIX)
        address = InterfaceAddr(with_zone(_LINK_PREFIX + ident, iface.index), 64)
        self.ip6.enter_address(iface, address)

    def accept_advertisements(self, iface: Iface) -> None:
        self.link(iface).accept = True
        if not iface.up:
            iface.set_up(True)
        self.need_link_local(iface)
        self.slaac.look_for_routers(iface)

    # -- interfaces

    def iface_changed(self, iface: Iface) -> None:
        """One that came up has a link-local address, and looks for duplicates again, and for routers."""
        if iface.loopback:
            return
        if iface.up and iface.flags & const.IFF_MULTICAST and iface.if_type != IFT_BRIDGE:
            self.need_link_local(iface)
        self._groups_again(iface)
        for address in iface.ipv6():
            if not iface.link_up and not address.flags & DUPLICATED:
                address.flags = address.flags & ~TENTATIVE | DETACHED
                self._stop_probing(address)
            elif iface.up and address.flags & (TENTATIVE | DETACHED) and isinstance(iface, Ethernet):
                address.flags = address.flags & ~DETACHED | TENTATIVE
                if address not in self._probing:
                    self._probe(iface, address, self.dad_count.value)
            elif not iface.up:
                self._stop_probing(address)
        self.slaac.iface_changed(iface)

    def _groups_again(self, iface: Iface) -> None:
        if not (iface.up and iface.link_up):
            self._ready.discard(iface)
            self.ip6.groups.forget(iface)
        elif iface not in self._ready:
            self._ready.add(iface)
            self.ip6.groups.again(iface, 16)

    def iface_gone(self, iface: Iface) -> None:
        self._ready.discard(iface)
        self.links.pop(iface, None)
        self.slaac.iface_gone(iface)
        self.ip6.groups.forget(iface)

    def lladdr_changed(self, iface: Iface) -> None:
        """Neighbours are told, without being asked (RFC 4861, 7.2.6)."""
        if isinstance(iface, Ethernet):
            for address in iface.ipv6():
                if address.usable:
                    self.advertise(iface, address.addr, ALL_NODES, solicited=False)

    # -- redirects

    def redirected(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """A router knows a better first hop (RFC 4861, 8.3). Malformed."""
        if header.hop_limit != HOPS or message.code or len(message.payload) < 32 or not link_local(header.src):
            raise Malformed("a redirect from elsewhere, or cut off")
        target, dst = bytes(message.payload[:16]), bytes(message.payload[16:32])
        options = link_options(message.payload[32:])
        target, dst = with_zone(target, iface.index), with_zone(dst, iface.index)
        if dst[0] == 0xFF or (target != dst and not link_local(target)):
            raise Malformed("a redirect to nowhere")
        if not self.icmp.rediraccept.value or self.ip6.forwarding.value or not isinstance(iface, Ethernet):
            return
        try:
            now = self.ip6.routes.lookup(dst)
        except KernelError:
            return
        if now.gateway != header.src or now.iface is not iface:
            self.stats["redirects that were not believed"] += 1
            return
        until = self.host.monotonic_ns() + self.icmp.redirtimeout.value * SECOND
        if link := options.get(icmp6.TARGET_LINK):
            iface.neighbours.learn(target, link, confirmed=False)
        self.ip6.routes.redirect(dst, b"" if target == dst else target, header.src, until)

    def redirect(self, iface: Iface, header: ipv6.Packet, route: Route) -> None:
        """Tells a host on the link of a better first hop (RFC 4861, 8.2): the packet leaves as it came."""
        if not isinstance(iface, Ethernet):
            return
        if header.src not in iface.neighbours.entries and not any(a.holds(header.src) for a in iface.ipv6()):
            return
        target = route.gateway or header.dst
        own = next((a.addr for a in iface.ipv6() if link_local(a.addr) and a.usable), None)
        if own is None or (route.gateway and not link_local(target)):
            return
        entry = iface.neighbours.entries.get(target)
        payload = without_zone(target) + without_zone(header.dst)
        if entry is not None and entry.lladdr:
            payload += icmp6.link_option(icmp6.TARGET_LINK, entry.lladdr)
        room = (ipv6.MIN_MTU - ipv6.HEADER_LEN - icmp6.HEADER_LEN - len(payload) - 8) // 8 * 8
        payload += icmp6.option(icmp6.REDIRECTED, bytes(6) + bytes(header.view[:room]))
        self.send(iface, own, header.src, icmp6.REDIRECT, 0, payload)


_LINK_PREFIX = b"\xfe\x80" + bytes(6)


def _grouped(addr: bytes, iface: Iface) -> bytes:
    """The solicited-node group of an address (RFC 4291, 2.7.1)."""
    return with_zone(SOLICITED_NODE + addr[13:], iface.index)


def link_options(data: memoryview) -> dict[int, bytes]:
    """Link-level addresses by the type of the option. Malformed, also for one that is a group's."""
    found = {}
    for kind, body in icmp6.options(data):
        if kind in (icmp6.SOURCE_LINK, icmp6.TARGET_LINK):
            if body[0] & 1:
                raise Malformed("a group as a link address")
            found[kind] = bytes(body[:6])
    return found

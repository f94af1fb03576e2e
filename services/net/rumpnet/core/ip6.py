"""IPv6 (ip6(4)): out through a route, in from the input queue, to a protocol or on to another network.

The shape is that of `rumpnet.core.ip`. Addresses carry their zone (`rumpnet.core.zone`), except on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rumpnet.core import source6
from rumpnet.core.iface import IPV6, TSO6, Iface, InterfaceAddr
from rumpnet.core.internet import Internet
from rumpnet.core.layer import ADDRESSES_MAX
from rumpnet.core.net import Knob, Net, Node, number_node
from rumpnet.core.packet import Packet
from rumpnet.core.reassembly import Reassembly
from rumpnet.core.route import ANY6, Route, text
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.wire.checksum import ones_sum
from rumpnet.core.zone import link_local, scoped, with_zone, without_zone, zone_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.nd import Nd

LOOPBACK = bytes(15) + b"\1"
ALL_NODES = b"\xff\x02" + bytes(13) + b"\1"
REASSEMBLY_NS = 60 * 10**9
NUMBER = [4, 24, 41]
"""net.inet6.ip6"""


class Errors(Protocol):
    """Who tells senders what became of their packets (ICMPv6)."""

    def send_error(
        self, iface: Iface | None, about: ipv6.Packet, kind: int, code: int, rest: int = 0, *, always: bool = False
    ) -> None: ...


class Ip6(Internet):
    """The layer."""

    family = const.AF_INET6
    ADDR_LEN = 16
    TSO = TSO6
    HEADER_LEN = ipv6.HEADER_LEN

    def __init__(self, net: Net) -> None:
        super().__init__(net, Reassembly(net.host, REASSEMBLY_NS, shuns=True))
        self.reassembly.on_expire = self._not_reassembled
        self.errors: Errors | None = None
        self.nd: Nd
        self.v6only = Knob(1, 0, 1)
        self.prefer_tempaddr = Knob(0, 0, 1)
        self.use_deprecated = Knob(1, 0, 1)
        self._ident = int.from_bytes(net.host.entropy(4), "big")

    def nodes(self) -> list[Node]:
        return [
            self.forwarding.node("net.inet6.ip6.forwarding", [*NUMBER, 1], "Enable forwarding of INET6 datagrams"),
            self.redirect.node("net.inet6.ip6.redirect", [*NUMBER, 2], "Enable sending of ICMPv6 redirect messages"),
            self.ttl.node("net.inet6.ip6.hlim", [*NUMBER, 3], "Hop limit for an INET6 datagram"),
            self.v6only.node("net.inet6.ip6.v6only", [*NUMBER, 24], "Disallow PF_INET6 sockets from PF_INET"),
            self.use_deprecated.node("net.inet6.ip6.use_deprecated", [*NUMBER, 21], "Send from deprecated addresses"),
            number_node(
                "net.inet6.ip6.maxfragpackets",
                [*NUMBER, 9],
                "Maximum number of datagrams being reassembled",
                self.reassembly,
                "most",
                1,
                1024,
            ),
            number_node(
                "net.inet6.ip6.maxfrags",
                [*NUMBER, 41],
                "Maximum number of fragments that are kept",
                self.reassembly,
                "most_pieces",
                0,
                1 << 20,
            ),
            number_node(
                "net.inet6.ip6.maxdynroutes",
                [*NUMBER, 45],
                "Maximum number of routes that redirects make",
                self.routes,
                "most_dynamic",
                0,
                1 << 20,
            ),
            self.prefer_tempaddr.node("net.inet6.ip6.prefer_tempaddr", [*NUMBER, 37], "Prefer temporary addresses"),
        ]

    # -- out

    def route(self, dst: bytes) -> Route:
        zone = zone_of(dst)
        if dst[0] == 0xFF:
            return self._group_route(dst, zone)
        if not zone and scoped(dst):
            raise KernelError(Errno.EHOSTUNREACH, f"{text(dst)} needs a zone: which interface is meant")
        return self.routes.lookup(dst)

    def _group_route(self, dst: bytes, zone: int) -> Route:
        iface = self.interfaces.by_index.get(zone)
        if iface is not None:
            return self.route_via(iface, dst)
        found = next((r for r in self.routes.matches(dst) if r.owner.up and not r.gateway and r.prefixlen), None)
        if found is not None:
            return found
        able = (i for i in self.interfaces.by_name.values() if i.up and i.flags & const.IFF_MULTICAST and i.ipv6())
        for iface in sorted(able, key=lambda i: i.loopback):
            return self.route_via(iface, dst)
        raise KernelError(Errno.ENETUNREACH, f"no interface for {text(dst)}")

    def route_via(self, iface: Iface, dst: bytes) -> Route:
        return Route(dst, 128, iface, b"", const.RTF_UP | const.RTF_HOST, b"")

    def send(
        self, route: Route, src: bytes, dst: bytes, protocol: int, packet: Packet, *, hop_limit: int = 0,
        tclass: int = 0, dont_fragment: bool = False, options: bytes | None = None, loop: bool = True,
    ) -> None:  # fmt: skip
        """As of `rumpnet.core.ip.Layer`; ``options`` is a header of hop-by-hop options, its first byte left 0."""
        if options:
            packet.prepend(bytes([protocol]) + options[1:])
            protocol = ipv6.HOP_BY_HOP
        length = packet.length
        if length > 0xFFFF:
            raise KernelError(Errno.EMSGSIZE, f"{length} bytes are too long for a packet")
        iface = route.iface
        limit = hop_limit if hop_limit > 0 else self.nd.link(iface).hop_limit or self.ttl.value
        if iface.loopback:
            head = ipv6.emit(src, dst, protocol, length, limit, tclass)
        else:
            head = ipv6.emit(without_zone(src), without_zone(dst), protocol, length, limit, tclass)
        packet.prepend(head)
        self.stats["packets sent from this host"] += 1
        if dst[0] == 0xFF and loop and dst in iface.groups and not iface.loopback:
            self.queue.put(iface, packet.copy().arrived(), IPV6)
        if hop_limit >= 0 and not (dst[0] == 0xFF and dst[1] & 0xF == 1 and not iface.loopback):
            self.output(route, packet, dst, dont_fragment=dont_fragment)

    def _fragment(self, iface: Iface, packet: Packet, hop: bytes, dst: bytes, mtu: int) -> None:
        """Hop-by-hop options stay in front of every fragment; what else there is, is cut. What came in
        fragments, and was put together for a filter, keeps their identification."""
        view = packet.view()
        head = bytearray(view[: ipv6.HEADER_LEN])
        next_at = 6
        if head[6] == ipv6.HOP_BY_HOP:
            next_at = ipv6.HEADER_LEN
            head += view[ipv6.HEADER_LEN : ipv6.HEADER_LEN + (view[ipv6.HEADER_LEN + 1] + 1) * 8]
        protocol, head[next_at] = head[next_at], ipv6.FRAGMENT
        payload = view[len(head) :]
        step = (mtu - len(head) - ipv6.FRAGMENT_LEN) // ipv6.UNIT * ipv6.UNIT
        if step <= 0:
            raise KernelError(Errno.EMSGSIZE, f"interface {iface.name} takes packets of {mtu} bytes at most")
        self._ident = self._ident + 1 & 0xFFFFFFFF
        ident = packet.pieces[0] if packet.pieces is not None else self._ident
        self.stats["output datagrams fragmented"] += 1
        for begin in range(0, len(payload), step):
            part = payload[begin : begin + step]
            more = begin + step < len(payload)
            cut = ipv6.FRAGMENT_HEADER.pack(protocol, 0, begin | more, ident)
            length = len(head) - ipv6.HEADER_LEN + len(cut) + len(part)
            head[4:6] = length.to_bytes(2, "big")
            self._hand_over(iface, Packet(bytes(head), cut, part), hop, dst)
            self.stats["fragments created"] += 1

    def path_mtu(self, route: Route, dst: bytes) -> int:
        return route.mtu or self.nd.link(route.iface).mtu or route.iface.mtu

    def pseudo(self, src: bytes, dst: bytes, protocol: int, length: int) -> int:
        if src[0] == 0xFE or dst[0] >= 0xFE:
            src, dst = without_zone(src), without_zone(dst)
        return ones_sum(src + dst) + protocol + length

    def select_source(self, route: Route, dst: bytes) -> bytes:
        """EADDRNOTAVAIL when no address of ours will do."""
        if route.flags & const.RTF_LOCAL:
            return route.src
        prefer = bool(self.prefer_tempaddr.value)
        found = source6.select(
            route.iface, self.interfaces.by_name.values(), dst, temporary=prefer,
            deprecated=bool(self.use_deprecated.value),
        )  # fmt: skip
        if found is None:
            raise KernelError(Errno.EADDRNOTAVAIL, f"no address of ours to send to {text(dst)} from")
        return found

    # -- in

    def _input(self, iface: Iface, packet: Packet) -> None:
        header = ipv6.Packet(packet.view())
        packet.trim(len(header.view))
        if self.hooks:
            kept = self.filter(iface, packet, out=False)
            if kept is None:
                return
            if kept is not packet or kept.parts[0] is not header.view:
                packet, header = kept, ipv6.Packet(kept.view())
        self._zones(iface, header)
        dst = header.dst
        try:
            if dst not in self.interfaces.owners and not self.is_ours(dst, iface):
                self._not_ours(iface, packet, header)
            elif self._usable(iface, dst):
                self._ours(iface, packet, header)
        except ipv6.Problem as problem:
            self._tell_of(iface, packet, header, problem)
            raise

    def _zones(self, iface: Iface, header: ipv6.Packet) -> None:
        """Gives the addresses their zone; refuses those that may not be on a wire (RFC 4291, 2.5; RFC 4443)."""
        src, dst = header.src, header.dst
        if src[0] == 0xFF or (dst[0] == 0xFF and not dst[1] & 0xF):
            raise Malformed("from a group, or to a group without scope")
        if iface.loopback:
            if scoped(src) and not zone_of(src):
                header.src = with_zone(src, iface.index)
            if scoped(dst) and not zone_of(dst):
                header.dst = with_zone(dst, iface.index)
            return
        if (
            LOOPBACK in (src, dst)
            or src[:12] == _MAPPED
            or dst[:12] == _MAPPED
            or (dst[0] == 0xFF and dst[1] & 0xF == 1)
        ):
            raise Malformed("an address that is of this host alone")
        if zone_of(src) or zone_of(dst):
            raise Malformed("a zone in an address")
        header.src, header.dst = with_zone(src, iface.index), with_zone(dst, iface.index)

    def _usable(self, iface: Iface, dst: bytes) -> bool:
        """Tentative addresses get nothing but neighbour discovery, which comes to groups."""
        address = self.interfaces.address(dst) if dst in self.interfaces.owners else None
        if address is not None and not address.usable:
            self.stats["packets to a tentative or duplicated address"] += 1
            return False
        return True

    def _ours(self, iface: Iface, packet: Packet, header: ipv6.Packet) -> None:
        if header.next_header in ipv6.EXTENSIONS:
            fragment = header.walk()
            if fragment is not None and not fragment.atomic:
                self._reassemble(iface, packet, fragment)
                return
            if fragment is not None:
                header.pass_fragment()
                self._refuse_fragment(header)
        packet.strip(header.header_len)
        self.deliver(iface, packet, header)

    def _refuse_fragment(self, header: ipv6.Packet) -> None:
        """Goes through the headers behind a fragment header. Problem, also for one more fragment header."""
        if header.walk() is not None:
            raise ipv6.Problem(ipv6.BAD_FIELD, header.header_len, "a fragment within a fragment")

    def _reassemble(self, iface: Iface, packet: Packet, fragment: ipv6.Fragment) -> None:
        """Takes a piece, and goes on with the whole when it was the last one. Problem."""
        self.stats["fragments received"] += 1
        length = len(fragment.payload)
        if fragment.more and length % ipv6.UNIT:
            raise ipv6.Problem(ipv6.BAD_FIELD, 4, "a fragment that is no multiple of 8 bytes")
        if fragment.offset + length > 0xFFFF:
            raise ipv6.Problem(ipv6.BAD_FIELD, fragment.packet.header_len + 2, "a fragment that reaches too far")
        if not fragment.offset and not fragment.headers_complete():
            raise ipv6.Problem(ipv6.INCOMPLETE_CHAIN, 0, "headers beyond the first fragment")
        whole = self.reassembly.add(fragment)
        if whole is None:
            return
        self.stats["packets reassembled ok"] += 1
        header = ipv6.Packet(whole)
        header.src, header.dst = fragment.packet.src, fragment.packet.dst
        packet = packet.like(header.view)
        packet.csum_valid, packet.csum_offset, packet.gso_size = False, 0, 0
        try:
            self._refuse_fragment(header)
            packet.strip(header.header_len)
            self.deliver(iface, packet, header)
        except ipv6.Problem as problem:
            self._tell_of(iface, packet, header, problem)
            raise Malformed(str(problem)) from problem

    def _tell_of(self, iface: Iface, packet: Packet, header: ipv6.Packet, problem: ipv6.Problem) -> None:
        if self.errors is not None and (problem.always or not packet.link_cast):
            kind = icmp6.PARAMETER_PROBLEM
            self.errors.send_error(iface, header, kind, problem.code, problem.pointer, always=problem.always)

    def deliver(self, iface: Iface, packet: Packet, header: ipv6.Packet) -> None:
        """Hands a packet for us to its protocol."""
        protocol = header.protocol
        upper = self.protocols.get(protocol)
        if upper is not None:
            upper.input(self, iface, header.src, header.dst, packet, header)
        elif self.raw is not None and self.raw.wants(protocol):
            self.raw.input(self, iface, header.src, header.dst, packet, header)
        elif protocol != ipv6.NO_NEXT:
            self.stats["packets for unknown/unsupported protocol"] += 1
            raise ipv6.Problem(ipv6.BAD_NEXT_HEADER, header.next_at, f"protocol {protocol}")

    def is_ours(self, dst: bytes, iface: Iface | None = None) -> bool:
        if dst in self.interfaces.owners:
            return True
        if dst[0] == 0xFF:
            return dst in iface.groups if iface else any(dst in i.groups for i in self.interfaces.by_name.values())
        return False

    # -- on

    def _not_ours(self, iface: Iface, packet: Packet, header: ipv6.Packet) -> None:
        dst = header.dst
        if not self.forwarding.value or packet.link_cast or dst[0] == 0xFF or header.src == ANY6 or iface.loopback:
            self.stats["packets not forwardable"] += 1
            return
        if header.next_header == ipv6.HOP_BY_HOP:
            at = ipv6.HEADER_LEN
            header.options(at, header.extension_len(at))
        if header.hop_limit <= 1:
            self._error(iface, header, icmp6.TIME_EXCEEDED, icmp6.HOPS_IN_TRANSIT)
            return
        if link_local(dst):
            self.stats["packets not forwardable"] += 1
            return
        self._forward(iface, packet, header)

    def _forward(self, iface: Iface, packet: Packet, header: ipv6.Packet) -> None:
        dst = header.dst
        try:
            route = self.routes.lookup(dst)
            if link_local(header.src) and route.iface is not iface:
                self._error(iface, header, icmp6.UNREACHABLE, icmp6.BEYOND_SCOPE)
                return
            mtu = self.path_mtu(route, dst)
            length = packet.pieces[1] if packet.pieces is not None else packet.length
            if length > mtu and not (packet.gso_size and packet.gso_size + 60 <= mtu):
                self._error(iface, header, icmp6.TOO_BIG, 0, mtu)
                return
            head = bytearray(header.view[: ipv6.HEADER_LEN])
            head[7] -= 1
            if route.iface is iface and self.redirect.value and not route.flags & const.RTF_REJECT:
                self.nd.redirect(iface, header, route)
            self.output(route, packet.like(head, header.view[ipv6.HEADER_LEN :]), dst)
            self.stats["packets forwarded"] += 1
        except KernelError as error:
            self.stats["packets not forwardable"] += 1
            if error.errno in (Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EHOSTDOWN, Errno.ENETDOWN):
                unreached = error.errno == Errno.ENETUNREACH
                code = icmp6.NO_ROUTE if unreached else icmp6.ADDRESS_UNREACHABLE
                self._error(iface, header, icmp6.UNREACHABLE, code)

    # -- addresses

    def add_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Gives an interface an address, in place of the same one. It is tentative until nobody objects. ENOBUFS."""
        before = next((a for a in iface.addresses if a.addr == address.addr), None)
        if before is not None:
            self.remove_address(iface, before)
        if len(iface.addresses) >= ADDRESSES_MAX:
            raise KernelError(Errno.ENOBUFS, f"{iface.name} has {ADDRESSES_MAX} addresses")
        if not iface.up:
            iface.set_up(True)
        if not iface.loopback and not link_local(address.addr):
            self.nd.need_link_local(iface)
        self.enter_address(iface, address)

    def enter_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """With its routes, groups and the search for duplicates."""
        self.interfaces.add_address(iface, address)
        self._routes_of(iface, address)
        self.nd.slaac.watch(iface, address)
        self.nd.begin(iface, address)

    def _routes_of(self, iface: Iface, address: InterfaceAddr) -> None:
        addr, prefixlen = address.addr, address.prefixlen
        lo0 = self.interfaces.by_name.get("lo0")
        if lo0 is not None and self.routes.find(addr, 128) is None:
            self.routes.add(addr, 128, lo0, flags=const.RTF_LOCAL, src=addr, owner=iface)
        dst = address.destination or addr
        prefixlen = 128 if address.destination else prefixlen
        if self.routes.find(dst, prefixlen) is None:
            self.routes.add(dst, prefixlen, iface, flags=0 if prefixlen == 128 else const.RTF_CONNECTED)

    def remove_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Takes an address away, and the routes that stand on it."""
        self.interfaces.remove_address(iface, address)
        self.nd.end(iface, address)
        self.nd.slaac.forget(address)
        own, network = self.routes.find(address.addr, 128), self.routes.find(address.addr, address.prefixlen)
        if own is not None and own.flags & const.RTF_LOCAL and own.owner is iface:
            self.routes.remove(own)
        if network is not None and network is not own and network.iface is iface and not network.gateway:
            self.routes.remove(network)
        for other in list(self.interfaces.by_name.values()):
            for left in other.ipv6():
                self._routes_of(other, left)

    def accept_advertisements(self, iface: Iface) -> None:
        self.nd.accept_advertisements(iface)

    # -- errors

    def _error(self, iface: Iface | None, header: ipv6.Packet, kind: int, code: int, rest: int = 0) -> None:
        if self.errors is not None:
            self.errors.send_error(iface, header, kind, code, rest)

    def port_unreachable(self, header: ipv6.Packet, packet: Packet) -> None:
        if not packet.link_cast:
            self._error(None, header, icmp6.UNREACHABLE, icmp6.PORT_UNREACHABLE)

    def host_down(self, iface: Iface, packet: Packet) -> None:
        """A packet waited for a neighbour that does not answer: its sender, who may be ourselves, is told."""
        try:
            header = ipv6.Packet(packet.view())
        except Malformed:
            return
        header.src, header.dst = with_zone(header.src, iface.index), with_zone(header.dst, iface.index)
        self._error(None, header, icmp6.UNREACHABLE, icmp6.ADDRESS_UNREACHABLE)

    def _not_reassembled(self, fragment: Any) -> None:
        self._error(None, fragment.packet, icmp6.TIME_EXCEEDED, icmp6.HOPS_IN_REASSEMBLY)


_MAPPED = bytes(10) + b"\xff\xff"

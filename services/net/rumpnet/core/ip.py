"""IPv4 (ip(4)): out through a route, in from the input queue, to a protocol or on to another network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpnet.core import ipopts
from rumpnet.core.iface import IPV4, TSO4, Iface, InterfaceAddr
from rumpnet.core.internet import BROADCAST, Internet
from rumpnet.core.layer import ADDRESSES_MAX, Errors
from rumpnet.core.net import Knob, Net, Node, number_node
from rumpnet.core.packet import Packet
from rumpnet.core.portalgo import PortAlgorithms
from rumpnet.core.reassembly import Reassembly
from rumpnet.core.route import ANY, Route
from rumpnet.core.wire import Malformed, icmp, ipv4
from rumpnet.core.wire.checksum import ones_sum
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import Errno, KernelError

ALL_HOSTS = bytes([224, 0, 0, 1])
NUMBER = [4, 2, 0]
"""net.inet.ip"""


class Ip(Internet):
    """The layer."""

    family = const.AF_INET
    ADDR_LEN = 4
    TSO = TSO4
    HEADER_LEN = ipv4.HEADER_LEN

    def __init__(self, net: Net) -> None:
        super().__init__(net, Reassembly(net.host))
        self.reassembly.on_expire = self._not_reassembled
        self.errors: Errors | None = None
        self.arp_begin: Callable[[Any, InterfaceAddr], None] = lambda iface, address: None
        self.dad_count = Knob(0, 0, 100)
        self.directed_broadcast = Knob(0, 0, 1)
        self.mtudisc = Knob(1, 0, 1)
        self.mtudisctimeout = Knob(600, 1, 1 << 30)
        self.checkinterface = Knob(0, 0, 1)
        self.anonportmin = Knob(49152, 1024, 65535)
        self.anonportmax = Knob(65535, 1024, 65535)
        self.lowportmin = Knob(600, 1, 1023)
        self.lowportmax = Knob(1023, 1, 1023)
        self.random_id = Knob(0, 0, 1)
        self.portalgo = PortAlgorithms(net.host)
        self._ident = int.from_bytes(net.host.entropy(2), "big")

    def nodes(self) -> list[Node]:
        queue = self.queue
        return [
            self.forwarding.node("net.inet.ip.forwarding", [*NUMBER, 1], "Enable forwarding of INET datagrams"),
            self.redirect.node("net.inet.ip.redirect", [*NUMBER, 2], "Enable sending of ICMP redirect messages"),
            self.ttl.node("net.inet.ip.ttl", [*NUMBER, 3], "Default TTL for an INET datagram"),
            self.anonportmin.node("net.inet.ip.anonportmin", [*NUMBER, 10], "Lowest ephemeral port number to assign"),
            self.anonportmax.node("net.inet.ip.anonportmax", [*NUMBER, 11], "Highest ephemeral port number to assign"),
            self.lowportmin.node("net.inet.ip.lowportmin", [*NUMBER, 16], "Lowest privileged ephemeral port number"),
            self.lowportmax.node("net.inet.ip.lowportmax", [*NUMBER, 17], "Highest privileged ephemeral port number"),
            self.dad_count.node("net.inet.ip.dad_count", [*NUMBER, 27], "Number of probes for a new address"),
            self.directed_broadcast.node(
                "net.inet.ip.directed-broadcast", [*NUMBER, 6], "Enable forwarding of broadcast datagrams"
            ),
            self.mtudisc.node("net.inet.ip.mtudisc", [*NUMBER, 12], "Use RFC 1191 Path MTU Discovery"),
            self.mtudisctimeout.node(
                "net.inet.ip.mtudisctimeout", [*NUMBER, 14], "Lifetime of a Path MTU Discovered route"
            ),
            self.checkinterface.node(
                "net.inet.ip.checkinterface", [*NUMBER, 20], "Enable receive side of Strong ES model"
            ),
            self.random_id.node("net.inet.ip.random_id", [*NUMBER, 22], "Assign random ip_id values"),
            number_node(
                "net.inet.ip.maxfragpackets",
                [*NUMBER, 18],
                "Maximum number of datagrams being reassembled",
                self.reassembly,
                "most",
                1,
                1024,
            ),
            *self.portalgo.nodes("net.inet.ip", NUMBER),
            Node("net.inet.ip.forwsrcrt", [*NUMBER, 8], "Forwarding of source-routed packets", lambda: 0),
            Node("net.inet.ip.allowsrcrt", [*NUMBER, 13], "Acceptance of source-routed packets", lambda: 0),
            Node("net.inet.ip.ifq.drops", [*NUMBER, 1024, 1026], "Packets dropped", lambda: queue.drops),
            Node("net.inet.ip.ifq.len", [*NUMBER, 1024, 1024], "Current queue length", lambda: len(queue)),
            Node("net.inet.ip.ifq.maxlen", [*NUMBER, 1024, 1025], "Maximum queue length", lambda: queue.limit),
        ]

    # -- out

    def route(self, dst: bytes) -> Route:
        if dst == BROADCAST:
            return self._broadcast_route()
        return self.routes.lookup(dst)

    def _broadcast_route(self) -> Route:
        """To all of the link: by the table, else out of the first interface that can."""
        try:
            return self.routes.lookup(BROADCAST)
        except KernelError:
            for iface in self.interfaces.by_name.values():
                if iface.up and iface.flags & const.IFF_BROADCAST and iface.ipv4():
                    return self.route_via(iface, BROADCAST)
            raise

    def route_via(self, iface: Iface, dst: bytes) -> Route:
        return Route(dst, 32, iface, b"", const.RTF_UP | const.RTF_HOST, self.source_on(iface, dst))

    def next_ident(self) -> int:
        if self.random_id.value:
            return int.from_bytes(self.host.entropy(2), "big") or 1
        self._ident = self._ident + 1 & 0xFFFF
        return self._ident

    def send(
        self, route: Route, src: bytes, dst: bytes, protocol: int, packet: Packet, *, hop_limit: int = 0,
        tclass: int = 0, dont_fragment: bool = False, options: bytes | None = None, loop: bool = True,
    ) -> None:  # fmt: skip
        length = packet.length
        if length + ipv4.HEADER_LEN + len(options or b"") > ipv4.MAX_LEN:
            raise KernelError(Errno.EMSGSIZE, f"{length} bytes are too long for a packet")
        ident = self.next_ident()
        word = ipv4.DONT_FRAGMENT if dont_fragment else 0
        packet.prepend(
            ipv4.emit(
                src, dst, protocol, length, max(hop_limit, 0) or self.ttl.value, tclass, ident, word, options or b""
            )
        )
        self.stats["packets sent from this host"] += 1
        if dst[0] >= 224 or dst in self.interfaces.broadcasts:
            self._loop(route.iface, packet, dst, loop=loop)
        if hop_limit >= 0:
            self.output(route, packet, dst)

    def _loop(self, iface: Iface, packet: Packet, dst: bytes, *, loop: bool) -> None:
        """Groups and broadcasts are for us as well; Ethernet does not bring them back (IFF_SIMPLEX)."""
        group = dst[0] < 240
        if not iface.loopback and (loop and dst in iface.groups if group else iface.flags & const.IFF_SIMPLEX):
            self.queue.put(iface, packet.copy().arrived(), IPV4)

    def _fragment(self, iface: Iface, packet: Packet, hop: bytes, dst: bytes, mtu: int) -> None:
        """Options that are to be copied go into every fragment. Forwarded fragments are cut further."""
        view = packet.view()
        length = (view[0] & 0xF) * 4
        _, tos, _, ident, word, ttl, protocol, _, src, _ = ipv4.HEADER.unpack_from(view)
        if word & ipv4.DONT_FRAGMENT:
            raise KernelError(Errno.EMSGSIZE, f"{len(view)} bytes do not go through {iface.name} in one piece")
        step = (mtu - length) // ipv4.UNIT * ipv4.UNIT
        if step <= 0:
            raise KernelError(Errno.EMSGSIZE, f"interface {iface.name} takes packets of {mtu} bytes at most")
        self.stats["output datagrams fragmented"] += 1
        first, more = word & ipv4.OFFSET_MASK, word & ipv4.MORE_FRAGMENTS
        options = bytes(view[ipv4.HEADER_LEN : length])
        payload = view[length:]
        for begin in range(0, len(payload), step):
            part = payload[begin : begin + step]
            rest = ipv4.MORE_FRAGMENTS if begin + len(part) < len(payload) else more
            header = ipv4.emit(
                src, dst, protocol, len(part), ttl, tos, ident, rest | first + begin // ipv4.UNIT, options
            )
            if not begin:
                options = ipv4.copied(options)
            self._hand_over(iface, Packet(header, part), hop, dst)
            self.stats["fragments created"] += 1

    def path_mtu(self, route: Route, dst: bytes) -> int:
        return route.mtu or route.iface.mtu

    def pseudo(self, src: bytes, dst: bytes, protocol: int, length: int) -> int:
        return ones_sum(src + dst) + protocol + length

    def select_source(self, route: Route, dst: bytes) -> bytes:
        return route.src or self.source_on(route.iface, route.gateway or dst)

    def source_on(self, iface: Iface, dst: bytes) -> bytes:
        """The address of an interface that is best to send from: of the same network, else the first."""
        usable = [a for a in iface.addresses if len(a.addr) == 4 and a.usable]
        found = [a for a in usable if a.holds(dst)] or usable
        return max(found, key=lambda a: a.prefixlen if a.holds(dst) else 0).addr if found else ANY

    # -- in

    def _input(self, iface: Iface, packet: Packet) -> None:
        header = ipv4.Packet(packet.view())
        packet.trim(len(header.view))
        if self.hooks:
            kept = self.filter(iface, packet, out=False)
            if kept is None:
                return
            if kept is not packet or kept.parts[0] is not header.view:
                packet, header = kept, ipv4.Packet(kept.view())
        dst = header.dst
        if header.header_len > ipv4.HEADER_LEN:
            found = self._options(iface, packet, header)
            if found is None:
                return
            packet, header = found
        if dst not in self.interfaces.owners and not self.is_ours(dst, iface):
            self.forward(iface, packet, header)
            return
        if dst[0] == 127 and not iface.loopback:
            self.stats["packets with a loopback address from outside"] += 1
            return
        if self.checkinterface.value and self.interfaces.owners.get(dst, iface) is not iface and not iface.loopback:
            self.stats["packets for an address of another interface"] += 1
            return
        if header.fragment & (ipv4.MORE_FRAGMENTS | ipv4.OFFSET_MASK):
            self.stats["fragments received"] += 1
            whole = self.reassembly.add(header)
            if whole is None:
                return
            self.stats["packets reassembled ok"] += 1
            header = ipv4.Packet(whole)
            packet = packet.like(header.view)
            packet.csum_valid, packet.csum_offset, packet.gso_size = False, 0, 0
        packet.strip(header.header_len)
        self.deliver(iface, packet, header)

    def _options(self, iface: Iface, packet: Packet, header: ipv4.Packet) -> tuple[Packet, ipv4.Packet] | None:
        """Lets the options have their effect. None when one ends the packet's way, of which its sender is told."""
        options = bytearray(header.options)
        try:
            changed = ipopts.process(options, self._recorded(iface, header.dst), self.host.realtime_ns() // 10**6)
        except ipopts.Refused as refused:
            self.stats["packets with bad or refused options"] += 1
            kind, code, rest = icmp.PARAMETER_PROBLEM, 0, refused.at << 24
            if refused.at < 0:
                kind, code, rest = icmp.UNREACHABLE, icmp.SOURCE_ROUTE_FAILED, 0
            self.error(iface, header, kind, code, rest, cast=packet.link_cast)
            return None
        if not changed:
            return packet, header
        view = header.view
        head = ipv4.emit(
            header.src, header.dst, header.protocol, len(view) - header.header_len, header.hop_limit, header.tclass,
            header.ident, header.fragment, bytes(options),
        )  # fmt: skip
        packet = packet.like(head, view[header.header_len :])
        return packet, ipv4.Packet(packet.view())

    def _recorded(self, iface: Iface, dst: bytes) -> bytes:
        """The address that is recorded: ours that it goes to, or that of the interface it leaves by."""
        if dst in self.interfaces.owners:
            return dst
        try:
            return self.source_on(self.routes.lookup(dst).iface, dst)
        except KernelError:
            return self.source_on(iface, dst)

    def deliver(self, iface: Iface, packet: Packet, header: ipv4.Packet) -> None:
        """Hands a packet for us to its protocol."""
        upper = self.protocols.get(header.protocol)
        if upper is not None:
            upper.input(self, iface, header.src, header.dst, packet, header)
            return
        if self.raw is not None and self.raw.wants(header.protocol):
            self.raw.input(self, iface, header.src, header.dst, packet, header)
            return
        self.stats["packets for unknown/unsupported protocol"] += 1
        self.error(iface, header, icmp.UNREACHABLE, icmp.PROTOCOL_UNREACHABLE, cast=packet.link_cast)

    def is_ours(self, dst: bytes, iface: Iface | None = None) -> bool:
        if dst in self.interfaces.owners or dst == BROADCAST:
            return True
        if dst in self.interfaces.broadcasts:  # those of other networks of ours are to be forwarded, or not
            return iface is None or iface.loopback or any(a.broadcast == dst for a in iface.addresses)
        if 224 <= dst[0] < 240:
            return dst in iface.groups if iface else any(dst in i.groups for i in self.interfaces.by_name.values())
        return False

    # -- on

    def forward(self, iface: Iface, packet: Packet, header: ipv4.Packet) -> None:
        """Sends a packet on that is not for us, if we are a router. Packets of 127/8 and multicast ones stay here."""
        src, dst = header.src, header.dst
        if (
            not self.forwarding.value or packet.link_cast or src[0] in (0, 127) or dst[0] in (0, 127)
            or src[0] >= 224 or dst[0] >= 224
        ):  # fmt: skip
            self.stats["packets not forwardable"] += 1
            return
        if header.hop_limit <= 1:
            self.error(iface, header, icmp.TIME_EXCEEDED, icmp.TTL_IN_TRANSIT)
            return
        mtu = 0
        try:
            route = self.routes.lookup(dst)
            mtu = self.path_mtu(route, dst)
            if route.flags & const.RTF_BROADCAST and not self.directed_broadcast.value:
                self.stats["packets not forwardable"] += 1
                return
            self._redirect(iface, route, header)
            self._pass_on(route, packet, header)
            self.stats["packets forwarded"] += 1
        except KernelError as error:
            self._not_forwarded(iface, header, error, mtu)

    def _pass_on(self, route: Route, packet: Packet, header: ipv4.Packet) -> None:
        """The time to live counts down, and the checksum goes with it (RFC 1624)."""
        length = header.header_len
        head = bytearray(header.view[:length])
        head[8] -= 1
        found = (head[10] << 8 | head[11]) + 0x100
        found = (found & 0xFFFF) + (found >> 16)
        head[10], head[11] = found >> 8, found & 0xFF
        self.output(route, packet.like(head, header.view[length:]), header.dst)

    def _not_forwarded(self, iface: Iface, header: ipv4.Packet, error: KernelError, mtu: int) -> None:
        if error.errno == Errno.EMSGSIZE:
            self.error(iface, header, icmp.UNREACHABLE, icmp.NEEDS_FRAGMENTATION, mtu)
        elif error.errno != Errno.ENOBUFS:
            self.stats["packets not forwardable"] += 1
            self.error(iface, header, icmp.UNREACHABLE, icmp.HOST_UNREACHABLE)

    def _redirect(self, iface: Iface, route: Route, header: ipv4.Packet) -> None:
        """Tells a host on the link of a better router there: the packet leaves as it came (RFC 1812, 5.2.7.2)."""
        if route.iface is not iface or not self.redirect.value or iface.loopback or self.errors is None:
            return
        if route.flags & (const.RTF_DYNAMIC | const.RTF_MODIFIED) or header.header_len > ipv4.HEADER_LEN:
            return
        if any(a.holds(header.src) for a in iface.addresses):
            self.errors.redirect(iface, header, route.gateway or header.dst)

    # -- addresses

    def add_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Gives an interface an address, in place of the same one: its routes, and ARP's announcement. ENOBUFS."""
        before = self.interfaces.address(address.addr)
        if before is not None and before in iface.addresses:
            self.remove_address(iface, before)
        if len(iface.addresses) >= ADDRESSES_MAX:
            raise KernelError(Errno.ENOBUFS, f"{iface.name} has {ADDRESSES_MAX} addresses")
        if not address.broadcast and iface.flags & const.IFF_BROADCAST and address.prefixlen < 31:
            address.broadcast = (address.network | ~address.mask & 0xFFFFFFFF).to_bytes(4, "big")
        if not iface.up:
            iface.set_up(True)
        self.interfaces.add_address(iface, address)
        self._own_route(iface, address)
        self._connected_route(iface, address)
        if isinstance(iface, Ethernet):
            self.arp_begin(iface, address)
        if iface.flags & const.IFF_MULTICAST and ALL_HOSTS not in iface.groups:
            self.join(iface, ALL_HOSTS)

    def _own_route(self, iface: Iface, address: InterfaceAddr) -> None:
        lo0 = self.interfaces.by_name.get("lo0")
        if lo0 is not None and self.routes.find(address.addr, 32) is None:
            flags = const.RTF_LOCAL
            self.routes.add(address.addr, 32, lo0, flags=flags, src=address.addr, owner=iface)

    def _connected_route(self, iface: Iface, address: InterfaceAddr) -> None:
        dst, prefixlen = address.addr, address.prefixlen
        if address.destination:
            dst, prefixlen = address.destination, 32
        if self.routes.find(dst, prefixlen) is None:
            flags = 0 if prefixlen == 32 else const.RTF_CONNECTED
            self.routes.add(dst, prefixlen, iface, flags=flags, src=address.addr)
        if address.broadcast and self.routes.find(address.broadcast, 32) is None:
            self.routes.add(address.broadcast, 32, iface, flags=const.RTF_BROADCAST, src=address.addr)

    def remove_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Takes an address away, and the routes that stand on it."""
        self.interfaces.remove_address(iface, address)
        if not iface.ipv4() and ALL_HOSTS in iface.groups:
            self.leave(iface, ALL_HOSTS)
        addr = address.addr
        self.routes.remove_where(
            lambda r: len(r.dst) == 4 and (r.src == addr or (r.dst == addr and bool(r.flags & const.RTF_LOCAL)))
        )
        for other in list(self.interfaces.by_name.values()):
            for left in other.ipv4():
                self._own_route(other, left)
                self._connected_route(other, left)

    def accept_advertisements(self, iface: Iface) -> None:
        raise KernelError(Errno.EAFNOSUPPORT, "IPv4 has no router advertisements")

    def address_ready(self, iface: Iface, address: InterfaceAddr) -> None:
        """Nobody else has it."""
        self.interfaces.changed_address(iface, address)

    def address_duplicated(self, iface: Iface, address: InterfaceAddr) -> None:
        """Somebody else has it: it stays, and is not used."""
        self.stats["addresses found to be duplicates"] += 1
        self.interfaces.changed_address(iface, address)

    # -- errors

    def error(
        self, iface: Iface | None, header: ipv4.Packet, kind: int, code: int, rest: int = 0, *, cast: bool = False
    ) -> None:
        """Tells the sender of a packet what became of it."""
        if self.errors is not None and not cast:
            self.errors.send_error(iface, header, kind, code, rest)

    def _not_reassembled(self, fragment: Any) -> None:
        self.error(None, fragment, icmp.TIME_EXCEEDED, icmp.TTL_IN_REASSEMBLY)

    def port_unreachable(self, header: ipv4.Packet, packet: Packet) -> None:
        self.error(None, header, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE, cast=packet.link_cast)

    def host_down(self, iface: Iface, packet: Packet) -> None:
        """A packet waited for a neighbour that does not answer: its sender, who may be ourselves, is told."""
        try:
            self.error(iface, ipv4.Packet(packet.view()), icmp.UNREACHABLE, icmp.HOST_UNREACHABLE)
        except Malformed:
            self.stats["packets not forwardable"] += 1

"""Multicast listeners (RFC 2710, RFC 3810): tells routers which groups of IPv6 are wanted here."""

from __future__ import annotations

from rumpnet.core.groups import Groups
from rumpnet.core.icmp6 import Icmp6Layer
from rumpnet.core.iface import Iface
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY6
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.zone import link_local, with_zone, without_zone
from rumpwire.errno import KernelError

ALL_NODES = b"\xff\x02" + bytes(13) + b"\1"
ALL_ROUTERS = b"\xff\x02" + bytes(13) + b"\2"
V2_ROUTERS = b"\xff\x02" + bytes(13) + b"\x16"
ROUTER_ALERT = ipv6.hop_by_hop(bytes([ipv6.ROUTER_ALERT, 2, 0, 0]))
MS = 10**6


class Mld:
    """The protocol."""

    def __init__(self, icmp: Icmp6Layer) -> None:
        self.icmp = icmp
        self.ip6 = icmp.ip6
        self.groups = Groups(self.ip6.host, self)
        self.ip6.groups = self.groups
        icmp.handlers[icmp6.LISTENER_QUERY] = self.queried
        icmp.handlers[icmp6.LISTENER_REPORT] = self.heard

    def queried(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """A router asks. Malformed."""
        payload = message.payload
        if not link_local(header.src) or header.hop_limit != 1 or len(payload) < 16:
            raise Malformed("a query from elsewhere, or cut off")
        version = 3 if len(message.view) >= icmp6.QUERY2_LEN else 2
        code = message.rest >> 16
        longest = code if version == 2 or code < 32768 else (code & 0xFFF | 0x1000) << (code >> 12 & 7) + 3
        group = with_zone(bytes(payload[:16]), iface.index)
        self.groups.query(iface, group if group != ANY6 else None, longest * MS, version)

    def heard(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """Another host has reported a group."""
        if len(message.payload) >= 16:
            self.groups.heard(iface, with_zone(bytes(message.payload[:16]), iface.index))

    # -- what `Groups` asks for

    def reported(self, group: bytes) -> bool:
        return len(group) == 16 and without_zone(group) != ALL_NODES and group[1] & 0xF > 1

    def report(self, iface: Iface, group: bytes, version: int, *, change: bool) -> None:
        if version == 3:
            self._records(iface, icmp6.TO_EXCLUDE if change else icmp6.IS_EXCLUDE, group)
        else:
            self._send(iface, group, icmp6.LISTENER_REPORT, 0, without_zone(group))

    def leave(self, iface: Iface, group: bytes, version: int) -> None:
        if version == 3:
            self._records(iface, icmp6.TO_INCLUDE, group)
        else:
            self._send(iface, ALL_ROUTERS, icmp6.LISTENER_DONE, 0, without_zone(group))

    def _records(self, iface: Iface, kind: int, group: bytes) -> None:
        rest, payload = icmp6.report2([(kind, without_zone(group))])
        self._send(iface, V2_ROUTERS, icmp6.LISTENER_REPORT2, rest, payload)

    def _send(self, iface: Iface, dst: bytes, kind: int, rest: int, payload: bytes) -> None:
        """From the link-local address, or from nobody while there is none yet (RFC 3590)."""
        dst = with_zone(dst, iface.index)
        src = next((a.addr for a in iface.ipv6() if link_local(a.addr) and a.usable), ANY6)
        try:
            route = self.ip6.route_via(iface, dst)
            pseudo = self.ip6.pseudo(src, dst, icmp6.PROTOCOL, icmp6.HEADER_LEN + len(payload))
            packet = Packet(icmp6.Icmp6(kind, 0, rest, payload).emit(pseudo))
            self.ip6.send(route, src, dst, icmp6.PROTOCOL, packet, hop_limit=1, options=ROUTER_ALERT, loop=False)
            self.icmp.stats[f"output type {kind}"] += 1
        except KernelError:
            self.icmp.stats["messages that could not be sent"] += 1

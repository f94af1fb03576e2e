"""ARP (arp(4), RFC 826): asks for and tells link-level addresses of IPv4; probes and announces ours (RFC 5227)."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from rumpnet.core import route
from rumpnet.core.iface import ARP, DUPLICATED, IPV4, TENTATIVE, Iface, InterfaceAddr, Listener
from rumpnet.core.neighbour import SECOND, Neighbour, Policy
from rumpnet.core.net import Knob, Node
from rumpnet.core.packet import Packet
from rumpnet.core.route import text
from rumpnet.core.wire import Malformed, arp, ethernet
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.ip import Ip

log = logging.getLogger(__name__)
NUMBER = [4, 2, 1027]
"""net.inet.arp; the original makes the number up at boot too."""
PROBE_WAIT = SECOND
"""Between probes; RFC 5227 allows one to two seconds."""
DEFEND_INTERVAL = 10 * SECOND
_NOBODY = bytes(6)


class Arp(Listener):
    """The protocol."""

    ethertype = IPV4

    def __init__(self, ip: Ip) -> None:
        self.ip = ip
        self.net = ip.net
        self.stats: Counter[str] = Counter()
        self.keep = Knob(1200, 1, 1 << 30)
        self.down = Knob(20, 0, 1 << 30)
        self.tries = Knob(5, 1, 255)
        self.proxy_all = Knob(0, 0, 1)
        self.log_movements = Knob(0, 0, 1)
        self.log_permanent_modify = Knob(1, 0, 1)
        self.log_unknown_network = Knob(0, 0, 1)
        self.log_wrong_iface = Knob(0, 0, 1)
        ip.arp_begin = self.begin
        self._ready: set[Iface] = set()
        self._defended: dict[bytes, int] = {}

    def nodes(self) -> list[Node]:
        return [
            self.keep.node("net.inet.arp.keep", [*NUMBER, 1], "Seconds that a valid ARP entry lives"),
            self.down.node("net.inet.arp.down", [*NUMBER, 2], "Seconds for which a host that is down is left alone"),
            self.tries.node("net.inet.arp.maxtries", [*NUMBER, 3], "How often a host is asked for"),
            self.proxy_all.node("net.inet.arp.proxyall", [*NUMBER, 4], "Answer for whatever we forward to elsewhere"),
            *self._log_nodes(),
        ]

    def _log_nodes(self) -> list[Node]:
        path = "net.inet.arp.log_"
        return [
            self.log_movements.node(f"{path}movements", [*NUMBER, 5], "Log hosts whose link address changes"),
            self.log_permanent_modify.node(
                f"{path}permanent_modify", [*NUMBER, 6], "Log attempts to change permanent entries"
            ),
            self.log_unknown_network.node(f"{path}unknown_network", [*NUMBER, 7], "Log hosts of networks not ours"),
            self.log_wrong_iface.node(f"{path}wrong_iface", [*NUMBER, 8], "Log hosts that are on another interface"),
        ]

    # -- in

    def input(self, iface: Iface, packet: Packet) -> None:
        """Takes an ARP packet. Whatever is in it, nothing is raised."""
        self.stats["packets received"] += 1
        if not isinstance(iface, Ethernet) or iface.flags & const.IFF_NOARP:
            return
        try:
            self._input(iface, arp.Packet(packet.view()))
        except Malformed:
            self.stats["packets with unsupported or bad contents"] += 1
        except KernelError:
            self.stats["packets dropped: no room for another neighbour"] += 1

    def _input(self, iface: Ethernet, packet: arp.Packet) -> None:
        sender, lladdr = packet.sender, packet.sender_lladdr
        if lladdr == iface.lladdr:
            return
        if lladdr[0] & 1 or sender[0] >= 224:
            raise Malformed("a sender that is a group")
        if self._conflict(iface, packet):
            return
        ours = next((a for a in iface.addresses if a.addr == packet.target), None)
        if sender != route.ANY:
            answer = packet.operation == arp.REPLY and packet.target_lladdr == iface.lladdr
            for_us = ours is not None and ours.usable
            if self._on_link(iface, sender):
                self._learn(iface, sender, lladdr, confirmed=answer, create=for_us)
        if packet.operation == arp.REQUEST:
            self._answer(iface, packet, ours)

    def _learn(self, iface: Ethernet, sender: bytes, lladdr: bytes, *, confirmed: bool, create: bool) -> None:
        entry = iface.neighbours.entries.get(sender)
        if entry is not None and entry.permanent and entry.lladdr != lladdr:
            self.stats["attempts to overwrite a permanent entry"] += 1
            if self.log_permanent_modify.value:
                log.warning("%s: %s tries to be the permanent %s", iface.name, lladdr.hex(":"), text(sender))
            return
        if entry is not None and entry.lladdr and entry.lladdr != lladdr and self.log_movements.value:
            log.warning("%s: %s moves from %s to %s", iface.name, text(sender), entry.lladdr.hex(":"), lladdr.hex(":"))
        if entry is not None or create:
            iface.neighbours.learn(sender, lladdr, confirmed=confirmed)

    def _on_link(self, iface: Ethernet, addr: bytes) -> bool:
        try:
            found = self.net.routes.lookup(addr)
        except KernelError:
            found = None
        if found is None or found.gateway:
            if self.log_unknown_network.value:
                log.warning("%s: ARP from %s, of an unknown network", iface.name, text(addr))
            return False
        if found.iface is not iface and self.log_wrong_iface.value:
            log.warning("%s: ARP from %s, which is on %s", iface.name, text(addr), found.iface.name)
        return found.iface is iface

    def _conflict(self, iface: Ethernet, packet: arp.Packet) -> bool:
        """Somebody else uses an address of ours, or probes for one that we probe for (RFC 5227, 2.1.1, 2.4)."""
        for address in iface.addresses:
            probing = address.flags & TENTATIVE and packet.sender == route.ANY and packet.target == address.addr
            if address.addr != packet.sender and not probing:
                continue
            self.stats["packets with a duplicate of our address"] += 1
            if address.flags & TENTATIVE:
                address.flags = address.flags & ~TENTATIVE | DUPLICATED
                self.ip.address_duplicated(iface, address)
            elif not address.flags & DUPLICATED:
                self._defend(iface, address.addr)
            return True
        return False

    def _defend(self, iface: Ethernet, addr: bytes) -> None:
        now = self.net.host.monotonic_ns()
        if now - self._defended.get(addr, -DEFEND_INTERVAL) >= DEFEND_INTERVAL:
            self._defended[addr] = now
            self.announce(iface, addr)

    def _answer(self, iface: Ethernet, packet: arp.Packet, ours: InterfaceAddr | None) -> None:
        if ours is not None and ours.usable:
            self.reply(iface, packet, iface.lladdr)
            return
        entry = iface.neighbours.entries.get(packet.target)
        if entry is not None and entry.published:
            self.reply(iface, packet, entry.lladdr)
        elif self.proxy_all.value and self.ip.forwarding.value and packet.sender != route.ANY:
            self._answer_for_others(iface, packet)

    def _answer_for_others(self, iface: Ethernet, packet: arp.Packet) -> None:
        try:
            found = self.net.routes.lookup(packet.target)
        except KernelError:
            return
        if found.iface is not iface and not found.flags & (const.RTF_LOCAL | const.RTF_BLACKHOLE):
            self.reply(iface, packet, iface.lladdr)

    # -- out

    def reply(self, iface: Ethernet, request: arp.Packet, lladdr: bytes) -> None:
        answer = arp.Arp(arp.REPLY, lladdr, request.target, request.sender_lladdr, request.sender)
        self._send(iface, request.sender_lladdr, answer)

    def request(self, iface: Ethernet, sender: bytes, target: bytes, to: bytes | None = None) -> None:
        self._send(iface, to or ethernet.BROADCAST, arp.Arp(arp.REQUEST, iface.lladdr, sender, _NOBODY, target))

    def announce(self, iface: Ethernet, addr: bytes) -> None:
        """Tells all of an address of ours, which also makes others forget who had it before."""
        self.request(iface, addr, addr)

    def _send(self, iface: Ethernet, to: bytes, message: arp.Arp) -> None:
        self.stats["requests sent" if message.operation == arp.REQUEST else "replies sent"] += 1
        iface.send(Packet(message.emit()), iface.header(to, ARP))

    # -- the cache asks

    def policy(self, iface: Ethernet) -> Policy:
        return Policy(self.tries.value, SECOND, self.keep.value * SECOND, self.down.value * SECOND)

    def solicit(self, iface: Ethernet, addr: bytes, lladdr: bytes | None, waiting: Packet | None) -> None:
        self.request(iface, self.ip.source_on(iface, addr), addr, lladdr)

    def undeliverable(self, iface: Ethernet, packet: Packet) -> None:
        self.stats["packets dropped: nobody answers"] += 1
        self.ip.host_down(iface, packet)

    def changed(self, iface: Ethernet, entry: Neighbour, *, gone: bool) -> None:
        self.net.neighbour_changed(iface, entry, gone=gone)

    # -- our addresses

    def begin(self, iface: Ethernet, address: InterfaceAddr) -> None:
        """Probes for a new address, net.inet.ip.dad_count times, then announces it; at once when that is 0."""
        if not self.ip.dad_count.value or not iface.up or iface.flags & const.IFF_NOARP:
            address.flags &= ~TENTATIVE
            if iface.up:
                self.announce(iface, address.addr)
            return
        address.flags |= TENTATIVE
        self._probe(iface, address, self.ip.dad_count.value)

    def _probe(self, iface: Ethernet, address: InterfaceAddr, left: int) -> None:
        if address not in iface.addresses or not address.flags & TENTATIVE:
            return
        if not left:
            address.flags &= ~TENTATIVE
            self.announce(iface, address.addr)
            self.ip.address_ready(iface, address)
            return
        self.request(iface, route.ANY, address.addr)
        host = self.net.host
        host.call_at(host.monotonic_ns() + PROBE_WAIT, lambda: self._probe(iface, address, left - 1))

    def iface_changed(self, iface: Iface) -> None:
        """One that came up probes for its addresses again, and tells routers of its groups."""
        ready = iface.up and iface.link_up
        if not ready:
            self._ready.discard(iface)
            self.ip.groups.forget(iface)
        elif iface not in self._ready:
            self._ready.add(iface)
            self.ip.groups.again(iface, 4)
            if isinstance(iface, Ethernet):
                for address in iface.ipv4():
                    self.begin(iface, address)

    def iface_gone(self, iface: Iface) -> None:
        self._ready.discard(iface)
        self.ip.groups.forget(iface)

    def lladdr_changed(self, iface: Iface) -> None:
        if isinstance(iface, Ethernet):
            for address in iface.ipv4():
                self.announce(iface, address.addr)

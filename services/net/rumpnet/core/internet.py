"""What the two internet layers do alike: hooks, what leaves through a route, what comes in, and what they hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rumpnet.core.iface import CSUM, Iface, InterfaceAddr
from rumpnet.core.layer import Hook, Raw, Upper
from rumpnet.core.net import Knob
from rumpnet.core.offload import finish_checksum, segments
from rumpnet.core.wire import Malformed
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.groups import Groups
    from rumpnet.core.net import Net
    from rumpnet.core.packet import Packet
    from rumpnet.core.reassembly import Reassembly
    from rumpnet.core.route import Route

BROADCAST = b"\xff\xff\xff\xff"


class Internet:
    """The base of `Ip` and `Ip6`. ``stats`` counts what happened to packets, by names as ``netstat -s`` has them."""

    ADDR_LEN = 0
    TSO = 0
    """The capability of interfaces that cut segments of this family."""

    def __init__(self, net: Net, reassembly: Reassembly) -> None:
        self.net = net
        self.host = net.host
        self.queue = net.queue
        self.interfaces = net.interfaces
        self.routes = net.routes
        self.reassembly = reassembly
        self.groups: Groups
        self.protocols: dict[int, Upper] = {}
        self.raw: Raw | None = None
        """Who gets what no protocol here takes."""
        self.hooks: list[Hook] = []
        self.stats: Counter[str] = Counter()
        self.ttl = Knob(64, 1, 255)
        self.forwarding = Knob(0, 0, 1)
        self.redirect = Knob(1, 0, 1)

    # -- what the families define

    def route(self, dst: bytes) -> Route:
        raise NotImplementedError

    def select_source(self, route: Route, dst: bytes) -> bytes:
        raise NotImplementedError

    def path_mtu(self, route: Route, dst: bytes) -> int:
        raise NotImplementedError

    def remove_address(self, iface: Iface, address: InterfaceAddr) -> None:
        raise NotImplementedError

    def _input(self, iface: Iface, packet: Packet) -> None:
        raise NotImplementedError

    def _fragment(self, iface: Iface, packet: Packet, hop: bytes, dst: bytes, mtu: int) -> None:
        raise NotImplementedError

    # -- out

    def source_for(self, dst: bytes) -> bytes:
        return self.select_source(self.route(dst), dst)

    def output(self, route: Route, packet: Packet, dst: bytes, *, dont_fragment: bool = False) -> None:
        """Sends a packet that has its header: whole, cut, or in fragments."""
        if route.flags & const.RTF_BLACKHOLE:
            return
        iface = route.iface
        if self.hooks:
            kept = self.filter(iface, packet, out=True)
            if kept is None:
                return
            packet = kept
        route.use += 1
        hop = route.gateway or (BROADCAST if dst in self.interfaces.broadcasts else dst)
        mtu = self.path_mtu(route, dst)
        if packet.pieces is not None:
            mtu = min(mtu, packet.pieces[1])
        if packet.length <= mtu and not (packet.csum_offset and not iface.capabilities & CSUM):
            self._hand_over(iface, packet, hop, dst)
        else:
            self._fit(iface, packet, hop, dst, mtu, dont_fragment=dont_fragment)

    def _fit(self, iface: Iface, packet: Packet, hop: bytes, dst: bytes, mtu: int, *, dont_fragment: bool) -> None:
        """What the interface does not do for us."""
        if packet.gso_size and packet.length > mtu:
            if iface.capabilities & self.TSO and mtu == iface.mtu:
                self._hand_over(iface, packet, hop, dst)
                return
            for segment in segments(packet):
                self._fit(iface, segment, hop, dst, mtu, dont_fragment=dont_fragment)
            return
        if not iface.capabilities & CSUM or packet.length > mtu:
            finish_checksum(packet)
        if packet.length <= mtu:
            self._hand_over(iface, packet, hop, dst)
        elif dont_fragment:
            raise KernelError(Errno.EMSGSIZE, f"{packet.length} bytes do not go through {iface.name} in one piece")
        else:
            self._fragment(iface, packet, hop, dst, mtu)

    def _hand_over(self, iface: Iface, packet: Packet, hop: bytes, dst: bytes) -> None:
        try:
            iface.output(packet, hop)
        except KernelError as error:
            if error.errno == Errno.EHOSTDOWN and hop != dst:
                raise KernelError(Errno.EHOSTUNREACH, "the gateway does not answer") from error
            raise

    # -- in

    def input(self, iface: Iface, packet: Packet) -> None:
        """Takes a packet from an interface. Whatever is in it, nothing is raised: bad packets are dropped, counted."""
        self.stats["total packets received"] += 1
        try:
            self._input(iface, packet)
        except Malformed as error:
            self.stats[f"dropped: {type(error).__name__.lower()}"] += 1
        except KernelError as error:  # a table is full, or the answer cannot be sent: nobody is there to be told
            self.stats[f"dropped: {error.name.lower()}"] += 1

    def filter(self, iface: Iface, packet: Packet, *, out: bool) -> Packet | None:
        """Through all the hooks, until one keeps it."""
        kept: Packet | None = packet
        for hook in self.hooks:
            if kept is None:
                break
            kept = hook(iface, kept, out)
        if kept is None:
            self.stats["packets dropped by a filter"] += 1
        return kept

    # -- groups and addresses

    def join(self, iface: Iface, group: bytes) -> None:
        self.groups.join(iface, group)

    def leave(self, iface: Iface, group: bytes) -> None:
        self.groups.leave(iface, group)

    def remove_addresses(self) -> None:
        """All of this family."""
        for iface in list(self.interfaces.by_name.values()):
            for address in [a for a in iface.addresses if len(a.addr) == self.ADDR_LEN]:
                self.remove_address(iface, address)
        self.routes.remove_where(lambda route: len(route.dst) == self.ADDR_LEN)

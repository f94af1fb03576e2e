"""IGMP (igmp(4)): tells routers which groups are wanted here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rumpnet.core.groups import Groups
from rumpnet.core.iface import Iface
from rumpnet.core.neighbour import SECOND
from rumpnet.core.packet import Packet
from rumpnet.core.wire import Malformed, igmp, ipv4
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.ip import Ip
    from rumpnet.core.layer import Raw

ALL_HOSTS = bytes([224, 0, 0, 1])
ALL_ROUTERS = bytes([224, 0, 0, 2])
V3_ROUTERS = bytes([224, 0, 0, 22])
ROUTER_ALERT = bytes([ipv4.ROUTER_ALERT, 4, 0, 0])
V1_RESPONSE_NS = 10 * SECOND


class Igmp:
    """The protocol."""

    def __init__(self, ip: Ip) -> None:
        self.ip = ip
        self.groups = Groups(ip.host, self)
        self.raw: Raw | None = None
        self.stats: Counter[str] = Counter()
        ip.protocols[igmp.PROTOCOL] = self

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv4.Packet) -> None:
        self.stats["messages received"] += 1
        try:
            message = igmp.Packet(packet.view())
        except Malformed:
            self.stats["messages received with bad checksum or too few bytes"] += 1
            raise
        if message.type == igmp.QUERY:
            self._query(iface, message)
        elif message.type in (igmp.REPORT_V1, igmp.REPORT_V2):
            self.stats["membership reports received"] += 1
            self.groups.heard(iface, message.group)
        if self.raw is not None:
            self.raw.input(layer, iface, src, dst, packet, header)

    def _query(self, iface: Iface, message: igmp.Packet) -> None:
        self.stats["membership queries received"] += 1
        code = message.code
        tenths = code if code < 128 or message.version < 3 else (code & 0xF | 0x10) << (code >> 4 & 7) + 3
        longest = tenths * SECOND // 10 if message.version > 1 else V1_RESPONSE_NS
        self.groups.query(iface, message.group if any(message.group) else None, longest, message.version)

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """Nobody waits for it."""

    # -- what `Groups` asks for

    def reported(self, group: bytes) -> bool:
        return len(group) == 4 and group != ALL_HOSTS

    def report(self, iface: Iface, group: bytes, version: int, *, change: bool) -> None:
        self.stats["membership reports sent"] += 1
        if version == 3:
            self._send(iface, V3_ROUTERS, igmp.report3([(igmp.TO_EXCLUDE if change else igmp.IS_EXCLUDE, group)]))
        else:
            kind = igmp.REPORT_V2 if version == 2 else igmp.REPORT_V1
            self._send(iface, group, igmp.Igmp(kind, 0, group).emit())

    def leave(self, iface: Iface, group: bytes, version: int) -> None:
        if version == 3:
            self._send(iface, V3_ROUTERS, igmp.report3([(igmp.TO_INCLUDE, group)]))
        elif version == 2:
            self._send(iface, ALL_ROUTERS, igmp.Igmp(igmp.LEAVE, 0, group).emit())

    def _send(self, iface: Iface, dst: bytes, message: bytes) -> None:
        try:
            route = self.ip.route_via(iface, dst)
            self.ip.send(
                route, route.src, dst, const.IPPROTO_IGMP, Packet(message), hop_limit=1, tclass=0xC0,
                options=ROUTER_ALERT, loop=False,
            )  # fmt: skip
        except KernelError:
            self.stats["messages that could not be sent"] += 1

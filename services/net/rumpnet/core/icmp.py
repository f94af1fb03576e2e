"""ICMP (icmp(4)): answers requests, tells senders of lost packets, and hears what others tell us.

What others tell is believed as far as RFC 1122 and RFC 5927 go: errors go to the protocol whose packet they quote,
which knows whether it sent such a thing; a redirect has to come from the router that the route goes to, and lasts for
net.inet.icmp.redirtimeout; the MTU of a path is remembered for net.inet.ip.mtudisctimeout, and is not less than 296.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from rumpnet.core import route
from rumpnet.core.iface import Iface
from rumpnet.core.ip import Ip
from rumpnet.core.layer import Raw
from rumpnet.core.net import Knob, Node
from rumpnet.core.packet import Packet
from rumpnet.core.wire import Malformed, icmp, ipv4
from rumpwire import const
from rumpwire.errno import Errno, KernelError

NUMBER = [4, 2, 1]
"""net.inet.icmp"""
SECOND_NS = 10**9
MTU_MIN = 296
"""No path is believed to be narrower."""
PLATEAUS = (32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296)
"""Likely MTUs (RFC 1191, 7), for routers that do not tell."""
_UNREACHABLE = icmp.UNREACHABLE
# What a sender is told, by type and code of the message (inetctlerrmap).
ERRNOS = {
    (_UNREACHABLE, icmp.PORT_UNREACHABLE): Errno.ECONNREFUSED,
    (_UNREACHABLE, icmp.PROTOCOL_UNREACHABLE): Errno.ECONNREFUSED,
    (_UNREACHABLE, icmp.NEEDS_FRAGMENTATION): Errno.EMSGSIZE,
    (_UNREACHABLE, icmp.SOURCE_ROUTE_FAILED): Errno.EHOSTUNREACH,
    **{(_UNREACHABLE, code): Errno.EHOSTUNREACH for code in (0, 1, 6, 7, 8, 11, 12)},
    **{(_UNREACHABLE, code): Errno.EACCES for code in (9, 10, 13, 14, 15)},
    (icmp.TIME_EXCEEDED, icmp.TTL_IN_TRANSIT): Errno.EHOSTUNREACH,
    **{(icmp.PARAMETER_PROBLEM, code): Errno.ENOPROTOOPT for code in (0, 1)},
}
_INPUT = [f"input type {number}" for number in range(256)]
_OUTPUT = [f"output type {number}" for number in range(256)]


class IcmpLayer:
    """The protocol."""

    def __init__(self, ip: Ip) -> None:
        self.ip = ip
        self.raw: Raw | None = None
        self.stats: Counter[str] = Counter()
        self.maskrepl = Knob(0, 0, 1)
        self.returndatabytes = Knob(8, 8, 512)
        self.errppslimit = Knob(100, 0, 1 << 20)
        self.rediraccept = Knob(1, 0, 1)
        self.redirtimeout = Knob(600, 1, 1 << 30)
        self.bmcastecho = Knob(0, 0, 1)
        self._second = 0
        self._sent = 0
        ip.protocols[icmp.PROTOCOL] = self
        ip.errors = self

    def nodes(self) -> list[Node]:
        return [
            self.maskrepl.node("net.inet.icmp.maskrepl", [*NUMBER, 1], "Respond to ICMP_MASKREQ messages"),
            self.returndatabytes.node("net.inet.icmp.returndatabytes", [*NUMBER, 2], "Bytes quoted in an ICMP error"),
            self.errppslimit.node("net.inet.icmp.errppslimit", [*NUMBER, 3], "Maximum ICMP errors per second"),
            self.rediraccept.node("net.inet.icmp.rediraccept", [*NUMBER, 4], "Accept ICMP_REDIRECT messages"),
            self.redirtimeout.node("net.inet.icmp.redirtimeout", [*NUMBER, 5], "Lifetime of ICMP_REDIRECT routes"),
            self.bmcastecho.node("net.inet.icmp.bmcastecho", [*NUMBER, 7], "Respond to pings of broadcasts and groups"),
        ]

    # -- in

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv4.Packet) -> None:
        try:
            message = icmp.Packet(packet.view(), verified=packet.csum_valid)
        except Malformed:
            self.stats["bad messages"] += 1
            raise
        self.stats[_INPUT[message.type]] += 1
        if message.type in (icmp.ECHO, icmp.TIMESTAMP_REQUEST, icmp.MASK_REQUEST):
            self._asked(iface, header, message, packet)
            return
        if message.type == icmp.REDIRECT:
            self._redirected(iface, src, message)
        elif message.type in icmp.ERRORS:
            self._notify(message)
        if self.raw is not None:
            self.raw.input(layer, iface, src, dst, packet, header)

    def _asked(self, iface: Iface, header: ipv4.Packet, message: icmp.Packet, packet: Packet) -> None:
        own = header.dst in self.ip.interfaces.owners
        if header.src == route.ANY or header.src[0] >= 224 or (not own and not self.bmcastecho.value):
            return
        answer: Packet | None
        if message.type == icmp.ECHO:
            answer, kind = Packet(message.reply_header(), message.payload), icmp.ECHO_REPLY
        elif message.type == icmp.TIMESTAMP_REQUEST:
            answer, kind = self._timestamp(message), icmp.TIMESTAMP_REPLY
        else:
            answer, kind = self._mask(iface, header, message), icmp.MASK_REPLY
        if answer is not None:
            src = header.dst if own else self.ip.source_on(iface, header.src)
            options = bytes(header.options) if header.header_len > ipv4.HEADER_LEN else b""
            self._send(src, header.src, answer, tos=header.tclass, kind=kind, options=options)

    def _timestamp(self, message: icmp.Packet) -> Packet | None:
        """Times are milliseconds since midnight UTC."""
        if len(message.payload) < 12:
            return None
        now = (self.ip.host.realtime_ns() // 10**6 % 86_400_000).to_bytes(4, "big")
        payload = bytes(message.payload[:4]) + now + now
        return Packet(icmp.Icmp(icmp.TIMESTAMP_REPLY, 0, message.rest, payload).emit())

    def _mask(self, iface: Iface, header: ipv4.Packet, message: icmp.Packet) -> Packet | None:
        address = next((a for a in iface.ipv4() if a.holds(header.src)), None)
        if not self.maskrepl.value or address is None:
            return None
        return Packet(icmp.Icmp(icmp.MASK_REPLY, 0, message.rest, address.mask.to_bytes(4, "big")).emit())

    def _notify(self, message: icmp.Packet) -> None:
        """Passes an error on to the protocol of the packet that the message quotes."""
        errno = ERRNOS.get((message.type, message.code))
        about, payload = quoted(message.payload)
        upper = self.ip.protocols.get(about.protocol)
        if errno is None or not self.ip.interfaces.owner(about.src):
            return
        mtu = 0
        if errno == Errno.EMSGSIZE:
            mtu = self._next_mtu(message)
            if self.ip.mtudisc.value:
                self.learn_mtu(about.dst, mtu)
        if upper is not None and upper is not self:
            upper.notify(self.ip, about.src, about.dst, payload, errno, mtu)

    def _next_mtu(self, message: icmp.Packet) -> int:
        told: int = message.rest & 0xFFFF
        if not told:
            total = int.from_bytes(message.payload[2:4], "big")
            told = next((plateau for plateau in PLATEAUS if plateau < total), MTU_MIN)
        return max(told, MTU_MIN)

    def learn_mtu(self, dst: bytes, mtu: int) -> None:
        """Remembers how wide the path to a destination is, as long as net.inet.ip.mtudisctimeout says."""
        try:
            found = self.ip.routes.host(dst)
        except KernelError:
            return
        if found is not None and mtu < (found.mtu or found.iface.mtu):
            until = self.ip.host.monotonic_ns() + self.ip.mtudisctimeout.value * SECOND_NS
            expires = until if found.flags & const.RTF_DYNAMIC else None
            self.ip.routes.change(found, mtu=mtu, expires_ns=expires)
            self.stats["path MTUs learned"] += 1

    def _redirected(self, iface: Iface, src: bytes, message: icmp.Packet) -> None:
        """Another router is nearer to a destination (RFC 1122, 3.2.2.2)."""
        about, _ = quoted(message.payload)
        gateway = message.rest.to_bytes(4, "big")
        table = self.ip.routes
        if not self.rediraccept.value or message.code > 3:
            return
        try:
            now, on_link = table.lookup(about.dst), table.lookup(gateway)
        except KernelError:
            return
        known = gateway in self.ip.interfaces.owners
        if now.gateway != src or now.iface is not iface or on_link.iface is not iface or on_link.gateway or known:
            self.stats["redirects that were not believed"] += 1
            return
        table.redirect(about.dst, gateway, src, self.ip.host.monotonic_ns() + self.redirtimeout.value * SECOND_NS)

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """Nobody here waits for what became of our own messages."""

    # -- out

    def send_error(self, iface: Iface | None, about: ipv4.Packet, kind: int, code: int, rest: int = 0) -> None:
        """Tells the sender of a packet, unless nobody may be told of it (RFC 1122, 3.2.2) or too much was told."""
        if not self._tellable(about) or not self._below_limit():
            self.stats["errors not generated"] += 1
            return
        quote = bytes(about.view[: about.header_len + self.returndatabytes.value])
        src = about.dst if self.ip.interfaces.owner(about.dst) else route.ANY
        if src == route.ANY and iface is not None:
            src = self.ip.source_on(iface, about.src)
        tos = about.tclass if kind == icmp.REDIRECT else 0xC0
        self._send(src, about.src, Packet(icmp.Icmp(kind, code, rest, quote).emit()), tos=tos, kind=kind)

    def redirect(self, iface: Iface, about: ipv4.Packet, gateway: bytes) -> None:
        """Tells a host of the better gateway for a destination."""
        self.send_error(iface, about, icmp.REDIRECT, icmp.REDIRECT_HOST, int.from_bytes(gateway, "big"))

    def _tellable(self, about: ipv4.Packet) -> bool:
        if about.offset or len(about.payload) < 8 or about.src == route.ANY:
            return False
        if about.src[0] >= 224 or about.dst[0] >= 224 or about.dst in self.ip.interfaces.broadcasts:
            return False
        return about.protocol != icmp.PROTOCOL or about.payload[0] not in icmp.ERRORS

    def _below_limit(self) -> bool:
        second = self.ip.host.monotonic_ns() // SECOND_NS
        if second != self._second:
            self._second, self._sent = second, 0
        self._sent += 1
        return self._sent <= self.errppslimit.value

    def _send(self, src: bytes, dst: bytes, message: Packet, *, tos: int, kind: int, options: bytes = b"") -> None:
        """Nobody waits for it: one that cannot be sent is counted."""
        try:
            found = self.ip.route(dst)
            src = src if src != route.ANY else self.ip.source_for(dst)
            self.ip.send(found, src, dst, icmp.PROTOCOL, message, hop_limit=255, tclass=tos, options=options)
            self.stats[_OUTPUT[kind]] += 1
        except KernelError:
            self.stats["messages that could not be sent"] += 1


def quoted(payload: memoryview | bytes) -> tuple[ipv4.Ipv4, memoryview]:
    """Header and beginning of the packet that an error is about. Malformed.

    The packet is cut short, so that its total length does not fit; and routers may have changed it on its way.
    """
    if len(payload) < ipv4.HEADER_LEN + 8:
        raise Malformed("an error that quotes too little")
    _, tos, _, ident, fragment, ttl, protocol, _, src, dst = ipv4.HEADER.unpack_from(payload)
    length = (payload[0] & 0xF) * 4
    if payload[0] >> 4 != 4 or length < ipv4.HEADER_LEN or len(payload) < length + 8:
        raise Malformed("an error that quotes no IPv4 packet")
    return ipv4.Ipv4(src, dst, protocol, ttl, tos, ident, fragment), memoryview(payload)[length:]

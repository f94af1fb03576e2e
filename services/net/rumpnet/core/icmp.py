"""ICMP (icmp(4)): answers echo requests, tells senders of lost packets, and hears what others tell us."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rumpnet.core import route
from rumpnet.core.iface import Iface
from rumpnet.core.ip import Ip, Upper
from rumpnet.core.net import Knob, Node
from rumpnet.core.packet import Packet
from rumpnet.core.wire import Malformed, icmp, ipv4
from rumpwire.errno import Errno, KernelError

NUMBER = [4, 2, 1]
"""net.inet.icmp"""
SECOND_NS = 10**9
# What a sender is told, by type and code of the message (inetctlerrmap).
ERRNOS = {
    (icmp.UNREACHABLE, icmp.PORT_UNREACHABLE): Errno.ECONNREFUSED,
    (icmp.UNREACHABLE, icmp.PROTOCOL_UNREACHABLE): Errno.ECONNREFUSED,
    (icmp.UNREACHABLE, icmp.NEEDS_FRAGMENTATION): Errno.EMSGSIZE,
    **{(icmp.UNREACHABLE, code): Errno.EHOSTUNREACH for code in icmp.NOBODY_OR_PROHIBITED},
    (icmp.TIME_EXCEEDED, icmp.TTL_IN_TRANSIT): Errno.EHOSTUNREACH,
}


class IcmpLayer:
    """The protocol."""

    def __init__(self, ip: Ip) -> None:
        self.ip = ip
        self.raw: Upper | None = None
        self.stats: Counter[str] = Counter()
        self.returndatabytes = Knob(8, 8, 512)
        self.errppslimit = Knob(100, 0, 1 << 20)
        self._second = 0
        self._sent = 0
        ip.protocols[icmp.PROTOCOL] = self
        ip.errors = self

    def nodes(self) -> list[Node]:
        return [
            self.returndatabytes.node("net.inet.icmp.returndatabytes", [*NUMBER, 2], "Bytes quoted in an ICMP error"),
            self.errppslimit.node("net.inet.icmp.errppslimit", [*NUMBER, 3], "Maximum ICMP errors per second"),
        ]

    # -- in

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv4.Packet) -> None:
        try:
            message = icmp.Packet(packet.view(), verified=packet.csum_valid)
        except Malformed:
            self.stats["bad messages"] += 1
            raise
        self.stats[f"input type {message.type}"] += 1
        if message.type == icmp.ECHO:
            self._reflect(header, message)
            return
        if message.type in icmp.ERRORS:
            self._notify(message.parse())
        if self.raw is not None:
            self.raw.input(layer, iface, src, dst, packet, header)

    def _reflect(self, header: ipv4.Packet, message: icmp.Packet) -> None:
        """The answer is the question with another type, and a checksum that differs by just that."""
        if header.src == route.ANY or header.src[0] >= 224:
            return
        src = header.dst if self.ip.interfaces.owner(header.dst) else route.ANY
        answer = Packet(message.reply_header(), message.payload)
        self._send(src, header.src, answer, tos=header.tclass, kind=icmp.ECHO_REPLY)

    def _notify(self, message: icmp.Icmp) -> None:
        """Passes an error on to the protocol of the packet that the message quotes."""
        errno = ERRNOS.get((message.type, message.code))
        about, payload = quoted(message.payload)
        upper = self.ip.protocols.get(about.protocol)
        if errno is not None and upper is not None and upper is not self:
            mtu = message.rest & 0xFFFF if errno == Errno.EMSGSIZE else 0
            upper.notify(self.ip, about.src, about.dst, payload, errno, mtu)

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
        self._send(src, about.src, Packet(icmp.Icmp(kind, code, rest, quote).emit()), tos=0xC0, kind=kind)

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

    def _send(self, src: bytes, dst: bytes, message: Packet, *, tos: int, kind: int) -> None:
        """Nobody waits for it: one that cannot be sent is counted."""
        try:
            found = self.ip.route(dst)
            src = src if src != route.ANY else self.ip.source_for(dst)
            self.ip.send(found, src, dst, icmp.PROTOCOL, message, hop_limit=255, tclass=tos)
            self.stats[f"output type {kind}"] += 1
        except KernelError:
            self.stats["messages that could not be sent"] += 1


def quoted(payload: bytes) -> tuple[ipv4.Ipv4, memoryview]:
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

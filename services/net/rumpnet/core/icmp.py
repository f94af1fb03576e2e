"""ICMP (icmp(4)): answers echo requests, tells senders of lost packets, and hears what others tell us."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from rumpnet.core import route
from rumpnet.core.iface import Iface
from rumpnet.core.ip import Ip
from rumpnet.core.net import Knob, Node
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
    (icmp.UNREACHABLE, icmp.NET_UNREACHABLE): Errno.EHOSTUNREACH,
    (icmp.UNREACHABLE, icmp.HOST_UNREACHABLE): Errno.EHOSTUNREACH,
    (icmp.TIME_EXCEEDED, icmp.TTL_IN_TRANSIT): Errno.EHOSTUNREACH,
}


class Notified(Protocol):
    """A protocol that wants to know what became of its packets."""

    def notify(self, about: ipv4.Ipv4, payload: memoryview, errno: int) -> None:
        """``payload`` is what the message quotes of the packet: at least 8 bytes. Malformed."""
        ...


class Listener(Protocol):
    """Raw sockets."""

    def deliver(self, header: ipv4.Ipv4, packet: ipv4.Packet) -> None: ...


class IcmpLayer:
    """The protocol."""

    def __init__(self, ip: Ip) -> None:
        self.ip = ip
        self.notified: dict[int, Notified] = {}
        self.raw: Listener | None = None
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

    def input(self, iface: Iface, header: ipv4.Ipv4, packet: ipv4.Packet) -> None:
        try:
            message = icmp.Packet(packet.payload).parse()
        except Malformed:
            self.stats["bad messages"] += 1
            raise
        self.stats[f"input type {message.type}"] += 1
        if message.type == icmp.ECHO:
            self._reflect(header, message)
            return
        if message.type in icmp.ERRORS:
            self._notify(message)
        if self.raw is not None:
            self.raw.deliver(header, packet)

    def _reflect(self, header: ipv4.Ipv4, message: icmp.Icmp) -> None:
        if header.src == route.ANY or header.src[0] >= 224:
            return
        src = header.dst if self.ip.interfaces.owner(header.dst) else route.ANY
        self._send(src, header.src, icmp.Icmp(icmp.ECHO_REPLY, 0, message.rest, message.payload), tos=header.tos)

    def _notify(self, message: icmp.Icmp) -> None:
        """Passes an error on to the protocol of the packet that the message quotes."""
        errno = ERRNOS.get((message.type, message.code))
        about, payload = quoted(message.payload)
        upper = self.notified.get(about.protocol)
        if errno is not None and upper is not None:
            upper.notify(about, payload, errno)

    # -- out

    def send_error(self, about: ipv4.Packet, kind: int, code: int, mtu: int = 0) -> None:
        """Tells the sender of a packet, unless nobody may be told of it (RFC 1122, 3.2.2) or too much was told."""
        header = about.parse()
        if not self._tellable(about, header) or not self._below_limit():
            self.stats["errors not generated"] += 1
            return
        quote = bytes(about.view[: about.header_len + self.returndatabytes.value])
        src = header.dst if self.ip.interfaces.owner(header.dst) else route.ANY
        self._send(src, header.src, icmp.Icmp(kind, code, mtu, quote), tos=0xC0)

    def _tellable(self, about: ipv4.Packet, header: ipv4.Ipv4) -> bool:
        if about.offset or len(about.payload) < 8 or header.src == route.ANY:
            return False
        if header.src[0] >= 224 or header.dst[0] >= 224:
            return False
        return header.protocol != icmp.PROTOCOL or about.payload[0] not in icmp.ERRORS

    def _below_limit(self) -> bool:
        second = self.ip.host.monotonic_ns() // SECOND_NS
        if second != self._second:
            self._second, self._sent = second, 0
        self._sent += 1
        return self._sent <= self.errppslimit.value

    def _send(self, src: bytes, dst: bytes, message: icmp.Icmp, *, tos: int) -> None:
        """Nobody waits for it: one that cannot be sent is counted."""
        try:
            src = src if src != route.ANY else route.lookup(self.ip.interfaces, dst).src
            self.ip.output(self.ip.header(src, dst, icmp.PROTOCOL, ttl=255, tos=tos), message.emit())
            self.stats[f"output type {message.type}"] += 1
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

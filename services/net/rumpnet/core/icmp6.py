"""ICMPv6 (icmp6(4)): answers echo requests, tells senders of lost packets, and hears what others tell us."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from rumpnet.core.iface import Iface
from rumpnet.core.ip6 import Ip6
from rumpnet.core.layer import Raw
from rumpnet.core.net import Knob, Node
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY6, text
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.zone import with_zone
from rumpwire import const
from rumpwire.errno import Errno, KernelError

log = logging.getLogger(__name__)
NUMBER = [4, 24, icmp6.PROTOCOL]
"""net.inet6.icmp6"""
SECOND_NS = 10**9
PMTU_NS = 600 * SECOND_NS
"""How long the MTU of a path is remembered (RFC 8201, 5.3)."""
# What a sender is told, by type and code of the message.
ERRNOS = {
    (icmp6.UNREACHABLE, icmp6.NO_ROUTE): Errno.EHOSTUNREACH,
    (icmp6.UNREACHABLE, icmp6.PROHIBITED): Errno.EHOSTUNREACH,
    (icmp6.UNREACHABLE, icmp6.BEYOND_SCOPE): Errno.EHOSTUNREACH,
    (icmp6.UNREACHABLE, icmp6.ADDRESS_UNREACHABLE): Errno.EHOSTUNREACH,
    (icmp6.UNREACHABLE, icmp6.PORT_UNREACHABLE): Errno.ECONNREFUSED,
    (icmp6.TIME_EXCEEDED, icmp6.HOPS_IN_TRANSIT): Errno.EHOSTUNREACH,
    (icmp6.PARAMETER_PROBLEM, 0): Errno.ENOPROTOOPT,
    (icmp6.PARAMETER_PROBLEM, 1): Errno.ECONNREFUSED,
    (icmp6.PARAMETER_PROBLEM, 2): Errno.ENOPROTOOPT,
}


class Icmp6Layer:
    """The protocol. ``handlers`` take types of their own: neighbour discovery, multicast listeners."""

    def __init__(self, ip6: Ip6) -> None:
        self.ip6 = ip6
        self.raw: Raw | None = None
        self.handlers: dict[int, Any] = {}
        self.stats: Counter[str] = Counter()
        self.errppslimit = Knob(100, 0, 1 << 20)
        self.rediraccept = Knob(1, 0, 1)
        self.redirtimeout = Knob(600, 1, 1 << 30)
        self.nd6_debug = Knob(0, 0, 1)
        self._second = 0
        self._sent = 0
        ip6.protocols[icmp6.PROTOCOL] = self
        ip6.errors = self

    def nodes(self) -> list[Node]:
        return [
            self.rediraccept.node("net.inet6.icmp6.rediraccept", [*NUMBER, 2], "Accept and process redirect messages"),
            self.redirtimeout.node("net.inet6.icmp6.redirtimeout", [*NUMBER, 3], "Redirect generated route lifetime"),
            self.nd6_debug.node("net.inet6.icmp6.nd6_debug", [*NUMBER, 18], "Log messages that are ignored"),
            self.errppslimit.node("net.inet6.icmp6.errppslimit", [*NUMBER, 14], "Maximum ICMP errors per second"),
        ]

    # -- in

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv6.Packet) -> None:
        view = packet.view()
        try:
            pseudo = self.ip6.pseudo(src, dst, icmp6.PROTOCOL, len(view))
            message = icmp6.Packet(view, pseudo, verified=packet.csum_valid)
        except Malformed:
            self.stats["bad messages"] += 1
            raise
        kind = message.type
        self.stats[f"input type {kind}"] += 1
        handler = self.handlers.get(kind)
        if handler is not None:
            self._handle(handler, iface, header, message)
        elif kind == icmp6.ECHO:
            self._reflect(iface, header, message, packet)
            return
        elif kind < icmp6.INFORMATIONAL:
            self._notify(iface, header, message)
        if self.raw is not None:
            self.raw.input(layer, iface, src, dst, packet, header)

    def _handle(self, handler: Any, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        try:
            handler(iface, header, message)
        except Malformed as error:
            if self.nd6_debug.value:
                log.warning("%s: type %d from %s is ignored: %s", iface.name, message.type, text(header.src), error)
            raise

    def _reflect(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet, packet: Packet) -> None:
        if header.src == ANY6:
            return
        src = header.dst if header.dst[0] != 0xFF else b""
        self.send(src, header.src, icmp6.Icmp6(icmp6.ECHO_REPLY, 0, message.rest), message.payload, header.tclass)

    def _notify(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """Passes an error on to the protocol of the packet that the message quotes."""
        about = quoted(message.payload, iface.index)
        if about.src not in self.ip6.interfaces.owners:
            self.stats["errors about packets that are not ours"] += 1
            return
        errno, mtu = ERRNOS.get((message.type, message.code)), 0
        if message.type == icmp6.TOO_BIG:
            errno, mtu = Errno.EMSGSIZE, max(message.rest, ipv6.MIN_MTU)
            self.learn_mtu(about.dst, mtu)
        upper = self.ip6.protocols.get(about.protocol)
        if errno is not None and upper is not None and upper is not self and len(about.payload) >= 8:
            upper.notify(self.ip6, about.src, about.dst, about.payload, errno, mtu)

    def learn_mtu(self, dst: bytes, mtu: int) -> None:
        """Remembers how wide the path to a destination is, for ten minutes (RFC 8201)."""
        try:
            found = self.ip6.routes.host(dst)
        except KernelError:
            return
        if found is not None and mtu < self.ip6.path_mtu(found, dst):
            until = self.ip6.host.monotonic_ns() + PMTU_NS
            self.ip6.routes.change(found, mtu=mtu, expires_ns=until if found.flags & const.RTF_DYNAMIC else None)
            self.stats["path MTUs learned"] += 1

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """Nobody here waits for what became of our own messages."""

    # -- out

    def send_error(
        self, iface: Iface | None, about: ipv6.Packet, kind: int, code: int, rest: int = 0, *, always: bool = False
    ) -> None:
        """Tells the sender of a packet, unless nobody may be told of it (RFC 4443, 2.4) or too much was told.

        ``always``: also about packets to groups.
        """
        if not self._tellable(about, always=always or kind == icmp6.TOO_BIG) or not self._below_limit():
            self.stats["errors not generated"] += 1
            return
        quote = about.view[: ipv6.MIN_MTU - ipv6.HEADER_LEN - icmp6.HEADER_LEN]
        src = about.dst if about.dst in self.ip6.interfaces.owners else b""
        self.send(src, about.src, icmp6.Icmp6(kind, code, rest), quote, 0)

    def _tellable(self, about: ipv6.Packet, *, always: bool) -> bool:
        if about.src == ANY6 or about.src[0] == 0xFF or (about.dst[0] == 0xFF and not always):
            return False
        protocol, at = about.protocol, about.header_len
        if protocol == about.next_header and protocol in ipv6.EXTENSIONS:
            try:
                walked = ipv6.Packet(about.view)
                fragment = walked.walk()
                if fragment is not None and fragment.offset:
                    return True  # what it is of is not known, but errors are too short to be in pieces
                protocol, at = walked.protocol, walked.header_len
                if fragment is not None:
                    protocol, at = fragment.next_header, at + ipv6.FRAGMENT_LEN
            except Malformed:
                return True
        if protocol != icmp6.PROTOCOL:
            return True
        kind = about.view[at] if at < len(about.view) else 0
        return kind >= icmp6.INFORMATIONAL and kind != icmp6.REDIRECT

    def _below_limit(self) -> bool:
        second = self.ip6.host.monotonic_ns() // SECOND_NS
        if second != self._second:
            self._second, self._sent = second, 0
        self._sent += 1
        return self._sent <= self.errppslimit.value

    def send(
        self, src: bytes, dst: bytes, message: icmp6.Icmp6, payload: memoryview | bytes = b"", tclass: int = 0
    ) -> None:
        """Nobody waits for it: one that cannot be sent is counted. Without a source the best one is taken."""
        try:
            route = self.ip6.route(dst)
            src = src or self.ip6.select_source(route, dst)
            length = icmp6.HEADER_LEN + len(message.payload) + len(payload)
            pseudo = self.ip6.pseudo(src, dst, icmp6.PROTOCOL, length)
            whole = icmp6.Icmp6(message.type, message.code, message.rest, message.payload + bytes(payload))
            self.ip6.send(route, src, dst, icmp6.PROTOCOL, Packet(whole.emit(pseudo)), tclass=tclass)
            self.stats[f"output type {message.type}"] += 1
        except KernelError:
            self.stats["messages that could not be sent"] += 1


def quoted(payload: memoryview, zone: int) -> ipv6.Packet:
    """The packet that an error is about, as far as it is quoted. Malformed."""
    if len(payload) < ipv6.HEADER_LEN:
        raise Malformed("an error that quotes too little")
    whole = bytearray(payload)
    whole[4:6] = (len(payload) - ipv6.HEADER_LEN).to_bytes(2, "big")
    about = ipv6.Packet(bytes(whole))
    fragment = about.walk()
    if fragment is not None:
        about.protocol, about.header_len = fragment.next_header, about.header_len + ipv6.FRAGMENT_LEN
    about.src, about.dst = with_zone(about.src, zone), with_zone(about.dst, zone)
    return about

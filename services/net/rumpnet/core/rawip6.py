"""Raw sockets of IPv6 (RFC 3542): of any protocol, without the IPv6 header; ICMPv6 with a filter by type."""

from __future__ import annotations

from typing import Any

from rumpnet.core.ancillary import Outgoing, received
from rumpnet.core.iface import Iface
from rumpnet.core.options import integer
from rumpnet.core.packet import Packet
from rumpnet.core.rawip import AnyRawSocket, RawSockets
from rumpnet.core.route import ANY6, Route
from rumpnet.core.wire import icmp6, ipv6
from rumpnet.core.wire.checksum import ones_sum
from rumpnet.core.zone import sockaddr
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockopt, SockoptInteger, SockoptRaw

FILTER_LEN = 32
PASS_ALL = b"\xff" * FILTER_LEN


class Raw6Layer(RawSockets["Raw6Socket"]):
    """Those of IPv6."""

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv6.Packet) -> None:
        view = packet.view()
        for so in self.sockets:
            if so.protocol not in (0, header.protocol) or so.laddr not in (dst, ANY6) or so.faddr not in (src, ANY6):
                continue
            if so.passes(layer, src, dst, view, header):
                so.deliver(view, sockaddr(src), received(so, iface, dst, header) if so.tells else ())


class Raw6Socket(AnyRawSocket):
    """One of them."""

    def __init__(self, raw: Raw6Layer, protocol: int) -> None:
        super().__init__(raw, const.AF_INET6, protocol)
        self.v6only = True
        self.filter = PASS_ALL
        self.checksum_at = icmp6.CHECKSUM_OFFSET if protocol == icmp6.PROTOCOL else -1

    def passes(self, layer: Any, src: bytes, dst: bytes, view: memoryview, header: ipv6.Packet) -> bool:
        """By the type of ICMPv6, or the checksum that the program wants checked."""
        if self.protocol == icmp6.PROTOCOL:
            kind = view[0]
            return bool(self.filter[kind >> 3] >> (kind & 7) & 1)
        if self.checksum_at < 0:
            return True
        pseudo = layer.pseudo(src, dst, header.protocol, len(view))
        return len(view) >= self.checksum_at + 2 and (pseudo + ones_sum(view)) % 0xFFFF == 0

    def getopt(self, level: int, name: int) -> Sockopt:
        if (level, name) == (const.IPPROTO_ICMPV6, const.ICMP6_FILTER):
            return SockoptRaw(self.filter)
        if (level, name) == (const.IPPROTO_IPV6, const.IPV6_CHECKSUM):
            return SockoptInteger(self.checksum_at)
        return super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """Beside others ICMP6_FILTER (32 bytes, bits of types that pass) and IPV6_CHECKSUM."""
        if (level, name) == (const.IPPROTO_ICMPV6, const.ICMP6_FILTER) and self.protocol == icmp6.PROTOCOL:
            if not isinstance(value, SockoptRaw) or len(value.raw) != FILTER_LEN:
                raise KernelError(Errno.EINVAL, f"a filter has {FILTER_LEN} bytes")
            self.filter = bytes(value.raw)
        elif (level, name) == (const.IPPROTO_IPV6, const.IPV6_CHECKSUM):
            number = integer(value)
            if (number % 2 and number != -1) or (self.protocol == icmp6.PROTOCOL and number != icmp6.CHECKSUM_OFFSET):
                raise KernelError(Errno.EINVAL, f"no checksum stands at {number}")
            self.checksum_at = max(-1, number)
        else:
            super().setopt(level, name, value)

    def _emit(self, data: Buffer, route: Route, src: bytes, dst: bytes, how: Outgoing) -> None:
        self.pass_down(route, src, dst, Packet(self._summed(data, src, dst)), how)

    def _summed(self, data: Buffer, src: bytes, dst: bytes) -> Buffer:
        """With the checksum where the program wants it. EINVAL when the message is too short for it."""
        at = self.checksum_at
        if at < 0:
            return data
        if at + 2 > len(data):
            raise KernelError(Errno.EINVAL, f"a message of {len(data)} bytes has no checksum at {at}")
        filled = bytearray(data)
        filled[at : at + 2] = bytes(2)
        total = self.layer.pseudo(src, dst, self.protocol, len(filled)) + ones_sum(filled)
        filled[at : at + 2] = (~(total % 0xFFFF or 0xFFFF) & 0xFFFF or 0xFFFF).to_bytes(2, "big")
        return bytes(filled)

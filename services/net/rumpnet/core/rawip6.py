"""Raw sockets of IPv6 (RFC 3542): of any protocol, without the IPv6 header; ICMPv6 with a filter by type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumpnet.core.ancillary import PLAIN, Outgoing, outgoing, received
from rumpnet.core.iface import Iface
from rumpnet.core.inet import InetSocket
from rumpnet.core.net import Net
from rumpnet.core.options import integer
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY6
from rumpnet.core.socket import Sent
from rumpnet.core.wire import icmp6, ipv6
from rumpnet.core.wire.checksum import ones_sum
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, Sockaddr, Sockopt, SockoptInteger, SockoptRaw

RAW_SPACE = 65536
FILTER_LEN = 32
PASS_ALL = b"\xff" * FILTER_LEN


class Raw6Layer:
    """The raw sockets; every one of them gets every packet that is for it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.sockets: list[Raw6Socket] = []

    def wants(self, protocol: int) -> bool:
        return any(so.protocol in (0, protocol) for so in self.sockets)

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv6.Packet) -> None:
        view = packet.view()
        for so in self.sockets:
            if so.protocol not in (0, header.protocol) or so.laddr not in (dst, ANY6) or so.faddr not in (src, ANY6):
                continue
            if so.passes(layer, src, dst, view, header):
                so.deliver(view, sockaddr(src), received(so, iface, dst, header) if so.tells else ())


class Raw6Socket(InetSocket):
    """One of them."""

    def __init__(self, raw: Raw6Layer, protocol: int) -> None:
        super().__init__(raw.net, const.AF_INET6, const.SOCK_RAW, protocol, RAW_SPACE, RAW_SPACE)
        self.raw = raw
        self.v6only = True
        self.filter = PASS_ALL
        self.checksum_at = icmp6.CHECKSUM_OFFSET if protocol == icmp6.PROTOCOL else -1
        raw.sockets.append(self)

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

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EADDRNOTAVAIL."""
        self.laddr = self.local_address(self.endpoint(name)[0])

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, ENETUNREACH."""
        if name is None:
            self.faddr = ANY6
            return
        addr = self.foreign_address(self.endpoint(name)[0])
        self.laddr, self.faddr = self.source(addr), addr

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, EINVAL, ENETUNREACH, ENETDOWN."""
        return self._send(data, flags, to, PLAIN)

    def send_message(
        self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None, control: Sequence[Cmsg]
    ) -> Sent:
        return self._send(data, flags, to, outgoing(self, control))

    def _send(self, data: Buffer, flags: int, to: Sockaddr | None, how: Outgoing) -> int:
        self.check_send(flags)
        self.check_destination(to)
        if len(data) > self.snd_hiwat:
            raise KernelError(Errno.EMSGSIZE, f"a message of {len(data)} bytes; {self.snd_hiwat} is the most")
        dst = self.faddr if to is None else self.foreign_address(self.endpoint(to)[0])
        route = self.route_to(dst, how)
        src = self.source_by(route, dst, how)
        self.pass_down(route, src, dst, Packet(self._summed(data, src, dst)), how)
        return len(data)

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

    def close(self) -> None:
        super().close()
        if self in self.raw.sockets:
            self.raw.sockets.remove(self)

"""Raw sockets of IPv4, of any protocol (raw ip(4)).

They send what is given behind a header of ours, or with IP_HDRINCL with a header of theirs, and receive whole packets
with their header. Of ICMP and IGMP they get what the kernel does not answer itself, of other protocols what no
protocol takes.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from rumpnet.core.ancillary import Outgoing, received
from rumpnet.core.iface import Iface
from rumpnet.core.inet import DatagramSocket
from rumpnet.core.net import Net
from rumpnet.core.options import integer
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY, Route
from rumpnet.core.wire import Malformed, ipv4
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, Sockopt, SockoptInteger

RAW_SPACE = 65536


S = TypeVar("S", bound="AnyRawSocket")


class RawSockets(Generic[S]):
    """The raw sockets of a family; every one of them gets every packet that is for it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.sockets: list[S] = []

    def wants(self, protocol: int) -> bool:
        return any(so.protocol in (0, protocol) for so in self.sockets)


class AnyRawSocket(DatagramSocket):
    """What raw sockets of both families do alike: addresses without ports."""

    def __init__(self, raw: RawSockets[Any], domain: int, protocol: int) -> None:
        super().__init__(raw.net, domain, const.SOCK_RAW, protocol, RAW_SPACE, RAW_SPACE)
        self.raw = raw
        raw.sockets.append(self)

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EADDRNOTAVAIL."""
        self.laddr = self.local_address(self.endpoint(name)[0])

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EACCES, ENETUNREACH."""
        if name is None:
            self.faddr = self.any
            return
        addr = self.foreign_address(self.endpoint(name)[0])
        self.laddr, self.faddr = self.source(addr), addr

    def _send(self, data: Buffer, flags: int, to: Sockaddr | None, how: Outgoing) -> int:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, EINVAL, EACCES, ENETUNREACH, ENETDOWN."""
        self.check_send(flags)
        self.check_destination(to)
        if len(data) > self.snd_hiwat:
            raise KernelError(Errno.EMSGSIZE, f"a message of {len(data)} bytes; {self.snd_hiwat} is the most")
        dst = self.faddr if to is None else self.foreign_address(self.endpoint(to)[0])
        route = self.route_to(dst, how)
        self._emit(data, route, self.source_by(route, dst, how), dst, how)
        return len(data)

    def _emit(self, data: Buffer, route: Route, src: bytes, dst: bytes, how: Outgoing) -> None:
        raise NotImplementedError

    def close(self) -> None:
        super().close()
        if self in self.raw.sockets:
            self.raw.sockets.remove(self)


class RawLayer(RawSockets["RawSocket"]):
    """Those of IPv4."""

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv4.Packet) -> None:
        for so in self.sockets:
            if so.protocol in (0, header.protocol) and so.laddr in (dst, ANY) and so.faddr in (src, ANY):
                so.deliver(header.view, sockaddr(src), received(so, iface, dst, header) if so.tells else ())

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """Raw sockets are not told."""


class RawSocket(AnyRawSocket):
    """One of them."""

    default_hops = 255

    def __init__(self, raw: RawLayer, protocol: int) -> None:
        super().__init__(raw, const.AF_INET, protocol)
        self.header_included = protocol == const.IPPROTO_RAW

    @property
    def hop_limit(self) -> int:
        return super().hop_limit or self.default_hops

    def getopt(self, level: int, name: int) -> Sockopt:
        if (level, name) == (const.IPPROTO_IP, const.IP_HDRINCL):
            return SockoptInteger(int(self.header_included))
        return super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """Beside others IP_HDRINCL."""
        if (level, name) == (const.IPPROTO_IP, const.IP_HDRINCL):
            self.header_included = bool(integer(value))
        else:
            super().setopt(level, name, value)

    def _emit(self, data: Buffer, route: Route, src: bytes, dst: bytes, how: Outgoing) -> None:
        if self.header_included:
            self.layer.output(route, Packet(self._completed(data, src)), dst)
        else:
            self.pass_down(route, src, dst, Packet(data), how)

    def _completed(self, data: Buffer, src: bytes) -> bytes:
        """A packet of the program's own. We fill in length and checksum, and source and identification that are 0.

        EINVAL.
        """
        head = bytearray(data[:60])
        length = (head[0] & 0xF) * 4 if head else 0
        if not ipv4.HEADER_LEN <= length <= len(data) or head[0] >> 4 != 4 or len(data) > ipv4.MAX_LEN:
            raise KernelError(Errno.EINVAL, "no IPv4 header in front of the data (IP_HDRINCL)")
        _, tos, _, ident, word, ttl, protocol, _, given, dst = ipv4.HEADER.unpack_from(head)
        header = ipv4.emit(
            src if given == ANY else given, dst, protocol, len(data) - length, ttl, tos,
            ident or self.layer.next_ident(), word, bytes(head[ipv4.HEADER_LEN : length]),
        )  # fmt: skip
        packet = header + data[length:]
        try:
            ipv4.Packet(packet)
        except Malformed as error:
            raise KernelError(Errno.EINVAL, str(error)) from error
        return packet

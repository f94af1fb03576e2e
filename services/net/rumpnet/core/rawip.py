"""Raw sockets of ICMP, for ping and its kin."""

from __future__ import annotations

from typing import Any

from rumpnet.core.iface import Iface
from rumpnet.core.inet import InetSocket, sockaddr
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY
from rumpnet.core.socket import Sent
from rumpnet.core.wire import ipv4
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr

RAW_SPACE = 65536


class RawLayer:
    """The raw sockets; every one of them gets every message that is for it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.sockets: list[RawSocket] = []

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: ipv4.Packet) -> None:
        for so in self.sockets:
            if so.laddr in (dst, ANY) and so.faddr in (src, ANY):
                so.deliver(header.view, sockaddr(src))

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """Raw sockets are not told."""


class RawSocket(InetSocket):
    """ICMP as it is (raw ip(4)): sends messages, and receives whole packets with their IP header in network order."""

    def __init__(self, raw: RawLayer, protocol: int) -> None:
        super().__init__(raw.net, const.AF_INET, const.SOCK_RAW, protocol, RAW_SPACE, RAW_SPACE)
        self.raw = raw
        raw.sockets.append(self)

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EADDRNOTAVAIL."""
        self.laddr = self.local_address(self.endpoint(name)[0])

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EACCES, ENETUNREACH."""
        if name is None:
            self.faddr = ANY
            return
        addr = self.foreign_address(self.endpoint(name)[0])
        self.laddr, self.faddr = self.source(addr), addr

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, EACCES, ENETUNREACH, ENETDOWN."""
        self.check_send(flags)
        self.check_destination(to)
        if len(data) > self.snd_hiwat:
            raise KernelError(Errno.EMSGSIZE, f"a message of {len(data)} bytes; {self.snd_hiwat} is the most")
        dst = self.faddr if to is None else self.foreign_address(self.endpoint(to)[0])
        found = self.layer.route(dst)
        packet = Packet(data)
        self.layer.send(found, self.source(dst), dst, self.protocol, packet, hop_limit=self.ttl or 255, tclass=self.tos)
        return len(data)

    def close(self) -> None:
        super().close()
        if self in self.raw.sockets:
            self.raw.sockets.remove(self)

"""Raw sockets of ICMP, for ping and its kin."""

from __future__ import annotations

from rumpnet.core import route
from rumpnet.core.inet import InetSocket, endpoint
from rumpnet.core.ip import Ip
from rumpnet.core.net import Net
from rumpnet.core.socket import Sent
from rumpnet.core.wire import ipv4
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrIn

RAW_SPACE = 65536


class RawLayer:
    """The raw sockets; every one of them gets every message that is for it."""

    def __init__(self, net: Net, ip: Ip) -> None:
        self.net = net
        self.ip = ip
        self.sockets: list[RawSocket] = []

    def deliver(self, header: ipv4.Ipv4, packet: ipv4.Packet) -> None:
        for so in self.sockets:
            if so.laddr in (header.dst, route.ANY) and so.faddr in (header.src, route.ANY):
                so.deliver(packet.view, SockaddrIn(header.src))


class RawSocket(InetSocket):
    """ICMP as it is (raw ip(4)): sends messages, and receives whole packets with their IP header in network order."""

    def __init__(self, layer: RawLayer, protocol: int) -> None:
        super().__init__(layer.net, layer.ip, const.SOCK_RAW, protocol, RAW_SPACE, RAW_SPACE)
        self.layer = layer
        layer.sockets.append(self)

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EADDRNOTAVAIL."""
        self.laddr = self.local_address(endpoint(name)[0])

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EACCES, ENETUNREACH."""
        if name is None:
            self.faddr = route.ANY
            return
        addr = self.foreign_address(endpoint(name)[0])
        self.laddr, self.faddr = self.source(addr), addr

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, EACCES, ENETUNREACH, ENETDOWN."""
        self.check_send(flags)
        self.check_destination(to)
        if len(data) > self.snd_hiwat:
            raise KernelError(Errno.EMSGSIZE, f"a message of {len(data)} bytes; {self.snd_hiwat} is the most")
        dst = self.faddr if to is None else self.foreign_address(endpoint(to)[0])
        header = self.ip.header(self.source(dst), dst, self.protocol, ttl=self.ttl or 255, tos=self.tos)
        self.ip.output(header, data)
        return len(data)

    def close(self) -> None:
        super().close()
        if self in self.layer.sockets:
            self.layer.sockets.remove(self)

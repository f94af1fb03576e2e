"""UDP (udp(4)): ports, and datagrams between them.

A datagram goes to the socket that fits it best: one that is connected to the sender before one that is bound to the
address before one that is bound to the port alone.
"""

from __future__ import annotations

from collections import Counter

from rumpnet.core import route
from rumpnet.core.iface import Iface
from rumpnet.core.inet import InetSocket, endpoint
from rumpnet.core.ip import Ip
from rumpnet.core.net import Knob, Net, Node
from rumpnet.core.options import SB_MAX
from rumpnet.core.socket import Sent
from rumpnet.core.wire import Malformed, icmp, ipv4, udp
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrIn

NUMBER = [4, 2, udp.PROTOCOL]
"""net.inet.udp"""
ANONPORT_MIN = 49152
ANONPORT_MAX = 65535
RESERVED = 1024
"""Ports below are root's."""
SHARED = const.SO_REUSEADDR | const.SO_REUSEPORT


class UdpLayer:
    """The protocol, and its sockets by local port."""

    def __init__(self, net: Net, ip: Ip) -> None:
        self.net = net
        self.ip = ip
        self.ports: dict[int, list[UdpSocket]] = {}
        self.stats: Counter[str] = Counter()
        self.checksum = Knob(1, 0, 1)
        self.loopback_checksum = Knob(1, 0, 1)
        self.send_space = Knob(9216, 1, SB_MAX)
        self.recv_space = Knob(41600, 1, SB_MAX)
        ip.protocols[udp.PROTOCOL] = self

    def nodes(self) -> list[Node]:
        return [
            self.checksum.node("net.inet.udp.checksum", [*NUMBER, 1], "Compute UDP checksums"),
            self.send_space.node("net.inet.udp.sendspace", [*NUMBER, 2], "Default UDP send buffer size"),
            self.recv_space.node("net.inet.udp.recvspace", [*NUMBER, 3], "Default UDP receive buffer size"),
            self.loopback_checksum.node(
                "net.inet.udp.do_loopback_cksum", [*NUMBER, 4], "Compute UDP checksum on loopback interfaces"
            ),
        ]

    # -- in

    def input(self, iface: Iface, header: ipv4.Ipv4, packet: ipv4.Packet) -> None:
        self.stats["datagrams received"] += 1
        try:
            datagram = udp.Packet(packet.payload)
            datagram.check(header.src, header.dst)
        except Malformed as error:
            self.stats[f"dropped: {type(error).__name__.lower()}"] += 1
            raise
        so = self.find(header.dst, datagram.dst_port, header.src, datagram.src_port)
        if so is None:
            self.stats["dropped due to no socket"] += 1
            self.ip.send_error(packet, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE)
        elif not so.deliver(datagram.payload, SockaddrIn(header.src, datagram.src_port)):
            self.stats["dropped due to full socket buffers"] += 1

    def find(self, laddr: bytes, lport: int, faddr: bytes, fport: int) -> UdpSocket | None:
        """The socket that fits best, of several alike the first."""
        best, best_rank = None, 0
        for so in self.ports.get(lport, ()):
            rank = so.rank(laddr, faddr, fport)
            if rank > best_rank:
                best, best_rank = so, rank
        return best

    def notify(self, about: ipv4.Ipv4, payload: memoryview, errno: int) -> None:
        """An error about a datagram of ours: the socket that is connected to where it went gets it."""
        lport, fport, _, _ = udp.HEADER.unpack_from(payload)
        for so in self.ports.get(lport, ()):
            if so.faddr == about.dst and so.fport == fport and so.laddr == about.src:
                so.fail(errno)

    # -- ports

    def free_port(self, laddr: bytes) -> int:
        """An ephemeral port, looked for from a random one on (RFC 6056, 3.3.1). EAGAIN."""
        count = ANONPORT_MAX - ANONPORT_MIN + 1
        begin = int.from_bytes(self.net.host.entropy(4), "big")
        for step in range(count):
            port = ANONPORT_MIN + (begin + step) % count
            if not self.ports.get(port):
                return port
        raise KernelError(Errno.EAGAIN, "all ephemeral ports are in use")

    def check_port(self, so: UdpSocket, laddr: bytes, lport: int) -> None:
        """EADDRINUSE. SO_REUSEADDR lets an address and any address share a port, SO_REUSEPORT of both all."""
        for other in self.ports.get(lport, ()):
            same = other.laddr == laddr
            overlap = same if so.options & SHARED else same or route.ANY in (laddr, other.laddr)
            if overlap and not so.options & other.options & const.SO_REUSEPORT:
                raise KernelError(Errno.EADDRINUSE, f"port {lport} is taken")

    def enter(self, so: UdpSocket, lport: int) -> None:
        so.lport = lport
        self.ports.setdefault(lport, []).append(so)

    def leave(self, so: UdpSocket) -> None:
        there = self.ports.get(so.lport, [])
        if so in there:
            there.remove(so)
        if not there:
            self.ports.pop(so.lport, None)


class UdpSocket(InetSocket):
    """A UDP socket. It has a port from bind, connect or its first send on."""

    def __init__(self, layer: UdpLayer) -> None:
        spaces = layer.send_space.value, layer.recv_space.value
        super().__init__(layer.net, layer.ip, const.SOCK_DGRAM, udp.PROTOCOL, *spaces)
        self.layer = layer
        self.bound_to = route.ANY

    def rank(self, laddr: bytes, faddr: bytes, fport: int) -> int:
        """How well a datagram fits, 0 for not at all."""
        if self.laddr not in (laddr, route.ANY):
            return 0
        if self.connected and (self.faddr, self.fport) != (faddr, fport):
            return 0
        return 1 + (self.laddr == laddr) + 2 * self.connected

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL when it has a port, EADDRNOTAVAIL, EACCES below 1024, EADDRINUSE, EAGAIN."""
        addr, port = endpoint(name)
        if self.lport:
            raise KernelError(Errno.EINVAL, f"the socket has port {self.lport}")
        self.local_address(addr)
        if 0 < port < RESERVED and ctx.cred.euid != 0:
            raise KernelError(Errno.EACCES, f"port {port} is root's")
        if port:
            self.layer.check_port(self, addr, port)
        self.layer.enter(self, port or self.layer.free_port(addr))
        self.laddr = self.bound_to = addr

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EADDRNOTAVAIL for port 0, EACCES, ENETUNREACH, EAGAIN."""
        if name is None:
            self._disconnect()
            return
        addr, port = self._destination(name)
        self._disconnect()
        src = self.source(addr)
        self._need_port()
        self.laddr, self.faddr, self.fport = src, addr, port

    def _disconnect(self) -> None:
        self.laddr, self.faddr, self.fport = self.bound_to, route.ANY, 0

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, those of the address, ENETUNREACH."""
        self.check_send(flags)
        self.check_destination(to)
        if len(data) > min(self.snd_hiwat, udp.MAX_PAYLOAD):
            raise KernelError(Errno.EMSGSIZE, f"a datagram of {len(data)} bytes; see SO_SNDBUF, {self.snd_hiwat} now")
        dst, port = (self.faddr, self.fport) if to is None else self._destination(to)
        found = route.lookup(self.ip.interfaces, dst)
        self._need_port()
        src = self.laddr if self.laddr != route.ANY else found.src
        summed = self.layer.checksum.value and (self.layer.loopback_checksum.value or not found.iface.loopback)
        header = udp.Udp(self.lport, port).emit(src, dst, data, with_checksum=bool(summed))
        self.layer.stats["datagrams output"] += 1
        self.ip.output(self.ip.header(src, dst, udp.PROTOCOL, ttl=self.ttl, tos=self.tos), header, data)
        return len(data)

    def _destination(self, name: Sockaddr) -> tuple[bytes, int]:
        addr, port = endpoint(name)
        if not port:
            raise KernelError(Errno.EADDRNOTAVAIL, "port 0 is nobody's")
        return self.foreign_address(addr), port

    def _need_port(self) -> None:
        if not self.lport:
            self.layer.enter(self, self.layer.free_port(self.laddr))

    def close(self) -> None:
        super().close()
        self.layer.leave(self)

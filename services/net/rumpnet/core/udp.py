"""UDP (udp(4)): ports, and datagrams between them, over both families.

A datagram goes to the socket that fits it best: one that is connected to the sender before one that is bound to the
address before one that is bound to the port alone. A broadcast or multicast goes to all that it fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from rumpnet.core.ancillary import Outgoing, path_mtu, received
from rumpnet.core.iface import CSUM, Iface
from rumpnet.core.inet import DatagramSocket
from rumpnet.core.net import Knob, Net, Node
from rumpnet.core.options import SB_MAX
from rumpnet.core.packet import Packet
from rumpnet.core.pcb import PcbTable, Ports, is_group
from rumpnet.core.wire import BadChecksum, Malformed, udp
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr

NUMBER = [4, 2, udp.PROTOCOL]
"""net.inet.udp"""
Service = Callable[[Iface, bytes, int, bytes, memoryview], None]
"""Who serves a port inside of the kernel gets the interface, source address and port, destination address, and data."""


class UdpLayer:
    """The protocol, and its sockets."""

    def __init__(self, net: Net, ports: Ports) -> None:
        self.net = net
        self.pcbs: PcbTable[UdpSocket] = PcbTable(net.host, ports)
        self.services: dict[int, Service] = {}
        self.stats: Counter[str] = Counter()
        self.checksum = Knob(1, 0, 1)
        self.loopback_checksum = Knob(1, 0, 1)
        self.send_space = Knob(9216, 1, SB_MAX)
        self.recv_space = Knob(41600, 1, SB_MAX)

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

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: Any) -> None:
        stats = self.stats
        stats["datagrams received"] += 1
        try:
            datagram = udp.Packet(packet.view())
            self._check(layer, src, dst, datagram, packet)
        except Malformed as error:
            stats[f"dropped: {type(error).__name__.lower()}"] += 1
            raise
        service = self.services.get(datagram.dst_port)
        if service is not None:
            service(iface, src, datagram.src_port, dst, datagram.payload)
            return
        if packet.link_cast or is_group(dst) or dst == b"\xff\xff\xff\xff" or dst in self.net.interfaces.broadcasts:
            self._deliver_to_all(iface, src, dst, datagram, header)
            return
        so = self.pcbs.lookup(dst, datagram.dst_port, src, datagram.src_port)
        if so is None:
            stats["dropped due to no socket"] += 1
            layer.port_unreachable(header, packet)
        else:
            self._deliver(so, iface, src, dst, datagram, header)

    def _check(self, layer: Any, src: bytes, dst: bytes, datagram: udp.Packet, packet: Packet) -> None:
        if not packet.csum_valid:
            if not datagram.checksum and len(src) == 16:
                raise BadChecksum("UDP over IPv6 without a checksum")
            if datagram.checksum:
                datagram.verify(layer.pseudo(src, dst, udp.PROTOCOL, len(datagram.view)))

    def _deliver(self, so: UdpSocket, iface: Iface, src: bytes, dst: bytes, datagram: udp.Packet, header: Any) -> None:
        control = received(so, iface, dst, header) if so.tells else ()
        if header.hop_limit < so.min_hops:
            self.stats["dropped: hop limit below IP_MINTTL"] += 1
        elif not so.deliver(datagram.payload, sockaddr(src, datagram.src_port, domain=so.domain), control):
            self.stats["dropped due to full socket buffers"] += 1

    def _deliver_to_all(self, iface: Iface, src: bytes, dst: bytes, datagram: udp.Packet, header: Any) -> None:
        found = self.pcbs.all_for(dst, datagram.dst_port, src, datagram.src_port)
        if not found:
            self.stats["broadcast/multicast datagrams dropped due to no socket"] += 1
        for so in found:
            self._deliver(so, iface, src, dst, datagram, header)

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """An error about a datagram of ours: the socket that is connected to where it went gets it.

        That the path of IPv6 is narrower is no error, as the next datagram is cut; who asked is told (RFC 3542, 11.3).
        """
        lport, fport = int.from_bytes(quoted[:2], "big"), int.from_bytes(quoted[2:4], "big")
        wide = errno == Errno.EMSGSIZE and len(dst) == 16
        for so in self.pcbs.connected_to(src, lport, dst, fport):
            if not wide:
                so.fail(errno)
            elif so.numbers.get((const.IPPROTO_IPV6, const.IPV6_RECVPATHMTU)):
                so.deliver(b"", sockaddr(dst, fport), [path_mtu(dst, mtu)])

    # -- out

    def packet(self, route: Any, src: bytes, dst: bytes, lport: int, fport: int, data: Buffer) -> Packet:
        """A datagram, whose checksum is left to whoever carries it."""
        length = udp.HEADER_LEN + len(data)
        summed = self.checksum.value and (self.loopback_checksum.value or not route.iface.loopback)
        if not summed and len(dst) == 4:
            return Packet(udp.HEADER.pack(lport, fport, length, 0), data)
        pseudo = self.net.layers[len(dst)].pseudo(src, dst, udp.PROTOCOL, length)
        if not route.iface.capabilities & CSUM:
            bare = udp.HEADER.pack(lport, fport, length, 0)
            return Packet(udp.HEADER.pack(lport, fport, length, udp.summed(pseudo, bare, data)), data)
        packet = Packet(udp.HEADER.pack(lport, fport, length, pseudo % 0xFFFF), data)
        packet.csum_offset = udp.CHECKSUM_OFFSET
        return packet


class UdpSocket(DatagramSocket):
    """A UDP socket. It has a port from bind, connect or its first send on."""

    def __init__(self, udp_layer: UdpLayer, domain: int = const.AF_INET) -> None:
        spaces = udp_layer.send_space.value, udp_layer.recv_space.value
        super().__init__(udp_layer.net, domain, const.SOCK_DGRAM, udp.PROTOCOL, *spaces)
        self.udp = udp_layer
        self.bound_to = self.any
        self.min_hops = 0

    def options_changed(self, level: int, name: int, number: int) -> None:
        if (level, name) == (const.IPPROTO_IP, const.IP_MINTTL):
            self.min_hops = number
        super().options_changed(level, name, number)

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL when it has a port, EADDRNOTAVAIL, EACCES below 1024, EADDRINUSE, EAGAIN."""
        addr, port = self.endpoint(name)
        if self.lport:
            raise KernelError(Errno.EINVAL, f"the socket has port {self.lport}")
        self.local_address(addr)
        self.udp.pcbs.bind(ctx, self, addr, port, low=self.root_port)
        self.bound_to = addr

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EADDRNOTAVAIL for port 0, EACCES, ENETUNREACH, EAGAIN."""
        if name is None:
            self._disconnect()
            return
        addr, port = self._destination(name)
        self._disconnect()
        src = self.source(addr)
        self._need_port()
        self.udp.pcbs.connect(self, src, addr, port)

    def _disconnect(self) -> None:
        if self.connected:
            self.udp.pcbs.disconnect(self, self.bound_to)

    def _send(self, data: Buffer, flags: int, to: Sockaddr | None, how: Outgoing) -> int:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, those of the address, ENETUNREACH."""
        self.check_send(flags)
        self.check_destination(to)
        dst, port = (self.faddr, self.fport) if to is None else self._destination(to)
        most = min(self.snd_hiwat, udp.MAX_PAYLOAD if len(dst) == 4 else udp.MAX_PAYLOAD6)
        if len(data) > most:
            raise KernelError(Errno.EMSGSIZE, f"a datagram of {len(data)} bytes; see SO_SNDBUF, {self.snd_hiwat} now")
        found = self.route_to(dst, how)
        self._need_port()
        src = self.source_by(found, dst, how)
        packet = self.udp.packet(found, src, dst, self.lport, port, data)
        self.udp.stats["datagrams output"] += 1
        self.pass_down(found, src, dst, packet, how)
        return len(data)

    def _destination(self, name: Sockaddr) -> tuple[bytes, int]:
        addr, port = self.endpoint(name)
        if not port:
            raise KernelError(Errno.EADDRNOTAVAIL, "port 0 is nobody's")
        return self.foreign_address(addr), port

    def _need_port(self) -> None:
        if not self.lport:
            pcbs = self.udp.pcbs
            pcbs.enter(self, self.laddr, pcbs.free_port(self.laddr, low=self.root_port))

    def close(self) -> None:
        super().close()
        self.udp.pcbs.remove(self)

"""The Internet domain: its protocols put together, and its sockets by type and protocol."""

from __future__ import annotations

from rumpnet.core.arp import Arp
from rumpnet.core.icmp import IcmpLayer
from rumpnet.core.iface import ARP, IPV4
from rumpnet.core.igmp import Igmp
from rumpnet.core.inet import InetSocket
from rumpnet.core.ip import Ip
from rumpnet.core.net import Net, Node, statistics
from rumpnet.core.rawip import RawLayer, RawSocket
from rumpnet.core.tables import PCBLIST, STATS, pcblist
from rumpnet.core.tcp.ends import Tcp
from rumpnet.core.tcp.socket import TcpSocket
from rumpnet.core.udp import UdpLayer, UdpSocket
from rumpnet.core.wire import udp
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError

ARP_NUMBER = 1027
"""As `rumpnet.core.arp` has it."""


class InetDomain:
    """AF_INET."""

    family = const.AF_INET
    name = "inet"

    def __init__(self, net: Net) -> None:
        self.net = net
        self.ip = Ip(net)
        self.arp = Arp(self.ip)
        self.icmp = IcmpLayer(self.ip)
        self.udp = UdpLayer(net, self.ip)
        self.tcp = Tcp(net, self.ip)
        self.raw = RawLayer(net)
        self.igmp = Igmp(self.ip)
        self.ip.raw = self.icmp.raw = self.igmp.raw = self.raw
        self.ip.groups = self.igmp.groups
        self.ip.protocols[udp.PROTOCOL] = self.udp
        self.ip.protocols[const.IPPROTO_TCP] = self.tcp

    def start(self) -> None:
        """From now on packets and calls find it."""
        net = self.net
        net.layers[4] = self.ip
        net.resolvers[4] = self.arp
        net.queue.protocols[IPV4] = self.ip.input
        net.queue.protocols[ARP] = self.arp.input
        net.interfaces.listeners.append(self.arp)
        net.counters.update(ip=self.ip.stats, icmp=self.icmp.stats, igmp=self.igmp.stats)
        net.pcblists.append(self.tcp.rows)
        net.counters.update(udp=self.udp.stats, tcp=self.tcp.stats, arp=self.arp.stats)

    def nodes(self) -> list[Node]:
        parts = (self.ip, self.icmp, self.udp, self.tcp, self.arp)
        return [*(node for part in parts for node in part.nodes()), *self._tables()]

    def _tables(self) -> list[Node]:
        net, inet = self.net, [4, 2]
        return [
            statistics("net.inet.ip.stats", [*inet, 0, STATS], "ip", self.ip.stats),
            statistics("net.inet.icmp.stats", [*inet, 1, STATS], "icmp", self.icmp.stats),
            statistics("net.inet.igmp.stats", [*inet, 2, STATS], "igmp", self.igmp.stats),
            statistics("net.inet.udp.stats", [*inet, udp.PROTOCOL, STATS], "udp", self.udp.stats),
            statistics("net.inet.arp.stats", [*inet, ARP_NUMBER, STATS], "arp", self.arp.stats),
            pcblist(net, "net.inet.udp.pcblist", [*inet, udp.PROTOCOL, PCBLIST], "udp"),
            pcblist(net, "net.inet.raw.pcblist", [*inet, 255, PCBLIST], "raw"),
        ]

    def stop(self) -> None:
        """Forgets what is under way, timers included."""
        net = self.net
        self.ip.reassembly.clear()
        self.tcp.stop()
        net.pcblists.remove(self.tcp.rows)
        self.ip.remove_addresses()
        net.interfaces.listeners.remove(self.arp)
        for table in (net.layers, net.resolvers):
            table.pop(4, None)
        for ethertype in (IPV4, ARP):
            net.queue.protocols.pop(ethertype, None)

    def socket(self, ctx: Context, kind: int, protocol: int) -> InetSocket:
        """EPROTONOSUPPORT, EPROTOTYPE, EPERM for raw sockets of others than root."""
        if kind == const.SOCK_DGRAM and protocol in (0, udp.PROTOCOL):
            return UdpSocket(self.udp)
        if kind == const.SOCK_RAW and 0 <= protocol <= 255:
            authorize(ctx, Action.NETWORK_SOCKET_RAWSOCK)
            return RawSocket(self.raw, protocol)
        if kind == const.SOCK_STREAM and protocol in (0, const.IPPROTO_TCP):
            return TcpSocket(self.tcp)
        if protocol in (udp.PROTOCOL, const.IPPROTO_TCP):
            raise KernelError(Errno.EPROTOTYPE, f"protocol {protocol} has no sockets of type {kind}")
        raise KernelError(Errno.EPROTONOSUPPORT, f"the inet domain has no protocol {protocol} of socket type {kind}")

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[InetSocket, InetSocket]:
        """EOPNOTSUPP, after the errors of `socket`."""
        self.socket(ctx, kind, protocol).close()
        raise KernelError(Errno.EOPNOTSUPP, "only the local domain has socket pairs")

"""The IPv6 domain. UDP and TCP are those of the Internet domain, which has to be there."""

from __future__ import annotations

from rumpnet.core.icmp6 import Icmp6Layer
from rumpnet.core.iface import IPV6
from rumpnet.core.inet import InetSocket
from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.ip6 import Ip6
from rumpnet.core.mld import Mld
from rumpnet.core.nd import Nd
from rumpnet.core.net import Net, Node, statistics
from rumpnet.core.rawip6 import Raw6Layer, Raw6Socket
from rumpnet.core.rtadv import Advertiser
from rumpnet.core.slaac import Slaac
from rumpnet.core.tables import PCBLIST, STATS, nd_nodes, pcblist
from rumpnet.core.tcp.socket import TcpSocket
from rumpnet.core.udp import UdpSocket
from rumpnet.core.wire import udp
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError


class Inet6Domain:
    """AF_INET6."""

    family = const.AF_INET6
    name = "inet6"

    def __init__(self, net: Net, inet: InetDomain) -> None:
        self.net = net
        self.inet = inet
        self.ip6 = Ip6(net)
        self.icmp6 = Icmp6Layer(self.ip6)
        self.mld = Mld(self.icmp6)
        self.nd = Nd(self.icmp6)
        self.slaac = Slaac(self.nd)
        self.rtadv = Advertiser(self.nd)
        self.raw = Raw6Layer(net)
        self.ip6.raw = self.icmp6.raw = self.raw
        self.ip6.protocols[udp.PROTOCOL] = inet.udp
        self.ip6.protocols[const.IPPROTO_TCP] = inet.tcp

    def start(self) -> None:
        """From now on packets and calls find it."""
        net = self.net
        net.layers[16] = self.ip6
        net.resolvers[16] = self.nd
        net.queue.protocols[IPV6] = self.ip6.input
        net.interfaces.listeners.append(self.nd)
        net.counters.update(ip6=self.ip6.stats, icmp6=self.icmp6.stats, nd6=self.nd.stats)

    def nodes(self) -> list[Node]:
        parts = (self.ip6, self.icmp6, self.nd, self.slaac, self.rtadv)
        return [
            *(node for part in parts for node in part.nodes()),
            *self._shared_nodes(),
            *nd_nodes(self.slaac),
            *self._tables(),
            *self.inet.tcp.nodes6(),
        ]

    def _tables(self) -> list[Node]:
        """UDP counts for both families together."""
        net, inet6 = self.net, [4, 24]
        return [
            statistics("net.inet6.ip6.stats", [*inet6, 41, STATS], "ip6", self.ip6.stats),
            statistics("net.inet6.icmp6.stats", [*inet6, 58, STATS], "icmp6", self.icmp6.stats),
            statistics("net.inet6.udp6.stats", [*inet6, udp.PROTOCOL, STATS], "udp6", self.inet.udp.stats),
            pcblist(net, "net.inet6.udp6.pcblist", [*inet6, udp.PROTOCOL, PCBLIST], "udp6"),
            pcblist(net, "net.inet6.raw6.pcblist", [*inet6, 255, PCBLIST], "raw6"),
        ]

    def _shared_nodes(self) -> list[Node]:
        """UDP and the ports are those of IPv4, under other names."""
        ip, datagrams = self.inet.ip, self.inet.udp
        ip6, udp6 = [4, 24, 41], [4, 24, udp.PROTOCOL]
        return [
            *ip.portalgo.nodes("net.inet6.ip6", ip6),
            ip.anonportmin.node("net.inet6.ip6.anonportmin", [*ip6, 28], "Lowest ephemeral port number to assign"),
            ip.anonportmax.node("net.inet6.ip6.anonportmax", [*ip6, 29], "Highest ephemeral port number to assign"),
            ip.lowportmin.node("net.inet6.ip6.lowportmin", [*ip6, 30], "Lowest privileged ephemeral port number"),
            ip.lowportmax.node("net.inet6.ip6.lowportmax", [*ip6, 31], "Highest privileged ephemeral port number"),
            datagrams.send_space.node("net.inet6.udp6.sendspace", [*udp6, 2], "Default UDP send buffer size"),
            datagrams.recv_space.node("net.inet6.udp6.recvspace", [*udp6, 3], "Default UDP receive buffer size"),
        ]

    def stop(self) -> None:
        """Forgets what is under way, timers included."""
        net = self.net
        self.rtadv.stop()
        self.slaac.stop()
        self.ip6.reassembly.clear()
        self.ip6.remove_addresses()
        for iface in net.interfaces.by_name.values():
            self.ip6.groups.forget(iface)
            iface.groups = {group: count for group, count in iface.groups.items() if len(group) == 4}
        net.interfaces.listeners.remove(self.nd)
        net.layers.pop(16, None)
        net.resolvers.pop(16, None)
        net.queue.protocols.pop(IPV6, None)

    def socket(self, ctx: Context, kind: int, protocol: int) -> InetSocket:
        """EPROTONOSUPPORT, EPROTOTYPE, EPERM for raw sockets of others than root."""
        if kind == const.SOCK_DGRAM and protocol in (0, udp.PROTOCOL):
            so = UdpSocket(self.inet.udp, const.AF_INET6)
            so.v6only = bool(self.ip6.v6only.value)
            return so
        if kind == const.SOCK_RAW and 0 <= protocol <= 255:
            authorize(ctx, Action.NETWORK_SOCKET_RAWSOCK)
            return Raw6Socket(self.raw, protocol)
        if kind == const.SOCK_STREAM and protocol in (0, const.IPPROTO_TCP):
            stream = TcpSocket(self.inet.tcp, const.AF_INET6)
            stream.v6only = bool(self.ip6.v6only.value)
            return stream
        if protocol in (udp.PROTOCOL, const.IPPROTO_TCP):
            raise KernelError(Errno.EPROTOTYPE, f"protocol {protocol} has no sockets of type {kind}")
        raise KernelError(Errno.EPROTONOSUPPORT, f"the inet6 domain has no protocol {protocol} of socket type {kind}")

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[InetSocket, InetSocket]:
        """EOPNOTSUPP, after the errors of `socket`."""
        self.socket(ctx, kind, protocol).close()
        raise KernelError(Errno.EOPNOTSUPP, "only the local domain has socket pairs")

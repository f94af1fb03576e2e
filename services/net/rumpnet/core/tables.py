"""Tables of the network in the sysctl tree: sockets (pcblist), routes, links, groups, routers and prefixes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rumpnet.core.ifioctl import counters, link_address, row
from rumpnet.core.inet import InetSocket
from rumpnet.core.neighbour import SECOND
from rumpnet.core.net import Node, statistics, table
from rumpnet.core.wire.ethernet import group_address
from rumpnet.core.zone import sockaddr
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    Inpcb,
    NdPrefix,
    NdRouter,
    NetCounter,
    Rtmsg,
    SockaddrDl,
    SysctlCounters,
    SysctlPcbs,
    SysctlPrefixes,
    SysctlRouters,
    SysctlRoutes,
)

if TYPE_CHECKING:
    from rumpnet.core.bpf.device import BpfDevices
    from rumpnet.core.iface import Iface
    from rumpnet.core.local import LocalSocket
    from rumpnet.core.net import Net
    from rumpnet.core.rtsock import RouteDomain
    from rumpnet.core.slaac import Slaac

PCBLIST, STATS = 1100, 1101
"""Numbers of nodes that the original makes up at boot."""
LEFT_ALONE = 4
"""Numbers behind net.route.rtable: family, kind, argument, and one that is for later."""


# -- sockets


def pcb(so: InetSocket) -> Inpcb:
    """Of UDP, or raw."""
    six = "6" if so.domain == const.AF_INET6 else ""
    kind = "udp" if so.type == const.SOCK_DGRAM else "raw"
    foreign = so.peername() if so.connected else sockaddr(so.any)
    return Inpcb(kind + six, so.sockname(), foreign, so.rcv.count, 0, "", so.handle)


def pcbs_of(net: Net) -> list[Inpcb]:
    """Sockets of UDP and raw ones; TCP adds its connections (``Net.pcblists``)."""
    sockets = (so for so in net.sockets.values() if isinstance(so, InetSocket))
    found = [pcb(so) for so in sockets if so.type != const.SOCK_STREAM]
    return [*found, *(each for rows in net.pcblists for each in rows())]


def pcblist(net: Net, path: str, number: list[int], protocol: str) -> Node:
    def get() -> SysctlPcbs:
        return SysctlPcbs([each for each in pcbs_of(net) if each.protocol == protocol])

    return table(path, number, f"{protocol.upper()} protocol control block list", get)


def local_pcb(so: LocalSocket, kind: str) -> Inpcb:
    peer = so.peer.name if so.peer is not None else None
    state = "LISTEN" if so.listening else "CONNECTED" if so.connected else ""
    return Inpcb(kind, so.name, peer, so.rcv.count, 0, state, so.handle)


# -- routes and links


def route_nodes(domain: RouteDomain) -> list[Node]:
    """net.route.rtable, by either number of the family; net.route.stats, net.sdl, net.ether.multicast."""

    def rtable(behind: tuple[int, ...]) -> SysctlRoutes:
        if len(behind) > LEFT_ALONE:
            raise KernelError(Errno.EINVAL, "behind net.route.rtable stand a family, NET_RT_* and its argument")
        family, op, arg, _ = (*behind, 0, 0, 0, 0)[:LEFT_ALONE] if behind else (0, const.NET_RT_DUMP, 0, 0)
        return SysctlRoutes(domain.messages.dump(family, op or const.NET_RT_DUMP, arg))

    net = domain.net
    return [
        Node("net.route.rtable", [4, 34, 0], "Routing table", lambda: rtable(()), None, rtable, table=True),
        Node("net.oroute.rtable", [4, 17, 0], "Routing table", lambda: rtable(()), None, rtable, table=True),
        statistics("net.route.stats", [4, 34, STATS], "route", domain.stats),
        _of_interfaces(net, "net.sdl", [4, 1200], "Link-level addresses", _link),
        _of_interfaces(net, "net.ether.multicast", [4, 1201, 1], "Multicast groups of Ethernet", _groups),
    ]


def _of_interfaces(
    net: Net, path: str, number: list[int], description: str, rows: Callable[[Net, Iface], Iterable[Rtmsg]]
) -> Node:
    """A table of all interfaces, or of the one whose index stands behind the name. ENXIO."""

    def select(behind: tuple[int, ...]) -> SysctlRoutes:
        indexes = [index for index in behind if index] or list(net.interfaces.by_index)
        missing = next((index for index in indexes if index not in net.interfaces.by_index), None)
        if missing is not None:
            raise KernelError(Errno.ENXIO, f"there is no interface {missing}")
        return SysctlRoutes([each for index in indexes for each in rows(net, net.interfaces.by_index[index])])

    return Node(path, number, description, lambda: select(()), None, select, table=True)


def _link(net: Net, iface: Iface) -> list[Rtmsg]:
    return [
        Rtmsg(
            rtm_type=const.RTM_IFINFO, rtm_flags=iface.flags, rtm_index=iface.index, ifname=iface.name,
            gateway=link_address(iface), interface=row(net, iface), data=counters(iface),
        )
    ]  # fmt: skip


def _groups(net: Net, iface: Iface) -> list[Rtmsg]:
    """Each group with its address on the link, and how many want it."""
    if not iface.lladdr:
        return []
    return [
        Rtmsg(
            rtm_type=const.RTM_GET, rtm_index=iface.index, ifname=iface.name, rtm_use=count, dst=sockaddr(group),
            prefixlen=len(group) * 8,
            gateway=SockaddrDl(iface.index, iface.if_type, iface.name, group_address(group)),
        )
        for group, count in sorted(iface.groups.items())
    ]  # fmt: skip


def interface_nodes(net: Net) -> list[Node]:
    """net.interfaces: what was dropped on the way in. On the way out nothing waits."""
    return [_drops(iface) for iface in net.interfaces.by_name.values()]


def _drops(iface: Iface) -> Node:
    number = [4, 1202, iface.index, 1, 1]
    return Node(
        f"net.interfaces.{iface.name}.rcvq.drops", number, "Packets dropped on the way in", lambda: iface.iqdrops
    )


# -- neighbour discovery


def nd_routers(slaac: Slaac) -> list[NdRouter]:
    left = _left(slaac)
    return [
        NdRouter(sockaddr(r.addr), r.iface.name, left(r.expires_ns), r.flags, r.preference)
        for r in slaac.routers.values()
    ]


def nd_prefixes(slaac: Slaac) -> list[NdPrefix]:
    left = _left(slaac)
    return [
        NdPrefix(
            sockaddr(p.prefix), p.prefixlen, p.iface.name, left(p.valid_ns), left(p.preferred_ns), p.onlink,
            p.autonomous,
        )
        for p in slaac.prefixes.values()
    ]  # fmt: skip


def nd_nodes(slaac: Slaac) -> list[Node]:
    number = [4, 24, 58]
    return [
        table(
            "net.inet6.icmp6.nd6_drlist", [*number, 19], "Default router list",
            lambda: SysctlRouters(nd_routers(slaac)),
        ),
        table(
            "net.inet6.icmp6.nd6_prlist", [*number, 20], "Prefix list",
            lambda: SysctlPrefixes(nd_prefixes(slaac)),
        ),
    ]  # fmt: skip


def _left(slaac: Slaac) -> Callable[[int | None], int]:
    now = slaac.host.monotonic_ns()
    return lambda until: max(1, -(-(until - now) // SECOND)) if until is not None else 0


# -- packet filters of programs


def bpf_peers(devices: BpfDevices) -> Node:
    """net.bpf.peers: what each descriptor has counted, by its interface and handle."""

    def get() -> SysctlCounters:
        return SysctlCounters(
            [
                NetCounter(f"{bpf.iface.name if bpf.iface else '-'}:{bpf.handle}", name, value)
                for bpf in devices.open
                for name, value in bpf.counters.items()
            ]
        )

    return table("net.bpf.peers", [4, 1023, 1026], "Descriptors of bpf, and what they have counted", get)

"""DHCP in a stack: clients and servers of interfaces, their messages and their calls.

A client has no address yet when it asks, so its messages are put on the wire by hand, as broadcasts from 0.0.0.0.
"""

from __future__ import annotations

import contextlib
import functools

from rumpnet.core.dhcp.client import Client, Lease, State
from rumpnet.core.dhcp.server import FOREVER, Pool, Server
from rumpnet.core.iface import Iface, InterfaceAddr
from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.route import ANY, Route
from rumpnet.core.wire import dhcp, ipv4, udp
from rumpnet.ifaces.ether import Ethernet
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpuser.pending import Channel
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DhcpBinding, DhcpLease, DhcpPool

EVERYBODY = b"\xff\xff\xff\xff"
ONESHOT_NS = 60 * 10**9
"""How long the one-shot call looks for a server."""
LEASE_S = 3600
SECOND_NS = 10**9


class Kept:
    """The client of one interface, with what it has set up."""

    def __init__(self, client: Client, woken: Channel) -> None:
        self.client = client
        self.woken = woken
        self.address: InterfaceAddr | None = None
        self.routes: list[Route] = []


class Dhcp:
    """The calls. Those of names without ``dhcp`` in front are of `netconfig`."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._clients: dict[str, Kept] = {}
        self._servers: dict[str, Server] = {}

    # -- calls of clients

    def dhcp_start(self, ctx: Context, ifname: str, hostname: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, EBUSY."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._start(ifname, hostname)

    async def netconfig_dhcp_ipv4_oneshot(self, ctx: Context, ifname: str) -> None:
        """Gets a lease, which is not renewed. EPERM, EAFNOSUPPORT, ENXIO, EINVAL, EBUSY, ETIMEDOUT."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        kept = self._start(ifname, "")
        deadline = self.net.host.monotonic_ns() + ONESHOT_NS
        try:
            while kept.client.state != State.BOUND:
                if not await kept.woken.wait(deadline):
                    raise KernelError(Errno.ETIMEDOUT, f"no DHCP server answered on {ifname}")
        finally:
            kept.client.stop()
            self._forget(ifname)

    def dhcp_renew(self, ctx: Context, ifname: str) -> None:
        """EPERM, ENOENT."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        kept = self._kept(ifname)
        if kept.client.lease is None:
            raise KernelError(Errno.ENOENT, f"{ifname} has no lease yet")
        kept.client.renew()

    def dhcp_stop(self, ctx: Context, ifname: str, release: bool) -> None:
        """EPERM, ENOENT."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        kept = self._kept(ifname)
        (kept.client.release if release else kept.client.stop)()
        self._forget(ifname)

    def dhcp_leases(self, ctx: Context) -> list[DhcpLease]:
        """All that are kept or asked for."""
        authorize(ctx, Action.NETWORK_INTERFACE_GET)
        return [self._lease(ifname, kept.client) for ifname, kept in self._clients.items()]

    def _lease(self, ifname: str, client: Client) -> DhcpLease:
        lease = client.lease
        if lease is None:
            return DhcpLease(ifname, client.state.value)
        left = max(0, lease.expires_ns - self.net.host.monotonic_ns()) // SECOND_NS if lease.expires_ns else 0
        routers = [gateway for _, prefixlen, gateway in lease.routes if not prefixlen]
        return DhcpLease(
            ifname,
            client.state.value,
            lease.addr,
            lease.prefixlen,
            lease.server,
            routers,
            lease.dns,
            lease.domain,
            left,
        )

    # -- calls of servers

    def dhcpd_start(self, ctx: Context, ifname: str, pool: DhcpPool | None) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, EBUSY, EADDRNOTAVAIL."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        iface = self._ethernet(ifname)
        if ifname in self._servers:
            raise KernelError(Errno.EBUSY, f"addresses are leased on {ifname} already")
        own = next((a for a in iface.addresses if len(a.addr) == 4), None)
        if own is None:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{ifname} has no IPv4 address to lease from")
        send = functools.partial(self._from_server, iface, own.addr)
        self._servers[ifname] = Server(self.net.host, _pool(own, pool or DhcpPool()), send)
        self._domain().udp.services[dhcp.SERVER_PORT] = self._to_server

    def dhcpd_stop(self, ctx: Context, ifname: str) -> None:
        """EPERM, ENOENT."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._server(ifname)
        del self._servers[ifname]
        if not self._servers:
            self._domain().udp.services.pop(dhcp.SERVER_PORT, None)

    def dhcpd_bindings(self, ctx: Context, ifname: str) -> list[DhcpBinding]:
        """ENOENT."""
        authorize(ctx, Action.NETWORK_INTERFACE_GET)
        now = self.net.host.monotonic_ns()
        return [
            DhcpBinding(b.addr, b.chaddr, b.hostname, (b.until_ns - now) // SECOND_NS)
            for b in self._server(ifname).leases()
        ]

    # -- clients

    def _start(self, ifname: str, hostname: str) -> Kept:
        iface = self._ethernet(ifname)
        if ifname in self._clients:
            raise KernelError(Errno.EBUSY, f"{ifname} has a lease, or asks for one")
        iface.set_up(True)
        client = Client(
            self.net.host, iface.lladdr, functools.partial(self._from_client, iface),
            functools.partial(self._changed, iface), hostname.encode()[:64],
        )  # fmt: skip
        kept = self._clients[ifname] = Kept(client, Channel(self.net.host))
        self._domain().udp.services[dhcp.CLIENT_PORT] = self._to_client
        client.start()
        return kept

    def _forget(self, ifname: str) -> None:
        self._clients.pop(ifname, None)
        if not self._clients and const.AF_INET in self.net.domains:
            self._domain().udp.services.pop(dhcp.CLIENT_PORT, None)

    def _changed(self, iface: Ethernet, lease: Lease | None) -> None:
        """Gives the interface what the lease says, and takes back what the one before said."""
        kept = self._clients.get(iface.name)
        if kept is None or self.net.interfaces.by_name.get(iface.name) is not iface:
            return
        same = lease is not None and kept.address is not None and kept.address.addr == lease.addr
        if not same:
            self._take_back(iface, kept)
        if lease is not None and not same:
            self._set_up(iface, kept, lease)
        kept.woken.wake()

    def _take_back(self, iface: Iface, kept: Kept) -> None:
        for route in kept.routes:
            if route.flags & const.RTF_UP:
                self.net.routes.remove(route)
        if kept.address is not None and kept.address in iface.addresses:
            self._domain().ip.remove_address(iface, kept.address)
        kept.address, kept.routes = None, []

    def _set_up(self, iface: Iface, kept: Kept, lease: Lease) -> None:
        kept.address = InterfaceAddr(lease.addr, lease.prefixlen)
        self._domain().ip.add_address(iface, kept.address)
        for dst, prefixlen, gateway in lease.routes:
            if self.net.routes.find(dst, prefixlen) is None:
                hop = b"" if gateway == ANY else gateway
                kept.routes.append(self.net.routes.add(dst, prefixlen, iface, gateway=hop, src=lease.addr))

    # -- messages

    def _from_client(self, iface: Ethernet, data: bytes, to: bytes) -> None:
        if to == EVERYBODY:
            self._broadcast(iface, ANY, dhcp.CLIENT_PORT, dhcp.SERVER_PORT, data)
        else:
            self._send(to, dhcp.CLIENT_PORT, dhcp.SERVER_PORT, data)

    def _from_server(self, iface: Ethernet, own: bytes, data: bytes, to: bytes, chaddr: bytes) -> None:
        if to == EVERYBODY:
            self._broadcast(iface, own, dhcp.SERVER_PORT, dhcp.CLIENT_PORT, data)
        else:
            # The client does not answer ARP yet; its message has told where it is.
            iface.neighbours.learn(to, chaddr, confirmed=False)
            self._send(to, dhcp.SERVER_PORT, dhcp.CLIENT_PORT, data)

    def _to_client(self, iface: Iface, src: bytes, sport: int, dst: bytes, data: memoryview) -> None:
        kept = self._clients.get(iface.name)
        if kept is not None:
            kept.client.receive(data)

    def _to_server(self, iface: Iface, src: bytes, sport: int, dst: bytes, data: memoryview) -> None:
        server = self._servers.get(iface.name)
        if server is not None:
            server.receive(data)

    def _broadcast(self, iface: Ethernet, src: bytes, sport: int, dport: int, data: bytes) -> None:
        """Around the routing table. Nobody waits for a message: it is sent again, if need be."""
        head = udp.Udp(sport, dport).emit(src, EVERYBODY, data)
        ident = self._domain().ip.next_ident()
        ip = ipv4.emit(src, EVERYBODY, udp.PROTOCOL, len(head) + len(data), 64, 0, ident, 0)
        with contextlib.suppress(KernelError):
            iface.output(Packet(ip, head, data), EVERYBODY)

    def _send(self, to: bytes, sport: int, dport: int, data: bytes) -> None:
        domain = self._domain()
        with contextlib.suppress(KernelError):
            route = domain.ip.route(to)
            src = domain.ip.source_for(to)
            packet = domain.udp.packet(route, src, to, sport, dport, data)
            domain.ip.send(route, src, to, udp.PROTOCOL, packet)

    # -- finding

    def _domain(self) -> InetDomain:
        """EAFNOSUPPORT."""
        domain = self.net.domain(const.AF_INET)
        assert isinstance(domain, InetDomain)
        return domain

    def _ethernet(self, ifname: str) -> Ethernet:
        """EAFNOSUPPORT, ENXIO, EINVAL."""
        self._domain()
        iface = self.net.interfaces.get(ifname)
        if not isinstance(iface, Ethernet):
            raise KernelError(Errno.EINVAL, f"{ifname} is no Ethernet")
        return iface

    def _kept(self, ifname: str) -> Kept:
        """ENOENT."""
        kept = self._clients.get(ifname)
        if kept is None:
            raise KernelError(Errno.ENOENT, f"{ifname[:32]} keeps no lease")
        return kept

    def _server(self, ifname: str) -> Server:
        """ENOENT."""
        server = self._servers.get(ifname)
        if server is None:
            raise KernelError(Errno.ENOENT, f"no addresses are leased on {ifname[:32]}")
        return server


def _pool(own: InterfaceAddr, pool: DhcpPool) -> Pool:
    """EINVAL for a range that is not of the interface's network."""
    lengths = {len(a) for a in (pool.first, pool.last, *pool.dns, *(h.addr for h in pool.hosts))} | {
        len(pool.router) or 4
    }
    if lengths != {4} or pool.first > pool.last or not (own.holds(pool.first) and own.holds(pool.last)):
        raise KernelError(Errno.EINVAL, "first and last are IPv4 addresses of the interface's network, in order")
    if len(pool.domain) > 255 or len(pool.dns) > 63:
        raise KernelError(Errno.EINVAL, "a domain has at most 255 bytes, and there are at most 63 servers of names")
    first, last = (int.from_bytes(a, "big") for a in (pool.first, pool.last))
    return Pool(
        own.addr, first, last, own.mask, min(pool.lease or LEASE_S, FOREVER), pool.router or own.addr, list(pool.dns),
        pool.domain, fixed={h.lladdr: h.addr for h in pool.hosts},
    )  # fmt: skip

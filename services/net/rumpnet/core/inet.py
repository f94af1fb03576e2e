"""What the sockets of both Internet domains have alike (inet(4), inet6(4)): addresses, and options of IP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumpnet.core import inetopts
from rumpnet.core.ancillary import PLAIN, SHAPES, Outgoing, outgoing
from rumpnet.core.buffer import Record, RecordBuffer, StreamBuffer
from rumpnet.core.control import arrival
from rumpnet.core.ifioctl import Requests
from rumpnet.core.mcast import Memberships
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.pcb import is_group
from rumpnet.core.route import ANY, ANY6, Route, text
from rumpnet.core.socket import Sent, Socket
from rumpnet.core.wire import ipv6
from rumpnet.core.zone import MAPPED, sockaddr, with_zone, zone_of
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, IoctlArgs, IoctlResult, Sockaddr, SockaddrIn, SockaddrIn6, Sockopt


def endpoint(name: Sockaddr | None) -> tuple[bytes, int]:
    """IPv4 address and port. EAFNOSUPPORT, EINVAL. An address of no bytes is 0.0.0.0."""
    if not isinstance(name, SockaddrIn):
        raise KernelError(Errno.EAFNOSUPPORT, f"not an IPv4 address: {name}")
    if len(name.sin_addr) not in (0, 4) or not 0 <= name.sin_port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not an IPv4 address: {name}")
    return bytes(name.sin_addr) or ANY, name.sin_port


def endpoint6(name: Sockaddr | None) -> tuple[bytes, int]:
    """Address and port of an IPv6 one: with 4 bytes for a mapped one, else 16. EAFNOSUPPORT, EINVAL."""
    if not isinstance(name, SockaddrIn6):
        raise KernelError(Errno.EAFNOSUPPORT, f"not an IPv6 address: {name}")
    addr = bytes(name.sin6_addr) or ANY6
    if len(addr) != 16 or not 0 <= name.sin6_port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not an IPv6 address: {name}")
    if addr[:12] == MAPPED:
        return addr[12:], name.sin6_port
    return with_zone(addr, name.sin6_scope_id), name.sin6_port


class InetSocket(Socket):
    """A socket with a local and perhaps a foreign end. Addresses are as in `rumpnet.core.pcb`."""

    default_hops = 0
    """The hop limit of IPv4 packets where none was set; 0 for what the layer has."""

    def __init__(self, net: Net, domain: int, kind: int, protocol: int, send_space: int, recv_space: int) -> None:
        buffer = StreamBuffer(recv_space) if kind == const.SOCK_STREAM else RecordBuffer(recv_space)
        super().__init__(net, domain, kind, protocol, buffer)
        self.snd_hiwat = send_space
        self.any = ANY6 if domain == const.AF_INET6 else ANY
        self.laddr = self.faddr = self.any
        self.lport = self.fport = 0
        self.v6only = False
        self.numbers: dict[tuple[int, int], int] = {}
        """Options that are numbers, by level and name (`rumpnet.core.inetopts`)."""
        self.tells: list[tuple[int, int]] = []
        """Those of them that ask for control data."""
        self.ip_options: bytes = b""
        self.sticky: Outgoing = PLAIN
        self.memberships: Memberships = Memberships(net)

    @property
    def layer(self) -> Any:
        """The internet layer of its own family."""
        return self.net.layers[len(self.any)]

    @property
    def connected(self) -> bool:
        return self.faddr not in (ANY, ANY6)

    @property
    def bound(self) -> bool:
        """Whether it has an address of its own."""
        return self.laddr not in (ANY, ANY6)

    def sockname(self) -> Sockaddr:
        return sockaddr(self.laddr, self.lport, domain=self.domain)

    def peername(self) -> Sockaddr:
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        return sockaddr(self.faddr, self.fport, domain=self.domain)

    def endpoint(self, name: Sockaddr | None) -> tuple[bytes, int]:
        """Address and port in a name of its family. EAFNOSUPPORT, EINVAL, EADDRNOTAVAIL: mapped, but IPv6 only."""
        if self.domain != const.AF_INET6:
            return endpoint(name)
        addr, port = endpoint6(name)
        if len(addr) == 4 and (self.v6only or 4 not in self.net.layers):
            raise KernelError(Errno.EADDRNOTAVAIL, "a mapped address, and the socket is for IPv6 only")
        return addr, port

    # -- options

    def getopt(self, level: int, name: int) -> Sockopt:
        """ENOPROTOOPT, ENOTCONN."""
        found = inetopts.getopt(self, level, name)
        return found if found is not None else super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """ENOPROTOOPT, EINVAL, EADDRNOTAVAIL, ENXIO."""
        if not inetopts.setopt(self, level, name, value):
            super().setopt(level, name, value)

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        """Requests about interfaces. ENOTTY, EPERM, EINVAL, ENXIO, and those of what is asked."""
        return Requests(self.net, ctx)(com, data)

    def options_changed(self, level: int, name: int, number: int) -> None:
        """A number was set."""
        if (level, name) in SHAPES:
            self.tells = [pair for pair in SHAPES if self.numbers.get(pair)]
        elif name in (const.IP_MULTICAST_TTL, const.IPV6_MULTICAST_HOPS):
            self.memberships.hops = number if number >= 0 else 1
        elif name == const.IP_MULTICAST_LOOP:
            self.memberships.loop = bool(number)

    @property
    def hop_limit(self) -> int:
        """Of what it sends; 0 for what the layer has."""
        six = self.domain == const.AF_INET6
        key = (const.IPPROTO_IPV6, const.IPV6_UNICAST_HOPS) if six else (const.IPPROTO_IP, const.IP_TTL)
        return max(0, self.numbers.get(key, 0))

    @property
    def tclass(self) -> int:
        six = self.domain == const.AF_INET6
        key = (const.IPPROTO_IPV6, const.IPV6_TCLASS) if six else (const.IPPROTO_IP, const.IP_TOS)
        return max(0, self.numbers.get(key, 0))

    @property
    def root_port(self) -> bool:
        """Whether it wants one of the low ports (IP_PORTRANGE)."""
        six = self.domain == const.AF_INET6
        key = (const.IPPROTO_IPV6, const.IPV6_PORTRANGE) if six else (const.IPPROTO_IP, const.IP_PORTRANGE)
        return self.numbers.get(key) == const.IP_PORTRANGE_LOW

    # -- sending

    def route_to(self, dst: bytes, how: Outgoing = PLAIN) -> Route:
        """By the table, or out of the interface that was asked for. ENETUNREACH, EHOSTUNREACH, ENETDOWN."""
        layer = self.net.layers[len(dst)]
        if how is PLAIN and self.sticky is PLAIN and dst[0] < 224 and not self.options & const.SO_DONTROUTE:
            plain: Route = layer.route(dst)
            return plain
        chosen = how.ifindex or self.sticky.ifindex
        iface = self.net.interfaces.by_index.get(chosen) if chosen else None
        if iface is None and is_group(dst) and not zone_of(dst):
            iface = self.memberships.interface
        if iface is not None and dst not in self.net.interfaces.owners:
            through = (r for r in self.net.routes.matches(dst) if r.iface is iface and r.owner.up and not is_group(dst))
            return next(through, None) or layer.route_via(iface, dst)
        route: Route = layer.route(dst)
        if route.gateway and self.options & const.SO_DONTROUTE:
            raise KernelError(Errno.ENETUNREACH, f"{text(dst)} is behind a gateway (SO_DONTROUTE)")
        return route

    def pass_down(self, route: Route, src: bytes, dst: bytes, packet: Packet, how: Outgoing = PLAIN) -> None:
        """Sends a packet of its protocol as its options say. Errors of `Layer.send`."""
        layer = self.net.layers[len(dst)]
        if how is PLAIN and not self.numbers and len(dst) == 4 and dst[0] < 224:  # nothing was asked for: most packets
            layer.send(
                route, src, dst, self.protocol, packet, hop_limit=self.default_hops, options=self.ip_options or None
            )
            return
        group = is_group(dst)
        if len(dst) == 16 and self.numbers.get((const.IPPROTO_IPV6, const.IPV6_USE_MIN_MTU)) == 1:
            route = _narrow(route)
        hop_limit = self.hop_limit
        if group:
            hop_limit = self.memberships.hops or -1
        if how.hop_limit >= 0:
            hop_limit = how.hop_limit or -1
        fragment = how.dont_fragment if how.dont_fragment >= 0 else 0
        if not fragment and self.numbers:
            fragment = self.numbers.get((const.IPPROTO_IPV6, const.IPV6_DONTFRAG), 0)
        protocol, options = self.protocol, self.ip_options or None
        if len(dst) == 16:
            protocol, options = self._extend(packet, how)
        layer.send(
            route, src, dst, protocol, packet, hop_limit=hop_limit,
            tclass=how.tclass if how.tclass >= 0 else self.tclass, dont_fragment=bool(fragment),
            options=options, loop=self.memberships.loop,
        )  # fmt: skip

    def _extend(self, packet: Packet, how: Outgoing) -> tuple[int, bytes | None]:
        """Puts options for the destination in front; the protocol then, and options for every hop."""
        options = how.destination_options or self.sticky.destination_options
        protocol = self.protocol
        if options:
            packet.prepend(bytes([protocol]) + options[1:])
            protocol = ipv6.DESTINATION
        return protocol, how.hop_options or self.sticky.hop_options or None

    # -- addresses

    def local_address(self, addr: bytes) -> bytes:
        """An address to bind to: one of ours, or any, or a group. EADDRNOTAVAIL."""
        if addr not in (ANY, ANY6) and not is_group(addr) and addr not in self.net.interfaces.owners:
            broadcast = addr in self.net.interfaces.broadcasts or addr == b"\xff\xff\xff\xff"
            if not broadcast or self.type == const.SOCK_STREAM:
                raise KernelError(Errno.EADDRNOTAVAIL, f"{text(addr)} is no address of this kernel")
        address = self.net.interfaces.address(addr)
        if address is not None and not address.usable:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{text(addr)} is tentative or a duplicate")
        return addr

    def foreign_address(self, addr: bytes) -> bytes:
        """An address to send to; 0.0.0.0 stands for ourselves. EACCES for a broadcast that is not allowed."""
        if addr == ANY:
            own = next((a.addr for i in self.net.interfaces.by_name.values() for a in i.ipv4()), None)
            return own or addr
        if addr == ANY6:
            return bytes(15) + b"\1"
        broadcast = addr == b"\xff\xff\xff\xff" or addr in self.net.interfaces.broadcasts
        if broadcast and not self.options & const.SO_BROADCAST:
            raise KernelError(Errno.EACCES, "SO_BROADCAST is not set")
        return addr

    def source(self, dst: bytes) -> bytes:
        """The address to send from. ENETUNREACH, ENETDOWN."""
        return self.source_by(self.route_to(dst), dst)

    def source_by(self, route: Route, dst: bytes, how: Outgoing = PLAIN) -> bytes:
        """The same, given the route."""
        if self.bound and len(self.laddr) == len(dst) and not is_group(self.laddr):
            return self.laddr
        if len(how.src or self.sticky.src) == len(dst):
            return how.src or self.sticky.src
        return self.net.layers[len(dst)].select_source(route, dst)

    def check_destination(self, to: Sockaddr | None) -> None:
        """EISCONN, EDESTADDRREQ."""
        if to is not None and self.connected:
            raise KernelError(Errno.EISCONN)
        if to is None and not self.connected:
            raise KernelError(Errno.EDESTADDRREQ, "not connected, and no address given")

    def deliver(self, data: Buffer, name: Sockaddr, control: Sequence[Cmsg] = ()) -> bool:
        """Takes a datagram; False when there is no room."""
        assert isinstance(self.rcv, RecordBuffer)
        if self.cant_receive or not self.rcv.fits(len(data)):
            self.overflowed += not self.cant_receive
            return False
        self.rcv.append(Record(data, name, 0, (*control, *arrival(self))))
        self.readable.wake()
        return True

    def close(self) -> None:
        super().close()
        self.memberships.close()


class DatagramSocket(InetSocket):
    """One that sends each message at once: with and without control data it is one way, `_send`."""

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        return self._send(data, flags, to, PLAIN)

    def send_message(
        self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None, control: Sequence[Cmsg]
    ) -> Sent:
        return self._send(data, flags, to, outgoing(self, control))

    def _send(self, data: Buffer, flags: int, to: Sockaddr | None, how: Outgoing) -> int:
        raise NotImplementedError


def _narrow(route: Route) -> Route:
    """The same route for who wants packets that go through everywhere (IPV6_USE_MIN_MTU)."""
    narrow = Route(route.dst, route.prefixlen, route.iface, route.gateway, route.flags, route.src)
    narrow.mtu, narrow.owner = ipv6.MIN_MTU, route.owner
    return narrow

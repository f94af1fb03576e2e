"""The routing socket (route(4)), typed: what can be asked of the tables, and who is told of changes.

A message that a program sends is done, and comes back to all routing sockets with RTF_DONE or with an errno, as do
changes that nobody asked for: interfaces, addresses, redirects, neighbours, lookups that found nothing. Entries of ARP
and neighbour discovery are messages with RTF_LLDATA, whose gateway is the link-level address.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from rumpnet.core.buffer import RecordBuffer
from rumpnet.core.iface import Iface, InterfaceAddr, Listener
from rumpnet.core.ifioctl import Requests
from rumpnet.core.neighbour import SECOND, Neighbour, Neighbours
from rumpnet.core.route import REFUSED, Route, text
from rumpnet.core.rtmsg import Messages
from rumpnet.core.socket import Socket
from rumpnet.core.tables import route_nodes
from rumpnet.core.zone import sockaddr, with_zone
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlResult, Rtmsg, Sockaddr, SockaddrDl, SockaddrIn, SockaddrIn6

if TYPE_CHECKING:
    from rumpnet.core.net import Net, Node
    from rumpnet.core.socket import Received, Sent

MESSAGES_MAX = 1024
"""Unread messages of a socket; then its reader is told ENOBUFS."""
SETTABLE = (
    const.RTF_STATIC | const.RTF_REJECT | const.RTF_BLACKHOLE | const.RTF_PROTO1 | const.RTF_PROTO2 | const.RTF_GATEWAY
    | const.RTF_HOST
)  # fmt: skip


class MessageBuffer(RecordBuffer):
    """Messages instead of bytes."""

    def __init__(self) -> None:
        super().__init__(MESSAGES_MAX)
        self.messages: deque[Rtmsg] = deque()

    def __bool__(self) -> bool:
        return bool(self.messages)

    @property
    def first(self) -> int:
        return len(self.messages)

    def clear(self) -> None:
        self.messages.clear()


class RouteSocket(Socket):
    """Its messages go by route_send and route_recv."""

    def __init__(self, table: RouteDomain, protocol: int) -> None:
        super().__init__(table.net, const.AF_ROUTE, const.SOCK_RAW, protocol, MessageBuffer())
        self.table = table
        self.options |= const.SO_USELOOPBACK
        table.sockets.append(self)

    @property
    def buffer(self) -> MessageBuffer:
        assert isinstance(self.rcv, MessageBuffer)
        return self.rcv

    @property
    def connected(self) -> bool:
        return False

    def sockname(self) -> Sockaddr:
        return SockaddrDl()

    def peername(self) -> Sockaddr:
        raise KernelError(Errno.ENOTCONN)

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        raise KernelError(Errno.EOPNOTSUPP, "a routing socket has no name")

    def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        raise KernelError(Errno.EOPNOTSUPP, "a routing socket has no peer")

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP."""
        raise KernelError(Errno.EOPNOTSUPP, "messages of a routing socket are typed: route_send")

    def receive(self, length: int, flags: int) -> Received:
        """EOPNOTSUPP."""
        raise KernelError(Errno.EOPNOTSUPP, "messages of a routing socket are typed: route_recv")

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        return Requests(self.net, ctx)(com, data)

    def next_message(self, flags: int) -> Rtmsg | Coroutine[Any, Any, Rtmsg]:
        """EAGAIN, ENOBUFS when messages were lost."""
        self.raise_error()
        if self.buffer:
            return self._take(flags)
        self.may_wait(flags)
        return self._wait_for_message(flags)

    def _take(self, flags: int) -> Rtmsg:
        messages = self.buffer.messages
        return messages[0] if flags & const.MSG_PEEK else messages.popleft()

    async def _wait_for_message(self, flags: int) -> Rtmsg:
        deadline = self.deadline(self.rcvtimeo_ns)
        while not self.buffer:
            await self.wait(self.readable, deadline)
            self.raise_error()
        return self._take(flags)

    def tell(self, message: Rtmsg, sender: RouteSocket | None) -> None:
        """A message of interest: of the family that the socket asked for, if it did."""
        if sender is self and not self.options & const.SO_USELOOPBACK:
            return
        if self.protocol and message.dst is not None and _family(message.dst) != self.protocol:
            return
        if len(self.buffer.messages) >= MESSAGES_MAX:
            self.fail(Errno.ENOBUFS)
            return
        self.buffer.messages.append(message)
        self.readable.wake()

    def close(self) -> None:
        super().close()
        if self in self.table.sockets:
            self.table.sockets.remove(self)


class RouteDomain(Listener):
    """AF_ROUTE, and the listener that speaks to its sockets."""

    family = const.AF_ROUTE
    name = "route"

    def __init__(self, net: Net) -> None:
        self.net = net
        self.messages = Messages(net)
        self.sockets: list[RouteSocket] = []
        self.stats = Counter(dynamic=0, newgateway=0, unreach=0)
        """Routes that redirects have made and changed, and how often none was found (struct rtstat)."""
        self._quiet = False

    def start(self) -> None:
        net = self.net
        net.routes.listeners.append(self)
        net.interfaces.listeners.append(self)
        net.neighbour_listeners.append(self.neighbour_changed)

    def nodes(self) -> list[Node]:
        return route_nodes(self)

    def stop(self) -> None:
        """Nothing is under way that no socket holds."""

    def socket(self, ctx: Context, kind: int, protocol: int) -> RouteSocket:
        """EPROTOTYPE for types other than SOCK_RAW, EPROTONOSUPPORT for no family."""
        if kind != const.SOCK_RAW:
            raise KernelError(Errno.EPROTOTYPE, "routing sockets are raw")
        if protocol not in (0, const.AF_INET, const.AF_INET6):
            raise KernelError(Errno.EPROTONOSUPPORT, f"no family {protocol}")
        return RouteSocket(self, protocol)

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[RouteSocket, RouteSocket]:
        """EOPNOTSUPP, after the errors of `socket`."""
        self.socket(ctx, kind, protocol).close()
        raise KernelError(Errno.EOPNOTSUPP, "only the local domain has socket pairs")

    # -- calls

    def route_send(self, ctx: Context, s: int, msg: Rtmsg | None) -> Rtmsg:
        """EBADF, EOPNOTSUPP, EACCES for others than root, EINVAL, EAFNOSUPPORT, EEXIST, ESRCH, ENETUNREACH, ENXIO."""
        so = self._socket(s)
        message = (msg or Rtmsg())._replace(rtm_pid=ctx.pid)
        try:
            answer = self._do(ctx, message)
        except KernelError as error:
            self._tell(message._replace(rtm_errno=error.errno), so)
            raise
        answer = answer._replace(
            rtm_flags=answer.rtm_flags | const.RTF_DONE, rtm_pid=ctx.pid, rtm_seq=message.rtm_seq,
            rtm_type=message.rtm_type,
        )  # fmt: skip
        self._tell(answer, so)
        return answer

    def route_recv(self, ctx: Context, s: int, flags: int) -> Any:
        """EBADF, EOPNOTSUPP, ENOBUFS, EAGAIN."""
        return self._socket(s).next_message(flags)

    def route_dump(self, ctx: Context, family: int, op: int, arg: int) -> list[Rtmsg]:
        return self.messages.dump(family, op, arg)

    def _socket(self, s: int) -> RouteSocket:
        so = self.net.socket(s)
        if not isinstance(so, RouteSocket):
            raise KernelError(Errno.EOPNOTSUPP, "not a routing socket")
        return so

    # -- what programs ask for

    def _do(self, ctx: Context, message: Rtmsg) -> Rtmsg:
        action = ACTIONS.get(message.rtm_type)
        if action is None:
            raise KernelError(Errno.EOPNOTSUPP, f"message type {message.rtm_type} cannot be sent")
        if message.rtm_type != const.RTM_GET:
            authorize(ctx, Action.NETWORK_ROUTE, Errno.EACCES)
        dst = self._address(message.dst, message)
        if not 0 <= message.prefixlen <= len(dst) * 8:
            raise KernelError(Errno.EINVAL, f"prefix length {message.prefixlen}")
        self._quiet = True
        try:
            return action(self, message, dst)
        finally:
            self._quiet = False

    def _address(self, name: Sockaddr | None, message: Rtmsg) -> bytes:
        """EAFNOSUPPORT, EINVAL, ENXIO."""
        zone = name.sin6_scope_id if isinstance(name, SockaddrIn6) else 0
        iface = self.net.interfaces.get(message.ifname) if message.ifname else None
        return _bytes(name, zone or (iface.index if iface is not None else 0))

    def _get(self, message: Rtmsg, dst: bytes) -> Rtmsg:
        if message.rtm_flags & const.RTF_LLDATA:
            return self.messages.neighbour(const.RTM_GET, *self._neighbour(message, dst))
        for route in self.net.routes.matches(dst):
            if route.owner.up or route.flags & REFUSED:
                return self._with_source(self.messages.route(route), route, dst)
        raise KernelError(Errno.ESRCH, f"no route to {text(dst)}")

    def _with_source(self, message: Rtmsg, route: Route, dst: bytes) -> Rtmsg:
        """The address that packets would be sent from, where the route leaves it open."""
        layer = self.net.layers.get(len(dst))
        if message.ifa is not None or layer is None or route.flags & REFUSED:
            return message
        try:
            return message._replace(ifa=sockaddr(layer.select_source(route, dst)))
        except KernelError:
            return message

    def _add(self, message: Rtmsg, dst: bytes) -> Rtmsg:
        if message.rtm_flags & const.RTF_LLDATA:
            return self._add_neighbour(message, dst)
        gateway, iface = self._next_hop(message)
        src = self._source(message, iface, gateway or dst)
        flags = message.rtm_flags & SETTABLE | const.RTF_STATIC
        flags &= ~(const.RTF_GATEWAY | const.RTF_HOST)
        if message.rtm_flags & REFUSED:
            iface, gateway = self.net.interfaces.get("lo0"), b""
        route = self.net.routes.add(
            dst, message.prefixlen, iface, gateway=gateway, flags=flags, src=src, mtu=message.rmx_mtu,
            expires_ns=self._expiry(message),
        )  # fmt: skip
        return self.messages.route(route)

    def _next_hop(self, message: Rtmsg) -> tuple[bytes, Iface]:
        """The gateway, or none, and the interface. ENETUNREACH when the gateway is on no network of ours."""
        gateway = message.gateway
        if isinstance(gateway, SockaddrDl) or gateway is None:
            name = message.ifname or (gateway.sdl_name if gateway is not None else "")
            if not name and message.rtm_flags & REFUSED:
                return b"", self.net.interfaces.get("lo0")
            return b"", self.net.interfaces.get(name)
        addr = self._address(gateway, message)
        try:
            on_link = self.net.layers[len(addr)].route(addr)
        except (KernelError, KeyError) as error:
            raise KernelError(Errno.ENETUNREACH, f"{text(addr)} is on no network of ours") from error
        if on_link.flags & const.RTF_LOCAL:
            return b"", on_link.owner
        if on_link.gateway:
            raise KernelError(Errno.ENETUNREACH, f"{text(addr)} is behind a gateway itself")
        iface = self.net.interfaces.get(message.ifname) if message.ifname else on_link.iface
        return addr, iface

    def _source(self, message: Rtmsg, iface: Iface, hop: bytes) -> bytes:
        """Of IPv4 routes; IPv6 chooses by destination. EADDRNOTAVAIL."""
        if message.ifa is not None:
            addr = self._address(message.ifa, message)
            if addr not in self.net.interfaces.owners:
                raise KernelError(Errno.EADDRNOTAVAIL, f"{text(addr)} is no address of this kernel")
            return addr
        layer: Any = self.net.layers.get(len(hop))
        found: bytes = layer.source_on(iface, hop) if len(hop) == 4 and layer is not None else b""
        return found if any(found) else b""

    def _expiry(self, message: Rtmsg) -> int | None:
        return self.net.host.monotonic_ns() + message.rmx_expire * SECOND if message.rmx_expire > 0 else None

    def _delete(self, message: Rtmsg, dst: bytes) -> Rtmsg:
        if message.rtm_flags & const.RTF_LLDATA:
            iface, entry = self._neighbour(message, dst)
            gone = self.messages.neighbour(const.RTM_DELETE, iface, entry)
            cache: Neighbours = getattr(iface, "neighbours")  # noqa: B009  kinds of Ethernet have one
            cache.delete(entry.addr)
            return gone
        route = self._find(message, dst)
        gone = self.messages.route(route)
        self.net.routes.remove(route)
        return gone

    def _change(self, message: Rtmsg, dst: bytes) -> Rtmsg:
        route = self._find(message, dst)
        flags = route.flags & ~REFUSED | message.rtm_flags & (REFUSED | const.RTF_PROTO1 | const.RTF_PROTO2)
        gateway, iface = route.gateway, route.iface
        if message.gateway is not None or message.ifname:
            gateway, iface = self._next_hop(message)
        if message.ifname and message.gateway is None:
            gateway = route.gateway
        src = self._source(message, iface, gateway or dst) if message.ifa is not None or gateway else route.src
        self.net.routes.change(
            route, iface=iface, gateway=gateway, flags=flags, src=src, mtu=message.rmx_mtu or route.mtu,
            expires_ns=self._expiry(message),
        )  # fmt: skip
        return self.messages.route(route)

    def _find(self, message: Rtmsg, dst: bytes) -> Route:
        route = self.net.routes.find(dst, message.prefixlen)
        if route is None:
            raise KernelError(Errno.ESRCH, f"no route to {text(dst)}/{message.prefixlen}")
        return route

    def _add_neighbour(self, message: Rtmsg, dst: bytes) -> Rtmsg:
        """Permanent unless it has an expiry; published with RTF_ANNOUNCE. EINVAL, ENETUNREACH, EEXIST."""
        link = message.gateway
        if not isinstance(link, SockaddrDl) or len(link.sdl_addr) != 6:
            raise KernelError(Errno.EINVAL, "a neighbour has a link-level address")
        name = message.ifname or link.sdl_name
        iface = self.net.interfaces.get(name) if name else self.net.layers[len(dst)].route(dst).iface
        cache = getattr(iface, "neighbours", None)
        if not isinstance(cache, Neighbours):
            raise KernelError(Errno.EINVAL, f"{iface.name} has no neighbours")
        published = bool(message.rtm_flags & const.RTF_ANNOUNCE)
        cache.set(dst, bytes(link.sdl_addr), permanent=message.rmx_expire <= 0, published=published)
        return self.messages.neighbour(const.RTM_ADD, iface, cache.entries[dst])

    def _neighbour(self, message: Rtmsg, dst: bytes) -> tuple[Iface, Neighbour]:
        """ESRCH."""
        for iface in self.net.interfaces.by_name.values():
            entry = getattr(iface, "neighbours", None) and iface.neighbours.entries.get(dst)  # type: ignore[attr-defined]
            if entry and message.ifname in ("", iface.name):
                return iface, entry
        raise KernelError(Errno.ESRCH, f"{text(dst)} is no neighbour")

    # -- what sockets are told

    def _tell(self, message: Rtmsg, sender: RouteSocket | None = None) -> None:
        for so in list(self.sockets):
            so.tell(message, sender)

    # -- changes

    def route_new(self, route: Route) -> None:
        self._unless_quiet(lambda: self.messages.route(route, const.RTM_ADD))

    def route_gone(self, route: Route) -> None:
        self._unless_quiet(lambda: self.messages.route(route, const.RTM_DELETE))

    def route_changed(self, route: Route) -> None:
        self._unless_quiet(lambda: self.messages.route(route, const.RTM_CHANGE))

    def route_missed(self, dst: bytes) -> None:
        self.stats["unreach"] += 1
        self._unless_quiet(
            lambda: Rtmsg(rtm_type=const.RTM_MISS, dst=sockaddr(dst), prefixlen=len(dst) * 8, rtm_flags=const.RTF_DONE)
        )

    def route_redirected(self, route: Route, author: bytes) -> None:
        self.stats["dynamic" if route.flags & const.RTF_DYNAMIC else "newgateway"] += 1
        self._unless_quiet(lambda: self.messages.route(route, const.RTM_REDIRECT)._replace(author=sockaddr(author)))

    def neighbour_changed(self, iface: Iface, entry: Neighbour, gone: bool) -> None:
        kind = const.RTM_DELETE if gone else const.RTM_ADD
        self._unless_quiet(lambda: self.messages.neighbour(kind, iface, entry))

    def iface_new(self, iface: Iface) -> None:
        self._unless_quiet(lambda: self.messages.interface(const.RTM_IFANNOUNCE, iface, const.IFAN_ARRIVAL))

    def iface_gone(self, iface: Iface) -> None:
        self._unless_quiet(lambda: self.messages.interface(const.RTM_IFANNOUNCE, iface, const.IFAN_DEPARTURE))

    def iface_changed(self, iface: Iface) -> None:
        self._unless_quiet(lambda: self.messages.interface(const.RTM_IFINFO, iface))

    def lladdr_changed(self, iface: Iface) -> None:
        self._unless_quiet(lambda: self.messages.interface(const.RTM_IFINFO, iface))

    def address_new(self, iface: Iface, address: InterfaceAddr) -> None:
        self._unless_quiet(lambda: self.messages.address(const.RTM_NEWADDR, iface, address))

    def address_gone(self, iface: Iface, address: InterfaceAddr) -> None:
        self._unless_quiet(lambda: self.messages.address(const.RTM_DELADDR, iface, address))

    def _unless_quiet(self, make: Callable[[], Rtmsg]) -> None:
        """Makes and sends a message if anybody listens, and nobody has asked for just this change."""
        if self.sockets and not self._quiet:
            self._tell(make())


ACTIONS: dict[int, Callable[[RouteDomain, Rtmsg, bytes], Rtmsg]] = {
    const.RTM_ADD: RouteDomain._add,
    const.RTM_DELETE: RouteDomain._delete,
    const.RTM_CHANGE: RouteDomain._change,
    const.RTM_GET: RouteDomain._get,
}


def _family(name: Sockaddr) -> int:
    return const.AF_INET6 if isinstance(name, SockaddrIn6) else const.AF_INET if isinstance(name, SockaddrIn) else 0


def _bytes(name: Sockaddr | None, zone: int) -> bytes:
    """EAFNOSUPPORT, EINVAL."""
    if isinstance(name, SockaddrIn6):
        addr = bytes(name.sin6_addr) or bytes(16)
        if len(addr) != 16:
            raise KernelError(Errno.EINVAL, "not an IPv6 address")
        return with_zone(addr, zone)
    if isinstance(name, SockaddrIn):
        addr = bytes(name.sin_addr) or bytes(4)
        if len(addr) != 4:
            raise KernelError(Errno.EINVAL, "not an IPv4 address")
        return addr
    raise KernelError(Errno.EAFNOSUPPORT, "not an address of IPv4 or IPv6")

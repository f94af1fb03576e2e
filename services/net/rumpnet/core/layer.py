"""What the internet layers are for those above, below and beside them: one shape for `Ip` and `Ip6`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rumpnet.core.iface import Iface, InterfaceAddr
from rumpnet.core.packet import Packet
from rumpnet.core.route import Route

if TYPE_CHECKING:
    from rumpnet.core.net import Net
    from rumpnet.core.wire import ipv4

ADDRESSES_MAX = 256
"""Of one interface."""


class Layer(Protocol):
    """An internet layer as protocols over it see it: `Ip` and `Ip6` alike.

    Addresses are 4 or 16 bytes; a link-local IPv6 address has the index of its interface in bytes 2 and 3 (as in the
    KAME stack), so that addresses compare and hash as what they mean. The wire never sees that.
    """

    family: int
    ADDR_LEN: int
    HEADER_LEN: int
    net: Net
    stats: Counter[str]
    protocols: dict[int, Upper]
    hooks: list[Hook]

    def route(self, dst: bytes) -> Route:
        """ENETUNREACH, EHOSTUNREACH, ENETDOWN."""
        ...

    def send(
        self, route: Route, src: bytes, dst: bytes, protocol: int, packet: Packet, *, hop_limit: int = 0,
        tclass: int = 0, dont_fragment: bool = False, options: Any = None, loop: bool = True,
    ) -> None:  # fmt: skip
        """Puts a header in front of ``packet`` and sends it, in fragments when it is too long.

        A hop limit of 0 is the default one, one below does not leave this host. With ``loop`` a packet to a group comes
        back to those here who are in it.

        EMSGSIZE when it must not be fragmented or is too long for IP, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENOBUFS.
        """
        ...

    def route_via(self, iface: Iface, dst: bytes) -> Route:
        """Straight out of an interface, whatever the table says."""
        ...

    def path_mtu(self, route: Route, dst: bytes) -> int:
        """Bytes that a whole packet to a destination may have."""
        ...

    def pseudo(self, src: bytes, dst: bytes, protocol: int, length: int) -> int:
        """The ones' complement sum of the pseudo header."""
        ...

    def is_ours(self, addr: bytes) -> bool:
        """Whether packets to it are for us: own addresses, broadcasts, groups."""
        ...

    def source_for(self, dst: bytes) -> bytes:
        """The address to send from. ENETUNREACH and others of `route`, EADDRNOTAVAIL."""
        ...

    def select_source(self, route: Route, dst: bytes) -> bytes:
        """The same, given the route."""
        ...

    def join(self, iface: Iface, group: bytes) -> None:
        """Receives a multicast group, and tells routers."""
        ...

    def leave(self, iface: Iface, group: bytes) -> None: ...

    def add_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Gives an interface an address, in place of the same one, with its routes. ENOBUFS."""
        ...

    def remove_address(self, iface: Iface, address: InterfaceAddr) -> None: ...

    def accept_advertisements(self, iface: Iface) -> None:
        """Is configured by routers from now on. EAFNOSUPPORT where there is no such thing."""
        ...

    def port_unreachable(self, header: Any, packet: Packet) -> None:
        """Tells the sender that nobody listens there."""
        ...


class Upper(Protocol):
    """A protocol over IP."""

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: Any) -> None:
        """Takes a whole packet for us, which begins at its own header. ``header`` is IP's. Malformed."""
        ...

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """What became of a packet of ours, from ``src`` to ``dst``: at least 8 bytes of it are quoted. ``mtu`` comes
        with EMSGSIZE, else it is 0."""
        ...


class Errors(Protocol):
    """Who tells senders what became of their packets (ICMP)."""

    def send_error(self, iface: Iface | None, about: ipv4.Packet, kind: int, code: int, rest: int = 0) -> None: ...

    def redirect(self, iface: Iface, about: ipv4.Packet, gateway: bytes) -> None: ...


class Raw(Protocol):
    """Raw sockets."""

    def wants(self, protocol: int) -> bool:
        """Whether there are any of a protocol."""
        ...

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: Any) -> None: ...


Hook = Callable[[Iface, Packet, bool], Packet | None]
"""A packet filter (pfil(9)): sees packets with their IP header, True for outgoing ones; None drops."""

"""Options of the levels IPPROTO_IP and IPPROTO_IPV6 (ip(4), ip6(4)): bounds in a table, the rest one function each."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core import ancillary, ipopts
from rumpnet.core.options import integer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Mreq, Sockopt, SockoptInteger, SockoptRaw

if TYPE_CHECKING:
    from rumpnet.core.inet import InetSocket

_IP, _IP6 = const.IPPROTO_IP, const.IPPROTO_IPV6
# Options that are a number: lowest, highest, and what it is before it is set.
NUMBERS = {
    (_IP, const.IP_TTL): (1, 255, 0),
    (_IP, const.IP_TOS): (0, 255, 0),
    (_IP, const.IP_MINTTL): (0, 255, 0),
    (_IP, const.IP_PORTRANGE): (0, 2, 0),
    (_IP, const.IP_RECVOPTS): (0, 1, 0),
    (_IP, const.IP_RECVDSTADDR): (0, 1, 0),
    (_IP, const.IP_RECVIF): (0, 1, 0),
    (_IP, const.IP_RECVTTL): (0, 1, 0),
    (_IP, const.IP_RECVPKTINFO): (0, 1, 0),
    (_IP, const.IP_MULTICAST_TTL): (0, 255, 1),
    (_IP, const.IP_MULTICAST_LOOP): (0, 1, 1),
    (_IP6, const.IPV6_UNICAST_HOPS): (-1, 255, -1),
    (_IP6, const.IPV6_MULTICAST_HOPS): (-1, 255, 1),
    (_IP6, const.IPV6_MULTICAST_LOOP): (0, 1, 1),
    (_IP6, const.IPV6_TCLASS): (-1, 255, 0),
    (_IP6, const.IPV6_DONTFRAG): (0, 1, 0),
    (_IP6, const.IPV6_USE_MIN_MTU): (-1, 1, -1),
    (_IP6, const.IPV6_PORTRANGE): (0, 2, 0),
    (_IP6, const.IPV6_RECVPKTINFO): (0, 1, 0),
    (_IP6, const.IPV6_RECVHOPLIMIT): (0, 1, 0),
    (_IP6, const.IPV6_RECVTCLASS): (0, 1, 0),
    (_IP6, const.IPV6_RECVHOPOPTS): (0, 1, 0),
    (_IP6, const.IPV6_RECVDSTOPTS): (0, 1, 0),
    (_IP6, const.IPV6_RECVRTHDR): (0, 1, 0),
    (_IP6, const.IPV6_RECVPATHMTU): (0, 1, 0),
    (_IP6, const.IPV6_V6ONLY): (0, 1, 0),
}


def getopt(so: InetSocket, level: int, name: int) -> Sockopt | None:
    """None for what is unknown."""
    if not _right_level(so, level):
        return None
    if (level, name) == (_IP, const.IP_TTL):
        return SockoptInteger(so.numbers.get((level, name)) or so.layer.ttl.value)
    if (level, name) == (_IP6, const.IPV6_V6ONLY):
        return SockoptInteger(int(so.v6only))
    if (level, name) == (_IP6, const.IPV6_UNICAST_HOPS) and so.numbers.get((level, name), -1) < 0:
        return SockoptInteger(so.layer.ttl.value)
    if (level, name) in NUMBERS:
        return SockoptInteger(so.numbers.get((level, name), NUMBERS[level, name][2]))
    getter = _GETTERS.get((level, name))
    return getter(so) if getter else None


def setopt(so: InetSocket, level: int, name: int, value: Sockopt | None) -> bool:
    """False for what is unknown. EINVAL, EADDRNOTAVAIL, ENXIO."""
    if not _right_level(so, level):
        return False
    setter = _SETTERS.get((level, name))
    if setter is not None:
        setter(so, value)
        return True
    if (level, name) not in NUMBERS:
        return False
    lowest, highest, _ = NUMBERS[level, name]
    number = integer(value)
    if highest == 1 and lowest == 0:
        number = int(bool(number))
    if not lowest <= number <= highest:
        raise KernelError(Errno.EINVAL, f"{number} is not in {lowest}..{highest}")
    so.numbers[level, name] = number
    so.options_changed(level, name, number)
    return True


def _right_level(so: InetSocket, level: int) -> bool:
    return level == (_IP6 if so.domain == const.AF_INET6 else _IP)


def _raw(value: Sockopt | None) -> bytes:
    if isinstance(value, SockoptRaw):
        return bytes(value.raw)
    raise KernelError(Errno.EINVAL, f"the option takes bytes, not {value}")


def _set_v6only(so: InetSocket, value: Sockopt | None) -> None:
    """EINVAL once it has a port."""
    if so.lport:
        raise KernelError(Errno.EINVAL, "the socket is bound already")
    so.v6only = bool(integer(value))


def _set_options(so: InetSocket, value: Sockopt | None) -> None:
    so.ip_options = ipopts.check(_raw(value)) if value is not None else b""


def _set_interface(so: InetSocket, value: Sockopt | None) -> None:
    """IP_MULTICAST_IF: by the address of the interface, or by its index; all zeros for the one of the route."""
    if isinstance(value, Mreq) and value.ifindex:
        _set_interface6(so, SockoptInteger(value.ifindex))
        return
    addr = bytes(value.interface) if isinstance(value, Mreq) else _raw(value)
    if not any(addr):
        so.memberships.interface = None
        return
    owner = so.net.interfaces.owner(addr)
    if owner is None:
        raise KernelError(Errno.EADDRNOTAVAIL, "no interface has that address")
    so.memberships.interface = owner


def _get_interface(so: InetSocket) -> Sockopt:
    iface = so.memberships.interface
    address = next(iter(iface.ipv4()), None) if iface is not None else None
    return SockoptRaw(address.addr if address is not None else bytes(4))


def _set_interface6(so: InetSocket, value: Sockopt | None) -> None:
    index = integer(value)
    iface = so.net.interfaces.by_index.get(index)
    if iface is None and index:
        raise KernelError(Errno.ENXIO, f"there is no interface {index}")
    so.memberships.interface = iface


def _get_interface6(so: InetSocket) -> Sockopt:
    iface = so.memberships.interface
    return SockoptInteger(iface.index if iface is not None else 0)


def _set_pktinfo(so: InetSocket, value: Sockopt | None) -> None:
    """Of all packets that do not say for themselves."""
    raw = _raw(value)
    plain = so.sticky._replace(src=b"", ifindex=0)
    try:
        if so.domain == const.AF_INET6:
            found = ancillary.pktinfo6(plain, raw)
        else:
            src, index = ancillary.PKTINFO.unpack(raw)
            found = plain._replace(src=src if any(src) else b"", ifindex=index)
    except struct.error as error:
        raise KernelError(Errno.EINVAL, f"{len(raw)} bytes are no packet information") from error
    so.sticky = ancillary.check(so, found)


def _set_header(name: int) -> Callable[[InetSocket, Sockopt | None], None]:
    """IPV6_HOPOPTS, IPV6_DSTOPTS: of all packets that do not have their own."""

    def put(so: InetSocket, value: Sockopt | None) -> None:
        if so.type == const.SOCK_STREAM:
            raise KernelError(Errno.ENOPROTOOPT, "streams carry no extension headers")
        header = _raw(value) if value is not None else b""
        so.sticky = ancillary.check(so, ancillary.with_header(so.sticky, name, header))

    return put


def _path_mtu(so: InetSocket) -> Sockopt:
    """ENOTCONN."""
    if not so.connected:
        raise KernelError(Errno.ENOTCONN)
    layer = so.net.layers[len(so.faddr)]
    return SockoptInteger(layer.path_mtu(layer.route(so.faddr), so.faddr))


_SETTERS: dict[tuple[int, int], Callable[[InetSocket, Sockopt | None], None]] = {
    (_IP, const.IP_OPTIONS): _set_options,
    (_IP, const.IP_MULTICAST_IF): _set_interface,
    (_IP, const.IP_ADD_MEMBERSHIP): lambda so, value: so.memberships.join(value, 4),
    (_IP, const.IP_DROP_MEMBERSHIP): lambda so, value: so.memberships.leave(value, 4),
    (_IP, const.IP_PKTINFO): _set_pktinfo,
    (_IP6, const.IPV6_V6ONLY): _set_v6only,
    (_IP6, const.IPV6_MULTICAST_IF): _set_interface6,
    (_IP6, const.IPV6_JOIN_GROUP): lambda so, value: so.memberships.join(value, 16),
    (_IP6, const.IPV6_LEAVE_GROUP): lambda so, value: so.memberships.leave(value, 16),
    (_IP6, const.IPV6_PKTINFO): _set_pktinfo,
    (_IP6, const.IPV6_HOPOPTS): _set_header(const.IPV6_HOPOPTS),
    (_IP6, const.IPV6_DSTOPTS): _set_header(const.IPV6_DSTOPTS),
}
_GETTERS: dict[tuple[int, int], Callable[[InetSocket], Sockopt]] = {
    (_IP, const.IP_OPTIONS): lambda so: SockoptRaw(so.ip_options),
    (_IP, const.IP_MULTICAST_IF): _get_interface,
    (_IP, const.IP_ERRORMTU): _path_mtu,
    (_IP6, const.IPV6_MULTICAST_IF): _get_interface6,
    (_IP6, const.IPV6_HOPOPTS): lambda so: SockoptRaw(so.sticky.hop_options),
    (_IP6, const.IPV6_DSTOPTS): lambda so: SockoptRaw(so.sticky.destination_options),
    (_IP6, const.IPV6_PATHMTU): _path_mtu,
}

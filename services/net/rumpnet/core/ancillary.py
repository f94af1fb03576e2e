"""Control data of the Internet domains: what receivers asked to be told of packets, and what senders say of one.

Numbers in control data stand in the byte order that all machines of ours have, little endian (cmsg data are the one
place where the contract has bytes of C structures: in_pktinfo, in6_pktinfo, int).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from rumpnet.core.iface import Iface
from rumpnet.core.zone import MAPPED, with_zone, without_zone, zone_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg

if TYPE_CHECKING:
    from rumpnet.core.inet import InetSocket

INT = struct.Struct("<i")
PKTINFO = struct.Struct("<4sI")
PKTINFO6 = struct.Struct("<16sI")
_IP, _IP6 = const.IPPROTO_IP, const.IPPROTO_IPV6


class Outgoing(NamedTuple):
    """How one packet is to be sent. Numbers below 0 stand for what the socket has."""

    src: bytes = b""
    ifindex: int = 0
    hop_limit: int = -1
    tclass: int = -1
    dont_fragment: int = -1
    hop_options: bytes = b""
    destination_options: bytes = b""
    """Extension headers of IPv6, whole; their first byte does not count."""


PLAIN = Outgoing()


def received(so: InetSocket, iface: Iface, dst: bytes, header: Any) -> list[Cmsg]:
    """What the socket wants to know of a packet."""
    wanted = so.numbers
    found = []
    for level, name in so.tells:
        if wanted.get((level, name)):
            shape = SHAPES[level, name](iface, dst, header)
            if shape is not None:
                found.append(Cmsg(level, KINDS.get((level, name), name), shape, []))
    return found


def _link(iface: Iface, dst: bytes, header: Any) -> bytes:
    """A sockaddr_dl."""
    name = iface.name.encode()
    body = struct.pack("<HBBBB", iface.index, iface.if_type, len(name), len(iface.lladdr), 0) + name + iface.lladdr
    return bytes([len(body) + 2, const.AF_LINK]) + body


def _pktinfo6(iface: Iface, dst: bytes, header: Any) -> bytes:
    return PKTINFO6.pack(MAPPED + dst if len(dst) == 4 else without_zone(dst), iface.index)


def _options(iface: Iface, dst: bytes, header: Any) -> bytes | None:
    return bytes(header.options) or None


def _extension(kind: int) -> Any:
    def shape(iface: Iface, dst: bytes, header: Any) -> bytes | None:
        found: bytes | None = header.extensions.get(kind) if len(dst) == 16 else None
        return found

    return shape


# How what is asked for (SOL, option) looks, and the type it is told by where that is another.
SHAPES: dict[tuple[int, int], Any] = {
    (_IP, const.IP_RECVDSTADDR): lambda iface, dst, header: dst,
    (_IP, const.IP_RECVIF): _link,
    (_IP, const.IP_RECVTTL): lambda iface, dst, header: bytes([header.hop_limit]),
    (_IP, const.IP_RECVPKTINFO): lambda iface, dst, header: PKTINFO.pack(dst, iface.index),
    (_IP, const.IP_RECVOPTS): _options,
    (_IP6, const.IPV6_RECVPKTINFO): _pktinfo6,
    (_IP6, const.IPV6_RECVHOPLIMIT): lambda iface, dst, header: INT.pack(header.hop_limit),
    (_IP6, const.IPV6_RECVTCLASS): lambda iface, dst, header: INT.pack(header.tclass),
    (_IP6, const.IPV6_RECVHOPOPTS): _extension(0),
    (_IP6, const.IPV6_RECVRTHDR): _extension(43),
    (_IP6, const.IPV6_RECVDSTOPTS): _extension(60),
}
KINDS = {
    (_IP, const.IP_RECVPKTINFO): const.IP_PKTINFO,
    (_IP6, const.IPV6_RECVPKTINFO): const.IPV6_PKTINFO,
    (_IP6, const.IPV6_RECVHOPLIMIT): const.IPV6_HOPLIMIT,
    (_IP6, const.IPV6_RECVTCLASS): const.IPV6_TCLASS,
    (_IP6, const.IPV6_RECVHOPOPTS): const.IPV6_HOPOPTS,
    (_IP6, const.IPV6_RECVRTHDR): const.IPV6_RTHDR,
    (_IP6, const.IPV6_RECVDSTOPTS): const.IPV6_DSTOPTS,
}


def outgoing(so: InetSocket, control: Iterable[Cmsg]) -> Outgoing:
    """What a message says of how it is to be sent. EINVAL, ENOPROTOOPT, EADDRNOTAVAIL, ENXIO."""
    found = PLAIN
    for cmsg in control:
        try:
            found = _apply(found, cmsg.cmsg_level, cmsg.cmsg_type, bytes(cmsg.data))
        except struct.error as error:
            raise KernelError(Errno.EINVAL, f"control data {cmsg.cmsg_type:#x} of {len(cmsg.data)} bytes") from error
    return check(so, found)


def check(so: InetSocket, found: Outgoing) -> Outgoing:
    """EPERM, EINVAL for a number out of bounds, ENXIO for no interface, EADDRNOTAVAIL for a source that is not ours."""
    if found.hop_options and so.type != const.SOCK_RAW:
        raise KernelError(Errno.EPERM, "hop-by-hop options are for raw sockets")
    if not -1 <= found.hop_limit <= 255 or not -1 <= found.tclass <= 255:
        raise KernelError(Errno.EINVAL, f"hop limit {found.hop_limit}, traffic class {found.tclass}")
    if found.ifindex and found.ifindex not in so.net.interfaces.by_index:
        raise KernelError(Errno.ENXIO, f"there is no interface {found.ifindex}")
    if found.src and found.src not in so.net.interfaces.owners:
        raise KernelError(Errno.EADDRNOTAVAIL, "the source is no address of this kernel")
    return found


def _apply(found: Outgoing, level: int, kind: int, data: bytes) -> Outgoing:
    if (level, kind) == (_IP, const.IP_PKTINFO):
        src, index = PKTINFO.unpack(data)
        return found._replace(src=src if any(src) else b"", ifindex=index)
    if (level, kind) == (_IP, const.IP_TTL):
        return found._replace(hop_limit=int.from_bytes(data, "little"))
    if (level, kind) == (_IP, const.IP_TOS):
        return found._replace(tclass=int.from_bytes(data, "little"))
    if (level, kind) == (_IP6, const.IPV6_PKTINFO):
        return pktinfo6(found, data)
    if (level, kind) == (_IP6, const.IPV6_HOPLIMIT):
        return found._replace(hop_limit=INT.unpack(data)[0])
    if (level, kind) == (_IP6, const.IPV6_TCLASS):
        return found._replace(tclass=INT.unpack(data)[0])
    if (level, kind) == (_IP6, const.IPV6_DONTFRAG):
        return found._replace(dont_fragment=int(any(data)))
    if level == _IP6 and kind in (const.IPV6_HOPOPTS, const.IPV6_DSTOPTS):
        return with_header(found, kind, data)
    raise KernelError(Errno.ENOPROTOOPT, f"control data {kind:#x} of level {level}")


def with_header(found: Outgoing, kind: int, data: bytes) -> Outgoing:
    """A header of options as a program gives it (RFC 3542, 8, 9); none takes it away. EINVAL."""
    if data and (len(data) % 8 or len(data) != (data[1] + 1) * 8):
        raise KernelError(Errno.EINVAL, f"{len(data)} bytes are no extension header")
    if kind == const.IPV6_HOPOPTS:
        return found._replace(hop_options=data)
    return found._replace(destination_options=data)


MTUINFO = struct.Struct("<BBHI16sII")
"""struct ip6_mtuinfo: a sockaddr_in6, and the MTU."""


def path_mtu(dst: bytes, mtu: int) -> Cmsg:
    """IPV6_PATHMTU: how wide the path to a destination is now."""
    data = MTUINFO.pack(28, const.AF_INET6, 0, 0, without_zone(dst), zone_of(dst), mtu)
    return Cmsg(_IP6, const.IPV6_PATHMTU, data, [])


def pktinfo6(found: Outgoing, data: bytes) -> Outgoing:
    """struct.error."""
    src, index = PKTINFO6.unpack(data)
    if src[:12] == MAPPED:
        return found._replace(src=src[12:], ifindex=index)
    return found._replace(src=with_zone(src, index) if any(src) else b"", ifindex=index)

"""IPv6 addresses that mean something on one link alone (RFC 4007), and IPv4 ones within IPv6.

Within the stack the index of the interface stands in bytes 2 and 3 of such addresses, which are zero on the wire. So
they compare and hash as what they mean, and nothing but the edges has to know of zones.
"""

from __future__ import annotations

from rumpwire import const
from rumpwire.values import Sockaddr, SockaddrIn, SockaddrIn6

MAPPED = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address it makes an IPv6 one of it (RFC 4291, 2.5.5.2)."""


def link_local(addr: bytes) -> bool:
    return addr[0] == 0xFE and addr[1] & 0xC0 == 0x80


def scoped(addr: bytes) -> bool:
    """Link-local, or a group of interface or link."""
    if addr[0] == 0xFF:
        return addr[1] & 0xF in (1, 2)
    return addr[0] == 0xFE and addr[1] & 0xC0 == 0x80


def with_zone(addr: bytes, zone: int) -> bytes:
    """The address with the index of its interface within it."""
    if not zone or not scoped(addr):
        return addr
    return addr[:2] + (zone & 0xFFFF).to_bytes(2, "big") + addr[4:]


def without_zone(addr: bytes) -> bytes:
    """As it is on the wire."""
    return addr[:2] + b"\0\0" + addr[4:] if scoped(addr) else addr


def zone_of(addr: bytes) -> int:
    return addr[2] << 8 | addr[3] if len(addr) == 16 and scoped(addr) else 0


def sockaddr(addr: bytes, port: int = 0, *, domain: int = 0) -> Sockaddr:
    """An address as programs see it; ``domain`` AF_INET6 shows IPv4 ones mapped."""
    if len(addr) == 4:
        return SockaddrIn6(MAPPED + addr, port) if domain == const.AF_INET6 else SockaddrIn(addr, port)
    return SockaddrIn6(without_zone(addr), port, 0, zone_of(addr))

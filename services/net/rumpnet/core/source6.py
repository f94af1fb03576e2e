"""Which address to send from (RFC 6724, 5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from rumpnet.core.iface import ANYCAST, DEPRECATED, TEMPORARY, Iface, InterfaceAddr
from rumpnet.core.zone import link_local, scoped


def _prefix(text: str) -> tuple[int, int]:
    network = ipaddress.IPv6Network(text)
    return int(network.network_address) >> 128 - network.prefixlen, 128 - network.prefixlen


# The default policy table (RFC 6724, 2.1): prefixes and labels, the longest prefix first.
_POLICY = [
    (*_prefix(text), label)
    for text, label in (
        ("::1/128", 0), ("::ffff:0:0/96", 4), ("::/96", 3), ("2001::/32", 5), ("2002::/16", 2), ("3ffe::/16", 12),
        ("fec0::/10", 11), ("fc00::/7", 13), ("::/0", 1),
    )
]  # fmt: skip
LOOPBACK = bytes(15) + b"\1"


def label(addr: bytes) -> int:
    number = int.from_bytes(addr, "big")
    return next(found for bits, shift, found in _POLICY if number >> shift == bits)


def scope(addr: bytes) -> int:
    """1 interface, 2 link, 5 site, 14 global: as of groups (RFC 6724, 3.1)."""
    if addr[0] == 0xFF:
        return addr[1] & 0xF
    if link_local(addr) or addr == LOOPBACK:
        return 2
    return 5 if addr[0] == 0xFE and addr[1] & 0xC0 == 0xC0 else 14


def common(one: bytes, two: bytes) -> int:
    """Bits that are alike from the front on, of the first 64."""
    return 64 - ((int.from_bytes(one[:8], "big") ^ int.from_bytes(two[:8], "big")).bit_length())


def select(
    out: Iface, everywhere: Iterable[Iface], dst: bytes, *, temporary: bool, deprecated: bool = True
) -> bytes | None:
    """The best of our addresses for a destination that is reached through ``out``; None when there is none."""
    refused = ANYCAST | (0 if deprecated else DEPRECATED)
    candidates = [
        (iface, address)
        for iface in everywhere
        for address in iface.addresses
        if len(address.addr) == 16
        and address.usable
        and not address.flags & refused
        and _reaches(iface, address, out, dst)
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda pair: _rank(pair[0], pair[1], out, dst, temporary=temporary))[1].addr


def _reaches(iface: Iface, address: InterfaceAddr, out: Iface, dst: bytes) -> bool:
    """Link-local addresses, and ::1, are of use on their own link alone; groups and neighbours hear only of such."""
    if iface is out:
        return True
    return not (scoped(address.addr) or address.addr == LOOPBACK or dst[0] == 0xFF or link_local(dst))


def _rank(iface: Iface, address: InterfaceAddr, out: Iface, dst: bytes, *, temporary: bool) -> tuple[int, ...]:
    """The rules, in their order; what is greater is better."""
    own, wanted = scope(address.addr), scope(dst)
    return (
        int(address.addr == dst),
        -own if own >= wanted else own - 100,
        int(not address.flags & DEPRECATED),
        int(iface is out),
        int(label(address.addr) == label(dst)),
        int(bool(address.flags & TEMPORARY) == temporary),
        common(address.addr, dst),
    )

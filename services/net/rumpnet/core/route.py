"""Where packets go (route(4)): to the loopback interface for our own addresses, else to the network they are of."""

from __future__ import annotations

from typing import NamedTuple

from rumpnet.core.iface import Iface, Interfaces
from rumpwire.errno import Errno, KernelError

ANY = b"\0\0\0\0"


class Route(NamedTuple):
    """Out of which interface, and with which address of ours as the source."""

    iface: Iface
    src: bytes


def lookup(interfaces: Interfaces, dst: bytes) -> Route:
    """The route to an address: longest prefix first, own addresses before all. ENETDOWN, ENETUNREACH."""
    owner = interfaces.owner(dst)
    if owner is not None:
        if not owner.up:
            raise KernelError(Errno.ENETDOWN, f"interface {owner.name} is down")
        return Route(owner if owner.loopback else _loopback(interfaces), dst)
    found = [
        (address.prefixlen, iface, address.addr)
        for iface in interfaces.by_name.values()
        for address in iface.addresses
        if iface.up and address.holds(dst)
    ]
    if not found:
        raise KernelError(Errno.ENETUNREACH, f"no route to {text(dst)}")
    _, iface, src = max(found, key=lambda row: row[0])
    return Route(iface, src)


def _loopback(interfaces: Interfaces) -> Iface:
    for iface in interfaces.by_name.values():
        if iface.loopback and iface.up:
            return iface
    raise KernelError(Errno.ENETDOWN, "there is no loopback interface that is up")


def text(addr: bytes) -> str:
    """An address as people write it."""
    return ".".join(map(str, addr))

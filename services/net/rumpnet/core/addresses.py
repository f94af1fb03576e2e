"""Giving interfaces addresses of either family, and taking them: what netconfig and ioctl both stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.iface import Iface, InterfaceAddr
from rumpnet.core.neighbour import SECOND
from rumpnet.core.pcb import is_group
from rumpnet.core.zone import with_zone
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Ifaliasreq, Sockaddr, SockaddrIn, SockaddrIn6

if TYPE_CHECKING:
    from rumpnet.core.net import Net

SETTABLE = const.IN6_IFF_ANYCAST | const.IN6_IFF_NODAD | const.IN6_IFF_DEPRECATED | const.IN6_IFF_TEMPORARY
"""Flags that a program may give an address."""


def own(iface: Iface, name: Sockaddr | None, *, group: bool = False) -> bytes:
    """The bytes of an address as an interface has it, or one of no bytes for the unspecified. EAFNOSUPPORT, EINVAL."""
    if isinstance(name, SockaddrIn):
        addr, length = bytes(name.sin_addr), 4
    elif isinstance(name, SockaddrIn6):
        addr, length = bytes(name.sin6_addr), 16
    else:
        raise KernelError(Errno.EAFNOSUPPORT, "not an address of IPv4 or IPv6")
    addr = addr or bytes(length)
    if len(addr) != length or (group and not is_group(addr)):
        raise KernelError(Errno.EINVAL, "not an address" if not group else "not a multicast group")
    return with_zone(addr, iface.index) if length == 16 else addr


def add(net: Net, iface: Iface, req: Ifaliasreq) -> None:
    """EAFNOSUPPORT, EINVAL, ENOBUFS, and others of the layer."""
    addr = own(iface, req.ifra_addr)
    bits = len(addr) * 8
    domain = const.AF_INET if bits == 32 else const.AF_INET6
    net.domain(domain)
    if not 0 <= req.ifra_prefixlen <= bits:
        raise KernelError(Errno.EINVAL, f"prefix length {req.ifra_prefixlen} is not in 0..{bits}")
    if is_group(addr) or not any(addr) or (addr[0] >= 240 and bits == 32):
        raise KernelError(Errno.EINVAL, "that cannot be an interface's own address")
    address = InterfaceAddr(addr, req.ifra_prefixlen, flags=req.ifra_flags & SETTABLE if bits == 128 else 0)
    if req.ifra_broadaddr is not None:
        address.broadcast = own(iface, req.ifra_broadaddr)
    if req.ifra_dstaddr is not None:
        address.destination = own(iface, req.ifra_dstaddr)
    now = net.host.monotonic_ns()
    if req.ifra_vltime not in (0, const.ND6_INFINITE_LIFETIME):
        address.valid_ns = now + req.ifra_vltime * SECOND
    if req.ifra_pltime not in (0, const.ND6_INFINITE_LIFETIME):
        address.preferred_ns = now + req.ifra_pltime * SECOND
    if req.ifra_vltime and req.ifra_pltime > req.ifra_vltime:
        raise KernelError(Errno.EINVAL, "preferred for longer than valid")
    net.layers[len(addr)].add_address(iface, address)


def remove(net: Net, iface: Iface, addr: bytes) -> None:
    """EADDRNOTAVAIL."""
    found = next((a for a in iface.addresses if a.addr == addr), None)
    if found is None:
        raise KernelError(Errno.EADDRNOTAVAIL, f"{iface.name} has no such address")
    net.layers[len(addr)].remove_address(iface, found)


def class_prefix(addr: bytes) -> int:
    """The prefix length of the address's class, for requests that name none."""
    if len(addr) == 16:
        return 64
    return 8 if addr[0] < 128 else 16 if addr[0] < 192 else 24


def prefix_of(mask: bytes) -> int:
    """EINVAL for a mask with holes."""
    number, bits = int.from_bytes(mask, "big"), len(mask) * 8
    prefixlen = number.bit_count()
    if number != (1 << bits) - (1 << bits - prefixlen):
        raise KernelError(Errno.EINVAL, "the network mask has holes")
    return prefixlen

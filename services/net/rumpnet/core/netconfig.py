"""Configuring interfaces (the rump_pub_netconfig calls)."""

from __future__ import annotations

from rumpnet.core.iface import Iface, InterfaceAddr, Interfaces
from rumpnet.core.inet import sockaddr
from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.net import Net
from rumpuser.component import Context
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Interface, InterfaceAddress

LO_ADDR = bytes([127, 0, 0, 1])


class Netconfig:
    """The calls. Interfaces are there when the inet domain is; without it they answer EAFNOSUPPORT."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def netconfig_ifaddrs(self, ctx: Context, ifname: str | None) -> list[Interface]:
        """All interfaces, or one. EAFNOSUPPORT, ENXIO."""
        interfaces = self._interfaces()
        return [_row(i) for i in ([interfaces.get(ifname)] if ifname else interfaces.by_name.values())]

    def netconfig_ifcreate(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, EINVAL, EEXIST."""
        self._root(ctx)
        self._interfaces().create(ifname)

    def netconfig_ifdestroy(self, ctx: Context, ifname: str) -> None:
        """EPERM, also for lo0, EAFNOSUPPORT, ENXIO."""
        self._root(ctx)
        self._interfaces().destroy(ifname)

    def netconfig_ifup(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO."""
        self._root(ctx)
        self._interfaces().get(ifname).set_up(True)

    def netconfig_ifdown(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO."""
        self._root(ctx)
        self._interfaces().get(ifname).set_up(False)

    def netconfig_ipv4_ifaddr(self, ctx: Context, ifname: str, addr: str, mask: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, ENOBUFS."""
        self._add(ctx, ifname, addr, _prefixlen(ipv4_address(mask)))

    def netconfig_ipv4_ifaddr_cidr(self, ctx: Context, ifname: str, addr: str, prefixlen: int) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, ENOBUFS."""
        self._add(ctx, ifname, addr, prefixlen)

    def _add(self, ctx: Context, ifname: str, addr: str, prefixlen: int) -> None:
        self._root(ctx)
        iface = self._interfaces().get(ifname)
        if not 0 <= prefixlen <= 32:
            raise KernelError(Errno.EINVAL, f"prefix length {prefixlen} is not in 0..32")
        address = InterfaceAddr(ipv4_address(addr), prefixlen)
        if address.addr[0] >= 224 or address.addr == b"\0\0\0\0":
            raise KernelError(Errno.EINVAL, f"{addr} cannot be an interface's own address")
        domain = self.net.domain(const.AF_INET)
        assert isinstance(domain, InetDomain)
        domain.ip.add_address(iface, address)

    def _interfaces(self) -> Interfaces:
        self.net.domain(const.AF_INET)
        return self.net.interfaces

    def _root(self, ctx: Context) -> None:
        if ctx.cred.euid != 0:
            raise KernelError(Errno.EPERM, "interfaces are root's to configure")


def configure_lo0(domain: InetDomain) -> None:
    """What a kernel with the inet domain has from the start."""
    interfaces = domain.net.interfaces
    lo0 = interfaces.by_name.get("lo0") or interfaces.create("lo0")
    domain.ip.add_address(lo0, InterfaceAddr(LO_ADDR, 8))


def ipv4_address(text: str) -> bytes:
    """Four bytes of dotted notation. EINVAL."""
    parts = text.split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) <= 3 and int(p) <= 255 for p in parts):
        raise KernelError(Errno.EINVAL, f"not an IPv4 address: {text[:64]!r}")
    return bytes(map(int, parts))


def _prefixlen(mask: bytes) -> int:
    """EINVAL for a mask with holes."""
    number = int.from_bytes(mask, "big")
    prefixlen = number.bit_count()
    if number != 0xFFFFFFFF << 32 - prefixlen & 0xFFFFFFFF:
        raise KernelError(Errno.EINVAL, "the network mask has holes")
    return prefixlen


def _row(iface: Iface) -> Interface:
    addresses = [
        InterfaceAddress(sockaddr(a.addr), a.prefixlen, sockaddr(a.broadcast) if a.broadcast else None)
        for a in iface.addresses
    ]
    return Interface(iface.name, iface.index, iface.flags, iface.mtu, iface.lladdr, addresses)

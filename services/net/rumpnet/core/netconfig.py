"""Configuring interfaces (the rump_pub_netconfig calls)."""

from __future__ import annotations

import ipaddress

from rumpnet.core import addresses
from rumpnet.core.iface import Iface, InterfaceAddr
from rumpnet.core.ifioctl import row
from rumpnet.core.net import Net
from rumpnet.core.zone import sockaddr, with_zone
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Ifaliasreq, Interface

LO_ADDR = bytes([127, 0, 0, 1])


class Netconfig:
    """The calls. Interfaces are there when the inet domain is; without it they answer EAFNOSUPPORT."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def netconfig_ifaddrs(self, ctx: Context, ifname: str | None) -> list[Interface]:
        """All interfaces, or one. EAFNOSUPPORT, ENXIO."""
        self.net.domain(const.AF_INET)
        found = [self._iface(ifname)] if ifname else self.net.interfaces.by_name.values()
        return [row(self.net, iface) for iface in found]

    def netconfig_ifcreate(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, EINVAL, EEXIST."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self.net.domain(const.AF_INET)
        self.net.interfaces.create(ifname)

    def netconfig_ifdestroy(self, ctx: Context, ifname: str) -> None:
        """EPERM, also for lo0, EAFNOSUPPORT, ENXIO."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._iface(ifname)
        self.net.interfaces.destroy(ifname)

    def netconfig_ifup(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._iface(ifname).set_up(True)

    def netconfig_ifdown(self, ctx: Context, ifname: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._iface(ifname).set_up(False)

    def netconfig_ifsetlinkstr(self, ctx: Context, ifname: str, linkstr: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, ENOTTY, and those of the kind: EBUSY, EINVAL, E2BIG, ENOEXEC."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._iface(ifname).set_linkstr(linkstr)

    def netconfig_ipv4_ifaddr(self, ctx: Context, ifname: str, addr: str, mask: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, ENOBUFS."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        iface = self._iface(ifname)
        self._add(iface, ipv4_address(addr), addresses.prefix_of(ipv4_address(mask)))

    def netconfig_ipv4_ifaddr_cidr(self, ctx: Context, ifname: str, addr: str, prefixlen: int) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, ENOBUFS."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self._add(self._iface(ifname), ipv4_address(addr), prefixlen)

    def netconfig_ipv6_ifaddr(self, ctx: Context, ifname: str, addr: str, prefixlen: int) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, ENOBUFS."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        self.net.domain(const.AF_INET6)
        self._add(self._iface(ifname), ipv6_address(addr), prefixlen)

    def netconfig_ifaddrdel(self, ctx: Context, ifname: str, addr: str) -> None:
        """EPERM, EAFNOSUPPORT, ENXIO, EINVAL, EADDRNOTAVAIL."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        iface = self._iface(ifname)
        found = ipv6_address(addr) if ":" in addr else ipv4_address(addr)
        addresses.remove(self.net, iface, with_zone(found, iface.index) if len(found) == 16 else found)

    def netconfig_ipv4_gw(self, ctx: Context, addr: str) -> None:
        """EPERM, EAFNOSUPPORT, EINVAL, ENETUNREACH when it is on no network of ours, EEXIST."""
        authorize(ctx, Action.NETWORK_ROUTE)
        self.net.domain(const.AF_INET)
        self._gateway(ipv4_address(addr))

    def netconfig_ipv6_gw(self, ctx: Context, addr: str) -> None:
        """EPERM, EAFNOSUPPORT, EINVAL, ENETUNREACH when it is on no network of ours, EEXIST.

        A link-local gateway names its interface: ``fe80::1%shmif0``.
        """
        authorize(ctx, Action.NETWORK_ROUTE)
        self.net.domain(const.AF_INET6)
        bare, _, zone = addr.partition("%")
        found = ipv6_address(bare)
        self._gateway(with_zone(found, self._iface(zone).index) if zone else found)

    def netconfig_auto_ipv6(self, ctx: Context, ifname: str) -> None:
        """Accepts router advertisements, and asks for one. EPERM, EAFNOSUPPORT, ENXIO."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        iface = self._iface(ifname)
        self.net.domain(const.AF_INET6)
        self.net.layers[16].accept_advertisements(iface)

    def _gateway(self, gateway: bytes) -> None:
        table = self.net.routes
        on_link = table.lookup(gateway)
        if on_link.gateway or on_link.flags & const.RTF_LOCAL:
            raise KernelError(Errno.ENETUNREACH, "the gateway is on no network of ours")
        src = on_link.src if len(gateway) == 4 else b""
        table.add(bytes(len(gateway)), 0, on_link.iface, gateway=gateway, flags=const.RTF_STATIC, src=src)

    def _add(self, iface: Iface, addr: bytes, prefixlen: int) -> None:
        addresses.add(self.net, iface, Ifaliasreq(iface.name, sockaddr(addr), prefixlen))

    def _iface(self, name: str) -> Iface:
        self.net.domain(const.AF_INET)
        return self.net.interfaces.get(name)


def configure_lo0(net: Net, addr: bytes = LO_ADDR, prefixlen: int = 8) -> None:
    """What a kernel with an Internet domain has from the start."""
    lo0 = net.interfaces.by_name.get("lo0") or net.interfaces.create("lo0")
    net.layers[len(addr)].add_address(lo0, InterfaceAddr(addr, prefixlen))


def ipv4_address(text: str) -> bytes:
    """Four bytes of dotted notation. EINVAL."""
    parts = text.split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) <= 3 and int(p) <= 255 for p in parts):
        raise KernelError(Errno.EINVAL, f"not an IPv4 address: {text[:64]!r}")
    return bytes(map(int, parts))


def ipv6_address(text: str) -> bytes:
    """Sixteen bytes. EINVAL."""
    try:
        return ipaddress.IPv6Address(text.partition("%")[0]).packed
    except ValueError as error:
        raise KernelError(Errno.EINVAL, f"not an IPv6 address: {text[:64]!r}") from error

"""Requests about interfaces, on any socket (ifioctl; netintro(4)). Their arguments are typed in the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rumpnet.core import addresses
from rumpnet.core.iface import CSUM, TSO4, TSO6, Iface, InterfaceAddr
from rumpnet.core.neighbour import SECOND, Neighbours
from rumpnet.core.route import text
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    Ifaliasreq,
    Ifclonereq,
    Ifconf,
    Ifdata,
    Ifmediareq,
    Ifreq,
    Interface,
    InterfaceAddress,
    IoctlArgs,
    IoctlResult,
    Nbrinfo,
    Ndireq,
    Sockaddr,
    SockaddrDl,
)

if TYPE_CHECKING:
    from rumpnet.core.net import Net

CHANGEABLE = (
    const.IFF_UP | const.IFF_DEBUG | const.IFF_NOARP | const.IFF_ALLMULTI | const.IFF_PROMISC
    | const.IFF_LINK0 | const.IFF_LINK1 | const.IFF_LINK2
)  # fmt: skip
"""Flags that SIOCSIFFLAGS sets; the others are the interface's own."""
# IFCAP_* of capabilities (net/if.h): transmit and receive sums of TCP and UDP, TSO.
_CAPS = {CSUM: 0x3FC00, TSO4: 0x80, TSO6: 0x40000}

Handler = Callable[["Requests", Any], Any]


class Requests:
    """One call; ``root`` says whether the caller may change anything."""

    def __init__(self, net: Net, ctx: Context) -> None:
        self.net = net
        self.ctx = ctx

    def __call__(self, com: int, data: IoctlArgs | None) -> IoctlResult:
        """ENOTTY for unknown ones, EPERM, EINVAL for the wrong argument, ENXIO, and those of what is asked."""
        entry = TABLE.get(com)
        if entry is None:
            raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} on a socket")
        handler, shape, changes = entry
        if changes:
            authorize(self.ctx, Action.NETWORK_INTERFACE_SETPRIV)
        if shape is not None and not isinstance(data, shape):
            raise KernelError(Errno.EINVAL, f"the request takes a {shape.__name__}")
        return IoctlResult(0, handler(self, data))

    def iface(self, name: str) -> Iface:
        return self.net.interfaces.get(name)

    # -- interfaces

    def create(self, req: Ifreq) -> None:
        self.net.interfaces.create(req.ifr_name)

    def destroy(self, req: Ifreq) -> None:
        self.net.interfaces.destroy(req.ifr_name)

    def cloners(self, req: Any) -> Ifclonereq:
        return Ifclonereq(sorted(self.net.interfaces.kinds))

    def conf(self, req: Any) -> Ifconf:
        return Ifconf([row(self.net, iface) for iface in self.net.interfaces.by_name.values()])

    def flags(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self.iface(req.ifr_name).flags)

    def set_flags(self, req: Ifreq) -> None:
        iface = self.iface(req.ifr_name)
        wanted = req.ifr_value & CHANGEABLE
        before = iface.flags
        if (wanted ^ before) & const.IFF_PROMISC:
            iface.set_promiscuous(bool(wanted & const.IFF_PROMISC))
        if bool(wanted & const.IFF_UP) != iface.up:
            iface.set_up(bool(wanted & const.IFF_UP))
        others = CHANGEABLE & ~(const.IFF_UP | const.IFF_PROMISC)
        iface.flags = iface.flags & ~others | wanted & others
        if iface.flags != before:
            self.net.interfaces.changed(iface)

    def mtu(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self.iface(req.ifr_name).mtu)

    def set_mtu(self, req: Ifreq) -> None:
        self.iface(req.ifr_name).set_mtu(req.ifr_value)

    def metric(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self.iface(req.ifr_name).metric)

    def set_metric(self, req: Ifreq) -> None:
        self.iface(req.ifr_name).metric = req.ifr_value

    def index(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self.iface(req.ifr_name).index)

    def dlt(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self.iface(req.ifr_name).dlt)

    def capabilities(self, req: Ifreq) -> Ifreq:
        own = self.iface(req.ifr_name).capabilities
        return req._replace(ifr_value=sum(bits for flag, bits in _CAPS.items() if own & flag))

    def media(self, req: Ifreq) -> Ifmediareq:
        iface = self.iface(req.ifr_name)
        if not iface.lladdr:
            raise KernelError(Errno.EINVAL, f"{iface.name} has no media")
        auto = const.IFM_ETHER | const.IFM_AUTO
        status = const.IFM_AVALID | (const.IFM_ACTIVE if iface.link_up and iface.up else 0)
        return Ifmediareq(iface.name, auto, 0, status, auto, [auto])

    def set_media(self, req: Ifreq) -> None:
        iface = self.iface(req.ifr_name)
        if not iface.lladdr or req.ifr_value not in (const.IFM_ETHER | const.IFM_AUTO, const.IFM_AUTO):
            raise KernelError(Errno.ENXIO, f"{iface.name} does not have that medium")

    def linkstr(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_text=self.iface(req.ifr_name).linkstr())

    def set_linkstr(self, req: Ifreq) -> None:
        self.iface(req.ifr_name).set_linkstr(req.ifr_text)

    def data(self, req: Ifreq) -> Ifdata:
        return counters(self.iface(req.ifr_name))

    def zero_data(self, req: Ifreq) -> Ifdata:
        iface = self.iface(req.ifr_name)
        found = counters(iface)
        for name in _COUNTERS:
            setattr(iface, name, 0)
        return found

    # -- addresses

    def address(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_addr=sockaddr(self._first(req).addr))

    def netmask(self, req: Ifreq) -> Ifreq:
        found = self._first(req)
        return req._replace(ifr_addr=sockaddr(found.mask.to_bytes(len(found.addr), "big")))

    def broadaddr(self, req: Ifreq) -> Ifreq:
        found = self._first(req)
        if not found.broadcast:
            raise KernelError(Errno.EINVAL, f"{req.ifr_name} has no broadcast address")
        return req._replace(ifr_addr=sockaddr(found.broadcast))

    def dstaddr(self, req: Ifreq) -> Ifreq:
        found = self._first(req)
        if not found.destination:
            raise KernelError(Errno.EINVAL, f"{req.ifr_name} is no point-to-point link")
        return req._replace(ifr_addr=sockaddr(found.destination))

    def address_flags(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_value=self._first(req).flags)

    def lifetime(self, req: Ifaliasreq) -> Ifaliasreq:
        return self.alias(req)

    def _first(self, req: Ifreq) -> InterfaceAddr:
        """The address that is named, or the first of IPv4. EADDRNOTAVAIL."""
        iface = self.iface(req.ifr_name)
        wanted = addresses.own(iface, req.ifr_addr) if req.ifr_addr is not None else b""
        for found in iface.addresses:
            if found.addr == wanted or (not any(wanted) and len(found.addr) == 4):
                return found
        raise KernelError(Errno.EADDRNOTAVAIL, f"{req.ifr_name} has no such address")

    def alias(self, req: Ifaliasreq) -> Ifaliasreq:
        found = self._first(Ifreq(req.ifra_name, req.ifra_addr))
        shown = address_row(self.net, found)
        return Ifaliasreq(
            req.ifra_name, shown.addr, shown.prefixlen, shown.dstaddr, shown.broadaddr, shown.flags, shown.vltime,
            shown.pltime,
        )  # fmt: skip

    def add_alias(self, req: Ifaliasreq) -> None:
        addresses.add(self.net, self.iface(req.ifra_name), req)

    def set_address(self, req: Ifreq) -> None:
        """In place of the first one, with the prefix of its class."""
        iface = self.iface(req.ifr_name)
        addr = addresses.own(iface, req.ifr_addr)
        for first in iface.ipv4()[:1]:
            addresses.remove(self.net, iface, first.addr)
        addresses.add(self.net, iface, Ifaliasreq(iface.name, req.ifr_addr, addresses.class_prefix(addr)))

    def set_netmask(self, req: Ifreq) -> None:
        found = self._first(Ifreq(req.ifr_name))
        mask = addresses.own(self.iface(req.ifr_name), req.ifr_addr)
        self.add_alias(Ifaliasreq(req.ifr_name, sockaddr(found.addr), addresses.prefix_of(mask)))

    def set_broadaddr(self, req: Ifreq) -> None:
        found = self._first(Ifreq(req.ifr_name))
        shown = Ifaliasreq(req.ifr_name, sockaddr(found.addr), found.prefixlen, None, req.ifr_addr)
        self.add_alias(shown)

    def set_dstaddr(self, req: Ifreq) -> None:
        found = self._first(Ifreq(req.ifr_name))
        self.add_alias(Ifaliasreq(req.ifr_name, sockaddr(found.addr), found.prefixlen, req.ifr_addr))

    def delete_address(self, req: Ifreq) -> None:
        iface = self.iface(req.ifr_name)
        addresses.remove(self.net, iface, self._first(req).addr)

    def add_lladdr(self, req: Ifreq) -> None:
        """SIOCALIFADDR with IFLR_ACTIVE: the link-level address itself."""
        if not isinstance(req.ifr_addr, SockaddrDl):
            raise KernelError(Errno.EINVAL, "not a link-level address")
        self.iface(req.ifr_name).set_lladdr(bytes(req.ifr_addr.sdl_addr))

    def lladdr(self, req: Ifreq) -> Ifreq:
        return req._replace(ifr_addr=link_address(self.iface(req.ifr_name)))

    def delete_lladdr(self, req: Ifreq) -> None:
        """EBUSY: there is one, and it is active. EADDRNOTAVAIL."""
        iface = self.iface(req.ifr_name)
        if isinstance(req.ifr_addr, SockaddrDl) and bytes(req.ifr_addr.sdl_addr) == iface.lladdr:
            raise KernelError(Errno.EBUSY, f"the active link-level address of {iface.name}")
        raise KernelError(Errno.EADDRNOTAVAIL, f"{iface.name} has no such link-level address")

    # -- groups and neighbours

    def add_multi(self, req: Ifreq) -> None:
        iface = self.iface(req.ifr_name)
        group = addresses.own(iface, req.ifr_addr, group=True)
        self.net.layers[len(group)].join(iface, group)

    def delete_multi(self, req: Ifreq) -> None:
        """EADDRNOTAVAIL."""
        iface = self.iface(req.ifr_name)
        group = addresses.own(iface, req.ifr_addr, group=True)
        if group not in iface.groups:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{iface.name} is not in {text(group)}")
        self.net.layers[len(group)].leave(iface, group)

    def neighbour(self, req: Nbrinfo) -> Nbrinfo:
        iface = self.iface(req.ifname)
        cache = getattr(iface, "neighbours", None)
        entry = cache.entries.get(addresses.own(iface, req.addr)) if isinstance(cache, Neighbours) else None
        if entry is None:
            raise KernelError(Errno.EINVAL, "no such neighbour")
        left = entry.expires_ns - self.net.host.monotonic_ns() if entry.expires_ns is not None else 0
        link = SockaddrDl(iface.index, iface.if_type, iface.name, entry.lladdr)
        return Nbrinfo(
            iface.name, sockaddr(entry.addr), entry.asked, entry.is_router, NUMBERS[entry.state.value],
            -(-left // SECOND), link,
        )  # fmt: skip

    def discovery(self, req: Ndireq) -> Ndireq:
        """Neighbour discovery on an interface. EAFNOSUPPORT."""
        iface, info = self._discovery(req)
        flags = const.ND6_IFF_PERFORMNUD
        flags |= const.ND6_IFF_ACCEPT_RTADV if info.accept else 0
        flags |= const.ND6_IFF_AUTO_LINKLOCAL if info.auto_linklocal is not False else 0
        times = info.reachable_ns // 10**6, info.retransmit_ns // 10**6
        mtu = info.mtu or iface.mtu
        return Ndireq(iface.name, mtu, times[0], times[0] // 1000, times[1], flags, info.hop_limit)

    def set_discovery(self, req: Ndireq) -> None:
        """Numbers that are 0 stay as they are; flags are set. EAFNOSUPPORT, EINVAL."""
        iface, info = self._discovery(req)
        if (req.linkmtu and not 1280 <= req.linkmtu <= iface.mtu) or req.chlim > 255:
            raise KernelError(Errno.EINVAL, f"link MTU {req.linkmtu}, hop limit {req.chlim}")
        info.mtu = req.linkmtu or info.mtu
        info.hop_limit = req.chlim or info.hop_limit
        info.reachable_ns = req.basereachable * 10**6 or info.reachable_ns
        info.retransmit_ns = req.retrans * 10**6 or info.retransmit_ns
        self.set_discovery_flags(req)

    def set_discovery_flags(self, req: Ndireq) -> None:
        iface, info = self._discovery(req)
        info.auto_linklocal = bool(req.flags & const.ND6_IFF_AUTO_LINKLOCAL)
        if req.flags & const.ND6_IFF_ACCEPT_RTADV:
            self.net.layers[16].accept_advertisements(iface)
        else:
            info.accept = False

    def _discovery(self, req: Ndireq) -> tuple[Iface, Any]:
        iface = self.iface(req.ifname)
        self.net.domain(const.AF_INET6)
        layer: Any = self.net.layers[16]
        return iface, layer.nd.link(iface)

    def flush_neighbours(self, req: Ifreq) -> None:
        cache = getattr(self.iface(req.ifr_name), "neighbours", None)
        if isinstance(cache, Neighbours):
            cache.purge(16)


NUMBERS = {
    "incomplete": const.ND6_LLINFO_INCOMPLETE,
    "reachable": const.ND6_LLINFO_REACHABLE,
    "stale": const.ND6_LLINFO_STALE,
    "delay": const.ND6_LLINFO_DELAY,
    "probe": const.ND6_LLINFO_PROBE,
    "failed": const.ND6_LLINFO_WAITDELETE,
}
"""ND6_LLINFO_* of the states of `rumpnet.core.neighbour`."""
_COUNTERS = (
    "ipackets", "ierrors", "opackets", "oerrors", "collisions", "ibytes", "obytes", "imcasts", "omcasts", "iqdrops",
    "noproto",
)  # fmt: skip


def counters(iface: Iface) -> Ifdata:
    state = const.LINK_STATE_UP if iface.link_up else const.LINK_STATE_DOWN
    head = (iface.name, iface.if_type, state, iface.mtu, iface.metric, 0)
    return Ifdata(*head, *(getattr(iface, name) for name in _COUNTERS))


def link_address(iface: Iface) -> SockaddrDl:
    return SockaddrDl(iface.index, iface.if_type, iface.name, iface.lladdr)


def address_row(net: Net, address: InterfaceAddr) -> InterfaceAddress:
    """An address as it is shown; lifetimes are what is left."""
    now = net.host.monotonic_ns()

    def left(until: int | None) -> int:
        return max(1, -(-(until - now) // SECOND)) if until is not None else 0

    def shown(addr: bytes) -> Sockaddr | None:
        return sockaddr(addr) if addr else None

    return InterfaceAddress(
        sockaddr(address.addr), address.prefixlen, shown(address.broadcast), shown(address.destination),
        address.flags, left(address.valid_ns), left(address.preferred_ns),
    )  # fmt: skip


def row(net: Net, iface: Iface) -> Interface:
    shown = [address_row(net, address) for address in iface.addresses]
    return Interface(iface.name, iface.index, iface.flags, iface.mtu, iface.lladdr, shown)


R = Requests
# What each request takes, and whether it is root's.
TABLE: dict[int, tuple[Handler, Any, bool]] = {
    const.SIOCIFCREATE: (R.create, Ifreq, True),
    const.SIOCIFDESTROY: (R.destroy, Ifreq, True),
    const.SIOCIFGCLONERS: (R.cloners, None, False),
    const.SIOCGIFCONF: (R.conf, None, False),
    const.SIOCGIFFLAGS: (R.flags, Ifreq, False),
    const.SIOCSIFFLAGS: (R.set_flags, Ifreq, True),
    const.SIOCGIFMTU: (R.mtu, Ifreq, False),
    const.SIOCSIFMTU: (R.set_mtu, Ifreq, True),
    const.SIOCGIFMETRIC: (R.metric, Ifreq, False),
    const.SIOCSIFMETRIC: (R.set_metric, Ifreq, True),
    const.SIOCGIFINDEX: (R.index, Ifreq, False),
    const.SIOCGIFDLT: (R.dlt, Ifreq, False),
    const.SIOCGIFCAP: (R.capabilities, Ifreq, False),
    const.SIOCGIFMEDIA: (R.media, Ifreq, False),
    const.SIOCSIFMEDIA: (R.set_media, Ifreq, True),
    const.SIOCGLINKSTR: (R.linkstr, Ifreq, False),
    const.SIOCSLINKSTR: (R.set_linkstr, Ifreq, True),
    const.SIOCGIFDATA: (R.data, Ifreq, False),
    const.SIOCZIFDATA: (R.zero_data, Ifreq, True),
    const.SIOCGIFADDR: (R.address, Ifreq, False),
    const.SIOCGIFNETMASK: (R.netmask, Ifreq, False),
    const.SIOCGIFBRDADDR: (R.broadaddr, Ifreq, False),
    const.SIOCGIFDSTADDR: (R.dstaddr, Ifreq, False),
    const.SIOCGIFAFLAG_IN: (R.address_flags, Ifreq, False),
    const.SIOCGIFAFLAG_IN6: (R.address_flags, Ifreq, False),
    const.SIOCGIFALIAS: (R.alias, Ifaliasreq, False),
    const.SIOCGIFALIFETIME_IN6: (R.lifetime, Ifaliasreq, False),
    const.SIOCAIFADDR: (R.add_alias, Ifaliasreq, True),
    const.SIOCAIFADDR_IN6: (R.add_alias, Ifaliasreq, True),
    const.SIOCDIFADDR: (R.delete_address, Ifreq, True),
    const.SIOCDIFADDR_IN6: (R.delete_address, Ifreq, True),
    const.SIOCSIFADDR: (R.set_address, Ifreq, True),
    const.SIOCSIFNETMASK: (R.set_netmask, Ifreq, True),
    const.SIOCSIFBRDADDR: (R.set_broadaddr, Ifreq, True),
    const.SIOCSIFDSTADDR: (R.set_dstaddr, Ifreq, True),
    const.SIOCALIFADDR: (R.add_lladdr, Ifreq, True),
    const.SIOCGLIFADDR: (R.lladdr, Ifreq, False),
    const.SIOCDLIFADDR: (R.delete_lladdr, Ifreq, True),
    const.SIOCADDMULTI: (R.add_multi, Ifreq, True),
    const.SIOCDELMULTI: (R.delete_multi, Ifreq, True),
    const.SIOCGNBRINFO_IN6: (R.neighbour, Nbrinfo, False),
    const.SIOCGIFINFO_IN6: (R.discovery, Ndireq, False),
    const.SIOCSIFINFO_IN6: (R.set_discovery, Ndireq, True),
    const.SIOCSIFINFO_FLAGS: (R.set_discovery_flags, Ndireq, True),
    const.SIOCSNDFLUSH_IN6: (R.flush_neighbours, Ifreq, True),
}

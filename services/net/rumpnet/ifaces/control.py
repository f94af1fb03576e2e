"""The ioctls of kinds of interfaces, on any socket, and the calls of netconfig for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rumpnet.core.iface import Iface
from rumpnet.core.net import Net
from rumpnet.core.zone import sockaddr
from rumpnet.ifaces.bridge import Bridge
from rumpnet.ifaces.capture import Capture
from rumpnet.ifaces.ether import Ethernet
from rumpnet.ifaces.gif import Gif
from rumpnet.ifaces.impair import Impair
from rumpnet.ifaces.lagg import Lagg
from rumpnet.ifaces.vlan import Vlan
from rumpnet.ifaces.wg import Wg
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize, permitted
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    BridgeReq,
    IfPhyAddr,
    Impairment,
    ImpairmentStat,
    IoctlArgs,
    LaggReq,
    Sockaddr,
    SockaddrIn,
    SockaddrIn6,
    VlanReq,
    WgReq,
)

T = TypeVar("T", bound=Iface)
_SNAPLEN = 262144


def of_kind(net: Net, name: str, kind: type[T]) -> T:
    """ENXIO, EINVAL for an interface of another kind."""
    iface = net.interfaces.get(name)
    if not isinstance(iface, kind):
        raise KernelError(Errno.EINVAL, f"{name} is no {kind.kind or 'Ethernet'}")
    return iface


class Control:
    """The handlers. `ioctl` answers None for commands that it does not know."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._ioctls: dict[tuple[int, type], Callable[[Context, Any], IoctlArgs]] = {
            (const.SIOCSDRVSPEC, BridgeReq): self._set_bridge,
            (const.SIOCGDRVSPEC, BridgeReq): self._get_bridge,
            (const.SIOCSETVLAN, VlanReq): self._set_vlan,
            (const.SIOCGETVLAN, VlanReq): self._get_vlan,
            (const.SIOCSLIFPHYADDR, IfPhyAddr): self._set_tunnel,
            (const.SIOCGLIFPHYADDR, IfPhyAddr): self._get_tunnel,
            (const.SIOCDIFPHYADDR, IfPhyAddr): self._delete_tunnel,
            (const.SIOCSLAGG, LaggReq): self._set_lagg,
            (const.SIOCGLAGG, LaggReq): self._get_lagg,
            (const.SIOCSDRVSPEC, WgReq): self._set_wg,
            (const.SIOCGDRVSPEC, WgReq): self._get_wg,
        }

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlArgs | None:
        """EPERM, ENXIO, EINVAL, and what the kinds give."""
        handler = self._ioctls.get((com, type(data)))
        return handler(ctx, data) if handler is not None else None

    # -- bridges

    def netconfig_bradd(self, ctx: Context, bridge: str, ifname: str) -> None:
        """EPERM, ENXIO, EINVAL, EBUSY, EEXIST."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, bridge, Bridge).add(ifname)

    def netconfig_brdel(self, ctx: Context, bridge: str, ifname: str) -> None:
        """EPERM, ENXIO, EINVAL, ENOENT."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, bridge, Bridge).remove(ifname)

    def _set_bridge(self, ctx: Context, req: BridgeReq) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        bridge = of_kind(self.net, req.ifd_name, Bridge)
        match req.ifd_cmd:
            case const.BRDGADD:
                bridge.add(req.member)
            case const.BRDGDEL:
                bridge.remove(req.member)
            case const.BRDGSIFFLGS:
                bridge.member(req.member).flags = _member_flags(req.flags)
            case const.BRDGSCACHE:
                bridge.set_cache(req.value)
            case const.BRDGSTO:
                bridge.timeout_ns = req.value * 10**9
            case const.BRDGSADDR:
                static = bool(req.flags & const.IFBAF_STATIC)
                bridge.set_address(req.addr, req.member, req.value, static=static)
            case const.BRDGDADDR:
                bridge.delete_address(req.addr)
            case const.BRDGFLUSH:
                bridge.flush(everything=req.flags == const.IFBF_FLUSHALL)
            case _:
                raise KernelError(Errno.EINVAL, f"a bridge cannot do {req.ifd_cmd}")
        return req

    def _get_bridge(self, ctx: Context, req: BridgeReq) -> IoctlArgs:
        bridge = of_kind(self.net, req.ifd_name, Bridge)
        match req.ifd_cmd:
            case const.BRDGGIFFLGS:
                return req._replace(flags=bridge.member(req.member).flags)
            case const.BRDGGCACHE:
                return req._replace(value=bridge.cache)
            case const.BRDGGTO:
                return req._replace(value=bridge.timeout_ns // 10**9)
            case const.BRDGGIFS:
                return req._replace(members=bridge.member_rows())
            case const.BRDGRTS:
                return req._replace(addrs=bridge.address_rows())
        raise KernelError(Errno.EINVAL, f"a bridge cannot tell {req.ifd_cmd}")

    # -- VLANs, tunnels, aggregates

    def _set_vlan(self, ctx: Context, req: VlanReq) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        vlan = of_kind(self.net, req.ifname, Vlan)
        if req.vlr_parent:
            vlan.attach(req.vlr_parent, req.vlr_tag)
        else:
            vlan.detach()
        return req

    def _get_vlan(self, ctx: Context, req: VlanReq) -> IoctlArgs:
        vlan = of_kind(self.net, req.ifname, Vlan)
        return VlanReq(vlan.name, vlan.tag if vlan.parent else 0, vlan.parent.name if vlan.parent else "")

    def _set_tunnel(self, ctx: Context, req: IfPhyAddr) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, req.iflr_name, Gif).set_tunnel(_address(req.addr), _address(req.dstaddr))
        return req

    def _get_tunnel(self, ctx: Context, req: IfPhyAddr) -> IoctlArgs:
        gif = of_kind(self.net, req.iflr_name, Gif)
        if not gif.src:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{gif.name} has no ends")
        return IfPhyAddr(gif.name, sockaddr(gif.src), sockaddr(gif.dst))

    def _delete_tunnel(self, ctx: Context, req: IfPhyAddr) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, req.iflr_name, Gif).delete_tunnel()
        return req

    def _set_lagg(self, ctx: Context, req: LaggReq) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, req.ifname, Lagg).configure(req.proto, list(req.ports))
        return req

    def _get_lagg(self, ctx: Context, req: LaggReq) -> IoctlArgs:
        lagg = of_kind(self.net, req.ifname, Lagg)
        return LaggReq(lagg.name, lagg.protocol, [p.name for p in lagg.ports], [p.name for p in lagg.active])

    def _set_wg(self, ctx: Context, req: WgReq) -> IoctlArgs:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        of_kind(self.net, req.ifd_name, Wg).configure(req)
        return WgReq(req.ifd_name, req.ifd_cmd)

    def _get_wg(self, ctx: Context, req: WgReq) -> IoctlArgs:
        secrets = permitted(ctx.cred, Action.NETWORK_INTERFACE_SETPRIV)
        return of_kind(self.net, req.ifd_name, Wg).shown(secrets=secrets)

    # -- links

    def netconfig_ifimpair(self, ctx: Context, ifname: str, settings: Impairment | None) -> None:
        """EPERM, ENXIO, EINVAL, also for interfaces that are no Ethernet."""
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        iface = of_kind(self.net, ifname, Ethernet)
        new = Impair(self.net.host, settings, iface.transmit) if settings is not None else None
        if isinstance(iface.impairment, Impair):
            iface.impairment.end()
        iface.impairment = new

    def netconfig_ifimpairstat(self, ctx: Context, ifname: str) -> ImpairmentStat:
        """ENXIO, EINVAL, ENOENT."""
        impair = of_kind(self.net, ifname, Ethernet).impairment
        if not isinstance(impair, Impair):
            raise KernelError(Errno.ENOENT, f"{ifname} is not impaired")
        return impair.stat()

    def netconfig_ifcapture(self, ctx: Context, ifname: str, hostpath: bytes, snaplen: int | None) -> int:
        """EPERM, ENXIO, EBUSY when it is captured already, ENOENT when it is not, EEXIST, errors of the host."""
        authorize(ctx, Action.NETWORK_BPF)
        iface = self.net.interfaces.get(ifname)
        running = next((tap for tap in iface.taps if isinstance(tap, Capture)), None)
        if hostpath:
            if running is not None:
                raise KernelError(Errno.EBUSY, f"{ifname} is captured already")
            file = self.net.host.files.create(hostpath)
            iface.taps.append(Capture(self.net.host, iface, file, snaplen or _SNAPLEN))
            return 0
        if running is None:
            raise KernelError(Errno.ENOENT, f"{ifname} is not captured")
        iface.taps.remove(running)
        running.close()
        return running.packets


def _member_flags(flags: int) -> int:
    known = const.IFBIF_LEARNING | const.IFBIF_DISCOVER | const.IFBIF_PROTECTED
    if flags & ~known:
        raise KernelError(Errno.EINVAL, f"flags {flags:#x} of a member; there is no spanning tree")
    return flags


def _address(name: Sockaddr | None) -> bytes:
    """EINVAL."""
    if isinstance(name, SockaddrIn):
        return name.sin_addr
    if isinstance(name, SockaddrIn6):
        return name.sin6_addr
    raise KernelError(Errno.EINVAL, "the ends of a tunnel are addresses of IPv4 or IPv6")

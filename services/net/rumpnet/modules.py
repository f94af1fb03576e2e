"""The domains as modules: without one its family is EAFNOSUPPORT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.inet6domain import Inet6Domain
from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.ip6 import LOOPBACK
from rumpnet.core.local import LocalDomain
from rumpnet.core.netconfig import configure_lo0
from rumpnet.core.npf.stack import StackFilter
from rumpnet.core.sockin import SockinDomain
from rumpuser.module import Manifest, Module
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.component import NetComponent


LINK_LOCAL_ONE = b"\xfe\x80\0\1" + bytes(11) + b"\1"
"""fe80::1 on the first interface, which lo0 is."""


class LocalModule(Module):
    """AF_LOCAL."""

    manifest = Manifest("local", "driver", "net")

    def init(self, component: NetComponent, props: dict[str, str]) -> None:
        component.net.add_domain(LocalDomain(component.net))

    def fini(self, component: NetComponent) -> None:
        """EBUSY while there are sockets."""
        component.net.remove_domain(const.AF_LOCAL)


class NetinetModule(Module):
    """AF_INET, with lo0 as 127.0.0.1/8."""

    manifest = Manifest("netinet", "driver", "net")

    def init(self, component: NetComponent, props: dict[str, str]) -> None:
        domain = InetDomain(component.net)
        component.net.add_domain(domain)
        domain.start()
        configure_lo0(component.net)

    def fini(self, component: NetComponent) -> None:
        """EBUSY while there are sockets, or IPv6, which stands on it."""
        if const.AF_INET6 in component.net.domains:
            raise KernelError(Errno.EBUSY, "netinet6 stands on netinet")
        component.net.remove_domain(const.AF_INET)


class Netinet6Module(Module):
    """AF_INET6, with ::1 and fe80::1 on lo0."""

    manifest = Manifest("netinet6", "driver", "net", requires=("netinet",))

    def init(self, component: NetComponent, props: dict[str, str]) -> None:
        inet = component.net.domain(const.AF_INET)
        assert isinstance(inet, InetDomain)
        domain = Inet6Domain(component.net, inet)
        component.net.add_domain(domain)
        domain.start()
        configure_lo0(component.net, LOOPBACK, 128)
        configure_lo0(component.net, LINK_LOCAL_ONE, 64)

    def fini(self, component: NetComponent) -> None:
        """EBUSY while there are sockets."""
        component.net.remove_domain(const.AF_INET6)


class NpfModule(Module):
    """The packet filter. It filters nothing until it is told to (npfctl start)."""

    manifest = Manifest("npf", "driver", "net", requires=("netinet",))

    def init(self, component: NetComponent, props: dict[str, str]) -> None:
        component.filter = StackFilter(component.net)

    def fini(self, component: NetComponent) -> None:
        """EBUSY while it is active."""
        if component.filter is not None and component.filter.npf.active:
            raise KernelError(Errno.EBUSY, "the packet filter is active; npfctl stop ends it")
        component.filter = None


class SockinModule(Module):
    """AF_INET and AF_INET6 by the host's sockets, in the place of netinet."""

    manifest = Manifest("sockin", "driver", "net")

    def init(self, component: NetComponent, props: dict[str, str]) -> None:
        """EBUSY while the kernel's own stack is there."""
        net = component.net
        taken = [net.domains[family].name for family in SOCKIN_FAMILIES if family in net.domains]
        if taken:
            raise KernelError(Errno.EBUSY, f"unload first what provides {', '.join(taken)}")
        for family in SOCKIN_FAMILIES:
            net.add_domain(SockinDomain(net, family))

    def fini(self, component: NetComponent) -> None:
        """EBUSY while there are sockets."""
        net = component.net
        count = sum(so.domain in SOCKIN_FAMILIES for so in net.sockets.values())
        if count:
            raise KernelError(Errno.EBUSY, f"{count} sockets of the host are open")
        for family in SOCKIN_FAMILIES:
            net.remove_domain(family)


SOCKIN_FAMILIES = (const.AF_INET, const.AF_INET6)
LOCAL = LocalModule()
NETINET6 = Netinet6Module()
NETINET = NetinetModule()
NPF = NpfModule()
SOCKIN = SockinModule()

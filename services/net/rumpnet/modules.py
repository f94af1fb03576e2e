"""The domains as modules: without one its family is EAFNOSUPPORT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.local import LocalDomain
from rumpnet.core.netconfig import configure_lo0
from rumpnet.core.npf.stack import StackFilter
from rumpuser.module import Manifest, Module
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.component import NetComponent


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
        """EBUSY while there are sockets."""
        component.net.remove_domain(const.AF_INET)


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


LOCAL = LocalModule()
NETINET = NetinetModule()
NPF = NpfModule()

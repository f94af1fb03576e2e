"""The domains as modules: without one its family is EAFNOSUPPORT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.local import LocalDomain
from rumpnet.core.netconfig import configure_lo0
from rumpuser.module import Manifest, Module
from rumpwire import const

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
        configure_lo0(domain)

    def fini(self, component: NetComponent) -> None:
        """EBUSY while there are sockets."""
        component.net.remove_domain(const.AF_INET)


LOCAL = LocalModule()
NETINET = NetinetModule()

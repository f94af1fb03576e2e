"""The networking faction as a component: sockets, domains, interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpnet import modules
from rumpnet.core.net import Net
from rumpnet.core.npf.stack import StackFilter
from rumpnet.core.rtsock import RouteDomain
from rumpnet.ifaces import KINDS
from rumpnet.syscalls import syscalls
from rumpuser.component import Bus, Component, Parameters
from rumpuser.host import Host
from rumpuser.module import Found
from rumpwire.errno import Errno, KernelError


class NetComponent(Component):
    """net. The modules local, netinet, netinet6 and npf are in it from the start; all can be unloaded."""

    name = "net"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.net = Net(host, bus)
        self.net.interfaces.kinds.update(KINDS)
        self.filter: StackFilter | None = None
        routes = RouteDomain(self.net)
        self.net.add_domain(routes)
        routes.start()
        self.table.update(syscalls(self, routes))
        for module in (modules.LOCAL, modules.NETINET, modules.NETINET6, modules.NPF):
            module.init(self, {})
            self.loader.found[module.manifest.name] = Found(module, "builtin", active=True)

    def filter_call(self, name: str) -> Callable[..., Any]:
        """A call of the packet filter. ENOSYS when the module npf is not loaded."""

        def call(*args: Any) -> Any:
            if self.filter is None:
                raise KernelError(Errno.ENOSYS, "the module npf is not loaded")
            return getattr(self.filter, name)(*args)

        return call

    def stop(self) -> None:
        """Closes all sockets; calls that wait on them end with EBADF."""
        self.net.stop()

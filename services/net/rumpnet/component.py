"""The networking faction as a component: sockets, domains, interfaces."""

from __future__ import annotations

from rumpnet import modules
from rumpnet.core.net import Net
from rumpnet.ifaces import KINDS
from rumpnet.syscalls import syscalls
from rumpuser.component import Bus, Component, Parameters
from rumpuser.host import Host
from rumpuser.module import Found


class NetComponent(Component):
    """net. The modules local and netinet are in it from the start; both can be unloaded."""

    name = "net"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.net = Net(host, bus)
        self.net.interfaces.kinds.update(KINDS)
        self.table.update(syscalls(self))
        for module in (modules.LOCAL, modules.NETINET):
            module.init(self, {})
            self.loader.found[module.manifest.name] = Found(module, "builtin", active=True)

    def stop(self) -> None:
        """Closes all sockets; calls that wait on them end with EBADF."""
        self.net.stop()

"""The networking faction as a component: sockets, domains, interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rumpnet import modules
from rumpnet.core.net import Net
from rumpnet.core.npf.stack import StackFilter
from rumpnet.core.recording import Recorder, Restoring
from rumpnet.core.rtsock import RouteDomain
from rumpnet.core.tables import interface_nodes
from rumpnet.ifaces import KINDS
from rumpnet.syscalls import syscalls
from rumpuser.component import Bus, Component, Context, Parameters
from rumpuser.host import Host
from rumpuser.module import Found
from rumpuser.quota import limited
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError


class NetComponent(Component):
    """net. The modules local, netinet, netinet6 and npf are in it from the start; all can be unloaded."""

    name = "net"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.net = Net(host, bus)
        self.net.interfaces.kinds.update(KINDS)
        self.filter: StackFilter | None = None
        self.watching = self.net.watching
        self.recorder = Recorder(self.net, host.records)
        self.net.more_nodes.append(interface_nodes)
        routes = RouteDomain(self.net)
        self.net.add_domain(routes)
        routes.start()
        self.table.update(syscalls(self, routes))
        limited(self, bus, "sockets", "socket", "socketpair", "accept", "paccept", "setsockopt")
        limited(self, bus, "kqueues", "knote_change")
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

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        value = super().call(ctx, op, args)
        return self.recorder.done(ctx, op, args, value) if self.recorder.on else value

    def start(self) -> Any:
        """What a predecessor left, if there was one."""
        if not self.net.host.records.inherited:
            return None
        return self._restore()

    async def _restore(self) -> None:
        await Restoring(self.net, self.recorder.routes, self._again).restore()

    def _again(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """A call of the predecessor's; a rule of the packet filter gets back its number."""
        return self.filter_call("restore_rule")(*args) if op.name == "npf_rule_add" else super().call(ctx, op, args)

    def keep(self, handles: Sequence[int], directories: Sequence[int]) -> Any:
        for handle in set(self.net.sockets) - set(handles):
            lingering = self.net.forget(handle).close()
            if lingering is not None:
                lingering.close()
            self.recorder.closed(handle)
        return [handle for handle in handles if handle in self.net.sockets], []

    def holding(self) -> Iterable[tuple[str, str, int]]:
        yield from super().holding()
        yield from ((so.subject, "sockets", so.reserved) for so in self.net.sockets.values())

    def stop(self) -> None:
        """Closes all sockets; calls that wait on them end with EBADF."""
        self.net.stop()

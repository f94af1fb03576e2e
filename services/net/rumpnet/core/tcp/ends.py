"""Who has which port: sockets that are bound or listen, connections, and what waits in TIME_WAIT (inpcb of tcp(4))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from rumpnet.core.pcb import SHARED, PcbTable, Ports
from rumpnet.core.tcp.layer import TcpLayer
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.tcb import Connection
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.zone import sockaddr
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Inpcb

if TYPE_CHECKING:
    from rumpnet.core.net import Net
    from rumpnet.core.tcp.socket import TcpSocket

    End: TypeAlias = TcpSocket | Connection | TimeWait


class Ends(PcbTable["End"]):
    """The table. A port on which connections are, but nobody listens, can be bound again with SO_REUSEADDR."""

    def rivals(self, pcb: End, lport: int) -> Iterable[End]:
        ends = super().rivals(pcb, lport)
        if pcb.options & SHARED:
            return [end for end in ends if not isinstance(end, (Connection, TimeWait))]
        return ends


class Tcp(TcpLayer):
    """TCP with sockets."""

    def __init__(self, net: Net, ports: Ports) -> None:
        super().__init__(net.host)
        self.net = net
        self.ends = Ends(net.host, ports)

    def listener(self, laddr: bytes, lport: int) -> TcpSocket | None:
        found = self.ends.listener(laddr, lport)
        return found if getattr(found, "listening", False) else None  # type: ignore[return-value]

    def enter(self, c: Connection) -> None:
        super().enter(c)
        self.ends.connect(c, c.laddr, c.faddr, c.fport)

    def left(self, end: Connection | TimeWait) -> None:
        self.ends.remove(end)

    def waiting(self, entry: TimeWait) -> None:
        self.ends.connect(entry, entry.laddr, entry.faddr, entry.fport)

    def port_for(self, laddr: bytes, faddr: bytes, fport: int) -> int:
        """An ephemeral port for a connection: one that nobody has, or else has to other ends alone. EAGAIN."""
        try:
            return self.ends.free_port(laddr)
        except KernelError:
            ports = self.ends.ports
        first, count = ports.anonportmin.value, ports.anonportmax.value - ports.anonportmin.value + 1
        begin = int.from_bytes(self.host.entropy(4), "big")
        for step in range(count):
            port = first + (begin + step) % count
            if (laddr, port, faddr, fport) not in self.connections and not self._held(port):
                return port
        raise KernelError(Errno.EAGAIN, "all ephemeral ports are in use")

    def rows(self) -> list[Inpcb]:
        """All ends, for netstat."""
        return [self._row(end) for end in self.ends]

    def _row(self, end: End) -> Inpcb:
        c = end if isinstance(end, Connection) else None
        if c is not None:
            state = c.state
        elif isinstance(end, TimeWait):
            state = State.TIME_WAIT
        else:
            state = State.LISTEN if getattr(end, "listening", False) else State.CLOSED
        kind = "tcp6" if end.domain == const.AF_INET6 else "tcp"
        local = sockaddr(end.laddr, end.lport, domain=end.domain)
        foreign = sockaddr(end.faddr, end.fport, domain=end.domain)
        handle = getattr(c.user if c else end, "handle", 0)
        return Inpcb(kind, local, foreign, c.rcv.count if c else 0, len(c.snd) if c else 0, state.name, handle)

    def _held(self, port: int) -> bool:
        return any(not isinstance(end, (Connection, TimeWait)) for end in self.ends.by_port.get(port, ()))

"""Who has which port: sockets that are bound or listen, connections, and what waits in TIME_WAIT (inpcb of tcp(4))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from rumpnet.core.net import Node, statistics, table
from rumpnet.core.pcb import SHARED, PcbTable, Ports
from rumpnet.core.portalgo import Wanted
from rumpnet.core.tables import PCBLIST, STATS
from rumpnet.core.tcp import output
from rumpnet.core.tcp.layer import TcpLayer
from rumpnet.core.tcp.state import SYNCHRONIZED, State
from rumpnet.core.tcp.sysctl import NUMBER
from rumpnet.core.tcp.tcb import Connection, Key
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.zone import sockaddr
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    Inpcb,
    Sockaddr,
    SockaddrIn,
    SockaddrIn6,
    SysctlPcbs,
    SysctlValue,
    SysctlValueInteger,
    Unpcbid,
)

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

    # -- sysctl

    def nodes(self) -> list[Node]:
        return [
            *super().nodes(),
            *self._tables("tcp", "net.inet.tcp", NUMBER),
            Node("net.inet.tcp.drop", [*NUMBER, 1102], "Drop a connection", _nothing, self._drop, table=True),
            Node(
                "net.inet.tcp.ident", [*NUMBER, 1103], "Whose a connection is", _nothing, self._ident, self._ident4,
                table=True, anywrite=True,
            ),
        ]  # fmt: skip

    def nodes6(self) -> list[Node]:
        return [
            *(node for node in super().nodes6() if not node.table),
            *self._tables("tcp6", "net.inet6.tcp6", [4, 24, const.IPPROTO_TCP]),
        ]

    def _tables(self, name: str, path: str, number: list[int]) -> list[Node]:
        def pcbs() -> SysctlPcbs:
            return SysctlPcbs([row for row in self.rows() if row.protocol == name])

        return [
            statistics(f"{path}.stats", [*number, STATS], name, self.stats),
            table(f"{path}.pcblist", [*number, PCBLIST], "TCP protocol control block list", pcbs),
        ]

    def _drop(self, named: SysctlPcbs) -> None:
        """Ends connections with a reset; their users get ECONNABORTED (tcpdrop(8)). ESRCH, EINVAL."""
        for c in [self._named(_key(each)) for each in named.pcbs]:
            if c.state in SYNCHRONIZED or c.state == State.SYN_RECEIVED:
                output.send_reset(c, self.host.monotonic_ns())
            self.drop(c, Errno.ECONNABORTED)
        self.flush()

    def _ident(self, named: SysctlPcbs) -> SysctlValueInteger:
        """The effective user of who opened a connection (ident of RFC 1413). ESRCH, EINVAL."""
        if len(named.pcbs) != 1:
            raise KernelError(Errno.EINVAL, "one connection is asked for at a time")
        return self._owner(_key(named.pcbs[0]))

    def _ident4(self, behind: tuple[int, ...]) -> SysctlValue:
        """The same, by address and port of the other end and of ours (sysctl net.inet.tcp.ident)."""
        if not behind:
            return _nothing()
        if len(behind) != 4:
            raise KernelError(Errno.EINVAL, "behind net.inet.tcp.ident stand an address and port, twice")
        faddr, fport, laddr, lport = behind
        return self._owner((_addr(laddr), lport & 0xFFFF, _addr(faddr), fport & 0xFFFF))

    def _owner(self, key: Key) -> SysctlValueInteger:
        return SysctlValueInteger(getattr(self._named(key).user, "identity", Unpcbid()).unp_euid)

    def _named(self, key: Key) -> Connection:
        c = self.connections.get(key)
        if not isinstance(c, Connection):
            raise KernelError(Errno.ESRCH, "there is no such connection")
        return c

    # -- ends

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
            return self.ends.free_port(laddr, faddr, fport)
        except KernelError:
            ports = self.ends.ports
        first, count = ports.anonportmin.value, ports.anonportmax.value - ports.anonportmin.value + 1
        for port in ports.portalgo.ports(Wanted(first, count, laddr, faddr, fport)):
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


def _nothing() -> SysctlPcbs:
    return SysctlPcbs([])


def _key(named: Inpcb) -> Key:
    """EINVAL."""
    (laddr, lport), (faddr, fport) = _end(named.local), _end(named.foreign)
    return laddr, lport, faddr, fport


def _end(name: Sockaddr | None) -> tuple[bytes, int]:
    if isinstance(name, SockaddrIn):
        return bytes(name.sin_addr), name.sin_port
    if isinstance(name, SockaddrIn6):
        return bytes(name.sin6_addr), name.sin6_port
    raise KernelError(Errno.EINVAL, "a connection is named by its local and foreign address")


def _addr(number: int) -> bytes:
    """An address in the network's order, as a number of 32 bits."""
    return (number & 0xFFFFFFFF).to_bytes(4, "big")

"""Connections that the filter knows (npf_conn): whose packets pass without asking the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rumpnet.core.npf.flow import TCP, Flow
from rumpnet.core.npf.tcpstate import State, TcpState
from rumpuser.host import Host

CONNECTIONS_MAX = 65536
SWEEP_NS = 5 * 10**9
SECOND_NS = 10**9
DEFAULT_TIMEOUTS = {
    "state.generic.timeout.established": 300,
    "state.tcp.timeout.new": 60,
    "state.tcp.timeout.established": 86_400,
    "state.tcp.timeout.half_close": 21_600,
    "state.tcp.timeout.close": 10,
    "state.tcp.timeout.time_wait": 240,
}
"""Seconds without a packet after which a connection is forgotten (npf-params(7))."""
TCP_TIMEOUT = {
    State.CLOSED: "close", State.SYN_SENT: "new", State.SIMSYN_SENT: "new", State.SYN_RECEIVED: "new",
    State.ESTABLISHED: "established", State.FIN_SENT: "half_close", State.FIN_RECEIVED: "half_close",
    State.CLOSE_WAIT: "half_close", State.FIN_WAIT: "half_close", State.CLOSING: "close", State.LAST_ACK: "close",
    State.TIME_WAIT: "time_wait",
}  # fmt: skip


class Key(NamedTuple):
    """Packets of one direction."""

    protocol: int
    src: bytes
    sport: int
    dst: bytes
    dport: int

    @property
    def reverse(self) -> Key:
        return Key(self.protocol, self.dst, self.dport, self.src, self.sport)


def key_of(flow: Flow) -> Key:
    return Key(flow.protocol, flow.src, flow.sport, flow.dst, flow.dport)


class Translation(NamedTuple):
    """What is written into packets of the first direction: their source if ``out``, else their destination."""

    out: bool
    addr: bytes
    port: int
    map_id: int
    release: bool
    """Whether the port was taken from the pool and goes back there."""


class Connection:
    """One connection. ``out`` is the direction of its first packet."""

    __slots__ = (
        "backward", "expires_ns", "forward", "ifname", "out", "packets", "procedure", "rule", "tcp", "translation",
    )  # fmt: skip

    def __init__(self, forward: Key, ifname: str, *, out: bool, procedure: str) -> None:
        self.forward = forward
        self.backward = forward.reverse
        self.ifname = ifname
        self.out = out
        self.procedure = procedure
        self.rule = 0
        self.tcp = TcpState() if forward.protocol == TCP else None
        self.translation: Translation | None = None
        self.packets = 0
        self.expires_ns = 0


class Connections:
    """The table. Bounded: when it is full, nothing new begins. ``gone`` is told of those that end."""

    def __init__(self, host: Host, gone: Callable[[Connection], None]) -> None:
        self._host = host
        self._gone = gone
        self._by_key: dict[tuple[Key, bool], Connection] = {}
        self._sweeping = False
        self.all: dict[Connection, None] = {}
        self.timeouts = dict(DEFAULT_TIMEOUTS)

    def __len__(self) -> int:
        return len(self.all)

    def find(self, key: Key, ifname: str, *, out: bool) -> tuple[Connection, bool] | None:
        """The connection of a packet, and whether it goes the way of the first one."""
        connection = self._by_key.get((key, out))
        if connection is None or connection.ifname not in ("", ifname):
            return None
        if connection.expires_ns <= self._host.monotonic_ns():
            self.remove(connection)
            return None
        return connection, connection.out == out

    def add(self, connection: Connection) -> bool:
        """False when the table is full, or when there is another with the same ends."""
        keys = (connection.forward, connection.out), (connection.backward, not connection.out)
        if len(self.all) >= CONNECTIONS_MAX or any(key in self._by_key for key in keys):
            return False
        self._by_key.update(dict.fromkeys(keys, connection))
        self.all[connection] = None
        self.touch(connection)
        self._sweep_later()
        return True

    def remove(self, connection: Connection) -> None:
        if self.all.pop(connection, False) is None:
            del self._by_key[connection.forward, connection.out]
            del self._by_key[connection.backward, not connection.out]
            self._gone(connection)

    def clear(self) -> None:
        for connection in list(self.all):
            self.remove(connection)

    def touch(self, connection: Connection) -> None:
        """A packet of it has come."""
        kind = "generic.timeout.established"
        if connection.tcp is not None:
            kind = f"tcp.timeout.{TCP_TIMEOUT[connection.tcp.state]}"
        connection.packets += 1
        connection.expires_ns = self._host.monotonic_ns() + self.timeouts[f"state.{kind}"] * SECOND_NS

    def _sweep_later(self) -> None:
        """One timer, only while there is something to forget: an idle filter does nothing."""
        if not self._sweeping:
            self._sweeping = True
            self._host.call_at(self._host.monotonic_ns() + SWEEP_NS, self._sweep)

    def _sweep(self) -> None:
        now = self._host.monotonic_ns()
        for connection in [c for c in self.all if c.expires_ns <= now]:
            self.remove(connection)
        self._sweeping = False
        if self.all:
            self._sweep_later()

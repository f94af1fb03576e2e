"""The packet filter: what a packet goes through, and the calls that configure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rumpnet.core.npf import nat, procedure
from rumpnet.core.npf.conn import DEFAULT_TIMEOUTS, Connection, Connections, key_of
from rumpnet.core.npf.flow import HEAD_MAX, ICMP, ICMP6, QUOTED_MAX, TCP, Flow
from rumpnet.core.npf.rules import AddressesOf, Rule, Ruleset
from rumpnet.core.npf.tables import Tables
from rumpnet.core.packet import Packet
from rumpnet.core.wire import Malformed
from rumpuser.host import Host
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    NpfAddress,
    NpfConfig,
    NpfConnection,
    NpfCounter,
    NpfProcedure,
    NpfRule,
    Sockaddr,
    SockaddrIn,
    SockaddrIn6,
)  # fmt: skip

TIMEOUT_MAX = 10 * 86_400
ND = range(133, 138)
"""Neighbour discovery is never blocked by what the filter cannot take apart, but by rules alone."""
Answer = Callable[[str, Flow, Packet], None]
"""Tells the sender that its packet was blocked: "rst" or "icmp"."""


class Active:
    """A configuration that is in force."""

    def __init__(self, host: Host, config: NpfConfig, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH, EEXIST, E2BIG."""
        self.params = _params(config.params)
        self.tables = Tables(config.tables)
        self.procedures: dict[str, NpfProcedure] = {p.name: p for p in config.procedures}
        self.rules = Ruleset(config.groups, self.tables, addresses_of)
        self.translator = nat.Translator(host, config.maps, self.tables, addresses_of)
        for group in config.groups:
            for rule in group.rules:
                self.check_procedure(rule)

    def check_procedure(self, rule: NpfRule) -> None:
        """ESRCH."""
        if rule.procedure and rule.procedure not in self.procedures:
            raise KernelError(Errno.ESRCH, f"there is no procedure {rule.procedure[:32]!r}")

    def export(self) -> NpfConfig:
        return NpfConfig(
            self.tables.export(), list(self.procedures.values()), [m.value for m in self.translator.maps],
            [group.export() for group in self.rules.groups], {name: str(value) for name, value in self.params.items()},
        )  # fmt: skip


def _params(given: dict[str, str]) -> dict[str, int]:
    """EINVAL."""
    params = dict(DEFAULT_TIMEOUTS)
    for name, text in given.items():
        if name not in params or not text.isdecimal() or not 0 < int(text[:9]) <= TIMEOUT_MAX:
            known = ", ".join(DEFAULT_TIMEOUTS)
            raise KernelError(Errno.EINVAL, f"parameter {name[:48]!r} = {text[:16]!r}; there are, in seconds, {known}")
        params[name] = int(text)
    return params


class Npf:
    """The filter of one stack."""

    def __init__(self, host: Host, addresses_of: AddressesOf, answer: Answer, log: procedure.Log) -> None:
        self._host = host
        self._addresses_of = addresses_of
        self._answer = answer
        self._log = log
        self.stats: Counter[str] = Counter()
        self.active = False
        self._config = Active(host, NpfConfig(), addresses_of)
        self.connections = Connections(host, self._gone)

    # -- packets

    def inspect(self, packet: Packet, ifname: str, *, out: bool) -> bool:
        """Whether a packet passes; its headers may have changed then. Fragments have been put together before."""
        try:
            flow = _take_apart(packet)
            passes = self._inspect(flow, packet, ifname, out=out)
        except Malformed:
            self.stats["dropped: malformed"] += 1
            return False
        except KernelError:
            self.stats["dropped: no port to translate to"] += 1
            return False
        if passes and flow.changed:
            _put_back(packet, flow.head)
        return passes

    def _inspect(self, flow: Flow, packet: Packet, ifname: str, *, out: bool) -> bool:
        if flow.is_error:
            related = self._related(flow, ifname, out=out)
            if related is not None:
                return related
        else:
            found = self.connections.find(key_of(flow), ifname, out=out)
            if found is not None:
                return self._of_connection(flow, packet, ifname, *found, out=out)
        return self._by_rules(flow, packet, ifname, out=out)

    def _of_connection(
        self, flow: Flow, packet: Packet, ifname: str, connection: Connection, forward: bool, *, out: bool
    ) -> bool:
        if connection.tcp is not None and not connection.tcp.segment(flow, forward=forward):
            self.stats["dropped: not of the connection's state"] += 1
            return False
        self.connections.touch(connection)
        self.stats["passed: connection"] += 1
        nat.translate(flow, connection, forward=forward)
        if connection.procedure:
            self._apply(connection.procedure, flow, procedure.Seen(packet, ifname, out, True, connection.rule))
        return True

    def _related(self, flow: Flow, ifname: str, *, out: bool) -> bool | None:
        """An ICMP error passes if it goes the way of the answers to what it quotes; both are translated together."""
        quoted = flow.quoted()
        found = self.connections.find(key_of(quoted).reverse, ifname, out=out)
        if found is None:
            return None
        connection, forward = found
        before = bytes(flow.head[flow.l4 + 4 :])
        nat.translate_quoted(quoted, connection, forward=not forward)
        if quoted.changed:
            flow.adjust_transport(before, bytes(flow.head[flow.l4 + 4 :]), pseudo=False)
            nat.translate(flow, connection, forward=forward)
        self.stats["passed: error about a connection"] += 1
        return True

    def _by_rules(self, flow: Flow, packet: Packet, ifname: str, *, out: bool) -> bool:
        rule = self._config.rules.decide(flow, ifname, out=out)
        if rule is not None:
            rule.packets += 1
            rule.bytes += flow.length
            if not rule.value.permit:
                return self._block(rule, flow, procedure.Seen(packet, ifname, out, False, rule.value.id))
        self.stats["passed: ruleset" if rule is not None else "passed: no rule"] += 1
        passes = self._begin(rule, flow, ifname, out=out)
        if passes and rule is not None and rule.value.procedure:
            self._apply(rule.value.procedure, flow, procedure.Seen(packet, ifname, out, True, rule.value.id))
        return passes

    def _block(self, rule: Rule, flow: Flow, seen: procedure.Seen) -> bool:
        self.stats["blocked: ruleset"] += 1
        self._apply(rule.value.procedure, flow, seen)
        answer = rule.value.answer
        if flow.protocol == TCP and answer in ("rst", "any"):
            self._answer("rst", flow, seen.packet)
        elif flow.protocol not in (TCP, ICMP, ICMP6) and answer in ("icmp", "any"):
            self._answer("icmp", flow, seen.packet)
        return False

    def _begin(self, rule: Rule | None, flow: Flow, ifname: str, *, out: bool) -> bool:
        """Begins a connection if the rule or a map wants one. False when the packet cannot begin one."""
        chosen = None if flow.fragment else self._config.translator.choose(flow, ifname, out=out)
        stateful = rule.value.stateful if rule is not None else ""
        if chosen is None and not stateful:
            self._config.translator.exchange(flow, ifname, out=out)
            return True
        connection = Connection(
            key_of(flow), "" if stateful == "all" else ifname, out=out, procedure=rule.value.procedure if rule else ""
        )
        connection.rule = rule.value.id if rule else 0
        connection.translation = chosen
        connection.backward = nat.backward_key(flow, chosen)
        valid = connection.tcp is None or connection.tcp.segment(flow, forward=True)
        if not valid or not self.connections.add(connection):
            self._config.translator.release(connection)
            self.stats["dropped: cannot begin a connection"] += 1
            return False
        self.stats["connections begun"] += 1
        nat.translate(flow, connection, forward=True)
        return True

    def _apply(self, name: str, flow: Flow, seen: procedure.Seen) -> None:
        wanted = self._config.procedures.get(name) if name else None
        if wanted is not None:
            procedure.apply(wanted, flow, self._host, self._log, seen)

    def _gone(self, connection: Connection) -> None:
        self.stats["connections ended"] += 1
        self._config.translator.release(connection)

    # -- configuration

    def load(self, config: NpfConfig) -> None:
        """Connections stay, but for those whose translation went with the maps. EINVAL, ESRCH, EEXIST, E2BIG."""
        new = Active(self._host, config, self._addresses_of)
        for connection in [c for c in self.connections.all if c.translation is not None]:
            self.connections.remove(connection)
        self._config = new
        self.connections.timeouts = new.params

    def switch(self, active: bool) -> None:
        self.active = active
        if not active:
            self.connections.clear()

    def flush(self) -> None:
        self.connections.clear()
        self.load(NpfConfig())

    def config(self) -> NpfConfig:
        return self._config.export()

    def counters(self) -> list[NpfCounter]:
        return [NpfCounter(name, value) for name, value in sorted(self.stats.items())]

    def listing(self) -> list[NpfConnection]:
        """The connections, oldest first."""
        return [self._export(connection) for connection in self.connections.all]

    def _export(self, connection: Connection) -> NpfConnection:
        key, chosen = connection.forward, connection.translation
        left = max(0, connection.expires_ns - self._host.monotonic_ns()) // 10**9
        return NpfConnection(
            key.protocol, _sockaddr(key.src, key.sport), _sockaddr(key.dst, key.dport),
            _sockaddr(chosen.addr, chosen.port) if chosen else None, connection.ifname,
            connection.tcp.state.value if connection.tcp else "active", left, connection.packets,
        )  # fmt: skip

    def table(self, name: str, command: str, entry: NpfAddress | None) -> list[NpfAddress]:
        """ESRCH, EINVAL, EEXIST, ENOENT, EPERM, ENOSPC. The entries, for ``list``."""
        table = self._config.tables.get(name)
        if command in ("list", "flush"):
            if command == "flush":
                table.flush()
            return list(table.entries.values())
        if command not in ("add", "remove", "test"):
            raise KernelError(Errno.EINVAL, f"command {command[:16]!r}; add, remove, test, list, flush")
        if entry is None:
            raise KernelError(Errno.EINVAL, f"{command} takes an address")
        if command != "test":
            (table.add if command == "add" else table.remove)(entry)
        elif not table.holds(entry.addr):
            raise KernelError(Errno.ENOENT, f"table {name} does not hold the address")
        return []

    def add_rule(self, group: str, rule: NpfRule | None, ident: int = 0) -> int:
        """With a number of its own, or the one that it had before. ESRCH, EINVAL, ENOSPC."""
        if rule is None:
            raise KernelError(Errno.EINVAL, "no rule given")
        self._config.check_procedure(rule)
        return self._config.rules.add(group, rule, ident)

    def remove_rule(self, group: str, ident: int) -> None:
        """ESRCH, ENOENT."""
        self._config.rules.remove(group, ident)


def _take_apart(packet: Packet) -> Flow:
    """Malformed. Errors of ICMP are looked at with what they quote."""
    partial = packet.csum_offset > 0
    flow = Flow(_head(packet, HEAD_MAX), packet.length, partial=partial)
    if flow.is_error and packet.length > HEAD_MAX:
        flow = Flow(_head(packet, QUOTED_MAX), packet.length, partial=partial)
    return flow


def _head(packet: Packet, length: int) -> bytearray:
    head = bytearray()
    for part in packet.parts:
        head += part[: length - len(head)]
        if len(head) >= length:
            break
    return head


def _put_back(packet: Packet, head: bytearray) -> None:
    """Puts changed headers in the place of the old ones."""
    skip, rest = len(head), []
    for part in packet.parts:
        if skip < len(part):
            rest.append(memoryview(part)[skip:] if skip else part)
        skip = max(0, skip - len(part))
    packet.parts = [head, *rest]


def _sockaddr(addr: bytes, port: int) -> Sockaddr:
    return SockaddrIn(addr, port) if len(addr) == 4 else SockaddrIn6(sin6_addr=addr, sin6_port=port)

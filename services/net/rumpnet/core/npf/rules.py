"""Rules: which packets are meant, and what becomes of them (npf_rule, npf.conf(5)).

The rules of a group are looked at in order. A match decides for now, and a *final* one for good; so without finals
the last match wins. The first group with a match ends the search: the groups behind it, of which the last one is the
default group, are for packets that no rule has matched. What no rule decides passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rumpnet.core.npf.flow import TCP, Flow
from rumpnet.core.npf.tables import Tables, network
from rumpwire.errno import Errno, KernelError
from rumpwire.values import NpfEnd, NpfFilter, NpfGroup, NpfPorts, NpfRule

RULES_MAX = 16384
SYN_ONLY = 0x02, 0x17
"""Flags and mask (S/SAFR) of the segments that begin a connection."""
DIRECTIONS = ("", "in", "out")
AddressesOf = Callable[[str, int], list[bytes]]
"""The addresses that an interface has now, of one version of IP or of both (0)."""


class Side:
    """One side of a filter, ready to be matched."""

    __slots__ = ("_addresses_of", "_interfaces", "_negate", "_networks", "_ports", "_tables", "_tables_of")

    def __init__(self, end: NpfEnd, tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH for a table that is not there."""
        self._negate = end.negate
        self._ports = [_ports(p) for p in end.ports]
        self._networks = [network(a) for a in end.addresses if a.addr]
        self._interfaces = [(a.ifname, a.version) for a in end.addresses if a.ifname]
        self._tables = [a.table for a in end.addresses if a.table]
        for name in self._tables:
            tables.get(name)
        if len(self._networks) + len(self._interfaces) + len(self._tables) != len(end.addresses):
            raise KernelError(Errno.EINVAL, "an address is a network, a table, or an interface, and one of them only")
        self._tables_of = tables
        self._addresses_of = addresses_of

    def matches(self, addr: bytes, port: int, *, with_port: bool) -> bool:
        if self._ports and not (with_port and any(first <= port <= last for first, last in self._ports)):
            return False
        if not (self._networks or self._interfaces or self._tables):
            return True
        return self._holds(addr) != self._negate

    def _holds(self, addr: bytes) -> bool:
        number, width = int.from_bytes(addr, "big"), len(addr)
        if any(size == width and not (number ^ base) & mask for size, base, mask in self._networks):
            return True
        if any(addr in self._addresses_of(name, version) for name, version in self._interfaces):
            return True
        return any(self._tables_of.get(name).holds(addr) for name in self._tables)


def _ports(ports: NpfPorts) -> tuple[int, int]:
    first, last = ports.first, ports.last or ports.first
    if not 0 <= first <= last <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"ports {first} to {last}")
    return first, last


class Filter:
    """Which packets are meant."""

    __slots__ = ("_code", "_flags", "_icmp", "_mask", "_protocols", "_version", "destination", "source")

    def __init__(self, wanted: NpfFilter | None, tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH."""
        wanted = wanted or NpfFilter()
        if wanted.version not in (0, 4, 6):
            raise KernelError(Errno.EINVAL, f"version {wanted.version} of IP; 4, 6, or 0 for both")
        self._version = wanted.version
        self._protocols = frozenset(wanted.protocols)
        self._flags, self._mask = wanted.tcp_flags, wanted.tcp_mask
        self._icmp, self._code = wanted.icmp_type, wanted.icmp_code
        self.source = Side(wanted.source or NpfEnd(), tables, addresses_of)
        self.destination = Side(wanted.destination or NpfEnd(), tables, addresses_of)

    def matches(self, flow: Flow) -> bool:
        if self._version and flow.version != self._version:
            return False
        if self._protocols and flow.protocol not in self._protocols:
            return False
        if self._mask and (flow.protocol != TCP or flow.fragment or flow.flags & self._mask != self._flags):
            return False
        if self._icmp is not None and (flow.icmp != self._icmp or self._code not in (None, flow.code)):
            return False
        with_port = flow.icmp < 0 and not flow.fragment
        return self.source.matches(flow.src, flow.sport, with_port=with_port) and self.destination.matches(
            flow.dst, flow.dport, with_port=with_port
        )


class Rule:
    """A rule that is active. It counts what it decided."""

    __slots__ = ("_filter", "bytes", "packets", "value")

    def __init__(self, value: NpfRule, tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH."""
        _check(value)
        self.value = value
        self._filter = Filter(value.filter, tables, addresses_of)
        self.packets = self.bytes = 0

    def matches(self, flow: Flow, ifname: str, *, out: bool) -> bool:
        value = self.value
        if value.ifname and value.ifname != ifname:
            return False
        if value.direction and (value.direction == "out") != out:
            return False
        if value.stateful and flow.protocol == TCP and not self._begins(flow):
            return False
        return self._filter.matches(flow)

    def _begins(self, flow: Flow) -> bool:
        """A stateful rule takes only segments that begin a connection, unless it says which flags it wants."""
        flags, mask = SYN_ONLY
        wanted = self.value.filter
        return bool(wanted and wanted.tcp_mask) or flow.flags & mask == flags

    def export(self) -> NpfRule:
        return self.value._replace(packets=self.packets, bytes=self.bytes)


def _check(rule: NpfRule) -> None:
    """EINVAL."""
    if rule.direction not in DIRECTIONS:
        raise KernelError(Errno.EINVAL, f"direction {rule.direction[:16]!r}; in, out, or nothing for both")
    if rule.stateful not in ("", "interface", "all"):
        raise KernelError(Errno.EINVAL, f"stateful {rule.stateful[:16]!r}; interface, all, or nothing")
    if rule.answer not in ("", "rst", "icmp", "any"):
        raise KernelError(Errno.EINVAL, f"answer {rule.answer[:16]!r}; rst, icmp, any, or nothing")
    if rule.permit and rule.answer:
        raise KernelError(Errno.EINVAL, "a rule that passes packets answers nothing")
    if not rule.permit and rule.stateful:
        raise KernelError(Errno.EINVAL, "a rule that blocks packets cannot be stateful")


class Group(NamedTuple):
    """A group that is active."""

    value: NpfGroup
    rules: list[Rule]

    def decide(self, flow: Flow, ifname: str, *, out: bool) -> Rule | None:
        """The last rule that matches, or the first final one; None for packets that the group is not for."""
        value = self.value
        if value.ifname not in ("", ifname) or (value.direction and (value.direction == "out") != out):
            return None
        decided = None
        for rule in self.rules:
            if rule.matches(flow, ifname, out=out):
                decided = rule
                if rule.value.final:
                    break
        return decided

    def export(self) -> NpfGroup:
        return self.value._replace(rules=[rule.export() for rule in self.rules])


class Ruleset:
    """All groups."""

    def __init__(self, groups: list[NpfGroup], tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH, E2BIG."""
        if sum(len(group.rules) for group in groups) > RULES_MAX:
            raise KernelError(Errno.E2BIG, f"more than {RULES_MAX} rules")
        if any(not group.name and group is not groups[-1] for group in groups):
            raise KernelError(Errno.EINVAL, "the group without a name is the default group and must be the last one")
        self._tables = tables
        self._addresses_of = addresses_of
        self._id = 0
        self.groups = [Group(group, [self._rule(rule) for rule in group.rules]) for group in groups]

    def decide(self, flow: Flow, ifname: str, *, out: bool) -> Rule | None:
        """The rule that decides, None when there is none."""
        for group in self.groups:
            decided = group.decide(flow, ifname, out=out)
            if decided is not None:
                return decided
        return None

    def add(self, group: str, rule: NpfRule, ident: int = 0) -> int:
        """With the next number, or one beyond those that are given out. ESRCH, EINVAL, ENOSPC."""
        rules = self._dynamic(group).rules
        if sum(len(g.rules) for g in self.groups) >= RULES_MAX:
            raise KernelError(Errno.ENOSPC, f"there are {RULES_MAX} rules")
        self._id = max(self._id, ident - 1)
        rules.append(self._rule(rule))
        return self._id

    def remove(self, group: str, ident: int) -> None:
        """ESRCH, ENOENT."""
        rules = self._dynamic(group).rules
        found = [rule for rule in rules if rule.value.id == ident]
        if not found:
            raise KernelError(Errno.ENOENT, f"group {group} has no rule {ident}")
        rules.remove(found[0])

    def _dynamic(self, name: str) -> Group:
        for group in self.groups:
            if group.value.name == name and group.value.dynamic:
                return group
        raise KernelError(Errno.ESRCH, f"there is no dynamic group {name[:32]!r}")

    def _rule(self, value: NpfRule) -> Rule:
        self._id += 1
        return Rule(value._replace(id=self._id), self._tables, self._addresses_of)

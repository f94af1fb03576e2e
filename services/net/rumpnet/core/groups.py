"""Multicast groups that a host is in, as it tells routers of them: what IGMP and MLD have alike.

A report is sent when a group is joined, twice, and when a router asks, after a random while, unless another host of
the link has answered meanwhile (versions before the newest). Who left says so. The version follows the oldest router
that was heard of lately (RFC 3376, 7; RFC 3810, 8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rumpnet.core.iface import Iface
from rumpnet.core.neighbour import SECOND
from rumpuser.host import Host

REPEAT_NS = SECOND
"""Between the two reports of a new group (robustness of 2)."""
OLD_ROUTER_NS = 260 * SECOND
"""How long an older router decides on the version: twice the query interval, and a response interval."""


class Messages(Protocol):
    """What the two protocols have of their own. Versions are counted as IGMP's: 3 is MLDv2, 2 is MLDv1."""

    def reported(self, group: bytes) -> bool:
        """Whether routers are told of a group at all: not of that of all hosts."""
        ...

    def report(self, iface: Iface, group: bytes, version: int, *, change: bool) -> None: ...

    def leave(self, iface: Iface, group: bytes, version: int) -> None: ...


class Groups:
    """The machine of one family, for all interfaces."""

    def __init__(self, host: Host, messages: Messages) -> None:
        self.host = host
        self.messages = messages
        self._timers: dict[tuple[Iface, bytes], Callable[[], None]] = {}
        self._reporter: set[tuple[Iface, bytes]] = set()
        self._old: dict[Iface, tuple[int, int]] = {}

    def version(self, iface: Iface) -> int:
        version, until = self._old.get(iface, (3, 0))
        return version if self.host.monotonic_ns() < until else 3

    def join(self, iface: Iface, group: bytes) -> None:
        """Receives a group; routers are told when it is a new one."""
        new = group not in iface.groups
        iface.join(group)
        if new and iface.up and not iface.loopback and self.messages.reported(group):
            self._report(iface, group, change=True)
            self._arm(iface, group, self._random(REPEAT_NS), change=True)

    def leave(self, iface: Iface, group: bytes) -> None:
        iface.leave(group)
        if group in iface.groups:
            return
        self._disarm(iface, group)
        if iface.up and not iface.loopback and self.messages.reported(group):
            self.messages.leave(iface, group, self.version(iface))
        self._reporter.discard((iface, group))

    def query(self, iface: Iface, group: bytes | None, longest_ns: int, version: int) -> None:
        """A router asks for one group or all."""
        if version < 3:
            self._old[iface] = version, self.host.monotonic_ns() + OLD_ROUTER_NS
        for joined in [group] if group else list(iface.groups):
            mine = joined in iface.groups and len(joined) == len(group or joined)
            if mine and self.messages.reported(joined) and (iface, joined) not in self._timers:
                self._arm(iface, joined, self._random(max(longest_ns, 1)), change=False)

    def heard(self, iface: Iface, group: bytes) -> None:
        """Another host has reported the group."""
        if self.version(iface) < 3:
            self._disarm(iface, group)
            self._reporter.discard((iface, group))

    def forget(self, iface: Iface) -> None:
        """The interface went down, or away."""
        for known, group in list(self._timers):
            if known is iface:
                self._disarm(iface, group)
        self._old.pop(iface, None)
        self._reporter = {pair for pair in self._reporter if pair[0] is not iface}

    def again(self, iface: Iface, length: int) -> None:
        """The interface came up: what is joined on it is new to the routers there."""
        for group in list(iface.groups):
            if len(group) == length and self.messages.reported(group):
                self._report(iface, group, change=True)

    def _report(self, iface: Iface, group: bytes, *, change: bool) -> None:
        self._reporter.add((iface, group))
        self.messages.report(iface, group, self.version(iface), change=change)

    def _arm(self, iface: Iface, group: bytes, after_ns: int, *, change: bool) -> None:
        self._disarm(iface, group)

        def fire() -> None:
            self._timers.pop((iface, group), None)
            if group in iface.groups and iface.up:
                self._report(iface, group, change=change)

        self._timers[iface, group] = self.host.call_at(self.host.monotonic_ns() + after_ns, fire)

    def _disarm(self, iface: Iface, group: bytes) -> None:
        disarm = self._timers.pop((iface, group), None)
        if disarm is not None:
            disarm()

    def _random(self, longest_ns: int) -> int:
        return int.from_bytes(self.host.entropy(6), "big") % longest_ns

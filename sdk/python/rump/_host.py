"""Between the host's numbers and NetBSD's, by name.

Callers use the numbers of their own platform (`os.O_CREAT`, `socket.AF_INET6`); the wire carries NetBSD's. What the host
has no number for has one here that the host does not use. What neither side knows passes as it is.
"""

from __future__ import annotations

import fcntl as _fcntl
import os
import resource
import select
import signal
import socket
import termios
import time
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

from rumpwire import const
from rumpwire.errno import Errno, KernelError

_SPARE = 1 << 40
"""open(2) flags that the host lacks get bits from here on."""
_APART = 1 << 24
"""Tells other numbers that the host lacks from those that it has."""


def _names(prefix: str, *, without: Iterable[str] = ()) -> list[str]:
    return [name for name in vars(const) if name.startswith(prefix) and name not in without]


def _pairs(names: Iterable[str], *modules: ModuleType) -> dict[str, tuple[int, int]]:
    """Name: the host's number, and NetBSD's. Where the host has none NetBSD's, unless that means something else there."""
    wire = {name: int(getattr(const, name)) for name in names}
    out: dict[str, int] = {}
    for name in wire:
        found = [int(getattr(module, name)) for module in modules if hasattr(module, name)]
        if found:
            out[name] = found[0]
    taken, alike = set(out.values()), {wire[name]: number for name, number in out.items()}
    for name, number in wire.items():
        if name not in out:
            out[name] = alike.get(number, number | _APART if number in taken else number)
    return {name: (out[name], number) for name, number in wire.items()}


def _open_flags() -> dict[str, tuple[int, int]]:
    out, spare = {}, _SPARE
    for name in _names("O_", without=["O_ACCMODE"]):
        wire = int(getattr(const, name))
        host = getattr(os, name, None)
        if host is None:
            host, spare = spare, spare << 1
        out[name] = (host, wire)
    return out


class Numbers:
    """One enumeration: `wire` and `host` translate a number; unknown ones pass."""

    def __init__(self, pairs: dict[str, tuple[int, int]]) -> None:
        self.names: Final = {name: host for name, (host, _) in pairs.items()}
        self._wire = dict(pairs.values())
        self._host = {wire: host for host, wire in pairs.values()}

    def wire(self, number: int) -> int:
        return self._wire.get(number, number)

    def host(self, number: int) -> int:
        return self._host.get(number, number)


class Flags:
    """One set of bits. Bits that NetBSD has no name for are EINVAL on the way there."""

    def __init__(self, pairs: dict[str, tuple[int, int]], what: str, passing: int = 0) -> None:
        self.names: Final = {name: host for name, (host, _) in pairs.items()}
        # Flags of several bits first: Linux's O_SYNC holds the bit of O_DSYNC.
        ordered = sorted(pairs.values(), key=lambda pair: -pair[0].bit_count())
        self._pairs = [(host, wire) for host, wire in ordered if host]
        self._what = what
        self._passing = passing
        self._known: dict[int, int] = {}
        self._seen: dict[int, int] = {}

    def wire(self, flags: int) -> int:
        try:
            return self._known[flags]
        except KeyError:
            return self._learn(flags)

    def _learn(self, flags: int) -> int:
        out, rest = flags & self._passing, flags & ~self._passing
        for host, wire in self._pairs:
            if rest & host == host:
                out |= wire
                rest &= ~host
        if rest:
            raise KernelError(Errno.EINVAL, f"{self._what}: no such flags: {rest:#x}")
        if len(self._known) < 256:
            self._known[flags] = out
        return out

    def host(self, flags: int) -> int:
        try:
            return self._seen[flags]
        except KeyError:
            return self._see(flags)

    def _see(self, flags: int) -> int:
        out = flags & self._passing
        for host, wire in self._pairs:
            if wire and flags & wire == wire:
                out |= host
        if len(self._seen) < 256:
            self._seen[flags] = out
        return out


OPEN = Flags(_open_flags(), "flags of open")
MESSAGE = Flags(_pairs(_names("MSG_"), socket), "flags of a message")
FAMILY = Numbers(_pairs(_names("AF_"), socket))
FCNTL = Numbers(_pairs(_names("F_", without=["F_OK", "F_RDLCK", "F_UNLCK", "F_WRLCK"]), _fcntl))
LOCK_TYPE = Numbers(_pairs(["F_RDLCK", "F_UNLCK", "F_WRLCK"], _fcntl))
_REAL_TIME = range(min(signal.SIGRTMAX - signal.SIGRTMIN, const.SIGRTMAX - const.SIGRTMIN) + 1)
SIGNAL = Numbers(
    {f"SIGRTMIN+{n}": (signal.SIGRTMIN + n, const.SIGRTMIN + n) for n in _REAL_TIME}
    | _pairs(_names("SIG", without=["SIGEV_NONE", "SIGEV_SIGNAL"]), signal)
)
CLOCK = Numbers(_pairs(_names("CLOCK_"), time))
RLIMIT = Numbers(_pairs(_names("RLIMIT_"), resource))
SOCKET_OPTION = Numbers(_pairs(_names("SO_"), socket))
_RANGES = [name for name in _names("IP_") if name.startswith("IP_PORTRANGE_")]
# Options of local sockets have the level of IP, so that they need numbers that the host's IP does not use.
_LOCAL = {name: (getattr(const, name) | _APART, getattr(const, name)) for name in _names("LOCAL_")}
IP_OPTION = Numbers(_LOCAL | _pairs(_names("IP_", without=_RANGES), socket))
IPV6_OPTION = Numbers(_pairs(_names("IPV6_"), socket))
_TCP_NAMES = {"TCP_CONGCTL": "TCP_CONGESTION", "TCP_NOPUSH": "TCP_CORK"}
"""What Linux calls them."""
TCP_OPTION = Numbers(
    {
        name: (int(getattr(socket, name, getattr(socket, _TCP_NAMES.get(name, name), wire))), wire)
        for name, (_, wire) in _pairs(_names("TCP_")).items()
    }
)
IOCTL = Numbers(_pairs(["FIOCLEX", "FIONCLEX", "FIONREAD", "FIONBIO", "FIOASYNC", "SIOCATMARK"], termios))
PATHCONF = Numbers(
    {
        name: (os.pathconf_names.get(name, int(getattr(const, name)) + 1000), int(getattr(const, name)))
        for name in _names("PC_")
    }
)
_TYPE_FLAGS = Flags(
    {
        n: (getattr(socket, n, getattr(const, n)), getattr(const, n))
        for n in ("SOCK_CLOEXEC", "SOCK_NONBLOCK", "SOCK_NOSIGPIPE")
    },
    "type of a socket",
    passing=const.SOCK_TYPE_MASK,
)
# NetBSD's POLLWRNORM is POLLOUT, so that there is no way back for it.
POLL = Flags(_pairs(_names("POLL", without=["POLLWRNORM"]), select), "events of poll", passing=1 << 13)
_POLLWRNORM = getattr(select, "POLLWRNORM", 0)
SOL_SOCKET: Final[int] = socket.SOL_SOCKET
RLIM_INFINITY: Final[int] = resource.RLIM_INFINITY


def socket_type(number: int) -> int:
    """SOCK_STREAM, ... with SOCK_CLOEXEC and SOCK_NONBLOCK: the types have the same numbers everywhere, the flags not."""
    return _TYPE_FLAGS.wire(int(number))


def poll_events(events: int) -> int:
    if events & _POLLWRNORM and _POLLWRNORM != select.POLLOUT:
        events = events & ~_POLLWRNORM | select.POLLOUT
    return POLL.wire(events)


def option_level(level: int) -> int:
    return const.SOL_SOCKET if level == SOL_SOCKET else level


def option_name(level: int, name: int) -> int:
    """An option's number, given the host's numbers of level and name."""
    if level == SOL_SOCKET:
        return SOCKET_OPTION.wire(name)
    if level == const.IPPROTO_TCP:
        return TCP_OPTION.wire(name)
    if level == const.IPPROTO_IPV6:
        return IPV6_OPTION.wire(name)
    return IP_OPTION.wire(name) if level == const.IPPROTO_IP else name


def pathconf_name(name: int | str) -> int:
    """A name, or a number as `os.pathconf_names` has it."""
    if isinstance(name, str):
        if name not in PATHCONF.names:
            raise KernelError(Errno.EINVAL, f"pathconf: no such name: {name}")
        name = PATHCONF.names[name]
    return PATHCONF.wire(name)


def constants() -> dict[str, int]:
    """All constants of the kernel by name: the host's number where the host has one."""
    out: dict[str, int] = {
        name: value for name, value in vars(const).items() if name.isupper() and isinstance(value, int)
    }
    tables: list[Any] = [
        OPEN,
        MESSAGE,
        FAMILY,
        FCNTL,
        LOCK_TYPE,
        CLOCK,
        SIGNAL,
        RLIMIT,
        SOCKET_OPTION,
        IP_OPTION,
        IPV6_OPTION,
        TCP_OPTION,
        IOCTL,
        PATHCONF,
    ]
    for table in [*tables, _TYPE_FLAGS, POLL]:
        out |= table.names
    out |= {"SOL_SOCKET": SOL_SOCKET, "RLIM_INFINITY": RLIM_INFINITY}
    return out

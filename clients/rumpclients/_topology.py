"""Topology files: busses and the kernels on them, read and checked before anything is started.

[bus.lan]                                # impair = { delay_ms = 10, loss = 0.01 } for all who send on it
[kernel.router]
forward = true                           # placement, gateway, routes, npf, dns, sysctl, run
[kernel.router.interface.shmif0]
bus = "lan"                              # or tap = "tap0"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
dhcpd = { first = "10.0.0.100", last = "10.0.0.199" }
[kernel.pc]
count = 3                                # pc1, pc2, pc3; {n} in texts is the number
[kernel.pc.interface.shmif0]
bus = "lan"
dhcp = true
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rumpclients._command import CommandError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,30}")
KERNELS_MAX = 1000
IMPAIRMENTS = ("delay_ms", "jitter_ms", "loss", "reorder", "duplicate", "corrupt", "burst", "rate_mbit", "limit",
               "seed")  # fmt: skip


@dataclass
class Bus:
    """A segment of Ethernet in shared memory."""

    name: str
    path: str = ""
    impair: dict[str, float] = field(default_factory=dict)


@dataclass
class Port:
    """An interface of a kernel."""

    name: str
    bus: str = ""
    tap: str = ""
    addresses: list[str] = field(default_factory=list)
    dhcp: bool = False
    autoconf: bool = False
    dhcpd: dict[str, Any] = field(default_factory=dict)
    mtu: int = 0


@dataclass
class Node:
    """A kernel."""

    name: str
    placement: str = "server"
    forward: bool = False
    gateway: list[str] = field(default_factory=list)
    routes: list[tuple[str, str]] = field(default_factory=list)
    npf: str = ""
    dns: list[str] = field(default_factory=list)
    sysctl: dict[str, int | str] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)


@dataclass
class Topology:
    """All of a file."""

    busses: dict[str, Bus] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)


def read(path: str) -> Topology:
    """CommandError, with where in the file it is."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return _topology(data, Path(path).parent)
    except Wrong as wrong:
        raise CommandError(f"{path}: {wrong}") from wrong


class Wrong(Exception):  # noqa: N818  a finding about a file
    """``where: what``."""


class Table:
    """A table of the file, from which each key is taken once; what is left is not known."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise Wrong(f"{where}: not a table")
        self._data = dict(data)
        self.where = where

    def take(self, key: str, kind: type, default: Any) -> Any:
        value = self._data.pop(key, default)
        if kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise Wrong(f"{self.where}: {key}: expected {kind.__name__}, not {value!r}")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, or a single one."""
        value = self._data.pop(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise Wrong(f"{self.where}: {key}: expected texts, not {value!r}")
        return list(value)

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        for name, data in self.take(key, dict, {}).items():
            if not NAME.fullmatch(name):
                raise Wrong(f"{self.where}{key}.{name}: not a name")
            yield name, Table(data, f"{self.where}{key}.{name}")

    def end(self) -> None:
        if self._data:
            raise Wrong(f"{self.where or 'file'}: not known: {', '.join(self._data)}")


def _topology(data: dict[str, Any], folder: Path) -> Topology:
    top = Table(data, "")
    found = Topology()
    for name, table in top.tables("bus"):
        impair = Table(table.take("impair", dict, {}), f"{table.where}.impair")
        settings = {key: impair.take(key, float, 0.0) for key in IMPAIRMENTS}
        impair.end()
        found.busses[name] = Bus(name, table.take("path", str, ""), {k: v for k, v in settings.items() if v})
        table.end()
    for name, table in top.tables("kernel"):
        count = table.take("count", int, 0)
        if not 0 <= count <= KERNELS_MAX:
            raise Wrong(f"{table.where}: count: 1 to {KERNELS_MAX}")
        node = _node(name, table, folder)
        copies = [_numbered(node, n) for n in range(1, count + 1)] if count else [node]
        for copy in copies:
            if copy.name in found.nodes:
                raise Wrong(f"{table.where}: there are two kernels {copy.name}")
            found.nodes[copy.name] = copy
    top.end()
    _check(found)
    return found


def _node(name: str, table: Table, folder: Path) -> Node:
    node = Node(name, table.take("placement", str, "server"), table.take("forward", bool, False))
    if node.placement not in ("server", "split"):
        raise Wrong(f"{table.where}: placement: server or split")
    node.gateway = table.texts("gateway")
    node.routes = [_route(text, table.where) for text in table.texts("routes")]
    npf = table.take("npf", str, "")
    node.npf = str(folder / npf) if npf else ""
    node.dns = table.texts("dns")
    node.sysctl = table.take("sysctl", dict, {})
    for ifname, row in table.tables("interface"):
        node.ports.append(
            Port(
                ifname, row.take("bus", str, ""), row.take("tap", str, ""), row.texts("addresses"),
                row.take("dhcp", bool, False), row.take("autoconf", bool, False), row.take("dhcpd", dict, {}),
                row.take("mtu", int, 0),
            )
        )  # fmt: skip
        row.end()
    table.end()
    return node


def _route(text: str, where: str) -> tuple[str, str]:
    words = text.split()
    if len(words) != 3 or words[1] != "via":
        raise Wrong(f"{where}: routes: {text!r}; write 'NETWORK via GATEWAY'")
    return words[0], words[2]


def _numbered(node: Node, number: int) -> Node:
    """A copy whose texts have their number in."""

    def put(text: str) -> str:
        return text.replace("{n}", str(number))

    ports = [
        Port(p.name, put(p.bus), put(p.tap), list(map(put, p.addresses)), p.dhcp, p.autoconf, p.dhcpd, p.mtu)
        for p in node.ports
    ]
    return Node(
        f"{node.name}{number}", node.placement, node.forward, list(map(put, node.gateway)),
        [(put(dst), put(via)) for dst, via in node.routes], node.npf, list(map(put, node.dns)), node.sysctl, ports,
    )  # fmt: skip


def _check(found: Topology) -> None:
    """What can be known to be wrong without a kernel."""
    owners: dict[tuple[str, str], str] = {}
    for node in found.nodes.values():
        for port in node.ports:
            where = f"kernel.{node.name}.interface.{port.name}"
            if port.bus and port.bus not in found.busses:
                raise Wrong(f"{where}: there is no bus {port.bus}; there are {', '.join(found.busses) or 'none'}")
            if port.bus and port.tap:
                raise Wrong(f"{where}: on a bus or on a tap, not both")
            for text in port.addresses:
                addr = str(_interface(text, where).ip)
                other = owners.setdefault((port.bus or where, addr), where)
                if other != where:
                    raise Wrong(f"{where}: {addr} is the address of {other} too")
        for text in (*node.gateway, *node.dns, *(via for _, via in node.routes)):
            _address(text, f"kernel.{node.name}")
        for dst, _ in node.routes:
            _interface("0.0.0.0/0" if dst == "default" else dst, f"kernel.{node.name}: routes")


def _interface(text: str, where: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    try:
        return ipaddress.ip_interface(text)
    except ValueError as error:
        raise Wrong(f"{where}: {text!r} is not ADDRESS/PREFIXLEN") from error


def _address(text: str, where: str) -> None:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError as error:
        raise Wrong(f"{where}: {text!r} is not an address") from error


def draw(found: Topology) -> Iterator[str]:
    """Lines: each bus with who is on it, then what hangs on nothing."""
    for bus in found.busses.values():
        here = [(node, port) for node in found.nodes.values() for port in node.ports if port.bus == bus.name]
        impair = " ".join(f"{name}={value:g}" for name, value in bus.impair.items())
        yield f"{bus.name}{f'  ({impair})' if impair else ''}"
        for number, (node, port) in enumerate(here):
            yield f" {'└' if number == len(here) - 1 else '├'}── {_place(node, port)}"
        yield ""
    for node in found.nodes.values():
        others = [_place(node, port) for port in node.ports if not port.bus]
        if others or not node.ports:
            yield from others or [node.name]


def _place(node: Node, port: Port) -> str:
    marks = [*port.addresses, *(["dhcp"] if port.dhcp else []), *(["autoconf"] if port.autoconf else []),
             *(["dhcpd"] if port.dhcpd else []), *([f"tap {port.tap}"] if port.tap else [])]  # fmt: skip
    router = " (router)" if node.forward else ""
    return f"{node.name}{router} {port.name}  {' '.join(marks)}".rstrip()


def dot(found: Topology) -> Iterator[str]:
    """The same for Graphviz."""
    yield "graph topology {"
    yield '  node [fontname="sans-serif"];'
    for bus in found.busses.values():
        yield f'  "bus {bus.name}" [shape=plain, label="{bus.name}"];'
    for node in found.nodes.values():
        yield f'  "{node.name}" [shape={"diamond" if node.forward else "box"}];'
        for port in node.ports:
            end = f"bus {port.bus}" if port.bus else f"tap {port.tap}" if port.tap else f"{node.name}.{port.name}"
            label = "\\n".join([port.name, *port.addresses, *(["dhcp"] if port.dhcp else [])])
            yield f'  "{node.name}" -- "{end}" [label="{label}"];'
    yield "}"

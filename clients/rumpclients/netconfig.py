"""rump.netconfig: the calls that configure networks, one by one or as a topology of many kernels."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import ipaddress
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rump
from rumpclients import _npf_conf, _route, _start, _topology, route
from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, reason, run
from rumpclients._topology import Node, Topology

PROG = "rump.netconfig"
USAGE = """a call on the kernel that RUMP_SERVER names:
  rump.netconfig ifcreate shmif0 | ifsetlinkstr shmif0 /tmp/bus | ipv4_ifaddr_cidr shmif0 10.0.0.1 24 | ...
a topology (rump.netconfig -f FILE ...):
  up (the default), down, status, draw [--dot], check, env NODE, exec NODE COMMAND ..."""
ACTIONS = ("up", "down", "status", "draw", "check", "env", "exec")
HALT_S = 20


def parser() -> Parser:
    p = Parser(
        PROG, "Configures networks, and brings up topologies of many kernels.", epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    p.add_argument("-f", dest="file", metavar="FILE", help="a topology file")
    p.add_argument(
        "-D", "--dir", help="the folder of the topology's kernels (beside other kernels, by the file's name)"
    )
    p.add_argument("--dot", action="store_true", help="draw: for Graphviz")
    p.add_argument("--json", action="store_true", help="status: as JSON")
    p.add_argument("words", nargs=argparse.REMAINDER, metavar="...")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> int:
    if options.file is None:
        return _call(options.words)
    action, *rest = options.words or ["up"]
    if action not in ACTIONS or (rest and action not in ("env", "exec")):
        raise UsageError(f"{' '.join(options.words)}: one of {', '.join(ACTIONS)}")
    found = _topology.read(options.file)
    if action == "draw":
        for line in _topology.dot(found) if options.dot else _topology.draw(found):
            print(line)
        return 0
    if action == "check":
        print(f"{len(found.nodes)} kernels, {len(found.busses)} busses")
        return 0
    folder = Path(options.dir or f"{_start.folder_for([])}/lab-{Path(options.file).stem}")
    return Lab(found, folder, as_json=options.json).do(action, rest)


# -- one call


def _call(words: list[str]) -> int:
    with connect(PROG) as k:
        if not words:
            raise UsageError("name a call, or -f FILE (--help tells more)")
        method = getattr(k.pub, f"netconfig_{words[0]}", None)
        if method is None:
            known = sorted(n.removeprefix("netconfig_") for n in dir(k.pub) if n.startswith("netconfig_"))
            raise UsageError(f"{words[0]}: there are {', '.join(known)}")
        found = method(*_arguments(method, words))
    if found is not None:
        print(found)
    return 0


def _arguments(method: Any, words: list[str]) -> list[Any]:
    """Texts as the call's arguments: numbers where it wants numbers."""
    wanted = list(inspect.signature(method).parameters.values())
    if len(words) - 1 > len(wanted):
        raise UsageError(f"{words[0]} takes {' '.join(p.name.upper() for p in wanted)}")
    arguments: list[Any] = []
    for parameter, word in zip(wanted, words[1:], strict=False):
        number = str(parameter.annotation).startswith("int")
        if number and not word.isdecimal():
            raise UsageError(f"{parameter.name}: {word}: not a number")
        arguments.append(int(word) if number else word)
    if any(p.default is p.empty for p in wanted[len(arguments) :]):
        raise UsageError(f"{words[0]} takes {' '.join(p.name.upper() for p in wanted)}")
    return arguments


# -- topologies


class Lab:
    """The kernels of a topology. ``folder`` has their sockets, logs and busses."""

    def __init__(self, found: Topology, folder: Path, *, as_json: bool) -> None:
        self.found = found
        self.folder = folder
        self.json = as_json

    def do(self, action: str, rest: list[str]) -> int:
        if action == "up":
            self._up()
        elif action == "down":
            self._down()
        elif action == "status":
            self._status()
        elif len(rest) < 1 + (action == "exec"):
            raise UsageError(f"{action} NODE{' COMMAND ...' if action == 'exec' else ''}")
        elif action == "env":
            print(f"export RUMP_SERVER={self._url(rest[0])}")
        else:
            self._exec(rest)
        return 0

    def url(self, node: Node) -> str:
        return f"unix://{self.folder}/{node.name}.sock"

    def _bus(self, name: str) -> str:
        bus = self.found.busses[name]
        return bus.path or f"{self.folder}/{name}.bus"

    def _url(self, name: str) -> str:
        if name not in self.found.nodes:
            raise CommandError(f"there is no kernel {name}; there are {', '.join(self.found.nodes)}")
        return self.url(self.found.nodes[name])

    def _exec(self, rest: list[str]) -> None:
        name, *command = rest
        os.environ["RUMP_SERVER"] = self._url(name)
        try:
            os.execvp(command[0], command)  # noqa: S606  what the user asked for
        except OSError as error:
            raise CommandError(f"{command[0]}: {error.strerror}") from error

    # -- up and down

    def _up(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = [name for name in self.found.nodes if self._answers(name)]
        if running:
            raise CommandError(f"running already: {', '.join(running)}; down ends them")
        started: dict[str, _start.Started] = {}
        try:
            for node in self.found.nodes.values():
                flags = ["--url", self.url(node), "--dir", f"{self.folder}/{node.name}", "--placement", node.placement]
                (self.folder / f"{node.name}.sock").unlink(missing_ok=True)
                started[node.name] = _start.Started([*flags, "--factions", "net"], {}, detach=True)
            for name, process in started.items():
                process.wait_ready(1)
                self._tell(f"{name} is ready")
            self._configure()
        except BaseException:
            for process in started.values():
                process.stop()
            raise
        finally:
            for process in started.values():
                process.close()
        for process in started.values():
            process.process.returncode = 0  # they live on
        print(
            f"up: {len(started)} kernels; try: rump.netconfig -f ... exec {next(iter(started), 'NODE')} rump.ifconfig"
        )

    def _tell(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def _configure(self) -> None:
        """Servers of addresses before those who ask for them."""
        with contextlib.ExitStack() as stack:
            kernels = {
                n.name: stack.enter_context(rump.connect(self.url(n), comm=PROG)) for n in self.found.nodes.values()
            }
            for node in self.found.nodes.values():
                self._step(node, lambda k, node=node: self._set_up(k, node), kernels)
            for node in self.found.nodes.values():
                self._step(node, lambda k, node=node: self._serve(k, node), kernels)
            for node in self.found.nodes.values():
                for port in node.ports:
                    if port.dhcp:
                        kernels[node.name].pub.dhcp_start(port.name, node.name)

    def _step(self, node: Node, step: Any, kernels: dict[str, rump.Client]) -> None:
        try:
            step(kernels[node.name])
        except OSError as error:
            raise CommandError(f"kernel {node.name}: {reason(error)}") from error

    def _set_up(self, k: rump.Client, node: Node) -> None:
        for name, value in node.sysctl.items():
            k.sysctl(name, value)
        if node.forward:
            k.sysctl("net.inet.ip.forwarding", 1)
            with contextlib.suppress(OSError):  # a kernel without IPv6
                k.sysctl("net.inet6.ip6.forwarding", 1)
        for port in node.ports:
            self._interface(k, port)
        for gateway in node.gateway:
            v6 = ":" in gateway
            (k.pub.netconfig_ipv6_gw if v6 else k.pub.netconfig_ipv4_gw)(gateway)
        if node.routes:
            self._routes(k, node)

    def _interface(self, k: rump.Client, port: _topology.Port) -> None:
        if port.name != "lo0":
            k.pub.netconfig_ifcreate(port.name)
        if port.bus:
            k.pub.netconfig_ifsetlinkstr(port.name, self._bus(port.bus))
        elif port.tap:
            k.pub.netconfig_ifsetlinkstr(port.name, port.tap)
        k.pub.netconfig_ifup(port.name)
        for text in port.addresses:
            addr = ipaddress.ip_interface(text)
            add = k.pub.netconfig_ipv4_ifaddr_cidr if addr.version == 4 else k.pub.netconfig_ipv6_ifaddr
            add(port.name, str(addr.ip), addr.network.prefixlen)
        if port.autoconf:
            k.pub.netconfig_auto_ipv6(port.name)
        impair = self.found.busses[port.bus].impair if port.bus else {}
        if impair:
            self._impair(k, port.name, impair)

    def _impair(self, k: rump.Client, ifname: str, impair: dict[str, float]) -> None:
        """Chances become parts of a million, times nanoseconds."""
        units = {"delay_ms": ("delay_ns", 10**6), "jitter_ms": ("jitter_ns", 10**6), "rate_mbit": ("rate_bps", 10**6)}
        units |= {name: (f"{name}_ppm", 10**6) for name in ("loss", "reorder", "duplicate", "corrupt")}
        fields = [(units.get(name, (name, 1)), value) for name, value in impair.items()]
        settings = rump.Impairment(**{name: int(value * unit) for (name, unit), value in fields})
        k.pub.netconfig_ifimpair(ifname, settings)

    def _routes(self, k: rump.Client, node: Node) -> None:
        with _route.routing_socket(k) as fd:
            for dst, via in node.routes:
                words = route.Words(k, [dst, via])
                words.read()
                k.pub.route_send(fd, words.message(rump.RTM_ADD))

    def _serve(self, k: rump.Client, node: Node) -> None:
        if node.npf:
            k.pub.npf_load(_npf_conf.parse(Path(node.npf).read_text(), node.npf))
            k.pub.npf_switch(True)
        if node.dns:
            k.pub.dns_forward([ipaddress.ip_address(text).packed for text in node.dns])
        for port in node.ports:
            if port.dhcpd:
                k.pub.dhcpd_start(port.name, _pool(port.dhcpd, f"kernel.{node.name}.interface.{port.name}.dhcpd"))

    def _down(self) -> None:
        ended = []
        for name in self.found.nodes:
            if self._answers(name):
                with contextlib.suppress(OSError), rump.connect(self._url(name), comm=PROG) as k:
                    k.halt()
                ended.append(name)
        deadline = time.monotonic() + HALT_S
        while any(self._answers(name) for name in ended):
            if time.monotonic() > deadline:
                raise CommandError("some kernels do not end; status tells which")
            time.sleep(0.05)
        for bus in self.found.busses.values():
            if not bus.path:
                Path(self._bus(bus.name)).unlink(missing_ok=True)
        print(f"down: {len(ended)} kernels ended")

    def _answers(self, name: str) -> bool:
        if not (self.folder / f"{name}.sock").exists():
            return False
        try:
            rump.connect(self._url(name), comm=PROG).close()
        except OSError:
            return False
        return True

    def _status(self) -> None:
        rows = [{"kernel": name, "url": self._url(name), "running": self._answers(name)} for name in self.found.nodes]
        if self.json:
            print_json(rows)
            return
        for row in rows:
            print(f"{row['kernel']:<16} {'running' if row['running'] else 'down':<8} {row['url']}")


def _pool(table: dict[str, Any], where: str) -> rump.DhcpPool:
    """CommandError."""
    known = {"first", "last", "lease", "router", "dns", "domain", "hosts"}
    unknown = set(table) - known
    try:
        if unknown:
            raise ValueError(f"not known: {', '.join(unknown)}")
        hosts = [
            rump.DhcpHost(bytes.fromhex(mac.replace(":", "")), _packed(addr))
            for mac, addr in table.get("hosts", {}).items()
        ]
        return rump.DhcpPool(
            _packed(table["first"]), _packed(table["last"]), table.get("lease", 0), _packed(table.get("router", "")),
            [_packed(a) for a in table.get("dns", [])], str(table.get("domain", "")).encode(), hosts,
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CommandError(f"{where}: {error}; first and last are addresses") from error


def _packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed if text else b""


if __name__ == "__main__":
    sys.exit(main())

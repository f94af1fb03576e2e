"""rump.netstat and rump.sockstat: sockets, interfaces, routes and counters (netstat(1), sockstat(1))."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import rump
from rumpclients import _route
from rumpclients._command import Parser, UsageError, connect, print_json, print_table, run
from rumpclients._net import address, endpoint, lladdr, requests


def parser() -> Parser:
    p = Parser("rump.netstat", "Shows the state of the network of the kernel that RUMP_SERVER names.")
    p.add_argument("-a", dest="all", action="store_true", help="with the sockets that listen, or are bound alone")
    p.add_argument("-b", dest="bytes", action="store_true", help="with -i: bytes instead of packets")
    p.add_argument("-f", dest="family", choices=("inet", "inet6"), help="one family alone")
    p.add_argument("-I", dest="interface", metavar="IF", help="with -i: one interface alone")
    p.add_argument("-i", dest="interfaces", action="store_true", help="interfaces and what they have counted")
    p.add_argument("-L", dest="neighbours", action="store_true", help="with -r: ARP and neighbour discovery too")
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument(
        "-p", dest="protocol", metavar="PROTOCOL", help="the counters, or with -a the sockets, of one protocol"
    )
    p.add_argument("-r", dest="routes", action="store_true", help="the routing tables")
    p.add_argument(
        "-s", dest="stats", action="count", default=0, help="what protocols have counted; twice: without zeros"
    )
    p.add_argument("-w", dest="wait", type=float, metavar="SECONDS", help="again and again: packets of the interfaces")
    p.add_argument("--json", action="store_true", help="as JSON")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run("rump.netstat", lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    families = [options.family] if options.family else list(_route.FAMILIES)
    with connect("rump.netstat") as k:
        if options.wait is not None:
            _watch(k, options)
        elif options.routes:
            _routes(k, options, families)
        elif options.interfaces or options.interface:
            _interfaces(k, options)
        elif options.stats or (options.protocol and not options.all):
            _stats(k, options)
        else:
            _sockets(k, options, families)


def _routes(k: rump.Client, options: argparse.Namespace, families: list[str]) -> None:
    if options.json:
        print_json({f: _route.table(k, f, with_neighbours=options.neighbours) for f in families})
    else:
        _route.show(k, families, with_neighbours=options.neighbours)


# -- interfaces


def _counted(k: rump.Client, options: argparse.Namespace) -> list[tuple[rump.Interface, rump.Ifdata]]:
    with requests(k) as asks:
        found = asks.ask(rump.SIOCGIFCONF).interfaces
        return [
            (i, asks.ask(rump.SIOCGIFDATA, rump.Ifreq(i.name))) for i in found if options.interface in (None, i.name)
        ]


def _interfaces(k: rump.Client, options: argparse.Namespace) -> None:
    counted = _counted(k, options)
    if options.json:
        print_json([{"name": i.name, **data._asdict()} for i, data in counted])
        return
    heads = ("Ibytes", "Obytes") if options.bytes else ("Ipkts", "Ierrs", "Opkts", "Oerrs", "Colls")
    print(f"{'Name':<8} {'Mtu':<5} {'Network':<22} {'Address':<26}" + "".join(f" {head:>9}" for head in heads))
    for i, data in counted:
        values = (data.ibytes, data.obytes) if options.bytes else (
            data.ipackets, data.ierrors, data.opackets, data.oerrors, data.collisions
        )  # fmt: skip
        places = [("<Link>", lladdr(i.lladdr)), *((_network(a), address(a.addr, zone=False)) for a in i.addresses)]
        for network, where in places:
            print(f"{i.name:<8} {i.mtu:<5} {network:<22} {where:<26}" + "".join(f" {value:>9}" for value in values))


def _network(a: rump.InterfaceAddress) -> str:
    """The network of an address."""
    raw = a.addr.sin_addr if isinstance(a.addr, rump.SockaddrIn) else getattr(a.addr, "sin6_addr", b"")
    bits = len(raw) * 8
    number = int.from_bytes(raw, "big") >> bits - a.prefixlen << bits - a.prefixlen
    base = number.to_bytes(len(raw), "big")
    name = rump.SockaddrIn(base) if len(raw) == 4 else rump.SockaddrIn6(base)
    return f"{address(name)}/{a.prefixlen}"


def _watch(k: rump.Client, options: argparse.Namespace) -> None:
    before = None
    print(f"{'in packets':>12} {'bytes':>14} {'out packets':>12} {'bytes':>14}")
    while True:
        rows = [data for _, data in _counted(k, options)]
        now = [sum(getattr(d, n) for d in rows) for n in ("ipackets", "ibytes", "opackets", "obytes")]
        shown = [n - b for n, b in zip(now, before, strict=True)] if before else now
        print(f"{shown[0]:>12} {shown[1]:>14} {shown[2]:>12} {shown[3]:>14}", flush=True)
        before = now
        time.sleep(options.wait)


# -- counters


def _stats(k: rump.Client, options: argparse.Namespace) -> None:
    found = [c for c in k.pub.net_counters() if options.protocol in (None, c.protocol)]
    if options.protocol and not found:
        raise UsageError(f"{options.protocol}: no counters of such a protocol")
    if options.stats > 1:
        found = [c for c in found if c.value]
    if options.json:
        print_json({name: {c.name: c.value for c in rows} for name, rows in groupby(found, lambda c: c.protocol)})
        return
    for protocol, rows in groupby(found, lambda c: c.protocol):
        print(f"{protocol}:")
        for counter in rows:
            print(f"\t{counter.value} {counter.name}")


# -- sockets


def _sockets(k: rump.Client, options: argparse.Namespace, families: list[str]) -> None:
    found = [p for p in k.pub.net_pcblist() if ("inet6" if _v6(p) else "inet") in families]
    if not options.all:
        found = [p for p in found if _connected(p)]
    if options.protocol:
        found = [p for p in found if p.protocol.startswith(options.protocol)]
    if options.json:
        print_json([_pcb(p) for p in found])
        return
    print(f"Active Internet connections{' (including servers)' if options.all else ''}")
    print(f"{'Proto':<6} {'Recv-Q':>6} {'Send-Q':>6}  {'Local Address':<26} {'Foreign Address':<26} State")
    for p in found:
        row = _pcb(p)
        queues = f"{p.protocol:<6} {p.recvq:>6} {p.sendq:>6}"
        print(f"{queues}  {row['local']:<26} {row['foreign']:<26} {p.state}".rstrip())


def _v6(p: rump.Inpcb) -> bool:
    return isinstance(p.local, rump.SockaddrIn6)


def _connected(p: rump.Inpcb) -> bool:
    return p.foreign is not None and endpoint(p.foreign) != "*.*"


def _pcb(p: rump.Inpcb) -> dict[str, Any]:
    return {"protocol": p.protocol, "local": endpoint(p.local), "foreign": endpoint(p.foreign) if p.foreign else "*.*",
            "recvq": p.recvq, "sendq": p.sendq, "state": p.state}  # fmt: skip


def sockstat(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.sockstat", "Lists the sockets of the kernel that RUMP_SERVER names.")
    p.add_argument("-4", dest="v4", action="store_true", help="IPv4 alone")
    p.add_argument("-6", dest="v6", action="store_true", help="IPv6 alone")
    p.add_argument("-c", dest="connected", action="store_true", help="those that are connected")
    p.add_argument("-l", dest="listening", action="store_true", help="those that listen")
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument("-p", dest="ports", default="", metavar="PORTS", help="local or foreign ports: 80,8000-8010")
    p.add_argument("--json", action="store_true", help="as JSON")
    return run("rump.sockstat", lambda: _sockstat(p.parse_args(argv)))


def _sockstat(options: argparse.Namespace) -> None:
    ports = _ports(options.ports)
    with connect("rump.sockstat") as k, k.batch() as b:
        files, sockets = b.file_list(), b.net_pcblist()
    owners: dict[int, list[rump.KinfoFile | None]] = {}
    for file in files.result():
        if file.component == "net":
            owners.setdefault(file.handle, []).append(file)
    found = [(p, f) for p in sockets.result() if _wanted(p, options, ports) for f in owners.get(p.handle) or [None]]
    if options.json:
        print_json([_pcb(p) | _owner(f) for p, f in found])
        return
    header = ["USER", "COMMAND", "PID", "FD", "PROTO", "LOCAL ADDRESS", "FOREIGN ADDRESS", "STATE"]
    rows = [[*_owner(f).values(), p.protocol, _pcb(p)["local"], _pcb(p)["foreign"], p.state] for p, f in found]
    print_table(header, [["?" if cell is None else cell for cell in row] for row in rows], right=(2, 3))


def _owner(f: rump.KinfoFile | None) -> dict[str, Any]:
    """Who holds a socket. Nobody holds those in TIME_WAIT, and the kernel's own."""
    if f is None:
        return dict.fromkeys(("user", "command", "pid", "fd"))
    return {"user": "root" if f.ki_uid == 0 else str(f.ki_uid), "command": f.comm, "pid": f.ki_pid, "fd": f.ki_fd}


def _wanted(p: rump.Inpcb, options: argparse.Namespace, ports: list[range]) -> bool:
    if options.v4 != options.v6 and _v6(p) != options.v6:
        return False
    if options.connected != options.listening and _connected(p) != options.connected:
        return False
    numbers = [int(endpoint(name).rpartition(".")[2].replace("*", "0")) for name in (p.local, p.foreign) if name]
    return not ports or any(n in r for n in numbers for r in ports)


def _ports(text: str) -> list[range]:
    found = []
    for part in filter(None, text.split(",")):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"-p {text}: ports as 80,8000-8010")
        found.append(range(int(first), int(last or first) + 1))
    return found

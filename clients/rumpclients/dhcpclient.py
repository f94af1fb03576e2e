"""rump.dhcpclient: leases of interfaces. The kernel asks for them and keeps them; the program may end."""

from __future__ import annotations

import argparse
import ipaddress
import time
from collections.abc import Sequence
from typing import Any

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, run

PROG = "rump.dhcpclient"
LOOK_S = 0.05


def parser() -> Parser:
    p = Parser(PROG, "Gets a lease by DHCP for an interface of the kernel that RUMP_SERVER names, and has it kept.")
    what = p.add_mutually_exclusive_group()
    what.add_argument("-1", dest="once", action="store_true", help="get a lease that is not renewed")
    what.add_argument("-n", "--renew", action="store_true", help="renew the lease now")
    what.add_argument("-k", "--release", action="store_true", help="give the lease back")
    what.add_argument("-x", "--exit", action="store_true", help="keep the lease no longer, but leave the address")
    what.add_argument("-l", "--list", action="store_true", help="print the leases of all interfaces")
    p.add_argument("-H", "--hostname", default="", metavar="NAME", help="the name to give to the server")
    p.add_argument(
        "-t", "--timeout", type=float, default=60, metavar="SECONDS", help="how long to wait for a lease (60)"
    )
    p.add_argument("-b", "--background", action="store_true", help="do not wait for it")
    p.add_argument("--json", action="store_true", help="print leases as JSON")
    p.add_argument("ifname", nargs="?", help="shmif0, virt0, ...")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    if bool(options.ifname) == options.list:
        raise UsageError("name one interface, or -l for all")
    with connect(PROG) as k:
        if options.list:
            _print(k.pub.dhcp_leases(), options)
        elif options.renew:
            k.pub.dhcp_renew(options.ifname)
        elif options.release or options.exit:
            k.pub.dhcp_stop(options.ifname, options.release)
        elif options.once:
            k.pub.netconfig_dhcp_ipv4_oneshot(options.ifname)
        else:
            _start(k, options)


def _start(k: rump.Client, options: argparse.Namespace) -> None:
    k.pub.dhcp_start(options.ifname, options.hostname)
    if options.background:
        return
    deadline = time.monotonic() + options.timeout
    while not (found := [x for x in k.pub.dhcp_leases() if x.ifname == options.ifname and x.state == "bound"]):
        if time.monotonic() > deadline:
            raise CommandError(f"{options.ifname}: no server answered; the kernel goes on asking (-k ends it)")
        time.sleep(LOOK_S)
    _print(found, options)


def _print(leases: list[rump.DhcpLease], options: argparse.Namespace) -> None:
    rows = [_row(lease) for lease in leases]
    if options.json:
        print_json(rows)
        return
    for row in rows:
        print(" ".join(f"{name} {value}" if name != "ifname" else f"{value}:" for name, value in row.items() if value))


def _row(lease: rump.DhcpLease) -> dict[str, Any]:
    return {
        "ifname": lease.ifname, "state": lease.state,
        "address": f"{_text(lease.addr)}/{lease.prefixlen}" if lease.addr else "", "server": _text(lease.server),
        "routers": ",".join(map(_text, lease.routers)), "dns": ",".join(map(_text, lease.dns)),
        "domain": lease.domain.decode(errors="replace"), "expires": lease.expires,
    }  # fmt: skip


def _text(addr: bytes) -> str:
    return str(ipaddress.ip_address(addr)) if addr else ""

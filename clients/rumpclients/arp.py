"""rump.arp and rump.ndp: neighbours on the link (arp(8), ndp(8))."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from typing import Any

import rump
from rumpclients import _route
from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, run
from rumpclients._net import address, lladdr, parse_address, parse_lladdr, requests

STATES = {rump.ND6_LLINFO_NOSTATE: "N", rump.ND6_LLINFO_WAITDELETE: "W", rump.ND6_LLINFO_INCOMPLETE: "I",
          rump.ND6_LLINFO_REACHABLE: "R", rump.ND6_LLINFO_STALE: "S", rump.ND6_LLINFO_DELAY: "D",
          rump.ND6_LLINFO_PROBE: "P"}  # fmt: skip


def parser(prog: str, text: str) -> Parser:
    p = Parser(prog, text)
    what = p.add_mutually_exclusive_group()
    what.add_argument("-a", dest="all", action="store_true", help="all entries; with -d they are deleted")
    what.add_argument("-s", dest="set", action="store_true", help="HOST ADDRESS [temp] [pub] [proxy]: enter it")
    what.add_argument("-f", dest="file", metavar="FILE", help="enter what stands in the lines of a file, as with -s")
    p.add_argument("-d", dest="delete", action="store_true", help="HOST: delete its entry")
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument("--json", action="store_true", help="as JSON")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser("rump.arp", "Shows and changes the ARP entries of the kernel that RUMP_SERVER names.")
    p.add_argument("words", nargs="*", metavar="HOST ...")
    return run("rump.arp", lambda: _main("rump.arp", p.parse_args(argv), socket.AF_INET))


def main6(argv: Sequence[str] | None = None) -> int:
    p = parser("rump.ndp", "Shows and changes what the kernel that RUMP_SERVER names knows of IPv6 neighbours.")
    p.add_argument("-c", dest="clear", action="store_true", help="delete all entries")
    p.add_argument("-p", dest="prefixes", action="store_true", help="the prefixes")
    p.add_argument("-r", dest="routers", action="store_true", help="the default routers")
    p.add_argument("-i", dest="interface", metavar="IF", help="neighbour discovery on an interface")
    p.add_argument("words", nargs="*", metavar="HOST ...")
    return run("rump.ndp", lambda: _main("rump.ndp", p.parse_args(argv), socket.AF_INET6))


def _main(prog: str, options: argparse.Namespace, family: int) -> None:
    with connect(prog) as k:
        (Arp if family == socket.AF_INET else Ndp)(k, options, family).run()


class Arp:
    """One call of rump.arp."""

    def __init__(self, k: rump.Client, options: argparse.Namespace, family: int) -> None:
        self.k = k
        self.options = options
        self.family = family

    def run(self) -> None:
        options = self.options
        if options.file:
            with open(options.file, encoding="utf-8") as lines:
                for line in lines:
                    words = line.split("#")[0].split()
                    if words:
                        self._set(words)
        elif options.set:
            self._set(options.words)
        elif options.delete:
            self._delete()
        else:
            self._show()

    def entries(self) -> list[rump.Rtmsg]:
        return list(self.k.pub.route_dump(self.family, rump.NET_RT_FLAGS, rump.RTF_LLDATA))

    def _show(self) -> None:
        if not self.options.all and len(self.options.words) != 1:
            raise UsageError("name one host, or -a for all")
        found = self.entries()
        if not self.options.all:
            wanted = self._host(self.options.words[0])
            found = [e for e in found if address(e.dst, zone=False) == address(wanted, zone=False)]
            if not found:
                raise CommandError(f"{self.options.words[0]}: no entry")
        if self.options.json:
            print_json([self._row(e) for e in found])
        else:
            self.print(found)

    def print(self, entries: list[rump.Rtmsg]) -> None:
        for row in map(self._row, entries):
            marks = "".join(f" {mark}" for mark in row["marks"])
            print(f"? ({row['address']}) at {row['lladdr'] or '(incomplete)'} on {row['interface']}{marks}")

    def _row(self, entry: rump.Rtmsg) -> dict[str, Any]:
        link = entry.gateway
        raw = link.sdl_addr if isinstance(link, rump.SockaddrDl) else b""
        marks = [] if entry.rmx_expire else ["permanent"] if raw else []
        marks += ["published"] if entry.rtm_flags & rump.RTF_ANNOUNCE else []
        marks += ["own"] if entry.rtm_flags & rump.RTF_LOCAL else []
        return {"address": address(entry.dst), "lladdr": lladdr(raw), "interface": entry.ifname, "marks": marks,
                "expire": entry.rmx_expire}  # fmt: skip

    def _set(self, words: list[str]) -> None:
        if len(words) < 2:
            raise UsageError("-s HOST ADDRESS [temp] [pub] [proxy]")
        host, link, *marks = words
        flags = rump.RTF_LLDATA | rump.RTF_STATIC
        expire = 0
        for mark in marks:
            if mark not in ("temp", "pub", "proxy", "permanent"):
                raise UsageError(f"{mark}: temp, pub or proxy")
            flags |= rump.RTF_ANNOUNCE if mark in ("pub", "proxy") else 0
            expire = 1200 if mark == "temp" else expire
        message = rump.Rtmsg(
            rump.RTM_ADD, flags, dst=self._host(host), gateway=rump.SockaddrDl(sdl_addr=parse_lladdr(link)),
            rmx_expire=expire,
        )  # fmt: skip
        self._send(message)

    def _delete(self) -> None:
        options = self.options
        if options.all:
            for entry in self.entries():
                self._send(entry._replace(rtm_type=rump.RTM_DELETE))
        elif len(options.words) == 1:
            self._send(rump.Rtmsg(rump.RTM_DELETE, rump.RTF_LLDATA, dst=self._host(options.words[0])))
        else:
            raise UsageError("-d HOST, or -d -a for all")

    def _send(self, message: rump.Rtmsg) -> None:
        with _route.routing_socket(self.k) as fd:
            self.k.pub.route_send(fd, message)

    def _host(self, text: str) -> Any:
        def index(zone: str) -> int:
            with requests(self.k) as asks:
                return asks.number(rump.SIOCGIFINDEX, zone)

        return parse_address(text, self.family, index=index)


class Ndp(Arp):
    """One call of rump.ndp."""

    def run(self) -> None:
        options = self.options
        if options.clear:
            for entry in self.entries():
                self._send(entry._replace(rtm_type=rump.RTM_DELETE))
        elif options.prefixes or options.routers:
            self._lists()
        elif options.interface:
            self._interface(options.interface)
        else:
            super().run()

    def print(self, entries: list[rump.Rtmsg]) -> None:
        print(f"{'Neighbor':<39} {'Linklayer Address':<18} {'Netif':<8} {'Expire':<9} S Flags Prbs")
        with requests(self.k) as asks:
            for entry in entries:
                row = self._row(entry)
                known = asks.ask(rump.SIOCGNBRINFO_IN6, rump.Nbrinfo(entry.ifname, entry.dst))
                expire = "permanent" if not known.expire else f"{known.expire}s"
                flags = ("R" if known.isrouter else "") + ("p" if entry.rtm_flags & rump.RTF_ANNOUNCE else "")
                print(
                    f"{row['address']:<39} {row['lladdr'] or '(incomplete)':<18} {row['interface']:<8} {expire:<9} "
                    f"{STATES.get(known.state, '?')} {flags:<5} {known.asked or ''}".rstrip()
                )

    def _lists(self) -> None:
        found = self.k.pub.nd_list()
        rows: list[dict[str, Any]]
        if self.options.routers:
            rows = [{"router": address(r.addr), "interface": r.ifname, "expire": r.expire, "preference": r.preference}
                    for r in found.routers]  # fmt: skip
        else:
            rows = [_prefix(p) for p in found.prefixes]
        if self.options.json:
            print_json(rows)
            return
        for row in rows:
            first, *rest = row.items()
            print(first[1], *(f"{name}={value}" for name, value in rest))

    def _interface(self, ifname: str) -> None:
        with requests(self.k) as asks:
            found = asks.ask(rump.SIOCGIFINFO_IN6, rump.Ndireq(ifname))
        times = {"basereachable": found.basereachable, "reachable": found.reachable, "retrans": found.retrans}
        seconds = ", ".join(f"{name}={ms / 1000:g}s" for name, ms in times.items())
        print(f"linkmtu={found.linkmtu}, {seconds}, curhlim={found.chlim}, flags={found.flags:#x}")


def _prefix(p: rump.NdPrefix) -> dict[str, Any]:
    return {
        "prefix": f"{address(p.prefix, zone=False)}/{p.prefixlen}", "interface": p.ifname,
        "vltime": p.vltime or "infinity", "pltime": p.pltime or "infinity", "onlink": p.onlink,
        "autonomous": p.autonomous,
    }  # fmt: skip

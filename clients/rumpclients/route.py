"""rump.route: the routing table (route(8))."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable, Sequence
from typing import Any

import rump
from rumpclients import _route
from rumpclients._command import Parser, UsageError, connect, print_json, run
from rumpclients._net import address, parse_address, parse_lladdr, prefix_of_mask, requests

PROG = "rump.route"
USAGE = """add|delete|change [-net|-host] [-inet|-inet6] DESTINATION[/PREFIXLEN] [GATEWAY] [modifiers]
get DESTINATION
flush | show | monitor
modifiers: -netmask M, -prefixlen N, -interface (the gateway is one), -ifp IF, -ifa ADDRESS, -mtu N, -expire SECONDS,
           -blackhole, -reject, -static, -nostatic, -proto1, -proto2, -cloning, -link"""
COMMANDS = ("add", "delete", "change", "get", "flush", "flushall", "show", "monitor")
ON = {"-blackhole": rump.RTF_BLACKHOLE, "-reject": rump.RTF_REJECT, "-static": rump.RTF_STATIC,
      "-proto1": rump.RTF_PROTO1, "-proto2": rump.RTF_PROTO2, "-proxy": rump.RTF_ANNOUNCE,
      "-cloning": 0, "-connected": rump.RTF_CONNECTED}  # fmt: skip
OFF = {"-noblackhole": rump.RTF_BLACKHOLE, "-noreject": rump.RTF_REJECT, "-nostatic": rump.RTF_STATIC}
TYPES = {"add": rump.RTM_ADD, "delete": rump.RTM_DELETE, "change": rump.RTM_CHANGE, "get": rump.RTM_GET}


def parser() -> Parser:
    p = Parser(
        PROG, "Shows and changes routes of the kernel that RUMP_SERVER names.", epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument("-q", dest="quiet", action="store_true", help="do not say what was done")
    p.add_argument("-L", dest="neighbours", action="store_true", help="show: with ARP and neighbour discovery")
    p.add_argument("--json", action="store_true", help="show and get: as JSON")
    p.add_argument("command", choices=COMMANDS)
    p.add_argument("words", nargs=argparse.REMAINDER, metavar="...")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    with connect(PROG) as k:
        Tool(k, options).run()


class Tool:
    """One call of the program."""

    def __init__(self, k: rump.Client, options: argparse.Namespace) -> None:
        self.k = k
        self.options = options

    def run(self) -> None:
        command = self.options.command
        if command == "show":
            self._show()
        elif command == "monitor":
            self._monitor()
        elif command.startswith("flush"):
            self._flush()
        elif command == "get":
            self._get()
        else:
            self._change(command)

    def _show(self) -> None:
        families = [name for name in _route.FAMILIES if f"-{name}" in self.options.words] or list(_route.FAMILIES)
        if self.options.json:
            rows = {f: _route.table(self.k, f, with_neighbours=self.options.neighbours) for f in families}
            print_json(rows)
        else:
            _route.show(self.k, families, with_neighbours=self.options.neighbours)

    def _monitor(self) -> None:
        with _route.routing_socket(self.k) as fd:
            while True:
                print(_route.message(self.k.pub.route_recv(fd, 0) or rump.Rtmsg()), flush=True)

    def _flush(self) -> None:
        """Routes with a gateway, as route(8)."""
        families = [name for name in _route.FAMILIES if f"-{name}" in self.options.words] or list(_route.FAMILIES)
        with _route.routing_socket(self.k) as fd:
            for family in families:
                for route in self.k.pub.route_dump(_route.FAMILIES[family], rump.NET_RT_DUMP, 0):
                    if route.rtm_flags & rump.RTF_GATEWAY:
                        self.k.pub.route_send(fd, route._replace(rtm_type=rump.RTM_DELETE))
                        self._say(f"{_route.destination(route):<20} {_route.gateway(route):<20} done")

    def _get(self) -> None:
        with _route.routing_socket(self.k) as fd:
            found = self.k.pub.route_send(fd, self._message("get"))
        if self.options.json:
            print_json(_route.row(found))
            return
        print(f"   route to: {self.options.words[-1]}\ndestination: {_route.destination(found)}")
        if found.gateway is not None and found.rtm_flags & rump.RTF_GATEWAY:
            print(f"    gateway: {_route.gateway(found)}")
        if found.ifa is not None:
            print(f" local addr: {address(found.ifa)}")
        print(f"  interface: {found.ifname}\n      flags: <{_route.flags(found)}>")
        print(f"        mtu: {found.rmx_mtu}\n        use: {found.rtm_use}\n     expire: {found.rmx_expire}")

    def _change(self, command: str) -> None:
        message = self._message(command)
        with _route.routing_socket(self.k) as fd:
            self.k.pub.route_send(fd, message)
        kind = "host" if message.rtm_flags & rump.RTF_HOST else "net"
        gate = f": gateway {_route.gateway(message)}" if message.gateway is not None else ""
        self._say(f"{command} {kind} {_route.destination(message)}{gate}")

    def _say(self, text: str) -> None:
        if not self.options.quiet:
            print(text)

    # -- the words

    def _message(self, command: str) -> rump.Rtmsg:
        """UsageError, CommandError."""
        words = Words(self.k, list(self.options.words))
        words.read()
        return words.message(TYPES[command])


class Words:
    """What stands behind a command."""

    def __init__(self, k: rump.Client, words: list[str]) -> None:
        self.k = k
        self._left = words
        self._family = 0
        self._host: bool | None = None
        self._prefixlen: int | None = None
        self._names: list[str] = []
        self._by_interface = False
        self._ifp = ""
        self._fields: dict[str, Any] = {}
        self._flags = rump.RTF_UP | rump.RTF_STATIC

    def read(self) -> None:
        handlers: dict[str, Callable[[], None]] = {
            "-net": lambda: self._kind(host=False), "-host": lambda: self._kind(host=True),
            "-inet": lambda: self._of(socket.AF_INET), "-inet6": lambda: self._of(socket.AF_INET6),
            "-netmask": self._netmask, "-prefixlen": self._prefix, "-interface": self._interface,
            "-iface": self._interface, "-ifp": self._out_of, "-ifa": self._from,
            "-mtu": lambda: self._number("rmx_mtu"), "-expire": lambda: self._number("rmx_expire"),
        }  # fmt: skip
        while self._left:
            word = self._left.pop(0)
            if word in handlers:
                handlers[word]()
            elif word in ON:
                self._flags |= ON[word]
            elif word in OFF:
                self._flags &= ~OFF[word]
            elif word.startswith("-"):
                raise UsageError(f"{word}: not known")
            else:
                self._names.append(word)

    def message(self, kind: int) -> rump.Rtmsg:
        if not 1 <= len(self._names) <= 3:
            raise UsageError("a destination and, to add or change, a gateway")
        dst, prefixlen = self._destination(self._names[0])
        flags = self._flags
        bits = 32 if isinstance(dst, rump.SockaddrIn) else 128
        if len(self._names) == 3:
            prefixlen = prefix_of_mask(self._names[2])
        if prefixlen == bits:
            flags |= rump.RTF_HOST
        gateway = None
        if len(self._names) > 1 and self._by_interface:
            self._ifp = self._names[1]
        elif len(self._names) > 1:
            gateway = self._gateway(self._names[1])
            flags |= rump.RTF_GATEWAY
        return rump.Rtmsg(kind, flags, dst=dst, prefixlen=prefixlen, gateway=gateway, ifname=self._ifp, **self._fields)

    def _destination(self, word: str) -> tuple[Any, int]:
        text, _, bits = word.partition("/")
        if text == "default":
            v6 = self._family == socket.AF_INET6
            return (rump.SockaddrIn6(bytes(16)) if v6 else rump.SockaddrIn(bytes(4))), 0
        if bits and self._prefixlen is None:
            self._prefixlen = self._checked(bits, 128)
        if "." in text and text.count(".") < 3 and text.replace(".", "").isdecimal():
            text += ".0" * (3 - text.count("."))
        dst = parse_address(text, self._family, index=self._index)
        whole = 32 if isinstance(dst, rump.SockaddrIn) else 128
        if self._prefixlen is not None:
            return dst, self._prefixlen
        if self._host is False and whole == 32:
            first = dst.sin_addr[0]
            return dst, 8 if first < 128 else 16 if first < 192 else 24
        return dst, whole

    def _gateway(self, word: str) -> Any:
        if word.count(":") == 5 and "::" not in word and len(word) <= 17:
            return rump.SockaddrDl(sdl_addr=parse_lladdr(word))
        return parse_address(word, self._family, index=self._index)

    def _index(self, zone: str) -> int:
        with requests(self.k) as asks:
            return asks.number(rump.SIOCGIFINDEX, zone)

    def _next(self) -> str:
        if not self._left:
            raise UsageError("a value is missing at the end")
        return self._left.pop(0)

    def _checked(self, text: str, most: int) -> int:
        if not text.isdecimal() or int(text[:10]) > most:
            raise UsageError(f"{text}: not a number up to {most}")
        return int(text)

    def _kind(self, *, host: bool) -> None:
        self._host = host

    def _of(self, family: int) -> None:
        self._family = family

    def _netmask(self) -> None:
        self._prefixlen = prefix_of_mask(self._next())

    def _prefix(self) -> None:
        self._prefixlen = self._checked(self._next(), 128)

    def _interface(self) -> None:
        self._by_interface = True

    def _out_of(self) -> None:
        self._ifp = self._next()

    def _from(self) -> None:
        self._fields["ifa"] = parse_address(self._next(), index=self._index)

    def _number(self, name: str) -> None:
        self._fields[name] = self._checked(self._next(), 0x7FFFFFFF)

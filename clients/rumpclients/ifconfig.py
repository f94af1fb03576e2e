"""rump.ifconfig: interfaces (ifconfig(8))."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, run
from rumpclients._ifkinds import KindWords, lines
from rumpclients._net import (
    ADDRESS_FLAGS,
    Requests,
    address,
    flag_names,
    lladdr,
    parse_address,
    parse_lladdr,
    prefix_of_mask,
    requests,
)  # fmt: skip

PROG = "rump.ifconfig"
INFINITE = 0xFFFFFFFF
USAGE = """interface create|destroy
interface [inet|inet6] ADDRESS[/PREFIXLEN] [DESTINATION] [netmask M] [prefixlen N] [broadcast B] [alias|-alias]
          [anycast] [deprecated] [nodad] [vltime N] [pltime N] [eui64]
interface [up|down] [mtu N] [metric N] [linkstr NAME | -linkstr] [link ADDRESS active] [media auto] [[-]link0|1|2]
          [vlan TAG vlanif IF | -vlanif] [tunnel SRC DST | deletetunnel] [[-]laggport IF] [laggproto NAME]
          [addm IF | deletem IF] [maxaddr N] [timeout SECONDS] [flush]"""
COUNTERS = ("ipackets", "ibytes", "imcasts", "ierrors", "iqdrops", "noproto", "opackets", "obytes", "omcasts",
            "oerrors", "collisions")  # fmt: skip


def parser() -> Parser:
    p = Parser(
        PROG, "Shows and configures interfaces of the kernel that RUMP_SERVER names.", epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter, prefix_chars="-",
    )  # fmt: skip
    p.add_argument("-a", dest="all", action="store_true", help="all interfaces: what is shown without arguments")
    p.add_argument("-C", dest="cloners", action="store_true", help="the kinds of interfaces that can be created")
    p.add_argument("-L", dest="lifetimes", action="store_true", help="with the lifetimes of IPv6 addresses")
    p.add_argument("-b", dest="brief", action="store_true", help="with -l, interfaces that broadcast alone")
    p.add_argument("-d", dest="down", action="store_true", help="interfaces that are down alone")
    p.add_argument("-l", dest="names", action="store_true", help="their names alone")
    p.add_argument(
        "-s", dest="status", action="store_true", help="with one interface: exit status 1 when it has no carrier"
    )
    p.add_argument("-u", dest="up", action="store_true", help="interfaces that are up alone")
    p.add_argument("-v", dest="counters", action="store_true", help="with what they have counted")
    p.add_argument("-z", dest="zero", action="store_true", help="set what they have counted to 0")
    p.add_argument("--json", action="store_true", help="as JSON")
    p.add_argument("interface", nargs="?")
    p.add_argument("words", nargs=argparse.REMAINDER, metavar="...")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> int:
    with connect(PROG) as k, requests(k) as asks:
        if options.cloners:
            print(" ".join(asks.ask(rump.SIOCIFGCLONERS).cloners))
        elif options.words:
            Change(k, asks, options.interface).words(options.words)
        else:
            return Show(asks, options).run()
    return 0


class Show:
    """Prints interfaces."""

    def __init__(self, asks: Requests, options: argparse.Namespace) -> None:
        self.asks = asks
        self.options = options
        self.names: dict[int, str] = {}

    def run(self) -> int:
        options = self.options
        found = self.asks.ask(rump.SIOCGIFCONF).interfaces
        self.names = {i.ifindex: i.name for i in found}
        if options.interface:
            found = [i for i in found if i.name == options.interface]
            if not found:
                raise CommandError(f"interface {options.interface} does not exist")
        shown = [i for i in found if self._wanted(i)]
        if options.zero:
            for i in shown:
                self.asks.ask(rump.SIOCZIFDATA, rump.Ifreq(i.name))
        if options.names:
            print(" ".join(i.name for i in shown))
        elif options.status:
            return int(any(self._status(i) == "no carrier" for i in shown))
        elif options.json:
            print_json([self._row(i) for i in shown])
        else:
            for i in shown:
                self._print(i)
        return 0

    def _wanted(self, i: rump.Interface) -> bool:
        options = self.options
        up = bool(i.flags & rump.IFF_UP)
        return not (
            (options.up and not up)
            or (options.down and up)
            or (options.brief and options.names and not i.flags & rump.IFF_BROADCAST)
        )

    def _print(self, i: rump.Interface) -> None:
        print(f"{i.name}: flags={i.flags:#x}<{','.join(flag_names(i.flags))}> mtu {i.mtu}")
        for name, value in [*self._more(i).items(), *lines(self.asks, i.name)]:
            print(f"\t{name}: {value}")
        for a in i.addresses:
            print(f"\t{self._address(i, a)}")
        if self.options.counters:
            data = self.asks.ask(rump.SIOCGIFDATA, rump.Ifreq(i.name))
            print(f"\tinput: {data.ipackets} packets, {data.ibytes} bytes, {data.imcasts} multicasts, "
                  f"{data.ierrors} errors, {data.iqdrops} queue drops, {data.noproto} unknown protocol")  # fmt: skip
            print(f"\toutput: {data.opackets} packets, {data.obytes} bytes, {data.omcasts} multicasts, "
                  f"{data.oerrors} errors, {data.collisions} collisions")  # fmt: skip

    def _more(self, i: rump.Interface) -> dict[str, str]:
        more = {}
        linkstr = self._ask_text(rump.SIOCGLINKSTR, i.name)
        if linkstr:
            more["linkstr"] = linkstr
        if i.lladdr:
            more["address"] = lladdr(i.lladdr)
            more["status"] = self._status(i)
        return more

    def _ask_text(self, com: int, ifname: str) -> str:
        try:
            return str(self.asks.ask(com, rump.Ifreq(ifname)).ifr_text)
        except OSError:
            return ""

    def _status(self, i: rump.Interface) -> str:
        state = self.asks.ask(rump.SIOCGIFDATA, rump.Ifreq(i.name)).link_state
        return "no carrier" if state == rump.LINK_STATE_DOWN else "active"

    def _text(self, i: rump.Interface, name: Any) -> str:
        if isinstance(name, rump.SockaddrIn6) and name.sin6_scope_id:
            return f"{address(name, zone=False)}%{self.names.get(name.sin6_scope_id, i.name)}"
        return address(name)

    def _address(self, i: rump.Interface, a: rump.InterfaceAddress) -> str:
        v6 = isinstance(a.addr, rump.SockaddrIn6)
        words = ["inet6" if v6 else "inet"]
        if a.dstaddr:
            words += [self._text(i, a.addr), "->", self._text(i, a.dstaddr)]
        else:
            words.append(f"{self._text(i, a.addr)}/{a.prefixlen}")
        if a.broadaddr:
            words += ["broadcast", address(a.broadaddr)]
        names = flag_names(a.flags, ADDRESS_FLAGS)
        words.append(f"flags {a.flags:#x}" + (f"<{','.join(names)}>" if names else ""))
        if isinstance(a.addr, rump.SockaddrIn6) and a.addr.sin6_scope_id:
            words.append(f"scopeid {a.addr.sin6_scope_id:#x}")
        if self.options.lifetimes and v6:
            words += [f"pltime {a.pltime or 'infty'}", f"vltime {a.vltime or 'infty'}"]
        return " ".join(words)

    def _row(self, i: rump.Interface) -> dict[str, Any]:
        row: dict[str, Any] = {
            "name": i.name,
            "index": i.ifindex,
            "flags": flag_names(i.flags),
            "mtu": i.mtu,
            **self._more(i),
        }
        row["addresses"] = [
            {"address": self._text(i, a.addr), "prefixlen": a.prefixlen, "broadcast": address(a.broadaddr),
             "flags": flag_names(a.flags, ADDRESS_FLAGS)}
            for a in i.addresses
        ]  # fmt: skip
        if self.options.counters:
            data = self.asks.ask(rump.SIOCGIFDATA, rump.Ifreq(i.name))
            row["counters"] = {name: getattr(data, name) for name in COUNTERS}
        return row


class Change:
    """Does what the words behind an interface say, from left to right; the address comes last of all."""

    def __init__(self, k: rump.Client, asks: Requests, ifname: str) -> None:
        self.k = k
        self.asks = asks
        self.ifname = ifname
        self._left: list[str] = []
        self._address: Any = None
        self._prefixlen: int | None = None
        self._delete = self._alias = self._eui64 = False
        self._extra: dict[str, Any] = {}
        self._lladdr: bytes | None = None

    def words(self, words: list[str]) -> None:
        self._left = list(words)
        handlers = self._handlers()
        while self._left:
            word = self._left.pop(0)
            handler = handlers.get(word)
            if handler is not None:
                handler()
            elif word[:1] == "-":
                raise UsageError(f"{word}: not known")
            elif self._address is None:
                self._set_address(word)
            else:
                self._extra["ifra_dstaddr"] = self._parse(word)
        self._finish()

    def _handlers(self) -> dict[str, Callable[[], None]]:
        flags = {f"link{n}": (rump.IFF_LINK0 << n, True) for n in range(3)}
        flags |= {f"-link{n}": (rump.IFF_LINK0 << n, False) for n in range(3)}
        flags |= {"up": (rump.IFF_UP, True), "down": (rump.IFF_UP, False), "debug": (rump.IFF_DEBUG, True),
                  "-debug": (rump.IFF_DEBUG, False), "promisc": (rump.IFF_PROMISC, True),
                  "-promisc": (rump.IFF_PROMISC, False), "arp": (rump.IFF_NOARP, False),
                  "-arp": (rump.IFF_NOARP, True)}  # fmt: skip
        marks = {"anycast": rump.IN6_IFF_ANYCAST, "deprecated": rump.IN6_IFF_DEPRECATED, "nodad": rump.IN6_IFF_NODAD}
        found: dict[str, Callable[[], None]] = {
            "create": self._create, "destroy": self._destroy, "inet": self._nothing, "inet6": self._nothing,
            "netmask": self._netmask, "prefixlen": self._prefix, "broadcast": self._broadcast, "alias": self._as_alias,
            "-alias": self._as_delete, "delete": self._as_delete, "vltime": lambda: self._lifetime("ifra_vltime"),
            "pltime": lambda: self._lifetime("ifra_pltime"), "eui64": self._as_eui64,
            "mtu": lambda: self._number(rump.SIOCSIFMTU),
            "metric": lambda: self._number(rump.SIOCSIFMETRIC), "linkstr": lambda: self._linkstr(self._next("linkstr")),
            "-linkstr": lambda: self._linkstr(""), "link": self._link, "active": self._nothing, "media": self._media,
        }  # fmt: skip
        found |= KindWords(self.asks, self.ifname, self._next, self._parse).handlers()
        for name, (flag, on) in flags.items():
            found[name] = lambda flag=flag, on=on: self._flag(flag, on=on)  # type: ignore[misc]
        for name, mark in marks.items():
            found[name] = lambda mark=mark: self._mark(mark)  # type: ignore[misc]
        return found

    def _next(self, what: str) -> str:
        if not self._left:
            raise UsageError(f"{what}: a value is missing")
        return self._left.pop(0)

    def _nothing(self) -> None: ...

    def _create(self) -> None:
        self.k.pub.netconfig_ifcreate(self.ifname)

    def _destroy(self) -> None:
        self.k.pub.netconfig_ifdestroy(self.ifname)

    # -- the interface

    def _flag(self, flag: int, *, on: bool) -> None:
        flags = self.asks.number(rump.SIOCGIFFLAGS, self.ifname)
        wanted = flags | flag if on else flags & ~flag
        self.asks.ask(rump.SIOCSIFFLAGS, rump.Ifreq(self.ifname, ifr_value=wanted))

    def _number(self, com: int) -> None:
        text = self._next("mtu, metric")
        if not text.isdecimal():
            raise UsageError(f"{text}: not a number")
        self.asks.ask(com, rump.Ifreq(self.ifname, ifr_value=int(text)))

    def _linkstr(self, name: str) -> None:
        self.k.pub.netconfig_ifsetlinkstr(self.ifname, name)

    def _link(self) -> None:
        self._lladdr = parse_lladdr(self._next("link"))

    def _media(self) -> None:
        if self._next("media") not in ("auto", "autoselect", "none"):
            raise CommandError("media: there is auto")
        self.asks.ask(rump.SIOCSIFMEDIA, rump.Ifreq(self.ifname, ifr_value=rump.IFM_ETHER | rump.IFM_AUTO))

    # -- the address

    def _parse(self, text: str) -> Any:
        return parse_address(text, index=lambda zone: self.asks.number(rump.SIOCGIFINDEX, zone))

    def _set_address(self, word: str) -> None:
        text, _, bits = word.partition("/")
        self._address = self._parse(text)
        if bits:
            self._prefixlen = self._bits(bits)

    def _bits(self, text: str) -> int:
        if not text.isdecimal() or int(text[:4]) > 128:
            raise UsageError(f"{text}: not the length of a prefix")
        return int(text)

    def _netmask(self) -> None:
        self._prefixlen = prefix_of_mask(self._next("netmask"))

    def _prefix(self) -> None:
        self._prefixlen = self._bits(self._next("prefixlen"))

    def _broadcast(self) -> None:
        self._extra["ifra_broadaddr"] = self._parse(self._next("broadcast"))

    def _as_alias(self) -> None:
        self._alias = True

    def _as_delete(self) -> None:
        self._delete = True

    def _as_eui64(self) -> None:
        self._eui64 = True

    def _mark(self, flag: int) -> None:
        self._extra["ifra_flags"] = self._extra.get("ifra_flags", 0) | flag

    def _lifetime(self, name: str) -> None:
        text = self._next(name)
        if text != "infty" and not text.isdecimal():
            raise UsageError(f"{text}: seconds, or infty")
        self._extra[name] = INFINITE if text == "infty" else int(text)

    def _finish(self) -> None:
        if self._lladdr is not None:
            name = rump.SockaddrDl(0, 0, self.ifname, self._lladdr)
            com = rump.SIOCDLIFADDR if self._delete else rump.SIOCALIFADDR
            self.asks.ask(com, rump.Ifreq(self.ifname, name))
        elif self._address is not None:
            self._change_address()
        elif self._delete or self._prefixlen is not None or self._extra:
            raise UsageError("no address given")

    def _change_address(self) -> None:
        """Without ``alias`` an IPv4 address takes the place of the first one."""
        v6 = isinstance(self._address, rump.SockaddrIn6)
        if self._delete:
            self.asks.ask(rump.SIOCDIFADDR_IN6 if v6 else rump.SIOCDIFADDR, rump.Ifreq(self.ifname, self._address))
            return
        if not v6 and not self._alias:
            self._remove_first()
        name = self._with_eui64() if self._eui64 else self._address
        wanted = self._prefixlen if self._prefixlen is not None else 64 if v6 else _class_prefix(name.sin_addr)
        self.asks.ask(
            rump.SIOCAIFADDR_IN6 if v6 else rump.SIOCAIFADDR, rump.Ifaliasreq(self.ifname, name, wanted, **self._extra)
        )

    def _remove_first(self) -> None:
        for i in self.asks.ask(rump.SIOCGIFCONF).interfaces:
            first = [a.addr for a in i.addresses if isinstance(a.addr, rump.SockaddrIn)][:1]
            if i.name == self.ifname and first and first[0].sin_addr != self._address.sin_addr:
                self.asks.ask(rump.SIOCDIFADDR, rump.Ifreq(self.ifname, first[0]))

    def _with_eui64(self) -> Any:
        """The lower half comes from the link-level address (RFC 4291, appendix A)."""
        own = next(i for i in self.asks.ask(rump.SIOCGIFCONF).interfaces if i.name == self.ifname).lladdr
        if not isinstance(self._address, rump.SockaddrIn6) or len(own) != 6:
            raise CommandError("eui64 is for IPv6 addresses of Ethernets")
        half = bytes((own[0] ^ 2, own[1], own[2], 0xFF, 0xFE, own[3], own[4], own[5]))
        return self._address._replace(sin6_addr=self._address.sin6_addr[:8] + half)


def _class_prefix(addr: bytes) -> int:
    return 8 if addr[0] < 128 else 16 if addr[0] < 192 else 24


if __name__ == "__main__":
    sys.exit(main())

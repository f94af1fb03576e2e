"""Configuration files of the packet filter (npf.conf(5)), read into the structures of the contract.

A file is a list of statements, one to a line: variables, tables, parameters, maps, procedures, groups with their
rules. ``#`` begins a comment, ``\\`` at the end of a line joins the next one. Names of services, protocols and ICMP
types are those of this machine and of npf.conf(5).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import rump
from rumpclients._command import CommandError

TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\\\r?\n|\#[^\n]*) | (?P<newline>\n) | "(?P<string>[^"\n]*)" | <(?P<table>\w[\w.-]*)>
    | \$(?P<variable>\w+) | (?P<arrow><->|->|<-) | (?P<word>[\w.:](?:[\w.:/%]|-(?!>))*) | (?P<sign>[{}(),=!;/-])""",
    re.VERBOSE,
)
ICMP_TYPES = {"echoreply": 0, "unreach": 3, "squench": 4, "redirect": 5, "echo": 8, "echoreq": 8, "routeradv": 9,
              "routersol": 10, "timex": 11, "paramprob": 12, "timestamp": 13, "timestampreply": 14}  # fmt: skip
ICMP6_TYPES = {"unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echo": 128, "echoreq": 128, "echoreply": 129,
               "routersol": 133, "routeradv": 134, "neighborsol": 135, "neighboradv": 136, "redirect": 137}  # fmt: skip
TCP_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128}
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmp6": 58}
VERSIONS = {"inet4": 4, "inet6": 6, "inet": 4}
INTERFACE_ADDRESSES = {"inet4": 4, "inet6": 6, "ifaddrs": 0}
ARROWS = {"->": "out", "<-": "in", "<->": "both"}
ANY = "any"


class Token(NamedTuple):
    kind: str
    text: str
    line: int


Value = list[Token | rump.NpfAddress]
"""What a variable stands for."""


def parse(text: str, name: str = "npf.conf") -> rump.NpfConfig:
    """What a file says. CommandError, with the line."""
    return Parser(tokens(text, name), name).config()


def parse_rule(text: str) -> rump.NpfRule:
    """One rule, for a dynamic group. CommandError."""
    parser = Parser(tokens(text + "\n", "rule"), "rule")
    rule = parser.rule()
    parser.end()
    return rule


def address(text: str) -> rump.NpfAddress:
    """A host or a network. CommandError."""
    try:
        found = ipaddress.ip_interface(text)
    except ValueError as error:
        raise CommandError(f"{text}: not an address or a network") from error
    return rump.NpfAddress(found.ip.packed, found.network.prefixlen)


def tokens(text: str, name: str) -> list[Token]:
    """CommandError for what is none."""
    found, at, line = [], 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise CommandError(f"{name}:{line}: {text[at : at + 16].split()[0]}: not understood")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match[kind], line))
        line += match[0].count("\n")
        at = match.end()
    return [*found, Token("newline", "", line), Token("end", "", line)]


class Parser:
    """Goes through the tokens once, from left to right."""

    def __init__(self, found: list[Token], name: str) -> None:
        self._tokens = found
        self._name = name
        self._at = 0
        self._variables: dict[str, Value] = {}
        self._tables: list[rump.NpfTable] = []
        self._procedures: list[rump.NpfProcedure] = []
        self._maps: list[rump.NpfMap] = []
        self._groups: list[rump.NpfGroup] = []
        self._default: rump.NpfGroup | None = None
        self._params: dict[str, str] = {}

    def config(self) -> rump.NpfConfig:
        statements: dict[str, Callable[[], None]] = {
            "table": self._table, "set": self._set, "alg": self._alg, "map": self._map, "procedure": self._procedure,
            "group": self._group,
        }  # fmt: skip
        while self._peek().kind != "end":
            token = self._next()
            if token.kind == "variable":
                self._variable(token.text)
            elif token.kind == "word" and token.text in statements:
                statements[token.text]()
            elif token.kind != "newline" and token.text != ";":
                raise self._error(token, "a statement begins with $name =, table, set, alg, map, procedure or group")
        groups = [*self._groups, *([self._default] if self._default else [])]
        return rump.NpfConfig(self._tables, self._procedures, self._maps, groups, self._params)

    # -- tokens

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _take(self, *texts: str) -> str:
        """The next token if it is one of these, else nothing."""
        token = self._peek()
        if token.kind in ("word", "sign", "arrow") and token.text in texts:
            self._at += 1
            return token.text
        return ""

    def _need(self, *texts: str) -> str:
        found = self._take(*texts)
        if not found:
            raise self._error(self._peek(), f"expected {' or '.join(texts)}")
        return found

    def _lines(self) -> None:
        """Steps over ends of lines."""
        while self._peek().kind == "newline" or self._peek().text == ";":
            self._at += 1

    def end(self) -> None:
        """A statement ends here."""
        token = self._peek()
        if token.kind not in ("newline", "end") and token.text not in ("}", ";"):
            raise self._error(token, "not expected here")

    def _text(self) -> str:
        """A name: a word, a string, or a variable that is one."""
        token = self._next()
        if token.kind == "variable":
            values = self._lookup(token)
            if len(values) == 1 and isinstance(values[0], Token):
                return values[0].text
            raise self._error(token, "stands for more than one name")
        if token.kind not in ("word", "string"):
            raise self._error(token, "expected a name")
        return token.text

    def _number(self, most: int = 0xFFFFFFFF) -> int:
        token = self._peek()
        text = self._text()
        if not text.isdecimal() or int(text[:11]) > most:
            raise self._error(token, f"expected a number up to {most}")
        return int(text)

    def _error(self, token: Token, what: str) -> CommandError:
        text = token.text or "end of line"
        return CommandError(f"{self._name}:{token.line}: {text}: {what}")

    # -- variables

    def _variable(self, name: str) -> None:
        self._need("=")
        self._variables[name] = self._values()
        self.end()

    def _lookup(self, token: Token) -> Value:
        if token.text not in self._variables:
            raise self._error(token, "a variable that was not set before")
        return self._variables[token.text]

    def _values(self) -> Value:
        """One value, or several in braces; variables are replaced by what they stand for."""
        if not self._take("{"):
            return self._value()
        found: Value = []
        self._lines()
        while not self._take("}"):
            found += self._value()
            self._lines()
            if not self._take(","):
                self._lines()
                self._need("}")
                break
            self._lines()
        return found

    def _value(self) -> Value:
        token = self._next()
        if token.kind == "variable":
            return self._lookup(token)
        if token.kind not in ("word", "string", "table"):
            raise self._error(token, "expected a value")
        if token.text in INTERFACE_ADDRESSES and self._take("("):
            ifname = self._text()
            self._need(")")
            return [rump.NpfAddress(ifname=ifname, version=INTERFACE_ADDRESSES[token.text])]
        if self._take("/"):
            token = token._replace(text=f"{token.text}/{self._text()}")
        return [token]

    # -- statements without rules

    def _table(self) -> None:
        token = self._next()
        if token.kind != "table":
            raise self._error(token, "expected a table's name: <name>")
        self._need("type")
        kind = self._need("ipset", "lpm", "const", "hash", "tree")
        kind = {"hash": "ipset", "tree": "lpm"}.get(kind, kind)
        entries: list[rump.NpfAddress] = []
        if self._take("file"):
            entries = self._table_file()
        elif not self._take("dynamic") and self._peek().text == "{":
            entries = [self._network(value) for value in self._values()]
        self.end()
        self._tables.append(rump.NpfTable(token.text, kind, entries))

    def _table_file(self) -> list[rump.NpfAddress]:
        token = self._peek()
        try:
            lines = Path(self._text()).read_text().splitlines()
        except OSError as error:
            raise self._error(token, str(error.strerror)) from error
        return [address(line) for line in (line.split("#")[0].strip() for line in lines) if line]

    def _network(self, value: Token | rump.NpfAddress) -> rump.NpfAddress:
        return address(value.text) if isinstance(value, Token) else value

    def _set(self) -> None:
        name = self._text()
        value = self._text()
        self.end()
        if name != "bpf.jit":  # how rules are run is the kernel's own business
            self._params[name] = value

    def _alg(self) -> None:
        """What is said of ICMP errors is always done; others are not there."""
        token = self._peek()
        if self._text() != "icmp":
            raise self._error(token, "there is one application-level gateway: icmp")
        self.end()

    def _procedure(self) -> None:
        procedure = rump.NpfProcedure(self._text())
        self._need("{")
        self._lines()
        while not self._take("}"):
            token = self._next()
            word = token.text.rstrip(":")
            if word == "log":
                procedure = procedure._replace(log_ifname=self._text())
            elif word == "normalize":
                procedure = self._normalize(procedure)
            else:
                raise self._error(token, "expected log: interface, or normalize: options")
            self._lines()
        self._procedures.append(procedure)

    def _normalize(self, procedure: rump.NpfProcedure) -> rump.NpfProcedure:
        while True:
            option = self._strings("random-id", "min-ttl", "max-mss", "no-df")
            if option == "random-id":
                procedure = procedure._replace(random_id=True)
            elif option == "no-df":
                procedure = procedure._replace(no_df=True)
            elif option == "min-ttl":
                procedure = procedure._replace(min_ttl=self._number(255))
            else:
                procedure = procedure._replace(max_mss=self._number(65535))
            if not self._take(","):
                return procedure

    def _strings(self, *known: str) -> str:
        """An option, with or without quotes."""
        token = self._next()
        if token.text not in known:
            raise self._error(token, f"expected {', '.join(known)}")
        return token.text

    # -- maps

    def _map(self) -> None:
        ifname = self._text()
        static = self._need("static", "dynamic") == "static"
        algorithm = self._need("netmap", "npt66", "none") if self._take("algo") else ""
        protocols = self._protocols()
        ports_stay = self._take("no-ports")
        left, left_ports = self._segment()
        token = self._next()
        if token.kind != "arrow":
            raise self._error(token, "expected ->, <- or <->")
        right, right_ports = self._segment()
        if ports_stay and not static:
            raise self._error(token, "no-ports is for static maps")
        direction = ARROWS[token.text]
        wanted = rump.NpfFilter(protocols=protocols)
        if self._take("pass"):
            wanted = self._filter(wanted)
        self.end()
        inwards = direction == "in"
        translation, ports = (left, left_ports) if inwards else (right, right_ports)
        match = self._end_of(right if inwards else left, right_ports if inwards else left_ports)
        if len(translation) != 1:
            raise self._error(token, "translates to one address or network")
        if inwards:
            wanted = wanted._replace(destination=wanted.destination or match)
        else:
            wanted = wanted._replace(source=wanted.source or match)
        self._maps.append(
            rump.NpfMap(0, ifname, direction, static, "" if algorithm == "none" else algorithm, wanted, translation[0],
                        ports[0] if ports else None)
        )  # fmt: skip

    def _segment(self) -> tuple[list[rump.NpfAddress], list[rump.NpfPorts]]:
        return self._addresses(), self._ports()

    @staticmethod
    def _end_of(addresses: list[rump.NpfAddress], ports: list[rump.NpfPorts]) -> rump.NpfEnd | None:
        return rump.NpfEnd(addresses, False, ports) if addresses or ports else None

    # -- groups and rules

    def _group(self) -> None:
        token = self._peek()
        default = bool(self._take("default"))
        group = rump.NpfGroup("" if default else self._text())
        while not self._take("{"):
            option = self._need("on", "in", "out")
            group = group._replace(ifname=self._text()) if option == "on" else group._replace(direction=option)
        groups = self._rules(group)
        if not default:
            self._groups += groups
        elif self._default is not None:
            raise self._error(token, "there is one default group")
        else:
            self._groups += groups[:-1]
            self._default = groups[-1]

    def _rules(self, group: rump.NpfGroup) -> list[rump.NpfGroup]:
        """A ruleset is a group of its own: what stands before and behind it are groups as well."""
        groups: list[rump.NpfGroup] = []
        rules: list[rump.NpfRule] = []
        self._lines()
        while not self._take("}"):
            if self._take("ruleset"):
                if rules:
                    groups.append(group._replace(rules=rules))
                groups.append(group._replace(name=self._text(), dynamic=True, rules=[]))
                rules = []
            else:
                rules.append(self.rule())
            self.end()
            self._lines()
        return [*groups, group._replace(rules=rules)] if rules or not groups or not group.name else groups

    def rule(self) -> rump.NpfRule:
        """One rule. CommandError."""
        permit = self._need("pass", "block") == "pass"
        answers = {"return": "any", "return-rst": "rst", "return-icmp": "icmp"}
        stateful = {"stateful": "interface", "stateful-all": "all", "stateful-ends": "interface"}
        rule = rump.NpfRule(permit=permit)
        if not permit:
            rule = rule._replace(answer=answers.get(self._take(*answers), ""))
        rule = rule._replace(stateful=stateful.get(self._take(*stateful), "") if permit else "")
        rule = rule._replace(direction=self._take("in", "out"))
        rule = rule._replace(final=bool(self._take("final")))
        if self._take("on"):
            rule = rule._replace(ifname=self._text())
        rule = rule._replace(filter=self._filter(rump.NpfFilter()))
        if self._take("apply"):
            rule = rule._replace(procedure=self._text())
        return rule

    def _filter(self, found: rump.NpfFilter) -> rump.NpfFilter:
        if self._take("family"):
            found = found._replace(version=VERSIONS[self._need(*VERSIONS)])
        protocols = self._protocols()
        found = found._replace(protocols=protocols or found.protocols)
        if self._take("flags"):
            flags, mask = self._flags()
            found = found._replace(tcp_flags=flags, tcp_mask=mask)
        if self._take("icmp-type"):
            found = self._icmp(found)
        if self._take("all"):
            return found
        source = self._end() if self._take("from") else None
        destination = self._end() if self._take("to") else None
        return found._replace(source=source, destination=destination)

    def _protocols(self) -> list[int]:
        if not self._take("proto"):
            return []
        return [self._protocol(value) for value in self._values()]

    def _protocol(self, value: Token | rump.NpfAddress) -> int:
        if not isinstance(value, Token):
            raise CommandError(f"{self._name}: an address is no protocol")
        if value.text.isdecimal() and int(value.text[:4]) < 256:
            return int(value.text)
        try:
            return PROTOCOLS.get(value.text) or socket.getprotobyname(value.text)
        except OSError as error:
            raise self._error(value, "a protocol that is not known") from error

    def _flags(self) -> tuple[int, int]:
        """``S/SAFR``; without a mask all flags count."""
        token = self._next()
        flags, _, mask = token.text.partition("/")
        if not flags or set(flags + mask) - set(TCP_FLAGS):
            raise self._error(token, f"flags of TCP are {''.join(TCP_FLAGS)}")
        return sum(TCP_FLAGS[f] for f in set(flags)), sum(TCP_FLAGS[f] for f in set(mask)) or 0xFF

    def _icmp(self, found: rump.NpfFilter) -> rump.NpfFilter:
        token = self._next()
        known = ICMP6_TYPES if 58 in found.protocols else ICMP_TYPES
        if not (token.text.isdecimal() or token.text in known):
            raise self._error(token, f"a number, or one of {', '.join(known)}")
        kind = known[token.text] if token.text in known else int(token.text)
        code = self._number(255) if self._take("code") else None
        return found._replace(icmp_type=kind, icmp_code=code)

    def _end(self) -> rump.NpfEnd:
        negate = bool(self._take("!"))
        addresses = [] if self._peek().text == "port" else self._addresses()
        return rump.NpfEnd(addresses, negate, self._ports())

    def _addresses(self) -> list[rump.NpfAddress]:
        """No addresses are any."""
        if self._take(ANY):
            return []
        return [self._address(value) for value in self._values()]

    def _address(self, value: Token | rump.NpfAddress) -> rump.NpfAddress:
        if not isinstance(value, Token):
            return value
        if value.kind == "table":
            return rump.NpfAddress(table=value.text)
        if value.text[0].isdigit() or ":" in value.text:
            try:
                return address(value.text)
            except CommandError as error:
                raise self._error(value, "not an address or a network") from error
        return rump.NpfAddress(ifname=value.text)

    def _ports(self) -> list[rump.NpfPorts]:
        if not self._take("port"):
            return []
        found: list[rump.NpfPorts] = []
        values = self._values()
        last = self._values() if self._take("-") else []
        for value in values:
            if not isinstance(value, Token):
                raise CommandError(f"{self._name}: an address is no port")
            found.append(self._port_range(value))
        if last and isinstance(last[0], Token):
            return [rump.NpfPorts(found[0].first, self._port(last[0], last[0].text))]
        return found

    def _port_range(self, value: Token) -> rump.NpfPorts:
        first, dash, last = value.text.partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            return rump.NpfPorts(self._port(value, first), self._port(value, last))
        port = self._port(value, value.text)
        return rump.NpfPorts(port, port)

    def _port(self, token: Token, text: str) -> int:
        if text.isdecimal() and int(text[:6]) <= 0xFFFF:
            return int(text)
        try:
            return socket.getservbyname(text)
        except OSError as error:
            raise self._error(token, "a port is a number up to 65535, or the name of a service") from error

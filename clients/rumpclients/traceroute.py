"""rump.traceroute: the routers on the way to a host, seen from the kernel's network (traceroute(8))."""

from __future__ import annotations

import argparse
import os
import socket
import struct
import time
from collections.abc import Sequence

import rump
from rumpclients import _icmp
from rumpclients._command import Parser, UsageError, connect, run

PROG = "rump.traceroute"
BASE_PORT = 33434
UDP = 17
MARKS = {0: "!N", 1: "!H", 2: "!P", 4: "!F", 13: "!X"}
MARKS6 = {0: "!N", 1: "!X", 3: "!H"}


def parser() -> Parser:
    p = Parser(PROG, "Prints the routers between the kernel that RUMP_SERVER names and a host.")
    p.add_argument("-6", dest="v6", action="store_true", help="over IPv6")
    p.add_argument("-f", dest="first", type=int, default=1, metavar="HOPS", help="begin so far away (1)")
    p.add_argument("-I", dest="icmp", action="store_true", help="send echo requests instead of datagrams")
    p.add_argument("-m", dest="most", type=int, default=30, metavar="HOPS", help="go so far (30)")
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument("-p", dest="port", type=int, default=BASE_PORT, help=f"first port of the datagrams ({BASE_PORT})")
    p.add_argument("-q", dest="queries", type=int, default=3, metavar="COUNT", help="probes for each hop (3)")
    p.add_argument("-s", dest="source", default="", metavar="ADDRESS", help="the address to send from")
    p.add_argument(
        "-w", dest="wait", type=float, default=5.0, metavar="SECONDS", help="how long to wait for an answer (5)"
    )
    p.add_argument("host")
    p.add_argument("size", nargs="?", type=int, default=40, help="bytes of a probe with its headers (40)")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> int:
    if not (1 <= options.first <= options.most <= 255 and options.queries > 0 and 28 <= options.size <= 65000):
        raise UsageError("1 <= -f <= -m <= 255, -q at least 1, 28 to 65000 bytes")
    with connect(PROG) as k, _icmp.raw_socket(k, v6=options.v6) as raw:
        return Trace(k, raw, options).run()


class Trace:
    """One call of the program."""

    def __init__(self, k: rump.Client, raw: rump.Socket, options: argparse.Namespace) -> None:
        self.raw = raw
        self.options = options
        self.v6: bool = options.v6
        self.target = _icmp.address(options.host, v6=self.v6)
        self.ident = os.getpid() & 0xFFFF
        self.number = 0
        family = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.out = raw if options.icmp else k.socket(family, socket.SOCK_DGRAM)
        if options.source:
            self.out.bind((options.source, 0))
        self.sport = 0

    def run(self) -> int:
        options = self.options
        print(f"traceroute to {options.host} ({self.target}), {options.most} hops max, {options.size} byte packets")
        for hops in range(options.first, options.most + 1):
            if self._hop(hops):
                return 0
        return 1

    def _hop(self, hops: int) -> bool:
        """One line. True when the host itself, or nobody behind here, can answer."""
        print(f"{hops:2d}", end="", flush=True)
        self._limit(hops)
        last, done = "", False
        for _ in range(self.options.queries):
            began = time.monotonic()
            answer = self._probe(began + self.options.wait)
            if answer is None:
                print("  *", end="", flush=True)
                continue
            if answer.source != last:
                print(f"  {answer.source}", end="")
                last = answer.source
            mark, ends = self._meaning(answer)
            done = done or ends
            print(f"  {(time.monotonic() - began) * 1000:.3f} ms{' ' + mark if mark else ''}", end="", flush=True)
        print()
        return done

    def _limit(self, hops: int) -> None:
        if self.v6:
            self.out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        else:
            self.out.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)

    def _probe(self, end: float) -> _icmp.Received | None:
        self.number += 1
        headers = (40 if self.v6 else 20) + 8
        payload = bytes(max(0, self.options.size - headers))
        if self.options.icmp:
            self.out.sendto(_icmp.echo(self.ident, self.number, payload, v6=self.v6), (self.target, 0))
        else:
            self.out.sendto(payload, (self.target, self._port()))
            self.sport = self.out.getsockname()[1]
        while (left := end - time.monotonic()) > 0:
            self.raw.settimeout(left)
            try:
                data, name = self.raw.recvfrom(65535)
            except TimeoutError:
                return None
            message = _icmp.parse(bytes(data), str(name[0]), v6=self.v6)
            if message is not None and self._ours(message):
                return message
        return None

    def _port(self) -> int:
        return (self.options.port + self.number - 1) & 0xFFFF or BASE_PORT

    def _ours(self, message: _icmp.Received) -> bool:
        """Whether it is about the probe that was sent last."""
        if message.type == (_icmp.ECHO_REPLY6 if self.v6 else _icmp.ECHO_REPLY):
            return self.options.icmp and (message.ident, message.seq) == (self.ident, self.number & 0xFFFF)
        protocol, transport = message.quoted
        if len(transport) < 8:
            return False
        if protocol == UDP and not self.options.icmp:
            return struct.unpack_from("!HH", transport) == (self.sport, self._port())
        return self.options.icmp and struct.unpack_from("!HH", transport, 4) == (self.ident, self.number & 0xFFFF)

    def _meaning(self, message: _icmp.Received) -> tuple[str, bool]:
        """The mark behind the time, and whether the way ends here."""
        if message.type == (_icmp.TIME_EXCEEDED6 if self.v6 else _icmp.TIME_EXCEEDED):
            return "", False
        unreachable = _icmp.UNREACHABLE6 if self.v6 else _icmp.UNREACHABLE
        port = 4 if self.v6 else 3
        if message.type != unreachable or message.code == port:
            return "", True
        return (MARKS6 if self.v6 else MARKS).get(message.code, f"!<{message.code}>"), True

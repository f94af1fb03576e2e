"""rump.ping and rump.ping6: echo requests from the kernel's network (ping(8), ping6(8))."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import rump
from rumpclients import _icmp
from rumpclients._command import Parser, UsageError, connect, reason, run

STAMP = struct.Struct("!d")
MAX_PAYLOAD = 65507
FLOOD_S = 0.01
LAST_WAIT_S = 10


def parser(prog: str) -> Parser:
    p = Parser(prog, "Sends echo requests through the network of the kernel that RUMP_SERVER names.")
    p.add_argument("-c", dest="count", type=int, default=0, metavar="COUNT", help="end after so many answers")
    p.add_argument("-f", dest="flood", action="store_true", help="as quick as answers come, or 100 times a second")
    p.add_argument("-i", dest="wait", type=float, default=1.0, metavar="SECONDS", help="time between requests (1)")
    p.add_argument("-n", action="store_true", help="addresses instead of names: always done")
    p.add_argument("-o", dest="once", action="store_true", help="end with the first answer")
    p.add_argument("-p", dest="pattern", default="", metavar="HEX", help="what to fill the requests with")
    p.add_argument("-q", dest="quiet", action="store_true", help="print the summary alone")
    p.add_argument("-s", dest="size", type=int, default=56, metavar="BYTES", help="data in a request (56)")
    p.add_argument("-S", "-I", dest="source", default="", metavar="ADDRESS", help="the address to send from")
    p.add_argument("-t", "-T", "-m", dest="ttl", type=int, default=0, metavar="HOPS", help="time to live, or hop limit")
    p.add_argument("-w", dest="deadline", type=float, default=0, metavar="SECONDS", help="end after this time")
    p.add_argument("-v", dest="verbose", action="store_true", help="print other messages of ICMP too")
    p.add_argument("-6", dest="v6", action="store_true", default=prog.endswith("6"), help="over IPv6")
    p.add_argument("host")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    return _run("rump.ping", argv)


def main6(argv: Sequence[str] | None = None) -> int:
    return _run("rump.ping6", argv)


def _run(prog: str, argv: Sequence[str] | None) -> int:
    p = parser(prog)
    return run(prog, lambda: _ping(prog, p.parse_args(argv)))


def _ping(prog: str, options: argparse.Namespace) -> int:
    """The exit status of ping(8): 0 when there was an answer."""
    if not 0 <= options.size <= MAX_PAYLOAD or options.wait < 0 or not 0 <= options.ttl <= 255:
        raise UsageError(f"-s is 0 to {MAX_PAYLOAD}, -i at least 0, -T at most 255")
    try:
        pattern = bytes.fromhex(options.pattern)
    except ValueError as error:
        raise UsageError(f"-p {options.pattern}: not hexadecimal") from error
    with connect(prog) as k, _icmp.raw_socket(k, v6=options.v6) as so:
        return Ping(so, options, pattern).run()


@dataclass
class Ping:
    """One call of the program."""

    so: rump.Socket
    options: argparse.Namespace
    pattern: bytes
    sent: int = 0
    duplicates: int = 0
    seen: set[int] = field(default_factory=set)
    times_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = self.options
        self.v6: bool = options.v6
        self.target = _icmp.address(options.host, v6=self.v6)
        self.ident = os.getpid() & 0xFFFF
        self.received = 0
        size = options.size
        fill = self.pattern or bytes(range(256))
        self.fill = (fill * (size // len(fill) + 1))[:size]
        if options.source:
            self.so.bind((options.source, 0))
        if options.ttl and self.v6:
            self.so.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, options.ttl)
        elif options.ttl:
            self.so.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, options.ttl)

    def run(self) -> int:
        options = self.options
        print(f"PING {options.host} ({self.target}): {options.size} data bytes", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            self._loop()
        self._summary()
        return 0 if self.received else 1

    def _loop(self) -> None:
        options = self.options
        wait = FLOOD_S if options.flood else options.wait
        end = time.monotonic() + options.deadline if options.deadline else math.inf
        while not (options.count and self.sent >= options.count):
            self._send()
            if self._receive_until(min(time.monotonic() + wait, end), early=options.flood) or time.monotonic() >= end:
                return
        slowest = max(self.times_ms, default=0) / 1000 * 2
        last = max(slowest, 1) if self.received else LAST_WAIT_S
        self._receive_until(min(time.monotonic() + last, end), early=True)

    def _send(self) -> None:
        stamp = STAMP.pack(time.monotonic())
        payload = stamp + self.fill[STAMP.size :] if self.options.size >= STAMP.size else self.fill
        message = _icmp.echo(self.ident, self.sent & 0xFFFF, payload, v6=self.v6)
        try:
            self.so.sendto(message, (self.target, 0))
        except OSError as error:
            print(f"ping: sendto: {reason(error)}", file=sys.stderr)
        self.sent += 1

    def _receive_until(self, end: float, *, early: bool) -> bool:
        """Takes answers in until then; True when enough have come. ``early`` returns when all are answered."""
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.so.settimeout(left)
            try:
                data, name = self.so.recvfrom(65535 + 60)
            except TimeoutError:
                return False
            self._take(bytes(data), str(name[0]))
            options = self.options
            if self.received and (options.once or self.received == options.count):
                return True
            if early and self.received + self.duplicates >= self.sent:
                return False

    def _take(self, data: bytes, source: str) -> None:
        message = _icmp.parse(data, source, v6=self.v6)
        if message is None:
            return
        reply = _icmp.ECHO_REPLY6 if self.v6 else _icmp.ECHO_REPLY
        if message.type == reply and message.ident == self.ident:
            self._answer(message, len(data) - (0 if self.v6 else 20))
        elif self.options.verbose and message.type not in (_icmp.ECHO, _icmp.ECHO6):
            print(f"{source}: icmp type {message.type} code {message.code}")
        elif message.type in (_icmp.UNREACHABLE6, _icmp.TIME_EXCEEDED6, _icmp.UNREACHABLE, _icmp.TIME_EXCEEDED):
            self._error(message)

    def _answer(self, message: _icmp.Received, length: int) -> None:
        elapsed = -1.0
        if len(message.payload) >= STAMP.size:
            elapsed = (time.monotonic() - STAMP.unpack_from(message.payload)[0]) * 1000
        duplicate = message.seq in self.seen
        self.seen.add(message.seq)
        if duplicate:
            self.duplicates += 1
        else:
            self.received += 1
            if elapsed >= 0:
                self.times_ms.append(elapsed)
        if self.options.quiet or self.options.flood:
            return
        hops = f" {'hlim' if self.v6 else 'ttl'}={message.ttl}" if message.ttl >= 0 else ""
        took = f" time={elapsed:.3f} ms" if elapsed >= 0 else ""
        dup = " (DUP!)" if duplicate else ""
        print(f"{length} bytes from {message.source}: icmp_seq={message.seq}{hops}{took}{dup}", flush=True)

    def _error(self, message: _icmp.Received) -> None:
        """An error about one of our requests."""
        protocol, transport = message.quoted
        if protocol not in (1, 58) or len(transport) < _icmp.HEADER.size:
            return
        _, _, _, ident, seq = _icmp.HEADER.unpack_from(transport)
        if ident == self.ident and not self.options.quiet:
            print(f"{message.source}: {text(message, v6=self.v6)} for icmp_seq={seq}", flush=True)

    def _summary(self) -> None:
        lost = 100 * (self.sent - self.received) / self.sent if self.sent else 0.0
        more = f", +{self.duplicates} duplicates" if self.duplicates else ""
        print(f"\n----{self.options.host} PING Statistics----")
        print(f"{self.sent} packets transmitted, {self.received} packets received{more}, {lost:.1f}% packet loss")
        if self.times_ms:
            mean = sum(self.times_ms) / len(self.times_ms)
            spread = math.sqrt(sum((t - mean) ** 2 for t in self.times_ms) / len(self.times_ms))
            low, high = min(self.times_ms), max(self.times_ms)
            print(f"round-trip min/avg/max/stddev = {low:.3f}/{mean:.3f}/{high:.3f}/{spread:.3f} ms")


def text(message: _icmp.Received, *, v6: bool) -> str:
    """What an error says."""
    if message.type == (_icmp.TIME_EXCEEDED6 if v6 else _icmp.TIME_EXCEEDED):
        return "Time to live exceeded" if not v6 else "Hop limit exceeded"
    if v6:
        codes = {
            0: "No route to destination",
            1: "Administratively prohibited",
            3: "Address unreachable",
            4: "Port unreachable",
        }
    else:
        codes = {0: "Net unreachable", 1: "Host unreachable", 2: "Protocol unreachable", 3: "Port unreachable",
                 4: "Fragmentation needed", 13: "Administratively prohibited"}  # fmt: skip
    return f"Destination unreachable: {codes.get(message.code, f'code {message.code}')}"

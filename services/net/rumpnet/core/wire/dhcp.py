"""DHCP (RFC 2131), options by RFC 2132, 3442 (classless routes) and 4361 (client identifiers are taken as they are)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from rumpnet.core.wire import Malformed

# Offsets: op 0, htype 1, hlen 2, hops 3, xid 4, secs 8, flags 10, ciaddr 12, yiaddr 16, siaddr 20, giaddr 24,
# chaddr 28 (16 bytes), sname 44, file 108, magic cookie 236, options 240.
HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
HEADER_LEN = HEADER.size
MIN_LEN = 300
"""Relays and old servers want messages of this size."""
COOKIE = bytes((99, 130, 83, 99))
REQUEST, REPLY = 1, 2
ETHERNET = 1
BROADCAST_FLAG = 0x8000
SERVER_PORT, CLIENT_PORT = 67, 68

DISCOVER, OFFER, REQUEST_LEASE, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

PAD, MASK, ROUTERS, DNS, HOSTNAME, DOMAIN, MTU, BROADCAST = 0, 1, 3, 6, 12, 15, 26, 28
REQUESTED, LEASE_TIME, OVERLOAD, TYPE, SERVER_ID, PARAMETERS, MESSAGE, MAX_SIZE = 50, 51, 52, 53, 54, 55, 56, 57
RENEWAL_TIME, REBINDING_TIME, CLIENT_ID, CLASSLESS_ROUTES, END = 58, 59, 61, 121, 255
NO_ADDR = b"\0\0\0\0"


@dataclass(slots=True)
class Dhcp:
    """A message. Options by their number; those that came in several pieces are joined (RFC 3396)."""

    op: int
    xid: int
    chaddr: bytes
    options: dict[int, bytes] = field(default_factory=dict)
    ciaddr: bytes = NO_ADDR
    yiaddr: bytes = NO_ADDR
    siaddr: bytes = NO_ADDR
    giaddr: bytes = NO_ADDR
    secs: int = 0
    flags: int = 0

    @classmethod
    def parse(cls, data: bytes | memoryview) -> Dhcp:
        """Malformed."""
        if len(data) < HEADER_LEN:
            raise Malformed(f"{len(data)} bytes are no DHCP message")
        op, htype, hlen, _, xid, secs, flags, ci, yi, si, gi, chaddr, sname, file, cookie = HEADER.unpack_from(data)
        if op not in (REQUEST, REPLY) or htype != ETHERNET or hlen != 6 or cookie != COOKIE:
            raise Malformed("not a DHCP message of an Ethernet")
        options: dict[int, bytes] = {}
        _options(bytes(data[HEADER_LEN:]), options)
        overload = options.pop(OVERLOAD, b"\0")[:1]
        if overload in (b"\1", b"\3"):
            _options(file, options)
        if overload in (b"\2", b"\3"):
            _options(sname, options)
        if len(options.get(TYPE, b"")) != 1:
            raise Malformed("a message without a type (BOOTP)")
        return cls(op, xid, chaddr[:6], options, ci, yi, si, gi, secs, flags)

    def emit(self) -> bytes:
        head = HEADER.pack(
            self.op, ETHERNET, 6, 0, self.xid, self.secs, self.flags, self.ciaddr, self.yiaddr, self.siaddr,
            self.giaddr, self.chaddr, b"", b"", COOKIE,
        )  # fmt: skip
        # The type first: some look for it there.
        numbers = [TYPE, *(n for n in self.options if n != TYPE)]
        body = b"".join(_piece(number, self.options[number]) for number in numbers) + bytes((END,))
        return (head + body).ljust(MIN_LEN, b"\0")

    @property
    def type(self) -> int:
        return self.options[TYPE][0]

    @property
    def client(self) -> bytes:
        """Who asks: the client identifier if there is one, else the link-level address."""
        return self.options.get(CLIENT_ID) or self.chaddr

    def address(self, number: int) -> bytes:
        """The first address of an option, 0.0.0.0 when there is none."""
        value = self.options.get(number, b"")
        return value[:4] if len(value) >= 4 else NO_ADDR

    def seconds(self, number: int, default: int) -> int:
        value = self.options.get(number, b"")
        return int.from_bytes(value, "big") if len(value) == 4 else default


def _options(data: bytes, found: dict[int, bytes]) -> None:
    """Malformed for options that are cut off."""
    at = 0
    while at < len(data) and data[at] != END:
        number = data[at]
        if number == PAD:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Malformed("an option that is cut off")
        found[number] = found.get(number, b"") + data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def _piece(number: int, value: bytes) -> bytes:
    pieces = [value[at : at + 255] for at in range(0, len(value), 255)] or [b""]
    return b"".join(bytes((number, len(piece))) + piece for piece in pieces)


def classless_routes(value: bytes) -> list[tuple[bytes, int, bytes]]:
    """Destination, prefix length, router (RFC 3442). Malformed."""
    routes, at = [], 0
    while at < len(value):
        bits = value[at]
        size = (bits + 7) // 8
        if bits > 32 or at + 5 + size > len(value):
            raise Malformed("a classless route that is cut off")
        routes.append((value[at + 1 : at + 1 + size].ljust(4, b"\0"), bits, value[at + 1 + size : at + 5 + size]))
        at += 5 + size
    return routes

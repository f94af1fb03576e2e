"""Messages of ICMP (RFC 792) and ICMPv6 (RFC 4443), for ping and traceroute."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import NamedTuple

import rump
from rumpclients._command import CommandError

HEADER = struct.Struct("!BBHHH")
ECHO, ECHO_REPLY, ECHO6, ECHO_REPLY6 = 8, 0, 128, 129
UNREACHABLE, TIME_EXCEEDED, UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6 = 3, 11, 1, 2, 3
IPV6_LEN = 40


class Received(NamedTuple):
    """A message. ``ttl`` is -1 where it is not known."""

    source: str
    ttl: int
    type: int
    code: int
    ident: int
    seq: int
    payload: bytes

    @property
    def quoted(self) -> tuple[int, bytes]:
        """Protocol and transport header of the packet that an error is about; (-1, nothing) when it is cut off."""
        if len(self.payload) >= 20 and self.payload[0] >> 4 == 4:
            return self.payload[9], self.payload[(self.payload[0] & 0xF) * 4 :]
        if len(self.payload) >= IPV6_LEN and self.payload[0] >> 4 == 6:
            return self.payload[6], self.payload[IPV6_LEN:]
        return -1, b""


def checksum(data: bytes) -> int:
    """RFC 1071."""
    words: tuple[int, ...] = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) & 1))
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(ident: int, seq: int, payload: bytes, *, v6: bool) -> bytes:
    """A request. The kernel fills the checksum of ICMPv6 in."""
    if v6:
        return HEADER.pack(ECHO6, 0, 0, ident, seq) + payload
    bare = HEADER.pack(ECHO, 0, 0, ident, seq) + payload
    return HEADER.pack(ECHO, 0, checksum(bare), ident, seq) + payload


def parse(data: bytes, source: str, *, v6: bool) -> Received | None:
    """A packet of a raw socket: with its IPv4 header, without its IPv6 header. None for what is too short."""
    ttl, begin = -1, 0
    if not v6:
        if len(data) < 20:
            return None
        ttl, begin = data[8], (data[0] & 0xF) * 4
    if len(data) < begin + HEADER.size:
        return None
    kind, code, _, ident, seq = HEADER.unpack_from(data, begin)
    return Received(source, ttl, kind, code, ident, seq, data[begin + HEADER.size :])


def raw_socket(k: rump.Client, *, v6: bool) -> rump.Socket:
    """A raw socket of ICMP. The kernel's privileges count."""
    if v6:
        return k.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    return k.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def address(name: str, *, v6: bool) -> str:
    """The address of a host; names are looked up by this machine. CommandError."""
    bare = name.partition("%")[0]
    try:
        if ipaddress.ip_address(bare).version == (6 if v6 else 4):
            return name
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(name, None, socket.AF_INET6 if v6 else socket.AF_INET)[0][4][0])
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error

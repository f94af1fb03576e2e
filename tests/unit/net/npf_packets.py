"""Packets for the tests of the filter, built field by field from the RFCs."""

from __future__ import annotations

import ipaddress
import struct

from rumpnet.core.packet import Packet
from rumpnet.core.wire.checksum import checksum, ones_sum

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
FIN, SYN, RST, ACK = 1, 2, 4, 16


def ip(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def internet(
    src: str, dst: str, protocol: int, transport: bytes, *, ttl: int = 64, ident: int = 7, flags: int = 0
) -> bytes:
    """An IPv4 or IPv6 packet around what is given."""
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28, len(transport), protocol, ttl) + ip(src) + ip(dst) + transport
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), ident, flags, ttl, protocol, 0, ip(src), ip(dst))
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + transport


def pseudo(src: str, dst: str, protocol: int, length: int) -> bytes:
    return ip(src) + ip(dst) + struct.pack("!II", protocol, length)


def tcp(src: str, sport: int, dst: str, dport: int, flags: int, seq: int = 0, ack: int = 0, data: bytes = b"",
        window: int = 65535, options: bytes = b"") -> bytes:  # fmt: skip
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 + len(options) // 4 << 4, flags, window, 0, 0) + options
    value = checksum(pseudo(src, dst, TCP, len(head) + len(data)), head + data)
    return internet(src, dst, TCP, head[:16] + value.to_bytes(2, "big") + head[18:] + data)


def udp(src: str, sport: int, dst: str, dport: int, data: bytes = b"x", *, summed: bool = True) -> bytes:
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    value = (checksum(pseudo(src, dst, UDP, 8 + len(data)), head + data) or 0xFFFF) if summed else 0
    return internet(src, dst, UDP, head[:6] + value.to_bytes(2, "big") + data)


def icmp(src: str, dst: str, kind: int, code: int, rest: int, data: bytes = b"") -> bytes:
    """A message of ICMP, or of ICMPv6 when the addresses are."""
    head = struct.pack("!BBHI", kind, code, 0, rest)
    six = ":" in src
    cover = (pseudo(src, dst, ICMP6, 8 + len(data)),) if six else ()
    value = checksum(*cover, head + data)
    return internet(src, dst, ICMP6 if six else ICMP, head[:2] + value.to_bytes(2, "big") + head[4:] + data)


def whole(packet: Packet) -> bytes:
    return b"".join(packet.parts)


def intact(data: bytes) -> bool:
    """Whether the checksums of the packet, and of the headers that it quotes, are right."""
    if data[0] >> 4 == 6:
        return _transport(data[8:40], data[6], data[40:])
    if ones_sum(data[:20]) != 0xFFFF:
        return False
    if data[9] == ICMP:
        quoted = data[28:]
        return ones_sum(data[20:]) == 0xFFFF and (data[20] not in (3, 11) or ones_sum(quoted[:20]) == 0xFFFF)
    return _transport(data[12:20], data[9], data[20:])


def _transport(addresses: bytes, protocol: int, payload: bytes) -> bool:
    if protocol == UDP and payload[6:8] == b"\0\0":
        return True
    return ones_sum(addresses, struct.pack("!II", protocol, len(payload)), payload) == 0xFFFF

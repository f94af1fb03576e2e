"""A packet in one short line, for machines without tcpdump."""

from __future__ import annotations

import ipaddress
import time

_PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMP6"}
_WITH_PORTS = (6, 17)


def describe(sec: int, usec: int, data: bytes, length: int) -> str:
    """``12:00:00.000001 IP 10.0.0.1.53 > 10.0.0.2.1024: UDP, length 98``; also of what is cut short."""
    stamp = time.strftime("%H:%M:%S", time.localtime(sec))
    return f"{stamp}.{usec:06} {_text(data)}, length {length}"


def _text(data: bytes) -> str:
    if len(data) < 14:
        return "short"
    ethertype, inner = int.from_bytes(data[12:14], "big"), data[14:]
    if data[4] >> 4 in (4, 6) and data[1:4] == b"\0\0\0":  # the loopback: a family, then the packet
        ethertype, inner = 0x0800 if data[4] >> 4 == 4 else 0x86DD, data[4:]
    tag = ""
    while ethertype == 0x8100 and len(inner) >= 4:
        tag += f"vlan {int.from_bytes(inner[:2], 'big') & 0xFFF}, "
        ethertype, inner = int.from_bytes(inner[2:4], "big"), inner[4:]
    if ethertype == 0x0800 and len(inner) >= 20:
        return tag + "IP " + _ip(inner[12:16], inner[16:20], inner[9], inner[(inner[0] & 15) * 4 :])
    if ethertype == 0x86DD and len(inner) >= 40:
        return tag + "IP6 " + _ip(inner[8:24], inner[24:40], inner[6], inner[40:])
    if ethertype == 0x0806 and len(inner) >= 28:
        who, what = ipaddress.ip_address(inner[14:18]), ipaddress.ip_address(inner[24:28])
        return tag + (f"ARP, Request who-has {what} tell {who}" if inner[7] == 1 else f"ARP, Reply {who}")
    return f"{tag}{data[6:12].hex(':')} > {data[:6].hex(':')}, ethertype {ethertype:#06x}"


def _ip(src: bytes, dst: bytes, protocol: int, upper: bytes) -> str:
    ends = [str(ipaddress.ip_address(addr)) for addr in (src, dst)]
    if protocol in _WITH_PORTS and len(upper) >= 4:
        ends = [f"{end}.{int.from_bytes(upper[i : i + 2], 'big')}" for end, i in zip(ends, (0, 2), strict=True)]
    return f"{ends[0]} > {ends[1]}: {_PROTOCOLS.get(protocol, f'protocol {protocol}')}"

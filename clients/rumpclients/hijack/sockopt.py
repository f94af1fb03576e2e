"""Options of sockets: Linux's numbers and structures, and the kernel's names and values.

An option that is in none of these tables is ENOPROTOOPT.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any

import rump

TCP, IP, IPV6, SOCKET = socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6, socket.SOL_SOCKET

NATIVE = {
    (SOCKET, number) for number in (7, 8, 16, 18, 19, 20, 21, 26, 27, 32, 33, 42, 50, 66, 67)
}  # fmt: skip
"""Buffers, times, low-water marks, filters: of the pair, where the program reads and writes."""

_SILENT = {
    (SOCKET, 12), (SOCKET, 46), (SOCKET, 49), (SOCKET, 69), (SOCKET, 70),  # PRIORITY, BUSY_POLL, INCOMING_CPU, ...
    (IP, 10), (IP, 11), (IP, 24),  # MTU_DISCOVER, RECVERR, BIND_ADDRESS_NO_PORT
    (IPV6, 23), (IPV6, 25),  # MTU_DISCOVER, RECVERR
    (TCP, 7), (TCP, 8), (TCP, 9), (TCP, 10), (TCP, 12),  # SYNCNT, LINGER2, DEFER_ACCEPT, WINDOW_CLAMP, QUICKACK
}  # fmt: skip
_NETLINK = 270


def silent(level: int, name: int) -> bool:
    """Whether it is advice, which is taken and has no effect. Reading it gives 0."""
    return level == _NETLINK or (level, name) in _SILENT


_KERNEL = {
    (SOCKET, 1): "SO_DEBUG", (SOCKET, 2): "SO_REUSEADDR", (SOCKET, 5): "SO_DONTROUTE", (SOCKET, 6): "SO_BROADCAST",
    (SOCKET, 9): "SO_KEEPALIVE", (SOCKET, 10): "SO_OOBINLINE", (SOCKET, 13): "SO_LINGER", (SOCKET, 15): "SO_REUSEPORT",
    (TCP, 1): "TCP_NODELAY", (TCP, 2): "TCP_MAXSEG", (TCP, 3): "TCP_NOPUSH", (TCP, 4): "TCP_KEEPIDLE",
    (TCP, 5): "TCP_KEEPINTVL", (TCP, 6): "TCP_KEEPCNT", (TCP, 11): "TCP_INFO", (TCP, 13): "TCP_CONGCTL",
    (TCP, 18): "TCP_USER_TIMEOUT", (TCP, 23): "TCP_FASTOPEN", (TCP, 25): "TCP_NOTSENT_LOWAT",
    (IP, 1): "IP_TOS", (IP, 2): "IP_TTL", (IP, 3): "IP_HDRINCL", (IP, 32): "IP_MULTICAST_IF",
    (IP, 33): "IP_MULTICAST_TTL", (IP, 34): "IP_MULTICAST_LOOP", (IP, 35): "IP_ADD_MEMBERSHIP",
    (IP, 36): "IP_DROP_MEMBERSHIP",
    (IPV6, 16): "IPV6_UNICAST_HOPS", (IPV6, 17): "IPV6_MULTICAST_IF", (IPV6, 18): "IPV6_MULTICAST_HOPS",
    (IPV6, 19): "IPV6_MULTICAST_LOOP", (IPV6, 20): "IPV6_JOIN_GROUP", (IPV6, 21): "IPV6_LEAVE_GROUP",
    (IPV6, 26): "IPV6_V6ONLY", (IPV6, 67): "IPV6_TCLASS",
}  # fmt: skip
_TEXTS = {(TCP, 13)}
_GROUPS = {(IP, 35), (IP, 36), (IPV6, 20), (IPV6, 21)}


def kernel_number(level: int, name: int) -> int:
    """The number by which `rump` knows an option. ENOPROTOOPT."""
    known = _KERNEL.get((level, name))
    if known is None:
        raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
    return int(getattr(rump, known))


def value_of(level: int, name: int, data: bytes) -> Any:
    """The bytes that a program has given, as a value. EINVAL."""
    if (level, name) in _GROUPS:
        return _group(level, data)
    if (level, name) in _TEXTS:
        return data.partition(b"\0")[0]
    if (level, name) == (IP, 32):
        return _multicast_interface(data)
    if len(data) in (1, 2, 3) and level in (IP, IPV6) and data:
        return data[0]
    if len(data) < 4:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return rump.sockopt_value(level, name, data if len(data) in (8, 16) else data[:4])


def _group(level: int, data: bytes) -> rump.Mreq:
    """ip_mreq, ip_mreqn, ipv6_mreq."""
    if level == IPV6 and len(data) >= 20:
        return rump.Mreq(data[:16], b"", struct.unpack_from("I", data, 16)[0])
    if level == IP and len(data) >= 8:
        index = struct.unpack_from("i", data, 8)[0] if len(data) >= 12 else 0
        return rump.Mreq(data[:4], b"" if index or not any(data[4:8]) else data[4:8], index)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _multicast_interface(data: bytes) -> Any:
    """in_addr, ip_mreq, ip_mreqn: by address."""
    if len(data) >= 8:
        data = data[4:8]
    if len(data) < 4:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return data[:4]


def bytes_of(level: int, name: int, value: Any) -> bytes:
    """A value as a program wants to read it."""
    data: bytes = rump.sockopt_bytes(value)
    return data.ljust(16, b"\0") if (level, name) in _TEXTS else data

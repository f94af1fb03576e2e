"""Options of IPv4 (RFC 791, 3.1): recorded routes, timestamps; source routes are refused (RFC 7126)."""

from __future__ import annotations

from rumpnet.core.wire import ipv4
from rumpwire.errno import Errno, KernelError

POINTER_MIN = 4
DAY_MS = 86_400_000


class Refused(Exception):  # noqa: N818  a finding about a packet, not an accident
    """An option that keeps the packet from going on. ``at`` is where it stands in the header; -1: a source route."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def process(options: bytearray, addr: bytes, now_ms: int) -> bool:
    """Writes us into the options that record. Whether any was changed. Refused."""
    at, changed = 0, False
    while at < len(options) and options[at] != ipv4.END_OF_OPTIONS:
        if options[at] == ipv4.NO_OPERATION:
            at += 1
            continue
        if at + 1 >= len(options) or not 2 <= options[at + 1] <= len(options) - at:
            raise Refused(ipv4.HEADER_LEN + at + (at + 1 < len(options)))
        kind, length = options[at], options[at + 1]
        if kind in (ipv4.LOOSE_SOURCE_ROUTE, ipv4.STRICT_SOURCE_ROUTE):
            raise Refused(-1)
        if kind == ipv4.RECORD_ROUTE:
            changed |= _record(options, at, length, addr)
        elif kind == ipv4.TIMESTAMP:
            changed |= _timestamp(options, at, length, addr, now_ms)
        at += length
    return changed


def _record(options: bytearray, at: int, length: int, addr: bytes) -> bool:
    pointer = options[at + 2] if length > 2 else 0
    if pointer < POINTER_MIN:
        raise Refused(ipv4.HEADER_LEN + at + 2)
    if pointer + 3 > length:
        return False
    options[at + pointer - 1 : at + pointer + 3] = addr
    options[at + 2] += 4
    return True


def _timestamp(options: bytearray, at: int, length: int, addr: bytes, now_ms: int) -> bool:
    pointer = options[at + 2] if length > 3 else 0
    if pointer < POINTER_MIN + 1:
        raise Refused(ipv4.HEADER_LEN + at + 2)
    flag = options[at + 3] & 0xF
    size = 4 if flag == 0 else 8
    if pointer + 3 > length:
        if options[at + 3] >> 4 == 0xF:
            raise Refused(ipv4.HEADER_LEN + at + 3)
        options[at + 3] += 0x10
        return True
    if pointer - 1 + size > length:
        raise Refused(ipv4.HEADER_LEN + at + 2)
    begin = at + pointer - 1
    if flag == 3 and options[begin : begin + 4] != addr:
        return False
    stamp = (now_ms % DAY_MS).to_bytes(4, "big")
    options[begin : begin + size] = stamp if flag == 0 else addr + stamp
    options[at + 2] += size
    return True


def check(options: bytes) -> bytes:
    """What a program may have sent with its packets, padded to whole words. EINVAL."""
    if len(options) > 40:
        raise KernelError(Errno.EINVAL, f"{len(options)} bytes of options; 40 is the most")
    padded = options + bytes(-len(options) % 4)
    try:
        process(bytearray(padded), b"\0\0\0\0", 0)
    except Refused as refused:
        raise KernelError(Errno.EINVAL, "malformed options, or a source route") from refused
    return padded

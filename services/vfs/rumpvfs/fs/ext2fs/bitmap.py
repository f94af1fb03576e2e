"""Bits in the order of the disk: set, cleared and searched for in runs, never one by one."""

from __future__ import annotations

import re

_USED = re.compile(rb"[^\x00]")
_FREE = re.compile(rb"[^\xff]")


def fill(bits: bytearray, start: int, count: int, *, value: bool) -> None:
    """Sets or clears ``count`` bits from ``start`` on."""
    end = start + count
    first, last = start >> 3, (end - 1) >> 3
    head = 0xFF << (start & 7) & 0xFF
    tail = 0xFF >> (7 - (end - 1 & 7))
    if first == last:
        head &= tail
        tail = head
    if value:
        bits[first] |= head
        bits[last] |= tail
        if last > first + 1:
            bits[first + 1 : last] = b"\xff" * (last - first - 1)
    else:
        bits[first] &= ~head
        bits[last] &= ~tail
        if last > first + 1:
            bits[first + 1 : last] = bytes(last - first - 1)


def ones(bits: bytes | bytearray | memoryview) -> int:
    return int.from_bytes(bits, "little").bit_count()


def all_set(bits: bytearray, start: int, count: int) -> bool:
    """Whether ``count`` bits from ``start`` on are all set."""
    if count == 1:
        return bool(bits[start >> 3] >> (start & 7) & 1)
    first, last = start >> 3, (start + count - 1) >> 3
    word = int.from_bytes(bits[first : last + 1], "little") >> (start & 7)
    mask = (1 << count) - 1
    return word & mask == mask


def first_clear(bits: bytearray, start: int) -> int:
    """The first clear bit from ``start`` on, -1 when there is none."""
    byte = start >> 3
    if byte >= len(bits):
        return -1
    free = ~bits[byte] & 0xFF & 0xFF << (start & 7)
    if not free:
        found = _FREE.search(bits, byte + 1)
        if found is None:
            return -1
        byte = found.start()
        free = ~bits[byte] & 0xFF
    return byte * 8 + (free & -free).bit_length() - 1


def clear_run(bits: bytearray, start: int, wanted: int) -> int:
    """How many bits from ``start`` on are clear, at most ``wanted``."""
    byte, shift = start >> 3, start & 7
    used = bits[byte] >> shift
    if used:
        return min((used & -used).bit_length() - 1, wanted)
    end = min((start + wanted + 7) >> 3, len(bits))
    found = _USED.search(bits, byte + 1, end)
    if found is None:
        return min(end * 8 - start, wanted)
    byte = found.start()
    used = bits[byte]
    return min(byte * 8 + (used & -used).bit_length() - 1 - start, wanted)


def find_run(bits: bytearray, goal: int, wanted: int) -> tuple[int, int]:
    """(start, length) of clear bits, best at ``goal``, best ``wanted`` long; length 0 when all are set."""
    if goal >> 3 < len(bits) and not bits[goal >> 3] >> (goal & 7) & 1:
        length = clear_run(bits, goal, wanted)
        if length == wanted or length >= 64:
            return goal, length
    size = min(wanted >> 3, len(bits))
    while size:
        zeros = bytes(size)
        at = bits.find(zeros, goal >> 3)
        if at < 0:
            at = bits.find(zeros)
        if at >= 0:
            return at * 8, clear_run(bits, at * 8, wanted)
        size >>= 2
    start = first_clear(bits, goal)
    if start < 0:
        start = first_clear(bits, 0)
    return (start, clear_run(bits, start, wanted)) if start >= 0 else (0, 0)

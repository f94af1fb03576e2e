"""Entries of directories: 32 bytes each. A file is a set of them: file, stream, then its name, 15 characters each.

File: type, number of entries behind it, checksum of the set (2), attributes (2), 2, creation, change and access (date
and time, 4 each), the 10 ms of the first two, offsets from UTC of the three in quarters of an hour (bit 7: known).
Stream: type, flags, 0, length of the name, hash of the name (2), 2, bytes that were written (8), 4, first cluster (4),
size (8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from rumpvfs.fs.msdosfs import times

SLOT = 32
END = 0
IN_USE = 0x80
BITMAP, UPCASE, LABEL, FILE, STREAM, NAME = 0x81, 0x82, 0x83, 0x85, 0xC0, 0xC1
READONLY, DIRECTORY, ARCHIVE = 0x01, 0x10, 0x20
ALLOCATED, CONTIGUOUS = 1, 2
"""Flags of a stream: it may have clusters, and they are adjacent: the FAT says nothing about them."""
PART = 15
NAME_MAX = 255

ATTRIBUTES, CREATED, CHANGED, ACCESSED = 4, 8, 12, 16
CREATED_UNITS, CHANGED_UNITS = 20, 21
CREATED_ZONE, CHANGED_ZONE, ACCESSED_ZONE = 22, 23, 24
FLAGS, LENGTH, HASH, VALID, FIRST, SIZE = 33, 35, 36, 40, 52, 56
_KNOWN = 0x80
_QUARTER = 900


def rotate_add(raw: bytes | bytearray, *, skip: bool = False) -> int:
    """The 16-bit checksum of a set (``skip``: without its own place), and the hash of a name."""
    total = 0
    if skip:
        for byte in raw[:2]:
            total = (total << 15 | total >> 1) + byte & 0xFFFF
        raw = raw[4:]
    for byte in raw:
        total = (total << 15 | total >> 1) + byte & 0xFFFF
    return total


def name_hash(folded: str) -> int:
    return rotate_add(folded.encode("utf-16-le", "surrogatepass"))


def sealed(raw: bytearray) -> bytearray:
    """The set with its checksum."""
    raw[2:4] = rotate_add(raw, skip=True).to_bytes(2, "little")
    return raw


def is_sound(raw: bytes) -> bool:
    return int.from_bytes(raw[2:4], "little") == rotate_add(raw, skip=True)


def name_of(raw: bytes) -> str | None:
    """The name in a whole set; None when its entries do not make one that a path could hold."""
    length = raw[LENGTH]
    parts = -(-length // PART)
    if not length or len(raw) < (2 + parts) * SLOT:
        return None
    if any(raw[at] != NAME for at in range(2 * SLOT, (2 + parts) * SLOT, SLOT)):
        return None
    units = b"".join(raw[at + 2 : at + SLOT] for at in range(2 * SLOT, (2 + parts) * SLOT, SLOT))
    text = units[: 2 * length].decode("utf-16-le", "surrogatepass")
    return None if "/" in text or "\0" in text or text in (".", "..") else text


def extents(raw: bytes) -> Iterator[tuple[int, int, bool]]:
    """Of all sets of a directory that have clusters: the first one, the size, and whether they are adjacent."""
    for at in range(0, len(raw) - SLOT, SLOT):
        if raw[at] == END:
            return
        if raw[at] == FILE and raw[at + SLOT] == STREAM:
            first, size = struct.unpack_from("<IQ", raw, at + FIRST)
            if first and size:
                yield first, size, bool(raw[at + FLAGS] & CONTIGUOUS)


def slots_for(text: str) -> int:
    """How many entries a set with a name has."""
    return 2 + -(-len(text.encode("utf-16-le", "surrogatepass")) // (2 * PART))


def with_name(raw: bytes | bytearray, text: str, folded: str) -> bytearray:
    """File and stream of a set with another name behind them, not yet sealed."""
    units = text.encode("utf-16-le", "surrogatepass")
    parts = -(-len(units) // (2 * PART))
    units = units.ljust(parts * 2 * PART, b"\0")
    made = bytearray(raw[: 2 * SLOT])
    made[1] = 1 + parts
    made[LENGTH] = len(text.encode("utf-16-le", "surrogatepass")) // 2
    struct.pack_into("<H", made, HASH, name_hash(folded))
    for part in range(parts):
        made += bytes((NAME, 0)) + units[part * 2 * PART : (part + 1) * 2 * PART]
    return made


def new(attributes: int, ns: int) -> bytearray:
    """File and stream of something that is born now."""
    made = bytearray(2 * SLOT)
    made[0], made[SLOT] = FILE, STREAM
    struct.pack_into("<H", made, ATTRIBUTES, attributes)
    made[FLAGS] = ALLOCATED
    for at in (CREATED, CHANGED, ACCESSED):
        set_time(made, at, ns)
    return made


_UNITS = {CREATED: CREATED_UNITS, CHANGED: CHANGED_UNITS}
_ZONES = {CREATED: CREATED_ZONE, CHANGED: CHANGED_ZONE, ACCESSED: ACCESSED_ZONE}


def set_time(raw: bytearray, at: int, ns: int) -> None:
    """In UTC."""
    date, time, units = times.to_dos(ns, 0)
    struct.pack_into("<HH", raw, at, time, date)
    raw[_ZONES[at]] = _KNOWN
    if at in _UNITS:
        raw[_UNITS[at]] = units


def get_time(raw: bytes | bytearray, at: int, gmtoff: int) -> int:
    """Nanoseconds since 1970; ``gmtoff`` is for times that do not tell their offset from UTC."""
    time, date = struct.unpack_from("<HH", raw, at)
    zone = raw[_ZONES[at]]
    if zone & _KNOWN:
        quarters = zone & 0x7F
        gmtoff = (quarters - 128 if quarters & 0x40 else quarters) * _QUARTER
    return times.from_dos(date, time, raw[_UNITS[at]] if at in _UNITS else 0, gmtoff)

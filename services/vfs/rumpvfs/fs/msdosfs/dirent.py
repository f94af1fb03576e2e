"""Entries of directories: slots of 32 bytes. A file has a short entry; before it comes, last part first, a long name.

Short entry: name (11), attributes, flags, creation time in 10 ms (1), time (2), date (2), access date (2), first
cluster's upper half (2), time and date of the last change (2, 2), lower half (2), size (4).
Part of a long name: number (0x40 marks the last), 5 characters, attributes 0x0f, 0, checksum of the short name,
6 characters, 0 (2), 2 characters.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import names
from .bpb import SLOT

FREE, END = 0xE5, 0x00
READONLY, HIDDEN, SYSTEM, LABEL, DIRECTORY, ARCHIVE = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
LONG = 0x0F
_KIND = 0x3F
_LAST = 0x40
_PART = 13
"""Characters of a part."""
PARTS_MAX = 20
SLOTS_MAX = 65536
"""Slots of a directory: 2 MiB."""
_DOTS = (b".          ", b"..         ")

SHORT = struct.Struct("<11sBBBHHHHHHHI")
_LONG = struct.Struct("<B10sBBB12sH4s")
_HEADS = struct.Struct("<11sB8xH4xH4x")


@dataclass(slots=True)
class Record:
    """A name in a directory. ``slot`` is that of the short entry, ``count`` how many there are with the long name."""

    slot: int
    count: int
    name: bytes
    keys: tuple[str, ...]
    short: bytes
    flags: int
    attributes: int

    @property
    def first(self) -> int:
        return self.slot - self.count + 1


@dataclass(slots=True)
class Table:
    """A directory that was parsed. ``used`` has a byte for each slot; from slot ``end`` on none was ever used, and with
    ``blank`` they are zeros."""

    used: bytearray
    end: int = 0
    blank: bool = True
    by_key: dict[str, Record] = field(default_factory=dict)
    by_slot: dict[int, Record] = field(default_factory=dict)
    order: list[int] | None = None

    def add(self, record: Record) -> None:
        """Of two that have one name, which should not be, the first is found."""
        for key in record.keys:
            self.by_key.setdefault(key, record)
        self.by_slot[record.slot] = record
        self.order = None

    def take(self, record: Record) -> None:
        """The record may be of an earlier parsing."""
        for key in record.keys:
            if (found := self.by_key.get(key)) is not None and found.slot == record.slot:
                del self.by_key[key]
        del self.by_slot[record.slot]
        self.order = None
        self.used[record.first : record.slot + 1] = bytes(record.count)

    def slots(self) -> list[int]:
        """Those of the records, in order."""
        if self.order is None:
            self.order = sorted(self.by_slot)
        return self.order


class Parser:
    """How the names of a mount are read."""

    __slots__ = ("code_page", "long_names")

    def __init__(self, code_page: str, *, long_names: bool) -> None:
        self.code_page = code_page
        self.long_names = long_names

    def parse(self, raw: bytes) -> Table:
        """All names of a directory. What cannot be a name is passed by, its slots stay used."""
        count = len(raw) // SLOT
        table = Table(bytearray(count), count)
        parts: list[bytes] = []
        for slot in range(count):
            at = slot * SLOT
            first = raw[at]
            if first == END:
                table.end = slot
                table.blank = not raw[at:].strip(b"\0")
                break
            if first == FREE:
                parts.clear()
                continue
            table.used[slot] = 1
            attributes = raw[at + 11]
            if attributes & _KIND == LONG:
                _collect(parts, raw[at : at + SLOT])
                continue
            if not attributes & LABEL:
                self._record(table, slot, raw[at : at + SLOT], parts)
            parts.clear()
        return table

    def _record(self, table: Table, slot: int, raw: bytes, parts: list[bytes]) -> None:
        short = raw[:11]
        if short in _DOTS:
            return
        text = _long_name(parts, short) if parts else None
        count = len(parts) + 1 if text is not None else 1
        record = self.record(slot, count, text if self.long_names else None, short, raw[12], raw[11])
        if record is not None:
            table.add(record)

    def record(
        self, slot: int, count: int, text: str | None, short: bytes, flags: int, attributes: int
    ) -> Record | None:
        """A name of an entry; None when it is none that a path could hold."""
        alias = names.shown(short, flags, self.code_page)
        shown = alias if text is None else text
        if not shown or "/" in shown or "\0" in shown or shown in (".", ".."):
            return None
        keys = tuple({names.fold(shown), names.fold(alias)})
        return Record(slot, count, shown.encode("utf-8", "surrogatepass"), keys, short, flags, attributes)


def heads(raw: bytes, *, wide: bool) -> Iterator[int]:
    """The first clusters that the short entries of a directory name."""
    for name, attributes, high, low in _HEADS.iter_unpack(raw):
        if name[0] == END:
            return
        if name[0] != FREE and attributes & _KIND != LONG and not attributes & LABEL and name not in _DOTS:
            yield low | high << 16 if wide else low


def _collect(parts: list[bytes], raw: bytes) -> None:
    """Puts a part to those before it; one that is out of turn begins anew."""
    number = raw[0]
    if number & _LAST:
        parts.clear()
        if 1 <= number & ~_LAST <= PARTS_MAX:
            parts.append(raw)
    elif parts:
        if number == (parts[-1][0] & ~_LAST) - 1 and number and raw[13] == parts[0][13]:
            parts.append(raw)
        else:
            parts.clear()


def _long_name(parts: list[bytes], short: bytes) -> str | None:
    """The name that parts make, None when they do not belong to the short name."""
    if parts[-1][0] & ~_LAST != 1 or parts[0][13] != names.checksum(short):
        return None
    raw = b"".join(part[1:11] + part[14:26] + part[28:32] for part in reversed(parts))
    text = raw.decode("utf-16-le", "surrogatepass")
    head, _, _ = text.partition("\0")
    return head if head and "/" not in head else None


def long_slots(text: str, short: bytes) -> bytes:
    """The slots of a long name, in the order of the disk."""
    raw = text.encode("utf-16-le", "surrogatepass")
    count = -(-len(raw) // (2 * _PART))
    if len(raw) < count * 2 * _PART:
        raw = (raw + b"\0\0").ljust(count * 2 * _PART, b"\xff")
    check = names.checksum(short)
    slots = b""
    for number in range(count, 0, -1):
        part = raw[(number - 1) * 2 * _PART : number * 2 * _PART]
        mark = number | _LAST if number == count else number
        slots += _LONG.pack(mark, part[:10], LONG, 0, check, part[10:22], 0, part[22:])
    return slots

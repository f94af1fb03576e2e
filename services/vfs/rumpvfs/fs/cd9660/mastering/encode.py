"""The structures of a volume as bytes: numbers, dates, directory records, system use entries.

Sections are of ECMA-119; system use entries those of IEEE P1281 and P1282.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Sequence

from rumpvfs.core.vnode import VType
from rumpvfs.fs.cd9660.records import RECORD_MAX, SECTOR
from rumpwire import const

from .tree import Inode

CE_BYTES = 28
_NAME_PIECE = 250
_COMPONENT_PIECE = 248
_ENTRY_MAX = 255
_EPOCH = dt.datetime(1970, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 1900, 2155
_CONTINUE, _CURRENT, _PARENT, _ROOT = 1, 2, 4, 8
_RRIP = (
    b"IEEE_1282",
    b"THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
    b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE 1282 SPECIFICATION.",
)


def both16(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def both32(*values: int) -> bytes:
    return b"".join(struct.pack("<I", value) + struct.pack(">I", value) for value in values)


def _moment(time_ns: int) -> dt.datetime:
    """UTC; what cannot be recorded becomes the nearest that can."""
    first, last = dt.datetime(_FIRST_YEAR, 1, 1), dt.datetime(_LAST_YEAR, 12, 31)
    try:
        return max(first, min(last, _EPOCH + dt.timedelta(seconds=time_ns // 1_000_000_000)))
    except OverflowError:
        return last if time_ns > 0 else first


def short_date(time_ns: int) -> bytes:
    """Section 9.1.5."""
    at = _moment(time_ns)
    return bytes((at.year - 1900, at.month, at.day, at.hour, at.minute, at.second, 0))


def long_date(time_ns: int) -> bytes:
    """Section 8.4.26.1."""
    at = _moment(time_ns)
    text = f"{at.year:04}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}{at.second:02}00"
    return text.encode() + b"\0"


NO_DATE = b"0" * 16 + b"\0"


def record(name: bytes, block: int, size: int, time_ns: int, flags: int, use: bytes = b"") -> bytes:
    """A directory record (section 9.1)."""
    padded = name + bytes((len(name) + 1) % 2)
    body = padded + use + bytes(len(use) % 2)
    fixed = bytes((33 + len(body), 0)) + both32(block, size) + short_date(time_ns) + bytes((flags, 0, 0))
    return fixed + both16(1) + bytes((len(name),)) + body


def room_for_use(name: bytes) -> int:
    """Bytes of system use that a record with this name may have."""
    return RECORD_MAX - 33 - len(name) - (len(name) + 1) % 2


def _entry(signature: bytes, body: bytes) -> bytes:
    return signature + bytes((4 + len(body), 1)) + body


def sp() -> bytes:
    return _entry(b"SP", b"\xbe\xef\0")


def er() -> bytes:
    lengths = bytes(len(text) for text in _RRIP)
    return _entry(b"ER", lengths + b"\1" + b"".join(_RRIP))


def ce(block: int, offset: int, length: int) -> bytes:
    return _entry(b"CE", both32(block, offset, length))


def attributes(inode: Inode) -> list[bytes]:
    """PX, TF, and for links and devices SL and PN."""
    st = inode.stat
    times = (st.st_birthtime_ns, st.st_mtime_ns, st.st_atime_ns, st.st_ctime_ns)
    found = [
        _entry(b"PX", both32(st.st_mode & 0xFFFF, inode.links, st.st_uid, st.st_gid, inode.serial)),
        _entry(b"TF", b"\x0f" + b"".join(short_date(time) for time in times)),
    ]
    if inode.vtype is VType.LNK:
        found += link(inode.target)
    elif inode.vtype in (VType.BLK, VType.CHR):
        found.append(_device(st.st_rdev))
    return found


def _device(rdev: int) -> bytes:
    """In the lower half where it fits as 16 bits, for readers that know only that."""
    major, minor = const.major(rdev), const.minor(rdev)
    high, low = (0, major << 8 | minor) if 0 < major < 256 and minor < 256 else (major, minor)
    return _entry(b"PN", both32(high, low))


def name(text: bytes) -> list[bytes]:
    """NM entries."""
    pieces = [text[at : at + _NAME_PIECE] for at in range(0, len(text), _NAME_PIECE)]
    return [_entry(b"NM", bytes((_CONTINUE * (piece is not pieces[-1]),)) + piece) for piece in pieces]


def link(target: bytes) -> list[bytes]:
    """SL entries. Components are never cut but where one alone is longer than an entry."""
    bodies = [b""]
    for component in _components(target):
        if len(bodies[-1]) + len(component) > _ENTRY_MAX - 5:
            bodies.append(b"")
        bodies[-1] += component
    last = len(bodies) - 1
    return [_entry(b"SL", bytes((_CONTINUE * (number < last),)) + body) for number, body in enumerate(bodies)]


def _components(target: bytes) -> list[bytes]:
    parts = target.split(b"/")
    found = []
    if target.startswith(b"/"):
        found.append(bytes((_ROOT, 0)))
        parts = parts[1:] if target.strip(b"/") else []
    for part in parts:
        if part in (b".", b".."):
            found.append(bytes((_CURRENT if part == b"." else _PARENT, 0)))
            continue
        pieces = [part[at : at + _COMPONENT_PIECE] for at in range(0, len(part), _COMPONENT_PIECE)] or [b""]
        found += [bytes((_CONTINUE * (piece is not pieces[-1]), len(piece))) + piece for piece in pieces]
    return found


class Records:
    """The records of a directory, none over the end of a sector, and the continuation areas that they need."""

    def __init__(self, areas_block: int) -> None:
        self.data = bytearray()
        self.areas = bytearray()
        self._areas_block = areas_block

    def add(self, name: bytes, block: int, size: int, time_ns: int, flags: int, use: Sequence[bytes] = ()) -> None:
        raw = record(name, block, size, time_ns, flags, self._place(list(use), room_for_use(name)))
        if len(self.data) % SECTOR + len(raw) > SECTOR:
            self._fill(self.data)
        self.data += raw

    def finish(self) -> None:
        self._fill(self.data)
        self._fill(self.areas)

    def _fill(self, data: bytearray) -> None:
        data += bytes(-len(data) % SECTOR)

    def _place(self, entries: list[bytes], room: int) -> bytes:
        """As many entries as there is room for, the rest in a continuation area, which may go on in another."""
        if sum(map(len, entries)) <= room:
            return b"".join(entries)
        room -= CE_BYTES
        here = b""
        while len(here) + len(entries[0]) <= room:
            here += entries.pop(0)
        rest = self._place(entries, SECTOR)
        if len(self.areas) % SECTOR + len(rest) > SECTOR:
            self._fill(self.areas)
        at = len(self.areas)
        self.areas += rest
        return here + ce(self._areas_block + at // SECTOR, at % SECTOR, len(rest))

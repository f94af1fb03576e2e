"""System use entries (SUSP, IEEE P1281) and what Rock Ridge (RRIP, IEEE P1282) says in them.

The entries of a record are in its system use area and go on in the *continuation areas* that CE entries name. An image
may chain these in a circle: the number of areas and their size are limited.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rumpwire.errno import KernelError

from .records import Record, bad, long_date, short_date

Fetch = Callable[[int, int, int], memoryview]
"""(block, offset in it, length) -> bytes of the volume."""

MAX_AREAS = 32
MAX_AREA = 32768
MAX_ENTRIES = 256
MAX_NAME = 255
MAX_TARGET = 4096
XA_BYTES = 14
_IDS = (b"RRIP_1991A", b"IEEE_P1282", b"IEEE_1282")

_CONTINUE, _CURRENT, _PARENT, _ROOT = 1, 2, 4, 8
_NAME_CURRENT, _NAME_PARENT = 2, 4
_LONG_FORM = 0x80
_CREATION, _MODIFY, _ACCESS, _ATTRIBUTES = range(4)
_CE = struct.Struct("<I4xI4xI4x")


@dataclass(slots=True)
class RockRidge:
    """What the entries of one file say; None and 0 where they do not. Times are nanoseconds since 1970."""

    name: bytes = b""
    mode: int | None = None
    links: int = 1
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)
    target: bytes = b""
    child: int | None = None
    parent: int | None = None
    relocated: bool = False
    birthtime_ns: int | None = None
    mtime_ns: int | None = None
    atime_ns: int | None = None
    ctime_ns: int | None = None
    compressed: tuple[bytes, int, int, int] | None = None
    sparse: bool = False
    broken: str = ""


def entries(area: memoryview, fetch: Fetch) -> Iterator[tuple[bytes, memoryview]]:
    """Signature and body of each entry, continuation areas included. EIO."""
    areas = count = 0
    following: memoryview | None = area
    while following is not None:
        area, following = following, None
        at = 0
        while at + 4 <= len(area):
            signature, length = bytes(area[at : at + 2]), area[at + 2]
            if length < 4 or signature == b"ST" or signature == b"\0\0":
                break
            if count >= MAX_ENTRIES:
                raise bad(f"more than {count} system use entries of one file")
            if at + length > len(area):
                raise bad(f"a system use entry of {length} bytes reaches over the end of its area")
            body = area[at + 4 : at + length]
            at, count = at + length, count + 1
            if signature == b"CE" and len(body) >= _CE.size:
                following = _continuation(body, fetch)
            else:
                yield signature, body
        areas += 1
        if areas > MAX_AREAS:
            raise bad("too many continuation areas of system use entries")


def _continuation(body: memoryview, fetch: Fetch) -> memoryview:
    block, offset, length = _CE.unpack_from(body)
    if length > MAX_AREA or offset > MAX_AREA:
        raise bad(f"a continuation area of {length} bytes")
    return fetch(block, offset, length)


def find(root: Record, fetch: Fetch) -> int | None:
    """How many bytes of each system use area come before the entries; None when the volume has no Rock Ridge.

    ``root`` is the record of the root in itself. It begins with SP, behind 14 bytes in CD-ROM XA.
    """
    for begin in (0, XA_BYTES):
        area = root.system_use[begin:]
        if len(area) >= 7 and bytes(area[:2]) == b"SP" and bytes(area[4:6]) == b"\xbe\xef":
            return area[6] if _has_rock_ridge(area, fetch) else None
    return None


def _has_rock_ridge(area: memoryview, fetch: Fetch) -> bool:
    for signature, body in entries(area, fetch):
        if signature in (b"PX", b"RR"):
            return True
        if signature == b"ER" and len(body) >= 4 and bytes(body[4 : 4 + body[0]]) in _IDS:
            return True
    return False


def parse(area: memoryview, fetch: Fetch) -> RockRidge:
    """What the system use area of a file says; entries that are not known or too short are passed over.

    An area that makes no sense spoils its file (``broken``) but not the directory: genisoimage writes such for long
    symbolic links.
    """
    found = RockRidge()
    try:
        _gather(found, area, fetch)
    except KernelError as error:
        found.broken = error.text
    return found


def _gather(found: RockRidge, area: memoryview, fetch: Fetch) -> None:
    link = _Target()
    for signature, body in entries(area, fetch):
        if signature == b"NM" and body:
            _add_name(found, body)
        elif signature == b"SL" and body:
            link.add(body)
        else:
            reader = _READERS.get(signature)
            if reader is not None:
                reader(found, body)
    found.target = link.text


def _add_name(found: RockRidge, body: memoryview) -> None:
    # "." and ".." are marked by flags, and have names of their own anyway.
    if not body[0] & (_NAME_CURRENT | _NAME_PARENT):
        found.name += body[1:]
    if len(found.name) > MAX_NAME:
        found.name = found.name[:MAX_NAME]
        raise bad("a name of more than 255 bytes")


class _Target:
    """The target of a symbolic link, gathered from components."""

    def __init__(self) -> None:
        self.text = b""
        self._open = False

    def add(self, body: memoryview) -> None:
        at = 1
        while at + 2 <= len(body):
            flags, length = body[at], body[at + 1]
            if at + 2 + length > len(body):
                raise bad("a component of a symbolic link reaches over its entry")
            self._component(flags, bytes(body[at + 2 : at + 2 + length]))
            at += 2 + length
        if len(self.text) > MAX_TARGET:
            raise bad(f"a symbolic link of more than {MAX_TARGET} bytes")

    def _component(self, flags: int, content: bytes) -> None:
        if flags & _ROOT:
            self.text, self._open = b"/", True
            return
        if flags & _CURRENT:
            content = b"."
        elif flags & _PARENT:
            content = b".."
        if self.text and not self._open:
            self.text += b"/"
        self.text += content
        self._open = bool(flags & _CONTINUE)


def _le(body: memoryview, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "little")


def _px(found: RockRidge, body: memoryview) -> None:
    if len(body) >= 32:
        found.mode = _le(body, 0) & 0xFFFF
        found.links, found.uid, found.gid = _le(body, 8), _le(body, 16), _le(body, 24)


def _pn(found: RockRidge, body: memoryview) -> None:
    """Writers whose dev_t has 32 bits put all of it into the lower half."""
    if len(body) >= 16:
        high, low = _le(body, 0), _le(body, 8)
        found.device = (high, low) if high or not low >> 8 else (low >> 8, low & 0xFF)


def _tf(found: RockRidge, body: memoryview) -> None:
    if not body:
        return
    flags, at = body[0], 1
    size, reader = (17, long_date) if flags & _LONG_FORM else (7, short_date)
    times: dict[int, int] = {}
    for bit in range(7):
        if flags & 1 << bit and at + size <= len(body):
            times[bit] = reader(body[at : at + size])
            at += size
    found.birthtime_ns = times.get(_CREATION, found.birthtime_ns)
    found.mtime_ns = times.get(_MODIFY, found.mtime_ns)
    found.atime_ns = times.get(_ACCESS, found.atime_ns)
    found.ctime_ns = times.get(_ATTRIBUTES, found.ctime_ns)


def _cl(found: RockRidge, body: memoryview) -> None:
    if len(body) >= 8:
        found.child = _le(body, 0)


def _pl(found: RockRidge, body: memoryview) -> None:
    if len(body) >= 8:
        found.parent = _le(body, 0)


def _re(found: RockRidge, body: memoryview) -> None:
    found.relocated = True


def _zf(found: RockRidge, body: memoryview) -> None:
    if len(body) >= 12:
        found.compressed = bytes(body[:2]), body[2], body[3], _le(body, 4)


def _sf(found: RockRidge, body: memoryview) -> None:
    found.sparse = True


_READERS: dict[bytes, Callable[[RockRidge, memoryview], None]] = {
    b"PX": _px,
    b"PN": _pn,
    b"TF": _tf,
    b"CL": _cl,
    b"PL": _pl,
    b"RE": _re,
    b"ZF": _zf,
    b"SF": _sf,
}

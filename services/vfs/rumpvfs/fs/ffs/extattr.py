"""Extended attributes of UFS2, in the two blocks that an inode has for them.

Format: struct extattr of <ufs/ufs/extattr.h>: the length of the record (4), the namespace (1), bytes of padding behind
the value (1), length of the name (1), the name, zeros up to a multiple of 8, the value, the padding.
"""

from __future__ import annotations

import struct

from rumpwire.errno import Errno, KernelError

from .alloc import Allocator
from .dinode import Inode, bad
from .volume import Volume

BLOCKS = 2
NAMESPACES = {1: b"user.", 2: b"system."}
_HEAD = {order: struct.Struct(order + "IBBB") for order in "<>"}


def load(volume: Volume, inode: Inode) -> dict[bytes, bytes]:
    """All by full name. EIO for broken ones."""
    raw = _area(volume, inode)
    found: dict[bytes, bytes] = {}
    at = 0
    while at + 8 <= len(raw):
        length, space, padding, size = _HEAD[volume.sb.order].unpack_from(raw, at)
        value = at + _aligned(7 + size)
        if length < 8 or length & 7 or at + length > len(raw) or value > at + length - padding:
            if length == 0:
                break
            raise bad(inode.number, "broken extended attributes")
        prefix = NAMESPACES.get(space)
        if prefix is not None:
            found[prefix + raw[at + 7 : at + 7 + size]] = raw[value : at + length - padding]
        at += length
    return found


def store(volume: Volume, alloc: Allocator, inode: Inode, attributes: dict[bytes, bytes]) -> None:
    """Writes them all anew, into new blocks. ENOSPC when they are too long, EIO."""
    raw = b"".join(_record(volume.sb.order, name, value) for name, value in attributes.items())
    if len(raw) > BLOCKS * volume.sb.bsize:
        raise KernelError(Errno.ENOSPC, f"{len(raw)} bytes of extended attributes", "ffs")
    new = _write(volume, alloc, inode, raw)
    old, size = inode.extb, inode.extsize
    inode.extb, inode.extsize = new, len(raw)
    alloc.count(inode, sum(_pieces(volume, len(raw))))
    for place, count in zip(old, _pieces(volume, size), strict=True):
        if place and count:
            volume.free(place, count)
    alloc.count(inode, -sum(_pieces(volume, size)))
    volume.touch(inode)


def _aligned(length: int) -> int:
    return (length + 7) & ~7


def _pieces(volume: Volume, size: int) -> list[int]:
    """Fragments of each block."""
    sb = volume.sb
    return [min(max(0, -(-(size - n * sb.bsize) // sb.fsize)), sb.frag) for n in range(BLOCKS)]


def _area(volume: Volume, inode: Inode) -> bytes:
    sb, size = volume.sb, inode.extsize
    if size == 0:
        return b""
    if not 0 < size <= BLOCKS * sb.bsize:
        raise bad(inode.number, f"{size} bytes of extended attributes")
    parts = []
    for place, count in zip(inode.extb, _pieces(volume, size), strict=True):
        if count:
            volume.check(place, count)
            parts.append(volume.device.view(place * sb.fsize, count * sb.fsize))
    return b"".join(parts)[:size]


def _record(order: str, name: bytes, value: bytes) -> bytes:
    space = next((number for number, prefix in NAMESPACES.items() if name.startswith(prefix)), 0)
    if not space:
        raise KernelError(Errno.EOPNOTSUPP, "UFS2 keeps attributes of user and system", "ffs")
    short = name[len(NAMESPACES[space]) :]
    if not 0 < len(short) <= 255:
        raise KernelError(Errno.EINVAL, "name of an attribute", "ffs")
    padding = -len(value) % 8
    head = _aligned(7 + len(short))
    length = head + len(value) + padding
    start = _HEAD[order].pack(length, space, padding, len(short)) + short
    return start.ljust(head, b"\0") + value + bytes(padding)


def _write(volume: Volume, alloc: Allocator, inode: Inode, raw: bytes) -> list[int]:
    sb = volume.sb
    places = [0, 0]
    for n, count in enumerate(_pieces(volume, len(raw))):
        if not count:
            continue
        try:
            places[n] = alloc.frags(inode, count, alloc.preference(inode, 0, 0))
            volume.device.write(places[n] * sb.fsize, raw[n * sb.bsize :][: sb.bsize].ljust(count * sb.fsize, b"\0"))
        except KernelError:
            for place, size in zip(places, _pieces(volume, len(raw)), strict=True):
                if place:
                    volume.release(place, size)
            raise
    return places

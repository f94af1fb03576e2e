"""Allocation descriptors: where the bytes of a file are (ECMA-167 section 4/14.14)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

from . import tags
from .tags import bad

SHORT, LONG, EXTENDED, EMBEDDED = range(4)
RECORDED, ALLOCATED, NOT_ALLOCATED, CONTINUED = range(4)
MAX_EXTENTS = 1 << 18
_LENGTH = (1 << 30) - 1
_SHORT = struct.Struct("<II")
_LONG = struct.Struct("<IIH6x")


class Address(NamedTuple):
    """A range of a partition in bytes from a block on."""

    length: int
    block: int
    partition: int
    kind: int = RECORDED


class Extent(NamedTuple):
    """A piece of a file. ``begin`` is its offset in the file; what is not RECORDED reads as zeros."""

    begin: int
    address: Address

    @property
    def end(self) -> int:
        return self.begin + self.address.length


def long_address(raw: memoryview, at: int) -> Address:
    length, block, partition = _LONG.unpack_from(raw, at)
    return Address(length & _LENGTH, block, partition, length >> 30)


def parse(raw: memoryview, kind: int, partition: int) -> Iterator[Address]:
    """The descriptors in ``raw``, up to the one of length 0 that ends them. EOPNOTSUPP for extended ones."""
    if kind not in (SHORT, LONG):
        raise KernelError(Errno.EOPNOTSUPP, f"allocation descriptors of type {kind}", "udf")
    size = _SHORT.size if kind == SHORT else _LONG.size
    for at in range(0, len(raw) - size + 1, size):
        if kind == LONG:
            found = long_address(raw, at)
        else:
            length, block = _SHORT.unpack_from(raw, at)
            found = Address(length & _LENGTH, block, partition, length >> 30)
        if not found.length:
            return
        yield found


def extents(
    raw: memoryview, kind: int, partition: int, size: int, fetch: Callable[[Address], memoryview]
) -> list[Extent]:
    """All extents of a file of ``size`` bytes, those in further blocks included. EIO, EOPNOTSUPP.

    ``fetch`` reads a block with further descriptors. Descriptors behind the end of the file are of no use here.
    """
    found: list[Extent] = []
    begin = 0
    following: Address | None = None
    blocks = 0
    while begin < size:
        for address in parse(raw, kind, partition):
            if address.kind == CONTINUED:
                following = address
                break
            found.append(Extent(begin, address))
            begin += address.length
        if following is None or begin >= size:
            break
        blocks += 1
        if len(found) > MAX_EXTENTS or blocks > MAX_EXTENTS // 16:
            raise bad(f"a file of more than {len(found)} extents, or its descriptors go in a circle")
        raw, partition, following = _further(fetch(following), following), following.partition, None
    return found


def _further(raw: memoryview, address: Address) -> memoryview:
    tags.expect(raw, address.block, tags.ALLOCATION_EXTENT)
    length = int.from_bytes(raw[20:24], "little")
    if 24 + length > len(raw):
        raise bad(f"{length} bytes of allocation descriptors in one block")
    return raw[24 : 24 + length]

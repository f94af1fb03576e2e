"""Entries of a directory with attributes, as records one behind another: what getdents_packed gives."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

_HEAD = struct.Struct("<HBBQq")
_STAT = struct.Struct("<QIQIIIQqqqqqqIII")
_BOTH = struct.Struct("<HBBQqQIQIIIQqqqqqqIII")

_IDENTITY = struct.Struct("<Q4xQ")


def pack(fileno: int, dtype: int, name: bytes, off: int, st: Stat | None) -> bytes:
    """One record. Attributes that do not fit are left out: those of such a file have to be asked for."""
    if st is not None:
        try:
            return _BOTH.pack(len(name), dtype, 1, fileno, off, *st) + name
        except struct.error:
            pass
    return _HEAD.pack(len(name), dtype, 0, fileno, off) + bytes(_STAT.size) + name


class Record(NamedTuple):
    """An entry, and where its attributes are; -1 where there are none."""

    fileno: int
    dtype: int
    name: bytes
    at: int


def records(data: bytes) -> Iterator[Record]:
    """The entries in what getdents_packed gave. EBADRPC for what is cut off."""
    at, end, size = 0, len(data), _BOTH.size
    head, skip, make = _HEAD.unpack_from, _HEAD.size, tuple.__new__
    while at + size <= end:
        length, dtype, known, fileno, _ = head(data, at)
        name = data[at + size : at + size + length]
        yield make(Record, (fileno, dtype, name, at + skip if known else -1))
        at += size + length
    if at != end:
        raise KernelError(Errno.EBADRPC, "entries of a directory that are cut off")


def identity(data: bytes, at: int) -> tuple[int, int]:
    """st_dev and st_ino alone."""
    found: tuple[int, int] = _IDENTITY.unpack_from(data, at)
    return found


def attributes(data: bytes, at: int) -> Stat:
    """The attributes that are there."""
    return Stat(*_STAT.unpack_from(data, at))

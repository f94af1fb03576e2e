"""Directories: file identifier descriptors one behind the other (ECMA-167 section 4/14.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import KernelError

from . import allocation, tags
from .allocation import Address
from .contents import Data
from .tags import bad

HIDDEN, DIRECTORY, DELETED, PARENT = 1, 2, 4, 8
_FIXED = 38
_LENGTHS = struct.Struct("<BB16xH")


class Identifier(NamedTuple):
    """A name. ``end`` is the byte of the directory behind it; ``address`` is where the file entry is."""

    name: bytes
    end: int
    flags: int
    address: Address


def scan(data: Data, offset: int) -> Iterator[Identifier]:
    """The names from a byte of the directory on; those that were deleted are left out. EIO."""
    while offset + _FIXED <= data.size:
        found = _read(data, offset)
        offset = found.end
        if not found.flags & DELETED:
            yield found


def _read(data: Data, offset: int) -> Identifier:
    flags, name_length, use_length = _LENGTHS.unpack_from(_exactly(data, offset, _FIXED), 18)
    length = _FIXED + use_length + name_length
    end = offset + length + (-length) % 4
    raw = memoryview(_exactly(data, offset, end - offset))  # some checksums go over the padding
    tags.expect(raw, None, tags.FILE_IDENTIFIER)
    name = b"" if flags & (PARENT | DELETED) else _name(raw[_FIXED + use_length : length])
    return Identifier(name, end, flags, allocation.long_address(raw, 20))


def _exactly(data: Data, offset: int, length: int) -> Buffer:
    raw = data.read(offset, length)
    if len(raw) != length:
        raise bad(f"a directory ends within the name at {offset}")
    return raw


def _name(raw: memoryview) -> bytes:
    """What no path can say becomes underscores."""
    try:
        name = tags.text(raw)
    except KernelError:
        name = b""
    if name in (b"", b".", b".."):
        return b"_" * max(len(name), 1)
    return name.replace(b"/", b"_").replace(b"\0", b"_")


def target(raw: memoryview) -> bytes:
    """The target of a symbolic link from path components (section 4/14.16). EIO."""
    found = b""
    at = 0
    while at + 4 <= len(raw):
        kind, length = raw[at], raw[at + 1]
        if at + 4 + length > len(raw):
            raise bad("a path component reaches over the end of its symbolic link")
        if kind in (1, 2):
            found = b"/"
        elif kind in (3, 4, 5):
            part = (b"..", b".")[kind - 3] if kind < 5 else tags.text(raw[at + 4 : at + 4 + length])
            found += (b"/" if found and not found.endswith(b"/") else b"") + part
        else:
            raise bad(f"a path component of type {kind}")
        at += 4 + length
    return found

"""From identifiers on the volume to names (ECMA-119 section 7.5, Joliet section "character set")."""

from __future__ import annotations

from typing import NamedTuple

from .records import ASSOCIATED, Record

ASSOCIATED_MARK = b"="


class Identifier(NamedTuple):
    """A translated name and the version that was taken off; without one, 1."""

    name: bytes
    version: int


def translate(record: Record, *, joliet: bool, original: bool, lower: bool) -> Identifier:
    """The name of a file. ``original`` keeps the version, ``lower`` maps capital letters to small ones.

    The dot of a name without extension is taken off with the version. Unlike the original, a slash or NUL in a name,
    which no path could ever say, becomes an underscore.
    """
    raw = decode(record.name) if joliet else record.name
    name, mark, digits = raw.rpartition(b";")
    version = 1
    if not mark or not digits.isdigit() or not name:
        name = raw
    elif original:
        name, version = raw, int(digits[:5])
    else:
        version = int(digits[:5])
    if not original and len(name) > 1 and not joliet and not record.is_directory:
        name = name.removesuffix(b".")
    if lower and not joliet:
        name = name.lower()
    if b"/" in name or b"\0" in name:
        name = name.replace(b"/", b"_").replace(b"\0", b"_")
    if name in (b".", b".."):
        name = b"_" * len(name)
    if record.flags & ASSOCIATED:
        name = ASSOCIATED_MARK + name
    return Identifier(name, version)


def decode(raw: bytes) -> bytes:
    """UCS-2, or UTF-16 as some write, as UTF-8; what is neither becomes U+FFFD."""
    return raw.decode("utf-16-be", "replace").encode("utf-8", "replace")

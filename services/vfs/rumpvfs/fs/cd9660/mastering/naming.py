"""Identifiers that a name of the source becomes (ECMA-119 section 7.5, Joliet section "Joliet restrictions")."""

from __future__ import annotations

from collections.abc import Callable

from .tree import Directory, Item

_D_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_ISO_NAME, _ISO_EXTENSION, _ISO_DIRECTORY = 30, 8, 31
_JOLIET_UNITS = 64
_JOLIET_FORBIDDEN = frozenset("*/:;?\\")


def name_all(directory: Directory) -> None:
    """Gives the children of a directory their identifiers, each once in the directory."""
    _give(directory.children, _iso, lambda item, found: setattr(item, "iso", found))
    _give(directory.children, _joliet, lambda item, found: setattr(item, "joliet", found))


def _give(items: list[Item], make: Callable[[Item, str], bytes], put: Callable[[Item, bytes], None]) -> None:
    """A name that is taken gets a number at its end; ``make`` shortens the name for that.

    A name counts as taken with and without a dot at its end, which readers take off.
    """
    taken: set[bytes] = set()
    next_number: dict[bytes, int] = {}
    for item in items:
        plain = found = make(item, "")
        while found.removesuffix(b".") in taken:
            number = next_number[plain] = next_number.get(plain, 0) + 1
            found = make(item, f"{number:03}")
        taken.add(found.removesuffix(b"."))
        put(item, found)


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, extension) if dot and stem else (name, "")


def _iso(item: Item, suffix: str) -> bytes:
    """Capital letters, digits and underscores; files always have a dot."""
    name = item.name.upper()
    stem, dot, extension = name.rpartition(b".")
    if item.is_directory or not dot or not stem:
        stem, extension = name, b""
    extension = _d_characters(extension[:_ISO_EXTENSION])
    room = (_ISO_DIRECTORY if item.is_directory else _ISO_NAME - len(extension)) - len(suffix)
    found = _d_characters(stem[:room]) + suffix.encode()
    return found if item.is_directory else found + b"." + extension


def _d_characters(raw: bytes) -> bytes:
    return bytes(byte if byte in _D_CHARACTERS else 0x5F for byte in raw)


def _joliet(item: Item, suffix: str) -> bytes:
    """At most 64 units of UTF-16; what is no UTF-8 or not allowed becomes an underscore."""
    text = "".join(_allowed(character) for character in item.name.decode("utf-8", "replace"))
    stem, extension = ("", "") if not text else (text, "") if item.is_directory else _split(text)
    tail = _cut(extension, _JOLIET_UNITS // 2)
    ending = suffix + ("." + tail if tail else "")
    whole = _cut(stem, _JOLIET_UNITS - _units(ending)) + ending
    if not whole.strip("."):  # no path can have it
        whole = "_" * len(whole)
    return whole.encode("utf-16-be")


def _allowed(character: str) -> str:
    return "_" if character in _JOLIET_FORBIDDEN or character < " " or character == "\ufffd" else character


def _units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def _cut(text: str, units: int) -> str:
    """No surrogate pair is cut in two."""
    return text.encode("utf-16-be")[: units * 2].decode("utf-16-be", "ignore")


def iso_order(item: Item) -> tuple[bytes, bytes]:
    """The order of section 9.3: name, then extension, as if both were filled up with spaces."""
    name, _, extension = item.iso.partition(b".")
    return name, extension


def joliet_order(item: Item) -> bytes:
    return item.joliet

"""Names: long ones in UTF-16, short ones (8.3) in a code page, and how one is made of the other.

Names of different case are one name, kept as it was written. A short name that is all lower case, in its base or its
extension, says so with a flag (Windows NT's) and needs no long one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from zlib import crc32

from rumpwire.errno import Errno, KernelError

UNITS_MAX = 255
"""UTF-16 units of a name."""
BASE_LOWER, EXT_LOWER = 0x08, 0x10
"""Flags of a short name: what is shown in lower case."""
CODE_PAGES = (437, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869)

_MARKS = r"0-9!#$%&'()\-@^_`{}~"
_SHORT = re.compile(
    rf"(?:[A-Z{_MARKS}]{{1,8}}|(?P<base>[a-z{_MARKS}]{{1,8}}))(?:\.(?:[A-Z{_MARKS}]{{1,3}}|(?P<ext>[a-z{_MARKS}]{{1,3}})))?"
)
_NOT_LONG = re.compile(r'[\x00-\x1f"*/:<>?\\|]')
_NOT_SHORT = re.compile(rf"[^A-Z{_MARKS}]")
_TO_SHORT = {code: None if chr(code) in " ." else _NOT_SHORT.sub("_", chr(code).upper()) for code in range(128)}
"""What becomes of the characters of ASCII in a short name."""
_ROTATED = bytes((byte >> 1) | (byte & 1) << 7 for byte in range(256))


def upper(char: str) -> str:
    """The upper case of a character, where that is one of its kind: the dotless i is none, nor is the long s."""
    found = char.upper()
    return char if len(found) != 1 or (found.isascii() and not char.isascii()) else found


def fold(text: str) -> str:
    """What names are compared by: upper case, character by character."""
    return text.upper() if text.isascii() else "".join(map(upper, text))


def sought(name: bytes) -> str | None:
    """What a name is looked up by; None for one that no file can have."""
    try:
        return fold(name.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return None


def checked(name: bytes) -> str:
    """The text of a name that is to be made. EINVAL, ENAMETOOLONG."""
    try:
        text = name.decode("utf-8", "surrogatepass").rstrip(". ")
    except UnicodeDecodeError:
        raise KernelError(Errno.EINVAL, "the name is not UTF-8", "msdos") from None
    if not text or _NOT_LONG.search(text):
        raise KernelError(Errno.EINVAL, f"{text!r} is no name on FAT", "msdos")
    if len(text) > UNITS_MAX or (not text.isascii() and len(_utf16(text)) > 2 * UNITS_MAX):
        raise KernelError(Errno.ENAMETOOLONG)
    return text


def as_short(text: str) -> tuple[bytes, int] | None:
    """A name as the 11 bytes and the flags of a short one; None where that cannot hold it."""
    match = _SHORT.fullmatch(text)
    if match is None:
        return None
    base, _, ext = text.upper().partition(".")
    flags = (BASE_LOWER if match["base"] and base != match["base"] else 0) | (
        EXT_LOWER if match["ext"] and ext != match["ext"] else 0
    )
    return f"{base:8}{ext:3}".encode("ascii"), flags


def shown(short: bytes, flags: int, code_page: str) -> str:
    """A short name as text; empty for one that cannot be shown."""
    if short[0] == 0x05:
        short = b"\xe5" + short[1:]
    base = short[:8].decode(code_page, "replace").rstrip(" ")
    ext = short[8:11].decode(code_page, "replace").rstrip(" ")
    if flags & BASE_LOWER:
        base = base.lower()
    if flags & EXT_LOWER:
        ext = ext.lower()
    return f"{base}.{ext}" if ext else base


def checksum(short: bytes) -> int:
    """Of a short name; the parts of the long name that belongs to it carry it."""
    total = 0
    for byte in short:
        total = _ROTATED[total] + byte & 0xFF
    return total


def alias(text: str, taken: Callable[[str], bool]) -> tuple[bytes, str]:
    """A short name for a long one, as bytes and as text: with ~1 to ~4, then with four digits that its letters give, as
    Windows does. EEXIST."""
    base, ext, exact = _basis(text)
    end = f".{ext}" if ext else ""
    stem = base
    if not exact or taken(stem + end):
        for stem in _stems(text, base):
            if not taken(stem + end):
                break
        else:
            raise KernelError(Errno.EEXIST, f"no short name is left for {text!r}", "msdos")
    return f"{stem:8}{ext:3}".encode("ascii"), stem + end


def _basis(text: str) -> tuple[str, str, bool]:
    """Base, extension, and whether they say everything but case."""
    name = text.lstrip(". ")
    whole, dot, end = name.rpartition(".")
    if not dot:
        whole, end = name, ""
    if text.isascii():
        base, ext = whole.translate(_TO_SHORT), end.translate(_TO_SHORT)
    else:
        base, ext = (_NOT_SHORT.sub("_", fold(part.replace(" ", "").replace(".", ""))) for part in (whole, end))
    plain = f"{whole}.{end}" if end else whole
    exact = len(base) <= 8 and len(ext) <= 3 and plain == text and (f"{base}.{ext}" if ext else base) == fold(plain)
    return base[:8] or "_", ext[:3], exact


def _stems(text: str, base: str) -> Iterator[str]:
    for number in range(1, 5):
        yield f"{base[:6]}~{number}"
    digits = crc32(_utf16(text))
    for number in range(1, 0x20000):
        yield f"{base[:2]}{digits + number & 0xFFFF:04X}~{1 + number // 0x4000}"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")

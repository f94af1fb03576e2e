"""What is to be hijacked: RUMPHIJACK as rumphijack(3) has it, ``path=/rump,socket=all:nolocal``.

Names of options may be shortened. Descriptors of both worlds have the numbers that Linux gives them, so that ``fdoff``
has no effect; ``vfs`` and ``sysctl`` are for calls that Linux does not have.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from rumpclients._command import UsageError

NAMES = ("path", "blanket", "socket", "vfs", "sysctl", "fdoff")
_FAMILIES = {
    "local": (socket.AF_UNIX,), "inet": (socket.AF_INET,), "link": (socket.AF_PACKET,), "oroute": (),
    "route": (socket.AF_NETLINK,), "inet6": (socket.AF_INET6,), "mpls": (),
}  # fmt: skip
_VFS = ("nfssvc", "getvfsstat", "fhcalls")
_DEFAULT_SOCKETS = "all:nolocal"
DEFAULT = f"path=/rump,socket={_DEFAULT_SOCKETS}"
_INT_MAX = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Options:
    """``paths``: for each path of this machine the directory of the kernel that is to be seen there. ``asked``: whether
    they were asked for, or are there by default, so that they are left out where that cannot be."""

    families: frozenset[int]
    paths: tuple[tuple[str, str], ...] = ()
    asked: bool = True


def parse(text: str | None) -> Options:
    """The value of RUMPHIJACK; None when it is not set. UsageError."""
    asked = text is not None
    families: frozenset[int] = frozenset()
    paths: dict[str, str] = {}
    for word in (DEFAULT if text is None else text).split(","):
        if not word:
            continue
        name, value = _split(word)
        if name == "socket":
            families = _families(value)
        elif name == "path":
            paths[_directory(word, value)] = "/"
        elif name == "blanket":
            paths |= {_directory(word, one): one for one in _list(word, value)}
        else:
            _check(name, word, value)
    for one in paths:
        for other in paths:
            if other.startswith(f"{one}/"):
                raise UsageError(f"{other}: lies in {one}")
    return Options(families, tuple(paths.items()), asked)


def retry(environ: Mapping[str, str]) -> str | float | None:
    """RUMPHIJACK_RETRYCONNECT as `rump.connect` has it; None when it is not set. UsageError."""
    text = environ.get("RUMPHIJACK_RETRYCONNECT")
    if text is None or text in ("inftime", "once", "die"):
        return text
    if not text.isdigit():
        raise UsageError(f"RUMPHIJACK_RETRYCONNECT={text}: not inftime, once, die or a number of seconds")
    return float(text)


def _split(word: str) -> tuple[str, str | None]:
    short, equals, value = word.partition("=")
    found = [name for name in NAMES if name.startswith(short)] if short else []
    if len(found) != 1:
        raise UsageError(f"{word}: there are {', '.join(NAMES)}")
    return found[0], value if equals else None


def _list(word: str, value: str | None) -> list[str]:
    if not value:
        raise UsageError(f"{word}: a value is missing")
    return value.split(":")


def _directory(word: str, value: str | None) -> str:
    if not value or not re.fullmatch(r"(/[^/]+)+", value) or {".", ".."} & set(value.split("/")):
        raise UsageError(f"{word}: not an absolute path without a slash at its end")
    return value


def _families(value: str | None) -> frozenset[int]:
    found: set[int] = set()
    for number, word in enumerate(_list(f"socket={value or ''}", value)):
        if word == "all" and not number:
            found = {family for families in _FAMILIES.values() for family in families}
        elif word in _FAMILIES:
            found |= set(_FAMILIES[word])
        elif word.startswith("no") and word[2:] in _FAMILIES:
            found -= set(_FAMILIES[word[2:]])
        else:
            raise UsageError(
                f"socket={value}: {word}: not all (first), nor {', '.join(_FAMILIES)}, with no before or not"
            )
    return frozenset(found)


def _check(name: str, word: str, value: str | None) -> None:
    if name == "fdoff":
        if not (value or "").isdigit() or not 3 <= int(value or 0) < _INT_MAX // 2:
            raise UsageError(f"{word}: not a number from 3")
    elif name == "sysctl":
        if value not in (None, "y", "yes", "n", "no"):
            raise UsageError(f"{word}: yes or no")
    else:
        for one in _list(word, value):
            if one != "all" and one.removeprefix("no") not in _VFS:
                raise UsageError(f"{word}: there are all, {', '.join(_VFS)}, and no before each")

"""Mount options, those of mount_cd9660(8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rumpwire.errno import Errno, KernelError


@dataclass(frozen=True, slots=True)
class Options:
    """How a volume is to be shown.

    ``norrip`` and ``nojoliet`` leave these extensions unused; ``gens`` shows the names as they are recorded, versions
    included; ``nomaplcase`` leaves the case of names without extensions alone; ``rrcaseins`` finds names of Rock Ridge
    in either case; ``extatt`` takes owners and permissions from extended attribute records. ``uid``, ``gid``, ``mask``
    and ``dirmask`` hold for files without Rock Ridge attributes. ``sector`` is where the session begins.
    """

    norrip: bool = False
    gens: bool = False
    extatt: bool = False
    nojoliet: bool = False
    nomaplcase: bool = False
    rrcaseins: bool = False
    uid: int = 0
    gid: int = 0
    mask: int = 0o555
    dirmask: int = 0o555
    sector: int = 0


_FLAGS = {field.name for field in fields(Options) if field.type == "bool"}
_OCTAL = ("mask", "dirmask")
_TRUE = ("", "1", "yes", "true", "on")
_FALSE = ("0", "no", "false", "off")


def parse(given: Mapping[str, str]) -> Options:
    """EINVAL for an unknown option or a bad value."""
    values: dict[str, Any] = {name: _value(name, text) for name, text in given.items()}
    return Options(**values)


def _value(name: str, text: str) -> int | bool:
    if name in _FLAGS:
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
    elif name in {field.name for field in fields(Options)}:
        try:
            value = int(text, 8 if name in _OCTAL else 10)
        except ValueError:
            value = -1
        if 0 <= value <= (0o777 if name in _OCTAL else 0xFFFFFFFF):
            return value
    else:
        raise KernelError(Errno.EINVAL, f"no mount option {name!r}", "cd9660")
    raise KernelError(Errno.EINVAL, f"{name}={text!r} is no value of this mount option", "cd9660")

"""Property lists of modules: what stands beside a module's file, for its init (proplib(3), modload(8))."""

from __future__ import annotations

import plistlib
from xml.parsers.expat import ExpatError

from rumpwire.errno import Errno, KernelError

MAX_PLIST = 8192
"""Bytes of a file of properties (EFBIG)."""
NOAUTOLOAD = "noautoload"
"""The property that keeps a module from being loaded on demand."""


def parse(path: str, data: bytes) -> dict[str, str]:
    """The dictionary of an XML property list, its values as text, as those of modload are. EINVAL."""
    try:
        found = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except (plistlib.InvalidFileException, ExpatError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise KernelError(Errno.EINVAL, f"{path} is no property list: {error}") from error
    if not isinstance(found, dict):
        raise KernelError(Errno.EINVAL, f"{path}: a property list of a module is a dictionary")
    return {name: _text(path, name, value) for name, value in found.items()}


def _text(path: str, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return str(value)
    raise KernelError(Errno.EINVAL, f"{path}: {name} is no boolean, integer or string")

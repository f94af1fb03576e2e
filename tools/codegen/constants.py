"""NetBSD's constants for the SDKs of other languages, out of rumpwire/const.py."""

from __future__ import annotations

import re

from codegen import model

_LINE = re.compile(r"^([A-Z][A-Z0-9_]*)(?:: Final)? = (.+?)(?:  #.*)?$", re.MULTILINE)


def constants() -> list[tuple[str, str]]:
    """Name and value, as a literal that Python, Go and TypeScript read alike."""
    namespace: dict[str, object] = {}
    text = (model.ROOT / "proto/python/rumpwire/const.py").read_text()
    exec(compile(text, "const.py", "exec"), namespace)
    found = ((match[1], namespace.get(match[1])) for match in _LINE.finditer(text))
    return [(name, _literal(value)) for name, value in found if isinstance(value, int) and not isinstance(value, bool)]


def _literal(value: int) -> str:
    return hex(value) if value > 9 else str(value)


def errnos() -> list[tuple[str, int]]:
    """Name and number of every errno of NetBSD."""
    text = (model.ROOT / "proto/python/rumpwire/errno.py").read_text()
    return [(name, int(number)) for name, number in re.findall(r"^    (E[A-Z0-9]+) = (\d+)$", text, re.MULTILINE)]

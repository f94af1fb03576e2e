"""What transports and settings both know, without gRPC."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MESSAGE = 16 << 20
"""Longest message between components, bytes."""
TOKEN_KEY = "rump-bus-token"  # noqa: S105  the name of a header, not a secret


@dataclass(frozen=True, slots=True)
class Tls:
    """Names of PEM files. ``ca``: who signed the other side; a server that has one demands a client certificate."""

    cert: str = ""
    key: str = ""
    ca: str = ""

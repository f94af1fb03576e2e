"""What rump.forward is told to forward, and what of it was."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import rump
from rumpclients._command import UsageError, reason

_SPEC = re.compile(r"(?:(\[[^\[\]]*\]|[^:\[\]]*):)?(\d+):(\[[^\[\]]+\]|[^:\[\]]+):(\d+)(?:/(tcp|udp))?")


class Endpoint(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass
class Forward:
    """What is to be forwarded, and what of it was. ``reverse``: from the kernel to this machine."""

    reverse: bool
    protocol: str
    listen: Endpoint
    target: Endpoint
    connections: int = 0
    to_target: int = 0
    from_target: int = 0
    dropped: int = 0
    said: str = field(default="", repr=False)

    def __str__(self) -> str:
        sides = ("kernel ", "") if self.reverse else ("", "kernel ")
        return f"{self.protocol} {sides[0]}{self.listen} -> {sides[1]}{self.target}"

    def complain(self, error: OSError) -> None:
        """Says on stderr what went wrong, once until something else does."""
        plain = not isinstance(error, rump.RumpError) and error.errno  # asyncio has texts of its own
        text = os.strerror(plain) if plain else reason(error)
        if text != self.said:
            self.said = text
            print(f"rump.forward: {self}: {text}", file=sys.stderr, flush=True)

    def count(self, size: int, there: int) -> None:
        if there:
            self.to_target += size
        else:
            self.from_target += size

    def row(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol, "from": "kernel" if self.reverse else "host", "listen": str(self.listen),
            "to": "host" if self.reverse else "kernel", "target": str(self.target), "connections": self.connections,
            "bytes_to_target": self.to_target, "bytes_from_target": self.from_target, "dropped": self.dropped,
        }  # fmt: skip


def parse(text: str, *, reverse: bool) -> Forward:
    """``[ADDRESS:]PORT:ADDRESS:PORT[/udp]``, IPv6 in brackets. UsageError."""
    found = _SPEC.fullmatch(text)
    if found is None:
        raise UsageError(f"{text}: not [ADDRESS:]PORT:ADDRESS:PORT[/udp], with IPv6 addresses in brackets")
    listen, port, target, target_port, protocol = found.groups()
    if int(port) > 65535 or not 0 < int(target_port) <= 65535:
        raise UsageError(f"{text}: a port is at most 65535")
    host = ("*" if reverse else "127.0.0.1") if listen is None else listen.strip("[]") or "*"
    return Forward(
        reverse, protocol or "tcp", Endpoint(host, int(port)), Endpoint(target.strip("[]"), int(target_port))
    )

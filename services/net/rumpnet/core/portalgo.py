"""How ephemeral ports are chosen (RFC 6056, net.inet.ip.anonportalgo).

An algorithm gives ports in the order in which they are tried. Ports of the bitmap ``reserve`` are left to those who ask
for them by number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from rumpnet.core.net import Node
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SysctlValueRaw

if TYPE_CHECKING:
    from rumpuser.host import Host

BITMAP = 65536 // 8
"""Bytes of ``reserve``; bit ``port % 8`` of byte ``port // 8`` is for a port."""
TABLE = 64
"""Counters of doublehash, and the farthest step of randinc: N of RFC 6056, 3.3.4, 3.3.5."""


class Wanted(NamedTuple):
    """What a port is for: the lowest and how many there are, and the ends as far as they are known."""

    first: int
    number: int
    laddr: bytes = b""
    faddr: bytes = b""
    fport: int = 0


class PortAlgorithms:
    """The algorithms, which all protocols share, with the one that is selected."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._secret = host.entropy(16)
        self._next = 0
        self._table: Counter[int] = Counter()
        self.selected = "random_start"
        self.reserve = bytes(BITMAP)
        self._algorithms: dict[str, Callable[[Wanted], Iterator[int]]] = {
            "bsd": self._bsd,
            "random_start": lambda wanted: _onward(wanted, self._random()),
            "random_pick": self._pick,
            "hash": self._hash,
            "doublehash": self._double,
            "randinc": self._randinc,
        }

    def ports(self, wanted: Wanted) -> Iterator[int]:
        for port in self._algorithms[self.selected](wanted):
            if not self.reserve[port // 8] >> port % 8 & 1:
                yield port

    def _random(self) -> int:
        return int.from_bytes(self._host.entropy(4), "big")

    def _mac(self, purpose: bytes, wanted: Wanted) -> int:
        """F and G of the RFC: of the ends, and unknown to others."""
        text = repr((wanted.laddr, wanted.faddr, wanted.fport)).encode()
        return int.from_bytes(hashlib.blake2s(text, key=self._secret, person=purpose).digest()[:4], "big")

    def _bsd(self, wanted: Wanted) -> Iterator[int]:
        """From the highest down, each after the last."""
        for _ in range(wanted.number):
            self._next += 1
            yield wanted.first + wanted.number - 1 - (self._next - 1) % wanted.number

    def _pick(self, wanted: Wanted) -> Iterator[int]:
        """Each by itself (3.3.2); in the end all, so that one that is free is found."""
        for _ in range(wanted.number):
            yield wanted.first + self._random() % wanted.number
        yield from _onward(wanted, self._random())

    def _hash(self, wanted: Wanted) -> Iterator[int]:
        """Upward for each other end, from a place of its own (3.3.3)."""
        for _ in range(wanted.number):
            self._next += 1
            yield wanted.first + (self._mac(b"port", wanted) + self._next) % wanted.number

    def _double(self, wanted: Wanted) -> Iterator[int]:
        """The same, and who connects elsewhere does not move it (3.3.4)."""
        index = self._mac(b"index", wanted) % TABLE
        for _ in range(wanted.number):
            self._table[index] += 1
            yield wanted.first + (self._mac(b"port", wanted) + self._table[index]) % wanted.number

    def _randinc(self, wanted: Wanted) -> Iterator[int]:
        """By random steps (3.3.5)."""
        for _ in range(wanted.number):
            self._next += 1 + self._random() % TABLE
            yield wanted.first + self._next % wanted.number
        yield from _onward(wanted, self._next)

    # -- sysctl

    def nodes(self, path: str, number: list[int]) -> list[Node]:
        return [
            Node(
                f"{path}.anonportalgo.available", [*number, 1070, 1], "Available port selection algorithms",
                lambda: " ".join(self._algorithms),
            ),
            Node(
                f"{path}.anonportalgo.selected", [*number, 1070, 2], "Selected port selection algorithm",
                lambda: self.selected, self._select,
            ),
            Node(
                f"{path}.anonportalgo.reserve", [*number, 1070, 3], "Bitmap of ports that are never chosen",
                lambda: SysctlValueRaw(self.reserve), self._set_reserve, table=True,
            ),
        ]  # fmt: skip

    def _select(self, name: str) -> None:
        """EINVAL."""
        if name not in self._algorithms:
            raise KernelError(Errno.EINVAL, f"no port algorithm {name!r}; there are {', '.join(self._algorithms)}")
        self.selected = name

    def _set_reserve(self, bitmap: bytes) -> None:
        """EINVAL."""
        if len(bitmap) != BITMAP:
            raise KernelError(Errno.EINVAL, f"a bitmap of all ports has {BITMAP} bytes, not {len(bitmap)}")
        self.reserve = bytes(bitmap)


def _onward(wanted: Wanted, begin: int) -> Iterator[int]:
    """All, from one on (3.3.1)."""
    return (wanted.first + (begin + step) % wanted.number for step in range(wanted.number))

"""Tables of addresses that rules name (npf.conf(5)); they change while the filter is active."""

from __future__ import annotations

from rumpwire.errno import Errno, KernelError
from rumpwire.values import NpfAddress, NpfTable

KINDS = ("ipset", "lpm", "const")
ENTRIES_MAX = 1 << 18

Network = tuple[int, int, int]
"""Bytes of an address, the network as a number, its mask."""


def network(address: NpfAddress) -> Network:
    """EINVAL."""
    width = len(address.addr)
    bits = width * 8
    if width not in (4, 16) or not 0 <= address.prefixlen <= bits:
        raise KernelError(Errno.EINVAL, f"no network: {address.addr.hex()[:32]}/{address.prefixlen}")
    mask = (1 << bits) - (1 << bits - address.prefixlen)
    return width, int.from_bytes(address.addr, "big") & mask, mask


class Table:
    """Networks by their masks, longest first: a lookup is one for each length of prefix that occurs."""

    def __init__(self, value: NpfTable) -> None:
        """EINVAL."""
        if value.kind not in KINDS:
            raise KernelError(Errno.EINVAL, f"table {value.name}: kind {value.kind[:16]!r}; {', '.join(KINDS)}")
        self.name = value.name
        self.kind = value.kind
        self._sets: dict[tuple[int, int], set[int]] = {}
        self.entries: dict[Network, NpfAddress] = {}
        for entry in value.entries:
            if network(entry) not in self.entries:
                self._insert(entry)

    def holds(self, addr: bytes) -> bool:
        width, number = len(addr), int.from_bytes(addr, "big")
        return any(size == width and number & mask in bases for (size, mask), bases in self._sets.items())

    def add(self, entry: NpfAddress) -> None:
        """EPERM for const, EINVAL, EEXIST, ENOSPC."""
        self._changeable()
        if network(entry) in self.entries:
            raise KernelError(Errno.EEXIST, f"table {self.name} has the entry")
        self._insert(entry)

    def remove(self, entry: NpfAddress) -> None:
        """EPERM for const, EINVAL, ENOENT."""
        self._changeable()
        width, base, mask = key = network(entry)
        if self.entries.pop(key, None) is None:
            raise KernelError(Errno.ENOENT, f"table {self.name} has no such entry")
        bases = self._sets[width, mask]
        bases.remove(base)
        if not bases:
            del self._sets[width, mask]

    def flush(self) -> None:
        """EPERM for const."""
        self._changeable()
        self._sets.clear()
        self.entries.clear()

    def export(self) -> NpfTable:
        return NpfTable(self.name, self.kind, list(self.entries.values()))

    def _changeable(self) -> None:
        if self.kind == "const":
            raise KernelError(Errno.EPERM, f"table {self.name} is const")

    def _insert(self, entry: NpfAddress) -> None:
        width, base, mask = key = network(entry)
        if self.kind == "ipset" and mask != (1 << width * 8) - 1:
            raise KernelError(
                Errno.EINVAL, f"table {self.name} is an ipset, which holds single addresses; lpm holds networks"
            )
        if len(self.entries) >= ENTRIES_MAX:
            raise KernelError(Errno.ENOSPC, f"table {self.name} has {ENTRIES_MAX} entries")
        self.entries[key] = entry
        self._sets.setdefault((width, mask), set()).add(base)


class Tables:
    """By name."""

    def __init__(self, tables: list[NpfTable]) -> None:
        """EINVAL, EEXIST."""
        self._by_name: dict[str, Table] = {}
        for value in tables:
            if not value.name or value.name in self._by_name:
                raise KernelError(Errno.EEXIST, f"table {value.name[:32]!r} is there twice, or has no name")
            self._by_name[value.name] = Table(value)

    def get(self, name: str) -> Table:
        """ESRCH."""
        table = self._by_name.get(name)
        if table is None:
            raise KernelError(Errno.ESRCH, f"there is no table {name[:32]!r}")
        return table

    def export(self) -> list[NpfTable]:
        return [table.export() for table in self._by_name.values()]

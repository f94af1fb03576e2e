"""What identities of a policy hold in the whole kernel, and how much more they may (`rumpuser.quota`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from rumpuser.component import KERNEL
from rumpuser.pending import value_of
from rumpwire import calls
from rumpwire.errno import KernelError
from rumpwire.values import MemoryHeld

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

T = TypeVar("T")

OTHERS = ("kern", "vfs", "net", "dev")
UNBOUNDED = 1 << 63


class Memory:
    """The quota of memory, which is one for all components. ``shared`` tells of memory that clients share."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.shared: Callable[[], Iterable[tuple[str, str, int]]] = tuple

    def limit(self, subject: str) -> int:
        """0 is none."""
        found = (p.memory for p in self._gateway.processes.values() if p.cred.subject == subject)
        return max(found, default=0)

    async def room(self, subject: str, component: str, kind: str) -> int:
        """What an identity may hold of a kind of thing at a component: its quota, without all else that it holds."""
        limit = self.limit(subject)
        if not limit:
            return UNBOUNDED
        for name in (self._gateway.name, *OTHERS):
            this = kind if name == component else None
            limit -= sum(h.bytes for h in await self._held_at(name) if h.subject == subject and h.kind != this)
        return max(limit, 0)

    async def _held_at(self, name: str) -> list[MemoryHeld]:
        """Nothing where a component is not there."""
        try:
            found: list[MemoryHeld] = await value_of(self._gateway.peer(name).call(KERNEL, calls.MEMORY_HELD, ()))
        except KernelError:
            return []
        return found

    def bounded(self, p: Process, kind: str, work: Callable[[int], T]) -> T | Awaitable[T]:
        """Does something with the bytes that its identity may hold of a kind here; 0 where nothing bounds them."""
        return self._bounded(p, kind, work) if p.memory else work(0)

    async def _bounded(self, p: Process, kind: str, work: Callable[[int], T]) -> T:
        return work(await self.here(p, kind))

    async def here(self, p: Process, kind: str) -> int:
        return max(await self.room(p.cred.subject, self._gateway.name, kind), 1) if p.memory else 0

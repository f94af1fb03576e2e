"""A gateway that comes back after it was killed: what its predecessor had recorded, and who of the components is there.

The components have gone on, and join again. One that is another process than before has nothing of what the predecessor
knew of it: those objects are lost. When all are there, or are waited for no longer, clients are let in again.
"""

from __future__ import annotations

import asyncio
import logging

from rumpgateway.core.gateway import Gateway
from rumpgateway.core.restore import restore
from rumpgateway.sessions import Sessions
from rumpuser.records import Records

REJOIN_S = 15.0
"""How long components that the predecessor had are waited for."""

log = logging.getLogger("rump.recovery")


class Recovery:
    """What a gateway does first where a predecessor has left records."""

    def __init__(self, records: Records, gateway: Gateway, sessions: Sessions) -> None:
        self._records = records
        self._gateway = gateway
        self._sessions = sessions
        self._awaited: dict[str, bytes] = {name: value for name, value, _ in records.items("component")}
        self._lost: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def urls(self) -> list[str]:
        """Where the predecessor served clients."""
        return [url for _, url, _ in sorted(self._records.items("url"))]

    def serves(self, urls: list[str]) -> None:
        for number, url in enumerate(urls):
            self._records.put("url", number, url)

    def joined(self, name: str, instance: bytes) -> None:
        """A component is in the kernel."""
        before = self._awaited.pop(name, None)
        if before is not None and before != instance:
            self._lost.add(name)
        self._records.put("component", name, instance)
        self._changed.set()

    def left(self, name: str) -> None:
        self._records.delete("component", name)

    async def run(self) -> None:
        """Waits for the components, and has all that they still hold."""
        try:
            async with asyncio.timeout(REJOIN_S):
                while self._awaited:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.error("%s did not join again: what they held is lost", ", ".join(sorted(self._awaited)))
            self._lost |= set(self._awaited)
            for name in list(self._awaited):
                self.left(name)
            self._awaited.clear()
        restore(self._gateway)
        for name in self._lost:
            self._gateway.lost(name)
        await self._sessions.restore()
        if "kern" in self._lost:
            await self._sessions.end_all("the session has ended: kern, which knew its process, has ended")
        log.warning("back with %d sessions", len(self._sessions))

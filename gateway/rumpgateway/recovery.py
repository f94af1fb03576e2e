"""A gateway that comes back after it was killed: what its predecessor had recorded, and who of the components is there.

The components have gone on, and join again. Of one that is another process than before only what it has got back from
its own records is there; the rest is lost. When all are there, or are waited for no longer, clients are let in again.
"""

from __future__ import annotations

import asyncio
import logging

from rumpgateway.core.gateway import Gateway
from rumpgateway.core.restore import restore
from rumpgateway.registry import Member, Registry
from rumpgateway.sessions import Sessions
from rumpuser.aio import settle
from rumpuser.component import KERNEL
from rumpuser.records import Records
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

REJOIN_S = 15.0
"""How long components that the predecessor had are waited for."""

log = logging.getLogger("rump.recovery")


class Recovery:
    """What a gateway does first where a predecessor has left records."""

    def __init__(self, records: Records, registry: Registry, gateway: Gateway, sessions: Sessions) -> None:
        self._records = records
        self._registry = registry
        self._gateway = gateway
        self._sessions = sessions
        self._before: dict[str, tuple[bytes, str, int]] = {name: v for name, v, _ in records.items("component")}
        self._awaited = set(self._before)
        self._others: set[str] = set()
        self._changed = asyncio.Event()
        registry.expected = {name: url for name, (_, url, _) in self._before.items()}

    @property
    def pids(self) -> dict[str, int]:
        """The components that the predecessor had, and their processes."""
        return {name: pid for name, (_, _, pid) in self._before.items()}

    @property
    def urls(self) -> list[str]:
        """Where the predecessor served clients."""
        return [url for _, url, _ in sorted(self._records.items("url"))]

    def serves(self, urls: list[str]) -> None:
        for number, url in enumerate(urls):
            self._records.put("url", number, url)

    def joined(self, member: Member) -> None:
        """A component is in the kernel."""
        if member.name in self._awaited:
            self._awaited.discard(member.name)
            if self._before[member.name][0] != member.instance:
                self._others.add(member.name)
        self._records.put("component", member.name, (member.instance, member.url, member.pid))
        self._changed.set()

    def succeed(self) -> None:
        """The predecessor hands over itself: nothing has to be brought back."""
        self._awaited.clear()
        self._registry.expected.clear()

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
        self._registry.expected.clear()
        restore(self._gateway)
        for name in self._awaited:
            self.left(name)
            self._gateway.lost(name)
        for name in self._others:
            await self._take_over(name)
        await self._sessions.restore()
        if "kern" in self._awaited | self._others:
            await self._check_processes()
        log.warning("back with %d sessions", len(self._sessions))

    async def _take_over(self, name: str) -> None:
        """A component is another process than before. It may have got back what that one had."""
        member = self._registry.members.get(name)
        try:
            if member is None:
                raise KernelError(Errno.ENOTCONN, "gone again")
            await self._registry.take_over(member)
        except KernelError as error:
            log.error("%s has nothing of what it had: %s", name, error)
            self._gateway.lost(name)

    async def _check_processes(self) -> None:
        """Ends the sessions of processes that kern does not know."""
        sessions = list(self._sessions)
        steps = [Step(OPS["getpgid"], (session.process.pid,)) for session in sessions]
        try:
            found = await settle(self._gateway.peer("kern").run(KERNEL, steps, True))
        except KernelError as error:
            found = [error] * len(steps)
        for session, outcome in zip(sessions, found, strict=True):
            if isinstance(outcome, KernelError):
                await self._sessions.end(session, "the session has ended: kern, which knew its process, has ended")

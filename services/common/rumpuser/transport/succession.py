"""Who serves a component's calls when its process has ended: the next one, as soon as it is ready.

A bus (`rumpgateway.registry`, `rumpuser.chassis.RemoteBus`) tells which components are being restarted, which serve,
and which are given up. Calls that come to nobody, and those that were under way and may be repeated
(`rumpuser.transport.gone`), wait here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rumpuser.component import Context, Peer
from rumpuser.pending import Pending, value_of
from rumpuser.transport.peer import RemotePeer
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

WAIT_S = 20.0
"""How long a call waits for a component that is being restarted."""
NOTICE_S = 1.0
"""A connection may be lost before its component is known to have ended. After so long it was the connection alone."""


class Succession:
    """The components of one bus that serve, or are to serve again."""

    def __init__(self) -> None:
        self._serving: dict[str, Any] = {}
        self._connections: dict[str, Any] = {}
        self.awaited: set[str] = set()
        self._failed: dict[str, str] = {}
        self._waiting: set[Pending[None]] = set()

    def serves(self, name: str, peer: Any, connection: Any = None) -> None:
        """A component can take calls. Its connection (the peer, where nothing stands before it) asks here when lost."""
        self._serving[name] = peer
        self._connections[name] = connection or peer
        if isinstance(self._connections[name], RemotePeer):
            self._connections[name].next = self._next
        self.awaited.discard(name)
        self._failed.pop(name, None)
        self._changed()

    def restarts(self, name: str) -> None:
        """Its process has ended, or will be: somebody else will serve."""
        self._serving.pop(name, None)
        self.awaited.add(name)
        self._failed.pop(name, None)

    def ends(self, name: str, why: str = "") -> None:
        """Nobody will serve; with a reason it was given up (EIO), else it is just not there (ENOSYS)."""
        self._serving.pop(name, None)
        self.awaited.discard(name)
        self._failed.pop(name, None)
        if why:
            self._failed[name] = why
        self._changed()

    def awaits(self, name: str) -> bool:
        return name in self.awaited

    def peer(self, name: str) -> Peer | None:
        """Who takes a call now: the component, or one that waits for it. EIO when it was given up."""
        found: Peer | None = self._serving.get(name)
        if found is not None:
            return found
        if name in self._failed:
            raise KernelError(Errno.EIO, f"{name} was given up: {self._failed[name]}", name)
        return Waiting(self, name) if name in self.awaited else None

    async def serving(self, name: str, instead_of: Any = None) -> Any:
        """The component, when it serves. EIO when it was given up, or does not come in time; EINTR."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            found = self._serving.get(name)
            same = self._connections.get(name) is instead_of
            if found is not None and (not same or loop.time() > begun + NOTICE_S):
                return found
            if found is None and name not in self.awaited:
                why = self._failed.get(name)
                errno = Errno.ENOTCONN if why is None else Errno.EIO
                raise KernelError(errno, f"{name} {'has ended' if why is None else f'was given up: {why}'}", name)
            left = begun + WAIT_S - loop.time()
            if left <= 0:
                raise KernelError(Errno.EIO, f"{name} did not serve again within {WAIT_S:.0f} s", name)
            await self._change(left if found is None else min(left, NOTICE_S / 10))

    async def _next(self, before: Any) -> Peer:
        peer: Peer = await self.serving(before.name, before)
        return peer

    async def _change(self, seconds: float) -> None:
        pending: Pending[None] = Pending()
        self._waiting.add(pending)
        timer = asyncio.get_running_loop().call_later(seconds, pending.resolve, None)
        try:
            await pending
        finally:
            timer.cancel()
            self._waiting.discard(pending)

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for pending in waiting:
            pending.resolve(None)


class Waiting:
    """In the place of a component that is being restarted."""

    def __init__(self, succession: Succession, name: str) -> None:
        self._succession = succession
        self.name = name

    async def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        peer = await self._succession.serving(self.name)
        return await value_of(peer.call(ctx, op, args))

    async def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        peer = await self._succession.serving(self.name)
        return await value_of(peer.run(ctx, steps, keep_going))

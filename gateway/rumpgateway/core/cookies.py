"""Children that wait for their clients: prefork has made the process, a cookie says who may be it.

A cookie is 128 random bits and works once. Children are kept by the digest of it, so that how long a look takes says
nothing about the cookies that there are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rumpgateway.core import life
from rumpgateway.core.process import Process
from rumpuser.pending import start
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway

WAIT_MS = 60_000
"""How long a prepared child waits for its client, and a session for the program that takes it over."""
WAIT_MAX_MS = 3_600_000
ORPHAN_NS = 5_000_000_000
"""How long a child outlives its parent unclaimed: daemons fork and leave before the child is there."""


def waiting_time(wait_ms: int) -> int:
    """How long to wait for a client, 0 for the usual time. EINVAL for longer than a kernel waits."""
    if not 0 <= wait_ms <= WAIT_MAX_MS:
        raise KernelError(Errno.EINVAL, f"to wait {wait_ms} ms; {WAIT_MAX_MS} are the longest", "gateway")
    return wait_ms or WAIT_MS


@dataclass(slots=True)
class Child:
    """A process without a client, until a moment of the monotonic clock."""

    cookie: bytes = field(repr=False)
    process: Process
    parent: int
    wait_ms: int
    until: int
    owner: object = None
    """The identity, of a policy, that may claim it."""
    disarm: Callable[[], None] = field(repr=False, default=lambda: None)


class Cookies:
    """All children that wait."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._children: dict[bytes, Child] = {}

    def __len__(self) -> int:
        return len(self._children)

    async def prefork(self, parent: Process, flags: int, wait_ms: int, owner: object = None) -> Child:
        """A child that is freed when nobody claims it in time. EINVAL, EAGAIN."""
        wait_ms = waiting_time(wait_ms)
        host = self._gateway.host
        process = await life.fork(self._gateway, parent, flags)
        until = host.monotonic_ns() + wait_ms * 1_000_000
        child = Child(host.entropy(16), process, parent.pid, wait_ms, until, owner)
        self._children[_digest(child.cookie)] = child
        self._arm(child, child.until)
        if parent.exited:
            self.parent_left(parent.pid)
        return child

    def claim(self, cookie: bytes, owner: object = None) -> Process:
        """The child of a cookie, which is worth nothing from then on. ESRCH, also for another identity."""
        child = self._children.get(_digest(cookie))
        if child is None or child.owner != owner or not hmac.compare_digest(child.cookie, cookie):
            raise KernelError(Errno.ESRCH, "no child waits for this cookie: wrong, used, or too late", "gateway")
        self._drop(child)
        return child.process

    async def cancel(self, cookie: bytes, owner: object = None) -> None:
        """Frees a child that nobody has claimed. ESRCH."""
        await life.leave(self._gateway, self.claim(cookie, owner), 0)

    def parent_left(self, pid: int) -> None:
        """The children of a process that has gone do not wait for long any more."""
        soon = self._gateway.host.monotonic_ns() + ORPHAN_NS
        for child in self._children.values():
            if child.parent == pid and child.until > soon:
                child.disarm()
                self._arm(child, soon)

    async def free_all(self) -> None:
        """The kernel ends."""
        for child in list(self._children.values()):
            self._drop(child)
            await life.leave(self._gateway, child.process, 0)

    def _arm(self, child: Child, until: int) -> None:
        child.until = until
        child.disarm = self._gateway.host.call_at(until, lambda: self._expire(child))

    def _expire(self, child: Child) -> None:
        self._drop(child)
        leaving: Any = life.leave(self._gateway, child.process, 0)
        start(leaving)

    def _drop(self, child: Child) -> None:
        del self._children[_digest(child.cookie)]
        child.disarm()


def _digest(cookie: bytes) -> bytes:
    return hashlib.sha256(cookie).digest()

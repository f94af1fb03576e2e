"""The bus of placements where all components live in one process: a call is a function call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rumpuser.component import Context, Peer
from rumpuser.pending import at_once
from rumpuser.workers import Waiting, waiter
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step


def not_running(name: str) -> KernelError:
    """What a call to a faction that is not there fails with, as in rump(3) without that component."""
    return KernelError(Errno.ENOSYS, f"the {name} faction is not running")


class Immediate:
    """A component of this process as a peer whose calls give values, never coroutines. EDEADLK; see `Bus.blocking`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        return at_once(self._peer.call(ctx, op, args))

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return at_once(self._peer.run(ctx, steps, keep_going))


class LocalBus:
    """Leads to the components themselves. ``components`` may gain and lose rows while it is in use."""

    def __init__(self, components: Mapping[str, Peer], gateway: Peer | None = None) -> None:
        self.components = components
        self.gateway = gateway

    def peer(self, name: str) -> Peer:
        peer = self.gateway if name == "gateway" else self.components.get(name)
        if peer is None:
            raise not_running(name)
        return peer

    def blocking(self, name: str) -> Peer:
        return blocking(self.peer(name))


def blocking(peer: Peer) -> Peer:
    """A component of this process for code that cannot await: it waits where it may, see `rumpuser.workers`."""
    who = waiter()
    return Immediate(peer) if who is None else Waiting(peer, who)

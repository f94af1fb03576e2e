"""The bus of placements where all components live in one process: a call is a function call."""

from __future__ import annotations

from collections.abc import Mapping

from rumpuser.component import Peer
from rumpwire.errno import Errno, KernelError


def not_running(name: str) -> KernelError:
    """What a call to a faction that is not there fails with, as in rump(3) without that component."""
    return KernelError(Errno.ENOSYS, f"the {name} faction is not running")


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

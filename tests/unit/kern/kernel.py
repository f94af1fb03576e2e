"""A kern component with a hand-turned clock, and the peers that a test gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpkern.component import KernComponent
from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import Running, start
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError


class Kern:
    """kern, and its bus. ``k.call(pid, name, *args)`` is done as far as it goes without waiting."""

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.host = ManualHost(seed=1)
        self.peers: dict[str, Any] = {}
        self.component = KernComponent(self.host, self, parameters or Parameters())
        self.peers["kern"] = self.component

    def peer(self, name: str) -> Any:
        if name not in self.peers:
            raise KernelError(Errno.ENOSYS, f"{name} is not running")
        return self.peers[name]

    def call(self, pid: int, name: str, *args: Any) -> Any:
        """The value, or the call that waits."""
        return start(self.component.call(Context(pid=pid), OPS[name], args))

    def guest(self) -> int:
        return int(self.call(0, "proc_create", "guest").pid)

    def user(self, uid: int = 1000) -> int:
        pid = self.guest()
        self.call(pid, "setuid", uid)
        return pid


class Faction(Component):
    """A peer that is nothing but a table."""

    def __init__(self, name: str, **handlers: Callable[..., Any]) -> None:
        self.name = name
        super().__init__()
        self.table |= {call: Entry(handler) for call, handler in handlers.items()}


def fails(call: Callable[..., Any], *args: Any) -> str:
    """The name of the errno that a call fails with, at once or when it goes on."""
    try:
        result = call(*args)
        if isinstance(result, Running):
            result.outcome.result()
    except KernelError as error:
        return error.name
    return f"no error, but {result!r}"

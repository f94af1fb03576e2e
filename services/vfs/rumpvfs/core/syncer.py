"""The syncer: writable file systems are written out at the latest some seconds after a change (syncer(9)).

Whoever is about to change a file calls `Mount.changed` (the read-only check of `access` does), which arms one timer for
the mount. What fails is logged and tried again. Nothing is armed for file systems that have nothing to write out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpuser.host import Host
from rumpvfs.core.gates import Gates
from rumpvfs.core.vnode import FileSystem
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpvfs.core.mount import Mount

DELAY_S = 30
"""syncdelay of the original."""
DELAY_MAX = 3600


class Syncer:
    """Timers of mounts that were changed. ``delay`` (seconds) is vfs.sync.delay."""

    def __init__(self, timers: Host, log: Callable[[str], None], gates: Gates) -> None:
        self.delay = DELAY_S
        self._timers = timers
        self._log = log
        self._gates = gates
        self._armed: dict[Mount, Callable[[], None]] = {}

    def watch(self, mount: Mount) -> None:
        if type(mount.fs).sync is not FileSystem.sync:
            mount.on_change = self._arm

    def forget(self, mount: Mount) -> None:
        """Before an unmount, which writes everything out itself."""
        mount.on_change = None
        disarm = self._armed.pop(mount, None)
        if disarm is not None:
            disarm()

    def _arm(self, mount: Mount) -> None:
        if mount in self._armed:
            return
        delay = 0 if mount.flags & const.MNT_SYNCHRONOUS else self.delay * 1_000_000_000
        self._armed[mount] = self._timers.call_at(self._timers.monotonic_ns() + delay, lambda: self._due(mount))

    def _due(self, mount: Mount) -> None:
        self._armed.pop(mount, None)
        if mount.fs.gates:
            self._timers.detach(lambda: self._gates.visit(lambda: self._write_out(mount)))
        else:
            self._write_out(mount)

    def _write_out(self, mount: Mount) -> None:
        if mount.fs.gates:
            self._gates.enter(mount.fs.gates)
        if not mount.dirty or mount.dead:
            return
        try:
            mount.flush()
        except KernelError as error:
            self._log(f"{mount.path.decode(errors='replace')} could not be written out, will be tried again: {error}")
            self._armed[mount] = self._timers.call_at(
                self._timers.monotonic_ns() + self.delay * 1_000_000_000, lambda: self._due(mount)
            )

"""The devices of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rumpuser.devices.port import FramePort, Receive
from rumpuser.devices.shmbus import ShmBus
from rumpuser.devices.tap import Tap
from rumpuser.polling import Polled


class Watcher(Protocol):
    """Who waits for devices; see `rumpuser.host.Host`."""

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]: ...

    def poll(self, device: Polled) -> Callable[[], None]: ...


class SystemPorts:
    """Implements `rumpuser.devices.port.Ports`."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def open_bus(self, path: bytes, receive: Receive) -> FramePort:
        bus = ShmBus(path, receive)
        bus.on_close = self._watcher.poll(bus)
        return bus

    def open_tap(self, name: str, receive: Receive, netns: str = "") -> FramePort:
        tap = Tap(name, receive, netns)
        tap.on_close = self._watcher.watch(tap.fileno(), tap.take)
        return tap

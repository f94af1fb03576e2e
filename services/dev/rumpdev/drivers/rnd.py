"""random and urandom (rnd(4)): bytes of the host's entropy. What is written to them is taken and not used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpdev.core.device import Device, Driver
from rumpuser.host import Buffer, Host
from rumpuser.module import Manifest, Module
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

UNITS = ("random", "urandom")
"""By minor. The host's generator is seeded, so that neither waits."""
READ_MAX = 1 << 20
"""One read gives at most this much."""


class Random(Device):
    """An opened random or urandom."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def read(self, offset: int, length: int) -> Buffer:
        return self._host.entropy(min(length, READ_MAX))

    def write(self, offset: int, data: Buffer) -> int:
        return memoryview(data).nbytes

    def available(self) -> int:
        return READ_MAX


class RndDriver(Driver):
    """Major 46."""

    name = "rnd"
    cmajor = const.MAJOR_RND

    def __init__(self, host: Host) -> None:
        self._host = host

    def units(self) -> list[str]:
        return list(UNITS)

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        if minor >= len(UNITS):
            raise KernelError(Errno.ENXIO, f"there is no random device {minor}")
        return Random(self._host)


class RndModule(Module):
    """The driver as a module."""

    manifest = Manifest("rnd", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        component.attach(RndDriver(component.host))

    def fini(self, component: Any) -> None:
        """EBUSY while a device is open."""
        component.detach("rnd")


MODULE = RndModule()

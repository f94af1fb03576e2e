"""Limits of asynchronous I/O: nodes of the sysctl tree here, seen to by the gateway, whose descriptors it is about."""

from __future__ import annotations

from typing import Any

from rumpuser.component import KERNEL, Bus
from rumpuser.pending import start
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError

VERSION = 200112
"""Of POSIX, whose asynchronous I/O this is (_POSIX_ASYNCHRONOUS_IO)."""


class AioLimits:
    """How many requests a process and a list may have (``listio_max``), and all processes together (``most``)."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.listio_max = const.AIO_LISTIO_MAX
        self.most = const.AIO_MAX

    def set_listio_max(self, value: int) -> Any:
        """EINVAL."""
        if not 1 <= value <= self.most:
            raise KernelError(Errno.EINVAL, f"kern.aio_listio_max is 1 to kern.aio_max, {self.most}")
        self.listio_max = value
        return self._tell()

    def set_most(self, value: int) -> Any:
        """EINVAL."""
        if value < self.listio_max:
            raise KernelError(Errno.EINVAL, f"kern.aio_max is at least kern.aio_listio_max, {self.listio_max}")
        self.most = value
        return self._tell()

    def _tell(self) -> Any:
        try:
            return start(self._bus.peer("gateway").call(KERNEL, calls.AIO_LIMITS_SET, (self.listio_max, self.most)))
        except KernelError:
            return None  # without a gateway there are no requests

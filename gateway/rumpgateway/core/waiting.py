"""What poll and kevent have in common: times to wait, and objects that are elsewhere than their descriptors say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rumpgateway.core.descriptors import Description
from rumpuser.component import KERNEL
from rumpuser.pending import value_of
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Timespec

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway


async def find_devices(gateway: Gateway, descriptions: Iterable[Description | None]) -> None:
    """Asks vfs, once for each, which of its open files are devices: those are asked where they are."""
    unknown = [d for d in descriptions if d is not None and d.device is None and d.owner == "vfs"]
    if unknown:
        handles = [d.handle for d in unknown]
        found = await value_of(gateway.peer("vfs").call(KERNEL, calls.DEVICE_OF, (handles,)))
        for description, device in zip(unknown, found, strict=True):
            description.device = device


LONGEST = 1 << 31
"""Seconds; who waits longer waits for ever. Hosts do not take timers of any length."""


def timeout_ns(time: Timespec | None) -> int | None:
    """EINVAL."""
    if time is None or time.tv_sec > LONGEST:
        return None
    if time.tv_sec < 0 or not 0 <= time.tv_nsec < 10**9:
        raise KernelError(Errno.EINVAL, f"not a time to wait: {time}")
    return time.tv_sec * 10**9 + time.tv_nsec

"""The components of the product, by name; imported when they are wanted, so that a small kernel starts quickly."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from rumpuser.component import Bus, Component, Parameters
from rumpuser.host import Host
from rumpwire.errno import Errno, KernelError

_CLASSES = {
    "kern": ("rumpkern.component", "KernComponent"),
    "vfs": ("rumpvfs.component", "VfsComponent"),
    "net": ("rumpnet.component", "NetComponent"),
    "dev": ("rumpdev.component", "DevComponent"),
}


def make(name: str, host: Host, bus: Bus, parameters: Parameters) -> Component:
    """A component of this process. EINVAL for a name that no faction has."""
    if name not in _CLASSES:
        raise KernelError(Errno.EINVAL, f"there is no faction {name!r}; there are {', '.join(_CLASSES)}")
    module, cls = _CLASSES[name]
    made: Any = getattr(importlib.import_module(module), cls)(host, bus, parameters)
    assert isinstance(made, Component)
    return made


def stop_order(names: Iterable[str]) -> list[str]:
    """Those first that stand on others: vfs writes to disks of dev, and all ask kern."""
    present = set(names)
    return [name for name in ("vfs", "net", "dev", "kern") if name in present]

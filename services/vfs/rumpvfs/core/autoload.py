"""File system types by name; one that is not there is asked of kern, which loads the module of that name."""

from __future__ import annotations

from rumpuser.component import KERNEL
from rumpuser.pending import ENDED, value_of
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import FileSystemType
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ModctlLoad


async def find_type(vfs: Vfs, name: str) -> FileSystemType:
    """A file system type, its module loaded if need be (kern.module.autoload). ENODEV with kern's reason; EINTR."""
    types = vfs.mounts.types
    reason = ""
    if name not in types:
        reason = await _load(vfs, name)
    if name not in types:
        raise KernelError(Errno.ENODEV, f"file system {name!r} is not known{reason}")
    return types[name]


async def _load(vfs: Vfs, name: str) -> str:
    """Asks for the module; why that failed, as the end of a sentence."""
    load = ModctlLoad(name, 0, {})
    try:
        kern = vfs.bus.peer("kern")
        await value_of(kern.call(KERNEL, OPS["modctl"], (const.MODCTL_LOAD, load, None, None)))
    except KernelError as error:
        if error.errno in ENDED:
            raise
        return f": {error.text or error.name}"
    return ""

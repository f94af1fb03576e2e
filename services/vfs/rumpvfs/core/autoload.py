"""File system types by name; one that is not there is asked of kern, which loads the module of that name."""

from __future__ import annotations

from rumpuser.autoload import autoload
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import FileSystemType
from rumpwire.errno import Errno, KernelError


async def find_type(vfs: Vfs, name: str) -> FileSystemType:
    """A file system type, its module loaded if need be (kern.module.autoload). ENODEV with kern's reason; EINTR."""
    types = vfs.mounts.types
    reason = ""
    if name not in types:
        reason = await autoload(vfs.bus, name)
    if name not in types:
        raise KernelError(Errno.ENODEV, f"file system {name!r} is not known{reason}")
    return types[name]

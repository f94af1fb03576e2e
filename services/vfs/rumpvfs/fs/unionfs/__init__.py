"""union (mount_union(8)): one tree out of two; what is changed is written into the upper one.

The directory that fspec names is the upper tree, the one that is mounted on the lower; with the option ``below`` it is
the other way round. The lower tree is never changed, so it may be read-only.
"""

from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest
from rumpvfs.fs.layerfs.layer import accepts
from rumpvfs.fs.unionfs.filesystem import UnionFileSystem
from rumpwire.errno import Errno, KernelError


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL for other options, or when both trees are one."""
    if set(request.options) - {"below"} or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "union takes a directory and the option below")
    if request.directory is None or request.covered is None or request.names is None:
        raise KernelError(Errno.EINVAL, "union needs a directory")
    upper, lower = request.directory, request.covered
    if request.options.get("below", "0") not in ("0", "false"):
        upper, lower = lower, upper
    if upper is lower:
        raise KernelError(Errno.EINVAL, "both trees are one")
    return UnionFileSystem(upper, lower, request.names)


FILE_SYSTEM = FileSystemType("union", mount, needs_device=False, needs_directory=True)

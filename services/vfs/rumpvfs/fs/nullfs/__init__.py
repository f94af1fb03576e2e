"""nullfs (mount_null(8)): a tree shown at a second place."""

from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest
from rumpvfs.fs.layerfs.layer import LayerFileSystem, no_options


class NullFileSystem(LayerFileSystem):
    type_name = "nullfs"


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    no_options(request, "nullfs")
    return NullFileSystem(request)


FILE_SYSTEM = FileSystemType("nullfs", mount, needs_device=False, needs_directory=True)

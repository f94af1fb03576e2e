"""nfs: files of an NFS server, by NFS version 3 over TCP (RFC 1813), through whatever sockets the kernel has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.module import Manifest, Module
from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest
from rumpvfs.fs.nfs.volume import NfsFileSystem

if TYPE_CHECKING:
    from rumpvfs.component import VfsComponent


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for options, what net says of the server's address, and what the server says of the path."""
    return NfsFileSystem(request, env)


FILE_SYSTEM = FileSystemType("nfs", mount, needs_device=False, slow=True)


class NfsModule(Module):
    """The file system nfs."""

    manifest = Manifest("nfs", "vfs", "vfs")

    def init(self, component: VfsComponent, props: dict[str, str]) -> None:
        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: VfsComponent) -> None:
        """EBUSY while one is mounted."""
        component.remove_filesystem("nfs")


MODULE = NfsModule()

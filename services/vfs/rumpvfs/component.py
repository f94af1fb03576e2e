"""The file system faction as a component: file systems, files, mounts."""

from __future__ import annotations

from rumpuser.component import Bus, Component, Parameters
from rumpuser.host import Host
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import FileSystemType
from rumpvfs.fs.tmpfs import FILE_SYSTEM as TMPFS
from rumpvfs.syscalls import syscalls


class VfsComponent(Component):
    """vfs. Its root file system is a tmpfs with ``/dev`` and ``/tmp``."""

    name = "vfs"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.vfs = Vfs(host, bus, parameters, TMPFS)
        self.table.update(syscalls(self))

    def add_filesystem(self, kind: FileSystemType) -> None:
        """For modules: a type that mount knows from now on. EEXIST."""
        self.vfs.mounts.add_type(kind)

    def remove_filesystem(self, name: str) -> None:
        """ENOENT, EBUSY while one is mounted."""
        self.vfs.mounts.remove_type(name)

    def stop(self) -> None:
        """Writes everything out and unmounts it, closes the host files. EIO when something could not be written."""
        self.vfs.files.clear()
        failure = self.vfs.mounts.stop()
        self.vfs.etfs.close()
        if failure is not None:
            raise failure

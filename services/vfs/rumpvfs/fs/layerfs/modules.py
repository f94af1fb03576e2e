"""File systems without a disk as modules; each is imported when its module is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rumpuser.module import Manifest, Module


class FileSystemModule(Module):
    """A module that offers one file system: ``FILE_SYSTEM`` of its package."""

    def __init__(self, name: str, package: str) -> None:
        self.manifest = Manifest(name, "vfs", "vfs")
        self._package = package

    def init(self, component: Any, props: dict[str, str]) -> None:
        component.add_filesystem(import_module(self._package).FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem(self.manifest.name)


NULLFS = FileSystemModule("nullfs", "rumpvfs.fs.nullfs")
UMAPFS = FileSystemModule("umapfs", "rumpvfs.fs.umapfs")
UNION = FileSystemModule("union", "rumpvfs.fs.unionfs")
KERNFS = FileSystemModule("kernfs", "rumpvfs.fs.kernfs")
PROCFS = FileSystemModule("procfs", "rumpvfs.fs.procfs")
PTYFS = FileSystemModule("ptyfs", "rumpvfs.fs.ptyfs")
FDESC = FileSystemModule("fdesc", "rumpvfs.fs.fdesc")
RUMPFS = FileSystemModule("rumpfs", "rumpvfs.fs.rumpfs")

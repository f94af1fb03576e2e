"""tmpfs as a module. It is the root file system too, so it is there from the start; this adds it where it is not."""

from __future__ import annotations

from typing import Any

from rumpuser.module import Manifest, Module
from rumpvfs.fs.tmpfs import FILE_SYSTEM


class TmpfsModule(Module):
    manifest = Manifest("tmpfs", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem(FILE_SYSTEM.name)


MODULE = TmpfsModule()

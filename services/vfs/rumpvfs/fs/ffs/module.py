"""ffs as a module."""

from __future__ import annotations

from typing import Any

from rumpuser.module import Manifest, Module


class FfsModule(Module):
    manifest = Manifest("ffs", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        from rumpvfs.fs.ffs import FILE_SYSTEM

        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem("ffs")


MODULE = FfsModule()

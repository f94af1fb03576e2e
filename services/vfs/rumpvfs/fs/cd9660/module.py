"""ISO 9660 as a module."""

from __future__ import annotations

from typing import Any

from rumpuser.module import Manifest, Module


class Cd9660Module(Module):
    manifest = Manifest("cd9660", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        from rumpvfs.fs.cd9660 import FILE_SYSTEM

        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem("cd9660")


MODULE = Cd9660Module()

"""FAT12, FAT16 and FAT32 as a module, by the original's name."""

from __future__ import annotations

from typing import Any

from rumpuser.module import Manifest, Module


class MsdosModule(Module):
    manifest = Manifest("msdos", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        from rumpvfs.fs.msdosfs import FILE_SYSTEM

        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem("msdos")


MODULE = MsdosModule()

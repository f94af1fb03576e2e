"""ext2, ext3 and ext4 as a module."""

from __future__ import annotations

from typing import Any

from rumpuser.module import Manifest, Module


class Ext2fsModule(Module):
    manifest = Manifest("ext2fs", "vfs", "vfs")

    def init(self, component: Any, props: dict[str, str]) -> None:
        from rumpvfs.fs.ext2fs import FILE_SYSTEM

        component.add_filesystem(FILE_SYSTEM)

    def fini(self, component: Any) -> None:
        component.remove_filesystem("ext2fs")


MODULE = Ext2fsModule()

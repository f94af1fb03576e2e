"""The writable file systems, and layers over them, that one body of tests runs over: kits with one at ``/m``."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rumpuser.hostfiles import SystemFiles
from rumpvfs.fs.exfatfs.module import MODULE as EXFAT
from rumpvfs.fs.ext2fs.module import MODULE as EXT2FS
from rumpvfs.fs.ffs.module import MODULE as FFS
from rumpvfs.fs.msdosfs.module import MODULE as MSDOS
from rumpvfs.fs.nullfs import FILE_SYSTEM as NULLFS
from rumpvfs.fs.umapfs import FILE_SYSTEM as UMAPFS
from rumpvfs.fs.unionfs import FILE_SYSTEM as UNION
from rumpwire import const
from rumpwire.values import DiskArgs, OptionArgs
from tests.tools import need
from tests.unit.vfs import ffs_check
from tests.unit.vfs.kit import Kit, MemoryFiles

SIZE = 4 << 20
DISKS = {
    "ext2": ("ext2fs", {"type": "ext2"}),
    "ext4": ("ext2fs", {"type": "ext4"}),
    "ffs1": ("ffs", {"version": "1"}),
    "ffs2": ("ffs", {"version": "2"}),
    "msdos": ("msdos", {}),
    "exfat": ("exfat", {}),
}
FAT = ("msdos", "exfat")
LAYERS = {
    "null-tmpfs": ("tmpfs", "nullfs", {}),
    "null-ffs2": ("ffs2", "nullfs", {}),
    "umap-ext4": ("ext4", "umapfs", {"uids": "0:0,1:1,2:2", "gids": "0:0,1:1,2:2"}),
    "union-tmpfs": ("tmpfs", "union", {}),
}
ALL = ("tmpfs", "rumpfs", *DISKS, *LAYERS, "hostfs")
TYPED = tuple(name for name in ALL if name not in FAT and (name != "hostfs" or os.geteuid() == 0))
"""Those with owners, modes, links and files of all kinds; on the host only root gives files away."""


def kit_with(files: Any) -> Kit:
    k = Kit(files)
    for module in (EXT2FS, FFS, MSDOS, EXFAT):
        module.init(k.component, {})
    for kind in (NULLFS, UMAPFS, UNION):
        k.component.add_filesystem(kind)
    return k


@functools.cache
def image(name: str) -> bytes:
    """A new file system."""
    kind, options = DISKS[name]
    files = MemoryFiles(disk=bytes(SIZE))
    k = kit_with(files)
    k.etfs_register(b"/disk", b"disk", const.RUMP_ETFS_BLK)
    k.newfs(kind, b"/disk", dict(options), b"")
    return bytes(files.files[b"disk"])


@contextmanager
def mounted(name: str) -> Iterator[Kit]:
    if name == "hostfs":
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            k = kit_with(SystemFiles())
            k.etfs_register(b"/m", folder.encode(), const.RUMP_ETFS_DIR_SUBDIRS)
            yield k
            k.component.stop()
        return
    base, layer, options = LAYERS.get(name, (name, "", {}))
    k = kit_with(MemoryFiles(disk=image(base)) if base in DISKS else MemoryFiles())
    k.mkdir(b"/m", 0o755)
    place = b"/m" if not layer else b"/low"
    if layer:
        k.mkdir(b"/low", 0o755)
    if base in DISKS:
        k.etfs_register(b"/disk", b"disk", const.RUMP_ETFS_BLK)
        k.mount(DISKS[base][0], place, 0, DiskArgs(b"/disk"))
    elif base == "tmpfs":
        k.mount("tmpfs", place, 0, None)
    else:
        assert base == "rumpfs"  # the root
    if layer == "union":
        k.mkdir(b"/up", 0o755)
        k.mount("tmpfs", b"/up", 0, None)
        k.mount("nullfs", b"/m", 0, DiskArgs(b"/low"))
        k.mount("union", b"/m", 0, DiskArgs(b"/up"))
    elif layer:
        k.mount(layer, b"/m", 0, OptionArgs(b"/low", dict(options)) if options else DiskArgs(b"/low"))
    yield k
    k.component.stop()
    if base in DISKS:
        judge(base, bytes(k.files.files[b"disk"]))


def judge(name: str, written: bytes) -> None:
    """What a fsck that is not ours says of the image."""
    if DISKS[name][0] == "ffs":
        assert ffs_check.check(written) == []
        return
    command = {"ext2fs": ("e2fsck", "-fn"), "msdos": ("fsck.fat", "-n"), "exfat": ("fsck.exfat", "-n")}[DISKS[name][0]]
    with tempfile.NamedTemporaryFile() as file:
        file.write(written)
        file.flush()
        done = subprocess.run([need(command[0]), *command[1:], file.name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""ext2, ext3 and ext4, for reading.

From the bottom: `checksum`; the structures on the disk, one file each (`superblock`, `group`, `inode`, `blockmap` and
`extents`, `dirent`, `htree` with its `hashes`, `xattr`, `journal`); `storage` reads blocks through the overlay that
recovery leaves; `volume` is the open file system without vnodes; `directory` finds and lists names; `driver` is what
vfs sees.

An image may say anything. Every structure is checked when it is parsed; a chain, tree or list is followed no longer
than the image is large; caches have limits of their own. What does not fit is EIO (or EINVAL, EOPNOTSUPP at mount).
"""

from __future__ import annotations

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe
from .newfs import newfs

FILE_SYSTEM = FileSystemType(name="ext2fs", mount=mount, probe=probe, newfs=newfs)

__all__ = ["FILE_SYSTEM"]

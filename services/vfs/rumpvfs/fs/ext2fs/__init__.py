"""ext2, ext3 and ext4.

From the bottom, reading: `checksum`; the structures on the disk, one file each (`superblock`, `group`, `inode`,
`blockmap` and `extents`, `dirent`, `htree` with its `hashes`, `xattr`, `journal`); `storage` reads blocks through the
overlay that recovery leaves; `volume` is the open file system without vnodes; `directory` finds and lists names.

Writing: `transaction` has what is changed and is not committed yet, `log` writes it to the journal; `allocator` with
its `bitmap` has what is free; `extenttree` and `indirect` change maps (`mapping` is what both are), `content` writes
files, `entries` changes directories (`leaf`, `hashindex`), `inlinedata` those in an inode, `xattrwrite` attributes;
`orphans` is the list of files without names; `quotas` (with `quotafile`)
says who may have how much; `writer` holds all that together beside the `Volume`.

Vnodes: `nodes`, `filenode`, `dirnode`. `driver` is what vfs sees. `newfs` makes a
file system.

An image may say anything. Every structure is checked when it is parsed; a chain, tree or list is followed no longer
than the image is large; caches have limits of their own. What does not fit is EIO (or EINVAL, EOPNOTSUPP at mount).
"""

from __future__ import annotations

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe
from .newfs import newfs

FILE_SYSTEM = FileSystemType(name="ext2fs", mount=mount, probe=probe, newfs=newfs)

__all__ = ["FILE_SYSTEM"]

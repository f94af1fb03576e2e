"""ISO 9660 with Rock Ridge and Joliet: reading volumes, and making them.

From the bottom: `records` (directory records, dates), `descriptors`, `names`, `susp` (system use entries and Rock
Ridge); `volume` is the open volume without vnodes; `contents` and `attributes` of files; `driver` is what vfs sees.
`mastering` makes a volume from a tree.

An image may say anything: every structure is checked when it is parsed, and no chain is followed without limit. What
does not fit is EIO (EINVAL, EOPNOTSUPP at mount).
"""

from __future__ import annotations

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe
from .mastering import newfs

FILE_SYSTEM = FileSystemType(name="cd9660", mount=mount, probe=probe, newfs=newfs, newfs_fills=True)

__all__ = ["FILE_SYSTEM"]

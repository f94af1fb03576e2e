"""UDF (ECMA-167 as OSTA UDF 1.02 to 2.60 narrows it), for reading.

From the bottom: `tags` (descriptor tags, strings, times), `recognition` (anchors and volume descriptors), `partitions`,
`allocation` and `contents`, `entry` (inodes), `directory`; `volume` is the open volume without vnodes; `driver` is
what vfs sees.

An image may say anything: descriptors are taken only with sound checksums, and chains are followed to a limit. What
does not fit is EIO (or EINVAL, EOPNOTSUPP at mount).
"""

from __future__ import annotations

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe

FILE_SYSTEM = FileSystemType(name="udf", mount=mount, probe=probe)

__all__ = ["FILE_SYSTEM"]

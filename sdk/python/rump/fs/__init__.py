"""rump.fs: files of images and of mounted file systems, by path.

    with rump.fs.open_image("disk.img", partition=1) as image:
        image.copy_in("build/root", "/")
        image.write_text("/etc/motd", "hello")
        print(image.listdir("/etc"), image.df())

The same on a file system that a running kernel has mounted: ``rump.fs.Tree(k, "/mnt")``.

Copies (`Tree.copy_in`, `Tree.copy_out`, `Tree.copytree`) keep modes, times to the nanosecond, symbolic and hard links,
holes, extended attributes, devices and fifos; owners where the caller is root, or wanted with ``owners=True``. What a
file system has no room for is left out and named in `Copied.lost`. A file appears under its name when it is complete;
what was being written when a copy was killed bears a name that begins with ``.rump-part-``.
"""

from __future__ import annotations

from rump.fs._disk import open_disk, partitions, type_of
from rump.fs._image import Image, open_image
from rump.fs._newfs import newfs
from rump.fs._node import Copied, Kept, Progress
from rump.fs._probe import probe
from rump.fs._tree import Tree
from rump.fs._walk import DirEntry
from rumpuser.disk.partitions import Partition

__all__ = [
    "Copied", "DirEntry", "Image", "Kept", "Partition", "Progress", "Tree", "newfs", "open_disk",
    "open_image", "partitions", "probe", "type_of",
]  # fmt: skip

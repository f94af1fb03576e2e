"""msdosfs: FAT12, FAT16 and FAT32 with long names (mount_msdos(8))."""

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe
from .newfs import newfs

FILE_SYSTEM = FileSystemType("msdos", mount, probe=probe, newfs=newfs)

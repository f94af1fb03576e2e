"""exFAT."""

from rumpvfs.core.vnode import FileSystemType

from .driver import mount, probe
from .newfs import newfs

FILE_SYSTEM = FileSystemType("exfat", mount, probe=probe, newfs=newfs)

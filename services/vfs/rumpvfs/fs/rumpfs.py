"""rumpfs: the name that the root file system has in the original; here it is a tmpfs."""

from dataclasses import replace

from rumpvfs.fs.tmpfs import FILE_SYSTEM as TMPFS

FILE_SYSTEM = replace(TMPFS, name="rumpfs")

"""ffs: the Berkeley fast file system, UFS1 and UFS2 in both byte orders."""

from rumpvfs.fs.ffs.driver import FILE_SYSTEM as FILE_SYSTEM

"""tmpfs: files in memory."""

from rumpvfs.fs.tmpfs.tmpfs import FILE_SYSTEM as FILE_SYSTEM
from rumpvfs.fs.tmpfs.tmpfs import Tmpfs as Tmpfs

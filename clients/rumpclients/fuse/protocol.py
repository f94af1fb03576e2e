"""The FUSE protocol, version 7.31, as `linux/fuse.h` describes it: numbers, and records in the host's byte order."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

MAJOR, MINOR = 7, 31
ROOT = 1
"""Number of the root of a file system."""
MAX_WRITE = 1 << 20
MAX_PAGES = 256
HEADER = struct.Struct("=IIQQIIII")
REPLY = struct.Struct("=IiQ")
_MASK = (1 << 64) - 1
_SECOND = 10**9


class Op(enum.IntEnum):
    """What the host asks for."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    SETXATTR = 21
    GETXATTR = 22
    LISTXATTR = 23
    REMOVEXATTR = 24
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    FSYNCDIR = 30
    GETLK = 31
    SETLK = 32
    SETLKW = 33
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42
    FALLOCATE = 43
    READDIRPLUS = 44
    RENAME2 = 45
    LSEEK = 46
    SYNCFS = 50


class Init(enum.IntFlag):
    """What both sides agree on."""

    ASYNC_READ = 1 << 0
    POSIX_LOCKS = 1 << 1
    ATOMIC_O_TRUNC = 1 << 3
    BIG_WRITES = 1 << 5
    FLOCK_LOCKS = 1 << 10
    AUTO_INVAL_DATA = 1 << 12
    DO_READDIRPLUS = 1 << 13
    READDIRPLUS_AUTO = 1 << 14
    ASYNC_DIO = 1 << 15
    NO_OPEN_SUPPORT = 1 << 17
    PARALLEL_DIROPS = 1 << 18
    MAX_PAGES = 1 << 22
    CACHE_SYMLINKS = 1 << 23


class Set(enum.IntFlag):
    """Attributes that a SETATTR changes."""

    MODE = 1 << 0
    UID = 1 << 1
    GID = 1 << 2
    SIZE = 1 << 3
    ATIME = 1 << 4
    MTIME = 1 << 5
    FH = 1 << 6
    ATIME_NOW = 1 << 7
    MTIME_NOW = 1 << 8


CACHE_DIR = 1 << 3
"""Answer to OPENDIR: what was listed is good until the host changes it."""
KEEP_CACHE = 1 << 1
"""Answer to OPEN: pages of the file that are in the host's cache are still good."""
WITH_FH = 1
"""GETATTR is about an open file."""
DATA_ONLY = 1
"""FSYNC need not write attributes."""
NOREPLACE = 1
"""RENAME2: what is there stays."""
LK_FLOCK = 1
"""SETLK is flock(2)."""
KEEP_SIZE, PUNCH_HOLE = 1, 2
"""FALLOCATE."""

ACCESS_IN = struct.Struct("=II")
CREATE_IN = struct.Struct("=IIII")
FALLOCATE_IN = struct.Struct("=QQQII")
FLUSH_IN = struct.Struct("=QIIQ")
FORGET_IN = struct.Struct("=Q")
FORGET_ONE = struct.Struct("=QQ")
FSYNC_IN = struct.Struct("=QII")
GETATTR_IN = struct.Struct("=IIQ")
INTERRUPT_IN = struct.Struct("=Q")
INIT_IN = struct.Struct("=IIII")
LINK_IN = struct.Struct("=Q")
LK_IN = struct.Struct("=QQQQIIII")
LSEEK_IN = struct.Struct("=QQII")
MKDIR_IN = struct.Struct("=II")
MKNOD_IN = struct.Struct("=IIII")
OPEN_IN = struct.Struct("=II")
READ_IN = struct.Struct("=QQIIQII")
RELEASE_IN = struct.Struct("=QIIQ")
RENAME_IN = struct.Struct("=Q")
RENAME2_IN = struct.Struct("=QII")
SETATTR_IN = struct.Struct("=IIQQQQQQIIIIIIII")
WRITE_IN = struct.Struct("=QQIIQII")
XATTR_IN = struct.Struct("=II")

ATTR_OUT = struct.Struct("=QII")
ENTRY_OUT = struct.Struct("=QQQQII")
INIT_OUT = struct.Struct("=IIIIHHIIHHI28x")
LK_OUT = struct.Struct("=QQII")
LSEEK_OUT = struct.Struct("=Q")
OPEN_OUT = struct.Struct("=QII")
STATFS_OUT = struct.Struct("=QQQQQIII28x")
WRITE_OUT = struct.Struct("=II")
XATTR_OUT = struct.Struct("=II")
_ATTR = struct.Struct("=QQQQQQIIIIIIIIII")
_DIRENT = struct.Struct("=QQII")


class Request(NamedTuple):
    """One thing that the host asks for; ``body`` is what follows the header."""

    op: int
    unique: int
    nodeid: int
    uid: int
    gid: int
    pid: int
    body: memoryview

    def name(self, at: int = 0) -> bytes:
        """The name that ends the body from ``at`` on."""
        return bytes(self.body[at:]).split(b"\0", 1)[0]

    def names(self, at: int = 0) -> tuple[bytes, bytes]:
        first, second = bytes(self.body[at:]).split(b"\0")[:2]
        return first, second


class Attributes(NamedTuple):
    """Attributes as the host wants them; times are nanoseconds."""

    ino: int
    size: int
    blocks: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    nlink: int
    uid: int
    gid: int
    rdev: int
    blksize: int

    def emit(self) -> bytes:
        ino, size, blocks, atime, mtime, ctime, mode, nlink, uid, gid, rdev, blksize = self
        return _ATTR.pack(
            ino, size, blocks, atime // _SECOND & _MASK, mtime // _SECOND & _MASK, ctime // _SECOND & _MASK,
            atime % _SECOND, mtime % _SECOND, ctime % _SECOND, mode, nlink, uid, gid, rdev & 0xFFFFFFFF, blksize, 0,
        )  # fmt: skip


def parse_request(data: memoryview) -> Request:
    _, op, unique, nodeid, uid, gid, pid, _ = HEADER.unpack_from(data)
    return Request(op, unique, nodeid, uid, gid, pid, data[HEADER.size :])


def dirent(ino: int, offset: int, kind: int, name: bytes) -> bytes:
    """An entry of a directory; ``offset`` is where to go on behind it."""
    return _DIRENT.pack(ino, offset, len(name), kind) + name + bytes(-len(name) % 8)

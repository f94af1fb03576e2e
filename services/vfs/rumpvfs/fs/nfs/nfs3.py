"""NFS version 3 (RFC 1813), MOUNT version 3 and the port mapper: what is in the messages."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, VType
from rumpvfs.fs.nfs.rpc import Procedure
from rumpvfs.fs.nfs.xdr import Packer, Unpacker
from rumpwire import const
from rumpwire.errno import Errno, KernelError

NFS, MOUNT, PORTMAP = 100003, 100005, 100000
PMAPPORT = 111
FHSIZE = 64
"""Longest file handle."""
NAME_MAX = 255
PATH_MAX = 1024
VERIFIER = 8
UNSTABLE, DATA_SYNC, FILE_SYNC = 0, 1, 2
UNCHECKED, GUARDED, EXCLUSIVE = 0, 1, 2
TCP = 6

_NUMBERS = {
    "GETATTR": 1, "SETATTR": 2, "LOOKUP": 3, "ACCESS": 4, "READLINK": 5, "READ": 6, "WRITE": 7, "CREATE": 8, "MKDIR": 9,
    "SYMLINK": 10, "MKNOD": 11, "REMOVE": 12, "RMDIR": 13, "RENAME": 14, "LINK": 15, "READDIR": 16, "READDIRPLUS": 17,
    "FSSTAT": 18, "FSINFO": 19, "PATHCONF": 20, "COMMIT": 21,
}  # fmt: skip
PROCEDURES = {name: Procedure(NFS, 3, number) for name, number in _NUMBERS.items()}
MNT, UMNT = Procedure(MOUNT, 3, 1), Procedure(MOUNT, 3, 3)
GETPORT = Procedure(PORTMAP, 2, 3)

_TYPES = (VType.REG, VType.DIR, VType.BLK, VType.CHR, VType.LNK, VType.SOCK, VType.FIFO)
TYPE_NUMBERS = {vtype: number for number, vtype in enumerate(_TYPES, 1)}
JUKEBOX = 10008
_ERRORS = {
    10001: Errno.ESTALE, 10002: Errno.EINVAL, 10003: Errno.EINVAL, 10004: Errno.EOPNOTSUPP, 10005: Errno.EINVAL,
    10006: Errno.EIO, 10007: Errno.EINVAL, JUKEBOX: Errno.EAGAIN,
}  # fmt: skip
_PLAIN = {1, 2, 5, 6, 13, 17, 18, 19, 20, 21, 22, 27, 28, 30, 31, 63, 66, 69, 70, 71}
"""Status numbers that are NetBSD's errno."""
_FATTR = struct.Struct(">IIIIIQQIIQQIIIIII")


class Fattr(NamedTuple):
    """Attributes of a file; times in nanoseconds."""

    vtype: VType
    mode: int
    nlink: int
    uid: int
    gid: int
    size: int
    used: int
    rdev: int
    fsid: int
    fileid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int


def check(status: int) -> None:
    """The errno of a status."""
    if status:
        errno = status if status in _PLAIN else _ERRORS.get(status, Errno.EIO)
        raise KernelError(errno, f"the NFS server says {status}", "vfs")


def fattr(body: Unpacker) -> Fattr:
    kind, mode, nlink, uid, gid, size, used, major, minor, fsid, fileid, *times = _FATTR.unpack(body.fixed(_FATTR.size))
    if not 1 <= kind <= len(_TYPES):
        raise KernelError(Errno.EBADRPC, f"a file of kind {kind}")
    atime, mtime, ctime = (times[i] * 10**9 + times[i + 1] for i in (0, 2, 4))
    rdev = const.makedev(major & 0xFFF, minor & 0xFFFFF)
    return Fattr(_TYPES[kind - 1], mode & 0o7777, nlink, uid, gid, size, used, rdev, fsid, fileid, atime, mtime, ctime)


def post_op(body: Unpacker) -> Fattr | None:
    return fattr(body) if body.boolean() else None


def wcc(body: Unpacker) -> Fattr | None:
    """The attributes after a change; those before it are not used."""
    if body.boolean():
        body.fixed(24)
    return post_op(body)


def handle(body: Unpacker) -> bytes:
    found = bytes(body.opaque(FHSIZE))
    if not found:
        raise KernelError(Errno.EBADRPC, "an empty file handle")
    return found


def post_op_handle(body: Unpacker) -> bytes | None:
    return handle(body) if body.boolean() else None


def sattr(packer: Packer, changes: Changes) -> Packer:
    """sattr3: each field is there or not."""
    for value in (changes.mode, changes.uid, changes.gid):
        packer.uint(0) if value is None else packer.uint(1, value)
    packer.uint(0) if changes.size is None else packer.uint(1).hyper(changes.size)
    for time in (changes.atime_ns, changes.mtime_ns):
        packer.uint(0) if time is None else packer.uint(2, *divmod(time, 10**9))
    return packer


class DirEntry(NamedTuple):
    fileid: int
    name: bytes
    cookie: int
    attributes: Fattr | None
    handle: bytes | None


def entries(body: Unpacker, *, plus: bool) -> tuple[list[DirEntry], bool]:
    """The entries of READDIR or READDIRPLUS, and whether these were the last."""
    found: list[DirEntry] = []
    while body.boolean():
        fileid, name, cookie = body.hyper(), bytes(body.opaque(NAME_MAX)), body.hyper()
        attributes, file = (post_op(body), post_op_handle(body)) if plus else (None, None)
        if not name or b"/" in name or b"\0" in name:
            raise KernelError(Errno.EBADRPC, "an impossible name in a directory")
        found.append(DirEntry(fileid, name, cookie, attributes, file))
    return found, body.boolean()


@dataclass(slots=True)
class FsInfo:
    """What FSINFO says: sizes in bytes."""

    rtmax: int = 8192
    rtpref: int = 8192
    wtmax: int = 8192
    wtpref: int = 8192
    dtpref: int = 8192
    maxfilesize: int = (1 << 63) - 1


def fsinfo(body: Unpacker) -> FsInfo:
    rtmax, rtpref, _, wtmax, wtpref, _, dtpref = (body.uint() for _ in range(7))
    return FsInfo(rtmax, rtpref, wtmax, wtpref, dtpref, body.hyper())


def path_argument(path: Buffer) -> bytes:
    return Packer().opaque(path).data()

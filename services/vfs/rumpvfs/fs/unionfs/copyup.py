"""Copies of files of the lower tree in the upper one, and the marks that the upper tree bears.

The marks are those of Linux's overlayfs, so a tree written here can be used there: a *whiteout*, which hides a name of
below, is a character device 0/0; an *opaque* directory, which hides all of the directory below, has an extended
attribute. Where the upper file system has no such attributes, whiteouts for all names of below do the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from rumpvfs.core.vnode import Changes, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError

OPAQUE = b"trusted.overlay.opaque"
MARKS = b"trusted.overlay."
CHUNK = 1 << 20
NO_ATTRIBUTES = (Errno.EOPNOTSUPP, Errno.ENOSYS)


def is_whiteout(vnode: Vnode) -> bool:
    return vnode.vtype is VType.CHR and vnode.getattr().st_rdev == 0


def is_opaque(directory: Vnode) -> bool:
    try:
        return bytes(directory.getxattr(OPAQUE)) == b"y"
    except KernelError as error:
        if error.errno in (Errno.ENOATTR, *NO_ATTRIBUTES):
            return False
        raise


def make_opaque(directory: Vnode, lower: Vnode) -> None:
    """Hides all of ``lower`` under a new directory. ENOSPC, EIO."""
    try:
        directory.setxattr(OPAQUE, b"y")
    except KernelError as error:
        if error.errno not in NO_ATTRIBUTES:
            raise
        for name in names(lower):
            directory.create(name, new_whiteout())


def drop(directory: Vnode, name: bytes, whiteout: Vnode) -> None:
    directory.unlink(name, whiteout)
    if not whiteout.uses:
        whiteout.inactive()


def new_whiteout() -> NewNode:
    return NewNode(VType.CHR, 0, 0, 0, 0)


def names(directory: Vnode) -> Iterator[bytes]:
    return (entry.name for entry in directory.readdir(0) if entry.name not in (b".", b".."))


def copy_file(source: Vnode, directory: Vnode, name: bytes, size: int | None = None) -> Vnode:
    """A copy of a file of any kind (of a directory without what is in it), of at most ``size`` bytes.

    ENOSPC, EIO and the like; then there is none.
    """
    st = source.getattr()
    target = source.readlink() if source.vtype is VType.LNK else b""
    new = NewNode(source.vtype, st.st_mode & 0o7777, st.st_uid, st.st_gid, st.st_rdev, target)
    made = directory.create(name, new)
    try:
        if source.vtype is VType.REG:
            _copy_data(source, made, st.st_size if size is None else min(size, st.st_size))
        _copy_attributes(source, made)
        made.setattr(Changes(atime_ns=st.st_atime_ns, mtime_ns=st.st_mtime_ns))
    except KernelError:
        (directory.rmdir if made.vtype is VType.DIR else directory.unlink)(name, made)
        if not made.uses:
            made.inactive()
        raise
    return made


def _copy_data(source: Vnode, made: Vnode, size: int) -> None:
    """The data between the holes, which stay holes."""
    at = 0
    while at < size:
        try:
            at = source.seek(at, hole=False)
        except KernelError as error:
            if error.errno != Errno.ENXIO:
                raise
            break
        end = min(size, source.seek(at, hole=True)) if at < size else at
        while at < end:
            data = source.read(at, min(CHUNK, end - at))
            if not len(data):
                raise KernelError(Errno.EIO, "the file below is shorter than it says")
            taken = made.write(at, data)
            if taken <= 0:
                raise KernelError(Errno.ENOSPC)
            at += taken
    if made.getattr().st_size != size:
        made.setattr(Changes(size=size))


def _copy_attributes(source: Vnode, made: Vnode) -> None:
    """Extended attributes, as far as both file systems have any."""
    try:
        found = source.listxattr()
        for name in found:
            if not name.startswith(MARKS):
                made.setxattr(name, bytes(source.getxattr(name)))
    except KernelError as error:
        if error.errno not in NO_ATTRIBUTES:
            raise

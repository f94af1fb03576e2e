"""Copies of files and trees from one file system to another, vnode to vnode."""

from __future__ import annotations

from collections.abc import Iterator

from rumpvfs.core.vnode import Changes, FileSystem, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

CHUNK = 1 << 20
NO_ATTRIBUTES = (Errno.EOPNOTSUPP, Errno.ENOSYS)
MARKS = b"trusted.overlay."
"""Attributes that say something of one tree over another; they are not copied."""
_CANNOT = (Errno.EOPNOTSUPP, Errno.EPERM, Errno.EINVAL)


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


def copy_tree(source: Vnode, target: Vnode) -> None:
    """What is in a directory, with everything below it, into an empty one. What is mounted there is not looked at.

    Hard links stay links within the tree. EEXIST, ENOSPC, EOPNOTSUPP for kinds that the target does not have, EIO (also
    for a directory that is found twice, on a damaged disk).
    """
    linked: dict[tuple[FileSystem, int], Vnode] = {}
    stack = [(source, target)]
    directories = [(target, source.getattr())]
    while stack:
        below, made_in = stack.pop()
        for name in list(names(below)):
            child = below.lookup(name)
            st = child.getattr()
            key = (child.fs, child.fileno)
            if child.vtype is VType.DIR and key in linked:
                raise KernelError(Errno.EIO, "a directory has two names")
            if key in linked:
                made_in.link(name, linked[key])
                continue
            made = copy_file(child, made_in, name)
            if child.vtype is VType.DIR:
                stack.append((child, made))
                directories.append((made, st))
            if child.vtype is VType.DIR or st.st_nlink > 1:
                linked[key] = made
    for made, st in reversed(directories):
        _finish(made, st)


def _finish(directory: Vnode, st: Stat) -> None:
    """Owner and mode, which the root has not got yet, and the times, as the entries have changed them."""
    try:
        directory.setattr(Changes(mode=st.st_mode & 0o7777, uid=st.st_uid, gid=st.st_gid))
    except KernelError as error:
        if error.errno not in _CANNOT:
            raise
    directory.setattr(Changes(atime_ns=st.st_atime_ns, mtime_ns=st.st_mtime_ns))

"""The marks that the upper tree of a union bears.

They are those of Linux's overlayfs, so a tree written here can be used there: a *whiteout*, which hides a name of
below, is a character device 0/0; an *opaque* directory, which hides all of the directory below, has an extended
attribute. Where the upper file system has no such attributes, whiteouts for all names of below do the same.
"""

from __future__ import annotations

from rumpvfs.core.copying import NO_ATTRIBUTES, names
from rumpvfs.core.vnode import NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError

OPAQUE = b"trusted.overlay.opaque"


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

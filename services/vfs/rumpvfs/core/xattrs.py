"""Extended attributes: the *xattr calls (full names) and the extattr_* calls (a namespace and a name)."""

from __future__ import annotations

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize, permitted
from rumpvfs.core import access, acl
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import Vnode, VType
from rumpwire.errno import Errno, KernelError

XATTR_CREATE, XATTR_REPLACE = 1, 2
NAME_MAX = 255
VALUE_MAX = 65536
NAMESPACES = {1: b"user.", 2: b"system."}


class ExtendedAttributes:
    """The calls on extended attributes."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs

    def _path(self, ctx: Context, path: bytes) -> Vnode:
        return self.vfs.names.lookup(ctx, path)

    def _link(self, ctx: Context, path: bytes) -> Vnode:
        return self.vfs.names.lookup(ctx, path, follow=False)

    def _handle(self, handle: int) -> Vnode:
        return self.vfs.file(handle).vnode

    # -- full names

    def setxattr(self, ctx: Context, path: bytes, name: bytes, value: bytes, flags: int) -> None:
        store(ctx, self._path(ctx, path), name, value, flags)

    def lsetxattr(self, ctx: Context, path: bytes, name: bytes, value: bytes, flags: int) -> None:
        store(ctx, self._link(ctx, path), name, value, flags)

    def fsetxattr(self, ctx: Context, fd: int, name: bytes, value: bytes, flags: int) -> None:
        store(ctx, self._handle(fd), name, value, flags)

    def getxattr(self, ctx: Context, path: bytes, name: bytes, size: int) -> bytes:
        return fetch(ctx, self._path(ctx, path), name, size)

    def lgetxattr(self, ctx: Context, path: bytes, name: bytes, size: int) -> bytes:
        return fetch(ctx, self._link(ctx, path), name, size)

    def fgetxattr(self, ctx: Context, fd: int, name: bytes, size: int) -> bytes:
        return fetch(ctx, self._handle(fd), name, size)

    def listxattr(self, ctx: Context, path: bytes, size: int) -> list[bytes]:
        return names_of(ctx, self._path(ctx, path), size)

    def llistxattr(self, ctx: Context, path: bytes, size: int) -> list[bytes]:
        return names_of(ctx, self._link(ctx, path), size)

    def flistxattr(self, ctx: Context, fd: int, size: int) -> list[bytes]:
        return names_of(ctx, self._handle(fd), size)

    def removexattr(self, ctx: Context, path: bytes, name: bytes) -> None:
        remove(ctx, self._path(ctx, path), name)

    def lremovexattr(self, ctx: Context, path: bytes, name: bytes) -> None:
        remove(ctx, self._link(ctx, path), name)

    def fremovexattr(self, ctx: Context, fd: int, name: bytes) -> None:
        remove(ctx, self._handle(fd), name)

    # -- a namespace and a name

    def extattrctl(
        self, ctx: Context, path: bytes, cmd: int, filename: bytes, attrnamespace: int, attrname: bytes
    ) -> None:
        """EPERM, errors of namei, EXDEV (the file is elsewhere), and those of `FileSystem.extattrctl`."""
        authorize(ctx, Action.SYSTEM_FS_EXTATTR)
        fs = self._path(ctx, path).base().fs
        file = self._path(ctx, filename).base() if filename else None
        if file is not None and file.fs is not fs:
            raise KernelError(Errno.EXDEV, "the file of an attribute is on the file system that has it")
        fs.extattrctl(cmd, file, full(attrnamespace, attrname) if attrname else b"")

    def extattr_set_file(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes, data: bytes) -> int:
        return _set(ctx, self._path(ctx, path), attrnamespace, attrname, data)

    def extattr_set_link(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes, data: bytes) -> int:
        return _set(ctx, self._link(ctx, path), attrnamespace, attrname, data)

    def extattr_set_fd(self, ctx: Context, fd: int, attrnamespace: int, attrname: bytes, data: bytes) -> int:
        return _set(ctx, self._handle(fd), attrnamespace, attrname, data)

    def extattr_get_file(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes, nbytes: int) -> bytes:
        return fetch(ctx, self._path(ctx, path), full(attrnamespace, attrname), 0)[:nbytes]

    def extattr_get_link(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes, nbytes: int) -> bytes:
        return fetch(ctx, self._link(ctx, path), full(attrnamespace, attrname), 0)[:nbytes]

    def extattr_get_fd(self, ctx: Context, fd: int, attrnamespace: int, attrname: bytes, nbytes: int) -> bytes:
        return fetch(ctx, self._handle(fd), full(attrnamespace, attrname), 0)[:nbytes]

    def extattr_delete_file(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes) -> None:
        remove(ctx, self._path(ctx, path), full(attrnamespace, attrname))

    def extattr_delete_link(self, ctx: Context, path: bytes, attrnamespace: int, attrname: bytes) -> None:
        remove(ctx, self._link(ctx, path), full(attrnamespace, attrname))

    def extattr_delete_fd(self, ctx: Context, fd: int, attrnamespace: int, attrname: bytes) -> None:
        remove(ctx, self._handle(fd), full(attrnamespace, attrname))

    def extattr_list_file(self, ctx: Context, path: bytes, attrnamespace: int, nbytes: int) -> list[bytes]:
        return _list(ctx, self._path(ctx, path), attrnamespace)

    def extattr_list_link(self, ctx: Context, path: bytes, attrnamespace: int, nbytes: int) -> list[bytes]:
        return _list(ctx, self._link(ctx, path), attrnamespace)

    def extattr_list_fd(self, ctx: Context, fd: int, attrnamespace: int, nbytes: int) -> list[bytes]:
        return _list(ctx, self._handle(fd), attrnamespace)


def full(namespace: int, name: bytes) -> bytes:
    """EINVAL for a namespace that is not known."""
    prefix = NAMESPACES.get(namespace)
    if prefix is None or not name:
        raise KernelError(Errno.EINVAL)
    return prefix + name


def _check(ctx: Context, vnode: Vnode, name: bytes, want: int) -> None:
    """EINVAL, ENAMETOOLONG, EPERM (not the user's namespace, no file or directory, not the owner), EROFS, EACCES."""
    space, _, rest = name.partition(b".")
    if not rest or b"\0" in name:
        raise KernelError(Errno.EINVAL, "the name of an attribute is namespace.name")
    if len(name) > NAME_MAX:
        raise KernelError(Errno.ENAMETOOLONG)
    if name in acl.NAMES:  # everybody may see them, who owns the file may set them
        if want == access.WRITE:
            access.check_writable(vnode)
            access.check_owner(vnode, ctx.cred)
        return
    if space != b"user":
        if want == access.WRITE:
            authorize(ctx, Action.SYSTEM_FS_EXTATTR)
    elif vnode.vtype not in (VType.REG, VType.DIR):
        raise KernelError(Errno.EPERM, "only files and directories have attributes of users")
    access.check(vnode, ctx.cred, want)


def store(ctx: Context, vnode: Vnode, name: bytes, value: bytes, flags: int) -> None:
    """EINVAL, E2BIG, EEXIST, ENOATTR, ENOSPC, EOPNOTSUPP."""
    if flags & ~(XATTR_CREATE | XATTR_REPLACE) or flags == XATTR_CREATE | XATTR_REPLACE:
        raise KernelError(Errno.EINVAL)
    if len(value) > VALUE_MAX:
        raise KernelError(Errno.E2BIG)
    _check(ctx, vnode, name, access.WRITE)
    if flags:
        exists = name in vnode.listxattr()
        if exists and flags == XATTR_CREATE:
            raise KernelError(Errno.EEXIST)
        if not exists and flags == XATTR_REPLACE:
            raise KernelError(Errno.ENOATTR)
    vnode.setxattr(name, value)


def fetch(ctx: Context, vnode: Vnode, name: bytes, size: int) -> bytes:
    """ENOATTR, ERANGE when ``size`` is not 0 and too small."""
    _check(ctx, vnode, name, access.READ)
    value = vnode.getxattr(name)
    if size and len(value) > size:
        raise KernelError(Errno.ERANGE)
    return value


def remove(ctx: Context, vnode: Vnode, name: bytes) -> None:
    """ENOATTR."""
    _check(ctx, vnode, name, access.WRITE)
    vnode.removexattr(name)


def names_of(ctx: Context, vnode: Vnode, size: int) -> list[bytes]:
    """ERANGE when ``size`` is not 0 and too small for the names with a NUL behind each."""
    names = vnode.listxattr()
    if not permitted(ctx.cred, Action.SYSTEM_FS_EXTATTR):
        names = [name for name in names if not name.startswith(b"trusted.")]
    if size and sum(len(name) + 1 for name in names) > size:
        raise KernelError(Errno.ERANGE)
    return names


def _set(ctx: Context, vnode: Vnode, namespace: int, name: bytes, data: bytes) -> int:
    store(ctx, vnode, full(namespace, name), data, 0)
    return len(data)


def _list(ctx: Context, vnode: Vnode, namespace: int) -> list[bytes]:
    prefix = full(namespace, b"x")[:-1]
    return [name[len(prefix) :] for name in names_of(ctx, vnode, 0) if name.startswith(prefix)]

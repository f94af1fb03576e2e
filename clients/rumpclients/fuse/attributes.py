"""Operations on attributes, plain and extended, and on the file system."""

from __future__ import annotations

import errno
import os
import stat

import rump
from rumpclients.fuse.nodes import Node
from rumpclients.fuse.protocol import (
    ACCESS_IN,
    GETATTR_IN,
    SETATTR_IN,
    STATFS_OUT,
    WITH_FH,
    XATTR_IN,
    XATTR_OUT,
    Request,
    Set,
)  # fmt: skip
from rumpclients.fuse.volume import NOFOLLOW, Reply, Volume, done

_SIGN = 1 << 63
_OMIT, _NOW = rump.Timespec(0, rump.UTIME_OMIT), rump.Timespec(0, rump.UTIME_NOW)
_ACL = b"system.posix_acl_"
_CAPABILITY = b"security.capability"
_SPACES = (b"user.", b"system.", b"security.", b"trusted.")


class AttributeOps:
    """Handlers by operation."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.nodes = volume.nodes
        self.sys = volume.k.sys

    def getattr(self, request: Request) -> Reply:
        flags, _, fd = GETATTR_IN.unpack_from(request.body)
        node = self.nodes[request.nodeid]
        st = self.volume.remembered(node)
        if st is None:
            handle = fd if flags & WITH_FH and fd in node.handles else node.handle()
            st = self.volume.stat(node) if handle is None else self.sys.fstat(handle)
            self.volume.remember(node, st)
        return self.volume.attr(st)

    def setattr(self, request: Request) -> Reply:
        """In one message: by name, else by a descriptor."""
        valid, _, fh, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode, _, uid, gid, _ = SETATTR_IN.unpack_from(
            request.body
        )
        node = self.nodes[request.nodeid]
        if valid & Set.SIZE:
            self._truncate(node, fh if valid & Set.FH else None, size)
        owner = (uid if valid & Set.UID else -1, gid if valid & Set.GID else -1)
        times = (
            _time(valid & Set.ATIME, valid & Set.ATIME_NOW, atime, atime_ns),
            _time(valid & Set.MTIME, valid & Set.MTIME_NOW, mtime, mtime_ns),
        )
        return self.volume.attr(self._change(node, owner, mode if valid & Set.MODE else None, times))

    def _change(
        self, node: Node, owner: tuple[int, int], mode: int | None, times: tuple[rump.Timespec, rump.Timespec]
    ) -> rump.Stat:
        handle = node.handle()
        b = self.volume.k.batch()
        if not node.names and node is not self.nodes.root and handle is not None:
            if owner != (-1, -1):
                b.fchown(handle, *owner)
            if mode is not None:
                b.fchmod(handle, mode & 0o7777)
            if times != (_OMIT, _OMIT):
                b.futimens(handle, *times)
            st = b.fstat(handle)
            return done(b, st)
        with self.volume.at(node) as (fd, path):
            if owner != (-1, -1):
                b.fchownat(fd, path, *owner, NOFOLLOW)
            if mode is not None:
                b.fchmodat(fd, path, mode & 0o7777, NOFOLLOW)
            if times != (_OMIT, _OMIT):
                b.utimensat(fd, path, *times, NOFOLLOW)
            st = b.fstatat(fd, path, NOFOLLOW)
            return done(b, st)

    def _truncate(self, node: Node, fh: int | None, size: int) -> None:
        handle = fh if fh is not None and node.handles.get(fh) else node.handle(writable=True)
        if handle is not None:
            self.sys.ftruncate(handle, size)
            return
        with self.volume.at(node) as (fd, path):
            opened = self.sys.openat(fd, path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                self.sys.ftruncate(opened, size)
            finally:
                self.sys.close(opened)

    def access(self, request: Request) -> Reply:
        """Asked only where the host does not check modes itself: whoever mounted may do all that the kernel lets it."""
        (mask, _) = ACCESS_IN.unpack_from(request.body)
        st = self.volume.stat(self.nodes[request.nodeid])
        if mask & os.X_OK and not stat.S_ISDIR(st.st_mode) and not st.st_mode & 0o111:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if mask & os.W_OK and self.volume.tree.statvfs().f_flag & rump.MNT_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return []

    def statfs(self, request: Request) -> Reply:
        s = self.volume.tree.statvfs()
        blocks = (s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree)
        return [STATFS_OUT.pack(*blocks, s.f_bsize or s.f_frsize, s.f_namemax, s.f_frsize)]

    # -- extended attributes

    def getxattr(self, request: Request) -> Reply:
        size, _ = XATTR_IN.unpack_from(request.body)
        name = request.name(XATTR_IN.size)
        return _sized(self._xattr(request.nodeid, name), size)

    def _xattr(self, nodeid: int, name: bytes) -> bytes:
        node = self.nodes[nodeid]
        _refuse_acl(name)
        if node.kind not in (stat.S_IFREG, stat.S_IFDIR) or not name.startswith(_SPACES):
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        if node.plain and name == _CAPABILITY:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        try:
            if not node.names and (fd := node.handle()) is not None:
                return self.sys.fgetxattr(fd, name)
            return self.sys.lgetxattr(self.volume.path(node), name)
        except OSError as error:
            # Asked before every write; nobody else can give it any where we know all that happens.
            node.plain |= name == _CAPABILITY and error.errno == errno.ENODATA and self.volume.policy.keep_pages
            raise

    def setxattr(self, request: Request) -> Reply:
        size, flags = XATTR_IN.unpack_from(request.body)
        name = request.name(XATTR_IN.size)
        start = XATTR_IN.size + len(name) + 1
        value = bytes(request.body[start : start + size])
        _refuse_acl(name)
        node = self.nodes[request.nodeid]
        node.plain = False
        self.sys.lsetxattr(self.volume.path(node), name, value, flags)
        return []

    def listxattr(self, request: Request) -> Reply:
        size, _ = XATTR_IN.unpack_from(request.body)
        node = self.nodes[request.nodeid]
        try:
            names = [n for n in self.sys.llistxattr(self.volume.path(node)) if not n.startswith(_ACL)]
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL):
                raise
            names = []
        return _sized(b"".join(name + b"\0" for name in names), size)

    def removexattr(self, request: Request) -> Reply:
        self.sys.lremovexattr(self.volume.path(self.nodes[request.nodeid]), request.name())
        return []


def _time(given: int, now: int, seconds: int, ns: int) -> rump.Timespec:
    if now:
        return _NOW
    return rump.Timespec(seconds - (seconds & _SIGN) * 2, ns) if given else _OMIT


def _refuse_acl(name: bytes) -> None:
    """Lists of access rights are the kernel's to keep, and the host would not heed them. Programs then use modes."""
    if name.startswith(_ACL):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def _sized(value: bytes, size: int) -> Reply:
    """A value, or how long it is when that was asked for. ERANGE."""
    if size == 0:
        return [XATTR_OUT.pack(len(value), 0)]
    if len(value) > size:
        raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
    return [value]

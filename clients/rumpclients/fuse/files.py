"""Operations on open files."""

from __future__ import annotations

import errno
import os

import rump
from rumpclients.fuse.ahead import Ahead
from rumpclients.fuse.kept import Kept
from rumpclients.fuse.nodes import Node
from rumpclients.fuse.protocol import (
    CREATE_IN,
    DATA_ONLY,
    FALLOCATE_IN,
    FSYNC_IN,
    KEEP_CACHE,
    KEEP_SIZE,
    LSEEK_IN,
    LSEEK_OUT,
    OPEN_IN,
    OPEN_OUT,
    PUNCH_HOLE,
    READ_IN,
    RELEASE_IN,
    WRITE_IN,
    WRITE_OUT,
    Request,
)  # fmt: skip
from rumpclients.fuse.volume import NOFOLLOW, Reply, Volume, done

_FLAGS = os.O_ACCMODE | os.O_TRUNC | os.O_DSYNC | os.O_SYNC
"""What of the host's flags goes to the kernel. Where O_APPEND writes, the host has worked out already."""
_NONBLOCK = os.O_NONBLOCK


class Files:
    """Handlers by operation. A handle is the kernel's descriptor."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.nodes = volume.nodes
        self.sys = volume.k.sys
        self.kept: Kept | None = None
        self.ahead: Ahead | None = None
        self._open: dict[int, Node] = {}

    def keep(self) -> Kept:
        """The host opens and closes files without asking from now on."""
        self.kept = Kept(self.volume)
        if not self.volume.policy.atimes:
            self.ahead = Ahead(self.kept)
        return self.kept

    def _opened(self, node: Node, fd: int, flags: int) -> bytes:
        writable = flags & os.O_ACCMODE != os.O_RDONLY
        if self.kept is not None:
            self.kept.add(node, fd, writable=writable)
        else:
            node.handles[fd] = writable
            self._open[fd] = node
        return OPEN_OUT.pack(fd, KEEP_CACHE * self.volume.policy.keep_pages, 0)

    def open(self, request: Request) -> Reply:
        if self.kept is not None:
            raise OSError(errno.ENOSYS, "the host need not ask")
        flags, _ = OPEN_IN.unpack_from(request.body)
        node = self.nodes[request.nodeid]
        fd = self._open_same(node, flags & _FLAGS | _NONBLOCK)
        self.volume.dirty |= bool(flags & os.O_TRUNC)
        return [self._opened(node, fd, flags)]

    def _open_same(self, node: Node, flags: int) -> int:
        """ESTALE when others have removed or replaced the file: the host looks its name up again then."""
        with self.volume.at(node) as (at, path):
            b = self.volume.k.batch()
            handle = b.openat(at, path, flags)
            last = b.fstat(handle)
            try:
                st = done(b, last)
            except FileNotFoundError:
                raise _stale() from None
        if (st.st_dev, st.st_ino) != node.key:
            self.sys.close(handle.result())
            raise _stale()
        return handle.result()

    def create(self, request: Request) -> Reply:
        """In one message: makes the file, gives it to its owner, and looks at it."""
        flags, mode, _, _ = CREATE_IN.unpack_from(request.body)
        parent, name = self.nodes[request.nodeid], request.name(CREATE_IN.size)
        with self.volume.at(parent) as (above, folder), self.volume.at(parent, name) as (at, path):
            try:
                fd, st = self._create(request, (above, folder), (at, path), flags & _FLAGS, mode)
            except FileExistsError:
                if flags & os.O_EXCL:
                    raise
                # Somebody else was quicker: it is theirs.
                fd = self.sys.openat(at, path, flags & _FLAGS | _NONBLOCK)
                st = self.sys.fstat(fd)
        entry = self.volume.found(parent, name, st)
        node = self.nodes.at(parent, name)
        assert node is not None
        return [*entry, self._opened(node, fd, os.O_RDWR if self.kept is not None else flags)]

    def _create(
        self, request: Request, above: tuple[int, bytes], place: tuple[int, bytes], flags: int, mode: int
    ) -> tuple[int, rump.Stat]:
        if self.kept is not None:
            flags = flags & ~os.O_ACCMODE | os.O_RDWR  # who opens it next will not ask
        b = self.volume.k.batch()
        handle = b.openat(*place, flags | os.O_CREAT | os.O_EXCL | _NONBLOCK, mode & 0o7777)
        folder = b.fstatat(*above, NOFOLLOW)
        last = b.fstat(handle)
        try:
            st = done(b, last)
            return handle.result(), self.volume.given(request, place, st, folder.result(), mode)
        except OSError:
            if handle.exception() is None:
                self.sys.close(handle.result())
            raise

    def release(self, request: Request) -> Reply:
        fd, _, _, _ = RELEASE_IN.unpack_from(request.body)
        node = self._open.pop(fd, None)
        if self.kept is not None:
            self.kept.close(fd)
        elif node is not None:
            del node.handles[fd]
            self.sys.close(fd)
        return []

    def _descriptor(self, request: Request, fh: int, *, writable: bool = False) -> int:
        return fh if self.kept is None else self.kept.of(self.nodes[request.nodeid], writable=writable)

    # -- data

    def read(self, request: Request) -> Reply:
        fd, offset, size, *_ = READ_IN.unpack_from(request.body)
        if self.kept is not None:
            return [self._read(self.nodes[request.nodeid], size, offset)]
        return [self.sys.pread(fd, size, offset)]

    def _read(self, node: Node, size: int, offset: int) -> memoryview | bytes:
        assert self.kept is not None
        if offset == 0 and self.ahead is not None:
            self.ahead.read(node)
            data = self.ahead.take(node, size)
            if data is not None:
                return data
        return self.kept.read(node, size, offset)

    def write(self, request: Request) -> Reply:
        fh, offset, size, _, _, flags, _ = WRITE_IN.unpack_from(request.body)
        data = request.body[WRITE_IN.size : WRITE_IN.size + size]
        fd = self._descriptor(request, fh, writable=True)
        count = self.sys.pwrite(fd, data, offset)
        if self.kept is not None and flags & os.O_DSYNC:
            self.sys.fdatasync(fd)
        return [WRITE_OUT.pack(count, 0)]

    def lseek(self, request: Request) -> Reply:
        fh, offset, whence, _ = LSEEK_IN.unpack_from(request.body)
        wanted = {os.SEEK_DATA: rump.SEEK_DATA, os.SEEK_HOLE: rump.SEEK_HOLE}.get(whence, whence)
        return [LSEEK_OUT.pack(self.sys.lseek(self._descriptor(request, fh), offset, wanted))]

    def fallocate(self, request: Request) -> Reply:
        fh, offset, length, mode, _ = FALLOCATE_IN.unpack_from(request.body)
        fd = self._descriptor(request, fh, writable=True)
        if mode == KEEP_SIZE | PUNCH_HOLE:
            self.sys.fdiscard(fd, offset, length)
        elif mode == 0:
            self.sys.posix_fallocate(fd, offset, length)
        else:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return []

    # -- to stable storage

    def flush(self, request: Request) -> Reply:
        """A descriptor was closed: all was written as it came, so that nobody need tell."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def fsync(self, request: Request) -> Reply:
        fh, flags, _ = FSYNC_IN.unpack_from(request.body)
        fd = self._descriptor(request, fh)
        if self.nodes[request.nodeid].handles.get(fd) and flags & DATA_ONLY:
            self.sys.fdatasync(fd)
        else:
            self.sys.fsync(fd)
        return []

    def fsyncdir(self, request: Request) -> Reply:
        with self.volume.at(self.nodes[request.nodeid]) as (at, path):
            fd = self.sys.openat(at, path, os.O_RDONLY)
            try:
                self.sys.fsync(fd)
            finally:
                self.sys.close(fd)
        return []

    def syncfs(self, request: Request) -> Reply:
        self.volume.tree.sync()
        self.volume.dirty = False
        return []

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close_all()
        for fd in list(self._open):
            self.sys.close(fd)
        self._open.clear()


def _stale() -> OSError:
    return OSError(errno.ESTALE, "the file is not there any more under its name")

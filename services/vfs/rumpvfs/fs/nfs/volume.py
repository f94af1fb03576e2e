"""A mounted NFS file system: calls of the server, what it says of files, and the vnodes of those that are in use."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from rumpvfs.core.vnode import Environment, FileSystem, MountRequest, Vnode
from rumpvfs.fs.nfs import nfs3
from rumpvfs.fs.nfs.mount import Server, options, size
from rumpvfs.fs.nfs.xdr import Packer, Unpacker
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs, Timespec

if TYPE_CHECKING:
    from rumpvfs.fs.nfs.node import NfsNode

JUKEBOX_S = 2
"""The server fetches the file from somewhere slow: ask again after so many seconds."""
JUKEBOX_TRIES = 30
BLOCK = 4096


class NfsFileSystem(FileSystem):
    """One mount."""

    type_name = "nfs"
    remote = True
    cache_names = False  # names have the life of attributes here, see NfsNode.lookup

    def __init__(self, request: MountRequest, env: Environment) -> None:
        fspec = getattr(request.args, "fspec", b"")
        self.env = env
        self.readonly = request.readonly
        self.options = options(request.options)
        self.server = Server(env.call, env.now_ns, env.entropy, fspec, self.options)
        self._nodes: weakref.WeakValueDictionary[bytes, NfsNode] = weakref.WeakValueDictionary()
        self._unwritten: set[NfsNode] = set()
        self._silly = int.from_bytes(env.entropy(4), "big")
        root = self.server.root(env.cred)
        self.info = nfs3.FsInfo()
        body = self.ask("FSINFO", Packer().opaque(root))
        attributes = nfs3.post_op(body)
        self.info = nfs3.fsinfo(body)
        self.rsize = size(self.options.rsize, self.info.rtpref, self.info.rtmax)
        self.wsize = size(self.options.wsize, self.info.wtpref, self.info.wtmax)
        self.dtsize = size(0, self.info.dtpref, 1 << 16)
        self._limits = self._pathconf(root)
        self.name_max = min(self._limits[1], nfs3.NAME_MAX)
        self._root = self.node(root, attributes or self.getattr(root))

    # -- the server

    def ask(self, name: str, arguments: Packer) -> Unpacker:
        """The results of a procedure behind its status, with the caller's credentials; failures by their errno."""
        body, status = self.reply(name, arguments)
        nfs3.check(status)
        return body

    def reply(self, name: str, arguments: Packer) -> tuple[Unpacker, int]:
        """The results and the status, which is never "try again"."""
        data, cred = arguments.data(), self.env.cred
        for _ in range(JUKEBOX_TRIES):
            body = self.server.nfs(nfs3.PROCEDURES[name], cred, data)
            status = body.uint()
            if status != nfs3.JUKEBOX:
                return body, status
            self.env.call("kern", "nanosleep", Timespec(JUKEBOX_S, 0))
        raise KernelError(Errno.ETIMEDOUT, "the server does not get hold of the file", "vfs")

    def getattr(self, handle: bytes) -> nfs3.Fattr:
        return nfs3.fattr(self.ask("GETATTR", Packer().opaque(handle)))

    def _pathconf(self, root: bytes) -> tuple[int, int]:
        """Most links, longest name."""
        try:
            body = self.ask("PATHCONF", Packer().opaque(root))
            nfs3.post_op(body)
            return body.uint(), body.uint() or nfs3.NAME_MAX
        except KernelError:
            return 32767, nfs3.NAME_MAX

    # -- vnodes

    def node(self, handle: bytes, attributes: nfs3.Fattr | None) -> NfsNode:
        """The vnode of a file handle. Without attributes the server is asked for them."""
        from rumpvfs.fs.nfs.node import NfsNode

        found = self._nodes.get(handle)
        if found is None or (attributes is not None and found.vtype is not attributes.vtype):
            found = NfsNode(self, handle, attributes or self.getattr(handle))
            self._nodes[handle] = found
        elif attributes is not None:
            found.learn(attributes)
        return found

    def silly_name(self) -> bytes:
        """A name for a file that is open and was removed."""
        self._silly = (self._silly + 1) & 0xFFFFFFFF
        return b".nfs%08x" % self._silly

    # -- what the kernel asks

    def root(self) -> Vnode:
        return self._root

    def statvfs(self) -> Statvfs:
        body = self.ask("FSSTAT", Packer().opaque(self._root.handle))
        attributes = nfs3.post_op(body)
        if attributes is not None:
            self._root.learn(attributes)
        total, free, available, files, ffree, favail = (body.hyper() for _ in range(6))
        return Statvfs(
            f_bsize=BLOCK,
            f_frsize=BLOCK,
            f_iosize=max(self.rsize, self.wsize),
            f_blocks=total // BLOCK,
            f_bfree=free // BLOCK,
            f_bavail=available // BLOCK,
            f_files=files,
            f_ffree=ffree,
            f_favail=favail,
            f_namemax=self.name_max,
        )

    def pathconf(self, name: int) -> int | None:
        return self._limits[0] if name == const.PC_LINK_MAX else None

    def sync(self) -> None:
        """Also on a hard mount it gives up at last: the kernel must come to its end without the server."""
        for node in list(self._nodes.values()):
            self.finish(node)

    def finish(self, node: NfsNode) -> None:
        """Has a file committed; where that fails it stays here until it is."""
        self._unwritten.add(node)
        with self.server.impatient():
            node.commit()
        self._unwritten.discard(node)

    def remount(self, *, readonly: bool) -> None:
        if readonly:
            self.sync()
        self.readonly = readonly

    def unmount(self, *, force: bool) -> None:
        """With force a server that does not answer does not matter."""
        try:
            self.sync()
        except KernelError:
            if not force:
                raise
        self.server.goodbye(self.env.cred)
        self.server.nfs.close()

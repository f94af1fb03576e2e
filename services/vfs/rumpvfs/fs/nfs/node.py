"""Files of an NFS server.

*Attributes* are kept for a while: a tenth of the time since the file was last changed, within the bounds of the mount's
options. Opening a file that nobody here has open forgets them (close-to-open consistency), and every answer brings new
ones. A directory's *names* are kept as long as its attributes say that it has not changed.

*Writes* go to the server at once but unstable: it may lose them in a crash until they are committed. So they are kept
here until COMMIT; when its verifier differs from that of the writes the server has crashed, and they are written again.
The last close commits, as fsync does.
"""

from __future__ import annotations

from collections.abc import Iterator

from rumpuser.host import Buffer
from rumpvfs.core.vnode import Changes, Entry, NewNode, Vnode, VType
from rumpvfs.fs.nfs import nfs3
from rumpvfs.fs.nfs.nfs3 import Fattr
from rumpvfs.fs.nfs.volume import NfsFileSystem
from rumpvfs.fs.nfs.xdr import Packer
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

SECOND = 10**9
PENDING_MAX = 8 << 20
"""Bytes of one file that are kept until they are committed."""
REWRITES_MAX = 5
"""A server that crashes more often during one commit is broken."""
NAMES_MAX = 4096
OFFSET_MAX = (1 << 63) - 1


class NfsNode(Vnode):
    """A file of any kind."""

    __slots__ = (
        "_attributes", "_block", "_fetched_ns", "_names", "_names_at", "_pending", "_pending_size", "_silly",
        "_verifier", "_verifiers", "handle", "up",
    )  # fmt: skip

    fs: NfsFileSystem

    def __init__(self, fs: NfsFileSystem, handle: bytes, attributes: Fattr) -> None:
        super().__init__(fs, attributes.fileid, attributes.vtype)
        self.handle = handle
        self.up: NfsNode | None = None
        self._attributes = attributes
        self._fetched_ns = fs.env.now_ns()
        self._names: dict[bytes, NfsNode] = {}
        self._names_at = 0
        self._block: tuple[int, int, Buffer] = (0, 0, b"")  # offset, mtime, data of the last read
        self._pending: list[tuple[int, bytes]] = []
        self._pending_size = 0
        self._verifiers: set[bytes] = set()
        self._verifier = bytes(nfs3.VERIFIER)  # of the directory's cookies
        self._silly: tuple[NfsNode, bytes] | None = None

    def _packer(self) -> Packer:
        return Packer().opaque(self.handle)

    # -- attributes

    def learn(self, attributes: Fattr | None) -> None:
        """What an answer says; without it nothing is known any more."""
        if attributes is None:
            self.forget()
        elif attributes.vtype is self.vtype:
            self._attributes, self._fetched_ns = attributes, self.fs.env.now_ns()
        else:
            raise KernelError(Errno.ESTALE, "the server has another file by this handle", "vfs")

    def forget(self) -> None:
        self._fetched_ns = 0

    def _fresh(self) -> Fattr:
        """Attributes that are not too old."""
        options, now = self.fs.options, self.fs.env.now_ns()
        directory = self.vtype is VType.DIR
        low, high = (options.acdirmin, options.acdirmax) if directory else (options.acregmin, options.acregmax)
        age = (self._fetched_ns - self._attributes.mtime_ns) // 10
        if not 0 <= now - self._fetched_ns < min(max(age, low * SECOND), high * SECOND):
            self.learn(self.fs.getattr(self.handle))
        return self._attributes

    def getattr(self) -> Stat:
        a = self._fresh()
        return Stat(
            self.fs.dev, self.vtype | a.mode, self.fileno, a.nlink, a.uid, a.gid, a.rdev, a.atime_ns, a.mtime_ns,
            a.ctime_ns, 0, a.size, (a.used + 511) // 512, max(self.fs.rsize, self.fs.wsize),
        )  # fmt: skip

    def owner(self) -> tuple[int, int, int]:
        a = self._fresh()
        return a.mode, a.uid, a.gid

    def file_flags(self) -> int:
        return 0

    def setattr(self, changes: Changes) -> None:
        if changes.size is not None:
            self.commit()
            self._block = (0, 0, b"")
        packer = nfs3.sattr(self._packer(), changes).uint(0)
        body, status = self.fs.reply("SETATTR", packer)
        self.learn(nfs3.wcc(body))
        nfs3.check(status)

    # -- names

    def lookup(self, name: bytes) -> Vnode:
        """What is known of the directory counts as long as its attributes do."""
        changed = self._fresh().mtime_ns
        if changed != self._names_at or len(self._names) >= NAMES_MAX:
            self._names, self._names_at = {}, changed
        found = self._names.get(name)
        if found is None:
            found = self._lookup(name)
            if self._attributes.mtime_ns != changed:
                self._names, self._names_at = {}, self._attributes.mtime_ns
            self._remember(name, found)
        return found

    def _lookup(self, name: bytes) -> NfsNode:
        body, status = self.fs.reply("LOOKUP", self._packer().opaque(name))
        if status:
            self.learn(nfs3.post_op(body))
            nfs3.check(status)
        handle, attributes = nfs3.handle(body), nfs3.post_op(body)
        self.learn(nfs3.post_op(body))
        return self.fs.node(handle, attributes)

    def _remember(self, name: bytes, found: NfsNode) -> NfsNode:
        if found.vtype is VType.DIR:
            found.up = self
        self._names[name] = found
        return found

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self._lookup(b"..")

    def _changed(self, after: Fattr | None, name: bytes) -> None:
        """A name here was changed by us: the others are what they were."""
        self._names.pop(name, None)
        self.learn(after)
        if after is not None:
            self._names_at = after.mtime_ns

    def readdir(self, cookie: int) -> Iterator[Entry]:
        plus, last = self.fs.options.rdirplus, False
        while not last:
            found, last = self._entries(cookie, plus=plus)
            if not found:
                return
            for entry in found:
                if not cookie < entry.cookie <= OFFSET_MAX and entry.cookie == cookie:
                    raise KernelError(Errno.EIO, "a directory that goes round in circles", "vfs")
                cookie = entry.cookie
                yield Entry(cookie, entry.fileid, self._kind(entry), entry.name)

    def _entries(self, cookie: int, *, plus: bool) -> tuple[list[nfs3.DirEntry], bool]:
        verifier = self._verifier if cookie else bytes(nfs3.VERIFIER)
        packer = self._packer().hyper(cookie).fixed(verifier).uint(self.fs.dtsize)
        if plus:
            packer.uint(self.fs.dtsize * 8)
        body, status = self.fs.reply("READDIRPLUS" if plus else "READDIR", packer)
        self.learn(nfs3.post_op(body))
        if plus and status == 10004:
            self.fs.options.rdirplus = False
            return self._entries(cookie, plus=False)
        nfs3.check(status)
        self._verifier = bytes(body.fixed(nfs3.VERIFIER))
        return nfs3.entries(body, plus=plus)

    def _kind(self, entry: nfs3.DirEntry) -> VType | None:
        """What READDIRPLUS said of an entry is kept: it will be asked for next."""
        if entry.attributes is None:
            return None
        known = self._names_at == self._attributes.mtime_ns and len(self._names) < NAMES_MAX
        if known and entry.handle is not None and entry.name not in (b".", b".."):
            self._remember(entry.name, self.fs.node(entry.handle, entry.attributes))
        return entry.attributes.vtype

    def create(self, name: bytes, new: NewNode) -> Vnode:
        where = self._packer().opaque(name)
        attributes = Changes(mode=new.mode)
        if new.vtype is VType.REG:
            procedure, packer = "CREATE", nfs3.sattr(where.uint(nfs3.GUARDED), attributes)
        elif new.vtype is VType.DIR:
            procedure, packer = "MKDIR", nfs3.sattr(where, attributes)
        elif new.vtype is VType.LNK:
            procedure, packer = "SYMLINK", nfs3.sattr(where, attributes).opaque(new.target)
        else:
            procedure, packer = "MKNOD", self._special(where, new)
        body, status = self.fs.reply(procedure, packer)
        if status:
            self._changed(nfs3.wcc(body), name)
            nfs3.check(status)
        handle, found = nfs3.post_op_handle(body), nfs3.post_op(body)
        self._changed(nfs3.wcc(body), name)
        made = self.fs.node(handle, found) if handle is not None else self._lookup(name)
        return self._remember(name, made)

    @staticmethod
    def _special(where: Packer, new: NewNode) -> Packer:
        packer = nfs3.sattr(where.uint(nfs3.TYPE_NUMBERS[new.vtype]), Changes(mode=new.mode))
        if new.vtype in (VType.CHR, VType.BLK):
            packer.uint((new.rdev >> 8) & 0xFFF, new.rdev & 0xFF | new.rdev >> 12 & 0xFFF00)
        return packer

    def link(self, name: bytes, target: Vnode) -> None:
        assert isinstance(target, NfsNode)
        body, status = self.fs.reply("LINK", target._packer().opaque(self.handle).opaque(name))
        target.learn(nfs3.post_op(body))
        self._changed(nfs3.wcc(body), name)
        nfs3.check(status)

    def unlink(self, name: bytes, target: Vnode) -> None:
        """A file that is open goes on under a name of no meaning, until it is closed."""
        assert isinstance(target, NfsNode)
        if target.uses and target._silly is None and target._attributes.nlink <= 1:
            silly = self.fs.silly_name()
            self._rename(name, self, silly)
            target._silly = (self, silly)
        else:
            self._remove("REMOVE", name)
        target.forget()

    def rmdir(self, name: bytes, target: Vnode) -> None:
        assert isinstance(target, NfsNode)
        self._remove("RMDIR", name)
        target.forget()

    def _remove(self, procedure: str, name: bytes) -> None:
        body, status = self.fs.reply(procedure, self._packer().opaque(name))
        self._changed(nfs3.wcc(body), name)
        if status == Errno.EEXIST and procedure == "RMDIR":
            status = Errno.ENOTEMPTY  # as some servers have it
        nfs3.check(status)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        assert isinstance(target, NfsNode)
        assert isinstance(to, NfsNode)
        if isinstance(replaced, NfsNode) and replaced.uses and replaced.vtype is not VType.DIR:
            to.unlink(to_name, replaced)
        self._rename(name, to, to_name)
        target.forget()
        if target.vtype is VType.DIR:
            target.up = to
        if isinstance(replaced, NfsNode):
            replaced.forget()

    def _rename(self, name: bytes, to: NfsNode, to_name: bytes) -> None:
        body, status = self.fs.reply("RENAME", self._packer().opaque(name).opaque(to.handle).opaque(to_name))
        self._changed(nfs3.wcc(body), name)
        to._changed(nfs3.wcc(body), to_name)
        if status == Errno.EEXIST:
            status = Errno.ENOTEMPTY
        nfs3.check(status)

    # -- contents

    def readlink(self) -> bytes:
        body, status = self.fs.reply("READLINK", self._packer())
        self.learn(nfs3.post_op(body))
        nfs3.check(status)
        return bytes(body.opaque(nfs3.PATH_MAX))

    def read(self, offset: int, length: int) -> Buffer:
        if self.vtype is VType.DIR:
            raise KernelError(Errno.EISDIR)
        length = min(length, max(0, self._fresh().size - offset))
        parts: list[Buffer] = []
        while length:
            part = self._part(offset, length)
            if not len(part):
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _part(self, offset: int, length: int) -> Buffer:
        """Out of the piece that was read last, if the file is the same, or from the server."""
        begin, mtime, data = self._block
        if mtime != self._attributes.mtime_ns or not begin <= offset < begin + len(data):
            begin, data = offset, self._read(offset, self.fs.rsize)
            self._block = (begin, self._attributes.mtime_ns, data)
        return memoryview(data)[offset - begin : offset - begin + length]

    def _read(self, offset: int, length: int) -> Buffer:
        body, status = self.fs.reply("READ", self._packer().hyper(offset).uint(length))
        self.learn(nfs3.post_op(body))
        nfs3.check(status)
        body.uint()
        body.boolean()
        return body.opaque(length)

    def write(self, offset: int, data: Buffer) -> int:
        if offset + len(data) > self.fs.info.maxfilesize:
            raise KernelError(Errno.EFBIG)
        view, done = memoryview(data).cast("B"), 0
        while done < len(view):
            piece = bytes(view[done : done + self.fs.wsize])
            try:
                done += self._write(offset + done, piece)
            except KernelError:
                if done:
                    return done
                raise
        if self._pending_size > PENDING_MAX:
            self.commit()
        return done

    def _write(self, offset: int, piece: bytes) -> int:
        """One WRITE; what the server has not on stable storage is kept."""
        packer = self._packer().hyper(offset).uint(len(piece), nfs3.UNSTABLE).opaque(piece)
        body, status = self.fs.reply("WRITE", packer)
        self.learn(nfs3.wcc(body))
        self._block = (0, 0, b"")
        nfs3.check(status)
        count, committed, verifier = body.uint(), body.uint(), bytes(body.fixed(nfs3.VERIFIER))
        if not 0 < count <= len(piece):
            raise KernelError(Errno.EIO, f"the server wrote {count} of {len(piece)} bytes", "vfs")
        if committed == nfs3.UNSTABLE:
            self._pending.append((offset, piece[:count]))
            self._pending_size += count
            self._verifiers.add(verifier)
        return count

    def commit(self) -> None:
        """Brings everything written to the server's stable storage. EIO, ENOSPC, and others of writes."""
        for _ in range(REWRITES_MAX):
            if not self._pending:
                return
            body, status = self.fs.reply("COMMIT", self._packer().hyper(0).uint(0))
            self.learn(nfs3.wcc(body))
            nfs3.check(status)
            verifier = bytes(body.fixed(nfs3.VERIFIER))
            pending, self._pending, self._pending_size = self._pending, [], 0
            verifiers, self._verifiers = self._verifiers, set()
            if verifiers <= {verifier}:
                return
            self._again(pending)
        raise KernelError(Errno.EIO, "the server loses what is written again and again", "vfs")

    def _again(self, pending: list[tuple[int, bytes]]) -> None:
        """The server has crashed since these were written."""
        for offset, piece in pending:
            done = 0
            while done < len(piece):
                done += self._write(offset + done, piece[done:])

    def fsync(self, *, data_only: bool) -> None:
        self.commit()

    # -- life

    def active(self) -> None:
        """Who opens a file sees what others have closed."""
        self.forget()

    def inactive(self) -> None:
        """The last close: others see what was written. A name that stood for a removed file goes. Errors of commit.

        A server that is away is not waited for long, since processes and kernels must come to their end: ETIMEDOUT, and
        what is unwritten is kept for the next sync.
        """
        silly, self._silly = self._silly, None
        if silly is not None:
            self._pending.clear()
            directory, name = silly
            directory._remove("REMOVE", name)
            return
        self.fs.finish(self)

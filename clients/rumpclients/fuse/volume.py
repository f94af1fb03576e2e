"""What all operations share: the tree of files, the host's numbers for them, and how long answers are good."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import rump
from rump.fs import Tree
from rumpclients.fuse.nodes import Node, Nodes
from rumpclients.fuse.protocol import ATTR_OUT, ENTRY_OUT, Attributes, Request

NOFOLLOW = rump.AT_SYMLINK_NOFOLLOW
_NOT_KEPT = {errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL}
"""What a file system without owners or modes says to them."""
Reply = list[bytes | memoryview]


@dataclass(slots=True)
class Policy:
    """How answers are given.

    ``attributes_s``, ``names_s``: how long the host may keep what it was told. ``keep_pages``: the kernel is in this
    process and nobody else writes to the files, so that the host's pages of them stay good. ``atimes``: reading changes
    attributes. ``owner``: whoever asks counts as this user. ``group``: that of all files.
    """

    attributes_s: float = 1.0
    names_s: float = 1.0
    keep_pages: bool = False
    atimes: bool = True
    owner: int | None = None
    group: int | None = None


class Volume:
    """One file system under a mount."""

    def __init__(self, tree: Tree, policy: Policy) -> None:
        self.tree = tree
        self.k = tree.k
        self.policy = policy
        self.k.sys.umask(0)  # the host has taken its own off
        self.nodes = Nodes(tree.lstat("/"))
        self.dirty = False
        self.epoch = 0
        """Counts changes: attributes of an earlier epoch may be others now."""
        names, names_ns = _split(policy.names_s)
        seconds, part = _split(policy.attributes_s)
        self._times = (names, seconds, names_ns, part)

    # -- where files are

    @contextmanager
    def at(self, node: Node, name: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """Descriptor and path of a file, or of a name in a directory. ESTALE when it has no name any more."""
        path = self.nodes.path(node)
        if path is None:
            raise OSError(errno.ESTALE, "the file has no name any more")
        with self.tree.at(os.path.join(path, name) if name else path) as (fd, place):
            yield fd, place

    def path(self, node: Node) -> bytes:
        """For calls that know no descriptors."""
        path = self.nodes.path(node)
        if path is None:
            raise OSError(errno.ESTALE, "the file has no name any more")
        return self.tree.path(path)

    def stat(self, node: Node) -> rump.Stat:
        """By name, else by a descriptor."""
        if not node.names and node is not self.nodes.root and (fd := node.handle()) is not None:
            return self.k.sys.fstat(fd)
        with self.at(node) as (fd, path):
            return self.k.sys.fstatat(fd, path, NOFOLLOW)

    def stats(self, fd: int, names: Sequence[bytes]) -> Iterator[rump.Stat | None]:
        """Attributes of names in a directory, None of those that are gone: in one message where that is the quicker."""
        if not self.policy.keep_pages:
            with self.k.batch(keep_going=True) as b:
                asked = [b.fstatat(fd, name, NOFOLLOW) for name in names]
            yield from (None if future.exception() is not None else future.result() for future in asked)
            return
        fstatat = self.k.sys.fstatat
        for name in names:
            try:
                yield fstatat(fd, name, NOFOLLOW)
            except OSError:
                yield None

    # -- answers

    def attributes(self, st: rump.Stat) -> bytes:
        owner = self.policy.owner
        uid = st.st_uid if owner is None else owner
        gid = st.st_gid if self.policy.group is None else self.policy.group
        return Attributes(
            st.st_ino, st.st_size, st.st_blocks, st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns, st.st_mode,
            st.st_nlink, uid, gid, st.st_rdev, st.st_blksize or 4096,
        ).emit()  # fmt: skip

    def attr(self, st: rump.Stat) -> Reply:
        seconds, part = _split(self.policy.attributes_s)
        return [ATTR_OUT.pack(seconds, part, 0), self.attributes(st)]

    def entry(self, node: Node, st: rump.Stat) -> bytes:
        return ENTRY_OUT.pack(node.nodeid, 0, *self._times) + self.attributes(st)

    def found(self, parent: Node, name: bytes, st: rump.Stat) -> Reply:
        node = self.nodes.found(parent, name, st)
        self.remember(node, st)
        return [self.entry(node, st)]

    def remember(self, node: Node, st: rump.Stat) -> None:
        node.st, node.epoch = st, self.epoch

    def remembered(self, node: Node) -> rump.Stat | None:
        """Attributes that are still good; none where others change files too."""
        return node.st if node.epoch == self.epoch and self.policy.keep_pages else None

    # -- whose a new file is

    def given(
        self, request: Request, place: tuple[int, bytes], st: rump.Stat, above: rump.Stat, mode: int
    ) -> rump.Stat:
        """Gives a new file to whoever made it, as Linux does it: directories with the set-group-id bit pass on their
        group, and the bit. What the file system has no room for is left as it is. The attributes then."""
        inherits = above.st_mode & stat.S_ISGID
        uid = request.uid if self.policy.owner is None else self.policy.owner
        gid = above.st_gid if inherits else request.gid
        kind = stat.S_IFMT(st.st_mode)
        wanted = mode & 0o7777 | (inherits if kind == stat.S_IFDIR else 0)
        owned = (st.st_uid, st.st_gid) == (uid, gid)
        right = kind == stat.S_IFLNK or stat.S_IMODE(st.st_mode) == wanted
        if owned and right:
            return st
        b = self.k.batch(keep_going=True)
        changes = [] if owned else [b.fchownat(*place, uid, gid, NOFOLLOW)]
        if not right or (not owned and wanted & 0o7000):
            changes.append(b.fchmodat(*place, wanted, NOFOLLOW))
        last = b.fstatat(*place, NOFOLLOW)
        b.run()
        for change in changes:
            error = change.exception()
            if error is not None and error.errno not in _NOT_KEPT:
                raise error
        return last.result()


def _split(seconds: float) -> tuple[int, int]:
    whole = int(seconds)
    return whole, round((seconds - whole) * 1e9)


def done(batch: rump.Batch, last: rump.Future[rump.Stat]) -> rump.Stat:
    """Does a batch: its last result. What an earlier call failed with is raised."""
    batch.run()
    batch.check()
    return last.result()

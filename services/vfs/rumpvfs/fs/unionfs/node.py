"""Files of a union: a file of the upper tree, one of the lower tree, or two directories that are seen as one.

A file of the lower tree is copied up when it is about to be changed, and its directories with it. A name that is taken
away while the lower tree has it too gets a whiteout. Directories that the lower tree has a part in are not renamed
(EXDEV, on which mv copies). A hard link of below ends with the copy: the other names go on showing the old file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from rumpuser.host import Buffer
from rumpvfs.core.access import check_mount
from rumpvfs.core.acl import Acl
from rumpvfs.core.copying import copy_file, names
from rumpvfs.core.mount import hold, release
from rumpvfs.core.vnode import Changes, Entry, NewNode, Vnode, VType
from rumpvfs.fs.layerfs.layer import lower_lookup
from rumpvfs.fs.unionfs.marks import drop, is_whiteout, make_opaque, new_whiteout
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

if TYPE_CHECKING:
    from rumpvfs.fs.unionfs.filesystem import UnionFileSystem

LOWER = 1 << 62
"""Cookies of entries of the lower directory have this bit, which comes after all of the upper one."""


def find(directory: Vnode | None, name: bytes) -> Vnode | None:
    """What one of the trees has at a name, whiteouts too; None for nothing."""
    if directory is None:
        return None
    try:
        return lower_lookup(directory, name)
    except KernelError as error:
        if error.errno == Errno.ENOENT:
            return None
        raise


class UnionNode(Vnode):
    """``up`` and ``name`` say where it was found, ``named`` whether it still stands there."""

    __slots__ = ("held", "lower", "name", "named", "up", "upper")

    fs: UnionFileSystem

    def __init__(
        self,
        fs: UnionFileSystem,
        fileno: int,
        upper: Vnode | None,
        lower: Vnode | None,
        up: UnionNode | None,
        name: bytes,
    ) -> None:
        super().__init__(fs, fileno, (upper or cast("Vnode", lower)).vtype)
        self.upper = upper
        self.lower = lower
        self.up = up
        self.name = name
        self.named = True
        self.held: list[Vnode] = []

    @property
    def shown(self) -> Vnode:
        return self.upper if self.upper is not None else cast("Vnode", self.lower)

    # -- life

    def active(self) -> None:
        if not self.held:
            self.held = [hold(vnode) for vnode in (self.upper, self.lower) if vnode is not None]

    def inactive(self) -> None:
        if self.held:
            held, self.held = self.held, []
            for vnode in held:
                release(vnode)
        elif self.upper is not None and self.upper.uses == 0:
            self.upper.inactive()

    # -- copying up

    def change(self, size: int | None = None) -> Vnode:
        """The upper file, which is about to be changed; made if need be, with at most ``size`` bytes. EROFS, ENOSPC."""
        check_mount(self.fs.upper)
        if self.upper is None:
            self._copy_up(size)
        return cast("Vnode", self.upper)

    def _copy_up(self, size: int | None) -> None:
        lower = cast("Vnode", self.lower)
        if self.named and self.up is not None:
            self.upper = self.up.put(self.name, lambda directory: copy_file(lower, directory, self.name, size))
        else:  # open, but without a name: the copy has none either
            name, root = self.fs.temporary(), self.fs.upper
            self.upper = copy_file(lower, root, name, size)
            if self.held:
                self.held.append(hold(self.upper))
            (root.rmdir if lower.vtype is VType.DIR else root.unlink)(name, self.upper)
            return
        if self.held:
            self.held.append(hold(self.upper))
        self.fs.copied(self)
        if self.vtype is not VType.DIR:
            self.lower = None

    def put(self, name: bytes, make: Callable[[Vnode], Vnode]) -> Vnode:
        """Has ``make`` put something at a name of the upper directory, in place of a whiteout, if there is one.

        ENOENT in a directory that was removed, EEXIST when something stands there that the union did not make.
        """
        if not self.named and self.up is not None:
            raise KernelError(Errno.ENOENT, "the directory is removed")
        directory = self.change()
        hidden = find(directory, name)
        if hidden is not None:
            if not is_whiteout(hidden):
                raise KernelError(Errno.EEXIST)
            drop(directory, name, hidden)
        try:
            made = make(directory)
        except KernelError:
            if hidden is not None:
                directory.create(name, new_whiteout())
            raise
        finally:
            self.fs.forget(directory, name)
        return made

    # -- attributes

    def getattr(self) -> Stat:
        st = self.shown.getattr()._replace(st_dev=self.fs.dev, st_ino=self.fileno)
        return st if self.named or self.upper is not None else st._replace(st_nlink=0)

    def owner(self) -> tuple[int, int, int]:
        return self.shown.owner()

    def setattr(self, changes: Changes) -> None:
        self.change(changes.size).setattr(changes)

    # -- directories

    def lookup(self, name: bytes) -> Vnode:
        upper = find(self.upper, name)
        if upper is not None and is_whiteout(upper):
            raise KernelError(Errno.ENOENT)
        lower = self._below(name) if upper is None or upper.vtype is VType.DIR else None
        if upper is not None and lower is not None and lower.vtype is not VType.DIR:
            lower = None
        if upper is None and lower is None:
            raise KernelError(Errno.ENOENT)
        return self.fs.node(upper, lower, self, name)

    def _below(self, name: bytes) -> Vnode | None:
        """What the lower tree shows at a name."""
        lower = find(self.lower, name)
        return None if lower is None or is_whiteout(lower) else lower

    def parent(self) -> Vnode:
        return self.up if self.up is not None else self.fs.root()

    def readdir(self, cookie: int) -> Iterator[Entry]:
        if self.upper is not None and cookie < LOWER:
            yield from self._entries(self.upper, cookie)
        if self.lower is not None and (self.named or self.up is None):
            yield from self._entries_below(self.lower, max(0, cookie - LOWER))

    def _entries(self, directory: Vnode, cookie: int) -> Iterator[Entry]:
        for entry in directory.readdir(cookie):
            if entry.cookie >= LOWER:
                raise KernelError(Errno.EOVERFLOW, "positions in the upper directory are too large")
            if entry.vtype in (VType.CHR, None):
                found = find(directory, entry.name)
                if found is None or is_whiteout(found):
                    continue
            yield self._entry(entry, entry.cookie, self.fs.upper_number(entry.fileno))

    def _entries_below(self, directory: Vnode, cookie: int) -> Iterator[Entry]:
        for entry in directory.readdir(cookie):
            dots = entry.name in (b".", b"..")
            if self.upper is not None and (dots or find(self.upper, entry.name) is not None):
                continue
            if not dots and entry.vtype in (VType.CHR, None) and self._below(entry.name) is None:
                continue
            yield self._entry(entry, entry.cookie + LOWER, self.fs.lower_number(entry.fileno))

    def _entry(self, entry: Entry, cookie: int, number: int) -> Entry:
        if entry.name == b".":
            number = self.fileno
        elif entry.name == b"..":
            number = self.parent().fileno
        return Entry(cookie, number, entry.vtype, entry.name)

    def _check_empty(self) -> None:
        """ENOTEMPTY."""
        if any(entry.name not in (b".", b"..") for entry in self.readdir(0)):
            raise KernelError(Errno.ENOTEMPTY)

    # -- names

    def create(self, name: bytes, new: NewNode) -> Vnode:
        if new.vtype is VType.CHR and new.rdev == 0:
            raise KernelError(Errno.EPERM, "device 0/0 is a whiteout")
        lower = self._below(name)
        hides = lower if lower is not None and lower.vtype is VType.DIR and new.vtype is VType.DIR else None
        made = self.put(name, lambda directory: directory.create(name, new))
        if hides is not None:
            try:
                make_opaque(made, hides)
            except KernelError:
                self.rmdir(name, self.fs.node(made, None, self, name))
                raise
        return self.fs.node(made, None, self, name)

    def link(self, name: bytes, target: Vnode) -> None:
        upper = union(target).change()

        def make(directory: Vnode) -> Vnode:
            directory.link(name, upper)
            return upper

        self.put(name, make)

    def unlink(self, name: bytes, target: Vnode) -> None:
        node = union(target)
        directory = self.change()
        if node.upper is not None:
            directory.unlink(name, node.upper)
            self._left(node, last=node.upper.getattr().st_nlink == 0)
        else:
            node.named = False
        self._white_out(directory, name)

    def rmdir(self, name: bytes, target: Vnode) -> None:
        node = union(target)
        node._check_empty()
        directory = self.change()
        if node.upper is not None:
            clear(node.upper)
            directory.rmdir(name, node.upper)
            self.fs.forget_directory(node.upper)
        self._left(node, last=True)
        self._white_out(directory, name)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        node, there = union(target), union(to)
        victim = union(replaced) if replaced is not None else None
        if node.vtype is VType.DIR:
            if node.lower is not None:
                raise KernelError(Errno.EXDEV, "a directory that the lower tree has a part in")
            if victim is not None:
                victim._check_empty()
        hides = there._below(to_name)
        upper = node.change()
        source, directory = self.change(), there.change()
        standing = find(directory, to_name)
        if standing is not None and (standing.vtype is VType.DIR) is not (node.vtype is VType.DIR):
            drop(directory, to_name, standing)  # a whiteout, where a directory goes
            standing = None
        elif standing is not None and standing.vtype is VType.DIR:
            clear(standing)
        source.rename(name, upper, directory, to_name, standing)
        for where, what in ((source, name), (directory, to_name)):
            self.fs.forget(where, what)
        if standing is not None and victim is None and not standing.uses:
            standing.inactive()  # a whiteout
        if victim is not None:
            there._left(victim, last=victim.upper is None or victim.upper.getattr().st_nlink == 0)
        if node.vtype is VType.DIR and hides is not None and hides.vtype is VType.DIR:
            make_opaque(upper, hides)
        node.up, node.name = there, to_name
        self._white_out(source, name)

    def _left(self, node: UnionNode, *, last: bool) -> None:
        if last or node.upper is None:
            node.named = False
        if last and node.upper is not None:
            self.fs.gone(node.upper)

    def _white_out(self, directory: Vnode, name: bytes) -> None:
        """A name was taken out of the upper directory, or only the lower one had it."""
        if self._below(name) is not None:
            directory.create(name, new_whiteout())
        self.fs.forget(directory, name)

    # -- contents

    def read(self, offset: int, length: int) -> Buffer:
        return self.shown.read(offset, length)

    def write(self, offset: int, data: Buffer) -> int:
        return self.change().write(offset, data)

    def readlink(self) -> bytes:
        return self.shown.readlink()

    def seek(self, offset: int, *, hole: bool) -> int:
        return self.shown.seek(offset, hole=hole)

    def allocate(self, offset: int, length: int) -> None:
        self.change().allocate(offset, length)

    def discard(self, offset: int, length: int) -> None:
        self.change().discard(offset, length)

    def fsync(self, *, data_only: bool) -> None:
        self.shown.fsync(data_only=data_only)

    # -- extended attributes

    def acl(self, *, default: bool = False) -> Acl | None:
        return self.shown.acl(default=default)

    def getxattr(self, name: bytes) -> bytes:
        return self.shown.getxattr(name)

    def setxattr(self, name: bytes, value: bytes) -> None:
        self.change().setxattr(name, value)

    def removexattr(self, name: bytes) -> None:
        self.getxattr(name)
        self.change().removexattr(name)

    def listxattr(self) -> list[bytes]:
        return self.shown.listxattr()


def union(vnode: Vnode) -> UnionNode:
    return cast("UnionNode", vnode)


def clear(directory: Vnode) -> None:
    """Takes the whiteouts out of a directory of the upper tree that looks empty."""
    for name in list(names(directory)):
        drop(directory, name, directory.lookup(name))

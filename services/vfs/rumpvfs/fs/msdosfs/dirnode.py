"""Directories."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rumpvfs.core.vnode import NewNode, Vnode, VType, unsupported
from rumpwire.errno import Errno, KernelError

from . import dirent, names
from .bpb import SLOT
from .common import FatDirectory
from .directory import Directory
from .dirent import Record
from .node import Node

if TYPE_CHECKING:
    from .driver import MsdosFileSystem

_DOT, _DOTDOT = b".          ", b"..         "


class DirectoryNode(FatDirectory, Node):
    """A directory. Its entries' vnodes hold it, so there is one only, and ``up`` leads to the root."""

    __slots__ = ("_directory",)

    _SLOTS_MAX = dirent.SLOTS_MAX

    def __init__(
        self,
        fs: MsdosFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes | bytearray,
    ) -> None:
        super().__init__(fs, fileno, vtype, up, record, raw)
        self._directory: Directory | None = None

    def directory(self) -> Directory:
        """EIO for one that names no cluster."""
        if self._directory is None:
            if self.first == 0:
                raise KernelError(Errno.EIO, "a directory without clusters", "msdos")
            self._directory = Directory(self, self.chain())
        return self._directory

    def vet(self) -> None:
        self.directory().open()
        super().vet()

    def extent(self) -> tuple[int, int]:
        size = self.directory().slots() * SLOT
        return size, size

    # -- making

    def create(self, name: bytes, new: NewNode) -> Vnode:
        """Files and directories: FAT has nothing else (EOPNOTSUPP). EINVAL for a name that it does not hold."""
        if new.vtype not in (VType.REG, VType.DIR):
            raise unsupported(f"a file of kind {new.vtype.name}")
        directory = self._changing()
        text = names.checked(name)
        if new.vtype is VType.DIR:
            record, raw = self._create_directory(directory, text)
        else:
            attributes = dirent.ARCHIVE if new.mode & 0o200 else dirent.ARCHIVE | dirent.READONLY
            record, raw = directory.add(text, self._new_entry(attributes))
        self.touched()
        return self.fs.created(self, record, raw)

    def _new_entry(self, attributes: int, first: int = 0, name: bytes = bytes(11)) -> bytes:
        """A short entry, born now."""
        date, time, units = self.fs.now()
        low, high = first & 0xFFFF, first >> 16
        return dirent.SHORT.pack(name, attributes, 0, units, time, date, date, high, time, date, low, 0)

    def _create_directory(self, directory: Directory, text: str) -> tuple[Record, bytes]:
        """Its first cluster is on the disk before anything leads there."""
        if names.fold(text) in directory.open().by_key:
            raise KernelError(Errno.EEXIST)
        volume = self.fs.volume
        chain = volume.chain(0)
        volume.extend(chain, 1)
        try:
            dots = self._new_entry(dirent.DIRECTORY, first=chain.first, name=_DOT)
            dots += self._new_entry(dirent.DIRECTORY, first=self._as_parent(), name=_DOTDOT)
            volume.write(chain, 0, dots.ljust(volume.geometry.cluster, b"\0"))
            made = directory.add(text, self._new_entry(dirent.DIRECTORY, first=chain.first))
        except KernelError:
            volume.undo(chain, 0)
            raise
        if volume.claims is not None:
            volume.claims.counted.add(chain.first)
        return made

    def _as_parent(self) -> int:
        """What ``..`` says of this directory: 0 for the root."""
        return self.first if self.up is not None else 0

    def touched(self) -> None:
        if self.changed_now():
            self.store()
        self._stat = None

    # -- taking away

    def free(self) -> None:
        self.fs.forget_directory(self)
        if self._directory is not None:
            self._directory.let_go()
        super().free()

    # -- renaming

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        """The new name is on the disk before the old one goes, unless one sector has both. A crash may leave both."""
        node, there, victim = cast("Node", target), cast("DirectoryNode", to), cast("Node | None", replaced)
        if isinstance(victim, DirectoryNode) and not victim.directory().is_empty():
            raise KernelError(Errno.ENOTEMPTY)
        source, goal = self._changing(), there._changing()
        text = names.checked(to_name)
        old = self._own(source, name)
        if isinstance(node, DirectoryNode) and there is not self:
            node.vet()
        before = self.fs.place_of(node)
        if victim is None and goal is source and names.fold(text) in old.keys:
            record = self._respell(node, source, old, text)
        else:
            if victim is not None:
                record = self._replace(node, goal, there._own(goal, to_name), victim)
            else:
                record, _ = goal.add(text, bytes(node.raw))
            self._drop(source, old, goal, record)
        self._settle(node, there, record, before)

    def _replace(self, node: Node, goal: Directory, theirs: Record, victim: Node) -> Record:
        """The entry that is there leads to the other file now; its spelling stays."""
        self.fs.unlinked(victim, goal.place(theirs.slot) // SLOT)
        raw = theirs.short + bytes((node.raw[11], theirs.flags)) + bytes(node.raw[13:])
        goal.write(theirs.slot, raw)
        theirs.attributes = node.raw[11]
        return theirs

    def _respell(self, node: Node, source: Directory, old: Record, text: str) -> Record:
        """A name that differs in case: the old one goes first, for they are one. There is room before that. ENOSPC."""
        needed = source.slots_for(text)
        if needed > old.count:
            source.make_room(needed)
        source.take(old)
        return source.add(text, bytes(node.raw))[0]

    def _drop(self, source: Directory, old: Record, goal: Directory, new: Record) -> None:
        sector = self.fs.volume.geometry.sector
        if source.place(old.first) // sector != goal.place(new.slot) // sector:
            self.fs.volume.write_back()
        source.take(old)

    def _settle(self, node: Node, there: DirectoryNode, record: Record, before: int) -> None:
        """The vnode is at its new place."""
        raw = there.directory().read(record.slot)
        node.record, node.up, node.raw = record, there, bytearray(raw)
        self.fs.moved(node, before)
        if isinstance(node, DirectoryNode) and there is not self:
            node.moved_below(there)
        self.touched()
        if there is not self:
            there.touched()

    def moved_below(self, parent: DirectoryNode) -> None:
        """Its ``..`` leads to the new parent."""
        directory = self.directory()
        dots = bytearray(directory.read(1)) if directory.slots() > 1 else bytearray()
        if dots[:11] != _DOTDOT:
            return
        first = parent._as_parent()
        dots[26:28] = (first & 0xFFFF).to_bytes(2, "little")
        if self.fs.volume.geometry.bits == 32:
            dots[20:22] = (first >> 16).to_bytes(2, "little")
        directory.write(1, dots)


class RootNode(DirectoryNode):
    """The root: no entry says anything about it, its times are those of this mount."""

    __slots__ = ()

    @property
    def first(self) -> int:
        return self.fs.volume.geometry.root_cluster

    def vet(self) -> None:
        directory = self.directory()
        directory.open()
        if directory.chain is not None:
            self.fs.volume.vet(directory.chain)

    def directory(self) -> Directory:
        if self._directory is None:
            chain = self.fs.volume.chain(self.first) if self.first else None
            self._directory = Directory(self, chain)
        return self._directory

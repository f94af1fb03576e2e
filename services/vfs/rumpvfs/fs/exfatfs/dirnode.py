"""Directories: files of slots of 32 bytes. Their names are parsed once and kept as long as there is memory for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from rumpuser.host import Buffer
from rumpvfs.core.vnode import NewNode, Vnode, VType, unsupported
from rumpvfs.fs.msdosfs.common import FatDirectory
from rumpwire.errno import Errno, KernelError

from . import entry
from .entry import SLOT
from .node import Node

if TYPE_CHECKING:
    from .driver import ExfatFileSystem

SLOTS_MAX = 1 << 19
"""Slots of a directory: 16 MiB, some 170,000 files. The format has sixteen times as many."""
_NOT_NAMES = frozenset('"*/:<>?\\|') | {chr(code) for code in range(32)}


@dataclass(slots=True)
class Record:
    """A name: ``count`` slots from ``slot`` on."""

    slot: int
    count: int
    name: bytes
    key: str
    attributes: int


@dataclass(slots=True)
class Table:
    """A directory that was parsed. ``used`` has a byte for each slot; from slot ``end`` on none was ever used."""

    used: bytearray
    end: int
    by_key: dict[str, Record] = field(default_factory=dict)
    by_slot: dict[int, Record] = field(default_factory=dict)
    order: list[int] | None = None

    def add(self, record: Record) -> None:
        self.by_key.setdefault(record.key, record)
        self.by_slot[record.slot] = record
        self.used[record.slot : record.slot + record.count] = b"\1" * record.count
        self.order = None

    def take(self, record: Record) -> None:
        """The record may be of an earlier parsing."""
        if (found := self.by_key.get(record.key)) is not None and found.slot == record.slot:
            del self.by_key[record.key]
        del self.by_slot[record.slot]
        self.used[record.slot : record.slot + record.count] = bytes(record.count)
        self.order = None

    def slots(self) -> list[int]:
        if self.order is None:
            self.order = sorted(self.by_slot)
        return self.order


class DirectoryNode(FatDirectory, Node):
    """A directory. Its entries' vnodes hold it, so there is one only, and ``up`` leads to the root."""

    __slots__ = ("_counted", "table")

    _SLOTS_MAX = SLOTS_MAX

    def __init__(
        self,
        fs: ExfatFileSystem,
        fileno: int,
        vtype: VType,
        up: DirectoryNode | None,
        record: Record | None,
        raw: bytes | bytearray,
    ) -> None:
        super().__init__(fs, fileno, vtype, up, record, raw)
        self.table: Table | None = None
        self._counted = False

    def directory(self) -> DirectoryNode:
        return self

    # -- slots

    def _checked(self) -> None:
        """That it has clusters, and not too many. EIO, EOPNOTSUPP."""
        chain, cluster = self.chain(), self.fs.volume.geometry.cluster
        most = max(SLOTS_MAX * SLOT // cluster, 1)
        if self.up is None:
            if chain.reach(most + 1):
                raise KernelError(Errno.EOPNOTSUPP, "a directory of more than 16 MiB", "exfat")
            self.size = chain.known * cluster
        elif self.clusters() > most:
            raise KernelError(Errno.EOPNOTSUPP, "a directory of more than 16 MiB", "exfat")
        elif not chain.reach(self.clusters()):
            raise KernelError(Errno.EIO, "the chain of a directory is shorter than its size", "exfat")

    def place(self, slot: int) -> int:
        """Where on the device a slot is."""
        geometry = self.fs.volume.geometry
        at = slot * SLOT
        return geometry.offset(self.chain().run(at // geometry.cluster)[0]) + at % geometry.cluster

    def write_slots(self, slot: int, data: Buffer) -> None:
        size, buffers = self.fs.volume.geometry.sector, self.fs.volume.buffers
        while data:
            block, at = divmod(self.place(slot), size)
            piece = data[: size - at]
            buffers.modify(block)[at : at + len(piece)] = piece
            data = data[len(piece) :]
            slot += len(piece) // SLOT

    def read_slots(self, slot: int, count: int) -> bytes:
        size, buffers = self.fs.volume.geometry.sector, self.fs.volume.buffers
        pieces = []
        while count > 0:
            block, at = divmod(self.place(slot), size)
            pieces.append(buffers.block(block)[at : at + count * SLOT])
            count, slot = count - (size - at) // SLOT, slot + (size - at) // SLOT
        return b"".join(pieces)

    def vet(self) -> None:
        self.open()
        super().vet()

    # -- names

    def open(self) -> Table:
        """All names. EIO, EOPNOTSUPP."""
        if self.table is None:
            self._checked()
            self.table = self._parse(self.read_slots(0, self.size // SLOT))
            self.fs.tables.note(self, len(self.table.used))
        if not self._counted:
            self._count()
        return self.table

    def _count(self) -> None:
        """Has the volume know which clusters the names here lead to, once something was changed."""
        volume = self.fs.volume
        if volume.claims is None:
            return
        self._counted = True
        if self.first not in volume.claims.counted:
            volume.claims.counted.add(self.first)
            cluster = volume.geometry.cluster
            for first, size, adjacent in entry.extents(self.read_slots(0, self.size // SLOT)):
                volume.claim_file(first, -(-size // cluster), linked=not adjacent)

    def _parse(self, raw: bytes) -> Table:
        """Sets whose checksum or name is wrong are passed by; their slots stay used."""
        count = len(raw) // SLOT
        table = Table(bytearray(count), count)
        slot = 0
        while slot < count:
            kind = raw[slot * SLOT]
            if kind == entry.END:
                table.end = slot
                break
            length = 1
            if kind & entry.IN_USE:
                length = 1 + raw[slot * SLOT + 1] if kind == entry.FILE else 1
                record = self._record(raw[slot * SLOT : (slot + length) * SLOT], slot) if length > 2 else None
                length = length if record is not None else 1
                if record is not None:
                    table.add(record)
                table.used[slot] = 1
            slot += length
        return table

    def _record(self, raw: bytes, slot: int) -> Record | None:
        if len(raw) < 3 * SLOT or raw[SLOT] != entry.STREAM or not entry.is_sound(raw):
            return None
        text = entry.name_of(raw)
        if text is None:
            return None
        name, key = text.encode("utf-8", "surrogatepass"), self.fs.upcase.fold(text)
        return Record(slot, len(raw) // SLOT, name, key, raw[entry.ATTRIBUTES])

    def find(self, name: bytes) -> Record | None:
        table = self.open()
        self.fs.tables.used(self)
        try:
            return table.by_key.get(self.fs.upcase.fold(name.decode("utf-8", "surrogatepass")))
        except UnicodeDecodeError:
            return None

    def make_room(self, count: int) -> int:
        """The first of ``count`` free slots in a row; the directory grows for them. ENOSPC, EIO."""
        table = self.open()
        while (at := table.used.find(bytes(count))) < 0:
            self._grow(table)
        return at

    def _grow(self, table: Table) -> None:
        volume, chain = self.fs.volume, self.chain()
        cluster = volume.geometry.cluster
        if len(table.used) + cluster // SLOT > SLOTS_MAX:
            raise KernelError(Errno.ENOSPC, "the directory is as large as it may be", "exfat")
        before = chain.known
        volume.extend(chain, before + 1)
        try:
            volume.clear(chain, before * cluster, (before + 1) * cluster)
        except KernelError:
            volume.undo(chain, before)
            raise
        table.used += bytes(cluster // SLOT)
        self.fs.tables.note(self, len(table.used))
        self.size = self.valid = chain.known * cluster
        if self.up is not None:
            self.store_extent()
            self.store()

    def add(self, text: str, raw: bytes | bytearray) -> tuple[Record, bytearray]:
        """A name for file and stream of a set: where it is, and the set. EEXIST, ENOSPC, EIO."""
        table = self.open()
        key = self.fs.upcase.fold(text)
        if key in table.by_key:
            raise KernelError(Errno.EEXIST)
        made = entry.sealed(entry.with_name(raw, text, key))
        count = len(made) // SLOT
        at = self.make_room(count)
        self._move_end(table, at + count)
        self.write_slots(at, made)
        record = Record(at, count, text.encode("utf-8", "surrogatepass"), key, made[entry.ATTRIBUTES])
        table.add(record)
        return record, made

    def _move_end(self, table: Table, end: int) -> None:
        """The slots up to ``end`` come into use; behind them there must be none that seems to be used."""
        if end > table.end:
            table.end = end
            if end < len(table.used) and self.read_slots(end, 1)[0] != entry.END:
                self.write_slots(end, bytes(SLOT))

    def take(self, record: Record) -> None:
        """Takes a name away; its slots can be used again."""
        table = self.open()
        raw = self.read_slots(record.slot, record.count)
        for index in range(record.count):
            self.write_slots(record.slot + index, bytes((raw[index * SLOT] & ~entry.IN_USE,)))
        table.take(record)

    # -- as a vnode

    # -- making

    def create(self, name: bytes, new: NewNode) -> Vnode:
        """Files and directories: exFAT has nothing else (EOPNOTSUPP). EINVAL for a name that it does not hold."""
        if new.vtype not in (VType.REG, VType.DIR):
            raise unsupported(f"a file of kind {new.vtype.name}")
        self._changing()
        text = checked(name)
        if self.fs.upcase.fold(text) in self.open().by_key:
            raise KernelError(Errno.EEXIST)
        if new.vtype is VType.DIR:
            record, raw = self._create_directory(text)
        else:
            bits = entry.ARCHIVE if new.mode & 0o200 else entry.ARCHIVE | entry.READONLY
            record, raw = self.add(text, entry.new(bits, self.fs.env.now_ns()))
        self.touched()
        return self.fs.created(self, record, raw)

    def _create_directory(self, text: str) -> tuple[Record, bytearray]:
        """Its first cluster is on the disk before anything leads there."""
        volume = self.fs.volume
        chain = volume.chain(0)
        volume.extend(chain, 1)
        cluster = volume.geometry.cluster
        try:
            volume.clear(chain, 0, cluster)
            raw = entry.new(entry.DIRECTORY, self.fs.env.now_ns())
            raw[entry.FLAGS] = entry.ALLOCATED | entry.CONTIGUOUS
            raw[entry.VALID : entry.VALID + 8] = raw[entry.SIZE : entry.SIZE + 8] = cluster.to_bytes(8, "little")
            raw[entry.FIRST : entry.FIRST + 4] = chain.first.to_bytes(4, "little")
            made = self.add(text, raw)
        except KernelError:
            volume.undo(chain, 0)
            raise
        if volume.claims is not None:
            volume.claims.counted.add(chain.first)
        return made

    def touched(self) -> None:
        self.changed_now()
        self.store()

    # -- taking away

    def free(self) -> None:
        """What it changed of its clusters must not reach whoever has them next."""
        self.fs.forget_directory(self)
        self.fs.tables.forget(self)
        self.table = None
        geometry = self.fs.volume.geometry
        for first, count in self._chain.runs() if self._chain is not None else ():
            start, length = geometry.offset(first), count * geometry.cluster
            self.fs.volume.buffers.forget(start // geometry.sector, length // geometry.sector)
        super().free()

    # -- renaming

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        """The new name is on the disk before the old one goes, unless one sector has both. A crash may leave both."""
        node, there, victim = cast("Node", target), cast("DirectoryNode", to), cast("Node | None", replaced)
        if isinstance(victim, DirectoryNode) and victim.open().by_slot:
            raise KernelError(Errno.ENOTEMPTY)
        self._changing()
        there._changing()
        text = checked(to_name)
        old = self._own(self, name)
        before = self.place(old.slot) // SLOT
        if victim is None and there is self and self.fs.upcase.fold(text) == old.key:
            record, raw = self._respell(node, old, text)
        else:
            if victim is not None:
                record, raw = there._replace(node, there._own(there, to_name), victim)
            else:
                record, raw = there.add(text, node.raw)
            self._drop(old, there, record)
        node.record, node.up, node.raw = record, there, raw
        self.fs.moved(node, before)
        self.touched()
        if there is not self:
            there.touched()

    def _respell(self, node: Node, old: Record, text: str) -> tuple[Record, bytearray]:
        """A name that differs in case: the old one goes first, for they are one. There is room before that. ENOSPC."""
        if entry.slots_for(text) > old.count:
            self.make_room(entry.slots_for(text))
        self.take(old)
        return self.add(text, node.raw)

    def _replace(self, node: Node, theirs: Record, victim: Node) -> tuple[Record, bytearray]:
        """The set that is there leads to the other file now; its name stays as it is spelt."""
        self.fs.unlinked(victim, self.place(theirs.slot) // SLOT)
        held = self.read_slots(theirs.slot, theirs.count)
        raw = bytearray(node.raw[: 2 * SLOT]) + held[2 * SLOT :]
        raw[1] = held[1]
        raw[entry.LENGTH : entry.HASH + 2] = held[entry.LENGTH : entry.HASH + 2]
        self.write_slots(theirs.slot, entry.sealed(raw))
        theirs.attributes = raw[entry.ATTRIBUTES]
        return theirs, raw

    def _drop(self, old: Record, there: DirectoryNode, new: Record) -> None:
        sector = self.fs.volume.geometry.sector
        if self.place(old.slot) // sector != there.place(new.slot + new.count - 1) // sector:
            self.fs.volume.write_back()
        self.take(old)


def checked(name: bytes) -> str:
    """The text of a name that is to be made. EINVAL, ENAMETOOLONG."""
    try:
        text = name.decode("utf-8", "surrogatepass")
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    except UnicodeDecodeError:
        raise KernelError(Errno.EINVAL, "the name is not UTF-8", "exfat") from None
    if not text or not _NOT_NAMES.isdisjoint(text):
        raise KernelError(Errno.EINVAL, f"{text!r} is no name on exFAT", "exfat")
    if units > entry.NAME_MAX:
        raise KernelError(Errno.ENAMETOOLONG)
    return text

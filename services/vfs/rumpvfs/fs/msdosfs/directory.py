"""A directory as a file of slots: finding, adding and taking away of names.

The root of FAT12 and FAT16 is a range of the disk that does not grow; all others are chains. Parsed directories are
kept by the mount (`Tables`), as many as there is memory for.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import ref

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from . import dirent, names
from .bpb import SLOT
from .chain import Chain
from .common import FatDirectory
from .dirent import Record, Table

if TYPE_CHECKING:
    from .dirnode import DirectoryNode

_PADDING = (".", " ")
RECORDS_KEPT = 200_000
"""Slots of the directories whose parsed form is kept (up to half a kilobyte each)."""


class Tables:
    """The directories that were used last: their vnodes are held, so that what was parsed is not parsed again."""

    __slots__ = ("_kept", "_weight")

    def __init__(self) -> None:
        self._kept: OrderedDict[FatDirectory, int] = OrderedDict()
        self._weight = 0

    def used(self, node: FatDirectory) -> None:
        self._kept.move_to_end(node)

    def note(self, node: FatDirectory, weight: int) -> None:
        """Keeps a directory, and lets go of those not asked for longest."""
        self._weight += weight - self._kept.pop(node, 0)
        self._kept[node] = weight
        while self._weight > RECORDS_KEPT and len(self._kept) > 1:
            old, freed = self._kept.popitem(last=False)
            old.directory().table = None
            self._weight -= freed

    def forget(self, node: FatDirectory) -> None:
        self._weight -= self._kept.pop(node, 0)


class Directory:
    """``chain`` is None for the fixed root, ``node`` the vnode that it belongs to."""

    __slots__ = ("_counted", "_node", "_tables", "chain", "parser", "table", "volume")

    def __init__(self, node: DirectoryNode, chain: Chain | None) -> None:
        self._node = ref(node)
        self._tables = node.fs.tables
        self.volume = node.fs.volume
        self.chain = chain
        self.parser = node.fs.parser
        self.table: Table | None = None
        self._counted = False

    # -- slots

    def slots(self) -> int:
        """How many there are. EIO for a chain without end, or longer than directories may be."""
        geometry = self.volume.geometry
        if self.chain is None:
            return geometry.root_size // SLOT
        most = max(dirent.SLOTS_MAX * SLOT // geometry.cluster, 1)
        if self.chain.reach(most + 1):
            raise KernelError(Errno.EIO, f"a directory of more than {most} clusters", "msdos")
        return self.chain.known * geometry.cluster // SLOT

    def place(self, slot: int) -> int:
        """Where on the device a slot is."""
        geometry = self.volume.geometry
        if self.chain is None:
            return geometry.root_offset + slot * SLOT
        at = slot * SLOT
        cluster, _ = self.chain.run(at // geometry.cluster)
        return geometry.offset(cluster) + at % geometry.cluster

    def read(self, slot: int) -> bytes:
        at = self.place(slot)
        size = self.volume.geometry.sector
        return bytes(self.volume.buffers.block(at // size)[at % size : at % size + SLOT])

    def write(self, slot: int, data: Buffer) -> None:
        """One slot or several, or the first bytes of one."""
        size, buffers = self.volume.geometry.sector, self.volume.buffers
        while len(data):
            block, at = divmod(self.place(slot), size)
            if at + len(data) <= size:
                buffers.modify(block)[at : at + len(data)] = data
                return
            piece = data[: size - at]
            buffers.modify(block)[at : at + len(piece)] = piece
            data = data[len(piece) :]
            slot += len(piece) // SLOT

    def _contents(self) -> bytes:
        geometry, buffers = self.volume.geometry, self.volume.buffers
        self.slots()
        if self.chain is None:
            ranges = [(geometry.root_offset, geometry.root_size)]
        else:
            ranges = [(geometry.offset(first), count * geometry.cluster) for first, count in self.chain.runs()]
        size = geometry.sector
        blocks = [n for at, length in ranges for n in range(at // size, (at + length) // size)]
        return b"".join(buffers.block(number) for number in blocks)

    # -- names

    def open(self) -> Table:
        """All names. EIO."""
        table = self.table
        if table is None:
            node = self._node()
            assert node is not None
            table = self.table = self.parser.parse(self._contents())
            self._tables.note(node, len(table.used))
        if not self._counted:
            self._count()
        return table

    def _count(self) -> None:
        """Has the volume know which clusters the names here lead to, once something was changed."""
        claims, first = self.volume.claims, self.chain.first if self.chain is not None else 0
        if claims is None:
            return
        self._counted = True
        if first not in claims.counted:
            claims.counted.add(first)
            for cluster in dirent.heads(self._contents(), wide=self.volume.geometry.bits == 32):
                if 2 <= cluster < self.volume.fat.limit:
                    self.volume.claim(cluster)

    def find(self, name: bytes) -> Record | None:
        """Dots and spaces at the end of a name do not count, unless one was made with them by others. EIO."""
        key = names.sought(name)
        if self.table is not None and (node := self._node()) is not None:
            self._tables.used(node)
        if key is None:
            return None
        by_key = self.open().by_key
        found = by_key.get(key)
        return by_key.get(key.rstrip(". ")) if found is None and key[-1:] in _PADDING else found

    def make_room(self, count: int) -> int:
        """The first of ``count`` free slots in a row; the directory grows for them. ENOSPC, EIO."""
        table = self.open()
        while (at := table.used.find(bytes(count))) < 0:
            self._grow(table)
        return at

    def _grow(self, table: Table) -> None:
        if self.chain is None:
            raise KernelError(Errno.ENOSPC, "the root directory is full", "msdos")
        volume, chain = self.volume, self.chain
        if len(table.used) >= dirent.SLOTS_MAX:
            raise KernelError(Errno.ENOSPC, "the directory is as large as it may be", "msdos")
        before, size = chain.known, volume.geometry.cluster
        volume.extend(chain, before + 1)
        try:
            volume.clear(chain, before * size, (before + 1) * size)
        except KernelError:
            volume.undo(chain, before)
            raise
        table.used += bytes(size // SLOT)
        node = self._node()
        if node is not None and self.table is table:
            self._tables.note(node, len(table.used))

    def slots_for(self, text: str) -> int:
        """How many slots a name takes."""
        return 1 if names.as_short(text) is not None else len(dirent.long_slots(text, bytes(11))) // SLOT + 1

    def add(self, text: str, raw: bytes) -> tuple[Record, bytes]:
        """A name for the short entry ``raw``, whose own name and flags do not matter: where it is, and the entry.

        EEXIST, EINVAL, ENOSPC, EIO.
        """
        table = self.open()
        key = names.fold(text)
        if key in table.by_key:
            raise KernelError(Errno.EEXIST)
        short, flags, slots, shown = self._named(text, key, table)
        raw = short + raw[11:12] + bytes((flags,)) + raw[13:]
        count = len(slots) // SLOT + 1
        at = self.make_room(count)
        keys = (key,) if shown == key else (key, shown)
        record = Record(at + count - 1, count, text.encode("utf-8", "surrogatepass"), keys, short, flags, raw[11])
        self._move_end(table, at + count)
        self.write(at, slots + raw)
        table.used[at : at + count] = b"\1" * count
        table.add(record)
        return record, raw

    def _named(self, text: str, key: str, table: Table) -> tuple[bytes, int, bytes, str]:
        """Short name, its flags, the slots of the long name, and what the short one is looked up by."""
        found = names.as_short(text)
        if found is not None:
            return *found, b"", key
        if not self.parser.long_names:
            raise KernelError(Errno.EINVAL, f"{text!r} is no short name", "msdos")
        short, shown = names.alias(text, table.by_key.__contains__)
        return short, 0, dirent.long_slots(text, short), shown

    def _move_end(self, table: Table, end: int) -> None:
        """The slots up to ``end`` come into use; behind them there must be none that seems to be used."""
        if end <= table.end:
            return
        table.end = end
        if not table.blank and end < len(table.used) and self.read(end)[0] != dirent.END:
            self.write(end, b"\0")

    def take(self, record: Record) -> None:
        """Takes a name away; its slots can be used again."""
        table = self.open()
        for slot in range(record.first, record.slot + 1):
            self.write(slot, b"\xe5")
        table.take(record)

    def let_go(self) -> None:
        """The directory is removed: what it changed of its clusters must not reach whoever has them next."""
        node = self._node()
        assert node is not None
        self._tables.forget(node)
        self.table = None
        geometry = self.volume.geometry
        for first, count in self.chain.runs() if self.chain is not None else ():
            start, length = geometry.offset(first), count * geometry.cluster
            self.volume.buffers.forget(start // geometry.sector, length // geometry.sector)

    def is_empty(self) -> bool:
        return not self.open().by_slot

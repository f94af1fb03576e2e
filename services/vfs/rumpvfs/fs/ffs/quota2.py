"""Quotas in the file system (quota2 of NetBSD: newfs -q, tunefs -q).

Format: <ufs/ufs/quota2.h>. The superblock names an inode for users and one for groups, neither of which has a name.
Such a file begins with a header: what new ids get, the offset of the first free entry, and a table of lists of entries
by the low bits of the id. Entries are 96 bytes, never over the end of a block, and each has the offset of the next one
of its list.

All quotas are in memory; `store` brings what changed to the buffers, before the inodes go the same way. After a crash
fsck counts anew, as it does blocks and inodes.
"""

from __future__ import annotations

import struct

from rumpvfs.core.quota import DEFAULT, Dquot, Limits, Quotas, Table
from rumpvfs.core.vnode import Environment
from rumpwire.errno import Errno, KernelError

from .alloc import Allocator
from .contents import Contents, zeros
from .superblock import QUOTA_MAGIC, Superblock
from .volume import Volume

MAGIC = QUOTA_MAGIC
SIZE = 96
_DEFAULT_AT, _FREE_AT, _TABLE_AT = 8, 104, 112
_SHIFT_MIN, _SHIFT_MAX = 8, 15
_HEAD = {order: struct.Struct(order + "IBBH") for order in "<>"}
# hard limit, soft limit, use, time, grace of blocks and of files; next entry, id
_ENTRY = {order: struct.Struct(order + "3Q2q3Q2qQI4x") for order in "<>"}
_OFFSET = {order: struct.Struct(order + "Q") for order in "<>"}
_NEXT_AT = 80


def files_of(sb: Superblock) -> dict[int, int]:
    """Inodes by idtype; 0 for a file that fsck is to make. Nothing where the file system keeps no quotas."""
    get = sb.fields.get
    if not sb.keeps_quotas:
        return {}
    return {idtype: get(f"quotafile{idtype}") for idtype in (0, 1) if get("quota_flags") >> idtype & 1}


class QuotaFile:
    """One quota file, by bytes."""

    def __init__(self, volume: Volume, alloc: Allocator, number: int, idtype: int) -> None:
        """EIO for what is no quota file."""
        self._volume = volume
        self._order = volume.sb.order
        self.inode = volume.inode(number)
        self._contents = Contents(volume, alloc, self.inode)
        bsize = volume.sb.bsize
        if self.inode.size < bsize or self.inode.size % bsize:
            raise self._bad(f"{self.inode.size} bytes")
        self.shift: int
        magic, kind, self.shift, hashes = _HEAD[self._order].unpack(self.read(0, 8))
        if magic != MAGIC or kind != idtype:
            raise self._bad(f"magic {magic:#x}, type {kind}")
        if not 0 < self.shift <= _SHIFT_MAX or hashes != 1 << self.shift or header_size(self.shift) > bsize:
            raise self._bad(f"table of {hashes} lists")

    def _bad(self, text: str) -> KernelError:
        error = KernelError(Errno.EIO, f"inode {self.inode.number}: quota file: {text}; run fsck", "ffs")
        return self._volume.failed(error)

    # -- bytes

    def _pieces(self, at: int, length: int) -> list[tuple[int, int, int]]:
        """(fragment, first byte in it, bytes) of a range in one block. EIO."""
        sb = self._volume.sb
        block, inside = divmod(at, sb.bsize)
        place = self._contents.map.get(block) if at < self.inode.size else 0
        if not place:
            raise self._bad(f"nothing at {at}")
        pieces = []
        while length:
            frag, first = divmod(inside, sb.fsize)
            count = min(length, sb.fsize - first)
            pieces.append((place + frag, first, count))
            inside, length = inside + count, length - count
        return pieces

    def read(self, at: int, length: int) -> bytes:
        meta = self._volume.meta
        return b"".join(meta.block(frag)[first : first + count] for frag, first, count in self._pieces(at, length))

    def write(self, at: int, data: bytes) -> None:
        for frag, first, count in self._pieces(at, len(data)):
            self._volume.meta.modify(frag)[first : first + count] = data[:count]
            data = data[count:]

    def _offset(self, at: int) -> int:
        """An offset of an entry, 0 for none. EIO where none can be."""
        found = int(_OFFSET[self._order].unpack(self.read(at, 8))[0])
        block, inside = divmod(found, self._volume.sb.bsize)
        first = header_size(self.shift) if block == 0 else 0
        if found and (
            inside < first
            or (inside - first) % SIZE
            or inside + SIZE > self._volume.sb.bsize
            or found >= self.inode.size
        ):
            raise self._bad(f"an entry at {found}")
        return found

    def _set_offset(self, at: int, value: int) -> None:
        self.write(at, _OFFSET[self._order].pack(value))

    # -- entries

    def entry(self, at: int) -> Dquot:
        return parsed(self._order, self.read(at, SIZE), at)

    def default(self) -> Dquot:
        found = self.entry(_DEFAULT_AT)
        return Dquot(DEFAULT, found.limits, _DEFAULT_AT)

    def store(self, dquot: Dquot) -> None:
        """All of an entry but where the next one is."""
        packed = bytearray(emitted(self._order, dquot))
        packed[_NEXT_AT : _NEXT_AT + 8] = self.read(dquot.place + _NEXT_AT, 8)
        self.write(dquot.place, bytes(packed))

    def _list(self, owner: int) -> int:
        return _TABLE_AT + 8 * (owner & (1 << self.shift) - 1)

    def all(self) -> list[Dquot]:
        """EIO for lists that have no end, or are not those of their ids."""
        found: list[Dquot] = []
        left = self.inode.size // SIZE
        for slot in range(1 << self.shift):
            at = self._offset(_TABLE_AT + 8 * slot)
            while at:
                dquot = self.entry(at)
                left -= 1
                if left < 0 or self._list(dquot.id) != _TABLE_AT + 8 * slot:
                    raise self._bad(f"entry of id {dquot.id} at {at} is in a wrong list")
                found.append(dquot)
                at = self._offset(at + _NEXT_AT)
        return found

    def insert(self, dquot: Dquot) -> None:
        """Gives an id an entry. ENOSPC, EIO."""
        at = self._offset(_FREE_AT)
        if not at:
            self._grow()
            at = self._offset(_FREE_AT)
        self._set_offset(_FREE_AT, self._offset(at + _NEXT_AT))
        head = self._list(dquot.id)
        self._set_offset(at + _NEXT_AT, self._offset(head))
        self._set_offset(head, at)
        dquot.place = at
        self.store(dquot)

    def remove(self, dquot: Dquot) -> None:
        """Frees the entry of an id. EIO."""
        before, left = self._list(dquot.id), self.inode.size // SIZE
        while (at := self._offset(before)) != dquot.place:
            before, left = at + _NEXT_AT, left - 1
            if not at or left < 0:
                raise self._bad(f"entry of id {dquot.id} is in no list")
        self._set_offset(before, self._offset(at + _NEXT_AT))
        self._set_offset(at + _NEXT_AT, self._offset(_FREE_AT))
        self._set_offset(_FREE_AT, at)

    def _grow(self) -> None:
        """One more block, all of it free entries. ENOSPC, EIO."""
        bsize, start = self._volume.sb.bsize, self.inode.size
        self._contents.put(start // bsize, 0, zeros(bsize))
        self._volume.touch(self.inode)
        for at in range(start, start + bsize - SIZE + 1, SIZE):
            self._set_offset(at + _NEXT_AT, self._offset(_FREE_AT))
            self._set_offset(_FREE_AT, at)


def header_size(shift: int) -> int:
    return _TABLE_AT + (8 << shift)


def parsed(order: str, raw: bytes, place: int) -> Dquot:
    hard, soft, used, time, grace, hard2, soft2, used2, time2, grace2, _, owner = _ENTRY[order].unpack(raw)
    blocks, files = Limits(hard, soft, used, time, max(grace, 0)), Limits(hard2, soft2, used2, time2, max(grace2, 0))
    for limits in (blocks, files):
        limits.expire = max(limits.expire, 0) if limits.used > limits.soft else 0
    return Dquot(owner, (blocks, files), place)


def emitted(order: str, dquot: Dquot) -> bytes:
    values = [value for limits in dquot.limits for value in limits.state()]
    return _ENTRY[order].pack(*values, 0, 0 if dquot.id == DEFAULT else dquot.id)


def first_block(sb: Superblock, idtype: int, blocks: int, files: int) -> bytes:
    """The contents of a new quota file. All there is so far is of id 0."""
    shift = _SHIFT_MIN
    while shift < _SHIFT_MAX and header_size(shift + 1) <= sb.bsize - SIZE:
        shift += 1
    shift = max(shift - 1, _SHIFT_MIN)
    raw = bytearray(sb.bsize)
    _HEAD[sb.order].pack_into(raw, 0, MAGIC, idtype, shift, 1 << shift)
    raw[_DEFAULT_AT : _DEFAULT_AT + SIZE] = emitted(sb.order, Dquot(DEFAULT, (Limits(), Limits())))
    first = header_size(shift)
    free = 0
    for at in range(first + SIZE, sb.bsize - SIZE + 1, SIZE):
        _OFFSET[sb.order].pack_into(raw, at + _NEXT_AT, free)
        free = at
    _OFFSET[sb.order].pack_into(raw, _FREE_AT, free)
    raw[first : first + SIZE] = emitted(sb.order, Dquot(0, (Limits(used=blocks), Limits(used=files))))
    _OFFSET[sb.order].pack_into(raw, _TABLE_AT, first)
    return bytes(raw)


class FfsQuotas(Quotas):
    """The quotas of one ffs."""

    name = "ufs/ffs quota v2"

    def __init__(self, volume: Volume, alloc: Allocator, env: Environment) -> None:
        """EIO for broken quota files."""
        super().__init__(env)
        self._files: dict[int, QuotaFile] = {}
        self._stale: dict[Dquot, QuotaFile] = {}
        for idtype, number in files_of(volume.sb).items():
            file = self._files[idtype] = QuotaFile(volume, alloc, number, idtype)
            table = self.tables[idtype] = Table(idtype, file.default())
            for dquot in file.all():
                table.dquots[dquot.id] = dquot

    def making(self, table: Table, dquot: Dquot) -> None:
        self._files[table.idtype].insert(dquot)

    def changing(self, table: Table, dquot: Dquot) -> None:
        self._stale[dquot] = self._files[table.idtype]

    def dropping(self, table: Table, dquot: Dquot) -> None:
        self._files[table.idtype].remove(dquot)
        self._stale.pop(dquot, None)

    def store(self) -> None:
        """Brings what changed to the buffers. EIO."""
        while self._stale:
            dquot, file = self._stale.popitem()
            file.store(dquot)

    def on(self, idtype: int) -> None:
        """They are always on. EBUSY, as the original."""
        self.table(idtype)
        raise KernelError(Errno.EBUSY, "quotas in the file system are always on", "ffs")

    def off(self, idtype: int) -> None:
        """EOPNOTSUPP, as the original."""
        self.table(idtype)
        raise KernelError(Errno.EOPNOTSUPP, "quotas in the file system are always on", "ffs")

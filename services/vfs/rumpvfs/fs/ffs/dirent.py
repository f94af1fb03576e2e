"""Records of directories: struct direct of <ufs/ufs/dir.h>.

A directory is a row of blocks of 512 bytes, and a record never crosses from one into the next. The records of a block
fill it: free space belongs to the record before it, or to one without an inode at the beginning of the block.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

BLOCK = 512
HEAD = 8
NAME_MAX = 255
DT_WHT = 14
_NEW = {order: struct.Struct(order + "IHBB") for order in "<>"}
_OLD = {order: struct.Struct(order + "IHH") for order in "<>"}


class Record(NamedTuple):
    """One record; ``at`` counts in its block, ``kind`` is a DT_* or 0."""

    at: int
    inode: int
    length: int
    kind: int
    name: bytes

    @property
    def used(self) -> int:
        return needed(len(self.name)) if self.inode else 0


class Format(NamedTuple):
    """How records are written: the byte order, and whether the kind is there (4.4BSD and later)."""

    order: str
    kinds: bool

    def parse(self, raw: Buffer, where: str) -> list[Record]:
        """The records of a block. EIO for a broken one."""
        data = bytes(raw)
        head = (_NEW if self.kinds else _OLD)[self.order].unpack_from
        found = []
        at = 0
        while at < BLOCK:
            if at > BLOCK - HEAD:
                raise _broken(where, at)
            if self.kinds:
                inode, length, kind, size = head(data, at)
            else:
                inode, length, size = head(data, at)
                kind, size = 0, size & 0xFF
            name = data[at + HEAD : at + HEAD + size] if inode else b""
            if length < HEAD or length & 3 or at + length > BLOCK or (inode and needed(size) > length):
                raise _broken(where, at)
            if inode and (not name or b"/" in name or b"\0" in name):
                raise _broken(where, at)
            found.append(Record(at, inode, length, kind, name))
            at += length
        return found

    def put(self, block: bytearray | memoryview, at: int, inode: int, length: int, kind: int, name: bytes) -> None:
        """Writes a record whole."""
        if self.kinds:
            _NEW[self.order].pack_into(block, at, inode, length, kind, len(name))
        else:
            _OLD[self.order].pack_into(block, at, inode, length, len(name))
        end = at + HEAD + len(name)
        block[at + HEAD : end] = name
        padding = min(at + needed(len(name)), at + length) - end
        block[end : end + padding] = bytes(padding)

    def set_length(self, block: bytearray | memoryview, at: int, length: int) -> None:
        struct.pack_into(self.order + "H", block, at + 4, length)

    def set_inode(self, block: bytearray | memoryview, at: int, inode: int) -> None:
        struct.pack_into(self.order + "I", block, at, inode)

    def set_kind(self, block: bytearray | memoryview, at: int, kind: int) -> None:
        if self.kinds:
            block[at + 6] = kind

    def empty(self) -> bytearray:
        """A block without names."""
        block = bytearray(BLOCK)
        self.put(block, 0, 0, BLOCK, 0, b"")
        return block

    def first(self, own: int, parent: int) -> bytearray:
        """The first block of a new directory."""
        block = bytearray(BLOCK)
        self.put(block, 0, own, 12, 4, b".")
        self.put(block, 12, parent, BLOCK - 12, 4, b"..")
        return block


def _broken(where: str, at: int) -> KernelError:
    return KernelError(Errno.EIO, f"{where}: broken record at {at}; run fsck", "ffs")


def needed(size: int) -> int:
    """Bytes of a record with a name of so many bytes: there is at least one zero behind it."""
    return (HEAD + size + 4) & ~3

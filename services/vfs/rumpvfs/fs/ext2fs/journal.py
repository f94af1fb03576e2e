"""Recovery from the journal (jbd2), in memory.

A file system that was not unmounted has its newest metadata in the log only. The log is read from the transaction that
the journal's superblock names up to the last one with a commit block, as the kernel does it: first which transactions
are whole and which blocks they revoke, then the newest place of each block. Nothing is written: the result is an
overlay that says in which block of the log the contents of a block are.

Format: "ext4 Data Structures and Algorithms", Journal (jbd2). All numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

from .checksum import crc32_forward, crc32c
from .storage import Overlay

MAGIC = 0xC03B3998
_MAGIC_BYTES = MAGIC.to_bytes(4, "big")
_DESCRIPTOR, _COMMIT, _SUPERBLOCK_V1, _SUPERBLOCK_V2, _REVOKE = range(1, 6)

COMPAT_CHECKSUM = 0x1
INCOMPAT_REVOKE = 0x1
INCOMPAT_64BIT = 0x2
INCOMPAT_ASYNC_COMMIT = 0x4
INCOMPAT_CSUM_V2 = 0x8
INCOMPAT_CSUM_V3 = 0x10
INCOMPAT_FAST_COMMIT = 0x20
_INCOMPAT_KNOWN = 0x3F

_FLAG_ESCAPED = 0x1
_FLAG_SAME_UUID = 0x2
_FLAG_LAST = 0x8

_HEADER = struct.Struct(">3I")
# block size, blocks, first block of the log, first sequence, where it starts, errno
_SUPERBLOCK = struct.Struct(">6I3I16s")
_SUPERBLOCK_CHECKSUM = 0xFC
_FAST_BLOCKS = 0x54
_CHECKSUM_TYPE = 0x50
_DEFAULT_FAST_BLOCKS = 256
# checksum type, its size, its value; seconds and nanoseconds of the commit
COMMIT_BLOCK = struct.Struct(">12x2B2xI28xQI")
_COMMIT_CHECKSUM = 0x10
CRC32 = 1
# Little-endian: type, length of what follows (the features and the transaction of a series of fast commits).
_FAST_HEAD = struct.Struct("<2H2I")
_FAST_HEAD_TAG = 0x9

ReadLog = Callable[[int], tuple[int, memoryview]]


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EIO, f"journal: {text}", "ext2fs")


class JournalSuperblock(NamedTuple):
    blocks: int
    first: int
    sequence: int
    start: int
    compat: int
    incompat: int
    seed: int | None

    @property
    def tag_size(self) -> int:
        if self.incompat & INCOMPAT_CSUM_V3:
            return 16
        return 8 + (2 if self.incompat & INCOMPAT_CSUM_V2 else 0) + (4 if self.incompat & INCOMPAT_64BIT else 0)

    @property
    def tail_size(self) -> int:
        return 0 if self.seed is None else 4


class Tag(NamedTuple):
    """A block of a transaction: where it belongs and where it is in the log (block of the log)."""

    block: int
    flags: int
    checksum: int
    log: int


@dataclass(slots=True)
class Transaction:
    sequence: int
    tags: list[Tag] = field(default_factory=list)
    revoked: list[int] = field(default_factory=list)


def parse_superblock(raw: memoryview, length: int) -> JournalSuperblock:
    """``length`` is how many blocks the journal's inode has. EIO, EOPNOTSUPP for unknown features."""
    magic, kind, _ = _HEADER.unpack_from(raw)
    if magic != MAGIC or kind not in (_SUPERBLOCK_V1, _SUPERBLOCK_V2):
        raise _bad("no superblock")
    size, blocks, first, sequence, start, _, compat, incompat, _, uuid = _SUPERBLOCK.unpack_from(raw, 12)
    if kind == _SUPERBLOCK_V1:
        compat = incompat = 0
    if incompat & ~_INCOMPAT_KNOWN:
        raise KernelError(Errno.EOPNOTSUPP, f"journal: unknown features {incompat & ~_INCOMPAT_KNOWN:#x}", "ext2fs")
    seed = None
    if incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3):
        _check_superblock(bytes(raw[:1024]))
        seed = crc32c(0xFFFFFFFF, uuid)
    if incompat & INCOMPAT_FAST_COMMIT:
        blocks -= int.from_bytes(raw[_FAST_BLOCKS : _FAST_BLOCKS + 4], "big") or _DEFAULT_FAST_BLOCKS
    if size != len(raw) or blocks > length or not 0 < first < blocks or (start and not first <= start < blocks):
        raise _bad(f"bad geometry: {blocks} blocks of {size}, log from {first}, start at {start}")
    return JournalSuperblock(blocks, first, sequence, start, compat, incompat, seed)


def _check_superblock(raw: bytes) -> None:
    if raw[_CHECKSUM_TYPE] != 4:
        raise _bad(f"checksums of type {raw[_CHECKSUM_TYPE]}")
    at = _SUPERBLOCK_CHECKSUM
    if crc32c(0xFFFFFFFF, raw[:at] + bytes(4) + raw[at + 4 :]) != int.from_bytes(raw[at : at + 4], "big"):
        raise _bad("wrong checksum of the superblock")


class Recovery:
    """Reads a log. ``read`` gives a block of the journal by its number there, with its place on the device."""

    def __init__(self, read: ReadLog, length: int) -> None:
        self._read = read
        self.superblock = parse_superblock(read(0)[1], length)
        self._transactions: list[Transaction] = []
        self._next_sequence = self.superblock.sequence

    def overlay(self, blocks_count: int) -> Overlay:
        """What the log has over the device; empty for a clean journal. EIO where the log is damaged."""
        if self.superblock.start:
            self._scan()
            self._refuse_fast_commits()
        revoked: dict[int, int] = {}
        for transaction in self._transactions:
            revoked.update(dict.fromkeys(transaction.revoked, transaction.sequence))
        overlay = Overlay()
        order = {t.sequence: at for at, t in enumerate(self._transactions)}
        for at, transaction in enumerate(self._transactions):
            for tag in transaction.tags:
                by = revoked.get(tag.block)
                if by is None or order[by] < at:
                    self._apply(overlay, transaction, tag, blocks_count)
        overlay.settle()
        return overlay

    @property
    def transactions(self) -> int:
        return len(self._transactions)

    @property
    def next_sequence(self) -> int:
        """What the next transaction is to be called. One is left out after recovery: it may have been begun."""
        return (self._next_sequence + bool(self.superblock.start)) & 0xFFFFFFFF

    def _apply(self, overlay: Overlay, transaction: Transaction, tag: Tag, blocks_count: int) -> None:
        if tag.block >= blocks_count:
            raise _bad(f"block {tag.block} of {blocks_count}")
        place, raw = self._read(tag.log)
        self._check_data(transaction.sequence, tag, raw)
        overlay.restored.pop(tag.block, None)
        overlay.moved.pop(tag.block, None)
        if tag.flags & _FLAG_ESCAPED:
            overlay.restored[tag.block] = _MAGIC_BYTES + bytes(raw[4:])
        else:
            overlay.moved[tag.block] = place

    def _check_data(self, sequence: int, tag: Tag, raw: memoryview) -> None:
        seed = self.superblock.seed
        if seed is None:
            return
        found = crc32c(crc32c(seed, sequence.to_bytes(4, "big")), raw)
        if not self.superblock.incompat & INCOMPAT_CSUM_V3:
            found &= 0xFFFF
        if found != tag.checksum:
            raise _bad(f"wrong checksum of the copy of block {tag.block}")

    # -- first pass: which transactions are whole

    def _scan(self) -> None:
        sb = self.superblock
        at, left = sb.start, sb.blocks - sb.first
        current = Transaction(sb.sequence)
        crc = 0xFFFFFFFF
        last_commit = 0
        suspect = ""
        while left > 0:
            raw = self._read(at)[1]
            magic, kind, sequence = _HEADER.unpack_from(raw)
            if magic != MAGIC or sequence != current.sequence:
                break
            here, at, left = at, self._after(at, 1), left - 1
            if kind == _DESCRIPTOR:
                if not self._block_is_sound(raw):
                    suspect = suspect or f"wrong checksum of descriptor block {here}"
                tags = self._tags(raw, at)
                if len(tags) > left:
                    break
                if sb.compat & COMPAT_CHECKSUM:
                    crc = self._sum(crc, raw, tags)
                current.tags += tags
                at, left = self._after(at, len(tags)), left - len(tags)
            elif kind == _REVOKE:
                if not self._block_is_sound(raw):
                    suspect = suspect or f"wrong checksum of revoke block {here}"
                else:
                    current.revoked += self._revoked(raw)
            elif kind == _COMMIT:
                committed = _commit_time(raw)
                if suspect or not self._commit_is_sound(raw, crc):
                    # What an earlier use of the log left behind looks alike, but is older.
                    if committed < last_commit:
                        break
                    self._fail(suspect or f"wrong checksum of commit {sequence}", at)
                    break
                last_commit, crc = committed, 0xFFFFFFFF
                self._transactions.append(current)
                current = Transaction((sequence + 1) & 0xFFFFFFFF)
            else:
                break
        self._next_sequence = current.sequence

    def _fail(self, text: str, after: int) -> None:
        """A damaged transaction: with asynchronous commits the last one may just not have been finished."""
        if self.superblock.incompat & INCOMPAT_ASYNC_COMMIT and not self._log_goes_on(after):
            return
        raise _bad(text)

    def _log_goes_on(self, at: int) -> bool:
        magic, _, sequence = _HEADER.unpack_from(self._read(at)[1])
        return (
            int(magic) == MAGIC
            and int(sequence) == (self.superblock.sequence + len(self._transactions) + 1) & 0xFFFFFFFF
        )

    def _after(self, at: int, count: int) -> int:
        """The log is a ring."""
        sb = self.superblock
        return sb.first + (at + count - sb.first) % (sb.blocks - sb.first)

    def _tags(self, raw: memoryview, log: int) -> list[Tag]:
        sb = self.superblock
        tags = []
        at, end = _HEADER.size, len(raw) - sb.tail_size
        while at + sb.tag_size <= end:
            block, flags, checksum = self._tag(raw, at)
            at += sb.tag_size + (0 if flags & _FLAG_SAME_UUID else 16)
            tags.append(Tag(block, flags, checksum, log))
            log = self._after(log, 1)
            if flags & _FLAG_LAST:
                break
        return tags

    def _tag(self, raw: memoryview, at: int) -> tuple[int, int, int]:
        sb = self.superblock
        if sb.incompat & INCOMPAT_CSUM_V3:
            block, flags, high, checksum = struct.unpack_from(">4I", raw, at)
        else:
            block, checksum, flags = struct.unpack_from(">I2H", raw, at)
            high = struct.unpack_from(">I", raw, at + 8)[0] if sb.incompat & INCOMPAT_64BIT else 0
        return (block | high << 32 if sb.incompat & INCOMPAT_64BIT else block), flags, checksum

    def _revoked(self, raw: memoryview) -> list[int]:
        used = int.from_bytes(raw[12:16], "big")
        if used < 16 or used > len(raw) - self.superblock.tail_size:
            raise _bad("bad revoke block")
        width = ">Q" if self.superblock.incompat & INCOMPAT_64BIT else ">I"
        size = struct.calcsize(width)
        return [number for (number,) in struct.iter_unpack(width, raw[16 : 16 + (used - 16) // size * size])]

    def _block_is_sound(self, raw: memoryview) -> bool:
        """Descriptor and revoke blocks end in a checksum."""
        seed = self.superblock.seed
        if seed is None:
            return True
        return crc32c(seed, bytes(raw[:-4]) + bytes(4)) == int.from_bytes(raw[-4:], "big")

    def _sum(self, crc: int, raw: memoryview, tags: list[Tag]) -> int:
        for part in (raw, *(self._read(tag.log)[1] for tag in tags)):
            crc = crc32_forward(crc, part)
        return crc

    def _commit_is_sound(self, raw: memoryview, crc: int) -> bool:
        kind, size, stored, _, _ = COMMIT_BLOCK.unpack_from(raw)
        seed = self.superblock.seed
        if seed is not None:
            at = _COMMIT_CHECKSUM
            return crc32c(seed, bytes(raw[:at]) + bytes(4) + bytes(raw[at + 4 :])) == int(stored)
        if self.superblock.compat & COMPAT_CHECKSUM:
            return (kind, size, stored) in ((CRC32, 4, crc), (0, 0, 0))
        return True

    def _refuse_fast_commits(self) -> None:
        """Fast commits are changes of files, not blocks, behind the log. Left out they would silently lose data."""
        sb = self.superblock
        if not sb.incompat & INCOMPAT_FAST_COMMIT:
            return
        # The block between the log and the fast commits is not used.
        tag, length, _features, sequence = _FAST_HEAD.unpack_from(self._read(sb.blocks + 1)[1])
        if tag == _FAST_HEAD_TAG and length == 8 and sequence == self._next_sequence:
            raise KernelError(Errno.EOPNOTSUPP, "journal: fast commits have to be replayed by fsck first", "ext2fs")


def _commit_time(raw: memoryview) -> int:
    seconds, nanoseconds = COMMIT_BLOCK.unpack_from(raw)[3:]
    return int(seconds) * 1_000_000_000 + int(nanoseconds)

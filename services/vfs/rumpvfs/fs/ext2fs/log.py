"""Writing the journal (jbd2): the counterpart of `journal`, which reads it.

A transaction in the log is: blocks of revoked numbers, then descriptor blocks, each with the copies that it describes
behind it, then the commit block, with which the transaction exists. The log is a ring, `Log.empty` frees all of it at
once.

The commit block may not be there before all that it stands for. Either there is a barrier before it, or, with
*asynchronous commits*, it has a checksum over the descriptors and copies: then everything is written and flushed
together, and what the power cut short does not count. The checksum does not reach contents of files and revoked
numbers, so a transaction with those has the barrier all the same.

Checksums of version 3 cannot do that: Linux and e2fsck look at those of the copies when they write them to their
places already, and give up at a wrong one, while the sum of version 1 tells that a transaction is not whole before
that. So a journal with asynchronous commits has version 1 while it is in use.

Format: "ext4 Data Structures and Algorithms", Journal (jbd2). All numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from . import journal
from .checksum import crc32_forward, crc32c
from .journal import MAGIC, JournalSuperblock

_DESCRIPTOR, _COMMIT, _, _V2, _REVOKE = range(1, 6)
_HEADER = struct.Struct(">3I")
_TAG3 = struct.Struct(">4I")
_TAG = struct.Struct(">I2H")
_MAGIC = MAGIC.to_bytes(4, "big")
_SAME_UUID = 0x2
_ESCAPED = 0x1
_LAST = 0x8
_FIELD_SEQUENCE, _FIELD_START, _FIELD_COMPAT, _FIELD_INCOMPAT, _FIELD_UUID = 0x18, 0x1C, 0x24, 0x28, 0x30
_FIELD_TYPE, _FIELD_CHECKSUM = 0x50, 0xFC
_CRC32C = 4
_CHECKED = journal.INCOMPAT_CSUM_V2 | journal.INCOMPAT_CSUM_V3
_JOIN = 1 << 20
BLOCKS_MIN = 64

Place = Callable[[int], tuple[int, int]]


def start(
    device: BlockDevice,
    block_size: int,
    place: Place,
    length: int,
    sequence: int,
    *,
    wide: bool,
    checksums: bool,
    asynchronous: bool,
    before: Callable[[], None],
) -> Log:
    """Takes a journal into use whose transactions do not count any more, with the features that the mount asks for.

    ``before`` is called when nothing can be said against it and nothing is written yet. EIO, EOPNOTSUPP, EROFS.
    """
    raw = bytearray(device.view(place(0)[0] * block_size, block_size))
    sb = journal.parse_superblock(memoryview(raw), length)
    if int.from_bytes(raw[4:8], "big") != _V2:
        raise KernelError(Errno.EROFS, "journal: of the old format, which has no revoke records", "ext2fs")
    if sb.blocks - sb.first < BLOCKS_MIN:
        raise KernelError(Errno.EROFS, f"journal: {sb.blocks} blocks are too few to write with", "ext2fs")
    incompat = sb.incompat & ~journal.INCOMPAT_ASYNC_COMMIT | journal.INCOMPAT_REVOKE
    if wide:
        incompat |= journal.INCOMPAT_64BIT
    if checksums and not incompat & journal.INCOMPAT_CSUM_V2:
        incompat |= journal.INCOMPAT_CSUM_V3
    at_rest = sb._replace(sequence=sequence, compat=sb.compat & ~journal.COMPAT_CHECKSUM, incompat=incompat, seed=None)
    in_use = at_rest
    if asynchronous:
        in_use = at_rest._replace(
            compat=at_rest.compat | journal.COMPAT_CHECKSUM,
            incompat=incompat & ~_CHECKED | journal.INCOMPAT_ASYNC_COMMIT,
        )
    elif incompat & _CHECKED:
        in_use = at_rest._replace(seed=crc32c(0xFFFFFFFF, raw[_FIELD_UUID : _FIELD_UUID + 16]))
    before()
    log = Log(device, block_size, place, raw, in_use, at_rest)
    log.empty()
    return log


def _put(raw: bytearray, at: int, value: int) -> None:
    raw[at : at + 4] = value.to_bytes(4, "big")


def store_position(raw: bytearray, *, sequence: int, begin: int) -> None:
    """Where the log begins (0: it is empty) and with which transaction; puts the checksum right."""
    _put(raw, _FIELD_SEQUENCE, sequence)
    _put(raw, _FIELD_START, begin)
    if int.from_bytes(raw[_FIELD_INCOMPAT : _FIELD_INCOMPAT + 4], "big") & _CHECKED:
        raw[_FIELD_TYPE] = _CRC32C
        _put(raw, _FIELD_CHECKSUM, 0)
        _put(raw, _FIELD_CHECKSUM, crc32c(0xFFFFFFFF, raw[:1024]))


class Log:
    """A journal in use. ``place`` gives the block of the device for one of the journal, and how many follow on it;
    ``at_rest`` are the features that it is left with."""

    def __init__(
        self,
        device: BlockDevice,
        block_size: int,
        place: Place,
        raw: bytearray,
        sb: JournalSuperblock,
        at_rest: JournalSuperblock,
    ) -> None:
        self._device = device
        self._size = block_size
        self._place = place
        self._run = range(0)
        self._run_place = 0
        self._raw = raw
        self._sb = sb
        self._at_rest = at_rest
        self.asynchronous = bool(sb.incompat & journal.INCOMPAT_ASYNC_COMMIT)
        self._sequence = sb.sequence
        self._head = sb.first
        self._used = 0
        self._copy_seed = 0
        self._capacity = sb.blocks - sb.first
        self._uuid = bytes(raw[_FIELD_UUID : _FIELD_UUID + 16])
        self.blocks_max = self._capacity // 4

    @property
    def short(self) -> bool:
        return self._capacity - self._used < self._capacity // 2

    def write(
        self, blocks: dict[int, bytearray], numbers: list[int], revoked: list[int], now_ns: int, *, ordered: bool
    ) -> None:
        """One transaction with its barriers. EIO, ENOSPC for one that the log has no room for."""
        if self._sb.seed is not None:
            self._copy_seed = crc32c(self._sb.seed, self._sequence.to_bytes(4, "big"))
        copies = list(self._descriptors(blocks, numbers))
        written = [*self._revokes(revoked), *copies]
        if self._used + len(written) + 1 > self._capacity:
            raise KernelError(Errno.ENOSPC, f"journal: no room for {len(written)} blocks", "ext2fs")
        commit = self._commit_block(now_ns, copies)
        if self.asynchronous and not (ordered or revoked):
            head = self._put(self._head, [*written, commit])
        else:
            head = self._put(self._head, written)
            self._device.flush()
            head = self._put(head, [commit])
        self._device.flush()
        self._head = head
        self._used += len(written) + 1
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF

    def empty(self) -> None:
        """All blocks of the log are at their places and stay there: the log begins anew at its head."""
        self._write_superblock(self._sb, self._head)
        self._used = 0

    def close(self) -> None:
        """The same for good: an empty log needs no recovery."""
        self._write_superblock(self._at_rest, 0)

    def _write_superblock(self, features: JournalSuperblock, begin: int) -> None:
        _put(self._raw, _FIELD_COMPAT, features.compat)
        _put(self._raw, _FIELD_INCOMPAT, features.incompat)
        store_position(self._raw, sequence=self._sequence, begin=begin)
        self._device.write(self._place(0)[0] * self._size, self._raw)
        self._device.flush()

    # -- the blocks of a transaction

    def _header(self, kind: int) -> bytes:
        return _HEADER.pack(MAGIC, kind, self._sequence)

    def _sealed(self, raw: bytes | bytearray) -> bytes:
        """A descriptor or revoke block, filled up and with its checksum at the end."""
        data = bytes(raw).ljust(self._size, b"\0")
        if self._sb.seed is None:
            return data
        return data[:-4] + crc32c(self._sb.seed, data[:-4] + bytes(4)).to_bytes(4, "big")

    def _revokes(self, revoked: list[int]) -> Iterator[bytes]:
        width = ">Q" if self._sb.incompat & journal.INCOMPAT_64BIT else ">I"
        size = struct.calcsize(width)
        room = (self._size - 16 - self._sb.tail_size) // size
        for at in range(0, len(revoked), room):
            part = revoked[at : at + room]
            head = self._header(_REVOKE) + (16 + len(part) * size).to_bytes(4, "big")
            yield self._sealed(head + b"".join(struct.pack(width, number) for number in part))

    def _descriptors(self, blocks: dict[int, bytearray], numbers: list[int]) -> Iterator[bytes]:
        room = (self._size - _HEADER.size - 16 - self._sb.tail_size) // self._sb.tag_size
        for at in range(0, len(numbers), room):
            part = numbers[at : at + room]
            copies = [blocks[number] for number in part]
            raw = bytearray(self._header(_DESCRIPTOR))
            for index, (number, copy) in enumerate(zip(part, copies, strict=True)):
                flags = (_SAME_UUID if index else 0) | (_LAST if index + 1 == len(part) else 0)
                if copy[:4] == _MAGIC:
                    copy = copies[index] = bytearray(4) + copy[4:]
                    flags |= _ESCAPED
                raw += self._tag(number, flags, self._data_checksum(copy))
                if not index:
                    raw += self._uuid
            yield self._sealed(raw)
            yield from map(bytes, copies)

    def _data_checksum(self, copy: bytearray) -> int:
        if self._sb.seed is None:
            return 0
        return crc32c(self._copy_seed, copy)

    def _tag(self, number: int, flags: int, checksum: int) -> bytes:
        incompat = self._sb.incompat
        if incompat & journal.INCOMPAT_CSUM_V3:
            return _TAG3.pack(number & 0xFFFFFFFF, flags, number >> 32, checksum)
        tag = _TAG.pack(number & 0xFFFFFFFF, checksum & 0xFFFF, flags)
        if incompat & journal.INCOMPAT_64BIT:
            tag += (number >> 32).to_bytes(4, "big")
        return tag.ljust(self._sb.tag_size, b"\0")

    def _commit_block(self, now_ns: int, copies: list[bytes]) -> bytes:
        seconds, nanoseconds = divmod(now_ns, 1_000_000_000)
        kind = size = checksum = 0
        if self.asynchronous:
            kind, size, checksum = journal.CRC32, 4, crc32_forward(0xFFFFFFFF, b"".join(copies))
        raw = bytearray(self._size)
        journal.COMMIT_BLOCK.pack_into(raw, 0, kind, size, checksum, max(seconds, 0), nanoseconds)
        raw[: _HEADER.size] = self._header(_COMMIT)
        if self._sb.seed is not None:
            _put(raw, 0x10, crc32c(self._sb.seed, raw))
        return bytes(raw)

    # -- the ring

    def _placed(self, block: int) -> int:
        if block not in self._run:
            self._run_place, length = self._place(block)
            self._run = range(block, block + length)
        return self._run_place + block - self._run.start

    def _put(self, head: int, written: list[bytes]) -> int:
        """Writes blocks from ``head`` on, neighbours together; gives the place behind them."""
        run: list[bytes] = []
        begin = 0
        for raw in written:
            place = self._placed(head)
            if run and (place != begin + len(run) or len(run) * self._size >= _JOIN):
                self._device.write(begin * self._size, b"".join(run))
                run = []
            if not run:
                begin = place
            run.append(raw)
            head = head + 1 if head + 1 < self._sb.blocks else self._sb.first
        if run:
            self._device.write(begin * self._size, b"".join(run))
        return head

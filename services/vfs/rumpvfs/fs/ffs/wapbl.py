"""The log of NetBSD (WAPBL, wapbl(4)): what a crash left in it.

Format: <sys/wapbl_replay.h>. The log begins with two headers, of which the one with the higher generation counts; they
tell where in a ring the records begin (tail) and end (head). A record is one log block with a list: of disk blocks,
whose contents follow, of disk blocks of which earlier contents are void, or of inodes that have no name and are to be
freed.
A log is in use only while FS_DOWAPBL is set in the superblock: unmounting takes the flag away.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from .superblock import FLAG_LOG, Superblock

VERSION = 1
LOCATIONS = (1, 2)
"""Behind the file system, or in it."""
HEADER, INODES, REVOCATIONS, BLOCKS = range(0x5741424C, 0x57414250)
SECTOR = 512
_LOG_MAX = 1 << 30

# type, length, checksum, generation, fsid, time, nanoseconds, version, shifts of log and disk blocks, head, tail, place
# and size of the ring
_HEADER = "IiII2iQ4I4q"
_LIST = "IiiI"
_ENTRY = "qii"


def in_use(sb: Superblock) -> bool:
    """Whether there is a log that a crash left."""
    get = sb.fields.get
    return bool(sb.flags & FLAG_LOG) and get("journal_version") == VERSION and get("journal_location") in LOCATIONS


@dataclass(slots=True)
class Log:
    """``blocks``: byte on the device -> where in the log its newest contents are. ``inodes``: number and mode."""

    device: BlockDevice
    block_size: int
    blocks: dict[int, int] = field(default_factory=dict)
    inodes: list[tuple[int, int]] = field(default_factory=list)

    def replay(self) -> None:
        """Brings everything to its place, for good. EIO, EROFS, ENOSPC."""
        for place in sorted(self.blocks):
            self.device.write(place, bytes(self.device.view(self.blocks[place], self.block_size)))
        self.device.flush()


class Overlay:
    """The device as it will be after replaying: for mounts that may not write."""

    readonly = True

    def __init__(self, log: Log) -> None:
        self.log = log
        self.device = log.device
        self.size = log.device.size
        self.name = log.device.name
        self._first = min(log.blocks, default=self.size)

    def view(self, offset: int, length: int) -> memoryview:
        size, blocks = self.log.block_size, self.log.blocks
        if not length or offset + length <= self._first:
            return self.device.view(offset, length)
        start, end = offset // size * size, offset + length
        touched = [at for at in range(start, end, size) if at in blocks]
        if not touched:
            return self.device.view(offset, length)
        whole = bytearray(self.device.view(offset, length))
        for at in touched:
            low, high = max(at, offset), min(at + size, end)
            whole[low - offset : high - offset] = self.device.view(blocks[at] + low - at, high - low)
        return memoryview(whole).toreadonly()

    def write(self, offset: int, data: Buffer) -> None:
        raise KernelError(Errno.EROFS, f"{self.name} is mounted with its log in memory", "ffs")

    def flush(self) -> None: ...

    def close(self) -> None:
        self.device.close()


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EIO, f"log: {text}; run fsck", "ffs")


class _Reader:
    """The ring of records. Places in it count from the beginning of the log."""

    def __init__(self, device: BlockDevice, sb: Superblock) -> None:
        self.device = device
        address, count, size = (sb.fields.get(f"journal{n}") for n in range(3))
        if size not in (512, 1024, 2048, 4096):
            raise _bad(f"blocks of {size} bytes")
        self.base, self.length, self.block = address * size, count * size, size
        if count < 3 or self.length > _LOG_MAX or self.base + self.length > device.size:
            raise _bad(f"{count} blocks of {size} bytes at block {address}")
        self.order = sb.order
        self._choose_header()

    def _choose_header(self) -> None:
        best = -1
        for at in (0, self.block):
            raw = self.device.view(self.base + at, self.block)
            for order in "<>":
                found = struct.unpack_from(order + _HEADER, raw)
                if found[0] == HEADER and found[3] > best:
                    best, self.order = found[3], order
                    version, log_shift, disk_shift, self.head, self.tail, self.ring, self.size = found[8:15]
        if best < 0:
            raise _bad("no header")
        if version != VERSION or 1 << log_shift != self.block or disk_shift != log_shift:
            raise _bad(f"version {version}, blocks of 2^{log_shift} and 2^{disk_shift}")
        end = self.ring + self.size
        if self.ring < 2 * self.block or self.size <= 0 or end > self.length or self.size % self.block:
            raise _bad(f"a ring of {self.size} bytes at {self.ring}")
        sound = all(at == 0 or self.ring <= at < end for at in (self.head, self.tail))
        if not sound or self.head % self.block or self.tail % self.block:
            raise _bad(f"from {self.tail} to {self.head}")

    def advance(self, at: int, length: int) -> int:
        at = max(at, self.ring) + length
        return at - self.size if at >= self.ring + self.size else at

    def read(self) -> Log:
        log = Log(self.device, self.block)
        at, left = self.tail, self.size
        while at != self.head:
            raw = bytes(self.device.view(self.base + max(at, self.ring), self.block))
            kind, length, count, last = struct.unpack_from(self.order + _LIST, raw)
            left -= length
            room = (self.block - 16) // (8 if kind == INODES else 16)
            if length < self.block or length % self.block or left < 0 or not 0 <= count <= room:
                raise _bad(f"a record of {length} bytes with {count} entries")
            data = self.advance(at, self.block)
            if kind == BLOCKS:
                self._blocks(log, raw, count, data, length - self.block)
            elif kind == REVOCATIONS:
                for place, size in self._entries(raw, count):
                    for start in range(place, place + size, self.block):
                        log.blocks.pop(start, None)
            elif kind == INODES:
                log.inodes = ([] if last else log.inodes) + self._inodes(raw, count)
            else:
                raise _bad(f"a record of type {kind:#x}")
            at = self.advance(at, length)
        return log

    def _entries(self, raw: bytes, count: int) -> list[tuple[int, int]]:
        """(byte on the device, bytes) of the blocks of a list."""
        found = []
        for n in range(count):
            sector, _, length = struct.unpack_from(self.order + _ENTRY, raw, 16 + 16 * n)
            place = sector * SECTOR
            if place < 0 or length < 0 or length % self.block or place % self.block:
                raise _bad(f"{length} bytes for sector {sector}")
            if place + length > self.device.size or length > self.size:
                raise _bad(f"{length} bytes for sector {sector}")
            found.append((place, length))
        return found

    def _blocks(self, log: Log, raw: bytes, count: int, data: int, room: int) -> None:
        for place, length in self._entries(raw, count):
            room -= length
            if room < 0:
                raise _bad("a record with more blocks than bytes")
            for start in range(place, place + length, self.block):
                log.blocks[start] = self.base + data
                data = self.advance(data, self.block)

    def _inodes(self, raw: bytes, count: int) -> list[tuple[int, int]]:
        return list(struct.iter_unpack(self.order + "2I", raw[16 : 16 + 8 * count]))


def read(device: BlockDevice, sb: Superblock) -> Log:
    """What is in the log. EIO where it is broken."""
    return _Reader(device, sb).read()

"""Partition tables: where a file system lies on a disk.

MBR with logical partitions, GPT (UEFI specification 5.3), and the disklabel of 4.4BSD (disklabel(5)). What is read
here may be damaged: the number of entries and the length of chains are bounded, and every range is checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from rump._errors import error_of
from rump.fs._probe import Pread
from rumpwire.errno import Errno, KernelError

SECTOR = 512
_MBR = struct.Struct("<B3sB3sII")
_EXTENDED = {0x05, 0x0F, 0x85}
_GPT = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ")
_LABEL_MAGIC = 0x82564557
_LABEL_PARTITION = struct.Struct("<IIIBBH")
_LABELS = (512, 0, 64, 1024)
"""Where NetBSD's ports have their label, from the start of the disk or of its own partition."""
_CHAIN_MAX = 128
_ENTRIES_MAX = 1024


class Partition(NamedTuple):
    """A part of a disk, in bytes. ``name`` is a number, or a letter of a disklabel."""

    name: str
    offset: int
    size: int
    kind: str


def partitions(pread: Pread) -> list[Partition]:
    """All partitions of a disk; none when there is no table. EINVAL for a damaged one."""
    found: list[Partition] = []
    head = pread(SECTOR, 0)
    if head[510:512] == b"\x55\xaa":
        entries = [_MBR.unpack_from(head, 446 + 16 * i) for i in range(4)]
        found = _gpt(pread) if any(entry[2] == 0xEE for entry in entries) else list(_mbr(pread, entries))
    begin = next((p.offset for p in found if p.kind in ("0xa9", "0xa5", "0xa6")), 0)
    return [*found, *_label(pread, begin)]


def find_partition(pread: Pread, name: int | str) -> Partition:
    """The partition of a number (from 1) or a letter. ENOENT, EINVAL."""
    found = partitions(pread)
    for partition in found:
        if partition.name == str(name).lower():
            return partition
    there = f"there are {', '.join(p.name for p in found)}" if found else "there is no partition table"
    raise error_of(KernelError(Errno.ENOENT, f"no partition {name}; {there}"))


def _mbr(pread: Pread, entries: list[tuple[int, bytes, int, bytes, int, int]]) -> Iterator[Partition]:
    number = 4
    for at, (_, _, kind, _, start, count) in enumerate(entries, 1):
        if kind and count:
            yield Partition(str(at), start * SECTOR, count * SECTOR, f"{kind:#04x}")
    for _, _, kind, _, start, count in entries:
        if kind not in _EXTENDED or not count:
            continue
        for offset, size, inner in _logical(pread, start):
            number += 1
            yield Partition(str(number), offset, size, f"{inner:#04x}")


def _logical(pread: Pread, begin: int) -> Iterator[tuple[int, int, int]]:
    at = begin
    for _ in range(_CHAIN_MAX):
        table = pread(SECTOR, at * SECTOR)
        if table[510:512] != b"\x55\xaa":
            raise _damaged("the chain of logical partitions is broken")
        _, _, kind, _, start, count = _MBR.unpack_from(table, 446)
        if kind and count:
            yield (at + start) * SECTOR, count * SECTOR, kind
        _, _, more, _, following, _ = _MBR.unpack_from(table, 462)
        if more not in _EXTENDED or not following:
            return
        at = begin + following
    raise _damaged("the chain of logical partitions has no end")


def _gpt(pread: Pread) -> list[Partition]:
    for sector in (SECTOR, 4096):
        header = pread(_GPT.size, sector)
        if len(header) == _GPT.size and header.startswith(b"EFI PART"):
            return _gpt_entries(pread, header, sector)
    raise _damaged("the table names a GPT, and there is none")


def _gpt_entries(pread: Pread, header: bytes, sector: int) -> list[Partition]:
    _, _, size, crc, _, _, _, _, _, _, table, count, entry_size, table_crc = _GPT.unpack(header)
    if not 92 <= size <= sector or not 128 <= entry_size <= 4096 or count > _ENTRIES_MAX:
        raise _damaged("the GPT has impossible sizes")
    whole = bytearray(pread(size, sector))
    whole[16:20] = bytes(4)
    data = pread(count * entry_size, table * sector)
    if zlib.crc32(whole) != crc or zlib.crc32(data) != table_crc:
        raise _damaged("the GPT's checksum is wrong")
    found = []
    for at in range(count):
        kind, _, first, last, _ = _ENTRY.unpack_from(data, at * entry_size)
        if any(kind) and first <= last:
            found.append(Partition(str(at + 1), first * sector, (last - first + 1) * sector, kind.hex()))
    return found


def _label(pread: Pread, begin: int) -> Iterator[Partition]:
    """The letters of a disklabel. Letters that reach over the disk's end are left out."""
    head = pread(4096, begin)
    for place in _LABELS:
        at = place
        if len(head) < at + 148 or head[at : at + 4] != _LABEL_MAGIC.to_bytes(4, "little"):
            continue
        if head[at + 132 : at + 136] != _LABEL_MAGIC.to_bytes(4, "little"):
            continue
        sector = int.from_bytes(head[at + 40 : at + 44], "little") or SECTOR
        count = int.from_bytes(head[at + 138 : at + 140], "little")
        for index in range(min(count, 22)):
            if len(head) < at + 148 + 16 * (index + 1):
                return
            size, offset, _, kind, _, _ = _LABEL_PARTITION.unpack_from(head, at + 148 + 16 * index)
            if size and kind:
                yield Partition(chr(ord("a") + index), offset * sector, size * sector, f"bsd:{kind}")
        return


def _damaged(what: str) -> OSError:
    return error_of(KernelError(Errno.EINVAL, what))

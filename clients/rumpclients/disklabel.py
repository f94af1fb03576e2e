"""rump.disklabel: shows and writes the label of a disk (disklabel(8)), of the kernel or, with -F, of an image."""

from __future__ import annotations

import argparse
import os
import re
import struct
import sys
from collections.abc import Sequence
from typing import NamedTuple

from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, run
from rumpclients._disk import media_size, raw

PROG = "rump.disklabel"
MAGIC = 0x82564557
_CHECKSUM = 136
AREA = 65536
"""A label is looked for in so many bytes."""
AT, SECTOR, MOST = 512, 512, 22
"""Where a label is written, its sectors, and how many partitions it may have."""
_FIXED = struct.Struct("<IHH16s16sIIIIIIHHIHHHHIII20s20sIHHII")
_ENTRY = struct.Struct("<IIIBBH")
TYPES = (
    "unused", "swap", "Version 6", "Version 7", "System V", "4.1BSD", "Eighth Edition", "4.2BSD", "MSDOS", "4.4LFS",
    "unknown", "HPFS", "ISO9660", "boot", "ADOS", "HFS", "FILECORE", "Linux Ext2", "NTFS", "RAID", "ccd", "jfs",
    "Apple UFS", "vinum", "UDF", "SysVBFS", "EFS", "NiLFS", "cgd", "MINIX FSv3", "VMware VMKCORE", "VMware VMFS", "ZFS",
)  # fmt: skip


class Entry(NamedTuple):
    """A partition, in sectors."""

    size: int
    offset: int
    kind: int
    fsize: int = 0
    frag: int = 0
    cpg: int = 0


class Label(NamedTuple):
    disk: str
    pack: str
    sector: int
    sectors: int
    entries: list[Entry]


def main(argv: Sequence[str] | None = None) -> int:
    p = Parser(PROG, "Shows the label of a disk, or writes one.")
    p.add_argument("-F", dest="image", action="store_true", help="DISK is an image of this machine")
    p.add_argument("-r", dest="ignored", action="store_true", help="the label on the disk, which is so anyway")
    way = p.add_mutually_exclusive_group()
    way.add_argument("-R", dest="restore", metavar="FILE", help="write the label that the file describes")
    way.add_argument("-w", dest="write", action="store_true", help="write a label of the whole disk")
    way.add_argument("-D", dest="delete", action="store_true", help="take the label away")
    p.add_argument("--json", action="store_true", help="as a JSON object")
    p.add_argument("disk", metavar="DISK")
    options = p.parse_args(argv)
    return run(PROG, lambda: _main(options))


def _main(options: argparse.Namespace) -> None:
    if options.image:
        fd = os.open(options.disk, os.O_RDWR if options.restore or options.write or options.delete else os.O_RDONLY)
        try:
            _work(options, os, fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        return
    with connect(PROG) as k:
        name = options.disk if "/" in options.disk else raw(options.disk)
        fd = k.sys.open(name, os.O_RDWR if options.restore or options.write or options.delete else os.O_RDONLY)
        try:
            _work(options, k.sys, fd, media_size(k, fd))
        finally:
            k.sys.close(fd)


def _work(options: argparse.Namespace, calls: object, fd: int, size: int) -> None:
    pread, pwrite, fsync = (getattr(calls, name) for name in ("pread", "pwrite", "fsync"))
    area = bytearray(pread(fd, min(AREA, size), 0))
    found = find(area)
    if options.restore is not None or options.write:
        label = _wanted(options, size // SECTOR, found)
        at = found[0] if found else AT
        packed = pack(label)
        area[at : at + len(packed)] = packed
        pwrite(fd, bytes(area), 0)
        fsync(fd)
        return
    if found is None:
        raise CommandError(f"{options.disk}: no disklabel")
    if options.delete:
        area[found[0] : found[0] + _FIXED.size] = bytes(_FIXED.size)
        pwrite(fd, bytes(area), 0)
        fsync(fd)
    elif options.json:
        print_json({**found[1]._asdict(), "entries": [e._asdict() for e in found[1].entries]})
    else:
        print(text(options.disk, found[1]), end="")


def _wanted(options: argparse.Namespace, sectors: int, found: tuple[int, Label] | None) -> Label:
    if sectors > 0xFFFFFFFF:
        raise CommandError(f"{options.disk}: {sectors} sectors are too many for a label")
    if options.write:
        unused = [Entry(0, 0, 0)] * 3
        return Label("rump", "fictitious", SECTOR, sectors, [*unused, Entry(sectors, 0, 0)])
    with open(options.restore, encoding="utf-8") as file:
        return parse(file.read(), sectors)


# -- records


def find(area: bytes | bytearray) -> tuple[int, Label] | None:
    """The first sound label in little-endian order, and where it is."""
    at = area.find(struct.pack("<I", MAGIC))
    while at >= 0:
        if at % 4 == 0 and (label := unpack(bytes(area[at:]))) is not None:
            return at, label
        at = area.find(struct.pack("<I", MAGIC), at + 1)
    return None


def unpack(data: bytes) -> Label | None:
    if len(data) < _FIXED.size:
        return None
    fields = _FIXED.unpack_from(data)
    count, end = fields[-3], _FIXED.size + fields[-3] * _ENTRY.size
    if fields[23] != MAGIC or not 0 < count <= MOST or end > len(data) or _sum(data[:end]):
        return None
    entries = [Entry(size, offset, kind, fsize, frag, cpg)
               for size, offset, fsize, kind, frag, cpg in _ENTRY.iter_unpack(data[_FIXED.size : end])]  # fmt: skip
    names = [field.split(b"\0")[0].decode("utf-8", "replace") for field in fields[3:5]]
    return Label(names[0], names[1], fields[5], fields[10], entries)


def pack(label: Label) -> bytes:
    """With a geometry of 63 sectors and 16 heads, which nobody asks for any more."""
    cylinders = label.sectors // (63 * 16)
    fields = (
        MAGIC, 0, 0, label.disk.encode()[:16], label.pack.encode()[:16], label.sector, 63, 16, cylinders, 63 * 16,
        label.sectors, 0, 0, 0, 3600, 1, 0, 0, 0, 0, 0, b"", b"", MAGIC, 0, len(label.entries), 8192, 8192,
    )  # fmt: skip
    table = b"".join(_ENTRY.pack(e.size, e.offset, e.fsize, e.kind, e.frag, e.cpg) for e in label.entries)
    out = bytearray(_FIXED.pack(*fields) + table)
    struct.pack_into("<H", out, _CHECKSUM, _sum(bytes(out)))
    return bytes(out)


def _sum(data: bytes) -> int:
    """Zero for a label whose checksum is right."""
    out = 0
    for (word,) in struct.iter_unpack("<H", data):
        out ^= word
    return out


# -- text


def text(disk: str, label: Label) -> str:
    """As disklabel(8) prints it."""
    lines = [
        f"# {disk}:", f"disk: {label.disk}", f"label: {label.pack}", f"bytes/sector: {label.sector}",
        f"total sectors: {label.sectors}", "", f"{len(label.entries)} partitions:",
        "#        size    offset     fstype [fsize bsize cpg/sgs]",
    ]  # fmt: skip
    for number, e in enumerate(label.entries):
        if e.size:
            kind = TYPES[e.kind] if e.kind < len(TYPES) else str(e.kind)
            more = f" {e.fsize:5} {e.fsize * e.frag:5} {e.cpg:5}" if e.fsize else ""
            lines.append(f" {chr(97 + number)}: {e.size:9} {e.offset:9} {kind:>10}{more}".rstrip())
    return "\n".join(lines) + "\n"


_LINE = re.compile(r"\s*([a-v]):\s+(\d+)\s+(\d+)\s+(\S.*?)(?:\s+(\d+)\s+(\d+)\s+(\d+))?\s*")


def parse(said: str, sectors: int) -> Label:
    """What `text` prints, and disklabel(8). UsageError for a line that is none, or a partition beyond the disk."""
    found: dict[int, Entry] = {}
    names = {"disk": "rump", "label": "fictitious"}
    for line in said.splitlines():
        line = line.partition("#")[0].rstrip()
        match = _LINE.fullmatch(line)
        if match is not None:
            found[ord(match[1]) - 97] = _entry(match, sectors)
        elif (key := line.partition(":")[0]) in names:
            names[key] = line.partition(":")[2].strip()
        elif line and ":" not in line:
            raise UsageError(f"{line.strip()}: no line of a label")
    if not found:
        raise UsageError("there is no partition in it")
    table = [found.get(number, Entry(0, 0, 0)) for number in range(max(found) + 1)]
    return Label(names["disk"], names["label"], SECTOR, sectors, table)


def _entry(match: re.Match[str], sectors: int) -> Entry:
    size, offset = int(match[2]), int(match[3])
    if offset + size > sectors:
        raise UsageError(f"partition {match[1]}: {offset} + {size} sectors are more than the disk's {sectors}")
    if match[4] not in TYPES:
        raise UsageError(f"partition {match[1]}: no type {match[4]!r}; there are {', '.join(TYPES)}")
    fsize, bsize, cpg = (int(part or 0) for part in match.groups()[4:])
    frag = bsize // fsize if fsize else 0
    if fsize > 0xFFFFFFFF or frag > 0xFF or cpg > 0xFFFF:
        raise UsageError(f"partition {match[1]}: {fsize} {bsize} {cpg}: no sizes of a label")
    return Entry(size, offset, TYPES.index(match[4]), fsize, frag, cpg)


if __name__ == "__main__":
    sys.exit(main())

"""File entries and extended file entries: the inodes (ECMA-167 sections 4/14.9 and 4/14.17)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpvfs.core.vnode import VType

from . import tags
from .tags import bad

STREAM_DIRECTORY, VAT_FILE, REALTIME, METADATA, MIRROR = 13, 248, 249, 250, 251
_KINDS = {
    4: VType.DIR,
    5: VType.REG,
    6: VType.BLK,
    7: VType.CHR,
    9: VType.FIFO,
    10: VType.SOCK,
    12: VType.LNK,
    REALTIME: VType.REG,
}
_STRATEGY, _TYPE, _FLAGS = struct.Struct("<H"), 27, struct.Struct("<H")
_OWNER = struct.Struct("<IIIH")
_MODES = ((10, 6), (5, 3), (0, 0))
# Bits of the ICB flags and what they are in st_mode.
_SPECIAL = ((0x40, 0o4000), (0x80, 0o2000), (0x100, 0o1000))
_DEVICE = 12
_ATTRIBUTE = struct.Struct("<IB3xI")


@dataclass(slots=True)
class Entry:
    """An inode. ``area`` has its allocation descriptors or, with `allocation.EMBEDDED`, its contents."""

    file_type: int
    strategy: int
    allocation: int
    mode: int
    uid: int
    gid: int
    links: int
    size: int
    blocks: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birthtime_ns: int
    unique: int
    device: tuple[int, int]
    area: memoryview

    @property
    def vtype(self) -> VType | None:
        return _KINDS.get(self.file_type)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the two kinds of entries have what they have both."""

    blocks: int
    atime: int
    mtime: int
    ctime: int
    birth: int | None
    unique: int
    end: int


_LAYOUTS = {
    tags.FILE_ENTRY: _Layout(64, 72, 84, 96, None, 160, 176),
    tags.EXTENDED_FILE_ENTRY: _Layout(72, 80, 92, 116, 104, 200, 216),
}


def parse(raw: memoryview, block: int) -> Entry:
    """The entry in a block. EIO."""
    layout = _LAYOUTS[tags.expect(raw, block, *_LAYOUTS)]
    attributes, descriptors = struct.unpack_from("<II", raw, layout.end - 8)
    begin = layout.end + attributes
    if begin + descriptors > len(raw):
        raise bad(f"the file entry at block {block} is longer than its block")
    (flags,) = _FLAGS.unpack_from(raw, 34)
    uid, gid, permissions, links = _OWNER.unpack_from(raw, 36)
    size, blocks = _u64(raw, 56), _u64(raw, layout.blocks)
    modified = tags.time_ns(raw[layout.mtime :])
    if size >> 63 or blocks >> 54:
        raise bad(f"the file entry at block {block} has {size} bytes in {blocks} blocks")
    return Entry(
        raw[_TYPE],
        _STRATEGY.unpack_from(raw, 20)[0],
        flags & 7,
        _mode(permissions, flags),
        uid,
        gid,
        links,
        size,
        blocks,
        tags.time_ns(raw[layout.atime :]),
        modified,
        tags.time_ns(raw[layout.ctime :]),
        modified if layout.birth is None else tags.time_ns(raw[layout.birth :]),
        _u64(raw, layout.unique),
        _device(raw[layout.end : begin]),
        raw[begin : begin + descriptors],
    )


def _u64(raw: memoryview, at: int) -> int:
    return int.from_bytes(raw[at : at + 8], "little")


def _mode(permissions: int, flags: int) -> int:
    mode = sum(special for bit, special in _SPECIAL if flags & bit)
    for theirs, ours in _MODES:
        mode |= (permissions >> theirs & 7) << ours
    return mode


def _device(attributes: memoryview) -> tuple[int, int]:
    """Major and minor number in the device specification among the extended attributes."""
    at = 24
    while at + 24 <= len(attributes):
        kind, _, length = _ATTRIBUTE.unpack_from(attributes, at)
        if kind == _DEVICE:
            major, minor = struct.unpack_from("<II", attributes, at + 16)
            return major, minor
        if length < 12:
            break
        at += length
    return 0, 0

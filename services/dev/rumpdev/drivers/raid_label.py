"""The label of a component of a RAID set: which set it belongs to, which column it is, and how far it is up to date.

It lies where RAIDframe has its own, 16 KiB into the component, and the data begin behind the first 64 sectors as there;
what is in it is this kernel's. All numbers are little endian; a CRC-32 ends it.

    offset size
         0    8 magic "rumpraid"
         8    4 version, 1
        12    8 serial number of the set
        20    8 counter: grows with each change of the set, so that a component which missed one can be told
        28    4 level
        32    4 columns
        36    4 column of this component
        40    4 sectors of a stripe unit
        44    8 stripes
        52    4 flags: 1 the parity is right, 2 this was a spare
        56    4 columns that are there, as bits
        60    4 CRC-32 of what is before it
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from rumpdev.core.storage import SECTOR, Storage

OFFSET = 16384
DATA = 64 * SECTOR
"""Where the data begin."""
VERSION = 1
CLEAN = 1
SPARE = 2
_FORMAT = struct.Struct("<8sIQQIIIIQII")
_MAGIC = b"rumpraid"


@dataclass(slots=True)
class Label:
    """A label that can be written."""

    serial: int
    counter: int
    level: int
    columns: int
    column: int
    sect_per_su: int
    stripes: int
    flags: int = 0
    present: int = 0

    def emit(self) -> bytes:
        """One sector."""
        head = _FORMAT.pack(
            _MAGIC, VERSION, self.serial, self.counter, self.level, self.columns, self.column, self.sect_per_su,
            self.stripes, self.flags, self.present,
        )  # fmt: skip
        return (head + zlib.crc32(head).to_bytes(4, "little")).ljust(SECTOR, b"\0")

    @classmethod
    def parse(cls, data: bytes) -> Label | None:
        """None for what is no label."""
        head = data[: _FORMAT.size]
        if len(head) < _FORMAT.size or zlib.crc32(head) != int.from_bytes(data[len(head) : len(head) + 4], "little"):
            return None
        magic, version, *fields = _FORMAT.unpack(head)
        label = cls(*fields)
        if magic != _MAGIC or version != VERSION or label.column >= label.columns:
            return None
        return label

    def up_to_date(self, newest: Label) -> bool:
        """Whether a component has all data. One change behind is a kernel that ended while it wrote the labels."""
        return newest.counter - self.counter <= 1 and bool(newest.present >> self.column & 1)

    def same_set(self, other: Label) -> bool:
        """Whether both are of one set, whatever became of it since."""
        mine = (self.serial, self.level, self.columns, self.sect_per_su, self.stripes)
        return mine == (other.serial, other.level, other.columns, other.sect_per_su, other.stripes)


def read_label(storage: Storage) -> Label | None:
    """EIO."""
    if storage.size < DATA:
        return None
    size = max(SECTOR, storage.align)
    return Label.parse(bytes(storage.read(OFFSET, size)))


def write_label(storage: Storage, label: Label) -> None:
    """EIO."""
    storage.write(OFFSET, label.emit().ljust(max(SECTOR, storage.align), b"\0"))

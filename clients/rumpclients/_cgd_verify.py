"""Whether the plain side of an encrypted disk looks like one: the verification methods of cgdconfig(8)."""

from __future__ import annotations

import struct
from collections.abc import Callable

SCAN = 8192
LABEL_MAGIC = 0x82564557
LABEL_PARTITIONS = 148
"""Where the table of partitions of a disklabel(5) begins; each has 16 bytes."""
PARTITIONS_MAX = 22
FFS_MAGIC = (0x011954, 0x19540119, 0x00012FD7)
FFS_MAGIC_AT = 1372
FFS_PLACES = (8192, 65536, 0, 262144)
"""Where a superblock may be (SBLOCKSEARCH)."""

Read = Callable[[int, int], bytes]
"""Offset and length, whole sectors: the bytes."""


def disklabel(read: Read) -> bool:
    data = read(0, SCAN)
    return any(_label(data[at:]) for at in range(0, len(data) - LABEL_PARTITIONS, 4))


def _label(data: bytes) -> bool:
    for order in "<>":
        if struct.unpack_from(f"{order}I", data) == struct.unpack_from(f"{order}I", data, 132) == (LABEL_MAGIC,):
            (count,) = struct.unpack_from(f"{order}H", data, 138)
            size = LABEL_PARTITIONS + 16 * count
            if count <= PARTITIONS_MAX and size <= len(data):
                mixed = 0
                for (word,) in struct.iter_unpack("<H", data[:size]):
                    mixed ^= word
                return mixed == 0
    return False


def mbr(read: Read) -> bool:
    """The signature, and partitions whose boot flags are such."""
    data = read(0, 512)
    return data[510:512] == b"\x55\xaa" and all(data[446 + 16 * i] in (0, 0x80) for i in range(4))


def gpt(read: Read) -> bool:
    return any(read(size, size)[:8] == b"EFI PART" for size in (512, 4096))


def ffs(read: Read) -> bool:
    for place in FFS_PLACES:
        magic = read(place + 1024, 512)[FFS_MAGIC_AT - 1024 :][:4]
        if len(magic) == 4 and any(int.from_bytes(magic, order) in FFS_MAGIC for order in ("little", "big")):
            return True
    return False


METHODS: dict[str, Callable[[Read], bool]] = {"disklabel": disklabel, "mbr": mbr, "gpt": gpt, "ffs": ffs}

"""Which file system is on a disk, by the marks at fixed places."""

from __future__ import annotations

import struct
from collections.abc import Callable

# type, offset, mark
_MARKS = (
    ("ext2fs", 1024 + 56, b"\x53\xef"),
    ("cd9660", 32769, b"CD001"),
    ("ffs", 65536 + 1372, b"\x19\x01\x54\x19"),
    ("ffs", 65536 + 1372, b"\x19\x54\x01\x19"),
    ("ffs", 8192 + 1372, b"\x19\x01\x54\x19"),
    ("ffs", 8192 + 1372, b"\x19\x54\x01\x19"),
    ("ffs", 8192 + 1372, b"\x54\x19\x01\x00"),
    ("ffs", 8192 + 1372, b"\x00\x01\x19\x54"),
    ("ntfs", 3, b"NTFS    "),
    ("exfat", 3, b"EXFAT   "),
    ("msdos", 54, b"FAT1"),
    ("msdos", 82, b"FAT32"),
    ("hfs", 1024, b"H+"),
    ("udf", 32769 + 2048, b"NSR0"),
    ("lfs", 8192, b"\x62\x01\x07\x00"),
)

Pread = Callable[[int, int], bytes]
"""Size and offset to data, as `os.pread` has them."""


def probe(pread: Pread) -> str | None:
    """Type of the file system, None when no mark is known. ``pread(size, offset)`` reads the disk."""
    for name, offset, mark in _MARKS:
        if pread(len(mark), offset) == mark:
            return name
    return "msdos" if _is_fat(pread(512, 0)) else None


def _is_fat(sector: bytes) -> bool:
    """Boot sectors of FAT had no mark at first: what makes sense as one is one."""
    if len(sector) < 512 or sector[0] not in (0xEB, 0xE9):
        return False
    size, cluster, reserved, fats, _, total, media = struct.unpack_from("<HBHBHHB", sector, 11)
    (total_32,) = struct.unpack_from("<I", sector, 32)
    powers = all(n and not n & (n - 1) for n in (size, cluster))
    return powers and size >= 512 and reserved > 0 and fats in (1, 2) and media >= 0xF0 and bool(total or total_32)

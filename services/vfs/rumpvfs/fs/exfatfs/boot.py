"""The boot region of exFAT: twelve sectors, the last of which is full of their checksum, and a copy of them.

Source: Microsoft, "exFAT file system specification" 1.00, section 3. All numbers are little endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpuser.host import Buffer
from rumpvfs.fs.msdosfs.bpb import Geometry
from rumpwire.errno import Errno, KernelError

NAME = b"EXFAT   "
SIGNATURE = b"\x55\xaa"
SIZE = 512
SECTORS = 12
"""Of a boot region; the copy is behind it."""
FLAGS_OFFSET, PERCENT_OFFSET = 106, 112
ACTIVE_FAT, DIRTY, MEDIA_FAILURE, CLEAR_TO_ZERO = 1, 2, 4, 8
_NOT_SUMMED = (FLAGS_OFFSET, FLAGS_OFFSET + 1, PERCENT_OFFSET)

# partition offset, sectors, FAT offset, FAT length, heap offset, clusters, root cluster, serial, revision, flags,
# log2 of bytes a sector, log2 of sectors a cluster, FATs, drive, per cent in use
FIELDS = struct.Struct("<QQIIIIIIHHBBBBB")
_FIELDS_AT = 64


@dataclass(frozen=True, slots=True)
class Boot:
    """What the boot sector says, checked."""

    geometry: Geometry
    flags: int
    serial: int


def _need(condition: bool, text: str) -> None:
    if not condition:
        raise KernelError(Errno.EINVAL, f"not an exFAT file system: {text}", "exfat")


def has_name(raw: Buffer) -> bool:
    return bytes(raw[3:11]) == NAME


def parse(raw: Buffer, device_size: int) -> Boot:
    """EINVAL with the first field that is wrong, EOPNOTSUPP for another revision or several FATs."""
    boot = bytes(raw)
    _need(len(boot) >= SIZE and has_name(boot) and boot[510:512] == SIGNATURE, "no signature")
    _need(boot[11:64] == bytes(53), "the place of the old boot sector is not zero")
    (
        _, sectors, fat_at, fat_length, heap, clusters, root, serial, revision, flags, shift, per_cluster, fats, _, _,
    ) = FIELDS.unpack_from(boot, _FIELDS_AT)  # fmt: skip
    if revision >> 8 != 1 or fats != 1:
        raise KernelError(Errno.EOPNOTSUPP, f"exFAT revision {revision:#x} with {fats} FATs", "exfat")
    _need(9 <= shift <= 12, f"sectors of 2^{shift} bytes")
    _need(per_cluster <= 25 - shift, f"clusters of 2^{per_cluster} sectors")
    sector = 1 << shift
    _need(0 < sectors <= device_size >> shift, f"{sectors} sectors on a device of {device_size} bytes")
    _need(fat_at >= 2 * SECTORS, f"the FAT at sector {fat_at}")
    _need(0 < clusters <= 0xFFFFFFF5, f"{clusters} clusters")
    _need(fat_length << shift >= (clusters + 2) * 4, f"a FAT of {fat_length} sectors for {clusters} clusters")
    _need(fat_at + fat_length <= heap, f"the clusters at sector {heap}")
    _need(heap + (clusters << per_cluster) <= sectors, f"{clusters} clusters in {sectors} sectors")
    _need(2 <= root < clusters + 2, f"the root at cluster {root}")
    geometry = Geometry(
        bits=32,
        sector=sector,
        cluster=sector << per_cluster,
        fat_offset=fat_at << shift,
        fat_size=fat_length << shift,
        fats=(0,),
        root_offset=0,
        root_size=0,
        root_cluster=root,
        data_offset=heap << shift,
        clusters=clusters,
        info_offset=None,
        size=sectors << shift,
        serial=serial,
    )
    return Boot(geometry, flags, serial)


def checksum(region: bytes) -> int:
    """Of the first eleven sectors; the flags and how full it is do not count."""
    total = 0
    for at, byte in enumerate(region):
        if at not in _NOT_SUMMED:
            total = ((total & 1) << 31) + (total >> 1) + byte & 0xFFFFFFFF
    return total


def is_sound(region: Buffer, sector: int) -> bool:
    """Whether the checksum of a boot region of twelve sectors is right."""
    raw = bytes(region)
    return raw[11 * sector :] == checksum(raw[: 11 * sector]).to_bytes(4, "little") * (sector // 4)

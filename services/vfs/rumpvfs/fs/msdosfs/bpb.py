"""The boot sector (BIOS parameter block) and what follows from it: where everything is.

Sources: Microsoft, "FAT: General Overview of On-Disk Format" 1.03; ECMA-107 for FAT12 and FAT16. All numbers are little
endian. A FAT without a 16-bit length is FAT32; which of the others it is the number of clusters says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

SIZE = 512
SIGNATURE = b"\x55\xaa"
BACKUP_SECTOR = 6
"""Where a FAT32 has the copy of its boot sector, in practice."""

MAX_FAT12 = 4084
MAX_FAT16 = 65524
MAX_FAT32 = 0x0FFFFFF5
SLOT = 32
"""Bytes of an entry of a directory."""

# jump, OEM name, bytes a sector, sectors a cluster, reserved sectors, FATs, root entries, sectors, media, sectors of a
# FAT, sectors a track, heads, hidden sectors, sectors (32 bits)
COMMON = struct.Struct("<3s8sHBHBHHBHHHII")
# sectors of a FAT, flags, version, root cluster, FSInfo sector, backup sector, reserved
FAT32 = struct.Struct("<IHHIHH12s")
# drive, state (bit 0: not unmounted, bit 1: errors), extended signature, serial, label, type
EXTENDED = struct.Struct("<BBBI11s8s")
STATE_12_16 = COMMON.size + 1
STATE_32 = COMMON.size + FAT32.size + 1
STATE_DIRTY = 1
NO_MIRROR = 0x80
"""Of the flags: only the FAT whose number the low four bits are is kept."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes and offsets are bytes of the device. ``root_size`` is 0 where the root is a chain (``root_cluster``)."""

    bits: int
    sector: int
    cluster: int
    fat_offset: int
    fat_size: int
    fats: tuple[int, ...]
    root_offset: int
    root_size: int
    root_cluster: int
    data_offset: int
    clusters: int
    info_offset: int | None
    size: int
    serial: int

    @property
    def state_offset(self) -> int:
        """Of the byte in the boot sector that says whether it was unmounted."""
        return STATE_32 if self.bits == 32 else STATE_12_16

    def offset(self, cluster: int) -> int:
        """Where a cluster begins; its number (from 2 on) was checked."""
        return self.data_offset + (cluster - 2) * self.cluster


def _not(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, f"not a FAT file system: {text}", "msdos")


def _need(condition: bool, text: str) -> None:
    if not condition:
        raise _not(text)


def parse(raw: Buffer, device_size: int) -> Geometry:
    """The geometry that a boot sector of 512 bytes tells. EINVAL with the first field that is wrong."""
    boot = bytes(raw)
    _need(len(boot) >= SIZE and boot[510:512] == SIGNATURE, "no signature")
    _, _, sector, per_cluster, reserved, fats, entries, few, media, fat16, _, _, _, many = COMMON.unpack_from(boot)
    _need(sector in (512, 1024, 2048, 4096), f"{sector} bytes a sector")
    _need(per_cluster in (1, 2, 4, 8, 16, 32, 64, 128), f"{per_cluster} sectors a cluster")
    _need(reserved >= 1, "no reserved sectors")
    _need(1 <= fats <= 16, f"{fats} FATs")
    _need(media == 0xF0 or media >= 0xF8, f"media {media:#x}")
    _need(entries * SLOT % sector == 0, f"{entries} entries in the root")
    sectors = few or many
    _need(0 < sectors <= device_size // sector, f"{sectors} sectors on a device of {device_size} bytes")
    fat_sectors = fat16 or FAT32.unpack_from(boot, COMMON.size)[0]
    _need(fat_sectors > 0, "a FAT without sectors")
    first = reserved + fats * fat_sectors + entries * SLOT // sector
    _need(first + per_cluster <= sectors, f"data begin at sector {first} of {sectors}")
    layout = _Layout(sector, per_cluster, reserved, fats, fat_sectors, entries, first, sectors)
    return _fat16(boot, layout) if fat16 else _fat32(boot, layout)


@dataclass(frozen=True, slots=True)
class _Layout:
    """In sectors."""

    sector: int
    per_cluster: int
    reserved: int
    fats: int
    fat_sectors: int
    entries: int
    first: int
    sectors: int

    def clusters(self, bits: int) -> int:
        """As many as there is room for and the FAT has entries for."""
        return min((self.sectors - self.first) // self.per_cluster, self.fat_sectors * self.sector * 8 // bits - 2)

    def geometry(
        self, bits: int, *, active: int | None, root_cluster: int, info_offset: int | None, serial: int
    ) -> Geometry:
        clusters = self.clusters(bits)
        _need(clusters >= 1, "a FAT without entries")
        root_size = self.entries * SLOT
        return Geometry(
            bits=bits,
            sector=self.sector,
            cluster=self.per_cluster * self.sector,
            fat_offset=self.reserved * self.sector,
            fat_size=self.fat_sectors * self.sector,
            fats=tuple(range(self.fats)) if active is None else (active,),
            root_offset=self.first * self.sector - root_size,
            root_size=root_size,
            root_cluster=root_cluster,
            data_offset=self.first * self.sector,
            clusters=clusters,
            info_offset=info_offset,
            size=self.sectors * self.sector,
            serial=serial,
        )


def _fat16(boot: bytes, layout: _Layout) -> Geometry:
    _need(layout.entries > 0, "no root directory")
    count = (layout.sectors - layout.first) // layout.per_cluster
    _need(count <= MAX_FAT16, f"{count} clusters in a FAT16")
    signature, serial = EXTENDED.unpack_from(boot, COMMON.size)[2:4]
    return layout.geometry(
        12 if count <= MAX_FAT12 else 16,
        active=None,
        root_cluster=0,
        info_offset=None,
        serial=serial if signature in (0x28, 0x29) else 0,
    )


def _fat32(boot: bytes, layout: _Layout) -> Geometry:
    _, flags, version, root, info, _, _ = FAT32.unpack_from(boot, COMMON.size)
    _need(version == 0, f"FAT32 version {version:#x}")
    _need(layout.entries == 0, "a FAT32 with entries in a fixed root")
    clusters = layout.clusters(32)
    _need(clusters <= MAX_FAT32, f"{clusters} clusters")
    _need(2 <= root < clusters + 2, f"the root at cluster {root}")
    active = flags & 0x0F if flags & NO_MIRROR else None
    _need(active is None or active < layout.fats, f"FAT {active} of {layout.fats} is the active one")
    return layout.geometry(
        32,
        active=active,
        root_cluster=root,
        info_offset=info * layout.sector if 0 < info < layout.reserved else None,
        serial=EXTENDED.unpack_from(boot, COMMON.size + FAT32.size)[3],
    )

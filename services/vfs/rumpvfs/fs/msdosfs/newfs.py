"""Making a FAT file system (newfs_msdos(8)).

Options: ``type`` (12, 16 or 32; found from the size), ``label``, ``cluster`` (bytes), ``sector`` (bytes), ``serial``
(hexadecimal), ``size`` (bytes), ``fats`` (1 or 2), ``root`` (entries of the root of FAT12 and FAT16), ``hidden``
(sectors before the file system).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest
from rumpwire.errno import Errno, KernelError

from . import bpb, dirent, times
from .volume import INFO_BODY, INFO_LEAD, INFO_TRAIL

_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)
_NO_LABEL = b"NO NAME    "
_LABEL = re.compile(r"[A-Z0-9 !#$%&'()\-@^_`{}~]{1,11}")
_RESERVED_32 = 32
_CLUSTER_MAX = 32768
_FAT32_FROM = 512 << 20
_FAT16_FROM = 8 << 20
# size of a floppy disk -> media, sectors a cluster, entries of the root, sectors a track, heads
_FLOPPIES = {
    163_840: (0xFE, 1, 64, 8, 1), 184_320: (0xFC, 1, 64, 9, 1), 327_680: (0xFF, 2, 112, 8, 2),
    368_640: (0xFD, 2, 112, 9, 2), 737_280: (0xF9, 2, 112, 9, 2), 1_228_800: (0xF9, 1, 224, 15, 2),
    1_474_560: (0xF0, 1, 224, 18, 2), 2_949_120: (0xF0, 2, 240, 36, 2),
}  # fmt: skip
# clusters of FAT32: up to which size, bytes of one
_CLUSTERS_32 = ((260 << 20, 512), (8 << 30, 4096), (16 << 30, 8192), (32 << 30, 16384))
_FEWEST = {12: 1, 16: bpb.MAX_FAT12 + 1, 32: bpb.MAX_FAT16 + 1}
_MOST = {12: bpb.MAX_FAT12, 16: bpb.MAX_FAT16, 32: bpb.MAX_FAT32}


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, text, "msdos")


@dataclass(slots=True)
class Plan:
    """What is made; sizes are sectors of ``sector`` bytes."""

    bits: int
    sector: int
    sectors: int
    per_cluster: int
    reserved: int
    fats: int
    entries: int
    media: int
    track: int
    heads: int
    hidden: int
    label: bytes
    serial: int
    fat_sectors: int = 0

    @property
    def root_sectors(self) -> int:
        return -(-self.entries * bpb.SLOT // self.sector)

    @property
    def first(self) -> int:
        """Of the data."""
        return self.reserved + self.fats * self.fat_sectors + self.root_sectors

    @property
    def clusters(self) -> int:
        return (self.sectors - self.first) // self.per_cluster

    def fits(self, per_cluster: int) -> bool:
        """Gives the FAT its size for clusters of a size; whether there are neither too few nor too many of them."""
        self.per_cluster = per_cluster
        self.fat_sectors = 1
        while self.sectors > self.first:
            needed = -(-(self.clusters + 2) * self.bits // (8 * self.sector))
            if needed <= self.fat_sectors:
                return _FEWEST[self.bits] <= self.clusters <= _MOST[self.bits]
            self.fat_sectors = needed
        return False


def newfs(request: NewfsRequest, env: Environment) -> int:
    """EINVAL for options, EROFS, ENOSPC for a device that is too small for any file system, EIO."""
    if request.device.readonly:
        raise KernelError(Errno.EROFS, f"{request.device.name} is read-only", "msdos")
    plan = _plan(request.device, dict(request.options), env)
    _write(request.device, plan, env)
    request.device.flush()
    return plan.sectors * plan.sector


# -- what is to be made


def number(options: dict[str, str], name: str, default: int, choices: range | tuple[int, ...], base: int = 10) -> int:
    """Takes an option out of the others. EINVAL."""
    text = options.pop(name, None)
    if text is None:
        return default
    try:
        value = int(text, base)
    except ValueError:
        raise _bad(f"{name}={text}: not a number") from None
    if value not in choices:
        raise _bad(f"{name}={text}: not a number that it may be")
    return value


def _plan(device: BlockDevice, options: dict[str, str], env: Environment) -> Plan:
    sector = number(options, "sector", 512, (512, 1024, 2048, 4096))
    size = number(options, "size", device.size, range(sector, device.size + 1)) // sector * sector
    floppy = _FLOPPIES.get(size) if sector == 512 else None
    media, spread, entries, track, heads = floppy or (0xF8, 0, 512, 32, 64)
    bits = number(options, "type", 12 if floppy else _bits_for(size), (12, 16, 32))
    entries = number(options, "root", 0 if bits == 32 else entries, range(0 if bits == 32 else 1, 65536))
    if entries * bpb.SLOT % sector or (bits == 32 and entries):
        raise _bad(f"a root of {entries} entries")
    plan = Plan(
        bits=bits,
        sector=sector,
        sectors=min(size // sector, 0xFFFFFFFF),
        per_cluster=0,
        reserved=_RESERVED_32 if bits == 32 else 1,
        fats=number(options, "fats", 2, (1, 2)),
        entries=entries,
        media=media,
        track=track,
        heads=heads,
        hidden=number(options, "hidden", 0, range(1 << 32)),
        label=_label(options.pop("label", "")),
        serial=number(options, "serial", int.from_bytes(env.entropy(4), "little"), range(1 << 32), 16),
    )
    cluster = number(options, "cluster", 0, tuple(sector << n for n in range(8)))
    if options:
        raise _bad(f"{', '.join(sorted(options))}: no option of newfs for msdos")
    _choose_cluster(plan, cluster, spread if bits == 12 else 0)
    return plan


def _bits_for(size: int) -> int:
    if size >= _FAT32_FROM:
        return 32
    return 16 if size >= _FAT16_FROM else 12


def _label(text: str) -> bytes:
    label = text.upper()
    if label and not _LABEL.fullmatch(label):
        raise _bad(f"{text!r} is no label: up to 11 letters, digits and marks")
    return label.encode("ascii").ljust(11) if label.strip() else b""


def _choose_cluster(plan: Plan, cluster: int, spread: int) -> None:
    """EINVAL when clusters of the size that was asked for do not do, ENOSPC when none do."""
    if cluster or spread:
        if not plan.fits(cluster // plan.sector if cluster else spread):
            raise _bad(f"{plan.clusters} clusters of {cluster} bytes are no FAT{plan.bits}")
        return
    size = plan.sectors * plan.sector
    wanted = next((bytes_ for most, bytes_ in _CLUSTERS_32 if size <= most), _CLUSTER_MAX) if plan.bits == 32 else 512
    if plan.bits == 16:
        wanted = 2048 if size > 16 << 20 else 512
    best = max(wanted // plan.sector, 1)
    for per_cluster in sorted((1 << n for n in range(8)), key=lambda n: (n < best, n if n >= best else -n)):
        if per_cluster * plan.sector <= _CLUSTER_MAX and plan.fits(per_cluster):
            return
    raise KernelError(Errno.ENOSPC, f"{size} bytes do not make a FAT{plan.bits}", "msdos")


# -- making it


def _write(device: BlockDevice, plan: Plan, env: Environment) -> None:
    """The boot sector last: what was there before is gone, what is new counts only when it is whole."""
    clear(device, 0, (plan.first + (plan.per_cluster if plan.bits == 32 else 0)) * plan.sector)
    fat = _first_entries(plan)
    for copy in range(plan.fats):
        device.write((plan.reserved + copy * plan.fat_sectors) * plan.sector, fat)
    if plan.label:
        root = plan.first if plan.bits == 32 else plan.first - plan.root_sectors
        device.write(root * plan.sector, _label_entry(plan.label, env))
    boot = _boot_sector(plan)
    if plan.bits == 32:
        rest = bytes(510) + bpb.SIGNATURE
        for at in (bpb.BACKUP_SECTOR, 0):
            device.write((at + 1) * plan.sector, _info_sector(plan))
            device.write((at + 2) * plan.sector, rest)
            device.write(at * plan.sector, boot)
    else:
        device.write(0, boot)


def clear(device: BlockDevice, offset: int, end: int) -> None:
    """Zeros."""
    while offset < end:
        piece = min(end - offset, _PIECE)
        device.write(offset, _ZEROS if piece == _PIECE else bytes(piece))
        offset += piece


def _first_entries(plan: Plan) -> bytes:
    if plan.bits == 12:
        return bytes((plan.media, 0xFF, 0xFF))
    if plan.bits == 16:
        return struct.pack("<HH", 0xFF00 | plan.media, 0xFFFF)
    return struct.pack("<III", 0x0FFFFF00 | plan.media, 0x0FFFFFFF, 0x0FFFFFFF)


def _boot_sector(plan: Plan) -> bytes:
    few = plan.sectors if plan.sectors < 65536 and plan.bits != 32 else 0
    fat32 = plan.bits == 32
    jump = b"\xeb\x58\x90" if fat32 else b"\xeb\x3c\x90"
    common = bpb.COMMON.pack(
        jump, b"RUMP4.4 ", plan.sector, plan.per_cluster, plan.reserved, plan.fats, plan.entries, few, plan.media,
        0 if fat32 else plan.fat_sectors, plan.track, plan.heads, plan.hidden, 0 if few else plan.sectors,
    )  # fmt: skip
    if fat32:
        common += bpb.FAT32.pack(plan.fat_sectors, 0, 0, 2, 1, bpb.BACKUP_SECTOR, bytes(12))
    drive = 0x80 if plan.media == 0xF8 else 0
    name = f"FAT{plan.bits}".encode("ascii").ljust(8)
    common += bpb.EXTENDED.pack(drive, 0, 0x29, plan.serial, plan.label or _NO_LABEL, name)
    # There is nothing to boot: interrupt 0x18 hands over to the next device, then the machine halts.
    return (common + b"\xcd\x18\xf4\xeb\xfd").ljust(510, b"\0") + bpb.SIGNATURE


def _info_sector(plan: Plan) -> bytes:
    head = struct.pack("<I480xIII", INFO_LEAD, INFO_BODY, plan.clusters - 1, 2)
    return head.ljust(508, b"\0") + struct.pack("<I", INFO_TRAIL)


def _label_entry(label: bytes, env: Environment) -> bytes:
    date, time, _ = times.to_dos(env.now_ns(), 0)
    return dirent.SHORT.pack(label, dirent.LABEL, 0, 0, 0, 0, 0, 0, time, date, 0, 0)

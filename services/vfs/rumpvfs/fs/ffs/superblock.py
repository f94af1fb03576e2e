"""The superblock: where it is, what it says, and whether that makes sense.

Format: fs(5) and <ufs/ffs/fs.h> of NetBSD. It is one structure for UFS1 and UFS2, in the byte order of the machine that
made it. Numbers of places ("frags") count fragments from the beginning of the device; a block is `frag` of them.

UFS1 has narrow fields (``fs_old_*``); where the flag FS_FLAGS_UPDATED is set, the wide ones of UFS2 are there too and
both are kept the same.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

SIZE = 8192
UFS1_PLACE, UFS2_PLACE = 8192, 65536
SEARCH = (UFS2_PLACE, UFS1_PLACE, 0, 262144)
"""Where a superblock may be, in the order in which NetBSD looks."""

UFS1_MAGIC = 0x011954
UFS2_MAGIC = 0x19540119
UFS2EA_MAGIC = 0x19012038
"""UFS2 of NetBSD with extended attributes; elsewhere UFS2_MAGIC has them too."""

FLAG_SOFTDEP = 0x02
FLAG_NEEDS_FSCK = 0x04
FLAG_JOURNALED_SOFTDEP = 0x08
FLAG_GJOURNAL = 0x40
FLAG_LOG = 0x100
"""Of NetBSD: a log is in use, if there is one; FreeBSD has the same bit for NFSv4 ACLs."""
FLAG_HASHES = FLAG_QUOTAS = 0x200
"""Of FreeBSD: metadata have check hashes. Of NetBSD, where there is the magic number of quotas: those are kept."""
QUOTA_MAGIC = 0xB746915E
OLD_FLAG_UPDATED = 0x80
CLEAN = 1
INODE_FORMAT_44 = 2
DYNAMIC_TABLES = 1

FRAGS_MAX = 8
BLOCK_MIN, BLOCK_MAX = 4096, 65536
FRAGMENT_MIN = 512
DIRECT = 12
INODE_SIZES = {1: 128, 2: 256}
CSUM = 16
GROUPS_MAX = 1 << 18

MAGIC_AT = 1372
# Name, offset and kind of the fields that are used here.
_FIELDS: tuple[tuple[str, int, str], ...] = (
    ("sblkno", 8, "i"), ("cblkno", 12, "i"), ("iblkno", 16, "i"), ("dblkno", 20, "i"), ("cgoffset", 24, "i"),
    ("cgmask", 28, "i"), ("old_time", 32, "i"), ("old_size", 36, "i"), ("old_dsize", 40, "i"), ("ncg", 44, "i"),
    ("bsize", 48, "i"), ("fsize", 52, "i"), ("frag", 56, "i"), ("minfree", 60, "i"), ("old_rps", 68, "i"),
    ("bmask", 72, "i"), ("fmask", 76, "i"), ("bshift", 80, "i"), ("fshift", 84, "i"), ("maxcontig", 88, "i"),
    ("maxbpg", 92, "i"), ("fragshift", 96, "i"), ("fsbtodb", 100, "i"), ("sbsize", 104, "i"), ("nindir", 116, "i"),
    ("inopb", 120, "i"), ("old_nspf", 124, "i"), ("optim", 128, "i"), ("old_npsect", 132, "i"),
    ("old_interleave", 136, "i"), ("id0", 144, "I"), ("id1", 148, "I"), ("old_csaddr", 152, "i"), ("cssize", 156, "i"),
    ("cgsize", 160, "i"), ("old_nsect", 168, "i"), ("old_spc", 172, "i"), ("old_ncyl", 176, "i"), ("old_cpg", 180, "i"),
    ("ipg", 184, "i"), ("fpg", 188, "i"), ("old_ndir", 192, "i"), ("old_nbfree", 196, "i"), ("old_nifree", 200, "i"),
    ("old_nffree", 204, "i"), ("fmod", 208, "b"), ("clean", 209, "b"), ("ronly", 210, "b"), ("old_flags", 211, "B"),
    ("volname", 680, "32s"), ("journal_version", 864, "B"), ("journal_location", 865, "B"), ("journal_flags", 868, "I"),
    ("journal0", 872, "Q"), ("journal1", 880, "Q"), ("journal2", 888, "Q"), ("journal3", 896, "Q"),
    ("quota_magic", 904, "I"), ("quota_flags", 908, "B"), ("quotafile0", 912, "Q"), ("quotafile1", 920, "Q"),
    ("sblockloc", 1000, "q"), ("ndir", 1008, "q"), ("nbfree", 1016, "q"),
    ("nifree", 1024, "q"), ("nffree", 1032, "q"), ("time", 1072, "q"), ("size", 1080, "q"), ("dsize", 1088, "q"),
    ("csaddr", 1096, "q"), ("pendingblocks", 1104, "q"), ("pendinginodes", 1112, "i"), ("snapshot", 1116, "I"),
    ("avgfilesize", 1196, "i"), ("avgfpdir", 1200, "i"), ("mtime", 1208, "q"), ("metackhash", 1308, "I"),
    ("flags", 1312, "I"), ("contigsumsize", 1316, "i"), ("maxsymlinklen", 1320, "i"), ("old_inodefmt", 1324, "i"),
    ("maxfilesize", 1328, "Q"), ("qbmask", 1336, "q"), ("qfmask", 1344, "q"), ("state", 1352, "i"),
    ("old_postblformat", 1356, "i"), ("old_nrpos", 1360, "i"), ("magic", MAGIC_AT, "I"),
)  # fmt: skip
_TABLE = {order: {name: (at, struct.Struct(order + kind)) for name, at, kind in _FIELDS} for order in "<>"}


class Fields:
    """A superblock as bytes, read and written by the names of its fields."""

    __slots__ = ("_table", "raw")

    def __init__(self, raw: bytearray, order: str) -> None:
        self.raw = raw
        self._table = _TABLE[order]

    def get(self, name: str) -> int:
        at, kind = self._table[name]
        return int(kind.unpack_from(self.raw, at)[0])

    def text(self, name: str) -> bytes:
        at, kind = self._table[name]
        return bytes(kind.unpack_from(self.raw, at)[0])

    def put(self, name: str, value: int | bytes) -> None:
        at, kind = self._table[name]
        kind.pack_into(self.raw, at, value)


@dataclass(slots=True)
class Superblock:
    """Geometry and counts. Sizes are bytes, places are frags; ``fields`` is what it was read from and goes back to."""

    fields: Fields
    place: int
    order: str
    version: int
    extended_attributes: bool
    ncg: int
    bsize: int
    fsize: int
    frag: int
    fpg: int
    ipg: int
    size: int
    dsize: int
    sblkno: int
    cblkno: int
    iblkno: int
    dblkno: int
    cgoffset: int
    cgmask: int
    csaddr: int
    cssize: int
    cgsize: int
    minfree: int
    maxbpg: int
    contigsumsize: int
    maxsymlinklen: int
    maxfilesize: int
    flags: int
    clean: int
    updated: bool
    old_inodes: bool
    ndir: int
    nbfree: int
    nifree: int
    nffree: int

    # -- derived

    @property
    def byteorder(self) -> Literal["little", "big"]:
        return "little" if self.order == "<" else "big"

    @property
    def inode_size(self) -> int:
        return INODE_SIZES[self.version]

    @property
    def inopb(self) -> int:
        return self.bsize // self.inode_size

    @property
    def pointer_size(self) -> int:
        return 4 * self.version

    @property
    def nindir(self) -> int:
        return self.bsize // self.pointer_size

    @property
    def blocks_per_group(self) -> int:
        return -(-self.fpg // self.frag)

    def cgstart(self, group: int) -> int:
        """Where the structures of a group are counted from: UFS1 staggers them over the platters."""
        start = self.fpg * group
        return start + self.cgoffset * (group & ~self.cgmask) if self.version == 1 else start

    def group_frags(self, group: int) -> int:
        """How many frags a group has; the last may be shorter."""
        return min(self.fpg, self.size - self.fpg * group)

    def metadata_range(self, group: int) -> tuple[int, int]:
        """First and behind last frag of a group's superblock copy, map and inodes, counted in the group."""
        base = self.fpg * group
        start = self.cgstart(group) - base
        first = 0 if group == 0 else start + self.sblkno
        end = start + self.dblkno
        return first, end + (-(-self.cssize // self.fsize) if self.csaddr == base + end else 0)

    def inode_place(self, number: int) -> tuple[int, int]:
        """Frag and byte in it of an inode."""
        group, index = divmod(number, self.ipg)
        offset = index * self.inode_size
        return self.cgstart(group) + self.iblkno + offset // self.fsize, offset % self.fsize

    @property
    def keeps_quotas(self) -> bool:
        return bool(self.flags & FLAG_QUOTAS) and self.fields.get("quota_magic") == QUOTA_MAGIC

    def free_frags(self) -> int:
        return self.nbfree * self.frag + self.nffree

    def reserve(self) -> int:
        """Frags that only the superuser may take (minfree)."""
        return self.dsize * self.minfree // 100


def _invalid(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, f"superblock: {text}", "ffs")


def _order_of(raw: memoryview) -> tuple[str, int] | None:
    for order in "<>":
        magic = _TABLE[order]["magic"][1].unpack_from(raw, MAGIC_AT)[0]
        if magic in (UFS1_MAGIC, UFS2_MAGIC, UFS2EA_MAGIC):
            return order, magic
    return None


def find(device: BlockDevice) -> Superblock:
    """The superblock of a device. EINVAL where there is none or it makes no sense, EIO."""
    failure: KernelError | None = None
    for place in SEARCH:
        if place + SIZE > device.size:
            continue
        raw = device.view(place, SIZE)
        found = _order_of(raw)
        if found is None or (found[1] == UFS1_MAGIC and place == UFS2_PLACE):
            continue  # UFS1 with large blocks has a copy there
        try:
            return parse(bytearray(raw), place, *found, device.size)
        except KernelError as error:
            failure = failure or error
    raise failure or KernelError(Errno.EINVAL, "not an ffs: no superblock with its magic number", "ffs")


def has_magic(device: BlockDevice) -> bool:
    """Whether there is something that looks like a superblock."""
    places = [place for place in SEARCH if place + SIZE <= device.size]
    return any(_order_of(device.view(place, SIZE)) is not None for place in places)


def parse(raw: bytearray, place: int, order: str, magic: int, device_size: int) -> Superblock:
    """EINVAL for what makes no sense."""
    fields = Fields(raw, order)
    get = fields.get
    version = 1 if magic == UFS1_MAGIC else 2
    updated = version == 2 or bool(get("old_flags") & OLD_FLAG_UPDATED)
    wide = "" if updated else "old_"
    sb = Superblock(
        fields=fields,
        place=place,
        order=order,
        version=version,
        extended_attributes=version == 2,
        updated=updated,
        old_inodes=version == 1 and get("old_inodefmt") < INODE_FORMAT_44,
        flags=get("flags") if updated else get("old_flags"),
        size=get(wide + "size"),
        dsize=get(wide + "dsize"),
        csaddr=get(wide + "csaddr"),
        ndir=get(wide + "ndir"),
        nbfree=get(wide + "nbfree"),
        nifree=get(wide + "nifree"),
        nffree=get(wide + "nffree"),
        **{
            name: get(name)
            for name in (
                "ncg", "bsize", "fsize", "frag", "fpg", "ipg", "sblkno", "cblkno", "iblkno", "dblkno", "cgoffset",
                "cgmask", "cssize", "cgsize", "minfree", "maxbpg", "contigsumsize", "maxsymlinklen", "maxfilesize",
                "clean",
            )
        },
    )  # fmt: skip
    if updated and version == 2 and get("sblockloc") not in (place, 0):
        raise _invalid(f"at {place}, but says that it is at {get('sblockloc')}")
    _check_sizes(sb)
    _check_geometry(sb, device_size)
    _settle_limits(sb)
    return sb


def _power(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _check_sizes(sb: Superblock) -> None:
    if not _power(sb.bsize) or not BLOCK_MIN <= sb.bsize <= BLOCK_MAX:
        raise _invalid(f"blocks of {sb.bsize} bytes")
    if not _power(sb.fsize) or not FRAGMENT_MIN <= sb.fsize <= sb.bsize:
        raise _invalid(f"fragments of {sb.fsize} bytes")
    if sb.frag * sb.fsize != sb.bsize or sb.frag > FRAGS_MAX:
        raise _invalid(f"{sb.frag} fragments of {sb.fsize} in a block of {sb.bsize}")
    get = sb.fields.get
    if sb.old_inodes:
        return  # what is checked below was not always filled in then
    if get("nindir") != sb.nindir or get("inopb") != sb.inopb:
        raise _invalid(f"{get('nindir')} pointers and {get('inopb')} inodes in a block")
    shifts = (get("bshift"), get("fshift"), get("fragshift"))
    if shifts != tuple(value.bit_length() - 1 for value in (sb.bsize, sb.fsize, sb.frag)):
        raise _invalid(f"shifts {shifts}")


def _check_geometry(sb: Superblock, device_size: int) -> None:
    if not 0 < sb.ncg <= GROUPS_MAX or sb.fpg < sb.frag or sb.fpg % sb.frag:
        raise _invalid(f"{sb.ncg} groups of {sb.fpg} fragments")
    if not (sb.ncg - 1) * sb.fpg < sb.size <= sb.ncg * sb.fpg:
        raise _invalid(f"{sb.size} fragments in {sb.ncg} groups of {sb.fpg}")
    if sb.size * sb.fsize > device_size:
        raise _invalid(f"{sb.size} fragments of {sb.fsize} bytes on a device of {device_size} bytes")
    if not 0 < sb.ipg <= sb.bsize * 8 or sb.ipg % sb.inopb or sb.ncg * sb.ipg >= 1 << 32:
        raise _invalid(f"{sb.ipg} inodes per group")
    if not 0 < sb.cgsize <= sb.bsize:
        raise _invalid(f"cylinder groups of {sb.cgsize} bytes")
    if not 0 <= sb.sblkno < sb.cblkno < sb.iblkno < sb.dblkno <= sb.fpg or sb.iblkno - sb.cblkno < sb.frag:
        raise _invalid(f"superblock at {sb.sblkno}, group {sb.cblkno}, inodes {sb.iblkno}, data {sb.dblkno}")
    if sb.dblkno - sb.iblkno < sb.ipg * sb.inode_size // sb.fsize:
        raise _invalid(f"{sb.ipg} inodes between {sb.iblkno} and {sb.dblkno}")
    if any(value % sb.frag for value in (sb.cblkno, sb.iblkno, sb.dblkno)):
        raise _invalid("structures that do not begin with a block")
    _check_stagger(sb)
    summary = -(-sb.cssize // sb.fsize)
    if sb.cssize < sb.ncg * CSUM or sb.csaddr <= 0 or sb.csaddr + summary > sb.size:
        raise _invalid(f"{sb.cssize} bytes of summary at {sb.csaddr}")
    if min(sb.dsize, sb.ndir, sb.nbfree, sb.nifree, sb.nffree) < 0 or sb.dsize > sb.size:
        raise _invalid("negative counts")


def _check_stagger(sb: Superblock) -> None:
    """The structures of every group must be in it, and start with a block."""
    if sb.version == 2 or sb.cgoffset == 0:
        return
    spread = ~sb.cgmask & 0xFFFFFFFF
    if sb.cgoffset < 0 or sb.cgoffset % sb.frag or spread & (spread + 1):
        raise _invalid(f"groups staggered by {sb.cgoffset} with mask {sb.cgmask}")
    if sb.cgoffset * min(spread, sb.ncg) + sb.dblkno > sb.fpg:
        raise _invalid(f"groups staggered by {sb.cgoffset} with mask {sb.cgmask}")


def _settle_limits(sb: Superblock) -> None:
    """Limits that do no harm when they are wrong."""
    per = sb.nindir
    addressable = sb.bsize * (DIRECT + per + per**2 + per**3)
    sb.maxfilesize = min(sb.maxfilesize, addressable - 1, (1 << 63) - 1) or addressable - 1
    if sb.old_inodes:
        sb.maxfilesize = min(addressable - 1, (1 << 39) - 1)
    inodes = sb.ncg * sb.ipg
    sb.ndir, sb.nifree = min(sb.ndir, inodes), min(sb.nifree, inodes)
    sb.nbfree, sb.nffree = min(sb.nbfree, sb.size // sb.frag), min(sb.nffree, sb.size)
    sb.minfree = min(max(sb.minfree, 0), 99)
    sb.maxbpg = sb.maxbpg if sb.maxbpg > 0 else sb.blocks_per_group
    sb.maxsymlinklen = min(max(sb.maxsymlinklen, 0), (DIRECT + 3) * sb.pointer_size)
    if sb.old_inodes:
        sb.maxsymlinklen = 0
    if sb.contigsumsize < 0 or sb.contigsumsize > 16:
        raise _invalid(f"cluster summaries of {sb.contigsumsize}")


def emit_counts(sb: Superblock, now: int) -> None:
    """Puts counts, state and time into the fields. Not the geometry, which stays."""
    put = sb.fields.put
    counts = (("ndir", sb.ndir), ("nbfree", sb.nbfree), ("nifree", sb.nifree), ("nffree", sb.nffree))
    for name, value in counts:
        if sb.updated:
            put(name, value)
        if sb.version == 1:
            put("old_" + name, min(value, 0x7FFFFFFF))
    if sb.updated:
        put("time", now)
    if sb.version == 1:
        put("old_time", min(now, 0x7FFFFFFF))
    put("clean", sb.clean)
    put("fmod", 0)
    put("ronly", 0)

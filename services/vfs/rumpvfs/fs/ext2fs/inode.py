"""Inodes on the disk.

Format: "ext4 Data Structures and Algorithms", Index Nodes. The first 128 bytes are those of ext2; what lies behind is
there as far as i_extra_isize says, then extended attributes.
"""

from __future__ import annotations

import struct
from operator import attrgetter

from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

from .checksum import crc32c_integer
from .superblock import INCOMPAT_64BIT, INCOMPAT_LARGEDIR, RO_COMPAT_HUGE_FILE, Superblock

GOOD_OLD_SIZE = 128
BLOCK_AREA = 0x28
BLOCK_AREA_SIZE = 60

FLAG_APPEND = 0x20
FLAG_IMMUTABLE = 0x10
FLAG_NODUMP = 0x40
FLAG_ENCRYPT = 0x800
FLAG_INDEX = 0x1000
FLAG_HUGE_FILE = 0x40000
FLAG_EXTENTS = 0x80000
FLAG_EA_INODE = 0x200000
FLAG_INLINE_DATA = 0x10000000

# mode, uid, size, atime, ctime, mtime, dtime, gid, links, blocks, flags, version; block area; generation, file acl,
# size high; blocks high, file acl high, uid high, gid high, checksum low
_OLD = struct.Struct("<2H5I2H2II60s3I4x5H2x")
# extra isize, checksum high, ctime, mtime, atime extra, crtime, crtime extra
_EXTRA = struct.Struct("<2H5I")
_EXTRA_SIZE = 24
_CHECKSUM_LOW_MASK = ~(0xFFFF << 0x7C * 8)
_CHECKSUM_HIGH_MASK = ~(0xFFFF << 0x82 * 8)
_PREFIX = 8

# The flags of NetBSD that say the same.
_BSD_FLAGS = (
    (FLAG_APPEND, const.SF_APPEND),
    (FLAG_IMMUTABLE, const.SF_IMMUTABLE),
    (FLAG_NODUMP, const.UF_NODUMP),
)


class Inode:
    """One inode, parsed. ``raw`` is the whole of it, for what lies behind the fixed fields."""

    __slots__ = (
        "area",
        "atime_ns",
        "birthtime_ns",
        "blocks",
        "ctime_ns",
        "dtime",
        "extra_size",
        "file_acl",
        "flags",
        "generation",
        "gid",
        "links",
        "mode",
        "mtime_ns",
        "number",
        "raw",
        "size",
        "stat",
        "uid",
    )

    area: bytes
    flags: int
    generation: int
    links: int
    mode: int
    uid: int
    gid: int

    def __init__(self, sb: Superblock, number: int, raw: Buffer, *, verify: bool = True) -> None:
        """EIO for a wrong checksum or nonsense."""
        self.number = number
        self.stat: Stat | None = None
        self.raw = data = bytes(raw)
        (
            mode, uid, size, atime, ctime, mtime, self.dtime, gid, self.links, blocks, self.flags, _version, self.area,
            self.generation, acl, size_hi, blocks_hi, acl_hi, uid_hi, gid_hi, checksum,
        ) = _OLD.unpack_from(data)  # fmt: skip
        self.mode = mode
        self.uid = uid | uid_hi << 16
        self.gid = gid | gid_hi << 16
        self.file_acl = acl | acl_hi << 32 if sb.incompat & INCOMPAT_64BIT else acl
        self.size = _size(sb, self, size, size_hi)
        self.blocks = _blocks(sb, self.flags, blocks, blocks_hi)
        self.extra_size = 0
        atime_extra = ctime_extra = mtime_extra = birthtime = birthtime_extra = 0
        if len(data) > GOOD_OLD_SIZE:
            extra, checksum_hi, *times = _EXTRA.unpack_from(data, GOOD_OLD_SIZE)
            if extra > len(data) - GOOD_OLD_SIZE or extra & 3:
                raise _bad(number, f"extra size {extra}")
            self.extra_size = extra
            if extra >= 4:
                checksum |= checksum_hi << 16
            if extra < _EXTRA_SIZE:
                present = max(extra - 4, 0) // 4
                times = times[:present] + [0] * (5 - present)
            ctime_extra, mtime_extra, atime_extra, birthtime, birthtime_extra = times
        self.atime_ns = _time(atime, atime_extra)
        self.mtime_ns = _time(mtime, mtime_extra)
        self.ctime_ns = _time(ctime, ctime_extra)
        self.birthtime_ns = _time(birthtime, birthtime_extra) if birthtime or birthtime_extra else 0
        if verify and sb.metadata_csum:
            _verify(sb, self, checksum)

    def state(self) -> tuple[object, ...]:
        """Everything that may change, for `restore`."""
        return _state_of(self)

    def restore(self, state: tuple[object, ...]) -> None:
        for name, value in zip(_STATE, state, strict=True):
            setattr(self, name, value)
        self.stat = None

    @property
    def kind(self) -> int:
        return self.mode & const.S_IFMT

    @property
    def bsd_flags(self) -> int:
        flags = self.flags
        return sum(bsd for bit, bsd in _BSD_FLAGS if flags & bit) if flags & 0x70 else 0

    @property
    def rdev(self) -> int:
        """The device number as NetBSD packs it; Linux keeps a 16-bit one or, behind an empty word, a 32-bit one."""
        old, new = struct.unpack_from("<2I", self.area)
        if old:
            return const.makedev(old >> 8 & 0xFF, old & 0xFF)
        new = int(new)
        return const.makedev((new & 0xFFF00) >> 8, (new & 0xFF) | (new >> 12 & 0xFFF00))


_STATE = tuple(name for name in Inode.__slots__ if name not in ("number", "stat"))
_state_of = attrgetter(*_STATE)


def blank(sb: Superblock, number: int, extra_size: int) -> Inode:
    """A new inode, all zeros but for the size of its extra fields."""
    raw = bytearray(sb.inode_size)
    if sb.inode_size > GOOD_OLD_SIZE:
        raw[GOOD_OLD_SIZE : GOOD_OLD_SIZE + 2] = extra_size.to_bytes(2, "little")
    return Inode(sb, number, raw, verify=False)


def pack(sb: Superblock, inode: Inode) -> bytes:
    """The inode as it is on the disk, its checksum right. EFBIG for more blocks than can be told."""
    raw = bytearray(inode.raw)
    blocks, blocks_hi = _packed_blocks(sb, inode)
    large = inode.kind == const.S_IFREG or sb.incompat & INCOMPAT_LARGEDIR
    size_hi = inode.size >> 32 if large else int.from_bytes(raw[0x6C:0x70], "little")
    times = [_packed_time(t, wide=inode.extra_size >= _EXTRA_SIZE) for t in _times(inode)]
    (atime, atime_extra), (ctime, ctime_extra), (mtime, mtime_extra), (birth, birth_extra) = times
    _OLD.pack_into(
        raw, 0,
        inode.mode, inode.uid & 0xFFFF, inode.size & 0xFFFFFFFF, atime, ctime, mtime, inode.dtime, inode.gid & 0xFFFF,
        inode.links, blocks, inode.flags, int.from_bytes(raw[0x24:0x28], "little"), inode.area, inode.generation,
        inode.file_acl & 0xFFFFFFFF, size_hi, blocks_hi, inode.file_acl >> 32, inode.uid >> 16, inode.gid >> 16, 0,
    )  # fmt: skip
    if inode.extra_size:
        extra = _EXTRA.pack(inode.extra_size, 0, ctime_extra, mtime_extra, atime_extra, birth, birth_extra)
        present = min(inode.extra_size, _EXTRA_SIZE)
        raw[GOOD_OLD_SIZE : GOOD_OLD_SIZE + present] = extra[:present]
    if sb.metadata_csum:
        _seal(sb, inode, raw)
    return bytes(raw)


def _times(inode: Inode) -> tuple[int, int, int, int]:
    return inode.atime_ns, inode.ctime_ns, inode.mtime_ns, inode.birthtime_ns


def _packed_time(ns: int, *, wide: bool) -> tuple[int, int]:
    """Seconds and extra word; what cannot be told is the nearest that can."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    if not wide:
        return min(max(seconds, -(1 << 31)), (1 << 31) - 1) & 0xFFFFFFFF, 0
    seconds = min(max(seconds, -(1 << 31)), (1 << 31) - 1 + (3 << 32))
    low = seconds & 0xFFFFFFFF
    signed = low - (1 << 32) if low & 0x80000000 else low
    return low, (seconds - signed) >> 32 & 3 | fraction << 2


def _packed_blocks(sb: Superblock, inode: Inode) -> tuple[int, int]:
    """Sets or clears the flag that counts in blocks of the file system."""
    inode.flags &= ~FLAG_HUGE_FILE
    blocks = inode.blocks
    if not sb.ro_compat & RO_COMPAT_HUGE_FILE:
        if blocks >> 32:
            raise KernelError(Errno.EFBIG, f"inode {inode.number}: too many blocks", "ext2fs")
        return blocks, int.from_bytes(inode.raw[0x74:0x76], "little")
    if blocks >> 48:
        inode.flags |= FLAG_HUGE_FILE
        blocks //= sb.block_size >> 9
    return blocks & 0xFFFFFFFF, blocks >> 32


def _seal(sb: Superblock, inode: Inode, raw: bytearray) -> None:
    wide = inode.extra_size >= 4
    message = int.from_bytes(raw, "little")
    if not wide:
        message &= _CHECKSUM_LOW_MASK
    prefix = inode.number | inode.generation << 32
    found = crc32c_integer(sb.checksum_seed, prefix | message << _PREFIX * 8, len(raw) + _PREFIX)
    raw[0x7C:0x7E] = (found & 0xFFFF).to_bytes(2, "little")
    if wide:
        raw[0x82:0x84] = (found >> 16).to_bytes(2, "little")


def flags_of_bsd(flags: int) -> int:
    """The bits of i_flags for NetBSD's st_flags. EOPNOTSUPP for flags that do not exist here."""
    known = sum(bsd for _, bsd in _BSD_FLAGS)
    if flags & ~known:
        raise KernelError(Errno.EOPNOTSUPP, f"file flags {flags & ~known:#x} are not kept", "ext2fs")
    return sum(bit for bit, bsd in _BSD_FLAGS if flags & bsd)


def packed_rdev(rdev: int) -> bytes:
    """The block area of a device: a 16-bit number where that is enough, else the 32-bit one in the second word."""
    major, minor = const.major(rdev), const.minor(rdev)
    if major > 0xFFF or minor > 0xFFFFF:
        raise KernelError(Errno.EINVAL, f"device {major}, {minor} cannot be told", "ext2fs")
    if major < 256 and minor < 256:
        words = (major << 8 | minor, 0)
    else:
        words = (0, minor & 0xFF | major << 8 | (minor & ~0xFF) << 12)
    return struct.pack("<2I", *words).ljust(BLOCK_AREA_SIZE, b"\0")


def _bad(number: int, text: str) -> KernelError:
    return KernelError(Errno.EIO, f"inode {number}: {text}", "ext2fs")


def _size(sb: Superblock, inode: Inode, low: int, high: int) -> int:
    """Directories of old revisions keep an access list where the high half is."""
    if inode.mode & const.S_IFMT == const.S_IFREG or sb.incompat & INCOMPAT_LARGEDIR:
        low |= high << 32
    if low >> 63:
        raise _bad(inode.number, f"size {low}")
    return low


def _blocks(sb: Superblock, flags: int, low: int, high: int) -> int:
    """In units of 512 bytes."""
    if not sb.ro_compat & RO_COMPAT_HUGE_FILE:
        return low
    blocks = low | high << 32
    return blocks * (sb.block_size >> 9) if flags & FLAG_HUGE_FILE else blocks


def _time(seconds: int, extra: int) -> int:
    """Nanoseconds since 1970: signed seconds, two more bits of them and the fraction in the extra word."""
    if seconds & 0x80000000:
        seconds -= 1 << 32
    if extra:
        seconds += (extra & 3) << 32
        return seconds * 1_000_000_000 + (extra >> 2)
    return seconds * 1_000_000_000


def _verify(sb: Superblock, inode: Inode, stored: int) -> None:
    """The checksum covers number, generation and the inode with the checksum itself taken as zero."""
    prefix = inode.number | inode.generation << 32
    size = len(inode.raw)
    message = int.from_bytes(inode.raw, "little") & _CHECKSUM_LOW_MASK
    wide = inode.extra_size >= 4
    if wide:
        message &= _CHECKSUM_HIGH_MASK
    found = crc32c_integer(sb.checksum_seed, prefix | message << _PREFIX * 8, size + _PREFIX)
    if (found if wide else found & 0xFFFF) != stored:
        raise _bad(inode.number, "wrong checksum")


def owner_seed(sb: Superblock, inode: Inode) -> int:
    """Where the checksums of directory and extent blocks of this inode start."""
    return crc32c_integer(sb.checksum_seed, inode.number | inode.generation << 32, _PREFIX)

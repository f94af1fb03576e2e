"""The superblock: geometry and features of the file system, at byte 1024 of the device.

Format: "ext4 Data Structures and Algorithms", Super Block. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .checksum import crc32c

OFFSET = 1024
SIZE = 1024
MAGIC = 0xEF53
_CHECKSUM = 0x3FC

# Features that need no knowledge to read or write.
COMPAT_HAS_JOURNAL = 0x4
COMPAT_RESIZE_INODE = 0x10
COMPAT_DIR_INDEX = 0x20
COMPAT_EXT_ATTR = 0x8
COMPAT_SPARSE_SUPER2 = 0x200

# Features that need knowledge to read.
INCOMPAT_COMPRESSION = 0x1
INCOMPAT_FILETYPE = 0x2
INCOMPAT_RECOVER = 0x4
INCOMPAT_JOURNAL_DEV = 0x8
INCOMPAT_META_BG = 0x10
INCOMPAT_EXTENTS = 0x40
INCOMPAT_64BIT = 0x80
INCOMPAT_MMP = 0x100
INCOMPAT_FLEX_BG = 0x200
INCOMPAT_EA_INODE = 0x400
INCOMPAT_DIRDATA = 0x1000
INCOMPAT_CSUM_SEED = 0x2000
INCOMPAT_LARGEDIR = 0x4000
INCOMPAT_INLINE_DATA = 0x8000
INCOMPAT_ENCRYPT = 0x10000
INCOMPAT_CASEFOLD = 0x20000

# Features that need knowledge to write.
RO_COMPAT_SPARSE_SUPER = 0x1
RO_COMPAT_LARGE_FILE = 0x2
RO_COMPAT_HUGE_FILE = 0x8
RO_COMPAT_GDT_CSUM = 0x10
RO_COMPAT_DIR_NLINK = 0x20
RO_COMPAT_EXTRA_ISIZE = 0x40
RO_COMPAT_QUOTA = 0x100
RO_COMPAT_BIGALLOC = 0x200
RO_COMPAT_METADATA_CSUM = 0x400

_INCOMPAT_READABLE = (
    INCOMPAT_FILETYPE
    | INCOMPAT_RECOVER
    | INCOMPAT_META_BG
    | INCOMPAT_EXTENTS
    | INCOMPAT_64BIT
    | INCOMPAT_MMP
    | INCOMPAT_FLEX_BG
    | INCOMPAT_EA_INODE
    | INCOMPAT_CSUM_SEED
    | INCOMPAT_LARGEDIR
    | INCOMPAT_INLINE_DATA
    | INCOMPAT_ENCRYPT
)
# What keeps a mount from writing although it can be read: a heartbeat, and values of attributes in inodes of their own.
_INCOMPAT_READ_ONLY = {INCOMPAT_MMP: "mmp", INCOMPAT_EA_INODE: "ea_inode"}
_RO_COMPAT_WRITABLE = (
    RO_COMPAT_SPARSE_SUPER
    | RO_COMPAT_LARGE_FILE
    | RO_COMPAT_HUGE_FILE
    | RO_COMPAT_GDT_CSUM
    | RO_COMPAT_DIR_NLINK
    | RO_COMPAT_EXTRA_ISIZE
    | RO_COMPAT_QUOTA
    | RO_COMPAT_METADATA_CSUM
)
_RO_COMPAT_NAMES = {
    0x4: "btree_dir",
    0x80: "has_snapshot",
    RO_COMPAT_BIGALLOC: "bigalloc",
    0x1000: "read-only",
    0x2000: "project",
    0x8000: "verity",
    0x10000: "orphan_present (run fsck first)",
}
_INCOMPAT_NAMES = {
    INCOMPAT_COMPRESSION: "compression",
    INCOMPAT_JOURNAL_DEV: "journal_dev",
    INCOMPAT_DIRDATA: "dirdata",
    INCOMPAT_CASEFOLD: "casefold",
}

FLAG_UNSIGNED_HASH = 0x2
STATE_VALID = 0x1
STATE_ERRORS = 0x2
ROOT_INODE = 2
QUOTA_INODES = 0x240

# The largest block: what rec_len of directories can tell.
_MAX_LOG_BLOCK_SIZE = 6
_MAX_LOG_CLUSTER_SIZE = 20

# inodes, blocks, reserved, free blocks, free inodes, first block, log block size, log cluster size, per group: blocks,
# clusters, inodes; mount and write time, mount counts, magic, state, errors, minor, check times, creator, revision, ...
HEAD = struct.Struct("<13I6H4I2HIHH3I16s")
# s_journal_inum, journal_dev, last_orphan, hash seed, hash version, journal backup type, desc size, mount options,
# first meta group, mkfs time, journal backup, then the high halves of the block counts, extra isizes, flags.
TAIL = struct.Struct("<3I16sBBHIII68x3I2HI")


@dataclass(slots=True, frozen=True)
class Superblock:
    """What a superblock says, checked for sense. Sizes are bytes, positions are blocks."""

    inodes_count: int
    blocks_count: int
    reserved_blocks: int
    reserved_uid: int
    reserved_gid: int
    free_blocks: int
    free_inodes: int
    first_data_block: int
    block_size: int
    cluster_blocks: int
    blocks_per_group: int
    inodes_per_group: int
    state: int
    revision: int
    first_inode: int
    inode_size: int
    compat: int
    incompat: int
    ro_compat: int
    uuid: bytes
    journal_inode: int
    last_orphan: int
    hash_seed: tuple[int, int, int, int]
    hash_version: int
    unsigned_hash: bool
    descriptor_size: int
    first_meta_group: int
    reserved_gdt_blocks: int
    backup_groups: tuple[int, int]
    overhead_clusters: int
    checksum_seed: int
    quota_inodes: tuple[int, int]

    @property
    def groups(self) -> int:
        return -(-(self.blocks_count - self.first_data_block) // self.blocks_per_group)

    @property
    def metadata_csum(self) -> bool:
        return bool(self.ro_compat & RO_COMPAT_METADATA_CSUM)

    @property
    def inode_blocks_per_group(self) -> int:
        return -(-self.inodes_per_group * self.inode_size // self.block_size)

    def has_backup(self, group: int) -> bool:
        """Whether a copy of the superblock begins this group."""
        if group == 0:
            return True
        if self.compat & COMPAT_SPARSE_SUPER2:
            return group in self.backup_groups
        if group == 1 or not self.ro_compat & RO_COMPAT_SPARSE_SUPER:
            return True
        return any(_is_power(group, base) for base in (3, 5, 7))


def _is_power(number: int, base: int) -> bool:
    while number > 1 and number % base == 0:
        number //= base
    return number == 1


def has_magic(raw: Buffer) -> bool:
    """Whether this looks like a superblock at all."""
    return len(raw) >= SIZE and bytes(raw[0x38:0x3A]) == b"\x53\xef"


def parse(raw: Buffer, device_size: int) -> Superblock:
    """EINVAL for what is no superblock or makes no sense, EOPNOTSUPP for features, EIO for a wrong checksum."""
    if not has_magic(raw):
        raise KernelError(Errno.EINVAL, "not an ext2/3/4 file system: no magic number in the superblock", "ext2fs")
    superblock = _unpack(bytes(raw[:SIZE]))
    _check_geometry(superblock, device_size)
    return superblock


def _invalid(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, f"superblock: {text}", "ext2fs")


def _check_features(revision: int, incompat: int) -> None:
    if revision > 1:
        raise KernelError(Errno.EOPNOTSUPP, f"revision {revision} of the format is not known", "ext2fs")
    unknown = incompat & ~_INCOMPAT_READABLE
    if unknown:
        names = [_INCOMPAT_NAMES.get(1 << i, f"incompat bit {i}") for i in range(32) if unknown >> i & 1]
        raise KernelError(Errno.EOPNOTSUPP, f"features not supported: {', '.join(names)}", "ext2fs")


def check_writable(sb: Superblock) -> None:
    """EROFS for features that are known well enough for reading only."""
    missing = [name for bit, name in _INCOMPAT_READ_ONLY.items() if sb.incompat & bit]
    unknown = sb.ro_compat & ~_RO_COMPAT_WRITABLE
    missing += [_RO_COMPAT_NAMES.get(1 << i, f"ro_compat bit {i}") for i in range(32) if unknown >> i & 1]
    if sb.compat & COMPAT_HAS_JOURNAL and not sb.journal_inode:
        missing.append("external journal")
    if missing:
        text = f"cannot be written with these features: {', '.join(missing)}; mount read-only"
        raise KernelError(Errno.EROFS, text, "ext2fs")


def seal(sb: Superblock, raw: bytearray, at: int) -> None:
    """Puts the checksum of the superblock at ``at`` of a block right."""
    if sb.metadata_csum:
        seal_raw(raw, at)


def seal_raw(raw: bytearray, at: int = 0) -> None:
    """The same for one that is known to have a checksum."""
    found = crc32c(0xFFFFFFFF, raw[at : at + _CHECKSUM])
    raw[at + _CHECKSUM : at + SIZE] = found.to_bytes(4, "little")


def _check_checksum(raw: bytes) -> None:
    if raw[0x175] != 1:
        raise KernelError(Errno.EOPNOTSUPP, f"metadata checksums of type {raw[0x175]} are not known", "ext2fs")
    if crc32c(0xFFFFFFFF, raw[:_CHECKSUM]) != int.from_bytes(raw[_CHECKSUM:], "little"):
        raise KernelError(Errno.EIO, "superblock: wrong checksum", "ext2fs")


def _checksum_seed(raw: bytes, incompat: int, uuid: bytes) -> int:
    if incompat & INCOMPAT_CSUM_SEED:
        return int.from_bytes(raw[0x270:0x274], "little")
    return crc32c(0xFFFFFFFF, uuid)


def _quota_inodes(raw: bytes, ro_compat: int) -> tuple[int, int]:
    """Of users and of groups; 0 where there are no quotas."""
    users, groups = struct.unpack_from("<2I", raw, QUOTA_INODES)
    return (users, groups) if ro_compat & RO_COMPAT_QUOTA else (0, 0)


def _unpack(raw: bytes) -> Superblock:
    head = HEAD.unpack_from(raw)
    revision = head[22]
    first_inode, inode_size = (head[25], head[26]) if revision else (11, 128)
    compat, incompat, ro_compat, uuid = head[28:32] if revision else (0, 0, 0, bytes(16))
    _check_features(revision, incompat)
    if ro_compat & RO_COMPAT_METADATA_CSUM:
        _check_checksum(raw)
    tail = TAIL.unpack_from(raw, 0xE0)
    blocks_hi, reserved_hi, free_hi = tail[10:13] if incompat & INCOMPAT_64BIT else (0, 0, 0)
    if head[6] > _MAX_LOG_BLOCK_SIZE:
        raise _invalid(f"block size 2^{10 + head[6]}")
    bigalloc = ro_compat & RO_COMPAT_BIGALLOC
    log_cluster = head[7] if bigalloc else head[6]
    if not head[6] <= log_cluster <= _MAX_LOG_CLUSTER_SIZE:
        raise _invalid(f"cluster size 2^{10 + log_cluster}")
    return Superblock(
        inodes_count=head[0],
        blocks_count=head[1] | blocks_hi << 32,
        reserved_blocks=head[2] | reserved_hi << 32,
        reserved_uid=head[23],
        reserved_gid=head[24],
        free_blocks=head[3] | free_hi << 32,
        free_inodes=head[4],
        first_data_block=head[5],
        block_size=1024 << head[6],
        cluster_blocks=1 << (log_cluster - head[6]),
        blocks_per_group=head[8],
        inodes_per_group=head[10],
        state=head[16],
        revision=revision,
        first_inode=first_inode,
        inode_size=inode_size,
        compat=compat,
        incompat=incompat,
        ro_compat=ro_compat,
        uuid=uuid,
        journal_inode=tail[0],
        last_orphan=tail[2],
        hash_seed=struct.unpack("<4I", tail[3]),
        hash_version=raw[0xFC],
        unsigned_hash=bool(tail[15] & FLAG_UNSIGNED_HASH),
        descriptor_size=tail[6] if incompat & INCOMPAT_64BIT else 32,
        first_meta_group=tail[8],
        reserved_gdt_blocks=int.from_bytes(raw[0xCE:0xD0], "little"),
        backup_groups=struct.unpack_from("<2I", raw, 0x24C),
        overhead_clusters=int.from_bytes(raw[0x248:0x24C], "little"),
        checksum_seed=_checksum_seed(raw, incompat, uuid),
        quota_inodes=_quota_inodes(raw, ro_compat),
    )


def _check_geometry(sb: Superblock, device_size: int) -> None:
    size = sb.inode_size
    if size < 128 or size > sb.block_size or size & (size - 1):
        raise _invalid(f"inode size {size}")
    if sb.descriptor_size < 32 or sb.descriptor_size > 1024 or sb.descriptor_size & (sb.descriptor_size - 1):
        raise _invalid(f"group descriptor size {sb.descriptor_size}")
    if sb.incompat & INCOMPAT_64BIT and sb.descriptor_size < 64:
        raise _invalid(f"group descriptor size {sb.descriptor_size} with 64bit")
    if sb.blocks_per_group == 0 or sb.blocks_per_group > sb.block_size * 8 * sb.cluster_blocks:
        raise _invalid(f"{sb.blocks_per_group} blocks per group")
    if sb.inodes_per_group < sb.block_size // size or sb.inodes_per_group > sb.block_size * 8:
        raise _invalid(f"{sb.inodes_per_group} inodes per group")
    if sb.blocks_count * sb.block_size > device_size:
        raise _invalid(f"{sb.blocks_count} blocks of {sb.block_size} on a device of {device_size} bytes")
    if sb.first_data_block >= sb.blocks_count:
        raise _invalid(f"first data block {sb.first_data_block} of {sb.blocks_count}")
    if sb.groups * sb.inodes_per_group != sb.inodes_count:
        raise _invalid(f"{sb.inodes_count} inodes in {sb.groups} groups of {sb.inodes_per_group}")

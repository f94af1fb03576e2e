"""Making an ext2, ext3 or ext4 (mke2fs(8)).

Options: ``type`` (ext2, ext3 or ext4, which is the default), ``size`` (bytes of the disk that are used), ``bsize``
(bytes of a block, 1024 to 65536), ``isize`` (bytes of an inode), ``density`` (bytes of disk for each inode), ``inodes``
(how many, in place of that), ``minfree`` (percent of the blocks that are kept for the superuser), ``label``, ``uuid``,
``journal`` (its size in bytes, or none), ``quota`` (user, group or both: quotas of them are kept).

What mke2fs would lay out by hand is done by the driver itself: a skeleton is written that has nothing but its tables
and an empty root, it is opened for writing, and lost+found and the journal are made in it as files.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from uuid import UUID

from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest, NewNode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import bitmap, group, leaf, superblock
from .checksum import crc32c
from .dirent import Layout
from .driver import Ext2FileSystem
from .extenttree import empty_root
from .inode import FLAG_EXTENTS, GOOD_OLD_SIZE, Inode, blank, owner_seed, pack
from .quotas import create_quota
from .superblock import OFFSET, ROOT_INODE, SIZE, Superblock
from .volume import Volume

_COMPAT = superblock.COMPAT_EXT_ATTR | superblock.COMPAT_DIR_INDEX
_SPARSE = superblock.RO_COMPAT_SPARSE_SUPER | superblock.RO_COMPAT_LARGE_FILE
_EXT4_INCOMPAT = superblock.INCOMPAT_EXTENTS | superblock.INCOMPAT_64BIT
_EXT4_RO = (
    superblock.RO_COMPAT_HUGE_FILE
    | superblock.RO_COMPAT_DIR_NLINK
    | superblock.RO_COMPAT_EXTRA_ISIZE
    | superblock.RO_COMPAT_METADATA_CSUM
)
# type -> compat, incompat, ro_compat
_FEATURES = {
    "ext2": (_COMPAT, superblock.INCOMPAT_FILETYPE, _SPARSE),
    "ext3": (_COMPAT, superblock.INCOMPAT_FILETYPE, _SPARSE),
    "ext4": (_COMPAT, superblock.INCOMPAT_FILETYPE | _EXT4_INCOMPAT, _SPARSE | _EXT4_RO),
}
_SMALL = 512 << 20
"""Smaller disks get blocks of 1 KiB and more inodes."""
_BLOCK_SIZES = tuple(1024 << n for n in range(7))
_GROUP_MAX = 65528
"""Blocks of a group: a descriptor before ext4 has 16 bits for those that are free."""
_JOURNAL_INODE = 8
_FIRST_INODE = 11
_EXTRA_SIZE = 32
_LEAST_FREE = 50
"""A last group with fewer blocks behind its tables is left out."""
# blocks of the file system, up to which the journal has so many; as mke2fs
_JOURNALS = ((2048, 0), (32768, 1024), (262144, 4096), (524288, 8192), (4194304, 16384), (8388608, 32768))
_JOURNAL_MOST = 65536
_JOURNAL_LEAST = 1024
_JOURNAL_HEADER = struct.Struct(">12I")
_JOURNAL_MAGIC, _JOURNAL_KIND = 0xC03B3998, 4
_PIECE = 1 << 20
_ZEROS = memoryview(bytes(_PIECE))
_LABEL_MAX = 16
_HASH_HALF_MD4, _FLAG_SIGNED_HASH, _DEFAULT_OPTIONS = 1, 1, 0xC
_AT = struct.Struct("<3I")
_QUOTAS = {"": (False, False), "user": (True, False), "group": (False, True), "both": (True, True)}
_QUOTA_INODES = (3, 4)


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, text, "ext2fs")


def _full(text: str) -> KernelError:
    return KernelError(Errno.ENOSPC, text, "ext2fs")


@dataclass(slots=True)
class Plan:
    """What is made; positions and counts are blocks of ``block_size`` bytes."""

    type: str
    block_size: int
    blocks: int
    inode_size: int
    inodes_per_group: int
    reserved: int
    label: bytes
    uuid: bytes
    hash_seed: bytes
    journal: int
    now: int
    quota: tuple[bool, bool] = (False, False)

    @property
    def first(self) -> int:
        return 1 if self.block_size == 1024 else 0

    @property
    def per_group(self) -> int:
        return min(self.block_size * 8, _GROUP_MAX)

    @property
    def groups(self) -> int:
        return -(-(self.blocks - self.first) // self.per_group)

    @property
    def descriptor_size(self) -> int:
        return 64 if self.type == "ext4" else 32

    @property
    def table(self) -> int:
        """Blocks of the group descriptors."""
        return -(-self.groups * self.descriptor_size // self.block_size)

    @property
    def inode_blocks(self) -> int:
        return self.inodes_per_group * self.inode_size // self.block_size

    def size_of(self, number: int) -> int:
        return min(self.per_group, self.blocks - self.first - number * self.per_group)


def newfs(request: NewfsRequest, env: Environment) -> int:
    """EINVAL for options and sizes that make no file system, EROFS, EIO."""
    device = request.device
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "ext2fs")
    plan = _plan(device, dict(request.options), env)
    _wipe(device, 0, min(64 << 10, device.size))
    sb = _write_skeleton(device, plan)
    device.flush()
    _fill(device, env, plan)
    _finish(device, sb, plan)
    device.flush()
    return plan.blocks * plan.block_size


# -- what is to be made


def _plan(device: BlockDevice, options: dict[str, str], env: Environment) -> Plan:
    kind = options.pop("type", "ext4")
    if kind not in _FEATURES:
        raise _bad(f"type={kind}: there are {', '.join(_FEATURES)}")
    size = _number(options, "size", device.size)
    if not 0 < size <= device.size:
        raise _bad(f"size={size}: the disk has {device.size} bytes")
    small = size < _SMALL
    block_size = _number(options, "bsize", 1024 if small else 4096)
    if block_size not in _BLOCK_SIZES:
        raise _bad(f"bsize={block_size}: {', '.join(map(str, _BLOCK_SIZES))} are possible")
    inode_size = _number(options, "isize", 256)
    if inode_size not in (128, 256, 512, 1024) or (inode_size == 128 and kind == "ext4"):
        raise _bad(f"isize={inode_size}: 256, 512 and 1024 are possible, and 128 before ext4")
    plan = Plan(
        type=kind,
        block_size=block_size,
        blocks=min(size // block_size, (1 << 32) - 1),
        inode_size=inode_size,
        inodes_per_group=0,
        reserved=0,
        label=_label(options.pop("label", "")),
        uuid=_uuid(options.pop("uuid", ""), env),
        hash_seed=env.entropy(16),
        journal=0,
        now=env.now_ns() // 1_000_000_000 & 0xFFFFFFFF,
    )
    minfree = _number(options, "minfree", 5)
    if not 0 <= minfree <= 50:
        raise _bad(f"minfree={minfree}: 0 to 50 percent are possible")
    _count_inodes(plan, options, 4096 if small else 16384)
    plan.reserved = plan.blocks * minfree // 100
    plan.journal = _journal(plan, options.pop("journal", ""))
    plan.quota = _quota(plan, options.pop("quota", ""))
    if options:
        raise _bad(f"no options of ext2fs: {', '.join(sorted(options))}")
    return plan


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.pop(name, "")
    if not text:
        return default
    match = re.fullmatch(r"([0-9]{1,15})([kmg]?)", text.lower())
    if match is None:
        raise _bad(f"{name}={text}: not a number")
    return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2]]


def _label(text: str) -> bytes:
    label = text.encode("utf-8", "surrogateescape")
    if len(label) > _LABEL_MAX:
        raise _bad(f"label {text!r}: {_LABEL_MAX} bytes are possible")
    return label


def _uuid(text: str, env: Environment) -> bytes:
    if not text:
        return UUID(bytes=env.entropy(16), version=4).bytes
    try:
        return UUID(text).bytes
    except ValueError:
        raise _bad(f"uuid={text}: not a UUID") from None


def _count_inodes(plan: Plan, options: dict[str, str], density: int) -> None:
    """Inodes of each group; a last group that is too small for its tables is left out."""
    density = _number(options, "density", density)
    if density < 1024:
        raise _bad(f"density={density}: at least 1024 bytes for each inode")
    wanted = _number(options, "inodes", plan.blocks * plan.block_size // density)
    in_block = plan.block_size // plan.inode_size
    for _ in range(2):
        if plan.groups < 1 or plan.blocks <= plan.first:
            raise _full(f"{plan.blocks} blocks of {plan.block_size} bytes are too few")
        each = -(-max(wanted, 16) // plan.groups)
        step = max(in_block, 8)
        plan.inodes_per_group = min(-(-each // step) * step, plan.per_group)
        last = plan.size_of(plan.groups - 1)
        if last >= 1 + plan.table + 2 + plan.inode_blocks + _LEAST_FREE:
            break
        plan.blocks -= last
    else:
        raise _full(f"{plan.blocks} blocks of {plan.block_size} bytes are too few for {wanted} inodes")
    if plan.inodes_per_group * plan.groups < _FIRST_INODE + 1:
        raise _bad("too few inodes")


def _journal(plan: Plan, text: str) -> int:
    """Blocks of the journal."""
    if text.lower() in ("none", "0") or (plan.type == "ext2" and not text):
        return 0
    if not text:
        return next((journal for blocks, journal in _JOURNALS if plan.blocks < blocks), _JOURNAL_MOST)
    blocks = _number({"journal": text}, "journal", 0) // plan.block_size
    if not _JOURNAL_LEAST <= blocks <= plan.blocks // 2:
        raise _bad(f"journal={text}: {_JOURNAL_LEAST} blocks to half of the disk are possible")
    return blocks


def _quota(plan: Plan, text: str) -> tuple[bool, bool]:
    """Of users and of groups."""
    if text not in _QUOTAS:
        raise _bad(f"quota={text}: user, group, and both are possible")
    if text and plan.type != "ext4":
        raise _bad(f"quota={text}: only ext4 has quotas")
    return _QUOTAS[text]


# -- the skeleton


def _wipe(device: BlockDevice, offset: int, length: int) -> None:
    """Zeros, where there are none already: images stay sparse."""
    while length:
        part = min(length, _PIECE)
        if device.view(offset, part) != _ZEROS[:part]:
            device.write(offset, _ZEROS[:part])
        offset, length = offset + part, length - part


def _superblock(plan: Plan) -> bytearray:
    """Without the counts of what is free, which are in the groups."""
    compat, incompat, ro_compat = _FEATURES[plan.type]
    log = plan.block_size.bit_length() - 11
    raw = bytearray(SIZE)
    superblock.HEAD.pack_into(
        raw, 0,
        plan.inodes_per_group * plan.groups, plan.blocks & 0xFFFFFFFF, plan.reserved & 0xFFFFFFFF, 0, 0, plan.first,
        log, log, plan.per_group, plan.per_group, plan.inodes_per_group, 0, plan.now,
        0, 0xFFFF, superblock.MAGIC, superblock.STATE_VALID, 1, 0, plan.now, 0, 0, 1, 0, 0, _FIRST_INODE,
        plan.inode_size, 0, compat, incompat, ro_compat, plan.uuid,
    )  # fmt: skip
    raw[0x78 : 0x78 + _LABEL_MAX] = plan.label.ljust(_LABEL_MAX, b"\0")
    extra = min(_EXTRA_SIZE, plan.inode_size - GOOD_OLD_SIZE)
    superblock.TAIL.pack_into(
        raw, 0xE0,
        0, 0, 0, plan.hash_seed, _HASH_HALF_MD4, 0, plan.descriptor_size if plan.type == "ext4" else 0,
        _DEFAULT_OPTIONS, 0, plan.now, 0, 0, 0, extra, extra, _FLAG_SIGNED_HASH,
    )  # fmt: skip
    raw[0x175] = 1 if plan.type == "ext4" else 0
    return raw


def _write_skeleton(device: BlockDevice, plan: Plan) -> Superblock:
    raw = _superblock(plan)
    if plan.type == "ext4":
        superblock.seal_raw(raw)
    sb = superblock.parse(raw, device.size)
    descriptors = bytearray(plan.table * plan.block_size)
    for number in range(plan.groups):
        _write_group(device, plan, sb, number, descriptors)
    _write_root(device, plan, sb)
    free = [group.counts(sb, descriptors[at : at + sb.descriptor_size]) for at in _slots(plan)]
    blocks = sum(counts.free_blocks for counts in free)
    struct.pack_into("<2I", raw, 0xC, blocks & 0xFFFFFFFF, sum(counts.free_inodes for counts in free))
    _write_superblocks(device, plan, sb, raw, descriptors)
    return sb


def _slots(plan: Plan) -> range:
    return range(0, plan.groups * plan.descriptor_size, plan.descriptor_size)


def _write_group(device: BlockDevice, plan: Plan, sb: Superblock, number: int, descriptors: bytearray) -> None:
    """The maps of a group and its descriptor; the table of inodes is zeroed unless it is known to be unused."""
    start = plan.first + number * plan.per_group
    blocks_at = start + (1 + plan.table if sb.has_backup(number) else 0)
    table_at = blocks_at + 2
    taken = table_at + plan.inode_blocks - start + (1 if number == 0 else 0)
    used = _FIRST_INODE - 1 if number == 0 else 0
    busy, inodes = _map(plan, taken, plan.size_of(number)), _map(plan, used, plan.inodes_per_group)
    device.write(blocks_at * plan.block_size, b"".join((busy, inodes)))
    lazily = sb.metadata_csum
    _wipe(device, table_at * plan.block_size, (1 if lazily else plan.inode_blocks) * plan.block_size)
    at = number * plan.descriptor_size
    _AT.pack_into(descriptors, at, blocks_at, blocks_at + 1, table_at)
    counts = group.Counts(
        free_blocks=plan.size_of(number) - taken,
        free_inodes=plan.inodes_per_group - used,
        directories=1 if number == 0 else 0,
        flags=0,
        block_checksum=crc32c(sb.checksum_seed, busy[: plan.per_group // 8]) if lazily else 0,
        inode_checksum=crc32c(sb.checksum_seed, inodes[: plan.inodes_per_group // 8]) if lazily else 0,
        unused=plan.inodes_per_group - used if lazily else 0,
    )
    group.store(sb, number, descriptors, at, counts)


def _map(plan: Plan, used: int, size: int) -> bytearray:
    """A bitmap whose first bits are in use, and those behind ``size``, which stand for nothing."""
    bits = bytearray(plan.block_size)
    for start, end in ((0, used), (size, plan.block_size * 8)):
        if start < end:
            bitmap.fill(bits, start, end - start, value=True)
    return bits


def _write_root(device: BlockDevice, plan: Plan, sb: Superblock) -> None:
    """The inodes in use and the block of the root, which comes behind the tables of the first group."""
    table = (plan.first + 1 + plan.table + 2) * plan.block_size
    block = table // plan.block_size + plan.inode_blocks
    for number in range(1, _FIRST_INODE):
        inode = blank(sb, number, 0)
        if number == ROOT_INODE:
            inode = _root(plan, sb, block)
            _write_names(device, plan, sb, inode, block)
        elif number == _JOURNAL_INODE and plan.journal:
            inode = _file(plan, sb, number, const.S_IFREG | 0o600, 1)
        device.write(table + (number - 1) * plan.inode_size, pack(sb, inode))


def _file(plan: Plan, sb: Superblock, number: int, mode: int, links: int) -> Inode:
    inode = blank(sb, number, min(_EXTRA_SIZE, plan.inode_size - GOOD_OLD_SIZE))
    inode.mode, inode.links = mode, links
    inode.atime_ns = inode.mtime_ns = inode.ctime_ns = plan.now * 1_000_000_000
    if plan.type == "ext4":
        inode.flags, inode.area = FLAG_EXTENTS, empty_root()
    return inode


def _root(plan: Plan, sb: Superblock, block: int) -> Inode:
    inode = _file(plan, sb, ROOT_INODE, const.S_IFDIR | 0o755, 2)
    inode.size = plan.block_size
    inode.blocks = plan.block_size >> 9
    area = bytearray(inode.area)
    if plan.type == "ext4":
        struct.pack_into("<H", area, 2, 1)
        struct.pack_into("<I2HI", area, 12, 0, 1, 0, block)
    else:
        struct.pack_into("<I", area, 0, block)
    inode.area = bytes(area)
    return inode


def _write_names(device: BlockDevice, plan: Plan, sb: Superblock, root: Inode, block: int) -> None:
    raw = bytearray(plan.block_size)
    leaf.format_block(raw, checksum=sb.metadata_csum)
    shape = Layout(plan.block_size, sb.inodes_count, file_types=True)
    names = leaf.Leaf(shape, raw, 0, plan.block_size - (12 if sb.metadata_csum else 0))
    for name in (b".", b".."):
        names.add(raw, names.room(leaf.needed(name)), name, ROOT_INODE, VType.DIR)
    if sb.metadata_csum:
        leaf.seal(owner_seed(sb, root), raw)
    device.write(block * plan.block_size, raw)


def _write_superblocks(
    device: BlockDevice, plan: Plan, sb: Superblock, raw: bytearray, descriptors: bytes | bytearray
) -> None:
    """The superblock and the descriptors, and their copies, which say in which group they are."""
    for number in range(plan.groups):
        if sb.has_backup(number):
            struct.pack_into("<H", raw, 0x5A, number)
            superblock.seal(sb, raw, 0)
            start = (plan.first + number * plan.per_group) * plan.block_size
            device.write(OFFSET if number == 0 else start, raw)
            device.write(start + plan.block_size, descriptors)
    struct.pack_into("<H", raw, 0x5A, 0)
    superblock.seal(sb, raw, 0)


# -- what is made by the driver itself


def _fill(device: BlockDevice, env: Environment, plan: Plan) -> None:
    fs = Ext2FileSystem(Volume(device, env), env)
    fs.begin_writing()
    found = fs.root().create(b"lost+found", NewNode(VType.DIR, 0o700, 0, 0))
    if plan.journal:
        _make_journal(device, fs, plan)
    assert fs.writer is not None
    files = [node.inode for node in (fs.node(ROOT_INODE), fs.node(found.fileno))]
    for kind, wanted in enumerate(plan.quota):
        if wanted:
            create_quota(fs.writer, kind, _QUOTA_INODES[kind], files)
    fs.unmount(force=False)


def _make_journal(device: BlockDevice, fs: Ext2FileSystem, plan: Plan) -> None:
    """A file of blocks that are there, the first of which begins an empty log."""
    writer = fs.writer
    assert writer is not None
    inode = fs.volume.inode(_JOURNAL_INODE)
    blocks, places = writer.blocks(inode), writer.file_map(inode)

    def work() -> None:
        at, goal = 0, 0
        while at < plan.journal:
            place, count = blocks.allocate(goal, plan.journal - at)
            places.insert(at, count, place)
            _wipe(device, place * plan.block_size, count * plan.block_size)
            if at == 0:
                device.write(place * plan.block_size, _journal_superblock(plan))
            at, goal = at + count, place + count
        writer.resize(inode, plan.journal * plan.block_size)

    writer.run(work)


def _journal_superblock(plan: Plan) -> bytes:
    """Version 2 of jbd2, without features: who mounts it adds those that it wants."""
    raw = bytearray(1024)
    _JOURNAL_HEADER.pack_into(
        raw, 0, _JOURNAL_MAGIC, _JOURNAL_KIND, 0, plan.block_size, plan.journal, 1, 1, 0, 0, 0, 0, 0
    )
    raw[0x30:0x40] = plan.uuid
    raw[0x40:0x44] = (1).to_bytes(4, "big")
    return bytes(raw)


def _finish(device: BlockDevice, sb: Superblock, plan: Plan) -> None:
    """Says where the journal is, that nothing was mounted yet, and makes the copies the same."""
    raw = bytearray(device.view(OFFSET, SIZE))
    struct.pack_into("<I", raw, 0x2C, 0)
    struct.pack_into("<H", raw, 0x34, 0)
    if plan.journal:
        _name_journal(device, sb, raw)
    if any(plan.quota):
        numbers = [number if wanted else 0 for number, wanted in zip(_QUOTA_INODES, plan.quota, strict=True)]
        struct.pack_into("<2I", raw, superblock.QUOTA_INODES, *numbers)
        struct.pack_into("<I", raw, 0x64, struct.unpack_from("<I", raw, 0x64)[0] | superblock.RO_COMPAT_QUOTA)
    start = (plan.first + 1) * plan.block_size
    descriptors = bytes(device.view(start, plan.table * plan.block_size))
    _write_superblocks(device, plan, sb, raw, descriptors)


def _name_journal(device: BlockDevice, sb: Superblock, raw: bytearray) -> None:
    """The number of its inode, and a copy of its map for the case that the inode is lost."""
    block, at = _place_of_journal(device, sb)
    inode = Inode(sb, _JOURNAL_INODE, device.view(block * sb.block_size + at, sb.inode_size))
    compat = sb.compat | superblock.COMPAT_HAS_JOURNAL
    struct.pack_into("<I", raw, 0x5C, compat)
    struct.pack_into("<I", raw, 0xE0, _JOURNAL_INODE)
    raw[0xFD] = 1
    raw[0x10C : 0x10C + 60] = inode.area
    struct.pack_into("<2I", raw, 0x10C + 60, inode.size >> 32, inode.size & 0xFFFFFFFF)


def _place_of_journal(device: BlockDevice, sb: Superblock) -> tuple[int, int]:
    block, at = group.locate(sb, 0)
    start = block * sb.block_size + at
    table = group.parse(sb, 0, device.view(start, sb.descriptor_size)).inode_table
    slot, index = divmod(_JOURNAL_INODE - 1, sb.block_size // sb.inode_size)
    return table + slot, index * sb.inode_size

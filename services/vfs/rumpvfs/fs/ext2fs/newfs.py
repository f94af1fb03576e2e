"""Making a new ext4 (mke2fs(8)): extents, checksums of all metadata, 64-bit block numbers and, if it fits, a journal.

Every group begins with what it has of its own: copies of the superblock and the descriptors (groups 0, 1 and powers of
3, 5 and 7), two bitmaps, the inode table. What has no contents yet is marked as such in the descriptors, so little is
written. When the empty file system with its root directory is there it is opened for writing, and the rest is made as
any file is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest, NewNode, VType
from rumpwire.errno import Errno, KernelError

from . import bitmap, group, superblock
from .checksum import crc32c
from .entries import Entries
from .extents import EXTENT, HEADER, MAGIC, MAX_WRITTEN
from .extenttree import empty_root
from .group import FLAG_BLOCK_UNINIT, FLAG_INODE_UNINIT, FLAG_INODE_ZEROED, Counts
from .hashes import HALF_MD4
from .inode import FLAG_EXTENTS, GOOD_OLD_SIZE, Inode, blank, pack
from .journal import MAGIC as JOURNAL_MAGIC
from .superblock import ROOT_INODE, Superblock
from .volume import Volume
from .writer import open_writer

_JOURNAL_INODE = 8
_FIRST_INODE = 11
_DESCRIPTOR = 64
_EXTRA = 32
_COMPAT = superblock.COMPAT_EXT_ATTR | superblock.COMPAT_DIR_INDEX
_INCOMPAT = superblock.INCOMPAT_FILETYPE | superblock.INCOMPAT_EXTENTS | superblock.INCOMPAT_64BIT
_RO_COMPAT = (
    superblock.RO_COMPAT_SPARSE_SUPER
    | superblock.RO_COMPAT_LARGE_FILE
    | superblock.RO_COMPAT_HUGE_FILE
    | superblock.RO_COMPAT_DIR_NLINK
    | superblock.RO_COMPAT_EXTRA_ISIZE
    | superblock.RO_COMPAT_METADATA_CSUM
)
_HEAD = struct.Struct("<13I6H4I2HIHH3I16s16s64s")
_ZEROS = bytes(1 << 20)
# Journals smaller than this are refused by those who read them.
_JOURNAL_BLOCKS_MIN = 1024
# A descriptor has 16 bits for what is free, some programs do not look at the other 16.
_GROUP_MAX = 65528
_RESERVED_PERCENT = 5
_LOST_AND_FOUND = 16 << 10


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, f"newfs for ext2fs: {text}", "ext2fs")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the options say, in blocks where nothing else is said."""

    block_size: int
    blocks: int
    inode_size: int
    inodes_per_group: int
    journal: int
    label: bytes
    uuid: bytes
    hash_seed: bytes
    now: int
    reserved: int

    @property
    def first_block(self) -> int:
        return 1 if self.block_size == 1024 else 0

    @property
    def per_group(self) -> int:
        return min(self.block_size * 8, _GROUP_MAX)

    @property
    def groups(self) -> int:
        return -(-(self.blocks - self.first_block) // self.per_group)

    @property
    def descriptor_blocks(self) -> int:
        return -(-self.groups * _DESCRIPTOR // self.block_size)

    @property
    def table_blocks(self) -> int:
        return -(-self.inodes_per_group * self.inode_size // self.block_size)


def _number(options: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = options.pop(name, None)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 20 or not low <= int(text) <= high:
        raise _bad(f"{name}={text} is not between {low} and {high}")
    return int(text)


def _power(options: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    found = _number(options, name, default, low, high)
    if found & (found - 1):
        raise _bad(f"{name}={found} is no power of two")
    return found


def _uuid(text: str | None, env: Environment) -> bytes:
    if text is None:
        raw = bytearray(env.entropy(16))
        raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
        return bytes(raw)
    digits = text.replace("-", "")
    try:
        raw_given = bytes.fromhex(digits)
    except ValueError:
        raw_given = b""
    if len(raw_given) != 16:
        raise _bad(f"uuid={text} is none")
    return raw_given


def plan(device: BlockDevice, given: dict[str, str], env: Environment) -> Plan:
    """EINVAL for bad options, ENOSPC for a device that is too small."""
    options = dict(given)
    size = _number(options, "size", device.size, 1, device.size)
    block_size = _power(options, "bsize", 4096 if size >= 64 << 20 else 1024, 1024, 65536)
    inode_size = _power(options, "inode", 256, 256, min(block_size, 4096))
    blocks = size // block_size
    density = _number(options, "density", 16384 if size >= 512 << 20 else 8192, 1024, 64 << 20)
    label = options.pop("label", "").encode()
    if len(label) > 16:
        raise _bad("a label has at most 16 bytes")
    first = 1 if block_size == 1024 else 0
    per_group_max = min(block_size * 8, _GROUP_MAX)
    groups = -(-(blocks - first) // per_group_max)
    if groups < 1:
        raise KernelError(Errno.ENOSPC, f"{size} bytes are too few for a file system", "ext2fs")
    inodes = _number(options, "inodes", max(size // density, 16), 16, min(groups * per_group_max, 0xFFFFFFFF))
    unit = max(block_size // inode_size, 8)
    per_group = min(-(-inodes // groups // unit) * unit, per_group_max // unit * unit)
    journal = _number(options, "journal", -1, 0, 1024)
    minfree = _number(options, "minfree", _RESERVED_PERCENT, 0, 50)
    uuid = _uuid(options.pop("uuid", None), env)
    if options:
        raise _bad(f"{', '.join(sorted(options))}: no such option")
    made = Plan(
        block_size,
        blocks,
        inode_size,
        max(per_group, 16),
        _journal_blocks(journal, size, block_size),
        label,
        uuid,
        env.entropy(16),
        env.now_ns() // 1_000_000_000 & 0xFFFFFFFF,
        blocks * minfree // 100,
    )
    return _fitted(made)


def _journal_blocks(wanted: int, size: int, block_size: int) -> int:
    """As mke2fs: by the size of the file system; ``wanted`` MiB if that is not negative."""
    if wanted == 0:
        return 0
    if wanted > 0:
        blocks = (wanted << 20) // block_size
        if blocks < _JOURNAL_BLOCKS_MIN:
            raise _bad(f"a journal has at least {_JOURNAL_BLOCKS_MIN} blocks")
        return blocks
    for least, blocks in ((1 << 30, 16384), (512 << 20, 8192), (64 << 20, 4096), (8 << 20, 1024)):
        if size >= least:
            return min(blocks, size // block_size // 8) if size // block_size >= 8 * _JOURNAL_BLOCKS_MIN else 0
    return 0


def _own_blocks(p: Plan, number: int, sb_like: Superblock) -> int:
    """Blocks at the beginning of a group that are its own."""
    backup = 1 + p.descriptor_blocks if sb_like.has_backup(number) else 0
    return backup + 2 + p.table_blocks


def _fitted(p: Plan) -> Plan:
    """Leaves off a last group that is too small for what is its own. ENOSPC when nothing is left."""
    while True:
        sb = superblock.parse(_superblock(p, p.blocks, 0, 0), p.blocks * p.block_size)
        last = p.groups - 1
        size = p.blocks - p.first_block - last * p.per_group
        needs = _own_blocks(p, last, sb)
        if needs > p.per_group - 8:
            raise KernelError(Errno.ENOSPC, "the tables of a group do not fit into it: fewer inodes", "ext2fs")
        if size >= needs + 8 + (0 if last else p.journal + 16):
            return p
        if last == 0:
            raise KernelError(Errno.ENOSPC, f"{p.blocks} blocks are too few for a file system", "ext2fs")
        blocks = p.first_block + last * p.per_group
        p = replace(p, blocks=blocks)


def _superblock(p: Plan, free_blocks: int, free_inodes: int, number: int, journal: Inode | None = None) -> bytes:
    """The superblock as the copy in a group has it, with a copy of where the journal is."""
    log = p.block_size.bit_length() - 11
    compat = _COMPAT | (superblock.COMPAT_HAS_JOURNAL if p.journal else 0)
    inodes = p.groups * p.inodes_per_group
    raw = bytearray(superblock.SIZE)
    _HEAD.pack_into(
        raw, 0,
        inodes, p.blocks & 0xFFFFFFFF, p.reserved & 0xFFFFFFFF, free_blocks & 0xFFFFFFFF, free_inodes, p.first_block,
        log, log, p.per_group, p.per_group, p.inodes_per_group, 0, p.now,
        0, 0xFFFF, superblock.MAGIC, superblock.STATE_VALID, 1, 0,
        p.now, 0, 0, 1, 0, 0, _FIRST_INODE, p.inode_size, number & 0xFFFF, compat, _INCOMPAT, _RO_COMPAT, p.uuid,
        p.label, b"",
    )  # fmt: skip
    struct.pack_into("<I", raw, 0xE0, _JOURNAL_INODE if p.journal else 0)
    raw[0xEC:0xFC] = p.hash_seed
    raw[0xFC] = HALF_MD4
    struct.pack_into("<H2I", raw, 0xFE, _DESCRIPTOR, 0xC, 0)
    struct.pack_into("<I", raw, 0x108, p.now)
    if journal is not None:
        raw[0xFD] = 1
        raw[0x10C:0x150] = journal.area + struct.pack("<2I", journal.size >> 32, journal.size & 0xFFFFFFFF)
    struct.pack_into("<3I2HI", raw, 0x150, p.blocks >> 32, p.reserved >> 32, free_blocks >> 32, _EXTRA, _EXTRA, 1)
    raw[0x175] = 1
    raw[0x3FC:] = crc32c(0xFFFFFFFF, raw[:0x3FC]).to_bytes(4, "little")
    return bytes(raw)


class _Maker:
    """Writes the file system of a plan."""

    def __init__(self, p: Plan, device: BlockDevice) -> None:
        self._p = p
        self._device = device
        self._sb = superblock.parse(_superblock(p, p.blocks, 0, 0), device.size)
        self._own = [_own_blocks(p, number, self._sb) for number in range(p.groups)]
        # What the journal takes, at the first free places.
        self._taken = [0] * p.groups
        self._journal = self._take(p.journal)

    def _first(self, number: int) -> int:
        return self._p.first_block + number * self._p.per_group

    def _size(self, number: int) -> int:
        return min(self._p.per_group, self._p.blocks - self._first(number))

    def _take(self, count: int) -> list[tuple[int, int]]:
        """Runs of blocks behind what is taken already. ENOSPC."""
        runs = []
        for number in range(self._p.groups):
            used = self._own[number] + self._taken[number]
            part = min(count, self._size(number) - used)
            if part > 0:
                runs.append((self._first(number) + used, part))
                self._taken[number] += part
                count -= part
        if count:
            raise KernelError(Errno.ENOSPC, "no room for the journal", "ext2fs")
        return runs

    def _write(self, block: int, data: bytes | bytearray) -> None:
        self._device.write(block * self._p.block_size, data)

    def _zero(self, block: int, count: int) -> None:
        at, left = block * self._p.block_size, count * self._p.block_size
        while left:
            part = min(left, len(_ZEROS))
            self._device.write(at, memoryview(_ZEROS)[:part])
            at += part
            left -= part

    def write(self) -> None:
        """Everything; the first superblock last, so that nothing is mounted that is not whole."""
        self._zero(0, self._p.first_block + 1)
        descriptors = bytearray(self._p.descriptor_blocks * self._p.block_size)
        for number in range(self._p.groups):
            self._group(number, descriptors)
        journal = self._inodes()
        self._write_journal()
        free_blocks = sum(self._size(n) - self._own[n] - self._taken[n] for n in range(self._p.groups))
        free_inodes = self._p.groups * self._p.inodes_per_group - _FIRST_INODE + 1
        for number in reversed(range(self._p.groups)):
            if self._sb.has_backup(number):
                self._copy(number, descriptors, _superblock(self._p, free_blocks, free_inodes, number, journal))

    def _copy(self, number: int, descriptors: bytearray, raw: bytes) -> None:
        self._write(self._first(number) + 1, descriptors)
        if number == 0:
            self._device.flush()
            self._device.write(superblock.OFFSET, raw)
            self._device.flush()
        else:
            self._write(self._first(number), raw.ljust(self._p.block_size, b"\0"))

    def _group(self, number: int, descriptors: bytearray) -> None:
        """One group: its maps as far as it has something, its inode table if it is the first, its descriptor."""
        p = self._p
        tables = self._first(number) + self._own[number] - p.table_blocks
        used = self._own[number] + self._taken[number]
        flags, block_sum, inode_sum = FLAG_INODE_UNINIT | FLAG_BLOCK_UNINIT, 0, 0
        if self._taken[number] or number in (0, p.groups - 1):
            flags &= ~FLAG_BLOCK_UNINIT
            block_sum = self._map(tables - 2, used, self._size(number), p.per_group)
        inodes = _FIRST_INODE - 1 if number == 0 else 0
        if number == 0:
            flags = FLAG_INODE_ZEROED
            inode_sum = self._map(tables - 1, inodes, p.inodes_per_group, p.inodes_per_group)
            self._zero(tables, p.table_blocks)
        at = number * _DESCRIPTOR
        low = [(block & 0xFFFFFFFF, block >> 32) for block in (tables - 2, tables - 1, tables)]
        struct.pack_into("<3I", descriptors, at, *(word for word, _ in low))
        struct.pack_into("<3I", descriptors, at + 32, *(word for _, word in low))
        free = p.inodes_per_group - inodes
        now = Counts(self._size(number) - used, free, int(number == 0), flags, block_sum, inode_sum, free)
        group.store(self._sb, number, descriptors, at, now)

    def _map(self, block: int, used: int, size: int, covered: int) -> int:
        """A bitmap with the first bits set, and those behind its end; its checksum."""
        bits = bytearray(self._p.block_size)
        if used:
            bitmap.fill(bits, 0, used, value=True)
        if size < len(bits) * 8:
            bitmap.fill(bits, size, len(bits) * 8 - size, value=True)
        self._write(block, bits)
        return crc32c(self._sb.checksum_seed, bits[: covered // 8])

    def _inode(self, number: int, mode: int, links: int, size: int, runs: list[tuple[int, int]]) -> Inode:
        inode = blank(self._sb, number, min(_EXTRA, self._p.inode_size - GOOD_OLD_SIZE))
        inode.mode, inode.links, inode.size = mode, links, size
        inode.flags = FLAG_EXTENTS
        inode.atime_ns = inode.mtime_ns = inode.ctime_ns = inode.birthtime_ns = self._p.now * 1_000_000_000
        inode.blocks = sum(count for _, count in runs) * (self._p.block_size >> 9)
        inode.area = _extents(runs)
        return inode

    def _inodes(self) -> Inode | None:
        """The first inodes; that of the journal is given."""
        p = self._p
        table = (self._first(0) + self._own[0] - p.table_blocks) * p.block_size
        root = self._inode(ROOT_INODE, VType.DIR | 0o755, 2, 0, [])
        found = [root]
        if p.journal:
            found.append(self._inode(_JOURNAL_INODE, VType.REG | 0o600, 1, p.journal * p.block_size, self._journal))
        # Inodes without contents are in use as well, and have to be sound.
        for number in range(1, _FIRST_INODE):
            inode = next((i for i in found if i.number == number), None) or blank(self._sb, number, 0)
            self._device.write(table + (number - 1) * p.inode_size, pack(self._sb, inode))
        return found[1] if p.journal else None

    def _write_journal(self) -> None:
        p = self._p
        if not p.journal:
            return
        for block, count in self._journal:
            self._zero(block, count)
        raw = bytearray(p.block_size)
        struct.pack_into(">9I", raw, 0, JOURNAL_MAGIC, 4, 0, p.block_size, p.journal, 1, 1, 0, 0)
        raw[0x30:0x40] = p.uuid
        struct.pack_into(">I", raw, 0x40, 1)
        self._write(self._journal[0][0], raw)


def _extents(runs: list[tuple[int, int]]) -> bytes:
    """A root with up to four extents. ENOSPC for more."""
    records, at = [], 0
    for block, count in runs:
        while count:
            part = min(count, MAX_WRITTEN)
            records.append(EXTENT.pack(at, part, block >> 32, block & 0xFFFFFFFF))
            at, block, count = at + part, block + part, count - part
    if len(records) > 4:
        raise KernelError(Errno.ENOSPC, "the journal would be in too many pieces: larger blocks, or a smaller one")
    return (HEADER.pack(MAGIC, len(records), 4, 0) + b"".join(records)).ljust(len(empty_root()), b"\0")


def newfs(request: NewfsRequest, env: Environment) -> int:
    """Makes an ext4; how many bytes it takes. EINVAL for bad options, ENOSPC, EROFS, EIO.

    Options: size (bytes), bsize and inode (bytes), inodes, density (bytes per inode), minfree (percent), journal (MiB,
    0 for none), label, uuid.
    """
    device = request.device
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "ext2fs")
    p = plan(device, request.options, env)
    _Maker(p, device).write()
    _fill(device, env)
    return p.blocks * p.block_size


def _fill(device: BlockDevice, env: Environment) -> None:
    """The root directory's names and lost+found, as any directory is made."""
    volume = Volume(device, env)
    writer = open_writer(volume, env)
    root = volume.inode(ROOT_INODE)
    lost = NewNode(VType.DIR, 0o700, 0, 0)

    def work() -> None:
        names = Entries(writer, root)
        names.start(ROOT_INODE)
        inode = writer.new_inode(root, lost)
        inode.links = 2
        folder = Entries(writer, inode)
        folder.start(ROOT_INODE)
        for _ in range(max(_LOST_AND_FOUND // volume.sb.block_size, 2) - 1):
            folder.append_leaf()
        names.add(b"lost+found", inode.number, VType.DIR)
        root.links += 1

    writer.run(work)
    writer.close()

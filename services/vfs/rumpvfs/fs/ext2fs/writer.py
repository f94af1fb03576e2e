"""A file system that is mounted for writing: the `Volume` with all that changes it.

Begun with `open_writer`, which replays the journal for good, says on the disk that the file system is in use, and
finishes what the list of orphans has; ended with `Writer.close`, after which the disk is as clean as after fsck.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rumpvfs.core.vnode import BlockDevice, Environment, NewNode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import log as journal_log
from . import superblock
from .allocator import Allocator
from .dirent import Names
from .extenttree import ExtentTree, empty_root
from .indirect import IndirectTree
from .inode import (
    FLAG_EXTENTS,
    GOOD_OLD_SIZE,
    Inode,
    blank,
    pack,
    packed_rdev,
)
from .leaf import Leaf
from .log import Log
from .mapping import Blocks, FileMap
from .orphans import Orphans
from .quotas import ExtQuotas, Space
from .storage import Cache
from .transaction import Transaction
from .volume import Volume
from .xattrwrite import AttributeWriter

Result = TypeVar("Result")

# Where the fields that change are in the superblock.
_FREE_BLOCKS, _FREE_BLOCKS_HIGH, _FREE_INODES = 0xC, 0x158, 0x10
_MOUNT_TIME, _WRITE_TIME, _MOUNT_COUNT, _STATE = 0x2C, 0x30, 0x34, 0x3A
_INCOMPAT, _RO_COMPAT, _LAST_ORPHAN, _WANT_EXTRA = 0x60, 0x64, 0xE8, 0x15E
# Bytes of directory blocks that are kept parsed for being changed.
_LEAF_BYTES = 8 << 20
_EXTRA_SIZE = 32
_LARGE = 1 << 31
# Times of access that may wait, and how many of them are touched before the transaction may be committed.
_ACCESSED_MAX, _ACCESSED_STEP = 4096, 64


class Writer:
    """Everything that changes one file system. Use `open_writer`."""

    def __init__(self, volume: Volume, device: BlockDevice, env: Environment, log: Log | None) -> None:
        self.volume = volume
        self.device = device
        self.env = env
        self.log = log
        self.transaction = Transaction(device, volume.sb.block_size, env, log)
        self.allocator = Allocator(volume, self.transaction)
        self.space = Space(volume, self.allocator, env)
        self.orphans = Orphans(self.transaction)
        self.attributes = AttributeWriter(self)
        self.leaves: Cache[tuple[int, int], Leaf] = Cache(_LEAF_BYTES)
        self.names: Cache[tuple[int, int], Names] = Cache(1)
        self.with_extents = bool(volume.sb.incompat & superblock.INCOMPAT_EXTENTS)
        self._block, self._at = divmod(superblock.OFFSET, volume.sb.block_size)
        self._first_orphan = volume.sb.last_orphan
        self._generation = int.from_bytes(env.entropy(4), "little")
        raw = self._superblock()
        self._large_file = bool(_field(raw, _RO_COMPAT, 4) & superblock.RO_COMPAT_LARGE_FILE)
        want = _field(raw, _WANT_EXTRA, 2) if volume.sb.revision else 0
        self._extra = min(max(want, _EXTRA_SIZE), volume.sb.inode_size - GOOD_OLD_SIZE) & ~3
        self.transaction.prepare = self._prepare
        self.transaction.committed = self.allocator.committed
        volume.storage.changed = self.transaction.cache.dirty
        volume.storage.unsealed = self.transaction.seals
        volume.storage.kept = self.transaction.contents
        volume.changed = self.transaction.inodes
        volume.accessed = self._accessed = dict[int, Inode]()

    def run(self, work: Callable[[], Result]) -> Result:
        """Does an operation whole or not at all; once more when a commit sets blocks free that it lacks."""
        try:
            with self.transaction:
                return work()
        except KernelError as error:
            if error.errno != Errno.ENOSPC or not self.allocator.waiting:
                raise
        self.transaction.commit()
        with self.transaction:
            return work()

    # -- the superblock

    def _superblock(self) -> memoryview:
        block = self.transaction.cache.block(self._block)
        return block[self._at : self._at + superblock.SIZE]

    def _put(self, raw: bytearray, at: int, value: int, size: int) -> None:
        raw[self._at + at : self._at + at + size] = value.to_bytes(size, "little")

    def _write_superblock(self, change: Callable[[bytearray], None]) -> None:
        """Changes it at its place, past the journal. EIO."""
        raw = bytearray(self.transaction.cache.block(self._block))
        change(raw)
        superblock.seal(self.volume.sb, raw, self._at)
        self.device.write(superblock.OFFSET, memoryview(raw)[self._at : self._at + superblock.SIZE])
        self.device.flush()

    def _change_superblock(self, at: int, value: int, size: int) -> None:
        """Changes it in the running transaction."""
        raw = self.transaction.modify(self._block)
        self._put(raw, at, value, size)
        self.transaction.seals[self._block] = self._seal_superblock

    def _seal_superblock(self, raw: bytearray) -> None:
        superblock.seal(self.volume.sb, raw, self._at)

    def _put_counts(self, raw: bytearray) -> None:
        blocks, inodes = self.allocator.free_counts()
        self._put(raw, _FREE_BLOCKS, blocks & 0xFFFFFFFF, 4)
        if self.volume.sb.incompat & superblock.INCOMPAT_64BIT:
            self._put(raw, _FREE_BLOCKS_HIGH, blocks >> 32, 4)
        self._put(raw, _FREE_INODES, inodes, 4)

    def mark_used(self) -> None:
        """Says on the disk that it is mounted: with a journal that it needs recovery, else that it is not clean."""
        now = self._seconds()
        sb = self.volume.sb

        def change(raw: bytearray) -> None:
            if self.log is not None or sb.compat & superblock.COMPAT_HAS_JOURNAL:
                incompat = _field(raw, self._at + _INCOMPAT, 4) | superblock.INCOMPAT_RECOVER
                self._put(raw, _INCOMPAT, incompat, 4)
            else:
                self._put(raw, _STATE, _field(raw, self._at + _STATE, 2) & ~superblock.STATE_VALID, 2)
            self._put(raw, _MOUNT_TIME, now, 4)
            self._put(raw, _WRITE_TIME, now, 4)
            count = _field(raw, self._at + _MOUNT_COUNT, 2)
            self._put(raw, _MOUNT_COUNT, min(count + 1, 0xFFFF), 2)

        self._write_superblock(change)

    def _mark_clean(self, state: int) -> None:
        def change(raw: bytearray) -> None:
            incompat = _field(raw, self._at + _INCOMPAT, 4) & ~superblock.INCOMPAT_RECOVER
            if self.volume.sb.revision:
                self._put(raw, _INCOMPAT, incompat, 4)
            self._put(raw, _STATE, _field(raw, self._at + _STATE, 2) | state, 2)
            self._put(raw, _WRITE_TIME, self._seconds(), 4)
            self._put_counts(raw)

        self._write_superblock(change)

    def _seconds(self) -> int:
        return self.env.now_ns() // 1_000_000_000 & 0xFFFFFFFF

    # -- the end of a transaction

    def _prepare(self) -> None:
        """Packs what changed into its buffers."""
        sb, transaction = self.volume.sb, self.transaction
        for inode in transaction.inodes.values():
            block, at = self.volume.locate(inode.number)
            transaction.modify(block)[at : at + sb.inode_size] = pack(sb, inode)
        transaction.inodes.clear()
        if self.space.quotas is not None:
            self.space.quotas.store()
        if self.allocator.seal():
            self._put_counts(transaction.modify(self._block))
            transaction.seals[self._block] = self._seal_superblock
        if self.orphans.first != self._first_orphan:
            self._change_superblock(_LAST_ORPHAN, self.orphans.first, 4)
            self._first_orphan = self.orphans.first

    def sync(self) -> None:
        """EIO, EROFS after a failed commit."""
        self.transaction.flush()

    def accessed(self, inode: Inode) -> None:
        """The inode was read. That is written when the file system is, not in a transaction of its own. EIO."""
        inode.atime_ns = self.env.now_ns()
        inode.stat = None
        self._accessed[inode.number] = inode
        if len(self._accessed) > _ACCESSED_MAX and not self.transaction.aborted:
            self.write_access_times()

    def write_access_times(self) -> None:
        """Puts them into the running transaction. EIO, EROFS."""
        waiting = list(self._accessed.values())
        self._accessed.clear()
        with self.transaction:
            for number, inode in enumerate(waiting):
                self.transaction.touch(inode)
                if number % _ACCESSED_STEP == 0:
                    self.transaction.part_done()

    def close(self) -> None:
        """Writes everything to its place and says that the file system is clean. EIO."""
        if self.transaction.aborted:
            return
        for inode in self.orphans.unnamed():
            self.free(inode)
        if self._accessed:
            self.write_access_times()
        self.transaction.commit()
        if self.log is None:
            self.transaction.cache.flush()
        else:
            self.transaction.checkpoint()
            self.log.close()
        state = 0 if self.volume.sb.state & superblock.STATE_ERRORS else self._clean_state()
        self._mark_clean(state)
        self.device.flush()
        self.volume.sb = superblock.parse(self.device.view(superblock.OFFSET, superblock.SIZE), self.device.size)

    def _clean_state(self) -> int:
        """What was not clean before is not made so: only fsck does that. With a journal it never ceases to be."""
        return self.volume.sb.state & superblock.STATE_VALID

    # -- inodes

    def blocks(self, inode: Inode) -> Blocks:
        return Blocks(self.volume, self.transaction, self.allocator, self.space, inode)

    def has_extents(self, inode: Inode) -> bool:
        return bool(inode.flags & FLAG_EXTENTS)

    def file_map(self, inode: Inode) -> FileMap:
        """The map of an inode that has one."""
        kind = ExtentTree if self.has_extents(inode) else IndirectTree
        return kind(self.blocks(inode))

    def resize(self, inode: Inode, size: int) -> None:
        self.transaction.touch(inode)
        inode.size = size
        if size >= _LARGE and not self._large_file and inode.kind == const.S_IFREG:
            features = _field(self._superblock(), _RO_COMPAT, 4) | superblock.RO_COMPAT_LARGE_FILE
            self._change_superblock(_RO_COMPAT, features, 4)
            self._large_file = True

    def new_inode(self, parent: Inode, new: NewNode) -> Inode:
        """An inode without a name, its map empty. ENOSPC, EDQUOT, EINVAL for a device that cannot be told, EIO."""
        number = self.allocator.allocate_inode(parent.number, directory=new.vtype is VType.DIR)
        inode = blank(self.volume.sb, number, self._extra)
        self.transaction.touch(inode)
        self._generation = (self._generation + 0x9E3779B1) & 0xFFFFFFFF
        inode.generation = self._generation
        inode.mode = new.mode & 0o7777 | new.vtype
        inode.uid, inode.gid = new.uid, new.gid
        self.space.new_file(inode)
        inode.links = 1
        inode.atime_ns = inode.mtime_ns = inode.ctime_ns = self.env.now_ns()
        inode.birthtime_ns = inode.ctime_ns if inode.extra_size >= 24 else 0
        if new.vtype in (VType.CHR, VType.BLK):
            inode.area = packed_rdev(new.rdev)
        elif new.vtype in (VType.REG, VType.DIR) and self.with_extents:
            inode.flags |= FLAG_EXTENTS
            inode.area = empty_root()
        self.volume.keep_inode(inode)
        self.transaction.on_undo(lambda: self.volume.forget_inode(number))
        return inode

    def has_map(self, inode: Inode) -> bool:
        """Whether the block area is a map: not of devices, short links and inline data."""
        if inode.kind == const.S_IFLNK:
            attributes = (self.volume.sb.block_size >> 9) if inode.file_acl else 0
            return not self.volume.is_inline(inode) and inode.blocks != attributes
        return inode.kind in (const.S_IFREG, const.S_IFDIR) and not self.volume.is_inline(inode)

    def cut(self, inode: Inode, first: int) -> None:
        """Frees the blocks of a file from one on, in steps, between which it is an orphan. EIO."""
        blocks = self.file_map(inode)
        last = blocks.blocks_max - 1
        added = False
        while last >= first:
            last = blocks.remove(first, last)
            if last >= first:
                if inode.number not in self.orphans:
                    self.orphans.add(inode)
                    added = True
                self.transaction.part_done()
        if added and inode.links:
            self.orphans.remove(inode)

    def free(self, inode: Inode) -> None:
        """An inode without names that nobody uses: all that it has is free. It is an orphan until then. EIO."""
        self.run(lambda: self.free_within(inode))

    def free_within(self, inode: Inode) -> None:
        """The same as the last step of an operation."""
        if self.has_map(inode):
            self.cut(inode, 0)
        self.attributes.release(inode)
        self.space.file_gone(inode)
        self.orphans.remove(inode)
        self.transaction.touch(inode)
        # Less would be taken for the number of an orphan.
        inode.dtime = max(self._seconds(), self.volume.sb.inodes_count)
        inode.size = 0
        self.allocator.free_inode(inode.number, directory=inode.kind == const.S_IFDIR)
        self._accessed.pop(inode.number, None)
        self.volume.forget_inode(inode.number)

    def finish_orphans(self) -> None:
        """What was begun before the file system was left: inodes without names go, the others are cut to their size."""
        seen: list[int] = []
        number = self.volume.sb.last_orphan
        while number:
            if number in seen or len(seen) > self.volume.sb.inodes_count:
                raise KernelError(Errno.EIO, "the list of orphans has no end: run fsck", "ext2fs")
            seen.append(number)
            inode = self.volume.inode(number)
            if not self.allocator.in_use(number) or number < self.volume.sb.first_inode:
                raise KernelError(Errno.EIO, f"inode {number} is no orphan: run fsck", "ext2fs")
            number = inode.dtime
        for number in reversed(seen):
            self.orphans.known(self.volume.inode(number))
        for number in seen:
            self._finish(self.volume.inode(number))
        if seen:
            self.env.log(f"ext2fs: {self.device.name}: {len(seen)} orphans finished")

    def _finish(self, inode: Inode) -> None:
        if inode.links == 0:
            self.free(inode)
            return

        def work() -> None:
            if inode.kind == const.S_IFREG and self.has_map(inode):
                self.cut(inode, -(-inode.size // self.volume.sb.block_size))
            self.orphans.remove(inode)

        self.run(work)


def _field(raw: bytearray | memoryview, at: int, size: int) -> int:
    return int.from_bytes(raw[at : at + size], "little")


def open_writer(volume: Volume, env: Environment) -> Writer:
    """Takes a volume into use for writing. EROFS, EIO, EOPNOTSUPP."""
    device = volume.device
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "ext2fs")
    superblock.check_writable(volume.sb)
    log = _open_log(volume, env) if volume.sb.compat & superblock.COMPAT_HAS_JOURNAL else None
    writer = Writer(volume, device, env, log)
    if log is None:
        if not volume.sb.state & superblock.STATE_VALID:
            env.log(f"ext2fs: {device.name} was not unmounted: run fsck")
        writer.mark_used()
    if any(volume.sb.quota_inodes):
        writer.space.quotas = ExtQuotas(volume, writer, env)
    writer.finish_orphans()
    return writer


def _open_log(volume: Volume, env: Environment) -> Log:
    """Writes what recovery found to its places, empties the journal and begins anew."""
    sb = volume.sb
    recovery = volume.recovery or volume.open_journal()
    inode = volume.inode(sb.journal_inode)
    if inode.links == 0 or inode.kind != const.S_IFREG:
        raise KernelError(Errno.EIO, "the journal is no file", "ext2fs")
    data = volume.data(inode)
    size = sb.block_size

    def place(block: int) -> tuple[int, int]:
        found, length = data.segment(block * size)
        if found <= 0:
            raise KernelError(Errno.EIO, f"journal: no block {block}", "ext2fs")
        return found // size, length // size

    sequence = recovery.next_sequence
    if volume.recovery is None and recovery.superblock.start:
        # Not marked for recovery, so what is in it does not count, but must not be met again either.
        sequence = (recovery.superblock.sequence + recovery.superblock.blocks) & 0xFFFFFFFF
    _write_overlay(volume)
    return journal_log.start(
        volume.device,
        size,
        place,
        inode.size // size,
        sequence,
        wide=bool(sb.incompat & superblock.INCOMPAT_64BIT),
        checksums=sb.metadata_csum,
        asynchronous=bool(sb.incompat & superblock.INCOMPAT_EXTENTS),
        before=lambda: Writer(volume, volume.device, env, None).mark_used(),
    )


def _write_overlay(volume: Volume) -> None:
    storage, overlay = volume.storage, volume.storage.overlay
    if overlay is None:
        return
    size = storage.block_size
    for block in overlay.order:
        storage.device.write(block * size, bytes(storage.current(block)))
    storage.device.flush()
    storage.overlay = None
    volume.recovery = None
    volume.forget()

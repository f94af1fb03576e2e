"""A file system on its device: superblock, groups, inodes and where files are, without any notion of vnodes.

Everything that is parsed is checked first, and kept in caches whose size does not depend on the image.
"""

from __future__ import annotations

from collections.abc import Mapping

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Environment
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import group, journal, superblock, xattr
from .blockmap import MAX_BLOCKS, BlockMap, IndirectMap, NodeCache
from .checksum import crc32c
from .extents import ExtentMap
from .group import Group
from .inode import FLAG_EA_INODE, FLAG_EXTENTS, FLAG_INLINE_DATA, Inode, owner_seed
from .storage import Cache, Overlay, Storage

# Parsed inodes (about a kilobyte each), group descriptors, and bytes of map nodes (ten times that when parsed).
_INODES = 32768
_GROUPS = 4096
_NODE_BYTES = 4 << 20
# What a read of several extents, or of a hole, answers with at most: it has to be put together in memory.
JOIN_LIMIT = 16 << 20

_zeros = memoryview(bytes(1 << 20))


def zeros(length: int) -> memoryview:
    """A view of zeros: one for all readers of holes."""
    return _zeros[:length] if length <= len(_zeros) else memoryview(bytes(length))


class FileData:
    """The contents of one file: a size and a map. Remembers the last run, so reading on costs one comparison."""

    __slots__ = ("_delta", "_end", "_map", "_start", "_storage", "size")

    def __init__(self, storage: Storage, blocks: BlockMap, size: int) -> None:
        self._storage = storage
        self._map = blocks
        self.size = size
        self._start = self._end = self._delta = 0

    def read(self, offset: int, length: int) -> Buffer:
        """At most ``length`` bytes, as one view where they lie together. EIO."""
        end = offset + length
        if end > self.size:
            end = self.size
        if self._start <= offset and end <= self._end and offset < end:
            return self._storage.view(offset + self._delta, end - offset)
        return self._join(offset, end) if offset < end else b""

    def place(self, number: int) -> int:
        """Where a block is that must be there. EIO for a hole."""
        run = self._map.find(number)
        if run.block == 0:
            raise KernelError(Errno.EIO, f"block {number} of a directory is a hole", "ext2fs")
        return run.block

    def seek(self, offset: int, *, hole: bool) -> int:
        """The next data or hole from ``offset`` < size on; the size counts as a hole. ENXIO."""
        size = self._storage.block_size
        last = -(-self.size // size)
        block = offset // size
        while block < min(last, MAX_BLOCKS):
            run = self._map.find(block)
            if (run.block == 0) == hole:
                return min(max(offset, block * size), self.size)
            block += run.length
        if hole:
            return self.size
        raise KernelError(Errno.ENXIO, "no data behind this offset", "ext2fs")

    def segment(self, offset: int) -> tuple[int, int]:
        """(place on the device or -1 for a hole, length) of what begins at ``offset``."""
        size = self._storage.block_size
        block, inside = divmod(offset, size)
        if block >= MAX_BLOCKS:
            return -1, self.size - offset
        run = self._map.find(block)
        return (run.block * size + inside if run.block else -1), run.length * size - inside

    def _join(self, offset: int, end: int) -> Buffer:
        parts = self._parts(offset, end)
        if len(parts) == 1:
            return self._single(*parts[0], offset, end)
        pieces, left = [], min(end - offset, JOIN_LIMIT)
        for place, length in parts:
            taken = min(length, left)
            pieces.append(zeros(taken) if place < 0 else self._storage.view(place, taken))
            left -= taken
            if not left:
                break
        return b"".join(pieces)

    def _parts(self, offset: int, end: int) -> list[tuple[int, int]]:
        """Segments from ``offset`` on, neighbours put together; the first may be long, more of them up to the limit."""
        parts: list[tuple[int, int]] = []
        at = offset
        while at < end and (not parts or at - offset < JOIN_LIMIT):
            place, length = self.segment(at)
            at += length
            if parts and place == (-1 if parts[-1][0] < 0 else sum(parts[-1])):
                parts[-1] = (parts[-1][0], parts[-1][1] + length)
            else:
                parts.append((place, length))
        return parts

    def _single(self, place: int, length: int, offset: int, end: int) -> Buffer:
        wanted = min(length, end - offset)
        if place < 0:
            return zeros(min(wanted, JOIN_LIMIT))
        self._start, self._end, self._delta = offset, offset + length, place - offset
        return self._storage.view(place, wanted)


class Volume:
    """The open file system. EINVAL, EIO, EOPNOTSUPP as `superblock.parse` and the journal say."""

    def __init__(self, device: BlockDevice, env: Environment) -> None:
        self.device = device
        self._groups: Cache[int, Group] = Cache(_GROUPS)
        self._inodes: Cache[int, Inode] = Cache(_INODES)
        self._nodes: NodeCache = Cache(_NODE_BYTES)
        self.changed: Mapping[int, Inode] = {}
        self.accessed: Mapping[int, Inode] = {}
        self.recovery: journal.Recovery | None = None
        end = superblock.OFFSET + superblock.SIZE
        if device.size < end:
            raise KernelError(Errno.EINVAL, f"a device of {device.size} bytes has no superblock", "ext2fs")
        self.sb = superblock.parse(device.view(superblock.OFFSET, superblock.SIZE), device.size)
        self.storage = Storage(device, self.sb.block_size, self.sb.blocks_count)
        if self.sb.incompat & superblock.INCOMPAT_RECOVER:
            self._recover(env)
        if self.sb.state & superblock.STATE_ERRORS:
            env.log(f"ext2fs: {device.name} has errors: run fsck")

    def open_journal(self) -> journal.Recovery:
        """The journal, to be read. EIO, EOPNOTSUPP."""
        number = self.sb.journal_inode
        if not number:
            raise KernelError(Errno.EOPNOTSUPP, "recovery from an external journal: run fsck first", "ext2fs")
        inode = self.inode(number)
        data = self.data(inode)
        size = self.sb.block_size

        def read(block: int) -> tuple[int, memoryview]:
            place, _ = data.segment(block * size)
            if place <= 0 or block >= inode.size // size:
                raise KernelError(Errno.EIO, f"journal: no block {block}", "ext2fs")
            return place // size, self.storage.view(place, size)

        return journal.Recovery(read, inode.size // size)

    def _recover(self, env: Environment) -> None:
        self.recovery = recovery = self.open_journal()
        overlay = recovery.overlay(self.sb.blocks_count)
        if overlay.order:
            self._use(overlay)
            env.log(f"ext2fs: {self.device.name}: {recovery.transactions} transactions recovered from the journal")

    def forget(self) -> None:
        """Drops all that was parsed."""
        self._groups.clear()
        self._inodes.clear()
        self._nodes.clear()

    def forget_nodes(self) -> None:
        self._nodes.clear()

    def forget_node(self, inode: int, block: int, low: int) -> None:
        self._nodes.discard((inode, block, low))

    def _use(self, overlay: Overlay) -> None:
        """What was parsed so far may be old. The log may have newer counts in the superblock, no other geometry."""
        self.storage.overlay = overlay
        self.forget()
        old = self.sb
        self.sb = superblock.parse(self.storage.view(superblock.OFFSET, superblock.SIZE), self.device.size)
        if (self.sb.block_size, self.sb.blocks_count) != (old.block_size, old.blocks_count):
            raise KernelError(Errno.EIO, "journal: the recovered superblock is of another file system", "ext2fs")

    # -- groups and inodes

    def group(self, number: int) -> Group:
        found = self._groups.get(number)
        if found is None:
            block, offset = group.locate(self.sb, number)
            raw = self.storage.block(block)[offset : offset + self.sb.descriptor_size]
            found = group.parse(self.sb, number, raw)
            self._groups.put(number, found)
        return found

    def inode(self, number: int) -> Inode:
        """EIO for a number that does not exist or an inode that is broken."""
        found = self._inodes.get(number)
        if found is None:
            found = self.changed.get(number) or self.accessed.get(number)
            if found is None:
                found = self._load(number)
            self._inodes.put(number, found)
        return found

    def keep_inode(self, inode: Inode) -> None:
        """A new inode that `inode` is to find."""
        self._inodes.put(inode.number, inode)

    def forget_inode(self, number: int) -> None:
        self._inodes.discard(number)

    def locate(self, number: int) -> tuple[int, int]:
        """(block of the table, offset in it) of an inode. EIO."""
        sb = self.sb
        if not 0 < number <= sb.inodes_count:
            raise KernelError(Errno.EIO, f"inode {number} of {sb.inodes_count}", "ext2fs")
        where, index = divmod(number - 1, sb.inodes_per_group)
        block, slot = divmod(index, sb.block_size // sb.inode_size)
        return self.group(where).inode_table + block, slot * sb.inode_size

    def _load(self, number: int) -> Inode:
        block, at = self.locate(number)
        return Inode(self.sb, number, self.storage.block(block)[at : at + self.sb.inode_size])

    def seed(self, inode: Inode) -> int | None:
        """Where checksums of an inode's blocks start; None without metadata_csum."""
        return owner_seed(self.sb, inode) if self.sb.metadata_csum else None

    # -- contents

    def data(self, inode: Inode) -> FileData:
        """The blocks of a file, directory or long symbolic link. EIO."""
        blocks: BlockMap
        if inode.flags & FLAG_EXTENTS:
            blocks = ExtentMap(self.storage, self._nodes, inode.number, self.seed(inode), inode.area)
        else:
            blocks = IndirectMap(self.storage, self._nodes, inode.number, inode.area)
        return FileData(self.storage, blocks, inode.size)

    def is_inline(self, inode: Inode) -> bool:
        return bool(inode.flags & FLAG_INLINE_DATA and self.sb.incompat & superblock.INCOMPAT_INLINE_DATA)

    def inline_overflow(self, inode: Inode) -> bytes:
        """What of inline data did not fit into the block area: the value of an attribute."""
        found = xattr.in_inode(inode).get(xattr.INLINE_DATA)
        return self.attribute_value(inode, found) if found else b""

    def inline_contents(self, inode: Inode) -> bytes:
        contents = (inode.area + self.inline_overflow(inode))[: inode.size]
        if inode.size > len(contents) and inode.size > self.sb.block_size:
            raise KernelError(Errno.EIO, f"inode {inode.number}: {inode.size} bytes of inline data", "ext2fs")
        return contents.ljust(inode.size, b"\0")

    # -- extended attributes

    def attributes(self, inode: Inode) -> dict[bytes, xattr.Attribute]:
        """All of them by full name, those behind the inode first."""
        found = xattr.in_inode(inode)
        if inode.file_acl:
            sealed = self.sb.metadata_csum and inode.file_acl not in self.storage.unsealed
            seed = self.sb.checksum_seed if sealed else None
            found = xattr.in_block(inode, self.storage.block(inode.file_acl), seed) | found
        return found

    def attribute_value(self, inode: Inode, attribute: xattr.Attribute) -> bytes:
        """EIO for a broken inode of the value."""
        if not attribute.inode:
            return attribute.value
        if not self.sb.incompat & superblock.INCOMPAT_EA_INODE:
            raise KernelError(Errno.EIO, f"inode {inode.number}: attribute in an inode without ea_inode", "ext2fs")
        holder = self.inode(attribute.inode)
        if not holder.flags & FLAG_EA_INODE or holder.size != attribute.size or holder.kind != const.S_IFREG:
            raise KernelError(Errno.EIO, f"inode {holder.number} is no value of an attribute", "ext2fs")
        value = bytes(self.data(holder).read(0, holder.size))
        # The inode of a value keeps the value's checksum where others have the time of access.
        if crc32c(self.sb.checksum_seed, value) != holder.atime_ns // 1_000_000_000 & 0xFFFFFFFF:
            raise KernelError(Errno.EIO, f"inode {holder.number}: wrong checksum of an attribute's value", "ext2fs")
        return value

    # -- counts

    def free_counts(self) -> tuple[int, int]:
        """(free blocks, free inodes), added up over the groups."""
        groups = [self.group(number) for number in range(self.sb.groups)]
        clusters = sum(g.free_blocks for g in groups)
        return clusters * self.sb.cluster_blocks, sum(g.free_inodes for g in groups)

    def overhead(self) -> int:
        """Blocks that no file can have: what mke2fs wrote down, or counted from the layout."""
        sb = self.sb
        if sb.overhead_clusters and sb.overhead_clusters * sb.cluster_blocks < sb.blocks_count:
            return sb.overhead_clusters * sb.cluster_blocks
        per_block = sb.block_size // sb.descriptor_size
        table = -(-sb.groups // per_block) + sb.reserved_gdt_blocks
        if sb.incompat & superblock.INCOMPAT_META_BG:
            table = sb.first_meta_group
        backups = sum(sb.has_backup(number) for number in range(sb.groups))
        total = sb.first_data_block + sb.groups * (2 + sb.inode_blocks_per_group) + backups * (1 + table)
        if sb.compat & superblock.COMPAT_HAS_JOURNAL and sb.journal_inode:
            total += -(-self.inode(sb.journal_inode).size // sb.block_size)
        return min(total, sb.blocks_count)

"""Who may have how much of the file system: the blocks that are kept for the superuser, and quotas.

The quotas are those of `rumpvfs.core.quota`, all of them in memory; what changes of them is packed into the quota files
when the transaction is committed, as inodes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.kauth import Action, permitted
from rumpvfs.core.quota import BLOCKS, DEFAULT, FILES, NOLIMIT, NOTIME, WEEK, Dquot, Limits, Quotas, Table
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import QuotaKey, QuotaValue

from . import quotafile, superblock
from .extenttree import empty_root
from .inode import FLAG_EA_INODE, FLAG_EXTENTS, FLAG_IMMUTABLE
from .quotafile import QuotaFile, Record

if TYPE_CHECKING:
    from rumpvfs.core.vnode import Environment

    from .allocator import Allocator
    from .inode import Inode
    from .volume import Volume
    from .writer import Writer

_PER_KIB = 2
_GRACE_MAX = 0xFFFFFFFF


class ExtQuotas(Quotas):
    """The quotas of one file system with the feature ``quota``; without a ``writer`` they are only looked at.

    There is one grace for all ids of a type, and there are no default limits.
    """

    name = "ext4 quota"
    restrictions = const.QUOTA_RESTRICT_UNIFORMGRACE

    def __init__(self, volume: Volume, writer: Writer | None, env: Environment) -> None:
        """EIO for broken quota files."""
        super().__init__(env)
        self._writer = writer
        self._files: dict[int, QuotaFile] = {}
        self._spare: dict[tuple[int, int], int] = {}
        """Places of ids that have an entry and no quota."""
        self._stale: set[tuple[int, int]] = set()
        for idtype, number in enumerate(volume.sb.quota_inodes):
            if number:
                self._files[idtype] = QuotaFile(volume, writer, number, idtype)
                self.tables[idtype] = self._load(idtype, self._files[idtype])

    def _load(self, idtype: int, file: QuotaFile) -> Table:
        blocks, files = (Limits(grace=grace) for grace in file.graces)
        table = Table(idtype, Dquot(DEFAULT, (blocks, files)))
        for place, record in file.records():
            if record.id in table.dquots or (idtype, record.id) in self._spare:
                raise KernelError(Errno.EIO, f"two quotas of id {record.id}: run e2fsck", "ext2fs")
            dquot = _parsed(record, place, file.graces)
            if dquot.used or not dquot.like(table.default):
                table.dquots[record.id] = dquot
            else:
                self._spare[idtype, record.id] = place
        return table

    # -- to the disk

    def making(self, table: Table, dquot: Dquot) -> None:
        assert self._writer is not None
        key = table.idtype, dquot.id
        place = self._spare.pop(key, 0)
        self._writer.transaction.on_undo(lambda: self._unmake(table, dquot, place))
        dquot.place = place or self._files[table.idtype].add(dquot.id)

    def _unmake(self, table: Table, dquot: Dquot, spare: int) -> None:
        table.dquots.pop(dquot.id, None)
        if spare:
            self._spare[table.idtype, dquot.id] = spare

    def changing(self, table: Table, dquot: Dquot) -> None:
        assert self._writer is not None
        state = dquot.state()
        self._writer.transaction.on_undo(lambda: dquot.restore(state))
        self._files[table.idtype].touch(dquot.place)
        self._stale.add((table.idtype, dquot.id))

    def dropping(self, table: Table, dquot: Dquot) -> None:
        assert self._writer is not None
        self._spare[table.idtype, dquot.id] = dquot.place
        self._writer.transaction.on_undo(lambda: self._undrop(table, dquot))

    def _undrop(self, table: Table, dquot: Dquot) -> None:
        del self._spare[table.idtype, dquot.id]
        table.dquots[dquot.id] = dquot

    def store(self) -> None:
        """Packs what changed into the buffers. EIO."""
        for idtype, owner in self._stale:
            table, file = self.tables[idtype], self._files[idtype]
            dquot = table.dquots.get(owner)
            if owner == DEFAULT:
                blocks, files = table.default.limits
                file.store_graces(blocks.grace, files.grace)
            elif dquot is not None:
                file.store(dquot.place, _packed(dquot))
            elif (idtype, owner) in self._spare:
                file.store(self._spare[idtype, owner], Record(owner, *[0] * 8))
        self._stale.clear()

    # -- setting

    def put(self, key: QuotaKey, value: QuotaValue) -> None:
        """As `Quotas.put`; limits of 0 blocks or files (EINVAL) and default limits (EOPNOTSUPP) cannot be kept."""
        assert self._writer is not None
        table = self.table(key.idtype)
        limits = value.hardlimit, value.softlimit
        if 0 in limits:
            raise KernelError(Errno.EINVAL, "a limit of 0 would be none on this file system", "ext2fs")
        if key.id == DEFAULT:
            if limits != (NOLIMIT, NOLIMIT):
                raise KernelError(Errno.EOPNOTSUPP, "ext4 keeps no default limits", "ext2fs")
            value = value._replace(grace=min(value.grace, _GRACE_MAX))
        else:
            hard, soft = (_rounded(limit) for limit in limits) if key.objtype == BLOCKS else limits
            value = QuotaValue(hard, soft, grace=NOTIME)
        self._writer.run(lambda: super(ExtQuotas, self).put(key, value))
        if key.id == DEFAULT and value.grace != NOTIME:
            for dquot in table.dquots.values():
                dquot.limits[key.objtype].grace = value.grace

    def delete(self, key: QuotaKey) -> None:
        assert self._writer is not None
        self._writer.run(lambda: super(ExtQuotas, self).delete(key))


def _rounded(limit: int) -> int:
    """Limits are kept in KiB."""
    return limit if limit == NOLIMIT else -(-limit // _PER_KIB) * _PER_KIB


def _parsed(record: Record, place: int, graces: list[int]) -> Dquot:
    blocks = Limits(
        record.blocks_hard * _PER_KIB or NOLIMIT,
        record.blocks_soft * _PER_KIB or NOLIMIT,
        -(-record.space // 512),
        grace=graces[BLOCKS],
    )
    files = Limits(record.files_hard or NOLIMIT, record.files_soft or NOLIMIT, record.files, grace=graces[FILES])
    for limits, expire in ((blocks, record.blocks_time), (files, record.files_time)):
        limits.expire = expire if limits.used > limits.soft else 0
    return Dquot(record.id, (blocks, files), place)


def _packed(dquot: Dquot) -> Record:
    blocks, files = dquot.limits
    return Record(
        dquot.id,
        files_hard=_limit(files.hard),
        files_soft=_limit(files.soft),
        files=files.used,
        blocks_hard=_limit(blocks.hard) // _PER_KIB,
        blocks_soft=_limit(blocks.soft) // _PER_KIB,
        space=blocks.used * 512,
        blocks_time=blocks.expire,
        files_time=files.expire,
    )


def _limit(limit: int) -> int:
    return 0 if limit == NOLIMIT else limit


def create_quota(writer: Writer, kind: int, number: int, files: list[Inode]) -> None:
    """Makes the quota file of users or groups in a new file system, the files of which are all of id 0. ENOSPC, EIO."""
    volume, size = writer.volume, writer.volume.sb.block_size

    def work() -> None:
        inode = volume.inode(number)
        writer.transaction.touch(inode)
        inode.mode, inode.links = const.S_IFREG | 0o600, 1
        inode.flags, inode.area = FLAG_EXTENTS | FLAG_IMMUTABLE, empty_root()
        contents = quotafile.empty(kind, WEEK)
        place, count = writer.blocks(inode).allocate(0, -(-len(contents) // size))
        writer.file_map(inode).insert(0, count, place)
        for block in range(count):
            writer.transaction.fresh(place + block)[:] = contents[block * size : (block + 1) * size].ljust(size, b"\0")
        writer.resize(inode, len(contents))
        file = QuotaFile(volume, writer, number, kind)
        space = sum(inode.blocks for inode in files) * 512
        file.store(file.add(0), Record(0, 0, 0, len(files), 0, 0, space, 0, 0))

    writer.run(work)


class Space:
    """Gives blocks to inodes and takes them back, for the caller and for the owner of the inode."""

    def __init__(self, volume: Volume, allocator: Allocator, env: Environment) -> None:
        self._sb = volume.sb
        self._allocator = allocator
        self._env = env
        self._sectors = volume.sb.block_size >> 9
        self.quotas: ExtQuotas | None = None

    def allocate(self, inode: Inode, goal: int, wanted: int) -> tuple[int, int]:
        """As `Allocator.allocate`. ENOSPC when there is only what others may have, EDQUOT, EIO."""
        if self._sb.reserved_blocks:
            wanted = min(wanted, self._room(inode))
        start, count = self._allocator.allocate(goal or self._allocator.home(inode.number), wanted)
        if self.quotas is not None and self._counted(inode):
            self.quotas.charge(inode.uid, inode.gid, blocks=count * self._sectors)
        return start, count

    def _room(self, inode: Inode) -> int:
        """Free blocks that the caller may take; those of the file system itself are never kept back. ENOSPC."""
        free, _ = self._allocator.free_counts()
        cred, sb = self._env.cred, self._sb
        entitled = (
            permitted(cred, Action.SYSTEM_FS_RESERVEDSPACE)
            or cred.euid == sb.reserved_uid
            or (sb.reserved_gid != 0 and (cred.egid == sb.reserved_gid or sb.reserved_gid in cred.groups))
        )
        if not entitled and self._counted(inode):
            free -= sb.reserved_blocks
            if free <= 0:
                raise KernelError(Errno.ENOSPC, "no free blocks but those for the superuser", "ext2fs")
        return max(free, 1)

    def _counted(self, inode: Inode) -> bool:
        """Whether an inode is somebody's; the others are the file system's own."""
        return not inode.flags & FLAG_EA_INODE and (
            inode.number >= self._sb.first_inode or inode.number == superblock.ROOT_INODE
        )

    def gave_back(self, inode: Inode, sectors: int) -> None:
        """The inode has so many half kilobytes less. EIO."""
        if self.quotas is not None and self._counted(inode):
            self.quotas.count(inode.uid, inode.gid, blocks=-sectors)

    def new_file(self, inode: Inode) -> None:
        """EDQUOT, ENOSPC, EIO."""
        if self.quotas is not None:
            self.quotas.charge(inode.uid, inode.gid, files=1)

    def file_gone(self, inode: Inode) -> None:
        if self.quotas is not None:
            self.quotas.count(inode.uid, inode.gid, files=-1)

    def change_owner(self, inode: Inode, uid: int, gid: int) -> None:
        """EDQUOT, ENOSPC, EIO; then it is as it was."""
        if self.quotas is not None and self._counted(inode):
            self.quotas.transfer((inode.uid, inode.gid), (uid, gid), blocks=inode.blocks)

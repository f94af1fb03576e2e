"""Where new blocks, fragments and inodes go (the policies of the fast file system, McKusick et al. 1984).

A file stays in the group of its inode, block behind block, but moves on to another group after `maxbpg` blocks so that
no file takes a group for itself. Files are in the group of their directory; directories that are made in the root are
spread over the groups, deeper ones stay near their parent while there is room (after G. Orlov).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rumpuser.kauth import Action, permitted
from rumpwire.errno import Errno, KernelError

from .dinode import Inode
from .group import Group
from .superblock import DIRECT
from .volume import Volume

if TYPE_CHECKING:
    from .quota2 import FfsQuotas

_CONTIGUOUS_DIRECTORIES = 255


class Allocator:
    """Hands out space of a volume. ENOSPC, EIO."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.sb = volume.sb
        self.quotas: FfsQuotas | None = None
        self.own: frozenset[int] = frozenset()
        """Inodes of the file system itself, which nobody's quota has and minfree does not bound."""
        self._in_a_row: dict[int, int] = {}
        """How many directories were made in a group one after another, without a file between them."""

    # -- space

    def room_for(self, frags: int) -> None:
        """Called between operations: takes freed space back into use where this many may need it. EIO."""
        volume, sb = self.volume, self.sb
        if volume.freed_frags and sb.nbfree * sb.frag < frags + sb.reserve() + 8 * sb.frag:
            volume.settle()

    def _check(self, inode: Inode, frags: int, more: int) -> None:
        """ENOSPC, also for what minfree keeps back for the superuser; EDQUOT where the file will have ``more``."""
        sb = self.sb
        free = sb.free_frags()
        if free < frags:
            raise _full()
        if inode.number in self.own:
            return
        if free - frags < sb.reserve() and not permitted(self.volume.env.cred, Action.SYSTEM_FS_RESERVEDSPACE):
            raise _full()
        if self.quotas is not None:
            self.quotas.check(inode.uid, inode.gid, blocks=more * (sb.fsize >> 9))

    def room(self, inode: Inode) -> int:
        """Frags that quotas still allow for a file."""
        if self.quotas is None or inode.number in self.own:
            return self.sb.size
        return self.quotas.room(inode.uid, inode.gid) // (self.sb.fsize >> 9)

    def count(self, inode: Inode, frags: int) -> None:
        """An inode has so many more, or less. EIO."""
        before = inode.blocks
        inode.took(frags, self.sb)
        if self.quotas is not None and inode.number not in self.own:
            self.quotas.count(inode.uid, inode.gid, blocks=inode.blocks - before)

    def block(self, inode: Inode, near: int, *, instead_of: int = 0) -> int:
        """A whole block, near a frag, for what has so many frags elsewhere."""
        self._check(inode, self.sb.frag, self.sb.frag - instead_of)
        if self.sb.nbfree == 0:
            raise _full()
        return self._search(near, lambda group, place: group.take_block(place), blocks=True)

    def frags(self, inode: Inode, count: int, near: int, *, instead_of: int = 0) -> int:
        """Fragments of one block in a row, for what has so many elsewhere."""
        if count == self.sb.frag:
            return self.block(inode, near, instead_of=instead_of)
        self._check(inode, count, count - instead_of)
        return self._search(near, lambda group, place: group.take_frags(count, place), blocks=False)

    def extend(self, inode: Inode, frag: int, old: int, new: int) -> bool:
        """Lets a piece grow where it is, if there is room behind it."""
        self._check(inode, new - old, new - old)
        number, inside = divmod(frag, self.sb.fpg)
        group = self.volume.group(number)
        if not group.extend(inside, old, new):
            return False
        self.volume.account(group)
        return True

    def _search(self, near: int, take: Callable[[Group, int], int | None], *, blocks: bool) -> int:
        sb, volume = self.sb, self.volume
        number, inside = divmod(near, sb.fpg)
        for candidate in self._order(number):
            at = candidate * 4
            if not volume.summary[at + 1] and (blocks or not volume.summary[at + 3]):
                continue
            group = volume.group(candidate)
            found = take(group, inside if candidate == number else group.rotor)
            if found is not None:
                volume.account(group)
                return candidate * sb.fpg + found
        raise _full()

    def _order(self, first: int) -> Iterator[int]:
        """Groups to be tried: the wanted one, then some far apart from one another, then all."""
        ncg = self.sb.ncg
        first %= ncg
        yield first
        step, at = 1, first
        while step < ncg:
            at = (at + step) % ncg
            yield at
            step *= 2
        for n in range(2, ncg):
            yield (first + n) % ncg

    def preference(self, inode: Inode, block: int, before: int) -> int:
        """The frag where a block of a file should be; ``before`` is where the block before it is, 0 for nowhere."""
        sb = self.sb
        home = inode.number // sb.ipg
        if block < DIRECT or (block % sb.maxbpg and before):
            return before + sb.frag if before else sb.fpg * home + sb.dblkno
        start = before // sb.fpg + 1 if before else home + block // sb.maxbpg
        average = sb.nbfree // sb.ncg
        for n in range(sb.ncg):
            candidate = (start + n) % sb.ncg
            if self.volume.summary[candidate * 4 + 1] >= average:
                return sb.fpg * candidate + sb.frag
        return sb.fpg * home

    # -- inodes

    def inode(self, parent: Inode, *, directory: bool) -> int:
        """The number of a free inode."""
        sb, volume = self.sb, self.volume
        if sb.nifree == 0:
            if volume.freed_inodes:
                volume.settle()
            if sb.nifree == 0:
                raise KernelError(Errno.ENOSPC, "no more inodes", "ffs")
        home = self._directory_group(parent) if directory else parent.number // sb.ipg
        for candidate in self._order(home):
            if volume.summary[candidate * 4 + 2]:
                group = volume.group(candidate)
                index = group.take_inode(directory)
                if index is not None:
                    self._initialize(group, index, directory=directory)
                    volume.account(group)
                    self._note(candidate, directory=directory)
                    return candidate * sb.ipg + index
        raise KernelError(Errno.ENOSPC, "no more inodes", "ffs")

    def _note(self, group: int, *, directory: bool) -> None:
        count = self._in_a_row.get(group, 0)
        self._in_a_row[group] = min(count + 1, _CONTIGUOUS_DIRECTORIES) if directory else max(count - 1, 0)

    def _initialize(self, group: Group, index: int, *, directory: bool) -> None:
        """UFS2 writes the inodes of a group only when they are needed: a block at a time."""
        sb, volume = self.sb, self.volume
        while group.inited < min(index + sb.inopb, group.inodes):
            frag, _ = sb.inode_place(group.number * sb.ipg + group.inited)
            try:
                volume.device.write(frag * sb.fsize, bytes(sb.bsize))
            except KernelError:
                group.give_inode(index, directory)
                raise
            group.inited = min(group.inited + sb.inopb, group.inodes)
            group.dirty = True
            volume.initialized.add(group.number)

    def _directory_group(self, parent: Inode) -> int:
        sb, summary = self.sb, self.volume.summary
        if sb.ncg == 1:
            return 0
        inodes, blocks, directories = sb.nifree // sb.ncg, sb.nbfree // sb.ncg, sb.ndir // sb.ncg
        if parent.number == 2:
            start = int.from_bytes(self.volume.env.entropy(4), "little") % sb.ncg
            fit = [
                number
                for number in ((start + n) % sb.ncg for n in range(sb.ncg))
                if summary[number * 4 + 2] >= inodes and summary[number * 4 + 1] >= blocks
            ]
            return min(fit, key=lambda number: summary[number * 4], default=start)
        home = parent.number // sb.ipg
        most = min(directories + sb.ipg // 16, sb.ipg)
        for n in range(sb.ncg):
            number = (home + n) % sb.ncg
            at = number * 4
            if (
                summary[at] < most
                and summary[at + 2] >= inodes - inodes // 4
                and summary[at + 1] >= blocks - blocks // 4
                and self._in_a_row.get(number, 0) < _CONTIGUOUS_DIRECTORIES
            ):
                return number
        fit = [n for n in range(sb.ncg) if summary[n * 4 + 2] >= inodes]
        return min(fit, key=lambda n: (n - home) % sb.ncg, default=home)


def _full() -> KernelError:
    return KernelError(Errno.ENOSPC, "no more space", "ffs")

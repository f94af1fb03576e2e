"""The state of a mounted file system on its device: caches of metadata, groups, counts, and the order of writes.

What is changed stays in memory until `settle`, which writes it in an order that leaves something that fsck can repair
whenever it is cut short:

1. contents of files, new directory blocks and zeroed indirect blocks have been written when they were allocated;
2. inodes and indirect blocks, so that no name leads to an inode that is not there;
3. directories;
4. what was freed: inodes are cleared, then groups, summary and superblock.

What is freed is not handed out again before step 4 is on stable storage (`_freed`), so nothing on the disk ever has two
owners.
"""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from rumpvfs.core.buffer import DIRTY_MAX, BufferCache
from rumpvfs.core.vnode import BlockDevice, Environment
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import superblock
from .dinode import ROOT, SECOND, Inode, bad
from .group import Group
from .superblock import CLEAN, Superblock

_GROUP_BYTES = 16 << 20
_NODE_BYTES = 8 << 20
_SUPERBLOCK_USED = 1536
"""Bytes of the superblock that have fields."""
_NDIR, _NBFREE, _NIFREE, _NFFREE = range(4)


class Volume:
    """An open file system. EINVAL and EIO as `superblock.find` says, EROFS where it may not be written."""

    def __init__(self, device: BlockDevice, env: Environment, sb: Superblock) -> None:
        self.device = device
        self.env = env
        self.sb = sb
        self.writable = False
        self.damaged = False
        self.meta = BufferCache(device, sb.fsize, reserve=env.reserve_buffers)
        self.dirs = BufferCache(device, sb.fsize, reserve=env.reserve_buffers)
        self.maps = BufferCache(device, sb.fsize, reserve=env.reserve_buffers)
        self.summary: array[int] = array("i")
        self.before_inodes: Callable[[], None] = lambda: None
        """Called before inodes are written: what else belongs to them comes to the buffers."""
        self.freed_frags = 0
        self.initialized: set[int] = set()
        """Groups of UFS2 that must say on the disk how many inodes they have before more of them are written."""
        self._freed: dict[int, int] = {}
        self._freed_inodes: list[tuple[int, bool]] = []
        self._groups: dict[int, Group] = {}
        self._inodes: WeakValueDictionary[int, Inode] = WeakValueDictionary()
        self._touched: dict[int, Inode] = {}
        self._nodes: OrderedDict[int, array[int]] = OrderedDict()
        self._swap = (sb.order == "<") != (sys.byteorder == "little")
        self._counts_changed = False

    # -- opening for writing and closing

    def begin_writing(self) -> None:
        """Takes the summary in and marks the disk as in use. EIO, EROFS."""
        sb = self.sb
        raw = b"".join(self.maps.block(sb.csaddr + n) for n in range(-(-sb.cssize // sb.fsize)))
        self.summary = array("i", raw[: sb.ncg * superblock.CSUM])
        if self._swap:
            self.summary.byteswap()
        if min(self.summary) < 0:
            raise KernelError(Errno.EIO, "negative counts in the summary; run fsck", "ffs")
        sb.ndir, sb.nbfree, sb.nifree, sb.nffree = (sum(self.summary[at::4]) for at in range(4))
        sb.clean = 0
        self._write_superblock()
        self.device.flush()
        self.writable = True

    def end_writing(self) -> None:
        """Everything is on the disk, which is clean. EIO, ENOSPC; then it goes on being in use."""
        self.settle()
        if not self.damaged:
            self.sb.clean = CLEAN
        try:
            self._write_superblock()
            self.device.flush()
        except KernelError:
            self.sb.clean = 0
            raise
        self.writable = False

    def _write_superblock(self) -> None:
        superblock.emit_counts(self.sb, self.env.now_ns() // SECOND)
        self.device.write(self.sb.place, memoryview(self.sb.fields.raw)[:_SUPERBLOCK_USED])
        self._counts_changed = False

    def failed(self, error: KernelError) -> KernelError:
        """Notes that the structures on the disk contradict one another: it is not marked as clean any more."""
        if not self.damaged and self.writable:
            self.damaged = True
            self.env.log(f"ffs: {self.device.name}: {error.text}")
        return error

    # -- groups

    def group(self, number: int) -> Group:
        """EIO for a broken one."""
        found = self._groups.get(number)
        if found is None:
            found = self._load_group(number)
            if len(self._groups) * self.sb.bsize > _GROUP_BYTES:
                self._groups = {n: group for n, group in self._groups.items() if group.dirty}
            self._groups[number] = found
        return found

    def _load_group(self, number: int) -> Group:
        sb = self.sb
        first = sb.cgstart(number) + sb.cblkno
        try:
            found = Group(sb, number, b"".join(self.maps.block(first + n) for n in range(sb.frag)))
            counts = [found.ndir, found.nbfree, found.nifree, found.nffree]
            if self.summary[number * 4 : number * 4 + 4].tolist() != counts:
                text = f"cylinder group {number}: counts that are not those of the summary; run fsck"
                raise KernelError(Errno.EIO, text, "ffs")
        except KernelError as error:
            raise self.failed(error) from None
        return found

    def account(self, group: Group) -> None:
        """Brings summary and totals to what a group says."""
        at, summary, sb = group.number * 4, self.summary, self.sb
        sb.ndir += group.ndir - summary[at]
        sb.nbfree += group.nbfree - summary[at + _NBFREE]
        sb.nifree += group.nifree - summary[at + _NIFREE]
        sb.nffree += group.nffree - summary[at + _NFFREE]
        summary[at : at + 4] = array("i", [group.ndir, group.nbfree, group.nifree, group.nffree])
        self._counts_changed = True

    # -- freeing

    def free(self, frag: int, count: int) -> None:
        """Gives up fragments of one block; they come back into use when that is on the disk. EIO."""
        sb = self.sb
        self.check(frag, count)
        number, inside = divmod(frag, sb.fpg)
        first, end = sb.metadata_range(number)
        if inside < end and inside + count > first:
            raise self.failed(KernelError(Errno.EIO, f"fragment {frag} of a file is a structure of the disk", "ffs"))
        block, shift = divmod(frag, sb.frag)
        bits = ((1 << count) - 1) << shift
        pending = self._freed.get(block, 0)
        if (pending | self.group(number).masks[inside // sb.frag]) & bits:
            raise self.failed(KernelError(Errno.EIO, f"fragment {frag} is freed twice; run fsck", "ffs"))
        self._freed[block] = pending | bits
        self.freed_frags += count
        self.meta.forget(frag, count)
        self.dirs.forget(frag, count)
        self._nodes.pop(frag, None)

    def release(self, frag: int, count: int) -> None:
        """Gives back fragments that were allocated and not yet used."""
        number, inside = divmod(frag, self.sb.fpg)
        group = self.group(number)
        group.give(inside, count)
        self.account(group)

    def free_inode(self, inode: Inode, directory: bool) -> None:
        self._touched.pop(inode.number, None)
        self._inodes.pop(inode.number, None)
        self._freed_inodes.append((inode.number, directory))

    @property
    def freed_inodes(self) -> int:
        return len(self._freed_inodes)

    def check(self, frag: int, count: int) -> None:
        """EIO for fragments outside of the file system or across blocks."""
        sb = self.sb
        if frag <= 0 or frag + count > sb.size or frag % sb.frag + count > sb.frag:
            raise KernelError(Errno.EIO, f"fragments {frag} to {frag + count} of {sb.size}", "ffs")

    # -- inodes

    def inode(self, number: int) -> Inode:
        """EIO for a number that does not exist or an inode that is broken."""
        found = self._inodes.get(number)
        if found is None:
            sb = self.sb
            if not ROOT <= number < sb.ncg * sb.ipg:
                raise KernelError(Errno.EIO, f"inode {number} of {sb.ncg * sb.ipg}", "ffs")
            frag, at = sb.inode_place(number)
            found = Inode(sb, number, self.meta.block(frag)[at : at + sb.inode_size])
            self._inodes[number] = found
        return found

    def adopt(self, inode: Inode) -> None:
        """Takes a new inode in."""
        self._inodes[inode.number] = inode
        self.touch(inode)

    def touch(self, inode: Inode) -> None:
        """The inode was changed and has to be written."""
        self._touched[inode.number] = inode

    def _store_inodes(self) -> None:
        sb = self.sb
        for number, inode in self._touched.items():
            frag, at = sb.inode_place(number)
            self.meta.modify(frag)[at : at + sb.inode_size] = inode.emit(sb)
        self._touched.clear()

    def _clear_inode(self, number: int, directory: bool) -> None:
        """Clears a freed inode but for its generation, and frees it in its group."""
        sb = self.sb
        frag, at = sb.inode_place(number)
        generation = (108, 112) if sb.version == 1 else (80, 84)
        block = self.meta.modify(frag)
        kept = bytes(block[at + generation[0] : at + generation[1]])
        block[at : at + sb.inode_size] = bytes(sb.inode_size)
        block[at + generation[0] : at + generation[1]] = kept
        group = self.group(number // sb.ipg)
        group.give_inode(number % sb.ipg, directory)
        self.account(group)

    # -- indirect blocks

    def node(self, frag: int) -> array[int]:
        """The pointers of an indirect block; only `set_pointer` changes them. EIO."""
        found = self._nodes.get(frag)
        if found is not None:
            self._nodes.move_to_end(frag)
            return found
        sb = self.sb
        self.check(frag, sb.frag)
        found = array("i" if sb.version == 1 else "q", b"".join(self.meta.block(frag + n) for n in range(sb.frag)))
        if self._swap:
            found.byteswap()
        self._nodes[frag] = found
        if len(self._nodes) * sb.bsize > _NODE_BYTES:
            self._nodes.popitem(last=False)
        return found

    def set_pointer(self, frag: int, index: int, value: int) -> None:
        """Changes a pointer of an indirect block."""
        self.node(frag)[index] = value
        size = self.sb.pointer_size
        inside, at = divmod(index * size, self.sb.fsize)
        self.meta.modify(frag + inside)[at : at + size] = value.to_bytes(size, self.sb.byteorder)

    # -- writing

    @property
    def over(self) -> bool:
        """Whether so much waits that it should be written."""
        waiting = len(self.meta.dirty) + len(self.dirs.dirty) + len(self._touched)
        return waiting * self.sb.fsize > DIRTY_MAX or len(self._freed) > 1 << 16

    def write_inodes(self) -> None:
        """Step 2 of settling. EIO, ENOSPC."""
        self.before_inodes()
        if self.initialized:
            self._emit_groups([self.group(number) for number in self.initialized])
            self.maps.write_back()
            self.initialized.clear()
        self._store_inodes()
        self.meta.write_back()

    def write_names(self) -> None:
        """Steps 2 and 3. EIO, ENOSPC."""
        self.write_inodes()
        self.dirs.write_back()

    def settle(self) -> None:
        """Writes all that waits, and waits until it is stable. EIO, ENOSPC; what could not be written waits on."""
        self.write_names()
        self._apply_freed()
        self.meta.write_back()
        self._emit_maps()
        self.maps.write_back()
        if self._counts_changed:
            self._write_superblock()
        self.device.flush()

    def _apply_freed(self) -> None:
        sb = self.sb
        while self._freed_inodes:
            self._clear_inode(*self._freed_inodes[-1])
            self._freed_inodes.pop()
        while self._freed:
            block, mask = next(iter(self._freed.items()))
            number, inside = divmod(block * sb.frag, sb.fpg)
            group = self.group(number)
            group.give_mask(inside // sb.frag, mask)
            self.account(group)
            self.freed_frags -= mask.bit_count()
            del self._freed[block]

    def _emit_maps(self) -> None:
        self._emit_groups([group for group in self._groups.values() if group.dirty])

    def _emit_groups(self, groups: list[Group]) -> None:
        sb = self.sb
        now = self.env.now_ns() // SECOND
        for group in groups:
            raw = group.emit(now)
            first = sb.cgstart(group.number) + sb.cblkno
            for n in range(sb.frag):
                self.maps.fresh(first + n)[:] = raw[n * sb.fsize : (n + 1) * sb.fsize]
            self._emit_summary(group.number)
            group.dirty = False

    def _emit_summary(self, number: int) -> None:
        frag, at = divmod(number * superblock.CSUM, self.sb.fsize)
        counts = self.summary[number * 4 : number * 4 + 4]
        if self._swap:
            counts.byteswap()
        self.maps.modify(self.sb.csaddr + frag)[at : at + superblock.CSUM] = counts.tobytes()

    def forget_changes(self) -> None:
        """A forced unmount of a device that cannot be written: what waits is lost."""
        for cache in (self.meta, self.dirs, self.maps):
            cache.dirty.clear()
        self._touched.clear()


def is_directory(inode: Inode) -> bool:
    return inode.kind == const.S_IFDIR


__all__ = ["Volume", "bad", "is_directory"]

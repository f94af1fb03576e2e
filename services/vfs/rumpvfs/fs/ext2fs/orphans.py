"""The list of orphans: inodes without a name, or that are being cut, which the next mount must finish.

It begins in the superblock and goes on in the inodes, where others have the time of their deletion. In memory it is a
dict in the order of the list backwards: a new orphan is put at its beginning.
"""

from __future__ import annotations

from .inode import Inode
from .transaction import Transaction


class Orphans:
    """The orphans of one mount."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._list: dict[int, Inode] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._list

    @property
    def first(self) -> int:
        """What the superblock has; 0 when there are none."""
        return next(reversed(self._list), 0)

    def unnamed(self) -> list[Inode]:
        """Those that have no name: whoever holds them has to let go at the end of the mount."""
        return [inode for inode in self._list.values() if inode.links == 0]

    def known(self, inode: Inode) -> None:
        """One that is on the disk's list already; the last of it comes first."""
        self._list[inode.number] = inode

    def add(self, inode: Inode) -> None:
        if inode.number in self._list:
            return
        self._transaction.touch(inode)
        inode.dtime = self.first
        self._list[inode.number] = inode
        self._transaction.on_undo(lambda: self._restore({n: i for n, i in self._list.items() if n != inode.number}))

    def remove(self, inode: Inode) -> None:
        if inode.number not in self._list:
            return
        if self.first == inode.number:
            self._transaction.on_undo(lambda: self._list.update({inode.number: inode}))
        else:
            saved = dict(self._list)
            self._transaction.on_undo(lambda: self._restore(saved))
            self._pass_over(inode)
        del self._list[inode.number]
        self._transaction.touch(inode)
        inode.dtime = 0

    def _pass_over(self, inode: Inode) -> None:
        """The orphan that has this one as its next takes over what this one has."""
        before = inode
        for number in reversed(self._list):
            if number == inode.number:
                break
            before = self._list[number]
        self._transaction.touch(before)
        before.dtime = inode.dtime

    def _restore(self, saved: dict[int, Inode]) -> None:
        self._list = saved

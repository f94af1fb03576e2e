"""Advisory locks of files (flock(2), fcntl(2)): who holds which range of which file, and who waits for whom.

All locks of a file are in one list, those of flock too, which are locks of the whole file: so both kinds exclude one
another, as in the original. A lock belongs to an owner: a process (its number) for fcntl, an open file description for
flock. What an owner locks takes the place of its own locks in that range; neighbours of one kind become one lock.

Nothing here waits. `LockTable.conflict` says what is in the way, and `Waits` whether waiting for it would be for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rumpvfs.core.vnode import Vnode
from rumpwire.errno import Errno, KernelError

END = (1 << 63) - 1
"""The last byte that a file can have; a lock to the end of the file ends here."""
PER_USER = 1024
"""maxlocksperuid of the original; not for the superuser."""
TOTAL = 65536
"""Locks of all users together."""


@dataclass(slots=True, frozen=True)
class Lock:
    """Bytes ``start`` to ``end``, inclusive. ``pid`` is what F_GETLK tells: -1 for a lock of flock."""

    owner: Hashable
    start: int
    end: int
    exclusive: bool
    pid: int
    uid: int

    def overlaps(self, start: int, end: int) -> bool:
        return self.start <= end and start <= self.end

    def part(self, start: int, end: int) -> Lock:
        return Lock(self.owner, start, end, self.exclusive, self.pid, self.uid)


class LockTable:
    """The locks of all files, by vnode."""

    __slots__ = ("_files", "_users", "changed", "total")

    def __init__(self, changed: Callable[[Vnode, Sequence[Lock]], None] = lambda vnode, locks: None) -> None:
        self.changed = changed
        self._files: dict[Vnode, list[Lock]] = {}
        self._users: dict[int, int] = {}
        self.total = 0

    def of(self, vnode: Vnode) -> list[Lock]:
        """In the order of their first bytes."""
        return sorted(self._files.get(vnode, ()), key=lambda lock: lock.start)

    def conflict(self, vnode: Vnode, wanted: Lock) -> Lock | None:
        """The first lock of somebody else that excludes the wanted one."""
        return next(self.conflicts(vnode, wanted), None)

    def conflicts(self, vnode: Vnode, wanted: Lock) -> Iterator[Lock]:
        for lock in self.of(vnode):
            if (
                lock.owner != wanted.owner
                and (lock.exclusive or wanted.exclusive)
                and lock.overlaps(wanted.start, wanted.end)
            ):
                yield lock

    def set(self, vnode: Vnode, wanted: Lock) -> None:
        """Enters a lock that nothing is in the way of. ENOLCK when its user has too many, or there are too many."""
        if self.total >= TOTAL or (wanted.uid != 0 and self._users.get(wanted.uid, 0) >= PER_USER):
            raise KernelError(Errno.ENOLCK, "too many locks")
        kept = self._without(vnode, wanted.owner, wanted.start, wanted.end)
        start, end = wanted.start, wanted.end
        for lock in list(kept):
            beside = lock.start == end + 1 or lock.end == start - 1
            if beside and lock.owner == wanted.owner and lock.exclusive == wanted.exclusive:
                start, end = min(start, lock.start), max(end, lock.end)
                kept.remove(lock)
        kept.append(wanted.part(start, end))
        self._replace(vnode, kept)

    def clear(self, vnode: Vnode, owner: Hashable, start: int = 0, end: int = END) -> bool:
        """Takes away what an owner has in a range: whether that was anything. A lock may come apart in two by it."""
        held = self._files.get(vnode)
        if held is None or not any(lock.owner == owner and lock.overlaps(start, end) for lock in held):
            return False
        self._replace(vnode, self._without(vnode, owner, start, end))
        return True

    def files_of(self, owner: Hashable) -> list[Vnode]:
        return [vnode for vnode, held in self._files.items() if any(lock.owner == owner for lock in held)]

    def _without(self, vnode: Vnode, owner: Hashable, start: int, end: int) -> list[Lock]:
        kept: list[Lock] = []
        for lock in self._files.get(vnode, ()):
            if lock.owner != owner or not lock.overlaps(start, end):
                kept.append(lock)
                continue
            if lock.start < start:
                kept.append(lock.part(lock.start, start - 1))
            if lock.end > end:
                kept.append(lock.part(end + 1, lock.end))
        return kept

    def _replace(self, vnode: Vnode, locks: list[Lock]) -> None:
        self._count(self._files.pop(vnode, ()), -1)
        self._count(locks, 1)
        if locks:
            self._files[vnode] = locks
        self.changed(vnode, locks)

    def _count(self, locks: Iterable[Lock], by: int) -> None:
        for lock in locks:
            self.total += by
            left = self._users.get(lock.uid, 0) + by
            if left:
                self._users[lock.uid] = left
            else:
                self._users.pop(lock.uid, None)


class Waits:
    """Which owners wait for locks, and for which: for finding circles. One may wait in several calls at once."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[tuple[Vnode, Lock]]] = {}

    def begin(self, vnode: Vnode, wanted: Lock) -> None:
        self._waiting.setdefault(wanted.owner, []).append((vnode, wanted))

    def end(self, vnode: Vnode, wanted: Lock) -> None:
        entries = self._waiting[wanted.owner]
        entries.remove((vnode, wanted))
        if not entries:
            del self._waiting[wanted.owner]

    def circle(self, table: LockTable, vnode: Vnode, wanted: Lock) -> bool:
        """Whether somebody whom the wanted lock would wait for waits, over however many others, for its owner."""
        seen: set[Hashable] = set()
        front: list[tuple[Vnode, Lock]] = [(vnode, wanted)]
        while front:
            where, waiting = front.pop()
            for lock in table.conflicts(where, waiting):
                if lock.owner == wanted.owner:
                    return True
                if lock.owner not in seen:
                    seen.add(lock.owner)
                    front += self._waiting.get(lock.owner, ())
        return False

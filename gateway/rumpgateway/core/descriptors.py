"""Descriptor tables: numbers of a process for open objects of components.

A *description* is an open object (open file, socket, pipe end) behind a handle of its owner. Descriptors of one or
several processes share it after dup and fork; the owner is told to close it when the last of them goes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from rumpuser.records import Records
from rumpwire import const
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError

SEMAPHORE_CALLS = {op.name for op in OPS.values() if op.name.startswith("ksem_")}


class Description:
    """An open object. ``refs`` counts the descriptors that name it, and the messages that it is in (``flying``).

    ``device`` is dev's own handle for what vfs opened as a device node, 0 for other objects, None while nobody has
    asked.
    """

    __slots__ = ("asynchronous", "device", "flying", "handle", "owner", "pgid", "refs")

    inherited = True
    """Whether a child that is forked gets it."""

    def __init__(self, owner: str, handle: int) -> None:
        self.owner = owner
        self.handle = handle
        self.refs = 0
        self.flying = 0
        self.pgid = 0
        """Who would get its signals (F_SETOWN): a process, or a negative process group."""
        self.asynchronous = 0
        """The number that it is watched by for SIGIO, 0 when it is not."""
        self.device: int | None = None if owner == "vfs" else 0


class DescriptorTable:
    """The descriptors of one process. New ones get the lowest free number."""

    __slots__ = ("_count", "_free", "_pid", "_records", "_slots", "cloexec", "limit", "users")

    def __init__(self, limit: int = const.OPEN_MAX) -> None:
        self._slots: list[Description | None] = []
        self._count = 0
        self._free: list[int] = []  # heap of the numbers below len(_slots) that are free; may hold stale ones
        self.cloexec: set[int] = set()
        self.limit = limit
        self.users = 1
        """Processes that share it."""
        self._pid = 0
        self._records: Records | None = None

    def record(self, pid: int, records: Records) -> None:
        """From here on a successor of the gateway will know these descriptors as those of a process."""
        self._pid, self._records = pid, records
        self.write_down()

    def write_down(self, fd: int | None = None) -> None:
        """Records what a number stands for, and the others too if none is given."""
        if self._records is None:
            return
        for number in range(len(self._slots)) if fd is None else (fd,):
            found = self._slots[number]
            if found is not None:
                value = (found.owner, found.handle, found.pgid, number in self.cloexec)
                self._records.put("fd", (self._pid, number), value)

    def set_cloexec(self, fd: int, on: bool) -> None:
        (self.cloexec.add if on else self.cloexec.discard)(fd)
        self.write_down(fd)

    def get(self, fd: int) -> Description:
        """EBADF."""
        slots = self._slots
        if 0 <= fd < len(slots):
            found = slots[fd]
            if found is not None:
                return found
        raise KernelError(Errno.EBADF, f"descriptor {fd} is not open")

    def find(self, fd: int) -> Description | None:
        return self._slots[fd] if 0 <= fd < len(self._slots) else None

    def room(self, wanted: int) -> None:
        """EMFILE unless so many more descriptors fit."""
        if wanted and len(self) + wanted > self.limit:
            raise KernelError(Errno.EMFILE, f"{len(self)} of {self.limit} descriptors are open")

    def install(self, description: Description, *, lowest: int = 0, cloexec: bool = False) -> int:
        """Gives the description the lowest free number from ``lowest`` on. EMFILE."""
        fd = self._lowest(lowest)
        if fd >= self.limit:
            raise KernelError(Errno.EMFILE, f"no descriptor from {lowest} to {self.limit - 1} is free")
        self._put(fd, description, cloexec)
        return fd

    def replace(self, fd: int, description: Description, *, cloexec: bool = False) -> Description | None:
        """dup2: puts a description at a number; what was there before, if that must now be closed. EBADF."""
        if not 0 <= fd < self.limit:
            raise KernelError(Errno.EBADF, f"descriptor {fd} is out of range")
        gone = self.remove(fd) if self.find(fd) is not None else None
        self._put(fd, description, cloexec)
        return gone

    def restore(self, fd: int, description: Description, *, cloexec: bool) -> None:
        """Puts back what a predecessor had at a number, also where the limit is below it by now."""
        self._put(fd, description, cloexec)

    def remove(self, fd: int) -> Description | None:
        """Frees a number; the description, if this was its last. EBADF."""
        description = self.get(fd)
        self._slots[fd] = None
        self._count -= 1
        self.cloexec.discard(fd)
        if self._records is not None:
            self._records.delete("fd", (self._pid, fd))
        heapq.heappush(self._free, fd)
        description.refs -= 1
        return None if description.refs else description

    def share(self) -> DescriptorTable:
        """fork with RFSHARE: the same table for one process more."""
        self.users += 1
        return self

    def copy(self) -> DescriptorTable:
        """fork: a table with the same descriptions."""
        table = DescriptorTable(self.limit)
        table._slots = [found if found is not None and found.inherited else None for found in self._slots]
        table._free = [fd for fd, found in enumerate(table._slots) if found is None]
        for fd, description in table.items():
            description.refs += 1
            table._count += 1
            if fd in self.cloexec:
                table.cloexec.add(fd)
        return table

    def items(self) -> Iterator[tuple[int, Description]]:
        return ((fd, found) for fd, found in enumerate(self._slots) if found is not None)

    def descriptions(self) -> Iterator[Description]:
        return (found for found in self._slots if found is not None)

    def __len__(self) -> int:
        return self._count

    def _put(self, fd: int, description: Description, cloexec: bool) -> None:
        while len(self._slots) <= fd:
            heapq.heappush(self._free, len(self._slots))
            self._slots.append(None)
        self._slots[fd] = description
        self._count += 1
        description.refs += 1
        if cloexec:
            self.cloexec.add(fd)
        if self._records is not None:
            self.write_down(fd)

    def _lowest(self, lowest: int) -> int:
        if lowest <= 0:
            while self._free:
                fd = self._free[0]
                if self._slots[fd] is None:
                    return fd  # it stays there until it is taken: the limit may be below it
                heapq.heappop(self._free)
            return len(self._slots)
        fd = lowest
        while self.find(fd) is not None:
            fd += 1
        return fd


def misplaced(op: Op, owner: str) -> bool:
    """Whether a call is for descriptors of its own faction alone, and this one is another's."""
    return owner != op.faction and (op.faction in ("vfs", "net") or op.name in SEMAPHORE_CALLS)

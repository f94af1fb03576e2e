"""Transactions: what is changed on the way from one consistent state of the disk to the next.

Metadata is changed in buffers (`rumpvfs.core.buffer`). An *operation* is what one call does; it is done whole or, when
it fails, undone: the first time that it touches a block or an inode the old state is put aside. A *transaction* is all
operations since the last commit. What is costly is done once, when it is committed: inodes are packed into their
table, counts into group descriptors, and checksums are computed (`Transaction.seals`).

With a journal (`log.Log`) a commit writes the changed blocks to the log, and they go to their places later, when the
log runs short (`checkpoint`); without one they are written to their places at once. Blocks that were freed are not
used again before the commit, so that the state before it stays whole on the disk.

Contents of files are written when the caller writes them, and those of blocks that were not a file's before have a
barrier behind them before the commit (ordered mode). A journal whose commits need no barrier of their own would have it
for those alone, so a little of them (`KEEP_MAX`) is kept as if it were metadata, and goes through the journal: what
fsync of a small file has to wait for is one flush.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Protocol

from rumpvfs.core.buffer import BufferCache
from rumpvfs.core.vnode import BlockDevice, Environment
from rumpwire.errno import Errno, KernelError

from .inode import Inode

# A transaction is committed when it is this old and something else begins.
COMMIT_AGE_NS = 5_000_000_000
# Bytes of buffers that may wait for their places.
DIRTY_MAX = 16 << 20
# Blocks of one transaction where no journal sets the bound.
BLOCKS_MAX = 4096
# Bytes of contents of files that a transaction keeps.
KEEP_MAX = 64 << 10

Seal = Callable[[bytearray], None]


class Journal(Protocol):
    """Where transactions are written before their blocks go to their places."""

    blocks_max: int
    asynchronous: bool

    def write(
        self, blocks: dict[int, bytearray], numbers: list[int], revoked: list[int], now_ns: int, *, ordered: bool
    ) -> None:
        """Makes a transaction permanent; ``ordered``: what was written to the device has to be there before it. EIO."""
        ...

    @property
    def short(self) -> bool:
        """Whether there may be no room for one more transaction."""
        ...

    def empty(self) -> None:
        """Forgets all transactions: their blocks are at their places. EIO."""
        ...


class _Before(NamedTuple):
    """A buffer as it was before an operation."""

    data: bytes
    running: bool
    revoked: bool
    contents: bool
    seal: Seal | None


class Transaction:
    """The running transaction of one mount. ``prepare`` is called first in a commit, ``committed`` last."""

    def __init__(self, device: BlockDevice, block_size: int, env: Environment, journal: Journal | None) -> None:
        self.cache = BufferCache(device, block_size, limit=DIRTY_MAX, reserve=env.reserve_buffers)
        self.journal = journal
        self.running: set[int] = set()
        self.seals: dict[int, Seal] = {}
        self.inodes: dict[int, Inode] = {}
        self.prepare: Callable[[], None] = lambda: None
        self.committed: Callable[[], None] = lambda: None
        self.undone: Callable[[], None] = lambda: None
        self.aborted = ""
        # Blocks in the cache that are contents of files; whether others were written and must be there before a commit.
        self.contents: set[int] = set()
        self.ordered = False
        self._kept_bytes = 0
        self._logged: set[int] = set()
        self._env = env
        self._device = device
        self._begun_ns = 0
        self._revoked: set[int] = set()
        self._depth = 0
        self._blocks: dict[int, _Before | None] = {}
        self._inodes: dict[int, tuple[Inode, tuple[object, ...], bool]] = {}
        self._undo: list[Callable[[], None]] = []
        self._limit = journal.blocks_max if journal else BLOCKS_MAX

    # -- operations

    def __enter__(self) -> Transaction:
        """Begins an operation, or joins the one that is going on. EROFS after a failed commit, EIO, ENOSPC."""
        if self._depth == 0:
            self._begin()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            if kind is not None:
                self._roll_back()
            self._settle()

    def _begin(self) -> None:
        self.check()
        now = self._env.now_ns()
        if self.pending and (now - self._begun_ns > COMMIT_AGE_NS or len(self.running) + len(self.inodes) > self._room):
            self.commit()
        if not self.pending:
            self._begun_ns = now

    @property
    def _room(self) -> int:
        """Blocks that a transaction has before the next operation begins another one."""
        return self._limit

    @property
    def pending(self) -> bool:
        return bool(self.running or self.inodes)

    def check(self) -> None:
        """EROFS when the journal could not be written: what is on the disk stays as it is."""
        if self.aborted:
            raise KernelError(Errno.EROFS, f"read-only after an error: {self.aborted}", "ext2fs")

    def part_done(self) -> None:
        """In a long operation, at a point where all is consistent: what is done so far stays. EIO."""
        if self._depth != 1:
            return
        self._settle()
        if len(self.running) + len(self.inodes) > self._room:
            self.commit()

    def _settle(self) -> None:
        self._blocks.clear()
        self._inodes.clear()
        self._undo.clear()

    def _roll_back(self) -> None:
        for undo in reversed(self._undo):
            undo()
        for number, before in self._blocks.items():
            self._restore(number, before)
        for inode, state, dirty in self._inodes.values():
            inode.restore(state)
            if not dirty:
                self.inodes.pop(inode.number, None)
        self.undone()

    def _restore(self, number: int, before: _Before | None) -> None:
        if before is None:
            self._drop(number)
            return
        found = self.cache.dirty.get(number)
        if found is None:
            self.cache.dirty[number] = bytearray(before.data)
        else:
            found[:] = before.data
        (self.running.add if before.running else self.running.discard)(number)
        (self.contents.add if before.contents else self.contents.discard)(number)
        if not before.revoked:
            self._revoked.discard(number)
        self.seals.pop(number, None)
        if before.seal is not None:
            self.seals[number] = before.seal

    # -- changing

    def modify(self, number: int) -> bytearray:
        """A block of metadata to be changed in place. EIO, ENOSPC for an operation that is too large."""
        found = self.cache.dirty.get(number)
        if number not in self._blocks:
            self._remember(number, found)
        if found is None:
            found = self.cache.modify(number)
        self._note(number)
        return found

    def fresh(self, number: int, seal: Seal | None = None) -> bytearray:
        """A new block of metadata, all zeros."""
        if number not in self._blocks:
            self._remember(number, self.cache.dirty.get(number))
        self.seals.pop(number, None)
        made = self.cache.fresh(number)
        self._note(number)
        if seal is not None:
            self.seals[number] = seal
        return made

    def forget(self, number: int) -> None:
        """A block of metadata that was freed: neither it nor an older copy in the log is ever written again."""
        found = self.cache.dirty.get(number)
        if found is None:
            return
        if number not in self._blocks:
            self._remember(number, found)
        self._drop(number)
        if number in self._logged:
            self._revoked.add(number)

    def _drop(self, number: int) -> None:
        self.cache.forget(number)
        self.running.discard(number)
        self.contents.discard(number)
        self.seals.pop(number, None)

    def forget_contents(self, block: int, count: int) -> None:
        """The same for what is kept of a file's blocks."""
        for number in self.contents.intersection(range(block, block + count)) if self.contents else ():
            self.forget(number)

    def keep(self, length: int) -> bool:
        """Whether ``length`` bytes of a file may be put into buffers (`contents`). Else they are written, ordered."""
        if self.journal is None or not self.journal.asynchronous or self.ordered:
            return False
        if self._kept_bytes + length > min(KEEP_MAX, self._limit * self.cache.block_size // 4):
            return False
        self._kept_bytes += length
        return True

    def touch(self, inode: Inode) -> None:
        """Says that an inode is about to change."""
        number = inode.number
        if self._depth and number not in self._inodes:
            self._inodes[number] = (inode, inode.state(), number in self.inodes)
        self.inodes[number] = inode
        inode.stat = None

    def on_undo(self, undo: Callable[[], None]) -> None:
        """What is to be done, last one first, if this operation fails."""
        if self._depth:
            self._undo.append(undo)

    def _remember(self, number: int, found: bytearray | None) -> None:
        if self._depth:
            self._blocks[number] = None if found is None else self._before(number, found)

    def _before(self, number: int, found: bytearray) -> _Before:
        state = number in self.running, number in self._revoked, number in self.contents
        return _Before(bytes(found), *state, self.seals.get(number))

    def _note(self, number: int) -> None:
        self.running.add(number)
        self._revoked.discard(number)
        if len(self.running) > self._limit * 3 // 2 and self._depth:
            raise KernelError(Errno.ENOSPC, f"{len(self.running)} blocks in one transaction", "ext2fs")

    # -- committing

    def commit(self) -> None:
        """Makes all that was done permanent. EIO: with a journal nothing can be written from then on."""
        self.check()
        if self.pending:
            try:
                self._seal()
            except KernelError as error:
                self.abort(str(error))
                raise
            self._write()
            self._logged |= self.running
            self.running.clear()
            self._revoked.clear()
            self.seals.clear()
            self.ordered = False
            self._kept_bytes = 0
            self.committed()
        if self.journal is not None and (self.journal.short or self.cache.over):
            self.checkpoint()

    def flush(self) -> None:
        """Commits, or at least brings the contents that were written to stable storage. EIO, EROFS."""
        if self.pending:
            self.commit()
        else:
            self.check()
            self._device.flush()

    def _seal(self) -> None:
        depth, self._depth = self._depth, 0  # What is sealed is not undone.
        try:
            self.prepare()
        finally:
            self._depth = depth
        dirty = self.cache.dirty
        for number, seal in self.seals.items():
            raw = dirty.get(number)
            if raw is not None:
                seal(raw)

    def _write(self) -> None:
        if self.journal is None:
            self._device.flush()
            self.cache.flush()
            return
        try:
            running, revoked = sorted(self.running), sorted(self._revoked)
            self.journal.write(self.cache.dirty, running, revoked, self._env.now_ns(), ordered=self.ordered)
        except KernelError as error:
            self.abort(str(error))
            raise

    def checkpoint(self) -> None:
        """Writes committed blocks to their places; nothing may be pending. EIO."""
        assert not self.running
        if self.journal is None or not self.cache.dirty:
            return
        try:
            self.cache.flush()
            self.journal.empty()
            self.contents.clear()
            self._logged.clear()
        except KernelError as error:
            self.abort(str(error))
            raise

    def abort(self, why: str) -> None:
        self.aborted = self.aborted or why
        self._env.log(f"ext2fs: {self._device.name}: {why}; nothing more is written")

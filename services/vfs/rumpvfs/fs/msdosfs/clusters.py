"""The clusters of files, as they are let go of and vetted. FAT and exFAT have it in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from rumpvfs.core.buffer import BufferCache
from rumpvfs.core.vnode import BlockDevice, Environment
from rumpwire.errno import Errno, KernelError

from .bpb import Geometry
from .chain import Chain
from .claims import CLUSTERS_MAX, Claims
from .contents import Contents
from .fat import Fat, Run

LATER_MAX = 100_000
"""Runs of clusters that wait to be free, at most; then all is written."""


class Clusters(Contents):
    """``type_name`` is the file system's. ``later`` and ``stops`` are clusters that are free, and that end their
    chains, as soon as the directories that say otherwise are written. ``claims`` are there from the first change on,
    None before and on a disk that is too large; ``claim_names`` adds those of the directories that are in use then.
    ``dirty_before``: it had not been unmounted the last time, and so it stays.
    """

    __slots__ = ("buffers", "claim_names", "claims", "dirty_before", "env", "fat", "later", "readonly", "stops")

    type_name = ""
    fat: Fat

    def __init__(self, device: BlockDevice, geometry: Geometry, env: Environment) -> None:
        super().__init__(device, geometry)
        self.env = env
        self.readonly = True
        self.dirty_before = False
        self.buffers = BufferCache(device, geometry.sector, reserve=env.reserve_buffers)
        self.later: list[Run] = []
        self.stops: set[int] = set()
        self.claims: Claims | None = None
        self.claim_names: Callable[[], None] = lambda: None

    @abstractmethod
    def open_for_writing(self) -> None:
        """From now on the disk says that it is in use. EROFS, EIO."""

    @abstractmethod
    def close_for_writing(self) -> None:
        """Writes everything; the disk says that it is clean, unless it was not before. EIO, ENOSPC."""

    @abstractmethod
    def free_clusters(self) -> int:
        """Those that wait to be free among them. EIO."""

    @abstractmethod
    def write_back(self, *, barrier: bool = False) -> None: ...

    @abstractmethod
    def _references(self) -> bytearray:
        """For each number of a cluster how many clusters lead to it. EIO."""

    @abstractmethod
    def _system(self) -> list[Run]:
        """The clusters that the file system itself has and no other leads to."""

    @abstractmethod
    def _take_free(self, start: int, length: int) -> bool:
        """Takes clusters that a name leads to out of what is free; whether one of them was."""

    @abstractmethod
    def _allocate_near(self, count: int, near: int) -> list[Run]:
        """ENOSPC, EIO; then nothing is changed."""

    @abstractmethod
    def _free(self, runs: list[Run]) -> None: ...

    @property
    def _over(self) -> bool:
        """Whether so much waits to be written that it should be."""
        return self.buffers.over or self.fat.over or len(self.later) + len(self.stops) > LATER_MAX

    def begin(self) -> None:
        """Before something is changed: makes room among what waits to be written. EROFS, EIO, ENOSPC."""
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.device.name} is mounted read-only", self.type_name)
        if self.claims is None and self.geometry.clusters <= CLUSTERS_MAX:
            self.claims = Claims(self._references())
            for start, length in self._system():
                self.claim(start, length)
            self.claim_names()
        if self._over:
            self.write_back()

    def sync(self) -> None:
        """Everything is where it stays. EIO, ENOSPC."""
        if not self.readonly:
            self.write_back(barrier=True)
            self.device.flush()

    # -- whose they are

    def spoilt(self, text: str) -> None:
        """The disk contradicts itself: it should be checked, and is not clean until then."""
        self.env.log(f"{self.type_name}: {self.device.name}: {text}; it should be checked")
        self.dirty_before = True

    def vet(self, chain: Chain) -> None:
        """Before something in the known clusters of a chain is changed. EIO when others have some of them too."""
        if self.claims is not None and self.claims.own(chain) < chain.known:
            self.spoilt(text := f"the file at cluster {chain.first} has clusters that are another's too")
            raise KernelError(Errno.EIO, text, self.type_name)

    def claim(self, start: int, length: int = 1) -> None:
        """A name leads there: that is not free, whatever else the disk says."""
        if self.claims is not None:
            self.claims.add(start, length)
            if self._take_free(start, length):
                self.spoilt(f"{length} clusters from {start} on are a file's, and not all of them in use")

    # -- taking and letting go

    def allocate(self, count: int, near: int) -> list[Run]:
        """Clusters, near a number where that can be. ENOSPC, EIO; then nothing is changed."""
        try:
            runs = self._allocate_near(count, near)
        except KernelError as error:
            if error.errno != Errno.ENOSPC or not self.later:
                raise
            self.write_back()
            runs = self._allocate_near(count, near)
        if self.claims is not None:
            self.claims.taken(runs)
        return runs

    def release(self, runs: list[Run]) -> None:
        """They can be taken again."""
        self._free(runs)
        if self.claims is not None:
            self.claims.freed(runs)

    def shorten(self, chain: Chain, keep: int) -> None:
        """Lets go of the clusters of a file behind the first ``keep``. EIO when the last of those is another's too.

        A chain without a sound end may lead into other files: its clusters are left as they are, for a check to find.
        Those that others have too are theirs from now on.
        """
        try:
            sound = chain.all() >= keep
        except KernelError as error:
            self.spoilt(error.text)
            sound = False
        if keep >= chain.known:
            return
        own = chain.known if self.claims is None else self.claims.own(chain)
        if own < keep:
            self.vet(chain)
        theirs = chain.cut(own) if own < chain.known else []
        gone = chain.cut(keep)
        if sound:
            self.later += gone
        if theirs and self.claims is not None:
            self.spoilt(f"clusters from {theirs[0][0]} on were in use by two files")
            self.claims.leave(theirs, linked=chain.linked)
        if keep and chain.linked:
            self.stops.add(chain.tail)

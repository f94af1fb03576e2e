"""What happens to files and mounts, for kqueue(2): EVFILT_VNODE, EVFILT_FS, and EVFILT_READ of files that grow.

A vnode has `Notes` once somebody watches it; without them nothing is noted and nothing costs.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.component import Context
from rumpuser.kqueue import Filter, Knote
from rumpuser.readiness import IN, Selinfo
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import KnoteSpec


class Notes:
    """Who watches a file: ``changed`` for readiness, ``events`` for what happens to it (NOTE_*)."""

    __slots__ = ("changed", "events")

    def __init__(self) -> None:
        self.changed = Selinfo()
        self.events = Selinfo()

    def happened(self, what: int) -> None:
        self.events.notify(what)
        if what & (const.NOTE_WRITE | const.NOTE_EXTEND | const.NOTE_ATTRIB):
            self.changed.notify(IN)


def notes_of(vnode: Vnode) -> Notes:
    base = vnode.base()
    if base.notes is None:
        base.notes = Notes()
    return base.notes


def note(vnode: Vnode, what: int) -> None:
    """Something happened to a file."""
    notes = vnode.base().notes
    if notes is not None:
        notes.happened(what)


def name_taken(vnode: Vnode) -> None:
    """One of its names is gone, perhaps the last."""
    notes = vnode.base().notes
    if notes is not None:
        gone = vnode.vtype is VType.DIR or vnode.getattr().st_nlink == 0
        notes.happened(const.NOTE_DELETE if gone else const.NOTE_LINK)


class HappenedFilter(Filter):
    """Gathers the bits of what was asked for until they are told."""

    def holds(self, knote: Knote, hint: int) -> bool:
        knote.fflags |= hint & knote.sfflags
        return knote.fflags != 0


class VnodeFilter(HappenedFilter):
    """EVFILT_VNODE of open files."""

    def __init__(self, vnode_of: Callable[[int], Vnode]) -> None:
        self._vnode_of = vnode_of

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """EBADF; EINVAL for a kqueue."""
        if spec.queue:
            raise KernelError(Errno.EINVAL, "a kqueue is no file")
        return notes_of(self._vnode_of(spec.object)).events.listen(knote, knote.look)


class MountFilter(HappenedFilter):
    """EVFILT_FS: file systems that are mounted (VQ_MOUNT) and unmounted (VQ_UNMOUNT), whatever fflags say."""

    def __init__(self, events: Selinfo) -> None:
        self._events = events

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        knote.flags |= const.EV_CLEAR
        return self._events.listen(knote, knote.look)

    def holds(self, knote: Knote, hint: int) -> bool:
        knote.fflags |= hint
        return knote.fflags != 0

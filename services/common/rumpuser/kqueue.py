"""Kqueues (kqueue(2)): what is watched, and what has happened.

A kqueue is spread over the components: each has a *part*, which watches that component's own objects and is a whole
kqueue for them. Flags are kept and conditions looked at where the object is, when events are taken out; so the rules of
EV_CLEAR, EV_ONESHOT and the rest hold exactly, however far the object is from the caller. The gateway knows which
parts there are and merges them (`rumpgateway.core.kqueue`); a part has the number that the gateway gave the kqueue.

How a knote fires: whoever changes an object notifies its `Selinfo`; the filter of each knote there looks whether its
condition holds, and if so the knote becomes active and is queued. `Kqueue.collect` looks again (somebody may have
been quicker) and gives the event. EV_CLEAR then forgets the state, EV_ONESHOT the knote, EV_DISPATCH disables it; else
the knote stays queued, until its condition is found not to hold any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rumpuser import quota
from rumpuser.component import KERNEL, Context, Entry
from rumpuser.pending import Timers
from rumpuser.plain import flat, whole
from rumpuser.readiness import IN, OUT, Find, Measure, Poller, Selectable, SelectChannel, Selinfo
from rumpuser.records import NoRecords, Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Kevent, KnoteSpec

ACTIONS = const.EV_ADD | const.EV_DELETE | const.EV_ENABLE | const.EV_DISABLE | const.EV_RECEIPT
"""Flags that say what a change does; the others stay with the knote."""
DESCRIPTOR_FILTERS = (const.EVFILT_READ, const.EVFILT_WRITE, const.EVFILT_VNODE, const.EVFILT_EMPTY)
"""Filters whose ident is a descriptor."""
KNOTES_MAX = 1 << 17
"""Knotes that one part may hold (ENOMEM)."""
KNOTE_SIZE = 256
"""Bytes that one is taken to cost, of what an identity may hold."""
NEST_MAX = 8
"""Kqueues in kqueues: each level is looked through with every event."""
ALL = -1
"""In the place of an ident: the whole part."""


class Knote:
    """One thing that is watched. ``fflags`` and ``data`` are what is told, ``sfflags`` and ``sdata`` what was asked."""

    __slots__ = (
        "active", "data", "detach", "disabled", "fflags", "filter", "flags", "ident", "ops", "queue", "sdata",
        "sfflags", "udata", "watched",
    )  # fmt: skip

    def __init__(self, queue: Kqueue, spec: KnoteSpec, ops: Filter) -> None:
        self.queue = queue
        self.ops = ops
        self.ident = spec.ident
        self.filter = spec.filter
        self.flags = spec.flags & ~ACTIONS
        self.sfflags = spec.fflags
        self.sdata = spec.data
        self.udata = spec.udata
        self.fflags = 0
        self.data = 0
        self.active = False
        self.disabled = False
        self.detach: Callable[[], None] = _nothing
        self.watched = Selectable()

    @property
    def key(self) -> tuple[int, int]:
        return self.filter, self.ident

    def look(self, hint: int = 0) -> None:
        """The object may have changed: becomes active when the condition holds."""
        if self.ops.holds(self, hint):
            self.activate()

    def activate(self) -> None:
        self.active = True
        if not self.disabled:
            self.queue.enqueue(self)

    def event(self) -> Kevent:
        return Kevent(self.ident, self.filter, self.flags, self.fflags, self.data, self.udata)


class Filter:
    """What knotes of one kind watch (filterops)."""

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """Begins to watch; returns what ends it. Errors of the filter: EBADF, EINVAL, ESRCH, ..."""
        raise NotImplementedError

    def holds(self, knote: Knote, hint: int) -> bool:
        """Whether there is something to tell, which goes into the knote. ``hint`` is 0 when nothing has happened."""
        raise NotImplementedError

    def touch(self, knote: Knote, spec: KnoteSpec) -> None:
        """A change of a knote that is there."""
        knote.sfflags, knote.sdata = spec.fflags, spec.data

    def told(self, knote: Knote) -> None:
        """EV_CLEAR: what was told is over."""
        knote.data = knote.fflags = 0


class ReadyFilter(Filter):
    """EVFILT_READ and EVFILT_WRITE of a component's objects, and EVFILT_READ of parts of other kqueues."""

    def __init__(self, find: Find, queue: Callable[[int], Kqueue]) -> None:
        self._find = find
        self._queue = queue

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """EBADF; EINVAL where the object has no such filter, ELOOP for a kqueue that would watch itself."""
        found = knote.watched = self._queue(spec.queue) if spec.queue else self._find(spec.object)
        if isinstance(found, Kqueue):
            found.check_watcher(knote.queue)
        if found.measure(knote.filter) is None:
            raise KernelError(Errno.EINVAL, f"descriptor {knote.ident} has no filter {knote.filter}")
        wanted = IN if knote.filter == const.EVFILT_READ else OUT

        def hear(events: int) -> None:
            if events & wanted:
                knote.look(events)

        return found.selinfo.listen(knote, hear) if found.selinfo is not None else _nothing

    def holds(self, knote: Knote, hint: int) -> bool:
        found = _measure(knote)
        knote.data, knote.fflags = found.data, found.error if found.eof or found.error else 0
        knote.flags = knote.flags | const.EV_EOF if found.eof else knote.flags & ~const.EV_EOF
        if knote.sfflags & const.NOTE_LOWAT and found.lowat is not None:
            found = found._replace(lowat=knote.sdata)
        return found.ready


class Kqueue(Selectable):
    """One part of a kqueue."""

    __slots__ = ("_active", "_knotes", "_records", "_selinfo", "changed", "number", "subject")

    def __init__(self, timers: Timers, number: int, records: Records | None = None) -> None:
        self.number = number
        self.subject = ""
        """The identity of a policy on whose account it is: that of who has it watch something."""
        self._records = records or NoRecords()
        self._selinfo = Selinfo()
        self.changed = SelectChannel(timers, self._selinfo, IN)
        self._knotes: dict[tuple[int, int], Knote] = {}
        self._active: dict[Knote, None] = {}

    def __len__(self) -> int:
        return len(self._knotes)

    # -- as an object that others watch

    @property
    def selinfo(self) -> Selinfo:
        return self._selinfo

    def poll(self) -> int:
        return IN if self._fresh() else 0

    def measure(self, filter: int) -> Measure | None:
        return Measure(self._fresh()) if filter == const.EVFILT_READ else None

    def check_watcher(self, other: Kqueue) -> None:
        """ELOOP for a kqueue that would watch itself, or where more than `NEST_MAX` would stand in one another."""
        if self._leads_to(other):
            raise KernelError(Errno.ELOOP, "a kqueue cannot watch itself")
        if self._depth() + other._height() > NEST_MAX:
            raise KernelError(Errno.ELOOP, f"more than {NEST_MAX} kqueues in one another")

    def _inner(self) -> list[Kqueue]:
        return [knote.watched for knote in self._knotes.values() if isinstance(knote.watched, Kqueue)]

    def _leads_to(self, other: Kqueue) -> bool:
        return self is other or any(queue._leads_to(other) for queue in self._inner())

    def _depth(self) -> int:
        return 1 + max((queue._depth() for queue in self._inner()), default=0)

    def _height(self) -> int:
        above = (knote.queue for knote in self._selinfo.listeners() if isinstance(knote, Knote))
        return 1 + max((queue._height() for queue in above), default=0)

    def _fresh(self) -> int:
        """How many events there are. Knotes whose condition is gone are dropped on the way."""
        for knote in list(self._active):
            if not knote.flags & const.EV_ONESHOT and not knote.ops.holds(knote, 0):
                self._drop(knote)
        return len(self._active)

    def _drop(self, knote: Knote) -> None:
        knote.active = False
        self._active.pop(knote, None)

    # -- changes

    def enqueue(self, knote: Knote) -> None:
        if knote not in self._active:
            self._active[knote] = None
        self.changed.wake()

    def apply(self, ctx: Context, spec: KnoteSpec, filters: dict[int, Filter]) -> None:
        """EINVAL for a filter that is not here, ENOENT for what is not watched, ENOMEM, and what attaching says."""
        knote = self._knotes.get((spec.filter, spec.ident))
        if knote is None:
            knote = self._add(ctx, spec, filters)
        elif spec.flags & const.EV_DELETE:
            self.forget(knote)
            return
        elif spec.flags & const.EV_ADD:
            knote.flags = spec.flags & ~ACTIONS | knote.flags & const.EV_CLEAR
            knote.udata = spec.udata
            knote.ops.touch(knote, spec)
        elif spec.filter == const.EVFILT_USER:
            knote.ops.touch(knote, spec)
        self._switch(knote, spec.flags)

    def _add(self, ctx: Context, spec: KnoteSpec, filters: dict[int, Filter]) -> Knote:
        ops = filters.get(spec.filter)
        if ops is None:
            raise KernelError(Errno.EINVAL, f"there is no filter {spec.filter} for this")
        if not spec.flags & const.EV_ADD:
            raise KernelError(Errno.ENOENT, f"filter {spec.filter} does not watch {spec.ident}")
        if len(self._knotes) >= KNOTES_MAX:
            raise KernelError(Errno.ENOMEM, f"{KNOTES_MAX} knotes are in one kqueue")
        knote = Knote(self, spec, ops)
        knote.detach = ops.attach(ctx, knote, spec)
        self._knotes[knote.key] = knote
        return knote

    def _switch(self, knote: Knote, flags: int) -> None:
        """EV_DISABLE and EV_ENABLE; then the condition is looked at, for it may hold already."""
        if flags & const.EV_DISABLE:
            knote.disabled = True
            self._active.pop(knote, None)
        if flags & const.EV_ENABLE:
            knote.disabled = False
        if knote.active or knote.ops.holds(knote, 0):
            knote.activate()

    def record(self, spec: KnoteSpec) -> None:
        """Writes down what is watched after a change, as the change that makes a successor watch it."""
        knote = self._knotes.get((spec.filter, spec.ident))
        if knote is not None:
            flags = knote.flags & ~const.EV_EOF | const.EV_ADD | (const.EV_DISABLE if knote.disabled else 0)
            wanted = spec._replace(flags=flags, fflags=knote.sfflags, data=knote.sdata, udata=knote.udata)
            self._records.put("knotes", (self.number, *knote.key), flat(wanted))

    def insert(self, knote: Knote) -> None:
        """A knote that a filter made by itself (NOTE_TRACK)."""
        self._knotes[knote.key] = knote

    def forget(self, knote: Knote) -> None:
        knote.detach()
        self._records.delete("knotes", (self.number, *knote.key))
        self._knotes.pop(knote.key, None)
        self._active.pop(knote, None)

    def forget_descriptor(self, ident: int) -> None:
        for kind in DESCRIPTOR_FILTERS:
            knote = self._knotes.get((kind, ident))
            if knote is not None:
                self.forget(knote)

    def close(self) -> None:
        for knote in list(self._knotes.values()):
            self.forget(knote)
        self.changed.wake()

    # -- events

    def collect(self, nevents: int) -> list[Kevent]:
        """At most so many events, each knote at most once, the longest active first."""
        events: list[Kevent] = []
        for knote in list(self._active):
            if len(events) >= nevents:
                break
            if not knote.flags & const.EV_ONESHOT and not knote.ops.holds(knote, 0):
                self._drop(knote)
                continue
            events.append(knote.event())
            self._told(knote)
        return events

    def _told(self, knote: Knote) -> None:
        if knote.flags & const.EV_ONESHOT:
            self.forget(knote)
            return
        del self._active[knote]
        if knote.flags & const.EV_CLEAR:
            knote.ops.told(knote)
        if knote.flags & const.EV_DISPATCH:
            knote.disabled = True
        if knote.flags & (const.EV_CLEAR | const.EV_DISPATCH):
            knote.active = False
        else:
            self._active[knote] = None


class Watching:
    """All that a component does for poll and kqueue: rows of its table of calls, and the filters of its own."""

    def __init__(self, timers: Timers, find: Find) -> None:
        self._timers = timers
        self._records: Records = getattr(timers, "records", None) or NoRecords()
        self._recording = self._records.on
        self.queues: dict[int, Kqueue] = {}
        ready = ReadyFilter(find, self._part)
        self.filters: dict[int, Filter] = {const.EVFILT_READ: ready, const.EVFILT_WRITE: ready}
        self._poller = Poller(timers, find, self.queues.get)

    def table(self) -> dict[str, Entry]:
        return {
            "knote_change": Entry(self.knote_change),
            "knote_collect": Entry(self.knote_collect),
            "knote_detach": Entry(self.knote_detach),
            **self._poller.table(),
        }

    def held(self) -> Iterator[tuple[str, int]]:
        """Whose identity each part of a kqueue is, and what it takes."""
        return ((queue.subject, len(queue) * KNOTE_SIZE) for queue in self.queues.values())

    def _reserve(self, ctx: Context) -> None:
        """That the kqueues of an identity may watch one thing more. ENOMEM."""
        subject = ctx.cred.subject
        held = sum(count for whose, count in self.held() if whose == subject)
        quota.check(subject, "kqueues", held, KNOTE_SIZE, ctx.memory, Errno.ENOMEM)

    def _part(self, number: int) -> Kqueue:
        queue = self.queues.get(number)
        if queue is None:
            queue = self.queues[number] = Kqueue(self._timers, number, self._records)
        return queue

    def knote_change(self, ctx: Context, queue: int, changes: Sequence[KnoteSpec], room: int) -> list[Kevent]:
        """Does the changes in order: outcomes (EV_ERROR) of those that fail and of EV_RECEIPT, while there is room.

        Without room the error of the first that fails, and the rest is not done.
        """
        part = self._part(queue)
        part.subject = part.subject or ctx.cred.subject
        outcomes: list[Kevent] = []
        for spec in changes:
            error = 0
            try:
                if ctx.memory and spec.flags & const.EV_ADD:
                    self._reserve(ctx)
                part.apply(ctx, spec, self.filters)
                if self._recording:
                    part.record(spec)
            except KernelError as caught:
                if len(outcomes) >= room:
                    raise
                error = caught.errno
            if error or (spec.flags & const.EV_RECEIPT and len(outcomes) < room):
                flags = spec.flags | const.EV_ERROR
                outcomes.append(Kevent(spec.ident, spec.filter, flags, spec.fflags, error, spec.udata))
        return outcomes

    def restore(self) -> None:
        """At a successor: watches what was watched, and tells at once of what is so already."""
        for (number, kind, ident), spec, _ in self._records.items("knotes"):
            try:
                self._part(number).apply(KERNEL, whole(spec), self.filters)
            except (KernelError, ValueError):
                self._records.delete("knotes", (number, kind, ident))

    def knote_collect(self, ctx: Context, queue: int, nevents: int, wait: bool) -> Any:
        part = self._part(queue)
        events = part.collect(nevents)
        return self._collect(part, nevents) if wait and nevents and not events else events

    async def _collect(self, part: Kqueue, nevents: int) -> list[Kevent]:
        while not (events := part.collect(nevents)):
            await part.changed.wait()
            if self.queues.get(part.number) is not part:
                raise KernelError(Errno.EBADF, "the kqueue was closed")
        return events

    def knote_detach(self, ctx: Context, queue: int, ident: int) -> None:
        part = self.queues.get(queue)
        if part is None:
            return
        if ident != ALL:
            part.forget_descriptor(ident)
            return
        del self.queues[queue]
        part.close()


def _measure(knote: Knote) -> Measure:
    """Of an object that can no more be asked: its error."""
    try:
        return knote.watched.measure(knote.filter) or Measure(lowat=None)
    except KernelError as error:
        return Measure(eof=True, error=error.errno)


def _nothing() -> None:
    return None

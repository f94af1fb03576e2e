"""Readiness: what poll, select and kqueue ask of an object, and how those who wait for it hear of changes (selinfo(9)).

A component's object is a `Selectable`: it says what holds now (`poll`, `measure`), and whoever changes it calls
`Selinfo.notify` with the POLL* events that may hold from now on. Every call of notify is one thing that happened: a
knote with EV_CLEAR fires again. So it is called when data arrive or room is made, not when they are taken away.

`Watching` answers the calls between the gateway, which knows descriptors, and the component, which knows objects:
``poll_objects`` here, those of kqueues in `rumpuser.kqueue`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rumpuser.component import Context, Entry
from rumpuser.pending import Channel, Timers
from rumpwire import const
from rumpwire.errno import KernelError

IN = const.POLLIN | const.POLLRDNORM
OUT = const.POLLOUT | const.POLLWRNORM
ALWAYS = const.POLLERR | const.POLLHUP | const.POLLNVAL
"""Events that are told of without being asked for."""
ANY = IN | OUT | const.POLLPRI | const.POLLRDBAND | const.POLLWRBAND | ALWAYS
"""What to notify of when the object may have become anything, or has gone."""

Listener = Callable[[int], None]


class Measure(NamedTuple):
    """How far an object is from being ready in one direction.

    ``data``: bytes to read, connections to accept, or room for bytes to write; ready from ``lowat`` on, and at the end
    (``eof``) or with a pending ``error`` (an errno) in any case. ``lowat`` None: never for its data.
    """

    data: int = 0
    lowat: int | None = 1
    eof: bool = False
    error: int = 0

    @property
    def ready(self) -> bool:
        return self.eof or bool(self.error) or (self.lowat is not None and self.data >= self.lowat)


class Selinfo:
    """Those who want to hear of an object."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def listen(self, key: object, listener: Listener) -> Callable[[], None]:
        """Has ``listener`` called with the events of each notify; returns what ends that."""
        self._listeners[key] = listener
        return lambda: self._listeners.pop(key, None) and None

    def listeners(self) -> list[object]:
        """The keys of those who listen."""
        return list(self._listeners)

    def notify(self, events: int) -> None:
        if self._listeners:
            for listener in list(self._listeners.values()):
                listener(events)

    def __bool__(self) -> bool:
        return bool(self._listeners)


class SelectChannel(Channel):
    """A wait channel whose wake-ups are news for those who poll as well."""

    __slots__ = ("_events", "_selinfo")

    def __init__(self, timers: Timers, selinfo: Selinfo, events: int) -> None:
        super().__init__(timers)
        self._selinfo = selinfo
        self._events = events

    def wake(self) -> None:
        super().wake()
        self._selinfo.notify(self._events)


class Selectable:
    """An object behind a handle. Without more it is always ready, as files and most devices are."""

    __slots__ = ()

    @property
    def selinfo(self) -> Selinfo | None:
        """None for objects that never change."""
        return None

    def poll(self) -> int:
        """The POLL* events that hold now."""
        return IN | OUT

    def measure(self, filter: int) -> Measure | None:
        """For EVFILT_READ and EVFILT_WRITE; None where the object has no such filter."""
        return Measure(data=0, lowat=0) if filter in (const.EVFILT_READ, const.EVFILT_WRITE) else None


class Measured(Selectable):
    """An object whose readiness is what `measure` says: POLLHUP at the end of either direction."""

    __slots__ = ()

    def poll(self) -> int:
        events = 0
        for which, bits in ((const.EVFILT_READ, IN), (const.EVFILT_WRITE, OUT)):
            measure = self.measure(which)
            if measure is not None:
                events |= bits if measure.ready else 0
                events |= const.POLLHUP if measure.eof else 0
        return events


Find = Callable[[int], Selectable]
"""The object behind a handle. EBADF."""


class Poller:
    """poll_objects: which of many objects are ready; waits for the first where that is asked for."""

    def __init__(self, timers: Timers, find: Find, queue: Callable[[int], Selectable | None]) -> None:
        self._timers = timers
        self._find = find
        self._queue = queue

    def table(self) -> dict[str, Entry]:
        return {"poll_objects": Entry(self.poll_objects)}

    def poll_objects(
        self, ctx: Context, handles: Sequence[int], events: Sequence[int], queues: Sequence[int], wait: bool
    ) -> Any:
        """The events that hold, of those asked for and `ALWAYS`; POLLNVAL for a handle that is not there."""
        found = self._scan(handles, events, queues)
        return self._wait(handles, events, queues) if wait and not any(found) else found

    def _scan(self, handles: Sequence[int], events: Sequence[int], queues: Sequence[int]) -> list[int]:
        found = [self._state(h) & (wanted | ALWAYS) for h, wanted in zip(handles, events, strict=True)]
        for number in queues:
            queue = self._queue(number)
            found.append(queue.poll() if queue is not None else 0)
        return found

    def _state(self, handle: int) -> int:
        try:
            return self._find(handle).poll()
        except KernelError:
            return const.POLLNVAL

    async def _wait(self, handles: Sequence[int], events: Sequence[int], queues: Sequence[int]) -> list[int]:
        news = Channel(self._timers)
        stops: list[Callable[[], None]] = []
        try:
            for handle, wanted in zip(handles, events, strict=True):
                self._listen(self._find(handle), wanted | ALWAYS, news, stops)
            for number in queues:
                queue = self._queue(number)
                if queue is not None:
                    self._listen(queue, IN, news, stops)
            while not any(found := self._scan(handles, events, queues)):
                await news.wait()
            return found
        finally:
            for stop in stops:
                stop()

    @staticmethod
    def _listen(found: Selectable, wanted: int, news: Channel, stops: list[Callable[[], None]]) -> None:
        def hear(events: int) -> None:
            if events & wanted:
                news.wake()

        if found.selinfo is not None:
            stops.append(found.selinfo.listen(hear, hear))

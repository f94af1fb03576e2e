"""Looking at rings again and again while they are busy, under an event loop, and for how long.

To be woken costs more than a whole call over a ring, so whoever waits for a peer that is at work looks, and lets
other processes run between two looks (sched_yield(2)): on one processor the peer among them. What has been silent for
a while is left to its bell.
"""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import time
import weakref
from typing import Any, Protocol

from rumpuser.transport.linger import CROWDED_NS, Crowd, Linger

_REST_NS = 60_000
"""For how long other descriptors are not asked for, while rings are looked at."""
_SLICE_NS = 30_000


_FOR_EVER = 1 << 62
_MOST = 64
_ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR if hasattr(select, "epoll") else 0


class Looked(Protocol):
    """A ring on an event loop."""

    linger: Linger

    def look(self) -> bool:
        """Takes what has come, and sends on what had no room; whether there was anything."""
        ...

    def arm(self) -> bool:
        """Asks for the bell. False when something has come already."""
        ...


class Heard(Looked, Protocol):
    """A ring whose bell the selector hears."""

    def rung(self, ended: int) -> None:
        """The bell was rung, or, with a number that is not 0, whoever rings it is gone."""
        ...


class Looker:
    """The rings of one event loop that are awake, and those whose bells are heard."""

    def __init__(self, epoll: Any = None) -> None:
        self.awake: list[Looked] = []
        self.bells: dict[int, Heard] = {}
        self.crowd = Crowd()
        self.crowded = False
        """Whether others want the processor, as of the last turn."""
        self._epoll = epoll

    def listen(self, fd: int, ring: Heard) -> bool:
        """Hears a bell from now on: each ring of it once. False where the loop has to."""
        if self._epoll is None:
            return False
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLET | select.EPOLLRDHUP)
        self.bells[fd] = ring
        return True

    def ignore(self, fd: int) -> None:
        if self.bells.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def wake(self, ring: Looked) -> None:
        """Looks at a ring from now on; it is not armed."""
        if ring not in self.awake:
            self.awake.append(ring)

    def drop(self, ring: Looked) -> None:
        if ring in self.awake:
            self.awake.remove(ring)

    def gather(self, now: int) -> bool:
        """Finds out whether others want the processor."""
        self.crowded = self.crowd.there(now)
        return self.crowded

    def look(self) -> bool:
        """Looks at all once; whether anything came. Those that have been silent for long enough go to sleep."""
        found, now = False, time.monotonic_ns()
        for ring in self.awake.copy():
            if ring.look():
                found = True
            elif now >= ring.linger.until:
                self._sleep(ring)
        return found

    def _sleep(self, ring: Looked) -> None:
        if ring.arm():
            self.drop(ring)

    def give_way(self, before: int) -> int:
        """Lets other processes run: the time, when it was ``before``."""
        os.sched_yield()
        now = time.monotonic_ns()
        if now - before > CROWDED_NS:
            self.crowd.met(now)
        return now

    def sleep(self) -> None:
        """All go to sleep."""
        for ring in self.awake.copy():
            self._sleep(ring)


lookers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Looker] = weakref.WeakKeyDictionary()


class LookingSelector(selectors.DefaultSelector):
    """Under the event loop of a server: looks while rings are awake, and waits for descriptors while they sleep.

    Bells of rings (`Looker.listen`) are heard here as well, without a turn of the loop. ``told``: whether its loop sets
    `stirred` when there is something to do for it, be it a timer; else that may be after each time that something came.
    """

    def __init__(self, *, told: bool = False) -> None:
        super().__init__()
        self._bells = select.epoll() if hasattr(select, "epoll") else None
        self._told = told
        self.stirred = False
        self.looker = Looker(self._bells)
        self._asked = 0
        if self._bells is not None:
            self._bells.register(super().fileno(), select.EPOLLIN)

    def close(self) -> None:
        if self._bells is not None:
            self._bells.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        looker = self.looker
        if not looker.awake and not looker.bells:
            return super().select(timeout)
        self.stirred = False
        now = time.monotonic_ns()
        until = _FOR_EVER if timeout is None else now + int(timeout * 1e9)
        while True:
            if not looker.awake:
                events = self._listen(-1 if until == _FOR_EVER else max(0.0, (until - now) / 1e9))
                if events or self.stirred:
                    return events
                now = time.monotonic_ns()
                if now >= until:
                    return []
                continue
            if now - self._asked > _REST_NS and (events := self._ask(now)):
                return events
            if looker.look() and not self._told:
                self.stirred = True
            if self.stirred or now >= until:
                return []
            if looker.gather(now):
                looker.sleep()
            now = looker.give_way(now) if looker.awake else time.monotonic_ns()

    def _ask(self, now: int) -> list[tuple[selectors.SelectorKey, int]]:
        """Other threads run meanwhile, too."""
        self._asked = now
        return self._listen(0)

    def _listen(self, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Waits for bells, which are heard, and for other events. No time limit below 0."""
        if self._bells is None:
            return super().select(None if seconds < 0 else seconds)
        events: list[tuple[selectors.SelectorKey, int]] = []
        bells = self.looker.bells
        found = self._bells.poll(seconds, _MOST)
        self.looker.gather(time.monotonic_ns())
        for fd, event in found:
            ring = bells.get(fd)
            if ring is not None:
                ring.rung(event & _ENDED)
                self.stirred |= not self._told
            elif fd == super().fileno():
                events = super().select(0)
        return events


class _Loop(asyncio.SelectorEventLoop):
    """Tells its selector when there is something to do."""

    def __init__(self) -> None:
        self._looking = LookingSelector(told=True)
        super().__init__(self._looking)
        lookers[self] = self._looking.looker

    def call_soon(self, *args: Any, **kwargs: Any) -> asyncio.Handle:  # type: ignore[override]
        self._looking.stirred = True
        return super().call_soon(*args, **kwargs)

    def call_at(self, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self._looking.stirred = True
        return super().call_at(*args, **kwargs)


class LoopLooker(Looker):
    """On somebody else's event loop, in turns with what else there is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turning = False

    def wake(self, ring: Looked) -> None:
        super().wake(ring)
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        begun = now = time.monotonic_ns()
        while self.awake and not self.look() and now - begun <= _SLICE_NS:
            if self.gather(now):
                self.sleep()
            else:
                now = self.give_way(now)
        self._turning = bool(self.awake)
        if self._turning:
            self._loop.call_soon(self._turn)


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop that looks, for `asyncio.Runner`."""
    return _Loop()


def looker() -> Looker:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    found = lookers.get(loop)
    if found is None:
        found = lookers[loop] = LoopLooker(loop)
    return found

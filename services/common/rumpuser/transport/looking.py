"""Looking at rings again and again while they are busy, under an event loop, and for how long.

To be woken costs more than a whole call over a ring, so whoever waits for a peer that is at work looks, and lets
other processes run between two looks (sched_yield(2)): on one processor the peer among them. What has been silent for
a while is left to its bell.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
import weakref
from typing import Protocol

from rumpuser.transport.linger import CROWDED_NS, Crowd, Linger

_REST_NS = 60_000
"""For how long other descriptors are not asked for, while rings are looked at."""
_SLICE_NS = 30_000


class Looked(Protocol):
    """A ring on an event loop."""

    linger: Linger

    def look(self) -> bool:
        """Takes what has come, and sends on what had no room; whether there was anything."""
        ...

    def arm(self) -> bool:
        """Asks for the bell. False when something has come already."""
        ...


class Looker:
    """The rings of one event loop that are awake."""

    def __init__(self) -> None:
        self.awake: list[Looked] = []
        self.crowd = Crowd()

    def wake(self, ring: Looked) -> None:
        """Looks at a ring from now on; it is not armed."""
        if ring not in self.awake:
            self.awake.append(ring)

    def drop(self, ring: Looked) -> None:
        if ring in self.awake:
            self.awake.remove(ring)

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


class LookingSelector(selectors.DefaultSelector):
    """Under the event loop of a server: looks while rings are awake, and waits for descriptors while they sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.looker = Looker()
        self._asked = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        looker = self.looker
        if not looker.awake:
            return super().select(timeout)
        now = time.monotonic_ns()
        if timeout is not None and timeout <= 0:
            looker.look()
            return self._ask(now)
        until = None if timeout is None else now + int(timeout * 1e9)
        while True:
            if now - self._asked > _REST_NS and (events := self._ask(now)):
                return events
            if looker.look() or (until is not None and now >= until):
                return []  # there may be something to do for the loop
            if looker.crowd.there(now):
                looker.sleep()
            if not looker.awake:
                return super().select(None if until is None else max(0.0, (until - now) / 1e9))
            now = looker.give_way(now)

    def _ask(self, now: int) -> list[tuple[selectors.SelectorKey, int]]:
        """Other threads run meanwhile, too."""
        self._asked = now
        return super().select(0)


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
            if self.crowd.there(now):
                self.sleep()
            else:
                now = self.give_way(now)
        self._turning = bool(self.awake)
        if self._turning:
            self._loop.call_soon(self._turn)


_lookers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Looker] = weakref.WeakKeyDictionary()


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop that looks, for `asyncio.Runner`."""
    selector = LookingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    _lookers[loop] = selector.looker
    return loop


def looker() -> Looker:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _lookers.get(loop)
    if found is None:
        found = _lookers[loop] = LoopLooker(loop)
    return found

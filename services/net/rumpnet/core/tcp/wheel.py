"""One timer for all connections.

A connection has many deadlines and moves them with almost every segment, nearly always to later. So none of them is a
timer: the connection stands in the slot of its earliest deadline, is moved only when that comes nearer, and when the
slot falls due looks which deadlines really have passed and stands in again. Slots get coarser with distance, 0.4 % of
it at most, so that their number is bounded. The host is asked for one timer, that of the first slot.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol

from rumpuser.host import Host

NEVER = 1 << 62
"""A deadline that is not set."""
MS = 1_000_000
SECOND = 1000 * MS
GRAINS = ((4 * SECOND, MS), (64 * SECOND, 16 * MS), (1024 * SECOND, 256 * MS))
COARSEST = 4096 * MS


class Timed(Protocol):
    """What stands in a slot. ``slot_at`` is the wheel's."""

    slot_at: int

    def expire(self, now: int) -> None:
        """The slot is due, and left; deadlines that remain have to be put in again."""
        ...


class Wheel:
    """Slots by time in nanoseconds."""

    def __init__(self, host: Host, after: Callable[[], None] = lambda: None) -> None:
        """``after`` is called when slots have been worked off."""
        self._host = host
        self._after = after
        self._slots: dict[int, dict[Timed, None]] = {}
        self._times: list[int] = []
        self._armed = NEVER
        self._disarm: Callable[[], None] | None = None

    def put(self, item: Timed, deadline: int) -> None:
        """Moves an item to the slot of a deadline; `NEVER` takes it out."""
        if item.slot_at != NEVER:
            self._slots[item.slot_at].pop(item, None)
        item.slot_at = NEVER
        if deadline == NEVER:
            return
        grain = _grain(deadline - self._host.monotonic_ns())
        at = item.slot_at = -(-deadline // grain) * grain
        slot = self._slots.get(at)
        if slot is None:
            slot = self._slots[at] = {}
            heapq.heappush(self._times, at)
        slot[item] = None
        if at < self._armed:
            self._arm(at)

    @property
    def empty(self) -> bool:
        """Whether nobody waits for anything."""
        return not any(self._slots.values())

    def clear(self) -> None:
        """Forgets all, timer included."""
        for slot in self._slots.values():
            for item in slot:
                item.slot_at = NEVER
        self._slots.clear()
        self._times.clear()
        self._arm(NEVER)

    def _arm(self, at: int) -> None:
        if self._disarm is not None:
            self._disarm()
            self._disarm = None
        self._armed = at
        if at != NEVER:
            self._disarm = self._host.call_at(at, self._fire)

    def _fire(self) -> None:
        now = self._host.monotonic_ns()
        self._armed, self._disarm = NEVER, None
        while self._times and self._times[0] <= now:
            slot = self._slots.pop(heapq.heappop(self._times))
            for item in slot:
                item.slot_at = NEVER
            for item in slot:
                if item.slot_at == NEVER:
                    item.expire(now)
        while self._times and not self._slots[self._times[0]]:
            del self._slots[heapq.heappop(self._times)]
        if self._times and self._times[0] < self._armed:
            self._arm(self._times[0])
        self._after()


def _grain(distance: int) -> int:
    for limit, grain in GRAINS:
        if distance < limit:
            return grain
    return COARSEST

"""For how long a ring is looked at before its reader sleeps."""

from __future__ import annotations

import os

LINGER_NS = 200_000
"""For how long after the last message a ring is looked at: above the time that a call to another component takes."""
_SOON_NS = 600_000
"""Above the same where all have to be woken first. Each message that comes later halves the time for the next."""
_SHORTEST = 3
"""Down to an eighth."""
CROWDED_NS = 250_000
"""Who takes so long when we give way wants the processor for himself, or is at work on a call that is long anyway."""
_CALM_NS = 4_000_000
"""How long nobody looks then: who sleeps is let run as soon as it is woken, who gives way is not."""
_CALMEST_NS = 256_000_000
"""The same, four times as long each time, when they are still there afterwards."""
_ASKED_NS = 20_000_000
"""How long it holds how many threads want to run."""
_OURS = 2
"""So many more than there are processors may be ours: a client, the gateway and a component look for one another."""


class Linger:
    """For how long one ring is looked at. What is sent is a reason to expect something, and so is what comes."""

    __slots__ = ("_last", "_misses", "until")

    def __init__(self) -> None:
        self._last = 0
        self._misses = 0
        self.until = 0
        """On the monotonic clock, in nanoseconds."""

    def sent(self, now: int) -> None:
        self._last = now
        self.until = now + (LINGER_NS >> self._misses)

    def came(self, now: int) -> None:
        if now - self._last <= _SOON_NS:
            self._misses = 0
        elif self._misses < _SHORTEST:
            self._misses += 1
        self._last = now
        self.until = now + (LINGER_NS >> self._misses)


class Crowd:
    """Whether others want the processor that we look with.

    sched_yield(2) is no small matter to Linux where they do: from 6.18 on it gives a whole slice away, each time. Where
    this process may use one processor alone, so may those as a rule whom it waits for: who looks keeps them from their
    work, and who sleeps hands over to them at once.
    """

    __slots__ = ("_asked", "_calm", "_many", "_until")

    def __init__(self) -> None:
        self._until = 0
        self._calm = _CALM_NS
        self._asked = 0
        self._many = False

    def met(self, now: int) -> None:
        """We gave way, and it took long (`CROWDED_NS`)."""
        again = now - self._until < self._calm
        self._calm = min(4 * self._calm, _CALMEST_NS) if again else _CALM_NS
        self._until = now + self._calm

    def there(self, now: int) -> bool:
        if now - self._asked > _ASKED_NS:
            self._asked = now
            cpus = processors()
            self._many = cpus == 1 or runnable() > cpus + _OURS
        return self._many or now < self._until


def processors() -> int:
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def runnable() -> int:
    """How many threads of the host run or want to (proc_loadavg(5)); 0 where that is not told."""
    try:
        with open("/proc/loadavg", "rb", buffering=0) as file:
            return int(file.read(100).split()[3].partition(b"/")[0])
    except (OSError, ValueError, IndexError):
        return 0

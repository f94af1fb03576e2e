"""For how long a ring is looked at before its reader sleeps."""

from __future__ import annotations

LINGER_NS = 150_000
"""For how long after the last message a ring is looked at: above the time that a call to another component takes."""
_SHORTEST = 3
"""Each message that comes later than that halves the time for the next, down to an eighth."""
CROWDED_NS = 60_000
"""Who takes so long when we give way wants the processor for himself, or is at work on a call that is long anyway."""
_CALM_NS = 4_000_000
"""How long nobody looks then: who sleeps is let run as soon as it is woken, who gives way is not."""
_CALMEST_NS = 256_000_000
"""The same, four times as long each time, when they are still there afterwards."""


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
        if now - self._last <= LINGER_NS:
            self._misses = 0
        elif self._misses < _SHORTEST:
            self._misses += 1
        self._last = now
        self.until = now + (LINGER_NS >> self._misses)


class Crowd:
    """Whether others want the processor that we look with."""

    __slots__ = ("_calm", "_until")

    def __init__(self) -> None:
        self._until = 0
        self._calm = _CALM_NS

    def met(self, now: int) -> None:
        """We gave way, and it took long (`CROWDED_NS`)."""
        again = now - self._until < self._calm
        self._calm = min(4 * self._calm, _CALMEST_NS) if again else _CALM_NS
        self._until = now + self._calm

    def there(self, now: int) -> bool:
        return now < self._until

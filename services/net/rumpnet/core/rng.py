"""Random numbers that a seed repeats (splitmix64: Steele, Lea, Flood, 2014)."""

from __future__ import annotations

_MASK = (1 << 64) - 1
PPM = 1_000_000


class Rng:
    """Not for secrets."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """64 bits."""
        self._state = self._state + 0x9E3779B97F4A7C15 & _MASK
        z = self._state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
        return z ^ z >> 31

    def below(self, limit: int) -> int:
        """0 <= number < limit."""
        return self.next() * limit >> 64

    def chance(self, ppm: int) -> bool:
        """True so many times in a million. Without a chance no number is drawn."""
        return ppm > 0 and self.below(PPM) < ppm

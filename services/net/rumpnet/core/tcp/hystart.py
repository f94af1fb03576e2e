"""HyStart++ (RFC 9406): leaves slow start when round trips grow, before something is lost.

A round lasts until what was sent last at its beginning is acknowledged. When the least round trip of a round is well
above that of the round before, the window grows slower for some rounds (conservative slow start), and stays there
unless round trips get short again, which says that it was chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp.wheel import MS, NEVER

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection

RTT_THRESH_MIN, RTT_THRESH_MAX = 4 * MS, 16 * MS
RTT_DIVISOR = 8
SAMPLES = 8
"""Round trips that a round needs before it says something."""
GROWTH_DIVISOR = 4
CSS_ROUNDS = 5
FIRST_TIME = 1 << 40
"""``ssthresh`` above this says that nothing was lost yet: only then there is something to find out (4.3)."""


class HyStart:
    """What the rounds of a connection were like. Times are nanoseconds."""

    __slots__ = ("baseline", "current", "last", "rounds", "samples", "window_end")

    def __init__(self) -> None:
        self.window_end = 0
        self.last = self.current = NEVER
        self.samples = 0
        self.baseline = NEVER
        """The least round trip when conservative slow start began, `NEVER` outside of it."""
        self.rounds = 0

    def grow(self, c: Connection, acked: int, now: int) -> int:
        """By how much the window is to grow for this; sets ``ssthresh`` when slow start is over."""
        if c.ssthresh < FIRST_TIME:
            return acked
        if c.rtt.last_at == now:
            self.current = min(self.current, c.rtt.last)
            self.samples += 1
        if self.samples >= SAMPLES:
            self._judge()
        if c.snd_una >= self.window_end:
            self._next_round(c)
        return acked if self.baseline == NEVER else acked // GROWTH_DIVISOR

    def _next_round(self, c: Connection) -> None:
        self.window_end = c.snd_nxt
        self.last, self.current, self.samples = self.current, NEVER, 0
        if self.baseline != NEVER:
            self.rounds += 1
            if self.rounds >= CSS_ROUNDS:
                c.ssthresh = c.cwnd

    def _judge(self) -> None:
        if self.baseline != NEVER:
            if self.current < self.baseline:
                self.baseline = NEVER
        elif self.last != NEVER:
            threshold = max(RTT_THRESH_MIN, min(self.last // RTT_DIVISOR, RTT_THRESH_MAX))
            if self.current >= self.last + threshold:
                self.baseline, self.rounds = self.current, 0

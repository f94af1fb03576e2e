"""HyStart++ on a path whose round trips are told to it (RFC 9406, 4.2)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rumpnet.core.tcp.hystart import CSS_ROUNDS, HyStart
from rumpnet.core.tcp.wheel import MS, NEVER

MSS = 1000


class Path:
    """Rounds of as many segments as the window has, each acknowledged by itself after a round trip."""

    def __init__(self) -> None:
        self.hystart, self.now = HyStart(), 0
        rtt = SimpleNamespace(last=0, last_at=0)
        self.c: Any = SimpleNamespace(cwnd=10 * MSS, ssthresh=NEVER, snd_una=0, snd_nxt=0, rtt=rtt)

    def round(self, rtt_ms: float) -> float:
        """The factor by which the window grew."""
        c, before = self.c, self.c.cwnd
        c.snd_nxt = c.snd_una + c.cwnd
        for _ in range(before // MSS):
            self.now += 1
            c.rtt.last, c.rtt.last_at = int(rtt_ms * MS), self.now
            c.snd_una += MSS
            c.cwnd += self.hystart.grow(c, MSS, self.now)
            c.snd_nxt = c.snd_una + c.cwnd
        return float(c.cwnd / before)


def test_steady_round_trips_double_the_window() -> None:
    path = Path()
    assert [path.round(50) for _ in range(4)] == [2, 2, 2, 2]
    assert path.c.ssthresh == NEVER


def test_growing_round_trips_end_slow_start() -> None:
    path = Path()
    path.round(50)
    path.round(50)
    assert path.round(53) == 2, "below the threshold of 50 / 8 ms"
    assert path.round(61) < 2, "eight are needed, and the first of them answer what was sent before"
    assert max(path.round(61) for _ in range(CSS_ROUNDS - 1)) <= 1.26
    assert path.c.ssthresh == NEVER
    path.round(61)
    assert path.c.ssthresh <= path.c.cwnd, "slow start is over"


def test_round_trips_that_get_short_again_were_chance() -> None:
    path = Path()
    path.round(50)
    path.round(50)
    path.round(61)
    assert path.round(61) < 1.3
    assert path.round(50) > 1.9
    assert path.round(50) > 1.99
    assert path.c.ssthresh == NEVER


def test_short_paths_bear_jitter() -> None:
    path = Path()
    path.round(0.1)
    assert path.round(3.9) == 2, "less than 4 ms is noise"

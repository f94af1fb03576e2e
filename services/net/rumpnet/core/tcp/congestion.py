"""Congestion control: how a window grows, and to what it falls (congctl of NetBSD).

An algorithm sees acknowledgments and losses of one connection; what is lost, and how the window gets down to
``ssthresh`` without a pause, is the business of `rumpnet.core.tcp.recovery`. Windows are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp.hystart import HyStart
from rumpnet.core.tcp.wheel import SECOND

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection

ABC_ALL = 2
"""Of abc.aggressive: no limit, as one acknowledgment may be for many segments."""
CUBIC_C = 0.4
CUBIC_BETA = 0.7


class Congestion:
    """NewReno (RFC 5681, byte counting of RFC 3465 without a limit, as acknowledgments may cover big segments)."""

    __slots__ = ("counted",)
    name = "newreno"

    def __init__(self) -> None:
        self.counted = 0

    def acked(self, c: Connection, acked: int, now: int) -> None:
        """New data were acknowledged while nothing was missing, and the window was in the way of more."""
        acked = credit(c, acked)
        if c.cwnd < c.ssthresh:
            acked = slow_start(c, acked)
        if acked:
            self.avoid(c, acked, now)

    def avoid(self, c: Connection, acked: int, now: int) -> None:
        """Congestion avoidance: a segment for each window."""
        self.counted += acked
        if self.counted >= c.cwnd:
            self.counted -= c.cwnd
            c.cwnd += c.mss

    def lost(self, c: Connection, now: int) -> int:
        """Something was lost, or marked: the new ``ssthresh``."""
        self.counted = 0
        return max(c.cwnd // 2, 2 * c.mss)

    def timed_out(self, c: Connection, now: int) -> None:
        """All is thought to be lost."""
        self.counted = 0

    def undo(self, c: Connection) -> None:
        """It was not lost after all; the window of before is back."""

    def idle(self, c: Connection, now: int) -> None:
        """Nothing was sent for a while."""


class Cubic(Congestion):
    """CUBIC (RFC 9438) with HyStart++ (RFC 9406). Windows are in segments here, as its formulas are."""

    __slots__ = ("epoch", "estimate", "hystart", "k", "origin", "w_max")
    name = "cubic"

    def __init__(self) -> None:
        super().__init__()
        self.w_max = self.k = self.estimate = self.origin = 0.0
        self.epoch = 0
        self.hystart = HyStart()

    def acked(self, c: Connection, acked: int, now: int) -> None:
        if c.cwnd < c.ssthresh:
            acked = self.hystart.grow(c, credit(c, acked), now)
        super().acked(c, acked, now)

    def avoid(self, c: Connection, acked: int, now: int) -> None:
        cwnd = c.cwnd / c.mss
        segments = acked / c.mss
        if not self.epoch:
            self._begin(cwnd, now)
        self.estimate += self._alpha() * segments / cwnd
        ahead = (now - self.epoch + c.rtt.srtt) / SECOND
        target = min(max(self.origin + CUBIC_C * (ahead - self.k) ** 3, cwnd), 1.5 * cwnd)
        if self.window(now) < self.estimate:
            grown = max(self.estimate, cwnd)
        else:
            grown = cwnd + (target - cwnd) * segments / cwnd
        c.cwnd = max(c.cwnd, int(grown * c.mss))

    def window(self, now: int) -> float:
        """W_cubic at this time (figure 1)."""
        return self.origin + CUBIC_C * ((now - self.epoch) / SECOND - self.k) ** 3

    def _begin(self, cwnd: float, now: int) -> None:
        self.epoch = now
        self.estimate = cwnd
        self.origin = max(self.w_max, cwnd)
        self.k = ((self.origin - cwnd) / CUBIC_C) ** (1 / 3)

    def _alpha(self) -> float:
        """As friendly as Reno while below what there was before the loss, then as quick."""
        return 1.0 if self.estimate >= self.w_max else 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA)

    def lost(self, c: Connection, now: int) -> int:
        cwnd = c.cwnd / c.mss
        self.epoch = 0
        self.w_max = cwnd * (1 + CUBIC_BETA) / 2 if cwnd < self.w_max else cwnd
        return max(int(c.cwnd * CUBIC_BETA), 2 * c.mss)

    def timed_out(self, c: Connection, now: int) -> None:
        self.epoch = 0

    def undo(self, c: Connection) -> None:
        self.epoch = 0
        self.w_max = max(self.w_max, c.cwnd / c.mss)

    def idle(self, c: Connection, now: int) -> None:
        """The time that nothing was sent does not count (4.2.3)."""
        if self.epoch:
            self.epoch += max(now - c.last_sent, 0)


def credit(c: Connection, acked: int) -> int:
    """What an acknowledgment counts for: a segment without abc.enable, in slow start what abc.aggressive allows."""
    sysctl = c.layer.sysctl
    if not sysctl.abc.value:
        return min(acked, c.mss)
    limit = sysctl.abc_aggressive.value
    return min(acked, (limit + 1) * c.mss) if limit < ABC_ALL and c.cwnd < c.ssthresh else acked


def slow_start(c: Connection, acked: int) -> int:
    """A segment for each that was acknowledged, up to the threshold; what is over counts further."""
    grown = min(acked, c.ssthresh - c.cwnd)
    c.cwnd += grown
    return acked - grown


ALGORITHMS: dict[str, type[Congestion]] = {"newreno": Congestion, "cubic": Cubic}

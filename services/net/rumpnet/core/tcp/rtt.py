"""Round-trip times and the retransmission timeout (RFC 6298)."""

from __future__ import annotations

from rumpnet.core.tcp.wheel import MS, NEVER, SECOND

INITIAL_RTO = SECOND
MIN_RTO = 200 * MS
"""Below the second of RFC 6298, as in all kernels of today."""
MAX_RTO = 120 * SECOND
MIN_RTT_WINDOW = 300 * SECOND
"""A minimum older than this no longer says much about the path."""


class Rtt:
    """An estimator. Times are nanoseconds; ``srtt`` is 0 before the first sample."""

    __slots__ = ("backoff", "last", "last_at", "min", "min_at", "rttvar", "srtt")

    def __init__(self) -> None:
        self.srtt = 0
        self.rttvar = 0
        self.min = NEVER
        self.min_at = 0
        self.last = self.last_at = 0
        self.backoff = 0

    def sample(self, rtt: int, now: int) -> None:
        """A measured round trip of a segment that was sent once (Karn's rule)."""
        rtt = max(rtt, 1)
        self.last, self.last_at = rtt, now
        if rtt <= self.min or now - self.min_at > MIN_RTT_WINDOW:
            self.min, self.min_at = rtt, now
        if self.srtt:
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) // 4
            self.srtt += (rtt - self.srtt) // 8
        else:
            self.srtt, self.rttvar = rtt, rtt // 2
        self.backoff = 0

    @property
    def base(self) -> int:
        """The timeout before any is doubled."""
        return min(self.srtt + max(MIN_RTO, 4 * self.rttvar), MAX_RTO) if self.srtt else INITIAL_RTO

    @property
    def rto(self) -> int:
        return min(self.base << self.backoff, MAX_RTO)

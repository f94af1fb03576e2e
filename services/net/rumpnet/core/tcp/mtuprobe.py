"""How long packets may be, found out by trying (RFC 4821): for paths that lose long ones and do not say so.

A search knows a length that arrives and one that may not. Between them it tries one packet that is longer than the
others, while enough data are about that its loss shows quickly. If it arrives, segments become so long; if it alone
is lost, that is no congestion (RFC 4821, 7.6.2), and its data go again in shorter ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp.scoreboard import DUPLICATES, EVER, LOST, RETRANS, Phase
from rumpnet.core.tcp.wheel import SECOND
from rumpnet.core.wire import tcp

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection

BASE_MSS = 1024
"""What a path that loses big packets is believed to take (RFC 4821, 7.2)."""
NARROW = 16
"""Bytes between the two lengths at which a search is over."""
AGAIN = 600 * SECOND
"""After so long the path may be another one, and longer packets are tried anew (RFC 4821, 7.7)."""


class Search:
    """Lengths are of whole packets. ``size`` is that of the probe under way, 0 when there is none."""

    __slots__ = ("again_at", "begin", "end", "high", "low", "most", "size")

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = self.most = high
        self.size = 0
        self.begin = self.end = 0
        self.again_at = 0

    def wanted(self, now: int) -> int:
        """The length to try next, 0 when the search is over for now."""
        if self.high - self.low < NARROW and now >= self.again_at:
            self.high = self.most
            self.again_at = now + AGAIN
        return 0 if self.size or self.high - self.low < NARROW else (self.low + self.high + 1) // 2

    def limit(self, mtu: int) -> None:
        """A router has said what it takes."""
        self.high, self.low = min(self.high, mtu), min(self.low, mtu)

    def failed(self) -> None:
        self.high, self.size = max(self.size - 1, self.low), 0


def suspect_black_hole(c: Connection) -> None:
    """Big segments disappear, and nobody says why (RFC 4821, 7.7)."""
    sysctl = c.layer.sysctl
    if sysctl.blackhole.value and c.mss > BASE_MSS:
        c.layer.count("suspected black holes")
        probing = sysctl.mtu_probing.value
        begin(c)
        if not probing:
            c.search = None


def begin(c: Connection) -> None:
    """Segments are short, until longer ones are seen to arrive."""
    headers = c.layer.headers(c)
    if c.mss > BASE_MSS:
        most = min(c.peer_mss or BASE_MSS, c.layer.announced_mss(c))
        c.search = Search(BASE_MSS + headers, most + headers)
        c.pmtu = BASE_MSS + headers
        c.layer.choose_mss(c)


def probe(c: Connection, search: Search, now: int) -> int:
    """Payload of the probe that is to be sent now, which `sent` is told of; 0 for none."""
    size = search.wanted(now)
    if not size or not c.sack_ok or c.sb.phase != Phase.OPEN or c.sb.sacked or c.eor:
        return 0
    length = size - c.layer.headers(c) - (tcp.TIMESTAMPS_LEN if c.ts_ok else 0)
    room = min(c.cwnd - c.pipe, c.snd_una + c.snd_wnd - c.snd_nxt, c.unsent)
    if room < length or c.snd.end - c.snd_una < length + (DUPLICATES + 1) * c.mss:
        return 0
    search.size, search.begin, search.end = size, c.snd_nxt, c.snd_nxt + length
    return length


def acknowledged(c: Connection, search: Search) -> None:
    """``snd_una`` has moved: perhaps beyond the probe."""
    if search.size and c.snd_una >= search.end:
        search.low, search.size = search.size, 0
        c.pmtu = search.low
        c.layer.choose_mss(c)
        c.layer.count("probes of the path that arrived")


def lost(c: Connection, search: Search) -> bool:
    """Whether what is to be sent again is the last probe, or what is left of it, and nothing else."""
    if search.size:
        search.failed()
        c.layer.count("probes of the path that were lost")
    missing = [r for r in c.sb.records if r.flags & LOST and not r.flags & RETRANS]
    return bool(missing) and all(search.begin <= r.seq < search.end and not r.flags & EVER for r in missing)

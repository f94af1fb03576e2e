"""What is under way, and what is known of it (RFC 6675, RFC 8985).

Every segment has a record: which bytes, when it was sent last, whether it was reported, is lost, was sent again. The
records are in order and do not overlap; acknowledgments take them away from the front, SACK blocks cut and mark them.
Sums over them tell how much is in the network. RACK marks lost what was sent a while before something that has arrived.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from rumpnet.core.tcp.wheel import NEVER

if TYPE_CHECKING:
    from rumpnet.core.tcp.rtt import Rtt
    from rumpnet.core.tcp.tcb import Connection

DUPLICATES = 3
"""Segments beyond a hole that make it a loss while the network has not been seen to reorder."""
REO_PERSIST = 16
"""Recoveries until a reordering window that was made wider is narrow again."""
RECORDS_MAX = 4096
"""SACK blocks do not cut records further once there are so many."""

SACKED, LOST, RETRANS, EVER = 1, 2, 4, 8


class Phase(IntEnum):
    OPEN = 0
    DISORDER = 1
    CWR = 2
    RECOVERY = 3
    LOSS = 4


class Sent:
    """A segment under way. Flags: SACKED, LOST, RETRANS (sent again since), EVER (sent again at any time)."""

    __slots__ = ("end", "flags", "sent_ns", "seq")

    def __init__(self, seq: int, end: int, sent_ns: int, flags: int = 0) -> None:
        self.seq = seq
        self.end = end
        self.sent_ns = sent_ns
        self.flags = flags


class Acked(NamedTuple):
    """What an acknowledgment took away: bytes that were not reported before, and the first that was sent only once."""

    fresh: int
    first_ns: int
    original: bool
    """Whether some of it was never retransmitted."""
    again_ns: int = 0
    """When the last of it was retransmitted."""


_begin, _end = attrgetter("seq"), attrgetter("end")


class Scoreboard:
    """The records in order, sums over them, and what RACK knows."""

    __slots__ = (
        "dsack_round", "dupacks", "fack", "frto", "high", "lost", "phase", "prior_cwnd", "prior_ssthresh",
        "prr_delivered", "prr_out", "rack_end", "rack_ns", "rack_rtt", "records", "reo_persist", "reo_steps",
        "reordered", "retrans", "retrans_stamp", "sacked", "tlp_high", "tlp_retrans", "undo_marker", "undo_retrans",
    )  # fmt: skip

    def __init__(self) -> None:
        self.records: list[Sent] = []
        self.sacked = self.lost = self.retrans = 0
        self.dupacks = 0
        self.fack = 0
        self.phase = Phase.OPEN
        self.high = 0
        """What has to be acknowledged to leave the phase."""
        self.prior_cwnd = self.prior_ssthresh = 0
        self.prr_delivered = self.prr_out = 0
        self.frto = False
        self.undo_marker = -1
        self.undo_retrans = 0
        self.retrans_stamp = -1
        self.rack_ns = self.rack_end = self.rack_rtt = 0
        self.reordered = 0
        """From how far behind what was reported first something came late, in bytes."""
        self.reo_steps = 1
        self.reo_persist = 0
        self.dsack_round = -1
        self.tlp_high = -1
        self.tlp_retrans = False

    def holes(self) -> int:
        """Runs of records that the peer misses while it has later ones."""
        count, missing = 0, False
        for record in self.records:
            if record.flags & SACKED:
                count += missing
            missing = not record.flags & SACKED
        return count

    # -- records

    def sent(self, seq: int, end: int, now: int) -> None:
        self.records.append(Sent(seq, end, now))

    def resent(self, record: Sent, now: int) -> None:
        if not record.flags & RETRANS:
            self.retrans += record.end - record.seq
        record.flags |= RETRANS | EVER
        record.sent_ns = now

    def split(self, index: int, at: int) -> Sent:
        """Cuts a record in two; the first part is returned."""
        record = self.records[index]
        self.records.insert(index + 1, Sent(at, record.end, record.sent_ns, record.flags))
        record.end = at
        return record

    def acknowledge(self, una: int, now: int, rtt: Rtt) -> Acked:
        """Takes away what is acknowledged as a whole.

        With something that was sent twice among it there is no time to take: the rest had to wait for that.
        """
        fresh, first_ns, again_ns, original, taken = 0, NEVER, 0, False, 0
        for record in self.records:
            if record.seq >= una:
                break
            if record.end > una:
                fresh += self._trim(record, una)
                break
            taken += 1
            if not record.flags:  # the usual case
                fresh += record.end - record.seq
                original = True
                first_ns = min(first_ns, record.sent_ns)
                self._rack(record, now, rtt)
                continue
            if record.flags & EVER:
                again_ns = max(again_ns, record.sent_ns)
            if not record.flags & SACKED:
                fresh += record.end - record.seq
                self._rack(record, now, rtt)
                original = original or not record.flags & EVER
                first_ns = min(first_ns, record.sent_ns)
            self._forget(record)
        del self.records[:taken]
        self.fack = max(self.fack, una)
        return Acked(fresh, NEVER if again_ns else first_ns, original, again_ns)

    def _trim(self, record: Sent, una: int) -> int:
        gone = Sent(record.seq, una, record.sent_ns, record.flags)
        record.seq = una
        self._forget(gone)
        return 0 if gone.flags & SACKED else una - gone.seq

    def _forget(self, record: Sent) -> None:
        length, flags = record.end - record.seq, record.flags
        if flags & SACKED:
            self.sacked -= length
        if flags & LOST:
            self.lost -= length
        if flags & RETRANS:
            self.retrans -= length

    def sack(self, blocks: Sequence[tuple[int, int]], now: int, rtt: Rtt, mss: int = 1) -> Acked:
        """Marks what the peer has beyond a gap. Blocks lie within what is under way.

        Records are cut where segments end: a report of less than a segment counts when the rest of it is there.
        """
        fresh, first_ns, original = 0, NEVER, False
        for begin, end in sorted(blocks):
            index = bisect_left(self.records, begin + 1, key=_end)
            while index < len(self.records) and (record := self.records[index]).seq < end:
                index += 1
                if record.flags & SACKED:
                    continue
                if len(self.records) < RECORDS_MAX:
                    if record.seq < begin:
                        cut = record.seq - (record.seq - begin) // mss * mss
                        if cut < record.end:
                            self.split(index - 1, cut)
                        continue
                    if record.end > end:
                        cut = record.seq + (end - record.seq) // mss * mss
                        if cut == record.seq:
                            continue
                        record = self.split(index - 1, cut)
                elif record.seq < begin or record.end > end:
                    continue
                fresh += record.end - record.seq
                if not record.flags & EVER:
                    first_ns, original = min(first_ns, record.sent_ns), True
                self._mark_sacked(record, now, rtt)
        return Acked(fresh, first_ns, original)

    def _mark_sacked(self, record: Sent, now: int, rtt: Rtt) -> None:
        self._rack(record, now, rtt)
        self._forget(record)
        record.flags = record.flags & EVER | SACKED
        self.sacked += record.end - record.seq
        self.fack = max(self.fack, record.end)

    def mark_lost(self, record: Sent) -> None:
        length = record.end - record.seq
        if record.flags & RETRANS:
            self.retrans -= length
            record.flags &= ~RETRANS
        if not record.flags & LOST:
            self.lost += length
            record.flags |= LOST

    def mark_all_lost(self, *, reneged: bool = False) -> None:
        """The timeout says that all is lost that was not reported; with ``reneged`` the reports do not count."""
        for record in self.records:
            if reneged and record.flags & SACKED:
                record.flags &= ~SACKED
            if not record.flags & SACKED:
                self.mark_lost(record)
        if reneged:
            self.sacked = 0

    def next_lost(self) -> int:
        """Index of the first record to send again, -1 for none."""
        if self.lost:
            for index, record in enumerate(self.records):
                if record.flags & (LOST | RETRANS) == LOST:
                    return index
        return -1

    # -- RACK

    def _rack(self, record: Sent, now: int, rtt: Rtt) -> None:
        """Something was delivered (RFC 8985, 6.2 steps 2 and 3)."""
        if record.flags & EVER:
            if now - record.sent_ns < rtt.min:
                return  # an answer so soon is one to an earlier transmission
        elif record.end <= self.fack and self.fack and record.seq < self.fack:
            self.reordered = max(self.reordered, self.fack - record.seq)
        self.rack_rtt = now - record.sent_ns
        if (record.sent_ns, record.end) > (self.rack_ns, self.rack_end):
            self.rack_ns, self.rack_end = record.sent_ns, record.end

    def reo_wnd(self, mss: int, rtt: Rtt) -> int:
        """How long after something younger has arrived a segment may still come (6.2, step 4)."""
        if not self.reordered and (self.phase >= Phase.RECOVERY or self.sacked >= DUPLICATES * mss):
            return 0
        return 0 if rtt.min == NEVER else min(rtt.min // 4 * self.reo_steps, rtt.srtt)

    def detect(self, now: int, window: int) -> int:
        """Marks what is lost by now; the time at which more will be, `NEVER` for none (6.2, step 5)."""
        wait = 0
        if not self.rack_ns:
            return NEVER
        for record in self.records:
            flags = record.flags
            if flags & SACKED or flags & (LOST | RETRANS) == LOST:
                continue
            if (record.sent_ns, record.end) >= (self.rack_ns, self.rack_end):
                if not flags and record.sent_ns > self.rack_ns:
                    break  # all behind it were sent later still, or again
                continue
            remaining = record.sent_ns + self.rack_rtt + window - now
            if remaining <= 0:
                self.mark_lost(record)
            else:
                wait = max(wait, remaining)
        return now + wait if wait else NEVER

    def widen(self, c: Connection) -> None:
        """A duplicate was reported: the window was too narrow for what the network does (6.2, step 4)."""
        if c.snd_una >= self.dsack_round:
            self.reo_steps = min(self.reo_steps + 1, 255)
            self.reo_persist = REO_PERSIST
            self.dsack_round = c.snd_nxt

    def narrow(self) -> None:
        self.reo_persist -= 1
        if self.reo_persist <= 0:
            self.reo_steps = 1

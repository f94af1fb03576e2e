"""What is lost, and how fast to send until that is made good.

Every segment on its way has a record: which bytes, when it was sent last, and what is known of it. Acknowledgments and
SACK blocks take records away or mark them; RACK (RFC 8985) marks those lost that were sent a while before something
that has arrived. Without SACK the third duplicate acknowledgment does (RFC 6582). So the bytes in the network can be
counted (RFC 6675), and output sends while they are fewer than the window, first what is lost, then new data.

Phases, as their names are in Linux:

    OPEN ── something sacked ──> DISORDER ── something lost ──> RECOVERY ── all of then acknowledged ──> OPEN
      └── congestion marked (ECN), tail loss made good ──> CWR ──> OPEN
      any ── retransmission timeout ──> LOSS ──> OPEN

In CWR and RECOVERY the window goes down in proportion to what is delivered (RFC 6937). What was retransmitted without
need is found out by timestamps (RFC 3522), duplicate SACKs (RFC 3708) or F-RTO (RFC 5682), and the window given back.
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
        "prr_delivered", "prr_out", "rack_end", "rack_ns", "rack_rtt", "records", "reo_persist", "reo_seen",
        "reo_steps", "retrans", "retrans_stamp", "sacked", "tlp_high", "tlp_retrans", "undo_marker", "undo_retrans",
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
        self.reo_seen = False
        self.reo_steps = 1
        self.reo_persist = 0
        self.dsack_round = -1
        self.tlp_high = -1
        self.tlp_retrans = False

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

    def sack(self, blocks: Sequence[tuple[int, int]], now: int, rtt: Rtt) -> Acked:
        """Marks what the peer has beyond a gap. Blocks lie within what is under way."""
        fresh, first_ns, original = 0, NEVER, False
        for begin, end in sorted(blocks):
            index = bisect_left(self.records, begin + 1, key=_end)
            while index < len(self.records) and (record := self.records[index]).seq < end:
                index += 1
                if record.flags & SACKED:
                    continue
                if len(self.records) < RECORDS_MAX:
                    if record.seq < begin:
                        self.split(index - 1, begin)
                        continue
                    if record.end > end:
                        record = self.split(index - 1, end)
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
            self.reo_seen = True
        if (record.sent_ns, record.end) > (self.rack_ns, self.rack_end):
            self.rack_ns, self.rack_end = record.sent_ns, record.end
            self.rack_rtt = now - record.sent_ns

    def reo_wnd(self, mss: int, rtt: Rtt) -> int:
        """How long after something younger has arrived a segment may still come (6.2, step 4)."""
        if not self.reo_seen and (self.phase >= Phase.RECOVERY or self.sacked >= DUPLICATES * mss):
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


# -- phases


def enter_recovery(c: Connection, now: int, *, ecn: bool = False) -> None:
    """Something is lost: the window begins to go down."""
    sb = c.sb
    _begin_reduction(c, now, ecn=ecn)
    sb.phase = Phase.RECOVERY
    c.layer.count("fast retransmits")


def enter_cwr(c: Connection, now: int) -> None:
    """The network is congested, though nothing has to be sent again."""
    if c.sb.phase < Phase.CWR:
        c.sb.undo_marker = -1
        _begin_reduction(c, now, ecn=True)
        c.sb.phase = Phase.CWR


def _begin_reduction(c: Connection, now: int, *, ecn: bool) -> None:
    sb = c.sb
    sb.high = c.snd_nxt
    sb.tlp_high = -1
    if sb.phase < Phase.CWR:
        sb.prior_ssthresh = 0 if ecn else c.ssthresh
        sb.prior_cwnd = c.cwnd
        sb.prr_delivered = sb.prr_out = 0
        c.ssthresh = c.cc.lost(c, now)
        if c.ecn:
            c.cwr_pending = True
    if not ecn:
        _begin_undo(c)


def _begin_undo(c: Connection) -> None:
    c.sb.undo_marker = c.snd_una
    c.sb.undo_retrans = -(-c.sb.retrans // c.mss) or -1


def enter_loss(c: Connection, now: int) -> None:
    """The retransmission timer has run out (RFC 5681, 3.1)."""
    sb = c.sb
    fresh = sb.phase < Phase.RECOVERY
    reneged = bool(sb.records) and bool(sb.records[0].flags & SACKED)
    if sb.phase <= Phase.DISORDER or c.snd_una >= sb.high or (sb.phase == Phase.LOSS and not c.retransmits):
        sb.prior_ssthresh = c.ssthresh
        sb.prior_cwnd = c.cwnd
        c.ssthresh = c.cc.lost(c, now)
        c.cc.timed_out(c, now)
        _begin_undo(c)
        if c.ecn:
            c.cwr_pending = True
    sb.mark_all_lost(reneged=reneged)
    if not c.sack_ok:
        sb.sacked = 0
    c.cwnd = c.mss
    sb.dupacks = 0
    sb.tlp_high = -1
    sb.frto = c.sack_ok and not reneged and (fresh or c.retransmits > 0)
    sb.phase = Phase.LOSS
    sb.high = c.snd_nxt


def on_ack(
    c: Connection, acked: Acked, sacked: Acked, *, una: int, duplicate: bool, ece: bool, dsack: bool, now: int
) -> bool:
    """Moves the phases on. ``una`` is what ``snd_una`` was before. True when new data should be tried first (F-RTO)."""
    sb = c.sb
    advanced = c.snd_una > una
    if advanced and sb.sacked and not c.sack_ok:  # duplicates have told of these before
        acked = acked._replace(fresh=max(acked.fresh - sb.sacked, c.mss))
    delivered = acked.fresh + sacked.fresh
    lost_before = sb.lost
    new_first = False
    _tail_probe(c, duplicate=duplicate, dsack=dsack, now=now)
    if sb.phase or sb.sacked or sb.lost or duplicate or ece or dsack:
        new_first = _alert(c, acked, sacked, advanced, duplicate, ece, dsack, now)
    if sb.phase in (Phase.CWR, Phase.RECOVERY):
        _reduce(c, delivered, sb.lost > lost_before, advanced)
    elif advanced and c.cwnd_limited():
        c.cc.acked(c, acked.fresh, now)
    return new_first


def _alert(
    c: Connection, acked: Acked, sacked: Acked, advanced: bool, duplicate: bool, ece: bool, dsack: bool, now: int
) -> bool:
    sb = c.sb
    if ece:
        sb.prior_ssthresh = 0
    if sb.records and sb.records[0].flags & SACKED and advanced:
        _reneging(c, now)
    if sb.phase != Phase.OPEN and c.snd_una >= sb.high and _leave(c):
        return False
    if sb.phase == Phase.LOSS:
        if _in_loss(c, acked, sacked, advanced, duplicate):
            return True
        detect(c, now)
        if not c.opened():
            return False
    elif sb.phase == Phase.RECOVERY:
        _in_recovery(c, advanced, duplicate, now)
        if dsack and _undo_dsack(c):
            _try_open(c, ece, now)
            return False
        detect(c, now)
        return False
    if not c.sack_ok:
        _count_duplicate(c, advanced, duplicate)
    if dsack:
        _undo_dsack(c)
    detect(c, now)
    if sb.lost and c.sb.next_lost() >= 0:
        enter_recovery(c, now, ecn=ece)
    else:
        _try_open(c, ece, now)
    return False


def detect(c: Connection, now: int) -> None:
    """Marks losses, and has the timer look again when some may show later."""
    sb = c.sb
    if c.sack_ok:
        again = sb.detect(now, sb.reo_wnd(c.mss, c.rtt))
        c.layer.arm_reordering(c, again)
    elif sb.records and sb.dupacks >= DUPLICATES and sb.phase < Phase.RECOVERY:
        _mark_head(c)


def _mark_head(c: Connection) -> None:
    sb = c.sb
    head = sb.records[0]
    if head.end - head.seq > c.mss:
        head = sb.split(0, head.seq + c.mss)
    if not head.flags & LOST:
        sb.mark_lost(head)


def _count_duplicate(c: Connection, advanced: bool, duplicate: bool) -> None:
    """Without SACK a duplicate acknowledgment says that some segment has left the network."""
    sb = c.sb
    if advanced:
        sb.dupacks = sb.sacked = 0
    if duplicate:
        sb.dupacks += 1
        sb.sacked = max(min(sb.sacked + c.mss, c.snd_nxt - c.snd_una - c.mss), 0)


def _in_recovery(c: Connection, advanced: bool, duplicate: bool, now: int) -> None:
    sb = c.sb
    if c.sack_ok:
        return
    if not advanced:
        _count_duplicate(c, advanced, duplicate)
    elif sb.records:
        sb.dupacks = sb.sacked = 0
        _mark_head(c)  # a partial acknowledgment: the next hole begins where it ends (RFC 6582, 3.2)


def _leave(c: Connection) -> bool:
    """All that was under way when the phase began is acknowledged. True when nothing else is to be done."""
    sb = c.sb
    phase = sb.phase
    if phase == Phase.CWR:
        c.cwnd = min(c.cwnd, c.ssthresh)
        sb.phase = Phase.OPEN
    elif phase == Phase.RECOVERY:
        if not c.sack_ok:
            sb.dupacks = sb.sacked = 0
            if c.snd_una == sb.high:  # what answers the last retransmissions must not look like new losses
                return True
        if not _undo(c):
            c.cwnd = c.ssthresh
        sb.narrow()
        sb.phase = Phase.OPEN
    return False


def _in_loss(c: Connection, acked: Acked, sacked: Acked, advanced: bool, duplicate: bool) -> bool:
    """After a timeout; True when new data are to be sent to see whether it was needless (RFC 5682, 3.1)."""
    sb = c.sb
    recovered = c.snd_una >= sb.high
    if advanced and _undo_loss(c, force=False):
        return False
    if sb.frto:
        if (acked.original or sacked.original) and _undo_loss(c, force=True):
            return False
        if c.snd_nxt > sb.high:
            if sacked.fresh or duplicate:
                sb.frto = False
        elif advanced and not recovered:
            sb.high = c.snd_nxt
            if c.unsent and c.snd_una + c.snd_wnd > c.snd_nxt:
                return True
            sb.frto = False
    if recovered:
        if not c.sack_ok:
            sb.dupacks = sb.sacked = 0
        _undo(c)
        sb.phase = Phase.OPEN
        return False
    if not c.sack_ok:
        if advanced:
            sb.dupacks = sb.sacked = 0
        elif duplicate and c.snd_nxt > sb.high:
            _count_duplicate(c, advanced, duplicate)
    return False


def _try_open(c: Connection, ece: bool, now: int) -> None:
    sb = c.sb
    if not sb.retrans:
        sb.retrans_stamp = -1
    if ece:
        enter_cwr(c, now)
    if sb.phase != Phase.CWR:
        phase = Phase.DISORDER if sb.sacked or sb.lost or sb.retrans else Phase.OPEN
        if phase != sb.phase:
            sb.phase = phase
            sb.high = c.snd_nxt


def _reduce(c: Connection, delivered: int, newly_lost: bool, advanced: bool) -> None:
    """Proportional rate reduction (RFC 6937): for what is delivered, less than that is sent."""
    sb = c.sb
    if not sb.prior_cwnd:
        return
    sb.prr_delivered += delivered
    pipe = c.pipe
    delta = c.ssthresh - pipe
    if delta < 0:
        count = -(-c.ssthresh * sb.prr_delivered // sb.prior_cwnd) - sb.prr_out
    else:
        count = max(sb.prr_delivered - sb.prr_out, delivered)
        if advanced and not newly_lost:
            count += c.mss
        count = min(delta, count)
    c.cwnd = pipe + max(count, 0 if sb.prr_out else c.mss)


def _reneging(c: Connection, now: int) -> None:
    """The peer has thrown away what it had reported: none of its reports count (RFC 2018, 8)."""
    c.layer.count("SACK reneging")
    enter_loss(c, now)


# -- what was retransmitted without need


def may_undo(c: Connection) -> bool:
    """All retransmissions were duplicates, or the acknowledgment answers an original (RFC 3708, RFC 3522)."""
    sb = c.sb
    return sb.undo_marker >= 0 and (sb.undo_retrans == 0 or _answers_original(c))


def _answers_original(c: Connection) -> bool:
    stamp = c.sb.retrans_stamp
    return stamp >= 0 and c.ts_ok and c.tsecr_in >= 0 and (c.tsecr_in - stamp) & 0xFFFFFFFF >= 1 << 31


def _restore(c: Connection) -> None:
    sb = c.sb
    if sb.prior_ssthresh:
        c.cwnd = max(c.cwnd, sb.prior_cwnd)
        c.ssthresh = max(c.ssthresh, sb.prior_ssthresh)
        c.cc.undo(c)
        c.layer.count("needless retransmissions undone")
    sb.undo_marker = -1


def _undo(c: Connection) -> bool:
    if not may_undo(c):
        return False
    _restore(c)
    return True


def _undo_dsack(c: Connection) -> bool:
    if c.sb.undo_marker >= 0 and c.sb.undo_retrans == 0:
        _restore(c)
        return True
    return False


def _undo_loss(c: Connection, *, force: bool) -> bool:
    sb = c.sb
    if not force and not may_undo(c):
        return False
    for record in sb.records:
        if record.flags & LOST:
            record.flags &= ~LOST
    sb.lost = 0
    _restore(c)
    c.retransmits = 0
    c.rtt.backoff = 0
    sb.frto = False
    if force or c.sack_ok:
        sb.phase = Phase.OPEN
    return True


def note_dsack(c: Connection, begin: int, end: int) -> None:
    """The peer got a range twice."""
    sb = c.sb
    if sb.undo_marker >= 0 and sb.undo_retrans > 0 and begin >= sb.undo_marker:
        sb.undo_retrans = max(0, sb.undo_retrans - max(1, -(-(end - begin) // max(c.mss, 1))))
    sb.widen(c)


def note_retransmit(c: Connection, record: Sent, now: int) -> None:
    sb = c.sb
    if sb.retrans_stamp < 0:
        sb.retrans_stamp = c.stamp(now)
    sb.undo_retrans = max(sb.undo_retrans, 0) + max(1, -(-(record.end - record.seq) // max(c.mss, 1)))


def _tail_probe(c: Connection, *, duplicate: bool, dsack: bool, now: int) -> None:
    """What the answer to a tail loss probe says (RFC 8985, 7.4)."""
    sb = c.sb
    if sb.tlp_high < 0 or c.snd_una < sb.tlp_high:
        return
    if not sb.tlp_retrans or dsack or (duplicate and c.snd_una == sb.tlp_high):
        sb.tlp_high = -1
    elif c.snd_una > sb.tlp_high:
        sb.tlp_high = -1
        enter_cwr(c, now)
        if sb.phase == Phase.CWR:
            c.cwnd = c.ssthresh
            sb.phase = Phase.OPEN

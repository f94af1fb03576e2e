"""What is lost, and how fast to send until that is made good.

The scoreboard knows what is under way, and RACK what of it is lost; without SACK the third duplicate acknowledgment
says so (RFC 6582). So the bytes in the network can be counted (RFC 6675), and output sends while they are fewer than
the window, first what is lost, then new data.

Phases, as their names are in Linux:

    OPEN ── something sacked ──> DISORDER ── something lost ──> RECOVERY ── all of then acknowledged ──> OPEN
      └── congestion marked (ECN), tail loss made good ──> CWR ──> OPEN
      any ── retransmission timeout ──> LOSS ──> OPEN

In CWR and RECOVERY the window goes down in proportion to what is delivered (RFC 6937). What was retransmitted without
need is found out by timestamps (RFC 3522), duplicate SACKs (RFC 3708) or F-RTO (RFC 5682), and the window given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp import mtuprobe
from rumpnet.core.tcp.scoreboard import DUPLICATES, LOST, SACKED, Acked, Phase, Sent

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection


def enter_recovery(c: Connection, now: int, *, ecn: bool = False) -> None:
    """Something is lost: the window begins to go down, unless it is only a probe of the path."""
    sb = c.sb
    if c.search is not None and mtuprobe.lost(c, c.search):
        return
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
    if c.search is not None and c.search.size:
        c.search.failed()
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

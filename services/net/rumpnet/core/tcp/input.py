"""A segment arrives (RFC 9293, 3.10.7).

The order is the RFC's: timestamps, sequence number, RST, SYN, ACK, URG, data, FIN; with the rules of RFC 5961 against
blind attacks. What a connection in its usual course gets, the next data or an acknowledgment of some, takes a short way
before all that (header prediction): a few comparisons tell that no rule has anything to say.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from rumpnet.core.tcp import mtuprobe, output, recovery, timers
from rumpnet.core.tcp.scoreboard import Acked
from rumpnet.core.tcp.state import CAN_RECEIVE, Event, State
from rumpnet.core.tcp.tcb import MASK, near
from rumpnet.core.tcp.wheel import MS, NEVER
from rumpnet.core.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, Segment
from rumpuser.host import Buffer
from rumpwire.errno import Errno

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection

PAWS_IDLE = 24 * 86400 * 1000 * MS
"""After so long without a segment the peer's clock may have wrapped (RFC 7323, 5.5)."""
OUT_OF_WINDOW_EVERY = 500 * MS
"""Answers to segments from outside the window are rarer than that, lest two ends answer one another forever."""
QUICK_ACKS = 16
"""Segments at the beginning that are acknowledged at once, so that the peer's slow start is not slowed."""
NOTHING = Acked(0, NEVER, original=False)
_PREDICTED = ~(PSH | ACK) & 0xFF


def arrives(c: Connection, seg: Segment, now: int) -> None:
    """Takes a segment for a connection that is not in SYN_SENT."""
    c.idle_since = now
    if _predicted(c, seg, now):
        return
    seg.seq = near(c.rcv_nxt, seg.seq)
    seg.ack = near(c.snd_una, seg.ack)
    if not _timestamp_ok(c, seg, now) or not _in_window(c, seg, now):
        return
    if seg.flags & RST:
        _reset(c, seg, now)
        return
    if seg.flags & SYN:
        _challenge(c, now)
        return
    if not seg.flags & ACK:
        return
    if c.ts_ok and seg.tsval >= 0 and seg.seq <= c.last_ack:
        c.ts_recent, c.ts_recent_at = seg.tsval, now
    if c.state == State.SYN_RECEIVED and not _handshake_done(c, seg, now):
        return
    new_first = _acknowledge(c, seg, now)
    if new_first is None:
        return
    if seg.flags & URG:
        _urgent(c, seg)
    if c.state in CAN_RECEIVE:
        take_data(c, seg, now)
    if c.state != State.CLOSED:
        output.output(c, now, new_first=new_first)


# -- the short way


def _predicted(c: Connection, seg: Segment, now: int) -> bool:
    """Handles the usual segments. False when the long way is to be taken."""
    if (
        c.state != State.ESTABLISHED or seg.flags & _PREDICTED or seg.sack or seg.window << c.snd_scale != c.snd_wnd
        or seg.seq != c.rcv_nxt & MASK or c.ts_ok != (seg.tsval >= 0) or c.ecn or c.sb.phase or c.sb.sacked or c.persist
    ):  # fmt: skip
        return False
    if c.ts_ok and seg.tsval - c.ts_recent & MASK >= 1 << 31:
        return False
    ack = near(c.snd_una, seg.ack)
    length = len(seg.payload)
    if length:
        if ack != c.snd_una or c.reassembly or length > c.rcv_adv - c.rcv_nxt or c.rcv_fin >= 0 or c.oob_mark >= 0:
            return False
        if c.layer.orphaned(c):
            return False
    elif not c.snd_una < ack <= c.snd_nxt or c.sb.tlp_high >= 0:
        return False
    if c.ts_ok and c.rcv_nxt <= c.last_ack:
        c.ts_recent, c.ts_recent_at = seg.tsval, now
    if length:
        c.tsecr_in = seg.tsecr
        _append(c, seg, now)
        c.user.arrived()
        if c.ack_now:
            output.output(c, now)
        return True
    seg.ack = ack
    c.tsecr_in = seg.tsecr
    acked = c.sb.acknowledge(ack, now, c.rtt)
    _advance(c, ack, acked, now)
    if c.cwnd_limited():
        c.cc.acked(c, acked.fresh, now)
    c.user.room()
    if c.snd_nxt < c.snd.end or c.fin_queued:
        output.output(c, now)
    return True


# -- is it for us?


def _timestamp_ok(c: Connection, seg: Segment, now: int) -> bool:
    """PAWS (RFC 7323, 5)."""
    if not c.ts_ok or seg.flags & RST:
        return True
    if seg.tsval < 0:
        # Without a timestamp it is not from this connection (3.2), but for peers that forget them.
        return bool(seg.flags & SYN or c.layer.sysctl.tolerate_missing_ts.value)
    if (seg.tsval - c.ts_recent) & MASK < 1 << 31 or now - c.ts_recent_at > PAWS_IDLE:
        return True
    c.layer.count("old segments dropped by timestamp")
    if c.sack_ok and len(seg.payload) and seg.seq + len(seg.payload) <= c.rcv_nxt:
        c.reassembly.dsack = (seg.seq, seg.seq + len(seg.payload))
    if seg.length or seg.seq != c.rcv_nxt:
        _answer_stray(c, seg, now)
    return False


def _in_window(c: Connection, seg: Segment, now: int) -> bool:
    """Whether some of it is new to us. It is cut to that; what is not is answered with an acknowledgment."""
    seq, length = seg.seq, seg.length
    edge = max(c.rcv_adv, c.rcv_nxt)
    if seq + length < c.rcv_nxt or (seq + length == c.rcv_nxt and length):
        return _all_old(c, seg, now)
    if seq > edge or (seq == edge and length and edge > c.rcv_nxt):
        return _beyond(c, seg, now)
    if edge == c.rcv_nxt and length and seq >= edge and not seg.flags & RST:
        # The window is closed. What the segment acknowledges counts all the same (RFC 9293, 3.10.7.4).
        seg.payload = seg.payload[:0]
        seg.flags &= ~(FIN | SYN)
        c.ack_now = True
        c.layer.count("segments for a closed window")
    elif seq < c.rcv_nxt:
        _cut_front(c, seg)
    if seg.seq + len(seg.payload) > edge:
        seg.payload = seg.payload[: edge - seg.seq]
        seg.flags &= ~FIN
        c.ack_now = True
    return True


def _cut_front(c: Connection, seg: Segment) -> None:
    old = c.rcv_nxt - seg.seq
    if seg.flags & SYN:
        seg.flags &= ~SYN
        old -= 1
    if c.sack_ok and old:
        c.reassembly.dsack = (seg.seq, c.rcv_nxt)
    seg.payload = seg.payload[old:]
    seg.seq = c.rcv_nxt
    c.ack_now = True


def _all_old(c: Connection, seg: Segment, now: int) -> bool:
    """A duplicate, or a keep-alive probe."""
    if seg.flags & RST:
        return False
    if seg.flags & SYN and c.state == State.SYN_RECEIVED and seg.seq == c.irs and not seg.flags & ACK:
        output.send_syn(c, now)  # our answer to it was lost
        return False
    if seg.flags & SYN:
        if c.sack_ok and seg.seq == c.irs:
            c.reassembly.dsack = (seg.seq, seg.seq + 1)
        _challenge(c, now)
        return False
    if c.ts_ok and seg.tsval >= 0 and seg.seq + seg.length >= c.last_ack:
        c.ts_recent, c.ts_recent_at = seg.tsval, now  # else the answer would echo a time long gone
    if len(seg.payload) and c.sack_ok:
        c.reassembly.dsack = (seg.seq, seg.seq + len(seg.payload))
    c.layer.count("duplicate segments")
    _answer_stray(c, seg, now)
    if seg.flags & ACK and c.state not in (State.SYN_RECEIVED,) and c.snd_una < seg.ack <= c.snd_nxt:
        # An old segment with a newer acknowledgment is what a peer retransmits whose data we have.
        _acknowledge(c, seg, now)
        if c.state != State.CLOSED:
            output.output(c, now)
    return False


def _beyond(c: Connection, seg: Segment, now: int) -> bool:
    c.layer.count("segments beyond the window")
    if not seg.flags & RST:
        _answer_stray(c, seg, now)
    return False


def _answer_stray(c: Connection, seg: Segment, now: int) -> None:
    """An acknowledgment for what is not acceptable, but for segments without data not too often."""
    if not seg.payload and not seg.flags & (SYN | FIN):
        if now - c.oow_ack_at < OUT_OF_WINDOW_EVERY:
            return
        c.oow_ack_at = now
    output.send_ack(c, now)


def _reset(c: Connection, seg: Segment, now: int) -> None:
    """Only a reset at exactly the next number is believed (RFC 5961, 3.2)."""
    if seg.seq != c.rcv_nxt and not (c.reassembly.blocks and seg.seq == max(end for _, end in c.reassembly.blocks)):
        _challenge(c, now)
        return
    c.layer.count("connections reset")
    if c.state == State.SYN_RECEIVED:
        c.layer.drop(c, Errno.ECONNREFUSED)
    elif c.state in (State.CLOSING, State.LAST_ACK):
        c.layer.release(c)
    else:
        c.layer.drop(c, Errno.ECONNRESET)


def _challenge(c: Connection, now: int) -> None:
    """A challenge ACK: a peer that means it will answer with what we believe (RFC 5961)."""
    if c.layer.may_challenge(c, now):
        c.layer.count("challenge ACKs")
        output.send_ack(c, now)


# -- acknowledgment


def _handshake_done(c: Connection, seg: Segment, now: int) -> bool:
    """The third segment, for opens that crossed and for Fast Open."""
    if not c.snd_una < seg.ack <= c.snd_nxt:
        c.layer.reset(c.ip, c.key, seg.ack, 0, RST)
        return False
    c.transit(Event.ACK_OF_SYN)
    c.snd_wl1, c.snd_wl2 = seg.seq, seg.ack
    established(c, now)
    return True


def established(c: Connection, now: int) -> None:
    c.retransmits = 0
    c.rexmt_at = NEVER
    c.quick = QUICK_ACKS
    if c.layer.sysctl.mtu_probing.value == 2:
        mtuprobe.begin(c)
    if not c.cwnd:
        c.cwnd = c.layer.initial_window(c)
    c.last_sent = now
    c.delivered += 1
    c.measured = (now, c.rcv_nxt)
    c.user.established()
    if c.fin_queued and c.state == State.ESTABLISHED:
        c.transit(Event.CLOSE)
    timers.start_keepalive(c, now)


def _acknowledge(c: Connection, seg: Segment, now: int) -> bool | None:
    """What an acknowledgment says. None when the segment is to be dropped, else whether new data go first."""
    ack = seg.ack
    if ack > c.snd_nxt or ack < c.snd_una - max(c.max_wnd, 1):
        if ack > c.snd_nxt:
            output.send_ack(c, now) if seg.payload else _challenge(c, now)
        else:
            _challenge(c, now)
        return None
    una, window = c.snd_una, seg.window << c.snd_scale
    duplicate = (
        ack == una and not seg.payload and not seg.flags & FIN and window == c.snd_wnd and bool(c.sb.records)
    )  # fmt: skip
    _update_window(c, seg, window, now)
    if ack < una and not (seg.sack and c.sack_ok):
        return False
    c.tsecr_in = seg.tsecr if c.ts_ok and seg.tsval >= 0 else -1
    sacked, dsack = _blocks(c, seg, now) if seg.sack and c.sack_ok else (NOTHING, False)
    c.delivered += -(-sacked.fresh // c.mss)
    acked = NOTHING
    if ack > una:
        acked = c.sb.acknowledge(ack, now, c.rtt)
        _advance(c, ack, acked, now, echo=not dsack)
    elif sacked.first_ns != NEVER:
        c.rtt.sample(now - sacked.first_ns, now)
    ece = bool(c.ecn and seg.flags & ECE) and not seg.flags & SYN
    new_first = recovery.on_ack(
        c, acked, sacked, una=una, duplicate=duplicate, ece=ece, dsack=dsack, now=now
    )  # fmt: skip
    if ack > una:
        c.user.room()
        _fin_acknowledged(c, now)
    return new_first


def _update_window(c: Connection, seg: Segment, window: int, now: int) -> None:
    """Only newer segments tell of the window (RFC 9293, 3.10.7.4)."""
    if seg.ack > c.snd_una or (c.snd_wl1, c.snd_wl2) <= (seg.seq, seg.ack):
        c.snd_wnd, c.snd_wl1, c.snd_wl2 = window, seg.seq, seg.ack
        c.max_wnd = max(c.max_wnd, window)
    if c.persist:
        c.probes = 0
        if c.snd_una + c.snd_wnd > c.snd_nxt:
            c.persist = False
            c.rexmt_at = NEVER
            c.rtt.backoff = 0


def _advance(c: Connection, ack: int, acked: Acked, now: int, *, echo: bool = True) -> None:
    """``snd_una`` moves on. With ``echo`` the timestamp that came back tells the time of a round trip."""
    c.bytes_acked += ack - c.snd_una
    c.delivered += -(-acked.fresh // c.mss)
    c.snd_una = ack
    if c.search is not None:
        mtuprobe.acknowledged(c, c.search)
    if acked.first_ns != NEVER:
        c.rtt.sample(now - acked.first_ns, now)
    elif echo and c.ts_ok and c.tsecr_in > 0 and acked.fresh:
        age = ((c.stamp(now) - c.tsecr_in) & MASK) * MS
        if age <= now - acked.again_ns + MS:  # older ones may be echoes of what had come long before (Karn)
            c.rtt.sample(age, now)
    c.snd.drop(min(ack, c.snd.end))
    if c.eor:
        del c.eor[: bisect_right(c.eor, ack)]
    if c.snd_up >= 0 and ack >= c.snd_up:
        c.snd_up = -1
    timers.acknowledged(c, now)


def _blocks(c: Connection, seg: Segment, now: int) -> tuple[Acked, bool]:
    """SACK blocks that make sense, and whether the first tells of a duplicate (RFC 2883)."""
    blocks = []
    dsack = False
    for index, (begin, end) in enumerate(seg.sack):
        begin, end = near(c.snd_una, begin), near(c.snd_una, end)
        if begin >= end or end > c.snd_nxt:
            continue
        if index == 0 and (end <= seg.ack or _within(c, seg, begin, end)):
            dsack = True
            recovery.note_dsack(c, begin, end)
        elif begin >= max(seg.ack, c.snd_una):
            blocks.append((begin, end))
    return c.sb.sack(blocks, now, c.rtt, c.mss), dsack


def _within(c: Connection, seg: Segment, begin: int, end: int) -> bool:
    """Whether the first block lies in the second, which also makes it a duplicate."""
    if len(seg.sack) < 2:
        return False
    low, high = near(c.snd_una, seg.sack[1][0]), near(c.snd_una, seg.sack[1][1])
    return low <= begin and end <= high


def _fin_acknowledged(c: Connection, now: int) -> None:
    if not c.fin_queued or c.snd_una <= c.snd.end or c.snd_una != c.snd_nxt:
        return
    if c.state == State.FIN_WAIT_1:
        c.transit(Event.ACK_OF_FIN)
        if c.layer.orphaned(c):
            wait_for_fin(c, now)
    elif c.state == State.CLOSING:
        c.transit(Event.ACK_OF_FIN)
        c.layer.time_wait(c, now)
    elif c.state == State.LAST_ACK:
        c.transit(Event.ACK_OF_FIN)
        c.layer.release(c)


def wait_for_fin(c: Connection, now: int) -> None:
    """Nobody is there to close: FIN_WAIT_2 does not last for ever."""
    c.wait_at = now + timers.FIN_WAIT_2
    c.arm(c.wait_at)


# -- data


def _urgent(c: Connection, seg: Segment) -> None:
    """The peer has urgent data up to a mark, whose last byte is before it (RFC 6093)."""
    mark = seg.seq + seg.urgent
    if mark > max(c.rcv_nxt, c.oob_mark) and c.state in CAN_RECEIVE:
        c.oob_mark = mark
        c.user.urgent_mark(mark - 1 - c.rcv_nxt)


def take_data(c: Connection, seg: Segment, now: int) -> None:
    if c.ecn:
        if seg.flags & CWR:
            c.ece_echo = False
        if seg.ce:
            c.ece_echo = True
            c.ack_now = True
    length = len(seg.payload)
    fin = seg.flags & FIN
    if length and c.layer.orphaned(c):
        c.layer.answer_reset(c.ip, c.key, seg)  # nobody will read it: the peer has to know (RFC 1122, 4.2.2.13)
        c.layer.release(c)
        return
    if fin:
        c.rcv_fin = seg.seq + length
    if length:
        if seg.seq == c.rcv_nxt:
            _append(c, seg, now)
            _fill(c)
        else:
            _keep(c, seg)
        c.user.arrived()
    if 0 <= c.rcv_fin <= c.rcv_nxt and c.state in CAN_RECEIVE:
        _finish(c, now)
    elif fin and seg.seq != c.rcv_nxt - length:
        c.ack_now = True


def _append(c: Connection, seg: Segment, now: int) -> None:
    """The next data: into the buffer as one piece, however long."""
    length = len(seg.payload)
    _store(c, seg.payload)
    c.unacked += length
    if length < c.rcv_mss:
        c.rcv_mss = max(length, 88) if length > c.rcv_mss // 2 and not seg.flags & PSH else c.rcv_mss
    else:
        c.rcv_mss = min(length, c.layer.announced_mss(c))
    if c.quick:
        c.quick -= 1
        c.ack_now = True
    elif c.unacked > c.rcv_mss or (seg.flags & PSH and c.layer.sysctl.ack_on_push.value):
        c.ack_now = True
    else:
        timers.delay_ack(c, now)
    if not c.opt.rcv_fixed and c.rcv_nxt - c.rcv.count - c.measured[1] >= c.rcv.hiwat // 2:
        c.layer.tune_receive(c, now)


def _fill(c: Connection) -> None:
    """What waited behind the gap follows."""
    if not c.reassembly:
        return
    for data in c.reassembly.take(c.rcv_nxt):
        _store(c, data)
    c.ack_now = True


def _store(c: Connection, data: Buffer) -> None:
    """Into the buffer, but for an urgent byte that is read by itself."""
    length = len(data)
    at = c.oob_mark - 1 - c.rcv_nxt
    if c.oob_mark >= 0 and 0 <= at < length:
        view = memoryview(data)
        c.user.urgent_byte(bytes(view[at : at + 1]))
        c.oob_mark = -1
        if not c.opt.oobinline:
            if at:
                c.rcv.append(view[:at])
            data = view[at + 1 :]
    if len(data):
        c.rcv.append(data)
    c.rcv_nxt += length
    c.bytes_received += length


def _keep(c: Connection, seg: Segment) -> None:
    """Beyond a gap: kept, and acknowledged at once (RFC 5681, 4.2)."""
    c.layer.count("out-of-order segments")
    c.reassembly.add(seg.seq, seg.payload, c.rcv.hiwat + c.rcv.hiwat // 2)
    c.ack_now = True
    c.quick = max(c.quick, 1)


def _finish(c: Connection, now: int) -> None:
    """All that the peer had to say is there."""
    c.rcv_nxt = c.rcv_fin + 1
    c.rcv_adv = max(c.rcv_adv, c.rcv_nxt)
    c.reassembly.clear()
    c.ack_now = True
    c.transit(Event.FIN)
    c.user.arrived()
    if c.state == State.TIME_WAIT:
        output.send_ack(c, now)
        c.layer.time_wait(c, now)

"""The first segments of an active open, and of two that cross (RFC 9293, 3.5 and 3.10.7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp import output
from rumpnet.core.tcp.input import established, take_data
from rumpnet.core.tcp.scoreboard import Phase
from rumpnet.core.tcp.state import CAN_RECEIVE, Event, State
from rumpnet.core.tcp.tcb import MASK, near
from rumpnet.core.tcp.wheel import MS
from rumpnet.core.wire.tcp import ACK, CWR, ECE, FIN, RST, SYN, Segment
from rumpwire.errno import Errno

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection


def arrives(c: Connection, seg: Segment, now: int) -> None:
    """RFC 9293, 3.10.7.3."""
    c.idle_since = now
    seg.ack = near(c.snd_una, seg.ack)
    acceptable = c.iss < seg.ack <= c.snd_nxt
    if seg.flags & ACK and not acceptable:
        if not seg.flags & RST:
            c.layer.reset(c.ip, c.key, seg.ack, 0, RST)
        return
    if c.ts_ok and seg.flags & ACK and seg.tsval >= 0 and seg.tsecr and _echo_is_wrong(c, seg, now):
        if not seg.flags & RST:
            c.layer.reset(c.ip, c.key, seg.ack, 0, RST)
        return
    if seg.flags & RST:
        if seg.flags & ACK:
            c.layer.drop(c, Errno.ECONNREFUSED)
        return
    if not seg.flags & SYN:
        return
    _take_syn(c, seg, now)
    if seg.flags & ACK:
        _syn_acknowledged(c, seg, now)
    else:
        _crossed(c, seg, now)


def _echo_is_wrong(c: Connection, seg: Segment, now: int) -> bool:
    return (c.stamp(now) - seg.tsecr) & MASK > (now - c.started_at) // MS + 1


def _take_syn(c: Connection, seg: Segment, now: int) -> None:
    """What the peer's SYN says of itself."""
    c.irs = seg.seq
    c.rcv_nxt = c.last_ack = seg.seq + 1
    c.rcv_adv = c.rcv_nxt + min(c.rcv.space, 0xFFFF)
    take_options(c, seg, now)
    c.snd_wnd = c.max_wnd = seg.window
    c.snd_wl1 = seg.seq


def take_options(c: Connection, seg: Segment, now: int) -> None:
    """Features that both sides have."""
    c.ts_ok = c.ts_ok and seg.tsval >= 0
    if c.ts_ok:
        c.ts_recent, c.ts_recent_at = seg.tsval, now
    c.sack_ok = c.sack_ok and seg.sack_permitted
    c.ws_ok = c.ws_ok and seg.wscale >= 0
    c.snd_scale = seg.wscale if c.ws_ok else 0
    c.rcv_scale = c.rcv_scale if c.ws_ok else 0
    c.peer_mss = seg.mss or c.layer.default_mss(c)
    c.layer.choose_mss(c)


def _syn_acknowledged(c: Connection, seg: Segment, now: int) -> None:
    c.ecn = c.ecn and seg.flags & (ECE | CWR) == ECE
    if c.retransmits == 0:
        c.rtt.sample(now - c.last_sent, now)
    elif c.ts_ok and seg.tsecr:
        c.rtt.sample(max((c.stamp(now) - seg.tsecr) & MASK, 1) * MS, now)
    c.rtt.backoff = 0
    c.sb.acknowledge(seg.ack, now, c.rtt)
    c.snd_una = seg.ack
    c.snd_wl2 = seg.ack
    c.snd.drop(min(seg.ack, c.snd.end))
    c.layer.fastopen.answered(c, seg)
    c.transit(Event.SYN_ACK)
    c.ack_now = True
    c.cwnd = c.layer.initial_window(c) if c.retransmits < 2 else c.mss
    established(c, now)
    if c.unsent:  # who asks is answered: his own data carry acknowledgments
        c.quick = 0
    if c.sb.records:  # data that went with the SYN and were not taken
        c.sb.mark_all_lost()
        c.sb.phase, c.sb.high = Phase.LOSS, c.snd_nxt
    if len(seg.payload) or seg.flags & FIN:
        seg.seq, seg.flags = seg.seq + 1, seg.flags & ~SYN
        if c.state in CAN_RECEIVE:
            take_data(c, seg, now)
    if c.state != State.CLOSED:
        output.output(c, now)


def _crossed(c: Connection, seg: Segment, now: int) -> None:
    """Both sides open at once (RFC 9293, figure 7). What went with our SYN may have been taken."""
    c.ecn = c.ecn and seg.flags & (ECE | CWR) == ECE | CWR
    c.transit(Event.SYN)
    c.retransmits = 0
    c.cwnd = c.layer.initial_window(c)
    output.send_syn(c, now)

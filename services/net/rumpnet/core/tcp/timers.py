"""The timers of a connection (RFC 6298, 5; RFC 8985, 7; RFC 1122, 4.2.2.17, 4.2.3.2 and 4.2.3.6).

There are four deadlines, which the wheel watches over together:

- ``rexmt_at``: the retransmission timeout, or, while nothing is under way, the next probe of a closed window;
- ``probe_at``: the tail loss probe, or the moment at which a reordered segment is taken for lost;
- ``delack_at``: an acknowledgment that waits for something to go with;
- ``wait_at``: keep-alive, and the end of FIN_WAIT_2 without a user.

A fifth, ``pace_at``, counts while a segment waits for it (`Connection.paced`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp import mtuprobe, output, recovery
from rumpnet.core.tcp.scoreboard import Phase
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.wheel import MS, NEVER, SECOND
from rumpwire.errno import Errno

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection

MAX_ACK_DELAY = 200 * MS
"""What a probe for a lost tail counts on (RFC 8985, 7.2); our own are later by net.inet.tcp.delack_ticks at most."""
RETRIES = 15
"""Retransmissions of one segment; with doubling timeouts these are 15 minutes."""
ORPHAN_RETRIES = 8
BLACK_HOLE = 2
"""Retransmissions until a path is suspected to lose big packets without saying so (RFC 4821)."""
FIN_WAIT_2 = 60 * SECOND
"""How long a connection without a user waits for the peer's FIN."""
PROBE_DEFAULT = SECOND
SLACK = 2 * MS
LOCAL_RETRY = 500 * MS
"""Until data are tried again that our own interface had no room for (TCP_RESOURCE_PROBE_INTERVAL of Linux)."""


def next_deadline(c: Connection) -> int:
    first = min(c.rexmt_at, c.probe_at, c.delack_at, c.wait_at)
    return min(first, c.pace_at) if c.paced else first


def expire(c: Connection, now: int) -> None:
    """Does what is due, and puts the connection into the wheel again."""
    if c.delack_at <= now:
        c.delack_at = NEVER
        c.quick = max(c.quick, 1)
        output.send_ack(c, now)
    if c.probe_at <= now:
        c.probe_at = NEVER
        _reordering(c, now) if c.probe_reo else _tail_loss(c, now)
    if c.rexmt_at <= now:
        c.rexmt_at = NEVER
        _retransmit(c, now)
    if c.wait_at <= now:
        c.wait_at = NEVER
        _waited(c, now)
    if c.paced and c.pace_at <= now:
        c.paced = False
        output.output(c, now)
    if c.state != State.CLOSED:
        c.arm(next_deadline(c))


def stop(c: Connection) -> None:
    c.rexmt_at = c.probe_at = c.delack_at = c.wait_at = NEVER
    c.paced = False
    c.layer.wheel.put(c, NEVER)


# -- set by what is sent and what comes


def data_sent(c: Connection, now: int) -> None:
    """Data or FIN went out."""
    if c.rexmt_at == NEVER:
        start_rexmt(c, now)
    schedule_probe(c, now)


def start_rexmt(c: Connection, now: int) -> None:
    c.rexmt_at = now + c.rtt.rto
    if c.opt.user_timeout and c.stalled_since:
        c.rexmt_at = min(c.rexmt_at, max(c.stalled_since + c.opt.user_timeout, now + MS))
    c.arm(c.rexmt_at)


def acknowledged(c: Connection, now: int) -> None:
    """New data were acknowledged: the timer runs anew, or rests (RFC 6298, 5.2 and 5.3)."""
    c.retransmits = c.probes = 0
    c.stalled_since = now
    if c.snd_una == c.snd_nxt:
        c.rexmt_at = c.probe_at = NEVER
    else:
        start_rexmt(c, now)
        if not c.probe_reo or c.probe_at == NEVER:
            schedule_probe(c, now)


def schedule_probe(c: Connection, now: int) -> None:
    """A tail loss probe, when losses could only be noticed by the timeout (RFC 8985, 7.2)."""
    sb = c.sb
    if not c.sack_ok or sb.phase > Phase.DISORDER or sb.tlp_high >= 0 or sb.sacked or c.state < State.ESTABLISHED:
        return
    if not sb.records or (c.probe_reo and c.probe_at != NEVER):
        return
    slack = MAX_ACK_DELAY if c.snd_nxt - c.snd_una <= c.mss else SLACK
    c.probe_at = min(now + (2 * c.rtt.srtt + slack if c.rtt.srtt else PROBE_DEFAULT), c.rexmt_at)
    c.probe_reo = False
    c.arm(c.probe_at)


def arm_reordering(c: Connection, at: int) -> None:
    """Losses are to be looked for again at a time, `NEVER` for not."""
    if at != NEVER:
        c.probe_reo, c.probe_at = True, at
        c.arm(at)
    elif c.probe_reo:
        c.probe_reo, c.probe_at = False, NEVER


def delay_ack(c: Connection, now: int) -> None:
    if c.delack_at == NEVER:
        c.delack_at = now + c.layer.sysctl.delack_ticks.value * 10 * MS
        c.arm(c.delack_at)


def start_persist(c: Connection, now: int) -> None:
    """The window is closed and nothing is under way that would tell when it opens."""
    c.persist = True
    c.probes = 0
    c.rtt.backoff = 0
    c.stalled_since = c.stalled_since or now
    start_rexmt(c, now)


def local_congestion(c: Connection, now: int) -> None:
    """Our own interface had no room for what is next. The network knows nothing of it: no time is doubled."""
    c.persist, c.probe_at, c.rtt.backoff = True, NEVER, 0
    c.stalled_since = c.stalled_since or now
    c.rexmt_at = c.pace_at = now + (LOCAL_RETRY if c.probes else c.rtt.rto)
    c.arm(c.rexmt_at)


def wait_for_pace(c: Connection) -> None:
    c.paced = True
    c.arm(c.pace_at)


def start_keepalive(c: Connection, now: int) -> None:
    if c.opt.keepalive and c.state >= State.ESTABLISHED and c.wait_at == NEVER:
        c.wait_at = max(c.idle_since + idle_time(c), now)
        c.arm(c.wait_at)


def idle_time(c: Connection) -> int:
    return c.opt.keepidle or c.layer.sysctl.keepidle.value * SECOND // 2


def interval(c: Connection) -> int:
    return c.opt.keepintvl or c.layer.sysctl.keepintvl.value * SECOND // 2


# -- run out


def _reordering(c: Connection, now: int) -> None:
    c.probe_reo = False
    recovery.detect(c, now)
    if c.sb.next_lost() >= 0 and c.sb.phase < Phase.RECOVERY:
        recovery.enter_recovery(c, now)
        if c.sb.phase == Phase.RECOVERY:
            c.cwnd = max(c.pipe + c.mss, 1)
    output.output(c, now)


def _tail_loss(c: Connection, now: int) -> None:
    """Sends new data if there are any that fit, else the last segment again (RFC 8985, 7.3)."""
    sb = c.sb
    if not sb.records or sb.phase > Phase.DISORDER:
        return
    sb.tlp_high, sb.tlp_retrans = c.snd_nxt, True
    if c.unsent and c.snd_una + c.snd_wnd - c.snd_nxt >= min(c.unsent, c.mss):
        cwnd, c.cwnd = c.cwnd, c.pipe + c.mss
        output.output(c, now)
        c.cwnd = max(cwnd, c.mss)
        sb.tlp_retrans = c.snd_nxt == sb.tlp_high
        sb.tlp_high = c.snd_nxt
    if sb.tlp_retrans:
        record = sb.records[-1]
        if record.end - record.seq > c.mss + (record.end > c.snd.end):
            sb.split(len(sb.records) - 1, record.end - c.mss)
            record = sb.records[-1]
        output.resend(c, record, now)
    c.layer.count("tail loss probes")
    c.probe_at = NEVER
    start_rexmt(c, now)


def _retransmit(c: Connection, now: int) -> None:
    if c.state in (State.SYN_SENT, State.SYN_RECEIVED) and c.snd_una == c.iss:
        _resend_syn(c, now)
    elif c.persist:
        _probe_window(c, now)
    elif c.sb.records:
        _timed_out(c, now)


def _resend_syn(c: Connection, now: int) -> None:
    """The handshake: tried for as long as keepinit says."""
    patience = c.opt.user_timeout or c.opt.keepinit or c.layer.sysctl.keepinit.value * SECOND // 2
    if now - c.started_at >= patience:
        c.layer.drop(c, c.softerror or Errno.ETIMEDOUT)
        return
    c.retransmits += 1
    c.total_retrans += 1
    c.rtt.backoff += 1
    if c.syn_data:
        c.layer.fastopen.failed(c)
    if c.ecn and c.retransmits > c.layer.sysctl.ecn_maxretries.value:
        c.ecn = False  # some path may lose packets that ask for it (RFC 3168, 6.1.1.1)
    output.send_syn(c, now)
    c.rexmt_at = min(c.rexmt_at, c.started_at + patience)


def _timed_out(c: Connection, now: int) -> None:
    c.layer.count("retransmit timeouts")
    if _gives_up(c, now, ORPHAN_RETRIES if c.layer.orphaned(c) else RETRIES):
        c.layer.drop(c, c.softerror or Errno.ETIMEDOUT)
        return
    recovery.enter_loss(c, now)
    c.retransmits += 1
    c.rtt.backoff += 1
    c.probe_at = NEVER
    if c.retransmits == BLACK_HOLE:
        mtuprobe.suspect_black_hole(c)
    if c.snd_wnd == 0 and c.snd_una + c.snd_wnd < c.snd_nxt and not c.sb.records[0].end > c.snd.end:
        output.resend(c, c.sb.records[c.sb.next_lost()], now)  # the peer has taken its window back
    else:
        output.output(c, now)
    c.rexmt_at = NEVER
    start_rexmt(c, now)


def _gives_up(c: Connection, now: int, retries: int) -> bool:
    if c.opt.user_timeout:
        return now - c.stalled_since >= c.opt.user_timeout
    return c.retransmits >= retries


def _probe_window(c: Connection, now: int) -> None:
    """A closed window is probed for as long as the peer answers (RFC 1122, 4.2.2.17), our own interface for ever."""
    tired = c.probes >= RETRIES and c.rtt.backoff
    if (c.opt.user_timeout and now - c.stalled_since >= c.opt.user_timeout) or tired:
        c.layer.drop(c, c.softerror or Errno.ETIMEDOUT)
        return
    if c.layer.orphaned(c) and c.probes >= ORPHAN_RETRIES:
        c.layer.drop(c, Errno.ETIMEDOUT)
        return
    c.probes += 1
    c.rtt.backoff += 1
    cork, c.opt.cork = c.opt.cork, False
    before, c.push_seq = c.snd_nxt, c.snd.end
    output.output(c, now)
    c.opt.cork = cork
    if c.snd_nxt == before:
        window = min(c.snd_una + c.snd_wnd - c.snd_nxt, c.unsent)
        if window > 0:
            output.force(c, window, now)
        else:
            output.send_probe(c, now)
            c.layer.count("window probes")
            start_rexmt(c, now)


def _waited(c: Connection, now: int) -> None:
    if c.state == State.FIN_WAIT_2 and c.layer.orphaned(c):
        c.layer.release(c)
    elif c.opt.keepalive and c.state >= State.ESTABLISHED:
        _keepalive(c, now)


def _keepalive(c: Connection, now: int) -> None:
    idle = now - c.idle_since
    if idle < idle_time(c) or c.sb.records or c.unsent:
        c.probes = 0 if idle < idle_time(c) else c.probes
        c.wait_at = max(c.idle_since + idle_time(c), now + interval(c) if idle >= idle_time(c) else 0)
        return
    limit = c.opt.keepcnt or c.layer.sysctl.keepcnt.value
    tired = c.opt.user_timeout and idle >= c.opt.user_timeout and c.probes
    if tired or (not c.opt.user_timeout and c.probes >= limit):
        output.send_reset(c, now)
        c.layer.count("connections dropped by keep-alive")
        c.layer.drop(c, c.softerror or Errno.ETIMEDOUT)
        return
    c.probes += 1
    output.send_probe(c, now)
    c.layer.count("keep-alive probes")
    c.wait_at = now + interval(c)

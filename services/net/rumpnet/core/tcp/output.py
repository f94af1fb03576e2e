"""What is sent, and when (RFC 9293, 3.8; RFC 1122, 4.2.3; RFC 896; RFC 5681).

`output` is called whenever something has changed: data were written, an acknowledgment came, a timer ran out. It sends
first what is lost, then new data as far as both windows and Nagle's rule let it, and at last a bare acknowledgment if
one is due and nothing has carried it. Segments carry up to 64 KiB; who cannot carry one whole cuts it (`gso_size`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import TYPE_CHECKING

from rumpnet.core.packet import Packet
from rumpnet.core.tcp import mtuprobe, timers
from rumpnet.core.tcp.recovery import note_retransmit
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.tcb import near
from rumpnet.core.tcp.wheel import MS, NEVER
from rumpnet.core.wire import tcp
from rumpnet.core.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG
from rumpuser.host import Buffer

if TYPE_CHECKING:
    from rumpnet.core.tcp.scoreboard import Sent
    from rumpnet.core.tcp.tcb import Connection

GSO_MAX = 65535 - 60 - 60
"""Payload of one packet at most, whatever its headers."""
RTT_SHORT = 512_000
"""Nanoseconds of round trip for each of which the biggest packet halves."""
PACE_FROM = 10
"""Segments at the beginning that are not paced."""
ECT = 2
"""The codepoint by which packets say that they take marks: ECT(0)."""


def output(c: Connection, now: int, *, new_first: bool = False) -> None:
    """Sends what may be sent. Only for connections that are synchronized, or half-open with Fast Open."""
    sent = False
    if c.sb.lost and not new_first:
        sent = _resend_lost(c, now)
    if c.snd_nxt < c.snd.end or (c.fin_queued and c.snd_nxt == c.snd.end):
        sent = _send_new(c, now) or sent
    if c.ack_now:
        send_ack(c, now)
    if c.snd_nxt == c.snd_una and not c.persist and c.unsent and not sent and not c.paced:
        timers.start_persist(c, now)


def _send_new(c: Connection, now: int) -> bool:
    if c.snd_nxt == c.snd_una and c.last_sent and now - c.last_sent > c.rtt.rto:
        _restart(c, now)
    sent = False
    c.limited = False
    if c.search is not None and (length := mtuprobe.probe(c, c.search, now)):
        usual, c.mss = c.mss, length
        _send_data(c, length, fin=False, now=now)
        c.mss = usual
        sent = True
    while (length := _sendable(c)) >= 0 and not _too_early(c, now):
        fin = c.fin_queued and c.snd_nxt + length == c.snd.end
        if not length and not fin:
            break
        _send_data(c, length, fin, now)
        sent = True
        if fin:
            break
    if sent and c.layer.notsent_lowat(c):
        c.user.room()
    flight = c.snd_nxt - c.snd_una
    if c.limited or c.snd_una >= c.usage_end or flight > c.flight_max:
        c.flight_max, c.usage_end = flight, c.snd_nxt
    return sent


def _sendable(c: Connection) -> int:
    """Bytes for the next segment; -1 for nothing, 0 for a bare FIN."""
    left = c.snd.end - c.snd_nxt
    if left < 0:
        return -1
    room = c.cwnd - c.pipe
    window = c.snd_una + c.snd_wnd - c.snd_nxt
    mss = c.mss
    if not left:
        return 0 if window > 0 or c.snd_una == c.snd_nxt else -1
    if window < min(left, mss):
        return window if window >= max(c.max_wnd // 2, 1) and room >= window else -1
    if room < min(left, mss):
        c.limited = True
        return -1
    most = min(left, room, window)
    if most > mss:
        most = min(most, _train(c))
    if c.eor and (record := _record_left(c)) <= most:
        if record < left:
            return record  # what follows must not be joined to it, so there is nothing to wait for
        most = record
    tail = most % mss
    if tail and (most < left or not _may_send_tail(c)):
        most -= tail
    return most or -1


def _train(c: Connection) -> int:
    """Bytes that go as one packet at most: half a window, and about what the path takes in a millisecond.

    So acknowledgments come while the next packet is on its way. A short path gets big packets whatever its window.
    """
    mss, rtt = c.mss, c.rtt
    most = max(c.cwnd // (2 * mss), 1) * mss
    if most > 2 * mss and rtt.srtt:
        bound = 2 * c.cwnd * MS // rtt.srtt + (GSO_MAX >> min(rtt.min // RTT_SHORT, 32))
        most = min(most, max(bound // mss, c.layer.sysctl.tso_min.value) * mss)
    return min(most, GSO_MAX)


def record_size(c: Connection) -> int:
    """Whole segments, for half of the largest window that the peer had: what Linux gathers as one packet."""
    return max(min(c.max_wnd // 2, GSO_MAX) // c.mss, 1) * c.mss


def _record_left(c: Connection) -> int:
    """Bytes to the end of the record (MSG_EOR) that comes next."""
    index = bisect_right(c.eor, c.snd_nxt)
    return c.eor[index] - c.snd_nxt if index < len(c.eor) else GSO_MAX + 1


def _pushes(c: Connection, end: int) -> bool:
    """Whether the receiver is to pass on what ends here: a record, what was written, or what went with a SYN."""
    if end in (c.push_seq, c.iss + 1 + c.syn_data):
        return True
    index = bisect_left(c.eor, end)
    return index < len(c.eor) and c.eor[index] == end


def _may_send_tail(c: Connection) -> bool:
    """Whether a last segment that is not full goes now: not while another small one is under way (RFC 896)."""
    if c.fin_queued or c.snd_up > c.snd_nxt:
        return True
    if c.opt.cork:
        return False
    return c.opt.nodelay or c.nagle_small <= c.snd_una


def force(c: Connection, length: int, now: int) -> None:
    """Sends this much new data, though it is less than is worth it."""
    _send_data(c, length, c.fin_queued and length == c.unsent, now)


def _send_data(c: Connection, length: int, fin: bool, now: int) -> None:
    seq = c.snd_nxt
    end = seq + length + fin
    flags = ACK
    if fin:
        flags |= FIN
    if length and seq < c.push_seq and (c.push_seq < seq + length or length > c.mss or _pushes(c, seq + length)):
        flags |= PSH  # in a long one it makes whoever gathers segments pass them on
    if c.cwr_pending and c.ecn and length:
        flags |= CWR
        c.cwr_pending = False
    if length % c.mss:
        c.nagle_small = seq + length
    if c.snd_nxt == c.snd_una and not c.persist:
        c.stalled_since = now
    c.sb.sent(seq, end, now)
    c.snd_nxt = end
    c.persist = False
    c.sb.prr_out += end - seq
    _transmit(c, seq, length, flags, now, ect=True)
    timers.data_sent(c, now)


def _resend_lost(c: Connection, now: int) -> bool:
    """Sends again what is marked lost, while the window has room; the first of it always after a timeout."""
    sb, sent = c.sb, False
    while (index := sb.next_lost()) >= 0:
        room = min(c.cwnd - c.pipe, GSO_MAX)
        record = sb.records[index]
        length = record.end - record.seq
        if room < min(length, c.mss) or _too_early(c, now):
            break
        if length > room:
            record = sb.split(index, record.seq + max(room - room % c.mss, min(c.mss, length)))
        resend(c, record, now)
        sent = True
    return sent


def resend(c: Connection, record: Sent, now: int) -> None:
    """Sends a record again, as much as the peer's window takes at least a segment."""
    length = min(record.end, c.snd.end) - record.seq
    fin = record.end > c.snd.end
    pushes = length > c.mss or (length > 0 and _pushes(c, record.seq + length))
    flags = ACK | (FIN if fin else 0) | (PSH if pushes else 0)
    c.total_retrans += 1
    c.layer.count("data packets retransmitted")
    c.sb.prr_out += record.end - record.seq
    note_retransmit(c, record, now)
    c.sb.resent(record, now)
    _transmit(c, record.seq, max(length, 0), flags, now)
    timers.data_sent(c, now)


def _too_early(c: Connection, now: int) -> bool:
    """Whether the next segment has to wait for its time. Always False without pacing."""
    if c.pace_at <= now:
        return False
    timers.wait_for_pace(c)
    return True


def _pace(c: Connection, length: int, now: int) -> None:
    """Sets the time of the next segment: twice the window in a round trip while it grows fast, else 1.2 times.

    The initial window is not spread, and half of the time by which one was late is made good with the next.
    """
    if c.snd_nxt - c.iss <= PACE_FROM * c.mss or not c.rtt.srtt:
        return
    tenths = 20 if c.cwnd < c.ssthresh // 2 else 12
    gap = 10 * length * c.rtt.srtt // (tenths * max(c.cwnd, c.mss))
    c.pace_at = now + gap - min(gap // 2, now - c.pace_at)


def refused(c: Connection, seq: int, now: int) -> None:
    """Our own interface had no room for a segment: data that would have been in it for the first time are unsent again.

    When nothing is under way that could tell of room, a timer tries again, as for a closed window.
    """
    if c.state < State.ESTABLISHED:
        return
    seq, records = near(c.snd_una, seq), c.sb.records
    c.layer.outgoing = deque(item for item in c.layer.outgoing if item[0] is not c)  # what follows would leave a hole
    while records and records[-1].seq >= seq and not records[-1].flags:
        c.snd_nxt = records.pop().seq
    c.nagle_small = min(c.nagle_small, c.snd_nxt)
    if c.snd_nxt == c.snd_una and (c.unsent or c.fin_queued):
        timers.local_congestion(c, now)


def _restart(c: Connection, now: int) -> None:
    """Slow start after idle: the window is halved for each timeout without a segment (RFC 2861, RFC 5681, 4.1)."""
    if not c.layer.sysctl.slow_start_after_idle.value:
        return
    idle, least = now - c.last_sent, min(c.cwnd, c.layer.initial_window(c))
    c.ssthresh = max(c.ssthresh, 3 * c.cwnd // 4) if c.ssthresh < 1 << 40 else c.ssthresh
    while idle > c.rtt.rto and c.cwnd > least:
        idle -= c.rtt.rto
        c.cwnd //= 2
    c.cwnd = max(c.cwnd, least)
    if burst := c.layer.sysctl.cwm_burst.value:
        c.cwnd = min(c.cwnd, burst * c.mss)
    c.cc.idle(c, now)


# -- segments


def _transmit(c: Connection, seq: int, length: int, flags: int, now: int, *, ect: bool = False) -> None:
    views: list[Buffer] = c.snd.views(seq, length) if length else []
    urgent = 0
    if c.snd_up > seq:
        flags |= URG
        urgent = min(c.snd_up - seq, 0xFFFF)
    c.last_sent = now
    if c.layer.sysctl.pacing.value:
        _pace(c, length, now)
    send(c, seq, flags, views, length, now, urgent=urgent, tclass=ECT if ect and c.ecn else 0)


def send_ack(c: Connection, now: int) -> None:
    """A bare acknowledgment."""
    send(c, c.snd_nxt, ACK, [], 0, now)


def send_probe(c: Connection, now: int) -> None:
    """Something that the peer has to answer: a segment from before the window, without data (RFC 1122, 4.2.3.6)."""
    send(c, c.snd_una - 1, ACK, [], 0, now)


def send_reset(c: Connection, now: int) -> None:
    send(c, c.snd_nxt, RST | ACK, [], 0, now)


def send(
    c: Connection, seq: int, flags: int, views: list[Buffer], length: int, now: int, *, urgent: int = 0, tclass: int = 0
) -> None:
    """A segment of a synchronized connection, with whatever acknowledgment and window there are to tell."""
    if c.ecn and c.ece_echo:
        flags |= ECE
    options = _options(c, length, now)
    window = advertise(c) >> c.rcv_scale
    c.ack_now = False
    c.unacked = 0
    c.delack_at = NEVER
    transmit(c, seq, flags, min(window, 0xFFFF), options, views, length, urgent=urgent, tclass=tclass)


def transmit(
    c: Connection, seq: int, flags: int, window: int, options: bytes, views: list[Buffer], length: int, *,
    urgent: int = 0, tclass: int = 0,
) -> None:  # fmt: skip
    """Puts a segment among those that leave when the connection is done with what it does (`TcpLayer.flush`)."""
    pseudo = c.pseudo + tcp.HEADER_LEN + len(options) + length
    pseudo = (pseudo & 0xFFFF) + (pseudo >> 16)
    header = tcp.emit(c.ports, seq, c.rcv_nxt if flags & ACK else 0, flags, window, pseudo, urgent, options)
    packet = Packet(header, *views)
    packet.csum_start, packet.csum_offset = 0, tcp.CHECKSUM_OFFSET
    if length > c.mss:
        packet.gso_size = c.mss
    c.last_ack = c.rcv_nxt
    c.layer.outgoing.append((c, packet, tclass))


def _options(c: Connection, length: int, now: int) -> bytes:
    options = tcp.timestamps(c.stamp(now), c.ts_recent) if c.ts_ok else b""
    queue = c.reassembly
    if c.sack_ok and (queue.blocks or queue.dsack):
        blocks = ([queue.dsack] if queue.dsack else []) + queue.blocks
        most = (min(tcp.OPTIONS_MAX - len(options), c.mss - length) - 4) // 8
        if most <= 0:
            return options  # no room beside the data; the next acknowledgment says it
        queue.dsack = None
        options += tcp.sack(blocks[:most])
    return options


def advertise(c: Connection) -> int:
    """The window to tell, which neither shrinks nor opens by silly bits (RFC 9293, 3.8.6.2.2). Moves ``rcv_adv``."""
    held = max(c.rcv_adv - c.rcv_nxt, 0)
    space = receive_space(c)
    if space < held + min(c.rcv.hiwat // 2, c.rcv_mss) and space < c.rcv.hiwat // 4:
        space = held
    unit = 1 << c.rcv_scale
    window = max(space & -unit, -(-held // unit) * unit)
    window = min(window, 0xFFFF << c.rcv_scale)
    c.rcv_adv = max(c.rcv_adv, c.rcv_nxt + window)
    return window


def receive_space(c: Connection) -> int:
    return c.rcv.space


def window_update(c: Connection, now: int) -> None:
    """The user has read: tells the peer when that opens the window by enough for it to go on."""
    if c.state < State.ESTABLISHED or c.rcv_fin >= 0:
        return
    held = c.rcv_adv - c.rcv_nxt
    gain = min(receive_space(c), 0xFFFF << c.rcv_scale) - held
    if (gain >= 2 * c.rcv_mss and (gain >= c.rcv.hiwat // 4 or held < 2 * c.rcv_mss)) or 2 * gain >= c.rcv.hiwat:
        c.ack_now = True
        output(c, now)


# -- the first segment


def syn_window(c: Connection) -> int:
    c.rcv_adv = c.rcv_nxt + min(c.rcv.space, 0xFFFF)
    return min(c.rcv.space, 0xFFFF)


def send_syn(c: Connection, now: int) -> None:
    """The first segment of an active open, or of one that crosses another. Fast Open puts data into it."""
    answering = c.state == State.SYN_RECEIVED
    flags = SYN | (ACK if answering else 0)
    if c.ecn:
        flags |= ECE if answering else ECE | CWR
    stamps = (c.stamp(now), c.ts_recent if answering else 0) if c.ts_ok else None
    first = not c.retransmits and not answering
    cookie = c.syn_cookie if first else None
    options = tcp.syn_options(
        c.layer.announced_mss(c), wscale=c.rcv_scale if c.ws_ok else -1, sack_permitted=c.sack_ok, stamps=stamps,
        cookie=cookie, experimental=c.syn_experimental,
    )  # fmt: skip
    length = c.syn_data if first else 0
    views = c.snd.views(c.iss + 1, length) if length else []
    c.last_sent = now
    transmit(c, c.iss, flags, syn_window(c), options, views, length)
    c.delack_at, c.ack_now = NEVER, False
    if c.snd_nxt == c.iss:
        c.snd_nxt = c.iss + 1 + length
        if length:
            c.sb.sent(c.iss + 1, c.snd_nxt, now)
    timers.start_rexmt(c, now)

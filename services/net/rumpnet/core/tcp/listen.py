"""Passive opens: the SYN cache, SYN cookies, and the step from there to a connection.

A SYN for a listener makes an entry, not a connection: it is answered, the answer is repeated a few times, and the
acknowledgment of it makes the connection, if the listener's queue has room. When a listener has too many entries, or
all of them together are too many, a SYN is answered with a cookie instead: the sequence number of the answer says,
signed, what had to be kept, and the low bits of its timestamp the rest. What comes back is believed as long as cookies
were needed a short while ago.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from rumpnet.core.tcp import input as tcp_input
from rumpnet.core.tcp import output
from rumpnet.core.tcp.state import Event, State
from rumpnet.core.tcp.tcb import MASK, Connection, Key, Options, near
from rumpnet.core.tcp.wheel import NEVER, SECOND
from rumpnet.core.wire import tcp
from rumpnet.core.wire.tcp import ACK, CWR, ECE, FIN, RST, SYN, Segment

if TYPE_CHECKING:
    from rumpnet.core.tcp.layer import TcpLayer

RETRIES = 5
"""Answers to a SYN beside the first: given up after a minute."""
HALF_OPEN_MIN = 8
COOKIE_PERIOD = 64 * SECOND
COOKIE_AGE = 2
"""Periods for which a cookie counts."""
COOKIE_MSS = (216, 536, 1200, 1380, 1400, 1440, 1460, 8960)
"""What fits into three bits; others are rounded down. Common sizes, by and large."""
NO_WSCALE = 15
BUCKETS = 293
"""Of the SYN cache (TCP_SYN_HASH_SIZE)."""


class Listener(Protocol):
    """A socket that listens."""

    half_open: int
    backlog: int
    opt: Options

    def full(self) -> bool:
        """Whether as many connections wait to be accepted as may."""
        ...

    def receive_space(self) -> int:
        """The receive buffer that its connections get."""
        ...

    def adopt(self, c: Connection) -> None:
        """A connection has come about: it gets a socket, which stands in the queue."""
        ...

    def new_connection(self, ip: Any, key: Key) -> Connection:
        """A connection with the listener's options and buffers."""
        ...


class SynEntry:
    """A half-open connection."""

    __slots__ = (
        "ecn", "experimental", "ip", "irs", "iss", "key", "layer", "listener", "mss", "retries", "sack_ok",
        "sent_ns", "slot_at", "ts_ok", "ts_recent", "window", "wscale",
    )  # fmt: skip

    def __init__(self, layer: TcpLayer, listener: Listener, ip: Any, key: Key, seg: Segment) -> None:
        self.layer = layer
        self.listener = listener
        self.ip = ip
        self.key = key
        self.irs = seg.seq
        self.iss = 0
        self.mss = seg.mss
        self.window = seg.window
        sysctl = layer.sysctl
        self.wscale = seg.wscale if sysctl.rfc1323.value and sysctl.win_scale.value else -1
        self.sack_ok = bool(seg.sack_permitted and sysctl.sack.value and not listener.opt.nosack)
        self.ts_ok = bool(seg.tsval >= 0 and sysctl.rfc1323.value and sysctl.timestamps.value)
        self.ts_recent = max(seg.tsval, 0)
        self.ecn = bool(sysctl.ecn.value and seg.flags & (ECE | CWR) == ECE | CWR)
        self.experimental = seg.experimental
        self.retries = 0
        self.sent_ns = 0
        self.slot_at = NEVER

    def expire(self, now: int) -> None:
        self.layer.syncache.expire(self, now)


class SynCache:
    """The entries of all listeners."""

    def __init__(self, layer: TcpLayer) -> None:
        self.layer = layer
        self.entries: dict[Key, SynEntry] = {}
        self._buckets: Counter[int] = Counter()
        """How many there are by their bucket, which peers cannot choose: a flood that looks alike does not fill all."""
        self._overflow = -NEVER

    def count(self) -> int:
        return len(self.entries)

    def clear(self) -> None:
        self.entries.clear()
        self._buckets.clear()

    def _bucket(self, key: Key) -> int:
        return int.from_bytes(self.layer.mac(b"bucket", repr(key).encode())[:4], "big") % BUCKETS

    # -- SYN

    def syn(self, listener: Listener, ip: Any, key: Key, seg: Segment, now: int) -> None:
        layer = self.layer
        entry = self.entries.get(key)
        if entry is not None:
            if entry.irs == seg.seq:
                entry.ts_recent = seg.tsval if entry.ts_ok and seg.tsval >= 0 else entry.ts_recent
                self._answer(entry, now)
            elif near(entry.irs, seg.seq) > entry.irs:  # the peer has begun anew
                self.remove(entry)
                self.syn(listener, ip, key, seg, now)
            return
        if listener.full():
            layer.count("SYNs dropped due to full queue")
            return
        if self._fast_open(listener, ip, key, seg, now):
            return
        entry = SynEntry(layer, listener, ip, key, seg)
        crowded = listener.half_open >= max(listener.backlog, HALF_OPEN_MIN)
        full = len(self.entries) >= layer.sysctl.syn_cache_limit.value
        if crowded or full or self._buckets[self._bucket(key)] >= layer.sysctl.syn_bucket_limit.value:
            self._crowded(entry, now)
            return
        entry.iss = layer.isn(key, now)
        self.entries[key] = entry
        self._buckets[self._bucket(key)] += 1
        listener.half_open += 1
        self._answer(entry, now, seg)
        layer.wheel.put(entry, now + SECOND)

    def _crowded(self, entry: SynEntry, now: int) -> None:
        if not self.layer.sysctl.syn_cookies.value:
            self.layer.count("SYNs dropped due to full cache")
            return
        self._overflow = now
        self.layer.count("SYN cookies sent")
        entry.iss = self._cookie(entry.key, entry.irs, _mss_index(entry.mss), now // COOKIE_PERIOD)
        self._send(entry, now, self._cookie_stamp(entry, now))

    def _answer(self, entry: SynEntry, now: int, seg: Segment | None = None) -> None:
        cookie = None
        if seg is not None and seg.cookie is not None and self._serves_fast_open(entry.listener):
            cookie = self.layer.fastopen.cookie_for(entry.key[2])
        self._send(entry, now, self.layer.stamp(entry.key, now), cookie)

    def _send(self, entry: SynEntry, now: int, stamp: int, cookie: bytes | None = None) -> None:
        layer, listener = self.layer, entry.listener
        flags = SYN | ACK | (ECE if entry.ecn else 0)
        options = tcp.syn_options(
            layer.mss_for(entry.ip, entry.key[2], listener.opt),
            wscale=layer.scale_for(listener.receive_space()) if entry.wscale >= 0 else -1, sack_permitted=entry.sack_ok,
            stamps=(stamp, entry.ts_recent) if entry.ts_ok else None, cookie=cookie,
            experimental=entry.experimental,
        )  # fmt: skip
        entry.sent_ns = now
        window = min(listener.receive_space(), 0xFFFF)
        layer.send_bare(entry.ip, entry.key, entry.iss, entry.irs + 1, flags, window, options, listener.opt)

    def expire(self, entry: SynEntry, now: int) -> None:
        """The answer was not acknowledged."""
        if entry.retries >= RETRIES:
            self.remove(entry)
            self.layer.count("SYN cache entries timed out")
            return
        entry.retries += 1
        entry.ecn = entry.ecn and entry.retries <= self.layer.sysctl.ecn_maxretries.value
        self._answer(entry, now)
        self.layer.wheel.put(entry, now + (SECOND << entry.retries))

    def remove(self, entry: SynEntry) -> None:
        if self.entries.pop(entry.key, None) is not None:
            entry.listener.half_open -= 1
            self._buckets[self._bucket(entry.key)] -= 1
        self.layer.wheel.put(entry, NEVER)

    def closed(self, listener: Listener) -> None:
        """The listener is gone, and its half-open connections with it."""
        for entry in [e for e in self.entries.values() if e.listener is listener]:
            self.remove(entry)

    # -- everything else

    def segment(self, listener: Listener, ip: Any, key: Key, seg: Segment, now: int) -> None:
        """A segment that is no SYN, for a port where somebody listens."""
        entry = self.entries.get(key)
        if seg.flags & RST:
            if entry is not None and seg.seq == entry.irs + 1 & MASK:
                self.remove(entry)
            return
        if not seg.flags & ACK:
            return
        if entry is None:
            entry = self._from_cookie(listener, ip, key, seg, now)
            if entry is None:
                self.layer.answer_reset(ip, key, seg)
                return
        elif not self._acceptable(entry, seg, now):
            return
        if listener.full():
            self.layer.count("connections dropped due to full queue")
            return  # the entry stays: its answer is repeated, and acknowledged once more
        self.remove(entry)
        c = self._establish(entry, seg, now)
        tcp_input.arrives(c, seg, now)

    def _acceptable(self, entry: SynEntry, seg: Segment, now: int) -> bool:
        if seg.ack != entry.iss + 1 & MASK:
            self.layer.reset(entry.ip, entry.key, seg.ack, 0, RST)
            return False
        seq = near(entry.irs, seg.seq)
        if entry.ts_ok and seg.tsval >= 0 and (seg.tsval - entry.ts_recent) & MASK >= 1 << 31:
            self._answer(entry, now)
            return False
        if not entry.irs < seq <= entry.irs + 1 + 0xFFFF:
            self._answer(entry, now)
            return False
        return True

    def _establish(self, entry: SynEntry, seg: Segment, now: int) -> Connection:
        """The connection that the entry stood for."""
        c = entry.listener.new_connection(entry.ip, entry.key)
        c.iss, c.irs = entry.iss, entry.irs
        c.ts_ok, c.sack_ok, c.ecn = entry.ts_ok, entry.sack_ok, entry.ecn
        c.ts_recent, c.ts_recent_at = entry.ts_recent, now
        _begin(c, entry.wscale, entry.mss)
        c.snd_una = c.snd_nxt = c.iss + 1
        c.snd_wnd = c.max_wnd = seg.window << c.snd_scale
        c.snd_wl1, c.snd_wl2 = c.irs, c.snd_una
        if not entry.retries and entry.sent_ns:
            c.rtt.sample(now - entry.sent_ns, now)
        c.state = State.ESTABLISHED
        self.layer.enter(c)
        tcp_input.established(c, now)
        if entry.retries > 1:
            c.cwnd = c.mss
        entry.listener.adopt(c)
        self.layer.count("connections accepted")
        return c

    # -- Fast Open

    def _serves_fast_open(self, listener: Listener) -> bool:
        sysctl = self.layer.sysctl
        return bool((listener.opt.fastopen or sysctl.fastopen_all.value) and sysctl.fastopen_server.value)

    def _fast_open(self, listener: Listener, ip: Any, key: Key, seg: Segment, now: int) -> bool:
        """A SYN with a cookie of ours: the connection is there at once."""
        if not self._serves_fast_open(listener) or listener.half_open >= max(listener.opt.fastopen, 1):
            return False
        free = self.layer.sysctl.fastopen_open.value or listener.opt.fastopen_no_cookie
        if not (free and len(seg.payload)) and seg.cookie != self.layer.fastopen.cookie_for(key[2]):
            return False
        entry = SynEntry(self.layer, listener, ip, key, seg)
        c = listener.new_connection(ip, key)
        c.iss = c.snd_una = c.snd_nxt = self.layer.isn(key, now)
        c.irs = seg.seq
        c.ts_ok, c.sack_ok, c.ecn = entry.ts_ok, entry.sack_ok, entry.ecn
        c.ts_recent, c.ts_recent_at = entry.ts_recent, now
        _begin(c, entry.wscale, entry.mss)
        c.snd_wnd = c.max_wnd = seg.window
        c.snd_wl1 = c.irs
        c.cwnd = self.layer.initial_window(c)
        c.transit(Event.SYN)
        self.layer.enter(c)
        self._take_data(c, seg)
        output.send_syn(c, now)
        listener.adopt(c)
        self.layer.count("Fast Open connections accepted")
        return True

    def _take_data(self, c: Connection, seg: Segment) -> None:
        data = seg.payload[: c.rcv.space]
        if len(data):
            c.rcv.append(data)
            c.rcv_nxt += len(data)
            c.bytes_received += len(data)
            c.syn_data_taken = True
        if seg.flags & FIN and len(data) == len(seg.payload):
            c.rcv_nxt += 1
            c.rcv_fin = c.rcv_nxt - 1
            c.transit(Event.FIN)

    # -- cookies

    def _cookie(self, key: Key, irs: int, index: int, period: int) -> int:
        """Five bits of time, three of the segment size, 24 that nobody else can make."""
        text = repr((key, irs, index, period)).encode()
        mac = int.from_bytes(self.layer.mac(b"syn", text)[:3], "big")
        return (period & 31) << 27 | index << 24 | mac

    def _cookie_stamp(self, entry: SynEntry, now: int) -> int:
        """Our clock with what else the peer can do in its low bits; not ahead of the clock."""
        stamp = self.layer.stamp(entry.key, now)
        wscale = entry.wscale if entry.wscale >= 0 else NO_WSCALE
        bits = wscale | entry.sack_ok << 4 | entry.ecn << 5
        said = stamp & ~63 | bits
        return said if said <= stamp else said - 64

    def _from_cookie(self, listener: Listener, ip: Any, key: Key, seg: Segment, now: int) -> SynEntry | None:
        """What a cookie stood for, if this acknowledges one."""
        if now - self._overflow > (COOKIE_AGE + 1) * COOKIE_PERIOD:
            return None
        cookie, irs = seg.ack - 1 & MASK, seg.seq - 1 & MASK
        period = now // COOKIE_PERIOD
        age = (period - (cookie >> 27)) & 31
        index = cookie >> 24 & 7
        if age > COOKIE_AGE or cookie != self._cookie(key, irs, index, period - age):
            self.layer.count("SYN cookies that were wrong")
            return None
        entry = SynEntry(self.layer, listener, ip, key, seg)
        entry.irs, entry.iss, entry.mss = irs, cookie, COOKIE_MSS[index]
        bits = seg.tsecr & 63 if entry.ts_ok else NO_WSCALE
        entry.wscale = bits & 15 if bits & 15 != NO_WSCALE else -1
        entry.sack_ok, entry.ecn = bool(bits & 16), bool(bits & 32)
        self.layer.count("SYN cookies received")
        return entry


def _begin(c: Connection, wscale: int, mss: int) -> None:
    """What follows from the peer's SYN, however it was remembered."""
    c.rcv_nxt = c.last_ack = c.irs + 1
    c.rcv_adv = c.rcv_nxt + min(c.rcv.space, 0xFFFF)
    c.ws_ok = wscale >= 0
    c.snd_scale = wscale if c.ws_ok else 0
    c.rcv_scale = c.rcv_scale if c.ws_ok else 0
    c.peer_mss = mss or c.layer.default_mss(c)
    c.layer.choose_mss(c)
    c.snd.begin = c.snd.end = c.iss + 1


def _mss_index(mss: int) -> int:
    return max((i for i, size in enumerate(COOKIE_MSS) if size <= (mss or 536)), default=0)

"""The transmission control block: all that is known of one connection (RFC 9293, 3.3.1).

Sequence numbers do not wrap in here. They are the 32 bits of the wire continued upwards from the initial number, so
that they compare as numbers do; `near` makes one of what a segment says, the wire format cuts it off again.

The functions that work on it stand in the modules beside: `input`, `output`, `recovery`, `timers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rumpnet.core.buffer import StreamBuffer
from rumpnet.core.tcp.reassembly import Reassembly
from rumpnet.core.tcp.rtt import Rtt
from rumpnet.core.tcp.scoreboard import Phase, Scoreboard
from rumpnet.core.tcp.sendqueue import SendQueue
from rumpnet.core.tcp.state import Event, State, after
from rumpnet.core.tcp.wheel import MS, NEVER

if TYPE_CHECKING:
    from rumpnet.core.tcp.congestion import Congestion
    from rumpnet.core.tcp.layer import TcpLayer
    from rumpnet.core.tcp.mtuprobe import Search

Key = tuple[bytes, int, bytes, int]
"""Local address and port, foreign address and port. The length of the addresses tells the families apart."""
DEFAULT_MSS = 536
"""What every host takes (RFC 9293, 3.7.1)."""
HALF = 1 << 31
MASK = 0xFFFFFFFF


def near(base: int, number: int) -> int:
    """The sequence number nearest to ``base`` that has these 32 bits."""
    return base + ((number - base + HALF) & MASK) - HALF


class User(Protocol):
    """Whom a connection tells what happens: its socket."""

    def established(self) -> None: ...

    def arrived(self) -> None:
        """There are data, or the end of them."""
        ...

    def room(self) -> None:
        """Data that were sent are acknowledged."""
        ...

    def urgent_mark(self, distance: int) -> None:
        """The peer has an urgent byte under way: so many bytes behind the last that is there."""
        ...

    def urgent_byte(self, byte: bytes) -> None:
        """Here it is."""
        ...

    def failed(self, errno: int) -> None:
        """The connection is over, for a reason."""
        ...

    def ended(self) -> None:
        """The connection is over, as both sides wanted."""
        ...


class Nobody:
    """The user of a connection whose socket is closed, and that still has to bring its data over."""

    def established(self) -> None: ...

    def arrived(self) -> None: ...

    def room(self) -> None: ...

    def urgent_mark(self, distance: int) -> None: ...

    def urgent_byte(self, byte: bytes) -> None: ...

    def failed(self, errno: int) -> None: ...

    def ended(self) -> None: ...


NOBODY = Nobody()


class Options:
    """What a user sets, and what a connection takes from its listener. Times are nanoseconds, 0 is the default."""

    __slots__ = (
        "congctl", "cork", "fastopen", "fastopen_connect", "fastopen_no_cookie", "inq", "keepalive", "keepcnt",
        "keepidle", "keepinit", "keepintvl", "maxseg", "nodelay", "nosack", "notsent_lowat", "oobinline", "quickack",
        "rcv_fixed", "snd_fixed", "tos", "ttl", "user_timeout",
    )  # fmt: skip

    def __init__(self) -> None:
        self.congctl = ""
        self.nodelay = self.cork = self.keepalive = self.oobinline = self.inq = False
        self.nosack = False
        self.quickack = True
        self.fastopen = 0
        self.fastopen_connect = self.fastopen_no_cookie = False
        self.keepidle = self.keepintvl = self.keepinit = self.keepcnt = 0
        self.user_timeout = 0
        self.notsent_lowat = 0
        self.maxseg = 0
        self.ttl = self.tos = 0
        self.rcv_fixed = self.snd_fixed = False
        """Whether SO_RCVBUF and SO_SNDBUF were set, which ends their tuning."""

    def copy(self) -> Options:
        other = Options()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        return other


class Connection:
    """A connection. ``*_at`` are deadlines of the monotonic clock, `NEVER` when not set."""

    __slots__ = (
        "ack_now", "bytes_acked", "bytes_received", "cc", "cwnd", "cwr_pending", "delack_at", "delivered", "domain",
        "ece_echo", "ecn", "eor", "error", "faddr", "fin_queued", "flight_max", "fport", "idle_since", "ip", "irs",
        "iss", "key", "laddr", "last_ack", "last_sent", "layer", "limited", "lport", "max_wnd", "measured", "mss",
        "nagle_small", "oob_mark", "oow_ack_at", "opt", "options", "pace_at", "paced", "peer_mss", "persist", "pmtu",
        "ports", "probe_at", "probe_reo", "probes", "pseudo", "push_seq", "quick", "rcv", "rcv_adv", "rcv_fin",
        "rcv_mss", "rcv_nxt", "rcv_scale", "reassembly", "retransmits", "rexmt_at", "route", "rtt", "sack_ok", "sb",
        "search", "slot_at", "snd", "snd_hiwat", "snd_nxt", "snd_scale", "snd_una", "snd_up", "snd_wl1", "snd_wl2",
        "snd_wnd", "softerror", "ssthresh", "stalled_since", "started_at", "state", "syn_cookie", "syn_data",
        "syn_data_taken", "syn_experimental", "total_retrans", "ts_ok", "ts_recent", "ts_recent_at", "tsecr_in",
        "tsoffset", "unacked", "usage_end", "user", "v6only", "wait_at", "ws_ok",
    )  # fmt: skip

    def __init__(self, layer: TcpLayer, ip: Any, key: Key, rcv: StreamBuffer, opt: Options) -> None:
        self.layer = layer
        self.ip = ip
        self.key = key
        self.laddr, self.lport, self.faddr, self.fport = key
        self.ports = (key[1], key[3])
        self.pseudo: int = ip.pseudo(key[0], key[2], 6, 0)
        self.domain, self.options, self.v6only = 0, 0, False
        self.route: tuple[int, Any] | None = None
        self.user: User = NOBODY
        self.opt = opt
        self.state = State.CLOSED
        self.error = self.softerror = 0
        self.started_at = layer.host.monotonic_ns()
        # sending
        self.iss = self.snd_una = self.snd_nxt = 0
        self.snd_wnd = self.snd_wl1 = self.snd_wl2 = self.max_wnd = 0
        self.snd_scale = 0
        self.snd_up = -1
        self.snd_hiwat = 0
        self.snd = SendQueue(0)
        self.fin_queued = False
        self.nagle_small = 0
        self.push_seq = 0
        """The end of what was last written without MSG_MORE."""
        self.eor: list[int] = []
        """The ends of records (MSG_EOR) that are not acknowledged: no segment goes on over one."""
        self.mss = DEFAULT_MSS
        self.peer_mss = 0
        """What the peer said that it takes, 0 before that."""
        self.pmtu = 0
        self.search: Search | None = None
        self.syn_data = 0
        self.syn_data_taken = False
        self.syn_cookie: bytes | None = None
        self.syn_experimental = False
        self.last_sent = 0
        # receiving
        self.irs = self.rcv_nxt = self.rcv_adv = 0
        self.rcv_scale = 0
        self.rcv = rcv
        self.reassembly = Reassembly()
        self.rcv_fin = -1
        self.oob_mark = -1
        self.ack_now = False
        self.quick = 0
        self.last_ack = 0
        self.unacked = 0
        self.rcv_mss = DEFAULT_MSS
        self.oow_ack_at = -NEVER
        self.measured = (0, 0)
        # timestamps, SACK, ECN
        self.ws_ok = False
        self.ts_ok = self.sack_ok = self.ecn = self.ece_echo = self.cwr_pending = False
        self.ts_recent = self.ts_recent_at = 0
        self.tsoffset = 0
        self.tsecr_in = -1
        # congestion and loss
        self.rtt = Rtt()
        self.sb = Scoreboard()
        self.cc: Congestion = layer.algorithm(opt.congctl)
        self.cwnd = 0
        self.ssthresh = NEVER
        self.limited = False
        self.flight_max = self.usage_end = 0
        # timers
        self.slot_at = self.rexmt_at = self.probe_at = self.delack_at = self.wait_at = NEVER
        self.probe_reo = False
        self.pace_at = 0
        """When the next segment may leave (net.inet.tcp.pacing)."""
        self.paced = False
        """Whether one waits for that."""
        self.retransmits = 0
        self.stalled_since = 0
        self.persist = False
        self.probes = 0
        self.idle_since = self.started_at
        # for TCP_INFO
        self.bytes_acked = self.bytes_received = self.total_retrans = self.delivered = 0

    # -- what follows from it

    def transit(self, event: Event) -> None:
        self.state = after(self.state, event)

    def expire(self, now: int) -> None:
        self.layer.expire(self, now)

    @property
    def pipe(self) -> int:
        """Bytes that are thought to be in the network (RFC 6675, 4)."""
        sb = self.sb
        return self.snd_nxt - self.snd_una - sb.sacked - sb.lost + sb.retrans

    @property
    def fin_sent(self) -> bool:
        return self.snd_nxt > self.snd.end and self.fin_queued

    @property
    def unsent(self) -> int:
        """Bytes of data that were never sent."""
        return max(self.snd.end - self.snd_nxt, 0)

    def opened(self) -> bool:
        """Whether no loss or congestion is being dealt with."""
        return self.sb.phase == Phase.OPEN

    def cwnd_limited(self) -> bool:
        """Whether the window was in the way of more, so that it makes sense to raise it (RFC 7661)."""
        return self.limited or (self.cwnd < self.ssthresh and self.cwnd < 2 * self.flight_max)

    def stamp(self, now: int) -> int:
        """Our clock of timestamps: milliseconds, from an offset that differs by peer (RFC 7323, 5.4)."""
        return now // MS + self.tsoffset & MASK

    def arm(self, deadline: int) -> None:
        """To be called after a deadline was set."""
        if deadline < self.slot_at:
            self.layer.wheel.put(self, deadline)

"""Options of level IPPROTO_TCP (tcp(4)), and what TCP_INFO tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.options import integer
from rumpnet.core.tcp.congestion import ALGORITHMS
from rumpnet.core.tcp.scoreboard import DUPLICATES
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.wheel import NEVER, SECOND
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockopt, SockoptInteger, SockoptRaw, TcpInfo

if TYPE_CHECKING:
    from rumpnet.core.tcp.socket import TcpSocket
    from rumpnet.core.tcp.tcb import Connection

# Seconds by attribute of `Options`, and the knob that has the default, in half seconds.
TIMES = {
    const.TCP_KEEPIDLE: "keepidle",
    const.TCP_KEEPINTVL: "keepintvl",
    const.TCP_KEEPINIT: "keepinit",
}
SWITCHES = {
    const.TCP_NODELAY: "nodelay", const.TCP_NOPUSH: "cork", const.TCP_INQ: "inq",
    const.TCP_FASTOPEN_CONNECT: "fastopen_connect", const.TCP_FASTOPEN_NO_COOKIE: "fastopen_no_cookie",
}  # fmt: skip
TIME_MAX = 32767
COUNT_MAX = 127
MSS_MIN, MSS_MAX = 32, 65535 - 60 - 60
MS = 1_000_000
# Attribute of `Options`, and what it may be.
NUMBERS = {
    const.TCP_KEEPCNT: ("keepcnt", 1, COUNT_MAX),
    const.TCP_MAXSEG: ("maxseg", MSS_MIN, MSS_MAX),
    const.TCP_NOTSENT_LOWAT: ("notsent_lowat", 0, (1 << 31) - 1),
    const.TCP_FASTOPEN: ("fastopen", 0, 1 << 16),
}


def get(so: TcpSocket, name: int) -> Sockopt:
    """ENOPROTOOPT."""
    opt, sysctl = so.opt, so.tcp.sysctl
    if name in SWITCHES:
        return SockoptInteger(int(getattr(opt, SWITCHES[name])))
    if name in TIMES:
        default = getattr(sysctl, TIMES[name]).value * SECOND // 2
        return SockoptInteger((getattr(opt, TIMES[name]) or default) // SECOND)
    if name == const.TCP_KEEPCNT:
        return SockoptInteger(opt.keepcnt or sysctl.keepcnt.value)
    if name == const.TCP_MAXSEG:
        return SockoptInteger(so.c.mss if so.c is not None and so.c.peer_mss else opt.maxseg or sysctl.mssdflt.value)
    if name == const.TCP_CONGCTL:
        return SockoptRaw((opt.congctl or so.tcp.selected).encode() + b"\0")
    if name == const.TCP_USER_TIMEOUT:
        return SockoptInteger(opt.user_timeout // MS)
    if name in (const.TCP_NOTSENT_LOWAT, const.TCP_FASTOPEN):
        return SockoptInteger(getattr(opt, NUMBERS[name][0]))
    if name == const.TCP_QUICKACK:
        return SockoptInteger(int(bool(so.c is None or so.c.quick)))
    if name == const.TCP_INFO:
        return info(so)
    raise KernelError(Errno.ENOPROTOOPT, f"TCP option {name:#x}")


def put(so: TcpSocket, name: int, value: Sockopt | None) -> None:
    """ENOPROTOOPT, EINVAL; ENOENT for an algorithm that is not there, EOPNOTSUPP for what a sysctl forbids."""
    opt = so.opt
    if name in SWITCHES:
        if name == const.TCP_FASTOPEN_CONNECT and not so.tcp.sysctl.fastopen_client.value:
            raise KernelError(Errno.EOPNOTSUPP, "net.inet.tcp.fastopen.client_enable is off")
        on = _between(integer(value), 0, 1) if name == const.TCP_INQ else integer(value)
        setattr(opt, SWITCHES[name], bool(on))
        so.go_on(push=name == const.TCP_NODELAY and opt.nodelay)
    elif name in TIMES:
        setattr(opt, TIMES[name], _between(integer(value), 1, TIME_MAX) * SECOND)
        so.timers_changed()
    elif name in NUMBERS:
        attribute, low, high = NUMBERS[name]
        setattr(opt, attribute, _between(integer(value), low, high))
        so.wake()
    elif name == const.TCP_CONGCTL:
        _choose(so, value)
    elif name == const.TCP_USER_TIMEOUT:
        opt.user_timeout = _between(integer(value), 0, 1 << 31) * MS
    elif name == const.TCP_QUICKACK:
        so.quick_ack(on=bool(integer(value)))
    else:
        raise KernelError(Errno.ENOPROTOOPT, f"TCP option {name:#x} is unknown or cannot be set")


def _between(number: int, low: int, high: int) -> int:
    if not low <= number <= high:
        raise KernelError(Errno.EINVAL, f"{number} is not in {low}..{high}")
    return number


def _choose(so: TcpSocket, value: Sockopt | None) -> None:
    name = value.raw.rstrip(b"\0").decode("ascii", "replace") if isinstance(value, SockoptRaw) else ""
    if name == "reno":
        name = "newreno"
    if name not in ALGORITHMS:
        raise KernelError(Errno.ENOENT, f"no congestion control {name!r}; there are {', '.join(ALGORITHMS)}")
    so.opt.congctl = name
    if so.c is not None:
        so.c.cc = ALGORITHMS[name]()


def info(so: TcpSocket) -> TcpInfo:
    """TCP_INFO. Times are microseconds, windows bytes, counts segments."""
    c = so.c
    if c is None:
        return so.last_info or TcpInfo(tcpi_state=int(State.LISTEN if so.listening else State.CLOSED))
    return info_of(c, so.net.host.monotonic_ns())


def info_of(c: Connection, now: int) -> TcpInfo:
    sb, mss = c.sb, max(c.mss, 1)
    options = (
        const.TCPI_OPT_TIMESTAMPS * c.ts_ok | const.TCPI_OPT_SACK * c.sack_ok
        | const.TCPI_OPT_WSCALE * bool(c.rcv_scale > 0 or c.snd_scale) | const.TCPI_OPT_ECN * c.ecn
        | const.TCPI_OPT_SYN_DATA * c.syn_data_taken
    )  # fmt: skip
    return TcpInfo(
        tcpi_state=int(c.state), tcpi_ca_state=int(sb.phase), tcpi_retransmits=c.retransmits, tcpi_probes=c.probes,
        tcpi_backoff=c.rtt.backoff, tcpi_options=options, tcpi_snd_wscale=c.snd_scale,
        tcpi_rcv_wscale=max(c.rcv_scale, 0),
        tcpi_rto=c.rtt.rto // 1000, tcpi_snd_mss=c.mss, tcpi_rcv_mss=c.rcv_mss,
        tcpi_unacked=-(-(c.snd_nxt - c.snd_una) // mss), tcpi_sacked=-(-sb.sacked // mss), tcpi_lost=-(-sb.lost // mss),
        tcpi_retrans=-(-sb.retrans // mss), tcpi_pmtu=c.layer.announced_mss(c) + c.layer.headers(c),
        tcpi_last_data_sent=(now - c.last_sent) // 1000 if c.last_sent else 0,
        tcpi_last_data_recv=(now - c.idle_since) // 1000,
        tcpi_rtt=c.rtt.srtt // 1000, tcpi_rttvar=c.rtt.rttvar // 1000,
        tcpi_min_rtt=c.rtt.min // 1000 if c.rtt.min != NEVER else 0,
        tcpi_snd_ssthresh=min(c.ssthresh, (1 << 32) - 1), tcpi_snd_cwnd=c.cwnd, tcpi_advmss=c.layer.announced_mss(c),
        tcpi_rcv_space=max(c.rcv_adv - c.rcv_nxt, 0), tcpi_snd_wnd=c.snd_wnd, tcpi_snd_nxt=c.snd_nxt & 0xFFFFFFFF,
        tcpi_rcv_nxt=c.rcv_nxt & 0xFFFFFFFF, tcpi_total_retrans=c.total_retrans, tcpi_bytes_acked=c.bytes_acked,
        tcpi_bytes_received=c.bytes_received, tcpi_notsent_bytes=c.unsent, tcpi_delivered=c.delivered,
        tcpi_reordering=max(DUPLICATES, -(-sb.reordered // mss)),
    )  # fmt: skip

"""net.inet.tcp: the numbers that can be turned. Times are half seconds where NetBSD counts so (PR_SLOWHZ)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.net import Knob, Node
from rumpnet.core.options import SB_MAX
from rumpnet.core.tcp.congestion import ALGORITHMS

if TYPE_CHECKING:
    from rumpnet.core.tcp.layer import TcpLayer

NUMBER = [4, 2, 6]
SLOWHZ = 2
SPACE = 65536
"""Above the 32 KiB of the original, as for local streams: a change of turns costs more here than memory does."""

AUTO_MAX = SB_MAX // 2
"""To what buffers grow by themselves: what is under way at most, which a bus in shared memory can hold."""

# Attribute, name below net.inet.tcp, number, value, bounds, description.
KNOBS = (
    ("rfc1323", "rfc1323", 1, 1, 0, 1, "Enable RFC1323 TCP extensions"),
    ("sendspace", "sendspace", 2, SPACE, 1, SB_MAX, "Default TCP send buffer size"),
    ("recvspace", "recvspace", 3, SPACE, 1, SB_MAX, "Default TCP receive buffer size"),
    ("mssdflt", "mssdflt", 4, 536, 32, 65535, "Default maximum segment size"),
    ("minmss", "minmss", 28, 216, 32, 65535, "Lower limit for TCP maximum segment size"),
    ("msl", "msl", 31, 60, 2, 1200, "Default maximum segment life (half seconds)"),
    ("syn_cache_limit", "syn_cache_limit", 5, 10255, 1, 1 << 20, "Entries that the SYN cache may have"),
    ("init_win", "init_win", 7, 10, 1, 40, "Initial TCP congestion window (segments)"),
    ("win_scale", "win_scale", 9, 1, 0, 1, "Use RFC1323 window scale options"),
    ("timestamps", "timestamps", 10, 1, 0, 1, "Use RFC1323 time stamp options"),
    ("slow_start_after_idle", "cwm", 12, 1, 0, 1, "Reduce the congestion window after idle (RFC 2861)"),
    ("keepinit", "keepinit", 24, 150, 2, 7200, "Initial connect timeout (half seconds)"),
    ("keepidle", "keepidle", 16, 14400, 1, 1 << 30, "Idle time before keepalives (half seconds)"),
    ("keepintvl", "keepintvl", 17, 150, 1, 1 << 30, "Time between keepalives (half seconds)"),
    ("keepcnt", "keepcnt", 18, 8, 1, 1 << 20, "Number of keepalives to send"),
    ("delack_ticks", "delack_ticks", 20, 4, 1, 50, "Delayed ACK timeout (1/100 seconds)"),
    ("rstppslimit", "rstppslimit", 23, 100, 0, 1 << 20, "RST packets per second limit"),
    ("sendbuf_auto", "sendbuf_auto", 1024, 1, 0, 1, "Enable automatic send buffer sizing"),
    ("sendbuf_max", "sendbuf_max", 1026, AUTO_MAX, 1, SB_MAX, "Max size of automatic send buffer"),
    ("recvbuf_auto", "recvbuf_auto", 1027, 1, 0, 1, "Enable automatic receive buffer sizing"),
    ("recvbuf_max", "recvbuf_max", 1029, AUTO_MAX, 1, SB_MAX, "Max size of automatic receive buffer"),
    ("sack", "sack.enable", 1030, 1, 0, 1, "Enable RFC2018 Selective ACKnowledgement"),
    ("ecn", "ecn.enable", 1031, 0, 0, 2, "Enable RFC3168 Explicit Congestion Notification (2: where peers ask)"),
    ("syn_cookies", "syn_cookies", 1032, 1, 0, 1, "Answer with SYN cookies when the SYN cache is full"),
    ("fastopen_server", "fastopen.server_enable", 1033, 1, 0, 1, "Accept data in SYNs on sockets with TCP_FASTOPEN"),
    ("fastopen_client", "fastopen.client_enable", 1034, 1, 0, 1, "Send data in SYNs on sockets with TCP_FASTOPEN"),
    ("fastopen_all", "fastopen.server_all", 1045, 0, 0, 1, "Fast Open on all listeners"),
    ("fastopen_open", "fastopen.server_no_cookie", 1046, 0, 0, 1, "Take data in SYNs without a cookie"),
    ("fastopen_bare", "fastopen.client_no_cookie", 1047, 0, 0, 1, "Send data in SYNs without a cookie"),
    ("notsent_lowat", "notsent_lowat", 1042, 0, 0, 1 << 30, "Unsent bytes at which sockets are full (0: never)"),
    ("tolerate_missing_ts", "tolerate_missing_ts", 1044, 0, 0, 1, "Take segments without agreed timestamps"),
    ("mtu_probing", "mtu_probing", 1049, 1, 0, 2, "Try longer segments (RFC 4821; 1: after a black hole, 2: always)"),
    ("read_after_shutdown", "read_after_shutdown", 1048, 0, 0, 1, "Data that come after shutdown(SHUT_RD) are read"),
    ("tso_min", "tso_min_segs", 1043, 2, 1, 40, "Segments that one packet takes at least, however slow the path"),
    ("mtudisc", "mtudisc", 1035, 1, 0, 1, "Send segments that must not be fragmented (RFC 1191)"),
    ("sendbuf_inc", "sendbuf_inc", 1025, AUTO_MAX, 1, SB_MAX, "By how much a send buffer grows at most"),
    ("recvbuf_inc", "recvbuf_inc", 1028, AUTO_MAX, 1, SB_MAX, "By how much a receive buffer grows at most"),
    ("mss_ifmtu", "mss_ifmtu", 1050, 0, 0, 1, "Announce the interface's MTU, not what is known of the path"),
    ("syn_bucket_limit", "syn_bucket_limit", 6, 105, 1, 1 << 20, "Entries of a bucket of the SYN cache"),
    ("init_win_local", "init_win_local", 1051, 10, 1, 40, "Initial window to hosts of our networks (segments)"),
    ("cwm_burst", "cwm_burstsize", 13, 0, 0, 1 << 16, "Segments at once after idle (0: the window's)"),
    ("ack_on_push", "ack_on_push", 14, 0, 0, 1, "Acknowledge at once what is to be pushed"),
    ("log_refused", "log_refused", 22, 0, 0, 1, "Log attempts to connect where nobody listens"),
    ("ecn_maxretries", "ecn.maxretries", 1052, 1, 0, 12, "SYNs with ECN after the first"),
    ("abc", "abc.enable", 1053, 1, 0, 1, "Count bytes, not acknowledgments (RFC 3465)"),
    ("abc_aggressive", "abc.aggressive", 1054, 2, 0, 2, "Worth of an ACK in segments: 0 one, 1 two, 2 all"),
    ("mslt", "mslt.enable", 1055, 0, 0, 1, "Stay in TIME_WAIT by the distance of the other end"),
    ("mslt_loopback", "mslt.loopback", 1056, 2, 1, 1200, "Maximum segment life within this kernel (half seconds)"),
    ("mslt_local", "mslt.local", 1057, 10, 1, 1200, "Maximum segment life in our networks (half seconds)"),
    ("mslt_remote", "mslt.remote", 1058, 60, 1, 1200, "Maximum segment life beyond routers (half seconds)"),
    ("mslt_threshold", "mslt.remote_threshold", 1059, 0, 0, 1 << 20, "Round trip (ms) of remote hosts (0: none)"),
    ("iss_hash", "iss_hash", 1060, 1, 0, 1, "Initial sequence numbers of RFC 6528, else random ones"),
    ("send_records", "send_records", 1062, 0, 0, 1, "Sends may fill a packet beyond the bound, and wait for a third"),
    ("pacing", "pacing", 1063, 0, 0, 1, "Spread segments over the round trip"),
    ("send_early", "send_before_connected", 1064, 0, 0, 1, "Sends wait for a connection that is made (0: ENOTCONN)"),
    ("blackhole", "pmtud_blackhole_detection", 1036, 1, 0, 1, "Try smaller segments when big ones get lost (RFC 4821)"),
)  # fmt: skip


class Sysctl:
    """The knobs as attributes."""

    def __init__(self) -> None:
        self.rfc1323 = self.sendspace = self.recvspace = self.mssdflt = self.minmss = self.msl = _UNSET
        self.syn_cache_limit = self.init_win = self.win_scale = self.timestamps = self.slow_start_after_idle = _UNSET
        self.keepinit = self.keepidle = self.keepintvl = self.keepcnt = self.delack_ticks = self.rstppslimit = _UNSET
        self.sendbuf_auto = self.sendbuf_max = self.recvbuf_auto = self.recvbuf_max = self.sack = self.ecn = _UNSET
        self.syn_cookies = self.fastopen_server = self.fastopen_client = self.mtudisc = self.blackhole = _UNSET
        self.notsent_lowat = self.tso_min = self.tolerate_missing_ts = _UNSET
        self.sendbuf_inc = self.recvbuf_inc = self.mss_ifmtu = self.syn_bucket_limit = self.init_win_local = _UNSET
        self.cwm_burst = self.ack_on_push = self.log_refused = self.ecn_maxretries = self.abc = _UNSET
        self.abc_aggressive = self.mslt = self.mslt_loopback = self.mslt_local = self.mslt_remote = _UNSET
        self.mslt_threshold = self.iss_hash = _UNSET
        self.fastopen_all = self.fastopen_open = self.fastopen_bare = self.read_after_shutdown = _UNSET
        self.mtu_probing = self.send_records = self.pacing = self.send_early = _UNSET
        for attribute, _, _, value, low, high, _ in KNOBS:
            setattr(self, attribute, Knob(value, low, high))

    def nodes(self, layer: TcpLayer) -> list[Node]:
        found = [
            getattr(self, attribute).node(f"net.inet.tcp.{name}", [*NUMBER, number], text)
            for attribute, name, number, _, _, _, text in KNOBS
        ]
        return [
            *found,
            Node(
                "net.inet.tcp.congctl.available",
                [*NUMBER, 1039, 1040],
                "Available congestion control algorithms",
                lambda: " ".join(ALGORITHMS),
            ),
            Node(
                "net.inet.tcp.congctl.selected",
                [*NUMBER, 1039, 1041],
                "Selected congestion control algorithm",
                lambda: layer.selected,
                layer.select,
            ),
            Node("net.inet.tcp.slowhz", [*NUMBER, 19], "Slow timeouts per second", lambda: SLOWHZ),
            Node(
                "net.inet.tcp.syn_cache_count",
                [*NUMBER, 1037],
                "Half-open connections",
                layer.syncache.count,
            ),
            Node("net.inet.tcp.sack.globalholes", [*NUMBER, 1061], "Holes in what peers have", layer.holes),
            Node("net.inet.tcp.connections", [*NUMBER, 1038], "Connections", lambda: len(layer.connections)),
        ]


_UNSET = Knob(0, 0, 0)

"""TCP as a protocol: which connection a segment is for, and what connections have in common.

Connections are found by their two ends; half-open ones are in the SYN cache, those that are over in TIME_WAIT; what is
for none of them is for whoever listens, or is answered with a reset. Numbers that others must not guess, initial
sequence numbers (RFC 6528), offsets of timestamps and cookies, are keyed hashes.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

from rumpnet.core.packet import Packet
from rumpnet.core.route import text
from rumpnet.core.tcp import handshake, output, timers
from rumpnet.core.tcp import input as tcp_input
from rumpnet.core.tcp.congestion import ALGORITHMS, Congestion
from rumpnet.core.tcp.distance import Distance, distance, time_wait_ns
from rumpnet.core.tcp.fastopen import FastOpen
from rumpnet.core.tcp.listen import Listener, SynCache
from rumpnet.core.tcp.scoreboard import SACKED, Phase
from rumpnet.core.tcp.state import SYNCHRONIZED, Event, State
from rumpnet.core.tcp.sysctl import Sysctl
from rumpnet.core.tcp.tcb import DEFAULT_MSS, MASK, NOBODY, Connection, Key, Options
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.tcp.wheel import MS, NEVER, SECOND, Wheel
from rumpnet.core.wire import BadChecksum, Malformed, tcp
from rumpnet.core.wire.checksum import ones_sum
from rumpnet.core.wire.tcp import ACK, RST, SYN, Segment
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.net import Node
    from rumpuser.host import Host

log = logging.getLogger(__name__)
CHALLENGE_EVERY = 500 * MS
TIME_WAIT_MAX = 1 << 16
"""Connections that are over and still kept; more only cost memory (tcp_max_tw_buckets of Linux)."""
ISN_TICK = 4000
"""Initial sequence numbers count up every 4 microseconds (RFC 9293, 3.4.1)."""
MSS_MAX = 65535 - 60 - 60
HEADERS = {4: 20 + tcp.HEADER_LEN, 16: 40 + tcp.HEADER_LEN}
"""Of IP and TCP together, without options."""
ANY4 = bytes(4)
DEFAULTS = Options()


class Bare(NamedTuple):
    """Whose a segment is that belongs to no connection."""

    ip: Any
    laddr: bytes
    faddr: bytes
    opt: Options


class TcpLayer:
    """The protocol. ``stats`` counts by names as ``netstat -s`` has them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sysctl = Sysctl()
        self.selected = "newreno"
        self.wheel = Wheel(host, self.flush)
        self.connections: dict[Key, Connection | TimeWait] = {}
        self.syncache = SynCache(self)
        self.fastopen = FastOpen(self)
        self.stats: Counter[str] = Counter()
        self._secret = host.entropy(32)
        self._second = self._resets = 0
        self._waits = 0
        self.outgoing: deque[tuple[Connection | Bare, Packet, int]] = deque()
        """Segments on their way to the internet layer, and whose they are."""
        self._flushing = False

    def nodes(self) -> list[Node]:
        return self.sysctl.nodes(self)

    def nodes6(self) -> list[Node]:
        """The same under net.inet6.tcp6, where NetBSD has them too."""
        return [
            node._replace(path=node.path.replace("inet.tcp", "inet6.tcp6"), number=[4, 24, 6, *node.number[3:]])
            for node in self.nodes()
        ]

    def stop(self) -> None:
        """Forgets all, without a word to anybody."""
        self.wheel.clear()
        self.connections.clear()
        self.syncache.clear()
        self._waits = 0

    def count(self, what: str) -> None:
        self.stats[what] += 1

    # -- in

    def input(self, ip: Any, iface: Any, src: bytes, dst: bytes, packet: Packet, header: Any) -> None:
        """Takes a segment. Malformed and BadChecksum are all that is raised, and counted by the caller, too."""
        self.stats["packets received"] += 1
        view = packet.view()
        try:
            seg = Segment(view)
            if not packet.csum_valid and not self._sum_ok(ip, src, dst, view):
                raise BadChecksum("TCP")
        except Malformed as error:
            self.stats[f"dropped: {type(error).__name__.lower()}"] += 1
            raise
        if packet.link_cast or _no_host(src) or _no_host(dst):
            return
        seg.ce = header.tclass & 3 == 3
        self.deliver(ip, (dst, seg.dst_port, src, seg.src_port), seg)
        self.flush()

    def _sum_ok(self, ip: Any, src: bytes, dst: bytes, view: memoryview) -> bool:
        total = ip.pseudo(src, dst, tcp.PROTOCOL, len(view)) + ones_sum(view)
        return bool(total % 0xFFFF == 0)

    def deliver(self, ip: Any, key: Key, seg: Segment) -> None:
        now = self.host.monotonic_ns()
        found = self.connections.get(key)
        if type(found) is Connection:
            if found.state == State.SYN_SENT:
                handshake.arrives(found, seg, now)
            else:
                tcp_input.arrives(found, seg, now)
            return
        if type(found) is TimeWait and not found.arrives(seg, now):
            return
        listener = self.listener(key[0], key[1])
        if listener is None:
            self.answer_reset(ip, key, seg)
        elif seg.flags & (SYN | ACK | RST) == SYN:
            self.syncache.syn(listener, ip, key, seg, now)
        else:
            self.syncache.segment(listener, ip, key, seg, now)

    def listener(self, laddr: bytes, lport: int) -> Listener | None:
        """Who listens there. Sockets define it (`rumpnet.core.tcp.socket.Tcp`)."""
        raise NotImplementedError

    def notify(self, ip: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """An ICMP error about a segment of ours. Only what quotes a number under way is believed (RFC 5927)."""
        if len(quoted) < 8:
            return
        lport, fport, seq = int.from_bytes(quoted[:2], "big"), int.from_bytes(quoted[2:4], "big"), quoted[4:8]
        c = self.connections.get((src, lport, dst, fport))
        if type(c) is not Connection:
            return
        distance = (int.from_bytes(seq, "big") - c.snd_una) & MASK
        if distance > c.snd_nxt - c.snd_una:
            self.count("ICMP errors about numbers that are not under way")
        elif errno == Errno.EMSGSIZE:
            if mtu:
                self.mtu_changed(c, mtu)
        elif c.state in (State.SYN_SENT, State.SYN_RECEIVED):
            self.drop(c, errno)
        else:
            c.softerror = errno

    # -- out

    def flush(self) -> None:
        """Sends what has gathered. Everybody who makes connections do something calls it when that is done.

        Over lo0 and other links in memory the answer to a segment comes before the sending of it has returned. So
        nothing is sent from within: a connection is never disturbed at its work by its own answers.
        """
        if self._flushing:
            return
        self._flushing = True
        try:
            while self.outgoing:
                self._send(*self.outgoing.popleft())
        finally:
            self._flushing = False

    def _send(self, c: Connection | Bare, packet: Packet, tclass: int) -> None:
        """Hands a segment to the internet layer. What goes wrong there is kept, and told if the connection fails."""
        self.stats["packets sent"] += 1
        header = packet.parts[0]
        try:
            route = self.route_of(c) if isinstance(c, Connection) else c.ip.route(c.faddr)
            c.ip.send(
                route, c.laddr, c.faddr, tcp.PROTOCOL, packet, hop_limit=c.opt.ttl, tclass=c.opt.tos & ~3 | tclass,
                dont_fragment=bool(self.sysctl.mtudisc.value),
            )  # fmt: skip
        except KernelError as error:
            self.count("packets that could not be sent")
            if isinstance(c, Connection) and error.errno == Errno.ENOBUFS:
                output.refused(c, int.from_bytes(header[4:8], "big"), self.host.monotonic_ns())
            elif isinstance(c, Connection):
                c.softerror = error.errno
                if error.errno == Errno.EMSGSIZE:
                    self.mtu_changed(c, c.ip.path_mtu(self.route_of(c), c.faddr))

    # -- out, for those that have no connection

    def send_bare(
        self, ip: Any, key: Key, seq: int, ack: int, flags: int, window: int = 0, options: bytes = b"",
        opt: Options | None = None,
    ) -> None:  # fmt: skip
        """A segment without data."""
        length = tcp.HEADER_LEN + len(options)
        pseudo = ip.pseudo(key[0], key[2], tcp.PROTOCOL, length)
        pseudo = (pseudo & 0xFFFF) + (pseudo >> 16)
        packet = Packet(tcp.emit((key[1], key[3]), seq, ack, flags, window, pseudo, 0, options))
        packet.csum_start, packet.csum_offset = 0, tcp.CHECKSUM_OFFSET
        self.outgoing.append((Bare(ip, key[0], key[2], opt or DEFAULTS), packet, 0))

    def reset(self, ip: Any, key: Key, seq: int, ack: int, flags: int) -> None:
        if self._below_limit():
            self.send_bare(ip, key, seq, ack, flags)

    def answer_reset(self, ip: Any, key: Key, seg: Segment) -> None:
        """To a segment for nobody (RFC 9293, 3.10.7.1)."""
        if seg.flags & RST:
            return
        self.count("segments for nobody")
        if self.sysctl.log_refused.value and seg.flags & (SYN | ACK) == SYN:
            log.warning("connection attempt to TCP %s from %s", _shown(key[0], key[1]), _shown(key[2], key[3]))
        if seg.flags & ACK:
            self.reset(ip, key, seg.ack, 0, RST)
        else:
            self.reset(ip, key, 0, seg.seq + seg.length, RST | ACK)

    def _below_limit(self) -> bool:
        second = self.host.monotonic_ns() // SECOND
        if second != self._second:
            self._second, self._resets = second, 0
        self._resets += 1
        return self._resets <= self.sysctl.rstppslimit.value

    # -- opening and closing

    def open(self, c: Connection) -> None:
        """An active open. Raises what routing does: ENETUNREACH and its kin."""
        now = self.host.monotonic_ns()
        self.route_of(c)
        c.iss = c.snd_una = c.snd_nxt = self.isn(c.key, now)
        c.snd.begin = c.snd.end = c.iss + 1
        c.ts_ok = bool(self.sysctl.rfc1323.value and self.sysctl.timestamps.value)
        c.sack_ok = bool(self.sysctl.sack.value and not c.opt.nosack)
        c.ecn = self.sysctl.ecn.value == 1
        c.ws_ok = bool(self.sysctl.rfc1323.value and self.sysctl.win_scale.value)
        self.choose_mss(c)
        c.transit(Event.OPEN)
        self.enter(c)
        self.count("connection requests")

    def start(self, c: Connection) -> None:
        """Sends the SYN of `open`, with the first ``syn_data`` bytes of what was written in between (Fast Open)."""
        now = self.host.monotonic_ns()
        c.started_at = now
        output.send_syn(c, now)

    def enter(self, c: Connection) -> None:
        c.tsoffset = self._offset(c.key)
        self.connections[c.key] = c

    def shut(self, c: Connection) -> None:
        """The user sends no more: a FIN follows what is written (RFC 9293, 3.10.4)."""
        if c.fin_queued or c.state not in (State.SYN_SENT, State.SYN_RECEIVED, State.ESTABLISHED, State.CLOSE_WAIT):
            return
        c.fin_queued = True
        if c.state == State.SYN_SENT:
            return  # once established; until then there is nobody to tell
        if c.state != State.SYN_RECEIVED or c.snd_una > c.iss:
            c.transit(Event.CLOSE)
        output.output(c, self.host.monotonic_ns())

    def abort(self, c: Connection, now: int) -> None:
        """Ends it with a reset."""
        if c.state in SYNCHRONIZED or c.state == State.SYN_RECEIVED:
            output.send_reset(c, now)
        self.release(c)

    def drop(self, c: Connection, errno: int) -> None:
        """The connection is over, and its user is told why."""
        user = c.user
        self._end(c)
        c.error = errno
        user.failed(errno)

    def release(self, c: Connection) -> None:
        """The connection is over."""
        user = c.user
        self._end(c)
        user.ended()

    def _end(self, c: Connection) -> None:
        c.transit(Event.END)
        timers.stop(c)
        if self.connections.get(c.key) is c:
            del self.connections[c.key]
        c.snd.clear()
        c.eor.clear()
        c.sb.records.clear()
        c.reassembly.clear()
        self.left(c)

    def left(self, end: Connection | TimeWait) -> None:
        """A connection does not take its port any more."""

    def time_wait(self, c: Connection, now: int) -> None:
        """Both sides have closed; what may still be under way has to be waited for."""
        c.state = State.TIME_WAIT
        entry = TimeWait(c, now, time_wait_ns(c))
        self.release(c)
        if self._waits >= TIME_WAIT_MAX:
            self.count("connections not kept in TIME_WAIT")
            return
        self._waits += 1
        self.connections[c.key] = entry
        self.wheel.put(entry, entry.deadline)
        self.waiting(entry)

    def waiting(self, entry: TimeWait) -> None:
        """A connection takes its port for a while yet."""

    def forget(self, entry: TimeWait) -> None:
        """A TIME_WAIT is over."""
        self.wheel.put(entry, NEVER)
        self._waits -= 1
        if self.connections.get(entry.key) is entry:
            del self.connections[entry.key]
        self.left(entry)

    def holes(self) -> int:
        """Pieces that peers miss of what they have more of, of all connections."""
        return sum(c.sb.holes() for c in self.connections.values() if isinstance(c, Connection))

    def notsent_lowat(self, c: Connection) -> int:
        """Below how many bytes that were never sent a socket is writable; 0 when that does not matter."""
        return c.opt.notsent_lowat or self.sysctl.notsent_lowat.value

    def orphaned(self, c: Connection) -> bool:
        """Whether nobody holds the socket any more."""
        return c.user is NOBODY

    # -- timers

    def expire(self, c: Connection, now: int) -> None:
        timers.expire(c, now)

    def arm_reordering(self, c: Connection, at: int) -> None:
        timers.arm_reordering(c, at)

    def may_challenge(self, c: Connection, now: int) -> bool:
        """Per connection: a limit for all together would tell others of this one (CVE-2016-5696)."""
        if now - c.oow_ack_at < CHALLENGE_EVERY:
            return False
        c.oow_ack_at = now
        return True

    # -- sizes

    def route_of(self, c: Connection) -> Any:
        """The route, looked up again when some route has changed."""
        generation = c.ip.routes.generation
        if c.route is None or c.route[0] != generation:
            c.route = (generation, c.ip.route(c.faddr))
        return c.route[1]

    def mss_for(self, ip: Any, faddr: bytes, opt: Options) -> int:
        """What we tell the peer that we take."""
        try:
            route = ip.route(faddr)
            mtu: int = route.iface.mtu if self.sysctl.mss_ifmtu.value else ip.path_mtu(route, faddr)
        except KernelError:
            return DEFAULT_MSS
        mss = min(max(mtu - HEADERS[ip.ADDR_LEN], self.sysctl.minmss.value), MSS_MAX)
        return min(mss, opt.maxseg) if opt.maxseg else mss

    def headers(self, c: Connection) -> int:
        return HEADERS[c.ip.ADDR_LEN]

    def announced_mss(self, c: Connection) -> int:
        return self.mss_for(c.ip, c.faddr, c.opt)

    def default_mss(self, c: Connection) -> int:
        """For a peer that does not say what it takes (RFC 9293, 3.7.1)."""
        return self.sysctl.mssdflt.value if c.ip.ADDR_LEN == 4 else 1220

    def choose_mss(self, c: Connection) -> None:
        """Payload of a full segment: what peer and path take, without the options that all segments have."""
        path = self.announced_mss(c)
        if c.pmtu:
            path = min(path, c.pmtu - HEADERS[c.ip.ADDR_LEN])
        mss = min(c.peer_mss or path, path)
        overhead = tcp.TIMESTAMPS_LEN if c.ts_ok else 0
        c.mss = max(mss - overhead, 32)
        c.rcv_mss = min(c.rcv_mss, c.mss)

    def mtu_changed(self, c: Connection, mtu: int) -> None:
        """The path takes no more than this: what is under way in bigger pieces is lost (RFC 1191, 6.4)."""
        old = c.mss
        if c.search is not None and mtu >= 68:
            c.search.limit(mtu)
        if mtu < 68 or (c.pmtu and mtu >= c.pmtu):
            return
        c.pmtu = max(mtu, self.sysctl.minmss.value + HEADERS[c.ip.ADDR_LEN])
        self.choose_mss(c)
        if c.mss >= old:
            return
        self.count("segments made smaller for the path")
        lost = False
        for record in c.sb.records:
            if record.end - record.seq > c.mss and not record.flags & SACKED:
                c.sb.mark_lost(record)
                lost = True
        c.cwnd = max(c.cwnd, c.mss)
        if lost and c.state == State.SYN_SENT and not c.retransmits:
            self.host.call_soon(lambda: self._without_data(c))
        elif lost and c.state in SYNCHRONIZED:
            self.host.call_soon(lambda: self._go_on(c))

    def _without_data(self, c: Connection) -> None:
        """A SYN whose data were too long for the path goes again at once, alone (RFC 7413, 4.2.1)."""
        if c.state == State.SYN_SENT and not c.retransmits:
            c.retransmits = 1
            c.total_retrans += 1
            output.send_syn(c, self.host.monotonic_ns())
            self.flush()

    def _go_on(self, c: Connection) -> None:
        if c.state in SYNCHRONIZED:
            c.sb.high = max(c.sb.high, c.snd_nxt)
            if c.sb.phase < Phase.RECOVERY:
                c.sb.phase = Phase.LOSS
                c.sb.undo_marker = -1
            output.output(c, self.host.monotonic_ns())
            self.flush()

    def scale_for(self, space: int) -> int:
        """The window scale that the buffer may come to need."""
        most = max(space, self.sysctl.recvbuf_max.value if self.sysctl.recvbuf_auto.value else 0)
        scale = 0
        while scale < tcp.WSCALE_MAX and 0xFFFF << scale < most:
            scale += 1
        return scale

    def initial_window(self, c: Connection) -> int:
        """RFC 6928, for as many segments as the knob says that is for this distance."""
        sysctl, mss = self.sysctl, c.mss
        differ = sysctl.init_win_local.value != sysctl.init_win.value
        near = differ and distance(c) is not Distance.REMOTE
        count = (sysctl.init_win_local if near else sysctl.init_win).value
        return min(count * mss, max(2 * mss, count * 1460))

    def tune_receive(self, c: Connection, now: int) -> None:
        """Half a buffer was read: when that took about a round trip, the buffer is what holds the peer back."""
        since, most = c.measured[0], self.sysctl.recvbuf_max.value
        c.measured = (now, c.rcv_nxt - c.rcv.count)
        quick = now - since <= 2 * max(c.rtt.srtt, MS)
        if quick and self.sysctl.recvbuf_auto.value and c.rcv.hiwat < most:
            c.rcv.hiwat = min(2 * c.rcv.hiwat, most, c.rcv.hiwat + self.sysctl.recvbuf_inc.value)

    # -- secrets

    def mac(self, purpose: bytes, text: bytes) -> bytes:
        return hashlib.blake2s(text, key=self._secret, person=purpose).digest()

    def isn(self, key: Key, now: int) -> int:
        """RFC 6528; without iss_hash anything."""
        if not self.sysctl.iss_hash.value:
            return int.from_bytes(self.host.entropy(4), "big")
        number = int.from_bytes(self.mac(b"isn", repr(key).encode())[:4], "big")
        return now // ISN_TICK + number & MASK

    def _offset(self, key: Key) -> int:
        return int.from_bytes(self.mac(b"stamp", key[0] + key[2])[:4], "big")

    def stamp(self, key: Key, now: int) -> int:
        """The clock that timestamps to this peer show."""
        return now // MS + self._offset(key) & MASK

    def select(self, name: str) -> None:
        """The algorithm of connections that do not choose. ENOENT."""
        if name not in ALGORITHMS:
            raise KernelError(Errno.ENOENT, f"no congestion control {name!r}; there are {', '.join(ALGORITHMS)}")
        self.selected = name

    def algorithm(self, name: str) -> Congestion:
        return ALGORITHMS[name or self.selected]()


def _shown(addr: bytes, port: int) -> str:
    return f"{text(addr)}:{port}" if len(addr) == 4 else f"[{text(addr)}]:{port}"


def _no_host(addr: bytes) -> bool:
    """Whether it is nobody's own address: any, a group or the broadcast (RFC 1122, 4.2.3.10)."""
    if len(addr) == 4:
        return addr == ANY4 or addr[0] >= 224
    return addr[0] == 0xFF or not any(addr)

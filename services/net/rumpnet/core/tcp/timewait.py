"""Connections in TIME_WAIT: what is left of one that was closed, for twice as long as a segment may live.

No user, buffers or timers of its own are needed for that, so a server that has closed ten thousand connections keeps
but some numbers of each (vtw of NetBSD). A new SYN with a higher sequence number or timestamp ends the wait at once
(RFC 9293, 3.6.1; RFC 6191); a reset must be exact, or it would cut the wait short for whoever can guess (RFC 1337).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpnet.core.tcp.tcb import MASK, near
from rumpnet.core.tcp.wheel import NEVER
from rumpnet.core.wire import tcp
from rumpnet.core.wire.tcp import ACK, FIN, RST, SYN, Segment

if TYPE_CHECKING:
    from rumpnet.core.tcp.layer import TcpLayer
    from rumpnet.core.tcp.tcb import Connection


class TimeWait:
    """The numbers. As an end (`rumpnet.core.pcb`) it keeps its port taken."""

    __slots__ = (
        "deadline", "domain", "faddr", "fport", "ip", "key", "laddr", "layer", "lport", "options", "rcv_nxt", "rcv_wnd",
        "slot_at", "snd_nxt", "stay", "ts_ok", "ts_recent", "tsoffset", "v6only",
    )  # fmt: skip

    def __init__(self, c: Connection, now: int, stay: int) -> None:
        self.layer: TcpLayer = c.layer
        self.ip: Any = c.ip
        self.key = c.key
        self.laddr, self.lport, self.faddr, self.fport = c.key
        self.domain, self.v6only, self.options = c.domain, c.v6only, c.options
        self.snd_nxt = c.snd_nxt & MASK
        self.rcv_nxt = c.rcv_nxt & MASK
        self.rcv_wnd = min(max(c.rcv_adv - c.rcv_nxt, 0) >> max(c.rcv_scale, 0), 0xFFFF)
        self.ts_ok, self.ts_recent, self.tsoffset = c.ts_ok, c.ts_recent, c.tsoffset
        self.slot_at = NEVER
        self.stay = stay
        self.deadline = now + stay

    def expire(self, now: int) -> None:
        if now >= self.deadline:
            self.layer.forget(self)
        else:
            self.layer.wheel.put(self, self.deadline)

    def arrives(self, seg: Segment, now: int) -> bool:
        """Answers a segment. True when it is a SYN for a new connection, for which this one has made room."""
        seq = near(self.rcv_nxt, seg.seq)
        old = self.ts_ok and seg.tsval >= 0 and (seg.tsval - self.ts_recent) & MASK >= 1 << 31
        if seg.flags & RST:
            if seq == self.rcv_nxt and not old:
                self.layer.forget(self)
            return False
        if seg.flags & (SYN | ACK) == SYN:
            newer = self.ts_ok and seg.tsval >= 0 and 0 < (seg.tsval - self.ts_recent) & MASK < 1 << 31
            if not old and (seq > self.rcv_nxt or newer):
                self.layer.forget(self)
                return True
        if seg.flags & FIN and not old and seq + len(seg.payload) + 1 == self.rcv_nxt:
            self.deadline = now + self.stay
        if seg.length or seq != self.rcv_nxt or old:
            self._acknowledge(now)
        return False

    def _acknowledge(self, now: int) -> None:
        stamp = now // 1_000_000 + self.tsoffset
        options = tcp.timestamps(stamp, self.ts_recent) if self.ts_ok else b""
        self.layer.send_bare(self.ip, self.key, self.snd_nxt, self.rcv_nxt, ACK, self.rcv_wnd, options)

"""What a TCP connection is at, as one sees it who looks on from between its ends.

The states are those of the end that began it. Each direction has a window of sequence numbers that can be right; what
is outside of it does not belong to the connection (the bounds are those of van Rooij, "Real Stateful TCP Packet
Filtering in IP Filter", 2001).
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field

from rumpnet.core.npf.flow import Flow
from rumpnet.core.wire import Malformed
from rumpnet.core.wire.tcp import ACK, FIN, RST, SYN, Segment

# Offsets: ports 0, sequence number 4, acknowledgement 8, data offset 12, flags 13, window 14.
HEADER = struct.Struct("!II B B H")
MAX_ACK_LAG = 66_000
"""How far an acknowledgement may lie behind what was sent."""


class State(enum.Enum):
    """As netstat(1) writes them."""

    CLOSED = "CLOSED"
    SYN_SENT = "SYN_SENT"
    SIMSYN_SENT = "SIMSYN_SENT"
    SYN_RECEIVED = "SYN_RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_SENT = "FIN_SENT"
    FIN_RECEIVED = "FIN_RECEIVED"
    CLOSE_WAIT = "CLOSE_WAIT"
    FIN_WAIT = "FIN_WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST_ACK"
    TIME_WAIT = "TIME_WAIT"


S = State
FORWARD, BACK = True, False
# What a segment does: by state, direction and the flags that count. What is not here changes nothing; what begins a
# connection must be here.
TRANSITIONS = {
    (S.CLOSED, FORWARD, SYN): S.SYN_SENT,
    (S.SYN_SENT, BACK, SYN): S.SIMSYN_SENT,
    (S.SYN_SENT, BACK, SYN | ACK): S.SYN_RECEIVED,
    (S.SIMSYN_SENT, FORWARD, SYN | ACK): S.SYN_RECEIVED,
    (S.SIMSYN_SENT, BACK, SYN | ACK): S.SYN_RECEIVED,
    (S.SIMSYN_SENT, FORWARD, ACK): S.ESTABLISHED,
    (S.SYN_RECEIVED, FORWARD, ACK): S.ESTABLISHED,
    (S.SYN_RECEIVED, FORWARD, FIN): S.FIN_SENT,
    (S.SYN_RECEIVED, BACK, FIN): S.FIN_RECEIVED,
    (S.ESTABLISHED, FORWARD, FIN): S.FIN_SENT,
    (S.ESTABLISHED, BACK, FIN): S.FIN_RECEIVED,
    (S.FIN_SENT, BACK, ACK): S.FIN_WAIT,
    (S.FIN_SENT, BACK, FIN): S.CLOSING,
    (S.FIN_RECEIVED, FORWARD, ACK): S.CLOSE_WAIT,
    (S.FIN_RECEIVED, FORWARD, FIN): S.CLOSING,
    (S.FIN_WAIT, BACK, FIN): S.TIME_WAIT,
    (S.CLOSE_WAIT, FORWARD, FIN): S.LAST_ACK,
    (S.CLOSING, FORWARD, ACK): S.TIME_WAIT,
    (S.CLOSING, BACK, ACK): S.TIME_WAIT,
    (S.LAST_ACK, BACK, ACK): S.TIME_WAIT,
    (S.TIME_WAIT, FORWARD, SYN): S.SYN_SENT,
}
"""A FIN may carry an acknowledgement; its flags count as FIN alone."""


@dataclass(slots=True)
class Side:
    """One direction: the end of what it sent, the end of what it may send, the largest window it was offered."""

    end: int = 0
    max_end: int = 0
    max_window: int = 1
    scale: int = -1
    seen: bool = False


@dataclass(slots=True)
class TcpState:
    """Of one connection."""

    state: State = State.CLOSED
    forward: Side = field(default_factory=Side)
    back: Side = field(default_factory=Side)

    def segment(self, flow: Flow, *, forward: bool) -> bool:
        """Takes a segment in; False when it cannot belong to the connection. Nothing changes then."""
        flags = flow.flags & (SYN | ACK | RST | FIN)
        key = flags & ~ACK if flags & FIN else flags
        following = TRANSITIONS.get((self.state, forward, key))
        if self.state in (State.CLOSED, State.TIME_WAIT) and key == SYN and following is not None:
            self.forward, self.back = Side(), Side()
        elif self.state == State.CLOSED:
            return False
        if not self._in_window(flow, self._side(forward), self._side(not forward)):
            return False
        if flags & RST:
            self.state = State.CLOSED
        elif following is not None:
            self.state = following
        return True

    def _side(self, forward: bool) -> Side:
        return self.forward if forward else self.back

    def _in_window(self, flow: Flow, mine: Side, other: Side) -> bool:
        seq, ack, offset, flags, window = HEADER.unpack_from(flow.head, flow.l4 + 4)
        header_len = (offset >> 4) * 4
        length = flow.length - (flow.l4 - flow.at) - header_len + bool(flags & SYN) + bool(flags & FIN)
        if header_len < 20 or length < 0:
            return False
        if flags & SYN:
            try:
                mine.scale = Segment(memoryview(flow.head)[flow.l4 :]).wscale
            except Malformed:
                return False
        elif mine.scale >= 0 and other.scale >= 0:
            window <<= mine.scale
        end = (seq + length) & 0xFFFFFFFF
        if not mine.seen:
            mine.end, mine.max_end, mine.seen = end, (end + max(window, 1)) & 0xFFFFFFFF, True
            mine.max_window = max(window, 1)
            other.max_end = other.max_end if other.seen else (ack + window) & 0xFFFFFFFF
        if not flags & ACK or (flags & RST and not ack):
            ack = other.end
        if not self._plausible(seq, end, ack, mine, other, rst=bool(flags & RST)):
            return False
        mine.max_window = max(mine.max_window, window)
        if _after(end, mine.end):
            mine.end = end
        if _after(ack + window, other.max_end):
            other.max_end = (ack + max(window, 1)) & 0xFFFFFFFF
        return True

    def _plausible(self, seq: int, end: int, ack: int, mine: Side, other: Side, *, rst: bool) -> bool:
        if rst and self.state == State.SYN_SENT:
            return not other.seen or ack == other.end
        if other.seen and (_after(ack, other.end) or _after(other.end, ack + max(MAX_ACK_LAG, other.max_window))):
            return False
        return not _after(end, mine.max_end) and not _after(mine.end, seq + max(other.max_window, MAX_ACK_LAG))


def _after(a: int, b: int) -> bool:
    """Whether sequence number a lies behind b."""
    return 0 < (a - b & 0xFFFFFFFF) < 0x80000000

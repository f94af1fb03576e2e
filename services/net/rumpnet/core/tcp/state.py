"""The states of a connection and what moves it from one to the next (RFC 9293, 3.3.2). All transitions are here.

Passive opens do not pass through here until their third segment is there: a half-open connection is an entry of the
SYN cache (`rumpnet.core.tcp.listen`), and one in TIME_WAIT is but a few numbers (`rumpnet.core.tcp.timewait`).
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto


class State(IntEnum):
    """Numbers as TCP_INFO and netstat have them (TCPS_ of NetBSD)."""

    CLOSED = 0
    LISTEN = 1
    SYN_SENT = 2
    SYN_RECEIVED = 3
    ESTABLISHED = 4
    CLOSE_WAIT = 5
    FIN_WAIT_1 = 6
    CLOSING = 7
    LAST_ACK = 8
    FIN_WAIT_2 = 9
    TIME_WAIT = 10


class Event(Enum):
    """What happens to a connection."""

    OPEN = auto()
    SYN = auto()
    SYN_ACK = auto()
    ACK_OF_SYN = auto()
    CLOSE = auto()
    FIN = auto()
    ACK_OF_FIN = auto()
    END = auto()
    """A reset, an error, or the end of a wait: whatever the state, it is over."""


S, E = State, Event
TRANSITIONS: dict[tuple[State, Event], State] = {
    (S.CLOSED, E.OPEN): S.SYN_SENT,
    (S.CLOSED, E.SYN): S.SYN_RECEIVED,  # Fast Open: a server that has data before the handshake is done
    (S.SYN_SENT, E.SYN): S.SYN_RECEIVED,  # both open at once
    (S.SYN_SENT, E.SYN_ACK): S.ESTABLISHED,
    (S.SYN_RECEIVED, E.ACK_OF_SYN): S.ESTABLISHED,
    (S.SYN_RECEIVED, E.CLOSE): S.FIN_WAIT_1,
    (S.ESTABLISHED, E.CLOSE): S.FIN_WAIT_1,
    (S.ESTABLISHED, E.FIN): S.CLOSE_WAIT,
    (S.SYN_RECEIVED, E.FIN): S.CLOSE_WAIT,
    (S.CLOSE_WAIT, E.CLOSE): S.LAST_ACK,
    (S.FIN_WAIT_1, E.ACK_OF_FIN): S.FIN_WAIT_2,
    (S.FIN_WAIT_1, E.FIN): S.CLOSING,
    (S.FIN_WAIT_2, E.FIN): S.TIME_WAIT,
    (S.CLOSING, E.ACK_OF_FIN): S.TIME_WAIT,
    (S.LAST_ACK, E.ACK_OF_FIN): S.CLOSED,
    **{(state, E.END): S.CLOSED for state in State},
}

SYNCHRONIZED = frozenset(State) - {S.CLOSED, S.LISTEN, S.SYN_SENT, S.SYN_RECEIVED}
CAN_SEND = frozenset({S.SYN_RECEIVED, S.ESTABLISHED, S.CLOSE_WAIT})
"""New data may be written."""
FIN_QUEUED = frozenset({S.FIN_WAIT_1, S.CLOSING, S.LAST_ACK})
"""Our FIN waits behind the data or is under way."""
CAN_RECEIVE = frozenset({S.SYN_RECEIVED, S.ESTABLISHED, S.FIN_WAIT_1, S.FIN_WAIT_2})


def after(state: State, event: Event) -> State:
    """The next state. KeyError when the event cannot happen there, which is a defect of ours and not of the peer."""
    return TRANSITIONS[state, event]

"""A peer: where it is, its sessions, and the timers that keep one of them fresh (whitepaper, 6).

Deadlines are kept by name, and one timer of the host watches over the first:

- ``retry``: the handshake that was begun gets no answer;
- ``answer``: data were sent, and nothing came back;
- ``keepalive``: data came, and nothing was sent back, by which the other side could tell that we are there;
- ``persist``: nothing came or went for as long as the user has said, who wants to be found behind a translator;
- ``forget``: nobody has used the sessions for so long that their keys are to be forgotten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core.wg.handshake import Begun, initiate
from rumpnet.core.wg.session import REJECT_AFTER, SECOND, Session

if TYPE_CHECKING:
    from rumpnet.core.wg.device import Device, Endpoint

REKEY_TIMEOUT = 5 * SECOND
REKEY_ATTEMPTS = 90 * SECOND
KEEPALIVE = 10 * SECOND
JITTER_NS = 333_000_000
QUEUE_MAX = 128
"""Packets that wait for a session; older ones are dropped."""
NEVER = 1 << 62


class Peer:
    def __init__(self, device: Device, name: str, public: bytes, psk: bytes, endpoint: Endpoint | None) -> None:
        self.device = device
        self.name = name
        self.public = public
        self.psk = psk
        self.endpoint = endpoint
        self.current: Session | None = None
        self.previous: Session | None = None
        self.next: Session | None = None
        """As responder: the session that the initiator has not used yet."""
        self.begun: Begun | None = None
        self.number = 0
        """Of the handshake that was begun."""
        self.persistent_ns = 0
        """How long nothing may come or go, 0 for ever."""
        self.last_mac1 = b""
        self.cookie: tuple[bytes, int] | None = None
        self.last_time = b""
        self.initiated_ns = -NEVER
        self.handshake_ns = 0
        """Wall clock of the last handshake."""
        self.received_bytes = self.sent_bytes = 0
        self._waiting: deque[bytes] = deque(maxlen=QUEUE_MAX)
        self._tried_ns = -NEVER
        self._trying_since = 0
        self._deadlines: dict[str, int] = {}
        self._armed = NEVER
        self._disarm: Callable[[], None] | None = None

    # -- out

    def send(self, packet: bytes) -> None:
        """A packet, or b"" to show that we are there. It waits for a session if there is none."""
        now = self.device.host.monotonic_ns()
        session = self.current
        if session is None or not session.good(now):
            if packet:
                self._waiting.append(packet)
            self.begin(now)
            return
        data = session.seal(packet)
        self._deadlines.pop("keepalive", None)
        if packet:
            self._at("answer", now + KEEPALIVE + REKEY_TIMEOUT, keep=True)
        self.transmit(data)
        if session.stale(now):
            self.begin(now)

    def transmit(self, data: bytes) -> None:
        if self.endpoint is not None:
            self.sent_bytes += len(data)
            self._persist()
            self.device.send(data, self.endpoint)

    def resume(self) -> None:
        """Shows that we are there to a peer that is always to know it."""
        if self.persistent_ns and self.device.up and self.device.private:
            self._persist()
            self.send(b"")

    def _persist(self) -> None:
        if self.persistent_ns and self.device.up:
            self._at("persist", self.device.host.monotonic_ns() + self.persistent_ns)

    def begin(self, now: int, *, again: bool = False) -> None:
        """Begins a handshake, unless one was begun just now or nobody knows where the peer is."""
        if self.endpoint is None or now - self._tried_ns < REKEY_TIMEOUT:
            return
        if not again:
            self._trying_since = now
        host, device = self.device.host, self.device
        device.forget(self.number)
        self.number = device.enter(self, None)
        message, self.begun = initiate(device.private, self.public, host.entropy(32), device.time(), self.number)
        self._tried_ns = now
        self._deadlines.pop("keepalive", None)
        self._at("retry", now + REKEY_TIMEOUT + int.from_bytes(host.entropy(4), "big") % JITTER_NS)
        self.transmit(device.with_macs(self, message.emit(), now))

    # -- what came

    def established(self, session: Session, now: int) -> None:
        """A handshake of ours is done."""
        self.begun, self.number = None, 0
        self._tried_ns = -NEVER
        for done in ("retry", "answer"):
            self._deadlines.pop(done, None)
        self._use(session, now)
        if not self._waiting:
            self.send(b"")  # the other side must not use the session before it has heard that we have it
        self._flush()

    def offered(self, session: Session, now: int) -> None:
        """A handshake of the peer's is done, once it uses the session."""
        self._drop(self.next)
        self.next = session
        self._at("forget", now + 3 * REJECT_AFTER)

    def received(self, session: Session, packet: bytes, endpoint: Endpoint, length: int) -> None:
        """Something that is the peer's: it is where that came from."""
        now = self.device.host.monotonic_ns()
        self.endpoint = endpoint
        self.received_bytes += length
        self._persist()
        self._deadlines.pop("answer", None)
        if session is self.next:
            self.next = None
            self._use(session, now)
            self._flush()
        if packet:
            self._at("keepalive", now + KEEPALIVE, keep=True)
        if session is self.current and session.stale(now, KEEPALIVE + REKEY_TIMEOUT):
            self.begin(now)

    def _use(self, session: Session, now: int) -> None:
        self._drop(self.previous)
        self.previous, self.current = self.current, session
        self.handshake_ns = self.device.host.realtime_ns()
        self._at("forget", now + 3 * REJECT_AFTER)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, deque(maxlen=QUEUE_MAX)
        for packet in waiting:
            self.send(packet)

    # -- time

    def _at(self, what: str, deadline: int, *, keep: bool = False) -> None:
        if keep and what in self._deadlines:
            return
        self._deadlines[what] = deadline
        if deadline < self._armed:
            self._arm(deadline)

    def _arm(self, deadline: int) -> None:
        if self._disarm is not None:
            self._disarm()
        self._armed = deadline
        self._disarm = self.device.host.call_at(deadline, self._fire) if deadline != NEVER else None

    def _fire(self) -> None:
        now = self.device.host.monotonic_ns()
        self._armed, self._disarm = NEVER, None
        for what in [name for name, deadline in self._deadlines.items() if deadline <= now]:
            self._deadlines.pop(what, None)
            if what == "retry":
                self._retry(now)
            elif what == "answer":
                self.begin(now)
            elif what == "keepalive":
                self.send(b"")
            elif what == "persist":
                self.resume()
            else:
                self.forget()
                self._persist()
        if (first := min(self._deadlines.values(), default=NEVER)) < self._armed:
            self._arm(first)

    def _retry(self, now: int) -> None:
        if now - self._trying_since >= REKEY_ATTEMPTS:
            self.device.forget(self.number)
            self.begun, self.number = None, 0
            self._waiting.clear()
        else:
            self.begin(now, again=True)

    def _drop(self, session: Session | None) -> None:
        if session is not None:
            self.device.forget(session.own)

    def forget(self) -> None:
        """No session, no handshake, no timer."""
        for session in (self.previous, self.current, self.next):
            self._drop(session)
        self.device.forget(self.number)
        self.previous = self.current = self.next = self.begun = None
        self.number = 0
        self._tried_ns = -NEVER
        self._waiting.clear()
        self._deadlines.clear()
        self._arm(NEVER)

"""A session: a client and its process, what it has asked, and for how long it is waited for.

The calls of a session outlive the stream that brought them where the client can ask for their answers again (see
`rumpgateway.replies`); they end with the session at the latest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from rumpgateway.admission import PeerId, Quota, plain
from rumpgateway.core.cookies import waiting_time
from rumpgateway.core.process import Process
from rumpgateway.replies import Replies
from rumpgateway.waiting import Call, Carrier, Followed, Stream, Work
from rumpuser.pending import Running
from rumpuser.policy import Identity
from rumpuser.transport.memory import Pool
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpgateway.sessions import Sessions

LEASE_S = 60.0
"""A session that only makes unary calls must make one this often: its death cannot be seen otherwise."""
STREAM_S = 10.0
"""How long one is waited for whose client has said that its stream follows at once."""
GRACE_S = 1.0
"""How long a session without a lease outlives its last stream: a dead client must be gone in 2 s."""

log = logging.getLogger("rump.sessions")

Who = tuple[Identity | None, PeerId | None]
"""What a session belongs to; without a policy there is no identity, and its process is root's."""


class Session:
    """A client and its process. ``lease_s``: how long it is waited for when it has no stream.

    ``streams``: it has one, or had, or its client has said that it is about to.
    """

    def __init__(
        self, token: str, process: Process, sessions: Sessions, lease_s: float = 0.0, *, streams: bool = False
    ) -> None:
        self.token = token
        self.nonce = b""
        self.process = process
        self.replies = Replies(sessions.room)
        self.calls: dict[int, Call] = {}
        """Calls that wait, by id; unary ones without an id of the client's have one below 0."""
        self.stream: Stream | None = None
        self.identity: Identity | None = None
        self.peer: PeerId | None = None
        """Whose connections it may be used on; None where everybody is root."""
        self.quota: Quota | None = None
        self.memory: Pool | None = None
        """What the client shares, where contents of long reads and writes are."""
        self.lease_s = lease_s
        self.streams = streams
        self.doubtful = 0
        """Calls up to this id may have been begun by a gateway that has ended."""
        self._seen = 0
        self._sessions = sessions
        self._busy = 0
        self._unnamed = 0
        self._grace_s = lease_s or (STREAM_S if streams else LEASE_S)
        self._loop = asyncio.get_running_loop()
        self._kept_until = 0.0
        self._carrier: Carrier | None = None
        self._due = self._loop.time() + self._grace_s
        self._timer = self._loop.call_at(self._due, self._check)
        self.moved: dict[int, Call] = {}
        """Unary calls that go on here, and whose answers are still asked for where they came in."""

    # -- how long it lives

    def __enter__(self) -> None:
        """A unary call is being made; the lease runs from its end."""
        self._busy += 1

    def __exit__(self, *_: object) -> None:
        self._busy -= 1
        self._due = max(self._loop.time() + self._grace_s, self._kept_until)

    def keep(self, wait_ms: int) -> int:
        """Outlives its streams so long from now on, until there is another; what it was made. EINVAL."""
        wait_ms = waiting_time(wait_ms)
        self._kept_until = self._loop.time() + wait_ms / 1000
        return wait_ms

    def shares(self, pool: Pool, *, on: bool) -> None:
        """The client shares memory, in the place of what it shared before, or no longer. ENOMEM."""
        if on:
            most = self.process.memory
            if most and pool.size > most:
                text = f"{pool.size} bytes of shared memory are more than its quota of memory, {most}"
                raise KernelError(Errno.ENOMEM, text, "gateway")
            self.memory = pool
        elif self.memory is pool:
            self.memory = None

    def opened(self, stream: Stream) -> None:
        """A newer stream takes over from an older one."""
        older, self.stream = self.stream, stream
        self._kept_until = 0.0
        if self._carrier is None:
            self.process.listen(stream.raise_signal)
        if not self.streams:
            self.streams = True
            self.write_down()
        self._grace_s = self.lease_s or GRACE_S
        if older is not None:
            older.end(KernelError(Errno.ECONNABORTED, "a newer stream of this session has taken over", "gateway"))

    def closed(self, stream: Stream) -> None:
        for call in list(self.calls.values()):
            if call.stream is stream:
                call.running.cancel()
        if self.stream is not stream:
            return
        self.stream = None
        if self._carrier is None:
            self.process.listen(None)
        self._run_out()

    def _run_out(self) -> None:
        """The lease runs from now on."""
        self._due = max(self._loop.time() + self._grace_s, self._kept_until)
        self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._check)

    def _check(self) -> None:
        now = self._loop.time()
        if self.stream is not None or self._busy or self._due > now:
            self._timer = self._loop.call_at(max(self._due, now + GRACE_S), self._check)
        else:
            log.info("session of pid %d ended: its client is gone", self.process.pid)
            why = f"the session has ended: its client was not heard of for {self._grace_s:g} s"
            self._sessions.end_soon(self, why)

    @property
    def carrier(self) -> Carrier | None:
        """Who carries its signals, if not its stream."""
        return self._carrier

    def carried_by(self, carrier: Carrier | None, *, instead_of: Carrier | None = None) -> None:
        """Who carries signals, None for the stream again; with ``instead_of`` only when that still did."""
        if instead_of is not None and self._carrier is not instead_of:
            return
        older, self._carrier = self._carrier, carrier
        if older is not None and carrier is not None:
            older.end()
        by = carrier or self.stream
        self.process.listen(by.raise_signal if by is not None else None)

    # -- for the successor of this gateway

    def write_down(self) -> None:
        value = (self.process.pid, self.lease_s, self.nonce, self.streams, plain(self.identity, self.peer))
        self._sessions.records.put("session", self.token, value, self._seen)

    def seen(self, id: int) -> None:
        """A call with this id is about to be begun, if it was not before."""
        if id > self._seen:
            self._seen = id
            self._sessions.records.count("session", self.token, id)

    def restore(self, nonce: bytes, seen: int) -> None:
        """It was there before this gateway."""
        self.nonce, self._seen, self.doubtful = nonce, seen, seen
        if self.streams:
            self._grace_s = self.lease_s or GRACE_S
            self._run_out()
        self.write_down()

    # -- its calls

    def is_of(self, who: Who) -> bool:
        """Whether it was attached by this client."""
        identity, peer = who
        return self.identity == identity and (peer is None or self.may_be_used_by(peer))

    def may_be_used_by(self, peer: PeerId) -> bool:
        """Whether a connection is of the kind, and with a policy of the user, of that which attached it."""
        return self.peer is None or self.peer.same(peer) or (self.identity is None and self.peer.local and peer.local)

    def check(self) -> None:
        """EBUSY while its process is in exec."""
        if self.process.in_exec:
            raise KernelError(Errno.EBUSY, f"process {self.process.pid} is in exec", "gateway")

    def begin_anew(self) -> None:
        """Another program has the session: its ids begin with 1 again."""
        self.replies.close()
        self.replies = self._no_replies()

    def _no_replies(self) -> Replies:
        return Replies(self._sessions.room, self.quota.replies if self.quota is not None else None)

    def begun(
        self,
        id: int,
        running: Running[Any],
        finish: Callable[[bool], Any],
        stream: Stream | None = None,
        work: Work | None = None,
    ) -> Call:
        """Follows a call that waits. ``finish`` gives its answer when it waits no more, if it is wanted."""
        call: Call
        call = self.calls[id] = Followed(running, stream, work)
        self.process.wait_begins(running)
        if self.quota is not None:
            self.quota.waiting += 1

        def done() -> None:
            self.process.wait_ends(running)
            if self.quota is not None:
                self.quota.waiting -= 1
            if call.timer is not None:
                call.timer.cancel()
            if self.calls.get(id) is call:
                del self.calls[id]
            if call.moving and self.goes_on(id, call):
                return
            call.answer.resolve(finish(call.wanted))

        running.outcome.when_done(done)
        return call

    def goes_on(self, id: int, call: Call) -> bool:
        """Whether something of a call that was ended is left, for later or a successor."""
        return self._sessions.ended(self, id, call)

    def unnamed(self) -> int:
        """An id for a call that has none of the client's."""
        self._unnamed -= 1
        return self._unnamed

    def resume(self, waiting: Collection[int]) -> None:
        """The client has had its answers, or wants them no more, but for the ids it waits for."""
        self.replies.retain(waiting)
        for number, call in list(self.calls.items()):
            if call.stream is None and number > 0 and number not in waiting:
                call.wanted = False
                call.running.cancel()

    # -- while it goes to a successor of this gateway

    @property
    def resting(self) -> bool:
        return self._sessions.resting

    def rest(self) -> None:
        """Its calls end, to go on later. Those that cannot are waited for."""
        self._timer.cancel()
        self.process.listen(None)
        for call in list(self.calls.values()):
            if call.work is not None:
                call.moving = True
                call.running.cancel()

    def go_on(self) -> None:
        by = self._carrier or self.stream
        self.process.listen(by.raise_signal if by is not None else None)
        self._timer = self._loop.call_at(self._due, self._check)

    def handed(self) -> tuple[Any, ...]:
        """What a successor needs to know of it."""
        who = plain(self.identity, self.peer)
        kept_s = self._kept_until - self._loop.time()
        numbers = (self._seen, self.doubtful, self._unnamed)
        about = (self.nonce, numbers, kept_s, self.replies, self.memory)
        return self.token, self.process, self.lease_s, self.streams, who, about

    def take(
        self, nonce: bytes, numbers: tuple[int, int, int], kept_s: float, replies: Replies, memory: Pool | None
    ) -> None:
        """What `handed` gave at the predecessor."""
        self.nonce, self.replies, self.memory = nonce, replies, memory
        self._seen, self.doubtful, self._unnamed = numbers
        self._kept_until = self._loop.time() + kept_s
        if self.streams:
            self._grace_s = self.lease_s or GRACE_S
        self._run_out()

    def over(self, why: KernelError) -> None:
        """The session ends, and with it all that waits."""
        self._timer.cancel()
        if self._carrier is not None:
            self._carrier.end()
        if self.stream is not None:
            self.stream.end(why)
        for call in list(self.calls.values()):
            call.running.cancel()
        self.replies.close()

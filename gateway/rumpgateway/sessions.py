"""Sessions: which client is which process, what it has asked, and for how long it is waited for.

A session begins with Attach and is named by a secret token. It ends with Detach, or when its lease has passed: since
its last stream ended or, for a client that never opened a stream, since its last call. With the session its process
goes. Who asks for no lease gets one that is only long enough to open another stream at once, or the first.

The calls of a session outlive the stream that brought them where the client can ask for their answers again (see
`rumpgateway.replies`); they end with the session at the latest.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine
from typing import Any, TypeVar

from rumpgateway.admission import PeerId, Quota, from_plain, plain
from rumpgateway.core.cookies import waiting_time
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.replies import Replies, Room
from rumpgateway.waiting import Call, Carrier, Moved, Stream, Work
from rumpuser.aio import settle
from rumpuser.pending import Running
from rumpuser.policy import Identity
from rumpuser.transport.memory import Pool, own
from rumpwire.errno import Errno, KernelError

LEASE_S = 60.0
"""A session that only makes unary calls must make one this often: its death cannot be seen otherwise."""
STREAM_S = 10.0
"""How long one is waited for whose client has said that its stream follows at once."""
GRACE_S = 1.0
"""How long a session without a lease outlives its last stream: a dead client must be gone in 2 s."""
MAX_LEASE_S = 3600.0
"""Longer leases are not granted."""
MAX_SESSIONS = 4096
MAX_ENDED = 4096
"""Sessions of which it is known how they ended."""
MIN_NONCE = 16

log = logging.getLogger("rump.sessions")
T = TypeVar("T")

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
        """The client shares memory, in the place of what it shared before, or no longer."""
        if on:
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
        call = self.calls[id] = Call(running, stream, work)
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
            if call.moving and self._sessions.ended(self, id, call):
                return
            call.answer.resolve(finish(call.wanted))

        running.outcome.when_done(done)
        return call

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


class Sessions:
    """All sessions of a kernel."""

    def __init__(self, gateway: Gateway) -> None:
        self.room = Room()
        self.quota: Callable[[Identity], Quota | None] = lambda identity: None
        self.records = gateway.host.records
        self._gateway = gateway
        self._sessions: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._attached: dict[bytes, asyncio.Task[Session]] = {}
        self._ended: dict[str, str] = {}
        self.resting = False
        """While all goes to a successor: nothing is begun, and what is ended is gathered in ``moved``."""
        self.moved: dict[tuple[str, int], tuple[Moved, Call]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Any:
        return iter(self._sessions.values())

    def find(self, token: str) -> Session | None:
        """None for a token that names no session. ESTALE for that of one that has ended."""
        session = self._sessions.get(token)
        if session is None and token in self._ended:
            raise KernelError(Errno.ESTALE, self._ended[token], "gateway")
        return session

    async def attach(
        self,
        comm: str,
        lease_s: float = 0.0,
        nonce: bytes = b"",
        who: Who = (None, None),
        cookie: bytes = b"",
        *,
        streams: bool = False,
    ) -> Session:
        """The session of a new process, or of the child of the cookie; or the one that was made with this nonce.

        EAGAIN when there are too many, ESRCH for the cookie, EAUTH when the nonce is somebody else's.
        """
        if not nonce:
            return await self._attach_once(self._attach(comm, lease_s, nonce, who, cookie, streams))
        if len(nonce) < MIN_NONCE:
            raise KernelError(Errno.EINVAL, f"a nonce has at least {MIN_NONCE} bytes", "gateway")
        attaching = self._attached.get(nonce)
        if attaching is None:
            attaching = asyncio.get_running_loop().create_task(self._attach(comm, lease_s, nonce, who, cookie, streams))
            self._attached[nonce] = attaching
        session = await asyncio.shield(attaching)
        if not session.is_of(who):
            raise KernelError(Errno.EAUTH, "the nonce is that of another client", "gateway")
        return session

    async def _attach_once(self, attach: Coroutine[Any, Any, Session]) -> Session:
        """Nobody can ask for this answer again: when its client goes meanwhile the session ends once it is there."""
        attaching = self._task(attach)
        try:
            return await asyncio.shield(attaching)
        except asyncio.CancelledError:
            attaching.add_done_callback(self._unwanted)
            raise

    def _unwanted(self, attaching: asyncio.Task[Session]) -> None:
        if not attaching.cancelled() and attaching.exception() is None:
            self.end_soon(attaching.result(), "the session has ended: its client has not waited for it")

    async def _attach(self, comm: str, lease_s: float, nonce: bytes, who: Who, cookie: bytes, streams: bool) -> Session:
        try:
            self._check_room()
            if cookie:
                process = self._gateway.cookies.claim(cookie, who[0])
            else:
                process = await settle(self._gateway.attach(comm[:64] or "client", who[0]))
        except BaseException:
            self._attached.pop(nonce, None)
            raise
        return self._add(process, min(lease_s, MAX_LEASE_S), nonce, who, streams=streams)

    def fork(self, parent: Session, flags: int) -> Any:
        """A child of the session's process: what `settle` awaits, and `adopt` makes a session of."""
        self._check_room()
        return self._gateway.fork(parent.process, flags)

    def prefork(self, parent: Session, flags: int, wait_ms: int) -> Any:
        """A child that waits for its client: what `settle` awaits. EINVAL, EAGAIN."""
        self._check_room()
        return self._gateway.cookies.prefork(parent.process, flags, wait_ms, parent.identity)

    def adopt(self, process: Process, parent: Session) -> Session:
        """The session of a process that was forked."""
        return self._add(process, parent.lease_s, who=(parent.identity, parent.peer), streams=parent.streams)

    def _check_room(self) -> None:
        if len(self._sessions) + len(self._gateway.cookies) >= MAX_SESSIONS:
            raise KernelError(Errno.EAGAIN, f"{MAX_SESSIONS} sessions are open", "gateway")

    def _belongs(self, session: Session, who: Who) -> None:
        session.identity, session.peer = who
        if session.identity is not None:
            session.quota = self.quota(session.identity)
            session.begin_anew()

    def _add(
        self, process: Process, lease_s: float, nonce: bytes = b"", who: Who = (None, None), *, streams: bool = False
    ) -> Session:
        session = Session(secrets.token_hex(16), process, self, lease_s, streams=streams)
        session.nonce = nonce
        self._belongs(session, who)
        session.write_down()
        self._sessions[session.token] = session
        return session

    async def restore(self) -> None:
        """The sessions of a gateway that was killed; what it had begun, or not ended, without one is ended."""
        loop = asyncio.get_running_loop()
        for token, (pid, lease_s, nonce, streams, who), seen in self.records.items("session"):
            process = self._gateway.processes.get(pid)
            if process is None:
                self.records.delete("session", token)
                continue
            session = self._sessions[token] = Session(token, process, self, lease_s, streams=streams)
            session.restore(nonce, seen)
            self._belongs(session, from_plain(who))
            if nonce:
                self._attached[nonce] = loop.create_task(_known(session))
        held = {session.process for session in self._sessions.values()}
        for process in [p for p in self._gateway.processes.values() if p not in held]:
            await settle(self._gateway.exit(process))

    async def end(self, session: Session, why: str = "the session has ended: its client has detached") -> None:
        """Ends a session and its process. Who still names it is told why."""
        if self._sessions.pop(session.token, None) is None:
            return
        self._attached.pop(session.nonce, None)
        self._ended[session.token] = why
        if len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]
        self.records.delete("session", session.token)
        session.over(KernelError(Errno.ESTALE, why, "gateway"))
        # To its end, also when whoever asked for it goes.
        await asyncio.shield(self._task(settle(self._gateway.exit(session.process))))

    # -- while all of them go to a successor of this gateway

    @property
    def busy(self) -> bool:
        """Whether something is under way that has to come to its end first."""
        return bool(self._tasks) or any(session.calls for session in self)

    @property
    def parked(self) -> int:
        """Unary calls that wait for something which was ended, to go on later."""
        return sum(call.askers for _, call in self.moved.values())

    def rest(self) -> None:
        self.resting = True
        for session in self:
            session.rest()

    def go_on(self) -> list[tuple[Moved, Call]]:
        """There is no successor after all: the calls that were ended, for whoever begins them again."""
        self.resting = False
        for session in self:
            session.go_on()
        moved, self.moved = list(self.moved.values()), {}
        return moved

    def ended(self, session: Session, id: int, call: Call) -> bool:
        """Keeps a call that was ended, if something of it is left to be done."""
        assert call.work is not None
        outcomes = call.work.outcomes(call.running)
        if outcomes is None or not call.wanted:
            return False
        left_s = None if call.timer is None else max(0.0, call.timer.when() - asyncio.get_running_loop().time())
        call.work.steps[:] = map(own, call.work.steps)
        moved = Moved(session.token, id, call.work, outcomes, left_s, call.stream is None and id > 0)
        self.moved[session.token, id] = moved, call
        return True

    def handed(self) -> dict[str, Any]:
        return {
            "room": self.room,
            "sessions": [session.handed() for session in self],
            "ended": self._ended,
            "moved": [moved for moved, _ in self.moved.values()],
        }

    def take(self, handed: dict[str, Any]) -> None:
        """Those of a predecessor."""
        self.room, self._ended = handed["room"], handed["ended"]
        loop = asyncio.get_running_loop()
        for token, process, lease_s, streams, who, about in handed["sessions"]:
            session = self._sessions[token] = Session(token, process, self, lease_s, streams=streams)
            self._belongs(session, from_plain(who))
            session.take(*about)
            if session.quota is not None:
                session.replies.count_for(session.quota.replies)
            if session.nonce:
                self._attached[session.nonce] = loop.create_task(_known(session))

    def review(self, still: Callable[[Identity, PeerId | None], bool]) -> None:
        """Ends the sessions of those to whom the policy no longer gives what they have."""
        for session in list(self._sessions.values()):
            if session.identity is not None and not still(session.identity, session.peer):
                self.end_soon(session, "the session has ended: the policy has changed")

    def end_soon(self, session: Session, why: str) -> None:
        self._task(self.end(session, why))

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end_all(self, why: str = "the session has ended: the kernel halts") -> None:
        for session in list(self._sessions.values()):
            await self.end(session, why)
        await settle(self._gateway.cookies.free_all())


async def _known(session: Session) -> Session:
    return session

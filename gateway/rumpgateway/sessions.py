"""Sessions: which client is which process, and how they begin and end.

A session begins with Attach and is named by a secret token. It ends with Detach, or when its lease has passed: since
its last stream ended or, for a client that never opened a stream, since its last call. With the session its process
goes. Who asks for no lease gets one that is only long enough to open another stream at once, or the first.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from rumpgateway.admission import PeerId, Quota, from_plain
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.replies import Room
from rumpgateway.session import Session, Who
from rumpgateway.waiting import Call, Moved
from rumpuser.aio import settle
from rumpuser.policy import Identity
from rumpuser.transport.memory import own
from rumpwire.errno import Errno, KernelError

MAX_LEASE_S = 3600.0
"""Longer leases are not granted."""
MAX_SESSIONS = 4096
MAX_ENDED = 4096
"""Sessions of which it is known how they ended."""
MIN_NONCE = 16

T = TypeVar("T")


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

    def shared(self) -> Iterator[tuple[str, str, int]]:
        """Memory that identities share with the gateway (docs/transport.md)."""
        return ((s.identity.subject, "shared", s.memory.size) for s in self if s.identity and s.memory)

    async def end_all(self, why: str = "the session has ended: the kernel halts") -> None:
        for session in list(self._sessions.values()):
            await self.end(session, why)
        await settle(self._gateway.cookies.free_all())


async def _known(session: Session) -> Session:
    return session

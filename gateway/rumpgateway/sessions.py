"""Sessions: which client is which process, and for how long.

A session begins with Attach and is named by a secret token. It ends with Detach, a short grace after its last stream
ended, or, for a client that never opened a stream, after a lease without a call. With the session its process goes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Protocol, cast

from rumpgateway.core.cookies import Child, waiting_time
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpuser.aio import settle
from rumpwire.errno import Errno, KernelError

LEASE_S = 60.0
"""A session that only makes unary calls must make one this often: its death cannot be seen otherwise."""
GRACE_S = 1.0
"""How long a session outlives its last stream: enough to open another; a dead client must be gone in 2 s."""
MAX_SESSIONS = 4096

log = logging.getLogger("rump.sessions")


class Carrier(Protocol):
    """What can carry signals to the client."""

    def raise_signal(self, signo: int) -> None: ...


class Session:
    """A client and its process. ``renew`` is called with each unary call."""

    def __init__(self, token: str, process: Process, sessions: Sessions) -> None:
        self.token = token
        self.process = process
        self._sessions = sessions
        self._streams = 0
        self._carrier: Carrier | None = None
        self._streamed = False
        self._kept_until = 0.0
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + LEASE_S
        self._timer = self._loop.call_at(self._due, self._check)

    def renew(self) -> None:
        if not self._streams:
            lease = GRACE_S if self._streamed else LEASE_S
            self._due = max(self._loop.time() + lease, self._kept_until)

    def stream_opened(self, stream: Carrier, *, first: bool) -> None:
        """A stream was opened (``first``), or wants to be the one that carries signals."""
        if first:
            self._kept_until = 0.0
            self._streams += 1
            self._streamed = True
        if not first or self._carrier is None:
            self._carrier = stream
            self.process.listen(stream.raise_signal)

    def stream_closed(self, stream: Carrier) -> None:
        self._streams -= 1
        if self._carrier is stream:
            self._carrier = None
            self.process.listen(None)
        if not self._streams:
            self.renew()
            self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._check)

    def keep(self, wait_ms: int) -> int:
        """Outlives its connections so long from now on, until it is used again; what it was made. EINVAL."""
        wait_ms = waiting_time(wait_ms)
        self._kept_until = self._loop.time() + wait_ms / 1000
        return wait_ms

    def cancel_timer(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        if self._streams or self._due > now:
            self._timer = self._loop.call_at(max(self._due, now + GRACE_S), self._check)
        else:
            log.info("session of pid %d ended: its client is gone", self.process.pid)
            self._sessions.end_soon(self)


class Sessions:
    """All sessions of a kernel."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._sessions: dict[str, Session] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, token: str) -> Session | None:
        return self._sessions.get(token)

    async def attach(self, comm: str, cookie: bytes = b"") -> Session:
        """A process and its session: a new one, or the child of the cookie. EAGAIN when there are too many; ESRCH."""
        self._room()
        if cookie:
            return self._add(self._gateway.cookies.claim(cookie))
        return self._add(await settle(self._gateway.attach(comm[:64] or "client")))

    async def fork(self, parent: Session, flags: int) -> Session:
        self._room()
        return self._add(await settle(self._gateway.fork(parent.process, flags)))

    async def prefork(self, parent: Session, flags: int, wait_ms: int) -> Child:
        """A child that waits for its client. EINVAL, EAGAIN."""
        self._room()
        return cast(Child, await settle(self._gateway.cookies.prefork(parent.process, flags, wait_ms)))

    async def fork_cancel(self, cookie: bytes) -> None:
        """ESRCH."""
        await settle(self._gateway.cookies.cancel(cookie))

    def _room(self) -> None:
        if len(self._sessions) + len(self._gateway.cookies) >= MAX_SESSIONS:
            raise KernelError(Errno.EAGAIN, f"{MAX_SESSIONS} sessions are open", "gateway")

    def _add(self, process: Process) -> Session:
        session = Session(secrets.token_hex(16), process, self)
        self._sessions[session.token] = session
        return session

    async def end(self, session: Session) -> None:
        """Ends a session and its process."""
        session.cancel_timer()
        if self._sessions.pop(session.token, None) is not None:
            await settle(self._gateway.exit(session.process))

    def end_soon(self, session: Session) -> None:
        task = asyncio.get_running_loop().create_task(self.end(session))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def end_all(self) -> None:
        for session in list(self._sessions.values()):
            await self.end(session)
        await settle(self._gateway.cookies.free_all())

"""Calls that are passed on: what another component does for a client, and the gateway does not look into.

Most calls of most clients are of this kind. The gateway puts handles in the place of descriptors, hands the message on
as it came, and the answer back as it came, with descriptors in the place of new handles; no task, coroutine or value in
between. Whatever is out of the ordinary goes the long way instead (`Gateway.route`), from the beginning, or from the
answer on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description, misplaced
from rumpgateway.core.gateway import CLOEXEC, LOST
from rumpgateway.core.signals import WRITING
from rumpgateway.statistics import Statistics
from rumpgateway.streams import answer_of, failure
from rumpgateway.waiting import Stream, Work
from rumpuser.pending import Pending, Running, start
from rumpuser.transport.gone import Gone
from rumpuser.transport.memory import LONG, LONG_CALLS, READS
from rumpuser.transport.peer import RemotePeer
from rumpuser.transport.wire import varint
from rumpwire import const
from rumpwire.calls import OPS, Op
from rumpwire.codec import REQUEST
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.session import Session

_ID, _RESULTS, _ERROR = b"\x08", b"\x12", "error"
"""Tags of StreamResponse: id, results."""


class _Plan:
    """What is to be done with the messages of one kind of call. Fields of the request and of the response by name."""

    __slots__ = ("cloexec", "closes", "descriptors", "directories", "long", "name", "new", "op", "writes")

    def __init__(self, op: Op) -> None:
        self.op = op
        self.name = op.name
        self.descriptors = tuple(op.args[i] for i in op.descriptors)
        self.directories = tuple(op.args[i] for i in op.directories)
        self.new = tuple(op.results[i] for i in op.new)
        at, flag = CLOEXEC.get(op.name, (0, 0))
        self.cloexec = (op.args[at], flag) if flag else None
        self.closes = op.name == "close"
        self.long = op.args[1] if op.name in LONG_CALLS else ""
        self.writes = op.name in WRITING


class Passing:
    """Begins calls that are passed on."""

    def __init__(self, gateway: Gateway, statistics: Statistics) -> None:
        self.gateway = gateway
        self.statistics = statistics
        self._plans = {
            op.name: _Plan(op)
            for op in OPS.values()
            if not op.internal and (op.name not in gateway.own or op.name == "close")
        }

    def begin(self, stream: Any, request: Any, number: int, lasting: bool) -> bool:
        """Begins the only call of a request. False, with nothing changed, where it has to go the long way."""
        call = request.calls[0]
        plan = self._plans.get(call.WhichOneof("call"))
        session = stream.session
        p = session.process
        if plan is None or p.trace is not None or p.in_exec or session.doubtful or request.shared or call.references:
            return False
        owner: str = plan.op.faction
        handles: Sequence[tuple[str, int]] = ()
        message = getattr(call, plan.name)
        if plan.descriptors or plan.directories:
            found = self._translate(plan, p, message)
            if found is None:
                return False
            owner, handles = found
        try:
            peer = self.gateway.bus.peer(owner)
        except KernelError:
            return False
        if not isinstance(peer, RemotePeer) or (plan.new and len(p.fds) + len(plan.new) > p.fds.limit):
            return False
        passed = Passed(self, plan, None if lasting else stream, session, peer, number)
        passed.call, passed.owner = message, owner
        for field, handle in handles:
            passed.originals.append((field, getattr(message, field)))
            setattr(message, field, handle)
        session.calls[number] = passed
        p.waiting[passed] = None
        if session.quota is not None:
            session.quota.waiting += 1
        if request.timeout_ms:
            passed.end_after(request.timeout_ms / 1000)
        if plan.closes:
            p.fds.remove(passed.originals[0][1])
        try:
            passed.run = peer.pass_on(p.context, call.SerializeToString(), passed)
        except KernelError:  # nothing was sent
            passed.restore()
            passed.leave()
            return False
        return True

    def _translate(self, plan: _Plan, p: Any, message: Any) -> tuple[str, list[tuple[str, int]]] | None:
        """The owner of a call's objects, and handles for its fields. None for what is none of those, or not plain."""
        owner, handles, find = plan.op.faction, [], p.fds.find
        for field in plan.descriptors:
            description = find(getattr(message, field))
            if description is None or (owner := description.owner) == LOST or misplaced(plan.op, owner):
                return None
            if plan.closes and (
                description.refs > 1 or description.flying or description.asynchronous or p.watches_closing
            ):
                return None
            handles.append((field, description.handle))
        for field in plan.directories:
            fd = getattr(message, field)
            if fd != const.AT_FDCWD:
                description = find(fd)
                if description is None or description.owner != "vfs":
                    return None
                handles.append((field, description.handle))
        if plan.long:
            wanted = getattr(message, plan.long)
            if (wanted if plan.name in READS else len(wanted)) >= LONG:
                return None  # through memory, if there is any between the gateway and the owner
        return owner, handles


class Passed(Pending[Any]):
    """A call at its owner: among the calls of the session, and what runs it, in one.

    As a `Pending` it gets the RunResponse. ``originals``: fields with the descriptors that they had.
    """

    __slots__ = (
        "_answer",
        "_interrupt",
        "_outcome",
        "_passing",
        "_peer",
        "_plan",
        "_session",
        "_slow",
        "_work",
        "askers",
        "began",
        "call",
        "moving",
        "number",
        "originals",
        "owner",
        "run",
        "stream",
        "timer",
        "wanted",
    )

    def __init__(
        self, passing: Passing, plan: _Plan, stream: Stream | None, session: Session, peer: RemotePeer, number: int
    ) -> None:
        self.done = False
        self._callbacks = []
        self._error = None
        self.began = perf_counter_ns()
        self.askers = self.run = 0
        self.call: Any = None
        self.moving = False
        self.number = number
        self.originals: list[tuple[str, int]] = []
        self.owner = ""
        self.stream = stream
        self.timer: asyncio.TimerHandle | None = None
        self.wanted = True
        self._answer: Pending[Any] | None = None
        self._interrupt: KernelError | None = None
        self._outcome: Pending[list[Any]] | None = None
        self._passing = passing
        self._peer = peer
        self._plan = plan
        self._session = session
        self._slow: Running[Any] | None = None
        self._work: Work | None = None

    # -- as a call of a session (`rumpgateway.waiting.Call`)

    @property
    def running(self) -> Passed:
        return self

    @property
    def work(self) -> Work:
        if self._work is None:
            self._work = Work("stream", [self._step()])
        return self._work

    @property
    def answer(self) -> Pending[Any]:
        self._answer = self._answer or Pending()
        return self._answer

    @property
    def outcome(self) -> Pending[list[Any]]:
        self._outcome = self._outcome or Pending()
        return self._outcome

    def end_after(self, seconds: float) -> None:
        """Ends it with ETIMEDOUT when it waits that long."""
        error = KernelError(Errno.ETIMEDOUT, f"not done within {seconds:g} s", "gateway")
        self.timer = asyncio.get_running_loop().call_later(seconds, self.cancel, error)

    def cancel(self, error: KernelError | None = None) -> None:
        """Ends it, with EINTR if nothing is given; its owner says whether it was ended or had been done."""
        error = error or KernelError(Errno.EINTR, "cancelled")
        if self._slow is not None:
            self._slow.cancel(error)
        elif not self.done and self._interrupt is None:
            self._interrupt = error
            self._peer.cancel(self.run, error)

    def restore(self) -> None:
        """Puts descriptors back in the place of handles."""
        for field, fd in self.originals:
            setattr(self.call, field, fd)

    def _step(self) -> Step:
        """The call as its client made it."""
        handles = [(field, getattr(self.call, field)) for field, _ in self.originals]
        self.restore()
        step = Step(self._plan.op, REQUEST[self._plan.name][1](self.call))
        for field, handle in handles:
            setattr(self.call, field, handle)
        return step

    # -- the answer

    def resolve(self, value: Any) -> None:
        """The RunResponse has come."""
        if self.done:
            return
        self.done, self._value = True, value
        plan, results = self._plan, value.results
        if value.moved or value.shared or self.moving or len(results) != 1:
            self._go_on(value)
        else:
            result = results[0].sys
            kind = result.WhichOneof("result")
            if kind == plan.name:
                if plan.new and not self._install(getattr(result, kind)):
                    self._go_on(value)
                else:
                    self._over(result, 0)
            elif kind != _ERROR or plan.writes or result.error.errno == Errno.EBADF:
                self._go_on(value)
            else:
                self._over(result, result.error.errno)
        if self._callbacks:
            self._call_back()

    def fail(self, error: BaseException) -> None:
        """There will be none: the component is gone."""
        if self.done:
            return
        self.done, self._error = True, error
        if isinstance(error, Gone):
            error.interrupt = self._interrupt
        self._go_on(error)
        if self._callbacks:
            self._call_back()

    def _call_back(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def _install(self, message: Any) -> bool:
        """Puts descriptors in the place of new handles. False for what is no object of the component, but elsewhere."""
        cloexec, fds = self._cloexec, self._session.process.fds
        handles = [getattr(message, field) for field in self._plan.new]
        if min(handles) < 0 or len(fds) + len(handles) > fds.limit:
            return False
        for field, handle in zip(self._plan.new, handles, strict=True):
            setattr(message, field, fds.install(Description(self.owner, handle), cloexec=cloexec))
        return True

    @property
    def _cloexec(self) -> bool:
        where = self._plan.cloexec
        return where is not None and bool(getattr(self.call, where[0]) & where[1])

    def _over(self, result: Any, errno: int) -> None:
        """It has its answer, a ``Result``."""
        session = self._session
        self.leave()
        self._passing.statistics.passed(session.process, self._plan.name, errno, self.began, self._steps)
        if not self.wanted:
            return
        data = result.SerializeToString()
        self._tell(_ID + varint(self.number) + _RESULTS + varint(len(data)) + data)

    def _tell(self, data: bytes) -> None:
        """Gives the client its answer, a StreamResponse."""
        session, stream = self._session, self.stream
        if stream is None:
            session.replies.keep(self.number, data, len(data))
            stream = session.stream
        if stream is not None:
            stream.put(data)
        if self._answer is not None:
            self._answer.resolve(data)

    def _steps(self) -> list[Step]:
        return self.work.steps

    def leave(self) -> None:
        """It waits no more."""
        session = self._session
        p = session.process
        p.waiting.pop(self, None)
        if p.drained is not None:
            p.wait_ends(self)
        if session.quota is not None:
            session.quota.waiting -= 1
        if self.timer is not None:
            self.timer.cancel()
        if session.calls.get(self.number) is self:
            del session.calls[self.number]

    # -- what is out of the ordinary

    def _go_on(self, found: Any) -> None:
        """With what has come, or why nothing will, the long way."""
        p, plan = self._session.process, self._plan
        args, asked = REQUEST[plan.name][1](self.call), self._step()
        value: Any = self._peer.conclude(p.context, Step(plan.op, args), found, self._interrupt)
        try:
            running = start(self._passing.gateway.finish(p, plan.op, args, self.owner, value, asked.args))
        except Exception as error:  # noqa: BLE001  a defect fails one call
            self._ended(failure(error))
            return
        if not isinstance(running, Running):
            self._ended(running)
            return
        self._slow = running
        running.outcome.when_done(lambda: self._ended_at_last(running))
        if self._interrupt is not None:
            running.cancel(self._interrupt)

    def _ended_at_last(self, running: Running[Any]) -> None:
        try:
            value = running.outcome.result()
        except Exception as error:  # noqa: BLE001  as above
            value = failure(error)
        self._ended(value)

    def _ended(self, outcome: Any) -> None:
        session, steps = self._session, self.work.steps
        self.outcome.resolve([outcome])
        self.leave()
        if self.moving and session.goes_on(self.number, self):
            return
        self._passing.statistics.done(session.process, steps, [outcome], self.began)
        if not self.wanted:
            return
        self._tell(answer_of(self.number, steps, [outcome]))

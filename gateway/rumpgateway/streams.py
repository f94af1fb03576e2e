"""Streams of sessions: take requests, answer at once what does not wait, the rest when it is finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import grpc

from rumpgateway.relay import MovedError, Relay
from rumpgateway.session import Session
from rumpgateway.statistics import Statistics
from rumpgateway.waiting import Call, Moved, Work
from rumpuser.pending import Running
from rumpuser.transport.grpc_server import Outbox
from rumpuser.transport.memory import put
from rumpuser.transport.wire import Unread
from rumpwire import codec, rump_sp_pb2
from rumpwire.errno import Errno, KernelError
from rumpwire.status import abort, parsed
from rumpwire.values import Siginfo
from rumpwire.wire import encode_error

if TYPE_CHECKING:
    from rumpgateway.passing import Passing

MAX_IN_FLIGHT = 1024
"""Calls of one session that may wait at a time; more are refused with EAGAIN."""

MAX_SIGNALS = 1024
"""Signals that wait to be sent; more are lost."""

MOVED = -1

log = logging.getLogger("rump.gateway")

Begin = Callable[[Session, Any], tuple[list[Any], Any]]
"""Starts the calls of a request: the steps, and their outcomes or the batch on its way."""


class Stream:
    """The stream of a session. What waits belongs to the session where the client acknowledges, else to the stream."""

    def __init__(self, begin: Begin, session: Session, statistics: Statistics, passing: Passing | None = None) -> None:
        self._begin = begin
        self._passing = passing
        self._statistics = statistics
        self.session = session
        self.held: list[Any] = []
        """Requests that have come while all went to a successor."""
        self.relay: Relay | None = None
        """Leads to the successor, where the session is."""

    def put(self, data: bytes) -> None:
        """Sends an answer."""
        raise NotImplementedError

    def end(self, why: KernelError) -> None:
        """Ends it. Nothing is read from here on, also what has arrived already: the client will send it again."""
        raise NotImplementedError

    def cut(self) -> None:
        """Ends it as if the connection were lost."""
        raise NotImplementedError

    def closed(self) -> None:
        """The client has gone."""
        if self.relay is not None:
            self.relay.close()
        else:
            self.session.closed(self)

    def wake(self) -> None:
        """It may have nothing to wait for any more."""

    def passes_on(self, relay: Relay | None) -> None:
        """What came while all went to a successor goes there, or is taken here after all."""
        self.relay = relay
        held, self.held = self.held, []
        for request in held:
            reply = self.take(request)
            if reply is not None:
                self.put(reply)
        self.wake()

    def raise_signal(self, info: Siginfo) -> None:
        """Sends a signal."""
        self.put(_signal(rump_sp_pb2.StreamResponse(), info).SerializeToString())

    def take(self, request: Any) -> bytes | None:
        """Starts what a request asks for: the reply, or None when that comes later, or never."""
        session, number = self.session, request.id
        if self.relay is not None:
            self.relay.pass_on(request)
            return None
        if session.resting:
            self.held.append(request)
            return None
        if request.cancel:
            if call := session.calls.get(number):
                call.running.cancel()
            return None
        lasting = request.acked > 0
        if lasting:
            session.replies.acknowledge(request.acked, request.answered)
            if request.resume:
                session.resume(set(request.waiting))
                return _empty(0)
            if not number or number in session.calls:
                return None
            if not session.replies.fresh(number) and (known := self._known(number)) is not None:
                return known
            session.seen(number)
        if len(session.calls) >= MAX_IN_FLIGHT or number in session.calls:
            return _refusal(number, Errno.EAGAIN, f"{MAX_IN_FLIGHT} calls wait, or id {number} is in use")
        if session.quota is not None:
            try:
                session.quota.check(len(request.calls))
            except KernelError as error:
                return _refusal(number, error.errno, error.text)
        if (
            len(request.calls) == 1
            and self._passing is not None
            and self._passing.begin(self, request, number, lasting)
        ):
            return None
        return self._start(request, number, lasting)

    def _known(self, id: int) -> bytes | None:
        """The answer to a request that was answered before, or cannot be taken now."""
        replies = self.session.replies
        kept = replies.get(id)
        if kept is None and id >= replies.floor:
            return _empty(id, busy=True) if replies.full else None
        if isinstance(kept, bytes):
            return kept
        what = "is acknowledged already" if kept is None else "was that of a unary call"
        return _refusal(id, Errno.EBADRPC, f"the id {id} {what}")

    def _start(self, request: Any, id: int, lasting: bool) -> bytes | None:
        session, began = self.session, perf_counter_ns()
        steps, outcomes = self._begin(session, request)
        if not isinstance(outcomes, Running):
            self._statistics.done(session.process, steps, outcomes, began)
            return self._answer(id, steps, outcomes, lasting)

        def finish(wanted: bool) -> bytes | None:
            return self._finished(id, steps, outcomes, lasting, wanted, began)

        work = Work("stream", steps, request.keep_going)
        call = session.begun(id, outcomes, finish, None if lasting else self, work)
        if request.timeout_ms:
            call.end_after(request.timeout_ms / 1000)
        return None

    def _finished(
        self, id: int, steps: list[Any], running: Any, lasting: bool, wanted: bool, began: int
    ) -> bytes | None:
        found = outcomes_of(running)
        self._statistics.done(self.session.process, steps, found, began)
        if not wanted:
            return None
        data = self._answer(id, steps, found, lasting)
        stream = self.session.stream if lasting else self
        if stream is not None:
            stream.put(data)
        return data

    def go_on(self, moved: Moved, running: Running[Any]) -> Call:
        """Follows a call that has come in at a predecessor, or before there was none after all."""
        steps, began = moved.work.steps, perf_counter_ns()

        def finish(wanted: bool) -> bytes | None:
            return self._finished(moved.id, steps, running, moved.lasting, wanted, began)

        return self.session.begun(moved.id, running, finish, None if moved.lasting else self, moved.work)

    def _answer(self, id: int, steps: list[Any], outcomes: list[Any], lasting: bool) -> bytes:
        reply = rump_sp_pb2.StreamResponse(id=id)
        if self.session.memory is not None and steps[0] is not None:
            outcomes = list(put(steps, outcomes, reply.shared))
        encode_outcomes(steps, outcomes, reply)
        data: bytes = reply.SerializeToString()
        if lasting:
            self.session.replies.keep(id, data, len(data))
        return data


class GrpcStream(Stream):
    """`Session.Stream`."""

    def __init__(
        self, begin: Begin, session: Session, statistics: Statistics, passing: Passing | None, context: Any
    ) -> None:
        super().__init__(begin, session, statistics, passing)
        self._context = context
        self._outbox = Outbox(context)
        self._idle = asyncio.Event()
        self._task = asyncio.current_task()
        self._why: KernelError | None = None

    async def serve(self) -> None:
        self.session.opened(self)
        read, send = self._context.read, self._outbox.send
        try:
            while (data := await read()) is not grpc.aio.EOF:
                reply = self.take(await parsed(rump_sp_pb2.StreamRequest, data, self._context))
                if reply is not None:
                    await send(reply)
            while self._owes:  # the client sends no more, but waits for answers
                self._idle.clear()
                await self._idle.wait()
            await self._outbox.flushed()
        except asyncio.CancelledError:
            if self._why is None:
                raise
            assert self._task is not None
            self._task.uncancel()
            await abort(self._context, self._why)
        finally:
            self._outbox.closed = True
            self.closed()

    @property
    def _owes(self) -> bool:
        """Whether the client still waits for answers."""
        if self.relay is not None:
            return bool(self.relay.waiting)
        return bool(self.held) or any(number > 0 for number in self.session.calls) or self.session.resting

    def put(self, data: bytes) -> None:
        self._outbox.put(data)
        self._idle.set()
        if self.relay is not None and self._outbox.full:
            self.relay.hold()
            self._resume = asyncio.get_running_loop().create_task(self._drained(self.relay))

    async def _drained(self, relay: Relay) -> None:
        await self._outbox.flushed()
        relay.go_on()

    def wake(self) -> None:
        self._idle.set()

    def end(self, why: KernelError) -> None:
        self._why = why
        self.cut()

    def cut(self) -> None:
        self._outbox.closed = True
        assert self._task is not None
        self._task.cancel()


class SignalStream:
    """One Signals call: the signals of a process, instead of on the stream of its calls."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._signals: asyncio.Queue[Siginfo] = asyncio.Queue(MAX_SIGNALS)

    async def serve(self, session: Session) -> None:
        write = self._context.write
        session.carried_by(self)
        try:
            await write(rump_sp_pb2.SignalsResponse())
            while (info := await self._signals.get()).si_signo:
                if info.si_signo == MOVED:
                    raise MovedError(0)
                await write(_signal(rump_sp_pb2.SignalsResponse(), info))
        finally:
            session.carried_by(None, instead_of=self)

    def raise_signal(self, info: Siginfo) -> None:
        """A client that takes none for so long has more than enough of them."""
        if not self._signals.full():
            self._signals.put_nowait(info)

    def end(self) -> None:
        """The session is over."""
        self._last(0)

    def move(self) -> None:
        """It goes on at a successor."""
        self._last(MOVED)

    def _last(self, mark: int) -> None:
        while self._signals.full():
            self._signals.get_nowait()
        self._signals.put_nowait(Siginfo(mark))


def _signal(message: Any, info: Siginfo) -> Any:
    message.signal = info.si_signo
    codec._enc_Siginfo(info, message.siginfo)
    return message


def answer_of(id: int, steps: list[Any], outcomes: list[Any]) -> bytes:
    """The StreamResponse with these outcomes."""
    reply = rump_sp_pb2.StreamResponse(id=id)
    encode_outcomes(steps, outcomes, reply)
    data: bytes = reply.SerializeToString()
    return data


def _empty(id: int, *, busy: bool = False) -> bytes:
    data: bytes = rump_sp_pb2.StreamResponse(id=id, busy=busy).SerializeToString()
    return data


def _refusal(id: int, errno: int, text: str) -> bytes:
    return answer_of(id, [None], [KernelError(errno, text, "gateway")])


def outcomes_of(running: Running[Any]) -> list[Any]:
    """The outcomes of a batch that is finished."""
    try:
        found: list[Any] = running.outcome.result()
    except Exception as error:  # noqa: BLE001  a defect fails one batch, not the stream
        return [failure(error)]
    return found


def encode_outcomes(steps: list[Any], outcomes: list[Any], response: Any) -> None:
    """Outcomes into a message; calls that were not tried get an empty result."""
    add = response.results.add
    for step, outcome in zip(steps, outcomes, strict=False):
        result = add()
        if isinstance(outcome, KernelError):
            encode_error(outcome, result.error)
            continue
        name = step[0].name
        if type(outcome) is Unread:
            getattr(result, name).CopyFrom(outcome.message)
            continue
        try:
            _ENCODE[name](outcome, getattr(result, name))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            encode_error(failure(error), result.error)  # a component gave something that is no response
    for _ in range(len(steps) - len(outcomes)):
        add()


_ENCODE = {name: encode for name, (encode, _) in codec.RESPONSE.items()}


def failure(error: BaseException) -> KernelError:
    """What a client is told. Anything but a KernelError is a defect here: it goes to the log with its traceback."""
    if isinstance(error, KernelError):
        return error
    log.error("internal error", exc_info=error)
    return KernelError(Errno.EIO, f"internal error: {type(error).__name__}", "gateway")


def doubt(what: str) -> KernelError:
    text = f"the gateway ended while the call was under way: it may or may not have been done ({what})"
    return KernelError(Errno.ENOLINK, text, "gateway")

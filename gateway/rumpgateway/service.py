"""The gRPC face of the gateway: decodes, calls, encodes.

Services `Kern`, `Vfs`, `Net`, `Dev` are one table of handlers made from the routing table; `Session` is written out.
The session of a call is named by the metadata ``rump-session``.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter_ns
from types import CoroutineType
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from rumpgateway.admission import Admission, PeerId, bearer, metadata_of, peer_of
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.going_on import going_on
from rumpgateway.monitor import Monitor
from rumpgateway.passing import Passing
from rumpgateway.payload import cut, ready, serialize
from rumpgateway.session import LEASE_S, Session
from rumpgateway.sessions import Sessions
from rumpgateway.streams import GrpcStream, SignalStream, Stream, doubt, encode_outcomes, failure
from rumpgateway.tracing import Tracer
from rumpgateway.unary import follow, once
from rumpgateway.waiting import Call, Moved, Work
from rumpuser import audit
from rumpuser.aio import settle
from rumpuser.kauth import Action, authorize
from rumpuser.pending import Running, start
from rumpuser.run import arguments
from rumpuser.transport.memory import borrowed
from rumpuser.transport.wire import Unread
from rumpwire import calls, codec, rump_sp_pb2
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.status import abort, parsed
from rumpwire.step import Step
from rumpwire.wire import decode_call, decode_steps

MAX_BATCH = 4096
"""Calls of one batch; more are refused with E2BIG."""
MAX_WHEEL = 32 << 20
VERSION = "0.1.0"

Context = Any  # grpc.aio.ServicerContext, whose type parameters say nothing here


class Service:
    """Handlers of all public services of one gateway."""

    def __init__(
        self,
        gateway: Gateway,
        sessions: Sessions,
        status: Callable[[], Awaitable[Any]],
        max_message: int,
        monitor: Monitor,
        tracer: Tracer | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._status = status
        self._max_message = max_message
        self.in_process = False
        """Whether components are here: they get copies of what clients share."""
        self._monitor = monitor
        self._statistics = monitor.statistics
        self.passing = Passing(gateway, monitor.statistics)
        self.frames = ""
        """What is at the end of the paths where frames are served (`rumpgateway.door`)."""
        self._tracer = tracer
        self._admission = admission or Admission()

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What `grpc.aio.Server.add_generic_rpc_handlers` takes."""
        services: dict[str, dict[str, Any]] = {"Session": self._session_handlers()}
        for op in OPS.values():
            if not op.internal:
                services.setdefault(op.service, {})[op.method] = self._unary(op)
        return [
            grpc.method_handlers_generic_handler(f"rump.sp.v1.{service}", methods)
            for service, methods in services.items()
        ]

    def _session_handlers(self) -> dict[str, Any]:
        plain: dict[str, Callable[[Any, Context], Awaitable[Any]]] = {
            "Attach": self.attach,
            "Detach": self.detach,
            "Fork": self.fork,
            "Prefork": self.prefork,
            "ForkCancel": self.fork_cancel,
            "Exec": self.exec,
            "Handover": self.handover,
            "Batch": self.batch,
            "Status": self.status,
            "Processes": self.processes,
            "Statistics": self.statistics,
        }
        handlers = {name: _unary_handler(name, function) for name, function in plain.items()}
        handlers["Stream"] = grpc.stream_stream_rpc_method_handler(self.stream)
        handlers["Signals"] = grpc.unary_stream_rpc_method_handler(
            self.signals, None, rump_sp_pb2.SignalsResponse.SerializeToString
        )
        handlers["UploadModule"] = grpc.stream_unary_rpc_method_handler(
            self.upload_module, None, rump_sp_pb2.UploadModuleResponse.SerializeToString
        )
        return handlers

    def _unary(self, op: Op) -> Any:
        """The handler of one system call."""
        descriptor = rump_sp_pb2.DESCRIPTOR.services_by_name[op.service].methods_by_name[op.method]
        request_class: Any = GetMessageClass(descriptor.input_type)
        decode = codec.REQUEST[op.name][1]

        async def handler(data: bytes, context: Context) -> Any:
            session = await self._session(context)
            rest, contents = cut(op, data)
            request = await parsed(request_class, rest, context)
            steps = [Step(op, ())]

            def begin() -> Any:
                session.check()
                args = decode(request)
                steps[0] = Step(op, args if contents is None else (args[0], contents, *args[2:]))
                call = partial(self._gateway.call, session.process, op, steps[0].args)
                if self._tracer is not None:
                    return self._tracer.start(_traceparent(context), session.process, steps, call)
                return start(call())

            finish = self._finishing(session, steps)
            work = partial(Work, "unary", steps)
            return await once(context, session, begin, finish, repeatable=op.idempotent, work=work)

        return grpc.unary_unary_rpc_method_handler(handler, None, serialize)

    def _finishing(self, session: Session, steps: list[Step]) -> Callable[[Any], Any]:
        """What makes the answer of a unary call of its outcome."""
        began = perf_counter_ns()

        def finish(outcome: Any) -> Any:
            self._statistics.done(session.process, steps, [outcome], began)
            if isinstance(outcome, KernelError):
                return outcome
            if type(outcome) is Unread:
                return outcome.message
            op = steps[0].op
            if (answer := ready(op, outcome)) is not None:
                return answer
            response = _response_class(op)()
            codec.RESPONSE[op.name][0](outcome, response)
            return response

        return finish

    def _finishing_batch(self, session: Session, steps: list[Step]) -> Callable[[Any], Any]:
        began = perf_counter_ns()

        def finish(outcomes: Any) -> Any:
            found = [outcomes] if isinstance(outcomes, KernelError) else outcomes
            self._statistics.done(session.process, steps, found, began)
            response = rump_sp_pb2.BatchResponse()
            encode_outcomes(steps, found, response)
            return response

        return finish

    def go_on(self, moved: Moved) -> Call | None:
        """Brings a call to its end that was ended half-way, here or at a predecessor. None when its client is gone."""
        session = self._sessions.find(moved.token)
        if session is None or (moved.work.kind == "stream" and not moved.lasting and session.stream is None):
            return None
        work = moved.work
        running = going_on(
            self._gateway, session.process, work.steps, moved.outcomes,
            keep_going=work.keep_going, single=work.kind == "unary",
        )  # fmt: skip
        if work.kind == "stream":
            call = self._on_stream(session, moved, running)
        else:
            finishing = self._finishing if work.kind == "unary" else self._finishing_batch
            call = follow(session, moved.id, running, finishing(session, work.steps), work)
        if moved.left_s is not None:
            call.end_after(moved.left_s)
        return call

    def _on_stream(self, session: Session, moved: Moved, running: Running[Any]) -> Call:
        stream = session.stream
        if not isinstance(stream, Stream):  # it comes again, and then gets what is kept
            stream = Stream(self.begin, session, self._statistics)
        return stream.go_on(moved, running)

    async def _session(self, context: Context) -> Session:
        token = metadata_of(context, "rump-session")
        try:
            session = self._sessions.find(token)
        except KernelError as error:
            await abort(context, error)
        if session is None:
            text = "no such session: attach first and send its token as rump-session"
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)
            raise AssertionError("abort returned")
        if not session.may_be_used_by(peer := peer_of(context)):
            audit.tell(granted=False, who=str(peer), action="session", pid=session.process.pid)
            await abort(context, KernelError(Errno.EAUTH, "the session is that of another client", "gateway"))
        return session

    async def _look(self, context: Context, action: Action) -> None:
        """Admits a client that asks what the kernel shows of itself: with a session, or by what else it proves."""
        try:
            if metadata_of(context, "rump-session"):
                authorize((await self._session(context)).process, action)
            else:
                self._admission.look(context, bearer(context), action)
        except KernelError as error:
            await abort(context, error)

    # -- Session

    async def attach(self, request: Any, context: Context) -> Any:
        try:
            return await self.admit(request, peer_of(context))
        except KernelError as error:
            await abort(context, error)

    async def admit(self, request: Any, peer: PeerId) -> Any:
        """The answer to Attach for a client of which the connection proves this. EAUTH, EPROCLIM, ESRCH."""
        who = self._admission.attach(peer, request.token, request.nonce)
        session = await self._sessions.attach(
            request.comm, request.lease_ms / 1000, request.nonce, who, request.cookie, streams=request.streams
        )
        if request.trace_as:
            self._gateway.ktrace.adopt(request.trace_as, session.process)
        return rump_sp_pb2.AttachResponse(
            session=session.token,
            pid=session.process.pid,
            lease_ms=int((session.lease_s or LEASE_S) * 1000),
            max_message=self._max_message,
            version=VERSION,
            frames=self.frames if peer.local else "",
        )

    async def detach(self, request: Any, context: Context) -> Any:
        """What has ended already is detached: the answer to an earlier try may have been lost."""
        with contextlib.suppress(KernelError):
            self._sessions.find(metadata_of(context, "rump-session"))
            await self._sessions.end(await self._session(context))
        return rump_sp_pb2.DetachResponse()

    async def fork(self, request: Any, context: Context) -> Any:
        parent = await self._session(context)

        def finish(outcome: Any) -> Any:
            if isinstance(outcome, KernelError):
                return outcome
            child = self._sessions.adopt(outcome, parent)
            return rump_sp_pb2.ForkResponse(pid=child.process.pid, session=child.token)

        return await once(context, parent, lambda: start(self._sessions.fork(parent, request.flags)), finish)

    async def prefork(self, request: Any, context: Context) -> Any:
        parent = await self._session(context)

        def finish(outcome: Any) -> Any:
            if isinstance(outcome, KernelError):
                return outcome
            return rump_sp_pb2.PreforkResponse(cookie=outcome.cookie, pid=outcome.process.pid, wait_ms=outcome.wait_ms)

        def begin() -> Any:
            return start(self._sessions.prefork(parent, request.flags, request.wait_ms))

        return await once(context, parent, begin, finish)

    async def fork_cancel(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        try:
            await settle(self._gateway.cookies.cancel(request.cookie, session.identity))
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.ForkCancelResponse()

    async def exec(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        with session:
            try:
                await settle(self._gateway.execute(session.process, request.comm[:64] or session.process.comm))
            except KernelError as error:
                await abort(context, error)
            session.begin_anew()
        return rump_sp_pb2.ExecResponse(pid=session.process.pid, max_message=self._max_message)

    async def handover(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        try:
            return rump_sp_pb2.HandoverResponse(wait_ms=session.keep(request.wait_ms))
        except KernelError as error:
            await abort(context, error)

    async def signals(self, data: bytes, context: Context) -> None:
        session = await self._session(context)
        await SignalStream(context).serve(session)

    async def batch(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        steps: list[Any] = []

        def begin() -> Any:
            steps[:], outcomes = self.begin(session, request)
            return outcomes

        finish = self._finishing_batch(session, steps)
        return await once(context, session, begin, finish, work=lambda: Work("batch", steps, request.keep_going))

    def begin(self, session: Session, request: Any) -> tuple[list[Any], Any]:
        """Starts the calls of a batch: its steps, and their outcomes or the batch on its way."""
        try:
            session.check()
            if len(request.calls) > MAX_BATCH:
                raise KernelError(Errno.E2BIG, f"{len(request.calls)} calls in a batch; {MAX_BATCH} are allowed")
            steps = decode_steps(request.calls, decode_call)
            if isinstance(request, rump_sp_pb2.StreamRequest) and request.shared:
                copy = self.in_process or session.process.trace is not None
                steps = borrowed(session.memory, request.shared, steps, copy=copy)
            if session.doubtful:
                _check_doubt(session, request, steps)
        except KernelError as error:
            return [None], [error]
        try:
            if self._tracer is not None:
                run = partial(self._gateway.run, session.process, steps, request.keep_going)
                return steps, self._tracer.start(request.traceparent, session.process, steps, run)
            if len(steps) == 1:
                return steps, start(self._one(session.process, steps[0]))
            return steps, start(self._gateway.run(session.process, steps, request.keep_going))
        except Exception as error:  # noqa: BLE001  a defect fails one batch, not the stream
            return steps, [failure(error)]

    def _one(self, p: Process, step: Step) -> Any:
        """The outcomes of a batch of one call, or a coroutine that gives them."""
        try:
            value = self._gateway.call(p, step.op, arguments((), (), step) if step.references else step.args)
        except KernelError as error:
            value = error
        return _alone(value) if type(value) is CoroutineType else [value]

    async def stream(self, requests: Any, context: Context) -> None:
        session = await self._session(context)
        await GrpcStream(self.begin, session, self._statistics, self.passing, context).serve()

    async def upload_module(self, requests: Any, context: Context) -> Any:
        session = await self._session(context)
        first: Any = None
        wheel = bytearray()
        async for data in requests:
            request = await parsed(rump_sp_pb2.UploadModuleRequest, data, context)
            first = first or request
            wheel += request.chunk
            if len(wheel) > MAX_WHEEL:
                text = f"the wheel is longer than {MAX_WHEEL >> 20} MiB"
                await abort(context, KernelError(Errno.EFBIG, text, "gateway"))

        def begin() -> Any:
            if first is None:
                raise KernelError(Errno.EINVAL, "no wheel was sent", "gateway")
            sha256 = first.sha256 or hashlib.sha256(wheel).digest()
            args = (first.filename, sha256, first.public_key, first.signature, bytes(wheel))
            return start(self._gateway.bus.peer("kern").call(session.process.context, calls.MODULE_UPLOAD, args))

        return await once(context, session, begin, _uploaded)

    async def status(self, request: Any, context: Context) -> Any:
        await self._look(context, Action.SYSTEM_STATUS)
        return await self._status()

    async def statistics(self, request: Any, context: Context) -> Any:
        await self._look(context, Action.SYSTEM_STATUS)
        return await self._monitor.response()

    async def processes(self, request: Any, context: Context) -> Any:
        await self._look(context, Action.PROCESS_CANSEE_ENTRY)
        found = sorted(self._gateway.processes.values(), key=lambda p: p.pid)
        return rump_sp_pb2.ProcessesResponse(processes=[_process_status(p) for p in found])


async def _alone(call: Any) -> list[Any]:
    try:
        return [await call]
    except KernelError as error:
        return [error]


def _response_class(op: Op) -> Any:
    descriptor = rump_sp_pb2.DESCRIPTOR.services_by_name[op.service].methods_by_name[op.method]
    return GetMessageClass(descriptor.output_type)


def _process_status(p: Process) -> Any:
    return rump_sp_pb2.ProcessStatus(pid=p.pid, ppid=p.ppid, comm=p.comm, uid=p.cred.uid, nfd=len(p.fds), nlwps=p.nlwps)


def _check_doubt(session: Session, request: Any, steps: list[Step]) -> None:
    """ENOLINK for calls that a gateway before this one may have done, where that cannot be done again."""
    if 0 < getattr(request, "id", 0) <= session.doubtful and not all(step.op.idempotent for step in steps):
        raise doubt(steps[0].op.cname)


def _uploaded(outcome: Any) -> Any:
    if isinstance(outcome, KernelError):
        return outcome
    response = rump_sp_pb2.UploadModuleResponse()
    codec._enc_ModuleStat(outcome, response.module)
    return response


def _traceparent(context: Context) -> str:
    """The W3C trace context of a unary call."""
    return metadata_of(context, "traceparent")


def _unary_handler(name: str, function: Callable[[Any, Context], Awaitable[Any]]) -> Any:
    request_class = getattr(rump_sp_pb2, f"{name}Request")

    async def handler(data: bytes, context: Context) -> Any:
        return await function(await parsed(request_class, data, context), context)

    return grpc.unary_unary_rpc_method_handler(handler, None, getattr(rump_sp_pb2, f"{name}Response").SerializeToString)

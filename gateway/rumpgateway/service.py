"""The gRPC face of the gateway: decodes, calls, encodes.

Services `Kern`, `Vfs`, `Net`, `Dev` are one table of handlers made from the routing table; `Session` is written out.
The session of a call is named by the metadata ``rump-session``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter_ns
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.monitor import Monitor
from rumpgateway.sessions import LEASE_S, Session, Sessions
from rumpgateway.statistics import Statistics
from rumpgateway.tracing import Tracer
from rumpuser.aio import finished, settle
from rumpuser.pending import Running, start
from rumpuser.transport.grpc_server import Outbox
from rumpwire import calls, codec, rump_sp_pb2
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.status import abort
from rumpwire.step import Step
from rumpwire.wire import decode_call, decode_steps, encode_error

MAX_IN_FLIGHT = 1024
"""Calls of one stream that may wait at a time; more are refused with EAGAIN."""
MAX_BATCH = 4096
"""Calls of one batch; more are refused with E2BIG."""
MAX_WHEEL = 32 << 20
VERSION = "0.1.0"

log = logging.getLogger("rump.gateway")

Context = Any  # grpc.aio.ServicerContext, whose type parameters say nothing here


Begin = Callable[[Session, Any], tuple[list[Any], Any]]
"""Starts the calls of a request: the steps, and their outcomes or the batch on its way."""


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
    ) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._status = status
        self._max_message = max_message
        self._monitor = monitor
        self._statistics = monitor.statistics
        self._tracer = tracer

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
        handlers["Stream"] = grpc.stream_stream_rpc_method_handler(
            self.stream,
            rump_sp_pb2.StreamRequest.FromString,
        )
        handlers["UploadModule"] = grpc.stream_unary_rpc_method_handler(
            self.upload_module,
            rump_sp_pb2.UploadModuleRequest.FromString,
            rump_sp_pb2.UploadModuleResponse.SerializeToString,
        )
        return handlers

    def _unary(self, op: Op) -> Any:
        """The handler of one system call."""
        descriptor = rump_sp_pb2.DESCRIPTOR.services_by_name[op.service].methods_by_name[op.method]
        request_class: Any = GetMessageClass(descriptor.input_type)
        response_class: Any = GetMessageClass(descriptor.output_type)
        decode, encode = codec.REQUEST[op.name][1], codec.RESPONSE[op.name][0]

        async def handler(request: Any, context: Context) -> Any:
            session = await self._session(context)
            if session.process.in_exec:
                await abort(context, _in_exec(session.process.pid))
            began, steps = perf_counter_ns(), [Step(op, ())]
            try:
                steps = [Step(op, decode(request))]
                if self._tracer is not None:
                    call = partial(self._gateway.call, session.process, op, steps[0].args)
                    value = self._tracer.start(_traceparent(context), session.process, steps, call)
                else:
                    value = start(self._gateway.call(session.process, op, steps[0].args))
                if isinstance(value, Running):
                    value = await _waiting(session.process, value)
            except Exception as error:  # noqa: BLE001  as in _begin
                failure = _failure(error)
                self._statistics.done(session.process, steps, [failure], began)
                await abort(context, failure)
            self._statistics.done(session.process, steps, [value], began)
            response = response_class()
            encode(value, response)
            return response

        return grpc.unary_unary_rpc_method_handler(
            handler,
            request_class.FromString,
            response_class.SerializeToString,
        )

    async def _session(self, context: Context) -> Session:
        for key, value in context.invocation_metadata():
            if key == "rump-session":
                session = self._sessions.find(value)
                if session is not None:
                    session.renew()
                    return session
                break
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED, "no such session: attach first and send its token as rump-session"
        )
        raise AssertionError("abort returned")

    # -- Session

    async def attach(self, request: Any, context: Context) -> Any:
        try:
            session = await self._sessions.attach(request.comm, request.cookie)
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.AttachResponse(
            session=session.token,
            pid=session.process.pid,
            lease_ms=int(LEASE_S * 1000),
            max_message=self._max_message,
            version=VERSION,
        )

    async def detach(self, request: Any, context: Context) -> Any:
        await self._sessions.end(await self._session(context))
        return rump_sp_pb2.DetachResponse()

    async def fork(self, request: Any, context: Context) -> Any:
        parent = await self._session(context)
        try:
            child = await self._sessions.fork(parent, request.flags)
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.ForkResponse(pid=child.process.pid, session=child.token)

    async def prefork(self, request: Any, context: Context) -> Any:
        parent = await self._session(context)
        try:
            child = await self._sessions.prefork(parent, request.flags, request.wait_ms)
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.PreforkResponse(cookie=child.cookie, pid=child.process.pid, wait_ms=child.wait_ms)

    async def fork_cancel(self, request: Any, context: Context) -> Any:
        await self._session(context)
        try:
            await self._sessions.fork_cancel(request.cookie)
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.ForkCancelResponse()

    async def exec(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        try:
            await settle(self._gateway.execute(session.process, request.comm[:64] or session.process.comm))
        except KernelError as error:
            await abort(context, error)
        return rump_sp_pb2.ExecResponse(pid=session.process.pid, max_message=self._max_message)

    async def handover(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        try:
            return rump_sp_pb2.HandoverResponse(wait_ms=session.keep(request.wait_ms))
        except KernelError as error:
            await abort(context, error)

    async def batch(self, request: Any, context: Context) -> Any:
        session = await self._session(context)
        response = rump_sp_pb2.BatchResponse()
        began = perf_counter_ns()
        steps, outcomes = self._begin(session, request)
        if isinstance(outcomes, Running):
            try:
                outcomes = await _waiting(session.process, outcomes)
            except Exception as error:  # noqa: BLE001  as in _begin
                outcomes = [_failure(error)]
        self._statistics.done(session.process, steps, outcomes, began)
        _encode(steps, outcomes, response)
        return response

    def _begin(self, session: Session, request: Any) -> tuple[list[Any], Any]:
        """Starts the calls of a batch: its steps, and their outcomes or the batch on its way."""
        try:
            if session.process.in_exec:
                raise _in_exec(session.process.pid)
            if len(request.calls) > MAX_BATCH:
                raise KernelError(Errno.E2BIG, f"{len(request.calls)} calls in a batch; {MAX_BATCH} are allowed")
            steps = decode_steps(request.calls, decode_call)
        except KernelError as error:
            return [None], [error]
        try:
            if self._tracer is not None:
                run = partial(self._gateway.run, session.process, steps, request.keep_going)
                return steps, self._tracer.start(request.traceparent, session.process, steps, run)
            return steps, start(self._gateway.run(session.process, steps, request.keep_going))
        except Exception as error:  # noqa: BLE001  a defect fails one batch, not the stream
            return steps, [_failure(error)]

    async def stream(self, requests: Any, context: Context) -> None:
        session = await self._session(context)
        await _Stream(self._begin, session, context, self._statistics).serve()

    async def upload_module(self, requests: Any, context: Context) -> Any:
        session = await self._session(context)
        first: Any = None
        wheel = bytearray()
        async for request in requests:
            first = first or request
            wheel += request.chunk
            if len(wheel) > MAX_WHEEL:
                text = f"the wheel is longer than {MAX_WHEEL >> 20} MiB"
                await abort(context, KernelError(Errno.EFBIG, text, "gateway"))
        try:
            if first is None:
                raise KernelError(Errno.EINVAL, "no wheel was sent", "gateway")
            sha256 = first.sha256 or hashlib.sha256(wheel).digest()
            args = (first.filename, sha256, first.public_key, first.signature, bytes(wheel))
            kern = self._gateway.bus.peer("kern")
            stat = await settle(kern.call(session.process.context, calls.MODULE_UPLOAD, args))
        except KernelError as error:
            await abort(context, error)
        response = rump_sp_pb2.UploadModuleResponse()
        codec._enc_ModuleStat(stat, response.module)
        return response

    async def status(self, request: Any, context: Context) -> Any:
        return await self._status()

    async def statistics(self, request: Any, context: Context) -> Any:
        await self._session(context)
        return await self._monitor.response()

    async def processes(self, request: Any, context: Context) -> Any:
        found = sorted(self._gateway.processes.values(), key=lambda p: p.pid)
        return rump_sp_pb2.ProcessesResponse(
            processes=[
                rump_sp_pb2.ProcessStatus(
                    pid=p.pid, ppid=p.ppid, comm=p.comm, uid=p.cred.uid, nfd=len(p.fds), nlwps=p.nlwps
                )
                for p in found
            ]
        )


class _Stream:
    """One Stream call: reads requests, answers at once what does not wait, the rest when it is finished."""

    def __init__(self, begin: Begin, session: Session, context: Context, statistics: Statistics) -> None:
        self._begin = begin
        self._statistics = statistics
        self._session = session
        self._context = context
        self._in_flight: dict[int, Running[Any]] = {}
        self._outbox = Outbox(context)
        self._idle = asyncio.Event()

    async def serve(self) -> None:
        self._session.stream_opened(self, first=True)
        read, send = self._context.read, self._outbox.send
        try:
            while (request := await read()) is not grpc.aio.EOF:
                reply = self._take(request)
                if reply is not None:
                    await send(reply)
            while self._in_flight:  # the client sends no more, but waits for answers
                self._idle.clear()
                await self._idle.wait()
            await self._outbox.flushed()
        finally:
            self._outbox.closed = True
            for running in list(self._in_flight.values()):
                running.cancel()
            self._session.stream_closed(self)

    def raise_signal(self, signo: int) -> None:
        """A signal for the client."""
        self._outbox.put(rump_sp_pb2.StreamResponse(signal=signo).SerializeToString())

    def _take(self, request: Any) -> bytes | None:
        """Starts what a request asks for: the reply, or None when that comes later."""
        if request.signals:
            self._session.stream_opened(self, first=False)
            return _reply(request.id, [], [])
        if request.cancel:
            running = self._in_flight.get(request.id)
            if running is not None:
                running.cancel()
            return None
        if len(self._in_flight) >= MAX_IN_FLIGHT or request.id in self._in_flight:
            error = KernelError(Errno.EAGAIN, f"{MAX_IN_FLIGHT} calls wait, or id {request.id} is in use", "gateway")
            return _reply(request.id, [None], [error])
        began = perf_counter_ns()
        steps, outcomes = self._begin(self._session, request)
        if isinstance(outcomes, Running):
            self._in_flight[request.id] = outcomes
            self._statistics.in_flight += 1
            self._session.process.wait_begins(outcomes)
            outcomes.outcome.when_done(lambda: self._finished(request.id, steps, outcomes, began))
            return None
        self._statistics.done(self._session.process, steps, outcomes, began)
        return _reply(request.id, steps, outcomes)

    def _finished(self, id: int, steps: list[Any], running: Running[Any], began: int) -> None:
        self._statistics.in_flight -= 1
        self._in_flight.pop(id, None)
        self._session.process.wait_ends(running)
        try:
            outcomes = running.outcome.result()
        except Exception as error:  # noqa: BLE001  as in _begin
            outcomes = [_failure(error)]
        self._statistics.done(self._session.process, steps, outcomes, began)
        self._outbox.put(_reply(id, steps, outcomes))
        self._idle.set()


async def _waiting(process: Process, running: Running[Any]) -> Any:
    """The outcome of a call of a process that waits."""
    process.wait_begins(running)
    try:
        return await finished(running)
    finally:
        process.wait_ends(running)


def _in_exec(pid: int) -> KernelError:
    return KernelError(Errno.EBUSY, f"process {pid} is in exec", "gateway")


def _reply(id: int, steps: list[Any], outcomes: list[Any]) -> bytes:
    reply = rump_sp_pb2.StreamResponse(id=id)
    _encode(steps, outcomes, reply)
    return reply.SerializeToString()


def _encode(steps: list[Any], outcomes: list[Any], response: Any) -> None:
    """Outcomes into a message; calls that were not tried get an empty result."""
    add = response.results.add
    for step, outcome in zip(steps, outcomes, strict=False):
        result = add()
        if isinstance(outcome, KernelError):
            encode_error(outcome, result.error)
            continue
        name = step.op.name
        try:
            _ENCODE[name](outcome, getattr(result, name))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            encode_error(_failure(error), result.error)  # a component gave something that is no response
    for _ in range(len(steps) - len(outcomes)):
        add()


_ENCODE = {name: encode for name, (encode, _) in codec.RESPONSE.items()}


def _failure(error: BaseException) -> KernelError:
    """What a client is told. Anything but a KernelError is a defect here: it goes to the log with its traceback."""
    if isinstance(error, KernelError):
        return error
    log.error("internal error", exc_info=error)
    return KernelError(Errno.EIO, f"internal error: {type(error).__name__}", "gateway")


def _traceparent(context: Context) -> str:
    """The W3C trace context of a unary call."""
    return next((value for key, value in context.invocation_metadata() if key == "traceparent"), "")


def _unary_handler(name: str, function: Callable[[Any, Context], Awaitable[Any]]) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        function,
        getattr(rump_sp_pb2, f"{name}Request").FromString,
        getattr(rump_sp_pb2, f"{name}Response").SerializeToString,
    )

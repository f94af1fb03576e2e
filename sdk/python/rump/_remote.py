"""Kernels behind a gateway, over gRPC: a connection is a session, whose calls go over one `Session.Stream` at a time."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from rump import _trace
from rump._connection import CHUNK, ComponentStatus, Prepared, ProcessStatus, Statistics, Status, Wheel
from rump._errors import CONNECTION
from rump._grpc import Attached, Credentials, Method, frames_of, kernel_error, open_channel, unreachable
from rump._handover import Handover
from rump._leases import IDENTITY, LOOKS, Leases, changes, is_look, wanted
from rump._line import GONE, Line, SignalReader, Waiter
from rump._memory import CONTENTS, Memory, outcomes_of, request_of, shareable, unknown
from rump._retry import Policy, log
from rump._signals import Signals
from rump._standard import standard_kept
from rump._wire import GrpcWire, Wire, attach, copy, frame_wire, lost
from rumpuser.url import Url
from rumpwire import rump_sp_pb2 as sp
from rumpwire.calls import Op
from rumpwire.codec import _dec_ModuleStat
from rumpwire.errno import Errno, KernelError, name_of
from rumpwire.step import Step
from rumpwire.values import ModuleStat
from rumpwire.wire import NOT_TRIED, decode_result, decode_results, encode_one, encode_steps

ATTACH_S = 20.0
"""How long the first answer of a kernel may take."""
MAX_PID_DIGITS = 10
_NOTABLE = CONTENTS | IDENTITY | LOOKS
"""Calls with which something more is done than to send them."""
PATIENCE_S = 5.0
"""How long after its timeout a call may take to end before the connection counts as lost."""


_connections: weakref.WeakSet[RemoteConnection] = weakref.WeakSet()


def _forked() -> None:
    """os.fork: nothing of a connection may be used in both processes, so that it stays the parent's."""
    for connection in list(_connections):
        connection._closed = True
        connection._stream.forked()


os.register_at_fork(after_in_child=_forked)


class RemoteConnection:
    """A session of a gateway. ``timeout``: seconds after which calls end with ETIMEDOUT."""

    def __init__(
        self,
        url: Url,
        credentials: Credentials,
        comm: str,
        session: Attached | None = None,
        policy: Policy | None = None,
        cookie: bytes = b"",
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._comm = comm
        self._policy = policy or Policy()
        self._closed = False
        self._over = False
        self._renewing = threading.Lock()
        self.timeout: float | None = None
        self.signals = Signals()
        self._watcher: SignalReader | None = None
        self._memory: Memory | None = None
        self.leases: Leases | None = None
        with standard_kept():
            self._channel = open_channel(url, credentials)
            try:
                self._stream = self._begin(session or self._attach(cookie))
                _connections.add(self)
            except BaseException:
                self._channel.close()
                raise

    @property
    def pid(self) -> int:
        return self._attached.pid

    @property
    def same_host(self) -> bool:
        return self._url.scheme == "unix"

    # -- sessions and streams

    def _attach(self, cookie: bytes = b"") -> Attached:
        """A new session. A kernel that is there, but whose answer is lost, is asked again with the same nonce."""
        request = attach_request(self._comm, self._credentials, self._policy, cookie)
        waits = self._policy.waits()
        while True:
            try:
                reply = self._ask(request)
            except grpc.RpcError as error:
                found = kernel_error(error)
                if found.errno != Errno.ENOTCONN or found.origin != CONNECTION:
                    raise found from None
                why = unreachable(self._url, found)
                wait = next(waits, None)
                if wait is None or why.errno != Errno.ENOTCONN:
                    raise why from None
                time.sleep(wait)
                self._renew_channel()
            else:
                return Attached(reply.session, reply.pid, reply.max_message, reply.frames)

    def _ask(self, request: Any) -> Any:
        """Attaches where the kernel is told who we are, else by gRPC."""
        path = frames_of(self._url)
        if path:
            with contextlib.suppress(OSError):
                return attach(path, request, ATTACH_S)
        return Method(self._channel, "Attach")(request, timeout=ATTACH_S)

    def _begin(self, session: Attached) -> Line:
        self._attached = session
        self._metadata = (("rump-session", session.token),)
        if self._memory is not None:
            self._memory.close()
        path = session.path(self._url)
        memory = self._memory = Memory(path, session.token) if path else None
        self.leases = Leases(path, session.token) if path and wanted() else None
        plain = None if memory is None else memory.plain
        return Line(self._wire(), self._connect, self._policy, str(self._url), session.limit, self.signals, plain)

    def _wire(self) -> Wire:
        """A stream by the quickest way that is there."""
        path = self._attached.path(self._url)
        if path:
            with contextlib.suppress(OSError):
                return frame_wire(path, self._attached.token)
        return GrpcWire(self._channel, self._metadata)

    def _connect(self, anew: bool) -> Wire:
        if self._memory is not None:
            self._memory.forget()
        with standard_kept():
            if anew:
                self._renew_channel()
            return self._wire()

    def _renew_channel(self) -> None:
        old, self._channel = self._channel, open_channel(self._url, self._credentials)
        old.close()
        if self._over:
            self._channel.close()

    @property
    def _line(self) -> Line:
        """The line to call on. After the end of a session, once that was told, that of another one by the policy."""
        line = self._stream
        if line.broken is None or not line.told or line.broken.errno not in GONE or not self._policy.tries:
            return line
        with self._renewing:
            if self._stream is line and not self._closed:
                self._renew_channel()
                self._stream = self._begin(self._attach())
                log.warning("attached to %s anew, as process %d", self._url, self._attached.pid)
            return self._stream

    # -- calls

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        if op in _NOTABLE:
            if op in CONTENTS:
                outcomes = self._in_memory((Step(op, args),), keep_going=False)
                if outcomes is not None:
                    if isinstance(outcomes[0], KernelError):
                        raise outcomes[0]
                    return outcomes[0]
            elif (leases := self.leases) is not None:
                if is_look(op, args) and self._stream.broken is None:
                    return leases.call(op, args, self._call)
                if op in IDENTITY:
                    with leases.changing():
                        return self._call(op, args)
        return self._call(op, args)

    def _call(self, op: Op, args: tuple[Any, ...]) -> Any:
        request = new_request() if _trace.current is not None else sp.StreamRequest()
        encode_one(op, args, request.calls.add())
        results = self._exchange(request).results
        value = decode_result(op, results[0]) if results else NOT_TRIED
        if isinstance(value, KernelError):
            raise value
        if value is NOT_TRIED:
            raise KernelError(Errno.EBADRPC, f"the answer to {op.cname} is empty", CONNECTION)
        return value

    def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        if not steps:
            return []
        if _NOTABLE.isdisjoint([step.op for step in steps]):
            return self._run(steps, keep_going)
        if self.leases is not None and changes(steps):
            with self.leases.changing():
                return self._in_memory(steps, keep_going=keep_going) or self._run(steps, keep_going)
        return self._in_memory(steps, keep_going=keep_going) or self._run(steps, keep_going)

    def _run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        return decode_results(steps, self._exchange(batch_request(steps, keep_going)).results)

    def _in_memory(self, steps: Sequence[Step], *, keep_going: bool) -> list[Any] | None:
        """The outcomes, where contents go through shared memory."""
        memory = self._memory
        long = shareable(memory, steps)
        return None if memory is None or long is None else self._lent(memory, long, keep_going=keep_going)

    def _lent(self, memory: Memory, steps: Sequence[Step], *, keep_going: bool) -> list[Any] | None:
        """The outcomes of calls whose contents are in shared memory; None where that cannot be.

        A call whose answer was not waited for may still read or write its slot, which is not lent again.
        """
        loan = memory.lend(steps)
        if loan is None:
            return None
        slot, steps = loan
        found = outcomes_of(steps, self._exchange(request_of(steps, new_request(keep_going=keep_going))))
        memory.give_back(slot)
        if unknown(found):
            memory.forget()
            return None
        return found

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        if not steps or self.timeout is not None or (self.leases is not None and changes(steps)):
            return lambda: self.run(steps, keep_going)
        line = self._line
        waiter = line.post(batch_request(steps, keep_going))
        return lambda: decode_results(steps, line.collect(waiter).results)

    def _exchange(self, request: Any) -> Any:
        line = self._stream
        if line.broken is not None:
            line = self._line
        if self.timeout is None:
            return line.exchange(request)
        request.timeout_ms = max(1, int(self.timeout * 1000))
        waiter = line.post(request)
        with _patience(line, waiter, self.timeout):
            return line.collect(waiter)

    def _unary(
        self, name: str, request: Any, metadata: tuple[tuple[str, str], ...] = (), timeout: float | None = None
    ) -> Any:
        seconds = timeout or self.timeout
        return self._again(
            lambda: Method(self._channel, name)(request, metadata=self._metadata + metadata, timeout=seconds)
        )

    def _again(self, call: Callable[[], Any]) -> Any:
        """Makes a unary call, which may be made again when the connection is lost on its way."""
        for wait in itertools.chain((0.0,), self._policy.waits()):
            time.sleep(wait)
            try:
                return call()
            except grpc.RpcError as error:
                found = lost(error)
            except ValueError:  # the channel is being replaced
                found = copy(None)
            if found.errno != Errno.ENOTCONN or found.origin != CONNECTION:
                break
            if self._policy.tries:
                self._stream.ping()
        raise found

    def fork(self, flags: int) -> RemoteConnection:
        with self._line.reserved() as metadata:
            reply = self._unary("Fork", sp.ForkRequest(flags=flags), metadata)
        session = self._attached._replace(token=reply.session, pid=reply.pid)
        return RemoteConnection(self._url, self._credentials, self._comm, session, self._policy)

    def prefork(self, flags: int, wait_ms: int) -> Prepared:
        with self._line.reserved() as metadata:
            reply = self._unary("Prefork", sp.PreforkRequest(flags=flags, wait_ms=wait_ms), metadata)
        return Prepared(reply.cookie, reply.pid, reply.wait_ms / 1000)

    def fork_cancel(self, cookie: bytes) -> None:
        self._unary("ForkCancel", sp.ForkCancelRequest(cookie=cookie))

    def execute(self, comm: str) -> None:
        self._unary("Exec", sp.ExecRequest(comm=comm))
        self._comm = comm

    def handover(self, wait_ms: int) -> Handover:
        """Has the session wait for another program."""
        self._unary("Handover", sp.HandoverRequest(wait_ms=wait_ms))
        return Handover(str(self._url), *self._attached)

    def watch_signals(self) -> None:
        """A call that brings signals alone, and a thread that reads them."""
        if self._watcher is None and not self._closed:
            self._watcher = SignalReader(self._channel, self._metadata, self.signals)

    def status(self) -> Status:
        return status_of(self._unary("Status", sp.StatusRequest()))

    def processes(self) -> list[ProcessStatus]:
        return processes_of(self._unary("Processes", sp.ProcessesRequest()))

    def statistics(self) -> Statistics:
        return statistics_of(self._unary("Statistics", sp.StatisticsRequest()))

    def upload_module(self, wheel: Wheel) -> ModuleStat:
        def upload() -> Any:
            method = self._channel.stream_unary(
                "/rump.sp.v1.Session/UploadModule",
                request_serializer=sp.UploadModuleRequest.SerializeToString,
                response_deserializer=sp.UploadModuleResponse.FromString,
            )
            return method(upload_requests(wheel), metadata=self._metadata + metadata)

        with self._line.reserved() as metadata:
            return _dec_ModuleStat(self._again(upload).module)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        line = self._stream
        if line.broken is None:
            line.leave()
            late = threading.Timer(PATIENCE_S, line.close)
            late.daemon = True
            late.start()
            with contextlib.suppress(KernelError):
                self._unary("Detach", sp.DetachRequest(), timeout=PATIENCE_S)
            late.cancel()
        self._over = True
        if self._memory is not None:
            self._memory.close()
        if self._watcher is not None:
            self._watcher.close()
        line.close()
        self._channel.close()


def attach_request(comm: str, credentials: Credentials, policy: Policy, cookie: bytes = b"") -> Any:
    return sp.AttachRequest(
        comm=comm,
        token=credentials.token,
        lease_ms=policy.lease_ms,
        cookie=cookie,
        trace_as=_trace_as(),
        nonce=secrets.token_bytes(16) if policy.tries else b"",
        streams=True,
    )


def _trace_as() -> int:
    """RUMP_KTRACE: the process that this program is to be traced with (rump.ktrace)."""
    found = os.environ.get("RUMP_KTRACE", "")
    return int(found) if found.isdecimal() and len(found) < MAX_PID_DIGITS else 0


def new_request(*, keep_going: bool = False) -> Any:
    request = sp.StreamRequest(keep_going=keep_going)
    if _trace.current is not None:
        request.traceparent = _trace.current()
    return request


def batch_request(steps: Sequence[Step], keep_going: bool) -> Any:
    request = new_request(keep_going=keep_going)
    encode_steps(steps, request.calls)
    return request


@contextlib.contextmanager
def _patience(line: Line, waiter: Waiter, timeout: float) -> Iterator[None]:
    """The kernel ends the call by itself; who gets no answer even then has lost the connection."""
    text = f"the kernel has not answered for {timeout + PATIENCE_S:g} s"
    why = KernelError(Errno.ENOTCONN if not line.lasting else Errno.ETIMEDOUT, text, CONNECTION)
    timer = threading.Timer(timeout + PATIENCE_S, line.give_up, [waiter, why])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def status_of(reply: Any) -> Status:
    return {"url": reply.url, "components": [component_of(c) for c in reply.components]}


def component_of(c: Any) -> ComponentStatus:
    return {
        "name": c.name,
        "pid": c.pid,
        "url": c.url,
        "state": c.state,
        "restarts": c.restarts,
        "modules": list(c.modules),
        "why": c.why,
        "recovery_ms": c.recovery_ms,
    }


def statistics_of(reply: Any) -> Statistics:
    return {
        "uptime_ms": reply.uptime_ms,
        "sessions": reply.sessions,
        "processes": reply.processes,
        "descriptors": reply.descriptors,
        "in_flight": reply.in_flight,
        "slow": reply.slow,
        "calls": [
            {
                "call": c.call,
                "count": c.count,
                "nanoseconds": c.nanoseconds,
                "buckets": list(c.buckets),
                "errors": {name_of(errno): count for errno, count in sorted(c.errors.items())},
            }
            for c in reply.calls
        ],
        "bounds": list(reply.bounds),
        "usage": [
            {"name": u.name, "resident_bytes": u.resident_bytes, "cpu_nanoseconds": u.cpu_nanoseconds}
            for u in reply.usage
        ],
        "components": [component_of(c) for c in reply.components],
        "held": [{"subject": h.subject, "kind": h.kind, "bytes": h.bytes} for h in reply.held],
    }


def processes_of(reply: Any) -> list[ProcessStatus]:
    return [
        {"pid": p.pid, "ppid": p.ppid, "comm": p.comm, "uid": p.uid, "nfd": p.nfd, "nlwps": p.nlwps}
        for p in reply.processes
    ]


def upload_requests(wheel: Wheel) -> Iterator[sp.UploadModuleRequest]:
    """A wheel in messages: what it is in the first, its bytes in pieces."""
    yield sp.UploadModuleRequest(
        filename=os.path.basename(wheel.filename),
        sha256=wheel.sha256,
        public_key=wheel.public_key,
        signature=wheel.signature,
        chunk=wheel.wheel[:CHUNK],
    )
    for at in range(CHUNK, len(wheel.wheel), CHUNK):
        yield sp.UploadModuleRequest(chunk=wheel.wheel[at : at + CHUNK])

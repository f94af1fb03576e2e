"""Kernels behind a gateway, over gRPC.

A connection is one `Session.Stream`. Any number of threads call over it at once: the first that waits reads the answers
of all, gives each its own, and when it has its own hands the reading over to one that still waits. So a lone caller
reads its answer itself, without a switch of threads.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from rump._connection import CHUNK, ComponentStatus, Prepared, ProcessStatus, Statistics, Status, Wheel
from rump._errors import CONNECTION
from rump._grpc import Credentials, Method, kernel_error, open_channel, unreachable
from rump._signals import Signals
from rumpuser.url import Url
from rumpwire import rump_sp_pb2 as sp
from rumpwire.calls import Op
from rumpwire.codec import _dec_ModuleStat
from rumpwire.errno import Errno, KernelError, name_of
from rumpwire.step import Step
from rumpwire.values import ModuleStat
from rumpwire.wire import NOT_TRIED, decode_result, decode_results, encode_call, encode_steps

ATTACH_S = 20.0
"""How long the first answer of a kernel may take."""
PATIENCE_S = 5.0
"""How long after its timeout a call may take to end before the connection counts as lost."""


class _Waiter:
    """An answer that is to come. The thread that wants it waits for it, or is the one that reads."""

    __slots__ = ("leads", "reply", "waits", "wake")

    def __init__(self) -> None:
        self.reply: Any = None
        self.leads = False
        self.waits = False
        self.wake = threading.Lock()
        self.wake.acquire()


class _Stream:
    """Requests and replies matched by id."""

    def __init__(
        self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]], signals: Callable[[int], None]
    ) -> None:
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        requests: Iterator[bytes] = iter(self._outgoing.get, None)
        self._call = method(requests, metadata=metadata)
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiter] = {}
        self._reading = False
        self.broken: KernelError | None = None
        self._signals = signals
        self._leader = 0

    def exchange(self, id: int, payload: bytes) -> Any:
        """The reply to a request. ENOTCONN when the stream ends first, EINTR when another thread was interrupted."""
        return self.collect(id, self.post(id, payload))

    def post(self, id: int, payload: bytes) -> _Waiter:
        """Sends a request; `collect` gives the reply."""
        waiter = _Waiter()
        with self._lock:
            if self.broken is not None:
                raise _copy(self.broken)
            self._waiting[id] = waiter
        self._outgoing.put(payload)
        return waiter

    def collect(self, id: int, waiter: _Waiter) -> Any:
        try:
            self._enter(waiter)
            if waiter.waits and not waiter.leads:
                waiter.wake.acquire()
            if waiter.leads:
                self._lead(waiter)
        except KernelError:
            raise
        except BaseException:
            self._abandon(id, waiter)
            raise
        if waiter.reply is None:
            raise _copy(self.broken)
        return waiter.reply

    def _enter(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.reply is not None or self.broken is not None:
                return
            waiter.waits = True
            if not self._reading:
                self._reading = waiter.leads = True
            elif self._leader == threading.get_ident():
                # The handler of a host signal, in the thread that waits for an answer: it cannot read another one.
                text = "a handler of a signal calls the kernel in the middle of another call; see Client.on_signal"
                raise KernelError(Errno.EDEADLK, text, CONNECTION)

    def cancel(self, id: int) -> None:
        """Has the kernel end a call that waits."""
        self._outgoing.put(sp.StreamRequest(id=id, cancel=True).SerializeToString())

    def close(self, why: KernelError) -> None:
        with self._lock:
            self._break(why)
        self._outgoing.put(None)
        self._call.cancel()

    def _lead(self, waiter: _Waiter) -> None:
        """Reads replies until the waiter's own has come."""
        self._leader = threading.get_ident()
        try:
            while waiter.reply is None:
                reply = next(self._call)
                if reply.signal:
                    self._signals(reply.signal)
                    continue
                with self._lock:
                    other = self._waiting.pop(reply.id, None)
                    if other is None:
                        continue
                    other.reply = reply
                    if other is waiter:
                        self._leader = 0
                        self._hand_over()
                    elif other.waits:
                        other.wake.release()
        except (StopIteration, grpc.RpcError) as error:
            with self._lock:
                self._break(lost(error))

    def _abandon(self, id: int, waiter: _Waiter) -> None:
        """The waiter was interrupted (KeyboardInterrupt)."""
        with self._lock:
            leads = waiter.leads
            if not leads:
                self._waiting.pop(id, None)
        if leads:
            # A read that was interrupted cannot be taken up again, so the stream ends, and with it what waits on it.
            self.close(KernelError(Errno.EINTR, "interrupted", CONNECTION))
        else:
            self.cancel(id)

    def _hand_over(self) -> None:
        """Makes another waiter the one that reads. With the lock held."""
        heir = next((waiter for waiter in self._waiting.values() if waiter.waits), None)
        self._reading = heir is not None
        if heir is not None:
            heir.leads = True
            heir.wake.release()

    def _break(self, why: KernelError) -> None:
        """Ends all that wait. With the lock held."""
        if self.broken is None:
            self.broken = why
        for waiter in self._waiting.values():
            if waiter.waits and not waiter.leads:
                waiter.wake.release()
        self._waiting.clear()


class SignalStream:
    """A second stream of a session, which carries its signals; a thread reads them."""

    def __init__(
        self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]], signals: Callable[[int], None]
    ) -> None:
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._outgoing.put(sp.StreamRequest(id=1, signals=True).SerializeToString())
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        self._call = method(iter(self._outgoing.get, None), metadata=metadata)
        self._signals = signals
        try:
            next(self._call)  # from now on signals come here
        except (StopIteration, grpc.RpcError) as error:
            raise lost(error) from None
        threading.Thread(target=self._read, name="rump-signals", daemon=True).start()

    def close(self) -> None:
        self._outgoing.put(None)
        self._call.cancel()

    def _read(self) -> None:
        try:
            for reply in self._call:
                if reply.signal:
                    self._signals(reply.signal)
        except grpc.RpcError:
            return  # the connection has ended, as the next call will tell


def lost(error: BaseException) -> KernelError:
    """Why a stream ended."""
    if isinstance(error, grpc.RpcError):
        found = kernel_error(error)
        if found.errno not in (Errno.ENOTCONN, Errno.EINTR):
            return found
        return KernelError(Errno.ENOTCONN, f"the connection to the kernel is lost: {found.text}", CONNECTION)
    return KernelError(Errno.ENOTCONN, "the kernel has ended the connection", CONNECTION)


def _copy(error: KernelError | None) -> KernelError:
    """One exception per thread: tracebacks must not mix."""
    if error is None:
        return KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION)
    return KernelError(error.errno, error.text, error.origin)


class RemoteConnection:
    """A session of a gateway. ``timeout``: seconds after which calls end with ETIMEDOUT."""

    def __init__(
        self,
        url: Url,
        credentials: Credentials,
        comm: str,
        session: tuple[str, int, int] | None = None,
        cookie: bytes = b"",
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._comm = comm
        self._ids = itertools.count(1)
        self._closed = False
        self.timeout: float | None = None
        self._channel = open_channel(url, credentials)
        try:
            token, self._pid, self._max = session or self._attach(cookie)
        except BaseException:
            self._channel.close()
            raise
        self._metadata = (("rump-session", token),)
        self.signals = Signals()
        self._watcher: Any = None
        self._stream = _Stream(self._channel, self._metadata, self.signals)

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def same_host(self) -> bool:
        return self._url.scheme == "unix"

    def _attach(self, cookie: bytes) -> tuple[str, int, int]:
        attach: Method = Method(self._channel, "Attach")
        try:
            reply = attach(
                sp.AttachRequest(comm=self._comm, token=self._credentials.token, cookie=cookie), timeout=ATTACH_S
            )
        except grpc.RpcError as error:
            found = kernel_error(error)
            raise unreachable(self._url, found) if found.errno == Errno.ENOTCONN else found from None
        return reply.session, reply.pid, reply.max_message

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        id = next(self._ids)
        request = sp.StreamRequest(id=id)
        encode_call(Step(op, args), request.calls.add())
        results = self._exchange(id, request).results
        value = decode_result(op, results[0]) if results else NOT_TRIED
        if isinstance(value, KernelError):
            raise value
        if value is NOT_TRIED:
            raise KernelError(Errno.EBADRPC, f"the answer to {op.cname} is empty", CONNECTION)
        return value

    def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        if not steps:
            return []
        id = next(self._ids)
        return decode_results(steps, self._exchange(id, self._request(id, steps, keep_going)).results)

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        if not steps or self.timeout is not None:
            return lambda: self.run(steps, keep_going)
        id, stream = next(self._ids), self._stream
        waiter = stream.post(id, self._payload(self._request(id, steps, keep_going)))

        def collect() -> list[Any]:
            with self._renewing(stream):
                return decode_results(steps, stream.collect(id, waiter).results)

        return collect

    def _request(self, id: int, steps: Sequence[Step], keep_going: bool) -> Any:
        request = sp.StreamRequest(id=id, keep_going=keep_going)
        encode_steps(steps, request.calls)
        return request

    def _payload(self, request: Any) -> bytes:
        payload: bytes = request.SerializeToString()
        if len(payload) > self._max:
            text = f"the message has {len(payload)} bytes, the kernel takes {self._max}"
            raise KernelError(Errno.EMSGSIZE, text, CONNECTION)
        return payload

    def _exchange(self, id: int, request: Any) -> Any:
        payload, stream = self._payload(request), self._stream
        with self._renewing(stream):
            if self.timeout is None:
                return stream.exchange(id, payload)
            return self._exchange_in_time(stream, id, payload, self.timeout)

    @contextlib.contextmanager
    def _renewing(self, stream: _Stream) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not isinstance(error, KernelError) and stream.broken is not None and not self._closed:
                # Interrupted: a new stream at once, since the session does not outlive the last one for long.
                self._stream = _Stream(self._channel, self._metadata, self.signals)
            raise

    def _exchange_in_time(self, stream: _Stream, id: int, payload: bytes, timeout: float) -> Any:
        late = threading.Event()

        def end() -> None:
            late.set()
            stream.cancel(id)

        lost = KernelError(Errno.ENOTCONN, f"the kernel has not answered for {timeout + PATIENCE_S:g} s", CONNECTION)
        timers = [threading.Timer(timeout, end), threading.Timer(timeout + PATIENCE_S, stream.close, [lost])]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            reply = stream.exchange(id, payload)
        finally:
            for timer in timers:
                timer.cancel()
        if late.is_set():
            for result in reply.results:
                if result.error.errno == Errno.EINTR:
                    result.error.errno, result.error.text = Errno.ETIMEDOUT, f"not done within {timeout:g} s"
        return reply

    def _unary(self, name: str, request: Any) -> Any:
        try:
            return Method(self._channel, name)(request, metadata=self._metadata, timeout=self.timeout)
        except grpc.RpcError as error:
            raise kernel_error(error) from None

    def fork(self, flags: int) -> RemoteConnection:
        reply = self._unary("Fork", sp.ForkRequest(flags=flags))
        return RemoteConnection(self._url, self._credentials, self._comm, (reply.session, reply.pid, self._max))

    def prefork(self, flags: int, wait_ms: int) -> Prepared:
        reply = self._unary("Prefork", sp.PreforkRequest(flags=flags, wait_ms=wait_ms))
        return Prepared(reply.cookie, reply.pid, reply.wait_ms / 1000)

    def fork_cancel(self, cookie: bytes) -> None:
        self._unary("ForkCancel", sp.ForkCancelRequest(cookie=cookie))

    def execute(self, comm: str) -> None:
        self._unary("Exec", sp.ExecRequest(comm=comm))
        self._comm = comm

    def watch_signals(self) -> None:
        """A stream for signals alone, and a thread that reads it."""
        if self._watcher is None and not self._closed:
            self._watcher = SignalStream(self._channel, self._metadata, self.signals)

    def status(self) -> Status:
        return status_of(self._unary("Status", sp.StatusRequest()))

    def processes(self) -> list[ProcessStatus]:
        return processes_of(self._unary("Processes", sp.ProcessesRequest()))

    def statistics(self) -> Statistics:
        return statistics_of(self._unary("Statistics", sp.StatisticsRequest()))

    def upload_module(self, wheel: Wheel) -> ModuleStat:
        method = self._channel.stream_unary(
            "/rump.sp.v1.Session/UploadModule",
            request_serializer=sp.UploadModuleRequest.SerializeToString,
            response_deserializer=sp.UploadModuleResponse.FromString,
        )
        try:
            return _dec_ModuleStat(method(upload_requests(wheel), metadata=self._metadata).module)
        except grpc.RpcError as error:
            raise kernel_error(error) from None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._stream.broken is None:
            with contextlib.suppress(grpc.RpcError):
                Method(self._channel, "Detach")(sp.DetachRequest(), metadata=self._metadata, timeout=PATIENCE_S)
        if self._watcher is not None:
            self._watcher.close()
        self._stream.close(KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION))
        self._channel.close()


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

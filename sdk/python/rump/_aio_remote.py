"""Sessions of a gateway for asyncio: as `rump._remote` and `rump._line`, with a task that reads the answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import grpc
import grpc.aio

from rump._aio_wire import FrameWire, GrpcWire, Wire, attach
from rump._connection import ProcessStatus, Statistics, Status, Wheel
from rump._errors import CONNECTION
from rump._grpc import OPTIONS, Attached, Credentials, Method, channel_credentials, frames_of, kernel_error, unreachable
from rump._ledger import Ledger, cancellation
from rump._line import GONE
from rump._memory import Memory, outcomes_of, request_of, shareable, unknown
from rump._remote import (
    ATTACH_S,
    PATIENCE_S,
    attach_request,
    batch_request,
    new_request,
    processes_of,
    statistics_of,
    status_of,
    upload_requests,
)
from rump._retry import Policy, die, log
from rump._signals import Signals, siginfo_of
from rump._wire import copy, lost
from rumpuser.url import Url
from rumpwire import rump_sp_pb2 as sp
from rumpwire.calls import Op
from rumpwire.codec import _dec_ModuleStat
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ModuleStat
from rumpwire.wire import NOT_TRIED, decode_result, decode_results, encode_one


class RemoteConnection:
    """A session of a gateway over one stream after another."""

    def __init__(
        self, url: Url, credentials: Credentials, comm: str, policy: Policy | None = None, cookie: bytes = b""
    ) -> None:
        self._cookie = cookie
        self._url = url
        self._credentials = credentials
        self._comm = comm
        self._policy = policy or Policy()
        self._channel = self._new_channel()
        self.signals = Signals()
        self._renewing = asyncio.Lock()
        self._attached: Attached
        self._ledger: Ledger[asyncio.Future[Any]]
        self._wire: Wire | None
        self._broken: KernelError | None = None
        self._memory: Memory | None = None
        self._told = False

    @property
    def pid(self) -> int:
        return self._attached.pid

    @property
    def same_host(self) -> bool:
        return self._url.scheme == "unix"

    def _new_channel(self) -> grpc.aio.Channel:
        if self._url.secure:
            return grpc.aio.secure_channel(self._url.target, channel_credentials(self._credentials), OPTIONS)
        return grpc.aio.insecure_channel(self._url.target, OPTIONS)

    async def _renew_channel(self) -> None:
        old, self._channel = self._channel, self._new_channel()
        await old.close()

    # -- sessions and streams

    async def open(self, session: Attached | None = None) -> Self:
        """Attaches, or takes a session that is there, and starts the stream."""
        try:
            self._attached = session or await self._attach()
        except BaseException:
            await self._channel.close()
            raise
        self._cookie = b""
        self._ledger = Ledger(self._attached.limit)
        if self._memory is not None:
            self._memory.close()
        path = self._attached.path(self._url)
        self._memory = Memory(path, self._attached.token) if path else None
        if self._memory is not None:
            self._ledger.plain = self._memory.plain
        self._broken, self._told = None, False
        self._metadata = (("rump-session", self._attached.token),)
        self._wire = await self._new_wire()
        self._reader = asyncio.get_running_loop().create_task(self._keep(self._wire))
        return self

    async def _attach(self) -> Attached:
        request = attach_request(self._comm, self._credentials, self._policy, self._cookie)
        waits = self._policy.waits()
        while True:
            try:
                reply = await self._ask(request)
            except grpc.RpcError as error:
                found = kernel_error(error)
                if found.errno != Errno.ENOTCONN or found.origin != CONNECTION:
                    raise found from None
                why = await asyncio.to_thread(unreachable, self._url, found)
                wait = next(waits, None)
                if wait is None or why.errno != Errno.ENOTCONN:
                    raise why from None
                await asyncio.sleep(wait)
                await self._renew_channel()
            else:
                return Attached(reply.session, reply.pid, reply.max_message, reply.frames)

    async def _ask(self, request: Any) -> Any:
        """Attaches where the kernel is told who we are, else by gRPC."""
        path = frames_of(self._url)
        if path:
            with contextlib.suppress(OSError):
                return await attach(path, request, ATTACH_S)
        return await Method(self._channel, "Attach")(request, timeout=ATTACH_S)

    async def _new_wire(self) -> Wire:
        """A stream by the quickest way that is there."""
        path = self._attached.path(self._url)
        if self._memory is not None:
            self._memory.forget()
        if path:
            with contextlib.suppress(OSError):
                return await FrameWire.connect(path, self._attached.token)
        return GrpcWire(self._channel, self._metadata)

    async def _keep(self, wire: Wire) -> None:
        """Reads answers over one stream after another, until there are to be no more."""
        try:
            why = await wire.serve(self._deliver)
            while why.errno == Errno.ENOTCONN and self._policy.tries:
                self._wire = None
                log.warning("connection to %s lost (%s); trying again", self._url, why.text)
                found = await self._mend(why)
                if isinstance(found, KernelError):
                    why = found
                    break
                log.warning("connection to %s is back", self._url)
                why = await found.serve(self._deliver)
            if self._policy.die:
                log.error("connection to %s lost (%s); this process ends", self._url, why.text)
                die()
            self._break(why)
        except asyncio.CancelledError:
            self._break(KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION))
            raise

    async def _mend(self, why: KernelError) -> Wire | KernelError:
        """A new stream that takes up where the old one was cut, or why there is none."""
        for wait in self._policy.waits():
            await asyncio.sleep(wait)
            await self._renew_channel()
            wire = await self._new_wire()
            first, told = self._ledger.resumption()
            try:
                await wire.resume(first)
            except KernelError as error:
                why = error
                if why.errno in GONE:
                    text = f"{why.text}; whether calls that had no answer were done is not known"
                    return KernelError(Errno.ESTALE, text, CONNECTION)
                if why.errno != Errno.ENOTCONN:
                    return why
            else:
                self._send_again(wire, told)
                return wire
        return why

    def _send_again(self, wire: Wire, told: Sequence[int]) -> None:
        """All that is waited for goes into the new stream; what of it was given up meanwhile is ended there."""
        for number in told:
            if number not in self._ledger.waiting:
                wire.send(cancellation(number))
        for payload in self._ledger.unanswered():
            wire.send(payload)
        self._wire = wire

    def _send(self, payload: bytes) -> None:
        """While there is no stream nothing is sent: the next one gets all that is waited for."""
        if self._wire is not None:
            self._wire.send(payload)

    def _deliver(self, reply: Any) -> None:
        if reply.signal:
            self.signals(siginfo_of(reply))
        elif reply.busy:
            for payload in self._ledger.again(reply.id):
                self._send(payload)
        elif (waiter := self._ledger.settle(reply.id)) is not None and not waiter.done():
            waiter.set_result(reply)

    def _break(self, why: KernelError) -> None:
        self._broken = self._broken or why
        self._told = bool(self._ledger.waiting)
        for waiter in self._ledger.clear():
            if not waiter.done():
                waiter.set_exception(copy(why))

    async def _ready(self) -> None:
        """Raises why there is no session. After its end, once that was told, there is another by the policy."""
        broken = self._broken
        if broken is None:
            return
        if not self._told or broken.errno not in GONE or not self._policy.tries:
            self._told = True
            raise copy(broken)
        async with self._renewing:
            if self._broken is not broken:  # another task was here first
                return
            await self._renew_channel()
            await self.open(await self._attach())
            log.warning("attached to %s anew, as process %d", self._url, self.pid)

    # -- calls

    async def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        request = new_request()
        encode_one(op, args, request.calls.add())
        results = (await self._exchange(request)).results
        value = decode_result(op, results[0]) if results else NOT_TRIED
        if isinstance(value, KernelError):
            raise value
        if value is NOT_TRIED:
            raise KernelError(Errno.EBADRPC, f"the answer to {op.cname} is empty", CONNECTION)
        return value

    async def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        if not steps:
            return []
        memory, long = self._memory, shareable(self._memory, steps)
        if memory is not None and long is not None:
            outcomes = await self._lent(memory, long, keep_going=keep_going)
            if outcomes is not None:
                return outcomes
        return decode_results(steps, (await self._exchange(batch_request(steps, keep_going))).results)

    async def _lent(self, memory: Memory, steps: Sequence[Step], *, keep_going: bool) -> list[Any] | None:
        """As `rump._remote.RemoteConnection._lent`."""
        loan = memory.lend(steps) if memory.known else await asyncio.to_thread(memory.lend, steps)
        if loan is None:
            return None
        slot, steps = loan
        found = outcomes_of(steps, await self._exchange(request_of(steps, new_request(keep_going=keep_going))))
        memory.give_back(slot)
        if unknown(found):
            memory.forget()
            return None
        return found

    async def _exchange(self, request: Any) -> Any:
        """The reply. When the task is cancelled the kernel ends the call."""
        if self._broken is not None:
            await self._ready()
        ledger, waiter = self._ledger, asyncio.get_running_loop().create_future()
        number, payload = ledger.enter(request, waiter)
        self._send(payload)
        try:
            return await waiter
        except asyncio.CancelledError:
            if self._ledger.forget(number):
                self._send(cancellation(number))
            raise

    async def _unary(self, name: str, request: Any) -> Any:
        return await self._again_unary(lambda: Method(self._channel, name)(request, metadata=self._metadata))

    async def _once(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Makes a unary call under an id, which the gateway does once."""
        await self._ready()
        number, metadata = self._ledger.reserve(asyncio.get_running_loop().create_future())
        try:
            return await self._again_unary(lambda: call(self._metadata + metadata))
        finally:
            self._ledger.settle(number)

    async def _again_unary(self, call: Callable[[], Awaitable[Any]]) -> Any:
        for wait in itertools.chain((0.0,), self._policy.waits()):
            await asyncio.sleep(wait)
            try:
                return await call()
            except (grpc.RpcError, grpc.aio.UsageError) as error:
                found = lost(error)  # a channel that is being replaced says that it is closed
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                found = copy(None)  # it was replaced: what was under way on it ends so
            if found.errno != Errno.ENOTCONN or found.origin != CONNECTION:
                break
            if self._policy.tries:
                await self._exchange(sp.StreamRequest())
        raise found

    async def fork(self, flags: int) -> RemoteConnection:
        request = sp.ForkRequest(flags=flags)
        reply = await self._once(lambda metadata: Method(self._channel, "Fork")(request, metadata=metadata))
        child = RemoteConnection(self._url, self._credentials, self._comm, self._policy)
        return await child.open(self._attached._replace(token=reply.session, pid=reply.pid))

    async def execute(self, comm: str) -> None:
        await self._unary("Exec", sp.ExecRequest(comm=comm))
        self._comm = comm

    async def status(self) -> Status:
        return status_of(await self._unary("Status", sp.StatusRequest()))

    async def processes(self) -> list[ProcessStatus]:
        return processes_of(await self._unary("Processes", sp.ProcessesRequest()))

    async def statistics(self) -> Statistics:
        return statistics_of(await self._unary("Statistics", sp.StatisticsRequest()))

    async def upload_module(self, wheel: Wheel) -> ModuleStat:
        def upload(metadata: Any) -> Awaitable[Any]:
            method: Any = self._channel.stream_unary(
                "/rump.sp.v1.Session/UploadModule",
                request_serializer=sp.UploadModuleRequest.SerializeToString,
                response_deserializer=sp.UploadModuleResponse.FromString,
            )
            reply: Awaitable[Any] = method(upload_requests(wheel), metadata=metadata)
            return reply

        return _dec_ModuleStat((await self._once(upload)).module)

    async def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
        if not (self._reader.done() and self._broken is not None):
            with contextlib.suppress(KernelError, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._unary("Detach", sp.DetachRequest())
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, grpc.RpcError):
                await self._reader
        await self._channel.close()

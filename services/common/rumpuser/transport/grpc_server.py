"""Serves a component as ``rump.sp.v1.Component`` over gRPC.

One task reads a stream; a run that ends at once is answered from there, one that waits is answered from the callback
that ends it. gRPC allows one write at a time on a stream, so answers go through an `Outbox`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
from collections import deque
from collections.abc import Container
from types import CoroutineType
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from rumpuser.aio import arrival
from rumpuser.component import Component, Context, Entry
from rumpuser.guard import Guarded
from rumpuser.leases import WISH
from rumpuser.pending import Pending, Running, start, value_of
from rumpuser.records import NoRecords, Records
from rumpuser.run import arguments, go_on, run_steps
from rumpuser.transport import channel
from rumpuser.transport.halves import begun, interrupted
from rumpuser.transport.links import Links
from rumpuser.transport.memory import Pool, borrowed
from rumpuser.transport.names import MAX_MESSAGE, TOKEN_KEY, Tls
from rumpuser.transport.sharing import MemoryServer, Told
from rumpuser.transport.wire import (
    ContextCache,
    cancellation,
    decode_calls,
    encode_failure,
    encode_outcome,
    encode_outcomes,
)
from rumpuser.url import Url
from rumpuser.usage import usage
from rumpwire import rump_bus_pb2 as pb
from rumpwire.codec import _enc_ModuleStat
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.wire import decode_bus_call

log = logging.getLogger(__name__)

SERVICE = "rump.sp.v1.Component"
OUTBOX = 4 << 20
"""Bytes of answers that may wait for a slow reader before no more requests are read from it."""
MAX_WAITING = 1 << 16
"""Runs of one stream that may wait at a time."""


def _refusal(id: int, waiting: Container[int]) -> KernelError:
    if id in waiting:
        return KernelError(Errno.EBADRPC, f"a run with the id {id} is under way")
    return KernelError(Errno.EAGAIN, f"{MAX_WAITING} runs wait already")


def _stays(steps: list[Step]) -> bool:
    """Whether a run is about this process, and not for its successor."""
    return len(steps) == 1 and steps[0].op.name in ("hand_over", "ping")


async def _none_after(started: Pending[None]) -> None:
    await started


class Outbox:
    """The answers on their way out of one stream."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._writing = False
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def put(self, data: bytes) -> None:
        """Sends without waiting for it."""
        if self.closed:
            return
        self._waiting.append(data)
        self._size += len(data)
        if not self._writing and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_later())

    async def send(self, data: bytes) -> None:
        """Sends, and waits where the reader is slow."""
        if self._writing or self._task is not None:
            self.put(data)
            while self._size > OUTBOX and self._task is not None:
                await asyncio.wait((self._task,))
            return
        self._writing = True
        try:
            await self._context.write(data)
        except Exception as error:  # noqa: BLE001  gRPC raises its own kinds when the peer is gone
            log.debug("answer lost, the peer is gone: %s", error)
            self.closed = True
        finally:
            self._writing = False
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_later())

    @property
    def full(self) -> bool:
        return self._size > OUTBOX

    async def flushed(self) -> None:
        """Waits until all answers are sent."""
        while self._task is not None:
            await asyncio.wait((self._task,))

    async def _write_later(self) -> None:
        try:
            while self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data)
                await self._context.write(data)
        except Exception as error:  # noqa: BLE001  as above
            log.debug("answers lost, the peer is gone: %s", error)
            self._waiting.clear()
            self._size = 0
        finally:
            self._task = None


def _not_told(pool: Pool, *, on: bool) -> None:
    """Runs name their memory by its number."""


class ComponentService:
    """The methods of the service; messages are bytes here."""

    def __init__(
        self, component: Component, token: str = "", max_message: int = MAX_MESSAGE, records: Records | None = None
    ) -> None:
        self._guarded = Guarded(component)
        self._component = component
        self._token = token.encode()
        self._contexts = ContextCache()
        self.max_message = max_message
        self.started: Pending[None] = Pending()
        """Finished by the chassis when the component's start is done; `describe` and ``ping`` wait for it."""
        self.waits = False
        """Whether calls wait until then: a successor is asked before it knows of its peers."""
        self.links = Links(records or NoRecords())
        self.pools: dict[int, Pool] = {}
        """Memory that is shared with callers on this host, by number."""
        self.under_way: dict[Running[list[Any]], list[Step]] = {}
        self._moved: set[Running[list[Any]]] = set()
        component.table["ping"] = Entry(self._ping)
        component.table["run_seen"] = Entry(lambda ctx, link: self.links.last(link))

    def _ping(self, ctx: Context) -> Any:
        return None if self.started.done else _none_after(self.started)

    @property
    def moving(self) -> bool:
        """Whether calls are sent on to a successor."""
        return self._guarded.moving

    def move(self) -> None:
        """From now on calls are for a successor; those that wait end, to be made again there."""
        self._guarded.moving = True
        for running, steps in list(self.under_way.items()):
            if not _stays(steps):
                self._moved.add(running)
                running.cancel()

    def stay(self) -> None:
        """Nobody succeeds: calls are taken again."""
        self._guarded.moving = False

    def waiting(self) -> list[str]:
        """Calls under way that could not be ended."""
        return [step.op.cname for steps in self.under_way.values() if not _stays(steps) for step in steps]

    def handler(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Describe": grpc.unary_unary_rpc_method_handler(self.describe),
                "Run": grpc.unary_unary_rpc_method_handler(self.run),
                "Serve": grpc.stream_stream_rpc_method_handler(self.serve),
            },
        )

    async def describe(self, _: bytes, context: Any) -> bytes:
        """What the component is, as soon as it has started."""
        await self._admit(context)
        await arrival(self.started)
        response = pb.DescribeResponse(name=self._component.name, pid=os.getpid(), calls=sorted(self._component.table))
        for module in self._component.loader.active():
            _enc_ModuleStat(module, response.modules.add())
        response.resident_bytes, response.cpu_nanoseconds = usage()
        return response.SerializeToString()

    async def run(self, data: bytes, context: Any) -> bytes:
        await self._admit(context)
        begun = self.begin(await self._parse(data, context))
        if isinstance(begun, bytes):
            return begun
        run_id, steps, running = begun
        try:
            await arrival(running.outcome)
        except asyncio.CancelledError:
            running.cancel()
            raise
        except Exception:  # noqa: BLE001, S110  _answer tells of it
            pass
        return self.answer(run_id, steps, running)

    async def serve(self, _: Any, context: Any) -> None:
        """Reads runs until the stream ends; those that still wait then end with EINTR."""
        await self._admit(context)
        outbox = Outbox(context)
        waiting: dict[int, Running[list[Any]]] = {}
        try:
            while (data := await context.read()) is not grpc.aio.EOF:
                request = await self._parse(data, context)
                if request.cancel:
                    if running := waiting.get(request.id):
                        running.cancel(cancellation(request))
                    continue
                if request.id in waiting or len(waiting) >= MAX_WAITING:
                    await outbox.send(encode_failure(request.id, _refusal(request.id, waiting)))
                    continue
                begun = self.begin(request)
                if isinstance(begun, bytes):
                    await outbox.send(begun)
                else:
                    self._await(begun, waiting, outbox)
        finally:
            outbox.closed = True
            for running in list(waiting.values()):
                running.cancel()

    def _await(
        self, begun: tuple[int, list[Step], Running[list[Any]]], waiting: dict[int, Running[list[Any]]], outbox: Outbox
    ) -> None:
        run_id, steps, running = begun
        waiting[run_id] = running

        def answer() -> None:
            del waiting[run_id]
            outbox.put(self.answer(run_id, steps, running))

        running.outcome.when_done(answer)

    @property
    def _early(self) -> bool:
        """Whether calls have to wait until the component has started."""
        return self.waits and not self.started.done

    def take(self, data: bytes) -> tuple[Any, Context]:
        """A RunRequest and its context, whose context the request may not have. EBADRPC when it is none."""
        contexts = self._contexts
        try:
            ctx, rest = contexts.split(data)
            request = pb.RunRequest.FromString(rest)
            if ctx is not None and not request.HasField("context"):
                return request, ctx
            request = pb.RunRequest.FromString(data)
        except DecodeError:
            raise KernelError(Errno.EBADRPC, "not a RunRequest") from None
        return request, contexts.learn(data, request.context)

    def begin(self, request: Any, ctx: Context | None = None) -> bytes | tuple[int, list[Step], Running[list[Any]]]:
        """Runs the calls as far as they go without waiting: the answer, or what is on its way."""
        try:
            calls = request.calls
            if len(calls) == 1 and not request.shared and not self.moving and not self._early:
                return self._one(request.id, calls[0], ctx or self._contexts.decode(request.context))
            steps = decode_calls(request)
            if request.shared:
                steps = borrowed(self.pools.get(request.memory), request.shared, steps, copy=True)
            if self.moving and not _stays(steps):
                return encode_outcomes(request.id, steps, (), self.max_message, moved=True)
            ctx = ctx or self._contexts.decode(request.context)
            outcomes = start(self._run(ctx, steps, request.keep_going))
            if isinstance(outcomes, Running):
                self._follow(outcomes, steps)
                return request.id, steps, outcomes
            return encode_outcomes(request.id, steps, outcomes, self.max_message)
        except Exception as error:  # noqa: BLE001  whatever a message brings about, the component goes on
            return encode_failure(request.id, self._failure(error))

    def _one(self, id: int, message: Any, ctx: Context) -> bytes | tuple[int, list[Step], Running[list[Any]]]:
        """The same for a run of one call, which most are."""
        step = decode_bus_call(message)
        try:
            value = self._guarded.call(ctx, step.op, arguments((), (), step) if step.references else step.args)
        except KernelError as error:
            value = error
        if type(value) is CoroutineType:
            outcomes: Any = start(go_on(self._guarded, ctx, (step,), True, [], value))
            if isinstance(outcomes, Running):
                steps = [step]
                self._follow(outcomes, steps)
                return id, steps, outcomes
            value = outcomes[0]
        return encode_outcome(id, step, value, self.max_message)

    def _run(self, ctx: Context, steps: list[Step], keep_going: bool) -> Any:
        if self._early and not _stays(steps):
            return self._when_started(ctx, steps, keep_going)
        return run_steps(self._guarded, ctx, steps, keep_going)

    async def _when_started(self, ctx: Context, steps: list[Step], keep_going: bool) -> list[Any]:
        await self.started
        outcomes: list[Any] = await value_of(run_steps(self._guarded, ctx, steps, keep_going))
        return outcomes

    def _follow(self, running: Running[list[Any]], steps: list[Step]) -> None:
        self.under_way[running] = steps
        running.outcome.when_done(lambda: self.under_way.__delitem__(running))

    def answer(self, id: int, steps: list[Step], running: Running[list[Any]]) -> bytes:
        try:
            moved = running in self._moved
            self._moved.discard(running)
            outcomes = running.outcome.result()
            if moved and interrupted(outcomes) and not begun(steps[len(outcomes) - 1]):
                outcomes = outcomes[:-1]
            return encode_outcomes(id, steps, outcomes, self.max_message, moved=moved)
        except Exception as error:  # noqa: BLE001  as above
            return encode_failure(id, self._failure(error))

    def _failure(self, error: Exception) -> KernelError:
        if isinstance(error, KernelError):
            error.origin = error.origin or self._component.name
            return error
        log.error("internal error", exc_info=error)
        return KernelError(Errno.EIO, f"internal error: {type(error).__name__}", self._component.name)

    def admits(self, token: bytes) -> bool:
        """Whether this is the token of the kernel; any is where it has none."""
        return not self._token or hmac.compare_digest(token, self._token)

    def shares(self, token: bytes, _: Any) -> Told:
        """See `rumpuser.transport.sharing.Welcome`. EAUTH."""
        known, wish, _ = token.partition(WISH)
        if not self.admits(known):
            raise KernelError(Errno.EAUTH, "the token of this kernel is needed")
        return self._component.count if wish else _not_told

    async def _admit(self, context: Any) -> None:
        """UNAUTHENTICATED unless the caller is a component of this kernel."""
        given = dict(context.invocation_metadata() or ()).get(TOKEN_KEY, "")
        if not self.admits(given.encode() if isinstance(given, str) else given):
            log.warning("refused %s: wrong token", context.peer())
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token of this kernel is needed")

    async def _parse(self, data: bytes, context: Any) -> Any:
        try:
            return pb.RunRequest.FromString(data)
        except DecodeError:
            log.warning("refused %s: not a RunRequest", context.peer())
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not a RunRequest")


class ComponentServer:
    """A gRPC server with one component in it."""

    def __init__(
        self,
        component: Component,
        url: Url,
        *,
        token: str = "",
        tls: Tls | None = None,
        max_message: int = MAX_MESSAGE,
        records: Records | None = None,
    ) -> None:
        self.service = ComponentService(component, token, max_message, records)
        self.url = url
        self._name = component.name
        self._tls = tls or Tls()
        self._server = grpc.aio.server(options=[*channel.options(max_message), ("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((self.service.handler(),))
        self._health: Any = None
        self._frames: Any = None
        self._memory: MemoryServer | None = None

    async def start(self) -> None:
        """Binds and serves; ``url`` has the port afterwards. EADDRINUSE, EACCES..."""
        self._offer_extras()
        self.url = channel.listen(self._server, self.url, self._tls)
        await self._server.start()
        if self.url.scheme == "unix":
            from rumpuser.transport.frames import FrameServer, callers

            self._frames = FrameServer(self.url, callers(self.service))
            await self._frames.start()
            self._memory = MemoryServer(self.url, self.service.shares)
            self._memory.start()
            self.service.pools = self._memory.pools

    async def set_serving(self, *, serving: bool) -> None:
        """What the health service says of the component."""
        for name in ("", SERVICE, self._name):
            await self._health.set(name, 1 if serving else 2)  # HealthCheckResponse.SERVING, NOT_SERVING

    async def stop(self, grace: float = 1.0) -> None:
        await self._server.stop(grace)
        if self._frames is not None:
            await self._frames.stop()
        if self._memory is not None:
            self._memory.stop()
        channel.unlink(self.url)

    def _offer_extras(self) -> None:
        """The health and the reflection service."""
        from grpc_health.v1 import health, health_pb2_grpc
        from grpc_reflection.v1alpha import reflection

        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME), self._server)

"""A component behind a transport: runs go out as messages with an id, answers come back in any order.

`call` and `run` await nothing but `Pending`, so components may use them. A transport says how bytes are sent (`_post`)
and hands in what arrives (`_arrived`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from rumpuser.aio import arrival
from rumpuser.component import KERNEL, Context, Peer
from rumpuser.pending import Call, Pending, value_of
from rumpuser.transport.gone import Gone, harmless, unknown
from rumpuser.transport.halves import finish, unfinished
from rumpuser.transport.memory import Pool, pool_in
from rumpuser.transport.names import MAX_MESSAGE, TOKEN_KEY, Tls
from rumpuser.transport.wire import (
    ContextCache,
    decode_outcome,
    decode_outcomes,
    encode_cancel,
    encode_passed,
    encode_run,
)
from rumpuser.url import Url
from rumpwire import calls
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

RETIRE_S = 1.0
"""How long a connection to who is gone stays for answers."""


class RemotePeer:
    """A component at a URL."""

    def __init__(
        self,
        url: Url,
        name: str,
        *,
        token: str = "",
        tls: Tls | None = None,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        self.url = url
        self.name = name
        self._token = token
        self._tls = tls or Tls()
        self._max_message = max_message
        self._contexts = ContextCache()
        self._last_id = 0
        self._in_flight: dict[int, Pending[Any]] = {}
        self.next: Callable[[RemotePeer], Call[Peer]] | None = None
        """Waits for the successor of a component that ended. Without it calls under way fail with ENOTCONN."""

    @property
    def in_flight(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._in_flight)

    def _post(self, data: bytes) -> None:
        """Sends a message, connecting first where that is needed. Never waits."""
        raise NotImplementedError

    def _number(self, pool: Pool) -> int:
        """By what the component knows memory that is shared with it; 0: it does not, contents go in the message."""
        return 0

    async def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """The value of one call. ENOTCONN when the component is gone, or goes before it answers.

        Where there will be a successor, that one does the call: if it may be repeated, or is known not to have been
        begun. Else ENOLINK.
        """
        step = Step(op, args)
        found: Any
        try:
            found = await self._exchange(ctx, (step,), keep_going=False)
            if not found.moved:
                return decode_outcome(step, found)
        except Gone as gone:
            found = gone
        return await self.conclude(ctx, step, found)

    async def conclude(self, ctx: Context, step: Step, found: Any, interrupt: KernelError | None = None) -> Any:
        """The value of a call, of which this was found: the RunResponse, or why there is none.

        ``interrupt``: what its caller was interrupted by meanwhile.
        """
        if isinstance(found, Gone):
            successor = await self._successor(found, (step,))
            return await value_of(successor.call(ctx, step.op, step.args))
        if isinstance(found, BaseException):
            raise found
        if not found.moved:
            return decode_outcome(step, found)
        if interrupt is not None and not found.results:
            raise interrupt
        outcome = (await self._rest(ctx, (step,), found, keep_going=False))[0]
        if isinstance(outcome, KernelError):
            raise outcome
        return outcome

    def pass_on(self, ctx: Context, call: bytes, answer: Pending[Any]) -> int:
        """Sends a run of one call that is a message already, a ``Call``: the id of the run.

        ``answer`` gets the RunResponse, or what else `conclude` takes, which makes the value of either. EMSGSIZE.
        """
        self._last_id = run_id = self._last_id + 1
        data = encode_passed(run_id, self._contexts.encode(ctx), call)
        if len(data) > self._max_message:
            raise KernelError(Errno.EMSGSIZE, f"{len(data)} bytes; a message to {self.name} holds {self._max_message}")
        self._in_flight[run_id] = answer
        self._post(data)
        return run_id

    def cancel(self, run_id: int, why: KernelError) -> None:
        """Ends a run that was passed on, if it waits; its answer tells."""
        if run_id in self._in_flight:
            self._post(encode_cancel(run_id, why.errno))

    async def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        try:
            response = await self._exchange(ctx, steps, keep_going=keep_going)
            if not response.moved:
                return decode_outcomes(steps, response)
        except Gone as lost:
            gone = lost
        else:
            return await self._rest(ctx, steps, response, keep_going=keep_going)
        successor = await self._successor(gone, steps)
        return await value_of(successor.run(ctx, steps, keep_going))

    async def _rest(self, ctx: Context, steps: Sequence[Step], response: Any, *, keep_going: bool) -> list[Any]:
        """All outcomes of a run whose component is being replaced: what is left is the successor's to do."""
        outcomes = decode_outcomes(steps, response)
        if len(outcomes) == len(steps) and unfinished(steps, outcomes) is None:
            return outcomes
        if self.next is None:
            raise KernelError(Errno.ENOTCONN, f"the {self.name} component is being replaced")
        return await finish(await self.next(self), ctx, steps, outcomes, keep_going)

    async def _successor(self, gone: Gone, steps: Sequence[Step]) -> Peer:
        """Who is to do a call again, as soon as it serves."""
        if self.next is None:
            raise gone
        peer = await self.next(self)
        if gone.link is not None and not harmless(steps):
            last = await value_of(peer.call(KERNEL, calls.RUN_SEEN, (gone.link,))) if gone.link else gone.run
            if gone.run <= last:
                raise unknown(gone, steps)
        if gone.interrupt is not None:
            raise gone.interrupt
        return peer

    async def started(self) -> None:
        """Waits until the component has started, which it does after it joined. For asyncio, not for handlers."""
        await self.describe()

    async def describe(self) -> Any:
        """What the component is (DescribeResponse), when it has started. For asyncio."""
        from rumpuser.transport import channel

        metadata = ((TOKEN_KEY, self._token),) if self._token else ()
        link = channel.connect(self.url, self._tls, self._max_message)
        try:
            describe: Any = link.unary_unary("/rump.sp.v1.Component/Describe")
            return pb.DescribeResponse.FromString(await describe(b"", metadata=metadata))
        finally:
            await link.close()

    async def _exchange(self, ctx: Context, steps: Sequence[Step], *, keep_going: bool) -> Any:
        """Sends a run and awaits the message that answers it.

        When the caller is interrupted the run is cancelled over there, and its answer awaited: it tells whether the
        call was ended or had been done already.
        """
        self._last_id = run_id = self._last_id + 1
        pool = pool_in(steps)
        number = 0 if pool is None else self._number(pool)
        data = encode_run(run_id, self._contexts.encode(ctx), steps, keep_going, pool if number else None, number)
        if len(data) > self._max_message:
            raise KernelError(Errno.EMSGSIZE, f"{len(data)} bytes; a message to {self.name} holds {self._max_message}")
        answer: Pending[Any] = Pending()
        self._in_flight[run_id] = answer
        self._post(data)
        try:
            return await answer
        except KernelError as interrupt:
            if answer.done:
                raise
            self._post(encode_cancel(run_id, interrupt.errno))
            answer.interruptible = False
            try:
                response = await answer
                if response.moved and not response.results:
                    raise interrupt
                return response
            except Gone as gone:
                gone.interrupt = interrupt
                raise
        except BaseException:
            if not answer.done:
                self._post(encode_cancel(run_id))
            raise
        finally:
            self._in_flight.pop(run_id, None)

    def _arrived(self, data: bytes) -> None:
        """An answer. EBADRPC when it is none."""
        try:
            response = pb.RunResponse.FromString(data)
        except DecodeError:
            raise KernelError(Errno.EBADRPC, f"the {self.name} component sent something that is no answer") from None
        answer = self._in_flight.pop(response.id, None)
        if answer is not None:
            answer.resolve(response)

    async def retire(self) -> None:
        """Closes it when what is in flight has its answer: those of a component that was replaced are on their way."""
        answers = [arrival(answer) for answer in self._in_flight.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_S):
                await asyncio.gather(*answers, return_exceptions=True)
        await self.close()

    async def close(self) -> None:
        raise NotImplementedError

    def _fail(self, error: KernelError) -> None:
        """Fails all that is in flight; each gets an exception of its own, as they are raised at different places."""
        in_flight, self._in_flight = self._in_flight, {}
        for answer in in_flight.values():
            answer.fail(KernelError(error.errno, error.text))

    def _gone(self, why: str, link: str | None) -> None:
        """The same when the component is gone."""
        in_flight, self._in_flight = self._in_flight, {}
        for run_id, answer in in_flight.items():
            answer.fail(Gone(self.name, why, link, run_id))

"""Calls that a component had done in part when it was replaced, which the successor brings to their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from rumpuser.component import Context, Peer
from rumpuser.pending import value_of
from rumpuser.run import arguments, remaining
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Msghdr


class Half(Protocol):
    """The rest of a call."""

    async def finish(self, peer: Peer, ctx: Context, outcome: Any) -> Any:
        """Its outcome after all, in the place of the one when it was ended. Raises what it fails with."""
        ...


class Rest:
    """What is left of a write."""

    def __init__(self, step: Step) -> None:
        self._step = step

    async def finish(self, peer: Peer, ctx: Context, outcome: int) -> int:
        """How many bytes were written after all; what fails after some were is for the next call to find."""
        handle, data, *others = self._step.args
        left = OUTPUT[self._step.op.name][1](data, outcome)
        try:
            more: int = await value_of(peer.call(ctx, self._step.op, (handle, left, *others)))
        except KernelError:
            return outcome
        return outcome + more


class Connecting:
    """A connection that was being made. It goes on being made at the successor, where connect alone would say so."""

    def __init__(self, step: Step) -> None:
        self._step = step

    async def finish(self, peer: Peer, ctx: Context, outcome: Any) -> None:
        handle = self._step.args[0]
        while True:
            try:
                await value_of(peer.call(ctx, self._step.op, self._step.args))
            except KernelError as error:
                if error.errno == Errno.EISCONN:
                    return
                if error.errno != Errno.EALREADY:
                    raise
                await value_of(peer.call(ctx, calls.CONNECT_WAIT, (handle,)))
            else:
                return


def _rest_of_buffers(buffers: Sequence[Any], done: int) -> list[Any]:
    return [memoryview(b"".join(buffers))[done:]]


def _rest_of_message(message: Msghdr, done: int) -> Msghdr:
    """Control data went with the first byte."""
    return message._replace(data=message.data[done:], control=[])


OUTPUT: dict[str, tuple[Callable[[Any], int], Callable[[Any, int], Any]]] = {
    calls.WRITE.name: (len, lambda data, done: memoryview(data)[done:]),
    calls.SENDTO.name: (len, lambda data, done: memoryview(data)[done:]),
    calls.WRITEV.name: (lambda buffers: sum(map(len, buffers)), _rest_of_buffers),
    calls.SENDMSG.name: (lambda message: len(message.data) if message else 0, _rest_of_message),
}
"""Calls whose second argument is what they write: its length, and what is left of it. What has a caller that waits is
a stream."""


def interrupted(outcomes: Sequence[Any]) -> bool:
    """Whether the last call was broken off."""
    return bool(outcomes) and isinstance(outcomes[-1], KernelError) and outcomes[-1].errno == Errno.EINTR


async def finish(peer: Peer, ctx: Context, steps: Sequence[Step], outcomes: list[Any], keep_going: bool) -> list[Any]:
    """All outcomes of a run of which these were got before it was broken off; a peer does what is left."""
    more = unfinished(steps, outcomes)
    if more is not None:
        try:
            outcomes[-1] = await more.finish(peer, ctx, outcomes[-1])
        except KernelError as error:
            outcomes[-1] = error
    if outcomes and isinstance(outcomes[-1], KernelError) and not keep_going:
        return outcomes
    rest = remaining(steps, outcomes)
    if rest:
        outcomes += await value_of(peer.run(ctx, rest, keep_going))
    return outcomes


def begun(step: Step) -> bool:
    """Whether a call that was ended, with EINTR, has begun what a successor goes on with."""
    return step.op.name == calls.CONNECT.name


def unfinished(steps: Sequence[Step], outcomes: Sequence[Any]) -> Half | None:
    """The rest of the call that was ended last, when it had begun to do what cannot be done again."""
    if not outcomes:
        return None
    last, outcome = len(outcomes) - 1, outcomes[-1]
    op = steps[last].op
    if isinstance(outcome, KernelError):
        if not begun(steps[last]) or outcome.errno != Errno.EINTR:
            return None
        return Connecting(Step(op, arguments(steps, outcomes[:last], steps[last])))
    if op.name not in OUTPUT or not isinstance(outcome, int):
        return None
    args = arguments(steps, outcomes[:last], steps[last])
    return Rest(Step(op, args)) if 0 < outcome < OUTPUT[op.name][0](args[1]) else None

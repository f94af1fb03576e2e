"""Calls that a component had done in part when it was replaced, which the successor brings to their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumpuser.component import Context, Peer
from rumpuser.pending import value_of
from rumpwire import calls
from rumpwire.errno import KernelError
from rumpwire.step import Step

OUTPUT = {calls.WRITE.name, calls.SENDTO.name}
"""Their second argument is what they write. What has a caller that waits is a stream."""


class Rest:
    """What is left of a write."""

    def __init__(self, step: Step) -> None:
        self._step = step

    async def finish(self, peer: Peer, ctx: Context, done: int) -> int:
        """How many bytes were written after all; what fails after some were is for the next call to find."""
        handle, data, *others = self._step.args
        try:
            more: int = await value_of(peer.call(ctx, self._step.op, (handle, memoryview(data)[done:], *others)))
        except KernelError:
            return done
        return done + more


def unfinished(steps: Sequence[Step], outcomes: Sequence[Any]) -> Rest | None:
    """The rest of the call that was ended last, when it had begun to give its data away."""
    if not outcomes:
        return None
    step, outcome = steps[len(outcomes) - 1], outcomes[-1]
    if step.op.name in OUTPUT and isinstance(outcome, int) and 0 < outcome < len(step.args[1]):
        return Rest(step)
    return None

"""Calls that were ended while the gateway was replaced, and go on at the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rumpuser.component import Context
from rumpuser.pending import Pending, Running, start
from rumpuser.transport.halves import finish
from rumpwire import calls
from rumpwire.calls import Op
from rumpwire.step import Step
from rumpwire.values import Pollfd

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process


class _Caller:
    """A process as who brings its calls to their end; descriptors take the place of handles."""

    def __init__(self, gateway: Gateway, process: Process) -> None:
        self._gateway = gateway
        self._process = process

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        if op is calls.POLL_OBJECTS:
            (fd,), (events,), *_ = args
            op, args = calls.POLL, ([Pollfd(fd, events, 0)], -1)
        return self._gateway.call(self._process, op, args)

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return self._gateway.run(self._process, steps, keep_going)


def going_on(
    gateway: Gateway, p: Process, steps: Sequence[Step], outcomes: list[Any], *, keep_going: bool, single: bool
) -> Running[Any]:
    """The rest of a batch, on its way, for all its outcomes. ``single``: of one call, for its value."""
    batch = finish(_Caller(gateway, p), p.context, steps, outcomes, keep_going)
    soon: Pending[None] = Pending()
    running: Any = start(_after(soon, _value(batch) if single else batch))
    assert isinstance(running, Running)
    soon.resolve(None)
    return running


async def _after(soon: Pending[None], call: Any) -> Any:
    await soon
    return await call


async def _value(batch: Any) -> Any:
    found = (await batch)[0]
    if isinstance(found, Exception):
        raise found
    return found

"""The last resort around a component: what it does wrong fails one call, not the kernel."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import CoroutineType
from typing import Any

from rumpuser.component import Component, Context
from rumpuser.run import run_steps
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

log = logging.getLogger(__name__)


class Guarded:
    """A component as those outside see it: every failure is a `KernelError` that names its origin."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.name = component.name
        self.moving = False
        """Whether what is left of runs is for a successor."""

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        try:
            result = self.component.call(ctx, op, args)
        except Exception as error:  # a defect of a handler must not end the kernel
            raise self.failure(op, error) from error
        return self._finish(op, result) if type(result) is CoroutineType else result

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return run_steps(self, ctx, steps, keep_going)

    async def _finish(self, op: Op, result: Any) -> Any:
        try:
            return await result
        except Exception as error:
            raise self.failure(op, error) from error

    def failure(self, op: Op, error: Exception) -> KernelError:
        """What the caller is told. Anything but a KernelError is a defect: it goes to the log with its traceback."""
        if isinstance(error, KernelError):
            error.origin = error.origin or self.name
            return error
        log.error("internal error in %s", op.cname, exc_info=error)
        return KernelError(Errno.EIO, f"internal error in {op.cname}: {type(error).__name__}", self.name)

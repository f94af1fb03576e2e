"""A trapped call: whose it is, which socket it is about, and how it may be answered."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Final

from rumpclients.hijack.seccomp import Listener, Trap
from rumpclients.hijack.task import Task

TICK_S = 0.1
_RESTART = 512
"""ERESTARTSYS: what Linux makes EINTR or another try of, by how the handler of the signal was installed."""


class _Answer:
    pass


NATIVE: Final = _Answer()
"""Linux is to do the call."""
ANSWERED: Final = _Answer()


class Interrupted(Exception):  # noqa: N818  no error
    """A signal ends a call that waits."""

    errno = _RESTART


class Died(Exception):  # noqa: N818  no error
    """Whoever waited has gone."""


@dataclass(slots=True)
class Call:
    """``args`` as in the manual page; pointers are addresses of the program's."""

    listener: Listener
    trap: Trap
    task: Task = field(init=False)

    def __post_init__(self) -> None:
        self.task = Task(self.listener, self.trap)

    @property
    def args(self) -> tuple[int, ...]:
        return self.trap.args

    async def wait(self, what: Awaitable[Any]) -> Any:
        """Waits, until a signal comes (Interrupted) or the caller dies (Died). Futures are not ended by that."""
        waiting = asyncio.ensure_future(what)
        try:
            while not (await asyncio.wait((waiting,), timeout=TICK_S))[0]:
                if not self.listener.valid(self.trap):
                    raise Died
                if self.task.signalled():
                    raise Interrupted
        except BaseException:
            if asyncio.iscoroutine(what):
                waiting.cancel()
            raise
        return waiting.result()


def fail(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def signed(value: int) -> int:
    """An argument of type int."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value

"""Calls of clients that wait: who wants their answers, and what is left of them when they are to go on elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from rumpuser.pending import Pending, Running
from rumpuser.transport.halves import begun, interrupted, unfinished
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Siginfo


class Carrier(Protocol):
    """What carries signals to the client."""

    def raise_signal(self, info: Siginfo) -> None: ...

    def end(self) -> None: ...

    def move(self) -> None: ...


class Stream(Protocol):
    """The stream of a session, as the session sees it."""

    def put(self, data: bytes) -> None:
        """Sends an answer."""

    def raise_signal(self, info: Siginfo) -> None:
        """Sends a signal."""

    def end(self, why: KernelError) -> None:
        """Ends it; nothing more is taken from it."""


@dataclass(slots=True)
class Work:
    """What a call is to do, for whoever goes on with it, and what brought it: "stream", "batch" or "unary"."""

    kind: str
    steps: list[Step]
    keep_going: bool = False

    def outcomes(self, running: Under) -> list[Any] | None:
        """Those that it had when it was ended, to go on with; None when there is nothing more to do."""
        try:
            found = running.outcome.result()
        except KernelError as error:
            found = error
        except Exception:  # noqa: BLE001  a defect, which whoever asked is told
            return None
        outcomes = list(found) if isinstance(found, list) and self.kind != "unary" else [found]
        if interrupted(outcomes) and not begun(self.steps[len(outcomes) - 1]):
            return outcomes[:-1]
        if unfinished(self.steps, outcomes) is not None or self.asked_for_it(outcomes):
            return outcomes
        failed = bool(outcomes) and isinstance(outcomes[-1], KernelError) and not self.keep_going
        return None if failed or len(outcomes) == len(self.steps) else outcomes

    def asked_for_it(self, outcomes: list[Any]) -> bool:
        """Whether its last call is the one for which all goes to a successor: that one tells that it is there."""
        step = self.steps[len(outcomes) - 1] if outcomes else None
        return step is not None and step.op is calls.COMPONENT_RESTART and outcomes[-1] is None


@dataclass(slots=True)
class Moved:
    """A call that was ended to go on, here or at a successor. ``left_s``: of its time, None when it has as much as it
    wants. ``lasting``: its answer can be asked for again."""

    token: str
    id: int
    work: Work
    outcomes: list[Any]
    left_s: float | None
    lasting: bool


class Call(Protocol):
    """A call that waits. ``stream``: it ends with that; None where its answer can be asked for again.

    ``wanted``: whether anybody waits for the answer. ``moving``: it was ended to go on elsewhere. ``askers``: unary
    calls that wait for its answer.
    """

    askers: int
    moving: bool
    stream: Stream | None
    timer: asyncio.TimerHandle | None
    wanted: bool

    @property
    def answer(self) -> Pending[Any]: ...

    @property
    def running(self) -> Under: ...

    @property
    def work(self) -> Work | None: ...

    def end_after(self, seconds: float) -> None:
        """Ends it with ETIMEDOUT when it waits that long."""


class Under(Protocol):
    """What a call is run by."""

    @property
    def outcome(self) -> Pending[Any]: ...

    def cancel(self, error: KernelError | None = None) -> None: ...


class Followed:
    """A `Call` of what the gateway itself does, or of several parts."""

    __slots__ = ("answer", "askers", "moving", "running", "stream", "timer", "wanted", "work")

    def __init__(self, running: Running[Any], stream: Stream | None, work: Work | None) -> None:
        self.running = running
        self.stream = stream
        self.work = work
        self.moving = False
        self.askers = 0
        self.wanted = True
        self.timer: asyncio.TimerHandle | None = None
        self.answer: Pending[Any] = Pending()

    def end_after(self, seconds: float) -> None:
        """Ends it with ETIMEDOUT when it waits that long."""
        error = KernelError(Errno.ETIMEDOUT, f"not done within {seconds:g} s", "gateway")
        self.timer = asyncio.get_running_loop().call_later(seconds, self.running.cancel, error)

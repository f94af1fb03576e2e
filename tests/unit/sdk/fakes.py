"""A kernel that records what it is asked and answers from a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rump
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step


class FakeConnection:
    """``answers``: by the name of the call a value, an error to raise, or a function of the arguments."""

    def __init__(self, answers: dict[str, Any] | None = None, *, same_host: bool = True) -> None:
        self.answers = answers or {}
        self.same_host = same_host
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.batches: list[list[Step]] = []
        self.timeout: float | None = None
        self.pid = 7
        self.closed = False

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        self.asked.append((op.name, args))
        outcome = self.answers.get(op.name)
        if callable(outcome):
            outcome = outcome(*args)
        if isinstance(outcome, KernelError):
            raise outcome
        return outcome

    def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        self.batches.append(list(steps))
        out: list[Any] = []
        for step in steps:
            try:
                out.append(self.call(step.op, step.args))
            except KernelError as error:
                out.append(error)
                if not keep_going:
                    break
        return out

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        return lambda: self.run(steps, keep_going)

    def fork(self, flags: int) -> FakeConnection:
        self.asked.append(("fork", (flags,)))
        return FakeConnection(self.answers)

    def status(self) -> Any:
        return {"url": "", "components": []}

    def processes(self) -> Any:
        return []

    def upload_module(self, wheel: Any) -> rump.ModuleStat:
        self.asked.append(("upload", tuple(wheel)))
        return rump.ModuleStat("x")

    def close(self) -> None:
        self.closed = True

    @property
    def last(self) -> Any:
        return self.asked[-1]


def fake(answers: dict[str, Any] | None = None, **options: Any) -> tuple[rump.Client, FakeConnection]:
    connection = FakeConnection(answers, **options)
    return rump.Client(connection), connection


def failing(errno: Errno, text: str = "", origin: str = "vfs") -> Callable[..., KernelError]:
    """A new error for each call."""
    return lambda *args: KernelError(errno, text, origin)

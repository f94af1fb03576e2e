"""What file systems want to know of other factions (kernfs, procfs), though drivers are synchronous.

A driver asks in the middle of a call. When the answer is not there yet, the question leaves the call as an exception;
the component asks, and does the whole call again with the answer at hand. So a driver asks before it changes anything,
and an answer is as fresh as the call that it is for.
"""

from __future__ import annotations

from typing import Any

from rumpuser.component import KERNEL, Bus, Context
from rumpuser.pending import ENDED, value_of
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError

ASKED_MAX = 64
"""Questions of one call."""

Question = tuple[Any, ...]
CALLER: Question = ("", "getpid")


class Again(KernelError):  # noqa: N818  a call that starts again has not failed
    """The call is to be done again, with the answer. Where that cannot be, it fails with EAGAIN."""

    def __init__(self, question: Question) -> None:
        super().__init__(Errno.EAGAIN, "the answer of another faction is not there", "vfs")
        self.question = question


class Questions:
    """The answers for the call that is being done, if it is done again."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.answers: dict[Question, Any] | None = None

    def ask(self, faction: str, call: str, *args: Any) -> Any:
        """The answer of a faction, or its KernelError. ENOSYS when it is not running; EAGAIN, see `Again`."""
        question = (faction, call, *args)
        if self.answers is None or question not in self.answers:
            raise Again(question)
        answer = self.answers[question]
        if isinstance(answer, KernelError):
            raise KernelError(answer.errno, answer.text, answer.origin)
        return answer

    def caller(self) -> int:
        """The process that the call is for. EAGAIN, see `Again`."""
        pid: int = self.ask(*CALLER)
        return pid

    async def find_out(self, ctx: Context, question: Question) -> Any:
        """An answer; a KernelError is one too. EINTR."""
        if question == CALLER:
            return ctx.pid
        faction, call, *args = question
        try:
            return await value_of(self._bus.peer(faction).call(KERNEL, OPS[call], tuple(args)))
        except KernelError as error:
            if error.errno in ENDED:
                raise
            return error

"""Batches: many calls of one process in order, later ones with results of earlier ones.

Calls that the gateway answers itself are done on the spot. The others are gathered into *runs*: as many successive
calls with one owner as can be handed over in one message. A call that uses the descriptor of an earlier call of its
run names that call's handle by reference, so that open, read and close of a file are one message. Wherever it is not
certain that a run means the same as its calls one by one, the run ends before that call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rumpgateway.core import signals
from rumpgateway.core.descriptors import misplaced
from rumpuser.run import arguments, diverted
from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import KernelError
from rumpwire.step import Reference, Step

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

MAX_RUN = 256
"""Longer runs are cut, so that one client's batch does not keep a component from the others for long."""


async def run_batch(gateway: Gateway, p: Process, steps: Sequence[Step], keep_going: bool) -> list[Any]:
    """The outcomes of a batch; after a failure the rest is left out, unless ``keep_going``."""
    outcomes: list[Any] = []
    own = gateway.own
    while len(outcomes) < len(steps):
        step = steps[len(outcomes)]
        name = step.op.name
        try:
            alone = len(steps) - len(outcomes) == 1 or p.trace is not None  # calls that are traced pass one by one
            if name in own and name != "close" and p.trace is None:
                args = arguments(steps, outcomes, step) if step.references else step.args
                value = own[name](p, *args)
                outcomes.append(await value if type(value) is CoroutineType else value)
                continue
            if not alone:
                run = _Run(gateway, p, steps, outcomes)
                if len(run.steps) > 1:
                    outcomes += await run.hand_over(keep_going)
                    if not keep_going and isinstance(outcomes[-1], KernelError):
                        break
                    continue
            args = arguments(steps, outcomes, step) if step.references else step.args
            value = gateway.call(p, step.op, args)
            if type(value) is CoroutineType:
                value = await value
        except KernelError as error:
            outcomes.append(error)
            if not keep_going:
                break
        else:
            outcomes.append(value)
    return outcomes


class _Run:
    """Successive steps of a batch, from ``len(outcomes)`` on, that one owner does in one message.

    Holds no step at all when already the first one cannot be planned; it is then done, or refused, on its own.
    """

    def __init__(self, gateway: Gateway, p: Process, steps: Sequence[Step], outcomes: list[Any]) -> None:
        self._gateway = gateway
        self._process = p
        self._batch = steps
        self._first = len(outcomes)
        self._outcomes = outcomes
        self._closed: set[int] = set()
        self._room = p.fds.limit - len(p.fds)
        self.owner = ""
        self.steps: list[Step] = []
        for step in steps[self._first : self._first + MAX_RUN]:
            planned = self._plan(step)
            if planned is None:
                break
            self.steps.append(planned)

    def _plan(self, step: Step) -> Step | None:
        """The step as the owner gets it, None when the run must end before it."""
        op = step.op
        if op.internal or (op.name in self._gateway.own and op.name != "close"):
            return None
        inside: dict[int, Reference] = {}
        try:
            if step.references:
                inside = {r.arg: r for r in step.references if r.call >= self._first}
                if any(r.call >= self._first + len(self.steps) for r in inside.values()):
                    return None
                early = Step(op, step.args, [r for r in step.references if r.call < self._first])
                args = list(arguments(self._batch, self._outcomes, early))
            else:
                args = list(step.args)
            owner = self._owner(op, args, inside)
        except KernelError:
            return None
        if owner is None or (self.steps and owner != self.owner) or len(op.new) > self._room:
            return None
        self.owner = owner
        self._room -= len(op.new)
        if not inside:
            return Step(op, tuple(args))
        return Step(op, tuple(args), [Reference(r.call - self._first, r.arg, r.path) for r in inside.values()])

    def _owner(self, op: Op, args: list[Any], inside: dict[int, Reference]) -> str | None:
        """Who does the call; puts handles into ``args`` on the way. None when that is not certain yet."""
        owner = op.faction
        for position in op.descriptors:
            found = self._object(op, args, position, inside)
            if found is None or misplaced(op, found):
                return None
            owner = found
        for position in op.directories:
            wanted = position in inside or args[position] != const.AT_FDCWD
            if wanted and self._object(op, args, position, inside) != "vfs":
                return None
        return owner

    def _object(self, op: Op, args: list[Any], position: int, inside: dict[int, Reference]) -> str | None:
        """Owner of the object behind one descriptor."""
        reference = inside.get(position)
        if reference is not None:
            maker = self._batch[reference.call].op
            fields = [maker.results[i] for i in maker.new]
            named = reference.path[0] if reference.path else (maker.results[0] if maker.results else "")
            return self.owner if named in fields else None
        fd = args[position]
        description = self._process.fds.find(fd)
        if description is None or fd in self._closed or description.owner == "lost":
            return None
        if op.name == "close":
            if description.refs > 1 or description.asynchronous or self._process.watches_closing:
                return None
            self._closed.add(fd)
        args[position] = description.handle
        return description.owner

    async def hand_over(self, keep_going: bool) -> list[Any]:
        """Has the owner do the run: the outcomes, with descriptors installed and freed as call by call."""
        gateway, p = self._gateway, self._process
        try:
            done = gateway.peer(self.owner).run(p.context, self.steps, keep_going)
            if type(done) is CoroutineType:
                done = await done
        except KernelError as error:
            done = [error] * (len(self.steps) if keep_going else 1)
        seen: list[Any] = []
        for index, value in enumerate(done):
            if diverted(self.steps[index].op, value):
                value = await self._duplicated(index, value)
                seen.append(value)  # the last one: the owner has done nothing after it
            else:
                seen.append(self._settle(index, value, seen))
                if isinstance(value, KernelError) and self.steps[index].op.name in signals.WRITING:
                    await self._signalled(index, value)
        return seen

    async def _signalled(self, index: int, error: KernelError) -> None:
        step = self.steps[index]
        if not step.references:
            args = step.args
            await signals.signalled(self._gateway, self._process, step.op, args, self.owner, args[0], error)

    async def _duplicated(self, index: int, value: int) -> Any:
        step = self.steps[index]
        try:
            return await self._gateway.duplicate(self._process, step.op, step.args, value)
        except KernelError as error:
            return error

    def _settle(self, index: int, value: Any, seen: list[Any]) -> Any:
        """One outcome as the client sees it. A close frees its number even when it failed."""
        step = self.steps[index]
        if step.op.name == "close":
            asked = self._batch[self._first + index]
            with contextlib.suppress(KernelError):  # what it would have closed was never opened: the outcome says so
                self._process.fds.remove(arguments(self._batch, self._outcomes + seen, asked)[0])
        if isinstance(value, KernelError):
            return value
        return self._gateway.install(self._process, step.op, step.args, self.owner, value)

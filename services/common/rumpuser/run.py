"""Runs of calls inside a component: what `Component.run` does, and every transport's receiving end."""

from __future__ import annotations

from collections.abc import Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol

from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step, follow, same_type

if TYPE_CHECKING:
    from rumpuser.component import Context


class Runner(Protocol):
    """Who does runs: a component. ``moving``: what is left of them is for a successor."""

    moving: bool

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """See `rumpuser.component.Peer`."""


def run_steps(peer: Runner, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
    """The outcomes of the steps, or a coroutine that gives them when one has to wait."""
    outcomes: list[Any] = []
    waiting = _advance(peer, ctx, steps, keep_going, outcomes)
    return outcomes if waiting is None else go_on(peer, ctx, steps, keep_going, outcomes, waiting)


async def go_on(
    peer: Runner, ctx: Context, steps: Sequence[Step], keep_going: bool, outcomes: list[Any], waiting: Any
) -> list[Any]:
    """The rest of a run whose next step waits."""
    while waiting is not None:
        try:
            outcomes.append(await waiting)
            if diverted(steps[len(outcomes) - 1].op, outcomes[-1]):
                return outcomes
        except KernelError as error:
            outcomes.append(error)
            if not keep_going:
                return outcomes
        if peer.moving:
            return outcomes
        waiting = _advance(peer, ctx, steps, keep_going, outcomes)
    return outcomes


def _advance(peer: Runner, ctx: Context, steps: Sequence[Step], keep_going: bool, outcomes: list[Any]) -> Any:
    """Does steps until one gives a coroutine, which is returned, or none is left to do."""
    while len(outcomes) < len(steps):
        step = steps[len(outcomes)]
        try:
            value = peer.call(ctx, step.op, arguments(steps, outcomes, step))
        except KernelError as error:
            outcomes.append(error)
            if not keep_going:
                return None
            continue
        if type(value) is CoroutineType:
            return value
        outcomes.append(value)
        if diverted(step.op, value):
            return None
    return None


def remaining(steps: Sequence[Step], outcomes: Sequence[Any]) -> list[Step]:
    """The steps that have no outcome yet, as a run of their own. EINVAL, ECANCELED for their references."""
    done, rest = len(outcomes), []
    for step in steps[done:]:
        known = [reference for reference in step.references if reference.call < done]
        args = arguments(steps, outcomes, Step(step.op, step.args, known))
        later = [Reference(r.call - done, r.arg, r.path) for r in step.references if r.call >= done]
        rest.append(Step(step.op, args, later))
    return rest


ELSEWHERE = 1 << 30
"""In the place of a descriptor: a device of net, its major and its minor in 20 bits."""


def elsewhere(rdev: int) -> int:
    """What open gives for a device node that net opens: the gateway asks it (EMOVEFD of the original)."""
    return -1 - (ELSEWHERE | const.major(rdev) << 20 | const.minor(rdev))


def device_of(number: int) -> int:
    """The device of what `elsewhere` gave, -1 - it."""
    return const.makedev(number >> 20 & 0x3FF, number & 0xFFFFF)


def diverted(op: Op, value: Any) -> bool:
    """Whether open leads to a descriptor of the caller (-1 - value, fdesc) or `elsewhere`, no object of the component.

    The run ends there: later steps may mean that descriptor, which only the gateway knows.
    """
    return type(value) is int and value < 0 and bool(op.new)


def arguments(steps: Sequence[Step], outcomes: Sequence[Any], step: Step) -> tuple[Any, ...]:
    """The arguments of a step with its references filled in. EINVAL for a reference that leads nowhere, or to another
    type than the argument has.

    A reference to a call that failed, or was left out, fails with the error of that call (ECANCELED if left out).
    """
    if not step.references:
        return step.args
    args = list(step.args)
    for reference in step.references:
        value = _resolve(steps, outcomes, reference.call, reference.path)
        if not _fits(args[reference.arg], value) and not same_type(
            steps[reference.call].op, tuple(reference.path), step.op, reference.arg
        ):
            name = step.op.args[reference.arg]
            raise KernelError(Errno.EINVAL, f"reference to call {reference.call} has not the type of argument {name}")
        args[reference.arg] = value
    return tuple(args)


def _fits(given: Any, value: Any) -> bool:
    """Whether both are numbers, bytes or text; structures and lists are compared by what the contract says of them."""
    for kind in (int, str, (bytes, bytearray, memoryview)):
        if isinstance(given, kind):
            return isinstance(value, kind)
    return False


def _resolve(steps: Sequence[Step], outcomes: Sequence[Any], call: int, path: Sequence[str]) -> Any:
    if call >= len(outcomes):
        raise KernelError(Errno.EINVAL, f"reference to call {call}, which is not an earlier one")
    outcome = outcomes[call]
    if isinstance(outcome, KernelError):
        raise KernelError(Errno.ECANCELED, f"needs the result of call {call}, which failed: {outcome}")
    try:
        return follow(steps[call].op, outcome, path)
    except AttributeError:
        raise KernelError(Errno.EINVAL, f"reference to call {call} names no such field: {'.'.join(path)}") from None

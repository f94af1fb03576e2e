"""What the calls of clients cost: counts, errors and times by call, and a log of those that were slow.

Times are kept in buckets that double, from a microsecond on. Calls of a batch are counted one by one; the time of the
batch counts as that of a call named ``batch``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

from rumpgateway.core.process import Process
from rumpwire.errno import KernelError
from rumpwire.step import Step

log = logging.getLogger("rump.slow")

BATCH = "batch"
FIRST = 10
"""The first bucket has what took less than 2**FIRST ns; each further one up to twice as long."""
BUCKETS = 27
SLOW_NS = 10**9
LOGGED_MAX = 20
"""Slow calls that are logged within `LOGGED_PER_NS`; the others are only counted."""
LOGGED_PER_NS = 10 * 10**9


class Row:
    """Of one call. ``buckets`` add up to the calls that were timed, which ``nanoseconds`` is the sum of."""

    __slots__ = ("buckets", "count", "errors", "nanoseconds")

    def __init__(self) -> None:
        self.count = 0
        self.nanoseconds = 0
        self.buckets = [0] * BUCKETS
        self.errors: Counter[int] = Counter()

    def time(self, elapsed_ns: int) -> None:
        self.nanoseconds += elapsed_ns
        self.buckets[min((elapsed_ns >> FIRST).bit_length(), BUCKETS - 1)] += 1


class Statistics:
    """Of one kernel. ``slow_ns``: from when on a call is logged, 0 for never."""

    def __init__(self, slow_ns: int = SLOW_NS) -> None:
        self.rows: dict[str, Row] = {}
        self.slow_ns = slow_ns
        self.slow = 0
        self._logged: list[int] = []

    def row(self, name: str) -> Row:
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = Row()
        return row

    def done(self, p: Process, steps: Sequence[Any], outcomes: Sequence[Any], began_ns: int) -> None:
        """A request is answered; it began at ``began_ns`` of `perf_counter_ns`. What was no call has a step None."""
        elapsed = perf_counter_ns() - began_ns
        if not steps or steps[0] is None:
            return
        if len(steps) == 1:
            failed = outcomes[0] if outcomes and isinstance(outcomes[0], KernelError) else None
            self._one(steps[0].op.name, failed.errno if failed else 0, elapsed)
        else:
            self._batch(steps, outcomes, elapsed)
        if self.slow_ns and elapsed > self.slow_ns:
            self._slow(p, steps, elapsed)

    def _one(self, name: str, errno: int, elapsed: int) -> None:
        row = self.rows.get(name) or self.row(name)
        row.count += 1
        row.time(elapsed)
        if errno:
            row.errors[errno] += 1

    def _batch(self, steps: Sequence[Any], outcomes: Sequence[Any], elapsed: int) -> None:
        for op, count in Counter([step[0] for step in steps[: len(outcomes)]]).items():
            self.row(op.name).count += count
        for step, outcome in zip(steps, outcomes, strict=False):
            if isinstance(outcome, KernelError):
                self.row(step.op.name).errors[outcome.errno] += 1
        row = self.row(BATCH)
        row.count += 1
        row.time(elapsed)

    def passed(self, p: Process, name: str, errno: int, began_ns: int, steps: Callable[[], list[Step]]) -> None:
        """The same for one call that was passed on: its name, and 0 or what it failed with."""
        elapsed = perf_counter_ns() - began_ns
        self._one(name, errno, elapsed)
        if self.slow_ns and elapsed > self.slow_ns:
            self._slow(p, steps(), elapsed)

    def _slow(self, p: Process, steps: Sequence[Step], elapsed: int) -> None:
        if any(_waits(p, step) for step in steps):
            return
        self.slow += 1
        now = perf_counter_ns()
        self._logged = [at for at in self._logged if now - at < LOGGED_PER_NS]
        if len(self._logged) >= LOGGED_MAX:
            return
        self._logged.append(now)
        name = steps[0].op.cname if len(steps) == 1 else f"{BATCH} of {len(steps)} from {steps[0].op.cname} on"
        fields = {"call": steps[0].op.name, "pid": p.pid, "comm": p.comm, "ms": elapsed // 1_000_000}
        log.warning("slow: %s of process %d (%s) took %d ms", name, p.pid, p.comm, elapsed // 1_000_000, extra=fields)


def _waits(p: Process, step: Step) -> bool:
    """Whether it is a call that is meant to wait for somebody: files do not let one wait."""
    op = step.op
    if not op.blocking:
        return False
    if not op.descriptors:
        return True
    description = p.fds.find(step.args[op.descriptors[0]]) if len(step.args) > op.descriptors[0] else None
    return description is None or description.owner != "vfs"

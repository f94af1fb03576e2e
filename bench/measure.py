"""How things are timed: in turns, so that a slow phase of the machine hits both sides, and by medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.processes import ME, processor_ns

one_cpu = True
"""Whether what is pinned goes on one cpu; ``rump bench --unpinned`` leaves all where the machine puts it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. ``bound`` is what the project promises; ``best`` says which side of it is good.

    ``cost`` and ``base_cost``: microseconds of processor time for one call, of all processes that have to do with it.
    """

    name: str
    value: float
    unit: str
    yardstick: str
    base: float
    ratio: float
    bound: float
    best: str = "low"
    cost: float | None = None
    base_cost: float | None = None

    @property
    def good(self) -> bool:
        return self.ratio <= self.bound if self.best == "low" else self.ratio >= self.bound


@dataclass(frozen=True, slots=True)
class Side:
    """Something to time, and the processes whose processor time it takes beside this one."""

    call: Callable[[], object]
    pids: Iterable[int] = ()


def pin() -> None:
    """Puts this process, and those it starts from now on, on one cpu: waking an idle one costs more than a call."""
    if one_cpu:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def unpin() -> None:
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))


def compare(
    name: str,
    ours: Side,
    yardstick: str,
    base: Side,
    bound: float,
    *,
    rounds: int = 20,
    each: int = 100,
    unit: str = "us",
) -> Row:
    """The row of two calls that take turns in blocks; its ratio is that of their medians."""
    sides = (ours, base)
    for side in sides:
        _block(side.call, each)
    times: tuple[list[float], list[float]] = ([], [])
    spent = [0, 0]
    for _ in range(rounds):
        for which, side in enumerate(sides):
            before = processor_ns((*ME, *side.pids))
            times[which].extend(_block(side.call, each))
            spent[which] += processor_ns((*ME, *side.pids)) - before
    mine, theirs = (statistics.median(found) for found in times)
    scale = {"us": 1e6, "ms": 1e3, "s": 1.0}[unit]
    cost, base_cost = (total / (rounds * each) / 1e3 for total in spent)
    return Row(name, mine * scale, unit, yardstick, theirs * scale, mine / theirs, bound, "low", cost, base_cost)


def faster(row: Row, bound: float) -> Row:
    """The same told as how many times quicker ours is, for a promise of that kind."""
    return Row(
        row.name, row.value, row.unit, row.yardstick, row.base, 1 / row.ratio, bound, "high", row.cost, row.base_cost
    )


def within(name: str, row: Row, limit: float, unit: str) -> Row:
    """The same figure against a fixed limit, of which only a quiet machine tells whether it is kept."""
    return Row(name, row.value, unit, f"{limit:g} {unit}", limit, row.value / limit, 1.0, "low", row.cost)


def alternate(
    ours: Callable[[], object], base: Callable[[], object], rounds: int = 20, each: int = 100
) -> tuple[float, float]:
    """Medians in microseconds of two calls that take turns in blocks."""
    row = compare("", Side(ours), "", Side(base), 0.0, rounds=rounds, each=each)
    return row.value, row.base


def _block(call: Callable[[], object], each: int) -> list[float]:
    times = []
    for _ in range(each):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def timed(call: Callable[[], object], repeats: int = 3) -> float:
    """Median of whole runs, in seconds."""
    return statistics.median(_block(call, 1)[0] for _ in range(repeats))

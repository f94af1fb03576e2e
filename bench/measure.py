"""How things are timed: in turns, so that a slow phase of the machine hits both sides, and by medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. ``bound`` is what the project promises; ``best`` says which side of it is good."""

    name: str
    value: float
    unit: str
    yardstick: str
    base: float
    ratio: float
    bound: float
    best: str = "low"

    @property
    def good(self) -> bool:
        return self.ratio <= self.bound if self.best == "low" else self.ratio >= self.bound


def pin() -> None:
    """Puts this process, and those it starts from now on, on one cpu: waking an idle one costs more than a call."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def unpin() -> None:
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))


def alternate(
    ours: Callable[[], object], base: Callable[[], object], rounds: int = 20, each: int = 100
) -> tuple[float, float]:
    """Medians in microseconds of two calls that take turns in blocks."""
    for call in (ours, base):
        for _ in range(each):
            call()
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine += _block(ours, each)
        theirs += _block(base, each)
    return statistics.median(mine) * 1e6, statistics.median(theirs) * 1e6


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

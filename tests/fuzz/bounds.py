"""What one image may cost: time of the processor and memory. What takes more is a finding, as is any other accident."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 2.0
MEMORY = 128 << 20


class TooSlow(BaseException):
    """No Exception, so that nothing takes it for an error of its own."""


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow("it takes too long")


@contextmanager
def bounded_memory() -> Iterator[None]:
    """MemoryError where more is taken than there was at the beginning and `MEMORY`."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def bounded_time(seconds: float = SECONDS) -> Iterator[None]:
    """`TooSlow`, from wherever the program is then."""
    before = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

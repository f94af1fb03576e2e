"""What this process uses of the host."""

from __future__ import annotations

import contextlib
import resource
import time

_PAGE = resource.getpagesize()


def usage() -> tuple[int, int]:
    """Resident bytes, and nanoseconds of processor time in user and system mode."""
    resident = 0
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * _PAGE
    return resident or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, time.process_time_ns()

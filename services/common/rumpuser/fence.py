"""Order between stores and loads of memory that processes share, where Python has nothing for it."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable

TSO = platform.machine() in ("x86_64", "i686", "AMD64")
"""Whether stores are seen in order, and loads done in order; a load may still overtake a store before it."""


def full_fence() -> Callable[[], None]:
    """Makes a full memory barrier, for one thread at a time: the atomic exchange of a lock is one on x86, a system call
    elsewhere."""
    if not TSO:
        return os.sched_yield
    lock = threading.Lock()
    acquire, release = lock.acquire, lock.release

    def fence() -> None:
        acquire()
        release()

    return fence

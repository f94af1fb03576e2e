"""What the host does for processes that belong together (prctl(2), Linux; elsewhere nothing)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def end_with_parent(parent: int = 0) -> None:
    """Has the host send SIGTERM to this process when its parent ends; SystemExit when that has ended already.

    ``parent``: who that is, where it may have ended before this is called.
    """
    expected = parent or os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != expected or (not parent and expected == 1):  # it was quicker
        raise SystemExit(1)


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)

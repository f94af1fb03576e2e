"""Settings of the C library that matter for messages of 64 KiB and more."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT = 64 << 20


def tune() -> bool:
    """Keeps buffers of messages in the heap. False where the C library has no mallopt.

    Left alone, glibc maps every buffer of 128 KiB or more afresh and gives it back at once, or trims the heap behind
    it, and the page faults cost more than the copy (mallopt(3)).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT) and mallopt(_M_TRIM_THRESHOLD, _KEPT))

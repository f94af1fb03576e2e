"""Keeps connections off the descriptors 0, 1 and 2.

A daemon closes them and opens others in their place. If the connection to its kernel had got one of these numbers, that
would be what it closes, or what it writes its output to.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_FIRST = 3


@contextlib.contextmanager
def standard_kept() -> Iterator[None]:
    """What is opened meanwhile gets numbers above 2, whether those below are open or not."""
    fillers: list[int] = []
    try:
        while not fillers or fillers[-1] < _FIRST:
            fillers.append(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        os.close(fillers.pop())
        yield
    finally:
        for fd in fillers:
            os.close(fd)

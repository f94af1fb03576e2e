"""A session for the next program.

Over execve of the host it goes through an inherited pipe, whose number is in the environment: arguments and environment,
which others may read, do not have the token.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

VARIABLE = "RUMP__EXECFD"


class Handover(NamedTuple):
    """What the next program needs to be the same process of the kernel."""

    url: str
    session: str
    pid: int
    limit: int
    frames: str = ""


def give(handover: Handover) -> int:
    """A descriptor that an exec leaves open, from which the next program reads it."""
    reading, writing = os.pipe()
    with open(writing, "wb") as end:
        end.write(json.dumps(handover).encode())
    os.set_inheritable(reading, True)
    return reading


def take() -> Handover | None:
    """What the program before this one has left, once. EBADF for what is no handover."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return None
    try:
        with open(int(number), "rb") as end:
            return Handover(*json.load(end))
    except (ValueError, TypeError, OSError):
        raise KernelError(Errno.EBADF, f"{VARIABLE}={number} is no descriptor of a session") from None

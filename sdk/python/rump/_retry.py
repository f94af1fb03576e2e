"""What a client does when its connection is lost: the policies of rumpclient(3), and what of a session they keep."""

from __future__ import annotations

import itertools
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from rump._errors import CONNECTION
from rumpwire.errno import Errno, KernelError

Retry = float | Literal["once", "inftime", "die"]
"""0: calls fail with ENOTCONN; seconds: how long to try; ``once``; ``inftime``: for ever; ``die``: exit with status 1."""

ONCE_LEASE_S = 10.0
SLACK_S = 10.0
"""How much longer than it is tried for a session lives: the kernel may notice the loss first."""
LONGEST_MS = (1 << 32) - 1
VARIABLE = "RUMP_RETRYCONNECT"

log = logging.getLogger("rump.connection")


@dataclass(frozen=True)
class Policy:
    """``seconds``: how long to try to get a connection back."""

    seconds: float = 0.0
    once: bool = False
    die: bool = False

    @classmethod
    def parse(cls, retry: Retry | str | None) -> Policy:
        """What was asked for, else what the environment says. EINVAL."""
        value = os.environ.get(VARIABLE, "") or 0 if retry is None else retry
        named = {"once": cls(once=True), "die": cls(die=True), "inftime": cls(math.inf)}
        if value in named:
            return named[str(value)]
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not seconds >= 0:
            text = f"retry {value!r}: seconds, once, inftime or die"
            raise KernelError(Errno.EINVAL, text, CONNECTION)
        return cls(seconds)

    @property
    def lease_ms(self) -> int:
        """How long the session shall be kept."""
        if self.once:
            return int(ONCE_LEASE_S * 1000)
        return (
            min(int((self.seconds + SLACK_S) * 1000), LONGEST_MS)
            if 0 < self.seconds < math.inf
            else (LONGEST_MS if self.seconds else 0)
        )

    @property
    def tries(self) -> bool:
        return self.once or self.seconds > 0

    def waits(self, clock: Callable[[], float] = time.monotonic) -> Iterator[float]:
        """Seconds to wait before each try: none at first, then 0.1 s more each time, from the tenth on 1 to 10 s."""
        if self.once:
            yield 0.0
        end = clock() + self.seconds
        for tried in itertools.count():
            if self.once or (left := end - clock()) <= 0:
                return
            yield min(left, tried / 10 if tried < 10 else min(tried - 9.0, 10.0))


def die() -> NoReturn:
    """Ends the process with status 1, as ``die`` asks for."""
    logging.shutdown()
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os._exit(1)  # from whatever thread: SystemExit would end that one only

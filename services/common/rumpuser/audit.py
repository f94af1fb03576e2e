"""The audit log: who was granted or refused what, one line each, in a file of its own (``--audit-log``).

Records come from `rumpuser.kauth` in every component and from the gateway (identities, quotas). The processes of a
kernel write to the same file, which is opened for appending, so lines stay whole. A flood is bounded: above `RATE` a
second the rest is counted, and told of when there is room again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from rumpuser.kauth import AUDIT
from rumpuser.log import LineFormatter
from rumpwire.errno import KernelError, from_host

VARIABLE = "RUMP_AUDIT_LOG"
RATE = 200
"""Lines of one process in a second, and as many at once."""


class Bucket:
    """A token bucket: so many a second, and a second's worth at once."""

    __slots__ = ("_at", "_left", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate, self._left, self._at = rate, rate, now

    def take(self, count: float, now: float) -> bool:
        """What is longer than a second's worth waits for a full bucket."""
        self._left = min(self.rate, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < min(count, self.rate):
            return False
        self._left -= count
        return True


class Bounded(logging.Filter):
    """Lets so many records through; the first one after a gap says how many were left out."""

    def __init__(self, rate: float = RATE, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._bucket = Bucket(rate, clock())
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not self._bucket.take(1, self._clock()):
            self._left_out += 1
            return False
        if self._left_out:
            record.left_out, self._left_out = self._left_out, 0
        return True


def setup(component: str, path: str, *, as_json: bool = False) -> None:
    """Sends the audit records of this process to a file of mode 0600; nowhere for an empty name. ENOENT, EACCES."""
    if not path:
        return
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"audit log {path}: {error.strerror}") from None
    handler = logging.StreamHandler(os.fdopen(fd, "a", buffering=1, encoding="utf-8"))
    handler.setFormatter(LineFormatter(component, as_json=as_json))
    handler.addFilter(Bounded())
    AUDIT.handlers[:] = [handler]
    AUDIT.setLevel(logging.INFO)


def tell(*, granted: bool, who: str, action: str, **facts: object) -> None:
    """A record of the gateway."""
    if AUDIT.isEnabledFor(logging.INFO):
        AUDIT.info("granted" if granted else "refused", extra={"who": who, "action": action, **facts})

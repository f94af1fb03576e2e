"""What becomes of the signals of a process in its client: raised here, unless the program takes them itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from rump import _host

Handler = Callable[[int], object]


class Signals:
    """The signals of one process. Called with NetBSD's number."""

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}

    def take(self, signo: int | None, handler: Handler | None) -> None:
        """Has a signal (None: all others) go to a function, or raised again."""
        key = 0 if signo is None else int(signo)
        if handler is None:
            self._handlers.pop(key, None)
        else:
            self._handlers[key] = handler

    def __call__(self, number: int) -> None:
        signo = _host.SIGNAL.host(number)
        handler = self._handlers.get(signo) or self._handlers.get(0)
        if handler is not None:
            handler(signo)
        elif signo in signal.valid_signals():
            os.kill(os.getpid(), signo)

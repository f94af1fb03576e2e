"""What becomes of the signals of a process in its client: raised here, unless the program takes them itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Self

from rump import _host
from rumpwire import const, values
from rumpwire.codec import _dec_Siginfo


class Siginfo(int):
    """A signal by the host's number, and what came with it (siginfo(2)).

    ``si_code``: SI_USER, SI_QUEUE, SI_TIMER, SI_ASYNCIO, POLL_* or SI_NOINFO. ``si_pid`` and ``si_uid`` are a process of
    the kernel and its real user; ``si_value`` is 64 bits; ``si_band`` are events as of poll.
    """

    si_code: int
    si_pid: int
    si_uid: int
    si_value: int
    si_band: int

    def __new__(cls, signo: int, info: values.Siginfo) -> Self:
        made = super().__new__(cls, signo)
        made.si_code, made.si_pid, made.si_uid = info.si_code, info.si_pid, info.si_uid
        made.si_value, made.si_band = info.si_value, info.si_band
        return made

    @property
    def si_signo(self) -> int:
        return int(self)

    def __repr__(self) -> str:
        facts = ("code", "pid", "uid", "value", "band")
        return f"Siginfo({int(self)}, " + ", ".join(f"si_{n}={getattr(self, f'si_{n}')}" for n in facts) + ")"


Handler = Callable[[Siginfo], object]


class Signals:
    """The signals of one process. Called with NetBSD's number in what comes with it."""

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}

    def take(self, signo: int | None, handler: Handler | None) -> None:
        """Has a signal (None: all others) go to a function, or raised again."""
        key = 0 if signo is None else int(signo)
        if handler is None:
            self._handlers.pop(key, None)
        else:
            self._handlers[key] = handler

    def __call__(self, info: values.Siginfo) -> None:
        signo = _host.SIGNAL.host(info.si_signo)
        handler = self._handlers.get(signo) or self._handlers.get(0)
        if handler is not None:
            handler(Siginfo(signo, info))
        elif signo in signal.valid_signals():
            os.kill(os.getpid(), signo)


def siginfo_of(reply: Any) -> values.Siginfo:
    """What a reply that has a signal says of it."""
    if reply.HasField("siginfo"):
        return _dec_Siginfo(reply.siginfo)
    return values.Siginfo(reply.signal, const.SI_NOINFO)

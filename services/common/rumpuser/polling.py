"""Looking for work instead of being woken for it.

To be woken costs some 25 us and the peer a system call; to look costs a fraction of one. So while a device is busy it
is looked at again and again, other processes being let run in between (sched_yield(2)), and when nothing has come for
`LINGER_NS` it is *armed*: it then makes its descriptor readable, and nothing runs until it does.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from rumpuser.descriptor import refilled

log = logging.getLogger(__name__)

LINGER_NS = 150_000
"""Above the time that a peer on the same processor takes for an answer."""
_SLICE_NS = 30_000
"""An event loop has other things to do as well."""
_SIGNALS_S = 0.5
"""How long the main thread waits before it looks for signals: one that comes just before a wait does not end it."""
_ROUNDS = 4
"""Batches that a caller still takes when its own call is done."""
let_others_run = ctypes.CDLL(None).sched_yield
"""Lets other processes run and, unlike `os.sched_yield`, other threads of this one: it gives the interpreter away."""
let_others_run.argtypes = ()


class Polled(Protocol):
    """A device that can be looked at."""

    def fileno(self) -> int:
        """What becomes readable when the device is armed and something comes in."""
        ...

    def hush(self) -> None:
        """The descriptor is readable: empties it."""
        ...

    def take(self) -> bool:
        """Takes what has come in, a batch at most; whether there was anything."""
        ...

    def arm(self) -> bool:
        """False when something has come in already; then it is not armed."""
        ...

    def disarm(self) -> None: ...

    def ring(self) -> None:
        """Makes the descriptor readable, so that somebody else looks."""
        ...


def taken(device: Polled) -> bool:
    """`Polled.take`; a defect in what handles a frame costs that frame, and no device."""
    try:
        return device.take()
    except Exception:
        log.exception("internal error in what took a frame")
        return True


class LoopPolling:
    """A device on the event loop of a host (`rumpuser.systemhost.SystemHost`)."""

    def __init__(self, host: Any, device: Polled) -> None:
        self._fill((host, device, False))

    def _fill(self, state: tuple[Any, Polled, bool]) -> None:
        self._host, self._device, self._ended = state
        self._until = 0
        self._running = False
        self._paused = True
        if not self._ended:
            self._host.add(self)

    def __reduce__(self) -> Any:
        return refilled(self, (self._host, self._device, self._ended))

    def begin(self) -> None:
        self._loop: asyncio.AbstractEventLoop = self._host.loop
        self._fd = self._device.fileno()
        self._paused = False
        self._loop.add_reader(self._fd, self._rung)
        self._start()

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._loop.remove_reader(self._fd)

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            self.pause()
            self._host.drop(self)

    def _rung(self) -> None:
        self._device.hush()
        self._start()

    def _start(self) -> None:
        if not self._running:
            self._running = True
            self._device.disarm()
            self._until = time.monotonic_ns() + LINGER_NS
            self._look()

    def _look(self) -> None:
        """One slice of looking; goes on in the next turn of the loop, or goes to sleep."""
        begun = time.monotonic_ns()
        while not self._paused:
            now = time.monotonic_ns()
            if taken(self._device):
                self._until = now + LINGER_NS
            elif now >= self._until:
                if self._device.arm():
                    self._running = False
                    return
                self._until = now + LINGER_NS
            else:
                os.sched_yield()
            if now - begun >= _SLICE_NS:
                self._loop.call_soon(self._look)
                return
        self._running = False


class Turn(threading.Condition):
    """The lock of a kernel in somebody's process. A thread whose call waits looks at the devices itself.

    One caller looks at a time, before it sleeps; a thread of the host looks only while no caller does. A call that
    knows what it waits for looks before it is a call that waits (`linger`): to take one apart and put it together again
    costs more than to look.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """The bare lock: for those who only go in and out, and do not wait, it takes less than a `with` of this."""
        super().__init__(self.lock)
        self.devices: list[Polled] = []
        self._callers = 0
        self._lingered = False
        """Whether the thread that has the lock has looked in vain just now, and need not again before it sleeps."""
        self._notices = 0
        self._waiters: Any  # of the base class

    def notify(self, n: int = 1) -> None:
        self._notices += 1
        if self._waiters:
            super().notify(n)

    def notify_all(self) -> None:
        self.notify(len(self._waiters))

    def wait(self, timeout: float | None = None) -> bool:
        """Without ``timeout``, what was waited for may not have come: whoever calls asks again."""
        if self.devices and timeout is None and not self._callers:
            self._callers += 1
            try:
                if self._look():
                    return True
            finally:
                self._callers -= 1
        if timeout is None and threading.current_thread() is threading.main_thread():
            timeout = _SIGNALS_S
        return super().wait(timeout)

    def linger(self, ready: Callable[[], object]) -> bool:
        """For a call that would wait: looks until it need not, or for as long as devices linger. What it has found out
        about the kernel before may have changed since. False at once when others look."""
        if self._callers or not self.devices:
            return False
        self._callers += 1
        try:
            until = self._begin()
            while True:
                self._take()
                if ready():
                    self._leave()
                    return True
                if time.monotonic_ns() >= until:
                    self._lingered = True
                    return False
                self._pause()
        finally:
            self._callers -= 1

    def _look(self) -> bool:
        """For a caller: looks until something came or somebody was notified, or for as long as devices linger."""
        notices = self._notices
        until = self._begin()
        if self._lingered:
            self._lingered, until = False, 0
        while not self._take() and self._notices == notices:
            if time.monotonic_ns() >= until:
                return not self._arm()
            self._pause()
        self._leave()
        return True

    def attend(self) -> None:
        """For the thread that devices wake: takes what comes until nothing does, or a caller looks."""
        until = self._begin()
        while not self._callers:
            if self._take():
                until = time.monotonic_ns() + LINGER_NS
            elif time.monotonic_ns() >= until:
                if self._arm():
                    return
                until = self._begin()
            self._pause()

    def _begin(self) -> int:
        for device in self.devices:
            device.disarm()
        return time.monotonic_ns() + LINGER_NS

    def _take(self) -> bool:
        took = False
        for device in tuple(self.devices):
            took = taken(device) or took
        return took

    def _arm(self) -> bool:
        """False when a device has something already; then not all are armed."""
        for device in tuple(self.devices):  # noqa: SIM110  a generator takes longer than what it does
            if not device.arm():
                return False
        return True

    def _leave(self) -> None:
        """The caller goes on with its own work: what comes from now on is the poller thread's."""
        for _ in range(_ROUNDS):
            if self._arm():
                return
            self._take()
        for device in tuple(self.devices):
            if not device.arm():
                device.ring()

    def _pause(self) -> None:
        """Lets others have the lock, the interpreter and the processor."""
        held = self._release_save()  # type: ignore[attr-defined]
        try:
            let_others_run()
        finally:
            self._acquire_restore(held)  # type: ignore[attr-defined]

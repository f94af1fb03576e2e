"""What a call gives back when it has to wait, and who drives it on.

A handler of a component is an ordinary function, or an ``async def`` that awaits `Pending` objects and nothing else.
No asyncio is involved: awaiting an unfinished `Pending` hands it to whoever drives the coroutine (a *driver*), and the
driver goes on when it is finished. There are two drivers:

- `run_blocking` (placement ``local``): the calling thread waits on the kernel's lock;
- `start` (an event loop, or a test with a hand-turned clock): goes on from the callback that finishes the `Pending`.

A call that does not have to wait never leaves the function that runs it: no task, no future, no context switch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable
from types import CoroutineType
from typing import Any, Generic, Protocol, TypeVar

from rumpwire.errno import Errno, KernelError

log = logging.getLogger(__name__)

T = TypeVar("T")

Call = Coroutine["Pending[Any]", None, T]

ENDED = (Errno.EINTR, Errno.ETIMEDOUT)
"""What a call that was ended from outside fails with, at its owner and at all who asked on its way."""


class EndedError(KernelError):
    """A wait was ended from outside: EINTR when its caller was cancelled, ETIMEDOUT when the time for it is over.

    What was done before counts: a write that has given away some of its bytes returns how many.
    """


class Pending(Generic[T]):
    """A value that is not there yet. Finished exactly once, by `resolve` or `fail`; later attempts do nothing."""

    __slots__ = ("_callbacks", "_error", "_value", "done", "interruptible")

    def __init__(self) -> None:
        self.done = False
        self.interruptible = True
        """Whether a call that is cancelled stops waiting for this one."""
        self._value: T | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    def __await__(self) -> Generator[Pending[Any], None, T]:
        if not self.done:
            yield self
        return self.result()

    def result(self) -> T:
        """The value; raises the error it failed with."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # None only where T is

    def resolve(self, value: T) -> None:
        self._finish(value, None)

    def fail(self, error: BaseException) -> None:
        self._finish(None, error)

    def when_done(self, callback: Callable[[], None]) -> None:
        """Calls back when finished, at once if it is already."""
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)

    def _finish(self, value: T | None, error: BaseException | None) -> None:
        if self.done:
            return
        self.done, self._value, self._error = True, value, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:
                log.exception("internal error in what waited")  # and others wait too


class Timers(Protocol):
    """Calls back at a time of the monotonic clock; see `rumpuser.host.Host`."""

    def monotonic_ns(self) -> int: ...

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Arms a timer and returns what disarms it."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Calls back when the handler that runs now has returned."""
        ...


class Channel:
    """A wait channel: calls sleep on it until somebody wakes it (tsleep/wakeup)."""

    __slots__ = ("_timers", "_waiters")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._waiters: dict[Pending[bool], None] = {}

    def wait(self, deadline_ns: int | None = None) -> Pending[bool]:
        """True when woken, False when the deadline (monotonic) passed first. Check the condition again after it."""
        pending: Pending[bool] = Pending()
        self._waiters[pending] = None
        pending.when_done(lambda: self._waiters.pop(pending, None))
        if deadline_ns is not None:
            pending.when_done(self._timers.call_at(deadline_ns, lambda: pending.resolve(False)))
        return pending

    def wake(self) -> None:
        """Wakes all sleepers; they run when the caller has returned, so a handler is atomic between its waits."""
        if self._waiters:
            waiters, self._waiters = self._waiters, {}
            self._timers.call_soon(lambda: _wake_all(waiters))

    def __bool__(self) -> bool:
        return bool(self._waiters)


def _wake_all(waiters: Iterable[Pending[bool]]) -> None:
    for pending in list(waiters):
        pending.resolve(True)


MAX_INTERRUPTIONS = 10_000
"""A cancelled call that goes on waiting, in spite of so many interruptions, is broken off."""


class Running(Generic[T]):
    """A coroutine on its way, driven by the callbacks of what it waits for."""

    __slots__ = ("_cancelled", "_coroutine", "_waiting", "outcome")

    def __init__(self, coroutine: Call[T], waiting: Pending[Any]) -> None:
        self._coroutine = coroutine
        self._waiting: Pending[Any] | None = waiting
        self._cancelled: KernelError | None = None
        self.outcome: Pending[T] = Pending()
        waiting.when_done(self._go_on)

    def cancel(self, error: KernelError | None = None) -> None:
        """Ends this and every later wait with `EndedError`, EINTR if nothing is given. Nothing when it is finished.

        What must not be broken off, such as the answer to a cancelled call of a peer, is waited for all the same.
        """
        self._cancelled = error or KernelError(Errno.EINTR, "cancelled")
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._step(lambda: self._coroutine.throw(self._interruption()))
            _abandon(waiting, self._cancelled)

    def _interruption(self) -> EndedError:
        return _anew(self._cancelled)

    def _go_on(self) -> None:
        if self._waiting is not None and self._waiting.done:
            self._waiting = None
            self._step(lambda: self._coroutine.send(None))

    def _step(self, resume: Callable[[], Pending[Any]]) -> None:
        try:
            waiting = resume()
            for _ in range(MAX_INTERRUPTIONS):
                if self._cancelled is None or waiting.done or not waiting.interruptible:
                    break
                stale, waiting = waiting, self._coroutine.throw(self._interruption())
                _abandon(stale, self._cancelled)
            else:
                self._coroutine.close()
                raise KernelError(Errno.EINTR, "cancelled, but it went on waiting")
        except StopIteration as stop:
            self.outcome.resolve(stop.value)
        except BaseException as error:  # noqa: BLE001  the outcome carries it to whoever awaits the call
            self.outcome.fail(error)
        else:
            self._waiting = waiting
            waiting.when_done(self._go_on)


def _anew(error: KernelError | None) -> EndedError:
    """The error to throw; a new one each time, since tracebacks gather in exceptions."""
    assert error is not None
    return EndedError(error.errno, error.text, error.origin)


def _abandon(pending: Pending[Any], error: BaseException) -> None:
    """Finishes what nobody waits for any more, which frees its place in a channel and its timer."""
    if pending.interruptible:
        pending.fail(error)


def start(result: T | Call[T]) -> T | Running[T]:
    """Runs a handler's result as far as it goes without waiting: the value, or the call that is on its way.

    Raises what the handler raises.
    """
    if type(result) is not CoroutineType:
        return result  # type: ignore[return-value]
    try:
        waiting = result.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    return Running(result, waiting)


class Begun(Generic[T]):
    """A call that was begun beside others; `outcome` is finished when it is, also when it is at once."""

    __slots__ = ("_running", "outcome")

    def __init__(self, call: Callable[[], T | Call[T]]) -> None:
        self._running: Running[T] | None = None
        self.outcome: Pending[T] = Pending()
        try:
            result = start(call())
        except Exception as error:  # noqa: BLE001  the outcome carries it to whoever asks for it
            self.outcome.fail(error)
            return
        if isinstance(result, Running):
            self._running, self.outcome = result, result.outcome
        else:
            self.outcome.resolve(result)

    def cancel(self) -> None:
        """Nothing when it is finished. What it did all the same is in the outcome."""
        if self._running is not None and not self.outcome.done:
            self._running.cancel()


async def any_of(pendings: Iterable[Pending[Any]]) -> None:
    """Waits until one of them is finished."""
    first: Pending[None] = Pending()
    for pending in pendings:
        pending.when_done(lambda: first.resolve(None))
    await first


class Sleeper:
    """A thread in `run_blocking`, for those who want to end its call."""

    __slots__ = ("_turn", "error")

    def __init__(self, turn: threading.Condition) -> None:
        self._turn = turn
        self.error: KernelError | None = None

    def cancel(self, error: KernelError | None = None) -> None:
        """Ends this and every later wait of the call, EINTR if nothing else is given. With the lock held."""
        self.error = error or KernelError(Errno.EINTR, "cancelled")
        self._turn.notify_all()


def run_blocking(result: T | Call[T], turn: threading.Condition, sleeper: Sleeper | None = None) -> T:
    """Drives a handler's result to its end in this thread, which holds ``turn`` (and lets go of it while it waits).

    Whoever finishes a `Pending` must hold the same lock; finishing notifies the thread. ``sleeper`` is for cancelling.
    """
    if type(result) is not CoroutineType:
        return result  # type: ignore[return-value]
    try:
        waiting = result.send(None)
        while True:
            try:
                if not waiting.done:
                    waiting.when_done(turn.notify_all)
                    while not waiting.done and not _cancelled(sleeper, waiting):
                        turn.wait()
            except KeyboardInterrupt as interrupt:
                stale, waiting = waiting, result.throw(interrupt)
                stale.fail(interrupt)
            else:
                if waiting.done or sleeper is None:
                    waiting = result.send(None)
                else:
                    stale, waiting = waiting, result.throw(_anew(sleeper.error))
                    _abandon(stale, _anew(sleeper.error))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _cancelled(sleeper: Sleeper | None, waiting: Pending[Any]) -> bool:
    return sleeper is not None and sleeper.error is not None and waiting.interruptible


def at_once(result: T | Call[T]) -> T:
    """The value of a handler's result for a caller that cannot wait. EDEADLK when there is something to wait for."""
    if type(result) is not CoroutineType:
        return result  # type: ignore[return-value]
    try:
        result.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    result.close()
    raise KernelError(Errno.EDEADLK, "the answer would have to be waited for")


def then(value: Any, work: Callable[[Any], object]) -> Any:
    """The value of a call, or the coroutine that gives it, once ``work`` has seen it: not before the call is done."""
    if type(value) is CoroutineType:
        return _then(value, work)
    work(value)
    return value


async def _then(coming: Any, work: Callable[[Any], object]) -> Any:
    value = await coming
    work(value)
    return value


async def value_of(result: T | Call[T]) -> T:
    """Awaits what a handler gave back, whether it was the value or a coroutine."""
    if type(result) is CoroutineType:
        return await result  # type: ignore[no-any-return]
    return result  # type: ignore[return-value]

"""Workers: threads in which synchronous code of a component may wait, while the component goes on with other calls.

A handler that awaits is driven from outside (`rumpuser.pending`), but a file system driver is ordinary synchronous code
that wants the bytes of a disk *now*. Where the disk is in another process, the call runs in a worker, and the code may
call `wait` at any depth. A worker **takes turns** with the thread of its kernel: one of both runs at a time, and
control changes hands in `wait` and at the end alone. So a worker is a coroutine whose stack happens to be a thread's;
nothing of the component needs a lock, and code that never waits costs what it did.

In placement ``local`` the thread that made the call waits itself (`OwnThread`), letting go of the kernel meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from rumpuser.component import Context, Peer
from rumpuser.here import here
from rumpuser.pending import Pending, Running, run_blocking, start
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step

T = TypeVar("T")

ANSWER_S = 10.0
"""A component that does not answer a driver by then counts as broken."""
WORKERS_MAX = 512
IDLE_MAX = 8
"""Threads that are kept for later calls."""


class Waiter(Protocol):
    """Whoever may wait in the middle of synchronous code."""

    def wait(self, pending: Pending[T]) -> T: ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Arms a timer and returns what disarms it."""
        ...


def waiter() -> Waiter | None:
    """Who waits for code of this thread; None where it must not wait."""
    return cast("Waiter | None", here.waiter)


def wait(pending: Pending[T]) -> T:
    """The value of what is not there yet; raises its error, or that of a call that was cancelled. EDEADLK elsewhere."""
    if pending.done:
        return pending.result()
    found = waiter()
    if found is None:
        raise KernelError(Errno.EDEADLK, "the answer would have to be waited for")
    return found.wait(pending)


class Worker:
    """One thread. ``begin`` gives it something to do, each `turn` lets it run until it waits or has done it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._work: Callable[[], Any] | None = None
        self._pending: Pending[Any] | None = None
        self._interrupted: BaseException | None = None
        self._outcome: Pending[Any] = Pending()
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        threading.Thread(target=self._live, name="rump-worker", daemon=True).start()

    # -- on the loop

    async def run(self, work: Callable[[], T]) -> T:
        """Does something in the thread."""
        self._work, self._outcome = work, Pending()
        self._turn()
        while self._pending is not None:
            pending = self._pending
            try:
                await pending
            except BaseException as error:  # noqa: BLE001  it belongs to whoever waits there
                if isinstance(error, KernelError) and not (pending.done or pending.interruptible):
                    continue
                self._interrupted = error
            self._turn()
        return cast(T, self._outcome.result())

    def end(self) -> None:
        """Ends the thread, which has nothing to do."""
        self._work = None
        self._go.release()

    def _turn(self) -> None:
        self._go.release()
        self._back.acquire()

    # -- in the thread

    def wait(self, pending: Pending[T]) -> T:
        if not pending.done:
            self._pending = pending
            self._back.release()
            self._go.acquire()
            self._pending = None
            interrupted, self._interrupted = self._interrupted, None
            if interrupted is not None:
                raise interrupted
        return pending.result()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(seconds, callback).cancel

    def _live(self) -> None:
        here.waiter = self
        asyncio._set_running_loop(self._loop)  # the loop stands still while this thread runs, and is as if it ran here
        while True:
            self._go.acquire()
            if self._work is None:
                return
            try:
                self._outcome.resolve(self._work())
            except BaseException as error:  # noqa: BLE001  whoever asked for it is told
                self._outcome.fail(error)
            self._work = None
            self._back.release()


class Workers:
    """The workers of one loop. As many run as there are calls that wait at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: list[Worker] = []
        self.running = 0

    async def offload(self, work: Callable[[], T]) -> T:
        """EAGAIN when too many wait already."""
        if self.running >= WORKERS_MAX:
            raise KernelError(Errno.EAGAIN, f"{WORKERS_MAX} calls wait in workers already")
        self.running += 1
        worker = self._idle.pop() if self._idle else Worker(self._loop)
        try:
            return await worker.run(work)
        finally:
            self.running -= 1
            if len(self._idle) < IDLE_MAX:
                self._idle.append(worker)
            else:
                worker.end()

    def aside(self, work: Callable[[], T]) -> Pending[T]:
        """Starts host code that blocks, in a thread that has nothing to do with the kernel."""
        pending: Pending[T] = Pending()
        pending.interruptible = False
        loop = self._loop
        threading.Thread(
            target=settle, args=(work, pending, loop.call_soon_threadsafe), name="rump-aside", daemon=True
        ).start()
        return pending


class OwnThread:
    """The thread of a caller of a kernel in this process, which holds its lock ``turn``."""

    def __init__(self, turn: threading.Condition) -> None:
        self._turn = turn

    def offload(self, work: Callable[[], T]) -> T:
        before, here.waiter = here.waiter, self
        try:
            return work()
        finally:
            here.waiter = before

    def wait(self, pending: Pending[T]) -> T:
        waiting: Any = _awaited(pending)
        return cast(T, run_blocking(waiting, self._turn))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        def late() -> None:
            with self._turn:
                callback()

        timer = threading.Timer(seconds, late)
        timer.daemon = True
        timer.start()
        return timer.cancel

    def aside(self, work: Callable[[], T]) -> Pending[T]:
        pending: Pending[T] = Pending()
        pending.interruptible = False

        def soon(callback: Callable[[], None]) -> None:
            with self._turn:
                callback()

        threading.Thread(target=settle, args=(work, pending, soon), name="rump-aside", daemon=True).start()
        return pending


async def _awaited(pending: Pending[T]) -> T:
    return await pending


def settle(work: Callable[[], T], pending: Pending[T], soon: Callable[[Callable[[], None]], Any]) -> None:
    """Does host code and finishes a `Pending` by way of ``soon``."""
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001  whoever waits is told
        failure = error
        soon(lambda: pending.fail(failure))
    else:
        soon(lambda: pending.resolve(value))


class Waiting:
    """A component as a peer whose calls wait for their values. An answer is waited for even when the call is cancelled:
    a driver cannot be left in the middle. ETIMEDOUT when there is none."""

    def __init__(self, peer: Peer, who: Waiter) -> None:
        self._peer = peer
        self._who = who

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        return self._value(self._peer.call(ctx, op, args), op.cname)

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return self._value(self._peer.run(ctx, steps, keep_going), steps[0].op.cname)

    def _value(self, result: Any, name: str) -> Any:
        running = start(result)
        if not isinstance(running, Running):
            return running
        answer: Pending[Any] = Pending()
        answer.interruptible = False
        running.outcome.when_done(lambda: _pass_on(running.outcome, answer))
        late = KernelError(Errno.ETIMEDOUT, f"no answer to {name} within {ANSWER_S:.0f} s")
        disarm = self._who.call_later(ANSWER_S, lambda: answer.fail(late))
        try:
            return self._who.wait(answer)
        finally:
            disarm()


def _pass_on(outcome: Pending[Any], answer: Pending[Any]) -> None:
    try:
        answer.resolve(outcome.result())
    except BaseException as error:  # noqa: BLE001  whoever waits is told
        answer.fail(error)

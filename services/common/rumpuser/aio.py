"""Where calls of the kernel meet asyncio: an asyncio task awaits what a component gave back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from rumpuser.pending import Pending, Running, start
from rumpwire.errno import Errno, KernelError

T = TypeVar("T")


async def settle(result: Any) -> Any:
    """Awaits a handler's result in an asyncio task. When the task is cancelled the call ends with EINTR."""
    running = start(result)
    if not isinstance(running, Running):
        return running
    return await finished(running)


async def arrival(pending: Pending[T]) -> T:
    """Awaits a `Pending` in an asyncio task."""
    if not pending.done:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        pending.when_done(lambda: None if done.done() else done.set_result(None))
        await done
    return pending.result()


async def finished(running: Running[T]) -> T:
    """Awaits a call that is on its way. When the task is cancelled the call ends with EINTR."""
    try:
        return await arrival(running.outcome)
    except asyncio.CancelledError:
        running.cancel(KernelError(Errno.EINTR, "cancelled by the caller"))
        raise


def pending_of(coroutine: Coroutine[Any, Any, T]) -> Pending[T]:
    """An asyncio coroutine, started as a task, as something that a handler may await."""
    pending: Pending[T] = Pending()
    task = asyncio.get_running_loop().create_task(coroutine)
    _tasks.add(task)

    def finish(done: asyncio.Task[T]) -> None:
        _tasks.discard(done)
        if done.cancelled():
            pending.fail(KernelError(Errno.EINTR, "cancelled"))
        elif (error := done.exception()) is not None:
            pending.fail(error)
        else:
            pending.resolve(done.result())

    task.add_done_callback(finish)
    return pending


_tasks: set[asyncio.Task[Any]] = set()  # asyncio itself holds tasks only weakly

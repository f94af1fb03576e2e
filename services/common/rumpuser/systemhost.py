"""The host as it is: clocks and timers of this machine, its entropy, its files and devices.

`SystemHost` keeps its timers on an asyncio loop, for the process of a component. `LocalHost` is for a kernel inside
somebody's program (placement ``local``): there a callout thread fires timers, and a poller thread waits for
descriptors, while they hold the kernel's lock.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rumpuser.descriptor import Descriptor, refilled
from rumpuser.devices.hostsocket import HostSockets
from rumpuser.devices.system import SystemPorts
from rumpuser.hostfiles import SystemFiles
from rumpuser.pending import Call, Pending, start
from rumpuser.polling import LoopPolling, Polled, Turn
from rumpuser.records import NoRecords, Records
from rumpuser.workers import OwnThread, Workers, wait, waiter

T = TypeVar("T")

log = logging.getLogger(__name__)

_LATE_NS = 1000
"""Timers fire this much later, since the loop rounds and may be early by the resolution of its clock."""


class SystemClock:
    """What both hosts have alike."""

    def __init__(self, records: Records | None = None) -> None:
        self.records = records or NoRecords()
        self.files = SystemFiles()
        self.sockets = HostSockets(self)
        self.ports = SystemPorts(self)

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        raise NotImplementedError

    def poll(self, device: Polled) -> Callable[[], None]:
        raise NotImplementedError

    def linger(self, ready: Callable[[], object]) -> bool:
        """The loop looks at devices, and nobody waits in a thread."""
        return False

    def realtime_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def entropy(self, length: int) -> bytes:
        return os.urandom(length)


class Alarm:
    """A timer of `SystemHost`, which a successor has at the same time: the monotonic clock is that of the machine."""

    __slots__ = ("_callback", "_deadline_ns", "_handle", "_host")

    def __init__(self, host: SystemHost, deadline_ns: int, callback: Callable[[], None]) -> None:
        self._host = host
        self._deadline_ns = deadline_ns
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None
        host.add(self)

    def begin(self) -> None:
        self._handle = self._host.loop.call_at((self._deadline_ns + _LATE_NS) / 1e9, self._fire)

    def pause(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def end(self) -> None:
        self.pause()
        self._host.drop(self)

    def _fire(self) -> None:
        self._host.drop(self)
        self._callback()

    def __reduce__(self) -> Any:
        ended = self not in self._host.at_work
        return refilled(self, (self._host, self._deadline_ns, self._callback, ended))

    def _fill(self, state: tuple[Any, ...]) -> None:
        self._host, self._deadline_ns, self._callback, ended = state
        self._handle = None
        if not ended:
            self._host.add(self)


class Watch:
    """A descriptor that `SystemHost` waits for."""

    __slots__ = ("_callback", "_fd", "_host")

    def __init__(self, host: SystemHost, fd: int, callback: Callable[[], None]) -> None:
        self._host, self._fd, self._callback = host, fd, callback
        host.add(self)

    def begin(self) -> None:
        self._host.loop.add_reader(self._fd, self._callback)

    def pause(self) -> None:
        self._host.loop.remove_reader(self._fd)

    def end(self) -> None:
        if self in self._host.at_work:
            self.pause()
            self._host.drop(self)

    def __reduce__(self) -> Any:
        ended = self not in self._host.at_work
        fd = self._fd if ended else Descriptor(self._fd)
        return refilled(self, (self._host, fd, self._callback, ended))

    def _fill(self, state: tuple[Any, ...]) -> None:
        self._host, self._fd, self._callback, ended = state
        if not ended:
            self._host.add(self)


class SystemHost(SystemClock):
    """Timers on an event loop; to be used in its thread.

    A host can be put to rest, and goes on when it is woken: nothing happens meanwhile, so that what its component is
    can be given to a successor (`rumpuser.replacement`).
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, records: Records | None = None, *, resting: bool = False
    ) -> None:
        super().__init__(records)
        self.loop = loop
        self.at_work: dict[Any, None] = {}
        """Timers, descriptors and devices, in the order in which they came."""
        self._workers = Workers(loop)
        self._soon = 0
        self._resting = resting

    @property
    def busy(self) -> bool:
        """Whether something is on its way that cannot rest: calls in workers, and what comes soon."""
        return bool(self._soon or self._workers.running)

    def rest(self) -> None:
        self._resting = True
        for each in self.at_work:
            each.pause()

    def wake(self) -> None:
        self._resting = False
        for each in list(self.at_work):
            each.begin()

    def handed(self) -> list[Any]:
        """What is at work, and goes over. The sockets of the host begin their own watch anew."""
        return [each for each in self.at_work if getattr(each, "_callback", None) != self.sockets.look]

    def add(self, each: Any) -> None:
        self.at_work[each] = None
        if not self._resting:
            each.begin()

    def drop(self, each: Any) -> None:
        self.at_work.pop(each, None)

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]:
        return Alarm(self, deadline_ns, callback).end

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._soon += 1
        self.loop.call_soon(self._do_soon, callback)

    def _do_soon(self, callback: Callable[[], None]) -> None:
        self._soon -= 1
        callback()

    def offload(self, work: Callable[[], T]) -> T | Call[T]:
        return self._workers.offload(work)

    def detach(self, work: Callable[[], None]) -> None:
        running: Any = self._workers.offload(work)
        start(running)

    def wait(self, pending: Pending[T]) -> T:
        return wait(pending)

    def aside(self, work: Callable[[], T]) -> T:
        return wait(self._workers.aside(work)) if waiter() is not None else work()

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        return Watch(self, fd, callback).end

    def poll(self, device: Polled) -> Callable[[], None]:
        return LoopPolling(self, device).end


class Callout:
    """A timer of `LocalHost`. Fields change under the kernel's lock alone."""

    __slots__ = ("armed", "callback", "deadline_ns", "order")

    def __init__(self, deadline_ns: int, order: int, callback: Callable[[], None]) -> None:
        self.deadline_ns = deadline_ns
        self.order = order
        self.callback = callback
        self.armed = True

    def __lt__(self, other: Callout) -> bool:
        return (self.deadline_ns, self.order) < (other.deadline_ns, other.order)

    def disarm(self) -> None:
        self.armed = False


class Poller:
    """The thread of `LocalHost` that waits for descriptors; started by the first one."""

    def __init__(self, turn: threading.Condition) -> None:
        self._turn = turn
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None
        self._thread: threading.Thread | None = None
        self._end = -1

    def add(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        """With the kernel's lock held, as what it returns."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._end = os.eventfd(0, os.EFD_CLOEXEC)
            self._epoll.register(self._end, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="rump-poller", daemon=True)
            self._thread.start()
        self._callbacks[fd] = callback
        self._epoll.register(fd, select.EPOLLIN)
        return lambda: self._remove(fd)

    def close(self) -> None:
        """Ends the thread. Not to be called with the kernel's lock held."""
        if self._epoll is not None and self._thread is not None:
            os.eventfd_write(self._end, 1)
            self._thread.join()
            self._epoll.close()
            os.close(self._end)
            self._epoll = None

    def _remove(self, fd: int) -> None:
        if self._callbacks.pop(fd, None) is not None and self._epoll is not None:
            self._epoll.unregister(fd)

    def _run(self, epoll: select.epoll) -> None:
        while True:
            for fd, _ in epoll.poll():
                if fd == self._end:
                    return
                with self._turn:
                    callback = self._callbacks.get(fd)
                    if callback is not None:
                        _guarded(callback, "a descriptor")


def _guarded(callback: Callable[[], None], what: str) -> None:
    """The thread that calls back goes on, whatever happens."""
    try:
        callback()
    except Exception:
        log.exception("internal error in what %s woke", what)


class LocalHost(SystemClock):
    """Timers on a thread of their own, which is started by the first one.

    ``turn`` is the kernel's lock (`rumpuser.pending.run_blocking`): whoever arms or disarms a timer holds it, and the
    thread holds it while a callback runs. ``_change`` guards the heap and is never held while waiting for ``turn``.
    """

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn
        self._thread_of_caller = OwnThread(turn)
        self._poller = Poller(turn)
        self._change = threading.Condition(threading.Lock())
        self._heap: list[Callout] = []
        self._armed = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]:
        with self._change:
            self._armed += 1
            callout = Callout(deadline_ns, self._armed, callback)
            heapq.heappush(self._heap, callout)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._fire, name="rump-callout", daemon=True)
                self._thread.start()
            elif self._heap[0] is callout:
                self._change.notify()
        return callout.disarm

    def call_soon(self, callback: Callable[[], None]) -> None:
        """At once: only threads wait here, and they go on when they get the kernel's lock."""
        callback()

    def offload(self, work: Callable[[], T]) -> T | Call[T]:
        """In the thread of the caller, who may wait."""
        return self._thread_of_caller.offload(work)

    def detach(self, work: Callable[[], None]) -> None:
        """In a thread of its own: that of the timers must not wait."""

        def run() -> None:
            with self._turn:
                self._thread_of_caller.offload(work)

        threading.Thread(target=run, name="rump-detached", daemon=True).start()

    def wait(self, pending: Pending[T]) -> T:
        return wait(pending)

    def aside(self, work: Callable[[], T]) -> T:
        return wait(self._thread_of_caller.aside(work)) if waiter() is not None else work()

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        return self._poller.add(fd, callback)

    def poll(self, device: Polled) -> Callable[[], None]:
        """Threads whose calls wait look at it, and the poller thread when there are none."""
        self._turn.devices.append(device)
        unwatch = self._poller.add(device.fileno(), lambda: self._rung(device))
        device.arm()

        def end() -> None:
            if device in self._turn.devices:
                self._turn.devices.remove(device)
                unwatch()

        return end

    def linger(self, ready: Callable[[], object]) -> bool:
        return self._turn.linger(ready)

    def _rung(self, device: Polled) -> None:
        device.hush()
        self._turn.attend()

    def close(self) -> None:
        """Ends the threads. Not to be called with the kernel's lock held."""
        self._poller.close()
        with self._change:
            self._closed = True
            self._heap.clear()
            self._change.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _fire(self) -> None:
        while (callout := self._next()) is not None:
            with self._turn:
                if callout.armed:
                    callout.armed = False
                    _guarded(callout.callback, "a timer")

    def _next(self) -> Callout | None:
        """Waits for the next timer to fall due; None when closed."""
        with self._change:
            while not self._closed:
                while self._heap and not self._heap[0].armed:
                    heapq.heappop(self._heap)
                rest = self._heap[0].deadline_ns - time.monotonic_ns() if self._heap else None
                if rest is not None and rest <= 0:
                    return heapq.heappop(self._heap)
                self._change.wait(rest / 1e9 if rest is not None else None)
            return None

"""Waiting for descriptors of a kernel, with the shapes of the `select` module: select, poll and kqueue objects.

They take descriptors or whatever has a ``fileno`` that is one (sockets of a kernel), and the host's numbers of events.
"""

from __future__ import annotations

import contextlib
import math
import selectors
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from rump import _host
from rumpwire import const
from rumpwire.values import Kevent

if TYPE_CHECKING:
    from rump._sys import AsyncSys, Sys


class HasFileno(Protocol):
    def fileno(self) -> int: ...


FileLike: TypeAlias = int | HasFileno

POLLIN, POLLOUT, POLLPRI = (_host.POLL.names[name] for name in ("POLLIN", "POLLOUT", "POLLPRI"))
_MAX_EVENTS = 1024


def number(file: FileLike) -> int:
    """The descriptor of a file. ValueError for one that is closed."""
    fd = file if isinstance(file, int) else file.fileno()
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def sets(*lists: Iterable[Any]) -> tuple[int, list[dict[int, Any]]]:
    """The first argument of select, and for each list its files by descriptor."""
    found = [{number(file): file for file in files} for files in lists]
    return max((fd for files in found for fd in files), default=-1) + 1, found


def chosen(files: list[dict[int, Any]], result: Any) -> tuple[list[Any], list[Any], list[Any]]:
    r, w, x = ([by[fd] for fd in fds] for by, fds in zip(files, result[1:], strict=True))
    return r, w, x


def milliseconds(timeout: float | None) -> int:
    """As `select.poll.poll` rounds: up, so that it is never early."""
    return -1 if timeout is None or timeout < 0 else math.ceil(timeout)


class Registered:
    """Descriptors and the events that are waited for, as in `select.poll`."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, fd: FileLike, eventmask: int = POLLIN | POLLPRI | POLLOUT) -> None:
        self._events[number(fd)] = eventmask

    def modify(self, fd: FileLike, eventmask: int) -> None:
        """FileNotFoundError when it was not registered."""
        if number(fd) not in self._events:
            raise FileNotFoundError(2, "not registered", fd)
        self._events[number(fd)] = eventmask

    def unregister(self, fd: FileLike) -> None:
        """KeyError when it was not registered."""
        del self._events[number(fd)]


class Poll(Registered):
    """What ``k.poll()`` gives: the methods of `select.poll`."""

    def __init__(self, sys: Sys) -> None:
        super().__init__()
        self._sys = sys

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """(descriptor, events) of those that are ready; ``timeout`` in milliseconds."""
        answer = self._sys.poll(self._events.items(), milliseconds(timeout))
        return [(entry.fd, entry.revents) for entry in answer.fds if entry.revents]


class AsyncPoll(Registered):
    """`Poll` for asyncio."""

    def __init__(self, sys: AsyncSys) -> None:
        super().__init__()
        self._sys = sys

    async def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:  # noqa: ASYNC109  as the host's
        answer = await self._sys.poll(self._events.items(), milliseconds(timeout))
        return [(entry.fd, entry.revents) for entry in answer.fds if entry.revents]


class Kqueue:
    """What ``k.kqueue()`` gives: the methods of `select.kqueue`, with `rump.Kevent`."""

    def __init__(self, sys: Sys) -> None:
        self._sys = sys
        self._fd = sys.kqueue1(_host.OPEN.names["O_CLOEXEC"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def fileno(self) -> int:
        return self._fd

    def control(
        self, changelist: Iterable[Kevent] | None, max_events: int, timeout: float | None = None
    ) -> list[Kevent]:
        """Does changes, then waits for events; ``timeout`` in seconds."""
        return self._sys.kevent(self._fd, list(changelist or ()), max_events, timeout)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._sys.close(fd)


_FILTERS = {selectors.EVENT_READ: const.EVFILT_READ, selectors.EVENT_WRITE: const.EVFILT_WRITE}


class Selector(selectors.BaseSelector):
    """What ``k.selector()`` gives: the methods of `selectors.BaseSelector`, over a kqueue."""

    def __init__(self, sys: Sys) -> None:
        self._kqueue = Kqueue(sys)
        self._keys: dict[int, selectors.SelectorKey] = {}

    def fileno(self) -> int:
        return self._kqueue.fileno()

    def register(self, fileobj: FileLike, events: int, data: Any = None) -> selectors.SelectorKey:
        """ValueError for no events, KeyError when it is registered already, and what kevent says."""
        if not events or events & ~(selectors.EVENT_READ | selectors.EVENT_WRITE):
            raise ValueError(f"Invalid events: {events!r}")
        fd = number(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
        self._change(fd, events, const.EV_ADD)
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def unregister(self, fileobj: FileLike) -> selectors.SelectorKey:
        """KeyError when it is not registered."""
        key = self._keys.pop(self._find(fileobj))
        with contextlib.suppress(OSError):  # it was closed, which has ended the watch
            self._change(key.fd, key.events, const.EV_DELETE)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """(key, events) of what is ready; ``timeout`` in seconds, at once when it is not above 0."""
        wait = None if timeout is None else max(timeout, 0.0)
        ready: dict[int, int] = {}
        for event in self._kqueue.control(None, _MAX_EVENTS, wait):
            which = selectors.EVENT_READ if event.filter == const.EVFILT_READ else selectors.EVENT_WRITE
            ready[event.ident] = ready.get(event.ident, 0) | which
        return [(self._keys[fd], events) for fd, events in ready.items() if fd in self._keys]

    def close(self) -> None:
        self._keys.clear()
        self._kqueue.close()

    def get_map(self) -> Mapping[FileLike, selectors.SelectorKey]:
        """The registered files by descriptor."""
        return {fd: key for fd, key in self._keys.items()}  # noqa: C416  dict() would not have the type

    def get_key(self, fileobj: FileLike) -> selectors.SelectorKey:
        """KeyError when it is not registered."""
        return self._keys[self._find(fileobj)]

    def _find(self, fileobj: FileLike) -> int:
        for fd, key in self._keys.items():
            if key.fileobj is fileobj or fileobj == fd:
                return fd
        raise KeyError(f"{fileobj!r} is not registered")

    def _change(self, fd: int, events: int, flags: int) -> None:
        changes = [Kevent(fd, kind, flags) for event, kind in _FILTERS.items() if events & event]
        self._kqueue.control(changes, 0)

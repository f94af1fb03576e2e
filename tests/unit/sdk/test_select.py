"""Waiting with the shapes of the host's select and selectors, and with asyncio."""

from __future__ import annotations

import asyncio
import errno
import select
import selectors
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rump import Kevent
from tests.live import start_kernel


@pytest.fixture
def k() -> Iterator[Any]:
    with rump.Kernel() as kernel:
        yield kernel


def test_select(k: Any) -> None:
    a, b = k.socketpair()
    r, w = k.sys.pipe()
    assert k.select([a, r], [b, w], [a], 0) == ([], [b, w], [])
    b.send(b"x")
    assert k.select([a, r], [w], []) == ([a], [w], [])
    assert k.select([], [], [], 0.01) == ([], [], [])
    a.close()
    with pytest.raises(ValueError, match="negative"):
        k.select([a], [], [], 0)


def test_poll(k: Any) -> None:
    a, b = k.socketpair()
    poll = k.poll()
    poll.register(a, select.POLLIN)
    poll.register(b)
    assert poll.poll(0) == [(b.fileno(), select.POLLOUT)]
    poll.modify(b, 0)
    assert poll.poll(1.5) == []
    b.close()
    assert (a.fileno(), select.POLLIN | select.POLLHUP) in poll.poll()
    with pytest.raises(FileNotFoundError):
        poll.modify(99, 0)
    with pytest.raises(KeyError):
        poll.unregister(99)


def test_kqueue(k: Any) -> None:
    a, b = k.socketpair()
    with k.kqueue() as q:
        assert q.control([Kevent(a.fileno(), rump.EVFILT_READ, rump.EV_ADD)], 1, 0) == []
        b.send(b"abc")
        assert [(event.ident, event.data) for event in q.control(None, 5)] == [(a.fileno(), 3)]
        fd = q.fileno()
    assert q.closed
    with pytest.raises(OSError, match="not open"):
        k.sys.close(fd)


def test_the_errno_of_a_change_is_the_hosts(k: Any) -> None:
    q = k.kqueue()
    inner = k.kqueue()
    q.control([Kevent(inner.fileno(), rump.EVFILT_READ, rump.EV_ADD)], 0)
    (event,) = inner.control([Kevent(q.fileno(), rump.EVFILT_READ, rump.EV_ADD)], 1, 0)
    assert event.flags & rump.EV_ERROR
    assert event.data == errno.ELOOP


def test_selector(k: Any) -> None:
    a, b = k.socketpair()
    with k.selector() as chooser:
        key = chooser.register(a, selectors.EVENT_READ, "data")
        chooser.register(b, selectors.EVENT_READ | selectors.EVENT_WRITE)
        assert chooser.select(0) == [(chooser.get_key(b), selectors.EVENT_WRITE)]
        b.send(b"x")
        assert (key, selectors.EVENT_READ) in chooser.select()
        chooser.modify(b, selectors.EVENT_READ)
        assert chooser.select() == [(key, selectors.EVENT_READ)]
        with pytest.raises(KeyError):
            chooser.register(a, selectors.EVENT_READ)
        with pytest.raises(ValueError, match="Invalid events"):
            chooser.register(b, 0)
        assert set(chooser.get_map()) == {a.fileno(), b.fileno()}
        a.close()
        assert chooser.unregister(a) == key
        with pytest.raises(KeyError):
            chooser.unregister(a)
        assert [(found.fileobj, events) for found, events in chooser.select()] == [(b, selectors.EVENT_READ)]


def test_asyncio(tmp_path: Path) -> None:
    kernel = start_kernel(tmp_path / "kernel", "--placement", "server")

    async def main() -> None:
        async with rump.aio.connect(kernel.url) as k:
            r, w = await k.sys.pipe()
            waiting = asyncio.create_task(k.select([r], [], []))
            poll = k.poll()
            poll.register(r, select.POLLIN)
            assert await poll.poll(10) == []
            await k.sys.write(w, b"x")
            assert await waiting == ([r], [], [])
            assert await poll.poll() == [(r, select.POLLIN)]

    try:
        asyncio.run(main())
    finally:
        kernel.stop()
        assert kernel.process.stdout is not None
        kernel.process.stdout.close()

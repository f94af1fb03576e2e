"""Many connections: what an idle one takes, and that ten thousand come and go."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from rumpnet.core.tcp import layer
from rumpnet.core.tcp.timewait import TimeWait
from rumpwire import const
from tests.unit.net.kit import Kit, finished, lo

IDLE_MAX = 8192
"""Bytes that one end of an idle connection may take, its socket included."""


@pytest.fixture
def n() -> Kit:
    return Kit()


def listening(n: Kit, port: int) -> int:
    s: int = n("socket", const.AF_INET, const.SOCK_STREAM, 0)
    n("bind", s, lo(port))
    n("listen", s, 128)
    return s


def connection(n: Kit, server: int, port: int) -> tuple[int, int]:
    client: int = n("socket", const.AF_INET, const.SOCK_STREAM, 0)
    n("connect", client, lo(port))
    return client, finished(n("accept", server)).s


def test_memory_of_an_idle_connection(n: Kit) -> None:
    server = listening(n, 80)
    for one, two in [connection(n, server, 80) for _ in range(50)]:  # what is shared is there now
        n("write", one, b"x" * 3000)
        n("read", two, 3000)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    pairs = [connection(n, server, 80) for _ in range(300)]
    for one, two in pairs:
        n("write", one, b"x" * 3000)
        n("read", two, 3000)
    n.host.advance(5)
    gc.collect()
    taken = (tracemalloc.get_traced_memory()[0] - before) / (2 * len(pairs))
    tracemalloc.stop()
    assert taken <= IDLE_MAX


def test_memory_of_a_connection_in_time_wait(n: Kit) -> None:
    server = listening(n, 80)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(300):
        for end in connection(n, server, 80):
            n("close", end)
    gc.collect()
    taken = (tracemalloc.get_traced_memory()[0] - before) / 300
    tracemalloc.stop()
    assert all(isinstance(c, TimeWait) for c in n.inet.tcp.connections.values())
    assert taken <= 1536


def test_ten_thousand_connections(n: Kit) -> None:
    server = listening(n, 80)
    pairs = [connection(n, server, 80) for _ in range(5000)]
    assert len(n.inet.tcp.connections) == 10_000
    one, two = pairs[2500]
    n("write", one, b"found")
    assert bytes(n("read", two, 10)) == b"found"
    for one, two in pairs:
        n("close", one)
        n("close", two)
    assert len(n.inet.tcp.connections) == 5000, "in TIME_WAIT"
    n.host.advance(61)
    assert not n.inet.tcp.connections
    assert not [port for port in n.inet.tcp.ends.by_port if port != 80]
    assert n.inet.tcp.wheel.empty


def test_time_wait_is_bounded(n: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "TIME_WAIT_MAX", 10)
    server = listening(n, 80)
    for _ in range(20):
        for end in connection(n, server, 80):
            n("close", end)
    assert len(n.inet.tcp.connections) == 10
    n.host.advance(61)
    for end in connection(n, server, 80):
        n("close", end)
    assert len(n.inet.tcp.connections) == 1

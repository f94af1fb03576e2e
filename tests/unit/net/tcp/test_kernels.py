"""TCP between whole kernels on one wire."""

from __future__ import annotations

from rumpwire import const
from rumpwire.values import Linger, SockaddrIn
from tests.unit.net.kit import fails, finished, waits
from tests.unit.net.lab import Lab


def stream(n: object) -> int:
    return n("socket", const.AF_INET, const.SOCK_STREAM, 0)  # type: ignore[operator,no-any-return]


def test_a_host_that_is_not_there() -> None:
    one, _, _ = Lab().two()
    s = stream(one)
    running = one("connect", s, SockaddrIn(bytes([10, 0, 0, 99]), 80))
    one.host.advance(80)
    assert fails(lambda: running) in ("EHOSTDOWN", "EHOSTUNREACH")


def test_two_kernels() -> None:
    one, two, _ = Lab().two()
    server, client = stream(two), stream(one)
    two("bind", server, SockaddrIn(bytes(4), 80))
    two("listen", server, 5)
    running = one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 80))
    one.host.advance(1)
    finished(running)
    peer = finished(two("accept", server)).s
    one("write", client, b"across")
    one.host.advance(1)
    assert bytes(two("read", peer, 100)) == b"across"
    two("close", peer)
    one.host.advance(1)
    assert finished(one("read", client, 100)) == b""


def test_close_lingers_until_all_is_taken() -> None:
    one, two, wire = Lab().two()
    server, client = stream(two), stream(one)
    two("bind", server, SockaddrIn(bytes(4), 80))
    two("listen", server, 5)
    running = one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 80))
    one.host.advance(1)
    finished(running)
    peer = finished(two("accept", server)).s
    one("setsockopt", client, const.SOL_SOCKET, const.SO_LINGER, Linger(1, 5))
    wire.lose = lambda frame: True
    one("write", client, b"slowly")
    closing = waits(one("close", client))
    one.host.advance(1)
    waits(closing)
    wire.lose = lambda frame: False
    one.host.advance(3)
    finished(closing)
    assert bytes(two("read", peer, 100)) == b"slowly"


def test_a_kernel_that_ends_does_not_linger() -> None:
    one, two, wire = Lab().two()
    server, client = stream(two), stream(one)
    two("bind", server, SockaddrIn(bytes(4), 80))
    two("listen", server, 5)
    finished(one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 80)))
    one("setsockopt", client, const.SOL_SOCKET, const.SO_LINGER, Linger(1, 5))
    wire.lose = lambda frame: True
    one("write", client, b"never")
    one.component.stop()
    assert not one.net.sockets

"""TCP between whole kernels on one wire."""

from __future__ import annotations

from typing import Any

import pytest

from rumpwire import const
from rumpwire.values import Linger, SockaddrIn, SockoptInteger
from tests.unit.net.kit import fails, finished, waits
from tests.unit.net.lab import Lab, Wire


def stream(n: object) -> int:
    return n("socket", const.AF_INET, const.SOCK_STREAM, 0)  # type: ignore[operator,no-any-return]


def test_a_host_that_is_not_there() -> None:
    one, _, _ = Lab().two()
    s = stream(one)
    running = one("connect", s, SockaddrIn(bytes([10, 0, 0, 99]), 80))
    one.host.advance(80)
    assert fails(lambda: running) in ("EHOSTDOWN", "EHOSTUNREACH")


def connected(one: Any, two: Any) -> tuple[int, int]:
    """The ends of a connection from the first kernel to the second."""
    server, client = stream(two), stream(one)
    two("bind", server, SockaddrIn(bytes(4), 80))
    two("listen", server, 5)
    running = one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 80))
    one.host.advance(1)
    finished(running)
    peer = finished(two("accept", server)).s
    return client, peer


def test_two_kernels() -> None:
    one, two, _ = Lab().two()
    client, peer = connected(one, two)
    one("write", client, b"across")
    one.host.advance(1)
    assert bytes(two("read", peer, 100)) == b"across"
    two("close", peer)
    one.host.advance(1)
    assert finished(one("read", client, 100)) == b""


def test_close_lingers_until_all_is_taken() -> None:
    one, two, wire = Lab().two()
    client, peer = connected(one, two)
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


@pytest.mark.parametrize(("kept", "got"), [(0, b""), (1, b"later")])
def test_what_comes_after_the_reader_has_shut_down(kept: int, got: bytes) -> None:
    one, two, _ = Lab().two()
    two.inet.tcp.sysctl.read_after_shutdown.value = kept
    client, peer = connected(one, two)
    one("write", client, b"before")
    two("shutdown", peer, const.SHUT_RD)
    assert two("read", peer, 100) == b""
    one("write", client, b"later")
    one.host.advance(1)
    assert bytes(two("read", peer, 100)) == got
    assert two("read", peer, 100) == b""


def test_a_syn_whose_data_are_too_long_for_the_path_goes_again_at_once() -> None:
    """Fast Open through a router that tells of a narrower link."""
    lab, near, far = Lab(), Wire(), Wire()
    client, router, server = (lab.machine() for _ in range(3))
    client.plug(near, "10.0.0.1/24")
    router.plug(near, "10.0.0.254/24")
    router.plug(far, "10.1.0.254/24").set_mtu(700)
    server.plug(far, "10.1.0.2/24")
    client("netconfig_ipv4_gw", "10.0.0.254")
    server("netconfig_ipv4_gw", "10.1.0.254")
    router.inet.ip.forwarding.value = 1
    listener, name = stream(server), SockaddrIn(bytes([10, 1, 0, 2]), 80)
    server("bind", listener, SockaddrIn(bytes(4), 80))
    server("listen", listener, 5)
    server("setsockopt", listener, const.IPPROTO_TCP, const.TCP_FASTOPEN, SockoptInteger(5))
    first = client("sendto", stream(client), b"x", const.MSG_FASTOPEN, name)  # gets the cookie
    lab.host.advance(2)
    finished(first)
    begin = lab.host.now_ns
    second = client("sendto", stream(client), bytes(1200), const.MSG_FASTOPEN, name)
    lab.host.advance(0.5)
    assert finished(second) == 1200
    assert finished(server("accept", listener)).name.sin_port
    peer = finished(server("accept", listener)).s
    assert bytes(server("read", peer, 2000)) == bytes(1200)
    assert lab.host.now_ns - begin < 600_000_000, "not by its timer, which is a second"


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

"""When segments leave and what waits: pacing, an interface without room, and sends that count as Linux counts."""

from __future__ import annotations

import pytest

from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SockaddrIn, SockoptInteger
from tests.unit.net.kit import fails, finished, waits
from tests.unit.net.lab import Lab
from tests.unit.net.tcp.machines import A, Link
from tests.unit.net.tcp.test_kernels import connected, stream

MS = 1_000_000
FULL = KernelError(Errno.ENOBUFS, "the queue takes none")


def bursts(link: Link) -> list[int]:
    """Bytes that left within one millisecond, once the first window was answered."""
    found: dict[int, int] = {}
    for at, src, segment in link.log:
        if src == A and len(segment.payload):
            found[at // MS] = found.get(at // MS, 0) + len(segment.payload)
    return list(found.values())[1:]


def test_pacing_spreads_a_window_over_its_round_trip() -> None:
    def sent(pacing: int) -> Link:
        link = Link(delay=0.05)
        link.a.tcp.sysctl.pacing.value = pacing
        client, server = link.pair()
        client.write(bytes(300_000))
        link.run(3)
        assert len(server.got) == 300_000
        return link

    assert max(bursts(sent(0))) > 20 * 1460
    assert max(bursts(sent(1))) <= 5 * 1460


def test_what_an_interface_has_no_room_for_is_tried_again_without_doubling() -> None:
    link = Link()
    client, server = link.pair()
    link.a.ip.error = FULL
    client.write(b"later")
    link.run(10)
    c = client.c
    assert (c.snd_nxt, c.unsent, c.rtt.backoff) == (c.snd_una, 5, 0)
    assert 15 <= c.probes <= 21
    link.a.ip.error = None
    link.run(0.6)
    assert bytes(server.got) == b"later"
    assert (c.cwnd >= 10 * c.mss, c.probes, c.total_retrans) == (True, 0, 0)


def test_segments_behind_one_that_was_refused_stay() -> None:
    """Some of a window are under way when the interface is full: nothing is lost, nothing sent twice."""
    link = Link()
    client, server = link.pair()
    left = [3]
    carry = link.a.ip.send

    def send(*args: object, **kwargs: object) -> None:
        left[0] -= 1
        link.a.ip.error = FULL if left[0] < 0 else None
        carry(*args, **kwargs)  # type: ignore[arg-type]

    link.a.ip.send = send  # type: ignore[method-assign]
    client.write(b"0123456789" * 5000)
    link.run(0.005)
    assert 0 < client.c.snd_nxt - client.c.snd_una < 50_000
    left[0] = 1 << 30
    link.run(3)
    assert bytes(server.got) == b"0123456789" * 5000
    assert client.c.total_retrans == 0


def test_the_user_timeout_ends_that() -> None:
    link = Link()
    client, _ = link.pair()
    client.c.opt.user_timeout = 3000 * MS
    link.a.ip.error = FULL
    client.write(b"never")
    link.run(4)
    assert (client.errno, client.over) == (Errno.ETIMEDOUT, True)


@pytest.mark.parametrize(("linux", "taken"), [(0, 20_000), (1, 60_000)])
def test_a_packet_that_was_begun_is_filled(linux: int, taken: int) -> None:
    """The bound holds to the byte; with send_records up to 64 KiB go beyond it, and writers wait for a third."""
    one, two, wire = Lab().two()
    one.inet.tcp.sysctl.send_records.value = linux
    client, peer = connected(one, two)
    one("setsockopt", client, const.SOL_SOCKET, const.SO_SNDBUF, SockoptInteger(20_000))
    one("fcntl", client, const.F_SETFL, const.O_NONBLOCK, None)
    wire.lose = lambda frame: True
    count = one("write", client, bytes(200_000))
    assert count == taken if not linux else 20_000 < count <= taken
    assert fails(lambda: one("write", client, b"x")) == "EAGAIN"
    wire.lose = lambda frame: False
    one.host.advance(5)
    assert len(two("read", peer, 200_000)) == count


def test_a_send_waits_for_the_connection_that_is_made() -> None:
    one, two, wire = Lab().two()
    server, client = stream(two), stream(one)
    two("bind", server, SockaddrIn(bytes(4), 80))
    two("listen", server, 5)
    wire.lose = lambda frame: True
    running = waits(one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 80)))
    assert fails(lambda: one("write", client, b"early")) == "ENOTCONN"
    one.inet.tcp.sysctl.send_early.value = 1
    assert fails(lambda: one("sendto", client, b"early", const.MSG_DONTWAIT, None)) == "EAGAIN"
    sending = waits(one("write", client, b"early"))
    wire.lose = lambda frame: False
    one.host.advance(5)
    finished(running)
    assert finished(sending) == 5
    peer = finished(two("accept", server)).s
    assert bytes(two("read", peer, 10)) == b"early"


def test_an_attempt_that_failed_is_a_hang_up_and_leaves_its_figures() -> None:
    one, _, wire = Lab().two()
    client = stream(one)
    one("fcntl", client, const.F_SETFL, const.O_NONBLOCK, None)
    wire.lose = lambda frame: True
    assert fails(lambda: one("connect", client, SockaddrIn(bytes([10, 0, 0, 2]), 9))) == "EINPROGRESS"
    wire.lose = lambda frame: False
    one.host.advance(5)
    so = one.net.socket(client)
    assert so.poll() & (const.POLLHUP | const.POLLERR) == const.POLLHUP | const.POLLERR
    assert one("getsockopt", client, const.IPPROTO_TCP, const.TCP_INFO).tcpi_snd_mss > 0
    assert one("getsockopt", client, const.SOL_SOCKET, const.SO_ERROR).integer == Errno.ECONNREFUSED
    assert not so.poll() & const.POLLHUP

"""What the sysctl nodes of TCP change, over a link in memory and with a clock that is turned by hand."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from rumpnet.core.tcp.congestion import ABC_ALL, Congestion
from rumpnet.core.tcp.scoreboard import SACKED, Scoreboard
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.sysctl import Sysctl
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.wire import tcp
from tests.unit.net.tcp.machines import A, B, Link, User
from tests.unit.net.tcp.test_features import inject

SYN, ACK, PSH, ECE = tcp.SYN, tcp.ACK, tcp.PSH, tcp.ECE


def route(*, mtu: int = 1500, loopback: bool = False, gateway: bytes = b"") -> Any:
    return SimpleNamespace(iface=SimpleNamespace(mtu=mtu, loopback=loopback), gateway=gateway)


def connected(link: Link) -> tuple[User, User]:
    listening = link.b.listen()
    client = link.a.connect(B)
    link.run(0.2)
    return client, listening.accepted[0]


def grown(link: Link) -> tuple[list[int], list[int]]:
    """Buffers of both sides, over time, while much is sent."""
    client, server = connected(link)
    client.write(bytes(3 << 20))
    sent, received = [client.c.snd_hiwat], [server.c.rcv.hiwat]
    for _ in range(400):
        link.run(0.005)
        received.append(server.c.rcv.hiwat)
    return sent, received


def test_receive_buffers_grow_by_an_increment() -> None:
    link = Link()
    link.b.tcp.sysctl.recvbuf_inc.put(1000)
    _, sizes = grown(link)
    steps = {after - before for before, after in pairwise(sizes)}
    assert 1000 in steps
    assert max(sizes) < max(grown(Link())[1])


def test_the_announced_segment_size() -> None:
    link = Link()
    link.b.listen()
    link.a.ip.route = lambda dst: route(mtu=9000)  # type: ignore[method-assign,assignment]
    link.a.connect(B)
    assert link.log[-1][2].mss == 1460
    link.a.tcp.sysctl.mss_ifmtu.put(1)
    link.a.connect(B)
    assert link.log[-1][2].mss == 8960


def test_buckets_of_the_syn_cache_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link()
    link.b.listen()
    cache = link.b.tcp.syncache
    monkeypatch.setattr(cache, "_bucket", lambda key: key[3] % 2)
    link.b.tcp.sysctl.syn_bucket_limit.put(3)
    for port in range(1000, 1020, 2):
        inject(link.b, bytes([10, 9, 9, 1]), (port, 80), 7, 0, SYN)
    assert (cache.count(), link.b.tcp.stats["SYN cookies sent"]) == (3, 7)
    inject(link.b, bytes([10, 9, 9, 1]), (1001, 80), 7, 0, SYN)
    assert cache.count() == 4
    link.run(80)
    assert cache.count() == 0
    inject(link.b, bytes([10, 9, 9, 1]), (1000, 80), 7, 0, SYN)
    assert cache.count() == 1


def test_the_initial_window_by_distance() -> None:
    link = Link()
    link.a.tcp.sysctl.init_win_local.put(3)
    for gateway, segments in ((b"", 3), (bytes([10, 0, 0, 9]), 10)):
        link.a.ip.route = lambda dst, gateway=gateway: route(gateway=gateway)  # type: ignore[method-assign,misc]
        client, _ = connected(link)
        assert client.c.cwnd == link.a.tcp.initial_window(client.c)
        assert client.c.cwnd == pytest.approx(segments * client.c.mss, abs=segments * 20)


def test_what_is_sent_at_once_after_idle() -> None:
    def after_idle(burst: int) -> int:
        link = Link()
        link.a.tcp.sysctl.cwm_burst.put(burst)
        client, _ = connected(link)
        client.write(bytes(200_000))
        link.run(2)
        link.run(0.5)
        link.log.clear()
        client.write(bytes(100_000))
        link.run(0.009)
        return sum(len(seg.payload) for _, src, seg in link.log if src == A) // client.c.mss

    assert after_idle(0) > 2
    assert after_idle(2) == 2


def test_what_is_pushed_is_acknowledged_at_once() -> None:
    def acknowledged(knob: int) -> bool:
        link = Link()
        link.b.tcp.sysctl.ack_on_push.put(knob)
        link.b.tcp.sysctl.timestamps.put(0)
        _, server = connected(link)
        server.c.quick = 0
        link.log.clear()
        ports = (server.c.fport, server.c.lport)
        inject(link.b, A, ports, server.c.rcv_nxt, server.c.snd_nxt, PSH | ACK, payload=b"x")
        assert server.c.rcv_nxt - server.c.irs == 2
        return bool(link.log)

    assert not acknowledged(0)
    assert acknowledged(1)


def test_refused_attempts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    link = Link()
    inject(link.b, A, (1234, 99), 7, 0, SYN)
    assert not caplog.records
    link.b.tcp.sysctl.log_refused.put(1)
    inject(link.b, A, (1234, 99), 7, 0, SYN)
    inject(link.b, A, (1234, 99), 7, 3, ACK)
    assert [r.getMessage() for r in caplog.records] == ["connection attempt to TCP 10.0.0.2:99 from 10.0.0.1:1234"]


@pytest.mark.parametrize("tries", [0, 1, 3])
def test_how_often_ecn_is_tried(tries: int) -> None:
    link = Link()
    link.a.tcp.sysctl.ecn.put(1)
    link.a.tcp.sysctl.ecn_maxretries.put(tries)
    link.fate = lambda src, data: []
    link.a.connect(B)
    link.run(40)
    assert sum(bool(seg.flags & ECE) for _, _, seg in link.log) == tries + 1


def test_what_an_acknowledgment_is_worth() -> None:
    def worth(enable: int, aggressive: int, ssthresh: int = 1 << 40) -> int:
        sysctl = Sysctl()
        sysctl.abc.put(enable)
        sysctl.abc_aggressive.put(aggressive)
        c: Any = SimpleNamespace(cwnd=10_000, mss=1000, ssthresh=ssthresh, layer=SimpleNamespace(sysctl=sysctl))
        algorithm = Congestion()
        algorithm.acked(c, 5000, 0)
        return int(c.cwnd - 10_000) if ssthresh > 10_000 else algorithm.counted

    assert [worth(1, a) for a in (0, 1, ABC_ALL)] == [1000, 2000, 5000]
    assert worth(0, ABC_ALL) == 1000
    assert (worth(1, 0, 5000), worth(0, 0, 5000)) == (5000, 1000)


def test_time_wait_by_distance() -> None:
    def stay(**of_route: Any) -> float:
        link = Link()
        link.a.ip.route = lambda dst: route(**of_route)  # type: ignore[method-assign,assignment]
        for name, value in (("mslt", 1), ("mslt_local", 6), ("mslt_remote", 20), ("mslt_loopback", 2)):
            getattr(link.a.tcp.sysctl, name).put(value)
        client, server = connected(link)
        client.shut()
        link.run(0.2)
        server.shut()
        link.run(0.2)
        entry = next(iter(link.a.tcp.connections.values()))
        assert isinstance(entry, TimeWait)
        link.run(entry.stay / 1e9 + 1)
        assert not link.a.tcp.connections
        return entry.stay / 1e9

    assert stay() == 6
    assert stay(gateway=bytes([10, 0, 0, 9])) == 20
    assert stay(loopback=True) == 2


def test_the_round_trip_makes_a_host_remote() -> None:
    link = Link(delay=0.05)
    link.a.ip.route = lambda dst: route()  # type: ignore[method-assign,assignment]
    sysctl = link.a.tcp.sysctl
    sysctl.init_win_local.put(3)
    client, _ = connected(link)
    near = link.a.tcp.initial_window(client.c)
    sysctl.mslt_threshold.put(50)
    assert link.a.tcp.initial_window(client.c) > near


def test_initial_numbers() -> None:
    tcp_layer = Link().a.tcp
    key = (A, 1, B, 2)
    assert tcp_layer.isn(key, 0) == tcp_layer.isn(key, 0)
    tcp_layer.sysctl.iss_hash.put(0)
    assert len({tcp_layer.isn(key, 0) for _ in range(4)}) > 1


def test_holes_are_counted() -> None:
    sb = Scoreboard()
    for begin in range(6):
        sb.sent(begin, begin + 1, 0)
    assert sb.holes() == 0
    for index in (1, 3, 4):
        sb.records[index].flags |= SACKED
    assert sb.holes() == 2


def test_a_lost_segment_is_a_hole() -> None:
    link = Link()
    client, _ = connected(link)
    lost = [0]

    def fate(src: bytes, data: bytes) -> list[float]:
        if src == A and len(data) > 1000:
            lost[0] += 1
            if lost[0] == 2:
                return []
        return [0.0]

    link.fate = fate
    client.write(bytes(10_000))
    link.run(0.0205)
    assert client.c.state == State.ESTABLISHED
    assert link.a.tcp.holes() == 1
    link.run(1)
    assert link.a.tcp.holes() == 0

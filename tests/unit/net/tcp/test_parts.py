"""The parts of a connection by themselves, against models of a few lines."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from rumpnet.core.tcp.congestion import CUBIC_BETA, CUBIC_C, Congestion, Cubic
from rumpnet.core.tcp.reassembly import Reassembly
from rumpnet.core.tcp.rtt import MIN_RTO, Rtt
from rumpnet.core.tcp.scoreboard import LOST, Scoreboard
from rumpnet.core.tcp.sendqueue import SendQueue
from rumpnet.core.tcp.sysctl import Sysctl
from rumpnet.core.tcp.tcb import near
from rumpnet.core.tcp.wheel import MS, NEVER, SECOND, Wheel
from rumpuser.host import ManualHost


@given(st.integers(0, 1 << 40), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_numbers_go_on_where_they_wrap(base: int, distance: int) -> None:
    assert near(base, base + distance & 0xFFFFFFFF) == base + distance


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 9000), st.integers(0, 9000)), max_size=30))
def test_a_send_queue_is_a_string(steps: list[tuple[int, int, int]]) -> None:
    queue, text, begin, number = SendQueue(1000), b"", 1000, 0
    for length, at, drop in steps:
        piece = bytes((number + i) % 251 for i in range(length))
        number += length
        queue.append(piece)
        text += piece
        at = min(at, len(text) - 1)
        some = min(3000, len(text) - at)
        views = queue.views(begin + at, some)
        assert b"".join(views) == text[at : at + some]
        drop = min(drop, len(text))
        queue.drop(begin + drop)
        text, begin = text[drop:], begin + drop
        assert (queue.begin, queue.end, len(queue)) == (begin, begin + len(text), len(text))
        assert queue.kept <= 2 * len(text) + 256 * (len(text) // 256 + 2) + 5000


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)), max_size=40))
def test_reassembly_is_a_set_of_bytes(pieces: list[tuple[int, int]]) -> None:
    stream = bytes(i % 251 for i in range(400))
    queue, have = Reassembly(), set()
    for seq, length in pieces:
        twice = have & set(range(seq, seq + length))
        queue.add(seq, stream[seq : seq + length], 1 << 20)
        assert bool(queue.dsack) == bool(twice)
        if queue.dsack:
            assert set(range(*queue.dsack)) <= twice
        queue.dsack = None
        have |= set(range(seq, seq + length))
        assert queue.count == len(have)
        first = queue.blocks[0]
        assert first[0] <= seq
        assert seq + length <= first[1]
        assert all(set(range(*block)) <= have for block in queue.blocks)
    begin = min(have, default=0)
    taken = b"".join(bytes(part) for part in queue.take(begin))
    end = begin
    while end in have:
        end += 1
    assert taken == stream[begin:end]
    assert queue.count == len([n for n in have if n >= end])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(1, 12)), max_size=40))
def test_sums_of_the_scoreboard(steps: list[tuple[bool, int, int]]) -> None:
    board, rtt, una, end, now = Scoreboard(), Rtt(), 0, 0, 1
    for is_sack, at, length in steps:
        board.sent(end, end + 10, now)
        end += 10
        now += 1
        if is_sack:
            begin = una + 1 + at
            if begin + length <= end:
                board.sack([(begin, begin + length)], now, rtt)
        elif una + at <= end:
            una += at
            board.acknowledge(una, now, rtt)
        if at % 5 == 0 and board.records:
            board.detect(now, 0)
        index = board.next_lost()
        if length % 3 == 0 and index >= 0:
            board.resent(board.records[index], now)
        for name, flag in (("sacked", 1), ("lost", LOST), ("retrans", 4)):
            assert getattr(board, name) == sum(r.end - r.seq for r in board.records if r.flags & flag), name
        spans = [(r.seq, r.end) for r in board.records]
        assert spans == sorted(spans)
        assert sum(e - b for b, e in spans) == end - una
        assert all(one[1] == two[0] for one, two in pairwise(spans))


def test_round_trips() -> None:
    rtt = Rtt()
    assert rtt.rto == SECOND
    rtt.sample(100 * MS, 0)
    assert (rtt.srtt, rtt.rttvar, rtt.rto) == (100 * MS, 50 * MS, 300 * MS)
    for _ in range(200):
        rtt.sample(100 * MS, 0)
    assert abs(rtt.rto - (100 * MS + MIN_RTO)) < MS
    rtt.backoff = 3
    assert abs(rtt.rto - 8 * (100 * MS + MIN_RTO)) < 8 * MS
    rtt.backoff = 30
    assert rtt.rto == 120 * SECOND


def connection(cwnd: int = 100, mss: int = 1000) -> SimpleNamespace:
    layer = SimpleNamespace(sysctl=Sysctl())
    rtt = SimpleNamespace(srtt=100 * MS)
    return SimpleNamespace(cwnd=cwnd * mss, mss=mss, ssthresh=NEVER, last_sent=0, rtt=rtt, layer=layer)


def test_newreno_grows_by_a_segment_each_window() -> None:
    c, algorithm = connection(), Congestion()
    c.ssthresh = algorithm.lost(c, 0)  # type: ignore[arg-type]
    assert c.ssthresh == 50_000
    c.cwnd = 50_000
    for _ in range(50):
        algorithm.acked(c, 1000, 0)  # type: ignore[arg-type]
    assert c.cwnd == 51_000


def test_cubic_is_where_its_formula_says() -> None:
    c, algorithm = connection(cwnd=1000), Cubic()
    c.ssthresh = c.cwnd = algorithm.lost(c, 0)  # type: ignore[arg-type]
    assert c.cwnd == 700_000
    k = math.cbrt(1000 * (1 - CUBIC_BETA) / CUBIC_C)
    for step in range(1, 200):  # a round trip of 100 ms each
        for _ in range(c.cwnd // 10_000):
            algorithm.acked(c, 10_000, step * 100 * MS)  # type: ignore[arg-type]
        wanted = 1000 + CUBIC_C * ((step - 1) / 10 - k) ** 3
        if 0.5 * k < step / 10 < 1.5 * k:
            assert abs(c.cwnd / 1000 - wanted) < 40
    assert c.cwnd > 1_000_000


class Item:
    def __init__(self, wheel: Wheel) -> None:
        self.slot_at = NEVER
        self.wheel = wheel
        self.due: list[int] = []

    def expire(self, now: int) -> None:
        self.due.append(now)


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 10**10), st.integers(0, 10**9)), max_size=40))
def test_a_wheel_is_late_by_less_than_a_hundredth(steps: list[tuple[int, int, int]]) -> None:
    host = ManualHost()
    wheel = Wheel(host)
    items = [Item(wheel) for _ in range(11)]
    wanted: dict[int, int] = {}
    for who, after, wait in steps:
        deadline = host.now_ns + after
        wheel.put(items[who], deadline)
        wanted[who] = deadline
        items[who].due.clear()
        host.advance(wait / 1e9)
    host.advance(20)
    for who, deadline in wanted.items():
        assert len(items[who].due) == 1
        assert deadline <= items[who].due[0] <= deadline + MS + 10**10 // 100
    assert wheel.empty

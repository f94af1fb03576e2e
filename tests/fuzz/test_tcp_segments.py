"""Hostile segments: in every state, whatever comes, nothing escapes, memory is bounded, others are not disturbed."""

from __future__ import annotations

import contextlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.wire import Malformed, tcp
from tests.unit.net.tcp.machines import A, B, Link, User, summed

OPTIONS = [
    b"", tcp.timestamps(1, 1), tcp.sack([(1, 2), (3, 4)]), tcp.syn_options(1460, wscale=14, sack_permitted=True),
    bytes([tcp.SACK, 255, 0, 0]), bytes([tcp.TIMESTAMPS, 1, 1, 1]), bytes([tcp.MSS, 4, 0, 0]), bytes([1] * 39 + [3]),
    bytes([tcp.FASTOPEN, 6, 1, 2, 3, 4, 0, 0]),
]  # fmt: skip
STATES = ("listen", "syn_sent", "half_open", "established", "close_wait", "fin_wait", "time_wait", "full", "recovery")


@given(st.binary(max_size=100))
def test_parsing_raises_malformed_alone(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        segment = tcp.Segment(data)
        assert segment.length >= 0


def reach(link: Link, state: str) -> User | None:
    """A victim on ``b`` in a state; its peer is silent from then on."""
    listening = link.b.listen()
    if state in ("listen", "half_open"):
        if state == "half_open":
            link.fate = lambda src, data: [] if src == B else [0.0]
            link.a.connect(B)
            link.run(0.02)
        return None
    if state == "syn_sent":
        link.fate = lambda src, data: []
        return link.b.connect(A, 80)
    client, server = link.pair()
    if state in ("close_wait", "time_wait"):
        client.shut()
        link.run(0.1)
    if state == "fin_wait":
        server.shut()
        link.run(0.1)
    if state == "time_wait":
        client, server = server, client
        server.machine.tcp.shut(client.c)
        client.machine.tcp.flush()
        link.run(0.1)
    if state == "full":
        server.reads = False
        client.write(bytes(200_000))
        link.run(1)
    if state == "recovery":
        server.write(bytes(100_000))
        link.run(0.2)
        link.fate = lambda src, data: []
        server.write(bytes(100_000))
        link.run(0.3)
    del listening
    link.fate = lambda src, data: []
    return server


def near(rng: random.Random, number: int) -> int:
    return (
        number + rng.choice([0, 0, 1, -1, 2, 100, -100, 1448, 70_000, 1 << 20, 1 << 31, rng.getrandbits(32)])
    ) & 0xFFFFFFFF


def hostile(rng: random.Random, victim: User | None, link: Link) -> bytes:
    """A segment that is right in some of its fields."""
    c = victim.c if victim is not None else None
    ports = (rng.choice([link.a.port, 80, 1]), rng.choice([80, 81]))
    seq, ack = rng.getrandbits(32), rng.getrandbits(32)
    if c is not None and rng.random() < 0.95:
        ports, seq, ack = (c.fport, c.lport), near(rng, c.rcv_nxt), near(rng, rng.choice([c.snd_una, c.snd_nxt]))
    options = rng.choice(OPTIONS)
    if c is not None and c.ts_ok and rng.random() < 0.6:
        options = tcp.timestamps(near(rng, c.ts_recent), near(rng, c.stamp(link.host.now_ns)))
        if rng.random() < 0.5 and c.sb.records:
            records = rng.sample(c.sb.records, min(2, len(c.sb.records)))
            options += tcp.sack([(near(rng, r.seq), near(rng, r.end)) for r in records])
    flags = rng.choice([tcp.ACK] * 6 + [tcp.ACK | tcp.FIN, tcp.SYN, tcp.RST, tcp.SYN | tcp.ACK, rng.getrandbits(8)])
    window, urgent = rng.choice([0, 1, 5000, 65535]), rng.choice([0, 0, 1, 5, 65535])
    payload = bytes(rng.choice([0, 0, 1, 10, 1448, 5000]))
    return tcp.emit(ports, seq, ack, flags, window, 0, urgent, options[: len(options) & ~3]) + payload


@settings(max_examples=60, deadline=None)
@given(state=st.sampled_from(STATES), seed=st.integers(0, 1 << 32))
def test_segments_in_all_states(state: str, seed: int) -> None:
    link = Link(seed=3)
    link.keep_log = False
    victim = reach(link, state)
    rng = random.Random(seed)
    for _ in range(60):
        data = hostile(rng, victim, link)
        damaged = rng.random() < 0.05
        with contextlib.suppress(Malformed):
            link.b.receive(A, data if damaged else summed(A, B, data))
        if rng.random() < 0.1:
            link.run(rng.choice([0.01, 0.3, 5]))
        if victim is not None:
            c = victim.c
            assert c.snd_una <= c.snd_nxt
            assert c.pipe >= 0
            assert c.rcv.count <= c.rcv.hiwat + 5000
            assert c.reassembly.kept <= 2 * c.rcv.hiwat
            assert sum(r.end - r.seq for r in c.sb.records) <= c.snd_nxt - c.snd_una
            assert c.mss >= 32
    link.fate = lambda src, data: [0.0]
    link.run(1)
    again, server = link.pair()
    again.write(b"alive?")
    link.run(1)
    assert server.got == b"alive?"
    assert len(link.b.tcp.syncache.entries) <= 200


def test_single_bytes_with_gaps_take_no_more_memory_than_a_buffer() -> None:
    link = Link()
    link.keep_log = False
    client, server = link.pair()
    c = server.c
    link.fate = lambda src, data: []
    for at in range(1, 60_000, 2):
        options = tcp.timestamps(c.ts_recent, 0)
        data = tcp.emit((c.fport, c.lport), c.rcv_nxt + at, c.snd_nxt, tcp.ACK, 5000, 0, 0, options) + b"x"
        link.b.receive(A, summed(A, B, data))
    assert c.reassembly.kept <= 2 * c.rcv.hiwat
    assert len(c.reassembly.blocks) <= 4
    assert not client.over

"""Whatever a link does, as long as its losses end: every byte arrives once and in order, and memory stays bounded."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumpnet.core.buffer import PIECE
from rumpnet.core.options import SB_MAX
from rumpnet.core.tcp import timers
from rumpnet.core.tcp.tcb import Connection, Options
from tests.unit.net.tcp.machines import Link, Trouble, User

FEATURES = ("rfc1323", "timestamps", "win_scale", "sack", "ecn")


def pattern(length: int, salt: int) -> bytes:
    """Bytes that tell their place."""
    return b"".join((i * 2654435761 + salt & 0xFFFFFFFF).to_bytes(4, "big") for i in range(length // 4 + 1))[:length]


def bounded(c: Connection) -> bool:
    limit = SB_MAX
    return (
        len(c.snd) <= limit
        and c.rcv.count <= limit
        and c.reassembly.kept <= 2 * limit
        and len(c.sb.records) <= limit // 16
        and len(c.reassembly.blocks) <= 4
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 16),
    loss=st.sampled_from([0.0, 0.01, 0.1, 0.25]),
    duplicate=st.sampled_from([0.0, 0.1]),
    reorder=st.sampled_from([0.0, 0.2]),
    delay=st.sampled_from([0.0001, 0.01, 0.15]),
    mtu=st.sampled_from([576, 1500, 9000]),
    lengths=st.tuples(st.integers(0, 60_000), st.integers(0, 20_000)),
    off=st.sets(st.sampled_from(FEATURES)),
    small=st.booleans(),
    nodelay=st.booleans(),
    congctl=st.sampled_from(["newreno", "cubic"]),
)
def test_every_byte_once_in_order(
    seed: int, loss: float, duplicate: float, reorder: float, delay: float, mtu: int, lengths: tuple[int, int],
    off: set[str], small: bool, nodelay: bool, congctl: str,
) -> None:  # fmt: skip
    link = Link(seed=seed, delay=delay, mtu=mtu)
    link.keep_log = False
    for machine in (link.a, link.b):
        for name in FEATURES:
            getattr(machine.tcp.sysctl, name).value = int(name not in off)
        if small:
            machine.tcp.sysctl.recvspace.value = machine.tcp.sysctl.sendspace.value = 3000
            machine.tcp.sysctl.recvbuf_auto.value = 0
    link.mark = seed % 3 == 0
    listening = link.b.listen()
    opt = Options()
    opt.nodelay, opt.congctl = nodelay, congctl
    link.fate = Trouble(seed, loss=loss, duplicate=duplicate, reorder=reorder, losses=40)
    client = link.a.connect(b"\x0a\0\0\2", opt=opt)
    there, back = pattern(lengths[0], 1), pattern(lengths[1], 2)
    client.write(there)
    client.shut()
    server: User | None = None
    for _ in range(1000):
        link.run(20)
        if server is None and listening.accepted:
            server = listening.accepted[0]
            server.write(back)
            server.shut()
        assert bounded(client.c)
        if client.over and server is not None and server.over:
            break
    assert server is not None
    assert (client.errno, server.errno) == (0, 0)
    assert server.got == there
    assert client.got == back
    assert client.over
    assert server.over
    link.run(700)
    assert not link.a.tcp.connections
    assert not link.b.tcp.connections
    assert client.c.rcv.kept <= client.c.rcv.count + PIECE


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 16), after=st.floats(0, 1), length=st.integers(1, 100_000))
def test_a_link_that_dies_is_an_error_on_both_sides(seed: int, after: float, length: int) -> None:
    link = Link(seed=seed)
    client, server = link.pair()
    for user in (client, server):
        user.c.opt.keepalive = True
        user.write(pattern(length, seed))
    link.run(after)
    link.fate = lambda src, data: []
    for user in (client, server):
        timers.start_keepalive(user.c, link.host.now_ns)
    link.run(20_000)
    for user, other in ((client, server), (server, client)):
        assert user.over
        assert user.errno, "ETIMEDOUT"
        assert bytes(user.got) == pattern(length, seed)[: len(user.got)]
        assert other.over


def test_a_seed_repeats_a_run() -> None:
    def run() -> list[tuple[int, bytes, int, int, int]]:
        link = Link(seed=5)
        client, server = link.pair()
        link.fate = Trouble(5, loss=0.05, duplicate=0.05, reorder=0.2)
        client.write(pattern(200_000, 3))
        client.shut()
        server.shut()
        link.run(60)
        return [(at, src, seg.seq, seg.ack, len(seg.payload)) for at, src, seg in link.log]

    assert run() == run()

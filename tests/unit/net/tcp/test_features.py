"""Each feature of TCP by itself, over a link in memory and with a clock that is turned by hand."""

from __future__ import annotations

import random

import pytest

from rumpnet.core.tcp import output, timers
from rumpnet.core.tcp.scoreboard import Phase
from rumpnet.core.tcp.state import Event, State, after
from rumpnet.core.tcp.tcb import Options
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.wire import tcp
from rumpwire.errno import Errno
from tests.unit.net.tcp.machines import A, B, Link, Machine, User, summed

SYN, ACK, RST, FIN, PSH = tcp.SYN, tcp.ACK, tcp.RST, tcp.FIN, tcp.PSH


def inject(
    to: Machine, src: bytes, ports: tuple[int, int], seq: int, ack: int, flags: int, window: int = 5000, *,
    payload: bytes = b"", options: bytes = b"",
) -> None:  # fmt: skip
    """A segment that nobody of ours has made."""
    bare = tcp.emit(ports, seq, ack, flags, window, 0, 0, options) + payload
    to.receive(src, summed(src, to.addr, bare))


def ports_of(user: User) -> tuple[int, int]:
    """As the peer's segments have them."""
    return user.c.fport, user.c.lport


# -- opening


def test_both_open_at_once() -> None:
    link = Link()
    one = link.a.connect(B, 5000, lport=4000)
    two = link.b.connect(A, 4000, lport=5000)
    link.run(0.1)
    assert one.c.state == two.c.state == State.ESTABLISHED
    one.write(b"hello")
    two.write(b"there")
    link.run(0.5)
    assert (two.got, one.got) == (b"hello", b"there")
    one.shut()
    two.shut()
    link.run(0.5)
    assert one.over
    assert two.over
    assert isinstance(next(iter(link.a.tcp.connections.values())), TimeWait)


def test_a_connection_to_itself() -> None:
    link = Link()
    link.a.ip.carry = lambda src, dst, data, tclass: link.host.call_at(
        link.host.now_ns + 1, lambda: link.a.receive(src, data, tclass)
    )
    one = link.a.connect(A, 4000, lport=4000)
    link.run(0.1)
    one.write(b"echo")
    link.run(0.1)
    assert one.got == b"echo"


def test_nobody_answers() -> None:
    link = Link()
    link.fate = lambda src, data: []
    client = link.a.connect(B)
    link.run(74)
    assert not client.over
    link.run(2)
    assert client.errno == Errno.ETIMEDOUT
    assert [round(at / 1e9 - 1) for at, _, _ in link.log] == [0, 1, 3, 7, 15, 31, 63]


def test_syn_cookies() -> None:
    link = Link()
    listening = link.b.listen(backlog=1)
    for port in range(20):
        inject(link.b, bytes([10, 9, 9, port]), (1000 + port, 80), 7, 0, SYN)
    assert len(link.b.tcp.syncache.entries) == 8
    assert link.b.tcp.stats["SYN cookies sent"] == 12
    client = link.a.connect(B)
    link.run(0.1)
    assert link.b.tcp.stats["SYN cookies received"] == 1
    client.write(b"x" * 100_000)
    link.run(2)
    server = listening.accepted[0]
    assert server.got == b"x" * 100_000
    assert server.c.sack_ok
    assert server.c.snd_scale == client.c.rcv_scale, "what the timestamp has carried"
    inject(link.b, A, (999, 80), 8, 12345, ACK)
    assert link.sent_by(B)[-1].flags == RST, "nobody guesses a cookie"
    link.run(65)
    assert not link.b.tcp.syncache.entries


def test_without_cookies_a_full_cache_drops() -> None:
    link = Link()
    link.b.listen(backlog=1)
    link.b.tcp.sysctl.syn_cookies.value = 0
    for port in range(20):
        inject(link.b, bytes([10, 9, 9, port]), (1000 + port, 80), 7, 0, SYN)
    assert link.b.tcp.stats["SYNs dropped due to full cache"] == 12


def test_a_full_queue_makes_clients_wait() -> None:
    link = Link()
    listening = link.b.listen()
    listening.limit = 1
    first, second = link.a.connect(B), link.a.connect(B)
    link.run(0.5)
    assert len(listening.accepted) == 1
    second.write(b"patience")
    listening.limit = 2
    link.run(10)
    assert len(listening.accepted) == 2
    assert listening.accepted[1].got == b"patience"
    assert first.events == second.events == ["connected"]


def fast(link: Link, data: bytes) -> User:
    """A connection that is opened with its first data."""
    opt = Options()
    opt.fastopen = 1
    user = User(link.a, link.a.connection((A, 41000 + len(link.log), B, 80), opt))
    link.a.tcp.open(user.c)
    user.c.syn_data = min(len(data), link.a.tcp.fastopen.prepare(user.c, link.host.now_ns))
    user.c.snd.append(data)
    link.a.tcp.start(user.c)
    link.a.tcp.flush()
    return user


def test_fast_open_asks_once_by_the_number_of_the_experiment() -> None:
    """Of a server that gives no cookie; one that gives one so gets it back so."""
    link = Link()
    listening = link.b.listen()

    def asked() -> tuple[bytes | None, bool]:
        begin = len(link.log)
        fast(link, b"data")
        link.run(1)
        listening.accepted[-1].read()
        assert listening.accepted[-1].got == b"data"
        return link.log[begin][2].cookie, link.log[begin][2].experimental

    assert [asked() for _ in range(4)] == [(b"", False), (b"", True), (b"", False), (b"", False)]
    link.a.tcp.fastopen.cookies.clear()
    assert asked() == (b"", False)
    listening.opt.fastopen = 5
    assert asked() == (b"", True)
    assert asked() == (link.b.tcp.fastopen.cookie_for(A), True)


def test_fast_open() -> None:
    link = Link()
    listening = link.b.listen()
    listening.opt.fastopen = 5
    fast(link, b"first")
    link.run(0.5)
    assert listening.accepted[0].got == b"first"
    assert link.log[0][2].cookie == b"", "a cookie is asked for"
    begin = len(link.log)
    fast(link, b"second")
    link.run(0.0101)
    assert len(link.log[begin][2].payload) == 6, "and then the data go with the SYN"
    assert listening.accepted[1].c.state == State.SYN_RECEIVED
    assert listening.accepted[1].c.rcv.count == 6, "and are there after half a round trip"
    listening.accepted[1].read()
    listening.accepted[1].c.snd.append(b"answer")
    output.output(listening.accepted[1].c, link.host.now_ns)
    link.b.tcp.flush()
    link.run(0.5)
    assert listening.accepted[1].c.state == State.ESTABLISHED
    assert link.a.tcp.fastopen.cookies[B][0] == link.b.tcp.fastopen.cookie_for(A)


def test_initial_numbers_differ_by_ends_and_grow() -> None:
    link = Link()
    layer = link.a.tcp
    numbers = [layer.isn((A, port, B, 80), 0) for port in range(100)]
    assert len(set(numbers)) == 100
    assert layer.isn((A, 1, B, 80), 8000) == numbers[1] + 2 & 0xFFFFFFFF
    other = Link(seed=2).a.tcp
    assert other.isn((A, 1, B, 80), 0) != numbers[1]


# -- sending


def test_nagle_and_delayed_acknowledgments() -> None:
    link = Link()
    client, server = link.pair()
    server.c.quick = 0
    for _ in range(10):
        client.write(b"x")
        link.run(0)
    link.run(0.001)
    assert [len(s.payload) for s in link.sent_by(A) if s.payload] == [1]
    link.run(0.2)
    assert [len(s.payload) for s in link.sent_by(A) if s.payload] == [1, 9]
    acks = [at for at, src, s in link.log if src == B and not s.flags & SYN]
    assert acks[0] == 1_081_000_000, "the first waits for the delayed acknowledgment"
    opt = Options()
    opt.nodelay = True
    client, _ = link.pair(opt)
    begin = len(link.log)
    for _ in range(3):
        client.write(b"x")
        link.run(0)
    assert [len(s.payload) for _, src, s in link.log[begin:] if src == A] == [1, 1, 1]


def test_cork() -> None:
    link = Link()
    opt = Options()
    opt.cork = True
    client, server = link.pair(opt)
    client.write(b"x" * 2000)
    link.run(0.1)
    assert len(server.got) == 1448
    link.run(1)
    assert len(server.got) == 2000, "not for ever"


def test_every_other_segment_is_acknowledged() -> None:
    link = Link()
    client, server = link.pair()
    server.c.quick = 0
    begin = len(link.log)
    client.write(bytes(10 * 1448))
    link.run(0.012)
    assert sum(src == B for _, src, _ in link.log[begin:]) == 5


def test_a_closed_window_is_probed_for_as_long_as_the_peer_answers() -> None:
    link = Link()
    client, server = link.pair()
    server.reads = False
    client.write(bytes(300_000))
    link.run(2000)
    assert client.c.persist
    assert not client.over
    assert link.a.tcp.stats["window probes"] > 20
    server.reads = True
    for _ in range(100):
        server.read()
        link.run(130)
    assert len(server.got) == 300_000
    link.fate = lambda src, data: []
    server.reads = False
    client.write(bytes(300_000))
    link.run(2000)
    assert client.errno == Errno.ETIMEDOUT


def test_slow_start_after_idle() -> None:
    link = Link()
    client, _ = link.pair()
    client.write(bytes(400_000))
    link.run(5)
    grown = client.c.cwnd
    assert grown > 60_000
    link.run(100)
    client.write(bytes(1448))
    assert client.c.cwnd > 0
    link.run(0)
    assert client.c.cwnd == 10 * 1448


def test_ecn() -> None:
    link = Link()
    for machine in (link.a, link.b):
        machine.tcp.sysctl.ecn.value = 1
    client, server = link.pair()
    assert client.c.ecn
    assert server.c.ecn
    client.write(bytes(50_000))
    link.run(1)
    before = client.c.cwnd
    link.mark = True
    client.write(bytes(20_000))
    link.run(0.05)
    link.mark = False
    link.run(1)
    assert client.c.cwnd < before, "a mark is as good as a loss"
    client.write(bytes(2000))
    link.run(1)
    assert any(s.flags & tcp.CWR for s in link.sent_by(A) if s.payload)
    assert not server.c.ece_echo
    assert link.a.tcp.stats["data packets retransmitted"] == 0


def test_urgent_data() -> None:
    link = Link()
    client, server = link.pair()
    client.write(b"before")
    client.c.snd.append(b"!")
    client.c.snd_up = client.c.snd.end
    client.write(b"after")
    link.run(0.5)
    assert server.got == b"beforeafter"
    assert server.oob == b"!"


# -- receiving


def test_blind_resets_and_syns_are_challenged() -> None:
    link = Link()
    client, server = link.pair()
    c = server.c
    begin = link.b.tcp.stats["challenge ACKs"]
    inject(link.b, A, ports_of(server), c.rcv_nxt + 100, 0, RST)
    assert not server.over
    assert link.b.tcp.stats["challenge ACKs"] == begin + 1
    for _ in range(100):
        inject(link.b, A, ports_of(server), c.rcv_nxt + 100, 0, RST)
        inject(link.b, A, ports_of(server), c.rcv_nxt + 5, 0, SYN)
    assert link.b.tcp.stats["challenge ACKs"] == begin + 1, "but not as often as somebody likes"
    inject(link.b, A, ports_of(server), c.rcv_nxt + 10_000_000, 0, RST)
    assert not server.over
    inject(link.b, A, ports_of(server), c.rcv_nxt, 0, RST)
    assert server.errno == Errno.ECONNRESET
    assert not client.over


def test_old_segments_are_known_by_their_timestamps() -> None:
    link = Link()
    client, server = link.pair()
    client.write(b"x")
    link.run(0.1)
    c = server.c
    old = tcp.timestamps(c.ts_recent - 1000, 0)
    inject(link.b, A, ports_of(server), c.rcv_nxt, c.snd_nxt, ACK | PSH, payload=b"old!", options=old)
    assert server.got == b"x"
    assert link.b.tcp.stats["old segments dropped by timestamp"] == 1
    inject(link.b, A, ports_of(server), c.rcv_nxt, c.snd_nxt, ACK | PSH, payload=b"none")
    assert server.got == b"x", "without one it is not of this connection"


def test_acknowledgments_of_what_was_never_sent() -> None:
    link = Link()
    client, server = link.pair()
    c = client.c
    stamps = tcp.timestamps(c.ts_recent, c.stamp(link.host.now_ns))
    inject(link.a, B, ports_of(client), c.rcv_nxt, c.snd_nxt + 1000, ACK, options=stamps, payload=b"x")
    assert client.got == b""
    inject(link.a, B, ports_of(client), c.rcv_nxt, c.snd_una - 1_000_000, ACK, options=stamps, payload=b"x")
    assert client.got == b""
    assert not server.over


def test_the_gap_is_reported_newest_first() -> None:
    link = Link()
    client, server = link.pair()
    c = server.c
    stamps = tcp.timestamps(c.ts_recent, 0)
    base = c.rcv_nxt
    for at in (100, 300, 500):
        inject(link.b, A, ports_of(server), base + at, c.snd_nxt, ACK, payload=bytes(50), options=stamps)
    blocks = [(b - base & 0xFFFFFFFF, e - base & 0xFFFFFFFF) for b, e in link.sent_by(B)[-1].sack]
    assert blocks == [(500, 550), (300, 350), (100, 150)]
    inject(link.b, A, ports_of(server), base + 300, c.snd_nxt, ACK, payload=bytes(50), options=stamps)
    blocks = [(b - base & 0xFFFFFFFF, e - base & 0xFFFFFFFF) for b, e in link.sent_by(B)[-1].sack]
    assert blocks[0] == (300, 350), "what came twice (RFC 2883)"
    assert not client.over


# -- losses


def test_a_lost_tail_is_probed_for() -> None:
    link = Link()
    client, server = link.pair()
    client.write(bytes(20_000))
    link.run(1)
    begin = link.host.now_ns
    link.fate = lambda src, data: [] if src == A and link.host.now_ns == begin else [0.0]
    client.write(b"last")
    link.run(0.0001)
    link.run(0.26)
    assert server.got.endswith(b"last")
    assert link.a.tcp.stats["tail loss probes"] == 1
    assert link.a.tcp.stats["retransmit timeouts"] == 0


@pytest.mark.parametrize("sack", [True, False])
def test_one_loss_is_made_good_within_two_round_trips(sack: bool) -> None:
    link = Link()
    link.a.tcp.sysctl.sack.value = int(sack)
    client, server = link.pair()
    client.write(bytes(200_000))
    link.run(0.3)
    assert len(server.got) == 200_000
    lost: list[int] = []

    def fate(src: bytes, data: bytes) -> list[float]:
        if src == A and len(data) > 1000 and not lost:
            lost.append(1)
            return []
        return [0.0]

    link.fate = fate
    client.write(bytes(60_000))
    link.run(0.08)
    assert len(server.got) == 260_000
    stats = link.a.tcp.stats
    assert (stats["fast retransmits"], stats["data packets retransmitted"], stats["retransmit timeouts"]) == (1, 1, 0)


def test_a_delay_is_no_loss() -> None:
    """A timeout that was needless is found out, and the window given back (RFC 5682, RFC 3522)."""
    link = Link()
    client, server = link.pair()
    client.write(bytes(200_000))
    link.run(0.3)
    before = client.c.cwnd
    late = {"on": True}
    link.fate = lambda src, data: [0.5] if src == A and late["on"] else [0.0]
    client.write(bytes(20_000))
    link.run(0.29)
    late["on"] = False
    link.run(2)
    assert link.a.tcp.stats["retransmit timeouts"] >= 1
    assert client.c.cwnd >= before
    assert client.c.sb.phase == Phase.OPEN
    assert len(server.got) == 220_000


def test_user_timeout_and_retries() -> None:
    link = Link()
    opt = Options()
    opt.user_timeout = 3 * 10**9
    client, _ = link.pair(opt)
    link.fate = lambda src, data: []
    client.write(b"x")
    link.run(2.9)
    assert not client.over
    link.run(0.2)
    assert client.errno == Errno.ETIMEDOUT
    patient, _ = Link().pair()
    patient.machine.ip.carry = lambda *a: None
    patient.write(b"x")
    patient.machine.host.advance(800)
    assert not patient.over
    patient.machine.host.advance(400)
    assert patient.errno == Errno.ETIMEDOUT


def test_keepalive() -> None:
    link = Link()
    opt = Options()
    opt.keepalive, opt.keepidle, opt.keepintvl, opt.keepcnt = True, 10 * 10**9, 10**9, 3
    client, server = link.pair(opt)
    timers.start_keepalive(client.c, link.host.now_ns)
    link.run(100)
    assert not client.over
    assert link.a.tcp.stats["keep-alive probes"] >= 9
    link.fate = lambda src, data: []
    link.run(2.5)
    assert not client.over
    link.run(13)
    assert client.errno == Errno.ETIMEDOUT
    assert not server.over


def test_path_mtu() -> None:
    link = Link()
    client, server = link.pair()
    client.write(bytes(20_000))
    link.run(0)
    quoted = memoryview(bytes(tcp.emit((client.c.lport, 80), client.c.snd_una, 0, ACK, 0, 0)))
    link.a.tcp.notify(link.a.ip, A, B, quoted, Errno.EMSGSIZE, 1000)
    assert client.c.mss == 1000 - 40 - 12
    stale = memoryview(bytes(tcp.emit((client.c.lport, 80), client.c.snd_una - 5000, 0, ACK, 0, 0)))
    link.a.tcp.notify(link.a.ip, A, B, stale, Errno.EMSGSIZE, 600)
    assert client.c.mss == 948, "only what quotes a number under way is believed (RFC 5927)"
    link.a.tcp.notify(link.a.ip, A, B, quoted, Errno.EHOSTUNREACH, 0)
    assert not client.over
    assert client.c.softerror == Errno.EHOSTUNREACH
    link.run(2)
    assert len(server.got) == 20_000
    assert max(len(s.payload) for s in link.sent_by(A)[-5:]) <= 948


def test_a_black_hole() -> None:
    link = Link()
    client, server = link.pair()
    link.fate = lambda src, data: [] if len(data) > 1200 else [0.0]
    client.write(bytes(20_000))
    link.run(30)
    assert len(server.got) == 20_000
    assert link.a.tcp.stats["suspected black holes"] == 1


def narrow(link: Link, most: int) -> None:
    """A path of 1 Gbit/s that loses packets longer than that, and says nothing."""
    free = {A: 0, B: 0}

    def fate(src: bytes, data: bytes) -> list[float]:
        if len(data) + 20 > most:
            return []
        free[src] = max(free[src], link.host.now_ns) + 8 * len(data)
        return [(free[src] - link.host.now_ns) / 1e9]

    link.fate = fate


@pytest.mark.parametrize("most", [1100, 1300, 1492])
def test_a_path_with_a_black_hole_is_searched_for_what_it_takes(most: int) -> None:
    """RFC 4821: longer ones are tried, and that they are lost is no congestion."""
    link = Link()
    client, server = link.pair()
    narrow(link, most)
    client.write(bytes(20_000))
    link.run(20)
    assert link.a.tcp.stats["suspected black holes"] == 1
    begin, before = len(link.log), link.a.tcp.stats.copy()
    window = client.c.ssthresh
    client.write(bytes(3_000_000))
    link.run(60)
    assert len(server.got) == 3_020_000
    sizes = [len(seg.payload) + 52 for _, src, seg in link.log[begin:] if src == A]
    assert most - 32 < max(size for size in sizes if size <= most) <= most
    assert sizes[-20] == max(size for size in sizes if size <= most), "all are so long now"
    assert link.a.tcp.stats["probes of the path that arrived"] > 0
    assert link.a.tcp.stats["probes of the path that were lost"] == sum(size > most for size in sizes)
    for event in ("fast retransmits", "retransmit timeouts"):
        assert link.a.tcp.stats[event] == before[event], event
    assert client.c.ssthresh >= window


def test_when_the_hole_is_gone_segments_grow_again() -> None:
    link = Link()
    client, server = link.pair()
    narrow(link, 1200)
    client.write(bytes(1_000_000))
    link.run(30)
    short = client.c.mss
    link.fate = lambda src, data: [0.0]
    link.run(600)
    client.write(bytes(1_000_000))
    link.run(30)
    assert len(server.got) == 2_000_000
    assert short < 1200 < 1420 < client.c.mss <= 1448


@pytest.mark.parametrize(("probing", "first", "later"), [(0, 1448, 1448), (1, 1448, 1448), (2, 1012, 1448)])
def test_searching_from_the_beginning(probing: int, first: int, later: int) -> None:
    link = Link()
    link.a.tcp.sysctl.mtu_probing.value = probing
    client, server = link.pair()
    assert client.c.mss == first
    client.write(bytes(1_000_000))
    link.run(30)
    assert len(server.got) == 1_000_000
    assert later - 32 < client.c.mss <= later


def test_without_probing_a_black_hole_leaves_segments_short() -> None:
    link = Link()
    link.a.tcp.sysctl.mtu_probing.value = 0
    client, _ = link.pair()
    narrow(link, 1300)
    client.write(bytes(20_000))
    link.run(20)
    client.write(bytes(1_000_000))
    link.run(60)
    assert client.c.mss == 1024 - 12


@pytest.mark.parametrize("seed", range(4))
def test_searching_over_a_path_that_also_loses(seed: int) -> None:
    link = Link(seed=seed)
    link.a.tcp.sysctl.mtu_probing.value = 2
    client, server = link.pair()
    chosen = random.Random(seed)
    link.fate = lambda src, data: [] if len(data) + 20 > 1350 or chosen.random() < 0.02 else [0.0]
    data = chosen.randbytes(2_000_000)
    client.write(data)
    link.run(300)
    assert bytes(server.got) == data
    assert client.c.mss <= 1350 - 52


def test_unreachable_while_connecting() -> None:
    link = Link()
    link.fate = lambda src, data: []
    client = link.a.connect(B)
    quoted = memoryview(bytes(tcp.emit((client.c.lport, 80), client.c.iss, 0, SYN, 0, 0)))
    link.a.tcp.notify(link.a.ip, A, B, quoted, Errno.EHOSTUNREACH, 0)
    assert client.errno == Errno.EHOSTUNREACH


# -- closing


def test_time_wait_gives_way_to_newer_syns() -> None:
    link = Link()
    client, server = link.pair()
    server.shut()
    link.run(0.1)
    client.shut()
    link.run(0.1)
    key = server.c.key
    assert isinstance(link.b.tcp.connections[key], TimeWait)
    link.run(5)
    again = link.a.connect(B, lport=client.c.lport)
    link.run(0.1)
    assert again.events == ["connected"]
    assert link.b.tcp.connections[key].state == State.ESTABLISHED  # type: ignore[union-attr]


def test_time_wait_answers_a_last_fin_and_old_data() -> None:
    link = Link()
    client, server = link.pair()
    client.shut()
    link.run(0.1)
    server.shut()
    link.run(0.1)
    wait = link.a.tcp.connections[client.c.key]
    assert isinstance(wait, TimeWait)
    begin, deadline = len(link.sent_by(A)), wait.deadline
    link.run(10)
    stamps = tcp.timestamps(client.c.ts_recent, 0)
    inject(link.a, B, ports_of(client), wait.rcv_nxt - 1, wait.snd_nxt, FIN | ACK, options=stamps)
    assert len(link.sent_by(A)) == begin + 1
    assert wait.deadline > deadline
    inject(link.a, B, ports_of(client), wait.rcv_nxt + 7, wait.snd_nxt, RST)
    assert link.a.tcp.connections, "a reset has to be exact (RFC 1337)"
    inject(link.a, B, ports_of(client), wait.rcv_nxt, wait.snd_nxt, RST)
    assert not link.a.tcp.connections


def test_nobody_closes_the_other_half() -> None:
    link = Link()
    client, server = link.pair()
    client.close()
    link.run(0.1)
    assert client.c.state == State.FIN_WAIT_2
    link.run(61)
    assert not link.a.tcp.connections
    assert server.eof
    server.write(b"late")
    link.run(0.1)
    assert server.errno == Errno.ECONNRESET


def test_data_for_a_closed_socket_are_reset() -> None:
    link = Link()
    client, server = link.pair()
    client.close()
    link.run(0.1)
    server.write(b"who reads this?")
    link.run(0.1)
    assert server.errno == Errno.ECONNRESET


def test_states_follow_the_table() -> None:
    with pytest.raises(KeyError):
        after(State.LISTEN, Event.FIN)

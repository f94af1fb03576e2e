"""Stacks that are replaced again and again (`rumpuser.replacement`), in virtual time: nobody outside notices."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from rumpclients import _npf_conf
from rumpnet.core.route import ANY
from rumpnet.core.tcp.tcb import Connection
from rumpuser import handover
from rumpuser.host import ManualHost
from rumpuser.replacement import Heir, Predecessor
from rumpuser.systemhost import SystemHost
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import BpfInsn, KnoteSpec, SockaddrIn, SockaddrIn6, SockoptInteger
from tests.unit.net import test_dns as dns
from tests.unit.net.bpf.test_device import Opened
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Port, Wire
from tests.unit.net.npf_packets import ip
from tests.unit.net.test_npf_stack import RULES

HERE, THERE = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
HERE6 = bytes.fromhex("fd000000000000000000000000000001")
NONBLOCK = const.SOCK_NONBLOCK
TCP_ONLY = [BpfInsn(0x28, 0, 0, 12), BpfInsn(0x15, 0, 1, 0x800), BpfInsn(0x06, 0, 0, 2000), BpfInsn(0x06)]


@pytest.fixture(autouse=True)
def _cables_go_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "_ours", {*handover.OURS, "tests"})


class Turned:
    """An event loop whose clock is turned by hand."""

    def __init__(self, clock: ManualHost) -> None:
        self._clock = clock

    def call_at(self, when: float, callback: Callable[[], None]) -> Any:
        return _Handle(self._clock.call_at(max(round(when * 1e9), self._clock.now_ns), callback))

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        callback(*args)


class _Handle:
    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


class Place(SystemHost):
    """The host of one process, with the clock of the lab. The cables of its interfaces are plugged in here."""

    def __init__(self, clock: ManualHost, *, resting: bool = False) -> None:
        super().__init__(cast("Any", Turned(clock)), resting=resting)
        self.clock = clock
        self.wires: dict[str, Wire] = {}

    def monotonic_ns(self) -> int:
        return self.clock.monotonic_ns()

    def realtime_ns(self) -> int:
        return self.clock.realtime_ns()

    def entropy(self, length: int) -> bytes:
        return self.clock.entropy(length)


class Cable(Port):
    """An interface that goes over, while what it is plugged into stays."""

    @property
    def wire(self) -> Wire | None:
        return cast("Place", self.net.host).wires.get(self.name)

    @wire.setter
    def wire(self, wire: Wire) -> None:
        cast("Place", self.net.host).wires[self.name] = wire


class Replaced(Machine):
    """A kernel that can be replaced by another process: the same for those who call it."""

    def __init__(self, clock: ManualHost) -> None:
        super().__init__(cast("ManualHost", Place(clock)))
        self.net.interfaces.kinds["eth"] = Cable

    def replace(self, after: float = 0.0) -> None:
        """What is sent to it meanwhile gets lost."""
        old = cast("Place", self.host)
        old.rest()
        data, descriptors = Predecessor(self.component, old, self, cast("Any", None), cast("Any", None))._state()
        for wire in old.wires.values():
            wire.ports[:] = [port for port in wire.ports if port.net is not self.net]
        old.clock.advance(after)
        host, heir = Place(old.clock, resting=True), Heir("")
        host.wires = old.wires
        heir._data, heir._descriptors = data, descriptors
        before, self.component = self.net, cast("Any", heir._load(host, self))
        self.host, self.net = cast("ManualHost", host), self.component.net
        assert self.net is not before
        for name, wire in host.wires.items():
            wire.ports.append(cast("Port", self.net.interfaces.by_name[name]))
        host.wake()
        old.clock.advance(0.00001)

    @property
    def connections(self) -> dict[Any, Any]:
        return self.inet.tcp.connections


class Site:
    """10.0.0.1, which is replaced, and 10.0.0.2."""

    def __init__(self, seed: int = 1) -> None:
        self.lab = Lab(seed)
        self.wire = Wire()
        self.one, self.two = Replaced(self.lab.host), self.lab.machine()
        self.one.plug(self.wire, "10.0.0.1/24", "fd00::1/64")
        self.two.plug(self.wire, "10.0.0.2/24", "fd00::2/64")
        self.lab.host.advance(3)


@pytest.fixture
def site() -> Site:
    return Site()


def made(machine: Machine, kind: int = const.SOCK_STREAM, family: int = const.AF_INET, protocol: int = 0) -> int:
    s: int = machine("socket", family, kind | NONBLOCK, protocol)
    return s


def maybe(machine: Machine, name: str, *args: object) -> Any:
    """None when it would have to wait."""
    try:
        return machine(name, *args)
    except KernelError as error:
        if error.errno not in (Errno.EAGAIN, Errno.EINPROGRESS):
            raise
        return None


def connected(site: Site) -> tuple[int, int, int]:
    """The listener of one, its end of a connection, and two's."""
    listener, client = made(site.one), made(site.two)
    site.one("bind", listener, SockaddrIn(bytes(4), 80))
    site.one("listen", listener, 5)
    maybe(site.two, "connect", client, SockaddrIn(HERE, 80))
    site.lab.host.advance(1)
    return listener, site.one("accept", listener).s, client


def test_a_connection_goes_on(site: Site) -> None:
    listener, server, client = connected(site)
    site.two("sendto", client, b"before", 0, None)
    site.one.replace()
    assert bytes(site.one("recvfrom", server, 100, 0).data) == b"before"
    site.one("sendto", server, b"answer", 0, None)
    assert bytes(site.two("recvfrom", client, 100, 0).data) == b"answer"
    again = made(site.two)
    maybe(site.two, "connect", again, SockaddrIn(HERE, 80))
    site.lab.host.advance(1)
    assert site.one("accept", listener).name.sin_addr == THERE
    site.two("close", client)
    assert bytes(site.one("recvfrom", server, 100, 0).data) == b""
    site.one("close", server)
    site.one.replace()
    site.lab.host.advance(300)
    assert len(site.one.connections) == 1


@pytest.mark.parametrize("seed", range(6))
def test_every_byte_arrives_whenever_it_is_replaced(seed: int) -> None:
    """Both ways at once, with losses, replaced again and again at odd moments, also for longer than a timeout."""
    chosen, site = random.Random(seed), Site(seed)
    _, server, client = connected(site)
    site.wire.lose = lambda frame: chosen.random() < 0.03
    data = {name: chosen.randbytes(400_000) for name in ("up", "down")}
    sent, got = dict.fromkeys(data, 0), {name: bytearray() for name in data}
    times = 0
    for turn in range(20_000):
        for name, source, s, sink, r in (
            ("up", site.two, client, site.one, server), ("down", site.one, server, site.two, client)
        ):  # fmt: skip
            rest = memoryview(data[name])[sent[name] : sent[name] + 7_000]
            sent[name] += (maybe(source, "sendto", s, rest, 0, None) or 0) if rest else 0
            part = maybe(sink, "recvfrom", r, 9_000, 0)
            got[name] += part.data if part else b""
        if all(len(got[name]) == len(data[name]) for name in data):
            break
        site.lab.host.advance(chosen.choice((0.0005, 0.01, 0.2)))
        if turn % 10 == 5:
            times += 1
            site.one.replace(after=chosen.choice((0.0, 0.05, 2.5)))
    assert {name: bytes(value) for name, value in got.items()} == data
    assert times >= 5


def test_sockets_of_other_kinds(site: Site) -> None:
    plain, bound6 = made(site.one, const.SOCK_DGRAM), made(site.one, const.SOCK_DGRAM, const.AF_INET6)
    raw = made(site.one, const.SOCK_RAW, protocol=253)
    site.one("bind", plain, SockaddrIn(bytes(4), 53))
    site.one("setsockopt", plain, const.SOL_SOCKET, const.SO_RCVBUF, SockoptInteger(12345))
    site.one("bind", bound6, SockaddrIn6(HERE6, 99))
    pair = site.one("socketpair", const.AF_LOCAL, const.SOCK_STREAM | NONBLOCK, 0)
    site.one("sendto", pair.s1, b"kept", 0, None)
    asker, stranger = made(site.two, const.SOCK_DGRAM), made(site.two, const.SOCK_RAW, protocol=253)
    site.two("sendto", asker, b"early", 0, SockaddrIn(HERE, 53))
    site.two("sendto", stranger, b"raw early", 0, SockaddrIn(HERE))
    site.one.replace()
    site.two("sendto", asker, b"late", 0, SockaddrIn(HERE, 53))
    site.two("sendto", stranger, b"raw late", 0, SockaddrIn(HERE))
    got = [site.one("recvfrom", plain, 100, 0) for _ in range(2)]
    assert [bytes(g.data) for g in got] == [b"early", b"late"]
    assert [bytes(site.one("recvfrom", raw, 100, 0).data)[20:] for _ in range(2)] == [b"raw early", b"raw late"]
    assert site.one("getsockopt", plain, const.SOL_SOCKET, const.SO_RCVBUF).integer == 12345
    assert site.one("getsockname", bound6).sin6_port == 99
    assert fails(site.one, "bind", made(site.one, const.SOCK_DGRAM), SockaddrIn(bytes(4), 53)) == "EADDRINUSE"
    assert bytes(site.one("recvfrom", pair.s2, 100, 0).data) == b"kept"
    site.one("sendto", pair.s2, b"and back", 0, None)
    assert bytes(site.one("recvfrom", pair.s1, 100, 0).data) == b"and back"


def test_what_kqueues_watch(site: Site) -> None:
    _, server, client = connected(site)
    spec = KnoteSpec(server, server, 0, const.EVFILT_READ, const.EV_ADD | const.EV_CLEAR)
    site.one("knote_change", 3, [spec], 0)
    site.one.replace()
    assert not site.one("knote_collect", 3, 5, False)
    site.two("sendto", client, b"news", 0, None)
    assert [(e.ident, e.data) for e in site.one("knote_collect", 3, 5, False)] == [(server, 4)]
    site.one.replace()
    assert not site.one("knote_collect", 3, 5, False), "EV_CLEAR: it was told already"


def test_handles_are_not_given_out_again(site: Site) -> None:
    first = made(site.one)
    site.one.replace()
    assert made(site.one) > first
    site.one("close", first)


def test_a_half_open_connection_and_one_that_waits(site: Site) -> None:
    listener, server, client = connected(site)
    site.one("close", server)
    site.two("close", client)  # TIME_WAIT is at one, which closed first
    late = made(site.two)
    site.wire.lose = lambda frame: frame[12:14] == b"\x08\0" and frame[30:34] == THERE  # SYN|ACK does not arrive
    maybe(site.two, "connect", late, SockaddrIn(HERE, 80))
    site.one.replace()
    site.wire.lose = lambda frame: False
    site.lab.host.advance(4)
    assert site.one("accept", listener).name.sin_addr == THERE
    assert len(site.one.connections) == 2
    site.one.replace()
    site.lab.host.advance(130)
    assert len(site.one.connections) == 1, "the one that waited is gone in its time"


def test_one_that_is_being_made(site: Site) -> None:
    listener, client = made(site.two), made(site.one)
    site.two("bind", listener, SockaddrIn(bytes(4), 80))
    site.two("listen", listener, 5)
    site.wire.lose = lambda frame: frame[12:14] == b"\x08\0"
    maybe(site.one, "connect", client, SockaddrIn(THERE, 80))
    site.one.replace()
    assert fails(site.one, "connect", client, SockaddrIn(THERE, 80)) == "EALREADY"
    site.wire.lose = lambda frame: False
    site.lab.host.advance(4)
    assert site.two("accept", listener).name.sin_addr == HERE
    assert fails(site.one, "connect", client, SockaddrIn(THERE, 80)) == "EISCONN"


def test_a_search_for_what_a_path_takes() -> None:
    """RFC 4821: in the middle of it, also while a probe is under way."""
    site = Site()
    _, server, client = connected(site)
    most = 1300
    deaf = [False]

    def lose(frame: bytes) -> bool:
        return len(frame) - 14 > most or (deaf[0] and frame[26:30] == THERE)

    site.wire.lose = lose
    got, data = bytearray(), random.Random(3).randbytes(400_000)
    sent, under_way, lows = 0, 0, set()
    for turn in range(3_000):
        deaf[0] = turn % 4 == 1
        rest = memoryview(data)[sent : sent + 30_000]
        sent += (maybe(site.one, "sendto", server, rest, 0, None) or 0) if rest else 0
        search = the_connection(site).search
        if search is not None:
            lows.add(search.low)
            if deaf[0] or turn % 20 == 0:
                under_way += bool(search.size)
                before = (search.low, search.high, search.size)
                site.one.replace()
                after = the_connection(site).search
                assert after is not None
                assert after is not search
                assert before == (after.low, after.high, after.size) or not deaf[0]
        deaf[0] = False
        site.lab.host.advance(0.3)
        part = maybe(site.two, "recvfrom", client, 1 << 20, 0)
        got += part.data if part else b""
        if len(got) == len(data):
            break
    assert bytes(got) == data
    assert under_way > 0
    assert len(lows) > 1
    assert most - 32 < the_connection(site).pmtu <= most


def the_connection(site: Site) -> Connection:
    return next(c for c in site.one.connections.values() if isinstance(c, Connection))


def test_what_a_packet_filter_knows_of_connections() -> None:
    """A router that translates, with a rule that lets answers in alone."""
    lab, inner, outer = Lab(), Wire(), Wire()
    client, router, server = lab.machine(), Replaced(lab.host), lab.machine()
    client.plug(inner, "10.0.0.2/24")
    router.plug(inner, "10.0.0.1/24")
    router.plug(outer, "192.0.2.1/24")
    server.plug(outer, "192.0.2.9/24")
    client.net.routes.add(ANY, 0, client.net.interfaces.get("eth0"), gateway=ip("10.0.0.1"))
    router.inet.ip.forwarding.value = 1
    router("npf_load", _npf_conf.parse(RULES))
    router("npf_switch", True)
    listener, s = made(server), made(client)
    server("bind", listener, SockaddrIn(ANY, 80))
    server("listen", listener, 5)
    maybe(client, "connect", s, SockaddrIn(ip("192.0.2.9"), 80))
    accepted = server("accept", listener)
    assert accepted.name.sin_addr == ip("192.0.2.1")
    known = router("npf_connections")
    assert len(known) == 1
    for number in range(3):
        router.replace(after=0.01)
        server("sendto", accepted.s, b"%d" % number, 0, None)
        assert bytes(client("recvfrom", s, 10, 0).data) == b"%d" % number
        client("sendto", s, b"back", 0, None)
        assert bytes(server("recvfrom", accepted.s, 10, 0).data) == b"back"
    assert len(router("npf_connections")) == 1
    assert fails(server, "connect", made(server), SockaddrIn(ip("192.0.2.1"), 1)) == "ECONNREFUSED"
    client("close", s)
    server("close", accepted.s)
    router.replace()
    lab.host.advance(1000)
    assert not router("npf_connections"), "it is forgotten in its time"


def test_what_bpf_has_caught(site: Site) -> None:
    bpf = Opened(site.one)
    bpf.set_filter(TCP_ONLY)
    site.wire.frames.clear()
    asker, there = made(site.two, const.SOCK_DGRAM), made(site.one, const.SOCK_DGRAM)
    site.one("bind", there, SockaddrIn(bytes(4), 7))
    site.two("sendto", asker, b"early", 0, SockaddrIn(HERE, 7))
    site.one.replace()
    site.two("sendto", asker, b"late", 0, SockaddrIn(HERE, 7))
    caught = [frame for _ in range(2) for frame, _ in bpf.read()]
    assert caught == [frame for frame in site.wire.frames if frame[12:14] == b"\x08\0"]
    assert [word in frame for word, frame in zip((b"early", b"late"), caught, strict=True)] == [True, True]
    assert bpf.control("BIOCGETIF").startswith("eth0")


@pytest.fixture
def forwarder(monkeypatch: pytest.MonkeyPatch) -> tuple[dns.Site, Replaced]:
    """The second machine of the site, its router, is one that can be replaced."""
    machines: list[Machine] = []
    plain = Lab.machine

    def machine(lab: Lab) -> Machine:
        made = Replaced(lab.host) if len(machines) == 1 else plain(lab)
        machines.append(made)
        return made

    monkeypatch.setattr(Lab, "machine", machine)
    site = dns.Site()
    return site, cast("Replaced", site.router)


def test_questions_to_a_forwarder(forwarder: tuple[dns.Site, Replaced]) -> None:
    """Those that wait for an answer, and what is remembered."""
    site, router = forwarder
    site.ask(dns.query("a.example", 7))
    asked, to = site.forwarded()
    router.replace()
    site.said(dns.reply(asked, b"\1\2\3\4"), to)
    assert site.answer() == dns.reply(dns.query("a.example", 7), b"\1\2\3\4")
    router.replace()
    site.ask(dns.query("a.example", 8))
    assert site.answer() == dns.reply(dns.query("a.example", 8), b"\1\2\3\4")


def test_hosts_that_ask_by_connections_ask_again(forwarder: tuple[dns.Site, Replaced]) -> None:
    site, router = forwarder
    host = dns.stream(site.host, dns.ROUTER)
    site.host("write", host, dns.framed(dns.query("a.example", 9))[:5])
    router.replace()
    assert site.host("read", host, 10) == b"", "the connection ends"
    again = dns.stream(site.host, dns.ROUTER)
    site.host("write", again, dns.framed(dns.query("a.example", 9)))
    asked, to = site.forwarded()
    site.said(dns.reply(asked, b"\1\1\1\1"), to)
    assert dns.read_all(site.host, again) == [dns.reply(dns.query("a.example", 9), b"\1\1\1\1")]


def test_a_question_by_a_connection_is_asked_anew(forwarder: tuple[dns.Site, Replaced]) -> None:
    site, router = forwarder
    listener = dns.stream(site.server)
    site.ask(dns.edns("big.example", 4096, 5))
    asked, to = site.forwarded()
    site.said(dns.cut_short(asked), to)
    dns.asked_by_tcp(site, listener)
    router.replace()
    asked, to = site.forwarded()
    site.said(dns.reply(asked, b"\1\1\1\1"), to)
    assert site.answer()[:2] == b"\0\5"

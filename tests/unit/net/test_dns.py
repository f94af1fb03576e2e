"""The DNS forwarder: questions of a host, a forwarder between, and a server that the test plays."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.tcp.state import State
from rumpnet.core.wire import Malformed, dns
from rumpwire import const
from rumpwire.values import SockaddrIn, SockoptInteger
from tests.tools import need
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.linux import linux
from tests.unit.net.npf_packets import ip

ROUTER, SERVER = ip("10.0.0.1"), ip("192.0.2.9")


def name(text: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in text.split(".")) + b"\0"


def query(text: str, ident: int = 1, kind: int = 1) -> bytes:
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack("!HH", kind, 1)


def reply(data: bytes, addr: bytes, ttl: int = 300, code: int = 0, soa: int | None = None) -> bytes:
    """RFC 1035, 4.1: the question, and an address or (RFC 2308) who says that there is none."""
    counts = (1, 1, 0, 0) if soa is None else (1, 0, 1, 0)
    head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, *counts)
    if soa is None:
        return head + data[12:] + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, ttl, 4) + addr
    rdata = name("ns") + name("root") + struct.pack("!IIIII", 1, 2, 3, 4, soa)
    return head + data[12:] + b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, ttl, len(rdata)) + rdata


class Site:
    """A host on 10.0.0.0/24, a forwarder at 10.0.0.1 and 192.0.2.1, a server at 192.0.2.9."""

    def __init__(self) -> None:
        self.lab = Lab()
        inner, outer = Wire(), Wire()
        self.host, self.router, self.server = (self.lab.machine() for _ in range(3))
        self.host.plug(inner, "10.0.0.2/24")
        self.router.plug(inner, "10.0.0.1/24")
        self.router.plug(outer, "192.0.2.1/24")
        self.server.plug(outer, "192.0.2.9/24")
        self.router("dns_forward", [SERVER])
        self.asker = self.socket(self.host)
        self.service = self.socket(self.server, 53)

    def socket(self, machine: Machine, port: int = 0) -> int:
        s: int = machine("socket", const.AF_INET, const.SOCK_DGRAM, 0)
        if port:
            machine("bind", s, SockaddrIn(bytes(4), port))
        machine("fcntl", s, const.F_SETFL, const.O_NONBLOCK, None)
        return s

    def ask(self, data: bytes) -> None:
        self.host("sendto", self.asker, data, 0, SockaddrIn(ROUTER, 53))

    def forwarded(self) -> tuple[bytes, SockaddrIn]:
        got = self.server("recvfrom", self.service, 4096, None)
        return bytes(got.data), got.from_addr

    def said(self, data: bytes, to: SockaddrIn) -> None:
        self.server("sendto", self.service, data, 0, to)

    def answer(self) -> bytes:
        got = self.host("recvfrom", self.asker, 4096, None)
        assert got.from_addr == SockaddrIn(ROUTER, 53)
        return bytes(got.data)


@pytest.fixture
def site() -> Site:
    return Site()


def test_an_answer_comes_back_and_is_remembered(site: Site) -> None:
    site.ask(query("a.example", 77))
    asked, to = site.forwarded()
    assert asked[2:] == query("a.example")[2:]
    site.said(reply(asked, b"\1\2\3\4", 300), to)
    assert site.answer() == reply(query("a.example", 77), b"\1\2\3\4", 300)
    site.lab.host.advance(100)
    site.ask(query("A.Example", 78))
    assert site.answer() == reply(query("A.Example", 78), b"\1\2\3\4", 200)
    assert fails(site.server, "recvfrom", site.service, 10, None) == "EAGAIN", "it was not asked again"
    site.lab.host.advance(201)
    site.ask(query("a.example", 79))
    site.forwarded()


def test_ports_and_identifiers_are_random(site: Site) -> None:
    seen = set()
    for number in range(20):
        site.ask(query(f"n{number}.example"))
        asked, to = site.forwarded()
        seen.add((asked[:2], to.sin_port))
    assert len({ident for ident, _ in seen}) > 15
    assert len({port for _, port in seen}) > 15


def test_wrong_answers_are_not_believed(site: Site) -> None:
    site.ask(query("a.example", 7))
    asked, to = site.forwarded()
    wrong = (int.from_bytes(asked[:2], "big") ^ 1).to_bytes(2, "big") + asked[2:]
    site.said(reply(wrong, b"\6\6\6\6"), to)
    site.said(reply(asked[:2] + query("b.example")[2:], b"\6\6\6\6"), to)
    site.said(asked, to)
    assert fails(site.host, "recvfrom", site.asker, 10, None) == "EAGAIN"
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert site.answer()[-4:] == b"\1\1\1\1"


def test_two_who_ask_the_same_cost_one_question(site: Site) -> None:
    site.ask(query("a.example", 1))
    site.ask(query("a.example", 2))
    asked, to = site.forwarded()
    assert fails(site.server, "recvfrom", site.service, 10, None) == "EAGAIN"
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert {site.answer()[:2], site.answer()[:2]} == {b"\0\1", b"\0\2"}


def test_that_there_is_nothing_is_remembered_as_long_as_its_soa_says(site: Site) -> None:
    site.ask(query("no.example"))
    asked, to = site.forwarded()
    site.said(reply(asked, b"", ttl=3000, code=3, soa=30), to)
    assert site.answer()[3] & 15 == 3
    site.lab.host.advance(29)
    site.ask(query("no.example"))
    assert site.answer()[3] & 15 == 3
    site.lab.host.advance(2)
    site.ask(query("no.example"))
    site.forwarded()


def test_a_silent_server_is_asked_again_and_then_the_host_is_told(site: Site) -> None:
    site.ask(query("a.example"))
    site.lab.host.advance(9)
    assert [bytes(site.forwarded()[0])[2:] for _ in range(4)] == [query("a.example")[2:]] * 4
    assert site.answer()[3] & 15 == dns.SERVER_FAILURE


def test_another_server_takes_over(site: Site) -> None:
    site.router("dns_forward", [ip("192.0.2.99"), SERVER])
    site.ask(query("a.example"))
    site.lab.host.advance(2.5)
    asked, to = site.forwarded()
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert site.answer()[-4:] == b"\1\1\1\1"


def test_it_ends(site: Site) -> None:
    site.router("dns_forward", [])
    connected = site.socket(site.host)
    site.host("connect", connected, SockaddrIn(ROUTER, 53))
    site.host("write", connected, query("a.example"))
    assert fails(site.host, "read", connected, 10) == "ECONNREFUSED"
    assert fails(site.router, "dns_forward", [b"x"]) == "EINVAL"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_hostile_messages(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([reply(query("a.example"), b"\1\1\1\1"), query("a.example"),
                                      reply(query("no.example"), b"", code=3, soa=9)]))  # fmt: skip
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(0, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = dns.parse(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except Malformed:
        return
    assert all(at + 4 <= len(raw) for at in message.ttls)


# -- over TCP

GOING = {State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING, State.LAST_ACK}


def long_reply(data: bytes, count: int) -> bytes:
    """An answer of so many addresses."""
    rows = b"".join(b"\xc0\x0c" + struct.pack("!HHIHI", 1, 1, 300, 4, n) for n in range(count))
    return data[:2] + struct.pack("!HHHHH", 0x8180, 1, count, 0, 0) + data[12 : 12 + len(question_of(data))] + rows


def question_of(data: bytes) -> bytes:
    return data[12 : data.index(b"\0", 12) + 5]


def edns(text: str, size: int, ident: int = 1) -> bytes:
    bare = query(text, ident)
    return bare[:11] + b"\1" + bare[12:] + b"\0" + struct.pack("!HHIH", 41, size, 0, 0)


def cut_short(asked: bytes) -> bytes:
    return asked[:2] + struct.pack("!HHHHH", 0x8380, 1, 0, 0, 0) + question_of(asked)


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def stream(machine: Machine, to: bytes | None = None) -> int:
    """A listener on port 53, or a connection to another machine's."""
    s: int = machine("socket", const.AF_INET, const.SOCK_STREAM, 0)
    if to is None:
        machine("setsockopt", s, const.SOL_SOCKET, const.SO_REUSEADDR, SockoptInteger(1))
        machine("bind", s, SockaddrIn(bytes(4), 53))
        machine("listen", s, 5)
    else:
        machine("connect", s, SockaddrIn(to, 53))
    machine("fcntl", s, const.F_SETFL, const.O_NONBLOCK, None)
    return s


def read_all(machine: Machine, s: int) -> list[bytes]:
    """The messages that are there."""
    data = bytes(machine("read", s, 1 << 20))
    found = []
    while data:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def asked_by_tcp(site: Site, listener: int) -> tuple[int, bytes]:
    """The server's next connection, and the question on it."""
    s = site.server("accept", listener).s
    (asked,) = read_all(site.server, s)
    return s, asked


def test_a_truncated_answer_is_asked_for_again_over_tcp(site: Site) -> None:
    listener = stream(site.server)
    site.ask(edns("big.example", 4096, 5))
    asked, to = site.forwarded()
    site.said(cut_short(asked), to)
    s, again = asked_by_tcp(site, listener)
    assert again == asked, "the same question, under the same identifier"
    site.server("write", s, framed(long_reply(asked, 60)))
    whole = site.answer()
    assert (whole[:2], whole[2] & 2, int.from_bytes(whole[6:8], "big")) == (b"\0\5", 0, 60)
    site.ask(query("big.example", 6))
    short = site.answer()
    assert short == b"\0\6" + struct.pack("!HHHHH", 0x8380, 1, 0, 0, 0) + question_of(asked), "512 bytes at most"
    site.ask(edns("big.example", 600, 7))
    assert site.answer()[2] & 2
    host = stream(site.host, ROUTER)
    site.host("write", host, framed(query("big.example", 8)))
    assert read_all(site.host, host) == [long_reply(query("big.example", 8), 60)]
    assert fails(site.server, "recvfrom", site.service, 10, None) == "EAGAIN", "it was remembered"


def test_many_questions_on_one_connection_are_answered_as_answers_come(site: Site) -> None:
    host = stream(site.host, ROUTER)
    data = b"".join(framed(query(f"n{n}.example", n)) for n in range(3))
    for at in range(0, len(data), 7):
        site.host("write", host, data[at : at + 7])
    asked = [site.forwarded() for _ in range(3)]
    for question, to in reversed(asked):
        site.said(reply(question, b"\1\1\1\1"), to)
    assert [message[:2] for message in read_all(site.host, host)] == [b"\0\2", b"\0\1", b"\0\0"]


def test_a_host_that_has_said_all_still_gets_its_answer(site: Site) -> None:
    host = stream(site.host, ROUTER)
    site.host("write", host, framed(query("a.example", 9)))
    site.host("shutdown", host, const.SHUT_WR)
    asked, to = site.forwarded()
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert read_all(site.host, host) == [reply(query("a.example", 9), b"\1\1\1\1")]
    assert site.host("read", host, 10) == b"", "then the connection ends"


@pytest.mark.parametrize("nobody", [True, False])
def test_a_truncated_answer_is_better_than_none(site: Site, nobody: bool) -> None:
    if not nobody:
        stream(site.server)
    site.ask(query("big.example"))
    for _ in range(4):
        asked, to = site.forwarded()
        site.said(cut_short(asked), to)
        site.lab.host.advance(6)
    assert site.answer() == cut_short(query("big.example"))


def test_a_server_that_talks_nonsense_over_tcp_is_not_believed(site: Site) -> None:
    listener = stream(site.server)
    site.ask(query("big.example"))
    for said in (b"\0\0", b"\xff\xff", framed(b"x"), framed(query("big.example"))):
        asked, to = site.forwarded()
        site.said(cut_short(asked), to)
        s, _ = asked_by_tcp(site, listener)
        site.server("write", s, said)
        site.server("close", s)
    assert site.answer()[2] & 2


@pytest.mark.parametrize("said", [b"\0\0", framed(b"junk"), framed(reply(query("a.example"), b"\1\1\1\1")), b"\0"])
def test_connections_that_make_no_sense_or_are_silent_are_closed(site: Site, said: bytes) -> None:
    host = stream(site.host, ROUTER)
    site.host("write", host, said)
    site.lab.host.advance(11)
    assert site.host("read", host, 10) == b""


def test_connections_are_few_and_the_idle_ones_go_first(site: Site) -> None:
    busy = stream(site.host, ROUTER)
    site.host("write", busy, framed(query("a.example", 3)))
    asked, to = site.forwarded()
    others = [stream(site.host, ROUTER) for _ in range(100)]
    assert site.host("read", others[0], 10) == b""
    assert fails(site.host, "read", others[-1], 10) == "EAGAIN"
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert len(read_all(site.host, busy)) == 1


def test_a_host_that_reads_nothing_holds_nobody_up(site: Site) -> None:
    listener = stream(site.server)
    host = stream(site.host, ROUTER)
    site.host("setsockopt", host, const.SOL_SOCKET, const.SO_RCVBUF, SockoptInteger(2048))
    site.host("write", host, framed(query("big.example", 0)))
    asked, to = site.forwarded()
    site.said(cut_short(asked), to)
    s, again = asked_by_tcp(site, listener)
    site.server("write", s, framed(long_reply(again, 1000)))
    for number in range(1, 60):
        site.host("write", host, framed(query("big.example", number)))
    site.ask(query("b.example"))
    asked, to = site.forwarded()
    site.said(reply(asked, b"\1\1\1\1"), to)
    assert site.answer()[-4:] == b"\1\1\1\1"
    site.lab.host.advance(30)
    assert {c.state for c in site.router.inet.tcp.connections.values()} <= GOING, "its connection was given up"


def test_the_port_must_be_free_and_is_free_again(site: Site) -> None:
    site.router("dns_forward", [])
    own = stream(site.router)
    assert fails(site.router, "dns_forward", [SERVER]) == "EADDRINUSE"
    site.router("close", own)
    site.router("dns_forward", [SERVER])
    site.router("dns_forward", [SERVER])
    host = stream(site.host, ROUTER)
    site.router("dns_forward", [])
    assert site.host("read", host, 10) == b""
    stream(site.router)


# -- with the programs and the kernel of Linux


def test_dig_over_udp_and_over_tcp() -> None:
    """A Linux that is both the host that asks and the server, whose answers are too long for datagrams."""
    need("dig")
    with linux() as (peer, router):
        router("dns_forward", [ip("10.0.0.1")])
        datagrams = peer.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener = peer.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for so in (datagrams, listener):
            so.bind(("10.0.0.1", 53))
            so.settimeout(None)
        listener.listen()
        threads = [threading.Thread(target=serve, args=(so,), daemon=True) for so in (datagrams, listener)]
        for thread in threads:
            thread.start()
        short = ("+noall", "+answer", "+tries=1", "+timeout=15")
        for how in ("+tcp", "+notcp", "+keepopen"):
            said = peer.talk("dig", "@10.0.0.2", f"long-{how[1:]}.example", "A", how, *short)
            assert len([line for line in said.splitlines() if line.split()[3:4] == ["A"]]) == 100, said
        said = peer.talk("dig", "@10.0.0.2", "+ignore", "+noedns", "long-tcp.example", "A", "+tries=1", "+timeout=15")
        assert re.search(r"flags:[a-z ]* tc", said), said
        said = peer.talk("dig", "@10.0.0.2", "+tcp", "+keepopen", "long-tcp.example", "A", "other.example", "A", *short)
        assert said.count("IN\tA\t") == 200, said
        for so in (datagrams, listener):
            with contextlib.suppress(OSError):
                so.shutdown(socket.SHUT_RDWR)  # the threads end
            so.close()


def serve(so: socket.socket) -> None:
    """A server whose answers have a hundred addresses."""
    with contextlib.suppress(OSError):
        while so.type == socket.SOCK_DGRAM:
            data, name = so.recvfrom(4096)
            if not data:
                return
            so.sendto(cut_short(data), name)
        while True:
            connection, _ = so.accept()
            with connection:
                connection.settimeout(10)
                data = connection.recv(4096)
                connection.sendall(framed(long_reply(data[2:], 100)))

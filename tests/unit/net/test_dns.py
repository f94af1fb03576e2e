"""The DNS forwarder: questions of a host, a forwarder between, and a server that the test plays."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.wire import Malformed, dns
from rumpwire import const
from rumpwire.values import SockaddrIn
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire
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
